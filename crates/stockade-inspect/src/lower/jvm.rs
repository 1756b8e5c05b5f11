//! Not written yet.

use crate::ir::{Language, Names, Program};

pub(crate) fn lower(_class: &[u8], _names: &mut Names) -> Program {
    Program::new(Language::Jvm)
}
