//! `stockade run` and `setup` with the real Gradle.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use stockade_testkit::{
    Guard, JAVA_OPTIONS, MavenRegistry, MavenRelease, NOW, Output, finished, hours_before, skipped,
};
use tempfile::TempDir;

use crate::serve::wait_until;
use crate::world::{seen, summary};

const NAME: &str = "org.acme:left-demo";
/// What everybody is told of the young release.
const SENTENCE: &str =
    "held by stockade: `org.acme/left-demo` 1.1.0 is 5 hours old by the date of its files; policy asks 72 hours";

/// A user whose packages come from here, by Maven's settings. There is a release of `left-demo` of long ago and one of five
/// hours ago. The project names other repositories, of which none may be asked.
struct World {
    registry: MavenRegistry,
    other: MavenRegistry,
    root: TempDir,
}

impl World {
    fn or_skip() -> Option<Self> {
        for program in ["gradle", "mvn"] {
            let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            if !asked.is_ok_and(|status| status.success()) {
                skipped(&format!("what Gradle does: `{program}` is not installed"));
                return None;
            }
        }
        let registry = MavenRegistry::start_at("/maven2");
        registry.publish(&MavenRelease::new(NAME, "1.0.9").file("a/A.class", "x"));
        registry.publish(&MavenRelease::new(NAME, "1.1.0").published(hours_before(NOW, 5)));
        let other = MavenRegistry::start();
        for version in ["1.0.9", "1.1.0", "1.2.0"] {
            other.publish(&MavenRelease::new(NAME, version));
        }
        let world = Self { registry, other, root: TempDir::with_prefix("stockade-").unwrap() };
        let mirror = format!("<mirror><id>acme</id><mirrorOf>*</mirrorOf><url>{}</url></mirror>", world.registry.url());
        world.write("home/.m2/settings.xml", &format!("<settings><mirrors>{mirror}</mirrors></settings>"));
        world.write("project/.git/HEAD", "");
        Some(world)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// The build needs this version of `left-demo`, and says which it got.
    fn want(&self, version: &str) {
        let url = self.other.url();
        let build = format!(
            "configurations {{ needed }}\nrepositories {{ maven {{ url '{url}' }}; ivy {{ url '{url}' }}; mavenCentral() }}\n\
             dependencies {{ needed '{NAME}:{version}' }}\n\
             task resolve {{ doLast {{ configurations.needed.files.each {{ println it.name }} }} }}\n"
        );
        self.write("project/build.gradle", &build);
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stockade"));
        command.current_dir(self.root.path().join("project")).env_clear();
        command.envs(["PATH", "TMPDIR"].iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
        command.env("HOME", self.home()).env("USER", "alice").env("NO_COLOR", "1");
        // Java takes the home from the system's list of users.
        let options = format!("{JAVA_OPTIONS} -Duser.home={}", self.home().display());
        command.env("MAVEN_OPTS", &options).env("JAVA_OPTS", &options);
        command.args(["--now", &NOW.to_string(), "--ecosystem", "maven"]);
        command
    }

    fn stockade<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        finished(self.command().args(arguments))
    }

    fn gradle(&self) -> Output {
        self.stockade(["run", "--", "gradle", "-q", "resolve"])
    }
}

#[test]
fn every_repository_of_a_build_is_the_gateway() {
    let Some(world) = World::or_skip() else { return };
    world.want("1.+");
    let output = world.gradle();
    assert!(output.ok(), "{output}");
    assert!(output.stdout.contains("left-demo-1.0.9.jar"), "{output}");
    assert_snapshot!(summary(&output), @"
    stockade: 2 packages served ([N] bytes), 1 steered around
      held  pkg:maven/org.acme/left-demo@1.1.0  is 5 hours old by the date of its files; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
    status 0
    ");
    assert_eq!(world.other.requests().len(), 0, "the build's own repositories are not asked");
    let agents = world.registry.requests().into_iter().filter_map(|seen| seen.header("user-agent").map(str::to_owned));
    assert!(agents.into_iter().all(|agent| !agent.starts_with("Gradle")));
}

#[test]
fn who_insists_on_what_is_held_is_told_why() {
    let Some(world) = World::or_skip() else { return };
    world.want("1.1.0");
    // A gateway that was there is told whose run it is.
    let mut serve = world.command();
    serve.args(["serve", "--listen", "127.0.0.1:0"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _served = Guard::spawn(&mut serve).unwrap();
    assert!(wait_until(|| world.home().join(".local/share/stockade/gateway.json").exists()));
    let output = world.gradle();
    assert_ne!(output.status, Some(0), "{output}");
    assert!(output.stderr.contains("through the gateway at"), "{output}");
    assert!(output.stderr.contains("1 refused\n  held  pkg:maven/org.acme/left-demo@1.1.0"), "{output}");
    let told = format!("Received status code 403 from server: {SENTENCE}");
    assert!(output.stderr.contains(&told), "{output}");
    assert_eq!(world.other.requests().len(), 0);
}

#[test]
fn what_builds_a_build_comes_through_the_gateway_too() {
    let Some(world) = World::or_skip() else { return };
    let url = world.other.url();
    let script = |version: &str| {
        format!(
            "buildscript {{ repositories {{ maven {{ url '{url}' }} }}; dependencies {{ classpath '{NAME}:{version}' }} }}\n\
             task resolve {{ doLast {{ buildscript.configurations.classpath.files.each {{ println it.name }} }} }}\n"
        )
    };
    world.write("project/build.gradle", &script("1.0.9"));
    let output = world.gradle();
    assert!(output.ok() && output.stdout.contains("left-demo-1.0.9.jar"), "{output}");
    world.write("project/build.gradle", &script("1.1.0"));
    let output = world.gradle();
    assert!(output.stderr.contains(SENTENCE), "{output}");
    // A plugin is looked for in what the settings say, which is the gateway.
    world.write(
        "project/settings.gradle",
        &format!("pluginManagement {{ repositories {{ maven {{ url '{url}' }} }} }}\n"),
    );
    world.write("project/build.gradle", "plugins { id 'org.acme.demo' version '1.0' }\n");
    let output = world.gradle();
    assert!(output.stderr.contains("stockade(http://127.0.0.1:"), "{output}");
    assert_eq!(
        (world.other.requests().len(), world.registry.count("/org/acme/demo/org.acme.demo.gradle.plugin/*") > 0),
        (0, true)
    );
}

#[test]
fn setup_can_be_undone() {
    let Some(world) = World::or_skip() else { return };
    let output = world.stockade(["setup", "gradle"]);
    assert_snapshot!(seen(&output), @"
    gradle: wrote its upstream into ~/.config/stockade/stockade.toml
    gradle: points at the gateway, in ~/.gradle/init.d/stockade.gradle
    stockade: `stockade serve` has to run for them to install anything
    status 0
    ");
    let script = world.home().join(".gradle/init.d/stockade.gradle");
    let text = fs::read_to_string(&script).unwrap();
    assert!(text.contains("gradle.ext.stockade = 'http://127.0.0.1:4873/maven/'"), "{text}");
    let doctor = world.stockade(["doctor"]).stdout;
    assert!(
        doctor.lines().any(|line| line.contains(" gradle ") && line.contains(", goes through the gateway")),
        "{doctor}"
    );
    // A run has a gateway of its own, and its script goes before that one.
    world.want("1.0.9");
    let output = world.gradle();
    assert!(output.ok() && output.stdout.contains("left-demo-1.0.9.jar"), "{output}");
    assert!(world.stockade(["setup", "--undo", "gradle"]).ok());
    assert!(!script.exists());
    // Where two clients have one upstream, it is written down once.
    let init = world.stockade(["init", "--force"]);
    assert!(init.ok() && world.stockade(["policy", "check"]).ok(), "the settings can be read: {init}");
    fs::remove_file(world.home().join(".config/stockade/stockade.toml")).unwrap();
    let output = world.stockade(["setup"]);
    assert!(
        output.ok() && output.stdout.contains("mvn: points") && output.stdout.contains("gradle: points"),
        "{output}"
    );
    assert_eq!(output.stdout.matches("wrote its upstream").count(), 1, "{output}");
    assert!(world.stockade(["policy", "check"]).ok(), "the settings can be read");
}
