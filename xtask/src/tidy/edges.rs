//! Which crate may use which. The workspace is wide and shallow because of this table: a new edge is a decision about
//! the architecture, so it is made here and not in passing in a manifest.

use super::Finding;
use super::manifests::{Entry, entries};
use super::tree::{File, Tree};

/// The words: what a face needs to speak of what the engine does.
const MODEL: &str = "stockade-model";
const ECOSYSTEM: &str = "stockade-ecosystem";
const POLICY: &str = "stockade-policy";
const ENGINE: &str = "stockade-engine";
const TESTKIT: &str = "stockade-testkit";

const EDGES: &[(&str, &[&str])] = &[
    (MODEL, &[]),
    (ECOSYSTEM, &[MODEL]),
    ("stockade-sbom", &[MODEL]),
    ("stockade-advisory", &[MODEL, ECOSYSTEM]),
    ("stockade-inspect", &[MODEL]),
    ("stockade-verify", &[MODEL]),
    (POLICY, &[MODEL]),
    ("stockade-sandbox", &[MODEL]),
    (
        ENGINE,
        &[
            MODEL,
            ECOSYSTEM,
            "stockade-sbom",
            "stockade-advisory",
            "stockade-inspect",
            "stockade-verify",
            POLICY,
            "stockade-sandbox",
        ],
    ),
    ("stockade-gateway", &[ENGINE, MODEL, ECOSYSTEM, POLICY]),
    ("stockade", &["stockade-gateway", ENGINE, MODEL, ECOSYSTEM, POLICY, "stockade-sandbox"]),
    (TESTKIT, &[MODEL, ECOSYSTEM]),
    ("lab", &[MODEL, ENGINE, TESTKIT]),
    ("xtask", &[]),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let ours = ["crates/", "lab/", "xtask/"];
    let manifests = tree.manifests().filter(|file| ours.iter().any(|folder| file.path.starts_with(folder)));
    manifests.flat_map(check_manifest).collect()
}

fn check_manifest(manifest: &File) -> Vec<Finding> {
    let entries = entries(manifest);
    let Some(name) = entries.iter().find(|entry| entry.section == "package" && entry.key == "name") else {
        return Vec::new();
    };
    let from = name.value.trim_matches('"');
    let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == from) else {
        let what = format!(
            "`{from}` is no crate of the architecture; enter it in xtask/src/tidy/edges.rs with what it may use"
        );
        return vec![Finding::new(&manifest.path, name.line, what)];
    };
    let forbidden = entries.iter().filter_map(|entry| {
        let (to, is_dev) = edge(entry)?;
        let ours = to == "stockade" || to.starts_with("stockade-") || to == "lab" || to == "xtask";
        let fine = !ours || allowed.contains(&to) || (is_dev && to == TESTKIT);
        (!fine).then(|| Finding::new(&manifest.path, entry.line, refusal(from, to)))
    });
    forbidden.collect()
}

/// The crate that an entry depends on, and whether only for tests.
fn edge<'a>(entry: &Entry<'a>) -> Option<(&'a str, bool)> {
    let table = entry.section;
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let place =
        |table: &'a str| tables.iter().copied().find(|end| table == *end || table.ends_with(&format!(".{end}")));
    let renamed = entry.value.split_once("package").and_then(|(_, rest)| rest.split('"').nth(1));
    if table.starts_with("workspace") {
        return None;
    }
    if let Some(kind) = place(table) {
        let key = entry.key.split('.').next().unwrap_or(entry.key).trim_matches('"');
        return Some((renamed.unwrap_or(key), kind == "dev-dependencies"));
    }
    // A table of its own: `[dependencies.name]`. Its first entry stands for it, another one only repeats the finding.
    let (parent, name) = table.rsplit_once('.')?;
    let kind = place(parent)?;
    let name = if entry.key == "package" { entry.value.trim_matches('"') } else { name.trim_matches('"') };
    Some((name, kind == "dev-dependencies"))
}

fn refusal(from: &str, to: &str) -> String {
    if to == TESTKIT {
        return format!("`{from}` uses `{TESTKIT}` outside its tests; move it to [dev-dependencies]");
    }
    format!("`{from}` may not use `{to}`; pass the value in, or argue the edge in xtask/src/tidy/edges.rs")
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::check;

    fn of(name: &str, rest: &str) -> Vec<String> {
        found(&[("crates/demo/Cargo.toml", &format!("[package]\nname = \"{name}\"\n{rest}"))], check)
    }

    #[test]
    fn an_edge_outside_the_table_is_found() {
        let found = of(
            "stockade-policy",
            "[dependencies]\nstockade-model.workspace = true\nstockade-engine.workspace = true\n",
        );
        let expected = "crates/demo/Cargo.toml:5: `stockade-policy` may not use `stockade-engine`; \
                        pass the value in, or argue the edge in xtask/src/tidy/edges.rs";
        assert_eq!(found, [expected]);
    }

    #[test]
    fn no_way_of_writing_a_dependency_hides_it() {
        assert_eq!(
            of("stockade-model", "[dependencies]\nx = { package = \"stockade-policy\", path = \"p\" }\n").len(),
            1
        );
        assert_eq!(of("stockade-model", "[target.'cfg(unix)'.dependencies]\nstockade-policy = \"1\"\n").len(), 1);
        assert_eq!(of("stockade-model", "[build-dependencies]\nstockade-policy = \"1\"\n").len(), 1);
        assert_eq!(of("stockade-model", "[dependencies.stockade-policy]\nworkspace = true\n").len(), 1);
        assert_eq!(of("stockade-model", "[dev-dependencies]\nstockade-policy.workspace = true\n").len(), 1);
        assert_eq!(of("stockade-model", "[dependencies]\nserde.workspace = true\n").len(), 0);
    }

    #[test]
    fn the_testkit_is_for_tests() {
        assert_eq!(of("stockade-gateway", "[dev-dependencies]\nstockade-testkit.workspace = true\n").len(), 0);
        let found = of("stockade-gateway", "[dependencies]\nstockade-testkit.workspace = true\n");
        assert!(found[0].ends_with("outside its tests; move it to [dev-dependencies]"));
    }

    #[test]
    fn a_crate_that_the_table_does_not_know_is_found() {
        assert!(of("stockade-common", "")[0].contains("`stockade-common` is no crate of the architecture"));
    }
}
