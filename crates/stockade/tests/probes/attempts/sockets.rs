//! Sockets of the machine: daemons that do for anybody what they are asked.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use stockade_testkit::kernel::{at_mut, call, opened};

use crate::place::SECRET;
use crate::probe::{Probe, mark};
use crate::services::{AGENT, BUS, DAEMON, DISPLAY, DOCKER, GIVER, GRAM, JOURNAL, TAKER};
use crate::sys::{Message, handed_over, number, path, receive_descriptor, secret_in, send, socket, tell, unix};

pub(super) const PROBES: &[Probe] = &[
    Probe::arrives("N8", "talk to docker", |place| {
        tell(&socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)?, &unix(&path(place.root.join(DOCKER))), &mark("N8"))
    }),
    Probe::arrives("N9", "talk to the ssh agent", |place| {
        tell(&socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)?, &unix(&path(place.root.join(AGENT))), &mark("N9"))
    }),
    Probe::arrives("N30", "talk to a daemon whose socket lies in the project", |place| {
        tell(&socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)?, &unix(&path(place.root.join(DAEMON))), &mark("N30"))
    }),
    Probe::arrives("N10", "talk to the display (abstract socket)", |place| {
        tell(&socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)?, &unix(&place.nameless(DISPLAY)), &mark("N10"))
    }),
    Probe::arrives("N11", "talk to the message bus (abstract socket)", |place| {
        tell(&socket(libc::AF_UNIX, libc::SOCK_STREAM, 0)?, &unix(&place.nameless(BUS)), &mark("N11"))
    }),
    Probe::arrives("N12", "send a datagram to a daemon (unix socket)", |place| {
        let socket = socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
        send(&socket, mark("N12").as_bytes(), 0, &unix(&path(place.root.join(JOURNAL))))
    }),
    Probe::arrives("N13", "the same from a pair of sockets", |place| {
        let mut pair = [0_i32; 2];
        let kind = i64::from(libc::SOCK_DGRAM);
        call(libc::SYS_socketpair, [libc::AF_UNIX.into(), kind, 0, at_mut(&mut pair)])?;
        let socket = opened(libc::SYS_dup, [pair[0].into()])?;
        send(&socket, mark("N13").as_bytes(), 0, &unix(&path(place.root.join(JOURNAL))))
    }),
    Probe::arrives("N26", "send a datagram to an abstract socket", |place| {
        let socket = socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
        send(&socket, mark("N26").as_bytes(), 0, &unix(&place.nameless(GRAM)))
    }),
    Probe::outside(
        "N27",
        "hand an open file to somebody outside",
        |outside| outside.got(&mark("N27")),
        |place| {
            fs::write(place.own.join("N27"), SECRET)?;
            let file = crate::sys::open(place.own.join("N27"), libc::O_RDONLY)?;
            let stream = OwnedFd::from(UnixStream::connect(place.root.join(TAKER))?);
            Message::new(b"?", &[], &handed_over(number(&file))).send(&stream, libc::MSG_NOSIGNAL)
        },
    ),
    Probe::inside("N28", "take an open key from somebody outside", |place| {
        let stream = OwnedFd::from(UnixStream::connect(place.root.join(GIVER))?);
        receive_descriptor(&stream).and_then(secret_in)
    }),
];
