//! Rules: what is worth a hold or a denial, as data.
//!
//! A rule is a Markdown file: a title, an explanation for whoever is stopped by it, a table in TOML that says what it
//! matches, and samples that it must and must not match. The file is the documentation and the test. The rules that come
//! with stockade are read in the same way as a user's own.

mod builtin;
mod document;
mod matching;
#[cfg(not(feature = "yara"))]
mod no_yara;
mod programs;
#[cfg(test)]
mod tests;
#[cfg(feature = "yara")]
mod yara;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use stockade_model::{Digest, Verdict};

use crate::difference::{self, Cleared};
use crate::inspection::{Assessment, Finding, Inspection};
pub use document::RuleError;
use document::{Against, Rule};
#[cfg(not(feature = "yara"))]
use no_yara as yara;
pub(crate) use yara::Search;
pub use yara::Searcher;
use yara::Yara;

/// How many findings of one release are told.
const MAX_FINDINGS: usize = 20;
/// How many places of one finding are told.
const MAX_PLACES: usize = 8;
/// What each further rule that matches adds to the score, and at most.
const CORROBORATION: u8 = 2;
const MAX_CORROBORATION: u8 = 10;
/// How many rules a user may add.
const MAX_RULES: usize = 1_000;
/// How files with rules of YARA end.
const YARA: [&str; 2] = ["yar", "yara"];

/// A set of rules.
#[derive(Debug, Default)]
pub struct Rules {
    markdown: Vec<Rule>,
    yara: Option<Yara>,
    digest: String,
}

/// Rules of YARA as a [`Searcher`] loads them.
#[derive(Debug, PartialEq, Eq)]
pub struct Patterns {
    /// A digest of what they were compiled from: what was searched with others is searched again.
    pub digest: String,
    /// The compiled rules.
    pub compiled: Vec<u8>,
}

impl Rules {
    /// The rules that come with stockade.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Rules> = LazyLock::new(|| {
            let own: Vec<_> =
                builtin::FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
            Rules::default().with(&own).expect("the rules that come with stockade are tested")
        });
        &BUILTIN
    }

    /// True for the name of a file with rules of YARA.
    pub fn is_yara(file: &str) -> bool {
        let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
        YARA.iter().any(|known| known.eq_ignore_ascii_case(extension))
    }

    /// True if rules of YARA can be read: in builds with the feature `yara`.
    pub const fn read_yara() -> bool {
        cfg!(feature = "yara")
    }

    /// The rules that come with stockade and a user's own: pairs of a file name and its text, which is Markdown or YARA.
    /// A rule in Markdown with the name of another one takes its place.
    pub fn with(&self, own: &[(String, String)]) -> Result<Self, RuleError> {
        let (signatures, own): (Vec<_>, Vec<_>) = own.iter().partition(|(file, _)| Self::is_yara(file));
        let mut rules = self.markdown.clone();
        let mut files = HashMap::new();
        for (file, text) in own {
            let fail = |what: String| RuleError { file: file.clone(), line: 1, what };
            let rule = Rule::parse(file, text)?;
            if let Some(other) = files.insert(rule.name.clone(), file) {
                return Err(fail(format!("`{other}` has the same name, and one of them would have no effect")));
            }
            rules.retain(|known| known.name != rule.name);
            rules.push(rule);
            if rules.len() > MAX_RULES {
                return Err(fail(format!("there are more than {MAX_RULES} rules")));
            }
        }
        let yara = Yara::compile(&signatures, &rules.iter().map(|rule| &*rule.name).collect::<HashSet<_>>())?;
        let mut all = rules.iter().fold(String::new(), |all, rule| all + &rule.name + "\n" + &rule.table + "\n");
        all.extend(yara.iter().map(|yara| &*yara.patterns().digest));
        Ok(Self { markdown: rules, yara, digest: Digest::of(all.as_bytes()).hex() })
    }

    /// A digest of the rules: what other rules have judged is judged again.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The names with the title, what each asks for, and the explanation in Markdown.
    pub fn describe(&self) -> impl Iterator<Item = (&str, &str, Verdict, &str)> {
        let own = self.markdown.iter().map(|rule| (&*rule.name, &*rule.title, rule.verdict, &*rule.explanation));
        own.chain(self.yara.iter().flat_map(Yara::describe))
    }

    /// The rules of YARA, for who looks for them. `None` if there are none.
    pub fn patterns(&self) -> Option<&Arc<Patterns>> {
        self.yara.as_ref().map(Yara::patterns)
    }

    /// True if an inspection has all that these rules judge: it was searched with these rules of YARA, or there are none.
    pub fn suffices(&self, inspection: &Inspection) -> bool {
        self.patterns().is_none_or(|patterns| patterns.digest == inspection.searched)
    }
}

/// Judges an inspection, alone, against the cleared releases before it, the newest of the same line first, and against
/// the other artifacts of the same release.
pub fn assess(subject: &Inspection, cleared: &[&Inspection], siblings: &[&Inspection], rules: &Rules) -> Assessment {
    let known = (!cleared.is_empty()).then(|| Cleared::of(cleared));
    let case = matching::Case::of(subject, known.as_ref());
    // Of what could not be looked at, nobody knows what it lacks.
    let siblings: Vec<&Inspection> = siblings.iter().copied().filter(|sibling| !sibling.files.is_empty()).collect();
    let others = (!siblings.is_empty()).then(|| Cleared::of(&siblings));
    let beside = others.as_ref().map(|others| matching::Case::beside(subject, others));
    let before: Vec<_> = cleared.iter().map(|inspection| matching::Case::of(inspection, None)).collect();
    let matches = rules.markdown.iter().filter_map(|rule| {
        let places = match rule.against {
            Against::Before => case.matches(rule)?,
            Against::Siblings => beside.as_ref()?.matches(rule)?,
        };
        // What a cleared release did as well was looked at then; what is new about it is for the rules about what is new.
        if !rule.asks_for_news() && before.iter().any(|before| before.matches(rule).is_some()) {
            return None;
        }
        Some(Finding {
            rule: rule.name.clone(),
            verdict: rule.verdict,
            score: rule.score,
            sentence: rule.sentence(&places),
            places,
        })
    });
    let found = rules.yara.iter().flat_map(|yara| yara.findings(subject));
    let mut findings: Vec<Finding> = matches.chain(found).collect();
    findings.sort_by(|a, b| (b.verdict, b.score).cmp(&(a.verdict, a.score)).then_with(|| a.rule.cmp(&b.rule)));
    corroborate(&mut findings);
    findings.truncate(MAX_FINDINGS);
    let difference =
        known.as_ref().zip(cleared.first()).map(|(known, newest)| difference::between(subject, newest, known));
    let alone = others.as_ref().map(|others| difference::alone(subject, others));
    Assessment { findings, difference, alone }
}

/// Several rules that match make the strongest one stronger, within bounds: one piece of evidence often matches twice.
fn corroborate(findings: &mut [Finding]) {
    let held = findings.iter().filter(|finding| finding.verdict > Verdict::Allow).count();
    let more = u8::try_from(held.saturating_sub(1)).unwrap_or(u8::MAX).saturating_mul(CORROBORATION);
    if let Some(first) = findings.first_mut() {
        first.score = first.score.saturating_add(more.min(MAX_CORROBORATION)).min(100);
    }
}
