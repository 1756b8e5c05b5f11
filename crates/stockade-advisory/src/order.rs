//! Ecosystems as advisories name them: how a name is written there, and how versions are ordered.
//!
//! Those of which Stockade reads anything have a descriptor, which is asked. Of all others only the text is known: a version that an advisory lists is
//! found, ranges of SemVer are evaluated, and of what would have to be compared otherwise is said that it cannot be.

use std::borrow::Cow;

use stockade_ecosystem::{Ecosystem, Version, known};

/// The longest version in bytes.
const MAX_BYTES: usize = 255;

/// The rules of an ecosystem.
#[derive(Clone, Copy)]
pub(crate) enum Scheme<'a> {
    Known(&'static Ecosystem),
    /// Nothing but its name is known.
    Unknown(&'a str),
}

impl<'a> Scheme<'a> {
    /// The ecosystem of a record, and the registry if one is named behind a `:`. Where the part behind it is a release of a
    /// distribution, it is part of the ecosystem.
    pub(crate) fn of_osv(text: &'a str) -> (Self, Option<&'a str>) {
        let (base, registry) = text.split_once(':').map_or((text, None), |(base, rest)| (base, Some(rest)));
        match known().find(|ecosystem| ecosystem.osv == base) {
            Some(known) => (Self::Known(known), registry),
            None => (Self::Unknown(text), None),
        }
    }

    /// The ecosystem of a release.
    pub(crate) fn of_id(id: &'a str) -> Self {
        known().find(|ecosystem| ecosystem.id.as_str() == id).map_or(Self::Unknown(id), Self::Known)
    }

    /// The name that the index has it under.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Known(ecosystem) => ecosystem.id.as_str(),
            Self::Unknown(id) => id,
        }
    }

    /// The name that advisories have for it.
    pub(crate) fn osv(&self) -> &str {
        match self {
            Self::Known(ecosystem) => ecosystem.osv,
            Self::Unknown(id) => id,
        }
    }

    /// The normal form of a package's name.
    pub(crate) fn name(&self, name: &'a str) -> Result<Cow<'a, str>, String> {
        match self {
            Self::Known(ecosystem) => match (ecosystem.name)(name) {
                Ok(name) if ecosystem.joins_alike => Ok(Cow::Owned(name.as_str().replace('_', "-"))),
                Ok(name) => Ok(Cow::Owned(name.as_str().to_owned())),
                Err(malformed) => Err(malformed.to_string()),
            },
            Self::Unknown(_) => Ok(Cow::Borrowed(name)),
        }
    }

    /// The key of a version; `None` if it has no place in the order.
    pub(crate) fn key(&self, version: &str) -> Option<Vec<u8>> {
        match self {
            Self::Known(ecosystem) => (ecosystem.version)(version).ok().map(|version| version.key()),
            Self::Unknown(_) => strict(version),
        }
    }

    /// True if the order of its versions is known. Of other ecosystems only ranges of the type SEMVER can be evaluated.
    pub(crate) fn is_ordered(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }
}

/// A version of an ecosystem whose own order is not known, for ranges that say that they are of SemVer.
fn strict(text: &str) -> Option<Vec<u8>> {
    let version = semver::Version::parse(text).ok().filter(|_| text.len() <= MAX_BYTES)?;
    Some(Version::SemVer(version).key())
}
