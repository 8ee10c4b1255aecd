//! Codes of the warnings about input. They are never renamed.

/// Something could not be read; the rest was.
pub const INPUT_BROKEN: &str = "InputBroken";
/// Something was read, and is of no use here.
pub const INPUT_SKIPPED: &str = "InputSkipped";
/// A list is one page of several.
pub const PARTIAL_LIST: &str = "PartialList";
/// A kind may not be listed, or in some namespaces only.
pub const FORBIDDEN: &str = "Forbidden";
/// Something is out of sight.
pub const NOT_COVERED: &str = "NotCovered";
/// A repository declares an object twice.
pub const DUPLICATE_OBJECT: &str = "DuplicateObject";
/// A repository was read without building it.
pub const FIRST_CUT: &str = "FirstCut";
/// What was read comes from several clusters, or from one at different times; a repository declares several.
pub const SEVERAL_CLUSTERS: &str = "SeveralClusters";

/// All of them.
pub(super) const ALL: [&str; 8] = [
    INPUT_BROKEN,
    INPUT_SKIPPED,
    PARTIAL_LIST,
    FORBIDDEN,
    NOT_COVERED,
    DUPLICATE_OBJECT,
    FIRST_CUT,
    SEVERAL_CLUSTERS,
];
