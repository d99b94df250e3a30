//! Authentication away from this machine: the answer of the backchannel authentication endpoint.

use std::time::Duration;

use serde_json::Value;

use super::Error;
use super::device::{USUAL_INTERVAL, interval, lifetime};
use super::http::{self, check_status};
use crate::secret::Secret;
use crate::system::http::Response;

/// What errors call it.
pub const ENDPOINT: &str = "backchannel authentication endpoint";

/// An authentication that the person was asked for, on a device of theirs.
///
/// # Specification
/// OpenID Connect CIBA Core 1.0 §7.3.
#[derive(Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// What the polls name it by; whoever has it gets the tokens.
    pub auth_req_id: Secret,
    /// The least time between polls.
    pub interval: Duration,
    /// How long the person may take.
    pub lifetime: Duration,
}

impl Acknowledgement {
    /// Reads an answer that came at `at`, in seconds since 1970.
    ///
    /// # Errors
    /// What the server says ([`Error::Server`]), or what is wrong with how it says it.
    ///
    /// # Specification
    /// CIBA Core §7.3, §13 (errors).
    pub fn read(response: &Response, at: i64) -> Result<Self, Error> {
        check_status(ENDPOINT, response, at)?;
        let members = http::members(ENDPOINT, response)?;
        if let Some(told) = http::error_response(&members) {
            return Err(Error::Server(told));
        }
        if response.status() != ::http::StatusCode::OK {
            let (status, content) = (response.status().as_u16(), http::content(response));
            return Err(Error::Status { endpoint: ENDPOINT, status, content });
        }
        let auth_req_id = match members.get("auth_req_id") {
            Some(Value::String(id)) if !id.is_empty() => Secret::new(id.as_str()),
            _ => {
                let (field, reason) = ("auth_req_id".to_owned(), "is missing, empty or no text");
                return Err(Error::Field { endpoint: ENDPOINT, field, reason });
            }
        };
        Ok(Self {
            auth_req_id,
            interval: interval(members.get("interval")).unwrap_or(USUAL_INTERVAL),
            lifetime: lifetime(members.get("expires_in")),
        })
    }
}
