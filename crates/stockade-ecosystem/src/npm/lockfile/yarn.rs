//! `yarn.lock` as Yarn 1 writes it: an entry for each release, under all the ranges that led to it.
//!
//! The file does not say what the project itself asks for.

use std::borrow::Cow;
use std::collections::HashMap;

use super::yaml::{Item, Line, Lines, quoted, scalar};
use super::{origin, release};
use crate::Scope;
use crate::locked::{Graph, Locked, Out};

/// An entry that is being read.
struct Entry<'a> {
    line: u32,
    keys: Vec<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    resolved: Option<Cow<'a, str>>,
    integrity: Option<Cow<'a, str>>,
    needs: Vec<(Cow<'a, str>, Cow<'a, str>, Scope, u32)>,
}

pub(super) fn parse(text: &str, out: &mut Out) {
    if !text.lines().any(|line| line.trim() == "# yarn lockfile v1") {
        out.problem(1, "it does not say that it is of version 1; it is read as if it were");
    }
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut section = Cow::Borrowed("");
    for item in Lines::of_yarn(text) {
        let line = match item {
            Item::Line(line) => line,
            Item::Document => continue,
            Item::Odd(line) => {
                out.problem(line, "this line is nothing that Yarn writes");
                continue;
            }
        };
        match (line.depth, entries.last_mut()) {
            (0, _) => entries.push(begin(&line, out)),
            (1, Some(entry)) => {
                section.clone_from(&line.key);
                entry.member(&line);
            }
            (2, Some(entry)) => {
                let scope = match section.as_ref() {
                    "dependencies" => Scope::Run,
                    "optionalDependencies" => Scope::Optional,
                    _ => continue,
                };
                let wanted = scalar(line.value).unwrap_or_default();
                entry.needs.push((bare(line.key), wanted, scope, line.number));
            }
            _ => out.problem(line.number, "this line is nothing that Yarn writes"),
        }
    }
    join(&entries, out);
}

fn begin<'a>(line: &Line<'a>, out: &mut Out) -> Entry<'a> {
    let keys = match &line.key {
        Cow::Borrowed(keys) if line.value.is_empty() => self::keys(keys),
        _ => None,
    };
    if keys.is_none() {
        out.problem(line.number, "what the entry is for cannot be read");
    }
    Entry {
        line: line.number,
        keys: keys.unwrap_or_default(),
        version: None,
        resolved: None,
        integrity: None,
        needs: Vec::new(),
    }
}

/// `a@^1, "b@1 || 2"`
pub(super) fn keys(text: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut rest = text.trim();
    let mut keys = Vec::new();
    while !rest.is_empty() {
        let key = if rest.starts_with('"') {
            let (key, after) = quoted(rest)?;
            rest = after;
            key
        } else {
            let (key, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
            rest = after;
            Cow::Borrowed(key.trim())
        };
        rest = rest.trim_start();
        rest = if rest.is_empty() { rest } else { rest.strip_prefix(',')?.trim_start() };
        keys.push(key);
    }
    Some(keys)
}

/// A key without its quotes.
fn bare(key: Cow<'_, str>) -> Cow<'_, str> {
    match key {
        Cow::Borrowed(key) => quoted(key).filter(|_| key.starts_with('"')).map_or(Cow::Borrowed(key), |(key, _)| key),
        owned @ Cow::Owned(_) => owned,
    }
}

/// The name and the range of a key; of an alias, those that are meant.
pub(super) fn split(key: &str) -> Option<(&str, &str)> {
    let at = key.get(1..)?.find('@')? + 1;
    Some((&key[..at], &key[at + 1..]))
}

impl<'a> Entry<'a> {
    fn member(&mut self, line: &Line<'a>) {
        match line.key.as_ref() {
            "version" => self.version = scalar(line.value),
            "resolved" => self.resolved = scalar(line.value),
            "integrity" => self.integrity = scalar(line.value),
            _ => {}
        }
    }

    fn add(&self, out: &mut Out) -> Option<u32> {
        let (Some((name, range)), Some(version)) = (self.keys.first().and_then(|key| split(key)), &self.version) else {
            out.problem(self.line, "the entry has no name or no version, so it cannot be said what it is");
            return None;
        };
        let meant = range.strip_prefix("npm:").map(|alias| split(alias).map_or(alias, |(name, _)| name));
        let name = meant.filter(|meant| super::package(meant).is_ok() && range.len() > "npm:".len()).unwrap_or(name);
        let mut locked = Locked::new(out.take(self.line, release(name, version))?, self.line);
        let sum = self.resolved.as_ref().and_then(|resolved| resolved.rsplit_once('#')).map(|(_, sum)| sum);
        locked.integrity = match (&self.integrity, sum) {
            (Some(text), _) => out.integrity(self.line, &locked.release, text),
            // Before there were digests, the address had one.
            (None, Some(sum)) if sum.len() == 40 => out.integrity(self.line, &locked.release, &format!("sha1:{sum}")),
            _ => None,
        };
        if let Some(resolved) = &self.resolved {
            locked.origin = origin(resolved);
        } else if range.contains(':') && !range.starts_with("npm:") {
            locked.origin = origin(range);
        }
        out.push(locked)
    }
}

fn join(entries: &[Entry<'_>], out: &mut Out) {
    let mut places: HashMap<(&str, &str), u32> = HashMap::new();
    let mut graph = Graph::new();
    for entry in entries {
        let Some(at) = entry.add(out) else { continue };
        for key in &entry.keys {
            if let Some(key) = split(key)
                && places.insert(key, at).is_some()
            {
                out.problem(entry.line, format!("`{}@{}` is there twice", key.0.escape_debug(), key.1.escape_debug()));
            }
        }
        for (name, wanted, scope, line) in &entry.needs {
            graph.add(Some(at), (name.as_ref(), wanted.as_ref()), *scope, *line);
        }
    }
    graph.join(out, |edge, out| {
        let found = places.get(&edge.to).copied();
        if found.is_none() && edge.scope != Scope::Optional {
            let (name, wanted) = (edge.to.0.escape_debug(), edge.to.1.escape_debug());
            out.problem(edge.line, format!("`{name}@{wanted}` has no entry"));
        }
        found
    });
}
