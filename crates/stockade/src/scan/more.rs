//! What one file alone does not tell: files that are part of others or inherit from them, manifests without a lockfile, and
//! names that can be moved to other code.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use stockade_ecosystem::{Linked, Locked, Origin, Problem, known};
use stockade_model::Release;

use super::found::placed;
use super::{Found, INSTALLED, Seen};
use crate::files;

/// How many files are read because others include them.
const MAX_INCLUDED: usize = 1_000;
/// How many bytes are kept of files that are read together: 256 MiB. Those of a large build are 10.
const MAX_LINKED: usize = 256 << 20;

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

/// The folders that are scanned.
fn roots(scanned: &[PathBuf]) -> Vec<PathBuf> {
    scanned.iter().filter(|path| path.is_dir()).filter_map(|path| path.canonicalize().ok()).collect()
}

/// Whether a file may be read because another one says so: it is below what is scanned, or below the folder of that one.
fn is_inside(real: &Path, folder: &Path, roots: &[PathBuf]) -> bool {
    let beside = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let is_beside = beside.canonicalize().is_ok_and(|beside| real.starts_with(beside));
    is_beside || roots.iter().any(|root| real.starts_with(root))
}

/// The repository of sources that an entry is of, and the commit in it.
fn commit(entry: &Locked) -> Option<(&str, &str)> {
    match &entry.origin {
        Origin::Git(address) => address.rsplit_once('#'),
        _ => None,
    }
}

impl Seen {
    /// Says where one version of something is two commits: a tag that was moved, as attackers do, or a wrong comment.
    pub(super) fn compare_commits(&mut self) {
        let mut first: HashMap<(&Release, &str), (&str, String)> = HashMap::new();
        let mut told = Vec::new();
        for (at, found) in self.found.iter().enumerate() {
            for entry in &found.locked {
                let version = &entry.release.version;
                let Some((repository, commit)) = commit(entry).filter(|(_, commit)| commit != version) else {
                    continue;
                };
                let here = || (commit, format!("{}:{}", found.path.display(), entry.line));
                let (other, there) = first.entry((&entry.release, repository)).or_insert_with(here);
                if *other != commit {
                    let (name, version) = (&entry.release.package.name, version.escape_debug());
                    let why = "a tag was moved, or one of them is called so wrongly";
                    let what = format!("`{name}` {version} is another commit than in {there}: {why}");
                    told.push((at, placed(Problem::at(entry.line, what))));
                }
            }
        }
        for (at, notice) in told {
            self.found[at].notices.push(notice);
        }
    }

    /// Reads the files that others include, each once. One is followed if it is below what is scanned, or beside the file
    /// that includes it.
    pub(super) fn follow(&mut self, scanned: &[PathBuf]) {
        if self.includes.is_empty() {
            return;
        }
        let roots = roots(scanned);
        let mut known = self.known();
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
            if !is_inside(&real, folder, &roots) {
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

    /// Keeps a file that is read with others. One that is too much is read alone, which says what it lacks.
    pub(super) fn note_linked(&mut self, path: &Path, bytes: &Bytes) {
        let text = path.to_string_lossy();
        let is_one = |linked: &&'static Linked| (linked.file.matches)(&text);
        for linked in known().filter_map(|ecosystem| ecosystem.linked).filter(is_one) {
            let is_it = |found: &Found| found.kind == linked.file.name && found.path == path;
            if let Some(at) = self.found.iter().rposition(is_it).filter(|_| self.kept + bytes.len() <= MAX_LINKED) {
                self.kept += bytes.len();
                self.linked.push((at, bytes.clone(), linked));
            }
        }
    }

    /// Reads together what takes from others what it does not say itself. What lies elsewhere is read if it could be
    /// included.
    pub(super) fn link(&mut self, scanned: &[PathBuf]) {
        if !self.linked.is_empty() {
            self.follow_leads(scanned);
        }
        while let Some((_, _, linked)) = self.linked.first() {
            let linked = *linked;
            let (files, rest) =
                std::mem::take(&mut self.linked).into_iter().partition(|(_, _, by)| std::ptr::eq(*by, linked));
            let files: Vec<(usize, Bytes, &Linked)> = files;
            self.linked = rest;
            let paths: Vec<_> =
                files.iter().map(|(at, _, _)| self.found[*at].path.to_string_lossy().into_owned()).collect();
            let read: Vec<(&str, &[u8])> =
                paths.iter().zip(&files).map(|(path, (_, bytes, _))| (path.as_str(), &bytes[..])).collect();
            for ((at, _, _), parsed) in files.iter().zip((linked.parse)(&read)) {
                let path = self.found[*at].path.clone();
                self.found[*at] = Found::new(path, linked.file.name, parsed);
            }
        }
    }

    fn follow_leads(&mut self, scanned: &[PathBuf]) {
        let roots = roots(scanned);
        let mut known = self.known();
        let (mut next, mut followed) = (0, 0);
        while let Some((at, bytes, linked)) = self.linked.get(next).cloned() {
            next += 1;
            let folder = self.found[at].path.parent().unwrap_or(Path::new("")).to_path_buf();
            for lead in (linked.leads)(&bytes) {
                let path = folder.join(lead);
                let path = if path.is_dir() { path.join(linked.file.name) } else { path };
                let Ok(real) = path.canonicalize() else { continue };
                let is_new = !known.contains(&real) && is_inside(&real, &folder, &roots);
                if !is_new || followed >= MAX_INCLUDED || !path.is_file() {
                    continue;
                }
                followed += 1;
                known.insert(real);
                if let Some(bytes) = self.readable(&path, files::read(&path)) {
                    self.lockfile(&path.to_string_lossy(), linked.file, &bytes);
                    self.note_linked(&path, &Bytes::from(bytes));
                }
            }
        }
    }

    /// The files that were read.
    fn known(&self) -> HashSet<PathBuf> {
        self.found.iter().filter_map(|found| found.path.canonicalize().ok()).collect()
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
