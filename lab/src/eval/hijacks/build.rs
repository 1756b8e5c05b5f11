//! Builds a replay: takes a release of the host, applies the edits, and packs it as the next version.

use anyhow::{Context, bail};

use super::pack::{Format, Member};
use super::pieces::{self, Pieces};
use super::spec::{Dependency, Edit, Replay};
use super::{edit, java, release};

/// A file of a release that was built.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Built {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) file: String,
    pub(crate) bytes: Vec<u8>,
}

/// A release that is there: its version, the name of its file and the file.
#[derive(Debug, Clone)]
pub(crate) struct Real {
    pub(crate) version: String,
    pub(crate) file: String,
    pub(crate) bytes: Vec<u8>,
}

/// The hijacked release, made of a real one.
pub(crate) fn host(replay: &Replay, real: &Real) -> anyhow::Result<Built> {
    let pieces = pieces::make(replay)?;
    let kind = replay.kind();
    let format = Format::of(&real.bytes)?;
    let mut members = format.read(&real.bytes)?;
    apply(&replay.edits, kind, &mut members, &pieces)?;
    java::compile(&replay.edits, &real.bytes, &mut members)?;
    let version = release::raised(&real.version);
    release::renew(kind, &real.version, &version, &mut members)?;
    let file = real.file.replacen(&real.version, &version, 1);
    Ok(Built { name: replay.host.clone(), version, file, bytes: format.write(&members)? })
}

/// The two releases of the dependency: the one that only makes it look used, and the other.
pub(crate) fn dependency(replay: &Replay, dependency: &Dependency) -> anyhow::Result<[Built; 2]> {
    let pieces = pieces::make(replay)?;
    let kind = replay.kind();
    let Dependency { name, old, new, .. } = dependency;
    let root = match kind {
        "tarball" => "package/".to_owned(),
        "crate" => format!("{name}-{old}/"),
        _ => bail!("a dependency of this sort cannot be built"),
    };
    let files = dependency.files.iter().map(|clean| Member::file(format!("{root}{}", clean.path), clean.text.as_str()));
    let mut members: Vec<Member> = files.collect();
    let pack = |version: &str, members: &[Member]| -> anyhow::Result<Built> {
        let (bare, end) = (name.rsplit('/').next().unwrap_or(name), if kind == "crate" { "crate" } else { "tgz" });
        let (file, version) = (format!("{bare}-{version}.{end}"), version.to_owned());
        Ok(Built { name: name.clone(), version, file, bytes: Format::Tar.write(members)? })
    };
    let clean = pack(old, &members)?;
    apply(&dependency.edits, kind, &mut members, &pieces)?;
    release::renew(kind, old, new, &mut members)?;
    Ok([clean, pack(new, &members)?])
}

fn apply(edits: &[Edit], kind: &str, members: &mut Vec<Member>, pieces: &Pieces) -> anyhow::Result<()> {
    let root = release::root(kind, members);
    for each in edits.iter().filter(|edit| edit.java.is_none()) {
        edit::apply(each, &root, members, pieces).context("an edit that does not fit the release")?;
    }
    Ok(())
}
