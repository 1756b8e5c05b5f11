//! Reading a packument.
//!
//! A packument can be 40 MB, so it is never turned into a tree of values: the document is walked once for the places of
//! its members, and only the few members that matter are read. Everything that is kept of a release is small; the rest
//! stays in the document, to be copied from there.
//!
//! `JSON.parse` lets the last of two equal keys win. Two parsers that disagree about that are a way to show the gateway
//! one thing and the client another, so a release with a member named twice is not passed on at all.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Timestamp;
use serde::de::{IgnoredAny, MapAccess};
use serde_json::value::RawValue;
use stockade_model::{Algorithm, Digest, Integrity, Malformed, Package, Release};

use super::{package, version};
use crate::index::{Address, Index, Listed, Problem};
use crate::json::{self, Collect, IfObject, Members, Places, Text, Walk, object, string};

/// The members of a manifest that the abbreviated packument keeps: npm's own list, plus who published it, which pnpm's
/// trust policy reads. The position is the number in [`Listed::kept`].
pub(super) const KEPT: [&str; 21] = [
    "name",
    "version",
    "deprecated",
    "dependencies",
    "optionalDependencies",
    "devDependencies",
    "bundleDependencies",
    "bundledDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "acceptDependencies",
    "bin",
    "directories",
    "dist",
    "engines",
    "cpu",
    "os",
    "libc",
    "funding",
    "_hasShrinkwrap",
    "_npmUser",
];

/// The most releases that an audit may ask about.
const MAX_AUDITED: usize = 100_000;
/// The longest text that is kept of a deprecation or a publisher, in characters.
const MAX_KEPT_TEXT: usize = 300;

/// Reads a packument. What is wrong with one release is said there; an error means that the document as a whole is none.
pub(super) fn read(package: &Package, document: &[u8]) -> Result<Index, Malformed> {
    let malformed = |why| Malformed::new("a packument", package.name.as_str(), why);
    let text = std::str::from_utf8(document).map_err(|_| malformed("the document is not UTF-8"))?;
    let places = Places::new(text);
    let walk = Packument { package, places: &places };
    let top = json::document(text, walk).map_err(|error| malformed(not_readable(&error)))?;
    let mut top = top.ok_or_else(|| malformed("the document is not an object"))?;
    match top.others.get("name").and_then(string) {
        Some(name) if name == package.name.as_str() => {}
        Some(_) => return Err(malformed("the document is of another package")),
        None => return Err(malformed("the document names no package")),
    }
    let mut problems = repeated_members(&top);
    let mut releases = match top.versions.pop() {
        Some(Some(releases)) if releases.len() <= Index::MAX_RELEASES => releases,
        Some(Some(_)) => return Err(malformed("it lists more than 100,000 releases")),
        Some(None) => return Err(malformed("`versions` is not an object")),
        None => Vec::new(),
    };
    drop_repeated(&mut releases);
    let times = top.others.get("time").map_or_else(Vec::new, |raw| texts(raw, &mut problems, "time"));
    let tags = top.others.get("dist-tags").map_or_else(Vec::new, |raw| texts(raw, &mut problems, "dist-tags"));
    let instants: HashMap<&str, &str> = times.iter().map(|(key, at)| (key.as_str(), at.as_str())).collect();
    for listed in &mut releases {
        listed.read_time(&instants);
    }
    let stated = top.others.get("modified").and_then(string);
    let modified = instants.get("modified").map(|at| (*at).to_owned()).or_else(|| Some(stated?.into_owned()));
    let passed = top.others.effective().filter(|(key, _)| !WRITTEN.contains(key));
    let passed = passed.map(|(key, value)| (key.to_owned(), places.of(value))).collect();
    let mut index = Index { modified, times, problems, passed, ..Index::new(package.clone(), releases) };
    index.tag(tags);
    Ok(index)
}

/// The members of a packument that are ours to write, or of no use to a client.
const WRITTEN: [&str; 7] = ["name", "dist-tags", "versions", "time", "modified", "policyRestrictions", "_attachments"];

fn not_readable(error: &serde_json::Error) -> &'static str {
    if error.is_data() { "an object in it has more than 200,000 members" } else { "the document is not JSON" }
}

fn repeated_members(top: &Top<'_>) -> Vec<Problem> {
    let versions = (top.versions.len() > 1).then_some("versions");
    let repeated = versions.into_iter().chain(top.others.repeated());
    let problem = |key| Problem::new(format!("the member {} is there twice", shown(key)));
    repeated.take(Index::MAX_PROBLEMS).map(problem).collect()
}

/// A version that is listed twice is one release, which is not passed on: who knows which of them a client takes.
fn drop_repeated(releases: &mut Vec<Listed>) {
    let mut versions: Vec<&str> = releases.iter().map(|listed| listed.version.as_str()).collect();
    versions.sort_unstable();
    let repeated = versions.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].to_owned());
    let mut unseen: HashMap<String, bool> = repeated.map(|version| (version, true)).collect();
    releases.retain_mut(|listed| {
        let Some(first) = unseen.get_mut(&listed.version) else { return true };
        listed.unusable("the version is listed twice");
        std::mem::take(first)
    });
}

/// Walks through a packument. `versions` is nearly all of it and is read in passing, one manifest at a time.
struct Packument<'c> {
    package: &'c Package,
    places: &'c Places<'c>,
}

/// The members of a packument.
struct Top<'a> {
    /// Every `versions`; `None` for one that is no object.
    versions: Vec<Option<Vec<Listed>>>,
    others: Members<'a>,
}

impl<'de> Walk<'de> for Packument<'_> {
    type Value = Top<'de>;

    fn walk<A: MapAccess<'de>>(self, mut map: A) -> Result<Top<'de>, A::Error> {
        let mut top = Top { versions: Vec::new(), others: Members(Vec::new()) };
        while let Some(Text(key)) = map.next_key()? {
            if key == "versions" {
                // The last one counts, so there is no need to keep the others.
                top.versions.truncate(1);
                top.versions
                    .push(map.next_value_seed(IfObject(Versions { package: self.package, places: self.places }))?);
            } else {
                json::limit(top.others.0.len())?;
                top.others.0.push((key, map.next_value()?));
            }
        }
        Ok(top)
    }
}

/// Walks through the releases; those above the limit are not kept, except for one that tells of it.
struct Versions<'c> {
    package: &'c Package,
    places: &'c Places<'c>,
}

impl<'de> Walk<'de> for Versions<'_> {
    type Value = Vec<Listed>;

    fn walk<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<Listed>, A::Error> {
        let mut releases = Vec::new();
        while let Some(Text(version)) = map.next_key()? {
            if releases.len() > Index::MAX_RELEASES {
                map.next_value::<IgnoredAny>()?;
            } else {
                let manifest = map.next_value_seed(IfObject(Collect))?;
                releases.push(release(self.package, &version, manifest.as_ref(), self.places));
            }
        }
        Ok(releases)
    }
}

fn release(package: &Package, version: &str, manifest: Option<&Members<'_>>, places: &Places<'_>) -> Listed {
    let mut listed = Listed { version: version.to_owned(), ..Listed::default() };
    match version::parse(version) {
        Ok(order) => listed.order = Some(order),
        Err(_) => listed.problem("its version does not follow SemVer, not even loosely"),
    }
    match manifest {
        Some(members) if members.repeated().is_empty() => read_manifest(package, members, &mut listed, places),
        Some(_) => listed.unusable("a member of its manifest is there twice"),
        None => listed.unusable("its manifest is not an object"),
    }
    listed
}

fn read_manifest(package: &Package, members: &Members<'_>, listed: &mut Listed, places: &Places<'_>) {
    let manifest = Manifest::of(members, listed, places);
    match manifest.dist.and_then(object) {
        Some(dist) => read_dist(&dist, listed, places),
        None => listed.unusable("its manifest has no `dist`"),
    }
    if manifest.name.and_then(string).as_deref() != Some(package.name.as_str()) {
        listed.unusable("its manifest names another package");
    }
    if manifest.version.and_then(string).as_deref() != Some(&listed.version) {
        listed.unusable("its manifest names another version");
    }
    match places.of_object(members) {
        Some(place) => listed.object = place,
        None => listed.unusable("its manifest begins with an escape"),
    }
    listed.deprecated = manifest.deprecated.and_then(string).filter(|text| !text.is_empty()).map(|text| cut(&text));
    listed.install_hook = install_hook(&manifest, listed);
    if let Some(user) = manifest.user.filter(|raw| raw.get() != "null") {
        listed.publisher = object(user).and_then(|user| Some(cut(&string(user.get("name")?)?)));
        if listed.publisher.is_none() {
            listed.problem("its `_npmUser` names nobody");
        }
    }
}

/// The members of a manifest that are read.
#[derive(Default)]
struct Manifest<'a> {
    name: Option<&'a RawValue>,
    version: Option<&'a RawValue>,
    deprecated: Option<&'a RawValue>,
    dist: Option<&'a RawValue>,
    user: Option<&'a RawValue>,
    scripts: Option<&'a RawValue>,
    has_install_script: Option<&'a RawValue>,
    gypfile: Option<&'a RawValue>,
}

impl<'a> Manifest<'a> {
    /// Picks the members that are read, and notes where those lie that an abbreviated index keeps.
    fn of(members: &Members<'a>, listed: &mut Listed, places: &Places<'_>) -> Self {
        let mut manifest = Self::default();
        for (key, value) in &members.0 {
            if let Some(number) = KEPT.iter().position(|kept| kept == key) {
                listed.kept.push((u8::try_from(number).unwrap_or(u8::MAX), places.of(value)));
            }
            let member = match key.as_ref() {
                "name" => &mut manifest.name,
                "version" => &mut manifest.version,
                "deprecated" => &mut manifest.deprecated,
                "dist" => &mut manifest.dist,
                "_npmUser" => &mut manifest.user,
                "scripts" => &mut manifest.scripts,
                "hasInstallScript" => &mut manifest.has_install_script,
                "gypfile" => &mut manifest.gypfile,
                _ => continue,
            };
            *member = Some(value);
        }
        manifest
    }
}

fn read_dist(dist: &Members<'_>, listed: &mut Listed, places: &Places<'_>) {
    if !dist.repeated().is_empty() {
        listed.unusable("a member of its `dist` is there twice");
        return;
    }
    let Some((tarball, url)) = dist.get("tarball").and_then(|raw| Some((raw, string(raw)?))) else {
        listed.unusable("its `dist.tarball` is not an address");
        return;
    };
    listed.artifact.url = url.into_owned();
    listed.artifact.integrity = integrity(dist, listed);
    listed.addresses.push((places.of(tarball), Address::Artifact));
    if let Some(attestations) = dist.get("attestations").and_then(object) {
        listed.provenance = true;
        if !attestations.repeated().is_empty() {
            listed.unusable("a member of its `dist.attestations` is there twice");
            return;
        }
        if let Some(url) = attestations.get("url") {
            listed.addresses.push((places.of(url), Address::Attestations));
        }
    }
    listed.addresses.sort_by_key(|(place, _)| place.start);
}

fn integrity(dist: &Members<'_>, listed: &mut Listed) -> Option<Integrity> {
    if let Some(raw) = dist.get("integrity") {
        let claim = string(raw).and_then(|text| Integrity::parse(&text).ok());
        if claim.is_none() {
            listed.problem("its `dist.integrity` is not subresource integrity");
        }
        return claim;
    }
    let shasum = dist.get("shasum")?;
    let digest = string(shasum).and_then(|text| Digest::from_hex(Algorithm::Sha1, &text).ok());
    if digest.is_none() {
        listed.problem("its `dist.shasum` is not a SHA-1");
    }
    Integrity::from_digests(vec![digest?])
}

/// True if installing the release runs code of it: a script that npm runs for a dependency, or a `binding.gyp`, for which
/// npm runs node-gyp by itself. What cannot be read counts as a script.
fn install_hook(manifest: &Manifest<'_>, listed: &mut Listed) -> bool {
    // As JavaScript has it, `"yes"` and `1` are true.
    let truth = |raw: &RawValue| !matches!(raw.get(), "false" | "null" | "0" | "\"\"");
    let says_so = manifest.has_install_script.is_some_and(truth) || manifest.gypfile.is_some_and(truth);
    // `scripts` that is no object is none to npm either.
    let Some(scripts) = manifest.scripts.filter(|raw| raw.get().starts_with('{')) else { return says_so };
    let Some(scripts) = object(scripts) else {
        listed.problem("its `scripts` cannot be read");
        return true;
    };
    let runs = |(name, script): &(Cow<'_, str>, &RawValue)| {
        matches!(name.as_ref(), "preinstall" | "install" | "postinstall")
            && script.get().starts_with('"')
            && script.get() != "\"\""
    };
    says_so || scripts.0.iter().any(runs)
}

/// Reads the body of a bulk audit: names with lists of versions.
pub(super) fn audited(body: &[u8]) -> Result<Vec<Release>, Malformed> {
    let malformed = |why| Malformed::new("an audit request", "", why);
    let shape = || malformed("it is not an object of names with lists of versions");
    let text = std::str::from_utf8(body).map_err(|_| shape())?;
    let asked = json::document(text, Collect).map_err(|_| shape())?.ok_or_else(shape)?;
    let mut releases = Vec::new();
    for (name, versions) in &asked.0 {
        let versions: Vec<String> = serde_json::from_str(versions.get()).map_err(|_| shape())?;
        if releases.len() + versions.len() > MAX_AUDITED {
            return Err(malformed("it asks about more than 100,000 releases"));
        }
        let package = package(name)?;
        releases.extend(versions.into_iter().map(|version| package.release(version)));
    }
    // A name can be there twice, and a version too.
    releases.sort();
    releases.dedup();
    Ok(releases)
}

impl Listed {
    fn read_time(&mut self, instants: &HashMap<&str, &str>) {
        match instants.get(self.version.as_str()).map(|text| text.parse::<Timestamp>()) {
            Some(Ok(at)) => self.published = Some(at),
            Some(Err(_)) => self.problem("its publish time is not an RFC 3339 instant"),
            None => {}
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_KEPT_TEXT).collect()
}

/// The members of an object that are strings; others are a problem, and a repeated one counts as it does in JavaScript.
fn texts(raw: &RawValue, problems: &mut Vec<Problem>, of: &str) -> Vec<(String, String)> {
    let Some(members) = object(raw) else {
        problems.push(Problem::new(format!("`{of}` is not an object")));
        return Vec::new();
    };
    if !members.repeated().is_empty() {
        problems.push(Problem::new(format!("a member of `{of}` is there twice")));
    }
    let mut texts = Vec::with_capacity(members.0.len());
    for (key, value) in members.effective() {
        match string(value) {
            Some(text) => texts.push((key.to_owned(), text.into_owned())),
            // An object with what is gone; it says nothing about a release that is listed.
            None if (of, key) == ("time", "unpublished") => {}
            None if problems.len() >= Index::MAX_PROBLEMS => {}
            None => problems.push(Problem::new(format!("{} in `{of}` is not text", shown(key)))),
        }
    }
    texts
}

/// A key in a sentence for a person.
fn shown(key: &str) -> String {
    let cut: String = key.chars().take(Malformed::SHOWN).collect();
    format!("`{}`", cut.escape_debug())
}
