//! The command line.
//!
//! A command answers on standard output and says with its exit status what the answer means. Whatever goes wrong comes up
//! here, is shown once, and ends in 2: what could not be decided is not allowed.

mod args;
mod bill;
mod clock;
mod command;
mod commands;
mod describe;
mod errors;
mod files;
mod git;
mod inherit;
mod lockfiles;
mod output;
mod process;
mod report;
mod rules;
mod running;
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(target_os = "macos")]
#[path = "sandbox/seatbelt.rs"]
mod sandbox;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
#[path = "no_sandbox.rs"]
mod sandbox;
mod scan;
mod settings;
mod steering;
mod subject;
mod sweep;
mod vex;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use args::Cli;
use commands::Exit;
use output::Printer;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many threads read, write and parse. Each keeps some memory of the largest thing that it has held.
const BLOCKING_THREADS: usize = 4;
/// How long work that nobody waits for may take when the process ends.
const LAST_WORK: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(code) = sandbox::errand().or_else(sandbox::shell).or_else(sandbox::launch) {
        return Exit::Of(code).into();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors, and clap knows where each belongs.
            let _ = error.print();
            return if error.use_stderr() { Exit::Undecided } else { Exit::Allowed }.into();
        }
    };
    if let args::Command::InspectWorker = cli.command {
        // It can be nothing else: no settings, no threads, nothing that is read or opened.
        return commands::be_worker().into();
    }
    let printer = Printer::new(&cli.global);
    log(&cli);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(BLOCKING_THREADS).build();
    let outcome = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let outcome = runtime.block_on(commands::perform(cli, &printer));
        runtime.shutdown_timeout(LAST_WORK);
        outcome
    });
    let exit = outcome.unwrap_or_else(|error| {
        output::insist(&errors::rendered(&error));
        Exit::Undecided
    });
    exit.into()
}

/// What our crates say of their work goes to standard error: warnings where somebody watches a gateway, else errors. Foreign
/// crates stay silent: nobody has checked what they let out of requests.
fn log(cli: &Cli) {
    let level = match (cli.global.verbose, &cli.command) {
        (0, args::Command::Serve(_)) => LevelFilter::WARN,
        (0, _) => LevelFilter::ERROR,
        (1, _) => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let ours = Targets::new().with_target(env!("CARGO_PKG_NAME"), level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = lines.without_time().with_target(false).with_ansi(false);
    tracing_subscriber::registry().with(lines.with_filter(ours)).init();
}
