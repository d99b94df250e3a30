//! Where a session's token may go.

use keyfob::session::index::Entry;
use url::Url;

use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;

/// Refuses an address that the session's token must not be sent to.
///
/// Allowed are the hosts of the server's endpoints and issuer, those that the provider's entry names, those of the
/// resources that the session is for, and those that the user names now. A host without a port means the scheme's own;
/// one of the user's, or of this machine, means any. `of_entry` is asked only where nothing else allows the address.
///
/// # Errors
/// A failed check of security.
pub fn check(
    url: &Url,
    entry: &Entry,
    allowed: &[String],
    of_entry: impl FnOnce() -> Option<Vec<String>>,
) -> Result<(), Failure> {
    let host = url.host_str().unwrap_or_default();
    let authority = keyfob::system::http::authority(url);
    let exact = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
    let any_port = keyfob::system::http::is_loopback(url);
    let own = || entry.hosts.contains(&authority);
    let named = || {
        of_entry()
            .unwrap_or_default()
            .iter()
            .any(|known| *known == authority || *known == exact || (any_port && known == host))
    };
    let of_resource = || {
        let resources = entry.resources.iter().filter_map(|resource| Url::parse(resource).ok());
        resources.map(|resource| resource.origin()).any(|origin| origin == url.origin())
    };
    let of_user = || allowed.iter().any(|name| *name == host || *name == exact);
    if own() || of_resource() || of_user() || named() {
        return Ok(());
    }
    let message = format!("the token of {} is not for {authority}; nothing was sent", entry.key);
    Err(Failure::new(ExitCode::Security, message)
        .hint(format!("if it may go there:  --allow-host {authority},  or  hosts = [\"{authority}\"]  in the entry"))
        .session(&entry.key))
}

/// Reads the values of `--allow-host`.
///
/// # Errors
/// A word for what is no host.
pub fn parse(text: &str) -> Result<String, String> {
    let parsed = Url::parse(&format!("https://{text}/")).ok();
    let parsed = parsed.filter(|url| url.path() == "/" && url.username().is_empty() && url.query().is_none());
    match parsed.and_then(|url| Some(url.host_str()?.to_owned()).map(|host| (host, url))) {
        // The scheme's own port is left out of what was parsed, but was meant.
        Some((host, _)) if text.ends_with(":443") => Ok(format!("{host}:443")),
        Some((host, url)) => Ok(url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"))),
        None => Err(format!("`{text}` is no host: a name or an address, with `:PORT` if need be")),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for (text, expected) in [
            ("API.example", "api.example"),
            ("api.example:8443", "api.example:8443"),
            ("api.example:443", "api.example:443"),
            ("[::1]:80", "[::1]:80"),
            ("127.0.0.1", "127.0.0.1"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(expected));
        }
        for text in ["", "https://a.example", "a.example/x", "u@a.example", "a b", "a.example?x", "a:b"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
