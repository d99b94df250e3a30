//! Where the program finds a token.

use crate::cli::report::Failure;

/// A variable of the program's.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Whether it holds the path of a file with the token, instead of the token.
    pub is_file: bool,
    /// Whose token, where it is not that of the command's TARGET.
    pub target: Option<String>,
}

/// What `--env` and `--file` say.
///
/// # Errors
/// Wrong usage: a name that no variable can have, or one that is given twice.
pub fn read(variables: &[String], files: &[String]) -> Result<Vec<Place>, Failure> {
    let options = variables.iter().map(|text| (text, false)).chain(files.iter().map(|text| (text, true)));
    let mut places: Vec<Place> = Vec::new();
    for (text, is_file) in options {
        let place = parse(text, is_file)?;
        if places.iter().any(|other| is_same(&other.name, &place.name)) {
            return Err(Failure::usage(format!("the variable `{}` is given twice", place.name)));
        }
        places.push(place);
    }
    Ok(places)
}

fn parse(text: &str, is_file: bool) -> Result<Place, Failure> {
    let option = if is_file { "--file" } else { "--env" };
    let (name, target) = match text.split_once('=') {
        Some((name, target)) => (name, Some(target)),
        None => (text, None),
    };
    let malformed = |what: &str| {
        Err(Failure::usage(format!("`{option} {text}` {what}"))
            .hint(format!("it takes NAME or NAME=TARGET, for example  {option} API_TOKEN=github")))
    };
    if !is_name(name) {
        return malformed("names no variable: letters, digits and `_` make one");
    }
    if target == Some("") {
        return malformed("names no session behind the `=`");
    }
    Ok(Place { name: name.to_owned(), is_file, target: target.map(str::to_owned) })
}

/// POSIX.1-2017 §8.1; other names cannot be used in a shell, and are mistakes.
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Windows knows no case in names of variables.
fn is_same(one: &str, other: &str) -> bool {
    if cfg!(windows) { one.eq_ignore_ascii_case(other) } else { one == other }
}

#[cfg(test)]
mod tests {
    use super::{Place, read};

    fn list(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_place_has_a_name_and_perhaps_a_target_of_its_own() {
        let places = read(&list(&["A", "_b1=https://api.example/?x=y"]), &list(&["PATH=acme/ada"])).unwrap();

        let place = |name: &str, is_file, target: Option<&str>| Place {
            name: name.into(),
            is_file,
            target: target.map(str::to_owned),
        };
        assert_eq!(
            places,
            [
                place("A", false, None),
                place("_b1", false, Some("https://api.example/?x=y")),
                place("PATH", true, Some("acme/ada"))
            ]
        );
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", "=acme", "1A", "A-B", "A B", "A\0", "Ä", "A="] {
            assert!(read(&list(&[text]), &[]).is_err(), "{text:?}");
            assert!(read(&[], &list(&[text])).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_is_given_once() {
        assert!(read(&list(&["A", "A=acme"]), &[]).is_err());
        assert!(read(&list(&["A"]), &list(&["A"])).is_err());
    }
}
