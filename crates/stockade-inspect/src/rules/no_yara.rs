//! What a build without YARA has of it: its rules are refused, and there is nothing that could look for them.

use std::collections::HashSet;
use std::sync::Arc;

use stockade_model::{Gap, Verdict};

use super::{Patterns, RuleError};
use crate::eval::Unit;
use crate::inspection::{Finding, Inspection, Match};

#[derive(Debug, Clone)]
pub(super) enum Yara {}

impl Yara {
    pub(super) fn compile(own: &[&(String, String)], _taken: &HashSet<&str>) -> Result<Option<Self>, RuleError> {
        let Some((file, _)) = own.first() else { return Ok(None) };
        Err(RuleError { file: file.clone(), line: 1, what: "this build reads no rules of YARA".to_owned() })
    }

    pub(super) fn patterns(&self) -> &Arc<Patterns> {
        match *self {}
    }

    pub(super) fn describe(&self) -> std::iter::Empty<(&str, &str, Verdict, &str)> {
        match *self {}
    }

    pub(super) fn findings(&self, _subject: &Inspection) -> Vec<Finding> {
        match *self {}
    }
}

/// Rules of YARA that can be looked for: in this build there are none.
pub enum Searcher {}

impl Searcher {
    /// Nothing has to be there.
    pub fn prepare() {}

    /// Nothing can be loaded.
    pub fn load(_digest: String, _compiled: &[u8]) -> Result<Self, String> {
        Err("this build reads no rules of YARA".to_owned())
    }

    pub(crate) fn digest(&self) -> &str {
        match *self {}
    }
}

pub(crate) struct Search<'a>(&'a Searcher);

impl<'a> Search<'a> {
    pub(crate) fn with(searcher: &'a Searcher) -> Self {
        Self(searcher)
    }

    pub(crate) fn layer(&mut self, _unit: &Unit) {
        match *self.0 {}
    }

    pub(crate) fn file(&mut self, _path: &str, _bytes: &[u8]) -> (Vec<Match>, bool) {
        match *self.0 {}
    }

    pub(crate) fn gaps(self) -> Vec<Gap> {
        match *self.0 {}
    }
}
