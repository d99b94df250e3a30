//! The registry inside the program: a sorted table that the build script makes of `providers.toml`.

use std::borrow::Cow;

use super::entry::{Setting, Settings};
use super::value::{Origin, Static};

include!(concat!(env!("OUT_DIR"), "/providers.rs"));

/// The settings of one provider, sorted by dotted key.
pub(super) type Entry = &'static [(&'static str, Static)];

/// The entry of this provider.
pub(super) fn find(id: &str) -> Option<Entry> {
    PROVIDERS.binary_search_by(|(entry, _)| (*entry).cmp(id)).ok().map(|at| PROVIDERS[at].1)
}

/// The identifier itself, if there is such a provider.
pub(super) fn id(name: &str) -> Option<&'static str> {
    PROVIDERS.binary_search_by(|(entry, _)| (*entry).cmp(name)).ok().map(|at| PROVIDERS[at].0)
}

/// The identifier behind an alias.
pub(super) fn alias(name: &str) -> Option<&'static str> {
    ALIASES.binary_search_by(|(alias, _)| (*alias).cmp(name)).ok().map(|at| ALIASES[at].1)
}

/// All identifiers, sorted.
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|(id, _)| *id)
}

/// All aliases, sorted.
pub(super) fn aliases() -> impl Iterator<Item = &'static str> {
    ALIASES.iter().map(|(alias, _)| *alias)
}

/// The entry as settings; names and texts are not copied.
pub(super) fn settings(entry: Entry) -> Settings {
    let setting = |value: Static| Setting { value: value.into(), place: Origin::Bundled.into() };
    entry.iter().map(|(key, value)| (Cow::Borrowed(*key), setting(*value))).collect()
}

#[cfg(test)]
mod tests {
    use super::{ALIASES, PROVIDERS, settings};
    use crate::registry::definition::Definition;
    use crate::registry::provider::Endpoint;
    use crate::registry::template::{Piece, pieces};
    use crate::registry::value::{Origin, Value};
    use crate::registry::words::Pkce;
    use crate::registry::{Error, Registry, schema};
    use crate::system::Environment;

    fn definitions() -> Vec<Definition> {
        let registry = Registry::open(&Environment::given([("XDG_CONFIG_DIRS", "/nonexistent")])).unwrap();
        PROVIDERS.iter().map(|(id, _)| registry.find(id).unwrap()).collect()
    }

    /// With the examples of its variables filled in.
    fn filled(mut definition: Definition) -> Definition {
        for variable in definition.missing_variables() {
            let example =
                variable.example.unwrap_or_else(|| panic!("{}: `{}` has no example", definition.id, variable.name));
            definition.set(&variable.name, &example.replace('…', "x"), Origin::Default).unwrap();
        }
        definition
    }

    #[test]
    fn names_and_aliases_are_unique_and_sorted_as_the_look_up_needs_them() {
        assert!(PROVIDERS.is_sorted_by(|a, b| a.0 < b.0));
        assert!(ALIASES.is_sorted_by(|a, b| a.0 < b.0));
        assert!(ALIASES.iter().all(|(alias, _)| schema::id(alias).is_none() && super::find(alias).is_none()));
    }

    #[test]
    fn every_value_is_what_its_field_takes() {
        definitions();
        for (id, entry) in PROVIDERS {
            for (key, setting) in settings(entry) {
                let Some(kind) = schema::leaf(&key) else {
                    // The value of a variable: that it is declared, `find` has checked.
                    assert!(!key.contains('.') && setting.value.as_text().is_some(), "{id}: `{key}` is no field");
                    continue;
                };
                assert!(kind.accept(setting.value).is_ok(), "{id}: `{key}`");
                let (table, name) = key.rsplit_once('.').unwrap_or(("", &key));
                let reserved = [schema::AUTHORIZE_RESERVED, schema::TOKEN_RESERVED].concat();
                assert!(!table.ends_with("_params") || !reserved.contains(&name), "{id}: `{key}`");
            }
        }
    }

    #[test]
    fn every_provider_is_complete_once_its_variables_are_given() {
        for definition in definitions() {
            let id = definition.id.clone();
            let provider = filled(definition).provider().unwrap_or_else(|error| panic!("{id}: {error}"));

            let core = provider.authorization_endpoint.is_some() && provider.token_endpoint.is_some();
            assert!(provider.issuer.is_some() || core, "{id}");
        }
    }

    #[test]
    fn every_address_is_https_and_pkce_is_never_off() {
        for definition in definitions() {
            let provider = filled(definition).provider().unwrap();
            let id = &provider.id;

            assert!(matches!(provider.pkce, Pkce::S256 | Pkce::Required), "{id}");
            assert!(provider.issuer.iter().all(|issuer| issuer.starts_with("https://")), "{id}");
            assert!(provider.authorization_endpoint.iter().all(|url| url.scheme() == "https"), "{id}");
            let token = provider.token_endpoint.as_ref().and_then(Endpoint::url);
            assert!(token.is_none_or(|url| url.scheme() == "https"), "{id}");
            assert!(provider.docs.iter().chain(&provider.register).all(|page| page.starts_with("https://")), "{id}");
        }
    }

    #[test]
    fn no_entry_holds_a_client_or_a_secret() {
        for (id, entry) in PROVIDERS {
            for (key, setting) in settings(entry) {
                assert!(key != "client_id" && !matches!(setting.value, Value::Secret(_)), "{id}: `{key}`");
                assert!(!matches!(schema::leaf(&key), Some(schema::Kind::Secret)), "{id}: `{key}`");
            }
        }
    }

    #[test]
    fn declared_variables_are_used() {
        for definition in definitions() {
            let texts = definition.settings.values().filter_map(|setting| setting.value.as_text());
            let used: Vec<_> = texts.flat_map(pieces).collect();
            let mut names = definition.variable_names().into_iter();
            assert!(names.all(|name| used.contains(&Piece::Variable(name))), "{}", definition.id);
        }
    }

    #[test]
    fn the_generic_entries_ask_for_what_they_lack() {
        let registry = Registry::open(&Environment::given([("XDG_CONFIG_DIRS", "/nonexistent")])).unwrap();

        for (id, key) in [("oidc", "issuer"), ("oauth2", "authorization_endpoint")] {
            let error = registry.find(id).unwrap().provider().unwrap_err();
            assert!(matches!(error, Error::MissingVariable { variable, .. } if variable == key), "{id}");
        }
    }
}
