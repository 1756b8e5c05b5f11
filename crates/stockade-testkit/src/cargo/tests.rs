use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::{Fault, NOW, hours_before};

/// A project that needs `left-demo`, the folder in which cargo keeps what it has fetched, and what it said last.
struct Project(tempfile::TempDir);

impl Project {
    fn new(registry: &CrateRegistry, wanted: &str) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.write("src/main.rs", "fn main() {\n    println!(\"{}\", left_demo::which());\n}\n");
        let manifest = format!(
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nleft-demo = \"{wanted}\"\n"
        );
        project.write("Cargo.toml", &manifest);
        let source = format!(
            "[source.crates-io]\nreplace-with = \"fake\"\n[source.fake]\nregistry = \"sparse+{}\"\n",
            registry.index()
        );
        project.write("home/config.toml", &source);
        project
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What the real cargo prints, and whether it was content.
    fn cargo(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO"));
        command.args(arguments).current_dir(self.path()).env_remove("RUSTC_WRAPPER");
        command.env("CARGO_HOME", self.path().join("home")).env("CARGO_TARGET_DIR", self.path().join("target"));
        let output = command.output().unwrap();
        let all = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(all).unwrap())
    }
}

fn demo(version: &str) -> CrateRelease {
    CrateRelease::new("left-demo", version)
}

#[test]
fn a_line_has_the_registrys_shape() {
    let release = demo("1.0.0").dependency("right", "^1").published(hours_before(NOW, 5)).links("z");
    let expect = format!(
        "{{\"name\":\"left-demo\",\"vers\":\"1.0.0\",\"deps\":[{{\"default_features\":true,\"features\":[],\"kind\":\"normal\",\
         \"name\":\"right\",\"optional\":false,\"req\":\"^1\",\"target\":null}}],\"cksum\":\"{}\",\"features\":{{}},\
         \"yanked\":false,\"links\":\"z\",\"pubtime\":\"2026-06-01T07:00:00Z\"}}\n",
        release.checksum()
    );
    assert_eq!(release.line(), expect);
    assert!(!demo("1.0.0").without_time().line().contains("pubtime"));
    assert_eq!(demo("1.0.0").raw_line("x").line(), "x\n");
    assert_ne!(demo("1.0.0").checksum(), demo("1.0.0").file("a", "b").checksum());
}

#[test]
fn cargo_resolves_fetches_and_builds() {
    let registry = CrateRegistry::start_at("/mirror/");
    registry.publish(&demo("1.0.0"));
    registry.publish(&demo("1.1.0").dependency("RustyRight", "1").build_script("println!(\"cargo::warning=built\");"));
    registry.publish(&demo("1.2.0").yanked());
    registry.publish(&CrateRelease::new("RustyRight", "1.0.0"));
    let project = Project::new(&registry, "1");
    let (done, said) = project.cargo(&["run"]);
    assert!(done && said.contains("left-demo 1.1.0"), "{said}");
    let lock = fs::read_to_string(project.path().join("Cargo.lock")).unwrap();
    assert!(!lock.contains("127.0.0.1"), "a lockfile names the registry that was replaced: {lock}");
    for path in ["/index/config.json", "/index/ru/st/rustyright", "/crates/RustyRight/1.0.0/download"] {
        assert_eq!(registry.count(path), 1, "{path}");
    }
}

#[test]
fn cargo_asks_again_only_for_what_has_changed() {
    let registry = CrateRegistry::start();
    registry.publish(&demo("1.0.0"));
    let project = Project::new(&registry, "1");
    assert!(project.cargo(&["fetch"]).0);
    registry.clear_requests();
    assert!(project.cargo(&["update"]).0);
    let asked = registry.requests().into_iter().find(|seen| seen.path == "/index/le/ft/left-demo").unwrap();
    assert!(asked.header("if-none-match").is_some());
    assert_eq!(registry.count("/crates/*"), 0);
}

#[test]
fn a_lockfile_needs_its_line_and_takes_it_yanked() {
    let registry = CrateRegistry::start();
    registry.publish(&demo("1.0.0"));
    registry.publish(&demo("1.1.0"));
    let project = Project::new(&registry, "1");
    assert!(project.cargo(&["fetch"]).0);
    registry.publish(&demo("1.1.0").yanked());
    let another = |registry: &CrateRegistry| {
        let another = Project::new(registry, "1");
        fs::copy(project.path().join("Cargo.lock"), another.path().join("Cargo.lock")).unwrap();
        another.cargo(&["fetch", "--locked"])
    };
    let (done, said) = another(&registry);
    assert!(done, "{said}");
    registry.unpublish("left-demo", "1.1.0");
    let (done, said) = another(&registry);
    assert!(!done, "{said}");
}

#[test]
fn a_fault_reaches_cargo() {
    let registry = CrateRegistry::start();
    registry.publish(&demo("1.0.0"));
    registry.fault("/crates/*", Fault::Corrupt);
    let project = Project::new(&registry, "1");
    let (done, said) = project.cargo(&["fetch"]);
    assert!(!done && said.contains("failed to verify the checksum"), "{said}");
    registry.clear_faults();
    assert!(project.cargo(&["fetch"]).0);
}

#[test]
fn a_registry_with_a_token_answers_who_brings_it() {
    let registry = CrateRegistry::start();
    registry.publish(&demo("1.0.0"));
    registry.require_token("hush");
    let project = Project::new(&registry, "1");
    let (done, said) = project.cargo(&["fetch"]);
    assert!(!done && said.contains("credential-provider"), "{said}");
    let source = format!(
        "[source.crates-io]\nreplace-with = \"fake\"\n[registries.fake]\nindex = \"sparse+{}\"\ntoken = \"hush\"\n\
         [registry]\nglobal-credential-providers = [\"cargo:token\"]\n",
        registry.index()
    );
    project.write("home/config.toml", &source);
    let (done, said) = project.cargo(&["fetch"]);
    assert!(done, "{said}");
}
