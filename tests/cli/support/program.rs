//! Programs that a test writes itself; for both kinds of tests.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a program and puts it in its place.
///
/// A process of its own writes it: what another thread starts meanwhile inherits this process's open files until it is
/// another program, and a program that is open for writing anywhere cannot be run ("Text file busy").
pub fn write_program(file: &Path, text: &str) {
    let mut shell = Command::new("/bin/sh")
        .args(["-c", "umask 077 && cat >\"$1.new\" && chmod 700 \"$1.new\" && mv \"$1.new\" \"$1\"", "sh"])
        .arg(file)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    shell.stdin.take().expect("piped").write_all(text.as_bytes()).expect("a script");
    assert!(shell.wait().expect("its end").success(), "{} can be written", file.display());
}
