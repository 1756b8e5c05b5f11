//! Whether a document is as the official schema of its format says. The schemas are part of the program, so nothing is
//! fetched (`schemas/README.md`).
//!
//! A schema sees the form and not the sense: an edge to a part that is not there passes. [`crate::read`] tells such
//! things.

use std::sync::OnceLock;

use jsonschema::{Registry, Validator};
use serde::Serialize;
use serde_json::Value;

use crate::Format;
use crate::format::{MAX_DOCUMENT, format_of};

/// How many violations of one document are told.
const MAX_VIOLATIONS: usize = 100;
/// A violation repeats the value that it is about; what is longer is cut, in characters.
const SHOWN: usize = 300;

/// What the schemas of CycloneDX refer to, under the name that they use.
const SHARED: [(&str, &str); 3] = [
    ("http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json", include_str!("../schemas/spdx.SNAPSHOT.schema.json")),
    (
        "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json",
        include_str!("../schemas/jsf-0.82.SNAPSHOT.schema.json"),
    ),
    (
        "http://cyclonedx.org/schema/cryptography-defs.SNAPSHOT.schema.json",
        include_str!("../schemas/cryptography-defs.SNAPSHOT.schema.json"),
    ),
];

/// A place where a document is not as its schema says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invalid {
    /// Where, as a JSON pointer. Empty for the document as a whole.
    pub place: String,
    /// What the schema says of it.
    pub what: String,
}

/// Why a document could not be compared with a schema. It is then neither valid nor invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unchecked {
    /// It is in no format that is read.
    #[error("it {0}")]
    Unreadable(String),
    /// No schema of the format is at hand.
    #[error("no official schema of {0} is part of this program")]
    NoSchema(Format),
    /// A schema of ours cannot be used.
    #[error("the schema of {0} cannot be used: {1}")]
    Broken(Format, String),
}

/// Compares a document with the official schema of its format. An empty list is a valid document.
pub fn validate(document: &[u8]) -> Result<(Format, Vec<Invalid>), Unchecked> {
    let format = format_of(document).map_err(Unchecked::Unreadable)?;
    let validator = validator(format)?;
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    debug_assert!(document.len() <= MAX_DOCUMENT, "larger ones have no format");
    let value: Value =
        serde_json::from_slice(document).map_err(|error| Unchecked::Unreadable(format!("is not JSON: {error}")))?;
    let invalid = validator.iter_errors(&value).take(MAX_VIOLATIONS).map(|error| Invalid {
        place: error.instance_path().to_string(),
        what: error.to_string().chars().take(SHOWN).collect(),
    });
    Ok((format, invalid.collect()))
}

/// The schema of a format, compiled once: the newest take tens of milliseconds.
fn validator(format: Format) -> Result<&'static Validator, Unchecked> {
    static COMPILED: [OnceLock<Result<Validator, String>>; Format::ALL.len()] =
        [const { OnceLock::new() }; Format::ALL.len()];
    let text = schema(format).ok_or(Unchecked::NoSchema(format))?;
    let compiled = COMPILED[format as usize].get_or_init(|| compile(text).map_err(|error| error.to_string()));
    compiled.as_ref().map_err(|error| Unchecked::Broken(format, error.clone()))
}

fn schema(format: Format) -> Option<&'static str> {
    match format {
        Format::CycloneDx12 => Some(include_str!("../schemas/bom-1.2.SNAPSHOT.schema.json")),
        Format::CycloneDx13 => Some(include_str!("../schemas/bom-1.3.SNAPSHOT.schema.json")),
        Format::CycloneDx14 => Some(include_str!("../schemas/bom-1.4.SNAPSHOT.schema.json")),
        Format::CycloneDx15 => Some(include_str!("../schemas/bom-1.5.SNAPSHOT.schema.json")),
        Format::CycloneDx16 => Some(include_str!("../schemas/bom-1.6.SNAPSHOT.schema.json")),
        Format::CycloneDx17 => Some(include_str!("../schemas/bom-1.7.SNAPSHOT.schema.json")),
        Format::Spdx22 => None,
        Format::Spdx23 => Some(include_str!("../schemas/spdx-2.3.schema.json")),
        Format::Spdx301 => Some(include_str!("../schemas/spdx-3.0.1.schema.json")),
    }
}

fn compile(schema: &str) -> Result<Validator, Box<dyn std::error::Error>> {
    let mut shared = Registry::new();
    for (name, text) in SHARED {
        shared = shared.add(name, serde_json::from_str::<Value>(text)?)?;
    }
    let shared = shared.prepare()?;
    Ok(jsonschema::options().offline().with_registry(&shared).build(&serde_json::from_str(schema)?)?)
}
