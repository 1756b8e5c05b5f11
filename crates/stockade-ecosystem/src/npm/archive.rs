//! What an npm tarball runs and needs, as its `package.json` says.
//!
//! Clients run `preinstall`, `install` and `postinstall` of what they take from a registry, and `node-gyp rebuild` where
//! there is a `binding.gyp` and no `install` of the package's own: no line of `package.json` announces it. `prepare` and
//! its like run for repositories and folders only. Everything else waits until it is loaded or called.

mod gyp;
mod needs;

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use stockade_model::{Code, Trigger};

use super::ID;
use crate::archive::{
    ArtifactFormat, Files, Likeness, Lines, MAX_SEARCHED, Manifest, Root, extension, inside, is_test_or_doc, shown,
};

/// The tarball of a release.
pub static TARBALL: ArtifactFormat = ArtifactFormat {
    name: "tarball",
    ecosystem: ID,
    extensions: &[".tgz", ".tar.gz"],
    root: Root::First,
    likeness,
    read,
    release: None,
};

const MANIFEST: &str = "package.json";
/// Scripts that run when a release is installed from a registry, in their order.
const AT_INSTALL: [&str; 3] = ["preinstall", "install", "postinstall"];
/// Members that name the file which is loaded, besides `exports`: the first is Node's, the others are of bundlers.
const ENTRIES: [&str; 7] = ["main", "module", "jsnext:main", "es2015", "react-native", "unpkg", "jsdelivr"];
/// What is tried behind a name that is no file.
const SUFFIXES: [&str; 14] = [
    "",
    ".js",
    ".json",
    ".node",
    ".mjs",
    ".cjs",
    ".ts",
    ".mts",
    "/index.js",
    "/index.json",
    "/index.node",
    "/index.mjs",
    "/index.cjs",
    "/index.ts",
];
/// How deep `exports` is searched.
const MAX_DEPTH: usize = 16;
/// How many patterns of `exports` are compared with every file.
const MAX_PATTERNS: usize = 500;

fn likeness(files: &Files<'_>) -> Likeness {
    // A repository of anything with tools in JavaScript has one, and so has what is packed of it.
    Likeness::of(files.has(MANIFEST), false)
}

fn read(files: &Files<'_>, manifest: &mut Manifest) {
    if !files.has(MANIFEST) {
        manifest.gaps.malformed("it has no package.json, so that nothing says what it runs");
    }
    let bundled: Vec<&str> = files.paths().filter(|path| is_bundled(path)).collect();
    for path in std::iter::once(MANIFEST).chain(bundled) {
        let Some(text) = files.text(path, manifest) else { continue };
        let document = match serde_json::from_str(&text) {
            Ok(Value::Object(document)) => document,
            // A test's folder of modules may hold a broken one.
            _ if is_test_or_doc(path) => continue,
            _ => {
                manifest.gaps.malformed(format!("{} is no JSON object, and was not read", shown(path)));
                continue;
            }
        };
        let folder = path.strip_suffix(MANIFEST).unwrap_or_default();
        let package = Package { files, path, folder, text: &text, lines: Lines::of(&text), document: &document };
        package.scripts(manifest);
        if folder.is_empty() {
            package.entries(manifest);
            needs::read(&document, manifest);
        }
    }
}

/// A package that is contained in this one: its scripts run too.
fn is_bundled(path: &str) -> bool {
    let Some(folder) = path.strip_suffix("/package.json") else { return false };
    let mut parts = folder.rsplit('/');
    let (_, above, scope) = (parts.next(), parts.next(), parts.next());
    above == Some("node_modules")
        || (scope == Some("node_modules") && above.is_some_and(|scope| scope.starts_with('@')))
}

struct Package<'a> {
    files: &'a Files<'a>,
    /// Of the manifest.
    path: &'a str,
    /// The folder of the manifest, with its `/`.
    folder: &'a str,
    text: &'a str,
    lines: Lines,
    document: &'a Map<String, Value>,
}

impl Package<'_> {
    fn scripts(&self, manifest: &mut Manifest) {
        let scripts = self.document.get("scripts");
        let script = |name: &str| scripts.and_then(|scripts| scripts.get(name)).and_then(Value::as_str);
        for name in AT_INSTALL {
            let Some(command) = script(name).filter(|command| !command.trim().is_empty()) else { continue };
            let line = self.line(name, command);
            manifest.start(Trigger::Install, name, Code::Shell(command.to_owned()), self.path, line);
        }
        let binding = format!("{}binding.gyp", self.folder);
        if self.files.has(&binding) {
            if script("install").is_none() && script("preinstall").is_none() {
                manifest.start(Trigger::Install, "binding.gyp", Code::File(binding.clone()), &binding, 0);
            }
            gyp::read(self.files, self.folder, manifest);
        }
    }

    fn entries(&self, manifest: &mut Manifest) {
        let mut entry = false;
        for name in ENTRIES {
            let Some(file) = self.document.get(name).and_then(Value::as_str) else { continue };
            let found = self.load(Trigger::Import, name, file, manifest);
            entry |= found && name == "main";
        }
        for (_, file) in self.document.get("browser").and_then(Value::as_object).into_iter().flatten() {
            file.as_str().map(|file| self.load(Trigger::Import, "browser", file, manifest));
        }
        if let Some(file) = self.document.get("browser").and_then(Value::as_str) {
            self.load(Trigger::Import, "browser", file, manifest);
        }
        for name in ["exports", "imports"] {
            self.exports(name, manifest);
        }
        if !entry {
            self.load(Trigger::Import, "main", "index", manifest);
        }
        self.commands(manifest);
    }

    /// Adds the file that Node would load for a name. False if there is none.
    fn load(&self, trigger: Trigger, name: &str, file: &str, manifest: &mut Manifest) -> bool {
        let Some(path) = resolve(self.files, file) else { return false };
        if path.ends_with(".d.ts") {
            return false;
        }
        let line = self.line(name.split(' ').next().unwrap_or(name), file);
        manifest.start(trigger, name, Code::File(path), self.path, line);
        true
    }

    /// Every file that `exports` names under any condition, and every one that fits its patterns.
    fn exports(&self, name: &str, manifest: &mut Manifest) {
        let Some(exports) = self.document.get(name) else { return };
        let mut targets = BTreeSet::new();
        leaves(exports, MAX_DEPTH, &mut targets);
        let (patterns, plain): (Vec<&str>, Vec<&str>) = targets.into_iter().partition(|target| target.contains('*'));
        for file in plain {
            self.load(Trigger::Import, name, file, manifest);
        }
        if patterns.len() > MAX_PATTERNS {
            manifest.gaps.limit(format!("`exports` has more than {MAX_PATTERNS} patterns; the rest was not looked at"));
        }
        for pattern in patterns.into_iter().take(MAX_PATTERNS) {
            let pattern = pattern.trim_start_matches("./");
            let (before, after) = pattern.split_once('*').unwrap_or((pattern, ""));
            // A second asterisk stands for the same text; what stands before it is enough to find the files.
            let after = after.rsplit('*').next().unwrap_or_default();
            let fits = |path: &&str| {
                path.strip_prefix(before).is_some_and(|rest| rest.ends_with(after) && rest.len() >= after.len())
            };
            for path in self.files.paths().filter(fits).filter(|path| is_loadable(path)) {
                manifest.start(Trigger::Import, name, Code::File(path.to_owned()), self.path, 0);
            }
        }
    }

    /// The programs that it brings. One can have the name of another program, so the name is told.
    fn commands(&self, manifest: &mut Manifest) {
        match self.document.get("bin") {
            Some(Value::String(file)) => {
                let name = self.document.get("name").and_then(Value::as_str).unwrap_or_default();
                let name = name.rsplit('/').next().unwrap_or(name);
                self.load(Trigger::Command, &format!("bin {name}"), file, manifest);
            }
            Some(Value::Object(commands)) => {
                for (name, file) in commands {
                    file.as_str().map(|file| self.load(Trigger::Command, &format!("bin {name}"), file, manifest));
                }
            }
            _ => {}
        }
        let folder = self.document.get("directories").and_then(|folders| folders.get("bin")).and_then(Value::as_str);
        let Some(folder) = folder.and_then(|folder| inside("", folder)).filter(|folder| !folder.is_empty()) else {
            return;
        };
        let folder = format!("{folder}/");
        for path in self.files.paths().filter(|path| path.starts_with(&folder)) {
            let name = path.rsplit('/').next().unwrap_or(path);
            manifest.start(Trigger::Command, &format!("bin {name}"), Code::File(path.to_owned()), self.path, 0);
        }
    }

    /// The line where a member with this value stands; 0 if it is written in another way, as with escapes.
    fn line(&self, key: &str, value: &str) -> u32 {
        if self.text.len() > MAX_SEARCHED {
            return 0;
        }
        let key = format!("\"{key}\"");
        let value = serde_json::to_string(value).unwrap_or_default();
        let behind = |(at, _): &(usize, &str)| {
            let rest = self.text.get(at.saturating_add(key.len())..).unwrap_or_default().trim_start();
            rest.strip_prefix(':').is_some_and(|rest| rest.trim_start().starts_with(&value))
        };
        let at = self.text.match_indices(&key).find(behind).or_else(|| self.text.match_indices(&value).next());
        at.map_or(0, |(at, _)| self.lines.line(at))
    }
}

/// Paths that begin with `./` are files; conditions and subpaths are keys, so only values are looked at.
fn leaves<'a>(value: &'a Value, depth: usize, found: &mut BTreeSet<&'a str>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::String(target) => {
            found.extend(Some(target.as_str()).filter(|target| target.starts_with("./")));
        }
        Value::Array(items) => items.iter().for_each(|item| leaves(item, depth, found)),
        Value::Object(members) => {
            let loaded = members.iter().filter(|(condition, _)| !condition.starts_with("types"));
            loaded.for_each(|(_, member)| leaves(member, depth, found));
        }
        _ => {}
    }
}

fn is_loadable(path: &str) -> bool {
    !path.ends_with(".d.ts")
        && matches!(extension(path), "js" | "mjs" | "cjs" | "node" | "jsx" | "ts" | "mts" | "cts" | "tsx")
}

/// The file that Node loads for a path.
fn resolve(files: &Files<'_>, path: &str) -> Option<String> {
    let path = inside("", path)?;
    let mut tried = SUFFIXES.iter().map(|suffix| format!("{path}{suffix}").trim_start_matches('/').to_owned());
    tried.find(|path| files.has(path))
}

#[cfg(test)]
mod tests;
