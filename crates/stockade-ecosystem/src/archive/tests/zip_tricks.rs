use super::build::{Item, deflated, end, zip};
use super::*;

fn wheel(items: &[Item<'_>], files: &[(&str, &str)], gaps: &[&str]) {
    check(&unpack(&zip(items).into(), Root::Nothing), files, gaps);
}

#[test]
fn entries_are_read_in_every_form() {
    let stored = Item { mode: 0o100_755, ..Item::new("a.py", b"1") };
    let deflated = Item { deflate: true, ..Item::new("b.py", b"2222222222222") };
    let described = Item { deflate: true, flags: 8, ..Item::new("c.py", b"3") };
    let wide = Item { wide: true, ..Item::new("d.py", b"4") };
    let folder = Item::new("lib/", b"");
    let items = [stored, deflated, described, wide, folder];
    wheel(&items, &[("a.py", "1"), ("b.py", "2222222222222"), ("c.py", "3"), ("d.py", "4")], &[]);
    let tree = unpack(&zip(&items).into(), Root::Nothing);
    assert_eq!(tree.members.iter().map(|member| member.executable).collect::<Vec<_>>(), [true, false, false, false]);
    check(&unpack(&zip(&[]).into(), Root::Nothing), &[], &[]);
}

#[test]
fn the_two_headers_of_an_entry_agree_or_it_is_said() {
    let item = || Item::new("a.py", b"1");
    let cases = [
        (Item { local_name: Some("b.py"), ..item() }, "name"),
        (Item { local_method: Some(8), ..item() }, "compression"),
        (Item { local_size: Some(7), ..item() }, "size"),
    ];
    for (item, what) in cases {
        let gap = format!("`a.py` has another {what} in the archive's directory than at its content");
        wheel(&[item], &[("a.py", "1")], &[&gap]);
    }
}

#[test]
fn content_that_is_not_as_stated_is_said() {
    let wrong = Item { checksum: Some(7), ..Item::new("a.py", b"1") };
    wheel(&[wrong], &[("a.py", "1")], &["`a.py` does not have the checksum that the archive says"]);
    let short = Item { size: Some(1), deflate: true, ..Item::new("a.py", b"123") };
    wheel(&[short], &[("a.py", "123")], &["`a.py` has 3 bytes, where the archive says 1"]);
    let broken = Item { method: Some(8), ..Item::new("a.py", b"\xff\xff\xff\xff") };
    let tree = unpack(&zip(&[broken]).into(), Root::Nothing);
    assert!(details(&tree)[0].starts_with("`a.py` cannot be unpacked"), "{:?}", tree.gaps);
    let padded = [deflated(b"1"), b"hidden".to_vec()].concat();
    let padded = Item { method: Some(8), ..Item::new("a.py", &padded) };
    let tree = unpack(&zip(&[padded]).into(), Root::Nothing);
    assert_eq!(details(&tree)[0], "`a.py` is shorter than the archive says");
}

#[test]
fn what_cannot_be_read_is_said() {
    let encrypted = Item { flags: 1, ..Item::new("a.py", b"1") };
    wheel(&[encrypted], &[], &["`a.py` is encrypted, and was not looked at"]);
    let zstd = Item { method: Some(93), ..Item::new("a.py", b"1") };
    wheel(&[zstd], &[], &["compression 93 of `a.py` is not supported, and it was not looked at"]);
    let folder = Item::new("lib/", b"1");
    wheel(&[folder], &[], &["`lib/` is a folder with content, which was not looked at"]);
    let link = Item { mode: 0o120_777, ..Item::new("a.py", b"../../etc/x") };
    wheel(&[link], &[("a.py", "../../etc/x")], &["`a.py` is a link that leaves the package"]);
    let inside = Item { mode: 0o120_777, ..Item::new("lib/a.py", b"../b.py") };
    wheel(&[inside], &[("lib/a.py", "../b.py")], &[]);
}

#[test]
fn entries_that_only_one_half_has_are_said() {
    let hidden = Item { hidden: true, ..Item::new("b.py", b"2") };
    wheel(
        &[Item::new("a.py", b"1"), hidden],
        &[("a.py", "1")],
        &["an entry at byte 35 or behind it is not in the archive's directory"],
    );
    let mut archive = zip(&[Item::new("a.py", b"1"), Item::new("b.py", b"2")]);
    archive[0] = b'X';
    let tree = unpack_zip(&archive);
    assert_eq!(details(&tree)[0], "`a.py` is only in the archive's directory");
    let mut archive = zip(&[Item::new("a.py", b"1")]);
    let count = archive.len() - 12;
    archive[count] = 7;
    check(
        &unpack(&archive.into(), Root::Nothing),
        &[("a.py", "1")],
        &["the archive's directory has 1 entries, where its end says 7"],
    );
}

/// Opens as a wheel, which is a zip whatever it begins with.
fn unpack_zip(bytes: &[u8]) -> Tree {
    let mut gaps = Gaps::default();
    let entries = contents("a.zip", &Bytes::copy_from_slice(bytes), &mut Budget::new(0), &mut gaps);
    let members = place::place(&entries.unwrap_or_default(), Root::Nothing, &mut gaps);
    Tree { members, gaps: gaps.into_vec(), ..Tree::default() }
}

#[test]
fn names_are_repaired_and_said_as_in_any_archive() {
    wheel(&[Item::new("../a.py", b"1")], &[("a.py", "1")], &["the name `../a.py` leads upwards"]);
    wheel(&[Item::new("lib\\a.py", b"1")], &[("lib/a.py", "1")], &["the name `lib\\a.py` contains a backslash"]);
    wheel(&[Item::new("a.py\0.txt", b"1")], &[("a.py", "1")], &["the name `a.py\u{fffd}.txt` contains NUL"]);
    let twice = [Item::new("a.py", b"1"), Item::new("a.py", b"2")];
    wheel(&twice, &[("a.py", "2")], &["`a.py` is in it twice; only the last one was looked at"]);
    let second = [&0x7075_u16.to_le_bytes()[..], &[9, 0, 1, 0, 0, 0, 0], b"b.py"].concat();
    let renamed = Item { extra: second, ..Item::new("a.py", b"1") };
    let gap = "`a.py` has a second name, and extractors differ in which one they use";
    wheel(&[renamed], &[("a.py", "1")], &[gap]);
}

#[test]
fn entries_that_overlap_are_said() {
    let mut archive = zip(&[Item::new("a.py", b"1"), Item::new("a.py", b"1")]);
    let start = archive.len() - 22 - 50;
    archive[start + 42..start + 46].fill(0);
    let tree = unpack(&archive.into(), Root::Nothing);
    assert!(details(&tree).contains(&"entries of the archive overlap"), "{:?}", tree.gaps);
}

#[test]
fn what_stands_around_the_archive_is_said() {
    let archive = zip(&[Item::new("a.py", b"1")]);
    let followed = [archive.clone(), b"more".to_vec()].concat();
    check(&unpack(&followed.into(), Root::Nothing), &[("a.py", "1")], &["data follows the end of the archive"]);
    let before = [b"#!/bin/sh\n".to_vec(), archive.clone()].concat();
    check(&unpack_zip(&before), &[("a.py", "1")], &["10 bytes stand before the archive"]);
    check(&unpack(&before.into(), Root::Nothing), &[], &["it is no archive of a known kind"]);
    let cut = &archive[..archive.len() - 30];
    let gap = "it has no directory at its end, and none of it was read";
    check(&unpack(&Bytes::copy_from_slice(cut), Root::Nothing), &[], &[gap]);
}

#[test]
fn a_second_directory_in_the_comment_is_said() {
    let one = zip(&[Item::new("a.py", b"1")]);
    let directory = one.len() - 22;
    let start = directory - 50;
    let inner = end(1, 50, start, b"");
    let archive = [one[..directory].to_vec(), end(0, 0, 0, &inner)].concat();
    let tree = unpack(&archive.into(), Root::Nothing);
    assert!(
        details(&tree).contains(&"it has two directories, and extractors differ in which one they read"),
        "{:?}",
        tree.gaps
    );
}

#[test]
fn a_zip_that_is_stored_in_a_zip_is_no_trick() {
    let inner = zip(&[Item::new("a.py", b"1")]);
    let outer = [Item::new("lib/x.zip", &inner), Item::new("b.py", b"2")];
    let tree = unpack(&zip(&outer).into(), Root::Nothing);
    let paths: Vec<_> = tree.members.iter().map(|member| member.path.as_str()).collect();
    assert_eq!(paths, ["lib/x.zip", "b.py", "lib/x.zip!/a.py"]);
    assert_eq!(details(&tree), Vec::<&str>::new());
}

#[test]
fn a_zip_of_bombs_ends_at_the_limit() {
    let zeros = vec![0; RATIO_FLOOR / 2];
    let bomb = Item { deflate: true, ..Item::new("a.bin", &zeros) };
    let items = [bomb.clone(), Item { name: "b.bin", ..bomb.clone() }, Item { name: "c.bin", ..bomb }];
    let tree = unpack(&zip(&items).into(), Root::Nothing);
    assert_eq!(tree.members.len(), 2);
    assert_eq!(details(&tree), ["`c.bin` unpacks to more than 0 bytes, and was not looked at"]);
}
