//! `bun.lock`: JSON with commas at the end of lists, and comments. An entry is a list whose shape depends on where the
//! release is from: `["left@1.0.0", "", {…}, "sha512-…"]` of a registry, whose address is the second if it is not the
//! usual one.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::paths::{Found, Paths};
use super::{origin, release};
use crate::json::{Members, object, string};
use crate::locked::{Graph, Lines, Locked, Out, spread};
use crate::{Origin, Scope};

pub(super) fn parse(text: &str, out: &mut Out) {
    let text = &plain(text);
    let lines = Lines::of(text);
    let members = match crate::json::document(text, crate::json::Collect) {
        Ok(Some(members)) => members,
        Ok(None) => return out.problem(1, "it is not an object"),
        Err(error) => {
            let what = if error.is_eof() { "it breaks off" } else { "from here on it is not JSON, or nested too deep" };
            return out.problem(u32::try_from(error.line()).unwrap_or(u32::MAX), what);
        }
    };
    if !members.get("lockfileVersion").is_some_and(|version| matches!(version.get(), "0" | "1" | "2")) {
        out.problem(1, "its version is none that is known (0, 1, 2); it is read as far as it is understood");
    }
    let packages = members.get("packages").and_then(object);
    let (Some(packages), Some(workspaces)) = (packages, members.get("workspaces").and_then(object)) else {
        return out.problem(1, "it has no `packages` or no `workspaces`");
    };
    for key in packages.repeated() {
        out.problem_of_all(format!("`{}` is there twice", key.escape_debug()));
    }
    let mut needs = Vec::new();
    let mut paths = Paths::new("");
    for (key, value) in &packages.0 {
        let line = lines.line_of(value.get()).unwrap_or(1);
        let at = entry(key, value, line, &mut needs, out);
        paths.add(key, at);
    }
    let own: Vec<_> = workspaces.0.iter().filter_map(|(path, value)| own(path, value)).collect();
    let mut graph = Graph::new();
    for (name, members) in &own {
        collect(None, name, members, 1, true, &mut graph);
    }
    for (at, key, members, line) in &needs {
        collect(Some(*at), key, members, *line, false, &mut graph);
    }
    let own = graph.join(out, |edge, out| {
        let (from, name): &(Cow<'_, str>, Cow<'_, str>) = &edge.to;
        let found = paths.find(from, name);
        if matches!(found, Found::Nothing) && edge.scope != Scope::Optional {
            let (from, name) = (from.escape_debug(), name.escape_debug());
            out.problem(edge.line, format!("`{from}` needs `{name}`, which has no entry"));
        }
        found
    });
    paths.finish(out);
    spread(&mut out.entries, &own);
}

/// A folder of the project: the name under which its own packages are, and what it asks for.
fn own<'a>(path: &str, value: &'a RawValue) -> Option<(Cow<'a, str>, Members<'a>)> {
    let members = object(value)?;
    let name = members.get("name").filter(|_| !path.is_empty()).and_then(string).unwrap_or_default();
    Some((name, members))
}

type Needs<'a> = Vec<(u32, &'a str, Members<'a>, u32)>;

fn entry<'a>(key: &'a str, value: &'a RawValue, line: u32, needs: &mut Needs<'a>, out: &mut Out) -> Option<u32> {
    let parts: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
    let named = parts.first().and_then(|first| string(first)).unwrap_or_default();
    let split = super::yarn::split(&named);
    let Some((name, reference)) = split else {
        out.problem(line, format!("`{}` cannot be read", key.escape_debug()));
        return None;
    };
    if ["workspace:", "root:", "link:"].iter().any(|own| reference.starts_with(own)) {
        return None;
    }
    let texts: Vec<Cow<'_, str>> = parts.iter().skip(1).filter_map(|part| string(part)).collect();
    let is_registry = !reference.contains(':');
    let tarball = reference.split(['?', '#']).next().and_then(|address| address.rsplit('/').next());
    let tarball =
        tarball.and_then(|file| file.strip_suffix(".tgz")?.strip_prefix(name.rsplit('/').next()?)?.strip_prefix('-'));
    let Some(version) = tarball.filter(|_| !is_registry).or(Some(reference).filter(|_| is_registry)) else {
        let (name, reference) = (name.escape_debug(), crate::locked::address(reference));
        out.problem(line, format!("`{name}` is from {}, which does not tell its version", reference.escape_debug()));
        return None;
    };
    let mut locked = Locked::new(out.take(line, release(name, version))?, line);
    locked.origin = match texts.first().filter(|address| address.contains("://")) {
        Some(registry) if is_registry => Origin::Registry(Some(crate::locked::address(registry))),
        _ if is_registry => Origin::Registry(None),
        _ => match origin(reference) {
            Origin::Registry(Some(address)) => Origin::Url(address),
            other => other,
        },
    };
    let digest = texts.iter().rev().find(|text| text.starts_with("sha"));
    locked.integrity = digest.and_then(|text| out.integrity(line, &locked.release, text));
    let at = out.push(locked)?;
    if let Some(members) = parts.iter().skip(1).find_map(|part| object(part)) {
        needs.push((at, key, members, line));
    }
    Some(at)
}

fn collect<'a>(
    from: Option<u32>,
    path: &'a str,
    members: &Members<'a>,
    line: u32,
    is_own: bool,
    graph: &mut Graph<(Cow<'a, str>, Cow<'a, str>)>,
) {
    let sections = [
        ("dependencies", Scope::Run),
        ("optionalDependencies", Scope::Optional),
        ("peerDependencies", Scope::Optional),
        ("devDependencies", Scope::Dev),
    ];
    for (section, scope) in sections.into_iter().filter(|(_, scope)| is_own || *scope != Scope::Dev) {
        for (name, _) in members.get(section).and_then(object).into_iter().flat_map(|names| names.0) {
            graph.add(from, (Cow::Borrowed(path), name), scope, line);
        }
    }
}

/// The same text as JSON: comments, and commas before a bracket, are blanks, so that every place stays what it was.
fn plain(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    let mut comma = None;
    while let Some(byte) = bytes.get(at).copied() {
        match (byte, bytes.get(at + 1)) {
            (b'"', _) => {
                comma = None;
                at += 1;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            (b'/', Some(b'/')) => {
                while bytes.get(at).is_some_and(|byte| *byte != b'\n') {
                    bytes[at] = b' ';
                    at += 1;
                }
            }
            (b'/', Some(b'*')) => {
                let rest = &bytes[at..];
                let length = rest.windows(2).skip(2).position(|end| end == b"*/").map_or(rest.len(), |end| end + 4);
                for byte in bytes[at..at + length].iter_mut().filter(|byte| **byte != b'\n') {
                    *byte = b' ';
                }
                at += length - 1;
            }
            (b',', _) => comma = Some(at),
            (b'}' | b']', _) => {
                if let Some(comma) = comma.take() {
                    bytes[comma] = b' ';
                }
            }
            (byte, _) if byte.is_ascii_whitespace() => {}
            _ => comma = None,
        }
        at += 1;
    }
    // Only bytes between characters, or all of a character, became blanks.
    String::from_utf8(bytes).unwrap_or_default()
}
