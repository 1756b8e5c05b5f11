//! The embedded store: SQLite in WAL mode, one writer thread, a few readers.
//!
//! All writes of a process pass through one thread, which commits whatever has gathered in one transaction: a thousand
//! tarballs then cost a few dozen fsyncs and nobody waits behind a lock. A write is acknowledged after its transaction is
//! durable (`synchronous = FULL`), so that `kill -9`, or the power failing, loses nothing that anybody was told.
//! Several processes may share a store: a transaction takes the write lock before it reads the end of the log.

mod asked;
mod hosted;
mod inspections;
mod log;
mod tables;
mod tokens;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

pub(crate) use asked::Dated;
pub(crate) use hosted::{Prepared, Unmade};
pub(crate) use inspections::{About, Assessed, MAX_INSPECTION, packed};
pub use log::{Entry, Head, LogFault, Verified};
pub(crate) use tables::DocumentRow;
pub use tables::{Decision, Freeze, Pin, RulingRow, ServedRow};
pub(crate) use tables::{RulingEntry, millis, record_pin, record_policy, record_ruling, record_served};

/// How many writes may wait before a caller does.
const QUEUE: usize = 4096;
/// How many writes share a transaction.
const BATCH: usize = 512;
/// How long a process waits for another's transaction.
const BUSY: Duration = Duration::from_secs(30);
/// How much of the store the writer keeps in memory, at most: 16 MiB, as SQLite says it. The components of the inventory are
/// in it, a thousand of which are looked up for a project.
const CACHE: i64 = -16_384;
/// How many idle read connections are kept.
const IDLE_READERS: usize = 4;

/// The version of the tables: how many steps [`migrate`] has.
const SCHEMA: i64 = 7;

/// A store in a directory. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    writer: SyncSender<Job>,
    readers: Arc<Readers>,
}

struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

type Work = Box<dyn FnOnce(&Transaction<'_>) -> rusqlite::Result<Done> + Send>;
/// Tells the caller, once the transaction is durable or has failed.
type Done = Box<dyn FnOnce(Result<(), Arc<rusqlite::Error>>) + Send>;

struct Job {
    work: Work,
    failed: Box<dyn FnOnce(Arc<rusqlite::Error>) + Send>,
}

/// The store could not do it. Nothing was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// SQLite's own words: a full disk, a file that cannot be opened, a damaged database.
    #[error("the store failed: {0}")]
    Sqlite(Arc<rusqlite::Error>),
    /// The writer thread is gone.
    #[error("the store is closed")]
    Closed,
    /// A row holds what this version cannot read.
    #[error("the store has a row that cannot be read: {0}")]
    Unreadable(String),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(Arc::new(error))
    }
}

impl Store {
    /// Opens the store in this directory, or makes one.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join("stockade.db");
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What a savepoint may have to undo: in a file, that is a tenth of a large write.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", CACHE)?;
        migrate(&mut connection)?;
        let (writer, jobs) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_all(&mut connection, &jobs))
            .map_err(|error| StoreError::Unreadable(error.to_string()))?;
        Ok(Self { writer, readers: Arc::new(Readers { path, idle: Mutex::new(Vec::new()) }) })
    }

    /// Writes in a transaction that is durable when this returns. `work` may be run in one transaction with others';
    /// if it fails, only its own changes are undone.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel::<Result<T, StoreError>>();
        let answer = Arc::new(Mutex::new(Some(answer)));
        let reply = move |slot: &Mutex<Option<oneshot::Sender<_>>>, value| {
            if let Some(answer) = slot.lock().unwrap_or_else(PoisonError::into_inner).take() {
                let _ = answer.send(value);
            }
        };
        let on_error = Arc::clone(&answer);
        let job = Job {
            work: Box::new(move |transaction| {
                let value = work(transaction)?;
                Ok(Box::new(move |committed| reply(&answer, committed.map(|()| value).map_err(StoreError::Sqlite))))
            }),
            failed: Box::new(move |error| reply(&on_error, Err(StoreError::Sqlite(error)))),
        };
        let writer = self.writer.clone();
        if let Err(std::sync::mpsc::TrySendError::Full(job)) = writer.try_send(job) {
            tokio::task::spawn_blocking(move || writer.send(job)).await.ok();
        }
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Writes what can be made again, and tells nobody. It is durable when a later [`Store::write`] is. If the queue is
    /// full it is not written.
    fn write_later<F>(&self, work: F)
    where
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<()> + Send + 'static,
    {
        let said = |error: Arc<rusqlite::Error>| tracing::warn!(%error, "something that was found out is not kept");
        let job = Job {
            work: Box::new(move |transaction| {
                work(transaction)?;
                Ok(Box::new(move |committed| committed.unwrap_or_else(said)))
            }),
            failed: Box::new(said),
        };
        let _ = self.writer.try_send(job);
    }

    /// Reads on a connection of its own, away from the runtime's threads.
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        tokio::task::spawn_blocking(move || {
            let connection = readers.take()?;
            let value = work(&connection)?;
            readers.give_back(connection);
            Ok(value)
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }
}

impl Readers {
    fn take(&self) -> rusqlite::Result<Connection> {
        if let Some(connection) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Ok(connection);
        }
        let connection = Connection::open_with_flags(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY)?;
        Ok(connection)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS {
            idle.push(connection);
        }
    }
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > SCHEMA {
        let why = format!("its schema is version {version}, and this stockade knows {SCHEMA}: use the newer one");
        return Err(StoreError::Unreadable(why));
    }
    let steps = [
        include_str!("schema.sql"),
        include_str!("inspections.sql"),
        include_str!("files.sql"),
        include_str!("freezes.sql"),
        include_str!("asked.sql"),
        include_str!("hosted.sql"),
        include_str!("inventory.sql"),
    ];
    for step in steps.into_iter().skip(usize::try_from(version).unwrap_or_default()) {
        transaction.execute_batch(step)?;
    }
    if version < SCHEMA {
        transaction.pragma_update(None, "user_version", SCHEMA)?;
    }
    Ok(transaction.commit()?)
}

/// The writer thread: gathers what waits, commits it together, tells everybody.
fn write_all(connection: &mut Connection, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let batch: Vec<Job> = std::iter::once(first).chain(jobs.try_iter().take(BATCH - 1)).collect();
        let mut transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(transaction) => transaction,
            Err(error) => {
                let error = Arc::new(error);
                for job in batch {
                    (job.failed)(Arc::clone(&error));
                }
                continue;
            }
        };
        let mut done = Vec::with_capacity(batch.len());
        for job in batch {
            match run_one(&mut transaction, job.work) {
                Ok(tell) => done.push(tell),
                Err(error) => (job.failed)(Arc::new(error)),
            }
        }
        let committed = transaction.commit().map_err(Arc::new);
        for tell in done {
            tell(committed.clone());
        }
    }
}

fn run_one(transaction: &mut Transaction<'_>, work: Work) -> rusqlite::Result<Done> {
    // A savepoint is a transaction inside the transaction; dropping it undoes this job alone.
    transaction.execute_batch("SAVEPOINT job")?;
    match work(transaction) {
        Ok(tell) => transaction.execute_batch("RELEASE job").map(|()| tell),
        Err(error) => {
            transaction.execute_batch("ROLLBACK TO job; RELEASE job")?;
            Err(error)
        }
    }
}
