//! A session as it is shown: JSON for scripts, lines for people.

use keyfob::protocol::token::Remark;
use keyfob::session::index::{Entry, Term};
use keyfob::session::{Profile, SessionKey};
use serde::Serialize;
use serde_json::Value;

use super::terminal::{Terminal, shorten};
use super::time::{Wording, rfc3339};

/// Characters of a text of the server's that are shown: granted details, or why it refused.
const DETAILS: usize = 500;

/// Whether a session can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its token is good.
    Valid,
    /// Its token has ended and can be renewed.
    Expired,
    /// A person must log in.
    LoginRequired,
}

impl State {
    /// The state of a session at `now`, seconds since 1970.
    pub fn of(term: impl Into<Term>, now: i64) -> Self {
        let term = term.into();
        let over = |end: Option<i64>| end.is_some_and(|end| end <= now);
        match () {
            () if term.trouble_since.is_some() => Self::LoginRequired,
            () if !over(term.expires_at) => Self::Valid,
            () if term.refreshable && !over(term.refresh_expires_at) => Self::Expired,
            () => Self::LoginRequired,
        }
    }

    /// The word of the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::LoginRequired => "login_required",
        }
    }

    /// The word of the list.
    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::LoginRequired => "login",
        }
    }
}

/// `keyfob.session/1`. `is_default`: of its provider.
pub fn session(entry: &Entry, is_default: bool, now: i64) -> Value {
    serde_json::to_value(Shown::new(entry, is_default, now))
        .expect("a session has text for keys, and numbers for nothing")
}

/// A session as `keyfob.session/1`, to be written as it is.
#[derive(Serialize)]
pub struct Shown<'a> {
    schema: &'static str,
    session: &'a SessionKey,
    provider: &'a str,
    account: &'a str,
    default: bool,
    state: &'static str,
    usable: bool,
    grant: &'a str,
    scopes: &'a [String],
    token_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    refreshable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    resource: &'a [String],
    hosts: &'a [String],
    client_id: &'a str,
    store: &'a str,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refreshed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<ShownProfile<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    waivers: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<ShownTrouble<'a>>,
}

#[derive(Serialize)]
struct ShownProfile<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<&'a str>,
}

#[derive(Serialize)]
struct ShownTrouble<'a> {
    error: &'a str,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<String>,
}

impl<'a> Shown<'a> {
    /// `is_default`: of its provider.
    pub fn new(entry: &'a Entry, is_default: bool, now: i64) -> Self {
        let state = State::of(entry, now);
        let profile = &entry.profile;
        let trouble = entry.trouble.as_ref().map(|trouble| ShownTrouble {
            error: &trouble.error,
            since: rfc3339(trouble.since),
            error_description: trouble.description.as_ref().map(|description| shorten(description, DETAILS)),
        });
        Self {
            schema: "keyfob.session/1",
            session: &entry.key,
            provider: entry.key.provider(),
            account: entry.key.account(),
            default: is_default,
            state: state.name(),
            usable: state != State::LoginRequired,
            grant: &entry.grant,
            scopes: &entry.scopes,
            token_type: &entry.token_type,
            expires_at: entry.expires_at.map(rfc3339),
            refreshable: entry.refreshable,
            refresh_expires_at: entry.refresh_expires_at.map(rfc3339),
            issuer: entry.issuer.as_deref(),
            resource: &entry.resources,
            hosts: &entry.hosts,
            client_id: &entry.client_id,
            store: &entry.store,
            created_at: rfc3339(entry.created_at),
            refreshed_at: entry.refreshed_at.map(rfc3339),
            profile: (*profile != Profile::default()).then_some(ShownProfile {
                id: profile.id.as_deref(),
                name: profile.name.as_deref(),
                username: profile.username.as_deref(),
                email: profile.email.as_deref(),
                picture: profile.picture.as_deref(),
            }),
            waivers: &entry.waivers,
            trouble,
        }
    }
}

/// Whether `entry` is its provider's default among `all` sessions.
pub fn is_default(entry: &Entry, all: &[Entry]) -> bool {
    let mut others = all.iter().filter(|other| other.key.provider() == entry.key.provider() && other.key != entry.key);
    entry.default || others.next().is_none()
}

/// What to type to log in to a session's account again: the provider's name, unless the account's label was forced.
pub fn login_command(entry: &Entry) -> String {
    let (profile, account) = (&entry.profile, entry.key.account());
    let told = [&profile.username, &profile.email, &profile.id];
    let derived = told
        .into_iter()
        .flatten()
        .any(|name| SessionKey::new(entry.key.provider(), name).is_ok_and(|key| key == entry.key));
    if derived || account == SessionKey::DEFAULT_ACCOUNT {
        format!("keyfob login {}", entry.key.provider())
    } else {
        format!("keyfob login {}", entry.key)
    }
}

/// When a session ends, in the words of a list.
pub fn ends(term: impl Into<Term>, now: i64, wording: &Wording) -> String {
    let term = term.into();
    match State::of(term, now) {
        State::Valid => wording.expiry_short(term.expires_at),
        State::Expired => "renews on use".into(),
        State::LoginRequired => wording.since_short(term.trouble_since.or(term.expires_at).unwrap_or(now)),
    }
}

/// What a store is called in a sentence.
pub fn store_name(store: &str) -> &str {
    match store {
        "keyring" => "system keyring",
        "file" => "encrypted files",
        "memory" => "memory of this process",
        other => other,
    }
}

/// What to know about an answer of the token endpoint.
pub fn remarks(terminal: &Terminal, remarks: &[Remark]) {
    for remark in remarks {
        match remark {
            Remark::NotGranted(scopes) => terminal.warning(&format!("not granted: {}", scopes.join(" "))),
            Remark::OtherDetails(Some(granted)) => {
                let granted = shorten(granted, DETAILS);
                terminal.warning(&format!("other authorization_details were granted than were asked for: {granted}"));
            }
            Remark::OtherDetails(None) => {
                terminal.warning("the server does not say which of the authorization_details it granted");
            }
            Remark::ExpiredOnArrival => terminal.warning("the server issued a token that has already expired"),
            Remark::LifetimeUnknown(value) => {
                terminal.warning(&format!(
                    "the server gives the token the lifetime {value}, which means nothing; it counts as unknown"
                ));
            }
            _ => {}
        }
    }
}
