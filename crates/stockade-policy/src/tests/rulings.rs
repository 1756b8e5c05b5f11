//! What the policy makes of evidence.

use stockade_model::{Algorithm, Clock, Comparison, Digest, Evidence, Gap, GapKind, Integrity, Verdict};

use super::*;
use crate::{Mode, ruling_id};

#[test]
fn what_is_old_and_matches_is_cleared_in_silence() {
    let ruling = check("", &[old(), matches()], "allow cleared");
    assert_eq!(ruling.sentence(), "cleared by stockade: `left-demo` 1.1.0");
    assert_eq!(ruling.until, None);
    let clearance = ruling.clearance().unwrap();
    assert_eq!((clearance.digest(), clearance.release()), (&bytes(), &left()));
}

#[test]
fn nothing_is_cleared_without_bytes() {
    check("", &[old()], "allow");
    check("", &[old(), claimed(bytes())], "allow");
    check("mode = 'audit'", &[old(), claimed(bytes())], "allow");
}

// 1. Integrity

#[test]
fn nothing_waives_a_failed_comparison() {
    let everything = "mode = 'audit'\n[[exception]]\nmatch = 'pkg:demo/left-demo@1.1.0'\nreason = 'x'\nby = 'x'\n\
        expires = 2027-01-01\nwaives = ['cooldown', 'gap', 'rule', 'deny', 'allow-list', 'advisory', 'malware']";
    let claimed = Integrity::from_digests(vec![Digest::of(b"other")]).unwrap();
    let not_as_claimed = Evidence::Integrity { digest: bytes(), comparison: Comparison::NotAsClaimed { claimed } };
    for failed in [replaced(), not_as_claimed] {
        for policy in ["", everything] {
            let ruling = check(policy, &[old(), approval(bytes()), failed.clone()], "deny integrity=deny");
            assert_eq!(ruling.enforced(), Verdict::Deny);
            assert!(ruling.tampered() && !ruling.malware());
            assert!(ruling.sentence().starts_with("denied by stockade: `left-demo` 1.1.0 "), "{}", ruling.sentence());
            check(policy, &[failed.clone(), old(), matches()], "deny integrity=deny");
            check(policy, &[matches(), old(), failed.clone()], "deny integrity=deny");
        }
    }
}

#[test]
fn all_comparisons_must_name_one_digest() {
    let other = Evidence::Integrity { digest: Digest::of(b"other"), comparison: Comparison::Matches };
    check("", &[old(), matches(), matches()], "allow cleared");
    check("", &[old(), matches(), other], "deny integrity=deny");
    let weak = Digest::new(Algorithm::Sha1, &[7; 20]).unwrap();
    let weak = Evidence::Integrity { digest: weak, comparison: Comparison::Matches };
    check("", &[old(), weak], "deny integrity=deny");
}

#[test]
fn a_failed_comparison_is_told_with_both_digests() {
    let ruling = check("", &[old(), replaced()], "deny integrity=deny");
    assert_eq!(
        ruling.reasons[0].sentence,
        "was replaced: its bytes are `sha256:ce10d12246d3`, and `sha256:a7937b64b8ca` was first seen at 2026-02-25T08:00:00Z"
    );
}

// 2. Advisories

#[test]
fn malware_is_denied_and_only_an_exception_for_that_release_lifts_it() {
    let evidence = [old(), matches(), advisory(true), approval(bytes())];
    let ruling = check("", &evidence, "deny malware=deny");
    assert!(ruling.malware());
    assert_eq!(ruling.sentence(), "denied by stockade: `left-demo` 1.1.0 is malware by `MAL-2026-1`: it is bad");
    let exception = |version: &str, waives: &str| {
        format!(
            "[[exception]]\nmatch = 'pkg:demo/left-demo@{version}'\nreason = 'a false alarm'\nby = 'alice'\n\
             expires = 2026-04-01\nwaives = ['{waives}']"
        )
    };
    let ruling = check(&exception("1.1.0", "malware"), &evidence, "allow malware=allow cleared");
    assert!(!ruling.malware());
    check(&exception("1.1.1", "malware"), &evidence, "deny malware=deny");
    check(&exception("1.1.0", "deny"), &evidence, "deny malware=deny");
}

#[test]
fn an_advisory_that_is_not_malware_does_what_the_policy_says() {
    let evidence = [old(), advisory(false)];
    check("", &evidence, "allow");
    check("[advisories]\nvulnerable = 'allow'", &evidence, "allow");
    check("[advisories]\nvulnerable = 'hold'", &evidence, "hold advisory=hold");
    check("[advisories]\nvulnerable = 'deny'", &evidence, "deny advisory=deny");
    let approved = [old(), advisory(false), claimed(bytes()), approval(bytes())];
    check("[advisories]\nvulnerable = 'hold'", &approved, "allow advisory=allow approval=allow");
    check("[advisories]\nvulnerable = 'deny'", &approved, "deny advisory=deny");
}

// 3. Decisions

#[test]
fn a_denial_is_for_these_bytes() {
    let denial = |digest| decision(Verdict::Deny, digest, None);
    check("", &[old(), matches(), denial(bytes())], "deny denial=deny");
    check("", &[old(), claimed(bytes()), denial(bytes())], "deny denial=deny");
    check("", &[old(), matches(), denial(Digest::of(b"other"))], "allow cleared");
    check("", &[old(), denial(bytes())], "allow");
    check("", &[old(), matches(), denial(bytes()), approval(bytes())], "deny denial=deny");
    let held = decision(Verdict::Hold, bytes(), None);
    check("", &[old(), matches(), held], "hold denial=hold");
}

#[test]
fn a_denial_ends_where_it_says() {
    let denied = [old(), matches(), decision(Verdict::Deny, bytes(), Some("2026-03-01T12:00:01Z"))];
    let ruling = check("", &denied, "deny denial=deny");
    assert_eq!(ruling.until, Some(at("2026-03-01T12:00:01Z")));
    assert_eq!(words(&rule(&policy(""), &denied, &[], at("2026-03-01T12:00:01Z"))), "allow cleared");
}

#[test]
fn an_approval_waives_holds_for_its_bytes_until_it_ends() {
    let evidence = [young(), matches(), approval(bytes())];
    let ruling = check("", &evidence, "allow cooldown=allow approval=allow cleared");
    assert_eq!(
        ruling.reasons[0].sentence,
        "is 5 hours old; policy asks 72 hours; waived until 2026-03-02T00:00:00Z by an approval of `alice`"
    );
    assert_eq!(ruling.until, Some(at("2026-03-02T00:00:00Z")));
    let at_the_end = |now| words(&rule(&policy(""), &evidence, &[], at(now)));
    assert_eq!(at_the_end("2026-03-01T23:59:59.999999999Z"), "allow cooldown=allow approval=allow cleared");
    assert_eq!(at_the_end("2026-03-02T00:00:00Z"), "hold cooldown=hold");
}

#[test]
fn a_strangers_approval_for_another_digest_does_nothing() {
    let other = Digest::of(b"other");
    check("", &[young(), matches(), approval(other.clone())], "hold cooldown=hold");
    check("", &[young(), claimed(bytes()), approval(other)], "hold cooldown=hold");
    check("", &[young(), approval(bytes())], "hold cooldown=hold");
    let two_claims = [young(), claimed(bytes()), claimed(Digest::of(b"third")), approval(bytes())];
    check("", &two_claims, "hold cooldown=hold");
    check("", &[young(), matches(), decision(Verdict::Allow, bytes(), None)], "hold cooldown=hold");
}

#[test]
fn an_approval_of_a_claim_counts_if_the_claim_proves() {
    let strong = Digest::new(Algorithm::Sha512, &[7; 64]).unwrap();
    let weak = Digest::new(Algorithm::Sha1, &[7; 20]).unwrap();
    let waived = "allow cooldown=allow approval=allow";
    check("", &[young(), claimed(strong.clone()), approval(strong.clone())], waived);
    check("", &[young(), claimed(strong.clone()), matches(), approval(strong)], &format!("{waived} cleared"));
    check("", &[young(), claimed(weak.clone()), approval(weak.clone())], waived);
    check("", &[young(), claimed(weak.clone()), matches(), approval(weak)], "hold cooldown=hold");
}

// 4 and 5. Lists

#[test]
fn a_denied_pattern_is_denied_whatever_a_person_approved() {
    let toml = "[[deny]]\nmatch = 'pkg:demo/left-*@1.*'\nreason = 'use right-demo'\n\
        [[deny]]\nmatch = 'pkg:demo/left-demo@2.0.0'\nreason = 'another'";
    let ruling = check(toml, &[old(), matches(), approval(bytes())], "deny deny=deny");
    assert_eq!(ruling.reasons[0].sentence, "is on the deny list as `pkg:demo/left-*@1.*`: use right-demo");
}

#[test]
fn an_allow_list_speaks_of_its_ecosystems_only() {
    let evidence = [old(), matches()];
    check("[[allow]]\nmatch = 'pkg:demo/left-demo'", &evidence, "allow cleared");
    check("[[allow]]\nmatch = 'pkg:demo/right-demo'", &evidence, "deny allow-list=deny");
    check("[[allow]]\nmatch = 'pkg:demo/left-demo@1.0.*'", &evidence, "deny allow-list=deny");
    check("[[allow]]\nmatch = 'pkg:other/right-demo'\nreason = 'ours'", &evidence, "allow cleared");
    check("[[allow]]\nmatch = 'pkg:*/right-demo'", &evidence, "deny allow-list=deny");
    check("[[allow]]\nmatch = 'pkg:*/**'", &evidence, "allow cleared");
    check(
        "[[allow]]\nmatch = 'pkg:demo/right-demo'",
        &[young(), approval(bytes()), matches()],
        "deny allow-list=deny cooldown=allow approval=allow",
    );
}

// 6. Cooldown

#[test]
fn what_was_published_since_a_freeze_is_held_and_what_has_no_time_too() {
    let policy = policy("[cooldown]\ndefault = '0'\n\n[gaps]\nno-time = 'allow'\n");
    let since = hours_ago(20);
    let frozen = |since| Evidence::Frozen { since, reason: "a worm".to_owned(), by: "alice".to_owned() };
    let held = |evidence: &[Evidence]| {
        let ruling = policy.decide(&left(), evidence, &[], now());
        ruling.reasons.iter().find(|reason| reason.verdict == Verdict::Hold).map(|reason| reason.sentence.clone())
    };
    assert_eq!(held(&[published(hours_ago(21)), matches(), frozen(since)]), None);
    let said = |what: &str| Some(format!("{what} after {since}, when `alice` froze everything: a worm"));
    assert_eq!(held(&[published(since), matches(), frozen(since)]), said("was published"));
    assert_eq!(held(&[young(), matches(), frozen(hours_ago(2)), frozen(since)]), said("was published"), "the earliest");
    assert_eq!(held(&[matches(), frozen(since)]), said("has no publish time, and may be"));
    assert_eq!(held(&[young(), matches()]), None);
}

#[test]
fn a_young_release_is_held_until_it_is_old_enough() {
    let ruling = check("", &[young(), matches()], "hold cooldown=hold");
    assert_eq!(ruling.sentence(), "held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours");
    assert_eq!(ruling.until, Some(at("2026-03-04T07:00:00Z")));
    assert_eq!(ruling.reasons[0].until, ruling.until);
    let later = |now| words(&rule(&policy(""), &[young(), matches()], &[], at(now)));
    assert_eq!(later("2026-03-04T06:59:59.999999999Z"), "hold cooldown=hold");
    assert_eq!(later("2026-03-04T07:00:00Z"), "allow cleared");
}

#[test]
fn the_latest_of_several_publish_times_counts() {
    check("", &[old(), young()], "hold cooldown=hold");
    check("", &[young(), old()], "hold cooldown=hold");
}

#[test]
fn a_publish_time_in_the_future_is_held_and_said() {
    let ruling = check("", &[published(hours_ago(-1))], "hold cooldown=hold");
    assert_eq!(
        ruling.reasons[0].sentence,
        "was published in the future, at 2026-03-01T13:00:00Z; policy asks 72 hours"
    );
    assert_eq!(ruling.until, Some(at("2026-03-04T13:00:00Z")));
    check("", &[published(Timestamp::MAX)], "hold cooldown=hold");
    check("", &[published(Timestamp::MIN)], "allow");
}

#[test]
fn a_mirrors_clock_is_named() {
    let clock = Clock::Mirror { bounded_by: Some("1.1.1".to_owned()) };
    let ruling = check("", &[Evidence::Published { at: hours_ago(5), clock }], "hold cooldown=hold");
    assert_eq!(ruling.reasons[0].sentence, "is 5 hours old by a mirror's clock; policy asks 72 hours");
}

#[test]
fn a_fix_of_what_was_given_out_need_not_wait() {
    let fix = || Evidence::Fixes { id: "GHSA-demo".to_owned(), of: "1.0.9".to_owned() };
    let ruling = check("", &[young(), fix(), matches()], "allow fix=allow cleared");
    assert_eq!(
        ruling.reasons[0].sentence,
        "is 5 hours old, and need not wait: it fixes `GHSA-demo` of 1.0.9, which was given out here"
    );
    check("[cooldown]\nfixes = false", &[young(), fix(), matches()], "hold cooldown=hold");
    check("", &[old(), fix(), matches()], "allow cleared");
    check("", &[young(), fix(), advisory(true), matches()], "deny malware=deny fix=allow");
    let project = policy("[cooldown]\nfixes = false");
    let tightened = Policy::builtin().tightened_by(&project).unwrap();
    assert_eq!(words(&rule(&tightened, &[young(), fix()], &[], now())), "hold cooldown=hold");
}

#[test]
fn what_is_published_here_waits_only_if_it_is_said_of_the_package() {
    let hosted = || Evidence::Published { at: hours_ago(5), clock: Clock::Hosted };
    check("", &[hosted(), matches()], "allow cleared");
    check("[cooldown]\ndefault = '30d'\ndemo = '30d'", &[hosted(), matches()], "allow cleared");
    let own = "[[cooldown.for]]\nmatch = 'pkg:demo/left-*'\nage = '6h'";
    let ruling = check(own, &[hosted(), matches()], "hold cooldown=hold");
    assert_eq!(ruling.reasons[0].sentence, "is 5 hours old; policy asks 6 hours");
}

#[test]
fn the_most_specific_cooldown_counts() {
    let toml = "[cooldown]\ndefault = '1d'\ndemo = '2d'\n\
        [[cooldown.for]]\nmatch = 'pkg:demo/@acme/*'\nage = '0'\n\
        [[cooldown.for]]\nmatch = 'pkg:demo/@acme/left'\nage = '5d'\n\
        [[cooldown.for]]\nmatch = 'pkg:demo/@acme/l*ft'\nage = '6d'\n\
        [[cooldown.for]]\nmatch = 'pkg:demo/@acme/le*t'\nage = '7d'";
    let policy = policy(toml);
    let cooldown = |purl: &str| policy.cooldown(&release(purl).package).to_string();
    assert_eq!(cooldown("pkg:other/a@1"), "24 hours, from `cooldown.default`");
    assert_eq!(cooldown("pkg:demo/a@1"), "48 hours, from `cooldown.demo`");
    assert_eq!(cooldown("pkg:demo/@acme/right@1"), "0 seconds, from `cooldown.for` with `pkg:demo/@acme/*`");
    assert_eq!(cooldown("pkg:demo/@acme/left@1"), "7 days, from `cooldown.for` with `pkg:demo/@acme/le*t`");
    let builtin = Policy::builtin();
    assert_eq!(builtin.cooldown(&left().package).to_string(), "72 hours, from the built-in default");
}

#[test]
fn without_a_publish_time_it_is_held() {
    let ruling = check("", &[matches()], "hold gap=hold");
    assert_eq!(ruling.reasons[0].sentence, "was not fully looked at (`no-time`): nothing says when it was published");
    check_gaps("", &[matches()], &[Gap::new(GapKind::NoTime, "no `time`")], "hold gap=hold");
    check_gaps("", &[matches()], &[Gap::new(GapKind::Stale, "an hour")], "hold gap=hold gap=allow");
    check("[gaps]\nno-time = 'allow'", &[matches()], "allow gap=allow cleared");
    check("[cooldown]\ndemo = '0'", &[matches()], "allow cleared");
    let no_time = [Gap::new(GapKind::NoTime, "no `time`")];
    check_gaps("[cooldown]\ndemo = '0'", &[matches()], &no_time, "allow gap=allow cleared");
    check_gaps("[cooldown]\ndemo = '0'\n[gaps]\nno-time = 'deny'", &[matches()], &no_time, "deny gap=deny");
}

// 7. Gaps

#[test]
fn a_gap_holds_unless_the_policy_says_otherwise() {
    for kind in GapKind::ALL {
        let gaps = [Gap::new(kind, "because")];
        let accepted = matches!(kind, GapKind::Stale | GapKind::WeakIntegrity);
        let expect = if accepted { "allow gap=allow cleared" } else { "hold gap=hold" };
        check_gaps("", &[old(), matches()], &gaps, expect);
        let toml = |verdict: &str| format!("[gaps]\n{} = '{verdict}'", kind.name());
        check_gaps(&toml("allow"), &[old(), matches()], &gaps, "allow gap=allow cleared");
        check_gaps(&toml("hold"), &[old(), matches()], &gaps, "hold gap=hold");
        check_gaps(&toml("deny"), &[old(), matches()], &gaps, "deny gap=deny");
    }
    let gaps = [Gap::new(GapKind::Advisories, "they are\n3 days old")];
    let ruling = check_gaps("", &[old(), matches()], &gaps, "hold gap=hold");
    assert_eq!(
        ruling.sentence(),
        "held by stockade: `left-demo` 1.1.0 was not fully looked at (`advisories`): they are 3 days old"
    );
}

// 9. Exceptions

fn exception(rest: &str) -> String {
    format!(
        "[[exception]]\nmatch = 'pkg:demo/left-demo'\nreason = 'we need the fix'\nby = 'carol'\n\
         expires = '2026-03-01T13:00:00Z'\n{rest}"
    )
}

#[test]
fn an_exception_waives_what_it_names_until_it_expires() {
    let ruling = check(&exception(""), &[young(), matches()], "allow cooldown=allow cleared");
    assert_eq!(
        ruling.reasons[0].sentence,
        "is 5 hours old; policy asks 72 hours; waived until 2026-03-01T13:00:00Z by an exception of `carol`"
    );
    assert_eq!(ruling.until, Some(at("2026-03-01T13:00:00Z")));
    let policy = policy(&exception(""));
    let later = |now| words(&rule(&policy, &[young(), matches()], &[], at(now)));
    assert_eq!(later("2026-03-01T12:59:59.999999999Z"), "allow cooldown=allow cleared");
    assert_eq!(later("2026-03-01T13:00:00Z"), "hold cooldown=hold");
    let [exception] = policy.exceptions() else { panic!() };
    assert!(!exception.expired(at("2026-03-01T12:59:59.999999999Z")));
    assert!(exception.expired(at("2026-03-01T13:00:00Z")));
    assert!(exception.matches(&left()) && !exception.matches(&release("pkg:demo/right-demo@1")));
    assert_eq!((exception.by(), exception.reason()), ("carol", "we need the fix"));
}

#[test]
fn each_kind_of_reason_has_its_own_word_in_waives() {
    let hold = [Gap::new(GapKind::Malformed, "x")];
    let frozen = Evidence::Frozen { since: hours_ago(20), reason: "a worm".to_owned(), by: "alice".to_owned() };
    let evidence = [young(), matches(), advisory(false), manifest(true), frozen];
    let all = "[[deny]]\nmatch = 'pkg:demo/**'\nreason = 'x'\n[[allow]]\nmatch = 'pkg:demo/x'\n\
        [advisories]\nvulnerable = 'deny'\n\
        [[rule]]\nname = 'hook'\nwhen = 'evidence.install_hook'\nthen = 'deny'\nmessage = 'has a hook'\n";
    let denied = ["deny", "allow-list", "advisory", "hook", "freeze", "cooldown", "gap"];
    let expect = "deny deny=deny allow-list=deny advisory=deny hook=deny freeze=hold cooldown=hold gap=hold";
    check_gaps(all, &evidence, &hold, expect);
    for (word, rule) in [
        ("deny", "deny"),
        ("allow-list", "allow-list"),
        ("advisory", "advisory"),
        ("rule", "hook"),
        ("freeze", "freeze"),
        ("cooldown", "cooldown"),
        ("gap", "gap"),
    ] {
        let toml = format!("{all}{}", exception(&format!("waives = ['{word}']")));
        let ruling = super::rule(&policy(&toml), &evidence, &hold, now());
        for reason in &ruling.reasons {
            assert_eq!(reason.verdict == Verdict::Allow, reason.rule == rule, "{word}: {reason:?}");
        }
        assert_eq!(ruling.reasons.len(), denied.len());
    }
}

#[test]
fn the_waiver_that_lasts_longest_is_used() {
    let evidence = [young(), matches(), approval(bytes())];
    let ruling = check(&exception(""), &evidence, "allow cooldown=allow approval=allow cleared");
    assert_eq!(ruling.until, Some(at("2026-03-02T00:00:00Z")), "the approval outlasts the exception");
    let longer = exception("").replace("T13:00:00Z", "T14:00:00Z");
    for two in [format!("{longer}{}", exception("")), format!("{}{longer}", exception(""))] {
        let ruling = check(&two, &[young(), matches()], "allow cooldown=allow cleared");
        assert_eq!(ruling.until, Some(at("2026-03-01T14:00:00Z")));
    }
}

// 11. Audit

#[test]
fn audit_records_and_serves_all_but_what_was_tampered_with() {
    let ruling = check("mode = 'audit'", &[young(), matches()], "hold cooldown=hold cleared");
    assert_eq!((ruling.mode, ruling.enforced()), (Mode::Audit, Verdict::Allow));
    assert_eq!(ruling.sentence(), "would be held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours");
    check("mode = 'audit'", &[old(), matches(), advisory(true)], "deny malware=deny cleared");
    let ruling = check("mode = 'audit'", &[old(), replaced(), advisory(true)], "deny integrity=deny malware=deny");
    assert_eq!(ruling.enforced(), Verdict::Deny);
}

// Rulings

#[test]
fn the_sentence_fits_in_a_line_of_a_protocol() {
    let gaps = [Gap::new(GapKind::Malformed, "\u{1b}[31m na\u{ef}ve \r\n".repeat(100))];
    let long = release(&format!("pkg:demo/{}@{}", "n".repeat(500), "1".repeat(500)));
    let sentence = Policy::builtin().decide(&long, &[old()], &gaps, now()).sentence();
    assert!(sentence.len() <= Ruling::MAX_SENTENCE && sentence.ends_with("..."), "{sentence}");
    assert!(sentence.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{sentence}");
}

#[test]
fn time_lifts_what_it_ends_and_nothing_else() {
    let lifted = |evidence: &[Evidence]| rule(&policy(""), evidence, &[], now()).lifted();
    assert_eq!(lifted(&[young(), matches()]), Some(at("2026-03-04T07:00:00Z")));
    assert_eq!(lifted(&[young(), matches(), advisory(true)]), None);
    assert_eq!(lifted(&[young(), matches(), decision(Verdict::Deny, bytes(), None)]), None);
    let ends = decision(Verdict::Deny, bytes(), Some("2026-03-09T00:00:00Z"));
    assert_eq!(lifted(&[young(), matches(), ends]), Some(at("2026-03-09T00:00:00Z")));
    assert_eq!(lifted(&[old(), matches()]), None);
}

#[test]
fn reasons_are_bounded_and_the_strongest_stay() {
    let mut evidence = vec![old(), advisory(true)];
    let gaps = vec![Gap::new(GapKind::Malformed, "x"); 1000];
    evidence.push(replaced());
    let ruling = Policy::builtin().decide(&left(), &evidence, &gaps, now());
    assert_eq!(ruling.reasons.len(), Ruling::MAX_REASONS);
    assert!(ruling.tampered() && ruling.malware());
}

#[test]
fn a_ruling_has_one_id_whenever_it_is_made() {
    let policy = Policy::builtin();
    let evidence = [young(), matches()];
    let id = |evidence: &[Evidence], gaps: &[Gap], now| {
        policy.decide(&left(), evidence, gaps, now).key(evidence, gaps, policy.digest())
    };
    let first = id(&evidence, &[], now());
    assert_eq!(first.len(), 26);
    assert!(first.bytes().all(|byte| b"0123456789abcdefghjkmnpqrstvwxyz".contains(&byte)), "{first}");
    assert_eq!(first, id(&evidence, &[], hours_ago(1)));
    assert_eq!(first, ruling_id(policy.digest(), &left(), &evidence, &[], Verdict::Hold));
    assert_ne!(first, id(&evidence, &[], hours_ago(-1000)), "the verdict is another one");
    assert_ne!(first, id(&[young()], &[], now()));
    assert_ne!(first, id(&evidence, &[Gap::new(GapKind::Stale, "x")], now()));
    assert_ne!(first, ruling_id(&Digest::of(b""), &left(), &evidence, &[], Verdict::Hold));
}

#[test]
fn a_ruling_is_plain_json() {
    let ruling = check("", &[young(), matches()], "hold cooldown=hold");
    insta::assert_snapshot!(serde_json::to_string_pretty(&ruling).unwrap(), @r#"
    {
      "release": {
        "ecosystem": "demo",
        "name": "left-demo",
        "version": "1.1.0"
      },
      "verdict": "hold",
      "reasons": [
        {
          "rule": "cooldown",
          "verdict": "hold",
          "sentence": "is 5 hours old; policy asks 72 hours",
          "until": "2026-03-04T07:00:00Z"
        }
      ],
      "until": "2026-03-04T07:00:00Z",
      "mode": "enforce"
    }
    "#);
}
