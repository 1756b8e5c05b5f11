//! A policy: one base document, and the documents of projects that tighten it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stockade_model::{Digest, Evidence, Gap, GapKind, Package, Pattern, Release, Verdict};

use crate::document::{Document, Exception, MAX_DOCUMENT, Mode, RuleName, Waivable};
use crate::duration::{Age, exactly};
use crate::index::Index;
use crate::{Ruling, decide};

/// The minimum age where a policy says nothing.
const DEFAULT_COOLDOWN: Age = Age::hours(72);
/// The version of the defaults and of what the keys mean. A canonical document of another version is not replayed.
const VERSION: u32 = 1;
/// How many documents a policy may consist of.
const MAX_LAYERS: usize = 16;

/// What to make of evidence. Immutable; share it in an `Arc`.
pub struct Policy {
    layers: Vec<Arc<Layer>>,
    mode: Mode,
    canonical: String,
    digest: Digest,
}

impl Policy {
    /// The policy of someone who wrote none: enforce, 72 hours of cooldown, hold on a gap.
    pub fn builtin() -> Self {
        Self::assemble(vec![Arc::new(Layer::default())], Mode::Enforce)
    }

    /// Reads a policy document: TOML with the policy's keys at top level.
    pub fn parse(toml: &str) -> Result<Self, PolicyError> {
        let document: Document = read_toml(toml)?;
        Self::of(vec![Layer::of(document)?])
    }

    /// Reads the `[policy]` table of a settings file and nothing else of it; `None` if there is none. Lines and columns
    /// of errors are those of the file.
    pub fn parse_settings(toml: &str) -> Result<Option<Self>, PolicyError> {
        #[derive(Deserialize)]
        struct Settings {
            policy: Option<Document>,
        }
        let Settings { policy } = read_toml(toml)?;
        policy.map(|document| Self::of(vec![Layer::of(document)?])).transpose()
    }

    /// Reads what [`Policy::canonical`] wrote.
    pub fn from_canonical(json: &str) -> Result<Self, PolicyError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Canonical {
            #[serde(rename = "version")]
            _version: u32,
            layers: Vec<Document>,
        }
        let limit = MAX_LAYERS * MAX_DOCUMENT;
        if json.len() > limit {
            return Err(PolicyError::TooLarge { bytes: json.len(), limit });
        }
        let Version { version } = serde_json::from_str(json).map_err(|error| PolicyError::in_json(&error))?;
        if version != VERSION {
            return Err(PolicyError::Version { version });
        }
        let Canonical { layers, .. } = serde_json::from_str(json).map_err(|error| PolicyError::in_json(&error))?;
        Self::of(layers.into_iter().map(Layer::of).collect::<Result<_, _>>()?)
    }

    /// The policy as JSON of one spelling: documents that say the same are equal here, whatever their comments, order
    /// of keys and units. This is what the log stores.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The SHA-256 of [`Policy::canonical`].
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// This policy and, on top of it, a project's own: the strictest of both wins everywhere. What a project's policy
    /// leaves out changes nothing, and a milder value has no effect. An exception, and `audit` under a policy that
    /// enforces, are errors, because their author would believe in an effect that they do not have.
    pub fn tightened_by(&self, project: &Self) -> Result<Self, PolicyError> {
        Self::of(self.layers.iter().chain(&project.layers).cloned().collect())
    }

    /// Rules on a release. Pure: equal arguments give equal rulings.
    pub fn decide(&self, release: &Release, evidence: &[Evidence], gaps: &[Gap], now: Timestamp) -> Ruling {
        decide::decide(self, release, evidence, gaps, now)
    }

    /// Whether rulings are enforced.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The minimum age of a release of this package that was published here. Waiting is for what strangers may find out in
    /// the meantime, and nobody else sees these: only what is said of the package itself counts.
    pub fn cooldown_of_hosted(&self, package: &Package) -> Duration {
        let said = self.layers.iter().filter_map(|layer| match layer.cooldown(package) {
            Some((age, CooldownSource::Pattern(_))) => Some(age.duration()),
            _ => None,
        });
        said.max().unwrap_or_default()
    }

    /// The minimum age of a release of this package, and where it comes from.
    pub fn cooldown(&self, package: &Package) -> Cooldown<'_> {
        let mut strictest = Cooldown { age: Age::ZERO.duration(), from: CooldownSource::BuiltIn, by_project: false };
        for (at, layer) in self.layers.iter().enumerate() {
            let (age, from) = match layer.cooldown(package) {
                Some(found) => found,
                None if at == 0 => (DEFAULT_COOLDOWN, CooldownSource::BuiltIn),
                None => continue,
            };
            if at == 0 || age.duration() > strictest.age {
                strictest = Cooldown { age: age.duration(), from, by_project: at > 0 };
            }
        }
        strictest
    }

    /// The patterns of packages of which less than `age` is asked, or nothing: entries of `[[cooldown.for]]`, and
    /// exceptions in force that waive the cooldown, of single releases too.
    pub fn milder_than(&self, age: Duration, now: Timestamp) -> impl Iterator<Item = &Pattern> {
        let base = self.layers.first().map_or(&[][..], |base| &base.document.cooldown.packages);
        let entries = base.iter().filter(move |entry| entry.age.duration() < age).map(|entry| &entry.pattern);
        let lifts =
            move |exception: &&Exception| !exception.expired(now) && exception.waives().contains(&Waivable::Cooldown);
        entries.chain(self.exceptions().iter().filter(lifts).map(Exception::pattern))
    }

    /// Whether a release need not wait that an advisory names as the fix of what was given out: any layer can say no.
    pub(crate) fn lets_fixes_in(&self) -> bool {
        self.layers.iter().all(|layer| layer.document.cooldown.fixes != Some(false))
    }

    /// The exceptions, to report expired and unused ones.
    pub fn exceptions(&self) -> &[Exception] {
        self.layers.first().map_or(&[], |base| &base.document.exception)
    }

    /// Every pattern in the policy. Names in patterns must be in their ecosystem's normal form, which only the
    /// ecosystem knows: the caller can check them and report those that can never match.
    pub fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.layers.iter().flat_map(|layer| layer.document.patterns())
    }

    /// Every ecosystem's id that is a key in `[cooldown]`, so that the caller can report unknown ones.
    pub fn ecosystems(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().flat_map(|layer| layer.document.cooldown.ecosystems.keys()).map(String::as_str)
    }

    /// Whether the content of releases is to be inspected. Only the base can say no, and any project yes.
    pub fn inspects(&self) -> bool {
        let written = |layer: &Layer| layer.document.inspection.enabled;
        let [base, projects @ ..] = self.layers.as_slice() else { return true };
        written(base).unwrap_or(true) || projects.iter().any(|project| written(project) == Some(true))
    }

    /// Every rule of the inspection that the policy names, so that the caller can report unknown ones.
    pub fn inspection_rules(&self) -> impl Iterator<Item = &str> {
        let layers = self.layers.iter().flat_map(|layer| layer.document.inspection.rules.keys());
        let waived = self.exceptions().iter().flat_map(Exception::waives).filter_map(|waivable| match waivable {
            Waivable::Finding(rule) => Some(rule.as_str()),
            _ => None,
        });
        layers.map(RuleName::as_str).chain(waived)
    }

    pub(crate) fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().map(AsRef::as_ref)
    }

    /// What a gap of this kind asks for: the strongest of all layers.
    pub(crate) fn on_gap(&self, kind: GapKind) -> Verdict {
        let written = self.layers().filter_map(|layer| layer.document.gaps.get(&kind).copied()).max();
        let base = self.layers.first().and_then(|base| base.document.gaps.get(&kind).copied());
        let unsaid = match kind {
            GapKind::Stale | GapKind::WeakIntegrity => Verdict::Allow,
            _ => Verdict::Hold,
        };
        written.unwrap_or(Verdict::Allow).max(base.unwrap_or(unsaid))
    }

    /// What an advisory that is not about malware asks for.
    pub(crate) fn on_vulnerable(&self) -> Verdict {
        self.layers().filter_map(|layer| layer.document.advisories.vulnerable).max().unwrap_or(Verdict::Allow)
    }

    /// What a finding of this rule asks for, which by itself asks for `verdict`: the base may say otherwise, and projects
    /// may ask for more.
    pub(crate) fn on_finding(&self, rule: &str, verdict: Verdict) -> Verdict {
        let written = |layer: &Arc<Layer>| layer.document.inspection.rules.get(rule).copied();
        let [base, projects @ ..] = self.layers.as_slice() else { return verdict };
        projects.iter().filter_map(written).fold(written(base).unwrap_or(verdict), Verdict::max)
    }

    fn of(layers: Vec<Arc<Layer>>) -> Result<Self, PolicyError> {
        let [base, projects @ ..] = layers.as_slice() else { return Err(PolicyError::NoDocument) };
        if layers.len() > MAX_LAYERS {
            return Err(PolicyError::TooMany { documents: layers.len(), limit: MAX_LAYERS });
        }
        let mut mode = base.document.mode.unwrap_or(Mode::Enforce);
        for project in projects {
            if let Some(exception) = project.document.exception.first() {
                return Err(PolicyError::Exception { pattern: exception.pattern().to_string() });
            }
            mode = match (mode, project.document.mode) {
                (Mode::Enforce, Some(Mode::Audit)) => return Err(PolicyError::Audit),
                (mode, project) => project.unwrap_or(mode),
            };
        }
        Ok(Self::assemble(layers, mode))
    }

    fn assemble(layers: Vec<Arc<Layer>>, mode: Mode) -> Self {
        #[derive(Serialize)]
        struct Canonical<'a> {
            version: u32,
            layers: Vec<&'a Document>,
        }
        let documents = layers.iter().map(|layer| &layer.document).collect();
        let canonical = serde_json::to_string(&Canonical { version: VERSION, layers: documents })
            .expect("a document is plain data with text keys");
        let digest = Digest::of(canonical.as_bytes());
        Self { layers, mode, canonical, digest }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// A minimum age, and where it comes from: `72 hours, from the built-in default`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cooldown<'a> {
    /// How old a release must be.
    pub age: Duration,
    /// What says so.
    pub from: CooldownSource<'a>,
    /// A project's own policy says so.
    pub by_project: bool,
}

impl fmt::Display for Cooldown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, from {}", exactly(self.age), self.from)?;
        if self.by_project { f.write_str(" of the project's policy") } else { Ok(()) }
    }
}

/// The part of a policy that a cooldown comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CooldownSource<'a> {
    /// No document says anything.
    BuiltIn,
    /// `default` in `[cooldown]`.
    Default,
    /// An ecosystem's key in `[cooldown]`.
    Ecosystem(&'a str),
    /// The most specific `[[cooldown.for]]` entry.
    Pattern(&'a Pattern),
}

impl fmt::Display for CooldownSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("the built-in default"),
            Self::Default => f.write_str("`cooldown.default`"),
            Self::Ecosystem(id) => write!(f, "`cooldown.{id}`"),
            Self::Pattern(pattern) => write!(f, "`cooldown.for` with `{pattern}`"),
        }
    }
}

/// A document and what makes looking things up in it fast.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) document: Document,
    cooldowns: Index,
    pub(crate) denied: Index,
    pub(crate) allowed: Index,
    pub(crate) exceptions: Index,
}

impl Layer {
    fn of(document: Document) -> Result<Arc<Self>, PolicyError> {
        document.check().map_err(|what| PolicyError::Malformed { line: 1, column: 1, what })?;
        Ok(Arc::new(Self {
            cooldowns: Index::of(document.cooldown.packages.iter().map(|entry| &entry.pattern)),
            denied: Index::of(document.deny.iter().map(|entry| &entry.pattern)),
            allowed: Index::of(document.allow.iter().map(|entry| &entry.pattern)),
            exceptions: Index::of(document.exception.iter().map(Exception::pattern)),
            document,
        }))
    }

    /// The most specific cooldown: the longest pattern, of several as long the last, then ecosystem, then default.
    fn cooldown(&self, package: &Package) -> Option<(Age, CooldownSource<'_>)> {
        let cooldown = &self.document.cooldown;
        let specific = self
            .cooldowns
            .candidates(package)
            .filter(|&at| cooldown.packages[at].pattern.matches_package(package))
            .max_by_key(|&at| (cooldown.packages[at].pattern.as_str().len(), at));
        if let Some(at) = specific {
            let entry = &cooldown.packages[at];
            return Some((entry.age, CooldownSource::Pattern(&entry.pattern)));
        }
        if let Some((id, age)) = cooldown.ecosystems.get_key_value(package.ecosystem.as_str()) {
            return Some((*age, CooldownSource::Ecosystem(id)));
        }
        cooldown.default.map(|age| (age, CooldownSource::Default))
    }
}

fn read_toml<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, PolicyError> {
    if text.len() > MAX_DOCUMENT {
        return Err(PolicyError::TooLarge { bytes: text.len(), limit: MAX_DOCUMENT });
    }
    toml::from_str(text).map_err(|error| {
        let before = &text[..error.span().map_or(0, |span| text.floor_char_boundary(span.start))];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        PolicyError::Malformed { line, column, what: error.message().trim_end().to_owned() }
    })
}

/// Why a policy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Something in the document is not understood.
    #[error("policy, line {line}, column {column}: {what}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong, why, and what to write instead.
        what: String,
    },
    /// The document is longer than any that a person writes.
    #[error("the policy has {bytes} bytes, more than the limit of {limit}; use patterns with `*`")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A canonical policy without documents.
    #[error("the canonical policy has no document; it was not written by stockade")]
    NoDocument,
    /// More layers than the limit.
    #[error("the policy consists of {documents} documents, more than the limit of {limit}; merge some of them")]
    TooMany {
        /// How many there are.
        documents: usize,
        /// The limit.
        limit: usize,
    },
    /// A canonical policy of another version.
    #[error(
        "the canonical policy has version {version}, this stockade replays version {VERSION}; \
             use the stockade that wrote it"
    )]
    Version {
        /// The version it has.
        version: u32,
    },
    /// A project's policy has an exception.
    #[error(
        "a project's policy may only tighten, and has an exception for `{pattern}`; \
             exceptions belong in the user's or the gateway's policy"
    )]
    Exception {
        /// What the exception is for.
        pattern: String,
    },
    /// A project's policy asks for `audit` where the policy above it enforces.
    #[error(
        "a project's policy may only tighten, and asks for `mode = \"audit\"`; \
             the mode belongs in the user's or the gateway's policy"
    )]
    Audit,
}

impl PolicyError {
    fn in_json(error: &serde_json::Error) -> Self {
        Self::Malformed { line: error.line(), column: error.column(), what: error.to_string() }
    }
}
