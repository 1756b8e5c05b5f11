//! Changes of a project that are kept apart while a command runs, and what becomes of them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use stockade_sandbox::profile::Resolved;
use stockade_sandbox::sandbox::{Change, Kind, Layer, changes, forget, keep};

use super::report::{Fate, Settled};
use crate::output::{self, Printer, count};

/// The folder for the changes of runs, in that of our data.
const RUNS: &str = "runs";
/// Where they go if our data lies in the project itself.
const ELSEWHERE: &str = "/var/tmp";
/// How many changes are shown to a person who is to decide on them.
const SHOWN: usize = 200;

/// Changes that are kept apart.
pub(super) struct Changes {
    pub(super) layer: Layer,
    /// Both folders of the layer are in here. It goes when this does.
    _folder: tempfile::TempDir,
}

impl Changes {
    /// Room for the changes of a run.
    pub(super) fn new(data: &Path, project: &Path, name: &str) -> anyhow::Result<Self> {
        let folder = room(data, project, name)?;
        let [changes, work] = ["changes", "work"].map(|name| folder.path().join(name));
        for made in [&changes, &work] {
            std::fs::create_dir(made).with_context(|| format!("`{}` cannot be made", made.display()))?;
        }
        let layer = Layer { folder: project.to_owned(), changes, work };
        Ok(Self { layer, _folder: folder })
    }

    /// Takes over what may be, and forgets the rest.
    pub(super) fn settle(self, resolved: &Resolved, review: bool, printer: &Printer) -> anyhow::Result<Vec<Settled>> {
        let found = changes(&self.layer).context("the changes of the project cannot be read")?;
        let wanted = !review || confirmed(&found, printer);
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

/// A folder for a run. It goes when what is returned does.
pub(super) fn room(data: &Path, project: &Path, name: &str) -> anyhow::Result<tempfile::TempDir> {
    let data = std::path::absolute(data)?;
    let runs = if data.starts_with(project) { PathBuf::from(ELSEWHERE) } else { data.join(RUNS) };
    let made = std::fs::create_dir_all(&runs)
        .and_then(|()| tempfile::Builder::new().prefix(&format!("stockade-{name}-")).tempdir_in(&runs));
    made.with_context(|| format!("there is no room for a run in `{}`", runs.display()))
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Added => "added",
        Kind::Changed => "changed",
        Kind::Removed => "removed",
    }
}

/// Shows changes to a person, and asks what becomes of them. Where nobody can be asked, nothing is kept.
fn confirmed(found: &[Change], printer: &Printer) -> bool {
    let mut text = format!("stockade: {} of the project\n", count(found.len(), "change"));
    for Change { path, kind } in found.iter().take(SHOWN) {
        let _ = writeln!(text, "  {} {}", word(*kind), output::line(&path.to_string_lossy()));
    }
    if found.len() > SHOWN {
        let _ = writeln!(text, "  and {} more", found.len() - SHOWN);
    }
    printer.talk(&text);
    let answer = (!found.is_empty()).then(|| output::confirm("keep them?")).flatten();
    if answer.is_none() && !found.is_empty() {
        printer.talk("stockade: nobody is there to be asked, so that none is kept\n");
    }
    answer == Some(true)
}
