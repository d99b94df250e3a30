//! What servers answer: their refusals, and answers that break the specification.

use keyfob::protocol::{self, ErrorResponse, oauth1};

use super::{DESCRIPTION, Failure, THE_SERVER, chain};
use crate::cli::exit_code::ExitCode;
use crate::cli::terminal::shorten;

impl From<protocol::Error> for Failure {
    fn from(error: protocol::Error) -> Self {
        use protocol::Error as E;
        let message = chain(&error);
        match error {
            E::Server(told) => Self::refused(told),
            E::Unavailable { retry_after: Some(seconds), .. } => {
                Self::new(ExitCode::Network, format!("{message}; it asks to wait {seconds} s")).hint("try again later")
            }
            E::Unavailable { .. } => Self::new(ExitCode::Network, message).hint("try again later"),
            E::Downgrade(_)
            | E::OtherKey
            | E::Redirect(_)
            | E::MetadataEndpoint { .. }
            | E::VerificationUri { .. }
            | E::ProfileLink { .. }
            | E::IssuerPlace { .. }
            | E::Unconfirmed { .. }
            | E::Registered(_)
            | E::AccountMismatch { .. }
            | E::Unauthoritative { .. }
            | E::Signature(_)
            | E::Claims(_) => {
                Self::security(error, message)
            }
            E::MetadataIssuer { expected, found } => {
                let failure = Self::new(ExitCode::Security, message);
                let near = expected.trim_end_matches('/').eq_ignore_ascii_case(found.trim_end_matches('/'));
                if near {
                    failure.hint(format!("if this is the right server, configure  issuer = \"{found}\""))
                } else {
                    failure
                }
            }
            E::NotBound { .. } => Self::new(ExitCode::Security, message).hint(
                "nothing was stored; if this server cannot bind tokens, set  dpop_bound_access_tokens = false  in its entry",
            ),
            E::ProofAlgorithm { .. } => Self::new(ExitCode::Config, message)
                .hint("set  dpop_bound_access_tokens = false  in the provider's entry, if the server allows that"),
            E::ResourceMismatch { ref expected, ref found } => {
                let origin = |text: &str| url::Url::parse(text).ok().map(|url| url.origin());
                let failure = Self::new(ExitCode::Security, message);
                // Another server's name is no advice.
                match origin(expected) == origin(found) {
                    true => failure.hint(format!("if that is what you mean:  keyfob login {found}")),
                    false => failure,
                }
            }
            E::NoS256 { .. } => {
                Self::new(ExitCode::Security, message).hint("ask the server's operator to allow PKCE with S256")
            }
            E::ClientAuthentication { .. } => Self::new(ExitCode::Config, message)
                .hint("set  client_auth  in the provider's entry to a method that both sides have"),
            E::Userinfo(error) => {
                let code = if error.is_security() { ExitCode::Security } else { ExitCode::Protocol };
                Self::new(code, message)
            }
            E::Introspection(_) => Self::new(ExitCode::Security, message),
            E::OAuth1(oauth1::Error::Plaintext { .. }) => Self::new(ExitCode::Security, message)
                .hint("use https, or another  signature_method"),
            E::OAuth1(oauth1::Error::NotConfirmed) => Self::new(ExitCode::Security, message).hint(
                "if this server speaks the original OAuth 1.0, which has no verifier, set  oauth_version = \"1.0\"  in its entry",
            ),
            E::OAuth1(oauth1::Error::Key { .. }) => Self::new(ExitCode::Config, message)
                .hint("set  private_key  in the provider's entry to an RSA key in PEM"),
            E::OAuth1(_) => Self::new(ExitCode::Internal, message),
            E::PrivateKey(_) | E::ClientDocument { .. } => Self::new(ExitCode::Config, message),
            E::EndpointParameter(_) => {
                Self::new(ExitCode::Config, message).hint("take it out of the entry's  authorization_endpoint")
            }
            E::Scope(_) | E::ReservedParameter(_) | E::Parameter { .. } | E::TooLong(_) | E::ProfileUrl { .. } => {
                Self::new(ExitCode::Usage, message)
            }
            _ => Self::new(ExitCode::Protocol, message),
        }
    }
}

impl Failure {
    /// The server or the person said no.
    pub(super) fn refused(told: ErrorResponse) -> Self {
        let error = shorten(&told.error, 100);
        let mut message = match told.error.as_str() {
            "access_denied" => {
                format!("{THE_SERVER} refused: access_denied (the request was denied on the consent page)")
            }
            _ => format!("{THE_SERVER} refused: {error}"),
        };
        if let Some(description) = &told.description {
            message = format!("{message}; it says: {}", shorten(description, DESCRIPTION));
        }
        let (code, hint) = match told.error.as_str() {
            "temporarily_unavailable" => (ExitCode::Network, Some("try again later")),
            "invalid_client" | "unauthorized_client" => (
                ExitCode::Refused,
                Some("check  client_id,  client_secret  and  client_auth  of the provider:  keyfob provider show"),
            ),
            "invalid_grant" => (
                ExitCode::Refused,
                Some("log in again; if it stays, compare the registered redirect URI and this machine's clock"),
            ),
            "invalid_dpop_proof" | "use_dpop_nonce" => {
                (ExitCode::Refused, Some("see what was sent with  -vv,  and check this machine's clock"))
            }
            "timestamp_refused" => (ExitCode::Refused, Some("set this machine's clock and time zone right")),
            "401" | "invalid_signature" | "signature_invalid" | "consumer_key_unknown" | "consumer_key_rejected" => (
                ExitCode::Refused,
                Some("check  client_id,  client_secret  and  signature_method  of the provider:  keyfob provider show"),
            ),
            "invalid_scope" => (ExitCode::Refused, Some("ask for other scopes with  --scope")),
            "redirect_uri_mismatch" => {
                (ExitCode::Refused, Some("register the redirect URI that  keyfob login -v  shows"))
            }
            "invalid_request" | "unsupported_grant_type" | "unsupported_response_type" => {
                (ExitCode::Refused, Some("see what was sent with  -vv"))
            }
            "access_denied" => (ExitCode::Refused, Some("log in again, and allow it, if that was not meant")),
            _ => (ExitCode::Refused, None),
        };
        let mut failure = Self::new(code, message);
        failure.hint = hint.map(str::to_owned);
        failure.oauth = Some(Box::new(told));
        failure
    }

    /// A check failed and nothing was accepted.
    pub(super) fn security(error: protocol::Error, message: String) -> Self {
        match error {
            protocol::Error::Signature(protocol::jose::Error::Encrypted) => Self::new(ExitCode::Protocol, message),
            protocol::Error::Claims(claims) if claims.may_be_the_clock() => {
                Self::new(ExitCode::Security, message).hint("check this machine's clock and time zone")
            }
            _ => Self::new(ExitCode::Security, message),
        }
    }
}
