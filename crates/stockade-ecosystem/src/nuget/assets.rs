//! What a restore and a build leave: `obj/project.assets.json` and `*.deps.json`. Both list libraries as `Left.Demo/1.0.0`,
//! and for each target what every library needs. Projects of the same sources are libraries, too.

use std::collections::HashMap;

use super::lockfile::normal;
use super::release;
use crate::Lockfile;
use crate::Scope;
use crate::json::{Members, object, string};
use crate::locked::{Graph, Lines, Locked, Out, json, read};

pub(super) static PROJECT_ASSETS: Lockfile = Lockfile {
    name: "project.assets.json",
    matches: |path| path.rsplit('/').next() == Some("project.assets.json"),
    parse: |bytes| read(bytes, assets),
};

pub(super) static DEPS: Lockfile = Lockfile {
    name: "deps.json",
    matches: |path| path.rsplit('/').next().is_some_and(|file| file.ends_with(".deps.json")),
    parse: |bytes| read(bytes, deps),
};

fn assets(text: &str, out: &mut Out) {
    let Some((file, libraries)) = libraries(text, out) else { return };
    let project = file.get("project").and_then(object);
    let frameworks = project.as_ref().and_then(|project| project.get("frameworks")).and_then(object);
    let Some(frameworks) = frameworks else {
        return out.problem(1, "it has no `project`, so who asks for what is not known");
    };
    for entry in &mut out.entries {
        entry.direct = Some(false);
    }
    for (_, framework) in &frameworks.0 {
        let asked = object(framework).and_then(|members| members.get("dependencies").and_then(object));
        for id in asked.into_iter().flat_map(|asked| asked.0).filter_map(|(id, _)| normal(&id)) {
            // Of several versions of one package, all of them: there is one for each framework.
            for at in libraries.by_name.get(&id).into_iter().flatten() {
                if let Some(entry) = usize::try_from(*at).ok().and_then(|at| out.entries.get_mut(at)) {
                    entry.direct = Some(true);
                }
            }
        }
    }
}

fn deps(text: &str, out: &mut Out) {
    libraries(text, out);
}

/// The entries of a file by their name and version as they are written, and by name.
#[derive(Default)]
struct Libraries {
    by_key: HashMap<String, Option<u32>>,
    by_name: HashMap<String, Vec<u32>>,
}

fn libraries<'a>(text: &'a str, out: &mut Out) -> Option<(Members<'a>, Libraries)> {
    let file = json(text, out)?;
    let lines = Lines::of(text);
    let mut libraries = Libraries::default();
    let Some(listed) = file.get("libraries").and_then(object) else {
        out.problem(1, "it has no `libraries`, so it is no list of NuGet");
        return None;
    };
    for key in listed.repeated() {
        out.problem_of_all(format!("`{}` is there twice", key.escape_debug()));
    }
    for (key, value) in &listed.0 {
        let line = lines.line_of(value.get()).unwrap_or(1);
        let kind = object(value).and_then(|members| members.get("type").and_then(string));
        let at = match kind.as_deref() {
            Some("package") => add(key, line, &mut libraries, out),
            Some(_) => None,
            None => {
                out.problem(line, format!("of what kind `{}` is cannot be read", key.escape_debug()));
                None
            }
        };
        libraries.by_key.insert(key.to_lowercase(), at);
    }
    let mut graph = Graph::new();
    for (_, target) in file.get("targets").and_then(object).into_iter().flat_map(|targets| targets.0) {
        of_target(target, &lines, &libraries, &mut graph, out);
    }
    graph.join(out, |edge, out| {
        let found = libraries.by_key.get(&edge.to);
        if found.is_none() {
            out.problem(edge.line, format!("`{}` is needed and has no entry", edge.to.escape_debug()));
        }
        found.copied().flatten()
    });
    Some((file, libraries))
}

fn add(key: &str, line: u32, libraries: &mut Libraries, out: &mut Out) -> Option<u32> {
    let Some((id, version)) = key.split_once('/') else {
        out.problem(line, format!("`{}` has no version, so it cannot be said what it is", key.escape_debug()));
        return None;
    };
    let release = out.take(line, release(id, version))?;
    let name = release.package.name.as_str().to_owned();
    let at = out.push(Locked::new(release, line))?;
    libraries.by_name.entry(name).or_default().push(at);
    Some(at)
}

/// What the libraries of a target need. A need names a version that is enough; which is taken, the target says.
fn of_target(
    target: &serde_json::value::RawValue,
    lines: &Lines<'_>,
    libraries: &Libraries,
    graph: &mut Graph<String>,
    out: &mut Out,
) {
    let Some(members) = object(target) else {
        return out.problem(lines.line_of(target.get()).unwrap_or(1), "it is no list of libraries");
    };
    let chosen: HashMap<String, String> = members
        .0
        .iter()
        .filter_map(|(key, _)| Some((key.split_once('/')?.0.to_lowercase(), key.to_lowercase())))
        .collect();
    for (key, value) in &members.0 {
        let Some(Some(from)) = libraries.by_key.get(&key.to_lowercase()) else { continue };
        let line = lines.line_of(value.get()).unwrap_or(1);
        let needs = object(value).and_then(|members| members.get("dependencies").and_then(object));
        for (id, _) in needs.into_iter().flat_map(|needs| needs.0) {
            let id = id.to_lowercase();
            graph.add(Some(*from), chosen.get(&id).cloned().unwrap_or(id), Scope::Unknown, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_said() {
        let problems = |text: &str| (DEPS.parse)(text.as_bytes()).problems.len();
        assert_eq!(problems(r#"{"libraries": {"A/1.0": {"type": "package"}, "Own/1.0.0": {"type": "project"}}}"#), 0);
        for text in [
            "",
            "{}",
            r#"{"libraries": {"A": {"type": "package"}}}"#,
            r#"{"libraries": {"A/x": {"type": "package"}}}"#,
            r#"{"libraries": {"A/1.0": {}}}"#,
            r#"{"libraries": {"A/1.0": {"type": "package"}}, "targets": {"t": 1}}"#,
            r#"{"libraries": {"A/1.0": {"type": "package"}}, "targets": {"t": {"A/1.0": {"dependencies": {"B": "1.0"}}}}}"#,
        ] {
            assert_eq!(problems(text), 1, "{text}");
        }
        assert_eq!((PROJECT_ASSETS.parse)(br#"{"libraries": {}}"#).problems.len(), 1);
    }
}
