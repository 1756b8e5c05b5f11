//! The launcher: from a process of ours to a program in its sandbox, one step after the other. No step is optional.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::fs::{Mode, OFlags};
use rustix::process::{DumpableBehavior, set_child_subreaper, set_dumpable_behavior, set_parent_process_death_signal};
use rustix::thread::{
    CapabilitySet, CapabilitySets, UnshareFlags, clear_ambient_capability_set, remove_capability_from_bounding_set,
    set_capabilities, set_no_new_privs, unshare_unsafe,
};

use super::relay::{Forked, end_all, fork, relay, release};
use super::{Plan, Tier, calls, door, files, filter, network, talk};

/// The exit code of a launcher that has run nothing.
const NOTHING_RUN: i32 = 125;
/// The first descriptor that a program does not need.
const FIRST_OTHER: libc::c_uint = 3;

/// A step that could not be taken, and why.
#[derive(Debug)]
pub(super) struct Failed {
    what: String,
    why: io::Error,
}

impl Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.what, self.why)
    }
}

impl Failed {
    /// Tells whoever started us.
    fn tell(&self, socket: &UnixStream) -> i32 {
        talk::complain(socket, &self.to_string());
        NOTHING_RUN
    }
}

/// Says which step failed.
pub(super) trait Step<T> {
    fn step(self, what: impl Display) -> Result<T, Failed>;
}

impl<T, E: Into<io::Error>> Step<T> for Result<T, E> {
    fn step(self, what: impl Display) -> Result<T, Failed> {
        self.map_err(|why| Failed { what: what.to_string(), why: why.into() })
    }
}

/// Becomes a program in a sandbox: reads the plan from the descriptor of this number, and gives the exit code when the
/// program has ended. The process must have one thread. `tier` is the word of the plan's [`Tier`]: a new world begins before
/// there is a plan for it.
pub fn launch(socket: RawFd, tier: &str) -> i32 {
    // SAFETY: the number comes from our own parent, who passed this descriptor on for this alone.
    #[expect(unsafe_code, reason = "a descriptor that was passed on has no owner yet")]
    let socket = UnixStream::from(unsafe { OwnedFd::from_raw_fd(socket) });
    let mut socket = socket;
    let begun = if tier == Tier::Namespaces.word() { new_world() } else { Ok(()) };
    let ready = begun.and_then(|()| prepare(&mut socket));
    let forked = ready.and_then(|ready| Ok((fork().step("the first process cannot be started")?, ready)));
    match forked {
        Ok((Forked::Parent(first), Ready { door, .. })) => {
            // The line closes when the program begins, so nobody else holds it.
            drop(socket);
            if let Some((inner, outer)) = door {
                drop(outer);
                keep_door(inner);
            }
            relay(first)
        }
        Ok((Forked::Child, Ready { plan, streams, names, door })) => {
            let outer = door.map(|(_, outer)| outer);
            let listeners = streams.iter().map(AsFd::as_fd).chain(names.as_ref().map(AsFd::as_fd));
            let ends: Vec<_> = listeners.chain(outer.as_ref().map(AsFd::as_fd)).collect();
            let Err(failed) = inside(&plan, &socket, &ends);
            leave(failed.tell(&socket))
        }
        Err(failed) => failed.tell(&socket),
    }
}

/// Leaves a process in the new network that lets us in, over a line of its own. Without it, nobody gets in.
fn keep_door(mut line: UnixStream) {
    if let Ok(Forked::Child) = fork() {
        let closed = give_up_privileges().is_ok() && set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok();
        if closed {
            door::keep(&mut line);
        }
        leave(0);
    }
}

/// What there is before the new world has a process.
struct Ready {
    plan: Plan,
    streams: Vec<TcpListener>,
    names: Option<UdpSocket>,
    /// Both ends of the line to whoever lets us in: the inner one, and ours.
    door: Option<(UnixStream, UnixStream)>,
}

/// In the old world, with a foot in the new one.
fn prepare(socket: &mut UnixStream) -> Result<Ready, Failed> {
    rustix::io::fcntl_setfd(&*socket, rustix::io::FdFlags::CLOEXEC).step("the line cannot be kept from the program")?;
    let plan = talk::receive_plan(socket).step("there is no plan")?;
    let plan: Plan = serde_json::from_slice(&plan).map_err(io::Error::from).step("the plan cannot be read")?;
    if plan.tier != Tier::Namespaces {
        return Ok(Ready { plan, streams: Vec::new(), names: None, door: None });
    }
    let (streams, names) = network::set_up(&plan.ports)?;
    let door = plan.door.then(UnixStream::pair).transpose().step("there is no way in")?;
    Ok(Ready { plan, streams, names: Some(names), door })
}

/// Namespaces of its own, in which this user is who it was outside, and nobody else is anybody.
fn new_world() -> Result<(), Failed> {
    let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let flags = UnshareFlags::NEWUSER
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWPID;
    // SAFETY: no descriptor table or memory is unshared.
    #[expect(unsafe_code, reason = "other flags than these would be unsound with threads")]
    let unshared = unsafe { unshare_unsafe(flags) };
    unshared.step("this system lets nobody but root have namespaces of its own")?;
    tell_kernel("/proc/self/setgroups", "deny").step("groups cannot be given up")?;
    tell_kernel("/proc/self/uid_map", &format!("{user} {user} 1")).step("the user cannot be taken along")?;
    tell_kernel("/proc/self/gid_map", &format!("{group} {group} 1")).step("the group cannot be taken along")
}

/// Writes into a file that is none, but a question of the kernel's.
fn tell_kernel(path: &str, answer: &str) -> io::Result<()> {
    let file = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, answer.as_bytes())?;
    Ok(())
}

/// The first process of the new world: builds it, then waits for everything in it.
fn inside(plan: &Plan, socket: &UnixStream, ends: &[BorrowedFd<'_>]) -> Result<Infallible, Failed> {
    // If the launcher is killed, the new world ends.
    set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).step("an end cannot be agreed on")?;
    if plan.tier == Tier::Namespaces {
        files::set_up(plan)?;
    } else {
        // What a program leaves behind is ours to end.
        set_child_subreaper(Some(rustix::process::getpid())).step("processes cannot be kept together")?;
        rustix::process::chdir(&plan.folder).step(format!("{} cannot be entered", plan.folder.display()))?;
    }
    if plan.tier == Tier::Observe {
        set_no_new_privs(true).step("new privileges cannot be ruled out")?;
    } else {
        give_up_privileges()?;
    }
    set_dumpable_behavior(DumpableBehavior::NotDumpable).step("memory cannot be closed")?;
    // It closes when the program begins, and says why if it does not.
    let (mut outcome, mut line) = io::pipe().step("the program cannot be asked whether it runs")?;
    match fork().step("the program cannot be started")? {
        Forked::Parent(program) => {
            drop(line);
            let mut complaint = String::new();
            outcome.read_to_string(&mut complaint).step("the program does not say whether it runs")?;
            if complaint.is_empty() {
                talk::send_ends(socket, ends).step("the network cannot be handed over")?;
            } else {
                talk::complain(socket, &complaint);
            }
            // From here on nothing that this process holds is used, or has an owner.
            close_range(FIRST_OTHER, 0).step("descriptors cannot be closed")?;
            let code = relay(program);
            if plan.tier == Tier::Landlock {
                end_all();
            }
            leave(code)
        }
        Forked::Child => {
            let failed = become_program(plan, socket);
            let _ = line.write_all(failed.to_string().as_bytes());
            leave(NOTHING_RUN)
        }
    }
}

/// No capability, and no way to get one: not even for root, who would get them all back with the next program.
fn give_up_privileges() -> Result<(), Failed> {
    for capability in CapabilitySet::all().iter() {
        // What the kernel does not know is not there to be dropped.
        let _ = remove_capability_from_bounding_set(capability);
    }
    let _ = clear_ambient_capability_set();
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, none).step("privileges cannot be given up")?;
    set_no_new_privs(true).step("new privileges cannot be ruled out")
}

/// The last steps, in the process that becomes the program.
fn become_program(plan: &Plan, socket: &UnixStream) -> Failed {
    if let Err(failed) = restricted(plan, socket) {
        return failed;
    }
    #[expect(clippy::disallowed_methods, reason = "this is the crate that starts programs")]
    let mut command = Command::new(&plan.program);
    let environment = plan.environment.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()));
    command.args(&plan.arguments).env_clear().envs(environment);
    let why = command.exec();
    let program: &OsStr = &plan.program;
    Failed { what: format!("`{}` cannot be started", program.display()), why }
}

fn restricted(plan: &Plan, socket: &UnixStream) -> Result<(), Failed> {
    release().step("signals cannot be let through")?;
    close_range(FIRST_OTHER, libc::CLOSE_RANGE_CLOEXEC).step("descriptors cannot be kept from the program")?;
    let mut gaps = filter::restrict(plan)?;
    // From here on, somebody has to be there to answer.
    let listener = calls::ask(plan.tier).step("what the program does cannot be watched")?;
    if listener.is_none() {
        gaps.push("somebody else watches this process already: what the program does is not recorded".to_owned());
    }
    talk::send_ready(socket, listener.as_ref().map(AsFd::as_fd), &gaps).step("nobody listens")?;
    talk::receive_go(socket).step("it was called off")
}

fn close_range(first: libc::c_uint, flags: libc::c_uint) -> io::Result<()> {
    // SAFETY: what is closed is not used any more: the caller only waits for its child, or becomes another program.
    #[expect(unsafe_code, reason = "there is no safe way to close descriptors that have owners")]
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, flags) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Ends this process without the caller's farewells, which are those of the other one.
fn leave(code: i32) -> ! {
    // SAFETY: nothing of this process matters any more.
    #[expect(unsafe_code, reason = "the standard library's exit runs what was registered before the fork")]
    unsafe {
        libc::_exit(code)
    }
}
