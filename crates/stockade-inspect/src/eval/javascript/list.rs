//! Methods of arrays. Typed arrays that a program fills item by item are lists of numbers here.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

use super::super::operators::shown;
use super::super::truth;
use super::{
    MAX_ITEMS, MAX_RESULT, bound, bounds, bytes, float, list_value, number_at, partial_value, plain_text, whole,
};
use crate::ir::Language;
use crate::value::{Apply, Arguments, HOLE, Known, Value};

/// How many items may be sorted by a function.
const MAX_SORTED: usize = 10_000;
/// How deep lists are made flat.
const MAX_FLAT: usize = 20;

type Items = Rc<RefCell<Vec<Value>>>;

pub(super) fn method(list: &Items, name: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    match name {
        "push" | "pop" | "shift" | "unshift" | "splice" | "reverse" | "sort" | "fill" | "add" | "set"
        | "copyWithin" => changed(list, name, arguments, apply),
        "forEach" | "map" | "filter" | "some" | "every" | "find" | "findIndex" | "findLast" | "flatMap" => {
            each(list, name, arguments, apply)
        }
        "reduce" | "reduceRight" => reduce(list, name == "reduceRight", arguments, apply),
        _ => read(list, name, arguments),
    }
}

fn read(list: &Items, name: &str, arguments: &Arguments) -> Option<Value> {
    let items = list.borrow();
    let number = |at: Option<usize>| Value::number(at.map_or(-1.0, float));
    Some(match name {
        "join" => {
            let separator = match arguments.at(0).map(|value| &value.known) {
                None | Some(Known::Nothing) => ",".to_owned(),
                Some(_) => plain_text(arguments.at(0)?)?,
            };
            join(&items, &separator)?
        }
        "toString" | "toLocaleString" => match bytes::in_list(&items) {
            Some(bytes) if arguments.at(0).is_some() => bytes::to_text(&bytes, arguments)?,
            // A buffer that was filled item by item: nobody asks an array of numbers for its text.
            Some(bytes) if !bytes.is_empty() && bytes::is_readable(&bytes) => bytes::to_text(&bytes, arguments)?,
            _ => join(&items, ",")?,
        },
        "slice" | "subarray" => {
            let (from, to) = bounds(arguments, 0, items.len())?;
            list_value(items.get(from..to)?.to_vec())?
        }
        "concat" => {
            let mut all = items.clone();
            for argument in &arguments.positional {
                match &argument.known {
                    Known::List(more) => all.extend(more.borrow().iter().cloned()),
                    Known::Unknown | Known::Api(_) => return None,
                    _ => all.push(argument.clone()),
                }
            }
            list_value(all)?
        }
        "indexOf" => number(position(items.iter(), arguments.at(0)?)?),
        "lastIndexOf" => number(position(items.iter().rev(), arguments.at(0)?)?.map(|at| items.len() - 1 - at)),
        "includes" | "has" => Known::Boolean(position(items.iter(), arguments.at(0)?)?.is_some()).into(),
        "at" => {
            let at = number_at(arguments, 0, 0.0)?;
            let at = if at < 0.0 { at + float(items.len()) } else { at };
            (at >= 0.0).then(|| items.get(whole(at)).cloned()).flatten().unwrap_or(Known::Nothing.into())
        }
        "flat" => list_value(flat(&items, whole(number_at(arguments, 0, 1.0)?).min(MAX_FLAT)))?,
        "keys" => list_value((0..items.len()).map(|at| Value::number(float(at))).collect())?,
        "values" => list_value(items.clone())?,
        "entries" => {
            let pair = |(at, item): (usize, &Value)| Value::list(vec![Value::number(float(at)), item.clone()]);
            list_value(items.iter().enumerate().map(pair).collect())?
        }
        "valueOf" => Known::List(Rc::clone(list)).into(),
        "toReversed" => list_value(items.iter().rev().cloned().collect())?,
        _ if bytes::is_of_buffers(name) => {
            return bytes::method(&bytes::in_list(&items)?.into(), name, arguments, &mut |_, _| Value::default());
        }
        _ => return None,
    })
}

/// The items as one text; what is not known is a hole.
pub(super) fn join(items: &[Value], separator: &str) -> Option<Value> {
    let mut text = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            text.push_str(separator);
        }
        match &item.known {
            Known::Nothing => {}
            _ => match shown(item, Language::JavaScript) {
                Some(item) => text.push_str(&item),
                None => text.push(HOLE),
            },
        }
        if text.len() > MAX_RESULT {
            return None;
        }
    }
    Some(partial_value(&text))
}

/// Where an item is, if every one before it is known.
#[expect(clippy::option_option, reason = "that nothing is known is not that nothing is found")]
fn position<'v>(items: impl Iterator<Item = &'v Value>, wanted: &Value) -> Option<Option<usize>> {
    for (at, item) in items.enumerate() {
        if same(item, wanted)? {
            return Some(Some(at));
        }
    }
    Some(None)
}

/// `===`, as far as it is known.
#[expect(clippy::float_cmp, reason = "that is how the language compares")]
fn same(left: &Value, right: &Value) -> Option<bool> {
    Some(match (&left.known, &right.known) {
        (Known::Number(a), Known::Number(b)) => a == b,
        (Known::Text(a), Known::Text(b)) | (Known::Api(a), Known::Api(b)) => a == b,
        (Known::Boolean(a), Known::Boolean(b)) => a == b,
        (Known::Nothing, Known::Nothing) => true,
        (Known::List(a), Known::List(b)) => Rc::ptr_eq(a, b),
        (Known::Map(a), Known::Map(b)) => Rc::ptr_eq(a, b),
        (Known::Unknown | Known::Partial(_) | Known::Api(_), _)
        | (_, Known::Unknown | Known::Partial(_) | Known::Api(_)) => {
            return None;
        }
        _ => false,
    })
}

fn flat(items: &[Value], depth: usize) -> Vec<Value> {
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        match &item.known {
            Known::List(inner) if depth > 0 && out.len() <= MAX_ITEMS => {
                let Ok(inner) = inner.try_borrow() else { continue };
                out.extend(flat(&inner, depth - 1));
            }
            _ => out.push(item.clone()),
        }
    }
    out
}

/// Methods that change the list.
fn changed(list: &Items, name: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let itself = || Known::List(Rc::clone(list)).into();
    if name == "sort" {
        return sorted(list, arguments, apply);
    }
    let mut items = list.borrow_mut();
    Some(match name {
        "push" | "add" if items.len() + arguments.positional.len() <= MAX_ITEMS => {
            items.extend(arguments.positional.iter().cloned());
            if name == "add" { itself() } else { Value::number(float(items.len())) }
        }
        "pop" => items.pop().unwrap_or(Known::Nothing.into()),
        "shift" if items.is_empty() => Known::Nothing.into(),
        "shift" => items.remove(0),
        "unshift" if items.len() + arguments.positional.len() <= MAX_ITEMS => {
            items.splice(0..0, arguments.positional.iter().cloned());
            Value::number(float(items.len()))
        }
        "splice" => {
            let from = bound(number_at(arguments, 0, 0.0)?, items.len());
            let rest = float(items.len() - from);
            let default = if arguments.positional.is_empty() { 0.0 } else { rest };
            let count = whole(number_at(arguments, 1, default)?.min(rest));
            let new = arguments.positional.iter().skip(2).cloned();
            let removed = items.splice(from..from + count, new).collect();
            Value::list(removed)
        }
        "reverse" => {
            items.reverse();
            itself()
        }
        "fill" => {
            let (from, to) = bounds(arguments, 1, items.len())?;
            let value = arguments.at(0).cloned().unwrap_or(Known::Nothing.into());
            items.get_mut(from..to)?.fill(value);
            itself()
        }
        // Of typed arrays: the items of another one are copied.
        "set" => {
            let from = bound(number_at(arguments, 1, 0.0)?, items.len());
            let new = match &arguments.at(0)?.known {
                Known::Bytes(bytes) => bytes.iter().map(|byte| Value::number(f64::from(*byte))).collect(),
                Known::List(other) => other.try_borrow().ok()?.clone(),
                _ => return None,
            };
            for (place, value) in items.iter_mut().skip(from).zip(new) {
                *place = value;
            }
            Known::Nothing.into()
        }
        _ => return None,
    })
}

fn sorted(list: &Items, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let items = list.borrow().clone();
    let sorted = match arguments.at(0).map(|value| &value.known) {
        None | Some(Known::Nothing) => {
            let keys: Option<Vec<String>> = items.iter().map(plain_text).collect();
            let mut keyed: Vec<(Vec<u16>, Value)> =
                keys?.into_iter().map(|key| key.encode_utf16().collect()).zip(items).collect();
            keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
            keyed.into_iter().map(|(_, item)| item).collect()
        }
        Some(Known::Function(_)) if items.len() <= MAX_SORTED => {
            let function = arguments.at(0)?;
            let mut order = |a: &Value, b: &Value| apply(function, &[a.clone(), b.clone()]).as_number();
            merged(items, &mut order)?
        }
        _ => return None,
    };
    *list.borrow_mut() = sorted;
    Some(Known::List(Rc::clone(list)).into())
}

/// Merges sorted runs. The order is the program's, and may contradict itself.
fn merged(items: Vec<Value>, order: &mut dyn FnMut(&Value, &Value) -> Option<f64>) -> Option<Vec<Value>> {
    let mut runs: Vec<Vec<Value>> = items.into_iter().map(|item| vec![item]).collect();
    while runs.len() > 1 {
        let mut longer = Vec::with_capacity(runs.len() / 2 + 1);
        let mut rest = runs.into_iter();
        while let Some(first) = rest.next() {
            let Some(second) = rest.next() else {
                longer.push(first);
                break;
            };
            let mut run = Vec::with_capacity(first.len() + second.len());
            let (mut left, mut right) = (first.into_iter().peekable(), second.into_iter().peekable());
            while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
                let take_left = order(a, b)?.partial_cmp(&0.0) != Some(Ordering::Greater);
                run.extend(if take_left { left.next() } else { right.next() });
            }
            run.extend(left.chain(right));
            longer.push(run);
        }
        runs = longer;
    }
    Some(runs.pop().unwrap_or_default())
}

/// Methods that call a function with each item.
fn each(list: &Items, name: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let function = arguments.at(0)?;
    if !matches!(function.known, Known::Function(_) | Known::Api(_)) {
        return None;
    }
    let items = list.borrow().clone();
    let itself: Value = Known::List(Rc::clone(list)).into();
    let mut results = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let result = apply(function, &[item.clone(), Value::number(float(at)), itself.clone()]);
        let holds = || truth(&result, Language::JavaScript);
        match name {
            "map" => results.push(result),
            "flatMap" => match &result.known {
                Known::List(inner) => results.extend(inner.borrow().iter().cloned()),
                Known::Unknown | Known::Api(_) => return None,
                _ => results.push(result),
            },
            "filter" if holds()? => results.push(item.clone()),
            "find" | "findLast" if holds()? => return Some(item.clone()),
            "findIndex" if holds()? => return Some(Value::number(float(at))),
            "some" if holds()? => return Some(Known::Boolean(true).into()),
            "every" if !holds()? => return Some(Known::Boolean(false).into()),
            _ => {}
        }
        if results.len() > MAX_ITEMS {
            return None;
        }
    }
    Some(match name {
        "map" | "flatMap" | "filter" => Value::list(results),
        "findIndex" => Value::number(-1.0),
        "some" => Known::Boolean(false).into(),
        "every" => Known::Boolean(true).into(),
        _ => Known::Nothing.into(),
    })
}

fn reduce(list: &Items, backwards: bool, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let function = arguments.at(0)?;
    if !matches!(function.known, Known::Function(_)) {
        return None;
    }
    let mut items: Vec<(usize, Value)> = list.borrow().iter().cloned().enumerate().collect();
    if backwards {
        items.reverse();
    }
    let mut items = items.into_iter();
    let mut result = match arguments.at(1) {
        Some(first) => first.clone(),
        None => items.next()?.1,
    };
    for (at, item) in items {
        result = apply(function, &[result, item, Value::number(float(at))]);
    }
    Some(result)
}
