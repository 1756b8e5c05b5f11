//! `Cargo.lock`, versions 1 to 4. What has no source is a folder of the project. The file does not tell what is for
//! building or for tests only.

use std::collections::HashMap;

use stockade_model::{Algorithm, Digest, Integrity, Malformed, Release};

use super::{package, version};
use crate::locked::toml::{Toml, Value, get, items, members, text};
use crate::locked::{Graph, Locked, Out, address, git_address, keep, mark_direct, read};
use crate::{Lockfile, Origin, Scope};

pub(super) static CARGO_LOCK: Lockfile = Lockfile {
    name: "Cargo.lock",
    matches: |path| path.rsplit('/').next() == Some("Cargo.lock"),
    parse: |bytes| read(bytes, parse),
};

/// A release of this name, and the source it is from, if it is an entry.
struct Known<'a> {
    version: &'a str,
    source: Option<&'a str>,
    at: Option<u32>,
}

fn parse(document: &str, out: &mut Out) {
    let file = Toml::read(document, out);
    let version = file.get("version").and_then(|version| version.get_ref().as_integer());
    if version.is_some_and(|version| !["1", "2", "3", "4"].contains(&version.as_str())) {
        out.problem(1, "its version is none that is known (1 to 4); it is read as far as it is understood");
    }
    // Version 1 has digests at its end.
    let apart: HashMap<&str, &str> = file
        .get("metadata")
        .into_iter()
        .flat_map(members)
        .filter_map(|(key, value)| Some((key.strip_prefix("checksum ")?, value.get_ref().as_str()?)))
        .collect();
    let mut by_name: HashMap<&str, Vec<Known<'_>>> = HashMap::new();
    let mut graph = Graph::new();
    // The first version has the project itself apart.
    for package in file.get("root").into_iter().chain(file.list("package")) {
        let line = file.line(package);
        let (name, version, source) = (text(package, "name"), text(package, "version"), text(package, "source"));
        let (Some(name), Some(version)) = (name, version) else {
            out.problem(line, "an entry has no name or no version, so it cannot be said what it is");
            continue;
        };
        let at = source.and_then(|source| entry(package, (name, version, source), &apart, line, out));
        let known = by_name.entry(name).or_default();
        if known.iter().any(|known| known.version == version && known.source == source) {
            out.problem(line, format!("`{} {}` is there twice", name.escape_debug(), version.escape_debug()));
        }
        keep(known, Known { version, source, at }, line, out);
        if source.is_some() && at.is_none() {
            continue;
        }
        for need in get(package, "dependencies").into_iter().flat_map(items) {
            match need.get_ref().as_str() {
                Some(need) => graph.add(at, need, Scope::Unknown, line),
                None => out.problem(line, "what it needs cannot be read"),
            }
        }
    }
    let own = graph.join(out, |edge, out| {
        let mut words = edge.to.splitn(3, ' ');
        let (name, version, source) = (words.next().unwrap_or_default(), words.next(), words.next());
        let source = source.and_then(|source| source.strip_prefix('(')?.strip_suffix(')'));
        let is_meant = |known: &&Known<'_>| {
            version.is_none_or(|version| version == known.version)
                && source.is_none_or(|source| known.source == Some(source))
        };
        let found: Vec<&Known<'_>> = by_name.get(name).into_iter().flatten().filter(is_meant).collect();
        if found.is_empty() {
            out.problem(edge.line, format!("`{}` is needed and has no entry", edge.to.escape_debug()));
        }
        found.into_iter().filter_map(|known| known.at).collect::<Vec<_>>()
    });
    mark_direct(&mut out.entries, &own);
}

fn entry(
    package: &Value<'_>,
    (name, version, source): (&str, &str, &str),
    apart: &HashMap<&str, &str>,
    line: u32,
    out: &mut Out,
) -> Option<u32> {
    let mut locked = Locked::new(out.take(line, release(name, version))?, line);
    let digits =
        text(package, "checksum").or_else(|| apart.get(format!("{name} {version} ({source})").as_str()).copied());
    // A repository has no digest, and is written as having none.
    if let Some(digits) = digits.filter(|digits| *digits != "<none>") {
        let digest = Digest::from_hex(Algorithm::Sha256, digits);
        let digest = digest.map(|digest| Integrity::from_digests(vec![digest]));
        locked.integrity = match digest {
            Ok(integrity) => integrity,
            Err(error) => {
                out.problem(line, format!("the digest of {} cannot be read: {error}", locked.release));
                None
            }
        };
    }
    locked.origin = match source.split_once('+') {
        Some(("git", url)) => Origin::Git(git_address(url, None)),
        Some(("path", url)) => Origin::Path(address(url)),
        Some(("registry" | "sparse", url)) => Origin::Registry(Some(address(url))),
        _ => {
            out.problem(line, format!("where {} is from cannot be read", locked.release));
            Origin::Registry(None)
        }
    };
    out.push(locked)
}

pub(super) fn release(name: &str, text: &str) -> Result<Release, Malformed> {
    version::read(text)?;
    Ok(package(name)?.release(text))
}
