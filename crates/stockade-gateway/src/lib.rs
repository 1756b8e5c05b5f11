//! Registry protocols and the API over HTTP: a face.
//!
//! A request becomes a typed route before anything else happens, the engine is asked, and what it says is written in the
//! words of the client that asks. Nothing is judged here, and nothing leaves but what the engine gives out.
//!
//! The server speaks HTTP/1.1 only: the reason phrase is where several clients look for a refusal's sentence, and later
//! versions have none. Addresses that we write into documents come from the configured public address, or from the
//! socket that the client connected to, and never from a header.

mod api;
mod body;
mod checksum;
mod decide;
mod hosting;
mod inventory;
mod metrics;
mod mount;
mod osv;
mod range;
mod refuse;
mod render;
mod runs;
mod serve;
mod sightings;
mod summary;

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use stockade_engine::Engine;
use tokio::sync::Semaphore;
use url::Url;

use metrics::Metrics;
use render::Rendered;
use runs::Runs;

pub use api::{Origins, Status};
pub use runs::{Notice, RunReport};

/// How many publications are in memory at the same time; the next one waits.
const PUBLICATIONS: usize = 2;

/// How a gateway presents itself.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The address under which clients reach it, where that is not the socket's own: behind a proxy, say.
    pub public_url: Option<Url>,
    /// It is for the run of a client with this name and ends with it. Every request belongs to it, also of clients that
    /// cannot say so; and nobody can follow an address of ours afterwards, so that refusals name the command that says more.
    pub only_run: Option<String>,
    /// Who may read what it serves.
    pub reading: Reading,
}

/// Who may read what a gateway serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reading {
    /// Whoever reaches it.
    #[default]
    Anybody,
    /// Whoever shows a token.
    Token,
}

/// The gateway. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

struct Inner {
    engine: Engine,
    public_url: Option<Url>,
    only_run: Option<String>,
    reading: Reading,
    /// Publications that are in memory at the same time.
    publishing: Semaphore,
    rendered: Rendered,
    runs: Runs,
    metrics: Metrics,
    /// When clients were last told that the upstream is away.
    told: Mutex<Option<Timestamp>>,
}

impl Gateway {
    /// A gateway in front of this engine.
    pub fn new(engine: Engine, options: Options) -> Self {
        let Options { public_url, only_run, reading } = options;
        Self(Arc::new(Inner {
            engine,
            public_url,
            only_run,
            reading,
            publishing: Semaphore::new(PUBLICATIONS),
            rendered: Rendered::default(),
            runs: Runs::default(),
            metrics: Metrics::default(),
            told: Mutex::new(None),
        }))
    }

    /// What it asks.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// What happened in a run so far; `None` if nobody asked for anything in its name.
    pub fn run_report(&self, name: &str) -> Option<RunReport> {
        self.0.runs.report(name)
    }
}
