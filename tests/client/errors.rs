//! Why there is no answer: each failure in words of its own, with what to check, on one screen.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use serde_json::{Value, json};

use super::api::{Api, recording};
use super::home::{Home, Run, finish, kubeconfig};
use super::serve;
use super::server::{Cut, Reply, Server};
use super::tls::{self_signed, self_signed_for};

/// What it said on standard error, after a failure that has to be one.
fn said(run: &Run, home: &Home, server: &str) -> String {
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
    assert!(run.stderr.lines().count() < 24, "{}", run.stderr);
    let text = run.stderr.replace(home.path().to_str().unwrap(), "HOME").replace(server, "SERVER");
    // numbers of one operating system
    let mut parts = text.split(" (os error ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once(')').unwrap().1)
}

/// What `status` says of a server that always answers this.
fn told(reply: Reply) -> String {
    told_by(move |_: &super::server::Request| reply.clone())
}

fn told_by(script: impl Fn(&super::server::Request) -> Reply + Send + Sync + 'static) -> String {
    let server = Server::start(script);
    let home = Home::for_server(&server.url());
    said(&home.run("status --request-timeout 20s"), &home, &server.url())
}

/// What `status` says of a kubeconfig, without any server.
fn told_of(kubeconfig: &Value, args: &str) -> String {
    let home = Home::with(kubeconfig);
    said(&home.run(&format!("status {args}")), &home, "http://127.0.0.1:1")
}

fn nowhere() -> Value {
    kubeconfig("http://127.0.0.1:1", json!({"token": "t"}))
}

#[test]
fn no_kubeconfig() {
    let home = Home::new();
    insta::assert_snapshot!(said(&home.run("status"), &home, "none"), @r"
    error: no kubeconfig with a context in HOME/.kube/config, and not running in a cluster
    hint: set KUBECONFIG or give --kubeconfig; without any cluster: --demo, or --from a dump
    ");
    let run = finish(home.fluxlayers("status").env("KUBECONFIG", home.path().join("absent")));
    insta::assert_snapshot!(said(&run, &home, "none"), @r"
    error: no kubeconfig with a context in HOME/absent, and not running in a cluster
    hint: set KUBECONFIG or give --kubeconfig; without any cluster: --demo, or --from a dump
    ");
    insta::assert_snapshot!(said(&home.run("status --kubeconfig absent"), &home, "none"), @r"
    error: cannot use the kubeconfig: absent: No such file or directory
    hint: kubectl config view shows what kubectl makes of it
    ");
}

#[test]
fn a_kubeconfig_that_cannot_be_read() {
    let home = Home::new();
    home.write(
        "broken.yaml",
        "apiVersion: v1\nkind: Config\nusers:\n- name: me\n  user: {token: marked-token\n",
    );
    insta::assert_snapshot!(said(&home.run("status --kubeconfig broken.yaml"), &home, "none"), @r"
    error: cannot use the kubeconfig: broken.yaml: it is no kubeconfig: line 5, column 9
    hint: kubectl config view shows what kubectl makes of it
    ");
    home.write("shape.yaml", "apiVersion: v1\nkind: Config\nusers:\n- marked-token\n");
    insta::assert_snapshot!(said(&home.run("status --kubeconfig shape.yaml"), &home, "none"), @r"
    error: cannot use the kubeconfig: shape.yaml: it is no kubeconfig: line 4, column 3
    hint: kubectl config view shows what kubectl makes of it
    ");

    let mut config = nowhere();
    config["current-context"] = "".into();
    insta::assert_snapshot!(told_of(&config, ""), @r"
    error: cannot use the kubeconfig: no current-context is set, and --context is not given
    hint: kubectl config view shows what kubectl makes of it
    ");
    config = nowhere();
    config["clusters"][0]["cluster"]["certificate-authority"] = "absent.crt".into();
    insta::assert_snapshot!(told_of(&config, ""), @r"
    error: cannot use the kubeconfig: certificate-authority HOME/.kube/absent.crt: No such file or directory
    hint: kubectl config view shows what kubectl makes of it
    ");
    config = nowhere();
    config["clusters"][0]["cluster"]["certificate-authority-data"] = "*".into();
    insta::assert_snapshot!(told_of(&config, ""), @r"
    error: cannot use the kubeconfig: certificate-authority-data is no base64
    hint: kubectl config view shows what kubectl makes of it
    ");
    config = nowhere();
    config["contexts"][0]["context"]["cluster"] = "gone".into();
    insta::assert_snapshot!(told_of(&config, ""), @r"
    error: cannot use the kubeconfig: its context names cluster `gone`, which it does not hold
    hint: kubectl config view shows what kubectl makes of it
    ");
    insta::assert_snapshot!(told_of(&nowhere(), "--server 127.0.0.1:8080"), @r"
    error: --server 127.0.0.1:8080: it has to begin with https:// or http://
    hint: such as --server https://127.0.0.1:6443
    ");
}

#[test]
fn names_that_are_not_in_the_kubeconfig() {
    insta::assert_snapshot!(told_of(&nowhere(), "--context prod"), @r"
    error: no context named `prod` in the kubeconfig
    hint: there are: test
    ");
    insta::assert_snapshot!(told_of(&nowhere(), "--cluster prod"), @r"
    error: no cluster named `prod` in the kubeconfig
    hint: there are: test
    ");
    insta::assert_snapshot!(told_of(&nowhere(), "--user prod"), @r"
    error: no user named `prod` in the kubeconfig
    hint: there are: me
    ");
}

#[test]
fn nothing_listens() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(); // closed again
    let url = format!("http://127.0.0.1:{port}");
    let home = Home::for_server(&url);
    insta::assert_snapshot!(said(&home.run("status"), &home, &url), @r"
    error: cannot reach SERVER: Connection refused
    hint: is the API server up, and is this the right port? kubectl cluster-info asks the same
    ");
}

#[test]
fn a_name_without_an_address() {
    let home = Home::for_server("https://api.cluster.invalid:6443");
    let told = said(&home.run("status"), &home, "none");
    let (error, hint) = told.split_once('\n').unwrap(); // the resolver has its own words
    assert!(error.starts_with("error: cannot reach https://api.cluster.invalid:6443: "), "{error}");
    assert_eq!(hint, "hint: is the name right, and the VPN up? another cluster: --context\n");
}

#[test]
fn a_certificate_that_is_not_trusted() {
    let (config, pem) = self_signed();
    let api = Api::recorded("healthy");
    let server = Server::start_tls(config, move |request| api.answer(request));
    let home = Home::for_server(&server.url());
    insta::assert_snapshot!(said(&home.run("status"), &home, &server.url()), @r"
    error: cannot reach SERVER: its certificate is signed by no CA that is trusted
    hint: the kubeconfig names no certificate-authority-data, so that only the CAs of this machine count: --certificate-authority gives one; a proxy that opens TLS has its own
    ");

    let mut trusting = kubeconfig(&server.url(), json!({}));
    let pem = base64::engine::general_purpose::STANDARD.encode(pem);
    trusting["clusters"][0]["cluster"]["certificate-authority-data"] = pem.into();
    assert_eq!(Home::with(&trusting).run("status").code, 0);
    let mut blind = kubeconfig(&server.url(), json!({}));
    blind["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = true.into();
    assert_eq!(Home::with(&blind).run("status").code, 0);
}

#[test]
fn a_certificate_without_any_ca_to_check_it() {
    let (config, pem) = self_signed();
    let api = Api::recorded("healthy");
    let server = Server::start_tls(config, move |request| api.answer(request));
    let home = Home::for_server(&server.url());
    let (_, other) = self_signed();
    home.write("other.crt", &other);
    insta::assert_snapshot!(said(&home.run("status --certificate-authority other.crt"), &home, &server.url()), @r"
    error: cannot reach SERVER: its certificate is signed by no CA that is trusted
    hint: is certificate-authority-data of this cluster right (it changes when a cluster is made anew)? a proxy that opens TLS signs with a CA of its own: --certificate-authority
    ");
    home.write("ca.crt", &pem);
    assert_eq!(home.run("status --certificate-authority ca.crt").code, 0);
    assert_eq!(home.run("status --insecure-skip-tls-verify").code, 0);
    home.write("no.crt", "no certificate");
    insta::assert_snapshot!(said(&home.run("status --certificate-authority no.crt"), &home, &server.url()), @r"
    error: cannot use the kubeconfig: certificate-authority: it holds no certificate
    hint: kubectl config view shows what kubectl makes of it
    ");
}

#[test]
fn a_certificate_of_another_host() {
    for host in ["kubernetes.example.com", "10.0.0.1"] {
        let (config, pem) = self_signed_for(host);
        let api = Api::recorded("healthy");
        let server = Server::start_tls(config, move |request| api.answer(request));
        let home = Home::for_server(&server.url());
        home.write("ca.crt", &pem);
        let told = said(&home.run("status --certificate-authority ca.crt"), &home, &server.url());
        let told = told.replace(host, "NAME");
        insta::allow_duplicates! { insta::assert_snapshot!(told, @r"
        error: cannot reach SERVER: its certificate is for NAME
        hint: use a name of the certificate in the server's URL, or give one with --tls-server-name (tls-server-name in the kubeconfig)
        ") };
        let run = home.run(&format!("status --certificate-authority ca.crt --tls-server-name {host}"));
        assert_eq!(run.code, 0, "{run:?}");
    }
}

#[test]
fn a_server_that_takes_no_connection() {
    // A queue of connections that nobody accepts: what comes then is not answered at all.
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&socket, &std::net::SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    listen(&socket, 0).unwrap();
    let address = std::net::SocketAddr::try_from(getsockname(&socket).unwrap()).unwrap();
    let _waiting: Vec<_> = std::iter::repeat_with(|| {
        std::net::TcpStream::connect_timeout(&address, std::time::Duration::from_millis(500))
    })
    .take_while(Result::is_ok)
    .collect();
    let url = format!("http://{address}");
    let home = Home::for_server(&url);
    insta::assert_snapshot!(said(&home.run("status"), &home, &url), @r"
    error: cannot reach SERVER: no connection in time
    hint: is the VPN up, and does a firewall let you through?
    ");
}

#[test]
fn https_and_http_mixed_up() {
    let server = Server::start(|_| Reply::html(200));
    let url = server.url().replace("http:", "https:");
    let home = Home::for_server(&url);
    insta::assert_snapshot!(said(&home.run("status"), &home, &url), @r"
    error: cannot reach SERVER: it does not speak TLS (https)
    hint: is the port right, and does the server speak https and not http?
    ");

    // what an API server says on its TLS port to plain HTTP
    let plain = Reply::new(400, "text/plain", "Client sent an HTTP request to an HTTPS server.\n");
    insta::assert_snapshot!(told(plain), @r"
    error: SERVER did not answer as a Kubernetes API server: HTTP 400 with `Client sent an HTTP request to an HTTPS server.`
    hint: is the server URL right (https:// or http://, port, path)? a proxy or login page may stand before it: HTTPS_PROXY
    ");
}

#[test]
fn credentials_that_are_refused() {
    let unauthorized = || Server::start(|_| Reply::json(401, recording("healthy", "err-401-badtoken")));
    for (user, credentials) in [
        (json!({"token": "marked-token"}), "the token has expired or belongs to another cluster; log in again"),
        (json!({}), "the kubeconfig gives this user no credentials; --token or --user gives others"),
        (
            json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
                "command": "/bin/sh", "args": ["-c", r#"echo '{"status": {"token": "marked-token"}}'"#]}}),
            "what credential plugin `/bin/sh` gives has expired or belongs to another cluster; log in again",
        ),
    ] {
        let server = unauthorized();
        let home = Home::with(&kubeconfig(&server.url(), user));
        let told = said(&home.run("status"), &home, &server.url());
        assert_eq!(
            told,
            format!("error: SERVER refuses our credentials (401), asked for /apis\nhint: {credentials}\n")
        );
    }
}

#[test]
fn nobody_is_told_that_there_is_nobody() {
    let server = Server::start(|_| Reply::json(401, recording("healthy", "err-401-badtoken")));
    let mut config = kubeconfig(&server.url(), json!({}));
    config["contexts"][0]["context"]["user"] = "gone".into();
    insta::assert_snapshot!(said(&Home::with(&config).run("status"), &Home::new(), &server.url()), @r"
    error: SERVER refuses our credentials (401), asked for /apis
    hint: the context names user `gone`, which the kubeconfig does not hold; --user or --token gives another
    ");
    let server = serve(Api::recorded("healthy").may(|_, _| false));
    let home = Home::for_server(&server.url());
    insta::assert_snapshot!(said(&home.run("status"), &home, &server.url()), @r#"
    error: SERVER lets us read no Flux object (403): kustomizations.kustomize.toolkit.fluxcd.io is forbidden: User "teamdev" cannot list resource "kustomizations" in API group "kustomize.toolkit.fluxcd.io" at the cluster scope
    hint: the kubeconfig gives this user no credentials; --token or --user gives others; without, the server takes us for system:anonymous
    "#);
}

#[test]
fn who_has_given_a_namespace_is_not_told_to_give_one() {
    let server = serve(Api::recorded("healthy").may(|_, _| false));
    let home = Home::with(&kubeconfig(&server.url(), json!({"token": "t"})));
    insta::assert_snapshot!(said(&home.run("status"), &home, &server.url()), @r#"
    error: SERVER lets us read no Flux object (403): kustomizations.kustomize.toolkit.fluxcd.io is forbidden: User "teamdev" cannot list resource "kustomizations" in API group "kustomize.toolkit.fluxcd.io" at the cluster scope
    hint: try one namespace that is yours with -n; kubectl auth can-i list kustomizations.kustomize.toolkit.fluxcd.io -n NAMESPACE
    "#);
    insta::assert_snapshot!(said(&home.run("status -n apps"), &home, &server.url()), @r#"
    error: SERVER lets us read no Flux object (403): kustomizations.kustomize.toolkit.fluxcd.io is forbidden: User "teamdev" cannot list resource "kustomizations" in API group "kustomize.toolkit.fluxcd.io" at the cluster scope
    hint: not in apps either: kubectl auth can-i --list -n apps
    "#);
}

#[test]
fn everything_is_forbidden_by_something_that_is_no_api_server() {
    insta::assert_snapshot!(told(Reply::html(403)), @r"
    error: SERVER did not answer as a Kubernetes API server: HTTP 403 with an HTML page
    hint: is the server URL right (https:// or http://, port, path)? a proxy or login page may stand before it: HTTPS_PROXY
    ");
}

#[test]
fn a_busy_server_is_asked_again() {
    let (api, asked) = (Api::recorded("healthy"), AtomicUsize::new(0));
    let server = Server::start(move |request| match asked.fetch_add(1, Ordering::SeqCst) {
        // as it was recorded, but that it asks for no pause
        0 | 3 => Reply::json(429, recording("healthy", "list-buckets")).with_header("Retry-After", "0"),
        1 => Reply::status(503, "ServiceUnavailable", "starting").with_header("Retry-After", "0"),
        _ => api.answer(request),
    });
    let run = Home::for_server(&server.url()).run("status -o json");
    assert_eq!((run.code, &run.json()["complete"]), (0, &true.into()));
}

#[test]
fn a_server_that_stays_busy_or_fails() {
    let busy = Reply::status(429, "TooManyRequests", "too many requests").with_header("Retry-After", "0");
    insta::assert_snapshot!(told(busy), @r"
    error: SERVER is too busy (429) for /apis, tried 4 times
    hint: try again in a minute
    ");
    insta::assert_snapshot!(told(Reply::status(500, "InternalError", "etcdserver: request timed out")), @r"
    error: SERVER failed (500) at /apis: etcdserver: request timed out
    hint: kubectl get --raw '/readyz?verbose' says more
    ");
    let away =
        Reply::status(503, "ServiceUnavailable", "the server is starting").with_header("Retry-After", "0");
    insta::assert_snapshot!(told(away), @r"
    error: SERVER failed (503) at /apis: the server is starting
    hint: kubectl get --raw '/readyz?verbose' says more
    ");
    insta::assert_snapshot!(told(Reply::json(400, recording("healthy", "err-400-bad-continue"))), @r"
    error: SERVER failed (400) at /apis: invalid continue token: continue key is not valid: invalid character 'Ç' looking for beginning of value
    hint: kubectl get --raw '/readyz?verbose' says more
    ");
}

#[test]
fn a_proxy_answers_instead() {
    insta::assert_snapshot!(told(Reply::html(200)), @r"
    error: SERVER did not answer as a Kubernetes API server: HTTP 200 with an HTML page
    hint: is the server URL right (https:// or http://, port, path)? a proxy or login page may stand before it: HTTPS_PROXY
    ");
    insta::assert_snapshot!(told(Reply::html(502)), @r"
    error: SERVER did not answer as a Kubernetes API server: HTTP 502 with an HTML page
    hint: is the server URL right (https:// or http://, port, path)? a proxy or login page may stand before it: HTTPS_PROXY
    ");
    insta::assert_snapshot!(told(Reply::html(404)), @r"
    error: SERVER did not answer as a Kubernetes API server: HTTP 404 with an HTML page
    hint: is the server URL right (https:// or http://, port, path)? a proxy or login page may stand before it: HTTPS_PROXY
    ");
    insta::assert_snapshot!(told(Reply::new(302, "text/html", "").with_header("Location", "https://login.example.com/")), @r"
    error: SERVER did not answer as a Kubernetes API server: HTTP 302 with no body
    hint: is the server URL right (https:// or http://, port, path)? a proxy or login page may stand before it: HTTPS_PROXY
    ");
    insta::assert_snapshot!(told(Reply::new(200, "text/plain", "ok\n")), @r"
    error: SERVER did not answer as a Kubernetes API server: HTTP 200 with `ok`
    hint: is the server URL right (https:// or http://, port, path)? a proxy or login page may stand before it: HTTPS_PROXY
    ");
}

#[test]
fn half_an_answer() {
    for cut in [Cut::Length, Cut::Chunked] {
        let api = Api::recorded("healthy");
        let told = told_by(move |request| {
            let reply = api.answer(request);
            if request.path.ends_with("/kustomizations") { reply.cut(cut) } else { reply }
        });
        let (error, hint) = told.split_once('\n').unwrap();
        let path = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations?limit=500";
        assert!(
            error.starts_with(&format!("error: the answer of SERVER to GET {path} broke off: ")),
            "{error}"
        );
        assert_eq!(hint, "hint: try again; if it stays, a proxy in between cuts long answers\n");
    }
    let api = Api::recorded("healthy");
    let short = told_by(move |request| {
        if request.path.ends_with("/kustomizations") {
            Reply::json(200, r#"{"kind": "Kust"#)
        } else {
            api.answer(request)
        }
    });
    insta::assert_snapshot!(short, @r"
    error: the answer of SERVER to GET /apis/kustomize.toolkit.fluxcd.io/v1/kustomizations?limit=500 broke off: EOF while parsing a string at line 1 column 14
    hint: try again; if it stays, a proxy in between cuts long answers
    ");
}

#[test]
fn an_answer_that_is_no_json() {
    insta::assert_snapshot!(told(Reply::json(200, r#"{"kind": "APIGroupList", "groups": [oops]}"#)), @r"
    error: SERVER did not answer as a Kubernetes API server: GET /apis: expected value at line 1 column 37
    hint: is the server URL right (https:// or http://, port, path)? a proxy or login page may stand before it: HTTPS_PROXY
    ");
}

#[test]
fn a_connection_that_is_closed_without_an_answer() {
    insta::assert_snapshot!(told_by(|_| Reply::HangUp), @r"
    error: cannot reach SERVER: connection closed before message completed
    hint: kubectl get --raw /readyz asks the same server
    ");
}

#[test]
fn a_server_that_never_answers() {
    let server = Server::start(|_| Reply::Silence);
    let home = Home::for_server(&server.url());
    let run = home.run("status --request-timeout 500ms");
    insta::assert_snapshot!(said(&run, &home, &server.url()), @r"
    error: no answer from SERVER to GET /apis within 500ms
    hint: --request-timeout gives it longer
    ");
}

#[test]
fn one_kind_that_never_answers_is_a_warning() {
    let api = Api::recorded("healthy");
    let server =
        Server::start(
            move |request| {
                if request.path.ends_with("/helmcharts") { Reply::Silence } else { api.answer(request) }
            },
        );
    let run = Home::for_server(&server.url()).run("status -o json --request-timeout 1s");
    assert_eq!((run.code, &run.json()["complete"]), (0, &false.into()), "{run:?}");
}
