//! The advisories in effect: an index of what lies on this machine, which is made anew or laid over when that changes, and
//! beside it that of a bundle.
//!
//! Every process of a data folder asks the same files. A record that could not be read is a gap of every ruling: it may be
//! the one about this release; and so is a feed that does not answer. What could not be understood of a record is a gap of
//! its packages alone.

mod bundle;
mod claims;
mod fetch;
mod files;
mod import;
mod index;
mod reading;
mod signing;
mod sources;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use stockade_advisory::{Answer, Class, Damage, Grade, Known, Match, Origin, Question, Status, Subjects};
use stockade_model::{Digest, EcosystemId, Evidence, Gap, GapKind, Package, Release};

use crate::EngineError;

pub use bundle::{Bundle, Imported, export};
pub use claims::Claims;
pub use fetch::{Fetched, Updated, keep, update};
pub use import::{Brought, import};
pub use signing::PublicKey;
pub use sources::{Checked, Failure, Feed, Kind, MAX_AGE, Sources};

pub(crate) use reading::MAX_DEPTH;

/// How much of a summary is repeated, in characters.
const MAX_SUMMARY: usize = 200;
/// The folder of the data folder in which the index is. It is not the sources': writing it would change them.
const INDEX: &str = "advisory-index";

/// The advisories that were found.
#[derive(Clone)]
pub struct Advisories {
    index: Option<Arc<stockade_advisory::Advisories>>,
    /// What was imported, and what it is.
    imported: Option<Arc<(Bundle, stockade_advisory::Advisories)>>,
    /// How many records there are.
    pub records: usize,
    /// Where they are from.
    pub sources: Vec<PathBuf>,
    /// The first records and sources that could not be read. While there is anything here, the advisories are a gap.
    pub problems: Vec<String>,
    /// What is not up to date, each as a sentence. While there is anything here, the advisories are a gap.
    pub stale: Vec<String>,
    /// How much could not be read.
    problem_count: u64,
    /// Whose packages they do not mean.
    claims: Claims,
}

/// What the advisories say of a release.
#[derive(Debug, Clone, Default)]
pub(crate) struct Advised {
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) gaps: Vec<Gap>,
}

impl Advisories {
    /// The advisories in these sources and in the data folder, for whoever asks nothing else.
    pub fn open(sources: &Sources, data: &Path, now: Timestamp) -> Result<Self, EngineError> {
        let folders = crate::objects::layout(data, sources.folders.clone())?;
        let sources = Sources { folders, ..sources.clone() };
        let stamp = stamp(&sources, data);
        Ok(Self::read(&sources, data, &stamp, now))
    }

    /// What the records say of several versions of a package, as they say it.
    pub fn answers(&self, package: &Package, questions: &[Question<'_>]) -> Result<Vec<Answer>, Damage> {
        let mut answers = vec![Answer::default(); questions.len()];
        for index in self.indexes() {
            let known = index.of(package)?;
            let asks_of_bytes = || questions.iter().any(|question| !question.digests.is_empty());
            if !known.is_empty() || (index.knows_bytes() && asks_of_bytes()) {
                answers = answers.into_iter().zip(known.about_all(questions)?).map(joined).collect();
            }
        }
        Ok(answers)
    }

    /// Where a package is from that was fetched from this address, as far as the settings tell.
    pub fn origin(&self, package: &Package, address: &str) -> Origin<'_> {
        self.claims.origin_at(package, address)
    }

    /// Why they may not say all that is known, in sentences.
    pub fn shortfalls(&self) -> impl Iterator<Item = String> {
        let unread = self.problems.iter().map(|problem| format!("advisories could not be read: {problem}"));
        unread.chain(self.stale.iter().map(|stale| format!("advisories are not up to date: {stale}")))
    }

    /// What the records with this identifier are about; `None` if none that could be read has it.
    pub fn subjects(&self, id: &str) -> Result<Option<Subjects>, Damage> {
        let mut found: Option<Subjects> = None;
        for subjects in self.indexes().map(|index| index.subjects(id)) {
            found = match (found, subjects?) {
                (Some(known), Some(more)) => Some(known.with(more)),
                (known, more) => known.or(more),
            };
        }
        Ok(found)
    }

    /// How often the records say of a package of this ecosystem that it can be attacked.
    pub(crate) fn vulnerable(&self, ecosystem: &EcosystemId) -> u64 {
        let manifests = self.indexes().flat_map(stockade_advisory::Advisories::manifests);
        manifests.filter_map(|manifest| manifest.vulnerable.get(ecosystem.as_str())).sum()
    }

    /// The last time at which a record was modified.
    pub fn newest(&self) -> Option<Timestamp> {
        self.indexes().filter_map(|index| index.status().newest).max()
    }

    /// What there is of this machine's own.
    pub fn status(&self) -> Option<Status> {
        self.index.as_ref().map(|index| index.status())
    }

    /// The bundle that was imported.
    pub fn bundle(&self) -> Option<&Bundle> {
        self.imported.as_ref().map(|imported| &imported.0)
    }

    fn indexes(&self) -> impl Iterator<Item = &stockade_advisory::Advisories> {
        self.index.as_deref().into_iter().chain(self.imported.as_ref().map(|imported| &imported.1))
    }

    /// Opens the index of these sources, or makes it. Total: what cannot be read is a problem, and the rest is there.
    pub(crate) fn read(sources: &Sources, data: &Path, stamp: &Digest, now: Timestamp) -> Self {
        let mut advisories = Self {
            index: None,
            imported: None,
            records: 0,
            sources: sources.folders.clone(),
            problems: Vec::new(),
            stale: Vec::new(),
            problem_count: 0,
            claims: sources.claims.clone(),
        };
        let folder = data.join(INDEX);
        match index::of(&sources.places(data), &folder, stamp, now) {
            Ok(index) => {
                advisories.count(&index.status());
                advisories.index = Some(Arc::new(index));
            }
            Err(error) => advisories.unread(format!("{}: {error}", folder.display())),
        }
        match bundle::read(data, &sources.trust) {
            None => {}
            Some(Ok(imported)) => {
                advisories.count(&imported.1.status());
                advisories.imported = Some(Arc::new(imported));
            }
            Some(Err(why)) => advisories.unread(format!("the bundle that was imported: {why}")),
        }
        advisories.stale = advisories.gaps(sources, data, now);
        advisories
    }

    fn count(&mut self, status: &Status) {
        self.records = self.records.saturating_add(usize::try_from(status.records).unwrap_or(usize::MAX));
        self.problems.extend(status.first_lost.iter().cloned());
        self.problem_count += status.lost;
    }

    fn unread(&mut self, what: String) {
        self.problems.push(what);
        self.problem_count += 1;
    }

    /// The same, of which other things are not up to date.
    pub(crate) fn with_stale(&self, stale: Vec<String>) -> Self {
        Self { stale, ..self.clone() }
    }

    /// What is not up to date at an instant.
    pub(crate) fn gaps(&self, sources: &Sources, data: &Path, now: Timestamp) -> Vec<String> {
        let bundle = self.bundle().and_then(|bundle| bundle.gap(sources, now));
        sources.gaps(data, now).into_iter().chain(bundle).collect()
    }

    /// What the advisories say of a release.
    pub fn about(&self, release: &Release) -> Vec<Evidence> {
        self.advised(release, &[]).evidence
    }

    /// True if they speak of a package at all, or may: then it matters what was given out of it.
    pub(crate) fn speak_of(&self, package: &Package) -> bool {
        self.indexes().any(|index| !index.of(package).is_ok_and(|known| known.is_empty()))
    }

    /// What the advisories say of a release, of whose package these versions were given out.
    pub(crate) fn advised(&self, release: &Release, given: &[String]) -> Advised {
        let version = [release.version.as_str()].into_iter();
        self.advised_of(&release.package, version, given).pop().unwrap_or_default()
    }

    /// True if they say anything of bytes.
    pub(crate) fn know_bytes(&self) -> bool {
        self.indexes().any(stockade_advisory::Advisories::knows_bytes)
    }

    /// What the advisories say of bytes, whatever these are called.
    pub(crate) fn advised_of_bytes<'a>(&self, digests: &(impl Iterator<Item = &'a Digest> + Clone)) -> Advised {
        let mut advised = Advised::default();
        for index in self.indexes().filter(|index| index.knows_bytes()) {
            advised = match index.of_bytes(digests.clone()) {
                Ok(matches) => advised.with_matches(&matches),
                Err(error) => advised.damaged(&error),
            };
        }
        advised
    }

    /// What the advisories say of several releases of a package, in their order.
    pub(crate) fn advised_of<'a>(
        &self,
        package: &Package,
        versions: impl Iterator<Item = &'a str>,
        given: &'a [String],
    ) -> Vec<Advised> {
        let origin = self.claims.origin(package);
        let of = |version: &'a str| Question { origin, ..Question::version(version) };
        let questions: Vec<Question<'_>> = versions.map(of).collect();
        let given: Vec<Question<'_>> = given.iter().map(|version| of(version)).collect();
        let mut advised = vec![Advised { evidence: Vec::new(), gaps: self.missing() }; questions.len()];
        for index in self.indexes() {
            let answers = match index.of(package) {
                Ok(known) if known.is_empty() => continue,
                Ok(known) => all_of(&known, &questions, &given),
                Err(error) => Err(error),
            };
            advised = match answers {
                Ok(answers) => advised.into_iter().zip(answers).map(|(one, answer)| one.with(&answer)).collect(),
                Err(error) => advised.into_iter().map(|one| one.damaged(&error)).collect(),
            };
        }
        advised
    }

    /// What is not there, for which every answer has a gap.
    fn missing(&self) -> Vec<Gap> {
        let gap = |what: &str, all: &[String], count: u64| {
            let others = count.saturating_sub(1);
            let more = if others == 0 { String::new() } else { format!(", and {others} more") };
            all.first().map(|first| Gap::new(GapKind::Advisories, format!("{what}: {first}{more}")))
        };
        let unread = gap("advisories could not be read", &self.problems, self.problem_count);
        let stale = gap("advisories are not up to date", &self.stale, self.stale.len() as u64);
        unread.into_iter().chain(stale).collect()
    }
}

/// What tells whether the files of the advisories have changed.
pub(crate) fn stamp(sources: &Sources, data: &Path) -> Digest {
    let places = sources.places(data).into_iter().map(|place| place.path);
    let bundle = data.join(bundle::FOLDER).join(bundle::CURRENT);
    crate::state::stamp(&places.chain([bundle]).collect::<Vec<_>>())
}

/// Where it can be seen at once that there is another index, or another bundle.
pub(crate) fn signs(data: &Path) -> [PathBuf; 2] {
    [data.join(INDEX).join(index::CURRENT), data.join(bundle::FOLDER).join(bundle::CURRENT)]
}

/// True if another process is making an index of this data folder.
pub(crate) fn is_being_made(data: &Path) -> bool {
    index::is_being_made(&data.join(INDEX))
}

/// Two answers as one. Of what both know, the one that says more counts.
fn joined((mut one, other): (Answer, Answer)) -> Answer {
    for found in other.matches {
        match one.matches.iter_mut().find(|known| known.id == found.id) {
            Some(known) if (found.class, found.grade) < (known.class, known.grade) => *known = found,
            Some(_) => {}
            None => one.matches.push(found),
        }
    }
    one.matches.sort_by_key(|found| (found.class, found.grade));
    one.unclear.extend(other.unclear);
    one.retracted.extend(other.retracted);
    one
}

/// An answer to each question, with what its version fixes of those that were given out.
fn all_of(
    known: &Known<'_>,
    questions: &[Question<'_>],
    given: &[Question<'_>],
) -> Result<Vec<(Answer, Vec<Evidence>)>, Damage> {
    let answers = known.about_all(questions)?;
    if given.is_empty() {
        return Ok(answers.into_iter().map(|answer| (answer, Vec::new())).collect());
    }
    let affected = known.about_all(given)?;
    let with_fixes = answers.into_iter().zip(questions).map(|(answer, question)| {
        let fixed = known.fixes(question.version)?;
        let has = |answer: &Answer, id: &String| {
            answer.matches.iter().any(|found| found.because.iter().any(|because| because.id == *id))
        };
        let fixes = fixed.into_iter().filter_map(|id| {
            let (_, of) = affected.iter().zip(given).find(|(answer, _)| has(answer, &id))?;
            Some(Evidence::Fixes { id, of: of.version.to_owned() })
        });
        Ok((answer, fixes.collect()))
    });
    with_fixes.collect()
}

impl Advised {
    fn with_matches(mut self, matches: &[Match]) -> Self {
        let found = matches.iter().map(evidence).filter(|found| !self.evidence.contains(found));
        let found: Vec<Evidence> = found.collect();
        self.evidence.extend(found);
        self
    }

    fn with(self, (answer, fixes): &(Answer, Vec<Evidence>)) -> Self {
        let mut advised = self.with_matches(&answer.matches);
        advised.evidence.extend(fixes.iter().cloned());
        let malicious = answer.unclear.iter().find(|unclear| unclear.class == Class::Malicious);
        advised.gaps.extend(malicious.map(|unclear| {
            let detail =
                format!("`{}` is about malice, and the version cannot be compared with what it says", unclear.id);
            Gap::new(GapKind::Advisories, detail)
        }));
        advised
    }

    fn damaged(mut self, error: &Damage) -> Self {
        self.gaps.push(Gap::new(GapKind::Advisories, error.to_string()));
        self
    }
}

/// A match that does not stop a release by itself counts as what is known of a vulnerability does.
fn evidence(found: &Match) -> Evidence {
    let malware = found.blocks_by_default();
    let doubt = match (found.class, found.grade) {
        (_, Grade::NameCollision) => "about a package of this name in another registry: ",
        (Class::Malicious, _) if !malware => "perhaps malicious: ",
        _ => "",
    };
    let summary = found.summary.chars().take(MAX_SUMMARY).collect::<String>();
    Evidence::Advisory { id: found.id.clone(), malware, summary: format!("{doubt}{summary}") }
}

#[cfg(test)]
mod tests;
