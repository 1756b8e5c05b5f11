use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use super::*;
use crate::Registry as _;
use crate::pypi::Protocol;

const TYPE: &str = "multipart/form-data; boundary=b";

fn sdist(metadata: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for path in ["left_demo-1.0/PKG-INFO", "left_demo-1.0/left_demo.egg-info/PKG-INFO"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(metadata.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, metadata.as_bytes()).unwrap();
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(&tar.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}

const METADATA: &str = "Metadata-Version: 2.1\nName: Left.Demo\nVersion: 1.0\nRequires-Python: >=3.8\n\nName: other\n";

fn form(fields: &[(&str, &str)], file: &str, bytes: &[u8]) -> Bytes {
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend_from_slice(
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").as_bytes(),
        );
    }
    let head = format!("--b\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{file}\"\r\n\r\n");
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--b--\r\n");
    body.into()
}

const FIELDS: [(&str, &str); 4] =
    [(":action", "file_upload"), ("protocol_version", "1"), ("name", "left-demo"), ("version", "1.0.0")];

fn upload(
    change: impl FnOnce(&mut Vec<(&'static str, &'static str)>),
    file: &str,
    bytes: &[u8],
) -> Result<Vec<Change>, Malformed> {
    let mut fields = FIELDS.to_vec();
    change(&mut fields);
    PyPi.changes(&Request { method: "POST", path: "/legacy/", accept: "" }, TYPE, &form(&fields, file, bytes))
}

#[test]
fn an_upload_is_a_file_with_its_metadata() {
    let made = upload(|_| {}, "left_demo-1.0.tar.gz", &sdist(METADATA)).unwrap();
    let [Change::Publish(publication)] = made.as_slice() else { panic!("{made:?}") };
    let release = package("left-demo").unwrap().release("1.0").with_file("left_demo-1.0.tar.gz".to_owned());
    assert_eq!((&publication.release, publication.entry.as_str()), (&release, r#"{"requires-python":">=3.8"}"#));
    // twine and uv send the fields in different orders.
    let reversed = upload(|fields| fields.reverse(), "left_demo-1.0.tar.gz", &sdist(METADATA)).unwrap();
    assert_eq!(reversed, made);
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let bytes = sdist(METADATA);
    let file = "left_demo-1.0.tar.gz";
    let why = |at: usize, value: &'static str| upload(|fields| fields[at].1 = value, file, &bytes).unwrap_err().why;
    assert_eq!(why(0, "submit"), "it is none of the kind that twine and uv make");
    assert_eq!(why(1, "2"), "it is none of the kind that twine and uv make");
    assert_eq!(why(2, "right"), "the name of the file is none of this project");
    assert_eq!(why(3, "1.1"), "the name of the file has another version");
    assert_eq!(why(3, "one"), "it does not follow PEP 440");
    let named = |file: &str, bytes: &[u8]| upload(|_| {}, file, bytes).unwrap_err().why;
    assert_eq!(
        named("left_demo-1.0.exe", &bytes),
        "only wheels and source distributions (`.tar.gz`, `.zip`) are taken in here"
    );
    assert_eq!(named("../left_demo-1.0.tar.gz", &bytes), "the name of the file is none of this project");
    assert_eq!(named(file, b"none"), "there are no metadata in the file");
    let other = "the metadata in the file name another project or version";
    assert_eq!(named(file, &sdist("Name: right\nVersion: 1.0\n")), other);
    assert_eq!(named(file, &sdist("Name: left-demo\nVersion: 2.0\n")), other);
    assert_eq!(named(file, &sdist("Name: left-demo\n\nVersion: 1.0\n")), "there are no metadata in the file");
    let attested = upload(|fields| fields.push(("attestations", "[]")), file, &bytes);
    assert_eq!(attested.unwrap_err().why, "attestations are not taken in here");
    let digest = upload(|fields| fields.push(("sha256_digest", "xyz")), file, &bytes);
    assert_eq!(digest.unwrap_err().why, "its SHA-256 is none");
}

#[test]
fn what_is_hosted_is_a_page() {
    let left = package("left-demo").unwrap();
    let file = |version: &str, name: &str, discouraged: Option<&str>| HostedFile {
        release: left.release(version).with_file(name.to_owned()),
        digests: vec![Digest::of(b"x")],
        size: 1,
        at: Timestamp::from_second(1_800_000_000).unwrap(),
        by: "alice".to_owned(),
        entry: r#"{"requires-python":">=3.8"}"#.to_owned(),
        discouraged: discouraged.map(str::to_owned),
    };
    let files = vec![
        file("1.0", "left_demo-1.0.tar.gz", None),
        file("1.0", "left_demo-1.0-py3-none-any.whl", None),
        file("1.1", "left_demo-1.1-py3-none-any.whl", Some("use 1.0")),
    ];
    let page = PyPi.index(&left, &Hosted { revision: "7".to_owned(), files, tags: Vec::new() });
    let index = Protocol.index(&left, &page).unwrap();
    assert_eq!(
        (index.problems.as_slice(), index.versions.as_slice()),
        (&[][..], &["1.0".to_owned(), "1.1".to_owned()][..])
    );
    for listed in &index.releases {
        assert!(listed.is_usable() && listed.problems.is_empty() && listed.published.is_some(), "{listed:?}");
        assert_eq!(listed.requires.as_deref(), Some(">=3.8"));
    }
    assert_eq!(index.releases[2].deprecated.as_deref(), Some("use 1.0"));
}
