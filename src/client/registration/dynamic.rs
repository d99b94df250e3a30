//! Clients that are registered at any server that takes registrations (RFC 7591).
//!
//! Each belongs to one issuer, one endpoint, one redirect rule and one grant; it serves nothing else. Which of them are
//! kept, and where, is the caller's affair: a [`Kept`] is one text for a secret store.

use serde_json::{Value, json};
use url::Url;

use super::NAME;
use crate::client::credentials::Credentials;
use crate::client::{Error, NoStore, SecretStore, read_secret};
use crate::protocol;
use crate::protocol::json;
use crate::protocol::registration::{ClientInformation, ClientMetadata, Management, read_deletion};
use crate::registry::words::ClientAuth;
use crate::registry::{Provider, SecretSource};
use crate::secret::Secret;
use crate::system::System;

/// Clients that are kept for one issuer; more than one only where redirect rules change to and fro.
const MOST: usize = 8;

/// What a client is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purpose {
    /// The issuer, where the server has one.
    pub issuer: Option<String>,
    /// Where it is registered.
    pub endpoint: Url,
    /// The rule that its redirect URI follows; empty for a grant without a browser.
    pub redirect: String,
    /// The grant's `grant_type`.
    pub grant_type: String,
}

/// A registered client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicClient {
    /// What it is good for.
    pub purpose: Purpose,
    /// The redirect URI that it was registered with.
    pub redirect_uri: Option<String>,
    /// As the server registered it.
    pub information: ClientInformation,
}

/// The clients at one issuer, newest last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept(Vec<DynamicClient>);

/// Whether a client is still there, as far as the server tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// It is, or the server does not say.
    Assumed,
    /// It is, and its secret or the access to its registration is another from now on.
    Changed(Box<ClientInformation>),
    /// The server does not know it any more, or its secret has ended.
    Gone,
}

impl Kept {
    /// The client for `purpose`. Whether it can still be used, its [`presence`](DynamicClient::presence) says.
    pub fn find(&self, purpose: &Purpose) -> Option<&DynamicClient> {
        self.0.iter().rev().find(|client| client.purpose == *purpose)
    }

    /// Keeps `client` in place of those for the same purpose.
    pub fn put(&mut self, client: DynamicClient) {
        self.forget(&client.purpose);
        self.0.push(client);
        let surplus = self.0.len().saturating_sub(MOST);
        self.0.drain(..surplus);
    }

    /// Forgets those for `purpose`.
    pub fn forget(&mut self, purpose: &Purpose) {
        self.0.retain(|client| client.purpose != *purpose);
    }

    /// All of them.
    pub fn clients(&self) -> &[DynamicClient] {
        &self.0
    }

    /// The text to be kept in a secret store.
    pub fn to_secret(&self) -> Secret {
        Secret::new(json!({ "clients": self.0.iter().map(DynamicClient::to_value).collect::<Vec<_>>() }).to_string())
    }

    /// What [`to_secret`](Self::to_secret) wrote; empty for anything else.
    pub fn of_secret(text: &Secret) -> Self {
        let record = json::parse_object(text.expose().as_bytes()).unwrap_or_default();
        let clients = record.get("clients").and_then(Value::as_array).into_iter().flatten();
        Self(clients.filter_map(DynamicClient::of_value).collect())
    }
}

impl DynamicClient {
    fn to_value(&self) -> Value {
        let Self { purpose, redirect_uri, information } = self;
        let management = information.management.as_ref();
        json!({
            "issuer": purpose.issuer,
            "endpoint": purpose.endpoint.as_str(),
            "redirect": purpose.redirect,
            "grant_type": purpose.grant_type,
            "redirect_uri": redirect_uri,
            "client_id": information.client_id,
            "client_secret": information.client_secret.as_ref().map(Secret::expose),
            "client_secret_expires_at": information.client_secret_expires_at,
            "token_endpoint_auth_method": information.token_endpoint_auth_method,
            "registration_client_uri": management.map(|management| management.uri.as_str()),
            "registration_access_token": management.map(|management| management.token.expose()),
        })
    }

    fn of_value(record: &Value) -> Option<Self> {
        let text = |name: &str| record.get(name)?.as_str().map(str::to_owned);
        let url = |name: &str| Url::parse(record.get(name)?.as_str()?).ok();
        let token = text("registration_access_token").map(Secret::from);
        Some(Self {
            purpose: Purpose {
                issuer: text("issuer"),
                endpoint: url("endpoint")?,
                redirect: text("redirect")?,
                grant_type: text("grant_type")?,
            },
            redirect_uri: text("redirect_uri"),
            information: ClientInformation {
                client_id: text("client_id")?,
                client_secret: text("client_secret").map(Secret::from),
                client_secret_expires_at: record.get("client_secret_expires_at").and_then(Value::as_i64),
                token_endpoint_auth_method: text("token_endpoint_auth_method")?,
                management: url("registration_client_uri").zip(token).map(|(uri, token)| Management { uri, token }),
            },
        })
    }

    /// Asks the server whether it still knows the client; free where it offers no management. An answer that cannot be
    /// right changes nothing. A client whose secret has ended may be given another by it.
    ///
    /// # Specification
    /// RFC 7592 §2.1: 401 for a client that does not exist; a new secret and a new access token are valid at once.
    pub async fn presence(&self, system: &System) -> Presence {
        let presence = self.looked_up(system).await;
        let information = match &presence {
            Presence::Assumed => &self.information,
            Presence::Changed(information) => information,
            Presence::Gone => return Presence::Gone,
        };
        let ends = information.client_secret_expires_at;
        if ends.is_some_and(|end| end <= system.clock.seconds()) { Presence::Gone } else { presence }
    }

    async fn looked_up(&self, system: &System) -> Presence {
        let Some(management) = &self.information.management else { return Presence::Assumed };
        let Ok(request) = management.look_up() else { return Presence::Assumed };
        match system.http.send_persistently(request, true).await {
            Ok(response) if response.status() == ::http::StatusCode::UNAUTHORIZED => Presence::Gone,
            Ok(response) if response.status().is_success() => match self.information.looked_up(&response) {
                Ok(now) if now != self.information => Presence::Changed(Box::new(now)),
                _ => Presence::Assumed,
            },
            _ => Presence::Assumed,
        }
    }

    /// Deletes the client at its server; `false` where the server offers no management.
    ///
    /// # Errors
    /// Why it may still be there.
    pub async fn delete(&self, system: &System) -> Result<bool, Error> {
        let Some(management) = &self.information.management else { return Ok(false) };
        let response = system.http.send_persistently(management.deletion()?, true).await?;
        read_deletion(&response, system.clock.seconds())?;
        Ok(true)
    }
}

/// Registers a client of `provider` for `purpose`. Nothing repeats it: each request makes another client.
///
/// `offered` are the grants and the methods of client authentication that the server announces. A client that signs its
/// assertions registers the public half of the entry's key.
///
/// # Errors
/// As [`method`]; those of the entry's key; [`Error::Input`] when the initial access token or the software statement cannot
/// be read; why there is no client.
pub async fn register(
    system: &System,
    secrets: &dyn SecretStore,
    provider: &Provider,
    purpose: Purpose,
    redirect_uri: Option<String>,
    offered: (Option<&[String]>, Option<&[String]>),
) -> Result<DynamicClient, Error> {
    let (grants, methods) = offered;
    let mut grant_types = vec![purpose.grant_type.clone()];
    let refresh = "refresh_token";
    if grants.is_none_or(|grants| grants.iter().any(|grant| grant == refresh)) {
        grant_types.push(refresh.to_owned());
    }
    let registration = &provider.registration;
    let method = method(provider, methods)?;
    let signs = matches!(provider.client_auth, ClientAuth::ClientSecretJwt | ClientAuth::PrivateKeyJwt);
    let metadata = ClientMetadata {
        client_name: NAME.to_owned(),
        redirect_uris: redirect_uri.iter().cloned().collect(),
        grant_types,
        token_endpoint_auth_method: method.to_owned(),
        token_endpoint_auth_signing_alg: provider.token_endpoint_auth_signing_alg.clone().filter(|_| signs),
        key: public_key(system, secrets, provider)?,
        software_statement: read(provider, "software_statement", registration.software_statement.as_ref(), system)?,
    };
    let token = read(provider, "initial_access_token", registration.initial_access_token.as_ref(), system)?;
    let request = metadata.request(&purpose.endpoint, token.as_ref())?;
    let response = system.http.send_persistently(request, false).await?;
    let read = metadata.read(&purpose.endpoint, &response, system.clock.seconds());
    let sent = [token.as_ref(), metadata.software_statement.as_ref()];
    let information = read.map_err(|error| error.without(sent.into_iter().flatten()))?;
    Ok(DynamicClient { purpose, redirect_uri, information })
}

/// How a client of `provider` is registered to prove who it is: as the entry says; else not at all, where the server allows
/// that. `offered` is what the server announces.
///
/// # Errors
/// [`Error::Unregistrable`] where the entry wants it proved by what no registration without a person brings about.
///
/// # Specification
/// RFC 7591 §2 (`token_endpoint_auth_method`).
pub fn method(provider: &Provider, offered: Option<&[String]>) -> Result<&'static str, Error> {
    match (provider.client_auth, offered) {
        (
            method @ (ClientAuth::None
            | ClientAuth::ClientSecretBasic
            | ClientAuth::ClientSecretPost
            | ClientAuth::ClientSecretJwt
            | ClientAuth::PrivateKeyJwt),
            _,
        ) => Ok(method.word()),
        (ClientAuth::Auto, Some(offered)) => {
            let known = ["none", "client_secret_basic", "client_secret_post"];
            Ok(known.into_iter().find(|known| offered.iter().any(|method| method == known)).unwrap_or("none"))
        }
        (ClientAuth::Auto, None) => Ok("none"),
        // A certificate has to be known to the server by other means; the rest is some provider's own.
        (
            method @ (ClientAuth::TlsClientAuth
            | ClientAuth::SelfSignedTlsClientAuth
            | ClientAuth::Query
            | ClientAuth::BasicEmpty
            | ClientAuth::AppleJwt
            | ClientAuth::Assertion
            | ClientAuth::ClientAssertion),
            _,
        ) => Err(Error::Unregistrable { provider: provider.id.clone(), method: method.word() }),
    }
}

/// The public half of the entry's key, where the client is to sign with it.
fn public_key(system: &System, secrets: &dyn SecretStore, provider: &Provider) -> Result<Option<Value>, Error> {
    if provider.client_auth != ClientAuth::PrivateKeyJwt {
        return Ok(None);
    }
    let signer = Credentials::read(provider, system, secrets)?.signer(provider)?;
    let hidden = || Error::PrivateKey {
        provider: provider.id.clone(),
        reason: "what holds it does not show its public half, without which no client can be registered".into(),
    };
    let mut key = signer.public_jwk().ok_or_else(hidden)?;
    key["use"] = "sig".into();
    let own = provider.private_key_id.as_deref().or(provider.variables.get("key_id").map(String::as_str));
    // As each assertion will name it.
    if let Some(kid) = own.or(signer.kid()) {
        key["kid"] = kid.into();
    }
    Ok(Some(key))
}

fn read(
    provider: &Provider,
    key: &'static str,
    source: Option<&SecretSource>,
    system: &System,
) -> Result<Option<Secret>, Error> {
    let failed = |reason: String| Error::Input { provider: provider.id.clone(), key, reason };
    match source {
        None => Ok(None),
        Some(SecretSource::Store) => Err(failed("the secret store holds client secrets only".into())),
        Some(source) => match read_secret(provider, source, system, &NoStore) {
            Ok(secret) => Ok(Some(secret)),
            Err(Error::NoSecret { reason, .. }) => Err(failed(reason)),
            Err(error) => Err(error),
        },
    }
}

/// Checks an address that is to be a client identifier with a document behind it.
///
/// # Errors
/// [`protocol::Error::Parameter`] with what is wrong with it.
///
/// # Specification
/// draft-ietf-oauth-client-id-metadata-document §3.
pub fn check_document(client_id: &str) -> Result<(), Error> {
    let refuse = |reason: &str| {
        Err(protocol::Error::ClientDocument {
            client_id: protocol::jose::excerpt(client_id),
            reason: reason.to_owned(),
        }
        .into())
    };
    let Ok(url) = Url::parse(client_id) else { return refuse("it is no address") };
    let segments = client_id.split(['?', '#']).next().unwrap_or_default().split('/');
    if url.scheme() != "https" {
        refuse("it must be https")
    } else if url.path() == "/" {
        refuse("it must have a path")
    } else if segments.into_iter().any(|segment| matches!(segment, "." | "..")) {
        refuse("it must not have dot segments")
    } else if client_id.contains('#') {
        refuse("it must not have a fragment")
    } else if !url.username().is_empty() || url.password().is_some() {
        refuse("it must not have a user name")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{ClientInformation, DynamicClient, Kept, Management, Purpose, check_document};

    fn client(redirect: &str, ends: Option<i64>) -> DynamicClient {
        let endpoint = Url::parse("https://as.example/register").unwrap();
        DynamicClient {
            purpose: Purpose {
                issuer: Some("https://as.example".into()),
                endpoint: endpoint.clone(),
                redirect: redirect.into(),
                grant_type: "authorization_code".into(),
            },
            redirect_uri: Some("http://127.0.0.1:4711/callback".into()),
            information: ClientInformation {
                client_id: format!("client of {redirect}"),
                client_secret: ends.map(|_| "secret".into()),
                client_secret_expires_at: ends,
                token_endpoint_auth_method: "client_secret_basic".into(),
                management: Some(Management { uri: endpoint, token: "rat".into() }),
            },
        }
    }

    #[test]
    fn what_was_kept_is_found_for_its_purpose_only() {
        let (one, two) = (client("one", None), client("two", Some(100)));
        let mut kept = Kept::default();
        kept.put(one.clone());
        kept.put(two.clone());

        let kept = Kept::of_secret(&kept.to_secret());

        assert_eq!(kept.clients(), [one.clone(), two.clone()]);
        assert_eq!(kept.find(&one.purpose), Some(&one));
        assert_eq!(kept.find(&two.purpose), Some(&two));
        let other = |change: &dyn Fn(&mut Purpose)| {
            let mut purpose = one.purpose.clone();
            change(&mut purpose);
            kept.find(&purpose).is_none()
        };
        assert!(other(&|purpose| purpose.issuer = Some("https://other.example".into())));
        assert!(other(&|purpose| purpose.endpoint = Url::parse("https://other.example/register").unwrap()));
        assert!(other(&|purpose| purpose.redirect = "three".into()));
        assert!(other(&|purpose| purpose.grant_type = "other".into()));
    }

    #[test]
    fn a_new_client_takes_the_place_of_the_one_for_the_same_purpose_and_few_are_kept() {
        let mut kept = Kept::default();
        for at in 0..20 {
            kept.put(client(&at.to_string(), None));
        }
        kept.put(client("19", Some(5)));

        assert_eq!(kept.clients().len(), 8);
        assert_eq!(kept.clients().last(), Some(&client("19", Some(5))));
    }

    #[test]
    fn damage_is_as_good_as_nothing() {
        for text in ["", "{}", "[]", r#"{"clients":[{"client_id":"x"}]}"#] {
            assert_eq!(Kept::of_secret(&text.into()), Kept::default());
        }
    }

    #[test]
    fn a_client_document_is_https_with_a_path_and_nothing_else() {
        assert!(check_document("https://a.example/client.json").is_ok());
        for bad in [
            "http://a.example/client.json",
            "https://a.example",
            "https://a.example/",
            "https://a.example/x#y",
            "https://u@a.example/x",
            "https://a.example/a/../b",
            "client",
        ] {
            assert!(check_document(bad).is_err(), "{bad}");
        }
    }
}
