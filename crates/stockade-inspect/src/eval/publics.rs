//! What other files can call: each export is called with arguments of which only the position is known, so that linking
//! can follow data through it.

use std::collections::VecDeque;
use std::rc::Rc;

use super::expressions::{BASE, CLASS, INSTANCE};
use super::{Machine, NO_ACT, USE, Unit};
use crate::capability::Source;
use crate::facts::{Export, Moment};
use crate::ir::Language;
use crate::value::{Closure, Entries, Known, Scope, Taint, Value};

/// How many exports of one file are followed.
const MAX_EXPORTS: usize = 4_000;
/// How deep in objects, and in what functions make, functions are looked for.
const MAX_DEPTH: u8 = 2;

/// What exported functions have made that is still to be followed: name, value, depth.
type Made = VecDeque<(String, Value, u8)>;

impl Machine {
    /// Follows what the module exports.
    pub(super) fn publish(&mut self, unit: &Rc<Unit>, scope: &Rc<Scope>) {
        let mut exported = std::mem::take(&mut self.exported);
        if unit.program.language == Language::Python {
            let variables: Vec<_> =
                scope.variables.borrow().iter().map(|(name, value)| (name, value.clone())).collect();
            exported.extend(variables.into_iter().map(|(name, value)| (self.name(name), value)));
            exported.extend(self.stars.iter().map(|module| ("*".into(), Known::Api(Rc::clone(module)).into())));
        }
        // A method that is put into a prototype: which, is not known.
        let methods = self.fields.iter().filter(|(_, value)| matches!(value.known, Known::Function(_)));
        let methods: Vec<_> = methods.map(|(name, value)| (self.name(*name), value.clone())).collect();
        exported.extend(methods);
        exported.sort_by(|a, b| a.0.cmp(&b.0));
        self.moment = Moment::Later;
        let mut made = Made::new();
        for (name, value) in exported {
            self.export(unit, &name, &value, MAX_DEPTH, &mut made);
        }
        // What they make comes after all of them: a function is not always evaluated again.
        while let Some((name, value, depth)) = made.pop_front() {
            let before = self.facts.exports.len();
            self.export(unit, &name, &value, depth, &mut made);
            // The parameters in it may be those of the function around it.
            for inner in &mut self.facts.exports[before..] {
                (inner.calls, inner.passes) = (Vec::new(), Vec::new());
            }
        }
    }

    fn export(&mut self, unit: &Unit, name: &str, value: &Value, depth: u8, made: &mut Made) {
        if self.facts.exports.len() >= MAX_EXPORTS {
            self.lose();
            return;
        }
        match &value.known {
            Known::Function(closure) => {
                let result = self.export_function(name, &closure.clone());
                made.extend(made_by(name, result).filter(|_| depth > 0).map(|(name, value)| (name, value, depth - 1)));
            }
            Known::Map(entries) if depth > 0 => {
                let entries = entries.borrow().clone();
                self.export_members(unit, name, &entries, depth - 1, made);
            }
            Known::Api(path) if !path.contains("()") => {
                if let Some((module, own)) = self.home_of(unit, path).filter(|home| !is_import(unit, name, home)) {
                    let of = Some((module.to_string(), own.to_string()));
                    self.facts.exports.push(Export { of, ..Export::named(name) });
                }
            }
            _ => {}
        }
    }

    fn export_members(&mut self, unit: &Unit, name: &str, entries: &Entries, depth: u8, made: &mut Made) {
        for (key, value) in entries.iter().filter(|(key, _)| &***key != CLASS && &***key != INSTANCE) {
            let name = if &**key == BASE { name.to_owned() } else { member(name, key) };
            self.export(unit, &name, value, depth, made);
        }
    }

    fn export_function(&mut self, name: &str, closure: &Closure) -> Value {
        let count = self.unit_of(closure).program.function(closure.function).parameters.len();
        let parameters = (0..count).map(|at| Value::unknown(Taint::of(Source::Parameter, super::to_u32(at))));
        let parameters: Vec<Value> = parameters.collect();
        let before = self.facts.flows.len();
        let (result, reached) = self.would_reach(closure, &parameters);
        let passes = self.facts.flows[before..].iter().flat_map(|flow| {
            let parameters = flow.from.iter().filter_map(|(source, act)| match (source, act) {
                (Source::Parameter, Some(at)) if at & USE == 0 => u8::try_from(*at).ok(),
                _ => None,
            });
            parameters.map(|at| (at, flow.to)).collect::<Vec<_>>()
        });
        let passes: Vec<_> = passes.collect();
        let own = result.taint.origins().iter().filter(|origin| origin.source != Source::Parameter);
        let returns: Vec<_> = own.map(|origin| (origin.source, (origin.act != NO_ACT).then_some(origin.act))).collect();
        let (reach, calls) = (reached.reach(), reached.parameters());
        if !(reach.is_empty() && calls.is_empty() && returns.is_empty() && passes.is_empty()) {
            self.facts.exports.push(Export { reach, calls, returns, passes, ..Export::named(name) });
        }
        result
    }
}

/// What a function has made that can be called: a function, or methods.
fn made_by(name: &str, result: Value) -> impl Iterator<Item = (String, Value)> {
    let methods = match &result.known {
        Known::Map(entries) => entries.borrow().clone(),
        _ => Entries::default(),
    };
    let methods = methods.into_iter().filter(|(_, value)| matches!(value.known, Known::Function(_)));
    let methods: Vec<_> = methods.map(|(key, value)| (member(name, &key), value)).collect();
    let function = matches!(result.known, Known::Function(_)).then(|| (format!("{name}()"), result));
    function.into_iter().chain(methods)
}

/// The name of something in an export.
fn member(name: &str, key: &str) -> String {
    if name == "default" { key.to_owned() } else { format!("{name}.{key}") }
}

/// True for a name of Python that is what it was imported as: that is known from the imports.
fn is_import(unit: &Unit, name: &str, (module, own): &(Rc<str>, Rc<str>)) -> bool {
    let last = if &**own == "default" { module } else { own };
    unit.program.language == Language::Python && &**last == name
}
