//! The inventory: which project has which release, since when, and which had it.
//!
//! The question comes with an advisory, at night: who has it, who had it, and from when to when? So the answer is looked up
//! under the release, a few times however many projects there are, and nothing is scanned again.
//!
//! A *look* is what was seen in a project at an instant. Looks in a row that saw the same are one *snapshot*. What one saw
//! otherwise than the one before it is kept once more, under the component: from that come the answers. Looks may come in
//! any order: the history of a repository is written down after today's look. What could not be read is kept with the
//! snapshot, and is said with every answer.
//!
//! Between two looks nothing is known. What one look saw and the next did not is said to have been there until the next:
//! that is exact for a repository's history, and no less than what was so for looks from time to time.

mod advised;
mod answer;
mod ask;
mod bill;
mod body;
mod changes;
mod hits;
mod numbers;
mod record;
#[cfg(test)]
mod tests;
mod tiers;

use jiff::Timestamp;
use serde::Serialize;
use stockade_ecosystem::Locked;
use stockade_model::{Digest, Package, Purl, Release};

pub use advised::Advised;
pub use answer::{Affected, Found};
pub use ask::{Asked, Coverage, Old, Project, Span, Unread};
pub use bill::Bill;
pub use record::Recorded;

/// The longest name of a project in bytes.
const MAX_NAME: usize = 200;

/// What was seen in a project at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// When. Parts of a second do not count, and of two looks in one second the later one.
    pub at: Timestamp,
    /// The files that name releases.
    pub files: Vec<File>,
    /// What could not be read, and why.
    pub gaps: Vec<String>,
}

/// A file that names releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it is in the project.
    pub path: String,
    /// What it names. Those of a file that stays the same from look to look are shared.
    pub parts: std::sync::Arc<[Part]>,
}

/// A release in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The release.
    pub release: Release,
    /// The digests of which its file has one.
    pub digests: Vec<Digest>,
    /// Whether the project asks for it itself; `None` where the file does not tell.
    pub direct: Option<bool>,
    /// The line, from 1; 0 if the file as a whole says so.
    pub line: u32,
    /// The parts that it needs, as their places in the list.
    pub needs: Vec<u32>,
}

impl From<&Locked> for Part {
    fn from(locked: &Locked) -> Self {
        Self {
            release: locked.release.clone().whole(),
            digests: locked.integrity.iter().flat_map(|integrity| integrity.deciding().cloned()).collect(),
            direct: locked.direct,
            line: locked.line,
            needs: locked.needs.clone(),
        }
    }
}

/// A project that has or had a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// The project.
    pub project: String,
    /// What it has.
    #[serde(serialize_with = "as_purl", rename = "purl")]
    pub release: Release,
    /// The first look that saw it.
    pub since: Timestamp,
    /// The first look that did not see it any more; `None` if the newest one did.
    pub until: Option<Timestamp>,
    /// Whether the project itself asked for it at the end; `None` where its files do not tell.
    pub direct: Option<bool>,
    #[serde(skip)]
    place: Place,
}

/// Where a hit is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    project: i64,
    component: i64,
}

/// Where a project has a component, and how it comes to need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Way {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 if the file as a whole says so.
    pub line: u32,
    /// From what the project asks for itself; empty where the file does not tell.
    pub path: Vec<String>,
}

fn as_purl<S: serde::Serializer>(release: &Release, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Purl::of(release))
}

/// A package as the inventory has it: the name in the normal form of its ecosystem, as far as that is known. Bills of
/// materials name ecosystems that nothing else here does.
pub fn normal(package: &Package) -> Package {
    stockade_advisory::normal(package)
}

/// True if a project may have this name.
pub fn is_name(name: &str) -> bool {
    !name.trim().is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control)
}
