//! A fake sparse registry of crates, on a loopback port.
//!
//! Its index lies at `index/`, its files at `crates/`, unless a test says that they are elsewhere. A crate is a source that
//! compiles, so that the real client can be let loose on it.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::http::{Request, Response};
use crate::package::{LONG_AGO, archive, gzip};
use crate::packument::Document;
use crate::server::{Server, not_found};

/// A release of a crate to publish. Every method takes it and gives it back changed.
#[derive(Debug, Clone)]
pub struct CrateRelease {
    name: String,
    version: String,
    published: Option<Timestamp>,
    yanked: bool,
    links: Option<String>,
    needs: Vec<(String, String)>,
    files: BTreeMap<String, Vec<u8>>,
    raw: Option<Vec<u8>>,
    line: Option<String>,
}

impl CrateRelease {
    /// A release of a library with a function `which`, which says its name and version. It was published long ago.
    pub fn new(name: &str, version: &str) -> Self {
        let which = json!(format!("{name} {version}"));
        let library = format!("pub fn which() -> &'static str {{\n    {which}\n}}\n");
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            published: Some(LONG_AGO),
            yanked: false,
            links: None,
            needs: Vec::new(),
            files: BTreeMap::from([("src/lib.rs".to_owned(), library.into_bytes())]),
            raw: None,
            line: None,
        }
    }

    /// When it was published, in the registry's words.
    #[must_use]
    pub fn published(mut self, at: Timestamp) -> Self {
        self.published = Some(at);
        self
    }

    /// The registry does not say when it was published.
    #[must_use]
    pub fn without_time(mut self) -> Self {
        self.published = None;
        self
    }

    /// Its maintainers have withdrawn it.
    #[must_use]
    pub fn yanked(mut self) -> Self {
        self.yanked = true;
        self
    }

    /// A file in it, or other contents of one.
    #[must_use]
    pub fn file(mut self, path: &str, contents: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.to_owned(), contents.as_ref().to_vec());
        self
    }

    /// A build script with this body of `main`.
    #[must_use]
    pub fn build_script(self, body: &str) -> Self {
        self.file("build.rs", format!("fn main() {{\n    {body}\n}}\n"))
    }

    /// It links this library, which needs a build script.
    #[must_use]
    pub fn links(mut self, library: &str) -> Self {
        self.links = Some(library.to_owned());
        self
    }

    /// It needs another crate of the same registry.
    #[must_use]
    pub fn dependency(mut self, name: &str, wanted: &str) -> Self {
        self.needs.push((name.to_owned(), wanted.to_owned()));
        self
    }

    /// Other bytes in place of the `.crate` file, of which the index states the digest.
    #[must_use]
    pub fn raw_crate(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.raw = Some(bytes.into());
        self
    }

    /// Another line in the index, for hostile ones.
    #[must_use]
    pub fn raw_line(mut self, line: &str) -> Self {
        self.line = Some(line.to_owned());
        self
    }

    /// The `.crate` file: a gzipped tar with everything below `NAME-VERSION/`.
    pub fn packed(&self) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let manifest = || self.manifest().into_bytes();
        let mut files = vec![("Cargo.toml", self.files.get("Cargo.toml").cloned().unwrap_or_else(manifest))];
        let others = self.files.iter().filter(|(path, _)| *path != "Cargo.toml");
        files.extend(others.map(|(path, contents)| (path.as_str(), contents.clone())));
        gzip(&archive(&format!("{}-{}", self.name, self.version), &files))
    }

    /// The SHA-256 of the `.crate` file in hexadecimal digits.
    pub fn checksum(&self) -> String {
        hex::encode(sha2::Sha256::digest(self.packed()))
    }

    fn manifest(&self) -> String {
        let (name, version) = (&self.name, &self.version);
        let mut text = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n");
        if let Some(library) = &self.links {
            let _ = writeln!(text, "links = \"{library}\"");
        }
        text.push_str("\n[dependencies]\n");
        for (name, wanted) in &self.needs {
            let _ = writeln!(text, "{name} = \"{wanted}\"");
        }
        text
    }

    /// The release's line in the index, with its end. The members stand in the order in which the registry has them.
    pub fn line(&self) -> String {
        if let Some(line) = &self.line {
            return format!("{line}\n");
        }
        let need = |(name, wanted): &(String, String)| {
            json!({"name": name, "req": wanted, "features": [], "optional": false, "default_features": true,
                "target": null, "kind": "normal"})
        };
        let needs: Vec<Value> = self.needs.iter().map(need).collect();
        let mut members = vec![
            ("name", json!(self.name)),
            ("vers", json!(self.version)),
            ("deps", json!(needs)),
            ("cksum", json!(self.checksum())),
            ("features", json!({})),
            ("yanked", json!(self.yanked)),
        ];
        members.extend(self.links.iter().map(|library| ("links", json!(library))));
        members
            .extend(self.published.iter().map(|at| ("pubtime", json!(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))));
        let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}\n", members.join(","))
    }
}

/// A sparse registry on a loopback port of its own. It ends when it is dropped.
///
/// What every registry has, its address, its faults and its log, is in [`Server`].
pub struct CrateRegistry {
    registry: Arc<Registry>,
    server: Server,
}

/// What the server answers with.
#[derive(Default)]
struct Registry(Mutex<State>);

/// Everything that tests change at run time.
#[derive(Default)]
struct State {
    /// Of every crate, by its path in the index.
    shelves: BTreeMap<String, Vec<CrateRelease>>,
    token: Option<String>,
    configuration: Value,
}

impl Deref for CrateRegistry {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl fmt::Debug for CrateRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrateRegistry").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl CrateRegistry {
    /// An empty registry at the root of its address.
    pub fn start() -> Self {
        Self::start_at("/")
    }

    /// An empty registry below a path, as company mirrors have it: `/api/cargo/all/`.
    pub fn start_at(mount: &str) -> Self {
        let registry = Arc::new(Registry::default());
        let answering = Arc::clone(&registry);
        let server = Server::start(mount, move |request| answering.respond(request));
        let new = Self { registry, server };
        new.configure(json!({"dl": format!("{}crates", new.url()), "api": new.url().trim_end_matches('/')}));
        new
    }

    /// The address of its index, with a trailing `/`, as it stands behind `sparse+`.
    pub fn index(&self) -> String {
        format!("{}index/", self.url())
    }

    /// Publishes a release, or replaces the one of the same name and version.
    pub fn publish(&self, release: &CrateRelease) {
        let mut state = self.registry.state();
        let shelf = state.shelves.entry(index_path(&release.name)).or_default();
        match shelf.iter_mut().find(|old| old.version == release.version) {
            Some(old) => *old = release.clone(),
            None => shelf.push(release.clone()),
        }
    }

    /// Removes a version; the crate goes with its last one.
    pub fn unpublish(&self, name: &str, version: &str) {
        let mut state = self.registry.state();
        if let Some(shelf) = state.shelves.get_mut(&index_path(name)) {
            shelf.retain(|release| release.version != version);
            if shelf.is_empty() {
                state.shelves.remove(&index_path(name));
            }
        }
    }

    /// From now on, only who brings this token is answered, as it is and without a word before it; everybody else gets 401.
    pub fn require_token(&self, token: &str) {
        self.registry.state().token = Some(token.to_owned());
    }

    /// What `config.json` says: `{"dl": …}` with other markers, on another host, or nothing of use.
    pub fn configure(&self, configuration: Value) {
        self.registry.state().configuration = configuration;
    }
}

impl Registry {
    /// A test that panicked while it held the lock shall fail with its own words, not with ours.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn respond(&self, request: &Request) -> Response {
        let state = self.state();
        if state.token.as_ref().is_some_and(|token| token != request.header("authorization")) {
            let login = "Cargo login_url=\"http://registry.example/me\"";
            return refusal(401, "a token is required").header("www-authenticate", login);
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return refusal(405, "this registry is read only");
        }
        let segments: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match segments.as_slice() {
            ["index", "config.json"] => Response::json(200, &configuration(&state)),
            ["index", path @ ..] => state.shelves.get(&path.join("/")).map_or_else(not_found, |shelf| index(shelf)),
            ["crates", name, version, "download"] => {
                let shelf = state.shelves.get(&index_path(name)).into_iter().flatten();
                let mut named = shelf.filter(|release| release.name == *name);
                named.find(|release| release.version == *version).map_or_else(not_found, file)
            }
            _ => not_found(),
        }
    }
}

/// cargo brings its token to the index and to files only if it is told that it is needed.
fn configuration(state: &State) -> Value {
    let mut configuration = state.configuration.clone();
    if let (Some(members), Some(_)) = (configuration.as_object_mut(), &state.token) {
        members.insert("auth-required".to_owned(), json!(true));
    }
    configuration
}

/// A refusal in the words of the API, as the registry has it everywhere.
fn refusal(status: u16, why: &str) -> Response {
    Response::json(status, &json!({"errors": [{"detail": why}]}))
}

fn index(shelf: &[CrateRelease]) -> Response {
    let lines: String = shelf.iter().map(CrateRelease::line).collect();
    let response = stored(lines.into_bytes(), "text/plain").header("cache-control", "public,max-age=600");
    match shelf.iter().filter_map(|release| release.published).max() {
        Some(at) => response.header("last-modified", at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
        None => response,
    }
}

fn file(release: &CrateRelease) -> Response {
    stored(release.packed(), "application/gzip").header("cache-control", "public,max-age=31536000,immutable")
}

fn stored(body: Vec<u8>, content_type: &str) -> Response {
    let document = Document::new(body);
    let headers = vec![("content-type", content_type.to_owned()), ("etag", document.etag)];
    Response { status: 200, headers, body: document.body }
}

/// The path of a crate's file in an index, as cargo asks for it.
fn index_path(name: &str) -> String {
    let name = name.to_lowercase();
    match name.len() {
        length @ (0..=2) => format!("{length}/{name}"),
        3 => format!("3/{}/{name}", &name[..1]),
        _ => format!("{}/{}/{name}", &name[..2], &name[2..4]),
    }
}

#[cfg(test)]
mod tests;
