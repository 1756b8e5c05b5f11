//! What tells which releases a build of the Java world uses.
//!
//! Gradle has lockfiles, if the project wants them, and a list of digests. Maven has neither: a `pom.xml` names what the
//! project asks for itself, and what that needs only Maven knows. So of it the versions are read that stand there, and all
//! else is a problem that says why it could not be known. What it inherits is read where those files are there.

mod elements;
mod gradle;
mod pom;

use bytes::Bytes;
use stockade_model::{Malformed, Release};

use super::{package, version};
use crate::archive::extension;
use crate::locked::read;
use crate::{Foreseen, Linked, Lockfile};

pub(super) static GRADLE_LOCK: Lockfile = Lockfile {
    name: "gradle.lockfile",
    matches: |path| {
        let file = file(path);
        let is_below = path.rsplit('/').nth(1) == Some("dependency-locks");
        file == "gradle.lockfile" || file == "buildscript-gradle.lockfile" || (is_below && file.ends_with(".lockfile"))
    },
    parse: |bytes| read(bytes, gradle::lockfile),
};

pub(super) static VERIFICATION: Lockfile = Lockfile {
    name: "verification-metadata.xml",
    matches: |path| file(path) == "verification-metadata.xml",
    parse: |bytes| read(bytes, gradle::verification),
};

pub(super) static POM: Lockfile = Lockfile {
    name: "pom.xml",
    matches: |path| file(path) == "pom.xml" || extension(path) == "pom",
    parse: |bytes| read(bytes, pom::parse),
};

pub(super) static BUILD: Linked = Linked { file: &POM, leads: pom::parents, parse: pom::together };

/// What Maven asks for when it has the build description of a release: those of its parents, of the lists that it imports,
/// and of what it needs.
pub(super) fn foreseen(files: &[(Release, Bytes)]) -> Foreseen {
    let description = |release: Release| {
        let file = format!("{0}/{1}-{0}.pom", release.version, release.package.name.split().1);
        release.with_file(file)
    };
    let (with, needs) = pom::foreseen(files);
    Foreseen { with: with.into_iter().map(description).collect(), needs: needs.into_iter().map(description).collect() }
}

fn file(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The release of this group, artifact and version.
pub(super) fn release(group: &str, artifact: &str, text: &str) -> Result<Release, Malformed> {
    version::parse(text)?;
    Ok(package(&format!("{group}:{artifact}"))?.release(text))
}
