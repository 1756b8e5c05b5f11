//! A network that ends at us, whatever address is asked for.
//!
//! In a network namespace of its own, every address is made a local one ("AnyIP": a local route for all of them over the
//! loopback device), so that a listener on the wildcard address gets every connection to its port, to whatever address
//! the program believes to talk. Where nobody listens, connections are refused at once. There is no way out: nothing but
//! the loopback device exists. Source: `ip-route(8)`, type `local`; `rtnetlink(7)`.

use std::io;
use std::net::{Ipv6Addr, SocketAddrV6, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};

use super::launch::{Failed, Step as _};

/// Where names are asked for.
const NAMES: u16 = 53;
/// The number that the loopback device always has.
const LOOPBACK: u32 = 1;
/// The largest answer of the kernel that matters.
const ANSWER: usize = 1024;
/// The length of a message's header, and of the answer's code after it.
const HEADER: usize = 16;

/// Makes every address local, and listens.
pub(super) fn set_up(ports: &[u16]) -> Result<(Vec<TcpListener>, UdpSocket), Failed> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None);
    let socket = socket.step("the kernel's routes cannot be talked about")?;
    request(&socket, libc::RTM_NEWLINK, 0, &loopback_up()).step("the loopback device cannot be switched on")?;
    for family in [libc::AF_INET, libc::AF_INET6] {
        let flags = libc::NLM_F_CREATE | libc::NLM_F_EXCL;
        match request(&socket, libc::RTM_NEWROUTE, flags, &all_local(family)) {
            // A kernel without IPv6 has nothing to route.
            Err(_) if family == libc::AF_INET6 && TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() => {}
            outcome => outcome.step("addresses cannot be made local")?,
        }
    }
    let listen = |port: &u16| listener(*port).step(format!("port {port} cannot be listened on"));
    let streams = ports.iter().map(listen).collect::<Result<_, _>>()?;
    Ok((streams, names().step("questions for names cannot be listened to")?))
}

/// A listener on every address of both families, where there are both.
fn listener(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(any(port)).or_else(|_| TcpListener::bind(("0.0.0.0", port)))
}

fn names() -> io::Result<UdpSocket> {
    UdpSocket::bind(any(NAMES)).or_else(|_| UdpSocket::bind(("0.0.0.0", NAMES)))
}

fn any(port: u16) -> SocketAddrV6 {
    SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, port, 0, 0)
}

/// `struct ifinfomsg` with the flag that switches the loopback device on.
fn loopback_up() -> Vec<u8> {
    let up = libc::IFF_UP.unsigned_abs();
    let mut message = vec![0; 4];
    message.extend(LOOPBACK.to_ne_bytes());
    message.extend(up.to_ne_bytes());
    message.extend(up.to_ne_bytes());
    message
}

/// `struct rtmsg` of a local route for all addresses of a family, with the loopback device as its attribute.
fn all_local(family: libc::c_int) -> Vec<u8> {
    let byte = |number: libc::c_int| u8::try_from(number).unwrap_or_default();
    let family = byte(family);
    let (table, protocol) = (libc::RT_TABLE_LOCAL, libc::RTPROT_BOOT);
    let (scope, kind) = (libc::RT_SCOPE_HOST, libc::RTN_LOCAL);
    let mut message = vec![family, 0, 0, 0, table, protocol, scope, kind];
    message.extend(0_u32.to_ne_bytes());
    message.extend(8_u16.to_ne_bytes());
    message.extend(libc::RTA_OIF.to_ne_bytes());
    message.extend(LOOPBACK.to_ne_bytes());
    message
}

/// Sends a request and waits for the kernel's word that it was done.
fn request(socket: &OwnedFd, kind: u16, flags: libc::c_int, body: &[u8]) -> io::Result<()> {
    let flags = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_ACK | flags).unwrap_or_default();
    let length = u32::try_from(HEADER + body.len()).unwrap_or_default();
    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    sendto(socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0; ANSWER];
    let (read, _) = recv(socket, &mut answer, RecvFlags::empty())?;
    let code = answer.get(HEADER..read.min(HEADER + 4)).and_then(|code| code.try_into().ok());
    match code.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(code.saturating_abs())),
        None => Err(io::Error::other("the kernel's answer is too short")),
    }
}
