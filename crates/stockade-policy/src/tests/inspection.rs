//! What a ruling makes of what the inspection of the content found.

use stockade_model::{Finding, Gap, GapKind, NewNeed};

use super::*;
use crate::Waivable;

const SENTENCE: &str = "runs `node collect.js` when it is installed, which 1.0.9 did not";

fn finding(rule: &str, verdict: Verdict) -> Finding {
    Finding::new(rule, verdict, SENTENCE, "package.json", 7)
}

fn inspected(findings: Vec<Finding>, needs: Vec<NewNeed>) -> Evidence {
    Evidence::Inspection { digest: bytes(), against: Some("1.0.9".to_owned()), findings, needs }
}

fn gained(verdict: Verdict) -> Evidence {
    inspected(vec![finding("install-hook-gained", verdict)], Vec::new())
}

fn need(since: Option<Timestamp>) -> Evidence {
    inspected(Vec::new(), vec![NewNeed { name: "plain-demo".to_owned(), since, releases: 2 }])
}

fn exception(waives: &str) -> String {
    format!(
        "[[exception]]\nmatch = 'pkg:demo/left-demo@1.1.0'\nreason = 'reviewed'\nby = 'bob'\n\
         expires = 2026-04-01\nwaives = ['{waives}']\n"
    )
}

#[test]
fn a_finding_asks_for_what_its_rule_asks() {
    let ruling = check("", &[old(), matches(), gained(Verdict::Hold)], "hold install-hook-gained=hold");
    assert_eq!(ruling.sentence(), format!("held by stockade: `left-demo` 1.1.0 {SENTENCE} (`package.json:7`)"));
    let said = Finding::new("x", Verdict::Hold, "has it at package.json:7", "package.json", 7);
    let ruling = check("", &[old(), matches(), inspected(vec![said], Vec::new())], "hold x=hold");
    assert!(ruling.sentence().ends_with("has it at package.json:7"), "the place is said once: {}", ruling.sentence());
    check("", &[old(), matches(), gained(Verdict::Deny)], "deny install-hook-gained=deny");
    check("", &[old(), matches(), gained(Verdict::Allow)], "allow cleared");
    check("", &[old(), matches(), inspected(Vec::new(), Vec::new())], "allow cleared");
}

#[test]
fn the_policy_says_otherwise_of_a_rule() {
    let of = |verdict: &str| format!("[inspection.rules]\ninstall-hook-gained = '{verdict}'");
    let case = [old(), matches(), gained(Verdict::Hold)];
    check(&of("allow"), &case, "allow install-hook-gained=allow cleared");
    check(&of("deny"), &case, "deny install-hook-gained=deny");
    check(&of("hold"), &[old(), matches(), gained(Verdict::Allow)], "hold install-hook-gained=hold");
    check("[inspection]\nenabled = false", &case, "allow cleared");
}

#[test]
fn a_project_only_tightens_it() {
    let ruled = |base: &str, project: &str| {
        let policy = policy(base).tightened_by(&policy(project)).unwrap();
        words(&rule(&policy, &[old(), matches(), gained(Verdict::Hold)], &[], now()))
    };
    let (allow, deny) =
        ("[inspection.rules]\ninstall-hook-gained = 'allow'", "[inspection.rules]\ninstall-hook-gained = 'deny'");
    assert_eq!(ruled("", allow), "hold install-hook-gained=hold");
    assert_eq!(ruled("", deny), "deny install-hook-gained=deny");
    assert_eq!(ruled(deny, allow), "deny install-hook-gained=deny");
    assert_eq!(ruled("", "[inspection]\nenabled = false"), "hold install-hook-gained=hold");
    assert_eq!(ruled("[inspection]\nenabled = false", "[inspection]\nenabled = true"), "hold install-hook-gained=hold");
    assert_eq!(ruled("[inspection]\nenabled = false", ""), "allow cleared");
}

#[test]
fn an_approval_lifts_holds_and_an_exception_what_it_names() {
    let (held, denied) = (gained(Verdict::Hold), gained(Verdict::Deny));
    check(
        "",
        &[old(), matches(), held.clone(), approval(bytes())],
        "allow install-hook-gained=allow approval=allow cleared",
    );
    check("", &[old(), matches(), denied.clone(), approval(bytes())], "deny install-hook-gained=deny");
    for waives in ["inspection", "inspection.install-hook-gained"] {
        check(&exception(waives), &[old(), matches(), held.clone()], "allow install-hook-gained=allow cleared");
        check(&exception(waives), &[old(), matches(), denied.clone()], "allow install-hook-gained=allow cleared");
    }
    for waives in ["inspection.other-rule", "rule", "gap", "cooldown", "malware"] {
        check(&exception(waives), &[old(), matches(), held.clone()], "hold install-hook-gained=hold");
    }
    assert_eq!(
        policy(&exception("inspection.other-rule")).exceptions()[0].waives(),
        [Waivable::Finding("other-rule".to_owned())]
    );
    let wrong = Policy::parse(&exception("install-hook-gained")).unwrap_err().to_string();
    assert!(wrong.contains("one rule as `inspection.RULE`"), "a typing error is no rule's name: {wrong}");
    assert!(Policy::parse("[inspection.rules]\nHook = 'allow'").unwrap_err().to_string().contains("kebab case"));
    assert!(Policy::parse("[inspection]\nrule = {}").is_err());
}

#[test]
fn a_finding_does_not_pass_for_another_kind_of_reason() {
    for name in ["integrity", "malware", "denial", "Not Kebab", ""] {
        let case = [old(), matches(), inspected(vec![finding(name, Verdict::Deny)], Vec::new())];
        let ruling = check("", &case, "deny inspection=deny");
        assert!(!ruling.malware() && !ruling.tampered(), "{name}");
    }
}

#[test]
fn what_it_began_to_need_has_an_age_too() {
    let ruling = check("", &[old(), matches(), need(Some(hours_ago(18)))], "hold young-dependency-gained=hold");
    assert_eq!(
        ruling.sentence(),
        "held by stockade: `left-demo` 1.1.0 began to need `plain-demo`, which is 18 hours old; 30 days are asked"
    );
    assert_eq!(ruling.lifted(), Some(hours_ago(18) + jiff::SignedDuration::from_hours(30 * 24)));
    check("", &[old(), matches(), need(Some(hours_ago(30 * 24)))], "allow cleared");
    check("", &[old(), matches(), need(Some(hours_ago(-2)))], "hold young-dependency-gained=hold");
    check("", &[old(), matches(), need(None)], "hold young-dependency-gained=hold");
    let allow = "[inspection.rules]\nyoung-dependency-gained = 'allow'";
    check(allow, &[old(), matches(), need(None)], "allow cleared");
    check(
        &exception("inspection.young-dependency-gained"),
        &[old(), matches(), need(None)],
        "allow young-dependency-gained=allow cleared",
    );
}

#[test]
fn what_could_not_be_inspected_is_held() {
    let gap = [Gap::new(GapKind::Inspection, "it could not be unpacked")];
    let ruling = check_gaps("", &[old(), matches()], &gap, "hold gap=hold");
    assert!(ruling.sentence().contains("was not fully looked at (`inspection`): it could not be unpacked"));
    check_gaps("[gaps]\ninspection = 'allow'", &[old(), matches()], &gap, "allow gap=allow cleared");
    check_gaps("[gaps]\ninspection = 'deny'", &[old(), matches()], &gap, "deny gap=deny");
    check_gaps(&exception("gap"), &[old(), matches()], &gap, "allow gap=allow cleared");
}

#[test]
fn a_finding_is_said_before_the_cooldown_and_after_what_people_decided() {
    let case = [young(), matches(), gained(Verdict::Hold)];
    check("", &case, "hold install-hook-gained=hold cooldown=hold");
    let denied = [old(), matches(), gained(Verdict::Deny), decision(Verdict::Deny, bytes(), None)];
    check("", &denied, "deny denial=deny install-hook-gained=deny");
}

#[test]
fn custom_rules_see_findings() {
    let rule = "[[rule]]\nname = 'in-the-manifest'\nwhen = \"evidence.findings.exists(f, f.rule == 'x' && f.path == 'package.json')\"\n\
                then = 'deny'\nmessage = 'has x in its manifest'";
    let case = |name: &str| [old(), matches(), inspected(vec![finding(name, Verdict::Allow)], Vec::new())];
    check(rule, &case("x"), "deny in-the-manifest=deny");
    check(rule, &case("y"), "allow cleared");
    check(rule, &[old(), matches()], "allow cleared");
}

#[test]
fn a_policy_that_says_nothing_of_it_is_what_it_was() {
    assert_eq!(policy("").canonical(), r#"{"version":1,"layers":[{}]}"#);
    let written = policy("[inspection]\nenabled = true\n[inspection.rules]\na-b = 'allow'");
    assert_eq!(
        written.canonical(),
        r#"{"version":1,"layers":[{"inspection":{"enabled":true,"rules":{"a-b":"allow"}}}]}"#
    );
    assert_eq!(written.inspection_rules().collect::<Vec<_>>(), ["a-b"]);
}

#[test]
fn evidence_keeps_what_a_person_reads() {
    let long =
        Finding::new(&"r".repeat(100), Verdict::Hold, &"s".repeat(1000), &format!("{}/end.js", "é".repeat(500)), 0);
    assert_eq!((long.rule.len(), long.sentence.len()), (Finding::MAX_RULE, Finding::MAX_SENTENCE));
    assert!(long.path.ends_with("/end.js") && long.path.chars().count() == Finding::MAX_PATH);
    assert_eq!(finding("x", Verdict::Hold).place().as_deref(), Some("package.json:7"));
    let json = serde_json::to_value(gained(Verdict::Hold)).unwrap();
    assert_eq!(json["kind"], "inspection");
    assert_eq!(serde_json::from_value::<Evidence>(json).unwrap(), gained(Verdict::Hold));
}
