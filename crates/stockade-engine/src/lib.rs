//! Gathers evidence, keeps gaps, asks the policy, remembers.
//!
//! This is the only crate that dials out or writes to storage. Faces ask it a few kinds of questions, and all of them
//! end in the same ruling in the same words:
//!
//! - [`Engine::listing`]: which releases of this package may a resolver choose?
//! - [`Engine::artifact`]: may this file leave? Bytes come out only as [`Cleared`], which holds the policy's clearance for
//!   exactly their digest.
//! - [`Engine::look_at`]: what is in this file, and what is in it that was in none before?
//! - [`Engine::why`], [`Engine::held`], [`Engine::explain`] and [`Engine::decide`]: what a person asks and answers.
//!
//! What is learnt is written down before anybody is told: a pin, a ruling and who was given what are durable when a
//! response begins, and a file is durable before the row that names it.

pub mod access;
pub mod advisories;
mod ahead;
mod artifact;
mod asked;
mod assess;
mod audits;
mod baseline;
mod behaviour;
mod documents;
pub mod egress;
mod error;
mod gather;
mod hosting;
pub mod inspection;
pub mod inventory;
mod listing;
mod numbers;
mod objects;
mod passing;
mod people;
mod served;
mod state;
mod store;
mod tell;
mod upstream;
mod upstreams;
mod warm;
mod words;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use moka::sync::Cache;
use stockade_model::{Package, Release};
use stockade_policy::{Policy, Ruling};

pub use advisories::Advisories;
pub use artifact::{Cleared, Content, Outcome};
pub use behaviour::{Behaviour, Deed};
pub use documents::{Document, Pieces, Stored};
pub use error::EngineError;
pub use listing::{Listing, Refused, Rulings};
pub use numbers::{Inspected, SECONDS};
pub use people::{DecisionRequest, Explained, Why};
pub use served::ServedMalware;
pub use stockade_advisory as advisory;
pub use stockade_sbom as sbom;
pub use store::{Decision, Entry, Freeze, Head, LogFault, Pin, RulingRow, ServedRow, Store, StoreError, Verified};
pub use tell::{Sighted, Sighting, Told};
pub use upstream::UpstreamError;
pub use upstreams::Upstreams;
pub use words::duration;

use advisories::Sources;
use ahead::Ahead;
use artifact::Hot;
use assess::Inspections;
use documents::{Documents, Flights};
use objects::Objects;
use state::State;
use upstream::Dialler;

/// Tells the time. Time is a parameter everywhere; this is where it comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What an engine is made of.
pub struct Settings {
    /// The folder that everything is kept in.
    pub data: PathBuf,
    /// The policy.
    pub policy: Policy,
    /// Where packages come from.
    pub upstreams: Upstreams,
    /// Hosts that artifacts may be fetched from, besides the upstreams: `host` or `host:port`.
    pub artifact_hosts: Vec<String>,
    /// Where advisories come from, besides the folder [`ADVISORIES`] of the data folder.
    pub advisories: Sources,
    /// The clock.
    pub clock: Clock,
    /// How long an upstream may stay silent, before its first byte and between two.
    pub patience: Duration,
    /// Looks into files.
    pub inspector: inspection::Inspector,
    /// What is looked for in them.
    pub rules: Arc<inspection::Rules>,
}

/// The folder of the data folder in which OSV records are always looked for.
pub const ADVISORIES: &str = "advisories";

/// The patience that suits registries on the other side of the world.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    store: Store,
    objects: Objects,
    documents: Documents,
    dialler: Dialler,
    upstreams: Arc<Upstreams>,
    clock: Clock,
    sources: Sources,
    data: PathBuf,
    state: RwLock<Arc<State>>,
    /// Whoever begins an epoch has it, so that none is lost.
    changing: tokio::sync::Mutex<()>,
    rulings: Cache<Package, Arc<Rulings>>,
    judging: Flights<Package>,
    hot: Cache<(Package, String), Arc<Hot>>,
    fetching: Flights<Release>,
    /// What is asked for before an index is there.
    asking: Flights<Release>,
    ahead: Ahead,
    /// Identifiers of rulings that are known to be in the log.
    recorded: Cache<String, ()>,
    /// Who is known to have been given what.
    given: Cache<(Arc<str>, String), ()>,
    passing: Cache<String, bytes::Bytes>,
    inspections: Inspections,
    watched: Mutex<served::Watched>,
}

/// How much the rulings on whole indexes may weigh, in bytes, about.
const RULINGS_BYTES: u64 = 16 * 1024 * 1024;
/// How many bytes of small artifacts are kept in memory.
const HOT_BYTES: u64 = 32 * 1024 * 1024;
/// How many identifiers of rulings, and pairs of principal and digest, are remembered.
const MAX_REMEMBERED: u64 = 200_000;
/// How many answers are remembered that are passed on unjudged.
const MAX_PASSING: u64 = 256;

impl Engine {
    /// Opens the data folder and everything in it.
    pub async fn open(settings: Settings) -> Result<Self, EngineError> {
        let Settings { data, policy, upstreams, artifact_hosts, advisories, clock, patience, inspector, rules } =
            settings;
        let folders = objects::layout(&data, advisories.folders.clone())?;
        let advisories = Sources { folders, claims: upstreams.claims(), ..advisories };
        let store = Store::open(&data)?;
        let dialler = Dialler::new(upstreams.all(), &artifact_hosts, &upstreams.cafiles(), patience)?;
        let upstreams = Arc::new(upstreams);
        let documents = Documents::new(
            Objects::open(&data, "documents")?,
            store.clone(),
            dialler.clone(),
            Arc::clone(&upstreams),
            Arc::clone(&clock),
        );
        let weight = |key: &(Package, String), hot: &Arc<Hot>| hot.weight(&key.1);
        let state = State::first(policy, &advisories, (&data, clock()), &store).await?;
        let engine = Self(Arc::new(Inner {
            store,
            objects: Objects::open(&data, "objects")?,
            documents,
            dialler,
            upstreams,
            clock,
            sources: advisories,
            data,
            state: RwLock::new(Arc::new(state)),
            changing: tokio::sync::Mutex::default(),
            rulings: Cache::builder()
                .max_capacity(RULINGS_BYTES)
                .weigher(|_: &Package, rulings: &Arc<Rulings>| rulings.weight())
                .build(),
            judging: Flights::default(),
            hot: Cache::builder().max_capacity(HOT_BYTES).weigher(weight).build(),
            fetching: Flights::default(),
            asking: Flights::default(),
            ahead: Ahead::default(),
            recorded: Cache::new(MAX_REMEMBERED),
            given: Cache::new(MAX_REMEMBERED),
            passing: Cache::builder().max_capacity(MAX_PASSING).time_to_live(passing::REMEMBERED).build(),
            inspections: Inspections::new(inspector, rules),
            watched: Mutex::default(),
        }));
        engine.record_policy().await?;
        Ok(engine)
    }

    /// The instant, by the engine's clock.
    pub fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    /// The store, to be read.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The policy in effect.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.state().policy)
    }

    /// The advisories in effect.
    pub fn advisories(&self) -> Arc<Advisories> {
        Arc::clone(&self.state().advisories)
    }

    /// Where packages come from.
    pub fn upstreams(&self) -> &Upstreams {
        &self.0.upstreams
    }

    /// What was inspected so far.
    pub fn inspected(&self) -> Inspected {
        self.0.inspections.numbers.read(self.0.inspections.warming.len())
    }

    async fn record_policy(&self) -> Result<(), EngineError> {
        let policy = self.policy();
        let (at, digest, text) = (self.now(), policy.digest().to_string(), policy.canonical().to_owned());
        Ok(self.0.store.write(move |transaction| store::record_policy(transaction, at, &digest, &text)).await?)
    }
}

/// A ruling with what it rests on, as it is recorded.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) ruling: Ruling,
    pub(crate) evidence: Vec<stockade_model::Evidence>,
    pub(crate) gaps: Vec<stockade_model::Gap>,
    pub(crate) at: Timestamp,
}
