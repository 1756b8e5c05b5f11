//! Looking for rules of YARA in what a stranger wrote.
//!
//! Nothing here is sure to end: a pattern may try every place of a large file over and over. So each file has a time, and
//! what was not searched to its end is a gap.

use std::time::Duration;

use stockade_model::{Gap, GapKind};
use yara_x::{Compiler, Rule, Rules, ScanError, Scanner};

use super::name_of;
use crate::eval::Unit;
use crate::facts::Spot;
use crate::inspection::Match;

/// How long a file or a layer may be searched. The engine counts whole seconds.
const PATIENCE: Duration = Duration::from_secs(4);
/// How often that may be too short in one artifact. What comes after it is not searched.
const MAX_LATE: usize = 2;
/// How many matches of one pattern in one file are counted. Each takes memory.
const MAX_COUNTED: usize = 10_000;
/// How many matches of rules are kept of one artifact.
const MAX_MATCHES: usize = 2_000;
/// How many files that were not searched are told one by one.
const MAX_GAPS: usize = 4;
/// How many bytes without a zero make a text.
const HEAD: usize = 8_192;
/// How much of a line is shown, in bytes, before the match and in all.
const SHOWN_BEFORE: usize = 40;
const SHOWN: usize = 160;
/// How many bytes of a match in what is no text are shown.
const SHOWN_BYTES: usize = 32;

/// Rules that can be looked for.
pub struct Searcher {
    rules: Rules,
    digest: String,
}

impl Searcher {
    /// Starts what has to be there before a process cannot start threads any more: the one that counts the seconds.
    pub fn prepare() {
        let rules = Compiler::new().build();
        let mut scanner = Scanner::new(&rules);
        // There is nothing to be found, and nothing to go wrong that the first file would not show.
        let _ = scanner.set_timeout(PATIENCE).scan(&[]);
    }

    /// The rules that [`super::Patterns`] have.
    pub fn load(digest: String, compiled: &[u8]) -> Result<Self, String> {
        let rules = Rules::deserialize(compiled).map_err(|error| error.to_string())?;
        Ok(Self { rules, digest })
    }

    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }
}

/// The search through one artifact.
pub(crate) struct Search<'a> {
    scanner: Scanner<'a>,
    /// What was found in the file at hand.
    found: Vec<Match>,
    /// Why not all of the file at hand was searched.
    unsearched: Option<String>,
    late: usize,
    kept: usize,
    gaps: Vec<Gap>,
    more: usize,
}

impl<'a> Search<'a> {
    pub(crate) fn with(searcher: &'a Searcher) -> Self {
        let mut scanner = Scanner::new(&searcher.rules);
        scanner.set_timeout(PATIENCE).max_matches_per_pattern(MAX_COUNTED);
        Self { scanner, found: Vec::new(), unsearched: None, late: 0, kept: 0, gaps: Vec::new(), more: 0 }
    }

    /// Searches a layer that was peeled off the file at hand.
    pub(crate) fn layer(&mut self, unit: &Unit) {
        if !unit.peeled().is_empty() {
            let spot = |at: usize, _: &[u8]| unit.spot(u32::try_from(at).unwrap_or(u32::MAX));
            self.search(unit.text().as_bytes(), unit.peeled(), &spot);
        }
    }

    /// Searches a file. What was found in it and its layers, and whether all of it was searched.
    pub(crate) fn file(&mut self, path: &str, bytes: &[u8]) -> (Vec<Match>, bool) {
        let is_text = memchr::memchr(0, &bytes[..bytes.len().min(HEAD)]).is_none();
        let spot = |at: usize, data: &[u8]| if is_text { in_text(bytes, at) } else { in_bytes(at, data) };
        self.search(bytes, &[], &spot);
        let unsearched = self.unsearched.take();
        if let Some(why) = &unsearched {
            if self.gaps.len() < MAX_GAPS {
                let detail = format!("`{path}` was not searched to its end with the rules of YARA: {why}");
                self.gaps.push(Gap::new(GapKind::Limit, detail));
            } else {
                self.more += 1;
            }
        }
        (std::mem::take(&mut self.found), unsearched.is_none())
    }

    /// What was not searched.
    pub(crate) fn gaps(mut self) -> Vec<Gap> {
        if self.more > 0 {
            let detail = format!("{} more files were not searched to their end with the rules of YARA", self.more);
            self.gaps.push(Gap::new(GapKind::Limit, detail));
        }
        self.gaps
    }

    fn search(&mut self, bytes: &[u8], layers: &[String], spot: &dyn Fn(usize, &[u8]) -> Spot) {
        if self.late >= MAX_LATE {
            self.unsearched = Some("what was searched before it took too long".to_owned());
            return;
        }
        let results = match self.scanner.scan(bytes) {
            Ok(results) => results,
            Err(error) => {
                self.late += usize::from(matches!(error, ScanError::Timeout));
                self.unsearched = Some(match error {
                    ScanError::Timeout => format!("it takes longer than {} seconds", PATIENCE.as_secs()),
                    error => error.to_string(),
                });
                return;
            }
        };
        for rule in results.matching_rules() {
            if self.kept >= MAX_MATCHES {
                self.unsearched = Some(format!("more than {MAX_MATCHES} rules match in all"));
                return;
            }
            self.kept += 1;
            self.found.push(matched(&rule, layers, spot));
        }
    }
}

/// A rule's match, at the first place of one of its patterns. A rule need not have any.
fn matched(rule: &Rule<'_, '_>, layers: &[String], spot: &dyn Fn(usize, &[u8]) -> Spot) -> Match {
    let patterns = rule.patterns().include_private(true);
    let firsts = patterns.filter_map(|pattern| {
        let first = pattern.matches().next()?;
        Some((first.range().start, pattern.identifier(), first.data()))
    });
    let (what, at) = match firsts.min_by_key(|(start, ..)| *start) {
        Some((start, identifier, data)) => (format!("match {identifier}"), spot(start, data)),
        None => ("match".to_owned(), Spot::default()),
    };
    Match { rule: name_of(rule.identifier()), what, at, layers: layers.to_vec() }
}

/// A place in a text: the line, and what of it stands around the place.
fn in_text(bytes: &[u8], at: usize) -> Spot {
    let before = &bytes[..at.min(bytes.len())];
    let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let end = memchr::memchr(b'\n', &bytes[before.len()..]).map_or(bytes.len(), |length| before.len() + length);
    let from = start.max(before.len().saturating_sub(SHOWN_BEFORE));
    let shown = String::from_utf8_lossy(&bytes[from..end.min(from.saturating_add(SHOWN))]);
    let snippet = shown.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = memchr::memchr_iter(b'\n', before).count().saturating_add(1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count().saturating_add(1);
    Spot { line: to_u32(line), column: to_u32(column), snippet }
}

/// A place in what is no text.
fn in_bytes(at: usize, data: &[u8]) -> Spot {
    let shown = &data[..data.len().min(SHOWN_BYTES)];
    Spot { line: 0, column: 0, snippet: format!("at byte {at}: {}", shown.escape_ascii()) }
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
