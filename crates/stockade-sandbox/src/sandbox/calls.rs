//! A filter of system calls that asks somebody outside, which the library for the other filters cannot make.
//!
//! It is a program for the kernel of a few instructions. Where several filters answer, the kernel takes the harshest
//! answer, so that nothing is asked about what is refused anyway. Source: `seccomp(2)`, `seccomp_unotify(2)`.

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};

use super::{Tier, opened};
use libc::{BPF_ABS, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W};

/// The calls that somebody is asked about: whom it connects to, and what it starts.
const ASKED: [libc::c_long; 3] = [libc::SYS_connect, libc::SYS_execve, libc::SYS_execveat];
/// Those that somebody does for a program that has no network of its own.
const DONE: [libc::c_long; 2] = [libc::SYS_bind, libc::SYS_listen];
/// The first number of a second set of calls that only one architecture has: the same as the first, past every filter.
const OTHER_SET: u32 = 0x4000_0000;
/// Where the number of a call stands in what a filter sees.
const NUMBER: u32 = 0;
/// Where the lower and the upper half of the fifth argument stand: the address that a message goes to.
const ADDRESS: [u32; 2] = [48, 52];

/// Installs the filter, and gives the descriptor on which questions arrive; none if there is somebody already whom they
/// go to. Needs `no_new_privs`.
///
/// Only in a world of its own a program can do without.
pub(super) fn ask(tier: Tier) -> io::Result<Option<OwnedFd>> {
    match install(&program(libc::SECCOMP_RET_USER_NOTIF, tier), libc::SECCOMP_FILTER_FLAG_NEW_LISTENER) {
        Ok(listener) => {
            // SAFETY: the kernel has just made it, for us.
            #[expect(unsafe_code, reason = "a new descriptor has no owner yet")]
            let listener = unsafe { OwnedFd::from_raw_fd(listener) };
            Ok(Some(listener))
        }
        Err(error) if error.raw_os_error() == Some(libc::EBUSY) && tier == Tier::Namespaces => {
            install(&program(libc::SECCOMP_RET_ALLOW, tier), 0).map(|_| None)
        }
        Err(error) => Err(error),
    }
}

/// Refuses the second set of calls, and answers `asked` to the calls in question.
fn program(asked: u32, tier: Tier) -> Vec<libc::sock_filter> {
    let errno = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    let mut program = vec![load(NUMBER), jump(BPF_JGE, OTHER_SET, 0, 1), answer(errno)];
    let done = DONE.into_iter().filter(|_| tier == Tier::Landlock);
    let opened = opened::CALLS.iter().map(|call| call.number).filter(|_| tier == Tier::Observe);
    for call in ASKED.into_iter().chain(done).chain(opened) {
        program.extend([jump(BPF_JEQ, number(call), 0, 1), answer(asked)]);
    }
    // A message with an address needs no connection.
    let [lower, upper] = ADDRESS.map(load);
    program.extend([
        jump(BPF_JEQ, number(libc::SYS_sendto), 0, 5),
        lower,
        jump(BPF_JEQ, 0, 0, 2),
        upper,
        jump(BPF_JEQ, 0, 1, 0),
        answer(asked),
        answer(libc::SECCOMP_RET_ALLOW),
    ]);
    program
}

/// A call's number, as the filter sees it.
fn number(call: libc::c_long) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}

fn load(offset: u32) -> libc::sock_filter {
    instruction(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0)
}

fn answer(with: u32) -> libc::sock_filter {
    instruction(BPF_RET | BPF_K, with, 0, 0)
}

fn jump(compare: u32, with: u32, then: u8, otherwise: u8) -> libc::sock_filter {
    instruction(BPF_JMP | compare | BPF_K, with, then, otherwise)
}

fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code: u16::try_from(code).unwrap_or_default(), jt, jf, k }
}

fn install(program: &[libc::sock_filter], flags: libc::c_ulong) -> io::Result<libc::c_int> {
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the program, which lives during the call, and does not write to it.
    #[expect(unsafe_code, reason = "no library installs filters that ask")]
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
    if result < 0 { Err(io::Error::last_os_error()) } else { libc::c_int::try_from(result).map_err(io::Error::other) }
}
