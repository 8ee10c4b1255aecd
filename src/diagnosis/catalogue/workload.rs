//! What hinders a workload: its own status, its Pods, their claims, the scheduler.

use super::answer::{Answer, parse};
use super::words::{after, bounded, mentions, one_line, sentence};
use super::{Failure, called, command, describe, fault, quote, some};
use crate::diagnosis::{Code, Fault, Quote, Remedy};
use crate::model::{ContainerTrouble, Event, GroupKind, ObjectKey, Pod, Snapshot, Workload};

/// What is known of an unhealthy workload, claim or Pod.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    /// `ImagePull`, `CrashLoop`, …
    pub subcode: Option<&'static str>,
    /// The rest of a sentence whose subject is the object.
    pub why: Option<String>,
    /// Words of Pods, claims and the scheduler.
    pub seen: Vec<Quote>,
    /// What can be done about it.
    pub remedies: Vec<Remedy>,
    /// Nodes that are missing, and may be missed by others.
    pub nodes: Option<ObjectKey>,
}

/// Looks below an object, as far as its workload, Pods and claims are in sight and on this cluster.
pub(super) fn trouble(failure: &Failure<'_>, key: &ObjectKey) -> Trouble {
    if failure.node.remote {
        return Trouble::default();
    }
    let evidence = &failure.snapshot.evidence;
    if key.kind == GroupKind::PERSISTENT_VOLUME_CLAIM {
        return evidence
            .claims
            .get(key)
            .map(|phase| claim_trouble(failure.snapshot, key, phase))
            .unwrap_or_default();
    }
    let workload = evidence.workloads.get(key);
    let pods = pods_of(failure.snapshot, key, workload);
    let pod = pods
        .iter()
        .filter_map(|(pod_key, pod)| pod_trouble(failure.snapshot, pod_key, pod))
        .min_by_key(|trouble| trouble.rank);
    let own = workload.map(|workload| workload_trouble(key, workload)).unwrap_or_default();
    let own_wins = match &pod {
        None => true,
        Some(pod) => {
            own.subcode == Some("JobFailed") && pod.trouble.subcode.is_none_or(|code| code == "CrashLoop")
        }
    };
    let mut trouble = match pod {
        Some(pod) if !own_wins => pod.trouble,
        other => {
            let mut own = own;
            if let Some(pod) = other {
                own.seen.extend(pod.trouble.seen);
            }
            own
        }
    };
    // the scheduler's words stand in the Pod and in its event
    let told = |event: &Quote| {
        let message = after(&event.text, ": ").unwrap_or(&event.text);
        trouble.seen.iter().any(|seen| seen.text.contains(message))
    };
    if let Some(event) = newest_warning(failure.snapshot, key, &pods).filter(|event| !told(event)) {
        trouble.seen.push(event);
    }
    trouble
}

/// The Pods of a workload, by owner (a ReplicaSet may be missing from a dump: `<deployment>-<hash>`), else by the
/// workload's selector.
fn pods_of<'a>(
    snapshot: &'a Snapshot,
    key: &ObjectKey,
    workload: Option<&Workload>,
) -> Vec<(&'a ObjectKey, &'a Pod)> {
    let pods = || snapshot.evidence.pods.iter().filter(|(pod, _)| pod.namespace == key.namespace);
    if key.kind == GroupKind::POD {
        return pods().filter(|(pod, _)| pod.name == key.name).collect();
    }
    let owned: Vec<_> = pods()
        .filter(|(_, pod)| pod.meta.owner.as_ref().is_some_and(|owner| owns(snapshot, key, owner)))
        .collect();
    if !owned.is_empty() {
        return owned;
    }
    let selector = workload.map(|workload| &workload.selector).filter(|selector| !selector.is_empty());
    let Some(selector) = selector else { return Vec::new() };
    pods()
        .filter(|(_, pod)| pod.meta.owner.is_none()) // those of others have an owner that says so
        .filter(|(_, pod)| selector.iter().all(|(label, value)| pod.meta.labels.get(label) == Some(value)))
        .collect()
}

/// Whether the owner of a Pod is that workload, or stands between the two.
fn owns(snapshot: &Snapshot, key: &ObjectKey, owner: &ObjectKey) -> bool {
    if owner.kind == key.kind {
        return owner.name == key.name;
    }
    let ours = |kind: GroupKind| key.kind == kind;
    if let Some(between) = snapshot.evidence.workloads.get(owner)
        && let Some(top) = &between.meta.owner
    {
        return top.kind == key.kind && top.name == key.name;
    }
    let stem = owner.name.rsplit_once('-').map_or("", |(stem, _)| stem);
    let replica_set = owner.kind == GroupKind::REPLICA_SET && ours(GroupKind::DEPLOYMENT);
    let cron_job = owner.kind == GroupKind::JOB && key.kind.kind == "CronJob";
    (replica_set || cron_job) && stem == key.name
}

struct PodTrouble {
    /// Which trouble explains most: the smallest.
    rank: usize,
    trouble: Trouble,
}

fn pod_trouble(snapshot: &Snapshot, key: &ObjectKey, pod: &Pod) -> Option<PodTrouble> {
    let made = |rank, subcode, why: String, said: String, remedy: Remedy| {
        let seen = vec![quote("pod", &said)];
        let trouble = Trouble { subcode, why: Some(why), seen, remedies: vec![remedy], nodes: None };
        Some(PodTrouble { rank, trouble })
    };
    let describe_pod = |text: &str| Remedy { text: text.to_owned(), command: describe(key) };
    if let Some(claim) = blocking_claim(snapshot, key, pod) {
        let phase = snapshot.evidence.claims.get(&claim).map_or("not there", String::as_str);
        let mut trouble = claim_trouble(snapshot, &claim, phase);
        trouble.why = Some(format!("waits for {}, which is {phase}", called(&claim)));
        if let Some(words) = &pod.unschedulable {
            trouble.seen.push(quote("pod", &format!("Pod {}: {words}", key.name)));
        }
        return Some(PodTrouble { rank: 0, trouble });
    }
    let mut containers: Vec<PodTrouble> =
        pod.containers.iter().filter_map(|container| container_trouble(key, container)).collect();
    containers.sort_by_key(|found| found.rank);
    if let Some(first) = containers.into_iter().next() {
        return Some(first);
    }
    let words = pod.unschedulable.as_ref()?;
    let short = bounded(&sentence(words), 160);
    let mut found = made(
        4,
        Some("Unschedulable"),
        format!("cannot be scheduled: {short}"),
        format!("Pod {}: {words}", key.name),
        describe_pod("see what the scheduler misses: nodes, labels, taints, cpu, memory"),
    )?;
    found.trouble.nodes = missing_nodes(pod, words);
    Some(found)
}

/// The nodes that a Pod waits for and of which there is none it could run on, named by the labels that it asks for. Of one
/// that would fit were there more room nothing is said: how much room it asks for is its own affair.
fn missing_nodes(pod: &Pod, words: &str) -> Option<ObjectKey> {
    let no_such_node =
        mentions(words, &["didn't match Pod's node affinity/selector", "didn't match node selector"]);
    let labels: Vec<String> =
        pod.node_selector.iter().map(|(label, value)| format!("{label}={value}")).collect();
    let roomless = mentions(words, &["Insufficient "]);
    (no_such_node && !roomless && !labels.is_empty())
        .then(|| ObjectKey::new(GroupKind::new("", "Node"), "", labels.join(",")))
}

/// Workloads that wait for the same nodes.
pub(crate) fn several_without_nodes(nodes: &ObjectKey, code: Code, waiting: &[&ObjectKey]) -> Fault {
    let names: Vec<String> = waiting.iter().map(|key| called(key)).collect();
    let summary = format!("no node with {} takes the Pods of {}", nodes.name, some(&names));
    fault(nodes.clone(), code, Some("Unschedulable"), summary)
        .remedy("see which nodes there are", command("kubectl get nodes -l {}", &[&nodes.name]))
        .remedy("bring that node pool back, or correct the nodeSelector of the workloads in Git", None)
}

/// The claim because of which a Pod does not start. One that is bound only when its Pod is scheduled
/// (`WaitForFirstConsumer`) is a consequence, unless the scheduler itself names it.
fn blocking_claim(snapshot: &Snapshot, key: &ObjectKey, pod: &Pod) -> Option<ObjectKey> {
    let unbound = pod
        .claims
        .iter()
        .map(|name| ObjectKey::new(GroupKind::PERSISTENT_VOLUME_CLAIM, key.namespace.clone(), name));
    let unbound: Vec<ObjectKey> = unbound
        .filter(|claim| snapshot.evidence.claims.get(claim).is_some_and(|phase| phase != "Bound"))
        .collect();
    let words = pod.unschedulable.as_deref().unwrap_or_default();
    let named =
        mentions(words, &["persistentvolumeclaim", "PersistentVolumeClaim", "persistent volume", "volume"]);
    let waits_itself = |claim: &ObjectKey| {
        let newest = snapshot.evidence.events.get(claim).and_then(|events| events.last());
        newest.is_some_and(|event| {
            matches!(event.reason.as_str(), "WaitForFirstConsumer" | "WaitForPodScheduled")
        })
    };
    let found = unbound.iter().find(|claim| named || words.is_empty() || !waits_itself(claim)).cloned();
    // `persistentvolumeclaim "data" not found`
    found.or_else(|| {
        super::words::not_found(words, "persistentvolumeclaim")
            .map(|name| ObjectKey::new(GroupKind::PERSISTENT_VOLUME_CLAIM, key.namespace.clone(), name))
    })
}

fn container_trouble(pod: &ObjectKey, container: &ContainerTrouble) -> Option<PodTrouble> {
    let waiting = container.waiting.as_deref().unwrap_or_default();
    let terminated = container.terminated.as_deref().unwrap_or_default();
    let name = &container.name;
    let message = one_line(&container.message);
    let said = [waiting, terminated, message.as_str()];
    let said: Vec<&str> = said.into_iter().filter(|word| !word.is_empty()).collect();
    let said = format!("Pod {}, container {name}: {}", pod.name, said.join(", "));
    let logs = |previous: bool| {
        let template =
            if previous { "kubectl -n {} logs {} -c {} --previous" } else { "kubectl -n {} logs {} -c {}" };
        command(template, &[&pod.namespace, &pod.name, name])
    };
    let exit = container.exit_code.map(|code| format!(" with code {code}")).unwrap_or_default();
    let (rank, subcode, why, text, command) = match (waiting, terminated) {
        (
            "ErrImagePull"
            | "ImagePullBackOff"
            | "InvalidImageName"
            | "ErrImageNeverPull"
            | "ImageInspectError"
            | "RegistryUnavailable",
            _,
        ) => (
            1,
            Some("ImagePull"),
            format!("cannot pull image {}", container.image),
            "correct the image, or give the Pod credentials for its registry",
            describe(pod),
        ),
        (_, "OOMKilled") => (
            2,
            Some("OomKilled"),
            match container.restarts {
                0 => format!("runs out of memory: container {name} was killed for it"),
                1 => format!("runs out of memory: container {name} was killed for it, 1 restart so far"),
                restarts => format!(
                    "runs out of memory: container {name} was killed for it, {restarts} restarts so far"
                ),
            },
            "raise the memory limit of the container",
            describe(pod),
        ),
        ("CrashLoopBackOff", _) => (
            2,
            Some("CrashLoop"),
            format!("crashes: container {name} ended{exit} and was restarted {} times", container.restarts),
            "see what the container said before it ended",
            logs(true),
        ),
        ("CreateContainerConfigError" | "CreateContainerError" | "RunContainerError", _) => (
            3,
            None,
            format!("cannot start container {name}: {}", bounded(&sentence(&message), 160)),
            "see what the container lacks",
            describe(pod),
        ),
        (_, "Error" | "ContainerCannotRun" | "StartError") if container.exit_code != Some(0) => (
            3,
            Some("CrashLoop"),
            format!("crashes: container {name} ended{exit}"),
            "see what the container said",
            logs(container.restarts > 0 && waiting.is_empty()),
        ),
        _ => return None,
    };
    let remedies = vec![Remedy { text: text.to_owned(), command }];
    Some(PodTrouble {
        rank,
        trouble: Trouble { subcode, why: Some(why), seen: vec![quote("pod", &said)], remedies, nodes: None },
    })
}

fn claim_trouble(snapshot: &Snapshot, claim: &ObjectKey, phase: &str) -> Trouble {
    if phase == "Bound" {
        return Trouble::default();
    }
    let events = snapshot.evidence.events.get(claim);
    let newest = events.and_then(|events| events.last());
    let said = match newest {
        Some(event) => format!("{} is {phase}: {}", called(claim), event.message),
        None => format!("{} is {phase}", called(claim)),
    };
    let why = format!("is {phase} and not bound to a volume");
    let text = "see which storage class it wants and whether that can make a volume".to_owned();
    Trouble {
        subcode: Some("ClaimPending"),
        why: Some(why),
        seen: vec![quote("claim", &said)],
        remedies: vec![Remedy { text, command: describe(claim) }],
        nodes: None,
    }
}

fn workload_trouble(key: &ObjectKey, workload: &Workload) -> Trouble {
    let condition = |kind: &str| workload.conditions.iter().find(|(found, ..)| found == kind);
    let said = |(kind, _, reason, message): &(String, bool, String, String)| {
        vec![quote("condition", &format!("{} {kind} {reason}: {message}", key.name))]
    };
    if let Some(failed) = condition("Failed").filter(|(_, holds, ..)| *holds) {
        let why = format!("has failed: {}", sentence(&failed.3));
        let text = "see what its Pods said".to_owned();
        let command = command("kubectl -n {} logs job/{}", &[&key.namespace, &key.name]);
        let remedies = vec![Remedy { text, command }];
        return Trouble {
            subcode: Some("JobFailed"),
            why: Some(why),
            seen: said(failed),
            remedies,
            nodes: None,
        };
    }
    let failure = condition("ReplicaFailure").filter(|(_, holds, ..)| *holds);
    let deadline =
        condition("Progressing").filter(|(_, holds, reason, _)| !holds && reason == "ProgressDeadlineExceeded");
    let counts = format!("{} of {} replicas are available", workload.available, workload.wanted);
    match (failure, deadline) {
        (Some(failure), deadline) => Trouble {
            nodes: None,
            subcode: deadline.map(|_| "ProgressDeadline"),
            why: Some(format!("cannot create its Pods: {}", sentence(&failure.3))),
            seen: said(failure),
            remedies: make_room(key, &failure.3),
        },
        (None, Some(deadline)) => Trouble {
            nodes: None,
            subcode: Some("ProgressDeadline"),
            why: Some(format!("made no progress before its deadline: {counts}")),
            seen: said(deadline),
            remedies: Vec::new(),
        },
        (None, None) if workload.available < workload.wanted => Trouble {
            nodes: None,
            subcode: None,
            why: Some(format!("did not become ready in time: {counts}")),
            seen: Vec::new(),
            remedies: Vec::new(),
        },
        (None, None) => Trouble::default(),
    }
}

/// What to do where a quota lets no Pod in.
fn make_room(key: &ObjectKey, words: &str) -> Vec<Remedy> {
    let Answer::Quota { name, .. } = parse(words) else { return Vec::new() };
    let command = command("kubectl -n {} describe resourcequota {}", &[&key.namespace, name]);
    vec![Remedy { text: "raise the quota, or free some of it".to_owned(), command }]
}

/// The newest Warning about a workload or its Pods.
fn newest_warning(snapshot: &Snapshot, key: &ObjectKey, pods: &[(&ObjectKey, &Pod)]) -> Option<Quote> {
    let about = std::iter::once(key).chain(pods.iter().map(|(pod, _)| *pod));
    let events = about.filter_map(|key| snapshot.evidence.events.get(key)).flatten();
    let newest: &Event = events.filter(|event| event.warning).max_by_key(|event| event.last)?;
    let words = quote("event", &format!("{}: {}", newest.reason, newest.message));
    Some(Quote { time: newest.last, ..words })
}
