//! A line that is slow and does not lose anything: TCP over loopback, every byte so much later.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Takes connections to `server` and holds up what goes either way for `delay`, as a line of that length does.
///
/// Loopback accepts a connection at once; on a real line its handshake takes a round trip, so that the client's first
/// bytes are held up for as long. What a line can carry is not limited.
pub(crate) fn start(server: SocketAddr, delay: Duration) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), Ok(server)) = (client, TcpStream::connect(server)) else { continue };
            let stands = Instant::now() + 2 * delay;
            let [from, to] = [&client, &server].map(|stream| {
                stream.set_nodelay(true).unwrap();
                stream.try_clone().unwrap()
            });
            hold_up(client, to, delay, stands);
            hold_up(server, from, delay, stands);
        }
    });
    address
}

/// Carries bytes from one end to the other; none leaves before the connection `stands`.
fn hold_up(mut from: TcpStream, mut to: TcpStream, delay: Duration, stands: Instant) {
    let (sender, receiver): (Sender<(Instant, Vec<u8>)>, Receiver<_>) = channel();
    thread::spawn(move || {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(number @ 1..) = from.read(&mut piece) {
            let due = Instant::now().max(stands) + delay;
            if sender.send((due, piece[..number].to_vec())).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, piece) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write); // the other end may be gone
    });
}
