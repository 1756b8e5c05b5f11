//! Every rule is tested as it is written: the fenced blocks of its file are releases that it catches or leaves alone.
//!
//! A block's first line names its language, what is expected (`catches`, `passes`), and may say `path=` and `on=` (the
//! event that loads it). A block `before` is the release before the next one; without it, that release is empty. A block
//! `beside` is another artifact of the next one's release.

use bytes::Bytes;
use stockade_model::{Code, Member, Need, NeedFrom, NeedRole, Start, Tree, Trigger};

use super::document::{Rule, blocks};
use super::{Rules, assess, builtin};
use crate::inspection::Inspection;

struct Sample<'a> {
    language: &'a str,
    path: String,
    on: Trigger,
    text: &'a str,
}

impl<'a> Sample<'a> {
    fn parse(info: &'a str, text: &'a str) -> (Self, &'a str) {
        let mut words = info.split_whitespace();
        let language = words.next().unwrap_or_default();
        let expected = words.next().unwrap_or_default();
        let default = match language {
            "js" => "index.js",
            "python" => "sample/__init__.py",
            "rust" => "build.rs",
            _ => "data.bin",
        };
        let mut sample = Self { language, path: default.to_owned(), on: Trigger::Import, text };
        for word in words {
            match word.split_once('=') {
                Some(("path", path)) => path.clone_into(&mut sample.path),
                Some(("on", event)) => sample.on = serde_json::from_value(event.into()).unwrap(),
                _ => panic!("`{word}` means nothing in `{info}`"),
            }
        }
        (sample, expected)
    }

    fn inspect(&self) -> Inspection {
        let mut tree = Tree::default();
        let start = |code: Code| Start {
            trigger: self.on,
            name: "sample".to_owned(),
            code,
            path: "manifest".to_owned(),
            line: 1,
        };
        match self.language {
            "sh" => tree.starts.push(start(Code::Shell(self.text.to_owned()))),
            "pth" => tree.starts.push(start(Code::Python(self.text.to_owned()))),
            "needs" => tree.needs.extend(self.text.lines().map(need)),
            _ => {
                let bytes = Bytes::copy_from_slice(self.text.as_bytes());
                tree.members.push(Member { path: self.path.clone(), bytes, executable: false });
                tree.starts.push(start(Code::File(self.path.clone())));
            }
        }
        crate::inspect(tree, &[], |_| false, None)
    }
}

/// `git name wanted`.
fn need(line: &str) -> Need {
    let mut words = line.split_whitespace();
    let from: NeedFrom = serde_json::from_value(words.next().unwrap().into()).unwrap();
    let mut next = || words.next().unwrap_or_default().to_owned();
    Need { name: next(), wanted: next(), from, role: NeedRole::Run }
}

#[test]
fn every_rule_catches_and_passes_what_its_file_says() {
    let mut failures = Vec::new();
    for (file, text) in builtin::FILES {
        let rule = Rule::parse(file, text).unwrap_or_else(|error| panic!("{error}"));
        let (mut before, mut beside) = (Inspection::default(), Vec::new());
        let (mut catches, mut passes) = (0, 0);
        for (info, block) in blocks(text).filter(|(info, _)| !info.starts_with("toml")) {
            let (sample, expected) = Sample::parse(info, block);
            let inspection = sample.inspect();
            if expected == "before" {
                before = inspection;
                continue;
            }
            if expected == "beside" {
                beside = vec![inspection];
                continue;
            }
            let siblings: Vec<&Inspection> = beside.iter().collect();
            let assessment = assess(&inspection, &[&before], &siblings, Rules::builtin());
            let found = assessment.findings.iter().any(|finding| finding.rule == rule.name);
            let wanted = expected == "catches";
            *(if wanted { &mut catches } else { &mut passes }) += 1;
            if found != wanted {
                let acts: Vec<String> = inspection
                    .acts()
                    .map(|(_, act, trigger)| format!("{} {} {}", trigger.name(), act.capability.name(), act.detail))
                    .collect();
                failures.push(format!("{file}: expected `{expected}` of\n{block}\nacts: {acts:#?}"));
            }
            (before, beside) = (Inspection::default(), Vec::new());
        }
        if catches == 0 || passes == 0 {
            failures.push(format!("{file}: it needs a sample that it catches and one that it passes"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_rule_that_cannot_be_used_says_why() {
    let bad = [
        ("x.md", "no title", "it has no title"),
        ("x.md", "# t\n\nno table", "it has no table"),
        ("X Y.md", "# t\n", "kebab case"),
        ("x.md", "# t\n```toml\nverdict = \"hold\"\nscore = 1\nsentence = \"s\"\n```\n", "it has no pattern"),
        (
            "x.md",
            "# t\n```toml\nverdict = \"hold\"\nscore = 1\nsentence = \"s\"\n[[all]]\nact = [\"flies\"]\n```\n",
            "flies",
        ),
        (
            "x.md",
            "# t\n```toml\nverdict = \"hold\"\nscore = 1\nsentence = \"s\"\n[[all]]\ntrigger = [\"import\"]\n```\n",
            "exactly one",
        ),
        (
            "x.md",
            "# t\n```toml\nverdict = \"hold\"\nscore = 1\nsentence = \"s\"\n[[all]]\nflow = [\"secret\"]\n```\n",
            "needs `to`",
        ),
        ("x.md", "# t\n```toml\nverdict = \"hold\"\ncolour = 1\n```\n", "colour"),
    ];
    for (file, text, why) in bad {
        let error = Rules::default().with(&[(file.to_owned(), text.to_owned())]).unwrap_err().to_string();
        assert!(error.contains(why), "{error} should speak of {why}");
    }
}

#[test]
fn a_rule_of_ones_own_replaces_one_of_the_same_name() {
    let text = "# mine\n\nWhy.\n\n```toml\nverdict = \"deny\"\nscore = 7\nsentence = \"s\"\n[[all]]\nact = [\"network\"]\n```\n";
    let rules = Rules::builtin().with(&[("rules/network-gained.md".to_owned(), text.to_owned())]).unwrap();
    let described: Vec<_> = rules.describe().filter(|(name, ..)| *name == "network-gained").collect();
    assert_eq!(described.len(), 1);
    assert_eq!(described[0].1, "mine");
    assert_ne!(rules.digest(), Rules::builtin().digest());
}

#[test]
fn an_artifact_is_not_compared_with_one_that_could_not_be_looked_at() {
    let (info, text) = ("python catches", "import os\nos.system('collect')\n");
    let (sample, _) = Sample::parse(info, text);
    let inspection = sample.inspect();
    let assessment = assess(&inspection, &[], &[&Inspection::default()], Rules::builtin());
    assert_eq!(assessment.alone, None);
    assert!(assessment.findings.iter().all(|finding| finding.rule != "one-artifact-alone"));
    let assessment = assess(&inspection, &[], &[&inspection], Rules::builtin());
    assert_eq!(assessment.alone, Some(Vec::new()));
}

fn own(files: &[(&str, &str)]) -> Result<Rules, String> {
    let files: Vec<_> = files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    Rules::builtin().with(&files).map_err(|error| error.to_string())
}

const TABLE: &str = "verdict = 'hold'\nscore = 50\nsentence = 'is odd'\n";

#[test]
fn what_is_wrong_with_a_rule_is_said_with_the_line_of_its_file() {
    let wrong = |text: &str| own(&[("team/odd.md", text)]).unwrap_err();
    let said = |line: usize, what: &str| format!("the rule in `team/odd.md` cannot be used: line {line}: {what}");
    assert_eq!(wrong("text\n"), said(1, "it has no title: a line that begins with `# `"));
    assert_eq!(wrong("# odd\n"), said(1, "it has no table: a fenced block of `toml`"));
    assert_eq!(wrong(&format!("# odd\n\n```toml\n{TABLE}```\n")), said(4, "it has no pattern: `[[all]]` or `[[any]]`"));
    let kinds = "a pattern has exactly one of `act`, `flow`, `mark`, `mention`, `start`, `need`, `file`, `lost`";
    assert_eq!(wrong(&format!("# odd\n\n```toml\n{TABLE}\n[[any]]\nnot = ['a']\n```\n")), said(8, kinds));
    let unknown = wrong("# odd\n\ntext\n```toml\nverdict = 'hold'\nscores = 50\n```\n");
    assert!(unknown.starts_with(&said(6, "unknown field `scores`")), "{unknown}");
    let kebab = own(&[("Odd.md", "# odd\n")]).unwrap_err();
    assert!(kebab.contains("kebab case"), "{kebab}");
}

#[test]
fn one_of_two_rules_with_one_name_is_not_passed_over() {
    let text = format!("# odd\n\n```toml\n{TABLE}\n[[any]]\nfile = ['.odd']\n```\n");
    let error = own(&[("a/odd.md", &text), ("b/odd.md", &text)]).unwrap_err();
    let said = "the rule in `b/odd.md` cannot be used: line 1: `a/odd.md` has the same name, and one of them would have no effect";
    assert_eq!(error, said);
}

#[test]
fn a_rule_of_ones_own_changes_the_judge_and_replaces_a_built_in_one() {
    let text = |sentence: &str| {
        let table = TABLE.replace("is odd", sentence);
        format!("# odd\n\n```toml\n{table}\n[[any]]\nfile = ['.odd']\n```\n")
    };
    let (one, other) = (own(&[("odd.md", &text("is odd"))]).unwrap(), own(&[("odd.md", &text("is even"))]).unwrap());
    assert_ne!(one.digest(), Rules::builtin().digest());
    assert_ne!(one.digest(), other.digest());
    let count = Rules::builtin().describe().count();
    assert_eq!(one.describe().count(), count + 1);
    let replaced = own(&[("captures.md", &text("is odd"))]).unwrap();
    assert_eq!(replaced.describe().count(), count);
    assert!(replaced.describe().any(|(name, title, ..)| (name, title) == ("captures", "odd")));
}

#[test]
fn only_this_machine_is_this_machine() {
    let talks = |address: &str| {
        let text = format!("import urllib.request\nurllib.request.urlopen('{address}')\n");
        let (sample, _) = Sample::parse("python catches", &text);
        let findings = assess(&sample.inspect(), &[], &[], Rules::builtin()).findings;
        findings.iter().any(|finding| finding.rule == "import-talks")
    };
    assert!(!talks("http://localhost:8000/a") && !talks("http://127.0.0.1"));
    assert!(talks("http://localhost.collect.invalid/"));
    assert!(talks("http://localhost:80@collect.invalid/"));
    assert!(talks("http://collect.invalid/?x=http://localhost"));
}
