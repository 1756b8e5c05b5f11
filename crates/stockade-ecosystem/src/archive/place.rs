//! From the names in an archive to the paths of a tree: relative, with `/`, none twice, none outside.
//!
//! Extractors refuse, repair or skip odd names, each in its own way. Here every odd name is repaired to where an
//! extraction that does not refuse would most likely put it, so that the content is looked at, and a gap says that it
//! was odd.

use std::collections::HashMap;

use bytes::Bytes;
use stockade_model::Member;

use super::gaps::{Gaps, shown};
use super::role::is_test_or_doc;
use super::{Entry, Kind, extension, inside};

/// The most bytes of a path.
const MAX_PATH: usize = 1024;
/// The most folders above a file.
const MAX_DEPTH: usize = 64;
/// How many links may lead from one to the next.
const MAX_LINKS: usize = 8;

/// The most bytes of the files that all links lead to, each counted once more: 64 MiB.
const MAX_LINKED: usize = 64 << 20;

/// What stands above the package in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// Nothing: paths are as they are in the archive.
    Nothing,
    /// One folder of any name, for each entry its own: it is cut off, and what is not below one does not count.
    First,
    /// One folder that everything is in, if there is one.
    Common,
}

/// The files of the entries.
pub(super) fn place(entries: &[Entry], root: Root, gaps: &mut Gaps) -> Vec<Member> {
    let mut placed = Placed { members: Vec::new(), by_path: HashMap::new(), gaps };
    let common = if root == Root::Common { common_folder(entries) } else { None };
    let strip = |name: &str| match (root, &common) {
        (Root::First, _) => name.replace('\\', "/").split_once('/').map(|(_, rest)| rest.to_owned()),
        (_, Some(common)) => clean(name).path.strip_prefix(common.as_str()).map(str::to_owned),
        _ => Some(name.to_owned()),
    };
    let mut links = Vec::new();
    for entry in entries {
        let Some(stripped) = strip(&entry.name) else { continue };
        // The name that is judged is the archive's, the one that is used is the package's.
        placed.judge(&entry.name);
        let Some(path) = placed.path(&stripped, &entry.name) else { continue };
        match &entry.kind {
            Kind::File(bytes) => placed.put(path, bytes.clone(), entry.executable),
            Kind::Hard(target) => links.push((path, strip(target).and_then(|target| link_target("", &target)))),
            Kind::Symbolic(target) => {
                let target = link_target(&path, target);
                links.push((path, target));
            }
        }
    }
    placed.links(&links);
    placed.check_folders(&links);
    placed.check_case();
    placed.members
}

/// Where a link leads, from the place it stands in. `None` if that is outside of the package.
pub(super) fn link_target(from: &str, target: &str) -> Option<String> {
    let target = target.replace('\\', "/");
    if target.starts_with('/') || has_drive(&target) {
        return None;
    }
    inside(parent(from).unwrap_or_default(), &target)
}

struct Placed<'a> {
    members: Vec<Member>,
    by_path: HashMap<String, usize>,
    gaps: &'a mut Gaps,
}

impl Placed<'_> {
    fn judge(&mut self, name: &str) {
        if let Some(odd) = clean(name).odd {
            self.gaps.malformed(format!("the name {} {odd}", shown(name)));
        }
    }

    /// The path that a name becomes, unless there is none.
    fn path(&mut self, stripped: &str, name: &str) -> Option<String> {
        let path = clean(stripped).path;
        if path.len() > MAX_PATH || path.matches('/').count() > MAX_DEPTH {
            self.gaps
                .limit(format!("the name {} is too long or too deep, and its content was not looked at", shown(name)));
            return None;
        }
        (!path.is_empty()).then_some(path)
    }

    fn put(&mut self, path: String, bytes: Bytes, executable: bool) {
        let known = self.by_path.get(&path).copied();
        if let Some(member) = known.and_then(|at| self.members.get_mut(at)) {
            if member.bytes != bytes {
                self.gaps.malformed(format!("{} is in it twice; only the last one was looked at", shown(&path)));
            }
            *member = Member { path, bytes, executable };
            return;
        }
        self.by_path.insert(path.clone(), self.members.len());
        self.members.push(Member { path, bytes, executable });
    }

    /// A link to a file is that file once more. One to a folder, or to nothing, is nothing.
    fn links(&mut self, links: &[(String, Option<String>)]) {
        let targets: HashMap<&str, &str> =
            links.iter().filter_map(|(path, target)| Some((path.as_str(), target.as_deref()?))).collect();
        let mut room = MAX_LINKED;
        for (path, target) in links {
            let Some(target) = target else {
                self.gaps.malformed(format!("{} is a link that leaves the package", shown(path)));
                continue;
            };
            let mut target = target.as_str();
            for _ in 0..MAX_LINKS {
                let Some(next) = targets.get(target) else { break };
                target = next;
            }
            let found = self.by_path.get(target).and_then(|&at| self.members.get(at));
            let Some((bytes, executable)) = found.map(|member| (member.bytes.clone(), member.executable)) else {
                continue;
            };
            let Some(left) = room.checked_sub(bytes.len()) else {
                self.gaps.limit(format!("the files that links lead to have more than {MAX_LINKED} bytes"));
                return;
            };
            room = left;
            self.put(path.clone(), bytes, executable);
        }
    }

    /// What lies below a file or a link ends up somewhere else, or nowhere. Old jars have empty entries with a folder's name
    /// and without the `/` at its end, in which nothing can be hidden.
    fn check_folders(&mut self, links: &[(String, Option<String>)]) {
        let links: std::collections::HashSet<&str> = links.iter().map(|(path, _)| path.as_str()).collect();
        for member in &self.members {
            let folders = std::iter::successors(parent(&member.path), |path| parent(path));
            for folder in folders {
                if links.contains(folder) {
                    self.gaps.malformed(format!("{} is a link and a folder", shown(folder)));
                } else if self.by_path.get(folder).is_some_and(|&at| !self.members[at].bytes.is_empty()) {
                    self.gaps.malformed(format!("{} is a file and a folder", shown(folder)));
                }
            }
        }
    }

    /// On systems that do not tell case apart, the last of two names wins.
    fn check_case(&mut self) {
        let mut lower: HashMap<String, &str> = HashMap::with_capacity(self.members.len());
        for member in self.members.iter().filter(|member| !is_text(&member.path) && !is_test_or_doc(&member.path)) {
            if let Some(other) = lower.insert(member.path.to_lowercase(), &member.path) {
                let (one, two) = (shown(other), shown(&member.path));
                self.gaps.malformed(format!("{one} and {two} are the same file on some systems"));
            }
        }
    }
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(folder, _)| folder)
}

/// Nothing loads it, so that it does not matter which one is there.
fn is_text(path: &str) -> bool {
    let extension = extension(path).to_ascii_lowercase();
    matches!(extension.as_str(), "" | "md" | "rst" | "txt" | "html" | "png" | "svg" | "jpg" | "gif")
}

/// The folder, with its `/`, that all entries are in.
fn common_folder(entries: &[Entry]) -> Option<String> {
    let mut paths = entries.iter().map(|entry| clean(&entry.name).path);
    let (first, _) = paths.next()?.split_once('/').map(|(first, rest)| (first.to_owned(), rest.to_owned()))?;
    let folder = format!("{first}/");
    paths.all(|path| path.starts_with(&folder)).then_some(folder)
}

struct Clean {
    path: String,
    /// A predicate of the name, if it is odd.
    odd: Option<&'static str>,
}

/// Makes a relative path with `/` of a name.
fn clean(name: &str) -> Clean {
    let mut odd = None;
    let mut note = |is: bool, what: &'static str| {
        if is && odd.is_none() {
            odd = Some(what);
        }
    };
    let until_nul = name.split('\0').next().unwrap_or_default();
    note(until_nul.len() < name.len(), "contains NUL");
    note(until_nul.contains('\\'), "contains a backslash");
    let slashed = until_nul.replace('\\', "/");
    note(slashed.starts_with('/'), "is absolute");
    note(has_drive(&slashed), "begins with a drive");
    let relative = if has_drive(&slashed) { slashed.get(2..).unwrap_or_default() } else { &slashed };
    let is_named = |part: &&str| !matches!(*part, "" | "." | "..");
    note(relative.split('/').any(|part| part == ".."), "leads upwards");
    note(relative.contains(char::is_control), "contains control characters");
    let path = relative.split('/').filter(is_named).collect::<Vec<_>>().join("/");
    let path = path.replace(char::is_control, "\u{fffd}");
    Clean { path, odd }
}

fn has_drive(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic()) && bytes.next() == Some(b':')
}
