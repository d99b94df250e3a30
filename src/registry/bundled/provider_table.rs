//! The table of all providers in `docs/providers.md` says what the registry says today.
//!
//! After a change of `providers.toml`: `KEYFOB_UPDATE_PROVIDERS_DOC=1 cargo test --lib provider_table`.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use super::tests::{definitions, filled};
use crate::registry::Definition;
use crate::registry::provider::Provider;
use crate::registry::words::{Loopback, Pkce, Protocol, RefreshHow};

/// The table stands between these two lines.
const BEGIN: &str =
    "<!-- The table of providers.toml; renewed by KEYFOB_UPDATE_PROVIDERS_DOC=1 cargo test --lib provider_table -->";
const END: &str = "<!-- The end of the table -->";

fn table() -> String {
    let definitions = definitions();
    let mut table = format!("The registry has {} entries.\n\n", definitions.len());
    table += "| provider | protocol | what you supply | grants | redirect | PKCE | refresh token |\n";
    table += "|---|---|---|---|---|---|---|\n";
    for definition in definitions {
        let needs: Vec<String> = definition.missing_variables().into_iter().map(|variable| variable.name).collect();
        let provider = filled(definition.clone()).provider().expect("it is complete with its examples");
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} | {} |",
            name(&definition),
            provider.protocol.word(),
            supplied(&provider, &needs),
            provider.grants.join(", "),
            redirect(&provider),
            pkce(&provider),
            refresh(&provider),
        );
    }
    table
}

fn name(definition: &Definition) -> String {
    match definition.text("status") {
        Some(status) => format!("`{}` ({status})", definition.id),
        None => format!("`{}`", definition.id),
    }
}

fn supplied(provider: &Provider, needs: &[String]) -> String {
    if provider.id == "demo" {
        return "nothing".into();
    }
    let secret = match provider.public_client {
        _ if provider.discovery.is_some() => "who you are",
        _ if provider.protocol == Protocol::OAuth1 => "client ID and secret",
        Some(true) => "client ID",
        Some(false) => "client ID and secret",
        None => "client ID, a secret if there is one",
    };
    let needs = needs.iter().map(|name| format!("`{name}`"));
    needs.chain([secret.to_owned()]).collect::<Vec<_>>().join(", ")
}

fn redirect(provider: &Provider) -> String {
    let redirect = &provider.redirect;
    let rule = match redirect.loopback {
        Loopback::AnyPort => format!("{}, any port", redirect.host),
        Loopback::FixedPort => format!("{}:{}", redirect.host, redirect.port),
        Loopback::None if redirect.oob.is_some() => return "its page shows the code".into(),
        Loopback::None => "https, pasted".into(),
    };
    if redirect.oob.is_some() { format!("{rule}, or its page shows the code") } else { rule }
}

fn pkce(provider: &Provider) -> &'static str {
    match provider.pkce {
        _ if provider.protocol == Protocol::OAuth1 => "–",
        Pkce::S256 => "S256",
        pkce => pkce.word(),
    }
}

fn refresh(provider: &Provider) -> String {
    let refresh = &provider.refresh;
    let asked = |by: &Option<String>| format!("by `{}`", by.as_deref().unwrap_or_default());
    match refresh.how {
        _ if provider.protocol == Protocol::OAuth1 => "–".into(),
        RefreshHow::Auto if provider.protocol == Protocol::Oidc => "by discovery".into(),
        RefreshHow::Auto => "if it comes".into(),
        RefreshHow::Always => "always".into(),
        RefreshHow::Scope => asked(&refresh.scope),
        RefreshHow::Param => asked(&refresh.param),
        RefreshHow::Exchange => "token exchanged".into(),
        RefreshHow::None => "none".into(),
    }
}

#[test]
fn the_table_in_the_documentation_is_what_the_registry_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/providers.md");
    let page = fs::read_to_string(&path).expect("the page is there");
    let (before, rest) = page.split_once(BEGIN).expect("the table's first line");
    let (kept, after) = rest.split_once(END).expect("the table's last line");
    let today = format!("\n\n{}\n", table());

    if env::var_os("KEYFOB_UPDATE_PROVIDERS_DOC").is_some() {
        fs::write(&path, [before, BEGIN, &today, END, after].concat()).expect("the page can be written");
        return;
    }
    assert!(kept == today, "docs/providers.md is out of date: KEYFOB_UPDATE_PROVIDERS_DOC=1 renews it");
}
