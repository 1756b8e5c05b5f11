//! Artifacts that are published here: what Maven and Gradle deploy, and the metadata that are made of what is hosted.
//!
//! A deployment is one request for each file, then for each of its checksums, and at the end the metadata as the client
//! would have them. Two deployments at once would each forget the other there, so the metadata are ours: they are made of
//! the files.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use quick_xml::escape::escape;
use stockade_model::{Algorithm, Digest, Integrity, Malformed, Package, Release};

use super::layout::{Kind, Place, SNAPSHOT};
use super::route::{self, Deployed};
use super::{elements, version};
use crate::hosting::{Answer, Change, Hosted, Hosting, Publication};
use crate::registry::Sum;
use crate::{Request, Version};

/// How artifacts are hosted.
pub(super) struct Maven;

impl Hosting for Maven {
    fn discourages(&self) -> bool {
        false
    }

    fn changes(&self, request: &Request<'_>, _content_type: &str, body: &Bytes) -> Result<Vec<Change>, Malformed> {
        let malformed = |why| Malformed::new("a deployment", request.path, why);
        let deployed = route::of_deployment(request).ok_or_else(|| malformed("no repository has a file there"))?;
        let Deployed::File(place) = deployed else { return Ok(Vec::new()) };
        let release = place.package.release(place.version.clone()).with_file(place.path());
        if let Some(sum) = place.sum {
            // We keep no MD5, and nobody should need one.
            if sum == Sum::Md5 {
                return Ok(Vec::new());
            }
            let claimed = claimed(sum, body).ok_or_else(|| malformed("the checksum is none"))?;
            return Ok(vec![Change::Claim { release, claimed }]);
        }
        if place.version.ends_with(SNAPSHOT) && place.name.contains(&place.version) {
            return Err(malformed("its files are to have names that do not change; deploy it with Maven 3 or later"));
        }
        if place.kind == Kind::Pom {
            agrees(&place, body).map_err(malformed)?;
        }
        let (bytes, entry) = (body.clone(), String::new());
        Ok(vec![Change::Publish(Publication { release, bytes, claimed: None, entry, tags: Vec::new() })])
    }

    fn changed(&self, _changes: &[Change], _notes: &[String]) -> Answer {
        Answer { status: 201, content_type: "text/plain", body: Vec::new() }
    }

    fn index(&self, package: &Package, hosted: &Hosted) -> Vec<u8> {
        let mut versions: Vec<(&str, Version)> = Vec::new();
        for file in &hosted.files {
            let text = file.release.version.as_str();
            if versions.iter().all(|(known, _)| *known != text)
                && let Ok(order) = version::parse(text)
            {
                versions.push((text, order));
            }
        }
        versions.sort_by(|(_, a), (_, b)| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        let mut writer = Writer::of(package, "");
        let newest = versions.last().map(|(text, _)| *text);
        let release = versions.iter().rev().map(|(text, _)| *text).find(|text| !text.ends_with(SNAPSHOT));
        writer.open("versioning");
        for (name, version) in [("latest", newest), ("release", release)] {
            if let Some(version) = version {
                writer.element(name, version);
            }
        }
        writer.open("versions");
        for (text, _) in &versions {
            writer.element("version", text);
        }
        writer.close("versions");
        writer.element("lastUpdated", &updated(hosted.files.iter().map(|file| file.at).max()));
        writer.close("versioning");
        writer.end()
    }

    /// The metadata of a snapshot: which of its builds is the newest, for each of its files.
    fn fact(&self, release: &Release, _path: &str, hosted: &Hosted) -> Option<Vec<u8>> {
        let mut newest: BTreeMap<String, (Place, Timestamp)> = BTreeMap::new();
        for file in hosted.files.iter().filter(|file| file.release.version == release.version) {
            let place = Place::in_package(release.package.clone(), file.release.file.as_deref()?)?;
            newest.insert(place.form(), (place, file.at));
        }
        let (last, at) = newest.values().max_by_key(|(_, at)| *at)?;
        let build = build_of(last)?;
        let (stamp, number) = build.rsplit_once('-')?;
        let (_, stamp) = stamp.rsplit_once('-')?;
        let mut writer = Writer::of(&release.package, &release.version);
        writer.open("versioning");
        writer.open("snapshot");
        writer.element("timestamp", stamp);
        writer.element("buildNumber", number);
        writer.close("snapshot");
        writer.element("lastUpdated", &updated(Some(*at)));
        writer.open("snapshotVersions");
        for (place, at) in newest.values() {
            writer.open("snapshotVersion");
            if let Some(classifier) = &place.classifier {
                writer.element("classifier", classifier);
            }
            writer.element("extension", &place.extension_with_signature());
            writer.element("value", &build_of(place)?);
            writer.element("updated", &updated(Some(*at)));
            writer.close("snapshotVersion");
        }
        writer.close("snapshotVersions");
        writer.close("versioning");
        Some(writer.end())
    }
}

/// The digest in a checksum's file.
fn claimed(sum: Sum, body: &Bytes) -> Option<Integrity> {
    let text = std::str::from_utf8(body).ok()?;
    let hex = text.split_whitespace().next()?;
    let algorithm = match sum {
        Sum::Md5 => return None,
        Sum::Sha1 => Algorithm::Sha1,
        Sum::Sha256 => Algorithm::Sha256,
        Sum::Sha512 => Algorithm::Sha512,
    };
    Integrity::from_digests(vec![Digest::from_hex(algorithm, hex).ok()?])
}

/// A build description that is of another artifact is not what its user thinks. Group and version may be the parent's.
fn agrees(place: &Place, body: &Bytes) -> Result<(), &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "the build description is not UTF-8")?;
    let found = elements::read(text, &OWN)?;
    let own = |path: &str| found.iter().find(|found| found.path == path).map(|found| found.text.trim());
    let (group, artifact) = place.package.name.split();
    let fits =
        |stated: Option<&str>, wanted: &str| stated.is_none_or(|stated| stated == wanted || stated.contains("${"));
    let version_fits = own("project/version").is_none_or(|stated| stated == place.version || stated.contains("${"));
    if !fits(own("project/groupId"), group.unwrap_or_default())
        || !fits(own("project/artifactId"), artifact)
        || !version_fits
    {
        return Err("the build description names another artifact or version");
    }
    Ok(())
}

/// What a build description says of itself.
const OWN: [&str; 3] = ["project/groupId", "project/artifactId", "project/version"];

/// The version with an instant that a file of a snapshot has in its name: `1.0-20260601.120000-1`.
fn build_of(place: &Place) -> Option<String> {
    let stem = place.pom();
    let stem = stem.split_once('/')?.1.strip_suffix(".pom")?;
    Some(stem.strip_prefix(place.package.name.split().1)?.strip_prefix('-')?.to_owned())
}

/// An instant as metadata have it.
fn updated(at: Option<Timestamp>) -> String {
    at.unwrap_or_default().strftime("%Y%m%d%H%M%S").to_string()
}

/// Writes metadata.
struct Writer(String);

impl Writer {
    fn of(package: &Package, version: &str) -> Self {
        let mut writer =
            Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata modelVersion=\"1.1.0\">".to_owned());
        let (group, artifact) = package.name.split();
        writer.element("groupId", group.unwrap_or_default());
        writer.element("artifactId", artifact);
        if !version.is_empty() {
            writer.element("version", version);
        }
        writer
    }

    fn open(&mut self, name: &str) {
        self.0.extend(["<", name, ">"]);
    }

    fn close(&mut self, name: &str) {
        self.0.extend(["</", name, ">"]);
    }

    fn element(&mut self, name: &str, text: &str) {
        self.open(name);
        self.0.push_str(&escape(text));
        self.close(name);
    }

    fn end(mut self) -> Vec<u8> {
        self.close("metadata");
        self.0.push('\n');
        self.0.into_bytes()
    }
}
