use super::super::package;
use super::*;

fn advice(id: &str, kind: AdviceKind) -> Advice {
    Advice {
        package: package("left-demo").unwrap(),
        id: id.to_owned(),
        aliases: vec!["CVE-2026-1".to_owned()],
        summary: "steals".to_owned(),
        kind,
        score: None,
        vector: None,
        word: None,
        asked: vec!["1.1.0".to_owned(), "1.2.0-rc.1".to_owned()],
        affected: vec![("1.1.0".to_owned(), "1.1.0".to_owned()), ("1.1.9".to_owned(), "1.2.0".to_owned())],
        fixed: vec!["1.0.5".to_owned(), "1.3.0".to_owned()],
    }
}

#[test]
fn a_question_has_each_name_once() {
    let left = package("left-demo").unwrap();
    let question =
        question(&[left.release("1.0.0"), package("@acme/a").unwrap().release("2.0.0"), left.release("1.1.0")]);
    assert_eq!(String::from_utf8(question).unwrap(), r#"{"@acme/a":["2.0.0"],"left-demo":["1.0.0","1.1.0"]}"#);
}

#[test]
fn the_registrys_advisories_stay_as_they_are_and_ours_are_added() {
    let theirs = br#"{"left-demo":[{"id":1.0, "x" : "y"}]}"#;
    let merged = answer(b"", theirs, &[advice("MAL-1", AdviceKind::Malware)]).unwrap();
    let merged = String::from_utf8(merged).unwrap();
    assert!(merged.starts_with(r#"{"left-demo":[{"id":1.0, "x" : "y"},{"#), "{merged}");
    let ours: Value = serde_json::from_str(&merged).unwrap();
    let ours = &ours["left-demo"][1];
    assert_eq!(ours["title"], "MAL-1: malware: steals");
    assert_eq!(ours["vulnerable_versions"], "1.1.0 || >=1.1.9 <=1.2.0 || 1.2.0-rc.1");
    assert!(ours["id"].as_u64().is_some_and(|id| id > 0 && id < 1 << 53), "{ours}");
    assert_eq!(answer(b"", b"{}", &[]).unwrap(), b"{}");
    assert!(answer(b"", b"[]", &[]).is_err());
}

#[test]
fn a_severity_is_one_that_clients_know() {
    let of =
        |kind, score, word: &str| severity(&Advice { score, word: Some(word.to_owned()), ..advice("GHSA-1", kind) });
    assert_eq!(of(AdviceKind::Malware, Some(10), "low"), "critical");
    assert_eq!(of(AdviceKind::PerhapsMalware, None, ""), "high");
    assert_eq!(of(AdviceKind::Unclear("why"), Some(98), ""), "info");
    for (score, expected) in [(98, "critical"), (89, "high"), (69, "moderate"), (39, "low")] {
        assert_eq!(of(AdviceKind::Vulnerable, Some(score), "critical"), expected);
    }
    for (word, expected) in [("medium", "moderate"), ("moderate", "moderate"), ("low", "low"), ("odd", "high")] {
        assert_eq!(of(AdviceKind::Vulnerable, None, word), expected);
    }
}
