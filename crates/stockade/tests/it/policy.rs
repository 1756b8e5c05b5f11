//! `stockade policy`, and what a project may say.

use std::fs;

use insta::assert_snapshot;

use crate::world::{World, seen};

const POLICY: &str = r#"
[policy]
mode = "audit"

[policy.cooldown]
default = "7d"
nmp = "14d"

[[policy.cooldown.for]]
match = "pkg:npm/@acme/*"
age = "0"

[[policy.deny]]
match = "pkg:npm/Left Demo"
reason = "abandoned"

[[policy.exception]]
match = "pkg:npm/left-demo@1.1.0"
reason = "needed"
by = "alice"
expires = 2026-07-01

[[policy.exception]]
match = "pkg:npm/right-demo"
reason = "not needed"
by = "alice"
expires = 2026-07-01

[[policy.exception]]
match = "pkg:npm/old-demo"
reason = "was needed"
by = "bob"
expires = 2026-05-01
"#;

#[test]
fn a_policy_is_checked_for_what_can_have_no_effect() {
    let Some(world) = World::or_skip() else { return };
    world.settings(POLICY);
    assert_eq!(world.stockade(["why", "pkg:npm/left-demo@1.1.0"]).status, Some(0), "an audit enforces nothing");
    let output = world.stockade(["policy", "check"]);
    assert_snapshot!(seen(&output), @"
    from       ~/.config/stockade/stockade.toml
    digest     sha256:…
    mode       audit
    cooldown   pkg:npm/…: 7 days, from `cooldown.default`
    cooldown   pkg:pypi/…: 7 days, from `cooldown.default`
    cooldown   pkg:cargo/…: 7 days, from `cooldown.default`
    cooldown   pkg:maven/…: 7 days, from `cooldown.default`
    cooldown   pkg:npm/@acme/*: 0
    deny       1
    allow      0
    rule       0
    exception  3
    warning: `cooldown.nmp` has no effect: stockade knows no such ecosystem
    warning: `pkg:npm/Left Demo` never matches: `Left Demo` is not a package name: it has a character that would have to be encoded in a URL
    warning: the exception for `pkg:npm/right-demo` by alice was not needed so far; is it still?
    warning: the exception for `pkg:npm/old-demo` by bob expired at [INSTANT]; remove it
    status 0
    ");
    let checked = world.json(["policy", "check"]);
    assert_eq!((checked["mode"].as_str(), checked["warnings"].as_array().map(Vec::len)), (Some("audit"), Some(4)));
}

#[test]
fn an_error_in_a_policy_has_its_place() {
    let Some(world) = World::or_skip() else { return };
    world.project.write("strict.toml", "[cooldown]\ndefault = \"72\"\n");
    let check = |arguments: &[&str]| seen(&world.stockade(arguments));
    assert_snapshot!(check(&["policy", "check", "strict.toml"]), @"
    stockade: `strict.toml` cannot be used
      because policy, line 2, column 11: `72` has no unit; write `72h` for hours or `72d` for days
    status 2
    ");
    assert_snapshot!(check(&["--policy", "strict.toml", "held"]), @"
    stockade: `strict.toml` cannot be used
      because policy, line 2, column 11: `72` has no unit; write `72h` for hours or `72d` for days
    status 2
    ");
    assert_snapshot!(check(&["policy", "check", "gone.toml"]), @"
    stockade: `gone.toml` does not exist
    status 2
    ");
    world.settings("listen = \"127.0.0.1:1\"\n[policy]\nmoode = \"audit\"\n");
    assert_snapshot!(check(&["policy", "check"]), @"
    stockade: `~/.config/stockade/stockade.toml` cannot be used
      because policy, line 3, column 1: unknown field `moode`, expected one of `mode`, `cooldown`, `gaps`, `advisories`, `inspection`, `deny`, `allow`, `rule`, `exception`
    status 2
    ");
}

#[test]
fn another_policy_can_be_tried() {
    let Some(world) = World::or_skip() else { return };
    world.project.write("loose.toml", "[cooldown]\ndefault = \"1h\"\n[inspection]\nenabled = false\n");
    let hijacked = "pkg:npm/left-demo@1.1.0";
    assert_eq!(world.stockade(["policy", "test", hijacked]).status, Some(1));
    let output = world.stockade(["policy", "test", hijacked, "pkg:npm/left-demo@1.0.9", "--policy", "loose.toml"]);
    assert_eq!(output.status, Some(0), "{output}");
    let output = world.stockade(["run", "--policy", "loose.toml", "--", "npm", "install", "--no-audit"]);
    assert!(output.stderr.contains("loose.toml is to be the policy"), "{output}");
    assert_eq!(world.installed("left-demo").as_deref(), Some("1.1.0"));
}

#[test]
fn a_rule_of_the_inspection_that_there_is_not_is_told() {
    let Some(world) = World::or_skip() else { return };
    let rules = "[inspection.rules]\ninstall-hook-gaind = \"deny\"\nyoung-dependency-gained = \"deny\"\n";
    world.project.write("rules.toml", rules);
    let checked = world.json(["policy", "check", "rules.toml"]);
    let warning = "`inspection.install-hook-gaind`: there is no such rule; is it spelled as in a finding?";
    assert_eq!(checked["warnings"], serde_json::json!([warning]));
}

#[test]
fn a_project_can_tighten_and_nothing_else() {
    let Some(world) = World::or_skip() else { return };
    let project = |text: &str| world.project.write("stockade.toml", text);
    project("[policy]\n[[policy.deny]]\nmatch = \"pkg:npm/left-demo@1.0.9\"\nreason = \"we do not want it\"\n");
    let output = world.stockade(["run", "--", "npm", "install", "left-demo@1.0.9"]);
    assert_snapshot!(seen(&output), @"
    stockade: through a gateway for this run, because [DIR]/project/stockade.toml has a policy, in a sandbox (profile: npm install)
    npm error code E403
    npm error 403 Could not download left-demo@1.0.9 due to policy violations:
    npm error 403 held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours
    npm error 403 see:  stockade explain [RULING]
    npm error 403 denied by stockade: `left-demo` 1.0.9 is on the deny list as `pkg:npm/left-demo@1.0.9`: we do not want it
    npm error 403 see:  stockade explain [RULING]
    npm error 403 In most cases, you or one of your dependencies are requesting a package version that is forbidden by your security policy, or on a server you do not have access to.
    stockade: 0 packages served, 1 steered around
      held  pkg:npm/left-demo@1.1.0  is 5 hours old; policy asks 72 hours
            until [INSTANT]
            why: stockade explain [RULING]
    status 1
    ");
    project("[policy.cooldown]\ndefault = \"0\"\n");
    assert_eq!(world.stockade(["why", "pkg:npm/left-demo@1.1.0"]).status, Some(1), "a milder value has no effect");

    let refused = |text: &str| {
        project(text);
        let output = world.stockade(["run", "--", "npm", "install"]);
        assert!(!world.project.has("node_modules"), "{output}");
        seen(&output)
    };
    assert_snapshot!(refused("[upstream.npm]\nurl = \"https://evil.example\"\n"), @"
    stockade: `[DIR]/project/stockade.toml` cannot be used
      because line 1, column 2: `upstream` belongs in the user's file: a project may only tighten the policy, in `[policy]`, and the sandbox
    status 2
    ");
    assert_snapshot!(refused("[policy]\nmode = \"audit\"\n"), @r#"
    stockade: `[DIR]/project/stockade.toml` cannot be used
      because a project's policy may only tighten, and asks for `mode = "audit"`; the mode belongs in the user's or the gateway's policy
    status 2
    "#);
    let loosening = "[[policy.exception]]\nmatch = \"pkg:npm/**\"\nreason = \"x\"\nby = \"y\"\nexpires = 2030-01-01\n";
    assert_snapshot!(refused(loosening), @"
    stockade: `[DIR]/project/stockade.toml` cannot be used
      because a project's policy may only tighten, and has an exception for `pkg:npm/**`; exceptions belong in the user's or the gateway's policy
    status 2
    ");
}

#[test]
fn a_project_ends_where_its_repository_begins() {
    let Some(world) = World::or_skip() else { return };
    world.project.write("stockade.toml", "nonsense\n");
    world.project.write("inner/.git/HEAD", "");
    let mut command = world.command();
    command.current_dir(world.project.path().join("inner")).args(["policy", "check"]);
    let output = world.project.finish(&mut command);
    assert!(output.ok(), "{output}");
    fs::remove_dir_all(world.project.path().join("inner/.git")).unwrap();
    assert_eq!(world.project.finish(&mut command).status, Some(2));
}
