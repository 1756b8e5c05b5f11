//! Evidence: what was found out about a release, and gaps: what could not be found out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Digest, Integrity, Verdict};

/// One fact about a release. Facts carry what the policy and a person need, and no judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Evidence {
    /// When the release was published, and who says so.
    Published {
        /// The instant.
        at: Timestamp,
        /// Whose clock it is.
        clock: Clock,
    },
    /// What the index says of the release besides its time.
    Manifest {
        /// The account that published it, where the index names one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        publisher: Option<String>,
        /// Code of the release runs when it is installed.
        install_hook: bool,
        /// The index offers an attestation about the build.
        provenance: bool,
        /// The maintainers' own words against using it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deprecated: Option<String>,
    },
    /// An advisory speaks of exactly this release.
    Advisory {
        /// `MAL-…`, `GHSA-…`.
        id: String,
        /// The release itself is an attack, not merely vulnerable.
        malware: bool,
        /// One line of what it says.
        summary: String,
    },
    /// The bytes were hashed and compared.
    Integrity {
        /// The content address of the bytes that were looked at.
        digest: Digest,
        /// What the comparison with the index's claim and with the pin gave.
        comparison: Comparison,
    },
    /// The index claims this integrity, and no bytes were looked at yet.
    Claimed {
        /// The claim.
        integrity: Integrity,
    },
    /// A person has ruled on exactly these bytes.
    Decision {
        /// Allow or deny.
        verdict: Verdict,
        /// The digest that the decision is bound to; the decision says nothing about other bytes.
        digest: Digest,
        /// Why.
        reason: String,
        /// Who.
        by: String,
        /// When it ends; `None` for a denial that stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires: Option<Timestamp>,
    },
    /// An advisory names the release as the fix of what a version has that was given out here.
    Fixes {
        /// The advisory.
        id: String,
        /// The version.
        of: String,
    },
    /// A person froze everything: what was published since is not to be used yet.
    Frozen {
        /// The instant.
        since: Timestamp,
        /// Why.
        reason: String,
        /// Who.
        by: String,
    },
    /// The content of exactly these bytes was inspected and compared with what was cleared before.
    Inspection {
        /// The bytes.
        digest: Digest,
        /// The version that they were compared with; `None` if there was nothing to compare with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        against: Option<String>,
        /// What rules say of it, the strongest first; at most [`Finding::MAX`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        findings: Vec<Finding>,
        /// The packages that it needs and what it was compared with does not; at most [`NewNeed::MAX`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        needs: Vec<NewNeed>,
    },
}

/// What a rule of the inspector says of a release. It is all that a ruling needs of an inspection, so that it replays
/// without the artifact, the rules and the inspector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's name, in kebab case.
    pub rule: String,
    /// What the rule asks for.
    pub verdict: Verdict,
    /// A predicate that follows the release's name: `sends the environment to x.invalid when it is installed`.
    pub sentence: String,
    /// The file that shows it most clearly; empty if it is about the release as a whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The line there, from 1; 0 for the whole file.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub line: u32,
}

impl Finding {
    /// How many findings an inspection keeps as evidence.
    pub const MAX: usize = 20;
    /// The longest name of a rule, in characters.
    pub const MAX_RULE: usize = 64;
    /// The longest sentence, in characters.
    pub const MAX_SENTENCE: usize = 300;
    /// The longest path, in characters; of a longer one the end is kept.
    pub const MAX_PATH: usize = 200;

    /// A finding, cut to what evidence keeps.
    pub fn new(rule: &str, verdict: Verdict, sentence: &str, path: &str, line: u32) -> Self {
        let skipped = path.chars().count().saturating_sub(Self::MAX_PATH);
        Self {
            rule: rule.chars().take(Self::MAX_RULE).collect(),
            verdict,
            sentence: sentence.chars().take(Self::MAX_SENTENCE).collect(),
            path: path.chars().skip(skipped).collect(),
            line,
        }
    }

    /// The place, unless the sentence says it already.
    pub fn unsaid_place(&self) -> Option<String> {
        self.place().filter(|place| !self.sentence.contains(place.as_str()))
    }

    /// `collect.js:3`; `None` if it is about the release as a whole.
    pub fn place(&self) -> Option<String> {
        match (self.path.as_str(), self.line) {
            ("", _) => None,
            (path, 0) => Some(path.to_owned()),
            (path, line) => Some(format!("{path}:{line}")),
        }
    }
}

/// A package that a release began to need. One that is hardly older than the release is how an attack is brought in
/// without a trace in the release itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewNeed {
    /// The package's name.
    pub name: String,
    /// When the first release of it that is still listed was published, as its index says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How many releases its index lists.
    pub releases: u32,
}

impl NewNeed {
    /// How many new needs are looked at.
    pub const MAX: usize = 16;
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(line: &u32) -> bool {
    *line == 0
}

/// Whose clock a publish time comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum Clock {
    /// The registry's statement.
    Registry,
    /// The upstream's times are those of a mirror that notes when it first saw a version: they are out of the order of
    /// versions. A time may then be far too late, never too early, so what is known to be older is taken from a later
    /// version of the same line.
    Mirror {
        /// The later version of the same line that bounds the time from above, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bounded_by: Option<String>,
    },
    /// The upstream's date of the release's files; its index states no times.
    Files,
    /// The upstream's date of its index, which lists the release: it was published by then, and may be older.
    Listed,
    /// Nobody else says when: it is when this gateway first saw the release.
    FirstSeen,
    /// It was published here, by somebody who may.
    Hosted,
}

/// How bytes compared with what was claimed of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Comparison {
    /// Equal to the index's claim and to the pin, if there was one.
    Matches,
    /// The bytes are not what the index claims.
    NotAsClaimed {
        /// The claim.
        claimed: Integrity,
    },
    /// The bytes or the claim are not what was first seen under this version: the release was replaced.
    NotAsPinned {
        /// What was first seen.
        pinned: Digest,
        /// When.
        since: Timestamp,
    },
}

/// Something that could not be looked at. It is never an empty list: the policy decides on it, and a person sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Why there was nothing to see.
    pub kind: GapKind,
    /// What was not looked at and what stood in the way, for a person.
    pub detail: String,
}

impl Gap {
    /// A gap of this kind.
    pub fn new(kind: GapKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// The kinds of gaps that a policy can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapKind {
    /// The upstream did not answer, and an older copy of its index was used. What is in it was looked at.
    Stale,
    /// The upstream did not answer, and there was no copy.
    Unreachable,
    /// The index states no publish time, or none that can be read.
    NoTime,
    /// The index claims no digest, so that bytes can be compared with nothing but our own pin.
    NoIntegrity,
    /// The index claims only a digest for which a second input can be made (SHA-1).
    WeakIntegrity,
    /// A document was not what it should be, so that part of it was not understood.
    Malformed,
    /// A limit was reached before everything was looked at.
    Limit,
    /// The advisories are missing, cannot be read, or are older than allowed.
    Advisories,
    /// A custom rule could not be evaluated.
    Rule,
    /// The content could not be inspected, or not all of it: it could not be unpacked or read, a limit was reached, the
    /// inspector failed, or what it had to be compared with could not be had.
    Inspection,
}

impl GapKind {
    /// Every kind, in the order of this file.
    pub const ALL: [Self; 10] = [
        Self::Stale,
        Self::Unreachable,
        Self::NoTime,
        Self::NoIntegrity,
        Self::WeakIntegrity,
        Self::Malformed,
        Self::Limit,
        Self::Advisories,
        Self::Rule,
        Self::Inspection,
    ];

    /// The spelling in policies and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Unreachable => "unreachable",
            Self::NoTime => "no-time",
            Self::NoIntegrity => "no-integrity",
            Self::WeakIntegrity => "weak-integrity",
            Self::Malformed => "malformed",
            Self::Limit => "limit",
            Self::Advisories => "advisories",
            Self::Rule => "rule",
            Self::Inspection => "inspection",
        }
    }
}
