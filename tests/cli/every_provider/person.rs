//! Who logs in: one made-up person for each provider, told in the shape that the entry's `user` paths expect.

use std::collections::BTreeMap;

use keyfob::registry::Provider;
use keyfob::registry::words::Protocol;
use serde_json::{Map, Value, json};

/// What the provider says of the person, and what keyfob must make of it.
pub struct Person {
    /// The answer of userinfo.
    pub userinfo: Value,
    /// Claims of the ID token beside those that every one has.
    pub claims: Map<String, Value>,
    /// The profile that `status` must show.
    pub profile: Map<String, Value>,
    /// The account that must name the session.
    pub account: String,
    /// What the address for the mail tells, where there is one.
    pub email: String,
    /// Whether userinfo must be asked: not where the ID token tells name and account.
    pub asked: bool,
}

const FIELDS: [&str; 5] = ["id", "name", "username", "email", "picture"];

impl Person {
    /// The person of `provider`, whose subject is `subject`; `claims`: something is told with the tokens.
    pub fn new(provider: &Provider, subject: &str, claims: bool) -> Self {
        let paths = paths(provider);
        let email = format!("mail@{}.example", provider.id);
        let told =
            |field: &str| paths.iter().any(|(name, paths)| *name == field && paths.iter().any(|path| is_claim(path)));
        let complete = claims && told("name") && (told("username") || told("email"));
        let asked = provider.userinfo_endpoint.is_some() && !complete;
        let elsewhere = provider.userinfo.email_endpoint.is_some();
        let told_in_claims = |path: &str| claims && (is_claim(path) || !asked);
        let mut told = BTreeMap::new();
        for (field, paths) in &paths {
            for path in paths.iter().filter(|path| (asked && !is_claim(path)) || told_in_claims(path)) {
                // The mail address that an endpoint of its own tells is not told twice.
                if !(*field == "email" && elsewhere) {
                    told.insert(path.clone(), value(provider, path, subject));
                }
            }
        }
        let extra = provider.account.iter().filter(|named| !FIELDS.contains(&named.as_str()) && asked);
        for path in extra {
            told.insert(path.clone(), value(provider, path, subject));
        }
        let (mut userinfo, mut claims) = (Value::Null, Value::Null);
        for (path, value) in &told {
            match path.strip_prefix("id_token:") {
                Some(path) => put(&mut claims, path, value.clone()),
                None if !asked => put(&mut claims, path, value.clone()),
                None => put(&mut userinfo, path, value.clone()),
            }
        }
        if userinfo.is_null() {
            userinfo = json!({});
        }
        if provider.protocol == Protocol::Oidc && userinfo.is_object() {
            userinfo["sub"] = subject.into();
        }
        let text = |path: &String| told.get(path).map(text);
        let mut profile = Map::new();
        for (field, paths) in &paths {
            let found: Vec<String> = paths.iter().filter_map(text).collect();
            if !found.is_empty() {
                profile.insert((*field).to_owned(), found.join(" ").into());
            }
        }
        if elsewhere && !profile.contains_key("email") {
            profile.insert("email".to_owned(), email.clone().into());
        }
        let account = account(provider, &profile, &told);
        let claims = claims.as_object().cloned().unwrap_or_default();
        Self { userinfo, claims, profile, account, email, asked }
    }
}

/// Whether a path leads into the ID token alone.
fn is_claim(path: &str) -> bool {
    path.starts_with("id_token:")
}

fn account(provider: &Provider, profile: &Map<String, Value>, told: &BTreeMap<String, Value>) -> String {
    let field = |name: &str| profile.get(name).map(text);
    let named = provider.account.as_ref().and_then(|named| field(named).or_else(|| told.get(named).map(text)));
    let first = || ["username", "email", "id"].into_iter().find_map(field);
    named.or_else(first).unwrap_or_else(|| "default".to_owned())
}

/// The entry's paths by field. Where it has none, OpenID Connect has names (Core §5.1), and OAuth 1.0 servers tell two
/// values with the token.
fn paths(provider: &Provider) -> Vec<(&'static str, Vec<String>)> {
    let standard = ["sub", "name", "preferred_username", "email", "picture"];
    let user = &provider.user;
    let given = [&user.id, &user.name, &user.username, &user.email, &user.picture].map(Clone::clone);
    let mut all: Vec<_> = FIELDS.into_iter().zip(given).collect();
    for ((_, paths), claim) in all.iter_mut().zip(standard) {
        if paths.is_empty() && provider.protocol == Protocol::Oidc {
            paths.push(claim.to_owned());
        }
    }
    if provider.protocol == Protocol::OAuth1 {
        for (field, told) in [("id", "id_token:user_id"), ("username", "id_token:screen_name")] {
            let paths = all.iter_mut().find(|(name, paths)| *name == field && paths.is_empty());
            paths.into_iter().for_each(|(_, paths)| paths.push(told.to_owned()));
        }
    }
    all
}

/// What is told at a path: the same wherever it is asked for, and a number where providers have one.
fn value(provider: &Provider, path: &str, subject: &str) -> Value {
    let is_id = provider.user.id.iter().any(|id| id == path);
    let name = path.strip_prefix("id_token:").unwrap_or(path);
    match name {
        "sub" => subject.into(),
        _ if is_id && provider.protocol != Protocol::Oidc => json!(4_000_000 + name.len()),
        _ => format!("{name}~{}", provider.id).into(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Sets the value at a dotted path, with the objects and lists that it needs on the way.
pub fn put(into: &mut Value, path: &str, value: Value) {
    if path.contains("://") {
        // A claim that is named by an address (OpenID Connect Core §5.1.2).
        into[path] = value;
        return;
    }
    let mut at = into;
    for name in path.split('.') {
        at = match name.parse::<usize>() {
            Ok(index) => {
                if at.is_null() {
                    *at = json!([]);
                }
                let list = at.as_array_mut().unwrap_or_else(|| panic!("`{path}` leads through an object and a list"));
                if list.len() <= index {
                    list.resize(index + 1, Value::Null);
                }
                &mut list[index]
            }
            Err(_) => {
                if at.is_null() {
                    *at = json!({});
                }
                assert!(at.is_object(), "`{path}` leads through what another path says is a value");
                &mut at[name]
            }
        };
    }
    *at = value;
}
