//! What a line of requirements asks for (PEP 508): `name[extras] >=1; marker`, or `name @ address`.

use stockade_model::{NeedFrom, NeedRole};

use crate::archive::Manifest;

/// Adds what a line asks for. What only an extra asks for is optional.
pub(super) fn need(line: &str, is_extra: bool, role: NeedRole, manifest: &mut Manifest) {
    let line = line.split(" #").next().unwrap_or(line).trim();
    let named = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let (name, rest) = line.split_at_checked(line.find(|c| !named(c)).unwrap_or(line.len())).unwrap_or_default();
    if name.is_empty() {
        return;
    }
    let rest = rest.trim_start();
    let rest =
        if rest.starts_with('[') { rest.split_once(']').map_or("", |(_, rest)| rest).trim_start() } else { rest };
    let (wanted, marker) = split_marker(rest);
    let is_extra = is_extra || marker.split(|c: char| !c.is_alphanumeric()).any(|word| word == "extra");
    let role = if is_extra && role == NeedRole::Run { NeedRole::Optional } else { role };
    let name = normal_name(name);
    match wanted.strip_prefix('@').map(str::trim) {
        Some(address) => manifest.need(&name, address, from(address), role),
        None => manifest.need(&name, wanted.trim_matches(['(', ')']).trim(), NeedFrom::Registry, role),
    }
}

/// In an address a marker begins behind a blank, since an address can have a semicolon.
fn split_marker(rest: &str) -> (&str, &str) {
    let mark = if rest.starts_with('@') { " ;" } else { ";" };
    let (wanted, marker) = rest.split_once(mark).unwrap_or((rest, ""));
    (wanted.trim(), marker.trim())
}

fn from(address: &str) -> NeedFrom {
    let address = address.to_ascii_lowercase();
    if address.starts_with("git+") || address.starts_with("hg+") || address.starts_with("svn+") {
        NeedFrom::Git
    } else if address.starts_with("file:") || !address.contains("://") {
        NeedFrom::Path
    } else {
        NeedFrom::Url
    }
}

/// Runs of `-`, `_` and `.` are one `-` (PEP 503).
pub(super) fn normal_name(name: &str) -> String {
    let parts = name.trim().split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}
