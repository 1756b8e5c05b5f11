//! Reading what is not the package's.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use stockade_testkit::kernel::{Memory, at, at_mut, call, opened};

use crate::place::SECRET;
use crate::probe::Probe;
use crate::ring::{OPENAT, READ, Ring};
use crate::sys::{number, open, other, path, right, secret, secret_in};

/// A time that a file does not have by chance.
const LONG_AGO: i64 = 1_000_000_007;
/// A mode that a file does not have by chance.
const ODD_MODE: u32 = 0o617;
/// Room for a handle, and for what is said of it.
const HANDLE: usize = 128;

pub(super) const PROBES: &[Probe] = &[
    Probe::inside("F1", "read ~/.ssh/id_rsa", |place| secret(place.key())),
    Probe::inside("F2", "read ~/.aws/credentials", |place| secret(place.home.join(".aws/credentials"))),
    Probe::inside("F3", "read the token in ~/.npmrc", |place| secret(place.home.join(".npmrc"))),
    Probe::inside("F4", "read the project's .env", |place| secret(place.project.join(".env"))),
    Probe::inside("F5", "list the home folder", |place| {
        let found = fs::read_dir(&place.home)?.flatten().any(|entry| entry.file_name() == "letter.txt");
        if found { Ok(()) } else { other("it is another home") }
    }),
    Probe::inside("F6", "read a key by a symbolic link in the own folder", |place| {
        let link = place.own.join("F6");
        symlink(place.key(), &link)?;
        secret(link)
    }),
    Probe::inside("F7", "link a key into the own folder and read it", |place| {
        let link = place.own.join("F7");
        fs::hard_link(place.key(), &link)?;
        secret(link)
    }),
    Probe::inside("F8", "read a key by /proc/self/root", |place| secret(below("/proc/self/root", &place.key()))),
    Probe::inside("F9", "read a key by another process's /proc/…/root", |place| {
        secret(below(place.of_victim("root"), &place.key()))
    }),
    Probe::inside("F10", "read a key by another process's /proc/…/cwd", |place| {
        secret(place.of_victim("cwd/id_rsa"))
    }),
    Probe::inside("F11", "get a handle of a key (name_to_handle_at)", |place| handle(&place.key()).map(drop)),
    Probe::inside("F12", "see a key's size and dates (stat)", |place| {
        let metadata = fs::metadata(place.key())?;
        if metadata.len() == SECRET.len() as u64 { Ok(()) } else { other("it is another file") }
    }),
    Probe::outside(
        "F13",
        "change the rights of a file in ~/.ssh (chmod)",
        |outside| outside.mode("home/.ssh/known_hosts") == ODD_MODE,
        |place| fs::set_permissions(place.home.join(".ssh/known_hosts"), fs::Permissions::from_mode(ODD_MODE)),
    ),
    Probe::outside(
        "F14",
        "cut a start-up file of the shell off (truncate)",
        |outside| fs::read(outside.place.home.join(".profile")).is_ok_and(|content| content.is_empty()),
        |place| call(libc::SYS_truncate, [at(path(place.home.join(".profile")).as_slice()), 0]).map(drop),
    ),
    Probe::inside("F15", "open a key by its handle (open_by_handle_at)", |place| {
        let handle = handle(&place.key())?;
        let mount = open(&place.root, libc::O_RDONLY)?;
        let file = opened(libc::SYS_open_by_handle_at, [number(&mount), at(&handle), libc::O_RDONLY.into()])?;
        secret_in(number(&file))
    }),
    Probe::outside(
        "F16",
        "change the dates of a file in ~/.ssh (utimensat)",
        |outside| outside.modified("home/.ssh/config") == LONG_AGO,
        |place| {
            let times = [LONG_AGO, 0, LONG_AGO, 0];
            let file = path(place.home.join(".ssh/config"));
            call(libc::SYS_utimensat, [libc::AT_FDCWD.into(), at(file.as_slice()), at(&times), 0]).map(drop)
        },
    ),
    Probe::inside("F17", "read the system's passwords (/etc/shadow)", |_| {
        if fs::read("/etc/shadow")?.is_empty() { other("nothing is there") } else { Ok(()) }
    }),
    Probe::inside("F18", "open and read a key by io_uring", |place| {
        let ring = Ring::new()?;
        let name = path(place.key());
        let file = ring.ask(OPENAT, libc::AT_FDCWD.into(), at(name.as_slice()), 0, 0, libc::O_RDONLY)?;
        let mut read = [0_u8; 64];
        ring.ask(READ, file, at_mut(&mut read), 64, 0, 0)?;
        right(&read)
    }),
    Probe::inside("F19", "learn when keys are used (inotify)", |place| {
        let watch = opened(libc::SYS_inotify_init1, [0])?;
        let folder = path(place.home.join(".ssh"));
        let events = i64::from(libc::IN_OPEN | libc::IN_MODIFY);
        call(libc::SYS_inotify_add_watch, [number(&watch), at(folder.as_slice()), events]).map(drop)
    }),
    Probe::inside("F20", "read a key by /proc/1/root", |place| secret(below("/proc/1/root", &place.key()))),
    Probe::inside("F21", "read a key by a path with ..", |place| {
        std::env::set_current_dir(&place.own)?;
        secret("../../../.ssh/id_rsa")
    }),
    Probe::inside("F22", "take a key's mount and open it (open_tree)", |place| {
        let file = path(place.key());
        let tree = opened(libc::SYS_open_tree, [libc::AT_FDCWD.into(), at(file.as_slice()), 0])?;
        secret(format!("/proc/self/fd/{}", number(&tree)))
    }),
    Probe::inside("F23", "open a key as a path only, and then by /proc/self/fd", |place| {
        let file = open(place.key(), libc::O_PATH)?;
        secret(format!("/proc/self/fd/{}", number(&file)))
    }),
    Probe::inside("F24", "read another store of tokens (git, gh, docker, kube) or the shell's history", |place| {
        let stores =
            [".git-credentials", ".docker/config.json", ".kube/config", ".config/gh/hosts.yml", ".bash_history"];
        let mut outcome = other("none is there");
        for store in stores {
            outcome = secret(place.home.join(store));
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }),
    Probe::inside("F25", "read another program's temporary file in /tmp", |place| {
        secret(place.shared("/tmp", "secret"))
    }),
    Probe::inside("F26", "read another program's shared memory in /dev/shm", |place| {
        secret(place.shared("/dev/shm", "secret"))
    }),
    Probe::inside("F27", "read another program's files in /var/tmp", |place| secret(place.root.join("work/secret"))),
    Probe::inside("F28", "open a key with openat2 and no rules", |place| {
        let file = path(place.key());
        let how = [0_u64; 3];
        let opened = opened(libc::SYS_openat2, [libc::AT_FDCWD.into(), at(file.as_slice()), at(&how), 24])?;
        secret_in(number(&opened))
    }),
    Probe::inside("F29", "map a key into memory", |place| {
        let file = open(place.key(), libc::O_RDONLY)?;
        let memory = Memory::of(std::os::fd::AsRawFd::as_raw_fd(&file), 0, SECRET.len(), libc::PROT_READ)?;
        right(&memory.get(0, SECRET.len()))
    }),
    Probe::inside("F30", "copy a key into the own folder in the kernel (sendfile)", |place| {
        let from = open(place.key(), libc::O_RDONLY)?;
        let to = open(place.own.join("F30"), libc::O_CREAT | libc::O_RDWR)?;
        call(libc::SYS_sendfile, [number(&to), number(&from), 0, 4096])?;
        secret(place.own.join("F30"))
    }),
];

/// A path seen from another root.
fn below(root: impl AsRef<Path>, file: &Path) -> std::path::PathBuf {
    root.as_ref().join(file.strip_prefix("/").unwrap_or(file))
}

fn handle(file: &Path) -> io::Result<[u8; HANDLE]> {
    let mut handle = [0_u8; HANDLE];
    handle[..4].copy_from_slice(&120_u32.to_ne_bytes());
    let (file, mut mount) = (path(file), 0_i32);
    let arguments = [libc::AT_FDCWD.into(), at(file.as_slice()), at_mut(&mut handle), at_mut(&mut mount), 0];
    call(libc::SYS_name_to_handle_at, arguments)?;
    Ok(handle)
}
