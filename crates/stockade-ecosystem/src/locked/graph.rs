//! Who needs whom. Edges come as names, and are joined to entries when all entries are known.

use std::collections::VecDeque;

use super::{Locked, MAX_NEEDS, Out, Scope};

/// The most entries of one name. A lockfile with ten versions of a package is an odd one.
const MAX_OF_A_NAME: usize = 200;

/// Edges of a file that are not joined yet: from an entry, or from the project itself, to what `T` names.
#[derive(Debug)]
pub(crate) struct Graph<T> {
    edges: Vec<Edge<T>>,
    is_full: bool,
}

#[derive(Debug)]
pub(crate) struct Edge<T> {
    /// The entry that needs something; `None` for the project.
    pub(crate) from: Option<u32>,
    pub(crate) to: T,
    /// What the edge is for.
    pub(crate) scope: Scope,
    pub(crate) line: u32,
}

impl<T> Graph<T> {
    pub(crate) fn new() -> Self {
        Self { edges: Vec::new(), is_full: false }
    }

    /// Adds an edge.
    pub(crate) fn add(&mut self, from: Option<u32>, to: T, scope: Scope, line: u32) {
        if self.edges.len() < MAX_NEEDS {
            self.edges.push(Edge { from, to, scope, line });
        } else {
            self.is_full = true;
        }
    }

    /// The edges, to be joined in another way.
    pub(crate) fn into_edges(self) -> Vec<Edge<T>> {
        self.edges
    }

    /// Joins the edges to the entries that `find` finds; what it does not find it may say in the problems. Returns those of
    /// the project.
    pub(crate) fn join<I: IntoIterator<Item = u32>>(
        self,
        out: &mut Out,
        mut find: impl FnMut(&Edge<T>, &mut Out) -> I,
    ) -> Vec<(u32, Scope)> {
        let mut own = Vec::new();
        let mut joined = 0;
        let mut is_full = self.is_full;
        'edges: for edge in &self.edges {
            for to in find(edge, out) {
                joined += 1;
                if joined > MAX_NEEDS {
                    is_full = true;
                    break 'edges;
                }
                match edge.from {
                    None => own.push((to, edge.scope)),
                    Some(from) => {
                        if let Some(entry) = entry(&mut out.entries, from) {
                            entry.needs.push(to);
                        }
                    }
                }
            }
        }
        if is_full {
            out.problem_of_all(format!("more than {MAX_NEEDS} edges; the others are not read"));
        }
        own
    }
}

/// Adds an entry to those of its name, among which a need is looked for.
pub(crate) fn keep<T>(known: &mut Vec<T>, new: T, line: u32, out: &mut Out) {
    if known.len() < MAX_OF_A_NAME {
        known.push(new);
    } else {
        out.problem(
            line,
            format!("more than {MAX_OF_A_NAME} entries have this name; who needs the others is not read"),
        );
    }
}

/// Marks what the project asks for itself, and that it does not ask for the others.
pub(crate) fn mark_direct(entries: &mut [Locked], own: &[(u32, Scope)]) {
    for entry in entries.iter_mut() {
        entry.direct = Some(false);
    }
    for (to, _) in own {
        if let Some(entry) = entry(entries, *to) {
            entry.direct = Some(true);
        }
    }
}

/// Gives every entry the weightiest scope from which it can be reached, and marks what the project asks for itself. What
/// cannot be reached keeps its own.
pub(crate) fn spread(entries: &mut [Locked], own: &[(u32, Scope)]) {
    mark_direct(entries, own);
    let mut best: Vec<Option<Scope>> = vec![None; entries.len()];
    for scope in [Scope::Run, Scope::Unknown, Scope::Build, Scope::Optional, Scope::Dev] {
        let mut queue: VecDeque<u32> = own.iter().filter(|(_, own)| *own == scope).map(|(to, _)| *to).collect();
        while let Some(at) = queue.pop_front() {
            let Some(place) = usize::try_from(at).ok().filter(|place| *place < entries.len()) else { continue };
            if best[place].is_none() {
                best[place] = Some(scope);
                entries[place].scope = scope;
                queue.extend(&entries[place].needs);
            }
        }
    }
}

fn entry(entries: &mut [Locked], at: u32) -> Option<&mut Locked> {
    entries.get_mut(usize::try_from(at).ok()?)
}
