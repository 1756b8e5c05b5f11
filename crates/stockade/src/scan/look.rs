//! Looks at one file, wherever it is: on disk or in an image.

use std::path::PathBuf;

use bytes::Bytes;
use stockade_ecosystem::built::{self, Contents};
use stockade_ecosystem::{Lockfile, known};

use super::{Found, INSTALLED, Seen, sbom};

pub(crate) use built::{MAGIC, is_program};

/// What has to be read of a file to know which releases it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Nothing, unless it is a program.
    Nothing,
    /// All, if it begins as a program does.
    IfProgram,
    /// All.
    Whole,
}

/// What has to be read of a file, by its path alone. The path has `/`.
pub(crate) fn wanted(path: &str) -> Wanted {
    let of_ecosystem = known().any(|ecosystem| {
        ecosystem.lockfiles.iter().any(|lockfile| (lockfile.matches)(path))
            || ecosystem.installed.is_some_and(|installed| (installed.matches)(path))
    });
    if of_ecosystem || built::is_packed(path) || sbom::is_one(path) {
        Wanted::Whole
    } else if may_be_program(path) {
        Wanted::IfProgram
    } else {
        Wanted::Nothing
    }
}

/// Libraries are not marked as executable everywhere, and on Windows nothing is.
fn may_be_program(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    matches!(extension, "exe" | "dll" | "so" | "dylib" | "node") || file.contains(".so.")
}

/// Adds what a file says.
pub(crate) fn look(path: &str, bytes: &Bytes, seen: &mut Seen) {
    for ecosystem in known() {
        for lockfile in ecosystem.lockfiles.iter().filter(|lockfile| (lockfile.matches)(path)) {
            seen.lockfile(path, lockfile, bytes);
        }
        let installed = ecosystem.installed.filter(|installed| (installed.matches)(path));
        if let Some(installed) = installed {
            seen.found.push(Found::new(PathBuf::from(path), INSTALLED, (installed.parse)(path, bytes)));
        }
    }
    if sbom::is_one(path) {
        sbom::look(path, bytes, seen);
    }
    if built::is_packed(path) {
        contents(path, built::packed(path, bytes), seen);
    } else if is_program(bytes) {
        contents(path, built::program(bytes), seen);
    }
}

/// Adds what something built says.
pub(super) fn contents(path: &str, said: Contents, seen: &mut Seen) {
    let at = |place: &str| if place.is_empty() { path.to_owned() } else { format!("{path}!/{place}") };
    let lists = said.lists.into_iter();
    seen.found.extend(lists.map(|list| Found::new(at(&list.place).into(), list.kind, list.parsed)));
    seen.unseen.extend(said.gaps.into_iter().map(|gap| format!("{path}: {}", gap.detail)));
    let nameless = said.nameless.iter();
    seen.left_out.extend(nameless.map(|place| format!("{}: it does not say which release it is", at(place))));
}

impl Seen {
    /// Adds what a lockfile names, and which others are part of it.
    pub(super) fn lockfile(&mut self, path: &str, lockfile: &'static Lockfile, bytes: &[u8]) {
        let mut parsed = (lockfile.parse)(bytes);
        let includes = std::mem::take(&mut parsed.includes).into_iter();
        self.includes.extend(includes.map(|include| (PathBuf::from(path), include, lockfile)));
        self.found.push(Found::new(PathBuf::from(path), lockfile.name, parsed));
    }
}
