//! A client at an instance of a service that many run: registered once without a person, then kept in the secret store.

use keyfob::client::registration::{self, Registered};
use keyfob::grant::{GrantRequest, authorization_code};
use keyfob::registry::Definition;
use keyfob::session::Override;

use crate::cli::context::Context;
use crate::cli::overrides;
use crate::cli::report::Failure;

/// The client that a login to `definition` uses where nobody gave one: kept from earlier, or registered now. It is bound
/// to the instance's address, and each session carries its own.
pub fn client(context: &Context, definition: &Definition, request: &GrantRequest) -> Result<Vec<Override>, Failure> {
    let Ok(provider) = definition.provider() else { return Ok(Vec::new()) };
    let Some(endpoint) = registration::endpoint(&provider) else { return Ok(Vec::new()) };
    if provider.client_id.is_some() {
        return Ok(Vec::new());
    }
    let uris = authorization_code::registrable(&provider, request.port, request.redirect_uri.as_deref());
    let Some(first) = uris.first() else { return Ok(Vec::new()) };
    let keeper = context.keeper()?;
    let name = format!("registration/{} {endpoint}", provider.id);
    let kept = keeper.store().load_secret(&name)?.as_ref().and_then(Registered::of_secret);
    let registered = match kept.filter(|kept| kept.serves(&endpoint, &request.scopes, first)) {
        Some(registered) => registered,
        None => {
            // Before anything is registered: what cannot be kept would be registered again and again.
            keeper.probe()?;
            context.terminal.say(&format!("Registering keyfob at {}", endpoint.host_str().unwrap_or_default()));
            let register = registration::register(context.system()?, &endpoint, &request.scopes, &uris);
            let registered = context.block_on(register)?.map_err(|error| Failure::from(error).at(&provider.name))?;
            let label = format!("keyfob: client of {} at {endpoint}", provider.name);
            keeper.store().save_secret(&name, &label, &registered.to_secret())?;
            registered
        }
    };
    Ok(vec![
        overrides::plain("client_id", &registered.client_id),
        overrides::secret("client_secret", registered.client_secret),
    ])
}
