//! What a profile means on this machine, for this project.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::place::{covers, paths};
use super::{Profile, ProfileError, Project, Value, environment, programs};

/// Folders of a machine that are no project's.
const NO_PROJECT: [&str; 12] =
    ["/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/proc", "/root", "/sys", "/usr", "/var"];
/// The folder that is a repository of git.
const REPOSITORY: &str = ".git";
/// Names of folders of programs, which lie in what was installed.
const SHARED: [&str; 2] = ["bin", "sbin"];
/// Folders of the system, which everybody sees.
const SYSTEM: [&str; 8] = ["/bin", "/sbin", "/lib", "/lib64", "/usr", "/opt", "/nix", "/gnu"];
/// How many links of a folder of programs are followed.
const MAX_LINKS: usize = 64;

/// Where a command is run.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The folder of the project.
    pub project: PathBuf,
    /// The working folder.
    pub folder: PathBuf,
    /// The user's home.
    pub home: PathBuf,
    /// The whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Where the client keeps what it has fetched.
    pub cache: Option<PathBuf>,
}

/// What a profile means here. Paths are absolute, without links, and there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The program that the command begins with.
    pub program: PathBuf,
    /// What is read and run.
    pub read: Vec<PathBuf>,
    /// What is written and run.
    pub write: Vec<PathBuf>,
    /// What is written, and not run.
    pub data: Vec<PathBuf>,
    /// Whether the project is written in a layer.
    pub layer: bool,
    /// What is only read.
    pub keep: Vec<PathBuf>,
    /// What is empty.
    pub hide: Vec<PathBuf>,
    /// What is empty, and forgotten afterwards.
    pub blank: Vec<PathBuf>,
    /// Links in there, to what is shown elsewhere.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// Whether what is forgotten may be run.
    pub run_blank: bool,
    /// The only programs that may be run.
    pub programs: Option<Vec<PathBuf>>,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
    /// Folders that were made for it, and can go again if they stay empty.
    pub made: Vec<PathBuf>,
    /// Places that are only read, whether something is there or not.
    pub protect: Vec<String>,
}

impl Surroundings {
    /// A command's surroundings: the project is the repository that the folder lies in; else the nearest folder with one of
    /// these files; else the folder itself.
    pub fn new(
        folder: &Path,
        home: &Path,
        environment: Vec<(OsString, OsString)>,
        marks: &[&str],
    ) -> Result<Self, ProfileError> {
        let folder = folder.canonicalize().map_err(|error| ProfileError::Io(folder.to_owned(), error))?;
        // Not everybody has a home that is there.
        let home = home.canonicalize().unwrap_or_else(|_| home.to_owned());
        let above = || folder.ancestors().filter(|above| !is_no_project(above, &home));
        let repository = above().find(|above| above.join(REPOSITORY).exists());
        let marked = || above().find(|above| marks.iter().any(|mark| above.join(mark).is_file()));
        let project = repository.or_else(marked).unwrap_or(&folder).to_owned();
        if is_no_project(&project, &home) {
            return Err(ProfileError::Project(project));
        }
        Ok(Self { project, folder, home, environment, cache: None })
    }

    /// A variable's value.
    pub(super) fn variable(&self, name: &str) -> Option<&OsStr> {
        self.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_os_str())
    }

    /// The folders in which programs are looked for.
    pub fn search(&self) -> Vec<PathBuf> {
        let all = self.variable("PATH").map(|path| std::env::split_paths(path).collect::<Vec<_>>()).unwrap_or_default();
        all.into_iter().filter(|folder| folder.is_absolute()).collect()
    }
}

fn is_no_project(folder: &Path, home: &Path) -> bool {
    NO_PROJECT.iter().any(|path| folder == Path::new(path)) || home.starts_with(folder)
}

impl Resolved {
    /// What a profile means for a program. Folders that it writes and that it says are to be there are made.
    pub fn new(profile: &Profile, program: &OsStr, around: &Surroundings) -> Result<Self, ProfileError> {
        let started = programs::find(program, around);
        let started = started.ok_or_else(|| ProfileError::Program(program.to_string_lossy().into_owned()))?;
        let mut resolved = Self {
            blank: Some(around.home.clone()).filter(|home| home.parent().is_some()).into_iter().collect(),
            layer: profile.files.project == Some(Project::Layer),
            run_blank: profile.files.run_temporary,
            protect: profile.files.protect.clone(),
            ..Self::default()
        };
        let shown =
            |path: &Path| path.starts_with(&around.project) || SYSTEM.iter().any(|system| path.starts_with(system));
        for folder in around.search().iter().filter(|folder| !shown(folder)) {
            resolved.show_programs(folder, around)?;
        }
        for place in &profile.files.read {
            for path in paths(place, around)? {
                resolved.add(&path, around, |all| &mut all.read)?;
            }
        }
        let run: BTreeSet<PathBuf> = all_paths(&profile.files.run, around)?.into_iter().collect();
        for place in &profile.files.write {
            for path in paths(place, around)? {
                resolved.make(place, &path, &around.project)?;
                if run.contains(&path) {
                    resolved.add(&path, around, |all| &mut all.write)?;
                } else {
                    resolved.add(&path, around, |all| &mut all.data)?;
                }
            }
        }
        match profile.files.project {
            Some(Project::Write) => resolved.write.push(around.project.clone()),
            Some(Project::Layer) => {}
            Some(Project::Read) | None => resolved.read.push(around.project.clone()),
        }
        resolved.keep = there(all_paths(&profile.files.protect, around)?);
        resolved.hide = there(all_paths(&profile.files.hide, around)?);
        resolved.programs = programs::allowed(&profile.programs, around)?;
        resolved.environment = environment::scrubbed(&around.environment, &profile.environment);
        for (name, Value { is, with }) in &profile.environment.set {
            let there = paths(is, around)?.into_iter().find(|path| path.join(with).exists());
            resolved.environment.extend(there.map(|path| (name.into(), path.into())));
        }
        let denied = programs::denied(&profile.programs, around)?;
        resolved.programs.iter_mut().for_each(|programs| programs.retain(|program| !denied.contains(program)));
        let target = started.canonicalize().map_err(|error| ProfileError::Io(started.clone(), error))?;
        if denied.contains(&target) {
            return Err(ProfileError::Denied(program.to_string_lossy().into_owned()));
        }
        resolved.hide.extend(denied);
        if let Some(programs) = &mut resolved.programs {
            programs.push(target.clone());
        }
        resolved.see(&started, &target, around);
        resolved.program = started;
        Ok(resolved)
    }

    /// True if something in the project is protected: `path` is from the project on.
    pub fn is_protected(&self, path: &Path) -> bool {
        self.protect.iter().any(|place| covers(place, path))
    }

    /// Adds a path if it is there, by its real name, with a link where it was looked for.
    fn add(
        &mut self,
        path: &Path,
        around: &Surroundings,
        list: impl FnOnce(&mut Self) -> &mut Vec<PathBuf>,
    ) -> Result<(), ProfileError> {
        // Most of what profiles name is not there, which is soon asked.
        let real = match path.metadata().and_then(|_| path.canonicalize()) {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(ProfileError::Io(path.to_owned(), error)),
        };
        if real != path && path.starts_with(&around.home) {
            self.links.push((path.to_owned(), real.clone()));
        }
        // Nobody gives the whole home away by a link.
        if !around.home.starts_with(&real) {
            list(self).push(real);
        }
        Ok(())
    }

    /// Makes a folder whose place says that it is to be there; in a project, only in a folder that is there.
    fn make(&mut self, place: &str, path: &Path, project: &Path) -> Result<(), ProfileError> {
        let stray = path.starts_with(project) && !path.parent().is_some_and(Path::is_dir);
        if !place.ends_with('/') || path.exists() || stray {
            return Ok(());
        }
        std::fs::create_dir_all(path).map_err(|error| ProfileError::Io(path.to_owned(), error))?;
        self.made.push(path.to_owned());
        Ok(())
    }

    /// Shows a folder of programs, and what it belongs to if that is not much else: `~/.tool/v1/bin` with `~/.tool/v1`, but
    /// `~/.local/bin` alone, with what its links lead to.
    fn show_programs(&mut self, folder: &Path, around: &Surroundings) -> Result<(), ProfileError> {
        self.add(installation(folder, &around.home), around, |all| &mut all.read)?;
        let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
        let links = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
        for link in links.take(MAX_LINKS).map(|entry| entry.path()) {
            if let Ok(target) = link.canonicalize() {
                self.see(&link, &target, around);
            }
        }
        Ok(())
    }

    /// Shows what a link to a program leads to, with what it was installed with.
    fn see(&mut self, link: &Path, target: &Path, around: &Surroundings) {
        let is_seen = |path: &Path| {
            let own = self.read.iter().chain(&self.write).map(PathBuf::as_path).chain([around.project.as_path()]);
            own.chain(SYSTEM.map(Path::new)).any(|shown| path.starts_with(shown))
        };
        let (seen, link_seen) = (is_seen(target), is_seen(link));
        let folder = installation(target.parent().unwrap_or(target), &around.home);
        if !seen && !around.home.starts_with(folder) {
            self.read.push(folder.to_owned());
        }
        if !link_seen && link != target {
            self.links.push((link.to_owned(), target.to_owned()));
        }
    }
}

/// What a folder of programs was installed with: the folder around a `bin`, unless that is shared by many.
fn installation<'a>(folder: &'a Path, home: &Path) -> &'a Path {
    let below = folder.strip_prefix(home).or_else(|_| folder.strip_prefix("/")).unwrap_or(folder);
    let is_own =
        below.components().count() > 2 && folder.file_name().is_some_and(|name| SHARED.iter().any(|one| name == *one));
    let shared = below.parent().is_some_and(|around| around == Path::new(".local"));
    if is_own && !shared { folder.parent().unwrap_or(folder) } else { folder }
}

fn all_paths(places: &[String], around: &Surroundings) -> Result<Vec<PathBuf>, ProfileError> {
    let all: Result<Vec<_>, _> = places.iter().map(|place| paths(place, around)).collect();
    Ok(all?.into_iter().flatten().collect())
}

/// Those that are there, and that no link leads away from.
fn there(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let is_real = |path: &PathBuf| path.exists() && path.canonicalize().is_ok_and(|real| real == *path);
    let all: BTreeSet<PathBuf> = paths.into_iter().filter(is_real).collect();
    all.into_iter().collect()
}
