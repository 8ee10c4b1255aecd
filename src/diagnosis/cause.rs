//! Root causes: one fault is one cause, however many objects it hits.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{At, Commit, ObjectKey, Revision};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Stable name of a kind of fault. Codes are never renamed or removed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// The code's name, as in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => stringify!($name),)* }
            }
        }
    };
}

codes! {
    /// A `dependsOn` entry names an object that does not exist.
    DependencyNotFound,
    /// A loop of `dependsOn`; with subcode `Deadlock` one that health checks help to close.
    DependencyCycle,
    /// A dependency is suspended and never ready, or behind the source that both share.
    DependencySuspended,
    /// `readyExpr` is false over a dependency that is ready.
    ReadyExprFalse,
    /// A CEL expression does not parse, or cannot be evaluated.
    InvalidExpression,
    /// Declared in Git, and not on the cluster although its parent is fine.
    NotApplied,
    /// The source does not exist.
    SourceNotFound,
    /// The source has no usable artifact.
    SourceNotReady,
    /// The source has failed for ten minutes or more while its last artifact still serves.
    SourceStale,
    /// There is an artifact, and it cannot be downloaded.
    ArtifactUnreachable,
    /// A reference is refused by a controller flag or a feature gate.
    AccessDenied,
    /// `spec.path` does not exist in the artifact.
    PathNotFound,
    /// The decryption Secret does not exist.
    SopsSecretNotFound,
    /// The decryption Secret holds no key under a name that the controller reads.
    SopsSecretKeyName,
    /// A key in the decryption Secret cannot be read.
    SopsKeyInvalid,
    /// No key opens the encrypted file.
    SopsKeyMismatch,
    /// Encrypted, and no decryption or no source of keys is configured.
    SopsNotConfigured,
    /// Any other failure of decryption.
    SopsFailed,
    /// The manifests cannot be built.
    BuildFailed,
    /// The kind is not served: its CustomResourceDefinition is missing.
    CrdMissing,
    /// The kind is served, in other versions.
    ApiVersionNotServed,
    /// The namespace does not exist.
    NamespaceNotFound,
    /// The namespace is being terminated.
    NamespaceTerminating,
    /// An admission webhook cannot be called.
    WebhookUnavailable,
    /// An aggregated API is down.
    ApiServiceUnavailable,
    /// The service account lacks a right.
    Forbidden,
    /// A policy or webhook refused the object.
    AdmissionDenied,
    /// A field that cannot be changed was changed.
    ImmutableField,
    /// Another manager owns a field.
    FieldConflict,
    /// A quota is used up.
    QuotaExceeded,
    /// The API server refuses the object as invalid.
    InvalidObject,
    /// The object could not be applied for any other reason.
    ApplyFailed,
    /// Something that was applied does not become healthy.
    HealthCheckFailed,
    /// A Helm install failed.
    HelmInstallFailed,
    /// A Helm upgrade failed.
    HelmUpgradeFailed,
    /// A Helm test failed.
    HelmTestFailed,
    /// A Helm uninstall failed.
    HelmUninstallFailed,
    /// A ConfigMap or Secret with values is missing, or its key.
    HelmValuesMissing,
    /// Something that left the manifests cannot be deleted.
    PruneFailed,
    /// A deletion is held by a finalizer, and something waits for it.
    DeletionStuck,
    /// A run takes longer than it may.
    Overdue,
    /// The controller is not running.
    ControllerNotRunning,
    /// No controller has looked at the object.
    NotObserved,
    /// The object carries a shard label that no controller selects.
    ShardUnserved,
    /// The remote cluster of `spec.kubeConfig` cannot be reached.
    ClusterUnreachable,
}

impl Code {
    /// Whether the object of such a fault lives in the cluster to which the failing object applies, which `spec.kubeConfig`
    /// may make another one than this: its key is then not that of an object here.
    pub fn is_of_the_target_cluster(self) -> bool {
        match self {
            Self::HealthCheckFailed
            | Self::HelmInstallFailed
            | Self::HelmUpgradeFailed
            | Self::HelmTestFailed
            | Self::HelmUninstallFailed
            | Self::CrdMissing
            | Self::NamespaceNotFound
            | Self::NamespaceTerminating
            | Self::WebhookUnavailable
            | Self::ApiServiceUnavailable
            | Self::Forbidden
            | Self::PruneFailed
            | Self::DeletionStuck => true,
            Self::DependencyNotFound
            | Self::DependencyCycle
            | Self::DependencySuspended
            | Self::ReadyExprFalse
            | Self::InvalidExpression
            | Self::NotApplied
            | Self::SourceNotFound
            | Self::SourceNotReady
            | Self::SourceStale
            | Self::ArtifactUnreachable
            | Self::AccessDenied
            | Self::PathNotFound
            | Self::SopsSecretNotFound
            | Self::SopsSecretKeyName
            | Self::SopsKeyInvalid
            | Self::SopsKeyMismatch
            | Self::SopsNotConfigured
            | Self::SopsFailed
            | Self::BuildFailed
            | Self::ApiVersionNotServed
            | Self::AdmissionDenied
            | Self::ImmutableField
            | Self::FieldConflict
            | Self::QuotaExceeded
            | Self::InvalidObject
            | Self::ApplyFailed
            | Self::HelmValuesMissing
            | Self::Overdue
            | Self::ControllerNotRunning
            | Self::NotObserved
            | Self::ShardUnserved
            | Self::ClusterUnreachable => false,
        }
    }
}

/// One thing that was seen, quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What kind of thing: `condition`, `event`, `secret`, `file`, `spec`, `history`, `pod`.
    pub source: &'static str,
    /// The words, made readable.
    pub text: String,
    /// Where in the repository.
    pub at: Option<At>,
    /// When.
    pub time: Option<Timestamp>,
}

impl Quote {
    /// Words without a place or a time.
    pub fn new(source: &'static str, text: impl Into<String>) -> Self {
        Self { source, text: text.into(), at: None, time: None }
    }
}

/// What the reader can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// What it does, in a few words.
    pub text: String,
    /// A command to copy, right for this cluster.
    pub command: Option<String>,
}

/// A fault that has to be mended before what it hits can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The thing that has to change.
    pub object: ObjectKey,
    /// What kind of fault.
    pub code: Code,
    /// Tells cases apart that share remedy and place.
    pub subcode: Option<&'static str>,
    /// One sentence for people, without a full stop; names what matters (Secret, recipient, file, field).
    pub summary: String,
    /// What proves it.
    pub evidence: Vec<Quote>,
    /// What can be done, at most three, the likeliest first.
    pub remedies: Vec<Remedy>,
    /// What it comes down to: where several faults have that in common they are one, and this is its object. `None`
    /// where a fault has its cause for itself.
    pub shared: Option<ObjectKey>,
}

/// What ends the tries of an object, or its present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// They have ended: no retry will come before something changes.
    Stalled,
    /// A HelmRelease gives up after so many more failures.
    TriesLeft(i64),
    /// The present run may take until then.
    TimesOut(Timestamp),
}

/// When an object ran last, and when it tries again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetryClock {
    /// Revision that worked last, and when.
    pub last_good: Option<(Revision, Option<Timestamp>)>,
    /// When it tried last, well or not.
    pub last_try: Option<Timestamp>,
    /// How long it waits between two tries, or looks at what it waits for.
    pub every: Option<Duration>,
    /// When the next try is due; `None` when no retry will come or it is not known.
    pub next_try: Option<Timestamp>,
    /// What starts a run sooner.
    pub wakes: Option<&'static str>,
    /// What ends it.
    pub ends: Option<Ends>,
}

/// A root cause, with all that it hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The fault itself.
    pub fault: Fault,
    /// When this failure began, not its last retry.
    pub since: Option<Timestamp>,
    /// Kustomizations, HelmReleases and ResourceSets that fail or cannot start directly because of it.
    pub affected: Vec<ObjectKey>,
    /// Where it was found: appliers and sources whose own status, or whose references, show the fault.
    pub stands_at: Vec<ObjectKey>,
    /// From the first affected object to the cause's object.
    pub chain: Vec<ObjectKey>,
    /// The loop, for `DependencyCycle`; its smallest member first, in the direction dependent → dependency.
    pub cycle: Vec<ObjectKey>,
    /// How many objects in sight have the cause's object in their `blocked_by`.
    pub blocks: usize,
    /// When the (first) affected object tries again.
    pub clock: RetryClock,
    /// Commits that may have broken it, newest first.
    pub suspects: Vec<Commit>,
}
