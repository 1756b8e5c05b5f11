//! A fake npm registry: a real server on a loopback port, as strict and as lax as the registry itself.
//!
//! What it answers follows what clients were seen to ask. It keeps a log of every request, because half of what a
//! gateway promises is what it does *not* ask: nothing twice, nothing for a held release, nothing without its token.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::http::{Request, Response};
use crate::package::{KEY_ID, Release};
use crate::packument::{Document, Shelf};
use crate::server::{Server, not_found};

/// What a client asks for that installs and does not publish.
const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";
/// How long a search result is unless the client says otherwise.
const SEARCH_SIZE: usize = 20;

/// Everything that tests change at run time.
#[derive(Default)]
struct State {
    shelves: BTreeMap<String, Shelf>,
    token: Option<String>,
    advisories: Option<Value>,
    keys: Option<Value>,
    max_age: Option<u32>,
    gzip: bool,
}

/// An npm registry on a loopback port of its own. It ends when it is dropped.
///
/// What every registry has, its address, its faults and its log, is in [`Server`].
pub struct FakeRegistry {
    registry: Arc<Registry>,
    server: Server,
}

/// What the server answers with.
#[derive(Default)]
struct Registry(Mutex<State>);

impl Deref for FakeRegistry {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl fmt::Debug for FakeRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeRegistry").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl FakeRegistry {
    /// An empty registry at the root of its address.
    pub fn start() -> Self {
        Self::start_at("/")
    }

    /// An empty registry below a path, as company mirrors have it: `/api/npm/all/`.
    pub fn start_at(mount: &str) -> Self {
        let registry = Arc::new(Registry::default());
        let answering = Arc::clone(&registry);
        let server = Server::start(mount, move |request| answering.respond(request));
        Self { registry, server }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.registry.state()
    }

    /// Publishes a release, or replaces the one of the same name and version.
    pub fn publish(&self, release: &Release) {
        let mut state = self.state();
        let shelf = state.shelves.entry(release.name().to_owned()).or_insert_with(|| Shelf::new(release.name()));
        shelf.put(release, &self.url());
    }

    /// Publishes several releases in this order.
    pub fn publish_all<'a>(&self, releases: impl IntoIterator<Item = &'a Release>) {
        releases.into_iter().for_each(|release| self.publish(release));
    }

    /// Removes a version; the package goes with its last one.
    pub fn unpublish(&self, name: &str, version: &str) {
        let mut state = self.state();
        if let Some(shelf) = state.shelves.get_mut(name) {
            shelf.remove(version);
            if shelf.releases.is_empty() {
                state.shelves.remove(name);
            }
        }
    }

    /// Points a dist-tag of a package at a version. It may dangle.
    pub fn tag(&self, name: &str, tag: &str, version: &str) {
        if let Some(shelf) = self.state().shelves.get_mut(name) {
            shelf.tag(tag, version);
        }
    }

    /// Removes a dist-tag of a package.
    pub fn untag(&self, name: &str, tag: &str) {
        if let Some(shelf) = self.state().shelves.get_mut(name) {
            shelf.untag(tag);
        }
    }

    /// From now on, only who brings this bearer token is answered; everybody else gets 401.
    pub fn require_token(&self, token: &str) {
        self.state().token = Some(token.to_owned());
    }

    /// What a bulk audit answers: `{"left-demo": [{"id": 1, "severity": "high", …}]}`. Otherwise it is `{}`.
    pub fn advisories(&self, answer: Value) {
        self.state().advisories = Some(answer);
    }

    /// What the registry says its signing keys are. Otherwise it is one key that nothing is signed with.
    pub fn keys(&self, answer: Value) {
        self.state().keys = Some(answer);
    }

    /// For how many seconds packuments may be used without asking again: 300 on the registry, and here. 0 for clients
    /// that talk to this registry directly and must see every change.
    pub fn max_age(&self, seconds: u32) {
        self.state().max_age = Some(seconds);
    }

    /// Compress packuments for clients that accept it.
    pub fn compress(&self, on: bool) {
        self.state().gzip = on;
    }
}

impl Registry {
    /// A test that panicked while it held the lock shall fail with its own words, not with ours.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn respond(&self, request: &Request) -> Response {
        if !self.admits(request) {
            return Response::error(401, "a token is required").header("www-authenticate", "Bearer");
        }
        let segments: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        if segments[0] == "-" {
            return self.special(request, &segments[1..]);
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Response::error(405, "this registry is read only");
        }
        let (name, rest) = named(&segments);
        let state = self.state();
        let Some(shelf) = state.shelves.get(&name) else { return not_found() };
        match rest {
            [] => packument(&state, shelf, request),
            ["-", file] => tarball(shelf, file),
            [wanted] => shelf.find(wanted).map_or_else(not_found, |release| Response::json(200, &release.listed)),
            _ => not_found(),
        }
    }

    fn admits(&self, request: &Request) -> bool {
        let state = self.state();
        let Some(token) = &state.token else { return true };
        request.header("authorization") == format!("Bearer {token}")
    }

    /// What is not about one package: the paths below `/-/`.
    fn special(&self, request: &Request, segments: &[&str]) -> Response {
        let state = self.state();
        match (request.method.as_str(), segments) {
            ("GET" | "HEAD", ["ping"]) => Response::new(200, "application/json", "{}"),
            ("GET", ["v1", "search"]) => search(&state, request),
            ("GET", ["package", name @ .., "dist-tags"]) => {
                let shelf = state.shelves.get(&name.join("/"));
                shelf.map_or_else(not_found, |shelf| Response::json(200, &shelf.write_tags()))
            }
            ("GET", ["npm", "v1", "keys"]) => Response::json(200, state.keys.as_ref().unwrap_or(&no_keys())),
            ("GET", ["npm", "v1", "attestations", spec @ ..]) => {
                attestations(&state, &spec.join("/")).map_or_else(not_found, |found| Response::json(200, &found))
            }
            ("POST", ["npm", "v1", "security", "advisories", "bulk"]) => {
                Response::json(200, state.advisories.as_ref().unwrap_or(&json!({})))
            }
            _ => not_found(),
        }
    }
}

/// The package that a path names, and what is asked about it.
fn named<'a, 'b>(segments: &'b [&'a str]) -> (String, &'b [&'a str]) {
    let length = if segments[0].starts_with('@') { segments.len().min(2) } else { 1 };
    (segments[..length].join("/"), &segments[length..])
}

fn packument(state: &State, shelf: &Shelf, request: &Request) -> Response {
    let abbreviated = request.header("accept").contains(ABBREVIATED);
    let (document, content_type) =
        if abbreviated { (shelf.short(), ABBREVIATED) } else { (shelf.full(), "application/json") };
    let age = state.max_age.unwrap_or(300);
    let mut response = stored(shelf, &document, content_type)
        .header("cache-control", format!("public, max-age={age}"))
        .header("vary", "accept-encoding, accept");
    if state.gzip && request.header("accept-encoding").contains("gzip") {
        response = response.header("content-encoding", "gzip");
        response.body = document.packed();
    }
    response
}

fn tarball(shelf: &Shelf, file: &str) -> Response {
    let Some(release) = shelf.releases.iter().find(|release| release.file == file) else { return not_found() };
    stored(shelf, &release.tarball, "application/octet-stream")
        .header("cache-control", "public, immutable, max-age=31557600")
}

fn stored(shelf: &Shelf, document: &Document, content_type: &str) -> Response {
    let headers = vec![("content-type", content_type.to_owned()), ("etag", document.etag.clone())];
    let response = Response { status: 200, headers, body: Arc::clone(&document.body) };
    match shelf.modified() {
        Some(at) => response.header("last-modified", at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
        None => response,
    }
}

fn search(state: &State, request: &Request) -> Response {
    let text = request.parameter("text").unwrap_or_default();
    let size = request.parameter("size").and_then(|size| size.parse().ok()).unwrap_or(SEARCH_SIZE);
    let found: Vec<Value> =
        state.shelves.iter().filter(|(name, _)| name.contains(&text)).map(|(_, shelf)| shelf.hit()).collect();
    let shown: Vec<&Value> = found.iter().take(size).collect();
    Response::json(200, &json!({"objects": shown, "total": found.len()}))
}

fn attestations(state: &State, spec: &str) -> Option<Value> {
    let (name, version) = spec.rsplit_once('@')?;
    state.shelves.get(name)?.attestations(version)
}

fn no_keys() -> Value {
    json!({"keys": [{
        "expires": null,
        "keyid": KEY_ID,
        "keytype": "ecdsa-sha2-nistp256",
        "scheme": "ecdsa-sha2-nistp256",
        "key": "bm8ga2V5",
    }]})
}
