//! The manifest: what a file consists of, and of what it was made.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a file consists of, and of what it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The number of the format.
    pub format: u32,
    /// Counts up with each file that is made of a feed, so that an older one is told from a newer one.
    pub sequence: u64,
    /// The digest of the manifest that this file is an overlay on. `None`: it is a base.
    pub base: Option<String>,
    /// When it was made.
    pub built: Timestamp,
    /// Where its records are from.
    pub sources: Vec<SourceStatus>,
    /// How many records are in it, withdrawn ones included.
    pub records: u64,
    /// How many of them were withdrawn.
    pub withdrawn: u64,
    /// How many records of the files below it count no more, of those that are known to be there.
    pub replaced: u64,
    /// How many records were read and are in no ecosystem that anybody can ask about.
    pub nowhere: u64,
    /// How many packages they are about.
    pub packages: u64,
    /// How often its records say that a package can be attacked, by ecosystem as in a package URL. What has none of an
    /// ecosystem knows nothing of vulnerabilities there.
    #[serde(default)]
    pub vulnerable: BTreeMap<String, u64>,
    /// The last time at which one of its records was modified.
    pub newest: Option<Timestamp>,
    /// How many things could not be read.
    pub problems: u64,
    /// The first of them, each in a sentence.
    pub first_problems: Vec<String>,
    /// How many of them are about records that are not in it at all, and might be about anything.
    pub lost: u64,
    /// The first of these.
    pub first_lost: Vec<String>,
    /// The parts.
    pub(crate) parts: Parts,
}

/// Where records are from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Its name.
    pub name: String,
    /// How many records were read from it.
    pub records: u64,
    /// How many things in it could not be read.
    pub problems: u64,
}

/// The parts, in the order in which they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parts {
    pub(super) entries: Piece,
    pub(super) text: Piece,
    pub(super) directory: Piece,
    pub(super) roots: Piece,
    /// By the first byte of the names that a filter is about.
    pub(super) filters: BTreeMap<u8, Piece>,
    pub(super) ids: Piece,
}

/// A part of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(super) offset: u64,
    pub(super) length: u64,
    /// SHA-256 in hexadecimal.
    pub(super) sha256: String,
}

impl Parts {
    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, &Piece)> {
        let paged = [("entries", &self.entries), ("text", &self.text)];
        let about_pages = [("directory", &self.directory), ("roots", &self.roots)];
        let filters = self.filters.values().map(|filter| ("filter", filter));
        paged.into_iter().chain(about_pages).chain(filters).chain([("ids", &self.ids)])
    }
}
