//! What a policy document may say, custom rules, and tightening.

use stockade_model::{Gap, GapKind, Verdict};

use super::*;
use crate::{CooldownSource, Mode, PolicyError, Waivable};

#[track_caller]
fn error(toml: &str) -> String {
    Policy::parse(toml).unwrap_err().to_string()
}

const EVERYTHING: &str = r#"
mode = "enforce"

[cooldown]
default = "72h"
demo = "24h"

[[cooldown.for]]
match = "pkg:demo/@acme/*"
age = "0"

[gaps]
stale = "hold"
no-integrity = "deny"

[advisories]
vulnerable = "hold"

[[deny]]
match = "pkg:demo/event-demo"
reason = "abandoned"

[[allow]]
match = "pkg:other/**"

[[rule]]
name = "new-hook"
when = "evidence.install_hook && evidence.age_hours < 720"
then = "hold"
message = "runs a hook when it is installed, and is younger than 30 days"

[[exception]]
match = "pkg:demo/left-demo@1.1.0"
reason = "the fix for our outage"
by = "alice"
expires = 2026-12-31
waives = ["rule", "cooldown", "rule"]
"#;

#[test]
fn canonical_is_a_fixed_point() {
    for toml in ["", EVERYTHING] {
        let policy = policy(toml);
        let again = Policy::from_canonical(policy.canonical()).unwrap();
        assert_eq!(again.canonical(), policy.canonical());
        assert_eq!(again.digest(), &Digest::of(policy.canonical().as_bytes()));
    }
    assert_eq!(policy("").canonical(), Policy::builtin().canonical());
    assert_eq!(policy("[cooldown]\ndefault = '72h' # ours").digest(), policy("cooldown = {default = '3d'}").digest());
    insta::assert_snapshot!(policy(EVERYTHING).canonical(), @r#"{"version":1,"layers":[{"mode":"enforce","cooldown":{"default":"3d","demo":"1d","for":[{"match":"pkg:demo/@acme/*","age":"0"}]},"gaps":{"stale":"hold","no-integrity":"deny"},"advisories":{"vulnerable":"hold"},"deny":[{"match":"pkg:demo/event-demo","reason":"abandoned"}],"allow":[{"match":"pkg:other/**"}],"rule":[{"name":"new-hook","when":"evidence.install_hook && evidence.age_hours < 720","then":"hold","message":"runs a hook when it is installed, and is younger than 30 days"}],"exception":[{"match":"pkg:demo/left-demo@1.1.0","reason":"the fix for our outage","by":"alice","expires":"2026-12-31T00:00:00Z","waives":["cooldown","rule"]}]}]}"#);
}

#[test]
fn the_policy_table_of_a_settings_file_is_a_policy() {
    let settings = "[upstream.demo]\nurl = 'https://registry.example'\n\n[policy]\nmode = 'audit'\n\n[policy.cooldown]\ndefault = '1d'\n";
    let found = Policy::parse_settings(settings).unwrap().unwrap();
    assert_eq!(found.digest(), policy("mode = 'audit'\ncooldown.default = '24h'").digest());
    assert!(Policy::parse_settings("listen = 'x'").unwrap().is_none());
    let error = Policy::parse_settings("[policy]\nmode = 'loud'").unwrap_err().to_string();
    assert_eq!(error, "policy, line 2, column 8: unknown variant `loud`, expected `enforce` or `audit`");
}

#[test]
fn every_example_of_the_guide_is_a_policy() {
    let guide = include_str!("../../../../docs/policy.md");
    let examples: Vec<_> = guide.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() > 9, "the guide has examples");
    for example in examples {
        let found = Policy::parse_settings(example).and_then(|settings| match settings {
            Some(policy) => Ok(policy),
            None => Policy::parse(example),
        });
        found.unwrap_or_else(|error| panic!("{error}\n{example}"));
    }
}

#[test]
fn an_error_says_where_and_what() {
    for (toml, expect) in [
        ("mode = 'enforce'\ncolour = 'red'", "policy, line 2, column 1: unknown field `colour`"),
        ("mode = ", "policy, line 1, column 8: "),
        ("[cooldown]\ndefault = '72'", "policy, line 2, column 11: `72` has no unit"),
        (
            "[cooldown]\ndefault = 72",
            "policy, line 2, column 11: invalid type: integer `72`, expected a duration in quotes",
        ),
        ("[cooldown]\n'Not OK' = '72h'", "policy, line 2, column 1: `Not OK` is no key of `cooldown`"),
        (
            "[[cooldown.for]]\nmatch = 'pkg:demo/a@1'\nage = '1d'",
            "policy, line 2, column 9: `pkg:demo/a@1` names a version",
        ),
        ("[gaps]\nstale = 'maybe'", "policy, line 2, column 9: unknown variant `maybe`"),
        ("[gaps]\nstael = 'hold'", "policy, line 2, column 1: unknown variant `stael`"),
        ("[[deny]]\nmatch = 'left-demo'\nreason = 'x'", "policy, line 2, column 9: `left-demo` is not a package URL"),
        ("[[deny]]\nmatch = 'pkg:demo/a'", "policy, line 1, column 1: missing field `reason`"),
        ("[[deny]]\nmatch = 'pkg:demo/a'\nreason = ' '", "policy, line 3, column 10: this is empty"),
        ("[[deny]]\nmatch = 'pkg:demo/a'\nreason = \"a\\nb\"", "policy, line 3, column 10: this has a line break"),
        ("[[allow]]\nmatch = 'pkg:demo/a'\nwhy = 'x'", "policy, line 3, column 1: unknown field `why`"),
    ] {
        let error = error(toml);
        assert!(error.starts_with(expect), "{toml}\n{error}");
    }
}

#[test]
fn an_exception_says_why_who_and_until_when() {
    let with = |rest: &str| Policy::parse(&format!("[[exception]]\nmatch = 'pkg:demo/a@1'\n{rest}"));
    let error = |rest: &str| with(rest).unwrap_err().to_string();
    assert!(error("by = 'x'\nexpires = 2026-12-31").contains("missing field `reason`"));
    assert!(error("reason = 'x'\nexpires = 2026-12-31").contains("missing field `by`"));
    assert!(error("reason = 'x'\nby = 'x'").contains("missing field `expires`"));
    assert!(error("reason = 'x'\nby = ''\nexpires = 2026-12-31").contains("this is empty"));
    assert!(error("reason = 'x'\nby = 'x'\nexpires = 2026-12-31\nwaives = []").contains("`waives` is empty"));
    assert!(error("reason = 'x'\nby = 'x'\nexpires = 2026-12-31\nwaives = ['integrity']").contains("unknown variant"));
    assert_eq!(
        error("reason = 'x'\nby = 'x'\nexpires = 'soon'"),
        "policy, line 5, column 11: `soon` is neither a date nor an instant; write `2026-12-31` or `2026-12-31T12:00:00Z`"
    );
    assert!(error("reason = 'x'\nby = 'x'\nexpires = 7").contains("expected a date such as 2026-12-31"));
    for (written, expect) in [
        ("2026-12-31", "2026-12-31T00:00:00Z"),
        ("'2026-12-31'", "2026-12-31T00:00:00Z"),
        ("2026-12-31T01:00:00+01:00", "2026-12-31T00:00:00Z"),
        ("'2026-12-31T12:00:00Z'", "2026-12-31T12:00:00Z"),
    ] {
        let policy = with(&format!("reason = 'x'\nby = 'x'\nexpires = {written}")).unwrap();
        assert_eq!(policy.exceptions()[0].expires(), at(expect));
        assert_eq!(policy.exceptions()[0].waives(), [Waivable::Cooldown]);
    }
}

#[test]
fn only_one_release_can_be_excepted_from_malware() {
    for pattern in ["pkg:demo/a", "pkg:demo/a@1.*", "pkg:demo/*@1", "pkg:*/a@1"] {
        let toml = format!(
            "[[exception]]\nmatch = '{pattern}'\nreason = 'x'\nby = 'x'\nexpires = 2026-12-31\nwaives = ['malware']"
        );
        assert!(error(&toml).contains("must name one"), "{pattern}");
    }
}

#[test]
fn everything_has_a_limit() {
    assert!(error(&"#".repeat(1024 * 1024 + 1)).contains("more than the limit of 1048576"));
    let entries = "[[allow]]\nmatch = 'pkg:demo/a'\n".repeat(10_001);
    assert!(error(&entries).contains("`allow` has 10001 entries, more than the limit of 10000"));
    let rules: String = (0..101).map(|at| rule_toml(&format!("r{at}"), "true")).collect();
    assert!(error(&rules).contains("`rule` has 101 entries"));
    assert!(error(&rule_toml("a", &"x".repeat(4097))).contains("more than 4096 bytes"));
    assert!(error(&format!("[[allow]]\nmatch = 'pkg:demo/{}'", "a".repeat(600))).contains("512 bytes"));
    assert!(
        error(&format!("[[deny]]\nmatch = 'pkg:demo/a'\nreason = '{}'", "a".repeat(301))).contains("300 characters")
    );
    let base = Policy::builtin();
    let mut deep = Policy::builtin();
    for _ in 0..15 {
        deep = deep.tightened_by(&base).unwrap();
    }
    assert!(matches!(deep.tightened_by(&base), Err(PolicyError::TooMany { documents: 17, .. })));
}

#[test]
fn a_canonical_policy_of_another_version_is_not_replayed() {
    for (json, expect) in [
        ("{\"version\":2,\"surprise\":1}", "version 2"),
        ("{\"version\":1,\"layers\":[]}", "no document"),
        ("{\"version\":1,\"layers\":[{\"colour\":1}]}", "unknown field `colour`"),
        ("{\"version\":1,\"layers\":[{},{\"mode\":\"audit\"}]}", "may only tighten"),
        ("[", "line 1"),
    ] {
        let error = Policy::from_canonical(json).unwrap_err().to_string();
        assert!(error.contains(expect), "{json}: {error}");
    }
}

// 8. Custom rules

fn rule_toml(name: &str, when: &str) -> String {
    format!("[[rule]]\nname = \"{name}\"\nwhen = '''{when}'''\nthen = \"hold\"\nmessage = \"is what we watch for\"\n")
}

#[test]
fn a_rule_sees_the_evidence() {
    let evidence = [published(hours_ago(5)), matches(), manifest(true), advisory(false)];
    let gaps = [Gap::new(GapKind::Stale, "x")];
    for (when, holds) in [
        ("true", true),
        ("false", false),
        ("release.ecosystem == 'demo' && release.name == 'left-demo' && release.scope == ''", true),
        ("release.version.startsWith('1.') && release.purl == 'pkg:demo/left-demo@1.1.0'", true),
        ("evidence.age_hours >= 5 && evidence.age_hours < 6.0", true),
        ("evidence.published == '2026-03-01T07:00:00Z'", true),
        ("evidence.publisher in ['alice', 'bob']", true),
        ("evidence.install_hook && !evidence.provenance && !evidence.malware", true),
        ("evidence.deprecated != ''", false),
        ("evidence.advisories.exists(a, a.id.startsWith('GHSA-') && a.summary.contains('bad') && !a.malware)", true),
        ("size(evidence.advisories) > 1", false),
        ("evidence.digest.startsWith('sha256:')", true),
        ("'stale' in gaps || gaps.exists(g, g == 'stale')", true),
        ("['a', 'b'].all(x, x != 'c') ? evidence.install_hook : false", true),
    ] {
        let toml = format!("cooldown.default = '0'\n{}", rule_toml("watched", when));
        let expect = if holds { "hold watched=hold gap=allow" } else { "allow gap=allow cleared" };
        check_gaps(&toml, &evidence, &gaps, expect);
    }
}

#[test]
fn without_a_time_the_age_is_negative() {
    let toml = format!(
        "[gaps]\nno-time = 'allow'\n{}",
        rule_toml("ageless", "evidence.age_hours == -1.0 && 'no-time' in gaps")
    );
    check(&toml, &[matches()], "hold ageless=hold gap=allow");
}

#[test]
fn a_rule_says_its_message_after_the_name() {
    let ruling = check(&rule_toml("watched", "true"), &[old()], "hold watched=hold");
    assert_eq!(ruling.sentence(), "held by stockade: `left-demo` 1.1.0 is what we watch for");
    let denies = rule_toml("watched", "true").replace("hold", "deny");
    check(&denies, &[old(), matches(), approval(bytes())], "deny watched=deny");
    check(
        &rule_toml("watched", "true"),
        &[old(), matches(), approval(bytes())],
        "allow watched=allow approval=allow cleared",
    );
}

#[test]
fn a_rule_that_reads_the_age_bounds_the_ruling() {
    let toml = rule_toml("watched", "evidence.age_hours < 100");
    let evidence = [published(at("2026-02-25T07:30:00Z"))];
    let ruling = check(&toml, &evidence, "allow");
    assert_eq!(ruling.until, Some(at("2026-03-01T12:30:00Z")));
    let other = check(&rule_toml("watched", "evidence.install_hook"), &evidence, "allow");
    assert_eq!(other.until, None);
    let indirect = check(&rule_toml("watched", "evidence['age_hours'] < 100"), &evidence, "allow");
    assert_eq!(indirect.until, ruling.until);
}

#[test]
fn a_rule_that_cannot_be_evaluated_is_a_gap() {
    for (when, why) in [
        ("evidence.advisories[0].malware && evidence.advisories[7].malware", "a list has no such index"),
        ("1 / size(evidence.publisher) == 1", "it divides by zero"),
        ("evidence[release.name] == 1", "there is no field `left-demo`"),
        ("evidence.publisher != '' || evidence[release.name + 'x'] == 'x'", "there is no field"),
        ("evidence.install_hook ? size(1.5 > 1.0 ? 'a' : 'b') == 1 : evidence[release.name]", "there is no field"),
        ("9223372036854775807 + size(release.name) > 0", "a number became too large"),
    ] {
        let toml = rule_toml("watched", when);
        let ruling = check(&toml, &[old()], "hold gap=hold");
        assert!(
            ruling.reasons[0]
                .sentence
                .starts_with("was not fully looked at (`rule`): rule `watched` could not be evaluated: ")
        );
        assert!(ruling.reasons[0].sentence.contains(why), "{when}: {}", ruling.reasons[0].sentence);
        check(&format!("{toml}\n[gaps]\nrule = 'deny'"), &[old()], "deny gap=deny");
        check(&format!("{toml}\n[gaps]\nrule = 'allow'"), &[old()], "allow gap=allow");
    }
    let many: Vec<_> = std::iter::once(old()).chain((0..1001).map(|_| advisory(false))).collect();
    check(&rule_toml("watched", "false"), &many, "hold gap=hold");
}

#[test]
fn a_typing_error_in_a_rule_is_an_error_of_the_policy() {
    for (when, expect) in [
        ("", "rule `r`: `when` is empty"),
        ("evidence.install_hook &&", "rule `r`: `when`, line 1, column "),
        ("evidence.hook", "rule `r`: `evidence` has no field `hook`; the fields are `age_hours`"),
        ("evidnce.install_hook", "rule `r`: there is no variable `evidnce`; the variables are `release`"),
        ("now > 1", "rule `r`: there is no variable `now`"),
        ("gaps.size", "rule `r`: `gaps` is a list and has no field `size`"),
        ("frobnicate(gaps)", "rule `r`: there is no function `frobnicate`; the functions are `size`"),
        ("evidence.age_hours", "rule `r`: it gives `float`; compare it with something"),
        ("evidence.age_hours > '1'", "rule `r`: found no matching overload for '_>_'"),
        ("{'a': true}['a']", "rule `r`: `when` may have lists, but neither maps nor structs"),
        ("release.all(k, true)", "rule `r`: a macro such as `exists` runs over `evidence.advisories`"),
        ("gaps.filter(g, true).all(g, true)", "rule `r`: a macro such as `exists` runs over"),
        ("gaps.all(g, gaps.all(h, true))", "rule `r`: a macro such as `exists` may not stand inside another one"),
        ("gaps.all(evidence, evidence == 'x')", "rule `r`: `evidence` is a variable already"),
    ] {
        let error = error(&rule_toml("r", when));
        assert!(error.starts_with(&format!("policy, line 1, column 1: {expect}")), "{when}\n{error}");
    }
}

#[test]
fn a_rule_has_a_name_of_its_own_and_never_allows() {
    assert!(error(&rule_toml("Not Kebab", "true")).contains("a name is kebab case, such as `new-hook`"));
    assert!(error(&rule_toml("malware", "true")).contains("built-in reasons have this name"));
    assert!(error(&rule_toml("r", "true").replace("hold", "allow")).contains("a rule can only `hold` or `deny`"));
    assert!(error(&rule_toml("r", "true").repeat(2)).contains("two rules are named `r`"));
}

#[test]
fn a_hostile_expression_is_refused_and_not_evaluated() {
    for (open, middle, close) in [
        ("(", "1", ")"),
        ("-", "1", ""),
        ("[", "1", "]"),
        ("1+", "1", ""),
        ("gaps[", "0", "]"),
        ("true?true:", "true", ""),
        ("true<", "true", ""),
        ("size(", "gaps", ")"),
        ("true&&", "true", ""),
        ("", "gaps", ".map(g,g+g)"),
        ("", "evidence", ".a"),
        ("", "gaps", "[0]"),
    ] {
        let times = 4000 / (open.len() + close.len());
        let when = format!("{}{middle}{}", open.repeat(times), close.repeat(times));
        let error = error(&rule_toml("r", &when));
        assert!(error.starts_with("policy, line 1, column 1: rule `r`: "), "{error}");
        assert!(error.len() < 400, "{error}");
    }
    for when in [
        "-9223372036854775808 / -1 > 0",
        "-9223372036854775808 % -1 > 0",
        "-(-9223372036854775808) > 0",
        "int(1e300) > 0",
    ] {
        check(&rule_toml("r", when), &[old()], "hold gap=hold");
    }
}

// Tightening

#[test]
fn a_project_tightens_and_what_it_leaves_out_changes_nothing() {
    let base = policy("[cooldown]\ndefault = '1h'\n[gaps]\nmalformed = 'allow'\n[[allow]]\nmatch = 'pkg:demo/left-*'");
    let tightened = |project: &str| base.tightened_by(&policy(project)).unwrap();
    let gaps = [Gap::new(GapKind::Malformed, "x")];
    let outcome =
        |project: &str| words(&rule(&tightened(project), &[young(), matches(), manifest(true)], &gaps, now()));
    assert_eq!(outcome(""), "allow gap=allow cleared");
    assert_eq!(outcome("[cooldown]\ndefault = '6h'"), "hold cooldown=hold gap=allow");
    assert_eq!(outcome("[cooldown]\ndefault = '0'"), "allow gap=allow cleared");
    assert_eq!(outcome("[gaps]\nmalformed = 'deny'"), "deny gap=deny");
    assert_eq!(outcome("[gaps]\nunreachable = 'allow'"), "allow gap=allow cleared");
    assert_eq!(outcome("[[deny]]\nmatch = 'pkg:demo/**'\nreason = 'x'"), "deny deny=deny gap=allow");
    assert_eq!(outcome("[[allow]]\nmatch = 'pkg:demo/**'"), "allow gap=allow cleared");
    assert_eq!(outcome("[[allow]]\nmatch = 'pkg:demo/right'"), "deny allow-list=deny gap=allow");
    assert_eq!(outcome(&rule_toml("hook", "evidence.install_hook")), "hold hook=hold gap=allow");
    let stricter = tightened("[cooldown]\ndefault = '6h'");
    let cooldown = stricter.cooldown(&left().package);
    assert_eq!((cooldown.from, cooldown.by_project), (CooldownSource::Default, true));
    assert_eq!(cooldown.to_string(), "6 hours, from `cooldown.default` of the project's policy");
}

#[test]
fn a_projects_default_leaves_a_gap_of_the_base_held() {
    let base = Policy::builtin();
    let project = policy("[gaps]\nunreachable = 'allow'\n[advisories]\nvulnerable = 'allow'\n[cooldown]\ndemo = '0'");
    let tightened = base.tightened_by(&project).unwrap();
    let gaps = [Gap::new(GapKind::Unreachable, "x")];
    assert_eq!(words(&rule(&tightened, &[young()], &gaps, now())), "hold cooldown=hold gap=hold");
}

#[test]
fn the_exceptions_of_the_base_hold_for_the_projects_reasons_too() {
    let base = policy("[[exception]]\nmatch = 'pkg:demo/left-demo'\nreason = 'x'\nby = 'x'\nexpires = 2027-01-01");
    let tightened = base.tightened_by(&policy("[cooldown]\ndefault = '30d'")).unwrap();
    assert_eq!(words(&rule(&tightened, &[young(), matches()], &[], now())), "allow cooldown=allow cleared");
}

#[test]
fn a_project_cannot_loosen() {
    let (enforce, audit) = (policy(""), policy("mode = 'audit'"));
    let exception = policy("[[exception]]\nmatch = 'pkg:demo/a'\nreason = 'x'\nby = 'x'\nexpires = 2027-01-01");
    let error = enforce.tightened_by(&exception).unwrap_err().to_string();
    assert_eq!(
        error,
        "a project's policy may only tighten, and has an exception for `pkg:demo/a`; \
         exceptions belong in the user's or the gateway's policy"
    );
    assert_eq!(enforce.tightened_by(&audit).unwrap_err(), PolicyError::Audit);
    let mode = |base: &Policy, project: &Policy| base.tightened_by(project).unwrap().mode();
    assert_eq!(mode(&audit, &audit), Mode::Audit);
    assert_eq!(mode(&audit, &policy("")), Mode::Audit, "a project that says nothing changes nothing");
    assert_eq!(mode(&audit, &policy("mode = 'enforce'")), Mode::Enforce);
    assert_eq!(mode(&enforce, &policy("")), Mode::Enforce);
    let strict = enforce.tightened_by(&policy("mode = 'enforce'")).unwrap();
    assert_eq!(strict.decide(&left(), &[young()], &[], now()).enforced(), Verdict::Hold);
}

#[test]
fn what_a_policy_names_can_be_checked_by_those_who_know_ecosystems() {
    let policy = policy(EVERYTHING);
    let patterns: Vec<_> = policy.patterns().map(stockade_model::Pattern::as_str).collect();
    assert_eq!(patterns, ["pkg:demo/@acme/*", "pkg:demo/event-demo", "pkg:other/**", "pkg:demo/left-demo@1.1.0"]);
    assert_eq!(policy.ecosystems().collect::<Vec<_>>(), ["demo"]);
}

#[test]
fn a_policy_is_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Policy>();
    shared::<Ruling>();
}
