//! `pnpm-lock.yaml`: what the project and each of its folders ask for (`importers`), what there is (`packages`), and from
//! version 9 on, how it is joined (`snapshots`): one release once for each set of peers.
//!
//! A file may have several documents; the first then has pnpm itself and its plugins.

use std::borrow::Cow;
use std::collections::HashMap;

use super::yaml::{Item, Line, Lines, flow, scalar};
use super::{origin, pnpm_key, release};
use crate::locked::{Graph, Locked, Out, spread};
use crate::{Origin, Scope};

/// The most documents of a file. pnpm writes two.
const MAX_DOCUMENTS: usize = 16;

pub(super) fn parse(text: &str, out: &mut Out) {
    let mut file = File::default();
    let mut documents = 1;
    for item in Lines::of(text) {
        match item {
            Item::Line(line) => file.line(&line, out),
            Item::Document => {
                file.finish(out);
                documents += 1;
                if documents > MAX_DOCUMENTS {
                    return out.problem_of_all(format!("it has more than {MAX_DOCUMENTS} documents; no other is read"));
                }
                file = File { has_version: file.has_version, ..File::default() };
            }
            Item::Odd(line) => out.problem(line, "this line is nothing that pnpm writes"),
        }
    }
    file.finish(out);
    if !file.has_version {
        out.problem_of_all("it does not say which version of pnpm's format it has");
    }
}

/// What was read of a document.
struct File<'a> {
    has_version: bool,
    /// The keys that the next line is below, the outermost first.
    path: Vec<Cow<'a, str>>,
    found: Vec<Found<'a>>,
    by_key: HashMap<Cow<'a, str>, usize>,
    graph: Graph<(Cow<'a, str>, Cow<'a, str>)>,
}

/// A key of `packages` or `snapshots`.
struct Found<'a> {
    key: Cow<'a, str>,
    line: u32,
    name: Option<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    integrity: Option<Cow<'a, str>>,
    from: Option<Origin>,
    scope: Scope,
}

impl Default for File<'_> {
    fn default() -> Self {
        let (path, found) = (Vec::new(), Vec::new());
        Self { has_version: false, path, found, by_key: HashMap::new(), graph: Graph::new() }
    }
}

impl<'a> File<'a> {
    fn line(&mut self, line: &Line<'a>, out: &mut Out) {
        self.path.truncate(line.depth);
        self.path.push(line.key.clone());
        let key = |at: usize| self.path.get(at).map_or("", AsRef::as_ref);
        match (line.depth, key(0)) {
            (0, "lockfileVersion") => {
                self.has_version = true;
                let version = scalar(line.value).unwrap_or_default();
                if !["5", "6", "7", "9"].contains(&version.split('.').next().unwrap_or_default()) {
                    out.problem(
                        line.number,
                        "its version is none that is known; it is read as far as it is understood",
                    );
                }
            }
            // A project without other folders, up to version 6.
            (1, section) if scope_of(section).is_some() => self.own(line, section.to_owned().as_str()),
            (2, section) if scope_of(section).is_some() && !key(1).is_empty() => self.own_version(line),
            (3, "importers") => self.own(line, key(2).to_owned().as_str()),
            (4, "importers") => self.own_version(line),
            (1, section @ ("packages" | "snapshots")) => {
                let is_package = section == "packages";
                self.entry(line, is_package, out);
            }
            (2.., "packages" | "snapshots") => self.member(line, out),
            _ => {}
        }
    }

    /// What the project asks for, with the version behind it.
    fn own(&mut self, line: &Line<'a>, section: &str) {
        if let (Some(scope), Some(version)) = (scope_of(section), scalar(line.value).filter(|value| !value.is_empty()))
        {
            self.graph.add(None, (line.key.clone(), version), scope, line.number);
        }
    }

    /// From version 6 on, the version is in a line of its own.
    fn own_version(&mut self, line: &Line<'a>) {
        let (Some(name), Some(section)) = (self.path.iter().rev().nth(1), self.path.iter().rev().nth(2)) else {
            return;
        };
        if let ("version", Some(scope), Some(version)) = (line.key.as_ref(), scope_of(section), scalar(line.value)) {
            self.graph.add(None, (name.clone(), version), scope, line.number);
        }
    }

    fn entry(&mut self, line: &Line<'a>, is_package: bool, out: &mut Out) {
        if let Some(known) = self.by_key.get(&line.key) {
            let is_again = is_package || self.found[*known].line == 0;
            if is_again {
                out.problem(line.number, format!("`{}` is there twice", line.key.escape_debug()));
            }
            return;
        }
        self.by_key.insert(line.key.clone(), self.found.len());
        self.found.push(Found {
            key: line.key.clone(),
            line: line.number,
            name: None,
            version: None,
            integrity: None,
            from: None,
            scope: Scope::Unknown,
        });
    }

    /// A line below an entry.
    fn member(&mut self, line: &Line<'a>, out: &mut Out) {
        let Some(at) = self.by_key.get(self.path[1].as_ref()).copied() else { return };
        let Some(found) = self.found.get_mut(at) else { return };
        match (line.depth, self.path[2].as_ref()) {
            (2, "resolution") => match flow(line.value) {
                Some(members) => members.into_iter().for_each(|(key, value)| found.resolve(key, value)),
                None if line.value.is_empty() => {}
                None => out.problem(line.number, "where it comes from cannot be read"),
            },
            (3, "resolution") => {
                if let Some(value) = scalar(line.value) {
                    found.resolve(line.key.as_ref(), value);
                }
            }
            (2, "name") => found.name = scalar(line.value),
            (2, "version") => found.version = scalar(line.value),
            (2, "dev") => match line.value {
                "true" => found.scope = Scope::Dev,
                "false" if found.scope == Scope::Unknown => found.scope = Scope::Run,
                _ => {}
            },
            (2, "optional") if line.value == "true" && found.scope != Scope::Dev => found.scope = Scope::Optional,
            (3, section @ ("dependencies" | "optionalDependencies")) => {
                let scope = if section == "dependencies" { Scope::Run } else { Scope::Optional };
                match (u32::try_from(at), scalar(line.value)) {
                    (Ok(at), Some(version)) => {
                        self.graph.add(Some(at), (line.key.clone(), version), scope, line.number);
                    }
                    _ => out.problem(line.number, "what it needs cannot be read"),
                }
            }
            _ => {}
        }
    }

    /// Makes entries and edges of what was read.
    fn finish(&mut self, out: &mut Out) {
        let first = out.entries.len();
        let mut places: Vec<Option<u32>> = Vec::with_capacity(self.found.len());
        for found in &self.found {
            // One release with several sets of peers is one entry.
            let bare = pnpm_key::without_peers(&found.key);
            let same = self.by_key.get(bare).filter(|_| bare.len() < found.key.len());
            let known = same.and_then(|same| places.get(*same).copied()).flatten();
            places.push(known.or_else(|| found.add(out)));
        }
        // There are many edges, so a key is put together only if it is needed, and always in the same place.
        let mut key = String::new();
        let mut find = |to: &(Cow<'a, str>, Cow<'a, str>)| {
            let (name, version) = (to.0.as_ref(), to.1.as_ref());
            [("", "@"), ("/", "@"), ("/", "/")]
                .into_iter()
                .find_map(|(before, between)| {
                    key.clear();
                    for part in [before, name, between, version] {
                        key.push_str(part);
                    }
                    self.by_key.get(key.as_str()).copied()
                })
                .or_else(|| self.by_key.get(version).copied())
        };
        let mut graph = Graph::new();
        std::mem::swap(&mut graph, &mut self.graph);
        let mut joined = Graph::new();
        for edge in graph.into_edges() {
            let from =
                edge.from.map(|from| usize::try_from(from).ok().and_then(|from| places.get(from).copied()).flatten());
            match (from, find(&edge.to)) {
                // What is linked is a folder of the project.
                (_, None) if edge.to.1.starts_with("link:") || edge.to.1.starts_with("workspace:") => {}
                (_, None) => {
                    let (name, version) = (edge.to.0.escape_debug(), edge.to.1.escape_debug());
                    out.problem(edge.line, format!("`{name}` {version} has no entry"));
                }
                (Some(None), _) => {}
                (from, Some(to)) => {
                    if let Some(Some(to)) = places.get(to) {
                        joined.add(from.flatten(), *to, edge.scope, edge.line);
                    }
                }
            }
        }
        let own = joined.join(out, |edge, _| Some(edge.to));
        if own.is_empty() && first == out.entries.len() {
            return;
        }
        spread_from(out, first, &own);
    }
}

/// Spreads scopes among the entries of one document.
fn spread_from(out: &mut Out, first: usize, own: &[(u32, Scope)]) {
    let told: Vec<Option<bool>> = out.entries[..first].iter().map(|entry| entry.direct).collect();
    spread(&mut out.entries, own);
    for (entry, direct) in out.entries.iter_mut().zip(told) {
        entry.direct = direct;
    }
}

impl<'a> Found<'a> {
    fn resolve(&mut self, key: &str, value: Cow<'a, str>) {
        match key {
            "integrity" => self.integrity = Some(value),
            "tarball" => self.from = Some(origin(&value)),
            "repo" => self.from = Some(Origin::Git(crate::locked::git_address(&value, None))),
            "commit" => {
                if let Some(Origin::Git(address)) = &self.from {
                    self.from = Some(Origin::Git(crate::locked::git_address(address, Some(&value))));
                }
            }
            "directory" => self.from = Some(Origin::Path(value.into_owned())),
            _ => {}
        }
    }

    fn add(&self, out: &mut Out) -> Option<u32> {
        let split = pnpm_key::split(&self.key);
        let name = self.name.as_deref().or(split.map(|(name, _)| name));
        let named = split.map(|(_, version)| version);
        let version = self.version.as_deref().or(named.filter(|version| !version.contains([':', '/'])));
        let is_folder =
            matches!(self.from, Some(Origin::Path(_))) || named.is_some_and(|named| named.starts_with("file:"));
        let (Some(name), Some(version)) = (name, version) else {
            let key = self.key.escape_debug();
            out.problem(self.line, format!("`{key}` has no version, so it cannot be said what it is"));
            return None;
        };
        let mut locked = Locked::new(out.take(self.line, release(name, version))?, self.line);
        locked.integrity = self.integrity.as_ref().and_then(|text| out.integrity(self.line, &locked.release, text));
        if let Some(from) = &self.from {
            locked.origin = from.clone();
        } else if let Some(address) = named.filter(|_| self.version.is_some() || is_folder) {
            locked.origin = origin(address);
        } else if let Some(host) = pnpm_key::registry(&self.key) {
            locked.origin = Origin::Registry(Some(host.to_owned()));
        }
        locked.scope = self.scope;
        out.push(locked)
    }
}

fn scope_of(section: &str) -> Option<Scope> {
    match section {
        "dependencies" => Some(Scope::Run),
        "optionalDependencies" => Some(Scope::Optional),
        "devDependencies" => Some(Scope::Dev),
        "configDependencies" | "packageManagerDependencies" => Some(Scope::Build),
        _ => None,
    }
}
