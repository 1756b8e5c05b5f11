//! What can this code do, and what can it do that the last cleared release could not?
//!
//! A pipeline of plain stages, from the content of an artifact to a judgement with file and line:
//!
//! 1. *facts*: each file is parsed, lowered into one small form ([`ir`]), and evaluated within bounds: constants are
//!    folded, layers peeled off, and what the platform is asked for is written down ([`facts`]).
//! 2. *capabilities*: facts are linked over the package's own imports, from every place where code starts to run
//!    ([`inspect`]).
//! 3. *findings and difference*: rules, which are data, are matched against one release alone and against the cleared
//!    releases before it ([`assess`]).
//!
//! Everything that is read here is hostile. Nothing of it is executed; every stage has limits, and what is not looked at
//! is a gap.

mod apis;
pub mod capability;
mod decode;
mod difference;
mod eval;
pub mod facts;
mod inspection;
pub mod ir;
pub mod lexicon;
mod link;
mod lower;
mod native;
mod read;
mod rules;
mod surface;
mod value;

pub use inspection::{
    Alone, Assessment, Change, CrossFlow, Difference, File, Finding, Inspection, Match, Place, VERSION,
};
pub use link::{facts, inspect};
pub use rules::{Patterns, RuleError, Rules, Searcher, assess};
