//! The same plan on a system that gives nobody namespaces: nothing can be mounted, so each path that may be reached is
//! named to Landlock by itself, and what is forgotten afterwards is a folder of ours.
//!
//! Landlock gives rights and takes none back: whoever may write a folder may write all that lies in it. So where something
//! in a folder is protected or hidden, the folder itself is only listed, and each other thing in it is given by itself.
//! Nothing new can be made in such a folder, the top of a project among them.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::files::{DEVICES, MACHINE, SYSTEM};
use super::{Plan, SHELL, Tier};

/// Where what is forgotten afterwards lies, in the folder for it.
const HOME: &str = "home";
const TEMPORARY: &str = "tmp";
/// Makes the C library ask for names over streams, which can be watched. Source: `resolv.conf(5)`.
const BY_STREAM: (&str, &str) = ("RES_OPTIONS", "use-vc");
/// How many paths are named to the kernel. A folder that has more in it is too large to be taken apart.
const MAX_PATHS: usize = 20_000;

/// How a path may be reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
    Data,
}

/// The plan for a program that is to have no namespaces. `private` is an empty folder that is forgotten afterwards.
pub(super) fn plan(plan: &Plan, private: &Path) -> io::Result<Plan> {
    let mut plain =
        Plan { tier: Tier::Landlock, layers: Vec::new(), keep: Vec::new(), hide: Vec::new(), ..plan.clone() };
    plain.list.clear();
    let written = plan.write.iter().chain(plan.layers.iter().map(|layer| &layer.folder));
    let mut all: Vec<(&Path, Access)> = plan.read.iter().map(|path| (path.as_path(), Access::Read)).collect();
    all.extend(written.map(|path| (path.as_path(), Access::Write)));
    all.extend(plan.data.iter().map(|path| (path.as_path(), Access::Data)));
    let system = SYSTEM.iter().chain(&MACHINE).map(|path| (Path::new(*path), Access::Read));
    all.extend(system.chain([(Path::new("/proc"), Access::Read)]));
    (plain.read, plain.write, plain.data) = (Vec::new(), Vec::new(), Vec::new());
    for (path, access) in all {
        give(path, access, plan, &mut plain)?;
    }
    plain.data.extend(DEVICES.iter().map(PathBuf::from));
    at_home(plan, private, &mut plain)?;
    Ok(plain)
}

fn give(path: &Path, access: Access, plan: &Plan, plain: &mut Plan) -> io::Result<()> {
    let given = plain.read.len() + plain.write.len() + plain.data.len();
    if given > MAX_PATHS {
        return Err(io::Error::other("too many paths would have to be named one by one"));
    }
    if plan.hide.iter().any(|hidden| path.starts_with(hidden)) || !path.exists() {
        return Ok(());
    }
    let access = if plan.keep.iter().any(|kept| path.starts_with(kept)) { Access::Read } else { access };
    let inside = |other: &&PathBuf| other.starts_with(path) && *other != path;
    let hidden = plan.hide.iter().any(|hidden| inside(&hidden));
    let kept = access != Access::Read && plan.keep.iter().any(|kept| inside(&kept));
    if hidden || kept {
        plain.list.push(path.to_owned());
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), access, plan, plain)?;
        }
        return Ok(());
    }
    let list = match access {
        Access::Read => &mut plain.read,
        Access::Write => &mut plain.write,
        Access::Data => &mut plain.data,
    };
    list.push(path.to_owned());
    Ok(())
}

/// A home of its own in the private folder, with links to what is shown of the real one, and the texts in place of files.
fn at_home(plan: &Plan, private: &Path, plain: &mut Plan) -> io::Result<()> {
    let (home, temporary) = (private.join(HOME), private.join(TEMPORARY));
    for folder in [&home, &temporary] {
        fs::create_dir_all(folder)?;
    }
    let real = plan.blank.first().cloned();
    let moved = |path: &Path| Some(home.join(path.strip_prefix(real.as_ref()?).ok()?));
    let shown = plan.read.iter().chain(&plan.write).chain(&plan.data).map(|path| (path.clone(), path.clone()));
    for (link, target) in plan.links.iter().cloned().chain(shown) {
        if let Some(link) = moved(&link) {
            put(&link, |link| symlink(&target, link))?;
        }
    }
    for (path, text) in &plan.texts {
        match moved(path) {
            #[expect(clippy::disallowed_methods, reason = "this is the program's own home, which is forgotten")]
            Some(path) => put(&path, |path| fs::write(path, text))?,
            // A file that has to have another text can only be hidden.
            None if !has_text(path, text) => plain.read.retain(|read| read != path),
            None => {}
        }
    }
    plain.texts.clear();
    plain.blank = vec![home.clone(), temporary.clone()];
    let shell = private.join(Path::new(SHELL).file_name().unwrap_or_default());
    if let Some((_, target)) = plan.links.iter().find(|(link, _)| link == Path::new(SHELL)) {
        symlink(target, &shell)?;
        plain.read.push(shell.clone());
    }
    plain.links.clear();
    let change = |(name, value): (OsString, OsString)| match name.to_str() {
        Some("HOME") => (name, home.clone().into()),
        _ if value == SHELL => (name, shell.clone().into()),
        _ => (name, value),
    };
    plain.environment = std::mem::take(&mut plain.environment).into_iter().map(change).collect();
    plain.environment.push(("TMPDIR".into(), temporary.clone().into()));
    plain.environment.push((BY_STREAM.0.into(), BY_STREAM.1.into()));
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "what a program is shown of a file rests on what is in it")]
fn has_text(path: &Path, text: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|is| is == text)
}

/// Puts something where nothing is yet.
fn put(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    match make(path) {
        // What it lies in is shown as a whole, by another link.
        Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory) => Ok(()),
        outcome => outcome,
    }
}
