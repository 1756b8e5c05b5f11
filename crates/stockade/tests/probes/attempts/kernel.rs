//! The kernel's corners: ways out of namespaces, into other processes, past filters.

use std::fs;
use std::io;

use stockade_testkit::kernel::{Memory, at, at_mut, call, call_i386, opened};

use crate::place::Place;
use crate::probe::{Probe, mark};
use crate::ring::Ring;
use crate::sys::{beget, flags, length, loopback, number, open, other, path, secret_in, socket, tell};

/// Numbers that the C library's headers do not have everywhere.
const X32: i64 = 0x4000_0000;
const GETPID_32: u32 = 20;
const OPEN_32: u32 = 5;
const SOCKET_32: u32 = 359;
const CONNECT_32: u32 = 362;
const LOW: usize = 4096;
/// Of `personality`: what is changed, and what only asks.
const ADDR_NO_RANDOMIZE: i64 = 0x0004_0000;
const ASK: i64 = 0xffff_ffff;
/// Of `fsconfig`: makes what was described.
const CREATE: i64 = 6;
/// `userfaultfd` for faults of programs only, which needs no rights.
const USER_MODE_ONLY: i64 = 1;
/// The length of what describes a performance counter, and of what describes a new process.
const COUNTER: usize = 128;
const CLONE_ARGUMENTS: usize = 11;
const READ_ALL_MESSAGES: i64 = 3;

pub(super) const PROBES: &[Probe] = &[
    Probe::inside("P11", "make namespaces (unshare)", |_| namespaces()),
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
    Probe::inside("P50", "change how addresses are laid out (personality)", |_| {
        call(libc::SYS_personality, [ADDR_NO_RANDOMIZE])?;
        let now = call(libc::SYS_personality, [ASK])?;
        if now & ADDR_NO_RANDOMIZE == 0 { other("it did not change") } else { Ok(()) }
    }),
    Probe::arrives("P51", "connect from a process that was made with a bare clone", |place| {
        let child = call(libc::SYS_clone, [libc::SIGCHLD.into(), 0])?;
        if child == 0 {
            let told = socket(libc::AF_INET, libc::SOCK_STREAM, 0)
                .and_then(|socket| tell(&socket, &loopback(place.stream), &mark("P51")));
            let _ = call(libc::SYS_exit_group, [i64::from(told.is_err())]);
        }
        let mut status = 0_i32;
        call(libc::SYS_wait4, [child, at_mut(&mut status), 0, 0])?;
        if status == 0 { Ok(()) } else { other("it could not") }
    }),
    Probe::inside("P52", "read a key by the 32-bit interface", |place| {
        let name = low(&path(place.key()))?;
        let file = call_i386(OPEN_32, [address(&name), 0, 0])?;
        secret_in(file.into())
    }),
    Probe::arrives("P53", "connect by the 32-bit interface", |place| {
        let to = low(&loopback(place.stream))?;
        let kind = [libc::AF_INET, libc::SOCK_STREAM, 0].map(i32::cast_unsigned);
        let socket = call_i386(SOCKET_32, kind)?;
        call_i386(CONNECT_32, [socket.cast_unsigned(), address(&to), 16])?;
        let mark = mark("P53");
        call(libc::SYS_write, [socket.into(), at(mark.as_str()), length(mark.as_bytes())]).map(drop)
    }),
    Probe::inside("P54", "mount and change the root in namespaces of its own (pivot_root)", |place| {
        namespaces()?;
        let root = place.own.join("P54");
        fs::create_dir(&root)?;
        let (root, slash) = (path(&root), path("/"));
        mount(&slash, &slash, &[libc::MS_REC, libc::MS_PRIVATE])?;
        mount(&root, &root, &[libc::MS_BIND, libc::MS_REC])?;
        call(libc::SYS_pivot_root, [at(root.as_slice()), at(root.as_slice())]).map(drop)
    }),
    Probe::inside("P55", "make a mount in namespaces of its own (fsmount)", |_| {
        namespaces()?;
        let kind = path("tmpfs");
        let context = opened(libc::SYS_fsopen, [at(kind.as_slice()), 0])?;
        call(libc::SYS_fsconfig, [number(&context), CREATE, 0, 0, 0])?;
        opened(libc::SYS_fsmount, [number(&context), 0, 0]).map(drop)
    }),
    Probe::inside("P56", "read the kernel's messages (/dev/kmsg)", |_| {
        let messages = open("/dev/kmsg", libc::O_RDONLY | libc::O_NONBLOCK)?;
        let mut read = [0_u8; 4096];
        call(libc::SYS_read, [number(&messages), at_mut(&mut read), 4096]).map(drop)
    }),
    Probe::inside("P57", "be let load a module (init_module with nothing)", |_| {
        let nothing = [0_u8; 4];
        let outcome = call(libc::SYS_init_module, [at(&nothing), 4, at(path("").as_slice())]);
        // Who may is told that this is none.
        match outcome {
            Err(error) if error.raw_os_error() != Some(libc::ENOEXEC) => Err(error),
            _ => Ok(()),
        }
    }),
];

fn namespaces() -> io::Result<()> {
    call(libc::SYS_unshare, [flags(&[libc::CLONE_NEWUSER, libc::CLONE_NEWNS])]).map(drop)
}

fn mount(from: &[u8], to: &[u8], how: &[u64]) -> io::Result<()> {
    let how = how.iter().fold(0, |sum, flag| sum | flag.cast_signed());
    call(libc::SYS_mount, [at(from), at(to), 0, how, 0]).map(drop)
}

/// Bytes at an address of 32 bits.
fn low(bytes: &[u8]) -> io::Result<Memory> {
    let memory = Memory::low(LOW)?;
    memory.put(0, bytes);
    Ok(memory)
}

fn address(memory: &Memory) -> u32 {
    u32::try_from(memory.address()).unwrap_or_default()
}

fn enter(place: &Place, kind: &str, flag: i32) -> io::Result<()> {
    let space = open(place.of_victim(&format!("ns/{kind}")), libc::O_RDONLY)?;
    call(libc::SYS_setns, [number(&space), flag.into()]).map(drop)
}
