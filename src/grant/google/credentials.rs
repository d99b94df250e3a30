//! Google's credential files, read strictly: what is not understood is refused rather than left out.

use serde_json::{Map, Value};
use url::Url;

use crate::protocol::json;
use crate::secret::Secret;

/// What a file says.
#[derive(Debug)]
pub(super) enum Credentials {
    /// A key of a service account.
    ServiceAccount(ServiceAccount),
    /// Somebody whom another system knows.
    ExternalAccount(Box<ExternalAccount>),
}

/// `type: service_account`.
#[derive(Debug)]
pub(super) struct ServiceAccount {
    pub(super) client_email: String,
    pub(super) private_key: Secret,
    pub(super) private_key_id: Option<String>,
    pub(super) token_uri: Url,
}

/// `type: external_account`.
#[derive(Debug)]
pub(super) struct ExternalAccount {
    pub(super) audience: String,
    pub(super) subject_token_type: String,
    pub(super) token_url: Url,
    pub(super) source: Source,
    pub(super) impersonation: Option<Impersonation>,
}

/// The service account that is acted as.
#[derive(Debug)]
pub(super) struct Impersonation {
    pub(super) url: Url,
    pub(super) lifetime_secs: u64,
}

/// Where the subject token is.
#[derive(Debug)]
pub(super) enum Source {
    File { path: String, format: Format },
    Url { url: Url, headers: Vec<(String, Secret)>, format: Format },
    Executable { command: String, timeout_millis: u64 },
}

/// What surrounds the token.
#[derive(Debug)]
pub(super) enum Format {
    Text,
    Json { field: String },
}

/// Seconds for which an impersonated token lasts where the file says nothing.
const LIFETIME: u64 = 3600;

/// The longest that Google allows: twelve hours.
const LONGEST_LIFETIME: u64 = 43_200;

/// The longest that a program may take, in milliseconds: two minutes.
const LONGEST_TIMEOUT: u64 = 120_000;

/// Milliseconds that a program gets where the file says nothing.
const TIMEOUT: u64 = 30_000;

impl Credentials {
    /// Reads a file.
    ///
    /// # Errors
    /// What is missing or not understood; never a value.
    pub(super) fn read(text: &Secret) -> Result<Self, String> {
        let file =
            json::parse_object(text.expose().as_bytes()).map_err(|error| format!("it is no JSON object ({error})"))?;
        match string(&file, "type")? {
            "service_account" => Ok(Self::ServiceAccount(ServiceAccount {
                client_email: string(&file, "client_email")?.to_owned(),
                private_key: string(&file, "private_key")?.into(),
                private_key_id: optional(&file, "private_key_id")?.map(str::to_owned),
                token_uri: url(&file, "token_uri")?,
            })),
            "external_account" => external(&file).map(|account| Self::ExternalAccount(Box::new(account))),
            _ => Err("its `type` is neither `service_account` nor `external_account`".into()),
        }
    }
}

fn external(file: &Map<String, Value>) -> Result<ExternalAccount, String> {
    for unknown in ["client_id", "client_secret", "workforce_pool_user_project"] {
        if file.contains_key(unknown) {
            return Err(format!("it has `{unknown}`, which keyfob does not support"));
        }
    }
    let source = file.get("credential_source").and_then(Value::as_object).ok_or("it has no `credential_source`")?;
    let impersonation = match optional(file, "service_account_impersonation_url")? {
        None => None,
        Some(_) => {
            let more = object(file, "service_account_impersonation")?;
            let lifetime_secs = number(more, "token_lifetime_seconds", LIFETIME, LONGEST_LIFETIME)?;
            Some(Impersonation { url: url(file, "service_account_impersonation_url")?, lifetime_secs })
        }
    };
    Ok(ExternalAccount {
        audience: string(file, "audience")?.to_owned(),
        subject_token_type: string(file, "subject_token_type")?.to_owned(),
        token_url: url(file, "token_url")?,
        source: read_source(source)?,
        impersonation,
    })
}

fn read_source(source: &Map<String, Value>) -> Result<Source, String> {
    if source.contains_key("environment_id") {
        return Err("its `credential_source` is that of AWS, whose signed requests keyfob does not make".into());
    }
    if let Some(path) = optional(source, "file")? {
        return Ok(Source::File { path: path.to_owned(), format: format(source)? });
    }
    if source.contains_key("url") {
        let headers = object(source, "headers")?;
        let headers = headers.into_iter().flatten().map(|(name, value)| {
            Ok((
                name.clone(),
                Secret::new(value.as_str().ok_or("its `credential_source` has a header that is no text")?),
            ))
        });
        let headers = headers.collect::<Result<_, String>>()?;
        return Ok(Source::Url { url: url(source, "url")?, headers, format: format(source)? });
    }
    match source.get("executable").and_then(Value::as_object) {
        Some(executable) => Ok(Source::Executable {
            command: string(executable, "command")?.to_owned(),
            timeout_millis: number(Some(executable), "timeout_millis", TIMEOUT, LONGEST_TIMEOUT)?,
        }),
        None => Err("its `credential_source` names neither file, url nor executable".into()),
    }
}

fn format(source: &Map<String, Value>) -> Result<Format, String> {
    let Some(format) = object(source, "format")? else { return Ok(Format::Text) };
    match optional(format, "type")?.unwrap_or("text") {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json { field: string(format, "subject_token_field_name")?.to_owned() }),
        _ => Err("its `format` is neither text nor json".into()),
    }
}

fn object<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Map<String, Value>>, String> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(format!("its `{name}` is no object")),
    }
}

/// A whole number above zero, `usual` where nothing is said.
fn number(members: Option<&Map<String, Value>>, name: &str, usual: u64, most: u64) -> Result<u64, String> {
    match members.and_then(|members| members.get(name)) {
        None | Some(Value::Null) => Ok(usual),
        Some(value) => match value.as_u64().filter(|number| (1..=most).contains(number)) {
            Some(number) => Ok(number),
            None => Err(format!("its `{name}` is no number from 1 to {most}")),
        },
    }
}

fn string<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    optional(members, name)?.ok_or_else(|| format!("it has no `{name}`"))
}

fn optional<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(format!("its `{name}` is no text")),
    }
}

fn url(members: &Map<String, Value>, name: &str) -> Result<Url, String> {
    Url::parse(string(members, name)?).map_err(|_| format!("its `{name}` is no address"))
}

#[cfg(test)]
mod tests {
    use super::{Credentials, Secret};

    fn refused(text: &str) -> String {
        Credentials::read(&Secret::new(text)).unwrap_err()
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name_and_never_quoted() {
        let external = |source: &str, more: &str| {
            format!(
                r#"{{"type":"external_account","audience":"a","subject_token_type":"t","token_url":"https://sts.example/",
                    "credential_source":{source}{more}}}"#
            )
        };
        for (text, word) in [
            ("canary".to_owned(), "no JSON"),
            (r#"{"type":"authorized_user","refresh_token":"canary"}"#.to_owned(), "neither `service_account`"),
            (r#"{"type":"service_account","client_email":"canary"}"#.to_owned(), "private_key"),
            (external(r#"{"environment_id":"aws1","url":"canary"}"#, ""), "AWS"),
            (external("{}", ""), "neither file"),
            (external(r#"{"file":"x","format":{"type":"xml"}}"#, ""), "format"),
            (external(r#"{"file":"x","format":"canary"}"#, ""), "format"),
            (external(r#"{"executable":{"command":"x","timeout_millis":"canary"}}"#, ""), "timeout_millis"),
            (
                external(
                    r#"{"file":"x"}"#,
                    r#","service_account_impersonation_url":"https://a.example/","service_account_impersonation":{"token_lifetime_seconds":0}"#,
                ),
                "token_lifetime_seconds",
            ),
            (external(r#"{"file":"x"}"#, r#","client_secret":"canary""#), "client_secret"),
        ] {
            let reason = refused(&text);
            assert!(reason.contains(word) && !reason.contains("canary"), "{reason}");
        }
    }
}
