//! Which files a program opens and changes, where everything is watched: the calls that name a file, and the file that they
//! mean. Only who observes asks for it: an answer for each file that is opened costs more than the opening.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::process;
use super::watch::Deed;

/// The longest path that is read.
const MAX_PATH: usize = 4096;
/// What no file lies in that matters to anybody.
const NO_FILES: [&str; 3] = ["/dev", "/proc", "/sys"];

/// A call that names a file.
pub(super) struct Call {
    /// Its number.
    pub(super) number: libc::c_long,
    /// Which argument is the folder that its path is from; the working folder if none is.
    folder: Option<usize>,
    /// Which argument is the path.
    path: usize,
    /// What it does to the file.
    does: Does,
}

/// What a call does to a file.
#[derive(Clone, Copy)]
enum Does {
    /// What the flags in this argument say.
    Flags(usize),
    /// What the flags say that this argument leads to.
    FlagsAt(usize),
    Change,
}

/// The calls that are asked about.
pub(super) const CALLS: &[Call] = &[
    at(libc::SYS_openat, 1, Does::Flags(2)),
    at(libc::SYS_openat2, 1, Does::FlagsAt(2)),
    at(libc::SYS_unlinkat, 1, Does::Change),
    at(libc::SYS_mkdirat, 1, Does::Change),
    at(libc::SYS_fchmodat, 1, Does::Change),
    Call { number: libc::SYS_renameat2, folder: Some(2), path: 3, does: Does::Change },
    Call { number: libc::SYS_linkat, folder: Some(2), path: 3, does: Does::Change },
    Call { number: libc::SYS_symlinkat, folder: Some(1), path: 2, does: Does::Change },
    here(libc::SYS_truncate, 0, Does::Change),
    #[cfg(target_arch = "x86_64")]
    Call { number: libc::SYS_renameat, folder: Some(2), path: 3, does: Does::Change },
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_open, 0, Does::Flags(1)),
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_creat, 0, Does::Change),
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_unlink, 0, Does::Change),
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_mkdir, 0, Does::Change),
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_rmdir, 0, Does::Change),
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_rename, 1, Does::Change),
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_link, 1, Does::Change),
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_symlink, 1, Does::Change),
    #[cfg(target_arch = "x86_64")]
    here(libc::SYS_chmod, 0, Does::Change),
];

const fn at(number: libc::c_long, path: usize, does: Does) -> Call {
    Call { number, folder: Some(0), path, does }
}

const fn here(number: libc::c_long, path: usize, does: Does) -> Call {
    Call { number, folder: None, path, does }
}

/// What a call of a process does to which file; none if there is none that matters.
pub(super) fn deed(pid: i32, number: libc::c_long, arguments: &[u64; 6]) -> Option<Deed> {
    let call = CALLS.iter().find(|call| call.number == number)?;
    let flags = match call.does {
        Does::Flags(at) => Some(*arguments.get(at)?),
        Does::FlagsAt(at) => {
            let flags = process::memory(pid, *arguments.get(at)?, size_of::<u64>())?;
            Some(u64::from_ne_bytes(flags.try_into().ok()?))
        }
        Does::Change => None,
    };
    if flags.is_some_and(|flags| has(flags, libc::O_PATH) || has(flags, libc::O_DIRECTORY)) {
        return None;
    }
    let path = PathBuf::from(OsString::from_vec(process::text(pid, *arguments.get(call.path)?, MAX_PATH)?));
    let folder = call.folder.and_then(|at| arguments.get(at)).and_then(|folder| descriptor(*folder));
    let path = real(&whole(pid, folder, &path)?)?;
    match flags {
        Some(flags) if !CHANGING.iter().any(|flag| has(flags, *flag)) => path.is_file().then_some(Deed::Read(path)),
        _ => Some(Deed::Write(path)),
    }
}

/// What opens a file to change it.
const CHANGING: [libc::c_int; 4] = [libc::O_WRONLY, libc::O_RDWR, libc::O_CREAT, libc::O_TRUNC];

fn has(flags: u64, flag: libc::c_int) -> bool {
    flags & u64::from(flag.unsigned_abs()) != 0
}

/// A descriptor, of which the kernel takes the lower half alone.
fn descriptor(argument: u64) -> Option<libc::c_int> {
    u32::try_from(argument & u64::from(u32::MAX)).ok().map(u32::cast_signed)
}

/// A path as a process means it; none if nothing that matters lies there.
fn whole(pid: i32, folder: Option<libc::c_int>, path: &Path) -> Option<PathBuf> {
    let path = match folder.filter(|folder| *folder != libc::AT_FDCWD) {
        _ if path.is_absolute() => path.to_owned(),
        Some(number) => std::fs::read_link(format!("/proc/{pid}/fd/{number}")).ok()?.join(path),
        None => process::folder(pid)?.join(path),
    };
    (!NO_FILES.iter().any(|folder| path.starts_with(folder))).then_some(path)
}

/// Where that is, by way of links. What is made is not there yet.
fn real(path: &Path) -> Option<PathBuf> {
    let there = path.canonicalize().ok();
    there.or_else(|| Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?)))
}
