use stockade_model::Algorithm;

use super::*;
use crate::index::Address;

const SHA512: &str = "sha512-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";
const DIST: &str = r#""dist":{"tarball":"https://registry.example/left-demo/-/left-demo-1.0.0.tgz"}"#;

/// A manifest of `left-demo` 1.0.0 with these members besides its name and version.
fn manifest(members: &str) -> String {
    format!(r#"{{"name":"left-demo","version":"1.0.0",{members}}}"#)
}

/// A packument of `left-demo` with these versions and these members (each with its comma in front).
fn packument(versions: &str, members: &str) -> String {
    format!(r#"{{"name":"left-demo","versions":{{{versions}}}{members}}}"#)
}

/// A packument with one release, whose manifest has these members.
fn release_with(members: &str) -> String {
    packument(&format!(r#""1.0.0":{}"#, manifest(members)), "")
}

fn read_text(document: &str) -> Result<Index, Malformed> {
    read(&package("left-demo").unwrap(), document.as_bytes())
}

fn only(document: &str) -> Listed {
    let index = read_text(document).unwrap();
    assert_eq!(index.releases.len(), 1, "{document}");
    index.releases[0].clone()
}

fn whats(problems: &[Problem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.what.as_str()).collect()
}

/// What is found wrong with the document: the error, or its problems and those of each release (`!` before the version
/// of one that is not passed on).
fn check(document: &str, expect: &[&str]) {
    let found = match read_text(document) {
        Err(error) => vec![format!("error: {}", error.why)],
        Ok(index) => {
            let of_release = |listed: &Listed| {
                let mark = if listed.is_usable() { "" } else { "!" };
                let problems = listed.problems.iter();
                problems.map(|problem| format!("{mark}{}: {}", listed.version, problem.what)).collect::<Vec<_>>()
            };
            let own = index.problems.iter().map(|problem| problem.what.clone());
            own.chain(index.releases.iter().flat_map(of_release)).collect()
        }
    };
    assert_eq!(found, expect, "{document:.600}");
}

#[test]
fn an_ordinary_packument_is_read() {
    let manifest = manifest(&format!(
        r#""scripts":{{"install":"node x"}},"_npmUser":{{"name":"ann","email":"a@mail.example"}},"deprecated":"old",
        "dist":{{"shasum":"{}","attestations":{{"url":"https://registry.example/a"}},"tarball":"https://registry.example/l.tgz","integrity":"{SHA512}"}}"#,
        "0".repeat(40)
    ));
    let document = packument(
        &format!(r#""1.0.0": {manifest} "#),
        r#","dist-tags":{"latest":"1.0.0"},"time":{"modified":"2024-01-02T00:00:00.000Z","1.0.0":"2024-01-01T00:00:00.000Z"},"readme":"hi""#,
    );
    check(&document, &[]);
    let index = read_text(&document).unwrap();
    assert_eq!(index.tags, [("latest".to_owned(), "1.0.0".to_owned())]);
    assert_eq!(index.modified.as_deref(), Some("2024-01-02T00:00:00.000Z"));
    assert_eq!(index.times.len(), 2);
    let listed = index.get("1.0.0").unwrap();
    let text = |place: &std::ops::Range<u32>| &document[place.start as usize..place.end as usize];
    assert_eq!(text(&listed.object), manifest);
    assert_eq!(listed.artifact.url, "https://registry.example/l.tgz");
    assert_eq!(listed.artifact.integrity.as_ref().unwrap().strongest(), Algorithm::Sha512);
    assert_eq!(listed.published, Some("2024-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!((listed.publisher.as_deref(), listed.deprecated.as_deref()), (Some("ann"), Some("old")));
    assert!(listed.install_hook && listed.provenance);
    let places: Vec<_> = listed.addresses.iter().map(|(place, address)| (text(place), *address)).collect();
    assert_eq!(
        places,
        [
            (r#""https://registry.example/a""#, Address::Attestations),
            (r#""https://registry.example/l.tgz""#, Address::Artifact)
        ]
    );
    let kept: Vec<_> = listed.kept.iter().map(|(number, _)| KEPT[usize::from(*number)]).collect();
    assert_eq!(kept, ["name", "version", "_npmUser", "deprecated", "dist"]);
    assert_eq!(
        index.passed.iter().map(|(key, place)| (key.as_str(), text(place))).collect::<Vec<_>>(),
        [("readme", "\"hi\"")]
    );
}

#[test]
fn a_document_that_is_no_packument_is_an_error() {
    for document in ["", "{", "null x", "{\"name\":}", "{\"name\":\"left-demo\"} {}"] {
        check(document, &["error: the document is not JSON"]);
    }
    for document in ["null", "[]", "[[1],{}]", "1", "-1", "1.5", "true", "\"left-demo\""] {
        check(document, &["error: the document is not an object"]);
    }
    for document in ["{}", r#"{"name":null}"#, r#"{"name":["left-demo"]}"#, r#"{"versions":{}}"#] {
        check(document, &["error: the document names no package"]);
    }
    check(r#"{"name":"right-demo","versions":{}}"#, &["error: the document is of another package"]);
    check(r#"{"name":"left-demo","name":"right-demo"}"#, &["error: the document is of another package"]);
    for versions in ["[]", "null", "\"1.0.0\"", "[{\"a\":1}]", "7"] {
        check(&format!(r#"{{"name":"left-demo","versions":{versions}}}"#), &["error: `versions` is not an object"]);
    }
    let error = read(&package("left-demo").unwrap(), b"{\"name\":\"left-demo\",\"readme\":\"\xff\"}").unwrap_err();
    assert_eq!(error.why, "the document is not UTF-8");
}

#[test]
fn a_package_without_releases_is_one() {
    check(r#"{"name":"left-demo"}"#, &[]);
    check(r#"{"name":"left-demo","versions":{}}"#, &[]);
    assert_eq!(read_text(r#"{"name":"left-demo"}"#).unwrap().releases.len(), 0);
}

#[test]
fn a_wrong_type_is_a_problem_of_its_release() {
    for other in ["\"x\"", "null", "[]", "1", "true"] {
        let document = packument(&format!(r#""1.0.0":{other}"#), "");
        check(&document, &["!1.0.0: its manifest is not an object"]);
        check(&release_with(&format!(r#""dist":{other}"#)), &["!1.0.0: its manifest has no `dist`"]);
    }
    check(&release_with(r#""a":1"#), &["!1.0.0: its manifest has no `dist`"]);
    for dist in ["{}", r#"{"tarball":null}"#, r#"{"tarball":["x"]}"#, r#"{"tarball":{"url":"x"}}"#] {
        check(&release_with(&format!(r#""dist":{dist}"#)), &["!1.0.0: its `dist.tarball` is not an address"]);
    }
    for user in ["1", "{}", r#"{"name":1}"#, r#""ann""#, r#"{"name":"\ud800"}"#] {
        check(&release_with(&format!(r#""_npmUser":{user},{DIST}"#)), &["1.0.0: its `_npmUser` names nobody"]);
    }
    check(&release_with(&format!(r#""_npmUser":null,"deprecated":true,"scripts":[],{DIST}"#)), &[]);
}

#[test]
fn tags_and_times_of_a_wrong_type_are_problems_of_the_document() {
    for other in ["\"x\"", "null", "[]", "1"] {
        check(&packument("", &format!(r#","time":{other}"#)), &["`time` is not an object"]);
        check(&packument("", &format!(r#","dist-tags":{other}"#)), &["`dist-tags` is not an object"]);
    }
    check(&packument("", r#","dist-tags":{"latest":1}"#), &["`latest` in `dist-tags` is not text"]);
    check(&packument("", r#","time":{"unpublished":{"name":"ann"},"1.0.0":1}"#), &["`1.0.0` in `time` is not text"]);
    let many: Vec<String> = (0..1_000).map(|at| format!(r#""{at}":1"#)).collect();
    let index = read_text(&packument("", &format!(r#","time":{{{}}}"#, many.join(",")))).unwrap();
    assert_eq!(index.problems.len(), Index::MAX_PROBLEMS);
}

#[test]
fn a_publish_time_that_is_none_is_a_problem() {
    let at =
        |time: &str| packument(&format!(r#""1.0.0":{}"#, manifest(DIST)), &format!(r#","time":{{"1.0.0":"{time}"}}"#));
    assert_eq!(only(&at("2024-01-01T00:00:00Z")).published, Some("2024-01-01T00:00:00Z".parse().unwrap()));
    for time in ["", "yesterday", "2024-01-01", "2024-13-01T00:00:00Z", "2024-01-01T00:00:00"] {
        check(&at(time), &["1.0.0: its publish time is not an RFC 3339 instant"]);
    }
    assert_eq!(only(&packument(&format!(r#""1.0.0":{}"#, manifest(DIST)), "")).published, None);
}

#[test]
fn a_member_that_is_there_twice_is_never_passed_on_unseen() {
    let good = manifest(DIST);
    check(
        &packument(&format!(r#""1.0.0":{good}"#), r#","readme":"","readme":"""#),
        &["the member `readme` is there twice"],
    );
    check(&packument(&format!(r#""1.0.0":{good}"#), r#","versions":{}"#), &["the member `versions` is there twice"]);
    check(
        &packument(&format!(r#""1.0.0":{good},"1.1.0":1,"1.0.0":{good}"#), ""),
        &["!1.0.0: the version is listed twice", "!1.1.0: its manifest is not an object"],
    );
    // The same version in other letters.
    check(&packument(&format!(r#""1.0.0":{good},"1.0.\u0030":{good}"#), ""), &["!1.0.0: the version is listed twice"]);
    check(&release_with(&format!("{DIST},{DIST}")), &["!1.0.0: a member of its manifest is there twice"]);
    check(&release_with(&format!(r#"{DIST},"d\u0069st":{{}}"#)), &["!1.0.0: a member of its manifest is there twice"]);
    check(
        &release_with(r#""dist":{"tarball":"https://a.example/","tarball":"https://b.example/"}"#),
        &["!1.0.0: a member of its `dist` is there twice"],
    );
    check(
        &release_with(r#""dist":{"tarball":"https://a.example/","attestations":{"url":"a","url":"b"}}"#),
        &["!1.0.0: a member of its `dist.attestations` is there twice"],
    );
    check(
        &packument("", r#","time":{"a":"b","a":"c"},"dist-tags":{"x":"1","x":"2"}"#),
        &["a member of `time` is there twice", "a member of `dist-tags` is there twice"],
    );
}

#[test]
fn of_equal_members_the_last_counts_as_in_javascript() {
    let document = packument(
        &format!(r#""1.0.0":{}"#, manifest(DIST)),
        r#","time":{"1.0.0":"2020-01-01T00:00:00Z","1.0.0":"2024-01-01T00:00:00Z"},"dist-tags":{"a":"1.0.0","b":"1.0.0","a":"2.0.0"},"x":1,"x":2"#,
    );
    let index = read_text(&document).unwrap();
    assert_eq!(index.releases[0].published, Some("2024-01-01T00:00:00Z".parse().unwrap()));
    let tags: Vec<_> = index.tags.iter().map(|(tag, version)| (tag.as_str(), version.as_str())).collect();
    assert_eq!(tags, [("a", "2.0.0"), ("b", "1.0.0")]);
    let [(key, place)] = &index.passed[..] else { panic!("{:?}", index.passed) };
    assert_eq!((key.as_str(), &document[place.start as usize..place.end as usize]), ("x", "2"));
    // A text that a later object hides is hidden here too.
    let hidden =
        packument(&format!(r#""1.0.0":{}"#, manifest(DIST)), r#","time":{"1.0.0":"2020-01-01T00:00:00Z","1.0.0":{}}"#);
    assert_eq!(only(&hidden).published, None);
}

#[test]
fn every_version_that_is_listed_twice_is_found_however_many_there_are() {
    let twice: Vec<String> = (0..100)
        .flat_map(|at| {
            let manifest = manifest(DIST).replace("1.0.0", &format!("1.0.{at}"));
            std::iter::repeat_n(format!(r#""1.0.{at}":{manifest}"#), 2)
        })
        .collect();
    let index = read_text(&packument(&twice.join(","), "")).unwrap();
    assert_eq!(index.releases.len(), 100);
    assert!(index.releases.iter().all(|listed| !listed.is_usable()));
}

#[test]
fn a_manifest_is_of_the_release_that_lists_it() {
    let with =
        |name: &str, version: &str| packument(&format!(r#""1.0.0":{{"name":{name},"version":{version},{DIST}}}"#), "");
    check(&with("\"left-demo\"", "\"1.0.0\""), &[]);
    for name in ["\"right-demo\"", "\"Left-demo\"", "\"\"", "null", "[]"] {
        check(&with(name, "\"1.0.0\""), &["!1.0.0: its manifest names another package"]);
    }
    for version in ["\"1.0.1\"", "\"1.0.0 \"", "1.0", "null"] {
        check(&with("\"left-demo\"", version), &["!1.0.0: its manifest names another version"]);
    }
    check(
        &packument(r#""1.0.0":{"a":{}}"#, ""),
        &[
            "!1.0.0: its manifest has no `dist`",
            "!1.0.0: its manifest names another package",
            "!1.0.0: its manifest names another version",
        ],
    );
}

#[test]
fn a_version_without_an_order_is_listed_and_told_of() {
    for version in ["", "1", "1.0", "1.0.0.0", "latest", "__proto__", "99999999999999999999.0.0"] {
        let document = release_with(DIST).replace("1.0.0", version);
        check(&document, &[&format!("{version}: its version does not follow SemVer, not even loosely")]);
        assert_eq!(only(&document).order, None);
    }
    let long = format!("1.0.0-{}", "a".repeat(300));
    check(
        &release_with(DIST).replace("1.0.0", &long),
        &[&format!("{long}: its version does not follow SemVer, not even loosely")],
    );
}

#[test]
fn an_integrity_is_read_or_told_of() {
    let dist =
        |members: &str| release_with(&format!(r#""dist":{{"tarball":"https://registry.example/a.tgz"{members}}}"#));
    let integrity = |members: &str| only(&dist(members)).artifact.integrity;
    assert_eq!(integrity(""), None);
    assert_eq!(integrity(&format!(r#","integrity":"{SHA512}""#)).unwrap().to_string(), SHA512);
    let sha1 = "2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
    assert_eq!(integrity(&format!(r#","integrity":"sha1-{sha1}""#)).unwrap().strongest(), Algorithm::Sha1);
    let both = integrity(&format!(r#","integrity":"sha1-{sha1} {SHA512}""#)).unwrap();
    assert_eq!(both.to_string(), SHA512, "the strongest decides");
    let shasum = integrity(r#","shasum":"da39a3ee5e6b4b0d3255bfef95601890afd80709""#).unwrap();
    assert_eq!(shasum.to_string(), format!("sha1-{sha1}"));
    for malformed in ["\"\"", "null", "1", "[]", "\"md5-AAAA\"", "\"sha512-AAAA\"", "\"sha512-%\"", "\"sha512\""] {
        check(
            &dist(&format!(r#","integrity":{malformed},"shasum":"da39a3ee5e6b4b0d3255bfef95601890afd80709""#)),
            &["1.0.0: its `dist.integrity` is not subresource integrity"],
        );
        assert_eq!(integrity(&format!(r#","integrity":{malformed}"#)), None);
    }
    for malformed in ["\"\"", "null", "\"zz\"", "\"da39\""] {
        check(&dist(&format!(r#","shasum":{malformed}"#)), &["1.0.0: its `dist.shasum` is not a SHA-1"]);
    }
}

#[test]
fn code_that_runs_at_install_cannot_hide() {
    let hook = |members: &str| only(&release_with(&format!("{members},{DIST}"))).install_hook;
    for members in [
        r#""scripts":{"preinstall":"x"}"#,
        r#""scripts":{"test":"y","install":"x"}"#,
        r#""scripts":{"postinstall":"x"}"#,
        r#""scripts":{"post\u0069nstall":"x"}"#,
        r#""scripts":{"postinstall":"x","postinstall":1}"#,
        // Texts that are no Unicode: `JSON.parse` takes them.
        r#""scripts":{"postinstall":"x\ud800"}"#,
        r#""scripts":{"\ud800":"y","postinstall":"x"}"#,
        r#""hasInstallScript":true"#,
        r#""hasInstallScript":1"#,
        r#""gypfile":true"#,
    ] {
        assert!(hook(members), "{members}");
    }
    for members in [
        r#""scripts":{}"#,
        r#""scripts":{"test":"x","prepare":"x","postinstall":"","install":1}"#,
        r#""scripts":"postinstall""#,
        r#""hasInstallScript":false,"gypfile":false"#,
        r#""hasInstallScript":null"#,
    ] {
        assert!(!hook(members), "{members}");
    }
    check(&release_with(&format!(r#""scripts":{{"\ud800":"x"}},{DIST}"#)), &["1.0.0: its `scripts` cannot be read"]);
}

#[test]
fn names_in_hostile_escapes_are_what_they_say() {
    let escaped = release_with(DIST).replace("left-demo\",", "l\\u0065ft-demo\",");
    assert!(escaped.contains("l\\u0065ft"));
    check(&escaped, &[]);
    let listed = only(&release_with(r#""dist":{"t\u0061rball":"https:\/\/registry.example\/a.tgz"}"#));
    assert_eq!(listed.artifact.url, "https://registry.example/a.tgz");
    // Half a surrogate pair is no text of ours.
    check(&packument("", r#","\ud800":1"#), &["error: the document is not JSON"]);
    check(&packument(r#""\ud800":{}"#, ""), &["error: the document is not JSON"]);
    check(
        &release_with(DIST).replace(r#"{"name":"left-demo","version""#, r#"{"n\u0061me":"left-demo","version""#),
        &["!1.0.0: its manifest begins with an escape"],
    );
}

#[test]
fn what_a_person_is_shown_of_a_key_is_short_and_on_one_line() {
    let key = format!("a\\n\\u001b[2J{}", "x".repeat(1_000));
    let index = read_text(&packument("", &format!(r#","time":{{"{key}":1}}"#))).unwrap();
    let [what] = whats(&index.problems)[..] else { panic!() };
    assert!(what.starts_with("`a\\n\\u{1b}[2Jx") && what.len() < 200, "{what}");
}

#[test]
fn depth_costs_nothing_and_breaks_nothing() {
    const DEEP: usize = 1_000_000;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(DEEP), close.repeat(DEEP));
        assert!(read_text(&deep).is_err());
        check(&packument("", &format!(r#","readme":{deep}"#)), &[]);
        check(
            &packument("", &format!(r#","time":{deep}"#)),
            match open {
                "[" => &["`time` is not an object"][..],
                _ => &["`a` in `time` is not text"][..],
            },
        );
        check(&release_with(&format!(r#""x":{deep},{DIST}"#)), &[]);
        check(&release_with(&format!(r#""scripts":{deep},{DIST}"#)), &[]);
        assert!(read_text(&packument(&format!(r#""1.0.0":{deep}"#), "")).is_ok());
        assert!(read_text(&packument(&format!(r#""1.0.0":{}"#, &deep[..DEEP]), "")).is_err());
    }
}

#[test]
fn there_are_limits() {
    let versions = |count: usize| (0..count).map(|at| format!(r#""{at}":1"#)).collect::<Vec<_>>().join(",");
    let most = read_text(&packument(&versions(Index::MAX_RELEASES), "")).unwrap();
    assert_eq!(most.releases.len(), Index::MAX_RELEASES);
    let above = packument(&versions(Index::MAX_RELEASES + 1), "");
    check(&above, &["error: it lists more than 100,000 releases"]);
    let members = versions(200_001);
    check(&format!("{{{members}}}"), &["error: an object in it has more than 200,000 members"]);
    check(
        &packument(&format!(r#""1.0.0":{{{members}}}"#), ""),
        &["error: an object in it has more than 200,000 members"],
    );
    check(&packument("", &format!(r#","time":{{{members}}}"#)), &["`time` is not an object"]);
    let long = "\u{fc}".repeat(10_000);
    let listed = only(&release_with(&format!(r#""deprecated":"{long}","_npmUser":{{"name":"{long}"}},{DIST}"#)));
    assert_eq!(listed.deprecated.unwrap().chars().count(), MAX_KEPT_TEXT);
    assert_eq!(listed.publisher.unwrap().chars().count(), MAX_KEPT_TEXT);
}

#[test]
fn restrictions_are_ours_alone_to_write() {
    let document = packument(
        "",
        r#","policyRestrictions":{"message":"pwned","versions":{}},"_rev":"1","_attachments":{},"modified":"x","_id":"left-demo""#,
    );
    let index = read_text(&document).unwrap();
    assert_eq!(index.passed.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["_rev", "_id"]);
    assert_eq!(index.modified.as_deref(), Some("x"));
}

#[test]
fn an_audit_asks_about_releases() {
    let check = |body: &str, expect: Result<&[&str], &str>| {
        let found = audited(body.as_bytes()).map_err(|error| error.why);
        let found = found.map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(
            found.as_ref().map(Vec::as_slice).map_err(|why| *why),
            expect
                .map(|list| { list.iter().map(|release| (*release).to_owned()).collect::<Vec<_>>() })
                .as_deref()
                .map_err(|why| *why),
            "{body}"
        );
    };
    let shape = Err("it is not an object of names with lists of versions");
    check("{}", Ok(&[]));
    check(r#"{"b":["2.0.0","1.0.0"],"@acme/left":["1.0.0"]}"#, Ok(&["@acme/left@1.0.0", "b@1.0.0", "b@2.0.0"]));
    check(r#"{"a":["1"],"a":["2","1"]}"#, Ok(&["a@1", "a@2"]));
    for body in ["", "[]", "null", r#"{"a":"1.0.0"}"#, r#"{"a":[1]}"#, r#"{"a":[[]]}"#, "{\"a\":[]", "{} {}"] {
        check(body, shape);
    }
    check(r#"{"../a":["1"]}"#, Err("no part of it may begin with `.` or `_`"));
    let many = format!(r#"{{"a":[{}"1"]}}"#, r#""1","#.repeat(MAX_AUDITED));
    check(&many, Err("it asks about more than 100,000 releases"));
    assert!(audited(b"{\"\xff\":[]}").is_err());
}
