use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::{Fault, NOW, hours_before};

const NAME: &str = "org.acme:left-demo";

/// A project without a plugin: Maven resolves its parent and the versions that it imports, and is done. All that it asks
/// for is there.
struct Project(tempfile::TempDir);

impl Project {
    /// `parent` is a version or a range of them.
    fn new(registry: &MavenRegistry, parent: &str, imported: &str) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        let pom = format!(
            "<project><modelVersion>4.0.0</modelVersion>\
             <parent><groupId>org.acme</groupId><artifactId>left-demo</artifactId><version>{parent}</version><relativePath/></parent>\
             <artifactId>app</artifactId><version>1</version><packaging>pom</packaging>\
             <dependencyManagement><dependencies><dependency><groupId>org.acme</groupId><artifactId>bom</artifactId>\
             <version>{imported}</version><type>pom</type><scope>import</scope></dependency></dependencies></dependencyManagement>\
             </project>"
        );
        fs::write(project.path().join("pom.xml"), pom).unwrap();
        let mirror = format!(
            "<settings><mirrors><mirror><id>fake</id><mirrorOf>*</mirrorOf><url>{}</url></mirror></mirrors></settings>",
            registry.url()
        );
        fs::write(project.path().join("settings.xml"), mirror).unwrap();
        project
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// What the real Maven prints, and whether it was content.
    fn validate(&self) -> (bool, String) {
        let mut command = Command::new("mvn");
        command.args(["-B", "-N", "-C", "-s", "settings.xml", "-Dmaven.repo.local=local", "validate"]);
        let output = command.current_dir(self.path()).env("MAVEN_OPTS", super::JAVA_OPTIONS).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }
}

fn has_maven() -> bool {
    let asked = Command::new("mvn").arg("--version").stdout(Stdio::null()).status();
    let has = asked.is_ok_and(|status| status.success());
    if !has {
        crate::skipped("what Maven does: it is not installed");
    }
    has
}

fn deploy(registry: &MavenRegistry) {
    for version in ["1.0", "1.1", "2.0"] {
        registry.publish(&MavenRelease::new(NAME, version).only_pom().published(hours_before(NOW, 5)));
    }
    registry.publish(&MavenRelease::new("org.acme:bom", "3").only_pom());
}

fn get(registry: &MavenRegistry, path: &str) -> Response {
    registry.repository.respond(&Request { method: "GET".to_owned(), path: path.to_owned(), ..Request::default() })
}

#[test]
fn a_repository_has_the_shape_of_one() {
    let registry = MavenRegistry::start();
    deploy(&registry);
    registry.publish(&MavenRelease::new(NAME, "2.1-SNAPSHOT").published(NOW));
    let metadata = get(&registry, "/org/acme/left-demo/maven-metadata.xml");
    let expect = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata>\n  <groupId>org.acme</groupId>\n  \
        <artifactId>left-demo</artifactId>\n  <versioning>\n    <latest>2.1-SNAPSHOT</latest>\n    <release>2.0</release>\n    \
        <versions>\n      <version>1.0</version>\n      <version>1.1</version>\n      <version>2.0</version>\n      \
        <version>2.1-SNAPSHOT</version>\n    </versions>\n    <lastUpdated>20260601120000</lastUpdated>\n  </versioning>\n</metadata>\n";
    assert_eq!(String::from_utf8_lossy(&metadata.body), expect);
    let pom = get(&registry, "/org/acme/left-demo/1.1/left-demo-1.1.pom");
    assert_eq!(pom.value("last-modified"), Some("Mon, 01 Jun 2026 07:00:00 GMT"));
    let sum = get(&registry, "/org/acme/left-demo/1.1/left-demo-1.1.pom.sha1");
    assert_eq!(*sum.body, hex::encode(sha1::Sha1::digest(pom.body.as_slice())).into_bytes());
    for path in ["1.1/left-demo-1.1.jar", "1.1/left-demo-1.1.pom.sha256", "1.2/left-demo-1.2.pom", "1.1/", ""] {
        assert_eq!(get(&registry, &format!("/org/acme/left-demo/{path}")).status, 404, "{path}");
    }
}

#[test]
fn what_a_repository_has_can_be_changed() {
    let registry = MavenRegistry::start();
    let release = MavenRelease::new(NAME, "1.0").file("a/A.class", "x").attached("-sources.jar", "s").without_time();
    registry.publish(&release);
    let status = |path: &str| get(&registry, &format!("/org/acme/left-demo/{path}")).status;
    let jar = get(&registry, "/org/acme/left-demo/1.0/left-demo-1.0.jar");
    assert!(jar.body.starts_with(b"PK") && jar.value("last-modified").is_none());
    assert_eq!((status("1.0/left-demo-1.0-sources.jar"), status("1.0/left-demo-1.0-javadoc.jar")), (200, 404));
    registry.sums(&["sha512"]);
    assert_eq!((status("1.0/left-demo-1.0.jar.sha512"), status("1.0/left-demo-1.0.jar.sha1")), (200, 404));
    registry.remove("org/acme/left-demo/maven-metadata.xml");
    assert_eq!(status("maven-metadata.xml"), 404);
    registry.place("org/acme/left-demo/maven-metadata.xml", "<metadata/>");
    assert_eq!(status("maven-metadata.xml"), 200);
    registry.unpublish(NAME, "1.0");
    assert_eq!(status("1.0/left-demo-1.0.jar"), 404);
    registry.require_password("user", "pw");
    assert_eq!(status("maven-metadata.xml"), 401);
}

#[test]
fn the_real_maven_resolves_parents_ranges_and_imports() {
    if !has_maven() {
        return;
    }
    let registry = MavenRegistry::start_at("/maven2");
    deploy(&registry);
    let (content, said) = Project::new(&registry, "[1.0,2.0)", "3").validate();
    assert!(content, "{said}");
    assert_eq!(registry.count("/org/acme/left-demo/1.1/left-demo-1.1.pom"), 1, "{:?}", registry.requests());
    assert_eq!(registry.count("/org/acme/bom/3/bom-3.pom.sha1"), 1);
    assert_eq!(registry.count("/org/acme/left-demo/maven-metadata.xml.sha1"), 1);
}

#[test]
fn the_real_maven_minds_checksums_and_prints_the_reason_phrase() {
    if !has_maven() {
        return;
    }
    let registry = MavenRegistry::start();
    deploy(&registry);
    let project = Project::new(&registry, "1.0", "3");
    registry.place("org/acme/bom/3/bom-3.pom.sha1", "0".repeat(40));
    let (content, said) = project.validate();
    assert!(!content && said.contains("Checksum validation failed"), "{said}");
    registry.place("org/acme/bom/3/bom-3.pom.sha1", "");
    let refusal = b"HTTP/1.1 403 held by stockade\r\ncontent-length: 0\r\n\r\n".to_vec();
    registry.fault("/org/acme/bom/3/bom-3.pom", Fault::RawResponse(refusal));
    let (content, said) = project.validate();
    assert!(!content && said.contains("status: 403 held by stockade"), "{said}");
}
