//! Which server a target means.

use keyfob::client::indieauth::Discovered;
use keyfob::registry::{Definition, Origin};
use keyfob::system::http::check_url;
use url::Url;

use crate::cli::command::login::{Located, locate};
use crate::cli::context::Context;
use crate::cli::overrides;
use crate::cli::report::Failure;
use crate::cli::target::{self, Absence, INDIEAUTH, Target};

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
    /// Why there is no server of the account that was given.
    pub astray: Option<Failure>,
}

/// Finds what `target` means: a provider, a session's, or a server at an address.
pub fn find(context: &Context, target: &str) -> Result<Way, Failure> {
    let (mut definition, account) = match Target::parse(target)? {
        Target::Provider(name) => (context.definition(&name)?, None),
        Target::Session(key) => {
            // A look does not need the session, nor the store that would tell of it.
            let key = target::session(context, Some(target), Absence::NotFound).map_or(key, |entry| entry.key);
            (context.definition(key.provider())?, Some(key.account().to_owned()))
        }
        Target::Address(url) => {
            check_url(&url).map_err(|error| Failure::usage(error.to_string()))?;
            match target::session(context, Some(target), Absence::NotFound) {
                Ok(entry) => (context.definition(entry.key.provider())?, Some(entry.key.account().to_owned())),
                Err(_) => return of_address(context, target, url),
            }
        }
    };
    let mut astray = None;
    if let Some(account) = account {
        match locate(context, &definition, Some(&account)) {
            Ok(Some(located)) => overrides::apply(&located.overrides, &mut definition)?,
            Ok(None) => {}
            Err(failure) => astray = Some(failure),
        }
    }
    let has_client = definition.value("client_id").and_then(|value| value.as_text()).is_some_and(|id| !id.is_empty());
    let mut way = Way { definition, has_client, address: None, astray };
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
    Ok(Way { definition, has_client: false, address: Some(url), astray: None })
}

impl Way {
    /// The same for another issuer: the one that a resource server names.
    pub fn at(mut self, issuer: &str) -> Result<Self, Failure> {
        self.definition.set("issuer", issuer, Origin::Flag("the resource".into()))?;
        Ok(Self { address: None, ..self })
    }

    /// The server that a person's page declares.
    pub fn of_page(context: &Context, entered: &Url, page: Discovered) -> Result<Self, Failure> {
        let mut definition = context.provider(INDIEAUTH)?;
        let located = Located::of_page(context, &definition.provider()?, entered, page)?;
        overrides::apply(&located.overrides, &mut definition)?;
        nobody(&mut definition)?;
        Ok(Self { definition, has_client: false, address: None, astray: None })
    }
}

fn nobody(definition: &mut Definition) -> Result<(), Failure> {
    definition.set("client_id", NOBODY, Origin::Flag("doctor".into()))?;
    definition.set("client_auth", "none", Origin::Flag("doctor".into()))?;
    Ok(())
}
