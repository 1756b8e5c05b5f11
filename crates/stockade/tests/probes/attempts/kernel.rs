//! The kernel's corners: ways out of namespaces, into other processes, past filters.

use std::fs;
use std::io;

use stockade_testkit::kernel::{at, call, call_i386, opened};

use crate::place::Place;
use crate::probe::Probe;
use crate::ring::Ring;
use crate::sys::{beget, flags, number, open, path};

/// Numbers that the C library's headers do not have everywhere.
const X32: i64 = 0x4000_0000;
const GETPID_32: u32 = 20;
/// `userfaultfd` for faults of programs only, which needs no rights.
const USER_MODE_ONLY: i64 = 1;
/// The length of what describes a performance counter, and of what describes a new process.
const COUNTER: usize = 128;
const CLONE_ARGUMENTS: usize = 11;
const READ_ALL_MESSAGES: i64 = 3;

pub(super) const PROBES: &[Probe] = &[
    Probe::inside("P11", "make namespaces (unshare)", |_| {
        call(libc::SYS_unshare, [flags(&[libc::CLONE_NEWUSER, libc::CLONE_NEWNS])]).map(drop)
    }),
    Probe::inside("P14", "hold up another thread's memory (userfaultfd)", |_| {
        opened(libc::SYS_userfaultfd, [USER_MODE_ONLY]).map(drop)
    }),
    Probe::inside("P15", "make a map for programs of the kernel (bpf)", |_| {
        // A map of one element: kind, sizes of key and value, number.
        let map = [2_u32, 4, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        opened(libc::SYS_bpf, [0, at(&map), 72]).map(drop)
    }),
    Probe::inside("P16", "set up a ring of io_uring", |_| Ring::new().map(drop)),
    Probe::inside("P17", "count what the processor does (perf_event_open)", |_| {
        let mut counter = [0_u8; COUNTER];
        counter[0] = 1;
        counter[4] = u8::try_from(COUNTER).unwrap_or_default();
        // Nothing of the kernel's.
        counter[40] = 0b0110_0000;
        opened(libc::SYS_perf_event_open, [at(&counter), 0, -1, -1, 0]).map(drop)
    }),
    Probe::inside("P20", "make a call of the 32-bit interface (int 0x80)", |_| call_i386(GETPID_32, [0; 3]).map(drop)),
    Probe::inside("P29", "make a call by its x32 number", |_| call(X32 + libc::SYS_getpid, []).map(drop)),
    Probe::inside("P30", "make a process in a user namespace (clone)", |_| {
        beget(libc::SYS_clone, [flags(&[libc::CLONE_NEWUSER, libc::SIGCHLD]), 0])
    }),
    Probe::inside("P31", "make a process in a user namespace (clone3)", |_| {
        let mut arguments = [0_u64; CLONE_ARGUMENTS];
        arguments[0] = u64::from(libc::CLONE_NEWUSER.unsigned_abs());
        arguments[4] = u64::from(libc::SIGCHLD.unsigned_abs());
        beget(libc::SYS_clone3, [at(&arguments), 88])
    }),
    Probe::inside("P32", "begin a file system (fsopen)", |_| {
        let kind = path("tmpfs");
        opened(libc::SYS_fsopen, [at(kind.as_slice()), 0]).map(drop)
    }),
    Probe::inside("P33", "change the root (chroot)", |place| {
        let own = path(&place.own);
        call(libc::SYS_chroot, [at(own.as_slice())]).map(drop)
    }),
    Probe::inside("P34", "enter another process's network (setns)", |place| enter(place, "net", libc::CLONE_NEWNET)),
    Probe::inside("P35", "read the kernel's messages (syslog)", |_| {
        let room = [0_u8; 64];
        call(libc::SYS_syslog, [READ_ALL_MESSAGES, at(&room), 64]).map(drop)
    }),
    Probe::inside("P36", "open the machine's memory (/dev/mem)", |_| open("/dev/mem", libc::O_RDONLY).map(drop)),
    Probe::inside("P37", "watch the whole file system (fanotify)", |_| {
        opened(libc::SYS_fanotify_init, [i64::from(libc::FAN_REPORT_FID), libc::O_RDONLY.into()]).map(drop)
    }),
    Probe::inside("P38", "enter another process's user namespace (setns)", |place| {
        enter(place, "user", libc::CLONE_NEWUSER)
    }),
    Probe::inside("P39", "see the machine's mounts outside (/proc/1/mountinfo)", |place| {
        let mounts = fs::read_to_string("/proc/1/mountinfo")?;
        let data = place.root.display().to_string();
        // In a sandbox, the first process sees what was shown to it.
        if mounts.contains(&data) { Err(io::Error::other("it is the sandbox's")) } else { Ok(()) }
    }),
];

fn enter(place: &Place, kind: &str, flag: i32) -> io::Result<()> {
    let space = open(place.of_victim(&format!("ns/{kind}")), libc::O_RDONLY)?;
    call(libc::SYS_setns, [number(&space), flag.into()]).map(drop)
}
