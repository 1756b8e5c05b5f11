//! Not written yet.

use crate::value::{Apply, Arguments, Known, Value};

/// What a method of a known value gives; `None` if that is not known.
pub(crate) fn method(_receiver: &Known, _name: &str, _arguments: &Arguments, _apply: &mut Apply<'_>) -> Option<Value> {
    None
}

/// What a function of the platform gives; `None` if that is not known.
pub(crate) fn function(_path: &str, _arguments: &Arguments, _apply: &mut Apply<'_>) -> Option<Value> {
    None
}

/// The value of a constant of the platform.
pub(crate) fn constant(_path: &str) -> Option<Value> {
    None
}

/// `format % argument`.
pub(crate) fn percent(_format: &str, _argument: &Value) -> Option<std::rc::Rc<str>> {
    None
}
