//! npm: the registry of JavaScript packages and the clients that speak its protocol.
//!
//! A package's index is its *packument*, one JSON document with every release's manifest in it (20 MB for the largest).
//! Clients ask for the whole or for an abbreviated form, pick a version by range or dist-tag, and fetch one tarball.
//! `npm ci` never asks for the packument: only the tarball's address is a place where every client passes.
//!
//! What a gateway can say to the user: the packument has `policyRestrictions`, which npm has honoured since 2019 and
//! nobody writes; a refusal reaches npm's user through the JSON member `error` and the reason phrase.

mod archive;
mod audit;
mod client;
mod hosting;
mod installed;
mod lockfile;
mod manifest;
mod name;
mod packument;
mod render;
mod route;
mod version;

use std::time::Duration;

use stockade_model::{EcosystemId, Malformed, Package, Release};

use crate::{
    Audit, AuditForm, Denial, Ecosystem, Hosting, Index, Refusal, Registry, Request, Rope, Route, Steering, Variant,
    denial,
};

pub use archive::TARBALL;
pub use name::parse as parse_name;

/// The descriptor.
pub static NPM: Ecosystem = Ecosystem {
    id: ID,
    purl_type: "npm",
    osv: "npm",
    name: name::parse,
    version: version::parse,
    lockfiles: &[&lockfile::PACKAGE_LOCK, &lockfile::PNPM_LOCK, &lockfile::YARN_LOCK, &lockfile::BUN_LOCK],
    linked: None,
    manifests: &[&manifest::PACKAGE_JSON],
    installed: Some(&installed::INSTALLED),
    registry: Some(&Protocol),
    clients: &[&client::NPM, &client::PNPM, &client::YARN, &client::BUN],
    joins_alike: false,
    interpreted: None,
    artifacts: &[&TARBALL],
};

const ID: EcosystemId = EcosystemId::new("npm");

/// What its clients, and programs of its language, may do in a sandbox.
pub(crate) const PROFILES: &[&str] = &[
    include_str!("profiles/install.toml"),
    include_str!("profiles/run.toml"),
    include_str!("profiles/node.toml"),
    include_str!("profiles/others.toml"),
];

/// The npm registry protocol.
struct Protocol;

impl Registry for Protocol {
    fn route(&self, request: &Request<'_>) -> Route {
        route::route(request)
    }

    fn index_path(&self, package: &Package) -> String {
        route::encoded_name(package.name.as_str())
    }

    fn index_accept(&self) -> &'static str {
        "application/json"
    }

    fn index(&self, package: &Package, document: &[u8]) -> Result<Index, Malformed> {
        packument::read(package, document)
    }

    fn render(&self, index: &Index, steering: &Steering<'_>) -> Rope {
        render::packument(index, steering)
    }

    fn render_manifest(&self, index: &Index, steering: &Steering<'_>, wanted: &str) -> Option<Rope> {
        render::manifest(index, steering, wanted)
    }

    fn render_tags(&self, index: &Index, steering: &Steering<'_>) -> Option<Vec<u8>> {
        Some(render::tags(index, steering))
    }

    fn artifact_file(&self, release: &Release) -> String {
        route::tarball(release.package.name.as_str(), &release.version)
    }

    fn hosting(&self) -> Option<&'static dyn Hosting> {
        Some(&hosting::Npm)
    }

    /// npm then says that the token is not good; by other words it would ask for a password.
    fn challenge(&self) -> &'static str {
        "Bearer"
    }

    fn audit(&self, form: AuditForm) -> Option<&'static Audit> {
        Some(audit::of(form))
    }

    /// npm waits five minutes; Yarn one.
    fn patience(&self, _agent: &str) -> Duration {
        Duration::from_secs(50)
    }

    /// npm prints it if the response is not stored (`Cache-Control: no-store`).
    fn notice(&self) -> Option<&'static str> {
        Some("npm-notice")
    }

    fn index_type(&self, variant: Variant) -> &'static str {
        match variant {
            Variant::Full | Variant::Html => "application/json",
            Variant::Abbreviated => route::ABBREVIATED,
        }
    }

    fn denial(&self, refusal: &Refusal) -> Denial {
        denial::problem(refusal)
    }
}

fn package(name: &str) -> Result<Package, Malformed> {
    Ok(Package { ecosystem: ID, name: name::parse(name)? })
}
