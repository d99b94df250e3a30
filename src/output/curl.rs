//! The token as a line of a curl configuration.

use zeroize::Zeroizing;

use super::{Error, Format, Presented, joined, lines, text_of};

/// `header = "Authorization: Bearer …"`, for `curl -K -`: the token is in no argument that others can list.
///
/// # Specification
/// curl(1), `--config`: in double quotes `\\`, `\"`, `\t`, `\n`, `\r` and `\v` are escapes, and nothing else is special.
pub struct Curl;

impl Format for Curl {
    fn name(&self) -> &'static str {
        "curl"
    }

    fn summary(&self) -> &'static str {
        "a line for `curl -K -`, which keeps the token out of the process list"
    }

    fn specification(&self) -> &'static str {
        "curl(1) --config, RFC 6750 §2.1"
    }

    fn render(&self, presented: &Presented<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let headers: Vec<_> =
            lines(self, presented)?.iter().map(|(name, value)| (*name, quoted(text_of(value)))).collect();
        let parts = headers.iter().flat_map(|(name, value)| ["header = \"", name, ": ", value.as_str(), "\"\n"]);
        Ok(joined(&parts.collect::<Vec<_>>()))
    }
}

/// `text` for between double quotes.
fn quoted(text: &str) -> Zeroizing<String> {
    // Room for the worst case, so that no copy is left behind by growing.
    let mut safe = Zeroizing::new(String::with_capacity(text.len() * 2));
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            safe.push('\\');
        }
        safe.push(character);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::Curl;
    use crate::output::testing::{presented, rendered};
    use crate::secret::Secret;

    fn line(token: &str) -> String {
        rendered(&Curl, &presented(&Secret::new(token))).unwrap()
    }

    #[test]
    fn it_is_a_configuration_line() {
        assert_eq!(line("abc"), "header = \"Authorization: Bearer abc\"\n");
    }

    #[test]
    fn quotes_and_backslashes_do_not_end_the_value() {
        assert_eq!(line(r#"a"b\c\""#), concat!(r#"header = "Authorization: Bearer a\"b\\c\\\"""#, "\n"));
    }

    #[test]
    fn a_comment_sign_stays_in_the_value() {
        assert_eq!(line("a#b"), "header = \"Authorization: Bearer a#b\"\n");
    }
}
