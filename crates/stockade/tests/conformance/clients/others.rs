//! pnpm, Yarn and Bun: one manifest, one folder of what is installed, and a lockfile each.

use std::process::Command;

use stockade_testkit::{Npm, Other, finished};

use super::{Client, Wanted, npm};
use crate::stage::Place;

pub(super) fn find(name: &str, major: u64) -> Result<Box<dyn Client>, String> {
    let other = Other::one(name, major)?;
    let npm = Npm::on_path()?;
    Ok(match name {
        "pnpm" => Box::new(Pnpm(other, npm)),
        "yarn" => Box::new(Yarn(other, npm)),
        _ => Box::new(Bun(other, npm)),
    })
}

struct Pnpm(Other, Npm);
struct Yarn(Other, Npm);
struct Bun(Other, Npm);

/// Nothing of it tries twice.
const IMPATIENT: [(&str, &str); 4] = [
    ("npm_config_fetch_retries", "0"),
    ("pnpm_config_fetch_retries", "0"),
    ("BUN_CONFIG_HTTP_RETRY_COUNT", "0"),
    ("YARN_ENABLE_IMMUTABLE_INSTALLS", "false"),
];

fn command(other: &Other, npm: &Npm, place: &Place, arguments: &[&str]) -> Command {
    let mut command = place.command(other.folder().join(other.name()));
    let path = npm.path();
    let folders = std::iter::once(other.folder().to_owned()).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(folders).unwrap()).envs(IMPATIENT).args(arguments);
    command
}

/// Runs what writes a lockfile, and keeps apart what the client has fetched for that.
fn written(mut command: Command, place: &Place) -> bool {
    let elsewhere = place.root.join("elsewhere");
    for name in ["YARN_GLOBAL_FOLDER", "BUN_INSTALL_CACHE_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME"] {
        command.env(name, &elsewhere);
    }
    let output = finished(&mut command);
    assert!(output.ok(), "{output}");
    true
}

impl Client for Pnpm {
    fn descriptor(&self) -> &'static str {
        "pnpm"
    }

    fn configured_in(&self) -> &'static str {
        ".npmrc"
    }

    fn want(&self, place: &Place, wanted: Wanted) {
        npm::want(place, wanted);
    }

    fn install(&self, place: &Place) -> Command {
        command(&self.0, &self.1, place, &["install", "--no-frozen-lockfile"])
    }

    fn lock(&self, place: &Place, registry: &str, _: &str) -> bool {
        let registry = format!("--registry={registry}");
        written(command(&self.0, &self.1, place, &["install", "--lockfile-only", &registry]), place)
    }

    fn install_locked(&self, place: &Place) -> Command {
        command(&self.0, &self.1, place, &["install", "--frozen-lockfile"])
    }

    fn publish(&self, place: &Place, mark: &str, token: &str) -> Result<Command, &'static str> {
        npm::package(place, mark, token);
        let mut command = command(&self.0, &self.1, place, &["publish", "--no-git-checks"]);
        command.current_dir(place.package_folder());
        Ok(command)
    }

    fn installed(&self, place: &Place) -> Option<String> {
        npm::installed(place)
    }
}

impl Client for Yarn {
    fn descriptor(&self) -> &'static str {
        "yarn"
    }

    fn configured_in(&self) -> &'static str {
        ".yarnrc.yml"
    }

    fn configuration(&self) -> &'static str {
        "nodeLinker: node-modules\nenableTelemetry: false\nhttpRetry: 0\n"
    }

    fn want(&self, place: &Place, wanted: Wanted) {
        npm::want(place, wanted);
        place.write("project/yarn.lock", "");
    }

    fn install(&self, place: &Place) -> Command {
        command(&self.0, &self.1, place, &["install"])
    }

    fn lock(&self, place: &Place, registry: &str, _: &str) -> bool {
        let mut command = command(&self.0, &self.1, place, &["install", "--mode=update-lockfile"]);
        command.env("YARN_NPM_REGISTRY_SERVER", registry.trim_end_matches('/'));
        command.env("YARN_UNSAFE_HTTP_WHITELIST", crate::leaks::UPSTREAM);
        written(command, place)
    }

    fn install_locked(&self, place: &Place) -> Command {
        command(&self.0, &self.1, place, &["install", "--immutable"])
    }

    fn publish(&self, place: &Place, mark: &str, token: &str) -> Result<Command, &'static str> {
        npm::package(place, mark, token);
        place.write("package/yarn.lock", "");
        let mut install = command(&self.0, &self.1, place, &["install"]);
        let output = finished(install.current_dir(place.package_folder()));
        assert!(output.ok(), "{output}");
        let mut command = command(&self.0, &self.1, place, &["npm", "publish"]);
        command.current_dir(place.package_folder()).env("YARN_NPM_AUTH_TOKEN", token);
        Ok(command)
    }

    fn installed(&self, place: &Place) -> Option<String> {
        npm::installed(place)
    }
}

impl Client for Bun {
    fn descriptor(&self) -> &'static str {
        "bun"
    }

    fn configured_in(&self) -> &'static str {
        ".bunfig.toml"
    }

    fn want(&self, place: &Place, wanted: Wanted) {
        npm::want(place, wanted);
    }

    fn install(&self, place: &Place) -> Command {
        command(&self.0, &self.1, place, &["install"])
    }

    /// It names the address of every file, and is asked for nothing but that.
    fn lock(&self, place: &Place, registry: &str, gateway: &str) -> bool {
        let mut command = command(&self.0, &self.1, place, &["install", "--lockfile-only"]);
        command.env("BUN_CONFIG_REGISTRY", registry);
        let written = written(command, place);
        let lockfile = place.read("project/bun.lock").replace(registry, &format!("{gateway}/"));
        place.write("project/bun.lock", lockfile);
        written
    }

    fn install_locked(&self, place: &Place) -> Command {
        command(&self.0, &self.1, place, &["install", "--frozen-lockfile"])
    }

    fn publish(&self, place: &Place, mark: &str, token: &str) -> Result<Command, &'static str> {
        npm::package(place, mark, token);
        let mut command = command(&self.0, &self.1, place, &["publish"]);
        command.current_dir(place.package_folder());
        Ok(command)
    }

    fn installed(&self, place: &Place) -> Option<String> {
        npm::installed(place)
    }
}
