//! Digests: what bytes are, whoever sends them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

/// A hash function that a registry or a lockfile may use, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// 20 bytes; collisions are practical, so it identifies but does not prove.
    Sha1,
    /// 32 bytes; our content address.
    Sha256,
    /// 48 bytes.
    Sha384,
    /// 64 bytes.
    Sha512,
}

impl Algorithm {
    /// The spelling in subresource integrity, lockfiles and our log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// The length of a digest in bytes.
    pub const fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// True where forging a second input is out of reach, so that equality proves identity.
    pub const fn proves(self) -> bool {
        !matches!(self, Self::Sha1)
    }
}

impl FromStr for Algorithm {
    type Err = MalformedDigest;

    fn from_str(text: &str) -> Result<Self, MalformedDigest> {
        [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512]
            .into_iter()
            .find(|algorithm| algorithm.name() == text)
            .ok_or(MalformedDigest::Algorithm)
    }
}

/// A digest and its algorithm. It prints as `sha256:<hex>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: Box<[u8]>,
}

impl Digest {
    /// A digest that was computed or read.
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, MalformedDigest> {
        if bytes.len() != algorithm.size() {
            return Err(MalformedDigest::Length { algorithm: algorithm.name(), bytes: bytes.len() });
        }
        Ok(Self { algorithm, bytes: bytes.into() })
    }

    /// Reads hexadecimal digits, as npm's `shasum`, PyPI and cargo spell digests.
    pub fn from_hex(algorithm: Algorithm, digits: &str) -> Result<Self, MalformedDigest> {
        Self::new(algorithm, &hex::decode(digits).map_err(|_| MalformedDigest::Encoding)?)
    }

    /// The SHA-256 of these bytes: their content address.
    pub fn of(bytes: &[u8]) -> Self {
        Self { algorithm: Algorithm::Sha256, bytes: sha2::Sha256::digest(bytes).as_slice().into() }
    }

    /// The hash function.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The raw digest.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest in lower-case hexadecimal, without its algorithm.
    pub fn hex(&self) -> String {
        hex::encode(&self.bytes)
    }

    /// The digest as subresource integrity spells it: `sha512-<base64>`.
    pub fn sri(&self) -> String {
        format!("{}-{}", self.algorithm.name(), STANDARD.encode(&self.bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = MalformedDigest;

    /// Reads `sha256:<hex>` or `sha512-<base64>`.
    fn from_str(text: &str) -> Result<Self, MalformedDigest> {
        let at = text.find([':', '-']).ok_or(MalformedDigest::Encoding)?;
        let (algorithm, rest) = (text[..at].parse()?, &text[at + 1..]);
        if text.as_bytes()[at] == b':' {
            return Self::from_hex(algorithm, rest);
        }
        Self::new(algorithm, &STANDARD.decode(rest).map_err(|_| MalformedDigest::Encoding)?)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedDigest {
    /// Not one of [`Algorithm`].
    #[error("unknown digest algorithm")]
    Algorithm,
    /// Neither hexadecimal nor base64.
    #[error("a digest is `sha256:<hex>` or `sha512-<base64>`")]
    Encoding,
    /// A digest of another length than its algorithm's.
    #[error("{bytes} bytes are no {algorithm} digest")]
    Length {
        /// The algorithm that was named.
        algorithm: &'static str,
        /// How many bytes there were.
        bytes: usize,
    },
}

/// What an index or a lockfile claims of an artifact: its digests, at least one.
///
/// W3C Subresource Integrity allows several digests in one string and demands that the strongest algorithm decides;
/// the others are not looked at. Options after `?` are ignored, as the specification asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Integrity(Vec<Digest>);

impl Integrity {
    /// How many digests one integrity string may carry.
    pub const MAX_DIGESTS: usize = 16;

    /// Reads an SRI string such as `sha512-… sha1-…`. Unknown algorithms are skipped; none that is known is an error.
    pub fn parse(text: &str) -> Result<Self, MalformedDigest> {
        let mut digests = Vec::new();
        for word in text.split_ascii_whitespace().take(Self::MAX_DIGESTS) {
            let word = word.split_once('?').map_or(word, |(digest, _)| digest);
            match word.parse::<Digest>() {
                Ok(digest) => digests.push(digest),
                Err(MalformedDigest::Algorithm) => {}
                Err(error) => return Err(error),
            }
        }
        Self::from_digests(digests).ok_or(MalformedDigest::Algorithm)
    }

    /// The claim that consists of these digests; `None` where there is none.
    pub fn from_digests(digests: Vec<Digest>) -> Option<Self> {
        (!digests.is_empty()).then_some(Self(digests))
    }

    /// All digests, also those that decide nothing.
    pub fn digests(&self) -> &[Digest] {
        &self.0
    }

    /// The strongest algorithm that was named: the one that decides.
    pub fn strongest(&self) -> Algorithm {
        self.0.iter().map(Digest::algorithm).max().unwrap_or(Algorithm::Sha1)
    }

    /// True if the digest is one of the claimed ones of the strongest algorithm.
    pub fn admits(&self, digest: &Digest) -> bool {
        digest.algorithm == self.strongest() && self.0.contains(digest)
    }

    /// The digests of the strongest algorithm.
    pub fn deciding(&self) -> impl Iterator<Item = &Digest> {
        let strongest = self.strongest();
        self.0.iter().filter(move |digest| digest.algorithm == strongest)
    }
}

impl fmt::Display for Integrity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, digest) in self.deciding().enumerate() {
            write!(f, "{}{}", if at == 0 { "" } else { " " }, digest.sri())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_what_it_prints() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.to_string().parse(), Ok(digest.clone()));
        assert_eq!(digest.sri().parse(), Ok(digest));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        assert_eq!("md5:00".parse::<Digest>(), Err(MalformedDigest::Algorithm));
        assert_eq!("sha256".parse::<Digest>(), Err(MalformedDigest::Encoding));
        assert_eq!("sha256:zz".parse::<Digest>(), Err(MalformedDigest::Encoding));
        assert_eq!("sha1:00".parse::<Digest>(), Err(MalformedDigest::Length { algorithm: "sha1", bytes: 1 }));
    }

    #[test]
    fn the_strongest_algorithm_decides() {
        let (good, evil) = (Digest::of(b"good"), Digest::of(b"evil"));
        let weak = Digest::new(Algorithm::Sha1, &[7; 20]).unwrap();
        let claim = Integrity::parse(&format!("{} {}?opt md5-AAAA", weak.sri(), good.sri())).unwrap();
        assert!(claim.admits(&good));
        assert!(!claim.admits(&evil));
        assert!(!claim.admits(&weak), "a weaker digest must not decide where a stronger one is claimed");
        assert_eq!(claim.to_string(), good.sri());
        assert_eq!(Integrity::parse("md5-AAAA"), Err(MalformedDigest::Algorithm));
        assert_eq!(Integrity::parse(""), Err(MalformedDigest::Algorithm));
    }
}
