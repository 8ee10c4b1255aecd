//! `snapshot` of a live cluster: what is explained elsewhere is explained alike.

use serde_json::Value;

use super::api::{Api, scene};
use super::home::Home;
use super::serve;

/// Answers of the live cluster, and from what `snapshot` wrote of it; every request that was made.
fn both(api: impl Fn() -> Api, words: &str) -> (String, String, Vec<String>) {
    let server = serve(api());
    let home = Home::for_server(&server.url());
    let live = home.run(words);
    let asked = server.targets();
    let server = serve(api());
    let home = Home::for_server(&server.url());
    let written = home.run("snapshot -f snapshot.yaml");
    assert_eq!((written.code, written.stdout.as_str()), (0, ""), "{written:?}");
    if words == "why -o json" {
        assert_eq!(server.targets(), asked, "it reads what why reads");
    }
    let read = home.run(&format!("{words} --from snapshot.yaml"));
    assert_eq!(live.code, read.code, "{live:?} {read:?}");
    (live.stdout, read.stdout, asked)
}

#[test]
fn every_scene_is_explained_alike_live_and_from_its_snapshot() {
    for name in ["health", "helm", "sopsfail", "sources", "applyerr", "depmissing", "home-nfd"] {
        let (live, read, asked) = both(|| scene(name), "why -o json");
        assert_eq!(live, read, "{name}");
        assert!(asked.len() <= 40, "{name}: {}", asked.len());
    }
    for (name, words) in
        [("healthy", "why -o json"), ("healthy", "status -o json --kind all"), ("blocked", "why -o json")]
    {
        let (live, read, _) = both(|| Api::recorded(name), words);
        assert_eq!(live, read, "{name}: {words}");
    }
}

#[test]
fn status_of_a_snapshot_knows_what_why_knows_and_differs_in_nothing_else() {
    // Live, status reads no Pods and no Secrets; in a snapshot they are at hand.
    for name in ["blocked", "healthy"] {
        let (live, read, _) = both(|| Api::recorded(name), "status -o json --kind all");
        let [mut live, mut read]: [Value; 2] = [live, read].map(|text| serde_json::from_str(&text).unwrap());
        for status in [&mut live, &mut read] {
            for cause in status["rootCauses"].as_array_mut().unwrap() {
                for refined in ["subcode", "summary", "evidence", "remedies"] {
                    cause[refined] = Value::Null;
                }
            }
        }
        assert_eq!(live, read, "{name}");
    }
}

#[test]
fn the_secret_that_decides_is_there_by_its_keys_alone() {
    let server = serve(scene("sopsfail"));
    let home = Home::for_server(&server.url());
    let secrets = |run: &Value| -> Vec<Value> {
        let items = run["items"].as_array().unwrap().iter();
        items.filter(|item| item["kind"] == "Secret").cloned().collect()
    };
    let written = home.run("snapshot -o json").json();
    let found = secrets(&written);
    assert!(!found.is_empty());
    for secret in &found {
        assert!(secret["data"].as_object().unwrap().values().all(|value| value == ""), "{secret}");
    }
    let announced = |secret: &Value| secret["metadata"]["annotations"]["fluxlayers/age-recipients"].is_string();
    assert!(found.iter().any(announced), "{found:?}");

    let server = serve(scene("sopsfail"));
    let home = Home::for_server(&server.url());
    assert_eq!(secrets(&home.run("snapshot -o json --no-secrets").json()), Vec::<Value>::new());
    assert!(server.requests().iter().all(|request| !request.path.contains("/secrets")));
}

#[test]
fn what_may_not_be_seen_is_not_covered_elsewhere_either() {
    let api = || Api::recorded("blocked").may(|_, namespace| namespace == Some("apps"));
    let in_apps = |words: &str| {
        let server = serve(api());
        let home = Home::for_server(&server.url());
        let live = home.run(&format!("{words} -n apps"));
        let written = home.run("snapshot -n apps -f snapshot.json");
        assert_eq!(written.code, 0, "{written:?}");
        assert!(written.stderr.contains("were read in apps alone"), "{written:?}");
        (live.stdout, home.run(&format!("{words} -n apps --from snapshot.json")).stdout)
    };
    for words in ["why -o json", "status -o json --kind all"] {
        let (live, read) = in_apps(words);
        assert!(live.contains("\"complete\": false"));
        assert_eq!(live, read, "{words}");
    }
}
