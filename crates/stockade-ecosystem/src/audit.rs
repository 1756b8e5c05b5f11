//! Audits: clients ask a registry which of the releases that they have are known to be bad.
//!
//! What is known comes from advisories, which are not of this crate; here is only how each protocol is asked, and answers.

use stockade_model::{Malformed, Package, Release};

/// In which form a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditForm {
    /// Names with versions.
    Names,
    /// A tree of dependencies, as older clients send it.
    Tree,
}

/// See [`Audit::answer`].
pub(crate) type Write = fn(asked: &[u8], theirs: &[u8], ours: &[Advice]) -> Result<Vec<u8>, Malformed>;

/// How a protocol's clients ask which releases have advisories.
pub struct Audit {
    /// Where a registry is asked, below its address.
    pub path: &'static str,
    /// The releases that a body asks about. What cannot be read is an error, or nobody would be told of it.
    pub asked: fn(body: &[u8]) -> Result<Vec<Release>, Malformed>,
    /// The body that asks a registry about these releases.
    pub question: fn(releases: &[Release]) -> Vec<u8>,
    /// A registry's answer to that with our own advisories added, as whoever sent the body wants it.
    pub answer: Write,
    /// What a registry answers that knows of nothing.
    pub nothing: &'static [u8],
}

/// An advisory, as far as it is about releases of one package that somebody asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// The package.
    pub package: Package,
    /// The advisory's identifier.
    pub id: String,
    /// What else the same is called.
    pub aliases: Vec<String>,
    /// One line of what it says.
    pub summary: String,
    /// What it says that the releases are.
    pub kind: AdviceKind,
    /// How severe it is: the base score in tenths.
    pub score: Option<u8>,
    /// What the score is computed from.
    pub vector: Option<String>,
    /// How severe it is, in its database's word.
    pub word: Option<String>,
    /// The versions that were asked about and that it is about.
    pub asked: Vec<String>,
    /// All the versions that it is about, as far as they are known: the first and the last of each run of those that the
    /// registry lists.
    pub affected: Vec<(String, String)>,
    /// The versions that are named as fixes, in their order.
    pub fixed: Vec<String>,
}

/// What an advisory says that a release is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdviceKind {
    /// An attack.
    Malware,
    /// Perhaps one: the advisory may not mean this release.
    PerhapsMalware,
    /// Something that can be attacked.
    Vulnerable,
    /// Neither, but something that its users are told.
    Notice,
    /// It cannot be told, for this reason.
    Unclear(&'static str),
}

impl Advice {
    /// The identifier, and what it says.
    pub fn title(&self) -> String {
        let Self { id, summary, kind, .. } = self;
        match kind {
            AdviceKind::Malware => format!("{id}: malware: {summary}"),
            AdviceKind::PerhapsMalware => format!("{id}: perhaps malware: {summary}"),
            AdviceKind::Vulnerable | AdviceKind::Notice => format!("{id}: {summary}"),
            AdviceKind::Unclear(why) => format!("{id}: it cannot be told whether it applies: {why}"),
        }
    }

    /// True if it says that the release is an attack, surely or perhaps.
    pub fn is_about_malice(&self) -> bool {
        matches!(self.kind, AdviceKind::Malware | AdviceKind::PerhapsMalware)
    }

    /// An address that names it. No database of advisories is one for all of them.
    pub fn url(&self) -> String {
        format!("urn:osv:{}", self.id)
    }
}
