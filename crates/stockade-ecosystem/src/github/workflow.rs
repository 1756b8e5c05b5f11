//! `.github/workflows/*.yml`, and `action.yml`: what a job or a composite action uses, `acme/left/path@v1`, wherever YAML
//! lets it stand. A workflow of another repository is used in the same way.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser};

use super::{release, version};
use crate::archive::extension;
use crate::locked::{Locked, Out, is_below, read};
use crate::{Lockfile, Origin, Scope};

/// The most bytes of a file that is read: 1 MiB. GitHub itself takes half of it.
const MAX_BYTES: usize = 1 << 20;
/// How deep values may lie in each other.
const MAX_DEPTH: usize = 64;
/// How many digits a commit has, in SHA-1 and in SHA-256.
const COMMITS: [usize; 2] = [40, 64];
/// What is wrong with a key that no workflow has.
const NO_TEXT: &str = "a key in it is no text, and the rest is not read";
/// Where something is used. `*` is any key, `-` an item of a list.
const USES: [&[&str]; 3] =
    [&["jobs", "*", "uses"], &["jobs", "*", "steps", "-", "uses"], &["runs", "steps", "-", "uses"]];

pub(super) static WORKFLOW: Lockfile = Lockfile {
    name: "workflow",
    matches: |path| {
        let mut parts = path.rsplit('/');
        let is_yaml = parts.next().is_some_and(is_yaml);
        is_yaml && parts.next() == Some("workflows") && parts.next() == Some(".github") && !is_installed(path)
    },
    parse: |bytes| read(bytes, parse),
};

pub(super) static ACTION: Lockfile = Lockfile {
    name: "action.yml",
    matches: |path| matches!(path.rsplit('/').next(), Some("action.yml" | "action.yaml")) && !is_installed(path),
    parse: |bytes| read(bytes, parse),
};

fn is_yaml(file: &str) -> bool {
    matches!(extension(file), "yml" | "yaml")
}

/// What an installed package brings along of its own repository, nobody runs.
fn is_installed(path: &str) -> bool {
    ["node_modules", "site-packages"].iter().any(|folder| is_below(path, folder))
}

fn parse(text: &str, out: &mut Out) {
    if text.len() > MAX_BYTES {
        return out.problem_of_all(format!("it has more than {MAX_BYTES} bytes, so it was not read"));
    }
    let lines: Vec<&str> = text.lines().collect();
    let mut walk = Walk::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let line = u32::try_from(error.marker().line()).unwrap_or(u32::MAX).clamp(1, last(&lines));
                return out.problem(line, "from here on it is not YAML");
            }
        };
        let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX).clamp(1, last(&lines));
        if let Err(why) = walk.take(event, line, &lines, out) {
            return out.problem(line, why);
        }
    }
    if !walk.has_jobs {
        out.problem_of_all("it has no `jobs` and no `runs`, so it is no workflow and no action, or breaks off");
    }
}

fn last(lines: &[&str]) -> u32 {
    u32::try_from(lines.len()).unwrap_or(u32::MAX).max(1)
}

/// A list, or a map with the key whose value comes next.
enum Open<'a> {
    List,
    Map(Option<Cow<'a, str>>),
}

#[derive(Default)]
struct Walk<'a> {
    open: Vec<Open<'a>>,
    /// Texts that have a name by which they may be repeated.
    anchors: HashMap<usize, Cow<'a, str>>,
    /// Maps and lists that have one, and were read where they stand first.
    read: HashSet<usize>,
    has_jobs: bool,
}

impl<'a> Walk<'a> {
    /// An error if the rest cannot be read.
    fn take(&mut self, event: Event<'a>, line: u32, lines: &[&str], out: &mut Out) -> Result<(), &'static str> {
        match event {
            Event::MappingStart(anchor, _) => self.begin(anchor, Open::Map(None))?,
            Event::SequenceStart(anchor, _) => self.begin(anchor, Open::List)?,
            Event::MappingEnd | Event::SequenceEnd => {
                self.open.pop();
                self.close();
            }
            Event::Scalar(text, _, anchor, _) => {
                if anchor > 0 {
                    self.anchors.insert(anchor, text.clone());
                }
                self.text(text, line, lines, out);
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(text) => self.text(text, line, lines, out),
                None if self.is_before_key() => return Err(NO_TEXT),
                None => {
                    if self.is_read_here() && !self.read.contains(&anchor) {
                        out.problem(line, "it repeats a part of the file that stands where nothing is used");
                    }
                    self.close();
                }
            },
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, anchor: usize, open: Open<'a>) -> Result<(), &'static str> {
        if self.open.len() >= MAX_DEPTH {
            return Err("from here on it is nested too deep");
        }
        if self.is_before_key() {
            return Err(NO_TEXT);
        }
        if anchor > 0 && self.is_read_here() {
            self.read.insert(anchor);
        }
        self.open.push(open);
        Ok(())
    }

    fn is_before_key(&self) -> bool {
        matches!(self.open.last(), Some(Open::Map(None)))
    }

    fn text(&mut self, text: Cow<'a, str>, line: u32, lines: &[&str], out: &mut Out) {
        let is_top = self.open.len() == 1;
        if let Some(Open::Map(key @ None)) = self.open.last_mut() {
            self.has_jobs |= is_top && matches!(text.as_ref(), "jobs" | "runs");
            *key = Some(text);
            return;
        }
        if USES.iter().any(|place| self.is_at(place)) {
            let at = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
            let comment = lines.get(at).and_then(|content| content.split_once(" #")).map(|(_, comment)| comment);
            used(&text, comment.unwrap_or_default().trim(), line, out);
        } else if self.is_at(&["runs", "image"]) && text.starts_with(IMAGE) {
            image(&text, line, out);
        }
        self.close();
    }

    /// The value of a key is read.
    fn close(&mut self) {
        if let Some(Open::Map(key)) = self.open.last_mut() {
            *key = None;
        }
    }

    fn is_at(&self, place: &[&str]) -> bool {
        self.open.len() == place.len() && self.begins(place)
    }

    /// True if a value here is a use, or may have one in it.
    fn is_read_here(&self) -> bool {
        USES.iter().any(|place| self.open.len() <= place.len() && self.begins(place))
    }

    fn begins(&self, place: &[&str]) -> bool {
        self.open.iter().zip(place).all(|(open, part)| match open {
            Open::List => *part == "-",
            Open::Map(key) => *part == "*" || key.as_deref() == Some(*part),
        })
    }
}

/// What an image begins with that stands in the place of an action.
const IMAGE: &str = "docker://";

fn image(text: &str, line: u32, out: &mut Out) {
    out.problem(line, format!("it runs the image `{}`, and images are not looked at", text.escape_debug()));
}

/// `acme/left/path@v1`, and the comment behind it.
fn used(text: &str, comment: &str, line: u32, out: &mut Out) {
    let text = text.trim();
    if text.starts_with("./") {
        // It is of the same repository, and has a file of its own.
        return;
    }
    if text.starts_with(IMAGE) {
        return image(text, line, out);
    }
    let Some((path, at)) = text.split_once('@') else {
        return out.problem(line, format!("`{}` has no ref, so it cannot be said what it is", text.escape_debug()));
    };
    // Only the repository has releases; an action may be in a folder of it.
    let end = path.match_indices('/').nth(1).map_or(path.len(), |(end, _)| end);
    let repository = &path[..end];
    let is_commit = COMMITS.contains(&at.len()) && at.bytes().all(|byte| byte.is_ascii_hexdigit());
    let told = comment.split([' ', ',', ';']).map(|word| word.rsplit('@').next().unwrap_or(word));
    let lower = if is_commit { Cow::Owned(at.to_ascii_lowercase()) } else { Cow::Borrowed(at) };
    let told = told.filter(|word| word.contains('.')).find(|word| version::parse(word).is_ok()).filter(|_| is_commit);
    let Some(release) = out.take(line, release(repository, told.unwrap_or(&lower))) else { return };
    let from = format!("github:{}", release.package.name);
    let origin = Origin::Git(if is_commit { format!("{from}#{lower}") } else { from });
    let name = &release.package.name;
    if let Some(told) = told {
        out.notice(line, format!("that `{name}` is {told} there only a comment says, and the commit may be another"));
    }
    out.push(Locked { origin, scope: Scope::Build, direct: Some(true), ..Locked::new(release, line) });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let parsed = (WORKFLOW.parse)(text.as_bytes());
        let entries = parsed.value.iter().map(|entry| format!("{}: {} {:?}", entry.line, entry.release, entry.origin));
        let problems = parsed.problems.iter().map(|problem| format!("problem {:?} {}", problem.line, problem.what));
        let notices = parsed.notices.iter().map(|notice| format!("notice {:?} {}", notice.line, notice.what));
        entries.chain(problems).chain(notices).collect::<Vec<_>>().join("\n")
    }

    fn steps(steps: &str) -> String {
        told(&format!("on: push\njobs:\n  a:\n    steps:\n{steps}"))
    }

    #[test]
    fn refs_that_can_be_moved_are_told_from_commits() {
        insta::assert_snapshot!(steps("    - uses: Acme/Left/sub/path@v4\n    - uses: acme/left@main # not 1.2.3\n    - uses: 'acme/left@v4.1.7'\n    - {uses: acme/left@0123456789abcdef0123456789abcdef01234567} # v4.1.7\n    - uses: acme/left@0123456789ABCDEF0123456789abcdef01234567\n"), @r#"
        5: acme/left@v4 Git("github:acme/left")
        6: acme/left@main Git("github:acme/left")
        7: acme/left@v4.1.7 Git("github:acme/left")
        8: acme/left@v4.1.7 Git("github:acme/left#0123456789abcdef0123456789abcdef01234567")
        9: acme/left@0123456789abcdef0123456789abcdef01234567 Git("github:acme/left#0123456789abcdef0123456789abcdef01234567")
        notice Some(8) that `acme/left` is v4.1.7 there only a comment says, and the commit may be another
        "#);
    }

    #[test]
    fn what_is_no_action_is_said_or_is_the_projects() {
        insta::assert_snapshot!(steps("    - uses: ./local\n    - uses: docker://alpine:3.20\n    - uses: acme/left\n    - uses: acme@v1\n    - uses: acme/left@${{ x }}\n    - run: echo\n      with: {uses: acme/no@v1}\n"), @"
        problem Some(6) it runs the image `docker://alpine:3.20`, and images are not looked at
        problem Some(7) `acme/left` has no ref, so it cannot be said what it is
        problem Some(8) `acme` is not a repository's name: it is no name of an owner and a repository
        problem Some(9) `${{ x }}` is not a ref: it has a character that no ref has
        ");
    }

    #[test]
    fn workflows_and_composite_actions_are_read() {
        let workflow = "jobs:\n  call:\n    uses: acme/shared/.github/workflows/a.yml@v1.0.0\n";
        insta::assert_snapshot!(told(workflow), @r#"3: acme/shared@v1.0.0 Git("github:acme/shared")"#);
        insta::assert_snapshot!(told("name: x\nruns:\n  using: composite\n  steps:\n    - uses: acme/left@v1.0.0\n"), @r#"5: acme/left@v1.0.0 Git("github:acme/left")"#);
        insta::assert_snapshot!(told("name: x\nruns:\n  using: docker\n  image: docker://alpine\n"), @"problem Some(4) it runs the image `docker://alpine`, and images are not looked at");
    }

    #[test]
    fn parts_that_are_repeated_are_read_or_said() {
        insta::assert_snapshot!(steps("    - uses: &left acme/left@v1.0.0\n    - uses: *left\n    - &step\n      uses: acme/right@v1.0.0\n    - *step\n"), @r#"
        5: acme/left@v1.0.0 Git("github:acme/left")
        6: acme/left@v1.0.0 Git("github:acme/left")
        8: acme/right@v1.0.0 Git("github:acme/right")
        "#);
        insta::assert_snapshot!(steps("    - env: &hidden {uses: acme/left@v1.0.0}\n    - *hidden\n"), @"problem Some(6) it repeats a part of the file that stands where nothing is used");
    }

    #[test]
    fn damaged_files_are_said() {
        for text in ["", "on: push\n", "a: [", "jobs: {a: b", "jobs:\n\t- a", "- a", "%YAML 9\n---\n{", "*x"] {
            assert!(told(text).contains("problem"), "{text}: {}", told(text));
        }
        for nested in ["[", "{a: ", "? ", "- "] {
            let told = told(&format!("jobs:\n  {}", nested.repeat(100_000)));
            assert!(told.starts_with("problem"), "{}", told.chars().take(200).collect::<String>());
        }
        assert!(told(&format!("jobs:\n{}", "a".repeat(MAX_BYTES))).contains("was not read"));
    }

    #[test]
    fn only_the_projects_own_files_are_meant() {
        for path in [".github/workflows/ci.yml", "a/.github/workflows/ci.yaml"] {
            assert!((WORKFLOW.matches)(path), "{path}");
        }
        for path in
            [".github/ci.yml", "workflows/ci.yml", "node_modules/a/.github/workflows/ci.yml", ".github/workflows/a"]
        {
            assert!(!(WORKFLOW.matches)(path), "{path}");
        }
        assert!((ACTION.matches)("a/action.yaml"));
    }
}
