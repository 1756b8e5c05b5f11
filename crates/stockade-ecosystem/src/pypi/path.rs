//! Our addresses of files, which keep the path that the file has at the registry, so that they can be turned back.

use std::ops::Range;

use crate::Segments;

/// The folder of files below our mount.
pub(super) const FILES: &str = "files";
/// The folder of what is said of a file's origin, at registries and below our mount.
pub(super) const INTEGRITY: &str = "integrity";
/// What it is called there.
pub(super) const PROVENANCE: &str = "provenance";
/// How many segments of a path are taken by that folder and the project.
const OWN_SEGMENTS: usize = 2;
/// How many bytes of a path are left for that folder, the project, and the ending of a description.
const OWN_BYTES: usize = 512;

/// Where in an address its path lies, without the first `/`, if it can be part of ours: it is canonical and leads to this
/// file.
pub(super) fn original(url: &str, file: &str) -> Option<Range<usize>> {
    let start = start(url);
    let end = url[start..].find(['?', '#']).map_or(url.len(), |end| start + end);
    let path = &url[start..end];
    if path.len() > Segments::MAX_BYTES - OWN_BYTES || !path.bytes().all(is_plain) {
        return None;
    }
    let segments = Segments::of(&format!("/{path}")).ok()?;
    let segments = segments.as_slice();
    let fits = segments.len() <= Segments::MAX_SEGMENTS - OWN_SEGMENTS;
    (fits && segments.last() == Some(&file)).then_some(start..end)
}

/// Where in an address `integrity/PROJECT/VERSION/FILE/provenance` begins, if it ends so and is of this file.
pub(super) fn attestations(url: &str, file: &str) -> Option<usize> {
    let at = url.rfind(INTEGRITY).filter(|at| url[..*at].ends_with('/'))?;
    let path = &url[at..];
    if !path.bytes().all(is_plain) {
        return None;
    }
    let segments = Segments::of(&format!("/{path}")).ok()?;
    match segments.as_slice().as_slice() {
        [INTEGRITY, _, _, own, PROVENANCE] if *own == file => Some(at),
        _ => None,
    }
}

/// Where the path of an address begins. Of one that is relative to the page, it is what does not go upwards.
fn start(url: &str) -> usize {
    let rest = match url.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Some(rest),
        _ => url.strip_prefix("//"),
    };
    if let Some(rest) = rest {
        let host = rest.find('/').map_or(rest.len(), |at| at + 1);
        return url.len() - rest.len() + host;
    }
    let mut rest = url;
    while let Some(shorter) = ["../", "./", "/"].into_iter().find_map(|up| rest.strip_prefix(up)) {
        rest = shorter;
    }
    url.len() - rest.len()
}

/// What stands in a path, and neither JSON nor HTML escapes.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$()*+,;=:@%/".contains(&byte)
}

/// Our address of a project's files below `base`, up to the path.
pub(super) fn files_start(base: &str, project: &str) -> String {
    format!("{base}/{FILES}/{project}/")
}

/// A file's name as a segment.
pub(super) fn encoded(file: &str) -> percent_encoding::PercentEncode<'_> {
    const KEEP: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~')
        .remove(b'+')
        .remove(b'!');
    percent_encoding::utf8_percent_encode(file, KEEP)
}
