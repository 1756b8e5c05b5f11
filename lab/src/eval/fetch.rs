//! Fills the corpora of harmless releases, with the ecosystems' own clients as they are set up on this machine. What is
//! there already is left alone; what a registry refuses is told and left out.

mod crates;
mod maven;
mod npm;
mod pypi;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};

use super::lists::{self, Pinned};

/// Between two requests, so that a registry hardly notices.
const PAUSE: Duration = Duration::from_millis(300);
/// What of a client's words about a refusal is told.
const TOLD: usize = 300;

/// Where an ecosystem's files go, and what is missing of them.
struct Order<'a> {
    /// The folder of the ecosystem.
    folder: PathBuf,
    /// A folder for the client's caches.
    scratch: PathBuf,
    missing: Vec<Pinned<'a>>,
}

/// Fetches for one ecosystem or for all.
pub(crate) fn run(what: &str, corpora: &Path) -> anyhow::Result<()> {
    if what != "all" && lists::ALL.iter().all(|(ecosystem, _)| *ecosystem != what) {
        bail!("there is no list for `{what}`; the lists are npm, pypi, crates and maven");
    }
    for (ecosystem, list) in lists::ALL.into_iter().filter(|(ecosystem, _)| what == "all" || *ecosystem == what) {
        let order = order(ecosystem, list, corpora)?;
        let releases: usize = order.missing.iter().map(|package| package.versions.len()).sum();
        println!("{ecosystem}: {releases} releases are missing");
        if releases == 0 {
            continue;
        }
        match ecosystem {
            "npm" => npm::fetch(&order)?,
            "pypi" => pypi::fetch(&order)?,
            "crates" => crates::fetch(&order)?,
            _ => maven::fetch(&order)?,
        }
    }
    Ok(())
}

fn order<'a>(ecosystem: &str, list: &'a str, corpora: &Path) -> anyhow::Result<Order<'a>> {
    let folder = std::path::absolute(corpora.join(ecosystem))?;
    let scratch = std::path::absolute(corpora.join(".tmp").join(ecosystem))?;
    for each in [&folder, &scratch] {
        std::fs::create_dir_all(each).with_context(|| format!("`{}` cannot be made", each.display()))?;
    }
    let mut missing = lists::read(list);
    for package in &mut missing {
        let name = package.name;
        package.versions.retain(|version| !has_files(&release(&folder, name, version)));
    }
    missing.retain(|package| !package.versions.is_empty());
    Ok(Order { folder, scratch, missing })
}

/// The folder of a release.
fn release(folder: &Path, name: &str, version: &str) -> PathBuf {
    folder.join(lists::folder(name)).join(version)
}

fn has_files(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// Puts a file that a client left somewhere into the folder of its release.
fn place(file: &Path, folder: &Path) -> anyhow::Result<()> {
    let name = file.file_name().context("a file has a name")?;
    std::fs::create_dir_all(folder).with_context(|| format!("`{}` cannot be made", folder.display()))?;
    std::fs::rename(file, folder.join(name)).with_context(|| format!("`{}` cannot be moved", file.display()))
}

/// Runs a client that must not wait for anybody. Whether it succeeded; if not, its last words are told.
fn succeeds(command: &mut Command, what: &str) -> anyhow::Result<bool> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("`{program}` could not be started"))?;
    std::thread::sleep(PAUSE);
    if !output.status.success() {
        let words = [output.stdout, output.stderr].concat();
        let words = String::from_utf8_lossy(&words);
        let start = words.len().saturating_sub(TOLD);
        let start = (start..words.len()).find(|at| words.is_char_boundary(*at)).unwrap_or(words.len());
        println!("  refused: {what}: {}", words[start..].split_whitespace().collect::<Vec<_>>().join(" "));
    }
    Ok(output.status.success())
}
