//! A rule's file: Markdown for a person, with the table that says what it matches.

use serde::Deserialize;
use stockade_model::{NeedFrom, NeedRole, Trigger, Verdict};
use toml::Spanned;

use crate::capability::{Capability, Source};
use crate::facts::MarkKind;
use crate::inspection::Place;
use crate::ir::Language;
use crate::lexicon::Topic;

/// How long a rule's file may be, in bytes.
const MAX_FILE: usize = 256 * 1024;
/// How many patterns a rule may have.
const MAX_PATTERNS: usize = 32;
/// How much of a detail a sentence quotes, in characters.
const QUOTED: usize = 80;

/// What is wrong with a rule's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rule in `{file}` cannot be used: line {line}: {what}")]
pub struct RuleError {
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// A rule.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) explanation: String,
    /// The table as written.
    pub(super) table: String,
    pub(super) verdict: Verdict,
    pub(super) score: u8,
    pub(super) scope: Scope,
    pub(super) against: Against,
    sentence: String,
    pub(super) all: Vec<Pattern>,
    pub(super) any: Vec<Pattern>,
    pub(super) none: Vec<Pattern>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    verdict: Verdict,
    score: u8,
    sentence: String,
    #[serde(default)]
    scope: Scope,
    #[serde(default)]
    against: Against,
    #[serde(default)]
    all: Vec<Spanned<Pattern>>,
    #[serde(default)]
    any: Vec<Spanned<Pattern>>,
    #[serde(default)]
    none: Vec<Spanned<Pattern>>,
}

/// Where a rule's patterns must meet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Scope {
    /// In one file.
    #[default]
    File,
    /// Anywhere in the release.
    Release,
}

/// What something is new in comparison with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Against {
    /// The cleared releases before it.
    #[default]
    Before,
    /// The other artifacts of the same release. Only code that none of them has is looked at.
    Siblings,
}

/// What one part of a rule matches: exactly one of the first group, narrowed by the second.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Pattern {
    /// An act of one of these capabilities.
    pub(super) act: Vec<Capability>,
    /// Data from one of these sources that reaches an act of one of `to`.
    pub(super) flow: Vec<Source>,
    pub(super) to: Vec<Capability>,
    /// A file that looks like one of these.
    pub(super) mark: Vec<MarkKind>,
    /// A text that speaks of one of these.
    pub(super) mention: Vec<Topic>,
    /// A place where code starts at one of these events.
    pub(super) start: Vec<Trigger>,
    /// Something that is installed with it, from one of these.
    pub(super) need: Vec<NeedFrom>,
    /// A file whose path ends like one of these.
    pub(super) file: Vec<String>,
    /// The share of the content that is gone, in percent, at least.
    pub(super) lost: Option<u32>,

    /// The event that reaches it.
    pub(super) trigger: Vec<Trigger>,
    /// The detail, word or name contains one of these, regardless of case.
    pub(super) detail: Vec<String>,
    /// And none of these.
    pub(super) not: Vec<String>,
    /// The amount of a mark, or how many different ones there are, at least.
    pub(super) least: Option<u32>,
    /// At most.
    pub(super) most: Option<u32>,
    /// It stands in a layer that was peeled off.
    pub(super) peeled: Option<bool>,
    /// It names a file that the same file writes.
    pub(super) written: bool,
    /// The language of the file.
    pub(super) language: Vec<Language>,
    /// What a need is for.
    pub(super) role: Vec<NeedRole>,
    /// It is new.
    pub(super) new: Option<New>,
}

/// In which sense something is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum New {
    /// No cleared release had it at all, at any event that early.
    First,
    /// No cleared release had it with this detail.
    Detail,
    /// No cleared release had it with this detail on a line like this.
    Place,
}

impl Rule {
    /// Reads a rule's file. Its name is the file's.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, RuleError> {
        let fail = |(line, what): (usize, String)| RuleError { file: file.to_owned(), line, what };
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file).trim_end_matches(".md").to_owned();
        let title = title(&name, text).map_err(|what| fail((1, what.to_owned())))?;
        let (table, read) = table(text).map_err(fail)?;
        let plain = |patterns: Vec<Spanned<Pattern>>| patterns.into_iter().map(Spanned::into_inner).collect();
        let after_title = text.split_once('\n').map_or("", |(_, rest)| rest);
        let explanation = after_title.split("```").next().unwrap_or_default().trim().to_owned();
        Ok(Self {
            name,
            title: title.to_owned(),
            explanation,
            table: table.to_owned(),
            verdict: read.verdict,
            score: read.score.min(100),
            scope: read.scope,
            against: read.against,
            sentence: read.sentence,
            all: plain(read.all),
            any: plain(read.any),
            none: plain(read.none),
        })
    }

    /// True if it matches only what no cleared release had.
    pub(super) fn asks_for_news(&self) -> bool {
        self.all.iter().chain(&self.any).any(|pattern| pattern.new.is_some() || pattern.lost.is_some())
    }

    /// True if it looks at what nobody who installs a package runs: workflows and tests.
    pub(super) fn is_about_the_unused(&self) -> bool {
        self.all.iter().any(|pattern| pattern.trigger.contains(&Trigger::Never))
    }

    /// What it says of a release in which it matches at these places. `{}` is the first place's detail.
    pub(super) fn sentence(&self, places: &[Place]) -> String {
        let detail = places.first().and_then(|place| place.what.split_once(' ')).map_or("", |(_, detail)| detail);
        let quoted: String = detail.chars().filter(|c| !c.is_control() && *c != '`').take(QUOTED).collect();
        let sentence = if quoted.is_empty() {
            self.sentence.replace(" `{}`", "").replace("{}", "something unknown")
        } else {
            self.sentence.replace("{}", &quoted)
        };
        placed(sentence, places)
    }
}

/// A sentence with the first of the places.
pub(super) fn placed(sentence: String, places: &[Place]) -> String {
    match places.first() {
        Some(place) if place.line > 0 => format!("{sentence} ({}:{})", place.path, place.line),
        Some(place) if !place.path.is_empty() => format!("{sentence} ({})", place.path),
        _ => sentence,
    }
}

impl Pattern {
    fn check(&self) -> Result<(), &'static str> {
        let kinds = [
            !self.act.is_empty(),
            !self.flow.is_empty(),
            !self.mark.is_empty(),
            !self.mention.is_empty(),
            !self.start.is_empty(),
            !self.need.is_empty(),
            !self.file.is_empty(),
            self.lost.is_some(),
        ];
        match kinds.into_iter().filter(|given| *given).count() {
            1 if !self.flow.is_empty() && self.to.is_empty() => Err("a `flow` needs `to`"),
            1 => Ok(()),
            _ => Err("a pattern has exactly one of `act`, `flow`, `mark`, `mention`, `start`, `need`, `file`, `lost`"),
        }
    }
}

/// The title of a rule with this name.
fn title<'a>(name: &str, text: &'a str) -> Result<&'a str, &'static str> {
    if text.len() > MAX_FILE {
        return Err("the file is longer than the 256 KiB that a rule may have");
    }
    let is_kebab = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(is_kebab) {
        return Err("its file must be named in kebab case, such as `environment-sent.md`");
    }
    let title = text.lines().find_map(|line| line.strip_prefix("# ")).map(str::trim);
    title.ok_or("it has no title: a line that begins with `# `")
}

/// The table as written and as read, or what is wrong with it, on which line of the file.
fn table(text: &str) -> Result<(&str, Table), (usize, String)> {
    let (_, table) =
        fenced(text, "toml").next().ok_or_else(|| (1, "it has no table: a fenced block of `toml`".to_owned()))?;
    // The block is a part of the text.
    let before = table.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    let line = |offset: usize| {
        text.get(..before.saturating_add(offset)).unwrap_or(text).matches('\n').count().saturating_add(1)
    };
    let read: Table = toml::from_str(table)
        .map_err(|error| (line(error.span().map_or(0, |span| span.start)), error.message().trim().to_owned()))?;
    let patterns = || read.all.iter().chain(&read.any).chain(&read.none);
    if patterns().count() > MAX_PATTERNS {
        return Err((line(0), format!("it has more than {MAX_PATTERNS} patterns")));
    }
    for pattern in patterns() {
        pattern.get_ref().check().map_err(|what| (line(pattern.span().start), what.to_owned()))?;
    }
    if read.all.is_empty() && read.any.is_empty() {
        return Err((line(0), "it has no pattern: `[[all]]` or `[[any]]`".to_owned()));
    }
    Ok((table, read))
}

/// The fenced blocks whose first word is this, with the rest of that line.
pub(super) fn fenced<'a>(text: &'a str, language: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    blocks(text).filter(move |(info, _)| info.split_whitespace().next() == Some(language))
}

/// All fenced blocks: the info string and the content.
pub(super) fn blocks(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find("```")?;
        let opened = &rest[start + 3..];
        let (info, body) = opened.split_once('\n')?;
        let end = body.find("\n```").map_or_else(|| body.strip_prefix("```").map(|_| 0), |end| Some(end + 1))?;
        rest = &body[end + 3..];
        Some((info.trim(), &body[..end]))
    })
}
