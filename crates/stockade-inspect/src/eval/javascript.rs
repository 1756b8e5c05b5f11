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
