//! What hooks of packages did: the files that each wrote, and what is to be known of its release.
//!
//! Whose hook it is, is the client's word, taken from the package; so what is held against a release is only what a hook did
//! whose folder says the same.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use stockade_engine::Deed as Did;
use stockade_model::Digest;
use stockade_sandbox::sandbox::{Cause, Deed};

/// How many hooks, and deeds of theirs, are remembered.
const MAX_HOOKS: usize = 10_000;
/// How many files that hooks wrote are told.
const MAX_FILES: usize = 100_000;
/// The largest file whose digest is told, in bytes: 256 MiB.
const MAX_DIGESTED: u64 = 256 << 20;
/// How much earlier than it was the kernel may say that a file was changed: its clock for that ticks.
const TICK: Duration = Duration::from_millis(10);
/// Where names are asked for.
const NAMES: u16 = 53;

/// A file that a hook wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Written {
    /// The hook.
    pub(crate) cause: Cause,
    /// The file, from the project on.
    pub(crate) path: PathBuf,
    /// Its digest; none of what is no file, is too large or cannot be read.
    pub(crate) digest: Option<Digest>,
}

/// What hooks did.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    began: BTreeMap<(PathBuf, Cause), SystemTime>,
    did: BTreeSet<(Cause, Did)>,
}

impl Hooks {
    /// A hook is seen that is confined to this folder.
    #[expect(
        clippy::disallowed_methods,
        reason = "it is compared with the kernel's times of files, which are the system's"
    )]
    pub(super) fn began(&mut self, folder: &Path, cause: &Cause) {
        let key = (folder.to_owned(), cause.clone());
        if self.began.len() < MAX_HOOKS && !self.began.contains_key(&key) {
            self.began.insert(key, SystemTime::now());
        }
    }

    /// It does something. `refused` says that a program is none that hooks may run.
    pub(super) fn did(&mut self, folder: &Path, cause: &Cause, deed: &Deed, refused: bool) {
        let did = match deed {
            Deed::Connect(to) | Deed::Send(to) if to.port() == NAMES => Did::Connect("a host, by its name".to_owned()),
            Deed::Connect(to) | Deed::Send(to) if to.port() != 0 && !to.ip().is_loopback() => {
                Did::Connect(to.to_string())
            }
            Deed::Run(program) if refused => Did::Run(program.to_string_lossy().into_owned()),
            _ => return,
        };
        if says_the_same(folder, cause) && self.did.len() < MAX_HOOKS {
            self.did.insert((cause.clone(), did));
        }
    }

    /// What tells whether releases were understood.
    pub(super) fn deeds(&self) -> impl Iterator<Item = &(Cause, Did)> {
        self.did.iter()
    }

    /// The files that hooks wrote. What is kept apart from the project is in `changes`; packages lie in folders that end like `within`.
    pub(super) fn written(&self, project: &Path, changes: Option<&Path>, within: &[String]) -> Vec<Written> {
        let mut found = Vec::new();
        for ((folder, cause), since) in &self.began {
            let Ok(below) = folder.strip_prefix(project) else { continue };
            let since = since.checked_sub(TICK).unwrap_or(*since);
            let root = changes.filter(|changes| changes.join(below).exists()).unwrap_or(project);
            let mut paths = Vec::new();
            newer(&root.join(below), since, within, &mut paths);
            for path in paths {
                if found.len() >= MAX_FILES {
                    return found;
                }
                let relative = path.strip_prefix(root).unwrap_or(&path).to_owned();
                found.push(Written { cause: cause.clone(), path: relative, digest: digest(&path) });
            }
        }
        found
    }
}

/// Whether the folder of a package says whose it is: with its version beside the name, in the name, or not at all.
fn says_the_same(folder: &Path, Cause { package, version, .. }: &Cause) -> bool {
    folder.ends_with(package)
        || folder.ends_with(format!("{package}-{version}"))
        || folder.ends_with(Path::new(package).join(version))
}

/// What in a folder was changed since then. Packages in it have hooks of their own.
fn newer(folder: &Path, since: SystemTime, within: &[String], found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            if !within.iter().any(|end| path.ends_with(end)) {
                newer(&path, since, within, found);
            }
        } else if changed(&metadata) >= since && found.len() < MAX_FILES {
            found.push(path);
        }
    }
}

/// When a file was changed last, its name and rights included: what wrote it cannot set that.
fn changed(metadata: &std::fs::Metadata) -> SystemTime {
    let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
    let nanoseconds = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds)
}

fn digest(path: &Path) -> Option<Digest> {
    let metadata = path.symlink_metadata().ok()?;
    if !metadata.is_file() || metadata.len() > MAX_DIGESTED {
        return None;
    }
    Some(Digest::of(&crate::files::read(path).ok()??))
}
