//! uv's lockfiles, which name the address of every file: `uv.lock`, and `pylock.toml` of whoever wrote it.
//!
//! uv asks no index for what is in there, so in a run these addresses have to be the gateway's.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::pypi::path;

/// What begins a package.
const PACKAGES: [&str; 2] = ["[[package]]", "[[packages]]"];
/// What says that one is of an index, and of which.
const OF_INDEX: [&str; 2] = ["source = { registry = ", "index = "];
const NAME: &str = "name = ";
const URL: &str = "url = ";

/// The addresses of an index and of its files, and what they are at the gateway. What another index or no index has stays
/// where it is.
pub(super) fn led(text: &str, registry: &str, base: &str) -> Vec<(String, String)> {
    let bare = |address: &str| address.trim_end_matches('/').to_owned();
    let ours = bare(&super::index(base));
    let mut led = BTreeMap::new();
    let (mut name, mut is_of_index) = (None, false);
    for line in text.lines() {
        if PACKAGES.contains(&line.trim_end()) {
            (name, is_of_index) = (None, false);
        }
        if let Some(own) = line.strip_prefix(NAME).and_then(first_quoted) {
            name = Some(own);
        }
        if let Some(index) = OF_INDEX.iter().find_map(|start| first_quoted(line.strip_prefix(start)?)) {
            is_of_index = bare(index) == bare(registry);
            if is_of_index {
                led.insert(index.to_owned(), ours.clone());
            }
        }
        let Some(project) = name.filter(|_| is_of_index) else { continue };
        for address in line.split(URL).skip(1).filter_map(first_quoted) {
            if let Some(file) = at_gateway(base, project, address) {
                led.insert(address.to_owned(), file);
            }
        }
    }
    led.into_iter().collect()
}

/// The file into which `uv add` writes the index that it was pointed at.
pub(super) const MANIFEST: &str = "pyproject.toml";

/// A project's file without an index of ours that uv wrote into it. Where it had one before, ours took its place, and is not
/// taken out.
pub(super) fn unwritten(before: &str, after: &str, base: &str) -> String {
    const TABLE: &str = "[[tool.uv.index]]\n";
    if before.contains(TABLE.trim_end()) {
        return after.to_owned();
    }
    let table = format!("{TABLE}url = \"{}\"\ndefault = true\n", super::index(base).trim_end_matches('/'));
    after.replacen(&format!("\n{table}"), "", 1).replacen(&table, "", 1)
}

/// Our address of a file, if it can have one.
fn at_gateway(base: &str, project: &str, address: &str) -> Option<String> {
    let (address, _) = address.split_once(['?', '#']).unwrap_or((address, ""));
    let file = percent_decode_str(address.rsplit('/').next()?).decode_utf8().ok()?;
    let range = path::original(address, &file)?;
    Some(path::files_start(base, project) + &address[range])
}

/// The text in quotes that another one begins with.
fn first_quoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.split_once('"').map(|(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://127.0.0.1:4873/pypi";

    const LOCK: &str = r#"version = 1

[[package]]
name = "app"
source = { virtual = "." }
dependencies = [
    { name = "left-demo", source = { registry = "https://index.example/simple" } },
]

[[package]]
name = "left-demo"
version = "1.0"
source = { registry = "https://index.example/simple" }
sdist = { url = "https://files.example/packages/aa/left_demo-1.0.tar.gz", hash = "sha256:00" }
wheels = [
    { url = "https://files.example/packages/bb/left_demo-1.0%2Bx-py3-none-any.whl", hash = "sha256:01" },
]

[package.optional-dependencies]
more = [{ name = "other" }]

[[package]]
name = "other"
version = "1.0"
source = { registry = "https://other.example/simple" }
wheels = [{ url = "https://other.example/other-1.0-py3-none-any.whl" }]

[[package]]
name = "direct"
source = { url = "https://files.example/direct-1.0.tar.gz" }
sdist = { url = "https://files.example/direct-1.0.tar.gz" }
"#;

    #[test]
    fn what_an_index_has_is_at_the_gateway_and_nothing_else() {
        for registry in ["https://index.example/simple/", "https://index.example/simple"] {
            let files =
                |path: &str| (format!("https://files.example/{path}"), format!("{BASE}/files/left-demo/{path}"));
            let index = ("https://index.example/simple".to_owned(), format!("{BASE}/simple"));
            let expect = [
                files("packages/aa/left_demo-1.0.tar.gz"),
                files("packages/bb/left_demo-1.0%2Bx-py3-none-any.whl"),
                index,
            ];
            assert_eq!(led(LOCK, registry, BASE), expect);
        }
        assert_eq!(led(LOCK, "https://index.example/", BASE), []);
    }

    #[test]
    fn the_lockfile_of_all_clients_is_read_too() {
        let text = "[[packages]]\nname = \"left-demo\"\nindex = \"https://index.example/simple\"\n\
                    wheels = [{ url = \"https://f.example/a/left_demo-1.0-py3-none-any.whl\", size = 1 }, { url = \"https://f.example/b/left_demo-1.0-cp3-none-any.whl\" }]\n";
        let led = led(text, "https://index.example/simple/", BASE);
        assert_eq!(led.len(), 3);
        assert_eq!(led[1].1, format!("{BASE}/files/left-demo/b/left_demo-1.0-cp3-none-any.whl"));
    }

    #[test]
    fn an_index_of_ours_is_taken_out_of_a_project_and_none_of_its_own() {
        let ours = format!("[[tool.uv.index]]\nurl = \"{BASE}/simple\"\ndefault = true\n");
        let project = "[project]\nname = \"app\"\n";
        assert_eq!(unwritten(project, &format!("{project}\n{ours}"), BASE), project);
        assert_eq!(unwritten("", &ours, BASE), "");
        let own = format!("{project}\n[[tool.uv.index]]\nurl = \"https://index.example/simple\"\ndefault = true\n");
        let after = format!("{project}\n{ours}");
        assert_eq!(unwritten(&own, &after, BASE), after);
        assert_eq!(unwritten(project, &own, BASE), own);
    }

    proptest::proptest! {
        #[test]
        fn anything_can_be_in_it(lines in proptest::collection::vec("(\\[\\[packages?\\]\\]|name = \"[ax]?\"?|index = \"r\"|url = \"h?\\PC{0,9}\"?){1,2}", 0..9)) {
            for (theirs, ours) in led(&lines.join("\n"), "r", BASE) {
                proptest::prop_assert!(ours.starts_with(BASE) && !theirs.is_empty());
            }
        }
    }
}
