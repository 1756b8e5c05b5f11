//! Whose packages only have the name of those that advisories speak of.
//!
//! Who attacks by a name that is internal somewhere publishes it in a public registry, and the record that is then written
//! says that every version is malicious. It does not mean what the company publishes under it.

use std::sync::Arc;

use stockade_advisory::Origin;
use stockade_model::{Package, Pattern};

use crate::upstreams::is_claimed;

/// The names that somebody's settings say are of a registry of their own. What a project or a client says does not count
/// here: it could say it of anything.
#[derive(Debug, Clone, Default)]
pub struct Claims(Arc<[Claimed]>);

/// A pattern of names, and the registry that they are of, if it is not the one of all other names.
type Claimed = (Pattern, Option<String>);

impl FromIterator<Claimed> for Claims {
    fn from_iter<I: IntoIterator<Item = Claimed>>(claims: I) -> Self {
        Self(claims.into_iter().collect())
    }
}

impl Claims {
    /// Where a package is from that we fetch ourselves, or that is published here.
    pub(super) fn origin(&self, package: &Package) -> Origin<'_> {
        self.registry(package).map_or(Origin::Unknown, Origin::Other)
    }

    /// Where a package is from that somebody else fetched from this address. That a name belongs elsewhere does not say
    /// that it was fetched there: whoever was taken in by its namesake has it from the wrong place.
    pub(super) fn origin_at(&self, package: &Package, address: &str) -> Origin<'_> {
        let is_there = |registry: &&str| {
            let rest = address.strip_prefix(*registry);
            rest.is_some_and(|rest| registry.ends_with('/') || rest.starts_with('/'))
        };
        self.registry(package).filter(is_there).map_or(Origin::Unknown, Origin::Other)
    }

    /// The registry that a name belongs to, if it is not the one of all other names.
    fn registry(&self, package: &Package) -> Option<&str> {
        let covering = self.0.iter().filter(|(pattern, _)| is_claimed(pattern, package));
        let longest = covering.max_by_key(|(pattern, _)| pattern.as_str().len());
        longest.and_then(|(_, registry)| registry.as_deref())
    }
}
