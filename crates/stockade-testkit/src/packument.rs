//! A registry's documents about one package, full and abbreviated.
//!
//! The members stand in the registry's order (versions as they were published), because readers that copy parts of a
//! document, as ours do, depend on positions and not on a map.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use semver::Version;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::package::{PROVENANCE, Release, gzip};

/// What an abbreviated document says of a version.
const ABBREVIATED: [&str; 21] = [
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
    "_hasShrinkwrap",
    "hasInstallScript",
    "cpu",
    "os",
    "libc",
    "funding",
];

/// A body and what is derived from it once.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) body: Arc<Vec<u8>>,
    pub(crate) etag: String,
    packed: OnceLock<Arc<Vec<u8>>>,
}

impl Document {
    pub(crate) fn new(body: Vec<u8>) -> Self {
        Self { etag: etag(&body), body: Arc::new(body), packed: OnceLock::new() }
    }

    pub(crate) fn packed(&self) -> Arc<Vec<u8>> {
        Arc::clone(self.packed.get_or_init(|| Arc::new(gzip(&self.body))))
    }
}

/// The strong entity tag of these bytes.
pub(crate) fn etag(body: &[u8]) -> String {
    format!("\"{}\"", hex::encode(&sha2::Sha256::digest(body)[..16]))
}

/// A release that a registry has.
#[derive(Debug)]
pub(crate) struct Published {
    pub(crate) version: String,
    pub(crate) file: String,
    pub(crate) tarball: Arc<Document>,
    pub(crate) listed: Value,
    attested: bool,
}

/// A package that a registry has.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    name: String,
    pub(crate) releases: Vec<Published>,
    tags: Vec<(String, String)>,
    /// Stays when a release is unpublished, as on the registry.
    times: Vec<(String, Timestamp)>,
    full: OnceLock<Arc<Document>>,
    short: OnceLock<Arc<Document>>,
}

impl Shelf {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Adds a release or replaces the one of the same version.
    pub(crate) fn put(&mut self, release: &Release, base: &str) {
        let tarball = release.tarball();
        let published = Published {
            version: release.version().to_owned(),
            file: release.file_name(),
            listed: release.listed(base, &tarball),
            tarball: Arc::new(Document::new(tarball)),
            attested: release.is_attested(),
        };
        match self.releases.iter_mut().find(|old| old.version == published.version) {
            Some(old) => *old = published,
            None => self.releases.push(published),
        }
        self.times.retain(|(version, _)| version != release.version());
        self.times.extend(release.time().map(|at| (release.version().to_owned(), at)));
        match release.tag() {
            Some(tag) => self.tag(tag, release.version()),
            None if self.moves_latest(release.version()) => self.tag("latest", release.version()),
            None => self.forget(),
        }
    }

    /// Without a tag, `latest` goes to the highest version that is no prerelease, and to whatever there is first.
    fn moves_latest(&self, version: &str) -> bool {
        let Some(latest) = self.tagged("latest") else { return true };
        match (Version::parse(latest), Version::parse(version)) {
            (Ok(old), Ok(new)) => new >= old && (new.pre.is_empty() || !old.pre.is_empty()),
            _ => false,
        }
    }

    pub(crate) fn tag(&mut self, tag: &str, version: &str) {
        match self.tags.iter_mut().find(|(name, _)| name == tag) {
            Some((_, old)) => version.clone_into(old),
            None => self.tags.push((tag.to_owned(), version.to_owned())),
        }
        self.forget();
    }

    pub(crate) fn untag(&mut self, tag: &str) {
        self.tags.retain(|(name, _)| name != tag);
        self.forget();
    }

    /// Removes a version. Its tags go too; `latest` falls back to the highest one that is left.
    pub(crate) fn remove(&mut self, version: &str) {
        self.releases.retain(|release| release.version != version);
        let was_latest = self.tagged("latest") == Some(version);
        self.tags.retain(|(_, tagged)| tagged != version);
        if was_latest && let Some(next) = self.highest() {
            self.tag("latest", &next);
        }
        self.forget();
    }

    fn highest(&self) -> Option<String> {
        let parsed = self.releases.iter().filter_map(|release| Version::parse(&release.version).ok());
        let highest = parsed.max_by_key(|version| (version.pre.is_empty(), version.clone()))?;
        Some(highest.to_string())
    }

    pub(crate) fn tagged(&self, tag: &str) -> Option<&str> {
        self.tags.iter().find(|(name, _)| name == tag).map(|(_, version)| version.as_str())
    }

    /// The release with this version or under this tag.
    pub(crate) fn find(&self, wanted: &str) -> Option<&Published> {
        let version = self.tagged(wanted).unwrap_or(wanted);
        self.releases.iter().find(|release| release.version == version)
    }

    fn forget(&mut self) {
        self.full = OnceLock::new();
        self.short = OnceLock::new();
    }

    pub(crate) fn full(&self) -> Arc<Document> {
        Arc::clone(self.full.get_or_init(|| Arc::new(Document::new(self.write_full().into_bytes()))))
    }

    pub(crate) fn short(&self) -> Arc<Document> {
        Arc::clone(self.short.get_or_init(|| Arc::new(Document::new(self.write_short().into_bytes()))))
    }

    /// When the package last changed.
    pub(crate) fn modified(&self) -> Option<Timestamp> {
        self.times.iter().map(|(_, at)| *at).max()
    }

    fn write_full(&self) -> String {
        let mut members = vec![("_id", string(&self.name)), ("name", string(&self.name))];
        if let Some(latest) = self.find("latest") {
            members.extend(latest.listed.get("description").map(|text| ("description", text.to_string())));
        }
        members.push(("dist-tags", self.write_tags()));
        members.push(("versions", self.versions(Value::to_string)));
        if let Some(modified) = self.modified() {
            members.push(("time", self.write_times(modified)));
        }
        let maintainers = self.releases.last().and_then(|release| release.listed.get("maintainers"));
        members.extend(maintainers.map(|list| ("maintainers", list.to_string())));
        members.push(("license", string("MIT")));
        members.push(("readme", string(&format!("# {}", self.name))));
        object(members)
    }

    fn write_short(&self) -> String {
        let mut members = vec![("name", string(&self.name))];
        members.extend(self.modified().map(|at| ("modified", string(&instant(at)))));
        members.push(("dist-tags", self.write_tags()));
        members.push(("versions", self.versions(|listed| abbreviated(listed).to_string())));
        object(members)
    }

    pub(crate) fn write_tags(&self) -> String {
        object(self.tags.iter().map(|(tag, version)| (tag, string(version))))
    }

    fn versions(&self, write: impl Fn(&Value) -> String) -> String {
        object(self.releases.iter().map(|release| (&release.version, write(&release.listed))))
    }

    fn write_times(&self, modified: Timestamp) -> String {
        let created = self.times.iter().map(|(_, at)| *at).min().unwrap_or(modified);
        let ends = [("created", string(&instant(created))), ("modified", string(&instant(modified)))];
        let versions = self.times.iter().map(|(version, at)| (version.as_str(), string(&instant(*at))));
        object(ends.into_iter().chain(versions))
    }

    /// What the registry serves as attestations of a version: the right shape around nothing.
    pub(crate) fn attestations(&self, version: &str) -> Option<Value> {
        let release = self.releases.iter().find(|release| release.version == version && release.attested)?;
        let subject = format!("pkg:npm/{}@{}", self.name.replace('@', "%40"), release.version);
        let bundle = json!({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "subject": subject});
        Some(json!({"attestations": [{"predicateType": PROVENANCE, "bundle": bundle}]}))
    }

    /// The package as a search finds it.
    pub(crate) fn hit(&self) -> Value {
        let latest = self.find("latest").or(self.releases.last());
        let listed = latest.map_or(Value::Null, |release| release.listed.clone());
        json!({"package": {
            "name": self.name,
            "version": listed["version"],
            "description": listed["description"],
            "date": self.modified().map(instant),
            "maintainers": listed["maintainers"],
        }})
    }
}

fn abbreviated(listed: &Value) -> Value {
    let members = ABBREVIATED.iter().filter_map(|key| Some(((*key).to_owned(), listed.get(*key)?.clone())));
    Value::Object(members.collect())
}

fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

fn string(text: &str) -> String {
    json!(text).to_string()
}

/// An object whose members keep their order.
fn object<K: AsRef<str>>(members: impl IntoIterator<Item = (K, String)>) -> String {
    let members: Vec<String> =
        members.into_iter().map(|(key, value)| format!("{}:{value}", string(key.as_ref()))).collect();
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NOW, Package, hours_before};

    fn shelf(releases: &[Release]) -> Shelf {
        let mut shelf = Shelf::new("left-demo");
        for release in releases {
            shelf.put(release, "http://127.0.0.1:1/");
        }
        shelf
    }

    fn read(document: &Document) -> Value {
        serde_json::from_slice(&document.body).unwrap()
    }

    #[test]
    fn a_full_document_has_the_registrys_shape() {
        let demo = Package::new("left-demo");
        let fresh =
            demo.release("1.10.0").published(hours_before(NOW, 5)).script("install", "true").publisher("mallory");
        let shelf = shelf(&[demo.release("1.9.0").deprecated("old").signed().attested(), fresh.clone()]);
        let full = read(&shelf.full());
        assert_eq!(full["_id"], "left-demo");
        assert_eq!(full["dist-tags"], json!({"latest": "1.10.0"}));
        assert_eq!(full["time"]["created"], "2024-01-01T00:00:00.000Z");
        assert_eq!(full["time"]["modified"], full["time"]["1.10.0"]);
        assert_eq!(full["time"]["1.10.0"], "2026-06-01T07:00:00.000Z");
        let version = &full["versions"]["1.10.0"];
        assert_eq!(version["_npmUser"], json!({"name": "mallory", "email": "mallory@mail.example"}));
        assert_eq!(version["dist"]["tarball"], "http://127.0.0.1:1/left-demo/-/left-demo-1.10.0.tgz");
        assert_eq!(version["dist"]["integrity"], fresh.integrity());
        assert_eq!(version["dist"]["shasum"], fresh.shasum());
        assert_eq!(version["hasInstallScript"], true);
        let old = &full["versions"]["1.9.0"];
        assert_eq!((&old["deprecated"], &old["hasInstallScript"]), (&json!("old"), &Value::Null));
        assert_eq!(old["dist"]["signatures"][0]["keyid"], "SHA256:stockade-testkit");
        assert_eq!(old["dist"]["attestations"]["provenance"]["predicateType"], PROVENANCE);
        assert!(shelf.attestations("1.9.0").is_some() && shelf.attestations("1.10.0").is_none());
    }

    #[test]
    fn versions_stand_as_they_were_published() {
        let demo = Package::new("left-demo");
        let shelf = shelf(&[demo.release("1.9.0"), demo.release("1.10.0")]);
        let text = String::from_utf8(shelf.full().body.to_vec()).unwrap();
        assert!(text.find("\"1.9.0\":{") < text.find("\"1.10.0\":{"), "{text}");
    }

    #[test]
    fn an_abbreviated_document_has_less() {
        let release = Package::new("left-demo").release("1.0.0").script("postinstall", "true").dependency("a", "1");
        let short = read(&shelf(&[release]).short());
        assert_eq!(short["modified"], "2024-01-01T00:00:00.000Z");
        let version = &short["versions"]["1.0.0"];
        assert_eq!(version["dependencies"], json!({"a": "1"}));
        assert_eq!(version["hasInstallScript"], true);
        for absent in ["scripts", "_npmUser", "description"] {
            assert!(version.get(absent).is_none(), "{absent}");
        }
        assert!(short.get("time").is_none());
    }

    #[test]
    fn a_registry_can_be_silent_about_times_and_digests() {
        let demo = Package::new("left-demo");
        let bare = shelf(&[demo.release("1.0.0").without_time().without_integrity()]);
        let full = read(&bare.full());
        assert!(full.get("time").is_none());
        assert!(full["versions"]["1.0.0"]["dist"].get("shasum").is_none());
        let mixed = shelf(&[demo.release("1.0.0").without_time(), demo.release("1.1.0").only_shasum()]);
        let full = read(&mixed.full());
        assert!(full["time"].get("1.0.0").is_none() && full["time"].get("1.1.0").is_some());
        let dist = &full["versions"]["1.1.0"]["dist"];
        assert!(dist.get("integrity").is_none() && dist.get("shasum").is_some());
    }

    #[test]
    fn latest_follows_the_highest_release_unless_told() {
        let demo = Package::new("left-demo");
        let mut shelf = shelf(&[demo.release("1.0.0-rc.1")]);
        assert_eq!(shelf.tagged("latest"), Some("1.0.0-rc.1"));
        for version in ["1.1.0", "1.0.9", "2.0.0-beta.1"] {
            shelf.put(&demo.release(version), "");
        }
        shelf.put(&demo.release("3.0.0").tagged("next"), "");
        assert_eq!((shelf.tagged("latest"), shelf.tagged("next")), (Some("1.1.0"), Some("3.0.0")));
        shelf.remove("3.0.0");
        shelf.remove("1.1.0");
        assert_eq!((shelf.tagged("latest"), shelf.tagged("next")), (Some("1.0.9"), None));
        assert!(read(&shelf.full())["time"].get("1.1.0").is_some(), "the time of an unpublished version stays");
    }
}
