//! What the cluster serves: old servers, old Flux, and kinds that are not there.

use super::api::{Api, Discovery, recording};
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

/// What `version` says of a cluster, and its warnings.
fn version(api: Api, definition: Reply, args: &str) -> (String, String) {
    let server = Server::start(move |request| match request.path.as_str() {
        "/version" => Reply::json(200, recording("healthy", "version")),
        path if path.contains("/customresourcedefinitions/") => definition.clone(),
        _ => api.answer(request),
    });
    let run = Home::for_server(&server.url()).run(&format!("version {args}"));
    assert_eq!(run.code, 0, "{run:?}");
    (run.stdout, run.stderr)
}

fn definition(labels: &serde_json::Value) -> Reply {
    let body = serde_json::json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "gitrepositories.source.toolkit.fluxcd.io", "labels": labels}});
    Reply::json(200, body.to_string())
}

fn forbidden() -> Reply {
    Reply::status(403, "Forbidden", "customresourcedefinitions is forbidden")
}

fn line<'a>(text: &'a str, begin: &str) -> &'a str {
    text.lines().find(|line| line.starts_with(begin)).unwrap_or_default()
}

#[test]
fn the_versions_of_flux_and_its_controllers_are_told() {
    let labels = serde_json::json!({"app.kubernetes.io/version": "v2.9.4"});
    let unreported = || Api::recorded("healthy").without(|plural| plural == "fluxreports");
    for (api, told) in [(Api::recorded("healthy"), "v2.9.0"), (unreported(), "v2.9.4")] {
        let (said, warned) = version(api, definition(&labels), "");
        assert_eq!(line(&said, "Flux").split_whitespace().nth(1), Some(told), "{said}");
        assert!(line(&said, "kustomize-controller").contains("2/2"), "{said}");
        assert!(!said.contains("absent"), "{said}");
        assert_eq!(warned, "");
    }
}

#[test]
fn a_controller_that_is_not_installed_is_named_where_it_is_needed() {
    let without = |name: &'static str| {
        Api::recorded("healthy").only("deployments", move |item| item["metadata"]["name"] != name)
    };
    let none = serde_json::json!({});
    let (said, _) = version(without("kustomize-controller"), definition(&none), "");
    assert!(line(&said, "kustomize-controller").contains("absent"), "{said}");
    let (said, _) = version(without("kustomize-controller"), definition(&none), "-o json");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["absent"][0]["name"], "kustomize-controller");
    let (said, _) = version(without("notification-controller"), definition(&none), "");
    assert!(!said.contains("absent"), "nothing waits for it: {said}");

    let idle = without("kustomize-controller").only("kustomizations", |_| false);
    assert!(!version(idle, definition(&none), "").0.contains("absent"));
    let hidden = without("kustomize-controller").may(|plural, _| plural != "deployments");
    let (said, warned) = version(hidden, definition(&none), "");
    assert!(!said.contains("absent"), "{said}");
    assert!(warned.contains("deployments.apps is forbidden"), "{warned}");
}

#[test]
fn what_is_not_in_sight_is_not_called_absent() {
    let flux = |api, definition| {
        line(&version(api, definition, "").0, "Flux").trim_start_matches("Flux").trim().to_owned()
    };
    let none = || Api::default().with("apps/v1", "Deployment", "deployments", vec![]);
    let nothing = || {
        Api::recorded("healthy")
            .without(|plural| plural == "fluxreports")
            .may(|plural, _| !["deployments", "fluxinstances"].contains(&plural))
    };
    assert_eq!(flux(nothing(), forbidden()), "installed, version not in sight");
    let unlabelled =
        || Api::recorded("healthy").without(|plural| plural == "fluxreports").only("deployments", |_| false);
    assert_eq!(flux(unlabelled(), definition(&serde_json::json!({}))), "installed, no version is stated");
    assert_eq!(flux(none(), forbidden()), "not in sight");
    assert_eq!(flux(none(), Reply::not_served()), "not installed");
}

#[test]
fn scripts_tell_what_is_forbidden_from_what_is_not_there_and_what_bears_no_version() {
    let told = |api: Api, definition| {
        let (said, _) = version(api, definition, "-o json");
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let [complete, installed, flux] =
            ["complete", "installed", "flux"].map(|field| said[field].to_string());
        format!("{complete} {installed} {flux}")
    };
    let unreported = || Api::recorded("healthy").without(|plural| plural == "fluxreports");
    let bare = || unreported().only("deployments", |_| false);
    let none = serde_json::json!({});
    assert_eq!(told(Api::recorded("healthy"), definition(&none)), "true true \"v2.9.0\"");
    assert_eq!(told(bare(), definition(&none)), "true true null", "no label");
    assert_eq!(told(bare(), forbidden()), "false true null", "forbidden");
    let empty = || Api::default().with("apps/v1", "Deployment", "deployments", vec![]);
    assert_eq!(told(empty(), Reply::not_served()), "true false null", "not installed");
    assert_eq!(told(empty(), forbidden()), "false null null", "not in sight");
}

#[test]
fn what_controllers_have_to_do_is_asked_in_the_version_that_is_served() {
    let api = old().only("deployments", |item| item["metadata"]["name"] != "helm-controller");
    let (said, warned) = version(api, definition(&serde_json::json!({})), "");
    assert!(line(&said, "helm-controller").contains("absent"), "{said}");
    assert_eq!(warned, "");
}

#[test]
fn a_controller_that_is_not_installed_is_a_warning_of_status_until_something_waits_for_it() {
    let api = |keep: fn(&serde_json::Value) -> bool| Api::recorded("healthy").only("deployments", keep);
    let server = serve(api(|item| item["metadata"]["name"] != "helm-controller"));
    let run = Home::for_server(&server.url()).run("status -o json");
    let said = warnings(&run);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        said.iter().any(|text| text.starts_with("ControllerNotRunning helm-controller is not installed")),
        "{said:?}"
    );
}
