//! `stockade run` and `setup` with the real cargo: the one that builds these tests.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;
use stockade_testkit::{CrateRegistry, CrateRelease, NOW, Output, finished, hours_before};
use tempfile::TempDir;

use crate::world::{contents, seen, shown, summary};

/// The cargo that builds these tests.
const CARGO: &str = env!("CARGO");

/// A user with a project that needs `left-demo`, of which there is a release of long ago and one of five hours ago.
struct World {
    registry: CrateRegistry,
    root: TempDir,
}

impl World {
    /// The user's own file says where crates come from.
    fn new(wanted: &str) -> Self {
        let registry = CrateRegistry::start();
        registry.publish(&CrateRelease::new("left-demo", "1.0.9"));
        registry.publish(&CrateRelease::new("left-demo", "1.1.0").published(hours_before(NOW, 5)));
        let world = Self { registry, root: TempDir::with_prefix("stockade-").unwrap() };
        let index = world.registry.index();
        world.write("home/.cargo/config.toml", &mirrored(&index));
        world.write("project/src/main.rs", "fn main() {\n    println!(\"{}\", left_demo::which());\n}\n");
        world.want(wanted);
        world
    }

    fn want(&self, wanted: &str) {
        let package = "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
        self.write("project/Cargo.toml", &format!("{package}\n[dependencies]\nleft-demo = \"{wanted}\"\n"));
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    fn lockfile(&self) -> String {
        fs::read_to_string(self.root.path().join("project/Cargo.lock")).unwrap_or_default()
    }

    /// What is in the project's lockfile of `left-demo`: its version, and all that is said of where it comes from.
    fn locked(&self) -> (String, String) {
        let document: toml::Table = self.lockfile().parse().unwrap();
        let packages = document["package"].as_array().unwrap();
        let locked = packages.iter().find(|package| package["name"].as_str() == Some("left-demo")).unwrap();
        (locked["version"].as_str().unwrap().to_owned(), locked["source"].as_str().unwrap().to_owned())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let folder = Path::new(CARGO).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [folder.to_path_buf()].into_iter().chain(std::env::split_paths(&path));
        command.current_dir(self.root.path().join("project")).env_clear();
        command.env("PATH", std::env::join_paths(folders).unwrap()).env("HOME", self.home()).env("USER", "alice");
        // The compiler's own libraries are there. With its cargo called by its place, it decides nothing else.
        command.env("RUSTUP_HOME", folder.parent().unwrap()).env("CARGO_NET_RETRY", "0").env("NO_COLOR", "1");
        command
    }

    /// cargo without stockade.
    fn cargo(&self, arguments: &[&str]) -> Output {
        finished(self.command(CARGO).args(arguments))
    }

    fn stockade<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_stockade"));
        finished(command.args(["--now", &NOW.to_string()]).args(arguments))
    }
}

/// A file that says that crates come from here.
fn mirrored(index: &str) -> String {
    format!("[source.crates-io]\nreplace-with = \"mirror\"\n\n[source.mirror]\nregistry = \"sparse+{index}\"\n")
}

#[test]
fn what_is_young_is_steered_around_and_a_lockfile_names_no_gateway() {
    let world = World::new("1");
    assert!(world.cargo(&["generate-lockfile"]).ok());
    let (version, source) = world.locked();
    assert_eq!(version, "1.1.0", "without stockade it is the newest");
    fs::remove_file(world.root.path().join("project/Cargo.lock")).unwrap();

    let config = world.home().join(".cargo/config.toml");
    let before = fs::read(&config).unwrap();
    let output = world.stockade(["run", "--", "cargo", "fetch"]);
    assert_snapshot!(seen(&output), @"
    stockade: through a gateway for this run, in a sandbox (profile: cargo)
        Updating `stockade` index
         Locking 1 package to latest compatible version
     Downloading crates ...
      Downloaded left-demo v1.0.9 (registry `stockade`)
    stockade: 1 package served ([N] bytes), 1 steered around
      held  pkg:cargo/left-demo@1.1.0  is 5 hours old; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
    status 0
    ");
    assert_eq!(world.locked(), ("1.0.9".to_owned(), source), "it names what it always names");
    assert!(!world.lockfile().contains("127.0.0.1"));
    assert_eq!(fs::read(&config).unwrap(), before);
    assert_eq!(world.registry.count("/crates/*"), 1, "of what is young, no byte was fetched");

    let output = world.stockade(["-q", "run", "--", "cargo", "run", "--quiet", "--locked"]);
    assert_eq!(output.stdout, "left-demo 1.0.9\n", "{output}");
}

#[test]
fn an_exact_wish_for_a_held_release_is_answered_with_the_reason() {
    let world = World::new("=1.1.0");
    let output = world.stockade(["run", "cargo", "build"]);
    assert_snapshot!(seen(&output), @r#"
    stockade: through a gateway for this run, in a sandbox (profile: cargo)
        Updating `stockade` index
    error: failed to select a version for the requirement `left-demo = "=1.1.0"`
      version 1.1.0 is yanked
    location searched: `stockade` index (which is replacing registry `crates-io`)
    required by package `demo v0.1.0 ([DIR]/project)`
    stockade: 0 packages served, 1 steered around
      held  pkg:cargo/left-demo@1.1.0  is 5 hours old; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
    status 101
    "#);
    assert_eq!(world.registry.count("/crates/*"), 0);
}

#[test]
fn a_lockfile_that_names_a_held_release_is_answered_with_the_reason() {
    let world = World::new("1");
    assert!(world.cargo(&["generate-lockfile"]).ok());
    let before = world.lockfile();
    let output = world.stockade(["run", "--", "cargo", "fetch", "--locked"]);
    assert_snapshot!(seen(&output), @"
    stockade: through a gateway for this run, in a sandbox (profile: cargo)
        Updating `stockade` index
     Downloading crates ...
    error: failed to download from `http://127.0.0.1:[PORT]/cargo/crates/left-demo/1.1.0/download`

    Caused by:
      failed to get successful HTTP response from `http://127.0.0.1:[PORT]/cargo/crates/left-demo/1.1.0/download` (127.0.0.1), got 403
      body:
      held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours
      hint: 1.0.9 is cleared
      see:  stockade explain [RULING]
    stockade: 0 packages served, 1 refused
      held  pkg:cargo/left-demo@1.1.0  is 5 hours old; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
    status 101
    ");
    assert_eq!(world.lockfile(), before);
    assert_eq!(world.registry.count("/crates/*"), 0);
}

#[test]
fn the_settings_can_state_the_registry() {
    let world = World::new("1");
    world.write("home/.cargo/config.toml", "");
    let index = world.registry.index();
    world.write("home/.config/stockade/stockade.toml", &format!("[upstream.cargo]\nurl = \"{index}\"\n"));
    let output = world.stockade(["run", "--", "cargo", "fetch"]);
    assert!(output.ok(), "{output}");
    assert_eq!(world.locked().0, "1.0.9");
}

#[test]
fn a_project_cannot_send_the_client_past_the_gateway() {
    let world = World::new("1");
    let evil = CrateRegistry::start();
    evil.publish(&CrateRelease::new("left-demo", "1.2.0"));
    let index = evil.index();
    for name in ["mirror", "stockade"] {
        // It is where crates come from, and it is asked by the gateway.
        world.write("project/.cargo/config.toml", &mirrored(&index).replace("mirror", name));
        let output = world.stockade(["run", "--unsandboxed", "--", "cargo", "fetch"]);
        assert!(output.ok() && evil.count("/index/*") > 0, "{output}");
        let agents = evil.requests().into_iter().filter_map(|seen| seen.header("user-agent").map(str::to_owned));
        let agents: Vec<String> = agents.collect();
        assert!(agents.iter().all(|agent| !agent.contains("cargo")), "{agents:?}");
    }
}

#[test]
fn a_client_that_is_started_by_another_program_is_guarded_too() {
    let world = World::new("1");
    world.write("home/.cargo/bin/cargo-nested", "#!/bin/sh\nexec cargo fetch\n");
    let program = world.home().join(".cargo/bin/cargo-nested");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    let output = world.stockade(["run", "--", "cargo", "nested"]);
    assert_snapshot!(summary(&output), @"
    stockade: 1 package served ([N] bytes), 1 steered around
      held  pkg:cargo/left-demo@1.1.0  is 5 hours old; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
    status 0
    ");
    assert_eq!(world.locked().0, "1.0.9");
    // It is the same where the user has no file.
    fs::remove_file(world.home().join(".cargo/config.toml")).unwrap();
    fs::remove_file(world.root.path().join("project/Cargo.lock")).unwrap();
    let index = world.registry.index();
    world.write("home/.config/stockade/stockade.toml", &format!("[upstream.cargo]\nurl = \"{index}\"\n"));
    let output = world.stockade(["run", "--", "cargo", "nested"]);
    assert!(output.ok(), "{output}");
    assert_eq!(world.locked().0, "1.0.9");
    assert!(!world.home().join(".cargo/config.toml").exists());
}

#[test]
fn an_argument_cannot_send_the_client_past_the_gateway() {
    let world = World::new("1");
    let output = world.stockade(["run", "--", "cargo", "install", "--git", "https://git.example/left"]);
    assert_snapshot!(seen(&output), @"
    stockade: an argument sends `cargo` to another registry, past the gateway
    hint: leave it out, or write the address into the client's configuration
    status 2
    ");
}

#[test]
fn setup_can_be_undone_byte_for_byte() {
    let world = World::new("1");
    let file = world.home().join(".cargo/config.toml");
    let text = "[term]\r\nquiet = true\r\n".to_owned() + mirrored(&world.registry.index()).trim_end();
    fs::write(&file, &text).unwrap();
    let output = world.stockade(["setup", "cargo"]);
    assert_snapshot!(seen(&output), @"
    cargo: wrote its upstream into ~/.config/stockade/stockade.toml
    cargo: points at the gateway, in ~/.cargo/config.toml
    stockade: `stockade serve` has to run for them to install anything
    status 0
    ");
    let pointed = fs::read_to_string(&file).unwrap();
    assert_snapshot!(shown(&pointed.replace('\r', "")), @r#"
    [term]
    quiet = true
    # stockade setup put away: [source.crates-io]
    # stockade setup put away: replace-with = "mirror"

    [source.mirror]
    registry = "sparse+http://127.0.0.1:[PORT]/index/"
    # stockade setup ended the line before
    # stockade setup wrote the next line
    [source.crates-io]
    # stockade setup wrote the next line
    replace-with = "stockade"
    # stockade setup wrote the next line
    [source.stockade]
    # stockade setup wrote the next line
    registry = "sparse+http://127.0.0.1:[PORT]/cargo/index/"
    "#);
    let stated = fs::read_to_string(world.home().join(".config/stockade/stockade.toml")).unwrap();
    assert_snapshot!(shown(&stated), @r#"
    [upstream.cargo]
    url = "http://127.0.0.1:[PORT]/index/"
    "#);
    assert!(world.stockade(["setup", "cargo"]).ok());
    assert_eq!(fs::read_to_string(&file).unwrap(), pointed);
    let before = contents(&world.root.path().join("project"));
    assert!(world.stockade(["setup", "--undo", "cargo"]).ok());
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert_eq!(contents(&world.root.path().join("project")), before);
}

/// A build script that writes where its own are and where others' are, and says what it could. It is inert: nobody has the
/// address.
const CURIOUS: &str = r#"
    let var = |name: &str| std::env::var(name).unwrap();
    let (out, own) = (var("OUT_DIR"), var("CARGO_MANIFEST_DIR"));
    let write = |path: String| std::fs::write(path, "").is_ok();
    let tried = [
        ("output", write(format!("{out}/made"))),
        ("temporary", write(std::env::temp_dir().join("made").display().to_string())),
        ("home", write(format!("{}/made", var("HOME")))),
        ("shared", write(format!("{}/made", var("DEP_SHARED_PLACE")))),
        ("source", write(format!("{own}/made"))),
        ("others", write(format!("{out}/../../made"))),
        ("project", write(format!("{out}/../../../../../src/made"))),
        ("host", std::net::TcpStream::connect(("192.0.2.1", 443)).is_ok()),
        ("program", std::process::Command::new("true").status().is_ok()),
    ];
    let could: Vec<&str> = tried.iter().filter(|tried| tried.1).map(|tried| tried.0).collect();
    println!("cargo:rustc-env=COULD={}", could.join(" "));
"#;

#[test]
fn the_build_script_of_a_crate_writes_what_it_makes_and_nothing_else() {
    let world = World::new("1");
    let shared = "println!(\"cargo:place={}\", std::env::var(\"OUT_DIR\").unwrap());";
    world.registry.publish(&CrateRelease::new("scratch", "1.0.0").links("shared").build_script(shared));
    let could = "pub fn could() -> &'static str { env!(\"COULD\") }\n";
    let curious = CrateRelease::new("curious-demo", "1.0.0").dependency("scratch", "1").build_script(CURIOUS);
    world.registry.publish(&curious.file("src/lib.rs", could));
    world.write(
        "project/Cargo.toml",
        "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\ncurious-demo = \"1\"\n",
    );
    world.write("project/src/main.rs", "fn main() { println!(\"{} | {}\", curious_demo::could(), env!(\"OWN\")); }\n");
    // The project's own is part of the command.
    let own = "println!(\"cargo:rustc-env=OWN={:?}\", std::fs::write(\"src/own.txt\", \"\").is_ok());";
    world.write("project/build.rs", &format!("fn main() {{ {own} }}\n"));
    // What it does is found when it is inspected; somebody has looked.
    let reason = ["--reason", "looked", "--expires", "30d", "--yes"];
    let approved = world.stockade(["approve", "pkg:cargo/curious-demo@1.0.0"].iter().chain(&reason));
    assert!(approved.ok(), "{approved}");

    let output = world.stockade(["run", "--", "cargo", "run", "--quiet"]);
    assert_eq!(output.stdout, "output temporary home shared program | true\n", "{output}");
    let line = "stockade: blocked: curious-demo 1.0.0 (build-script-build) tried to connect to 192.0.2.1:443";
    assert!(output.stderr.contains(line), "{output}");
    assert!(world.root.path().join("project/src/own.txt").exists());
}
