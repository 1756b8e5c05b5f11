//! Paths and addresses: what is known of them matters even where a part is not.

use std::rc::Rc;

use super::super::operators::shown;
use super::partial_value;
use crate::ir::Language;
use crate::value::{Arguments, HOLE, Known, Value};

/// `path.join` and `path.resolve`, with a hole for each part that is not known.
pub(super) fn join(arguments: &Arguments, resolves: bool) -> Value {
    let mut joined = String::new();
    for argument in &arguments.positional {
        let hole = HOLE.to_string();
        let part = shown(argument, Language::JavaScript).map_or(hole, std::borrow::Cow::into_owned);
        if resolves && (part.starts_with('/') || part.starts_with('~')) {
            joined.clear();
        }
        if !joined.is_empty() && !joined.ends_with('/') && !part.is_empty() {
            joined.push('/');
        }
        let part = if joined.is_empty() { &part } else { part.trim_start_matches("./").trim_start_matches('/') };
        joined.push_str(part);
    }
    known(&normal(&joined), arguments)
}

/// `a/../b` is `b`. What is not known may be more than one step.
pub(super) fn normal(path: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match step {
            ".." if steps
                .last()
                .is_some_and(|last| !last.is_empty() && *last != ".." && !last.contains(HOLE) && *last != "~") =>
            {
                steps.pop();
            }
            "." | "" if !steps.is_empty() => {}
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// A text that is whole if all arguments are.
pub(super) fn known(text: &str, arguments: &Arguments) -> Value {
    let partial = arguments.positional.iter().any(|value| matches!(value.known, Known::Partial(_)));
    if partial { Known::Partial(text.into()).into() } else { partial_value(text) }
}

/// The last step of a path, the steps before it, or its suffix.
pub(super) fn part(name: &str, arguments: &Arguments) -> Option<Value> {
    let path = arguments.at(0)?.as_partial()?;
    let path = path.trim_end_matches('/');
    let (directory, last) = path.rsplit_once('/').unwrap_or((".", path));
    let suffix = last.rfind('.').filter(|at| *at > 0).and_then(|at| last.get(at..)).unwrap_or_default();
    let text = match name {
        "dirname" => directory,
        "extname" => suffix,
        _ => match arguments.at(1).and_then(Value::as_text) {
            Some(ending) => last.strip_suffix(&**ending).unwrap_or(last),
            None => last,
        },
    };
    Some(partial_value(text))
}

/// The parts of an address that `new URL` gives.
pub(super) fn address(arguments: &Arguments) -> Option<Value> {
    let text = arguments.at(0)?.as_partial()?;
    let base = arguments.at(1).and_then(Value::as_partial);
    let whole = match base {
        Some(base) if !text.contains("://") => {
            format!("{}/{}", base.trim_end_matches('/'), text.trim_start_matches('/'))
        }
        _ => text.to_string(),
    };
    let (scheme, rest) = whole.split_once("://")?;
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
    let (pathname, search) = path.split_at(path.find('?').unwrap_or(path.len()));
    let pathname = if pathname.is_empty() { "/" } else { pathname };
    let parts = [
        ("href", whole.as_str()),
        ("protocol", &format!("{scheme}:")),
        ("host", host),
        ("hostname", name),
        ("port", port),
        ("path", path),
        ("pathname", pathname),
        ("search", search),
        ("origin", &format!("{scheme}://{host}")),
    ];
    let entries = parts.map(|(key, part)| (Rc::<str>::from(key), known(part, arguments)));
    Some(Value::map(entries.into_iter().collect()))
}
