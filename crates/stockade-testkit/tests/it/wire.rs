//! A client that adds nothing and hides nothing.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use stockade_testkit::FakeRegistry;

/// Everything that came over a connection until it closed, or until nothing came for a while.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// The server closed, rather than fell silent.
    pub(crate) closed: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// Whether the body is as long as was said.
    pub(crate) fn is_whole(&self) -> bool {
        self.header("content-length").parse() == Ok(self.body.len())
    }
}

pub(crate) fn get(registry: &FakeRegistry, path: &str) -> Answer {
    ask(registry, path, &["connection: close"])
}

pub(crate) fn ask(registry: &FakeRegistry, path: &str, headers: &[&str]) -> Answer {
    send(registry, format!("GET {path} HTTP/1.1\r\nhost: x\r\n{}\r\n\r\n", headers.join("\r\n")).as_bytes())
}

/// Sends a request after which the server closes.
pub(crate) fn send(registry: &FakeRegistry, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(registry.address()).unwrap();
    // A connection that is cut may already be gone.
    let _ = stream.write_all(request);
    read(&mut stream, Duration::from_secs(20))
}

pub(crate) fn read(stream: &mut TcpStream, patience: Duration) -> Answer {
    stream.set_read_timeout(Some(patience)).unwrap();
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    let closed = loop {
        match stream.read(&mut piece) {
            Ok(0) => break true,
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => break !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    };
    parse(&bytes, closed)
}

fn parse(bytes: &[u8], closed: bool) -> Answer {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Answer { closed, ..Answer::default() };
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let (first, rest) = head.split_once("\r\n").unwrap();
    let pairs = rest.split("\r\n").map(|line| line.split_once(": ").unwrap());
    Answer {
        status: first.split(' ').nth(1).unwrap().parse().unwrap(),
        headers: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: bytes[end + 4..].to_vec(),
        closed,
    }
}
