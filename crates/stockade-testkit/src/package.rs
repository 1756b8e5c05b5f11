//! Packages to publish: real tarballs, the same bytes on every run.
//!
//! A digest in a snapshot, a pin or a transparency log is only worth a test if the bytes behind it never change. So the
//! order of entries, the times, the owners and the gzip header are fixed, and nothing is taken from the machine.

use std::collections::BTreeMap;
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha1::Digest as _;

/// The modification time that `npm pack` gives every entry: 1985-10-26T08:15:00Z.
const ENTRY_TIME: u64 = 499_162_500;
/// When a release was published unless it says otherwise: 2024-01-01T00:00:00Z, long before [`crate::NOW`].
pub(crate) const LONG_AGO: Timestamp = Timestamp::constant(1_704_067_200, 0);
/// The longest name in the plain part of a tar header.
const PLAIN_NAME: usize = 100;
/// The value of "unknown" in the operating system field of a gzip header.
const NO_SYSTEM: u8 = 255;
/// The scripts that a client runs when it installs a package.
const INSTALL_SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];
/// The type of a provenance statement.
pub(crate) const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// The name of the key that fake signatures claim to be made with.
pub(crate) const KEY_ID: &str = "SHA256:stockade-testkit";

/// A package by its name, scoped (`@acme/left`) or not (`left-demo`): where releases come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    name: String,
}

impl Package {
    /// The package with this name. Any text is taken: hostile names are to be tested, too.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// The whole name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A release of it, with an `index.js` that exports its name and version. It was published long ago, by `alice`.
    pub fn release(&self, version: &str) -> Release {
        Release::new(&self.name, version)
    }
}

/// What a registry states of a tarball's digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digests {
    Both,
    Shasum,
    None,
}

/// A release to publish. Every method takes it and gives it back changed.
#[derive(Debug, Clone)]
pub struct Release {
    name: String,
    version: String,
    published: Timestamp,
    tag: Option<String>,
    files: BTreeMap<String, Vec<u8>>,
    manifest: Map<String, Value>,
    listing: Map<String, Value>,
    publisher: String,
    timeless: bool,
    digests: Digests,
    signed: bool,
    attested: bool,
    raw: Option<Vec<u8>>,
    tarball_url: Option<String>,
}

impl Release {
    fn new(name: &str, version: &str) -> Self {
        let index = format!("module.exports = {};\n", json!(format!("{name} {version}")));
        let manifest = json!({
            "name": name,
            "version": version,
            "description": format!("{name}, a package of a test"),
            "main": "index.js",
            "license": "MIT",
        });
        let Value::Object(manifest) = manifest else { unreachable!("an object was written") };
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            published: LONG_AGO,
            tag: None,
            files: BTreeMap::from([("index.js".to_owned(), index.into_bytes())]),
            manifest,
            listing: Map::new(),
            publisher: "alice".to_owned(),
            timeless: false,
            digests: Digests::Both,
            signed: false,
            attested: false,
            raw: None,
            tarball_url: None,
        }
    }

    /// When it was published, in the registry's words.
    #[must_use]
    pub fn published(mut self, at: Timestamp) -> Self {
        self.published = at;
        self
    }

    /// The dist-tag it is published under, instead of `latest`.
    #[must_use]
    pub fn tagged(mut self, tag: &str) -> Self {
        self.tag = Some(tag.to_owned());
        self
    }

    /// A file of the tarball, by its path below `package/`. It replaces one that is there.
    #[must_use]
    pub fn file(mut self, path: &str, contents: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.to_owned(), contents.as_ref().to_vec());
        self
    }

    /// A script of the manifest.
    #[must_use]
    pub fn script(self, name: &str, command: &str) -> Self {
        self.entry("scripts", name, command)
    }

    /// A dependency.
    #[must_use]
    pub fn dependency(self, name: &str, range: &str) -> Self {
        self.entry("dependencies", name, range)
    }

    /// A program that the package installs, and the file that it is.
    #[must_use]
    pub fn bin(self, name: &str, path: &str) -> Self {
        self.entry("bin", name, path)
    }

    /// A member of the version in the index only, whatever the tarball says. It replaces what the registry would say.
    #[must_use]
    pub fn listing_field(mut self, key: &str, value: Value) -> Self {
        self.listing.insert(key.to_owned(), value);
        self
    }

    /// The maintainers' words against using it.
    #[must_use]
    pub fn deprecated(self, words: &str) -> Self {
        self.listing_field("deprecated", json!(words))
    }

    /// The account that published it.
    #[must_use]
    pub fn publisher(mut self, account: &str) -> Self {
        account.clone_into(&mut self.publisher);
        self
    }

    /// The index carries a registry signature. Its shape is right; it proves nothing.
    #[must_use]
    pub fn signed(mut self) -> Self {
        self.signed = true;
        self
    }

    /// The index points at an attestation, and the registry serves one. Its shape is right; it proves nothing.
    #[must_use]
    pub fn attested(mut self) -> Self {
        self.attested = true;
        self
    }

    /// The index states no publish time for it. If that is so for every release of a package, `time` is missing.
    #[must_use]
    pub fn without_time(mut self) -> Self {
        self.timeless = true;
        self
    }

    /// The index states no digest at all.
    #[must_use]
    pub fn without_integrity(mut self) -> Self {
        self.digests = Digests::None;
        self
    }

    /// The index states only the SHA-1 `shasum`, as for the oldest releases.
    #[must_use]
    pub fn only_shasum(mut self) -> Self {
        self.digests = Digests::Shasum;
        self
    }

    /// These bytes are the tarball, whatever the builder would have made: a bomb, a broken archive, a foreign one. The
    /// digests in the index are those of these bytes.
    #[must_use]
    pub fn raw_tarball(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.raw = Some(bytes.into());
        self
    }

    /// The index says that the tarball is at this address.
    #[must_use]
    pub fn tarball_url(mut self, url: &str) -> Self {
        self.tarball_url = Some(url.to_owned());
        self
    }

    fn entry(mut self, member: &str, key: &str, value: &str) -> Self {
        let map = self.manifest.entry(member).or_insert_with(|| json!({}));
        map[key] = json!(value);
        self
    }

    /// The package's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The name of the tarball in a registry: `left-1.0.0.tgz`, without the scope.
    pub fn file_name(&self) -> String {
        let base = self.name.rsplit('/').next().unwrap_or(&self.name);
        format!("{base}-{}.tgz", self.version)
    }

    /// The manifest as it stands in the tarball, unless a file `package.json` replaced it.
    pub fn manifest(&self) -> Value {
        Value::Object(self.manifest.clone())
    }

    /// The tarball: a gzipped tar with everything below `package/`, the manifest first.
    pub fn tarball(&self) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
        let manifest = || format!("{:#}\n", self.manifest()).into_bytes();
        files.push(("package.json", self.files.get("package.json").cloned().unwrap_or_else(manifest)));
        let others = self.files.iter().filter(|(path, _)| *path != "package.json");
        files.extend(others.map(|(path, contents)| (path.as_str(), contents.clone())));
        gzip(&archive("package", &files))
    }

    /// The SHA-1 of the tarball in hexadecimal digits.
    pub fn shasum(&self) -> String {
        shasum(&self.tarball())
    }

    /// The SHA-512 of the tarball as subresource integrity.
    pub fn integrity(&self) -> String {
        integrity(&self.tarball())
    }

    pub(crate) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// When the index says that it was published.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        (!self.timeless).then_some(self.published)
    }

    pub(crate) fn is_attested(&self) -> bool {
        self.attested
    }

    /// The release as the full packument of the registry at `base` lists it.
    pub(crate) fn listed(&self, base: &str, tarball: &[u8]) -> Value {
        let person = json!({"name": self.publisher, "email": format!("{}@mail.example", self.publisher)});
        let mut listed = self.manifest.clone();
        listed.insert("_id".to_owned(), json!(format!("{}@{}", self.name, self.version)));
        listed.insert("_npmUser".to_owned(), person.clone());
        listed.insert("maintainers".to_owned(), json!([person]));
        listed.insert("dist".to_owned(), self.dist(base, tarball));
        let scripts = self.manifest.get("scripts").and_then(Value::as_object);
        if scripts.is_some_and(|scripts| INSTALL_SCRIPTS.iter().any(|script| scripts.contains_key(*script))) {
            listed.insert("hasInstallScript".to_owned(), json!(true));
        }
        listed.extend(self.listing.clone());
        Value::Object(listed)
    }

    fn dist(&self, base: &str, tarball: &[u8]) -> Value {
        let url = || format!("{base}{}/-/{}", self.name, self.file_name());
        let mut dist = json!({
            "tarball": self.tarball_url.clone().unwrap_or_else(url),
            "fileCount": self.files.len() + usize::from(!self.files.contains_key("package.json")),
            "unpackedSize": self.files.values().map(Vec::len).sum::<usize>(),
        });
        if self.digests != Digests::None {
            dist["shasum"] = json!(shasum(tarball));
        }
        if self.digests == Digests::Both {
            dist["integrity"] = json!(integrity(tarball));
        }
        if self.signed {
            let inert = STANDARD.encode(format!("no signature of {}@{}", self.name, self.version));
            dist["signatures"] = json!([{"keyid": KEY_ID, "sig": inert}]);
        }
        if self.attested {
            let url = format!("{base}-/npm/v1/attestations/{}@{}", self.name.replace('/', "%2f"), self.version);
            dist["attestations"] = json!({"url": url, "provenance": {"predicateType": PROVENANCE}});
        }
        dist
    }
}

fn shasum(bytes: &[u8]) -> String {
    hex::encode(sha1::Sha1::digest(bytes))
}

fn integrity(bytes: &[u8]) -> String {
    format!("sha512-{}", STANDARD.encode(sha2::Sha512::digest(bytes)))
}

/// An archive of these files below one folder.
pub(crate) fn archive(folder: &str, files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, contents) in files {
        append(&mut builder, &format!("{folder}/{path}"), contents);
    }
    builder.into_inner().expect("an archive in memory can be written")
}

/// Adds a file. Short paths are written as they are, so that a test can have `..` in one.
fn append(builder: &mut tar::Builder<Vec<u8>>, path: &str, contents: &[u8]) {
    let mut header = tar::Header::new_ustar();
    header.set_size(contents.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(ENTRY_TIME);
    header.set_entry_type(tar::EntryType::Regular);
    let done = if path.len() <= PLAIN_NAME {
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        builder.append(&header, contents)
    } else {
        builder.append_data(&mut header, path, contents)
    };
    done.expect("a file can be added to an archive in memory");
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().mtime(0).operating_system(NO_SYSTEM).write(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn unpacked(tarball: &[u8]) -> BTreeMap<String, String> {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(tarball));
        let read = |mut entry: tar::Entry<'_, _>| {
            let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            assert_eq!((entry.header().mtime().unwrap(), entry.header().mode().unwrap()), (ENTRY_TIME, 0o644));
            (path, text)
        };
        archive.entries().unwrap().map(|entry| read(entry.unwrap())).collect()
    }

    fn sample() -> Release {
        let long = format!("lib/{}.js", "deep/".repeat(30));
        Package::new("@acme/left")
            .release("1.0.0")
            .script("postinstall", "node x.js")
            .file("x.js", "1")
            .file(&long, "2")
            .dependency("left-demo", "^1.0.0")
    }

    #[test]
    fn a_tarball_is_the_same_bytes_every_time() {
        let (a, b) = (sample(), sample());
        assert_eq!(a.tarball(), b.tarball());
        assert_eq!(a.integrity(), b.integrity());
        assert_ne!(a.integrity(), sample().file("x.js", "3").integrity());
        assert_eq!(a.tarball()[4..10], [0, 0, 0, 0, 0, NO_SYSTEM], "no time and no system in the gzip header");
    }

    #[test]
    fn a_tarball_unpacks_to_what_went_in() {
        let files = unpacked(&sample().tarball());
        assert_eq!(files["package/x.js"], "1");
        assert_eq!(files[&format!("package/lib/{}.js", "deep/".repeat(30))], "2");
        assert_eq!(files["package/index.js"], "module.exports = \"@acme/left 1.0.0\";\n");
        let manifest: Value = serde_json::from_str(&files["package/package.json"]).unwrap();
        assert_eq!(manifest, sample().manifest());
        assert_eq!(manifest["scripts"]["postinstall"], "node x.js");
        assert_eq!(manifest["dependencies"]["left-demo"], "^1.0.0");
    }

    #[test]
    fn hostile_paths_and_foreign_bytes_are_possible() {
        let climbing = Package::new("left-demo").release("1.0.0").file("../../escape.js", "x");
        assert_eq!(unpacked(&climbing.tarball())["package/../../escape.js"], "x");
        let raw = Package::new("left-demo").release("1.0.0").raw_tarball(*b"no archive");
        assert_eq!(raw.tarball(), b"no archive");
        assert_eq!(raw.shasum(), shasum(b"no archive"));
    }

    #[test]
    fn digests_are_those_that_tools_print() {
        assert_eq!(shasum(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(integrity(b"abc").starts_with("sha512-3a81oZNherrMQXNJriBBMRLm"));
    }
}
