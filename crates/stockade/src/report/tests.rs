//! A report on a hostile artifact, in each format.

#![expect(
    clippy::redundant_closure_for_method_calls,
    reason = "methods of a type with a lifetime are not general enough"
)]

use insta::assert_snapshot;
use serde_json::Value;
use stockade_engine::inspection::{
    Act, Alone, Assessment, Capability, Change, Difference, Facts, File, Finding, Moment, Place, Rules, Spot,
};
use stockade_model::{Code, GapKind, Need, NeedFrom, NeedRole, Start, Trigger};

use super::*;

/// What tries to become markup, to move a cursor, and to leave its line.
const HOSTILE: &str = "<script>`x`|\u{1b}[31m\n# @team";

fn act(capability: Capability, detail: &str, line: u32, snippet: &str) -> Act {
    let at = Spot { line, column: 1, snippet: snippet.to_owned() };
    let detail = detail.to_owned();
    Act { capability, detail, at, function: None, moment: Moment::Load, layers: Vec::new(), conditions: Vec::new() }
}

fn file(path: &str, trigger: Trigger, acts: Vec<Act>) -> File {
    let facts = Facts { acts, ..Facts::default() };
    let (path, digest) = (path.to_owned(), String::new());
    File {
        path,
        digest,
        size: 1,
        trigger,
        triggers: Vec::new(),
        facts,
        shape: String::new(),
        matches: Vec::new(),
        unsearched: false,
        unread: false,
    }
}

fn place(path: &str, line: u32, snippet: &str) -> Place {
    let (path, snippet) = (path.to_owned(), snippet.to_owned());
    Place { path, line, what: "network x.invalid".to_owned(), snippet, layers: vec!["base64".to_owned()] }
}

fn start() -> Start {
    Start {
        trigger: Trigger::Install,
        name: "postinstall".to_owned(),
        code: Code::Shell("node steal.js".to_owned()),
        path: "package.json".to_owned(),
        line: 7,
    }
}

fn need(name: &str, from: NeedFrom) -> Need {
    Need { name: name.to_owned(), wanted: "^1.0.0".to_owned(), from, role: NeedRole::Run }
}

fn hostile() -> Inspected {
    let calls = (1..=5).map(|line| act(Capability::Network, &format!("h{line}.invalid"), line, "fetch(h)")).collect();
    let stolen = vec![
        act(Capability::EnvironmentAll, "", 2, "const all = process.env;"),
        act(Capability::Network, "x.invalid", 3, &format!("fetch('//x.invalid') // {HOSTILE}")),
    ];
    let inspection = Inspection {
        files: vec![
            file("steal.js", Trigger::Install, stolen),
            file(HOSTILE, Trigger::Import, calls),
            file("test/a.js", Trigger::Never, vec![act(Capability::Execute, "true", 1, "exec('true')")]),
        ],
        starts: vec![start()],
        needs: vec![need("right-demo", NeedFrom::Registry), need("other-demo", NeedFrom::Git)],
        gaps: vec![Gap::new(GapKind::Malformed, format!("`a.js` could not be parsed: {HOSTILE}"))],
        ..Inspection::default()
    };
    Inspected { name: "left-demo 1.1.0".to_owned(), inspection, is_folder: false }
}

fn assessment() -> Assessment {
    let finding = Finding {
        rule: "install-sends-environment".to_owned(),
        verdict: Verdict::Hold,
        score: 80,
        sentence: "sends the environment to `x.invalid` when it is installed".to_owned(),
        places: vec![place("steal.js", 3, "fetch('//x.invalid')"), place("package.json#postinstall", 7, HOSTILE)],
    };
    Assessment { findings: vec![finding], ..Assessment::default() }
}

fn difference() -> Difference {
    let change = |capability, trigger, details: &[&str]| Change {
        capability,
        trigger,
        details: details.iter().map(|detail| (*detail).to_owned()).collect(),
        places: vec![place("steal.js", 3, "fetch('//x.invalid')")],
    };
    Difference {
        gained: vec![change(Capability::Network, Trigger::Install, &["x.invalid"])],
        lost: vec![change(Capability::Read, Trigger::Call, &[])],
        starts: vec![start()],
        needs: vec![need("right-demo", NeedFrom::Registry)],
        hosts: vec!["x.invalid".to_owned()],
        changed: vec!["steal.js".to_owned(), "package.json".to_owned()],
        unchanged: 12,
        removed: vec!["old.js".to_owned()],
        ..Difference::default()
    }
}

fn with<T>(old: Option<&Inspected>, assessment: &Assessment, write: impl FnOnce(&Report<'_>) -> T) -> T {
    let subject = hostile();
    write(&Report { subject: &subject, old, beside: None, assessment, rules: Rules::builtin() })
}

fn text(report: &Report<'_>, all: bool) -> String {
    text::write(report, all).rendered(false)
}

#[test]
fn a_report_says_in_a_few_lines_what_matters() {
    assert_snapshot!(with(None, &assessment(), |report| text(report, false)), @"
    left-demo 1.1.0: 1 finding; asks to hold; one thing could not be looked at
    findings:
      hold  install-sends-environment: sends the environment to `x.invalid` when it is installed
        steal.js:3      fetch('//x.invalid')  (under base64)
        package.json:7  <script>`x`| [31m # @team  (under base64)
    when it is installed:
      runs `postinstall`: `node steal.js`
        package.json:7
      talks to `x.invalid`
        steal.js:3  fetch('//x.invalid') // <script>`x`| [31m # @team
      reads the whole environment
        steal.js:2  const all = process.env;
    when it is loaded:
      talks to `h1.invalid`, `h2.invalid`, `h3.invalid` and 2 more
        <script>`x`| [31m # @team:1  fetch(h)
        and 4 more places
    could not look:
      malformed: `a.js` could not be parsed: <script>`x`| [31m # @team
    needs:
      `right-demo ^1.0.0`
      `other-demo ^1.0.0`, from a repository
    -v shows everything
    ");
}

#[test]
fn everything_is_everything() {
    let short = with(None, &assessment(), |report| text(report, false));
    let long = with(None, &assessment(), |report| text(report, true));
    assert!(!short.contains("test/a.js") && long.contains("test/a.js:1"));
    for line in 1..=5 {
        assert!(long.contains(&format!("`h{line}.invalid`")), "{long}");
    }
    assert!(!long.contains("-v shows"));
}

#[test]
fn a_difference_begins_with_what_is_gained() {
    let old = Inspected { name: "left-demo 1.0.9".to_owned(), inspection: Inspection::default(), is_folder: false };
    let assessment = Assessment { difference: Some(difference()), ..assessment() };
    assert_snapshot!(with(Some(&old), &assessment, |report| text(report, false)), @"
    left-demo 1.0.9 -> left-demo 1.1.0: gains 1 capability, 1 host, 1 start of code, 1 need; 1 finding; asks to hold; one thing could not be looked at
    findings:
      hold  install-sends-environment: sends the environment to `x.invalid` when it is installed
        steal.js:3      fetch('//x.invalid')  (under base64)
        package.json:7  <script>`x`| [31m # @team  (under base64)
    gained:
      when it is installed, talks to `x.invalid`
        steal.js:3  fetch('//x.invalid')  (under base64)
    new hosts:
      `x.invalid`
    code that starts by itself:
      runs `postinstall`: `node steal.js`
        package.json:7
    new needs:
      `right-demo ^1.0.0`
    lost:
      when something of it is called, reads files
        steal.js:3  fetch('//x.invalid')  (under base64)
    files:
      2 files changed, 12 unchanged, 1 removed
    could not look:
      malformed: `a.js` could not be parsed: <script>`x`| [31m # @team
    -v shows everything
    ");
    let nothing = Assessment { difference: Some(Difference::default()), ..Assessment::default() };
    let headline = with(Some(&old), &nothing, |report| report.headline());
    assert_eq!(
        headline,
        "left-demo 1.0.9 -> left-demo 1.1.0: gains nothing; no finding; one thing could not be looked at"
    );
}

#[test]
fn a_finding_outweighs_a_gap_and_a_gap_is_not_nothing() {
    assert_eq!(with(None, &assessment(), |report| report.exit()), Exit::Refused);
    assert_eq!(with(None, &Assessment::default(), |report| report.exit()), Exit::Undecided);
    let fine = Inspected { name: "a".to_owned(), inspection: Inspection::default(), is_folder: false };
    let none = Assessment::default();
    let report = Report { subject: &fine, old: None, beside: None, assessment: &none, rules: Rules::builtin() };
    assert_eq!(report.exit(), Exit::Allowed);
    assert_eq!(report.headline(), "a: no finding");
    let old = hostile();
    let report = Report { old: Some(&old), ..report };
    assert_eq!(report.exit(), Exit::Undecided, "what it was compared with has a gap");
}

#[test]
fn artifacts_of_one_release_show_what_each_has_alone() {
    let other = Inspected { name: "left-demo 1.1.0, sdist".to_owned(), ..hostile() };
    let can = difference().gained;
    let alone = |path: &str, differs, can: &[Change]| Alone { path: path.to_owned(), differs, can: can.to_vec() };
    let of = |alone| Assessment { alone: Some(alone), ..Assessment::default() };
    let assessment = of(vec![alone("steal.js", true, &can), alone("a.js", false, &[])]);
    let (subject, theirs) = (hostile(), of(vec![alone("b.js", false, &[])]));
    let report = Report {
        subject: &subject,
        old: Some(&other),
        beside: Some(&theirs),
        assessment: &assessment,
        rules: Rules::builtin(),
    };
    assert_snapshot!(text(&report, false), @"
    left-demo 1.1.0, sdist | left-demo 1.1.0: has 2 files of code of its own, 1 of which can do something; no finding; 2 things could not be looked at
    code only in left-demo 1.1.0:
      `steal.js`, with another content: talks to `x.invalid`
        steal.js:3  fetch('//x.invalid')  (under base64)
      `a.js`
    code only in left-demo 1.1.0, sdist:
      `b.js`
    could not look:
      malformed: `a.js` could not be parsed: <script>`x`| [31m # @team
      malformed: in left-demo 1.1.0, sdist: `a.js` could not be parsed: <script>`x`| [31m # @team
    -v shows everything
    ");
    let whole: Value = serde_json::from_str(&json::write(&report).unwrap()).unwrap();
    assert_eq!(whole["alone"]["subject"][0]["path"], "steal.js");
    assert_eq!(whole["alone"]["against"][0]["path"], "b.js");
    let unseen = Assessment::default();
    let report = Report { assessment: &unseen, beside: Some(&unseen), ..report };
    assert!(report.headline().contains(": not compared; "), "{}", report.headline());
}

#[test]
fn a_terminal_is_not_moved_and_lines_stay_lines() {
    let out = with(None, &assessment(), |report| text::write(report, true).rendered(true));
    assert!(!out.contains("\u{1b}[31m"), "only our own escapes");
    assert!(!out.lines().any(|line| line.starts_with("# @team")));
}

#[test]
fn a_page_has_no_markup_of_strangers() {
    let page = with(None, &assessment(), html::write);
    assert!(!page.contains("<script") && !page.contains('\u{1b}'));
    assert!(page.contains("&lt;script&gt;"));
    assert!(page.contains("default-src 'none'"));
    assert_eq!(page.matches("<ul>").count(), page.matches("</ul>").count());
    assert_eq!(page.matches("<li>").count(), page.matches("</li>").count());
}

#[test]
fn a_comment_has_no_markup_of_strangers() {
    let comment = with(None, &assessment(), |report| markdown::write(report, true));
    let outside: String = comment.lines().map(|line| outside_code(line) + "\n").collect();
    assert!(!outside.contains("<script") && !outside.contains("@team"), "{outside}");
    assert!(comment.starts_with("### stockade: left-demo 1.1.0: 1 finding; asks to hold"));
}

/// A line without its code spans, which end at a run of backticks as long as the one that began them.
fn outside_code(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`').filter(|at| !rest[..*at].ends_with('\\')) {
        out.push_str(&rest[..at]);
        let fence: String = rest[at..].chars().take_while(|c| *c == '`').collect();
        rest = &rest[at + fence.len()..];
        let end = rest
            .match_indices(&fence)
            .map(|(end, _)| end)
            .find(|end| !rest[..*end].ends_with('`') && !rest[end + fence.len()..].starts_with('`'));
        rest = &rest[end.expect("a code span ends") + fence.len()..];
    }
    out + rest
}

#[test]
fn sarif_has_the_shape_that_the_standard_asks_for() {
    let text = with(None, &assessment(), |report| sarif::write(report).unwrap());
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "stockade");
    let rules = driver["rules"].as_array().unwrap();
    for rule in rules {
        assert!(rule["id"].is_string() && rule["help"]["text"].is_string());
        assert!(["note", "warning", "error"].contains(&rule["defaultConfiguration"]["level"].as_str().unwrap()));
    }
    for result in run["results"].as_array().unwrap() {
        assert_eq!(rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()]["id"], result["ruleId"]);
        assert!(result["message"]["text"].is_string());
        assert!((0.0..=100.0).contains(&result["rank"].as_f64().unwrap()));
        for location in result["locations"].as_array().unwrap() {
            let physical = &location["physicalLocation"];
            let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
            assert!(uri.bytes().all(|byte| byte.is_ascii_graphic()) && !uri.contains([':', '#', '<']), "{uri}");
            assert!(physical["region"]["startLine"].as_u64().unwrap() > 0);
            assert!(physical["region"]["snippet"]["text"].is_string());
        }
    }
    assert_eq!(run["results"][0]["locations"][1]["physicalLocation"]["artifactLocation"]["uri"], "package.json");
    assert_eq!(run["invocations"][0]["executionSuccessful"], false, "there is a gap");
    assert!(run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].is_string());
}

#[test]
fn json_has_everything() {
    let text = with(None, &assessment(), |report| json::write(report).unwrap());
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["verdict"], "hold");
    assert_eq!(document["inspection"]["files"].as_array().unwrap().len(), 3);
    assert!(document.get("difference").is_none());
}
