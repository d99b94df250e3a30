//! Values that only a login knows, put into the entry's templates: `{callback.x}`, `{token.x}` and `{app.x}`.
//!
//! A redirect is brought by a browser, so its values are hostile until proven otherwise: they may pick among servers that
//! the entry names, and never name one of their own. A value in an address is checked like a variable's; the host that
//! comes out must be one that the entry wrote down.

use std::fmt;

use serde_json::{Map, Value};
use url::Url;

use super::Provider;
use super::provider::Endpoint;
use super::template::{self, Fault, Piece};
use crate::system::http::{authority, check_url};

/// What a login knows, by kind. `Debug` says nothing of it: some of it is secret.
#[derive(Clone, Copy, Default)]
pub struct RunTime<'a> {
    /// Parameters of the redirect that `callback_keep` names, and members of the answer that `token_keep` names.
    pub kept: Option<&'a Map<String, Value>>,
    /// What the request of `app_token` was answered with.
    pub app: Option<&'a Map<String, Value>>,
}

/// Why a template could not be filled. Values are not repeated: they may be codes or tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfilled {
    /// The value is not there.
    #[error("`{{{name}}}` is not known: the server did not send it, or the entry does not keep it")]
    Missing {
        /// The placeholder's name.
        name: String,
    },
    /// The value cannot stand in that place.
    #[error("what the server sent for `{{{name}}}` cannot stand there: {reason}")]
    Value {
        /// The placeholder's name.
        name: String,
        /// What would do.
        reason: String,
    },
    /// The address that came out must not be used.
    #[error("the address that it leads to cannot be used: {reason}")]
    Address {
        /// Why not.
        reason: String,
    },
    /// The host that came out is none of the entry's.
    #[error("it leads to `{host}`, which is none of the entry's hosts")]
    Host {
        /// The host.
        host: String,
    },
}

impl RunTime<'_> {
    /// The value of a placeholder; texts and numbers only.
    fn value(&self, provider: &Provider, name: &str) -> Option<String> {
        let (kind, key) = name.split_once('.')?;
        let keeps = |list: &[String]| list.iter().any(|known| known == key);
        let values = match kind {
            "callback" if keeps(&provider.callback_keep) => self.kept?,
            "token" if keeps(&provider.token_keep) => self.kept?,
            "app" => self.app?,
            _ => return None,
        };
        match values.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    fn lookup(&self, provider: &Provider, name: &str) -> Result<String, Unfilled> {
        self.value(provider, name).ok_or_else(|| Unfilled::Missing { name: name.to_owned() })
    }

    /// Fills the template of a parameter or header, whose value is encoded as a whole when it is sent.
    ///
    /// # Errors
    /// [`Unfilled::Missing`].
    pub fn text(&self, provider: &Provider, text: &str) -> Result<String, Unfilled> {
        self.filled(provider, text, |_, value| Ok(value))
    }

    /// Fills the template of a JSON body: a value can neither end the string it stands in nor begin another member.
    ///
    /// # Errors
    /// [`Unfilled::Missing`].
    pub fn json(&self, provider: &Provider, text: &str) -> Result<String, Unfilled> {
        self.filled(provider, text, |_, value| {
            let quoted = Value::String(value).to_string();
            Ok(quoted[1..quoted.len() - 1].to_owned())
        })
    }

    fn filled(
        &self,
        provider: &Provider,
        text: &str,
        write: impl Fn(&str, String) -> Result<String, Unfilled>,
    ) -> Result<String, Unfilled> {
        let mut filled = String::with_capacity(text.len());
        for piece in template::pieces(text) {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                // Variables were filled before; what looks like one now came out of a value.
                Piece::Variable(name) => {
                    filled.push('{');
                    filled.push_str(name);
                    filled.push('}');
                }
                Piece::RunTime(name) => filled.push_str(&write(name, self.lookup(provider, name)?)?),
            }
        }
        Ok(filled)
    }

    /// The address of `endpoint`.
    ///
    /// # Errors
    /// [`Unfilled`]: a value that is not there or would change more than its place, or a host that the entry does not
    /// name.
    ///
    /// # Security
    /// The host must be below a domain that the template itself writes out behind the placeholder, in the entry's `hosts`,
    /// or the host of one of its fixed addresses. Otherwise whoever sends the browser back could have the code sent to
    /// himself.
    pub fn url(&self, provider: &Provider, endpoint: &Endpoint) -> Result<Url, Unfilled> {
        let text = match endpoint {
            Endpoint::Fixed(url) => return Ok(url.clone()),
            Endpoint::RunTime(text) => text,
        };
        let filled =
            template::fill_run_time(text, &|name| self.value(provider, name)).map_err(|fault| match fault {
                Fault::Value { variable: name, reason } => Unfilled::Value { name, reason },
                Fault::Missing(name) | Fault::Undeclared(name) | Fault::RunTime(name) => Unfilled::Missing { name },
            })?;
        let refused = |reason: String| Unfilled::Address { reason };
        let url = Url::parse(&filled).map_err(|error| refused(error.to_string()))?;
        check_url(&url).map_err(|error| refused(error.to_string()))?;
        if !is_anchored(text) && !is_own(provider, &url) {
            return Err(Unfilled::Host { host: authority(&url) });
        }
        Ok(url)
    }
}

impl fmt::Debug for RunTime<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunTime(…)")
    }
}

/// Whether the template itself writes out the end of the host, of two labels at least, or all of it.
fn is_anchored(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let fixed = match host.rfind('}') {
        None => return true,
        Some(end) => &host[end + 1..],
    };
    fixed.strip_prefix('.').is_some_and(|domain| domain.split('.').filter(|label| !label.is_empty()).count() >= 2)
}

/// Whether the entry names the host of `url`.
fn is_own(provider: &Provider, url: &Url) -> bool {
    let fixed = |endpoint: &Option<Endpoint>| endpoint.as_ref().and_then(Endpoint::url).cloned();
    let issuer = provider.issuer.as_deref().and_then(|issuer| Url::parse(issuer).ok());
    let addresses = [
        issuer,
        provider.authorization_endpoint.clone(),
        fixed(&provider.token_endpoint),
        fixed(&provider.userinfo_endpoint),
        fixed(&provider.revocation_endpoint),
        fixed(&provider.refresh_endpoint),
    ];
    let named = provider.hosts.iter().filter_map(|host| Url::parse(&format!("{}://{host}/", url.scheme())).ok());
    addresses.into_iter().flatten().chain(named).any(|own| own.origin() == url.origin())
}

#[cfg(all(test, unix))]
mod tests;
