//! Where settings come from, and what is wrong with them.

use insta::assert_snapshot;

use crate::world::{World, seen};

#[test]
fn what_is_wrong_with_settings_is_said_with_its_place() {
    let Some(world) = World::or_skip() else { return };
    let refused = |text: &str| {
        world.settings(text);
        seen(&world.stockade(["held"]))
    };
    assert_snapshot!(refused("lisen = \"127.0.0.1:1\"\n"), @"
    stockade: `~/.config/stockade/stockade.toml` cannot be used
      because line 1, column 1: unknown field `lisen`, expected one of `listen`, `public-url`, `data`, `artifact-hosts`, `upstream`, `access`, `advisories`, `inspection`, `sandbox`, `policy`
    status 2
    ");
    assert_snapshot!(refused("[upstream.nmp]\nurl = \"https://registry.example\"\n"), @"
    stockade: `~/.config/stockade/stockade.toml` cannot be used
      because line 1, column 11: `nmp` is no ecosystem that stockade knows; there is `npm`, `pypi`, `cargo`, `maven`
    status 2
    ");
    assert_snapshot!(refused("[upstream.npm]\nurl = \"registry.example\"\n"), @"
    stockade: `~/.config/stockade/stockade.toml` cannot be used
      because line 2, column 7: `registry.example` is not an http or https address
    status 2
    ");
    assert_snapshot!(seen(&world.stockade(["held", "--config", "gone.toml"])), @"
    stockade: `[DIR]/project/gone.toml` does not exist
    hint: `stockade init` writes a settings file
    status 2
    ");
}

#[test]
fn a_stated_upstream_goes_before_the_clients() {
    let Some(world) = World::or_skip() else { return };
    let registry = world.registry.url();
    let project = world.project.registry("http://127.0.0.1:4873/npm/");
    let world = World { registry: world.registry, project };
    let run = ["run", "--", "npm", "install", "--no-audit"];
    assert_snapshot!(seen(&world.stockade(run)), @"
    stockade: `npm` already points at this gateway, so nothing says where packages come from
    hint: write the registry's address as `url` in `[upstream.npm]` into ~/.config/stockade/stockade.toml
    status 2
    ");
    world.settings(&format!("[upstream.npm]\nurl = \"{registry}\"\n"));
    let output = world.stockade(run);
    assert!(output.ok(), "{output}");
    assert_eq!(world.installed("left-demo").as_deref(), Some("1.0.9"));
}

#[test]
fn files_and_folders_can_be_named() {
    let Some(world) = World::or_skip() else { return };
    world.settings("nonsense");
    world.project.write("my.toml", "data = \"kept\"\n[policy.cooldown]\ndefault = \"1h\"\n");
    let output = world.stockade(["--config", "my.toml", "why", "pkg:npm/left-demo@1.1.0"]);
    assert!(output.ok(), "{output}");
    assert!(world.project.has("kept/stockade.db"), "paths are relative to the file that they are in");
    assert!(!world.data().exists());
    let output = world.stockade(["--config", "my.toml", "--data", "other", "held"]);
    assert!(output.ok() && world.project.has("other/stockade.db"), "{output}");
}

#[test]
fn usage_errors_are_could_not_decide() {
    let Some(world) = World::or_skip() else { return };
    for arguments in [&["frobnicate"][..], &["held", "--format", "xml"], &[], &["--now", "noon", "held"]] {
        assert_eq!(
            world.project.finish(world.project.command(env!("CARGO_BIN_EXE_stockade")).args(arguments)).status,
            Some(2)
        );
    }
    let version = world.stockade(["--version"]);
    assert_eq!((version.status, version.stdout.starts_with("stockade ")), (Some(0), true), "{version}");
}
