use bytes::Bytes;
use stockade_model::{Code, Tree};

use crate::archive::of_directory;

fn tree(files: &[(&str, &str)]) -> Tree {
    let file = |(name, text): &(&str, &str)| ((*name).to_owned(), Bytes::copy_from_slice(text.as_bytes()), false);
    of_directory(files.iter().map(file).collect())
}

#[test]
fn classes_run_before_main_in_the_compiler_and_in_the_build() {
    let files = [
        (
            "META-INF/MANIFEST.MF",
            "Manifest-Version: 1.0\r\nPremain-Class: a.very.lo\r\n ng.Agent\r\nmain-class: a.Main\r\n\r\nName: x\r\nLauncher-Agent-Class: no\r\n",
        ),
        ("a/very/long/Agent.class", ""),
        ("a/Main.class", ""),
        ("META-INF/services/javax.annotation.processing.Processor", "# comment\na.P1 # one\n\na.Missing\n"),
        ("a/P1.class", ""),
        ("META-INF/services/a.Service", "a.S1\n"),
        ("a/S1.class", ""),
        (
            "META-INF/maven/plugin.xml",
            "<plugin>\n<mojos><mojo><implementation>a.Goal</implementation></mojo></mojos></plugin>",
        ),
        ("a/Goal.class", ""),
        ("META-INF/gradle-plugins/a.properties", "x=1\nimplementation-class=a.Gradle\n"),
        ("BOOT-INF/classes/a/Gradle.class", ""),
    ];
    let file = |code: &Code| if let Code::File(path) = code { path.clone() } else { String::new() };
    let show = |s: &stockade_model::Start| {
        format!("{} {}: {} ({}:{})", s.trigger.name(), s.name, file(&s.code), s.path, s.line)
    };
    let found: Vec<_> = tree(&files).starts.iter().map(show).collect();
    let expected = [
        "start Premain-Class: a/very/long/Agent.class (META-INF/MANIFEST.MF:2)",
        "command Main-Class: a/Main.class (META-INF/MANIFEST.MF:3)",
        "install service javax.annotation.processing.Processor: a/P1.class (META-INF/services/javax.annotation.processing.Processor:2)",
        "import service a.Service: a/S1.class (META-INF/services/a.Service:1)",
        "install gradle plugin: BOOT-INF/classes/a/Gradle.class (META-INF/gradle-plugins/a.properties:2)",
        "install maven plugin: a/Goal.class (META-INF/maven/plugin.xml:2)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_build_description_says_what_is_needed() {
    let pom = r"<project>
<dependencyManagement><dependencies><dependency><groupId>no</groupId><artifactId>no</artifactId></dependency></dependencies></dependencyManagement>
<dependencies>
  <dependency><groupId>g</groupId><artifactId>a</artifactId><version>1</version>
    <exclusions><exclusion><groupId>x</groupId><artifactId>y</artifactId></exclusion></exclusions></dependency>
  <dependency><groupId>g</groupId><artifactId>t</artifactId><scope>test</scope></dependency>
  <dependency><groupId>g</groupId><artifactId>o</artifactId><version>${v}</version><optional>true</optional></dependency>
  <dependency><groupId>g</groupId><artifactId>s</artifactId><scope>system</scope><systemPath>/x.jar</systemPath></dependency>
</dependencies>
<build><plugins><plugin><dependencies><dependency><groupId>no</groupId></dependency></dependencies></plugin></plugins></build>
</project>";
    let needs = tree(&[("META-INF/maven/g/a/pom.xml", pom)]).needs;
    let found: Vec<_> = needs.iter().map(|n| format!("{} {} {:?} {:?}", n.name, n.wanted, n.from, n.role)).collect();
    assert_eq!(found, ["g:a 1 Registry Run", "g:o ${v} Registry Optional", "g:s /x.jar Path Run"]);
}
