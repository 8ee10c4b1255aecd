//! What there is to see changes while it is looked at.

use serde_json::{Value, json};

use super::child::{Watching, status};
use super::server::{NOW, Server};
use super::{condition, document, home, ready};

#[test]
fn rights_that_are_taken_away_have_everything_read_anew() {
    let server = Server::start(home());
    let args = ["-n", "flux", "-o", "json", "--now", NOW];
    let watching = Watching::start(&server, &args);
    assert_eq!(document(&watching.line())["complete"], true);
    server.await_asked(1, &["/kustomizations?watch=true"]);
    server.only_in("flux");
    server.expire("kustomizations", |unseen| unseen.put(ready("new", &[])));
    server.await_asked(1, &["/namespaces/flux/kustomizations?watch=true"]);
    let seen = document(&watching.line());
    assert_eq!(seen["complete"], false);
    assert_eq!(seen, serde_json::from_str::<Value>(&status(&server, &args).0).unwrap());
    assert_eq!(watching.interrupt().1, 130);
}

#[test]
fn a_namespace_that_is_referred_to_later_is_looked_into() {
    let server = Server::start(home());
    server.only_in("flux");
    let watching = Watching::start(&server, &["-n", "flux"]);
    watching.line();
    server.await_asked(1, &["/namespaces/flux/kustomizations?watch=true"]);
    let mut apps = ready("apps", &[]);
    apps["spec"]["dependsOn"] = json!([{"name": "base", "namespace": "other"}]);
    apps["status"]["conditions"] = json!([condition("False", "DependencyNotReady", "not ready")]);
    server.put(apps);
    server.await_asked(1, &["/namespaces/other/kustomizations?limit"]);
    assert_eq!(watching.interrupt().1, 130);
}
