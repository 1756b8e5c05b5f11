//! Under each identifier, what its records are about: whoever hears of an advisory wants to know whom it affects.

use std::collections::BTreeSet;

use super::{Builder, Fact, Place};
use crate::advisories::identifier_name;
use crate::codec::{put_bytes, put_number};
use crate::record::Record;

/// A record under one of its identifiers, and the name of an entry that it is under.
type Row = (u32, u32, u32);

impl Builder {
    /// Enters the records under their identifiers, their own and those that others have for the same.
    pub(super) fn identify(&mut self) {
        let mut rows: Vec<Row> = Vec::new();
        let postings = std::mem::take(&mut self.postings);
        for of_record in postings.chunk_by(|a, b| a.record == b.record) {
            let Some(record) = of_record.first().map(|posted| posted.record) else { continue };
            let Some(text) = self.text_of(record) else { continue };
            for identifier in std::iter::once(&text.id).chain(&text.aliases) {
                let identifier = self.name(&identifier_name(identifier));
                rows.extend(of_record.iter().map(|posted| (identifier, posted.name, record)));
            }
        }
        self.postings = postings;
        rows.sort_unstable();
        rows.dedup();
        for of_identifier in rows.chunk_by(|a, b| a.0 == b.0) {
            let Some(name) = of_identifier.first().map(|row| row.0) else { continue };
            let content = self.subjects(of_identifier);
            let begin = self.heap.len();
            self.heap.extend_from_slice(&content);
            self.facts.push(Fact { name, content: Place { begin, end: self.heap.len() } });
        }
    }

    /// What a record says, unless a newer one took its place.
    fn text_of(&self, record: u32) -> Option<Record> {
        let kept = self.records.get(record as usize).filter(|kept| !kept.is_replaced)?;
        Record::read(self.slice(kept.text)).ok()
    }

    /// The identifiers of the records, and the names of the entries that they are under.
    fn subjects(&self, rows: &[Row]) -> Vec<u8> {
        let records: BTreeSet<u32> = rows.iter().map(|row| row.2).collect();
        let ids: BTreeSet<String> =
            records.into_iter().filter_map(|record| self.text_of(record)).map(|text| text.id).collect();
        let names: BTreeSet<&[u8]> = rows.iter().map(|row| &*self.name_list[row.1 as usize]).collect();
        let mut content = Vec::new();
        put_number(&mut content, ids.len() as u64);
        for id in &ids {
            put_bytes(&mut content, id.as_bytes());
        }
        put_number(&mut content, names.len() as u64);
        for name in &names {
            put_bytes(&mut content, name);
        }
        content
    }
}
