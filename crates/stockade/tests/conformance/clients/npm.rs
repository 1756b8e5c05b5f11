//! npm.

use std::process::Command;

use serde_json::{Value, json};
use stockade_testkit::{Npm, finished};

use super::{Client, Wanted};
use crate::stage::Place;

pub(super) fn find(version: &str) -> Result<Box<dyn Client>, String> {
    Ok(Box::new(Npm::version(version)?))
}

/// What a project of these clients writes to want a package.
pub(super) fn want(place: &Place, wanted: Wanted) {
    let version = match wanted {
        Wanted::Range => "^1.0.0",
        Wanted::Exact(version) => version,
    };
    let manifest = json!({"name": "app", "version": "1.0.0", "dependencies": {&place.package: version}});
    place.write("project/package.json", manifest.to_string());
}

/// The version that is in the folder of what is installed.
pub(super) fn installed(place: &Place) -> Option<String> {
    let manifest = place.project().join("node_modules").join(&place.package).join("package.json");
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(manifest).ok()?).ok()?;
    Some(manifest["version"].as_str()?.to_owned())
}

/// What somebody publishes, and the token for it in the file that npm and pnpm read.
pub(super) fn package(place: &Place, mark: &str, token: &str) {
    let manifest = json!({"name": &place.package, "version": "1.0.0", "main": "index.js"});
    place.write("package/package.json", manifest.to_string());
    place.write("package/index.js", format!("module.exports = '{mark}'\n"));
    let registry = place.gateway.trim_start_matches("http:");
    let npmrc = std::fs::read_to_string(place.home().join(".npmrc")).unwrap_or_default();
    place.write("home/.npmrc", format!("{npmrc}{registry}/:_authToken={token}\n"));
}

fn command(npm: &Npm, place: &Place, arguments: &[&str]) -> Command {
    let mut command = place.command(npm.program());
    command.env("PATH", npm.path()).args(arguments);
    command
}

impl Client for Npm {
    fn descriptor(&self) -> &'static str {
        "npm"
    }

    fn configured_in(&self) -> &'static str {
        ".npmrc"
    }

    fn configuration(&self) -> &'static str {
        "fetch-retries=0\nupdate-notifier=false\nfund=false\n"
    }

    fn want(&self, place: &Place, wanted: Wanted) {
        want(place, wanted);
    }

    fn install(&self, place: &Place) -> Command {
        command(self, place, &["install"])
    }

    fn lock(&self, place: &Place, registry: &str, _: &str) -> bool {
        let output = finished(&mut command(self, place, &["install", "--package-lock-only", "--registry", registry]));
        assert!(output.ok(), "{output}");
        true
    }

    fn install_locked(&self, place: &Place) -> Command {
        command(self, place, &["ci"])
    }

    fn publish(&self, place: &Place, mark: &str, token: &str) -> Result<Command, &'static str> {
        package(place, mark, token);
        let mut command = command(self, place, &["publish"]);
        command.current_dir(place.package_folder());
        Ok(command)
    }

    fn installed(&self, place: &Place) -> Option<String> {
        installed(place)
    }
}
