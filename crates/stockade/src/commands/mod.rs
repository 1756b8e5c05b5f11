//! The commands.

mod advisories;
mod client_config;
mod decide;
mod doctor;
mod freeze;
mod held;
mod init;
mod inspect;
mod inventory;
mod lock;
mod log;
mod policy;
mod run;
mod sbom;
mod scan;
mod serve;
mod setup;
mod sweep;
mod token;
mod why;
mod yank;

use std::process::ExitCode;

use stockade_engine::inspection::Inspector;
use stockade_engine::{Clock, Engine, PATIENCE, Upstreams};
use stockade_model::{EcosystemId, Package, Verdict};
use stockade_policy::Policy;

use crate::args::{Cli, Command, Format, Global};
use crate::clock::clock;
use crate::errors::hinted;
use crate::inherit::{self, Inherited};
use crate::output::Printer;
use crate::settings::Settings;

pub(crate) use inspect::be_worker;

/// What the exit status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0
    Allowed,
    /// 1: the policy says no.
    Refused,
    /// 2: something was not looked at.
    Undecided,
    /// What the client of a run ended with.
    Of(u8),
}

impl Exit {
    fn code(self) -> u8 {
        match self {
            Self::Allowed => 0,
            Self::Refused => 1,
            Self::Undecided => 2,
            Self::Of(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        if verdict == Verdict::Allow { Self::Allowed } else { Self::Refused }
    }
}

/// What most commands work with.
struct Context<'a> {
    settings: Settings,
    printer: &'a Printer,
    clock: Clock,
}

/// Does what was asked.
pub(crate) async fn perform(cli: Cli, printer: &Printer) -> anyhow::Result<Exit> {
    let Cli { global, command } = cli;
    let context = |global: &Global| {
        Ok::<_, anyhow::Error>(Context { settings: Settings::load(global)?, printer, clock: clock(global.now) })
    };
    if !fits(global.format.unwrap_or_default(), &command) {
        return Err(hinted("this command has no such format", "`stockade --help` names the commands of each format"));
    }
    match command {
        Command::Run(arguments) => run::run(context(&global)?, &arguments).await,
        Command::Serve(arguments) => serve::serve(context(&global)?, arguments).await,
        Command::Held => held::held(context(&global)?).await,
        Command::Approve(arguments) => decide::approve(context(&global)?, arguments).await,
        Command::Deny(arguments) => decide::deny(context(&global)?, arguments).await,
        Command::Freeze(arguments) => freeze::freeze(context(&global)?, arguments).await,
        Command::Yank(arguments) => yank::yank(context(&global)?, arguments).await,
        Command::Why(arguments) => why::why(context(&global)?, &[arguments.purl]).await,
        Command::Inspect(arguments) => inspect::inspect(context(&global)?, arguments).await,
        Command::Diff(arguments) => inspect::diff(context(&global)?, arguments).await,
        Command::InspectWorker => Ok(be_worker()),
        Command::Explain(arguments) => why::explain(context(&global)?, &arguments.ruling).await,
        Command::Policy(crate::args::Policy::Check { file }) => policy::check(context(&global)?, file.as_deref()).await,
        Command::Policy(crate::args::Policy::Test { purls }) => why::why(context(&global)?, &purls).await,
        Command::Init(arguments) => init::init(&global, printer, arguments.force).await,
        Command::Setup(arguments) => setup::setup(context(&global)?, arguments).await,
        Command::ClientConfig(arguments) => client_config::print(&context(&global)?, &arguments.clients),
        Command::Doctor => doctor::doctor(&global, printer).await,
        Command::Lock(arguments) => lock::lock(context(&global)?, arguments).await,
        Command::Scan(crate::args::Scan { iocs: Some(list), paths, .. }) => sweep::sweep(printer, &list, paths),
        Command::Scan(arguments) => scan::scan(&context(&global)?, arguments),
        Command::Inventory(arguments) => inventory::inventory(context(&global)?, arguments).await,
        Command::Advisories(arguments) => advisories::advisories(context(&global)?, arguments).await,
        Command::Sbom(arguments) => sbom::sbom(&global, printer, arguments),
        Command::Token(arguments) => token::token(context(&global)?, arguments).await,
        Command::Log(arguments) => log::log(context(&global)?, arguments).await,
    }
}

/// Whether a command has a format.
fn fits(format: Format, command: &Command) -> bool {
    match format {
        Format::Text | Format::Json => true,
        Format::Sarif => {
            matches!(command, Command::Inspect(_) | Command::Diff(_) | Command::Run(_) | Command::Scan(_))
        }
        Format::Markdown => matches!(command, Command::Inspect(_) | Command::Diff(_) | Command::Scan(_)),
        Format::Html => matches!(command, Command::Inspect(_) | Command::Diff(_)),
        Format::Junit | Format::Github => matches!(command, Command::Scan(_)),
        Format::Cyclonedx | Format::Cyclonedx17 => matches!(command, Command::Scan(_) | Command::Sbom(_)),
        Format::Spdx | Format::Spdx301 => matches!(command, Command::Sbom(_)),
    }
}

impl Context<'_> {
    /// An engine that can ask the upstreams of these packages. It must not ask this gateway.
    async fn engine(&self, packages: &[&Package]) -> anyhow::Result<Engine> {
        let wanted = |id: &EcosystemId| packages.iter().any(|package| package.ecosystem == *id);
        let all = inherit::of(&self.settings, wanted).await;
        self.engine_of(&all).await
    }

    /// An engine with these upstreams.
    async fn engine_of(&self, all: &[Inherited]) -> anyhow::Result<Engine> {
        for inherited in all {
            inherited.refuse_ourselves(&self.settings)?;
            self.mention_problems(inherited);
        }
        self.open(inherit::upstreams(all)).await
    }

    /// An engine that answers from what was recorded.
    async fn engine_of_records(&self) -> anyhow::Result<Engine> {
        self.open(Upstreams::default()).await
    }

    async fn open(&self, upstreams: Upstreams) -> anyhow::Result<Engine> {
        let Settings { data, artifact_hosts, advisories, policy, .. } = &self.settings;
        // The engine takes one of its own, and the canonical text is the same policy.
        let policy = Policy::from_canonical(policy.canonical())?;
        let settings = stockade_engine::Settings {
            data: data.clone(),
            policy,
            upstreams,
            artifact_hosts: artifact_hosts.clone(),
            advisories: advisories.clone(),
            clock: self.clock.clone(),
            patience: PATIENCE,
            inspector: Inspector::of_this_program(workers())?,
            rules: self.settings.rules()?,
        };
        Ok(Engine::open(settings).await?)
    }

    fn mention_problems(&self, inherited: &Inherited) {
        let problems = inherited.config.iter().flat_map(|config| &config.problems);
        for problem in problems {
            self.printer.talk(&format!("stockade: {}'s configuration: {}\n", inherited.client.name, problem.what));
        }
    }
}

/// How much is done at once: one thing for each processor.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
