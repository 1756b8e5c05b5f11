//! Request paths, decoded exactly once.
//!
//! Path confusion opened most of the registries that were broken into: one layer decodes, the next decodes again or
//! normalises, and a filter has looked at something else than the handler. So a path is split into segments while it is
//! still encoded, each segment is decoded once, and what is not canonical is refused instead of repaired. No segment
//! ever reaches a file system: storage keys are digests.

use percent_encoding::percent_decode_str;

/// The decoded segments of a request path, without the leading `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segments(Vec<String>);

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathError {
    /// Longer than [`Segments::MAX_BYTES`] or deeper than [`Segments::MAX_SEGMENTS`].
    TooLong,
    /// An empty, `.` or `..` segment, or one that does not begin at `/`.
    NotCanonical,
    /// A NUL, another control character, a backslash, a `%` that is still there after decoding, or bytes that are not
    /// UTF-8.
    Forbidden,
}

impl PathError {
    /// What is wrong, for a person.
    pub const fn why(self) -> &'static str {
        match self {
            Self::TooLong => "the path is too long",
            Self::NotCanonical => "the path is not canonical: it has an empty, `.` or `..` segment",
            Self::Forbidden => "the path has a byte that no package path has, or is encoded twice",
        }
    }
}

impl Segments {
    /// The longest path in bytes, still encoded.
    pub const MAX_BYTES: usize = 2048;
    /// The most segments.
    pub const MAX_SEGMENTS: usize = 16;

    /// Splits and decodes a path. An encoded `/` stays inside its segment; the caller decides whether that is a name.
    pub fn of(path: &str) -> Result<Self, PathError> {
        if path.len() > Self::MAX_BYTES {
            return Err(PathError::TooLong);
        }
        let Some(path) = path.strip_prefix('/') else {
            return Err(PathError::NotCanonical);
        };
        if path.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let segments = path.split('/').map(segment).collect::<Result<Vec<_>, _>>()?;
        if segments.len() > Self::MAX_SEGMENTS {
            return Err(PathError::TooLong);
        }
        Ok(Self(segments))
    }

    /// The segments as a slice to match on.
    pub fn as_slice(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

fn segment(encoded: &str) -> Result<String, PathError> {
    let text = percent_decode_str(encoded).decode_utf8().map_err(|_| PathError::Forbidden)?;
    if text.chars().any(|c| c.is_control() || c == '\\' || c == '%') {
        return Err(PathError::Forbidden);
    }
    if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(PathError::NotCanonical);
    }
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expect: Result<&[&str], PathError>) {
        let segments = Segments::of(path);
        assert_eq!(segments.as_ref().map(Segments::as_slice).map_err(|e| *e), expect.map(<[&str]>::to_vec), "{path}");
    }

    #[test]
    fn a_path_is_decoded_once() {
        check("/", Ok(&[]));
        check("/left-demo", Ok(&["left-demo"]));
        check("/@acme%2fleft", Ok(&["@acme/left"]));
        check("/%40acme%2Fleft/-/left-1.0.0.tgz", Ok(&["@acme/left", "-", "left-1.0.0.tgz"]));
        check("/a%20b", Ok(&["a b"]));
    }

    #[test]
    fn what_is_not_canonical_is_refused() {
        for path in ["", "a", "//", "/a//b", "/a/", "/.", "/a/../b", "/a/%2e%2e/b", "/%2e", "/%2f..%2fetc", "/a%2f%2fb"]
        {
            check(path, Err(PathError::NotCanonical));
        }
        for path in ["/a%00", "/a\\b", "/a%5cb", "/a%252fb", "/a%25", "/%ff", "/a%0d%0ab", "/a%zz"] {
            check(path, Err(PathError::Forbidden));
        }
        check(&format!("/{}", "a".repeat(Segments::MAX_BYTES)), Err(PathError::TooLong));
        check(&"/a".repeat(Segments::MAX_SEGMENTS + 1), Err(PathError::TooLong));
    }
}
