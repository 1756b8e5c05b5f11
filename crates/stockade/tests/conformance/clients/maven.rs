//! Maven, with a build that needs no plugin: it resolves its parent, which is the package, and is done.

use std::process::Command;

use stockade_testkit::finished;

use super::{Client, Wanted, other_version};
use crate::stage::Place;

pub(super) fn find(version: &str) -> Result<Box<dyn Client>, String> {
    if !Command::new("mvn").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Err("there is no mvn on the PATH".to_owned());
    }
    let output = finished(Command::new("mvn").arg("--version"));
    let words = stockade_testkit::tidy(&output.stdout);
    let found = words.split_whitespace().nth(2).unwrap_or("of no version");
    if found == version { Ok(Box::new(Maven)) } else { Err(other_version("mvn", version, found)) }
}

struct Maven;

impl Client for Maven {
    fn descriptor(&self) -> &'static str {
        "mvn"
    }

    fn configured_in(&self) -> &'static str {
        ".m2/settings.xml"
    }

    fn want(&self, place: &Place, wanted: Wanted) {
        let version = match wanted {
            Wanted::Range => "[1.0.0,2)",
            Wanted::Exact(version) => version,
        };
        let (group, artifact) = place.package.split_once(':').unwrap();
        let pom = format!(
            "<project><modelVersion>4.0.0</modelVersion>\
             <parent><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>\
             <relativePath/></parent><artifactId>app</artifactId><version>1</version><packaging>pom</packaging></project>"
        );
        place.write("project/pom.xml", pom);
    }

    /// It takes the home from the system and not from the environment.
    fn install(&self, place: &Place) -> Command {
        let mut command = place.command("mvn");
        command.args(["-B", "-N", "-s"]).arg(place.home().join(self.configured_in()));
        command.arg(format!("-Dmaven.repo.local={}", repository(place).display())).arg("validate");
        command
    }

    fn lock(&self, _: &Place, _: &str, _: &str) -> bool {
        false
    }

    fn install_locked(&self, place: &Place) -> Command {
        self.install(place)
    }

    fn publish(&self, _: &Place, _: &str, _: &str) -> Result<Command, &'static str> {
        Err("what deploys is a plugin, which is at a public repository alone")
    }

    fn installed(&self, place: &Place) -> Option<String> {
        let (group, artifact) = place.package.split_once(':')?;
        let folder = repository(place).join(group.replace('.', "/")).join(artifact);
        let versions = std::fs::read_dir(folder).ok()?.flatten();
        let mut versions = versions.map(|entry| entry.file_name().to_string_lossy().into_owned());
        versions.find(|version| {
            let pom = format!("{}/{artifact}/{version}/{artifact}-{version}.pom", group.replace('.', "/"));
            repository(place).join(pom).is_file()
        })
    }
}

fn repository(place: &Place) -> std::path::PathBuf {
    place.home().join(".m2/repository")
}
