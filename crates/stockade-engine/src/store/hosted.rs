//! What is published here.
//!
//! A file that was published is never changed and never forgotten: its name and its digest stay also when it is taken off
//! the index, so that nothing else can take its place. Everything that a request changes is checked first, and then made
//! or refused as a whole, in one transaction.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde_json::json;
use stockade_ecosystem::{Change, Hosted, HostedFile};
use stockade_model::{Package, Release};

use super::tables::{file, instant, millis, pin_of, record_pin, release, unreadable};
use super::{Pin, Store, StoreError, log};

/// A change with the pin of the bytes that it brings. These are durable by now.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) change: Change,
    pub(crate) pin: Option<Pin>,
}

/// Why changes are not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unmade {
    /// There is such a file already, or was, with these or with other bytes.
    Taken { release: Release, since: Timestamp, by: Option<String> },
    /// Its name could be taken for that of another one that is published here.
    Alike { package: Package, other: String },
    /// The file has another digest than its publisher says.
    NotAsClaimed(Release),
    /// No such release is published here.
    NoRelease(Release),
    /// The package has changed since the client looked.
    Outdated(Package),
}

/// What became of changes.
pub(crate) type Made = Result<(), Unmade>;

/// Makes all of these changes, or says why none of them is made.
fn make(transaction: &Transaction<'_>, at: Timestamp, by: &str, changes: &[Prepared]) -> rusqlite::Result<Made> {
    for prepared in changes {
        if let Some(unmade) = objection(transaction, prepared)? {
            return Ok(Err(unmade));
        }
    }
    for Prepared { change, pin } in changes {
        let seq = match change {
            Change::Publish(publication) => {
                let Some(pin) = pin else { continue };
                let release = &publication.release;
                if published(transaction, release)?.is_some() {
                    // The same bytes once more.
                    tags(transaction, release, &publication.tags)?;
                    continue;
                }
                record_pin(transaction, release, pin)?;
                let body = json!({ "release": release, "digest": pin.sha256, "by": by, "tags": publication.tags });
                let seq = log::append(transaction, at, "publish", &body)?;
                publish(transaction, seq, at, by, release, &publication.entry)?;
                tags(transaction, release, &publication.tags)?;
                seq
            }
            Change::Claim { .. } => continue,
            Change::State { package, releases, tags, .. } => {
                let body = json!({ "package": package, "releases": releases, "tags": tags, "by": by });
                let seq = log::append(transaction, at, "state", &body)?;
                state(transaction, package, releases, tags)?;
                seq
            }
            Change::Unlist { package, version } => {
                let body = json!({ "package": package, "version": version, "by": by });
                let seq = log::append(transaction, at, "unlist", &body)?;
                unlist(transaction, package, version.as_deref())?;
                seq
            }
            Change::Discourage { release, why } => {
                let body = json!({ "release": release, "why": why, "by": by });
                let seq = log::append(transaction, at, "discourage", &body)?;
                discourage(transaction, &release.package, &release.version, why.as_deref())?;
                seq
            }
            Change::Tag { package, tag, version } => {
                let body = json!({ "package": package, "tag": tag, "version": version, "by": by });
                let seq = log::append(transaction, at, "tag", &body)?;
                set_tag(transaction, package, tag, version.as_deref())?;
                seq
            }
        };
        let package = change.package();
        transaction.execute(
            "INSERT INTO hosted_packages (ecosystem, name, revision) VALUES (?1, ?2, ?3)
             ON CONFLICT (ecosystem, name) DO UPDATE SET revision = ?3",
            params![package.ecosystem.as_str(), package.name.as_str(), seq],
        )?;
    }
    Ok(Ok(()))
}

fn objection(connection: &Connection, prepared: &Prepared) -> rusqlite::Result<Option<Unmade>> {
    let is_listed = |release: &Release| listed(connection, &release.package, &release.version);
    let missing = |release: Release| Ok((!is_listed(&release)?).then_some(Unmade::NoRelease(release)));
    match &prepared.change {
        Change::Publish(publication) => {
            let release = &publication.release;
            let known = published(connection, release)?;
            let pinned = pin_of(connection, release)?;
            let same = pinned.as_ref().map(|pin| &pin.sha256) == prepared.pin.as_ref().map(|pin| &pin.sha256);
            if known.is_none()
                && let Some(other) = alike(connection, &release.package)?
            {
                return Ok(Some(Unmade::Alike { package: release.package.clone(), other }));
            }
            Ok(match (known, pinned) {
                (None, None) => None,
                (Some(known), _) if same && known.listed => None,
                // It came from a registry before its name was ours, and is the same.
                (None, Some(_)) if same => None,
                (Some(known), _) => {
                    Some(Unmade::Taken { release: release.clone(), since: known.at, by: Some(known.by) })
                }
                (None, Some(pin)) => Some(Unmade::Taken { release: release.clone(), since: pin.since, by: None }),
            })
        }
        Change::State { package, revision, releases, tags } => {
            if let Some(revision) = revision
                && revision_of(connection, package)?.is_none_or(|newest| newest.to_string() != *revision)
            {
                return Ok(Some(Unmade::Outdated(package.clone())));
            }
            let named = releases.iter().map(|(version, _)| version).chain(tags.iter().map(|(_, version)| version));
            for version in named {
                if let Some(unmade) = missing(package.release(version.clone()))? {
                    return Ok(Some(unmade));
                }
            }
            Ok(None)
        }
        Change::Discourage { release, .. } => missing(release.clone()),
        Change::Claim { release, claimed } => Ok(match pin_of(connection, release)? {
            Some(pin) if pin.digests.iter().any(|digest| claimed.admits(digest)) => None,
            Some(_) => Some(Unmade::NotAsClaimed(release.clone())),
            None => Some(Unmade::NoRelease(release.clone())),
        }),
        Change::Tag { package, version: Some(version), .. } => missing(package.release(version.clone())),
        Change::Tag { .. } | Change::Unlist { .. } => Ok(None),
    }
}

/// Another hosted package whose name differs only in case, or in `-` and `_`.
fn alike(connection: &Connection, package: &Package) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(
            "SELECT name FROM hosted WHERE ecosystem = ?1 AND name <> ?2
             AND replace(lower(name), '_', '-') = replace(lower(?2), '_', '-') LIMIT 1",
        )?
        .query_row([package.ecosystem.as_str(), package.name.as_str()], |row| row.get(0))
        .optional()
}

struct Published {
    at: Timestamp,
    by: String,
    listed: bool,
}

fn published(connection: &Connection, release: &Release) -> rusqlite::Result<Option<Published>> {
    let package = &release.package;
    connection
        .prepare_cached(
            "SELECT at, by, listed FROM hosted WHERE ecosystem = ?1 AND name = ?2 AND version = ?3 AND file = ?4",
        )?
        .query_row(params![package.ecosystem.as_str(), package.name.as_str(), release.version, file(release)], |row| {
            Ok(Published { at: instant(row.get(0)?), by: row.get(1)?, listed: row.get(2)? })
        })
        .optional()
}

fn listed(connection: &Connection, package: &Package, version: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM hosted WHERE ecosystem = ?1 AND name = ?2 AND version = ?3 AND listed")?
        .exists(params![package.ecosystem.as_str(), package.name.as_str(), version])
}

fn publish(
    transaction: &Transaction<'_>,
    seq: i64,
    at: Timestamp,
    by: &str,
    release: &Release,
    entry: &str,
) -> rusqlite::Result<()> {
    let (ecosystem, name) = (release.package.ecosystem.as_str(), release.package.name.as_str());
    transaction
        .execute(
            "INSERT INTO hosted (ecosystem, name, version, file, seq, at, by, entry, listed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1)",
            params![ecosystem, name, release.version, file(release), seq, millis(at), by, entry],
        )
        .map(drop)
}

fn tags(transaction: &Transaction<'_>, release: &Release, tags: &[String]) -> rusqlite::Result<()> {
    tags.iter().try_for_each(|tag| set_tag(transaction, &release.package, tag, Some(&release.version)))
}

fn set_tag(transaction: &Transaction<'_>, package: &Package, tag: &str, version: Option<&str>) -> rusqlite::Result<()> {
    let (ecosystem, name) = (package.ecosystem.as_str(), package.name.as_str());
    let changed = match version {
        Some(version) => transaction.execute(
            "INSERT INTO hosted_tags (ecosystem, name, tag, version) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (ecosystem, name, tag) DO UPDATE SET version = ?4",
            params![ecosystem, name, tag, version],
        ),
        None => transaction.execute(
            "DELETE FROM hosted_tags WHERE ecosystem = ?1 AND name = ?2 AND tag = ?3",
            params![ecosystem, name, tag],
        ),
    };
    changed.map(drop)
}

fn state(
    transaction: &Transaction<'_>,
    package: &Package,
    releases: &[(String, Option<String>)],
    tags: &[(String, String)],
) -> rusqlite::Result<()> {
    let mut statement = transaction
        .prepare_cached("SELECT DISTINCT version FROM hosted WHERE ecosystem = ?1 AND name = ?2 AND listed")?;
    let known: Vec<String> = statement
        .query_map([package.ecosystem.as_str(), package.name.as_str()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for version in known {
        match releases.iter().find(|(stays, _)| *stays == version) {
            Some((_, why)) => discourage(transaction, package, &version, why.as_deref())?,
            None => unlist(transaction, package, Some(&version))?,
        }
    }
    transaction.execute(
        "DELETE FROM hosted_tags WHERE ecosystem = ?1 AND name = ?2",
        [package.ecosystem.as_str(), package.name.as_str()],
    )?;
    tags.iter().try_for_each(|(tag, version)| set_tag(transaction, package, tag, Some(version)))
}

fn unlist(transaction: &Transaction<'_>, package: &Package, version: Option<&str>) -> rusqlite::Result<()> {
    for table in ["UPDATE hosted SET listed = 0", "DELETE FROM hosted_tags"] {
        transaction.execute(
            &format!("{table} WHERE ecosystem = ?1 AND name = ?2 AND (?3 IS NULL OR version = ?3)"),
            params![package.ecosystem.as_str(), package.name.as_str(), version],
        )?;
    }
    Ok(())
}

fn discourage(
    transaction: &Transaction<'_>,
    package: &Package,
    version: &str,
    why: Option<&str>,
) -> rusqlite::Result<()> {
    transaction
        .execute(
            "UPDATE hosted SET discouraged = ?4 WHERE ecosystem = ?1 AND name = ?2 AND version = ?3",
            params![package.ecosystem.as_str(), package.name.as_str(), version, why],
        )
        .map(drop)
}

fn revision_of(connection: &Connection, package: &Package) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT revision FROM hosted_packages WHERE ecosystem = ?1 AND name = ?2")?
        .query_row([package.ecosystem.as_str(), package.name.as_str()], |row| row.get(0))
        .optional()
}

fn hosted_file(row: &Row<'_>) -> rusqlite::Result<HostedFile> {
    let size: i64 = row.get(9)?;
    Ok(HostedFile {
        release: release(row, 0)?,
        at: instant(row.get(4)?),
        by: row.get(5)?,
        entry: row.get(6)?,
        discouraged: row.get(7)?,
        digests: serde_json::from_str(&row.get::<_, String>(8)?).map_err(|error| unreadable(8, error))?,
        size: u64::try_from(size).unwrap_or_default(),
    })
}

impl Store {
    /// Makes changes in somebody's name: all of them, or none.
    pub(crate) async fn make(&self, at: Timestamp, by: &str, changes: Vec<Prepared>) -> Result<Made, StoreError> {
        let by = by.to_owned();
        self.write(move |transaction| make(transaction, at, &by, &changes)).await
    }

    /// What changes with everything that is hosted of a package; `None` if nothing ever was.
    pub(crate) async fn hosted_revision(&self, package: &Package) -> Result<Option<String>, StoreError> {
        let package = package.clone();
        let revision = self.read(move |connection| revision_of(connection, &package)).await?;
        Ok(revision.map(|revision| revision.to_string()))
    }

    /// What is hosted of a package and listed; `None` if nothing is.
    pub(crate) async fn hosted(&self, package: &Package) -> Result<Option<Hosted>, StoreError> {
        let package = package.clone();
        self.read(move |connection| {
            let snapshot = connection.unchecked_transaction()?;
            let Some(revision) = revision_of(&snapshot, &package)? else { return Ok(None) };
            let named = [package.ecosystem.as_str(), package.name.as_str()];
            let mut statement = snapshot.prepare_cached(
                "SELECT h.ecosystem, h.name, h.version, h.file, h.at, h.by, h.entry, h.discouraged, p.digests, p.size
                 FROM hosted h JOIN pins p USING (ecosystem, name, version, file)
                 WHERE ecosystem = ?1 AND name = ?2 AND listed ORDER BY h.seq",
            )?;
            let files: Vec<HostedFile> = statement.query_map(named, hosted_file)?.collect::<Result<_, _>>()?;
            let mut statement = snapshot.prepare_cached(
                "SELECT tag, version FROM hosted_tags WHERE ecosystem = ?1 AND name = ?2 ORDER BY tag",
            )?;
            let tags = statement.query_map(named, |row| Ok((row.get(0)?, row.get(1)?)))?;
            let tags = tags.collect::<Result<_, _>>()?;
            Ok((!files.is_empty()).then(|| Hosted { revision: revision.to_string(), files, tags }))
        })
        .await
    }

    /// The packages of an ecosystem of which something is hosted and listed.
    pub(crate) async fn hosted_packages(&self, ecosystem: &str) -> Result<Vec<Package>, StoreError> {
        let ecosystem = ecosystem.to_owned();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT ecosystem, name, '', '' FROM hosted WHERE ecosystem = ?1 AND listed ORDER BY name",
            )?;
            statement.query_map([ecosystem], |row| Ok(release(row, 0)?.package))?.collect()
        })
        .await
    }

    /// Who has published listed releases of a package.
    pub(crate) async fn publishers(&self, package: &Package) -> Result<Vec<String>, StoreError> {
        let package = package.clone();
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT DISTINCT by FROM hosted WHERE ecosystem = ?1 AND name = ?2 AND listed ORDER BY by",
            )?;
            let rows = statement.query_map([package.ecosystem.as_str(), package.name.as_str()], |row| row.get(0))?;
            rows.collect()
        })
        .await
    }
}
