//! Values of Secrets as an API server gives them, whole, broken or in an error: never shown.

use base64::Engine as _;
use serde_json::json;

use super::api::scene;
use super::home::Home;
use super::server::{Reply, Server};

/// Stands where a value of a Secret stands.
const MARK: &str = "marked-secret";

#[test]
fn no_value_of_a_secret_leaves_the_program_whatever_the_server_makes_of_it() {
    let base64 = base64::engine::general_purpose::STANDARD.encode(MARK);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "sopsfail",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": MARK}},
        "data": {"age.agekey": base64, "identity.asc": base64, "sops.aws-kms": base64, "age.key": base64}, "stringData": {"plain": MARK}});
    let whole = secret.to_string();
    let odd =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "data": [MARK, {"a": MARK}]})
            .to_string();
    let torn = whole[..whole.len() - 20].to_owned();
    let bodies = [whole, odd, torn, format!("\"{MARK}\""), format!("<html>{MARK}</html>")];
    for (at, body) in bodies.into_iter().enumerate() {
        let api = scene("sopsfail");
        let server = Server::start(move |request| match request.path.contains("/secrets/") {
            true => Reply::new(200, "application/json", body.clone().into_bytes()),
            false => api.answer(request),
        });
        let home = Home::for_server(&server.url());
        for words in [
            "why",
            "why -v",
            "why -o json",
            "why -o yaml",
            "snapshot",
            "snapshot -o json",
            "status -v",
            "impact ks/sopsfail/mismatch -v",
        ] {
            let run = home.run(words);
            for mark in [MARK, &base64] {
                assert!(!run.stdout.contains(mark) && !run.stderr.contains(mark), "{at}: {words}: {run:?}");
            }
        }
        assert!(server.targets().iter().any(|target| target.contains("/secrets/")), "a Secret was asked for");
    }
}
