//! A project in a world of its own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::{Npm, Other, Output, PATIENCE, finish};

/// What passes from our environment to a client: how to find programs and certificates, and where temporary files go.
const PASSED_ON: [&str; 9] =
    ["PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "TMPDIR", "TEMP", "TMP", "LANG", "SystemRoot"];

/// A project in a temporary folder, with a home, a cache and a configuration of its own.
#[derive(Debug)]
pub struct Project {
    npm: Npm,
    other: Option<Other>,
    root: TempDir,
    environment: BTreeMap<OsString, OsString>,
}

impl Project {
    /// A project with this manifest.
    pub(super) fn new(npm: &Npm, manifest: &str) -> Self {
        let root = TempDir::with_prefix("stockade-").expect("a temporary folder can be made");
        for folder in ["home", "project", "cache"] {
            fs::create_dir(root.path().join(folder)).expect("a folder in a temporary folder can be made");
        }
        fs::write(root.path().join("global.npmrc"), "").expect("a temporary file can be written");
        let cache = root.path().join("cache");
        let project = Self { npm: npm.clone(), other: None, root, environment: BTreeMap::new() };
        project.write("package.json", manifest);
        project
            .config("cache", &cache.to_string_lossy())
            .config("update-notifier", "false")
            .config("fund", "false")
            .config("omit-lockfile-registry-resolved", "false")
    }

    /// Another client besides npm, which is what [`Project::run`] runs.
    #[must_use]
    pub fn with(mut self, other: &Other) -> Self {
        self.other = Some(other.clone());
        self
    }

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
        command.env("PATH", self.path_of_programs()).env("HOME", self.home()).env("USERPROFILE", self.home());
        command.env("NPM_CONFIG_GLOBALCONFIG", self.root.path().join("global.npmrc"));
        command.env("NO_COLOR", "1").envs(&self.environment);
        command
    }

    /// Runs the client with these arguments. After two minutes it is killed, with everything that it started.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        let program = self.other.as_ref().map_or_else(|| self.npm.program().to_owned(), Other::program);
        self.finish(self.command(program).args(arguments))
    }

    fn path_of_programs(&self) -> OsString {
        let own = self.other.iter().map(|other| other.folder().to_owned());
        let path = self.npm.path();
        let folders = own.chain(std::env::split_paths(&path));
        std::env::join_paths(folders).expect("what came out of a PATH fits into one")
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
