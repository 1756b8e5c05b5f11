//! `composer.lock`: the packages for running and those for development, each with what it needs. What the project itself asks
//! for is in `composer.json` only.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;
use stockade_model::{Algorithm, Digest, Integrity};

use super::{name, release};
use crate::json::{Members, object, string};
use crate::locked::{Graph, Lines, Locked, Out, address, git_address, json, keep, read};
use crate::{Lockfile, Origin, Scope};

pub(super) static COMPOSER_LOCK: Lockfile = Lockfile {
    name: "composer.lock",
    matches: |path| path.rsplit('/').next() == Some("composer.lock"),
    parse: |bytes| read(bytes, parse),
};

fn parse(text: &str, out: &mut Out) {
    let Some(file) = json(text, out) else { return };
    if file.get("packages").is_none() {
        out.problem(1, "it has no `packages`, so it is no lockfile of Composer");
    }
    let lines = Lines::of(text);
    let mut packages = Packages::default();
    for (section, scope) in [("packages", Scope::Run), ("packages-dev", Scope::Dev)] {
        if let Some(list) = file.get(section) {
            packages.add(list, &lines, |_| scope, out);
        }
    }
    packages.join(out);
}

/// The packages that a file lists, and what they need.
#[derive(Default)]
pub(super) struct Packages {
    /// The entries that have a name, or are in the place of it.
    by_name: HashMap<String, Vec<u32>>,
    needs: Vec<(u32, String, u32)>,
}

impl Packages {
    /// Reads a list of packages, each for what `scope` says of its name.
    pub(super) fn add(&mut self, list: &RawValue, lines: &Lines<'_>, scope: impl Fn(&str) -> Scope, out: &mut Out) {
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(list.get()) else {
            return out.problem(lines.line_of(list.get()).unwrap_or(1), "it is no list of packages");
        };
        for item in items {
            let line = lines.line_of(item.get()).unwrap_or(1);
            let Some(members) = object(item) else {
                out.problem(line, "it is no package");
                continue;
            };
            self.package(&members, line, &scope, out);
        }
    }

    fn package(&mut self, members: &Members<'_>, line: u32, scope: impl Fn(&str) -> Scope, out: &mut Out) {
        for key in members.repeated().into_iter().filter(|key| matches!(*key, "name" | "version" | "dist" | "source")) {
            out.problem(line, format!("a package has `{key}` twice"));
        }
        let text = |key: &str| members.get(key).and_then(string);
        let (Some(name), Some(version)) = (text("name"), text("version")) else {
            return out.problem(line, "a package has no name or no version, so it cannot be said what it is");
        };
        let Some(release) = out.take(line, release(&name, &version)) else { return };
        let mut locked = Locked { scope: scope(release.package.name.as_str()), ..Locked::new(release, line) };
        origin(&mut locked, members, line, out);
        let own = locked.release.package.name.as_str().to_owned();
        let Some(at) = out.push(locked) else { return };
        keep(self.by_name.entry(own).or_default(), at, line, out);
        let names = |key| members.get(key).and_then(object).into_iter().flat_map(|members| members.0);
        for name in names("replace").chain(names("provide")).filter_map(|(key, _)| normal(&key)) {
            keep(self.by_name.entry(name).or_default(), at, line, out);
        }
        self.needs.extend(names("require").filter_map(|(key, _)| Some((at, normal(&key)?, line))));
    }

    pub(super) fn join(self, out: &mut Out) {
        let mut graph = Graph::new();
        for (from, name, line) in self.needs {
            graph.add(Some(from), name, Scope::Unknown, line);
        }
        graph.join(out, |edge, out| {
            let found = self.by_name.get(&edge.to);
            if found.is_none() {
                out.problem(edge.line, format!("`{}` is needed and has no entry", edge.to.escape_debug()));
            }
            found.into_iter().flatten().copied().collect::<Vec<_>>()
        });
    }
}

/// The name of a package; `None` of PHP, its extensions and what else comes with the machine, which have no `/`.
fn normal(text: &str) -> Option<String> {
    text.contains('/').then(|| name::parse(text).ok().map(|name| name.as_str().to_owned())).flatten()
}

fn origin(locked: &mut Locked, members: &Members<'_>, line: u32, out: &mut Out) {
    let (dist, source) = (members.get("dist").and_then(object), members.get("source").and_then(object));
    let commit = text(source.as_ref(), "reference");
    locked.origin = match (text(dist.as_ref(), "url"), text(source.as_ref(), "url")) {
        (Some(url), _) if text(dist.as_ref(), "type").as_deref() == Some("path") => Origin::Path(address(&url)),
        (Some(url), _) => Origin::Registry(Some(address(&url))),
        (None, Some(url)) => Origin::Git(git_address(&url, commit.as_deref())),
        (None, None) => Origin::Registry(None),
    };
    if let Some(digits) = text(dist.as_ref(), "shasum") {
        match Digest::from_hex(Algorithm::Sha1, &digits) {
            Ok(digest) => locked.integrity = Integrity::from_digests(vec![digest]),
            Err(error) => out.problem(line, format!("the digest of {} cannot be read: {error}", locked.release)),
        }
    }
}

/// A member that says something.
fn text<'m>(members: Option<&Members<'m>>, key: &str) -> Option<Cow<'m, str>> {
    members.and_then(|members| members.get(key)).and_then(string).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_said() {
        let problems = |text: &str| (COMPOSER_LOCK.parse)(text.as_bytes()).problems.len();
        assert_eq!(problems(r#"{"packages": []}"#), 0);
        for text in [
            "",
            "[]",
            "{}",
            r#"{"packages": 1}"#,
            r#"{"packages": [1]}"#,
            r#"{"packages": [{"name": "a/b"}]}"#,
            r#"{"packages": [{"name": "a b", "version": "1"}]}"#,
            r#"{"packages": [{"name": "a/b", "version": ""}]}"#,
            r#"{"packages": [{"name": "a/b", "version": "1", "version": "2"}]}"#,
            r#"{"packages": [{"name": "a/b", "version": "1", "require": {"c/d": "*", "php": "*"}}]}"#,
            r#"{"packages": [{"name": "a/b", "version": "1", "dist": {"shasum": "zz"}}]}"#,
        ] {
            assert_eq!(problems(text), 1, "{text}");
        }
    }
}
