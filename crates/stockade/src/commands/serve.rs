//! `stockade serve`: the gateway, until it is stopped.

use std::collections::hash_map::RandomState;
use std::fmt::Write as _;
use std::hash::BuildHasher as _;
use std::net::SocketAddr;

use anyhow::Context as _;
use stockade_ecosystem::{ALL, Client};
use stockade_engine::{Advisories, Engine, advisories};
use stockade_gateway::{Gateway, Options, Reading};
use stockade_model::redacted;
use tokio::net::TcpListener;

use super::{Context, Exit, policy};
use crate::args::Serve;
use crate::errors::hinted;
use crate::inherit::{self, Inherited};
use crate::output::{columns, count};
use crate::running;
use crate::settings::{Readers, Settings};

/// Serves until SIGINT or SIGTERM.
pub(super) async fn serve(mut context: Context<'_>, arguments: Serve) -> anyhow::Result<Exit> {
    let settings = &mut context.settings;
    settings.listen = arguments.listen.unwrap_or(settings.listen);
    settings.public_url = arguments.public_url.or(settings.public_url.take());
    let all = inherit::all(&context.settings).await;
    let engine = context.engine_of(&all).await?;
    let reading = reading(&context.settings, &engine).await?;
    let listener = listen(context.settings.listen).await?;
    context.settings.listen = listener.local_addr()?;
    let data = context.settings.data.clone();
    // Signals are listened for before anybody is told where we are, so that none of them finds us unprepared.
    let stop = stopped()?;
    running::write_down(&data, &context.settings.local_address())?;
    context.printer.talk(&banner(&context.settings, &all, &engine));
    let fetching = tokio::spawn(keep_advisories(&context));
    let public_url = context.settings.public_url.clone();
    let gateway = Gateway::new(engine, Options { public_url, only_run: None, reading });
    let served = gateway.serve(listener, stop).await;
    fetching.abort();
    running::take_back(&data)?;
    served.context("the gateway ended")?;
    context.printer.talk("stockade: stopped\n");
    Ok(Exit::Allowed)
}

/// Fetches advisories by itself, if the settings say how often.
fn keep_advisories(context: &Context<'_>) -> impl Future<Output = ()> + use<> {
    let Settings { advisories, artifact_hosts, data, fetched_every, .. } = &context.settings;
    let (sources, hosts, data) = (advisories.clone(), artifact_hosts.clone(), data.clone());
    let (every, clock) = (*fetched_every, context.clock.clone());
    async move {
        if let Some(every) = every {
            let chance = RandomState::new().hash_one(std::process::id());
            advisories::keep(sources, hosts, data, clock, (every, chance)).await;
        }
    }
}

/// Who may read. What is private is not given to a whole network because nobody thought of it, and a gateway that nobody can
/// read from is of no use.
async fn reading(settings: &Settings, engine: &Engine) -> anyhow::Result<Reading> {
    let hosts = ALL.iter().any(|ecosystem| engine.upstreams().hosted(&ecosystem.id).next().is_some());
    match settings.readers {
        Some(Readers::Token) => {
            let now = engine.now();
            if !engine.tokens().await?.iter().any(|token| token.is_good(now)) {
                let hint = "make one with `stockade token create WHO --may read --expires 90d`";
                return Err(hinted("`access.read` is `token`, and there is no token that is good", hint));
            }
            Ok(Reading::Token)
        }
        None if hosts && !settings.listen.ip().is_loopback() => Err(hinted(
            format!(
                "packages are hosted, and nothing says whether everybody who reaches {} may read them",
                settings.listen
            ),
            "write `read = \"token\"` or `read = \"anybody\"` into `[access]`",
        )),
        Some(Readers::Anybody) | None => Ok(Reading::Anybody),
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            let hint = "another gateway may be running, as `stockade doctor` tells; `--listen` takes another address";
            hinted(format!("somebody else listens on {address}"), hint)
        }
        _ => anyhow::Error::new(error).context(format!("{address} cannot be listened on")),
    })
}

/// Resolves when somebody asks us to end.
fn stopped() -> anyhow::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn banner(settings: &Settings, all: &[Inherited], engine: &Engine) -> String {
    let base = settings.address();
    let mut rows = Vec::new();
    let mut row = |what: &str, words: String| rows.push(vec![what.to_owned(), words]);
    for inherited in all {
        let id = inherited.ecosystem.id.as_str();
        match &inherited.config {
            Ok(config) => {
                row(id, format!("{base}/{id}/ in front of {}", redacted(config.default.url.as_str())));
                for names in engine.upstreams().hosted(&inherited.ecosystem.id) {
                    row("", format!("{names} published here"));
                }
                for (scope, upstream) in &config.scopes {
                    row("", format!("{scope} from {}", redacted(upstream.url.as_str())));
                }
            }
            Err(why) => row(id, format!("off: {why}")),
        }
    }
    row("policy", policy::line(&engine.policy(), &settings.policy_from));
    row("advisories", advisories_line(&engine.advisories(), settings));
    if let Some(every) = settings.fetched_every {
        let minutes = usize::try_from(every.as_secs() / 60).unwrap_or(usize::MAX);
        row("", format!("fetched every {}", count(minutes, "minute")));
    }
    for stale in &engine.advisories().stale {
        row("", stale.clone());
    }
    for client in all.iter().filter(|inherited| inherited.config.is_ok()).map(|inherited| inherited.client) {
        row("use it", use_it(client));
    }
    let mut text = format!("stockade {} guards {base}\n{}", env!("CARGO_PKG_VERSION"), columns(2, &rows));
    if !settings.listen.ip().is_loopback() && settings.readers != Some(Readers::Token) {
        let _ = writeln!(text, "  warning: everybody who reaches {} can read through it", settings.listen);
    }
    text
}

fn use_it(client: &Client) -> String {
    format!("`stockade run -- {0} …` for one command, `stockade setup {0}` for all", client.name)
}

/// How many advisories there are, or what it means that there are none.
pub(super) fn advisories_line(advisories: &Advisories, settings: &Settings) -> String {
    let problems = match advisories.problems.as_slice() {
        [] => String::new(),
        [first] => format!("; not all could be read: {first}"),
        [first, rest @ ..] => format!("; not all could be read: {first}, and {} more", rest.len()),
    };
    if advisories.records > 0 {
        return format!("{} records of malware{problems}", advisories.records);
    }
    let folder = settings.advisory_folder();
    format!("none: malware known by name is not recognised; put OSV records into {}{problems}", folder.display())
}
