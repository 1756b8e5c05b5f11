//! A registry, a gateway in front of it, a clock that tests move, and a client that shows everything it is answered.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use stockade_ecosystem::{Claim, ClientConfig, Stated, Upstream, npm};
use stockade_engine::inspection::{Inspector, Rules};
use stockade_engine::{Engine, Settings, Upstreams};
use stockade_gateway::{Gateway, Options};
use stockade_model::{EcosystemId, Purl};
use stockade_policy::Policy;
use stockade_testkit::{FakeRegistry, NOW, Package, Release, hours_before};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// How long the gateway waits for a silent registry in these tests.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many processes look into files.
const WORKERS: usize = 1;
/// How long a test waits for an answer.
const PATIENCE_OF_TESTS: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) registry: FakeRegistry,
    pub(crate) engine: Engine,
    pub(crate) runtime: Runtime,
    address: SocketAddr,
    clock: Arc<Mutex<Timestamp>>,
    data: Arc<TempDir>,
    _stop: oneshot::Sender<()>,
}

/// How a world is set up.
pub(crate) struct Setup {
    pub(crate) policy: String,
    pub(crate) artifact_hosts: Vec<String>,
    pub(crate) advisories: Vec<PathBuf>,
    pub(crate) scopes: Vec<(String, String)>,
    /// What the registry is configured with, as lines of the client's configuration file.
    pub(crate) credentials: String,
    /// Rules of one's own: the name of the file and its text.
    pub(crate) rules: Vec<(String, String)>,
    /// Names of npm's that belong to another registry, or here: pattern and address.
    pub(crate) claims: Vec<(String, String)>,
    /// The registries of other ecosystems.
    pub(crate) others: Vec<(EcosystemId, String)>,
    /// Names of other ecosystems that are hosted, by pattern.
    pub(crate) hosted: Vec<(EcosystemId, String)>,
}

impl Default for Setup {
    fn default() -> Self {
        let (policy, credentials) = (String::new(), String::new());
        let (artifact_hosts, advisories, scopes, rules) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self {
            policy,
            artifact_hosts,
            advisories,
            scopes,
            credentials,
            rules,
            claims: Vec::new(),
            others: Vec::new(),
            hosted: Vec::new(),
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(FakeRegistry::start(), Setup::default())
    }

    pub(crate) fn with_policy(policy: &str) -> Self {
        Self::with(FakeRegistry::start(), Setup { policy: policy.to_owned(), ..Setup::default() })
    }

    pub(crate) fn with(registry: FakeRegistry, setup: Setup) -> Self {
        Self::in_folder(registry, setup, Arc::new(TempDir::with_prefix("stockade-").unwrap()))
    }

    /// A world whose data folder is below this one.
    pub(crate) fn with_data(parent: &Path) -> Self {
        Self::in_folder(FakeRegistry::start(), Setup::default(), Arc::new(TempDir::new_in(parent).unwrap()))
    }

    /// The same registry and the same data folder, with a gateway that knows nothing but what is on disk.
    pub(crate) fn restarted(self) -> Self {
        self.restarted_with(Setup::default())
    }

    pub(crate) fn restarted_with(self, setup: Setup) -> Self {
        let Self { registry, data, clock, .. } = self;
        let world = Self::in_folder(registry, setup, data);
        *world.clock.lock().unwrap() = *clock.lock().unwrap();
        world
    }

    fn in_folder(registry: FakeRegistry, setup: Setup, data: Arc<TempDir>) -> Self {
        let clock = Arc::new(Mutex::new(NOW));
        let runtime = Runtime::new().unwrap();
        let engine = runtime.block_on(Engine::open(settings(&registry, setup, data.path(), &clock))).unwrap();
        let gateway = Gateway::new(engine.clone(), Options::default());
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        runtime.spawn(async move { gateway.serve(listener, async { drop(stopped.await) }).await });
        Self { registry, engine, runtime, address, clock, data, _stop: stop }
    }

    /// Another process on the same data folder, as far as an engine can tell.
    pub(crate) fn second_engine(&self) -> Engine {
        let settings = settings(&self.registry, Setup::default(), self.folder(), &self.clock);
        self.runtime.block_on(Engine::open(settings)).unwrap()
    }

    pub(crate) fn pass(&self, hours: i64) {
        let mut clock = self.clock.lock().unwrap();
        *clock += SignedDuration::from_hours(hours);
    }

    pub(crate) fn root(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        self.data.path()
    }

    /// The files below a folder of the data folder.
    pub(crate) fn files(&self, folder: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder().join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
            }
        }
        found
    }

    /// Asks the registry's mount.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", &format!("/npm{path}"), &[], b"")
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[&str]) -> Answer {
        self.ask("GET", &format!("/npm{path}"), headers, b"")
    }

    pub(crate) fn ask(&self, method: &str, target: &str, headers: &[&str], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE_OF_TESTS)).unwrap();
        let (host, length) = (format!("host: {}", self.address), format!("content-length: {}", body.len()));
        let start = format!("{method} {target} HTTP/1.1");
        let own = [start.as_str(), &host, &length, "connection: close"];
        let head: Vec<&str> = own.into_iter().chain(headers.iter().copied()).collect();
        stream.write_all(format!("{}\r\n\r\n", head.join("\r\n")).as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        Answer::read(&bytes)
    }

    /// Waits for something that the gateway does by itself.
    pub(crate) fn until(&self, what: impl Fn(&Self) -> bool) {
        for _ in 0..200 {
            if what(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it did not happen in time");
    }

    pub(crate) fn why(&self, purl: &str) -> stockade_engine::Why {
        let purl: Purl = purl.parse().unwrap();
        self.runtime.block_on(self.engine.why(&purl)).unwrap().remove(0)
    }

    pub(crate) fn log_holds(&self) {
        self.runtime.block_on(self.engine.store().verify_log(None)).unwrap().unwrap();
    }
}

fn settings(registry: &FakeRegistry, setup: Setup, data: &Path, clock: &Arc<Mutex<Timestamp>>) -> Settings {
    let Setup { policy, artifact_hosts, advisories, scopes, credentials, rules, claims, others, hosted } = setup;
    let (url, scopes) = (Some(registry.url()), scopes.into_iter().collect());
    let stated = Stated { url, scopes, ..Stated::default() };
    let client = npm::NPM.clients[0];
    let credentials = ("npmrc".to_owned(), credentials.into_bytes());
    let mut config = (client.read)(&[], &[credentials], &|_| None, &stated).unwrap();
    let claim = |url: &str| if url == Stated::HOSTED { Claim::Hosted } else { Claim::Upstream(at(url).default) };
    config.claims = claims.iter().map(|(names, url)| (names.parse().unwrap(), claim(url))).collect();
    let npm = Upstreams::default().with(npm::NPM.id.clone(), config);
    let upstreams = others.into_iter().fold(npm, |upstreams, (ecosystem, url)| {
        let ours = hosted.iter().filter(|(id, _)| *id == ecosystem);
        let claims = ours.map(|(_, names)| (names.parse().unwrap(), Claim::Hosted)).collect();
        upstreams.with(ecosystem, ClientConfig { claims, ..at(&url) })
    });
    let clock = Arc::clone(clock);
    Settings {
        data: data.to_owned(),
        policy: Policy::parse(&policy).unwrap(),
        upstreams,
        artifact_hosts,
        advisories: advisories.into(),
        clock: Arc::new(move || *clock.lock().unwrap()),
        patience: PATIENCE,
        inspector: Inspector::new(worker(), WORKERS),
        rules: Arc::new(Rules::builtin().with(&rules).unwrap()),
    }
}

/// A registry without a credential.
fn at(url: &str) -> ClientConfig {
    let default = Upstream { url: url.parse().unwrap(), credential: None };
    ClientConfig { default, scopes: BTreeMap::new(), claims: Vec::new(), cafile: None, problems: Vec::new() }
}

/// The program of the folder `examples`, which is built with the tests.
fn worker() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let worker = test.parent().unwrap().with_file_name("examples").join("inspect-worker");
    assert!(worker.is_file(), "{} is not there: `cargo test -p stockade-gateway` builds it", worker.display());
    worker
}

/// An answer, every carrier of it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) phrase: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| {
            panic!("no head in {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(200)]));
        });
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap().splitn(3, ' ');
        let status = words.nth(1).unwrap().parse().unwrap();
        let phrase = words.next().unwrap_or_default().to_owned();
        let header = |line: &str| line.split_once(": ").map(|(key, value)| (key.to_owned(), value.to_owned()));
        let headers = lines.filter_map(header).collect();
        Self { status, phrase, headers, body: bytes[end + 4..].to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// True if the body is as long as its head says.
    pub(crate) fn is_whole(&self) -> bool {
        self.header("content-length").parse() == Ok(self.body.len())
    }
}

/// The package of most tests: 1.0.0 and 1.0.9 are old, 1.1.0 is five hours old.
pub(crate) fn left_demo() -> [Release; 3] {
    let left = Package::new("left-demo");
    let young = left.release("1.1.0").published(hours_before(NOW, 5)).script("postinstall", "node collect.js");
    [left.release("1.0.0"), left.release("1.0.9"), young]
}

pub(crate) const YOUNG: &str = "/left-demo/-/left-demo-1.1.0.tgz";
pub(crate) const OLD: &str = "/left-demo/-/left-demo-1.0.9.tgz";

/// A folder with one malware advisory for a release.
pub(crate) fn malware(name: &str, version: &str) -> TempDir {
    malware_of("npm", name, version)
}

/// The same, in an ecosystem by its name in OSV.
pub(crate) fn malware_of(ecosystem: &str, name: &str, version: &str) -> TempDir {
    let folder = TempDir::with_prefix("stockade-osv-").unwrap();
    let record = serde_json::json!({
        "id": "MAL-2026-0001",
        "summary": format!("malicious code in {name}"),
        "affected": [{"package": {"ecosystem": ecosystem, "name": name}, "versions": [version]}],
    });
    std::fs::write(folder.path().join("MAL-2026-0001.json"), record.to_string()).unwrap();
    folder
}
