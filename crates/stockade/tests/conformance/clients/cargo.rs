//! The cargo that builds these tests.

use std::path::Path;
use std::process::Command;

use stockade_testkit::finished;

use super::{Client, Wanted, other_version, rest_of_name};
use crate::stage::Place;

const CARGO: &str = env!("CARGO");

pub(super) fn find(version: &str) -> Result<Box<dyn Client>, String> {
    let output = finished(Command::new(CARGO).arg("--version"));
    let found = output.stdout.split_whitespace().nth(1).unwrap_or("of no version");
    if found == version { Ok(Box::new(Cargo)) } else { Err(other_version("cargo", version, found)) }
}

struct Cargo;

fn command(place: &Place, arguments: &[&str]) -> Command {
    let mut command = place.command(CARGO);
    // The compiler's own libraries are there. With its cargo called by its place, it decides nothing else.
    let folder = Path::new(CARGO).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [folder.to_path_buf()].into_iter().chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(folders).unwrap()).env("RUSTUP_HOME", folder.parent().unwrap());
    command.env("CARGO_NET_RETRY", "0").args(arguments);
    command
}

impl Client for Cargo {
    fn descriptor(&self) -> &'static str {
        "cargo"
    }

    fn configured_in(&self) -> &'static str {
        ".cargo/config.toml"
    }

    fn want(&self, place: &Place, wanted: Wanted) {
        let version = match wanted {
            Wanted::Range => "1".to_owned(),
            Wanted::Exact(version) => format!("={version}"),
        };
        let package = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
        let wanted = format!("{package}\n[dependencies]\n{} = \"{version}\"\n", place.package);
        place.write("project/Cargo.toml", wanted);
        place.write("project/src/main.rs", "fn main() {}\n");
    }

    fn install(&self, place: &Place) -> Command {
        command(place, &["fetch"])
    }

    /// It names the registry that stands behind, wherever crates come from.
    fn lock(&self, place: &Place, registry: &str, _: &str) -> bool {
        let replaced = "source.crates-io.replace-with=\"mirror\"";
        let mirror = format!("source.mirror.registry=\"sparse+{registry}\"");
        let mut command = command(place, &["--config", replaced, "--config", &mirror, "generate-lockfile"]);
        let output = finished(&mut command);
        assert!(output.ok(), "{output}");
        true
    }

    fn install_locked(&self, place: &Place) -> Command {
        command(place, &["fetch", "--locked"])
    }

    fn publish(&self, place: &Place, mark: &str, token: &str) -> Result<Command, &'static str> {
        let package = format!("[package]\nname = \"{}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n", place.package);
        place.write("package/Cargo.toml", package + "description = \"ours\"\nlicense = \"MIT\"\n");
        place.write("package/src/lib.rs", format!("pub const MARK: &str = \"{mark}\";\n"));
        let mut command = command(place, &["publish", "--registry", "acme", "--no-verify"]);
        command.current_dir(place.package_folder());
        command.env("CARGO_REGISTRIES_ACME_INDEX", format!("sparse+{}/index/", place.gateway));
        command.env("CARGO_REGISTRIES_ACME_CREDENTIAL_PROVIDER", "cargo:token");
        command.env("CARGO_REGISTRIES_ACME_TOKEN", token);
        Ok(command)
    }

    fn installed(&self, place: &Place) -> Option<String> {
        let sources = std::fs::read_dir(place.home().join(".cargo/registry/src")).ok()?;
        let mut sources = sources.flatten().map(|entry| entry.path());
        sources.find_map(|folder| rest_of_name(&folder, &format!("{}-", place.package), ""))
    }
}
