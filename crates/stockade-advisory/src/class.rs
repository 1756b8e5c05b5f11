//! What kind of thing a record is about. Malice is a class of its own: a release that is an attack is not updated but
//! removed, whatever its score is, and it usually has none.
//!
//! No single mark says it. The collection of malicious packages gives its own identifiers, but event-stream has none of
//! them; the advisory database of GitHub names a weakness; RustSec has a category. So any of them does.

use serde::{Deserialize, Serialize};

use crate::osv::{Affected, Osv, Specific};

/// What a record is about; the worst is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The release itself is an attack.
    Malicious,
    /// The release can be attacked.
    Vulnerable,
    /// Something else that its users are told: nobody maintains it, it is unsound.
    Notice,
}

/// What identifiers of malicious packages begin with.
const MALICIOUS_ID: &str = "MAL-";
/// Embedded malicious code and its kinds: trojans, viruses, trapdoors, bombs, spyware. The one between is about covert
/// channels, which accidents have too.
const MALICE: [&str; 6] = ["CWE-506", "CWE-507", "CWE-508", "CWE-509", "CWE-510", "CWE-512"];
/// Categories and types of records about malice.
const MALICIOUS_KINDS: [&str; 3] = ["malicious", "malware", "compromise"];

impl Class {
    /// The class of what a record says of one of its packages.
    pub(crate) fn of(osv: &Osv, affected: &Affected) -> Self {
        let specific = [&osv.database_specific, &affected.database_specific];
        if osv.id.starts_with(MALICIOUS_ID) || specific.iter().any(|specific| is_malice(specific)) {
            Self::Malicious
        } else if specific.iter().any(|specific| !specific.informational.is_empty()) {
            Self::Notice
        } else {
            Self::Vulnerable
        }
    }

    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Malicious => 0,
            Self::Vulnerable => 1,
            Self::Notice => 2,
        }
    }

    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Malicious),
            1 => Some(Self::Vulnerable),
            2 => Some(Self::Notice),
            _ => None,
        }
    }
}

fn is_malice(specific: &Specific) -> bool {
    let mut weaknesses = specific.cwe_ids.iter().chain(&specific.cwes);
    let mut kinds = specific.categories.iter().chain(&specific.kind).chain(&specific.other_kind);
    weaknesses.any(|cwe| MALICE.contains(&cwe.as_str()))
        || kinds.any(|kind| MALICIOUS_KINDS.iter().any(|word| kind.eq_ignore_ascii_case(word)))
}
