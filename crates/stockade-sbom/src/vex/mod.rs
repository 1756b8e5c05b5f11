//! VEX: what somebody who knows a product says of a vulnerability in it. Read are `OpenVEX`, CSAF 2 and CycloneDX.
//!
//! A statement takes an alarm away, so it is read strictly: one that cannot be understood is an error with its place, and
//! not a statement less. Each names the product that it is about. Where it names a part as well, it speaks of that part
//! in that product and of neither alone. What is named otherwise than by package URLs is about nothing that we could
//! know.
//!
//! Traps: a later statement takes an earlier one back; in `OpenVEX` `subcomponents` narrow a product, and in CSAF a
//! relationship does; CSAF names products by identifiers of its own that lead to a tree.

mod csaf;
mod cyclonedx;
mod openvex;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stockade_model::Purl;

use crate::MAX_DOCUMENT;

/// How many products and parts all statements of a document may name together. A short document can say that each of
/// many products has each of many parts.
const MAX_NAMED: usize = 1_000_000;

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What the vulnerability is called.
    pub vulnerability: Vec<String>,
    /// What it is about.
    pub about: Vec<Subject>,
    /// What is said.
    pub status: Status,
    /// Why, as it is written.
    pub why: Option<String>,
    /// Since when it holds.
    pub at: Option<Timestamp>,
}

/// A product, or parts of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The product. Without a version, all of them.
    pub product: Purl,
    /// The parts of it that are meant; itself if there is none.
    pub parts: Vec<Purl>,
}

/// What is said of a vulnerability in a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It does nothing there.
    NotAffected,
    /// It was there.
    Fixed,
    /// It is there.
    Affected,
    /// Nobody knows yet.
    UnderInvestigation,
}

impl Status {
    /// The words for a person.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAffected => "not affected",
            Self::Fixed => "fixed",
            Self::Affected => "affected",
            Self::UnderInvestigation => "under investigation",
        }
    }

    /// True if there is nothing left to do.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }
}

/// Why a document is none that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Unusable {
    /// Where.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

impl Unusable {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

impl From<serde_json::Error> for Unusable {
    fn from(error: serde_json::Error) -> Self {
        let what = error.to_string();
        let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what);
        Self::new(format!("line {}, column {}", error.line(), error.column()), what)
    }
}

/// What tells the formats apart.
#[derive(Deserialize)]
struct Marks {
    #[serde(rename = "@context")]
    context: Option<serde_json::Value>,
    #[serde(rename = "bomFormat")]
    bom_format: Option<String>,
    document: Option<Category>,
}

#[derive(Deserialize)]
struct Category {
    category: Option<String>,
}

/// What the contexts of `OpenVEX` begin with.
const OPENVEX: &str = "https://openvex.dev/ns";

/// Reads the statements of a document.
pub fn read_vex(document: &[u8]) -> Result<Vec<Statement>, Unusable> {
    if document.len() > MAX_DOCUMENT {
        return Err(Unusable::new("the document", format!("has more than {} MiB", MAX_DOCUMENT >> 20)));
    }
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    let marks: Marks = serde_json::from_slice(document)?;
    let is_openvex = |context: &serde_json::Value| context.as_str().is_some_and(|text| text.starts_with(OPENVEX));
    let is_csaf = |document: &Category| document.category.as_deref().is_some_and(|text| text.starts_with("csaf_"));
    let mut budget = Budget(MAX_NAMED);
    if marks.context.as_ref().is_some_and(is_openvex) {
        openvex::read(document, &mut budget)
    } else if marks.bom_format.as_deref() == Some("CycloneDX") {
        cyclonedx::read(document, &mut budget)
    } else if marks.document.as_ref().is_some_and(is_csaf) {
        csaf::read(document, &mut budget)
    } else {
        Err(Unusable::new("the document", "is neither OpenVEX nor CSAF nor CycloneDX"))
    }
}

/// How much more may be named.
struct Budget(usize);

impl Budget {
    fn take(&mut self, number: usize) -> Result<(), Unusable> {
        let what = || Unusable::new("the document", format!("names more than {MAX_NAMED} products and parts"));
        self.0 = self.0.checked_sub(number).ok_or_else(what)?;
        Ok(())
    }
}

/// A package URL; `None` if a text is an identifier of another kind.
fn purl(text: &str, place: impl FnOnce() -> String) -> Result<Option<Purl>, Unusable> {
    if !text.starts_with("pkg:") {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: stockade_model::MalformedPurl| Unusable::new(place(), error.to_string()))
}

/// What is said of the reasons, in one line.
fn joined(reasons: &[Option<&str>]) -> Option<String> {
    let said: Vec<&str> = reasons.iter().flatten().map(|text| text.trim()).filter(|text| !text.is_empty()).collect();
    (!said.is_empty()).then(|| said.join(": "))
}
