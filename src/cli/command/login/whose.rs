//! Whom a login is for, where each person has a server of their own: it is found from a handle, a DID or the address of a
//! page, and the account that comes out must point back to it.

use keyfob::client;
use keyfob::client::atproto::{self, Account, Directories};
use keyfob::client::indieauth::{self, Discovered, Server};
use keyfob::grant::{GrantRequest, Whom};
use keyfob::protocol::atproto::Identifier;
use keyfob::protocol::indieauth as addresses;
use keyfob::registry::words::Discovery;
use keyfob::registry::{Definition, Provider};
use keyfob::session::{Override, SessionKey};
use keyfob::system::http::authority;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::cli::context::Context;
use crate::cli::exit_code::ExitCode;
use crate::cli::overrides;
use crate::cli::report::Failure;
use crate::cli::signals;

/// What was found out about a person's server.
#[derive(Debug, Default)]
pub struct Located {
    /// What it sets above the registry: the server, and where its tokens may go.
    pub overrides: Vec<Override>,
    /// Whom the login is for; nobody in particular where only a server was named.
    pub whom: Option<Whom>,
    /// What tells the server who is expected.
    hint: Option<(&'static str, String)>,
    /// The label of the session, where it is known before.
    pub account: Option<String>,
    /// Whether the server has said just now who it is.
    pub is_fresh: bool,
}

/// What of an earlier login another one takes over. Everything else is found out anew; a client above all, which nobody but
/// the server that knows it may see.
const LASTING: [&str; 2] = ["plc_directory", "handle_resolver"];

impl Located {
    /// Tells the server whom it is for, unless the person has said something else.
    pub fn shape(&self, request: &mut GrantRequest) {
        request.whom.clone_from(&self.whom);
        if let Some((name, value)) = &self.hint
            && !request.params.iter().any(|(known, _)| known == name)
        {
            request.params.push(((*name).to_owned(), value.clone()));
        }
    }
}

/// What an earlier login set, as far as it says nothing of its server.
pub fn lasting(mut overrides: Vec<Override>) -> Vec<Override> {
    overrides.retain(|set| LASTING.contains(&set.key.as_str()));
    overrides
}

/// Finds the server of `account`, which a person is asked for where nobody was named; `None` where the entry's server is
/// everybody's.
///
/// # Errors
/// Why there is no such account, or no server that may be used.
pub fn locate(context: &Context, definition: &Definition, account: Option<&str>) -> Result<Option<Located>, Failure> {
    let provider = definition.provider()?;
    let Some(discovery) = provider.discovery else { return Ok(None) };
    // Whoever names a server by hand means it.
    if definition.value("issuer").is_some() || definition.value("token_endpoint").is_some() {
        return Ok(None);
    }
    let named = match account.map(str::to_owned) {
        Some(account) => account,
        None => asked(context, &provider, discovery)?,
    };
    match discovery {
        Discovery::Atproto => of_account(context, &provider, &percent_decode_str(&named).decode_utf8_lossy()).map(Some),
        Discovery::IndieAuth => {
            // A name says less than the address that it was made of.
            let key =
                SessionKey::parse(&format!("{}/{named}", provider.id)).or(SessionKey::new(&provider.id, &named))?;
            let known = context.keeper()?.catalog().find(&key)?.and_then(|entry| entry.profile.id);
            let named = known.unwrap_or_else(|| percent_decode_str(&named).decode_utf8_lossy().into_owned());
            of_page(context, &provider, &named).map(Some)
        }
        _ => Ok(None),
    }
}

/// The default session's account, else what a person answers.
fn asked(context: &Context, provider: &Provider, discovery: Discovery) -> Result<String, Failure> {
    let entries = context.keeper()?.catalog().of_provider(&provider.id)?;
    let known = entries.iter().find(|entry| entry.default).or(entries.first().filter(|_| entries.len() == 1));
    if let Some(entry) = known {
        return Ok(entry.key.account().to_owned());
    }
    let (question, example) = match discovery {
        Discovery::Atproto => ("Your handle: ", "alice.bsky.social"),
        _ => ("The address of your page: ", "alice.example"),
    };
    if !context.terminal.is_interactive() || context.common.json {
        let message = format!("a login to {} needs to know whose it is", provider.name);
        return Err(Failure::usage(message).hint(format!("keyfob login {}/{example}", provider.id)));
    }
    signals::watch(&context.terminal);
    Ok(context.terminal.prompt_line(question)?.trim().to_owned())
}

/// AT Protocol: handle, DID, data server, authorization server.
fn of_account(context: &Context, provider: &Provider, named: &str) -> Result<Located, Failure> {
    let wrong = |error: keyfob::protocol::Error| {
        Failure::usage(error.to_string()).hint(format!("keyfob login {}/alice.bsky.social", provider.id))
    };
    let identifier = Identifier::parse(named).map_err(wrong)?;
    let directories = Directories::of(provider)?;
    let system = context.system()?;
    let progress = context.terminal.progress(&format!("Looking up {}", identifier.as_str()));
    let found = context.block_on(async {
        let account = directories.account(system, &identifier).await?;
        let issuer = atproto::issuer_of(system, &account.pds).await?;
        Ok::<_, client::Error>((account, issuer))
    })?;
    drop(progress);
    let (account, issuer) = found.map_err(|error| Failure::from(error).at(identifier.as_str()))?;
    context.terminal.say(&format!("{} has its data at {}", identifier.as_str(), authority(&account.pds)));
    let name = account.handle.as_ref().map(ToString::to_string);
    warn_of_another(context, provider, &identifier, &account)?;
    let mut located = Located::at_server(&issuer);
    located.overrides.push(hosts(provider, [&account.pds]));
    Ok(Located {
        whom: Some(Whom { ids: vec![account.did.to_string()], name }),
        hint: Some(("login_hint", identifier.as_str().to_owned())),
        account: Some(identifier.as_str().to_owned()),
        ..located
    })
}

/// Tells that a name has another owner than the session that it stands for, which the new one will replace.
fn warn_of_another(
    context: &Context,
    provider: &Provider,
    identifier: &Identifier,
    account: &Account,
) -> Result<(), Failure> {
    let key = SessionKey::new(&provider.id, identifier.as_str())?;
    let before = context.keeper()?.catalog().find(&key)?.and_then(|entry| entry.profile.id);
    if let Some(before) = before.filter(|before| before != account.did.as_str()) {
        let (name, now) = (identifier.as_str(), &account.did);
        context.terminal.warning(&format!("{name} was {before} at the last login, and is {now} now"));
    }
    Ok(())
}

/// IndieAuth: the page, what it declares, the server's metadata.
fn of_page(context: &Context, provider: &Provider, named: &str) -> Result<Located, Failure> {
    let entered = addresses::profile_url(named).map_err(|error| {
        Failure::usage(error.to_string()).hint(format!("keyfob login {}/alice.example", provider.id))
    })?;
    let shown = keyfob::system::http::endpoint(&entered);
    let progress = context.terminal.progress(&format!("Asking {}", entered.host_str().unwrap_or_default()));
    let found = context.block_on(indieauth::discover(context.system()?, &entered, None))?;
    drop(progress);
    match found.map_err(|error| Failure::from(error).at(&shown))? {
        Some(found) => Located::of_page(context, provider, &entered, found),
        None => Err(Failure::new(ExitCode::Config, format!("{shown} declares no IndieAuth server"))
            .hint("it must link to one:  <link rel=\"indieauth-metadata\" href=\"…\">")),
    }
}

impl Located {
    /// A server of the AT Protocol that was named itself. Where its tokens go the account's own document says at the end.
    pub fn at_server(issuer: &str) -> Self {
        let overrides = vec![overrides::plain("issuer", issuer), called(issuer)];
        Self { overrides, ..Self::default() }
    }

    /// A person's page, and the server that it declares.
    ///
    /// # Errors
    /// When the settings cannot be read.
    pub fn of_page(context: &Context, provider: &Provider, entered: &Url, found: Discovered) -> Result<Self, Failure> {
        let Discovered { visited, server, micropub } = found;
        let page = visited.last().unwrap_or(entered);
        let mut set = vec![hosts(provider, std::iter::once(page).chain(&micropub))];
        let is_fresh = match server {
            Server::Metadata { place, issuer, document, .. } => {
                set.extend([overrides::plain("issuer", &issuer), called(&issuer)]);
                set.push(overrides::plain("discovery_url", place.as_str()));
                // It was asked a moment ago.
                client::remember(context.cache_dir()?, (&issuer, &place), &document, context.now());
                true
            }
            Server::Endpoints { authorization_endpoint, token_endpoint } => {
                set.push(called(authorization_endpoint.as_str()));
                set.push(overrides::plain("authorization_endpoint", authorization_endpoint.as_str()));
                set.push(overrides::plain("token_endpoint", token_endpoint.as_str()));
                false
            }
        };
        Ok(Self {
            overrides: set,
            whom: Some(Whom { ids: visited.iter().map(ToString::to_string).collect(), name: None }),
            hint: Some(("me", entered.to_string())),
            account: None,
            is_fresh,
        })
    }
}

/// What people are told that they log in to: the host of their server.
fn called(server: &str) -> Override {
    let name = Url::parse(server).as_ref().map_or_else(|_| server.to_owned(), authority);
    overrides::plain("name", &name)
}

/// Where tokens may go: to the hosts of `found`, beside those that the entry names.
fn hosts<'a>(provider: &Provider, found: impl IntoIterator<Item = &'a Url>) -> Override {
    let mut hosts = provider.hosts.clone();
    for host in found.into_iter().map(authority) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    overrides::plain("hosts", &hosts.join(" "))
}
