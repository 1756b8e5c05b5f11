//! The rules of the repository that no compiler knows, as a test.
//!
//! A rule reads the [`Tree`], which is every file that git tracks or would track, and returns findings. A finding says
//! where, what, and what now. Rules are deliberately simple readers: what they cannot see they do not guess at. Where a
//! rule is a rule of thumb, such as the length of a function, a comment `// tidy: <reason>` on the line or the line
//! before it excuses the place, and a reason that excuses nothing is itself a finding.

mod ecosystems;
mod edges;
mod hosts;
mod ignored;
mod limits;
mod manifests;
mod paths;
mod rust;
mod sizes;
mod text;
mod tree;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use anyhow::bail;

use rust::Kind;
use tree::Tree;

pub(crate) use hosts::digest_of;

const RULES: &[fn(&Tree) -> Vec<Finding>] = &[
    edges::check,
    ecosystems::check,
    paths::check,
    hosts::check,
    limits::check,
    sizes::check,
    text::check,
    manifests::check,
    ignored::check,
];

/// Something in the tree that a rule does not allow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    what: String,
    /// The lines on which a `// tidy: <reason>` excuses it. `None`: nothing does.
    excuse: Option<(usize, usize)>,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into(), excuse: None }
    }

    fn excused_on(mut self, lines: RangeInclusive<usize>) -> Self {
        self.excuse = Some((*lines.start(), *lines.end()));
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// `cargo xtask tidy`: prints the findings and fails if there are any.
pub(crate) fn run() -> anyhow::Result<()> {
    let findings = findings(&Tree::read(&crate::root())?);
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("tidy has 1 finding"),
        n => bail!("tidy has {n} findings"),
    }
}

fn findings(tree: &Tree) -> Vec<Finding> {
    let reasons = reasons(tree);
    let mut used = BTreeSet::new();
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(tree)).collect();
    findings.retain(|finding| {
        let excuses = excuses(finding, &reasons);
        let stays = excuses.is_empty();
        used.extend(excuses);
        stays
    });
    let idle = reasons.into_iter().filter(|reason| !used.contains(reason));
    findings.extend(idle.map(|(path, line)| Finding::new(&path, line, "this `// tidy:` excuses nothing; remove it")));
    findings.sort();
    findings
}

/// Where `// tidy: <reason>` stands in Rust code.
fn reasons(tree: &Tree) -> BTreeSet<(String, usize)> {
    let comments = tree.rust().flat_map(|file| {
        file.code()
            .comments
            .iter()
            .filter(|token| token.kind == Kind::Comment && is_reason(token.text))
            .map(|token| (file.path.clone(), token.line))
            .collect::<Vec<_>>()
    });
    comments.collect()
}

fn is_reason(comment: &str) -> bool {
    comment.strip_prefix("// tidy: ").is_some_and(|reason| !reason.trim().is_empty())
}

fn excuses(finding: &Finding, reasons: &BTreeSet<(String, usize)>) -> Vec<(String, usize)> {
    let Some((first, last)) = finding.excuse else { return Vec::new() };
    reasons.range((finding.path.clone(), first)..=(finding.path.clone(), last)).cloned().collect()
}

/// What the tests of a rule look at: `line: what` for every finding in a tree of these files.
#[cfg(test)]
fn found(files: &[(&str, &str)], rule: fn(&Tree) -> Vec<Finding>) -> Vec<String> {
    rule(&Tree::of(files)).iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::{Tree, findings};

    #[test]
    fn the_tree_is_tidy() {
        let tree = Tree::read(&crate::root()).unwrap();
        let findings: Vec<String> = findings(&tree).iter().map(ToString::to_string).collect();
        assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
    }

    const NONE: [usize; 0] = [];

    fn lines(source: &str) -> Vec<usize> {
        let source = format!("//! A crate.\n{source}");
        let tree = Tree::of(&[("crates/stockade-model/src/lib.rs", &source)]);
        findings(&tree).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_reason_excuses_its_place_and_no_other() {
        assert_eq!(lines("fn f() -> u32 {\n    5000\n}\n"), [3]);
        assert_eq!(lines("fn f() -> u32 {\n    5000 // tidy: the port is part of the protocol\n}\n"), NONE);
        assert_eq!(lines("fn f() -> u32 {\n    // tidy: the port is part of the protocol\n    5000\n}\n"), NONE);
        assert_eq!(lines("fn f() -> u32 {\n    5000 // tidy:\n}\n"), [3]);
    }

    #[test]
    fn a_reason_that_excuses_nothing_is_found() {
        assert_eq!(lines("// tidy: long ago\nfn f() {}\n"), [2]);
    }
}
