//! `stockade client-config`, and that real clients understand what it prints.
//!
//! Clients know one clock, the machine's, so what is young here is so today. They are pointed at a registry without a gateway:
//! what is kept away is kept away by the client itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use serde_json::Value;
use stockade_testkit::{
    Distribution, FakeRegistry, NOW, Npm, Other, Output, Package, PythonRegistry, PythonTool, finished, hours_before,
    now,
};
use tempfile::TempDir;

use crate::world::{seen, shown};

/// A policy that asks for less of some packages.
const POLICY: &str = r#"
[cooldown]
default = "36h"

[[cooldown.for]]
match = "pkg:*/right-demo"
age = "1h"

[[cooldown.for]]
match = "pkg:npm/@acme/*"
age = "1h"

[[cooldown.for]]
match = "pkg:npm/strict-demo"
age = "9d"

[[exception]]
match = "pkg:cargo/left-demo@1.1.0"
reason = "it mends what is broken"
by = "alice"
expires = 2026-07-01

[[exception]]
match = "pkg:pypi/over-demo@1.1.0"
reason = "it was needed"
by = "alice"
expires = 2026-05-01
"#;

/// A user with nothing but that policy.
struct World(TempDir);

impl World {
    fn new() -> Self {
        let root = TempDir::with_prefix("stockade-").unwrap();
        for folder in ["home", "project"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("policy.toml"), POLICY).unwrap();
        Self(root)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(self.path("project")).env_clear().env("HOME", self.path("home")).env("NO_COLOR", "1");
        command.envs(["PATH", "TMPDIR"].iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
        command
    }

    fn stockade(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_stockade"));
        command.args(["--now", &NOW.to_string()]).args(["client-config", "--policy"]).arg(self.path("policy.toml"));
        finished(command.args(arguments))
    }

    /// What is printed for a client, with a registry in the gateway's place, and what belongs into another file.
    fn settings(&self, client: &str, mount: &str, registry: &str) -> (String, String) {
        let output = self.stockade(&[client, "--format", "json"]);
        let told: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"));
        let native = &told[0]["native"];
        let ours = format!("http://127.0.0.1:4873/{mount}");
        let text = |value: &Value| value.as_str().unwrap_or_default().replace(&ours, registry.trim_end_matches('/'));
        (text(&native["text"]), text(&native["gateway"]["text"]))
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The version of a package of npm's that is installed.
    fn installed(&self, name: &str) -> String {
        let manifest = self.path(&format!("project/node_modules/{name}/package.json"));
        let manifest: Value = serde_json::from_slice(&fs::read(manifest).unwrap()).unwrap();
        manifest["version"].as_str().unwrap().to_owned()
    }
}

#[test]
fn each_client_is_told_in_its_own_words() {
    let world = World::new();
    assert_snapshot!(seen(&world.stockade(&[])), @r#"
    # npm 11.10 or later, in ~/.npmrc, or .npmrc in a project
    min-release-age=1.5
    min-release-age-exclude[]=@acme/*
    min-release-age-exclude[]=right-demo
    registry=http://127.0.0.1:[PORT]/npm/
    replace-registry-host=always
    prefer-online=true

    # pnpm 10.16 or later, in pnpm-workspace.yaml of a project
    minimumReleaseAge: 2160
    minimumReleaseAgeExclude: ["@acme/*", "right-demo"]
    # and in ~/.npmrc
    registry=http://127.0.0.1:[PORT]/npm/
    replace-registry-host=always
    prefer-online=true

    # yarn 4.10 or later, in ~/.yarnrc.yml, or .yarnrc.yml in a project
    npmMinimalAgeGate: 2160
    npmPreapprovedPackages: ["@acme/*", "right-demo"]
    npmRegistryServer: "http://127.0.0.1:[PORT]/npm"
    unsafeHttpWhitelist: ["127.0.0.1"]

    # bun 1.3 or later, in ~/.bunfig.toml, or bunfig.toml in a project
    # not said: `@acme/*` cannot be exempted
    [install]
    registry = "http://127.0.0.1:[PORT]/npm/"
    minimumReleaseAge = 129600
    minimumReleaseAgeExcludes = ["right-demo"]

    # pip 26.1 or later, in ~/.config/pip/pip.conf
    # not said: pip counts whole days, and the policy asks for 36 hours
    # not said: `right-demo` cannot be exempted
    [global]
    uploaded-prior-to = P1D
    index-url = http://127.0.0.1:[PORT]/pypi/simple/
    no-cache-dir = true

    # uv 0.9.17 or later, in ~/.config/uv/uv.toml
    index-url = "http://127.0.0.1:[PORT]/pypi/simple/"
    no-cache = true
    exclude-newer = "36 hours"
    exclude-newer-package = { right-demo = false }

    # poetry 2.4 or later, in ~/.config/pypoetry/config.toml
    # not said: poetry counts whole days, and the policy asks for 36 hours
    [solver]
    min-release-age = 1
    min-release-age-exclude = ["right-demo"]
    # and in pyproject.toml of a project
    [[tool.poetry.source]]
    name = "stockade"
    url = "http://127.0.0.1:[PORT]/pypi/simple/"
    priority = "primary"

    # cargo 1.100 or later, in ~/.cargo/config.toml
    # not said: `left-demo` cannot be exempted
    # not said: `right-demo` cannot be exempted
    [registry]
    global-min-publish-age = "36 hours"
    [source.crates-io]
    replace-with = "stockade"
    [source.stockade]
    registry = "sparse+http://127.0.0.1:[PORT]/cargo/index/"

    # mvn has no gate of its own: the gateway alone keeps young releases away

    # gradle has no gate of its own: the gateway alone keeps young releases away
    status 0
    "#);
    assert_snapshot!(seen(&world.stockade(&["npm", "no-such"])), @"
    stockade: `no-such` is no client that stockade can set up
    hint: the clients are `npm`, `pnpm`, `yarn`, `bun`, `pip`, `uv`, `poetry`, `cargo`, `mvn`, `gradle`
    status 2
    ");
}

#[test]
fn in_audit_mode_nothing_is_refused() {
    let world = World::new();
    fs::write(world.path("policy.toml"), "mode = \"audit\"\n").unwrap();
    assert_snapshot!(shown(&world.stockade(&["pip", "uv"]).stdout), @r#"
    # pip 26.1 or later, in ~/.config/pip/pip.conf
    [global]
    uploaded-prior-to = P0D
    index-url = http://127.0.0.1:[PORT]/pypi/simple/
    no-cache-dir = true

    # uv 0.9.17 or later, in ~/.config/uv/uv.toml
    index-url = "http://127.0.0.1:[PORT]/pypi/simple/"
    no-cache = true
    exclude-newer = "0 hours"
    "#);
}

/// Packages of npm's registry that are old, of today, and exempt.
fn node() -> FakeRegistry {
    let registry = FakeRegistry::start();
    for name in ["left-demo", "right-demo", "@acme/thing"] {
        registry.publish(&Package::new(name).release("1.0.9"));
        registry.publish(&Package::new(name).release("1.1.0").published(hours_before(now(), 5)));
    }
    registry
}

const WANTED: &str = r#"{"dependencies":{"left-demo":"^1.0.0","right-demo":"^1.0.0","@acme/thing":"^1.0.0"}}"#;

#[test]
fn the_real_npm_agrees_with_the_policy() {
    let Some(npm) = Npm::usual_or_skip() else { return };
    let (registry, world) = (node(), World::new());
    world.write("home/.npmrc", &world.settings("npm", "npm", &registry.url()).0);
    world.write("project/package.json", WANTED);
    let output = finished(world.command(npm.program()).env("PATH", npm.path()).arg("install"));
    assert!(output.ok(), "{output}");
    assert_eq!(
        ["left-demo", "right-demo", "@acme/thing"].map(|name| world.installed(name)),
        ["1.0.9", "1.1.0", "1.1.0"]
    );
}

#[test]
fn the_real_pnpm_yarn_and_bun_agree_with_the_policy() {
    let Some(npm) = Npm::usual_or_skip() else { return };
    for other in Other::all() {
        let (registry, world) = (node(), World::new());
        let (text, pointing) = world.settings(other.name(), "npm", &registry.url());
        world.write("project/package.json", WANTED);
        match other.name() {
            "pnpm" => {
                world.write("project/pnpm-workspace.yaml", &text);
                world.write("home/.npmrc", &pointing);
            }
            "yarn" => {
                world.write("home/.yarnrc.yml", &text);
                world.write("project/yarn.lock", "");
            }
            _ => world.write("home/.bunfig.toml", &text),
        }
        let mut command = world.command(other.folder().join(other.name()));
        let folders =
            std::iter::once(other.folder().to_owned()).chain(std::env::split_paths(&npm.path()).collect::<Vec<_>>());
        command.env("PATH", std::env::join_paths(folders).unwrap());
        command.envs([("CI", "1"), ("YARN_NODE_LINKER", "node-modules"), ("YARN_ENABLE_IMMUTABLE_INSTALLS", "false")]);
        command.env("YARN_ENABLE_TELEMETRY", "false").arg("install");
        let output = finished(command.args((other.name() == "pnpm").then_some("--no-frozen-lockfile")));
        assert!(output.ok(), "{other}: {output}");
        // It knows no patterns, as is said.
        let of_scope = if other.name() == "bun" { "1.0.9" } else { "1.1.0" };
        let found = ["left-demo", "right-demo", "@acme/thing"].map(|name| world.installed(name));
        assert_eq!(found, ["1.0.9", "1.1.0", of_scope], "{other}: {output}");
    }
}

/// Packages of Python that are old, of today, and exempt.
fn python() -> PythonRegistry {
    let registry = PythonRegistry::start();
    for name in ["left-demo", "right-demo"] {
        registry.publish(&Distribution::wheel(name, "1.0.9"));
        registry.publish(&Distribution::wheel(name, "1.1.0").published(hours_before(now(), 5)));
    }
    registry
}

fn has(world: &World, file: &str) -> bool {
    world.path("project/out").join(file).exists()
}

#[test]
fn the_real_pip_agrees_with_the_policy() {
    let Some(venv) = PythonTool::or_skip("pip", "26.3") else { return };
    let (registry, world) = (python(), World::new());
    let config = world.path("pip.conf");
    fs::write(&config, world.settings("pip", "pypi/simple", &registry.index()).0).unwrap();
    let mut command = world.command(venv.python());
    command.env("PIP_CONFIG_FILE", config).args(["-m", "pip", "install", "--target", "out", "left-demo", "right-demo"]);
    let output = finished(command.arg("--disable-pip-version-check"));
    assert!(output.ok(), "{output}");
    // It knows no exceptions, as is said.
    assert!(has(&world, "left_demo-1.0.9.dist-info") && has(&world, "right_demo-1.0.9.dist-info"), "{output}");
}

#[test]
fn the_real_uv_agrees_with_the_policy() {
    let Some(venv) = PythonTool::or_skip("uv", "0.13.9") else { return };
    let (registry, world) = (python(), World::new());
    let config = world.path("uv.toml");
    fs::write(&config, world.settings("uv", "pypi/simple", &registry.index()).0).unwrap();
    let mut command = world.command(venv.program());
    command.args(["pip", "install", "--target", "out", "--config-file"]).arg(config).arg("--python").arg(venv.python());
    let output = finished(command.args(["left-demo", "right-demo"]));
    assert!(output.ok(), "{output}");
    assert!(has(&world, "left_demo-1.0.9.dist-info") && has(&world, "right_demo-1.1.0.dist-info"), "{output}");
}

#[test]
fn the_real_poetry_agrees_with_the_policy() {
    let Some(poetry) = PythonTool::or_skip("poetry", "2.5.1") else { return };
    let (registry, world) = (python(), World::new());
    let (text, pointing) = world.settings("poetry", "pypi/simple", &registry.index());
    world.write("home/.config/pypoetry/config.toml", &text);
    let project = "[project]\nname = \"demo\"\nversion = \"0.1.0\"\nrequires-python = \">=3.8\"\n\
                   dependencies = [\"left-demo>=1\", \"right-demo>=1\"]\n\n[tool.poetry]\npackage-mode = false\n\n";
    world.write("project/pyproject.toml", &format!("{project}{pointing}"));
    let output = finished(world.command(poetry.program()).args(["-n", "lock"]));
    assert!(output.ok(), "{output}");
    let lock = fs::read_to_string(world.path("project/poetry.lock")).unwrap();
    let version = |name: &str| lock.contains(&format!("name = \"{name}\"\nversion = \"1.1.0\""));
    assert_eq!((version("left-demo"), version("right-demo")), (false, true), "{lock}");
}
