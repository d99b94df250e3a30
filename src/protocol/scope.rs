//! Scopes: lists of words, on the wire and here.

use super::Error;

/// Checks each word of a scope.
///
/// # Errors
/// [`Error::Scope`] for a word with other characters than the specification allows.
///
/// # Specification
/// RFC 6749 §3.3: `%x21 / %x23-5B / %x5D-7E`.
pub fn check(scopes: &[String]) -> Result<(), Error> {
    let legal = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    match scopes.iter().find(|scope| scope.is_empty() || !scope.bytes().all(legal)) {
        Some(scope) => Err(Error::Scope(super::jose::excerpt(scope))),
        None => Ok(()),
    }
}

/// The words of a granted scope as a server writes it.
///
/// Servers separate with blanks, with the separator they also read, and (GitHub) with commas although they read blanks;
/// a comma separates only where no requested word holds one.
pub fn split(text: &str, separator: &str, requested: &[String]) -> Vec<String> {
    let commas = separator != " " || !requested.iter().any(|scope| scope.contains(','));
    let own = |character: char| separator.trim().chars().any(|own| own == character);
    text.split(|character: char| character.is_whitespace() || own(character) || (commas && character == ','))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The words of `wanted` that are not in `granted`.
pub fn missing<'a>(wanted: &'a [String], granted: &[String]) -> Vec<&'a str> {
    wanted.iter().filter(|scope| !granted.contains(scope)).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::{check, missing, split};

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_scope_has_printable_ascii_without_quote_and_backslash() {
        assert!(check(&words("openid https://a.example/x.read !#[]~")).is_ok());
        for bad in ["a\nb", "a\"b", "a\\b", "é", "", "a\u{7f}"] {
            assert!(check(&[bad.to_owned()]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_granted_scope_is_split_as_the_server_writes_it() {
        assert_eq!(split("a b  c", " ", &[]), ["a", "b", "c"]);
        assert_eq!(split("repo,gist", " ", &words("repo gist")), ["repo", "gist"]);
        assert_eq!(split("a,b c", " ", &words("a,b c")), ["a,b", "c"]);
        assert_eq!(split("a;b", ";", &[]), ["a", "b"]);
        assert!(split("", " ", &[]).is_empty());
    }

    #[test]
    fn what_was_not_granted_is_named() {
        assert_eq!(missing(&words("a b"), &words("a c")), ["b"]);
    }
}
