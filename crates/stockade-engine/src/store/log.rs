//! The log: append-only, each entry chained to the one before it.
//!
//! An entry's hash covers the previous entry's hash, so an edited, removed or reordered entry breaks the chain where it
//! was touched, and a cut-off end no longer meets the recorded head. Somebody who can rewrite the whole database can
//! also rebuild the chain; against them helps a head that was written down elsewhere (`log verify --expect SEQ:HASH`).

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Store, StoreError, millis};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number, from 1, without holes.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// `pin`, `ruling`, `served`, `decision`, `policy`, `freeze`; of what is hosted `publish`, `state`, `unlist`,
    /// `discourage`, `tag`; `token` and `revoke`.
    pub kind: String,
    /// What happened, as JSON.
    pub body: serde_json::Value,
    /// The chain's hash up to here, in hexadecimal.
    pub hash: String,
}

/// The end of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The number of the newest entry, 0 if there is none.
    pub seq: i64,
    /// Its hash, in hexadecimal.
    pub hash: String,
}

/// A log that holds together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How many entries were checked: all.
    pub entries: i64,
    /// The end, to be written down elsewhere.
    pub head: Head,
}

/// Where and how a log was tampered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum LogFault {
    /// A number is missing: the entry was removed.
    #[error("entry {seq} is missing: it was removed")]
    Missing {
        /// The number that should come next.
        seq: i64,
    },
    /// The hash does not follow: this entry was edited, or entries changed places.
    #[error("entry {seq} does not follow from the one before it: it was edited or moved")]
    Broken {
        /// The first entry that does not fit.
        seq: i64,
    },
    /// The chain ends elsewhere than the recorded head: the end was cut off, or the head was edited.
    #[error("the log ends at entry {found}, and its recorded head is entry {head}: its end was cut off or replaced")]
    Head {
        /// The last entry there is.
        found: i64,
        /// The entry that the head names.
        head: i64,
    },
    /// A table that rulings rest on says something else than the log.
    #[error(
        "table `{table}` does not say what the log says: it has {found} rows that follow from the log, {rows} in all, and the log has {logged}"
    )]
    Table {
        /// The table.
        table: &'static str,
        /// How many rows say what their entry says.
        found: i64,
        /// How many rows there are.
        rows: i64,
        /// How many entries of the log made a row.
        logged: i64,
    },
    /// The entry that the caller wrote down is not the one in the log.
    #[error("entry {seq} is not the one that was expected: the log was rewritten")]
    Rewritten {
        /// The expected entry's number.
        seq: i64,
    },
}

const START: [u8; 32] = [0; 32];

/// A table that is kept for look-ups, with the kind of entries that its rows come from and how they are told apart.
struct Derived {
    table: &'static str,
    kind: &'static str,
    /// True if the row `t` says what the entry's body `l.body` says.
    says_the_same: &'static str,
}

const TABLES: [Derived; 6] = [
    Derived {
        table: "decisions",
        kind: "decision",
        says_the_same:
            "t.seq = l.seq AND t.ecosystem = l.body ->> '$.release.ecosystem' AND t.name = l.body ->> '$.release.name'
            AND t.version = l.body ->> '$.release.version' AND t.digest = l.body ->> '$.digest'
            AND t.verdict = l.body ->> '$.verdict' AND t.reason = l.body ->> '$.reason' AND t.by = l.body ->> '$.by'
            AND (t.expires IS NULL) = (l.body ->> '$.expires' IS NULL)
            AND coalesce(t.expires / 1000 = unixepoch(l.body ->> '$.expires'), 1)",
    },
    Derived {
        table: "pins",
        kind: "pin",
        says_the_same: "t.ecosystem = l.body ->> '$.release.ecosystem' AND t.name = l.body ->> '$.release.name'
            AND t.version = l.body ->> '$.release.version' AND t.sha256 = l.body ->> '$.pin.sha256'
            AND json(t.digests) = l.body -> '$.pin.digests'",
    },
    Derived { table: "policies", kind: "policy", says_the_same: "t.digest = l.body ->> '$.digest'" },
    Derived {
        table: "hosted",
        kind: "publish",
        says_the_same: "t.seq = l.seq AND t.ecosystem = l.body ->> '$.release.ecosystem'
            AND t.name = l.body ->> '$.release.name' AND t.version = l.body ->> '$.release.version'
            AND t.file = coalesce(l.body ->> '$.release.file', '') AND t.by = l.body ->> '$.by'",
    },
    Derived {
        table: "tokens",
        kind: "token",
        says_the_same: "t.id = l.body ->> '$.id' AND t.hash = l.body ->> '$.hash' AND t.name = l.body ->> '$.name'
            AND json(t.rights) = l.body -> '$.rights' AND t.expires / 1000 = unixepoch(l.body ->> '$.expires')
            AND (t.revoked IS NULL) = NOT EXISTS
                (SELECT 1 FROM log r WHERE r.kind = 'revoke' AND r.body ->> '$.id' = t.id)",
    },
    Derived {
        table: "served",
        kind: "served",
        says_the_same: "t.sha256 = l.body ->> '$.digest' AND t.principal = l.body ->> '$.principal'",
    },
];

impl Derived {
    /// Every row has its entry and every entry its row.
    fn check(&self, connection: &Connection) -> rusqlite::Result<Option<LogFault>> {
        let Self { table, kind, says_the_same } = self;
        let count = |query: String| connection.query_row(&query, [], |row| row.get::<_, i64>(0));
        let rows = count(format!("SELECT count(*) FROM {table}"))?;
        let logged = count(format!("SELECT count(*) FROM log WHERE kind = '{kind}'"))?;
        let found = count(format!(
            "SELECT count(*) FROM log l WHERE l.kind = '{kind}' AND EXISTS (SELECT 1 FROM {table} t WHERE {says_the_same})"
        ))?;
        let same = rows == logged && found == logged;
        Ok((!same).then_some(LogFault::Table { table: self.table, found, rows, logged }))
    }
}

/// Appends an entry and returns its number.
pub(crate) fn append(
    transaction: &Transaction<'_>,
    at: Timestamp,
    kind: &str,
    body: &impl Serialize,
) -> rusqlite::Result<i64> {
    let (seq, previous) = head(transaction)?;
    let (seq, at) = (seq + 1, millis(at));
    let body = serde_json::to_string(body).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let hash = chained(&previous, seq, at, kind, &body);
    transaction
        .prepare_cached("INSERT INTO log (seq, at, kind, body, hash) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![seq, at, kind, body, hash])?;
    transaction
        .prepare_cached("INSERT INTO log_head (one, seq, hash) VALUES (1, ?1, ?2) ON CONFLICT (one) DO UPDATE SET seq = ?1, hash = ?2")?
        .execute(params![seq, hash])?;
    Ok(seq)
}

fn head(connection: &Connection) -> rusqlite::Result<(i64, [u8; 32])> {
    let head = connection
        .prepare_cached("SELECT seq, hash FROM log_head")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(head.unwrap_or((0, START)))
}

/// Every field is preceded by its length, so that no two entries hash alike.
fn chained(previous: &[u8; 32], seq: i64, at: i64, kind: &str, body: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"stockade log entry 1\n");
    hasher.update(previous);
    hasher.update(seq.to_be_bytes());
    hasher.update(at.to_be_bytes());
    for field in [kind, body] {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field);
    }
    hasher.finalize().into()
}

impl Store {
    /// Checks the whole chain. The outer error means that it could not be looked at.
    pub async fn verify_log(&self, expected: Option<Head>) -> Result<Result<Verified, LogFault>, StoreError> {
        self.read(move |connection| verify(connection, expected.as_ref())).await
    }

    /// The newest entries, newest first.
    pub async fn newest_entries(&self, count: usize) -> Result<Vec<Entry>, StoreError> {
        self.read(move |connection| {
            let mut statement =
                connection.prepare("SELECT seq, at, kind, body, hash FROM log ORDER BY seq DESC LIMIT ?1")?;
            statement.query_map([i64::try_from(count).unwrap_or(i64::MAX)], entry)?.collect()
        })
        .await
    }

    /// One entry.
    pub async fn entry(&self, seq: i64) -> Result<Option<Entry>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare("SELECT seq, at, kind, body, hash FROM log WHERE seq = ?1")?;
            statement.query_row([seq], entry).optional()
        })
        .await
    }
}

fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<Entry> {
    let body: String = row.get(3)?;
    Ok(Entry {
        seq: row.get(0)?,
        at: Timestamp::from_millisecond(row.get(1)?).unwrap_or_default(),
        kind: row.get(2)?,
        body: serde_json::from_str(&body).unwrap_or(serde_json::Value::String(body)),
        hash: hex::encode(row.get::<_, Vec<u8>>(4)?),
    })
}

fn verify(connection: &Connection, expected: Option<&Head>) -> rusqlite::Result<Result<Verified, LogFault>> {
    // Log, head and tables are those of one moment, whatever is written meanwhile.
    let snapshot = connection.unchecked_transaction()?;
    let connection = &*snapshot;
    let mut statement = connection.prepare("SELECT seq, at, kind, body, hash FROM log ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let (mut last, mut previous) = (0, START);
    while let Some(row) = rows.next()? {
        let (seq, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (kind, body, hash): (String, String, Vec<u8>) = (row.get(2)?, row.get(3)?, row.get(4)?);
        if seq != last + 1 {
            return Ok(Err(LogFault::Missing { seq: last + 1 }));
        }
        let chained = chained(&previous, seq, at, &kind, &body);
        if hash != chained {
            return Ok(Err(LogFault::Broken { seq }));
        }
        if expected.is_some_and(|expected| expected.seq == seq && expected.hash != hex::encode(chained)) {
            return Ok(Err(LogFault::Rewritten { seq }));
        }
        (last, previous) = (seq, chained);
    }
    let (head_seq, head_hash) = head(connection)?;
    if (head_seq, head_hash) != (last, previous) {
        return Ok(Err(LogFault::Head { found: last, head: head_seq }));
    }
    if let Some(expected) = expected.filter(|expected| expected.seq > last) {
        return Ok(Err(LogFault::Head { found: last, head: expected.seq }));
    }
    for table in TABLES {
        if let Some(fault) = table.check(connection)? {
            return Ok(Err(fault));
        }
    }
    Ok(Ok(Verified { entries: last, head: Head { seq: last, hash: hex::encode(previous) } }))
}
