//! `packages.lock.json`, which says for each framework what was chosen; and `packages.config`, in which older projects list
//! everything themselves.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::{name, release};
use crate::json::{object, string};
use crate::locked::{Graph, Lines, Locked, Out, json, read};
use crate::{Lockfile, Scope};

pub(super) static PACKAGES_LOCK: Lockfile = Lockfile {
    name: "packages.lock.json",
    matches: |path| path.rsplit('/').next() == Some("packages.lock.json"),
    parse: |bytes| read(bytes, packages_lock),
};

pub(super) static PACKAGES_CONFIG: Lockfile = Lockfile {
    name: "packages.config",
    matches: |path| path.rsplit('/').next() == Some("packages.config"),
    parse: |bytes| read(bytes, packages_config),
};

fn packages_lock(text: &str, out: &mut Out) {
    let Some(file) = json(text, out) else { return };
    if !file.get("version").is_some_and(|version| matches!(version.get(), "1" | "2")) {
        out.problem(1, "its version is none that is known (1, 2); it is read as far as it is understood");
    }
    let Some(frameworks) = file.get("dependencies").and_then(object) else {
        return out.problem(1, "it has no `dependencies`, so it is no lockfile of NuGet");
    };
    let lines = Lines::of(text);
    for (framework, packages) in &frameworks.0 {
        let Some(packages) = object(packages) else {
            out.problem_of_all(format!("`{}` is no list of packages", framework.escape_debug()));
            continue;
        };
        for id in packages.repeated() {
            out.problem_of_all(format!("`{}` is there twice", id.escape_debug()));
        }
        of_framework(&packages, &lines, out);
    }
}

fn of_framework(packages: &crate::json::Members<'_>, lines: &Lines<'_>, out: &mut Out) {
    let mut by_name: HashMap<String, Option<u32>> = HashMap::new();
    let mut graph = Graph::new();
    for (id, value) in &packages.0 {
        let line = lines.line_of(value.get()).unwrap_or(1);
        let Some(members) = object(value) else {
            out.problem(line, "it is no package");
            continue;
        };
        let text = |key: &str| members.get(key).and_then(string);
        let kind = text("type").unwrap_or_default();
        // A project is of the same sources.
        let at = if kind == "Project" {
            None
        } else if let Some(version) = text("resolved") {
            let Some(release) = out.take(line, release(id, &version)) else { continue };
            let direct = Some(kind == "Direct");
            let Some(at) = out.push(Locked { direct, ..Locked::new(release, line) }) else { continue };
            Some(at)
        } else {
            out.problem(line, format!("`{}` has no version, so it cannot be said what it is", id.escape_debug()));
            continue;
        };
        by_name.insert(id.to_lowercase(), at);
        for (need, _) in members.get("dependencies").and_then(object).into_iter().flat_map(|needs| needs.0) {
            graph.add(at, need.to_lowercase(), Scope::Unknown, line);
        }
    }
    let own = graph.join(out, |edge, out| {
        let found = by_name.get(&edge.to);
        if found.is_none() {
            out.problem(edge.line, format!("`{}` is needed and has no entry", edge.to.escape_debug()));
        }
        found.copied().flatten()
    });
    // What another project of the same sources asks for is asked for here.
    for (at, _) in own {
        if let Some(entry) = usize::try_from(at).ok().and_then(|at| out.entries.get_mut(at)) {
            entry.direct = Some(true);
        }
    }
}

fn packages_config(text: &str, out: &mut Out) {
    let lines = Lines::of(text);
    let mut reader = Reader::from_str(text);
    let mut has_root = false;
    loop {
        let line = lines.line(usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX));
        match reader.read_event() {
            Ok(Event::Start(tag) | Event::Empty(tag)) if tag.local_name().as_ref() == "package" => {
                let attribute = |key: &str| {
                    let found = tag.attributes().filter_map(Result::ok).find(|found| found.key.as_ref() == key)?;
                    Some(found.value.trim().to_owned())
                };
                let (Some(id), Some(version)) = (attribute("id"), attribute("version")) else {
                    out.problem(line, "a package has no `id` or no `version`, so it cannot be said what it is");
                    continue;
                };
                let Some(release) = out.take(line, release(&id, &version)) else { continue };
                let is_dev = attribute("developmentDependency").is_some_and(|told| told == "true");
                let scope = if is_dev { Scope::Dev } else { Scope::Unknown };
                out.push(Locked { scope, ..Locked::new(release, line) });
            }
            Ok(Event::End(tag)) if tag.local_name().as_ref() == "packages" => has_root = true,
            Ok(Event::Empty(tag)) if tag.local_name().as_ref() == "packages" => has_root = true,
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(_) => return out.problem(line, "from here on it is not XML"),
        }
    }
    if !has_root {
        out.problem_of_all("it has no `packages` that ends, so it is no list of NuGet, or breaks off");
    }
}

/// The id in its normal form, if it is one.
pub(super) fn normal(id: &str) -> Option<String> {
    name::parse(id).ok().map(|name| name.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_of_a_lockfile_is_said() {
        let problems = |text: &str| (PACKAGES_LOCK.parse)(text.as_bytes()).problems.len();
        let of = |packages: &str| format!("{{\"version\": 1, \"dependencies\": {{\"net8.0\": {packages}}}}}");
        assert_eq!(problems(&of("{}")), 0);
        assert_eq!(
            problems(&of(
                r#"{"A": {"type": "Project", "dependencies": {"b": "1"}}, "B": {"type": "Transitive", "resolved": "1.0"}}"#
            )),
            0
        );
        for packages in [
            "1",
            r#"{"A": 1}"#,
            r#"{"A": {"type": "Direct"}}"#,
            r#"{"A": {"type": "Direct", "resolved": "1.*"}}"#,
            r#"{"A!": {"type": "Direct", "resolved": "1.0"}}"#,
            r#"{"A": {"type": "Direct", "resolved": "1.0", "dependencies": {"Gone": "1.0"}}}"#,
        ] {
            assert_eq!(problems(&of(packages)), 1, "{packages}");
        }
        for text in ["", "[]", "{\"version\": 1}", "{\"version\": 9, \"dependencies\": {}}"] {
            assert_eq!(problems(text), 1, "{text}");
        }
    }

    #[test]
    fn a_list_in_xml_is_read() {
        let text = "<?xml version=\"1.0\"?>\n<packages>\n  <package id=\"Left.Demo\" version=\"1.0.0.1\" targetFramework=\"net48\" />\n  <package id='Build' version='2.0' developmentDependency='true'/>\n  <package id=\"No\" />\n</packages>\n";
        let parsed = (PACKAGES_CONFIG.parse)(text.as_bytes());
        let told = |entry: &Locked| format!("{}: {} {:?}", entry.line, entry.release, entry.scope);
        assert_eq!(
            parsed.value.iter().map(told).collect::<Vec<_>>(),
            ["3: left.demo@1.0.0.1 Unknown", "4: build@2.0 Dev"]
        );
        assert_eq!(parsed.problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(5)]);
        for text in ["", "<packages>", "<packages><package id=\"a\" version=\"1.0\"/>", "<a></b>"] {
            assert!(!(PACKAGES_CONFIG.parse)(text.as_bytes()).problems.is_empty(), "{text}");
        }
    }
}
