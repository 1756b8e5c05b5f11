//! Every replay, built on small releases that fit it: the corpora are where they are, and not with whoever runs the tests.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::build::{self, Real};
use super::pack::{Format, Member};
use super::spec::{self, Edit, LAST_TECHNIQUE, Replay};
use super::{java, release};

/// Rows of the catalogue of incidents.
const ROWS: std::ops::RangeInclusive<u8> = 1..=81;
/// The row whose technique nobody published.
const UNKNOWN: u8 = 53;
/// Incidents that are replayed at least.
const LEAST: usize = 66;
/// Replays of an ecosystem at least.
const LEAST_OF: [(&str, usize); 4] = [("npm", 40), ("pypi", 14), ("crates", 6), ("maven", 6)];

#[test]
fn most_rows_of_the_catalogue_are_replayed_and_every_technique_is() {
    let replays = replays();
    let incidents: BTreeSet<u8> = replays.iter().map(|replay| replay.incident).collect();
    assert!(incidents.len() >= LEAST, "{}", incidents.len());
    assert!(incidents.iter().all(|incident| ROWS.contains(incident) && *incident != UNKNOWN));
    let techniques: BTreeSet<u8> = replays.iter().flat_map(|replay| replay.classes.iter().copied()).collect();
    assert_eq!(techniques.into_iter().collect::<Vec<_>>(), (1..=LAST_TECHNIQUE).collect::<Vec<_>>());
    for (ecosystem, least) in LEAST_OF {
        let count = replays.iter().filter(|replay| replay.ecosystem == ecosystem).count();
        assert!(count >= least, "{ecosystem}: {count}");
    }
    let hosts: BTreeSet<_> = replays.iter().map(|replay| (&replay.ecosystem, &replay.host)).collect();
    assert_eq!(hosts.len(), replays.len(), "two replays have one host");
}

#[test]
fn every_replay_is_built_the_same_twice_and_is_not_what_it_was() {
    let with_java = java::is_there();
    for replay in replays() {
        let is_java = replay.edits.iter().any(|edit| edit.java.is_some());
        if is_java && !with_java {
            continue;
        }
        let real = small(&replay);
        let built = build::host(&replay, &real).unwrap_or_else(|error| panic!("{}: {error:#}", replay.key));
        // The compiler is not ours, and takes its time.
        assert!(is_java || built == build::host(&replay, &real).unwrap(), "{}", replay.key);
        assert_eq!(built.version, release::raised(&real.version));
        assert_ne!(Sha256::digest(&built.bytes), Sha256::digest(&real.bytes), "{}", replay.key);
        no_place_is_left(&replay, &built.bytes);
        if let Some(dependency) = &replay.dependency {
            let both = build::dependency(&replay, dependency);
            let both = both.unwrap_or_else(|error| panic!("{}: {error:#}", replay.key));
            assert_eq!(both, build::dependency(&replay, dependency).unwrap());
            assert_ne!(both[0].bytes, both[1].bytes);
            no_place_is_left(&replay, &both[1].bytes);
        }
    }
}

fn no_place_is_left(replay: &Replay, archive: &[u8]) {
    for member in Format::of(archive).unwrap().read(archive).unwrap() {
        let text = String::from_utf8_lossy(&member.bytes);
        let left = replay.pieces.iter().find(|piece| text.contains(&format!("{{{{{}}}}}", piece.name)));
        assert!(left.is_none(), "{}: {}", replay.key, member.path);
    }
}

#[test]
fn classes_are_the_same_twice() {
    let replays = replays();
    let replay = replays.iter().find(|replay| replay.edits.iter().any(|edit| edit.java.is_some())).unwrap();
    if java::is_there() {
        let real = small(replay);
        assert_eq!(build::host(replay, &real).unwrap(), build::host(replay, &real).unwrap());
    }
}

#[test]
fn every_piece_is_used() {
    for replay in replays() {
        let text = std::fs::read_to_string(path(&replay)).unwrap();
        for piece in &replay.pieces {
            let (place, blob) = (format!("{{{{{}}}}}", piece.name), format!("blob = \"{}\"", piece.name));
            assert!(text.contains(&place) || text.contains(&blob), "{}: `{}` is not used", replay.key, piece.name);
        }
    }
}

/// What a replay would reach if somebody ran it: nothing.
#[test]
fn addresses_are_those_that_lead_nowhere() {
    let allowed = |host: &str| {
        let host = host.split([':', '/']).next().unwrap_or_default();
        let documents = ["192.0.2.", "198.51.100.", "203.0.113.", "127.0.0.1", "localhost"];
        // What every machine of a cloud asks for its own names, and the address of a page in what a class said before.
        let known = ["169.254.169.254", "metadata.google.internal", "github.com"];
        known.contains(&host)
            || host.ends_with(".invalid")
            || host.ends_with(".example")
            || documents.iter().any(|each| host.starts_with(each))
    };
    for replay in replays() {
        let text = std::fs::read_to_string(path(&replay)).unwrap();
        for (_, rest) in text.match_indices("://").map(|(at, _)| text.split_at(at + 3)) {
            let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
            let host = &rest[..rest.find(|c| !is_host(c)).unwrap_or(rest.len())];
            assert!(host.is_empty() || allowed(host), "{}: {host}", replay.key);
        }
    }
}

/// Every replay; what is generated for it is small here, since only its size differs.
fn replays() -> Vec<Replay> {
    let mut replays = spec::all().unwrap();
    let pieces = replays.iter_mut().flat_map(|replay| &mut replay.pieces);
    pieces.for_each(|piece| piece.kilobytes = piece.kilobytes.min(4));
    replays
}

fn path(replay: &Replay) -> std::path::PathBuf {
    crate::root().join("lab/src/eval/hijacks/replays").join(format!("{}.toml", replay.key))
}

/// A release that has what the edits of a replay name, and hardly anything else.
fn small(replay: &Replay) -> Real {
    let kind = replay.kind();
    let root = match kind {
        "tarball" => "package/",
        "crate" | "sdist" => "a-1.2.3/",
        _ => "",
    };
    let mut members: Vec<Member> = Vec::new();
    for (path, text) in manifests(kind) {
        members.push(Member::file(format!("{root}{path}"), *text));
    }
    for edit in replay.edits.iter().filter(|edit| edit.add.is_none() && edit.blob.is_none() && edit.java.is_none()) {
        let path = format!("{root}{}", edit.path);
        let anchors = anchors(edit);
        match members.iter_mut().find(|member| member.path == path) {
            Some(member) => member.bytes.extend(anchors.bytes()),
            None => members.push(Member::file(path, if edit.set.is_empty() { anchors } else { "{}".to_owned() })),
        }
    }
    let (file, format) = match kind {
        "wheel" => ("a-1.2.3-py3-none-any.whl", Format::Zip),
        "jar" => ("a-1.2.3.jar", Format::Zip),
        "crate" => ("a-1.2.3.crate", Format::Tar),
        "sdist" => ("a-1.2.3.tar.gz", Format::Tar),
        _ => ("a-1.2.3.tgz", Format::Tar),
    };
    Real { version: "1.2.3".to_owned(), file: file.to_owned(), bytes: format.write(&members).unwrap() }
}

fn anchors(edit: &Edit) -> String {
    let anchors = [&edit.after, &edit.before, &edit.replace].into_iter().flatten();
    anchors.flat_map(|anchor| [anchor.as_str(), "\n"]).collect()
}

fn manifests(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind {
        "tarball" => &[("package.json", "{\"name\": \"a\", \"version\": \"1.2.3\"}")],
        "crate" => &[("Cargo.toml", "[package]\nname = \"a\"\nversion = \"1.2.3\"\n")],
        "sdist" => &[("PKG-INFO", "Name: a\nVersion: 1.2.3\n")],
        "wheel" => &[("a-1.2.3.dist-info/METADATA", "Name: a\nVersion: 1.2.3\n\n"), ("a-1.2.3.dist-info/RECORD", "")],
        _ => &[("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n\r\n")],
    }
}
