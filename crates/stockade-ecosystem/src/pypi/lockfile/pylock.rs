//! `pylock.toml` (PEP 751), which several clients write and read.

use std::collections::HashMap;

use super::{hashes, integrity, release, unversioned};
use crate::Origin;
use crate::Scope;
use crate::locked::toml::{Toml, Value, get, items, text};
use crate::locked::{Graph, Locked, Out, address, git_address, keep};

pub(super) fn parse(document: &str, out: &mut Out) {
    let file = Toml::read(document, out);
    let version = file.get("lock-version").and_then(|version| version.get_ref().as_str());
    if version.is_none_or(|version| version.split('.').next() != Some("1")) {
        out.problem(1, "its version is none that is known (1.0); it is read as far as it is understood");
    }
    let mut by_name: HashMap<&str, Vec<u32>> = HashMap::new();
    let mut graph = Graph::new();
    for package in file.list("packages") {
        let line = file.line(package);
        // A folder is of the project.
        if get(package, "directory").is_some() {
            continue;
        }
        let Some(at) = entry(package, line, out) else { continue };
        keep(by_name.entry(text(package, "name").unwrap_or_default()).or_default(), at, line, out);
        for need in get(package, "dependencies").into_iter().flat_map(items) {
            graph.add(Some(at), text(need, "name").unwrap_or_default(), Scope::Run, line);
        }
    }
    graph.join(out, |edge, _| by_name.get(edge.to).cloned().unwrap_or_default());
}

fn entry(package: &Value<'_>, line: u32, out: &mut Out) -> Option<u32> {
    let (Some(name), Some(version)) = (text(package, "name"), text(package, "version")) else {
        unversioned(out, line, text(package, "name"));
        return None;
    };
    let mut locked = Locked::new(out.take(line, release(name, version))?, line);
    let place = |value: &Value<'_>| text(value, "url").or_else(|| text(value, "path")).map(address);
    locked.origin = if let Some(vcs) = get(package, "vcs") {
        let repository = text(vcs, "url").or_else(|| text(vcs, "path")).unwrap_or_default();
        Origin::Git(git_address(repository, text(vcs, "commit-id")))
    } else if let Some(archive) = get(package, "archive") {
        if text(archive, "url").is_some() {
            Origin::Url(place(archive).unwrap_or_default())
        } else {
            Origin::Path(place(archive).unwrap_or_default())
        }
    } else {
        Origin::Registry(text(package, "index").map(address))
    };
    let files = ["sdist", "archive"].into_iter().filter_map(|key| get(package, key));
    let wheels = get(package, "wheels").into_iter().flat_map(items);
    let digests: Vec<String> = files.chain(wheels).filter_map(|file| get(file, "hashes")).flat_map(hashes).collect();
    locked.integrity = integrity(out, line, &locked.release, digests.iter().map(String::as_str));
    out.push(locked)
}
