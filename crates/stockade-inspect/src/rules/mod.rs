//! Rules: what is worth a hold or a denial, as data.

use crate::inspection::{Assessment, Inspection};

/// A set of rules.
#[derive(Debug, Default)]
pub struct Rules {}

/// What is wrong with a rule's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct RuleError {
    /// The file.
    pub file: String,
    /// What is wrong and where.
    pub what: String,
}

impl Rules {
    /// The rules that come with stockade.
    pub fn builtin() -> &'static Self {
        static BUILTIN: std::sync::LazyLock<Rules> = std::sync::LazyLock::new(Rules::default);
        &BUILTIN
    }

    /// These rules and a user's own: pairs of a file name and its Markdown.
    pub fn with(&self, _own: &[(String, String)]) -> Result<Self, RuleError> {
        Ok(Self {})
    }

    /// A digest of the rules' text: what other rules have judged is judged again.
    pub fn digest(&self) -> String {
        String::new()
    }
}

/// Judges an inspection, alone and against the cleared releases before it: the newest of the same line first.
pub fn assess(subject: &Inspection, cleared: &[&Inspection], _rules: &Rules) -> Assessment {
    let _ = (subject, cleared);
    Assessment::default()
}
