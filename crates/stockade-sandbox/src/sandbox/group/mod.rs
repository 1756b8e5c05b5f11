//! A control group of the command's own, with programs in the kernel that look at whom its sockets call: a second wall
//! where there are no namespaces, which does not rest on the filter of system calls. Only root can have it.
//!
//! Connections are made for the command by us ([`super::emulate`]), on its own sockets, and a socket belongs to the group
//! that it was made in; so ours are looked at as well, and what is allowed is what we do: to connect to our listener, or
//! to what the command itself listens on. A program that got past the filter and Landlock could do just that. What the
//! kernel refuses here, nobody has refused before, so nothing is told twice.
//!
//! The programs stay with the group until it is removed, also if we are killed. Source: `cgroups(7)`, `bpf(2)`.

mod bpf;
mod program;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::fs::{FlockOperation, Mode, OFlags, flock};

use super::watch::Past;
use program::{Asked, Maps, NOTE};

/// How the names of our groups begin.
const OURS: &str = "stockade-";
/// How many refusals are kept until somebody looks, which is every second. What is beyond is counted.
const MAX_KEPT: u32 = 1024;
/// How many ports there are.
const MAX_PORTS: u32 = 1 << 16;
/// How often a name is tried that somebody may have cleaned away before it was locked.
const TRIES: u32 = 3;
/// How often, and how long each time, is waited for what has been killed to be gone.
const LAST_WAITS: u32 = 100;
const LAST_WAIT: Duration = Duration::from_millis(10);

/// A control group, locked by us.
#[derive(Debug)]
pub(super) struct Group {
    folder: PathBuf,
    opened: OwnedFd,
    ports: OwnedFd,
    refused: OwnedFd,
    lost: OwnedFd,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// The process, if it is still there, by its number.
    pub(super) process: Option<i32>,
    /// What the kernel calls it.
    pub(super) name: String,
    pub(super) past: Past,
}

impl Group {
    /// A group that nothing is in yet. The error is what this system does not let us do.
    pub(super) fn new() -> io::Result<Self> {
        let parent = ours()?;
        clean(&parent);
        let (folder, opened) = make(&parent)?;
        let equipped = equip(&opened);
        if equipped.is_err() {
            let _ = std::fs::remove_dir(&folder);
        }
        let Equipped { ports, refused, lost } = equipped?;
        Ok(Self { folder, opened, ports, refused, lost })
    }

    /// What a process writes `0` to, to be in here from then on, with all that it starts.
    pub(super) fn entrance(&self) -> io::Result<OwnedFd> {
        Ok(rustix::fs::openat(&self.opened, "cgroup.procs", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?)
    }

    /// True if a process has come in.
    pub(super) fn is_entered(&self) -> bool {
        let mut some = [0];
        let members = rustix::fs::openat(&self.opened, "cgroup.procs", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        members.and_then(|members| rustix::io::read(members, &mut some)).is_ok_and(|read| read > 0)
    }

    /// Lets sockets in here connect to a port of this machine.
    pub(super) fn allow(&self, port: u16) -> io::Result<()> {
        bpf::put(&self.ports, port.to_be().into(), 1)
    }

    /// The oldest refusal that nobody has looked at.
    pub(super) fn refused(&self) -> Option<Refused> {
        Some(self.read(&bpf::take::<NOTE>(&self.refused)?))
    }

    fn read(&self, note: &[u8; NOTE]) -> Refused {
        let (process, name, past) = parsed(note);
        // The number is that of the first namespace of processes, and may be another's by now.
        let process = process.filter(|process| self.has(*process));
        Refused { process, name, past }
    }

    fn has(&self, process: i32) -> bool {
        let groups = ask(&format!("/proc/{process}/cgroup")).unwrap_or_default();
        let folder = of_second_kind(&groups).map(Path::new).and_then(Path::file_name);
        folder.is_some() && folder == self.folder.file_name()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A later run removes what is still in use.
        let _ = std::fs::remove_dir(&self.folder);
    }
}

/// What keeps a command's connections, and who tells of what it kept.
#[derive(Debug)]
pub struct Kept {
    pub(super) group: Arc<Group>,
    pub(super) watch: Option<JoinHandle<()>>,
}

impl Kept {
    /// Ends what is left in there, waits until everything is told, and gives how much was not for want of room.
    pub fn end(self) -> u64 {
        let Self { group, watch } = self;
        let kill = rustix::fs::openat(&group.opened, "cgroup.kill", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
        // Linux 5.14 has it; before, the launcher alone ends what is left.
        let _ = kill.and_then(|kill| rustix::io::write(kill, b"1"));
        for _ in 0..LAST_WAITS {
            if !group.is_entered() && watch.as_ref().is_none_or(JoinHandle::is_finished) {
                break;
            }
            std::thread::sleep(LAST_WAIT);
        }
        bpf::count(&group.lost).unwrap_or_default()
    }
}

struct Equipped {
    ports: OwnedFd,
    refused: OwnedFd,
    lost: OwnedFd,
}

/// Gives a group its programs.
fn equip(group: &OwnedFd) -> io::Result<Equipped> {
    const WORD: u32 = 4;
    let ports = bpf::Map { kind: bpf::HASH, key: WORD, value: WORD, entries: MAX_PORTS, flags: bpf::WHEN_NEEDED };
    let note = u32::try_from(NOTE).unwrap_or_default();
    let refused = bpf::Map { kind: bpf::QUEUE, value: note, entries: MAX_KEPT, ..bpf::Map::default() };
    let lost = bpf::Map { kind: bpf::ARRAY, key: WORD, value: 2 * WORD, entries: 1, ..bpf::Map::default() };
    let made = Equipped { ports: bpf::make(ports)?, refused: bpf::make(refused)?, lost: bpf::make(lost)? };
    let maps = Maps { ports: made.ports.as_raw_fd(), refused: made.refused.as_raw_fd(), lost: made.lost.as_raw_fd() };
    for asked in program::ALL {
        attach(group, asked, maps)?;
    }
    Ok(made)
}

fn attach(group: &OwnedFd, asked: Asked, maps: Maps) -> io::Result<()> {
    let program = bpf::load(asked.kind(), asked.place(), &program::program(asked, maps))?;
    bpf::attach(group.as_fd(), &program, asked.place())
}

/// A folder for a new group, locked.
fn make(parent: &Path) -> io::Result<(PathBuf, OwnedFd)> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let mut outcome = Err(io::ErrorKind::NotFound.into());
    for _ in 0..TRIES {
        let name = format!("{OURS}{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let folder = parent.join(name);
        outcome = std::fs::create_dir(&folder).and_then(|()| locked(&folder));
        match outcome {
            // Who cleaned it away had it locked meanwhile.
            Ok(opened) if folder.exists() => return Ok((folder, opened)),
            Err(ref error) if error.kind() == io::ErrorKind::PermissionDenied => break,
            _ => {}
        }
    }
    Err(outcome.err().unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}

/// Removes groups that nobody has locked and nothing is in.
fn clean(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(OURS)) {
        if let Ok(_lock) = locked(&entry.path()) {
            let _ = std::fs::remove_dir(entry.path());
        }
    }
}

fn locked(folder: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let opened = rustix::fs::open(folder, flags, Mode::empty())?;
    flock(&opened, FlockOperation::NonBlockingLockExclusive)?;
    Ok(opened)
}

/// The folder of the group that we are in. One elsewhere would take the command out of the limits that we have.
fn ours() -> io::Result<PathBuf> {
    let (groups, mounts) = (ask("/proc/self/cgroup")?, ask("/proc/self/mountinfo")?);
    folder(&groups, &mounts).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Where a process's group is, by what the kernel says of it and of what is mounted.
fn folder(groups: &str, mounts: &str) -> Option<PathBuf> {
    let group = Path::new(of_second_kind(groups)?);
    mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let mut words = place.split(' ').skip(3);
        let (root, at) = (words.next()?, words.next()?);
        // What lies above the root of the mount is not in it.
        let below = group.strip_prefix(root).ok().filter(|below| !below.starts_with(".."))?;
        kind.starts_with("cgroup2 ").then(|| Path::new(at).join(below))
    })
}

/// The path of the one group of the second kind that a process is in.
fn of_second_kind(groups: &str) -> Option<&str> {
    groups.lines().find_map(|line| line.strip_prefix("0::"))
}

#[expect(clippy::disallowed_methods, reason = "these are no files, but questions to the kernel")]
fn ask(path: &str) -> io::Result<String> {
    std::fs::read_to_string(path)
}

/// The process, its name, and what it tried.
fn parsed(note: &[u8; NOTE]) -> (Option<i32>, String, Past) {
    let word = |at: usize| note.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_ne_bytes);
    let ip: [u8; 16] = note.get(..16).and_then(|ip| ip.try_into().ok()).unwrap_or_default();
    let ip = IpAddr::from(Ipv6Addr::from(ip)).to_canonical();
    // The port is in the order of networks.
    let port = u16::from_be(u16::try_from(word(program::PORT_AT)).unwrap_or_default());
    let to = SocketAddr::new(ip, port);
    let past = match word(program::MARK_AT).cast_signed() {
        program::CONNECT => Past::Connect(to),
        program::SEND => Past::Send(to),
        program::BIND => Past::Listen(to),
        _ => Past::Socket(word(program::PORT_AT)),
    };
    let name = note.get(program::NAME_AT..).unwrap_or_default().split(|byte| *byte == 0).next().unwrap_or_default();
    let process = i32::try_from(word(program::PROCESS_AT)).ok().filter(|process| *process > 0);
    (process, String::from_utf8_lossy(name).into_owned(), past)
}
