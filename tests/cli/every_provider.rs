//! The proof for every provider: each entry of the registry is walked from the login to the logout, with the real program
//! against a server that is played from the entry's own words. Only addresses are changed.
//!
//! The play is strict: every parameter, header and form of every request is exactly what the entry demands, or the
//! provider has failed. All failures are told, each with the first difference.

mod answers;
mod client;
mod consent;
mod device;
mod entry;
mod keys;
mod oauth1;
mod person;
mod play;
mod resource;
mod stage;
mod walk;

use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use entry::Entry;
use stage::Stage;
use walk::Way;

/// Threads that walk: most of the time goes into waiting for processes.
const WALKERS: usize = 6;

/// What became of one provider.
enum Outcome {
    Done,
    Failed(String),
}

#[test]
fn every_provider_of_the_registry_can_be_used_from_login_to_logout() {
    let started = Instant::now();
    let wanted = std::env::var("KEYFOB_WALK").unwrap_or_default();
    // Where each person has a server of their own the entry has none to play: see `atproto` and `indieauth`.
    let has_server =
        |entry: &Result<Entry, String>| entry.as_ref().map_or(true, |entry| entry.provider.discovery.is_none());
    let entries: Vec<_> = entry::all()
        .into_iter()
        .filter(|(id, entry)| has_server(entry) && (wanted.is_empty() || wanted == *id))
        .collect();
    // What offers the device grant as well is walked twice.
    let ways = |entry: &Result<Entry, String>| match entry {
        Ok(entry) if device::is_offered(entry) => &[Way::Browser, Way::Device][..],
        _ => &[Way::Browser],
    };
    let walks: Vec<_> =
        entries.iter().flat_map(|(id, entry)| ways(entry).iter().map(move |way| (id, entry, *way))).collect();
    assert!(!entries.is_empty(), "there is no provider `{wanted}`");
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(BTreeMap::new());
    let walker = || {
        while let Some((id, entry, way)) = walks.get(next.fetch_add(1, Ordering::SeqCst)) {
            let outcome = outcome(entry, *way);
            let mut outcomes = outcomes.lock().expect("nobody panics with it");
            // Whichever way fails, the provider has.
            let known = outcomes.remove(*id).filter(|known| matches!(known, Outcome::Failed(_)));
            outcomes.insert((*id).clone(), known.unwrap_or(outcome));
        }
    };
    thread::scope(|scope| (0..WALKERS).for_each(|_| drop(scope.spawn(walker))));
    let outcomes = outcomes.into_inner().expect("nobody has panicked with it");
    report(&outcomes, walks.len() - entries.len(), started);
}

fn outcome(entry: &Result<Entry, String>, way: Way) -> Outcome {
    let entry = match entry {
        Ok(entry) => entry,
        Err(error) => return Outcome::Failed(format!("the entry is not complete: {error}")),
    };
    for _ in 0..2 {
        match walked(entry, way) {
            // Nobody held the port when it was chosen, and somebody else took it.
            Outcome::Failed(why) if why.contains("is in use") => {}
            outcome => return outcome,
        }
    }
    walked(entry, way)
}

fn walked(entry: &Entry, way: Way) -> Outcome {
    let mut stage = None;
    let walked = catch_unwind(AssertUnwindSafe(|| walk::walk(entry, stage.insert(Stage::open(entry)), way)));
    let differences = stage.map(|stage| stage.play().differences.clone()).unwrap_or_default();
    match (walked, differences.first()) {
        (Ok(()), None) => Outcome::Done,
        (_, Some(difference)) => Outcome::Failed(difference.clone()),
        (Err(panic), None) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Outcome::Failed(text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned())
        }
    }
}

fn report(outcomes: &BTreeMap<String, Outcome>, by_code: usize, started: Instant) {
    let done = |id: &str| matches!(outcomes.get(id), Some(Outcome::Done));
    let all = outcomes.keys().filter(|id| done(id)).count();
    let of_authjs = AUTHJS.iter().filter(|id| done(id)).count();
    let without = AUTHJS.iter().filter(|id| !outcomes.contains_key(**id)).count();
    // Past the capture of output: this count is a result.
    let mut out = std::io::stderr().lock();
    let mut say = |line: String| writeln!(out, "{line}").expect("stderr is open");
    say(format!("walked {all} of {} providers in {:.1} s", outcomes.len(), started.elapsed().as_secs_f64()));
    say(format!("{by_code} of them by the device grant too"));
    say(format!("of the {} rows of Auth.js: {of_authjs}, without an entry: {without}", AUTHJS.len()));
    let failed: Vec<String> = outcomes
        .iter()
        .filter_map(|(id, outcome)| match outcome {
            Outcome::Failed(why) => Some(format!("{id}: {}", difference(why))),
            Outcome::Done => None,
        })
        .collect();
    assert!(failed.is_empty(), "{} providers cannot be used:\n{}", failed.len(), failed.join("\n"));
}

/// What was wrong, on one line: of a program's whole output its error.
fn difference(why: &str) -> String {
    let error = why.rfind("error: ").filter(|_| why.contains("stderr: ")).map_or(why, |at| &why[at..]);
    let line = error.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(500).collect()
}

#[test]
fn every_row_of_authjs_has_an_entry() {
    let entries: BTreeMap<_, _> = entry::all().into_iter().collect();
    let without: Vec<_> = AUTHJS.iter().filter(|id| !entries.contains_key(**id)).collect();

    assert_eq!(without, [] as [&&str; 0]);
}

/// Every OAuth and OpenID Connect provider that Auth.js has or had: 93 of its main branch and 3 of older versions.
const AUTHJS: [&str; 96] = [
    "42-school",
    "apple",
    "asgardeo",
    "atlassian",
    "auth0",
    "authentik",
    "azure-ad",
    "azure-ad-b2c",
    "azure-devops",
    "bankid-no",
    "basecamp",
    "battlenet",
    "beyondidentity",
    "bitbucket",
    "box",
    "boxyhq-saml",
    "bungie",
    "click-up",
    "cognito",
    "coinbase",
    "concept2",
    "descope",
    "discord",
    "dribbble",
    "dropbox",
    "duende-identity-server6",
    "eventbrite",
    "eveonline",
    "facebook",
    "faceit",
    "figma",
    "foursquare",
    "freshbooks",
    "frontegg",
    "fusionauth",
    "github",
    "gitlab",
    "google",
    "hubspot",
    "huggingface",
    "identity-server4",
    "instagram",
    "kakao",
    "keycloak",
    "kinde",
    "line",
    "linkedin",
    "logto",
    "mailchimp",
    "mailru",
    "mastodon",
    "mattermost",
    "medium",
    "microsoft-entra-id",
    "mixer",
    "naver",
    "netlify",
    "netsuite",
    "nextcloud",
    "notion",
    "okta",
    "onelogin",
    "ory-hydra",
    "osso",
    "osu",
    "passage",
    "patreon",
    "ping-id",
    "pinterest",
    "pipedrive",
    "reddit",
    "roblox",
    "salesforce",
    "simplelogin",
    "slack",
    "spotify",
    "strava",
    "threads",
    "tiktok",
    "todoist",
    "trakt",
    "twitch",
    "twitter",
    "twitter-oauth1",
    "united-effects",
    "vipps",
    "vk",
    "webex",
    "wechat",
    "wikimedia",
    "wordpress",
    "workos",
    "yandex",
    "zitadel",
    "zoho",
    "zoom",
];
