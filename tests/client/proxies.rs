//! Proxies: when one is gone through, and who is blamed when it does not let us.

use std::net::TcpListener;

use serde_json::{Value, json};

use super::api::Api;
use super::home::{Home, Run, finish, kubeconfig};
use super::serve;
use super::server::{Reply, Server};

/// A name that has no address: whoever gets an answer has gone through a proxy.
const NOWHERE: &str = "http://api.cluster.invalid:6443";

/// It plays the API server behind it, too.
fn proxy() -> Server {
    let api = Api::recorded("healthy");
    Server::start(move |request| match &*request.method {
        "CONNECT" => Reply::new(200, "text/plain", ""),
        _ => api.answer(request),
    })
}

fn run(home: &Home, environment: &[(&str, &str)]) -> Run {
    finish(home.fluxlayers("status").envs(environment.iter().copied()))
}

fn with_proxy_url(url: &str) -> Value {
    let mut config = kubeconfig(NOWHERE, json!({}));
    config["clusters"][0]["cluster"]["proxy-url"] = url.into();
    config
}

#[test]
fn this_machine_is_asked_without_the_proxy_of_the_environment() {
    let server = serve(Api::recorded("healthy"));
    let home = Home::for_server(&server.url());
    let proxies = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];
    let run = run(&home, &proxies.map(|name| (name, "http://127.0.0.1:1")));
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn the_proxy_of_the_environment_is_gone_through_where_nothing_excepts_the_server() {
    let proxy = proxy();
    let home = Home::for_server(NOWHERE);
    let url = proxy.url();
    assert_eq!(run(&home, &[("HTTP_PROXY", &url), ("NO_PROXY", "other.invalid,")]).code, 0);
    assert!(proxy.targets().contains(&"api.cluster.invalid:6443".to_owned()), "{:#?}", proxy.targets());
    let asked = proxy.requests().len();
    for exception in ["*", "cluster.invalid", ".invalid", "api.cluster.invalid:6443"] {
        let run = run(&home, &[("HTTP_PROXY", &url), ("no_proxy", exception)]);
        assert!(run.stderr.starts_with(&format!("error: cannot reach {NOWHERE}: ")), "{exception}: {run:?}");
    }
    assert_eq!(proxy.requests().len(), asked);
}

#[test]
fn the_proxy_of_the_kubeconfig_beats_the_environment() {
    let proxy = proxy();
    let home = Home::with(&with_proxy_url(&proxy.url()));
    let run = run(&home, &[("HTTP_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", "*")]);
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn a_proxy_gets_its_login() {
    let proxy = proxy();
    let url = proxy.url().replace("http://", "http://me:pa%40ss@");
    assert_eq!(run(&Home::with(&with_proxy_url(&url)), &[]).code, 0);
    let requests = proxy.requests();
    let connect = requests.iter().find(|request| request.method == "CONNECT").unwrap();
    assert_eq!(connect.header("proxy-authorization"), Some("Basic bWU6cGFAc3M="));
}

/// What is said where the proxy is to blame, by the environment and by the kubeconfig.
fn blamed(url: &str) -> [String; 2] {
    let with_login = url.replace("http://", "http://me:marked-password@");
    let environment = run(&Home::for_server(NOWHERE), &[("http_proxy", &with_login)]);
    let own = run(&Home::with(&with_proxy_url(&with_login)), &[]);
    [environment, own].map(|run| {
        assert_eq!(run.code, 2, "{run:?}");
        assert!(!run.stderr.contains("marked-password"), "{}", run.stderr);
        run.stderr.replace(url, "http://PROXY")
    })
}

#[test]
fn a_proxy_that_does_not_answer_is_named_with_who_asked_for_it() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(); // closed again
    let [environment, own] = blamed(&format!("http://127.0.0.1:{port}"));
    insta::assert_snapshot!(environment, @r"
    error: cannot reach http://api.cluster.invalid:6443 through proxy http://PROXY: connection refused
    hint: is the proxy up, and does it reach the server? http_proxy names it; NO_PROXY=api.cluster.invalid goes around it
    ");
    insta::assert_snapshot!(own, @r"
    error: cannot reach http://api.cluster.invalid:6443 through proxy http://PROXY: connection refused
    hint: is the proxy up, and does it reach the server? proxy-url of this cluster in the kubeconfig names it
    ");
}

#[test]
fn a_proxy_that_refuses_is_named_and_not_the_server() {
    let answering = |status| Server::start(move |_| Reply::html(status));
    for status in [502, 503] {
        let [said, _] = blamed(&answering(status).url());
        insta::allow_duplicates! { insta::assert_snapshot!(said, @r"
        error: cannot reach http://api.cluster.invalid:6443 through proxy http://PROXY: it opens no connection to the server (CONNECT was refused)
        hint: is the proxy up, and does it reach the server? http_proxy names it; NO_PROXY=api.cluster.invalid goes around it
        ") };
    }
    let [environment, own] = blamed(&answering(407).url());
    insta::assert_snapshot!(environment, @r"
    error: cannot reach http://api.cluster.invalid:6443 through proxy http://PROXY: it wants a login (407)
    hint: http_proxy takes it as http://USER:PASSWORD@HOST:PORT
    ");
    insta::assert_snapshot!(own, @r"
    error: cannot reach http://api.cluster.invalid:6443 through proxy http://PROXY: it wants a login (407)
    hint: proxy-url in the kubeconfig takes it as http://USER:PASSWORD@HOST:PORT
    ");
    let [said, _] = blamed("http://proxy.invalid:3128");
    assert!(said.contains(" through proxy http://PROXY: "), "{said}");
}

#[test]
fn what_is_no_proxy_is_told_without_its_password() {
    let run = run(&Home::with(&with_proxy_url("ftp://me:marked-password@proxy")), &[]);
    insta::assert_snapshot!(run.stderr, @r"
    error: cannot use the proxy of proxy-url in the kubeconfig: it has to begin with http://, https:// or socks5://
    hint: such as http://proxy.example.com:3128
    ");
}
