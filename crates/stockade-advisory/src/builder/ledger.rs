//! What was read where. By it the next look at the same sources tells what has changed, and reads only that.
//!
//! A zip says of each of its files how long it is and what checksum it has, so a look at its table is enough. Of what lies
//! in folders the bytes are compared. Whatever is no record of OSV is a whole: if it changes, there is nothing to compare.

use std::collections::HashSet;

use sha2::{Digest as _, Sha256};

use super::{Builder, Problem};
use crate::file::hash;

/// How long a row is in bytes.
const ROW: usize = 24;
/// What stands in place of a record's identifier where there is none.
const NONE: u64 = 0;
/// What stands there for a file that is read as a whole.
const WHOLE: u64 = u64::MAX;

/// What a builder does with what it meets.
#[derive(Debug, Clone, Default)]
pub enum Reading {
    /// Reads it.
    #[default]
    All,
    /// Notes where it is, and does not look into it.
    Nothing,
    /// Reads what is at these places.
    Only(HashSet<u64>),
}

/// Where a record is, by the hash of its place; what tells another one from it; the hash of its identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    place: u64,
    print: u64,
    id: u64,
}

/// What was met, in the order of the places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger(Vec<Row>);

/// What is otherwise than it was.
#[derive(Debug, Default)]
pub struct Changes {
    /// Where something is new or another.
    pub places: HashSet<u64>,
    /// Which records were there, or are not there any more.
    pub before: HashSet<u64>,
    /// Something changed that is read as a whole.
    pub whole: bool,
}

impl Ledger {
    /// What has changed since.
    pub fn changes(&self, now: &Self) -> Changes {
        let mut changes = Changes::default();
        let (mut old, mut new) = (self.0.iter().peekable(), now.0.iter().peekable());
        loop {
            let next = (old.peek().map(|row| row.place), new.peek().map(|row| row.place));
            let (was, is) = match next {
                (None, None) => return changes,
                (Some(was), Some(is)) if was == is => (old.next(), new.next()),
                (Some(was), Some(is)) if was > is => (None, new.next()),
                (None, Some(_)) => (None, new.next()),
                (Some(_), _) => (old.next(), None),
            };
            if was.map(|row| row.print) != is.map(|row| row.print) {
                if let Some(row) = was {
                    changes.gone(*row);
                }
                if let Some(row) = is {
                    changes.came(*row);
                }
            }
        }
    }

    /// Where these records are.
    pub fn places_of(&self, ids: &HashSet<u64>) -> impl Iterator<Item = u64> {
        self.0.iter().filter(|row| ids.contains(&row.id)).map(|row| row.place)
    }

    /// The records that were met.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|row| row.id).filter(|id| *id != NONE && *id != WHOLE)
    }

    /// The same, where the identifiers that are missing are those of another.
    #[must_use]
    pub fn named_by(mut self, known: &[&Self]) -> Self {
        for row in self.0.iter_mut().filter(|row| row.id == NONE) {
            let named = known.iter().find_map(|ledger| {
                let at = ledger.0.partition_point(|other| other.place < row.place);
                ledger.0.get(at).filter(|other| other.place == row.place && other.print == row.print)
            });
            row.id = named.map_or(NONE, |named| named.id);
        }
        self
    }

    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * ROW + 32);
        for row in &self.0 {
            for number in [row.place, row.print, row.id] {
                bytes.extend_from_slice(&number.to_be_bytes());
            }
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        bytes
    }

    /// From bytes; `None` if they are not those of a ledger.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (rows, digest) = bytes.split_at(bytes.len().checked_sub(32)?);
        if Sha256::digest(rows).as_slice() != digest || rows.len() % ROW != 0 {
            return None;
        }
        let number = |row: &[u8], at: usize| Some(u64::from_be_bytes(row.get(at..at + 8)?.try_into().ok()?));
        let row = |row: &[u8]| Some(Row { place: number(row, 0)?, print: number(row, 8)?, id: number(row, 16)? });
        rows.chunks_exact(ROW).map(row).collect::<Option<Vec<_>>>().map(Self)
    }
}

impl Changes {
    /// True if nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.before.is_empty() && !self.whole
    }

    fn gone(&mut self, row: Row) {
        self.whole |= row.id == WHOLE;
        self.before.insert(row.id);
    }

    fn came(&mut self, row: Row) {
        self.whole |= row.id == WHOLE;
        self.places.insert(row.place);
    }
}

impl Builder {
    /// A builder that reads so much of what it meets.
    pub fn reading(reading: Reading) -> Self {
        Self { reading, ..Self::default() }
    }

    /// Says in which file of the source the next things are.
    pub fn within(&mut self, file: &str) {
        file.clone_into(&mut self.within);
    }

    /// Meets a file that is no record of OSV. True if it is to be read.
    pub fn meet_whole(&mut self, bytes: &[u8]) -> bool {
        let place = self.place("");
        self.rows.push(Row { place, print: hash(bytes), id: WHOLE });
        matches!(self.reading, Reading::All)
    }

    /// What was met so far.
    pub fn ledger(&self) -> Ledger {
        let mut rows = self.rows.clone();
        rows.sort_unstable();
        rows.dedup_by_key(|row| row.place);
        Ledger(rows)
    }

    /// Says in an overlay that what is below it of these records does not count, whatever is here of them; so many of them
    /// are below it.
    pub fn replaces(&mut self, ids: impl IntoIterator<Item = u64>, below: u64) {
        self.removed.extend(ids);
        self.replaced += below;
    }

    /// The first thing for which records are not in the file.
    pub fn first_lost(&self) -> Option<&Problem> {
        self.lost.first()
    }

    /// True if there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.facts.is_empty() && self.rows.iter().all(|row| row.id == WHOLE)
    }

    /// Meets what may be a record. True if it is to be read.
    pub(crate) fn meet(&mut self, file: &str, print: impl FnOnce() -> u64) -> bool {
        if !self.wants(file) {
            return false;
        }
        self.rows.push(Row { place: self.place(file), print: print(), id: NONE });
        !matches!(self.reading, Reading::Nothing)
    }

    /// True if what is there is to be noted at least.
    pub(crate) fn wants(&self, file: &str) -> bool {
        match &self.reading {
            Reading::All | Reading::Nothing => true,
            Reading::Only(places) => places.contains(&self.place(file)),
        }
    }

    /// What was met last is this record.
    pub(crate) fn met(&mut self, id: u64) {
        if let Some(row) = self.rows.last_mut() {
            row.id = id;
        }
    }

    fn place(&self, file: &str) -> u64 {
        let source = self.sources.last().map_or("", |source| source.name.as_str());
        hash([source, &self.within, file].join("\0").as_bytes())
    }
}
