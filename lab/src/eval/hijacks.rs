//! Replays of hijacked releases. Each row of the catalogue of incidents is written again, by hand and without its effect:
//! the code has the shape that the incident had, and what it would send, fetch or start is not there. Hosts are under
//! `.invalid`, addresses are those for documents, commands say a word, paths of persistence and of deletion do not exist.
//!
//! A replay is an edit of a real release of some popular package, so that everything around it is as it is in the wild.
//! `replays/` has the edits, to be read and changed; `cargo xtask eval build-hijacks` applies them to the corpora and
//! writes what comes out beside them, since archives belong to nobody's repository. Nothing opaque is in the edits either:
//! what is compressed, encoded, generated or compiled is made when it is built, the same every time.

mod build;
mod carriers;
mod edit;
mod java;
mod json;
mod obfuscate;
mod pack;
mod pieces;
mod random;
mod release;
mod report;
mod spec;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::{cases, lists};
use build::{Built, Real};
use spec::{Base, Replay};

pub(crate) use report::{by_technique, followed};
pub(crate) use spec::all;

/// The folder of what was built, beside the other corpora.
const FOLDER: &str = "hijacks";

/// Builds every replay whose host is in the corpora.
pub(crate) fn build(corpora: &Path) -> anyhow::Result<()> {
    let root = corpora.join(FOLDER);
    if root.exists() {
        std::fs::remove_dir_all(&root).with_context(|| format!("`{}` cannot be replaced", root.display()))?;
    }
    let with_java = java::is_there();
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut left_out = 0;
    for replay in all()? {
        if !with_java && replay.edits.iter().any(|edit| edit.java.is_some()) {
            println!("{}: left out, since there is no `javac`", replay.key);
            left_out += 1;
            continue;
        }
        let new = one(&replay, corpora, &root).with_context(|| format!("the replay `{}`", replay.key))?;
        lines.entry(replay.ecosystem).or_default().extend(new);
    }
    for (ecosystem, lines) in &lines {
        let count = lines.iter().filter(|line| !line.starts_with('#')).count();
        println!("{ecosystem}: {count} packages");
        write(&root.join(format!("{ecosystem}.txt")), format!("{}\n", lines.join("\n")).as_bytes())?;
    }
    println!("{left_out} left out");
    Ok(())
}

/// Builds a replay. Says what the list has of it.
fn one(replay: &Replay, corpora: &Path, root: &Path) -> anyhow::Result<Vec<String>> {
    let (before, content) = releases(replay, corpora)?;
    let new = build::host(replay, &content)?;
    let old = before.version.clone();
    let before = Built { name: replay.host.clone(), version: before.version, file: before.file, bytes: before.bytes };
    put(root, &replay.ecosystem, &[&before, &new])?;
    let mut lines = vec![format!("# {}", replay.key), format!("{} {old} {}", new.name, new.version)];
    if let Some(dependency) = &replay.dependency {
        let [clean, bad] = build::dependency(replay, dependency)?;
        put(root, &replay.ecosystem, &[&clean, &bad])?;
        lines.push(format!("# {}, with the line before", replay.key));
        lines.push(format!("{} {} {}", clean.name, clean.version, bad.version));
    }
    Ok(lines)
}

/// The real release that the hijacked one is compared with, and the one that it is made of.
fn releases(replay: &Replay, corpora: &Path) -> anyhow::Result<(Real, Real)> {
    let (ecosystem, list) = lists::ALL
        .into_iter()
        .find(|(ecosystem, _)| *ecosystem == replay.ecosystem)
        .context("there is no such ecosystem")?;
    let package = lists::read(list).into_iter().find(|package| package.name == replay.host);
    let versions = package.context("the host is in no list")?.versions;
    let [.., before, last] = versions.as_slice() else { anyhow::bail!("the host has only one release") };
    let before = if replay.base == Base::Same { last } else { before };
    let read = |version: &str| real(&corpora.join(ecosystem).join(lists::folder(&replay.host)), version, replay);
    Ok((read(before)?, read(last)?))
}

/// The file of a release that is of the replay's kind.
fn real(folder: &Path, version: &str, replay: &Replay) -> anyhow::Result<Real> {
    let folder = folder.join(version);
    let entries = std::fs::read_dir(&folder).with_context(|| format!("`{}` is not there", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
    files.sort();
    for path in files {
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default().to_owned();
        if !file.starts_with('.') && cases::kind(&replay.ecosystem, &file) == replay.kind() {
            return Ok(Real { version: version.to_owned(), file, bytes: std::fs::read(&path)? });
        }
    }
    anyhow::bail!("`{}` has no such file", folder.display())
}

fn put(root: &Path, ecosystem: &str, releases: &[&Built]) -> anyhow::Result<()> {
    for Built { name, version, file, bytes } in releases {
        let path = root.join(ecosystem).join(lists::folder(name)).join(version).join(file);
        ensure!(!path.exists(), "`{}` is there already: two replays have one host", path.display());
        write(&path, bytes)?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, bytes).with_context(|| format!("`{}` cannot be written", path.display()))
}
