//! Lists in pages.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::api::Api;
use super::cheap::many;
use super::home::Home;
use super::serve;
use super::server::{Reply, Server};

#[test]
fn all_pages_are_read_whether_the_last_one_says_continue_or_not() {
    for api in [many(1200), many(1200).no_continue()] {
        let server = serve(api);
        let run = Home::for_server(&server.url()).run("status -o json");
        let status = run.json();
        assert_eq!((&status["summary"]["total"], &status["complete"]), (&1200.into(), &true.into()));
        let pages: Vec<String> =
            server.targets().into_iter().filter(|target| target.contains("kustomizations?")).collect();
        let path = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations?limit=500";
        assert_eq!(pages, [path.to_owned(), format!("{path}&continue=1000"), format!("{path}&continue=500")]);
    }
}

#[test]
fn a_list_that_expires_between_two_pages_is_begun_anew() {
    let (api, expired) = (many(1200), AtomicUsize::new(0));
    let server = Server::start(move |request| {
        let second = request.parameter("continue") == Some("500");
        if second && expired.fetch_add(1, Ordering::SeqCst) == 0 { gone() } else { api.answer(request) }
    });
    let run = Home::for_server(&server.url()).run("status -o json");
    let status = run.json();
    assert_eq!((&status["summary"]["total"], &status["complete"]), (&1200.into(), &true.into()));
}

#[test]
fn a_list_that_always_expires_is_an_error_and_no_part_of_an_answer() {
    let api = many(1200);
    let server =
        Server::start(
            move |request| {
                if request.parameter("continue").is_some() { gone() } else { api.answer(request) }
            },
        );
    let run = Home::for_server(&server.url()).run("status");
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("its pages expire faster than they are read (410)"), "{}", run.stderr);
}

#[test]
fn a_list_without_items_holds_none() {
    for items in ["null", "[]"] {
        let api = Api::recorded("healthy");
        let server = Server::start(move |request| match request.path.ends_with("/helmreleases") {
            true => Reply::json(
                200,
                format!(
                    r#"{{"kind":"HelmReleaseList","apiVersion":"helm.toolkit.fluxcd.io/v2","metadata":{{}},"items":{items}}}"#
                ),
            ),
            false => api.answer(request),
        });
        let run = Home::for_server(&server.url()).run("status -o name --kind hr");
        assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{run:?}");
    }
}

fn gone() -> Reply {
    let said = "The provided continue parameter is too old to display a consistent list result.";
    Reply::status(410, "Expired", said)
}
