//! Finds the patterns that cover a package without trying each.
//!
//! `decide` runs for every version of a packument, and a list may have thousands of entries. Nearly all of them name
//! one package, so those are found by name; only patterns with a `*` are tried one after another.

use std::collections::BTreeMap;

use stockade_model::{Package, Pattern, Purl};

/// Positions of patterns in a list.
#[derive(Debug, Default)]
pub(crate) struct Index {
    exact: BTreeMap<Package, Vec<usize>>,
    wild: Vec<usize>,
}

impl Index {
    /// Indexes the patterns of a list, in its order.
    pub(crate) fn of<'a>(patterns: impl IntoIterator<Item = &'a Pattern>) -> Self {
        let mut index = Self::default();
        for (at, pattern) in patterns.into_iter().enumerate() {
            match package(pattern) {
                Some(package) => index.exact.entry(package).or_default().push(at),
                None => index.wild.push(at),
            }
        }
        index
    }

    /// The positions of every pattern that may cover a release of this package. The caller asks the pattern.
    pub(crate) fn candidates(&self, package: &Package) -> impl Iterator<Item = usize> {
        let exact = if self.exact.is_empty() { None } else { self.exact.get(package) };
        exact.into_iter().flatten().chain(&self.wild).copied()
    }
}

/// The one package that a pattern speaks of; `None` if it may be several.
pub(crate) fn package(pattern: &Pattern) -> Option<Package> {
    let Purl { package, .. } = pattern.as_str().parse().ok()?;
    (!package.name.as_str().contains('*') && !package.ecosystem.as_str().contains('*')).then_some(package)
}

/// True if a pattern speaks of one release and no other.
pub(crate) fn is_exact(pattern: &Pattern) -> bool {
    let version = pattern.as_str().parse::<Purl>().ok().and_then(|purl| purl.version);
    package(pattern).is_some() && version.is_some_and(|version| !version.contains('*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_patterns_that_may_cover_a_package_are_tried() {
        let patterns: Vec<Pattern> = ["pkg:demo/a", "pkg:demo/b@1.*", "pkg:demo/@acme/*", "pkg:*/a", "pkg:demo/a@2"]
            .map(|p| p.parse().unwrap())
            .into();
        let index = Index::of(&patterns);
        let candidates = |purl: &str| {
            let purl: Purl = purl.parse().unwrap();
            index.candidates(&purl.package).collect::<Vec<_>>()
        };
        assert_eq!(candidates("pkg:demo/a"), [0, 4, 2, 3]);
        assert_eq!(candidates("pkg:demo/b"), [1, 2, 3]);
        assert_eq!(candidates("pkg:demo/zzz"), [2, 3]);
    }

    #[test]
    fn an_exact_release_has_a_version_and_no_star() {
        let exact = |pattern: &str| is_exact(&pattern.parse().unwrap());
        assert!(exact("pkg:demo/a@1"));
        assert!(!exact("pkg:demo/a"));
        assert!(!exact("pkg:demo/a@1.*"));
        assert!(!exact("pkg:demo/*@1"));
        assert!(!exact("pkg:*/a@1"));
    }
}
