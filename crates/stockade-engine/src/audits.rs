//! Audits: which of these releases do the advisories know?
//!
//! Our own advisories answer alone if they are a database of the ecosystem: nobody is told then what somebody uses, and a
//! machine without a connection has an answer. Some records about malware, or a few notes of a company, are none, and would
//! call vulnerable releases fine. What they say is added to what the registry says, and if that cannot be had there is no
//! answer: an empty list would be one.

use std::sync::Arc;

use stockade_advisory::{Answer, Class, Match, Question, Unclear};
use stockade_ecosystem::{Advice, AdviceKind, AuditForm};
use stockade_model::{EcosystemId, Package, Release};

use crate::documents::Document;
use crate::{Advisories, Engine, EngineError};

/// How often the records of a database say of a package of the ecosystem that it can be attacked, at least. Every public
/// database says so more than a thousand times, and what people write down for themselves far less.
const DATABASE: u64 = 100;

impl Engine {
    /// Answers an audit: what is known of these releases, which the body in this form asks about.
    pub async fn audit(
        &self,
        ecosystem: &EcosystemId,
        form: AuditForm,
        body: &[u8],
        releases: Vec<Release>,
    ) -> Result<Vec<u8>, EngineError> {
        let (registry, config) = self.0.upstreams.registry(ecosystem)?;
        let audit = registry.audit(form).ok_or_else(|| EngineError::Off(ecosystem.clone()))?;
        // What belongs to a scope with a registry of its own is asked of our own advisories alone.
        let public: Vec<Release> =
            releases.iter().filter(|release| self.0.upstreams.is_public(&release.package)).cloned().collect();
        let ours = self.advice(releases).await?;
        let theirs = if public.is_empty() || self.advisories().is_database(ecosystem) {
            audit.nothing.to_vec()
        } else {
            self.audit_upstream(audit, &config.default, &public).await?
        };
        Ok((audit.answer)(body, &theirs, &ours)?)
    }

    /// What our own advisories say of releases.
    pub async fn advice(&self, mut releases: Vec<Release>) -> Result<Vec<Advice>, EngineError> {
        releases.sort();
        releases.dedup();
        let engine = self.clone();
        let asking = move || {
            let advisories = engine.advisories();
            let of_packages = releases.chunk_by(|a, b| a.package == b.package).map(|releases| {
                let package = &releases[0].package;
                let asked: Vec<&str> = releases.iter().map(|release| release.version.as_str()).collect();
                advice_of(&advisories, package, &asked, || engine.0.documents.at_hand(package))
            });
            Ok(of_packages.collect::<Result<Vec<_>, EngineError>>()?.concat())
        };
        tokio::task::spawn_blocking(asking).await?
    }
}

impl Advisories {
    /// Why what they do not say of an ecosystem's packages means nothing; `None` if it means that nothing is known.
    pub fn lack(&self, ecosystem: &EcosystemId) -> Option<String> {
        let none = || format!("there are no advisories about vulnerabilities of `{ecosystem}`");
        self.shortfalls().next().or_else(|| (self.vulnerable(ecosystem) == 0).then(none))
    }

    fn is_database(&self, ecosystem: &EcosystemId) -> bool {
        self.lack(ecosystem).is_none() && self.vulnerable(ecosystem) >= DATABASE
    }
}

/// What the advisories say of versions of a package. `listed` has all of its versions, if they are at hand.
fn advice_of(
    advisories: &Advisories,
    package: &Package,
    asked: &[&str],
    listed: impl FnOnce() -> Option<Arc<Document>>,
) -> Result<Vec<Advice>, EngineError> {
    let answers = |versions: &[&str]| {
        let questions: Vec<Question<'_>> = versions.iter().copied().map(Question::version).collect();
        advisories.answers(package, &questions).map_err(|damage| EngineError::Advisories(damage.to_string()))
    };
    let of_asked = answers(asked)?;
    let mut advice: Vec<Advice> = Vec::new();
    for (version, answer) in asked.iter().zip(&of_asked) {
        let matches = answer.matches.iter().map(|found| of_match(package, found));
        let unclear = answer.unclear.iter().map(|unclear| of_unclear(package, unclear));
        for found in matches.chain(unclear) {
            let at = advice.iter().position(|known| known.id == found.id && known.kind == found.kind);
            let at = at.unwrap_or_else(|| {
                advice.push(found);
                advice.len() - 1
            });
            advice[at].asked.push((*version).to_owned());
        }
    }
    let document = if advice.is_empty() { None } else { listed() };
    let lowest_first: Vec<&str> = match &document {
        Some(document) => {
            let mut versions: Vec<&str> =
                document.index.highest_first().map(|listed| listed.version.as_str()).collect();
            versions.dedup();
            versions.reverse();
            versions
        }
        None => Vec::new(),
    };
    let of_listed = answers(&lowest_first)?;
    for known in &mut advice {
        known.affected = runs(known, &lowest_first, &of_listed);
    }
    Ok(advice)
}

/// The runs of listed versions that an advisory is about, and what was asked about and is not listed.
fn runs(advice: &Advice, listed: &[&str], answers: &[Answer]) -> Vec<(String, String)> {
    let mut runs: Vec<(String, String)> = Vec::new();
    let mut goes_on = false;
    for (version, answer) in listed.iter().zip(answers) {
        let is_meant = says(answer, advice);
        match runs.last_mut().filter(|_| goes_on && is_meant) {
            Some(run) => (*version).clone_into(&mut run.1),
            None if is_meant => runs.push(((*version).to_owned(), (*version).to_owned())),
            None => {}
        }
        goes_on = is_meant;
    }
    let unlisted = advice.asked.iter().filter(|asked| !listed.contains(&asked.as_str()));
    runs.extend(unlisted.map(|version| (version.clone(), version.clone())));
    runs
}

/// True if an answer has this advisory, and says the same of it.
fn says(answer: &Answer, advice: &Advice) -> bool {
    let matches = answer.matches.iter().any(|found| found.id == advice.id && kind(found) == advice.kind);
    let is_unclear = |unclear: &Unclear| unclear.id == advice.id && AdviceKind::Unclear(unclear.why) == advice.kind;
    matches || answer.unclear.iter().any(is_unclear)
}

fn kind(found: &Match) -> AdviceKind {
    match found.class {
        Class::Malicious if found.blocks_by_default() => AdviceKind::Malware,
        Class::Malicious => AdviceKind::PerhapsMalware,
        Class::Vulnerable => AdviceKind::Vulnerable,
        Class::Notice => AdviceKind::Notice,
    }
}

fn of_match(package: &Package, found: &Match) -> Advice {
    Advice {
        package: package.clone(),
        id: found.id.clone(),
        aliases: found.aliases.clone(),
        summary: found.summary.clone(),
        kind: kind(found),
        score: found.severity.tenths,
        vector: found.severity.vector.clone(),
        word: found.severity.word.clone(),
        asked: Vec::new(),
        affected: Vec::new(),
        fixed: found.fixed.clone(),
    }
}

fn of_unclear(package: &Package, unclear: &Unclear) -> Advice {
    Advice {
        package: package.clone(),
        id: unclear.id.clone(),
        aliases: Vec::new(),
        summary: String::new(),
        kind: AdviceKind::Unclear(unclear.why),
        score: None,
        vector: None,
        word: None,
        asked: Vec::new(),
        affected: Vec::new(),
        fixed: Vec::new(),
    }
}
