//! `go.mod`, `go.work` and `go.sum`: which modules a project is built of.
//!
//! Of a module before Go 1.17, what its requirements need is not in `go.mod`. That is said, and not guessed.

use std::collections::HashMap;

use super::modfile::{Directive, directives};
use super::{STDLIB, release, sum};
use crate::locked::{Locked, Out, read};
use crate::{Lockfile, Manifest, Origin, Scope};

pub(super) static GO_MOD: Lockfile = Lockfile {
    name: "go.mod",
    matches: |path| file(path) == "go.mod" && !is_of_module(path),
    parse: |bytes| read(bytes, go_mod),
};

pub(super) static GO_WORK: Lockfile = Lockfile {
    name: "go.work",
    matches: |path| file(path) == "go.work" && !is_of_module(path),
    parse: |bytes| read(bytes, go_work),
};

/// It lists more than is built, so it counts only where nothing better is.
pub(super) static GO_SUM: Manifest = Manifest {
    file: Lockfile {
        name: "go.sum",
        matches: |path| file(path) == "go.sum" && !is_of_module(path),
        parse: |bytes| read(bytes, sum::parse),
    },
    answered_by: &[&GO_MOD],
    below: &[],
};

fn file(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// True of a file in the folder of a module that Go fetched: `pkg/mod/example.org/left@v1.0.0/go.mod`. What it asks for, it
/// asks for itself, and the project's own file has the outcome.
fn is_of_module(path: &str) -> bool {
    path.split('/').any(|folder| folder.contains("@v"))
}

/// What takes the place of a module, or of one version of it.
struct Replacement<'a> {
    version: Option<&'a str>,
    by: &'a str,
    /// `None` of a folder.
    by_version: Option<&'a str>,
    line: u32,
}

fn go_mod(text: &str, out: &mut Out) {
    let mut replaced: HashMap<&str, Vec<Replacement<'_>>> = HashMap::new();
    let mut required: Vec<Directive<'_>> = Vec::new();
    let mut excluded: Vec<(&str, &str)> = Vec::new();
    let mut language: Option<(&str, u32)> = None;
    let mut toolchain: Option<(&str, u32)> = None;
    let directives = directives(text, out);
    let mut has_module = false;
    for directive in directives {
        let line = directive.line;
        match (directive.verb, directive.words.as_slice()) {
            ("module", [_]) => has_module = true,
            ("require", [_, _]) => required.push(directive),
            ("exclude", [name, version]) => excluded.push((name, version)),
            ("replace", words) => match replacement(words, line) {
                Some((name, by)) => replaced.entry(name).or_default().push(by),
                None => out.problem(line, "what replaces a module cannot be read"),
            },
            ("go", [version]) => language = Some((version, line)),
            ("toolchain", [version]) => toolchain = Some((version, line)),
            // None of them says which release of a module is built.
            ("retract" | "godebug" | "tool" | "ignore", _) => {}
            (verb, _) => out.problem(line, format!("`{}` cannot be read here", verb.escape_debug())),
        }
    }
    if !has_module {
        out.problem_of_all("it has no `module`, so it is no description of one, or breaks off");
    }
    let (listed, is_pruned) = (!required.is_empty(), language.is_some_and(|(version, _)| lists_all(version)));
    for directive in required {
        require(&directive, &replaced, &excluded, out);
    }
    if listed && !is_pruned {
        out.problem_of_all("it is of Go before 1.17, so what its requirements need is not in it");
    }
    stdlib(language, toolchain, out);
}

/// A workspace: its modules have files of their own, and only what it replaces is said here.
fn go_work(text: &str, out: &mut Out) {
    let (mut language, mut toolchain) = (None, None);
    for directive in directives(text, out) {
        let line = directive.line;
        match (directive.verb, directive.words.as_slice()) {
            ("go", [version]) => language = Some((*version, line)),
            ("toolchain", [version]) => toolchain = Some((*version, line)),
            ("replace", words) => match replacement(words, line) {
                Some((name, Replacement { by, by_version: Some(version), .. })) => {
                    if let Some(entry) = add(by, version, line, out) {
                        out.entries[entry].origin = Origin::Registry(None);
                        out.notice(
                            line,
                            format!("in every module of the workspace it is in the place of `{}`", name.escape_debug()),
                        );
                    }
                }
                Some(_) => {}
                None => out.problem(line, "what replaces a module cannot be read"),
            },
            ("use" | "godebug", _) => {}
            (verb, _) => out.problem(line, format!("`{}` cannot be read here", verb.escape_debug())),
        }
    }
    if language.is_none() {
        out.problem_of_all("it has no `go`, so it is no workspace, or breaks off");
    }
    stdlib(language, toolchain, out);
}

fn require(
    directive: &Directive<'_>,
    replaced: &HashMap<&str, Vec<Replacement<'_>>>,
    excluded: &[(&str, &str)],
    out: &mut Out,
) {
    let [name, version] = directive.words[..] else { return };
    let line = directive.line;
    if excluded.contains(&(name, version)) {
        let (name, version) = (name.escape_debug(), version.escape_debug());
        return out.problem(
            line,
            format!("`{name}` {version} is required and excluded; which release is next, only Go knows"),
        );
    }
    let by = replaced.get(name).into_iter().flatten().filter(|by| by.version.is_none_or(|only| only == version));
    // One that names the version comes before one that does not.
    let by = by.max_by_key(|by| by.version.is_some());
    let entry = match by {
        // A folder is of the project.
        Some(Replacement { by_version: None, .. }) => return,
        Some(Replacement { by, by_version: Some(version), line: at, .. }) => {
            out.notice(*at, format!("it is in the place of `{}`", name.escape_debug()));
            add(by, version, *at, out)
        }
        None => add(name, version, line, out),
    };
    if let Some(entry) = entry {
        out.entries[entry].direct = Some(!directive.is_indirect());
    }
}

/// `left => right v1.0.0`, `left v1.0.0 => ../left`
fn replacement<'a>(words: &[&'a str], line: u32) -> Option<(&'a str, Replacement<'a>)> {
    let arrow = words.iter().position(|word| *word == "=>")?;
    let (name, version) = match &words[..arrow] {
        [name] => (*name, None),
        [name, version] => (*name, Some(*version)),
        _ => return None,
    };
    let (by, by_version) = match &words[arrow + 1..] {
        [by] => (*by, None),
        [by, version] => (*by, Some(*version)),
        _ => return None,
    };
    let is_folder = by.starts_with(['.', '/']) || by.contains('\\') || by.get(1..2) == Some(":");
    (is_folder == by_version.is_none()).then_some((name, Replacement { version, by, by_version, line }))
}

/// The place of the entry.
fn add(name: &str, version: &str, line: u32, out: &mut Out) -> Option<usize> {
    let release = out.take(line, release(name, version))?;
    usize::try_from(out.push(Locked { scope: Scope::Unknown, ..Locked::new(release, line) })?).ok()
}

/// From Go 1.17 on, a module's file lists all that it is built of.
fn lists_all(language: &str) -> bool {
    let mut numbers = language.split('.').map(|part| {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part[..end].parse::<u64>().unwrap_or_default()
    });
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default()) >= (1, 17)
}

/// Go's own library, of the version that the file asks for at least.
fn stdlib(language: Option<(&str, u32)>, toolchain: Option<(&str, u32)>, out: &mut Out) {
    let toolchain = toolchain.filter(|(name, _)| *name != "default");
    let Some((version, line)) = toolchain.or(language) else { return };
    // `go1.22.1-custom` is one of somebody's own making, and leads to 1.22.1.
    let version = version.strip_prefix("go").unwrap_or(version);
    let version = version.split_once('-').map_or(version, |(version, _)| version);
    let Some(entry) = add(STDLIB, version, line, out) else { return };
    (out.entries[entry].scope, out.entries[entry].direct) = (Scope::Run, Some(true));
    out.notice(line, "it is the oldest Go that may build this; the one that does may be newer");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lockfile: &Lockfile, text: &str) -> String {
        let parsed = (lockfile.parse)(text.as_bytes());
        let entries = parsed.value.iter().map(|entry| format!("{}: {} {:?}", entry.line, entry.release, entry.direct));
        let problems = parsed.problems.iter().map(|problem| format!("problem {:?} {}", problem.line, problem.what));
        let notices = parsed.notices.iter().map(|notice| format!("notice {:?} {}", notice.line, notice.what));
        entries.chain(problems).chain(notices).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_replaced_is_what_it_is_replaced_by() {
        let text = "module mod.example/demo\ngo 1.22\nrequire (\n\tmod.example/left v1.0.0\n\tmod.example/own v0.1.0\n\tmod.example/right v1.0.0 // indirect\n)\nreplace (\n\tmod.example/left => mod.example/fork v1.0.1\n\tmod.example/left v1.0.0 => mod.example/exact v1.0.2\n\tmod.example/own => ../own\n\tmod.example/right v9.9.9 => mod.example/no v1.0.0\n)\n";
        insta::assert_snapshot!(told(&GO_MOD, text), @"
        10: mod.example/exact@v1.0.2 Some(true)
        6: mod.example/right@v1.0.0 Some(false)
        2: stdlib@1.22 Some(true)
        notice Some(10) it is in the place of `mod.example/left`
        notice Some(2) it is the oldest Go that may build this; the one that does may be newer
        ");
    }

    #[test]
    fn an_old_or_damaged_module_is_a_gap() {
        insta::assert_snapshot!(told(&GO_MOD, "module a.example/a\nrequire b.example/b v1.0.0\n"), @"
        2: b.example/b@v1.0.0 Some(true)
        problem None it is of Go before 1.17, so what its requirements need is not in it
        ");
        insta::assert_snapshot!(told(&GO_MOD, "module a.example/a\ngo 1.21\nrequire (\n\tb.example/b v1.0.0\n\tc.example/c"), @"
        4: b.example/b@v1.0.0 Some(true)
        2: stdlib@1.21 Some(true)
        problem Some(3) the block of `require` begins here and does not end: it breaks off
        problem Some(5) `require` cannot be read here
        notice Some(2) it is the oldest Go that may build this; the one that does may be newer
        ");
        insta::assert_snapshot!(told(&GO_MOD, "module a.example/a\ngo 1.21\nexclude b.example/b v1.0.0\nrequire b.example/b v1.0.0\n"), @"
        2: stdlib@1.21 Some(true)
        problem Some(4) `b.example/b` v1.0.0 is required and excluded; which release is next, only Go knows
        notice Some(2) it is the oldest Go that may build this; the one that does may be newer
        ");
        insta::assert_snapshot!(told(&GO_MOD, "module a.example/a\ngo 1.21\nrequire b.example/b latest\nreplace b.example/b => c.example/c\nnew thing\n"), @"
        2: stdlib@1.21 Some(true)
        problem Some(4) what replaces a module cannot be read
        problem Some(5) `new` cannot be read here
        problem Some(3) `latest` is not a version: it is none of a module
        notice Some(2) it is the oldest Go that may build this; the one that does may be newer
        ");
    }

    #[test]
    fn a_workspace_says_what_it_replaces() {
        insta::assert_snapshot!(told(&GO_WORK, "go 1.22.1\ntoolchain go1.23.4\nuse ./a\nuse (\n\t./b\n)\nreplace mod.example/left => mod.example/fork v1.0.1\n"), @"
        7: mod.example/fork@v1.0.1 None
        2: stdlib@1.23.4 Some(true)
        notice Some(7) in every module of the workspace it is in the place of `mod.example/left`
        notice Some(2) it is the oldest Go that may build this; the one that does may be newer
        ");
    }

    #[test]
    fn files_of_fetched_modules_are_not_the_projects() {
        assert!((GO_MOD.matches)("a/go.mod"));
        assert!(!(GO_MOD.matches)("go/pkg/mod/mod.example/left@v1.0.0/go.mod"));
        assert!(!(GO_SUM.file.matches)("go/pkg/mod/mod.example/left@v1.0.0/go.sum"));
    }
}
