//! The same on macOS, where the kernel's *Seatbelt* takes a text that says what a program may do.
//!
//! There is nothing to mount and no network to give it: a rule names a path, and the path is this machine's. So what is
//! protected is denied by its name, whether it is there or not, what is forgotten afterwards is a folder of ours, and of
//! the network there are only ports of this machine. A text that the system does not understand ends
//! `/usr/bin/sandbox-exec` before the program.
//!
//! All of this is text, and is made and tested on every Unix; only macOS can run it. Sources: `sandbox-exec(1)`, profiles
//! in `/System/Library/Sandbox/Profiles`, and what Chromium and others found out by trying; Apple documents none of it.

mod home;
mod plan;
mod quote;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use home::at_home;
pub use plan::{Plan, Protected};

use quote::{Filter, name_pattern};

/// Starts a program with a text of rules. It is the system's, and no `PATH` leads to another one.
const SANDBOX_EXEC: &str = "/usr/bin/sandbox-exec";
/// What comes first in every text.
const BASE: &str = include_str!("base.sbpl");
/// What comes last, so that nothing goes before it.
const END: &str = include_str!("end.sbpl");
/// How long a text may be, in bytes. It is an argument, and those of a program are together at most 1 MiB.
const MAX_TEXT: usize = 512 * 1024;
/// Folders of the system that are read and run. `/Library` and `/private` have what is somebody's, and are not among them;
/// nor is `/System` itself, in which all that is anybody's has a second name (`/System/Volumes/Data`).
const SYSTEM: [&str; 19] = [
    "/Applications/Xcode.app",
    "/Library/Apple",
    "/Library/Developer",
    "/Library/Frameworks",
    "/Library/Java",
    "/System/Cryptexes",
    "/System/Library",
    "/System/Volumes/Preboot/Cryptexes",
    "/System/iOSSupport",
    "/bin",
    "/nix",
    "/opt",
    "/private/etc",
    "/private/var/db/dyld",
    "/private/var/db/timezone",
    "/private/var/db/xcode_select_link",
    "/private/var/select",
    "/sbin",
    "/usr",
];
/// What lies in those and is none of the program's business: keys of the machine, and what services have stored.
const SYSTEM_SECRETS: [&str; 7] = [
    "/opt/homebrew/var",
    "/private/etc/krb5.keytab",
    "/private/etc/master.passwd",
    "/private/etc/ssh",
    "/private/etc/sudoers",
    "/private/etc/sudoers.d",
    "/usr/local/var",
];

/// Why there is no text for a plan. Nothing was run.
#[derive(Debug, thiserror::Error)]
pub enum SeatbeltError {
    /// A path that no rule can name.
    #[error("`{}` cannot be named in a rule: {why}", path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There are too many rules.
    #[error("the rules are {0} bytes long, and {MAX_TEXT} are the most that can be handed over")]
    Long(usize),
}

/// What may be done with a path and all that lies in it. Of two for the same path, the later one here decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Access {
    /// Read and run.
    Read,
    /// Written, read and run.
    Write,
    /// Written and read.
    Data,
    /// Not written, whatever it lies in.
    Keep,
}

/// The command that starts a program by a plan. The standard streams are the caller's to set.
#[expect(clippy::disallowed_methods, reason = "this is the crate that starts programs")]
pub fn command(plan: &Plan) -> Result<Command, SeatbeltError> {
    let mut command = Command::new(SANDBOX_EXEC);
    command.arg("-p").arg(text(plan)?).arg("--").arg(&plan.program).args(&plan.arguments);
    command.env_clear().envs(plan.environment.iter().cloned()).current_dir(&plan.folder);
    Ok(command)
}

/// A plan in the language of Seatbelt.
pub fn text(plan: &Plan) -> Result<String, SeatbeltError> {
    let mut text = Text(BASE.to_owned());
    places(plan, &mut text)?;
    programs(plan, &mut text)?;
    hidden(plan, &mut text)?;
    pinned(plan, &mut text)?;
    network(plan, &mut text)?;
    text.0.push('\n');
    text.0.push_str(END);
    if text.0.len() > MAX_TEXT { Err(SeatbeltError::Long(text.0.len())) } else { Ok(text.0) }
}

/// Rules, one after the other.
struct Text(String);

impl Text {
    fn comment(&mut self, words: &str) {
        let _ = write!(self.0, "\n; {words}\n");
    }

    /// A rule for what one of the filters means. Without any there is none: a rule without a filter is for everything.
    fn rule(&mut self, rule: &str, filters: &[Filter]) {
        if filters.is_empty() {
            return;
        }
        let _ = write!(self.0, "({rule}");
        for filter in filters {
            let _ = write!(self.0, "\n  {filter}");
        }
        self.0.push_str(")\n");
    }
}

/// The file system. What lies in something comes after it, and so goes before it.
fn places(plan: &Plan, text: &mut Text) -> Result<(), SeatbeltError> {
    text.comment("Files. What lies deeper comes later.");
    let own = if plan.run_own { Access::Write } else { Access::Data };
    let given = [
        (&plan.read, Access::Read),
        (&plan.write, Access::Write),
        (&plan.data, Access::Data),
        (&plan.own, own),
        (&plan.keep, Access::Keep),
    ];
    let given = given.into_iter().flat_map(|(paths, access)| paths.iter().map(move |path| (path.as_path(), access)));
    let system = SYSTEM.iter().map(|path| (Path::new(*path), Access::Read));
    let mut rules: BTreeMap<(usize, Access), Vec<Filter>> = BTreeMap::new();
    for (path, access) in system.chain(given) {
        rules.entry((depth(path), access)).or_default().extend(Filter::all_of(path)?);
    }
    for Protected { folder, name } in &plan.protect {
        let depth = depth(&folder.join(name));
        rules.entry((depth, Access::Keep)).or_default().extend(name_pattern(folder, name)?);
    }
    for ((_, access), filters) in &rules {
        for rule in access.rules() {
            text.rule(rule, filters);
        }
    }
    Ok(())
}

impl Access {
    /// Each says what is allowed and what is not, since what it lies in may say something else.
    fn rules(self) -> &'static [&'static str] {
        match self {
            Self::Read => &["allow file-read* file-map-executable process-exec*", "deny file-write*"],
            Self::Write => &["allow file-read* file-write* file-map-executable process-exec*"],
            Self::Data => &["allow file-read* file-write*", "deny file-map-executable process-exec*"],
            Self::Keep => &["deny file-write*"],
        }
    }
}

/// Of what may be run, only what is in the list.
fn programs(plan: &Plan, text: &mut Text) -> Result<(), SeatbeltError> {
    let Some(programs) = &plan.programs else { return Ok(()) };
    text.comment("Programs, whatever else could be run.");
    text.rule("deny process-exec*", &[Filter::none_of(programs)?]);
    Ok(())
}

/// What cannot be read, written or run, whatever it lies in.
fn hidden(plan: &Plan, text: &mut Text) -> Result<(), SeatbeltError> {
    text.comment("Hidden.");
    let mut filters = Vec::new();
    for path in SYSTEM_SECRETS.iter().map(Path::new).chain(plan.hide.iter().map(PathBuf::as_path)) {
        filters.extend(Filter::all_of(path)?);
    }
    text.rule("deny file-read* file-write* file-map-executable process-exec*", &filters);
    Ok(())
}

/// A rule names a path. What it is in must not be moved away, or what is protected and hidden would have another one.
fn pinned(plan: &Plan, text: &mut Text) -> Result<(), SeatbeltError> {
    let written: Vec<&PathBuf> = plan.write.iter().chain(&plan.data).chain(&plan.own).collect();
    let is_written = |path: &&Path| written.iter().any(|written| path.starts_with(written));
    let inside = |path: &&&PathBuf| written.iter().any(|other| path.starts_with(other) && path != &other);
    let roots = written.iter().filter(|path| !inside(path)).map(|path| path.as_path());
    let around = plan.keep.iter().chain(&plan.hide).flat_map(|path| path.ancestors().skip(1));
    let around = around.chain(plan.protect.iter().flat_map(|protected| protected.folder.ancestors()));
    let pinned: BTreeSet<&Path> = around.filter(is_written).chain(roots).collect();
    let mut filters = Vec::new();
    for path in pinned {
        filters.extend(Filter::itself(path)?);
    }
    text.comment("What all of that is in stays where it is.");
    text.rule("deny file-write-unlink", &filters);
    Ok(())
}

/// Ports of this machine, and sockets in its own folders: those in a project may be somebody else's.
fn network(plan: &Plan, text: &mut Text) -> Result<(), SeatbeltError> {
    text.comment("Whom it may talk to.");
    let connect: Vec<Filter> = plan.connect.iter().map(|port| Filter::port("remote", *port)).collect();
    text.rule("allow network-outbound", &connect);
    let listen: Vec<Filter> = plan.listen.iter().map(|port| Filter::port("local", *port)).collect();
    text.rule("allow network-bind network-inbound", &listen);
    text.rule("allow system-socket", &[Filter::local_sockets()]);
    for (rule, end) in [("allow network-bind network-inbound", "local"), ("allow network-outbound", "remote")] {
        let mut filters = Vec::new();
        for folder in &plan.own {
            filters.extend(Filter::sockets(end, folder)?);
        }
        text.rule(rule, &filters);
    }
    Ok(())
}

fn depth(path: &Path) -> usize {
    path.components().count()
}

#[cfg(test)]
mod tests;
