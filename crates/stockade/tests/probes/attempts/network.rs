//! Getting bytes out by the network, and letting somebody in.

use std::fs;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::thread::sleep;
use std::time::Duration;

use stockade_testkit::kernel::{at, call};

use crate::probe::{Probe, mark};
use crate::ring::{CONNECT, Ring, SEND};
use crate::services::{PORT, WELCOME};
use crate::sys::{Message, connect, inet6, length, loopback, number, other, send, socket, tell};

const NETLINK_ROUTE: i32 = 0;
/// The type of a message that lists addresses, and the flags that ask for all of them.
const LIST: [u16; 2] = [22, 0x301];
/// How long somebody outside has to get in.
const OPEN: Duration = Duration::from_millis(300);

pub(super) const PROBES: &[Probe] = &[
    Probe::arrives("N1", "connect to a service of the machine (TCP)", |place| {
        tell(&stream()?, &loopback(place.stream), &mark("N1"))
    }),
    Probe::arrives("N2", "send with the first packet (TCP Fast Open)", |place| {
        send(&stream()?, mark("N2").as_bytes(), libc::MSG_FASTOPEN, &loopback(place.stream))
    }),
    Probe::arrives("N3", "connect by MPTCP", |place| {
        let socket = socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP)?;
        tell(&socket, &loopback(place.stream), &mark("N3"))
    }),
    Probe::arrives("N4", "send a datagram (UDP)", |place| {
        send(&datagram()?, mark("N4").as_bytes(), 0, &loopback(place.datagram))
    }),
    Probe::arrives("N5", "send many datagrams at once (sendmmsg)", |place| {
        let (bytes, to) = (mark("N5"), loopback(place.datagram));
        Message::new(bytes.as_bytes(), &to, &[]).send_as_one_of_many(&datagram()?, 0)
    }),
    Probe::inside("N6", "open a socket to the host of a virtual machine (vsock)", |_| {
        socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0).map(drop)
    }),
    Probe::inside("N7", "open a socket that sees all packets (raw)", |_| {
        socket(libc::AF_PACKET, libc::SOCK_RAW, 0).map(drop)
    }),
    Probe::outside(
        "N14",
        "listen for somebody outside",
        |outside| outside.got(&welcome("N14")),
        |place| {
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, place.to_bind))?;
            let_in(&listener, "N14")
        },
    ),
    Probe::outside(
        "N15",
        "listen without an address",
        |outside| outside.got(&welcome("N15")),
        |place| {
            let socket = stream()?;
            call(libc::SYS_listen, [number(&socket), 1])?;
            let listener = TcpListener::from(socket);
            fs::write(place.own.join(PORT), listener.local_addr()?.port().to_string())?;
            let_in(&listener, "N15")
        },
    ),
    Probe::inside("N17", "list the machine's network devices (netlink)", |place| {
        let socket = socket(libc::AF_NETLINK, libc::SOCK_RAW, NETLINK_ROUTE)?;
        let mut ask = 20_u32.to_ne_bytes().to_vec();
        ask.extend(LIST.iter().flat_map(|word| word.to_ne_bytes()));
        ask.resize(20, 0);
        send(&socket, &ask, 0, &[])?;
        let mut answer = vec![0_u8; 16 * 1024];
        let read = call(libc::SYS_recvfrom, [number(&socket), at(answer.as_slice()), length(&answer), 0, 0, 0])?;
        answer.truncate(usize::try_from(read).unwrap_or_default());
        let has = |name: &String| answer.windows(name.len()).any(|window| window == name.as_bytes());
        if place.devices.iter().any(has) { Ok(()) } else { other("there is loopback alone") }
    }),
    Probe::arrives("N18", "connect and send by io_uring", |place| {
        let (ring, socket, to, bytes) = (Ring::new()?, stream()?, loopback(place.stream), mark("N18"));
        ring.ask(CONNECT, number(&socket), at(to.as_slice()), 0, length(&to), 0)?;
        ring.ask(SEND, number(&socket), at(bytes.as_str()), length(bytes.as_bytes()), 0, 0).map(drop)
    }),
    Probe::arrives("N19", "ask a name server, with a secret in the name (DNS tunnel)", |place| {
        let mut question = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0".to_vec();
        for label in [mark("N19").as_str(), "evil", "invalid", ""] {
            question.push(u8::try_from(label.len()).unwrap_or_default());
            question.extend(label.as_bytes());
        }
        question.extend([0, 16, 0, 1]);
        let socket = datagram()?;
        connect(&socket, &loopback(place.datagram))?;
        send(&socket, &question, 0, &[])
    }),
    Probe::arrives("N20", "connect by IPv6", |place| {
        if place.stream6 == 0 {
            return other("this machine has no IPv6");
        }
        let socket = socket(libc::AF_INET6, libc::SOCK_STREAM, 0)?;
        tell(&socket, &inet6(Ipv6Addr::LOCALHOST, place.stream6), &mark("N20"))
    }),
    Probe::arrives("N21", "connect with data (TCP_FASTOPEN_CONNECT)", |place| {
        let socket = stream()?;
        let arguments = [number(&socket), libc::IPPROTO_TCP.into(), libc::TCP_FASTOPEN_CONNECT.into(), at(&1_i32), 4];
        call(libc::SYS_setsockopt, arguments)?;
        tell(&socket, &loopback(place.stream), &mark("N21"))
    }),
    Probe::arrives("N22", "send a datagram with a message (sendmsg)", |place| {
        let (bytes, to) = (mark("N22"), loopback(place.datagram));
        Message::new(bytes.as_bytes(), &to, &[]).send(&datagram()?, 0)
    }),
    Probe::inside("N23", "send an echo request (ping)", |_| {
        socket(libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_ICMP).map(drop)
    }),
    Probe::arrives("N24", "tell the registry something with the user's token", |place| {
        let request = format!("PUT /{} HTTP/1.1\r\n\r\n", mark("N24"));
        tell(&stream()?, &loopback(place.registry), &request)
    }),
    Probe::arrives("N25", "send with the first packet of a message (sendmsg, Fast Open)", |place| {
        let (bytes, to) = (mark("N25"), loopback(place.stream));
        Message::new(bytes.as_bytes(), &to, &[]).send(&stream()?, libc::MSG_FASTOPEN)
    }),
    Probe::arrives("N31", "send with the first packet of many messages (sendmmsg, Fast Open)", |place| {
        let (bytes, to) = (mark("N31"), loopback(place.stream));
        Message::new(bytes.as_bytes(), &to, &[]).send_as_one_of_many(&stream()?, libc::MSG_FASTOPEN)
    }),
    Probe::inside("N32", "open a socket for packets of its own making (raw IPv4)", |_| {
        socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_RAW).map(drop)
    }),
    Probe::inside("N29", "use the kernel's ciphers (AF_ALG)", |_| {
        socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0).map(drop)
    }),
];

fn stream() -> io::Result<OwnedFd> {
    socket(libc::AF_INET, libc::SOCK_STREAM, 0)
}

fn datagram() -> io::Result<OwnedFd> {
    socket(libc::AF_INET, libc::SOCK_DGRAM, 0)
}

fn welcome(id: &str) -> String {
    format!("{WELCOME}{id}>")
}

/// Greets whoever comes while the door is open.
fn let_in(listener: &TcpListener, id: &str) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut came = false;
    let end = std::time::Instant::now() + OPEN;
    while std::time::Instant::now() < end {
        match listener.accept() {
            Ok((mut stream, _)) => {
                came = true;
                stream.write_all(welcome(id).as_bytes())?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(Duration::from_millis(5)),
            Err(error) => return Err(error),
        }
    }
    if came { Ok(()) } else { other("nobody came") }
}
