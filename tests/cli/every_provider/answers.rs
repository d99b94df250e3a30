//! The token endpoint's answer in the shape that an entry describes, and the client's own signatures.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyfob::registry::words::ResponseFormat;
use ring::hmac;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::keys::client_key;
use super::person::put;
use super::play::Play;
use crate::support::{Answer, base64url, now};

/// RFC 7523 §2.2.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The answer to a redemption (`first`) or a refresh.
///
/// What servers do not agree on is done in turn, so that each entry meets some of it: how long a token lives as number,
/// as text or not at all, the scope as text, as list or null.
pub fn token(play: &Play, id_token: Option<String>, first: bool) -> Answer {
    let it = play.provider();
    let rules = &it.token_response;
    let turn = it.id.bytes().map(usize::from).sum::<usize>() + usize::from(first);
    let mut members = json!({ "access_token": play.access_tokens.last() });
    // Where the entry says what a missing one means, it is missing.
    if rules.token_type.is_none() {
        members["token_type"] = "Bearer".into();
    }
    match turn % 3 {
        0 => members["expires_in"] = 3600.into(),
        1 => members["expires_in"] = "3600".into(),
        _ => {}
    }
    let scopes = play.scopes();
    match turn % 4 {
        0 | 1 if !scopes.is_empty() => members["scope"] = scopes.join(&it.scope_separator).into(),
        2 if !scopes.is_empty() => members["scope"] = scopes.clone().into(),
        _ => members["scope"] = Value::Null,
    }
    if let Some(token) = play.refresh_tokens.last() {
        members["refresh_token"] = token.as_str().into();
    }
    if let Some(token) = id_token {
        members["id_token"] = token.into();
    }
    for (name, value) in &play.values {
        if let Some(name) = name.strip_prefix("token.").filter(|name| *name != "access_token") {
            put(&mut members, name, value.as_str().into());
        }
    }
    for (standard, own) in &rules.names {
        if let Some(value) = members.as_object_mut().and_then(|members| members.remove(standard)) {
            members[own] = value;
        }
    }
    let mut answer = match &rules.path {
        Some(path) => {
            // What is beside the tokens would not be taken for them.
            let mut outer = json!({ "ok": true, "access_token": "not-this-one" });
            put(&mut outer, path, members);
            outer
        }
        None => members,
    };
    for path in &rules.error_paths {
        if answer.pointer(&format!("/{}", path.replace('.', "/"))).is_none() {
            put(&mut answer, path, json!(0));
        }
    }
    written(&answer, rules.format, first)
}

/// JSON; where the entry says that anything comes, a form or a call of JSONP.
fn written(answer: &Value, format: ResponseFormat, first: bool) -> Answer {
    if format == ResponseFormat::Json {
        return Answer::json(200, answer);
    }
    let members = answer.as_object().expect("an object");
    match form(members).filter(|_| first) {
        Some(form) => Answer::new(200, "text/plain; charset=utf-8", form),
        None => Answer::new(200, "application/javascript", format!("callback( {answer} );\n")),
    }
}

fn form(members: &Map<String, Value>) -> Option<String> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in members {
        match value {
            Value::Null => {}
            Value::String(text) => {
                form.append_pair(name, text);
            }
            Value::Number(number) => {
                form.append_pair(name, &number.to_string());
            }
            _ => return None,
        }
    }
    Some(form.finish())
}

/// A token that both sides' secret signs (RFC 7518 §3.2).
pub fn hs256(secret: &str, claims: &Value) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let message = format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(claims.to_string().as_bytes()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), message.as_bytes());
    format!("{message}.{}", base64url(tag.as_ref()))
}

/// Checks a token that the client has signed with its own key: for whom, by whom, until when (RFC 7523 §3).
///
/// `issuer` and `client_id` must be who signs and for whom, the audience one of `audiences`.
pub fn signed_by_client(jwt: &str, issuer: &str, client_id: &str, audiences: &[String]) -> Result<(), String> {
    let part = |index: usize| jwt.split('.').nth(index).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let (Some(claims), Some(signature)) = (part(1), part(2)) else { return Err("is no signed token".into()) };
    let (message, _) = jwt.rsplit_once('.').unwrap_or_default();
    if !client_key().verifies(message.as_bytes(), &signature) {
        return Err("is not signed by the client's key".into());
    }
    let claims: Value = serde_json::from_slice(&claims).map_err(|error| error.to_string())?;
    if (&claims["iss"], &claims["sub"]) != (&issuer.into(), &client_id.into()) {
        return Err(format!("is by {} about {}", claims["iss"], claims["sub"]));
    }
    if claims["exp"].as_i64().is_none_or(|end| end <= now() || end > now() + 3600) {
        return Err(format!("ends at {}", claims["exp"]));
    }
    if !audiences.iter().any(|audience| claims["aud"] == audience.as_str()) {
        return Err(format!("is for {}, not for one of {audiences:?}", claims["aud"]));
    }
    Ok(())
}
