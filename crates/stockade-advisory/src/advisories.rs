//! Files opened, and asked.

mod merge;
mod subjects;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jiff::Timestamp;
use stockade_model::{Digest, Package, Release};

use crate::Damage;
use crate::answer::{Answer, Basis, Because, Grade, Match, Unclear};
use crate::class::Class;
use crate::codec::Cursor;
use crate::feeds::{self, Facts};
use crate::file::{Content, Layer, Manifest, Medium, SourceStatus, hash};
use crate::matching::{Asked, Coverage, aged, grade};
use crate::order::Scheme;
use crate::posting::{Flags, Posting};
use crate::record::Record;

pub use subjects::{Subjects, normal};

/// What the name of an entry about a package begins with.
pub(crate) const PACKAGE: u8 = b'p';
/// What the name of an entry about bytes begins with.
const DIGEST: u8 = b'd';
/// What the name of an entry about an identifier begins with.
const IDENTIFIER: u8 = b'i';

/// The name of the entry about a package.
pub(crate) fn package_name(ecosystem: &str, name: &str) -> Vec<u8> {
    [&[PACKAGE], ecosystem.as_bytes(), &[0], name.as_bytes()].concat()
}

/// The name of the entry about bytes. The length tells the algorithm.
pub(crate) fn digest_name(digest: &Digest) -> Vec<u8> {
    [&[DIGEST], digest.as_bytes()].concat()
}

/// The name of the entry about an identifier.
pub(crate) fn identifier_name(id: &str) -> Vec<u8> {
    [&[IDENTIFIER], id.as_bytes()].concat()
}

/// A base and the overlays on it, opened.
pub struct Advisories {
    /// The newest first.
    layers: Vec<Layer>,
}

/// Where a release is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin<'a> {
    /// The registry that advisories mean if they name none.
    Default,
    /// Another one, as advisories would name it.
    Other(&'a str),
    /// Nobody knows. An advisory is then taken to mean it.
    #[default]
    Unknown,
}

/// What is asked of the advisories.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The version as the registry spells it; empty if it is not known.
    pub version: &'a str,
    /// Digests of its file.
    pub digests: &'a [Digest],
    /// Where it is from.
    pub origin: Origin<'a>,
    /// When the first release of the package was published, if that is known.
    pub first_release: Option<Timestamp>,
}

impl<'a> Question<'a> {
    /// What is known of a version alone.
    pub const fn version(version: &'a str) -> Self {
        Self { version, digests: &[], origin: Origin::Unknown, first_release: None }
    }
}

/// What there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// How many records there are, withdrawn ones included. One is counted twice that an overlay replaces without knowing.
    pub records: u64,
    /// When the newest file was made.
    pub built: Timestamp,
    /// The highest number of a file.
    pub sequence: u64,
    /// The last time at which a record was modified.
    pub newest: Option<Timestamp>,
    /// Where the records are from.
    pub sources: Vec<SourceStatus>,
    /// How many things could not be read.
    pub problems: u64,
    /// The first of them.
    pub first_problems: Vec<String>,
    /// How many of them are about records that are not there at all, and might be about anything.
    pub lost: u64,
    /// The first of these.
    pub first_lost: Vec<String>,
    /// How many overlays there are.
    pub overlays: usize,
}

impl Advisories {
    /// Opens a base and its overlays, the oldest first. Each must be an overlay on this base, and newer than the one before.
    pub fn open(base: Box<dyn Medium>, overlays: Vec<Box<dyn Medium>>) -> Result<Self, Damage> {
        let mut layers = vec![Layer::open(base)?];
        if layers[0].manifest.base.is_some() {
            return Err(Damage::Overlay { sequence: layers[0].manifest.sequence, why: "it is given as a base" });
        }
        for overlay in overlays {
            let layer = Layer::open(overlay)?;
            let sequence = layer.manifest.sequence;
            if layer.manifest.base.as_ref() != Some(&layers[0].digest) {
                return Err(Damage::Overlay { sequence, why: "it was made for another base" });
            }
            if layers.last().is_some_and(|below| below.manifest.sequence >= sequence) {
                return Err(Damage::Overlay { sequence, why: "it is not newer than what is below it" });
            }
            layers.push(layer);
        }
        layers.reverse();
        Ok(Self { layers })
    }

    /// Reads all files as a whole and compares them with their digests.
    pub fn verify(&self) -> Result<(), Damage> {
        self.layers.iter().try_for_each(Layer::verify)
    }

    /// What there is.
    pub fn status(&self) -> Status {
        let manifests = || self.manifests();
        let mut sources: Vec<SourceStatus> = Vec::new();
        for source in manifests().flat_map(|manifest| &manifest.sources) {
            match sources.iter_mut().find(|known| known.name == source.name) {
                Some(known) => {
                    known.records += source.records;
                    known.problems += source.problems;
                }
                None => sources.push(source.clone()),
            }
        }
        Status {
            records: manifests().fold(0, |below, manifest| below.saturating_sub(manifest.replaced) + manifest.records),
            built: manifests().map(|manifest| manifest.built).max().unwrap_or_default(),
            sequence: manifests().map(|manifest| manifest.sequence).max().unwrap_or_default(),
            newest: manifests().filter_map(|manifest| manifest.newest).max(),
            sources,
            problems: manifests().map(|manifest| manifest.problems).sum(),
            first_problems: manifests().flat_map(|manifest| &manifest.first_problems).cloned().collect(),
            lost: manifests().map(|manifest| manifest.lost).sum(),
            first_lost: manifests().flat_map(|manifest| &manifest.first_lost).cloned().collect(),
            overlays: self.layers.len() - 1,
        }
    }

    /// The manifests, that of the base first.
    pub fn manifests(&self) -> impl Iterator<Item = &Manifest> {
        self.layers.iter().rev().map(|layer| &layer.manifest)
    }

    /// The digest of the base, which a new overlay has to name.
    pub fn base(&self) -> &str {
        self.layers.last().map_or("", |layer| &layer.digest)
    }

    /// The digests of all files, that of the base first.
    pub fn digests(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().rev().map(|layer| layer.digest.as_str())
    }

    /// What is known of a package. It is read once, for any number of its releases.
    pub fn of(&self, package: &Package) -> Result<Known<'_>, Damage> {
        let ecosystem = package.ecosystem.as_str();
        let scheme = Scheme::of_id(ecosystem);
        // A name that the ecosystem does not know is asked as it is.
        let name = scheme.name(package.name.as_str()).unwrap_or_else(|_| package.name.as_str().into());
        let name = package_name(scheme.id(), &name);
        Ok(Known { advisories: self, ecosystem: ecosystem.to_owned(), found: self.find_all(&name)? })
    }

    /// What is known of a release.
    pub fn about(&self, release: &Release) -> Result<Answer, Damage> {
        self.of(&release.package)?.about(&Question::version(&release.version))
    }

    /// True if anything is known of bytes, whatever they are called.
    pub fn knows_bytes(&self) -> bool {
        self.layers.iter().any(|layer| layer.has(DIGEST))
    }

    /// What is known of bytes, whatever they are called, by their digests.
    pub fn of_bytes<'a>(&self, digests: impl IntoIterator<Item = &'a Digest>) -> Result<Vec<Match>, Damage> {
        self.joined(self.hits_of(digests)?)
    }

    /// The vulnerabilities that this very release fixes, as the advisories say.
    pub fn fixes(&self, release: &Release) -> Result<Vec<String>, Damage> {
        self.of(&release.package)?.fixes(&release.version)
    }

    /// The content of an entry in each layer, the newest first.
    fn find_all(&self, name: &[u8]) -> Result<Vec<(usize, Content)>, Damage> {
        let mut found = Vec::new();
        for (number, layer) in self.layers.iter().enumerate() {
            found.extend(layer.find(name)?.map(|content| (number, content)));
        }
        Ok(found)
    }

    /// Postings of contents, without those that newer layers replace.
    fn postings<'a>(&self, found: &'a [(usize, Content)]) -> Result<Vec<(usize, Posting<'a>)>, Damage> {
        let mut postings = Vec::new();
        for (number, content) in found {
            let mut from = Cursor::new(content);
            let count = from.count().map_err(|_| Damage::Part("entries"))?;
            for _ in 0..count {
                let posting = Posting::read(&mut from).map_err(|_| Damage::Part("entries"))?;
                if !self.layers[..*number].iter().any(|newer| newer.replaces(posting.id)) {
                    postings.push((*number, posting));
                }
            }
        }
        Ok(postings)
    }

    /// The text of a posting's record. A text that is not that of the record is damage.
    fn record(&self, layer: usize, posting: &Posting<'_>) -> Result<Record, Damage> {
        let text = self.layers[layer].text(posting.record)?;
        let record = Record::read(&text).map_err(|_| Damage::Part("text"))?;
        if hash(record.id.as_bytes()) == posting.id { Ok(record) } else { Err(Damage::Part("text")) }
    }

    /// Advisories about bytes.
    fn hits_of<'a>(&self, digests: impl IntoIterator<Item = &'a Digest>) -> Result<Vec<Hit>, Damage> {
        let mut hits = Vec::new();
        for digest in digests {
            let found = self.find_all(&digest_name(digest))?;
            for (layer, posting) in self.postings(&found)? {
                let record = self.record(layer, &posting)?;
                hits.push(hit(record, &posting, Basis::Digest, Grade::Hash, false));
            }
        }
        Ok(hits)
    }

    fn joined(&self, hits: Vec<Hit>) -> Result<Vec<Match>, Damage> {
        let mut matches = merge::join(hits);
        for found in &mut matches {
            let facts = self.facts(std::iter::once(&found.id).chain(&found.aliases))?;
            found.likelihood = facts.likelihood;
            found.exploited = facts.exploited;
        }
        Ok(matches)
    }

    /// What feeds say of the names of a match.
    fn facts<'a>(&self, names: impl Iterator<Item = &'a String>) -> Result<Facts, Damage> {
        let mut facts = Facts::default();
        for name in names.filter(|name| feeds::is_cve(name)) {
            for entry in [feeds::epss_name(name), feeds::kev_name(name)] {
                // The newest layer that says something says what is so.
                for layer in &self.layers {
                    if let Some(content) = layer.find(&entry)? {
                        facts.note(&entry, &content).map_err(|_| Damage::Part("entries"))?;
                        break;
                    }
                }
            }
        }
        Ok(facts)
    }
}

/// What is known of a package.
pub struct Known<'a> {
    advisories: &'a Advisories,
    ecosystem: String,
    found: Vec<(usize, Content)>,
}

/// An advisory that fits, before it is joined with others.
pub(crate) struct Hit {
    pub(crate) record: Record,
    pub(crate) class: Class,
    pub(crate) because: Because,
    /// Fixes with their keys.
    pub(crate) fixed: Vec<(Vec<u8>, String)>,
}

impl Known<'_> {
    /// True if there is nothing under the package's name.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// What the advisories say of a release of the package.
    pub fn about(&self, question: &Question<'_>) -> Result<Answer, Damage> {
        Ok(self.about_all(std::slice::from_ref(question))?.pop().unwrap_or_default())
    }

    /// What the advisories say of several releases of the package, in their order. Nothing is read twice.
    pub fn about_all(&self, questions: &[Question<'_>]) -> Result<Vec<Answer>, Damage> {
        let postings = self.advisories.postings(&self.found)?;
        let mut texts = Texts { advisories: self.advisories, known: HashMap::new() };
        questions.iter().map(|question| self.answer(question, &postings, &mut texts)).collect()
    }

    fn answer(
        &self,
        question: &Question<'_>,
        postings: &[(usize, Posting<'_>)],
        texts: &mut Texts<'_>,
    ) -> Result<Answer, Damage> {
        let mut hits = self.advisories.hits_of(question.digests)?;
        let mut answer = Answer::default();
        if postings.is_empty() && hits.is_empty() {
            return Ok(answer);
        }
        let mut retracted = Vec::new();
        let asked = self.asked(question.version, postings);
        for (layer, posting) in postings {
            match asked.coverage(posting) {
                Coverage::No => {}
                Coverage::Unclear(_) if posting.flags.has(Flags::WITHDRAWN) => {}
                Coverage::Unclear(why) => {
                    let id = texts.get(*layer, posting)?.id.clone();
                    answer.unclear.push(Unclear { id, class: posting.class, why });
                }
                Coverage::Yes { basis, range_suppressed } => {
                    let record = texts.get(*layer, posting)?;
                    let basis = aged(basis, record.published, question.first_release);
                    let grade = grade(basis, posting.registry, question);
                    let hit = hit(record.clone(), posting, basis, grade, range_suppressed);
                    let is_withdrawn = posting.flags.has(Flags::WITHDRAWN);
                    if is_withdrawn { retracted.push(hit) } else { hits.push(hit) }
                }
            }
        }
        answer.matches = self.advisories.joined(hits)?;
        answer.retracted = self.advisories.joined(retracted)?;
        Ok(answer)
    }

    /// The vulnerabilities that this very version fixes, as the advisories say, and does not have by the same advisory.
    pub fn fixes(&self, version: &str) -> Result<Vec<String>, Damage> {
        let postings = self.advisories.postings(&self.found)?;
        let asked = self.asked(version, &postings);
        let mut ids = Vec::new();
        for (layer, posting) in &postings {
            let named = posting.fixed.iter().any(|fixed| {
                fixed.text == version || (!fixed.key.is_empty() && Some(fixed.key) == asked.key.as_deref())
            });
            let counts = posting.class == Class::Vulnerable && !posting.flags.has(Flags::WITHDRAWN);
            if named && counts && asked.coverage(posting) == Coverage::No {
                ids.push(self.advisories.record(*layer, posting)?.id);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    fn asked<'b>(&self, version: &'b str, postings: &[(usize, Posting<'_>)]) -> Asked<'b> {
        let lists = |posting: &Posting<'_>| {
            posting.class == Class::Malicious && !posting.flags.has(Flags::WITHDRAWN) && !posting.listed.is_empty()
        };
        let scheme = Scheme::of_id(&self.ecosystem);
        Asked {
            version,
            key: scheme.key(version),
            before: if version.contains('-') { None } else { scheme.key(&format!("{version}-0")) },
            is_listed_anywhere: postings.iter().any(|(_, posting)| lists(posting)),
        }
    }
}

/// Texts of records that were read.
struct Texts<'a> {
    advisories: &'a Advisories,
    known: HashMap<(usize, u64), Record>,
}

impl Texts<'_> {
    fn get(&mut self, layer: usize, posting: &Posting<'_>) -> Result<&Record, Damage> {
        match self.known.entry((layer, posting.record)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(self.advisories.record(layer, posting)?)),
        }
    }
}

fn hit(record: Record, posting: &Posting<'_>, basis: Basis, grade: Grade, range_suppressed: bool) -> Hit {
    let because = Because { id: record.id.clone(), grade, basis, range_suppressed };
    let fixed = posting.fixed.iter().map(|fixed| (fixed.key.to_vec(), fixed.text.to_owned())).collect();
    Hit { record, class: posting.class, because, fixed }
}
