//! Which session a command is about.

use std::cell::LazyCell;

use keyfob::protocol::atproto::Identifier;
use keyfob::registry::words::Discovery;
use keyfob::session::SessionKey;
use keyfob::session::index::Entry;
use url::{Host, Url};

use super::context::Context;
use super::exit_code::ExitCode;
use super::report::Failure;

/// What a command is told to work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A provider's default session.
    Provider(String),
    /// Exactly this session.
    Session(SessionKey),
    /// The session that covers an address.
    Address(Url),
}

impl Target {
    /// Reads a TARGET.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if let Some(account) = atproto(text) {
            let identifier = Identifier::parse(account)
                .map_err(|error| Failure::usage(error.to_string()).hint("keyfob login @alice.bsky.social"))?;
            return Ok(Self::Session(SessionKey::new(ATPROTO, identifier.as_str())?));
        }
        // An account may be an address too: `indieauth/https://alice.example/`.
        if text.split_once("://").is_some_and(|(scheme, _)| !scheme.contains('/')) {
            let url = Url::parse(text).map_err(|error| Failure::usage(format!("`{text}` is no address: {error}")))?;
            return Ok(Self::Address(url));
        }
        if text.contains('/') {
            return Ok(Self::Session(SessionKey::parse(text)?));
        }
        Ok(Self::Provider(text.to_owned()))
    }
}

/// The provider of AT Protocol accounts.
pub const ATPROTO: &str = "atproto";

/// The provider of people's own pages.
pub const INDIEAUTH: &str = "indieauth";

/// What names an AT Protocol account in the ways that its own programs have: `at://NAME`, `@NAME` and a DID.
fn atproto(text: &str) -> Option<&str> {
    let of_uri = text.strip_prefix("at://").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    of_uri.or_else(|| text.strip_prefix('@')).or_else(|| text.starts_with("did:").then_some(text))
}

/// What to say when there is no session: a token is wanted, or one was only to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// Exit 4: a person must log in.
    NeedsLogin,
    /// Exit 3: there is nothing to look at.
    NotFound,
}

/// The TARGET that counts: the argument, `KEYFOB_SESSION`, or the configuration's `default`.
pub fn named(context: &Context, argument: Option<&str>) -> Result<Option<Target>, Failure> {
    if let Some(text) = argument {
        return Target::parse(text).map(Some);
    }
    if let Some(text) = context.environment.text("KEYFOB_SESSION") {
        return Target::parse(&text).map(Some);
    }
    context.settings()?.default.as_deref().map(Target::parse).transpose()
}

/// The session that a command is about.
pub fn session(context: &Context, argument: Option<&str>, absence: Absence) -> Result<Entry, Failure> {
    match named(context, argument)? {
        Some(Target::Session(key)) => exactly(context, &key, absence),
        Some(Target::Provider(name)) => default_of(context, &name, absence),
        Some(Target::Address(url)) => covering(context, &url, absence, |_| true),
        None => only(context),
    }
}

fn exactly(context: &Context, key: &SessionKey, absence: Absence) -> Result<Entry, Failure> {
    let catalog = context.keeper()?.catalog();
    if let Some(entry) = catalog.find(key)? {
        return Ok(entry);
    }
    // Another name of the same provider.
    let id = context.provider(key.provider())?.id;
    if id != key.provider() {
        let key = SessionKey::new(&id, key.account())?;
        if let Some(entry) = catalog.find(&key)? {
            return Ok(entry);
        }
    }
    Err(absent(absence, &key.to_string()).session(key))
}

fn default_of(context: &Context, name: &str, absence: Absence) -> Result<Entry, Failure> {
    let catalog = context.keeper()?.catalog();
    let valid = SessionKey::new(name, SessionKey::DEFAULT_ACCOUNT).is_ok();
    let of = |name: &str| -> Result<Vec<Entry>, Failure> {
        Ok(catalog.of_provider(name)?.into_iter().filter(|entry| !entry.is_variant()).collect())
    };
    let mut entries = if valid { of(name)? } else { Vec::new() };
    if entries.is_empty() {
        // Another name, or none at all, which is said with the nearest one.
        let id = context.provider(name)?.id;
        entries = of(&id)?;
        if entries.is_empty() {
            // One that cannot be read is not one that is not there.
            let (_, damaged) = catalog.all()?;
            let damage = damaged.iter().find(|damage| damage.key.as_ref().is_some_and(|key| key.provider() == id));
            return Err(match damage {
                Some(damage) => {
                    Failure::new(ExitCode::Store, damage.to_string()).hint(format!("log in again:  keyfob login {id}"))
                }
                None => absent(absence, &id),
            });
        }
    }
    chosen(context, entries, name)
}

/// The one that `switch` chose, or the only one.
fn chosen(context: &Context, mut entries: Vec<Entry>, name: &str) -> Result<Entry, Failure> {
    if let Some(at) = entries.iter().position(|entry| entry.default) {
        return Ok(entries.swap_remove(at));
    }
    if entries.len() == 1 {
        return Ok(entries.swap_remove(0));
    }
    pick(context, entries, &format!("`{name}` has several sessions"))
}

fn only(context: &Context) -> Result<Entry, Failure> {
    let (mut entries, _) = context.keeper()?.catalog().all()?;
    entries.retain(|entry| !entry.is_variant());
    match entries.len() {
        0 => Err(Failure::usage("there is no session to choose from")
            .hint("keyfob login PROVIDER;  names: keyfob provider list")),
        1 => Ok(entries.swap_remove(0)),
        _ => pick(context, entries, "there are several sessions"),
    }
}

/// Lets a person choose; a script is told what there is.
fn pick(context: &Context, mut entries: Vec<Entry>, why: &str) -> Result<Entry, Failure> {
    let names: Vec<String> = entries.iter().map(|entry| entry.key.to_string()).collect();
    let unclear = || {
        let hint = format!("name one:  {};  or choose a default with  keyfob switch", shortened(&names));
        Failure::usage(format!("{why}, and none was named")).hint(hint)
    };
    if !context.terminal.is_interactive() || context.common.json {
        return Err(unclear());
    }
    let at = choose(context, why, &names)?.ok_or_else(unclear)?;
    Ok(entries.swap_remove(at))
}

/// Asks for the number of one of `names`; `None` for anything else.
pub fn choose(context: &Context, why: &str, names: &[String]) -> Result<Option<usize>, Failure> {
    super::signals::watch(&context.terminal);
    context.terminal.say(&format!("{why}:"));
    for (at, name) in names.iter().enumerate() {
        context.terminal.say(&format!("  {}  {name}", at + 1));
    }
    let answer = context.terminal.prompt_line("Number: ")?;
    Ok(answer.trim().parse::<usize>().ok().and_then(|number| number.checked_sub(1)).filter(|at| *at < names.len()))
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut text = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(", …");
    }
    text
}

fn absent(absence: Absence, name: &str) -> Failure {
    let code = match absence {
        Absence::NeedsLogin => ExitCode::LoginRequired,
        Absence::NotFound => ExitCode::NotFound,
    };
    Failure::new(code, format!("there is no session {name}")).hint(format!("keyfob login {name}"))
}

/// The session that a login at `url` would renew. A page or a server of many says nothing of whom somebody means, unless it
/// is the very page that has logged in.
pub fn at_login(context: &Context, url: &Url) -> Result<Entry, Failure> {
    let is_own = |entry: &Entry| entry.profile.id.as_deref() == Some(url.as_str());
    covering(context, url, Absence::NotFound, |entry| is_own(entry) || discovery(context, entry).is_none())
}

/// How the server of a session's provider is found, where it is each person's own.
fn discovery(context: &Context, entry: &Entry) -> Option<Discovery> {
    context.registry().ok()?.find(entry.key.provider()).ok()?.discovery()
}

/// The session whose issuer, resource or host covers `url`; the longest match wins. Only those that are `fit` count.
fn covering(context: &Context, url: &Url, absence: Absence, fit: impl Fn(&Entry) -> bool) -> Result<Entry, Failure> {
    let mut entries = near(context, url)?;
    entries.retain(|entry| !entry.is_variant());
    let mut best: Vec<(usize, &Entry)> = Vec::new();
    // In the order of their names those of a provider are neighbours, and it is looked up once for all of them.
    for siblings in entries.chunk_by(|one, next| one.key.provider() == next.key.provider()) {
        let hosts = LazyCell::new(|| hosts_of(context, siblings[0].key.provider()));
        for entry in siblings {
            let length = match page_of(context, entry, url) {
                // Others have pages at the same host.
                Some(page) => covers(&page, url).then(|| page.as_str().trim_end_matches('/').len()),
                None => coverage(entry, url, || &hosts),
            };
            let Some(length) = length.filter(|_| fit(entry)) else { continue };
            match best.first() {
                Some((longest, _)) if *longest > length => {}
                Some((longest, _)) if *longest == length => best.push((length, entry)),
                _ => best = vec![(length, entry)],
            }
        }
    }
    let mut entries: Vec<Entry> = best.into_iter().map(|(_, entry)| entry.clone()).collect();
    match entries.len() {
        0 => {
            let shown = keyfob::system::http::endpoint(url);
            let code = if absence == Absence::NotFound { ExitCode::NotFound } else { ExitCode::LoginRequired };
            Err(Failure::new(code, format!("no session covers {shown}"))
                .hint(format!("log in there:  keyfob login {shown};  keyfob list  shows the sessions there are")))
        }
        1 => Ok(entries.swap_remove(0)),
        _ => chosen(context, entries, url.as_str()),
    }
}

/// The page that a session is of, where it is at the host of `url`.
fn page_of(context: &Context, entry: &Entry, url: &Url) -> Option<Url> {
    let page = entry.profile.id.as_deref().filter(|id| id.starts_with("http")).and_then(|id| Url::parse(id).ok())?;
    (page.origin() == url.origin() && discovery(context, entry) == Some(Discovery::IndieAuth)).then_some(page)
}

/// All sessions that may cover `url`, in the order of their names.
fn near(context: &Context, url: &Url) -> Result<Vec<Entry>, Failure> {
    let catalog = context.keeper()?.catalog();
    // The address of a machine can be written in many ways.
    let Some(Host::Domain(host)) = url.host() else { return Ok(catalog.all()?.0) };
    let mut last = (String::new(), false);
    Ok(catalog.around(host, |provider| {
        if last.0 != provider {
            last = (provider.to_owned(), is_host_of(&hosts_of(context, provider), url));
        }
        last.1
    })?)
}

/// Whether `hosts` name that of `url`.
fn is_host_of(hosts: &[String], url: &Url) -> bool {
    let authority = keyfob::system::http::authority(url);
    hosts.iter().any(|known| *known == authority || Some(known.as_str()) == url.host_str())
}

/// Hosts of the resource servers that a provider's entry names.
fn hosts_of(context: &Context, provider: &str) -> Vec<String> {
    let definition = context.registry().ok().and_then(|registry| registry.find(provider).ok());
    definition.and_then(|definition| Some(definition.provider().ok()?.hosts)).unwrap_or_default()
}

/// How much of `url` a session covers, if it does; `hosts` are those that its provider's entry names.
///
/// A session for certain resources is not for the others of their hosts: it covers what is below them, and its issuer
/// itself.
fn coverage<'a>(entry: &Entry, url: &Url, hosts: impl FnOnce() -> &'a [String]) -> Option<usize> {
    let parsed = |texts: &[String]| texts.iter().filter_map(|text| Url::parse(text).ok()).collect::<Vec<_>>();
    let (resources, issuer) = (parsed(&entry.resources), parsed(entry.issuer.as_slice()));
    let length = |base: &Url| base.as_str().trim_end_matches('/').len();
    let is_issuer = |base: &&Url| if resources.is_empty() { covers(base, url) } else { *base == url };
    let by_address =
        resources.iter().filter(|base| covers(base, url)).chain(issuer.iter().filter(is_issuer)).map(length).max();
    by_address.or_else(|| {
        if !resources.is_empty() && resources.iter().chain(&issuer).any(|base| base.origin() == url.origin()) {
            return None;
        }
        let host = url.host_str()?;
        let authority = keyfob::system::http::authority(url);
        let own = || entry.hosts.contains(&authority);
        let of_provider = || is_host_of(hosts(), url);
        // Less than any address on that host.
        (own() || of_provider()).then_some(host.len())
    })
}

/// Whether `url` is `base` or below it.
fn covers(base: &Url, url: &Url) -> bool {
    let path = base.path().trim_end_matches('/');
    base.origin() == url.origin()
        && url.path().strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Target, covers};

    #[test]
    fn a_target_is_a_provider_a_session_or_an_address() {
        assert_eq!(Target::parse("github").unwrap(), Target::Provider("github".into()));
        assert!(matches!(Target::parse("github/octocat").unwrap(), Target::Session(key) if key.account() == "octocat"));
        assert!(matches!(Target::parse("https://api.github.com/x").unwrap(), Target::Address(_)));
        assert!(Target::parse("://").is_err());
        let named = Target::parse("indieauth/https://alice.example/").unwrap();
        assert!(matches!(named, Target::Session(key) if key.account() == "https:%2F%2Falice.example%2F"));
    }

    #[test]
    fn an_account_of_the_at_protocol_is_named_as_its_own_programs_name_it() {
        let name = |text: &str| match Target::parse(text) {
            Ok(Target::Session(key)) => key.to_string(),
            other => panic!("{text}: {other:?}"),
        };
        for text in ["at://Alice.bsky.social", "at://alice.bsky.social/", "@alice.bsky.social"] {
            assert_eq!(name(text), "atproto/alice.bsky.social");
        }
        let did = "did:plc:z72i7hdynmk6r22z27h6tvur";
        assert_eq!(name(did), format!("atproto/{did}"));
        assert_eq!(name(&format!("at://{did}")), format!("atproto/{did}"));
        for bad in ["@alice", "at://alice.bsky.social/app.bsky.feed.post/3k", "did:key:z6Mk", "@", "at://"] {
            assert!(Target::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_covers_what_is_below_it_at_the_border_of_a_segment() {
        let covers = |base: &str, url: &str| covers(&Url::parse(base).unwrap(), &Url::parse(url).unwrap());

        assert!(covers("https://a.example/x", "https://a.example/x/y"));
        assert!(covers("https://a.example", "https://a.example/x"));
        assert!(!covers("https://a.example/x", "https://a.example/xy"));
        assert!(!covers("https://a.example/x", "http://a.example/x"));
        assert!(!covers("https://a.example/x", "https://b.example/x"));
    }
}
