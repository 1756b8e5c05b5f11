//! The lockfiles of npm's clients: npm, pnpm, Yarn and Bun.
//!
//! All of them name each release with its version. They differ in where it came from. npm's has the address of each
//! tarball, which does not tell whether a registry gave it. The others leave out what is where the registry says, and then
//! the registry is the one that the client is configured for.
//!
//! An alias (`npm:`) is an entry under another name: the release is the one that was meant.

mod berry;
mod bun;
mod paths;
mod pnpm;
mod pnpm_key;
mod shrinkwrap;
mod yaml;
mod yarn;

use stockade_model::{Malformed, Release};

use super::{package, version};
use crate::locked::read;
use crate::{Lockfile, Origin};

pub(super) static PACKAGE_LOCK: Lockfile = Lockfile {
    name: "package-lock.json",
    // The second one is also in packages, and if both are in a folder, it counts.
    matches: |path| ["package-lock.json", "npm-shrinkwrap.json"].contains(&file(path)),
    parse: |bytes| read(bytes, shrinkwrap::parse),
};

pub(super) static PNPM_LOCK: Lockfile = Lockfile {
    name: "pnpm-lock.yaml",
    matches: |path| {
        // With branches' own lockfiles: `pnpm-lock.feature.yaml`.
        let rest = file(path).strip_prefix("pnpm-lock.").and_then(|rest| rest.strip_suffix("yaml"));
        rest.is_some_and(|branch| branch.is_empty() || branch.ends_with('.'))
    },
    parse: |bytes| read(bytes, pnpm::parse),
};

pub(super) static YARN_LOCK: Lockfile = Lockfile {
    name: "yarn.lock",
    matches: |path| file(path) == "yarn.lock",
    parse: |bytes| {
        read(bytes, |text, out| {
            // Newer Yarn says so in an entry of its own.
            let is_berry = text.lines().any(|line| line.starts_with("__metadata:"));
            if is_berry { berry::parse(text, out) } else { yarn::parse(text, out) }
        })
    },
};

pub(super) static BUN_LOCK: Lockfile =
    Lockfile { name: "bun.lock", matches: |path| file(path) == "bun.lock", parse: |bytes| read(bytes, bun::parse) };

fn file(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The release of this name and version, the version as the registry spells it.
pub(super) fn release(name: &str, text: &str) -> Result<Release, Malformed> {
    let package = package(name)?;
    let order = version::parse(text)?;
    match order {
        crate::Version::SemVer(order) if semver::Version::parse(text).is_err() => {
            Ok(package.release(order.to_string()))
        }
        _ => Ok(package.release(text)),
    }
}

/// Where an address leads. One by HTTP is of a registry, as far as anybody can tell.
pub(super) fn origin(text: &str) -> Origin {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    match scheme {
        "http" | "https" => Origin::Registry(Some(crate::locked::address(text))),
        "git" | "github" | "gitlab" | "bitbucket" | "gist" => Origin::Git(crate::locked::git_address(text, None)),
        scheme if scheme.starts_with("git+") => Origin::Git(crate::locked::git_address(text, None)),
        _ => Origin::Path(crate::locked::address(text.strip_prefix("file:").unwrap_or(text))),
    }
}
