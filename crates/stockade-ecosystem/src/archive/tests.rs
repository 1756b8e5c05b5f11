//! Every trick is built here, byte by byte, with names and contents that do nothing.

mod build;
mod clients;
mod formats;
mod properties;
mod tar_tricks;
mod zip_tricks;

use super::*;
use build::{gz, tar};

/// What is in a tree: paths with their contents, and the details of its gaps.
fn check(tree: &Tree, files: &[(&str, &str)], gaps: &[&str]) {
    let content = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    let found: Vec<_> = tree.members.iter().map(|member| (member.path.clone(), content(&member.bytes))).collect();
    let expected: Vec<_> = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    assert_eq!(found, expected);
    assert_eq!(details(tree), gaps);
}

fn details(tree: &Tree) -> Vec<&str> {
    tree.gaps.iter().map(|gap| gap.detail.as_str()).collect()
}

#[test]
fn a_stream_of_several_parts_is_read_to_its_end() {
    let archive = tar(&[("package/a.js", b'0', "", b"1"), ("package/b.js", b'0', "", b"2")]);
    let (one, two) = archive.split_at(700);
    let tree = unpack(&[gz(one), gz(two)].concat().into(), Root::First);
    check(&tree, &[("a.js", "1"), ("b.js", "2")], &[]);
}

#[test]
fn what_follows_or_breaks_a_stream_is_said() {
    let archive = gz(&tar(&[("p/a.js", b'0', "", b"1")]));
    let padded = [archive.clone(), vec![0; 40]].concat();
    check(&unpack(&padded.into(), Root::First), &[("a.js", "1")], &[]);
    let followed = [archive.clone(), b"more".to_vec()].concat();
    check(&unpack(&followed.into(), Root::First), &[("a.js", "1")], &["4 bytes follow the end of its gzip stream"]);
    let mut wrong = archive.clone();
    let at = wrong.len() - 6;
    wrong[at] ^= 1;
    let tree = unpack(&wrong.into(), Root::First);
    assert_eq!(tree.members.len(), 1);
    assert!(details(&tree)[0].starts_with("its gzip stream is broken after 2048 bytes"), "{:?}", tree.gaps);
    let cut = unpack(&archive[..archive.len() / 2].to_vec().into(), Root::First);
    assert!(details(&cut).iter().any(|detail| detail.starts_with("its gzip stream is broken")), "{:?}", cut.gaps);
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let zeros = vec![0; RATIO_FLOOR + (1 << 20)];
    let bomb = gz(&tar(&[("p/a.bin", b'0', "", &zeros)]));
    let tree = unpack(&bomb.into(), Root::First);
    let expected = format!("it unpacks to more than {RATIO_FLOOR} bytes; the rest was not looked at");
    assert_eq!(details(&tree), [expected.as_str(), "the archive ends in the middle of an entry"]);
    let total: usize = tree.members.iter().map(|member| member.bytes.len()).sum();
    assert!(total <= RATIO_FLOOR);
}

#[test]
fn what_is_in_memory_already_leaves_less_for_what_it_unpacks_to() {
    let of = |held: usize| super::Budget::new(held).bytes;
    assert_eq!((of(0), of(MAX_HELD - MAX_UNPACKED)), (MAX_UNPACKED, MAX_UNPACKED));
    assert_eq!((of(MAX_HELD - 7), of(MAX_HELD), of(usize::MAX)), (7, 0, 0));
}

#[test]
fn what_a_stream_says_of_its_length_is_a_hint() {
    let archive = gz(&tar(&[("p/a.js", b'0', "", b"1")]));
    for length in [0_u32, 1, u32::MAX] {
        let mut lying = archive.clone();
        let at = lying.len() - 4;
        lying[at..].copy_from_slice(&length.to_le_bytes());
        let tree = unpack(&lying.into(), Root::First);
        assert_eq!(tree.members.len(), 1, "{length}");
        assert!(details(&tree)[0].starts_with("its gzip stream is broken after 2048 bytes"), "{:?}", tree.gaps);
    }
}

#[test]
fn files_of_a_compressed_archive_are_let_go_one_by_one() {
    let big = vec![b'x'; super::GIVEN_BACK + 1];
    let archive = gz(&tar(&[
        ("p/a", b'0', "", b"first"),
        ("p/b", b'0', "", b""),
        ("p/c", b'0', "", &big),
        ("p/d", b'0', "", b"last"),
    ]));
    let tree = unpack(&archive.into(), Root::First);
    let big = String::from_utf8(big).unwrap();
    check(&tree, &[("a", "first"), ("b", ""), ("c", &big), ("d", "last")], &[]);
    for member in tree.members {
        assert!(member.bytes.is_empty() || member.bytes.try_into_mut().is_ok(), "nobody else holds `{}`", member.path);
    }
}

#[test]
fn compressions_that_are_not_supported_are_named() {
    for (bytes, name) in [(&b"BZh91AY"[..], "bzip2"), (b"\xfd7zXZ\0\0", "xz"), (b"\x28\xb5\x2f\xfd\0", "zstd")] {
        let tree = unpack(&Bytes::copy_from_slice(bytes), Root::Common);
        check(&tree, &[], &[&format!("compression {name} is not supported, and nothing was looked at")]);
    }
    check(&unpack(&Bytes::from_static(b"text"), Root::Common), &[], &["it is no archive of a known kind"]);
    check(&unpack(&Bytes::new(), Root::Common), &[], &["it is no archive of a known kind"]);
}

#[test]
fn archives_in_archives_are_looked_into_twice() {
    let innermost = tar(&[("deepest.js", b'0', "", b"3")]);
    let inner = gz(&tar(&[("c.tar", b'0', "", &innermost), ("b.js", b'0', "", b"2")]));
    let middle = build::zip(&[build::Item::new("b.tgz", &inner)]);
    let outer = tar(&[("p/a.zip", b'0', "", &middle), ("p/x.gz", b'0', "", &gz(b"text"))]);
    let tree = unpack(&outer.into(), Root::First);
    let paths: Vec<_> = tree.members.iter().map(|member| member.path.as_str()).collect();
    let expected = ["a.zip", "x.gz", "a.zip!/b.tgz", "x.gz!/x", "a.zip!/b.tgz!/c.tar", "a.zip!/b.tgz!/b.js"];
    assert_eq!(paths, expected);
    assert_eq!(details(&tree), ["in `a.zip!/b.tgz!/c.tar`: it lies in 2 archives, and was not looked into"]);
}

#[test]
fn a_broken_archive_inside_is_a_gap_unless_it_is_test_data() {
    let broken = b"PK\x03\x04 and nothing that follows";
    let outer = tar(&[
        ("p/tests/a.zip", b'0', "", broken),
        ("p/lib/b.zip", b'0', "", broken),
        ("p/lib/c.zip", b'0', "", b"no archive at all"),
        ("p/lib/d.tar.xz", b'0', "", b"\xfd7zXZ\0\0"),
    ]);
    let tree = unpack(&outer.into(), Root::First);
    assert_eq!(tree.members.len(), 4);
    let expected = [
        "in `lib/b.zip`: it has no directory at its end, and none of it was read",
        "in `lib/d.tar.xz`: compression xz is not supported, and nothing was looked at",
    ];
    assert_eq!(details(&tree), expected);
}
