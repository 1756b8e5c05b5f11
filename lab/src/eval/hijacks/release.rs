//! What a release says of itself changes with its version: each ecosystem writes it in other places.

use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::edit::JAR_MANIFEST;
use super::json::Object;
use super::pack::Member;

/// Numbers that a version has at least, after it was raised.
const NUMBERS: usize = 3;

/// The next version after one: the last of its leading numbers is raised.
pub(crate) fn raised(version: &str) -> String {
    let is_leading = |c: char| c.is_ascii_digit() || c == '.';
    let end = version.find(|c| !is_leading(c)).unwrap_or(version.len());
    let head = version[..end].trim_end_matches('.');
    let rest = &version[head.len()..];
    let (before, last) = head.rsplit_once('.').unwrap_or(("", head));
    if head.split('.').count() < NUMBERS {
        return format!("{head}.1{rest}");
    }
    format!("{before}.{}{rest}", last.parse::<u64>().unwrap_or_default() + 1)
}

/// The folder that every path of the archive begins with, with its slash.
pub(crate) fn root(kind: &str, members: &[Member]) -> String {
    let first = members.first().and_then(|member| member.path.split_once('/'));
    match (kind, first) {
        ("tarball" | "sdist" | "crate", Some((root, _))) => format!("{root}/"),
        _ => String::new(),
    }
}

/// Writes another version wherever a release of this kind has its own.
pub(crate) fn renew(kind: &str, old: &str, new: &str, members: &mut [Member]) -> anyhow::Result<()> {
    match kind {
        "tarball" => tarball(new, members),
        "crate" => renew_crate(old, new, members),
        "wheel" => wheel(old, new, members),
        "sdist" => sdist(old, new, members),
        _ => jar(old, new, members),
    }
}

fn tarball(new: &str, members: &mut [Member]) -> anyhow::Result<()> {
    let path = format!("{}package.json", root("tarball", members));
    let manifest = members.iter_mut().find(|member| member.path == path).context("no manifest")?;
    let mut object = Object::parse(std::str::from_utf8(&manifest.bytes)?)?;
    object.set(&["version".to_owned(), new.to_owned()])?;
    manifest.bytes = format!("{}\n", object.text(1)).into_bytes();
    Ok(())
}

fn renew_crate(old: &str, new: &str, members: &mut [Member]) -> anyhow::Result<()> {
    move_root(old, new, members)?;
    let (old, new) = (format!("\nversion = \"{old}\""), format!("\nversion = \"{new}\""));
    let named = |member: &Member| matches!(below(&member.path), "Cargo.toml" | "Cargo.toml.orig");
    rewrite(members, named, &[(old, new)])
}

fn sdist(old: &str, new: &str, members: &mut [Member]) -> anyhow::Result<()> {
    move_root(old, new, members)?;
    let is_info = |member: &Member| member.path.ends_with("/PKG-INFO");
    rewrite(members, is_info, &[(format!("\nVersion: {old}\n"), format!("\nVersion: {new}\n"))])?;
    let is_project = |member: &Member| below(&member.path) == "pyproject.toml";
    rewrite(members, is_project, &[(format!("\nversion = \"{old}\""), format!("\nversion = \"{new}\""))])
}

fn jar(old: &str, new: &str, members: &mut [Member]) -> anyhow::Result<()> {
    let properties = |member: &Member| member.path.ends_with("/pom.properties");
    rewrite(members, properties, &[(format!("version={old}"), format!("version={new}"))])?;
    let model = |member: &Member| member.path.ends_with("/pom.xml");
    rewrite(members, model, &[(format!("<version>{old}</version>"), format!("<version>{new}</version>"))])?;
    let keys = ["Implementation-Version", "Specification-Version", "Bundle-Version"];
    let lines = keys.map(|key| (format!("{key}: {old}"), format!("{key}: {new}")));
    rewrite(members, |member| member.path == JAR_MANIFEST, &lines)
}

fn wheel(old: &str, new: &str, members: &mut [Member]) -> anyhow::Result<()> {
    for end in ["dist-info/", "data/"] {
        let (old, new) = (format!("-{old}.{end}"), format!("-{new}.{end}"));
        for member in &mut *members {
            member.path = member.path.replacen(&old, &new, 1);
        }
    }
    let is_metadata = |member: &Member| member.path.ends_with(".dist-info/METADATA");
    rewrite(members, is_metadata, &[(format!("\nVersion: {old}\n"), format!("\nVersion: {new}\n"))])?;
    let record = record(members);
    let place = members.iter_mut().find(|member| is_record(member)).context("no record of the files")?;
    place.bytes = record.into_bytes();
    Ok(())
}

fn is_record(member: &Member) -> bool {
    member.path.ends_with(".dist-info/RECORD")
}

/// What a wheel says of its files.
fn record(members: &[Member]) -> String {
    let files = members.iter().filter(|member| !member.path.ends_with('/'));
    let lines = files.map(|member| {
        if is_record(member) {
            return format!("{},,\n", member.path);
        }
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(&member.bytes));
        format!("{},sha256={digest},{}\n", member.path, member.bytes.len())
    });
    lines.collect()
}

/// The folder of everything has the version in its name.
fn move_root(old: &str, new: &str, members: &mut [Member]) -> anyhow::Result<()> {
    let root = root("sdist", members);
    let name = root.strip_suffix(&format!("-{old}/")).context("the folder of everything has no version")?;
    let moved = format!("{name}-{new}/");
    for member in members {
        let rest = member.path.strip_prefix(&root).context("a member beside the folder of everything")?;
        member.path = format!("{moved}{rest}");
    }
    Ok(())
}

/// A path without the folder of everything.
fn below(path: &str) -> &str {
    path.split_once('/').map_or(path, |(_, rest)| rest)
}

/// Replaces the first of each text in every member that is named.
fn rewrite(
    members: &mut [Member],
    named: impl Fn(&Member) -> bool,
    changes: &[(String, String)],
) -> anyhow::Result<()> {
    for member in members.iter_mut().filter(|member| named(member)) {
        let mut text = String::from_utf8(std::mem::take(&mut member.bytes)).context("a manifest that is no text")?;
        for (old, new) in changes {
            text = text.replacen(old, new, 1);
        }
        ensure!(!text.is_empty(), "an empty manifest");
        member.bytes = text.into_bytes();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_raised_where_an_attacker_would() {
        let raised: Vec<String> =
            ["1.2.3", "9.11", "33.8.0-jre", "1.2.2+spec-1.1.0", "4.2.20.Final", "2026.10.19.post1"].map(raised).into();
        assert_eq!(raised, ["1.2.4", "9.11.1", "33.8.1-jre", "1.2.3+spec-1.1.0", "4.2.21.Final", "2026.10.20.post1"]);
    }

    #[test]
    fn a_wheels_record_is_of_what_is_in_it() {
        let mut members = [
            Member::file("a.py", "1"),
            Member::file("a-1.dist-info/METADATA", "Name: a\nVersion: 1\n\n"),
            Member::file("a-1.dist-info/RECORD", "old"),
        ];
        renew("wheel", "1", "2", &mut members).unwrap();
        let record = String::from_utf8(members[2].bytes.clone()).unwrap();
        assert!(record.starts_with("a.py,sha256=a4ayc_80_OGda4BO_1o_V0etpOqiLx1JwB5S3beHW0s,1\n"), "{record}");
        assert!(record.ends_with("a-2.dist-info/RECORD,,\n"));
        assert!(String::from_utf8_lossy(&members[1].bytes).contains("Version: 2\n"));
    }

    #[test]
    fn a_folder_of_everything_moves() {
        let mut members =
            [Member::file("a-1/Cargo.toml", "[package]\nname = \"a\"\nversion = \"1\"\n"), Member::file("a-1/b", "")];
        renew("crate", "1", "2", &mut members).unwrap();
        assert_eq!(members[1].path, "a-2/b");
        assert!(members[0].bytes.ends_with(b"version = \"2\"\n"));
        let mut members = [Member::file("x/Cargo.toml", "")];
        assert!(renew("crate", "1", "2", &mut members).is_err());
    }
}
