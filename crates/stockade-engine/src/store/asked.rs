//! What an index does not say, and the upstream was asked for: when a release was published, and which digest its files
//! have.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};
use stockade_model::{Clock, Integrity, Package, Release};

use super::tables::{file, instant, millis, unreadable};
use super::{Store, StoreError};

/// A release's publish time, and by whose clock.
pub(crate) type Dated = (Timestamp, Clock);

impl Store {
    /// The dates of a package's releases, by version.
    pub(crate) async fn dates(&self, package: &Package) -> Result<Vec<(String, Dated)>, StoreError> {
        let package = package.clone();
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT version, at, clock FROM dates WHERE ecosystem = ?1 AND name = ?2")?;
            let rows = statement.query_map([package.ecosystem.as_str(), package.name.as_str()], |row| {
                let clock = serde_json::from_str(&row.get::<_, String>(2)?).map_err(|error| unreadable(2, error))?;
                Ok((row.get(0)?, (instant(row.get(1)?), clock)))
            })?;
            rows.collect()
        })
        .await
    }

    /// Keeps dates, except of releases that have one.
    pub(crate) async fn keep_dates(&self, package: &Package, dates: Vec<(String, Dated)>) -> Result<(), StoreError> {
        let package = package.clone();
        self.write(move |transaction| {
            for (version, (at, clock)) in dates {
                let clock = serde_json::to_string(&clock)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
                transaction
                    .prepare_cached(
                        "INSERT INTO dates (ecosystem, name, version, at, clock) VALUES (?1, ?2, ?3, ?4, ?5)
                         ON CONFLICT DO NOTHING",
                    )?
                    .execute(params![package.ecosystem.as_str(), package.name.as_str(), version, millis(at), clock])?;
            }
            Ok(())
        })
        .await
    }

    /// The digest that was claimed of a file.
    pub(crate) async fn claim(&self, release: &Release) -> Result<Option<Integrity>, StoreError> {
        let release = release.clone();
        self.read(move |connection| {
            let package = &release.package;
            connection
                .prepare_cached(
                    "SELECT claim FROM claims WHERE ecosystem = ?1 AND name = ?2 AND version = ?3 AND file = ?4",
                )?
                .query_row(
                    params![package.ecosystem.as_str(), package.name.as_str(), release.version, file(&release)],
                    |row| serde_json::from_str(&row.get::<_, String>(0)?).map_err(|error| unreadable(0, error)),
                )
                .optional()
        })
        .await
    }

    /// A digest that was claimed of any file of a release.
    pub(crate) async fn claim_of_version(&self, release: &Release) -> Result<Option<Integrity>, StoreError> {
        let release = release.clone();
        self.read(move |connection| {
            let package = &release.package;
            connection
                .prepare_cached("SELECT claim FROM claims WHERE ecosystem = ?1 AND name = ?2 AND version = ?3 LIMIT 1")?
                .query_row(params![package.ecosystem.as_str(), package.name.as_str(), release.version], |row| {
                    serde_json::from_str(&row.get::<_, String>(0)?).map_err(|error| unreadable(0, error))
                })
                .optional()
        })
        .await
    }

    /// Keeps the digest that was claimed of a file, unless there is one.
    pub(crate) async fn keep_claim(&self, release: &Release, claim: &Integrity) -> Result<(), StoreError> {
        let (release, claim) = (release.clone(), claim.clone());
        self.write(move |transaction| {
            let claim = serde_json::to_string(&claim)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
            let package = &release.package;
            transaction
                .prepare_cached(
                    "INSERT INTO claims (ecosystem, name, version, file, claim) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    package.ecosystem.as_str(),
                    package.name.as_str(),
                    release.version,
                    file(&release),
                    claim
                ])
                .map(drop)
        })
        .await
    }
}
