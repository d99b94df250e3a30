//! The token and nothing else.

use zeroize::Zeroizing;

use super::{Error, Format, Presented, bare, joined};

/// The token and one newline.
pub struct Raw;

impl Format for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn summary(&self) -> &'static str {
        "the token and a newline"
    }

    fn specification(&self) -> &'static str {
        "RFC 6749 §1.4"
    }

    fn render(&self, presented: &Presented<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(joined(&[bare(self, presented)?, "\n"]))
    }
}

#[cfg(test)]
mod tests {
    use super::Raw;
    use crate::output::testing::{presented, rendered};
    use crate::secret::Secret;

    #[test]
    fn it_is_the_token_and_a_newline() {
        assert_eq!(rendered(&Raw, &presented(&Secret::new("a\"b\\c"))).unwrap(), "a\"b\\c\n");
    }
}
