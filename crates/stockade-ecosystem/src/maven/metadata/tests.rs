use proptest::prelude::*;

use super::*;
use crate::index::{Standing, Steering, Variant};
use crate::maven::{package, render};

const DOCUMENT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<metadata modelVersion="1.1.0">
  <groupId>org.acme</groupId>
  <artifactId>left</artifactId>
  <versioning>
    <latest>2.0-rc1</latest>
    <release>1.2</release>
    <versions>
      <version>1.0</version>
      <!-- <version>0.9</version> -->
      <version> 1.1 </version>
      <version>1.<![CDATA[2]]></version><version>2.0&#45;rc1</version>
    </versions>
    <lastUpdated>20260601120000</lastUpdated>
  </versioning>
</metadata>
"#;

fn read_text(text: &str) -> Result<Index, Malformed> {
    read(&package("org.acme:left").unwrap(), text.as_bytes())
}

fn rendered(text: &str, standings: &[Standing]) -> String {
    let index = read_text(text).unwrap();
    assert_eq!(index.releases.len(), standings.len());
    let steering = Steering { standings, message: "", base: "", variant: Variant::Full };
    String::from_utf8(render::metadata(&index, &steering).flatten(text.as_bytes())).unwrap()
}

fn versions(index: &Index) -> Vec<&str> {
    index.releases.iter().map(|listed| listed.version.as_str()).collect()
}

#[test]
fn versions_tags_and_the_instant_are_read() {
    let index = read_text(DOCUMENT).unwrap();
    assert_eq!(versions(&index), ["1.0", "1.1", "1.2", "2.0-rc1"]);
    assert!(index.releases.iter().all(|listed| listed.is_usable() && listed.order.is_some()));
    let tag = |tag: &str, version: &str| (tag.to_owned(), version.to_owned());
    assert_eq!(index.tags, [tag("latest", "2.0-rc1"), tag("release", "1.2")]);
    assert_eq!(updated(&index).unwrap().to_string(), "2026-06-01T12:00:00Z");
    assert_eq!(index.problems, []);
}

#[test]
fn what_is_cleared_is_written_as_it_was() {
    use Standing::{Cleared, Held, Removed};
    assert_eq!(rendered(DOCUMENT, &[Cleared; 4]), DOCUMENT);
    insta::assert_snapshot!(rendered(DOCUMENT, &[Cleared, Cleared, Held, Removed]), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <metadata modelVersion="1.1.0">
      <groupId>org.acme</groupId>
      <artifactId>left</artifactId>
      <versioning><latest>1.1</latest><release>1.1</release>
        <versions>
          <version>1.0</version>
          <!-- <version>0.9</version> -->
          <version> 1.1 </version>
        </versions>
        <lastUpdated>20260601120000</lastUpdated>
      </versioning>
    </metadata>
    "#);
    let nothing = rendered(DOCUMENT, &[Held; 4]);
    assert_eq!(versions(&read_text(&nothing).unwrap()), Vec::<&str>::new());
    assert!(!nothing.contains("<latest>") && !nothing.contains("<release>"), "{nothing}");
}

#[test]
fn a_tag_goes_to_what_is_cleared() {
    use Standing::{Cleared, Held};
    let tags = |standings: &[Standing]| read_text(&rendered(DOCUMENT, standings)).unwrap().tags;
    let tag = |tag: &str, version: &str| (tag.to_owned(), version.to_owned());
    assert_eq!(tags(&[Cleared, Held, Held, Held]), [tag("latest", "1.0"), tag("release", "1.0")]);
    assert_eq!(tags(&[Held, Held, Held, Cleared]), [tag("latest", "2.0-rc1")]);
    let dangling = DOCUMENT.replace("<release>1.2<", "<release>9.9<");
    let index = read_text(&rendered(&dangling, &[Cleared; 4])).unwrap();
    assert_eq!(index.tags[1], tag("release", "1.2"), "nobody judged what is not listed");
}

#[test]
fn the_document_of_a_group_is_passed_on() {
    let group = "<metadata><plugins><plugin><name>A</name><prefix>a</prefix><artifactId>a-maven-plugin</artifactId></plugin></plugins></metadata>";
    assert_eq!(rendered(group, &[]), group);
}

#[test]
fn a_version_that_is_listed_twice_goes_twice() {
    let text = DOCUMENT.replace("<version>1.0</version>", "<version>1.0</version><version>1.0 </version>");
    let standings = [Standing::Held, Standing::Cleared, Standing::Cleared, Standing::Cleared];
    assert!(!rendered(&text, &standings).contains("1.0<"));
    assert_eq!(read_text(&text).unwrap().releases[0].problems.len(), 1);
}

#[test]
fn a_version_that_cannot_be_is_not_passed_on() {
    for version in ["../1", "1/2", "", "1 2", "&#0;", "a<b/>b c", "\u{a0}1.0"] {
        let text = DOCUMENT.replace("<version>1.0<", &format!("<version>{version}<"));
        let Ok(index) = read_text(&text) else { continue };
        assert!(!index.releases[0].is_usable(), "{version}");
        let rendered = rendered(&text, &[Standing::Cleared; 4]);
        assert_eq!(versions(&read_text(&rendered).unwrap()), ["1.1", "1.2", "2.0-rc1"], "{version}");
    }
}

#[test]
fn what_others_would_read_otherwise_is_refused() {
    let error = |from: &str, to: &str| read_text(&DOCUMENT.replacen(from, to, 1)).unwrap_err().why;
    let doctype = "<!DOCTYPE metadata [<!ENTITY v \"6.6\">]>\n<metadata modelVersion";
    insta::assert_snapshot!(error("<metadata modelVersion", doctype), @"it has a document type, whose entities are another text to each reader");
    insta::assert_snapshot!(error("1.0<", "&v;<"), @"it has an entity that is not of XML");
    insta::assert_snapshot!(error("1.0<", "&#xd800;<"), @"it names a character that does not exist");
    insta::assert_snapshot!(error("UTF-8", "UTF-16"), @"its encoding is not UTF-8");
    insta::assert_snapshot!(error("</groupId>", "</groupId><groupId>org.acme</groupId>"), @"an element that can be there once is there twice");
    insta::assert_snapshot!(error("</versions>", "</versions><versions><version>6</version></versions>"), @"an element that can be there once is there twice");
    insta::assert_snapshot!(error("org.acme", "org.evil"), @"the document is of another package");
    insta::assert_snapshot!(error("</metadata>", ""), @"the document is not XML: it has not one element that holds all others");
    insta::assert_snapshot!(error("</metadata>", "</metadata><metadata/>"), @"the document is not XML: it has not one element that holds all others");
    insta::assert_snapshot!(error("</version>", "</versions>"), @"the document is not XML");
    insta::assert_snapshot!(error("1.0<", &format!("{}<", "1".repeat(5_000))), @"a text in it is too long");
    insta::assert_snapshot!(error("1.0<", &"<a>".repeat(100)), @"it has too many elements, or they lie too deep in each other");
    assert!(read(&package("a:b").unwrap(), b"\xff\xfe<\0").is_err());
    assert!(read_text("").is_err());
}

#[test]
fn every_part_of_a_document_is_read_or_refused() {
    for end in (0..DOCUMENT.len()).filter(|end| DOCUMENT.is_char_boundary(*end)) {
        assert!(read_text(&DOCUMENT[..end]).is_err() || DOCUMENT[end..].trim().is_empty(), "{end}");
    }
    let marked = format!("\u{feff}{DOCUMENT}");
    assert_eq!(rendered(&marked, &[Standing::Cleared; 4]), marked);
    let held = rendered(&marked, &[Standing::Held, Standing::Cleared, Standing::Cleared, Standing::Cleared]);
    assert_eq!(versions(&read_text(&held).unwrap()), ["1.1", "1.2", "2.0-rc1"]);
}

#[test]
fn a_document_has_a_limit() {
    let version = |at: usize| format!("<version>{at}</version>");
    let versions: String = (0..=Index::MAX_RELEASES).map(version).collect();
    let list = |versions: &str| DOCUMENT.replace("<version>1.0</version>", versions);
    assert_eq!(read_text(&list(&versions)).unwrap_err().why, "it lists more than 100,000 releases");
    let others = "<x/>".repeat(500_001);
    assert_eq!(
        read_text(&list(&others)).unwrap_err().why,
        "it has too many elements, or they lie too deep in each other"
    );
    let pages = "x".repeat(5_000);
    assert_eq!(versions_of(&list(&format!("<x>{pages}</x>"))), ["1.1", "1.2", "2.0-rc1"]);
}

fn versions_of(text: &str) -> Vec<String> {
    read_text(text).unwrap().releases.into_iter().map(|listed| listed.version).collect()
}

#[test]
fn an_instant_is_fourteen_digits() {
    assert_eq!(instant("20260601.120000").unwrap().to_string(), "2026-06-01T12:00:00Z");
    for text in ["", "2026", "20260231120000", "20260601250000", "2026060112000é", "+2026060112000", "20260601120000Z"]
    {
        assert_eq!(instant(text), None, "{text}");
    }
}

proptest! {
    /// What is written lists what is cleared and nothing else, whatever the document is.
    #[test]
    fn only_what_is_cleared_is_written(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24),
        standings in prop::collection::vec(any::<bool>(), 24),
    ) {
        let body = pieces.concat();
        let text = format!("<metadata><versioning><versions>{body}</versions><latest>1</latest></versioning></metadata>");
        let Ok(index) = read_text(&text) else { return Ok(()) };
        let standings: Vec<Standing> = standings.into_iter().map(|held| if held { Standing::Held } else { Standing::Cleared }).take(index.releases.len()).collect();
        let again = read_text(&rendered(&text, &standings)).unwrap();
        let cleared = index.releases.iter().zip(&standings).filter(|(listed, standing)| listed.is_usable() && **standing == Standing::Cleared);
        let cleared: Vec<&str> = cleared.map(|(listed, _)| listed.version.as_str()).collect();
        prop_assert_eq!(versions(&again), cleared.clone());
        prop_assert!(again.tags.iter().all(|(_, version)| cleared.contains(&version.as_str())));
    }

    #[test]
    fn any_text_is_read(text in "(<|>|/|!|&|;|\\[|]|-|\\?|version|metadata|versions| |\"|\\PC){0,60}") {
        let _ = read_text(&text);
        let _ = read_text(&format!("<metadata>{text}</metadata>"));
    }
}

const PIECES: &[&str] = &[
    "<version>1</version>",
    "<version>1-a&amp;b</version>",
    "<version>1<",
    "/version>",
    "<!-- x -->",
    "<![CDATA[<version>]]>",
    "<version/>",
    "<version>2</version>",
    "  \n",
    "<version>../3</version>",
    "<x><version>4</version></x>",
    "&lt;",
    "</versions>",
    "<versions>",
    "<version>1.0</version>",
];
