//! How long a push takes through a chain of eight: by `reconcile --ordered`, by `flux reconcile` in a loop, by Flux alone.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::harness::{Bench, Scene, condition};
use crate::scenarios::ordered::{apply_chain, change};

const CHAIN: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// Pushes through the slow ways, which take a minute each.
const SLOW_PUSHES: usize = 5;

/// What a Deployment takes until it is available.
const SECONDS: u64 = 5;

/// Times all of it, and tells median and worst.
pub(crate) fn measure(bench: &Bench, pushes: usize) -> Result<()> {
    let scene = Scene::set_up(bench, "race")?;
    apply_chain(&scene, &CHAIN)?;
    scene.publish()?;
    for name in CHAIN {
        scene.api.await_ready(&scene.own(&format!("Kustomization/{name}")))?;
    }
    let (mut ours, mut flux, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for push in 0..pushes {
        ours.push(timed(&scene, push, "ours", |scene| {
            let answer = scene.run(&["reconcile", "--ordered", "-n", "race"])?;
            ensure!(answer.code == 0, "{answer:?}");
            Ok(())
        })?);
        if push < SLOW_PUSHES {
            flux.push(timed(&scene, push, "flux", |scene| {
                let chain = CHAIN.join(" ");
                let each = format!(
                    "for name in {chain}; do flux reconcile kustomization $name -n race || exit 1; done"
                );
                scene.shell(&format!("flux reconcile source git repo -n race && {each}")).map(drop)
            })?);
            alone.push(timed(&scene, push, "alone", |scene| scene.poke("GitRepository/repo"))?);
        }
    }
    tell("kubectl fluxlayers reconcile --ordered", &mut ours);
    tell("flux reconcile, one after the other", &mut flux);
    tell("Flux alone, after its source was refreshed", &mut alone);
    slow_chain(bench, pushes.min(SLOW_PUSHES))
}

/// From the push until every object of the chain is at its revision.
fn timed(
    scene: &Scene<'_>,
    push: usize,
    way: &str,
    act: impl FnOnce(&Scene<'_>) -> Result<()>,
) -> Result<Duration> {
    let revision = change(scene, &CHAIN, &format!("{way}-{push}"))?;
    let began = Instant::now();
    act(scene)?;
    for name in CHAIN {
        await_at(scene, name, &revision)?;
    }
    Ok(began.elapsed())
}

fn await_at(scene: &Scene<'_>, name: &str, revision: &str) -> Result<Value> {
    let object = scene.api.await_that(&scene.own(&format!("Kustomization/{name}")), revision, |object| {
        object.is_some_and(|object| {
            object["status"]["lastAppliedRevision"] == revision
                && condition(object, "Ready").is_some_and(|(status, _)| status == "True")
        })
    })?;
    Ok(object.unwrap_or_default())
}

fn tell(what: &str, times: &mut [Duration]) {
    times.sort();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{what}: median {:.2} s, worst {:.2} s of {} pushes",
        median.as_secs_f64(),
        worst.as_secs_f64(),
        times.len()
    );
}

/// The same with `wait: true` and Deployments that take their time: how much longer than the runs one after the other.
fn slow_chain(bench: &Bench, pushes: usize) -> Result<()> {
    let scene = Scene::set_up(bench, "race-slow")?;
    for (at, name) in CHAIN.iter().enumerate() {
        let before: Vec<Value> = CHAIN[..at].last().map(|before| json!({"name": before})).into_iter().collect();
        let spec = json!({"dependsOn": before, "wait": true, "timeout": "2m"});
        scene.repository.write(&format!("{name}/app.yaml"), &deployment(name, "0"))?;
        scene.apply(&json!({"kind": "Kustomization", "metadata": {"name": name}, "spec": spec}).to_string())?;
    }
    scene.publish()?;
    for name in CHAIN {
        scene.api.await_ready(&scene.own(&format!("Kustomization/{name}")))?;
    }
    let mut ratios = Vec::new();
    for push in 1..=pushes {
        for name in CHAIN {
            scene.repository.write(&format!("{name}/app.yaml"), &deployment(name, &push.to_string()))?;
        }
        let revision = format!("main@sha1:{}", scene.repository.push("roll")?);
        let began = Instant::now();
        let answer = scene.run(&["reconcile", "--ordered", "-n", "race-slow"])?;
        let took = began.elapsed().as_secs_f64();
        ensure!(answer.code == 0, "{answer:?}");
        let mut path = 0.0;
        for name in CHAIN {
            let object = await_at(&scene, name, &revision)?;
            path +=
                seconds(object["status"]["history"][0]["lastReconciledDuration"].as_str().unwrap_or_default());
        }
        println!(
            "wait: true, Deployments of {SECONDS} s: {took:.1} s; the runs one after the other {path:.1} s"
        );
        ratios.push(took / path);
    }
    ratios.sort_by(f64::total_cmp);
    let (median, worst) = (ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
    println!("wait: true: {median:.2} times the longest path, at worst {worst:.2}, of {pushes} pushes");
    Ok(())
}

/// A Deployment whose Pod counts as available after some seconds.
fn deployment(name: &str, version: &str) -> String {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "race-slow"},
        "spec": {
            "minReadySeconds": SECONDS, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": {"version": version}},
                "spec": {
                    "tolerations": [{"key": "fluxlayers/simulated", "operator": "Exists"}],
                    "containers": [{"name": "app", "image": "registry.example.com/app:1"}],
                },
            },
        },
    })
    .to_string()
}

/// A duration as Go writes it, such as `1m5.25s` or `350.5ms`.
fn seconds(text: &str) -> f64 {
    let (mut total, mut number) = (0.0, String::new());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        if char.is_ascii_digit() || char == '.' {
            number.push(char);
            rest = &rest[1..];
            continue;
        }
        let (unit, length) = if rest.starts_with("ms") {
            (0.001, 2)
        } else if rest.starts_with("µs") {
            (0.000_001, 3)
        } else {
            (
                match char {
                    'h' => 3600.0,
                    'm' => 60.0,
                    _ => 1.0,
                },
                1,
            )
        };
        total += number.parse::<f64>().unwrap_or_default() * unit;
        number.clear();
        rest = &rest[length..];
    }
    total
}
