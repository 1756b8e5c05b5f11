//! Waiting for a child as whoever stands between it and its master: signals go down, its end goes up.

use std::io;

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// What a shell adds to the number of the signal that ended a process.
const KILLED: i32 = 128;
/// The code of a process of which not even the signal is known.
const UNKNOWN: i32 = 255;
/// What is passed on. An interrupt from the terminal reaches the program by itself.
const PASSED: [libc::c_int; 3] = [libc::SIGTERM, libc::SIGHUP, libc::SIGCHLD];
/// What must not end us before the program has ended.
const IGNORED: [libc::c_int; 3] = [libc::SIGINT, libc::SIGQUIT, libc::SIGPIPE];

/// Two processes where there was one.
pub(super) enum Forked {
    /// This is the new one.
    Child,
    /// This is the old one; that is the new one.
    Parent(Pid),
}

/// Makes another process. Signals that are relayed wait in both from now on.
pub(super) fn fork() -> io::Result<Forked> {
    hold(libc::SIG_BLOCK)?;
    // SAFETY: the launcher has a single thread, so the child has everything that it had.
    #[expect(unsafe_code, reason = "the standard library starts programs only")]
    let pid = unsafe { libc::fork() };
    match Pid::from_raw(pid) {
        _ if pid < 0 => Err(io::Error::last_os_error()),
        None => Ok(Forked::Child),
        Some(child) => Ok(Forked::Parent(child)),
    }
}

/// Lets signals through again, for the program that comes.
pub(super) fn release() -> io::Result<()> {
    hold(libc::SIG_UNBLOCK)
}

/// Waits for a child, reaps every other one that there is, and gives its exit code as a shell would.
pub(super) fn relay(child: Pid) -> i32 {
    loop {
        match next_signal() {
            libc::SIGCHLD => {
                while let Ok(Some((pid, status))) = waitpid(None, WaitOptions::NOHANG) {
                    if pid == child && !status.stopped() && !status.continued() {
                        return status
                            .exit_status()
                            .or(status.terminating_signal().map(|signal| KILLED + signal))
                            .unwrap_or(UNKNOWN);
                    }
                }
            }
            // It may have ended just now.
            libc::SIGTERM => drop(kill_process(child, Signal::TERM)),
            libc::SIGHUP => drop(kill_process(child, Signal::HUP)),
            _ => {}
        }
    }
}

/// Ends every process below this one.
pub(super) fn end_all() {
    loop {
        for child in children() {
            let _ = kill_process(child, Signal::KILL);
        }
        if waitpid(None, WaitOptions::empty()).is_err() {
            return;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is no file, but a question to the kernel")]
fn children() -> Vec<Pid> {
    let text = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    text.split_whitespace().filter_map(|number| Pid::from_raw(number.parse().ok()?)).collect()
}

#[expect(unsafe_code, reason = "no library has sets of signals")]
fn hold(how: libc::c_int) -> io::Result<()> {
    // SAFETY: the set is made by `sigemptyset` before it is read, and lives during the calls.
    let result = unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in PASSED {
            libc::sigaddset(&raw mut set, signal);
        }
        let handler = if how == libc::SIG_BLOCK { libc::SIG_IGN } else { libc::SIG_DFL };
        for signal in IGNORED {
            libc::signal(signal, handler);
        }
        libc::sigprocmask(how, &raw const set, std::ptr::null_mut())
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[expect(unsafe_code, reason = "no library waits for signals")]
fn next_signal() -> libc::c_int {
    // SAFETY: the set is made by `sigemptyset` before it is read; nothing is asked of the signal but its number.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in PASSED {
            libc::sigaddset(&raw mut set, signal);
        }
        libc::sigwaitinfo(&raw const set, std::ptr::null_mut())
    }
}
