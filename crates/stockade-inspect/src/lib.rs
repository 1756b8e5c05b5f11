//! What can this code do, and what can it do that the last cleared release could not?

pub mod capability;
mod eval;
pub mod facts;
pub mod ir;
mod lower;
mod native;
mod value;
