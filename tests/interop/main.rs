//! Whole journeys against real parts: an authorization server nobody here wrote, a real browser, a real keyring, curl.
//!
//! `tests/run` installs the parts and demands them. In a plain `cargo test` a test whose part is missing says so on
//! stderr and passes. What can be shown without real parts is shown in `tests/cli`, which is faster and more exact.

#![cfg(unix)]

mod support;

mod atproto;
mod ciba;
mod client_auth;
mod clients;
mod curl;
mod demo;
mod device;
mod dns;
mod doctor;
mod dpop;
mod exec;
mod faults;
mod keyring;
mod kill;
mod login;
mod machine;
mod mcp;
mod modern;
mod names;
mod oauth1;
mod readme;
mod refusals;
mod registration;
mod signals;
mod storm;
