//! A small HTTP/1.1 server on loopback that says what a test tells it to, and remembers what it was asked.
//!
//! One thread a connection, no clock: answers are held back until other requests have arrived, never for a while.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;

/// One request, as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// Names and values, decoded.
    pub(crate) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Path and query as one text, to compare.
    pub(crate) fn target(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, query.join("&")) }
    }
}

/// How the body of an answer ends before it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// `Content-Length` promises more than comes.
    Length,
    /// The last chunks of a chunked answer are missing.
    Chunked,
}

/// What to answer.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// An answer.
    Say(Answer),
    /// Nothing, for as long as the client waits.
    Silence,
    /// The connection is closed without an answer.
    HangUp,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    cut: Option<Cut>,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self::Say(Answer { status, headers, body: body.into(), cut: None })
    }

    pub(crate) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, "application/json", body)
    }

    pub(crate) fn html(status: u16) -> Self {
        let page = "<!DOCTYPE html>\n<html><body><h1>Sign in</h1></body></html>\n";
        Self::new(status, "text/html", page)
    }

    /// An absent kind or version: plain text, no Status.
    pub(crate) fn not_served() -> Self {
        Self::new(404, "text/plain; charset=utf-8", "404 page not found\n")
    }

    /// A `Status`, as every refusal of an API server is.
    pub(crate) fn status(status: u16, reason: &str, message: &str) -> Self {
        let body = serde_json::json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": status});
        Self::json(status, body.to_string())
    }

    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Self::Say(answer) = &mut self {
            answer.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub(crate) fn cut(mut self, cut: Cut) -> Self {
        if let Self::Say(answer) = &mut self {
            answer.cut = Some(cut);
        }
        self
    }
}

type Script = dyn Fn(&Request) -> Reply + Send + Sync;

/// Requests that have arrived, and how far the answers may go.
#[derive(Debug, Default)]
struct Log {
    requests: Vec<Request>,
    connections: usize,
    /// Each wave's answers wait until so many requests have arrived in all.
    waves: Vec<usize>,
    /// No answer before so many connections have been made.
    awaited_connections: usize,
    closed: bool,
}

struct Shared {
    log: Mutex<Log>,
    arrived: Condvar,
    script: Box<Script>,
    tls: Option<Arc<rustls::ServerConfig>>,
}

/// The server; it ends with the test.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    /// Answers over plain HTTP.
    pub(crate) fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve(None, Box::new(script))
    }

    /// Answers over TLS.
    pub(crate) fn start_tls(
        tls: rustls::ServerConfig,
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::serve(Some(Arc::new(tls)), Box::new(script))
    }

    fn serve(tls: Option<Arc<rustls::ServerConfig>>, script: Box<Script>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { log: Mutex::default(), arrived: Condvar::new(), script, tls });
        let own = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                {
                    let mut log = own.log.lock().unwrap();
                    if log.closed {
                        return;
                    }
                    log.connections += 1;
                }
                own.arrived.notify_all();
                let (Ok(stream), own) = (stream, own.clone()) else { continue };
                stream.set_nodelay(true).unwrap(); // as API servers do
                thread::spawn(move || own.converse(stream));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL; the scheme tells whether it speaks TLS.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address())
    }

    /// Holds answers back: those to the first `waves[0]` requests until so many have arrived, and so on.
    ///
    /// A client that makes one of them depend on the answer to another gets no answer at all.
    pub(crate) fn in_waves(&self, waves: &[usize]) {
        self.shared.log.lock().unwrap().waves = waves.to_vec();
    }

    /// Holds every answer back until so many connections have been made.
    ///
    /// A client that makes a connection depend on the first answer gets no answer at all.
    pub(crate) fn awaits_connections(&self, number: usize) {
        self.shared.log.lock().unwrap().awaited_connections = number;
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.log.lock().unwrap().requests.clone()
    }

    /// Path and query of every request, sorted.
    pub(crate) fn targets(&self) -> Vec<String> {
        let mut targets: Vec<String> = self.requests().iter().map(Request::target).collect();
        targets.sort();
        targets
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.log.lock().unwrap().connections
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.log.lock().unwrap().closed = true;
        self.shared.arrived.notify_all();
        drop(TcpStream::connect(self.address)); // wakes the listener up
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Shared {
    /// Answers one request after the other, until the client leaves or an answer ends the connection.
    fn converse(&self, stream: TcpStream) {
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(stream),
            Some(config) => {
                let Ok(session) = rustls::ServerConnection::new(config.clone()) else { return };
                Box::new(rustls::StreamOwned::new(session, stream))
            }
        };
        let mut stream = BufReader::new(stream);
        loop {
            let request = match read(&mut stream) {
                Ok(Some(request)) => request,
                Ok(None) => return,
                Err(_) => {
                    // no HTTP, such as the beginning of TLS
                    let _ =
                        stream.get_mut().write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
                    return;
                }
            };
            let reply = self.reply(&request);
            let gzip = request.header("accept-encoding").is_some_and(|value| value.contains("gzip"));
            match reply {
                Reply::Say(answer) => {
                    let Ok(true) = answer.write(stream.get_mut(), gzip) else { return };
                }
                Reply::HangUp => return,
                Reply::Silence => {
                    let _ = stream.read(&mut [0]); // comes back when the client gives up
                    return;
                }
            }
        }
    }

    fn reply(&self, request: &Request) -> Reply {
        let mut log = self.log.lock().unwrap();
        log.requests.push(request.clone());
        let number = log.requests.len();
        let all = log.waves.iter().copied().find(|wave| number <= *wave).unwrap_or_default();
        self.arrived.notify_all();
        let is_early = |log: &mut Log| log.requests.len() < all || log.connections < log.awaited_connections;
        drop(self.arrived.wait_while(log, |log| is_early(log) && !log.closed).unwrap());
        (self.script)(request)
    }
}

/// `None` when the client is gone.
fn read(stream: &mut BufReader<Box<dyn Stream>>) -> std::io::Result<Option<Request>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut lines = lines.iter();
    let mut words = lines.next().map(|line| line.split(' ')).into_iter().flatten();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Ok(Some(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query
            .split('&')
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect(),
        headers: lines
            .filter_map(|line| line.split_once(": "))
            .map(pair)
            .map(|(name, value)| (name.to_lowercase(), value))
            .collect(),
    }))
}

/// Undoes percent-encoding.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let code = (first == b'%').then(|| tail.get(..2)).flatten();
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        (bytes, rest) = match code {
            Some(byte) => ([bytes, vec![byte]].concat(), &tail[2..]),
            None => ([bytes, vec![first]].concat(), tail),
        };
    }
    String::from_utf8(bytes).unwrap()
}

impl Answer {
    /// Returns whether the connection goes on.
    fn write(self, stream: &mut dyn Stream, gzip: bool) -> std::io::Result<bool> {
        let Self { status, mut headers, mut body, cut } = self;
        if gzip && cut.is_none() {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&body)?;
            body = encoder.finish()?;
            headers.push(("Content-Encoding".to_owned(), "gzip".to_owned()));
        }
        let mut answer = format!("HTTP/1.1 {status} Whatever\r\n").into_bytes();
        for (name, value) in headers {
            answer.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        let half = &body[..body.len() / 2];
        match cut {
            None => {
                answer.extend(format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes());
                answer.extend_from_slice(&body);
            }
            Some(Cut::Length) => {
                answer.extend(format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes());
                answer.extend_from_slice(half);
            }
            Some(Cut::Chunked) => {
                answer.extend(format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", half.len()).into_bytes());
                answer.extend_from_slice(half);
                answer.extend_from_slice(b"\r\n");
            }
        }
        stream.write_all(&answer)?;
        stream.flush()?;
        Ok(cut.is_none())
    }
}
