//! This program in the place of a hook's, for clients that know of no setting for a shell.
//!
//! When a client starts the program of a hook, the kernel asks us first ([`super::watch`]). We hand two descriptors to the
//! process that waits, this program and what it is to do, and change the path that it was about to start to that of the
//! first. It goes on into this program, with the arguments and the environment that were meant for the hook; which narrows
//! itself and becomes the hook's program. The path lies in the memory of the client, which runs no code of packages; and
//! whoever changes it back starts a program that nobody narrowed only if it is the client itself.
//!
//! Nothing is written to a disk, and no client is configured. Source: `seccomp_unotify(2)`, `getauxval(3)`.

use std::ffi::{CStr, OsString};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use rustix::fs::{MemfdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use super::hook::{Given, Hook, not_run};
use super::process;

/// The descriptor of this program in the process of a hook; it closes when it has become that. Nobody else has numbers
/// this high.
const PROGRAM: RawFd = 198;
/// The path of that.
const PATH: &CStr = c"/dev/fd/198";
/// The descriptor with what it is to do.
const ERRAND: RawFd = 199;
/// The longest of those, in bytes: a path, and what a profile says.
const MAX_ERRAND: u64 = 64 << 10;

/// What this program is to do in the place of a hook's.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Errand {
    /// The program that it becomes.
    pub(super) program: OsString,
    /// The folder of the package.
    pub(super) folder: PathBuf,
    /// What the hook may do.
    pub(super) hook: Hook,
}

/// Becomes the program of a hook, if this was started in its place. Returns only if it was not, or could not, with an exit
/// code and what to say. `words` are all arguments of this process, which must have one thread.
pub fn errand(words: &[OsString], environment: &[(OsString, OsString)]) -> Option<(i32, String)> {
    if started_as()? != PATH {
        return None;
    }
    // SAFETY: whoever starts this by that path has put a descriptor there for this alone.
    #[expect(unsafe_code, reason = "a descriptor that was passed on has no owner yet")]
    let errand = std::fs::File::from(unsafe { OwnedFd::from_raw_fd(ERRAND) });
    let mut text = Vec::new();
    let read = errand.take(MAX_ERRAND).read_to_end(&mut text);
    let errand = read.and_then(|_| Ok(serde_json::from_slice::<Errand>(&text)?));
    let Errand { program, folder, hook } = match errand {
        Ok(errand) => errand,
        Err(error) => return Some(not_run(&std::env::current_dir().unwrap_or_default(), &error)),
    };
    #[expect(clippy::disallowed_methods, reason = "this is the crate that starts programs")]
    let mut command = Command::new(&program);
    let (name, arguments) = words.split_first()?;
    // Who gives one text for both has both changed.
    command.arg0(if name.as_bytes() == PATH.to_bytes() { &program } else { name }).args(arguments);
    let given = Given { arguments, environment, folder: &folder };
    let error = hook.narrow(given, &mut command).map_or_else(|error| error, |()| command.exec());
    Some(not_run(&folder, &error))
}

/// The path by which the kernel was asked to start this program.
fn started_as() -> Option<&'static CStr> {
    // SAFETY: the kernel has put the path there when the program began, and it stays.
    #[expect(unsafe_code, reason = "the standard library does not tell it")]
    unsafe {
        let path = libc::getauxval(libc::AT_EXECFN) as *const libc::c_char;
        (!path.is_null()).then(|| CStr::from_ptr(path))
    }
}

/// Where in the memory of a process the path is of the program that it is about to start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) pid: i32,
    pub(super) at: u64,
    /// How long that path is, in bytes.
    pub(super) length: usize,
}

impl Errand {
    /// Puts this program in the place of the one that a process is about to start.
    /// `add` hands it a descriptor under a number, which with `closes` closes when it starts a program.
    pub(super) fn send(
        &self,
        place: &Place,
        ourselves: &OwnedFd,
        mut add: impl FnMut(&OwnedFd, RawFd, bool) -> io::Result<()>,
    ) -> io::Result<()> {
        let path = PATH.to_bytes_with_nul();
        if place.length < PATH.count_bytes() {
            return Err(io::Error::other("the path of its program is too short to be replaced"));
        }
        let text = serde_json::to_vec(self)?;
        if text.len() as u64 >= MAX_ERRAND {
            return Err(io::Error::other("what it may do is too long to be said"));
        }
        let mut file = std::fs::File::from(memfd_create("errand", MemfdFlags::CLOEXEC)?);
        file.write_all(&text)?;
        file.rewind()?;
        add(ourselves, PROGRAM, true)?;
        add(&file.into(), ERRAND, false)?;
        process::write(place.pid, place.at, path)
    }
}
