//! A home for a program, with what it is shown of the user's.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Plan;

/// What lies in the folder for what is forgotten.
const HOME: &str = "home";
const TEMPORARY: &str = "tmp";

/// Makes a home and a place for temporary files in `private`, an empty folder that is forgotten afterwards, and tells the
/// program by its variables. `links` lead from the user's home to what was installed elsewhere; `texts` are what files have
/// in them for the program: those in the home are put there, and a file that has another text is hidden.
pub fn at_home(
    plan: &mut Plan,
    private: &Path,
    users: &Path,
    links: &[(PathBuf, PathBuf)],
    texts: &[(PathBuf, String)],
) -> io::Result<()> {
    // A rule is asked for a path without links.
    let private = private.canonicalize()?;
    let (home, temporary) = (private.join(HOME), private.join(TEMPORARY));
    for folder in [&home, &temporary] {
        fs::create_dir(folder)?;
    }
    let moved = |path: &Path| Some(home.join(path.strip_prefix(users).ok()?));
    let shown = plan.read.iter().chain(&plan.write).chain(&plan.data).map(|path| (path, path));
    for (link, target) in links.iter().map(|(link, target)| (link, target)).chain(shown) {
        if let Some(link) = moved(link) {
            put(&link, |link| symlink(target, link))?;
        }
    }
    for (path, text) in texts {
        if !has_text(path, text) {
            plan.hide.extend(path.canonicalize().ok());
        }
        if let Some(path) = moved(path) {
            #[expect(clippy::disallowed_methods, reason = "this is the program's own home, which is forgotten")]
            put(&path, |path| fs::write(path, text))?;
        }
    }
    plan.set("HOME", &home);
    plan.set("TMPDIR", &temporary);
    plan.own.extend([home, temporary]);
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make and look at files")]
mod tests {
    use super::*;

    #[test]
    fn the_home_is_another_one_with_what_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (users, private, project) = (root.join("me"), root.join("private"), root.join("project"));
        for made in [&users.join(".tool"), &users.join("secret"), &private, &project] {
            fs::create_dir_all(made).unwrap();
        }
        fs::write(project.join("same"), "a").unwrap();
        fs::write(project.join("other"), "a token").unwrap();
        let mut plan = Plan { read: vec![users.join(".tool")], ..Plan::default() };
        plan.set("HOME", &users);
        let links = [(users.join("bin/x"), PathBuf::from("/usr/bin/x"))];
        let texts = [(users.join(".config/rc"), "a".to_owned())];
        let of_project = ["same", "other"].map(|name| (project.join(name), "a".to_owned()));
        at_home(&mut plan, &private, &users, &links, &[&texts[..], &of_project].concat()).unwrap();

        let home = private.join("home");
        assert_eq!(fs::read_link(home.join(".tool")).unwrap(), users.join(".tool"));
        assert_eq!(fs::read_link(home.join("bin/x")).unwrap(), Path::new("/usr/bin/x"));
        assert_eq!(fs::read_to_string(home.join(".config/rc")).unwrap(), "a");
        assert!(!home.join("secret").exists());
        assert_eq!(plan.hide, [project.join("other")]);
        assert_eq!(plan.own, [home.clone(), private.join("tmp")]);
        let environment = [("HOME", home), ("TMPDIR", private.join("tmp"))];
        assert_eq!(plan.environment, environment.map(|(name, path)| (name.into(), path.into())));
    }
}
