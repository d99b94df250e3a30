//! Whom a server says has logged in, found in whatever shape it says so.
//!
//! Each provider's entry tells where its answers keep the identifier, the names and the address; a path that leads
//! nowhere is no error, because people leave such fields empty. The values are foreign text and are escaped by whoever
//! shows them. Nothing here decides about access.
//!
//! # Specification
//! OpenID Connect Core §5.1 (the claims looked at where an entry names none).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The prefix of a path that leads into the ID token's claims.
const CLAIMS: &str = "id_token:";

/// How many bytes a value may have: longer ones are no names, and some keyrings hold 2,560 bytes in all.
const MAX_BYTES: usize = 1000;

/// Where a server's answers keep what; each a list of paths whose values are joined with a blank.
///
/// A path is the name of a member, or names and positions joined by dots (`data.0.id`). It leads into the userinfo answer
/// and, where that has no such value, into the ID token's claims; with the prefix `id_token:` into the claims only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// The identifier that never changes.
    pub id: Vec<String>,
    /// The full name.
    pub name: Vec<String>,
    /// The name used to sign in.
    pub username: Vec<String>,
    /// The mail address.
    pub email: Vec<String>,
    /// Address of a picture.
    pub picture: Vec<String>,
}

/// Whom the server says has logged in; no value is blank or longer than 1,000 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The identifier that never changes.
    pub id: Option<String>,
    /// The full name.
    pub name: Option<String>,
    /// The name used to sign in.
    pub username: Option<String>,
    /// The mail address.
    pub email: Option<String>,
    /// Address of a picture.
    pub picture: Option<String>,
}

impl Paths {
    /// These paths, and for each value without one the standard claim.
    ///
    /// # Specification
    /// OpenID Connect Core §5.1.
    pub fn or_openid(mut self) -> Self {
        for (paths, claim) in [
            (&mut self.id, "sub"),
            (&mut self.name, "name"),
            (&mut self.username, "preferred_username"),
            (&mut self.email, "email"),
            (&mut self.picture, "picture"),
        ] {
            if paths.is_empty() {
                paths.push(claim.to_owned());
            }
        }
        self
    }

    /// These paths, and where there is none for identifier and user name, what OAuth 1.0 servers commonly tell with the
    /// token (Twitter since 2009, and whoever followed it).
    pub fn or_oauth1(mut self) -> Self {
        for (paths, name) in [(&mut self.id, "user_id"), (&mut self.username, "screen_name")] {
            if paths.is_empty() {
                paths.push(name.to_owned());
            }
        }
        self
    }
}

/// What the checked userinfo answer and the ID token's checked claims say at `paths`.
pub fn profile(paths: &Paths, userinfo: Option<&Map<String, Value>>, claims: Option<&Map<String, Value>>) -> Profile {
    let joined = |paths: &[String]| {
        let found: Vec<String> = paths.iter().filter_map(|path| find(path, userinfo, claims)).collect();
        Some(found.join(" ")).filter(|text| !text.is_empty() && text.len() <= MAX_BYTES)
    };
    Profile {
        id: joined(&paths.id),
        name: joined(&paths.name),
        username: joined(&paths.username),
        email: joined(&paths.email),
        picture: joined(&paths.picture),
    }
}

/// What the account is to be called: the value `named` by one of the profile's fields or by a path, otherwise the first
/// of user name, address and identifier that there is.
///
/// A name that leads nowhere falls back as well: two accounts must not end up under one label because of it.
pub fn account(
    named: Option<&str>,
    profile: &Profile,
    userinfo: Option<&Map<String, Value>>,
    claims: Option<&Map<String, Value>>,
) -> Option<String> {
    let chosen = named.and_then(|named| match named {
        "id" => profile.id.clone(),
        "name" => profile.name.clone(),
        "username" => profile.username.clone(),
        "email" => profile.email.clone(),
        "picture" => profile.picture.clone(),
        path => find(path, userinfo, claims),
    });
    chosen.or_else(|| [&profile.username, &profile.email, &profile.id].into_iter().find_map(Clone::clone))
}

fn find(path: &str, userinfo: Option<&Map<String, Value>>, claims: Option<&Map<String, Value>>) -> Option<String> {
    match path.strip_prefix(CLAIMS) {
        Some(path) => text(member(claims?, path)?),
        None => [userinfo, claims].into_iter().flatten().find_map(|members| text(member(members, path)?)),
    }
}

/// The value at a path. A member whose whole name is the path comes first: claims may be named by addresses
/// (OpenID Connect Core §5.1.2), which have dots in them.
fn member<'a>(members: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = members.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    rest.split('.').try_fold(members.get(first)?, |value, name| match value {
        Value::Object(members) => members.get(name),
        Value::Array(elements) => elements.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Text and numbers as text; anything else, blank or oversized, is nothing.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(text).filter(|text| !text.trim().is_empty() && text.len() <= MAX_BYTES)
}

#[cfg(test)]
mod tests;
