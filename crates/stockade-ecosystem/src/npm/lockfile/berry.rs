//! `yarn.lock` as Yarn writes it since version 2.
//!
//! The checksum of an entry is that of the zip archive that Yarn makes of the tarball for its cache, so it cannot be
//! compared with any digest of a registry. It is left out: it would look like evidence and be none. The file does not
//! say which registry a release is from.

use std::borrow::Cow;
use std::collections::HashMap;

use super::yaml::{Item, Line, Lines, scalar};
use super::yarn::{keys, split};
use super::{origin, release};
use crate::locked::{Graph, Locked, Out, keep, mark_direct};
use crate::{Origin, Scope};

/// An entry that is being read.
struct Entry<'a> {
    line: u32,
    keys: Vec<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    resolution: Option<Cow<'a, str>>,
    needs: Vec<(Cow<'a, str>, Cow<'a, str>, u32)>,
    /// What it needs only if it can be had.
    optional: Vec<Cow<'a, str>>,
}

pub(super) fn parse(text: &str, out: &mut Out) {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut path: Vec<Cow<'_, str>> = Vec::new();
    for item in Lines::of(text) {
        let line = match item {
            Item::Line(line) => line,
            Item::Document => continue,
            Item::Odd(line) => {
                out.problem(line, "this line is nothing that Yarn writes");
                continue;
            }
        };
        path.truncate(line.depth);
        path.push(line.key.clone());
        if line.depth == 0 {
            entries.push(begin(&line));
        } else if let Some(entry) = entries.last_mut() {
            entry.member(&line, &path, out);
        }
    }
    entries.retain(|entry| entry.keys.first().is_none_or(|key| key != "__metadata"));
    join(&entries, out);
}

fn begin<'a>(line: &Line<'a>) -> Entry<'a> {
    let keys = match &line.key {
        Cow::Borrowed(text) => keys(text),
        Cow::Owned(text) => keys(text).map(|keys| keys.into_iter().map(|key| Cow::Owned(key.into_owned())).collect()),
    };
    let (keys, line) = (keys.unwrap_or_default(), line.number);
    Entry { line, keys, version: None, resolution: None, needs: Vec::new(), optional: Vec::new() }
}

impl<'a> Entry<'a> {
    fn member(&mut self, line: &Line<'a>, path: &[Cow<'a, str>], out: &mut Out) {
        match (line.depth, path[1].as_ref()) {
            (1, "version") => self.version = scalar(line.value),
            (1, "resolution") => self.resolution = scalar(line.value),
            (2, "dependencies") => match scalar(line.value) {
                Some(wanted) => self.needs.push((line.key.clone(), wanted, line.number)),
                None => out.problem(line.number, "what it needs cannot be read"),
            },
            (3, "dependenciesMeta") if line.key == "optional" && line.value == "true" => {
                self.optional.push(path[2].clone());
            }
            _ => {}
        }
    }

    /// The name, the protocol and what it names: `left`, `npm`, `1.0.0`.
    fn resolved(&self) -> Option<(&str, &str, &str)> {
        let (name, reference) = split(self.resolution.as_deref()?)?;
        let (protocol, rest) = reference.split_once(':')?;
        Some((name, protocol, rest))
    }

    /// True if it is a folder of the project.
    fn is_own(&self) -> bool {
        self.resolved().is_some_and(|(_, protocol, _)| matches!(protocol, "workspace" | "link" | "portal"))
    }

    fn add(&self, out: &mut Out) -> Option<u32> {
        let (Some((name, protocol, rest)), Some(version)) = (self.resolved(), self.version.as_deref()) else {
            out.problem(self.line, "the entry has no resolution or no version, so it cannot be said what it is");
            return None;
        };
        let mut locked = Locked::new(out.take(self.line, release(name, version))?, self.line);
        locked.origin = match protocol {
            "npm" => Origin::Registry(rest.split_once("::__archiveUrl=").map(|(_, url)| archive(url))),
            // What is patched is from where it would be without.
            "patch" => Origin::Registry(None),
            "http" | "https" => Origin::Url(crate::locked::address(&format!("{protocol}:{rest}"))),
            _ => origin(&format!("{protocol}:{}", rest.replace("#commit=", "#"))),
        };
        out.push(locked)
    }
}

/// An address that is written as a part of another.
fn archive(text: &str) -> String {
    let text = percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    crate::locked::address(&text)
}

fn join(entries: &[Entry<'_>], out: &mut Out) {
    let mut places: HashMap<(&str, &str), Option<u32>> = HashMap::new();
    let mut by_name: HashMap<&str, Vec<Option<u32>>> = HashMap::new();
    let mut graph = Graph::new();
    let mut has_own = false;
    for entry in entries {
        let is_own = entry.is_own();
        has_own |= is_own;
        let at = if is_own { None } else { entry.add(out) };
        for key in &entry.keys {
            let Some((name, range)) = split(key) else { continue };
            // Older ones leave the protocol out where it is needed.
            let ranges = [Some(range), range.strip_prefix("npm:")];
            for range in ranges.into_iter().flatten() {
                if places.insert((name, range), at).is_some() && range.contains(':') {
                    out.problem(entry.line, format!("`{}` is there twice", key.escape_debug()));
                }
            }
            let known = by_name.entry(name).or_default();
            if !known.contains(&at) {
                keep(known, at, entry.line, out);
            }
        }
        if is_own || at.is_some() {
            for (name, wanted, line) in &entry.needs {
                let is_optional = entry.optional.contains(name);
                let scope = if is_optional { Scope::Optional } else { Scope::Run };
                graph.add(at, (name.as_ref(), wanted.as_ref()), scope, *line);
            }
        }
    }
    let own = graph.join(out, |edge, out| {
        // If the project says what a range is to be, the entry is under that; one that is alone must be it.
        let alone = || by_name.get(edge.to.0).filter(|known| known.len() == 1).map(|known| known[0]);
        let found = places.get(&edge.to).copied().or_else(alone);
        if found.is_none() && edge.scope != Scope::Optional {
            let (name, wanted) = (edge.to.0.escape_debug(), edge.to.1.escape_debug());
            out.problem(edge.line, format!("`{name}@{wanted}` has no entry"));
        }
        found.flatten()
    });
    if has_own {
        mark_direct(&mut out.entries, &own);
    }
}
