//! A bounded partial evaluator over the one small form.

pub(crate) mod javascript;
pub(crate) mod python;
