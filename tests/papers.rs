//! What the repository says of itself in several places is the same in all of them.

use kubectl_fluxlayers::error::CommandError;
use kubectl_fluxlayers::repo::{HOW_TO_DUMP, HOW_TO_DUMP_IN_HELP, InputError};

const CLUSTER: &str = include_str!("../src/demo/cluster.yaml");
const TOKEN: &str =
    include_str!("../examples/flux-k3s/clusters/k3s-home/infrastructure/02-cert-manager/token.yaml");
const SOPS: &str = include_str!("../examples/flux-k3s/.sops.yaml");
const SYNC: &str = include_str!("../examples/flux-k3s/clusters/k3s-home/workloads/cluster-sync.yaml");
const PLUGIN: &str = include_str!("../plugin.yaml");
const README: &str = include_str!("../README.md");

/// The rest of every line that begins, after its indentation and a list's dash, with `key`.
fn values<'a>(text: &'a str, key: &'a str) -> Vec<&'a str> {
    text.lines()
        .filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix(key))
        .map(|rest| rest.trim().trim_matches('"'))
        .collect()
}

#[test]
fn the_demo_fails_on_the_recipient_of_the_committed_file() {
    let wanted = values(TOKEN, "recipient:");
    let held = values(CLUSTER, "fluxlayers/age-recipients:");
    assert_eq!((wanted.len(), held.len()), (1, 1));
    assert_ne!(wanted, held);
    assert_eq!(values(SOPS, "age:"), [wanted[0], held[0]]);
    let failed =
        CLUSTER.lines().filter(|line| line.trim_end().ends_with(&format!("{}: FAILED", wanted[0]))).count();
    assert_eq!(failed, 2, "the condition and the event");
}

#[test]
fn the_demo_holds_the_kustomizations_of_the_repository() {
    for path in values(SYNC, "path:") {
        assert_eq!(values(CLUSTER, "path:").into_iter().filter(|live| *live == path).count(), 1, "{path}");
    }
    assert_eq!(values(SYNC, "path:").len(), 11);
}

#[test]
fn no_private_key_is_published() {
    for text in [CLUSTER, TOKEN, SOPS] {
        assert!(!text.contains("AGE-SECRET-KEY"));
    }
}

#[test]
fn the_krew_manifest_names_this_version() {
    let version = format!("v{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(values(PLUGIN, "version:"), [&version]);
    let uris = values(PLUGIN, "uri:");
    assert_eq!(uris.len(), 5);
    assert!(uris.iter().all(|uri| uri.contains(&format!("/releases/download/{version}/kubectl-fluxlayers_"))));
}

#[test]
fn one_recipe_for_a_dump_stands_everywhere() {
    assert!(README.lines().any(|line| line == HOW_TO_DUMP));
    let (before, after) = HOW_TO_DUMP_IN_HELP.split_once(" >dump.yaml \\\n").unwrap();
    let words =
        |text: &str| text.split_whitespace().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(words(&format!("{before} {after} >dump.yaml")), words(HOW_TO_DUMP));
    let nothing = InputError::Nothing { first: String::new(), others: 0 };
    assert!(nothing.hint().unwrap().ends_with(HOW_TO_DUMP));
    let nothing =
        CommandError::NothingOfFlux { label: String::new(), live: false, declared: false, complete: true };
    assert!(nothing.hints()[0].ends_with(HOW_TO_DUMP));
}

#[test]
fn the_readme_begins_with_the_demo_and_the_tests() {
    let commands = README.lines().filter(|line| line.starts_with("cargo "));
    let bare = commands.map(|line| line.split(" #").next().unwrap_or_default().trim_end());
    let first_two: Vec<_> = bare.take(2).collect();
    assert_eq!(first_two, ["cargo run --release -- status --demo", "cargo test --locked"]);
}
