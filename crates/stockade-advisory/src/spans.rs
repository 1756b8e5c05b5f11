//! Ranges of a record as spans: from a version on, up to one or before one. An index has spans, because a span needs no
//! list of events to be sorted when somebody asks.
//!
//! A range is evaluated as the schema of OSV says: its events in the order of their versions, `introduced` switches on,
//! `fixed` and what comes after `last_affected` switch off, and nothing is affected that is not before a `limit`. The schema
//! leaves open what comes first of two events with one version. An end comes before a new beginning, else the next range
//! would be lost wherever it is written first.

use std::fmt;

use crate::osv::Range;

/// The lowest version that SemVer has.
const LOWEST: &str = "0.0.0-0";

/// Versions, as keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// The lowest; `None` is what comes before every version.
    pub(crate) from: Option<Vec<u8>>,
    pub(crate) to: End,
    /// It says "every version", in one of the ways in which people write that: from 0, `0.0.0` or `0.0.0-0` on without an end.
    pub(crate) is_wild: bool,
}

/// Where a span ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// Nowhere.
    Open,
    /// Before this version.
    Before(Vec<u8>),
    /// With this version.
    With(Vec<u8>),
}

/// A range that cannot be evaluated, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// Its versions are commits.
    Commits,
    /// It is of a type that the schema did not have.
    Type(String),
    /// A version in it has no place in the order of its ecosystem.
    Version(String),
    /// It says nothing of where it begins.
    NoBeginning,
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Commits => f.write_str("a range of commits"),
            Self::Type(kind) => write!(f, "a range of the unknown type `{kind}`"),
            Self::Version(version) => write!(f, "`{version}` in a range has no place in the order of versions"),
            Self::NoBeginning => f.write_str("a range without a version in which it was introduced"),
        }
    }
}

/// A version that switches.
struct Event {
    kind: Kind,
    /// `None` before every version.
    key: Option<Vec<u8>>,
    is_zero: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Introduced,
    Fixed,
    LastAffected,
}

/// The spans of a range.
pub(crate) fn spans(range: &Range, key: impl Fn(&str) -> Option<Vec<u8>>) -> Result<Vec<Span>, Unclear> {
    match range.kind.as_str() {
        "SEMVER" | "ECOSYSTEM" => {}
        "GIT" => return Err(Unclear::Commits),
        other => return Err(Unclear::Type(other.to_owned())),
    }
    if !range.events.iter().any(|event| event.introduced.is_some()) {
        return Err(Unclear::NoBeginning);
    }
    let (events, limit) = events(range, key)?;
    let spans = walk(events);
    Ok(spans.into_iter().filter_map(|span| span.limited(limit.as_deref())).collect())
}

/// The events in the order in which they switch, and the version before which all is that is affected.
fn events(range: &Range, key: impl Fn(&str) -> Option<Vec<u8>>) -> Result<(Vec<Event>, Option<Vec<u8>>), Unclear> {
    let place = |version: &str| key(version).ok_or_else(|| Unclear::Version(version.to_owned()));
    let mut events: Vec<Event> = Vec::new();
    // Several limits are alternatives, so the highest counts.
    let (mut limit, mut unlimited) = (None, false);
    for event in &range.events {
        if let Some(version) = &event.introduced {
            let is_first = version == "0" || (version == LOWEST && range.kind == "SEMVER");
            let key = if is_first { None } else { Some(place(version)?) };
            let is_zero = version.bytes().all(|byte| b"0.-".contains(&byte));
            events.push(Event { kind: Kind::Introduced, key, is_zero });
        }
        if let Some(version) = &event.fixed {
            let key = Some(place(version)?);
            // What is fixed where it was introduced was never there.
            let undone = events.last().is_some_and(|last| last.kind == Kind::Introduced && last.key == key);
            if undone {
                events.pop();
            } else {
                events.push(Event { kind: Kind::Fixed, key, is_zero: false });
            }
        }
        if let Some(version) = &event.last_affected {
            events.push(Event { kind: Kind::LastAffected, key: Some(place(version)?), is_zero: false });
        }
        match event.limit.as_deref() {
            Some("*") => unlimited = true,
            Some(version) => limit = limit.max(Some(place(version)?)),
            None => {}
        }
    }
    events.sort_by(|a, b| a.key.cmp(&b.key).then((a.kind != Kind::Fixed).cmp(&(b.kind != Kind::Fixed))));
    Ok((events, limit.filter(|_| !unlimited)))
}

fn walk(events: Vec<Event>) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut open: Option<Event> = None;
    let ended = |begin: Event, to: End| Span { from: begin.key, to, is_wild: false };
    for event in events {
        match (event.kind, event.key.clone()) {
            (Kind::Introduced, _) => open = Some(open.unwrap_or(event)),
            (Kind::Fixed, Some(key)) => spans.extend(open.take().map(|begin| ended(begin, End::Before(key)))),
            (Kind::LastAffected, Some(key)) => spans.extend(open.take().map(|begin| ended(begin, End::With(key)))),
            (_, None) => {}
        }
    }
    spans.extend(open.map(|begin| Span { is_wild: begin.is_zero, from: begin.key, to: End::Open }));
    spans
}

impl Span {
    /// The part before a limit; `None` if there is none.
    fn limited(mut self, limit: Option<&[u8]>) -> Option<Self> {
        if let Some(limit) = limit.filter(|limit| !self.to.is_before(limit)) {
            self.to = End::Before(limit.to_vec());
            self.is_wild = false;
        }
        let is_empty = match (&self.from, &self.to) {
            (Some(from), End::Before(to)) => from >= to,
            (Some(from), End::With(to)) => from > to,
            (None, _) | (_, End::Open) => false,
        };
        (!is_empty).then_some(self)
    }
}

impl End {
    /// True if all of what it ends is before a version.
    fn is_before(&self, limit: &[u8]) -> bool {
        match self {
            Self::Open => false,
            Self::Before(end) => end.as_slice() <= limit,
            Self::With(end) => end.as_slice() < limit,
        }
    }
}
