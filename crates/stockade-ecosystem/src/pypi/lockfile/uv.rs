//! `uv.lock`. The project and its folders are entries like the others, and tell by where they are from that they are no
//! releases.

use std::collections::HashMap;

use super::{integrity, release, texts, unversioned};
use crate::locked::toml::{Toml, Value, get, items, members, text};
use crate::locked::{Graph, Locked, Out, address, git_address, keep, spread};
use crate::{Origin, Scope};

/// An entry, if it is one, and its version.
type Known<'a> = (Option<u32>, Option<&'a str>);

pub(super) fn parse(document: &str, out: &mut Out) {
    let file = Toml::read(document, out);
    if file
        .get("version")
        .and_then(|version| version.get_ref().as_integer())
        .is_none_or(|version| version.as_str() != "1")
    {
        out.problem(1, "its version is none that is known (1); it is read as far as it is understood");
    }
    let mut by_name: HashMap<&str, Vec<Known<'_>>> = HashMap::new();
    let mut graph = Graph::new();
    for package in file.list("package") {
        let line = file.line(package);
        let source = get(package, "source");
        let is_own = source
            .is_some_and(|source| ["virtual", "editable", "directory"].iter().any(|own| get(source, own).is_some()));
        let at = if is_own { None } else { entry(package, source, line, out) };
        if let Some(name) = text(package, "name") {
            keep(by_name.entry(name).or_default(), (at, text(package, "version")), line, out);
        }
        if !is_own && at.is_none() {
            continue;
        }
        let needs = get(package, "dependencies").into_iter().map(|list| (list, Scope::Run));
        let groups = [("optional-dependencies", Scope::Optional), ("dev-dependencies", Scope::Dev)];
        let groups = groups.into_iter().filter_map(|(key, scope)| Some((get(package, key)?, scope)));
        let groups = groups.flat_map(|(group, scope)| members(group).map(move |(_, list)| (list, scope)));
        for (list, scope) in needs.chain(groups) {
            for need in items(list) {
                graph.add(at, need_of(need), scope, line);
            }
        }
    }
    let own = graph.join(out, |edge, out| {
        let (name, version) = &edge.to;
        let known = by_name.get(name.as_str());
        if known.is_none() {
            out.problem(edge.line, format!("`{}` is needed and has no entry", name.escape_debug()));
        }
        let is_meant = |entry: &&Known<'_>| version.is_none() || entry.1 == version.as_deref();
        known.into_iter().flatten().filter(is_meant).filter_map(|entry| entry.0).collect::<Vec<_>>()
    });
    spread(&mut out.entries, &own);
}

/// The name that is needed, and the version if several are there.
fn need_of(need: &Value<'_>) -> (String, Option<String>) {
    (text(need, "name").unwrap_or_default().to_owned(), text(need, "version").map(str::to_owned))
}

fn entry(package: &Value<'_>, source: Option<&Value<'_>>, line: u32, out: &mut Out) -> Option<u32> {
    let (Some(name), Some(version)) = (text(package, "name"), text(package, "version")) else {
        unversioned(out, line, text(package, "name"));
        return None;
    };
    let mut locked = Locked::new(out.take(line, release(name, version))?, line);
    let from = |key| source.and_then(|source| text(source, key));
    locked.origin = if let Some(url) = from("git") {
        Origin::Git(git_address(url, None))
    } else if let Some(url) = from("url") {
        Origin::Url(address(url))
    } else if let Some(path) = from("path") {
        Origin::Path(address(path))
    } else {
        Origin::Registry(from("registry").map(address))
    };
    let sdist = get(package, "sdist").and_then(|sdist| text(sdist, "hash"));
    let digests = sdist.into_iter().chain(texts(get(package, "wheels"), "hash"));
    locked.integrity = integrity(out, line, &locked.release, digests);
    out.push(locked)
}
