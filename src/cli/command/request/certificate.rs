//! The certificate that a bound token is presented with.

use keyfob::client::{Client, Freshness};
use keyfob::session::binding;
use keyfob::session::index::Entry;

use crate::cli::context::Context;
use crate::cli::report::Failure;

/// The client whose certificate a session's access token is bound to; `None` for a token that anybody may present.
///
/// # Errors
/// A certificate that cannot be used; one that is not the one that the token is bound to.
///
/// # Specification
/// RFC 8705 §3.
pub fn holder(context: &Context, entry: &Entry) -> Result<Option<Client>, Failure> {
    if entry.certificate.is_none() {
        return Ok(None);
    }
    let session = context.keeper_of(entry)?.load(&entry.key)?;
    let definition = context.definition_of(&session)?;
    let client = context.client(&definition, Freshness::Kept)?;
    binding::check_certificate(&session, &client).map_err(|error| {
        let failure = Failure::from(error);
        // What a public client was given is bound to the old certificate as a whole.
        let is_public = matches!(session.binding.client_auth.as_str(), "none" | "basic_empty");
        if client.bound_certificate().is_some() && entry.refreshable && !is_public {
            failure.instead(format!("get a token for the new certificate:  keyfob refresh {}", entry.key))
        } else {
            failure
        }
    })?;
    Ok(Some(client))
}
