//! `pyproject.toml`: what a project asks for. What builds it is chosen anew at each build, and no lockfile has it.

mod setup;

use super::lockfile::{PDM_LOCK, POETRY_LOCK, PYLOCK, UV_LOCK, release};
use super::name;
use crate::locked::toml::{Toml, Value, get, items, members, text};
use crate::locked::{Locked, Out, is_below, read};
use crate::{Lockfile, Manifest, Scope};

pub(super) use setup::{SETUP_CFG, SETUP_PY};

pub(super) static PYPROJECT: Manifest = Manifest {
    file: Lockfile {
        name: "pyproject.toml",
        matches: |path| path.rsplit('/').next() == Some("pyproject.toml") && !is_below(path, "site-packages"),
        parse: |bytes| read(bytes, parse),
    },
    answered_by: PLACES,
    below: &[],
};

/// The lockfiles that say what is taken. A `requirements.txt` may be of anything, and says itself what it leaves open.
const PLACES: &[&Lockfile] = &[&UV_LOCK, &POETRY_LOCK, &PDM_LOCK, &PYLOCK];
/// What a manifest without a lockfile leaves open besides what it says.
const NEEDS: &str = "no lockfile of it is among what is read, so what its packages need is not known";

fn parse(text: &str, out: &mut Out) {
    let file = Toml::read(text, out);
    let project = file.get("project");
    let mut asked: Vec<(&Value<'_>, Scope)> = Vec::new();
    let own = project.and_then(|project| get(project, "dependencies"));
    asked.extend(own.into_iter().flat_map(items).map(|item| (item, Scope::Run)));
    let extras = project.and_then(|project| get(project, "optional-dependencies"));
    asked.extend(
        extras.into_iter().flat_map(members).flat_map(|(_, list)| items(list)).map(|item| (item, Scope::Optional)),
    );
    let groups = file.get("dependency-groups").into_iter().flat_map(members);
    asked.extend(groups.flat_map(|(_, list)| items(list)).map(|item| (item, Scope::Dev)));
    let mut asks = false;
    for (item, scope) in asked {
        // A group may include another one of the file.
        if let Some(wanted) = item.get_ref().as_str() {
            asks = true;
            requirement(wanted, scope, file.line(item), out);
        }
    }
    asks |= poetry(&file, out);
    if asks {
        out.problem_of_all(NEEDS);
    }
}

/// `left[extra]==1.0; marker`
fn requirement(wanted: &str, scope: Scope, line: u32, out: &mut Out) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let (bare, rest) = wanted.split_at(wanted.find(|c| !is_name(c)).unwrap_or(wanted.len()));
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(rest, |(_, rest)| rest);
    let range = rest.split(';').next().unwrap_or(rest).trim().trim_matches(['(', ')']).trim();
    exact(bare, range, scope, line, out);
}

fn exact(bare: &str, range: &str, scope: Scope, line: u32, out: &mut Out) {
    let version = range.strip_prefix("===").or_else(|| range.strip_prefix("==")).map(str::trim);
    let version = version.filter(|version| !version.contains([',', '*', ' ']));
    match version.and_then(|version| release(bare, version).ok()) {
        Some(release) => {
            out.push(Locked { scope, direct: Some(true), ..Locked::new(release, line) });
        }
        None => out.open(line, &name::normalised(bare), if range.is_empty() { "any" } else { range }),
    }
}

/// What Poetry has of its own: tables of names and ranges. True if it asks for anything.
fn poetry(file: &Toml<'_>, out: &mut Out) -> bool {
    let Some(poetry) = file.get("tool").and_then(|tool| get(tool, "poetry")) else { return false };
    let groups = get(poetry, "group").into_iter().flat_map(members);
    let groups = groups.filter_map(|(_, group)| get(group, "dependencies")).map(|table| (table, Scope::Dev));
    let own = get(poetry, "dependencies").map(|table| (table, Scope::Run));
    let mut asks = false;
    for (table, scope) in own.into_iter().chain(groups) {
        for (name, value) in members(table).filter(|(name, _)| *name != "python") {
            if get(value, "path").is_some() {
                continue;
            }
            asks = true;
            let range =
                value.get_ref().as_str().or_else(|| text(value, "version")).unwrap_or("what is not of a registry");
            // Without a sign it is exact, if it is a version.
            let bare = range.trim();
            let is_bare = bare.starts_with(|c: char| c.is_ascii_digit());
            exact(name, &if is_bare { format!("=={bare}") } else { bare.to_owned() }, scope, file.line(value), out);
        }
    }
    asks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> (Vec<String>, Vec<Option<u32>>) {
        let parsed = (PYPROJECT.file.parse)(text.as_bytes());
        let told = parsed.value.iter().map(|entry| format!("{} {} {:?}", entry.line, entry.release, entry.scope));
        (told.collect(), parsed.problems.iter().map(|problem| problem.line).collect())
    }

    #[test]
    fn only_exact_versions_are_releases() {
        let text = "[project]\ndependencies = [\n\"Left[x]==1.0; python_version > '3'\",\n\"right>=2\",\n\"any\",\n\"star==1.*\"]\n[dependency-groups]\ndev = [\"dev==3.0\", {include-group = \"x\"}]\n";
        assert_eq!(
            told(text),
            (vec!["3 left@1.0 Run".to_owned(), "8 dev@3.0 Dev".to_owned()], vec![Some(4), Some(5), Some(6), None])
        );
        let text = "[tool.poetry.dependencies]\npython = \"^3.11\"\nleft = \"1.0\"\nright = \"^2.0\"\nown = {path = \"../own\"}\n[tool.poetry.group.dev.dependencies]\ndev = {version = \"==3.0\"}\n";
        assert_eq!(told(text), (vec!["3 left@1.0 Run".to_owned(), "7 dev@3.0 Dev".to_owned()], vec![Some(4), None]));
        assert_eq!(told("[build-system]\nrequires = [\"setuptools\"]\n"), (vec![], vec![]));
        assert_eq!(told("[project").1.len(), 1);
    }
}
