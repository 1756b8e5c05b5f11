//! Poetry, in projects that name the gateway, as `setup` says that they have to.

use std::process::Command;

use stockade_testkit::{PythonTool, finished};

use super::pip::{installed_in, requirement, wheel};
use super::{Client, Wanted};
use crate::stage::Place;

pub(super) fn find(version: &str) -> Result<Box<dyn Client>, String> {
    Ok(Box::new(Poetry(PythonTool::installed("poetry", version)?)))
}

struct Poetry(PythonTool);

/// Where a lockfile has a digest of the parts of the project that it is made of, sources among them.
const DIGEST: &str = "content-hash = ";

impl Poetry {
    fn command(&self, place: &Place, arguments: &[&str]) -> Command {
        let mut command = place.command(self.0.program());
        command.env("POETRY_VIRTUALENVS_IN_PROJECT", "true").env("POETRY_REQUESTS_MAX_RETRIES", "0");
        command.env("POETRY_VIRTUALENVS_OPTIONS_NO_PIP", "true").arg("-n").args(arguments);
        command
    }

    /// The lockfile of a project as it is now.
    fn locked(&self, place: &Place) -> String {
        let output = finished(&mut self.command(place, &["lock"]));
        assert!(output.ok(), "{output}");
        place.read("project/poetry.lock")
    }
}

impl Client for Poetry {
    fn descriptor(&self) -> &'static str {
        "poetry"
    }

    fn configured_in(&self) -> &'static str {
        ".config/pypoetry/config.toml"
    }

    fn want(&self, place: &Place, wanted: Wanted) {
        let wanted = requirement(&place.package, wanted);
        let project = "[project]\nname = \"app\"\nversion = \"1.0.0\"\nrequires-python = \">=3.8\"\n";
        let (_, descriptor) = stockade_ecosystem::client_of(self.descriptor()).unwrap();
        let source = descriptor.by_hand.unwrap()(&place.gateway);
        let project = format!("{project}dependencies = [\"{wanted}\"]\n[tool.poetry]\npackage-mode = false\n{source}");
        place.write("project/pyproject.toml", project);
    }

    fn install(&self, place: &Place) -> Command {
        self.command(place, &["install"])
    }

    /// What a project names, the lockfile names too, and it has to fit. So one is made with each.
    fn lock(&self, place: &Place, registry: &str, gateway: &str) -> bool {
        let project = place.read("project/pyproject.toml");
        let ours = self.locked(place);
        std::fs::remove_file(place.project().join("poetry.lock")).unwrap();
        let digest = ours.lines().find(|line| line.starts_with(DIGEST)).unwrap();
        let (registry, gateway) = (registry.trim_end_matches('/'), format!("{gateway}/simple"));
        place.write("project/pyproject.toml", project.replace(&gateway, registry));
        let theirs = self.locked(place).replace(registry, &gateway);
        let lines = theirs.lines().map(|line| if line.starts_with(DIGEST) { digest } else { line });
        place.write("project/poetry.lock", lines.flat_map(|line| [line, "\n"]).collect::<String>());
        place.write("project/pyproject.toml", project);
        std::fs::remove_dir_all(place.home().join(".cache")).unwrap();
        true
    }

    fn install_locked(&self, place: &Place) -> Command {
        self.command(place, &["sync"])
    }

    fn publish(&self, place: &Place, mark: &str, token: &str) -> Result<Command, &'static str> {
        wheel(place, mark);
        let project = format!("[project]\nname = \"{}\"\nversion = \"1.0.0\"\n", place.package);
        place.write("package/pyproject.toml", project);
        let mut command = self.command(place, &["publish", "-r", "stockade"]);
        command.current_dir(place.package_folder());
        command.env("POETRY_REPOSITORIES_STOCKADE_URL", format!("{}/legacy/", place.gateway));
        command.env("POETRY_PYPI_TOKEN_STOCKADE", token);
        Ok(command)
    }

    fn installed(&self, place: &Place) -> Option<String> {
        let libraries = std::fs::read_dir(place.project().join(".venv/lib")).ok()?;
        let mut libraries = libraries.flatten().map(|entry| entry.path().join("site-packages"));
        libraries.find_map(|folder| installed_in(&folder, &place.package))
    }
}
