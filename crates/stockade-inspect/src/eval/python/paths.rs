//! `os.path` and `pathlib`, on paths as they are written: `~` stays, since nobody's home is known.
//!
//! A `pathlib.Path` is the text of its path. No text has a method of a path's name, and no text is divided, so a text on
//! which either happens is a path.

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

/// Methods that a path has and a text has not, and that touch files.
const PATH_METHODS: &[&str] = &[
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "open",
    "unlink",
    "rmdir",
    "mkdir",
    "touch",
    "iterdir",
    "glob",
    "rglob",
    "walk",
    "chmod",
    "lchmod",
    "symlink_to",
    "hardlink_to",
    "rename",
];

/// The canonical path of a method that only a path has: what is called on a text is `pathlib.Path().<name>`.
pub(crate) fn path_method(name: &str) -> Option<&'static str> {
    PATH_METHODS.iter().find(|known| **known == name).copied()
}

/// The text of what a constructor or method of `pathlib` gives, by its canonical path.
pub(crate) fn path_of(path: &str, arguments: &Arguments) -> Option<Value> {
    match path {
        "pathlib.Path.home" => made("~"),
        "pathlib.Path.cwd" => made("."),
        "pathlib.Path" | "pathlib.PurePath" | "pathlib.PurePosixPath" | "pathlib.PureWindowsPath" => {
            if arguments.positional.is_empty() { made(".") } else { join(arguments) }
        }
        _ => None,
    }
}

/// `left / right` of paths: `None` if neither is a text.
pub(crate) fn divided(left: &Value, right: &Value) -> Option<Value> {
    join(&Arguments { positional: vec![left.clone(), right.clone()], named: Vec::new() })
}
