//! Being faster than whoever looks: what is checked is not what is used; what was begun goes on afterwards.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use stockade_testkit::kernel::{Memory, at, at_mut, call};

use crate::place::{OVER, Place};
use crate::probe::{Probe, mark};
use crate::services::DOCKER;
use crate::sys::{length, loopback, number, other, secret, send, socket, tell};

/// How long a race is run.
const RACE: Duration = Duration::from_millis(500);
/// How long a process waits for the end of the install that it outlives.
const WAIT: Duration = Duration::from_secs(20);
const PAGE: usize = 4096;
/// How many datagrams have to be away before a race with them counts as won.
const AWAY: usize = 50;
/// The descriptor in whose place now this, now that is put, and how long it stays there.
const SPOT: i64 = 77;
const BREATH: Duration = Duration::from_micros(50);

pub(super) const PROBES: &[Probe] = &[
    Probe::arrives("R1", "change the address while it is looked at (connect)", addresses),
    Probe::inside("R2", "swap a link while it is followed", links),
    Probe::inside("R3", "swap folders while a path is walked", folders),
    Probe::arrives("R6", "swap a link while a socket is connected by it", sockets),
    Probe::arrives("R7", "put another socket in the place of the one that is connected (dup3)", sockets_exchanged),
    Probe::arrives("R8", "change the address while it is looked at (sendto)", datagrams),
    Probe::arrives("R4", "connect from a process that outlives the install", |place| outlive(place, "R4")),
    Probe::outside(
        "R5",
        "read a key from a process that outlives the install",
        |outside| fs::read_to_string(outside.place.own.join("R5")).is_ok_and(|said| said == "read"),
        |place| outlive(place, "R5"),
    ),
];

/// Connects to an address that changes between one that is its own and one that is not.
fn addresses(place: &Place) -> io::Result<()> {
    let own = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let (mine, theirs) = (loopback(own.local_addr()?.port()), loopback(place.stream));
    let memory = Arc::new(Memory::new(PAGE)?);
    let over = Arc::new(AtomicBool::new(false));
    spawn(move || own.incoming().for_each(drop));
    let (changed, ended, both) = (Arc::clone(&memory), Arc::clone(&over), [mine.clone(), theirs]);
    let changes = spawn(move || {
        while !ended.load(Ordering::Relaxed) {
            for address in &both {
                changed.put(0, address);
            }
        }
    });
    let (end, mut outcome) = (Instant::now() + RACE, other("it never was the other one"));
    // A port that is let go of this way is free at once.
    let linger = [1_i32, 0];
    while Instant::now() < end && outcome.is_err() {
        let socket = socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
        let connected = call(libc::SYS_connect, [number(&socket), memory.address(), length(&mine)]);
        let sent = connected.and_then(|_| send(&socket, mark("R1").as_bytes(), libc::MSG_NOSIGNAL, &[]));
        // The other one answers; the own one hangs up.
        let mut answer = [0_u8; 1];
        let answered = sent.and_then(|()| call(libc::SYS_read, [number(&socket), at_mut(&mut answer), 1]));
        if answered.is_ok_and(|read| read > 0) {
            outcome = Ok(());
        } else {
            let option = [number(&socket), libc::SOL_SOCKET.into(), libc::SO_LINGER.into(), at(&linger), 8];
            let _ = call(libc::SYS_setsockopt, option);
        }
    }
    over.store(true, Ordering::Relaxed);
    let _ = changes.join();
    outcome
}

/// Reads by a link that leads now here, now there.
fn links(place: &Place) -> io::Result<()> {
    let (link, next, mine) = (place.own.join("R2"), place.own.join("R2.next"), place.own.join("R2.mine"));
    fs::write(&mine, "mine")?;
    symlink(&mine, &link)?;
    let targets = [mine, place.key()];
    race(
        move |round| {
            let _ = fs::remove_file(&next);
            let _ = symlink(&targets[round % 2], &next).and_then(|()| fs::rename(&next, place_of(&next)));
        },
        || secret(&link),
    )
}

/// Connects by a link that leads now to a socket of its own, now to a daemon's.
fn sockets(place: &Place) -> io::Result<()> {
    let (link, next, mine) = (place.own.join("R6"), place.own.join("R6.next"), place.own.join("R6.mine"));
    let own = UnixListener::bind(&mine)?;
    spawn(move || own.incoming().for_each(drop));
    symlink(&mine, &link)?;
    let targets = [mine, place.root.join(DOCKER)];
    race(
        move |round| {
            let _ = fs::remove_file(&next);
            let _ = symlink(&targets[round % 2], &next).and_then(|()| fs::rename(&next, place_of(&next)));
        },
        || {
            let mut stream = UnixStream::connect(&link)?;
            stream.write_all(mark("R6").as_bytes())?;
            // Its own hangs up.
            if stream.read(&mut [0; 64])? == 0 { other("it is its own") } else { Ok(()) }
        },
    )
}

/// Connects a descriptor that is now an ordinary socket, now one that goes past rules for ports.
fn sockets_exchanged(place: &Place) -> io::Result<()> {
    let (to, mark) = (loopback(place.stream), mark("R7"));
    race(
        |round| {
            let protocol = if round % 2 == 0 { 0 } else { libc::IPPROTO_MPTCP };
            if let Ok(socket) = socket(libc::AF_INET, libc::SOCK_STREAM, protocol) {
                let _ = call(libc::SYS_dup3, [number(&socket), SPOT, 0]);
            }
            // Long enough for a call or two on either of them.
            sleep(BREATH);
        },
        || {
            call(libc::SYS_connect, [SPOT, at(to.as_slice()), length(&to)])?;
            let arguments = [SPOT, at(mark.as_str()), length(mark.as_bytes()), libc::MSG_NOSIGNAL.into(), 0, 0];
            call(libc::SYS_sendto, arguments).map(drop)
        },
    )
}

/// Sends to an address that changes between one that is its own and one that is not.
fn datagrams(place: &Place) -> io::Result<()> {
    let own = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    own.set_nonblocking(true)?;
    let memory = Arc::new(Memory::new(PAGE)?);
    let both = [loopback(own.local_addr()?.port()), loopback(place.datagram)];
    let socket = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    let (mark, changed, length_of) = (mark("R8"), Arc::clone(&memory), length(&both[0]));
    // Some go nowhere.
    let away = std::cell::Cell::new(0);
    race(
        move |round| changed.put(0, &both[round % 2]),
        || {
            let bytes = [number(&socket), at(mark.as_str()), length(mark.as_bytes()), 0, memory.address(), length_of];
            call(libc::SYS_sendto, bytes)?;
            // On loopback it is there at once, if it is its own.
            away.set(away.get() + usize::from(own.recv(&mut [0; 64]).is_err()));
            if away.get() == AWAY { Ok(()) } else { other("it is its own") }
        },
    )
}

fn place_of(next: &std::path::Path) -> std::path::PathBuf {
    next.with_extension("")
}

/// Reads a path of which a part is now a folder of its own, now the home.
fn folders(place: &Place) -> io::Result<()> {
    let (part, next, mine) = (place.own.join("R3"), place.own.join("R3.next"), place.own.join("R3.mine"));
    fs::create_dir_all(mine.join(".ssh"))?;
    fs::write(mine.join(".ssh/id_rsa"), "mine")?;
    symlink(&mine, &part)?;
    let (key, targets) = (part.join(".ssh/id_rsa"), [mine, place.home.clone()]);
    race(
        move |round| {
            let _ = fs::remove_file(&next);
            let _ = symlink(&targets[round % 2], &next).and_then(|()| fs::rename(&next, place_of(&next)));
        },
        || secret(&key),
    )
}

/// Tries again and again while somebody changes things.
fn race(change: impl Fn(usize) + Send + 'static, attempt: impl Fn() -> io::Result<()>) -> io::Result<()> {
    let over = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&over);
    let changes = spawn(move || {
        for round in 0.. {
            if ended.load(Ordering::Relaxed) {
                return;
            }
            change(round);
        }
    });
    let (end, mut outcome) = (Instant::now() + RACE, other("it never was the other one"));
    while Instant::now() < end && outcome.is_err() {
        outcome = attempt();
    }
    over.store(true, Ordering::Relaxed);
    let _ = changes.join();
    outcome
}

/// Leaves a process behind, in a session of its own.
fn outlive(place: &Place, id: &str) -> io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["left", id, "-"]).current_dir(&place.own).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(drop)
}

/// What was left behind: waits until the install is over, and acts then.
pub(crate) fn left(id: &str, _what: &str) -> ExitCode {
    let _ = call(libc::SYS_setsid, []);
    let end = Instant::now() + WAIT;
    while !std::path::Path::new(OVER).exists() && Instant::now() < end {
        sleep(Duration::from_millis(10));
    }
    let act = |place: Place| match id {
        "R4" => tell(&socket(libc::AF_INET, libc::SOCK_STREAM, 0)?, &loopback(place.stream), &mark("R4")),
        _ => secret(place.key()).and_then(|()| fs::write("R5", "read")),
    };
    match Place::read().and_then(act) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
