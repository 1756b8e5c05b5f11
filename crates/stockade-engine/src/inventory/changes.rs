//! What came to a project and what went, as it is kept: in order, by component, and packed into blocks of a few hundred
//! bytes. Each change is written as what it differs in from the one before it, which is five bytes or so.
//!
//! A block that was damaged must not be a project that does not have it. So a block has a checksum, its reading ends for any
//! bytes, and what is not exactly what was written is an error.

use flate2::Crc;

use super::numbers::{Cursor, put, unzigzag, zigzag};

/// How many bytes of a block are its checksum.
const CHECKSUM: usize = 4;
/// The most bytes that one change takes: a byte and three numbers.
const MAX_CHANGE: usize = 1 + 3 * 10;
/// What a change may say, by number.
const STATES: [State; 5] =
    [State::There(Some(false)), State::There(Some(true)), State::There(None), State::Gone, State::Undone];

/// What a change is of, in the order in which changes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Key {
    pub(super) component: i64,
    pub(super) project: i64,
    /// The look that saw it.
    pub(super) at: i64,
}

/// What a look saw otherwise than the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The component is there, and whether the project itself asks for it.
    There(Option<bool>),
    /// It is not there any more.
    Gone,
    /// There is no such change any more: a look came in between, or the project was removed.
    Undone,
}

/// A change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) key: Key,
    pub(super) state: State,
}

/// A component in a project, from the look that saw it first to the one that did not see it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) component: i64,
    pub(super) project: i64,
    pub(super) since: i64,
    pub(super) until: Option<i64>,
    /// Whether the project itself asked for it, at the end.
    pub(super) direct: Option<bool>,
}

/// The bytes are no block.
#[derive(Debug, thiserror::Error)]
#[error("the index of the inventory is damaged")]
pub(super) struct Damaged;

impl From<Damaged> for rusqlite::Error {
    fn from(damaged: Damaged) -> Self {
        Self::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(damaged))
    }
}

/// What changes come to that are in order.
pub(super) fn stays(changes: impl IntoIterator<Item = Change>) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    for Change { key: Key { component, project, at }, state } in changes {
        let open = stays.last_mut();
        let open = open.filter(|stay| (stay.component, stay.project, stay.until) == (component, project, None));
        match (state, open) {
            (State::There(direct), Some(open)) => open.direct = direct,
            (State::There(direct), None) => stays.push(Stay { component, project, since: at, until: None, direct }),
            (State::Gone, Some(open)) => open.until = Some(at),
            (State::Gone, None) | (State::Undone, _) => {}
        }
    }
    stays
}

/// Packs changes that are in order. Each block has the key of its first change, and no more bytes than `most` unless one
/// change has.
pub(super) fn packed(changes: &[Change], most: usize) -> Vec<(Key, Vec<u8>)> {
    let mut blocks: Vec<(Key, Vec<u8>)> = Vec::new();
    let mut before = Key::default();
    for change in changes {
        if blocks.last().is_none_or(|(_, block)| block.len() + MAX_CHANGE > most) {
            before = Key::default();
            blocks.push((change.key, vec![0; CHECKSUM]));
        }
        if let Some((_, block)) = blocks.last_mut() {
            write(block, before, *change);
        }
        before = change.key;
    }
    for (_, block) in &mut blocks {
        let sum = checksum(&block[CHECKSUM..]);
        block[..CHECKSUM].copy_from_slice(&sum);
    }
    blocks
}

/// Reads the block that begins with this key, behind what was read before.
pub(super) fn unpack(first: Key, block: &[u8], to: &mut Vec<Change>) -> Result<(), Damaged> {
    let (sum, bytes) = block.split_at_checked(CHECKSUM).ok_or(Damaged)?;
    if sum != checksum(bytes) {
        return Err(Damaged);
    }
    let mut from = Cursor(bytes);
    let change = read(&mut from, Key::default()).filter(|change| change.key == first).ok_or(Damaged)?;
    let mut before = change.key;
    to.push(change);
    while !from.0.is_empty() {
        let change = read(&mut from, before).ok_or(Damaged)?;
        before = change.key;
        to.push(change);
    }
    Ok(())
}

/// The first byte says what happened, and how much of the key is another than before: the instant, also the project, or all.
fn write(to: &mut Vec<u8>, before: Key, change: Change) {
    let Change { key, state } = change;
    let state = STATES.iter().position(|known| *known == state).unwrap_or_default() as u64;
    let other = |from: i64, to: i64| to.wrapping_sub(from).cast_unsigned();
    let states = STATES.len() as u64;
    if key.component != before.component {
        put(to, state + 2 * states);
        put(to, other(before.component, key.component));
        put(to, zigzag(key.project));
    } else if key.project != before.project {
        put(to, state + states);
        put(to, other(before.project, key.project));
    } else {
        put(to, state);
        put(to, other(before.at, key.at));
        return;
    }
    put(to, zigzag(key.at.wrapping_sub(before.at)));
}

/// A change that comes after the one before it, or `None`.
fn read(from: &mut Cursor<'_>, before: Key) -> Option<Change> {
    let head = usize::from(from.byte()?);
    let state = *STATES.get(head % STATES.len())?;
    let mut key = before;
    match head / STATES.len() {
        0 => key.at = before.at.checked_add_unsigned(from.number()?)?,
        1 => key.project = before.project.checked_add_unsigned(from.number()?)?,
        2 => {
            key.component = before.component.checked_add_unsigned(from.number()?)?;
            key.project = unzigzag(from.number()?);
        }
        _ => return None,
    }
    if head >= STATES.len() {
        key.at = before.at.wrapping_add(unzigzag(from.number()?));
    }
    (key > before).then_some(Change { key, state })
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let mut sum = Crc::new();
    sum.update(bytes);
    sum.sum().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn key()(component in prop_oneof![1_i64..4, 1..i64::MAX], project in prop_oneof![1_i64..4, 1..i64::MAX],
                 at in prop_oneof![0_i64..4, any::<i64>()]) -> Key {
            Key { component, project, at }
        }
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let all = prop::collection::btree_map(key(), prop::sample::select(&STATES[..]), 1..40);
        all.prop_map(|all| all.into_iter().map(|(key, state)| Change { key, state }).collect())
    }

    fn unpacked(blocks: &[(Key, Vec<u8>)]) -> Result<Vec<Change>, Damaged> {
        let mut all = Vec::new();
        blocks.iter().try_for_each(|(key, block)| unpack(*key, block, &mut all)).map(|()| all)
    }

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(changes in changes(), most in 0_usize..200) {
            let blocks = packed(&changes, most);
            prop_assert!(blocks.iter().all(|(_, block)| block.len() <= most.max(CHECKSUM + MAX_CHANGE)));
            prop_assert_eq!(unpacked(&blocks).unwrap(), changes);
        }

        #[test]
        fn a_block_that_is_damaged_is_an_error(changes in changes(), at: prop::sample::Index, bits in 1_u8..=255) {
            let mut blocks = packed(&changes, usize::MAX);
            let whole = blocks[0].1.clone();
            let at = at.index(whole.len());
            blocks[0].1.truncate(at);
            prop_assert!(unpacked(&blocks).is_err());
            blocks[0].1 = whole;
            blocks[0].1[at] ^= bits;
            prop_assert!(unpacked(&blocks).is_err());
        }

        #[test]
        fn any_bytes_are_read_to_an_end(mut bytes: Vec<u8>, first in key()) {
            let mut block = checksum(&bytes).to_vec();
            block.append(&mut bytes);
            let mut all = Vec::new();
            if unpack(first, &block, &mut all).is_ok() {
                prop_assert!(all[0].key == first && all.is_sorted_by(|a, b| a.key < b.key));
            }
        }
    }
}
