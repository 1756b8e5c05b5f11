//! Lockfiles after a run.

use std::fs;

use stockade_testkit::Npm;

use insta::assert_snapshot;

use crate::world::{World, seen};

const LOCKFILES: [&str; 2] = ["package-lock.json", "node_modules/.package-lock.json"];

#[test]
fn a_guarded_install_writes_the_lockfile_of_a_plain_one_and_both_are_enough_for_a_guarded_ci() {
    for npm in Npm::installed() {
        // A mirror is below a path of its own.
        let world = World::at(&npm, "/api/npm/all");
        let output = world.stockade(["run", "--", "npm", "install", "--no-audit"]);
        assert!(output.ok(), "{npm}: {output}");
        let guarded = LOCKFILES.map(|name| world.project.read(name).unwrap());
        world.project.clean();
        fs::remove_file(world.project.path().join(LOCKFILES[0])).unwrap();
        world.registry.unpublish("left-demo", "1.1.0");
        assert!(world.project.run(["install", "--no-audit"]).ok(), "{npm}");
        let plain = LOCKFILES.map(|name| world.project.read(name).unwrap());
        assert_eq!(guarded, plain, "{npm}");
        assert!(plain[0].contains(&format!("\"{}left-demo/-/left-demo-1.0.9.tgz\"", world.registry.url())), "{npm}");

        world.project.clean();
        fs::remove_dir_all(world.data().join("objects")).unwrap();
        let before = world.registry.count("/left-demo/-/*");
        let output = world.stockade(["run", "--", "npm", "ci", "--no-audit"]);
        assert!(output.ok(), "{npm}: {output}");
        assert!(output.stderr.contains("1 package served"), "{npm}: it came through the gateway: {output}");
        assert_eq!(world.registry.count("/left-demo/-/*"), before + 1, "{npm}");
        assert_eq!(LOCKFILES.map(|name| world.project.read(name).unwrap()), plain, "{npm}");
    }
}

#[test]
fn a_lockfile_that_names_the_gateway_is_found_and_made_canonical() {
    let Some(world) = World::or_skip() else { return };
    let ours = "http://127.0.0.1:4873/npm/left-demo/-/left-demo-1.0.9.tgz";
    world.project.write("package-lock.json", format!("{{\"resolved\": \"{ours}\"}}\n"));
    assert_snapshot!(seen(&world.stockade(["lock", "check"])), @"
    [DIR]/project/package-lock.json: names the gateway: `stockade lock canonicalise` gives it the registry's addresses
    status 1
    ");
    assert_snapshot!(seen(&world.stockade(["lock", "canonicalise"])), @"
    [DIR]/project/package-lock.json: names the registry again
    status 0
    ");
    let theirs = format!("{}left-demo/-/left-demo-1.0.9.tgz", world.registry.url());
    assert_eq!(world.project.read("package-lock.json").unwrap(), format!("{{\"resolved\": \"{theirs}\"}}\n"));
    assert_snapshot!(seen(&world.stockade(["lock", "check"])), @"
    [DIR]/project/package-lock.json: names no gateway
    status 0
    ");
    let other = ["lock", "check", "--gateway", "https://gate.example", "package-lock.json"];
    assert_eq!(world.stockade(other).status, Some(0));
    assert_snapshot!(seen(&world.stockade(["lock", "check", "other.lock"])), @"
    stockade: `other.lock` is no lockfile of a client that is found here
    hint: look at `stockade doctor`
    status 2
    ");
}

#[test]
fn a_project_below_the_folder_that_the_command_was_given_in_is_looked_after_too() {
    let Some(world) = World::or_skip() else { return };
    world.project.write("web/package.json", r#"{"dependencies": {"left-demo": "^1.0.0"}}"#);
    let output = world.stockade(["run", "--", "npm", "install", "--no-audit", "--prefix", "web"]);
    assert!(output.ok(), "{output}");
    let lockfile = world.project.read("web/package-lock.json").unwrap();
    assert!(lockfile.contains(&format!("\"{}left-demo/-/left-demo-1.0.9.tgz\"", world.registry.url())), "{lockfile}");
}
