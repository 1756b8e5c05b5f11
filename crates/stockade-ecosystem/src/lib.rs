//! Everything that parses package formats we did not write: names, versions, indexes, client configuration.
//!
//! This crate is the attack surface: every byte it reads was written by somebody else. So it does no I/O, holds no
//! clock and no `unsafe`, and its parsers are total: they return what they understood *and* every problem, and none
//! stops silently. A registry's protocol is a set of pure functions over requests and documents; the engine fetches, the
//! gateway speaks HTTP.
//!
//! An ecosystem is one folder and one line in [`ALL`], or in [`READ`] if only files of it are read. It is named nowhere else: configuration keys, the gateway's
//! mounts, purl types and the names in OSV all come from its [`Ecosystem`] descriptor.

pub mod archive;
mod audit;
pub mod built;
pub mod cargo;
mod client;
pub mod composer;
mod denial;
mod form;
pub mod gem;
pub mod github;
pub mod golang;
mod hosting;
mod index;
mod json;
mod key;
mod locked;
pub mod maven;
mod native;
pub mod npm;
pub mod nuget;
mod order;
mod path;
pub mod pypi;
mod registry;

use stockade_model::{EcosystemId, Malformed, Name};

pub use archive::{ArtifactFormat, is_test_or_doc, of_directory, open, open_any};
pub use audit::{Advice, AdviceKind, Audit, AuditForm};
pub use client::{
    Claim, Client, ClientConfig, Configured, Credential, Environment, Given, Rewritten, Stated, Upstream, Variables,
};
pub use hosting::{Account, Answer, Change, Hosted, HostedFile, Hosting, KnownToken, Publication, Told};
pub use index::{Artifact, File, Index, Listed, Piece, Problem, Rope, Standing, Steering, Variant};
pub use locked::{Include, InstalledFile, Linked, Locked, Lockfile, Manifest, Origin, Parsed, ReadInstalled, Scope};
pub use native::{Gate, Lines, Native};
pub use order::Placed;
pub use path::{PathError, Segments};
pub use registry::{Denial, Described, Foreseen, Foresight, Refusal, Registry, Request, Route, Sum, Summary};

/// What Stockade knows of an ecosystem: a descriptor, not a class. What an ecosystem lacks is `None`.
pub struct Ecosystem {
    /// The identifier in configuration, in the gateway's paths and in purls.
    pub id: EcosystemId,
    /// The type in a package URL.
    pub purl_type: &'static str,
    /// The `ecosystem` of OSV records.
    pub osv: &'static str,
    /// Checks and normalises a package name.
    pub name: fn(&str) -> Result<Name, Malformed>,
    /// Checks a version and gives it its order.
    pub version: fn(&str) -> Result<Version, Malformed>,
    /// The files that name a project's releases, most telling first.
    pub lockfiles: &'static [&'static Lockfile],
    /// Those of them that are read together.
    pub linked: Option<&'static Linked>,
    /// The files that say what is wanted, and count where no lockfile says what was chosen.
    pub manifests: &'static [&'static Manifest],
    /// How installed releases are found.
    pub installed: Option<&'static ReadInstalled>,
    /// The registry protocol.
    pub registry: Option<&'static dyn Registry>,
    /// The clients that install from it.
    pub clients: &'static [&'static Client],
    /// No two packages have names that differ only in `-` and `_`. Advisories then spell one as they like.
    pub joins_alike: bool,
    /// The program that an interpreter of its language is told to run (`python -m pip`), and how many words of the command
    /// say so.
    pub interpreted: Option<Interpreted>,
    /// The formats of its artifacts.
    pub artifacts: &'static [&'static ArtifactFormat],
}

/// See [`Ecosystem::interpreted`].
type Interpreted = for<'a> fn(words: &[&'a str]) -> Option<(&'a str, usize)>;

/// Every ecosystem that is guarded: whose registry is spoken, and whose clients are pointed at the gateway.
pub static ALL: &[&Ecosystem] = &[&npm::NPM, &pypi::PYPI, &cargo::CARGO, &maven::MAVEN];

/// Those of which only files are read: a project has releases of them, and advisories speak of them.
pub static READ: &[&Ecosystem] = &[&golang::GOLANG, &gem::GEM, &composer::COMPOSER, &nuget::NUGET, &github::ACTIONS];

/// Every ecosystem that is guarded or read.
pub fn known() -> impl Iterator<Item = &'static Ecosystem> + Clone {
    ALL.iter().chain(READ).copied()
}

/// The guarded ecosystem with this identifier.
pub fn by_id(id: &str) -> Option<&'static Ecosystem> {
    ALL.iter().copied().find(|ecosystem| ecosystem.id.as_str() == id)
}

/// The sandbox's profiles of every ecosystem's clients, and of programs of its language, as TOML. Those of ecosystems whose
/// registry is not spoken are among them.
pub fn profiles() -> impl Iterator<Item = &'static str> {
    [npm::PROFILES, pypi::PROFILES, cargo::PROFILES, maven::PROFILES].into_iter().flatten().copied()
}

/// The client that this program is, with its ecosystem: `npm`, `npx` …
pub fn client_of(program: &str) -> Option<(&'static Ecosystem, &'static Client)> {
    ALL.iter().copied().find_map(|ecosystem| {
        let client = ecosystem.clients.iter().copied().find(|client| client.programs.contains(&program))?;
        Some((ecosystem, client))
    })
}

/// The client that a command is, with its ecosystem, and how many words of it say so: `npm`, `python -m pip` …
pub fn client_in(words: &[&str]) -> Option<(&'static Ecosystem, &'static Client, usize)> {
    let program = words.first()?;
    if let Some((ecosystem, client)) = client_of(program) {
        return Some((ecosystem, client, 1));
    }
    let (module, count) = ALL.iter().find_map(|ecosystem| (ecosystem.interpreted?)(words))?;
    client_of(module).map(|(ecosystem, client)| (ecosystem, client, count))
}

/// A version with the order of its ecosystem. Versions of different ecosystems have no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// SemVer 2.0, section 11; build metadata does not count.
    SemVer(semver::Version),
    /// PEP 440.
    Pep440(pep440_rs::Version),
    /// Maven's `ComparableVersion`.
    Maven(maven::Comparable),
    /// The order of an ecosystem of which only files are read.
    Placed(Placed),
}

/// The numbers of a version, the weightiest first: epoch, major, minor, patch. What an order does not have is 0.
type Numbers = [u64; 4];

impl Version {
    /// True if it is a version before a release.
    pub fn is_prerelease(&self) -> bool {
        match self {
            Self::SemVer(version) => !version.pre.is_empty(),
            Self::Pep440(version) => version.any_prerelease(),
            Self::Maven(version) => version.is_prerelease(),
            Self::Placed(version) => version.is_prerelease(),
        }
    }

    /// True if both are of one line of development: releases of it promise to be compatible.
    pub fn is_of_line(&self, other: &Self) -> bool {
        self.line() == other.line()
    }

    /// The line of development: within it, releases promise to be compatible. That is the major version, and before 1.0
    /// the minor one.
    pub(crate) fn line(&self) -> [u64; 3] {
        let [epoch, major, minor, _] = self.numbers();
        [epoch, major, if major == 0 { minor } else { 0 }]
    }

    pub(crate) fn numbers(&self) -> Numbers {
        match self {
            Self::SemVer(version) => [0, version.major, version.minor, version.patch],
            Self::Pep440(version) => {
                let release = version.release();
                let number = |at: usize| release.get(at).copied().unwrap_or_default();
                [version.epoch(), number(0), number(1), number(2)]
            }
            Self::Maven(version) => {
                let [major, minor, patch] = version.numbers();
                [0, major, minor, patch]
            }
            Self::Placed(version) => {
                let [major, minor, patch] = version.numbers();
                [0, major, minor, patch]
            }
        }
    }

    /// The word of a version before a release, without its number: `rc`, `alpha` …; empty for a release.
    pub(crate) fn word(&self) -> &str {
        match self {
            Self::SemVer(version) => {
                let word = version.pre.as_str().split('.').next().unwrap_or_default();
                word.trim_end_matches(|c: char| c.is_ascii_digit())
            }
            Self::Pep440(version) => match version.pre().map(|pre| pre.kind) {
                Some(pep440_rs::PrereleaseKind::Alpha) => "a",
                Some(pep440_rs::PrereleaseKind::Beta) => "b",
                Some(pep440_rs::PrereleaseKind::Rc) => "rc",
                None if version.is_dev() => "dev",
                None => "",
            },
            Self::Maven(version) => version.word(),
            Self::Placed(version) => version.word(),
        }
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::SemVer(a), Self::SemVer(b)) => Some(a.cmp_precedence(b)),
            (Self::Pep440(a), Self::Pep440(b)) => Some(a.cmp(b)),
            (Self::Maven(a), Self::Maven(b)) => a.partial_cmp(b),
            (Self::Placed(a), Self::Placed(b)) => a.partial_cmp(b),
            _ => None,
        }
    }
}
