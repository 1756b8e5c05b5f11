//! The lockfiles of Python's clients.
//!
//! A release has several files, and a lockfile has the digest of each, since it does not know on which platform it will
//! be used. So the digests of an entry are those that any of its files may have.

mod pdm;
mod pipfile;
mod poetry;
mod pylock;
mod requirements;
mod uv;

use stockade_model::{Algorithm, Digest, Integrity, Malformed, Release};

use super::{name, package, version};
use crate::Lockfile;
use crate::archive::extension;
use crate::locked::toml::{Value, get, items, members, text};
use crate::locked::{Out, read};

pub(super) static REQUIREMENTS: Lockfile = Lockfile {
    name: "requirements.txt",
    matches: |path| {
        let file = file(path);
        let is_text = extension(path) == "txt";
        let is_below = path.rsplit('/').nth(1) == Some("requirements");
        is_text
            && (is_below
                || file.starts_with("requirements")
                || file.ends_with("requirements.txt")
                || file == "constraints.txt")
    },
    parse: |bytes| read(bytes, requirements::parse),
};

pub(super) static POETRY_LOCK: Lockfile = Lockfile {
    name: "poetry.lock",
    matches: |path| file(path) == "poetry.lock",
    parse: |bytes| read(bytes, poetry::parse),
};

pub(super) static UV_LOCK: Lockfile =
    Lockfile { name: "uv.lock", matches: |path| file(path) == "uv.lock", parse: |bytes| read(bytes, uv::parse) };

pub(super) static PDM_LOCK: Lockfile = Lockfile {
    name: "pdm.lock",
    matches: |path| {
        // With lockfiles for other platforms: `pdm.windows.lock`.
        let file = file(path);
        file == "pdm.lock" || (file.starts_with("pdm.") && extension(path) == "lock")
    },
    parse: |bytes| read(bytes, pdm::parse),
};

pub(super) static PIPFILE_LOCK: Lockfile = Lockfile {
    name: "Pipfile.lock",
    matches: |path| file(path) == "Pipfile.lock",
    parse: |bytes| read(bytes, pipfile::parse),
};

pub(super) static PYLOCK: Lockfile = Lockfile {
    name: "pylock.toml",
    matches: |path| {
        let rest = file(path).strip_prefix("pylock.").and_then(|rest| rest.strip_suffix("toml"));
        rest.is_some_and(|name| name.is_empty() || (name.ends_with('.') && name.matches('.').count() == 1))
    },
    parse: |bytes| read(bytes, pylock::parse),
};

fn file(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The release of this name and version, both in their normal form.
pub(super) fn release(name: &str, text: &str) -> Result<Release, Malformed> {
    let package = package(name)?;
    let text = match version::parse(text)? {
        crate::Version::Pep440(version) => version.to_string(),
        _ => text.to_owned(),
    };
    Ok(package.release(text))
}

/// The digests that are written as `sha256:…`. Those of an algorithm that proves nothing, such as MD5, are left out; if no
/// other is left, that is a problem.
fn integrity<'t>(
    out: &mut Out,
    line: u32,
    of: &Release,
    digests: impl IntoIterator<Item = &'t str>,
) -> Option<Integrity> {
    let mut known = Vec::new();
    let mut has_other = false;
    for text in digests {
        match text.parse::<Digest>() {
            Ok(digest) => known.push(digest),
            Err(stockade_model::MalformedDigest::Algorithm) => has_other = true,
            Err(error) => out.problem(line, format!("a digest of {of} cannot be read: {error}")),
        }
    }
    if known.is_empty() && has_other {
        out.problem(line, format!("no digest of {of} is of an algorithm that proves anything"));
    }
    Integrity::from_digests(known)
}

/// The digests in a table `{ sha256 = "…", … }`.
fn hashes(value: &Value<'_>) -> Vec<String> {
    let known = |name: &str| name.parse::<Algorithm>().is_ok();
    let text = |(name, value): (&str, &Value<'_>)| Some(format!("{name}:{}", value.get_ref().as_str()?));
    members(value).filter(|(name, _)| known(name)).filter_map(text).collect()
}

/// The texts at a key in each table of a list.
fn texts<'v>(list: Option<&'v Value<'_>>, key: &'static str) -> impl Iterator<Item = &'v str> {
    list.into_iter().flat_map(items).filter_map(move |item| text(item, key))
}

/// The name that a requirement begins with, in its normal form: `left[extra]>=1; marker`.
fn required(text: &str) -> Option<String> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
    (end > 0).then(|| name::normalised(&text[..end]))
}

/// What is at a member of a table, if it is there and is `true`.
fn is_true(value: &Value<'_>, key: &str) -> bool {
    get(value, key).and_then(|value| value.get_ref().as_bool()) == Some(true)
}

/// Says it of an entry that has no version.
fn unversioned(out: &mut Out, line: u32, name: Option<&str>) {
    let name = name.unwrap_or("an entry without a name").escape_debug();
    out.problem(line, format!("`{name}` has no version, so it cannot be said what it is"));
}
