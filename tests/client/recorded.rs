//! Clusters as a real API server described them.

use serde_json::json;

use super::api::{Api, NOW, recording};
use super::home::Home;
use super::serve;
use super::server::{Reply, Server};

#[test]
fn a_cluster_and_a_dump_of_it_give_the_same_bytes() {
    for (scene, code) in [("healthy", 0), ("blocked", 1)] {
        let server = serve(Api::recorded(scene));
        let home = Home::for_server(&server.url());
        let live = home.run(&format!("status -o json --now {NOW}"));
        assert_eq!((live.code, live.stderr.as_str()), (code, ""), "{scene}");
        home.write("dump.json", &Api::recorded(scene).dump().to_string());
        let dump = home.run(&format!("status -o json --from dump.json --now {NOW}"));
        assert_eq!(live.stdout, dump.stdout, "{scene}");
        assert_eq!(live.json()["complete"], true, "{scene}");
    }
}

#[test]
fn the_blocked_cluster_shows_its_causes() {
    let server = serve(Api::recorded("blocked"));
    let status = Home::for_server(&server.url()).run("status -o json").json();
    let causes: Vec<String> = status["rootCauses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cause| {
            let object = &cause["object"];
            let text = |name: &str| object[name].as_str().unwrap().to_owned();
            format!(
                "{}/{}/{} {}",
                text("kind"),
                text("namespace"),
                text("name"),
                cause["code"].as_str().unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(causes.join("\n"), @r"
    Deployment/external-secrets/external-secrets HelmInstallFailed
    GitRepository/apps/flux-system SourceNotFound
    Kustomization/apps/cycle-x DependencyCycle
    Kustomization/apps/does-not-exist DependencyNotFound
    GitRepository/apps/tenants SourceNotReady
    ");
}

#[test]
fn ages_are_measured_by_the_clock_of_the_server() {
    let server = serve(Api::recorded("blocked"));
    let home = Home::for_server(&server.url());
    let by_server = home.run("status");
    assert_eq!(
        by_server.stdout,
        home.run(&format!("status --now {NOW}")).stdout.replace(&format!(" --now {NOW}"), "")
    );
    assert_ne!(by_server.stdout, home.run("status --now 2026-11-25T06:30:00Z").stdout);
}

#[test]
fn the_recorded_description_of_a_server_names_what_is_listed() {
    for (answer, content_type) in [
        ("discovery-aggregated-apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"),
        ("discovery-apis", "application/json"),
    ] {
        let api = Api::recorded("healthy");
        let body = recording("healthy", answer);
        let server = Server::start(move |request| match &*request.path {
            "/apis" => Reply::new(200, content_type, body.clone()),
            _ => api.answer(request),
        });
        let run = Home::for_server(&server.url()).run("status -o json");
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{answer}");
        let lists = server.targets().len() - 1;
        assert_eq!(lists, 13, "{answer}: {:#?}", server.targets());
    }
}

#[test]
fn a_cluster_with_the_kinds_and_no_object_has_no_answer() {
    let nothing = Api::default()
        .with("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "kustomizations", vec![])
        .with("apps/v1", "Deployment", "deployments", vec![]);
    let server = serve(nothing);
    let run = Home::for_server(&server.url()).run("status");
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert_eq!(
        run.stderr,
        "error: nothing of Flux in context test\n\
         hint: the kinds of Flux are served, and no object is in sight: kubectl get ks,hr -A\n"
    );
}

#[test]
fn an_object_of_the_wrong_shape_is_one_warning() {
    let broken = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "odd", "namespace": "flux-system"}, "spec": {"path": 3}});
    let api = Api::recorded("healthy");
    let healthy = api.dump();
    let mut items: Vec<_> = healthy["items"].as_array().unwrap().clone();
    items.retain(|item| item["kind"] == "Kustomization");
    items.push(broken);
    let api = api.without(|plural| plural == "kustomizations").with(
        "kustomize.toolkit.fluxcd.io/v1",
        "Kustomization",
        "kustomizations",
        items,
    );
    let server = serve(api);
    let status = Home::for_server(&server.url()).run("status -o json").json();
    assert_eq!(status["complete"], false);
    assert_eq!(status["warnings"][0]["code"], "InputBroken", "{status}");
    assert_eq!(status["summary"]["ready"], 6);
}
