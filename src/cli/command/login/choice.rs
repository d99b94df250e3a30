//! Which grant a login uses, and with which client authentication.

use keyfob::grant::authorization_code::AuthorizationCode;
use keyfob::grant::device_code::DeviceCode;
use keyfob::grant::oauth1::OAuth1;
use keyfob::grant::{self, Found, Grant};
use keyfob::registry::Provider;
use keyfob::registry::words::{ClientAuth, Protocol};

use crate::cli::browser::Reason;
use crate::cli::exit_code::ExitCode;
use crate::cli::report::Failure;

/// What there is to choose by.
pub struct Choice<'a> {
    /// The name that was asked for.
    pub asked: Option<&'a str>,
    /// Whether a browser can be used here.
    pub usable: Result<(), Reason>,
    /// Whether a port or a whole redirect URI was given, which only the browser's way has a use for.
    pub redirects: bool,
}

impl Choice<'_> {
    /// The grant that is asked for, else the one of the entry's list that suits the machine. `announced` finds out whether
    /// the server has a device endpoint; it is asked only where the entry lists the grant without the endpoint.
    ///
    /// # Errors
    /// Usage for a grant that there is not, or not with this provider; configuration for a list without any known one.
    pub fn grant(&self, provider: &Provider, announced: impl FnOnce() -> bool) -> Result<Found, Failure> {
        let name = &provider.name;
        if let Some(asked) = self.asked {
            let grant = named(asked)?;
            if (grant.name() == OAuth1.name()) != (provider.protocol == Protocol::OAuth1) {
                let speaks = if provider.protocol == Protocol::OAuth1 { "OAuth 1.0" } else { "OAuth 2.0" };
                return Err(Failure::usage(format!("{name} speaks {speaks}, which has no grant `{asked}`")));
            }
            return Ok(grant);
        }
        let offered: Vec<_> = provider.grants.iter().filter(|name| grant::find(name).is_some()).collect();
        let find = |wanted: &str| offered.iter().find(|name| **name == wanted).and_then(|name| grant::find(name));
        let preferred = offered.first().and_then(|name| grant::find(name));
        if let Some(unattended) = preferred.filter(|grant| !grant.needs_person()) {
            return Ok(unattended);
        }
        let device = find(DeviceCode.name()).filter(|_| offered.len() > 1 && self.needs_another_machine());
        if let Some(device) = device
            && (provider.device_authorization_endpoint.is_some() || announced())
        {
            return Ok(device);
        }
        let preferred = offered.first().and_then(|name| grant::find(name));
        find(AuthorizationCode.name()).or(preferred).ok_or_else(|| {
            let message = format!("{name} offers {}, of which keyfob has none", provider.grants.join(", "));
            Failure::new(ExitCode::Config, message).hint(format!("keyfob has: {}", grants()))
        })
    }

    /// Whoever wants an address printed, or names where the browser comes back to, has a browser in mind.
    fn needs_another_machine(&self) -> bool {
        !self.redirects && self.usable.is_err_and(|reason| reason != Reason::Unwanted)
    }
}

/// Whether `grant` goes without the secret that the entry's client authentication wants and does not have: the device
/// grant is also for clients that are known by their identifier alone (RFC 8628 §3.1), such as those of GitHub.
pub fn is_public(grant: &dyn Grant, provider: &Provider) -> bool {
    let wants_secret = matches!(provider.client_auth, ClientAuth::ClientSecretBasic | ClientAuth::ClientSecretPost);
    grant.name() == DeviceCode.name() && wants_secret && provider.client_secret.is_none()
}

/// The grant of this name.
pub fn named(name: &str) -> Result<Found, Failure> {
    let unknown = || Failure::usage(format!("there is no grant `{name}`")).hint(format!("there is: {}", grants()));
    grant::find(name).ok_or_else(unknown)
}

fn grants() -> String {
    grant::GRANTS.iter().map(|grant| grant.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use keyfob::registry::{Definition, Origin, Registry};
    use keyfob::system::Environment;

    use super::*;

    const AWAY: Result<(), Reason> = Err(Reason::RemoteShell);
    const ENDPOINT: (&str, &str) = ("device_authorization_endpoint", "https://a.example/device");

    fn provider(settings: &[(&str, &str)]) -> Provider {
        let nowhere = Environment::given([("XDG_CONFIG_DIRS", "/nonexistent"), ("KEYFOB_CONFIG_DIR", "/nonexistent")]);
        let mut definition: Definition =
            Registry::open(&nowhere).expect("a registry").find("oauth2").expect("an entry");
        let endpoints =
            [("authorization_endpoint", "https://a.example/authorize"), ("token_endpoint", "https://a.example/token")];
        for (key, value) in endpoints.iter().chain(settings) {
            definition.set(key, value, Origin::Default).expect("a key and its value");
        }
        definition.provider().expect("a complete entry")
    }

    fn chosen(choice: &Choice<'_>, settings: &[(&str, &str)], announced: bool) -> String {
        choice.grant(&provider(settings), || announced).expect("a grant").name().to_owned()
    }

    #[test]
    fn the_machine_decides_among_what_the_entry_offers() {
        let both = ("grants", "device_code authorization_code");
        let unwanted = Err(Reason::Unwanted);
        for (usable, redirects, settings, announced, expected) in [
            (Ok(()), false, &[ENDPOINT][..], true, "authorization_code"),
            (Ok(()), false, &[ENDPOINT, both], true, "authorization_code"),
            (AWAY, false, &[ENDPOINT], false, "device_code"),
            (AWAY, false, &[both], true, "device_code"),
            (AWAY, false, &[both], false, "authorization_code"),
            (AWAY, false, &[], true, "authorization_code"),
            (AWAY, true, &[ENDPOINT], false, "authorization_code"),
            (unwanted, false, &[ENDPOINT], false, "authorization_code"),
            (Ok(()), false, &[ENDPOINT, ("grants", "device_code")], false, "device_code"),
            (AWAY, false, &[ENDPOINT, ("grants", "authorization_code")], true, "authorization_code"),
        ] {
            let choice = Choice { asked: None, usable, redirects };
            assert_eq!(
                chosen(&choice, settings, announced),
                expected,
                "{usable:?} {redirects} {settings:?} {announced}"
            );
        }
    }

    #[test]
    fn the_server_is_asked_only_where_its_answer_matters() {
        for (usable, settings) in [(Ok(()), &[("grants", "authorization_code device_code")][..]), (AWAY, &[ENDPOINT])] {
            let choice = Choice { asked: None, usable, redirects: false };
            let grant = choice.grant(&provider(settings), || panic!("the server is asked"));
            assert!(grant.is_ok());
        }
    }

    #[test]
    fn what_is_asked_for_is_taken() {
        let choice = |asked| Choice { asked: Some(asked), usable: Ok(()), redirects: false };

        assert_eq!(chosen(&choice("device_code"), &[], false), "device_code");
        for asked in ["oauth1", "nonsense"] {
            let failure = choice(asked).grant(&provider(&[]), || false).err().expect("no such grant");
            assert_eq!(failure.code(), ExitCode::Usage);
        }
    }

    #[test]
    fn a_client_without_its_secret_is_public_with_a_code_alone() {
        let github = [("client_auth", "client_secret_post")];

        assert!(is_public(&DeviceCode, &provider(&github)));
        assert!(!is_public(&AuthorizationCode, &provider(&github)));
        assert!(!is_public(&DeviceCode, &provider(&[("client_auth", "private_key_jwt")])));
    }
}
