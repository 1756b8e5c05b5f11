//! Go: modules, of which only files are read.
//!
//! A module is named by where its sources are, and its versions are tags there, with a `v`. Which versions a build takes
//! follows from the `go.mod` files alone: of each module the highest that any of them asks for. Since Go 1.17 the project's
//! own lists every module that is built, so it is the lockfile, and nothing needs to be solved. `go.sum` has digests, of
//! more than is built, and they are of a list of a module's files, not of any file that is served: they cannot be compared
//! with a release's digest, so they are not taken for one.
//!
//! Go's own library is a module too, for advisories: `stdlib`, whose version is the toolchain's.

mod binary;
mod installed;
mod lockfile;
mod modfile;
mod name;
mod sum;
mod version;

use stockade_model::{EcosystemId, Malformed, Package, Release};

use crate::Ecosystem;

pub(crate) use binary::buildinfo;

/// The descriptor.
pub static GOLANG: Ecosystem = Ecosystem {
    id: ID,
    purl_type: "golang",
    osv: "Go",
    name: name::parse,
    joins_alike: false,
    version: version::parse,
    lockfiles: &[&lockfile::GO_MOD, &lockfile::GO_WORK],
    linked: None,
    manifests: &[&lockfile::GO_SUM],
    installed: Some(&installed::INSTALLED),
    registry: None,
    clients: &[],
    interpreted: None,
    artifacts: &[],
};

const ID: EcosystemId = EcosystemId::new("golang");
/// What advisories call Go's own library.
const STDLIB: &str = "stdlib";

/// The release of a module, the version with its `v`.
fn release(name: &str, version: &str) -> Result<Release, Malformed> {
    version::parse(version)?;
    Ok(Package { ecosystem: ID, name: name::parse(name)? }.release(version))
}
