//! `stockade doctor`: finds what is wrong. One broken thing does not keep it from looking at the next.

use std::ffi::OsStr;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use stockade_engine::inspection::Inspector;
use stockade_engine::{Engine, EngineError, UpstreamError, Upstreams};
use stockade_model::redacted;

use super::{Context, Exit, policy, serve};
use crate::args::Global;
use crate::clock::clock;
use crate::inherit::{self, Inherited};
use crate::output::{Printer, columns};
use crate::settings::Settings;
use crate::{process, running};

/// No machine has a right clock that shows an earlier instant.
const EARLIEST: Timestamp = Timestamp::constant(1_735_689_600, 0);

/// By how much a clock may be set back without a word.
const SLACK: SignedDuration = SignedDuration::from_mins(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warn,
    Fail,
}

#[derive(Debug, Serialize)]
struct Check {
    state: State,
    what: String,
    says: String,
}

/// What was looked at so far.
#[derive(Default)]
struct Checks(Vec<Check>);

/// Looks at everything.
pub(super) async fn doctor(global: &Global, printer: &Printer) -> anyhow::Result<Exit> {
    let mut checks = Checks::default();
    match Settings::load(global) {
        Ok(settings) => {
            let found = if settings.file.exists() { "read" } else { "not there, so everything is as built in" };
            checks.ok("settings", format!("{}: {found}", settings.file.display()));
            checks.look(&Context { settings, printer, clock: clock(global.now) }).await;
        }
        Err(error) => checks.fail("settings", format!("{error:#}; nothing else was looked at")),
    }
    let Checks(checks) = checks;
    let row = |check: &Check| vec![format!("{:?}", check.state).to_lowercase(), check.what.clone(), check.says.clone()];
    printer.answer(&checks, || columns(0, &checks.iter().map(row).collect::<Vec<_>>()))?;
    let failed = checks.iter().any(|check| check.state == State::Fail);
    let looked = checks.len() > 1;
    Ok(match (failed, looked) {
        (_, false) => Exit::Undecided,
        (true, true) => Exit::Refused,
        (false, true) => Exit::Allowed,
    })
}

impl Checks {
    fn add(&mut self, state: State, what: &str, says: impl Into<String>) {
        self.0.push(Check { state, what: what.to_owned(), says: says.into() });
    }

    fn ok(&mut self, what: &str, says: impl Into<String>) {
        self.add(State::Ok, what, says);
    }

    fn warn(&mut self, what: &str, says: impl Into<String>) {
        self.add(State::Warn, what, says);
    }

    fn fail(&mut self, what: &str, says: impl Into<String>) {
        self.add(State::Fail, what, says);
    }

    async fn look(&mut self, context: &Context<'_>) {
        let settings = &context.settings;
        self.ok("policy", policy::line(&settings.policy, &settings.policy_from));
        if !settings.policy.inspects() {
            self.warn("inspection", "is off by the policy: nobody looks into what is served");
        }
        if let Some(folder) = &settings.own_rules {
            self.ok("rules", format!("of your own: {}", folder.display()));
        }
        self.inspector().await;
        let all = inherit::all(settings).await;
        for inherited in &all {
            self.client(inherited, settings).await;
        }
        let usable: Vec<&Inherited> = all.iter().filter(|one| one.refuse_ourselves(settings).is_ok()).collect();
        // Of several clients the first one's upstream counts, as elsewhere.
        let upstreams = usable.iter().rev().fold(Upstreams::default(), |upstreams, one| match &one.config {
            Ok(config) => upstreams.with(one.ecosystem.id.clone(), config.clone()),
            Err(_) => upstreams,
        });
        match context.open(upstreams).await {
            Ok(engine) => {
                self.ok("data", format!("{}: can be written", settings.data.display()));
                self.log(&engine).await;
                self.advisories(&engine, settings);
                let mut usable = usable;
                usable.dedup_by_key(|one| &one.ecosystem.id);
                for inherited in usable {
                    self.upstream(&engine, inherited).await;
                }
            }
            Err(error) => self.fail("data", format!("{}: {error:#}", settings.data.display())),
        }
        let pointed: Vec<&str> = all.iter().filter(|one| one.is_pointed(settings)).map(|one| one.client.name).collect();
        self.gateway(settings, &pointed).await;
    }

    /// What a package's content cannot do to this machine while it is looked at.
    async fn inspector(&mut self) {
        let missing = match Inspector::of_this_program(1) {
            Ok(inspector) => inspector.confinement().await,
            Err(error) => return self.fail("inspector", error.to_string()),
        };
        match missing {
            Ok(missing) if missing.is_empty() => {
                self.ok("inspector", "reads packages without files, network and programs");
            }
            Ok(missing) => missing.into_iter().for_each(|missing| self.warn("inspector", missing)),
            Err(gap) => self.fail("inspector", gap.detail),
        }
    }

    async fn client(&mut self, inherited: &Inherited, settings: &Settings) {
        let client = inherited.client;
        let program = client.programs.first().copied().unwrap_or(client.name);
        if inherited.printed.is_none() {
            let why = inherited.config.as_ref().err().cloned();
            return self
                .warn(client.name, why.unwrap_or_else(|| "not installed; the settings state its upstream".to_owned()));
        }
        // Not in the project: what it brings for a client to load is not run to be asked.
        let version = process::ask(OsStr::new(program), &["--version"], &[], Some(process::OUTSIDE)).await;
        let version = version.ok().flatten().unwrap_or_default();
        let version = plain_line(&version);
        match (&inherited.config, inherited.refuse_ourselves(settings)) {
            (_, Err(error)) => self.fail(client.name, format!("{version}: {error}")),
            // Where another client of the registry has an upstream, this one is only not to be used.
            (Err(why), _) => {
                let is_first = inherited.ecosystem.clients.first().is_some_and(|first| first.name == client.name);
                let state = if is_first { State::Fail } else { State::Warn };
                self.add(state, client.name, format!("{version}: {why}"));
            }
            (Ok(config), Ok(())) => {
                let address = redacted(config.default.url.as_str());
                let way = if inherited.is_pointed(settings) { "through the gateway" } else { "directly" };
                self.ok(client.name, format!("{version}, goes {way} to {address}"));
                for problem in &config.problems {
                    self.warn(client.name, problem.what.clone());
                }
            }
        }
    }

    /// Anything that comes back from the upstream, even a refusal, says that it is there.
    async fn upstream(&mut self, engine: &Engine, inherited: &Inherited) {
        let Ok(config) = &inherited.config else { return };
        let address = redacted(config.default.url.as_str());
        match engine.reach(&inherited.ecosystem.id).await {
            Err(EngineError::Upstream(UpstreamError::Status(status @ (401 | 403)))) => {
                self.warn("upstream", format!("{address} answers {status}: is the credential right?"));
            }
            Err(EngineError::Upstream(UpstreamError::Status(status))) if status >= 500 => {
                self.fail("upstream", format!("{address} answers {status}"));
            }
            Ok(()) | Err(EngineError::Upstream(UpstreamError::NotFound | UpstreamError::Status(_))) => {
                self.ok("upstream", format!("{address} answers"));
            }
            Err(error) => self.fail("upstream", format!("{address}: {error}")),
        }
    }

    async fn log(&mut self, engine: &Engine) {
        match engine.store().verify_log(None).await {
            Ok(Ok(verified)) => self.ok("log", format!("holds together, all {} of its entries", verified.entries)),
            Ok(Err(fault)) => self.fail("log", format!("was tampered with: {fault}")),
            Err(error) => self.fail("log", error.to_string()),
        }
        let newest =
            engine.store().newest_entries(1).await.ok().and_then(|entries| entries.first().map(|entry| entry.at));
        let now = engine.now();
        match newest.filter(|newest| now.duration_since(*newest) < -SLACK) {
            Some(newest) => self.fail("clock", format!("it is {now}, but the log's newest entry is of {newest}")),
            None if now < EARLIEST => self.fail("clock", format!("it is {now}, which cannot be")),
            None => self.ok("clock", now.to_string()),
        }
    }

    fn advisories(&mut self, engine: &Engine, settings: &Settings) {
        let advisories = engine.advisories();
        let says = serve::advisories_line(&advisories, settings);
        for stale in &advisories.stale {
            self.fail("advisories", stale.clone());
        }
        let state = match (advisories.problems.is_empty(), advisories.records) {
            (false, _) => State::Fail,
            (true, 0) => State::Warn,
            (true, _) => State::Ok,
        };
        self.add(state, "advisories", says);
    }

    /// Clients that point at a gateway which does not run cannot install anything.
    async fn gateway(&mut self, settings: &Settings, pointed: &[&str]) {
        match (running::find(&settings.data).await, running::noted(&settings.data)) {
            (Ok(Some((running, _))), _) => self.ok("gateway", format!("runs at {}", running.url)),
            (Ok(None), Ok(_)) if !pointed.is_empty() => {
                let clients = pointed.join(" and ");
                self.fail("gateway", format!("does not run, and {clients} cannot do without; start `stockade serve`"));
            }
            (Ok(None), Ok(Some(noted))) => {
                self.warn("gateway", format!("was at {}, and does not answer; `stockade serve` starts one", noted.url));
            }
            (Ok(None), Ok(None)) => self.ok("gateway", "does not run; `stockade run` brings its own"),
            (Err(error), _) | (_, Err(error)) => self.fail("gateway", format!("{error:#}")),
        }
    }
}

/// The first line of what a program prints that says something, without the colours that some print for nobody too.
fn plain_line(text: &str) -> String {
    let mut plain = String::new();
    let says = |line: &&str| line.contains(char::is_alphanumeric);
    let mut rest = text.lines().map(str::trim).find(says).unwrap_or_default();
    while let Some((before, escaped)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = escaped.find('m').map_or("", |end| &escaped[end + 1..]);
    }
    (plain + rest).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_left_out_of_a_line() {
        assert_eq!(plain_line("\u{1b}[1mApache Maven 3.8.7\u{1b}[m\nMaven home"), "Apache Maven 3.8.7");
        assert_eq!(plain_line("\n 11.0.0 \n"), "11.0.0");
        assert_eq!(plain_line("\n-----\nGradle 4.4.1\n-----\n"), "Gradle 4.4.1");
        assert_eq!(plain_line(""), "");
    }
}
