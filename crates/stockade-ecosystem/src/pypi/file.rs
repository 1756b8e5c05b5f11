//! The names of files: all that an index says of a file's version and of what kind it is.
//!
//! Wheels have had an unambiguous name from the start (PEP 427). Everything older has not: `-` separates the name from the
//! version and may be part of both, so that only who knows the project can tell where the version begins. Here the project
//! is known, and a name is split as pip splits it: at the first `-` before which stands the project's name.

use super::{name, version};
use crate::Version;

/// The longest name in bytes, as file systems have it.
const MAX_BYTES: usize = 255;

/// Endings of source distributions: what the tools of some time wrote, the longest first where one ends as another.
const SDISTS: [&str; 12] = [
    ".tar.gz",
    ".zip",
    ".tar.bz2",
    ".tgz",
    ".tar.xz",
    ".tar.lzma",
    ".tar.lz",
    ".tar.Z",
    ".tar",
    ".tbz",
    ".txz",
    ".tlz",
];
/// Endings of what programs of an operating system install.
const PACKAGES: [&str; 3] = [".rpm", ".deb", ".dmg"];
/// Endings of installers for Windows.
const INSTALLERS: [&str; 2] = [".exe", ".msi"];
/// What a platform's name begins with, behind the version of an installer and of an archive that `bdist_dumb` made.
const PLATFORMS: [&str; 5] = [".win32", ".win-", ".linux-", ".macosx-", ".cygwin-"];

/// What the name of a file says.
#[derive(Debug, PartialEq)]
pub(super) struct Parsed {
    /// The version as it stands in the name, and its order if it has one.
    pub(super) version: String,
    pub(super) order: Option<Version>,
    /// What the file is of its release: `sdist`, the tags of a wheel, `egg-py2.7`, `wininst-win32` …
    pub(super) form: String,
    /// Code of the release runs when the file is installed.
    pub(super) runs: bool,
}

/// Why a name says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// It has a character that no file's name has, or too many of them.
    Forbidden,
    /// It is not of this project.
    Project,
}

/// Reads the name of a file of a project, whose name is in its normal form.
pub(super) fn parse(project: &str, file: &str) -> Result<Parsed, Foreign> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"/\\%?#\"<>&'`".contains(&byte);
    if file.is_empty() || file.len() > MAX_BYTES || file.starts_with('.') || !file.bytes().all(plain) {
        return Err(Foreign::Forbidden);
    }
    let lower = file.to_ascii_lowercase();
    let without = |ending: &&str| lower.strip_suffix(&ending.to_ascii_lowercase()).map(|stem| &file[..stem.len()]);
    let parsed = if let Some(stem) = without(&".whl") {
        wheel(project, stem)
    } else if let Some(stem) = without(&".egg") {
        egg(project, stem)
    } else if let Some(stem) = INSTALLERS.iter().find_map(without) {
        let kind = if lower.strip_suffix(".exe").is_some() { "wininst" } else { "msi" };
        after_project(project, stem).map(|rest| built(rest, kind))
    } else if let Some(stem) = SDISTS.iter().find_map(without) {
        after_project(project, stem).map(source)
    } else {
        let known = PACKAGES.iter().find_map(|ending| Some((without(ending)?, &ending[1..])));
        let (stem, kind) = known.unwrap_or((file, "other"));
        after_project(project, stem).map(|rest| package(rest, kind))
    };
    parsed.ok_or(Foreign::Project)
}

/// `left_demo-1.1.0-1-py3-none-any`: name, version, a build's number perhaps, and three tags.
fn wheel(project: &str, stem: &str) -> Option<Parsed> {
    let mut parts: Vec<&str> = stem.split('-').collect();
    let is_build = |part: &str| part.starts_with(|first: char| first.is_ascii_digit());
    if parts.len() == 6 && is_build(parts[2]) {
        parts.remove(2);
    }
    let [own, version, tags @ ..] = parts.as_slice() else { return None };
    if name::normalised(own) != project || tags.iter().any(|tag| tag.is_empty()) {
        return None;
    }
    let order = (tags.len() == 3).then(|| spelt(version)).flatten();
    Some(Parsed { version: (*version).to_owned(), order, form: tags.join("-").to_ascii_lowercase(), runs: false })
}

/// `left_demo-1.1.0-py2.7-linux-x86_64`: in the name and the version `_` stands for `-`.
fn egg(project: &str, stem: &str) -> Option<Parsed> {
    let (own, rest) = stem.split_once('-')?;
    let (version, rest) = rest.split_once('-').unwrap_or((rest, ""));
    let form = format!("egg-{rest}").trim_end_matches('-').to_ascii_lowercase();
    let parsed = Parsed { version: version.to_owned(), order: spelt(version), form, runs: false };
    (name::normalised(own) == project).then_some(parsed)
}

/// A version in whose place `_` stands for `-`, which separates the parts of the name.
fn spelt(version: &str) -> Option<Version> {
    version::parse(&version.replace('_', "-")).ok()
}

fn source(rest: &str) -> Parsed {
    match version::parse(rest) {
        Err(_) if platform_in(rest).is_some() => built(rest, "dumb"),
        order => Parsed { version: rest.to_owned(), order: order.ok(), form: "sdist".to_owned(), runs: true },
    }
}

/// `1.1.0.win-amd64-py2.7`: what follows the version is the platform, and the version of Python if it is of one.
fn built(rest: &str, kind: &str) -> Parsed {
    let (version, platform) = rest.split_at(platform_in(rest).unwrap_or(rest.len()));
    let form = format!("{kind}-{}", platform.trim_start_matches('.')).trim_end_matches('-').to_ascii_lowercase();
    Parsed { version: version.to_owned(), order: version::parse(version).ok(), form, runs: true }
}

fn platform_in(rest: &str) -> Option<usize> {
    let lower = rest.to_ascii_lowercase();
    PLATFORMS.iter().filter_map(|platform| lower.find(platform)).min()
}

/// `1.1.0-1.noarch`: what follows the version is the package's own number, and the platform.
fn package(rest: &str, kind: &str) -> Parsed {
    let version = rest.split('-').next().unwrap_or_default();
    Parsed { version: version.to_owned(), order: version::parse(version).ok(), form: kind.to_owned(), runs: true }
}

/// What stands behind the project's name, in any of its spellings, and a `-`.
fn after_project<'a>(project: &str, stem: &'a str) -> Option<&'a str> {
    let at = stem.match_indices('-').map(|(at, _)| at).find(|at| name::normalised(&stem[..*at]) == project)?;
    Some(&stem[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The version with its order, the form, and whether code runs.
    fn check(project: &str, file: &str, version: &str, form: &str, runs: bool) {
        let parsed = parse(project, file).unwrap_or_else(|why| panic!("{file}: {why:?}"));
        let (text, has_order) = version.strip_prefix('?').map_or((version, true), |text| (text, false));
        assert_eq!((parsed.version.as_str(), parsed.order.is_some()), (text, has_order), "{file}");
        assert_eq!((parsed.form.as_str(), parsed.runs), (form, runs), "{file}");
    }

    #[test]
    fn wheels_say_what_they_are_for() {
        check("left-demo", "left_demo-1.1.0-py3-none-any.whl", "1.1.0", "py3-none-any", false);
        check("left-demo", "Left.Demo-1.1.0-1build-py2.py3-none-any.whl", "1.1.0", "py2.py3-none-any", false);
        let linux = "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64";
        check("left", &format!("left-1!2.0+cu118-{linux}.whl"), "1!2.0+cu118", linux, false);
        check("left", "left-1.0_1-py3-none-any.WHL", "1.0_1", "py3-none-any", false);
        check("left", "left-1.0-py3-none.whl", "?1.0", "py3-none", false);
        check("left", "left-1.0-x-py3-none-any.whl", "?1.0", "x-py3-none-any", false);
        check("left", "left-demo-1.0-py3-none-any.whl", "?demo", "py3-none-any", false);
        check("left", "left-french-py3-none-any.whl", "?french", "py3-none-any", false);
    }

    #[test]
    fn a_source_distribution_is_split_behind_the_projects_name() {
        for file in
            ["left_demo-1.1.0.tar.gz", "left-demo-1.1.0.zip", "Left.Demo-1.1.0.tar.bz2", "LEFT--DEMO-1.1.0.TAR.GZ"]
        {
            check("left-demo", file, "1.1.0", "sdist", true);
        }
        check("left", "left-1.0-beta-2.tar.gz", "1.0-beta-2", "sdist", true);
        check("left", "left-2.tar.Z", "2", "sdist", true);
        check("left-2", "left-2-1.tgz", "1", "sdist", true);
        check("left", "left-2004d.tar.gz", "?2004d", "sdist", true);
        check("left", "left-.tar.gz", "?", "sdist", true);
        check("left", "left-demo-1.0.tar.gz", "?demo-1.0", "sdist", true);
        assert!(parse("left", "left-2-1.tar.gz").unwrap().order.is_some(), "it is `left` 2.post1 as well");
    }

    #[test]
    fn older_kinds_are_known() {
        check("left-demo", "left_demo-1.0-py2.7.egg", "1.0", "egg-py2.7", false);
        check("left-demo", "left_demo-1.0_r2-py2.7-linux-x86_64.egg", "1.0_r2", "egg-py2.7-linux-x86_64", false);
        check("left", "left-1.0.egg", "1.0", "egg", false);
        check("left-demo", "left-demo-1.0.win32.exe", "1.0", "wininst-win32", true);
        check("left", "left-1.0rc1.win-amd64-py2.7.exe", "1.0rc1", "wininst-win-amd64-py2.7", true);
        check("left", "left-1.0.win32-py3.4.msi", "1.0", "msi-win32-py3.4", true);
        check("left", "left-1.0.linux-x86_64.tar.gz", "1.0", "dumb-linux-x86_64", true);
        check("left", "left-1.0-1.noarch.rpm", "1.0", "rpm", true);
        check("left", "left-1.0-1.src.rpm", "1.0", "rpm", true);
        check("left", "left-1.0.dmg", "1.0", "dmg", true);
        check("left", "left-1.0.tar.gz.asc", "?1.0.tar.gz.asc", "other", true);
        check("left", "left-1.0", "1.0", "other", true);
    }

    #[test]
    fn a_file_of_another_project_is_foreign() {
        for file in [
            "right-1.0.tar.gz",
            "left_extra-1.0-py3-none-any.whl",
            "left_1.0.tar.gz",
            "left.tar.gz",
            "-1.0.tar.gz",
            "left-1.0-py3--any.whl",
            "leftx-1.0.egg",
            "x",
            ".whl",
            "left.whl",
        ] {
            let expect = if file.starts_with('.') { Foreign::Forbidden } else { Foreign::Project };
            assert_eq!(parse("left", file), Err(expect), "{file}");
        }
    }

    #[test]
    fn a_name_that_could_lead_elsewhere_is_none() {
        let long = format!("left-{}.tar.gz", "1".repeat(MAX_BYTES));
        for file in [
            "",
            "left-1.0/../x.tar.gz",
            "left-1.0\\x.tar.gz",
            "left-1.0%2f.tar.gz",
            "left-1.0?x.tar.gz",
            "left-1.0#sha256=0.tar.gz",
            "left-1.0 .tar.gz",
            "left-1.0\0.tar.gz",
            "left-1.0\r\n.tar.gz",
            "left-1.0\".tar.gz",
            "left-1.0<b>.tar.gz",
            "left-1.0\u{e9}.tar.gz",
            "..",
            &long,
        ] {
            assert_eq!(parse("left", file), Err(Foreign::Forbidden), "{file:?}");
        }
    }
}
