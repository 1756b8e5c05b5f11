//! A policy document: what a person writes, checked while it is read.
//!
//! Every check happens inside `Deserialize`, so that the parser still knows the place and an error can name the line.
//! What is left unsaid stays unsaid here: defaults belong to the base layer, not to a document.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::de::{self, MapAccess};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use stockade_model::{GapKind, Pattern, Release, Verdict};

use crate::duration::Age;
use crate::index;
use crate::rules::{Rule, is_kebab};
use crate::words;

/// How long a document may be, in bytes.
pub(crate) const MAX_DOCUMENT: usize = 1024 * 1024;
/// How many entries each list may have.
pub(crate) const MAX_ENTRIES: usize = 10_000;
/// How many custom rules there may be.
pub(crate) const MAX_RULES: usize = 100;
/// How long a pattern may be, in bytes.
pub(crate) const MAX_PATTERN: usize = 512;
/// How long a sentence of the author may be, in characters.
pub(crate) const MAX_LINE: usize = 300;

/// Whether rulings are enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// What is held or denied is not served.
    Enforce,
    /// Rulings are recorded, and only bytes that failed the integrity comparison are refused.
    Audit,
}

/// The document of one layer.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<Mode>,
    #[serde(skip_serializing_if = "Cooldowns::is_empty")]
    pub(crate) cooldown: Cooldowns,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) gaps: BTreeMap<GapKind, Verdict>,
    #[serde(skip_serializing_if = "Advisories::is_empty")]
    pub(crate) advisories: Advisories,
    #[serde(skip_serializing_if = "Inspecting::is_empty")]
    pub(crate) inspection: Inspecting,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) deny: Vec<Denied>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allow: Vec<Allowed>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) rule: Vec<Rule>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) exception: Vec<Exception>,
}

impl Document {
    /// What only the whole document can tell: the lengths of its lists and names that must differ.
    pub(crate) fn check(&self) -> Result<(), String> {
        let lists = [
            ("cooldown.for", self.cooldown.packages.len(), MAX_ENTRIES),
            ("cooldown", self.cooldown.ecosystems.len(), MAX_ENTRIES),
            ("deny", self.deny.len(), MAX_ENTRIES),
            ("allow", self.allow.len(), MAX_ENTRIES),
            ("exception", self.exception.len(), MAX_ENTRIES),
            ("inspection.rules", self.inspection.rules.len(), MAX_ENTRIES),
            ("rule", self.rule.len(), MAX_RULES),
        ];
        if let Some((name, length, limit)) = lists.into_iter().find(|(_, length, limit)| length > limit) {
            return Err(format!(
                "`{name}` has {length} entries, more than the limit of {limit}; use patterns with `*`"
            ));
        }
        for (at, rule) in self.rule.iter().enumerate() {
            if self.rule[..at].iter().any(|earlier| earlier.name() == rule.name()) {
                return Err(format!("two rules are named `{}`; a report could not tell them apart", rule.name()));
            }
        }
        Ok(())
    }

    /// Every pattern of the document.
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        let cooldowns = self.cooldown.packages.iter().map(|entry| &entry.pattern);
        let denied = self.deny.iter().map(|entry| &entry.pattern);
        let allowed = self.allow.iter().map(|entry| &entry.pattern);
        cooldowns.chain(denied).chain(allowed).chain(self.exception.iter().map(|entry| &entry.pattern))
    }
}

/// `[cooldown]`: minimum ages. Every key but `default`, `fixes` and `for` is an ecosystem's id, which this crate does not know.
#[derive(Debug, Default)]
pub(crate) struct Cooldowns {
    pub(crate) default: Option<Age>,
    /// Whether fixes of what was given out need not wait.
    pub(crate) fixes: Option<bool>,
    pub(crate) ecosystems: BTreeMap<String, Age>,
    pub(crate) packages: Vec<CooldownFor>,
}

impl Cooldowns {
    fn is_empty(&self) -> bool {
        self.default.is_none() && self.fixes.is_none() && self.ecosystems.is_empty() && self.packages.is_empty()
    }
}

impl Serialize for Cooldowns {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(age) = self.default {
            map.serialize_entry("default", &age)?;
        }
        if let Some(fixes) = self.fixes {
            map.serialize_entry("fixes", &fixes)?;
        }
        for (ecosystem, age) in &self.ecosystems {
            map.serialize_entry(ecosystem, age)?;
        }
        if !self.packages.is_empty() {
            map.serialize_entry("for", &self.packages)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Cooldowns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Cooldowns;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table such as `[cooldown]` with `default = \"72h\"`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cooldowns, A::Error> {
                let mut cooldowns = Cooldowns::default();
                while let Some(key) = map.next_key()? {
                    match key {
                        Key::Default => cooldowns.default = Some(map.next_value()?),
                        Key::Fixes => cooldowns.fixes = Some(map.next_value()?),
                        Key::For => cooldowns.packages = map.next_value()?,
                        Key::Ecosystem(id) => {
                            cooldowns.ecosystems.insert(id, map.next_value()?);
                        }
                    }
                }
                Ok(cooldowns)
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
enum Key {
    Default,
    Fixes,
    For,
    Ecosystem(String),
}

impl TryFrom<String> for Key {
    type Error = String;

    fn try_from(key: String) -> Result<Self, String> {
        /// The grammar of a purl's type.
        fn is_ecosystem(key: &str) -> bool {
            key.len() <= 64
                && key.starts_with(|c: char| c.is_ascii_lowercase())
                && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+.-".contains(&byte))
        }
        match key.as_str() {
            "default" => Ok(Self::Default),
            "fixes" => Ok(Self::Fixes),
            "for" => Ok(Self::For),
            _ if is_ecosystem(&key) => Ok(Self::Ecosystem(key)),
            _ => {
                let key = words::shown(&key);
                Err(format!(
                    "`{key}` is no key of `cooldown`; the keys are `default`, `fixes`, `for` and the ids of ecosystems"
                ))
            }
        }
    }
}

/// `[[cooldown.for]]`: a minimum age for some packages.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CooldownFor {
    #[serde(rename = "match", deserialize_with = "package_pattern")]
    pub(crate) pattern: Pattern,
    pub(crate) age: Age,
}

/// `[advisories]`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advisories {
    /// What an advisory that is not about malware asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vulnerable: Option<Verdict>,
}

impl Advisories {
    fn is_empty(&self) -> bool {
        self.vulnerable.is_none()
    }
}

/// `[inspection]`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Inspecting {
    /// Whether the content of releases is inspected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) enabled: Option<bool>,
    /// What a rule asks for, by its name, in the place of what it asks for by itself.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) rules: BTreeMap<RuleName, Verdict>,
}

impl Inspecting {
    fn is_empty(&self) -> bool {
        self.enabled.is_none() && self.rules.is_empty()
    }
}

/// The name of an inspector's rule. Which there are, this crate does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RuleName(String);

impl RuleName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// So that a rule is found by its name.
impl Borrow<str> for RuleName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RuleName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if is_kebab(&name) {
            return Ok(Self(name));
        }
        let shown = words::cut(&words::shown(&name), 40);
        Err(format!("`{shown}` is no name of a rule; a name is kebab case, such as `install-hook-gained`"))
    }
}

/// `[[deny]]`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Denied {
    #[serde(rename = "match", deserialize_with = "pattern")]
    pub(crate) pattern: Pattern,
    pub(crate) reason: Line,
}

/// `[[allow]]`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allowed {
    #[serde(rename = "match", deserialize_with = "pattern")]
    pub(crate) pattern: Pattern,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Line>,
}

/// `[[exception]]`: the only way to loosen a policy, and only for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenException")]
pub struct Exception {
    #[serde(rename = "match")]
    pattern: Pattern,
    reason: Line,
    by: Line,
    expires: Timestamp,
    waives: Vec<Waivable>,
}

impl Exception {
    /// What it covers.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Why it was made.
    pub fn reason(&self) -> &str {
        &self.reason.0
    }

    /// Who made it.
    pub fn by(&self) -> &str {
        &self.by.0
    }

    /// The first instant at which it has no effect any more.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// What it waives.
    pub fn waives(&self) -> &[Waivable] {
        &self.waives
    }

    /// True if it has no effect any more.
    pub fn expired(&self, now: Timestamp) -> bool {
        now >= self.expires
    }

    /// True if it covers this release, expired or not.
    pub fn matches(&self, release: &Release) -> bool {
        self.pattern.matches(release)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenException {
    #[serde(rename = "match", deserialize_with = "pattern")]
    pattern: Pattern,
    reason: Line,
    by: Line,
    expires: Expiry,
    #[serde(default = "Waivable::default_list")]
    waives: Vec<Waivable>,
}

impl TryFrom<WrittenException> for Exception {
    type Error = String;

    fn try_from(written: WrittenException) -> Result<Self, String> {
        let WrittenException { pattern, reason, by, expires, mut waives } = written;
        if waives.is_empty() {
            return Err("`waives` is empty, so the exception would do nothing; name what it waives".to_owned());
        }
        if waives.contains(&Waivable::Malware) && !index::is_exact(&pattern) {
            return Err(format!(
                "`{pattern}` may cover several releases; an exception that waives `malware` must name one, \
                 with its version and without `*`"
            ));
        }
        waives.sort_unstable();
        waives.dedup();
        Ok(Self { pattern, reason, by, expires: expires.0, waives })
    }
}

/// What an exception can waive. A failed integrity comparison and a person's denial are not among it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Waivable {
    /// The minimum age.
    Cooldown,
    /// That everything is frozen.
    Freeze,
    /// What could not be looked at.
    Gap,
    /// Custom rules.
    Rule,
    /// Entries of the deny list.
    Deny,
    /// That the release is not on the allow-list.
    AllowList,
    /// Advisories that are not about malware, where the policy acts on them.
    Advisory,
    /// A malware advisory; the exception must name one release.
    Malware,
    /// Everything that the inspection of the content found.
    Inspection,
    /// What one rule of the inspection found: `inspection.install-hook-gained`.
    Finding(String),
}

impl Waivable {
    /// The words for what has one.
    const WORDS: [(&str, Self); 9] = [
        ("cooldown", Self::Cooldown),
        ("freeze", Self::Freeze),
        ("gap", Self::Gap),
        ("rule", Self::Rule),
        ("deny", Self::Deny),
        ("allow-list", Self::AllowList),
        ("advisory", Self::Advisory),
        ("malware", Self::Malware),
        ("inspection", Self::Inspection),
    ];
    /// What stands before a rule's name.
    const FINDING: &str = "inspection.";

    fn default_list() -> Vec<Self> {
        vec![Self::Cooldown]
    }
}

impl TryFrom<String> for Waivable {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some((_, waivable)) = Self::WORDS.into_iter().find(|(word, _)| *word == text) {
            return Ok(waivable);
        }
        if let Some(rule) = text.strip_prefix(Self::FINDING) {
            return Ok(Self::Finding(RuleName::try_from(rule.to_owned())?.0));
        }
        let words = Self::WORDS.map(|(word, _)| format!("`{word}`")).join(", ");
        let shown = words::cut(&words::shown(&text), 40);
        Err(format!("unknown variant `{shown}`; what can be waived is {words}, or one rule as `inspection.RULE`"))
    }
}

impl From<Waivable> for String {
    fn from(waivable: Waivable) -> Self {
        match &waivable {
            Waivable::Finding(rule) => format!("{}{rule}", Waivable::FINDING),
            plain => Waivable::WORDS
                .iter()
                .find(|(_, known)| known == plain)
                .map(|(word, _)| (*word).to_owned())
                .unwrap_or_default(),
        }
    }
}

/// A sentence of the policy's author: something, on one line, of bounded length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Line(String);

impl Line {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Line {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Err("this is empty; say something that a person can act on".to_owned());
        }
        if trimmed.chars().count() > MAX_LINE {
            return Err(format!("this is longer than {MAX_LINE} characters; say it shorter"));
        }
        if trimmed.chars().any(words::hides) {
            return Err("this has a line break or an invisible character; write it on one line".to_owned());
        }
        Ok(Self(trimmed.to_owned()))
    }
}

/// A date or an instant. A date ends with its beginning: `2026-12-31` is the first instant of that day, in UTC.
struct Expiry(Timestamp);

impl FromStr for Expiry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let day =
            |text: &str| text.parse::<Date>().and_then(|date| date.to_zoned(TimeZone::UTC)).map(|day| day.timestamp());
        let instant = if text.len() == "2026-12-31".len() { day(text) } else { text.parse() };
        instant.map(Self).map_err(|_| {
            let text = words::cut(&words::shown(text), 40);
            format!("`{text}` is neither a date nor an instant; write `2026-12-31` or `2026-12-31T12:00:00Z`")
        })
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// TOML has dates of its own, and people quote them or not.
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a date such as 2026-12-31 or an instant such as 2026-12-31T12:00:00Z")]
        enum Written {
            Quoted(String),
            Bare(toml::value::Datetime),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Quoted(text) => text,
            Written::Bare(datetime) => datetime.to_string(),
        };
        text.parse().map_err(de::Error::custom)
    }
}

fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
    let pattern = Pattern::deserialize(deserializer)?;
    if pattern.as_str().len() > MAX_PATTERN {
        return Err(de::Error::custom(format!("a pattern may have {MAX_PATTERN} bytes; this one is longer")));
    }
    Ok(pattern)
}

fn package_pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
    let pattern = pattern(deserializer)?;
    let names_version = pattern.as_str().parse::<stockade_model::Purl>().is_ok_and(|purl| purl.version.is_some());
    if names_version {
        let what = format!("`{pattern}` names a version; a cooldown is for all versions of a package, so leave it out");
        return Err(de::Error::custom(what));
    }
    Ok(pattern)
}
