//! GitHub Actions: what a workflow runs, of which only files are read.
//!
//! A step names a repository and a ref of it, and the code is fetched when the job runs. A ref that is a tag or a branch can
//! be moved to other code, by whoever owns the repository or has stolen it, and no version changes then. A commit cannot
//! be moved. So of each ref is kept whether it is a commit ([`crate::Locked::is_movable`]); a commit is no version, and the
//! version that people write behind it in a comment is only what they say.
//!
//! The type in a package URL is that of repositories, since a registry of its own this has not.

mod name;
mod version;
mod workflow;

use stockade_model::{EcosystemId, Malformed, Package, Release};

use crate::Ecosystem;

/// The descriptor.
pub static ACTIONS: Ecosystem = Ecosystem {
    id: ID,
    purl_type: "github",
    osv: "GitHub Actions",
    name: name::parse,
    joins_alike: false,
    version: version::parse,
    lockfiles: &[&workflow::WORKFLOW, &workflow::ACTION],
    linked: None,
    manifests: &[],
    installed: None,
    registry: None,
    clients: &[],
    interpreted: None,
    artifacts: &[],
};

const ID: EcosystemId = EcosystemId::new("github");

/// The release of a repository at a ref.
fn release(name: &str, at: &str) -> Result<Release, Malformed> {
    let malformed = |why| Malformed::new("a ref", at, why);
    if at.is_empty() || at.len() > crate::order::MAX_BYTES {
        return Err(malformed("it has 1 to 255 bytes"));
    }
    if at.chars().any(|c| c.is_whitespace() || c.is_control() || "~^:?*[\\$".contains(c)) {
        return Err(malformed("it has a character that no ref has"));
    }
    Ok(Package { ecosystem: ID, name: name::parse(name)? }.release(at))
}
