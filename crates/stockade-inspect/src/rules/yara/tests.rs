//! Real rules, compiled, sent as bytes, loaded, and looked for in packages.

use bytes::Bytes;
use stockade_model::{Code, GapKind, Member, Start, Tree, Trigger, Verdict};

use super::super::{Rules, Searcher, assess};
use crate::inspection::{Finding, Inspection};

/// What a stranger may have planted: nobody has such an address.
const BEACON: &str = r#"
rule Evil_Beacon {
    meta:
        description = "talks to the beacon"
        verdict = "deny"
        score = 91
    strings:
        $host = "beacon.invalid"
    condition:
        $host
}
"#;

fn own(text: &str) -> Result<Rules, String> {
    Rules::builtin().with(&[("team/a.yar".to_owned(), text.to_owned())]).map_err(|error| error.to_string())
}

fn searcher(rules: &Rules) -> Searcher {
    let patterns = rules.patterns().unwrap();
    Searcher::load(patterns.digest.clone(), &patterns.compiled).unwrap()
}

fn look(rules: &Rules, files: &[(&str, &[u8])], earlier: &[&Inspection]) -> Inspection {
    let mut tree = Tree::default();
    for (path, bytes) in files {
        let (path, bytes) = ((*path).to_owned(), Bytes::copy_from_slice(bytes));
        let code = Code::File(path.clone());
        tree.starts.push(Start {
            trigger: Trigger::Import,
            name: "main".to_owned(),
            code,
            path: "manifest".to_owned(),
            line: 1,
        });
        tree.members.push(Member { path, bytes, executable: false });
    }
    crate::inspect(tree, earlier, |_| false, Some(&searcher(rules)))
}

fn found(rules: &Rules, inspection: &Inspection) -> Vec<Finding> {
    let mut findings = assess(inspection, &[], &[], rules).findings;
    findings.retain(|finding| finding.sentence.contains("of YARA"));
    findings
}

#[test]
fn a_rule_that_matches_is_a_finding_with_its_place() {
    let rules = own(BEACON).unwrap();
    let script: &[u8] = b"// nothing\nconst at = 'beacon.invalid';\n";
    let inspection = look(&rules, &[("README.md", b"harmless\n"), ("lib/a.js", script)], &[]);
    let [finding] = &found(&rules, &inspection)[..] else { panic!("one finding") };
    assert_eq!((&*finding.rule, finding.verdict, finding.score), ("evil-beacon", Verdict::Deny, 91));
    assert_eq!(finding.sentence, "matches the rule `Evil_Beacon` of YARA: talks to the beacon (lib/a.js:2)");
    let [place] = &finding.places[..] else { panic!("one place") };
    assert_eq!((&*place.path, place.line, &*place.what), ("lib/a.js", 2, "match $host"));
    assert_eq!(place.snippet, "const at = 'beacon.invalid';");
    assert!(inspection.gaps.is_empty(), "{:?}", inspection.gaps);
    let described = rules.describe().find(|(name, ..)| *name == "evil-beacon").unwrap();
    let explanation = "The rule `Evil_Beacon` of YARA, in `team/a.yar`.";
    assert_eq!(described, ("evil-beacon", "talks to the beacon", Verdict::Deny, explanation));
    // It is told again, whatever was cleared before.
    assert_eq!(assess(&inspection, &[&inspection], &[], &rules).findings.len(), 1);
}

#[test]
fn a_place_in_what_is_no_text_is_a_byte() {
    let rules = own(BEACON).unwrap();
    let inspection = look(&rules, &[("a.bin", b"\0\x01\x02\xffbeacon.invalid\0")], &[]);
    let findings = found(&rules, &inspection);
    assert_eq!(findings[0].sentence, "matches the rule `Evil_Beacon` of YARA: talks to the beacon (a.bin)");
    assert_eq!((findings[0].places[0].line, &*findings[0].places[0].snippet), (0, "at byte 4: beacon.invalid"));
}

#[test]
fn what_was_peeled_off_is_searched() {
    let rules = own(BEACON).unwrap();
    // `fetch('https://beacon.invalid/')`
    let script = b"\n\neval(atob('ZmV0Y2goJ2h0dHBzOi8vYmVhY29uLmludmFsaWQvJyk='));\n";
    let inspection = look(&rules, &[("a.js", script)], &[]);
    let findings = found(&rules, &inspection);
    let place = &findings[0].places[0];
    assert_eq!((place.line, &*place.snippet), (3, "fetch('https://beacon.invalid/')"));
    assert!(!place.layers.is_empty());
}

#[test]
fn private_and_global_rules_are_as_in_yara() {
    let rules = own(r#"
        global rule small { condition: filesize < 40 }
        private rule marked { strings: $a = "beacon.invalid" condition: $a }
        rule both { meta: verdict = "allow" condition: marked and math.max(1, 2) == 2 }
        "#
    .replace("global", "import \"math\"\nglobal")
    .as_str())
    .unwrap();
    let names = |bytes: &[u8]| -> Vec<String> {
        let inspection = look(&rules, &[("a.txt", bytes)], &[]);
        found(&rules, &inspection).into_iter().map(|finding| finding.rule).collect()
    };
    assert_eq!(names(b"beacon.invalid"), ["small", "both"]);
    assert_eq!(names(b"beacon"), ["small"]);
    assert!(names(&b"beacon.invalid".repeat(5)).is_empty());
    assert!(rules.describe().all(|(name, ..)| name != "marked"), "nobody is told of a private rule");
}

#[test]
fn what_is_wrong_with_a_rule_is_said_with_its_line() {
    let meta = |line: &str| {
        format!("rule ok {{ condition: true }}\n\nrule odd_one {{\n meta:\n  {line}\n condition: true\n}}\n")
    };
    let cases = [
        ("rule a {\n strings:\n  $a = \n condition: $a\n}\n".to_owned(), 4, "syntax error: "),
        ("include \"/etc/passwd\"\n".to_owned(), 1, "include statements not allowed"),
        ("\nimport \"pe\"\nrule a { condition: pe.is_pe }".to_owned(), 2, "unknown module `pe`"),
        ("rule a { condition: filename }".to_owned(), 1, "unknown identifier `filename`"),
        (meta("verdict = \"block\""), 3, "`block` is no verdict; it is one of `allow`, `hold`, `deny`"),
        (meta("verdict = 1"), 3, "`verdict` is no text"),
        ("rule A_b { condition: true }\nrule a_B { condition: true }".to_owned(), 2, "is called `a-b` here"),
        ("rule __ { condition: true }".to_owned(), 1, "has no letter and no digit in it"),
        (
            "\nrule captures { condition: true }".to_owned(),
            2,
            "`captures` is called `captures` here, as another rule is",
        ),
    ];
    for (text, line, what) in cases {
        let error = own(&text).unwrap_err();
        let begin = format!("the rule in `team/a.yar` cannot be used: line {line}: ");
        assert!(error.starts_with(&begin) && error.contains(what), "{text}\n{error}");
    }
}

#[test]
fn what_was_searched_with_other_rules_is_searched_again() {
    let (rules, others) = (own(BEACON).unwrap(), own(&BEACON.replace("beacon.invalid", "other.invalid")).unwrap());
    assert_ne!(rules.digest(), others.digest());
    let files: &[(&str, &[u8])] = &[("a.txt", b"beacon.invalid")];
    let first = look(&rules, files, &[]);
    assert!(rules.suffices(&first) && !others.suffices(&first) && Rules::builtin().suffices(&first));
    assert_eq!(look(&rules, files, &[&first]), first);
    assert!(found(&others, &look(&others, files, &[&first])).is_empty());
}

#[test]
fn what_takes_too_long_is_a_gap() {
    let rules = own("rule slow { condition: for all i in (0..0x7fffffff) : (uint8(i % 8) < 256) }").unwrap();
    let inspection = look(&rules, &[("a.txt", b"12345678")], &[]);
    let [gap] = &inspection.gaps[..] else { panic!("{:?}", inspection.gaps) };
    assert_eq!(gap.kind, GapKind::Limit);
    let said = "`a.txt` was not searched to its end with the rules of YARA: it takes longer than 4 seconds";
    assert_eq!(gap.detail, said);
    assert!(inspection.files[0].unsearched);
}
