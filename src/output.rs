//! Streams, colour, width and the clock: the only module that prints, and that asks where it prints to.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the terminal, the environment and the clock are asked here alone, and files are written"
)]

mod file;
mod screen;

use std::ffi::{OsStr, OsString};
use std::io::{self, BufWriter, IsTerminal, Write};

use jiff::Timestamp;

use crate::error::CommandError;
use crate::render::{Palette, View, clean};
pub use file::write_whole;
use screen::Screen;

/// When to use colour, as `--color` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless the environment says otherwise
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What decides about colour, width and glyphs; read once, so that the decision itself is pure.
#[derive(Clone, Debug, Default)]
struct Surroundings {
    no_color: Option<OsString>,
    clicolor_force: Option<OsString>,
    clicolor: Option<OsString>,
    term: Option<OsString>,
    columns: Option<OsString>,
    locale: Option<OsString>,
    terminal_width: Option<usize>,
}

impl Surroundings {
    fn read() -> Self {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            no_color: var("NO_COLOR"),
            clicolor_force: var("CLICOLOR_FORCE"),
            clicolor: var("CLICOLOR"),
            term: var("TERM"),
            columns: var("COLUMNS"),
            locale: var("LC_ALL").or_else(|| var("LC_CTYPE")).or_else(|| var("LANG")),
            terminal_width: terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)),
        }
    }

    /// `NO_COLOR` beats `CLICOLOR_FORCE`, as no-color.org and bixense.com/clicolors say.
    fn colour(&self, choice: ColorChoice, terminal: bool) -> bool {
        let is = |value: &Option<OsString>, wanted: &str| value.as_deref() == Some(OsStr::new(wanted));
        match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if self.no_color.is_some() => false,
            ColorChoice::Auto if self.clicolor_force.is_some() && !is(&self.clicolor_force, "0") => true,
            ColorChoice::Auto => terminal && !is(&self.clicolor, "0") && !is(&self.term, "dumb"),
        }
    }

    /// The terminal's own width, else `COLUMNS`; `None` where the stream is no terminal.
    fn width(&self, terminal: bool) -> Option<usize> {
        let columns = || self.columns.as_deref()?.to_str()?.parse().ok();
        let width = self.terminal_width.filter(|width| *width > 0).or_else(columns).filter(|width| *width > 0);
        width.filter(|_| terminal)
    }

    /// Terminals that do not know links pass over them, but for the oldest. Who wants no colour wants plain text.
    fn links(&self, choice: ColorChoice, terminal: bool) -> bool {
        let old = |term: &OsString| {
            let term = term.to_string_lossy();
            term == "linux" || term == "dumb" || term.starts_with("vt") || term.starts_with("screen")
        };
        terminal && self.colour(choice, terminal) && !self.term.as_ref().is_none_or(old)
    }

    fn unicode(&self) -> bool {
        match &self.locale {
            Some(locale) => {
                let locale = locale.to_string_lossy().to_ascii_lowercase();
                locale.contains("utf-8") || locale.contains("utf8")
            }
            None => cfg!(any(windows, target_os = "macos")), // there the environment need not say so
        }
    }
}

/// Standard output and standard error, and how to write to them.
pub struct Output {
    stdout: Stdout<BufWriter<io::Stdout>>,
    view: View,
    stderr_palette: Palette,
    screen: Option<Screen>,
}

/// Where a terminal does not say how large it is.
const USUAL_SIZE: (usize, usize) = (80, 24);

impl Output {
    /// Decides how to print, from the flag, the environment and the terminal.
    pub fn new(color: ColorChoice) -> Self {
        let around = Surroundings::read();
        let palette =
            |terminal| if around.colour(color, terminal) { Palette::coloured() } else { Palette::default() };
        let terminal = io::stdout().is_terminal();
        Self {
            stdout: Stdout { inner: BufWriter::new(io::stdout()), closed: false },
            view: View {
                width: around.width(terminal),
                unicode: around.unicode(),
                palette: palette(terminal),
                links: around.links(color, terminal),
            },
            stderr_palette: palette(io::stderr().is_terminal()),
            screen: None,
        }
    }

    /// How a report on standard output may look.
    pub fn view(&self) -> View {
        self.view
    }

    /// Whether help and the like may be coloured.
    pub fn is_coloured(color: ColorChoice) -> bool {
        Surroundings::read().colour(color, io::stdout().is_terminal())
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Where the answer goes. A reader that has seen enough and closes the pipe is no error.
    pub fn stdout(&mut self) -> &mut impl Write {
        &mut self.stdout
    }

    /// Writes what is still buffered.
    pub fn finish(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }

    /// Whether nobody reads the answer any more.
    pub fn is_closed(&self) -> bool {
        self.stdout.closed
    }

    /// Whether standard output is a terminal on which a picture can be drawn in place.
    pub fn can_draw(&self) -> bool {
        io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// Takes the terminal's screen for pictures; [`Output::leave_screen`] gives it back.
    pub fn enter_screen(&mut self) -> io::Result<()> {
        if self.screen.is_none() {
            self.screen = Some(Screen::enter(&mut self.stdout)?);
        }
        Ok(())
    }

    /// Gives the screen back as it was before.
    pub fn leave_screen(&mut self) {
        self.screen = None;
    }

    /// Looks again how large the terminal is.
    pub fn measure(&mut self) {
        self.view.width = Surroundings::read().width(io::stdout().is_terminal());
    }

    /// Draws a picture in the place of the one before, cut to the terminal; its last lines stay whatever is cut.
    pub fn draw(&mut self, text: &str, last: &str) -> io::Result<()> {
        let Some(screen) = &self.screen else { return Ok(()) };
        let size = terminal_size::terminal_size();
        let size = size.map(|(width, height)| (usize::from(width.0), usize::from(height.0)));
        let size = size.filter(|(width, height)| *width > 0 && *height > 0).unwrap_or(USUAL_SIZE);
        let (mark, dim) = (if self.view.unicode { "…" } else { "..." }, self.view.palette.dim);
        let left_out = |number: usize| {
            let lines = if number == 1 { "line" } else { "lines" };
            dim.style(format!("{mark} {number} more {lines}")).to_string()
        };
        screen.draw(&mut self.stdout, text, last, &left_out, size)
    }

    /// Says something that is no part of the answer.
    pub fn note(&self, text: &str) {
        self.say("note", self.stderr_palette.strong, text);
    }

    /// Says something that may be wrong with the answer.
    pub fn warn(&self, text: &str) {
        self.say("warning", self.stderr_palette.warning, text);
    }

    /// Says why there is no answer, and what can be done.
    pub fn error(&self, error: &CommandError) {
        self.say("error", self.stderr_palette.bad, &error.in_full());
        for hint in error.hints() {
            self.say("hint", self.stderr_palette.command, &hint);
        }
    }

    /// Text for standard error that is laid out already, such as usage errors.
    pub fn print_error_text(&self, text: &str) {
        // with standard error gone there is nowhere left to say so
        let _ = io::stderr().write_all(text.as_bytes());
    }

    fn say(&self, label: &str, style: owo_colors::Style, text: &str) {
        let label = format!("{label}:");
        // with standard error gone there is nowhere left to say so
        let _ = writeln!(io::stderr(), "{} {}", style.style(label), clean(text));
    }
}

/// A stream whose reader may leave: what is written after that goes nowhere, and that is a success.
struct Stdout<W> {
    inner: W,
    closed: bool,
}

impl<W: Write> Stdout<W> {
    fn unless_closed<T>(&mut self, done: T, write: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if self.closed {
            return Ok(done);
        }
        match write(&mut self.inner) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(done)
            }
            result => result,
        }
    }
}

impl<W: Write> Write for Stdout<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_closed(bytes.len(), |inner| inner.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_closed((), Write::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(set: impl FnOnce(&mut Surroundings)) -> Surroundings {
        let mut around = Surroundings::default();
        set(&mut around);
        around
    }

    #[test]
    fn colour_is_decided_by_the_flag_then_the_environment_then_the_terminal() {
        let text = |text: &str| Some(OsString::from(text));
        let none = Surroundings::default();
        let no_color = around(|it| it.no_color = text("1"));
        let force = around(|it| it.clicolor_force = text("1"));
        let force_off = around(|it| it.clicolor_force = text("0"));
        let both = around(|it| (it.no_color, it.clicolor_force) = (text("1"), text("1")));
        let off = around(|it| it.clicolor = text("0"));
        let dumb = around(|it| it.term = text("dumb"));
        for (name, around, choice, on_terminal, in_pipe) in [
            ("nothing", &none, ColorChoice::Auto, true, false),
            ("always", &no_color, ColorChoice::Always, true, true),
            ("never", &force, ColorChoice::Never, false, false),
            ("NO_COLOR", &no_color, ColorChoice::Auto, false, false),
            ("CLICOLOR_FORCE=1", &force, ColorChoice::Auto, true, true),
            ("CLICOLOR_FORCE=0", &force_off, ColorChoice::Auto, true, false),
            ("NO_COLOR and CLICOLOR_FORCE", &both, ColorChoice::Auto, false, false),
            ("CLICOLOR=0", &off, ColorChoice::Auto, false, false),
            ("TERM=dumb", &dumb, ColorChoice::Auto, false, false),
        ] {
            assert_eq!(around.colour(choice, true), on_terminal, "{name} on a terminal");
            assert_eq!(around.colour(choice, false), in_pipe, "{name} in a pipe");
        }
    }

    #[test]
    fn width_is_that_of_the_terminal_and_none_in_a_pipe() {
        let columns = |columns: &str| around(|it| it.columns = Some(columns.into()));
        assert_eq!(columns("100").width(true), Some(100));
        assert_eq!(columns("0").width(true), None);
        assert_eq!(columns("wide").width(true), None);
        assert_eq!(columns("100").width(false), None);
        let terminal = around(|it| (it.terminal_width, it.columns) = (Some(80), Some("100".into())));
        assert_eq!(terminal.width(true), Some(80));
        assert_eq!(terminal.width(false), None);
    }

    #[test]
    fn glyphs_need_a_locale_that_has_them() {
        for (locale, unicode) in
            [("en_GB.UTF-8", true), ("C.utf8", true), ("C", false), ("de_DE.ISO-8859-1", false)]
        {
            assert_eq!(around(|it| it.locale = Some(locale.into())).unicode(), unicode, "{locale}");
        }
    }

    #[test]
    fn links_need_a_terminal_that_passes_over_what_it_does_not_know() {
        for (term, links) in [
            ("xterm-256color", true),
            ("tmux-256color", true),
            ("linux", false),
            ("screen", false),
            ("dumb", false),
        ] {
            let around = around(|it| it.term = Some(term.into()));
            assert_eq!(around.links(ColorChoice::Auto, true), links, "{term}");
            assert!(!around.links(ColorChoice::Never, true) && !around.links(ColorChoice::Always, false));
        }
        assert!(!Surroundings::default().links(ColorChoice::Auto, true));
    }

    struct Fails(io::ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_closed_pipe_is_a_success_and_a_full_disk_is_not() {
        let mut closed = Stdout { inner: Fails(io::ErrorKind::BrokenPipe), closed: false };
        assert!(closed.write_all(b"answer").is_ok() && closed.flush().is_ok());
        let mut full = Stdout { inner: Fails(io::ErrorKind::StorageFull), closed: false };
        assert!(full.write_all(b"answer").is_err() && full.flush().is_err());
    }
}
