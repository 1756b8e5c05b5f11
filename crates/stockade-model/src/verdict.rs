//! Verdicts: what the policy makes of the evidence.

use serde::{Deserialize, Serialize};

use jiff::Timestamp;

/// What is to be done with a release, mildest first, so that the maximum of several is what holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It may be used.
    Allow,
    /// Not now: time or a person may still allow it. It stays listed, and resolvers are steered around it.
    Hold,
    /// No. Confirmed malware also disappears from listings.
    Deny,
}

impl Verdict {
    /// `allow`, `hold` or `deny`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Hold => "hold",
            Self::Deny => "deny",
        }
    }

    /// The participle of a sentence: `held by stockade: …`.
    pub const fn done(self) -> &'static str {
        match self {
            Self::Allow => "cleared",
            Self::Hold => "held",
            Self::Deny => "denied",
        }
    }
}

/// One reason of a ruling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Which rule spoke: `cooldown`, `malware`, `integrity`, `gap`, `deny`, `allow-list`, `approval`, or a custom rule's
    /// name. Kebab case.
    pub rule: String,
    /// What this rule alone asks for.
    pub verdict: Verdict,
    /// Why, for a person: lower case, no trailing period, literals in backticks, and without naming the release.
    pub sentence: String,
    /// When time alone ends this reason; `None` if time does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}
