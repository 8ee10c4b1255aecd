//! A terminal's screen that is drawn in place, and given back as it was.
//!
//! The alternate screen keeps what stood there before; the cursor is hidden, and keys are not echoed into the picture.

use std::io::{self, Write};
use std::panic;

use unicode_width::UnicodeWidthChar as _;

/// Alternate screen, no cursor, empty.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J";
/// Plain text, cursor, the screen as it was.
const LEAVE: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";
const HOME: &str = "\x1b[H";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// Columns and rows.
pub(super) type Size = (usize, usize);

/// The alternate screen of the terminal at standard output; dropping it gives the old one back.
pub(super) struct Screen {
    keys: keys::Keys,
}

impl Screen {
    pub(super) fn enter(out: &mut impl Write) -> io::Result<Self> {
        let screen = Self { keys: keys::Keys::silence() };
        let (keys, report) = (screen.keys.clone(), panic::take_hook());
        // A release that aborts on panic drops nothing.
        panic::set_hook(Box::new(move |info| {
            leave(&keys);
            report(info);
        }));
        out.write_all(ENTER.as_bytes())?;
        out.flush()?;
        Ok(screen)
    }

    /// Draws a text and, below it, last lines that stay when the text is cut; `left_out` says by how many lines.
    pub(super) fn draw(
        &self,
        out: &mut impl Write,
        text: &str,
        last: &str,
        left_out: &dyn Fn(usize) -> String,
        size: Size,
    ) -> io::Result<()> {
        // One write, so that no terminal shows half of it.
        out.write_all(frame(text, last, left_out, size).as_bytes())?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave(&self.keys);
        if !std::thread::panicking() {
            drop(panic::take_hook()); // from here on a panic finds a plain terminal
        }
    }
}

fn leave(keys: &keys::Keys) {
    // a terminal that is gone needs no restoring
    let _ = io::stdout().write_all(LEAVE.as_bytes()).and_then(|()| io::stdout().flush());
    keys.restore();
}

/// What draws a text over whatever is on the screen, cut to its rows. The last lines stay whatever is cut.
fn frame(text: &str, last: &str, left_out: &dyn Fn(usize) -> String, (width, height): Size) -> String {
    let (width, height) = (width.max(1), height.max(1));
    let rows = |line: &str| extent(line, width).0;
    let mut lines: Vec<&str> = text.lines().collect();
    let last: Vec<&str> = last.lines().collect();
    let last_rows: usize = last.iter().map(|line| rows(line)).sum();
    let room = height.saturating_sub(last_rows);
    let needed: usize = lines.iter().map(|line| rows(line)).sum();
    let more;
    if needed > room {
        let mut used = 1; // for the line that says so
        let fits = |line: &&str| {
            used += rows(line);
            used <= room
        };
        let kept = lines.iter().copied().take_while(fits).count();
        let number = lines.len() - kept;
        lines.truncate(kept);
        more = left_out(number);
        if room > 0 {
            lines.push(&more);
        }
    } else if !last.is_empty() && needed < room {
        lines.push(""); // sets the last lines apart
    }
    lines.extend(last);
    let mut frame = String::from(HOME);
    let mut used = 0;
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            frame.push_str("\r\n");
        }
        frame.push_str(line);
        let (rows, is_full) = extent(line, width);
        used += rows;
        if !is_full {
            frame.push_str(CLEAR_LINE); // in a full row it would take the last character away
        }
    }
    if used < height {
        frame.push_str(if lines.is_empty() { "" } else { "\r\n" });
        frame.push_str(CLEAR_BELOW);
    }
    frame
}

/// Rows that a terminal of this width breaks a line into, and whether the last one of them is full.
fn extent(line: &str, width: usize) -> (usize, bool) {
    let (mut rows, mut used) = (1, 0);
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char == '\x1b' {
            // our own colours: ESC [ … m
            chars.by_ref().find(|char| char.is_ascii_alphabetic());
            continue;
        }
        let wide = char.width().unwrap_or(0);
        if used + wide > width {
            (rows, used) = (rows + 1, 0);
        }
        used += wide;
    }
    (rows, used >= width)
}

#[cfg(unix)]
mod keys {
    //! Keys that are typed while a picture stands are not written into it.

    use std::io::{IsTerminal as _, stdin};

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    #[derive(Clone)]
    pub(super) struct Keys {
        before: Option<Termios>,
    }

    impl Keys {
        /// Leaves everything as it is where standard input is no terminal, or does not let itself be changed.
        pub(super) fn silence() -> Self {
            let before = if stdin().is_terminal() { tcgetattr(stdin()).ok() } else { None };
            if let Some(mut silent) = before.clone() {
                silent.local_modes.remove(LocalModes::ECHO);
                let _ = tcsetattr(stdin(), OptionalActions::Now, &silent); // a picture with keys in it is no error
            }
            Self { before }
        }

        /// Throws away what was typed, so that no shell takes it for a command.
        pub(super) fn restore(&self) {
            if let Some(before) = &self.before {
                let _ = tcsetattr(stdin(), OptionalActions::Flush, before); // nobody is left to be told
            }
        }
    }
}

#[cfg(not(unix))]
mod keys {
    #[derive(Clone)]
    pub(super) struct Keys;

    impl Keys {
        pub(super) fn silence() -> Self {
            Self
        }

        pub(super) fn restore(&self) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mark(number: usize) -> String {
        format!("... {number} more")
    }

    /// What a terminal shows after these bytes: enough of one to draw a frame on.
    #[derive(Clone, Debug)]
    struct Terminal {
        width: usize,
        cells: Vec<Vec<char>>,
        row: usize,
        column: usize,
        scrolled: usize,
    }

    impl Terminal {
        fn new((width, height): Size) -> Self {
            Self { width, cells: vec![vec!['#'; width]; height], row: 0, column: 0, scrolled: 0 }
        }

        fn down(&mut self) {
            if self.row + 1 < self.cells.len() {
                self.row += 1;
            } else {
                self.scrolled += 1;
            }
        }

        fn write(&mut self, text: &str) {
            let mut chars = text.chars();
            while let Some(char) = chars.next() {
                match char {
                    '\r' => self.column = 0,
                    '\n' => self.down(),
                    '\x1b' => {
                        let command: String = chars.by_ref().take(2).collect();
                        let at = self.column.min(self.width - 1); // a full row keeps the cursor in its last cell
                        match command.as_str() {
                            "[H" => (self.row, self.column) = (0, 0),
                            "[K" => self.cells[self.row][at..].fill(' '),
                            "[J" => {
                                self.cells[self.row][at..].fill(' ');
                                self.cells[self.row + 1..].iter_mut().for_each(|row| row.fill(' '));
                            }
                            other => panic!("unknown: {other}"),
                        }
                    }
                    char => {
                        if self.column == self.width {
                            self.column = 0;
                            self.down();
                        }
                        self.cells[self.row][self.column] = char;
                        self.column += 1;
                    }
                }
            }
        }

        fn shows(&self) -> Vec<String> {
            let row = |row: &Vec<char>| row.iter().collect::<String>().trim_end().to_owned();
            self.cells.iter().map(row).collect()
        }
    }

    fn shown(text: &str, last: &str, size: Size) -> Vec<String> {
        let mut terminal = Terminal::new(size);
        terminal.write(&frame(text, last, &mark, size));
        terminal.shows()
    }

    #[test]
    fn a_text_that_is_too_long_says_how_much_is_left_out() {
        assert_eq!(shown("a\nb\nc\n", "", (20, 3)), ["a", "b", "c"]);
        assert_eq!(shown("a\nb\nc\nd\n", "", (20, 3)), ["a", "b", "... 2 more"]);
        assert_eq!(shown("a\nb\nc\n", "lost\n", (20, 3)), ["a", "... 2 more", "lost"]);
        assert_eq!(shown("a\nb\n", "lost\n", (20, 4)), ["a", "b", "", "lost"]);
        assert_eq!(shown("abcdef\nb\n", "", (4, 4)), ["abcd", "ef", "b", ""]);
    }

    proptest! {
        #[test]
        fn a_frame_shows_the_same_whatever_stood_there_and_never_scrolls(
            text in "([a-z]{0,9}\n){0,8}", before in "([A-Z]{0,9}\n){0,8}",
            width in 4usize..8, height in 2usize..8,
        ) {
            let size = (width, height);
            let mark = |number| format!("+{number}");
            let mut terminal = Terminal::new(size);
            terminal.write(&frame(&before, "", &mark, size));
            terminal.write(&frame(&text, "", &mark, size));
            let mut fresh = Terminal::new(size);
            fresh.write(&frame(&text, "", &mark, size));
            prop_assert_eq!(terminal.scrolled, 0);
            prop_assert_eq!(terminal.shows(), fresh.shows());
            prop_assert!(!fresh.shows().concat().contains('#'), "{:?}", fresh.shows());
        }
    }

    #[test]
    fn colours_take_no_room() {
        assert_eq!(extent("\x1b[31mabcd\x1b[0m", 4), (1, true));
        assert_eq!(extent("", 4), (1, false));
        assert_eq!(extent("abc\u{754c}", 4), (2, false));
    }
}
