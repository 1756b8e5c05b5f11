//! Watching what a program starts and whom it calls, as evidence of who did what.
//!
//! The kernel asks before each such call and waits for the answer, which in a world of its own is "go on", unless a hook
//! cannot be confined ([`Errand`]): what may not be is kept away by namespaces, mounts and Landlock, since whatever lies in
//! the memory of the asker may be another thing by the time it is used. Where there is no such world, connections are made
//! here ([`Emulation`]). Source: `seccomp_unotify(2)`.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, StatVfsMountFlags, fstat, fstatvfs, openat2};

use super::emulate::Emulation;
use super::errand::{Errand, Place};
use super::folder;
use super::group::{Group, Refused};
use super::hook::{Hook, lies_within};
use super::opened;
use super::process::{self, Id};
use crate::profile::matches;

/// Who is told, and how hooks of packages are known.
pub struct Watched {
    /// Told of everything, on the watching thread, while the program waits.
    pub tell: Box<dyn FnMut(Event) + Send>,
    /// How hooks of packages are known.
    pub names: Option<HookNames>,
    /// What hooks may do whose client does not run them with our shell: this program is put in the place of theirs. Their
    /// sandbox has to let this program be run.
    pub hook: Option<Hook>,
    /// Whether hooks may connect to nothing, where connections are made for the program.
    pub hooks_stay: bool,
}

/// How the processes of a package's hook are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookNames {
    /// The variable with the package's name.
    #[serde(default)]
    pub package: Option<String>,
    /// The variable with its version.
    #[serde(default)]
    pub version: Option<String>,
    /// The ends of the paths of folders in which packages are built, with `*`, `$PACKAGE` and `$VERSION` in them.
    #[serde(default)]
    pub folders: Vec<String>,
    /// The variable with the hook's name; without one, the program's name is the hook's.
    #[serde(default)]
    pub hook: Option<String>,
    /// The name of the program that a hook begins with, with `*` in it, for a client that starts hooks without a shell of
    /// ours.
    #[serde(default)]
    pub program: Option<String>,
    /// The ends of the folders in which packages lie whose hooks are confined.
    #[serde(default)]
    pub within: Vec<String>,
}

/// Something that a process did, or tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The process, by its number outside.
    pub process: i32,
    /// What it runs.
    pub program: PathBuf,
    /// The hook that it belongs to.
    pub cause: Option<Cause>,
    /// The folder that this hook is confined to, if it is.
    pub confined: Option<PathBuf>,
    /// What it did.
    pub deed: Deed,
}

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// It runs another program, which is there.
    Run(PathBuf),
    /// It connects to an address.
    Connect(SocketAddr),
    /// It sends a message to an address, without a connection.
    Send(SocketAddr),
    /// It connects to a socket of this machine.
    Local(PathBuf),
    /// It reads a file. Seen only where everything is watched and nothing kept away.
    Read(PathBuf),
    /// It changes a file or a folder, or makes or removes one. Seen only there.
    Write(PathBuf),
    /// It starts the program of a hook that cannot be confined, and was kept from it.
    Unconfined {
        /// The program.
        program: PathBuf,
        /// Why it cannot.
        why: String,
    },
    /// It was kept from something by a control group, after whatever else should have kept it.
    Past(Past),
}

/// What got past a filter of system calls, and was refused by programs in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// To connect to an address.
    Connect(SocketAddr),
    /// To send a message to an address.
    Send(SocketAddr),
    /// To listen at an address that others reach.
    Listen(SocketAddr),
    /// To make a socket, of the protocol with this number, whose messages nobody looks at.
    Socket(u32),
}

/// The hook of a package.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Cause {
    /// The package's name, as its client says it.
    pub package: String,
    /// Its version.
    pub version: String,
    /// The hook's name.
    pub hook: String,
}

/// How long nobody looks at what the group has refused.
const LOOK_AGAIN: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// The longest path that is read.
const MAX_PATH: usize = 4096;
/// The longest address that is read: that of a socket with a path.
const MAX_ADDRESS: usize = 110;
/// How many hooks are remembered. What is beyond is told without its cause, and from then on nobody is known to be none.
const MAX_HOOKS: usize = 100_000;
/// How far up the tree of processes a hook is looked for.
const MAX_DEPTH: usize = 256;
/// The longest name of a package, version or hook that is told.
const MAX_NAME: usize = 256;

/// Answers until nobody is left who could ask.
pub(super) fn start(
    listener: OwnedFd,
    watched: Watched,
    emulation: Option<Emulation>,
    group: Option<Arc<Group>>,
) -> io::Result<JoinHandle<()>> {
    // Who asks and who answers take turns, so they stay on one processor. Older kernels do not know it.
    let _ = control(&listener, SET_FLAGS, &mut ());
    // What is never asked for need not be there.
    let program = watched.hook.as_ref().map(|_| std::fs::read_link("/proc/self/exe")).transpose()?;
    let mut watch = Watch {
        listener,
        watched,
        program,
        errand: None,
        emulation,
        group,
        ours: process::ourselves(),
        hooks: HashMap::new(),
        command: None,
        overflowed: false,
    };
    std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || watch.answer_all())
}

struct Watch {
    listener: OwnedFd,
    watched: Watched,
    /// Where this program is, if it is put in the place of others.
    program: Option<PathBuf>,
    /// What this program is to do in the place of the one that is asked about, whose path is at this address.
    errand: Option<(Place, Errand)>,
    emulation: Option<Emulation>,
    group: Option<Arc<Group>>,
    /// What identifies this program.
    ours: Option<Id>,
    /// The processes that hooks began with, by number and time of start.
    hooks: HashMap<(i32, u64), Begun>,
    /// The process that the command began with: the first that asks.
    command: Option<(i32, u64)>,
    /// Whether there were more hooks than are remembered.
    overflowed: bool,
}

/// A process that a hook began with.
#[derive(Clone)]
struct Begun {
    /// Whose it is, once that is known.
    cause: Option<Cause>,
    /// The name of the program that it began with.
    program: String,
    /// The folder of the package, if it is confined.
    confined: Option<PathBuf>,
}

impl Watch {
    fn answer_all(&mut self) {
        loop {
            let mut waiting = [PollFd::new(&self.listener, PollFlags::IN)];
            let some = poll(&mut waiting, self.group.as_ref().map(|_| &LOOK_AGAIN));
            let asks = waiting[0].revents().contains(PollFlags::IN);
            self.tell_refused();
            match some {
                Err(rustix::io::Errno::INTR) | Ok(0) => continue,
                Ok(_) if asks => {}
                _ => return,
            }
            // SAFETY: all zeros are what the kernel wants to find there.
            #[expect(unsafe_code, reason = "the kernel fills the structure in")]
            let mut asked: libc::seccomp_notif = unsafe { MaybeUninit::zeroed().assume_init() };
            // Who asked may have been killed meanwhile.
            if control(&self.listener, RECEIVE, &mut asked).is_err() {
                continue;
            }
            if self.command.is_none() {
                let pid = i32::try_from(asked.pid).unwrap_or_default();
                self.command = process::parent_and_start(pid).map(|(_, start)| (pid, start));
            }
            let event = self.event(&asked);
            // Only if the process still waits, what was read was its own.
            let waits = control(&self.listener, IS_VALID, &mut asked.id.clone()).is_ok();
            let mut answer = if let Some((at, errand)) = self.errand.take().filter(|_| waits) {
                self.send(&asked, &at, &errand, event)
            } else {
                event.filter(|_| waits).into_iter().for_each(&mut self.watched.tell);
                self.answer(&asked)
            };
            let _ = control(&self.listener, SEND, &mut answer);
        }
    }

    /// Tells what the group has refused.
    fn tell_refused(&mut self) {
        let Some(group) = self.group.clone() else { return };
        while let Some(Refused { process, name, past }) = group.refused() {
            let (program, cause) = process.map_or((None, None), |pid| (process::program(pid), self.cause(pid)));
            let program = program.unwrap_or_else(|| name.into());
            let process = process.unwrap_or_default();
            (self.watched.tell)(Event { process, program, cause, confined: None, deed: Deed::Past(past) });
        }
    }

    /// What the kernel is to do: go on, or take what was done here for done.
    fn answer(&mut self, asked: &libc::seccomp_notif) -> libc::seccomp_notif_resp {
        let answer = libc::seccomp_notif_resp { id: asked.id, val: 0, error: 0, flags: 0 };
        let call = libc::c_long::from(asked.data.nr);
        let pid = i32::try_from(asked.pid).unwrap_or_default();
        let may = self.emulation.is_none() || !self.watched.hooks_stay || self.is_of_the_command(pid);
        let waits = || control(&self.listener, IS_VALID, &mut asked.id.clone()).is_ok();
        let act = |emulation: &mut Emulation| emulation.act(pid, (call, asked.data.args), may, waits);
        match self.emulation.as_mut().and_then(act) {
            Some(Ok(())) => answer,
            Some(Err(error)) => libc::seccomp_notif_resp { error: -error.raw_os_error(), ..answer },
            None => {
                let go_on = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap_or_default();
                libc::seccomp_notif_resp { flags: go_on, ..answer }
            }
        }
    }

    /// Puts this program in the place of a hook's. Where that cannot be done the hook is not run, unless it is to be anyway.
    /// What it runs is told when this program becomes it.
    fn send(
        &mut self,
        asked: &libc::seccomp_notif,
        at: &Place,
        errand: &Errand,
        event: Option<Event>,
    ) -> libc::seccomp_notif_resp {
        let listener = &self.listener;
        let add = |file: &OwnedFd, number, closes| hand(listener, asked.id, file, number, closes);
        // As the process sees it, since what it may run is said of what it sees. What only names a file is not handed on.
        let seen = self.program.as_ref().and_then(|program| inside(at.pid, program, OFlags::RDONLY));
        let ourselves = seen.filter(|found| process::id_of(found).is_some_and(|id| Some(id) == self.ours));
        let missing = || io::Error::other("this program is not there for it");
        let sent = ourselves.ok_or_else(missing).and_then(|ourselves| errand.send(at, &ourselves, add));
        let go_on = u32::try_from(libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE).unwrap_or_default();
        let mut answer = libc::seccomp_notif_resp { id: asked.id, val: 0, error: 0, flags: go_on };
        let Err(why) = sent else { return answer };
        if let Some((_, start)) = process::parent_and_start(at.pid) {
            self.hooks.remove(&(at.pid, start));
        }
        let event = event.map(|event| {
            if errand.hook.despite_gaps {
                return event;
            }
            (answer.flags, answer.error) = (0, -libc::EACCES);
            let (program, why) = (PathBuf::from(&errand.program), why.to_string());
            Event { deed: Deed::Unconfined { program, why }, ..event }
        });
        event.into_iter().for_each(&mut self.watched.tell);
        answer
    }

    fn event(&mut self, asked: &libc::seccomp_notif) -> Option<Event> {
        let pid = i32::try_from(asked.pid).ok()?;
        let [first, second, third, _, fifth, sixth] = asked.data.args;
        let deed = match libc::c_long::from(asked.data.nr) {
            libc::SYS_connect => address(pid, second, third)?,
            libc::SYS_sendto => match address(pid, fifth, sixth)? {
                Deed::Connect(to) => Deed::Send(to),
                deed => deed,
            },
            libc::SYS_execve => self.run(pid, None, first)?,
            libc::SYS_execveat => self.run(pid, i32::try_from(first.cast_signed()).ok(), second)?,
            call => opened::deed(pid, call, &asked.data.args)?,
        };
        let program = process::program(pid).unwrap_or_default();
        let confined = self.hook(pid).and_then(|hook| hook.confined);
        Some(Event { process: pid, program, cause: self.cause(pid), confined, deed })
    }

    /// The program that a process starts; none if it is not there, as when a path is searched.
    fn run(&mut self, pid: i32, folder: Option<i32>, path: u64) -> Option<Deed> {
        let (at, path) = (path, process::text(pid, path, MAX_PATH)?);
        let at = Place { pid, at, length: path.len() };
        let path = PathBuf::from(std::ffi::OsString::from_vec(path));
        let folder = folder.filter(|number| *number >= 0).map_or("cwd".to_owned(), |number| format!("fd/{number}"));
        let path = if path.is_absolute() {
            path
        } else {
            let folder = std::fs::read_link(format!("/proc/{pid}/{folder}")).ok()?;
            folder.join(path)
        };
        let found = inside(pid, &path, OFlags::PATH)?;
        let kind = fstat(&found).map(|stat| FileType::from_raw_mode(stat.st_mode));
        // A program that is hidden is covered by a device.
        if !matches!(kind, Ok(FileType::RegularFile | FileType::CharacterDevice)) {
            return None;
        }
        // Who looks for a program goes on after one that cannot be run.
        if is_runnable(&found) {
            self.remember_hook(at, &path);
        }
        Some(Deed::Run(path))
    }

    /// A hook begins where our shell becomes the system's, or with the program that is one.
    fn remember_hook(&mut self, at: Place, starts: &Path) {
        if self.watched.names.is_none() {
            return;
        }
        let pid = at.pid;
        let Some(started) = process::parent_and_start(pid).map(|(_, start)| start) else { return };
        let key = (pid, started);
        // What a confined hook starts belongs to it, under whatever name.
        if self.hook(pid).is_some_and(|hook| hook.confined.is_some()) {
            return;
        }
        if self.hooks.len() >= MAX_HOOKS {
            self.overflowed = true;
            return;
        }
        let Some(names) = &self.watched.names else { return };
        let name = starts.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if names.program.is_some() || !names.folders.is_empty() {
            // The command itself is no hook, wherever it is started.
            let begins =
                self.command != Some(key) && names.program.as_ref().is_none_or(|pattern| matches(pattern, name));
            let Some(folder) = process::folder(pid).filter(|_| begins) else { return };
            let (cause, folder) = match folder::built_in(&folder, &names.folders) {
                // Its variables say more.
                Some((cause, folder)) => (Some(cause).filter(|_| names.package.is_none()), folder.to_owned()),
                None if names.folders.is_empty() => (None, folder),
                None => return,
            };
            let hook = self.watched.hook.as_ref().filter(|hook| hook.is_for(&folder)).cloned();
            let confined = hook.is_some().then(|| folder.clone());
            self.hooks.insert(key, Begun { cause, program: name.to_owned(), confined });
            self.errand = hook.map(|hook| (at, Errand { program: starts.into(), folder, hook }));
        } else if self.ours.is_some() && process::id(pid) == self.ours {
            let lies_in = |folder: &PathBuf| names.within.iter().any(|end| lies_within(folder, end));
            let confined = process::folder(pid).filter(lies_in);
            let cause = cause_from(pid, names, name);
            if confined.is_some() || cause.is_some() {
                self.hooks.insert(key, Begun { cause, program: name.to_owned(), confined });
            }
        }
    }

    /// True if a process descends from the command, and from no hook. One that its parents have left is nobody's.
    fn is_of_the_command(&self, pid: i32) -> bool {
        let mut at = pid;
        for _ in 0..MAX_DEPTH {
            let Some((parent, start)) = process::parent_and_start(at).filter(|_| !self.overflowed) else {
                return false;
            };
            if self.hooks.get(&(at, start)).is_some_and(|hook| hook.confined.is_some()) {
                return false;
            }
            if self.command == Some((at, start)) {
                return true;
            }
            at = parent;
        }
        false
    }

    /// The outermost hook that a process belongs to. One that its parents have left is known by its environment only,
    /// which is what it says itself.
    fn cause(&mut self, pid: i32) -> Option<Cause> {
        let found = self.hook(pid).and_then(|hook| hook.cause);
        found.or_else(|| cause_from(pid, self.watched.names.as_ref()?, folder::BUILD))
    }

    /// What is known of the outermost hook that a process belongs to; of a confined one before any other.
    fn hook(&mut self, pid: i32) -> Option<Begun> {
        let (mut at, mut found) = (pid, None::<Begun>);
        // Most commands have no hooks, and no hook is above the command.
        for _ in 0..if self.hooks.is_empty() { 0 } else { MAX_DEPTH } {
            let Some((parent, start)) = process::parent_and_start(at) else { break };
            if let Some(known) = self.hooks.get_mut(&(at, start)) {
                if known.cause.is_none() {
                    known.cause = self.watched.names.as_ref().and_then(|names| cause_from(at, names, &known.program));
                }
                if known.confined.is_some() || found.as_ref().is_none_or(|found| found.confined.is_none()) {
                    found = Some(known.clone());
                }
            }
            if self.command == Some((at, start)) {
                break;
            }
            at = parent;
        }
        found
    }
}

/// What a process sees at a path.
fn inside(pid: i32, path: &Path, how: OFlags) -> Option<OwnedFd> {
    let root = rustix::fs::open(format!("/proc/{pid}/root"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
    openat2(&root, path, how | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::IN_ROOT).ok()
}

/// Whether a file can be run, as far as it and what it lies on say.
fn is_runnable(file: &OwnedFd) -> bool {
    let mode = fstat(file).map_or(Mode::empty(), |stat| Mode::from_raw_mode(stat.st_mode));
    let forbidden = fstatvfs(file).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::NOEXEC));
    mode.intersects(Mode::XUSR | Mode::XGRP | Mode::XOTH) && !forbidden
}

/// Whose hook a process is by its environment, and its name if nothing else says one.
fn cause_from(pid: i32, names: &HookNames, name: &str) -> Option<Cause> {
    let wanted = [names.package.as_ref(), names.version.as_ref(), names.hook.as_ref()];
    let [package, version, hook] = process::variables(pid, wanted.map(|name| name.map(String::as_str)))?;
    let plain = |text: String| text.chars().filter(|char| !char.is_control()).take(MAX_NAME).collect();
    let hook = hook.unwrap_or_else(|| name.to_owned());
    Some(Cause { package: plain(package?), version: plain(version.unwrap_or_default()), hook: plain(hook) })
}

/// Whom an address in a process's memory names; none if it is nobody outside of the process.
fn address(pid: i32, at: u64, length: u64) -> Option<Deed> {
    let length = usize::try_from(length).ok()?.min(MAX_ADDRESS);
    parsed(&process::memory(pid, at, length)?)
}

/// Whom an address names.
pub(super) fn parsed(bytes: &[u8]) -> Option<Deed> {
    let family = i32::from(u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?));
    let port = || Some(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?));
    match family {
        libc::AF_INET => {
            let ip = <[u8; 4]>::try_from(bytes.get(4..8)?).ok()?;
            Some(Deed::Connect((Ipv4Addr::from(ip), port()?).into()))
        }
        libc::AF_INET6 => {
            let ip = Ipv6Addr::from(<[u8; 16]>::try_from(bytes.get(8..24)?).ok()?);
            Some(Deed::Connect((IpAddr::from(ip).to_canonical(), port()?).into()))
        }
        libc::AF_UNIX => {
            let path = bytes.get(2..)?;
            let (mark, path) = match path.split_first()? {
                (0, name) => ("@", name),
                _ => ("", path),
            };
            let end = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
            let path = String::from_utf8_lossy(path.get(..end)?);
            Some(Deed::Local(PathBuf::from(format!("{mark}{path}"))))
        }
        _ => None,
    }
}

/// Numbers of the requests that a listener takes, each with its direction and the length of its argument.
const RECEIVE: libc::c_ulong = request(3, 0, size_of::<libc::seccomp_notif>());
const SEND: libc::c_ulong = request(3, 1, size_of::<libc::seccomp_notif_resp>());
const IS_VALID: libc::c_ulong = request(1, 2, size_of::<u64>());
const ADD: libc::c_ulong = request(1, 3, size_of::<libc::seccomp_notif_addfd>());
const SET_FLAGS: libc::c_ulong = request(1, 4, size_of::<u64>());
/// Wakes who waits on the same processor.
const SYNC_WAKE_UP: u64 = 1;

/// A request's number: direction, length, `!`, number. Source: `ioctl(2)`.
const fn request(direction: libc::c_ulong, number: libc::c_ulong, length: usize) -> libc::c_ulong {
    direction << 30 | (length as libc::c_ulong) << 16 | (b'!' as libc::c_ulong) << 8 | number
}

/// Gives a descriptor to a process that waits for an answer, under a number; one that `closes` when it starts a program.
fn hand(listener: &OwnedFd, id: u64, file: &OwnedFd, number: RawFd, closes: bool) -> io::Result<()> {
    let unsigned = |number: RawFd| u32::try_from(number).map_err(io::Error::other);
    let newfd_flags = if closes { unsigned(libc::O_CLOEXEC)? } else { 0 };
    let flags = u32::try_from(libc::SECCOMP_ADDFD_FLAG_SETFD).map_err(io::Error::other)?;
    let (srcfd, newfd) = (unsigned(file.as_raw_fd())?, unsigned(number)?);
    control(listener, ADD, &mut libc::seccomp_notif_addfd { id, flags, srcfd, newfd, newfd_flags })
}

fn control<T>(listener: &OwnedFd, request: libc::c_ulong, argument: &mut T) -> io::Result<()> {
    // SAFETY: the argument is what this request takes, as its length in the request's number says. For flags the kernel
    // takes the number itself.
    #[expect(unsafe_code, reason = "no library has these requests")]
    let result = unsafe {
        if request == SET_FLAGS {
            libc::ioctl(listener.as_raw_fd(), request, SYNC_WAKE_UP)
        } else {
            libc::ioctl(listener.as_raw_fd(), request, std::ptr::from_mut(argument))
        }
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
