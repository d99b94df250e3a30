//! The sources keep to the order of `docs/ARCHITECTURE.md`: who may import whom, how long a file is, what is where.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// From the ground up; a module imports only from modules to its left.
const LAYERS: [&str; 10] =
    ["secret", "system", "protocol", "registry", "client", "callback", "grant", "session", "output", "integration"];

/// Folders with a table, and its rows: files of one table do not import each other.
const TABLES: [(&str, &[&str]); 5] = [
    (
        "grant",
        &[
            "authorization_code",
            "device_code",
            "client_credentials",
            "refresh_token",
            "jwt_bearer",
            "saml2_bearer",
            "token_exchange",
            "ciba",
            "password",
            "oauth1",
        ],
    ),
    (
        "protocol/client_auth",
        &[
            "none",
            "client_secret_basic",
            "client_secret_post",
            "client_secret_jwt",
            "private_key_jwt",
            "tls_client_auth",
            "client_secret_query",
            "apple_jwt",
            "assertion",
        ],
    ),
    ("session/store", &["keyring", "file", "command", "memory"]),
    ("output", &["raw", "json", "header", "headers", "curl", "sasl"]),
    ("integration", &["git", "kubernetes", "docker", "cargo", "bazel", "terraform", "goauth", "aws", "gcp", "proxy"]),
];

/// Packages, and the only places that may name them.
const PACKAGES: [(&str, &[&str]); 14] = [
    ("reqwest", &["system/http"]),
    ("simple_dns", &["system/dns"]),
    ("resolv_conf", &["system/dns"]),
    ("ipconfig", &["system/dns"]),
    ("keyring", &["session/store/"]),
    ("oauth2", &["protocol/"]),
    ("html5gum", &["protocol/"]),
    ("clap", BINARY),
    ("clap_complete", BINARY),
    ("clap_complete_nushell", BINARY),
    ("indicatif", BINARY),
    ("open", BINARY),
    ("rpassword", BINARY),
    ("qrcode", BINARY),
];

const BINARY: &[&str] = &["cli/", "main.rs"];

/// What a library leaves to its caller: to print and to end the process.
const PRINTING: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// Lines of a file without its tests.
const LENGTH: usize = 500;

/// One source file: its path below `src/`, with `/`, and its text.
struct Source<'a> {
    path: &'a str,
    text: &'a str,
}

#[test]
fn the_sources_keep_to_the_order() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    let mut files = 0;
    walk(&src, &mut |file| {
        let path = file.strip_prefix(&src).expect("a file below it").to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(file).expect("a source is text");
        files += 1;
        all.extend(faults(&Source { path: &path, text: &text }));
    });

    assert!(files > 0, "{} has sources", src.display());
    assert!(all.is_empty(), "{}", all.join("\n"));
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            visit(&path);
        }
    }
}

/// Everything wrong with one file, a line each.
fn faults(source: &Source<'_>) -> Vec<String> {
    let tokens = tokens(source.text);
    let mut faults: BTreeSet<String> = BTreeSet::new();
    for path in paths(source.path, &tokens) {
        faults.extend(layer_fault(source, &path));
        faults.extend(table_fault(source, &path));
        faults.extend(package_fault(source, &path));
    }
    faults.extend(printing_faults(source));
    faults.extend(unfinished(source.text, &tokens));
    faults.extend(length_fault(source));
    faults.extend(citation_fault(source));
    faults.into_iter().map(|fault| format!("src/{}: {fault}", source.path)).collect()
}

/// A path named in the code: as a module of this package, or as a package.
#[derive(Debug, PartialEq)]
enum Named {
    /// From the root of the package.
    Own(Vec<String>),
    Foreign(String),
}

fn layer_fault(source: &Source<'_>, path: &Named) -> Option<String> {
    let Named::Own(path) = path else { return None };
    let target = path.first()?;
    let from = layer_of(source.path)?;
    // Items of `lib.rs` itself, such as a re-exported type, belong to no layer.
    if !target.starts_with(|first: char| first.is_ascii_lowercase()) {
        return None;
    }
    match LAYERS.iter().position(|layer| layer == target) {
        Some(to) if to <= from => None,
        Some(_) => Some(format!("imports `{}`, which is above `{}`", path.join("::"), LAYERS[from])),
        None => Some(format!("imports `{}`, which is no layer of the library", path.join("::"))),
    }
}

/// The layer of a library file; `lib.rs`, the build script and the binary have none.
fn layer_of(path: &str) -> Option<usize> {
    if path == "registry/build.rs" {
        return None;
    }
    let first = path.split('/').next()?.trim_end_matches(".rs");
    LAYERS.iter().position(|layer| *layer == first)
}

fn table_fault(source: &Source<'_>, path: &Named) -> Option<String> {
    let Named::Own(path) = path else { return None };
    let (folder, rows) = TABLES.iter().find(|(folder, _)| source.path.starts_with(&format!("{folder}/")))?;
    let below = source.path.strip_prefix(folder)?.trim_start_matches('/');
    let own = below.split('/').next()?.trim_end_matches(".rs");
    let inside: Vec<&str> = folder.split('/').collect();
    let other = path.strip_prefix(&inside[..].iter().map(ToString::to_string).collect::<Vec<_>>()[..])?.first()?;
    let both = rows.contains(&own) && rows.contains(&other.as_str());
    (both && own != other).then(|| format!("imports `{}`, another row of the same table", path.join("::")))
}

fn package_fault(source: &Source<'_>, path: &Named) -> Option<String> {
    let Named::Foreign(package) = path else { return None };
    let (_, places) = PACKAGES.iter().find(|(name, _)| name == package)?;
    let allowed = places.iter().any(|place| source.path.starts_with(place));
    (!allowed).then(|| format!("imports `{package}`, which belongs to {}", places.join(" and ")))
}

/// Tests may say on stderr why they did nothing.
fn printing_faults(source: &Source<'_>) -> Vec<String> {
    if layer_of(source.path).is_none() && source.path != "lib.rs" || is_test_file(source.path) {
        return Vec::new();
    }
    let tokens = tokens(&code(source.text).collect::<Vec<_>>().join("\n"));
    let mut faults = Vec::new();
    for window in tokens.windows(4) {
        match window {
            [Token::Word(name), Token::Mark('!'), ..] if PRINTING.contains(&name.as_str()) => {
                faults.push(format!("prints with `{name}!`"));
            }
            [Token::Word(module), Token::Path, Token::Word(name), _] if module == "process" && name == "exit" => {
                faults.push("ends the process".to_owned());
            }
            _ => {}
        }
    }
    faults
}

fn unfinished(text: &str, tokens: &[Token]) -> Vec<String> {
    let mut faults = Vec::new();
    for window in tokens.windows(2) {
        match window {
            [Token::Word(name), Token::Mark('!')] if ["todo", "unimplemented"].contains(&name.as_str()) => {
                faults.push(format!("has a `{name}!`"));
            }
            _ => {}
        }
    }
    for word in ["TODO", "FIXME", "XXX"] {
        let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        if words.into_iter().any(|found| found == word) {
            faults.push(format!("has a {word}"));
        }
    }
    faults
}

fn is_test_file(path: &str) -> bool {
    ["tests.rs", "testing.rs"].iter().any(|name| path.ends_with(name)) || path.contains("/tests/")
}

fn length_fault(source: &Source<'_>) -> Option<String> {
    let code = code(source.text).count();
    (code > LENGTH && !is_test_file(source.path))
        .then(|| format!("has {code} lines without its tests, more than {LENGTH}"))
}

/// The lines before the tests.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| !is_tests_attribute(line))
}

/// `#[cfg(test)]` or `#[cfg(all(test, …))]` at the left margin, where the tests of a file begin.
fn is_tests_attribute(line: &str) -> bool {
    line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test,")
}

/// Every file about a specification says which.
fn citation_fault(source: &Source<'_>) -> Option<String> {
    let name = source.path.rsplit('/').next().unwrap_or_default();
    let asked = source.path.starts_with("protocol/") && name != "mod.rs" && !is_test_file(source.path);
    let cited = [
        "RFC ",
        "OpenID Connect",
        "OAuth Core",
        "OAuth 2.0 ",
        "draft-ietf-",
        "FAPI",
        "AT Protocol",
        "IndieAuth §",
        "HTML §",
    ];
    (asked && !cited.iter().any(|words| source.text.contains(words))).then(|| "cites no specification".to_owned())
}

/// As much of Rust's grammar as paths need.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    /// `::`
    Path,
    Mark(char),
}

/// The tokens without comments, strings, characters and lifetimes.
fn tokens(text: &str) -> Vec<Token> {
    let letters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let rest = &letters[at..];
        at += match letter {
            '/' if rest.get(1) == Some(&'/') => until(rest, |rest| rest[0] == '\n'),
            '/' if rest.get(1) == Some(&'*') => block_comment(rest),
            '"' => string(rest),
            '\'' => character(rest),
            'r' | 'b' | 'c' if prefixed_string(rest).is_some() => prefixed_string(rest).unwrap_or(1),
            ':' if rest.get(1) == Some(&':') => {
                tokens.push(Token::Path);
                2
            }
            letter if letter.is_alphanumeric() || letter == '_' => {
                let length = until(rest, |rest| !rest[0].is_alphanumeric() && rest[0] != '_');
                tokens.push(Token::Word(rest[..length].iter().collect()));
                length
            }
            letter if letter.is_whitespace() => 1,
            letter => {
                tokens.push(Token::Mark(letter));
                1
            }
        };
    }
    tokens
}

fn until(rest: &[char], end: impl Fn(&[char]) -> bool) -> usize {
    (0..rest.len()).find(|&at| end(&rest[at..])).unwrap_or(rest.len())
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] if depth == 1 => return at + 2,
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

/// The length of a string that begins with its quotation mark.
fn string(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// The length of `b"…"`, `r"…"`, `br#"…"#` and the like, if it is one.
fn prefixed_string(rest: &[char]) -> Option<usize> {
    let letters = until(rest, |rest| !matches!(rest[0], 'r' | 'b' | 'c'));
    let hashes = until(&rest[letters..], |rest| rest[0] != '#');
    let start = letters + hashes;
    if letters > 2 || rest.get(start) != Some(&'"') {
        return None;
    }
    if !rest[..letters].contains(&'r') {
        return (hashes == 0).then(|| letters + string(&rest[letters..]));
    }
    let end = until(&rest[start + 1..], |rest| {
        rest[0] == '"' && rest.len() > hashes && rest[1..=hashes].iter().all(|letter| *letter == '#')
    });
    Some((start + 1 + end + 1 + hashes).min(rest.len()))
}

/// The length of `'a'`, `'\n'`, `'\u{1b}'`, or of the mark of a lifetime.
fn character(rest: &[char]) -> usize {
    match rest.get(1..3) {
        Some(['\\', _]) => 3 + until(&rest[3..], |rest| rest[0] == '\'') + 1,
        Some([_, '\'']) => 3,
        _ => 1,
    }
}

/// Every path in the code that starts at `crate`, `super`, `keyfob` or a package.
fn paths(file: &str, tokens: &[Token]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut module = module_of(file);
    // Brace depth, and the depths at which inline modules began.
    let (mut depth, mut inline) = (0_usize, Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at..] {
            [Token::Word(keyword), Token::Word(name), Token::Mark('{'), ..] if keyword == "mod" => {
                inline.push(depth);
                module.push(name.clone());
                (depth, at) = (depth + 1, at + 3);
                continue;
            }
            [Token::Mark('{'), ..] => depth += 1,
            [Token::Mark('}'), ..] => {
                depth = depth.saturating_sub(1);
                if inline.last() == Some(&depth) {
                    inline.pop();
                    module.pop();
                }
            }
            [Token::Word(first), Token::Path, ..] if at == 0 || tokens[at - 1] != Token::Path => {
                let (start, length) = match first.as_str() {
                    "crate" => (Some(Vec::new()), 2),
                    "keyfob" if layer_of(file).is_none() => (None, 2),
                    "super" => {
                        let steps = tokens[at..].chunks(2).take_while(|pair| is_super(pair)).count();
                        (Some(module[..module.len().saturating_sub(steps)].to_vec()), 2 * steps)
                    }
                    "self" | "std" | "core" | "alloc" => (None, 2),
                    package => {
                        found.push(Named::Foreign(package.to_owned()));
                        (None, 2)
                    }
                };
                if let Some(start) = start {
                    follow(&start, &tokens[at + length..], &mut found);
                }
                at += length;
                continue;
            }
            [Token::Word(keyword), Token::Word(package), Token::Mark(';' | ' '), ..] if keyword == "use" => {
                found.push(Named::Foreign(package.clone()));
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn is_super(pair: &[Token]) -> bool {
    matches!(pair, [Token::Word(word), Token::Path] if word == "super")
}

/// The module that a file below `src/` is.
fn module_of(file: &str) -> Vec<String> {
    let mut parts: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

/// Reads on from `start::`, into groups too.
fn follow(start: &[String], tokens: &[Token], found: &mut Vec<Named>) -> usize {
    match tokens {
        [Token::Word(word), Token::Path, ..] => {
            let next = [start, std::slice::from_ref(word)].concat();
            2 + follow(&next, &tokens[2..], found)
        }
        [Token::Word(word), ..] => {
            let end = if word == "self" { start.to_vec() } else { [start, std::slice::from_ref(word)].concat() };
            found.push(Named::Own(end));
            1
        }
        [Token::Mark('{'), ..] => {
            let mut at = 1;
            while at < tokens.len() && tokens[at] != Token::Mark('}') {
                at += follow(start, &tokens[at..], found).max(1);
            }
            at + 1
        }
        _ => {
            found.push(Named::Own(start.to_vec()));
            1
        }
    }
}

// The checker itself, with sources made up for it.

fn check(path: &str, text: &str) -> Vec<String> {
    faults(&Source { path, text })
}

#[test]
fn an_arrow_that_points_up_is_named_with_file_and_import() {
    assert_eq!(
        check("protocol/token.rs", "//! RFC 6749\nuse crate::grant::Grant;\n"),
        ["src/protocol/token.rs: imports `grant::Grant`, which is above `protocol`"]
    );
    assert_eq!(
        check("grant/mod.rs", "use crate::protocol::token::TokenSet;\nuse crate::secret::Secret;"),
        [] as [&str; 0]
    );
}

#[test]
fn an_arrow_is_found_in_groups_in_bodies_and_behind_super() {
    let up = |text: &str| check("system/http.rs", text).len();

    assert_eq!(up("use crate::{secret::Secret, system::{Error, clock}, session};"), 1);
    assert_eq!(up("fn f() { let x = crate::client::Client::new(); }"), 1);
    assert_eq!(up("use super::super::output::raw;"), 1);
    assert_eq!(up("use super::Error;\nuse super::clock::Clock;"), 0);
    assert_eq!(up("mod tests { use super::super::Error; fn f() { super::super::super::grant::x() } }"), 1);
    assert_eq!(up("mod a { mod b { use super::super::super::Error; } }\nuse super::Error;"), 0);
}

#[test]
fn comments_strings_and_lifetimes_are_no_imports() {
    let text = r##"
        //! See [`crate::grant::Grant`].
        /* use crate::grant; /* nested */ use crate::client; */
        fn f<'a>(x: &'a str) -> char { let _ = ("use crate::grant;", r#"crate::session " "#, b'"', '"', '\''); '\u{1b}' }
    "##;

    assert_eq!(check("system/files.rs", text), [] as [&str; 0]);
    assert_eq!(check("system/files.rs", &format!("{text}\nuse crate::grant;")).len(), 1);
}

#[test]
fn an_unknown_folder_of_the_library_is_named() {
    assert_eq!(
        check("client/mod.rs", "use crate::helpers::x;"),
        ["src/client/mod.rs: imports `helpers::x`, which is no layer of the library"]
    );
    assert_eq!(check("client/mod.rs", "use crate::cli::Options;").len(), 1);
    assert_eq!(check("client/mod.rs", "use crate::Error;"), [] as [&str; 0]);
}

#[test]
fn rows_of_one_table_do_not_import_each_other() {
    assert_eq!(
        check("grant/device_code.rs", "use super::authorization_code::Flow;"),
        ["src/grant/device_code.rs: imports `grant::authorization_code::Flow`, another row of the same table"]
    );
    assert_eq!(check("session/store/file/mod.rs", "use crate::session::store::keyring;").len(), 1);
    assert_eq!(
        check("grant/device_code.rs", "use super::{Grant, Error};\nuse crate::grant::device_code::x;"),
        [] as [&str; 0]
    );
    assert_eq!(
        check("grant/mod.rs", "use self::device_code::DeviceCode;\nuse super::grant::ciba::Ciba;"),
        [] as [&str; 0]
    );
}

#[test]
fn packages_stay_where_they_belong() {
    assert_eq!(
        check("client/endpoint.rs", "use reqwest::Client;"),
        ["src/client/endpoint.rs: imports `reqwest`, which belongs to system/http"]
    );
    assert_eq!(check("grant/mod.rs", "fn f() -> oauth2::Scope { x }").len(), 1);
    assert_eq!(check("session/mod.rs", "use keyring;").len(), 1);
    assert_eq!(check("output/raw.rs", "fn f() { open::that(x) }").len(), 1);
    assert_eq!(check("system/http.rs", "use reqwest::Client;"), [] as [&str; 0]);
    assert_eq!(check("session/store/keyring.rs", "use keyring::Entry;"), [] as [&str; 0]);
    assert_eq!(
        check("cli/mod.rs", "use clap::Parser;\nuse keyfob::grant::Grant;\nuse crate::cli::x;"),
        [] as [&str; 0]
    );
}

#[test]
fn a_library_neither_prints_nor_exits() {
    assert_eq!(check("output/raw.rs", "fn f() { println!(\"x\"); }"), ["src/output/raw.rs: prints with `println!`"]);
    assert_eq!(check("output/raw.rs", "fn f() { std::process::exit(1); }"), ["src/output/raw.rs: ends the process"]);
    assert_eq!(check("lib.rs", "fn f() { dbg!(1); }").len(), 1);
    assert_eq!(check("output/raw.rs", "#[cfg(test)]\nmod tests { fn f() { eprintln!(); } }"), [] as [&str; 0]);
    assert_eq!(check("cli/terminal.rs", "fn f() { eprintln!(); std::process::exit(1); }"), [] as [&str; 0]);
    assert_eq!(check("registry/build.rs", "fn main() { println!(\"cargo:x\"); }"), [] as [&str; 0]);
}

#[test]
fn what_is_unfinished_is_named() {
    assert_eq!(check("secret.rs", "fn f() { todo!() }"), ["src/secret.rs: has a `todo!`"]);
    assert_eq!(check("cli/mod.rs", "// TODO: more").len(), 1);
    assert_eq!(check("cli/mod.rs", "fn f() { unimplemented!() } // FIXME").len(), 2);
    assert_eq!(check("cli/mod.rs", "const TODO_LIST: u8 = 1; // todo lists"), [] as [&str; 0]);
}

#[test]
fn a_long_file_is_named_its_tests_apart() {
    let long = "fn f() {}\n".repeat(501);

    assert_eq!(check("secret.rs", &long), ["src/secret.rs: has 501 lines without its tests, more than 500"]);
    assert_eq!(check("system/tests.rs", &long), [] as [&str; 0]);
    assert_eq!(check("system/testing.rs", &long), [] as [&str; 0]);
    assert_eq!(check("secret.rs", &format!("{}#[cfg(test)]\n{long}", &long[..5000])), [] as [&str; 0]);
}

#[test]
fn a_file_about_a_specification_cites_it() {
    assert_eq!(check("protocol/pkce.rs", "fn f() {}"), ["src/protocol/pkce.rs: cites no specification"]);
    assert_eq!(check("protocol/pkce.rs", "//! RFC 7636 §4.1\nfn f() {}"), [] as [&str; 0]);
    assert_eq!(check("protocol/mod.rs", "mod pkce;"), [] as [&str; 0]);
}
