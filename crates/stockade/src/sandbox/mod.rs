//! The sandbox of a run: which profile is in effect, what that means here, and what came of it.
//!
//! The profile is found by the command's first words. What the user types adds to it; what this system cannot enforce of
//! it ends the run, unless the user has said that the rest will do.

mod choose;
mod network;
mod report;
mod review;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use stockade_ecosystem::Variables;
use stockade_sandbox::profile::{Hooks, Profile, Resolved, Surroundings};
use stockade_sandbox::sandbox::{Entered, HOOK, Hook, HookNames, Layer, Plan, SHELL, Sandbox, Watched};
use tokio::process::Child;

use crate::args::Run;
use crate::errors::hinted;
use crate::inherit::Inherited;
use crate::output::Printer;
use crate::{process, settings};

pub(crate) use report::{Report, Watching};

/// The command that is the launcher.
pub(crate) const LAUNCHER: &str = "launch-sandbox";
/// The exit code of a launcher that has run nothing.
const NOTHING_RUN: u8 = 125;

/// A sandbox that nothing runs in yet.
pub(crate) struct Prepared<'a> {
    profile: Profile,
    resolved: Resolved,
    around: Surroundings,
    arguments: &'a Run,
    made: Made,
    layer: Option<review::Changes>,
    texts: Vec<(PathBuf, String)>,
}

/// A command that runs in a sandbox.
pub(crate) struct Running {
    child: Child,
    watching: Arc<Mutex<Watching>>,
    network: network::Served,
    resolved: Resolved,
    layer: Option<review::Changes>,
    review: bool,
    made: Made,
    /// What is forgotten afterwards, where nothing can be mounted.
    _private: Option<tempfile::TempDir>,
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

/// Becomes the launcher, or a program in a sandbox.
pub(crate) fn launch(socket: std::os::fd::RawFd) -> u8 {
    u8::try_from(stockade_sandbox::sandbox::launch(socket)).unwrap_or(NOTHING_RUN)
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
    let (code, why) = stockade_sandbox::sandbox::shell(&arguments, &folder, settings::variable(HOOK).as_deref());
    crate::output::insist(&format!("{why}\n"));
    Some(u8::try_from(code).unwrap_or(NOTHING_RUN))
}

impl<'a> Prepared<'a> {
    /// Finds out what the command may do here.
    pub(crate) fn new(
        arguments: &'a Run,
        settings: &settings::Settings,
        name: &str,
        client: Option<&Inherited>,
    ) -> anyhow::Result<Self> {
        let (program, words) = arguments.command.split_first().context("there is no command to run")?;
        let profile = choose::profile(arguments, program, words)?;
        let folder = std::env::current_dir().context("the working folder cannot be found")?;
        let home = settings::home().unwrap_or_else(|| PathBuf::from(NOBODYS));
        let mut around = Surroundings::new(&folder, &home, settings::environment(), choose::MARKS)?;
        around.cache = client.and_then(cache);
        let mut resolved = Resolved::new(&profile, program, &around)?;
        let made = Made(std::mem::take(&mut resolved.made));
        if arguments.review {
            resolved.layer = true;
            let apart = |path: &PathBuf| !path.starts_with(&around.project);
            resolved.write.retain(apart);
            resolved.data.retain(apart);
        }
        let layer = resolved.layer.then(|| review::Changes::new(&settings.data, &around.project, name)).transpose()?;
        let texts = client.map(configuration).transpose()?.unwrap_or_default();
        Ok(Self { profile, resolved, around, arguments, made, layer, texts })
    }

    /// The profile in effect.
    pub(crate) fn profile_name(&self) -> &str {
        &self.profile.name
    }

    /// Starts the command. `variables` are added to its environment; `gateway` is where it may connect to besides what its
    /// profile says.
    pub(crate) fn start(
        self,
        variables: Variables,
        gateway: Option<SocketAddr>,
        data: &Path,
        printer: &Printer,
    ) -> anyhow::Result<Running> {
        let Self { profile, resolved, around, arguments, made, layer, texts } = self;
        let allowed = network::allowed(&profile, &arguments.allow_host, gateway)?;
        let mut plan = plan(&resolved, &around, arguments, layer.as_ref().map(|layer| layer.layer.clone()));
        plan.texts = texts;
        plan.ports = allowed.ports();
        plan.door = !profile.network.publish.is_empty();
        plan.environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        let ourselves = std::env::current_exe().context("this program cannot find itself")?;
        confine_hooks(&mut plan, profile.hooks.as_ref(), &ourselves, arguments.best_effort);
        let watching = Watching::new(&profile, &plan, &around.project, printer.is_quiet());
        let watching = Arc::new(Mutex::new(watching));
        let start = |plan: &Plan| {
            let told = Arc::clone(&watching);
            let tell = move |event| told.lock().unwrap_or_else(PoisonError::into_inner).saw(event);
            let hooks_stay = profile.hooks.as_ref().is_some_and(|hooks| hooks.shell.is_some() && !hooks.network);
            let watched = Watched { tell: Box::new(tell), names: profile.hooks.as_ref().map(names), hooks_stay };
            start(plan, &ourselves, watched, (printer.is_json(), arguments.best_effort))
        };
        let mut published = network::listen(&profile.network.publish)?;
        let (mut private, mut layer, mut tier) = (None, layer, Tier::Namespaces);
        let (child, entered) = match start(&plan) {
            Ok(started) => started,
            Err(Failed::Sandbox(why)) if !arguments.review => {
                (layer, tier) = (None, Tier::Landlock);
                // What the program listens on there is this machine's own port.
                published.clear();
                let folder = review::room(data, &around.project, "private")?;
                let plain = plan.without_namespaces(folder.path())?;
                private = Some(folder);
                watching.lock().unwrap_or_else(PoisonError::into_inner).all_comes();
                let started = start(&plain).map_err(|failed| failed.refusal(Some(&why)))?;
                printer.talk(&format!("stockade: without namespaces: {why}\n"));
                started
            }
            Err(failed) => return Err(failed.refusal(None)),
        };
        let mut seen = watching.lock().unwrap_or_else(PoisonError::into_inner);
        (seen.report.gaps, seen.report.tier) = (entered.gaps, tier);
        drop(seen);
        let mut network = network::serve(allowed, entered.ends, Arc::clone(&watching));
        if let Some(door) = entered.door {
            network.publish(published, door);
        }
        Ok(Running { child, watching, network, resolved, layer, review: arguments.review, made, _private: private })
    }
}

/// What keeps a command apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tier {
    /// A world of its own, and Landlock in it.
    #[default]
    Namespaces,
    /// Landlock, a filter of system calls, and connections that are made for it.
    Landlock,
}

/// Why a command does not run.
enum Failed {
    /// The system does not let it.
    Sandbox(String),
    Other(anyhow::Error),
}

impl Failed {
    /// `before` is why the stronger way was not open.
    fn refusal(self, before: Option<&str>) -> anyhow::Error {
        match (self, before) {
            (Self::Sandbox(why), Some(before)) if why != before => {
                refusal(&format!("{before}; and without namespaces, {why}"))
            }
            (Self::Sandbox(why), _) => refusal(&why),
            (Self::Other(error), _) => error,
        }
    }
}

/// Starts a program, and waits until it runs.
fn start(
    plan: &Plan,
    ourselves: &Path,
    watched: Watched,
    (data_is_ours, despite_gaps): (bool, bool),
) -> Result<(Child, Entered), Failed> {
    let started = || -> anyhow::Result<(Child, Sandbox)> {
        let sandbox = Sandbox::new(plan)?;
        let mut command = sandbox.command(ourselves, &[LAUNCHER])?;
        if data_is_ours {
            command.stdout(Stdio::from(std::io::stderr()));
        }
        Ok((process::spawn(command).context("the sandbox could not be started")?, sandbox))
    };
    let (child, sandbox) = started().map_err(Failed::Other)?;
    let entered = tokio::task::block_in_place(|| sandbox.enter(watched, despite_gaps));
    entered.map(|entered| (child, entered)).map_err(|error| Failed::Sandbox(error.to_string()))
}

/// The home of somebody who has none.
const NOBODYS: &str = "/nonexistent";

/// Where a client keeps what it has fetched.
fn cache(client: &Inherited) -> Option<PathBuf> {
    let cache = (client.client.cache)(client.printed.as_deref()?)?;
    Some(PathBuf::from(cache)).filter(|cache| cache.is_absolute())
}

/// A client's configuration files, without what is secret in them.
fn configuration(client: &Inherited) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let paths = (client.client.files)(client.printed.as_deref().unwrap_or_default()).into_iter().map(PathBuf::from);
    let text =
        |path: PathBuf| Ok(crate::files::read_text(&path)?.map(|text| (path, (client.client.without_secrets)(&text))));
    paths.filter_map(|path| text(path).transpose()).collect()
}

fn refusal(why: &str) -> anyhow::Error {
    hinted(
        format!("this system cannot enforce the sandbox: {why}"),
        "`--best-effort` runs it with what can be enforced, `--unsandboxed` without a sandbox; both trust what it runs",
    )
}

fn plan(resolved: &Resolved, around: &Surroundings, arguments: &Run, layer: Option<Layer>) -> Plan {
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

/// Lets the client run hooks with our shell, if it can be told to.
fn confine_hooks(plan: &mut Plan, hooks: Option<&Hooks>, ourselves: &Path, despite_gaps: bool) {
    let Some(Hooks { shell: Some(variable), within: Some(within), network, .. }) = hooks else { return };
    let hook = Hook { within: within.clone(), temporary: "/tmp".into(), network: *network, despite_gaps };
    let Ok(hook) = serde_json::to_string(&hook) else { return };
    plan.environment.extend([(variable.into(), SHELL.into()), (HOOK.into(), hook.into())]);
    plan.links.push((SHELL.into(), ourselves.to_owned()));
    plan.read.push(ourselves.to_owned());
    if let Some(programs) = &mut plan.programs {
        programs.push(ourselves.to_owned());
    }
}

fn names(hooks: &Hooks) -> HookNames {
    let Hooks { package, version, hook, program, within, .. } = hooks.clone();
    HookNames { package, version, hook, program, within }
}

impl Running {
    /// Waits for its end. What it changed in a layer is kept, but for what is protected. Gives its exit code.
    pub(crate) async fn wait(self, printer: &Printer) -> anyhow::Result<(u8, Report)> {
        let Self { child, watching, network, resolved, layer, review, made, _private } = self;
        let status = process::wait(child).await?;
        network.end().await;
        let mut report = watching.lock().unwrap_or_else(PoisonError::into_inner).report();
        if let Some(layer) = layer {
            report.changes = layer.settle(&resolved, review, printer)?;
        }
        drop(made);
        Ok((status, report))
    }
}
