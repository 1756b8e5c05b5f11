//! Reading a packument.
//!
//! A packument can be 40 MB, so it is never turned into a tree of values: the document is walked once for the places of
//! its members, and only the few members that matter are read. Everything that is kept of a release is small; the rest
//! stays in the document, to be copied from there.
//!
//! `JSON.parse` lets the last of two equal keys win. Two parsers that disagree about that are a way to show the gateway
//! one thing and the client another, so a release with a member named twice is not passed on at all.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use jiff::Timestamp;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use stockade_model::{Algorithm, Digest, Integrity, Malformed, Package, Release};

use super::{package, parse_version};
use crate::index::{Address, Artifact, Index, Listed, Problem, offset};

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

/// The most members that any object of a packument may have.
const MAX_MEMBERS: usize = 200_000;
/// The most releases that an audit may ask about.
const MAX_AUDITED: usize = 100_000;
/// The longest text that is kept of a deprecation or a publisher, in characters.
const MAX_KEPT_TEXT: usize = 300;

/// Reads a packument. What is wrong with one release is said there; an error means that the document as a whole is none.
pub(super) fn read(package: &Package, document: &[u8]) -> Result<Index, Malformed> {
    let malformed = |why| Malformed::new("a packument", package.name.as_str(), why);
    let text = std::str::from_utf8(document).map_err(|_| malformed("the document is not UTF-8"))?;
    let top: Members<'_> = serde_json::from_str(text).map_err(|_| malformed("the document is not a JSON object"))?;
    let places = Places { start: text.as_ptr().addr() };
    let mut index = Index {
        package: package.clone(),
        releases: Vec::new(),
        tags: Vec::new(),
        modified: None,
        times: Vec::new(),
        problems: top
            .repeated()
            .into_iter()
            .map(|key| Problem::new(format!("the member `{key}` is there twice")))
            .collect(),
        mirror_clock: false,
        passed: Vec::new(),
    };
    let mut versions = None;
    match top.get("name").and_then(string) {
        Some(name) if name == package.name.as_str() => {}
        Some(_) => return Err(malformed("the document is of another package")),
        None => return Err(malformed("the document names no package")),
    }
    for (key, value) in &top.0 {
        match key.as_ref() {
            "versions" => versions = Some(*value),
            "dist-tags" => index.tags = texts(value, &mut index.problems, "dist-tags"),
            "time" => index.times = texts(value, &mut index.problems, "time"),
            // Ours to write, or of no use to a client.
            "policyRestrictions" | "_rev" | "_attachments" | "modified" | "name" => {}
            key => index.passed.push((key.to_owned(), places.of(value))),
        }
    }
    let times: HashMap<&str, &str> = index.times.iter().map(|(key, at)| (key.as_str(), at.as_str())).collect();
    index.modified =
        times.get("modified").map(|at| (*at).to_owned()).or_else(|| Some(string(top.get("modified")?)?.into_owned()));
    if let Some(versions) = versions {
        let versions: Members<'_> =
            serde_json::from_str(versions.get()).map_err(|_| malformed("`versions` is not an object"))?;
        index.releases = releases(package, &versions, &times, &places)?;
    }
    index.mirror_clock = index.detect_mirror_clock();
    Ok(index)
}

fn releases(
    package: &Package,
    versions: &Members<'_>,
    times: &HashMap<&str, &str>,
    places: &Places,
) -> Result<Vec<Listed>, Malformed> {
    if versions.0.len() > Index::MAX_RELEASES {
        return Err(Malformed::new("a packument", package.name.as_str(), "it lists more than 100,000 releases"));
    }
    let repeated = versions.repeated();
    let mut releases = Vec::with_capacity(versions.0.len());
    for (version, manifest) in &versions.0 {
        let mut listed = release(package, version, manifest, places);
        if repeated.contains(&version.as_ref()) {
            listed.unusable("the version is listed twice");
            if releases.iter().any(|other: &Listed| other.version == *version) {
                continue;
            }
        }
        match times.get(version.as_ref()).map(|text| text.parse::<Timestamp>()) {
            Some(Ok(at)) => listed.published = Some(at),
            Some(Err(_)) => listed.problem("its publish time is not an RFC 3339 instant"),
            None => {}
        }
        releases.push(listed);
    }
    Ok(releases)
}

fn release(package: &Package, version: &str, manifest: &RawValue, places: &Places) -> Listed {
    let mut listed = Listed {
        version: version.to_owned(),
        order: None,
        published: None,
        artifact: Artifact { url: String::new(), integrity: None },
        publisher: None,
        install_hook: false,
        provenance: false,
        deprecated: None,
        problems: Vec::new(),
        object: places.of(manifest),
        addresses: Vec::new(),
        kept: Vec::new(),
    };
    match parse_version(version) {
        Ok(order) => listed.order = Some(order),
        Err(_) => listed.problem("its version does not follow SemVer 2.0"),
    }
    let Ok(members) = serde_json::from_str::<Members<'_>>(manifest.get()) else {
        listed.unusable("its manifest is not an object");
        return listed;
    };
    if !members.repeated().is_empty() {
        listed.unusable("a member of its manifest is there twice");
        return listed;
    }
    if members.get("name").and_then(string).as_deref() != Some(package.name.as_str()) {
        listed.unusable("its manifest names another package");
    }
    if members.get("version").and_then(string).as_deref() != Some(version) {
        listed.unusable("its manifest names another version");
    }
    for (key, value) in &members.0 {
        if let Some(number) = KEPT.iter().position(|kept| kept == key) {
            listed.kept.push((u8::try_from(number).unwrap_or(u8::MAX), places.of(value)));
        }
    }
    listed.deprecated = members.get("deprecated").and_then(string).filter(|text| !text.is_empty()).map(cut);
    listed.install_hook = install_hook(&members);
    listed.publisher = members.get("_npmUser").and_then(object).and_then(|user| Some(cut(string(user.get("name")?)?)));
    match members.get("dist").and_then(object) {
        Some(dist) => read_dist(&dist, &mut listed, places),
        None => listed.unusable("its manifest has no `dist`"),
    }
    listed
}

fn read_dist(dist: &Members<'_>, listed: &mut Listed, places: &Places) {
    if !dist.repeated().is_empty() {
        listed.unusable("a member of its `dist` is there twice");
        return;
    }
    let Some((tarball, url)) = dist.get("tarball").and_then(|raw| Some((raw, string(raw)?))) else {
        listed.unusable("its `dist.tarball` is not an address");
        return;
    };
    listed.artifact.url = url.into_owned();
    // A release that was unusable before stays so: without addresses it is not rendered.
    if listed.problems.iter().any(|problem| problem.what.starts_with("its manifest")) {
        return;
    }
    listed.addresses.push((places.of(tarball), Address::Artifact));
    if let Some(attestations) = dist.get("attestations").and_then(object) {
        listed.provenance = true;
        if let Some(url) = attestations.get("url") {
            listed.addresses.push((places.of(url), Address::Attestations));
        }
    }
    listed.addresses.sort_by_key(|(place, _)| place.start);
    listed.artifact.integrity = integrity(dist, listed);
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
/// npm runs node-gyp by itself.
fn install_hook(manifest: &Members<'_>) -> bool {
    let truth = |key| manifest.get(key).is_some_and(|raw| raw.get() == "true");
    let scripts = manifest.get("scripts").and_then(object);
    let hook = |name: &&str| scripts.as_ref().and_then(|scripts| scripts.get(name)).and_then(string).is_some();
    truth("hasInstallScript") || truth("gypfile") || ["preinstall", "install", "postinstall"].iter().any(hook)
}

/// Reads the body of a bulk audit: names with lists of versions.
pub(super) fn audited(body: &[u8]) -> Result<Vec<Release>, Malformed> {
    let malformed = |why| Malformed::new("an audit request", "", why);
    let asked: HashMap<String, Vec<String>> =
        serde_json::from_slice(body).map_err(|_| malformed("it is not an object of names with lists of versions"))?;
    if asked.values().map(Vec::len).sum::<usize>() > MAX_AUDITED {
        return Err(malformed("it asks about more than 100,000 releases"));
    }
    let mut releases = Vec::new();
    for (name, versions) in asked {
        let package = package(&name)?;
        releases.extend(versions.into_iter().map(|version| package.release(version)));
    }
    releases.sort();
    Ok(releases)
}

impl Listed {
    fn problem(&mut self, what: &str) {
        if self.problems.len() < Index::MAX_PROBLEMS {
            self.problems.push(Problem::new(what));
        }
    }

    /// Something is wrong that makes the release impossible to pass on: it will not be rendered.
    fn unusable(&mut self, what: &str) {
        self.problem(what);
        self.addresses.clear();
    }
}

/// The members of a JSON object in order, their values not read yet.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The value of a member; the last one, as `JSON.parse` has it.
    fn get(&self, key: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| *value)
    }

    /// The keys that are there more than once.
    fn repeated(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self.0.iter().map(|(key, _)| key.as_ref()).collect();
        keys.sort_unstable();
        let mut repeated: Vec<&str> = keys.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        repeated.dedup();
        repeated.truncate(Index::MAX_PROBLEMS);
        repeated
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Walk;
        impl<'de> Visitor<'de> for Walk {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((Text(key), value)) = map.next_entry()? {
                    if members.len() == MAX_MEMBERS {
                        return Err(serde::de::Error::custom("an object has more than 200,000 members"));
                    }
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Walk)
    }
}

/// A JSON string, borrowed from the document unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|text| text.0)
}

fn object(raw: &RawValue) -> Option<Members<'_>> {
    serde_json::from_str(raw.get()).ok()
}

fn cut(text: Cow<'_, str>) -> String {
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
    // `time.unpublished` is an object; it says nothing about a release that is listed.
    members.0.iter().filter_map(|(key, value)| Some((key.to_string(), string(value)?.into_owned()))).collect()
}

/// Tells where in the document a borrowed value lies.
struct Places {
    start: usize,
}

impl Places {
    fn of(&self, value: &RawValue) -> Range<u32> {
        let start = value.get().as_ptr().addr() - self.start;
        offset(start)..offset(start + value.get().len())
    }
}
