//! What tests of several modules share.

use std::path::Path;

/// Fails if a committed file differs from what the code makes; with `UPDATE_FILES=1` it is written instead.
pub(crate) fn assert_up_to_date(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_FILES").is_some() {
        std::fs::write(path, text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == text,
        "{} is not up to date; `UPDATE_FILES=1 cargo test` writes it",
        path.file_name().unwrap_or_default().to_string_lossy()
    );
}
