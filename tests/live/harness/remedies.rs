//! Every command that `why` prints for what fails in the cluster, typed as it stands there.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{Bench, ours};

/// How long a command may take; what asks an object to run waits for it, and that may fail for another reason.
const PATIENCE: &str = "40";

/// Commands at the same time.
const SIDE_BY_SIDE: usize = 6;

/// What came of one command.
struct Tried {
    command: String,
    code: &'static str,
    outcome: String,
    failed: bool,
}

/// A command, and the cause that it is printed for.
struct Printed {
    command: String,
    code: String,
    namespace: String,
}

/// Asks `why` about all that is not ready, and types all that it answers. What each came to is printed.
pub(crate) fn try_all(bench: &Bench) -> Result<()> {
    let answer = ours::run(bench, "admin", &["why", "-o", "json"])?;
    if answer.code == 2 && answer.stderr.contains("nothing of Flux") {
        return Ok(()); // only scenarios that clean up were asked for, or have yet to come
    }
    let why = answer.json()?;
    let printed = printed(&why);
    let count: usize = printed.iter().map(Vec::len).sum();
    println!("{count} remedies of {} root causes", why["rootCauses"].as_array().map_or(0, Vec::len));
    let waiting = Mutex::new(printed.iter());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap().next();
                    let Some(next) = next else { break };
                    // Those of one cause one after the other, as a person would.
                    for printed in next {
                        let tried = attempt(bench, printed);
                        done.lock().unwrap().push((printed, tried));
                    }
                }
            });
        }
    });
    let mut failures = Vec::new();
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by(|(a, _), (b, _)| (&a.code, &a.command).cmp(&(&b.code, &b.command)));
    for (printed, tried) in done {
        let tried = tried?;
        println!("remedy  {:5} {:22} {}  →  {}", tried.code, printed.code, tried.command, tried.outcome);
        if tried.failed {
            failures.push(format!("{}: {}", tried.command, tried.outcome));
        }
    }
    ensure!(failures.is_empty(), "remedies that do not run:\n  {}", failures.join("\n  "));
    Ok(())
}

/// The commands of each cause in their order, each command once.
fn printed(why: &Value) -> Vec<Vec<Printed>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut seen = BTreeSet::new();
    let causes = why["rootCauses"].as_array().into_iter().flatten().map(|cause| {
        let hit = &cause["affected"][0]["namespace"];
        let namespace = text(if hit.is_null() { &cause["object"]["namespace"] } else { hit });
        let commands =
            cause["remedies"].as_array().into_iter().flatten().filter_map(|remedy| remedy["command"].as_str());
        let new: Vec<&str> = commands.filter(|command| seen.insert((*command).to_owned())).collect();
        let printed = |command: &str| Printed {
            command: command.to_owned(),
            code: text(&cause["code"]),
            namespace: namespace.clone(),
        };
        new.into_iter().map(printed).collect()
    });
    causes.collect()
}

/// Types a command in the work tree of its scenario, beside a private key in the file that some of them take.
fn attempt(bench: &Bench, printed: &Printed) -> Result<Tried> {
    let tree = bench.forge.root().join("work").join(&printed.namespace);
    let folder: PathBuf = if tree.is_dir() { tree } else { bench.dir().to_owned() };
    let key = folder.join("age.agekey");
    if !key.exists() {
        ours::shell(bench, &folder, "age-keygen -o age.agekey")?;
    }
    let quoted = printed.command.replace('\'', r"'\''");
    let answer = ours::shell(bench, &folder, &format!("timeout {PATIENCE} sh -c '{quoted}'"))?;
    let last = answer.stderr.lines().chain(answer.stdout.lines()).rfind(|line| !line.trim().is_empty());
    let said = last.unwrap_or("no word").trim().to_owned();
    let asks = printed.command.contains("flux reconcile ") || printed.command.contains("flux resume ");
    let heard = answer.stderr.contains("annotated") || answer.stderr.contains("resumed");
    let (code, outcome, failed) = match answer.code {
        0 => ("runs", said, false),
        // It was asked and has told what stops it now.
        _ if asks && heard => ("asked", said, false),
        1 if printed.command.contains(" auth can-i ") && answer.stdout == "no\n" => ("runs", said, false),
        _ if printed.command.contains(" logs ") && answer.stderr.contains("no preferred addresses") => {
            ("asked", "no kubelet on the bench".to_owned(), false)
        }
        code => ("FAILS", format!("exit {code}: {said}"), true),
    };
    Ok(Tried { command: printed.command.clone(), code, outcome, failed })
}
