//! What a record says of packages, made ready for being compared.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::Builder;
use crate::advisories::package_name;
use crate::class::Class;
use crate::order::Scheme;
use crate::osv::{Affected, Osv, Range};
use crate::posting::{BorrowedSpan, Flags, Listed, Posting};
use crate::spans::{Span, Unclear, spans};

/// The longest version in bytes. No ecosystem has an order for longer ones.
const MAX_VERSION: usize = 256;
/// The longest name of a package in bytes.
const MAX_NAME: usize = 4096;

/// What a record says of one package: entries of it that are about the same, as one.
struct About<'a> {
    scheme: Scheme<'a>,
    registry: Option<&'a str>,
    name: Cow<'a, str>,
    class: Class,
    is_withdrawn: bool,
    entries: Vec<&'a Affected>,
}

/// Versions with their keys.
type Versions<'a> = Vec<(Vec<u8>, &'a str)>;

impl Builder {
    /// Enters a record under the names of all packages that it is about.
    pub(super) fn post_all(&mut self, osv: &Osv, id: u64, number: u32) {
        for about in self.packages(osv) {
            let (listed, fixed) = (self.listed(osv, &about), about.fixed());
            let (spans, flags) = self.spans(osv, &about, !listed.is_empty());
            let posting = Posting {
                record: 0,
                id,
                class: about.class,
                flags,
                registry: about.registry,
                listed: borrowed(&listed),
                spans: spans.iter().map(BorrowedSpan::from).collect(),
                fixed: borrowed(&fixed),
            };
            self.post(&package_name(about.scheme.id(), &about.name), number, &posting);
        }
    }

    /// The packages that a record is about.
    fn packages<'a>(&mut self, osv: &'a Osv) -> Vec<About<'a>> {
        let mut abouts: Vec<About<'a>> = Vec::new();
        let mut places: HashMap<_, usize> = HashMap::new();
        for affected in &osv.affected {
            let Some(package) = &affected.package else { continue };
            let (scheme, registry) = Scheme::of_osv(&package.ecosystem);
            let name = match scheme.name(&package.name) {
                Ok(name) if name.len() <= MAX_NAME && !name.is_empty() => name,
                Ok(_) => {
                    self.problem(&osv.id, "the name of a package is empty or too long");
                    continue;
                }
                Err(what) => {
                    self.problem(&osv.id, what);
                    continue;
                }
            };
            let class = Class::of(osv, affected);
            let key = (scheme.id().to_owned(), name.clone(), registry, class);
            match places.entry(key) {
                Entry::Occupied(place) => abouts[*place.get()].entries.push(affected),
                Entry::Vacant(place) => {
                    place.insert(abouts.len());
                    let is_withdrawn = osv.withdrawn.is_some();
                    abouts.push(About { scheme, registry, name, class, is_withdrawn, entries: vec![affected] });
                }
            }
        }
        abouts
    }

    fn listed<'a>(&mut self, osv: &Osv, about: &About<'a>) -> Versions<'a> {
        let mut versions = Vec::new();
        for version in about.entries.iter().flat_map(|entry| &entry.versions) {
            if version.len() > MAX_VERSION {
                self.problem(&osv.id, format!("a version has more than {MAX_VERSION} bytes"));
            } else {
                versions.push((about.own_key(version), version.as_str()));
            }
        }
        versions.sort_unstable();
        versions.dedup();
        versions
    }

    /// The spans of the ranges, and what cannot be made a span.
    fn spans(&mut self, osv: &Osv, about: &About<'_>, is_listed: bool) -> (Vec<Span>, Flags) {
        let mut flags = Flags::default();
        let mut all = Vec::new();
        let mut commits = false;
        for range in about.entries.iter().flat_map(|entry| &entry.ranges) {
            match spans(range, |version| about.key(&range.kind, version)) {
                Ok(spans) => all.extend(spans),
                Err(Unclear::Commits) => commits = true,
                Err(unclear) => {
                    self.problem(&osv.id, unclear.to_string());
                    flags.set(Flags::UNCLEAR);
                }
            }
        }
        let says_nothing = all.is_empty() && !is_listed && !flags.has(Flags::UNCLEAR);
        if says_nothing && !about.has_empty_ranges() {
            flags.set(if commits { Flags::COMMITS } else { Flags::UNCLEAR });
        }
        if about.is_withdrawn {
            flags.set(Flags::WITHDRAWN);
        }
        if about.class == Class::Malicious && is_listed && all.iter().any(|span| span.is_wild) {
            all.retain(|span| !span.is_wild);
            flags.set(Flags::SUPPRESSED);
        }
        let custom: Vec<Span> = about
            .entries
            .iter()
            .flat_map(|entry| &entry.ecosystem_specific.custom_ranges)
            .filter_map(|range| spans(range, |version| about.key(&range.kind, version)).ok())
            .flatten()
            .collect();
        if !custom.is_empty() && all.iter().all(|span| span.is_wild) {
            all.extend(custom);
            flags.set(Flags::CUSTOM);
        }
        (all, flags)
    }
}

impl<'a> About<'a> {
    /// The key of a version in a range of a kind.
    fn key(&self, kind: &str, version: &str) -> Option<Vec<u8>> {
        let is_ordered = self.scheme.is_ordered() || kind == "SEMVER";
        if version.len() > MAX_VERSION || !is_ordered { None } else { self.scheme.key(version) }
    }

    /// The key of a version that stands for itself. Where the order of an ecosystem is not known, none is equal to another.
    fn own_key(&self, version: &str) -> Vec<u8> {
        self.scheme.key(version).filter(|_| self.scheme.is_ordered()).unwrap_or_default()
    }

    fn ranges(&self) -> impl Iterator<Item = &'a Range> {
        let specific = self.entries.iter().flat_map(|entry| &entry.ecosystem_specific.custom_ranges);
        self.entries.iter().flat_map(|entry| &entry.ranges).chain(specific)
    }

    /// The versions that are named as fixes.
    fn fixed(&self) -> Versions<'a> {
        let ranges = self.ranges().filter(|range| range.kind != "GIT");
        let fixed = ranges.flat_map(|range| &range.events).filter_map(|event| event.fixed.as_deref());
        let fixed = fixed.filter(|version| version.len() <= MAX_VERSION);
        let mut versions: Versions<'a> = fixed.map(|version| (self.own_key(version), version)).collect();
        versions.sort_unstable();
        versions.dedup();
        versions
    }

    /// True if there are ranges of versions, none of which has a version in it. That is said clearly.
    fn has_empty_ranges(&self) -> bool {
        self.entries.iter().flat_map(|entry| &entry.ranges).any(|range| range.kind != "GIT")
    }
}

fn borrowed<'a>(versions: &'a Versions<'_>) -> Vec<Listed<'a>> {
    versions.iter().map(|(key, text)| Listed { key, text }).collect()
}
