//! NuGet: the packages of .NET, of which only files are read.
//!
//! A project has a lockfile only if it wants one. A restore always leaves what it chose (`project.assets.json`), and a
//! build what is to be loaded (`*.deps.json`), which goes along with the program. The digests in all of them are of what is
//! in a package less its signature, and not of the file that is served, so they are not taken for one.

mod assets;
mod lockfile;
mod manifest;
mod name;
mod version;

use stockade_model::{EcosystemId, Malformed, Package, Release};

use crate::Ecosystem;

/// The descriptor.
pub static NUGET: Ecosystem = Ecosystem {
    id: ID,
    purl_type: "nuget",
    osv: "NuGet",
    name: name::parse,
    joins_alike: false,
    version: version::parse,
    lockfiles: &[&lockfile::PACKAGES_LOCK, &assets::PROJECT_ASSETS, &assets::DEPS, &lockfile::PACKAGES_CONFIG],
    linked: None,
    manifests: &[&manifest::PROJECT],
    installed: None,
    registry: None,
    clients: &[],
    interpreted: None,
    artifacts: &[],
};

const ID: EcosystemId = EcosystemId::new("nuget");

fn release(name: &str, version: &str) -> Result<Release, Malformed> {
    version::parse(version)?;
    Ok(Package { ecosystem: ID, name: name::parse(name)? }.release(version))
}
