//! Which programs a list of names means on this machine.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::place::{PROGRAM, matches, paths};
use super::{ProfileError, Programs, Surroundings};

/// Begins the name of a group.
const GROUP: char = '@';
/// Stands between a program and the digest that it has to have.
const DIGEST: &str = " sha256:";
/// Where the libraries are that programs consist of, and the parts that compilers start.
const LIBRARIES: [&str; 8] =
    ["/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/local/lib"];

/// The files, and folders of files, that may be run; none if any may.
pub(super) fn allowed(programs: &Programs, around: &Surroundings) -> Result<Option<Vec<PathBuf>>, ProfileError> {
    if programs.only.is_empty() {
        return Ok(None);
    }
    let mut found = BTreeSet::new();
    for wanted in &programs.only {
        match wanted.split_once(DIGEST) {
            Some((wanted, digest)) => found.extend(with_digest(named(wanted, programs, around)?, digest)?),
            None => found.extend(named(wanted, programs, around)?),
        }
    }
    found.extend(LIBRARIES.iter().filter_map(|path| Path::new(path).canonicalize().ok()));
    Ok(Some(found.into_iter().collect()))
}

/// The files that a group, a place or a name means.
fn named(wanted: &str, programs: &Programs, around: &Surroundings) -> Result<Vec<PathBuf>, ProfileError> {
    if let Some(group) = wanted.strip_prefix(GROUP) {
        let group = programs.groups.get(group).ok_or_else(|| ProfileError::Group(group.to_owned()))?;
        return Ok(group.iter().flat_map(|name| in_path(name, around)).collect());
    }
    if wanted.contains(['/', PROGRAM]) {
        return Ok(paths(wanted, around)?.into_iter().filter_map(|path| path.canonicalize().ok()).collect());
    }
    Ok(in_path(wanted, around))
}

/// Programs, of which each has to have this digest.
fn with_digest(found: Vec<PathBuf>, digest: &str) -> Result<Vec<PathBuf>, ProfileError> {
    for path in &found {
        let bytes = read(path).map_err(|error| ProfileError::Io(path.clone(), error))?;
        let is = Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        if !is.eq_ignore_ascii_case(digest) {
            return Err(ProfileError::Digest(path.clone(), is));
        }
    }
    Ok(found)
}

#[expect(clippy::disallowed_methods, reason = "what a program is rests on what is in it")]
fn read(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path)
}

/// The files that may not be run.
pub(super) fn denied(programs: &Programs, around: &Surroundings) -> Result<BTreeSet<PathBuf>, ProfileError> {
    let mut found = BTreeSet::new();
    for name in &programs.deny {
        found.extend(named(name, programs, around)?);
    }
    Ok(found)
}

/// The program that a name means, or a path.
pub(super) fn find(program: &OsStr, around: &Surroundings) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.components().count() > 1 {
        return Some(around.folder.join(path)).filter(|path| is_program(path));
    }
    around.search().into_iter().map(|folder| folder.join(path)).find(|path| is_program(path))
}

/// Every program in `PATH` with a name; what a link leads to is what is run.
fn in_path(name: &str, around: &Surroundings) -> Vec<PathBuf> {
    let folders = around.search().into_iter();
    if !name.contains('*') {
        let found = folders.map(|folder| folder.join(name)).filter(|path| is_program(path));
        return found.filter_map(|path| path.canonicalize().ok()).collect();
    }
    let entries = folders.filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let found = entries.filter(|entry| matches(name, &entry.file_name().to_string_lossy())).map(|entry| entry.path());
    found.filter(|path| is_program(path)).filter_map(|path| path.canonicalize().ok()).collect()
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
