//! Ecosystems as advisories name them: how a name is written there, and how versions are ordered.
//!
//! Those that Stockade guards have a descriptor, which is asked. Advisories know more ecosystems, and a lockfile may name
//! them, so some have a name and an order here. Of all others only the text is known: a version that an advisory lists is
//! found, ranges of SemVer are evaluated, and of what would have to be compared otherwise is said that it cannot be.

mod composer;
mod gem;
mod key;
mod nuget;
mod semantic;

use std::borrow::Cow;

use stockade_ecosystem::{ALL, Ecosystem, by_id};

/// An ecosystem that advisories know and Stockade does not guard.
pub(crate) struct Other {
    /// The type in a package URL.
    id: &'static str,
    osv: &'static str,
    name: fn(&str) -> String,
    /// The key of a version.
    key: fn(&str) -> Option<Vec<u8>>,
}

static OTHERS: [Other; 4] = [
    Other { id: "golang", osv: "Go", name: str::to_owned, key: semantic::go },
    Other { id: "gem", osv: "RubyGems", name: str::to_owned, key: gem::key },
    Other { id: "nuget", osv: "NuGet", name: str::to_lowercase, key: nuget::key },
    Other { id: "composer", osv: "Packagist", name: str::to_lowercase, key: composer::key },
];

/// The rules of an ecosystem.
#[derive(Clone, Copy)]
pub(crate) enum Scheme<'a> {
    Guarded(&'static Ecosystem),
    Other(&'static Other),
    /// Nothing but its name is known.
    Unknown(&'a str),
}

impl<'a> Scheme<'a> {
    /// The ecosystem of a record, and the registry if one is named behind a `:`. Where the part behind it is a release of a
    /// distribution, it is part of the ecosystem.
    pub(crate) fn of_osv(text: &'a str) -> (Self, Option<&'a str>) {
        let (base, registry) = text.split_once(':').map_or((text, None), |(base, rest)| (base, Some(rest)));
        if let Some(known) = ALL.iter().copied().find(|ecosystem| ecosystem.osv == base) {
            return (Self::Guarded(known), registry);
        }
        match OTHERS.iter().find(|other| other.osv == base) {
            Some(other) => (Self::Other(other), registry),
            None => (Self::Unknown(text), None),
        }
    }

    /// The ecosystem of a release.
    pub(crate) fn of_id(id: &'a str) -> Self {
        match (by_id(id), OTHERS.iter().find(|other| other.id == id)) {
            (Some(known), _) => Self::Guarded(known),
            (None, Some(other)) => Self::Other(other),
            (None, None) => Self::Unknown(id),
        }
    }

    /// The name that the index has it under.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Guarded(ecosystem) => ecosystem.id.as_str(),
            Self::Other(other) => other.id,
            Self::Unknown(id) => id,
        }
    }

    /// The name that advisories have for it.
    pub(crate) fn osv(&self) -> &str {
        match self {
            Self::Guarded(ecosystem) => ecosystem.osv,
            Self::Other(other) => other.osv,
            Self::Unknown(id) => id,
        }
    }

    /// The normal form of a package's name.
    pub(crate) fn name(&self, name: &'a str) -> Result<Cow<'a, str>, String> {
        match self {
            Self::Guarded(ecosystem) => match (ecosystem.name)(name) {
                Ok(name) if ecosystem.joins_alike => Ok(Cow::Owned(name.as_str().replace('_', "-"))),
                Ok(name) => Ok(Cow::Owned(name.as_str().to_owned())),
                Err(malformed) => Err(malformed.to_string()),
            },
            Self::Other(other) => Ok(Cow::Owned((other.name)(name))),
            Self::Unknown(_) => Ok(Cow::Borrowed(name)),
        }
    }

    /// The key of a version; `None` if it has no place in the order.
    pub(crate) fn key(&self, version: &str) -> Option<Vec<u8>> {
        match self {
            Self::Guarded(ecosystem) => (ecosystem.version)(version).ok().map(|version| version.key()),
            Self::Other(other) => (other.key)(version),
            Self::Unknown(_) => semantic::strict(version),
        }
    }

    /// True if the order of its versions is known. Of other ecosystems only ranges of the type SEMVER can be evaluated.
    pub(crate) fn is_ordered(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }
}
