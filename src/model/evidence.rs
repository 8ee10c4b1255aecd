//! What explains a state and has none itself: workloads, Pods, Events, Secrets' key names, Namespaces.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::inventory::InventoryEntry;
use super::key::ObjectKey;
use super::node::Meta;
use super::revision::Revision;

/// An Event about one object, of `v1` or `events.k8s.io/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `Warning`, else it is `Normal`.
    pub warning: bool,
    /// Reason; Flux mirrors that of the Ready condition.
    pub reason: String,
    /// The controller's words.
    pub message: String,
    /// First time it was seen.
    pub first: Option<Timestamp>,
    /// Last time it was seen.
    pub last: Option<Timestamp>,
    /// Revision that Flux annotates its events with.
    pub revision: Option<Revision>,
}

/// Which Pods a workload selects: labels that must all match.
pub type Selector = BTreeMap<String, String>;

/// Flags of a Flux controller that change a verdict or a clock (flux-semantics §1). Other arguments of a workload are
/// nobody's business: a password may stand there.
pub const CONTROLLER_FLAGS: [&str; 9] = [
    "feature-gates",
    "requeue-dependency",
    "no-cross-namespace-refs",
    "no-remote-bases",
    "watch-label-selector",
    "watch-all-namespaces",
    "sops-age-secret",
    "default-service-account",
    "concurrent",
];

/// A Deployment, StatefulSet, DaemonSet, ReplicaSet or Job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// Metadata.
    pub meta: Meta,
    /// `spec.selector.matchLabels`.
    pub selector: Selector,
    /// Replicas that are wanted; for a Job its completions.
    pub wanted: i64,
    /// Replicas that are available; for a Job those that succeeded.
    pub available: i64,
    /// Conditions that say what is wrong: (type, status is True, reason, message).
    pub conditions: Vec<(String, bool, String, String)>,
    /// Arguments of all containers that are among [`CONTROLLER_FLAGS`].
    pub args: Vec<String>,
    /// Images of all containers.
    pub images: Vec<String>,
}

/// One container of a Pod that is not running as it should.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerTrouble {
    /// Container name.
    pub name: String,
    /// Image.
    pub image: String,
    /// Reason of the waiting state, such as `ImagePullBackOff`.
    pub waiting: Option<String>,
    /// Message of the waiting state.
    pub message: String,
    /// Reason of the last termination, such as `OOMKilled`.
    pub terminated: Option<String>,
    /// Exit code of the last termination.
    pub exit_code: Option<i64>,
    /// Restarts so far.
    pub restarts: i64,
}

/// A Pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Metadata; `owner` names the ReplicaSet, StatefulSet, DaemonSet or Job.
    pub meta: Meta,
    /// `status.phase`.
    pub phase: String,
    /// The scheduler's words, where the Pod could not be scheduled.
    pub unschedulable: Option<String>,
    /// Containers in a waiting or terminated state.
    pub containers: Vec<ContainerTrouble>,
    /// Names of the claims it mounts.
    pub claims: Vec<String>,
    /// Labels that its node has to bear, `spec.nodeSelector`.
    pub node_selector: BTreeMap<String, String>,
}

/// A Secret, without any of its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretKeys {
    /// Key names of `data` and `stringData`.
    pub keys: BTreeSet<String>,
    /// Public recipients (`age1…`) of the X25519 identities under `*.agekey`.
    pub age_recipients: BTreeSet<String>,
    /// Identities under `*.agekey` of which no public part can be computed here: post-quantum, plugins, malformed.
    pub unverifiable: usize,
}

/// A Namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// Metadata; `deleted` says that it is terminating.
    pub meta: Meta,
    /// What holds its deletion up, in the words of its conditions.
    pub held_by: Vec<String>,
}

/// Everything that was seen beside Flux objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Events by the object they are about, oldest first.
    pub events: BTreeMap<ObjectKey, Vec<Event>>,
    /// Workloads.
    pub workloads: BTreeMap<ObjectKey, Workload>,
    /// Pods.
    pub pods: BTreeMap<ObjectKey, Pod>,
    /// Phase of each PersistentVolumeClaim.
    pub claims: BTreeMap<ObjectKey, String>,
    /// Secrets: key names and public recipients.
    pub secrets: BTreeMap<ObjectKey, SecretKeys>,
    /// Key names of each ConfigMap.
    pub config_maps: BTreeMap<ObjectKey, BTreeSet<String>>,
    /// Namespaces by name.
    pub namespaces: BTreeMap<String, Namespace>,
    /// Versions that each CustomResourceDefinition serves, by the kind that it defines.
    pub served: BTreeMap<super::key::GroupKind, Vec<String>>,
    /// Metadata of every object in sight that is neither a node nor a source.
    pub others: BTreeMap<ObjectKey, Meta>,
    /// FluxReport or FluxInstance: version of the distribution, and the namespace in which Flux runs.
    pub flux: Option<FluxInstallation>,
}

/// What FluxInstance and FluxReport say of the installation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FluxInstallation {
    /// Namespace of the controllers.
    pub namespace: String,
    /// Version of the distribution.
    pub version: Option<String>,
    /// What the FluxInstance says where it is not Ready: Flux itself is not as it should be.
    pub failing: Option<String>,
    /// What the FluxInstance applies; `None` where it says nothing of it or is out of sight.
    pub inventory: Option<Vec<InventoryEntry>>,
}
