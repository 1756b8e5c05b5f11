//! The page as HTML (PEP 503), for clients that know no other form. It says less: no times, no sizes.

use std::fmt::Write as _;

use super::{name, reason, rendered};
use crate::index::{Index, Listed, Rope, Standing, Steering};
use crate::pypi::path::{encoded, files_start, original};

/// It is ASCII, whatever the page has in it, so that no client can take it for another encoding.
pub(super) fn write(rope: &mut Rope, index: &Index, steering: &Steering<'_>) {
    let project = escaped(index.package.name.as_str());
    rope.text("<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n");
    rope.text("<meta name=\"pypi:repository-version\" content=\"1.0\">\n");
    rope.text(&format!("<title>Links for {project}</title>\n</head>\n<body>\n<h1>Links for {project}</h1>\n"));
    let start = escaped(&files_start(steering.base, index.package.name.as_str()));
    for (listed, standing) in rendered(index, steering) {
        rope.text("<a href=\"");
        rope.text(&start);
        rope.text(&address(listed));
        rope.text("\"");
        attribute(rope, "requires-python", listed.requires.as_deref());
        let held = (standing == Standing::Held).then(|| reason(index, listed, steering.message));
        attribute(rope, "yanked", held.as_deref().or(listed.deprecated.as_deref()));
        let metadata = listed.file.as_ref().and_then(|file| file.metadata.as_ref());
        let metadata = metadata.and_then(|claim| Some(format!("sha256={}", claim.deciding().next()?.hex())));
        attribute(rope, "core-metadata", metadata.as_deref());
        attribute(rope, "dist-info-metadata", metadata.as_deref());
        rope.text(">");
        rope.text(&escaped(name(listed)));
        rope.text("</a><br>\n");
    }
    rope.text("</body>\n</html>\n");
}

/// The rest of a file's address, with the digest that decides.
fn address(listed: &Listed) -> String {
    let url = &listed.artifact.url;
    let mut address = match original(url, name(listed)) {
        Some(path) => escaped(&url[path]),
        None => encoded(name(listed)).to_string(),
    };
    let claim = listed.artifact.integrity.as_ref();
    if let Some(digest) = claim.and_then(|claim| claim.deciding().next()) {
        let _ = write!(address, "#{}={}", digest.algorithm().name(), digest.hex());
    }
    address
}

fn attribute(rope: &mut Rope, key: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    rope.text(&format!(" data-{key}=\"{}\"", escaped(value)));
}

/// Text in an attribute or between tags.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c if c.is_ascii() => out.push(c),
            c => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
        }
    }
    out
}
