//! Questions about the inventory. Who has what is found under the component, and the way to it is read from the snapshot only
//! when somebody wants to know it.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Serialize;
use stockade_ecosystem::by_id;
use stockade_model::{Digest, EcosystemId, Name, Package, Release};

use super::hits::hits;
use super::record::unpacked;
use super::{Hit, Place, Way};
use crate::store::{Store, StoreError};

/// How many places in its files are told of a component in a project.
const MAX_WAYS: usize = 100;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Any release of a package.
    Package(Package),
    /// One release. A version that is equal to it in the ecosystem's order is the same.
    Release(Release),
    /// A release whose file may have this digest.
    Digest(Digest),
}

/// What the answers rest on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Coverage {
    /// How many projects there are.
    pub projects: usize,
    /// The newest look at the project that was not looked at for longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Timestamp>,
    /// The projects that were not looked at for long.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub old: Vec<Old>,
    /// The projects that were not read whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
}

/// A project that was not looked at for long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Old {
    /// The project.
    pub project: String,
    /// The newest look.
    pub seen: Timestamp,
}

/// A project that was not read whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// The project.
    pub project: String,
    /// The newest look that was not whole.
    pub at: Timestamp,
    /// What could not be read, and why.
    pub gaps: Vec<String>,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// What was seen, the oldest first.
    pub spans: Vec<Span>,
}

/// Looks in a row that saw the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The first.
    pub at: Timestamp,
    /// The last.
    pub seen: Timestamp,
    /// How many files name releases.
    pub files: usize,
    /// How many releases they name.
    pub releases: usize,
    /// What could not be read, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
}

/// A component of the store.
pub(super) struct Component {
    pub(super) id: i64,
    pub(super) release: Release,
    pub(super) digests: Vec<u8>,
}

impl Store {
    /// Which projects have it, and had it; those that have it first.
    pub async fn who_has(&self, asked: Asked) -> Result<Vec<Hit>, StoreError> {
        self.read(move |connection| {
            let components = match &asked {
                Asked::Package(package) => of_package(connection, package)?,
                Asked::Release(release) => of_release(connection, release)?,
                Asked::Digest(digest) => of_digest(connection, digest)?,
            };
            hits(connection, &components)
        })
        .await
    }

    /// Where each of these is in its project, and how the project comes to need it.
    pub async fn ways(&self, hits: &[Hit]) -> Result<Vec<Vec<Way>>, StoreError> {
        let places: Vec<(Place, Option<Timestamp>)> = hits.iter().map(|hit| (hit.place, hit.until)).collect();
        self.read(move |connection| {
            let mut names = HashMap::new();
            places.iter().map(|(place, until)| ways(connection, *place, *until, &mut names)).collect()
        })
        .await
    }

    /// What all answers rest on. A project that was last looked at before an instant is old.
    pub async fn looked_at(&self, old: Timestamp) -> Result<Coverage, StoreError> {
        self.read(move |connection| {
            let (projects, oldest): (i64, Option<i64>) = connection
                .prepare_cached("SELECT count(*), min(seen) FROM inventory_projects")?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(Coverage {
                projects: usize::try_from(projects).unwrap_or_default(),
                oldest: oldest.map(instant),
                old: olds(connection, old.as_second())?,
                unread: unread(connection)?,
            })
        })
        .await
    }

    /// The projects, or one of them, by name.
    pub async fn projects(&self, name: Option<String>) -> Result<Vec<Project>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, name FROM inventory_projects WHERE name = ?1 OR ?1 IS NULL ORDER BY name",
            )?;
            let projects = statement.query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let with_spans = |(id, name): (i64, String)| Ok(Project { name, spans: spans(connection, id)? });
            projects.map(|project| project.and_then(with_spans)).collect()
        })
        .await
    }
}

/// All releases of a package that are in the inventory.
pub(super) fn of_package(connection: &Connection, package: &Package) -> rusqlite::Result<Vec<Component>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, ecosystem, name, version, digests FROM inventory_components WHERE ecosystem = ?1 AND name = ?2",
    )?;
    statement.query_map([package.ecosystem.as_str(), package.name.as_str()], component)?.collect()
}

fn of_release(connection: &Connection, release: &Release) -> rusqlite::Result<Vec<Component>> {
    let version = by_id(release.package.ecosystem.as_str()).map(|ecosystem| ecosystem.version);
    let asked = version.and_then(|version| version(&release.version).ok());
    let is_equal = |text: &str| {
        let other = version.and_then(|version| version(text).ok());
        text == release.version || asked.is_some() && asked.partial_cmp(&other) == Some(std::cmp::Ordering::Equal)
    };
    let mut components = of_package(connection, &release.package)?;
    components.retain(|component| is_equal(&component.release.version));
    Ok(components)
}

pub(super) fn of_digest(connection: &Connection, digest: &Digest) -> rusqlite::Result<Vec<Component>> {
    let mut statement = connection.prepare_cached(
        "SELECT c.id, c.ecosystem, c.name, c.version, c.digests
         FROM inventory_digests d JOIN inventory_components c ON c.id = d.component WHERE d.digest = ?1",
    )?;
    statement.query_map([digest.as_bytes()], component)?.collect()
}

fn component(row: &Row<'_>) -> rusqlite::Result<Component> {
    let (ecosystem, name): (String, String) = (row.get(1)?, row.get(2)?);
    let package = Package { ecosystem: EcosystemId::read(&ecosystem), name: Name::normalised(name) };
    Ok(Component { id: row.get(0)?, release: package.release(row.get::<_, String>(3)?), digests: row.get(4)? })
}

fn ways(
    connection: &Connection,
    place: Place,
    until: Option<Timestamp>,
    names: &mut HashMap<i64, String>,
) -> rusqlite::Result<Vec<Way>> {
    let before = until.map_or(i64::MAX, Timestamp::as_second);
    let body: Option<Vec<u8>> = connection
        .prepare_cached("SELECT body FROM inventory_snapshots WHERE project = ?1 AND at < ?2 ORDER BY at DESC LIMIT 1")?
        .query_row(params![place.project, before], |row| row.get(0))
        .optional()?;
    // The project is gone since the hit was found.
    let Some(body) = body else { return Ok(Vec::new()) };
    let mut ways = Vec::new();
    for file in unpacked(&body)?.files {
        for at in (0..file.parts.len()).filter(|at| file.parts[*at].component == place.component) {
            if ways.len() < MAX_WAYS {
                let path = file.way_to(at).into_iter().map(|component| name_of(connection, component, names));
                let path = path.collect::<rusqlite::Result<_>>()?;
                ways.push(Way { file: file.path.clone(), line: file.parts[at].line, path });
            }
        }
    }
    Ok(ways)
}

fn name_of(connection: &Connection, id: i64, names: &mut HashMap<i64, String>) -> rusqlite::Result<String> {
    if let Some(name) = names.get(&id) {
        return Ok(name.clone());
    }
    let name: String = connection
        .prepare_cached("SELECT name || '@' || version FROM inventory_components WHERE id = ?1")?
        .query_row([id], |row| row.get(0))?;
    names.insert(id, name.clone());
    Ok(name)
}

fn olds(connection: &Connection, before: i64) -> rusqlite::Result<Vec<Old>> {
    let mut statement =
        connection.prepare_cached("SELECT name, seen FROM inventory_projects WHERE seen < ?1 ORDER BY seen, name")?;
    let old = |row: &Row<'_>| Ok(Old { project: row.get(0)?, seen: instant(row.get(1)?) });
    statement.query_map([before], old)?.collect()
}

fn unread(connection: &Connection) -> rusqlite::Result<Vec<Unread>> {
    // All projects are read as they lie, and the few that are found are put in order: `CROSS` and `+` say that to SQLite.
    let mut statement = connection.prepare_cached(
        "SELECT p.name, s.at, s.gaps FROM inventory_projects p CROSS JOIN inventory_snapshots s
         ON s.project = p.id AND s.at = (SELECT max(at) FROM inventory_snapshots WHERE project = p.id AND gaps <> '[]')
         WHERE p.gaps > 0 ORDER BY +p.name",
    )?;
    let unread = |row: &Row<'_>| Ok(Unread { project: row.get(0)?, at: instant(row.get(1)?), gaps: gaps(row, 2)? });
    statement.query_map([], unread)?.collect()
}

fn spans(connection: &Connection, project: i64) -> rusqlite::Result<Vec<Span>> {
    let mut statement = connection
        .prepare_cached("SELECT at, seen, gaps, body FROM inventory_snapshots WHERE project = ?1 ORDER BY at")?;
    let span = |row: &Row<'_>| {
        let body = unpacked(row.get_ref(3)?.as_blob()?)?;
        Ok(Span {
            at: instant(row.get(0)?),
            seen: instant(row.get(1)?),
            files: body.files.len(),
            releases: body.contents().len(),
            gaps: gaps(row, 2)?,
        })
    };
    statement.query_map([project], span)?.collect()
}

fn gaps(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<String>> {
    let unreadable = |error: serde_json::Error| {
        rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, Box::new(error))
    };
    serde_json::from_str(row.get_ref(at)?.as_str()?).map_err(unreadable)
}

pub(super) fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}
