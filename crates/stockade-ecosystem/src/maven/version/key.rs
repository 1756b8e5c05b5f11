//! A version as bytes that sort as versions do.
//!
//! A list goes on with nothing for ever, so places which are nothing say something only if a thing comes after them.
//! Then they put it off: `1..sp` is nearer to `1` than `1.sp` is. Nothing is therefore written as how often it comes, and
//! what comes after it tells on which side of the end that lies.

use std::cmp::Ordering;

use super::{AFTER, BEFORE, Comparable, Item, Rank, rank};
use crate::key::{push_digits, push_word};

/// What stands at the beginning of a thing, or of nothing before a thing; what weighs less is lower.
mod mark {
    pub(super) const WORD_BEFORE: u8 = 1;
    pub(super) const LIST_BEFORE: u8 = 2;
    pub(super) const NOTHING_BEFORE: u8 = 3;
    pub(super) const END: u8 = 4;
    pub(super) const NOTHING_AFTER: u8 = 5;
    pub(super) const WORD_AFTER: u8 = 6;
    pub(super) const LIST_AFTER: u8 = 7;
    pub(super) const NUMBER: u8 = 8;
}

impl Comparable {
    /// The key.
    pub(crate) fn key(&self) -> Vec<u8> {
        let mut key = Vec::new();
        let mut items = Some(self.0.as_slice());
        // A list is the last in its list, so the end of the innermost is the end of all.
        while let Some(list) = items.take() {
            let mut nothing: u8 = 0;
            for item in list {
                let rank = rank(Some(item));
                if rank == Rank::Nothing {
                    nothing = nothing.saturating_add(1);
                    continue;
                }
                push_nothing(&mut key, std::mem::take(&mut nothing), &rank);
                items = push(&mut key, item, &rank);
            }
        }
        key.push(mark::END);
        key
    }
}

/// Nothing, so many times, before something of this rank.
fn push_nothing(key: &mut Vec<u8>, times: u8, rank: &Rank) {
    if times == 0 {
        return;
    }
    match rank.cmp(&Rank::Nothing) {
        Ordering::Less => key.extend([mark::NOTHING_BEFORE, times]),
        _ => key.extend([mark::NOTHING_AFTER, u8::MAX - times]),
    }
}

/// Something; of a list the beginning, and then its items are still to be written.
fn push<'a>(key: &mut Vec<u8>, item: &'a Item, rank: &Rank) -> Option<&'a [Item]> {
    key.push(match rank {
        Rank::WordBefore => mark::WORD_BEFORE,
        Rank::ListBefore => mark::LIST_BEFORE,
        Rank::Nothing => mark::END,
        Rank::WordAfter => mark::WORD_AFTER,
        Rank::ListAfter => mark::LIST_AFTER,
        Rank::Number => mark::NUMBER,
    });
    match item {
        Item::Number(digits) => push_digits(key, digits),
        Item::Word(word) => {
            if let Some(place) = BEFORE.iter().position(|before| before == word) {
                key.extend(u8::try_from(place));
            } else {
                key.push(u8::from(word != AFTER));
                push_word(key, word);
            }
        }
        Item::List(items) => return Some(items),
    }
    None
}
