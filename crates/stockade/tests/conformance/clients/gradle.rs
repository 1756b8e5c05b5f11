//! Gradle, with a build that needs no plugin: it resolves a configuration, and writes down what it got.

use std::process::Command;

use stockade_testkit::finished;
use tempfile::TempDir;

use super::{Client, Wanted, other_version};
use crate::stage::Place;

pub(super) fn find(version: &str) -> Result<Box<dyn Client>, String> {
    if !Command::new("gradle").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Err("there is no gradle on the PATH".to_owned());
    }
    let output = finished(Command::new("gradle").arg("--version"));
    let line = output.stdout.lines().find_map(|line| line.strip_prefix("Gradle "));
    let found = line.unwrap_or("of no version").trim();
    if found == version { Ok(Box::new(Gradle::new())) } else { Err(other_version("gradle", version, found)) }
}

/// It has a daemon of its own, without which every build would begin with a Java virtual machine.
struct Gradle(TempDir);

impl Gradle {
    fn new() -> Self {
        Self(TempDir::with_prefix("stockade-").unwrap())
    }

    /// How its daemon is found. Where nobody ends it, it ends by itself, after a minute.
    fn daemon(&self) -> [String; 2] {
        let known = format!("-Dorg.gradle.daemon.registry.base={}", self.0.path().display());
        [known, "-Dorg.gradle.daemon.idletimeout=60000".to_owned()]
    }

    fn command(&self, place: &Place, arguments: &[&str]) -> Command {
        let mut command = place.command("gradle");
        // Java takes the home from the system's list of users.
        command.env("GRADLE_USER_HOME", place.home().join(".gradle"));
        command.args(["--daemon", "-q"]).args(self.daemon()).args(arguments);
        command
    }
}

impl Drop for Gradle {
    fn drop(&mut self) {
        let mut command = Command::new("gradle");
        command.current_dir(self.0.path()).env("GRADLE_USER_HOME", self.0.path());
        let _ = finished(command.arg("--stop").args(self.daemon()));
    }
}

/// Where the build writes down the name of what it got.
const RESOLVED: &str = "project/resolved";

impl Client for Gradle {
    fn descriptor(&self) -> &'static str {
        "gradle"
    }

    fn configured_in(&self) -> &'static str {
        ".gradle/init.d/stockade.gradle"
    }

    fn want(&self, place: &Place, wanted: Wanted) {
        let version = match wanted {
            Wanted::Range => "[1.0.0,2)",
            Wanted::Exact(version) => version,
        };
        let package = &place.package;
        let build = format!(
            "configurations {{ needed }}\nrepositories {{ mavenCentral() }}\n\
             dependencies {{ needed '{package}:{version}@pom' }}\n\
             task resolve {{ doLast {{ configurations.needed.files.each {{ file('resolved').append(it.name) }} }} }}\n"
        );
        place.write("project/build.gradle", build);
        place.write("project/settings.gradle", "");
    }

    fn install(&self, place: &Place) -> Command {
        self.command(place, &["resolve"])
    }

    fn lock(&self, _: &Place, _: &str, _: &str) -> bool {
        false
    }

    fn install_locked(&self, place: &Place) -> Command {
        self.install(place)
    }

    fn publish(&self, _: &Place, _: &str, _: &str) -> Result<Command, &'static str> {
        Err("Debian's publishes to no address over HTTP")
    }

    fn installed(&self, place: &Place) -> Option<String> {
        let resolved = std::fs::read_to_string(place.root.join(RESOLVED)).ok()?;
        let (_, artifact) = place.package.split_once(':')?;
        Some(resolved.strip_prefix(artifact)?.strip_prefix('-')?.strip_suffix(".pom")?.to_owned())
    }
}
