//! A session as it is shown: JSON for scripts, lines for people.

use keyfob::protocol::token::Remark;
use keyfob::session::SessionKey;
use keyfob::session::index::Entry;
use serde_json::{Map, Value, json};

use super::terminal::{Terminal, shorten};
use super::time::{Wording, rfc3339};

/// Characters of granted details that are shown.
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
    pub fn of(entry: &Entry, now: i64) -> Self {
        let over = |end: Option<i64>| end.is_some_and(|end| end <= now);
        match () {
            () if entry.trouble.is_some() => Self::LoginRequired,
            () if !over(entry.expires_at) => Self::Valid,
            () if entry.refreshable && !over(entry.refresh_expires_at) => Self::Expired,
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
    let state = State::of(entry, now);
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| {
        object.insert(name.to_owned(), value);
    };
    put("schema", "keyfob.session/1".into());
    put("session", entry.key.to_string().into());
    put("provider", entry.key.provider().into());
    put("account", entry.key.account().into());
    put("default", is_default.into());
    put("state", state.name().into());
    put("usable", (state != State::LoginRequired).into());
    put("grant", entry.grant.clone().into());
    put("scopes", entry.scopes.clone().into());
    put("token_type", entry.token_type.clone().into());
    if let Some(end) = entry.expires_at {
        put("expires_at", rfc3339(end).into());
    }
    put("refreshable", entry.refreshable.into());
    if let Some(end) = entry.refresh_expires_at {
        put("refresh_expires_at", rfc3339(end).into());
    }
    if let Some(issuer) = &entry.issuer {
        put("issuer", issuer.clone().into());
    }
    if !entry.resources.is_empty() {
        put("resource", entry.resources.clone().into());
    }
    put("hosts", entry.hosts.clone().into());
    put("client_id", entry.client_id.clone().into());
    put("store", entry.store.clone().into());
    put("created_at", rfc3339(entry.created_at).into());
    if let Some(at) = entry.refreshed_at {
        put("refreshed_at", rfc3339(at).into());
    }
    if let Some(profile) = profile(entry) {
        put("profile", profile);
    }
    if !entry.waivers.is_empty() {
        put("waivers", entry.waivers.clone().into());
    }
    if let Some(trouble) = &entry.trouble {
        let mut told = json!({ "error": trouble.error, "since": rfc3339(trouble.since) });
        if let Some(description) = &trouble.description {
            told["error_description"] = shorten(description, 500).into();
        }
        put("trouble", told);
    }
    Value::Object(object)
}

fn profile(entry: &Entry) -> Option<Value> {
    let profile = &entry.profile;
    let fields = [
        ("id", &profile.id),
        ("name", &profile.name),
        ("username", &profile.username),
        ("email", &profile.email),
        ("picture", &profile.picture),
    ];
    let known: Map<String, Value> =
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into()))).collect();
    (!known.is_empty()).then_some(Value::Object(known))
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
pub fn ends(entry: &Entry, now: i64, wording: &Wording) -> String {
    match (State::of(entry, now), &entry.trouble) {
        (State::Valid, _) => wording.expiry_short(entry.expires_at),
        (State::Expired, _) => "renews on use".into(),
        (State::LoginRequired, Some(trouble)) => wording.since_short(trouble.since),
        (State::LoginRequired, None) => wording.since_short(entry.expires_at.unwrap_or(now)),
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
