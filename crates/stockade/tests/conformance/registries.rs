//! The registries that the gateway stands in front of, as far as a behaviour needs them.

use std::path::Path;

use jiff::Timestamp;
use stockade_ecosystem::Ecosystem;
use stockade_testkit::{
    CrateRegistry, CrateRelease, Distribution, FakeRegistry, MavenRegistry, MavenRelease, Package, PythonRegistry,
    Server,
};

use crate::leaks::UPSTREAM;

/// A registry of an ecosystem.
pub(crate) trait Registry {
    fn ecosystem(&self) -> &'static Ecosystem;
    fn server(&self) -> &Server;
    /// Its address, as clients are configured with it.
    fn address(&self) -> String;
    /// What a package is called that is short for others.
    fn name(&self, short: &str) -> String {
        short.to_owned()
    }
    /// The names that are published at the gateway, as its settings claim them.
    fn hosted(&self) -> &'static str {
        "acme-*"
    }
    /// One of them, short for others.
    fn own(&self, short: &str) -> String {
        short.to_owned()
    }
    fn publish(&self, name: &str, version: &str, at: Timestamp);
    /// Its maintainers withdraw a release. False if there is no word for that here.
    fn withdraw(&self, name: &str, version: &str, at: Timestamp) -> bool;
    fn unpublish(&self, name: &str, version: &str);
    /// The path of the file of a release.
    fn file(&self, name: &str, version: &str) -> String;
    /// What stands behind a package URL with a version so that it means that file, where a release has several.
    fn qualifier(&self, _name: &str, _version: &str) -> String {
        String::new()
    }
    /// Whether a path is that of a file, and not of a document.
    fn is_file(&self, path: &str) -> bool;
}

/// A registry of the ecosystem with this name, below a path.
pub(crate) fn of(ecosystem: &str) -> Box<dyn Registry> {
    let mount = format!("//{UPSTREAM}/mirror/");
    match ecosystem {
        "npm" => Box::new(FakeRegistry::start_at(&mount)),
        "pypi" => Box::new(PythonRegistry::start_at(&mount)),
        "cargo" => Box::new(CrateRegistry::start_at(&mount)),
        "maven" => Box::new(MavenRegistry::start_at(&mount)),
        other => panic!("there is no registry of {other}"),
    }
}

fn ecosystem(id: &str) -> &'static Ecosystem {
    stockade_ecosystem::by_id(id).unwrap()
}

/// What maintainers say.
const WITHDRAWN: &str = "it loses data";

impl Registry for FakeRegistry {
    fn ecosystem(&self) -> &'static Ecosystem {
        ecosystem("npm")
    }

    fn server(&self) -> &Server {
        self
    }

    fn address(&self) -> String {
        self.url()
    }

    fn publish(&self, name: &str, version: &str, at: Timestamp) {
        self.publish(&Package::new(name).release(version).published(at));
    }

    fn withdraw(&self, name: &str, version: &str, at: Timestamp) -> bool {
        self.publish(&Package::new(name).release(version).published(at).deprecated(WITHDRAWN));
        true
    }

    fn unpublish(&self, name: &str, version: &str) {
        self.unpublish(name, version);
        self.tag(name, "latest", "1.0.0");
    }

    fn file(&self, name: &str, version: &str) -> String {
        format!("/{name}/-/{name}-{version}.tgz")
    }

    fn is_file(&self, path: &str) -> bool {
        Path::new(path).extension().is_some_and(|extension| extension == "tgz")
    }
}

impl Registry for PythonRegistry {
    fn ecosystem(&self) -> &'static Ecosystem {
        ecosystem("pypi")
    }

    fn server(&self) -> &Server {
        self
    }

    fn address(&self) -> String {
        self.index()
    }

    fn publish(&self, name: &str, version: &str, at: Timestamp) {
        self.publish(&Distribution::wheel(name, version).published(at));
    }

    fn withdraw(&self, name: &str, version: &str, at: Timestamp) -> bool {
        self.publish(&Distribution::wheel(name, version).published(at).yanked(WITHDRAWN));
        true
    }

    fn unpublish(&self, name: &str, version: &str) {
        self.unpublish(name, version);
    }

    fn file(&self, name: &str, version: &str) -> String {
        let wheel = Distribution::wheel(name, version);
        let digest = wheel.checksum();
        format!("/files/{}/{}/{}", &digest[..2], &digest[2..], wheel.file_name())
    }

    fn is_file(&self, path: &str) -> bool {
        path.starts_with("/files/")
    }
}

impl Registry for CrateRegistry {
    fn ecosystem(&self) -> &'static Ecosystem {
        ecosystem("cargo")
    }

    fn server(&self) -> &Server {
        self
    }

    fn address(&self) -> String {
        self.index()
    }

    fn publish(&self, name: &str, version: &str, at: Timestamp) {
        self.publish(&CrateRelease::new(name, version).published(at));
    }

    fn withdraw(&self, name: &str, version: &str, at: Timestamp) -> bool {
        self.publish(&CrateRelease::new(name, version).published(at).yanked());
        true
    }

    fn unpublish(&self, name: &str, version: &str) {
        self.unpublish(name, version);
    }

    fn file(&self, name: &str, version: &str) -> String {
        format!("/crates/{name}/{version}/download")
    }

    fn is_file(&self, path: &str) -> bool {
        path.starts_with("/crates/")
    }
}

impl Registry for MavenRegistry {
    fn ecosystem(&self) -> &'static Ecosystem {
        ecosystem("maven")
    }

    fn server(&self) -> &Server {
        self
    }

    fn address(&self) -> String {
        self.url()
    }

    fn name(&self, short: &str) -> String {
        format!("org.acme:{short}")
    }

    fn hosted(&self) -> &'static str {
        "com.acme/*"
    }

    fn own(&self, short: &str) -> String {
        format!("com.acme:{short}")
    }

    fn publish(&self, name: &str, version: &str, at: Timestamp) {
        self.publish(&MavenRelease::new(name, version).only_pom().published(at));
    }

    fn withdraw(&self, _: &str, _: &str, _: Timestamp) -> bool {
        false
    }

    fn unpublish(&self, name: &str, version: &str) {
        self.unpublish(name, version);
    }

    fn file(&self, name: &str, version: &str) -> String {
        let (group, artifact) = name.split_once(':').unwrap();
        format!("/{}/{artifact}/{version}/{artifact}-{version}.pom", group.replace('.', "/"))
    }

    fn qualifier(&self, name: &str, version: &str) -> String {
        let (_, artifact) = name.split_once(':').unwrap();
        format!("?file_name={version}/{artifact}-{version}.pom")
    }

    fn is_file(&self, path: &str) -> bool {
        !path.contains("maven-metadata.xml")
    }
}
