//! Compiles the replays' sources of Java, since what is in a jar are classes.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use super::pack::Member;
use super::spec::Edit;

/// The release of Java that the classes are for.
const RELEASE: &str = "11";

/// Whether there is a compiler.
pub(crate) fn is_there() -> bool {
    let version = Command::new("javac").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Compiles the sources among the edits beside a jar, and puts the classes where they belong: a class of the same name is
/// replaced.
pub(crate) fn compile(edits: &[Edit], jar: &[u8], members: &mut Vec<Member>) -> anyhow::Result<()> {
    let sources: Vec<(&str, &str)> =
        edits.iter().filter_map(|edit| Some((edit.path.as_str(), edit.java.as_deref()?))).collect();
    if sources.is_empty() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let classes = run(&sources, jar, folder.path())?;
    ensure!(!classes.is_empty(), "the compiler made nothing");
    for class in classes {
        match members.iter_mut().find(|member| member.path == class.path) {
            Some(member) => member.bytes = class.bytes,
            None => members.push(class),
        }
    }
    Ok(())
}

fn run(sources: &[(&str, &str)], jar: &[u8], folder: &Path) -> anyhow::Result<Vec<Member>> {
    let (from, to, host) = (folder.join("from"), folder.join("to"), folder.join("host.jar"));
    std::fs::write(&host, jar)?;
    std::fs::create_dir_all(&to)?;
    let mut javac = Command::new("javac");
    javac.args(["--release", RELEASE, "-g:none", "-nowarn", "-proc:none", "-encoding", "UTF-8", "-cp"]);
    javac.arg(&host).arg("-d").arg(&to);
    for (path, source) in sources {
        let path = from.join(path);
        std::fs::create_dir_all(path.parent().context("a source has a folder")?)?;
        std::fs::write(&path, source)?;
        javac.arg(path);
    }
    let output = javac.output().context("`javac` could not be started")?;
    ensure!(output.status.success(), "`javac`: {}", String::from_utf8_lossy(&output.stderr));
    let mut classes = Vec::new();
    collect(&to, "", &mut classes)?;
    classes.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(classes)
}

fn collect(folder: &Path, prefix: &str, classes: &mut Vec<Member>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), classes)?;
        } else {
            classes.push(Member::file(path, std::fs::read(entry.path())?));
        }
    }
    Ok(())
}
