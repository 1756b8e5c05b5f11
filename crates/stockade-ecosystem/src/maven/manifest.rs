//! What a build with Gradle asks for: `build.gradle`, a program that is not run, and the list of versions that its projects
//! share (`libs.versions.toml`).
//!
//! Of the program, the texts that have the form of a release are read. It may ask for more in other ways, so there is
//! always a gap if there is no lockfile.

use super::lockfile::{GRADLE_LOCK, release};
use crate::locked::toml::{Toml, Value, get, members, text};
use crate::locked::{Locked, Out, read};
use crate::{Lockfile, Manifest};

pub(super) static BUILD_GRADLE: Manifest = Manifest {
    file: Lockfile {
        name: "build.gradle",
        matches: |path| matches!(path.rsplit('/').next(), Some("build.gradle" | "build.gradle.kts")),
        parse: |bytes| read(bytes, build),
    },
    answered_by: &[&GRADLE_LOCK],
    below: &["gradle/dependency-locks"],
};

pub(super) static VERSION_CATALOG: Manifest = Manifest {
    file: Lockfile {
        name: "libs.versions.toml",
        matches: |path| path.ends_with(".versions.toml"),
        parse: |bytes| read(bytes, catalog),
    },
    answered_by: &[&GRADLE_LOCK],
    below: &[],
};

fn build(document: &str, out: &mut Out) {
    let mut asks = false;
    for (content, line) in document.lines().zip(1..) {
        let content = content.trim();
        if content.starts_with("//") || content.starts_with('*') {
            continue;
        }
        asks |= content.starts_with("dependencies");
        for quote in ['\'', '"'] {
            for told in content.split(quote).skip(1).step_by(2) {
                coordinates(told, line, out);
            }
        }
    }
    if asks {
        out.problem_of_all("no lockfile of it is among what is read, so what the build takes is not known");
    }
}

/// `group:artifact:version`, with a classifier or the type of a file behind it.
fn coordinates(told: &str, line: u32, out: &mut Out) {
    let parts: Vec<&str> = told.split(['@', ':']).collect();
    if let [group, artifact, version] | [group, artifact, version, _] = parts[..]
        && told.matches(':').count() >= 2
        && group.contains(|c: char| c.is_ascii_alphabetic())
        && !told.contains([' ', '/'])
    {
        add(group, artifact, version, line, out);
    }
}

fn add(group: &str, artifact: &str, version: &str, line: u32, out: &mut Out) {
    let is_exact = !version.contains(['+', '[', ']', '(', ')', ',', '$']) && !version.starts_with("latest.");
    match release(group, artifact, version.trim_end_matches('!')).ok().filter(|_| is_exact) {
        Some(release) => {
            out.push(Locked { direct: Some(true), ..Locked::new(release, line) });
        }
        None => out.open(line, &format!("{group}:{artifact}"), version),
    }
}

fn catalog(document: &str, out: &mut Out) {
    let file = Toml::read(document, out);
    let shared = file.get("versions");
    for section in ["libraries", "plugins"] {
        for (alias, value) in file.get(section).into_iter().flat_map(members) {
            let line = file.line(value);
            let whole: Option<Vec<&str>> = value.get_ref().as_str().map(|whole| whole.split(':').collect());
            let module = text(value, "module").and_then(|module| module.split_once(':'));
            let version = || get(value, "version").and_then(|version| exactly(version, shared));
            let found = match (whole.as_deref(), section) {
                (Some([group, artifact, version]), _) => {
                    Some(((*group).to_owned(), (*artifact).to_owned(), Some((*version).to_owned())))
                }
                (Some([id, version]), "plugins") => Some(plugin(id, Some((*version).to_owned()))),
                (Some(_), _) => None,
                (None, "plugins") => text(value, "id").map(|id| plugin(id, version())),
                (None, _) => module
                    .or_else(|| Some((text(value, "group")?, text(value, "name")?)))
                    .map(|(group, artifact)| (group.to_owned(), artifact.to_owned(), version())),
            };
            match found {
                Some((group, artifact, Some(version))) => add(&group, &artifact, &version, line, out),
                // A list of versions that is imported says it.
                Some((group, artifact, None)) => out.open(line, &format!("{group}:{artifact}"), "no version beside it"),
                None => out.problem(line, format!("what `{}` is cannot be read", alias.escape_debug())),
            }
        }
    }
    if !out.entries.is_empty() {
        out.problem_of_all("no lockfile of it is among what is read, so what the build takes is not known");
    }
}

/// The artifact that leads from a plugin's id to its code.
fn plugin(id: &str, version: Option<String>) -> (String, String, Option<String>) {
    (id.to_owned(), format!("{id}.gradle.plugin"), version)
}

/// A version as it is written, by its name in the list, or as the strictest thing that is said of it.
fn exactly(version: &Value<'_>, shared: Option<&Value<'_>>) -> Option<String> {
    let told = |value: &Value<'_>| {
        let strict = || text(value, "strictly").or_else(|| text(value, "require")).or_else(|| text(value, "prefer"));
        value.get_ref().as_str().or_else(strict).map(str::to_owned)
    };
    match text(version, "ref") {
        Some(name) => get(shared?, name).and_then(told),
        None => told(version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(manifest: &Manifest, text: &str) -> (Vec<String>, Vec<Option<u32>>) {
        let parsed = (manifest.file.parse)(text.as_bytes());
        let told = parsed.value.iter().map(|entry| format!("{} {}", entry.line, entry.release));
        (told.collect(), parsed.problems.iter().map(|problem| problem.line).collect())
    }

    #[test]
    fn texts_in_a_build_are_releases() {
        let text = "plugins {\n  id 'java'\n}\ndependencies {\n  implementation 'example.left:left:1.0'\n  runtimeOnly(\"example.right:right:2.+\")\n  // 'example.no:no:1'\n  implementation libs.other\n  testImplementation \"a.b:c:1.0:tests@jar\"\n  url = 'https://a:b:c/'\n}\n";
        assert_eq!(told(&BUILD_GRADLE, text), (vec!["5 example.left/left@1.0".to_owned()], vec![Some(6), None]));
        assert_eq!(told(&BUILD_GRADLE, "plugins { id 'java' }\n"), (vec![], vec![]));
    }

    #[test]
    fn a_list_of_versions_names_releases() {
        let text = "[versions]\nleft = \"1.0\"\nrich = { strictly = \"[1,2)\" }\n[libraries]\nleft = { module = \"example.left:left\", version.ref = \"left\" }\nrich = { group = \"example.rich\", name = \"rich\", version.ref = \"rich\" }\nshort = \"example.short:short:3.0\"\nbom = { module = \"example.bom:a\" }\n[plugins]\ntool = { id = \"example.tool\", version = \"4.0\" }\n";
        assert_eq!(
            told(&VERSION_CATALOG, text),
            (
                vec![
                    "5 example.left/left@1.0".to_owned(),
                    "7 example.short/short@3.0".to_owned(),
                    "10 example.tool/example.tool.gradle.plugin@4.0".to_owned()
                ],
                vec![Some(8), Some(6), None]
            )
        );
    }
}
