//! `stockade serve`.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use insta::assert_snapshot;
use stockade_testkit::{FakeRegistry, Guard, Package};

use crate::world::{World, seen, shown, summary};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Served {
    pub(crate) guard: Guard,
    pub(crate) url: String,
    pub(crate) log: std::path::PathBuf,
}

/// Starts a gateway on a free port and waits until it says where it is.
pub(crate) fn serve(world: &World, arguments: &[&str]) -> Served {
    let log = world.project.home().join("serve.log");
    let noted = world.data().join("gateway.json");
    let _ = fs::remove_file(&noted);
    let mut command = world.command();
    command
        .arg("serve")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).unwrap());
    let guard = Guard::spawn(&mut command).unwrap();
    assert!(wait_until(|| noted.exists()), "{}", fs::read_to_string(&log).unwrap());
    let noted: serde_json::Value = serde_json::from_slice(&fs::read(&noted).unwrap()).unwrap();
    Served { guard, url: noted["url"].as_str().unwrap().to_owned(), log }
}

pub(crate) fn wait_until(done: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > PATIENCE {
            return false;
        }
        sleep(Duration::from_millis(10));
    }
    true
}

fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
}

#[test]
fn a_gateway_serves_runs_and_clients_until_it_is_told_to_stop() {
    let Some(world) = World::or_skip() else { return };
    let mut served = serve(&world, &["--listen", "127.0.0.1:0"]);
    let noted = world.data().join("gateway.json");
    assert_eq!(mode(&noted), 0o600);
    let output = world.stockade(["run", "--", "npm", "install", "--no-audit"]);
    assert!(output.stderr.contains(&format!("through the gateway at {}", served.url)), "{output}");
    assert_snapshot!(summary(&output), @"
    stockade: 1 package served ([N] bytes), 1 steered around
      held  pkg:npm/left-demo@1.1.0  is 5 hours old; policy asks 72 hours
            until [INSTANT]; 1.0.9 is cleared
            why: stockade explain [RULING]
    status 0
    ");
    let lockfile = world.project.read("package-lock.json").unwrap();
    assert!(!lockfile.contains(&served.url), "{lockfile}");

    let nothing = world.stockade(["run", "--", "npm", "--version"]);
    assert!(nothing.ok() && nothing.stderr.contains("0 packages served"), "{nothing}");

    // What a person decides counts at once, without a restart.
    assert!(world.stockade(["approve", "pkg:npm/left-demo@1.1.0", "--reason", "read it"]).ok());
    sleep(Duration::from_millis(500));
    world.project.clean();
    let output = world.project.run(["update", "--no-audit", "--registry", &format!("{}/npm/", served.url)]);
    assert!(output.ok(), "{output}");
    assert_eq!(world.installed("left-demo").as_deref(), Some("1.1.0"));

    served.guard.signal("TERM");
    assert_eq!(served.guard.wait(PATIENCE).and_then(|status| status.code()), Some(0));
    assert!(!noted.exists());
    assert_snapshot!(shown(&fs::read_to_string(&served.log).unwrap()), @"
    stockade 0.1.0 guards http://127.0.0.1:[PORT]
      npm         http://127.0.0.1:[PORT]/npm/ in front of http://127.0.0.1:[PORT]/
      policy      enforce, cooldown 72 hours, from the built-in default (built in)
      advisories  none: malware known by name is not recognised; put OSV records into ~/.local/share/stockade/advisories
      use it      `stockade run -- npm …` for one command, `stockade setup npm` for all
    stockade: stopped
    ");
}

#[test]
fn an_address_is_taken_once_and_a_gateway_that_died_is_not_waited_for() {
    let Some(world) = World::or_skip() else { return };
    let mut served = serve(&world, &["--listen", "127.0.0.1:0"]);
    let address = served.url.trim_start_matches("http://").to_owned();
    let output = world.stockade(["serve", "--listen", &address]);
    assert_snapshot!(seen(&output), @"
    stockade: somebody else listens on 127.0.0.1:[PORT]
    hint: another gateway may be running, as `stockade doctor` tells; `--listen` takes another address
    status 2
    ");
    served.guard.kill();
    assert!(world.data().join("gateway.json").exists());
    let output = world.stockade(["run", "--", "npm", "install", "--no-audit"]);
    assert!(output.ok() && output.stderr.contains("through a gateway for this run"), "{output}");
}

#[test]
fn a_project_with_registries_that_the_gateway_does_not_know_gets_a_gateway_of_its_own() {
    let Some(world) = World::or_skip() else { return };
    let _served = serve(&world, &["--listen", "127.0.0.1:0"]);
    let acme = FakeRegistry::start();
    acme.publish(&Package::new("@acme/left").release("1.0.0"));
    world.registry.publish(&Package::new("@acme/left").release("9.9.9"));
    world.project.write(".npmrc", format!("@acme:registry={}\n", acme.url()));
    world.project.write("package.json", r#"{"dependencies": {"@acme/left": "*"}}"#);
    let output = world.stockade(["run", "--", "npm", "install", "--no-audit"]);
    assert!(output.stderr.contains("has other registries than are configured here"), "{output}");
    assert_eq!(world.installed("@acme/left").as_deref(), Some("1.0.0"), "{output}");
    assert_eq!(world.registry.count("/@acme*"), 0, "the public registry is not even asked");
}

#[test]
fn a_project_with_a_policy_gets_a_gateway_of_its_own() {
    let Some(world) = World::or_skip() else { return };
    let served = serve(&world, &["--listen", "0.0.0.0:0"]);
    world.project.write("stockade.toml", "[policy.cooldown]\ndefault = \"30d\"\n");
    let output = world.stockade(["run", "--", "npm", "install", "--no-audit"]);
    assert!(output.stderr.contains("stockade.toml has a policy"), "{output}");
    assert!(output.stderr.contains("policy asks 30 days"), "{output}");
    let log = fs::read_to_string(&served.log).unwrap();
    assert!(log.contains("warning: everybody who reaches 0.0.0.0:"), "{log}");
}
