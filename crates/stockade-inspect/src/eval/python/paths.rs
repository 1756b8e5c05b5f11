//! `os.path`, on paths as they are written: `~` stays, since nobody's home is known.

use super::{made, made_list};
use crate::value::{Arguments, HOLE, Known, Value};

/// What a function of `os.path` gives.
pub(super) fn function(name: &str, arguments: &Arguments) -> Option<Value> {
    let path = || arguments.at(0).and_then(Value::as_partial);
    match name {
        "join" => join(arguments),
        "expanduser" | "expandvars" | "abspath" | "realpath" | "normpath" | "normcase" => made(path()?),
        "basename" => made(path()?.rsplit('/').next()?),
        "dirname" => made(split(path()?).0),
        "split" => {
            let (head, tail) = split(path()?);
            made_list(vec![made(head)?, made(tail)?])
        }
        "splitext" => {
            let path = path()?;
            let at = path.rfind('.').filter(|&at| !path.get(at..).is_some_and(|end| end.contains('/')) && at > 0);
            let (root, extension) = path.split_at(at.unwrap_or(path.len()));
            made_list(vec![made(root)?, made(extension)?])
        }
        "isabs" => Some(super::truth(path()?.starts_with('/'))),
        _ => None,
    }
}

fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some(("", tail)) => ("/", tail),
        Some((head, tail)) => (head, tail),
        None => ("", path),
    }
}

/// The parts with a slash between them; those that are not known are holes, unless all are.
pub(super) fn join(arguments: &Arguments) -> Option<Value> {
    let mut out = String::new();
    let mut known = false;
    for part in &arguments.positional {
        let part = match &part.known {
            Known::Text(part) | Known::Partial(part) => {
                known = true;
                part.to_string()
            }
            _ => HOLE.to_string(),
        };
        if part.starts_with('/') {
            out.clear();
        } else if !out.is_empty() && !out.ends_with('/') {
            out.push('/');
        }
        out.push_str(&part);
    }
    if known { made(&out) } else { None }
}
