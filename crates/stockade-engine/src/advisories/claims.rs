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
    /// Where advisories are told that a package is from.
    pub(super) fn origin(&self, package: &Package) -> Origin<'_> {
        let covering = self.0.iter().filter(|(pattern, _)| is_claimed(pattern, package));
        let longest = covering.max_by_key(|(pattern, _)| pattern.as_str().len());
        longest.and_then(|(_, registry)| registry.as_deref()).map_or(Origin::Unknown, Origin::Other)
    }
}
