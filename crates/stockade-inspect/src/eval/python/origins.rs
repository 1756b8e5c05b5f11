//! What a text or byte string comes from that was made of a list or dictionary.
//!
//! A container that is changed in place says nothing of what was put into it; its items do. The caller knows where the
//! arguments come from, and not where their items do.

use crate::value::{Known, Taint, Value};

/// The most items that are asked.
const MAX_ASKED: usize = 20_000;

/// The deepest container that is asked.
const MAX_DEPTH: u32 = 3;

/// The result, coming from the items of the arguments as well, if it was made of them as a whole.
pub(super) fn kept<'a>(result: Value, arguments: impl Iterator<Item = &'a Known>) -> Value {
    if !matches!(result.known, Known::Text(_) | Known::Partial(_) | Known::Bytes(_)) {
        return result;
    }
    let (mut taint, mut left) = (Taint::default(), MAX_ASKED);
    for argument in arguments {
        ask(argument, 0, &mut left, &mut taint);
    }
    result.tainted(&taint)
}

fn ask(known: &Known, depth: u32, left: &mut usize, taint: &mut Taint) {
    if depth > MAX_DEPTH {
        return;
    }
    let mut one = |value: &Value| {
        *left = left.saturating_sub(1);
        if !value.taint.is_none() {
            *taint = taint.with(&value.taint);
        }
        ask(&value.known, depth + 1, left, taint);
        *left > 0
    };
    match known {
        Known::List(items) => {
            items.borrow().iter().all(&mut one);
        }
        Known::Map(entries) => {
            entries.borrow().values().all(&mut one);
        }
        _ => {}
    }
}
