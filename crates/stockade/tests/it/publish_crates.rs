//! Publishing with the real cargo, to a gateway that hosts some names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use stockade_testkit::{CrateRegistry, CrateRelease, Output, finished};

use crate::hosted::Hosted;

/// The cargo that builds these tests.
const CARGO: &str = env!("CARGO");

/// A user with a crate of their own, and a gateway that hosts `acme-*`.
struct World {
    registry: CrateRegistry,
    hosted: Hosted,
}

impl World {
    fn new(access: &str) -> Self {
        let registry = CrateRegistry::start();
        registry.publish(&CrateRelease::new("left-demo", "1.0.9"));
        let hosted = Hosted::new("cargo", &registry.index(), "acme-*", access);
        // What `setup` writes, and how a token is given.
        let config = format!(
            "[source.crates-io]\nreplace-with = \"stockade\"\n\n[registries.stockade]\n\
             index = \"sparse+{}/cargo/index/\"\ncredential-provider = \"cargo:token\"\n",
            hosted.url
        );
        fs::create_dir_all(hosted.folder("home/.cargo")).unwrap();
        fs::write(hosted.folder("home/.cargo/config.toml"), config).unwrap();
        Self { registry, hosted }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.hosted.folder(name)
    }

    fn package(&self, name: &str, version: &str, needs: &str) {
        let folder = self.folder(name);
        fs::create_dir_all(folder.join("src")).unwrap();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\ndescription = \"ours\"\nlicense = \"MIT\"\n\
             [dependencies]\n{needs}"
        );
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        fs::write(folder.join("src/lib.rs"), format!("pub fn which() -> &'static str {{ \"{name} {version}\" }}\n"))
            .unwrap();
    }

    fn cargo(&self, folder: &str, arguments: &[&str], token: Option<&str>) -> Output {
        let mut command = Command::new(CARGO);
        let toolchain = Path::new(CARGO).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [toolchain.to_path_buf()].into_iter().chain(std::env::split_paths(&path));
        command.current_dir(self.folder(folder)).env_clear();
        command.env("PATH", std::env::join_paths(folders).unwrap()).env("HOME", self.folder("home"));
        command.env("RUSTUP_HOME", toolchain.parent().unwrap()).env("CARGO_NET_RETRY", "0");
        command.envs(token.map(|token| ("CARGO_REGISTRIES_STOCKADE_TOKEN", token)));
        finished(command.args(arguments))
    }
}

#[test]
fn cargo_publishes_yanks_and_finds() {
    let world = World::new("");
    let ok = |folder: &str, arguments: &[&str]| {
        let output = world.cargo(folder, arguments, Some(&world.hosted.token));
        assert!(output.ok(), "{arguments:?}: {output}");
        output
    };
    world.package("acme-core", "1.0.0", "left-demo = \"1\"\n");
    ok("acme-core", &["publish", "--registry", "stockade", "--allow-dirty"]);
    world.package("acme-core", "1.1.0", "left-demo = \"1\"\n");
    ok("acme-core", &["publish", "--registry", "stockade", "--allow-dirty"]);

    // Who uses it names no registry: it is one namespace.
    world.package("user", "0.1.0", "acme-core = \"1\"\n");
    ok("user", &["generate-lockfile"]);
    let lockfile = || fs::read_to_string(world.folder("user/Cargo.lock")).unwrap();
    assert!(lockfile().contains("name = \"acme-core\"\nversion = \"1.1.0\""), "{}", lockfile());
    assert!(lockfile().contains("left-demo") && !lockfile().contains("127.0.0.1"), "{}", lockfile());
    ok("user", &["check"]);

    ok("acme-core", &["yank", "--registry", "stockade", "--version", "1.1.0", "acme-core"]);
    ok("user", &["check", "--locked"]);
    fs::remove_file(world.folder("user/Cargo.lock")).unwrap();
    ok("user", &["generate-lockfile"]);
    assert!(lockfile().contains("name = \"acme-core\"\nversion = \"1.0.0\""), "{}", lockfile());
    ok("acme-core", &["yank", "--registry", "stockade", "--version", "1.1.0", "--undo", "acme-core"]);

    let found = ok("user", &["search", "--registry", "stockade", "core"]);
    assert!(found.stdout.starts_with("acme-core = \"1.1.0\""), "{found}");
    assert_eq!(ok("user", &["owner", "--registry", "stockade", "--list", "acme-core"]).stdout.trim(), "alice");
    assert_eq!(world.registry.count("*acme*"), 0, "no internal name is told, in no spelling");
}

#[test]
fn cargo_says_why_something_is_not_published() {
    let world = World::new("");
    let said = |folder: &str, token: &str| {
        let output =
            world.cargo(folder, &["publish", "--registry", "stockade", "--allow-dirty", "--no-verify"], Some(token));
        assert!(!output.ok(), "{output}");
        output.stderr
    };
    world.package("acme-core", "1.0.0", "");
    let unknown = said("acme-core", "stockade_none");
    assert!(unknown.contains("the token that was shown is not known here"), "{unknown}");
    world.package("other", "1.0.0", "");
    let elsewhere = said("other", &world.hosted.token);
    assert!(elsewhere.contains("`other` is not published here: its name is not claimed as `hosted`"), "{elsewhere}");
    let publish = ["publish", "--registry", "stockade", "--allow-dirty", "--no-verify"];
    assert!(world.cargo("acme-core", &publish, Some(&world.hosted.token)).ok());
    world.package("acme_core", "1.0.0", "");
    let alike = said("acme_core", &world.hosted.token);
    assert!(alike.contains("`acme_core`") && !alike.contains("Uploaded"), "{alike}");
    assert_eq!(world.registry.count("*acme*"), 0);
}

#[test]
fn a_registry_that_asks_for_a_token_is_shown_one() {
    let world = World::new("[access]\nread = \"token\"\n");
    world.package("user", "0.1.0", "left-demo = \"1\"\n");
    let refused = world.cargo("user", &["generate-lockfile"], None);
    assert!(!refused.ok(), "{refused}");
    let output = world.cargo("user", &["check"], Some(&world.hosted.token));
    assert!(output.ok(), "{output}");
}
