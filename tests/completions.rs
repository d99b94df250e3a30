//! The files in `completions/` are what the binary prints today, and the shells that are here can use them.
//!
//! After a change of the command line: `KEYFOB_UPDATE_COMPLETIONS=1 cargo test --test completions`.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

/// Each shell and its file, named as the shell wants to find it.
const FILES: [(&str, &str); 6] = [
    ("bash", "keyfob.bash"),
    ("elvish", "keyfob.elv"),
    ("fish", "keyfob.fish"),
    ("nushell", "keyfob.nu"),
    ("powershell", "_keyfob.ps1"),
    ("zsh", "_keyfob"),
];

/// The folder with the files, which are renewed first where that is asked for.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
        if env::var_os("KEYFOB_UPDATE_COMPLETIONS").is_some() {
            fs::create_dir_all(&folder).expect("a folder");
            for (shell, name) in FILES {
                fs::write(folder.join(name), printed(shell)).expect("a file in it");
            }
        }
        folder
    })
}

fn printed(shell: &str) -> String {
    output(env!("CARGO_BIN_EXE_keyfob"), &["completions", shell]).expect("the binary is built")
}

fn file(shell: &str) -> PathBuf {
    let (_, name) = FILES.into_iter().find(|(known, _)| *known == shell).expect("a shell of the table");
    folder().join(name)
}

/// What a program prints, run in a home of its own; nothing where the program is not installed.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let home = tempfile::tempdir().expect("a home");
    let output = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("HOME", home.path())
        .env("FILE", arguments.last().unwrap_or(&""))
        .current_dir(home.path())
        .stdin(Stdio::null())
        .output();
    if output.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        assert!(env::var_os("KEYFOB_TEST_REQUIRE_PARTS").is_none_or(|value| value != "1"), "{program} is missing");
        let test = thread::current().name().unwrap_or("a test").to_owned();
        // Not `eprintln!`, which the harness keeps to itself when a test passes.
        let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {program} is not installed");
        return None;
    }
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{program} says {}: {stderr}", output.status);
    Some(String::from_utf8(output.stdout).expect("text"))
}

/// Loads the file of `shell` with `script`, which finds it in `$FILE` and prints what completes `keyfob lo`.
fn completes(shell: &str, options: &[&str], script: &str) {
    let path = file(shell);
    let path = path.to_str().expect("a path of text");

    let arguments = [options, &["-c", script, path]].concat();
    let Some(printed) = output(shell, &arguments) else { return };

    let mut words: Vec<_> = printed.split_whitespace().filter(|word| word.starts_with("log")).collect();
    words.sort_unstable();
    assert_eq!(words, ["login", "logout"], "{printed}");
}

#[test]
fn the_checked_in_files_are_what_the_binary_prints() {
    for (shell, name) in FILES {
        let kept = fs::read_to_string(folder().join(name)).unwrap_or_default();
        assert!(kept == printed(shell), "completions/{name} is out of date: KEYFOB_UPDATE_COMPLETIONS=1 renews it");
    }
}

#[test]
fn no_other_file_lies_in_completions() {
    let names = fs::read_dir(folder()).expect("the folder is there").flatten().map(|entry| entry.file_name());
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();

    let mut expected = FILES.map(|(_, name)| name);
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[test]
fn bash_completes_a_command() {
    completes(
        "bash",
        &["--norc", "--noprofile"],
        r#"source "$FILE"
           COMP_WORDS=(keyfob lo) COMP_CWORD=1 COMP_LINE="keyfob lo" COMP_POINT=9
           function=$(complete -p keyfob | sed 's/.*-F \([^ ]*\).*/\1/')
           "$function" keyfob lo keyfob
           printf '%s\n' "${COMPREPLY[@]}""#,
    );
}

#[test]
fn fish_completes_a_command() {
    completes("fish", &["--no-config"], r#"source "$FILE"; complete --do-complete "keyfob lo""#);
}

#[test]
fn zsh_takes_the_file_for_the_command() {
    let path = file("zsh");
    let script =
        r#"autoload -Uz compinit && compinit -u -d "$HOME/dump" && source "$FILE" && print -- "${_comps[keyfob]}""#;

    let Some(printed) = output("zsh", &["-f", "-c", script, path.to_str().expect("a path of text")]) else { return };

    assert_eq!(printed.trim(), "_keyfob");
}
