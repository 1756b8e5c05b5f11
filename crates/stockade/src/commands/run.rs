//! `stockade run`: one command of a client, through a gateway.
//!
//! Only the command's environment says where the gateway is; no file of the user's is changed. What the command answers
//! is what we answer, except that a command which hides a refusal does not end well.

use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::hash::BuildHasher as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;
use stockade_ecosystem::{ALL, Client, Ecosystem, client_of};
use stockade_gateway::{Gateway, Notice, Options, Origins, RunReport};
use stockade_model::Verdict;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Context, Exit};
use crate::describe::predicate;
use crate::errors::hinted;
use crate::inherit::{self, Inherited};
use crate::lockfiles::Lockfiles;
use crate::output::{bytes, columns, count};
use crate::process;
use crate::running::{self, Running};

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
    report: &'a RunReport,
    gateway: &'static str,
    command_status: u8,
    status: u8,
}

/// Runs a command.
pub(super) async fn run(context: Context<'_>, words: &[OsString]) -> anyhow::Result<Exit> {
    let printer = context.printer;
    let (ecosystem, client) = client(words)?;
    let inherited = inherit::one(&context.settings, ecosystem, client, words).await;
    let config = inherited.config()?;
    let through = Through::choose(&context, &inherited).await?;
    printer.talk(&format!("stockade: {}\n", through.introduction()));
    let name = run_name();
    let base = format!("{}/{}", through.url(), ecosystem.id);
    let lockfiles = Lockfiles::before(client, words)?;
    let environment = (client.environment)(&base, &inherited.scopes(), &name);
    refuse_bypass(client, words, &environment, &base).await?;
    let child = process::start_guarded(words, environment, printer.is_json())?;
    let status = process::wait(child).await?;
    // Whatever becomes of the report, the addresses of this gateway must not stay.
    let restored = lockfiles.restore(&base, config);
    let gateway = through.kind();
    let report = through.end(&name).await?;
    restored?;
    let hidden = status == 0 && !report.refused.is_empty();
    let exit = if hidden { 1 } else { status };
    let mut text = summary(&report);
    if hidden {
        let _ = writeln!(text, "  `{}` ended well without it; this ends with {exit}", client.name);
    }
    printer.talk(&text);
    if printer.is_json() {
        let summary = Summary { report: &report, gateway, command_status: status, status: exit };
        printer.answer(&summary, String::new)?;
    }
    Ok(Exit::Of(exit))
}

/// The client that a command is.
fn client(words: &[OsString]) -> anyhow::Result<(&'static Ecosystem, &'static Client)> {
    let program = words.first().map(PathBuf::from).unwrap_or_default();
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    client_of(&name).ok_or_else(|| {
        let programs = ALL.iter().flat_map(|ecosystem| ecosystem.clients).flat_map(|client| client.programs);
        let known: Vec<String> = programs.map(|program| format!("`{program}`")).collect();
        let hint = format!("the clients are {}", known.join(", "));
        hinted(format!("`{name}` is no client that stockade can point at a gateway"), hint)
    })
}

/// Fails if an argument sends the client past the gateway. Only an address can, so only then the client is asked.
async fn refuse_bypass(
    client: &Client,
    words: &[OsString],
    environment: &[(String, String)],
    base: &str,
) -> anyhow::Result<()> {
    let names_address = words.iter().any(|word| word.to_string_lossy().contains("://"));
    if names_address && !inherit::goes_to(client, words, environment, base).await? {
        let what = format!("an argument sends `{}` to another registry, past the gateway", client.name);
        return Err(hinted(what, "leave it out, or write the address into the client's configuration"));
    }
    Ok(())
}

impl Through {
    /// The gateway that is running, unless this run needs one with a policy of its own, or with other upstreams: what a
    /// project says is in its company's registry must not be looked for in a public one.
    async fn choose(context: &Context<'_>, inherited: &Inherited) -> anyhow::Result<Self> {
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
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let gateway = Gateway::new(engine, Options { for_one_run: true, ..Options::default() });
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
