//! How long `status` takes on a slow line: `cargo bench --bench latency`.
//!
//! 150 ms round trip, TLS, 200 objects, an API server that answers at once. What is printed is wall time from the start
//! of the program to its end; the aim is a verdict within 1.2 s.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it starts the program and a server, and measures"
)]

#[path = "../../tests/client/api.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod api;
#[path = "../../tests/client/home.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod home;
mod proxy;
#[path = "../../tests/client/server.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod server;
#[path = "../../tests/client/tls.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod tls;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::json;

use api::Api;
use home::{Home, kubeconfig};
use server::Server;

const ROUND_TRIP: Duration = Duration::from_millis(150);
const OBJECTS: usize = 200;
const RUNS: usize = 9;

fn main() {
    // `cargo test --benches` starts it as well, and says so by leaving this away.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    println!("{} ms round trip, {OBJECTS} objects, TLS; {RUNS} runs of `status`", ROUND_TRIP.as_millis());
    for scene in ["healthy", "blocked"] {
        measure(scene);
    }
}

fn measure(scene: &str) {
    let (tls, authority) = tls::self_signed();
    let api = Api::recorded(scene).grown_to(OBJECTS);
    let asked: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let log = asked.clone();
    let server = Server::start_tls(tls, move |request| {
        log.lock().unwrap().push(Instant::now());
        api.answer(request)
    });
    let line = proxy::start(server.address(), ROUND_TRIP / 2);
    let mut config = kubeconfig(&format!("https://{line}"), json!({"token": "t"}));
    let authority = base64::engine::general_purpose::STANDARD.encode(authority);
    config["clusters"][0]["cluster"]["certificate-authority-data"] = authority.into();
    let home = Home::with(&config);

    let mut took = Vec::new();
    for _ in 0..RUNS {
        asked.lock().unwrap().clear();
        let started = Instant::now();
        let run = home.run("status");
        took.push(started.elapsed());
        assert!(run.code < 2, "{run:?}");
    }
    took.sort();
    let asked = asked.lock().unwrap();
    let ms = |time: &Duration| time.as_millis();
    println!(
        "{scene:8} median {} ms, {} to {} ms; {} requests in {} round trips",
        ms(&took[RUNS / 2]),
        ms(&took[0]),
        ms(&took[RUNS - 1]),
        asked.len(),
        round_trips(&asked)
    );
}

/// Requests that come less than half a round trip after each other do not wait for each other's answers.
fn round_trips(asked: &[Instant]) -> usize {
    let mut asked = asked.to_vec();
    asked.sort();
    1 + asked.windows(2).filter(|pair| pair[1] - pair[0] > ROUND_TRIP / 2).count()
}
