//! `readyExpr`, twenty times: what is evaluated here against what kustomize-controller makes of it.

use anyhow::{Context as _, Result, ensure};
use kubectl_fluxlayers::diagnosis::ready_expr::{Judged, judge};
use kubectl_fluxlayers::model::ObjectKey;
use serde_json::{Value, json};

use super::steps::config_map;
use crate::harness::{Bench, Scene};

const NAMESPACE: &str = "expressions";

/// Expressions over a dependency that is ready and has labels; the dependents have one of them, too. What the controller
/// answers stands nowhere here: it is asked.
const EXPRESSIONS: [&str; 20] = [
    "dep.metadata.name == 'base'",
    "dep.metadata.namespace == self.metadata.namespace",
    "dep.metadata.labels.tier == 'gold'",
    "dep.metadata.labels.tier == 'silver'",
    "dep.metadata.labels['app/version'] == self.metadata.labels['app/version']",
    "has(dep.metadata.labels.color) && dep.metadata.labels.color == 'red'",
    "dep.metadata.labels.color == 'red'",
    "'tier' in dep.metadata.labels",
    "dep.metadata.generation == dep.status.observedGeneration",
    "dep.metadata.generation > 1",
    "dep.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')",
    "dep.status.conditions.filter(c, c.type == 'Ready').all(c, c.status == 'False')",
    "dep.status.conditions.exists_one(c, c.type == 'Ready')",
    "dep.status.lastAppliedRevision.startsWith('main@sha1:')",
    "dep.status.lastAppliedRevision == dep.status.lastAttemptedRevision ? true : false",
    "size(dep.status.conditions) == 0",
    "has(dep.spec.suspend) && dep.spec.suspend",
    "dep.spec.interval == '10m0s'",
    "dep.metadata.name.matches('^b.*e$')",
    "dep.metadata.name ==",
];

/// Those that look at things which are not kept, or do not parse, are left to the controller; of all others it says the same.
const LEFT_TO_THE_CONTROLLER: usize = 5;

fn named(at: usize) -> String {
    format!("x{:02}", at + 1)
}

pub(crate) fn expressions(bench: &Bench) -> Result<()> {
    let scene = Scene::set_up(bench, NAMESPACE)?;
    scene.repository.write("base/cm.yaml", &config_map(NAMESPACE, "base"))?;
    scene.repository.write("app/cm.yaml", &config_map(NAMESPACE, "app"))?;
    scene.publish()?;
    scene.apply("{kind: Kustomization, metadata: {name: base, labels: {tier: gold, app/version: v2}}}")?;
    scene.api.await_ready(&scene.own("Kustomization/base"))?;
    for (at, expression) in EXPRESSIONS.iter().enumerate() {
        let spec = json!({"path": "./app", "dependsOn": [{"name": "base", "readyExpr": expression}]});
        let metadata = json!({"name": named(at), "labels": {"app/version": "v2"}});
        scene.apply(&json!({"kind": "Kustomization", "metadata": metadata, "spec": spec}).to_string())?;
    }
    let mut said = Vec::new();
    for at in 0..EXPRESSIONS.len() {
        let reference = scene.own(&format!("Kustomization/{}", named(at)));
        let object =
            scene.api.await_that(&reference, "an answer", |object| object.and_then(answer).is_some())?;
        said.push(object.as_ref().and_then(answer).context("an answer was awaited")?);
    }
    let snapshot = scene.snapshot()?;
    let node =
        |name: &str| snapshot.nodes.get(&ObjectKey::kustomization(NAMESPACE, name)).context("it is there");
    let mut left = Vec::new();
    let status = scene.status()?.json()?;
    for ((at, expression), said) in EXPRESSIONS.iter().enumerate().zip(said) {
        let judged = match judge(expression, node(&named(at))?, node("base")?) {
            Judged::True => "true",
            Judged::False(_) => "false",
            Judged::Unknown(_) => "unknown",
        };
        println!("expression  {judged:7}  controller: {said:5}  {expression}");
        ensure!(
            judged == said || judged == "unknown",
            "{expression}: {judged}, and the controller says {said}"
        );
        if judged == "unknown" {
            left.push(*expression);
        }
        let verdict = verdict(&status, &named(at))?;
        let fits = match said {
            "true" => verdict == "Ready",
            "false" => verdict == "ReadyExprFalse",
            _ => verdict == "ReadyExprUnknown",
        };
        ensure!(fits, "{expression}: status says {verdict}, and the controller {said}");
    }
    ensure!(left.len() <= LEFT_TO_THE_CONTROLLER, "no longer judged here: {left:?}");
    Ok(())
}

/// What the controller made of the expression; `None` before it has looked.
fn answer(object: &Value) -> Option<&'static str> {
    let conditions = object["status"]["conditions"].as_array()?;
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready")?;
    let words = ready["message"].as_str().unwrap_or_default();
    match (ready["status"].as_str()?, ready["reason"].as_str()?) {
        ("True", _) => Some("true"),
        ("False", _) if words.contains("according to readyExpr eval") => Some("false"),
        ("False", "DependencyNotReady" | "InvalidCELExpression") => Some("error"),
        _ => None,
    }
}

fn verdict(status: &Value, name: &str) -> Result<String> {
    let layers = status["layers"].as_array().into_iter().flatten();
    let mut objects = layers.flat_map(|layer| layer["objects"].as_array().into_iter().flatten());
    let found = objects.find(|object| object["name"] == name).with_context(|| format!("{name} in {status}"))?;
    Ok(found["dependsOn"][0]["verdict"].as_str().unwrap_or_default().to_owned())
}
