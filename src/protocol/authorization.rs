//! The authorization request, and the redirect that answers it.
//!
//! An [`AuthorizationRequest`] remembers what it sent: `state`, `nonce`, the verifier and the redirect URI. Only it can
//! turn parameters of a redirect into an [`AuthorizationResponse`], so that a response that exists has been checked.

use serde_json::Value;
use url::Url;

use super::parameters::Parameters;
use super::pkce::{self, Method};
use super::{Error, ErrorResponse, RedirectFault, jarm, scope};
use crate::secret::Secret;

/// Characters of an address that browsers, proxies and servers commonly take; many servers stop at 8 KiB or 16 KiB.
pub const MAX_URL: usize = 16 * 1024;

/// Parameters that keyfob sets itself, or that a specification keeps for other purposes.
pub const RESERVED: &[&str] = &[
    "client_id",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "dpop_jkt",
    "grant_type",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
    "access_token",
];

/// Longest authorization code, in bytes: far above any seen, and bounded.
const MAX_CODE: usize = 8 * 1024;

/// The parameter that carries a signed answer (JARM §2.3).
pub const RESPONSE: &str = "response";

/// Fresh random values for one request, made by the caller.
#[derive(Debug)]
pub struct Fresh {
    /// At least 128 bits, in base64url.
    pub state: Secret,
    /// At least 128 bits, in base64url.
    pub nonce: Secret,
    /// 43 characters from 256 bits.
    pub verifier: Secret,
}

/// What a request is made from.
#[derive(Debug)]
pub struct Draft<'a> {
    /// Where the browser goes.
    pub endpoint: &'a Url,
    /// `code`, unless the entry's server has another word for it.
    pub response_type: &'a str,
    /// The client.
    pub client_id: &'a str,
    /// Where the browser comes back to, byte for byte as the token request will repeat it.
    pub redirect_uri: &'a str,
    /// What is asked for.
    pub scopes: &'a [String],
    /// What separates scopes: a blank, unless the entry says otherwise.
    pub scope_separator: &'a str,
    /// The name of the scope parameter: `scope`, unless the entry says otherwise.
    pub scope_param: &'a str,
    /// The PKCE method.
    pub pkce: Method,
    /// How the answer travels, where it is not the query.
    pub response_mode: Option<&'a str>,
    /// The thumbprint of the key that the tokens will be bound to (RFC 9449 §10).
    pub dpop_jkt: Option<&'a str>,
    /// Resource indicators (RFC 8707 §2).
    pub resources: &'a [String],
    /// Further parameters of the entry and the user.
    pub extra: &'a [(String, String)],
    /// Other names for parameters.
    pub names: &'a [(String, String)],
    /// A fragment to put after the address.
    pub fragment: Option<&'a str>,
}

/// What the browser is sent with.
///
/// # Specification
/// RFC 6749 §4.1.1; RFC 7636 §4.3; OpenID Connect Core §3.1.2.1.
#[derive(Debug)]
pub struct AuthorizationRequest {
    endpoint: Url,
    fragment: Option<String>,
    client_id: String,
    /// Under their specified names.
    parameters: Parameters,
    /// The server's names for them.
    names: Vec<(String, String)>,
    state: Secret,
    state_name: String,
    code_name: String,
    nonce: Option<Secret>,
    verifier: Option<Secret>,
    redirect_uri: String,
    /// Whether the answer is to be a signed token.
    signed_answer: bool,
}

/// What a request remembers, so that its redirect can be checked by another process.
#[derive(Debug)]
pub struct Remembered {
    /// The state.
    pub state: Secret,
    /// The nonce, if one was sent.
    pub nonce: Option<Secret>,
    /// The verifier, if its challenge was sent.
    pub verifier: Option<Secret>,
    /// Where the browser was to come back to.
    pub redirect_uri: String,
    /// Whether the answer is to be a signed token.
    pub signed_answer: bool,
}

/// A redirect that passed every check; only its [request](AuthorizationRequest::accept) makes one.
#[non_exhaustive]
pub struct AuthorizationResponse {
    /// What the token endpoint takes, once.
    pub code: Secret,
    /// All parameters of the redirect, for entries that keep some.
    pub parameters: Vec<(String, String)>,
}

impl std::fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthorizationResponse(…)")
    }
}

/// Which issuer a redirect may come from.
#[derive(Debug, Clone, Copy)]
pub struct Issuer<'a> {
    /// The issuer, where one is known.
    pub name: Option<&'a str>,
    /// Whether the metadata announces `authorization_response_iss_parameter_supported`.
    pub announced: bool,
}

impl AuthorizationRequest {
    /// Builds the request.
    ///
    /// # Errors
    /// [`Error::Scope`], [`Error::ReservedParameter`], [`Error::Parameter`], [`Error::TooLong`].
    pub fn new(draft: &Draft<'_>, fresh: Fresh) -> Result<Self, Error> {
        scope::check(draft.scopes)?;
        let (state_name, code_name) = (own_name("state", draft.names), own_name("code", draft.names));
        let openid = draft.scopes.iter().any(|scope| scope == "openid");
        let challenge = pkce::challenge(draft.pkce, &fresh.verifier);

        let mut parameters = Parameters::new();
        parameters.set("response_type", draft.response_type);
        parameters.set("client_id", draft.client_id);
        parameters.set("redirect_uri", draft.redirect_uri);
        if !draft.scopes.is_empty() {
            parameters.set(draft.scope_param, draft.scopes.join(draft.scope_separator));
        }
        parameters.set("state", fresh.state.expose());
        if openid {
            parameters.set("nonce", fresh.nonce.expose());
        }
        if let Some((challenge, method)) = &challenge {
            parameters.set("code_challenge", challenge.as_str());
            parameters.set("code_challenge_method", *method);
        }
        if let Some(mode) = draft.response_mode {
            parameters.set("response_mode", mode);
        }
        if let Some(jkt) = draft.dpop_jkt {
            parameters.set("dpop_jkt", jkt);
        }
        for resource in draft.resources {
            check_resource(resource)?;
            parameters.add("resource", resource.as_str());
        }
        for (name, value) in draft.extra {
            check_extra(name, value)?;
            if draft.names.iter().any(|(_, own)| own == name) {
                return Err(Error::ReservedParameter(name.clone()));
            }
            parameters.set(name, value.as_str());
        }
        // Sent twice, the server and we might each mean another one (RFC 6749 §3.1).
        let sent = parameters.renamed(draft.names);
        let twice = draft.endpoint.query_pairs().find(|(name, _)| sent.contains(name));
        if let Some((name, _)) = twice {
            return Err(Error::EndpointParameter(super::jose::excerpt(&name)));
        }
        Ok(Self {
            endpoint: draft.endpoint.clone(),
            fragment: draft.fragment.map(str::to_owned),
            client_id: draft.client_id.to_owned(),
            parameters,
            names: draft.names.to_vec(),
            state: fresh.state,
            state_name,
            code_name,
            nonce: openid.then_some(fresh.nonce),
            verifier: challenge.is_some().then_some(fresh.verifier),
            redirect_uri: draft.redirect_uri.to_owned(),
            signed_answer: draft.response_mode.is_some_and(|mode| mode == "jwt" || mode.ends_with(".jwt")),
        })
    }

    /// A request that was sent by another process, to `endpoint`; `names` are other names for parameters.
    pub fn resume(endpoint: Url, remembered: Remembered, names: &[(String, String)]) -> Self {
        let Remembered { state, nonce, verifier, redirect_uri, signed_answer } = remembered;
        Self {
            endpoint,
            fragment: None,
            client_id: String::new(),
            parameters: Parameters::new(),
            names: names.to_vec(),
            signed_answer,
            state,
            state_name: own_name("state", names),
            code_name: own_name("code", names),
            nonce,
            verifier,
            redirect_uri,
        }
    }

    /// Where the browser is sent, with all parameters in the address.
    ///
    /// # Errors
    /// [`Error::TooLong`]; [`Error::Parameter`] for an endpoint that takes no parameters.
    pub fn url(&self) -> Result<Url, Error> {
        self.address(&self.parameters)
    }

    /// Where the browser is sent when the server knows the parameters already, under this name.
    ///
    /// # Errors
    /// As [`url`](Self::url).
    ///
    /// # Specification
    /// RFC 9126 §4: `client_id` and `request_uri`, and nothing else.
    pub fn url_of_pushed(&self, request_uri: &str) -> Result<Url, Error> {
        let mut parameters = Parameters::new();
        parameters.set("client_id", self.client_id.as_str());
        parameters.set("request_uri", request_uri);
        self.address(&parameters)
    }

    /// Where the browser is sent with a request object that holds all parameters.
    ///
    /// # Errors
    /// As [`url`](Self::url).
    ///
    /// # Specification
    /// RFC 9101 §5; OpenID Connect Core §6.1 (`response_type` and `scope` stay outside as well).
    pub fn url_of_signed(&self, request: &str) -> Result<Url, Error> {
        let mut parameters = Parameters::new();
        let repeated: &[&str] = if self.nonce.is_some() { &["response_type", "scope"] } else { &[] };
        for (name, value) in self.parameters.iter().filter(|(name, _)| repeated.contains(name)) {
            parameters.set(name, value.expose());
        }
        parameters.set("client_id", self.client_id.as_str());
        parameters.set("request", request);
        self.address(&parameters)
    }

    /// All parameters, under their specified names.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn address(&self, parameters: &Parameters) -> Result<Url, Error> {
        let malformed = |error: url::ParseError| Error::Parameter {
            name: "authorization_endpoint".into(),
            reason: error.to_string(),
        };
        let mut url = parameters.renamed(&self.names).appended_to(&self.endpoint).map_err(malformed)?;
        url.set_fragment(self.fragment.as_deref());
        match url.as_str().len() {
            length if length > MAX_URL => Err(Error::TooLong(length)),
            _ => Ok(url),
        }
    }

    /// The state that was sent.
    pub fn state(&self) -> &Secret {
        &self.state
    }

    /// The nonce that was sent, if one was.
    pub fn nonce(&self) -> Option<&Secret> {
        self.nonce.as_ref()
    }

    /// The verifier whose challenge was sent, if one was.
    pub fn verifier(&self) -> Option<&Secret> {
        self.verifier.as_ref()
    }

    /// The redirect URI that was sent.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Whether a redirect answers this request: it carries `state` once, as it was sent.
    ///
    /// Whoever does not know it can neither end the wait nor learn anything from its end.
    ///
    /// # Specification
    /// RFC 6749 §10.12; RFC 9700 §4.7.
    pub fn is_answered_by(&self, parameters: &[(String, String)]) -> bool {
        // Unsigned ones too: they come from the server, and are then refused.
        self.has_state(parameters)
            || self.signed_answer
                && parameters.iter().any(|(name, value)| name == RESPONSE && jarm::is_about(value, &self.state))
    }

    /// Whether parameters carry `state` once, as it was sent.
    pub fn has_state(&self, parameters: &[(String, String)]) -> bool {
        let mut states = parameters.iter().filter(|(name, _)| *name == self.state_name);
        matches!((states.next(), states.next()), (Some((_, state)), None) if Secret::from(state.as_str()) == self.state)
    }

    /// The signed token of a redirect, where one was asked for; it is everything that the redirect may carry.
    ///
    /// # Errors
    /// [`Error::Redirect`] for a redirect with something else.
    ///
    /// # Specification
    /// JARM §2.3.
    pub fn signed_response<'a>(&self, parameters: &'a [(String, String)]) -> Result<Option<&'a str>, Error> {
        match parameters {
            _ if !self.signed_answer => Ok(None),
            [(name, response)] if name == RESPONSE => Ok(Some(response)),
            _ => Err(Error::Redirect(RedirectFault::NotSigned)),
        }
    }

    /// Checks a redirect that [answers](Self::is_answered_by) this request.
    ///
    /// # Errors
    /// [`Error::Redirect`] when it is not acceptable; [`Error::Server`] when it is, and says no.
    ///
    /// # Specification
    /// RFC 6749 §3.1, §4.1.2; RFC 9207 §2.4 (first of all, so that another server's error is not shown).
    pub fn accept(
        &self,
        parameters: Vec<(String, String)>,
        issuer: Issuer<'_>,
    ) -> Result<AuthorizationResponse, Error> {
        let refuse = |fault| Err(Error::Redirect(fault));
        let repeated = parameters
            .iter()
            .enumerate()
            .find(|(at, (name, _))| parameters[..*at].iter().any(|(other, _)| other == name));
        if let Some((_, (name, _))) = repeated {
            return refuse(RedirectFault::Duplicate(super::jose::excerpt(name)));
        }
        let value = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (issuer.name, value("iss")) {
            (Some(expected), Some(found)) if expected != found => {
                let (expected, found) = (expected.to_owned(), super::jose::excerpt(found));
                return refuse(RedirectFault::WrongIssuer { expected, found });
            }
            (Some(expected), None) if issuer.announced => {
                return refuse(RedirectFault::MissingIssuer { expected: expected.to_owned() });
            }
            _ => {}
        }
        if value("access_token").or(value("id_token")).is_some() {
            return refuse(RedirectFault::Token);
        }
        match (value(&self.code_name), value("error")) {
            (Some(_), Some(_)) => refuse(RedirectFault::CodeAndError),
            (None, Some(error)) => Err(Error::Server(ErrorResponse {
                error: error.to_owned(),
                description: value("error_description").map(str::to_owned),
                uri: value("error_uri").map(str::to_owned),
            })),
            (Some(code), None) if !code.is_empty() && code.len() <= MAX_CODE => {
                Ok(AuthorizationResponse { code: code.into(), parameters })
            }
            (_, None) => refuse(RedirectFault::NoCode),
        }
    }
}

/// What a server calls the parameter `name`.
fn own_name(name: &str, names: &[(String, String)]) -> String {
    let other = names.iter().find(|(known, _)| known == name);
    other.map_or_else(|| name.to_owned(), |(_, other)| other.clone())
}

/// Whether keyfob sets `name` itself.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// Checks a parameter that the user gives.
///
/// # Errors
/// [`Error::ReservedParameter`]; [`Error::Parameter`] for a value that its specification excludes.
///
/// # Specification
/// OpenID Connect Core §3.1.2.1, §5.5 (`claims` is JSON); RFC 9396 §2 (`authorization_details` too).
pub fn check_extra(name: &str, value: &str) -> Result<(), Error> {
    let refuse = |reason: String| Err(Error::Parameter { name: super::jose::excerpt(name), reason });
    match name {
        _ if is_reserved(name) => Err(Error::ReservedParameter(name.to_owned())),
        "" => refuse("it has no name".into()),
        "claims" => match super::json::parse_object(value.as_bytes()) {
            Ok(_) => Ok(()),
            Err(cause) => refuse(format!("it must be a JSON object: {cause}")),
        },
        "authorization_details" => match super::json::parse(value.as_bytes()) {
            Ok(Value::Array(_)) => Ok(()),
            Ok(_) => refuse("it must be a JSON array".into()),
            Err(cause) => refuse(format!("it must be a JSON array: {cause}")),
        },
        "max_age" if value.parse::<u64>().is_err() => refuse("it must be a number of seconds".into()),
        "resource" => check_resource(value),
        _ => Ok(()),
    }
}

/// Checks a resource indicator.
///
/// # Errors
/// [`Error::Parameter`] unless it is an absolute URI without fragment.
///
/// # Specification
/// RFC 8707 §2.
pub fn check_resource(resource: &str) -> Result<(), Error> {
    let refuse = |reason: &str| Err(Error::Parameter { name: "resource".into(), reason: reason.into() });
    match Url::parse(resource) {
        Err(_) => refuse("it must be an absolute URI"),
        Ok(_) if resource.contains('#') => refuse("it must not have a fragment"),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
