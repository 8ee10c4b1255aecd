//! What the cluster serves: old servers, old Flux, and kinds that are not there.

use super::api::{Api, Discovery};
use super::home::Home;
use super::rights::warnings;
use super::serve;
use super::server::{Reply, Server};

#[test]
fn an_old_server_that_names_only_groups_gives_the_same_answer() {
    let status = |discovery| {
        let server = serve(Api::recorded("blocked").discovered(discovery));
        let run = Home::for_server(&server.url()).run("status -o json");
        assert_eq!((run.code, run.stderr.as_str()), (1, ""));
        run.stdout
    };
    let aggregated = status(Discovery::Aggregated);
    assert_eq!(aggregated, status(Discovery::Plain));
    assert_eq!(aggregated, status(Discovery::Forbidden));
}

#[test]
fn the_first_release_of_flux_is_read() {
    for discovery in [Discovery::Aggregated, Discovery::Plain] {
        let server = serve(old().discovered(discovery));
        let run = Home::for_server(&server.url()).run("status -o json --kind all");
        assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{discovery:?}");
        let status = run.json();
        assert_eq!(status["complete"], true);
        assert_eq!(warnings(&run), Vec::<String>::new());
        assert_eq!(status["summary"]["total"], 38, "{discovery:?}"); // 35 Kustomizations, 1 missing, 2 HelmReleases
        let asked = server.targets().join("\n");
        assert!(asked.contains("helm.toolkit.fluxcd.io/v2beta1/helmreleases"), "{asked}");
        assert!(asked.contains("source.toolkit.fluxcd.io/v1beta2/helmcharts"), "{asked}");
        assert!(asked.contains("source.toolkit.fluxcd.io/v1/gitrepositories"), "{asked}");
    }
}

/// Kinds and versions of Flux 2.0, with the objects of the blocked cluster.
fn old() -> Api {
    let later =
        ["externalartifacts", "fluxinstances", "fluxreports", "resourcesets", "resourcesetinputproviders"];
    let mut api = Api::recorded("blocked").without(move |plural| later.contains(&plural));
    for plural in ["buckets", "helmcharts", "helmrepositories", "ocirepositories"] {
        api = api.in_version(plural, "v1beta2");
    }
    api.in_version("helmreleases", "v2beta1")
}

#[test]
fn a_kind_that_is_not_installed_is_silent() {
    for discovery in [Discovery::Aggregated, Discovery::Plain, Discovery::Forbidden] {
        let few = ["kustomizations", "gitrepositories", "ocirepositories", "deployments", "events"];
        let api = Api::recorded("healthy").without(move |plural| !few.contains(&plural)).discovered(discovery);
        let run = Home::for_server(&serve(api).url()).run("status -o json");
        let status = run.json();
        assert_eq!(status["warnings"], serde_json::json!([]), "{discovery:?}");
        assert_eq!((&status["complete"], &status["summary"]["total"]), (&true.into(), &6.into()));
    }
}

#[test]
fn a_server_without_flux_says_so() {
    for discovery in [Discovery::Aggregated, Discovery::Plain, Discovery::Forbidden] {
        let api = Api::default().with("apps/v1", "Deployment", "deployments", vec![]).discovered(discovery);
        let server = serve(api);
        let run = Home::for_server(&server.url()).run("status");
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{discovery:?}");
        let said = format!(
            "error: Flux is not installed on {}\n\
             hint: is this the right cluster? kubectl config current-context; flux check --pre\n",
            server.url()
        );
        assert_eq!(run.stderr, said, "{discovery:?}");
    }
}

#[test]
fn other_json_never_passes_for_an_empty_cluster() {
    let run = Home::for_server(&Server::start(|_| Reply::json(200, r#"{"ok": true}"#)).url()).run("status");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("GET /apis gave JSON that is no object of Kubernetes"), "{}", run.stderr);

    let api = Api::recorded("healthy");
    let server = Server::start(move |request| match request.path.ends_with("/gitrepositories") {
        true => Reply::json(200, r#"{"kind": "Table", "apiVersion": "meta.k8s.io/v1", "rows": []}"#),
        false => api.answer(request),
    });
    let run = Home::for_server(&server.url()).run("status");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("gitrepositories?limit=500 gave a Table"), "{}", run.stderr);
}
