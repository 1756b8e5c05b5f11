//! `pdm.lock`. A release that is installed with extras is there once more for each set of them.

use std::collections::HashMap;

use super::super::name::normalised;
use super::{integrity, release, required, texts, unversioned};
use crate::locked::toml::{Toml, Value, get, items, text};
use crate::locked::{Graph, Locked, Out, address, git_address, keep};
use crate::{Origin, Scope};

pub(super) fn parse(document: &str, out: &mut Out) {
    let file = Toml::read(document, out);
    let version = file.get("metadata").and_then(|metadata| text(metadata, "lock_version")).unwrap_or_default();
    if !version.starts_with(['3', '4']) {
        out.problem(1, "its version is none that is known (3, 4); it is read as far as it is understood");
    }
    let mut by_name: HashMap<String, Vec<u32>> = HashMap::new();
    let mut graph = Graph::new();
    for package in file.list("package") {
        let line = file.line(package);
        let name = normalised(text(package, "name").unwrap_or_default());
        let known = by_name.entry(name).or_default();
        let version = text(package, "version").unwrap_or_default();
        let is_same = |at: &&u32| usize::try_from(**at).is_ok_and(|at| out.entries[at].release.version == version);
        let same = known.iter().find(is_same).copied().filter(|_| get(package, "extras").is_some());
        let Some(at) = same.or_else(|| entry(package, line, out)) else { continue };
        if same.is_none() {
            keep(known, at, line, out);
        }
        let needs = get(package, "dependencies").into_iter().flat_map(items);
        for need in needs.filter_map(|need| required(need.get_ref().as_str()?)) {
            graph.add(Some(at), need, Scope::Run, line);
        }
    }
    graph.join(out, |edge, _| {
        // With its extras, a release needs itself.
        let known = by_name.get(&edge.to).into_iter().flatten().copied();
        known.filter(|to| Some(*to) != edge.from).collect::<Vec<_>>()
    });
}

fn entry(package: &Value<'_>, line: u32, out: &mut Out) -> Option<u32> {
    let (Some(name), Some(version)) = (text(package, "name"), text(package, "version")) else {
        unversioned(out, line, text(package, "name"));
        return None;
    };
    let path = text(package, "path");
    let digests: Vec<&str> = texts(get(package, "files"), "hash").collect();
    // A folder is of the project.
    if path.is_some() && digests.is_empty() {
        return None;
    }
    let mut locked = Locked::new(out.take(line, release(name, version))?, line);
    locked.origin = if let Some(git) = text(package, "git") {
        Origin::Git(git_address(git, text(package, "revision")))
    } else if let Some(url) = text(package, "url") {
        Origin::Url(address(url))
    } else if let Some(path) = path {
        Origin::Path(address(path))
    } else {
        Origin::Registry(None)
    };
    locked.integrity = integrity(out, line, &locked.release, digests);
    let groups = get(package, "groups").into_iter().flat_map(items).filter_map(|group| group.get_ref().as_str());
    let of = |group: &str| if group == "default" { Scope::Run } else { Scope::Dev };
    locked.scope = groups.map(of).min().unwrap_or(Scope::Unknown);
    out.push(locked)
}
