//! What the scenarios have in common: small manifests, and a look into an answer.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::harness::Scene;

/// A ConfigMap, as a path of the repository holds it.
pub(crate) fn config_map(namespace: &str, name: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: {namespace}}}, data: {{k: v}}}}\n"
    )
}

/// `Kind/namespace/name` of a reference in an answer.
pub(crate) fn named(reference: &Value) -> String {
    let text = |field: &str| reference[field].as_str().unwrap_or_default();
    format!("{}/{}/{}", text("kind"), text("namespace"), text("name"))
}

/// The references of a list in an answer.
pub(crate) fn all_named(references: &Value) -> Vec<String> {
    references.as_array().into_iter().flatten().map(named).collect()
}

/// The root cause of that object and code.
pub(crate) fn cause<'a>(
    answer: &'a Value,
    object: &str,
    code: &str,
    subcode: Option<&str>,
) -> Result<&'a Value> {
    let causes = answer["rootCauses"].as_array().with_context(|| format!("no rootCauses: {answer}"))?;
    let fits = |cause: &&Value| {
        named(&cause["object"]) == object && cause["code"] == code && cause["subcode"].as_str() == subcode
    };
    causes
        .iter()
        .find(fits)
        .with_context(|| format!("no {code} {subcode:?} of {object} in {}", answer["rootCauses"]))
}

/// What was seen of a cause, line by line, its summary first.
pub(crate) fn evidence(cause: &Value) -> String {
    let texts = cause["evidence"].as_array().into_iter().flatten().filter_map(|seen| seen["text"].as_str());
    let lines: Vec<&str> = cause["summary"].as_str().into_iter().chain(texts).collect();
    lines.join("\n")
}

/// The commands that the answer gives for a cause.
pub(crate) fn remedies(cause: &Value) -> Vec<String> {
    let remedies = cause["remedies"].as_array().into_iter().flatten();
    remedies.filter_map(|remedy| remedy["command"].as_str().map(str::to_owned)).collect()
}

/// A workload of one Pod, which runs on the node that no kubelet keeps.
pub(crate) struct Workload {
    kind: &'static str,
    namespace: &'static str,
    pub(crate) name: String,
    pod: Value,
}

impl Workload {
    fn new(kind: &'static str, namespace: &'static str, name: &str) -> Workload {
        let pod = json!({
            "tolerations": [{"key": "fluxlayers/by-hand", "operator": "Exists"}],
            "containers": [{"name": "app", "image": "registry.example.com/app:1"}],
        });
        Workload { kind, namespace, name: name.to_owned(), pod }
    }

    pub(crate) fn deployment(namespace: &'static str, name: &str) -> Workload {
        Workload::new("Deployment", namespace, name)
    }

    pub(crate) fn stateful_set(namespace: &'static str, name: &str) -> Workload {
        Workload::new("StatefulSet", namespace, name)
    }

    /// With these fields of the Pod's spec.
    pub(crate) fn with(mut self, fields: Value) -> Workload {
        for (name, value) in fields.as_object().into_iter().flatten() {
            self.pod[name] = value.clone();
        }
        self
    }

    /// `Kind/namespace/name`.
    pub(crate) fn reference(&self) -> String {
        format!("{}/{}/{}", self.kind, self.namespace, self.name)
    }

    /// As a path of the repository holds it.
    pub(crate) fn manifest(&self) -> String {
        let labels = json!({"app": self.name});
        let template = json!({"metadata": {"labels": labels}, "spec": self.pod});
        let mut spec = json!({"replicas": 1, "selector": {"matchLabels": labels}, "template": template});
        if self.kind == "StatefulSet" {
            spec["serviceName"] = json!(self.name);
        }
        let metadata = json!({"name": self.name, "namespace": self.namespace});
        json!({"apiVersion": "apps/v1", "kind": self.kind, "metadata": metadata, "spec": spec}).to_string()
    }

    /// Waits until its Pod is there and has its node.
    pub(crate) fn scheduled(&self, scene: &Scene<'_>) -> Result<Pod> {
        scene.api.await_that(&self.reference(), "a Pod", |workload| {
            workload.is_some_and(|workload| workload["status"]["replicas"] == 1)
        })?;
        let pods = scene.api.list("Pod", self.namespace)?;
        let pod = pods.iter().find(|pod| pod["metadata"]["labels"]["app"] == self.name.as_str());
        let name = pod.and_then(|pod| pod["metadata"]["name"].as_str()).context("a Pod without its labels")?;
        let pod = Pod { namespace: self.namespace, name: name.to_owned() };
        scene.api.await_that(&pod.reference(), "a node", |pod| {
            pod.is_some_and(|pod| pod["spec"]["nodeName"] == "by-hand")
        })?;
        Ok(pod)
    }
}

/// A Pod on the node that no kubelet keeps.
pub(crate) struct Pod {
    namespace: &'static str,
    pub(crate) name: String,
}

impl Pod {
    fn reference(&self) -> String {
        format!("Pod/{}/{}", self.namespace, self.name)
    }

    /// Writes what a kubelet would write of these containers.
    pub(crate) fn says(
        &self,
        scene: &Scene<'_>,
        phase: &str,
        inits: &[Value],
        containers: &[Value],
    ) -> Result<()> {
        let unready = |of: &[Value]| -> Vec<String> {
            of.iter()
                .filter(|container| container["ready"] != true)
                .filter_map(|container| container["name"].as_str().map(str::to_owned))
                .collect()
        };
        let condition = |kind: &str, not: &[String], reason: &str, what: &str| match not {
            [] => json!({"type": kind, "status": "True", "lastTransitionTime": now()}),
            not => json!({
                "type": kind, "status": "False", "lastTransitionTime": now(), "reason": reason,
                "message": format!("containers with {what} status: [{}]", not.join(" ")),
            }),
        };
        let not_ready = unready(containers);
        let conditions = [
            condition("PodReadyToStartContainers", &[], "", ""),
            condition("Initialized", &unready(inits), "ContainersNotInitialized", "incomplete"),
            condition("Ready", &not_ready, "ContainersNotReady", "unready"),
            condition("ContainersReady", &not_ready, "ContainersNotReady", "unready"),
            condition("PodScheduled", &[], "", ""),
        ];
        scene.api.patch_status(
            &self.reference(),
            &json!({"status": {
                "phase": phase, "startTime": now(), "conditions": conditions,
                "initContainerStatuses": inits, "containerStatuses": containers,
            }}),
        )
    }

    /// Writes that its one container runs and is ready.
    pub(crate) fn is_ready(&self, scene: &Scene<'_>) -> Result<()> {
        let container = json!({
            "name": "app", "image": "registry.example.com/app:1", "imageID": "", "ready": true, "started": true,
            "restartCount": 0, "state": {"running": {"startedAt": now()}}, "lastState": {},
        });
        self.says(scene, "Running", &[], &[container])
    }

    /// Writes the Warning that a kubelet would write beside it.
    pub(crate) fn warns(&self, scene: &Scene<'_>, reason: &str, message: &str) -> Result<()> {
        let pod = scene.api.get(&self.reference())?.context("the Pod is gone")?;
        let about = json!({
            "apiVersion": "v1", "kind": "Pod", "namespace": self.namespace, "name": self.name,
            "uid": pod["metadata"]["uid"], "fieldPath": "spec.containers{app}",
        });
        let event = json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("{}.{reason}", self.name).to_lowercase()},
            "involvedObject": about, "reason": reason, "message": message, "type": "Warning", "count": 1,
            "firstTimestamp": now(), "lastTimestamp": now(), "source": {"component": "kubelet", "host": "by-hand"},
        });
        scene.api.apply(event, self.namespace)
    }
}

fn now() -> String {
    format!("{:.0}", jiff::Timestamp::now())
}
