use std::collections::{BTreeMap, BTreeSet};

use super::{aliases, ids, settings};
use crate::registry::definition::Definition;
use crate::registry::template::{Piece, pieces};
use crate::registry::value::{Origin, Value};
use crate::registry::words::{Loopback, Pkce, Protocol};
use crate::registry::{Error, Registry, schema};
use crate::system::Environment;

/// The file that the table is made of.
const FILE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/providers.toml"));

pub(super) fn definitions() -> Vec<Definition> {
    let registry = Registry::open(&Environment::given([("XDG_CONFIG_DIRS", "/nonexistent")])).unwrap();
    ids().map(|id| registry.find(id).unwrap()).collect()
}

/// With the examples of its variables filled in.
pub(super) fn filled(mut definition: Definition) -> Definition {
    for variable in definition.missing_variables() {
        let example =
            variable.example.unwrap_or_else(|| panic!("{}: `{}` has no example", definition.id, variable.name));
        definition.set(&variable.name, &example.replace('…', "x"), Origin::Default).unwrap();
    }
    definition
}

#[test]
fn names_and_aliases_are_unique_and_sorted_as_the_look_up_needs_them() {
    assert!(ids().is_sorted_by(|a, b| a < b));
    assert!(aliases().is_sorted_by(|a, b| a < b));
    assert!(aliases().all(|alias| super::super::checks::id(alias).is_none() && super::find(alias).is_none()));
}

#[test]
fn every_value_is_what_its_field_takes() {
    definitions();
    for id in ids() {
        for (key, setting) in settings(super::find(id).unwrap()) {
            let Some(kind) = schema::leaf(&key) else {
                // The value of a variable: that it is declared, `find` has checked.
                assert!(!key.contains('.') && setting.value.as_text().is_some(), "{id}: `{key}` is no field");
                continue;
            };
            assert!(kind.accept(setting.value).is_ok(), "{id}: `{key}`");
            if let Some((table, name)) = key.rsplit_once('.')
                && let Some(map) = schema::field(table)
            {
                assert!(map.reserves(name).is_none(), "{id}: `{key}`");
            }
        }
    }
}

#[test]
fn every_provider_is_complete_once_its_variables_are_given() {
    for definition in definitions() {
        let id = definition.id.clone();
        let provider = filled(definition).provider().unwrap_or_else(|error| panic!("{id}: {error}"));

        let core = provider.authorization_endpoint.is_some() && provider.token_endpoint.is_some();
        // Or the server is each person's own.
        assert!(provider.issuer.is_some() || core || provider.discovery.is_some(), "{id}");
    }
}

#[test]
fn the_list_says_of_each_provider_what_typing_it_would_say() {
    for definition in definitions() {
        let mut touched = definition.clone();
        touched.set("notes", "no longer the built-in entry alone", Origin::Default).unwrap();
        assert_eq!(definition.is_complete().unwrap(), touched.is_complete().unwrap(), "{}", definition.id);
    }
}

#[test]
fn every_address_is_https() {
    for definition in definitions() {
        let written = definition.settings.iter().filter(|(key, _)| key.ends_with("_endpoint") || *key == "issuer");
        for (key, text) in written.filter_map(|(key, setting)| Some((key, setting.value.as_text()?))) {
            // A placeholder at the start is a base address, which is checked when it is given.
            assert!(text.starts_with("https://") || text.starts_with('{'), "{}: `{key}`", definition.id);
        }
        let provider = filled(definition).provider().unwrap();
        let pages = provider.docs.iter().chain(&provider.register);
        assert!(pages.chain(&provider.issuer).all(|page| page.starts_with("https://")), "{}", provider.id);
    }
}

#[test]
fn no_entry_holds_a_client_or_a_secret() {
    for id in ids() {
        for (key, setting) in settings(super::find(id).unwrap()) {
            assert!(key != "client_id" && !matches!(setting.value, Value::Secret(_)), "{id}: `{key}`");
            assert!(!matches!(schema::leaf(&key), Some(schema::Kind::Secret)), "{id}: `{key}`");
        }
    }
}

#[test]
fn declared_variables_are_used() {
    for definition in definitions() {
        let texts = definition.settings.values().filter_map(|setting| setting.value.as_text());
        let mut used: Vec<_> = texts.flat_map(pieces).collect();
        if definition.text("client_auth") == Some("apple_jwt") {
            // Claims of the secret that the client signs itself.
            used.extend([Piece::Variable("team_id"), Piece::Variable("key_id")]);
        }
        let mut names = definition.variable_names().into_iter();
        assert!(names.all(|name| used.contains(&Piece::Variable(name))), "{}", definition.id);
    }
}

#[test]
fn the_generic_entries_ask_for_what_they_lack() {
    let registry = Registry::open(&Environment::given([("XDG_CONFIG_DIRS", "/nonexistent")])).unwrap();

    for (id, key) in [("oidc", "issuer"), ("oauth2", "authorization_endpoint"), ("oauth1", "request_token_endpoint")] {
        let error = registry.find(id).unwrap().provider().unwrap_err();
        assert!(matches!(error, Error::MissingVariable { variable, .. } if variable == key), "{id}");
    }
}

/// Every OAuth and OpenID Connect provider that Auth.js has, and the three that it had: 93 and 3.
const AUTH_JS: &str = "
    42-school apple asgardeo atlassian auth0 authentik azure-ad azure-ad-b2c azure-devops bankid-no basecamp
    battlenet beyondidentity bitbucket box boxyhq-saml bungie click-up cognito coinbase concept2 descope discord
    dribbble dropbox duende-identity-server6 eventbrite eveonline facebook faceit figma foursquare freshbooks
    frontegg fusionauth github gitlab google hubspot huggingface identity-server4 instagram kakao keycloak kinde
    line linkedin logto mailchimp mailru mastodon mattermost medium microsoft-entra-id mixer naver netlify netsuite
    nextcloud notion okta onelogin ory-hydra osso osu passage patreon ping-id pinterest pipedrive reddit roblox
    salesforce simplelogin slack spotify strava threads tiktok todoist trakt twitch twitter twitter-oauth1
    united-effects vipps vk webex wechat wikimedia wordpress workos yandex zitadel zoho zoom
";

#[test]
fn the_96_providers_of_auth_js_are_here_under_their_own_names() {
    let wanted: BTreeSet<_> = AUTH_JS.split_whitespace().collect();
    assert_eq!(wanted.len(), 96);
    let missing: Vec<_> = wanted.iter().filter(|id| super::find(id).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // The names by which its versions export three of them.
    for (alias, id) in [("hydra", "ory-hydra"), ("42", "42-school"), ("x", "twitter")] {
        assert_eq!(super::alias(alias), Some(id));
    }
    println!("{} providers, {} of them from Auth.js", ids().count(), wanted.len());
}

#[test]
fn there_are_at_least_440_providers_and_32_of_them_speak_oauth_1() {
    assert!(ids().count() >= 440, "{}", ids().count());
    let protocols: Vec<_> =
        definitions().into_iter().map(|definition| filled(definition).provider().unwrap().protocol).collect();
    // And the generic one.
    assert_eq!(protocols.iter().filter(|protocol| **protocol == Protocol::OAuth1).count(), 32 + 1);
}

#[test]
fn the_file_is_sorted_by_name_for_its_readers() {
    let written: Vec<_> = FILE.lines().filter_map(|line| line.strip_prefix("[providers.")?.strip_suffix(']')).collect();
    assert_eq!(written, ids().collect::<Vec<_>>());
}

#[test]
fn pkce_is_off_only_where_a_server_refuses_it() {
    let provider = |definition: Definition| filled(definition).provider().unwrap();
    let off: Vec<_> = definitions().into_iter().map(provider).filter(|one| one.pkce == Pkce::Off).collect();
    assert!(off.iter().all(|one| one.protocol == Protocol::OAuth2 || one.id == "linkedin"));
    for id in ["google", "github", "microsoft-entra-id", "twitter", "keycloak", "airtable"] {
        assert!(off.iter().all(|one| one.id != id), "{id}");
    }
    assert!(definitions().into_iter().map(provider).all(|one| one.pkce != Pkce::Plain));
}

#[test]
fn what_is_not_confirmed_is_told_first() {
    for definition in definitions() {
        let notes = definition.text("notes").unwrap_or_default().to_lowercase();
        assert!(notes.find("not confirmed").is_none_or(|at| at == 0), "{}: {notes}", definition.id);
        let believed =
            notes.contains("(believed)") || definition.text("status").is_some_and(|s| s.contains("believed"));
        assert!(!believed, "{}", definition.id);
    }
}

#[test]
fn a_status_is_one_of_the_documented_words() {
    for definition in definitions() {
        let status = definition.text("status");
        assert!(matches!(status, None | Some("retired" | "superseded" | "restricted")), "{}", definition.id);
    }
    assert_eq!(find("mixer").text("status"), Some("retired"));
}

#[test]
fn placeholders_of_a_callback_or_an_answer_name_something_that_is_kept() {
    for definition in definitions() {
        for text in definition.settings.values().filter_map(|setting| setting.value.as_text()) {
            for piece in pieces(text) {
                let Piece::RunTime(name) = piece else { continue };
                let (table, name) = name.split_once('.').unwrap();
                let kept = match definition.value(&format!("{table}_keep")) {
                    Some(Value::List(names)) => names.iter().any(|kept| kept == name),
                    _ => false,
                };
                assert!(kept, "{}: `{table}.{name}`", definition.id);
            }
        }
    }
}

#[test]
fn a_redirect_without_loopback_has_no_host_of_ours() {
    for definition in definitions() {
        let host = definition.text("redirect.host").is_some();
        let redirect = filled(definition.clone()).provider().unwrap().redirect;
        assert!(redirect.loopback != Loopback::None || !host, "{}", definition.id);
    }
}

#[test]
fn no_two_entries_that_stand_alone_have_the_same_name() {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for definition in definitions() {
        names.entry(definition.text("name").unwrap().to_lowercase()).or_default().insert(definition.id.clone());
    }
    let shared: Vec<_> = names.values().filter(|ids| ids.len() > 1).collect();
    assert!(shared.is_empty(), "{shared:?}");
}

fn find(id: &str) -> Definition {
    Registry::open(&Environment::given([("XDG_CONFIG_DIRS", "/nonexistent")])).unwrap().find(id).unwrap()
}
