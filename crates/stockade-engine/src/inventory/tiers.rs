//! The changes of all projects by component, in segments, as search engines keep theirs.
//!
//! A project of a thousand releases that were put each at its place in one large tree would dirty a thousand pages of it, and
//! writing those is most of what taking it in costs. So what a write changes is a *segment* of its own: a few blocks, side
//! by side. Who asks for a component looks it up in each segment, so these must stay few: [`Shape::fanout`] segments of a
//! tier are moved into one of the next. Of 10,000 projects there are about 20 segments in 5 tiers then, and a change was
//! moved four times, each time beside others of its component.
//!
//! **What counts.** Of two changes with one key the one in the lower tier is newer, and in a tier the one in the segment
//! with the higher number. A change that is taken back stays as [`State::Undone`] until nothing older than it is left.
//!
//! **How it is moved.** From the front, piece by piece: the changes that come first go from their segments to the target, in
//! one transaction. So each change is in one place at any time, a question needs not know what is being moved, and whoever
//! is stopped leaves nothing behind. Each write moves a few times as many changes as it has itself, before it is
//! acknowledged, the lowest tier first. That is more than comes in, since a change is moved once in each tier; so no tier
//! fills up, nobody waits for a large merge, and nothing runs in the background. The longest pause is what moving
//! [`Shape::least`] changes takes, a few milliseconds, or for a larger write a part of what it takes itself. Behind one of a
//! million releases the segments are more for about a hundred writes.

use std::cmp::Reverse;

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::changes::{Change, Key, State, packed, unpack};

/// The most changes that are in memory at a time.
const AT_ONCE: usize = 100_000;

/// How the segments are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// How many segments of a tier become one of the next.
    pub(super) fanout: usize,
    /// The most bytes of a block. Eight of them are in a page.
    pub(super) block: usize,
    /// How many changes even the smallest write moves, if there are so many to move.
    pub(super) least: usize,
}

impl Shape {
    pub(super) const USUAL: Self = Self { fanout: 8, block: 480, least: 10_000 };
}

/// A segment, as far as the list has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    id: i64,
    tier: i64,
    /// The one that it is being moved into.
    target: Option<i64>,
}

/// All segments, the newest first.
pub(super) fn segments(connection: &Connection) -> rusqlite::Result<Vec<Segment>> {
    let mut statement =
        connection.prepare_cached("SELECT id, tier, target FROM inventory_segments ORDER BY tier, id DESC")?;
    let segment = |row: &Row<'_>| Ok(Segment { id: row.get(0)?, tier: row.get(1)?, target: row.get(2)? });
    statement.query_map([], segment)?.collect()
}

/// The changes of a component that count, in order. All of it is read in one transaction with the list of segments.
pub(super) fn changes_of(
    connection: &Connection,
    segments: &[Segment],
    component: i64,
) -> rusqlite::Result<Vec<Change>> {
    let mut statement = connection.prepare_cached(
        "SELECT component, project, at, changes FROM inventory_blocks WHERE segment = ?1 AND component <= ?2
         ORDER BY component DESC, project DESC, at DESC",
    )?;
    let mut changes = Vec::new();
    for segment in segments {
        let mut blocks = statement.query(params![segment.id, component])?;
        let mut found = Vec::new();
        while let Some(row) = blocks.next()? {
            let key = block(row, &mut found)?;
            if key.component < component {
                break;
            }
        }
        changes.extend(found.into_iter().filter(|change| change.key.component == component));
    }
    // The newest of each comes first, and stays there.
    changes.sort_by_key(|change| change.key);
    changes.dedup_by_key(|change| change.key);
    changes.retain(|change| change.state != State::Undone);
    Ok(changes)
}

/// Writes changes down, and moves some of those that were written before.
pub(super) fn put(transaction: &Transaction<'_>, shape: Shape, mut changes: Vec<Change>) -> rusqlite::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    changes.sort_by_key(|change| change.key);
    let segment = new_segment(transaction, 0)?;
    write(transaction, shape, segment, &changes)?;
    let all = segments(transaction)?;
    let tiers = all.last().map_or(0, |oldest| usize::try_from(oldest.tier).unwrap_or_default()) + 1;
    merge(transaction, shape, tiers, shape.least.max(changes.len() * (tiers + 2)))
}

/// Moves so many changes, if there are so many to move.
fn merge(transaction: &Transaction<'_>, shape: Shape, tiers: usize, mut left: usize) -> rusqlite::Result<()> {
    for tier in 0.. {
        while left > 0
            && let Some(merge) = Merge::of(transaction, shape, tier)?
        {
            left = left.saturating_sub(merge.go_on(transaction, shape, left.min(AT_ONCE))?);
        }
        if left == 0 || usize::try_from(tier).is_ok_and(|tier| tier >= tiers) {
            break;
        }
    }
    Ok(())
}

/// Segments that become one.
struct Merge {
    /// The newest first.
    from: Vec<Segment>,
    target: i64,
    /// Nothing is older than these.
    is_last: bool,
}

impl Merge {
    /// What is to be done in a tier: what was begun, or what may be begun.
    fn of(transaction: &Transaction<'_>, shape: Shape, tier: i64) -> rusqlite::Result<Option<Self>> {
        let all = segments(transaction)?;
        let of_tier = all.iter().filter(|segment| segment.tier == tier);
        let begun = of_tier.clone().find_map(|segment| segment.target);
        let (from, target) = if let Some(target) = begun {
            (of_tier.filter(|segment| segment.target.is_some()).copied().collect(), target)
        } else {
            let is_whole = |segment: &Segment| all.iter().all(|other| other.target != Some(segment.id));
            let mut from: Vec<Segment> = of_tier.copied().filter(is_whole).collect();
            from.sort_by_key(|segment| segment.id);
            from.truncate(shape.fanout);
            if from.len() < shape.fanout {
                return Ok(None);
            }
            from.sort_by_key(|segment| Reverse(segment.id));
            let target = new_segment(transaction, tier + 1)?;
            let mut begin = transaction.prepare_cached("UPDATE inventory_segments SET target = ?2 WHERE id = ?1")?;
            for segment in &from {
                begin.execute([segment.id, target])?;
            }
            (from, target)
        };
        let is_last = all.iter().all(|segment| segment.tier <= tier || segment.id == target);
        Ok(Some(Self { from, target, is_last }))
    }

    /// Moves the changes that come first, about so many of them, and says how many.
    fn go_on(&self, transaction: &Transaction<'_>, shape: Shape, most: usize) -> rusqlite::Result<usize> {
        let mut from: Vec<Reader> = self.from.iter().map(|segment| Reader::of(segment.id)).collect();
        let (mut moved, mut read) = (Vec::new(), 0);
        let mut is_done = false;
        while read < most && !is_done {
            let mut next: Option<Change> = None;
            for reader in &mut from {
                let first = reader.peek(transaction)?;
                // Of equals the first one is the newest.
                next = first.filter(|first| next.is_none_or(|next| first.key < next.key)).or(next);
            }
            let Some(next) = next else {
                is_done = true;
                continue;
            };
            for reader in &mut from {
                read += usize::from(reader.pass(next.key));
            }
            if !(self.is_last && next.state == State::Undone) {
                moved.push(next);
            }
        }
        for reader in &mut from {
            reader.cut(transaction, shape)?;
        }
        write(transaction, shape, self.target, &moved)?;
        if is_done {
            transaction.prepare_cached("DELETE FROM inventory_segments WHERE target = ?1")?.execute([self.target])?;
        }
        Ok(read)
    }
}

/// Reads a segment from the front, block by block.
struct Reader {
    segment: i64,
    block: Vec<Change>,
    at: usize,
    /// The last change of the block.
    last: Key,
}

impl Reader {
    const fn of(segment: i64) -> Self {
        let last = Key { component: i64::MIN, project: 0, at: 0 };
        Self { segment, block: Vec::new(), at: 0, last }
    }

    /// The first change that was not passed.
    fn peek(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<Option<Change>> {
        if self.at == self.block.len() {
            let after = self.last;
            self.block.clear();
            self.at = 0;
            transaction
                .prepare_cached(
                    "SELECT component, project, at, changes FROM inventory_blocks
                     WHERE segment = ?1 AND (component, project, at) > (?2, ?3, ?4)
                     ORDER BY component, project, at LIMIT 1",
                )?
                .query_row(params![self.segment, after.component, after.project, after.at], |row| {
                    block(row, &mut self.block)
                })
                .optional()?;
            self.last = self.block.last().map_or(after, |change| change.key);
        }
        Ok(self.block.get(self.at).copied())
    }

    /// Passes a change, if it comes next.
    fn pass(&mut self, key: Key) -> bool {
        let is_next = self.block.get(self.at).is_some_and(|change| change.key == key);
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes what was passed out of the segment.
    fn cut(&mut self, transaction: &Transaction<'_>, shape: Shape) -> rusqlite::Result<()> {
        let Some(Change { key, .. }) = self.peek(transaction)? else {
            let mut all = transaction.prepare_cached("DELETE FROM inventory_blocks WHERE segment = ?1")?;
            return all.execute([self.segment]).map(drop);
        };
        transaction
            .prepare_cached(
                "DELETE FROM inventory_blocks WHERE segment = ?1 AND (component, project, at) < (?2, ?3, ?4)",
            )?
            .execute(params![self.segment, key.component, key.project, key.at])?;
        if self.at > 0 {
            write(transaction, shape, self.segment, &self.block[self.at..])?;
        }
        Ok(())
    }
}

/// The block of a row: its key, and what is in it.
fn block(row: &Row<'_>, to: &mut Vec<Change>) -> rusqlite::Result<Key> {
    let key = Key { component: row.get(0)?, project: row.get(1)?, at: row.get(2)? };
    unpack(key, row.get_ref(3)?.as_blob()?, to)?;
    Ok(key)
}

fn write(transaction: &Transaction<'_>, shape: Shape, segment: i64, changes: &[Change]) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO inventory_blocks (segment, component, project, at, changes) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for (key, block) in packed(changes, shape.block) {
        statement.execute(params![segment, key.component, key.project, key.at, block])?;
    }
    Ok(())
}

/// A segment that is newer than all others of its tier.
fn new_segment(transaction: &Transaction<'_>, tier: i64) -> rusqlite::Result<i64> {
    transaction.prepare_cached("INSERT INTO inventory_segments (tier) VALUES (?1)")?.execute([tier])?;
    Ok(transaction.last_insert_rowid())
}
