//! A door into a network of its own: a process that stays in there and connects, for us, to what the program listens on.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};

use super::talk;

/// The way in.
#[derive(Debug)]
pub struct Door(Mutex<UnixStream>);

impl Door {
    pub(super) fn new(line: UnixStream) -> Self {
        Self(Mutex::new(line))
    }

    /// A connection to what listens on a port in there. It waits for as long as that takes, which is not long: both ends
    /// are on one machine.
    pub fn connect(&self, port: u16) -> io::Result<TcpStream> {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        talk::ask_for(&mut line, port)
    }
}

/// Connects to ports for whoever is at the other end of the line, until nobody is.
pub(super) fn keep(line: &mut UnixStream) {
    while let Ok(port) = talk::asked_for(line) {
        let stream = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            .into_iter()
            .find_map(|ip| TcpStream::connect(SocketAddr::new(ip, port)).ok());
        let stream = stream.map(OwnedFd::from);
        if talk::hand_in(line, stream.as_ref().map(|stream| stream.as_fd())).is_err() {
            return;
        }
    }
}
