//! Inspections by the digest of what was inspected, and what was made of them for each release.
//!
//! Neither is in the log: a ruling's entry has the evidence that it rests on, and what is here can be made again. So
//! hardly anybody waits for these rows. They are durable by the time a ruling is that was asked for after them, because
//! all writes of a process pass through one queue.

use std::io::{self, Read as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use stockade_inspect::Inspection;
use stockade_model::{Digest, Evidence, Gap, Package, Release, Verdict};

use super::tables::{decisions_of, digest, file, pin_of, release, unreadable};
use super::{Decision, Pin, Store, StoreError};

/// The largest inspection that is kept, compressed, in bytes: 32 MiB.
pub(crate) const MAX_INSPECTION: usize = 32 << 20;
/// The same, unpacked: 512 MiB. More is no inspection that we wrote.
const MAX_UNPACKED: u64 = 512 << 20;

/// What an inspection means for a release, as it becomes part of its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assessed {
    /// The bytes that were inspected.
    pub(crate) digest: Digest,
    /// The evidence.
    pub(crate) evidence: Evidence,
    /// What could not be inspected.
    pub(crate) gaps: Vec<Gap>,
    /// A digest of what it was compared with.
    pub(crate) baselines: String,
}

#[derive(Serialize, Deserialize)]
struct Body {
    evidence: Evidence,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<Gap>,
}

impl Assessed {
    /// True if any of it may speak against the release.
    pub(crate) fn objects(&self) -> bool {
        let Evidence::Inspection { findings, needs, .. } = &self.evidence else { return true };
        !self.gaps.is_empty() || !needs.is_empty() || findings.iter().any(|finding| finding.verdict > Verdict::Allow)
    }
}

/// What is in the store about one release.
pub(crate) struct About {
    pub(crate) pin: Option<Pin>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) assessed: Option<Assessed>,
}

/// An inspection as it is stored, or `None` if it is too large for that.
pub(crate) fn packed(inspection: &Inspection) -> io::Result<Option<Vec<u8>>> {
    let mut encoder = ZlibEncoder::new(Limited(Vec::new()), Compression::fast());
    match serde_json::to_writer(&mut encoder, inspection).map_err(io::Error::from).and_then(|()| encoder.finish()) {
        Ok(Limited(packed)) => Ok(Some(packed)),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(None),
        Err(error) => Err(error),
    }
}

fn unpacked(packed: &[u8]) -> io::Result<Inspection> {
    // The reader of JSON is several times faster from memory.
    let mut json = Vec::new();
    ZlibDecoder::new(packed).take(MAX_UNPACKED).read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

/// Memory that takes [`MAX_INSPECTION`] bytes.
struct Limited(Vec<u8>);

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > MAX_INSPECTION {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Store {
    /// The inspection of these bytes by this version of the inspector, and its size as it is stored. One that cannot be
    /// read counts as none.
    pub(crate) async fn inspection(
        &self,
        digest: &Digest,
        version: u32,
    ) -> Result<Option<(Inspection, usize)>, StoreError> {
        let key = digest.to_string();
        self.read(move |connection| {
            let packed: Option<Vec<u8>> = connection
                .prepare_cached("SELECT body FROM inspections WHERE digest = ?1 AND version = ?2")?
                .query_row(params![key, version], |row| row.get(0))
                .optional()?;
            Ok(packed.and_then(|packed| match unpacked(&packed) {
                Ok(inspection) => Some((inspection, packed.len())),
                Err(error) => {
                    tracing::warn!(digest = key, %error, "a stored inspection is damaged and is made again");
                    None
                }
            }))
        })
        .await
    }

    /// Keeps an inspection, and forgets those of older inspectors, and of this one with other rules of YARA.
    pub(crate) fn keep_inspection(&self, digest: &Digest, version: u32, packed: Vec<u8>) {
        let digest = digest.to_string();
        self.write_later(move |transaction| {
            transaction
                .prepare_cached("DELETE FROM inspections WHERE digest = ?1 AND version < ?2")?
                .execute(params![digest, version])?;
            transaction
                .prepare_cached(
                    "INSERT INTO inspections (digest, version, body) VALUES (?1, ?2, ?3)
                     ON CONFLICT (digest, version) DO UPDATE SET body = ?3",
                )?
                .execute(params![digest, version, packed])
                .map(drop)
        });
    }

    /// Keeps what was made of an inspection for a release.
    pub(crate) async fn keep_assessment(
        &self,
        release: &Release,
        judge: &str,
        assessed: &Assessed,
    ) -> Result<(), StoreError> {
        let (release, judge, assessed) = (release.clone(), judge.to_owned(), assessed.clone());
        self.write(move |transaction| put_assessment(transaction, &release, &judge, assessed)).await
    }

    /// The same, without waiting.
    pub(crate) fn keep_assessment_later(&self, release: &Release, judge: &str, assessed: &Assessed) {
        let (release, judge, assessed) = (release.clone(), judge.to_owned(), assessed.clone());
        self.write_later(move |transaction| put_assessment(transaction, &release, &judge, assessed));
    }

    /// What was made of the inspections of a package's releases, if this judge did.
    pub(crate) async fn assessments(
        &self,
        package: &Package,
        judge: &str,
    ) -> Result<Vec<(Release, Assessed)>, StoreError> {
        let (package, judge) = (package.clone(), judge.to_owned());
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT digest, body, baselines, ecosystem, name, version, file FROM assessments
                 WHERE ecosystem = ?1 AND name = ?2 AND judge = ?3",
            )?;
            let rows = statement
                .query_map(params![package.ecosystem.as_str(), package.name.as_str(), judge], |row| {
                    Ok((release(row, 3)?, assessed(row)?))
                })?;
            rows.collect()
        })
        .await
    }

    /// What is known of a release besides its index, in one look.
    pub(crate) async fn about(&self, release: &Release, judge: &str) -> Result<About, StoreError> {
        let (release, judge) = (release.clone(), judge.to_owned());
        self.read(move |connection| {
            Ok(About {
                pin: pin_of(connection, &release)?,
                decisions: decisions_of(connection, &release.package)?,
                assessed: assessed_of(connection, &release, &judge)?,
            })
        })
        .await
    }

    /// True if somebody was ever given a release of this package.
    pub(crate) async fn is_in_use(&self, package: &Package) -> Result<bool, StoreError> {
        let package = package.clone();
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT 1 FROM served WHERE ecosystem = ?1 AND name = ?2 LIMIT 1")?
                .exists([package.ecosystem.as_str(), package.name.as_str()])
        })
        .await
    }
}

fn put_assessment(
    transaction: &Transaction<'_>,
    release: &Release,
    judge: &str,
    assessed: Assessed,
) -> rusqlite::Result<()> {
    let Assessed { digest, evidence, gaps, baselines } = assessed;
    let body = serde_json::to_string(&Body { evidence, gaps })
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let package = &release.package;
    transaction
        .prepare_cached(
            "INSERT INTO assessments (ecosystem, name, version, file, digest, judge, baselines, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (ecosystem, name, version, file) DO UPDATE
             SET digest = ?5, judge = ?6, baselines = ?7, body = ?8",
        )?
        .execute(params![
            package.ecosystem.as_str(),
            package.name.as_str(),
            release.version,
            file(release),
            digest.to_string(),
            judge,
            baselines,
            body
        ])
        .map(drop)
}

fn assessed_of(connection: &Connection, release: &Release, judge: &str) -> rusqlite::Result<Option<Assessed>> {
    let package = &release.package;
    connection
        .prepare_cached(
            "SELECT digest, body, baselines FROM assessments
             WHERE ecosystem = ?1 AND name = ?2 AND version = ?3 AND file = ?4 AND judge = ?5",
        )?
        .query_row(
            params![package.ecosystem.as_str(), package.name.as_str(), release.version, file(release), judge],
            assessed,
        )
        .optional()
}

fn assessed(row: &Row<'_>) -> rusqlite::Result<Assessed> {
    let Body { evidence, gaps } =
        serde_json::from_str(&row.get::<_, String>(1)?).map_err(|error| unreadable(1, error))?;
    Ok(Assessed { digest: digest(row, 0)?, evidence, gaps, baselines: row.get(2)? })
}
