//! A fake index of Python packages, on a loopback port.
//!
//! Its pages lie at `simple/`, the older interface at `pypi/`, attestations at `integrity/`, its files at `files/`, each below a folder of its own, as on the index itself. A wheel can be
//! installed, and a source distribution brings the backend that builds it, so that real clients can be let loose on them
//! without a second registry.

mod build;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::Digest as _;

use crate::http::{Request, Response};
use crate::package::LONG_AGO;
use crate::packument::Document;
use crate::server::{Server, not_found};

/// The media type of a page as JSON.
const JSON: &str = "application/vnd.pypi.simple.v1+json";

/// What a file is of its release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Wheel,
    Sdist,
}

/// One file of a release to publish. Every method takes it and gives it back changed.
#[derive(Debug, Clone)]
pub struct Distribution {
    kind: Kind,
    name: String,
    version: String,
    file: String,
    published: Option<Timestamp>,
    yanked: Option<String>,
    requires_python: Option<String>,
    needs: Vec<String>,
    files: BTreeMap<String, Vec<u8>>,
    describes: bool,
    attested: bool,
    listed: Map<String, Value>,
    raw: Option<Vec<u8>>,
}

impl Distribution {
    /// A wheel for every platform with a module of the package's name, whose `which` says its name and version. It was
    /// published long ago.
    pub fn wheel(name: &str, version: &str) -> Self {
        let file = format!("{}-{version}-py3-none-any.whl", build::module(name));
        Self::new(Kind::Wheel, name, version, file)
    }

    /// A source distribution of the same, with a backend of its own that needs nothing else to build it.
    pub fn sdist(name: &str, version: &str) -> Self {
        let file = format!("{}-{version}.tar.gz", build::module(name));
        let sdist = Self::new(Kind::Sdist, name, version, file);
        sdist.file("pyproject.toml", build::PROJECT).file("backend.py", build::backend(name, version))
    }

    fn new(kind: Kind, name: &str, version: &str, file: String) -> Self {
        let module = format!("which = {}\n", json!(format!("{name} {version}")));
        Self {
            kind,
            name: name.to_owned(),
            version: version.to_owned(),
            file,
            published: Some(LONG_AGO),
            yanked: None,
            requires_python: None,
            needs: Vec::new(),
            files: BTreeMap::from([(format!("{}/__init__.py", build::module(name)), module.into_bytes())]),
            describes: kind == Kind::Wheel,
            attested: false,
            listed: Map::new(),
            raw: None,
        }
    }

    /// When it was uploaded, in the registry's words.
    #[must_use]
    pub fn published(mut self, at: Timestamp) -> Self {
        self.published = Some(at);
        self
    }

    /// The registry does not say when it was uploaded.
    #[must_use]
    pub fn without_time(mut self) -> Self {
        self.published = None;
        self
    }

    /// Its maintainers have withdrawn it, with these words.
    #[must_use]
    pub fn yanked(mut self, words: &str) -> Self {
        self.yanked = Some(words.to_owned());
        self
    }

    /// The versions of Python that it is for: `>=3.8`.
    #[must_use]
    pub fn requires_python(mut self, wanted: &str) -> Self {
        self.requires_python = Some(wanted.to_owned());
        self
    }

    /// It needs another package: `right-demo >=1`.
    #[must_use]
    pub fn dependency(mut self, wanted: &str) -> Self {
        self.needs.push(wanted.to_owned());
        self
    }

    /// A file in it, or other contents of one.
    #[must_use]
    pub fn file(mut self, path: &str, contents: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.to_owned(), contents.as_ref().to_vec());
        self
    }

    /// Lines of Python that run when the source distribution is built.
    #[must_use]
    pub fn build_script(self, lines: &str) -> Self {
        let backend = build::backend(&self.name, &self.version);
        self.file("backend.py", format!("{lines}\n{backend}"))
    }

    /// Another name of the file: other tags, another spelling.
    #[must_use]
    pub fn named(mut self, file: &str) -> Self {
        file.clone_into(&mut self.file);
        self
    }

    /// Its metadata are not to be had beside it.
    #[must_use]
    pub fn without_metadata(mut self) -> Self {
        self.describes = false;
        self
    }

    /// There are attestations of its origin.
    #[must_use]
    pub fn attested(mut self) -> Self {
        self.attested = true;
        self
    }

    /// A member of its entry in the page, in place of what would be there.
    #[must_use]
    pub fn listing_field(mut self, key: &str, value: Value) -> Self {
        self.listed.insert(key.to_owned(), value);
        self
    }

    /// Other bytes in place of the file, of which the page states the digest.
    #[must_use]
    pub fn raw_file(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.raw = Some(bytes.into());
        self
    }

    /// The name of the file.
    pub fn file_name(&self) -> &str {
        &self.file
    }

    /// The file itself.
    pub fn packed(&self) -> Vec<u8> {
        match (&self.raw, self.kind) {
            (Some(raw), _) => raw.clone(),
            (None, Kind::Wheel) => build::wheel(&self.name, &self.version, &self.metadata(), &self.files),
            (None, Kind::Sdist) => build::sdist(&self.name, &self.version, &self.metadata(), &self.files),
        }
    }

    /// The SHA-256 of the file in hexadecimal digits.
    pub fn checksum(&self) -> String {
        sha256(&self.packed())
    }

    /// What is in `METADATA` and beside the file.
    pub fn metadata(&self) -> Vec<u8> {
        let (name, version) = (&self.name, &self.version);
        let mut text = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        let python = self.requires_python.iter().map(|wanted| format!("Requires-Python: {wanted}\n"));
        let needs = self.needs.iter().map(|wanted| format!("Requires-Dist: {wanted}\n"));
        text.extend(python.chain(needs));
        text.into_bytes()
    }

    /// The path of the file below the registry's address: it has its digest in it, as on the index itself.
    fn path(&self) -> String {
        let digest = self.checksum();
        format!("files/{}/{}/{}", &digest[..2], &digest[2..], self.file)
    }

    fn provenance_path(&self) -> String {
        format!("integrity/{}/{}/{}/provenance", normal(&self.name), self.version, self.file)
    }

    /// What is said of its origin.
    pub fn provenance(&self) -> Value {
        json!({"version": 1, "attestation_bundles": [{"publisher": {"kind": "Testkit"}, "attestations": [self.checksum()]}]})
    }

    /// Its entry in the older interface.
    fn older_entry(&self, base: &str) -> Value {
        let packed = self.packed();
        let wheel = self.kind == Kind::Wheel;
        json!({
            "digests": {"md5": hex::encode(md5::Md5::digest(&packed)), "sha256": sha256(&packed)},
            "filename": self.file,
            "packagetype": if wheel { "bdist_wheel" } else { "sdist" },
            "python_version": if wheel { "py3" } else { "source" },
            "requires_python": self.requires_python,
            "size": packed.len(),
            "upload_time_iso_8601": self.published.map(|at| format!("{at:.6}")),
            "url": format!("{base}{}", self.path()),
            "yanked": self.yanked.is_some(),
            "yanked_reason": self.yanked,
        })
    }

    /// Its entry in the page.
    fn entry(&self, base: &str) -> Value {
        let packed = self.packed();
        let described = if self.describes { json!({"sha256": sha256(&self.metadata())}) } else { json!(false) };
        let mut entry = json!({
            "core-metadata": described,
            "data-dist-info-metadata": described,
            "filename": self.file,
            "hashes": {"sha256": sha256(&packed)},
            "provenance": self.attested.then(|| format!("{base}{}", self.provenance_path())),
            "requires-python": self.requires_python,
            "size": packed.len(),
            "upload-time": self.published.map(|at| format!("{at:.6}")),
            "url": format!("{base}{}", self.path()),
            "yanked": self.yanked.as_ref().map_or(json!(false), |words| json!(words)),
        });
        if let Some(members) = entry.as_object_mut() {
            members.extend(self.listed.clone());
            members.retain(|key, value| key == "provenance" || !value.is_null());
        }
        entry
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(sha2::Sha256::digest(bytes))
}

/// An index of Python packages on a loopback port of its own. It ends when it is dropped.
pub struct PythonRegistry {
    registry: Arc<Registry>,
    server: Server,
}

/// What the server answers with.
#[derive(Default)]
struct Registry(Mutex<State>);

/// Everything that tests change at run time.
#[derive(Default)]
struct State {
    /// Of every project, by its name in the normal form.
    shelves: BTreeMap<String, Vec<Distribution>>,
    /// Of projects that are neither new nor well: `quarantined`, `archived`.
    status: BTreeMap<String, String>,
    credential: Option<String>,
    url: String,
}

impl Deref for PythonRegistry {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl fmt::Debug for PythonRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PythonRegistry").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl PythonRegistry {
    /// An empty registry at the root of its address.
    pub fn start() -> Self {
        Self::start_at("/")
    }

    /// An empty registry below a path, as company mirrors have it: `/api/python/all/`.
    pub fn start_at(mount: &str) -> Self {
        let registry = Arc::new(Registry::default());
        let answering = Arc::clone(&registry);
        let server = Server::start(mount, move |request| answering.respond(request));
        registry.state().url = server.url();
        Self { registry, server }
    }

    /// The address of its pages, with a trailing `/`, as clients are configured with it.
    pub fn index(&self) -> String {
        format!("{}simple/", self.url())
    }

    /// Publishes a file, or replaces the one of the same name.
    pub fn publish(&self, file: &Distribution) {
        let mut state = self.registry.state();
        let shelf = state.shelves.entry(normal(&file.name)).or_default();
        match shelf.iter_mut().find(|old| old.file == file.file) {
            Some(old) => *old = file.clone(),
            None => shelf.push(file.clone()),
        }
    }

    /// Removes a release with all its files; the project goes with its last one.
    pub fn unpublish(&self, name: &str, version: &str) {
        let mut state = self.registry.state();
        if let Some(shelf) = state.shelves.get_mut(&normal(name)) {
            shelf.retain(|file| file.version != version);
            if shelf.is_empty() {
                state.shelves.remove(&normal(name));
            }
        }
    }

    /// What the registry says of a project as a whole: `quarantined`. Its files stay listed, as at mirrors.
    pub fn project_status(&self, name: &str, status: &str) {
        self.registry.state().status.insert(normal(name), status.to_owned());
    }

    /// From now on, only who brings this name and password is answered; everybody else gets 401.
    pub fn require_password(&self, user: &str, password: &str) {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        self.registry.state().credential = Some(format!("Basic {encoded}"));
    }
}

impl Registry {
    /// A test that panicked while it held the lock shall fail with its own words, not with ours.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn respond(&self, request: &Request) -> Response {
        let state = self.state();
        if state.credential.as_ref().is_some_and(|wanted| wanted != request.header("authorization")) {
            let response = Response::new(401, "text/plain", "a password is required");
            return response.header("www-authenticate", "Basic realm=\"packages\"");
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Response::new(405, "text/plain", "this registry is read only");
        }
        let segments: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match segments.as_slice() {
            ["simple", name, ""] if normal(name) == *name => state.page(name, request.header("accept")),
            ["simple", name] | ["simple", name, ""] => {
                let address = format!("{}simple/{}/", state.url, normal(name));
                Response::new(301, "text/plain", "").header("location", address)
            }
            ["pypi", name, "json"] => state.older(&normal(name), None),
            ["pypi", name, version, "json"] => state.older(&normal(name), Some(version)),
            ["integrity", ..] => state.provenance(request.path.trim_start_matches('/')),
            ["files", ..] => state.file(request.path.trim_start_matches('/')),
            _ => not_found(),
        }
    }
}

impl State {
    fn page(&self, name: &str, accept: &str) -> Response {
        let Some(shelf) = self.shelves.get(name) else { return not_found() };
        let files: Vec<Value> = shelf.iter().map(|file| file.entry(&self.url)).collect();
        let (body, content_type) = if accept.contains(JSON) {
            (self.json(name, shelf, &files).to_string(), JSON)
        } else {
            (html(name, &files), "text/html")
        };
        stored(body.into_bytes(), content_type).header("cache-control", "max-age=600, public").header("vary", "accept")
    }

    fn json(&self, name: &str, shelf: &[Distribution], files: &[Value]) -> Value {
        let mut versions: Vec<&str> = shelf.iter().map(|file| file.version.as_str()).collect();
        versions.dedup();
        let meta = json!({"_last-serial": files.len(), "api-version": "1.4"});
        let status = self.status.get(name).map_or("active", String::as_str);
        json!({
            "alternate-locations": [], "files": files, "meta": meta, "name": name,
            "project-status": {"status": status}, "versions": versions,
        })
    }

    /// The older interface: of a release, else of the last one that was published, with all others beside it.
    fn older(&self, name: &str, version: Option<&str>) -> Response {
        let Some(shelf) = self.shelves.get(name) else { return not_found() };
        let chosen = shelf.iter().rev().find(|file| version.is_none_or(|version| file.version == version));
        let Some(chosen) = chosen else { return not_found() };
        let of = |version: &str| -> Vec<Value> {
            let files = shelf.iter().filter(|file| file.version == version);
            files.map(|file| file.older_entry(&self.url)).collect()
        };
        let page = format!("{}project/{name}/", self.url);
        let info = json!({
            "download_url": page, "name": chosen.name, "package_url": page, "project_url": page,
            "release_url": format!("{page}{}/", chosen.version), "requires_dist": chosen.needs,
            "requires_python": chosen.requires_python, "summary": format!("what {name} is"), "version": chosen.version,
            "yanked": chosen.yanked.is_some(), "yanked_reason": chosen.yanked,
        });
        let mut document =
            json!({"info": info, "last_serial": shelf.len(), "urls": of(&chosen.version), "vulnerabilities": []});
        if version.is_none() {
            let releases: BTreeMap<&str, Vec<Value>> =
                shelf.iter().map(|file| (file.version.as_str(), of(&file.version))).collect();
            document["releases"] = json!(releases);
        }
        stored(document.to_string().into_bytes(), "application/json")
    }

    fn provenance(&self, path: &str) -> Response {
        let mut files = self.shelves.values().flatten();
        match files.find(|file| file.attested && file.provenance_path() == path) {
            Some(file) => stored(file.provenance().to_string().into_bytes(), "application/vnd.pypi.integrity.v1+json"),
            None => not_found(),
        }
    }

    /// A file, or the metadata beside it.
    fn file(&self, path: &str) -> Response {
        let mut files = self.shelves.values().flatten();
        let found = files.find(|file| path.strip_suffix(".metadata").unwrap_or(path) == file.path());
        let body = match found {
            Some(file) if file.path() == path => file.packed(),
            Some(file) if file.describes => file.metadata(),
            _ => return not_found(),
        };
        stored(body, "application/octet-stream").header("cache-control", "max-age=31536000, immutable, public")
    }
}

/// The page as those see it who do not know of JSON.
fn html(name: &str, files: &[Value]) -> String {
    let text = |value: &Value| {
        value.as_str().unwrap_or_default().replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
    };
    let link = |file: &Value| {
        let mut tag = format!("<a href=\"{}#sha256={}\"", text(&file["url"]), text(&file["hashes"]["sha256"]));
        let attributes = [("requires-python", &file["requires-python"]), ("yanked", &file["yanked"])];
        tag.extend(
            attributes
                .iter()
                .filter(|(_, value)| value.is_string())
                .map(|(key, value)| format!(" data-{key}=\"{}\"", text(value))),
        );
        let digest = file["core-metadata"]["sha256"].as_str();
        tag.extend(digest.map(|digest| format!(" data-core-metadata=\"sha256={digest}\"")));
        format!("{tag}>{}</a><br>\n", text(&file["filename"]))
    };
    let links: String = files.iter().map(link).collect();
    format!("<!DOCTYPE html>\n<html><head><title>Links for {name}</title></head><body>\n{links}</body></html>\n")
}

fn stored(body: Vec<u8>, content_type: &str) -> Response {
    let document = Document::new(body);
    let headers = vec![("content-type", content_type.to_owned()), ("etag", document.etag)];
    Response { status: 200, headers, body: document.body }
}

/// Lower case, and every run of `-`, `_` and `.` is one `-`.
fn normal(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}
