//! The token as a header line.

use zeroize::Zeroizing;

use super::{Error, Format, Presented, joined, lines, text_of};

/// `Authorization: Bearer …`, for `curl -H "$(…)"`.
pub struct Header;

impl Format for Header {
    fn name(&self) -> &'static str {
        "header"
    }

    fn summary(&self) -> &'static str {
        "the header line `Authorization: Bearer …`"
    }

    fn specification(&self) -> &'static str {
        "RFC 6750 §2.1"
    }

    fn render(&self, presented: &Presented<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let headers = lines(self, presented)?;
        let parts = headers.iter().flat_map(|(name, value)| [*name, ": ", text_of(value), "\n"]);
        Ok(joined(&parts.collect::<Vec<_>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::Header;
    use crate::output::testing::{presented, rendered};
    use crate::secret::Secret;

    /// The token of RFC 6750 §2.1.
    #[test]
    fn it_is_the_header_of_the_specification() {
        let line = rendered(&Header, &presented(&Secret::new("mF_9.B5f-4.1JqM"))).unwrap();

        assert_eq!(line, "Authorization: Bearer mF_9.B5f-4.1JqM\n");
    }
}
