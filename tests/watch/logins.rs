//! A credential plugin in a long watch: run again when it must be, once for all that wait for it.

use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;

use super::child::Watching;
use super::server::Server;
use super::{failing, home};

/// A folder with a kubeconfig whose user runs a shell script; each run leaves a line in `runs`.
struct Plugin {
    folder: TempDir,
}

impl Plugin {
    fn new(server: &Server, script: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let runs = folder.path().join("runs");
        let script = format!("runs={}; echo run >> $runs; run=$(wc -l < $runs); {script}", runs.display());
        let exec = json!({"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
            "command": "/bin/sh", "args": ["-c", script]});
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": server.url()}}],
            "users": [{"name": "me", "user": {"exec": exec}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "me"}}]});
        std::fs::write(folder.path().join("config"), config.to_string()).unwrap();
        Self { folder }
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    fn runs(&self) -> usize {
        std::fs::read_to_string(self.folder.path().join("runs")).unwrap_or_default().lines().count()
    }
}

/// A token for each run, without a time when it expires.
const A_TOKEN: &str = r#"echo "{\"status\": {\"token\": \"t$(($run + 0))\"}}""#;

/// Follows a server with the login of a plugin, until that server is gone and this was told.
fn out_of_touch(server: &mut Server, plugin: &Plugin) -> Watching {
    let watching = Watching::with(&plugin.kubeconfig(), &[]);
    watching.line();
    server.await_asked(1, &["/kustomizations?watch=true"]);
    server.stop();
    let said = watching.error();
    assert!(said.starts_with("warning: connection lost, last heard of it "), "{said}");
    watching
}

#[test]
fn a_login_that_is_refused_is_renewed_by_one_run_for_all() {
    let mut server = Server::start(home());
    server.wants_token("t1");
    let plugin = Plugin::new(&server, A_TOKEN);
    let watching = out_of_touch(&mut server, &plugin);

    server.wants_token("t2");
    server.put(failing("infra", &[]));
    server.start_again();
    assert_eq!(watching.change().split("  ").next(), Some("✗ infra"));
    assert_eq!(plugin.runs(), 2);
    assert_eq!(watching.interrupt().1, 130);
}

#[test]
fn another_reason_to_be_out_of_touch_is_told_too() {
    let mut server = Server::start(home());
    let plugin = Plugin::new(&server, r#"[ $run -eq 1 ] || exit 3; echo '{"status": {"token": "t1"}}'"#);
    let watching = out_of_touch(&mut server, &plugin);
    server.wants_token("never");
    server.start_again();
    let said = watching.error();
    assert!(said.starts_with("warning: login lost, last heard of it "), "{said}");
    server.wants_token("t1"); // and the server takes what it has refused
    assert_eq!(watching.interrupt().1, 130);
}

#[test]
fn who_waits_for_a_plugin_is_told_so_and_may_leave() {
    let server = Server::start(home());
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let plugin = Plugin::new(&server, "exec sleep 1000");
        let watching = Watching::with(&plugin.kubeconfig(), &[]);
        assert_eq!(watching.error(), "note: waiting for credential plugin `/bin/sh` to log in");
        watching.signal(signal);
        assert_eq!(watching.end(), (vec![], code));
    }
    assert_eq!(server.asked(&["/"]), 0);
}
