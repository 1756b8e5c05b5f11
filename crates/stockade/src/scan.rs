//! What names releases below a folder: lockfiles, and what installers leave of what they installed.

mod more;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use stockade_ecosystem::{Include, Locked, Lockfile, Manifest, Parsed, Problem, Scope, known};

use crate::files;

/// How many files and folders are looked at.
const MAX_ENTRIES: usize = 2_000_000;
/// How deep folders may be nested.
const MAX_DEPTH: usize = 64;
/// What version control keeps in a folder beside what is kept.
const VERSION_CONTROL: &str = ".git";

/// What sort of file one is by which an installer knows what it installed.
const INSTALLED: &str = "installed";

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// The files that name releases.
    pub(crate) found: Vec<Found>,
    /// What was not looked at, and why.
    pub(crate) unseen: Vec<String>,
    /// Files that are part of others: who includes them, and how they are read.
    includes: Vec<(PathBuf, Include, &'static Lockfile)>,
    /// Files that count where no lockfile does.
    manifests: Vec<(PathBuf, &'static Manifest)>,
}

/// A file that names releases.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// What sort of file it is.
    pub(crate) kind: &'static str,
    pub(crate) locked: Vec<Locked>,
    pub(crate) problems: Vec<String>,
    /// What was read and somebody should know.
    pub(crate) notices: Vec<String>,
    /// The entry through which each is needed, from what the project asks for itself.
    parents: Vec<Option<usize>>,
}

impl Found {
    fn new(path: PathBuf, kind: &'static str, parsed: Parsed<Vec<Locked>>) -> Self {
        let problems = parsed.problems.into_iter().map(placed).collect();
        let notices = parsed.notices.into_iter().chain(more::movable(&parsed.value)).map(placed).collect();
        let parents = parents(&parsed.value);
        Self { path, kind, locked: parsed.value, problems, notices, parents }
    }

    /// What an entry is for.
    pub(crate) fn scope(&self, at: usize) -> &'static str {
        match self.locked[at].scope {
            Scope::Run => "run",
            Scope::Unknown => "unknown",
            Scope::Build => "build",
            Scope::Optional => "optional",
            Scope::Dev => "dev",
        }
    }

    /// How the project comes to need an entry, from what it asks for itself.
    pub(crate) fn path_to(&self, mut at: usize) -> Vec<String> {
        let mut path = vec![self.name(at)];
        while let Some(parent) = self.parents[at] {
            path.push(self.name(parent));
            at = parent;
        }
        let is_rooted = self.locked[at].direct == Some(true);
        path.reverse();
        if is_rooted { path } else { Vec::new() }
    }

    fn name(&self, at: usize) -> String {
        let release = &self.locked[at].release;
        format!("{}@{}", release.package.name, release.version)
    }
}

fn placed(Problem { what, line }: Problem) -> String {
    line.map_or_else(|| what.clone(), |line| format!("line {line}: {what}"))
}

/// For each entry the one through which it is needed, on a shortest way.
fn parents(locked: &[Locked]) -> Vec<Option<usize>> {
    let mut parents = vec![None; locked.len()];
    let mut known: Vec<bool> = locked.iter().map(|entry| entry.direct == Some(true)).collect();
    let mut next: VecDeque<usize> = (0..locked.len()).filter(|at| known[*at]).collect();
    while let Some(at) = next.pop_front() {
        for need in locked[at].needs.iter().filter_map(|need| usize::try_from(*need).ok()) {
            if known.get(need) == Some(&false) {
                (known[need], parents[need]) = (true, Some(at));
                next.push_back(need);
            }
        }
    }
    parents
}

/// Looks at files, and below folders. Links are not followed.
pub(crate) fn see(paths: &[PathBuf]) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let mut left = MAX_ENTRIES;
    for path in paths {
        if !path.exists() {
            anyhow::bail!("`{}` does not exist", path.display());
        }
        if path.is_file() {
            let before = seen.found.len() + seen.manifests.len();
            seen.file(path);
            if seen.found.len() + seen.manifests.len() == before {
                seen.unseen.push(format!("{}: it is no lockfile that is known", path.display()));
            }
        } else {
            seen.folder(path, &mut left);
        }
    }
    seen.follow(paths);
    seen.ask();
    Ok(seen)
}

impl Seen {
    fn folder(&mut self, root: &Path, left: &mut usize) {
        let mut folders = vec![(root.to_path_buf(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            let entries = std::fs::read_dir(&folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
            let mut entries = match entries {
                Ok(entries) => entries,
                Err(error) => {
                    self.unseen.push(format!("{}: {error}", folder.display()));
                    continue;
                }
            };
            entries.sort_by_key(std::fs::DirEntry::file_name);
            for entry in entries {
                let Some(less) = left.checked_sub(1) else {
                    return self
                        .unseen
                        .push(format!("there are more than {MAX_ENTRIES} files; the rest was not looked at"));
                };
                *left = less;
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() && entry.file_name() == VERSION_CONTROL => {}
                    Ok(kind) if kind.is_dir() && depth < MAX_DEPTH => folders.push((entry.path(), depth + 1)),
                    Ok(kind) if kind.is_dir() => {
                        self.unseen.push(format!("{}: it is too deep", entry.path().display()));
                    }
                    Ok(kind) if kind.is_file() => self.file(&entry.path()),
                    Ok(_) => {}
                    Err(error) => self.unseen.push(format!("{}: {error}", entry.path().display())),
                }
            }
        }
    }

    /// Reads a file if it names releases.
    fn file(&mut self, path: &Path) {
        let name = path.to_string_lossy();
        for ecosystem in known() {
            for lockfile in ecosystem.lockfiles.iter().filter(|lockfile| (lockfile.matches)(&name)) {
                self.lockfile(path, lockfile);
            }
            let manifests = ecosystem.manifests.iter().filter(|manifest| (manifest.file.matches)(&name));
            self.manifests.extend(manifests.map(|manifest| (path.to_path_buf(), *manifest)));
            let installed = ecosystem.installed.filter(|installed| (installed.matches)(&name));
            if let Some(installed) = installed
                && let Some(bytes) = self.bytes(path)
            {
                let parsed = (installed.parse)(&name, &bytes);
                self.found.push(Found::new(path.to_path_buf(), INSTALLED, parsed));
            }
        }
    }

    fn lockfile(&mut self, path: &Path, lockfile: &'static Lockfile) {
        if let Some(bytes) = self.bytes(path) {
            let mut parsed = (lockfile.parse)(&bytes);
            let includes = std::mem::take(&mut parsed.includes).into_iter();
            self.includes.extend(includes.map(|include| (path.to_path_buf(), include, lockfile)));
            self.found.push(Found::new(path.to_path_buf(), lockfile.name, parsed));
        }
    }

    fn bytes(&mut self, path: &Path) -> Option<Vec<u8>> {
        match files::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.unseen.push(format!("{}: {error:#}", path.display()));
                None
            }
        }
    }
}
