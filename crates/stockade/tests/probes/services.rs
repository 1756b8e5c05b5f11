//! The services of the machine that is attacked. They write down all that they get: a probe's mark among it is the proof
//! that bytes came out.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{sleep, spawn};
use std::time::Duration;

use stockade_testkit::kernel::{at, call};

use crate::place::Place;
use crate::probe::mark;
use crate::sys::{Message, handed_over, number, receive_descriptor, secret_in, socket, unix};

/// What a service says, whatever it is asked: a registry that does not have the package.
const ANSWER: &[u8] = b"HTTP/1.0 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
const PATIENCE: Duration = Duration::from_secs(2);
/// How often somebody outside tries to get in.
const KNOCK: Duration = Duration::from_millis(20);
/// Sockets below the world's root.
pub(crate) const DOCKER: &str = "run/docker.sock";
pub(crate) const AGENT: &str = "run/agent.sock";
pub(crate) const JOURNAL: &str = "run/journal.sock";
/// That of a daemon which works on the project, and lies in it.
pub(crate) const DAEMON: &str = "home/project/.daemon.sock";
pub(crate) const GIVER: &str = "run/giver.sock";
pub(crate) const TAKER: &str = "run/taker.sock";
/// Sockets without a path.
pub(crate) const DISPLAY: &str = "x11";
pub(crate) const BUS: &str = "dbus";
pub(crate) const GRAM: &str = "datagram";
/// Where a probe writes at which port it listens.
pub(crate) const PORT: &str = "port";
/// What a probe says to whoever gets in.
pub(crate) const WELCOME: &str = "<welcome:";

/// All that the services got.
#[derive(Debug, Clone, Default)]
pub(crate) struct Got(Arc<Mutex<Vec<u8>>>);

impl Got {
    pub(crate) fn add(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
    }

    pub(crate) fn has(&self, what: &str) -> bool {
        let got = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        got.windows(what.len()).any(|window| window == what.as_bytes())
    }
}

/// Starts all services, and enters their ports.
pub(crate) fn plant(place: &mut Place) -> io::Result<Got> {
    let got = Got::default();
    fs::create_dir_all(place.root.join("run"))?;
    // All addresses of loopback, and no other: whoever knows one of them by heart reaches it.
    place.stream = stream(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, &got)?;
    place.registry = stream(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, &got)?;
    if let Ok(listener) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
        place.stream6 = stream(listener, &got)?;
    }
    let datagrams = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    place.datagram = datagrams.local_addr()?.port();
    let log = got.clone();
    spawn(move || collect(&log, |buffer| datagrams.recv(buffer)));
    for name in [DOCKER, AGENT, DAEMON] {
        listen(UnixListener::bind(place.root.join(name))?, &got);
    }
    let journal = UnixDatagram::bind(place.root.join(JOURNAL))?;
    let log = got.clone();
    spawn(move || collect(&log, |buffer| journal.recv(buffer)));
    plant_nameless(place, &got)?;
    give(place)?;
    take(place, &got)?;
    place.to_bind = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    knock(place, &got);
    Ok(got)
}

fn stream(listener: TcpListener, got: &Got) -> io::Result<u16> {
    let port = listener.local_addr()?.port();
    let got = got.clone();
    spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = stream.set_read_timeout(Some(PATIENCE));
            let got = got.clone();
            spawn(move || converse(stream, &got));
        }
    });
    Ok(port)
}

fn listen(listener: UnixListener, got: &Got) {
    let got = got.clone();
    spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = stream.set_read_timeout(Some(PATIENCE));
            let got = got.clone();
            spawn(move || converse(stream, &got));
        }
    });
}

/// Answers after the first words, and hears the rest.
fn converse(mut stream: impl Read + Write, got: &Got) {
    let mut buffer = [0; 4096];
    let mut answered = false;
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        got.add(&buffer[..read]);
        if !answered {
            answered = true;
            let _ = stream.write_all(ANSWER);
        }
    }
}

fn collect(got: &Got, receive: impl Fn(&mut [u8]) -> io::Result<usize>) {
    let mut buffer = [0; 4096];
    while let Ok(read) = receive(&mut buffer) {
        got.add(&buffer[..read]);
    }
}

fn plant_nameless(place: &Place, got: &Got) -> io::Result<()> {
    for name in [DISPLAY, BUS] {
        let socket = bound(libc::SOCK_STREAM, &place.nameless(name))?;
        call(libc::SYS_listen, [number(&socket), 8])?;
        listen(UnixListener::from(socket), got);
    }
    let socket = UnixDatagram::from(bound(libc::SOCK_DGRAM, &place.nameless(GRAM))?);
    let got = got.clone();
    spawn(move || collect(&got, |buffer| socket.recv(buffer)));
    Ok(())
}

fn bound(kind: i32, name: &[u8]) -> io::Result<OwnedFd> {
    let socket = socket(libc::AF_UNIX, kind | libc::SOCK_CLOEXEC, 0)?;
    let address = unix(name);
    call(libc::SYS_bind, [number(&socket), at(address.as_slice()), crate::sys::length(&address)])?;
    Ok(socket)
}

/// Hands a file with a secret to whoever connects.
fn give(place: &Place) -> io::Result<()> {
    let listener = UnixListener::bind(place.root.join(GIVER))?;
    let file = fs::File::open(place.key())?;
    spawn(move || {
        for stream in listener.incoming().flatten() {
            let along = handed_over(file.as_raw_fd().into());
            let _ = Message::new(b"?", &[], &along).send(&OwnedFd::from(stream), libc::MSG_NOSIGNAL);
        }
    });
    Ok(())
}

/// Takes descriptors from whoever connects, and reads from them.
fn take(place: &Place, got: &Got) -> io::Result<()> {
    let listener = UnixListener::bind(place.root.join(TAKER))?;
    let got = got.clone();
    spawn(move || {
        for stream in listener.incoming().flatten() {
            if receive_descriptor(&OwnedFd::from(stream)).and_then(secret_in).is_ok() {
                got.add(mark("N27").as_bytes());
            }
        }
    });
    Ok(())
}

/// Tries to get in where a probe may listen.
fn knock(place: &Place, got: &Got) {
    let (known, file, got) = (place.to_bind, place.own.join(PORT), got.clone());
    spawn(move || {
        loop {
            let _ = enter(known, &got);
            if let Some(port) = told(&file) {
                let _ = enter(port, &got);
            }
            sleep(KNOCK);
        }
    });
}

fn told(file: &Path) -> Option<u16> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn enter(port: u16, got: &Got) -> io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    if said.starts_with(WELCOME) {
        got.add(said.as_bytes());
    }
    Ok(())
}
