//! How a report may look: decided once, at the edge, and passed in.

use owo_colors::Style;

use crate::diagnosis::State;

/// Width, glyphs and colours of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct View {
    /// Columns; `None` where nothing is to be wrapped or cut, as in a pipe.
    pub width: Option<usize>,
    /// Whether other characters than ASCII can be shown.
    pub unicode: bool,
    /// Styles by meaning.
    pub palette: Palette,
    /// Whether a file may be a link (OSC 8).
    pub links: bool,
}

/// Styles by meaning; the default is plain text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Palette {
    /// It is as it should be.
    pub good: Style,
    /// It is wrong by itself.
    pub bad: Style,
    /// It waits for something that is wrong.
    pub blocked: Style,
    /// It is on its way.
    pub busy: Style,
    /// It deserves a look.
    pub warning: Style,
    /// What a paragraph is about.
    pub strong: Style,
    /// What may be skipped.
    pub dim: Style,
    /// What can be typed.
    pub command: Style,
}

impl Palette {
    /// Colours for a terminal; only the eight basic ones, so that the reader's own theme decides.
    pub fn coloured() -> Self {
        let style = Style::new;
        Self {
            good: style().green(),
            bad: style().red().bold(),
            blocked: style().yellow(),
            busy: style().cyan(),
            warning: style().yellow().bold(),
            strong: style().bold(),
            dim: style().dimmed(),
            command: style().cyan(),
        }
    }

    /// Style of a state's name.
    pub fn state(&self, state: State) -> Style {
        match state {
            State::Missing | State::Failed => self.bad,
            State::Blocked => self.blocked,
            State::Unknown => self.warning,
            State::Progressing => self.busy,
            State::Suspended => self.dim,
            State::Ready => self.good,
        }
    }
}

/// Symbols, as flux prints them, and what stands for them in ASCII.
#[derive(Clone, Copy, Debug)]
pub(super) struct Symbols {
    pub(super) command: &'static str,
    pub(super) busy: &'static str,
    pub(super) good: &'static str,
    pub(super) bad: &'static str,
    pub(super) warning: &'static str,
    pub(super) arrow: &'static str,
    pub(super) ellipsis: &'static str,
}

impl View {
    pub(super) fn symbols(&self) -> Symbols {
        if self.unicode {
            Symbols {
                command: "►", busy: "◎", good: "✔", bad: "✗", warning: "⚠", arrow: "→", ellipsis: "…"
            }
        } else {
            Symbols { command: ">", busy: "~", good: "+", bad: "x", warning: "!", arrow: "->", ellipsis: "..." }
        }
    }
}
