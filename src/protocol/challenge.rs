//! What a resource server answers when it refuses a token: WWW-Authenticate.
//!
//! Read tolerantly, because nothing is granted by it: whatever is understood helps a person, the rest is skipped. The
//! header is foreign text throughout.
//!
//! # Specification
//! RFC 9110 §11.6.1 (form); RFC 6750 §3 (Bearer); RFC 9449 §7.1 (DPoP); RFC 9470 §3 (step-up authentication).

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

use super::scope;

/// Bytes of all challenges together that are looked at; real ones have some hundred.
const LIMIT: usize = 256 * 1024;

/// Challenges that are looked at, and parameters of each; a hostile answer may have thousands.
const MOST: usize = 64;

/// One scheme that the server would take, with what it says about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Challenge {
    /// The scheme, as the server spells it.
    pub scheme: String,
    /// Names, in lower case, and values.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The first parameter called `name`, which is in lower case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What the server asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Demand {
    /// Another token: this one is expired, revoked or malformed (`invalid_token`).
    AnotherToken,
    /// More scope (`insufficient_scope`): what the resource needs, where the server says so.
    Scope(Vec<String>),
    /// Another authentication of the person (`insufficient_user_authentication`).
    Authentication {
        /// Acceptable authentication contexts, in the server's order of preference.
        acr_values: Vec<String>,
        /// Seconds that the login may lie back.
        max_age: Option<u64>,
    },
}

/// The challenges of an answer; several header lines count as one.
///
/// # Specification
/// RFC 9110 §5.3 (repeated lines), §11.2 (schemes and parameters), §11.6.1.
pub fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let mut bytes = Vec::new();
    for value in headers.get_all(WWW_AUTHENTICATE) {
        bytes.extend_from_slice(b", ");
        bytes.extend(value.as_bytes().iter().take(LIMIT.saturating_sub(bytes.len())));
    }
    Reader { rest: &bytes }.challenges()
}

/// What the challenges ask for; the first that says so counts, whatever its scheme. `None` without an error code that is
/// understood.
///
/// # Specification
/// RFC 6750 §3.1; RFC 9470 §3.
pub fn demand(challenges: &[Challenge]) -> Option<Demand> {
    challenges.iter().find_map(|challenge| match challenge.parameter("error")? {
        "invalid_token" => Some(Demand::AnotherToken),
        "insufficient_scope" => {
            let words: Vec<String> = challenge.parameter("scope").map(words).unwrap_or_default();
            // A scope that could not be asked for is none (RFC 6749 §3.3).
            Some(Demand::Scope(
                words.into_iter().filter(|word| scope::check(std::slice::from_ref(word)).is_ok()).collect(),
            ))
        }
        "insufficient_user_authentication" => Some(Demand::Authentication {
            acr_values: challenge.parameter("acr_values").map(words).unwrap_or_default(),
            max_age: challenge.parameter("max_age").and_then(|value| value.trim().parse().ok()),
        }),
        _ => None,
    })
}

/// Words between blanks, each once, without what no scope or context class holds: control characters and non-ASCII ones.
fn words(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in text.split_ascii_whitespace() {
        let plain = word.bytes().all(|byte| byte.is_ascii_graphic());
        if plain && found.len() < MOST && !found.iter().any(|known| known == word) {
            found.push(word.to_owned());
        }
    }
    found
}

/// Goes through the header once, byte by byte.
struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn challenges(mut self) -> Vec<Challenge> {
        let mut found: Vec<Challenge> = Vec::new();
        // A scheme stands at the beginning of an element only; a word that stands elsewhere continues what is before it.
        let mut at_element = true;
        let mut open = false;
        while let Some(&byte) = self.rest.first() {
            if byte == b',' || is_blank(byte) {
                at_element |= byte == b',';
                self.rest = &self.rest[1..];
                continue;
            }
            let word = self.word();
            if word.is_empty() {
                // Nothing that begins anything.
                self.rest = &self.rest[1..];
                continue;
            }
            if self.is_assignment() {
                let value = self.value();
                open = value.1;
                if let Some(challenge) = found.last_mut()
                    && challenge.parameters.len() < MOST
                {
                    challenge.parameters.push((word.to_ascii_lowercase(), value.0));
                }
            } else if at_element && found.len() < MOST {
                found.push(Challenge { scheme: word, parameters: Vec::new() });
                self.skip_token68();
                open = false;
            } else if open && let Some((_, value)) = found.last_mut().and_then(|last| last.parameters.last_mut()) {
                // `scope=read write`: blanks in a value that should have been quoted.
                value.push(' ');
                value.push_str(&word);
            }
            at_element = false;
        }
        found
    }

    /// The token (RFC 9110 §5.6.2) at the beginning of the rest, with the marks that occur in values without quotes.
    fn word(&mut self) -> String {
        let length = self.rest.iter().take_while(|byte| is_word(**byte)).count();
        self.take(length)
    }

    fn take(&mut self, length: usize) -> String {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        String::from_utf8_lossy(taken).into_owned()
    }

    fn skip_blanks(&mut self) {
        let blanks = self.rest.iter().take_while(|byte| is_blank(**byte)).count();
        self.rest = &self.rest[blanks..];
    }

    /// Whether `=` follows, which is then behind us.
    fn is_assignment(&mut self) -> bool {
        let blanks = self.rest.iter().take_while(|byte| is_blank(**byte)).count();
        if self.rest.get(blanks) != Some(&b'=') {
            return false;
        }
        self.rest = &self.rest[blanks + 1..];
        self.skip_blanks();
        true
    }

    /// A value, and whether it was written without quotes.
    fn value(&mut self) -> (String, bool) {
        if self.rest.first() != Some(&b'"') {
            let length = self.rest.iter().take_while(|byte| !is_blank(**byte) && **byte != b',').count();
            return (self.take(length), true);
        }
        let mut value = Vec::new();
        let mut bytes = self.rest[1..].iter().enumerate();
        // One that does not end takes all.
        let mut end = self.rest.len();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' => {
                    end = at + 2;
                    break;
                }
                b'\\' => value.extend(bytes.next().map(|(_, byte)| *byte)),
                byte => value.push(*byte),
            }
        }
        self.rest = &self.rest[end..];
        (String::from_utf8_lossy(&value).into_owned(), false)
    }

    /// Skips the token68 (RFC 9110 §11.2) that some schemes have in place of parameters.
    fn skip_token68(&mut self) {
        self.skip_blanks();
        let body = self.rest.iter().take_while(|byte| is_token68(**byte)).count();
        let padding = self.rest[body..].iter().take_while(|byte| **byte == b'=').count();
        let after = &self.rest[body + padding..];
        let blanks = after.iter().take_while(|byte| is_blank(**byte)).count();
        if body > 0 && matches!(after.get(blanks), None | Some(b',')) {
            self.rest = after;
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte)
}

fn is_token68(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{Challenge, Demand, challenges, demand};

    fn read(lines: &[&str]) -> Vec<Challenge> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("www-authenticate", HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        challenges(&headers)
    }

    fn challenge(scheme: &str, parameters: &[(&str, &str)]) -> Challenge {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Challenge { scheme: scheme.to_owned(), parameters: parameters.iter().map(own).collect() }
    }

    /// RFC 9110 §11.6.1.
    #[test]
    fn several_challenges_in_one_line_are_told_apart() {
        let found = read(&[r#"Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"""#]);

        assert_eq!(
            found,
            [
                challenge("Basic", &[("realm", "simple")]),
                challenge("Newauth", &[("realm", "apps"), ("type", "1"), ("title", "Login to \"apps\"")]),
            ]
        );
    }

    #[test]
    fn repeated_lines_count_as_one() {
        let found = read(&["Negotiate", "Negotiate YWJj==", "Digest", "Bearer realm=\"a, b\"", "error=invalid_token"]);

        assert_eq!(
            found,
            [
                challenge("Negotiate", &[]),
                challenge("Negotiate", &[]),
                challenge("Digest", &[]),
                challenge("Bearer", &[("realm", "a, b"), ("error", "invalid_token")]),
            ]
        );
    }

    #[test]
    fn what_is_written_carelessly_is_understood_as_it_was_meant() {
        for line in [
            "Bearer error=insufficient_scope, scope=read write",
            "Bearer error=\"insufficient_scope\",scope=\"read write\"",
            "bearer ,, Error = insufficient_scope scope = \"read\\ write\"",
            "Bearer scope=\"read write\" error=\"insufficient_scope",
            "Bearer realm=\"x\"\tSCOPE=\"read  write read\",error=insufficient_scope,",
            "Basic realm=a, DPoP algs=\"ES256\", error=\"insufficient_scope\", scope=\"read write\"",
        ] {
            let expected = Demand::Scope(vec!["read".into(), "write".into()]);
            assert_eq!(demand(&read(&[line])), Some(expected), "{line}");
        }
    }

    #[test]
    fn without_an_error_nothing_is_asked_for() {
        for line in ["", "Bearer", "Bearer realm=\"error=invalid_token\"", ",,,=\"\"", "Bearer error=odd", "=a, \"b\""]
        {
            assert_eq!(demand(&read(&[line])), None, "{line}");
        }
    }

    /// RFC 6750 §3, RFC 9470 §3.
    #[test]
    fn the_examples_of_the_specifications_are_understood() {
        let expired =
            "Bearer realm=\"example\", error=\"invalid_token\", error_description=\"The access token expired\"";
        let acr = "Bearer error=\"insufficient_user_authentication\", \
                   error_description=\"A different authentication level is required\", acr_values=\"myACR\"";
        let age = "Bearer error=\"insufficient_user_authentication\", max_age=\"5\"";

        assert_eq!(demand(&read(&[expired])), Some(Demand::AnotherToken));
        let asked = |acr_values: &[&str], max_age| {
            let acr_values = acr_values.iter().map(|word| (*word).to_owned()).collect();
            Some(Demand::Authentication { acr_values, max_age })
        };
        assert_eq!(demand(&read(&[acr])), asked(&["myACR"], None));
        assert_eq!(demand(&read(&[age])), asked(&[], Some(5)));
    }

    #[test]
    fn what_cannot_be_asked_for_is_left_out() {
        let scopes = "Bearer error=\"insufficient_scope\", scope=\"a \u{e9} b\\\" c\"";
        let age = "Bearer error=insufficient_user_authentication, max_age=-1, acr_values=\"\u{9b}31m b\"";

        assert_eq!(demand(&read(&[scopes])), Some(Demand::Scope(vec!["a".into(), "c".into()])));
        let asked = Demand::Authentication { acr_values: vec!["b".into()], max_age: None };
        assert_eq!(demand(&read(&[age])), Some(asked));
    }

    #[test]
    fn a_huge_header_is_read_in_bounds() {
        let long = format!("Bearer error=\"invalid_token\", {}", "a=\"\\\\\", ".repeat(15_000));
        let many = "x, ".repeat(40_000);
        let nothing = "\"".repeat(100 * 1024);

        assert_eq!(demand(&read(&[&long])), Some(Demand::AnotherToken));
        assert_eq!(read(&[&long])[0].parameters.len(), super::MOST);
        assert_eq!(read(&[&many, &many, &many]).len(), super::MOST);
        assert_eq!(read(&[&nothing]), []);
    }
}
