use proptest::prelude::*;

use super::*;
use crate::cargo::package;

const CKSUM: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn read(document: impl AsRef<[u8]>) -> Result<Index, Malformed> {
    super::read(&package("left-demo").unwrap(), document.as_ref())
}

fn line_of(name: &str, version: &str, more: &str) -> String {
    format!(
        "{{\"name\":\"{name}\",\"vers\":\"{version}\",\"deps\":[],\"cksum\":\"{CKSUM}\",\"features\":{{}}{more}}}\n"
    )
}

fn line(version: &str, more: &str) -> String {
    line_of("left-demo", version, more)
}

/// The one release of a document that has one line.
fn only(document: impl AsRef<[u8]>) -> Listed {
    let mut releases = read(document).unwrap().releases;
    assert_eq!(releases.len(), 1);
    releases.remove(0)
}

fn problems(listed: &Listed) -> Vec<&str> {
    listed.problems.iter().map(|problem| problem.what.as_str()).collect()
}

#[test]
fn a_line_is_a_release() {
    let more = ",\"features2\":{\"b\":[\"dep:c\"]},\"yanked\":false,\"links\":null,\"rust_version\":\"1.60\",\"v\":2,\
        \"pubtime\":\"2026-05-29T11:00:00Z\",\"later\":[1e999]";
    let document = line("1.0.0", "") + &line("1.1.0+b", more);
    let index = read(&document).unwrap();
    assert!(index.problems.is_empty() && !index.mirror_clock);
    let [first, second] = index.releases.as_slice() else { panic!("{index:?}") };
    assert_eq!((first.version.as_str(), second.version.as_str()), ("1.0.0", "1.1.0+b"));
    assert!(first.order < second.order && first.is_usable() && second.is_usable());
    assert_eq!((first.published, second.published), (None, "2026-05-29T11:00:00Z".parse().ok()));
    assert_eq!(second.artifact.integrity.as_ref().unwrap().strongest(), Algorithm::Sha256);
    assert_eq!(second.artifact.url, "left-demo/1.1.0+b/download");
    assert!(!second.install_hook && second.deprecated.is_none() && second.problems.is_empty());
    let place = second.object.start as usize..second.object.end as usize;
    assert_eq!(document[place], line("1.1.0+b", more));
}

#[test]
fn what_is_yanked_or_linked_is_said() {
    let listed = only(line("1.0.0", ",\"yanked\":true,\"links\":\"z\""));
    assert_eq!(listed.deprecated.as_deref(), Some("yanked"));
    assert!(listed.install_hook, "cargo takes `links` only with a build script");
    for more in ["", ",\"yanked\":false", ",\"yanked\":null"] {
        assert_eq!(only(line("1.0.0", more)).deprecated, None);
    }
}

#[test]
fn the_case_of_a_name_is_the_registrys() {
    let listed = only(line_of("Left-Demo", "1.0.0", ""));
    assert!(listed.is_usable());
    assert_eq!(spelling(&listed.artifact), "Left-Demo");
    let index = read(line_of("Left-Demo", "1.0.0", "") + &line("1.1.0", "")).unwrap();
    assert_eq!(index.releases.iter().map(Listed::is_usable).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn a_line_of_another_crate_is_not_passed_on() {
    for name in ["left_demo", "right", "", "left-demo ", "left-demo\\u0000", "../left-demo", "left-dem\\u006f2"] {
        let listed = only(line_of(name, "1.0.0", ""));
        assert_eq!(problems(&listed), ["its line names another crate"], "{name}");
        assert!(!listed.is_usable());
    }
    assert!(only(line_of("left-dem\\u006f", "1.0.0", "")).is_usable(), "an escape is only another way to write it");
}

#[test]
fn a_digest_has_to_be_there() {
    let without = line("1.0.0", "").replace("cksum", "sum");
    let short = line("1.0.0", "").replace(CKSUM, &CKSUM[2..]);
    let number = line("1.0.0", "").replace(&format!("\"{CKSUM}\""), "1");
    let weak = line("1.0.0", "").replace(CKSUM, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    for document in [without, short, number, weak] {
        assert_eq!(problems(&only(document)), ["its `cksum` is not a SHA-256"]);
    }
}

#[test]
fn only_the_form_that_cargo_reads_is_a_time() {
    let at = |stated: &str| only(line("1.0.0", &format!(",\"pubtime\":{stated}")));
    assert!(at("\"2026-05-29T11:00:00Z\"").published.is_some());
    assert!(at("null").problems.is_empty());
    for stated in [
        "\"2026-05-29T11:00:00.5Z\"",
        "\"2026-05-29T11:00:00+00:00\"",
        "\"2026-05-29 11:00:00Z\"",
        "\"2026-05-29t11:00:00z\"",
        "\"2026-02-30T11:00:00Z\"",
        "\"2026-05-29T25:00:00Z\"",
        "\"+026-05-29T11:00:00Z\"",
        "\"\"",
        "0",
        "{}",
    ] {
        let listed = at(stated);
        assert_eq!(listed.published, None, "{stated}");
        assert_eq!(problems(&listed), ["its `pubtime` is not an instant of the form `YYYY-MM-DDThh:mm:ssZ`"]);
        assert!(listed.is_usable(), "its place in a lockfile does not depend on its time");
    }
}

#[test]
fn what_two_readers_could_read_in_two_ways_is_not_passed_on() {
    for more in [
        ",\"yanked\":false,\"yanked\":true",
        ",\"cksum\":\"0\"",
        ",\"vers\":\"2.0.0\"",
        ",\"pubtime\":null,\"pubt\\u0069me\":null",
        ",\"unknown\":1,\"unknown\":1",
    ] {
        let listed = only(line("1.0.0", more));
        assert_eq!(problems(&listed), ["a member of its line is there twice"], "{more}");
        assert!(!listed.is_usable());
    }
    for yanked in ["\"true\"", "1", "[]"] {
        let listed = only(line("1.0.0", &format!(",\"yanked\":{yanked}")));
        assert_eq!(problems(&listed), ["its `yanked` is neither true nor false"]);
        assert!(!listed.is_usable());
    }
}

#[test]
fn a_version_is_listed_once_whatever_its_build_metadata_is() {
    let versions = ["1.0.0", "1.1.0+a", "1.0.0", "1.1.0", "1.1.0+a", "1.2.0"];
    let index = read(versions.map(|version| line(version, "")).concat()).unwrap();
    let found: Vec<_> = index.releases.iter().map(|listed| (listed.version.as_str(), listed.is_usable())).collect();
    assert_eq!(found, [("1.0.0", false), ("1.1.0+a", false), ("1.1.0", false), ("1.2.0", true)]);
}

#[test]
fn what_is_no_line_is_a_problem_of_the_whole() {
    let good = line("1.0.0", "");
    let bad = [
        &good[..good.len() / 2],
        "[1]",
        "\u{feff}{\"name\":\"left-demo\",\"vers\":\"1.2.0\"}",
        "{\"name\":\"left-demo\"}",
        "{\"name\":\"left-demo\",\"vers\":1}",
        "{\"name\":\"left-demo\",\"vers\":\"1.0\"}",
        &(line("1.3.0", "").trim_end().to_owned() + "{}"),
    ];
    let mut document = good.clone().into_bytes();
    for line in bad {
        document.extend_from_slice(line.as_bytes());
        document.push(b'\n');
    }
    document.extend_from_slice(b"{\"name\":\"\xff\"}\n");
    let index = read(&document).unwrap();
    assert_eq!(index.releases.len(), 1);
    let problems: Vec<&str> = index.problems.iter().map(|problem| problem.what.as_str()).collect();
    insta::assert_snapshot!(problems.join("\n"), @r"
    line 2 is not JSON
    line 3 is not an object
    line 4 is not JSON
    line 5 names no version
    line 6 names no version
    line 7 has a version that does not follow SemVer
    line 8 is not JSON
    line 9 is not UTF-8
    ");
}

#[test]
fn a_document_without_a_release_is_none() {
    for document in ["", "\n\n", "<html>\n<body>\n", "null", "{}", "\0\0\0\0"] {
        assert!(read(document).is_err(), "{document:?}");
    }
    let deep = format!("{{\"vers\":\"1.0.0\",\"deps\":{}", "[".repeat(100_000));
    assert!(read(deep).is_err());
}

#[test]
fn what_is_kept_has_a_limit() {
    let long = line("1.0.0", "") + &line("1.1.0", &format!(",\"x\":\"{}\"", "x".repeat(MAX_LINE)));
    let index = read(long).unwrap();
    assert_eq!((index.releases.len(), index.problems[0].what.as_str()), (1, "line 2 is longer than 4 MiB"));
    let many = "{\"vers\":\"1.0.0\"}\n".repeat(Index::MAX_RELEASES + 1);
    assert!(read(many).is_err());
    let problems = line("1.0.0", "") + &"x\n".repeat(10 * Index::MAX_PROBLEMS);
    assert_eq!(read(problems).unwrap().problems.len(), Index::MAX_PROBLEMS);
}

proptest! {
    #[test]
    fn reading_is_total(document in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(document);
    }

    #[test]
    fn every_piece_of_a_document_can_be_read(cut in 0_usize..600, more in "[ -~]{0,40}") {
        let whole = line("1.0.0", ",\"yanked\":false") + &line("1.1.0", ",\"links\":\"\u{e4}\"") + &more;
        let cut = whole.as_bytes().get(..cut).unwrap_or(whole.as_bytes());
        for listed in read(cut).map(|index| index.releases).unwrap_or_default() {
            prop_assert!(listed.object.start < listed.object.end && listed.object.end as usize <= cut.len());
            for (_, place) in &listed.kept {
                prop_assert!(listed.object.start <= place.start && place.end <= listed.object.end);
            }
        }
    }
}
