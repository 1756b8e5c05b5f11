//! uv. Its lockfile names the address of every file, and of it nothing else is asked.

use std::process::Command;

use stockade_testkit::{PythonTool, finished};

use super::pip::{installed_in, requirement, wheel};
use super::{Client, Wanted};
use crate::stage::Place;

pub(super) fn find(version: &str) -> Result<Box<dyn Client>, String> {
    Ok(Box::new(Uv(PythonTool::installed("uv", version)?)))
}

struct Uv(PythonTool);

impl Uv {
    fn command(&self, place: &Place, arguments: &[&str]) -> Command {
        let mut command = place.command(self.0.program());
        command.env("UV_PYTHON", self.0.python()).env("UV_PYTHON_DOWNLOADS", "never").env("UV_HTTP_RETRIES", "0");
        command.args(arguments);
        command
    }
}

impl Client for Uv {
    fn descriptor(&self) -> &'static str {
        "uv"
    }

    fn configured_in(&self) -> &'static str {
        ".config/uv/uv.toml"
    }

    fn want(&self, place: &Place, wanted: Wanted) {
        let wanted = requirement(&place.package, wanted);
        let project = "[project]\nname = \"app\"\nversion = \"1.0.0\"\nrequires-python = \">=3.8\"\n";
        place.write("project/pyproject.toml", format!("{project}dependencies = [\"{wanted}\"]\n"));
    }

    fn install(&self, place: &Place) -> Command {
        self.command(place, &["sync"])
    }

    fn lock(&self, place: &Place, registry: &str, gateway: &str) -> bool {
        let output = finished(&mut self.command(place, &["lock", "--no-config", "--default-index", registry]));
        assert!(output.ok(), "{output}");
        let (host, mount) = registry.trim_end_matches("/simple/").rsplit_once('/').unwrap();
        let files = format!("{gateway}/files/{}/{mount}/files/", place.package);
        let lockfile = place.read("project/uv.lock").replace(&format!("{host}/{mount}/files/"), &files);
        place.write("project/uv.lock", lockfile.replace(registry, &format!("{gateway}/simple")));
        true
    }

    fn install_locked(&self, place: &Place) -> Command {
        self.command(place, &["sync", "--frozen"])
    }

    fn publish(&self, place: &Place, mark: &str, token: &str) -> Result<Command, &'static str> {
        let (address, wheel) = (format!("{}/legacy/", place.gateway), wheel(place, mark));
        Ok(self.command(place, &["publish", "--publish-url", &address, "--token", token, &wheel]))
    }

    fn installed(&self, place: &Place) -> Option<String> {
        let libraries = std::fs::read_dir(place.project().join(".venv/lib")).ok()?;
        let mut libraries = libraries.flatten().map(|entry| entry.path().join("site-packages"));
        libraries.find_map(|folder| installed_in(&folder, &place.package))
    }
}
