use proptest::prelude::*;

use super::*;

const BASE: &str = "http://127.0.0.1:4873/x";

fn mirror_of(settings: &str, id: &str, url: &str) -> Option<String> {
    let settings = Settings::of(settings);
    settings.mirror_of(&Repository { id: id.to_owned(), url: url.to_owned() }).map(|mirror| mirror.id.clone())
}

#[test]
fn mirrors_are_chosen_as_maven_chooses_them() {
    let of = |patterns: &[&str], id: &str, url: &str| {
        let mirror = |of: &&str| format!("<mirror><id>{of}</id><mirrorOf>{of}</mirrorOf><url>u</url></mirror>");
        let mirrors = patterns.iter().map(mirror).collect::<Vec<_>>().concat();
        mirror_of(&format!("<settings><mirrors>{mirrors}</mirrors></settings>"), id, url)
    };
    let (local, remote) = ("http://localhost:1/", "http://maven.example/");
    assert_eq!(of(&["*", "central"], CENTRAL, remote).as_deref(), Some("central"), "a name goes before a pattern");
    assert_eq!(of(&["a,*", "*"], CENTRAL, remote).as_deref(), Some("a,*"));
    assert_eq!(of(&["*,!central"], CENTRAL, remote), None);
    assert_eq!(of(&["!central,*"], CENTRAL, remote), None);
    assert_eq!(of(&["a, central"], CENTRAL, remote).as_deref(), Some("a, central"));
    assert_eq!(of(&["external:*"], CENTRAL, remote).as_deref(), Some("external:*"));
    assert_eq!(of(&["external:*"], CENTRAL, local), None);
    assert_eq!(of(&["external:http:*"], CENTRAL, "https://maven.example/"), None);
    assert_eq!(of(&["external:http:*"], CENTRAL, remote).as_deref(), Some("external:http:*"));
    assert_eq!(of(&["other"], CENTRAL, remote), None);
}

#[test]
fn settings_are_read() {
    let settings = Settings::of(
        "<settings><servers><server><id>a</id><username>u</username><password>p &amp; q</password></server>\
         <server><id>b</id><configuration><httpHeaders><property><name>X</name><value>no</value></property>\
         <property><name>authorization</name><value>Bearer t</value></property></httpHeaders></configuration></server></servers>\
         <profiles><profile><id>one</id><repositories><repository><id>r</id><url>https://r.example/</url></repository></repositories>\
         <pluginRepositories><pluginRepository><id>no</id><url>no</url></pluginRepository></pluginRepositories></profile>\
         <profile><id>two</id><repositories><repository><id>no</id><url>no</url></repository></repositories></profile>\
         <profile><activation><activeByDefault>true</activeByDefault></activation><id>three</id>\
         <repositories><repository><id>s</id><snapshots><enabled>true</enabled></snapshots><url>https://s.example/</url></repository></repositories></profile></profiles>\
         <activeProfiles><activeProfile>one</activeProfile></activeProfiles></settings>",
    );
    let servers: Vec<_> = settings
        .servers
        .iter()
        .map(|s| (s.id.as_str(), s.user.as_str(), s.password.as_str(), s.header.as_deref()))
        .collect();
    assert_eq!(servers, [("a", "u", "p & q", None), ("b", "", "", Some("Bearer t"))]);
    let repositories: Vec<_> = settings.repositories.iter().map(|r| (r.id.as_str(), r.url.as_str())).collect();
    assert_eq!(repositories, [("r", "https://r.example/"), ("s", "https://s.example/")]);
}

const BEFORE: &str = r#"<?xml version="1.0"?>
<!-- ours -->
<settings>
  <servers>
    <server><id>a</id></server>
  </servers>
  <mirrors>
    <!-- 100% of it -->
    <mirror><id>m</id><mirrorOf>central</mirrorOf><url>https://m.example/</url></mirror>
  </mirrors>
</settings>
"#;

#[test]
fn setup_is_reversible() {
    let pointed = point(BEFORE, BASE, None);
    insta::assert_snapshot!(pointed.replace("away: \n", "away: [SPACE]\n"), @r#"
    <?xml version="1.0"?>
    <!-- ours -->
    <settings>
      <servers>
        <server><id>a</id></server>
      </servers><!-- stockade setup put away: [SPACE]
      <mirrors>
        <!-%2D 100%25 of it -%2D>
        <mirror><id>m</id><mirrorOf>central</mirrorOf><url>https://m.example/</url></mirror>
      </mirrors> :stockade setup --><!-- stockade setup wrote this: --><mirrors><mirror><id>stockade-central</id><mirrorOf>central</mirrorOf><url>http://127.0.0.1:4873/x/</url></mirror><mirror><id>stockade</id><mirrorOf>*</mirrorOf><url>http://127.0.0.1:4873/x/</url></mirror></mirrors><!-- stockade setup: until here -->
    </settings>
    "#);
    assert_eq!(unpoint(&pointed), BEFORE);
    assert_eq!(point(&pointed, BASE, None), pointed, "twice is once");
    assert_eq!(mirror_of(&pointed, CENTRAL, "https://m.example/").as_deref(), Some("stockade-central"));
    assert_eq!(mirror_of(&pointed, "other", "https://m.example/").as_deref(), Some("stockade"));
    insta::assert_snapshot!(point("", BASE, None), @"<!-- stockade setup wrote this: --><settings><mirrors><mirror><id>stockade-central</id><mirrorOf>central</mirrorOf><url>http://127.0.0.1:4873/x/</url></mirror><mirror><id>stockade</id><mirrorOf>*</mirrorOf><url>http://127.0.0.1:4873/x/</url></mirror></mirrors></settings><!-- stockade setup: until here -->");
    for text in [
        "",
        " ",
        "<settings/>",
        "<settings></settings>",
        "<settings>\n</settings>\r\n",
        "no XML -- <",
        "<settings><mirrors/></settings>",
        "<a/>",
        "--",
        "%2D",
        "%",
    ] {
        let pointed = point(text, BASE, None);
        assert_eq!(unpoint(&pointed), text);
        assert_eq!(mirror_of(&pointed, CENTRAL, "https://m.example/").as_deref(), Some("stockade-central"), "{text}");
        assert!(!pointed.replace("<!--", "").replace("-->", "").contains("--") || text.contains("<!--"), "{pointed}");
    }
}

#[test]
fn proxies_are_put_away_where_they_cannot_reach_us() {
    let text =
        "<settings>\n  <proxies><proxy><host>proxy.example</host></proxy></proxies>\n  <mirrors/>\n</settings>\n";
    let active = |base: &str| without_comments(&point(text, base, None)).contains("proxy.example");
    for base in [BASE, "http://localhost:1/x", "http://[::1]:1/x"] {
        assert!(!active(base), "{base}");
        assert_eq!(unpoint(&point(text, base, Some("a"))), text);
    }
    assert!(active("https://gateway.example/x"), "the way there may lead through one");
}

#[test]
fn an_element_that_is_there_twice_is_put_away_with_all_others() {
    for twice in ["mirrors", "servers", "proxies"] {
        let text = format!("<settings><{twice}/><{twice}><x/></{twice}></settings>");
        let pointed = point(&text, BASE, Some("a"));
        assert!(pointed.starts_with("<!-- stockade setup wrote this: --><settings>"), "{pointed}");
        assert_eq!(unpoint(&pointed), text);
    }
}

#[test]
fn a_run_is_named_in_the_user_agent() {
    let servers = |text: &str| Settings::of(&point(text, BASE, Some("Apache-Maven stockade-run/r1"))).servers;
    let ids = |text: &str| servers(text).into_iter().map(|server| server.id).collect::<Vec<_>>();
    assert_eq!(ids(BEFORE), ["a", "stockade-central", "stockade"]);
    assert_eq!(ids(""), ["stockade-central", "stockade"]);
    assert_eq!(ids("<settings></settings>"), ["stockade-central", "stockade"]);
    assert_eq!(unpoint(&point(BEFORE, BASE, Some("x"))), BEFORE);
}

#[test]
fn what_is_secret_can_be_left_out() {
    let text = "<settings><!-- <password>old</password> --><localRepository>/r</localRepository>\
        <servers><server><id>a</id><password>pw</password></server></servers>\
        <proxies><proxy><password>pw</password></proxy></proxies>\
        <mirrors><mirror><id>m</id><url>https://u:pw@m.example/</url></mirror><mirror><id>n</id><url>https://n.example/</url></mirror></mirrors>\
        <profiles><profile><id>p</id><properties><gpg.passphrase>pw</gpg.passphrase></properties></profile></profiles></settings>";
    insta::assert_snapshot!(without_secrets(text), @"<settings><localRepository>/r</localRepository><mirrors><mirror><id>m</id></mirror><mirror><id>n</id><url>https://n.example/</url></mirror></mirrors><profiles><profile><id>p</id></profile></profiles></settings>");
    assert_eq!(without_secrets("<settings><password>pw"), "");
}

proptest! {
    #[test]
    fn undoing_gives_back_every_byte(text in "(<settings>|</settings>|<mirrors>|</mirrors>|<servers>|<mirrors/>|<proxies>|</proxies>|<!--|-->|-|%|2D|\n| |\\PC){0,24}") {
        for agent in [None, Some("a")] {
            let pointed = point(&text, BASE, agent);
            prop_assert_eq!(unpoint(&pointed), text.clone());
            prop_assert_eq!(point(&pointed, BASE, agent), pointed);
        }
        let _ = Settings::of(&text);
        let _ = without_secrets(&text);
    }
}
