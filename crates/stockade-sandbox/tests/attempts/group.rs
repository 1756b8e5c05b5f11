//! The control group of a command that has no network of its own, by itself: a process that neither Landlock nor a filter
//! of system calls holds is put into it, and tries what they would have kept from it.

use std::io::{self, Read as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::{env, fs};

use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, connect, ipproto, sendto, socket_with};
use stockade_sandbox::sandbox::{Deed, Event, Past, Plan, Sandbox, Tier, Watched};

use crate::linux::{PATIENCE, Place, raw};

/// Where the kernel says which group a process is in.
const GROUP: &str = "0::";
/// Who tries, by the name that it has for the kernel.
const MAX_NAME: usize = 15;

type Attempt = fn(&To) -> io::Result<()>;

/// Whom is talked to.
struct To {
    stream: u16,
    datagram: u16,
}

/// Whether what was noted is such a refusal.
type Noted = fn(Past) -> bool;

/// What is tried, and how a refusal is noted.
const ATTEMPTS: &[(&str, Attempt, Noted)] = &[
    ("connect", |to| stream(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), to.stream)), connected),
    (
        "connect to an address of IPv4 as one of IPv6",
        |to| stream(SocketAddr::new(Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(), to.stream)),
        connected,
    ),
    ("connect by IPv6", |to| stream(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), to.stream)), connected),
    (
        "send with the first packet",
        |to| {
            let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
            fast_open(&socket, SocketAddr::new(Ipv4Addr::LOCALHOST.into(), to.stream))
        },
        connected,
    ),
    (
        "send with the first packet to an address of IPv4 as one of IPv6",
        |to| {
            let socket = socket(AddressFamily::INET6, SocketType::STREAM, None)?;
            fast_open(&socket, SocketAddr::new(Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(), to.stream))
        },
        connected,
    ),
    (
        "connect by MPTCP",
        |to| {
            let socket = socket(AddressFamily::INET, SocketType::STREAM, Some(ipproto::MPTCP))?;
            Ok(connect(&socket, &SocketAddr::new(Ipv4Addr::LOCALHOST.into(), to.stream))?)
        },
        |past| matches!(past, Past::Socket(_)),
    ),
    (
        "send a datagram",
        |to| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.send_to(b"x", (Ipv4Addr::LOCALHOST, to.datagram)).map(drop)
        },
        sent,
    ),
    (
        "connect a socket for datagrams",
        |to| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.connect((Ipv4Addr::LOCALHOST, to.datagram))?;
            socket.send(b"x").map(drop)
        },
        connected,
    ),
    (
        "send a datagram to an address of IPv4 as one of IPv6",
        |to| datagram(Ipv4Addr::LOCALHOST.to_ipv6_mapped(), to.datagram),
        sent,
    ),
    ("send a datagram by IPv6", |to| datagram(Ipv6Addr::LOCALHOST, to.datagram), sent),
    (
        "listen for somebody outside",
        |_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).map(drop),
        |past| matches!(past, Past::Listen(_)),
    ),
    (
        "listen for somebody outside by IPv6",
        |_| TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).map(drop),
        |past| matches!(past, Past::Listen(_)),
    ),
    (
        "open a socket for packets of its own making",
        |_| socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::UDP)).map(drop),
        |past| matches!(past, Past::Socket(_)),
    ),
    (
        "open a socket for echo requests",
        |_| socket(AddressFamily::INET, SocketType::DGRAM, Some(ipproto::ICMP)).map(drop),
        |past| matches!(past, Past::Socket(_)),
    ),
];

fn connected(past: Past) -> bool {
    matches!(past, Past::Connect(to) if to.ip().is_loopback() && to.port() != 0)
}

fn sent(past: Past) -> bool {
    matches!(past, Past::Send(to) if to.ip().is_loopback() && to.port() != 0)
}

fn stream(to: SocketAddr) -> io::Result<()> {
    TcpStream::connect_timeout(&to, PATIENCE).map(drop)
}

fn socket(family: AddressFamily, kind: SocketType, protocol: Option<rustix::net::Protocol>) -> io::Result<OwnedFd> {
    Ok(socket_with(family, kind, SocketFlags::CLOEXEC, protocol)?)
}

fn fast_open(socket: &OwnedFd, to: SocketAddr) -> io::Result<()> {
    let flag = SendFlags::from_bits_retain(libc::MSG_FASTOPEN.unsigned_abs());
    sendto(socket, b"x", flag | SendFlags::NOSIGNAL, &to)?;
    Ok(())
}

fn datagram(to: Ipv6Addr, port: u16) -> io::Result<()> {
    let socket = socket(AddressFamily::INET6, SocketType::DGRAM, None)?;
    sendto(&socket, b"x", SendFlags::NOSIGNAL, &SocketAddr::new(to.into(), port))?;
    Ok(())
}

/// Tries one, in a group if there is one. What comes of it is the number of the error.
pub(super) fn attempt(group: &str, name: &str, stream: &str, datagram: &str) -> i32 {
    if !group.is_empty() {
        fs::write(Path::new(group).join("cgroup.procs"), "0").unwrap();
    }
    let (_, attempt, _) = ATTEMPTS.iter().find(|(known, ..)| *known == name).unwrap();
    let outcome = attempt(&To { stream: stream.parse().unwrap(), datagram: datagram.parse().unwrap() });
    outcome.map_or_else(|error| error.raw_os_error().unwrap_or(-1), |()| 0)
}

fn tried(group: &Path, name: &str, to: &To) -> i32 {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["attempt-in".as_ref(), group.as_os_str(), name.as_ref()]);
    command.args([to.stream.to_string(), to.datagram.to_string()]).stdout(Stdio::null());
    command.status().unwrap().code().unwrap()
}

/// True if this system lets us have programs in the kernel and control groups.
fn is_privileged() -> bool {
    const WORDS: usize = 18;
    // A map of the second kind, with a key of four bytes, a value of four bytes, and one entry.
    let mut map = [0_u32; WORDS];
    map[..4].copy_from_slice(&[2, 4, 4, 1]);
    let length = i64::try_from(size_of_val(&map)).unwrap();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mounted = mounts.lines().any(|line| line.contains(" - cgroup2 ") && line.contains(" rw,"));
    mounted && raw(libc::SYS_bpf, [0, map.as_ptr() as i64, length]).is_ok()
}

/// The folder of the group that a process is in.
fn group_of(process: u32) -> PathBuf {
    let groups = fs::read_to_string(format!("/proc/{process}/cgroup")).unwrap();
    let group = groups.lines().find_map(|line| line.strip_prefix(GROUP)).unwrap();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 ")).unwrap();
    let mut words = mount.split(' ').skip(3);
    let (root, at) = (words.next().unwrap(), words.next().unwrap());
    Path::new(at).join(Path::new(group).strip_prefix(root).unwrap())
}

pub(super) fn check(place: &Place) {
    if !is_privileged() {
        println!("skipped: no control group of ours, and no programs in the kernel, on this system");
        return;
    }
    let private = tempfile::tempdir_in(&place.root).unwrap();
    let waits =
        Plan { program: "sh".into(), arguments: vec!["-c".into(), "echo up; sleep 600".into()], ..place.plan(&[]) };
    let plan = waits.without_namespaces(private.path()).unwrap();
    let sandbox = Sandbox::new(Tier::Landlock).unwrap();
    let mut command = sandbox.command(&env::current_exe().unwrap(), &["launch"]).unwrap();
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&events);
    let tell = move |event: Event| told.lock().unwrap().push(event);
    let watched = Watched { tell: Box::new(tell), names: None, hook: None, hooks_stay: false };
    let entered = sandbox.enter(&plan, watched, false).unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
    let kept = entered.kept.expect("root gets a control group");
    let group = group_of(child.id());

    let services = Services::new();
    let mut said = Vec::new();
    for (name, _, noted) in ATTEMPTS {
        let to = services.of(name);
        let bare = tried(Path::new(""), name, &to);
        if bare != 0 {
            println!("{name}: not testable here: {}", io::Error::from_raw_os_error(bare));
            continue;
        }
        assert_eq!(tried(&group, name, &to), libc::EPERM, "in the group, `{name}` has to fail");
        said.push((name, noted));
    }
    let ours = To { stream: entered.ends.streams[0].local_addr().unwrap().port(), datagram: 0 };
    for name in ["connect", "connect to an address of IPv4 as one of IPv6"] {
        assert_eq!(tried(&group, name, &ours), 0, "in the group, our listener is reached: {name}");
    }

    assert_eq!(kept.end(), 0, "nothing was too much to be told");
    let events = events.lock().unwrap();
    let program = env::current_exe().unwrap();
    let name = program.file_name().unwrap().to_string_lossy().chars().take(MAX_NAME).collect::<String>();
    let pasts = events.iter().filter_map(|event| match event.deed {
        Deed::Past(past) => Some((past, event.program.to_string_lossy().into_owned())),
        _ => None,
    });
    let pasts: Vec<_> = pasts.collect();
    assert_eq!(pasts.len(), said.len(), "each is told once: {pasts:?}");
    for ((past, by), (tried, noted)) in pasts.iter().zip(&said) {
        assert!(noted(*past), "`{tried}` is told as {past:?}");
        assert!(*by == name || *by == program.to_string_lossy(), "`{tried}` is told of `{by}`");
    }
    drop(events);
    child.wait().unwrap();
    assert!(!group.exists(), "nothing is left of {}", group.display());
    println!("in a control group: {} attempts failed as they should", said.len());
    leftovers(&group);
}

/// What a run that was killed has left is removed by the next.
fn leftovers(group: &Path) {
    let left = group.with_file_name("stockade-left-0");
    fs::create_dir(&left).unwrap();
    drop(Sandbox::new(Tier::Landlock).unwrap());
    assert!(!left.exists());
    let before = ours(group);
    let first = Sandbox::new(Tier::Landlock).unwrap();
    let there = ours(group);
    drop(Sandbox::new(Tier::Landlock).unwrap());
    assert!(there.len() > before.len() && ours(group) == there, "one that is about to be used stays");
    drop(first);
    assert_eq!(ours(group), before);
    let used = group.with_file_name("stockade-left-1");
    fs::create_dir(&used).unwrap();
    let mut member = Command::new("sleep").arg("600").spawn().unwrap();
    fs::write(used.join("cgroup.procs"), member.id().to_string()).unwrap();
    drop(Sandbox::new(Tier::Landlock).unwrap());
    assert!(used.exists(), "somebody is in there");
    member.kill().unwrap();
    member.wait().unwrap();
    fs::remove_dir(&used).unwrap();
}

/// The groups that this process has made.
fn ours(group: &Path) -> Vec<PathBuf> {
    let name = format!("stockade-{}-", std::process::id());
    let all = fs::read_dir(group.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let mut ours: Vec<_> = all.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&name)).collect();
    ours.sort();
    ours
}

/// What listens on this machine and is none of the command's.
struct Services {
    stream: TcpListener,
    stream_six: Option<TcpListener>,
    datagram: UdpSocket,
}

impl Services {
    fn new() -> Self {
        Self {
            stream: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(),
            stream_six: TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok(),
            datagram: UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(),
        }
    }

    /// Whom one attempt talks to.
    fn of(&self, name: &str) -> To {
        let six = self.stream_six.as_ref().filter(|_| name == "connect by IPv6");
        let stream = six.unwrap_or(&self.stream).local_addr().unwrap().port();
        To { stream, datagram: self.datagram.local_addr().unwrap().port() }
    }
}
