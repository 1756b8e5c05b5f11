//! `stockade init`, `setup` and `doctor`.

use std::fs;

use insta::assert_snapshot;
use serde_json::json;

use crate::world::{World, contents, seen, shown};

#[test]
fn init_writes_down_what_was_found_and_no_credential() {
    let Some(world) = World::or_skip() else { return };
    let World { registry, project } = world;
    let project = project.config("@acme:registry", "https://alice:s3cr3t@npm.acme.example/x?token=s3cr3t");
    let world = World { registry, project };
    let output = world.stockade(["init"]);
    assert_snapshot!(seen(&output), @"
    wrote ~/.config/stockade/stockade.toml
    status 0
    ");
    let written = fs::read_to_string(world.settings_file()).unwrap();
    assert_snapshot!(shown(&written), @r#"
    # The settings of stockade, written by `stockade init`.
    # Addresses only: credentials stay in the clients' own files, where stockade reads them.

    listen = "127.0.0.1:[PORT]"

    [upstream.npm]
    url = "http://127.0.0.1:[PORT]/"
    scopes = { "@acme" = "https://npm.acme.example/x/" }

    # [policy]
    # mode = "audit"          # record what would be held, and serve it
    #
    # [policy.cooldown]
    # default = "7d"          # how old a release has to be; 72h unless said
    #
    # [[policy.exception]]    # loosen something, for a time
    # match = "pkg:TYPE/NAME@VERSION"
    # reason = "why"
    # by = "who"
    # expires = 2030-01-01
    "#);
    assert_snapshot!(seen(&world.stockade(["init"])), @"
    stockade: ~/.config/stockade/stockade.toml exists already
    hint: `--force` overwrites it
    status 2
    ");
    fs::write(world.settings_file(), "nonsense").unwrap();
    assert_eq!(world.json(["init", "--force"])["upstreams"], json!(["npm"]));
    assert_eq!(fs::read_to_string(world.settings_file()).unwrap(), written);
    assert!(world.stockade(["policy", "check"]).ok());
}

#[test]
fn setup_can_be_undone_byte_for_byte() {
    let Some(world) = World::or_skip() else { return };
    let npmrc = world.project.home().join(".npmrc");
    // A file as people have them: a link to where they keep it, line ends of two kinds, none at the end.
    let kept = world.project.home().join("dotfiles-npmrc");
    let mut text = fs::read_to_string(&npmrc).unwrap() + "//npm.acme.example/:_authToken=s3cr3t\r\n; the end";
    text.push_str(" of it");
    fs::remove_file(&npmrc).unwrap();
    fs::write(&kept, &text).unwrap();
    fs::set_permissions(&kept, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&kept, &npmrc).unwrap();
    let before = contents(&world.project.home());

    assert_snapshot!(seen(&world.stockade(["setup", "npm"])), @"
    npm: wrote its upstream into ~/.config/stockade/stockade.toml
    npm: points at the gateway, in ~/.npmrc
    stockade: `stockade serve` has to run for them to install anything
    status 0
    ");
    assert_snapshot!(shown(&fs::read_to_string(world.settings_file()).unwrap()), @r#"
    [upstream.npm]
    url = "http://127.0.0.1:[PORT]/"
    "#);
    let asked = world.project.run(["config", "get", "registry"]);
    assert_eq!(asked.stdout.trim(), "http://127.0.0.1:4873/npm/");
    assert!(fs::symlink_metadata(&npmrc).unwrap().is_symlink());
    assert_snapshot!(seen(&world.stockade(["setup", "npm"])), @"
    npm: points at the gateway already, in ~/.npmrc
    stockade: `stockade serve` has to run for them to install anything
    status 0
    ");
    assert!(world.stockade(["run", "--", "npm", "install", "--no-audit"]).ok(), "the upstream is known by now");
    let doctor = world.stockade(["doctor"]);
    assert_eq!(doctor.status, Some(1), "{doctor}");
    assert!(doctor.stdout.contains("does not run, and npm cannot do without"), "{doctor}");

    assert_snapshot!(seen(&world.stockade(["setup", "--undo", "npm"])), @"
    npm: ~/.npmrc is as it was
    status 0
    ");
    assert_snapshot!(seen(&world.stockade(["setup", "--undo", "npm"])), @"
    npm: nothing to undo in ~/.npmrc
    status 0
    ");
    fs::remove_dir_all(world.project.home().join(".config")).unwrap();
    assert_eq!(contents(&world.project.home()), before);
    assert_snapshot!(seen(&world.stockade(["setup", "deno"])), @"
    stockade: `deno` is no client that stockade can set up
    hint: the clients are `npm`, `pnpm`, `yarn`, `bun`, `pip`, `uv`, `poetry`, `cargo`, `mvn`, `gradle`
    status 2
    ");
}

#[test]
fn setup_of_a_client_without_a_file_leaves_none_when_it_is_undone() {
    let Some(world) = World::or_skip() else { return };
    let npmrc = world.project.home().join(".npmrc");
    fs::remove_file(&npmrc).unwrap();
    let World { registry, project } = world;
    let project = project.env("npm_config_registry", registry.url());
    let world = World { registry, project };
    assert!(world.stockade(["setup", "npm"]).ok());
    assert!(npmrc.exists());
    let asked = world.project.run(["config", "set", "fund", "true"]);
    assert!(asked.ok(), "{asked}");
    assert!(fs::read_to_string(&npmrc).unwrap().contains("registry=http://127.0.0.1:4873/npm/"));
    assert_snapshot!(seen(&world.stockade(["setup", "--undo", "npm"])), @"
    npm: nothing to undo in ~/.npmrc; it still names the gateway, in a line that is not setup's: edit it
    status 0
    ");
    fs::remove_file(&npmrc).unwrap();
    assert!(world.stockade(["setup", "npm"]).ok());
    assert!(npmrc.exists());
    assert!(world.stockade(["setup", "--undo", "npm"]).ok());
    assert!(!npmrc.exists());
}

#[test]
fn doctor_finds_what_is_wrong() {
    let Some(world) = World::or_skip() else { return };
    let version = world.project.npm().number().to_owned();
    let checked = |world: &World| confined(&seen(&world.stockade(["doctor"]))).replace(&version, "[VERSION]");
    assert_snapshot!(checked(&world), @"
    ok    settings    ~/.config/stockade/stockade.toml: not there, so everything is as built in
    ok    policy      enforce, cooldown 72 hours, from the built-in default (built in)
    ok    inspector   reads packages without files, network and programs
    ok    npm         [VERSION], goes directly to http://127.0.0.1:[PORT]/
    ok    data        ~/.local/share/stockade: can be written
    ok    log         holds together, all 1 of its entries
    ok    clock       [INSTANT]
    warn  advisories  none: malware known by name is not recognised; put OSV records into ~/.local/share/stockade/advisories
    ok    upstream    http://127.0.0.1:[PORT]/ answers
    ok    gateway     does not run; `stockade run` brings its own
    status 0
    ");
    world.registry.offline(true);
    let advisories = world.data().join("advisories");
    fs::create_dir_all(&advisories).unwrap();
    fs::write(advisories.join("broken.json"), "{\"id\": \"MAL-").unwrap();
    assert_snapshot!(checked(&world), @"
    ok    settings    ~/.config/stockade/stockade.toml: not there, so everything is as built in
    ok    policy      enforce, cooldown 72 hours, from the built-in default (built in)
    ok    inspector   reads packages without files, network and programs
    ok    npm         [VERSION], goes directly to http://127.0.0.1:[PORT]/
    ok    data        ~/.local/share/stockade: can be written
    ok    log         holds together, all 1 of its entries
    ok    clock       [INSTANT]
    fail  advisories  none: malware known by name is not recognised; put OSV records into ~/.local/share/stockade/advisories; not all could be read: ~/.local/share/stockade/advisories: broken.json: the record is not OSV: EOF while parsing a string at line 1 column 12
    fail  upstream    http://127.0.0.1:[PORT]/: the upstream did not answer: [WHY]
    ok    gateway     does not run; `stockade run` brings its own
    status 1
    ");
    world.settings("listen = 1");
    assert_snapshot!(checked(&world), @"
    fail  settings  `~/.config/stockade/stockade.toml` cannot be used: line 1, column 10: invalid type: integer `1`, expected a string; nothing else was looked at
    status 2
    ");
}

/// What `doctor` says where the system can take everything away from the inspector, wherever the test runs.
fn confined(text: &str) -> String {
    let mut said = false;
    let mut out = Vec::new();
    for line in text.lines() {
        // Other clients of the registry may be installed too.
        if ["pnpm", "yarn", "bun"].iter().any(|name| line.split_whitespace().nth(1) == Some(name)) {
            continue;
        }
        if !line.contains(" inspector ") {
            out.push(line);
        } else if !std::mem::replace(&mut said, true) {
            out.push("ok    inspector   reads packages without files, network and programs");
        }
    }
    out.join("\n")
}
