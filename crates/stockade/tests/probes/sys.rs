//! System calls that several probes make.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

use stockade_testkit::kernel::{at, at_mut, call, opened};

use crate::place::SECRET;

/// Room for what a probe reads.
const ROOM: usize = 4096;

/// Fails in words.
pub(crate) fn other<T>(why: &str) -> io::Result<T> {
    Err(io::Error::other(why))
}

/// Whether it is the secret.
pub(crate) fn right(read: &[u8]) -> io::Result<()> {
    let found = read.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
    if found { Ok(()) } else { other("something else is there") }
}

/// Reads a file, which has to be the secret.
pub(crate) fn secret(path: impl AsRef<Path>) -> io::Result<()> {
    right(&std::fs::read(path)?)
}

/// Reads from an open file, which has to be the secret.
pub(crate) fn secret_in(descriptor: i64) -> io::Result<()> {
    let mut buffer = [0_u8; ROOM];
    let read = call(libc::SYS_pread64, [descriptor, at_mut(&mut buffer), length(&buffer), 0])?;
    right(&buffer[..usize::try_from(read).unwrap_or_default()])
}

/// A path as the kernel reads it.
pub(crate) fn path(path: impl AsRef<Path>) -> Vec<u8> {
    let mut bytes = path.as_ref().as_os_str().as_encoded_bytes().to_vec();
    bytes.push(0);
    bytes
}

/// A length, as an argument.
pub(crate) fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or_default()
}

pub(crate) fn number(descriptor: &OwnedFd) -> i64 {
    descriptor.as_raw_fd().into()
}

pub(crate) fn open(file: impl AsRef<Path>, flags: i32) -> io::Result<OwnedFd> {
    let file = path(file);
    opened(libc::SYS_openat, [libc::AT_FDCWD.into(), at(file.as_slice()), flags.into(), 0o600])
}

pub(crate) fn socket(family: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    opened(libc::SYS_socket, [family.into(), kind.into(), protocol.into()])
}

pub(crate) fn connect(socket: &OwnedFd, address: &[u8]) -> io::Result<()> {
    call(libc::SYS_connect, [number(socket), at(address), length(address)]).map(drop)
}

/// Sends to an address, or to whoever the socket is connected with.
pub(crate) fn send(socket: &OwnedFd, bytes: &[u8], flags: i32, to: &[u8]) -> io::Result<()> {
    let address = if to.is_empty() { 0 } else { at(to) };
    let arguments = [number(socket), at(bytes), length(bytes), flags.into(), address, length(to)];
    call(libc::SYS_sendto, arguments).map(drop)
}

/// Connects and sends.
pub(crate) fn tell(socket: &OwnedFd, address: &[u8], bytes: &str) -> io::Result<()> {
    connect(socket, address)?;
    send(socket, bytes.as_bytes(), libc::MSG_NOSIGNAL, &[])
}

/// An address of IPv4.
pub(crate) fn inet(host: [u8; 4], port: u16) -> Vec<u8> {
    let mut address = family(libc::AF_INET);
    address.extend(port.to_be_bytes());
    address.extend(host);
    address.extend([0; 8]);
    address
}

/// A port of loopback.
pub(crate) fn loopback(port: u16) -> Vec<u8> {
    inet([127, 0, 0, 1], port)
}

/// An address of IPv6.
pub(crate) fn inet6(host: std::net::Ipv6Addr, port: u16) -> Vec<u8> {
    let mut address = family(libc::AF_INET6);
    address.extend(port.to_be_bytes());
    address.extend([0; 4]);
    address.extend(host.octets());
    address.extend([0; 4]);
    address
}

/// The address of a socket with a path, or without one if it begins with a zero.
pub(crate) fn unix(name: &[u8]) -> Vec<u8> {
    let mut address = family(libc::AF_UNIX);
    address.extend(name);
    address
}

fn family(number: i32) -> Vec<u8> {
    u16::try_from(number).unwrap_or_default().to_ne_bytes().to_vec()
}

/// A message for `sendmsg` and its like, as the kernel reads it: eight-byte words.
pub(crate) struct Message {
    parts: Box<[i64; 2]>,
    pub(crate) head: [i64; 7],
}

impl Message {
    /// Bytes, whom they go to, and what goes along.
    pub(crate) fn new(bytes: &[u8], to: &[u8], along: &[u8]) -> Self {
        let parts = Box::new([at(bytes), length(bytes)]);
        let place = |bytes: &[u8]| if bytes.is_empty() { 0 } else { at(bytes) };
        let head = [place(to), length(to), at(&*parts), 1, place(along), length(along), 0];
        Self { parts, head }
    }

    /// Sends it.
    pub(crate) fn send(&self, socket: &OwnedFd, flags: i32) -> io::Result<()> {
        let _ = &self.parts;
        call(libc::SYS_sendmsg, [number(socket), at(&self.head), flags.into()]).map(drop)
    }

    /// Sends it with the call that sends many.
    pub(crate) fn send_as_one_of_many(&self, socket: &OwnedFd, flags: i32) -> io::Result<()> {
        let mut many = [0_i64; 8];
        many[..7].copy_from_slice(&self.head);
        call(libc::SYS_sendmmsg, [number(socket), at_mut(&mut many), 1, flags.into()]).map(drop)
    }
}

/// What goes along with a message that hands a descriptor over.
pub(crate) fn handed_over(descriptor: i64) -> Vec<u8> {
    let mut along = 20_u64.to_ne_bytes().to_vec();
    along.extend(libc::SOL_SOCKET.to_ne_bytes());
    along.extend(libc::SCM_RIGHTS.to_ne_bytes());
    along.extend(i32::try_from(descriptor).unwrap_or(-1).to_ne_bytes());
    along.extend([0; 4]);
    along
}

/// Receives a message; the descriptor that was handed over with it.
pub(crate) fn receive_descriptor(socket: &OwnedFd) -> io::Result<i64> {
    let (mut bytes, mut along) = ([0_u8; 64], [0_u8; 64]);
    let parts = [at_mut(&mut bytes), length(&bytes)];
    let mut head = [0, 0, at(&parts), 1, at_mut(&mut along), length(&along), 0];
    call(libc::SYS_recvmsg, [number(socket), at_mut(&mut head), 0])?;
    match <[u8; 4]>::try_from(&along[16..20]) {
        Ok(number) if head[5] >= 20 => Ok(i32::from_ne_bytes(number).into()),
        _ => other("no descriptor came"),
    }
}

/// Makes a process with this call, which ends at once.
pub(crate) fn beget(number: i64, arguments: [i64; 2]) -> io::Result<()> {
    let child = call(number, arguments)?;
    if child == 0 {
        let _ = call(libc::SYS_exit_group, [0]);
    }
    call(libc::SYS_wait4, [child, 0, 0, 0]).map(drop)
}

/// Sets of flags, as arguments.
pub(crate) fn flags(all: &[i32]) -> i64 {
    all.iter().fold(0, |sum, flag| sum | i64::from(*flag))
}
