//! pip. Its lockfile is a list of requirements with hashes.

use std::process::Command;

use stockade_testkit::{Distribution, PythonTool};

use super::{Client, Wanted, rest_of_name};
use crate::stage::Place;

pub(super) fn find(version: &str) -> Result<Box<dyn Client>, String> {
    Ok(Box::new(Pip(PythonTool::installed("pip", version)?, PythonTool::installed("twine", TWINE)?)))
}

/// pip publishes nothing, and its users have this for that.
const TWINE: &str = "6.2.0";

struct Pip(PythonTool, PythonTool);

impl Pip {
    fn command(&self, place: &Place, arguments: &[&str]) -> Command {
        let mut command = place.command(self.0.python());
        command.env("PIP_RETRIES", "0").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        command.args(["-m", "pip", "install", "--target", "out", "-r", "requirements.txt"]).args(arguments);
        command
    }
}

/// The version of a wheel's folder of metadata.
pub(super) fn installed_in(folder: &std::path::Path, package: &str) -> Option<String> {
    rest_of_name(folder, &format!("{}-", package.replace('-', "_")), ".dist-info")
}

/// What a Python project writes to want a package.
pub(super) fn requirement(package: &str, wanted: Wanted) -> String {
    match wanted {
        Wanted::Range => format!("{package}>=1,<2"),
        Wanted::Exact(version) => format!("{package}=={version}"),
    }
}

/// The path of a wheel that somebody publishes.
pub(super) fn wheel(place: &Place, mark: &str) -> String {
    let wheel = Distribution::wheel(&place.package, "1.0.0").file("acme/mark.py", format!("MARK = '{mark}'\n"));
    let path = format!("package/dist/{}", wheel.file_name());
    place.write(&path, wheel.packed());
    place.root.join(path).display().to_string()
}

impl Client for Pip {
    fn descriptor(&self) -> &'static str {
        "pip"
    }

    fn configured_in(&self) -> &'static str {
        ".config/pip/pip.conf"
    }

    fn want(&self, place: &Place, wanted: Wanted) {
        place.write("project/requirements.txt", requirement(&place.package, wanted) + "\n");
    }

    fn install(&self, place: &Place) -> Command {
        self.command(place, &[])
    }

    fn lock(&self, place: &Place, _: &str, _: &str) -> bool {
        let digest = Distribution::wheel(&place.package, "1.1.0").checksum();
        place.write("project/requirements.txt", format!("{}==1.1.0 --hash=sha256:{digest}\n", place.package));
        true
    }

    fn install_locked(&self, place: &Place) -> Command {
        self.command(place, &["--require-hashes"])
    }

    fn publish(&self, place: &Place, mark: &str, token: &str) -> Result<Command, &'static str> {
        let mut command = place.command(self.1.program());
        command.args(["upload", "--non-interactive", "--disable-progress-bar", "--repository-url"]);
        command.arg(format!("{}/legacy/", place.gateway)).arg(wheel(place, mark));
        command.env("TWINE_USERNAME", "__token__").env("TWINE_PASSWORD", token);
        Ok(command)
    }

    fn installed(&self, place: &Place) -> Option<String> {
        installed_in(&place.project().join("out"), &place.package)
    }
}
