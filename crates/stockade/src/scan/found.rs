//! A file that names releases.

use std::collections::VecDeque;
use std::path::PathBuf;

use stockade_ecosystem::{Locked, Parsed, Problem, Scope};

use super::more::movable;

/// A file that names releases.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// What sort of file it is.
    pub(crate) kind: &'static str,
    pub(crate) locked: Vec<Locked>,
    pub(crate) problems: Vec<String>,
    /// What was read and somebody should know.
    pub(crate) notices: Vec<String>,
    /// The entry through which each is needed, from what the project asks for itself.
    parents: Vec<Option<usize>>,
}

impl Found {
    pub(super) fn new(path: PathBuf, kind: &'static str, parsed: Parsed<Vec<Locked>>) -> Self {
        let problems = parsed.problems.into_iter().map(placed).collect();
        let notices = parsed.notices.into_iter().chain(movable(&parsed.value)).map(placed).collect();
        let parents = parents(&parsed.value);
        Self { path, kind, locked: parsed.value, problems, notices, parents }
    }

    /// What an entry is for.
    pub(crate) fn scope(&self, at: usize) -> &'static str {
        match self.locked[at].scope {
            Scope::Run => "run",
            Scope::Unknown => "unknown",
            Scope::Build => "build",
            Scope::Optional => "optional",
            Scope::Dev => "dev",
        }
    }

    /// How the project comes to need an entry, from what it asks for itself.
    pub(crate) fn path_to(&self, mut at: usize) -> Vec<String> {
        let mut path = vec![self.name(at)];
        while let Some(parent) = self.parents[at] {
            path.push(self.name(parent));
            at = parent;
        }
        let is_rooted = self.locked[at].direct == Some(true);
        path.reverse();
        if is_rooted { path } else { Vec::new() }
    }

    fn name(&self, at: usize) -> String {
        let release = &self.locked[at].release;
        format!("{}@{}", release.package.name, release.version)
    }
}

pub(super) fn placed(Problem { what, line }: Problem) -> String {
    line.map_or_else(|| what.clone(), |line| format!("line {line}: {what}"))
}

/// For each entry the one through which it is needed, on a shortest way.
fn parents(locked: &[Locked]) -> Vec<Option<usize>> {
    let mut parents = vec![None; locked.len()];
    let mut known: Vec<bool> = locked.iter().map(|entry| entry.direct == Some(true)).collect();
    let mut next: VecDeque<usize> = (0..locked.len()).filter(|at| known[*at]).collect();
    while let Some(at) = next.pop_front() {
        for need in locked[at].needs.iter().filter_map(|need| usize::try_from(*need).ok()) {
            if known.get(need) == Some(&false) {
                (known[need], parents[need]) = (true, Some(at));
                next.push_back(need);
            }
        }
    }
    parents
}
