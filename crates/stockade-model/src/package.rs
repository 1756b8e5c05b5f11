//! Packages and releases: which thing we speak of.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of an ecosystem, as its purl type spells it.
///
/// The value comes from an ecosystem's own folder; no other code spells one out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EcosystemId(Cow<'static, str>);

impl EcosystemId {
    /// An identifier that an ecosystem's descriptor declares.
    pub const fn new(id: &'static str) -> Self {
        Self(Cow::Borrowed(id))
    }

    /// An identifier that was read from a document, known or not.
    pub fn read(id: &str) -> Self {
        Self(Cow::Owned(id.to_owned()))
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EcosystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A package's name in its ecosystem's normal form. Only an ecosystem's `name` function makes one from foreign text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    /// Wraps text that an ecosystem has already checked and normalised.
    pub fn normalised(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The whole name, scope included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The namespace and the rest: `@acme/left` is (`@acme`, `left`). A name without `/` has no namespace.
    pub fn split(&self) -> (Option<&str>, &str) {
        match self.0.rsplit_once('/') {
            Some((namespace, rest)) => (Some(namespace), rest),
            None => (None, &self.0),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A package: a name in an ecosystem.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Package {
    /// Where the name lives.
    pub ecosystem: EcosystemId,
    /// The name there.
    pub name: Name,
}

impl Package {
    /// The release of this package with that version.
    pub fn release(&self, version: impl Into<String>) -> Release {
        Release { package: self.clone(), version: version.into(), file: None }
    }
}

/// A release: one version of a package, or one of its files where it has several that are ruled on one by one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Release {
    /// What was released.
    #[serde(flatten)]
    pub package: Package,
    /// The version as the registry spells it.
    pub version: String,
    /// The name of the file. `None` speaks of the release as a whole, and of the only file of one that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl Release {
    /// One file of the release.
    #[must_use]
    pub fn with_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// The release as a whole.
    #[must_use]
    pub fn whole(mut self) -> Self {
        self.file = None;
        self
    }
}

/// `left-demo@1.1.0`, `left-demo@1.1.0 (left_demo-1.1.0.tar.gz)`: how a person names a release in a sentence.
impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.package.name, self.version)?;
        self.file.as_ref().map_or(Ok(()), |file| write!(f, " ({file})"))
    }
}

/// Foreign text that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not {what}: {why}", text.escape_debug())]
pub struct Malformed {
    /// What was expected, with its article: `a package name`.
    pub what: &'static str,
    /// The text, cut to [`Malformed::SHOWN`] characters.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Malformed {
    /// How many characters of the offending text an error repeats.
    pub const SHOWN: usize = 80;

    /// Records what was wrong with `text`.
    pub fn new(what: &'static str, text: &str, why: &'static str) -> Self {
        Self { what, text: text.chars().take(Self::SHOWN).collect(), why }
    }
}
