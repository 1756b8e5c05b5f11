//! `stockade run` and `setup` with the real Maven.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use stockade_testkit::{JAVA_OPTIONS, MavenRegistry, MavenRelease, NOW, Output, finished, hours_before, skipped};
use tempfile::TempDir;

use crate::world::{contents, seen, shown, summary};

const NAME: &str = "org.acme:left-demo";
/// What everybody is told of the young release.
const SENTENCE: &str =
    "held by stockade: `org.acme/left-demo` 1.1.0 is 5 hours old by the date of its files; policy asks 72 hours";

/// A user whose `settings.xml` says that packages come from here. There is a release of `left-demo` of long ago and one of
/// five hours ago. Both are build descriptions alone, which a project has as its parent: so Maven needs no plugin.
struct World {
    registry: MavenRegistry,
    root: TempDir,
}

impl World {
    fn or_skip() -> Option<Self> {
        if !Command::new("mvn").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success()) {
            skipped("what Maven does: it is not installed");
            return None;
        }
        let registry = MavenRegistry::start_at("/maven2");
        registry.publish(&MavenRelease::new(NAME, "1.0.9").only_pom());
        registry.publish(&MavenRelease::new(NAME, "1.1.0").only_pom().published(hours_before(NOW, 5)));
        let world = Self { registry, root: TempDir::with_prefix("stockade-").unwrap() };
        world.write("home/.m2/settings.xml", &mirrored(&world.registry.url()));
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

    /// The project has this version of `left-demo` as its parent, or the highest one of a range.
    fn want(&self, parent: &str) {
        let pom = format!(
            "<project><modelVersion>4.0.0</modelVersion><parent><groupId>org.acme</groupId><artifactId>left-demo</artifactId>\
             <version>{parent}</version><relativePath/></parent><artifactId>demo</artifactId><version>1</version>\
             <packaging>pom</packaging></project>"
        );
        self.write("project/pom.xml", &pom);
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stockade"));
        command.current_dir(self.root.path().join("project")).env_clear();
        command.envs(["PATH", "TMPDIR"].iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
        command.env("HOME", self.home()).env("USER", "alice").env("NO_COLOR", "1");
        // Java takes the home from the system's list of users.
        command.env("MAVEN_OPTS", format!("{JAVA_OPTIONS} -Duser.home={}", self.home().display()));
        command.args(["--now", &NOW.to_string(), "--ecosystem", "maven"]);
        command
    }

    fn stockade<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        finished(self.command().args(arguments))
    }

    /// Maven, with nothing to build.
    fn maven(&self) -> Output {
        self.stockade(["run", "--", "mvn", "-B", "-N", "-C", "validate"])
    }

    /// The versions that are in the user's folder of packages.
    fn kept(&self) -> Vec<String> {
        let folder = self.home().join(".m2/repository/org/acme/left-demo");
        let poms = contents(&folder).into_keys().filter(|path| path.extension() == Some(OsStr::new("pom")));
        poms.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
    }
}

/// Settings that say that packages come from here.
fn mirrored(url: &str) -> String {
    let mirror = format!("<mirror><id>acme</id><mirrorOf>*</mirrorOf><url>{url}</url></mirror>");
    format!("<settings>\n  <mirrors>{mirror}</mirrors>\n</settings>")
}

#[test]
fn what_is_young_is_steered_around_and_what_is_here_is_not_asked_for_again() {
    let Some(world) = World::or_skip() else { return };
    world.want("[1.0,2)");
    let output = world.maven();
    assert!(output.ok(), "{output}");
    assert_snapshot!(summary(&output), @"
    stockade: 1 package served ([N] bytes), 1 steered around
      held  pkg:maven/org.acme/left-demo@1.1.0  is 5 hours old by the date of its files; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
    status 0
    ");
    assert_eq!(world.kept(), ["left-demo-1.0.9"]);
    assert_eq!(world.registry.count("/org/acme/left-demo/1.1.0/*"), 1, "only its date was asked for");
    world.want("1.0.9");
    let asked = world.registry.requests().len();
    let output = world.maven();
    assert!(output.ok(), "{output}");
    assert_eq!(world.registry.requests().len(), asked, "it is in the user's own folder");
}

#[test]
fn who_insists_on_what_is_held_is_told_why() {
    let Some(world) = World::or_skip() else { return };
    world.want("1.1.0");
    let output = world.maven();
    assert_ne!(output.status, Some(0), "{output}");
    assert!(output.stdout.contains(SENTENCE), "{output}");
    assert_snapshot!(summary(&output), @"
    stockade: 0 packages served, 1 refused
      held  pkg:maven/org.acme/left-demo@1.1.0?file_name=1.1.0%2Fleft-demo-1.1.0.pom  is 5 hours old by the date of its files; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
    status 1
    ");
    // Maven keeps in mind what it did not get, and asks again.
    let output = world.maven();
    assert!(output.stdout.contains(SENTENCE), "{output}");
}

#[test]
fn other_bytes_than_the_checksum_says_are_denied() {
    let Some(world) = World::or_skip() else { return };
    world.want("1.0.9");
    let other = MavenRelease::new(NAME, "1.0.9").only_pom().dependency("org.evil:x", "1");
    world.registry.publish(&other);
    let sum = "org/acme/left-demo/1.0.9/left-demo-1.0.9.pom.sha1";
    world.registry.place(sum, "0123456789012345678901234567890123456789");
    let output = world.maven();
    assert_ne!(output.status, Some(0), "{output}");
    assert!(
        output.stdout.contains("denied by stockade: `org.acme/left-demo` 1.0.9 is not what the index claims"),
        "{output}"
    );
    assert_eq!(world.kept(), [""; 0]);
}

#[test]
fn settings_of_a_project_or_of_the_environment_do_not_lead_past_the_gateway() {
    let Some(world) = World::or_skip() else { return };
    world.want("1.2.0");
    let evil = MavenRegistry::start();
    evil.publish(&MavenRelease::new(NAME, "1.2.0").only_pom());
    world.write("project/other.xml", &mirrored(&evil.url()));
    // Nothing but our arguments keeps it from there.
    let validate = ["run", "--unsandboxed", "--", "mvn", "-B", "-N", "-C", "validate"];
    let output = finished(world.command().env("MAVEN_ARGS", "-s other.xml").args(validate));
    assert_ne!(output.status, Some(0), "{output}");
    world.write("project/.mvn/maven.config", "-s\nother.xml\n");
    let output = world.stockade(validate);
    assert_ne!(output.status, Some(0), "{output}");
    assert_eq!((evil.requests().len(), world.kept().len()), (0, 0));
}

#[test]
fn setup_can_be_undone_byte_for_byte() {
    let Some(world) = World::or_skip() else { return };
    let file = world.home().join(".m2/settings.xml");
    let before = fs::read_to_string(&file).unwrap();
    let output = world.stockade(["setup", "mvn"]);
    assert_snapshot!(seen(&output), @"
    mvn: wrote its upstream into ~/.config/stockade/stockade.toml
    mvn: points at the gateway, in ~/.m2/settings.xml
    stockade: `stockade serve` has to run for them to install anything
    status 0
    ");
    let pointed = fs::read_to_string(&file).unwrap();
    assert!(pointed.contains("<url>http://127.0.0.1:4873/maven/</url>") && pointed.contains("put away"), "{pointed}");
    let stated = fs::read_to_string(world.home().join(".config/stockade/stockade.toml")).unwrap();
    assert_snapshot!(shown(&stated), @r#"
    [upstream.maven]
    url = "http://127.0.0.1:[PORT]/maven2/"
    "#);
    assert!(world.stockade(["setup", "mvn"]).ok());
    assert_eq!(fs::read_to_string(&file).unwrap(), pointed);
    assert!(world.stockade(["setup", "--undo", "mvn"]).ok());
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}
