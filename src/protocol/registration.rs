//! Registration of a client without a person: what is asked for, what the server made of it, and its end.
//!
//! # Specification
//! RFC 7591 (registration); RFC 7592 §2 (look-up and deletion); RFC 8252 §8.4 (native applications).

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};
use url::Url;

use super::http::{check_status, content, error_response, is_json, members};
use super::{Error, ErrorResponse, challenge, id_token};
use crate::secret::Secret;
use crate::system::http::{Request, Response, check_url};

/// What errors call it.
const ENDPOINT: &str = "registration endpoint";

/// Longest identifier, secret and token, in bytes: signed ones of several kilobytes exist, more would burden every request.
const LONGEST: usize = 8 * 1024;

/// How a registered client may prove who it is, unasked: without a key, which is nobody's but the client's.
const METHODS: [&str; 4] = ["none", "client_secret_basic", "client_secret_post", "client_secret_jwt"];

/// The method whose key the client brings.
const BY_KEY: &str = "private_key_jwt";

/// What a client says of itself.
///
/// # Specification
/// RFC 7591 §2; OpenID Connect Registration §2 (`application_type`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientMetadata {
    /// What a person sees on the consent page.
    pub client_name: String,
    /// Where the browser may come back to; empty for a grant without a browser.
    pub redirect_uris: Vec<String>,
    /// The grants that it will use.
    pub grant_types: Vec<String>,
    /// How it will prove who it is; `none` for a program that cannot keep a secret from its owner.
    pub token_endpoint_auth_method: String,
    /// What its assertions are signed with, where it is to be that alone (OpenID Connect Registration §2).
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// The public key that its assertions are checked with, as a JWK.
    pub key: Option<Value>,
    /// What somebody else vouches for (RFC 7591 §2.3).
    pub software_statement: Option<Secret>,
}

/// The client as the server registered it.
///
/// # Specification
/// RFC 7591 §3.2.1; RFC 7592 §3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientInformation {
    /// Its identifier.
    pub client_id: String,
    /// Its secret, where its method takes one.
    pub client_secret: Option<Secret>,
    /// Seconds since 1970 at which the secret ends; `None`: never.
    pub client_secret_expires_at: Option<i64>,
    /// How it proves who it is; what the server says counts.
    pub token_endpoint_auth_method: String,
    /// Where it is looked up and deleted, and with which token.
    pub management: Option<Management>,
}

/// Access to a registration (RFC 7592 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Management {
    /// `registration_client_uri`.
    pub uri: Url,
    /// `registration_access_token`.
    pub token: Secret,
}

impl ClientMetadata {
    /// The JSON document to send.
    fn document(&self) -> Value {
        let has_browser = !self.redirect_uris.is_empty();
        let mut document = json!({
            "client_name": self.client_name,
            "application_type": "native",
            "grant_types": self.grant_types,
            "response_types": if has_browser { json!(["code"]) } else { json!([]) },
            "token_endpoint_auth_method": self.token_endpoint_auth_method,
        });
        if has_browser {
            document["redirect_uris"] = json!(self.redirect_uris);
        }
        if let Some(algorithm) = &self.token_endpoint_auth_signing_alg {
            document["token_endpoint_auth_signing_alg"] = algorithm.as_str().into();
        }
        if let Some(key) = &self.key {
            document["jwks"] = json!({ "keys": [key] });
        }
        if let Some(statement) = &self.software_statement {
            document["software_statement"] = statement.expose().into();
        }
        document
    }

    /// The registration request; `initial_access_token` opens endpoints that are not open to everybody.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a token that no header can carry.
    ///
    /// # Specification
    /// RFC 7591 §3.1.
    pub fn request(&self, endpoint: &Url, initial_access_token: Option<&Secret>) -> Result<Request, Error> {
        let mut request = bare(Method::POST, endpoint, self.document().to_string().into_bytes())?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = initial_access_token {
            request.headers_mut().insert(AUTHORIZATION, bearer(token)?);
        }
        Ok(request)
    }

    /// Reads the answer at `now`. The redirect URIs must be those that were asked for, because the browser is sent to them.
    ///
    /// # Errors
    /// [`Error::Server`] when it says no; [`Error::Registered`] when it registered another client than was asked for;
    /// [`Error::Field`], [`Error::Status`] and those of any answer when it is malformed.
    ///
    /// # Specification
    /// RFC 7591 §3.2.
    pub fn read(&self, endpoint: &Url, response: &Response, now: i64) -> Result<ClientInformation, Error> {
        check_status(ENDPOINT, response, now)?;
        refusal(response)?;
        let status = response.status();
        if !matches!(status, StatusCode::CREATED | StatusCode::OK) {
            return Err(Error::Status { endpoint: ENDPOINT, status: status.as_u16(), content: content(response) });
        }
        let answer = members(ENDPOINT, response)?;
        if let Some(told) = error_response(&answer) {
            return Err(Error::Server(told));
        }
        self.check(&answer)?;
        let client_id = text(&answer, "client_id")?.ok_or_else(|| field("client_id", "is missing"))?;
        let secret = text(&answer, "client_secret")?.map(Secret::from);
        let method = match text(&answer, "token_endpoint_auth_method")? {
            Some(method) => method,
            // RFC 7591 §2: what is said of a client with a secret and no method.
            None if secret.is_some() && self.token_endpoint_auth_method == "none" => "client_secret_basic",
            None => &self.token_endpoint_auth_method,
        };
        let by_key = method == BY_KEY && self.key.is_some();
        if !METHODS.contains(&method) && !by_key {
            return Err(field("token_endpoint_auth_method", "is none that a client without a key has"));
        }
        let by_secret = method != "none" && !by_key;
        let client_secret = secret.filter(|_| by_secret);
        if by_secret && client_secret.is_none() {
            return Err(field("client_secret", "is missing, which the registered method needs"));
        }
        let client_secret_expires_at = client_secret.as_ref().and_then(|_| expiry(&answer).transpose()).transpose()?;
        if client_secret_expires_at.is_some_and(|end| end <= now) {
            return Err(field("client_secret_expires_at", "has passed already"));
        }
        Ok(ClientInformation {
            client_id: client_id.to_owned(),
            client_secret,
            client_secret_expires_at,
            token_endpoint_auth_method: method.to_owned(),
            management: management(&answer, endpoint)?,
        })
    }

    /// Refuses an answer whose client cannot do, or does more than, what was asked for.
    fn check(&self, answer: &Map<String, Value>) -> Result<(), Error> {
        if let Some(uris) = list(answer, "redirect_uris")? {
            let foreign = uris.iter().any(|uri| !self.redirect_uris.iter().any(|own| own == uri));
            let lacking = self.redirect_uris.iter().any(|own| !uris.contains(&own.as_str()));
            if foreign || lacking {
                return Err(Error::Registered("its `redirect_uris` are others"));
            }
        }
        let first = self.grant_types.first().map(String::as_str).unwrap_or_default();
        if list(answer, "grant_types")?.is_some_and(|grants| !grants.contains(&first)) {
            return Err(field("grant_types", "lacks the grant that was asked for"));
        }
        if !self.redirect_uris.is_empty()
            && list(answer, "response_types")?.is_some_and(|types| !types.contains(&"code"))
        {
            return Err(field("response_types", "lacks `code`"));
        }
        Ok(())
    }
}

impl ClientInformation {
    /// The client as the answer to [`Management::look_up`] has it. Its secret and the access to its registration may be
    /// others than before; those that it had are void then. What the answer leaves out stays.
    ///
    /// # Errors
    /// [`Error::Registered`] when it is about another client, or its management is at another server; [`Error::Field`]
    /// and those of any answer when it is malformed.
    ///
    /// # Specification
    /// RFC 7592 §2.1, §3.
    pub fn looked_up(&self, response: &Response) -> Result<Self, Error> {
        let answer = members(ENDPOINT, response)?;
        if text(&answer, "client_id")?.is_some_and(|client_id| client_id != self.client_id) {
            return Err(Error::Registered("its `client_id` is another"));
        }
        let mut now = self.clone();
        // A secret beside `none` is nobody's: no request would show it.
        if self.client_secret.is_some() {
            if let Some(secret) = text(&answer, "client_secret")?.map(Secret::from) {
                now.client_secret_expires_at =
                    self.client_secret_expires_at.filter(|_| self.client_secret.as_ref() == Some(&secret));
                now.client_secret = Some(secret);
            }
            if answer.get("client_secret_expires_at").is_some_and(|end| !end.is_null()) {
                now.client_secret_expires_at = expiry(&answer)?;
            }
        }
        if let Some(management) = &mut now.management {
            if let Some(uri) = text(&answer, "registration_client_uri")? {
                management.uri = management_uri(uri, &management.uri)?;
            }
            if let Some(token) = text(&answer, "registration_access_token")? {
                management.token = token.into();
            }
        }
        Ok(now)
    }
}

impl Management {
    /// Asks whether the client is there.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a token that no header can carry.
    ///
    /// # Specification
    /// RFC 7592 §2.1.
    pub fn look_up(&self) -> Result<Request, Error> {
        self.request(Method::GET)
    }

    /// Asks for the end of the client.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a token that no header can carry.
    ///
    /// # Specification
    /// RFC 7592 §2.3.
    pub fn deletion(&self) -> Result<Request, Error> {
        self.request(Method::DELETE)
    }

    fn request(&self, method: Method) -> Result<Request, Error> {
        let mut request = bare(method, &self.uri, Vec::new())?;
        request.headers_mut().insert(AUTHORIZATION, bearer(&self.token)?);
        Ok(request)
    }
}

/// Reads the answer to a deletion.
///
/// # Errors
/// [`Error::Server`] when the server says no; that of any answer otherwise.
///
/// # Specification
/// RFC 7592 §2.3: 204.
pub fn read_deletion(response: &Response, now: i64) -> Result<(), Error> {
    check_status(ENDPOINT, response, now)?;
    refusal(response)?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    Err(Error::Status { endpoint: ENDPOINT, status: status.as_u16(), content: content(response) })
}

/// What the server says when it says no: in the body, else in the challenge.
fn refusal(response: &Response) -> Result<(), Error> {
    let status = response.status();
    if !status.is_client_error() {
        return Ok(());
    }
    if is_json(response)
        && let Some(told) = members(ENDPOINT, response).ok().as_ref().and_then(error_response)
    {
        return Err(Error::Server(told));
    }
    if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Ok(());
    }
    let challenges = challenge::challenges(response.headers());
    let error = challenges.iter().find_map(|challenge| challenge.parameter("error"));
    let error = error.map_or_else(|| status.as_u16().to_string(), super::jose::excerpt);
    Err(Error::Server(ErrorResponse { error, description: None, uri: None }))
}

/// Where the client is managed. The token for it goes nowhere but to the server that gave it.
fn management(answer: &Map<String, Value>, endpoint: &Url) -> Result<Option<Management>, Error> {
    let (Some(uri), Some(token)) =
        (text(answer, "registration_client_uri")?, text(answer, "registration_access_token")?)
    else {
        return Ok(None);
    };
    Ok(Some(Management { uri: management_uri(uri, endpoint)?, token: token.into() }))
}

/// `uri`, if it is at the server of `known`.
fn management_uri(uri: &str, known: &Url) -> Result<Url, Error> {
    let uri = Url::parse(uri).map_err(|_| field("registration_client_uri", "is no address"))?;
    if check_url(&uri).is_err() || uri.origin() != known.origin() {
        return Err(Error::Registered("its `registration_client_uri` is at another server"));
    }
    Ok(uri)
}

/// RFC 7591 §3.2.1: 0 means never.
fn expiry(answer: &Map<String, Value>) -> Result<Option<i64>, Error> {
    match answer.get("client_secret_expires_at") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match id_token::seconds(value) {
            Some(0) => Ok(None),
            Some(end) => Ok(Some(end)),
            None => Err(field("client_secret_expires_at", "is no time")),
        },
    }
}

/// RFC 6749 appendix A: VSCHAR, which a header, a form and a terminal can bear.
fn text<'a>(answer: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, Error> {
    match answer.get(name) {
        None | Some(Value::Null) => Ok(None),
        // A client that exists already is not given up for an empty text, by which some say that there is none.
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text.len() > LONGEST => Err(field(name, "is too long")),
        Some(Value::String(text)) if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) => Ok(Some(text)),
        Some(_) => Err(field(name, "is no plain text")),
    }
}

fn list<'a>(answer: &'a Map<String, Value>, name: &'static str) -> Result<Option<Vec<&'a str>>, Error> {
    match answer.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => {
            let items = items.iter().map(Value::as_str).collect::<Option<_>>();
            items.map(Some).ok_or_else(|| field(name, "is a list of other things than text"))
        }
        Some(_) => Err(field(name, "is no list")),
    }
}

fn field(name: &'static str, reason: &'static str) -> Error {
    Error::Field { endpoint: ENDPOINT, field: name.to_owned(), reason }
}

fn bare(method: Method, url: &Url, body: Vec<u8>) -> Result<Request, Error> {
    let request = http::Request::builder().method(method).uri(url.as_str()).body(body);
    let mut request = request.map_err(|error| parameter(&error.to_string()))?;
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    Ok(request)
}

fn bearer(token: &Secret) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .map_err(|_| parameter("the token is none that a header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn parameter(reason: &str) -> Error {
    Error::Parameter { name: "registration".into(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
