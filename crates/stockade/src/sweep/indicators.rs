//! A list of indicators, as people write it: one a line.
//!
//! A line that cannot be understood is an error of the whole list. Whoever looks for twenty things and is told "no finding"
//! about nineteen has been told something wrong.

use std::fmt;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use stockade_model::Release;

use super::osv;
use crate::errors::hinted;
use crate::{files, subject};

/// The most indicators that are looked for at once.
const MAX_INDICATORS: usize = 200_000;
/// The fewest bytes of a text that tells anything, and the most.
const MIN_TEXT: usize = 4;
const MAX_TEXT: usize = 4096;
const GRAMMAR: &str = "a line is a digest (`sha256:…`, or its hexadecimal digits), `file:NAME`, \
                       `pkg:TYPE/NAME@VERSION`, `host:NAME`, `string:TEXT` or `\"TEXT\"`; `#` begins a remark";

/// Something to look for, and where it was said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Indicator {
    #[serde(flatten)]
    pub(crate) what: What,
    /// The line of the list, or the record.
    pub(crate) source: String,
}

/// What there is to look for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "kind", content = "value", rename_all = "kebab-case")]
pub(crate) enum What {
    /// The digest of a file, in lower-case hexadecimal digits.
    Md5(String),
    Sha1(String),
    Sha256(String),
    Sha512(String),
    /// The name of a file, or the end of its path, with `*`.
    File(String),
    /// A release.
    Package(#[serde(serialize_with = "as_purl")] Release),
    /// A domain or an address of the internet: a word of its own.
    Host(String),
    /// Bytes anywhere.
    String(String),
}

/// What there is to look for.
#[derive(Debug, Default)]
pub(crate) struct Indicators {
    pub(crate) all: Vec<Indicator>,
    /// What a record has besides and nobody looks for.
    pub(crate) unread: Vec<String>,
}

impl Indicators {
    /// Reads a list: lines, or records of OSV as JSON.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = files::read_text(path)?.with_context(|| format!("`{}` does not exist", path.display()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut indicators = if text.trim_start().starts_with(['{', '[']) {
            osv::read(text).with_context(|| format!("`{}` could not be read", path.display()))?
        } else {
            lines(text, path)?
        };
        indicators.all.sort();
        indicators.all.dedup_by(|one, other| one.what == other.what);
        match indicators.all.len() {
            0 => Err(hinted(format!("`{}` names nothing to look for", path.display()), GRAMMAR)),
            1..=MAX_INDICATORS => Ok(indicators),
            count => anyhow::bail!(
                "`{}` has {count} indicators, and {MAX_INDICATORS} are looked for at once",
                path.display()
            ),
        }
    }
}

fn lines(text: &str, path: &Path) -> anyhow::Result<Indicators> {
    let mut indicators = Indicators::default();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let what =
            of_line(line).map_err(|why| hinted(format!("`{}` line {number}: {why}", path.display()), GRAMMAR))?;
        indicators.all.push(Indicator { what, source: format!("line {number}") });
    }
    Ok(indicators)
}

fn of_line(line: &str) -> Result<What, String> {
    if line.starts_with('"') {
        let text = serde_json::from_str::<String>(line)
            .map_err(|error| format!("the text in `\"` cannot be read: {error}"))?;
        return What::text(&text);
    }
    if line.starts_with("pkg:") {
        return What::package(line);
    }
    match line.split_once(':') {
        Some(("string", text)) => What::text(text),
        Some(("host", name)) => What::host(name),
        Some(("file", name)) => What::file(name),
        Some((algorithm, digits)) => What::digest(Some(algorithm), digits),
        None => What::digest(None, line),
    }
}

/// Makes an indicator of the hexadecimal digits of a digest.
type OfDigits = fn(String) -> What;

/// The algorithms, and how many hexadecimal digits their digests have.
const DIGESTS: [(&str, usize, OfDigits); 4] =
    [("md5", 32, What::Md5), ("sha1", 40, What::Sha1), ("sha256", 64, What::Sha256), ("sha512", 128, What::Sha512)];

impl What {
    /// A digest: of a named algorithm, or of that whose digests have as many digits.
    pub(super) fn digest(algorithm: Option<&str>, digits: &str) -> Result<Self, String> {
        let digits = digits.trim().to_ascii_lowercase();
        let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let algorithm = algorithm.map(|name| name.to_ascii_lowercase().replace('-', ""));
        let wanted = DIGESTS.iter().find(|(name, length, _)| match &algorithm {
            Some(algorithm) => algorithm == name,
            None => digits.len() == *length,
        });
        match wanted {
            Some((_, length, make)) if is_hex && digits.len() == *length => Ok(make(digits)),
            Some((name, length, _)) if algorithm.is_some() => {
                Err(format!("a {name} digest has {length} hexadecimal digits"))
            }
            _ => Err("it is no indicator".to_owned()),
        }
    }

    /// The name of a file, or the end of its path.
    pub(super) fn file(name: &str) -> Result<Self, String> {
        let name = name.trim().replace('\\', "/");
        let name = ["~", "."].iter().find_map(|home| name.strip_prefix(&format!("{home}/"))).unwrap_or(&name);
        let name = name.trim_start_matches('/');
        if name.bytes().all(|byte| b"*./".contains(&byte)) {
            return Err("it is the name of no file, or of any".to_owned());
        }
        if name.len() > MAX_TEXT { Err(too_long()) } else { Ok(Self::File(name.to_owned())) }
    }

    /// A release, as a package URL.
    pub(super) fn package(purl: &str) -> Result<Self, String> {
        subject::release(purl).map(|release| Self::Package(release.whole())).map_err(|error| error.to_string())
    }

    /// A domain or an address.
    pub(super) fn host(name: &str) -> Result<Self, String> {
        // Reports write them so that nobody follows them by accident.
        let name = name.trim().replace("[.]", ".").replace("(.)", ".").to_ascii_lowercase();
        let is_fine =
            name.len() >= MIN_TEXT && name.bytes().all(|byte| byte.is_ascii_graphic()) && name.contains(['.', ':']);
        if is_fine && name.len() <= MAX_TEXT && !name.contains(['/', '*']) {
            Ok(Self::Host(name))
        } else {
            Err(format!("`{}` is neither a domain nor an address", name.escape_debug()))
        }
    }

    /// Bytes anywhere.
    pub(super) fn text(text: &str) -> Result<Self, String> {
        match text.len() {
            0..MIN_TEXT => Err(format!("a text of fewer than {MIN_TEXT} bytes is everywhere")),
            MIN_TEXT..=MAX_TEXT => Ok(Self::String(text.to_owned())),
            _ => Err(too_long()),
        }
    }
}

fn as_purl<S: serde::Serializer>(release: &Release, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&stockade_model::Purl::of(release))
}

fn too_long() -> String {
    format!("it has more than {MAX_TEXT} bytes")
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Md5(digits) => write!(f, "md5:{digits}"),
            Self::Sha1(digits) => write!(f, "sha1:{digits}"),
            Self::Sha256(digits) => write!(f, "sha256:{digits}"),
            Self::Sha512(digits) => write!(f, "sha512:{digits}"),
            Self::File(name) => write!(f, "file:{name}"),
            Self::Package(release) => write!(f, "{}", stockade_model::Purl::of(release)),
            Self::Host(name) => write!(f, "host:{name}"),
            Self::String(text) => write!(f, "string:{}", text.escape_debug()),
        }
    }
}

#[cfg(test)]
mod tests;
