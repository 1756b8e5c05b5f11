//! A fake npm registry: a real server on a loopback port, as strict and as lax as the registry itself.
//!
//! What it answers follows what clients were seen to ask. It keeps a log of every request, because half of what a
//! gateway promises is what it does *not* ask: nothing twice, nothing for a held release, nothing without its token.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{self, BufReader, Read as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fault::{Fault, Faults, Meanwhile, Then, disturbed, matches, needs_body, perform};
use crate::http::{Request, Response, read_request, send};
use crate::package::{KEY_ID, Release};
use crate::packument::{Document, Shelf};

/// What a client asks for that installs and does not publish.
const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";
/// How often something that waits looks up.
const BEAT: Duration = Duration::from_millis(10);
/// How long a search result is unless the client says otherwise.
const SEARCH_SIZE: usize = 20;

/// A request that the registry has seen.
#[derive(Clone)]
pub struct Seen {
    /// `GET`, `POST` …
    pub method: String,
    /// The path below [`FakeRegistry::url`], decoded and without the query: `/@acme/left`.
    pub path: String,
    /// The whole target as it was sent: `/@acme%2fleft?write=true`.
    pub target: String,
    /// The headers, with lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body as it was sent.
    pub body: Vec<u8>,
    /// When.
    pub at: Instant,
}

impl Seen {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body as text, unpacked if it was sent with gzip.
    pub fn text(&self) -> String {
        let mut bytes = self.body.clone();
        if self.header("content-encoding") == Some("gzip") {
            bytes.clear();
            let mut decoder = flate2::read::GzDecoder::new(self.body.as_slice());
            decoder.read_to_end(&mut bytes).expect("a body that is announced as gzip can be unpacked");
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.target)
    }
}

/// Everything that tests change at run time.
#[derive(Default)]
struct State {
    shelves: BTreeMap<String, Shelf>,
    faults: Faults,
    seen: Vec<Seen>,
    /// For each path, and for all (the empty one): how many requests are being answered, and the most there were.
    busy: HashMap<String, (usize, usize)>,
    token: Option<String>,
    advisories: Option<Value>,
    keys: Option<Value>,
    max_age: Option<u32>,
    gzip: bool,
    /// The connections that are open, to cut them.
    open: HashMap<u64, TcpStream>,
}

struct Shared {
    state: Mutex<State>,
    /// Below which path the registry is: begins and ends with `/`.
    mount: String,
    url: String,
    offline: AtomicBool,
    stopped: AtomicBool,
    /// Goes up whenever what hangs is let go.
    released: AtomicU64,
    connections: AtomicU64,
}

/// An npm registry on a loopback port of its own. It ends when it is dropped.
pub struct FakeRegistry {
    shared: Arc<Shared>,
    address: SocketAddr,
    listener: Option<JoinHandle<()>>,
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
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let inner = mount.trim_matches('/');
        let mount = if inner.is_empty() { "/".to_owned() } else { format!("/{inner}/") };
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            url: format!("http://{address}{mount}"),
            mount,
            offline: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            released: AtomicU64::new(0),
            connections: AtomicU64::new(0),
        });
        let listening = Arc::clone(&shared);
        let listener = thread::spawn(move || listening.listen(&listener));
        Self { shared, address, listener: Some(listener) }
    }

    /// Its address, with a trailing `/`.
    pub fn url(&self) -> String {
        self.shared.url.clone()
    }

    /// The socket it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    /// Publishes a release, or replaces the one of the same name and version.
    pub fn publish(&self, release: &Release) {
        let mut state = self.state();
        let shelf = state.shelves.entry(release.name().to_owned()).or_insert_with(|| Shelf::new(release.name()));
        shelf.put(release, &self.shared.url);
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

    /// Sets a fault for a path such as `/@acme/left`, or for all paths that begin with it if it ends in `*`:
    /// `/left-demo/-/*` is every tarball of a package. The encoding of a request does not matter. The fault that was set
    /// last decides.
    pub fn fault(&self, pattern: &str, fault: Fault) {
        self.state().faults.set(pattern, fault, None);
    }

    /// Sets a fault for the next requests only.
    pub fn fault_times(&self, pattern: &str, fault: Fault, times: usize) {
        self.state().faults.set(pattern, fault, Some(times));
    }

    /// Ends all faults. What hangs is answered now.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
        self.shared.released.fetch_add(1, Ordering::SeqCst);
    }

    /// Gone: what is connected is cut off, and whoever connects is cut off at once. With `false` it is back.
    pub fn offline(&self, offline: bool) {
        self.shared.offline.store(offline, Ordering::SeqCst);
        if offline {
            self.shared.cut();
        }
    }

    /// Every request so far, oldest first, those with faults too.
    pub fn requests(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// How many requests there were for a path, or for all that begin with it if it ends in `*`.
    pub fn count(&self, pattern: &str) -> usize {
        self.state().seen.iter().filter(|seen| matches(pattern, &seen.path)).count()
    }

    /// Waits until there were so many requests for a path or pattern. False if that does not happen in time.
    pub fn wait_for(&self, pattern: &str, count: usize, patience: Duration) -> bool {
        let start = Instant::now();
        while self.count(pattern) < count {
            if start.elapsed() > patience {
                return false;
            }
            sleep(BEAT);
        }
        true
    }

    /// The most requests for exactly this path that were open at the same time; `*` is all paths together. A request is
    /// open until the end of its answer leaves, so requests one after the other never count as two. To see whether
    /// several would come at once, let the first [`Fault::Hang`].
    pub fn max_concurrent(&self, path: &str) -> usize {
        let key = if path == "*" { "" } else { path };
        self.state().busy.get(key).map_or(0, |(_, most)| *most)
    }

    /// Forgets the log and the maxima.
    pub fn clear_requests(&self) {
        let mut state = self.state();
        state.seen.clear();
        state.busy.retain(|_, (now, _)| *now > 0);
        state.busy.values_mut().for_each(|(now, most)| *most = *now);
    }
}

impl Drop for FakeRegistry {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // The listener looks up when somebody connects.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        self.shared.cut();
    }
}

impl Shared {
    /// A test that panicked while it held the lock shall fail with its own words, not with ours.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            let Ok(stream) = stream else { continue };
            if self.offline.load(Ordering::SeqCst) {
                continue;
            }
            let shared = Arc::clone(self);
            thread::spawn(move || shared.connection(stream));
        }
    }

    fn connection(&self, stream: TcpStream) {
        let number = self.connections.fetch_add(1, Ordering::SeqCst);
        if let Ok(copy) = stream.try_clone() {
            self.state().open.insert(number, copy);
        }
        // A client that goes away ends its connection, and that is all there is to do.
        let _ = self.serve(stream);
        if let Some(stream) = self.state().open.remove(&number) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(mut request) = read_request(&mut reader)? {
            if self.is_gone() {
                return Ok(());
            }
            let wants_close = request.header("connection").eq_ignore_ascii_case("close");
            let below = request.path.strip_prefix(&self.mount).map(|path| format!("/{path}"));
            if let Some(path) = &below {
                request.path.clone_from(path);
            }
            let then = self.answer(&request, below.is_some(), &mut stream)?;
            if wants_close || then == Then::Close {
                return Ok(());
            }
        }
        Ok(())
    }

    fn is_gone(&self) -> bool {
        self.stopped.load(Ordering::SeqCst) || self.offline.load(Ordering::SeqCst)
    }

    fn cut(&self) {
        for (_, stream) in self.state().open.drain() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn answer(&self, request: &Request, is_ours: bool, stream: &mut TcpStream) -> io::Result<Then> {
        let busy = RefCell::new(Some(self.note(request)));
        let leaving = || drop(busy.take());
        let released = self.released.load(Ordering::SeqCst);
        let fault = self.state().faults.take(&request.path);
        let response = if is_ours { self.respond(request) } else { not_found() };
        let with_body = request.method != "HEAD";
        let Some(fault) = fault else {
            let response = conditional(request, response);
            leaving();
            send(stream, &response, with_body && response.status != 304)?;
            return Ok(Then::KeepAlive);
        };
        let mut response = disturbed(&fault, response);
        if !needs_body(&fault) {
            response = conditional(request, response);
        }
        let hold = |stream: &TcpStream| self.hold(stream, released);
        perform(&fault, stream, &response, with_body, &Meanwhile { hold: &hold, leaving: &leaving })
    }

    /// Enters a request into the log. While what this gives is alive, the request counts as being answered.
    fn note(&self, request: &Request) -> Busy<'_> {
        let mut state = self.state();
        state.seen.push(Seen {
            method: request.method.clone(),
            path: request.path.clone(),
            target: request.target.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            at: Instant::now(),
        });
        for key in ["", &request.path] {
            let (now, most) = state.busy.entry(key.to_owned()).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
        Busy { shared: self, path: request.path.clone() }
    }

    /// Waits until faults are cleared. False if the client or the registry is gone by then.
    fn hold(&self, stream: &TcpStream, since: u64) -> bool {
        let still_there = |stream: &TcpStream| match stream.peek(&mut [0]) {
            Ok(bytes) => bytes > 0,
            // A receive with a deadline is interrupted whenever a child of the test ends (signal(7)).
            Err(error) => {
                use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
                matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
            }
        };
        let _ = stream.set_read_timeout(Some(BEAT));
        while self.released.load(Ordering::SeqCst) == since {
            if self.is_gone() || !still_there(stream) {
                return false;
            }
            sleep(BEAT);
        }
        stream.set_read_timeout(None).is_ok()
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

/// A request that is being answered.
struct Busy<'a> {
    shared: &'a Shared,
    path: String,
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        for key in ["", &self.path] {
            if let Some((now, _)) = state.busy.get_mut(key) {
                *now = now.saturating_sub(1);
            }
        }
    }
}

/// The package that a path names, and what is asked about it.
fn named<'a, 'b>(segments: &'b [&'a str]) -> (String, &'b [&'a str]) {
    let length = if segments[0].starts_with('@') { segments.len().min(2) } else { 1 };
    (segments[..length].join("/"), &segments[length..])
}

fn not_found() -> Response {
    Response::error(404, "Not found")
}

/// The response, or that nothing has changed for a client that has it already.
fn conditional(request: &Request, response: Response) -> Response {
    let known = request.header("if-none-match");
    let is_known = |tag: &str| known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag);
    let unchanged = if known.is_empty() {
        response.value("last-modified").is_some_and(|at| at == request.header("if-modified-since"))
    } else {
        response.value("etag").is_some_and(is_known) || known == "*"
    };
    if !unchanged || response.status != 200 {
        return response;
    }
    Response { status: 304, body: Arc::default(), ..response }
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
