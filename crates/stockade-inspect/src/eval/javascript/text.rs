//! Methods of texts and of regular expressions.

use std::rc::Rc;

use super::pattern::{Found, Regex};
use super::units::{of_units, units};
use super::{MAX_ITEMS, MAX_RESULT, bound, bounds, float, list_value, number_at, plain_text, text_value, whole};
use crate::value::{Apply, Arguments, HOLE, Known, Value};

/// How many characters a text may have at most that a regular expression is tried on: 1 M.
const MAX_SEARCHED: usize = 1024 * 1024;

pub(super) fn method(text: &Rc<str>, name: &str, arguments: &Arguments, apply: &mut Apply<'_>) -> Option<Value> {
    match name {
        "toString" | "valueOf" | "normalize" => Some(Known::Text(Rc::clone(text)).into()),
        "toLowerCase" | "toLocaleLowerCase" => text_value(text.to_lowercase()),
        "toUpperCase" | "toLocaleUpperCase" => text_value(text.to_uppercase()),
        "trim" => text_value(text.trim()),
        "trimStart" | "trimLeft" => text_value(text.trim_start()),
        "trimEnd" | "trimRight" => text_value(text.trim_end()),
        "concat" => {
            let parts: Option<Vec<String>> = arguments.positional.iter().map(plain_text).collect();
            text_value(format!("{text}{}", parts?.concat()))
        }
        "repeat" => {
            let times = number_at(arguments, 0, 0.0)?;
            let fits = times >= 0.0 && times * float(text.len()) <= float(MAX_RESULT);
            fits.then(|| Value::text(&text.repeat(whole(times))))
        }
        "split" => split(text, arguments),
        "replace" => replace(text, arguments, false, apply),
        "replaceAll" => replace(text, arguments, true, apply),
        "match" | "matchAll" | "search" => matches(text, name, arguments),
        "indexOf" | "lastIndexOf" | "includes" | "startsWith" | "endsWith" => find(text, name, arguments),
        "localeCompare" => {
            let other = plain_text(arguments.at(0)?)?;
            Some(Value::number(f64::from(text.as_ref().cmp(other.as_str()) as i8)))
        }
        _ => by_position(text, name, arguments),
    }
}

/// What stays as it is when a part of the text is not known.
pub(super) fn partial(text: &Rc<str>, name: &str) -> Option<Value> {
    match name {
        "toString" | "valueOf" | "normalize" | "trim" | "trimStart" | "trimEnd" => {
            Some(Known::Partial(Rc::clone(text)).into())
        }
        _ => None,
    }
}

fn by_position(text: &Rc<str>, name: &str, arguments: &Arguments) -> Option<Value> {
    let units = units(text);
    let length = units.len();
    let unit = |at: f64| (at >= 0.0).then(|| units.get(whole(at))).flatten().copied();
    Some(match name {
        "charAt" => {
            let unit = unit(number_at(arguments, 0, 0.0)?);
            Value::text(&unit.map(|unit| of_units(&[unit])).unwrap_or_default())
        }
        "charCodeAt" => {
            let unit = unit(number_at(arguments, 0, 0.0)?);
            Value::number(unit.map_or(f64::NAN, f64::from))
        }
        "codePointAt" => {
            let at = number_at(arguments, 0, 0.0)?;
            let pair = units.get(whole(at)..).unwrap_or_default();
            match char::decode_utf16(pair.iter().take(2).copied()).next() {
                Some(Ok(letter)) => Value::number(f64::from(u32::from(letter))),
                Some(Err(half)) => Value::number(f64::from(half.unpaired_surrogate())),
                None => Known::Nothing.into(),
            }
        }
        "at" => {
            let at = number_at(arguments, 0, 0.0)?;
            let at = if at < 0.0 { at + float(length) } else { at };
            unit(at).map_or(Known::Nothing.into(), |unit| Value::text(&of_units(&[unit])))
        }
        "slice" => {
            let (from, to) = bounds(arguments, 0, length)?;
            Value::text(&of_units(units.get(from..to)?))
        }
        "substring" => {
            let clamp = |number: f64| if number.is_nan() { 0 } else { bound(number.max(0.0), length) };
            let (from, to) = (clamp(number_at(arguments, 0, 0.0)?), clamp(number_at(arguments, 1, f64::INFINITY)?));
            Value::text(&of_units(units.get(from.min(to)..from.max(to))?))
        }
        "substr" => {
            let from = bound(number_at(arguments, 0, 0.0)?, length);
            let count = number_at(arguments, 1, f64::INFINITY)?.min(float(length - from));
            Value::text(&of_units(units.get(from..from + whole(count))?))
        }
        "padStart" | "padEnd" => return pad(text, length, name == "padStart", arguments),
        _ => return None,
    })
}

fn pad(text: &Rc<str>, length: usize, at_start: bool, arguments: &Arguments) -> Option<Value> {
    let wanted = number_at(arguments, 0, 0.0)?;
    let filler: Vec<u16> = match arguments.at(1) {
        Some(filler) if !matches!(filler.known, Known::Nothing) => plain_text(filler)?.encode_utf16().collect(),
        _ => vec![u16::from(b' ')],
    };
    if wanted > float(MAX_RESULT) || filler.is_empty() {
        return None;
    }
    let missing = whole(wanted).saturating_sub(length);
    let filling: Vec<u16> = filler.iter().cycle().take(missing).copied().collect();
    let filling = of_units(&filling);
    text_value(if at_start { format!("{filling}{text}") } else { format!("{text}{filling}") })
}

fn find(text: &Rc<str>, name: &str, arguments: &Arguments) -> Option<Value> {
    let wanted = plain_text(arguments.at(0)?)?;
    let length = units(text).len();
    // Positions are those of bytes where every character is one byte.
    let ascii = length == text.len();
    let offset = |at: usize| if ascii { at } else { text.get(..at).map_or(0, |before| before.encode_utf16().count()) };
    let from = match arguments.at(1) {
        None => None,
        Some(_) if ascii => Some(number_at(arguments, 1, 0.0)?),
        Some(_) => return None,
    };
    let start = from.map_or(0, |from| bound(from.max(0.0), length));
    let rest = || text.get(start..).unwrap_or_default();
    let position = |found: Option<usize>| Value::number(found.map_or(-1.0, |at| float(offset(at))));
    Some(match name {
        "indexOf" => position(rest().find(wanted.as_str()).map(|at| at + start)),
        "lastIndexOf" => {
            let end = from.map_or(text.len(), |from| bound(from.max(0.0), length).saturating_add(wanted.len()));
            position(text.get(..end.min(text.len())).and_then(|before| before.rfind(wanted.as_str())))
        }
        "includes" => Known::Boolean(rest().contains(wanted.as_str())).into(),
        "startsWith" => Known::Boolean(rest().starts_with(wanted.as_str())).into(),
        _ => {
            let end = from.map_or(text.len(), |from| bound(from.max(0.0), length));
            Known::Boolean(text.get(..end).is_some_and(|before| before.ends_with(wanted.as_str()))).into()
        }
    })
}

fn split(text: &Rc<str>, arguments: &Arguments) -> Option<Value> {
    let limit = number_at(arguments, 1, f64::INFINITY)?;
    let limit = if limit < 0.0 { usize::MAX } else { whole(limit).min(MAX_ITEMS + 1) };
    let parts: Vec<Value> = match arguments.at(0).map(|separator| &separator.known) {
        None | Some(Known::Nothing) => vec![Known::Text(Rc::clone(text)).into()],
        Some(Known::Text(separator)) if separator.is_empty() => {
            units(text).iter().take(limit).map(|unit| Value::text(&of_units(&[*unit]))).collect()
        }
        Some(Known::Text(separator)) => text.split(&**separator).take(limit).map(Value::text).collect(),
        Some(Known::Pattern(pattern)) => split_by(text, &Regex::new(&pattern.0, &pattern.1)?, limit)?,
        Some(Known::Number(_)) => {
            let separator = plain_text(arguments.at(0)?)?;
            text.split(&separator).take(limit).map(Value::text).collect()
        }
        Some(_) => return None,
    };
    list_value(parts)
}

fn split_by(text: &str, regex: &Regex, limit: usize) -> Option<Vec<Value>> {
    let letters = letters(text)?;
    let (mut parts, mut start, mut from) = (Vec::new(), 0, 0);
    let part =
        |from: usize, to: usize| Value::text(&letters.get(from..to).unwrap_or_default().iter().collect::<String>());
    for found in all(regex, &letters)? {
        let (begin, end) = found.whole();
        // Where nothing is matched, the text is split between characters, not at its ends.
        if end == begin && (begin == from || begin >= letters.len()) {
            continue;
        }
        parts.push(part(start, begin));
        parts.extend(found.groups().map(|group| group.map_or(Known::Nothing.into(), |(from, to)| part(from, to))));
        (start, from) = (end, end);
        if parts.len() >= limit {
            break;
        }
    }
    parts.push(part(start, letters.len()));
    parts.truncate(limit);
    Some(parts)
}

fn letters(text: &str) -> Option<Vec<char>> {
    (text.len() <= MAX_SEARCHED).then(|| text.chars().collect())
}

/// Every match, from the left.
fn all(regex: &Regex, letters: &[char]) -> Option<Vec<Found>> {
    let (mut found, mut from) = (Vec::new(), 0);
    let mut budget = Regex::budget(letters);
    while from <= letters.len() && found.len() < MAX_ITEMS {
        let Some(next) = regex.find(letters, from, &mut budget)? else { break };
        let (begin, end) = next.whole();
        from = if end == begin { end + 1 } else { end };
        found.push(next);
    }
    Some(found)
}

fn replace(text: &Rc<str>, arguments: &Arguments, every: bool, apply: &mut Apply<'_>) -> Option<Value> {
    let (wanted, replacement) = (arguments.at(0)?, arguments.at(1)?);
    let letters = letters(text)?;
    let found = match &wanted.known {
        Known::Pattern(pattern) => {
            let (pattern, flags) = &**pattern;
            let regex = Regex::new(pattern, flags)?;
            if flags.contains('g') || every {
                all(&regex, &letters)?
            } else {
                let mut budget = Regex::budget(&letters);
                regex.find(&letters, 0, &mut budget)?.into_iter().collect()
            }
        }
        Known::Text(wanted) => literal(&letters, wanted, every),
        _ => return None,
    };
    let (mut out, mut start) = (String::with_capacity(text.len()), 0);
    for found in &found {
        let (begin, end) = found.whole();
        out.extend(letters.get(start..begin)?);
        out.push_str(&replaced(text, &letters, found, replacement, apply)?);
        start = end;
        if out.len() > MAX_RESULT {
            return None;
        }
    }
    out.extend(letters.get(start..)?);
    Some(if out.contains(HOLE) { Known::Partial(out.into()).into() } else { text_value(out)? })
}

/// Where a text occurs.
fn literal(letters: &[char], wanted: &str, every: bool) -> Vec<Found> {
    let wanted: Vec<char> = wanted.chars().collect();
    let (mut found, mut from) = (Vec::new(), 0);
    while from + wanted.len() <= letters.len() {
        if letters.get(from..from + wanted.len()) == Some(&wanted[..]) {
            found.push(Found::plain(from, from + wanted.len()));
            if !every {
                break;
            }
            from += wanted.len().max(1);
        } else {
            from += 1;
        }
    }
    found
}

/// What stands in the place of a match.
fn replaced(
    text: &Rc<str>,
    letters: &[char],
    found: &Found,
    replacement: &Value,
    apply: &mut Apply<'_>,
) -> Option<String> {
    let part = |(from, to): (usize, usize)| letters.get(from..to).unwrap_or_default().iter().collect::<String>();
    match &replacement.known {
        Known::Function(_) | Known::Api(_) => {
            let groups = found.groups().map(|group| group.map_or(Known::Nothing.into(), |at| Value::text(&part(at))));
            let mut values = vec![Value::text(&part(found.whole()))];
            values.extend(groups);
            values.push(Value::number(float(found.whole().0)));
            values.push(Known::Text(Rc::clone(text)).into());
            let value = apply(replacement, &values);
            Some(plain_text(&value).unwrap_or_else(|| HOLE.to_string()))
        }
        Known::Text(template) if template.contains('$') => Some(expanded(template, found, &part)),
        _ => plain_text(replacement),
    }
}

/// `$1`, `$&` and `$$` in a replacement.
fn expanded(template: &str, found: &Found, part: &dyn Fn((usize, usize)) -> String) -> String {
    let (mut out, mut rest) = (String::new(), template.chars().peekable());
    while let Some(letter) = rest.next() {
        let next = rest.peek().copied();
        let group = next
            .and_then(|next| next.to_digit(10))
            .and_then(|digit| found.groups().nth(digit.checked_sub(1)? as usize));
        match (letter, next, group) {
            ('$', Some('$'), _) => out.push('$'),
            ('$', Some('&'), _) => out.push_str(&part(found.whole())),
            ('$', _, Some(group)) => out.push_str(&group.map(part).unwrap_or_default()),
            _ => {
                out.push(letter);
                continue;
            }
        }
        rest.next();
    }
    out
}

fn matches(text: &Rc<str>, name: &str, arguments: &Arguments) -> Option<Value> {
    let (pattern, flags) = match &arguments.at(0)?.known {
        Known::Pattern(pattern) => (**pattern).clone(),
        Known::Text(pattern) => (Rc::clone(pattern), "".into()),
        _ => return None,
    };
    let regex = Regex::new(&pattern, &flags)?;
    let letters = letters(text)?;
    let as_list = |found: &Found| Value::list(captured(&letters, found));
    if name == "matchAll" {
        return list_value(all(&regex, &letters)?.iter().map(as_list).collect());
    }
    if name == "match" && flags.contains('g') {
        let found = all(&regex, &letters)?;
        let whole = found.iter().filter_map(|found| captured(&letters, found).into_iter().next());
        return if found.is_empty() { Some(Known::Nothing.into()) } else { list_value(whole.collect()) };
    }
    let mut budget = Regex::budget(&letters);
    let found = regex.find(&letters, 0, &mut budget)?;
    Some(match (name, found) {
        ("search", found) => Value::number(found.map_or(-1.0, |found| float(found.whole().0))),
        (_, Some(found)) => as_list(&found),
        (_, None) => Known::Nothing.into(),
    })
}

/// The match and its groups.
fn captured(letters: &[char], found: &Found) -> Vec<Value> {
    let part =
        |(from, to): (usize, usize)| Value::text(&letters.get(from..to).unwrap_or_default().iter().collect::<String>());
    let groups = found.groups().map(|group| group.map_or(Known::Nothing.into(), part));
    std::iter::once(part(found.whole())).chain(groups).collect()
}

/// `test`, `exec` and what a regular expression says of itself.
pub(super) fn pattern_method(pattern: &Rc<str>, flags: &Rc<str>, name: &str, arguments: &Arguments) -> Option<Value> {
    match name {
        "toString" => text_value(format!("/{pattern}/{flags}")),
        // With `g` or `y` the next call goes on where this one ended, which is not kept.
        "test" | "exec" if !flags.contains(['g', 'y']) => {
            let text = plain_text(arguments.at(0)?)?;
            let letters = letters(&text)?;
            let mut budget = Regex::budget(&letters);
            let found = Regex::new(pattern, flags)?.find(&letters, 0, &mut budget)?;
            Some(match (name, found) {
                ("test", found) => Known::Boolean(found.is_some()).into(),
                (_, Some(found)) => Value::list(captured(&letters, &found)),
                (_, None) => Known::Nothing.into(),
            })
        }
        _ => None,
    }
}
