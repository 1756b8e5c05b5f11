//! What a record says to people, as the index keeps it: enough to name it, to rank it and to link it with others.

use jiff::Timestamp;

use crate::codec::{Cursor, Truncated, put_bytes, put_number};
use crate::osv::Osv;
use crate::severity::Severity;

/// How much of a summary is kept, in characters.
const MAX_SUMMARY: usize = 200;

/// The text of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) summary: String,
    pub(crate) severity: Severity,
    pub(crate) published: Option<Timestamp>,
    pub(crate) modified: Option<Timestamp>,
    pub(crate) withdrawn: Option<Timestamp>,
}

impl Record {
    /// The text of a record; its times are given, because what is wrong with them is a problem of the record.
    pub(crate) fn of(osv: &Osv, severity: Severity, times: [Option<Timestamp>; 3]) -> Self {
        let [published, modified, withdrawn] = times;
        let said = if osv.summary.trim().is_empty() { &osv.details } else { &osv.summary };
        let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let summary = line.chars().filter(|c| !c.is_control()).take(MAX_SUMMARY).collect();
        Self { id: osv.id.clone(), aliases: osv.aliases.clone(), summary, severity, published, modified, withdrawn }
    }

    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        put_bytes(to, self.id.as_bytes());
        put_number(to, self.aliases.len() as u64);
        for alias in &self.aliases {
            put_bytes(to, alias.as_bytes());
        }
        put_bytes(to, self.summary.as_bytes());
        to.push(self.severity.tenths.map_or(u8::MAX, |tenths| tenths));
        put_bytes(to, self.severity.vector.as_deref().unwrap_or_default().as_bytes());
        put_bytes(to, self.severity.word.as_deref().unwrap_or_default().as_bytes());
        for time in [self.published, self.modified, self.withdrawn] {
            // The beginning of 1970 is no time of an advisory.
            to.extend_from_slice(&time.map_or(0, Timestamp::as_second).to_be_bytes());
        }
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Truncated> {
        let mut from = Cursor::new(bytes);
        let id = from.text()?.to_owned();
        let count = from.count()?;
        let aliases = (0..count).map(|_| from.text().map(str::to_owned)).collect::<Result<_, _>>()?;
        let summary = from.text()?.to_owned();
        let tenths = Some(from.byte()?).filter(|tenths| *tenths != u8::MAX);
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let severity = Severity { tenths, vector: some(from.text()?), word: some(from.text()?) };
        let mut time = || -> Result<_, Truncated> {
            let second = i64::from_be_bytes(from.fixed()?);
            Ok(if second == 0 { None } else { Some(Timestamp::from_second(second).map_err(|_| Truncated)?) })
        };
        let (published, modified, withdrawn) = (time()?, time()?, time()?);
        Ok(Self { id, aliases, summary, severity, published, modified, withdrawn })
    }
}
