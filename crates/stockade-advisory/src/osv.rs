//! A record of OSV, as much of it as is looked at.
//!
//! The form is held to where it decides what is affected: a range that is no range makes the whole record a problem. What
//! databases add on their own is read as it comes, since each has its own form.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A record.
#[derive(Debug, Deserialize)]
pub(crate) struct Osv {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) summary: String,
    /// Where there is no summary, the first line of it is one.
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) details: String,
    #[serde(default)]
    pub(crate) published: Option<String>,
    #[serde(default)]
    pub(crate) modified: Option<String>,
    #[serde(default)]
    pub(crate) withdrawn: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) aliases: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) severity: Vec<Severity>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) affected: Vec<Affected>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) database_specific: Specific,
}

/// A package that it is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Affected {
    pub(crate) package: Option<Package>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) severity: Vec<Severity>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) ranges: Vec<Range>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) versions: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) database_specific: Specific,
    #[serde(deserialize_with = "or_default")]
    pub(crate) ecosystem_specific: EcosystemSpecific,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) ecosystem: String,
    pub(crate) name: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Range {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) events: Vec<Event>,
}

/// One event. The schema wants one member each; old records have several, which count as they come here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Event {
    pub(crate) introduced: Option<String>,
    pub(crate) fixed: Option<String>,
    pub(crate) last_affected: Option<String>,
    pub(crate) limit: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Severity {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) score: String,
}

/// What databases say beyond the schema.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Specific {
    /// Weaknesses, as the advisory database of GitHub has them.
    #[serde(deserialize_with = "words")]
    pub(crate) cwe_ids: Vec<String>,
    /// Weaknesses, as the collection of malicious packages has them.
    #[serde(deserialize_with = "words")]
    pub(crate) cwes: Vec<String>,
    /// What RustSec says an advisory is about.
    #[serde(deserialize_with = "words")]
    pub(crate) categories: Vec<String>,
    /// RustSec: about no vulnerability, but this.
    #[serde(deserialize_with = "words")]
    pub(crate) informational: Vec<String>,
    /// `malware`, in the advisory database of GitHub.
    #[serde(rename = "type", deserialize_with = "words")]
    pub(crate) kind: Vec<String>,
    /// `compromise`, in lists that were made records.
    #[serde(rename = "kind", deserialize_with = "words")]
    pub(crate) other_kind: Vec<String>,
    /// A word for how severe it is.
    #[serde(deserialize_with = "words")]
    pub(crate) severity: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EcosystemSpecific {
    /// The database of Go says here what no version of a module can say.
    #[serde(deserialize_with = "or_default")]
    pub(crate) custom_ranges: Vec<Range>,
}

/// `null` is what is not there.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// The texts of whatever stands there: a text, a list of texts, a list of objects with an identifier.
fn words<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    fn word(value: Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text),
            Value::Object(mut members) => ["cweId", "id"].iter().find_map(|key| members.remove(*key).and_then(word)),
            _ => None,
        }
    }
    Ok(match Value::deserialize(from)? {
        Value::Array(values) => values.into_iter().filter_map(word).collect(),
        value => word(value).into_iter().collect(),
    })
}
