//! The rows of the store and their queries.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use stockade_model::{Digest, EcosystemId, Name, Package, Release, Verdict};

use super::{Store, StoreError, log};
use crate::served::Given;

/// The first digest seen for a release's artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The content address.
    pub sha256: Digest,
    /// The same bytes by every algorithm that an index may claim.
    pub digests: Vec<Digest>,
    /// How many bytes.
    pub size: u64,
    /// When they were first seen.
    pub since: Timestamp,
}

/// What a person decided about a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The release that the digest is of.
    pub release: Release,
    /// The bytes that the decision is bound to.
    pub digest: Digest,
    /// Allow or deny.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
    /// Until when.
    pub expires: Option<Timestamp>,
}

/// An instant since when nothing new is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// The instant; `None` for the end of a freeze.
    pub since: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: String,
}

/// Where the newest document of a package is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocumentRow {
    /// The upstream's address, without credentials.
    pub upstream: String,
    /// The document's digest, which is its file's name.
    pub digest: Digest,
    /// The upstream's validator.
    pub etag: Option<String>,
    /// The upstream's other validator.
    pub last_modified: Option<String>,
    /// When the upstream last said that this is the newest.
    pub fetched_at: Timestamp,
}

/// A ruling that was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RulingRow {
    /// Its identifier.
    pub id: String,
    /// Its entry in the log.
    pub seq: i64,
    /// What it is about.
    pub release: Release,
}

/// Who was given which bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServedRow {
    /// Who.
    pub principal: String,
    /// What.
    pub release: Release,
    /// Exactly which bytes.
    pub digest: Digest,
    /// When first.
    pub at: Timestamp,
}

/// Milliseconds since 1970, as the store keeps instants.
pub(crate) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// What a ruling's entry in the log says; with the policy's text it is all that a replay needs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RulingEntry {
    pub(crate) id: String,
    pub(crate) release: Release,
    pub(crate) verdict: Verdict,
    pub(crate) body: serde_json::Value,
}

/// A release's file as the store keeps it: the empty text for none.
pub(super) fn file(release: &Release) -> &str {
    release.file.as_deref().unwrap_or_default()
}

/// Records a ruling unless the same one is there.
pub(crate) fn record_ruling(transaction: &Transaction<'_>, at: Timestamp, entry: &RulingEntry) -> rusqlite::Result<()> {
    let known = transaction.prepare_cached("SELECT 1 FROM rulings WHERE id = ?1")?.exists([&entry.id])?;
    if known {
        return Ok(());
    }
    let seq = log::append(transaction, at, "ruling", &entry.body)?;
    let (package, version) = (&entry.release.package, &entry.release.version);
    transaction
        .prepare_cached(
            "INSERT INTO rulings (id, seq, ecosystem, name, version, file, verdict) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            entry.id,
            seq,
            package.ecosystem.as_str(),
            package.name.as_str(),
            version,
            file(&entry.release),
            entry.verdict.name()
        ])?;
    Ok(())
}

/// Pins a digest unless the release has one, and returns the pin that holds.
pub(crate) fn record_pin(transaction: &Transaction<'_>, release: &Release, pin: &Pin) -> rusqlite::Result<Pin> {
    if let Some(first) = pin_of(transaction, release)? {
        return Ok(first);
    }
    log::append(transaction, pin.since, "pin", &serde_json::json!({ "release": release, "pin": pin }))?;
    let package = &release.package;
    transaction
        .prepare_cached(
            "INSERT INTO pins (ecosystem, name, version, file, sha256, digests, size, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            package.ecosystem.as_str(),
            package.name.as_str(),
            release.version,
            file(release),
            pin.sha256.to_string(),
            serde_json::to_string(&pin.digests).unwrap_or_default(),
            i64::try_from(pin.size).unwrap_or(i64::MAX),
            millis(pin.since)
        ])?;
    Ok(pin.clone())
}

/// Records that somebody is about to be given these bytes, the first time.
pub(crate) fn record_served(
    transaction: &Transaction<'_>,
    at: Timestamp,
    principal: &str,
    release: &Release,
    digest: &Digest,
) -> rusqlite::Result<()> {
    let package = &release.package;
    let new = transaction
        .prepare_cached(
            "INSERT INTO served (principal, sha256, ecosystem, name, version, file, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            principal,
            digest.to_string(),
            package.ecosystem.as_str(),
            package.name.as_str(),
            release.version,
            file(release),
            millis(at)
        ])?;
    if new == 1 {
        let body = serde_json::json!({ "principal": principal, "release": release, "digest": digest });
        log::append(transaction, at, "served", &body)?;
    }
    Ok(())
}

/// Records a policy's text, so that its rulings can be replayed.
pub(crate) fn record_policy(
    transaction: &Transaction<'_>,
    at: Timestamp,
    digest: &str,
    text: &str,
) -> rusqlite::Result<()> {
    let new = transaction
        .execute("INSERT INTO policies (digest, text) VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![digest, text])?;
    if new == 1 {
        log::append(transaction, at, "policy", &serde_json::json!({ "digest": digest }))?;
    }
    Ok(())
}

fn record_decision(transaction: &Transaction<'_>, at: Timestamp, decision: &Decision) -> rusqlite::Result<i64> {
    let seq = log::append(transaction, at, "decision", decision)?;
    let package = &decision.release.package;
    transaction.execute(
        "INSERT INTO decisions (seq, ecosystem, name, version, file, digest, verdict, reason, by, expires)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            seq,
            package.ecosystem.as_str(),
            package.name.as_str(),
            decision.release.version,
            file(&decision.release),
            decision.digest.to_string(),
            decision.verdict.name(),
            decision.reason,
            decision.by,
            decision.expires.map(millis)
        ],
    )?;
    Ok(seq)
}

pub(super) fn pin_of(connection: &Connection, release: &Release) -> rusqlite::Result<Option<Pin>> {
    let package = &release.package;
    connection
        .prepare_cached(
            "SELECT sha256, digests, size, at FROM pins
             WHERE ecosystem = ?1 AND name = ?2 AND version = ?3 AND file = ?4",
        )?
        .query_row(params![package.ecosystem.as_str(), package.name.as_str(), release.version, file(release)], pin)
        .optional()
}

pub(super) fn decisions_of(connection: &Connection, package: &Package) -> rusqlite::Result<Vec<Decision>> {
    let mut statement = connection.prepare_cached(
        "SELECT ecosystem, name, version, file, digest, verdict, reason, by, expires FROM decisions
         WHERE ecosystem = ?1 AND name = ?2 ORDER BY seq",
    )?;
    let rows = statement.query_map([package.ecosystem.as_str(), package.name.as_str()], decision)?;
    rows.collect()
}

impl Store {
    /// The pins of a package.
    pub async fn pins(&self, package: &Package) -> Result<Vec<(Release, Pin)>, StoreError> {
        let package = package.clone();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT sha256, digests, size, at, ecosystem, name, version, file FROM pins
                 WHERE ecosystem = ?1 AND name = ?2",
            )?;
            let rows = statement.query_map([package.ecosystem.as_str(), package.name.as_str()], |row| {
                Ok((release(row, 4)?, pin(row)?))
            })?;
            rows.collect()
        })
        .await
    }

    /// What was first seen under a version.
    pub async fn pin(&self, release: &Release) -> Result<Option<Pin>, StoreError> {
        let release = release.clone();
        self.read(move |connection| pin_of(connection, &release)).await
    }

    /// What people decided about releases of a package, in the order in which they did.
    pub async fn decisions(&self, package: &Package) -> Result<Vec<Decision>, StoreError> {
        let package = package.clone();
        self.read(move |connection| decisions_of(connection, &package)).await
    }

    /// Records what a person decided and returns the entry's number.
    pub async fn decide(&self, at: Timestamp, decision: Decision) -> Result<i64, StoreError> {
        self.write(move |transaction| record_decision(transaction, at, &decision)).await
    }

    /// Records a freeze, or the end of one.
    pub(crate) async fn freeze(&self, at: Timestamp, freeze: Freeze) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let seq = log::append(transaction, at, "freeze", &freeze)?;
            let Freeze { since, reason, by } = freeze;
            transaction
                .execute(
                    "INSERT INTO freezes (seq, since, reason, by) VALUES (?1, ?2, ?3, ?4)",
                    params![seq, since.map(millis), reason, by],
                )
                .map(drop)
        })
        .await
    }

    /// The freeze that is in effect.
    pub(crate) async fn frozen(&self) -> Result<Option<Freeze>, StoreError> {
        let newest = self.read(|connection| {
            connection
                .query_row("SELECT since, reason, by FROM freezes ORDER BY seq DESC LIMIT 1", [], |row| {
                    let since = row.get::<_, Option<i64>>(0)?.map(instant);
                    Ok(Freeze { since, reason: row.get(1)?, by: row.get(2)? })
                })
                .optional()
        });
        Ok(newest.await?.filter(|freeze| freeze.since.is_some()))
    }

    /// The newest document of a package.
    pub(crate) async fn document(&self, package: &Package) -> Result<Option<DocumentRow>, StoreError> {
        let package = package.clone();
        self.read(move |connection| {
            connection
                .prepare_cached(
                    "SELECT upstream, digest, etag, last_modified, fetched_at FROM documents WHERE ecosystem = ?1 AND name = ?2",
                )?
                .query_row([package.ecosystem.as_str(), package.name.as_str()], document)
                .optional()
        })
        .await
    }

    /// Records the newest document of a package. The file must be durable by now.
    pub(crate) async fn put_document(&self, package: &Package, row: DocumentRow) -> Result<(), StoreError> {
        let package = package.clone();
        self.write(move |transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO documents (ecosystem, name, upstream, digest, etag, last_modified, fetched_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT (ecosystem, name) DO UPDATE
                     SET upstream = ?3, digest = ?4, etag = ?5, last_modified = ?6, fetched_at = ?7",
                )?
                .execute(params![
                    package.ecosystem.as_str(),
                    package.name.as_str(),
                    row.upstream,
                    row.digest.to_string(),
                    row.etag,
                    row.last_modified,
                    millis(row.fetched_at)
                ])
                .map(drop)
        })
        .await
    }

    /// The entry of a ruling; an unambiguous beginning of its identifier is enough.
    pub async fn ruling(&self, id: &str) -> Result<Option<RulingRow>, StoreError> {
        let id = id.to_owned();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, seq, ecosystem, name, version, file FROM rulings WHERE substr(id, 1, length(?1)) = ?1 LIMIT 2",
            )?;
            let rows: Vec<RulingRow> = statement.query_map([&id], ruling)?.collect::<Result<_, _>>()?;
            Ok(<[RulingRow; 1]>::try_from(rows).ok().map(|[row]| row))
        })
        .await
    }

    /// The newest ruling of each release that was held or denied, newest first.
    pub async fn refused(&self, count: usize) -> Result<Vec<RulingRow>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, seq, ecosystem, name, version, file FROM rulings r WHERE verdict IN ('hold', 'deny')
                   AND NOT EXISTS (SELECT 1 FROM rulings n WHERE n.ecosystem = r.ecosystem AND n.name = r.name
                                   AND n.version = r.version AND n.file = r.file AND n.seq > r.seq)
                 ORDER BY seq DESC LIMIT ?1",
            )?;
            statement.query_map([i64::try_from(count).unwrap_or(i64::MAX)], ruling)?.collect()
        })
        .await
    }

    /// The files of a release that were ever ruled on.
    pub(crate) async fn files(&self, release: &Release) -> Result<Vec<Release>, StoreError> {
        let of = release.clone();
        self.read(move |connection| {
            let package = &of.package;
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT ecosystem, name, version, file FROM rulings
                 WHERE ecosystem = ?1 AND name = ?2 AND version = ?3 AND file <> ''",
            )?;
            let rows = statement
                .query_map([package.ecosystem.as_str(), package.name.as_str(), &of.version], |row| {
                    self::release(row, 0)
                })?;
            rows.collect()
        })
        .await
    }

    /// The versions of a package that anybody was given.
    pub(crate) async fn given_versions(&self, package: &Package) -> Result<Vec<String>, StoreError> {
        let package = package.clone();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT version FROM served WHERE ecosystem = ?1 AND name = ?2 ORDER BY version",
            )?;
            let rows = statement.query_map([package.ecosystem.as_str(), package.name.as_str()], |row| row.get(0))?;
            rows.collect()
        })
        .await
    }

    /// Who was given these bytes.
    pub async fn served(&self, digest: &Digest) -> Result<Vec<ServedRow>, StoreError> {
        let digest = digest.to_string();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT ecosystem, name, version, file, principal, sha256, at FROM served WHERE sha256 = ?1 ORDER BY at",
            )?;
            statement.query_map([&digest], served)?.collect()
        })
        .await
    }

    /// The versions of each package that anybody was given in a row after this one, with the digests of their files if
    /// these are wanted, and the last row.
    pub(crate) async fn given_after(&self, row: i64, with_digests: bool) -> Result<(Given, i64), StoreError> {
        let pins = if with_digests { "LEFT JOIN pins USING (ecosystem, name, version, file)" } else { "" };
        let digests = if with_digests { "digests" } else { "NULL" };
        self.read(move |connection| {
            let last = connection.query_row("SELECT coalesce(max(rowid), 0) FROM served", [], |row| row.get(0))?;
            let mut statement = connection.prepare_cached(&format!(
                "SELECT DISTINCT ecosystem, name, version, {digests} FROM served {pins}
                 WHERE served.rowid > ?1 AND served.rowid <= ?2 ORDER BY ecosystem, name, version"
            ))?;
            let mut rows = statement.query([row, last])?;
            let mut given = Given::new();
            while let Some(row) = rows.next()? {
                let (ecosystem, name): (String, String) = (row.get(0)?, row.get(1)?);
                let version: String = row.get(2)?;
                let digests = row.get::<_, Option<String>>(3)?.map_or(Ok(Vec::new()), |text| {
                    serde_json::from_str::<Vec<Digest>>(&text).map_err(|error| unreadable(3, error))
                })?;
                let package = Package { ecosystem: EcosystemId::read(&ecosystem), name: Name::normalised(name) };
                if given.last().is_none_or(|(last, _)| *last != package) {
                    given.push((package, Vec::new()));
                }
                let Some((_, versions)) = given.last_mut() else { continue };
                match versions.last_mut().filter(|(last, _)| *last == version) {
                    Some((_, known)) => known.extend(digests),
                    None => versions.push((version, digests)),
                }
            }
            Ok((given, last))
        })
        .await
    }

    /// Who was given which file of each of these releases.
    pub(crate) async fn given(&self, releases: Vec<Release>) -> Result<Vec<Vec<ServedRow>>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT ecosystem, name, version, file, principal, sha256, at FROM served
                 WHERE ecosystem = ?1 AND name = ?2 AND version = ?3 ORDER BY at, principal",
            )?;
            let rows = releases.iter().map(|release| {
                let package = &release.package;
                let wanted = [package.ecosystem.as_str(), package.name.as_str(), &release.version];
                statement.query_map(wanted, served)?.collect()
            });
            rows.collect()
        })
        .await
    }

    /// A policy that once ruled.
    pub async fn policy_text(&self, digest: &str) -> Result<Option<String>, StoreError> {
        let digest = digest.to_owned();
        self.read(move |connection| {
            connection.query_row("SELECT text FROM policies WHERE digest = ?1", [digest], |row| row.get(0)).optional()
        })
        .await
    }

    /// A number that changes when any process has written a decision, a freeze, or something about a token.
    pub async fn decisions_epoch(&self) -> Result<i64, StoreError> {
        self.read(|connection| {
            connection.query_row(
                "SELECT max((SELECT coalesce(max(seq), 0) FROM decisions), (SELECT coalesce(max(seq), 0) FROM freezes),
                            (SELECT coalesce(max(seq), 0) FROM tokens))",
                [],
                |row| row.get(0),
            )
        })
        .await
    }
}

pub(super) fn release(row: &Row<'_>, at: usize) -> rusqlite::Result<Release> {
    let (ecosystem, name): (String, String) = (row.get(at)?, row.get(at + 1)?);
    let package = Package { ecosystem: EcosystemId::read(&ecosystem), name: Name::normalised(name) };
    let file: String = row.get(at + 3)?;
    let file = Some(file).filter(|file| !file.is_empty());
    Ok(Release { file, ..package.release(row.get::<_, String>(at + 2)?) })
}

fn pin(row: &Row<'_>) -> rusqlite::Result<Pin> {
    let size: i64 = row.get(2)?;
    Ok(Pin {
        sha256: digest(row, 0)?,
        digests: serde_json::from_str(&row.get::<_, String>(1)?).map_err(|error| unreadable(1, error))?,
        size: u64::try_from(size).unwrap_or_default(),
        since: instant(row.get(3)?),
    })
}

fn decision(row: &Row<'_>) -> rusqlite::Result<Decision> {
    let verdict: String = row.get(5)?;
    let mildest = [Verdict::Allow, Verdict::Hold].into_iter().find(|known| verdict == known.name());
    Ok(Decision {
        release: release(row, 0)?,
        digest: digest(row, 4)?,
        verdict: mildest.unwrap_or(Verdict::Deny),
        reason: row.get(6)?,
        by: row.get(7)?,
        expires: row.get::<_, Option<i64>>(8)?.map(instant),
    })
}

fn document(row: &Row<'_>) -> rusqlite::Result<DocumentRow> {
    Ok(DocumentRow {
        upstream: row.get(0)?,
        digest: digest(row, 1)?,
        etag: row.get(2)?,
        last_modified: row.get(3)?,
        fetched_at: instant(row.get(4)?),
    })
}

fn ruling(row: &Row<'_>) -> rusqlite::Result<RulingRow> {
    Ok(RulingRow { id: row.get(0)?, seq: row.get(1)?, release: release(row, 2)? })
}

fn served(row: &Row<'_>) -> rusqlite::Result<ServedRow> {
    Ok(ServedRow {
        release: release(row, 0)?,
        principal: row.get(4)?,
        digest: digest(row, 5)?,
        at: instant(row.get(6)?),
    })
}

pub(super) fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or_default()
}

pub(super) fn digest(row: &Row<'_>, at: usize) -> rusqlite::Result<Digest> {
    row.get::<_, String>(at)?.parse().map_err(|error| unreadable(at, error))
}

pub(super) fn unreadable(at: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error))
}
