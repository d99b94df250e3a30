//! The authorization endpoint, and the consent page's answer.
//!
//! Until client and redirect URI are known to be right, a wrong request gets a page: sending the user agent on would make
//! the server an open redirector (RFC 9700 §4.11). Afterwards the client hears of everything, `iss` included (RFC 9207).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use url::form_urlencoded::Serializer;

use super::http::{Request, Response};
use super::parameters::Parameters;
use super::scope::Scope;
use super::server::{Refusal, Server};
use super::state::Question;
use super::{DemoServer, page};

/// Characters of `state` and `nonce` at most; a client that needs more keeps its state at home.
const TEXT_LIMIT: usize = 2048;

/// `GET /authorize`: shows the consent page, or says why not.
///
/// # Specification
/// RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1, RFC 7636 §4.3.
pub(super) fn ask(server: &Server, request: &Request, now: i64) -> Response {
    let Some(parameters) = Parameters::parse(request.query.as_deref().unwrap_or_default()) else {
        return page::refused(400, "The address is not well-formed.");
    };
    if parameters.one("client_id") != Ok(Some(DemoServer::CLIENT_ID)) {
        return page::refused(400, "The client is not known here.");
    }
    let redirect = parameters.one("redirect_uri").ok().flatten().and_then(|uri| Some((uri, loopback(uri)?)));
    let Some((redirect_uri, authority)) = redirect else {
        return page::refused(400, "The redirect URI is not registered for the client.");
    };
    let asked = question(&parameters, redirect_uri, now).and_then(|question| {
        let transaction = server.state().ask(question.clone())?;
        Ok(page::consent(&transaction, &question, authority))
    });
    asked.unwrap_or_else(|refusal| {
        // A `state` given twice cannot be returned: there is no telling which.
        let state = parameters.one("state").ok().flatten();
        denied(server, redirect_uri, state, refusal)
    })
}

/// `POST /consent`: the person's answer goes to the client.
///
/// # Specification
/// RFC 6749 §4.1.2, RFC 9207 §2. The status is 303, so that the form is not sent on (RFC 9700 §4.12).
pub(super) fn decide(server: &Server, request: &Request, now: i64) -> Response {
    let Some(form) = request.form().and_then(Parameters::parse).filter(|form| form.distinct().is_ok()) else {
        return page::refused(400, "The answer is not well-formed.");
    };
    let allowed = match form.one("decision") {
        Ok(Some("allow")) => true,
        Ok(Some("deny")) => false,
        _ => return page::refused(400, "The answer is neither yes nor no."),
    };
    let transaction = form.one("transaction").ok().flatten().unwrap_or_default();
    let Some(question) = server.state().take(transaction, now) else {
        return page::refused(400, "This question was answered before, or too long ago.");
    };
    let (redirect_uri, state) = (question.redirect_uri.clone(), question.state.clone());
    if !allowed {
        let refusal = Refusal::new("access_denied", "the request was denied on the consent page");
        return denied(server, &redirect_uri, Some(&state), refusal);
    }
    match server.state().allow(question, now) {
        Ok(code) => redirect(server, &redirect_uri, Some(&state), &[("code", &code)]),
        Err(error) => denied(server, &redirect_uri, Some(&state), error.into()),
    }
}

/// Checks all that concerns the client alone.
fn question(parameters: &Parameters, redirect_uri: &str, now: i64) -> Result<Question, Refusal> {
    parameters.distinct()?;
    if parameters.one("request")?.is_some() {
        return Err(Refusal::new("request_not_supported", "request objects are not supported"));
    }
    if parameters.one("request_uri")?.is_some() {
        return Err(Refusal::new("request_uri_not_supported", "request objects are not supported"));
    }
    match parameters.one("response_type")? {
        Some("code") => {}
        Some(_) => return Err(Refusal::new("unsupported_response_type", "response_type is not code")),
        None => return Err(Refusal::request("response_type is missing")),
    }
    if !matches!(parameters.one("response_mode")?, None | Some("query")) {
        return Err(Refusal::request("response_mode is not query"));
    }
    let challenge = challenge(parameters)?;
    let state = text(parameters.one("state")?)?.ok_or(Refusal::request("state is missing"))?;
    let nonce = text(parameters.one("nonce")?)?;
    prompt(parameters)?;
    let scope = parameters.one("scope")?.and_then(Scope::parse);
    let scope = scope.ok_or(Refusal::new("invalid_scope", "scope is missing or names one there is not"))?;
    Ok(Question { redirect_uri: redirect_uri.to_owned(), challenge, scope, state, nonce, asked_at: now })
}

/// The challenge: the SHA-256 of a verifier in base64url, 43 characters. A missing method means `plain`, which is refused
/// like any other (RFC 7636 §4.4.1, RFC 9700 §2.1.1).
fn challenge(parameters: &Parameters) -> Result<String, Refusal> {
    let challenge = parameters.one("code_challenge")?.ok_or(Refusal::request("code_challenge is missing"))?;
    if parameters.one("code_challenge_method")? != Some("S256") {
        return Err(Refusal::request("code_challenge_method is not S256"));
    }
    match URL_SAFE_NO_PAD.decode(challenge) {
        Ok(hash) if hash.len() == 32 => Ok(challenge.to_owned()),
        _ => Err(Refusal::request("code_challenge is not 43 characters of base64url")),
    }
}

/// A value that is returned as it came: printable ASCII (RFC 6749 appendix A.5) of bounded length.
fn text(value: Option<&str>) -> Result<Option<String>, Refusal> {
    match value {
        Some(value) if value.len() > TEXT_LIMIT || !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
            Err(Refusal::request("state or nonce is too long or not printable"))
        }
        value => Ok(value.map(str::to_owned)),
    }
}

/// The person is asked in any case, so `none` cannot be honoured (OpenID Connect Core §3.1.2.1, §3.1.2.6).
fn prompt(parameters: &Parameters) -> Result<(), Refusal> {
    let prompts: Vec<&str> = parameters.one("prompt")?.map(|value| value.split(' ').collect()).unwrap_or_default();
    if prompts == ["none"] {
        return Err(Refusal::new("interaction_required", "the person has to be asked"));
    }
    if !prompts.iter().all(|prompt| matches!(*prompt, "login" | "consent" | "select_account")) {
        return Err(Refusal::request("prompt has a value there is not, or none with others"));
    }
    Ok(())
}

/// The `host:port` of the registered redirect URI with any port, or `None` if `uri` is anything else, be it by a character
/// (RFC 8252 §7.3, RFC 9700 §2.1).
fn loopback(uri: &str) -> Option<&str> {
    let authority = uri.strip_prefix("http://")?.strip_suffix("/callback")?;
    let port = authority.strip_prefix("127.0.0.1:").or_else(|| authority.strip_prefix("[::1]:"))?;
    let number: u16 = port.parse().ok()?;
    (number != 0 && number.to_string() == port).then_some(authority)
}

/// Tells the client that there is no code, and why.
fn denied(server: &Server, redirect_uri: &str, state: Option<&str>, refusal: Refusal) -> Response {
    redirect(server, redirect_uri, state, &[("error", refusal.error), ("error_description", refusal.description)])
}

fn redirect(server: &Server, redirect_uri: &str, state: Option<&str>, answer: &[(&str, &str)]) -> Response {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(answer);
    if let Some(state) = state {
        query.append_pair("state", state);
    }
    query.append_pair("iss", server.issuer());
    Response::see_other(format!("{redirect_uri}?{}", query.finish()))
}
