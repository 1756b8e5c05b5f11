//! What holds for every case.

use jiff::SignedDuration;
use proptest::prelude::*;
use stockade_model::{Finding, GapKind, NewNeed, Verdict};

use super::*;

/// Half hours around now, so that boundaries are hit.
fn instant() -> impl Strategy<Value = Timestamp> {
    (-300_i64..300).prop_map(|halves| now() + SignedDuration::from_mins(30 * halves))
}

fn digest() -> impl Strategy<Value = Digest> {
    prop_oneof![Just(bytes()), Just(Digest::of(b"other"))]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![Just(Verdict::Allow), Just(Verdict::Hold), Just(Verdict::Deny)]
}

fn one() -> impl Strategy<Value = Evidence> {
    prop_oneof![
        3 => instant().prop_map(published),
        3 => Just(matches()),
        1 => Just(replaced()),
        2 => digest().prop_map(claimed),
        1 => any::<bool>().prop_map(advisory),
        2 => any::<bool>().prop_map(manifest),
        2 => inspection(),
        4 => (verdict(), digest(), proptest::option::of(instant())).prop_map(|(verdict, digest, expires)| {
            let (reason, by) = ("x".to_owned(), "x".to_owned());
            Evidence::Decision { verdict, digest, reason, by, expires }
        }),
    ]
}

fn inspection() -> impl Strategy<Value = Evidence> {
    let findings =
        proptest::collection::vec(verdict().prop_map(|verdict| Finding::new("f", verdict, "x", "x", 1)), 0..3);
    let since = proptest::option::of((0_i64..1500).prop_map(|hours| now() - SignedDuration::from_hours(hours)));
    let need = since.prop_map(|since| NewNeed { name: "x".to_owned(), since, releases: 1 });
    (findings, proptest::collection::vec(need, 0..2)).prop_map(|(findings, needs)| Evidence::Inspection {
        digest: bytes(),
        against: None,
        findings,
        needs,
    })
}

fn gap() -> impl Strategy<Value = Gap> {
    (0..GapKind::ALL.len()).prop_map(|at| Gap::new(GapKind::ALL[at], "x"))
}

/// The parts of a document that a project may have.
fn project() -> impl Strategy<Value = String> {
    let cooldown = prop_oneof![
        "\\[cooldown\\]\ndefault = '[0-9]{1,2}h'\n",
        "\\[\\[cooldown\\.for\\]\\]\nmatch = 'pkg:demo/l\\*'\nage = '[0-9]{1,2}h'\n"
    ];
    let gaps = (0..GapKind::ALL.len(), verdict())
        .prop_map(|(at, verdict)| format!("[gaps]\n{} = '{}'\n", GapKind::ALL[at].name(), verdict.name()));
    let parts = [
        cooldown.boxed(),
        gaps.boxed(),
        (any::<bool>(), verdict())
            .prop_map(|(on, verdict)| format!("[inspection]\nenabled = {on}\nrules = {{ f = '{}' }}\n", verdict.name()))
            .boxed(),
        verdict().prop_map(|verdict| format!("[advisories]\nvulnerable = '{}'\n", verdict.name())).boxed(),
        Just("[[deny]]\nmatch = 'pkg:demo/left-demo'\nreason = 'x'\n".to_owned()).boxed(),
        "\\[\\[allow\\]\\]\nmatch = 'pkg:(demo|other)/(left|right)-demo'\n".boxed(),
        "\\[\\[rule\\]\\]\nname = 'r'\nwhen = 'evidence\\.(age_hours < [0-9]{1,3}|install_hook|advisories\\[0\\]\\.malware)'\nthen = '(hold|deny)'\nmessage = 'x'\n".boxed(),
    ];
    parts
        .into_iter()
        .map(|part| proptest::option::weighted(0.3, part))
        .collect::<Vec<_>>()
        .prop_map(|parts| parts.into_iter().flatten().collect())
}

fn exceptions() -> impl Strategy<Value = String> {
    let exception = (
        instant(),
        prop_oneof!["cooldown", "gap", "rule", "deny", "allow-list", "advisory", "malware", "inspection(\\.f)?"],
    )
        .prop_map(|(expires, waives)| {
            format!(
                "[[exception]]\nmatch = 'pkg:demo/left-demo@1.1.0'\nreason = 'x'\nby = 'x'\nexpires = '{expires}'\n\
                 waives = ['{waives}']\n"
            )
        });
    proptest::collection::vec(exception, 0..3).prop_map(|exceptions| exceptions.concat())
}

prop_compose! {
    fn base()(audit in any::<bool>(), project in project(), exceptions in exceptions()) -> Policy {
        policy(&format!("{}{project}{exceptions}", if audit { "mode = 'audit'\n" } else { "" }))
    }
}

fn outcome(ruling: &Ruling) -> (Verdict, Vec<(String, Verdict)>, bool) {
    let rules = ruling.reasons.iter().map(|reason| (reason.rule.clone(), reason.verdict)).collect();
    (ruling.verdict, rules, ruling.clearance().is_some())
}

proptest! {
    #[test]
    fn a_ruling_stands_until_it_says(
        policy in base(), evidence in proptest::collection::vec(one(), 0..6), gaps in proptest::collection::vec(gap(), 0..2),
        part in 0.0..1.0_f64,
    ) {
        let ruling = policy.decide(&left(), &evidence, &gaps, now());
        let until = ruling.until.unwrap_or(now() + SignedDuration::from_hours(100_000));
        prop_assert!(until > now());
        let window = until.duration_since(now());
        for later in [now() + window.mul_f64(part), until - SignedDuration::from_nanos(1)] {
            if later < until {
                let later = policy.decide(&left(), &evidence, &gaps, later);
                prop_assert_eq!(outcome(&later), outcome(&ruling));
            }
        }
    }

    #[test]
    fn tightening_never_loosens(
        base in base(), project in project(), evidence in proptest::collection::vec(one(), 0..6),
        gaps in proptest::collection::vec(gap(), 0..2),
    ) {
        let tightened = base.tightened_by(&policy(&project)).unwrap();
        let (before, after) =
            (base.decide(&left(), &evidence, &gaps, now()), tightened.decide(&left(), &evidence, &gaps, now()));
        prop_assert!(after.verdict >= before.verdict, "{:?} {:?}", before.reasons, after.reasons);
        prop_assert!(after.enforced() >= before.enforced());
        prop_assert!(before.clearance().is_some() || after.clearance().is_none());
        prop_assert!(tightened.cooldown(&left().package).age >= base.cooldown(&left().package).age);
    }

    #[test]
    fn a_ruling_replays(
        base in base(), project in project(), evidence in proptest::collection::vec(one(), 0..6),
        gaps in proptest::collection::vec(gap(), 0..2), now in instant(),
    ) {
        let policy = base.tightened_by(&policy(&project)).unwrap();
        let ruling = rule(&policy, &evidence, &gaps, now);
        prop_assert_eq!(&ruling, &policy.decide(&left(), &evidence, &gaps, now));
    }

    #[test]
    fn a_clearance_is_for_matching_bytes_that_nothing_enforced_speaks_against(
        policy in base(), evidence in proptest::collection::vec(one(), 0..6), gaps in proptest::collection::vec(gap(), 0..2),
    ) {
        let ruling = policy.decide(&left(), &evidence, &gaps, now());
        let compared: Vec<_> = evidence.iter().filter(|one| matches!(one, Evidence::Integrity { .. })).collect();
        let matched = !compared.is_empty() && compared.iter().all(|one| **one == matches());
        prop_assert_eq!(ruling.clearance().is_some(), matched && ruling.enforced() == Verdict::Allow);
        prop_assert_eq!(ruling.tampered(), !compared.is_empty() && !matched);
        prop_assert!(ruling.reasons.is_sorted_by_key(|reason| std::cmp::Reverse(reason.verdict)));
        prop_assert!(ruling.sentence().len() <= Ruling::MAX_SENTENCE);
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in "\\PC{0,200}", when in "[a-z.()\\[\\]!&|<>=0-9' +*?:,-]{0,80}") {
        let _ = Policy::parse(&text);
        let _ = Policy::from_canonical(&text);
        let toml = format!("[[rule]]\nname = 'r'\nwhen = '''{}'''\nthen = 'hold'\nmessage = 'x'", when.replace("''", ""));
        if let Ok(policy) = Policy::parse(&toml) {
            policy.decide(&left(), &[old(), manifest(true), advisory(false)], &[], now());
        }
    }
}
