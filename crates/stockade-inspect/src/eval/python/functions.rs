//! Functions that need no import.

use std::rc::Rc;

use super::{
    MAX_ITEMS, MAX_RESULT, binary, bytes_of, character, codecs, containers, counted, format, from_integer, integer,
    items, made, made_bytes, made_list, nothing, numbers, size, text, truth, truthy,
};
use crate::value::{Apply, Arguments, Known, Value};

/// The longest `bytearray` that can be changed: it is a list, which is many times its size. Longer ones are `bytes`.
const MAX_CHANGEABLE: usize = 256 * 1024;

/// The longest list that `next` takes items from: each time the others move up.
const MAX_CONSUMED: usize = 20_000;

/// What a function or class of the language says of itself: obfuscators take letters out of it.
pub(super) fn described(name: &str) -> Option<Value> {
    Some(Value::text(&match name {
        "copyright" => "Copyright (c) 2001".to_owned(),
        "credits" => "    Thanks to CWI, CNRI, BeOpen, Zope Corporation, the Python Software Foundation,".to_owned(),
        "str" | "int" | "float" | "list" | "dict" | "set" | "tuple" | "bytes" | "bool" | "object" | "type" => {
            format!("<class '{name}'>")
        }
        "abs" | "all" | "any" | "ascii" | "bin" | "callable" | "chr" | "dir" | "divmod" | "eval" | "exec"
        | "format" | "getattr" | "globals" | "hash" | "hex" | "id" | "input" | "isinstance" | "iter" | "len"
        | "locals" | "max" | "min" | "next" | "oct" | "open" | "ord" | "pow" | "print" | "repr" | "round"
        | "setattr" | "sorted" | "sum" => {
            format!("<built-in function {name}>")
        }
        _ => return None,
    }))
}

/// What a function without a module gives.
pub(super) fn builtin(name: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let first = arguments.at(0);
    match name {
        "chr" | "unichr" => chr(first?),
        "ord" => ord(first?),
        "int" | "long" => numbers::parse(arguments),
        "float" => numbers::parse_float(first?),
        "bool" => first.map_or(Some(truth(false)), |value| truthy(value).map(truth)),
        "str" | "unicode" => string(arguments),
        "bytes" => bytes(arguments),
        "bytearray" => bytearray(&bytes(arguments)?),
        "memoryview" => first.cloned(),
        "hex" | "oct" | "bin" => numbers::based(name, first?),
        "len" => length(first?),
        "range" | "xrange" => range(arguments),
        "list" | "tuple" => first.map_or(Some(Value::list(Vec::new())), |value| made_list(items(value)?)),
        "set" | "frozenset" => {
            first.map_or(Some(Value::list(Vec::new())), |value| made_list(containers::unique(items(value)?)))
        }
        "dict" => dictionary(arguments),
        "sorted" => {
            let all = items(first?)?;
            made_list(containers::sorted(all, arguments, apply)?)
        }
        // Text or bytes, as they will be run.
        "compile" => first.cloned().filter(|code| code.as_bytes().is_some()),
        "reversed" => made_list(items(first?)?.into_iter().rev().collect()),
        "map" | "imap" => map(arguments, apply),
        "filter" | "ifilter" => filter(arguments, apply),
        "zip" | "izip" => zip(&arguments.positional),
        "enumerate" => enumerate(arguments),
        "sum" => sum(arguments),
        "min" | "max" => extreme(name, arguments, apply),
        "any" | "all" => quantified(name, first?),
        "abs" => Some(Value::number(numbers::number(first?)?.abs())),
        "round" => numbers::round(arguments),
        "divmod" => {
            let (quotient, rest) =
                numbers::divide(i128::from(integer(first?)?), i128::from(integer(arguments.at(1)?)?))?;
            made_list(vec![from_integer(quotient)?, from_integer(rest)?])
        }
        "pow" => numbers::power(arguments),
        "repr" | "ascii" => made(&format::represented(first?, 0)?),
        "format" => {
            let spec = arguments.at(1).map_or(Some(""), |spec| spec.as_text().map(|spec| &**spec))?;
            made(&format::formatted(first?, spec)?)
        }
        "iter" if arguments.positional.len() == 1 => made_list(items(first?)?),
        "next" => next(arguments),
        "reduce" => reduce(arguments, apply),
        "callable" if matches!(first?.known, Known::Function(_)) => Some(truth(true)),
        _ => None,
    }
}

/// A function of a type: `str.join(between, parts)`, `bytes.fromhex`.
pub(super) fn of_type(kind: &str, name: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    match (kind, name) {
        ("str" | "string" | "bytes" | "bytearray", "maketrans") => text::make_table(arguments),
        ("bytes", "fromhex") => binary::from_hex(arguments.at(0)?),
        ("bytearray", "fromhex") => bytearray(&binary::from_hex(arguments.at(0)?)?),
        ("int", "from_bytes") => numbers::from_bytes(arguments),
        ("dict", "fromkeys") => {
            let value = arguments.at(1).cloned().unwrap_or_else(nothing);
            let keys: Option<Vec<Rc<str>>> = items(arguments.at(0)?)?.iter().map(super::key).collect();
            Some(Value::map(keys?.into_iter().map(|key| (key, value.clone())).collect()))
        }
        ("string", "join" | "joinfields") => text::join(
            arguments.at(1).map_or(Some(" "), |between| between.as_text().map(|text| &**text))?,
            arguments.at(0)?,
        ),
        _ => {
            let (receiver, rest) = arguments.positional.split_first()?;
            let rest = Arguments { positional: rest.to_vec(), named: arguments.named.clone() };
            super::method(&receiver.known, name, &rest, apply)
        }
    }
}

fn chr(value: &Value) -> Option<Value> {
    let code = match integer(value) {
        Some(code) => u32::try_from(code).ok()?,
        // A key of a dictionary has become a text.
        None => value.as_text()?.parse().ok()?,
    };
    char::from_u32(code).map(character)
}

fn ord(value: &Value) -> Option<Value> {
    if let Some(bytes) = bytes_of(value) {
        return match &*bytes {
            [one] => Some(Value::number(f64::from(*one))),
            _ => None,
        };
    }
    let mut chars = value.as_text()?.chars();
    match (chars.next(), chars.next()) {
        (Some(one), None) => Some(Value::number(f64::from(u32::from(one)))),
        _ => None,
    }
}

fn string(arguments: &Arguments) -> Option<Value> {
    let Some(value) = arguments.at(0).or_else(|| arguments.named("object")) else {
        return made("");
    };
    match arguments.at(1).or_else(|| arguments.named("encoding")) {
        Some(encoding) => {
            let errors = arguments.at(2).or_else(|| arguments.named("errors")).and_then(Value::as_text);
            codecs::decode(&bytes_of(value)?, encoding.as_text()?, errors.map_or("strict", |errors| errors))
        }
        None => made(&format::shown(value)?),
    }
}

fn bytes(arguments: &Arguments) -> Option<Value> {
    let Some(value) = arguments.at(0) else {
        return made_bytes(&[]);
    };
    match &value.known {
        Known::Text(text) => codecs::encode(
            text,
            &match arguments.at(1).or_else(|| arguments.named("encoding")) {
                Some(encoding) => Rc::clone(encoding.as_text()?),
                None => "utf-8".into(),
            },
        ),
        Known::Number(_) => {
            let count = size(value)?;
            (count <= MAX_RESULT).then(|| Value::bytes(&vec![0; count]))
        }
        _ => made_bytes(&bytes_of(value)?),
    }
}

/// A byte string that can be changed.
fn bytearray(value: &Value) -> Option<Value> {
    let bytes = bytes_of(value)?;
    if bytes.len() > MAX_CHANGEABLE { made_bytes(&bytes) } else { made_list(items(value)?) }
}

fn length(value: &Value) -> Option<Value> {
    Some(counted(match &value.known {
        Known::Text(text) => text.chars().count(),
        Known::Bytes(bytes) => bytes.len(),
        Known::List(items) => items.borrow().len(),
        Known::Map(entries) if containers::cycle(entries).is_none() => entries.borrow().len(),
        _ => return None,
    }))
}

fn range(arguments: &Arguments) -> Option<Value> {
    let numbers: Option<Vec<i64>> = arguments.positional.iter().map(integer).collect();
    let (start, stop, step) = match *numbers?.as_slice() {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        [start, stop, step] if step != 0 => (start, stop, step),
        _ => return None,
    };
    let distance = if step > 0 { stop.saturating_sub(start) } else { start.saturating_sub(stop) };
    let count = u64::try_from(distance.max(0)).ok()?.div_ceil(step.unsigned_abs());
    if count > MAX_ITEMS as u64 {
        return None;
    }
    let mut at = start;
    let mut out = Vec::with_capacity(usize::try_from(count).ok()?);
    for _ in 0..count {
        out.push(from_integer(i128::from(at))?);
        at = at.saturating_add(step);
    }
    made_list(out)
}

fn dictionary(arguments: &Arguments) -> Option<Value> {
    let mut all = match arguments.at(0) {
        Some(other) => containers::entries(other)?,
        None => crate::value::Entries::default(),
    };
    for (key, value) in &arguments.named {
        containers::enter(&mut all, Rc::clone(key), value.clone());
    }
    Some(Value::map(all))
}

/// Several iterables side by side, as long as the shortest; those without an end go round.
fn side_by_side(iterables: &[Value]) -> Option<Vec<Vec<Value>>> {
    let mut columns: Vec<(Vec<Value>, bool)> = Vec::new();
    for iterable in iterables {
        let around = match &iterable.known {
            Known::Map(entries) => containers::cycle(entries),
            _ => None,
        };
        match around {
            Some(around) => columns.push((around, true)),
            None => columns.push((items(iterable)?, false)),
        }
    }
    let rows = columns.iter().filter(|(_, endless)| !endless).map(|(column, _)| column.len()).min()?;
    let row = |at: usize| {
        columns.iter().map(|(column, _)| column.get(at % column.len().max(1)).cloned()).collect::<Option<Vec<Value>>>()
    };
    if rows.saturating_mul(columns.len()) > MAX_ITEMS { None } else { (0..rows).map(row).collect() }
}

fn map(arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let (function, iterables) = arguments.positional.split_first()?;
    made_list(side_by_side(iterables)?.into_iter().map(|row| apply(function, &row)).collect())
}

fn filter(arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let function = arguments.at(0)?;
    let mut kept = Vec::new();
    for item in items(arguments.at(1)?)? {
        let test = match function.known {
            Known::Nothing => item.clone(),
            _ => apply(function, std::slice::from_ref(&item)),
        };
        if truthy(&test)? {
            kept.push(item);
        }
    }
    made_list(kept)
}

fn zip(iterables: &[Value]) -> Option<Value> {
    made_list(side_by_side(iterables)?.into_iter().map(Value::list).collect())
}

fn enumerate(arguments: &Arguments) -> Option<Value> {
    let start = match arguments.at(1).or_else(|| arguments.named("start")) {
        Some(start) => size(start)?,
        None => 0,
    };
    let items = items(arguments.at(0)?)?.into_iter().enumerate();
    made_list(items.map(|(at, item)| Value::list(vec![counted(start.saturating_add(at)), item])).collect())
}

fn sum(arguments: &Arguments) -> Option<Value> {
    let all = items(arguments.at(0)?)?;
    let start = arguments.at(1).or_else(|| arguments.named("start")).cloned().unwrap_or_else(|| Value::number(0.0));
    if let Known::List(_) = start.known {
        let parts: Option<Vec<Vec<Value>>> = all.iter().map(items).collect();
        return made_list([items(&start)?, parts?.concat()].concat());
    }
    let mut total = numbers::number(&start)?;
    for item in &all {
        total += numbers::number(item)?;
    }
    Some(Value::number(total))
}

fn extreme(name: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let all = match arguments.positional.as_slice() {
        [one] => items(one)?,
        several => several.to_vec(),
    };
    if all.is_empty() {
        return arguments.named("default").cloned();
    }
    let mut named: Vec<(Rc<str>, Value)> =
        arguments.named.iter().filter(|(name, _)| &**name == "key").cloned().collect();
    named.push(("reverse".into(), truth(name == "max")));
    let sorted = containers::sorted(all, &Arguments { positional: Vec::new(), named }, apply)?;
    sorted.into_iter().next()
}

fn quantified(name: &str, value: &Value) -> Option<Value> {
    let stop = name == "any";
    let mut sure = true;
    for item in items(value)? {
        match truthy(&item) {
            Some(truth) if truth == stop => return Some(super::truth(stop)),
            Some(_) => {}
            None => sure = false,
        }
    }
    sure.then(|| truth(!stop))
}

/// Takes the first item out: what `iter` gives is a list of its own.
fn next(arguments: &Arguments) -> Option<Value> {
    let Known::List(list) = &arguments.at(0)?.known else {
        return None;
    };
    let mut list = list.try_borrow_mut().ok()?;
    match list.len() {
        0 => arguments.at(1).cloned(),
        1..=MAX_CONSUMED => Some(list.remove(0)),
        _ => None,
    }
}

/// `functools.reduce`.
pub(super) fn reduce(arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    let function = arguments.at(0)?;
    let mut rest = items(arguments.at(1)?)?.into_iter();
    let mut result = match arguments.at(2) {
        Some(first) => first.clone(),
        None => rest.next()?,
    };
    for item in rest {
        result = apply(function, &[result, item]);
    }
    Some(result)
}
