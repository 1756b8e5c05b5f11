//! What every fake registry is: a server on a loopback port that keeps a log of every request and can fail in every way.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{self, BufReader, Read as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use crate::fault::{Fault, Faults, Meanwhile, Then, disturbed, matches, needs_body, perform};
use crate::http::{Request, Response, read_request, send};

/// How often something that waits looks up.
const BEAT: Duration = Duration::from_millis(10);

/// A request that the registry has seen.
#[derive(Clone)]
pub struct Seen {
    /// `GET`, `POST` …
    pub method: String,
    /// The path below [`Server::url`], decoded and without the query: `/@acme/left`.
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

/// What is noted and what is to go wrong.
#[derive(Default)]
struct State {
    faults: Faults,
    seen: Vec<Seen>,
    /// For each path, and for all (the empty one): how many requests are being answered, and the most there were.
    busy: HashMap<String, (usize, usize)>,
    /// The connections that are open, to cut them.
    open: HashMap<u64, TcpStream>,
}

/// What a registry says to a request, if nothing goes wrong.
type Answer = dyn Fn(&Request) -> Response + Send + Sync;

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
    answer: Box<Answer>,
}

/// A server on a loopback port of its own. It ends when it is dropped.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    listener: Option<JoinHandle<()>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Server {
    /// A server whose registry is below a path, and is nothing but what it answers. `//localhost/path/` names the host as
    /// well by which it calls itself; otherwise that is a number.
    pub(crate) fn start(mount: &str, answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port is free");
        let address = listener.local_addr().expect("a listener has an address");
        let named = mount.strip_prefix("//").map(|rest| rest.split_once('/').unwrap_or((rest, "")));
        let (host, mount) = named.map_or_else(|| (address.ip().to_string(), mount), |(host, path)| (host.into(), path));
        let inner = mount.trim_matches('/');
        let mount = if inner.is_empty() { "/".to_owned() } else { format!("/{inner}/") };
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            url: format!("http://{host}:{}{mount}", address.port()),
            mount,
            offline: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            released: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            answer: Box::new(answer),
        });
        let listening = Arc::clone(&shared);
        let listener = thread::spawn(move || listening.listen(&listener));
        Self { shared, address, listener: Some(listener) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    /// Its address, with a trailing `/`.
    pub fn url(&self) -> String {
        self.shared.url.clone()
    }

    /// The socket it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
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

impl Drop for Server {
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
        let response = if is_ours { (self.answer)(request) } else { not_found() };
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

/// What a registry says that does not have what is asked for.
pub(crate) fn not_found() -> Response {
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
