//! A fake Maven repository: folders of files on a loopback port.
//!
//! It has a build description and a jar of every release, checksums beside each file, and the metadata of every package.
//! `Last-Modified` is the only place where it says when a release was published.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use jiff::Timestamp;
use sha2::Digest as _;
use zip::write::SimpleFileOptions;

use crate::http::{Request, Response};
use crate::package::LONG_AGO;
use crate::packument::Document;
use crate::server::{Server, not_found};

/// What the Java of a client is started with that lives for seconds: one compiler, and a collector without threads. It
/// needs half the processor time.
pub const JAVA_OPTIONS: &str = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

/// A release to deploy. Every method takes it and gives it back changed.
#[derive(Debug, Clone)]
pub struct MavenRelease {
    group: String,
    artifact: String,
    version: String,
    /// What stands in the names of its files in place of `SNAPSHOT`.
    stamp: Option<String>,
    packaging: String,
    published: Option<Timestamp>,
    needs: Vec<(String, String)>,
    classes: BTreeMap<String, Vec<u8>>,
    /// Other files, by what follows the version in their name.
    attached: BTreeMap<String, Vec<u8>>,
}

impl MavenRelease {
    /// A jar of a package (`org.acme:left-demo`) that was published long ago.
    pub fn new(name: &str, version: &str) -> Self {
        let (group, artifact) = name.split_once(':').expect("a package is called `group:artifact`");
        Self {
            group: group.to_owned(),
            artifact: artifact.to_owned(),
            version: version.to_owned(),
            stamp: None,
            packaging: "jar".to_owned(),
            published: Some(LONG_AGO),
            needs: Vec::new(),
            classes: BTreeMap::from([(MANIFEST.to_owned(), b"Manifest-Version: 1.0\r\n\r\n".to_vec())]),
            attached: BTreeMap::new(),
        }
    }

    /// It is a build description and nothing else: a parent, or a list of versions to import.
    #[must_use]
    pub fn only_pom(mut self) -> Self {
        "pom".clone_into(&mut self.packaging);
        self
    }

    /// It is this build of a snapshot: `20260601.120000-1`.
    #[must_use]
    pub fn build(mut self, stamp: &str) -> Self {
        self.stamp = Some(stamp.to_owned());
        self
    }

    /// When it was published, as `Last-Modified` says.
    #[must_use]
    pub fn published(mut self, at: Timestamp) -> Self {
        self.published = Some(at);
        self
    }

    /// The repository does not say when it was published.
    #[must_use]
    pub fn without_time(mut self) -> Self {
        self.published = None;
        self
    }

    /// It needs another package (`org.acme:right-demo`).
    #[must_use]
    pub fn dependency(mut self, name: &str, version: &str) -> Self {
        self.needs.push((name.to_owned(), version.to_owned()));
        self
    }

    /// A file in the jar, or other contents of one.
    #[must_use]
    pub fn file(mut self, path: &str, contents: impl AsRef<[u8]>) -> Self {
        self.classes.insert(path.to_owned(), contents.as_ref().to_vec());
        self
    }

    /// A file beside the jar, by what follows the version in its name: `-sources.jar`, `.jar.asc`, `.module`. `.jar` and
    /// `.pom` are other bytes in place of those.
    #[must_use]
    pub fn attached(mut self, ending: &str, contents: impl Into<Vec<u8>>) -> Self {
        self.attached.insert(ending.to_owned(), contents.into());
        self
    }

    /// The bytes of its file with this ending, if it has one.
    pub fn bytes(&self, ending: &str) -> Option<Vec<u8>> {
        match (self.attached.get(ending), ending) {
            (Some(bytes), _) => Some(bytes.clone()),
            (None, ".pom") => Some(self.pom().into_bytes()),
            (None, ".jar") if self.packaging == "jar" => Some(self.jar()),
            (None, _) => None,
        }
    }

    fn jar(&self) -> Vec<u8> {
        let mut jar = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (path, contents) in &self.classes {
            jar.start_file(path, SimpleFileOptions::default()).expect("an entry of a jar has a name");
            jar.write_all(contents).expect("memory can be written");
        }
        jar.finish().expect("a jar can be finished").into_inner()
    }

    fn pom(&self) -> String {
        let Self { group, artifact, version, packaging, .. } = self;
        let mut text = format!(
            "<project>\n  <modelVersion>4.0.0</modelVersion>\n  <groupId>{group}</groupId>\n  \
             <artifactId>{artifact}</artifactId>\n  <version>{version}</version>\n  <packaging>{packaging}</packaging>\n"
        );
        if !self.needs.is_empty() {
            text.push_str("  <dependencies>\n");
            for (name, version) in &self.needs {
                let (group, artifact) = name.split_once(':').unwrap_or_default();
                let _ = writeln!(
                    text,
                    "    <dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
                     <version>{version}</version></dependency>"
                );
            }
            text.push_str("  </dependencies>\n");
        }
        text + "</project>\n"
    }

    /// The version as the names of its files have it.
    fn written(&self) -> String {
        match &self.stamp {
            Some(stamp) => self.version.replace("SNAPSHOT", stamp),
            None => self.version.clone(),
        }
    }

    /// The folder of the package.
    fn folder(&self) -> String {
        format!("{}/{}", self.group.replace('.', "/"), self.artifact)
    }
}

const MANIFEST: &str = "META-INF/MANIFEST.MF";

/// A Maven repository on a loopback port of its own. It ends when it is dropped.
///
/// What every registry has, its address, its faults and its log, is in [`Server`].
pub struct MavenRegistry {
    repository: Arc<Repository>,
    server: Server,
}

/// What the server answers with.
#[derive(Default)]
struct Repository(Mutex<State>);

/// Everything that tests change at run time.
#[derive(Default)]
struct State {
    /// In the order in which they were deployed.
    releases: Vec<MavenRelease>,
    /// Bytes in place of whatever else would be at a path; none for what is not there.
    placed: BTreeMap<String, Option<Vec<u8>>>,
    /// The checksums that there are; `None`: SHA-1 and MD5, which every repository has.
    sums: Option<Vec<String>>,
    authorization: Option<String>,
}

/// A file of the repository.
struct Stored {
    body: Vec<u8>,
    at: Option<Timestamp>,
}

impl Deref for MavenRegistry {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl fmt::Debug for MavenRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MavenRegistry").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl MavenRegistry {
    /// An empty repository at the root of its address.
    pub fn start() -> Self {
        Self::start_at("/")
    }

    /// An empty repository below a path, as most have it: `/maven2/`.
    pub fn start_at(mount: &str) -> Self {
        let repository = Arc::new(Repository::default());
        let answering = Arc::clone(&repository);
        let server = Server::start(mount, move |request| answering.respond(request));
        Self { repository, server }
    }

    /// Deploys a release, or replaces the one of the same package and version, and the same build of it.
    pub fn publish(&self, release: &MavenRelease) {
        let mut state = self.repository.state();
        let same = |old: &&mut MavenRelease| old.folder() == release.folder() && old.written() == release.written();
        match state.releases.iter_mut().find(same) {
            Some(old) => *old = release.clone(),
            None => state.releases.push(release.clone()),
        }
    }

    /// Removes a version of a package.
    pub fn unpublish(&self, name: &str, version: &str) {
        let removed = MavenRelease::new(name, version);
        let keep = |old: &MavenRelease| old.folder() != removed.folder() || old.version != version;
        self.repository.state().releases.retain(keep);
    }

    /// Puts bytes at a path (`org/acme/left-demo/maven-metadata.xml`), whatever would be there.
    pub fn place(&self, path: &str, contents: impl Into<Vec<u8>>) {
        self.repository.state().placed.insert(path.to_owned(), Some(contents.into()));
    }

    /// From now on, nothing is at this path.
    pub fn remove(&self, path: &str) {
        self.repository.state().placed.insert(path.to_owned(), None);
    }

    /// The checksums that lie beside each file: `sha512`, `sha256`, `sha1`, `md5`.
    pub fn sums(&self, sums: &[&str]) {
        self.repository.state().sums = Some(sums.iter().map(|sum| (*sum).to_owned()).collect());
    }

    /// From now on, only who brings this name and password is answered; everybody else gets 401.
    pub fn require_password(&self, user: &str, password: &str) {
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        self.repository.state().authorization = Some(format!("Basic {encoded}"));
    }
}

impl Repository {
    /// A test that panicked while it held the lock shall fail with its own words, not with ours.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn respond(&self, request: &Request) -> Response {
        let state = self.state();
        if state.authorization.as_ref().is_some_and(|wanted| wanted != request.header("authorization")) {
            return Response::new(401, "text/plain", "").header("www-authenticate", "Basic realm=\"repository\"");
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Response::new(405, "text/plain", "this repository is read only");
        }
        state
            .find(request.path.trim_start_matches('/'))
            .map_or_else(not_found, |found| respond_with(&request.path, found))
    }
}

fn respond_with(path: &str, found: Stored) -> Response {
    let kind = match path.rsplit('.').next() {
        Some("jar") => "application/java-archive",
        Some("pom" | "xml") => "application/xml",
        _ => "text/plain",
    };
    let document = Document::new(found.body);
    let headers = vec![("content-type", kind.to_owned()), ("etag", document.etag)];
    let response = Response { status: 200, headers, body: document.body };
    match found.at {
        Some(at) => response.header("last-modified", at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
        None => response,
    }
}

impl State {
    fn find(&self, path: &str) -> Option<Stored> {
        if let Some(placed) = self.placed.get(path) {
            return placed.clone().map(|body| Stored { body, at: None });
        }
        if let Some(stored) = self.releases.iter().find_map(|release| file(release, path)) {
            return Some(stored);
        }
        if let Some(folder) = path.strip_suffix("/maven-metadata.xml") {
            return self.metadata(folder).or_else(|| self.builds(folder));
        }
        let (of, sum) = path.rsplit_once('.')?;
        let has = match &self.sums {
            Some(sums) => sums.iter().any(|has| has == sum),
            None => matches!(sum, "sha1" | "md5"),
        };
        let Stored { body, at } = self.find(of).filter(|_| has)?;
        Some(Stored { body: digits(sum, &body)?.into_bytes(), at })
    }

    /// What is said of a snapshot in its own folder: which build is the newest.
    fn builds(&self, folder: &str) -> Option<Stored> {
        let is_here = |release: &&MavenRelease| format!("{}/{}", release.folder(), release.version) == folder;
        let newest = self.releases.iter().rfind(|release| is_here(release) && release.stamp.is_some())?;
        let stamp = newest.stamp.as_deref()?;
        let (at, number) = stamp.rsplit_once('-')?;
        let updated = at.replace('.', "");
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata modelVersion=\"1.1.0\">\n  <groupId>{}</groupId>\n  \
             <artifactId>{}</artifactId>\n  <version>{}</version>\n  <versioning>\n    <snapshot><timestamp>{at}</timestamp>\
             <buildNumber>{number}</buildNumber></snapshot>\n    <lastUpdated>{updated}</lastUpdated>\n    <snapshotVersions>\n",
            newest.group, newest.artifact, newest.version
        );
        for extension in ["pom", "jar"] {
            let _ = writeln!(
                text,
                "      <snapshotVersion><extension>{extension}</extension><value>{}</value><updated>{updated}</updated></snapshotVersion>",
                newest.written()
            );
        }
        text.push_str("    </snapshotVersions>\n  </versioning>\n</metadata>\n");
        Some(Stored { body: text.into_bytes(), at: newest.published })
    }

    /// The list of a package's versions.
    fn metadata(&self, folder: &str) -> Option<Stored> {
        let listed: Vec<&MavenRelease> = self.releases.iter().filter(|release| release.folder() == folder).collect();
        let last = listed.last()?;
        let stable = listed.iter().rev().find(|release| !release.version.ends_with("-SNAPSHOT"));
        let at = listed.iter().filter_map(|release| release.published).max();
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata>\n  <groupId>{}</groupId>\n  \
             <artifactId>{}</artifactId>\n  <versioning>\n    <latest>{}</latest>\n",
            last.group, last.artifact, last.version
        );
        if let Some(release) = stable {
            let _ = writeln!(text, "    <release>{}</release>", release.version);
        }
        text.push_str("    <versions>\n");
        let mut versions: Vec<&str> = listed.iter().map(|release| release.version.as_str()).collect();
        versions.dedup();
        for version in versions {
            let _ = writeln!(text, "      <version>{version}</version>");
        }
        text.push_str("    </versions>\n");
        if let Some(at) = at {
            let _ = writeln!(text, "    <lastUpdated>{}</lastUpdated>", at.strftime("%Y%m%d%H%M%S"));
        }
        text.push_str("  </versioning>\n</metadata>\n");
        Some(Stored { body: text.into_bytes(), at })
    }
}

fn file(release: &MavenRelease, path: &str) -> Option<Stored> {
    let MavenRelease { artifact, version, published, .. } = release;
    let ending = path.strip_prefix(&format!("{}/{version}/{artifact}-{}", release.folder(), release.written()))?;
    Some(Stored { body: release.bytes(ending)?, at: *published })
}

fn digits(sum: &str, body: &[u8]) -> Option<String> {
    Some(match sum {
        "md5" => hex::encode(md5::Md5::digest(body)),
        "sha1" => hex::encode(sha1::Sha1::digest(body)),
        "sha256" => hex::encode(sha2::Sha256::digest(body)),
        "sha512" => hex::encode(sha2::Sha512::digest(body)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
