//! The program against a server that is strict, or hostile when told: whole output, exit code, and what was sent.
//!
//! Nothing here needs an external part; whole journeys with real ones are in `tests/interop`.

#![cfg(unix)]

mod support;

mod arbitrary;
mod atproto;
mod authorization;
mod browser_session;
mod callback;
mod ciba;
mod client_auth;
mod clients;
mod coalesce;
mod config;
mod device;
mod discovery;
mod doctor;
mod dpop;
mod encrypted;
mod every_provider;
mod exec;
mod from_url;
mod google;
mod id_token;
mod indieauth;
mod interrupts;
mod introspection;
mod kept;
mod list_status;
mod login;
mod network;
mod oauth1;
mod output;
mod process;
mod profile_page;
mod profiles;
mod provider;
mod pushed;
mod quirks;
mod refresh;
mod registration;
mod request;
mod runner;
mod scarcity;
mod setup;
mod signed_answer;
mod store;
mod support_works;
mod token_answers;
mod unattended;
mod usage;
