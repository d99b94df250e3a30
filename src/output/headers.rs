//! The token as a JSON object of headers.

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::text::secret_line;
use super::{Error, Format, Presented, lines, text_of};

/// `{"Authorization":"Bearer …"}`, for programs that take headers as JSON.
pub struct Headers;

/// Members in the order of the headers.
struct Object<'a>(Vec<(&'a str, &'a str)>);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().copied())
    }
}

impl Format for Headers {
    fn name(&self) -> &'static str {
        "headers"
    }

    fn summary(&self) -> &'static str {
        "a JSON object with the header and its value"
    }

    fn specification(&self) -> &'static str {
        "RFC 6750 §2.1, RFC 8259 §4"
    }

    fn render(&self, presented: &Presented<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let headers = lines(self, presented)?;
        let length = headers.iter().map(|(_, value)| value.len()).sum();
        let members = headers.iter().map(|(name, value)| (*name, text_of(value))).collect();
        Ok(secret_line(&Object(members), length))
    }
}

#[cfg(test)]
mod tests {
    use super::Headers;
    use crate::output::testing::{presented, rendered};
    use crate::secret::Secret;

    #[test]
    fn it_is_a_json_object() {
        assert_eq!(
            rendered(&Headers, &presented(&Secret::new("abc"))).unwrap(),
            "{\"Authorization\":\"Bearer abc\"}\n"
        );
    }

    #[test]
    fn a_quote_does_not_end_the_string() {
        let object = rendered(&Headers, &presented(&Secret::new(r#"a","x":"\"#))).unwrap();

        let parsed: serde_json::Value = serde_json::from_str(&object).unwrap();
        assert_eq!(parsed, serde_json::json!({"Authorization": "Bearer a\",\"x\":\"\\"}));
    }
}
