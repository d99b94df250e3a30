//! One file for each subcommand.

mod coalesce;
pub mod completions;
pub mod demo;
pub mod doctor;
pub mod exec;
mod from_url;
mod instance;
pub mod list;
pub mod login;
pub mod logout;
pub mod provider;
pub mod refresh;
pub mod registered;
pub mod request;
pub mod setup;
pub mod status;
pub mod switch;
pub mod token;
pub mod unattended;
mod with_token;
