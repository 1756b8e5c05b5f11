//! What the index has under the name of a package: for each record what it affects, ready to be compared. What a record
//! says to people is elsewhere ([`crate::record`]), and is read only when it applies.

use crate::class::Class;
use crate::codec::{Cursor, Truncated, put_bytes, put_number};
use crate::spans::{End, Span};

/// What a record says of a package. Texts and keys are borrowed from the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Posting<'a> {
    /// Where the text of the record begins.
    pub(crate) record: u64,
    /// The hash of the record's identifier, by which a newer layer replaces it.
    pub(crate) id: u64,
    pub(crate) class: Class,
    pub(crate) flags: Flags,
    /// The registry that it speaks of, if it is not the one of the ecosystem.
    pub(crate) registry: Option<&'a str>,
    /// The versions that it lists.
    pub(crate) listed: Vec<Listed<'a>>,
    pub(crate) spans: Vec<BorrowedSpan<'a>>,
    /// The versions that it names as fixes.
    pub(crate) fixed: Vec<Listed<'a>>,
}

/// A version as it is written, and its key; the key is empty if it has no place in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Listed<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) text: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BorrowedSpan<'a> {
    pub(crate) from: Option<&'a [u8]>,
    pub(crate) to: BorrowedEnd<'a>,
    pub(crate) is_wild: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BorrowedEnd<'a> {
    Open,
    Before(&'a [u8]),
    With(&'a [u8]),
}

/// What else there is to know of a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flags(u8);

impl Flags {
    /// The record was withdrawn.
    pub(crate) const WITHDRAWN: Self = Self(1);
    /// A range that says every version was left out, because the record lists versions too.
    pub(crate) const SUPPRESSED: Self = Self(1 << 1);
    /// Some of its ranges are of commits.
    pub(crate) const COMMITS: Self = Self(1 << 2);
    /// Some of its ranges cannot be evaluated.
    pub(crate) const UNCLEAR: Self = Self(1 << 3);
    /// Its only range says every version, where the ones that count are in another form (Go).
    pub(crate) const CUSTOM: Self = Self(1 << 4);

    pub(crate) fn set(&mut self, flag: Self) {
        self.0 |= flag.0;
    }

    pub(crate) const fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }
}

impl BorrowedSpan<'_> {
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.from.is_none_or(|from| from <= key)
            && match self.to {
                BorrowedEnd::Open => true,
                BorrowedEnd::Before(end) => key < end,
                BorrowedEnd::With(end) => key <= end,
            }
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.from.is_none() && self.to == BorrowedEnd::Open
    }

    pub(crate) fn is_open(&self) -> bool {
        self.to == BorrowedEnd::Open
    }

    /// True if it names this version as its first or its last.
    pub(crate) fn names(&self, key: &[u8]) -> bool {
        self.from == Some(key) || self.to == BorrowedEnd::With(key)
    }
}

impl<'a> From<&'a Span> for BorrowedSpan<'a> {
    fn from(span: &'a Span) -> Self {
        let to = match &span.to {
            End::Open => BorrowedEnd::Open,
            End::Before(end) => BorrowedEnd::Before(end),
            End::With(end) => BorrowedEnd::With(end),
        };
        Self { from: span.from.as_deref(), to, is_wild: span.is_wild }
    }
}

/// Kinds of beginnings and ends of spans, in one byte.
mod mark {
    pub(super) const FROM: u8 = 1;
    pub(super) const BEFORE: u8 = 1 << 1;
    pub(super) const WITH: u8 = 1 << 2;
    pub(super) const WILD: u8 = 1 << 3;
}

impl<'a> Posting<'a> {
    /// Writes all but the place of the record, which is not known before all records are.
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.id.to_be_bytes());
        to.push(self.class.number());
        to.push(self.flags.0);
        put_bytes(to, self.registry.unwrap_or_default().as_bytes());
        write_versions(to, &self.listed);
        put_number(to, self.spans.len() as u64);
        for span in &self.spans {
            let (end, kind): (&[u8], u8) = match span.to {
                BorrowedEnd::Open => (&[], 0),
                BorrowedEnd::Before(end) => (end, mark::BEFORE),
                BorrowedEnd::With(end) => (end, mark::WITH),
            };
            let from = if span.from.is_some() { mark::FROM } else { 0 };
            to.push(kind | from | if span.is_wild { mark::WILD } else { 0 });
            if let Some(from) = span.from {
                put_bytes(to, from);
            }
            if kind != 0 {
                put_bytes(to, end);
            }
        }
        write_versions(to, &self.fixed);
    }

    /// Reads one, with the place of its record before it.
    pub(crate) fn read(from: &mut Cursor<'a>) -> Result<Self, Truncated> {
        Ok(Self {
            record: from.number()?,
            id: from.u64()?,
            class: Class::from_number(from.byte()?).ok_or(Truncated)?,
            flags: Flags(from.byte()?),
            registry: Some(from.text()?).filter(|registry| !registry.is_empty()),
            listed: read_versions(from)?,
            spans: read_spans(from)?,
            fixed: read_versions(from)?,
        })
    }
}

fn write_versions(to: &mut Vec<u8>, versions: &[Listed<'_>]) {
    put_number(to, versions.len() as u64);
    for version in versions {
        put_bytes(to, version.text.as_bytes());
        put_bytes(to, version.key);
    }
}

fn read_versions<'a>(from: &mut Cursor<'a>) -> Result<Vec<Listed<'a>>, Truncated> {
    let count = from.count()?;
    let version = |_| Ok(Listed { text: from.text()?, key: from.bytes()? });
    (0..count).map(version).collect()
}

fn read_spans<'a>(from: &mut Cursor<'a>) -> Result<Vec<BorrowedSpan<'a>>, Truncated> {
    let count = from.count()?;
    let span = |_| {
        let kind = from.byte()?;
        let begin = if kind & mark::FROM != 0 { Some(from.bytes()?) } else { None };
        let to = match kind & !(mark::FROM | mark::WILD) {
            0 => BorrowedEnd::Open,
            mark::BEFORE => BorrowedEnd::Before(from.bytes()?),
            mark::WITH => BorrowedEnd::With(from.bytes()?),
            _ => return Err(Truncated),
        };
        Ok(BorrowedSpan { from: begin, to, is_wild: kind & mark::WILD != 0 })
    };
    (0..count).map(span).collect()
}
