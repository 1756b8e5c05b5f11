//! From what was collected to what is written.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{Builder, Header};
use crate::advisories::PACKAGE;
use crate::class::Class;
use crate::codec::put_number;
use crate::file::{FORMAT, Manifest, Parts};

/// How many problems are kept in the file, in words.
const MAX_WRITTEN: usize = 100;

/// What becomes an entry.
pub(crate) struct Row {
    pub(super) name: u32,
    postings: Range<usize>,
    fact: Option<usize>,
}

/// Records in the order of their texts, and where in the part the text of each begins.
pub(super) struct Texts {
    pub(super) order: Vec<u32>,
    pub(super) places: Vec<u64>,
}

impl Builder {
    /// Texts lie in the order of their packages, so that those of one package share a page.
    pub(super) fn text_order(&self) -> Texts {
        let mut places = vec![u64::MAX; self.records.len()];
        let mut order = Vec::new();
        let (mut place, mut number) = (0, Vec::new());
        for posted in &self.postings {
            let record = posted.record as usize;
            if places[record] != u64::MAX {
                continue;
            }
            places[record] = place;
            order.push(posted.record);
            let length = self.slice(self.records[record].text).len() as u64;
            number.clear();
            put_number(&mut number, length);
            place += number.len() as u64 + length;
        }
        Texts { order, places }
    }

    /// Entries in the order in which the postings are, which facts are sorted into.
    pub(super) fn rows(&self, rank: &[u32]) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for (at, posted) in self.postings.iter().enumerate() {
            match rows.last_mut().filter(|row| row.name == posted.name) {
                Some(row) => row.postings.end = at + 1,
                None => rows.push(Row { name: posted.name, postings: at..at + 1, fact: None }),
            }
        }
        for (at, fact) in self.facts.iter().enumerate() {
            match rows.last_mut().filter(|row| row.name == fact.name) {
                Some(row) => row.fact = Some(at),
                None => rows.push(Row { name: fact.name, postings: 0..0, fact: Some(at) }),
            }
        }
        rows.sort_by_key(|row| rank[row.name as usize]);
        rows
    }

    /// The content of an entry: its postings, each behind the place of its record; or what a feed says.
    pub(super) fn write_row(&self, row: &Row, places: &[u64], content: &mut Vec<u8>) {
        if let Some(fact) = row.fact {
            content.extend_from_slice(self.slice(self.facts[fact].content));
            return;
        }
        put_number(content, row.postings.len() as u64);
        for posted in &self.postings[row.postings.clone()] {
            put_number(content, places[posted.record as usize]);
            content.extend_from_slice(self.slice(posted.content));
        }
    }

    /// The hashes by which an overlay replaces what is below it. Nothing is below a base.
    pub(super) fn ids(&self, header: &Header) -> Vec<u64> {
        if header.base.is_none() {
            return Vec::new();
        }
        let mut ids: Vec<u64> = self.by_id.keys().copied().chain(self.removed.iter().copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    pub(crate) fn manifest(&self, header: &Header, rows: &[Row]) -> Manifest {
        let live = || self.records.iter().filter(|record| !record.is_replaced);
        let is_package = |row: &&Row| self.name_list[row.name as usize].first() == Some(&PACKAGE);
        Manifest {
            format: FORMAT,
            sequence: header.sequence,
            base: header.base.clone(),
            built: header.built,
            sources: self.sources.clone(),
            records: live().count() as u64,
            withdrawn: live().filter(|record| record.is_withdrawn).count() as u64,
            replaced: self.replaced,
            nowhere: live().filter(|record| !record.is_somewhere).count() as u64,
            packages: rows.iter().filter(is_package).count() as u64,
            vulnerable: self.vulnerable(),
            newest: live().filter_map(|record| record.modified).max(),
            problems: self.problem_count,
            first_problems: self.problems.iter().take(MAX_WRITTEN).map(ToString::to_string).collect(),
            lost: self.lost_count,
            first_lost: self.lost.iter().take(MAX_WRITTEN).map(ToString::to_string).collect(),
            parts: Parts::default(),
        }
    }

    fn vulnerable(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for posted in &self.postings {
            let name = &self.name_list[posted.name as usize];
            let ecosystem = name.strip_prefix(&[PACKAGE]).and_then(|name| name.split(|byte| *byte == 0).next());
            let counts_here = posted.class == Class::Vulnerable && !self.records[posted.record as usize].is_withdrawn;
            if let Some(ecosystem) = ecosystem.filter(|_| counts_here) {
                *counts.entry(String::from_utf8_lossy(ecosystem).into_owned()).or_default() += 1;
            }
        }
        counts
    }
}
