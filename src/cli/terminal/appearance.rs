//! How the conversation looks: decided once, from flags, environment and what the streams are.

use std::io::IsTerminal as _;

use keyfob::system::Environment;

/// The value of `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Also into a pipe.
    Always,
    /// Not at all.
    Never,
}

/// What the user asked for with the flags of every command.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes {
    /// `--color`.
    pub color: Color,
    /// `--plain`.
    pub plain: bool,
    /// `--quiet`.
    pub quiet: bool,
    /// How often `-v` was given.
    pub verbose: u8,
    /// `--json`.
    pub json: bool,
    /// `--no-input`.
    pub no_input: bool,
}

/// Which of the standard streams are terminals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Streams {
    /// Whether standard input is one.
    pub input: bool,
    /// Whether standard output is one.
    pub output: bool,
    /// Whether standard error is one.
    pub error: bool,
}

impl Streams {
    /// The streams of this process.
    pub fn of_process() -> Self {
        Self {
            input: std::io::stdin().is_terminal(),
            output: std::io::stdout().is_terminal(),
            error: std::io::stderr().is_terminal(),
        }
    }
}

/// How to write, and whether to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Appearance {
    /// Whether messages on standard error are coloured.
    pub color: bool,
    /// Whether standard output, when meant for people, may be coloured: only on a terminal.
    pub output_color: bool,
    /// Whether symbols are ASCII and lists show one fact per line.
    pub plain: bool,
    /// Whether a spinner may move.
    pub animated: bool,
    /// Whether only errors are told.
    pub quiet: bool,
    /// How much is told: 0 the result, 1 what is done, 2 also requests and answers.
    pub verbose: u8,
    /// Whether the answer and errors are JSON.
    pub json: bool,
    /// Whether a person is there and may be asked.
    pub interactive: bool,
}

impl Appearance {
    /// Flags before environment before what the streams are.
    ///
    /// Colour: `--plain` and `--color`, then `NO_COLOR`, then `CLICOLOR_FORCE` and `FORCE_COLOR`, then `TERM=dumb`.
    pub fn new(wishes: Wishes, environment: &Environment, streams: Streams) -> Self {
        let dumb = environment.text("TERM").is_some_and(|term| term == "dumb");
        let forced = environment.flag("CLICOLOR_FORCE") || environment.flag("FORCE_COLOR");
        let color = |terminal: bool| match wishes.color {
            _ if wishes.plain => false,
            Color::Never => false,
            Color::Always => true,
            Color::Auto if environment.raw("NO_COLOR").is_some() => false,
            Color::Auto => forced || (terminal && !dumb),
        };
        let silenced = wishes.no_input || environment.flag("KEYFOB_NO_INPUT") || environment.flag("CI");
        Self {
            color: color(streams.error),
            output_color: streams.output && color(true),
            plain: wishes.plain,
            animated: streams.error && !dumb && !wishes.plain && !wishes.quiet && !wishes.json,
            quiet: wishes.quiet,
            verbose: wishes.verbose,
            json: wishes.json,
            // A question goes to standard error: where nobody sees it, nobody can answer.
            interactive: streams.input && streams.error && !silenced,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Appearance, Color, Environment, Streams, Wishes};

    const TERMINAL: Streams = Streams { input: true, output: true, error: true };
    const PIPES: Streams = Streams { input: false, output: false, error: false };

    fn color(color: Color, variables: &[(&str, &str)], streams: Streams) -> bool {
        let wishes = Wishes { color, ..Wishes::default() };
        Appearance::new(wishes, &Environment::given(variables.iter().copied()), streams).color
    }

    #[test]
    fn colour_is_for_terminals_unless_somebody_says_otherwise() {
        type Variables = &'static [(&'static str, &'static str)];
        let cases: [(Color, Variables, Streams, bool); 10] = [
            (Color::Auto, &[], TERMINAL, true),
            (Color::Auto, &[], PIPES, false),
            (Color::Always, &[("NO_COLOR", "1")], PIPES, true),
            (Color::Never, &[("FORCE_COLOR", "1")], TERMINAL, false),
            (Color::Auto, &[("NO_COLOR", "0"), ("FORCE_COLOR", "1")], TERMINAL, false),
            (Color::Auto, &[("NO_COLOR", "")], TERMINAL, true),
            (Color::Auto, &[("CLICOLOR_FORCE", "1")], PIPES, true),
            (Color::Auto, &[("CLICOLOR_FORCE", "0")], PIPES, false),
            (Color::Auto, &[("FORCE_COLOR", "1"), ("TERM", "dumb")], PIPES, true),
            (Color::Auto, &[("TERM", "dumb")], TERMINAL, false),
        ];
        for (wish, variables, streams, expected) in cases {
            assert_eq!(color(wish, variables, streams), expected, "{wish:?} {variables:?} {streams:?}");
        }
    }

    #[test]
    fn piped_output_is_never_coloured() {
        let streams = Streams { output: false, ..TERMINAL };
        let wishes = Wishes { color: Color::Always, ..Wishes::default() };

        assert!(!Appearance::new(wishes, &Environment::given([]), streams).output_color);
    }

    #[test]
    fn plain_means_no_colour_and_nothing_that_moves() {
        let wishes = Wishes { plain: true, color: Color::Always, ..Wishes::default() };

        let appearance = Appearance::new(wishes, &Environment::given([]), TERMINAL);

        assert_eq!((appearance.plain, appearance.color, appearance.animated), (true, false, false));
    }

    #[test]
    fn nothing_moves_without_a_terminal_that_can_move_the_cursor() {
        let animated = |variables: &[(&str, &str)], streams| {
            Appearance::new(Wishes::default(), &Environment::given(variables.iter().copied()), streams).animated
        };

        assert!(animated(&[], TERMINAL));
        assert!(!animated(&[], PIPES));
        assert!(!animated(&[("TERM", "dumb")], TERMINAL));
    }

    #[test]
    fn a_person_is_asked_only_where_one_can_read_and_answer() {
        let interactive = |wishes, variables: &[(&str, &str)], streams| {
            Appearance::new(wishes, &Environment::given(variables.iter().copied()), streams).interactive
        };
        let wishes = Wishes::default();

        assert!(interactive(wishes, &[], Streams { output: false, ..TERMINAL }));
        assert!(interactive(wishes, &[("CI", "false")], TERMINAL));
        assert!(!interactive(wishes, &[], Streams { input: false, ..TERMINAL }));
        assert!(!interactive(wishes, &[], Streams { error: false, ..TERMINAL }));
        assert!(!interactive(wishes, &[("CI", "true")], TERMINAL));
        assert!(!interactive(wishes, &[("KEYFOB_NO_INPUT", "1")], TERMINAL));
        assert!(!interactive(Wishes { no_input: true, ..wishes }, &[], TERMINAL));
    }
}
