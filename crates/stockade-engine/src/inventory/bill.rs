//! A bill of materials as a file of a project.

use std::collections::HashMap;

use stockade_model::{Purl, Release};
use stockade_sbom::{Bom, Component, Kind, Node, Problem, ProblemKind};

use super::{Part, normal};

/// Where a document says what is not asked of the inventory: what is wrong there hides no release. Anywhere else it may.
const ELSEWHERE: [&str; 13] = [
    "metadata",
    "creationInfo",
    "serialNumber",
    "dependencies",
    "relationships",
    "compositions",
    "components[].bom-ref",
    "components[].licenses",
    "components[].scope",
    "packages[].license",
    "@graph[].CreationInfo",
    "@graph[].Relationship",
    "@graph[].rootElement",
];

/// What a bill of materials names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The releases.
    pub parts: Vec<Part>,
    /// What of it says nothing that could be asked for, and what could not be read.
    pub problems: Vec<String>,
}

impl Bill {
    /// Reads a document; `None` if it is no bill of materials.
    pub fn read(document: &[u8]) -> Option<Self> {
        let read = stockade_sbom::read(document);
        read.format?;
        let unread = read.problems.iter().filter(|problem| hides_releases(problem));
        let mut problems: Vec<String> = unread.map(ToString::to_string).collect();
        let mut parts = Vec::new();
        if let Some(bom) = &read.bom {
            parts = parts_of(bom, &mut problems);
            problems.extend(bom.gaps.iter().cloned());
        }
        Some(Self { parts, problems })
    }
}

fn hides_releases(problem: &Problem) -> bool {
    match problem.kind {
        ProblemKind::Unreadable | ProblemKind::Limit => true,
        ProblemKind::Malformed => !ELSEWHERE.iter().any(|place| problem.place.starts_with(place)),
        ProblemKind::Lost => false,
    }
}

fn parts_of(bom: &Bom, problems: &mut Vec<String>) -> Vec<Part> {
    let mut places = HashMap::new();
    let mut parts = Vec::new();
    let mut nameless = 0_usize;
    for (at, component) in bom.components.iter().enumerate() {
        match release(component) {
            Some(release) => {
                places.insert(Node::Component(at), u32::try_from(parts.len()).unwrap_or(u32::MAX));
                let digests = component.hashes.clone();
                parts.push(Part { release, digests, direct: None, line: 0, needs: Vec::new() });
            }
            None => nameless += usize::from(is_package(component)),
        }
    }
    if nameless > 0 {
        problems.push(format!("{nameless} of its parts have no package URL with a version, and cannot be asked for"));
    }
    let is_rooted = bom.edges.iter().any(|edge| edge.from == Node::Subject);
    for part in parts.iter_mut().filter(|_| is_rooted) {
        part.direct = Some(false);
    }
    for edge in &bom.edges {
        let place = |node| places.get(node).and_then(|place| usize::try_from(*place).ok());
        match (edge.from, place(&edge.from), place(&edge.to)) {
            (Node::Subject, _, Some(to)) => parts[to].direct = Some(true),
            (_, Some(from), Some(to)) => parts[from].needs.extend(u32::try_from(to)),
            _ => {}
        }
    }
    parts
}

fn release(component: &Component) -> Option<Release> {
    let purl: Purl = component.purl.as_ref()?.as_str().parse().ok()?;
    let version = purl.version.or_else(|| component.version.clone())?;
    Some(normal(&purl.package).release(version))
}

/// What a part is that somebody may ask for by name; a file or a device is none.
fn is_package(component: &Component) -> bool {
    matches!(component.kind, Kind::Application | Kind::Framework | Kind::Library)
}
