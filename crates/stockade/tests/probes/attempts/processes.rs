//! Other processes: what they know, and what can be done to them.

use std::fs;
use std::io;
use std::process::{Command, Stdio};

use stockade_testkit::kernel::{Memory, at, at_mut, call, opened};

use crate::place::{KEY, Place, SECRET};
use crate::probe::{Probe, mark};
use crate::sys::{length, number, open, other, path, right, secret, secret_in};
use crate::victim::SPOTS;

/// How far a victim is put back: as far as it goes, whatever this was started with.
const NICE: i64 = 19;
/// How many files a victim may have from then on.
const FILES: u64 = 333;
const SHM_ROOM: usize = 4096;
const KEYCTL_READ: i64 = 11;
const KEYCTL_SEARCH: i64 = 10;
const SESSION_KEYRING: i64 = -3;
const MADV_COLD: i64 = 20;
const KCMP_FILE: i64 = 0;
const MQ_ROOM: usize = 64;

pub(super) const PROBES: &[Probe] = &[
    Probe::inside("P1", "read another process's environment", |place| secret(place.of_victim("environ"))),
    Probe::inside("P2", "read the environment of those that started it", |place| {
        let mut outcome = place.supervisor().and_then(|pid| secret(format!("/proc/{pid}/environ")));
        let mut pid = parent("self").unwrap_or_default();
        while outcome.is_err() && pid > 0 {
            outcome = secret(format!("/proc/{pid}/environ"));
            pid = parent(&pid.to_string()).unwrap_or_default();
        }
        outcome
    }),
    Probe::outside(
        "P3",
        "write into another process's memory by /proc/…/mem",
        |outside| outside.is_marked("P3"),
        |place| {
            let memory = open(place.of_victim("mem"), libc::O_RDWR)?;
            let mark = mark("P3");
            let arguments = [number(&memory), at(mark.as_str()), length(mark.as_bytes()), spot(place, 0)];
            call(libc::SYS_pwrite64, arguments).map(drop)
        },
    ),
    Probe::inside("P4", "attach to another process and read its memory (ptrace)", ptrace),
    Probe::inside("P5", "read another process's memory (process_vm_readv)", |place| {
        let mut read = [0_u8; SECRET.len()];
        let (to, from) = ([at_mut(&mut read), length(&read)], [place.victim.memory, length(&read)]);
        call(libc::SYS_process_vm_readv, [victim(place), at(&to), 1, at(&from), 1, 0])?;
        right(&read)
    }),
    Probe::outside(
        "P6",
        "signal another process (kill)",
        |outside| outside.is_signalled(libc::SIGUSR1),
        |place| call(libc::SYS_kill, [victim(place), libc::SIGUSR1.into()]).map(drop),
    ),
    Probe::inside("P7", "signal what started the install (kill with 0)", |place| {
        call(libc::SYS_kill, [place.supervisor()?, 0]).map(drop)
    }),
    Probe::inside("P8", "take an open file from another process (pidfd_getfd)", |place| {
        let process = opened(libc::SYS_pidfd_open, [victim(place), 0])?;
        let file = opened(libc::SYS_pidfd_getfd, [number(&process), place.victim.descriptor, 0])?;
        secret_in(number(&file))
    }),
    Probe::inside("P9", "see other processes (/proc)", |place| {
        let name = place.victim.pid.to_string();
        let found = fs::read_dir("/proc")?.flatten().any(|entry| entry.file_name() == *name);
        if found { Ok(()) } else { other("there are others") }
    }),
    Probe::arrives("P10", "type into the user's terminal (TIOCSTI)", |_| typed("P10", libc::TIOCSTI.cast_signed())),
    Probe::inside("P12", "gain rights by a program of another user (setuid)", setuid),
    Probe::outside(
        "P13",
        "put another process back (setpriority)",
        |outside| outside.of_victim("stat").split(' ').nth(18) == Some("19"),
        |place| call(libc::SYS_setpriority, [0, victim(place), NICE]).map(drop),
    ),
    Probe::inside("P18", "read a key of the session's keyring", |_| {
        let (kind, name) = (path("user"), path(KEY));
        let key =
            call(libc::SYS_keyctl, [KEYCTL_SEARCH, SESSION_KEYRING, at(kind.as_slice()), at(name.as_slice()), 0])?;
        let mut read = [0_u8; 64];
        call(libc::SYS_keyctl, [KEYCTL_READ, key, at_mut(&mut read), length(&read)])?;
        right(&read)
    }),
    Probe::inside("P19", "read another process's shared memory (System V)", |place| {
        right(&Memory::segment(place.victim.segment, SHM_ROOM)?.get(0, SHM_ROOM))
    }),
    Probe::outside(
        "P21",
        "limit another process (prlimit)",
        |outside| {
            outside.of_victim("limits").lines().any(|line| line.starts_with("Max open files") && line.contains("333"))
        },
        |place| {
            let limits = [FILES, FILES];
            call(libc::SYS_prlimit64, [victim(place), libc::RLIMIT_NOFILE.into(), at(&limits), 0]).map(drop)
        },
    ),
    Probe::inside("P22", "receive another process's message (POSIX queue)", |place| {
        let queue = path(&place.victim.queue);
        let queue = opened(libc::SYS_mq_open, [at(queue.as_slice()), libc::O_RDWR.into(), 0, 0])?;
        let mut read = [0_u8; MQ_ROOM];
        let soon = [0_i64; 2];
        call(libc::SYS_mq_timedreceive, [number(&queue), at_mut(&mut read), length(&read), 0, at(&soon)])?;
        right(&read)
    }),
    Probe::outside(
        "P23",
        "bind another process to a processor (sched_setaffinity)",
        |outside| outside.status("Cpus_allowed_list").as_deref() == Some("0"),
        |place| call(libc::SYS_sched_setaffinity, [victim(place), 8, at(&1_u64)]).map(drop),
    ),
    Probe::inside("P24", "compare open files with another process (kcmp)", |place| {
        let own = i64::from(std::process::id());
        call(libc::SYS_kcmp, [own, victim(place), KCMP_FILE, 0, place.victim.descriptor]).map(drop)
    }),
    Probe::inside("P25", "push another process's memory out (process_madvise)", |place| {
        let process = opened(libc::SYS_pidfd_open, [victim(place), 0])?;
        let part = [place.victim.memory, 4096];
        call(libc::SYS_process_madvise, [number(&process), at(&part), 1, MADV_COLD, 0]).map(drop)
    }),
    Probe::arrives(
        "P26",
        "type into the user's terminal, with bits that the kernel ignores (TIOCSTI | 1 << 32)",
        |_| typed("P26", libc::TIOCSTI.cast_signed() | 1 << 32),
    ),
    Probe::inside("P27", "paste into the user's console (TIOCLINUX)", |_| {
        let ask = [6_u8];
        call(libc::SYS_ioctl, [0, libc::TIOCLINUX.cast_signed(), at(&ask)]).map(drop)
    }),
    Probe::outside(
        "P28",
        "write into another process's memory (process_vm_writev)",
        |outside| outside.is_marked("P28"),
        |place| {
            let mark = mark("P28");
            let from = [at(mark.as_str()), length(mark.as_bytes())];
            let to = [spot(place, 1), length(mark.as_bytes())];
            call(libc::SYS_process_vm_writev, [victim(place), at(&from), 1, at(&to), 1, 0]).map(drop)
        },
    ),
    Probe::outside(
        "P40",
        "signal another process by its descriptor (pidfd_send_signal)",
        |outside| outside.is_signalled(libc::SIGUSR2),
        |place| {
            let process = opened(libc::SYS_pidfd_open, [victim(place), 0])?;
            call(libc::SYS_pidfd_send_signal, [number(&process), libc::SIGUSR2.into(), 0, 0]).map(drop)
        },
    ),
    Probe::outside(
        "P41",
        "signal a thread of another process (tgkill)",
        |outside| outside.is_signalled(libc::SIGURG),
        |place| call(libc::SYS_tgkill, [victim(place), victim(place), libc::SIGURG.into()]).map(drop),
    ),
    Probe::outside(
        "P42",
        "have another process killed first when memory is short (oom_score_adj)",
        |outside| outside.of_victim("oom_score_adj").trim() == "555",
        |place| fs::write(place.of_victim("oom_score_adj"), "555"),
    ),
    Probe::inside("P43", "read another process's arguments (/proc/…/cmdline)", |place| {
        let read = fs::read_to_string(place.of_victim("cmdline"))?;
        if read.contains("victim") { Ok(()) } else { other("it is another process") }
    }),
    Probe::inside("P44", "see which files another process has mapped (/proc/…/maps)", |place| {
        let read = fs::read_to_string(place.of_victim("maps"))?;
        if read.contains("probes") { Ok(()) } else { other("it is another process") }
    }),
    Probe::inside("P45", "open a file that another process has open (/proc/…/fd)", |place| {
        secret(place.of_victim(&format!("fd/{}", place.victim.descriptor)))
    }),
];

fn victim(place: &Place) -> i64 {
    place.victim.pid.into()
}

/// Where the victim may be written to.
fn spot(place: &Place, index: usize) -> i64 {
    place.victim.memory + i64::try_from(SPOTS[index]).unwrap_or_default()
}

fn parent(pid: &str) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

/// Seizes, interrupts, reads a word; the kernel lets go when this process ends.
fn ptrace(place: &Place) -> io::Result<()> {
    let ask = |what: libc::c_uint, address: i64, data: i64| {
        call(libc::SYS_ptrace, [i64::from(what), victim(place), address, data])
    };
    ask(libc::PTRACE_SEIZE, 0, 0)?;
    ask(libc::PTRACE_INTERRUPT, 0, 0)?;
    call(libc::SYS_wait4, [victim(place), 0, libc::__WALL.into(), 0])?;
    let mut word = [0_u8; 8];
    let outcome = ask(libc::PTRACE_PEEKDATA, place.victim.memory, at_mut(&mut word));
    ask(libc::PTRACE_DETACH, 0, 0)?;
    outcome?;
    if word == SECRET.as_bytes()[..8] { Ok(()) } else { other("something else is there") }
}

/// Types the mark, letter by letter; the terminal shows it.
fn typed(id: &str, request: i64) -> io::Result<()> {
    for letter in format!("{}\n", mark(id)).bytes() {
        call(libc::SYS_ioctl, [0, request, at(&letter)])?;
    }
    Ok(())
}

/// Starts `su --help`, which says its words into a pipe that is full, and looks whose rights it has.
fn setuid(_: &Place) -> io::Result<()> {
    if call(libc::SYS_geteuid, [])? == 0 {
        return other("it is root already");
    }
    let mut ends = [0_i32; 2];
    call(libc::SYS_pipe2, [at_mut(&mut ends), 0])?;
    let (read, write) = (format!("/proc/self/fd/{}", ends[0]), format!("/proc/self/fd/{}", ends[1]));
    let (_read, full) = (fs::File::open(read)?, fs::OpenOptions::new().write(true).open(write)?);
    let descriptor = std::os::fd::AsRawFd::as_raw_fd(&full);
    let size = call(libc::SYS_fcntl, [descriptor.into(), libc::F_SETPIPE_SZ.into(), 4096])?;
    let filling = vec![b' '; usize::try_from(size).unwrap_or_default()];
    call(libc::SYS_write, [descriptor.into(), at(filling.as_slice()), size])?;
    let mut su = Command::new("su").arg("--help").stdin(Stdio::null()).stdout(full).spawn()?;
    let mut outcome = other("it has no other rights");
    for _ in 0..100 {
        std::thread::sleep(std::time::Duration::from_millis(5));
        let status = fs::read_to_string(format!("/proc/{}/status", su.id()))?;
        let users = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap_or_default();
        let mut users = users.split_whitespace();
        if users.next() != users.next() {
            outcome = Ok(());
            break;
        }
        if su.try_wait()?.is_some() {
            break;
        }
    }
    su.kill()?;
    su.wait()?;
    outcome
}
