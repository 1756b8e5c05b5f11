//! Every crate takes the workspace's lints, says what it is for, and opens with the reason why it exists.

use super::Finding;
use super::tree::{File, Tree};

/// The crate of the product that holds `unsafe`, and the one for tests that tries what the first forbids. The workspace
/// forbids it, and a `forbid` cannot be lifted, so they have their own lints.
const OWN_LINTS: [&str; 2] = ["crates/stockade-sandbox/Cargo.toml", "crates/stockade-testkit/Cargo.toml"];

/// A `key = value` of a manifest.
pub(super) struct Entry<'a> {
    pub(super) section: &'a str,
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    pub(super) line: usize,
}

/// The entries of a manifest. Enough TOML for Cargo manifests that are written one entry a line, as ours are.
pub(super) fn entries(manifest: &File) -> Vec<Entry<'_>> {
    let mut section = "";
    let mut entries = Vec::new();
    for (line, text) in manifest.lines() {
        let text = text.trim();
        if let Some(header) = text.strip_prefix('[').and_then(|text| text.split(']').next()) {
            section = header.trim_start_matches('[').trim();
        } else if let Some((key, value)) = text.split_once('=').filter(|_| !text.starts_with('#')) {
            entries.push(Entry { section, key: key.trim(), value: value.trim(), line });
        }
    }
    entries
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let manifests = tree.manifests().flat_map(check_manifest);
    let roots = tree.rust().filter(|file| matches!(file.name(), "lib.rs" | "main.rs"));
    let silent = roots.filter(|file| !file.text.starts_with("//!"));
    let silent = silent.map(|file| Finding::new(&file.path, 1, "begins without `//!`; say first what this is for"));
    manifests.chain(silent).collect()
}

fn check_manifest(manifest: &File) -> Vec<Finding> {
    let entries = entries(manifest);
    let has = |section: &str, key: &str, value: &str| {
        entries.iter().any(|entry| entry.section == section && entry.key == key && entry.value.starts_with(value))
    };
    let mut findings = Vec::new();
    let is_workspace = manifest.text.lines().any(|line| line.starts_with("[workspace"));
    if !manifest.text.lines().any(|line| line.trim() == "[package]") {
        return findings;
    }
    if !has("package", "description", "\"") || has("package", "description", "\"\"") {
        findings.push(Finding::new(&manifest.path, 1, "no `description`; say in one sentence what the crate is for"));
    }
    let own = OWN_LINTS.contains(&manifest.path.as_str());
    if own && !has("lints.rust", "unsafe_code", "\"deny\"") {
        let what = "a crate of `unsafe` without `unsafe_code = \"deny\"`; every use must be an exception with a reason";
        findings.push(Finding::new(&manifest.path, 1, what));
    } else if !own && !is_workspace && !has("lints", "workspace", "true") {
        let what = "the workspace's lints do not apply; add `[lints]` with `workspace = true`";
        findings.push(Finding::new(&manifest.path, 1, what));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::check;

    const GOOD: &str = "[package]\ndescription = \"A demo.\"\n\n[lints]\nworkspace = true\n";

    #[test]
    fn a_crate_that_has_everything_passes() {
        let files = [("crates/demo/Cargo.toml", GOOD), ("crates/demo/src/lib.rs", "//! A demo.\n")];
        assert!(found(&files, check).is_empty());
    }

    #[test]
    fn what_a_crate_lacks_is_found() {
        let bare = "[package]\nname = \"demo\"\n# description = \"x\"\n";
        let files = [("crates/demo/Cargo.toml", bare), ("crates/demo/src/main.rs", "fn main() {}\n//! late\n")];
        let expected = [
            "crates/demo/Cargo.toml:1: no `description`; say in one sentence what the crate is for",
            "crates/demo/Cargo.toml:1: the workspace's lints do not apply; add `[lints]` with `workspace = true`",
            "crates/demo/src/main.rs:1: begins without `//!`; say first what this is for",
        ];
        assert_eq!(found(&files, check), expected);
    }

    #[test]
    fn a_crate_of_unsafe_denies_it() {
        let path = "crates/stockade-sandbox/Cargo.toml";
        let package = "[package]\ndescription = \"A demo.\"\n";
        assert_eq!(found(&[(path, GOOD)], check).len(), 1);
        assert!(found(&[(path, &format!("{package}[lints.rust]\nunsafe_code = \"deny\"\n"))], check).is_empty());
    }

    #[test]
    fn a_workspace_of_its_own_has_no_lints_to_inherit() {
        let fuzz = "[package]\ndescription = \"Targets.\"\n\n[workspace]\n";
        assert!(found(&[("fuzz/Cargo.toml", fuzz)], check).is_empty());
    }
}
