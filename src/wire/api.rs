//! What the API writes, as far as it matters here.
//!
//! Every field may be absent, unknown ones are skipped, and `null` was taken away before ([`strip_nulls`]), so that
//! only a wrong type is an error. The same types are written again into a snapshot: what is read is what stands there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::foreign::without_credentials_in_words;

macro_rules! wire {
    ($($(#[$doc:meta])* struct $name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
        #[serde(rename_all = "camelCase", default)]
        pub(super) struct $name {
            $($(#[$attribute])* #[serde(skip_serializing_if = "is_default")] pub(super) $field: $type,)*
        }
    )*};
}

/// Spec and status; the metadata is read apart, because it counts even where these cannot be read.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
#[serde(bound(
    deserialize = "Spec: Deserialize<'de> + Default, Status: Deserialize<'de> + Default",
    serialize = "Spec: Serialize + Default + PartialEq, Status: Serialize + Default + PartialEq"
))]
pub(super) struct Body<Spec, Status> {
    #[serde(skip_serializing_if = "is_default")]
    pub(super) spec: Spec,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) status: Status,
}

/// Whether a field need not be written: an absent one reads the same.
fn is_default<T: Default + PartialEq>(field: &T) -> bool {
    *field == T::default()
}

wire! {
    struct ObjectMeta {
        name: String,
        namespace: String,
        uid: String,
        generation: i64,
        resource_version: String,
        creation_timestamp: Option<Timestamp>,
        deletion_timestamp: Option<Timestamp>,
        finalizers: Vec<String>,
        labels: BTreeMap<String, String>,
        annotations: BTreeMap<String, String>,
        owner_references: Vec<OwnerReference>,
        managed_fields: Vec<ManagedFields>,
    }
    struct OwnerReference {
        api_version: String,
        kind: String,
        name: String,
        controller: bool,
    }
    struct ManagedFields {
        manager: String,
        subresource: String,
        time: Option<Timestamp>,
        #[serde(rename = "fieldsV1")]
        fields: OwnedFields,
    }
    /// Which fields somebody set, of those that are asked about.
    struct OwnedFields {
        #[serde(rename = "f:spec")]
        spec: OwnedSpec,
    }
    struct OwnedSpec {
        #[serde(rename = "f:suspend")]
        suspend: Option<Present>,
    }
    struct Condition {
        #[serde(rename = "type")]
        kind: String,
        status: String,
        reason: String,
        #[serde(deserialize_with = "words")]
        message: String,
        observed_generation: Option<i64>,
        last_transition_time: Option<Timestamp>,
    }
    /// A reference by kind and name, as sources, charts and generators are named.
    struct Reference {
        api_version: String,
        kind: String,
        name: String,
        namespace: String,
    }
    struct LocalReference {
        name: String,
    }
    struct DependsOn {
        api_version: String,
        kind: String,
        name: String,
        namespace: String,
        ready: bool,
        ready_expr: String,
    }
    struct KustomizationSpec {
        depends_on: Vec<DependsOn>,
        source_ref: Reference,
        path: String,
        interval: String,
        retry_interval: String,
        timeout: String,
        suspend: bool,
        wait: bool,
        health_checks: Vec<Reference>,
        health_check_exprs: Vec<Reference>,
        decryption: Option<Decryption>,
        service_account_name: String,
        kube_config: Option<KubeConfig>,
        post_build: PostBuild,
        prune: bool,
        deletion_policy: String,
        target_namespace: String,
        name_prefix: String,
        name_suffix: String,
        components: Vec<String>,
        patches: Vec<Patch>,
    }
    /// A patch, of which only the signs that it may rename are kept: it may hold values that are nobody's business.
    struct Patch {
        #[serde(deserialize_with = "signs_of_renaming")]
        patch: String,
        options: Option<Present>,
    }
    /// Something of which only the presence matters.
    struct Present {}
    struct KubeConfig {
        secret_ref: LocalReference,
    }
    /// Where variables come from; those that stand in `substitute` are nobody's business.
    struct PostBuild {
        substitute_from: Vec<ValuesFrom>,
    }
    struct Decryption {
        provider: String,
        secret_ref: LocalReference,
        service_account_name: String,
    }
    struct HelmReleaseSpec {
        depends_on: Vec<DependsOn>,
        chart: Option<Chart>,
        chart_ref: Option<Reference>,
        interval: String,
        timeout: String,
        suspend: bool,
        values_from: Vec<ValuesFrom>,
        service_account_name: String,
        kube_config: Option<KubeConfig>,
        install: HelmAction,
        upgrade: HelmAction,
    }
    /// How often helm-controller tries an action.
    struct HelmAction {
        remediation: Remediation,
        strategy: Strategy,
    }
    struct Remediation {
        retries: i64,
    }
    struct Strategy {
        name: String,
    }
    struct Chart {
        spec: ChartSpec,
    }
    struct ChartSpec {
        chart: String,
        version: String,
        source_ref: Reference,
    }
    struct ValuesFrom {
        kind: String,
        name: String,
        values_key: String,
        optional: bool,
    }
    struct ResourceSetSpec {
        depends_on: Vec<DependsOn>,
        service_account_name: String,
    }
    /// Status of a Kustomization, HelmRelease or ResourceSet.
    struct ApplierStatus {
        observed_generation: Option<i64>,
        conditions: Vec<Condition>,
        last_applied_revision: String,
        last_applied_origin_revision: String,
        last_attempted_revision: String,
        last_attempted_revision_digest: String,
        last_attempted_generation: Option<i64>,
        failures: i64,
        last_handled_reconcile_at: String,
        helm_chart: String,
        inventory: Option<Inventory>,
        history: Vec<History>,
        install_failures: i64,
        upgrade_failures: i64,
    }
    struct Inventory {
        entries: Vec<InventoryEntry>,
    }
    struct InventoryEntry {
        id: String,
        v: String,
    }
    /// The fields of both kinds: a Kustomization's entries have the first five, a HelmRelease's the others.
    struct History {
        first_reconciled: Option<Timestamp>,
        last_reconciled: Option<Timestamp>,
        last_reconciled_duration: String,
        last_reconciled_status: String,
        metadata: HistoryMetadata,
        status: String,
        chart_version: String,
        oci_digest: String,
        first_deployed: Option<Timestamp>,
        last_deployed: Option<Timestamp>,
    }
    struct HistoryMetadata {
        revision: String,
        origin_revision: String,
    }
    /// The fields of all kinds of sources.
    struct SourceSpec {
        url: String,
        endpoint: String,
        #[serde(rename = "type")]
        kind: String,
        interval: String,
        timeout: String,
        suspend: bool,
        secret_ref: LocalReference,
        provider: String,
        include: Vec<Include>,
        source_ref: Reference,
        sources: Vec<Reference>,
        ignore: String,
        sparse_checkout: Vec<String>,
        artifacts: Vec<LocalReference>,
    }
    struct Include {
        repository: LocalReference,
    }
    struct SourceStatus {
        observed_generation: Option<i64>,
        conditions: Vec<Condition>,
        artifact: Option<Artifact>,
        last_handled_reconcile_at: String,
    }
    struct Artifact {
        revision: String,
        url: String,
        last_update_time: Option<Timestamp>,
        metadata: ArtifactMetadata,
    }
    /// Of the annotations of an OCI artifact the one that names the commit that it was made from.
    struct ArtifactMetadata {
        #[serde(rename = "org.opencontainers.image.revision")]
        origin_revision: String,
    }
    struct FluxSpec {
        distribution: Distribution,
    }
    struct Distribution {
        version: String,
    }
    struct FluxStatus {
        last_applied_revision: String,
        inventory: Option<Inventory>,
        conditions: Vec<Condition>,
    }
    /// The fields of all kinds of workloads.
    struct WorkloadSpec {
        replicas: Option<i64>,
        completions: Option<i64>,
        selector: Selector,
        template: PodTemplate,
    }
    struct Selector {
        match_labels: BTreeMap<String, String>,
    }
    struct PodTemplate {
        spec: PodSpec,
    }
    struct WorkloadStatus {
        available_replicas: Option<i64>,
        ready_replicas: i64,
        desired_number_scheduled: i64,
        number_available: i64,
        succeeded: i64,
        conditions: Vec<Condition>,
    }
    struct PodSpec {
        containers: Vec<Container>,
        volumes: Vec<Volume>,
        node_selector: BTreeMap<String, String>,
    }
    struct Container {
        image: String,
        args: Vec<String>,
    }
    struct Volume {
        name: String,
        persistent_volume_claim: Option<ClaimSource>,
        ephemeral: Option<Present>,
    }
    struct ClaimSource {
        claim_name: String,
    }
    struct PodStatus {
        phase: String,
        conditions: Vec<Condition>,
        init_container_statuses: Vec<ContainerStatus>,
        container_statuses: Vec<ContainerStatus>,
    }
    struct ContainerStatus {
        name: String,
        image: String,
        ready: bool,
        restart_count: i64,
        state: ContainerState,
        last_state: ContainerState,
    }
    struct ContainerState {
        waiting: Option<Waiting>,
        terminated: Option<Terminated>,
    }
    struct Waiting {
        reason: String,
        #[serde(deserialize_with = "words")]
        message: String,
    }
    struct Terminated {
        reason: String,
        #[serde(deserialize_with = "words")]
        message: String,
        exit_code: i64,
    }
    struct PhaseStatus {
        phase: String,
        conditions: Vec<Condition>,
    }
    struct DefinitionSpec {
        group: String,
        names: DefinitionNames,
        version: String,
        versions: Vec<DefinitionVersion>,
    }
    struct DefinitionNames {
        kind: String,
    }
    struct DefinitionVersion {
        name: String,
        served: bool,
    }
    /// An Event of `v1` or of `events.k8s.io/v1`.
    struct Event {
        involved_object: Reference,
        regarding: Reference,
        #[serde(rename = "type")]
        kind: String,
        reason: String,
        #[serde(deserialize_with = "words")]
        message: String,
        #[serde(deserialize_with = "words")]
        note: String,
        event_time: Option<Timestamp>,
        series: Series,
        first_timestamp: Option<Timestamp>,
        last_timestamp: Option<Timestamp>,
        deprecated_first_timestamp: Option<Timestamp>,
        deprecated_last_timestamp: Option<Timestamp>,
    }
    struct Series {
        last_observed_time: Option<Timestamp>,
    }
    /// An answer of the API server that is no object.
    struct ApiStatus {
        status: String,
        #[serde(deserialize_with = "words")]
        message: String,
        reason: String,
    }
}

/// Takes every `null` away: Go reads it as an absent field or an empty one.
// Recursive, and as deep as the readers of JSON and YAML allow.
pub(super) fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(strip_nulls);
        }
        _ => {}
    }
}

/// What a patch may rename or take away by ([`RENAMING`]), without the rest of its text.
fn signs_of_renaming<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let patch = String::deserialize(deserializer)?;
    let signs: Vec<&str> = RENAMING.into_iter().filter(|sign| patch.contains(sign)).collect();
    Ok(signs.join(" "))
}

/// A patch of kustomize with one of these may take an object away or touch what it is known by.
pub(super) const RENAMING: [&str; 3] = ["$patch", "/metadata/name", "namespace"];

/// Text in which somebody says something, without the credentials that he quotes.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(without_credentials_in_words)
}

/// Reads what the type asks for; the error names the field and both types, and never quotes a value.
pub(super) fn decode<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut found = value;
        for segment in error.path().iter() {
            let next = match segment {
                Segment::Seq { index } => found.get(index),
                Segment::Map { key } => found.get(key),
                Segment::Enum { .. } | Segment::Unknown => None,
            };
            let Some(next) = next else { break };
            found = next;
        }
        let found = match found {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a map",
        };
        let inner = error.inner().to_string();
        let expected = match inner.rsplit_once(", expected ").map(|(_, expected)| expected) {
            Some("a string") => "text",
            Some("i64") => "an integer",
            Some("a boolean") => "a boolean",
            Some("a sequence") => "a list",
            Some("a map") => "a map",
            Some(other) if other.starts_with("struct ") => "a map",
            _ => return format!("{}: {found} that cannot be read", error.path()),
        };
        format!("{}: {found} where {expected} is due", error.path())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_type_is_named_by_field_and_never_by_value() {
        let read =
            |spec: Value| decode::<Body<KustomizationSpec, ApplierStatus>>(&json!({ "spec": spec })).map(drop);
        for (spec, error) in [
            (json!({"interval": 10}), "spec.interval: a number where text is due"),
            (json!({"wait": "hunter2"}), "spec.wait: text where a boolean is due"),
            (json!({"dependsOn": {"name": "a"}}), "spec.dependsOn: a map where a list is due"),
            (json!({"dependsOn": ["hunter2"]}), "spec.dependsOn[0]: text where a map is due"),
            (json!({"dependsOn": [{}, {"name": true}]}), "spec.dependsOn[1].name: a boolean where text is due"),
            (json!("hunter2"), "spec: text where a map is due"),
        ] {
            assert_eq!(read(spec), Err(error.to_owned()));
        }
        let time = json!({"status": {"conditions": [{"lastTransitionTime": "hunter2"}]}});
        assert_eq!(
            decode::<Body<KustomizationSpec, ApplierStatus>>(&time).map(drop),
            Err("status.conditions[0].lastTransitionTime: text that cannot be read".to_owned())
        );
    }

    #[test]
    fn null_is_empty_wherever_it_stands() {
        let mut odd = json!({"spec": {"dependsOn": [null, {"name": "a", "namespace": null}], "path": null}, "status": null});
        strip_nulls(&mut odd);
        let body: Body<KustomizationSpec, ApplierStatus> = decode(&odd).unwrap();
        assert_eq!((body.spec.depends_on.len(), body.spec.path.as_str()), (1, ""));
    }
}
