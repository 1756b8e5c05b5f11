//! Maven's `dependency:copy`: the main artifact of a release, without what it depends on.

use std::fmt::Write;
use std::process::Command;

use anyhow::Context;

use super::{Order, release, succeeds};

/// Artifacts for one run of Maven, which takes seconds to start.
const AT_ONCE: usize = 12;

pub(super) fn fetch(order: &Order<'_>) -> anyhow::Result<()> {
    let releases = order.missing.iter().flat_map(|package| {
        package.versions.iter().filter_map(|version| Some((package.name.split_once(':')?, *version)))
    });
    let releases: Vec<Artifact<'_>> = releases.collect();
    releases.chunks(AT_ONCE).try_for_each(|chunk| copy(order, chunk))
}

/// Group and name, and a version.
type Artifact<'a> = ((&'a str, &'a str), &'a str);

/// Copies all; if one is refused, the halves, down to the one that is.
fn copy(order: &Order<'_>, artifacts: &[Artifact<'_>]) -> anyhow::Result<()> {
    let project = order.scratch.join("pom.xml");
    std::fs::write(&project, pom(order, artifacts)).with_context(|| format!("`{}`", project.display()))?;
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--quiet", "dependency:copy", "--file"]).arg(&project);
    let mut repository = std::ffi::OsString::from("-Dmaven.repo.local=");
    repository.push(order.scratch.join("repository"));
    maven.arg(repository);
    let names: Vec<String> =
        artifacts.iter().map(|((group, name), version)| format!("{group}:{name}:{version}")).collect();
    if succeeds(&mut maven, &names.join(" "))? || artifacts.len() == 1 {
        return Ok(());
    }
    let (first, second) = artifacts.split_at(artifacts.len() / 2);
    copy(order, first)?;
    copy(order, second)
}

fn pom(order: &Order<'_>, artifacts: &[Artifact<'_>]) -> String {
    let mut items = String::new();
    for ((group, name), version) in artifacts {
        let folder = release(&order.folder, &format!("{group}:{name}"), version);
        let _ = write!(
            items,
            "<artifactItem><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>\
             <outputDirectory>{}</outputDirectory></artifactItem>",
            folder.display()
        );
    }
    format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>eval</groupId><artifactId>eval</artifactId>\
         <version>1</version><packaging>pom</packaging><build><plugins><plugin>\
         <artifactId>maven-dependency-plugin</artifactId><configuration><artifactItems>{items}</artifactItems>\
         </configuration></plugin></plugins></build></project>"
    )
}
