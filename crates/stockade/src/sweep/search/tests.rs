use std::path::PathBuf;

use super::*;

fn indicators(all: impl IntoIterator<Item = What>) -> Indicators {
    let all = all.into_iter().map(|what| Indicator { what, source: String::new() });
    Indicators { all: all.collect(), unread: Vec::new() }
}

/// What is found in a file of this content: the indicator, the line, the offset and whether there is more.
#[expect(clippy::disallowed_methods, reason = "the test writes a file")]
fn found(all: impl IntoIterator<Item = What>, content: &[u8]) -> Vec<(String, Option<u64>, Option<u64>, bool)> {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("demo.bin");
    std::fs::write(&path, content).unwrap();
    let indicators = indicators(all);
    let matcher = Matcher::new(&indicators).unwrap();
    let mut searcher = Searcher::new(&matcher);
    searcher.file(&path);
    let swept = searcher.finish();
    assert_eq!((swept.unseen, swept.bytes), (Vec::new(), content.len() as u64));
    let told = swept.findings.into_iter();
    told.map(|finding| (finding.indicator.what.to_string(), finding.line, finding.offset, finding.more)).collect()
}

fn text(text: &str) -> What {
    What::text(text).unwrap()
}

#[test]
fn words_are_found_once_with_their_first_place() {
    let content = b"one\ntwo words\nthree words words\n";
    assert_eq!(
        found([text("words"), text("word"), text("none")], content),
        [("string:words".to_owned(), Some(2), Some(8), true), ("string:word".to_owned(), Some(2), Some(8), true),]
    );
    assert_eq!(found([text("words")], b"\0\0words"), [("string:words".to_owned(), None, Some(2), false)]);
}

#[test]
fn hosts_are_words_of_their_own() {
    let host = |name: &str, content: &str| found([What::host(name).unwrap()], content.as_bytes()).len();
    for content in
        ["evil.example", "https://evil.example/x", "a.evil.example:80", "'evil.example'.", "evil.example. And"]
    {
        assert_eq!(host("evil.example", content), 1, "{content}");
    }
    for content in ["devil.example", "evil.example.com", "evil.examples", "not-evil.example", "evil.example-x"] {
        assert_eq!(host("evil.example", content), 0, "{content}");
    }
    assert_eq!(["192.0.2.1", "x=192.0.2.1:80", "192.0.2.1."].map(|content| host("192.0.2.1", content)), [1, 1, 1]);
    assert_eq!(
        ["192.0.2.10", "1.192.0.2.1", "192.0.2.1.5", "1192.0.2.1"].map(|content| host("192.0.2.1", content)),
        [0; 4]
    );
}

#[test]
fn words_are_found_wherever_pieces_end() {
    let word = "evil.example";
    let longest = word.len() + AROUND;
    let piece = PIECE + longest;
    for start in piece - longest - 4..piece + 4 {
        let mut content = vec![b'\n'; piece + 100];
        content[start..start + word.len()].copy_from_slice(word.as_bytes());
        let expected = |kind: &str| [(format!("{kind}:{word}"), Some(start as u64 + 1), Some(start as u64), false)];
        assert_eq!(found([What::host(word).unwrap()], &content), expected("host"), "{start}");
        assert_eq!(found([text(word)], &content), expected("string"), "{start}");
        content[start - 1] = b'd';
        assert_eq!(found([What::host(word).unwrap()], &content), [], "{start}");
    }
}

#[test]
fn digests_are_of_the_whole_file_however_long() {
    let content = vec![7; 3 * PIECE + 5];
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&content));
    let empty = What::digest(None, "d41d8cd98f00b204e9800998ecf8427e").unwrap();
    let all = || [What::digest(None, &digest).unwrap(), empty.clone(), text("no such word")];
    assert_eq!(found(all(), &content), [(format!("sha256:{digest}"), None, None, false)]);
    assert_eq!(found(all(), b"").len(), 1, "the digest of nothing");
}

#[test]
fn names_are_ends_of_paths() {
    let file = |name: &str| found([What::file(name).unwrap()], b"").len();
    // Nothing but the name is looked at.
    let name = |pattern: &str, path: &str| {
        let indicators = indicators([What::file(pattern).unwrap()]);
        let matcher = Matcher::new(&indicators).unwrap();
        let mut searcher = Searcher::new(&matcher);
        searcher.file(Path::new(path));
        searcher.finish().findings.len()
    };
    assert_eq!(file("demo.bin"), 1);
    assert_eq!([name("a/b.js", "x/a/b.js"), name("a/b.js", "a/b.js"), name("a/b.js", "xa/b.js")], [1, 1, 0]);
    assert_eq!([name("*.node", "x/a.node"), name("a/*/c", "x/a/b/c"), name("a/*/c", "x/a/b/b/c")], [1, 1, 0]);
    assert_eq!(name("/tmp/run.sh", "image/tmp/run.sh"), 1);
}
