//! Changes of a project that are kept apart while a command runs, and what becomes of them.

use std::fmt::Write as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use stockade_sandbox::profile::Resolved;
use stockade_sandbox::sandbox::{Change, Kind, Layer, changes, forget, keep};

use super::report::{Fate, Settled};
use crate::output::{self, Printer, count};

/// The folder for the changes of runs, in that of our data.
const RUNS: &str = "runs";
/// Where they go if our data lies in the project itself.
const ELSEWHERE: &str = "/var/tmp";
/// How the folders of runs begin.
const OURS: &str = "stockade-";
/// The folders of a layer.
const LAYER: [&str; 2] = ["changes", "work"];
/// How old the folder of a run has to be before it is taken for one that was left.
const YOUNG: Duration = Duration::from_mins(1);
/// How much of a file is shown: the longest file in bytes, and lines of each and of all.
const MAX_TEXT: u64 = 64 << 10;
const MAX_LINES: usize = 40;
const MAX_ALL_LINES: usize = 400;
/// How many changes are shown to a person who is to decide on them.
const SHOWN: usize = 200;

/// Changes that are kept apart.
pub(super) struct Changes {
    pub(super) layer: Layer,
    /// Both folders of the layer are in here. It goes when this does.
    _room: Room,
}

/// A folder of a run. It goes when this does, or with a later run if this one is killed.
pub(super) struct Room {
    folder: tempfile::TempDir,
    /// Held as long as the run goes on.
    _lock: OwnedFd,
}

impl Changes {
    /// Room for the changes of a run.
    pub(super) fn new(data: &Path, project: &Path, name: &str) -> anyhow::Result<Self> {
        let room = Room::new(data, project, name)?;
        let [changes, work] = LAYER.map(|name| room.path().join(name));
        for made in [&changes, &work] {
            std::fs::create_dir(made).with_context(|| format!("`{}` cannot be made", made.display()))?;
        }
        let layer = Layer { folder: project.to_owned(), changes, work };
        Ok(Self { layer, _room: room })
    }

    /// Takes over what may be, and forgets the rest.
    pub(super) fn settle(self, resolved: &Resolved, review: bool, printer: &Printer) -> anyhow::Result<Vec<Settled>> {
        let found = changes(&self.layer).context("the changes of the project cannot be read")?;
        let wanted = !review || confirmed(&self.layer, &found, printer);
        let fate = |path: &Path| match wanted {
            true if resolved.is_protected(path) => Fate::Protected,
            true => Fate::Kept,
            false => Fate::Declined,
        };
        let kept = |path: &Path| fate(path) == Fate::Kept;
        keep(&self.layer, &found, kept).context("the changes of the project cannot be taken over")?;
        forget(&self.layer).context("what is left of the changes cannot be removed")?;
        let settled = |Change { path, kind }: Change| Settled { fate: fate(&path), path, change: word(kind) };
        Ok(found.into_iter().map(settled).collect())
    }
}

impl Room {
    /// Room for a run. What runs that were killed have left is removed: their changes were never taken over.
    pub(super) fn new(data: &Path, project: &Path, name: &str) -> anyhow::Result<Self> {
        let data = std::path::absolute(data)?;
        let elsewhere = data.starts_with(project);
        let runs = if elsewhere { PathBuf::from(ELSEWHERE) } else { data.join(RUNS) };
        let make = || -> std::io::Result<Self> {
            std::fs::create_dir_all(&runs)?;
            // What lies in a folder of everybody's may be somebody's.
            if !elsewhere {
                clean(&runs)?;
            }
            let folder = tempfile::Builder::new().prefix(&format!("{OURS}{name}-")).tempdir_in(&runs)?;
            let lock = locked(folder.path())?;
            Ok(Self { folder, _lock: lock })
        };
        make().with_context(|| format!("there is no room for a run in `{}`", runs.display()))
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders of runs that nobody goes on with.
fn clean(runs: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(runs)?.flatten() {
        let (path, ours) = (entry.path(), entry.file_name().to_string_lossy().starts_with(OURS));
        let modified = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        // One that was just made may not be locked yet.
        let old = modified.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > YOUNG);
        if !ours || !old || locked(&path).is_err() {
            continue;
        }
        let [changes, work] = LAYER.map(|name| path.join(name));
        // What cannot be removed is in nobody's way.
        let _ = forget(&Layer { folder: PathBuf::new(), changes, work });
        #[expect(clippy::disallowed_methods, reason = "it is what a run of ours has left")]
        let _ = std::fs::remove_dir_all(&path);
    }
    Ok(())
}

/// Locks a folder until what is returned is dropped; an error if somebody else has.
fn locked(folder: &Path) -> std::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let opened = rustix::fs::open(folder, flags, Mode::empty())?;
    flock(&opened, FlockOperation::NonBlockingLockExclusive)?;
    Ok(opened)
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Added => "added",
        Kind::Changed => "changed",
        Kind::Removed => "removed",
    }
}

/// Shows changes to a person, and asks what becomes of them. Where nobody can be asked, nothing is kept.
fn confirmed(layer: &Layer, found: &[Change], printer: &Printer) -> bool {
    let mut text = format!("stockade: {} of the project\n", count(found.len(), "change"));
    for Change { path, kind } in found.iter().take(SHOWN) {
        let _ = writeln!(text, "  {} {}", word(*kind), output::line(&path.to_string_lossy()));
    }
    if found.len() > SHOWN {
        let _ = writeln!(text, "  and {} more", found.len() - SHOWN);
    }
    text += &difference(layer, found);
    printer.talk(&text);
    let answer = (!found.is_empty()).then(|| output::confirm("keep them?")).flatten();
    if answer.is_none() && !found.is_empty() {
        printer.talk("stockade: nobody is there to be asked, so that none is kept\n");
    }
    answer == Some(true)
}

/// What was changed in files of text, as far as a person reads it.
fn difference(layer: &Layer, found: &[Change]) -> String {
    let (mut text, mut left) = (String::new(), MAX_ALL_LINES);
    for Change { path, .. } in found.iter().filter(|change| change.kind != Kind::Removed) {
        let (before, after) = (contents(&layer.folder.join(path)), contents(&layer.changes.join(path)));
        let Some(after) = after else { continue };
        let difference = similar::TextDiff::from_lines(before.as_deref().unwrap_or_default(), &after);
        let whole = difference.unified_diff().to_string();
        let lines: Vec<&str> = whole.lines().collect();
        let shown = lines.len().min(MAX_LINES).min(left);
        left -= shown;
        if shown > 0 {
            let _ = writeln!(text, "\n{}", output::line(&path.to_string_lossy()));
        }
        for line in lines.iter().take(shown) {
            let _ = writeln!(text, "{}", output::line(line));
        }
        if shown > 0 && shown < lines.len() {
            let _ = writeln!(text, "  and {} more lines", lines.len() - shown);
        }
    }
    text
}

/// A file's text; none of what is no file, is long, or is no text. Who wrote it may have put a link there.
fn contents(path: &Path) -> Option<String> {
    let metadata = path.symlink_metadata().ok()?;
    if !metadata.is_file() || metadata.len() > MAX_TEXT {
        return None;
    }
    crate::files::read_text(path).ok().flatten().filter(|text| !text.contains('\0'))
}
