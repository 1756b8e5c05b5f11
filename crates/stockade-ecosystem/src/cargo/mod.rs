//! crates.io: the registry of Rust crates.
//!
//! A crate's index is one file of a line for each release, 100 KB for most, without anything about who published it. cargo
//! asks for the index of every crate that it resolves, and once for `config.json`, which says where files are. With a
//! lockfile it asks for the index too, and fails if a locked line is missing. So a release that is held is shown as
//! yanked: locked ones go on resolving, nobody else chooses it, and its file says why.
//!
//! What a gateway can say to the user: nothing in the index, and the whole body of a refusal, in 512 bytes. An index that
//! is not there is a crate that is not there, so a refusal is never 404.
//!
//! How code of a release gets to run. A crate is source, compiled on the user's machine, and compiling is enough: the
//! build script (`build.rs`) runs before the crate is compiled, with all rights of the user, and a procedural macro runs
//! inside the compiler of whoever uses it. An editor with a language server does both as soon as a folder is opened. The
//! library itself runs when the program that contains it calls it; nothing of it runs at a load. The index tells none of
//! this, except that a crate with `links` has a build script; who inspects the file knows.

mod archive;
mod auditable;
mod client;
mod denial;
mod entry;
mod hosting;
mod locate;
mod lockfile;
mod manifest;
mod name;
mod render;
mod route;
mod version;

use serde_json::json;
use std::time::Duration;

use stockade_model::{EcosystemId, Malformed, Package, Release};

use crate::{
    Artifact, Denial, Ecosystem, Hosting, Index, Listed, Refusal, Registry, Request, Rope, Route, Steering, Variant,
};

pub use archive::CRATE;
pub(crate) use archive::built;
pub(crate) use auditable::auditable;

/// The descriptor.
pub static CARGO: Ecosystem = Ecosystem {
    id: ID,
    purl_type: "cargo",
    osv: "crates.io",
    name: name::parse,
    version: version::parse,
    lockfiles: &[&lockfile::CARGO_LOCK],
    linked: None,
    manifests: &[&manifest::CARGO_TOML],
    installed: None,
    registry: Some(&Protocol),
    clients: &[&client::CARGO],
    joins_alike: true,
    interpreted: None,
    artifacts: &[&CRATE],
};

const ID: EcosystemId = EcosystemId::new("cargo");

/// What its clients, and programs of its language, may do in a sandbox.
pub(crate) const PROFILES: &[&str] = &[include_str!("profiles/build.toml")];

/// The protocol of a sparse registry.
struct Protocol;

impl Registry for Protocol {
    fn route(&self, request: &Request<'_>) -> Route {
        route::route(request)
    }

    fn root(&self) -> &'static str {
        "index/"
    }

    fn index_path(&self, package: &Package) -> String {
        route::index_path(package)
    }

    /// cargo's own header.
    fn index_accept(&self) -> &'static str {
        "text/plain"
    }

    fn index(&self, package: &Package, document: &[u8]) -> Result<Index, Malformed> {
        entry::read(package, document)
    }

    fn render(&self, index: &Index, steering: &Steering<'_>) -> Rope {
        render::lines(index, steering)
    }

    fn index_type(&self, _: Variant) -> &'static str {
        "text/plain; charset=utf-8"
    }

    fn artifact_file(&self, release: &Release) -> String {
        route::file(release)
    }

    fn file(&self, index: &Index, file: &str) -> Option<Listed> {
        index.get(route::version_of(&index.package, file)?).cloned()
    }

    fn locator(&self) -> Option<&'static str> {
        Some(route::CONFIGURATION)
    }

    fn locate(&self, locator: &[u8], release: &Release, file: &Artifact) -> Result<String, Malformed> {
        locate::locate(locator, release, file)
    }

    fn files_are_elsewhere(&self) -> bool {
        true
    }

    /// Files are at ours, and so is what there is of an API. Without `auth-required` cargo shows no token.
    fn configuration(&self, base: &str, needs_token: bool) -> Option<Vec<u8>> {
        let files = format!("{base}/crates/{{crate}}/{{version}}/download");
        let mut document = json!({ "dl": files, "api": base });
        if needs_token {
            document["auth-required"] = json!(true);
        }
        Some(document.to_string().into_bytes())
    }

    fn hosting(&self) -> Option<&'static dyn Hosting> {
        Some(&hosting::Crates)
    }

    /// cargo's own scheme; by it cargo learns that it needs a token.
    fn challenge(&self) -> &'static str {
        "Cargo"
    }

    /// cargo waits 30 seconds, and comes back as it is told.
    fn patience(&self, _agent: &str) -> Duration {
        Duration::from_secs(20)
    }

    fn denial(&self, refusal: &Refusal) -> Denial {
        denial::denial(refusal)
    }
}

fn package(name: &str) -> Result<Package, Malformed> {
    Ok(Package { ecosystem: ID, name: name::parse(name)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_files_are_below_our_mount() {
        let document =
            |token| String::from_utf8(Protocol.configuration("http://127.0.0.1:4873/x", token).unwrap()).unwrap();
        insta::assert_snapshot!(document(false), @r#"{"api":"http://127.0.0.1:4873/x","dl":"http://127.0.0.1:4873/x/crates/{crate}/{version}/download"}"#);
        assert!(document(true).contains(r#""auth-required":true"#));
    }

    #[test]
    fn a_file_is_found_under_the_name_that_it_is_asked_for() {
        let package = package("left").unwrap();
        let index = entry::read(&package, b"{\"name\":\"Left\",\"vers\":\"1.0.0+b\"}\n").unwrap();
        let Route::Artifact { file, .. } =
            Protocol.route(&Request { method: "GET", path: "/crates/Left/1.0.0+b/download", accept: "" })
        else {
            panic!("a file's address is one")
        };
        assert_eq!(Protocol.file(&index, &file).unwrap().version, "1.0.0+b");
        assert_eq!(file, Protocol.artifact_file(&package.release("1.0.0+b")));
        for other in ["left-1.0.0.crate", "Left-1.0.0+b.crate", "left-1.0.0+b", "download", ""] {
            assert_eq!(Protocol.file(&index, other).map(|listed| listed.version), None, "{other}");
        }
    }
}
