//! What people ask, and what they decide.

use insta::assert_snapshot;

use crate::world::{World, seen};

const HIJACKED: &str = "pkg:npm/left-demo@1.1.0";

#[test]
fn why_says_what_the_policy_makes_of_a_release_and_of_what_evidence() {
    let Some(world) = World::or_skip() else { return };
    let output = world.stockade(["why", HIJACKED]);
    assert_snapshot!(seen(&output), @"
    held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours
    reasons:
      hold  cooldown  is 5 hours old; policy asks 72 hours (until [INSTANT])
    evidence:
      age         published 5 hours ago, at [INSTANT], as the registry says
      publisher   mallory
      hook        its code runs when it is installed
      provenance  none is offered
      claim       the index claims sha512-…
    now:
      1.0.9 is cleared
      time lifts it at [INSTANT]
      to let it in: stockade approve pkg:npm/left-demo@1.1.0 --reason …
      to replay this: stockade explain [RULING]
    status 1
    ");
    let output = world.stockade(["why", "pkg:npm/left-demo@1.0.9"]);
    assert_snapshot!(seen(&output), @"
    cleared by stockade: `left-demo` 1.0.9
    evidence:
      age         published 882 days ago, at [INSTANT], as the registry says
      publisher   alice
      hook        none runs at installation
      provenance  none is offered
      claim       the index claims sha512-…
    now:
      to replay this: stockade explain [RULING]
    status 0
    ");
    let whole = world.json(["why", "pkg:npm/left-demo"]);
    let purls: Vec<&str> = whole.as_array().unwrap().iter().map(|why| why["purl"].as_str().unwrap()).collect();
    assert_eq!(purls, [HIJACKED], "what is tagged or held, of a whole package");
    assert_eq!(whole[0]["ruling"]["verdict"], "hold");
    assert_eq!(whole[0]["instead"], "1.0.9");
    let output = world.stockade(["why", "pkg:npm/left-demo@7.0.0"]);
    assert_snapshot!(seen(&output), @"
    stockade: the registry lists no such release: left-demo@7.0.0
    status 2
    ");
}

#[test]
fn a_freeze_holds_what_is_newer_at_once_until_it_is_taken_back() {
    let Some(world) = World::or_skip() else { return };
    world.settings("[policy.cooldown]\ndefault = '0'\n\n[policy.inspection]\nenabled = false\n");
    assert!(world.stockade(["why", HIJACKED]).ok(), "without a cooldown nothing speaks against it");
    assert_snapshot!(seen(&world.stockade(["freeze", "2026-05-31", "--reason", "a worm spreads"])), @"
    what was published since [INSTANT] is held, by alice: a worm spreads
    to end it: stockade freeze --off --reason …
    status 0
    ");
    assert_snapshot!(seen(&world.stockade(["run", "--", "npm", "install", "--no-audit"])), @"
    added 1 package in [TIME]
    stockade: through a gateway for this run, in a sandbox (profile: npm install)
    stockade: 1 package served ([N] bytes), 1 steered around
      held  pkg:npm/left-demo@1.1.0  was published after [INSTANT], when `alice` froze everything: a worm spreads
            1.0.9 is cleared
            why: stockade explain [RULING]
    status 0
    ");
    assert_eq!(world.installed("left-demo").as_deref(), Some("1.0.9"));
    assert_eq!(world.json(["freeze"])["frozen"]["by"], "alice");
    assert_snapshot!(seen(&world.stockade(["freeze", "--off", "--reason", "it is over", "--by", "bob"])), @"
    nothing is frozen
    status 0
    ");
    assert!(world.stockade(["why", HIJACKED]).ok());
    assert_eq!(world.json(["log", "show"])[0]["kind"], "freeze");
    assert_snapshot!(seen(&world.stockade(["freeze", "2027-01-01", "--reason", "x"])), @"
    stockade: the instant of a freeze is still to come
    status 2
    ");
    assert_snapshot!(seen(&world.stockade(["freeze", "then", "--reason", "x"])), @"
    stockade: `then` is no instant
    hint: write `[INSTANT]`, or `2026-08-04` for its beginning
    status 2
    ");
    assert_snapshot!(seen(&world.stockade(["freeze", "2026-05-31"])), @"
    stockade: nothing says why
    hint: say it in a few words with `--reason`; others will read it
    status 2
    ");
}

#[test]
fn a_ruling_is_replayed_by_its_id_its_beginning_or_its_address() {
    let Some(world) = World::or_skip() else { return };
    let id = world.json(["why", HIJACKED])[0]["id"].as_str().unwrap().to_owned();
    let output = world.stockade(["explain", &id]);
    let text = seen(&output).replace(&id, "[ID]");
    assert_snapshot!(text, @"
    held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours
    inputs:
      release  pkg:npm/left-demo@1.1.0
      ruling   [ID]
      entry    2
      at       [INSTANT]
      policy   sha256:…
    reasons:
      hold  cooldown  is 5 hours old; policy asks 72 hours (until [INSTANT])
    evidence:
      age         published 5 hours ago, at [INSTANT], as the registry says
      publisher   mallory
      hook        its code runs when it is installed
      provenance  none is offered
      claim       the index claims sha512-…
    replayed: same ruling, bit for bit
    status 0
    ");
    for other in [&id[..8], &format!("http://127.0.0.1:4873/r/{id}")] {
        let explained = world.json(["explain", other]);
        assert_eq!((explained["id"].as_str(), explained["replayed"].as_bool()), (Some(id.as_str()), Some(true)));
    }
    assert_snapshot!(seen(&world.stockade(["explain", "zzz"])), @"
    stockade: no ruling, or more than one, begins with `zzz`; `stockade held` lists those that are open
    status 2
    ");
}

#[test]
fn what_is_held_is_listed_until_somebody_lets_it_in() {
    let Some(world) = World::or_skip() else { return };
    assert_snapshot!(seen(&world.stockade(["held"])), @"
    stockade: nothing is held
    status 0
    ");
    assert!(world.stockade(["run", "--", "npm", "install", "--no-audit"]).ok());
    assert_snapshot!(seen(&world.stockade(["held"])), @"
    release                  verdict  why                                   until
    pkg:npm/left-demo@1.1.0  held     is 5 hours old; policy asks 72 hours  [INSTANT]
    status 0
    ");
    assert_eq!(world.json(["held"])[0]["ruling"]["release"]["version"], "1.1.0");

    let output = world.stockade(["approve", HIJACKED, "--reason", "read the diff", "--expires", "12h"]);
    for line in [
        "hold  install-hook-gained  runs code at its install that no cleared release ran: `node steal.js` (package.json:7)",
        "hold  cooldown             is 5 hours old; policy asks 72 hours",
        "findings, compared with 1.0.9",
        "install-hook-gained asks to hold, for package.json:7",
    ] {
        assert!(output.stderr.contains(line), "whoever approves is shown what is in it: {line}: {output}");
    }
    let approved = output.stdout.lines().map(|line| line.split(['T', '…']).next().unwrap()).next();
    assert_eq!(approved, Some("approved pkg:npm/left-demo@1.1.0 until 2026-06-02"), "{output}");
    assert!(output.stdout.contains("bound to sha256:"), "{output}");
    assert_snapshot!(seen(&world.stockade(["held"])), @"
    stockade: nothing is held
    status 0
    ");
    let output = world.stockade(["why", HIJACKED]);
    assert!(output.ok(), "{output}");
    assert!(output.stdout.starts_with("cleared by stockade: `left-demo` 1.1.0 runs code at its install"), "{output}");
    for line in
        ["by an approval of `alice`", "approval             was approved until", "decision    approved by alice until"]
    {
        assert!(output.stdout.contains(line), "{line}: {output}");
    }
    assert!(world.stockade(["run", "--", "npm", "update", "--no-audit"]).ok());
    assert_eq!(world.installed("left-demo").as_deref(), Some("1.1.0"));

    let output = world.stockade(["deny", HIJACKED, "--reason", "it steals", "--by", "bob"]);
    assert_snapshot!(seen(&output), @"
    denied pkg:npm/left-demo@1.1.0 until somebody approves it, by bob
    bound to sha256:…
    status 0
    ");
    world.project.clean();
    let output = world.stockade(["run", "--", "npm", "ci"]);
    assert_eq!(output.status, Some(1), "{output}");
    assert!(output.stderr.contains("was denied by `bob`: it steals"), "{output}");
}

#[test]
fn a_decision_is_about_a_release_and_has_a_reason_and_an_end_that_is_to_come() {
    let Some(world) = World::or_skip() else { return };
    let refused = |arguments: &[&str]| {
        let output = world.stockade(arguments);
        assert_eq!((output.status, output.stdout.as_str()), (Some(2), ""), "{output}");
        output.stderr
    };
    assert_snapshot!(refused(&["approve", "left-demo@1.1.0", "--reason", "r"]), @"
    stockade: `left-demo@1.1.0` is not a package URL: it does not begin with `pkg:`
    hint: write `pkg:npm/left-demo@1.1.0`
    ");
    assert_snapshot!(refused(&["approve", "@acme/left", "--reason", "r"]), @"
    stockade: `@acme/left` is not a package URL: it does not begin with `pkg:`
    hint: write `pkg:npm/@acme/left@VERSION`
    ");
    assert_snapshot!(refused(&["approve", "pkg:npm/left-demo", "--reason", "r"]), @"
    stockade: `pkg:npm/left-demo` names no version
    hint: write `pkg:npm/left-demo@VERSION`
    ");
    assert_snapshot!(refused(&["deny", "pkg:nmp/left-demo@1.1.0", "--reason", "r"]), @"
    stockade: `nmp` is no ecosystem that stockade knows
    hint: write `pkg:npm/…`, `pkg:pypi/…`, `pkg:cargo/…`, `pkg:maven/…`
    ");
    assert_snapshot!(refused(&["deny", "pkg:npm/.left@1.1.0", "--reason", "r"]), @"stockade: `.left` is not a package name: no part of it may begin with `.` or `_`");
    assert_snapshot!(refused(&["approve", HIJACKED, "--reason", " "]), @"
    stockade: the reason is empty
    hint: say in a few words why; others will read it
    ");
    assert_snapshot!(refused(&["approve", HIJACKED, "--reason", "r", "--expires", "soon"]), @"
    stockade: `soon` is no end
    hint: write `30d`, `2026-12-31` or `2026-12-31T12:00:00Z`
    ");
    assert_snapshot!(refused(&["approve", HIJACKED, "--reason", "r", "--expires", "2026-05-01"]), @"stockade: 2026-05-01T00:00:00Z is over already; give an end that is still to come");
    assert!(refused(&["approve", HIJACKED]).contains("--reason <REASON>"));
    assert_eq!(world.stockade(["why", HIJACKED]).status, Some(1));
    let recorded = world.json(["log", "show"]);
    assert!(recorded.as_array().unwrap().iter().all(|entry| entry["kind"] != "decision"), "{recorded}");
}

#[test]
fn what_could_not_be_looked_at_is_neither_yes_nor_no() {
    let Some(world) = World::or_skip() else { return };
    world.registry.offline(true);
    assert_snapshot!(seen(&world.stockade(["why", HIJACKED])), @"
    stockade: the upstream did not answer: [WHY]
    status 2
    ");
    assert_snapshot!(seen(&world.stockade(["approve", HIJACKED, "--reason", "r"])), @"
    stockade: the upstream did not answer: [WHY]
    status 2
    ");
    let output = world.stockade(["run", "--", "npm", "install"]);
    assert!(!output.ok() && !world.project.has("node_modules/left-demo"), "{output}");
}

#[test]
fn words_of_strangers_do_not_rearrange_the_terminal() {
    let Some(world) = World::or_skip() else { return };
    let evil = "use \u{1b}[2Jother\u{202e}";
    world.registry.publish(&crate::world::hijacked().deprecated(evil).publisher("a\u{1b}b"));
    let output = world.stockade(["why", HIJACKED]);
    assert!(!output.stdout.contains(['\u{1b}', '\u{202e}']), "{output}");
    assert!(output.stdout.contains("use  [2Jother"), "{output}");
}
