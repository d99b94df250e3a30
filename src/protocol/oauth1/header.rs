//! The signed request's Authorization header.

use http::HeaderValue;
use zeroize::Zeroizing;

use super::encoding::encode;
use super::signature::base_string;
use super::{Consumer, Credentials, Error, Fresh, Signing};
use crate::protocol;
use crate::protocol::call::Call;
use crate::system::http::{endpoint, is_loopback};

/// The value of the Authorization header of `call`, with the signature in it.
///
/// `extra` are further protocol parameters: `oauth_callback`, `oauth_verifier`.
///
/// # Errors
/// [`Error::Plaintext`], [`Error::Clock`], [`Error::Key`]; [`protocol::Error::Parameter`] for a realm that fits no header.
///
/// # Specification
/// RFC 5849 §3.1, §3.5.1. The form body and the query (§3.5.2, §3.5.3) are not offered: addresses end up in logs.
pub fn authorization(
    consumer: &Consumer,
    credentials: Option<&Credentials>,
    extra: &[(&'static str, &str)],
    call: &Call<'_>,
    fresh: &Fresh,
) -> Result<HeaderValue, protocol::Error> {
    let signing = &consumer.signing;
    if matches!(signing, Signing::Plaintext(_)) && call.url.scheme() != "https" && !is_loopback(call.url) {
        return Err(Error::Plaintext { method: signing.method(), url: endpoint(call.url) }.into());
    }
    if fresh.timestamp <= 0 {
        return Err(Error::Clock.into());
    }
    let timestamp = fresh.timestamp.to_string();
    let body_hash = signing.body_hash(call.body);
    let mut parameters = vec![("oauth_consumer_key", consumer.key.as_str())];
    if let Some(credentials) = credentials {
        parameters.push(("oauth_token", credentials.token.expose()));
    }
    parameters.extend([
        ("oauth_signature_method", signing.method()),
        ("oauth_timestamp", timestamp.as_str()),
        ("oauth_nonce", fresh.nonce.as_str()),
        ("oauth_version", "1.0"),
    ]);
    parameters.extend(extra);
    if let Some(hash) = &body_hash {
        parameters.push(("oauth_body_hash", hash));
    }
    let token_secret = credentials.map_or("", |credentials| credentials.secret.expose());
    let signature = signing.sign(&base_string(call, &parameters), token_secret)?;
    parameters.push(("oauth_signature", signature.expose()));
    written(consumer.realm.as_deref(), &parameters)
}

fn written(realm: Option<&str>, parameters: &[(&str, &str)]) -> Result<HeaderValue, protocol::Error> {
    let unfit = || protocol::Error::Parameter { name: "realm".into(), reason: "it fits no header".into() };
    // A quoted string (RFC 9110 §5.6.4); the realm is not percent-encoded.
    let realm = realm.map(|realm| format!("realm=\"{}\"", realm.replace('\\', "\\\\").replace('"', "\\\"")));
    let pairs = parameters.iter().map(|(name, value)| {
        let value = Zeroizing::new(encode(value.as_bytes()));
        format!("{name}=\"{}\"", *value)
    });
    let text = Zeroizing::new(format!("OAuth {}", realm.into_iter().chain(pairs).collect::<Vec<_>>().join(", ")));
    let mut value = HeaderValue::from_str(&text).map_err(|_| unfit())?;
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(unfit());
    }
    value.set_sensitive(true);
    Ok(value)
}
