//! `stockade run` with pnpm, Yarn and Bun.

use serde_json::json;
use stockade_testkit::{Npm, Other};

use crate::world::{World, contents};

/// The same world with another client.
fn world(other: &Other) -> Option<World> {
    let npm = Npm::usual_or_skip()?;
    let World { registry, project } = World::with(&npm);
    let project = project.with(other);
    let yarn = format!(
        "npmRegistryServer: \"{}\"\nunsafeHttpWhitelist: [\"127.0.0.1\"]\nnodeLinker: node-modules\n\
         enableTelemetry: false\nhttpRetry: 0\n",
        registry.url()
    );
    std::fs::write(project.home().join(".yarnrc.yml"), yarn).unwrap();
    if other.name() == "yarn" {
        project.write("yarn.lock", "");
    }
    project.write(".git/HEAD", "");
    Some(World { registry, project })
}

const LOCKFILES: [&str; 3] = ["pnpm-lock.yaml", "yarn.lock", "bun.lock"];

fn worlds() -> Vec<(Other, World)> {
    Other::all().into_iter().filter_map(|other| Some((other.clone(), world(&other)?))).collect()
}

#[test]
fn a_range_is_steered_to_what_is_cleared() {
    for (other, world) in worlds() {
        let home = contents(&world.project.home());
        let output = world.stockade(["run", "--", other.name(), "install"]);
        eprintln!("{other}: {output}");
        assert!(output.ok(), "{other}: {output}");
        assert_eq!(world.installed("left-demo").as_deref(), Some("1.0.9"), "{other}: {output}");
        assert_eq!(contents(&world.project.home()), home, "{other}: a run changes no file of the user's");
        for lock in LOCKFILES { if let Some(text) = world.project.read(lock) { eprintln!("== {lock}\n{text}"); } }
        for seen in world.registry.requests() { eprintln!("{seen:?}"); }
    }
}

#[test]
fn an_exact_wish() {
    for (other, world) in worlds() {
        world.project.write("package.json", json!({"dependencies": {"left-demo": "1.1.0"}}).to_string());
        let output = world.stockade(["run", "--", other.name(), "install"]);
        eprintln!("{other}: {output}");
        assert_ne!(output.status, Some(0), "{other}: {output}");
    }
}
#[test]
fn a_range2() {
    for (other, world) in worlds() {
        world.project.write("package.json", json!({"dependencies": {"left-demo": ">=1.0.0 <1.2.0"}}).to_string());
        world.registry.publish(&stockade_testkit::Package::new("left-demo").release("2.0.0"));
        let output = world.stockade(["run", "--", other.name(), "install"]);
        eprintln!("{other}: {output}");
    }
}
