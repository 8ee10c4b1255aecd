//! Lines out of pieces: a watch is one JSON document a line, cut anywhere by the network.

/// Takes pieces and gives whole lines. What stands after the last line break is given once its own has come, or never.
#[derive(Debug, Default)]
pub(super) struct Lines {
    held: Vec<u8>,
    /// Up to here there is no line break.
    searched: usize,
}

impl Lines {
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.held.extend_from_slice(piece);
    }

    /// The next whole line, without its break; blank ones are left out.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let found = self.held[self.searched..].iter().position(|byte| *byte == b'\n');
            let Some(end) = found.map(|at| self.searched + at) else {
                self.searched = self.held.len();
                return None;
            };
            let rest = self.held.split_off(end + 1);
            let mut line = std::mem::replace(&mut self.held, rest);
            line.truncate(end);
            self.searched = 0;
            if !line.trim_ascii().is_empty() {
                return Some(line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lines_are_the_same_wherever_the_network_cuts_them(
            text in "[ab\n]{0,40}", cuts in proptest::collection::vec(0usize..40, 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let mut lines = Lines::default();
            let mut seen = Vec::new();
            for piece in cuts.windows(2) {
                lines.push(&text.as_bytes()[piece[0]..piece[1]]);
                while let Some(line) = lines.next() {
                    seen.push(String::from_utf8(line).unwrap());
                }
            }
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            let expected: Vec<&str> = whole.split('\n').filter(|line| !line.is_empty()).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
