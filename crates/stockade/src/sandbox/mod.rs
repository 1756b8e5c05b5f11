//! The sandbox of a run: which profile is in effect, what that means here, and what came of it.
//!
//! The profile is found by the command's first words. What the user types adds to it; what this system cannot enforce of
//! it ends the run, unless the user has said that the rest will do.

mod audit;
mod choose;
mod events;
mod hooks;
mod learn;
mod network;
mod report;
mod review;
mod sarif;
#[cfg(test)]
#[expect(dead_code, reason = "it is for macOS, and looked at here")]
mod seatbelt;

use std::collections::HashSet;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use stockade_engine::Clock;
use stockade_sandbox::profile::{Hooks, Profile, Resolved, Surroundings};
use stockade_sandbox::sandbox::{
    Entered, Given, HOOK, Hook, HookNames, Kept, Layer, Plan, SHELL, Sandbox, Tier, Watched,
};
use tokio::process::Child;

use crate::args::Run;
use crate::errors::hinted;
use crate::inherit::{Inherited, cache, configuration};
use crate::output::Printer;
use crate::steering::Steering;
use crate::{process, settings};

use audit::Audit;
use events::Events;
pub(crate) use report::{Report, Watching};

/// The command that is the launcher.
const LAUNCHER: &str = "launch-sandbox";
/// The exit code of a launcher that has run nothing.
const NOTHING_RUN: u8 = 125;

/// A sandbox that nothing runs in yet.
pub(crate) struct Prepared<'a> {
    launcher: Launcher,
    profile: Profile,
    resolved: Resolved,
    around: Surroundings,
    arguments: &'a Run,
    made: Made,
    layer: Option<review::Changes>,
    texts: Vec<(PathBuf, String)>,
}

/// A command that runs in a sandbox.
pub(crate) struct Running<'a> {
    child: Child,
    watching: Arc<Mutex<Watching>>,
    network: network::Served,
    profile: Profile,
    resolved: Resolved,
    around: Surroundings,
    arguments: &'a Run,
    layer: Option<review::Changes>,
    made: Made,
    /// What keeps its connections as well.
    kept: Option<Kept>,
    /// What is forgotten afterwards, where nothing can be mounted.
    _private: Option<review::Room>,
}

/// A process that becomes the command when it hears what that is.
struct Launcher {
    child: Child,
    sandbox: Sandbox,
}

/// Folders that were made for a run. Those that stay empty go when this does.
struct Made(Vec<PathBuf>);

impl Drop for Made {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Becomes the launcher, or a program in a sandbox, if this was started as one. What is returned is an exit code.
pub(crate) fn launch() -> Option<u8> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [command, socket, tier] = arguments.as_slice() else { return None };
    let socket = socket.to_str().filter(|_| command == LAUNCHER)?.parse().ok().filter(|socket| *socket > 0)?;
    Some(u8::try_from(stockade_sandbox::sandbox::launch(socket, tier.to_str()?)).unwrap_or(NOTHING_RUN))
}

/// Becomes the program of a hook, if this was started in its place. What is returned is an exit code.
pub(crate) fn errand() -> Option<u8> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    stockade_sandbox::sandbox::errand(&arguments, &settings::environment()).map(not_run)
}

/// Becomes the shell of a hook, if this was started as one. What is returned is an exit code.
pub(crate) fn shell() -> Option<u8> {
    let mut arguments = std::env::args_os();
    let own = Path::new(SHELL).file_name();
    if Path::new(&arguments.next()?).file_name() != own {
        return None;
    }
    let arguments: Vec<OsString> = arguments.collect();
    let folder = std::env::current_dir().unwrap_or_default();
    let given = Given { arguments: &arguments, environment: &settings::environment(), folder: &folder };
    Some(not_run(stockade_sandbox::sandbox::shell(given)))
}

/// Says why a hook was not run.
fn not_run((code, why): (i32, String)) -> u8 {
    crate::output::insist(&format!("{why}\n"));
    u8::try_from(code).unwrap_or(NOTHING_RUN)
}

impl<'a> Prepared<'a> {
    /// Finds out what the command may do here.
    pub(crate) fn new(
        arguments: &'a Run,
        settings: &settings::Settings,
        name: &str,
        client: Option<&Inherited>,
        printer: &Printer,
    ) -> anyhow::Result<Self> {
        let (program, words) = arguments.command.split_first().context("there is no command to run")?;
        let tier = if arguments.audits() { Tier::Observe } else { Tier::Namespaces };
        // It gets ready while we find out what it is to do.
        let launcher = Launcher::start(tier, printer.has_document())?;
        let profile = choose::profile(arguments, settings, program, words)?;
        let folder = std::env::current_dir().context("the working folder cannot be found")?;
        let home = settings::home().unwrap_or_else(|| PathBuf::from(NOBODYS));
        let mut around = Surroundings::new(&folder, &home, settings::environment(), choose::MARKS)?;
        around.cache = client.and_then(cache);
        mention_owner(&around, arguments, printer);
        let mut resolved = Resolved::new(&profile, program, &around)?;
        let made = Made(std::mem::take(&mut resolved.made));
        if arguments.review {
            resolved.layer = true;
            let apart = |path: &PathBuf| !path.starts_with(&around.project);
            resolved.write.retain(apart);
            resolved.data.retain(apart);
        }
        let apart = resolved.layer && !arguments.audits();
        let layer = apart.then(|| review::Changes::new(&settings.data, &around.project, name)).transpose()?;
        let texts = client.map(configuration).transpose()?.unwrap_or_default();
        Ok(Self { launcher, profile, resolved, around, arguments, made, layer, texts })
    }

    /// What is done with the command, for a person.
    pub(crate) fn introduction(&self) -> String {
        let how = if self.arguments.audits() { "watched, with nothing kept from it" } else { "in a sandbox" };
        format!("{how} (profile: {})", self.profile.name)
    }

    // tidy: each step needs what those before it made
    /// Starts the command. `steering` is added to it; `gateway` is where it may connect to besides what its
    /// profile says.
    pub(crate) fn start(
        self,
        steering: Steering,
        gateway: Option<SocketAddr>,
        (data, clock): (&Path, Clock),
        printer: &Printer,
    ) -> anyhow::Result<Running<'a>> {
        let Self { launcher, profile, resolved, around, arguments, made, layer, texts } = self;
        let mut allowed = network::allowed(&profile, &arguments.allow_host, gateway)?;
        allowed.observe = arguments.audits();
        let mut plan = plan(&resolved, &around, arguments, layer.as_ref().map(|layer| layer.layer.clone()));
        plan.texts = steering.texts(texts);
        plan.ports = allowed.ports();
        plan.door = !profile.network.publish.is_empty();
        plan.arguments = steering.words(&arguments.command).split_off(1);
        plan.read.extend(steering.file);
        plan.environment.extend(steering.variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        let mut watching = Watching::new(&profile, &plan, &around.project, printer.is_quiet());
        if arguments.audits() {
            let audit = Audit::new(&resolved, &around.project, &around.home, gateway);
            watching.audit(audit, kept_back(&around, &resolved));
        } else {
            confine_hooks(&mut plan, profile.hooks.as_ref(), arguments.best_effort)?;
        }
        if let Some(file) = &arguments.events {
            watching.write_to(Events::open(file, clock)?);
            // Whoever is watched does not change what is told of it.
            plan.keep.extend(file.canonicalize());
        }
        let watching = Arc::new(Mutex::new(watching));
        let entrance =
            Entrance { hooks: profile.hooks.as_ref(), watching: &watching, despite_gaps: arguments.best_effort };
        // What is only watched listens on this machine's own ports.
        let wanted = if arguments.audits() { &[] } else { profile.network.publish.as_slice() };
        let mut published = network::listen(wanted)?;
        let (mut private, mut layer) = (None, layer);
        let (child, entered) = match entrance.enter(launcher, &plan) {
            Ok(started) => started,
            Err(why) if plan.tier == Tier::Observe => anyhow::bail!("what it does cannot be watched here: {why}"),
            Err(why) if arguments.review => return Err(refusal(&why)),
            Err(why) => {
                layer = None;
                // What the program listens on there is this machine's own port.
                published.clear();
                let folder = review::Room::new(data, &around.project, "private")?;
                let plain = plan.without_namespaces(folder.path())?;
                private = Some(folder);
                watching.lock().unwrap_or_else(PoisonError::into_inner).all_comes();
                let started = entrance.enter(Launcher::start(plain.tier, printer.has_document())?, &plain);
                let started = started.map_err(|again| {
                    let both = format!("{why}; and without namespaces, {again}");
                    refusal(if why == again { &why } else { &both })
                })?;
                let too = if started.1.kept.is_some() { GROUPED } else { "" };
                printer.talk(&format!("stockade: without namespaces: {why}{too}\n"));
                plan = plain;
                started
            }
        };
        let mut seen = watching.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.report.gaps, seen.report.tier) = (entered.gaps, plan.tier);
        seen.report.control_group = entered.kept.is_some();
        drop(seen);
        let mut network = network::serve(allowed, entered.ends, Arc::clone(&watching));
        if let Some(door) = entered.door {
            network.publish(published, door);
        }
        let kept = entered.kept;
        Ok(Running {
            child,
            watching,
            network,
            profile,
            resolved,
            around,
            arguments,
            layer,
            made,
            kept,
            _private: private,
        })
    }
}

/// How a launcher becomes the command.
struct Entrance<'a> {
    hooks: Option<&'a Hooks>,
    watching: &'a Arc<Mutex<Watching>>,
    despite_gaps: bool,
}

impl Entrance<'_> {
    /// Waits until the command runs. The error is what this system does not let us do.
    fn enter(&self, launcher: Launcher, plan: &Plan) -> Result<(Child, Entered), String> {
        let told = Arc::clone(self.watching);
        let tell = move |event| told.lock().unwrap_or_else(PoisonError::into_inner).saw(event);
        let confined = self.hooks.filter(|hooks| hooks.confines() && plan.tier != Tier::Observe);
        let hooks_stay = confined.is_some_and(|hooks| !hooks.network);
        let hook = confined.filter(|hooks| hooks.shell.is_none()).map(|hooks| hook(hooks, self.despite_gaps));
        let watched = Watched { tell: Box::new(tell), names: self.hooks.map(names), hook, hooks_stay };
        let Launcher { child, sandbox } = launcher;
        let entered = tokio::task::block_in_place(|| sandbox.enter(plan, watched, self.despite_gaps));
        entered.map(|entered| (child, entered)).map_err(|error| error.to_string())
    }
}

impl Launcher {
    /// With `data_is_ours`, what the command prints goes to standard error, so that standard output stays ours.
    fn start(tier: Tier, data_is_ours: bool) -> anyhow::Result<Self> {
        let sandbox = Sandbox::new(tier)?;
        let ourselves = std::env::current_exe().context("this program cannot find itself")?;
        let mut command = sandbox.command(&ourselves, &[LAUNCHER])?;
        if data_is_ours {
            command.stdout(Stdio::from(std::io::stderr()));
        }
        let child = process::spawn(command).context("the sandbox could not be started")?;
        Ok(Self { child, sandbox })
    }
}

/// What is said of root's second wall.
const GROUPED: &str = "; a control group keeps its connections as well";
/// The home of somebody who has none.
const NOBODYS: &str = "/nonexistent";

fn refusal(why: &str) -> anyhow::Error {
    hinted(
        format!("this system cannot enforce the sandbox: {why}"),
        "`--best-effort` runs it with what can be enforced, `--unsandboxed` without a sandbox; both trust what it runs",
    )
}

fn plan(resolved: &Resolved, around: &Surroundings, arguments: &Run, layer: Option<Layer>) -> Plan {
    if arguments.audits() {
        return Plan {
            program: resolved.program.clone().into(),
            arguments: arguments.command.iter().skip(1).cloned().collect(),
            environment: around.environment.clone(),
            folder: around.folder.clone(),
            programs: resolved.programs.clone(),
            tier: Tier::Observe,
            ..Plan::default()
        };
    }
    Plan {
        program: resolved.program.clone().into(),
        arguments: arguments.command.iter().skip(1).cloned().collect(),
        environment: resolved.environment.clone(),
        folder: around.folder.clone(),
        read: resolved.read.clone(),
        write: resolved.write.clone(),
        data: resolved.data.clone(),
        layers: layer.into_iter().collect(),
        keep: resolved.keep.clone(),
        hide: resolved.hide.clone(),
        blank: resolved.blank.clone(),
        links: resolved.links.clone(),
        run_blank: resolved.run_blank,
        programs: resolved.programs.clone(),
        ..Plan::default()
    }
}

/// Lets us come before the hooks of packages: as the shell of a client that can be told of one, else in their place.
fn confine_hooks(plan: &mut Plan, hooks: Option<&Hooks>, despite_gaps: bool) -> anyhow::Result<()> {
    let Some(hooks) = hooks.filter(|hooks| hooks.confines()) else { return Ok(()) };
    let ourselves = std::env::current_exe().context("this program cannot find itself")?;
    if let Some(variable) = &hooks.shell {
        let hook = serde_json::to_string(&hook(hooks, despite_gaps))?;
        plan.environment.extend([(variable.into(), SHELL.into()), (HOOK.into(), hook.into())]);
        plan.links.push((SHELL.into(), ourselves.clone()));
    }
    plan.read.push(ourselves.clone());
    plan.programs.iter_mut().for_each(|programs| programs.push(ourselves.clone()));
    Ok(())
}

fn hook(hooks: &Hooks, despite_gaps: bool) -> Hook {
    let Hooks { within, write, named, network, .. } = hooks.clone();
    Hook { within, write, named, network, despite_gaps }
}

/// Says it if the project is somebody else's: root has no rights over what others own where it has no privileges.
fn mention_owner(around: &Surroundings, arguments: &Run, printer: &Printer) {
    let owner = around.project.metadata().map(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata));
    let root = rustix::process::getuid().is_root();
    if root && !arguments.audits() && owner.is_ok_and(|owner| owner != 0) {
        let project = crate::output::line(&around.project.to_string_lossy());
        printer.talk(&format!(
            "stockade: `{project}` is another user's, and in the sandbox root has no rights over what others own: if \
             something cannot be written, run it as that user\n"
        ));
    }
}

/// The names of the variables that a profile does not pass.
fn kept_back(around: &Surroundings, resolved: &Resolved) -> Vec<String> {
    let passed: HashSet<&OsString> = resolved.environment.iter().map(|(name, _)| name).collect();
    let names = around.environment.iter().map(|(name, _)| name).filter(|name| !passed.contains(name));
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

fn names(hooks: &Hooks) -> HookNames {
    let Hooks { package, version, folders, hook, program, within, .. } = hooks.clone();
    HookNames { package, version, folders, hook, program, within }
}

impl Running<'_> {
    /// Waits for its end. What it changed in a layer is kept, but for what is protected. Gives its exit code.
    pub(crate) async fn wait(self, printer: &Printer) -> anyhow::Result<(u8, Report)> {
        let Self { child, watching, network, profile, resolved, around, arguments, layer, made, kept, _private } = self;
        let status = process::wait(child).await?;
        let untold = tokio::task::block_in_place(|| kept.map(Kept::end)).unwrap_or_default();
        network.end().await;
        let mut watching = watching.lock().unwrap_or_else(PoisonError::into_inner);
        let mut report = watching.report();
        report.dropped += untold;
        if let Some(hooks) = &profile.hooks {
            let changes = layer.as_ref().map(|layer| layer.layer.changes.as_path());
            report.written = watching.hooks.written(&around.project, changes, &hooks.within);
        }
        if let Some(layer) = layer {
            report.changes = layer.settle(&resolved, arguments.review, printer)?;
        }
        if let (Some(file), Some(audit)) = (&arguments.learn, &watching.audit) {
            let learned = learn::profile(&profile, audit, &report, &around, &arguments.command)?;
            crate::files::replace(file, learned.as_bytes())?;
            printer.talk(&format!("stockade: a profile of what it did is in {}\n", file.display()));
        }
        drop(made);
        Ok((status, report))
    }
}
