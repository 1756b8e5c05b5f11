//! RubyGems: Ruby's packages, of which only files are read.
//!
//! Bundler's lockfile has a block for each place that gems come from, with the registry's address. A gem may have a file
//! for each platform; they are one release. If a block has several registries, which of them a gem is from is decided by
//! whoever answers first, and that is how a private gem's name gets taken. That is said.

mod installed;
mod lockfile;
mod manifest;
mod name;
mod version;

use stockade_model::{EcosystemId, Malformed, Package, Release};

use crate::Ecosystem;

/// The descriptor.
pub static GEM: Ecosystem = Ecosystem {
    id: ID,
    purl_type: "gem",
    osv: "RubyGems",
    name: name::parse,
    joins_alike: false,
    version: version::parse,
    lockfiles: &[&lockfile::GEMFILE_LOCK],
    linked: None,
    manifests: &[&manifest::GEMFILE],
    installed: Some(&installed::INSTALLED),
    registry: None,
    clients: &[],
    interpreted: None,
    artifacts: &[],
};

const ID: EcosystemId = EcosystemId::new("gem");

fn release(name: &str, version: &str) -> Result<Release, Malformed> {
    version::parse(version)?;
    Ok(Package { ecosystem: ID, name: name::parse(name)? }.release(version))
}
