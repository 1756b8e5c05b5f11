//! `stockade run`: one command in a sandbox, and if it is a client, through a gateway.
//!
//! Only the command's environment says where the gateway is; no file of the user's is changed. What the command answers
//! is what we answer, except that a command which hides a refusal does not end well.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::hash::BuildHasher as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;
use stockade_ecosystem::{ALL, Client, Ecosystem};
use stockade_engine::{Sighted, Told, UpstreamError};
use stockade_gateway::{Gateway, Notice, Options, Origins, RunReport};
use stockade_model::{Digest, Purl, Verdict};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use url::Url;

use super::{Context, Exit};
use crate::args::{Format, Run};
use crate::command::{Started, program};
use crate::describe::predicate;
use crate::errors::hinted;
use crate::inherit::{self, Inherited};
use crate::lockfiles::{Addresses, Lockfiles};
use crate::output::{bytes, columns, count};
use crate::running::{self, Running};
use crate::steering::Steering;
use crate::{files, process, sandbox, settings};

/// The gateway that a run goes through.
enum Through {
    /// One that was running.
    Running(Running),
    /// One of this run alone.
    Embedded {
        gateway: Gateway,
        url: String,
        stop: oneshot::Sender<()>,
        serving: JoinHandle<std::io::Result<()>>,
        /// Why the one that is running would not do.
        because: Option<String>,
    },
}

/// What happened, for a program.
#[derive(Serialize)]
struct Summary<'a> {
    #[serde(flatten)]
    report: Option<&'a RunReport>,
    gateway: Option<&'static str>,
    sandbox: Option<&'a sandbox::Report>,
    command_status: u8,
    status: u8,
}

/// How a client goes through a gateway.
struct Route {
    through: Through,
    inherited: Inherited,
    base: String,
    steering: Steering,
    lockfiles: Lockfiles,
    /// A folder that it is given to read.
    _given: Option<TempDir>,
}

/// Runs a command.
pub(super) async fn run(context: Context<'_>, arguments: &Run) -> anyhow::Result<Exit> {
    let (printer, words, name) = (context.printer, &arguments.command, run_name());
    let client = Started::by(words);
    if arguments.unsandboxed && printer.format() == Format::Sarif {
        return Err(hinted(
            "SARIF has what the sandbox blocked, and there is to be none",
            "`--format json` has the rest",
        ));
    }
    if arguments.unsandboxed && client.is_none() {
        return Err(no_client(words));
    }
    let mut route = match client {
        Some(Started { ecosystem, client, .. }) => {
            Some(Route::choose(&context, ecosystem, client, arguments, &name).await?)
        }
        None => None,
    };
    let inherited = route.as_ref().map(|route| &route.inherited);
    let prepared = || sandbox::Prepared::new(arguments, &context.settings, &name, inherited, printer);
    let prepared = (!arguments.unsandboxed).then(prepared).transpose()?;
    printer.talk(&format!("stockade: {}\n", introduction(route.as_ref(), prepared.as_ref())));
    let lockfiles = route.as_mut().map_or(Ok(()), Route::prepare);
    let ran = match lockfiles {
        Ok(()) => start(prepared, route.as_ref(), arguments, &context).await,
        Err(error) => Err(error),
    };
    // However it ended, it may have written the gateway's addresses into lockfiles.
    let (gateway, report, inherited) = match route {
        Some(route) => {
            let (kind, report, inherited) = route.end(&context, &name).await?;
            (Some(kind), Some(report), Some(inherited))
        }
        None => (None, None, None),
    };
    let (status, mut seen) = ran?;
    if let (Some(seen), Some(inherited)) = (&mut seen, &inherited) {
        hold(&context, inherited, seen).await?;
    }
    let hidden = status == 0 && report.as_ref().is_some_and(|report| !report.refused.is_empty());
    let exit = if hidden { 1 } else { status };
    let mut text = report.as_ref().map(summary).unwrap_or_default();
    if hidden {
        let program = words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
        let _ = writeln!(text, "  `{program}` ended well without it; this ends with {exit}");
    }
    text.extend(seen.as_ref().map(sandbox::Report::summary));
    printer.talk(&text);
    if let (Format::Sarif, Some(seen)) = (printer.format(), &seen) {
        printer.document(&seen.sarif()?);
    }
    if printer.is_json() {
        let (report, sandbox) = (report.as_ref(), seen.as_ref());
        printer.answer(&Summary { report, gateway, sandbox, command_status: status, status: exit }, String::new)?;
    }
    Ok(Exit::Of(exit))
}

/// Runs the command to its end, and gives its exit code with what the sandbox saw.
async fn start(
    prepared: Option<sandbox::Prepared<'_>>,
    route: Option<&Route>,
    arguments: &Run,
    context: &Context<'_>,
) -> anyhow::Result<(u8, Option<sandbox::Report>)> {
    let printer = context.printer;
    let steering = route.map(|route| route.steering.clone()).unwrap_or_default();
    let Some(prepared) = prepared else {
        let words = steering.words(&arguments.command);
        let child = process::start_bare(&words, steering.variables, printer.has_document())?;
        return Ok((process::wait(child).await?, None));
    };
    let gateway = route.map(|route| route.through.address()).transpose()?;
    let running = prepared.start(steering, gateway, (&context.settings.data, context.clock.clone()), printer)?;
    let (status, report) = running.wait(printer).await?;
    Ok((status, Some(report)))
}

/// Holds the releases whose hooks did what was not expected of them, for everybody who gets them here, and for those who
/// get them from the gateway that they came from.
async fn hold(context: &Context<'_>, inherited: &Inherited, seen: &mut sandbox::Report) -> anyhow::Result<()> {
    let behaviour = seen.behaviour(inherited.ecosystem);
    if behaviour.is_empty() {
        return Ok(());
    }
    let engine = context.engine_of(std::slice::from_ref(inherited)).await?;
    let whose = settings::user().unwrap_or_else(|| "somebody".to_owned());
    let held = engine.behaved(&behaviour, &format!("the sandbox of {whose}")).await;
    seen.held(
        held.context("what a hook did could not be written down")?.iter().map(|release| Purl::of(release).to_string()),
    );
    for Told { gateway, outcome } in engine.tell_gateways(&behaviour).await {
        let text = match outcome {
            Ok(Sighted { held }) if held.is_empty() => continue,
            Ok(Sighted { held }) => format!("{} held there as well", count(held.len(), "release")),
            Err(UpstreamError::Status(401 | 403)) => format!("it was not told what was seen: {NO_RIGHT}"),
            Err(error) => format!("it was not told what was seen: {error}"),
        };
        context.printer.talk(&format!("stockade: the gateway at {gateway}: {text}\n"));
    }
    Ok(())
}

/// Why a gateway takes no word of a sandbox.
const NO_RIGHT: &str = "the token that packages are fetched with there may not `report`; whoever runs it gives that right \
                        with `stockade token create --may report`";

fn introduction(route: Option<&Route>, prepared: Option<&sandbox::Prepared<'_>>) -> String {
    let sandbox = match prepared {
        Some(prepared) => prepared.introduction(),
        None => "without a sandbox".to_owned(),
    };
    match route {
        Some(route) => format!("{}, {sandbox}", route.through.introduction()),
        None => format!("{sandbox}; what it fetches is not ruled on"),
    }
}

impl Route {
    async fn choose(
        context: &Context<'_>,
        ecosystem: &'static Ecosystem,
        client: &'static Client,
        arguments: &Run,
        name: &str,
    ) -> anyhow::Result<Self> {
        let words = &arguments.command;
        let inherited = inherit::one(&context.settings, ecosystem, client, words).await;
        for problem in &inherited.config()?.problems {
            context.printer.talk(&format!("stockade: {}\n", problem.what));
        }
        if arguments.unsandboxed || arguments.audits() {
            refuse_unmoved(&inherited)?;
        }
        let through = Through::choose(context, &inherited, name).await?;
        let base = format!("{}/{}", through.url(), ecosystem.id);
        let lockfiles = Lockfiles::before(client, words)?;
        let mut arguments =
            (client.arguments)(inherited.printed.as_deref().unwrap_or_default(), &base, &inherited.scopes(), name);
        let mut variables = (client.environment)(&base, &inherited.scopes(), name);
        let given = given(context, &inherited, &base, name)?;
        if let (Some(folder), Some(given)) = (&given, &client.given) {
            let file = folder.path().join(given.name);
            arguments.extend((given.arguments)(&file.to_string_lossy()));
            variables.extend((given.environment)(&folder.path().to_string_lossy(), &settings::variable));
        }
        let file = given.as_ref().map(|given| given.path().to_path_buf());
        let rewritten = inherit::pointed(&inherited, &base)?;
        let steering = Steering { variables, arguments, file, rewritten };
        refuse_bypass(client, words, &steering, &base).await?;
        Ok(Self { through, inherited, base, steering, lockfiles, _given: given })
    }

    /// Changes what in lockfiles would lead around the gateway.
    fn prepare(&mut self) -> anyhow::Result<()> {
        self.lockfiles.prepare(self.inherited.client, self.inherited.config()?, &self.base)
    }

    /// Which gateway it was, and what happened there in the run of this name.
    async fn end(self, context: &Context<'_>, name: &str) -> anyhow::Result<(&'static str, RunReport, Inherited)> {
        let Self { through, inherited, base, lockfiles, .. } = self;
        // Whatever becomes of the report, the addresses of this gateway must not stay.
        let restored = restore(context, &through, &inherited, &base, lockfiles).await;
        let kind = through.kind();
        let report = through.end(name).await?;
        restored?;
        Ok((kind, report, inherited))
    }
}

/// Writes what a client is given for one run, if it needs something: its own configuration file with the gateway in it.
fn given(context: &Context<'_>, inherited: &Inherited, base: &str, name: &str) -> anyhow::Result<Option<TempDir>> {
    let Some(given) = &inherited.client.given else { return Ok(None) };
    let own = inherited.printed.as_deref().and_then(inherited.client.configured_in).map(PathBuf::from);
    let text = own.map(|own| files::read_text(&own)).transpose()?.flatten().unwrap_or_default();
    // What is secret in it is for the gateway, and not for what the client runs.
    let text = (given.text)(&(inherited.client.without_secrets)(&text), base, &inherited.scopes(), name);
    let texts: Vec<(&str, &str)> = given.beside.iter().copied().chain([(given.name, text.as_str())]).collect();
    files::temporary(&context.settings.data, &texts).map(Some)
}

/// Gives lockfiles the registry's addresses back.
async fn restore(
    context: &Context<'_>,
    through: &Through,
    inherited: &Inherited,
    base: &str,
    lockfiles: Lockfiles,
) -> anyhow::Result<()> {
    let Some(registry) = inherited.ecosystem.registry else { return Ok(()) };
    let engine = match through {
        _ if !registry.files_are_elsewhere() => None,
        Through::Embedded { gateway, .. } => Some(gateway.engine().clone()),
        Through::Running(_) => Some(context.engine_of(std::slice::from_ref(inherited)).await?),
    };
    let silent = inherited.is_borrowed.then_some(inherited.client);
    let addresses = Addresses { base, registry, config: inherited.config()?, engine: engine.as_ref(), silent };
    lockfiles.restore(inherited.client, &addresses).await?;
    Ok(())
}

fn no_client(words: &[OsString]) -> anyhow::Error {
    let programs = ALL.iter().flat_map(|ecosystem| ecosystem.clients).flat_map(|client| client.programs);
    let known: Vec<String> = programs.map(|program| format!("`{program}`")).collect();
    let what = format!("`{}` is no client that stockade can point at a gateway", program(words));
    hinted(what, format!("the clients are {}; anything can be run in a sandbox", known.join(", ")))
}

/// Fails if something of the client's configuration leads past the gateway that only a sandbox keeps from it.
fn refuse_unmoved(inherited: &Inherited) -> anyhow::Result<()> {
    let Inherited { client, printed, .. } = inherited;
    let rewritten = (client.rewritten)(printed.as_deref().unwrap_or_default(), &inherited.scopes());
    let Some(what) = rewritten.needed_for else { return Ok(()) };
    let what =
        format!("{what} leads `{}` past the gateway, and only a sandbox can change that for one run", client.name);
    Err(hinted(what, format!("run it in the sandbox, or point it here with `stockade setup {}`", client.name)))
}

/// Fails if an argument sends the client past the gateway. Only an address can, so only then the client is asked.
async fn refuse_bypass(client: &Client, words: &[OsString], steering: &Steering, base: &str) -> anyhow::Result<()> {
    // What is behind `--` is not for the client.
    let mut own = words.iter().take_while(|word| *word != "--");
    let names_address = own.any(|word| word.to_string_lossy().contains("://"));
    // What cannot be asked with arguments cannot be asked about them.
    let past = names_address
        && (client.is_asked_outside
            || !inherit::goes_to(client, &steering.words(words), &steering.variables, base).await?);
    if past {
        let what = format!("an argument sends `{}` to another registry, past the gateway", client.name);
        return Err(hinted(what, "leave it out, or write the address into the client's configuration"));
    }
    Ok(())
}

impl Through {
    /// The gateway that is running, unless this run needs one with a policy of its own, or with other upstreams: what a
    /// project says is in its company's registry must not be looked for in a public one.
    async fn choose(context: &Context<'_>, inherited: &Inherited, name: &str) -> anyhow::Result<Self> {
        let mut because = context.settings.own_policy.clone();
        if because.is_none()
            && let Some((running, status)) = running::find(&context.settings.data).await?
        {
            let here = Origins::of(inherited.config()?);
            if status.upstreams.get(inherited.ecosystem.id.as_str()) == Some(&here) {
                return Ok(Self::Running(running));
            }
            because = Some(format!("the one at {} has other registries than are configured here", running.url));
        }
        let engine = context.engine_of(std::slice::from_ref(inherited)).await?;
        let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, usual_port(&context.settings.data))).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
        };
        let url = format!("http://{}", listener.local_addr()?);
        let gateway = Gateway::new(engine, Options { only_run: Some(name.to_owned()), ..Options::default() });
        let (stop, stopped) = oneshot::channel();
        let server = gateway.clone();
        let serving = tokio::spawn(async move { server.serve(listener, async { drop(stopped.await) }).await });
        Ok(Self::Embedded { gateway, url, stop, serving, because })
    }

    fn url(&self) -> &str {
        match self {
            Self::Running(running) => &running.url,
            Self::Embedded { url, .. } => url,
        }
    }

    /// Where it listens.
    fn address(&self) -> anyhow::Result<SocketAddr> {
        let url: Url = self.url().parse()?;
        let address = url.socket_addrs(|| None)?.into_iter().next();
        address.with_context(|| format!("`{url}` is no address"))
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Running(_) => "running",
            Self::Embedded { .. } => "embedded",
        }
    }

    fn introduction(&self) -> String {
        match self {
            Self::Running(running) => format!("through the gateway at {}", running.url),
            Self::Embedded { because: None, .. } => "through a gateway for this run".to_owned(),
            Self::Embedded { because: Some(why), .. } => format!("through a gateway for this run, because {why}"),
        }
    }

    /// What happened in the run of this name. A gateway of this run alone ends.
    async fn end(self, name: &str) -> anyhow::Result<RunReport> {
        match self {
            Self::Running(running) => {
                let report = running::ask(&running, &format!("/api/v1/runs/{name}")).await?;
                Ok(report.unwrap_or_default())
            }
            Self::Embedded { gateway, stop, serving, .. } => {
                let report = gateway.run_report(name).unwrap_or_default();
                // If it has ended by itself, nobody listens any more, and its outcome says why.
                let _ = stop.send(());
                serving.await?.context("the gateway of this run failed")?;
                Ok(report)
            }
        }
    }
}

/// The port of the gateways of single runs, unless it is taken: clients keep by its address what they have fetched, and
/// some would fetch and build everything again behind another one.
fn usual_port(data: &Path) -> u16 {
    let digest = Digest::of(data.as_os_str().as_encoded_bytes());
    let two = digest.as_bytes().first_chunk().map_or(0, |two| u16::from_be_bytes(*two));
    FIRST_PORT + two % (END_OF_PORTS - FIRST_PORT)
}

/// The first of the ports that no service has by a standard, and that this system gives to nobody who does not ask for one
/// (Linux begins at 32,768).
const FIRST_PORT: u16 = 20_000;
const END_OF_PORTS: u16 = 32_768;

/// A name that no other run has. Nothing rests on it being hard to guess; the hasher's keys are from the system.
fn run_name() -> String {
    let random = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", random(), random())
}

fn summary(report: &RunReport) -> String {
    let RunReport { served, bytes: size, refused, steered, audited, stale } = report;
    let mut text = format!("stockade: {} served", count(usize::try_from(*served).unwrap_or(usize::MAX), "package"));
    if *served > 0 {
        let _ = write!(text, " ({})", bytes(*size));
    }
    for (notices, done) in [(steered, "steered around"), (refused, "refused"), (audited, "only recorded")] {
        if !notices.is_empty() {
            let _ = write!(text, ", {} {done}", notices.len());
        }
    }
    text.push('\n');
    if let Some(stale) = stale {
        let _ = writeln!(text, "  not up to date: {stale}");
    }
    let rows: Vec<Vec<String>> = refused.iter().chain(steered).chain(audited).flat_map(rows).collect();
    text + &columns(2, &rows)
}

fn rows(notice: &Notice) -> Vec<Vec<String>> {
    let Notice { purl, verdict, sentence, until, instead, ruling } = notice;
    let would = if sentence.starts_with("would be ") { "would be " } else { "" };
    let mut rows = vec![vec![format!("{would}{}", verdict.done()), format!("{purl}  {}", predicate(sentence))]];
    let until = until.map(|until| format!("until {until}"));
    let instead = instead.as_ref().map(|version| format!("{version} is cleared"));
    let now: Vec<String> = until.into_iter().chain(instead).collect();
    rows.extend((!now.is_empty()).then(|| vec![String::new(), now.join("; ")]));
    if *verdict != Verdict::Allow {
        rows.push(vec![String::new(), format!("why: stockade explain {ruling}")]);
    }
    rows
}
