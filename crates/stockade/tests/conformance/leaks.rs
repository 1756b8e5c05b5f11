//! That no answer says where the registry is.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::relay::Relay;
use crate::wire::{Exchange, exchanges};

/// The name by which the registries go. The gateway is called by its number.
pub(crate) const UPSTREAM: &str = "localhost";

/// What was looked at, and what in it names the registry with this port. Files are looked at as well: what packages
/// contain is made here, and names nobody.
pub(crate) fn leaks(relay: &Relay, port: u16) -> Result<(usize, Vec<String>), String> {
    let mut looked_at = 0;
    let mut leaks = Vec::new();
    for conversation in relay.conversations() {
        let exchanges = exchanges(&conversation.asked(), &conversation.said())?;
        looked_at += exchanges.len();
        leaks.extend(exchanges.iter().filter_map(|exchange| leak(exchange, port)));
    }
    Ok((looked_at, leaks))
}

fn leak(exchange: &Exchange, port: u16) -> Option<String> {
    let names = [UPSTREAM.to_owned(), format!(":{port}")];
    let is_in = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        names.iter().any(|name| text.contains(name))
    };
    let part = match (is_in(exchange.head.as_bytes()), is_in(&exchange.body)) {
        (true, _) => "head",
        (false, true) => "body",
        (false, false) => return None,
    };
    Some(format!("the {part} of the answer to `{}` names the registry", exchange.request))
}

/// That a leak would be found: in a head, in a body in pieces, and in one that is packed.
pub(crate) fn prove() {
    const PORT: u16 = 41_873;
    let leaking = format!("{{\"tarball\":\"http://{UPSTREAM}:{PORT}/left-demo.tgz\"}}");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(leaking.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let (first, second) = leaking.split_at(leaking.len() / 2);
    let plain = |head: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\n{head}content-length: {}\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    };
    let pieces = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    let answers = [
        (plain("", b"{}"), None),
        (plain(&format!("location: http://mirror.example:{PORT}/\r\n"), b""), Some("head")),
        (plain("content-encoding: gzip\r\n", &packed), Some("body")),
        (pieces.into_bytes(), Some("body")),
    ];
    for (answer, expected) in answers {
        let relay = Relay::start();
        relay.lead_to(server(answer));
        ask(relay.address());
        let (looked_at, found) = leaks(&relay, PORT).unwrap();
        let expected = expected.map(|part| format!("the {part} of the answer to `GET / HTTP/1.1` names the registry"));
        assert_eq!((looked_at, found), (1, Vec::from_iter(expected)));
    }
}

/// Answers once.
fn server(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let _ = client.read(&mut [0; 1024]);
        client.write_all(&answer).unwrap();
    });
    address
}

fn ask(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
}
