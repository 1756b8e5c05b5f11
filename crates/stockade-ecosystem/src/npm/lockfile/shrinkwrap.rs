//! `package-lock.json` and `npm-shrinkwrap.json`, and what npm writes into `node_modules` of what it put there.
//!
//! Version 1 nests entries as the folders are nested. Version 3 has them by their path. Version 2 has both: npm 6 reads
//! the first, npm from 7 on the second. Who changes only one of the two has a file that installs one thing for most
//! people and another for some, so both are read and compared.
//!
//! The file is walked once, and what is read is kept as it comes, so that of a file that breaks off all is known up to
//! there.

mod entry;

use std::collections::HashMap;

use serde::de::MapAccess;
use stockade_model::{Malformed, Release};

use self::entry::{Entry, Nested, Root, Text};
use super::paths::{Found, Paths};
use super::release;
use crate::Scope;
use crate::json::{IfObject, Walk, document};
use crate::locked::{Graph, Lines, Locked, Out, licence, mark_direct};

/// What is between a package and what is installed for it.
const MODULES: &str = "node_modules/";
/// How many bytes most entries have at least, as far as room is made for them.
const SHORTEST: usize = 256;

pub(crate) fn parse(text: &str, out: &mut Out) {
    let mut file = File { packages: Vec::with_capacity(text.len() / SHORTEST), ..File::default() };
    let lines = Lines::of(text);
    match document(text, Top(&mut file)) {
        Ok(Some(())) => {}
        Ok(None) => out.problem(1, "it is not an object"),
        Err(error) => {
            let what = if error.is_eof() { "it breaks off" } else { "from here on it is not JSON, or nested too deep" };
            out.problem(u32::try_from(error.line()).unwrap_or(u32::MAX), what);
        }
    }
    if !matches!(file.version, Some(1..=3)) {
        out.problem(1, "its version is none that is known (1, 2, 3); it is read as far as it is understood");
    }
    if !file.has_packages && !file.has_dependencies {
        out.problem(1, "it has neither `packages` nor `dependencies`");
    }
    join(&file, &lines, out);
}

/// What was read of a file.
#[derive(Default)]
struct File<'a> {
    version: Option<u64>,
    has_packages: bool,
    has_dependencies: bool,
    /// Entries by path: of `packages`, and of `dependencies`.
    packages: Vec<Entry<'a>>,
    nested: Vec<Entry<'a>>,
}

/// The members of the file.
struct Top<'f, 'a>(&'f mut File<'a>);

impl<'de> Walk<'de> for Top<'_, 'de> {
    type Value = ();

    fn walk<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let file = self.0;
        while let Some(Text(key)) = map.next_key()? {
            match key.as_ref() {
                "lockfileVersion" => file.version = map.next_value::<serde_json::Value>()?.as_u64(),
                "packages" => {
                    file.has_packages = true;
                    map.next_value_seed(IfObject(Root(&mut file.packages)))?;
                }
                "dependencies" => {
                    file.has_dependencies = true;
                    map.next_value_seed(IfObject(Nested { entries: &mut file.nested, above: String::new() }))?;
                }
                _ => {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Makes entries and edges of what was read.
fn join(file: &File<'_>, lines: &Lines<'_>, out: &mut Out) {
    let mut paths = Paths::new(MODULES);
    let mut graph = Graph::new();
    let mut line = 1;
    out.expect(if file.has_packages { file.packages.len() } else { file.nested.len() });
    for entry in &file.packages {
        line = entry.place.and_then(|place| lines.line_of(place)).unwrap_or(line);
        let at = add(entry, line, out);
        if paths.add(&entry.path, at) {
            out.problem(line, format!("`{}` is there twice", entry.path.escape_debug()));
        }
        edges(entry, at, line, &mut graph);
    }
    let folders: HashMap<_, _> = file.nested.iter().filter_map(Entry::folder_of_project).collect();
    for entry in &file.nested {
        line = entry.place.and_then(|place| lines.line_of(place)).unwrap_or(line);
        if file.has_packages {
            compare(entry, &folders, line, &paths, out);
            continue;
        }
        let at = add(entry, line, out);
        if paths.add(&entry.path, at) {
            out.problem(line, format!("`{}` is there twice", entry.path.escape_debug()));
        }
        edges(entry, at, line, &mut graph);
    }
    let own = graph.join(out, |edge, out| {
        let (from, name) = edge.to;
        let found = paths.find(from, name);
        if matches!(found, Found::Nothing) && edge.scope != Scope::Optional {
            let (from, name) = (from.escape_debug(), name.escape_debug());
            out.problem(edge.line, format!("`{from}` needs `{name}`, which has no entry"));
        }
        found
    });
    paths.finish(out);
    // What npm writes into `node_modules` has no entry for the project.
    if file.packages.iter().any(|entry| entry.path.is_empty()) {
        mark_direct(&mut out.entries, &own);
    }
}

fn edges<'a>(entry: &'a Entry<'_>, at: Option<u32>, line: u32, graph: &mut Graph<(&'a str, &'a str)>) {
    // What is no entry is a folder of the project, or an entry that could not be read, whose edges lead nowhere.
    if at.is_none() && !entry.is_own() {
        return;
    }
    for (name, scope) in &entry.needs {
        graph.add(at, (entry.path.as_ref(), name.as_ref()), *scope, line);
    }
}

/// Adds the entry if it is a release: not if it is a folder of the project, or a link to one.
fn add(entry: &Entry<'_>, line: u32, out: &mut Out) -> Option<u32> {
    for key in &entry.repeated {
        out.problem(line, format!("`{}` has `{key}` twice", entry.path.escape_debug()));
    }
    if entry.is_own() || entry.is_link || entry.folder_of_project().is_some() {
        return None;
    }
    let Some(release) = named(entry) else {
        let name = entry.path.escape_debug();
        out.problem(line, format!("`{name}` has no version, so it cannot be said what it is"));
        return None;
    };
    let release = out.take(line, release)?;
    let mut locked = Locked::new(release, line);
    locked.integrity = entry.integrity.as_ref().and_then(|text| out.integrity(line, &locked.release, text));
    locked.origin = entry.origin();
    locked.licence = entry.licence.as_deref().and_then(licence);
    locked.scope = entry.scope();
    out.push(locked)
}

/// The release of an entry; `None` if its version is not told.
fn named(entry: &Entry<'_>) -> Option<Result<Release, Malformed>> {
    let version = entry.version.as_deref()?;
    // Version 1 has an alias in the version, and in place of it the address of what is from none of a registry.
    if let Some((name, version)) = version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
        return Some(release(name, version));
    }
    if version.contains(':') {
        return tarball_version(entry.folder(), version).map(|version| release(entry.folder(), version));
    }
    Some(release(entry.name.as_deref().unwrap_or_else(|| entry.folder()), version))
}

/// The version in an address that is shaped as registries shape theirs: `…/left/-/left-1.0.0.tgz`.
fn tarball_version<'a>(name: &str, address: &'a str) -> Option<&'a str> {
    let bare = name.rsplit('/').next()?;
    let file = address.split(['?', '#']).next()?.rsplit('/').next()?;
    file.strip_suffix(".tgz")?.strip_prefix(bare)?.strip_prefix('-')
}

/// Looks whether an entry of the older half of a file is in the newer one.
fn compare(entry: &Entry<'_>, folders: &HashMap<&str, &str>, line: u32, paths: &Paths<'_>, out: &mut Out) {
    // What is below a folder of the project is there in the newer half, and below the link to it in the older.
    let below = entry.path.match_indices("/node_modules/").find_map(|(at, _)| {
        let (link, below) = (&entry.path[..at], &entry.path[at + 1..]);
        let folder = folders.get(link)?;
        Some(paths.at(&format!("{folder}/{below}"))).filter(|found| !matches!(found, Found::Nothing))
    });
    let newer = below.unwrap_or_else(|| paths.at(&entry.path));
    let mut other = Out::default();
    let Some(locked) = add(entry, line, &mut other).and_then(|_| other.entries.pop()) else {
        if matches!(newer, Found::Nothing) {
            let path = entry.path.escape_debug();
            out.problem(line, format!("npm 6 would install something at `{path}`, which `packages` does not have"));
        }
        return;
    };
    let newer = newer.into_iter().next().and_then(|at| out.entries.get(usize::try_from(at).ok()?));
    let is_same = newer.is_some_and(|newer| {
        let digests = newer.integrity.as_ref().zip(locked.integrity.as_ref());
        newer.release == locked.release && digests.is_none_or(|(newer, older)| newer == older)
    });
    if !is_same {
        out.problem(line, format!("npm 6 would install {}, which `packages` does not have there", locked.release));
        out.push(locked);
    }
}
