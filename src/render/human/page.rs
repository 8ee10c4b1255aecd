//! A page of lines that never exceed its width: what the reports of all commands are made of.

use std::io::{self, Write};

use owo_colors::Style;

use crate::render::text::{clean, columns, shell_word, to_ascii_typography, wrap};
use crate::render::view::{Palette, Symbols, View};

/// The narrowest page; a narrower terminal breaks the lines itself.
const NARROWEST: usize = 24;

/// Columns before a label.
const INDENT: usize = 2;

/// Columns of a label, as `source`.
const LABEL: usize = 6;

/// What stands first beside a label, such as a file and its line, and where it leads.
pub(super) struct Lead<'a> {
    pub(super) text: &'a str,
    /// A URL for terminals that can follow one.
    pub(super) link: Option<&'a str>,
}

/// A few words of one style.
pub(super) struct Span {
    pub(super) text: String,
    pub(super) style: Style,
}

/// Writes lines, and knows what they may look like.
pub(super) struct Page<'a> {
    out: &'a mut dyn Write,
    pub(super) width: Option<usize>,
    pub(super) symbols: Symbols,
    pub(super) palette: Palette,
    unicode: bool,
}

impl<'a> Page<'a> {
    pub(super) fn new(out: &'a mut dyn Write, view: View) -> Self {
        Self {
            out,
            width: view.width.map(|width| width.max(NARROWEST)),
            symbols: view.symbols(),
            palette: view.palette,
            unicode: view.unicode,
        }
    }

    /// Foreign or own text, made harmless, in the characters that can be shown.
    pub(super) fn words(&self, text: &str) -> String {
        let text = clean(text);
        if self.unicode { text } else { to_ascii_typography(&text) }
    }

    pub(super) fn span(&self, text: impl AsRef<str>, style: Style) -> Span {
        Span { text: self.words(text.as_ref()), style }
    }

    pub(super) fn plain(&self, text: impl AsRef<str>) -> Span {
        self.span(text, Style::new())
    }

    /// A line as it stands, which must fit.
    pub(super) fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A symbol, then spans with a separator between them; lines break between spans where that is enough, and are
    /// indented below the first span.
    pub(super) fn flow(&mut self, symbol: &Span, spans: &[Span], separator: &str) -> io::Result<()> {
        self.flow_with_tail(symbol, spans, separator, None)
    }

    /// As [`Page::flow`], with a last span at the right edge of the last line where it fits, else below.
    pub(super) fn flow_with_tail(
        &mut self,
        symbol: &Span,
        spans: &[Span],
        separator: &str,
        tail: Option<&Span>,
    ) -> io::Result<()> {
        let indent = columns(&symbol.text) + usize::from(!symbol.text.is_empty());
        write!(self.out, "{}", symbol.style.style(&symbol.text))?;
        let mut used = indent;
        if !symbol.text.is_empty() {
            write!(self.out, " ")?;
        }
        let fits = |used: usize, more: usize| self.width.is_none_or(|width| used + more <= width);
        for span in spans {
            let needed = columns(&span.text);
            let gap = if used == indent { "" } else { separator };
            if fits(used, gap.len() + needed) {
                write!(self.out, "{gap}{}", span.style.style(&span.text))?;
                used += gap.len() + needed;
                continue;
            }
            for (index, piece) in wrap(&span.text, self.width.map(|width| width - indent)).iter().enumerate() {
                if index > 0 || used > indent {
                    write!(self.out, "\n{:indent$}", "")?;
                }
                write!(self.out, "{}", span.style.style(piece))?;
                used = indent + columns(piece);
            }
        }
        if let Some(tail) = tail.filter(|tail| !tail.text.is_empty()) {
            let needed = columns(&tail.text);
            if fits(used, 2 + needed) {
                let gap = self.width.map_or(2, |width| width - used - needed);
                write!(self.out, "{:gap$}{}", "", tail.style.style(&tail.text))?;
            } else {
                writeln!(self.out)?;
                return self.paragraph(2, tail);
            }
        }
        writeln!(self.out)
    }

    /// Words that may break at every space.
    pub(super) fn paragraph(&mut self, indent: usize, span: &Span) -> io::Result<()> {
        for line in wrap(&span.text, self.width.map(|width| width - indent)) {
            writeln!(self.out, "{:indent$}{}", "", span.style.style(line))?;
        }
        Ok(())
    }

    /// A label in a column of its own, and words beside it that break below themselves. The first of them lead to `link`.
    pub(super) fn labelled(&mut self, label: &str, lead: Option<Lead<'_>>, words: &Span) -> io::Result<()> {
        let indent = INDENT + LABEL + 2;
        let width = self.width.map(|width| width.saturating_sub(indent).max(8));
        let first = lead.as_ref().map(|lead| self.words(lead.text)).unwrap_or_default();
        let text = if first.is_empty() { words.text.clone() } else { format!("{first} {}", words.text) };
        let dim = self.palette.dim;
        for (index, line) in wrap(text.trim_end(), width).iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            let padding = LABEL.saturating_sub(columns(label)) + 2;
            write!(self.out, "{:INDENT$}{}{:padding$}", "", dim.style(label), "")?;
            let linked =
                lead.as_ref().filter(|_| index == 0 && line.starts_with(&first)).and_then(|lead| lead.link);
            match linked {
                Some(link) => {
                    let rest = &line[first.len()..];
                    write!(self.out, "\x1b]8;;{link}\x1b\\{first}\x1b]8;;\x1b\\{}", words.style.style(rest))?;
                }
                None => write!(self.out, "{}", words.style.style(line))?,
            }
            writeln!(self.out)?;
        }
        Ok(())
    }

    /// A command to copy: whatever the width, it is neither cut nor broken.
    pub(super) fn command(&mut self, command: &str) -> io::Result<()> {
        let style = self.palette.command;
        writeln!(self.out, "  {} {}", self.symbols.command, style.style(command))
    }

    /// A symbol and words that break below themselves.
    pub(super) fn bullet(&mut self, symbol: &str, words: &Span, indent: usize) -> io::Result<()> {
        let inner = indent + columns(symbol) + 1;
        let style = self.palette.command;
        for (index, line) in wrap(&words.text, self.width.map(|width| width - inner)).iter().enumerate() {
            match index {
                0 => writeln!(self.out, "{:indent$}{} {}", "", style.style(symbol), words.style.style(line))?,
                _ => writeln!(self.out, "{:inner$}{}", "", words.style.style(line))?,
            }
        }
        Ok(())
    }

    /// A command to copy below the words that say what it does.
    pub(super) fn command_below(&mut self, command: &str, indent: usize) -> io::Result<()> {
        let style = self.palette.command;
        writeln!(self.out, "{:indent$}{}", "", style.style(command))
    }
}

/// A command line from its words; words from elsewhere are made harmless and quoted.
pub(super) fn command_line(start: &str, words: &[&str]) -> String {
    let mut line = start.to_owned();
    for word in words {
        line.push(' ');
        line.push_str(&shell_word(&clean(word)));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(width: Option<usize>, link: Option<&str>) -> String {
        let mut out = Vec::new();
        let mut page = Page::new(&mut out, View { width, unicode: true, ..View::default() });
        let words = page.plain("one two three four five six");
        page.labelled("file", Some(Lead { text: "a/b.yaml:3", link }), &words).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn words_beside_a_label_break_below_themselves() {
        assert_eq!(told(None, None), "  file    a/b.yaml:3 one two three four five six\n");
        assert_eq!(told(Some(32), None), "  file    a/b.yaml:3 one two\n          three four five six\n");
    }

    #[test]
    fn a_link_covers_the_place_alone_and_takes_no_width() {
        let link = "file:///a/b.yaml";
        assert_eq!(
            told(Some(32), Some(link)),
            format!(
                "  file    \x1b]8;;{link}\x1b\\a/b.yaml:3\x1b]8;;\x1b\\ one two\n          three four five six\n"
            )
        );
    }
}
