//! What a program is started with, and what it may reach.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::profile::{Resolved, Surroundings};

/// Begins places in the project.
const PROJECT: &str = "$PROJECT/";
/// Where programs of the system that are only stand-ins start the real ones.
const DEVELOPER: [&str; 3] = [
    "/Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/bin",
    "/Applications/Xcode.app/Contents/Developer/usr/bin",
    "/Library/Developer/CommandLineTools/usr/bin",
];
/// Where those stand-ins are.
const STAND_INS: &str = "/usr/bin";
/// What an interpreter in a framework starts in its place, from the folder around its own on.
const IN_FRAMEWORK: &str = "Resources/Python.app";

/// What a program is started with, and what it may reach. Paths are absolute, without links, and there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Its working folder.
    pub folder: PathBuf,
    /// Files and folders that it may read and run.
    pub read: Vec<PathBuf>,
    /// Those that it may write, read and run.
    pub write: Vec<PathBuf>,
    /// Those that it may write and read, of which nothing can be run.
    pub data: Vec<PathBuf>,
    /// Those inside of these that it may only read.
    pub keep: Vec<PathBuf>,
    /// Names that it may only read, whether they are there or not.
    pub protect: Vec<Protected>,
    /// Files and folders that it cannot open.
    pub hide: Vec<PathBuf>,
    /// Folders that are its own, and forgotten afterwards.
    pub own: Vec<PathBuf>,
    /// Whether what lies in those may be run.
    pub run_own: bool,
    /// Programs, and folders of programs, that are the only ones that it may run; all if there is no list.
    pub programs: Option<Vec<PathBuf>>,
    /// Ports of this machine that it may connect to.
    pub connect: Vec<u16>,
    /// Ports of this machine that it may listen on.
    pub listen: Vec<u16>,
}

/// Names in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    /// The folder, which is there.
    pub folder: PathBuf,
    /// What the names are like, from the folder on; `*` stands for anything.
    pub name: String,
}

impl Plan {
    /// What a profile means here, for a program with these arguments. A project that would be written in a layer is
    /// written as it is.
    pub fn new(resolved: &Resolved, around: &Surroundings, arguments: &[OsString]) -> Self {
        let developer = DEVELOPER.map(Path::new);
        let mut write = resolved.write.clone();
        write.extend(resolved.layer.then(|| around.project.clone()));
        let protect = |place: &String| {
            let name = place.strip_prefix(PROJECT)?.trim_end_matches('/').to_owned();
            Some(Protected { folder: around.project.clone(), name })
        };
        Self {
            program: resolved.program.clone(),
            arguments: arguments.to_vec(),
            environment: resolved.environment.clone(),
            folder: around.folder.clone(),
            read: resolved.read.clone(),
            write,
            data: resolved.data.clone(),
            keep: resolved.keep.clone(),
            protect: resolved.protect.iter().filter_map(protect).collect(),
            hide: with_parts(&resolved.hide, &developer),
            run_own: resolved.run_blank,
            programs: resolved.programs.as_deref().map(|programs| with_parts(programs, &developer)),
            ..Self::default()
        }
    }

    /// Sets a variable, whether it was set or not.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.into(), value.into()));
    }
}

/// The programs with what they start in their place. `developer` are the folders for which those of the system stand.
fn with_parts(programs: &[PathBuf], developer: &[&Path]) -> Vec<PathBuf> {
    let stand_ins = programs.iter().filter(|program| program.parent() == Some(Path::new(STAND_INS)));
    let names = stand_ins.filter_map(|program| program.file_name());
    let real = |name: &OsStr| developer.iter().filter_map(|folder| folder.join(name).canonicalize().ok()).collect();
    let real: Vec<PathBuf> = names.flat_map(|name| -> Vec<PathBuf> { real(name) }).collect();
    let mut all: BTreeSet<PathBuf> = programs.iter().cloned().chain(real).collect();
    let in_framework = |program: &PathBuf| Some(program.parent()?.parent()?.join(IN_FRAMEWORK));
    let parts: Vec<PathBuf> = all.iter().filter_map(in_framework).filter(|part| part.is_dir()).collect();
    all.extend(parts);
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::profile::{Files, Profile, Project};

    #[test]
    fn a_project_with_a_layer_is_written_and_its_names_are_protected() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().canonicalize().unwrap();
        let environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
        let around = Surroundings::new(&project, Path::new("/nonexistent"), environment, &[]).unwrap();
        let protect = ["$PROJECT/.git", "$PROJECT/ci/*.yml", "~/.profile"].map(str::to_owned).to_vec();
        let files = Files { project: Some(Project::Layer), protect, ..Files::default() };
        let profile = Profile { files, ..Profile::default() };
        let resolved = Resolved::new(&profile, OsStr::new("sh"), &around).unwrap();
        let plan = Plan::new(&resolved, &around, &["-c".into()]);
        assert_eq!(plan.write, std::slice::from_ref(&project));
        let names = [".git", "ci/*.yml"].map(|name| Protected { folder: project.clone(), name: name.to_owned() });
        assert_eq!(plan.protect, names);
        assert_eq!((plan.arguments, plan.programs), (vec!["-c".into()], None));
    }

    #[test]
    fn a_stand_in_comes_with_what_it_stands_for() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for made in ["usr/bin", "Python3/bin", "Python3/Resources/Python.app"] {
            fs::create_dir_all(root.join(made)).unwrap();
        }
        for file in ["usr/bin/cc", "usr/bin/git", "Python3/bin/python3.9"] {
            fs::File::create_new(root.join(file)).unwrap();
        }
        std::os::unix::fs::symlink("../../Python3/bin/python3.9", root.join("usr/bin/python3")).unwrap();
        let programs = ["/usr/bin/cc", "/usr/bin/python3", "/opt/homebrew/bin/git"].map(PathBuf::from);
        let all = with_parts(&programs, &[&root.join("usr/bin"), Path::new("/nonexistent")]);
        let added: Vec<&PathBuf> = all.iter().filter(|path| path.starts_with(&root)).collect();
        let expected = ["Python3/Resources/Python.app", "Python3/bin/python3.9", "usr/bin/cc"];
        assert_eq!(added, expected.map(|path| root.join(path)).iter().collect::<Vec<_>>());
        assert_eq!(all.len(), programs.len() + expected.len());
    }
}
