//! Where a document stands.

use std::fmt;

/// Where a document stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// File, or whatever else the reader knows it by; for declared objects relative to the repository.
    pub file: String,
    /// Line of its first key, where that is known.
    pub line: Option<usize>,
    /// Set for an object that a repository declares; `None` for one that was read from a cluster or a dump.
    pub declared: Option<Declared>,
}

/// What only a declared object has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    /// Line of each entry of `spec.dependsOn`.
    pub dependency_lines: Vec<usize>,
}

impl Place {
    /// A file without lines.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), ..Self::default() }
    }

    /// The same file, at a line.
    pub fn at(&self, line: usize) -> Self {
        Self { line: Some(line), ..self.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}
