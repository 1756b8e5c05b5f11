//! Maven: the repositories of Java artifacts.
//!
//! A repository is a tree of files. A build names the version that it wants, so Maven puts the path together and asks for
//! it; the index of a package (`maven-metadata.xml`) is only looked at for ranges, and may not exist. So everything that
//! is known of a file comes from its path, its digest from a file beside it, and its age from a header: the path of the
//! file is the place where every client passes.
//!
//! Each file comes with checksums, which clients compare. We compute them from the bytes that we serve.
//!
//! How code of a release gets to run. A jar is put on a path and runs nothing when it is fetched. But being on the path
//! is enough for some of it: an annotation processor named in `META-INF/services` runs inside the compiler, a plugin of
//! a build tool runs in the build, and an agent runs before `main`. Other services run when a library looks for an
//! implementation; a class's initialiser when the class is first used.

mod archive;
mod claim;
mod client;
mod elements;
mod hosting;
mod installed;
mod jar;
mod layout;
mod lockfile;
mod manifest;
mod metadata;
mod name;
mod render;
mod route;
mod settings;
mod version;

use std::time::Duration;

use jiff::Timestamp;
use stockade_model::{EcosystemId, Integrity, Malformed, Package, Release};

use crate::archive::extension;
use crate::{
    Artifact, Denial, Ecosystem, File, Foresight, Hosting, Index, Listed, Refusal, Registry, Request, Rope, Route,
    Steering, Variant,
};
use layout::Place;

pub use archive::JAR;
pub(crate) use jar::JARS;
pub use version::Comparable;

/// The descriptor.
pub static MAVEN: Ecosystem = Ecosystem {
    id: ID,
    purl_type: "maven",
    osv: "Maven",
    name: name::parse,
    version: version::parse,
    lockfiles: &[&lockfile::GRADLE_LOCK, &lockfile::VERIFICATION, &lockfile::POM],
    linked: Some(&lockfile::BUILD),
    manifests: &[&manifest::BUILD_GRADLE, &manifest::VERSION_CATALOG],
    installed: Some(&installed::INSTALLED),
    registry: Some(&Protocol),
    clients: &[&client::MAVEN, &client::GRADLE],
    joins_alike: false,
    interpreted: None,
    artifacts: &[&JAR],
};

const ID: EcosystemId = EcosystemId::new("maven");

/// What its clients, and programs of its language, may do in a sandbox.
pub(crate) const PROFILES: &[&str] = &[include_str!("profiles/build.toml"), include_str!("profiles/java.toml")];

/// The protocol of a Maven repository.
struct Protocol;

impl Registry for Protocol {
    fn route(&self, request: &Request<'_>) -> Route {
        route::route(request)
    }

    fn index_path(&self, package: &Package) -> String {
        route::metadata_path(package)
    }

    fn index_accept(&self) -> &'static str {
        "application/xml, text/xml, */*;q=0.1"
    }

    fn index(&self, package: &Package, document: &[u8]) -> Result<Index, Malformed> {
        metadata::read(package, document)
    }

    fn render(&self, index: &Index, steering: &Steering<'_>) -> Rope {
        render::metadata(index, steering)
    }

    fn index_type(&self, _variant: Variant) -> &'static str {
        "application/xml"
    }

    /// A release has many files. One that is asked for without a name is its jar.
    fn artifact_file(&self, release: &Release) -> String {
        let jar = || format!("{0}/{1}-{0}.jar", release.version, release.package.name.split().1);
        release.file.clone().unwrap_or_else(jar)
    }

    /// The index does not list files, and lists no version of many that exist. No file runs anything when it is fetched;
    /// what a plugin does, it does when a build runs it.
    fn file(&self, index: &Index, file: &str) -> Option<Listed> {
        let place = Place::in_package(index.package.clone(), file).filter(|place| place.sum.is_none())?;
        Some(Listed {
            order: version::parse(&place.version).ok(),
            artifact: Artifact { url: route::relative(&place.path()), integrity: None },
            file: Some(File { name: place.path(), form: place.form(), metadata: None }),
            version: place.version,
            ..Listed::default()
        })
    }

    fn claims(&self) -> &'static [&'static str] {
        &claim::ENDINGS
    }

    fn claim(&self, ending: &str, claim: &[u8]) -> Result<Integrity, Malformed> {
        claim::read(ending, claim)
    }

    /// Every release has a build description, which is written once.
    fn dated_by(&self, package: &Package, file: &str) -> Option<String> {
        Place::in_package(package.clone(), file).map(|place| route::relative(&place.pom()))
    }

    /// Maven reads one build description after the other.
    fn foresight(&self, file: &str) -> Option<Foresight> {
        (extension(file) == "pom").then_some(lockfile::foreseen)
    }

    fn published_by(&self, index: &Index) -> Option<Timestamp> {
        metadata::updated(index)
    }

    fn hosting(&self) -> Option<&'static dyn Hosting> {
        Some(&hosting::Maven)
    }

    fn files_stand_alone(&self) -> bool {
        true
    }

    /// A snapshot's file has the instant of its deployment in its name. Repositories of old leave the word there, and put the
    /// next one in its place.
    fn moving(&self, file: &str) -> Option<&'static str> {
        let (version, name) = file.split_once('/')?;
        let moves = version.ends_with(layout::SNAPSHOT) && name.contains(version);
        moves.then_some("changes under one name, so no ruling on it holds; deploy snapshots with a timestamp")
    }

    /// A signature runs nothing, and the descriptions of Maven and of Gradle name what else is needed, which is ruled on when
    /// it is asked for.
    fn has_content(&self, file: &str) -> bool {
        !matches!(extension(file), "asc" | "module" | "pom")
    }

    /// Maven waits half an hour and takes a 503 for the end of the build; Gradle waits 30 seconds and asks again.
    fn patience(&self, agent: &str) -> Duration {
        Duration::from_secs(if agent.starts_with("Gradle/") { 20 } else { 60 })
    }

    /// Maven and Gradle print the reason phrase; newer ones (Resolver 1.9.25 and 2.0.3) the detail of RFC 9457.
    fn denial(&self, refusal: &Refusal) -> Denial {
        crate::denial::problem(refusal)
    }
}

fn package(name: &str) -> Result<Package, Malformed> {
    Ok(Package { ecosystem: ID, name: name::parse(name)? })
}

#[cfg(test)]
mod tests;
