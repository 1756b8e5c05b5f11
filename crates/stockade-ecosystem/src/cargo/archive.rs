//! What a crate runs and needs, as its `Cargo.toml` says. `cargo publish` writes it anew in a normal form; the author's
//! own is `Cargo.toml.orig`, which nothing reads.

use std::collections::BTreeSet;

use stockade_model::{Code, NeedFrom, NeedRole, Trigger};
use toml::{Table, Value};

use super::ID;
use crate::archive::{ArtifactFormat, Files, Likeness, Manifest, Root, extension, find_line, inside, is_test_or_doc};

/// A packed crate.
pub static CRATE: ArtifactFormat = ArtifactFormat {
    name: "crate",
    ecosystem: ID,
    extensions: &[".crate"],
    root: Root::Common,
    likeness,
    read,
    release: None,
};

const MANIFEST: &str = "Cargo.toml";
/// What `cargo publish` keeps of the author's own.
const ORIGINAL: &str = "Cargo.toml.orig";
const TABLES: [(&str, NeedRole); 3] =
    [("dependencies", NeedRole::Run), ("build-dependencies", NeedRole::Build), ("build_dependencies", NeedRole::Build)];

fn likeness(files: &Files<'_>) -> Likeness {
    Likeness::of(files.has(MANIFEST), files.has(MANIFEST) && files.has(ORIGINAL))
}

fn read(files: &Files<'_>, manifest: &mut Manifest) {
    let Some(text) = files.text(MANIFEST, manifest) else {
        return manifest.gaps.malformed("it has no Cargo.toml, so that nothing says what it runs");
    };
    let Ok(document) = text.parse::<Table>() else {
        return manifest.gaps.malformed("`Cargo.toml` is no TOML, and was not read");
    };
    let package = Package { files, path: MANIFEST, folder: "", text: &text, document: &document };
    package.build(manifest);
    package.library(manifest);
    package.programs(manifest);
    needs(&document, manifest);
    for (_, target) in table(&document, "target").into_iter().flatten() {
        if let Some(target) = target.as_table() {
            needs(target, manifest);
        }
    }
}

/// Adds what runs when crates are built that a package of another ecosystem contains.
pub(crate) fn built(files: &Files<'_>, manifest: &mut Manifest) {
    for path in files.paths().filter(|path| !is_test_or_doc(path)) {
        let Some(folder) = path.strip_suffix(MANIFEST).filter(|folder| folder.is_empty() || folder.ends_with('/'))
        else {
            continue;
        };
        let Some(text) = files.text(path, manifest) else { continue };
        let Ok(document) = text.parse::<Table>() else { continue };
        let package = Package { files, path, folder, text: &text, document: &document };
        package.build(manifest);
        if table(&document, "lib").is_some_and(is_macro) {
            package.library(manifest);
        }
    }
}

struct Package<'a> {
    files: &'a Files<'a>,
    /// Of the manifest.
    path: &'a str,
    /// The folder of the manifest, with its `/`.
    folder: &'a str,
    text: &'a str,
    document: &'a Table,
}

impl Package<'_> {
    /// The build script: `build.rs`, if nothing else is said.
    fn build(&self, manifest: &mut Manifest) {
        let stated = table(self.document, "package").and_then(|package| package.get("build"));
        let scripts = match stated {
            Some(Value::String(path)) => vec![path.as_str()],
            Some(Value::Array(paths)) => paths.iter().filter_map(Value::as_str).collect(),
            Some(Value::Boolean(false)) => Vec::new(),
            _ => vec!["build.rs"],
        };
        for script in scripts {
            self.start(Trigger::Install, "build script", script, manifest);
        }
    }

    fn library(&self, manifest: &mut Manifest) {
        let library = table(self.document, "lib");
        let path = library.and_then(|library| library.get("path")).and_then(Value::as_str).unwrap_or("src/lib.rs");
        if library.is_some_and(is_macro) {
            self.start(Trigger::Install, "procedural macro", path, manifest);
        } else {
            self.start(Trigger::Import, "library", path, manifest);
        }
    }

    fn programs(&self, manifest: &mut Manifest) {
        let stated =
            self.document.get("bin").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table);
        let mut paths: BTreeSet<String> = BTreeSet::from(["src/main.rs".to_owned()]);
        for program in stated {
            let name = program.get("name").and_then(Value::as_str).unwrap_or_default();
            match program.get("path").and_then(Value::as_str) {
                Some(path) => paths.extend([path.to_owned()]),
                None => paths.extend([format!("src/bin/{name}.rs"), format!("src/bin/{name}/main.rs")]),
            }
        }
        let is_program = |path: &&str| {
            let name = path.strip_prefix("src/bin/").unwrap_or_default();
            name.split_once('/').map_or_else(|| is_rust(name), |(_, rest)| rest == "main.rs")
        };
        paths.extend(self.files.paths().filter(is_program).map(str::to_owned));
        for path in paths {
            self.start(Trigger::Command, "program", &path, manifest);
        }
    }

    fn start(&self, trigger: Trigger, name: &str, path: &str, manifest: &mut Manifest) {
        let written = format!("\"{path}\"");
        let Some(path) = inside(self.folder, path).filter(|path| self.files.has(path)) else { return };
        let line = find_line(self.text, |line| line.contains(&written));
        manifest.start(trigger, name, Code::File(path), self.path, line);
    }
}

fn is_rust(name: &str) -> bool {
    extension(name) == "rs"
}

fn is_macro(library: &Table) -> bool {
    let is = |key: &str| library.get(key).and_then(Value::as_bool) == Some(true);
    let kinds = library.get("crate-type").or_else(|| library.get("crate_type")).and_then(Value::as_array);
    is("proc-macro")
        || is("proc_macro")
        || kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind.as_str() == Some("proc-macro")))
}

fn table<'a>(document: &'a Table, key: &str) -> Option<&'a Table> {
    document.get(key).and_then(Value::as_table)
}

fn needs(document: &Table, manifest: &mut Manifest) {
    for (key, role) in TABLES {
        for (name, wanted) in table(document, key).into_iter().flatten() {
            need(name, wanted, role, manifest);
        }
    }
}

fn need(name: &str, wanted: &Value, role: NeedRole, manifest: &mut Manifest) {
    let Some(details) = wanted.as_table() else {
        return manifest.need(name, wanted.as_str().unwrap_or("*"), NeedFrom::Registry, role);
    };
    let text = |key: &str| details.get(key).and_then(Value::as_str);
    let is_optional = details.get("optional").and_then(Value::as_bool) == Some(true);
    let role = if is_optional { NeedRole::Optional } else { role };
    let version = text("version").unwrap_or("*");
    match (text("git"), text("path"), text("package")) {
        (Some(address), ..) => manifest.need(name, address, NeedFrom::Git, role),
        // Once it is published, only the version counts.
        (None, Some(path), _) if text("version").is_none() => manifest.need(name, path, NeedFrom::Path, role),
        // The name that the sources use for it says nothing of what is fetched.
        (None, _, Some(package)) => manifest.need(package, version, NeedFrom::Registry, role),
        _ => manifest.need(name, version, NeedFrom::Registry, role),
    }
}

#[cfg(test)]
mod tests;
