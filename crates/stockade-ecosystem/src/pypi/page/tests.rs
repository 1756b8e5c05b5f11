use std::ops::Range;

use super::*;

use crate::pypi::package;

const SHA256: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const WHEEL: &str = "left_demo-1.0-py3-none-any.whl";

/// The members of a file that nothing is wrong with.
fn members(name: &str) -> String {
    format!(r#""filename":"{name}","url":"https://files.example/packages/aa/{name}","hashes":{{"sha256":"{SHA256}"}}"#)
}

fn page(files: &str, others: &str) -> String {
    format!(r#"{{"meta":{{"api-version":"1.4"}},"name":"Left.Demo","files":[{files}]{others}}}"#)
}

/// A page with one file, with these members besides.
fn page_with(others: &str) -> String {
    page(&format!("{{{}{others}}}", members(WHEEL)), "")
}

fn read_text(document: &str) -> Result<Index, Malformed> {
    read(&package("left-demo").unwrap(), document.as_bytes())
}

fn only(document: &str) -> Listed {
    let index = read_text(document).unwrap();
    assert_eq!(index.releases.len(), 1, "{document}");
    index.releases[0].clone()
}

/// What is found wrong with the document: the error, or its problems and those of each file (`!` before what is not passed
/// on).
fn check(document: &str, expect: &[&str]) {
    let found = match read_text(document) {
        Err(error) => vec![format!("error: {}", error.why)],
        Ok(index) => {
            let of_file = |listed: &Listed| {
                let mark = if listed.is_usable() { "" } else { "!" };
                let problems = listed.problems.iter();
                problems.map(|problem| format!("{mark}{}: {}", listed.version, problem.what)).collect::<Vec<_>>()
            };
            let own = index.problems.iter().map(|problem| problem.what.clone());
            own.chain(index.releases.iter().flat_map(of_file)).collect()
        }
    };
    assert_eq!(found, expect, "{document:.600}");
}

#[test]
fn an_ordinary_page_is_read() {
    let wheel = format!(
        r#"{{ {}, "core-metadata": {{"sha256":"{}"}},"data-dist-info-metadata":true,"dist-info-metadata":{{"sha256":"{}"}},
        "requires-python":"\u003e=3.8","size":1200,"upload-time":"2024-01-01T00:00:00.123456Z","yanked":"broken \"build\"",
        "provenance":"https://registry.example/integrity/x","gpg-sig":true }}"#,
        members(WHEEL),
        "b".repeat(64),
        "b".repeat(64),
    );
    let sdist =
        format!(r#"{{{},"yanked":false,"upload-time":null,"provenance":null}}"#, members("left-demo-1.0.0.tar.gz"));
    let document =
        page(&format!("{wheel} , {sdist}"), r#","versions":["1.0","1.1"],"project-status":{"status":"active"}"#);
    check(&document, &[]);
    let index = read_text(&document).unwrap();
    assert_eq!(index.versions, ["1.0", "1.1"]);
    assert_eq!(index.positions("1.0").collect::<Vec<_>>(), [0, 1], "both spellings are one release");
    let text = |place: &Range<u32>| &document[place.start as usize..place.end as usize];
    let listed = &index.releases[0];
    assert_eq!(text(&listed.object), wheel);
    assert_eq!(listed.artifact.url, format!("https://files.example/packages/aa/{WHEEL}"));
    assert_eq!(listed.artifact.integrity.as_ref().unwrap().strongest(), Algorithm::Sha256);
    assert_eq!(listed.published, Some("2024-01-01T00:00:00.123456Z".parse().unwrap()));
    assert_eq!(listed.deprecated.as_deref(), Some("broken \"build\""));
    assert_eq!(listed.requires.as_deref(), Some(">=3.8"));
    assert!(listed.provenance && !listed.install_hook);
    let file = listed.file.as_ref().unwrap();
    assert_eq!((file.name.as_str(), file.form.as_str()), (WHEEL, "py3-none-any"));
    assert_eq!(file.metadata.as_ref().unwrap().deciding().next().unwrap().hex(), "b".repeat(64));
    let kept: Vec<_> = listed.kept.iter().map(|(number, place)| (Part::of(*number).unwrap(), text(place))).collect();
    assert_eq!(
        kept,
        [
            (Part::Host, "https://files.example/"),
            (Part::Query, ""),
            (Part::Yanked, r#""broken \"build\"""#),
            (Part::Null, r#""https://registry.example/integrity/x""#),
            (Part::False, "true"),
        ]
    );
    let sdist = &index.releases[1];
    assert!(sdist.install_hook && !sdist.provenance && sdist.deprecated.is_none() && sdist.published.is_none());
    assert_eq!((sdist.version.as_str(), sdist.file.as_ref().unwrap().form.as_str()), ("1.0", "sdist"));
}

#[test]
fn versions_have_one_spelling() {
    let files = ["left_demo-1.0b2-py3-none-any.whl", "left-demo-1.0-beta-2.tar.gz", "left_demo-2.0.0-py3-none-any.whl"];
    let files: Vec<String> = files.map(|name| format!("{{{}}}", members(name))).to_vec();
    let versions = |others: &str| -> Vec<String> {
        let index = read_text(&page(&files.join(","), others)).unwrap();
        index.releases.into_iter().map(|listed| listed.version).collect()
    };
    assert_eq!(versions(""), ["1.0b2", "1.0b2", "2.0.0"], "the normal form where the page says nothing");
    assert_eq!(versions(r#","versions":["1.0-beta2","2","x"]"#), ["1.0-beta2", "1.0-beta2", "2"]);
}

#[test]
fn a_document_that_is_no_page_is_an_error() {
    let not_json = "error: the document is not JSON, which is the only form of an index that has the times of files";
    for document in ["", "{", "<!DOCTYPE html><html></html>", "{\"name\":\"left-demo\"} {}"] {
        check(document, &[not_json]);
    }
    for document in ["null", "[]", "1", "\"left-demo\""] {
        check(document, &["error: the document is not an object"]);
    }
    check("{}", &["error: the document names no package"]);
    check(&page("", "").replace("Left.Demo", "right"), &["error: the document is of another package"]);
    check(&page("", "").replace("1.4", "2.0"), &["error: the document is of another version of the interface than 1"]);
    check(&page("", "").replace("\"1.4\"", "1.4"), &["`meta.api-version` is not a version"]);
    check(&page("", "").replace("files", "other"), &["error: the document has no `files`"]);
    let shape = "error: `files` is not an array, or an object has more than 200,000 members";
    for files in ["{}", "null", "\"\"", "7"] {
        check(&page("", "").replace("[]", files), &[shape]);
    }
    let error = read(&package("left-demo").unwrap(), b"{\"name\":\"\xff\"}").unwrap_err();
    assert_eq!(error.why, "the document is not UTF-8");
}

#[test]
fn a_page_without_files_is_one() {
    check(&page("", ""), &[]);
    assert!(read_text(&page("", "")).unwrap().releases.is_empty());
}

#[test]
fn what_is_there_twice_is_not_passed_on() {
    check(&page_with(r#","size":1,"size":1"#), &["!1.0: a member of its entry is there twice"]);
    check(
        &page_with(r#","filename":"x""#),
        &["!x: its name is not that of a file of this project", "!x: a member of its entry is there twice"],
    );
    check(
        &page_with("").replace(r#"{"sha256""#, r#"{"sha1":"","sha1":"","sha256""#),
        &["!1.0: a member of its `hashes` is there twice"],
    );
    let wheel = format!("{{{}}}", members(WHEEL));
    let document = page(&format!("{wheel},{{{}}},{wheel},{wheel}", members("left-demo-1.0.tar.gz")), "");
    check(&document, &["!1.0: its name is listed twice"]);
    assert_eq!(read_text(&document).unwrap().releases.len(), 2);
    let twice = page_with("").replace(r#""files":["#, r#""files":[],"files":["#);
    check(&twice, &["the member `files` is there twice"]);
    assert_eq!(read_text(&twice).unwrap().releases.len(), 1, "the last one counts, as in Python");
    check(&page("", r#","a\nb":1,"a\nb":2"#), &[r"the member `a\nb` is there twice"]);
}

#[test]
fn a_file_must_be_what_its_name_says() {
    for (name, why) in [
        ("right-1.0.tar.gz", "its name is not that of a file of this project"),
        ("left-demo-1.0/../../x.tar.gz", "its name has a character that no file's name has, or too many of them"),
        ("left-demo-1.0\\u0000.tar.gz", "its name has a character that no file's name has, or too many of them"),
        ("", "its name has a character that no file's name has, or too many of them"),
    ] {
        let document = page_with("").replace(&format!(r#""filename":"{WHEEL}""#), &format!(r#""filename":"{name}""#));
        let listed = only(&document);
        assert!(!listed.is_usable(), "{name}");
        assert_eq!(listed.problems, [Problem::new(why)], "{name}");
    }
    let odd = page(&format!("{{{}}}", members("left-demo-2004d.tar.gz")), "");
    check(&odd, &["2004d: the version in its name does not follow PEP 440"]);
    assert!(only(&odd).is_usable() && only(&odd).order.is_none());
    for name in ["7", "null", "{}", "[]"] {
        let document = page_with("").replace(&format!(r#""filename":"{WHEEL}""#), &format!(r#""filename":{name}"#));
        check(&document, &["!: its `filename` is not text"]);
    }
    check(&page("7,null,[{}]", ""), &["3 of its `files` are not objects"]);
    check(
        &page("{}", "").replace("{}", "{ }"),
        &[
            "!: its `filename` is not text",
            "!: its entry is empty, or begins with an escape",
            "!: its `url` is not an address",
            "!: its `hashes` are not an object",
        ],
    );
    let escaped =
        page(&format!("{{{}}}", members(WHEEL)), "").replace("\"filename\":\"left", "\"f\\u0069lename\":\"left");
    check(&escaped, &["!1.0: its entry is empty, or begins with an escape"]);
}

#[test]
fn an_address_is_copied_only_if_it_ends_in_the_files_name() {
    let parts = |url: &str| -> Vec<Part> {
        let document = page_with("").replace(&format!("https://files.example/packages/aa/{WHEEL}"), url);
        let listed = only(&document);
        assert!(listed.is_usable(), "{url}");
        listed.kept.iter().map(|(number, _)| Part::of(*number).unwrap()).collect()
    };
    for url in [
        &format!("https://files.example/{WHEEL}"),
        &format!("https://user:pw@files.example:8443/a%20b/{WHEEL}?x=1#sha256=0"),
        &format!("../../packages/{WHEEL}"),
        &format!("/packages/{WHEEL}"),
        &format!("//files.example/{WHEEL}"),
        WHEEL,
        "https://files.example/left%5fdemo-1.0-py3-none-any.whl",
    ] {
        assert_eq!(parts(url), [Part::Host, Part::Query], "{url}");
    }
    for url in [
        "https://files.example/other-9.9-py3-none-any.whl",
        &format!(r"https:\/\/files.example\/{WHEEL}"),
        &format!("https://files.example/a/../{WHEEL}"),
        &format!("https://files.example/a/%2e%2e/{WHEEL}"),
        &format!("https://files.example//{WHEEL}"),
        &format!("https://files.example/%252e/{WHEEL}"),
        &format!("https://files.example/{}{WHEEL}", "a/".repeat(15)),
        &format!("https://files.example/{}/{WHEEL}", "a".repeat(1_600)),
        &format!("https://files.example/{WHEEL}/"),
        &format!("https://files.example/\u{e9}/{WHEEL}"),
        &format!("https://files.example/<b>/{WHEEL}"),
        "https://files.example",
        "",
    ] {
        assert_eq!(parts(url), [Part::Address], "{url}");
    }
    for url in ["7", "null", "{}"] {
        let document = page_with("").replace(&format!("\"https://files.example/packages/aa/{WHEEL}\""), url);
        check(&document, &["!1.0: its `url` is not an address"]);
    }
}

#[test]
fn digests_that_prove_nothing_are_noted() {
    let weak = "1.0: none of its `hashes` is one that proves anything";
    let with = |hashes: &str| page_with("").replace(&format!(r#"{{"sha256":"{SHA256}"}}"#), hashes);
    check(&with(r#"{"md5":"0"}"#), &[weak]);
    check(&with("{}"), &[weak]);
    check(&with("7"), &["1.0: its `hashes` are not an object"]);
    check(&with(&format!(r#"{{"sha1":"{}"}}"#, "0".repeat(40))), &[weak]);
    check(&with(r#"{"sha256":"zz"}"#), &["1.0: one of its `hashes` is not a digest", weak]);
    let both = with(&format!(r#"{{"sha1":"{}","blake2b":"x","sha256":"{SHA256}"}}"#, "0".repeat(40)));
    check(&both, &[]);
    assert_eq!(only(&both).artifact.integrity.unwrap().strongest(), Algorithm::Sha256);
}

#[test]
fn members_of_the_wrong_type_are_problems() {
    check(&page_with(r#","upload-time":"yesterday""#), &["1.0: its `upload-time` is not an RFC 3339 instant"]);
    check(&page_with(r#","upload-time":7"#), &["1.0: its `upload-time` is not an RFC 3339 instant"]);
    check(&page_with(r#","requires-python":["3"]"#), &["1.0: its `requires-python` is not text"]);
    check(&page("", r#","versions":{}"#), &["`versions` is not an array"]);
    check(&page("", r#","versions":["1",2]"#), &["an entry of `versions` is not text"]);
}

#[test]
fn a_yank_is_what_python_takes_for_true() {
    let deprecated = |yanked: &str| only(&page_with(&format!(r#","yanked":{yanked}"#))).deprecated;
    for no in ["false", "null", "\"\"", "0"] {
        assert_eq!(deprecated(no), None, "{no}");
    }
    for yes in ["true", "1", "{}"] {
        assert_eq!(deprecated(yes).as_deref(), Some(NO_REASON), "{yes}");
    }
    assert_eq!(deprecated("\"bad\"").as_deref(), Some("bad"));
}

#[test]
fn metadata_are_offered_where_their_digest_is_known() {
    let digest = |c: &str| format!(r#"{{"sha256":"{}"}}"#, c.repeat(64));
    let read = |members: &str| -> (Option<String>, usize) {
        let listed = only(&page_with(members));
        let denied = listed.kept.iter().filter(|(number, _)| *number == Part::False as u8).count();
        let metadata = listed.file.unwrap().metadata;
        (metadata.map(|claim| claim.deciding().next().unwrap().hex()), denied)
    };
    let (a, b) = (digest("a"), digest("b"));
    assert_eq!(read(""), (None, 0));
    for none in ["true", "false", "null", "{}", r#"{"sha256":"x"}"#, r#"{"md5":"x"}"#, "\"x\""] {
        assert_eq!(read(&format!(r#","core-metadata":{none}"#)), (None, 1), "{none}");
    }
    assert_eq!(read(&format!(r#","core-metadata":{a}"#)), (Some("a".repeat(64)), 0));
    assert_eq!(read(&format!(r#","dist-info-metadata":{a}"#)), (Some("a".repeat(64)), 0));
    assert_eq!(read(&format!(r#","dist-info-metadata":{a},"core-metadata":{a}"#)), (Some("a".repeat(64)), 0));
    assert_eq!(read(&format!(r#","core-metadata":true,"dist-info-metadata":{a}"#)), (Some("a".repeat(64)), 1));
    assert_eq!(read(&format!(r#","core-metadata":{a},"dist-info-metadata":{b}"#)), (None, 2));
    check(
        &page_with(&format!(r#","core-metadata":{a},"dist-info-metadata":{b}"#)),
        &["1.0: `core-metadata` and `dist-info-metadata` claim different digests"],
    );
}

#[test]
fn nothing_of_a_quarantined_project_is_passed_on() {
    let document = page(&format!("{{{}}}", members(WHEEL)), r#","project-status":{"status":"quarantined"}"#);
    check(&document, &["!1.0: its project is quarantined by the registry"]);
    for status in [r#""quarantined""#, "{}", r#"{"status":"archived"}"#] {
        check(&page(&format!("{{{}}}", members(WHEEL)), &format!(r#","project-status":{status}"#)), &[]);
    }
}

#[test]
fn a_page_has_a_limit() {
    let file = format!("{{{}}}", members(WHEEL));
    let many = vec![file.as_str(); Index::MAX_RELEASES + 2].join(",");
    check(&page(&many, ""), &["error: it lists more than 100,000 files"]);
}
