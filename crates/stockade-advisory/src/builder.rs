//! Records in, a file out.

mod affected;
mod identifiers;
mod ledger;
mod rows;

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};

use jiff::Timestamp;
use stockade_model::Digest;

use crate::class::Class;
use crate::codec::put_number;
use crate::file::{Contents, Entry, SourceStatus, hash, hex, write};
use crate::osv::Osv;
use crate::posting::{Flags, Posting};
use crate::record::Record;
use crate::severity::Severity;
use crate::{MAX_RECORD, MAX_RECORDS};

pub use ledger::{Changes, Ledger, Reading};

/// How many problems are kept in words. All are counted.
const MAX_PROBLEMS: usize = 1_000;
/// The longest identifier of a record, in bytes.
const MAX_ID: usize = 200;
/// The longest description of a problem, in characters.
const MAX_WHAT: usize = 300;
/// How many aliases of a record are kept.
const MAX_ALIASES: usize = 256;

/// Something that could not be read. What else is in the same record may have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: the source, and the record or the file in it.
    pub place: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// What a file says of itself.
#[derive(Debug, Clone)]
pub struct Header {
    /// When it is made.
    pub built: Timestamp,
    /// Higher than that of every file before it.
    pub sequence: u64,
    /// The digest ([`Built::digest`]) of the base that it is an overlay on; `None` for a base.
    pub base: Option<String>,
}

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The digest of its manifest, by which overlays name it, in hexadecimal.
    pub digest: String,
    /// How many records are in it.
    pub records: u64,
    /// The problems, in words as far as they are kept.
    pub problems: Vec<Problem>,
    /// How many there are.
    pub problem_count: u64,
}

/// Collects records and writes a file of them.
#[derive(Default)]
pub struct Builder {
    /// Texts of records, contents of entries and names, one after the other.
    heap: Vec<u8>,
    records: Vec<Kept>,
    by_id: HashMap<u64, u32>,
    postings: Vec<Posted>,
    facts: Vec<Fact>,
    /// Names of entries, and where they are in the heap.
    names: HashMap<Box<[u8]>, u32>,
    name_list: Vec<Box<[u8]>>,
    removed: Vec<u64>,
    replaced: u64,
    sources: Vec<SourceStatus>,
    problems: Vec<Problem>,
    problem_count: u64,
    /// What is not in the file at all.
    lost: Vec<Problem>,
    lost_count: u64,
    /// The file of the source that is read, if it has several.
    within: String,
    reading: Reading,
    rows: Vec<ledger::Row>,
}

/// A range in the heap.
#[derive(Clone, Copy)]
struct Place {
    begin: usize,
    end: usize,
}

/// A record.
struct Kept {
    text: Place,
    id: u64,
    modified: Option<Timestamp>,
    is_withdrawn: bool,
    /// A newer one with the same identifier was read.
    is_replaced: bool,
    is_somewhere: bool,
}

/// What a record says of a name.
struct Posted {
    name: u32,
    record: u32,
    class: Class,
    content: Place,
}

/// What a feed says of a name. The last one counts.
struct Fact {
    name: u32,
    content: Place,
}

impl Builder {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says where the next records are from.
    pub fn source(&mut self, name: &str) {
        self.sources.push(SourceStatus { name: name.to_owned(), records: 0, problems: 0 });
        self.within.clear();
    }

    /// Adds a record. Of two with one identifier the one that was modified later counts, and of those modified at once the
    /// later one added.
    ///
    /// An error says that the record is not in the file at all. What of a record could not be read while the rest could is
    /// a problem too; both are counted.
    pub fn add(&mut self, record: &[u8]) -> Result<(), Problem> {
        let outcome = self.read(record);
        outcome.map(drop).map_err(|what| self.lost("", what))
    }

    /// [`Self::add`], with the name of the file that the record is from. It is met there: see [`Reading`].
    pub fn add_at(&mut self, record: &[u8], file: &str) -> Result<(), Problem> {
        if self.meet(file, || hash(record)) { self.add_met(record, file) } else { Ok(()) }
    }

    /// Adds what was met last.
    pub(crate) fn add_met(&mut self, record: &[u8], file: &str) -> Result<(), Problem> {
        let outcome = self.read(record);
        outcome.map(|id| self.met(id)).map_err(|what| self.lost(file, what))
    }

    /// Says in an overlay that a record is not there any more, without having been withdrawn.
    pub fn remove(&mut self, id: &str) {
        self.removed.push(hash(id.as_bytes()));
    }

    /// Counts a problem for which records are not in the file, that might be about anything.
    pub fn lost(&mut self, file: &str, what: impl Into<String>) -> Problem {
        let problem = self.problem(file, what);
        self.lost_count += 1;
        if self.lost.len() < MAX_PROBLEMS {
            self.lost.push(problem.clone());
        }
        problem
    }

    /// Counts a problem that was met on the way to a record.
    pub fn problem(&mut self, file: &str, what: impl Into<String>) -> Problem {
        let what: String = what.into();
        let source = self.sources.last().map_or("", |source| source.name.as_str());
        let place =
            [source, &self.within, file].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
        let problem = Problem { place, what: what.chars().take(MAX_WHAT).collect() };
        self.problem_count += 1;
        if let Some(source) = self.sources.last_mut() {
            source.problems += 1;
        }
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem.clone());
        }
        problem
    }

    /// How many records there are so far.
    pub fn records(&self) -> usize {
        self.by_id.len()
    }

    /// Reads a record, and returns the hash of its identifier.
    fn read(&mut self, record: &[u8]) -> Result<u64, String> {
        if record.len() > MAX_RECORD {
            return Err(format!("the record has more than {MAX_RECORD} bytes"));
        }
        if self.records.len() >= MAX_RECORDS {
            return Err(format!("there are more than {MAX_RECORDS} records"));
        }
        // What is passed over would not be checked.
        let text = std::str::from_utf8(record).map_err(|_| "the record is not UTF-8".to_owned())?;
        let osv: Osv = serde_json::from_str(text).map_err(|error| format!("the record is not OSV: {error}"))?;
        if osv.id.is_empty() || osv.id.len() > MAX_ID || osv.id.chars().any(char::is_control) {
            return Err("the record's identifier is empty, too long or no text".to_owned());
        }
        let id = hash(osv.id.as_bytes());
        let modified = self.time(&osv, osv.modified.as_deref(), "modified");
        let earlier = self.by_id.get(&id).and_then(|at| self.records.get(*at as usize));
        if let Some(source) = self.sources.last_mut() {
            source.records += 1;
        }
        if earlier.is_none_or(|earlier| earlier.modified <= modified) {
            self.keep(&osv, id, modified);
        }
        Ok(id)
    }

    /// Keeps a record, and returns its number.
    pub(crate) fn keep(&mut self, osv: &Osv, id: u64, modified: Option<Timestamp>) -> u32 {
        let published = self.time(osv, osv.published.as_deref(), "published");
        let withdrawn = self.time(osv, osv.withdrawn.as_deref(), "withdrawn");
        // A record that was withdrawn at no time that we can read was withdrawn all the same.
        let is_withdrawn = osv.withdrawn.is_some();
        let withdrawn = withdrawn.or(if is_withdrawn { modified } else { None });
        let severities = osv.severity.iter().chain(osv.affected.iter().flat_map(|affected| &affected.severity));
        let specific = osv.affected.iter().flat_map(|affected| &affected.database_specific.severity);
        let words = osv.database_specific.severity.iter().chain(specific);
        let severity = Severity::of(severities, words);
        let mut text = Record::of(osv, severity, [published, modified, withdrawn]);
        if text.aliases.len() > MAX_ALIASES {
            text.aliases.truncate(MAX_ALIASES);
            self.problem(&osv.id, format!("the record has more than {MAX_ALIASES} aliases; the others are left out"));
        }
        let begin = self.heap.len();
        text.write(&mut self.heap);
        let text = Place { begin, end: self.heap.len() };
        let number = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        if let Some(earlier) = self.by_id.insert(id, number) {
            self.records[earlier as usize].is_replaced = true;
        }
        self.records.push(Kept { text, id, modified, is_withdrawn, is_replaced: false, is_somewhere: false });
        self.post_all(osv, id, number);
        number
    }

    /// A time of a record; one that cannot be read is a problem.
    fn time(&mut self, osv: &Osv, text: Option<&str>, what: &str) -> Option<Timestamp> {
        let text = text?;
        let time = text.parse().ok();
        if time.is_none() {
            self.problem(&osv.id, format!("`{what}` is no time"));
        }
        time
    }

    /// Enters what a record says under a name.
    fn post(&mut self, name: &[u8], record: u32, posting: &Posting<'_>) {
        let name = self.name(name);
        let begin = self.heap.len();
        posting.write(&mut self.heap);
        let content = Place { begin, end: self.heap.len() };
        self.postings.push(Posted { name, record, class: posting.class, content });
        self.records[record as usize].is_somewhere = true;
    }

    /// Enters a record about exactly these bytes.
    pub(crate) fn post_digest(&mut self, record: u32, digest: &Digest) {
        let id = self.records[record as usize].id;
        let posting = Posting {
            record: 0,
            id,
            class: Class::Malicious,
            flags: Flags::default(),
            registry: None,
            listed: Vec::new(),
            spans: Vec::new(),
            fixed: Vec::new(),
        };
        self.post(&crate::advisories::digest_name(digest), record, &posting);
    }

    /// Enters what a feed says under a name.
    pub(crate) fn fact(&mut self, name: &[u8], content: &[u8]) {
        let name = self.name(name);
        let begin = self.heap.len();
        self.heap.extend_from_slice(content);
        self.facts.push(Fact { name, content: Place { begin, end: self.heap.len() } });
    }

    fn name(&mut self, name: &[u8]) -> u32 {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let number = u32::try_from(self.name_list.len()).unwrap_or(u32::MAX);
        self.names.insert(name.into(), number);
        self.name_list.push(name.into());
        number
    }

    /// Writes the file.
    pub fn finish(mut self, header: &Header, to: &mut dyn Write) -> io::Result<Built> {
        self.identify();
        let hashes: Vec<u64> = self.name_list.iter().map(|name| hash(name)).collect();
        let mut order: Vec<u32> = (0..u32::try_from(hashes.len()).unwrap_or(u32::MAX)).collect();
        order.sort_unstable_by(|a, b| {
            let key = |at: &u32| (hashes[*at as usize], &self.name_list[*at as usize]);
            key(a).cmp(&key(b))
        });
        let mut rank = vec![0_u32; order.len()];
        for (place, name) in order.iter().enumerate() {
            rank[*name as usize] = u32::try_from(place).unwrap_or(u32::MAX);
        }
        self.postings.retain(|posted| !self.records[posted.record as usize].is_replaced);
        self.postings.sort_by_key(|posted| (rank[posted.name as usize], posted.record));
        self.facts.sort_by_key(|fact| rank[fact.name as usize]);
        let texts = self.text_order();
        let rows = self.rows(&rank);
        let contents = Contents { ids: self.ids(header), manifest: self.manifest(header, &rows) };
        let entries = |push: &mut dyn FnMut(&Entry<'_>) -> io::Result<()>| {
            let mut content = Vec::new();
            for row in &rows {
                content.clear();
                self.write_row(row, &texts.places, &mut content);
                let name = &self.name_list[row.name as usize];
                push(&Entry { hash: hashes[row.name as usize], name, content: &content })?;
            }
            Ok(())
        };
        let text = |push: &mut dyn FnMut(&[u8]) -> io::Result<()>| {
            let mut length = Vec::new();
            for record in &texts.order {
                let text = self.slice(self.records[*record as usize].text);
                length.clear();
                put_number(&mut length, text.len() as u64);
                push(&length)?;
                push(text)?;
            }
            Ok(())
        };
        let records = contents.manifest.records;
        let digest = write(to, contents, entries, text)?;
        Ok(Built {
            digest: hex(&digest),
            records,
            problems: std::mem::take(&mut self.problems),
            problem_count: self.problem_count,
        })
    }

    fn slice(&self, place: Place) -> &[u8] {
        &self.heap[place.begin..place.end]
    }
}
