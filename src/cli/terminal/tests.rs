use std::io::{self, Write};

use serde_json::json;

use super::testing::{Written, terminal};
use super::{Appearance, Terminal};

/// Says one of each.
fn conversation(appearance: Appearance) -> (String, String) {
    let (terminal, output, error) = terminal(appearance);
    terminal.say("said");
    terminal.success("done");
    terminal.warning("careful");
    terminal.error("broken");
    terminal.hint("mend it");
    terminal.detail(1, "step");
    terminal.detail(2, "request");
    drop(terminal.progress("Asking"));
    (output.text(), error.text())
}

#[test]
fn the_conversation_goes_to_standard_error() {
    let (output, error) = conversation(Appearance::default());

    assert_eq!(output, "");
    assert_eq!(error, "said\n✓ done\nwarning: careful\nerror: broken\nhint: mend it\nAsking …\n");
}

#[test]
fn many_lines_at_once_are_those_that_would_come_one_by_one() {
    let texts = ["plain", "", "a\u{1b}[2J\nb", "東京"];
    let (at_once, output, _) = terminal(Appearance::default());
    let (single, expected, _) = terminal(Appearance::default());

    at_once.lines(texts);
    texts.iter().for_each(|text| single.line(text));

    assert_eq!(output.text(), expected.text());
}

#[test]
fn quiet_leaves_errors_alone() {
    let (_, error) = conversation(Appearance { quiet: true, verbose: 2, ..Appearance::default() });

    assert_eq!(error, "error: broken\n");
}

#[test]
fn json_is_not_interrupted_by_words_but_by_cautions() {
    let (_, error) = conversation(Appearance { json: true, ..Appearance::default() });

    assert_eq!(error, "warning: careful\nerror: broken\n");
}

#[test]
fn plain_marks_are_ascii() {
    let (terminal, _, error) = terminal(Appearance { plain: true, ..Appearance::default() });

    terminal.success("done");
    drop(terminal.progress("Asking"));

    assert_eq!(error.text(), "ok: done\nAsking ...\n");
}

#[test]
fn verbosity_adds_details() {
    let details = |verbose| {
        let (terminal, _, error) = terminal(Appearance { verbose, ..Appearance::default() });
        terminal.detail(1, "step");
        terminal.detail(2, "request");
        error.text()
    };

    assert_eq!(details(0), "");
    assert_eq!(details(1), "step\n");
    assert_eq!(details(2), "step\nrequest\n");
}

#[test]
fn colour_is_on_the_mark_and_the_word_stays() {
    let (terminal, _, error) = terminal(Appearance { color: true, ..Appearance::default() });

    terminal.error("broken");

    assert_eq!(error.text(), "\x1b[1;31merror:\x1b[0m broken\n");
}

#[test]
fn every_line_for_people_is_escaped() {
    let hostile = "a\u{1b}[2J\n\u{202e}b\u{9b}c";
    let safe = "a\\u{1b}[2J \\u{202e}b\\u{9b}c\n";
    let speak: [fn(&Terminal, &str); 9] = [
        Terminal::line,
        Terminal::say,
        Terminal::success,
        Terminal::warning,
        Terminal::error,
        Terminal::hint,
        Terminal::narrate,
        |terminal, text| terminal.detail(0, text),
        |terminal, text| {
            let _ = terminal.progress(text);
        },
    ];
    for (number, speak) in speak.into_iter().enumerate() {
        let (terminal, output, error) = terminal(Appearance::default());
        speak(&terminal, hostile);
        let written = (output.text() + &error.text()).replace(" …\n", "\n");
        assert!(written.ends_with(safe), "{number}: {written:?}");
        assert!(!written.contains('\u{1b}'), "{number}: {written:?}");
    }
}

#[test]
fn a_flood_is_cut() {
    let (terminal, _, error) = terminal(Appearance::default());

    terminal.error(&"x".repeat(1_000_000));

    assert!(error.text().len() < 20_000);
}

#[test]
fn the_answer_is_exactly_the_bytes_given() {
    let (terminal, output, error) = terminal(Appearance::default());

    terminal.answer(b"token\x1b\n").unwrap();

    assert_eq!(output.text(), "token\u{1b}\n");
    assert_eq!(error.text(), "");
}

#[test]
fn json_documents_are_one_harmless_line_each() {
    let (terminal, output, error) = terminal(Appearance { quiet: true, ..Appearance::default() });

    terminal.json_line(&json!({"b": "x\n\u{9b}\u{202e}é", "a": 1}));
    terminal.json_error(&json!({"error": "store"}));

    assert_eq!(output.text(), "{\"b\":\"x\\n\\u009b\\u202e\\u00e9\",\"a\":1}\n");
    assert_eq!(error.text(), "{\"error\":\"store\"}\n");
}

/// A device without room.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error() {
    let terminal = Terminal::with_streams(Appearance::default(), Box::new(Full), Box::new(Written::default()));

    assert_eq!(terminal.answer(b"token\n").unwrap_err().kind(), io::ErrorKind::StorageFull);
}

#[test]
fn a_line_that_cannot_be_written_is_remembered() {
    let terminal = Terminal::with_streams(Appearance::default(), Box::new(Full), Box::new(Written::default()));
    assert!(terminal.take_failure().is_none());

    terminal.line("lost");
    terminal.json_line(&json!({}));

    assert_eq!(terminal.take_failure().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
}

#[test]
fn a_dead_standard_error_stops_nothing() {
    let output = Written::default();
    let terminal = Terminal::with_streams(Appearance::default(), Box::new(output.clone()), Box::new(Full));

    terminal.error("nobody hears this");
    terminal.line("answer");

    assert_eq!(output.text(), "answer\n");
    assert!(terminal.take_failure().is_none());
}

#[test]
fn lines_are_written_while_a_spinner_waits() {
    let (terminal, _, error) = terminal(Appearance { animated: true, ..Appearance::default() });

    let progress = terminal.progress("Asking");
    terminal.say("meanwhile");
    drop(progress);
    terminal.say("afterwards");

    assert_eq!(error.text(), "meanwhile\nafterwards\n");
}

#[test]
fn nobody_is_asked_where_nobody_is() {
    let (terminal, _, error) = terminal(Appearance::default());

    assert_eq!(terminal.prompt_line("Name: ").unwrap_err().kind(), io::ErrorKind::NotConnected);
    assert_eq!(terminal.prompt_secret("Secret: ").unwrap_err().kind(), io::ErrorKind::NotConnected);
    assert_eq!(terminal.confirm("Sure?", true).unwrap_err().kind(), io::ErrorKind::NotConnected);
    assert_eq!(error.text(), "");
}
