//! What is inspected, and what an inspector says of it. Everything else in the evaluation knows the inspector only as
//! these types.

use serde::{Deserialize, Serialize};

/// A file of a release, and whose it is.
pub(crate) struct Subject {
    pub(crate) ecosystem: &'static str,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) file: String,
    pub(crate) bytes: Vec<u8>,
}

/// What is to be done with a release, as far as its content is a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "reasons", rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// No finding.
    Quiet,
    /// Held for a person to look at; the rules that say so.
    Hold(Vec<String>),
    /// Denied; the rules that say so.
    Deny(Vec<String>),
    /// The file could not be inspected, so nothing is known of it.
    Gap(String),
}

impl Verdict {
    /// Whether the release would not be given out. What could not be inspected was not caught.
    pub(crate) fn is_alarm(&self) -> bool {
        matches!(self, Self::Hold(_) | Self::Deny(_))
    }

    /// The rules behind an alarm.
    pub(crate) fn rules(&self) -> &[String] {
        match self {
            Self::Hold(rules) | Self::Deny(rules) => rules,
            Self::Quiet | Self::Gap(_) => &[],
        }
    }
}

/// A verdict and what it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
    pub(crate) millis: f64,
    pub(crate) score: f64,
}
