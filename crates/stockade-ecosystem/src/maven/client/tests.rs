use std::io::{Cursor, Write as _};

use super::*;

const PRINTED: &str = "\x1b[0mApache Maven 3.8.7\nMaven home: /usr/share/maven\nJava version: 17.0.15, vendor: Debian\n\
    [DEBUG] Reading global settings from /usr/share/maven/conf/settings.xml\n\
    [DEBUG] Reading user settings from /h/.m2/settings.xml\n{abc=}\n";
const USERS: &str = "/h/.m2/settings.xml";

fn printed() -> Vec<String> {
    vec![PRINTED.to_owned()]
}

/// A jar with a built-in repository, as the installed Maven has one.
fn jar(url: &str) -> Configured {
    let pom = format!(
        "<project><repositories><repository><id>central</id><url>{url}</url></repository></repositories>\
         <pluginRepositories><pluginRepository><id>central</id><url>https://no.example/</url></pluginRepository></pluginRepositories></project>"
    );
    ("/usr/share/maven/lib/maven-model-builder-3.x.jar".to_owned(), zipped(SUPER_POM, pom.as_bytes()))
}

/// A zip archive with one file that is stored as it is.
fn zipped(name: &str, content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let (length, size) = (u16::try_from(name.len()).unwrap(), u32::try_from(content.len()).unwrap());
    let mut common = Vec::new();
    for part in
        [&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..], &crc.sum().to_le_bytes(), &size.to_le_bytes(), &size.to_le_bytes()]
    {
        common.write_all(part).unwrap();
    }
    common.extend([length.to_le_bytes(), [0, 0]].concat());
    let mut zip = Cursor::new(Vec::new());
    for part in [&b"PK\x03\x04"[..], &common, name.as_bytes(), content] {
        zip.write_all(part).unwrap();
    }
    let start = u32::try_from(zip.position()).unwrap();
    for part in [&b"PK\x01\x02\x14\0"[..], &common, &[0; 14], name.as_bytes()] {
        zip.write_all(part).unwrap();
    }
    let end = u32::try_from(zip.position()).unwrap();
    for part in [&b"PK\x05\x06\0\0\0\0\x01\0\x01\0"[..], &(end - start).to_le_bytes(), &start.to_le_bytes(), &[0, 0]] {
        zip.write_all(part).unwrap();
    }
    zip.into_inner()
}

fn with(user: &str, stated: &Stated) -> Result<ClientConfig, Problem> {
    let files = [(USERS.to_owned(), user.as_bytes().to_vec()), jar("https://central.example/maven2")];
    let env = |name: &str| (name == "TOKEN").then(|| "t&<".to_owned());
    read(&printed(), &files, &env, stated)
}

fn config(user: &str) -> ClientConfig {
    with(user, &Stated::default()).unwrap()
}

#[test]
fn the_files_that_maven_reads_are_named() {
    let jars =
        ["/usr/share/maven/lib/maven-model-builder-3.8.7.jar", "/usr/share/maven/lib/maven-model-builder-3.x.jar"];
    assert_eq!(files(&printed()), [USERS, "/usr/share/maven/conf/settings.xml", jars[0], jars[1]]);
    assert_eq!(files(&[]), Vec::<String>::new());
    assert_eq!((MAVEN.configured_in)(&printed()).as_deref(), Some(USERS));
    assert_eq!((MAVEN.cache)(&printed()).as_deref(), Some("/h/.m2/repository"));
    assert_eq!((MAVEN.cache)(&[]), None);
}

#[test]
fn without_settings_packages_come_from_what_is_built_in() {
    assert_eq!(config("").default.url.as_str(), "https://central.example/maven2/");
    assert_eq!(config("").problems, []);
    let unknown = read(&printed(), &[], &|_| None, &Stated::default()).unwrap_err();
    assert_eq!(unknown.what, "the installed Maven does not say where packages come from");
    let broken = [(jar("").0, b"PK\x03\x04".to_vec())];
    assert!(read(&printed(), &broken, &|_| None, &Stated::default()).is_err());
}

#[test]
fn a_mirror_and_its_credential_are_inherited() {
    let mirror = |rest: &str| {
        format!(
            "<settings><mirrors><mirror><id>m</id><mirrorOf>*</mirrorOf><url>https://m.example/all</url></mirror></mirrors>{rest}</settings>"
        )
    };
    let header =
        |rest: &str| config(&mirror(rest)).default.credential.map(|credential| credential.header().reveal().to_owned());
    assert_eq!(config(&mirror("")).default.url.as_str(), "https://m.example/all/");
    assert_eq!(header("<servers><server><id>other</id><username>a</username></server></servers>"), None);
    let server = |inner: &str| format!("<servers><server><id>m</id>{inner}</server></servers>");
    assert_eq!(header(&server("<username>a</username><password>b</password>")).as_deref(), Some("Basic YTpi"));
    assert_eq!(
        header(&server("<username>a</username><password>${env.TOKEN}</password>")).as_deref(),
        Some("Basic YTp0Jjw=")
    );
    let bearer = "<configuration><httpHeaders><property><name>Authorization</name><value>Bearer t</value></property></httpHeaders></configuration>";
    assert_eq!(header(&server(bearer)).as_deref(), Some("Bearer t"));
    let encrypted = config(&mirror(&server("<username>a</username><password>{COQLCE6DU6GtcS5P=}</password>")));
    assert_eq!(encrypted.default.credential, None);
    assert_eq!(encrypted.problems[0].what, "the password of the server `m` is encrypted for Maven, and cannot be used");
    let user = config(&mirror("").replace("https://m", "https://u:pw@m"));
    assert_eq!(user.default.url.as_str(), "https://m.example/all/");
    assert!(user.default.credential.is_some() && !format!("{user:?}").contains("pw"));
}

#[test]
fn the_installations_mirrors_count_after_the_users() {
    let mirror = |id: &str, of: &str| {
        format!(
            "<settings><mirrors><mirror><id>{id}</id><mirrorOf>{of}</mirrorOf><url>https://{id}.example/</url></mirror></mirrors></settings>"
        )
    };
    let both = |user: String, global: String| {
        let global = ("/usr/share/maven/conf/settings.xml".to_owned(), global.into_bytes());
        let files = [(USERS.to_owned(), user.into_bytes()), global, jar("https://central.example/")];
        read(&printed(), &files, &|_| None, &Stated::default()).unwrap().default.url.to_string()
    };
    assert_eq!(both(mirror("user", "*"), mirror("global", "*")), "https://user.example/");
    assert_eq!(both(mirror("user", "*"), mirror("global", "central")), "https://global.example/");
    assert_eq!(both(mirror("user", "other"), mirror("global", "external:http:*")), "https://central.example/");
}

#[test]
fn a_project_has_no_settings() {
    let files = [("/project/settings.xml".to_owned(), b"<settings><mirrors><mirror><mirrorOf>*</mirrorOf><url>https://evil.example/</url></mirror></mirrors></settings>".to_vec()), jar("https://central.example/")];
    let config = read(&printed(), &files, &|_| None, &Stated::default()).unwrap();
    assert_eq!(config.default.url.as_str(), "https://central.example/");
}

#[test]
fn stated_addresses_go_before_mavens_and_keep_its_credentials() {
    let settings = "<settings><mirrors><mirror><id>m</id><mirrorOf>*</mirrorOf><url>https://m.example/</url></mirror></mirrors>\
        <servers><server><id>m</id><username>a</username><password>b</password></server></servers>\
        <profiles><profile><id>p</id><activation><activeByDefault>true</activeByDefault></activation><repositories>\
        <repository><id>acme</id><url>https://acme.example/r</url></repository>\
        <repository><id>else</id><url>https://u:pw@else.example/r</url></repository></repositories></profile></profiles></settings>";
    let scopes = BTreeMap::from([("org.acme".to_owned(), "https://acme.example/r/".to_owned())]);
    let config =
        with(settings, &Stated { url: Some("https://m.example".to_owned()), scopes, ..Stated::default() }).unwrap();
    assert_eq!(config.default.credential.unwrap().header().reveal(), "Basic YTpi");
    assert_eq!(config.scopes["org.acme"].url.as_str(), "https://acme.example/r/");
    let problems: Vec<_> = config.problems.iter().map(|problem| problem.what.as_str()).collect();
    assert_eq!(
        problems,
        [
            "packages of the repository `else` (`https://else.example/r`) come from it only if their names are claimed for it"
        ]
    );
}

#[test]
fn a_blocked_or_broken_repository_is_told() {
    let mirror = |inner: &str| {
        with(
            &format!(
                "<settings><mirrors><mirror><id>m</id><mirrorOf>*</mirrorOf>{inner}</mirror></mirrors></settings>"
            ),
            &Stated::default(),
        )
        .unwrap_err()
        .what
    };
    assert_eq!(
        mirror("<url>http://0.0.0.0/</url><blocked>true</blocked>"),
        "Maven's settings block the repository (mirror `m`)"
    );
    assert_eq!(mirror("<url>file:///x?y</url>"), "`file:///x` is not the address of a repository");
    assert_eq!(mirror("<url>${env.NONE}</url>"), "`${env.NONE}` is not the address of a repository");
}

#[test]
fn a_run_is_found_again_in_the_user_agent() {
    let given = MAVEN.given.as_ref().unwrap();
    let text = (given.text)("<settings/>", "http://127.0.0.1:1/x", &[], "r1");
    assert!(text.contains("<value>Apache-Maven stockade-run/r1</value>"), "{text}");
    assert_eq!((given.arguments)("/f"), ["-s", "/f", "-gs", "/f"]);
    assert_eq!(run_of("Apache-Maven stockade-run/r1"), Some("r1"));
    assert_eq!(run_of("Apache-Maven/3.8.7 (Java 17.0.15; Linux 6.1)"), None);
}

#[test]
fn arguments_of_the_environment_name_no_settings() {
    let kept = |theirs: Option<&str>| arguments_of_environment(&|_| theirs.map(str::to_owned)).pop();
    assert_eq!(kept(None), None);
    for (theirs, expect) in [
        ("-B -T4", "-B -T4"),
        ("-B -s other.xml -T4", "-B -T4"),
        ("--settings=other.xml -gs x --global-settings y -DskipTests", "-DskipTests"),
        ("-s", ""),
    ] {
        assert_eq!(kept(Some(theirs)), Some((ARGUMENTS.to_owned(), expect.to_owned())), "{theirs}");
    }
}
