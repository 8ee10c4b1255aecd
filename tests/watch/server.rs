//! An API server that does as it is told: lists and watches of what it holds, and every way in which they break.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The server's clock stands still.
pub(crate) const NOW: &str = "2026-11-24T02:41:07Z";
const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
const DATE: &str = "Tue, 24 Nov 2026 02:41:07 GMT";

/// A test that waits for so long waits for something that will not come.
const HANGS: Duration = Duration::from_secs(120);

/// Kinds that are served, with their groups and plurals.
const SERVED: [(&str, &str, &str); 4] = [
    ("kustomize.toolkit.fluxcd.io", "Kustomization", "kustomizations"),
    ("source.toolkit.fluxcd.io", "GitRepository", "gitrepositories"),
    ("apps", "Deployment", "deployments"),
    ("", "Event", "events"),
];

/// One write to the store, as a watch tells it.
#[derive(Clone)]
struct Change {
    version: u64,
    plural: &'static str,
    what: &'static str,
    object: Value,
}

#[derive(Default)]
struct World {
    version: u64,
    /// Watches from before this version are answered with 410.
    oldest: u64,
    objects: BTreeMap<(&'static str, String, String), Value>,
    log: Vec<Change>,
    /// What was asked for, in order.
    asked: Vec<String>,
    /// What was written: method, path with its query, and body, in order.
    written: Vec<(String, String, Value)>,
    /// Objects of this kind may not be patched.
    no_patch: Option<&'static str>,
    /// So many patches are taken down without an answer.
    unanswered: usize,
    /// So many patches are answered with this status instead.
    refusals: (usize, u16),
    connections: Vec<TcpStream>,
    /// The next event of this kind breaks off in the middle of its line.
    cut: Option<&'static str>,
    /// Open watches end with this ERROR event.
    error: Option<(u64, &'static str)>,
    /// Kustomizations may be read in this namespace only.
    only: Option<&'static str>,
    /// Who does not show this token is answered with 401.
    token: Option<&'static str>,
    /// Watches are answered by a page of something that stands in between.
    page: bool,
    /// Counts the times that all connections were closed.
    era: u64,
}

impl World {
    /// What lies far back is forgotten, as by any API server.
    fn forget_some(&mut self) {
        if self.log.len() > 2_000 {
            let old = self.log.drain(..1_000);
            self.oldest = old.map(|change| change.version).max().unwrap_or(self.oldest);
        }
    }
}

#[derive(Default)]
struct Shared {
    world: Mutex<World>,
    changed: Condvar,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

/// The server; it stops when it is dropped.
pub(crate) struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    listening: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(objects: impl IntoIterator<Item = Value>) -> Self {
        let shared = Arc::new(Shared::default());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut server = Self { shared, address, listening: None };
        for object in objects {
            server.put(object);
        }
        server.listen(listener);
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn listen(&mut self, listener: TcpListener) {
        let shared = self.shared.clone();
        let era = shared.world().era;
        self.listening = Some(std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let mut world = shared.world();
                if world.era != era {
                    return;
                }
                world.connections.push(stream.try_clone().unwrap());
                drop(world);
                let shared = shared.clone();
                std::thread::spawn(move || serve(&shared, &stream));
            }
        }));
    }

    /// Closes the port and every connection.
    pub(crate) fn stop(&mut self) {
        let mut world = self.shared.world();
        world.era += 1;
        for connection in world.connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        drop(world);
        self.shared.changed.notify_all();
        if let Some(listening) = self.listening.take() {
            let _ = TcpStream::connect(self.address); // wakes it, so that it sees that it is over
            listening.join().unwrap();
        }
    }

    /// Listens at the same port again.
    pub(crate) fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).unwrap();
        self.listen(listener);
    }

    /// Makes or changes an object.
    pub(crate) fn put(&self, object: Value) {
        Self::put_to(&self.shared, object);
    }

    fn put_to(shared: &Shared, mut object: Value) {
        let mut world = shared.world();
        world.version += 1;
        object["metadata"]["resourceVersion"] = world.version.to_string().into();
        let key = key(&object);
        let known = world.objects.insert(key.clone(), object.clone());
        let what = if known.is_some() { "MODIFIED" } else { "ADDED" };
        let version = world.version;
        world.log.push(Change { version, plural: key.0, what, object });
        world.forget_some();
        drop(world);
        shared.changed.notify_all();
    }

    pub(crate) fn delete(&self, object: &Value) {
        let mut world = self.shared.world();
        world.version += 1;
        let key = key(object);
        let mut object = world.objects.remove(&key).unwrap();
        object["metadata"]["resourceVersion"] = world.version.to_string().into();
        let version = world.version;
        world.log.push(Change { version, plural: key.0, what: "DELETED", object });
        drop(world);
        self.shared.changed.notify_all();
    }

    /// The next event of these objects breaks off, and the connection with it.
    pub(crate) fn cut_next(&self, plural: &'static str) {
        self.shared.world().cut = Some(plural);
    }

    /// Forgets what has happened so far.
    pub(crate) fn compact(&self) {
        let mut world = self.shared.world();
        world.oldest = world.version;
        world.log.clear();
    }

    /// Does what is told while no watch sees it, then ends the watches of these objects with 410.
    pub(crate) fn expire(&self, plural: &'static str, unseen: impl FnOnce(&Unseen<'_>)) {
        let mut world = self.shared.world();
        unseen(&Unseen { world: std::cell::RefCell::new(&mut world) });
        world.oldest = world.version;
        world.log.clear();
        world.error = Some((world.version, plural));
        drop(world);
        self.shared.changed.notify_all();
    }

    pub(crate) fn only_in(&self, namespace: &'static str) {
        self.shared.world().only = Some(namespace);
    }

    /// From now on watches are answered by a page of HTML, with 200.
    pub(crate) fn stands_behind_a_page(&self) {
        self.shared.world().page = true;
    }

    /// Nobody may patch objects of this kind.
    pub(crate) fn forbid_patches(&self, plural: &'static str) {
        self.shared.world().no_patch = Some(plural);
    }

    /// Takes the next patches down, and hangs up without an answer.
    pub(crate) fn leave_unanswered(&self, number: usize) {
        self.shared.world().unanswered = number;
    }

    /// Answers the next patches with this status.
    pub(crate) fn refuse(&self, number: usize, status: u16) {
        self.shared.world().refusals = (number, status);
    }

    /// What was written so far: method, path with its query, and body.
    pub(crate) fn written(&self) -> Vec<(String, String, Value)> {
        self.shared.world().written.clone()
    }

    /// Waits until an object has been patched so often, and gives it with its newest token.
    pub(crate) fn await_patched(&self, number: usize, name: &str) -> (Value, String) {
        let mut world = self.shared.world();
        let end = format!("/{name}?");
        loop {
            let written =
                |(method, path, _): &&(String, String, Value)| method == "PATCH" && path.contains(&end);
            let patches: Vec<&Value> = world.written.iter().filter(written).map(|(.., body)| body).collect();
            let object = world.objects.iter().find(|((.., known), _)| known == name).unwrap().1;
            let token =
                |object: &Value| object["metadata"]["annotations"][REQUESTED_AT].as_str().map(str::to_owned);
            if let Some(last) = patches.last().filter(|_| patches.len() >= number)
                && let Some(token) = token(object).filter(|known| Some(known) == token(last).as_ref())
            {
                return (object.clone(), token);
            }
            world = self.shared.changed.wait(world).unwrap();
        }
    }

    /// From now on this token is wanted.
    pub(crate) fn wants_token(&self, token: &'static str) {
        self.shared.world().token = Some(token);
    }

    /// Waits until so many requests have been made whose path holds all of this.
    pub(crate) fn await_asked(&self, number: usize, parts: &[&str]) {
        let (mut world, began) = (self.shared.world(), Instant::now());
        while count(&world, parts) < number {
            let left = HANGS.saturating_sub(began.elapsed()); // whatever else is asked meanwhile
            if left.is_zero() {
                let asked = world.asked.clone();
                drop(world); // the server has to be stopped still
                panic!("never asked for {parts:?}, but for {asked:#?}");
            }
            world = self.shared.changed.wait_timeout(world, left).unwrap().0;
        }
    }

    pub(crate) fn asked(&self, parts: &[&str]) -> usize {
        count(&self.shared.world(), parts)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Changes that no watch tells.
pub(crate) struct Unseen<'a> {
    world: std::cell::RefCell<&'a mut World>,
}

impl Unseen<'_> {
    pub(crate) fn put(&self, mut object: Value) {
        let mut world = self.world.borrow_mut();
        world.version += 1;
        object["metadata"]["resourceVersion"] = world.version.to_string().into();
        world.objects.insert(key(&object), object);
    }

    pub(crate) fn delete(&self, object: &Value) {
        let mut world = self.world.borrow_mut();
        world.version += 1;
        world.objects.remove(&key(object)).unwrap();
    }
}

fn count(world: &World, parts: &[&str]) -> usize {
    world.asked.iter().filter(|path| parts.iter().all(|part| path.contains(part))).count()
}

fn key(object: &Value) -> (&'static str, String, String) {
    let plural = SERVED.iter().find(|(_, kind, _)| object["kind"] == *kind).unwrap().2;
    let text = |field: &str| object["metadata"][field].as_str().unwrap().to_owned();
    (plural, text("namespace"), text("name"))
}

/// Answers one connection, request by request.
fn serve(shared: &Shared, stream: &TcpStream) {
    let mut reader = BufReader::new(stream);
    while let Some(Asked { method, path, token, body }) = read(&mut reader) {
        let stays = match method.as_str() {
            "GET" => answer(shared, stream, &path, token.as_deref()),
            _ => write(shared, stream, &method, &path, body),
        };
        if !stays {
            let _ = stream.shutdown(Shutdown::Both);
            return;
        }
    }
}

/// One request.
struct Asked {
    method: String,
    /// With its query.
    path: String,
    token: Option<String>,
    body: Value,
}

/// The next request; `None` when the client is gone.
fn read(reader: &mut BufReader<&TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let (method, path) = line.split_once(' ').map(|(method, rest)| (method.to_owned(), rest.to_owned()))?;
    let path = path.split(' ').next().unwrap_or_default().to_owned();
    let (mut length, mut token) = (0, None);
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let header = line.trim_end();
        if header.is_empty() {
            break;
        }
        token = header.strip_prefix("authorization: Bearer ").map(str::to_owned).or(token);
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Some(Asked { method, path, token, body })
}

/// Takes down a patch of annotations, or tells whether one is allowed; whether the connection stays.
fn write(shared: &Shared, stream: &TcpStream, method: &str, path: &str, body: Value) -> bool {
    let mut world = shared.world();
    world.written.push((method.to_owned(), path.to_owned(), body.clone()));
    shared.changed.notify_all();
    if path.ends_with("/selfsubjectaccessreviews") {
        let allowed =
            world.no_patch.is_none_or(|plural| body["spec"]["resourceAttributes"]["resource"] != plural);
        drop(world);
        let review =
            json!({"kind": "SelfSubjectAccessReview", "status": {"allowed": allowed, "reason": "no role"}});
        return reply(stream, "201 Created", &review);
    }
    if world.refusals.0 > 0 {
        world.refusals.0 -= 1;
        let code = world.refusals.1;
        drop(world);
        return reply(stream, &format!("{code} Refused"), &status(code, "try again"));
    }
    let route = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = route.split('/').collect();
    let [.., "namespaces", namespace, plural, name] = parts.as_slice() else { return false };
    let found = world
        .objects
        .iter_mut()
        .find(|((of, within, known), _)| of == plural && within == namespace && known == name);
    let Some((_, object)) = found else {
        drop(world);
        return reply(stream, "404 Not Found", &status(404, "not found"));
    };
    let mut changed = object.clone();
    let annotations = body["metadata"]["annotations"].as_object().unwrap();
    for (annotation, value) in annotations {
        changed["metadata"]["annotations"][annotation] = value.clone();
    }
    let is_new = changed != *object;
    let unanswered = world.unanswered > 0;
    world.unanswered = world.unanswered.saturating_sub(1);
    drop(world);
    if is_new {
        Server::put_to(shared, changed.clone());
    }
    !unanswered && reply(stream, "200 OK", &changed)
}

/// Whether the connection stays.
fn answer(shared: &Shared, stream: &TcpStream, path: &str, token: Option<&str>) -> bool {
    let (route, query) = path.split_once('?').unwrap_or((path, ""));
    // Under one lock with what is answered: who has seen the request knows that a watch tells all that comes after.
    let mut world = shared.world();
    world.asked.push(path.to_owned());
    shared.changed.notify_all();
    if world.token.is_some() && world.token != token {
        drop(world);
        return reply(stream, "401 Unauthorized", &status(401, "Unauthorized"));
    }
    if route == "/apis" {
        drop(world);
        return reply(stream, "200 OK", &discovery());
    }
    let parts: Vec<&str> = route.split('/').collect();
    let (plural, namespace) = match parts.as_slice() {
        [.., "namespaces", namespace, plural] => (*plural, Some(*namespace)),
        [.., plural] => (*plural, None),
        [] => ("", None),
    };
    let Some((group, kind, plural)) = SERVED.into_iter().find(|served| served.2 == plural) else {
        return reply(
            stream,
            "404 Not Found",
            &status(404, "the server could not find the requested resource"),
        );
    };
    if world.only.is_some() && plural == "kustomizations" && world.only != namespace {
        drop(world);
        return reply(stream, "403 Forbidden", &status(403, "kustomizations is forbidden"));
    }
    let parameter = |name: &str| query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    if parameter("watch").is_some() && world.page {
        drop(world);
        let page = "<html>sign in</html>";
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", page.len());
        return { stream }.write_all(format!("{head}{page}").as_bytes()).is_ok();
    }
    if parameter("watch").is_some() {
        let from = parameter("resourceVersion").and_then(|from| from.parse().ok()).unwrap_or(0);
        return watch(shared, world, stream, plural, namespace, from);
    }
    let shown = world
        .objects
        .iter()
        .filter(|((of, within, _), _)| *of == plural && namespace.is_none_or(|namespace| namespace == within));
    let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    let items: Vec<Value> = shown.map(|(_, object)| object.clone()).collect();
    let list = json!({"apiVersion": version, "kind": format!("{kind}List"),
        "metadata": {"resourceVersion": world.version.to_string()}, "items": items});
    drop(world);
    reply(stream, "200 OK", &list)
}

fn watch(
    shared: &Shared,
    mut world: MutexGuard<'_, World>,
    mut stream: &TcpStream,
    plural: &'static str,
    namespace: Option<&str>,
    mut from: u64,
) -> bool {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: {DATE}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let expired = || {
        let event = json!({"type": "ERROR", "object": status(410, "too old resource version")});
        format!("{}{}", chunk(&format!("{event}\n")), chunk(""))
    };
    if stream.write_all(head.as_bytes()).is_err() {
        return false;
    }
    if from < world.oldest {
        return stream.write_all(expired().as_bytes()).is_ok();
    }
    let era = world.era;
    loop {
        if world.era != era {
            return false;
        }
        if world.error.is_some_and(|(since, of)| of == plural && from < since) {
            return stream.write_all(expired().as_bytes()).is_ok();
        }
        let news: Vec<Change> = world.log.iter().filter(|change| change.version > from).cloned().collect();
        for change in news {
            from = change.version;
            let elsewhere =
                namespace.is_some_and(|namespace| change.object["metadata"]["namespace"] != *namespace);
            if change.plural != plural || elsewhere {
                continue;
            }
            let line = json!({"type": change.what, "object": change.object}).to_string() + "\n";
            if world.cut == Some(plural) {
                world.cut = None;
                let _ = stream.write_all(chunk(&line[..line.len() / 2]).as_bytes());
                return false;
            }
            if stream.write_all(chunk(&line).as_bytes()).is_err() {
                return false;
            }
        }
        world = shared.changed.wait(world).unwrap();
    }
}

fn reply(mut stream: &TcpStream, status: &str, body: &Value) -> bool {
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nDate: {DATE}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).is_ok()
}

fn status(code: u16, message: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "message": message})
}

fn discovery() -> Value {
    let groups = SERVED.iter().filter(|(group, ..)| !group.is_empty()).map(|(group, _, plural)| {
        json!({"metadata": {"name": group},
            "versions": [{"version": "v1", "resources": [{"resource": plural}]}]})
    });
    json!({"apiVersion": "apidiscovery.k8s.io/v2", "kind": "APIGroupDiscoveryList",
        "items": groups.collect::<Vec<_>>()})
}
