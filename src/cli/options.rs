//! What every command accepts.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use keyfob::registry::duration;

use super::terminal;

/// Options of every command.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct Common {
    /// Machine output on stdout, JSON errors on stderr
    #[arg(long, global = true, help_heading = HEADING)]
    pub json: bool,

    /// No messages but errors
    #[arg(short, long, global = true, help_heading = HEADING)]
    pub quiet: bool,

    /// Say what is done; twice: HTTP requests and answers, secrets redacted
    #[arg(short, long, action = ArgAction::Count, global = true, help_heading = HEADING)]
    pub verbose: u8,

    /// Never prompt; implied when stdin is no terminal or CI is true
    #[arg(long, global = true, help_heading = HEADING)]
    pub no_input: bool,

    /// When to colour messages
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto, global = true, help_heading = HEADING)]
    pub color: When,

    /// ASCII symbols, no spinner, no colour, one fact per line
    #[arg(long, global = true, help_heading = HEADING)]
    pub plain: bool,

    /// How long to wait for a person (5m) or one network request (30s)
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, global = true, help_heading = HEADING)]
    #[arg(long_help = "How long to wait: for a person 5m unless said otherwise, for one network request 30s. \
                       DURATION is a number with s, m or h; seconds without")]
    pub timeout: Option<Duration>,

    /// Use this config.toml
    #[arg(long, value_name = "FILE", global = true, help_heading = HEADING)]
    pub config: Option<PathBuf>,

    /// Override one key of the provider's entry for this call
    #[arg(long = "set", value_name = "KEY=VALUE", global = true, help_heading = HEADING)]
    #[arg(long_help = "Override one key of the provider's entry for this call; repeatable. Keys are dotted \
                       (redirect.port=28400), lists blank-separated. VALUE may be @FILE, - (stdin) or env:NAME; \
                       keys that hold a secret accept only these three")]
    pub settings: Vec<String>,

    /// Narrate each step of the flow on stderr
    #[arg(long, value_enum, value_name = "FORMAT", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "text", global = true, help_heading = HEADING)]
    pub explain: Option<Explain>,
}

/// Heading of these options in the help.
const HEADING: &str = "Options of every command";

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless the environment says otherwise
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The form of the narration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Explain {
    /// For reading along
    Text,
    /// A document
    Markdown,
    /// A sequence diagram
    Mermaid,
}

impl From<When> for terminal::Color {
    fn from(when: When) -> Self {
        match when {
            When::Auto => Self::Auto,
            When::Always => Self::Always,
            When::Never => Self::Never,
        }
    }
}

/// A duration of an option.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| format!("`{text}` is no duration: {}", duration::FORM))
}
