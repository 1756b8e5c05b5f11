//! What the hook of a package can do and what it cannot, where we are put in the place of its program. It is tried in the
//! hook and in the command that starts it, which has to be able to do the same.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use stockade_sandbox::sandbox::{Deed, Event, Hook, HookNames, Plan, Watched};

use crate::linux::{Attempt, PORT, Place, call, pid, said, start_watched, talk};

/// Where the package lies, from the project on.
const PACKAGE: &str = "src/packages/demo";
/// The variable that its client gives to a hook, with the place for what it makes.
const OUT: &str = "OUT";

/// What the command may do, and a hook may not.
pub(super) const ATTEMPTS: &[(&str, Attempt)] = &[
    ("hook: write the project", |place| fs::write(place.project.join("src/index.js"), "0")),
    ("hook: write another package", |place| fs::write(place.project.join("src/packages/other/lib"), "x")),
    ("hook: write beside its output", |place| fs::write(place.project.join("src/out/new"), "x")),
    ("hook: write temporary files of others", |_| {
        fs::write(Path::new(&std::env::var("COMMANDS").unwrap_or_default()).join("left"), "x")
    }),
    ("hook: reach the gateway", |_| talk(([192, 0, 2, 1], PORT).into())),
    ("hook: signal its client", |_| {
        call(rustix::process::test_kill_process(pid(std::os::unix::process::parent_id().try_into().unwrap_or(0))?))
    }),
];

/// What a hook has to be able to do.
pub(super) const NEEDS: &[(&str, Attempt)] = &[
    ("hook: write its output", |_| fs::write(Path::new(&std::env::var(OUT).unwrap_or_default()).join("made"), "x")),
    ("hook: write what others share", |place| fs::write(place.project.join("src/out/shared-1/made"), "x")),
    ("hook: write temporary files", |_| fs::write(std::env::temp_dir().join("mine"), "x")),
    ("hook: read another package", |place| fs::read(place.project.join("src/packages/other/lib")).map(drop)),
    ("hook: have the arguments and descriptors that it was given", |_| {
        let open = (3..256).filter(|number| fs::read_link(format!("/proc/self/fd/{number}")).is_ok()).count();
        let named = std::env::args().next().is_some_and(|name| name.ends_with("hook-demo"));
        // One is the folder that was looked into.
        if open <= 1 && named { Ok(()) } else { Err(io::Error::other(format!("{open} descriptors, {named}"))) }
    }),
];

/// Runs what is tried in a hook and in its command, in each kind of sandbox.
pub(super) fn check(place: &Place, wrong: &mut Vec<String>) {
    for folder in [PACKAGE, "src/packages/other", "src/out/mine", "src/out/shared-1"] {
        fs::create_dir_all(place.project.join(folder)).unwrap();
    }
    fs::write(place.project.join("src/packages/other/lib"), "x").unwrap();
    fs::copy(std::env::current_exe().unwrap(), place.project.join(PACKAGE).join("hook-demo")).unwrap();
    for plain in [false, true] {
        for (name, _) in ATTEMPTS.iter().chain(NEEDS) {
            let needed = NEEDS.iter().any(|(need, _)| need == name);
            for (program, may) in [("hook-demo", needed), ("attempts-demo", !name.contains("descriptors"))] {
                let (ok, said, events) = run(place, program, name, plain);
                if ok != may {
                    wrong.push(format!("`{name}` of {program} (without namespaces: {plain}) ends with {ok}: {said}"));
                }
                let confined = events.iter().any(|event| event.confined.is_some());
                if confined != (program == "hook-demo") {
                    wrong.push(format!("`{name}` of {program}: confined is {confined}: {events:?}"));
                }
            }
        }
    }
    short(place, wrong);
    searched(place, wrong);
}

/// Who looks for a program comes to the second of that name, if the first cannot be run, and that is confined.
fn searched(place: &Place, wrong: &mut Vec<String>) {
    let package = place.project.join(PACKAGE);
    let folder = package.join("first-folder-of-programs");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("hook-demo"), "no program").unwrap();
    let (name, root) = ("hook: write the project", place.root.display());
    let (first, second) = (folder.display(), package.display());
    let script = format!("cd {second}; PATH={first}:{second}:$PATH; hook-demo attempt '{name}' {root}; exit $?");
    let (ok, said, events) = tried(place, &script, false);
    if ok || !events.iter().any(|event| event.confined.is_some()) || !said.contains("Err") {
        wrong.push(format!("a hook that is looked for ends with {ok}: {said} {events:?}"));
    }
}

/// A path that is too short to be replaced is not started, and that is told.
fn short(place: &Place, wrong: &mut Vec<String>) {
    let (ok, said, events) = tried(place, &format!("cd {PACKAGE} && ln -sf hook-demo hook-1 && ./hook-1"), false);
    let told = events.iter().any(|event| matches!(&event.deed, Deed::Unconfined { why, .. } if why.contains("short")));
    if ok || !told {
        wrong.push(format!("a hook whose path is short ends with {ok}: {said} {events:?}"));
    }
}

fn run(place: &Place, program: &str, name: &str, plain: bool) -> (bool, String, Vec<Event>) {
    let package = place.project.join(PACKAGE);
    let script = format!(
        "cd {folder} && cp hook-demo attempts-demo; {folder}/{program} attempt '{name}' {root}; exit $?",
        folder = package.display(),
        root = place.root.display()
    );
    tried(place, &script, plain)
}

fn tried(place: &Place, script: &str, plain: bool) -> (bool, String, Vec<Event>) {
    let plan = place.plan(&["-c", script]);
    let mut plan = Plan { program: "sh".into(), ..plan };
    let out = place.project.join("src/out/mine");
    plan.environment.extend([("PACKAGE".into(), "demo".into()), (OUT.into(), out.into())]);
    let private = tempfile::Builder::new().prefix("private").tempdir_in(&place.root).unwrap();
    if plain {
        plan = plan.without_namespaces(private.path()).unwrap();
    }
    let temporary = plan.environment.iter().find(|(name, _)| name == "TMPDIR").map(|(_, value)| value.clone());
    plan.environment.push(("COMMANDS".into(), temporary.unwrap_or_else(|| "/tmp".into())));
    let hook = Hook {
        within: vec!["packages".to_owned()],
        write: ["$OUT", "$OUT/../shared-*", "$NONE"].map(str::to_owned).into(),
        ..Hook::default()
    };
    let names = HookNames {
        package: Some("PACKAGE".to_owned()),
        program: Some("hook-*".to_owned()),
        within: hook.within.clone(),
        ..HookNames::default()
    };
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&events);
    let tell = Box::new(move |event| told.lock().unwrap().push(event));
    let watched = Watched { tell, names: Some(names), hook: Some(hook), hooks_stay: true };
    let (ok, said) = said(start_watched(&plan, watched).unwrap());
    let events = std::mem::take(&mut *events.lock().unwrap());
    (ok, said, events)
}
