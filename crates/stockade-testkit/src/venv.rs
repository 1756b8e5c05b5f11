//! Clients that are packages of Python, in an environment of their own.
//!
//! A system has one pip, and rarely the newest. What a person reads differs from version to version, so the version is
//! part of what is tested: it is fetched once, from the index that the system's pip is configured for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::PoisonError;

use crate::client::{INSTALLATION, INSTALLING, cache, finish};

/// The system's Python: one that is a script of a version manager wants the home of its user.
const PYTHON: &str = "/usr/bin/python3";

/// An environment with one client in it.
#[derive(Debug, Clone)]
pub struct Venv(PathBuf);

impl Venv {
    /// The environment with exactly this version of a package. The error is one line.
    pub fn with(package: &str, version: &str) -> Result<Self, String> {
        let _one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = cache().join(format!("{package}-{version}"));
        if !folder.exists() {
            let wanted = format!("{package}=={version}");
            install(&wanted, &folder).map_err(|why| format!("{package} {version} is not here: {why}"))?;
        }
        Ok(Self(folder))
    }

    /// Its Python, which runs modules: `-m pip`. Programs in it that are scripts know only where they were made.
    pub fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// A program in it.
    pub fn program(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }
}

/// Makes the environment beside the folder and moves it there, so that a folder that exists is complete.
fn install(wanted: &str, folder: &Path) -> Result<(), String> {
    if !Path::new(PYTHON).is_file() {
        return Err(format!("{PYTHON} is not there"));
    }
    let parent = folder.parent().ok_or("the folder for test clients is no folder")?;
    fs::create_dir_all(parent).map_err(|error| format!("no folder for test clients: {error}"))?;
    let fresh = tempfile::Builder::new().prefix("new-").tempdir_in(parent);
    let fresh = fresh.map_err(|error| format!("no folder for test clients: {error}"))?;
    run(Command::new(PYTHON).args(["-m", "venv"]).arg(fresh.path()))?;
    let mut pip = Command::new(fresh.path().join("bin/python"));
    run(pip.args(["-m", "pip", "--disable-pip-version-check", "install", "--quiet", wanted]))?;
    // Another process may have been faster; its environment is as good.
    if fs::rename(fresh.path(), folder).is_err() && !folder.exists() {
        return Err("its folder could not be moved into place".to_owned());
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = finish(command, INSTALLATION)?;
    let said = || format!("{}{}", output.stderr, output.stdout);
    let line =
        || said().lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason was given").trim().to_owned();
    if output.ok() { Ok(()) } else { Err(line()) }
}
