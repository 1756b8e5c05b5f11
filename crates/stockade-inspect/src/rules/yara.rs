//! Rules of YARA: signatures that others have written already, for what no rule in Markdown can say, which is bytes.
//!
//! They are compiled where they are read, so that what is wrong with them stops the start and no stranger's bytes are
//! near. Where the bytes are, in a process that can do nothing but compute, the compiled rules are loaded and looked for
//! (`search.rs`). Conditions are run by an interpreter, since that process can have no memory that is executable.
//!
//! A rule that matches is a finding whatever was cleared before: it says what must not be there, and not what is new.

mod search;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use stockade_model::{Digest, Finding as Told, Verdict};
use yara_x::errors::CompileError;
use yara_x::{Compiler, MetaValue, SourceCode};

use super::document::placed;
use super::{MAX_PLACES, Patterns, RuleError};
use crate::inspection::{Finding, Inspection, Place};
pub(crate) use search::Search;
pub use search::Searcher;

/// How long a file with rules may be, in bytes: 8 MiB. Public collections come in one file.
const MAX_FILE: usize = 8 << 20;
/// How many rules there may be.
const MAX_RULES: usize = 20_000;
/// How many bytes they may have when they are compiled: 64 MiB. Each worker has them in its memory.
const MAX_COMPILED: usize = 64 << 20;
/// The score of a rule that has none.
const SCORE: u8 = 75;
/// How much of a description is told, in characters.
const DESCRIBED: usize = 160;

/// Rules of YARA.
#[derive(Debug, Clone)]
pub(super) struct Yara {
    rules: Vec<YaraRule>,
    patterns: Arc<Patterns>,
}

/// What is said of a rule's match.
#[derive(Debug, Clone)]
struct YaraRule {
    name: String,
    title: String,
    explanation: String,
    verdict: Verdict,
    score: u8,
    sentence: String,
}

impl Yara {
    /// Compiles files with rules: pairs of a name and the text. `taken` are the names of other rules.
    pub(super) fn compile(own: &[&(String, String)], taken: &HashSet<&str>) -> Result<Option<Self>, RuleError> {
        if own.is_empty() {
            return Ok(None);
        }
        let compiled = compiled(own)?;
        let texts: HashMap<&str, &str> = own.iter().map(|(file, text)| (&**file, &**text)).collect();
        let mut rules = Vec::new();
        let mut names: HashSet<String> = taken.iter().map(|name| (*name).to_owned()).collect();
        for rule in compiled.iter().filter(|rule| !rule.is_private()) {
            let text = texts.get(rule.namespace()).copied().unwrap_or_default();
            let line = line_of(text, rule.identifier());
            let fail = |what| RuleError { file: rule.namespace().to_owned(), line, what };
            let read = YaraRule::read(&rule).map_err(fail)?;
            if !names.insert(read.name.clone()) {
                let what = format!("`{}` is called `{}` here, as another rule is", rule.identifier(), read.name);
                return Err(fail(what));
            }
            rules.push(read);
        }
        let serialized = compiled.serialize().map_err(|error| whole(own, error.to_string()))?;
        if rules.len() > MAX_RULES || serialized.len() > MAX_COMPILED {
            let limit = format!("there are more rules of YARA than {MAX_RULES}, or than {MAX_COMPILED} bytes of them");
            return Err(whole(own, limit));
        }
        let patterns = Arc::new(Patterns { digest: digest(own), compiled: serialized });
        Ok(Some(Self { rules, patterns }))
    }

    pub(super) fn patterns(&self) -> &Arc<Patterns> {
        &self.patterns
    }

    pub(super) fn describe(&self) -> impl Iterator<Item = (&str, &str, Verdict, &str)> {
        self.rules.iter().map(|rule| (&*rule.name, &*rule.title, rule.verdict, &*rule.explanation))
    }

    /// The rules that matched.
    pub(super) fn findings(&self, subject: &Inspection) -> Vec<Finding> {
        let mut places: HashMap<&str, Vec<Place>> = HashMap::new();
        for (file, found) in subject.files.iter().flat_map(|file| file.matches.iter().map(move |found| (file, found))) {
            let known = places.entry(&*found.rule).or_default();
            if known.len() < MAX_PLACES {
                known.push(Place {
                    path: file.path.clone(),
                    line: found.at.line,
                    what: found.what.clone(),
                    snippet: found.at.snippet.clone(),
                    layers: found.layers.clone(),
                });
            }
        }
        let told = |rule: &YaraRule| Some(rule.finding(places.remove(&*rule.name)?));
        self.rules.iter().filter_map(told).collect()
    }
}

impl YaraRule {
    /// What a rule's metadata says, and what is assumed where it says nothing.
    fn read(rule: &yara_x::Rule<'_, '_>) -> Result<Self, String> {
        let identifier = rule.identifier();
        let mut read = Self {
            name: name_of(identifier),
            title: identifier.to_owned(),
            explanation: format!("The rule `{identifier}` of YARA, in `{}`.", rule.namespace()),
            verdict: Verdict::Hold,
            score: SCORE,
            sentence: format!("matches the rule `{identifier}` of YARA"),
        };
        if read.name.is_empty() {
            return Err(format!("`{identifier}` has no letter and no digit in it, so that it has no name here"));
        }
        for (key, value) in rule.metadata() {
            match (key, value) {
                ("verdict", value) => read.verdict = verdict(&value)?,
                ("score", MetaValue::Integer(score)) => {
                    read.score = u8::try_from(score.clamp(0, 100)).unwrap_or_default();
                }
                ("description", MetaValue::String(text)) => {
                    let text: String =
                        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(DESCRIBED).collect();
                    text.trim().clone_into(&mut read.title);
                    read.sentence = format!("matches the rule `{identifier}` of YARA: {}", text.trim());
                }
                _ => {}
            }
        }
        Ok(read)
    }

    fn finding(&self, places: Vec<Place>) -> Finding {
        Finding {
            rule: self.name.clone(),
            verdict: self.verdict,
            score: self.score,
            sentence: placed(self.sentence.clone(), &places),
            places,
        }
    }
}

fn compiled(own: &[&(String, String)]) -> Result<yara_x::Rules, RuleError> {
    let mut compiler = Compiler::new();
    compiler.enable_includes(false).switch_all_warnings(false);
    for (file, text) in own {
        let fail = |line, what| RuleError { file: file.clone(), line, what };
        if text.len() > MAX_FILE {
            return Err(fail(1, format!("the file is longer than {MAX_FILE} bytes")));
        }
        // A file is a world of its own: its global rules are for its rules alone.
        compiler.new_namespace(file);
        compiler.add_source(SourceCode::from(&**text)).map_err(|error| {
            let (line, what) = explained(text, &error);
            fail(line, what)
        })?;
    }
    Ok(compiler.build())
}

/// The line and the words of what the compiler minds.
fn explained(text: &str, error: &CompileError) -> (usize, String) {
    let label = error.labels().next();
    let at = label.as_ref().map_or(0, |label| label.span().start());
    let said = label.as_ref().map_or("", |label| label.text());
    let what = if said.is_empty() { error.title().to_owned() } else { format!("{}: {said}", error.title()) };
    (line_at(text, at), what)
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count().saturating_add(1)
}

/// The line on which a rule begins.
fn line_of(text: &str, identifier: &str) -> usize {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = |line: &str| {
        let mut words = line.split(|c| !is_word(c)).filter(|word| !word.is_empty()).skip_while(|word| *word != "rule");
        words.next().is_some() && words.next() == Some(identifier)
    };
    text.lines().position(begins).unwrap_or(0).saturating_add(1)
}

fn verdict(value: &MetaValue<'_>) -> Result<Verdict, String> {
    let MetaValue::String(word) = value else { return Err("`verdict` is no text".to_owned()) };
    let verdicts = [Verdict::Allow, Verdict::Hold, Verdict::Deny];
    let found = verdicts.into_iter().find(|verdict| verdict.name() == *word);
    found.ok_or_else(|| format!("`{word}` is no verdict; it is one of `allow`, `hold`, `deny`"))
}

/// A rule's name, as all rules have one: `Evil_Beacon` is `evil-beacon`.
fn name_of(identifier: &str) -> String {
    let lower = identifier.to_ascii_lowercase();
    let words: Vec<&str> = lower.split('_').filter(|word| !word.is_empty()).collect();
    words.join("-").chars().take(Told::MAX_RULE).collect()
}

fn digest(own: &[&(String, String)]) -> String {
    let digests = own.iter().map(|(file, text)| format!("{} {file}\n", Digest::of(text.as_bytes()).hex()));
    Digest::of(digests.collect::<String>().as_bytes()).hex()
}

/// What is wrong with all of them together.
fn whole(own: &[&(String, String)], what: String) -> RuleError {
    RuleError { file: own.last().map(|(file, _)| file.clone()).unwrap_or_default(), line: 1, what }
}

#[cfg(test)]
mod tests;
