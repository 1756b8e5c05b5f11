//! Looks are written down. The newest look of a project, which is nearly every one, is compared with the one before it, and
//! what came and went is written down by component, too. Where one belongs between others, the changes of the project are
//! found anew, and those that are different are written.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use serde::Serialize;
use stockade_model::{Digest, Release};

use super::body::{Body, Contents, Listed, Placed};
use super::changes::{Change, Key, State, Stay, stays};
use super::tiers::{self, Shape};
use super::{File, Look, Part};
use crate::store::{Store, StoreError};

/// How many looks share a transaction: a history of thousands keeps nobody else waiting for long.
const LOOKS_AT_ONCE: usize = 50;
/// How many parts are kept of a look; more are a gap. A large project has a hundredth.
const MAX_PARTS: usize = 1_000_000;
/// How many gaps are kept of a look, in words.
const MAX_GAPS: usize = 100;
/// The longest gap, in characters.
const MAX_GAP: usize = 500;

/// What became of looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Recorded {
    /// How many looks were written down.
    pub looks: usize,
    /// How many of them saw something else than the one before.
    pub snapshots: usize,
    /// How many releases came to the project.
    pub came: usize,
    /// How many releases went.
    pub went: usize,
}

/// A snapshot as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Snapshot {
    at: i64,
    seen: i64,
    gaps: String,
    body: Vec<u8>,
}

/// The snapshots of a project by their first look.
type Timeline = BTreeMap<i64, Snapshot>;
/// What changed in a project, by component and look.
type Changes = BTreeMap<Key, State>;

impl Store {
    /// Writes down what was seen in a project. When this returns, it is durable; ended before, it is there up to some look.
    pub async fn record_looks(&self, project: &str, looks: Vec<Look>) -> Result<Recorded, StoreError> {
        self.record_looks_in(Shape::USUAL, project, looks).await
    }

    pub(super) async fn record_looks_in(
        &self,
        shape: Shape,
        project: &str,
        mut looks: Vec<Look>,
    ) -> Result<Recorded, StoreError> {
        looks.sort_by_key(|look| look.at);
        looks.dedup_by(|later, look| {
            let same = later.at.as_second() == look.at.as_second();
            if same {
                std::mem::swap(later, look);
            }
            same
        });
        let mut all = Recorded::default();
        while !looks.is_empty() {
            let rest = looks.split_off(LOOKS_AT_ONCE.min(looks.len()));
            let (now, project) = (std::mem::replace(&mut looks, rest), project.to_owned());
            let done = self.write(move |transaction| record(transaction, shape, &project, &now)).await?;
            all.add(done);
        }
        Ok(all)
    }

    /// Forgets a project. False if there is none of the name.
    pub async fn remove_project(&self, project: &str) -> Result<bool, StoreError> {
        self.remove_project_in(Shape::USUAL, project).await
    }

    pub(super) async fn remove_project_in(&self, shape: Shape, project: &str) -> Result<bool, StoreError> {
        let project = project.to_owned();
        self.write(move |transaction| {
            let Some(id) = project_of(transaction, &project)? else { return Ok(false) };
            change(transaction, shape, id, &timeline(transaction, id)?, &Timeline::new())?;
            transaction.execute("DELETE FROM inventory_projects WHERE id = ?1", [id])?;
            Ok(true)
        })
        .await
    }
}

impl Recorded {
    fn add(&mut self, other: Self) {
        self.looks += other.looks;
        self.snapshots += other.snapshots;
        self.came += other.came;
        self.went += other.went;
    }
}

fn record(transaction: &Transaction<'_>, shape: Shape, project: &str, looks: &[Look]) -> rusqlite::Result<Recorded> {
    let mut components = Components { transaction, known: HashMap::new() };
    let snapshots = looks.iter().map(|look| components.snapshot(look)).collect::<rusqlite::Result<Vec<_>>>()?;
    let id = match project_of(transaction, project)? {
        Some(id) => id,
        None => new_project(transaction, project)?,
    };
    let newest = newest(transaction, id)?;
    let first = snapshots.first().map_or(i64::MAX, |snapshot| snapshot.at);
    let mut done = if newest.as_ref().is_some_and(|newest| first <= newest.seen) {
        insert(transaction, shape, id, snapshots)?
    } else {
        append(transaction, shape, id, newest, snapshots)?
    };
    transaction
        .prepare_cached(
            "UPDATE inventory_projects SET (seen, gaps) =
                (SELECT max(seen), sum(gaps <> '[]') FROM inventory_snapshots WHERE project = ?1) WHERE id = ?1",
        )?
        .execute([id])?;
    done.looks = looks.len();
    Ok(done)
}

/// Looks behind the newest one.
fn append(
    transaction: &Transaction<'_>,
    shape: Shape,
    project: i64,
    mut before: Option<Snapshot>,
    looks: Vec<Snapshot>,
) -> rusqlite::Result<Recorded> {
    let mut done = Recorded::default();
    let mut changes = Vec::new();
    let mut old = before.as_ref().map(Snapshot::contents).transpose()?.unwrap_or_default();
    for look in looks {
        if let Some(before) = before.as_mut().filter(|before| before.saw(&look)) {
            before.seen = look.at;
            put_snapshot(transaction, project, before)?;
            continue;
        }
        let new = look.contents()?;
        done.came += new.keys().filter(|component| !old.contains_key(component)).count();
        done.went += old.keys().filter(|component| !new.contains_key(component)).count();
        changes.extend(step(project, look.at, &old, &new));
        put_snapshot(transaction, project, &look)?;
        done.snapshots += 1;
        (old, before) = (new, Some(look));
    }
    tiers::put(transaction, shape, changes)?;
    Ok(done)
}

/// What came, what went, and what is asked for in another way, from one look to the next.
fn step<'a>(project: i64, at: i64, old: &'a Contents, new: &'a Contents) -> impl Iterator<Item = Change> + 'a {
    let change = move |component, state| Change { key: Key { component, project, at }, state };
    let there = new.iter().filter(|(component, direct)| old.get(component) != Some(direct));
    let gone = old.keys().filter(|component| !new.contains_key(component));
    there
        .map(move |(component, direct)| change(*component, State::There(*direct)))
        .chain(gone.map(move |component| change(*component, State::Gone)))
}

/// Looks that belong between others, or before them.
fn insert(
    transaction: &Transaction<'_>,
    shape: Shape,
    project: i64,
    looks: Vec<Snapshot>,
) -> rusqlite::Result<Recorded> {
    let old = timeline(transaction, project)?;
    let mut new = old.clone();
    for look in looks {
        place(&mut new, look);
    }
    // A history that was written down before, as it mostly is.
    if old == new { Ok(Recorded::default()) } else { change(transaction, shape, project, &old, &new) }
}

/// Puts a look where it belongs.
fn place(timeline: &mut Timeline, look: Snapshot) {
    let Some((_, before)) = timeline.range_mut(..=look.at).next_back() else {
        timeline.insert(look.at, look);
        return;
    };
    if before.saw(&look) {
        before.seen = before.seen.max(look.at);
        return;
    }
    let later = (before.seen > look.at).then(|| Snapshot { at: before.seen, ..before.clone() });
    if before.seen >= look.at {
        before.seen = before.at;
    }
    timeline.extend(later.map(|later| (later.at, later)));
    timeline.insert(look.at, look);
}

/// Makes one timeline of a project the other.
fn change(
    transaction: &Transaction<'_>,
    shape: Shape,
    project: i64,
    old: &Timeline,
    new: &Timeline,
) -> rusqlite::Result<Recorded> {
    let (before, after) = (changes(project, old)?, changes(project, new)?);
    let mut done = moves(&before, &after);
    let undone = before.keys().filter(|key| !after.contains_key(key)).map(|key| (key, &State::Undone));
    let others = after.iter().filter(|(key, state)| before.get(key) != Some(state));
    let all = undone.chain(others).map(|(key, state)| Change { key: *key, state: *state });
    tiers::put(transaction, shape, all.collect())?;
    let mut forget = transaction.prepare_cached("DELETE FROM inventory_snapshots WHERE project = ?1 AND at = ?2")?;
    for at in old.keys().filter(|at| !new.contains_key(at)) {
        forget.execute(params![project, at])?;
    }
    for (at, snapshot) in new {
        if old.get(at) != Some(snapshot) {
            put_snapshot(transaction, project, snapshot)?;
            done.snapshots += usize::from(!old.contains_key(at));
        }
    }
    Ok(done)
}

/// The changes that a timeline comes to: those that were written when each of its looks was the newest.
fn changes(project: i64, timeline: &Timeline) -> rusqlite::Result<Changes> {
    let mut changes = Changes::new();
    let mut old = Contents::new();
    for snapshot in timeline.values() {
        let new = snapshot.contents()?;
        changes.extend(step(project, snapshot.at, &old, &new).map(|change| (change.key, change.state)));
        old = new;
    }
    Ok(changes)
}

/// How many stays begin, and how many end, that did not before.
fn moves(before: &Changes, after: &Changes) -> Recorded {
    let of = |changes: &Changes| {
        let all = stays(changes.iter().map(|(key, state)| Change { key: *key, state: *state }));
        all.into_iter().map(|Stay { component, since, until, .. }| ((component, since), until)).collect()
    };
    let (before, after): (BTreeMap<_, _>, BTreeMap<_, _>) = (of(before), of(after));
    let mut done = Recorded::default();
    for (key, until) in after {
        let known = before.get(&key);
        done.came += usize::from(known.is_none());
        done.went += usize::from(until.is_some() && known.is_none_or(Option::is_none));
    }
    done
}

impl Snapshot {
    /// True if the other one saw the same.
    fn saw(&self, other: &Self) -> bool {
        self.body == other.body && self.gaps == other.gaps
    }

    fn contents(&self) -> rusqlite::Result<Contents> {
        Ok(unpacked(&self.body)?.contents())
    }
}

/// The body of a snapshot; one that cannot be read is an error of the store.
pub(super) fn unpacked(body: &[u8]) -> rusqlite::Result<Body> {
    Body::unpacked(body)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(error)))
}

fn timeline(transaction: &Transaction<'_>, project: i64) -> rusqlite::Result<Timeline> {
    let mut statement = transaction
        .prepare_cached("SELECT at, seen, gaps, body FROM inventory_snapshots WHERE project = ?1 ORDER BY at")?;
    let snapshots = statement.query_map([project], snapshot)?;
    snapshots.map(|snapshot| snapshot.map(|snapshot| (snapshot.at, snapshot))).collect()
}

fn newest(transaction: &Transaction<'_>, project: i64) -> rusqlite::Result<Option<Snapshot>> {
    transaction
        .prepare_cached(
            "SELECT at, seen, gaps, body FROM inventory_snapshots WHERE project = ?1 ORDER BY at DESC LIMIT 1",
        )?
        .query_row([project], snapshot)
        .optional()
}

fn snapshot(row: &Row<'_>) -> rusqlite::Result<Snapshot> {
    Ok(Snapshot { at: row.get(0)?, seen: row.get(1)?, gaps: row.get(2)?, body: row.get(3)? })
}

fn put_snapshot(transaction: &Transaction<'_>, project: i64, snapshot: &Snapshot) -> rusqlite::Result<()> {
    let Snapshot { at, seen, gaps, body } = snapshot;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO inventory_snapshots (project, at, seen, gaps, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![project, at, seen, gaps, body])
        .map(drop)
}

fn project_of(transaction: &Transaction<'_>, name: &str) -> rusqlite::Result<Option<i64>> {
    let mut statement = transaction.prepare_cached("SELECT id FROM inventory_projects WHERE name = ?1")?;
    statement.query_row([name], |row| row.get(0)).optional()
}

fn new_project(transaction: &Transaction<'_>, name: &str) -> rusqlite::Result<i64> {
    transaction.execute("INSERT INTO inventory_projects (name, seen, gaps) VALUES (?1, 0, 0)", [name])?;
    Ok(transaction.last_insert_rowid())
}

/// Components by what they are. Those of one look are mostly those of the next.
struct Components<'a> {
    transaction: &'a Transaction<'a>,
    known: HashMap<(&'a Release, &'a [Digest]), i64>,
}

impl<'a> Components<'a> {
    /// A look as it is kept.
    fn snapshot(&mut self, look: &'a Look) -> rusqlite::Result<Snapshot> {
        let mut gaps: Vec<String> = look.gaps.iter().map(|gap| gap.chars().take(MAX_GAP).collect()).collect();
        let mut body = Body::default();
        let mut left = MAX_PARTS;
        for file in &look.files {
            if file.parts.len() > left {
                gaps.push(format!("{}: there are more than {MAX_PARTS} entries; they were left out", file.path));
                continue;
            }
            left -= file.parts.len();
            body.files.push(self.listed(file)?);
        }
        body.files.sort_by(|a, b| a.path.cmp(&b.path));
        if let Some(more) = gaps.len().checked_sub(MAX_GAPS).filter(|more| *more > 0) {
            gaps.truncate(MAX_GAPS);
            gaps.push(format!("and {more} more"));
        }
        let unwritten = rusqlite::Error::ToSqlConversionFailure;
        let at = look.at.as_second();
        Ok(Snapshot {
            at,
            seen: at,
            gaps: serde_json::to_string(&gaps).map_err(|error| unwritten(error.into()))?,
            body: body.packed().map_err(|error| unwritten(error.into()))?,
        })
    }

    fn listed(&mut self, file: &'a File) -> rusqlite::Result<Listed> {
        let part = |part: &'a Part| {
            let Part { direct, line, needs, .. } = part;
            Ok(Placed { component: self.component(part)?, direct: *direct, line: *line, needs: needs.clone() })
        };
        let parts = file.parts.iter().map(part).collect::<rusqlite::Result<_>>()?;
        Ok(Listed { path: file.path.clone(), parts })
    }

    fn component(&mut self, part: &'a Part) -> rusqlite::Result<i64> {
        let key = (&part.release, part.digests.as_slice());
        if let Some(id) = self.known.get(&key) {
            return Ok(*id);
        }
        let digests = joined(&part.digests);
        let Release { package, version, .. } = &part.release;
        let of = (package.ecosystem.as_str(), package.name.as_str(), version.as_str(), digests.as_slice());
        let known = self
            .transaction
            .prepare_cached(
                "SELECT id FROM inventory_components
                 WHERE ecosystem = ?1 AND name = ?2 AND version = ?3 AND digests = ?4",
            )?
            .query_row(of, |row| row.get(0))
            .optional()?;
        let id = match known {
            Some(id) => id,
            None => self.new_component(of, &part.digests)?,
        };
        self.known.insert(key, id);
        Ok(id)
    }

    fn new_component(&self, of: (&str, &str, &str, &[u8]), digests: &[Digest]) -> rusqlite::Result<i64> {
        self.transaction
            .prepare_cached(
                "INSERT INTO inventory_components (ecosystem, name, version, digests) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(of)?;
        let id = self.transaction.last_insert_rowid();
        let mut name = self.transaction.prepare_cached(
            "INSERT INTO inventory_digests (digest, component) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?;
        for digest in digests {
            name.execute(params![digest.as_bytes(), id])?;
        }
        Ok(id)
    }
}

/// Digests, each behind its length, in one order.
fn joined(digests: &[Digest]) -> Vec<u8> {
    let mut sorted: Vec<&[u8]> = digests.iter().map(Digest::as_bytes).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let length = |digest: &[u8]| u8::try_from(digest.len()).unwrap_or(u8::MAX);
    sorted.iter().flat_map(|digest| std::iter::once(length(digest)).chain(digest.iter().copied())).collect()
}
