//! Credentials: used, and never shown.

use base64::Engine as _;
use serde_json::{Value, json};

use super::api::Api;
use super::home::{Home, Run, kubeconfig};
use super::serve;
use super::server::{Reply, Server};
use super::tls::asks_for_a_certificate;

/// What no output may hold.
const MARK: &str = "marked-secret";

fn assert_unmarked(run: &Run) {
    assert!(!run.stdout.contains(MARK), "{run:?}");
    assert!(!run.stderr.contains(MARK), "{run:?}");
}

/// A credential plugin: a shell script, with a secret in its environment and its arguments.
fn plugin(script: &str) -> Value {
    json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
        "command": "/bin/sh", "args": ["-c", script, MARK], "env": [{"name": "CLIENT_SECRET", "value": MARK}]}})
}

const GIVES_A_TOKEN: &str = r#"echo run >> "$HOME/runs"
echo noise >&2
echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "marked-secret"}}'"#;

#[test]
fn a_credential_plugin_runs_once_and_its_token_is_used_and_not_shown() {
    let server = serve(Api::recorded("blocked"));
    let home = Home::with(&kubeconfig(&server.url(), plugin(GIVES_A_TOKEN)));
    for args in ["status", "status -v", "status -o json"] {
        let run = home.run(args);
        assert_eq!(run.code, 1, "{run:?}");
        assert_unmarked(&run);
    }
    assert_eq!(std::fs::read_to_string(home.path().join("runs")).unwrap(), "run\nrun\nrun\n");
    for request in server.requests() {
        assert_eq!(request.header("authorization"), Some("Bearer marked-secret"));
    }
}

#[test]
fn a_plugin_that_fails_is_named_with_the_first_line_of_what_it_complains_of() {
    for (script, reason) in [
        (
            "echo 'marked-secret'; echo >&2; echo 'token has expired, run login' >&2; echo more >&2; exit 3",
            "exit status: 3: token has expired, run login",
        ),
        ("echo 'marked-secret'; exit 1", "exit status: 1"),
        ("echo 'marked-secret'", "what it printed is no ExecCredential"),
        ("echo '{\"status\": \"marked-secret\"}'", "what it printed is no ExecCredential"),
        ("echo '{\"token\": \"marked-secret\"}'", "what it printed is no ExecCredential"),
        (
            "echo '{\"status\": {\"token\": \"x\", \"expirationTimestamp\": \"marked-secret\"}}'",
            "what it printed is no ExecCredential",
        ),
    ] {
        let home = Home::with(&kubeconfig("https://127.0.0.1:1", plugin(script)));
        for args in ["status", "status -v"] {
            let run = home.run(args);
            assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
            assert_unmarked(&run);
            assert_eq!(
                run.stderr,
                format!(
                    "error: credential plugin `/bin/sh` failed: {reason}\nhint: run `/bin/sh` yourself; often a new login helps\n"
                ),
            );
        }
    }
}

#[test]
fn a_plugin_that_is_not_there_is_named_with_how_to_install_it() {
    let user = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
        "command": "kubelogin-absent", "installHint": "brew install kubelogin-absent"}});
    let run = Home::with(&kubeconfig("https://127.0.0.1:1", user)).run("status");
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (
            2,
            "error: credential plugin `kubelogin-absent` failed: it cannot be started: No such file or directory (os error 2)\n\
             hint: brew install kubelogin-absent\n"
        )
    );
}

#[test]
fn a_token_shows_up_nowhere_even_where_it_cannot_be_sent() {
    for (user, args) in [
        (json!({"token": MARK}), "status -v"),
        (json!({"token": format!("{MARK}\nsecond line")}), "status -v"),
        (json!({}), "status -v --token marked-secret"),
        (json!({"username": MARK, "password": MARK}), "status -v"),
    ] {
        for server in [
            serve(Api::recorded("blocked")),
            Server::start(|_| Reply::status(401, "Unauthorized", "Unauthorized")),
        ] {
            let run = Home::with(&kubeconfig(&server.url(), user.clone())).run(args);
            assert_unmarked(&run);
        }
    }
    let run = Home::with(&kubeconfig("http://127.0.0.1:1", json!({"tokenFile": "absent"}))).run("status");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("cannot use the kubeconfig: credentials: "), "{}", run.stderr);
}

#[test]
fn a_certificate_is_shown_wherever_it_comes_from() {
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let (config, authority, [certificate, key]) = asks_for_a_certificate();
    let api = Api::recorded("healthy");
    let server = Server::start_tls(config, move |request| api.answer(request));
    let given = json!({"status": {"clientCertificateData": certificate, "clientKeyData": key}}).to_string();
    for (user, code) in [
        (json!({"client-certificate-data": base64(&certificate), "client-key-data": base64(&key)}), 0),
        (plugin("cat \"$HOME/given\""), 0),
        (json!({}), 2),
    ] {
        let mut config = kubeconfig(&server.url(), user);
        config["clusters"][0]["cluster"]["certificate-authority-data"] = base64(&authority).into();
        let home = Home::with(&config);
        home.write("given", &given);
        let run = home.run("status");
        assert_eq!(run.code, code, "{run:?}");
        assert!(!run.stderr.contains("PRIVATE"), "{run:?}");
    }
}
