//! Running what a hook has no business with, and what it has brought along.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use stockade_testkit::kernel::{Memory, at, call, opened};

use crate::probe::Probe;
use crate::sys::{number, open, other, path};

/// A program that does nothing, to be brought along.
const HARMLESS: &str = "/bin/true";
/// What loads programs.
const LOADERS: [&str; 2] = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];
const AS_OWNER: u32 = 0o4755;

pub(super) const PROBES: &[Probe] = &[
    Probe::inside("X1", "run git", |_| run(Command::new("git").arg("--version"))),
    Probe::inside("X2", "run curl", |_| run(Command::new("curl").arg("--version"))),
    Probe::inside("X3", "run a program of the user's home", |place| {
        run(&mut Command::new(place.home.join("bin/tool")))
    }),
    Probe::inside("X4", "drop a program into the own folder and run it", |place| {
        run(&mut Command::new(dropped(&place.own.join("X4"))?))
    }),
    Probe::inside("X5", "the same by way of the loader (ld.so)", |place| {
        run(Command::new(loader()?).arg(dropped(&place.own.join("X5"))?))
    }),
    Probe::inside("X6", "run a program that is in memory alone (memfd_create)", |_| {
        let name = path("x");
        let memory = opened(libc::SYS_memfd_create, [at(name.as_slice()), 0])?;
        let place = format!("/proc/self/fd/{}", number(&memory));
        fs::write(&place, fs::read(HARMLESS)?)?;
        run(&mut Command::new(place))
    }),
    Probe::inside("X7", "run code by an interpreter (node -e)", |_| run(Command::new("node").args(["-e", "0"]))),
    Probe::inside("X8", "drop a script and run it by the shell", |place| {
        fs::write(place.own.join("X8"), "exit 0\n")?;
        run(Command::new("sh").arg(place.own.join("X8")))
    }),
    Probe::inside("X9", "map a dropped file to be executed", |place| mapped(&place.own.join("X9"))),
    Probe::inside("X10", "drop a program into /tmp and run it", |_| {
        let file = PathBuf::from("/tmp/stockade-probe-X10");
        run(&mut Command::new(Removed(dropped(&file)?).0.clone()))
    }),
    Probe::inside("X11", "the same by way of the loader (ld.so)", |_| {
        let file = Removed(dropped(Path::new("/tmp/stockade-probe-X11"))?);
        run(Command::new(loader()?).arg(&file.0))
    }),
    Probe::inside("X12", "drop a program into the home that it has, and run it", |_| {
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        run(&mut Command::new(dropped(&home.join("X12"))?))
    }),
    Probe::inside("X13", "let a program of its own run as its owner (chmod)", |place| {
        let file = dropped(&place.own.join("X13"))?;
        fs::set_permissions(&file, fs::Permissions::from_mode(AS_OWNER))?;
        has_the_bit(&file)
    }),
    Probe::inside("X14", "the same when it is made (open)", |place| {
        let file = place.own.join("X14");
        OpenOptions::new().write(true).create_new(true).mode(AS_OWNER).open(&file)?;
        has_the_bit(&file)
    }),
    Probe::inside("X15", "the same in a call that filters cannot see into (openat2)", |place| {
        let file = path(place.own.join("X15"));
        let how = [flags(libc::O_CREAT | libc::O_WRONLY), u64::from(AS_OWNER), 0];
        opened(libc::SYS_openat2, [libc::AT_FDCWD.into(), at(file.as_slice()), at(&how), 24])?;
        has_the_bit(&place.own.join("X15"))
    }),
    Probe::inside("X16", "change a running program's code (/proc/self/mem)", |_| {
        open("/proc/self/mem", libc::O_RDWR).map(drop)
    }),
];

fn flags(flags: i32) -> u64 {
    u64::from(flags.unsigned_abs())
}

/// A file that goes.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn dropped(file: &Path) -> io::Result<PathBuf> {
    fs::copy(HARMLESS, file)?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
    Ok(file.to_owned())
}

fn loader() -> io::Result<&'static str> {
    LOADERS.into_iter().find(|loader| Path::new(loader).exists()).ok_or_else(|| io::Error::other("there is none"))
}

fn run(command: &mut Command) -> io::Result<()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("it ended with {status}"))) }
}

fn mapped(file: &Path) -> io::Result<()> {
    let file = fs::File::open(dropped(file)?)?;
    Memory::of(file.as_raw_fd(), 0, 4096, libc::PROT_READ | libc::PROT_EXEC).map(drop)
}

fn has_the_bit(file: &Path) -> io::Result<()> {
    let _ = call(libc::SYS_sync, []);
    if fs::metadata(file)?.permissions().mode() & AS_OWNER == AS_OWNER { Ok(()) } else { other("the bit is not there") }
}
