use super::*;
use crate::npm::NPM;

/// An index of these releases: versions with what was said of their publish times, `-` for nothing.
fn index(releases: &[(&str, &str)]) -> Index {
    let listed = |(version, published): &(&str, &str)| Listed {
        version: (*version).to_owned(),
        order: (NPM.version)(version).ok(),
        published: (*published != "-").then(|| published.parse().unwrap()),
        artifact: Artifact { url: format!("https://registry.example/x/file-{version}.tgz"), integrity: None },
        ..Listed::default()
    };
    let package = Package { ecosystem: NPM.id.clone(), name: (NPM.name)("left-demo").unwrap() };
    Index::new(package, releases.iter().map(listed).collect())
}

fn versions(versions: &[&str]) -> Index {
    index(&versions.iter().map(|version| (*version, "-")).collect::<Vec<_>>())
}

fn day(day: i64) -> String {
    let start: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
    (start + SignedDuration::from_hours(24 * day)).to_string()
}

/// An index of these versions, published on these days.
fn days(releases: &[(&str, i64)]) -> Index {
    let releases: Vec<_> = releases.iter().map(|(version, at)| (*version, day(*at))).collect();
    index(&releases.iter().map(|(version, at)| (*version, at.as_str())).collect::<Vec<_>>())
}

#[test]
fn a_release_is_found_by_its_version() {
    let index = versions(&["1.10.0", "1.9.0", "", "latest", "1.9.0-rc.1"]);
    for (at, listed) in index.releases.iter().enumerate() {
        assert_eq!(index.position(&listed.version), Some(at));
        assert_eq!(index.get(&listed.version).unwrap().version, listed.version);
    }
    for version in ["1.9", "1.9.0-rc.10", "zzz", "0"] {
        assert!(index.get(version).is_none(), "{version}");
    }
    assert!(versions(&[]).get("1.0.0").is_none());
}

#[test]
fn a_release_is_compared_with_lower_ones_those_of_its_line_first() {
    let index = versions(&["1.9.0", "2.0.0", "2.1.0-rc.1", "1.10.0", "2.1.0", "2.2.0", "0.3.0", "0.2.1", "0.2.0", "x"]);
    let before = |version: &str| {
        let positions = index.get(version).map_or_else(Vec::new, |subject| index.before(subject)).into_iter();
        positions.map(|at| index.releases[at].version.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(before("2.1.0"), ["2.0.0", "2.1.0-rc.1", "1.10.0", "1.9.0", "0.3.0", "0.2.1", "0.2.0"]);
    assert_eq!(before("2.0.0"), ["1.10.0", "1.9.0", "0.3.0", "0.2.1", "0.2.0"]);
    assert_eq!(before("0.3.0"), ["0.2.1", "0.2.0"]);
    assert_eq!(before("0.2.1"), ["0.2.0"]);
    assert!(before("0.2.0").is_empty() && before("x").is_empty());
}

#[test]
fn files_of_a_release_are_compared_with_their_like_first() {
    let file = |version: &str, form: &str| {
        let listed = versions(&[version]).releases.remove(0);
        Listed {
            file: Some(File { name: format!("{version}.{form}"), form: form.to_owned(), metadata: None }),
            ..listed
        }
    };
    let all = [
        ("1.0.0", "any"),
        ("1.0.0", "source"),
        ("1.1.0", "source"),
        ("1.1.0", "any"),
        ("1.1.0", "linux"),
        ("2.0.0", "any"),
    ];
    let index = Index::new(versions(&[]).package, all.iter().map(|(version, form)| file(version, form)).collect());
    let before = |subject: &Listed| {
        let named = |at: usize| index.releases[at].file.as_ref().unwrap().name.as_str();
        index.before(subject).into_iter().map(named).collect::<Vec<_>>()
    };
    let subject = file("1.2.0", "any");
    assert_eq!(before(&subject), ["1.1.0.any", "1.1.0.linux", "1.1.0.source", "1.0.0.any", "1.0.0.source"]);
    assert_eq!(before(&file("1.1.0", "source")), ["1.0.0.source", "1.0.0.any"]);
    assert_eq!(index.positions("1.1.0").collect::<Vec<_>>(), [2, 3, 4]);
    let release = index.release(&index.releases[3]);
    assert_eq!((release.file.as_deref(), index.position_of(&release)), (Some("1.1.0.any"), Some(3)));
    assert_eq!(index.position_of(&release.whole()), None);
}

#[test]
fn a_file_is_found_by_our_spelling_before_the_upstreams() {
    let mut releases = versions(&["1.0.0", "1.1.0", "1.2.0"]).releases;
    releases[0].artifact.url = "https://registry.example/x/ours-1.1.0".to_owned();
    releases[2].artifact.url = "https://registry.example/x/odd".to_owned();
    let index = Index::new(versions(&[]).package, releases);
    let check = |file: &str, expect: Option<&str>| {
        let found = index.by_file(file, |listed| format!("ours-{}", listed.version));
        assert_eq!(found.map(|listed| listed.version.as_str()), expect, "{file}");
    };
    check("ours-1.0.0", Some("1.0.0"));
    check("ours-1.1.0", Some("1.1.0"));
    check("file-1.1.0.tgz", Some("1.1.0"));
    check("odd", Some("1.2.0"));
    for file in ["", "ours-1.3.0", "file-1.0.0.tgz", "x", "ours-"] {
        check(file, None);
    }
}

#[test]
fn of_equal_files_the_first_in_the_document_is_meant() {
    let mut releases = versions(&["2.0.0", "1.0.0"]).releases;
    for listed in &mut releases {
        listed.artifact.url = "https://registry.example/same".to_owned();
    }
    let index = Index::new(versions(&[]).package, releases);
    assert_eq!(index.by_file("same", |_| String::new()).unwrap().version, "2.0.0");
}

#[test]
fn a_tag_moves_down_its_own_track() {
    let check = |all: &[&str], held: &[&str], tagged: &str, expect: Option<&str>| {
        let index = versions(all);
        let cleared: Vec<bool> = all.iter().map(|version| !held.contains(version)).collect();
        let repaired = index.repaired_tag(tagged, &cleared).map(|listed| listed.version.as_str());
        assert_eq!(repaired, expect, "{tagged} of {all:?} without {held:?}");
        let at = index.position(tagged);
        let in_bulk = at.and_then(|at| index.repaired_tags(&cleared)[at]);
        assert_eq!(in_bulk.map(|at| all[at]), expect, "{tagged} of {all:?} without {held:?}, in bulk");
    };
    let all = ["1.0.0", "1.2.0", "1.10.0", "2.0.0-beta.1", "2.0.0-beta.2", "2.0.0-rc.1", "2.0.0", "1.11.0"];
    check(&all, &[], "2.0.0", Some("2.0.0"));
    check(&all, &["1.11.0"], "1.11.0", Some("1.10.0"));
    check(&all, &["1.11.0", "1.10.0", "1.2.0"], "1.11.0", Some("1.0.0"));
    // Another major version is another product; a prerelease is never what `latest` meant.
    check(&all, &["2.0.0"], "2.0.0", None);
    check(&all, &["2.0.0-rc.1"], "2.0.0-rc.1", None);
    check(&all, &["2.0.0-beta.2"], "2.0.0-beta.2", Some("2.0.0-beta.1"));
    check(&all, &["1.0.0"], "1.0.0", None);
    check(&all, &["9.9.9"], "9.9.9", None);
    // `rc1` and `rc2` are one track, nightly builds without a word another.
    check(&["1.0.0-rc1", "1.0.0-rc2"], &["1.0.0-rc2"], "1.0.0-rc2", Some("1.0.0-rc1"));
    check(&["1.0.0-0", "1.0.0-rc2"], &["1.0.0-rc2"], "1.0.0-rc2", None);
    check(&["1.0.0-0", "1.0.0-7"], &["1.0.0-7"], "1.0.0-7", Some("1.0.0-0"));
    // Build metadata has no order: none of the three is below another, all are above 0.9.0's successor.
    let built = ["1.0.0", "1.1.0+a", "1.1.0", "1.1.0+b"];
    for tagged in &built[1..] {
        check(&built, &[tagged], tagged, Some("1.0.0"));
    }
    check(&["latest", "1.0.0"], &["latest"], "latest", None);
}

#[test]
fn a_tag_never_follows_the_time() {
    // 1.0.1 is a security fix for an old line that came out last.
    let index = days(&[("1.0.0", 1), ("1.1.0", 50), ("1.2.0", 60), ("1.0.1", 70)]);
    let repaired = index.repaired_tag("1.2.0", &[true, true, false, true]).unwrap();
    assert_eq!(repaired.version, "1.1.0");
}

#[test]
fn standings_that_are_too_few_clear_nothing() {
    let index = versions(&["1.0.0", "1.1.0"]);
    assert!(index.repaired_tag("1.1.0", &[]).is_none());
    assert_eq!(index.repaired_tags(&[]), [None, None]);
    assert!(index.highest(&[], |_| true).is_none());
    assert_eq!(index.repaired_tag("1.1.0", &[true]).unwrap().version, "1.0.0");
}

#[test]
fn the_highest_is_by_order_and_not_by_place() {
    let index = versions(&["1.9.0", "1.10.0", "2.0.0-rc.1", "0.1.0", "x"]);
    let highest = |cleared: &[bool], wanted: fn(&Version) -> bool| {
        index.highest(cleared, wanted).map(|listed| listed.version.as_str())
    };
    assert_eq!(highest(&[true; 5], |_| true), Some("2.0.0-rc.1"));
    assert_eq!(highest(&[true; 5], |order| !order.is_prerelease()), Some("1.10.0"));
    assert_eq!(highest(&[true, false, false, true, true], |_| true), Some("1.9.0"));
    assert_eq!(highest(&[false, false, false, false, true], |_| true), None);
}

#[test]
fn a_mirror_is_told_by_times_out_of_order() {
    let check = |releases: &[(&str, i64)], expect: bool| {
        assert_eq!(days(releases).mirror_clock, expect, "{releases:?}");
    };
    let tail = ("9.0.0", 400);
    let ordered = [("1.0.0", 1), ("1.0.1", 2), ("1.0.2", 3), ("1.0.3", 4), tail];
    check(&ordered, false);
    let inverted = [("1.0.0", 40), ("1.0.1", 30), ("1.0.2", 20), ("1.0.3", 10), tail];
    check(&inverted, true);
    // The order in the document does not count, only that of the versions.
    check(&[inverted[3], inverted[1], tail, inverted[0], inverted[2]], true);
    // Two are an accident.
    check(&[("1.0.0", 40), ("1.0.1", 30), ("1.0.2", 20), ("1.0.3", 21), tail], false);
    // So are three of sixteen.
    let mut many: Vec<(String, i64)> = (0..17).map(|patch| (format!("2.0.{patch}"), 50 + 2 * patch)).collect();
    for at in [2, 6, 10] {
        many[at].1 += 10;
    }
    many.push(("9.0.0".to_owned(), 400));
    check(&many.iter().map(|(version, at)| (version.as_str(), *at)).collect::<Vec<_>>(), false);
    // Backports come out late in their own line, and prereleases have no line.
    check(&[("1.0.0", 1), ("1.1.0", 2), ("1.2.0", 3), ("1.0.1", 50), ("1.1.1", 51), ("1.2.1", 52), tail], false);
    check(&[("1.0.1-a", 40), ("1.0.1-b", 30), ("1.0.1-c", 20), ("1.0.1-d", 10), tail], false);
    // Hours of slack, and no times at all.
    check(&[("1.0.0", 11), ("1.0.1", 10), ("1.0.2", 9), ("1.0.3", 8), tail], false);
    assert!(!versions(&["1.0.0", "1.0.1", "1.0.2", "1.0.3"]).mirror_clock);
}

#[test]
fn who_takes_a_package_over_cannot_make_its_clock_a_mirrors() {
    // All that they publish is younger than the settled past.
    let mut releases: Vec<(String, i64)> = (0..10).map(|patch| (format!("1.0.{patch}"), patch)).collect();
    releases.extend((0..20).map(|patch| (format!("2.0.{patch}"), 400 - patch)));
    assert!(!days(&releases.iter().map(|(version, at)| (version.as_str(), *at)).collect::<Vec<_>>()).mirror_clock);
}

#[test]
fn a_mirrors_time_is_bounded_by_later_releases_of_the_line() {
    let index = days(&[
        ("1.0.0", 90),
        ("1.0.1", 60),
        ("1.0.2", 30),
        ("1.0.3", 10),
        ("1.0.3+build", 5),
        ("1.0.4", 80),
        ("1.1.0", 1),
        ("1.0.9-rc.1", 2),
        ("9.0.0", 400),
    ]);
    assert!(index.mirror_clock);
    let check = |version: &str, at: i64, bounded_by: Option<&str>| {
        let bounded_by = bounded_by.map(str::to_owned);
        let expect = (day(at).parse().unwrap(), Clock::Mirror { bounded_by });
        assert_eq!(index.published(index.get(version).unwrap()), Some(expect), "{version}");
    };
    check("1.0.0", 5, Some("1.0.3+build"));
    check("1.0.2", 5, Some("1.0.3+build"));
    // Equal in the order: neither is later.
    check("1.0.3", 10, None);
    check("1.0.3+build", 5, None);
    // Other lines and prereleases say nothing.
    check("1.0.4", 80, None);
    check("1.1.0", 1, None);
    check("1.0.9-rc.1", 2, None);
}

#[test]
fn what_a_tag_names_inherits_no_age() {
    let mut index = days(&[("1.0.0", 90), ("1.0.1", 60), ("1.0.2", 30), ("1.0.4", 10), ("1.0.3", 399), ("9.0.0", 400)]);
    assert!(index.mirror_clock);
    index.tag(vec![("latest".to_owned(), "1.0.3".to_owned()), ("odd".to_owned(), "7.7.7".to_owned())]);
    let unbounded = Clock::Mirror { bounded_by: None };
    assert_eq!(index.published(index.get("1.0.3").unwrap()), Some((day(399).parse().unwrap(), unbounded)));
    let bounded = Clock::Mirror { bounded_by: Some("1.0.4".to_owned()) };
    assert_eq!(index.published(index.get("1.0.2").unwrap()), Some((day(10).parse().unwrap(), bounded)));
}

#[test]
fn a_registrys_time_is_taken_at_its_word() {
    let index = days(&[("1.0.0", 90), ("1.0.1", 60)]);
    let first = index.published(&index.releases[0]);
    assert_eq!(first, Some((day(90).parse().unwrap(), Clock::Registry)));
    let silent = versions(&["1.0.0"]);
    assert_eq!(silent.published(&silent.releases[0]), None);
}

#[test]
fn times_at_the_ends_of_the_calendar_do_no_harm() {
    for time in [Timestamp::MIN, Timestamp::MAX] {
        let time = time.to_string();
        let index = index(&[("1.0.0", &time), ("1.0.1", &time), ("1.0.2", "-")]);
        assert!(!index.mirror_clock);
    }
    let (min, max) = (Timestamp::MIN.to_string(), Timestamp::MAX.to_string());
    let index = index(&[("1.0.0", &max), ("1.0.1", &min), ("1.0.2", &max), ("1.0.3", &min)]);
    assert!(!index.mirror_clock);
}

#[test]
fn a_rope_is_what_was_put_into_it() {
    let document = b"0123456789";
    let mut rope = Rope::default();
    assert!(rope.is_empty() && rope.flatten(document).is_empty());
    rope.text("a");
    rope.text("");
    rope.text("b");
    rope.document(2..4);
    rope.document(4..4);
    rope.document(4..6);
    rope.json("x\"\\\n\u{1}\u{fc}");
    rope.document(9..9);
    rope.document(0..1);
    assert_eq!(String::from_utf8(rope.flatten(document)).unwrap(), "ab2345\"x\\\"\\\\\\n\\u0001\u{fc}\"0");
    assert_eq!(rope.len(), rope.flatten(document).len() as u64);
    assert_eq!(rope.pieces().len(), 4);
    assert!(rope.weight() >= "ab".len() + 4 * size_of::<Piece>());
}

#[test]
fn what_clients_would_choose_is_what_tags_name_or_the_newest_of_each_line() {
    let mut index = versions(&["1.9.0", "2.0.0", "1.10.0", "3.0.0-rc.1", "0.3.1", "0.3.0", "0.2.0", "2.0.1", "x"]);
    index.releases[7].deprecated = Some("yanked".to_owned());
    let first = |index: &Index| {
        let mut first: Vec<String> = index.first_choices().into_iter().map(str::to_owned).collect();
        first.sort();
        first.join(" ")
    };
    assert_eq!(first(&index), "0.2.0 0.3.1 1.10.0 2.0.0");
    index.tags = vec![("latest".to_owned(), "1.9.0".to_owned())];
    assert_eq!(first(&index), "1.9.0");
    assert_eq!(first(&versions(&[])), "");
}
