//! What names releases: lockfiles, what installers leave of what they installed, what is built of releases and says so, bills
//! of materials, and images.

mod found;
mod image;
mod look;
mod more;
mod sbom;

use std::path::{Path, PathBuf};

use bytes::Bytes;
use stockade_ecosystem::{Include, Linked, Lockfile, Manifest, built, known};

use crate::files;
pub(crate) use found::Found;
pub(crate) use look::{Wanted, is_program, look, wanted};

/// How many files and folders are looked at.
const MAX_ENTRIES: usize = 2_000_000;
/// How deep folders may be nested.
const MAX_DEPTH: usize = 64;
/// What version control keeps in a folder beside what is kept.
const VERSION_CONTROL: &str = ".git";

/// What sort of file one is by which an installer knows what it installed.
const INSTALLED: &str = "installed";

/// What was seen.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    /// The files that name releases.
    pub(crate) found: Vec<Found>,
    /// What was not looked at, and why.
    pub(crate) unseen: Vec<String>,
    /// What nobody can look at here: it names no release that is known, or none at all.
    pub(crate) left_out: Vec<String>,
    /// Files that are part of others: who includes them, and how they are read.
    includes: Vec<(PathBuf, Include, &'static Lockfile)>,
    /// Files that are read with others: where they are among those that were found, what they have, and how.
    linked: Vec<(usize, Bytes, &'static Linked)>,
    /// How many bytes those have.
    kept: usize,
    /// Files that count where no lockfile does.
    manifests: Vec<(PathBuf, &'static Manifest)>,
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
            let before = seen.count();
            seen.named(path);
            if seen.count() == before {
                seen.unseen.push(format!("{}: it is nothing known that names releases", path.display()));
            }
        } else {
            seen.folder(path, &mut left);
        }
    }
    seen.follow(paths);
    seen.link(paths);
    seen.ask();
    seen.compare_commits();
    Ok(seen)
}

impl Seen {
    /// How much is said.
    fn count(&self) -> usize {
        self.found.len() + self.unseen.len() + self.left_out.len() + self.manifests.len()
    }

    /// A file that somebody asked about.
    fn named(&mut self, path: &Path) {
        if image::is_archive(path) {
            return image::see(path, self);
        }
        self.note_manifests(path);
        let wanted = wanted(&path.to_string_lossy());
        let wanted = if wanted == Wanted::Nothing { Wanted::IfProgram } else { wanted };
        self.read(path, wanted);
    }

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
            if entries.iter().any(|entry| entry.file_name() == image::LAYOUT) {
                image::see(&folder, self);
                continue;
            }
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

    /// Reads a file if it names releases, or may be a program.
    pub(crate) fn file(&mut self, path: &Path) {
        self.note_manifests(path);
        match wanted(&path.to_string_lossy()) {
            Wanted::Nothing if files::may_run(path) => self.read(path, Wanted::IfProgram),
            Wanted::Nothing => {}
            wanted => self.read(path, wanted),
        }
    }

    /// Whether a manifest has to be read is known when all lockfiles are.
    fn note_manifests(&mut self, path: &Path) {
        let name = path.to_string_lossy();
        for ecosystem in known() {
            let manifests = ecosystem.manifests.iter().filter(|manifest| (manifest.file.matches)(&name));
            self.manifests.extend(manifests.map(|manifest| (path.to_path_buf(), *manifest)));
        }
    }

    fn read(&mut self, path: &Path, wanted: Wanted) {
        let text = path.to_string_lossy();
        let looked = match wanted {
            Wanted::IfProgram => files::open_if(path, look::MAGIC, is_program)
                .map(|file| file.map(|file| look::contents(&text, built::program_in(file), self))),
            _ => files::read(path).map(|bytes| {
                bytes.map(|bytes| {
                    let bytes = Bytes::from(bytes);
                    look(&text, &bytes, self);
                    self.note_linked(path, &bytes);
                })
            }),
        };
        self.readable(path, looked);
    }

    /// What could be read.
    fn readable<T>(&mut self, path: &Path, outcome: anyhow::Result<Option<T>>) -> Option<T> {
        match outcome {
            Ok(read) => read,
            Err(error) => {
                self.unseen.push(format!("{}: {error:#}", path.display()));
                None
            }
        }
    }
}
