use super::*;
use crate::AdviceKind;

/// Two projects of a workspace, as pnpm sends them.
fn body() -> Vec<u8> {
    json!({
        "install": [], "remove": [], "metadata": {}, "requires": {".": "0.0.0"},
        "dependencies": {
            ".": {"version": "0.0.0", "requires": {"a": "1.0.0"}, "dependencies": {
                "a": {"version": "1.0.0", "integrity": "sha512-x", "dependencies": {
                    "left-demo": {"version": "1.1.0", "integrity": "sha512-y"},
                }},
            }},
            "web__secret": {"version": "0.0.0", "dependencies": {
                "left-demo": {"version": "1.2.0", "integrity": "sha512-y"},
            }},
        },
    })
    .to_string()
    .into_bytes()
}

fn report(theirs: &Value, ours: &[Advice]) -> Value {
    serde_json::from_slice(&answer(&body(), theirs.to_string().as_bytes(), ours).unwrap()).unwrap()
}

#[test]
fn a_tree_asks_about_its_releases_and_not_about_its_projects() {
    let asked: Vec<String> = asked(&body()).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(asked, ["a@1.0.0", "left-demo@1.1.0", "left-demo@1.2.0"]);
    // Without an integrity, as of old lockfiles.
    let old = json!({"dependencies": {"a": {"version": "1.0.0"}}}).to_string();
    assert_eq!(super::asked(old.as_bytes()).unwrap().len(), 1);
    for (body, why) in [
        ("[]", "it is not a tree of dependencies"),
        (r#"{"dependencies":{"a":{"version":1}}}"#, "it is not a tree of dependencies"),
        (r#"{"dependencies":{"a b":{"version":"1"}}}"#, ""),
    ] {
        let error = super::asked(body.as_bytes()).unwrap_err();
        assert!(error.why.contains(why), "{body}: {error}");
    }
    let deep = format!("{}{}", r#"{"dependencies":{"a":"#.repeat(5_000), "{}".to_owned() + &"}}".repeat(5_000));
    assert!(super::asked(deep.as_bytes()).is_err());
}

#[test]
fn a_report_says_where_in_the_tree_an_advisory_applies() {
    let ours = Advice {
        package: package("left-demo").unwrap(),
        id: "GHSA-1".to_owned(),
        aliases: vec!["CVE-2026-1".to_owned()],
        summary: "may be attacked".to_owned(),
        kind: AdviceKind::Vulnerable,
        score: Some(75),
        vector: None,
        word: None,
        asked: vec!["1.1.0".to_owned()],
        affected: vec![("1.0.0".to_owned(), "1.1.0".to_owned())],
        fixed: vec!["1.2.0".to_owned()],
    };
    let theirs = json!({"a": [
        {"id": 7, "url": "https://example.invalid/GHSA-7", "title": "seven", "severity": "low", "vulnerable_versions": "<1.0.1"},
        {"id": 8, "severity": "high", "vulnerable_versions": ">=2.0.0"},
    ]});
    let report = report(&theirs, &[ours]);
    assert_eq!(
        report["metadata"]["vulnerabilities"],
        json!({"info": 0, "low": 1, "moderate": 0, "high": 1, "critical": 0})
    );
    assert_eq!(report["metadata"]["totalDependencies"], 3);
    let advisories = report["advisories"].as_object().unwrap();
    let of = |name: &str| advisories.iter().find(|(_, advisory)| advisory["module_name"] == name).unwrap();
    let (id, left) = of("left-demo");
    assert_eq!(left["findings"], json!([{"version": "1.1.0", "paths": [".>a>left-demo"]}]));
    assert_eq!((&left["patched_versions"], &left["cves"]), (&json!(">=1.2.0"), &json!(["CVE-2026-1"])));
    assert_eq!((left["id"].to_string(), &left["vulnerable_versions"]), (id.clone(), &json!(">=1.0.0 <=1.1.0")));
    assert_eq!(of("a").1["github_advisory_id"], "GHSA-7");
    assert_eq!(report["actions"].as_array().unwrap().len(), 2);
    let resolved =
        report["actions"].as_array().unwrap().iter().flat_map(|action| action["resolves"].as_array().unwrap());
    assert!(
        resolved.clone().count() == 2 && resolved.clone().all(|one| advisories.contains_key(&one["id"].to_string()))
    );
}

#[test]
fn a_registrys_advisory_counts_where_it_cannot_be_told() {
    for (range, version, expected) in [
        ("<1.2.3", "1.2.2", true),
        ("<1.2.3", "1.2.3", false),
        (">= 1.0.0, < 1.2.3", "1.1.0", true),
        (">=1.0.0 <1.2.3 || =2.0.0", "2.0.0", true),
        (">=1.0.0 <1.2.3 || =2.0.0", "2.0.1", false),
        ("1.0.0 || 2.0.0", "2.0.0", true),
        ("*", "1.0.0", true),
        ("^1.0.0", "9.0.0", true),
        (">1.0.0-rc.1", "1.0.0", true),
        ("<1.0.0", "no version", true),
    ] {
        assert_eq!(may_contain(range, version), expected, "{range} {version}");
    }
}
