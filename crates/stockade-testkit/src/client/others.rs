//! The clients of npm's registry besides npm: pnpm, Yarn and Bun.
//!
//! They come from the registry too, as packages, and are installed by npm without running code of theirs. Those that are
//! programs of this system are fetched as the package that holds nothing but the program.

use std::fmt;
use std::path::{Path, PathBuf};

use super::npm::{Npm, installed};
use super::skipped;

/// A client that can be run.
#[derive(Debug, Clone)]
pub struct Other {
    name: &'static str,
    version: &'static str,
    folder: PathBuf,
}

/// Where a client is found in what is installed.
struct Packed {
    name: &'static str,
    version: &'static str,
    package: fn() -> Option<String>,
    /// The folder of its program, from the package on; none of a script.
    within: Option<&'static str>,
}

const ALL: [Packed; 4] = [
    Packed { name: "pnpm", version: "10.34.9", package: || Some("pnpm".to_owned()), within: None },
    Packed { name: "pnpm", version: "12.21.0", package: || of_system("@pnpm/exe."), within: Some("") },
    Packed { name: "yarn", version: "4.18.1", package: || Some("@yarnpkg/cli-dist".to_owned()), within: None },
    Packed { name: "bun", version: "1.4.5", package: || of_system("@oven/bun-"), within: Some("bin") },
];

impl Other {
    /// All that can be had, of pnpm two versions. For each that cannot, a line is written.
    pub fn all() -> Vec<Self> {
        let found = ALL.iter().map(Self::of);
        found.filter_map(|other| other.inspect_err(|why| skipped(why)).ok()).collect()
    }

    /// Those of this name.
    pub fn named(name: &str) -> Vec<Self> {
        let found = ALL.iter().filter(|packed| packed.name == name).map(Self::of);
        found.filter_map(|other| other.inspect_err(|why| skipped(why)).ok()).collect()
    }

    /// The one with this name and this first number of its version, or the line that says why there is none.
    pub fn one(name: &str, major: u64) -> Result<Self, String> {
        let is_it = |packed: &&Packed| packed.name == name && major_of(packed.version) == major;
        ALL.iter().find(is_it).map_or_else(|| Err(format!("the tests have no {name} {major}")), Self::of)
    }

    fn of(packed: &Packed) -> Result<Self, String> {
        let Packed { name, version, .. } = *packed;
        let package = (packed.package)().ok_or_else(|| format!("{name} {version} is not made for this system"))?;
        let npm = Npm::on_path()?;
        let folder = installed(name, version, |fresh| npm.fetch(&format!("{package}@{version}"), fresh))?;
        let modules = folder.join("node_modules");
        let folder = packed.within.map_or_else(|| modules.join(".bin"), |within| modules.join(package).join(within));
        Ok(Self { name, version, folder })
    }

    /// Its name: `pnpm`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The first number of its version.
    pub fn major(&self) -> u64 {
        major_of(self.version)
    }

    /// The folder with its program.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The program.
    pub(super) fn program(&self) -> PathBuf {
        self.folder.join(self.name)
    }
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

fn major_of(version: &str) -> u64 {
    version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0)
}

/// The name of a package for this system, after its beginning.
fn of_system(start: &str) -> Option<String> {
    let system = match std::env::consts::OS {
        system @ "linux" => system,
        "macos" => "darwin",
        _ => return None,
    };
    let machine = match (std::env::consts::ARCH, start.contains("bun")) {
        ("x86_64", _) => "x64",
        ("aarch64", true) => "aarch64",
        ("aarch64", false) => "arm64",
        _ => return None,
    };
    Some(format!("{start}{system}-{machine}"))
}
