//! `requirements.txt`: what pip is asked to install. It is a lockfile as far as versions are named exactly (`==`).
//!
//! What names no version is a problem: nobody can say which release it will be. What the file takes from others (`-r`, `-c`)
//! a reader of one file does not see, so it tells which they are.

use super::{file, integrity, name, release};
use crate::archive::extension;
use crate::locked::{Locked, Out, address, git_address};
use crate::{Origin, Scope};

/// The longest line in bytes, with those that it goes on in: 1 MiB. A release with 500 files has digests of a tenth.
const MAX_LINE: usize = 1 << 20;

pub(super) fn parse(text: &str, out: &mut Out) {
    let mut index = None;
    let mut more = Vec::new();
    for (line, content) in logical(text, out) {
        let content = without_comment(&content);
        if content.is_empty() {
            continue;
        }
        if content.starts_with('-') {
            option(content, line, &mut index, &mut more, out);
        } else {
            requirement(content, line, out);
        }
    }
    if !more.is_empty() {
        // Which of them a release is from, only pip knows.
        return;
    }
    for entry in out.entries.iter_mut().filter(|entry| entry.origin == Origin::Registry(None)) {
        entry.origin = Origin::Registry(index.clone());
    }
}

/// Lines that end with a backslash go on in the next one.
fn logical(text: &str, out: &mut Out) -> Vec<(u32, String)> {
    let mut lines: Vec<(u32, String)> = Vec::new();
    let mut goes_on = false;
    for (line, number) in text.lines().zip(1..) {
        // A comment ends what went on.
        let is_comment = line.trim_start().starts_with('#');
        let (part, more) = match line.strip_suffix('\\') {
            Some(part) if !is_comment => (part, true),
            _ => (line, false),
        };
        match lines.last_mut() {
            Some((first, last)) if goes_on => {
                if last.len() + part.len() > MAX_LINE {
                    out.problem(*first, "the line is too long; what it goes on with is not read");
                } else if !is_comment {
                    last.push(' ');
                    last.push_str(part);
                }
            }
            _ if part.len() > MAX_LINE => out.problem(number, "the line is too long; it is not read"),
            _ => lines.push((number, part.to_owned())),
        }
        goes_on = more;
    }
    lines
}

/// A comment begins at the start, or behind a blank.
fn without_comment(line: &str) -> &str {
    let end = if line.starts_with('#') { Some(0) } else { line.find(" #").or_else(|| line.find("\t#")) };
    line[..end.unwrap_or(line.len())].trim()
}

fn option(content: &str, line: u32, index: &mut Option<String>, more: &mut Vec<String>, out: &mut Out) {
    let end = content.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(content.len());
    let (key, value) = content.split_at(end);
    let value = value.trim_start_matches(|c: char| c.is_whitespace() || c == '=').trim();
    // The value may stand right behind a short one.
    let joined = (value.is_empty() && !key.starts_with("--")).then(|| key.split_at_checked(2)).flatten();
    let (key, value) = joined.unwrap_or((key, value));
    match key {
        "-r" | "--requirement" | "-c" | "--constraint" => include(value, line, out),
        "-e" | "--editable" => requirement(value, line, out),
        "-i" | "--index-url" | "--pypi-url" => *index = Some(address(value)),
        "--extra-index-url" | "-f" | "--find-links" | "--no-index" => more.push(address(value)),
        "--pre"
        | "--no-binary"
        | "--only-binary"
        | "--prefer-binary"
        | "--require-hashes"
        | "--trusted-host"
        | "--use-feature"
        | "--no-build-isolation"
        | "--config-settings" => {}
        _ => out.problem(line, format!("the option `{}` is not known", key.escape_debug())),
    }
}

/// Another file of which more is taken, or by which versions are limited. What that names exactly is installed at most.
fn include(value: &str, line: u32, out: &mut Out) {
    let path = value.trim_matches(['"', '\'']);
    if path.contains("://") && !path.starts_with("file:") {
        return out
            .problem(line, format!("it takes more from `{}`, which is not fetched", address(path).escape_debug()));
    }
    out.include(line, path.strip_prefix("file://").or_else(|| path.strip_prefix("file:")).unwrap_or(path));
}

fn requirement(content: &str, line: u32, out: &mut Out) {
    let (asked, options) = content.split_once(" --").map_or((content, ""), |(asked, options)| (asked.trim(), options));
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let (bare, rest) = asked.split_at(asked.find(|c| !is_name(c)).unwrap_or(asked.len()));
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(rest, |(_, rest)| rest.trim_start());
    let is_address =
        asked.contains("://") || rest.starts_with('@') || rest.starts_with(['/', '\\', ':']) || bare.starts_with('.');
    if is_address {
        return addressed(asked, bare, rest, options, line, out);
    }
    let wanted = rest.split(';').next().unwrap_or(rest).trim().trim_matches(['(', ')']).trim();
    let version = wanted.strip_prefix("===").or_else(|| wanted.strip_prefix("=="));
    let Some(version) = version.map(str::trim).filter(|version| !version.contains([',', '*'])) else {
        let name = name::normalised(bare);
        out.problem(
            line,
            format!(
                "`{}` has no exact version: {}",
                name.escape_debug(),
                if wanted.is_empty() { "any" } else { wanted }.escape_debug()
            ),
        );
        return;
    };
    add(bare, version, Origin::Registry(None), options, line, out);
}

/// What is asked for by its address: `name @ https://…`, or the address alone.
fn addressed(asked: &str, bare: &str, rest: &str, options: &str, line: u32, out: &mut Out) {
    let text = rest.strip_prefix('@').filter(|_| !bare.is_empty()).unwrap_or(asked).trim();
    let text = text.split(" ;").next().unwrap_or(text).trim();
    let is_of_vcs = ["git+", "hg+", "svn+", "bzr+"].iter().any(|scheme| text.starts_with(scheme));
    let fragment = text.split_once('#').map_or("", |(_, fragment)| fragment);
    let origin = if is_of_vcs {
        let commit = text.split('#').next().and_then(|text| text.rsplit_once('@')).map(|(_, commit)| commit);
        Origin::Git(git_address(text, commit))
    } else if text.contains("://") && !text.starts_with("file:") {
        Origin::Url(address(text))
    } else if ["whl", "gz", "zip"].contains(&extension(text)) {
        Origin::Path(address(text))
    } else {
        // A folder is of the project.
        return;
    };
    let file = file(text.split(['#', '?']).next().unwrap_or_default());
    let named = file.split_once('-').and_then(|(name, rest)| {
        let version = if extension(file) == "whl" { rest.split('-').next()? } else { rest.strip_suffix(".tar.gz")? };
        Some((name, version))
    });
    let digest = fragment.split('&').find_map(|part| part.split_once('=').filter(|(name, _)| *name == "sha256"));
    let digest = digest.map(|(name, digits)| format!("hash={name}:{digits}"));
    let Some((name, version)) = named.filter(|_| !is_of_vcs) else {
        let shown = address(asked);
        return out.problem(line, format!("`{}` does not tell its version", shown.escape_debug()));
    };
    let name = if !bare.is_empty() && rest.starts_with('@') { bare } else { name };
    add(name, version, origin, digest.as_deref().unwrap_or(options), line, out);
}

fn add(name: &str, version: &str, origin: Origin, options: &str, line: u32, out: &mut Out) {
    let Some(release) = out.take(line, release(name, version)) else { return };
    let mut locked = Locked::new(release, line);
    let words = options.split_whitespace().filter_map(|word| word.trim_start_matches("--").split_once("hash="));
    let digests: Vec<&str> = words.map(|(_, digest)| digest).collect();
    locked.integrity = integrity(out, line, &locked.release, digests);
    (locked.origin, locked.scope) = (origin, Scope::Unknown);
    out.push(locked);
}
