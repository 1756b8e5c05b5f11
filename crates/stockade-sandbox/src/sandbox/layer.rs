//! What a program has changed in a folder whose changes are kept apart, and what becomes of it.
//!
//! The kernel keeps changes in the form of `overlayfs`: a new or changed file lies there as it is, a removed one as a
//! device with the number 0, and a folder that was made anew has a mark that says so. Everything in there was written by a
//! stranger; whoever looks does not follow its links. Source: `Documentation/filesystems/overlayfs.rst` of Linux.

use std::ffi::{CStr, OsStr};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::Layer;

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// What was changed, from the folder on.
    pub path: PathBuf,
    /// How.
    pub kind: Kind,
}

/// How something was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// It was not there before.
    Added,
    /// It was there before, and has another content or other rights now.
    Changed,
    /// It is not there any more.
    Removed,
}

/// How many folders may lie in each other.
const MAX_DEPTH: usize = 256;
/// The mark of a folder that has nothing of the one below it.
const ANEW: &CStr = c"user.overlay.opaque";
/// The rights that a file may have; none that make it run as somebody else.
const RIGHTS: u32 = 0o777;

/// Everything that was changed, in order. A new folder is one change, and so is each file in it.
pub fn changes(layer: &Layer) -> io::Result<Vec<Change>> {
    let mut changes = Vec::new();
    collect(layer, Path::new(""), false, &mut changes)?;
    changes.sort();
    Ok(changes)
}

fn collect(layer: &Layer, folder: &Path, anew: bool, changes: &mut Vec<Change>) -> io::Result<()> {
    if folder.components().count() > MAX_DEPTH {
        return Err(io::Error::other("folders lie too deep in each other"));
    }
    for entry in fs::read_dir(layer.changes.join(folder))? {
        let path = folder.join(entry?.file_name());
        let (above, below) = (layer.changes.join(&path), layer.folder.join(&path));
        let (now, before) = (above.symlink_metadata()?, below.symlink_metadata().ok());
        if is_removal(&now) {
            changes.extend(before.map(|_| Change { path, kind: Kind::Removed }));
            continue;
        }
        // In a folder that was made anew, so was every folder, and has no mark of its own.
        let fresh = anew || is_anew(&above) || before.as_ref().is_none_or(|before| !before.is_dir());
        let kind = if before.is_none() { Kind::Added } else { Kind::Changed };
        // A folder that was there before is changed only in what lies in it.
        if !now.is_dir() || fresh {
            changes.push(Change { path: path.clone(), kind });
        }
        if now.is_dir() {
            if fresh && before.is_some_and(|before| before.is_dir()) {
                let gone = |name: &OsStr| above.join(name).symlink_metadata().is_err();
                for entry in fs::read_dir(&below)? {
                    let name = entry?.file_name();
                    if gone(&name) {
                        changes.push(Change { path: path.join(name), kind: Kind::Removed });
                    }
                }
            }
            collect(layer, &path, fresh, changes)?;
        }
    }
    Ok(())
}

/// Takes changes over into the folder: those for which `wanted` is true. Each is there as a whole or not at all.
pub fn keep(layer: &Layer, changes: &[Change], wanted: impl Fn(&Path) -> bool) -> io::Result<()> {
    for Change { path, kind } in changes.iter().filter(|change| wanted(&change.path)) {
        let (above, below) = (layer.changes.join(path), layer.folder.join(path));
        // What lies in a folder that goes, goes with it.
        if *kind == Kind::Removed {
            remove(&below)?;
            continue;
        }
        let Ok(now) = above.symlink_metadata() else { continue };
        let before = below.symlink_metadata().ok();
        if now.is_dir() {
            if before.is_some_and(|before| !before.is_dir()) {
                remove(&below)?;
            }
            fs::create_dir_all(&below)?;
            fs::set_permissions(&below, fs::Permissions::from_mode(now.mode() & RIGHTS))?;
        } else {
            put(&above, &below, &now)?;
        }
    }
    Ok(())
}

/// Forgets what is left of the changes.
pub fn forget(layer: &Layer) -> io::Result<()> {
    for folder in [&layer.changes, &layer.work] {
        // The kernel leaves a folder there into which nobody can look.
        let inner = folder.join("work");
        if inner.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            fs::set_permissions(&inner, fs::Permissions::from_mode(0o700))?;
        }
        remove(folder)?;
    }
    Ok(())
}

/// Puts a file in another's place, at once.
fn put(above: &Path, below: &Path, now: &Metadata) -> io::Result<()> {
    let parent = below.parent().unwrap_or(below);
    fs::create_dir_all(parent)?;
    if now.is_file() {
        fs::set_permissions(above, fs::Permissions::from_mode(now.mode() & RIGHTS))?;
    } else if !now.is_symlink() {
        // Sockets and pipes end with the program.
        return Ok(());
    }
    if below.symlink_metadata().is_ok_and(|below| below.is_dir()) {
        remove(below)?;
    }
    #[expect(clippy::disallowed_methods, reason = "these are a program's own changes to its project")]
    match fs::rename(above, below) {
        // The changes are on another file system.
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy(above, below, now),
        outcome => outcome,
    }
}

#[expect(clippy::disallowed_methods, reason = "these are a program's own changes to its project")]
fn copy(above: &Path, below: &Path, now: &Metadata) -> io::Result<()> {
    let beside = below.with_file_name(format!(".stockade-{}", std::process::id()));
    if now.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(above)?, &beside)?;
    } else {
        fs::copy(above, &beside)?;
    }
    fs::rename(&beside, below).inspect_err(|_| drop(fs::remove_file(&beside)))
}

#[expect(clippy::disallowed_methods, reason = "these are a program's own changes to its project")]
fn remove(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
    }
}

fn is_removal(now: &Metadata) -> bool {
    now.file_type().is_char_device() && now.rdev() == 0
}

fn is_anew(folder: &Path) -> bool {
    let mut value = [0; 1];
    rustix::fs::lgetxattr(folder, ANEW, &mut value) == Ok(1) && value == *b"y"
}
