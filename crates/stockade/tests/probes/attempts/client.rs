//! The client that runs the hook, and what answers the client: both are in the sandbox with the hook, and have rights that
//! the hook has not.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use stockade_testkit::kernel::call;

use crate::place::Place;
use crate::probe::Probe;
use crate::sys::{open, other};

/// The port at which a client that is Node.js lets itself be debugged.
const DEBUGGER: u16 = 9229;
/// What it says to whoever asks how.
const ENTRANCE: &str = "webSocketDebuggerUrl";
/// How often the debugger is looked for, and how long it may take.
const TRIES: u32 = 40;
const POLL: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(1);
/// The variable that says where the client finds packages.
const REGISTRY: &str = "npm_config_registry";
/// A package's name that tells something.
const TELLING: &str = "stockade-probe-c5";

pub(super) const PROBES: &[Probe] = &[
    Probe::inside("C1", "signal the client that runs the hook (kill with 0)", |_| {
        call(libc::SYS_kill, [client()?, 0]).map(drop)
    }),
    Probe::inside("C2", "have the client open its debugger (SIGUSR1), and enter it", |_| {
        call(libc::SYS_kill, [client()?, libc::SIGUSR1.into()])?;
        let mut outcome = other("it does not open");
        for _ in 0..TRIES {
            outcome = debugger();
            let refused = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
            if outcome.as_ref().map_or_else(refused, |()| true) {
                break;
            }
            sleep(POLL);
        }
        outcome
    }),
    Probe::inside("C3", "open the client's memory (/proc/…/mem)", |_| {
        open(format!("/proc/{}/mem", client()?), libc::O_RDWR).map(drop)
    }),
    Probe::inside("C4", "get an answer where the client gets packages", |place| {
        let answer = ask(registry(place)?, "left-demo")?;
        if answer.starts_with("HTTP/") { Ok(()) } else { other("it is no answer") }
    }),
    Probe::outside(
        "C5",
        "tell the registry something by a package's name, where the client gets packages",
        |outside| outside.got(TELLING),
        |place| ask(registry(place)?, TELLING).map(drop),
    ),
];

/// The number of the nearest process above that is Node.js.
fn client() -> io::Result<i64> {
    let mut pid = "self".to_owned();
    loop {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if field("Name:").is_some_and(|name| name.starts_with("npm") || name.starts_with("node")) {
            return field("Pid:").unwrap_or_default().parse().map_err(io::Error::other);
        }
        let parent = field("PPid:").filter(|parent| *parent != "0");
        parent.ok_or_else(|| io::Error::other("there is none"))?.clone_into(&mut pid);
    }
}

fn debugger() -> io::Result<()> {
    let answer = exchange((Ipv4Addr::LOCALHOST, DEBUGGER).into(), "/json/list")?;
    if answer.contains(ENTRANCE) { Ok(()) } else { other("somebody else is there") }
}

/// Where packages come from, and the path below which they are: as the client was told, or as it is planted.
fn registry(place: &Place) -> io::Result<(SocketAddr, String)> {
    let Ok(told) = std::env::var(REGISTRY) else {
        return Ok(((Ipv4Addr::LOCALHOST, place.registry).into(), "/".to_owned()));
    };
    let (host, path) = told.trim_start_matches("http://").split_once('/').unwrap_or((&told, ""));
    Ok((host.parse().map_err(io::Error::other)?, format!("/{path}")))
}

fn ask((to, below): (SocketAddr, String), name: &str) -> io::Result<String> {
    exchange(to, &format!("{below}{name}"))
}

fn exchange(to: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n")?;
    let mut answer = [0; 4096];
    let read = stream.read(&mut answer)?;
    if read == 0 {
        return other("it hung up");
    }
    Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
}
