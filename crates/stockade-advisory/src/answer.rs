//! What is answered: matches, what cannot be told, and what is taken back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::class::Class;
use crate::severity::Severity;

/// What the advisories say of a release.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// What applies to it, the worst first.
    pub matches: Vec<Match>,
    /// What may apply: the version cannot be compared. It is neither affected nor unaffected.
    pub unclear: Vec<Unclear>,
    /// What applied until it was withdrawn.
    pub retracted: Vec<Match>,
}

/// How well an advisory fits, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// It names exactly these bytes.
    Hash,
    /// It speaks of this version, and the release is from the registry that it speaks of.
    Release,
    /// It speaks of this version. Which registry the release is from is not known.
    Version,
    /// The version is in a range of it.
    Range,
    /// It says "every version" or "every later version", and there is a reason to doubt that it means this one.
    SuspectWildcard,
    /// The package only has the name of the one that it speaks of: it is from another registry.
    NameCollision,
}

impl Grade {
    /// True if a malicious match of this grade stops a release unless a policy says otherwise.
    pub const fn blocks_by_default(self) -> bool {
        matches!(self, Self::Hash | Self::Release | Self::Version)
    }
}

/// What makes an advisory fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The digest of the bytes is listed.
    Digest,
    /// The version is listed, letter by letter.
    Listed,
    /// A version that is listed is equal to it in the ecosystem's order, but written otherwise.
    EqualVersion,
    /// A range begins or ends with the version.
    Boundary,
    /// The version is in a range.
    Range,
    /// Every version is malicious, and nothing says that this was said in haste.
    WholePackage,
    /// Every version is said to be malicious, but another advisory of the same package lists versions.
    ListedElsewhere,
    /// Every version is said to be malicious, but the package is much older than the advisory.
    OlderPackage,
    /// The version is later than those that are listed, and the advisory names no end.
    LaterVersion,
    /// The advisory has no range that the version could be compared with, and so says every version.
    NoComparableRange,
}

/// An advisory that fits, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// Its identifier.
    pub id: String,
    /// How well.
    pub grade: Grade,
    /// What makes it fit.
    pub basis: Basis,
    /// A range of it that says "every version" was left out, because it lists versions.
    pub range_suppressed: bool,
}

/// What applies to a release: an advisory, or several that are about the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// The identifier of the advisory that fits best.
    pub id: String,
    /// What else the same is called: other advisories that are part of this match, and their aliases.
    pub aliases: Vec<String>,
    /// What it is about.
    pub class: Class,
    /// How well the one fits that fits best.
    pub grade: Grade,
    /// Why each of them fits, the best first.
    pub because: Vec<Because>,
    /// One line of what it says.
    pub summary: String,
    /// How severe it is.
    pub severity: Severity,
    /// The versions that are named as fixes, in their order.
    pub fixed: Vec<String>,
    /// When the first of them was published.
    pub published: Option<Timestamp>,
    /// When the last of them was modified.
    pub modified: Option<Timestamp>,
    /// When it was withdrawn.
    pub withdrawn: Option<Timestamp>,
    /// How likely it is that it is used, if a feed says so.
    pub likelihood: Option<Likelihood>,
    /// It is known to be used, a feed says.
    pub exploited: bool,
}

impl Match {
    /// True if the release is to be stopped unless a policy says otherwise: it is malicious, and the advisory means it.
    pub fn blocks_by_default(&self) -> bool {
        self.class == Class::Malicious && self.grade.blocks_by_default() && self.withdrawn.is_none()
    }
}

/// An estimate of EPSS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likelihood {
    /// The probability that it is used within thirty days.
    pub probability: f32,
    /// How many of all vulnerabilities have no higher one, from 0 to 1.
    pub percentile: f32,
}

/// An advisory that may apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclear {
    /// Its identifier.
    pub id: String,
    /// What it is about.
    pub class: Class,
    /// Why it cannot be told, as the end of a sentence.
    pub why: &'static str,
}
