//! Not written yet.

use crate::ir::{Language, Names, Program};

pub(crate) fn lower(_source: &str, _names: &mut Names) -> Program {
    Program::new(Language::Shell)
}
