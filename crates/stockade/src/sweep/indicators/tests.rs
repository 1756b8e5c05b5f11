use super::*;

fn told(line: &str) -> Result<String, String> {
    of_line(line).map(|what| what.to_string())
}

#[test]
fn a_line_is_what_it_looks_like() {
    let sha256 = "a".repeat(64);
    let lines = [
        (sha256.to_uppercase(), format!("sha256:{sha256}")),
        (format!("SHA-256:{sha256}"), format!("sha256:{sha256}")),
        ("d41d8cd98f00b204e9800998ecf8427e".to_owned(), "md5:d41d8cd98f00b204e9800998ecf8427e".to_owned()),
        (format!("sha1:{}", "b".repeat(40)), format!("sha1:{}", "b".repeat(40))),
        ("c".repeat(128), format!("sha512:{}", "c".repeat(128))),
        ("file:~/.cache\\bundle.js".to_owned(), "file:.cache/bundle.js".to_owned()),
        ("file:*.node".to_owned(), "file:*.node".to_owned()),
        ("pkg:npm/@acme/left@1.0.0".to_owned(), "pkg:npm/%40acme/left@1.0.0".to_owned()),
        ("pkg:maven/example.demo/left@1.0".to_owned(), "pkg:maven/example.demo/left@1.0".to_owned()),
        ("host:Evil[.]example".to_owned(), "host:evil.example".to_owned()),
        ("string: two words ".to_owned(), "string: two words ".to_owned()),
        (r#""a\tb #c""#.to_owned(), r"string:a\tb #c".to_owned()),
    ];
    for (line, expected) in lines {
        assert_eq!(told(&line), Ok(expected), "{line}");
    }
}

#[test]
fn a_line_that_is_nothing_is_an_error() {
    let short = format!("sha256:{}", "a".repeat(63));
    let bad = [
        "evil.example",
        "sha256:",
        "sha256:zz",
        &short,
        "deadbeef",
        "file:",
        "file:**",
        "file:../",
        "pkg:npm/left",
        "pkg:x/y@1",
        "pkg:npm",
        "host:evil",
        "host:a.b/c",
        "string:abc",
        "\"abc",
        "\"ab\"",
        "crc32:00000000",
        "note: this",
    ];
    for line in bad {
        assert!(told(line).is_err(), "{line}: {:?}", told(line));
    }
}
