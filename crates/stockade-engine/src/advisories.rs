//! The advisories in effect: an index that is made of the sources, kept in the data folder, and made anew when they change.
//!
//! Every process of a data folder asks the same file. A record that could not be read is a gap of every ruling: it may be
//! the one about this release. What could not be understood of a record is a gap of its packages alone.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use stockade_advisory::{Answer, Builder, Class, Damage, Header, Known, Match, Question};
use stockade_model::{Digest, EcosystemId, Evidence, Gap, GapKind, Package, Release};

use crate::EngineError;

/// How deep directories are looked through.
pub(crate) const MAX_DEPTH: usize = 8;
/// How much of a summary is repeated, in characters.
const MAX_SUMMARY: usize = 200;
/// The folder of the data folder in which the index is. It is not the sources': writing it would change them.
const FOLDER: &str = "advisory-index";
/// What the name of an index ends with.
const ENDING: &str = ".index";

/// The advisories that were found.
pub struct Advisories {
    index: Option<stockade_advisory::Advisories>,
    /// How many records there are.
    pub records: usize,
    /// Where they are from.
    pub sources: Vec<PathBuf>,
    /// The first records and sources that could not be read. While there is anything here, the advisories are a gap.
    pub problems: Vec<String>,
    /// How much could not be read.
    problem_count: u64,
}

/// What the advisories say of a release.
#[derive(Debug, Clone, Default)]
pub(crate) struct Advised {
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) gaps: Vec<Gap>,
}

impl Advisories {
    /// The advisories in these sources and in the data folder, for whoever asks nothing else.
    pub fn open(sources: &[PathBuf], data: &Path, now: Timestamp) -> Result<Self, EngineError> {
        let sources = crate::objects::layout(data, sources.to_vec())?;
        let stamp = crate::state::stamp(&sources);
        Ok(Self::read(&sources, data, &stamp, now))
    }

    /// What the records say of several versions of a package, as they say it.
    pub fn answers(&self, package: &Package, questions: &[Question<'_>]) -> Result<Vec<Answer>, Damage> {
        let Some(index) = &self.index else { return Ok(vec![Answer::default(); questions.len()]) };
        let known = index.of(package)?;
        if known.is_empty() { Ok(vec![Answer::default(); questions.len()]) } else { known.about_all(questions) }
    }

    /// How often the records say of a package of this ecosystem that it can be attacked.
    pub(crate) fn vulnerable(&self, ecosystem: &EcosystemId) -> u64 {
        let manifests = self.index.iter().flat_map(stockade_advisory::Advisories::manifests);
        manifests.filter_map(|manifest| manifest.vulnerable.get(ecosystem.as_str())).sum()
    }

    /// The last time at which a record was modified.
    pub fn newest(&self) -> Option<Timestamp> {
        self.index.as_ref()?.status().newest
    }

    /// Opens the index of these sources, or makes it. Total: what cannot be read is a problem, and the rest is there.
    pub(crate) fn read(sources: &[PathBuf], data: &Path, stamp: &Digest, now: Timestamp) -> Self {
        let mut advisories =
            Self { index: None, records: 0, sources: sources.to_vec(), problems: Vec::new(), problem_count: 0 };
        let path = data.join(FOLDER).join(format!("{}{ENDING}", &stamp.hex()[..32]));
        let opened = open(&path).or_else(|_| {
            make(sources, &path, now)?;
            open(&path)
        });
        match opened {
            Ok(index) => {
                let status = index.status();
                advisories.records = usize::try_from(status.records).unwrap_or(usize::MAX);
                (advisories.problems, advisories.problem_count) = (status.first_lost, status.lost);
                advisories.index = Some(index);
            }
            Err(error) => {
                advisories.problems.push(format!("{}: {error}", path.display()));
                advisories.problem_count = 1;
            }
        }
        advisories
    }

    /// What the advisories say of a release.
    pub fn about(&self, release: &Release) -> Vec<Evidence> {
        self.advised(release, &[]).evidence
    }

    /// True if they speak of a package at all, or may: then it matters what was given out of it.
    pub(crate) fn speak_of(&self, package: &Package) -> bool {
        self.index.as_ref().is_some_and(|index| !index.of(package).is_ok_and(|known| known.is_empty()))
    }

    /// What the advisories say of a release, of whose package these versions were given out.
    pub(crate) fn advised(&self, release: &Release, given: &[String]) -> Advised {
        let version = [release.version.as_str()].into_iter();
        self.advised_of(&release.package, version, given).pop().unwrap_or_default()
    }

    /// What the advisories say of several releases of a package, in their order.
    pub(crate) fn advised_of<'a>(
        &self,
        package: &Package,
        versions: impl Iterator<Item = &'a str>,
        given: &[String],
    ) -> Vec<Advised> {
        let questions: Vec<Question<'_>> = versions.map(Question::version).collect();
        let unread = self.unread();
        let plain = || Advised { evidence: Vec::new(), gaps: unread.iter().cloned().collect() };
        let known = self.index.as_ref().map(|index| index.of(package));
        let answers = match known {
            None => return questions.iter().map(|_| plain()).collect(),
            Some(Ok(known)) if known.is_empty() => return questions.iter().map(|_| plain()).collect(),
            Some(Ok(known)) => all_of(&known, &questions, given),
            Some(Err(error)) => Err(error),
        };
        match answers {
            Ok(answers) => answers.iter().map(|(answer, fixes)| plain().with(answer, fixes)).collect(),
            Err(error) => questions.iter().map(|_| plain().damaged(&error)).collect(),
        }
    }

    fn unread(&self) -> Option<Gap> {
        let first = self.problems.first()?;
        let others = self.problem_count.saturating_sub(1);
        let more = if others == 0 { String::new() } else { format!(", and {others} more") };
        Some(Gap::new(GapKind::Advisories, format!("advisories could not be read: {first}{more}")))
    }
}

/// An answer to each question, with what its version fixes of those that were given out.
fn all_of(
    known: &Known<'_>,
    questions: &[Question<'_>],
    given: &[String],
) -> Result<Vec<(Answer, Vec<Evidence>)>, Damage> {
    let answers = known.about_all(questions)?;
    if given.is_empty() {
        return Ok(answers.into_iter().map(|answer| (answer, Vec::new())).collect());
    }
    let asked: Vec<Question<'_>> = given.iter().map(|version| Question::version(version)).collect();
    let affected = known.about_all(&asked)?;
    let with_fixes = answers.into_iter().zip(questions).map(|(answer, question)| {
        let fixed = known.fixes(question.version)?;
        let has = |answer: &Answer, id: &String| {
            answer.matches.iter().any(|found| found.because.iter().any(|because| because.id == *id))
        };
        let fixes = fixed.into_iter().filter_map(|id| {
            let (_, of) = affected.iter().zip(given).find(|(answer, _)| has(answer, &id))?;
            Some(Evidence::Fixes { id, of: of.clone() })
        });
        Ok((answer, fixes.collect()))
    });
    with_fixes.collect()
}

impl Advised {
    fn with(mut self, answer: &Answer, fixes: &[Evidence]) -> Self {
        self.evidence.extend(answer.matches.iter().map(evidence));
        self.evidence.extend(fixes.iter().cloned());
        let malicious = answer.unclear.iter().find(|unclear| unclear.class == Class::Malicious);
        self.gaps.extend(malicious.map(|unclear| {
            let detail =
                format!("`{}` is about malice, and the version cannot be compared with what it says", unclear.id);
            Gap::new(GapKind::Advisories, detail)
        }));
        self
    }

    fn damaged(mut self, error: &Damage) -> Self {
        self.gaps.push(Gap::new(GapKind::Advisories, error.to_string()));
        self
    }
}

/// A match that does not stop a release by itself counts as what is known of a vulnerability does.
fn evidence(found: &Match) -> Evidence {
    let malware = found.blocks_by_default();
    let doubt = if found.class == Class::Malicious && !malware { "perhaps malicious: " } else { "" };
    let summary = found.summary.chars().take(MAX_SUMMARY).collect::<String>();
    Evidence::Advisory { id: found.id.clone(), malware, summary: format!("{doubt}{summary}") }
}

#[expect(clippy::disallowed_methods, reason = "the engine is where the disk is read")]
fn open(path: &Path) -> Result<stockade_advisory::Advisories, Damage> {
    stockade_advisory::Advisories::open(Box::new(File::open(path)?), Vec::new())
}

/// Makes an index beside its place and moves it there. Those of other sources are removed; who has one open keeps it.
#[expect(clippy::disallowed_methods, reason = "the engine is where the disk is written")]
fn make(sources: &[PathBuf], path: &Path, now: Timestamp) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut builder = Builder::new();
    for source in sources {
        builder.source(&source.to_string_lossy());
        add(&mut builder, source, source, 0);
    }
    let fresh = tempfile::Builder::new().prefix(".making-").tempfile_in(folder)?;
    let mut writer = BufWriter::new(fresh.as_file());
    builder.finish(&Header { built: now, sequence: 1, base: None }, &mut writer)?;
    writer.flush()?;
    drop(writer);
    fresh.as_file().sync_all()?;
    fresh.persist(path).map_err(|error| error.error)?;
    let others = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let is_other = |other: &PathBuf| other.to_string_lossy().ends_with(ENDING) && other != path;
    for other in others.filter(is_other) {
        let _ = std::fs::remove_file(other);
    }
    Ok(())
}

/// Adds a folder, a zip or a record of a source. What cannot be read is noted by the builder.
#[expect(clippy::disallowed_methods, reason = "the engine is where the disk is read")]
fn add(builder: &mut Builder, source: &Path, path: &Path, depth: usize) {
    let name = path.strip_prefix(source).unwrap_or(path).to_string_lossy().into_owned();
    let is = |extension: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension));
    if path.is_dir() {
        if depth >= MAX_DEPTH {
            builder.lost(&name, "directories are nested too deeply");
            return;
        }
        match std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(entries) => {
                let mut paths: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).collect();
                paths.sort();
                for path in paths {
                    add(builder, source, &path, depth + 1);
                }
            }
            Err(error) => drop(builder.lost(&name, error.to_string())),
        }
    } else if is("json") {
        match std::fs::read(path) {
            Ok(record) => drop(builder.add_at(&record, &name)),
            Err(error) => drop(builder.lost(&name, error.to_string())),
        }
    } else if is("zip") || depth == 0 {
        match File::open(path) {
            Ok(file) => drop(builder.add_zip(io::BufReader::new(file))),
            Err(error) => drop(builder.lost(&name, error.to_string())),
        }
    }
}
