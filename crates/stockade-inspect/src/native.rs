//! Not written yet.

use crate::facts::Facts;

pub(crate) fn facts(_bytes: &[u8], _path: &str) -> Facts {
    Facts::default()
}

pub(crate) fn is_native(_bytes: &[u8]) -> bool {
    false
}
