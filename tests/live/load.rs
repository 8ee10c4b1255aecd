//! A cluster with thousands of Kustomizations that no controller wrote, and how long it takes to answer from it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::api::{Api as KubeApi, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use crate::harness::{Bench, program};

/// Connections that write at the same time.
const WRITERS: usize = 12;
/// Namespaces that the objects are spread over.
const NAMESPACES: usize = 50;
/// Entries of each inventory.
const ENTRIES: usize = 40;
/// Kustomizations of one chain of `dependsOn`.
const CHAIN: usize = 20;
/// The first of every so many chains fails.
const FAILING: usize = 10;
/// Runs of each command; the median is told.
const RUNS: usize = 5;

/// Writes `count` Kustomizations with status and inventory.
pub(crate) fn seed(bench: &Bench, count: usize) -> Result<()> {
    for index in 0..NAMESPACES {
        bench.api.apply(
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace(index)}}),
            "",
        )?;
        bench.api.apply(repository(), &namespace(index))?;
        bench.api.patch_status(&format!("GitRepository/{}/repo", namespace(index)), &fetched())?;
    }
    let endpoint = bench.api.endpoints("Kustomization")?;
    let writes = (0..count).map(|index| write_one(endpoint(&namespace(index / CHAIN % NAMESPACES)), index));
    bench.api.block_on(stream::iter(writes).buffer_unordered(WRITERS).try_for_each(|()| async { Ok(()) }))
}

async fn write_one(endpoint: KubeApi<DynamicObject>, index: usize) -> Result<()> {
    let name = format!("app-{index}");
    endpoint
        .patch(&name, &PatchParams::apply("live-tests").force(), &Patch::Apply(kustomization(index)))
        .await?;
    endpoint.patch_status(&name, &PatchParams::default(), &Patch::Merge(status(index))).await?;
    Ok(())
}

fn namespace(index: usize) -> String {
    format!("team-{index:02}")
}

fn repository() -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": {"name": "repo"},
        "spec": {"interval": "1m", "url": "https://git.example.org/repo.git"},
    })
}

const REVISION: &str = "main@sha1:0123456789abcdef0123456789abcdef01234567";
const TIME: &str = "2026-01-01T00:00:00Z";

fn fetched() -> Value {
    json!({"status": {
        "observedGeneration": 1,
        "artifact": {
            "digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "lastUpdateTime": TIME,
            "path": "repo.tar.gz", "revision": REVISION, "url": "http://source-controller/repo.tar.gz",
        },
        "conditions": [ready("True", "Succeeded", "stored artifact")],
    }})
}

fn ready(status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": "Ready", "status": status, "reason": reason, "message": message, "observedGeneration": 1,
        "lastTransitionTime": TIME,
    })
}

fn kustomization(index: usize) -> Value {
    let before: Vec<Value> = (!index.is_multiple_of(CHAIN))
        .then(|| json!({"name": format!("app-{}", index - 1)}))
        .into_iter()
        .collect();
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": format!("app-{index}"), "namespace": namespace(index / CHAIN % NAMESPACES)},
        "spec": {
            "interval": "10m", "path": format!("./apps/{index}"), "prune": true, "dependsOn": before,
            "sourceRef": {"kind": "GitRepository", "name": "repo"},
        },
    })
}

fn status(index: usize) -> Value {
    let namespace = namespace(index / CHAIN % NAMESPACES);
    let condition = if !(index / CHAIN).is_multiple_of(FAILING) {
        ready("True", "ReconciliationSucceeded", &format!("Applied revision: {REVISION}"))
    } else if index.is_multiple_of(CHAIN) {
        ready(
            "False",
            "BuildFailed",
            "kustomize build failed: accumulating resources: absent.yaml: no such file or directory",
        )
    } else {
        ready(
            "False",
            "DependencyNotReady",
            &format!("dependency '{namespace}/app-{}' is not ready", index - 1),
        )
    };
    let entries: Vec<Value> = (0..ENTRIES)
        .map(|entry| json!({"id": format!("{namespace}_app-{index}-{entry}_apps_Deployment"), "v": "v1"}))
        .collect();
    json!({"status": {
        "observedGeneration": 1, "lastAppliedRevision": REVISION, "lastAttemptedRevision": REVISION,
        "conditions": [condition], "inventory": {"entries": entries},
    }})
}

/// Seeds, then times `status` beside what kubectl takes for the same list.
pub(crate) fn measure(bench: &Bench, count: usize) -> Result<()> {
    let began = Instant::now();
    seed(bench, count)?;
    println!(
        "{count} Kustomizations with {ENTRIES} inventory entries written in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    let list = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations";
    for (words, allowed) in [
        (&["fluxlayers", "status", "-o", "json"][..], 1),
        (&["fluxlayers", "status"], 1),
        (&["get", "--raw", list], 0),
        (&["get", "kustomizations.kustomize.toolkit.fluxcd.io", "-A"], 0),
    ] {
        let mut times = Vec::new();
        for _ in 0..RUNS {
            times.push(timed(program(bench, words)?, allowed).with_context(|| words.join(" "))?);
        }
        times.sort();
        println!("kubectl {}: median {:.2} s of {RUNS}", words.join(" "), times[RUNS / 2].as_secs_f64());
    }
    Ok(())
}

fn timed(mut command: Command, allowed: i32) -> Result<Duration> {
    let began = Instant::now();
    let status = command.stdout(Stdio::null()).status()?;
    ensure!([Some(0), Some(allowed)].contains(&status.code()), "{status}");
    Ok(began.elapsed())
}
