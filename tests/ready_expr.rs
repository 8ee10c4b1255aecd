//! `readyExpr`: what is evaluated here against what the controllers made of it.
#![cfg(feature = "cel")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests may; helpers are no test functions to clippy
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests read files")]

use std::path::Path;

use kubectl_fluxlayers::diagnosis::ready_expr::{Judged, judge};
use kubectl_fluxlayers::repo::read_dump;

#[test]
fn no_recorded_controller_says_otherwise() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/live");
    let mut told = Vec::new();
    for scene in ["expr", "helm"] {
        let snapshot = read_dump(&[folder.join(format!("{scene}.json.gz"))], std::io::empty(), None).unwrap();
        for node in snapshot.nodes.values() {
            for entry in &node.depends_on {
                let (Some(expression), Some(dependency)) = (&entry.ready_expr, snapshot.nodes.get(&entry.key))
                else {
                    continue;
                };
                let ready = node.status.conditions.ready().unwrap();
                let said = match (ready.reason.as_str(), ready.message.as_str()) {
                    (_, words) if words.contains("according to readyExpr eval") => "false",
                    ("DependencyNotReady" | "InvalidCELExpression", _) => "error",
                    _ => "true", // it went on
                };
                let judged = match judge(expression, node, dependency) {
                    Judged::True => "true",
                    Judged::False(_) => "false",
                    Judged::Unknown(_) => "unknown",
                };
                assert!(judged == said || (judged == "unknown" && said == "error"), "{}: {judged}", node.key);
                told.push(format!("{}: {expression}: {judged}", node.key.name));
            }
        }
    }
    insta::assert_snapshot!(told.join("\n"));
}
