//! `stockade run` and `setup` with pnpm, Yarn and Bun.

use std::fs;
use std::path::Path;

use jiff::SignedDuration;
use serde_json::json;
use stockade_testkit::{FakeRegistry, NOW, Npm, Other, Output, Package, hours_before, now};

use crate::serve::serve;
use crate::world::{World, contents, seen, summary};

const SENTENCE: &str = "held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours";

/// What `run` says of the hijacked release, whichever client it was.
fn told(what: &str, status: i32) -> String {
    format!(
        "stockade: {what}\n  held  pkg:npm/left-demo@1.1.0  is 5 hours old; policy asks 72 hours\n        \
         until [INSTANT]; 1.0.9 is cleared\n        why: stockade explain [RULING]\nstatus {status}"
    )
}

/// The same world with another client, which fetches from where npm does.
pub(crate) fn world(other: &Other) -> Option<World> {
    let World { registry, project } = World::with(&Npm::usual_or_skip()?);
    let project = project.with(other);
    if other.name() == "yarn" {
        project.write("yarn.lock", "");
        let own = format!("npmRegistryServer: \"{}\"\nunsafeHttpWhitelist: [\"127.0.0.1\"]\n", registry.url());
        let quiet = "nodeLinker: node-modules\nenableTelemetry: false\nhttpRetry: 0\n";
        fs::write(project.home().join(".yarnrc.yml"), own + quiet).unwrap();
    }
    project.write(".git/HEAD", "");
    Some(World { registry, project })
}

/// One for each client that can be had.
fn worlds() -> Vec<(Other, World)> {
    Other::all().into_iter().filter_map(|other| Some((other.clone(), world(&other)?))).collect()
}

/// The command that installs what the lockfile says and nothing else.
fn frozen(other: &Other) -> [&'static str; 3] {
    match other.name() {
        "yarn" => ["yarn", "install", "--immutable"],
        "bun" => ["bun", "install", "--frozen-lockfile"],
        name => [name, "install", "--frozen-lockfile"],
    }
}

fn guarded(world: &World, words: &[&str]) -> Output {
    world.stockade([&["run", "--"], words].concat())
}

fn lockfile(other: &Other) -> &'static str {
    match other.name() {
        "yarn" => "yarn.lock",
        "bun" => "bun.lock",
        _ => "pnpm-lock.yaml",
    }
}

/// Forgets what is installed, and nothing of what the client keeps elsewhere.
fn uninstall(world: &World) {
    for folder in ["node_modules", ".yarn"] {
        let _ = fs::remove_dir_all(world.project.path().join(folder));
    }
}

#[test]
fn a_range_is_steered_to_what_is_cleared_and_no_file_of_the_users_is_changed() {
    for (other, world) in worlds() {
        let home = contents(&world.project.home());
        let output = guarded(&world, &[other.name(), "install"]);
        assert!(output.ok(), "{other}: {output}");
        assert_eq!(world.installed("left-demo").as_deref(), Some("1.0.9"), "{other}: {output}");
        assert!(contents(&world.project.home()) == home, "{other}");
        assert_eq!(summary(&output), told("1 package served ([N] bytes), 1 steered around", 0), "{other}");
    }
}

#[test]
fn a_range_below_the_newest_release_is_steered_too() {
    for (other, world) in worlds() {
        world.registry.publish(&Package::new("left-demo").release("2.0.0"));
        world.project.write("package.json", json!({"dependencies": {"left-demo": ">=1.0.0 <1.2.0"}}).to_string());
        let output = guarded(&world, &[other.name(), "install"]);
        assert!(output.ok(), "{other}: {output}");
        assert_eq!(world.installed("left-demo").as_deref(), Some("1.0.9"), "{other}: {output}");
    }
}

#[test]
fn an_exact_wish_is_refused_and_whoever_wished_is_told_why() {
    for (other, world) in worlds() {
        world.project.write("package.json", json!({"dependencies": {"left-demo": "1.1.0"}}).to_string());
        let output = guarded(&world, &[other.name(), "install"]);
        assert!(world.installed("left-demo").is_none(), "{other}: {output}");
        assert_eq!(summary(&output), told("0 packages served, 1 refused", 1), "{other}: {output}");
        // Of the clients themselves, these say more than a number.
        let says = matches!((other.name(), other.major()), ("pnpm", 10) | ("yarn", _));
        assert_eq!(output.stdout.contains(SENTENCE), says, "{other}: {output}");
    }
}

#[test]
fn a_guarded_install_writes_the_lockfile_of_a_plain_one_and_both_are_enough_for_a_frozen_one() {
    for (other, world) in worlds() {
        let output = guarded(&world, &[other.name(), "install"]);
        assert!(output.ok(), "{other}: {output}");
        let written = world.project.read(lockfile(&other)).unwrap();
        assert_no_gateway(&world.project.path(), &other);
        uninstall(&world);
        let output = guarded(&world, &frozen(&other));
        assert!(output.ok() && output.stderr.contains("1 package served"), "{other}: {output}");
        assert_eq!(world.project.read(lockfile(&other)).unwrap(), written, "{other}");

        // What the guarded one left is as good as what a plain one leaves.
        let output = world.project.run(["install"]);
        assert!(output.ok(), "{other}: {output}");
        uninstall(&world);
        fs::remove_file(world.project.path().join(lockfile(&other))).unwrap();
        if other.name() == "yarn" {
            world.project.write("yarn.lock", "");
        }
        world.registry.unpublish("left-demo", "1.1.0");
        let _ = fs::remove_dir_all(world.project.home().join(".cache"));
        let _ = fs::remove_dir_all(world.project.home().join(".bun"));
        let output = world.project.run(["install"]);
        assert!(output.ok(), "{other}: {output}");
        assert_eq!(world.project.read(lockfile(&other)).unwrap(), written, "{other}");
    }
}

/// No file that a client wrote names a gateway, which has its registry below `/npm`.
fn assert_no_gateway(folder: &Path, other: &Other) {
    for (path, (_, bytes)) in contents(folder) {
        let text = String::from_utf8_lossy(&bytes);
        let named = text.split("127.0.0.1:").skip(1);
        let named = named.map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
        assert!(named.into_iter().all(|rest| !rest.starts_with("/npm")), "{other}: {}", path.display());
    }
}

#[test]
fn a_frozen_lockfile_that_names_a_held_release_is_refused_whatever_the_client_kept() {
    for (other, world) in worlds() {
        // Not all of them end well if there is a hook that they do not run.
        let output = world.project.run(["install"]);
        assert_eq!(world.installed("left-demo").as_deref(), Some("1.1.0"), "{other}: {output}");
        let before = world.project.read(lockfile(&other));
        uninstall(&world);
        let output = guarded(&world, &frozen(&other));
        assert!(world.installed("left-demo").is_none(), "{other}: {output}");
        assert_eq!(summary(&output), told("0 packages served, 1 refused", 1), "{other}: {output}");
        assert_eq!(world.project.read(lockfile(&other)), before, "{other}");
    }
}

#[test]
fn what_is_added_to_a_lockfile_leaves_the_rest_as_it_is() {
    for (other, world) in worlds() {
        world.registry.publish(&Package::new("right-demo").release("1.0.0"));
        world.registry.unpublish("left-demo", "1.1.0");
        let output = world.project.run(["install"]);
        assert!(output.ok(), "{other}: {output}");
        let before = world.project.read(lockfile(&other)).unwrap();
        uninstall(&world);
        let both = json!({"dependencies": {"left-demo": "^1.0.0", "right-demo": "^1.0.0"}});
        world.project.write("package.json", both.to_string());
        let output = guarded(&world, &[other.name(), "install"]);
        assert!(output.ok(), "{other}: {output}");
        let after = world.project.read(lockfile(&other)).unwrap();
        let about = |text: &str, name: &str| text.lines().filter(|line| line.contains(name)).count();
        let packed = |text: &str| -> Vec<String> {
            text.lines().filter(|line| line.contains("left-demo@")).map(str::to_owned).collect()
        };
        assert_eq!(packed(&after), packed(&before), "{other}");
        assert!(about(&after, "right-demo") > 0 && about(&before, "right-demo") == 0, "{other}: {after}");
        assert_no_gateway(&world.project.path(), &other);
    }
}

/// What the client is told of a minimum age of its own, of a day.
fn gate(other: &Other, world: &World) {
    match (other.name(), other.major()) {
        ("pnpm", 10) => world.project.write("pnpm-workspace.yaml", "minimumReleaseAge: 1440\n"),
        ("bun", _) => world.project.write("bunfig.toml", "[install]\nminimumReleaseAge = 86400\n"),
        // The others have it by themselves.
        _ => {}
    }
}

/// Stockade at this instant, with a policy that asks no age.
fn of_today(world: &World, words: &[&str]) -> Output {
    world.settings("[policy.cooldown]\ndefault = \"0\"\n");
    let mut command = world.project.command(env!("CARGO_BIN_EXE_stockade"));
    world.project.finish(command.args(["--ecosystem", "npm", "run", "--"]).args(words))
}

#[test]
fn a_minimum_age_of_the_clients_own_holds_through_the_gateway() {
    for (other, world) in worlds() {
        let young = now() - SignedDuration::from_hours(5);
        world.registry.publish(&Package::new("left-demo").release("1.2.0").published(young));
        world.registry.unpublish("left-demo", "1.1.0");
        gate(&other, &world);
        let output = of_today(&world, &[other.name(), "install"]);
        assert!(output.ok(), "{other}: {output}");
        assert_eq!(world.installed("left-demo").as_deref(), Some("1.0.9"), "{other}: {output}");
        assert!(!output.stderr.contains("steered"), "{other}: it was not us: {output}");
    }
}

#[test]
fn a_loss_of_trust_is_seen_through_the_gateway() {
    for other in Other::named("pnpm") {
        let Some(world) = world(&other) else { return };
        world
            .registry
            .publish(&Package::new("mild-demo").release("1.0.0").published(hours_before(NOW, 300)).attested());
        world.registry.publish(&Package::new("mild-demo").release("1.1.0").published(hours_before(NOW, 200)));
        world.project.write("package.json", json!({"dependencies": {"mild-demo": "1.1.0"}}).to_string());
        world.project.write("pnpm-workspace.yaml", "trustPolicy: off\n");
        let trusting = of_today(&world, &["pnpm", "install"]);
        assert!(trusting.ok(), "{other}: {trusting}");
        uninstall(&world);
        fs::remove_file(world.project.path().join("pnpm-lock.yaml")).unwrap();
        world.project.write("pnpm-workspace.yaml", "trustPolicy: no-downgrade\n");
        let output = of_today(&world, &["pnpm", "install"]);
        assert!(
            !output.ok() && format!("{output}").to_lowercase().replace('_', " ").contains("trust downgrade"),
            "{other}: {output}"
        );
    }
}

/// A scope with a registry of its own, written into the project's file as each client has it.
fn scoped(other: &Other, url: &str) -> (&'static str, String) {
    let place = url.trim_start_matches("http:");
    match other.name() {
        "yarn" => {
            let scope = format!("npmScopes:\n  acme:\n    npmRegistryServer: \"{url}\"\n");
            (".yarnrc.yml", scope + "    npmAlwaysAuth: true\n    npmAuthToken: \"${ACME_TOKEN}\"\n")
        }
        "bun" => {
            let scope = format!("\"@acme\" = {{ url = \"{url}\", token = \"$ACME_TOKEN\" }}\n");
            ("bunfig.toml", "[install.scopes]\n".to_owned() + &scope)
        }
        _ => (".npmrc", format!("@acme:registry={url}\n{place}:_authToken=${{ACME_TOKEN}}\n")),
    }
}

#[test]
fn a_scope_with_a_registry_of_its_own_goes_through_the_gateway_to_that_registry() {
    for (other, world) in worlds() {
        let acme = FakeRegistry::start();
        acme.publish(&Package::new("@acme/left").release("2.0.0"));
        acme.publish(&Package::new("@acme/left").release("2.1.0").published(hours_before(NOW, 1)));
        acme.require_token("s3cr3t");
        let (file, text) = scoped(&other, &acme.url());
        world.project.write(file, &text);
        let World { registry, project } = world;
        let world = World { registry, project: project.env("ACME_TOKEN", "s3cr3t") };
        world.project.write("package.json", json!({"dependencies": {"@acme/left": "^2.0.0"}}).to_string());
        let output = guarded(&world, &[other.name(), "install"]);
        assert!(output.ok(), "{other}: {output}");
        assert_eq!(world.installed("@acme/left").as_deref(), Some("2.0.0"), "{other}: {output}");
        assert_eq!(world.registry.count("/@acme*"), 0, "{other}: the name is not told to others");
        assert_eq!(world.project.read(file).as_deref(), Some(text.as_str()), "{other}");
        assert!(!format!("{output}").contains("s3cr3t"), "{other}: {output}");
        assert_no_gateway(&world.project.path(), &other);

        // Where nothing can change it for one run, nothing is run.
        let output = world.stockade(["run", "--unsandboxed", "--", other.name(), "install"]);
        let refused = other.name() != "pnpm";
        assert_eq!(output.status == Some(2), refused, "{other}: {output}");
        assert_eq!(output.stderr.contains("only a sandbox can change that for one run"), refused, "{other}: {output}");
    }
}

#[test]
fn an_argument_cannot_send_the_client_past_the_gateway() {
    for (other, world) in worlds() {
        let registry = format!("--registry={}", world.registry.url());
        let output = guarded(&world, &[other.name(), "install", &registry]);
        let first = output.stderr.lines().next().unwrap_or_default().replace(other.name(), "it");
        assert_eq!(first, "stockade: an argument sends `it` to another registry, past the gateway");
        assert_eq!((output.status, world.registry.count("*")), (Some(2), 0), "{other}: {output}");
    }
}

#[test]
fn a_client_is_not_asked_where_it_would_run_what_is_the_projects() {
    for (other, world) in worlds() {
        let ran = "require('fs').writeFileSync(__dirname + '/ran', '')\n";
        for file in [".pnpmfile.cjs", "own.cjs", "preload.cjs"] {
            world.project.write(file, ran);
        }
        world.project.write(".yarnrc.yml", "yarnPath: ./own.cjs\n");
        world.project.write("bunfig.toml", "preload = [\"./preload.cjs\"]\n");
        for command in [&["doctor"][..], &["init"]] {
            let output = world.stockade(command);
            assert!(output.ok(), "{other}: {output}");
            assert!(!world.project.has("ran"), "{other}: {output}");
        }
        let doctor = world.stockade(["doctor"]);
        assert!(doctor.stdout.contains(&format!("ok    {} ", other.name())), "{other}: {doctor}");
    }
}

#[test]
fn a_run_through_a_gateway_that_was_there_is_told_too() {
    for (other, world) in worlds() {
        let _served = serve(&world, &["--listen", "127.0.0.1:0"]);
        let output = guarded(&world, &[other.name(), "install"]);
        assert!(output.ok() && output.stderr.contains("through the gateway at"), "{other}: {output}");
        assert!(output.stderr.contains("1 package served"), "{other}: {output}");
    }
}

#[test]
fn clients_of_one_registry_have_one_upstream() {
    for (other, world) in worlds() {
        let World { registry, project } = world;
        let project = project.config("@acme:registry", "https://npm.acme.example/");
        let world = World { registry, project };
        let output = world.stockade(["setup", "npm", other.name()]);
        assert!(output.ok(), "{other}: {output}");
        let settings = fs::read_to_string(world.settings_file()).unwrap();
        assert_eq!(settings.matches("[upstream.npm]").count(), 1, "{other}: {settings}");
        assert!(world.stockade(["policy", "check"]).ok(), "{other}");
        for name in ["npm", other.name()] {
            assert!(world.stockade(["setup", "--undo", name]).ok(), "{other}");
        }
    }
}

#[test]
fn where_bun_names_no_registry_it_is_npms_and_its_lockfile_names_none() {
    for other in Other::named("bun") {
        let Some(world) = world(&other) else { return };
        // Bun does not read npm's global file.
        fs::write(world.project.home().join("../global.npmrc"), format!("registry={}\n", world.registry.url()))
            .unwrap();
        fs::write(world.project.home().join(".npmrc"), "").unwrap();
        let output = guarded(&world, &["bun", "install"]);
        assert!(output.ok(), "{other}: {output}");
        let lockfile = world.project.read("bun.lock").unwrap();
        assert!(lockfile.contains("[\"left-demo@1.0.9\", \"\", {}"), "{other}: {lockfile}");
        uninstall(&world);
        let output = guarded(&world, &frozen(&other));
        assert!(output.ok() && output.stderr.contains("1 package served"), "{other}: {output}");
        assert_eq!(world.project.read("bun.lock").as_deref(), Some(lockfile.as_str()));
    }
}

#[test]
fn setup_points_a_client_at_the_gateway_and_can_be_undone_byte_for_byte() {
    for (other, world) in worlds() {
        let before = contents(&world.project.home());
        let name = other.name();
        let served = serve(&world, &["--listen", "127.0.0.1:0"]);
        let port = served.url.rsplit_once(':').unwrap().1.to_owned();
        drop(served);
        fs::remove_file(world.project.home().join("serve.log")).unwrap();
        let listen = format!("127.0.0.1:{port}");
        world.settings(&format!("listen = \"{listen}\"\n[upstream.npm]\nurl = \"{}\"\n", world.registry.url()));
        let output = world.stockade(["setup", name]);
        assert!(output.ok() && output.stdout.starts_with(&format!("{name}: points at the gateway, in ")), "{output}");
        let doctor = world.stockade(["doctor"]);
        assert!(doctor.stdout.contains("goes through the gateway to"), "{other}: {doctor}");

        let _served = serve(&world, &[]);
        let output = world.project.run(["install"]);
        assert!(output.ok(), "{other}: {output}");
        assert_eq!(world.installed("left-demo").as_deref(), Some("1.0.9"), "{other}: {output}");

        let output = world.stockade(["setup", "--undo", name]);
        assert!(seen(&output).contains("is as it was"), "{other}: {output}");
        for (path, file) in before {
            assert!(contents(&world.project.home()).get(&path) == Some(&file), "{other}: {}", path.display());
        }
        assert!(!world.project.home().join(".bunfig.toml").exists(), "{other}");
    }
}
