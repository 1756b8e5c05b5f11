//! `pom.xml`: what a project asks for itself.
//!
//! A version may stand in the file, in a property of it, or in its own list of versions (`dependencyManagement`). It may as
//! well be in a parent, or in a list that is imported, and those are other files, which only Maven finds. That is said.

use std::collections::HashMap;

use super::elements::{Element, walk};
use super::release;
use crate::Scope;
use crate::locked::{Locked, Out};

/// How often a property may name another one.
const MAX_REFERENCES: usize = 16;
/// The longest value of a property, with others put into it, in bytes.
const MAX_VALUE: usize = 4096;

/// A dependency or a plugin, as it is written.
#[derive(Default, Clone)]
struct Asked {
    fields: HashMap<&'static str, String>,
    line: u32,
}

/// Where dependencies are, what they are for, and whether they are only versions for others.
const PLACES: [(&str, Option<Scope>, bool); 6] = [
    ("project/dependencies/dependency", None, false),
    ("project/dependencyManagement/dependencies/dependency", None, true),
    ("project/build/plugins/plugin", Some(Scope::Build), false),
    ("project/build/pluginManagement/plugins/plugin", Some(Scope::Build), true),
    ("project/build/plugins/plugin/dependencies/dependency", Some(Scope::Build), false),
    ("project/build/extensions/extension", Some(Scope::Build), false),
];

/// What is read of each.
const FIELDS: [&str; 6] = ["groupId", "artifactId", "version", "scope", "optional", "type"];

pub(super) fn parse(text: &str, out: &mut Out) {
    // What is wrong with the document is said by the second walk.
    let (mut properties, mut has_parent, mut has_project) = (HashMap::new(), false, false);
    walk(text, &mut Out::default(), |element, _| {
        has_parent |= element.path == "project/parent";
        has_project |= element.path == "project";
        property(element, &mut properties);
    });
    let mut now: HashMap<&str, Asked> = HashMap::new();
    let mut managed: HashMap<(String, String), Asked> = HashMap::new();
    let mut asked: Vec<(Asked, Option<Scope>)> = Vec::new();
    walk(text, out, |element, out| {
        if element.path.starts_with("project/profiles/") && element.path.ends_with("/dependency") {
            out.problem(element.line, "a profile asks for it, and whether it is in effect is not known");
        }
        for (place, scope, is_managed) in PLACES {
            if element.path == place {
                let found = now.remove(place).unwrap_or_default();
                finish(found, scope, is_managed, &properties, &mut managed, &mut asked, out);
            } else if let Some(field) = element.path.strip_prefix(place).and_then(|rest| rest.strip_prefix('/'))
                && let Some(field) = FIELDS.iter().find(|known| **known == field)
            {
                let now = now.entry(place).or_insert_with(|| Asked { line: element.line, ..Asked::default() });
                now.fields.insert(field, element.text.to_owned());
            }
        }
    });
    for (asked, scope) in &asked {
        add(asked, *scope, &managed, &properties, has_parent, out);
    }
    if has_parent {
        out.problem_of_all("it has a parent, and what that asks for is not read");
    }
    if !has_project {
        out.problem_of_all("it has no `project` that ends, so it is no description of a project, or breaks off");
    }
}

fn finish(
    mut found: Asked,
    scope: Option<Scope>,
    is_managed: bool,
    properties: &HashMap<String, String>,
    managed: &mut HashMap<(String, String), Asked>,
    asked: &mut Vec<(Asked, Option<Scope>)>,
    out: &mut Out,
) {
    // Plugins of Maven itself need no group.
    if scope == Some(Scope::Build) {
        found.fields.entry("groupId").or_insert_with(|| "org.apache.maven.plugins".to_owned());
    }
    if !is_managed {
        return asked.push((found, scope));
    }
    if found.fields.get("scope").is_some_and(|scope| scope == "import") {
        out.problem(found.line, format!("the versions of `{}` are imported and not read", shown(&found, properties)));
    }
    managed.insert(key(&found, properties), found);
}

fn key(asked: &Asked, properties: &HashMap<String, String>) -> (String, String) {
    let field = |name| asked.fields.get(name).map(|text| resolved(text, properties)).unwrap_or_default();
    (field("groupId"), field("artifactId"))
}

fn shown(asked: &Asked, properties: &HashMap<String, String>) -> String {
    let (group, artifact) = key(asked, properties);
    format!("{}:{}", group.escape_debug(), artifact.escape_debug())
}

fn add(
    asked: &Asked,
    scope: Option<Scope>,
    managed: &HashMap<(String, String), Asked>,
    properties: &HashMap<String, String>,
    has_parent: bool,
    out: &mut Out,
) {
    let (group, artifact) = key(asked, properties);
    let listed = managed.get(&(group.clone(), artifact.clone()));
    let field = |name| asked.fields.get(name).or_else(|| listed.and_then(|listed| listed.fields.get(name)));
    let name = shown(asked, properties);
    let Some(version) = field("version").map(|version| resolved(version, properties)) else {
        let from = if has_parent { "a parent, or a list that is imported, has it" } else { "it is not in this file" };
        return out.problem(asked.line, format!("the version of `{name}` is not known: {from}"));
    };
    if version.contains("${") {
        return out.problem(asked.line, format!("the version of `{name}` is in a property that is not in this file"));
    }
    // One version in brackets is that one and no other.
    let only = version.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|only| !only.contains(','));
    let version = only.unwrap_or(&version).trim();
    if version.contains(['[', ']', '(', ')', ',']) || matches!(version, "LATEST" | "RELEASE") {
        let version = version.escape_debug();
        return out.problem(asked.line, format!("`{name}` has no exact version: {version}"));
    }
    let Some(release) = out.take(asked.line, release(&group, &artifact, version)) else { return };
    let mut locked = Locked::new(release, asked.line);
    let is_optional = field("optional").is_some_and(|optional| optional == "true");
    locked.scope = scope.unwrap_or_else(|| match field("scope").map(String::as_str) {
        Some("test") => Scope::Dev,
        Some("provided" | "system") => Scope::Build,
        _ if is_optional => Scope::Optional,
        _ => Scope::Run,
    });
    locked.direct = Some(true);
    out.push(locked);
}

/// Takes a property that the project declares, or that Maven makes of its own coordinates.
fn property(element: &Element<'_>, properties: &mut HashMap<String, String>) {
    if let Some(name) = element.path.strip_prefix("project/properties/") {
        properties.insert(name.to_owned(), element.text.to_owned());
    }
    let own = element.path.strip_prefix("project/").filter(|name| ["groupId", "artifactId", "version"].contains(name));
    let parents = element.path.strip_prefix("project/parent/").filter(|name| ["groupId", "version"].contains(name));
    for prefix in ["project.", "pom."] {
        if let Some(name) = own {
            properties.insert(format!("{prefix}{name}"), element.text.to_owned());
        }
        if let Some(name) = parents {
            properties.entry(format!("{prefix}{name}")).or_insert_with(|| element.text.to_owned());
            properties.insert(format!("{prefix}parent.{name}"), element.text.to_owned());
        }
    }
}

/// A text with its properties put in, as far as they are known.
fn resolved(text: &str, properties: &HashMap<String, String>) -> String {
    let mut text = text.trim().to_owned();
    for _ in 0..MAX_REFERENCES {
        let reference = text.find("${").and_then(|start| Some((start, start + text[start..].find('}')?)));
        let Some((start, end)) = reference else { break };
        let Some(value) = properties.get(&text[start + 2..end]) else { break };
        text.replace_range(start..=end, value);
        if text.len() > MAX_VALUE {
            break;
        }
    }
    text
}
