//! What other files can call: each export is called with arguments of which only the position is known, so that linking
//! can follow data through it.

use std::rc::Rc;

use super::expressions::{CLASS, INSTANCE};
use super::{Machine, NO_ACT, USE, Unit};
use crate::capability::Source;
use crate::facts::{Export, Moment};
use crate::ir::Language;
use crate::value::{Closure, Known, Scope, Taint, Value};

/// How many exports of one file are followed.
const MAX_EXPORTS: usize = 400;

impl Machine {
    /// Follows what the module exports.
    pub(super) fn publish(&mut self, unit: &Rc<Unit>, scope: &Rc<Scope>) {
        let mut exported = std::mem::take(&mut self.exported);
        if unit.program.language == Language::Python {
            let variables: Vec<_> =
                scope.variables.borrow().iter().map(|(name, value)| (name, value.clone())).collect();
            exported.extend(variables.into_iter().map(|(name, value)| (self.name(name), value)));
            exported.sort_by(|a, b| a.0.cmp(&b.0));
        }
        self.moment = Moment::Later;
        for (name, value) in exported {
            self.export(&name, &value, 2);
        }
    }

    fn export(&mut self, name: &str, value: &Value, depth: u8) {
        if self.facts.exports.len() >= MAX_EXPORTS {
            return;
        }
        match &value.known {
            Known::Function(closure) => {
                let closure = closure.clone();
                self.export_function(name, &closure);
            }
            Known::Map(entries) if depth > 0 => {
                let entries = entries.borrow().clone();
                for (key, value) in entries.iter().filter(|(key, _)| &***key != CLASS && &***key != INSTANCE) {
                    let name = if name == "default" { key.to_string() } else { format!("{name}.{key}") };
                    self.export(&name, value, depth - 1);
                }
            }
            _ => {}
        }
    }

    fn export_function(&mut self, name: &str, closure: &Closure) {
        let unit = self.unit_of(closure);
        let count = unit.program.function(closure.function).parameters.len();
        let parameters = (0..count).map(|at| Value::unknown(Taint::of(Source::Parameter, super::to_u32(at))));
        let parameters: Vec<Value> = parameters.collect();
        let before = self.facts.flows.len();
        let outer = self.watched.replace(Vec::new());
        let result = self.apply(closure, None, &parameters);
        let mut acts = std::mem::replace(&mut self.watched, outer).unwrap_or_default();
        acts.sort_unstable();
        acts.dedup();
        let passes = self.facts.flows[before..].iter().flat_map(|flow| {
            let parameters = flow.from.iter().filter_map(|(source, act)| match (source, act) {
                (Source::Parameter, Some(at)) if at & USE == 0 => u8::try_from(*at).ok(),
                _ => None,
            });
            parameters.map(|at| (at, flow.to)).collect::<Vec<_>>()
        });
        let passes = passes.collect();
        let own = result.taint.origins().iter().filter(|origin| origin.source != Source::Parameter);
        let returns: Vec<_> = own.map(|origin| (origin.source, (origin.act != NO_ACT).then_some(origin.act))).collect();
        let export = Export { name: name.to_owned(), acts, returns, passes };
        if !(export.acts.is_empty() && export.returns.is_empty() && export.passes.is_empty()) {
            self.facts.exports.push(export);
        }
    }
}
