//! Whether a posting fits a release, and how well.

use jiff::{SignedDuration, Timestamp};

use crate::advisories::{Origin, Question};
use crate::answer::{Basis, Grade};
use crate::class::Class;
use crate::posting::{Flags, Posting};

/// How much older than an advisory about malice a package is that was probably hijacked, and not made for an attack:
/// half a year. What is made for an attack is found sooner, nearly always.
const OLDER: SignedDuration = SignedDuration::from_hours(180 * 24);

/// What a posting says of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// It does not apply.
    No,
    /// It applies.
    Yes { basis: Basis, range_suppressed: bool },
    /// It cannot be told.
    Unclear(&'static str),
}

/// What is compared with postings: a version, with its key if it has one.
pub(crate) struct Asked<'a> {
    pub(crate) version: &'a str,
    pub(crate) key: Option<Vec<u8>>,
    /// The key of the lowest version that leads to it (`1.0.0-0`). A range that begins there begins with it: RustSec writes
    /// "later than 0.3.9" so.
    pub(crate) before: Option<Vec<u8>>,
    /// An advisory about malice in the same package lists versions.
    pub(crate) is_listed_anywhere: bool,
}

impl Asked<'_> {
    /// Whether the posting covers the version.
    pub(crate) fn coverage(&self, posting: &Posting<'_>) -> Coverage {
        let yes = |basis| Coverage::Yes { basis, range_suppressed: posting.flags.has(Flags::SUPPRESSED) };
        if self.version.is_empty() {
            return Coverage::Unclear("the version is not known");
        }
        if let Some(basis) = self.listed(posting) {
            return yes(basis);
        }
        if let Some(basis) = self.ranged(posting) {
            return yes(basis);
        }
        if self.key.is_none() && posting.spans.iter().any(|span| !span.is_everything()) {
            return Coverage::Unclear("the version has no place in the order of its ecosystem");
        }
        if posting.flags.has(Flags::COMMITS) {
            return Coverage::Unclear("the advisory has only ranges of commits");
        }
        if posting.flags.has(Flags::UNCLEAR) {
            return Coverage::Unclear("the advisory has a range that cannot be read, or names no version");
        }
        Coverage::No
    }

    fn listed(&self, posting: &Posting<'_>) -> Option<Basis> {
        if posting.listed.iter().any(|listed| listed.text == self.version) {
            return Some(Basis::Listed);
        }
        let key = self.key.as_deref()?;
        posting.listed.iter().any(|listed| listed.key == key).then_some(Basis::EqualVersion)
    }

    fn ranged(&self, posting: &Posting<'_>) -> Option<Basis> {
        let contains = |span: &&crate::posting::BorrowedSpan<'_>| match self.key.as_deref() {
            Some(key) => span.contains(key),
            None => span.is_everything(),
        };
        let mut spans = posting.spans.iter().filter(contains).peekable();
        spans.peek()?;
        let is_malicious = posting.class == Class::Malicious;
        let bases = spans.map(|span| {
            let names = |key: &Option<Vec<u8>>| key.as_deref().is_some_and(|key| span.names(key));
            if is_malicious && (names(&self.key) || names(&self.before)) {
                Basis::Boundary
            } else if span.is_wild && posting.flags.has(Flags::CUSTOM) {
                Basis::NoComparableRange
            } else if !is_malicious || !span.is_open() {
                Basis::Range
            } else if span.is_wild {
                if self.is_listed_anywhere { Basis::ListedElsewhere } else { Basis::WholePackage }
            } else if self.is_listed_anywhere {
                Basis::LaterVersion
            } else {
                Basis::Range
            }
        });
        bases.min_by_key(|basis| strength(*basis))
    }
}

/// The grade of a basis on its own; the registry comes into it later.
fn strength(basis: Basis) -> Grade {
    match basis {
        Basis::Digest => Grade::Hash,
        Basis::Listed | Basis::EqualVersion | Basis::Boundary | Basis::WholePackage => Grade::Version,
        Basis::Range => Grade::Range,
        Basis::ListedElsewhere | Basis::OlderPackage | Basis::LaterVersion | Basis::NoComparableRange => {
            Grade::SuspectWildcard
        }
    }
}

/// The basis when it is known how old the package is.
pub(crate) fn aged(basis: Basis, published: Option<Timestamp>, first_release: Option<Timestamp>) -> Basis {
    let older = published.zip(first_release).is_some_and(|(published, first)| published.duration_since(first) > OLDER);
    if basis == Basis::WholePackage && older { Basis::OlderPackage } else { basis }
}

/// The grade of a basis for a release from somewhere.
pub(crate) fn grade(basis: Basis, registry: Option<&str>, question: &Question<'_>) -> Grade {
    let strength = strength(basis);
    if strength == Grade::Hash {
        return strength;
    }
    let same = match (registry, question.origin) {
        (_, Origin::Unknown) => None,
        (None, Origin::Default) => Some(true),
        (None, Origin::Other(_)) | (Some(_), Origin::Default) => Some(false),
        (Some(spoken), Origin::Other(other)) => Some(spoken == other),
    };
    match (same, strength) {
        (Some(false), _) => Grade::NameCollision,
        (Some(true), Grade::Version) => Grade::Release,
        _ => strength,
    }
}
