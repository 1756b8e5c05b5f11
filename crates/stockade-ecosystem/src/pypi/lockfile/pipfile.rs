//! `Pipfile.lock`: JSON with a section for each group of what is asked for, and no edges.

use std::collections::HashMap;

use super::{integrity, release, unversioned};
use crate::json::{Collect, Members, document, object, string};
use crate::locked::{Lines, Locked, Out, address, git_address};
use crate::{Origin, Scope};

pub(super) fn parse(text: &str, out: &mut Out) {
    let lines = Lines::of(text);
    let file = match document(text, Collect) {
        Ok(Some(file)) => file,
        Ok(None) => return out.problem(1, "it is not an object"),
        Err(error) => {
            let what = if error.is_eof() { "it breaks off" } else { "from here on it is not JSON, or nested too deep" };
            return out.problem(u32::try_from(error.line()).unwrap_or(u32::MAX), what);
        }
    };
    let meta = file.get("_meta").and_then(object);
    if meta.is_none() {
        out.problem(1, "it has no `_meta`, so it is no lockfile of Pipenv");
    }
    let sources = meta.as_ref().and_then(|meta| meta.get("sources"));
    let indexes = indexes(sources.map_or("[]", |sources| sources.get()));
    for (section, entries) in &file.0 {
        let scope = match section.as_ref() {
            "_meta" => continue,
            "default" => Scope::Run,
            _ => Scope::Dev,
        };
        let Some(entries) = object(entries) else {
            out.problem_of_all(format!("`{}` is no list of releases", section.escape_debug()));
            continue;
        };
        for name in entries.repeated() {
            out.problem_of_all(format!("`{}` is there twice", name.escape_debug()));
        }
        for (name, value) in &entries.0 {
            let line = lines.line_of(value.get()).unwrap_or(1);
            let members = object(value).unwrap_or(Members(Vec::new()));
            entry(name, &members, line, scope, &indexes, out);
        }
    }
}

/// The addresses of indexes by their names.
fn indexes(sources: &str) -> HashMap<String, String> {
    let sources: Vec<&serde_json::value::RawValue> = serde_json::from_str(sources).unwrap_or_default();
    let index = |source: &&serde_json::value::RawValue| {
        let members = object(source)?;
        Some((string(members.get("name")?)?.into_owned(), address(&string(members.get("url")?)?)))
    };
    sources.iter().filter_map(index).collect()
}

fn entry(name: &str, members: &Members<'_>, line: u32, scope: Scope, indexes: &HashMap<String, String>, out: &mut Out) {
    let text = |key: &str| members.get(key).and_then(string);
    let Some(version) = text("version").filter(|version| version.starts_with("==")) else {
        // A folder is of the project.
        if text("path").is_none() {
            unversioned(out, line, Some(name));
        }
        return;
    };
    let Some(release) = out.take(line, release(name, version.trim_start_matches('=').trim())) else { return };
    let mut locked = Locked::new(release, line);
    locked.scope = scope;
    locked.origin = if let Some(git) = text("git") {
        Origin::Git(git_address(&git, text("ref").as_deref()))
    } else if let Some(file) = text("file") {
        Origin::Url(address(&file))
    } else {
        Origin::Registry(text("index").and_then(|index| indexes.get(index.as_ref()).cloned()))
    };
    let digests: Vec<String> =
        members.get("hashes").and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default();
    locked.integrity = integrity(out, line, &locked.release, digests.iter().map(String::as_str));
    out.push(locked);
}
