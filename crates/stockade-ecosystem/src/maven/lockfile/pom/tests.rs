use super::build::NEEDS;
use super::*;
use crate::maven::lockfile::release;

const PROJECT: &str = "<groupId>example.shop</groupId><artifactId>";

/// What each file tells, in order.
fn told(files: &[(&str, &str)]) -> Vec<String> {
    let bytes: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    let mut told = Vec::new();
    for ((path, _), parsed) in files.iter().zip(together(&bytes)) {
        told.extend(
            parsed.value.iter().map(|entry| format!("{path}:{} {} {:?}", entry.line, entry.release, entry.scope)),
        );
        // Of each that asks for something.
        let own = parsed.problems.iter().filter(|problem| problem.what != NEEDS);
        told.extend(own.map(|it| format!("{path}:{} {}", it.line.unwrap_or_default(), it.what)));
    }
    told
}

fn project(artifact: &str, rest: &str) -> String {
    format!("<project>\n{PROJECT}{artifact}</artifactId><version>1</version>\n{rest}\n</project>\n")
}

fn child(artifact: &str, path: &str, rest: &str) -> String {
    let parent = format!("<parent>{PROJECT}root</artifactId><version>1</version>{path}</parent>");
    format!("<project>\n{parent}\n<artifactId>{artifact}</artifactId>\n{rest}\n</project>\n")
}

fn dependency(name: &str, rest: &str) -> String {
    format!("<dependency><groupId>example.{name}</groupId><artifactId>{name}</artifactId>{rest}</dependency>")
}

fn managed(inside: &str) -> String {
    format!("<dependencyManagement><dependencies>{inside}</dependencies></dependencyManagement>")
}

fn dependencies(inside: &str) -> String {
    format!("<dependencies>\n{inside}</dependencies>")
}

#[test]
fn what_dependencies_need_is_a_gap_of_each_file_that_has_some() {
    let one = project("one", &dependencies(&dependency("left", "<version>1.0</version>")));
    let problems = |text: &str| super::super::read(text.as_bytes(), parse).problems;
    assert_eq!(problems(&one).iter().map(|problem| problem.what.as_str()).collect::<Vec<_>>(), [NEEDS]);
    assert_eq!(problems(&project("none", "")), []);
}

#[test]
fn versions_properties_and_names_are_inherited() {
    let listed = managed(
        &(dependency("left", "<version>${left}</version><scope>test</scope>")
            + &dependency("own", "<version>${project.version}</version>")),
    );
    let root = project("root", &format!("<properties><left>1.0</left></properties>{listed}"));
    let asks = dependencies(&format!(
        "{}\n{}\n{}\n{}",
        dependency("left", ""),
        dependency("own", ""),
        dependency("sibling", "<version>${project.parent.version}</version>"),
        dependency("absent", "<version>${absent}</version>"),
    ));
    let web = child("web", "", &asks);
    // A child's property goes before its parent's, also in what it inherits; so does its version.
    let app = child(
        "app",
        "<relativePath>..</relativePath>",
        &format!("<version>7</version><properties><left>2.0</left></properties>\n{asks}"),
    );
    assert_eq!(
        told(&[("./pom.xml", &root), ("./web/pom.xml", &web), ("./app/pom.xml", &app)]),
        [
            "./web/pom.xml:5 example.left/left@1.0 Dev",
            "./web/pom.xml:6 example.own/own@1 Run",
            "./web/pom.xml:7 example.sibling/sibling@1 Run",
            "./web/pom.xml:8 the version of `example.absent:absent` is in the property `absent`, which is not here",
            "./app/pom.xml:6 example.left/left@2.0 Dev",
            "./app/pom.xml:7 example.own/own@7 Run",
            "./app/pom.xml:8 example.sibling/sibling@1 Run",
            "./app/pom.xml:9 the version of `example.absent:absent` is in the property `absent`, which is not here",
        ]
    );
}

#[test]
fn what_is_inherited_is_told_where_it_differs() {
    let root = project(
        "root",
        &format!(
            "<properties><left>1.0</left></properties>\n{}",
            dependencies(&dependency("left", "<version>${left}</version>"))
        ),
    );
    let same = child("same", "", "");
    let other = child("other", "", "<properties><left>2.0</left></properties>");
    let own = child("own", "", &dependencies(&dependency("left", "<version>3.0</version>")));
    assert_eq!(
        told(&[("pom.xml", &root), ("same/pom.xml", &same), ("other/pom.xml", &other), ("own/pom.xml", &own)]),
        [
            "pom.xml:5 example.left/left@1.0 Run",
            "other/pom.xml:2 example.left/left@2.0 Run",
            "own/pom.xml:5 example.left/left@3.0 Run",
        ]
    );
}

#[test]
fn a_revision_is_one_of_the_whole_build() {
    let root = "<project><groupId>example.shop</groupId><artifactId>root</artifactId><version>${revision}</version>\n<properties><revision>4</revision></properties></project>";
    let web = format!(
        "<project><parent><groupId>example.shop</groupId><artifactId>root</artifactId><version>${{revision}}</version></parent>\n<artifactId>web</artifactId>{}</project>",
        dependencies(&dependency("own", "<version>${project.version}</version>"))
    );
    assert_eq!(told(&[("pom.xml", root), ("web/pom.xml", &web)]), ["web/pom.xml:3 example.own/own@4 Run"]);
}

#[test]
fn a_parent_that_is_not_here_is_said() {
    let web = |path| child("web", path, &dependencies(&dependency("left", "")));
    let unknown = ":5 the version of `example.left:left` is not known: a parent, or a list that is imported, has it";
    let parent = ":2 what its parent `example.shop:root:1` asks for is not known: ";
    for (path, files, why) in [
        ("", &[][..], "`../pom.xml` is not among what is read"),
        ("<relativePath/>", &[("pom.xml", "root")], "it is said to be in no folder"),
        ("<relativePath></relativePath>", &[("pom.xml", "root")], "it is said to be in no folder"),
        ("", &[("pom.xml", "another")], "`../pom.xml` is `example.shop:another:1`"),
        (
            "<relativePath>../../../pom.xml</relativePath>",
            &[("pom.xml", "root")],
            "`../../../pom.xml` is not among what is read",
        ),
        ("<relativePath>.</relativePath>", &[("pom.xml", "root")], "`.` is not among what is read"),
    ] {
        let others: Vec<(&str, String)> = files.iter().map(|(at, artifact)| (*at, project(artifact, ""))).collect();
        let web = web(path);
        let mut files = vec![("web/pom.xml", web.as_str())];
        files.extend(others.iter().map(|(at, text)| (*at, text.as_str())));
        assert_eq!(told(&files), [format!("web/pom.xml{unknown}"), format!("web/pom.xml{parent}{why}")], "{path}");
    }
}

#[test]
fn a_list_of_the_same_build_is_imported() {
    let import = |name: &str, version: &str| {
        format!(
            "<dependency><groupId>example.shop</groupId><artifactId>{name}</artifactId><version>{version}</version><type>pom</type><scope>import</scope></dependency>"
        )
    };
    let root = project("root", "<modules><module>bom</module><module>web</module></modules>");
    // A list's properties are its own, and its own lists count after it.
    let bom = child(
        "bom",
        "",
        &format!(
            "<properties><left>1.0</left></properties>{}",
            managed(&(dependency("left", "<version>${left}</version>") + &import("base", "1")))
        ),
    );
    let base = child(
        "base",
        "<relativePath>../pom.xml</relativePath>",
        &managed(&(dependency("left", "<version>0</version>") + &dependency("right", "<version>2.0</version>"))),
    );
    let lists = managed(&format!("{}\n{}", import("bom", "${project.version}"), import("nowhere", "1")));
    let asks = dependencies(&(dependency("left", "") + &dependency("right", "") + &dependency("lost", "")));
    let web = child("web", "", &format!("<properties><left>9</left></properties>{lists}{asks}"));
    let gap = "the versions of `example.shop:nowhere` are imported and not known: it is none of the same build";
    let lost = "the version of `example.lost:lost` is not known: a parent, or a list that is imported, has it";
    let build = [("pom.xml", root.as_str()), ("bom/pom.xml", &bom), ("base/pom.xml", &base), ("web/pom.xml", &web)];
    assert_eq!(
        told(&build),
        [
            "web/pom.xml:6 example.left/left@1.0 Run".to_owned(),
            "web/pom.xml:6 example.right/right@2.0 Run".to_owned(),
            format!("web/pom.xml:5 {gap}"),
            format!("web/pom.xml:6 {lost}"),
        ]
    );
    // One of the same name that no project of the build leads to is another one.
    let alone = project("web", &format!("{lists}{asks}"));
    let other = project("bom", &managed(&dependency("left", "<version>1.0</version>")));
    let told = told(&[("pom.xml", &alone), ("tests/bom/pom.xml", &other)]);
    assert!(told.iter().any(|told| told.contains("`example.shop:bom` are imported and not known")), "{told:?}");
    assert!(!told.iter().any(|told| told.contains("left@1.0")), "{told:?}");
}

#[test]
fn projects_that_lead_to_each_other_end() {
    let one = child("root", "<relativePath>two.xml</relativePath>", &dependencies(&dependency("left", "")));
    let two = child("root", "<relativePath>one.xml</relativePath>", "");
    let end =
        "what its parent `example.shop:root:1` asks for is not known: its parents lead to each other, or are too many";
    let told = told(&[("one.xml", &one), ("two.xml", &two)]);
    assert!(told.contains(&format!("one.xml:2 {end}")) && told.contains(&format!("two.xml:2 {end}")), "{told:?}");

    let import = |name: &str| {
        managed(&format!(
            "<dependency><groupId>example.shop</groupId><artifactId>{name}</artifactId><version>1</version><type>pom</type><scope>import</scope></dependency>"
        ))
    };
    let modules = "<modules><module>b.xml</module></modules>";
    let a = project("a", &format!("{}{modules}{}", import("b"), dependencies(&dependency("left", ""))));
    let b = project("b", &import("a"));
    let told = self::told(&[("a.xml", &a), ("b.xml", &b)]);
    assert_eq!(
        told,
        ["a.xml:4 the version of `example.left:left` is not known: a parent, or a list that is imported, has it"]
    );
}

#[test]
fn a_property_that_a_profile_has_is_not_known() {
    let profile = "<profiles><profile><properties><left>2</left></properties></profile></profiles>";
    let text = project(
        "web",
        &format!(
            "<properties><left>1</left></properties>{profile}{}",
            dependencies(&dependency("left", "<version>${left}</version>"))
        ),
    );
    assert_eq!(
        told(&[("pom.xml", &text)]),
        ["pom.xml:4 the version of `example.left:left` is in the property `left`, which a profile may change"]
    );
}

#[test]
fn a_plugin_has_the_version_of_a_parents() {
    let plugin = |rest: &str| {
        format!("<build><plugins><plugin><artifactId>left-plugin</artifactId>{rest}</plugin></plugins></build>")
    };
    let root = project("root", &plugin("<version>3</version><inherited>false</inherited>"));
    let web = child("web", "", &plugin(""));
    let none = child("none", "", "");
    assert_eq!(
        told(&[("pom.xml", &root), ("web/pom.xml", &web), ("none/pom.xml", &none)]),
        [
            "pom.xml:3 org.apache.maven.plugins/left-plugin@3 Build",
            "web/pom.xml:4 org.apache.maven.plugins/left-plugin@3 Build",
        ]
    );
}

#[test]
fn a_build_of_many_projects_is_read_whole() {
    let entries: String = (0..300).map(|at| dependency(&format!("n{at}"), "<version>1</version>")).collect();
    let root = project("root", &managed(&entries));
    let web = child("web", "", &dependencies(&dependency("n7", "")));
    let paths: Vec<String> = (0..300).map(|at| format!("m{at}/pom.xml")).collect();
    let mut files: Vec<(&str, &[u8])> = vec![("pom.xml", root.as_bytes())];
    files.extend(paths.iter().map(|path| (path.as_str(), web.as_bytes())));
    let parsed = together(&files);
    assert!(parsed.iter().skip(1).all(|parsed| parsed.value.len() == 1 && parsed.problems.len() == 1));
}

/// What is foreseen from descriptions of a repository: what is read with them, and what the first needs.
fn seen_ahead(files: &[&str]) -> String {
    let release = |text: &&str| {
        let model = model(text.as_bytes());
        let name = |name| model.own.get(name).map_or("", String::as_str);
        (release(name("groupId"), name("artifactId"), name("version")).unwrap(), (*text).to_owned())
    };
    let files: Vec<_> = files.iter().map(release).collect();
    let (with, needs) = foreseen(&files);
    let shown = |releases: Vec<Release>| releases.iter().map(Release::to_string).collect::<Vec<_>>().join(" ");
    format!("with {}; needs {}", shown(with), shown(needs))
}

#[test]
fn what_is_asked_for_next_is_foreseen_from_a_description_and_those_that_it_takes_from() {
    let import = |name: &str| dependency(name, "<version>${lists}</version><type>pom</type><scope>import</scope>");
    let parent = project(
        "root",
        &format!(
            "<properties><lists>5</lists></properties>{}",
            managed(&(dependency("left", "<version>1.0</version>") + &import("bom")))
        ),
    );
    let bom = format!(
        "<project><groupId>example.bom</groupId><artifactId>bom</artifactId><version>5</version>{}</project>",
        managed(&dependency("right", "<version>2.0</version>"))
    );
    let asked = [
        dependency("left", ""),
        dependency("right", ""),
        dependency("sibling", "<version>${project.version}</version>"),
        dependency("test", "<version>1</version><scope>test</scope>"),
        dependency("there", "<version>1</version><scope>provided</scope>"),
        dependency("may", "<version>1</version><optional>true</optional>"),
        dependency("range", "<version>[1,2)</version>"),
        dependency("absent", "<version>${absent}</version>"),
    ];
    let plugin = "<build><plugins><plugin><artifactId>maven-jar-plugin</artifactId><version>3</version></plugin></plugins></build>";
    let first = format!(
        "<project><parent>{PROJECT}root</artifactId><version>1</version></parent>{PROJECT}web</artifactId>\
         <version>1</version>{}{plugin}</project>",
        dependencies(&asked.concat())
    );
    let sibling = "example.sibling/sibling@1";
    assert_eq!(seen_ahead(&[&first]), format!("with example.shop/root@1; needs {sibling}"));
    assert_eq!(
        seen_ahead(&[&first, &parent]),
        format!("with example.bom/bom@5; needs example.left/left@1.0 {sibling}")
    );
    assert_eq!(
        seen_ahead(&[&first, &parent, &bom]),
        format!("with ; needs example.left/left@1.0 example.right/right@2.0 {sibling}")
    );
}

#[test]
fn descriptions_that_take_from_each_other_are_foreseen_to_an_end() {
    let of = |own: &str, parent: &str| {
        let import = dependency("x", "<version>1</version><scope>import</scope>");
        format!(
            "<project><parent>{PROJECT}{parent}</artifactId><version>1</version></parent>{PROJECT}{own}</artifactId>\
             <version>1</version>{}{}</project>",
            managed(&import),
            dependencies(&dependency("left", ""))
        )
    };
    let x = format!(
        "<project><groupId>example.x</groupId><artifactId>x</artifactId><version>1</version>{}</project>",
        managed(&dependency("x", "<version>1</version><scope>import</scope>"))
    );
    assert_eq!(seen_ahead(&[&of("one", "two"), &of("two", "one"), &x]), "with ; needs ");
    assert_eq!(foreseen(&[] as &[(Release, &[u8])]), (Vec::new(), Vec::new()));
    let broken = super::super::release("a", "b", "1").unwrap();
    for bytes in [&b""[..], b"<project>", b"\xff\xfe", b"<project><parent><version>1</version></parent></project>"] {
        assert_eq!(foreseen(&[(broken.clone(), bytes)]), (Vec::new(), Vec::new()));
    }
}
