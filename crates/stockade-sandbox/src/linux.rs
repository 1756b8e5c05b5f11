//! Confinement by Linux: Landlock for files and network, seccomp for system calls.
//!
//! There are two filters. One lets through what computing needs and answers everything else with an error, because
//! libraries try things and go on without them (an allocator looks into `/proc`). The other ends the process at what no
//! library tries while computing, so that an attacker who got in shows. Of two answers the kernel takes the harsher.

use std::collections::BTreeMap;
use std::io;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _, RulesetError,
    RulesetStatus, Scope,
};
use rustix::thread::set_no_new_privs;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads,
};

use crate::confine::{ConfineError, Limits, limits};

/// The newest version of Landlock that is asked for. An older kernel enforces a part of it, which is said.
const LANDLOCK: ABI = ABI::V6;

pub(crate) fn before_threads(limits: &Limits, gaps: &mut Vec<String>) -> Result<(), ConfineError> {
    close_inherited(gaps);
    set_no_new_privs(true).map_err(|error| ConfineError::Limit(io::Error::from(error)))?;
    // Threads take these rules over from the one that starts them.
    match forbid_files() {
        Ok(RulesetStatus::FullyEnforced) => {}
        Ok(RulesetStatus::PartiallyEnforced) => gaps.push(
            "this kernel's Landlock is too old to keep the inspector from everything; the filter of system calls remains"
                .to_owned(),
        ),
        Ok(RulesetStatus::NotEnforced) => gaps.push(
            "this kernel has no Landlock, so that the filter of system calls alone keeps the inspector from files"
                .to_owned(),
        ),
        Err(error) => gaps.push(format!("Landlock does not keep the inspector from files: {error}")),
    }
    // Last: making the rules takes a descriptor.
    limits::before_threads(limits)
}

pub(crate) fn after_threads(gaps: &mut Vec<String>) -> Result<(), ConfineError> {
    limits::after_threads()?;
    if let Err(error) = filter_calls() {
        gaps.push(format!("system calls of the inspector are not filtered: {error}"));
    }
    Ok(())
}

/// Closes what a parent left open, beyond the standard streams.
fn close_inherited(gaps: &mut Vec<String>) {
    const FIRST: libc::c_uint = 3;
    const NO_FLAGS: libc::c_uint = 0;
    // SAFETY: no memory is involved. The caller promises that this is the only thread and that it is early, so nothing
    // in this process owns a descriptor that is closed here.
    #[expect(unsafe_code, reason = "there is no safe way to close descriptors that nothing owns")]
    let result = unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, NO_FLAGS) };
    if result != 0 {
        let error = io::Error::last_os_error();
        gaps.push(format!("descriptors that were passed on to the inspector stay open: {error}"));
    }
}

/// No file, no port, no signal to others: a set of rules with no exception.
fn forbid_files() -> Result<RulesetStatus, RulesetError> {
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?;
    Ok(rules.create()?.restrict_self()?.ruleset)
}

/// What computing needs: memory, the streams that are open, locks between threads, clocks, and an end. A thread that was
/// started just now has its own beginnings to register.
const ALLOWED: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_membarrier,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// What no library tries while computing. Whoever does is an attacker who got in.
const HOSTILE: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_clone,
    libc::SYS_clone3,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_bpf,
    libc::SYS_keyctl,
    libc::SYS_io_uring_setup,
    libc::SYS_userfaultfd,
    libc::SYS_perf_event_open,
    libc::SYS_memfd_create,
];

/// The place of the argument that says what memory may be used for.
const PROTECTION: u8 = 2;

fn filter_calls() -> Result<(), seccompiler::Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let any = |calls: &[libc::c_long]| calls.iter().map(|call| (*call, Vec::new())).collect();
    let mut allowed: BTreeMap<i64, Vec<SeccompRule>> = any(ALLOWED);
    // Memory that can be written is never run, and nothing becomes code that was none at the start.
    let no_code = condition(PROTECTION, SeccompCmpOp::MaskedEq(bits(libc::PROT_EXEC)), 0)?;
    allowed.insert(libc::SYS_mmap, vec![no_code.clone()]);
    allowed.insert(libc::SYS_mprotect, vec![no_code]);
    // An abort is a signal to oneself.
    let to_itself = condition(0, SeccompCmpOp::Eq, u64::from(std::process::id()))?;
    allowed.insert(libc::SYS_tgkill, vec![to_itself]);
    let refused = SeccompAction::Errno(bits(libc::EPERM).try_into().unwrap_or(u32::MAX));
    let allow: BpfProgram = SeccompFilter::new(allowed, refused, SeccompAction::Allow, arch)?.try_into()?;
    let kill = SeccompFilter::new(any(HOSTILE), SeccompAction::Allow, SeccompAction::KillProcess, arch)?;
    let kill: BpfProgram = kill.try_into()?;
    // The one that allows the least comes last: with it, no filter can be added any more.
    apply_filter_all_threads(&kill)?;
    apply_filter_all_threads(&allow)
}

fn condition(argument: u8, compare: SeccompCmpOp, value: u64) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, value)?])
}

/// A constant of the C library, none of which is negative, as the kernel's interface has it.
const fn bits(constant: libc::c_int) -> u64 {
    constant.unsigned_abs() as u64
}
