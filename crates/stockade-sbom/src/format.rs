//! The formats, and what leads to them.

use std::fmt;

use serde::Serialize;

use crate::json::{Json, Object};
use crate::notes::{Notes, shown};
use crate::{Bom, Problem, ProblemKind, Vulnerability, cyclonedx, spdx2, spdx3};

/// The largest document that is read, in bytes. The largest of real images have a few hundred thousand parts and less
/// than this.
pub const MAX_DOCUMENT: usize = 100 << 20;
/// How many parts a document may have; those that follow are not read, and that is said.
pub const MAX_COMPONENTS: usize = 500_000;

/// The format of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "&'static str")]
pub enum Format {
    /// CycloneDX 1.2, as JSON.
    CycloneDx12,
    /// CycloneDX 1.3, as JSON.
    CycloneDx13,
    /// CycloneDX 1.4, as JSON.
    CycloneDx14,
    /// CycloneDX 1.5, as JSON.
    CycloneDx15,
    /// CycloneDX 1.6, as JSON.
    CycloneDx16,
    /// CycloneDX 1.7, as JSON.
    CycloneDx17,
    /// SPDX 2.2, as JSON.
    Spdx22,
    /// SPDX 2.3, as JSON.
    Spdx23,
    /// SPDX 3.0.1, as JSON-LD.
    Spdx301,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::CycloneDx12,
        Self::CycloneDx13,
        Self::CycloneDx14,
        Self::CycloneDx15,
        Self::CycloneDx16,
        Self::CycloneDx17,
        Self::Spdx22,
        Self::Spdx23,
        Self::Spdx301,
    ];

    /// `CycloneDX 1.6`, `SPDX 2.3`: for sentences.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CycloneDx12 => "CycloneDX 1.2",
            Self::CycloneDx13 => "CycloneDX 1.3",
            Self::CycloneDx14 => "CycloneDX 1.4",
            Self::CycloneDx15 => "CycloneDX 1.5",
            Self::CycloneDx16 => "CycloneDX 1.6",
            Self::CycloneDx17 => "CycloneDX 1.7",
            Self::Spdx22 => "SPDX 2.2",
            Self::Spdx23 => "SPDX 2.3",
            Self::Spdx301 => "SPDX 3.0.1",
        }
    }

    /// The format that a document says it is in.
    fn of(document: &Object<'_>) -> Result<Self, String> {
        let text = |key: &str| document.get(key).and_then(Json::as_text);
        let named = |name: &str| Self::ALL.into_iter().find(|format| format.name() == name);
        if text("bomFormat") == Some("CycloneDX") {
            let version = text("specVersion").unwrap_or_default();
            return named(&format!("CycloneDX {version}"))
                .ok_or_else(|| format!("is CycloneDX of the version {}, which is not known here", shown(version)));
        }
        if let Some(version) = text("spdxVersion") {
            return named(&version.replacen('-', " ", 1))
                .ok_or_else(|| format!("is SPDX of the version {}, which is not known here", shown(version)));
        }
        match text("@context") {
            Some(spdx3::CONTEXT) => Ok(Self::Spdx301),
            Some(other) => Err(format!("is JSON-LD of {}, which is not SPDX 3.0.1", shown(other))),
            None => Err("is neither CycloneDX nor SPDX as JSON".to_owned()),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Format> for &'static str {
    fn from(format: Format) -> Self {
        format.name()
    }
}

/// A format that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// CycloneDX 1.6, as JSON.
    CycloneDx16,
    /// CycloneDX 1.7, as JSON.
    CycloneDx17,
    /// SPDX 2.3, as JSON.
    Spdx23,
    /// SPDX 3.0.1, as JSON-LD.
    Spdx301,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::CycloneDx16, Self::CycloneDx17, Self::Spdx23, Self::Spdx301];

    /// The format in which a document of it is read.
    pub const fn format(self) -> Format {
        match self {
            Self::CycloneDx16 => Format::CycloneDx16,
            Self::CycloneDx17 => Format::CycloneDx17,
            Self::Spdx23 => Format::Spdx23,
            Self::Spdx301 => Format::Spdx301,
        }
    }
}

/// What was understood of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The format that it says it is in; `None` if it is none that is read.
    pub format: Option<Format>,
    /// The list; `None` if nothing could be read. It is in [normal form](Bom::normal).
    pub bom: Option<Bom>,
    /// What did not become a part of the list, the worst first.
    pub problems: Vec<Problem>,
}

/// A document in another format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The document; `None` if nothing could be read.
    pub document: Option<Vec<u8>>,
    /// What of the first document is not in it.
    pub problems: Vec<Problem>,
}

/// Reads a document in any of the [formats](Format).
pub fn read(document: &[u8]) -> Read {
    let unreadable = |what: String| {
        let mut notes = Notes::default();
        notes.note(ProblemKind::Unreadable, "", what);
        Read { format: None, bom: None, problems: notes.problems() }
    };
    let json = match parsed(document) {
        Ok(json) => json,
        Err(what) => return unreadable(what),
    };
    let Some(object) = json.as_object() else { return unreadable("is JSON, and no object".to_owned()) };
    let format = match Format::of(object) {
        Ok(format) => format,
        Err(what) => return unreadable(what),
    };
    let mut notes = Notes::default();
    let bom = match format {
        Format::Spdx22 | Format::Spdx23 => spdx2::read(object, &mut notes),
        Format::Spdx301 => spdx3::read(object, &mut notes),
        _ => cyclonedx::read(object, &mut notes),
    };
    Read { format: Some(format), bom: Some(bom.normal()), problems: notes.problems() }
}

fn parsed(document: &[u8]) -> Result<Json<'_>, String> {
    if document.len() > MAX_DOCUMENT {
        return Err(format!("has more than {} MiB", MAX_DOCUMENT >> 20));
    }
    // Windows' editors put a byte order mark before it, which JSON does not allow and everybody reads.
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    Json::read(document).map_err(|error| format!("is not JSON: {error}"))
}

/// The format of a document, or why it has none.
pub(crate) fn format_of(document: &[u8]) -> Result<Format, String> {
    let json = parsed(document)?;
    Format::of(json.as_object().ok_or("is JSON, and no object")?)
}

/// Writes a list as a document. Equal lists, in whatever order their parts are, make equal bytes.
pub fn write(bom: &Bom, target: Target) -> Vec<u8> {
    let bom = bom.normal();
    match target {
        Target::CycloneDx16 | Target::CycloneDx17 => cyclonedx::write(&bom, target, &[]),
        Target::Spdx23 => spdx2::write(&bom),
        Target::Spdx301 => spdx3::write(&bom),
    }
}

/// The same as CycloneDX 1.6, or 1.7, with what is known of the vulnerabilities of its parts.
pub fn write_vulnerabilities(bom: &Bom, newest: bool, vulnerabilities: &[Vulnerability]) -> Vec<u8> {
    let target = if newest { Target::CycloneDx17 } else { Target::CycloneDx16 };
    cyclonedx::write(&bom.normal(), target, vulnerabilities)
}

/// Reads a document and writes what was understood in another format.
pub fn convert(document: &[u8], target: Target) -> Converted {
    let Read { bom, problems, .. } = read(document);
    Converted { document: bom.map(|bom| write(&bom, target)), problems }
}
