//! `poetry.lock`. Up to version 1.1 of the format, digests are at its end, by name. What the project itself asks for is
//! not in it; from version 2.1 on, for what is.

use std::collections::HashMap;

use super::super::name::normalised;
use super::{integrity, is_true, release, texts, unversioned};
use crate::locked::toml::{Toml, Value, get, items, members, text};
use crate::locked::{Graph, Locked, Out, address, git_address, keep};
use crate::{Origin, Scope};

pub(super) fn parse(document: &str, out: &mut Out) {
    let file = Toml::read(document, out);
    let metadata = file.get("metadata");
    let version = metadata.and_then(|metadata| text(metadata, "lock-version")).unwrap_or("1.0");
    if metadata.is_none() || !["1", "2"].contains(&version.split('.').next().unwrap_or_default()) {
        out.problem(1, "its version is none that is known (1, 2); it is read as far as it is understood");
    }
    let files = metadata.and_then(|metadata| get(metadata, "files").or_else(|| get(metadata, "hashes")));
    let apart: HashMap<String, &Value<'_>> =
        files.into_iter().flat_map(members).map(|(name, list)| (normalised(name), list)).collect();
    let mut by_name: HashMap<String, Vec<u32>> = HashMap::new();
    let mut graph = Graph::new();
    for package in file.list("package") {
        let line = file.line(package);
        let Some(at) = entry(package, &apart, line, out) else { continue };
        keep(by_name.entry(normalised(text(package, "name").unwrap_or_default())).or_default(), at, line, out);
        for (name, need) in get(package, "dependencies").into_iter().flat_map(members) {
            let scope = if is_true(need, "optional") { Scope::Optional } else { Scope::Run };
            graph.add(Some(at), normalised(name), scope, line);
        }
    }
    graph.join(out, |edge, _| by_name.get(&edge.to).cloned().unwrap_or_default());
}

fn entry(package: &Value<'_>, apart: &HashMap<String, &Value<'_>>, line: u32, out: &mut Out) -> Option<u32> {
    let (Some(name), Some(version)) = (text(package, "name"), text(package, "version")) else {
        unversioned(out, line, text(package, "name"));
        return None;
    };
    let source = get(package, "source");
    let kind = source.and_then(|source| text(source, "type")).unwrap_or_default();
    // A folder is of the project.
    if kind == "directory" {
        return None;
    }
    let mut locked = Locked::new(out.take(line, release(name, version))?, line);
    let url = source.and_then(|source| text(source, "url"));
    locked.origin = match kind {
        "git" => {
            let commit = source.and_then(|source| text(source, "resolved_reference"));
            Origin::Git(git_address(url.unwrap_or_default(), commit))
        }
        "url" => Origin::Url(address(url.unwrap_or_default())),
        "file" => Origin::Path(address(url.unwrap_or_default())),
        _ => Origin::Registry(url.map(address)),
    };
    let files = get(package, "files").or_else(|| apart.get(&normalised(name)).copied());
    let bare = files.into_iter().flat_map(items).filter_map(|digest| digest.get_ref().as_str());
    let bare: Vec<String> = bare.map(|digest| format!("sha256:{digest}")).collect();
    let digests = texts(files, "hash").chain(bare.iter().map(String::as_str));
    locked.integrity = integrity(out, line, &locked.release, digests);
    locked.scope = scope(package);
    out.push(locked)
}

fn scope(package: &Value<'_>) -> Scope {
    let groups = get(package, "groups").into_iter().flat_map(items).filter_map(|group| group.get_ref().as_str());
    let of = |group: &str| if group == "main" { Scope::Run } else { Scope::Dev };
    let scope = groups.chain(text(package, "category")).map(of).min().unwrap_or(Scope::Unknown);
    if scope != Scope::Dev && is_true(package, "optional") { Scope::Optional } else { scope }
}
