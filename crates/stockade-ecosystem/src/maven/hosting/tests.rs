use super::*;
use crate::Registry as _;
use crate::hosting::HostedFile;
use crate::maven::{Protocol, package};

fn put(path: &str, body: &str) -> Result<Vec<Change>, Malformed> {
    Maven.changes(&Request { method: "PUT", path, accept: "" }, "", &Bytes::copy_from_slice(body.as_bytes()))
}

fn left() -> Package {
    package("org.acme:left").unwrap()
}

const POM: &str =
    "<project><parent><groupId>other</groupId></parent><artifactId>left</artifactId><version>1.0</version></project>";

#[test]
fn a_deployment_is_files_and_checksums() {
    let made = put("/org/acme/left/1.0/left-1.0.jar", "bytes").unwrap();
    let [Change::Publish(publication)] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!(publication.release, left().release("1.0").with_file("1.0/left-1.0.jar".to_owned()));
    let claim = put("/org/acme/left/1.0/left-1.0.jar.sha1", &format!("{}  left-1.0.jar\n", "ab".repeat(20))).unwrap();
    let [Change::Claim { release, claimed }] = claim.as_slice() else { panic!("{claim:?}") };
    assert_eq!((release, claimed.strongest()), (&publication.release, Algorithm::Sha1));
    assert_eq!(put("/org/acme/left/1.0/left-1.0.jar.md5", "x").unwrap(), []);
    for metadata in ["/org/acme/left/maven-metadata.xml", "/org/acme/left/1.0-SNAPSHOT/maven-metadata.xml.sha1"] {
        assert_eq!(put(metadata, "whatever").unwrap(), []);
    }
    assert!(put("/org/acme/left/1.0/left-1.0.pom", POM).is_ok());
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let why = |path: &str, body: &str| put(path, body).unwrap_err().why;
    assert_eq!(why("/org/acme/left/1.0/left-1.0.jar.sha1", "x"), "the checksum is none");
    let moving = "its files are to have names that do not change; deploy it with Maven 3 or later";
    assert_eq!(why("/org/acme/left/1.0-SNAPSHOT/left-1.0-SNAPSHOT.jar", ""), moving);
    let other = "the build description names another artifact or version";
    assert_eq!(why("/org/acme/left/1.1/left-1.1.pom", POM), other);
    assert_eq!(why("/org/acme/right/1.0/right-1.0.pom", POM), other);
    assert_eq!(why("/org/acme/left/1.0/left-1.0.pom", "<project><groupId>org.other</groupId></project>"), other);
    assert!(put("/org/acme/left/1.0/left-1.0.pom", "<!DOCTYPE x [<!ENTITY a \"b\">]><project/>").is_err());
    assert!(put("/org/acme/left/1.0/right-1.0.jar", "").is_err());
}

fn file(version: &str, name: &str, minute: i64) -> HostedFile {
    HostedFile {
        release: left().release(version).with_file(format!("{version}/{name}")),
        digests: vec![Digest::of(b"x")],
        size: 1,
        at: Timestamp::from_second(1_800_000_000 + minute * 60).unwrap(),
        by: "alice".to_owned(),
        entry: String::new(),
        discouraged: None,
    }
}

#[test]
fn what_is_hosted_is_metadata() {
    let files = vec![
        file("1.10", "left-1.10.pom", 0),
        file("1.10", "left-1.10.jar", 1),
        file("1.9", "left-1.9.pom", 2),
        file("2.0-SNAPSHOT", "left-2.0-20260601.120000-1.pom", 3),
        file("2.0-SNAPSHOT", "left-2.0-20260601.120000-1-sources.jar", 4),
        file("2.0-SNAPSHOT", "left-2.0-20260602.130000-2.pom", 5),
    ];
    let hosted = Hosted { revision: "7".to_owned(), files, tags: Vec::new() };
    let document = Maven.index(&left(), &hosted);
    insta::assert_snapshot!(String::from_utf8(document.clone()).unwrap(), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <metadata modelVersion="1.1.0"><groupId>org.acme</groupId><artifactId>left</artifactId><versioning><latest>2.0-SNAPSHOT</latest><release>1.10</release><versions><version>1.9</version><version>1.10</version><version>2.0-SNAPSHOT</version></versions><lastUpdated>20270115080500</lastUpdated></versioning></metadata>
    "#);
    let index = Protocol.index(&left(), &document).unwrap();
    assert_eq!(index.problems, []);
    assert_eq!(index.releases.len(), 3);
    let snapshot = Maven.fact(&left().release("2.0-SNAPSHOT"), "", &hosted).unwrap();
    insta::assert_snapshot!(String::from_utf8(snapshot).unwrap(), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <metadata modelVersion="1.1.0"><groupId>org.acme</groupId><artifactId>left</artifactId><version>2.0-SNAPSHOT</version><versioning><snapshot><timestamp>20260602.130000</timestamp><buildNumber>2</buildNumber></snapshot><lastUpdated>20270115080500</lastUpdated><snapshotVersions><snapshotVersion><extension>pom</extension><value>2.0-20260602.130000-2</value><updated>20270115080500</updated></snapshotVersion><snapshotVersion><classifier>sources</classifier><extension>jar</extension><value>2.0-20260601.120000-1</value><updated>20270115080400</updated></snapshotVersion></snapshotVersions></versioning></metadata>
    "#);
    assert_eq!(Maven.fact(&left().release("3.0-SNAPSHOT"), "", &hosted), None);
    assert_eq!(Maven.fact(&left().release("1.9"), "", &hosted), None);
}
