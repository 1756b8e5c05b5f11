//! Package URLs: the identity of a release on paper, and patterns over them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{EcosystemId, Name, Package, Release};

/// A package URL (purl-spec, ECMA-427) reduced to what identifies a package, a release or a file of it here: type,
/// namespace, name, version and the qualifier `file_name`. Other qualifiers and the subpath are accepted and dropped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Purl {
    /// The package.
    pub package: Package,
    /// The version, if the purl names a release.
    pub version: Option<String>,
    /// The file, if the purl names one of a release's.
    pub file: Option<String>,
}

/// The qualifier that names a file.
const FILE: &str = "file_name";

impl Purl {
    /// The purl of a release.
    pub fn of(release: &Release) -> Self {
        let Release { package, version, file } = release.clone();
        Self { package, version: Some(version), file }
    }

    /// The release, if a version is named, or the file of it.
    pub fn release(&self) -> Option<Release> {
        let release = self.package.release(self.version.clone()?);
        Some(Release { file: self.file.clone(), ..release })
    }
}

impl FromStr for Purl {
    type Err = MalformedPurl;

    fn from_str(text: &str) -> Result<Self, MalformedPurl> {
        let malformed = |why| MalformedPurl { text: text.chars().take(200).collect(), why };
        let rest = text.strip_prefix("pkg:").ok_or_else(|| malformed("it does not begin with `pkg:`"))?;
        let rest = rest.split('#').next().unwrap_or_default();
        let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        let rest = rest.trim_matches('/');
        let (kind, rest) = rest.split_once('/').ok_or_else(|| malformed("there is no name after the type"))?;
        // `@` inside the namespace (`@acme/left`) is often left unencoded; a version's `@` comes after the last `/`.
        let name_at = rest.rfind('/').map_or(0, |slash| slash + 1);
        let (path, version) = match rest[name_at..].rfind('@') {
            Some(at) if at > 0 => (&rest[..name_at + at], Some(&rest[name_at + at + 1..])),
            _ => (rest, None),
        };
        let decode = |text: &str| decoded(text).ok_or_else(|| malformed("a percent-encoding in it is broken"));
        // The specification passes over slashes that separate nothing; encoded ones would make another name.
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let name = decode(&parts.join("/"))?;
        let mut pairs = qualifiers.split('&').filter_map(|pair| pair.split_once('='));
        let file = pairs.find(|(key, _)| *key == FILE).map(|(_, file)| file);
        if kind.is_empty() || name.split('/').any(str::is_empty) {
            return Err(malformed("type and name must not be empty"));
        }
        Ok(Self {
            package: Package { ecosystem: EcosystemId::read(&kind.to_ascii_lowercase()), name: Name::normalised(name) },
            version: version.filter(|version| !version.is_empty()).map(decode).transpose()?,
            file: file.filter(|file| !file.is_empty()).map(decode).transpose()?,
        })
    }
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/", self.package.ecosystem)?;
        for (at, part) in self.package.name.as_str().split('/').enumerate() {
            f.write_str(if at == 0 { "" } else { "/" })?;
            encode(part, f)?;
        }
        if let Some(version) = &self.version {
            f.write_str("@")?;
            encode(version, f)?;
        }
        if let Some(file) = &self.file {
            write!(f, "?{FILE}=")?;
            encode(file, f)?;
        }
        Ok(())
    }
}

impl Serialize for Purl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Purl {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Writes a part of a name or a version; `:` is allowed bare. A `/` in a version is encoded, or the version would be read
/// as a part of the name.
fn encode(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => {
                write!(f, "{}", char::from(byte))?;
            }
            _ => write!(f, "%{byte:02X}")?,
        }
    }
    Ok(())
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let pair = [rest.next()?, rest.next()?];
        bytes.extend(hex::decode(pair).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// A purl in which `*` stands for any run of characters: `pkg:npm/@acme/*`, `pkg:npm/left-demo@1.*`.
///
/// Without `@version` every version matches. A `*` in the name does not cross `/`, so that `pkg:npm/*` matches names
/// without a scope only; `pkg:*/**` matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: String,
    ecosystem: String,
    name: String,
    version: Option<String>,
}

impl Pattern {
    /// True if the pattern covers this release.
    pub fn matches(&self, release: &Release) -> bool {
        self.matches_package(&release.package)
            && self.version.as_deref().is_none_or(|version| wildcard(version, &release.version))
    }

    /// True if the pattern covers this package, whatever the version.
    pub fn matches_package(&self, package: &Package) -> bool {
        wildcard(&self.ecosystem, package.ecosystem.as_str()) && wildcard(&self.name, package.name.as_str())
    }

    /// The ecosystem that the pattern speaks of; `None` if its type has a `*`.
    pub fn ecosystem(&self) -> Option<&str> {
        (!self.ecosystem.contains('*')).then_some(self.ecosystem.as_str())
    }

    /// True if it covers releases of certain versions only.
    pub fn has_version(&self) -> bool {
        self.version.is_some()
    }

    /// The names that the pattern covers in an ecosystem, with `*` as in the pattern; `None` if it is of others.
    pub fn names_in(&self, ecosystem: &EcosystemId) -> Option<&str> {
        wildcard(&self.ecosystem, ecosystem.as_str()).then_some(self.name.as_str())
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Pattern {
    type Err = MalformedPurl;

    fn from_str(text: &str) -> Result<Self, MalformedPurl> {
        let purl: Purl = text.parse()?;
        Ok(Self {
            text: text.to_owned(),
            ecosystem: purl.package.ecosystem.as_str().to_owned(),
            name: purl.package.name.as_str().to_owned(),
            version: purl.version,
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// True if a text is as a pattern says: matches `*` (not across `/`) and `**` (anything). It keeps one place to go back to for each of the two, so a hostile
/// name costs at most pattern times text squared, over names that are short.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let (mut shallow, mut deep) = (None::<(usize, usize)>, None::<(usize, usize)>);
    loop {
        if pattern[p..].starts_with(b"**") {
            p += 2;
            (deep, shallow) = (Some((p, t)), None);
        } else if pattern.get(p) == Some(&b'*') {
            p += 1;
            shallow = Some((p, t));
        } else if p == pattern.len() && t == text.len() {
            return true;
        } else if p < pattern.len() && t < text.len() && pattern[p] == text[t] {
            (p, t) = (p + 1, t + 1);
        } else if let Some((after, from)) = shallow.filter(|&(_, from)| from < text.len() && text[from] != b'/') {
            shallow = Some((after, from + 1));
            (p, t) = (after, from + 1);
        } else if let Some((after, from)) = deep.filter(|&(_, from)| from < text.len()) {
            (deep, shallow) = (Some((after, from + 1)), None);
            (p, t) = (after, from + 1);
        } else {
            return false;
        }
    }
}

/// Text that is no purl.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a package URL: {why}")]
pub struct MalformedPurl {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(purl: &str) -> Release {
        purl.parse::<Purl>().unwrap().release().unwrap()
    }

    #[test]
    fn a_purl_reads_what_it_prints() {
        for text in ["pkg:npm/left-demo@1.1.0", "pkg:npm/%40acme/left@1.0.0-rc.1%2Bbuild", "pkg:npm/left-demo"] {
            assert_eq!(text.parse::<Purl>().unwrap().to_string(), text);
        }
        assert_eq!("pkg:npm/@acme/left@1.0.0".parse(), "pkg:npm/%40acme/left@1.0.0".parse::<Purl>());
        assert_eq!(release("pkg:npm/a@1?x=y#z").version, "1");
    }

    #[test]
    fn a_purl_may_name_a_file() {
        let text = "pkg:npm/left-demo@1.1.0?file_name=left_demo-1.1.0%2Bcpu.tgz";
        assert_eq!(text.parse::<Purl>().unwrap().to_string(), text);
        assert_eq!(release(text).file.as_deref(), Some("left_demo-1.1.0+cpu.tgz"));
        assert_eq!(release("pkg:npm/a@1?x=y&file_name=a-1.tar.gz#z").file.as_deref(), Some("a-1.tar.gz"));
        assert_eq!(release("pkg:npm/a@1?file_name=").file, None);
    }

    #[test]
    fn a_slash_stays_where_it_is() {
        let text = "pkg:npm/%40acme/left@1.0.0%2Fb";
        assert_eq!(release(text).version, "1.0.0/b");
        assert_eq!(text.parse::<Purl>().unwrap().to_string(), text);
        for text in ["pkg://npm//%40acme//left@1", "pkg:npm/@acme/left@1/", "pkg:npm/%40acme%2Fleft@1"] {
            assert_eq!(text.parse::<Purl>().unwrap().to_string(), "pkg:npm/%40acme/left@1", "{text}");
        }
    }

    #[test]
    fn what_is_no_purl_is_refused() {
        for text in
            ["", "npm/a", "pkg:npm", "pkg:npm/", "pkg:/a", "pkg:npm/%4", "pkg:npm/%ff", "pkg:npm/a%2F", "pkg:npm/%2F/a"]
        {
            assert!(text.parse::<Purl>().is_err(), "{text}");
        }
    }

    #[test]
    fn patterns_cover_what_they_say() {
        let covers = |pattern: &str, purl: &str| pattern.parse::<Pattern>().unwrap().matches(&release(purl));
        assert!(covers("pkg:npm/left-demo", "pkg:npm/left-demo@1.1.0"));
        assert!(covers("pkg:npm/left-demo@1.*", "pkg:npm/left-demo@1.1.0"));
        assert!(!covers("pkg:npm/left-demo@1.*", "pkg:npm/left-demo@2.1.0"));
        assert!(!covers("pkg:npm/left-demo", "pkg:npm/left-demo2@1.1.0"));
        assert!(covers("pkg:npm/@acme/*", "pkg:npm/%40acme/left@1.0.0"));
        assert!(!covers("pkg:npm/@acme/*", "pkg:npm/%40acme-evil/left@1.0.0"));
        assert!(!covers("pkg:npm/*", "pkg:npm/%40acme/left@1.0.0"));
        assert!(covers("pkg:npm/*", "pkg:npm/left@1.0.0"));
        assert!(covers("pkg:*/**", "pkg:npm/%40acme/left@1.0.0"));
        assert!(covers("pkg:npm/**/a*c", "pkg:npm/%40acme/abc@1.0.0"));
        assert!(covers("pkg:npm/**a*c", "pkg:npm/%40acme/abc@1.0.0"));
        assert!(covers("pkg:npm/a*b*c", "pkg:npm/axxbyybzzc@1.0.0"));
        assert!(!covers("pkg:npm/a*b*c", "pkg:npm/axxbyybzz@1.0.0"));
    }
}
