//! Packagist: the packages of PHP, of which only files are read.
//!
//! A lockfile has for each package where its archive is and where its sources are. Archives are mostly made by the host of
//! the sources when they are asked for, so few have a digest, and it is SHA-1. A branch (`dev-main`) is a version too; it has
//! no place in any order, and what it means is the commit beside it.

mod installed;
mod lockfile;
mod manifest;
mod name;
mod version;

use stockade_model::{EcosystemId, Malformed, Package, Release};

use crate::Ecosystem;

/// The descriptor.
pub static COMPOSER: Ecosystem = Ecosystem {
    id: ID,
    purl_type: "composer",
    osv: "Packagist",
    name: name::parse,
    joins_alike: false,
    version: version::parse,
    lockfiles: &[&lockfile::COMPOSER_LOCK],
    linked: None,
    manifests: &[&manifest::COMPOSER_JSON],
    installed: Some(&installed::INSTALLED),
    registry: None,
    clients: &[],
    interpreted: None,
    artifacts: &[],
};

const ID: EcosystemId = EcosystemId::new("composer");

/// The release of this name and version, which may be a branch and have no order.
fn release(name: &str, version: &str) -> Result<Release, Malformed> {
    if version.is_empty() || version.len() > crate::order::MAX_BYTES || version.chars().any(char::is_control) {
        return Err(Malformed::new("a version", version, "it has 1 to 255 bytes, all of them of a text"));
    }
    Ok(Package { ecosystem: ID, name: name::parse(name)? }.release(version))
}
