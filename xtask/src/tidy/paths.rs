//! Every path that a document names exists, so that documents do not outlive what they describe.
//!
//! Looked at are link targets and words in backticks, outside of code blocks. A word in backticks is a path if it begins
//! with one of the repository's top-level folders, or if it is the bare name of a document, a manifest or a source file;
//! such a name may be a file anywhere, since `mod.rs` is said of every folder.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{File, Tree};

/// Folders that are the repository's, even while they do not exist.
const FOLDERS: [&str; 7] = ["crates", "docs", "lab", "xtask", "demo", "fuzz", ".ci"];
/// Files that are written about and that live in other people's repositories.
const FOREIGN: [&str; 4] = ["stockade.toml", "pyproject.toml", "uv.toml", "config.toml"];
/// What no path of ours has: places to fill in, patterns, addresses, commands.
const NO_PATH: [&str; 12] = ["<", ">", "*", "{", "}", "$", "…", "...", "://", " ", "=", "("];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let known = Known::of(tree);
    let documents = tree.text().filter(|file| file.has_extension("md") && !file.is_foreign());
    documents.flat_map(|file| check_file(file, &known)).collect()
}

/// What exists: files and the folders above them, and the bare names of files.
struct Known<'a> {
    paths: BTreeSet<&'a str>,
    names: BTreeSet<&'a str>,
    folders: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    fn of(tree: &'a Tree) -> Self {
        let above = |path: &&'a str| path.rsplit_once('/').map(|(folder, _)| folder);
        let files = || tree.files.iter().map(|file| file.path.as_str());
        let tops = files().filter_map(|path| path.split_once('/').map(|(top, _)| top));
        Self {
            paths: files().flat_map(|path| std::iter::successors(Some(path), above)).collect(),
            names: tree.files.iter().map(File::name).collect(),
            folders: FOLDERS.into_iter().chain(tops).collect(),
        }
    }

    fn has(&self, from: &str, path: &str) -> bool {
        resolve(from, path).is_some_and(|path| path.is_empty() || self.paths.contains(path.as_str()))
    }
}

fn check_file(file: &File, known: &Known<'_>) -> Vec<Finding> {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut findings = Vec::new();
    for (number, line) in prose(file) {
        let words = code_spans(line).into_iter().filter(|word| is_missing(word, folder, known)).map(str::to_owned);
        let targets = link_targets(line).into_iter().filter(|target| is_dangling(target, folder, known));
        findings.extend(words.chain(targets).map(|path| {
            Finding::new(&file.path, number, format!("`{path}` does not exist; name what does, or remove it"))
        }));
    }
    findings
}

/// The lines outside of fenced blocks.
fn prose(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    file.lines().filter(move |(_, line)| {
        let line = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| line.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (None, None) => return true,
            _ => {}
        }
        false
    })
}

/// What stands between single backticks.
fn code_spans(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// The targets of `[text](target)` and of `[name]: target`, outside of backticks.
fn link_targets(line: &str) -> Vec<String> {
    let line: String = line.split('`').step_by(2).collect();
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let defined = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
    let defined = defined.and_then(|target| target.split_whitespace().next());
    inline.chain(defined).map(str::to_owned).collect()
}

fn is_missing(word: &str, folder: &str, known: &Known<'_>) -> bool {
    let path = without_place(word);
    if NO_PATH.iter().any(|part| path.contains(part)) {
        return false;
    }
    match path.split_once('/') {
        Some((top, _)) => known.folders.contains(top) && !known.has("", path) && !known.has(folder, path),
        None => is_bare_name(path) && !known.names.contains(path) && !FOREIGN.contains(&path),
    }
}

fn is_bare_name(path: &str) -> bool {
    let stem = [".md", ".toml", ".rs"].into_iter().find_map(|end| path.strip_suffix(end));
    stem.is_some_and(|stem| !stem.is_empty())
}

fn is_dangling(target: &str, folder: &str, known: &Known<'_>) -> bool {
    let target = target.trim_matches(['<', '>']);
    let path = target.split(['#', '?']).next().unwrap_or_default();
    let scheme =
        path.split_once(':').is_some_and(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if path.is_empty() || scheme {
        return false;
    }
    match path.strip_prefix('/') {
        Some(path) => !known.has("", path),
        None => !known.has(folder, path),
    }
}

/// A path without the line that it may name, as in `crates/a/src/lib.rs:12`, without an anchor and the last slash.
fn without_place(word: &str) -> &str {
    let path = word.split(['#', ':']).next().unwrap_or(word);
    path.trim_end_matches('/')
}

/// A path from the root. `None` if it leaves the repository.
fn resolve(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::check;

    fn missing(text: &str) -> Vec<String> {
        let files = [("docs/guide/a.md", text), ("docs/b.md", ""), ("crates/a/src/lib.rs", ""), ("README.md", "")];
        let found = found(&files, check);
        found.iter().filter_map(|finding| finding.split('`').nth(1)).map(str::to_owned).collect()
    }

    #[test]
    fn a_path_that_is_not_there_is_found() {
        let expected = "docs/a.md:2: `crates/b/` does not exist; name what does, or remove it";
        assert_eq!(found(&[("docs/a.md", "one\n`crates/b/`\n")], check), [expected]);
        assert_eq!(missing("see `crates/a/src/lib.rs` and `crates/a/src/gone.rs:12`"), ["crates/a/src/gone.rs:12"]);
        assert_eq!(missing("`ARCHITECTURE.md` `README.md` `lib.rs` `gone.rs`"), ["ARCHITECTURE.md", "gone.rs"]);
        assert_eq!(missing("[a](../b.md) [b](b.md#x) [c](/README.md) [d](../../../x.md)"), ["b.md#x", "../../../x.md"]);
        assert_eq!(missing("[a]: ../b.md\n[c]: ../c.md \"title\"\n"), ["../c.md"]);
        assert_eq!(missing("[`crates/a`](../../crates/a) and `docs/guide` [`x`](gone)"), ["gone"]);
    }

    #[test]
    fn what_is_no_path_of_ours_is_fine() {
        assert!(
            missing("`crates/*/src` `docs/<name>.md` `crates/a/…` `src/x.rs` `node_modules/x` `stockade.toml`")
                .is_empty()
        );
        assert!(
            missing("[a](https://x.example/b.md) [b](#anchor) [c](mailto:a@b.example) `https://docs/x`").is_empty()
        );
        assert!(missing("```sh\ncat `crates/gone`\n```\n`cargo run -p crates/gone`").is_empty());
    }
}
