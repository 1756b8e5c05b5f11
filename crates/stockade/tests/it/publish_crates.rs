//! Publishing with the real cargo, to a gateway that hosts some names.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use stockade_testkit::{CrateRegistry, CrateRelease, Guard, NOW, Output, finished};
use tempfile::TempDir;

use crate::serve::wait_until;

/// The cargo that builds these tests.
const CARGO: &str = env!("CARGO");

/// A user with a crate of their own, and a gateway that hosts `acme-*`.
struct World {
    registry: CrateRegistry,
    root: TempDir,
    token: String,
    _served: Guard,
}

impl World {
    fn new(access: &str) -> Self {
        let registry = CrateRegistry::start();
        registry.publish(&CrateRelease::new("left-demo", "1.0.9"));
        let root = TempDir::with_prefix("stockade-").unwrap();
        fs::create_dir_all(root.path().join("home/.cargo")).unwrap();
        let settings = format!(
            "listen = \"127.0.0.1:0\"\n[upstream.cargo]\nurl = \"{}\"\nclaims = {{ \"acme-*\" = \"hosted\" }}\n{access}",
            registry.index()
        );
        fs::write(root.path().join("stockade.toml"), settings).unwrap();
        let stockade = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_stockade"));
            command.current_dir(root.path()).env("HOME", root.path().join("home")).env("USER", "alice");
            let config = root.path().join("stockade.toml");
            command.args(["--now", &NOW.to_string(), "--ecosystem", "cargo", "--config"]).arg(config);
            command.arg("--data").arg(root.path().join("data")).args(arguments);
            command
        };
        let rights = ["--may", "publish:pkg:cargo/acme-*", "--expires", "30d"];
        let token = finished(stockade(&["token", "create", "alice"]).args(rights)).stdout.trim().to_owned();
        let noted = root.path().join("data/gateway.json");
        let log = fs::File::create(root.path().join("serve.log")).unwrap();
        let served = Guard::spawn(stockade(&["serve"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log)).unwrap();
        assert!(wait_until(|| noted.exists()), "{}", fs::read_to_string(root.path().join("serve.log")).unwrap());
        let noted: serde_json::Value = serde_json::from_slice(&fs::read(&noted).unwrap()).unwrap();
        let url = noted["url"].as_str().unwrap();
        // What `setup` writes, and a token for who publishes.
        let config = format!(
            "[source.crates-io]\nreplace-with = \"stockade\"\n\n[registries.stockade]\nindex = \"sparse+{url}/cargo/index/\"\n\
             credential-provider = \"cargo:token\"\n"
        );
        fs::write(root.path().join("home/.cargo/config.toml"), config).unwrap();
        Self { registry, root, token, _served: served }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
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
        let output = world.cargo(folder, arguments, Some(&world.token));
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
    let elsewhere = said("other", &world.token);
    assert!(elsewhere.contains("`other` is not published here: its name is not claimed as `hosted`"), "{elsewhere}");
    let publish = ["publish", "--registry", "stockade", "--allow-dirty", "--no-verify"];
    assert!(world.cargo("acme-core", &publish, Some(&world.token)).ok());
    world.package("acme_core", "1.0.0", "");
    let alike = said("acme_core", &world.token);
    assert!(alike.contains("`acme_core`") && !alike.contains("Uploaded"), "{alike}");
    assert_eq!(world.registry.count("*acme*"), 0);
}

#[test]
fn a_registry_that_asks_for_a_token_is_shown_one() {
    let world = World::new("[access]\nread = \"token\"\n");
    world.package("user", "0.1.0", "left-demo = \"1\"\n");
    let refused = world.cargo("user", &["generate-lockfile"], None);
    assert!(!refused.ok(), "{refused}");
    let output = world.cargo("user", &["check"], Some(&world.token));
    assert!(output.ok(), "{output}");
}
