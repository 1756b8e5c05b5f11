//! Methods of `list`, `dict` and `set`, which change what the program shares.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::Rc;

use super::{MAX_ITEMS, binary, bytes_of, counted, equal, integer, items, key, made_list, nothing, numbers, truthy};
use crate::value::{Apply, Arguments, Entries, Known, Map, Value};

/// The key that marks a map as `itertools.cycle` of the list under it: it has no end, so it is no list.
const CYCLE: &str = "\u{0}cycle";

type Items = Rc<RefCell<Vec<Value>>>;

/// `itertools.cycle`.
pub(super) fn endless(items: Vec<Value>) -> Value {
    Value::map(std::iter::once((CYCLE.into(), Value::list(items))).collect())
}

/// The items that are cycled through, if the map stands for that.
pub(super) fn cycle(entries: &RefCell<Entries>) -> Option<Vec<Value>> {
    entries.borrow().get(CYCLE).and_then(items)
}

/// The pairs of a map, or of a list of pairs.
pub(super) fn entries(value: &Value) -> Option<Entries> {
    match &value.known {
        Known::Map(entries) if cycle(entries).is_none() => Some(entries.borrow().clone()),
        Known::List(pairs) => pairs
            .borrow()
            .iter()
            .map(|pair| match items(pair)?.as_slice() {
                [first, second] => Some((key(first)?, second.clone())),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

pub(super) fn enter(entries: &mut Entries, key: Rc<str>, value: Value) {
    if entries.len() < MAX_ITEMS || entries.contains_key(&key) {
        entries.insert(key, value);
    }
}

/// What a method of a list, set or queue gives.
pub(super) fn list_method(list: &Items, name: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let first = arguments.at(0);
    match name {
        "append" | "add" => push(list, first?.clone()),
        "appendleft" => insert(list, 0, first?.clone()),
        "insert" => insert(list, position(list, first?)?, arguments.at(1)?.clone()),
        "extend" | "update" => {
            for item in items(first?)? {
                push(list, item)?;
            }
            Some(nothing())
        }
        "pop" | "popleft" => {
            let at = match (name, first) {
                ("popleft", _) => 0,
                (_, Some(at)) => position(list, at)?,
                (_, None) => list.borrow().len().checked_sub(1)?,
            };
            let mut list = list.try_borrow_mut().ok()?;
            (at < list.len()).then(|| list.remove(at))
        }
        "remove" | "discard" => {
            let at = place_of(list, first?, 0)?;
            list.try_borrow_mut().ok()?.remove(at);
            Some(nothing())
        }
        "clear" => {
            list.try_borrow_mut().ok()?.clear();
            Some(nothing())
        }
        "reverse" => {
            list.try_borrow_mut().ok()?.reverse();
            Some(nothing())
        }
        "sort" => {
            let all = list.borrow().clone();
            let all = sorted(all, arguments, apply)?;
            *list.try_borrow_mut().ok()? = all;
            Some(nothing())
        }
        "index" => Some(counted(place_of(list, first?, 0)?)),
        "count" => {
            let same: Option<Vec<bool>> = list.borrow().iter().map(|item| equal(item, first?)).collect();
            Some(counted(same?.into_iter().filter(|&same| same).count()))
        }
        "copy" => made_list(list.borrow().clone()),
        "union" => made_list(unique([list.borrow().clone(), items(first?)?].concat())),
        "__len__" => Some(counted(list.borrow().len())),
        "decode" | "hex" | "startswith" | "endswith" | "find" | "translate" | "split" | "replace" | "strip" => {
            binary::method(&bytes_of(&Known::List(Rc::clone(list)).into())?, name, arguments)
        }
        _ => None,
    }
}

fn push(list: &Items, item: Value) -> Option<Value> {
    let mut list = list.try_borrow_mut().ok()?;
    if list.len() >= MAX_ITEMS {
        return None;
    }
    list.push(item);
    Some(nothing())
}

fn insert(list: &Items, at: usize, item: Value) -> Option<Value> {
    let mut list = list.try_borrow_mut().ok()?;
    if list.len() >= MAX_ITEMS {
        return None;
    }
    let at = at.min(list.len());
    list.insert(at, item);
    Some(nothing())
}

/// A position, from the end if it is negative.
fn position(list: &Items, at: &Value) -> Option<usize> {
    let at = integer(at)?;
    let length = list.borrow().len();
    let distance = usize::try_from(at.unsigned_abs()).ok()?;
    Some(if at < 0 { length.saturating_sub(distance) } else { distance })
}

fn place_of(list: &Items, item: &Value, from: usize) -> Option<usize> {
    for (at, known) in list.borrow().iter().enumerate().skip(from) {
        if equal(known, item)? {
            return Some(at);
        }
    }
    None
}

/// The items without those that are known to be there already.
pub(super) fn unique(all: Vec<Value>) -> Vec<Value> {
    let mut seen = std::collections::HashSet::new();
    all.into_iter()
        .filter(|item| match &item.known {
            Known::Text(text) => seen.insert(text.as_bytes().to_vec()),
            Known::Bytes(bytes) => seen.insert([&[0xff], &**bytes].concat()),
            Known::Number(number) => seen.insert([&[0xfe], &number.to_bits().to_be_bytes()[..]].concat()),
            _ => true,
        })
        .collect()
}

/// `sorted`, if all keys can be compared.
pub(super) fn sorted(all: Vec<Value>, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Vec<Value>> {
    let by = arguments.named("key").filter(|by| !matches!(by.known, Known::Nothing));
    let mut keyed: Vec<(Value, Value)> = all
        .into_iter()
        .map(|item| (by.map_or_else(|| item.clone(), |by| apply(by, std::slice::from_ref(&item))), item))
        .collect();
    let Some((first, _)) = keyed.first().cloned() else {
        return Some(Vec::new());
    };
    if keyed.iter().any(|(key, _)| order(&first, key, 0).is_none()) {
        return None;
    }
    let down = arguments.named("reverse").is_some_and(|reverse| truthy(reverse) == Some(true));
    keyed.sort_by(|(a, _), (b, _)| {
        let (a, b) = if down { (b, a) } else { (a, b) };
        order(a, b, 0).unwrap_or(Ordering::Equal)
    });
    Some(keyed.into_iter().map(|(_, item)| item).collect())
}

/// The deepest lists that are compared.
const MAX_COMPARED: u8 = 4;

/// The order of two values, if they have one.
pub(super) fn order(left: &Value, right: &Value, depth: u8) -> Option<Ordering> {
    match (&left.known, &right.known) {
        (Known::Text(a), Known::Text(b)) => Some(a.cmp(b)),
        (Known::Bytes(a), Known::Bytes(b)) => Some(a.cmp(b)),
        (Known::List(a), Known::List(b)) if depth < MAX_COMPARED => {
            let (a, b) = (a.borrow(), b.borrow());
            for (a, b) in a.iter().zip(b.iter()) {
                match order(a, b, depth + 1)? {
                    Ordering::Equal => {}
                    other => return Some(other),
                }
            }
            Some(a.len().cmp(&b.len()))
        }
        _ => numbers::number(left)?.partial_cmp(&numbers::number(right)?),
    }
}

/// What a method of a dictionary gives.
pub(super) fn map_method(map: &Map, name: &str, arguments: &Arguments) -> Option<Value> {
    if name == "__next__" || cycle(map).is_some() {
        return None;
    }
    match name {
        "items" | "iteritems" => made_list(
            map.borrow().iter().map(|(key, value)| Value::list(vec![Value::text(key), value.clone()])).collect(),
        ),
        "keys" | "iterkeys" => made_list(map.borrow().keys().map(|key| Value::text(key)).collect()),
        "values" | "itervalues" => made_list(map.borrow().values().cloned().collect()),
        "get" | "__getitem__" => match (find(map, &key(arguments.at(0)?)?), name) {
            (Some(value), _) => Some(value),
            (None, "get") => Some(arguments.at(1).cloned().unwrap_or_else(nothing)),
            (None, _) => None,
        },
        "setdefault" => {
            let key = key(arguments.at(0)?)?;
            let value = find(map, &key).or_else(|| arguments.at(1).cloned()).unwrap_or_else(nothing);
            enter(&mut *map.try_borrow_mut().ok()?, key, value.clone());
            Some(value)
        }
        "pop" => {
            let key = key(arguments.at(0)?)?;
            let value = find(map, &key).or_else(|| arguments.at(1).cloned())?;
            map.try_borrow_mut().ok()?.shift_remove(&key);
            Some(value)
        }
        "popitem" => {
            let (key, value) = map.try_borrow_mut().ok()?.pop()?;
            made_list(vec![Value::text(&key), value])
        }
        "update" => {
            let mut news = match arguments.at(0) {
                Some(other) => entries(other)?,
                None => Entries::default(),
            };
            news.extend(arguments.named.iter().cloned());
            let mut map = map.try_borrow_mut().ok()?;
            for (key, value) in news {
                enter(&mut map, key, value);
            }
            Some(nothing())
        }
        "copy" => Some(Value::map(map.borrow().clone())),
        "clear" => {
            map.try_borrow_mut().ok()?.clear();
            Some(nothing())
        }
        "has_key" | "__contains__" => Some(super::truth(find(map, &key(arguments.at(0)?)?).is_some())),
        "__len__" => Some(counted(map.borrow().len())),
        _ => None,
    }
}

fn find(map: &Map, key: &str) -> Option<Value> {
    map.borrow().get(key).cloned()
}
