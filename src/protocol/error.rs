//! What a server said, and what was wrong with it: two different things.

use super::{id_token, jose, json::JsonError};
use crate::secret::Secret;

/// Bytes below which a secret could occur in any text by chance.
const SHORTEST_SECRET: usize = 4;

/// An error as a server put it: in a redirect or at an endpoint. Foreign text, to be escaped by whoever shows it.
///
/// # Specification
/// RFC 6749 §4.1.2.1, §5.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorResponse {
    /// The code, such as `access_denied`.
    pub error: String,
    /// Words for a person.
    pub description: Option<String>,
    /// A page with more words.
    pub uri: Option<String>,
}

impl ErrorResponse {
    /// The same with every occurrence of `secrets` taken out: a server may repeat what it was sent.
    pub fn without<'a>(mut self, secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        for secret in secrets.into_iter().filter(|secret| secret.expose().len() >= SHORTEST_SECRET) {
            let clean = |text: &mut String| {
                if text.contains(secret.expose()) {
                    *text = text.replace(secret.expose(), "[redacted]");
                }
            };
            clean(&mut self.error);
            self.description.iter_mut().chain(&mut self.uri).for_each(clean);
        }
        self
    }
}

impl Error {
    /// The same with every occurrence of `secrets` taken out of what the server said.
    pub fn without<'a>(self, secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        match self {
            Self::Server(told) => Self::Server(told.without(secrets)),
            other => other,
        }
    }
}

/// Why a redirect that carries our `state` is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedirectFault {
    /// RFC 9207 §2.4: the answer is another server's.
    #[error("its `iss` is `{found}`, expected `{expected}`")]
    WrongIssuer {
        /// The issuer the login was started at.
        expected: String,
        /// What the redirect says.
        found: String,
    },
    /// RFC 9207 §2.4: the server announces `iss` and the answer has none.
    #[error("it has no `iss`, which `{expected}` announces to send")]
    MissingIssuer {
        /// The issuer the login was started at.
        expected: String,
    },
    /// RFC 6749 §3.1.
    #[error("it has the parameter `{0}` more than once")]
    Duplicate(String),
    /// Neither success nor failure, or both.
    #[error("it has both `code` and `error`")]
    CodeAndError,
    /// No code, or an empty one.
    #[error("it has no `code`")]
    NoCode,
    /// A signed answer was asked for (JARM §2.3).
    #[error("it is not signed, which `response_mode` asks for")]
    NotSigned,
    /// The signature of a signed answer, or its form (JARM §2.4).
    #[error("{0}")]
    Signature(jose::Error),
    /// A claim of a signed answer (JARM §2.4).
    #[error("the `{claim}` of its signed answer {reason}")]
    Claim {
        /// Which.
        claim: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Tokens in a redirect are the implicit grant's (RFC 9700 §2.1.2).
    #[error("it carries a token, which no answer to this request may")]
    Token,
}

/// What was wrong with a server's answer, or with a request that would have been sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server said no.
    #[error("the server answered `{}`{}", .0.error, .0.description.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Server(ErrorResponse),
    /// The server cannot answer at the moment.
    #[error("the {endpoint} answered with status {status}")]
    Unavailable {
        /// Which endpoint.
        endpoint: &'static str,
        /// The status code: 429 or 5xx.
        status: u16,
        /// Seconds to wait, where the server said so (RFC 9110 §10.2.3).
        retry_after: Option<u64>,
    },
    /// A redirect, which an endpoint that receives credentials must not answer (RFC 9700 §4.11).
    #[error("the {endpoint} answered with status {status}, a redirect{}", .to.as_ref().map(|to| format!(" to {to}")).unwrap_or_default())]
    Redirected {
        /// Which endpoint.
        endpoint: &'static str,
        /// The status code.
        status: u16,
        /// The host it points to.
        to: Option<String>,
    },
    /// Any other status that is neither success nor an error of the specification.
    #[error("the {endpoint} answered with status {status} and {content}")]
    Status {
        /// Which endpoint.
        endpoint: &'static str,
        /// The status code.
        status: u16,
        /// The media type, or `an empty body`.
        content: String,
    },
    /// The answer is not of the media type that it must have.
    #[error("the {endpoint} answered with status {status} and {content} where JSON is specified")]
    NotJson {
        /// Which endpoint.
        endpoint: &'static str,
        /// The status code.
        status: u16,
        /// The media type, or `an empty body`.
        content: String,
    },
    /// The answer says it is JSON and is not.
    #[error("the answer of the {endpoint} is not usable JSON")]
    Json {
        /// Which endpoint.
        endpoint: &'static str,
        /// Where it fails.
        #[source]
        cause: JsonError,
    },
    /// A member is missing or has a wrong type or value.
    #[error("the answer of the {endpoint} is malformed: `{field}` {reason}")]
    Field {
        /// Which endpoint or document.
        endpoint: &'static str,
        /// The member.
        field: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An address is not fit to be a client identifier with a document behind it.
    #[error("`{client_id}` cannot be a client ID metadata document: {reason}")]
    ClientDocument {
        /// As it was given; bounded.
        client_id: String,
        /// What is wrong.
        reason: String,
    },
    /// What names an account is malformed, or is of a kind that is not known.
    #[error("`{name}` names no account: {reason}")]
    Account {
        /// As it was given; bounded.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Another account than the one that was asked for.
    #[error("the account is `{found}`, expected `{expected}`")]
    AccountMismatch {
        /// Whom the login was for.
        expected: String,
        /// Who came out; bounded.
        found: String,
    },
    /// A server issued tokens for an account that another one speaks for.
    #[error("`{issuer}` issued tokens for `{account}`, whose own server is `{found}`")]
    Unauthoritative {
        /// The account.
        account: String,
        /// Who issued.
        issuer: String,
        /// Who may.
        found: String,
    },
    /// A registration made another client than was asked for.
    #[error("the server registered another client than was asked for: {0}")]
    Registered(&'static str),
    /// The token is of a type that is not asked for (RFC 6749 §7.1).
    #[error("the server issued a token of type `{found}`, expected `Bearer`")]
    TokenType {
        /// What it says; bounded.
        found: String,
    },
    /// The redirect carries our `state` and is not accepted.
    #[error("the redirect is not accepted: {0}")]
    Redirect(RedirectFault),
    /// The metadata is another issuer's (OpenID Connect Discovery §4.3, RFC 8414 §3.3).
    #[error("the metadata names the issuer `{found}`, expected `{expected}`")]
    MetadataIssuer {
        /// Which issuer was asked for.
        expected: String,
        /// What the document says.
        found: String,
    },
    /// An endpoint of the metadata must not be used.
    #[error("the metadata's `{field}` is refused: {reason}")]
    MetadataEndpoint {
        /// The member.
        field: &'static str,
        /// Why.
        reason: String,
    },
    /// An address that a person would be sent to must neither be opened nor shown (RFC 8628 §5.4).
    #[error("the server's `{field}` (`{scheme}:…`) is refused: {reason}")]
    VerificationUri {
        /// The member.
        field: &'static str,
        /// Its scheme; bounded.
        scheme: String,
        /// Why.
        reason: &'static str,
    },
    /// An address cannot be one that a person is identified by (IndieAuth §3.2).
    #[error("`{url}` cannot be a profile URL: {reason}")]
    ProfileUrl {
        /// As it was given, without query and user name; bounded.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// An address that a profile page names, or leads to, must not be used (IndieAuth §4.1).
    #[error("the `{rel}` of the profile page is refused: {reason}")]
    ProfileLink {
        /// The relation, or `Location`.
        rel: &'static str,
        /// Why.
        reason: String,
    },
    /// Metadata is where its issuer would not have put it (IndieAuth §3.1).
    #[error("the metadata at {place} names the issuer `{issuer}`, which that address does not begin with")]
    IssuerPlace {
        /// What the document says; bounded.
        issuer: String,
        /// Where it is.
        place: String,
    },
    /// The server speaks for a profile that does not name it (IndieAuth §5.4).
    #[error("the server says that the login is of `{me}`, which it may not: {reason}")]
    Unconfirmed {
        /// What the server says, without query and user name; bounded.
        me: String,
        /// Why.
        reason: String,
    },
    /// Metadata is about another resource than was asked for (RFC 9728 §3.3).
    #[error("the metadata is about the resource `{found}`, expected `{expected}`")]
    ResourceMismatch {
        /// The address that was asked for.
        expected: String,
        /// What the document says; bounded.
        found: String,
    },
    /// The server supports PKCE, but not with S256 (RFC 7636 §4.2).
    #[error("the server supports the PKCE methods {found:?}, but not S256")]
    NoS256 {
        /// What it announces.
        found: Vec<String>,
    },
    /// The server says that it takes a stronger request only, after the weaker one had gone out on what was known before
    /// (RFC 9126 §5, RFC 9101 §10.5).
    #[error("the server announces `{0}`, which was not known when the login began")]
    Downgrade(&'static str),
    /// The token is not bound to the key that the request was proven with (RFC 9449 §5).
    #[error("the tokens were to be bound to a key (DPoP), and the server's `token_type` is `{found}`")]
    NotBound {
        /// What the server says.
        found: String,
    },
    /// A server that must hand out nonces for proofs does not (AT Protocol "OAuth", Demonstrating Proof of Possession).
    #[error("the server answered without a DPoP nonce (`DPoP-Nonce`), which the AT Protocol demands")]
    NoNonce,
    /// The token names another key than the one that the request was proven with (RFC 9449 §6.1).
    #[error("the access token is bound to another key (`jkt`) than the one that was proven")]
    OtherKey,
    /// The server takes proofs that no key of ours can sign (RFC 9449 §5.1).
    #[error("the server takes DPoP proofs signed with {offered:?}, and none of these is supported")]
    ProofAlgorithm {
        /// What it announces.
        offered: Vec<String>,
    },
    /// The server can authenticate the client in no way that the client can.
    #[error("the server accepts the client authentication {offered:?}, and `{wanted}` is what this client can do")]
    ClientAuthentication {
        /// What the client could do.
        wanted: &'static str,
        /// What the server announces.
        offered: Vec<String>,
    },
    /// The ID token's signature or form.
    #[error("the ID token is not accepted: {0}")]
    Signature(#[from] jose::Error),
    /// The ID token's claims.
    #[error("the ID token is not accepted: {0}")]
    Claims(#[from] id_token::Error),
    /// The userinfo answer.
    #[error(transparent)]
    Userinfo(#[from] super::userinfo::Error),
    /// The introspection answer.
    #[error(transparent)]
    Introspection(#[from] super::introspection::Error),
    /// The client's own key cannot sign what must be signed.
    #[error("the private key cannot be used: {0}")]
    PrivateKey(#[from] jose::BadKey),
    /// An ID token was asked for and none came (OpenID Connect Core §3.1.3.3).
    #[error("the answer of the token endpoint has no `id_token`, although `openid` was asked for")]
    NoIdToken,
    /// A scope has characters that RFC 6749 §3.3 excludes.
    #[error("the scope `{0}` is malformed")]
    Scope(String),
    /// A parameter that keyfob sets itself was to be set by hand.
    #[error("the parameter `{0}` is set by keyfob and cannot be given")]
    ReservedParameter(String),
    /// A parameter's value is not what its specification demands.
    #[error("the parameter `{name}` is malformed: {reason}")]
    Parameter {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// A request of OAuth 1.0 that must not be sent, or an answer that must not be used.
    #[error(transparent)]
    OAuth1(#[from] super::oauth1::Error),
    /// The authorization endpoint's own query has a parameter that the request sets (RFC 6749 §3.1).
    #[error("the `authorization_endpoint` has the parameter `{0}` in its query, which the request sets itself")]
    EndpointParameter(String),
    /// The address would be longer than browsers and servers take.
    #[error("the authorization request would have {0} characters; servers and browsers take about {limit}", limit = super::authorization::MAX_URL)]
    TooLong(usize),
}
