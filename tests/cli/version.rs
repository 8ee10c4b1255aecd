//! `version`, on what needs no cluster.

use crate::support::{assert_valid, run};

#[test]
fn the_client_is_told_alone_where_no_cluster_is_asked() {
    let run = run(&["version", "--client"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(run.stdout, format!("kubectl-fluxlayers  v{}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_dump_tells_flux_and_its_controllers() {
    let table = run(&["version", "--demo"]);
    assert_eq!(table.code, 0);
    insta::assert_snapshot!(table.stdout);
    let json = run(&["version", "--demo", "-o", "json"]).stdout;
    assert_valid("version.v1.json", &json);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["controllers"].as_array().unwrap().len(), 4);
}

#[test]
fn what_is_known_is_told_even_where_no_cluster_answers() {
    let run = run(&["version", "--server", "http://127.0.0.1:1"]);
    assert_eq!(run.code, 2);
    assert!(run.stdout.starts_with("kubectl-fluxlayers  v"));
    assert!(run.stderr.starts_with("error: cannot reach http://127.0.0.1:1"), "{}", run.stderr);
}
