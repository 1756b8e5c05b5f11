//! From an identifier to what its records are about.

use stockade_model::{Digest, EcosystemId, Name, Package};

use super::{Advisories, DIGEST, PACKAGE, identifier_name};
use crate::Damage;
use crate::codec::{Cursor, Truncated};
use crate::order::Scheme;

/// What an advisory is about. Which versions of a package it means, the package is asked ([`Advisories::of`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subjects {
    /// The identifiers of the records: one that is asked for may be an alias of several.
    pub ids: Vec<String>,
    /// The packages, in the normal form of their names.
    pub packages: Vec<Package>,
    /// Bytes, whatever they are called.
    pub digests: Vec<Digest>,
}

impl Advisories {
    /// What the records with this identifier are about, be it their own or an alias; `None` if none has it that is about
    /// anything.
    pub fn subjects(&self, id: &str) -> Result<Option<Subjects>, Damage> {
        let mut subjects = Subjects::default();
        for (_, content) in self.find_all(&identifier_name(id))? {
            subjects.read(&mut Cursor::new(&content)).map_err(|_| Damage::Part("entries"))?;
        }
        Ok((!subjects.ids.is_empty()).then(|| subjects.in_order()))
    }
}

impl Subjects {
    /// What both are about.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.ids.extend(other.ids);
        self.packages.extend(other.packages);
        self.digests.extend(other.digests);
        self.in_order()
    }

    fn read(&mut self, from: &mut Cursor<'_>) -> Result<(), Truncated> {
        for _ in 0..from.count()? {
            self.ids.push(from.text()?.to_owned());
        }
        for _ in 0..from.count()? {
            let (kind, rest) = from.bytes()?.split_first().ok_or(Truncated)?;
            let text = std::str::from_utf8(rest).map_err(|_| Truncated)?;
            match *kind {
                PACKAGE => {
                    let (ecosystem, name) = text.split_once('\0').ok_or(Truncated)?;
                    let ecosystem = EcosystemId::read(ecosystem);
                    self.packages.push(Package { ecosystem, name: Name::normalised(name) });
                }
                DIGEST => self.digests.push(text.parse().map_err(|_| Truncated)?),
                _ => return Err(Truncated),
            }
        }
        Ok(())
    }

    fn in_order(mut self) -> Self {
        self.ids.sort_unstable();
        self.ids.dedup();
        self.packages.sort_unstable();
        self.packages.dedup();
        self.digests.sort_unstable();
        self.digests.dedup();
        self
    }
}

/// A package with its name in the normal form of its ecosystem, as far as that is known: so the index has it.
pub fn normal(package: &Package) -> Package {
    let scheme = Scheme::of_id(package.ecosystem.as_str());
    let name = scheme.name(package.name.as_str()).unwrap_or_else(|_| package.name.as_str().into());
    Package { ecosystem: EcosystemId::read(scheme.id()), name: Name::normalised(name) }
}
