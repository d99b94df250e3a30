//! Which server a target means.

use keyfob::registry::{Definition, Origin};
use keyfob::system::http::check_url;
use url::Url;

use crate::cli::context::Context;
use crate::cli::report::Failure;
use crate::cli::target::{self, Absence, Target};

/// Stands for a client that is not there. It is never sent: metadata and keys are fetched without one.
const NOBODY: &str = "none-yet";

/// A server, and as whom it would be asked.
pub struct Way {
    /// The entry, or one made up from an address.
    pub definition: Definition,
    /// Whether there is a client to ask about.
    pub has_client: bool,
    /// The address that was given, where no entry is behind it.
    pub address: Option<Url>,
}

/// Finds what `target` means: a provider, a session's, or a server at an address.
pub fn find(context: &Context, target: &str) -> Result<Way, Failure> {
    let definition = match Target::parse(target)? {
        Target::Provider(name) => context.definition(&name)?,
        Target::Session(key) => match target::session(context, Some(target), Absence::NotFound) {
            Ok(entry) => context.definition(entry.key.provider())?,
            // A look does not need the session, nor the store that would tell of it.
            Err(_) => context.definition(key.provider())?,
        },
        Target::Address(url) => {
            check_url(&url).map_err(|error| Failure::usage(error.to_string()))?;
            match target::session(context, Some(target), Absence::NotFound) {
                Ok(entry) => context.definition(entry.key.provider())?,
                Err(_) => return of_address(context, target, url),
            }
        }
    };
    let has_client = definition.value("client_id").and_then(|value| value.as_text()).is_some_and(|id| !id.is_empty());
    let mut way = Way { definition, has_client, address: None };
    if !has_client {
        nobody(&mut way.definition)?;
    }
    Ok(way)
}

/// A server that nobody has written an entry for.
fn of_address(context: &Context, issuer: &str, url: Url) -> Result<Way, Failure> {
    let mut definition = context.provider("oidc")?;
    let from = || Origin::Flag("the address".into());
    let host = url.host_str().unwrap_or_default().to_owned();
    for (key, value) in [("issuer", issuer), ("name", host.as_str())] {
        definition.set(key, value, from()).map_err(|error| Failure::usage(error.to_string()))?;
    }
    context.set(&mut definition)?;
    nobody(&mut definition)?;
    Ok(Way { definition, has_client: false, address: Some(url) })
}

impl Way {
    /// The same for another issuer: the one that a resource server names.
    pub fn at(mut self, issuer: &str) -> Result<Self, Failure> {
        self.definition.set("issuer", issuer, Origin::Flag("the resource".into()))?;
        Ok(Self { address: None, ..self })
    }
}

fn nobody(definition: &mut Definition) -> Result<(), Failure> {
    definition.set("client_id", NOBODY, Origin::Flag("doctor".into()))?;
    definition.set("client_auth", "none", Origin::Flag("doctor".into()))?;
    Ok(())
}
