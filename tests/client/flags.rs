//! Which cluster is asked, and as whom.

use serde_json::json;

use super::api::Api;
use super::home::{Home, finish, kubeconfig};
use super::serve;
use super::server::{Reply, Server};

fn healthy() -> Server {
    serve(Api::recorded("healthy"))
}

fn token_of(server: &Server) -> Vec<String> {
    let requests = server.requests();
    let mut tokens: Vec<String> =
        requests.iter().map(|request| request.header("authorization").unwrap_or("none").to_owned()).collect();
    tokens.dedup();
    tokens
}

#[test]
fn the_context_decides_and_a_flag_chooses_another() {
    let (one, two) = (healthy(), serve(Api::recorded("blocked")));
    let mut config = kubeconfig(&one.url(), json!({"token": "first"}));
    config["clusters"].as_array_mut().unwrap().push(json!({"name": "two", "cluster": {"server": two.url()}}));
    config["users"].as_array_mut().unwrap().push(json!({"name": "you", "user": {"token": "second"}}));
    let context = json!({"name": "other", "context": {"cluster": "two", "user": "you"}});
    config["contexts"].as_array_mut().unwrap().push(context);
    let home = Home::with(&config);
    assert_eq!(home.run("status").code, 0);
    assert_eq!((token_of(&one), two.requests().len()), (vec!["Bearer first".to_owned()], 0));
    let run = home.run("status --context other");
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("context other"), "{}", run.stdout);
    assert_eq!(token_of(&two), ["Bearer second"]);
    assert_eq!(home.run("status --cluster two --user me").code, 1);
    assert_eq!(token_of(&two), ["Bearer second", "Bearer first"]);
}

#[test]
fn the_kubeconfig_is_found_where_kubectl_finds_it() {
    let server = healthy();
    let home = Home::new();
    let config = kubeconfig(&server.url(), json!({"token": "t"}));
    let path = home.write("own.yaml", &config.to_string());
    assert_eq!(home.run("status").code, 2);
    assert_eq!(home.run("status --kubeconfig own.yaml").code, 0);
    assert_eq!(finish(home.fluxlayers("status").env("KUBECONFIG", &path)).code, 0);

    // the context in one file, its cluster and user in another; what is not there is passed over
    let mut rest = config.clone();
    let contexts = rest.as_object_mut().unwrap().remove("contexts").unwrap();
    rest.as_object_mut().unwrap().remove("current-context");
    let first = home.write(
        "first.yaml",
        &json!({"apiVersion": "v1", "kind": "Config", "current-context": "test", "contexts": contexts})
            .to_string(),
    );
    let second = home.write("second.yaml", &rest.to_string());
    let list = std::env::join_paths([home.path().join("absent"), first, second]).unwrap();
    let run = finish(home.fluxlayers("status").env("KUBECONFIG", list));
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn a_server_and_a_token_need_no_kubeconfig() {
    let server = healthy();
    let run = Home::new().run(&format!("status --server {} --token given", server.url()));
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(token_of(&server), ["Bearer given"]);
}

#[test]
fn flags_beat_what_the_kubeconfig_says() {
    for user in [
        json!({"token": "own"}),
        json!({"tokenFile": "own-token"}),
        json!({"username": "own", "password": "own"}),
        json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/false", "interactiveMode": "Never"}}),
    ] {
        let server = healthy();
        let home = Home::with(&kubeconfig("http://127.0.0.1:1", user));
        home.write(".kube/own-token", "own");
        let run = home.run(&format!("status --server {} --token given", server.url()));
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(token_of(&server), ["Bearer given"]);
    }
}

#[test]
fn a_user_may_act_as_another() {
    let server = healthy();
    let extra = "--as-user-extra reason=incident --as-user-extra reason=7 --as-user-extra a.b/c=d=e";
    let args = format!("status --as jane --as-group dev --as-group ops --as-uid 42 {extra}");
    let run = Home::for_server(&server.url()).run(&args);
    assert_eq!(run.code, 0, "{run:?}");
    for request in server.requests() {
        assert_eq!(request.header("impersonate-user"), Some("jane"));
        assert_eq!(request.headers("impersonate-group"), ["dev", "ops"]);
        assert_eq!(request.header("impersonate-uid"), Some("42"));
        assert_eq!(request.headers("impersonate-extra-reason"), ["incident", "7"]);
        assert_eq!(request.header("impersonate-extra-a.b%2fc"), Some("d=e"));
    }
}

#[test]
fn a_server_behind_a_path_is_asked_below_it() {
    let api = Api::recorded("healthy");
    let server = Server::start(move |request| {
        let mut request = request.clone();
        request.path = request.path.strip_prefix("/k8s/clusters/c-1").unwrap_or("/nowhere").to_owned();
        api.answer(&request)
    });
    let run = Home::for_server(&format!("{}/k8s/clusters/c-1", server.url())).run("status");
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn a_proxy_is_gone_through() {
    let api = Api::recorded("healthy");
    let proxy = Server::start(move |request| match &*request.method {
        "CONNECT" => Reply::new(200, "text/plain", ""), // and it plays the API server behind it, too
        _ => api.answer(request),
    });
    let mut config = kubeconfig("http://api.cluster.invalid:6443", json!({"token": "t"}));
    config["clusters"][0]["cluster"]["proxy-url"] = proxy.url().into();
    let run = Home::with(&config).run("status");
    assert_eq!(run.code, 0, "{run:?}");
    assert!(proxy.targets().contains(&"api.cluster.invalid:6443".to_owned()), "{:#?}", proxy.targets());
}

#[test]
fn a_token_that_no_header_can_hold_is_told_and_not_quoted() {
    let server = serve(Api::recorded("healthy"));
    let home = Home::for_server(&server.url());
    let run = finish(home.fluxlayers("status --token").arg("hush\nhush"));
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("the token holds characters that no token may hold"), "{run:?}");
    assert!(!run.stderr.contains("hush"), "{run:?}");
}
