use serde_json::{Value, json};

use super::*;
use crate::Standing::{self, *};
use crate::pypi::{package, page, render as pages};
use crate::{Advice, AdviceKind, Steering, Variant};

const BASE: &str = "http://127.0.0.1:4873/mount";
const MESSAGE: &str = "held by stockade: `left-demo` 1.1 is 5 hours old; policy asks 72 hours";

/// A page of these files, each with its standing.
fn page_of(files: &[(&str, Standing, Value)]) -> (String, Index, Vec<Standing>) {
    let entries: Vec<Value> = files
        .iter()
        .map(|(name, _, yanked)| {
            json!({
                "filename": name, "url": format!("https://files.example/a/{name}"), "hashes": {"sha256": "a".repeat(64)},
                "requires-python": ">=3.8", "size": 7, "upload-time": "2026-01-02T03:04:05.600000Z", "yanked": yanked,
            })
        })
        .collect();
    let document = json!({"meta": {"api-version": "1.4"}, "name": "left-demo", "files": entries}).to_string();
    let index = page::read(&package("left-demo").unwrap(), document.as_bytes()).unwrap();
    (document, index, files.iter().map(|(_, standing, _)| *standing).collect())
}

fn described(
    files: &[(&str, Standing, Value)],
    version: &str,
    whole: bool,
    theirs: &Value,
) -> Result<Value, Malformed> {
    advised(files, version, whole, theirs, &[])
}

fn advised(
    files: &[(&str, Standing, Value)],
    version: &str,
    whole: bool,
    theirs: &Value,
    advice: &[Advice],
) -> Result<Value, Malformed> {
    let theirs = (!theirs.is_null()).then(|| theirs.to_string());
    let (document, index, standings) = page_of(files);
    let steering = Steering { standings: &standings, message: MESSAGE, base: BASE, variant: Variant::Full };
    let ours = pages::page(&index, &steering).flatten(document.as_bytes());
    let release = index.package.release(version);
    let described = Described {
        release: &release,
        whole,
        index: &index,
        index_document: &ours,
        theirs: theirs.as_deref().map(str::as_bytes),
        advice,
        base: BASE,
    };
    super::render(&described).map(|bytes| serde_json::from_slice(&bytes).unwrap())
}

fn theirs(version: &str) -> Value {
    json!({
        "info": {
            "name": "Left.Demo", "version": version, "requires_dist": ["right-demo>=1"], "yanked": false,
            "project_url": "https://registry.example/project/left-demo/", "download_url": "https://registry.example/x",
        },
        "last_serial": 42,
        "releases": {"9.9": []},
        "urls": [{"url": "https://files.example/a/evil-9.9.tar.gz"}],
        "vulnerabilities": [{"id": "CVE-1"}],
        "odd": "https://registry.example/odd",
    })
}

const OLD: &str = "left_demo-1.0-py3-none-any.whl";
const YOUNG: &str = "left_demo-1.1-cp312-cp312-win32.whl";
const SOURCE: &str = "left_demo-1.0.tar.gz";

#[test]
fn it_is_of_the_files_that_are_ruled_on() {
    let files = [(OLD, Cleared, json!(false)), (SOURCE, Cleared, json!("bad")), (YOUNG, Held, json!(false))];
    let whole = described(&files, "1.0", true, &theirs("1.0")).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&whole["urls"][0]).unwrap().replace(&"a".repeat(64), "A"), @r#"
    {
      "comment_text": null,
      "digests": {
        "sha256": "A"
      },
      "downloads": -1,
      "filename": "left_demo-1.0-py3-none-any.whl",
      "has_sig": false,
      "md5_digest": null,
      "packagetype": "bdist_wheel",
      "python_version": "py3",
      "requires_python": ">=3.8",
      "size": 7,
      "upload_time": "2026-01-02T03:04:05",
      "upload_time_iso_8601": "2026-01-02T03:04:05.600000Z",
      "url": "http://127.0.0.1:4873/mount/files/left-demo/a/left_demo-1.0-py3-none-any.whl",
      "yanked": false,
      "yanked_reason": null
    }
    "#);
    assert_eq!(
        (&whole["urls"][1]["packagetype"], &whole["urls"][1]["yanked_reason"]),
        (&json!("sdist"), &json!("bad"))
    );
    let young = &whole["releases"]["1.1"][0];
    assert_eq!((&young["yanked"], &young["yanked_reason"]), (&json!(true), &json!(MESSAGE)));
    assert_eq!(young["python_version"], "cp312");
    assert_eq!(whole["releases"].as_object().unwrap().keys().collect::<Vec<_>>(), ["1.0", "1.1"]);
    assert_eq!((&whole["last_serial"], &whole["vulnerabilities"][0]["id"]), (&json!(42), &json!("CVE-1")));
    assert_eq!((&whole["info"]["requires_dist"], &whole["info"]["yanked"]), (&json!(["right-demo>=1"]), &json!(false)));
    assert_eq!(whole["info"]["project_url"], format!("{BASE}/simple/left-demo/"));
    assert!(!whole.to_string().contains(".example"), "{whole}");
    let alone = described(&files, "1.1", false, &theirs("1.1")).unwrap();
    assert_eq!((alone.get("releases"), &alone["info"]["yanked_reason"]), (None, &json!(MESSAGE)));
}

#[test]
fn what_is_removed_is_nowhere() {
    let files = [(OLD, Removed, json!(false)), (SOURCE, Cleared, json!(false)), (YOUNG, Removed, json!(false))];
    let whole = described(&files, "1.0", true, &theirs("1.0")).unwrap();
    assert_eq!(whole["releases"].as_object().unwrap().len(), 1);
    assert_eq!(whole["urls"].as_array().unwrap().len(), 1);
    assert!(!whole.to_string().contains(OLD) && !whole.to_string().contains(YOUNG), "{whole}");
}

#[test]
fn what_is_of_another_release_is_not_passed_on() {
    let files = [(OLD, Cleared, json!(false))];
    assert!(described(&files, "1.0", true, &theirs("1.0.0")).is_ok(), "it is the same version");
    let mut other = theirs("1.0");
    other["info"]["name"] = json!("right-demo");
    for theirs in [theirs("1.1"), theirs(""), other, json!({"info": 7}), json!([]), json!({"info": {}})] {
        assert!(described(&files, "1.0", true, &theirs).is_err(), "{theirs}");
    }
}

#[test]
fn a_registry_without_such_documents_says_nothing_of_what_is_needed() {
    let files = [(OLD, Cleared, json!(false)), (YOUNG, Held, json!(false))];
    let whole = described(&files, "1.0", true, &Value::Null).unwrap();
    let info = &whole["info"];
    assert_eq!((&info["name"], &info["version"]), (&json!("left-demo"), &json!("1.0")));
    assert_eq!((&info["requires_dist"], &info["requires_python"]), (&Value::Null, &json!(">=3.8")));
    assert_eq!(whole["releases"]["1.1"][0]["yanked_reason"], MESSAGE);
}

#[test]
fn every_form_is_called_what_it_is() {
    for (form, expect) in [
        ("egg-py2.7", ("bdist_egg", "py2.7")),
        ("egg", ("bdist_egg", "any")),
        ("wininst-win-amd64-py2.7", ("bdist_wininst", "py2.7")),
        ("py2.py3-none-any", ("bdist_wheel", "py2.py3")),
        ("other", ("bdist_dumb", "any")),
    ] {
        assert_eq!(kind(form), expect, "{form}");
    }
}

#[test]
fn a_package_is_described_by_what_people_would_choose() {
    let chosen = |files: &[(&str, Standing, Value)]| {
        let (_, index, standings) = page_of(files);
        index.described_by(&standings).map(|listed| listed.version.clone())
    };
    let no = || json!(false);
    let (rc, next) = ("left-demo-1.2rc1.tar.gz", "left-demo-2.0.tar.gz");
    assert_eq!(chosen(&[(OLD, Cleared, no()), (YOUNG, Held, no()), (rc, Cleared, no())]).as_deref(), Some("1.0"));
    assert_eq!(chosen(&[(OLD, Cleared, no()), (next, Cleared, json!("bad"))]).as_deref(), Some("1.0"));
    assert_eq!(chosen(&[(YOUNG, Held, no()), (rc, Cleared, no())]).as_deref(), Some("1.2rc1"));
    assert_eq!(chosen(&[(YOUNG, Held, no()), (next, Removed, no())]).as_deref(), Some("1.1"));
    assert_eq!(chosen(&[(YOUNG, Removed, no())]), None);
    let (_, index, _) = page_of(&[(OLD, Cleared, no())]);
    assert!(index.spelt("1.0.0").is_some() && index.spelt("v1.0").is_some() && index.spelt("1.0.1").is_none());
}

#[test]
fn what_we_know_of_vulnerabilities_is_behind_what_the_registry_knows() {
    let files = [("left_demo-1.0-py3-none-any.whl", Cleared, Value::Null)];
    let advice = |id: &str| Advice {
        package: package("left-demo").unwrap(),
        id: id.to_owned(),
        aliases: vec!["CVE-2026-1".to_owned()],
        summary: "may be attacked".to_owned(),
        kind: AdviceKind::Vulnerable,
        score: None,
        vector: None,
        word: None,
        asked: vec!["1.0".to_owned()],
        affected: Vec::new(),
        fixed: vec!["1.1".to_owned()],
    };
    let of = |theirs: &Value, ours: &[Advice]| {
        advised(&files, "1.0", false, theirs, ours).unwrap()["vulnerabilities"].clone()
    };
    let both = of(&theirs("1.0"), &[advice("CVE-1"), advice("PYSEC-2026-1")]);
    assert_eq!(
        (both.as_array().unwrap().len(), &both[0], &both[1]["id"]),
        (2, &json!({"id": "CVE-1"}), &json!("PYSEC-2026-1"))
    );
    assert_eq!((&both[1]["fixed_in"], &both[1]["aliases"]), (&json!(["1.1"]), &json!(["CVE-2026-1"])));
    assert_eq!(of(&Value::Null, &[advice("PYSEC-2026-1")])[0]["summary"], "PYSEC-2026-1: may be attacked");
    assert_eq!(of(&Value::Null, &[]), Value::Null);
}
