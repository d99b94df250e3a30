//! How wide text and the screen are, in columns.

/// Narrowest and widest screen that is believed: a pseudo-terminal may claim 0 columns, a broken one 65535.
const BELIEVED: std::ops::RangeInclusive<usize> = 20..=400;

/// Columns of a screen that does not tell.
const USUAL: usize = 80;

/// Columns that `text` takes: none for combining marks, two for wide characters, otherwise one.
///
/// # Specification
/// Unicode UAX #11 (East Asian Width), in its large blocks.
pub fn columns_of(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.chars().map(columns).sum()
}

fn columns(character: char) -> usize {
    match character {
        '\0'..='\u{2ff}' => 1,
        '\u{300}'..='\u{36f}'
        | '\u{483}'..='\u{489}'
        | '\u{591}'..='\u{5bd}'
        | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}'
        | '\u{e31}'
        | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{fe20}'..='\u{fe2f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{231a}'..='\u{231b}'
        | '\u{23e9}'..='\u{23ec}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{17000}'..='\u{18cff}'
        | '\u{1b000}'..='\u{1b2ff}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// Columns of the screen that standard error or standard output is.
pub(super) fn of_terminal() -> usize {
    told().unwrap_or(USUAL).clamp(*BELIEVED.start(), *BELIEVED.end())
}

#[cfg(unix)]
fn told() -> Option<usize> {
    [libc::STDERR_FILENO, libc::STDOUT_FILENO].into_iter().find_map(|descriptor| {
        let mut size = std::mem::MaybeUninit::<libc::winsize>::zeroed();
        // SAFETY: the call fills the structure or fails; zeroed, it is valid either way.
        let size = unsafe {
            match libc::ioctl(descriptor, libc::TIOCGWINSZ, size.as_mut_ptr()) {
                0 => size.assume_init(),
                _ => return None,
            }
        };
        (size.ws_col > 0).then_some(size.ws_col.into())
    })
}

#[cfg(windows)]
fn told() -> Option<usize> {
    use std::io;
    use std::os::windows::io::AsRawHandle;

    use windows_sys::Win32::System::Console::{CONSOLE_SCREEN_BUFFER_INFO, GetConsoleScreenBufferInfo};

    [io::stderr().as_raw_handle(), io::stdout().as_raw_handle()].into_iter().find_map(|handle| {
        let mut screen = CONSOLE_SCREEN_BUFFER_INFO::default();
        // SAFETY: the call fills the structure or fails; the handle is open or none at all, which the call notices.
        if unsafe { GetConsoleScreenBufferInfo(handle, &raw mut screen) } == 0 {
            return None;
        }
        // The buffer may be wider than what is seen of it.
        let columns = i32::from(screen.srWindow.Right) - i32::from(screen.srWindow.Left) + 1;
        usize::try_from(columns).ok().filter(|columns| *columns > 0)
    })
}

#[cfg(not(any(unix, windows)))]
fn told() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::{BELIEVED, columns_of, of_terminal};

    #[test]
    fn wide_characters_count_double_and_marks_not_at_all() {
        assert_eq!(columns_of("abc…"), 4);
        assert_eq!(columns_of("東京"), 4);
        assert_eq!(columns_of("e\u{301}"), 1);
        assert_eq!(columns_of("🙂"), 2);
        assert_eq!(columns_of("한글"), 4);
        assert_eq!(columns_of(""), 0);
    }

    #[test]
    fn any_screen_has_a_sensible_width() {
        assert!(BELIEVED.contains(&of_terminal()));
    }
}
