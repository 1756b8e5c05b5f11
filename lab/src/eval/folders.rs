//! The corpora of releases that are folders: `ECOSYSTEM/NAME/VERSION/FILE` beside the repository.
//!
//! Which releases belong to them is said by the lists, not by what happens to be there. The replays of hijacks have the
//! same layout in `hijacks/`, with a list of their own for each ecosystem beside the folders.

use std::path::Path;

use anyhow::Context;

use super::cases::{Case, Piece, Place};
use super::lists::{self, Pinned};

/// The folder of the replays of hijacks.
const HIJACKS: &str = "hijacks";

/// The newest release of every package of the lists.
pub(crate) fn newest(corpora: &Path) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (ecosystem, list) in lists::ALL {
        for package in lists::read(list) {
            let version = package.versions.last().copied().unwrap_or_default();
            let pieces = pieces(corpora, ecosystem, package.name, version)?;
            cases.extend(pieces.into_iter().map(|new| Case { new, old: None }));
        }
    }
    Ok(cases)
}

/// Releases of the lists that follow each other.
pub(crate) fn updates(corpora: &Path) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (ecosystem, list) in lists::ALL {
        for package in lists::read(list) {
            neighbours(corpora, ecosystem, &package, &mut cases)?;
        }
    }
    Ok(cases)
}

/// Whether there are replays of hijacks.
pub(crate) fn has_hijacks(corpora: &Path) -> bool {
    corpora.join(HIJACKS).is_dir()
}

/// Replays of hijacks: a harmless release, and the one that somebody else published after it.
pub(crate) fn hijacks(corpora: &Path) -> anyhow::Result<Vec<Case>> {
    let root = corpora.join(HIJACKS);
    let mut cases = Vec::new();
    for (ecosystem, _) in lists::ALL {
        let list = root.join(format!("{ecosystem}.txt"));
        if !list.exists() {
            continue;
        }
        let text = std::fs::read_to_string(&list).with_context(|| format!("`{}` cannot be read", list.display()))?;
        for package in lists::read(&text) {
            neighbours(&root, ecosystem, &package, &mut cases)?;
        }
    }
    Ok(cases)
}

/// Each two neighbours among the versions of a package: one case for each kind of file that both have.
fn neighbours(root: &Path, ecosystem: &'static str, package: &Pinned<'_>, cases: &mut Vec<Case>) -> anyhow::Result<()> {
    for pair in package.versions.windows(2) {
        let [old, new] = pair else { continue };
        let before = pieces(root, ecosystem, package.name, old)?;
        for new in pieces(root, ecosystem, package.name, new)? {
            let old = before.iter().find(|old| old.kind() == new.kind()).cloned();
            cases.extend(old.map(|old| Case { new, old: Some(old) }));
        }
    }
    Ok(())
}

/// The files of a release, by name. A release that is not there has none.
fn pieces(root: &Path, ecosystem: &'static str, name: &str, version: &str) -> anyhow::Result<Vec<Piece>> {
    let folder = root.join(ecosystem).join(lists::folder(name)).join(version);
    let Ok(entries) = std::fs::read_dir(&folder) else { return Ok(Vec::new()) };
    let mut pieces = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("`{}` cannot be listed", folder.display()))?.path();
        let Some(file) = path.file_name().and_then(|file| file.to_str()) else { continue };
        if file.starts_with('.') {
            continue;
        }
        let (name, version, file) = (name.to_owned(), version.to_owned(), file.to_owned());
        pieces.push(Piece { ecosystem, name, version, file, place: Place::File(path) });
    }
    pieces.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hijacks_are_neighbours_with_the_same_kind_of_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join(HIJACKS);
        for file in ["a/1/a-1.tar.gz", "a/2/a-2.tar.gz", "a/2/a-2-py3-none-any.whl", "@b+c/1/c.tar.gz", "a/2/.part"] {
            let path = root.join("pypi").join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::fs::write(root.join("pypi.txt"), "a 1 2\n@b/c 1 2\n").unwrap();
        let cases = hijacks(folder.path()).unwrap();
        let words: Vec<String> = cases.iter().map(Case::words).collect();
        assert_eq!(words, ["pypi a 1 -> 2 (a-2.tar.gz)"]);
    }
}
