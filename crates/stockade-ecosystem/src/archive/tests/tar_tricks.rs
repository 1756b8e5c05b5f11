use super::build::{Part, pax, seal, tar, tar_entry, tar_header};
use super::*;

/// What npm would unpack of these parts, and what is odd about it.
fn tarball(parts: &[Part<'_>], files: &[(&str, &str)], gaps: &[&str]) {
    check(&unpack(&tar(parts).into(), Root::First), files, gaps);
}

fn raw(entries: &[Vec<u8>], files: &[(&str, &str)], gaps: &[&str]) {
    let archive = [entries.concat(), vec![0; 1024]].concat();
    check(&unpack(&archive.into(), Root::First), files, gaps);
}

#[test]
fn the_first_folder_is_cut_off_whatever_it_is_called() {
    let parts: &[Part<'_>] =
        &[("package/a.js", b'0', "", b"1"), ("other/b.js", b'0', "", b"2"), ("top.js", b'0', "", b"3")];
    tarball(parts, &[("a.js", "1"), ("b.js", "2")], &[]);
    // Of `./package/a.js`, npm cuts off the `.`.
    tarball(&[("./package/a.js", b'0', "", b"1")], &[("package/a.js", "1")], &[]);
    let common = unpack(&tar(&[("./x-1/a.py", b'0', "", b"1"), ("x-1/b.py", b'0', "", b"2")]).into(), Root::Common);
    check(&common, &[("a.py", "1"), ("b.py", "2")], &[]);
    let none = unpack(&tar(&[("x-1/a.py", b'0', "", b"1"), ("b.py", b'0', "", b"2")]).into(), Root::Common);
    check(&none, &[("x-1/a.py", "1"), ("b.py", "2")], &[]);
}

#[test]
fn odd_names_are_repaired_and_said() {
    let cases: &[(&str, &str, &str)] = &[
        ("/p/a.js", "p/a.js", "the name `/p/a.js` is absolute"),
        ("p/../../a.js", "a.js", "the name `p/../../a.js` leads upwards"),
        ("p\\a.js", "a.js", "the name `p\\a.js` contains a backslash"),
        ("C:/p/a.js", "p/a.js", "the name `C:/p/a.js` begins with a drive"),
        ("p/a\x1b[2J.js", "a\u{fffd}[2J.js", "the name `p/a\u{fffd}[2J.js` contains control characters"),
    ];
    for (name, path, gap) in cases {
        tarball(&[(name, b'0', "", b"1")], &[(path, "1")], &[gap]);
    }
    let nul = tar_entry(&("x", b'x', "", &pax("path", "p/a.js\0.txt")));
    let entry = tar_entry(&("p/b.js", b'0', "", b"1"));
    raw(&[nul, entry], &[("a.js", "1")], &["the name `p/a.js\u{fffd}.txt` contains NUL"]);
}

#[test]
fn names_have_limits() {
    let deep = format!("p/{}x", "d/".repeat(70));
    let long = format!("p/{}", "x".repeat(2000));
    for name in [deep, long] {
        let header = tar_entry(&("x", b'x', "", &pax("path", &name)));
        let archive = [header, tar_entry(&("p/a.js", b'0', "", b"1")), vec![0; 1024]].concat();
        let tree = unpack(&archive.into(), Root::First);
        assert!(tree.members.is_empty());
        assert!(details(&tree)[0].ends_with("is too long or too deep, and its content was not looked at"));
        assert_eq!(tree.gaps[0].kind, stockade_model::GapKind::Limit);
    }
}

#[test]
fn links_inside_are_files_and_links_out_are_said() {
    let parts: &[Part<'_>] = &[
        ("p/a.js", b'0', "", b"1"),
        ("p/hard.js", b'1', "p/a.js", b""),
        ("p/lib/soft.js", b'2', "../a.js", b""),
        ("p/chain.js", b'2', "lib/soft.js", b""),
        ("p/loop.js", b'2', "loop.js", b""),
        ("p/nothing.js", b'2', "nothing", b""),
    ];
    tarball(parts, &[("a.js", "1"), ("hard.js", "1"), ("lib/soft.js", "1"), ("chain.js", "1")], &[]);
    for (kind, target) in [(b'2', "../../x"), (b'2', "/etc/x"), (b'2', "C:\\x"), (b'1', "p/../../x")] {
        tarball(&[("p/a.js", kind, target, b"")], &[], &["`a.js` is a link that leaves the package"]);
    }
    tarball(
        &[("p/lib", b'2', "src", b""), ("p/lib/a.js", b'0', "", b"1")],
        &[("lib/a.js", "1")],
        &["`lib` is a link and a folder"],
    );
    tarball(
        &[("p/a.js", b'0', "", b"1"), ("p/b.js", b'1', "p/a.js", b"2")],
        &[("a.js", "1"), ("b.js", "1")],
        &["`p/b.js` is a link with content, which extractors read differently"],
    );
}

#[test]
fn devices_and_unknown_kinds_are_said() {
    for kind in [b'3', b'4', b'6'] {
        tarball(&[("p/a", kind, "", b"")], &[], &["`p/a` is a device or a pipe"]);
    }
    tarball(
        &[("p/a.js", b'Z', "", b"1")],
        &[("a.js", "1")],
        &["`p/a.js` is of a kind that extractors treat differently"],
    );
    tarball(
        &[("p/a", b'S', "", b"1")],
        &[("a", "1")],
        &["`p/a` is stored with holes; what it unpacks to was not looked at"],
    );
}

#[test]
fn the_last_of_two_files_is_the_one() {
    let gap = "`a.js` is in it twice; only the last one was looked at";
    tarball(&[("p/a.js", b'0', "", b"1"), ("q/a.js", b'0', "", b"2")], &[("a.js", "2")], &[gap]);
    tarball(&[("p/a.js", b'0', "", b"1"), ("p/./a.js", b'0', "", b"1")], &[("a.js", "1")], &[]);
    tarball(
        &[("p/a.js", b'0', "", b"1"), ("p/A.js", b'0', "", b"2")],
        &[("a.js", "1"), ("A.js", "2")],
        &["`a.js` and `A.js` are the same file on some systems"],
    );
    tarball(
        &[("p/README.md", b'0', "", b"1"), ("p/readme.md", b'0', "", b"2")],
        &[("README.md", "1"), ("readme.md", "2")],
        &[],
    );
    tarball(
        &[("p/a", b'0', "", b"1"), ("p/a/b.js", b'0', "", b"2")],
        &[("a", "1"), ("a/b.js", "2")],
        &["`a` is a file and a folder"],
    );
}

#[test]
fn a_wrong_checksum_skips_a_header_as_npm_does() {
    let mut bad = tar_header("p/a.js", b'0', "", 0);
    bad[150] ^= 1;
    let good = tar_entry(&("p/b.js", b'0', "", b"2"));
    let first = tar_entry(&("p/c.js", b'0', "", b"3"));
    let gap = "the header at byte 1024 has a wrong checksum, and is skipped";
    raw(&[first, bad.to_vec(), good], &[("c.js", "3"), ("b.js", "2")], &[gap]);
}

#[test]
fn extractors_that_stop_early_or_late_see_others() {
    let one = tar_entry(&("p/a.js", b'0', "", b"1"));
    let two = tar_entry(&("p/b.js", b'0', "", b"2"));
    let mark = vec![0; 512];
    raw(
        &[one.clone(), mark.clone(), two.clone()],
        &[("a.js", "1"), ("b.js", "2")],
        &["entries follow the archive's end mark, where some extractors stop"],
    );
    raw(&[one.clone(), mark.clone(), mark, two], &[("a.js", "1")], &["2048 bytes follow the archive's last entry"]);
    let cut = [one, tar_header("p/b.js", b'0', "", 5000).to_vec(), b"2".to_vec()].concat();
    let gaps = &["the archive ends in the middle of an entry"];
    check(&unpack(&cut.into(), Root::First), &[("a.js", "1"), ("b.js", "2")], gaps);
}

#[test]
fn a_size_that_is_stated_twice_is_said() {
    let header = tar_entry(&("x", b'x', "", &pax("size", "512")));
    let mut hidden = tar_header("p/a.js", b'0', "", 0).to_vec();
    hidden.extend(tar_entry(&("p/b.js", b'0', "", b"")));
    // An empty field in the header leaves the number to the extended header: that is what it is for.
    raw(&[header, hidden.clone()], &[("a.js", &String::from_utf8_lossy(&hidden[512..]))], &[]);
    let header = tar_entry(&("x", b'x', "", &pax("size", "2")));
    raw(
        &[header, tar_entry(&("p/a.js", b'0', "", b"123"))],
        &[("a.js", "12")],
        &["`p/a.js` has two sizes, 3 and 2, which extractors read differently"],
    );
    let header = tar_entry(&("x", b'x', "", &pax("size", "9x")));
    raw(
        &[header, tar_entry(&("p/a.js", b'0', "", b"1"))],
        &[("a.js", "1")],
        &["an extended header states a size that is no number"],
    );
    let mut odd = tar_header("p/a.js", b'0', "", 0);
    odd[124..135].fill(b'z');
    seal(&mut odd);
    raw(&[odd.to_vec()], &[], &["the size of `p/a.js` is no number; what follows was not read"]);
    tarball(
        &[("p/lib/", b'5', "", b"1")],
        &[],
        &[
            "`p/lib/` is a folder with content, which extractors read differently",
            "the header at byte 512 has a wrong checksum, and is skipped",
        ],
    );
}

#[test]
fn headers_for_all_that_follows_are_said_if_they_name_it() {
    let harmless = tar_entry(&("g", b'g', "", &pax("comment", "0123456789")));
    raw(&[harmless, tar_entry(&("p/a.js", b'0', "", b"1"))], &[("a.js", "1")], &[]);
    let naming = tar_entry(&("g", b'g', "", &pax("path", "p/b.js")));
    raw(
        &[naming, tar_entry(&("p/a.js", b'0', "", b"1"))],
        &[("b.js", "1")],
        &["a header names every entry that follows it, which extractors read differently"],
    );
    let sized = tar_entry(&("x", b'x', "", &pax("size", "1")));
    let long = tar_entry(&("x", b'L', "", b"p/c.js\0"));
    raw(
        &[sized, long, tar_entry(&("p/a.js", b'0', "", b"1"))],
        &[("c.js", "1")],
        &["a header stands between an entry and the header that states its size"],
    );
    let holes = tar_entry(&("x", b'x', "", &pax("GNU.sparse.major", "1")));
    raw(
        &[holes, tar_entry(&("p/a.js", b'0', "", b"1"))],
        &[("a.js", "1")],
        &["`p/a.js` is stored with holes; what it unpacks to was not looked at"],
    );
}

#[test]
fn long_names_are_read_in_every_form() {
    let long = format!("package/{}/a.js", "folder".repeat(30));
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_size(1);
    header.set_mode(0o755);
    builder.append_data(&mut header, &long, &b"1"[..]).unwrap();
    let mut header = ::tar::Header::new_ustar();
    header.set_size(1);
    header.set_mode(0o644);
    builder.append_data(&mut header, format!("package/{}/b.js", "d".repeat(95)), &b"2"[..]).unwrap();
    builder.append_pax_extensions([("path", long.replace("a.js", "c.js").as_bytes())]).unwrap();
    let mut header = ::tar::Header::new_ustar();
    header.set_size(1);
    builder.append_data(&mut header, "short", &b"3"[..]).unwrap();
    let tree = unpack(&builder.into_inner().unwrap().into(), Root::First);
    let folder = "folder".repeat(30);
    let expected = [format!("{folder}/a.js"), format!("{}/b.js", "d".repeat(95)), format!("{folder}/c.js")];
    check(&tree, &[(&expected[0], "1"), (&expected[1], "2"), (&expected[2], "3")], &[]);
    assert_eq!(tree.members.iter().map(|member| member.executable).collect::<Vec<_>>(), [true, false, false]);
}
