//! What `-v`, `-vv` and `KEYFOB_LOG` show: a line per step, request and answer, safe to post.

use std::sync::Arc;

use keyfob::system::trace::{Event, Observer, Step, Trace};

use super::terminal::{Terminal, shorten};

/// Longest value of a parameter or header that is shown.
pub(super) const MAX_VALUE: usize = 200;

/// Most parameters, members or headers of one message that are shown; a hostile answer may have thousands.
pub(super) const MAX_PAIRS: usize = 40;

/// How much is logged; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Nothing but what every run says.
    #[default]
    Off,
    /// Errors, which every run says too.
    Error,
    /// And cautions, likewise.
    Warn,
    /// `-v`: what is done.
    Info,
    /// `-vv`: each request and answer on a line.
    Debug,
    /// And their headers.
    Trace,
}

impl Level {
    /// What this many `-v` ask for.
    pub fn of_verbosity(verbose: u8) -> Self {
        match verbose {
            0 => Self::Off,
            1 => Self::Info,
            2 => Self::Debug,
            3.. => Self::Trace,
        }
    }

    /// What a value of `KEYFOB_LOG` asks for: levels by name, in the usual form `level` or `module=level` with commas in
    /// between. The most talkative one that concerns keyfob counts; other programs' modules do not.
    ///
    /// # Errors
    /// The part that is no level.
    pub fn of_filter(filter: &str) -> Result<Self, String> {
        let mut level = Self::Off;
        for part in filter.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (module, name) = part.split_once('=').unwrap_or(("keyfob", part));
            let named = Self::named(name.trim()).ok_or_else(|| part.to_owned())?;
            let module = module.trim();
            if module == "keyfob" || module.starts_with("keyfob::") {
                level = level.max(named);
            }
        }
        Ok(level)
    }

    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "off" => Some(Self::Off),
            "error" => Some(Self::Error),
            "warn" => Some(Self::Warn),
            "info" => Some(Self::Info),
            "debug" => Some(Self::Debug),
            "trace" => Some(Self::Trace),
            _ => None,
        }
    }
}

/// Writes events to standard error, a line each.
pub struct Log {
    terminal: Terminal,
    level: Level,
}

impl Log {
    /// A log of this much; none where nothing would ever be written.
    pub fn new(terminal: Terminal, level: Level) -> Option<Self> {
        (level >= Level::Info).then_some(Self { terminal, level })
    }

    fn write(&self, level: Level, text: &str) {
        if self.level >= level {
            self.terminal.narrate(text);
        }
    }

    fn headers(&self, headers: &[(String, String)]) {
        for (name, value) in headers.iter().take(MAX_PAIRS) {
            self.write(Level::Trace, &format!("trace:   {name}: {}", shorten(value, MAX_VALUE)));
        }
    }
}

impl Observer for Log {
    fn observe(&self, event: &Event) {
        match event {
            Event::Step(Step { title, specification, .. }) => {
                self.write(Level::Info, &format!("info: {title} ({specification})"));
            }
            Event::Request { method, url, headers, parameters } => {
                self.write(Level::Debug, &format!("debug: > {method} {url}{}", pairs(parameters)));
                self.headers(headers);
            }
            Event::Response { url, status, headers, members, length } => {
                self.write(Level::Debug, &format!("debug: < {status} {url} ({length} bytes){}", pairs(members)));
                self.headers(headers);
            }
            // A kind of event that this log does not know yet has no line.
            _ => {}
        }
    }
}

/// ` name=value name=value`, bounded.
fn pairs(pairs: &[(String, String)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs.iter().take(MAX_PAIRS) {
        text.push_str(&format!(" {}={}", shorten(name, MAX_VALUE), shorten(value, MAX_VALUE)));
    }
    if pairs.len() > MAX_PAIRS {
        text.push_str(&format!(" and {} more", pairs.len() - MAX_PAIRS));
    }
    text
}

/// Events for all of `observers`; off without any.
pub fn trace_to(mut observers: Vec<Arc<dyn Observer>>) -> Trace {
    match observers.len() {
        0 => Trace::default(),
        1 => Trace::to(observers.remove(0)),
        _ => Trace::to(Arc::new(All(observers))),
    }
}

/// Passes each event on to several.
struct All(Vec<Arc<dyn Observer>>);

impl Observer for All {
    fn observe(&self, event: &Event) {
        self.0.iter().for_each(|observer| observer.observe(event));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyfob::system::trace::{Event, Observer, Party, Step};

    use super::{Level, Log, trace_to};
    use crate::cli::terminal::{Appearance, testing::terminal};

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    fn events() -> [Event; 3] {
        [
            Event::Step(Step {
                number: 3,
                between: (Party::Client, Party::AuthorizationServer),
                title: "Redeem the code".into(),
                why: "The code is worth nothing without the verifier".into(),
                specification: "RFC 6749 §4.1.3",
            }),
            Event::Request {
                method: "POST".into(),
                url: "https://a.example/token".into(),
                headers: vec![pair("accept", "application/json")],
                parameters: vec![pair("grant_type", "authorization_code"), pair("code", "[redacted 3f9a]")],
            },
            Event::Response {
                url: "https://a.example/token".into(),
                status: 200,
                headers: vec![pair("server", "x\u{1b}[2J")],
                members: vec![pair("token_type", "Bearer"), pair("a\nerror: b", "[redacted 1234]")],
                length: 99,
            },
        ]
    }

    fn logged(level: Level) -> String {
        let (terminal, _, error) = terminal(Appearance { quiet: true, ..Appearance::default() });
        let log = Log::new(terminal, level).unwrap();
        events().iter().for_each(|event| log.observe(event));
        error.text()
    }

    #[test]
    fn info_tells_the_steps() {
        assert_eq!(logged(Level::Info), "info: Redeem the code (RFC 6749 §4.1.3)\n");
    }

    #[test]
    fn debug_adds_a_line_per_request_and_answer() {
        let expected = "info: Redeem the code (RFC 6749 §4.1.3)\n\
             debug: > POST https://a.example/token grant_type=authorization_code code=[redacted 3f9a]\n\
             debug: < 200 https://a.example/token (99 bytes) token_type=Bearer a error: b=[redacted 1234]\n";

        assert_eq!(logged(Level::Debug), expected);
    }

    #[test]
    fn trace_adds_headers_escaped() {
        let text = logged(Level::Trace);

        assert!(text.contains("trace:   accept: application/json\n"), "{text}");
        assert!(text.contains("trace:   server: x\\u{1b}[2J\n"), "{text}");
    }

    #[test]
    fn a_flood_of_members_is_bounded() {
        let (terminal, _, error) = terminal(Appearance::default());
        let members = (0..10_000).map(|number| pair(&format!("m{number}"), &"x".repeat(10_000))).collect();
        let event =
            Event::Response { url: "https://a.example/".into(), status: 200, headers: vec![], members, length: 1 };

        Log::new(terminal, Level::Debug).unwrap().observe(&event);

        let text = error.text();
        assert!(text.ends_with(" and 9960 more\n") && text.len() < 20_000, "{}", text.len());
    }

    #[test]
    fn verbosity_and_filter_name_the_same_levels() {
        assert_eq!(
            [0, 1, 2, 3, 255].map(Level::of_verbosity),
            [Level::Off, Level::Info, Level::Debug, Level::Trace, Level::Trace]
        );
        let filters = [
            ("debug", Level::Debug),
            ("keyfob=debug", Level::Debug),
            ("hyper=trace,keyfob::http=info", Level::Info),
            ("WARN", Level::Warn),
            ("hyper=trace", Level::Off),
            ("warn, keyfob = trace", Level::Trace),
            ("", Level::Off),
        ];
        for (filter, level) in filters {
            assert_eq!(Level::of_filter(filter), Ok(level), "{filter}");
        }
    }

    #[test]
    fn a_filter_that_names_no_level_is_told() {
        assert_eq!(Level::of_filter("info,keyfob=loud"), Err("keyfob=loud".to_owned()));
    }

    #[test]
    fn below_info_there_is_nothing_to_log() {
        let (terminal, ..) = terminal(Appearance::default());

        assert!(Log::new(terminal.clone(), Level::Warn).is_none());
        assert!(Log::new(terminal, Level::Info).is_some());
    }

    #[test]
    fn events_reach_every_observer() {
        let (terminal, _, error) = terminal(Appearance::default());
        let log = || Arc::new(Log::new(terminal.clone(), Level::Info).unwrap()) as Arc<dyn Observer>;

        assert!(!trace_to(vec![]).is_on());
        let [step, ..] = events();
        trace_to(vec![log(), log()]).tell(|| step);

        assert_eq!(error.text().lines().count(), 2);
    }
}
