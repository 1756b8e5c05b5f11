use super::*;

#[test]
fn a_file_is_listed_by_its_path_alone() {
    let package = package("org.acme:left").unwrap();
    let index = Index::new(package.clone(), Vec::new());
    let listed = Protocol.file(&index, "1.0/left-1.0-sources.jar").unwrap();
    assert_eq!((listed.version.as_str(), listed.artifact.url.as_str()), ("1.0", "1.0/left-1.0-sources.jar"));
    assert_eq!((&listed.artifact.integrity, listed.published, listed.install_hook), (&None, None, false));
    let file = listed.file.clone().unwrap();
    assert_eq!((file.name.as_str(), file.form.as_str()), ("1.0/left-1.0-sources.jar", "sources.jar"));
    assert_eq!(listed.order, version::parse("1.0").ok());
    let release = index.release(&listed);
    assert_eq!(Protocol.artifact_file(&release), file.name);
    assert_eq!(Protocol.artifact_file(&release.whole()), "1.0/left-1.0.jar");
    for file in [
        "",
        "1.0",
        "left-1.0.jar",
        "1.0/left-1.0.jar.sha1",
        "1.0/right-1.0.jar",
        "../left-...jar",
        "1.0/x/left-1.0.jar",
    ] {
        assert!(Protocol.file(&index, file).is_none(), "{file}");
    }
}

#[test]
fn a_release_is_as_old_as_its_build_description() {
    let package = package("org.acme:left").unwrap();
    let dated_by = |file| Protocol.dated_by(&package, file);
    assert_eq!(dated_by("1.0/left-1.0-linux.tar.gz").as_deref(), Some("1.0/left-1.0.pom"));
    assert_eq!(dated_by("1.0/left-1.0.pom").as_deref(), Some("1.0/left-1.0.pom"));
    // Whatever is behind a `#` would not be asked for, but the date of something else.
    assert_eq!(dated_by("1#a/left-1#a.jar").as_deref(), Some("1%23a/left-1%23a.pom"));
    assert_eq!(dated_by("1.0/right-1.0.pom"), None);
}

#[test]
fn an_advisory_finds_the_package_that_a_purl_names() {
    let purl: stockade_model::Purl = "pkg:maven/org.acme/left@1.0".parse().unwrap();
    assert_eq!(purl.package, package("org.acme:left").unwrap());
}

#[test]
fn a_file_that_changes_under_its_name_is_known() {
    let registry = MAVEN.registry.unwrap();
    for file in ["1.0-SNAPSHOT/left-1.0-SNAPSHOT.jar", "1.0-SNAPSHOT/left-1.0-SNAPSHOT-sources.jar.asc"] {
        assert!(registry.moving(file).is_some(), "{file}");
    }
    for file in ["1.0-SNAPSHOT/left-1.0-20260601.120000-1.jar", "1.0/left-1.0.jar", "1.0-SNAPSHOT", ""] {
        assert_eq!(registry.moving(file), None, "{file}");
    }
}
