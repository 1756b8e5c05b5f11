//! Reading `maven-metadata.xml`.
//!
//! There are three documents of that name. One lists the versions of an artifact. One, in the folder of a group, says
//! which plugin a prefix stands for; it lies where that of an artifact may lie, so both are read here, and a document
//! without versions is an index without releases. The third, of a snapshot, is never read: it is passed on.
//!
//! It is read as events and never as a tree. A document type is refused, because entities of it are another text to each
//! reader. Of the elements that matter, none may be there twice: Maven refuses that too, and others take one of both.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use stockade_model::{Malformed, Package};

use super::elements::{self, Element};
use super::version;
use crate::index::{Index, Listed, Problem, offset};

/// The key, in [`Index::passed`], of the document as a whole.
pub(super) const DOCUMENT: &str = "document";
/// The element that names the last version that was deployed; also its tag.
pub(super) const LATEST: &str = "latest";
/// The element that names the last version that is no snapshot; also its tag.
pub(super) const RELEASE: &str = "release";

/// The elements that are read, by the names of those that they are in.
const READ: [&str; 9] = [
    "metadata",
    GROUP,
    ARTIFACT,
    "metadata/versioning",
    LATEST_AT,
    RELEASE_AT,
    UPDATED,
    "metadata/versioning/versions",
    VERSION,
];
const GROUP: &str = "metadata/groupId";
const ARTIFACT: &str = "metadata/artifactId";
const LATEST_AT: &str = "metadata/versioning/latest";
const RELEASE_AT: &str = "metadata/versioning/release";
const UPDATED: &str = "metadata/versioning/lastUpdated";
const VERSION: &str = "metadata/versioning/versions/version";

/// Reads the metadata of an artifact, or of a group that is called so.
pub(super) fn read(package: &Package, document: &[u8]) -> Result<Index, Malformed> {
    let malformed = |why| Malformed::new("the metadata of a package", package.name.as_str(), why);
    let text = std::str::from_utf8(document).map_err(|_| malformed("the document is not UTF-8"))?;
    let found = elements::read(text, &READ).map_err(malformed)?;
    let (versions, others): (Vec<Element>, Vec<Element>) = found.into_iter().partition(|found| found.path == VERSION);
    if versions.len() > Index::MAX_RELEASES {
        return Err(malformed("it lists more than 100,000 releases"));
    }
    if READ.iter().any(|path| others.iter().filter(|found| found.path == *path).count() > 1) {
        return Err(malformed("an element that can be there once is there twice"));
    }
    let other = |path: &str| others.iter().find(|found| found.path == path);
    let mut problems = Vec::new();
    if !versions.is_empty() {
        problems.extend(of_this(package, other(GROUP), other(ARTIFACT)).map_err(malformed)?);
    }
    let tagged = |path, tag: &str| other(path).map(|found| (tag.to_owned(), found.text.clone()));
    let tags: Vec<(String, String)> =
        [tagged(LATEST_AT, LATEST), tagged(RELEASE_AT, RELEASE)].into_iter().flatten().collect();
    let place = |path, key: &str| other(path).map(|found| (key.to_owned(), found.place.clone()));
    let passed =
        [Some((DOCUMENT.to_owned(), 0..offset(document.len()))), place(LATEST_AT, LATEST), place(RELEASE_AT, RELEASE)];
    let modified = other(UPDATED).map(|found| found.text.clone());
    if modified.as_deref().is_some_and(|text| instant(text).is_none()) {
        problems.push(Problem::new("`lastUpdated` is not an instant"));
    }
    let index = Index::new(package.clone(), releases(versions));
    let mut index = Index { modified, problems, passed: passed.into_iter().flatten().collect(), ..index };
    index.tag(tags);
    Ok(index)
}

/// Whether the document is of this package. Some servers leave the names out.
fn of_this(
    package: &Package,
    group: Option<&Element>,
    artifact: Option<&Element>,
) -> Result<Option<Problem>, &'static str> {
    let (own_group, own_artifact) = package.name.split();
    let is = |found: Option<&Element>, own: &str| found.is_none_or(|found| found.text == own);
    if !is(group, own_group.unwrap_or_default()) || !is(artifact, own_artifact) {
        return Err("the document is of another package");
    }
    Ok((group.is_none() || artifact.is_none())
        .then(|| Problem::new("the document does not say of which package it is")))
}

/// The releases. A version that is listed once more is no other release, but has to go where it goes.
fn releases(versions: Vec<Element>) -> Vec<Listed> {
    let mut releases: Vec<Listed> = Vec::with_capacity(versions.len());
    let mut known: HashMap<String, usize> = HashMap::new();
    for found in versions {
        match known.entry(found.text) {
            Entry::Occupied(first) => {
                if let Some(listed) = releases.get_mut(*first.get()) {
                    listed.problem("the version is listed twice");
                    listed.kept.push((AGAIN, found.place));
                }
            }
            Entry::Vacant(vacant) => {
                releases.push(release(vacant.key(), found.place));
                vacant.insert(releases.len() - 1);
            }
        }
    }
    releases
}

/// The number, in [`Listed::kept`], of a place where the version is listed once more.
const AGAIN: u8 = 0;

fn release(text: &str, place: Range<u32>) -> Listed {
    let mut listed = Listed { version: text.to_owned(), object: place, ..Listed::default() };
    match version::parse(text) {
        Ok(order) => listed.order = Some(order),
        Err(malformed) => listed.unusable(&malformed.to_string()),
    }
    listed
}

/// When the document was last written: everything that it lists was published by then.
pub(super) fn updated(index: &Index) -> Option<Timestamp> {
    instant(index.modified.as_deref()?)
}

/// `yyyyMMddHHmmss`, in UTC; of a snapshot, with a `.` after the day.
fn instant(text: &str) -> Option<Timestamp> {
    let digits = text.replacen('.', "", 1);
    if digits.len() != "yyyyMMddHHmmss".len() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |place: Range<usize>| digits.get(place)?.parse::<i16>().ok();
    let small = |place: Range<usize>| i8::try_from(number(place)?).ok();
    let at = DateTime::new(number(0..4)?, small(4..6)?, small(6..8)?, small(8..10)?, small(10..12)?, small(12..14)?, 0);
    TimeZone::UTC.to_timestamp(at.ok()?).ok()
}
