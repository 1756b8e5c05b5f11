//! Where one client plays all behaviours: a registry, a gateway in front of it, and the relay between.

use std::cell::{Cell as Variable, RefCell};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use stockade_testkit::{JAVA_OPTIONS, NOW, Output, finished};
use tempfile::TempDir;

use crate::clients::{Client, Wanted};
use crate::gateway::{Gateway, Home};
use crate::leaks;
use crate::registries::{self, Registry};
use crate::relay::Relay;
use crate::rows::ROWS;

/// What of the machine's environment a client gets: how to find programs, and where temporary files go.
const PASSED_ON: [&str; 2] = ["PATH", "TMPDIR"];
/// How old a release is that is younger than the policy asks, in hours.
const YOUNG: i64 = 5;
/// How old one is that is not, in hours, and yet younger than what is frozen.
const SETTLED: i64 = 100;
/// How old all others are, in hours.
const OLD: i64 = 1_000;

/// A project of a user whose home holds nothing but what points the client somewhere.
pub(crate) struct Place {
    pub(crate) root: PathBuf,
    /// The package that it wants.
    pub(crate) package: String,
    /// Where the gateway is for it.
    pub(crate) gateway: String,
}

impl Place {
    pub(crate) fn project(&self) -> PathBuf {
        self.root.join("project")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// Where somebody has what is to be published.
    pub(crate) fn package_folder(&self) -> PathBuf {
        self.root.join("package")
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }

    /// A program in the project, as this user runs it.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(self.project()).env_clear();
        command.envs(PASSED_ON.iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
        command.env("HOME", self.home()).env("USER", "alice").env("NO_COLOR", "1").env("LANG", "C.UTF-8");
        command.env("MAVEN_OPTS", JAVA_OPTIONS).env("JAVA_OPTS", JAVA_OPTIONS);
        command
    }
}

pub(crate) struct Stage<'a> {
    pub(crate) client: &'a dyn Client,
    pub(crate) registry: Box<dyn Registry>,
    column: &'static str,
    relay: Relay,
    home: Home,
    /// What a user shows who publishes.
    token: String,
    gateway: RefCell<Option<Gateway>>,
    now: Variable<Timestamp>,
    places: Variable<usize>,
    root: TempDir,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(column: &'static str, client: &'a dyn Client) -> Self {
        let root = TempDir::with_prefix("stockade-").unwrap();
        let descriptor = client.descriptor();
        let (ecosystem, _) = stockade_ecosystem::client_of(descriptor).unwrap();
        let registry = registries::of(ecosystem.id.as_str());
        let home =
            Home::new(&root.path().join("gateway"), ecosystem.id.as_str(), &registry.address(), registry.hosted());
        let token = home.token(NOW);
        let stage = Self {
            client,
            registry,
            column,
            relay: Relay::start(),
            home,
            token,
            gateway: RefCell::default(),
            now: Variable::new(NOW),
            places: Variable::new(0),
            root,
        };
        for row in ROWS.iter().filter(|row| row.is_malware) {
            stage.advise(&stage.registry.name(row.package));
        }
        stage.later(0);
        stage
    }

    /// An advisory says that 1.1.0 of a package is malware.
    fn advise(&self, name: &str) {
        let ecosystem = self.registry.ecosystem();
        let affected = json!([{"package": {"ecosystem": ecosystem.osv, "name": name}, "versions": ["1.1.0"]}]);
        let record = json!({"id": "MAL-2026-1", "summary": "Malicious code", "affected": affected});
        self.home.advise(&format!("{}.json", name.replace(':', "-")), &record);
    }

    /// The gateway is restarted so many hours later: what it knows is on its disk, and old enough to be asked for again.
    pub(crate) fn later(&self, hours: i64) {
        if let Some(gateway) = self.gateway.take() {
            gateway.stop();
        }
        self.now.set(self.now.get().checked_add(SignedDuration::from_hours(hours)).unwrap());
        let gateway = self.home.serve(self.now.get(), self.relay.address());
        self.relay.lead_to(gateway.address);
        self.gateway.replace(Some(gateway));
    }

    fn ago(&self, hours: i64) -> Timestamp {
        self.now.get().checked_sub(SignedDuration::from_hours(hours)).unwrap()
    }

    pub(crate) fn settled(&self) -> Timestamp {
        self.ago(SETTLED)
    }

    /// Publishes 1.0.0 of a package, long ago.
    pub(crate) fn old(&self, short: &str) -> String {
        let name = self.registry.name(short);
        self.registry.publish(&name, "1.0.0", self.ago(OLD));
        name
    }

    /// And 1.1.0 some hours ago.
    pub(crate) fn young(&self, short: &str) -> String {
        let name = self.old(short);
        self.registry.publish(&name, "1.1.0", self.ago(YOUNG));
        name
    }

    /// And 1.1.0 long enough ago to be cleared.
    pub(crate) fn newer(&self, short: &str) -> String {
        let name = self.old(short);
        self.registry.publish(&name, "1.1.0", self.settled());
        name
    }

    /// A new project that wants a package, of a new user whose client points at the gateway.
    pub(crate) fn place(&self, package: &str, wanted: Wanted) -> Place {
        let number = self.places.get();
        self.places.set(number + 1);
        let root = self.root.path().join(number.to_string());
        let place = Place { root, package: package.to_owned(), gateway: self.base() };
        fs::create_dir_all(place.project()).unwrap();
        let (_, descriptor) = stockade_ecosystem::client_of(self.client.descriptor()).unwrap();
        let configuration = (descriptor.point)(self.client.configuration(), &place.gateway, &[]);
        place.write(&format!("home/{}", self.client.configured_in()), configuration);
        self.client.want(&place, wanted);
        place
    }

    /// Where the gateway is for the client.
    pub(crate) fn base(&self) -> String {
        format!("http://{}/{}", self.relay.address(), self.registry.ecosystem().id)
    }

    /// A project whose lockfile names 1.1.0, written without the gateway in between. None if the client has no lockfile.
    pub(crate) fn locked(&self, package: &str) -> Option<Place> {
        let place = self.place(package, Wanted::Range);
        self.client.lock(&place, &self.registry.address(), &self.base()).then_some(place)
    }

    pub(crate) fn install(&self, place: &Place) -> Output {
        finished(&mut self.client.install(place))
    }

    pub(crate) fn install_locked(&self, place: &Place) -> Output {
        finished(&mut self.client.install_locked(place))
    }

    /// A new user publishes 1.0.0 of a package, with `mark` in its file. Or why nobody does that with this client.
    pub(crate) fn publish(&self, package: &str, mark: &str) -> Result<Output, &'static str> {
        let place = self.place(package, Wanted::Range);
        Ok(finished(&mut self.client.publish(&place, mark, &self.token)?))
    }

    /// Does what a person does beside the gateway, and waits until it has noticed.
    pub(crate) fn person(&self, arguments: &[&str]) {
        let gateway = self.gateway.borrow();
        gateway.as_ref().unwrap().noticing(|| drop(self.home.run(self.now.get(), arguments)));
    }

    pub(crate) fn purl(&self, name: &str, version: &str) -> String {
        let (kind, name_in_url) = (self.registry.ecosystem().purl_type, name.replace(':', "/"));
        format!("pkg:{kind}/{name_in_url}@{version}{}", self.registry.qualifier(name, version))
    }

    /// How many files the registry was asked for while something was done.
    pub(crate) fn files_asked<T>(&self, done: impl FnOnce() -> T) -> (T, usize) {
        let server = self.registry.server();
        server.clear_requests();
        let outcome = done();
        (outcome, server.requests().iter().filter(|seen| self.registry.is_file(&seen.path)).count())
    }

    /// Whatever of all that was said to the client names the registry.
    pub(crate) fn leaks(&self) -> Vec<String> {
        let port = self.registry.server().address().port();
        let found = match leaks::leaks(&self.relay, port) {
            Ok((looked_at, found)) if looked_at >= ROWS.len() => found,
            Ok((looked_at, _)) => vec![format!("only {looked_at} answers were looked at")],
            Err(why) => vec![format!("what was said cannot be read: {why}")],
        };
        found.into_iter().map(|what| format!("{}: {what}", self.column)).collect()
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.stop();
        }
    }
}
