//! Programs that are Python packages, such as Poetry: each in an environment of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::client::{INSTALLATION, cache, finish, skipped};

/// The Python that they run on: the system's, because one of a version manager does more than Python.
const PYTHON: &str = "/usr/bin/python3";

static INSTALLING: Mutex<()> = Mutex::new(());

/// A program that is a Python package.
#[derive(Debug, Clone)]
pub struct PythonTool {
    program: PathBuf,
}

impl PythonTool {
    /// This version of a program, installed for tests, once, from the index that the machine's pip is configured for. If it
    /// cannot be had, the line that says so is written, for a test that ends there.
    pub fn or_skip(name: &str, version: &str) -> Option<Self> {
        let outcome = Self::installed(name, version);
        outcome.inspect_err(|why| skipped(&format!("what {name} does: {why}"))).ok()
    }

    /// The Python that has this version of a library, `name[extra]` included, or the line that says why there is none.
    pub fn library_or_skip(name: &str, version: &str) -> Option<PathBuf> {
        let outcome = environment(name, version).map(|link| link.join("bin/python"));
        outcome.inspect_err(|why| skipped(&format!("what {name} says: {why}"))).ok()
    }

    /// The same, or the line that says why not.
    pub fn installed(name: &str, version: &str) -> Result<Self, String> {
        let program = environment(name, version)?.join("bin").join(name);
        // Its place is the one that it was installed at, and the name leads there.
        let program = program.canonicalize().map_err(|error| format!("its installation is broken: {error}"))?;
        Ok(Self { program })
    }

    /// Its Python, which runs modules: `-m pip`.
    pub fn python(&self) -> PathBuf {
        self.program.with_file_name("python")
    }

    /// The program itself.
    pub fn program(&self) -> &Path {
        &self.program
    }
}

/// The environment that has this version of a package.
fn environment(name: &str, version: &str) -> Result<PathBuf, String> {
    // Tests of one process that want the same at once shall not all fetch it.
    let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let link = cache().join(format!("{name}-{version}"));
    if !link.exists() {
        install(&format!("{name}=={version}"), &link)?;
    }
    Ok(link)
}

/// An environment names its own place in every program of it, so it cannot be moved: it is made under another name, to
/// which a link leads when it is complete.
fn install(wanted: &str, link: &Path) -> Result<(), String> {
    if !Path::new(PYTHON).is_file() {
        return Err(format!("there is no {PYTHON}"));
    }
    let parent = link.parent().ok_or("the folder for test clients is no folder")?;
    let making = fs::create_dir_all(parent).and_then(|()| {
        let folder = tempfile::Builder::new().prefix("python-").tempdir_in(parent)?;
        fs::canonicalize(folder.keep())
    });
    let folder = making.map_err(|error| format!("no folder for test clients: {error}"))?;
    let installing = || {
        run(Command::new(PYTHON).args(["-m", "venv"]).arg(&folder))?;
        let mut pip = Command::new(folder.join("bin/python"));
        run(pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary=:all:",
            wanted,
        ]))?;
        // Another test may have been faster; its installation is as good.
        let linked = std::os::unix::fs::symlink(&folder, link);
        linked
            .or_else(|error| if link.exists() { Ok(()) } else { Err(format!("it could not be put in place: {error}")) })
    };
    installing().inspect_err(|_| drop(fs::remove_dir_all(&folder)))
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = finish(command, INSTALLATION)?;
    let line = || output.stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason was given");
    if output.ok() { Ok(()) } else { Err(format!("it could not be installed: {}", line().trim())) }
}
