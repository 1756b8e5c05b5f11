//! What one file alone does not tell: files that are part of others, manifests without a lockfile, and names that can be
//! moved to other code.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use stockade_ecosystem::{Locked, Problem};

use super::{Found, INSTALLED, Seen};
use crate::files;

/// How many files are read because others include them.
const MAX_INCLUDED: usize = 1_000;

/// What a file names that can become other code without a change of the file.
pub(super) fn movable(locked: &[Locked]) -> impl Iterator<Item = Problem> {
    locked.iter().filter(|entry| entry.is_movable()).map(|entry| {
        let (name, version) = (&entry.release.package.name, entry.release.version.escape_debug());
        Problem::at(
            entry.line,
            format!("`{name}` {version} is a name that can be moved to other code; a commit cannot"),
        )
    })
}

impl Seen {
    /// Reads the files that others include, each once. One is followed if it is below what is scanned, or beside the file
    /// that includes it.
    pub(super) fn follow(&mut self, scanned: &[PathBuf]) {
        let roots: Vec<PathBuf> =
            scanned.iter().filter(|path| path.is_dir()).filter_map(|path| path.canonicalize().ok()).collect();
        let mut known: HashSet<PathBuf> =
            self.found.iter().filter_map(|found| found.path.canonicalize().ok()).collect();
        let mut followed = 0;
        while let Some((by, include, lockfile)) = self.includes.pop() {
            let folder = by.parent().unwrap_or(Path::new(""));
            let path = folder.join(&include.path);
            let place = format!(
                "{}: line {}: it takes more from `{}`",
                by.display(),
                include.line,
                include.path.escape_debug()
            );
            let Ok(real) = path.canonicalize() else {
                self.unseen.push(format!("{place}, which is not there"));
                continue;
            };
            if known.contains(&real) {
                continue;
            }
            let beside = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let beside = beside.canonicalize().is_ok_and(|beside| real.starts_with(beside));
            if !beside && !roots.iter().any(|root| real.starts_with(root)) {
                self.unseen.push(format!("{place}, which is outside of what is scanned"));
                continue;
            }
            if followed >= MAX_INCLUDED {
                self.unseen.push(format!("{place}, and more than {MAX_INCLUDED} files are included"));
                continue;
            }
            followed += 1;
            known.insert(real);
            if let Some(bytes) = self.readable(&path, files::read(&path)) {
                self.lockfile(&path.to_string_lossy(), lockfile, &bytes);
            }
        }
    }

    /// Reads the manifests that no lockfile makes needless: none of theirs lies beside them, or above them.
    pub(super) fn ask(&mut self) {
        let lockfiles: HashSet<(PathBuf, &str)> =
            self.found.iter().filter_map(|found| Some((found.path.parent()?.to_path_buf(), found.kind))).collect();
        for (path, manifest) in std::mem::take(&mut self.manifests) {
            let folder = path.parent().unwrap_or(Path::new(""));
            let has = |folder: &Path, kind| lockfiles.contains(&(folder.to_path_buf(), kind));
            let answers = |folder: &Path| manifest.answered_by.iter().any(|lockfile| has(folder, lockfile.name));
            let mut below = manifest.below.iter().map(|below| folder.join(below));
            if folder.ancestors().any(answers) || below.any(|below| answers(&below) || has(&below, INSTALLED)) {
                continue;
            }
            if let Some(bytes) = self.readable(&path, files::read(&path)) {
                let parsed = (manifest.file.parse)(&bytes);
                // One that asks for nothing needs no lockfile.
                if !parsed.value.is_empty() || !parsed.problems.is_empty() {
                    self.found.push(Found::new(path, manifest.file.name, parsed));
                }
            }
        }
    }
}
