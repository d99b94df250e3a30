//! What is asked for, whichever way the person is asked.

use super::{Error, GrantRequest};
use crate::protocol::authorization::{check_extra, check_resource};
use crate::protocol::scope;
use crate::registry::Provider;
use crate::registry::words::{Protocol, RefreshHow};

/// Checks what the user gave, before anything is sent.
pub(super) fn check(request: &GrantRequest) -> Result<(), Error> {
    for (name, value) in &request.params {
        check_extra(name, value)?;
    }
    for resource in &request.resources {
        check_resource(resource)?;
    }
    Ok(scope::check(&request.scopes)?)
}

/// The scopes: as given, with what the entry says is needed for a refresh token.
pub(super) fn scopes(provider: &Provider, request: &GrantRequest, supported: Option<&[String]>) -> Vec<String> {
    let mut scopes = request.scopes.clone();
    if request.scopes_are_final {
        return scopes;
    }
    let wanted = provider.refresh.scope.clone().unwrap_or_else(|| "offline_access".into());
    let add = match provider.refresh.how {
        RefreshHow::Scope => true,
        RefreshHow::Auto => provider.protocol == Protocol::Oidc && supported.is_some_and(|list| list.contains(&wanted)),
        RefreshHow::Always | RefreshHow::Param | RefreshHow::Exchange | RefreshHow::None => false,
    };
    if add && !scopes.contains(&wanted) {
        scopes.push(wanted);
    }
    scopes
}

/// Whether an ID token is due that can be checked. An OAuth 2.0 provider may know the scope and even send one; without an
/// issuer there is nothing to hold it against, so that it is not kept and userinfo says who it is.
pub(super) fn openid(provider: &Provider, scopes: &[String]) -> bool {
    let is_checkable = provider.protocol == Protocol::Oidc || provider.issuer.is_some();
    is_checkable && scopes.iter().any(|scope| scope == "openid")
}
