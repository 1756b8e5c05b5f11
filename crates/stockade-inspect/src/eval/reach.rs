//! What a call leads to, in whichever functions: so that it can be said of an export, and of a function that is passed on.
//!
//! A function that was evaluated before is not always evaluated again. What it led to then is remembered, and counts for
//! whoever calls it, too.

use std::rc::Rc;

use rustc_hash::FxHashSet as HashSet;

use super::{Machine, USE};
use crate::capability::Source;
use crate::facts::{Callback, Called, Moment, Reach};
use crate::value::{Closure, Known, Value};

/// How deep in what is passed on functions are looked for.
const MAX_DEPTH: u8 = 2;
/// How many functions are looked for in one argument.
const MAX_FUNCTIONS: usize = 64;
/// How many things a step's worth of work goes over, when what a function leads to is added to what its caller does.
const A_STEP: usize = 8;

/// What calls have led to so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Reached {
    acts: HashSet<u32>,
    uses: HashSet<u32>,
    imports: HashSet<u32>,
    /// The parameters of the export that is followed which were called, or passed on to what may call them.
    parameters: HashSet<Called>,
}

impl Reached {
    fn add(&mut self, other: &Self) {
        self.acts.extend(&other.acts);
        self.uses.extend(&other.uses);
        self.imports.extend(&other.imports);
        self.parameters.extend(&other.parameters);
    }

    fn len(&self) -> usize {
        self.acts.len() + self.uses.len() + self.imports.len() + self.parameters.len()
    }

    pub(super) fn reach(&self) -> Reach {
        Reach { acts: sorted(&self.acts), uses: sorted(&self.uses), imports: sorted(&self.imports) }
    }

    pub(super) fn parameters(&self) -> Vec<Called> {
        sorted(&self.parameters)
    }
}

fn sorted<T: Ord + Copy>(set: &HashSet<T>) -> Vec<T> {
    let mut all: Vec<T> = set.iter().copied().collect();
    all.sort_unstable();
    all
}

impl Machine {
    pub(super) fn reached_act(&mut self, act: u32) {
        if let Some(reached) = &mut self.reached {
            reached.acts.insert(act);
        }
    }

    pub(super) fn reached_use(&mut self, at: u32) {
        if let Some(reached) = &mut self.reached {
            reached.uses.insert(at);
        }
    }

    pub(super) fn reached_import(&mut self, import: u32) {
        if let Some(reached) = &mut self.reached {
            reached.imports.insert(import);
        }
    }

    /// What comes from a parameter is called, or a member of it.
    pub(super) fn reached_parameter(&mut self, value: &Value, member: bool) {
        let Some(reached) = &mut self.reached else { return };
        if matches!(value.known, Known::Function(_)) {
            return;
        }
        let origins = value.taint.origins().iter().filter(|origin| origin.source == Source::Parameter);
        let positions =
            origins.filter(|origin| origin.act & USE == 0).filter_map(|origin| u8::try_from(origin.act).ok());
        reached.parameters.extend(positions.map(|parameter| Called { parameter, member }));
    }

    /// Goes into a function. What is given back is for [`Self::leave_function`].
    pub(super) fn enter_function(&mut self) -> Option<Reached> {
        self.reached.replace(Reached::default())
    }

    /// Comes back from a function. What it led to its caller has led to.
    pub(super) fn leave_function(&mut self, key: (u32, u32), outer: Option<Reached>) -> Rc<Reached> {
        let inner = Rc::new(std::mem::replace(&mut self.reached, outer).unwrap_or_default());
        if inner.len() > 0 {
            self.leads_to.entry(key).or_default().add(&inner);
        }
        self.lead_to(&inner);
        inner
    }

    /// A function is called that is not evaluated again.
    pub(super) fn lead_as_before(&mut self, key: (u32, u32)) {
        if self.reached.is_none() {
            return;
        }
        if let Some(before) = self.leads_to.remove(&key) {
            self.lead_to(&before);
            self.leads_to.insert(key, before);
        }
    }

    pub(super) fn lead_to(&mut self, inner: &Reached) {
        if let Some(reached) = &mut self.reached {
            reached.add(inner);
            self.spend((inner.len() / A_STEP) as u64);
        }
    }

    /// What a call of a function leads to, of which nothing is known but that it may be called at some time.
    pub(super) fn would_reach(&mut self, closure: &Closure, arguments: &[Value]) -> (Value, Reached) {
        let moment = std::mem::replace(&mut self.moment, Moment::Later);
        let outer = self.enter_function();
        let result = self.apply(closure, None, arguments);
        let reached = std::mem::replace(&mut self.reached, outer).unwrap_or_default();
        self.moment = moment;
        (result, reached)
    }

    /// The functions in an argument, with what they lead to.
    pub(super) fn functions_in(&mut self, argument: Option<u8>, value: &Value) -> Option<Callback> {
        let mut found = Vec::new();
        functions(value, MAX_DEPTH, &mut found);
        if found.len() >= MAX_FUNCTIONS {
            self.lose();
        }
        let member = matches!(value.known, Known::Map(_) | Known::List(_));
        let argument = argument.map(|parameter| Called { parameter, member });
        let mut all = Reached::default();
        for function in found {
            match &function.known {
                Known::Function(closure) => {
                    let key = (closure.program, closure.function.0);
                    if !self.is_visited(key) {
                        let count = self.unit_of(closure).program.function(closure.function).parameters.len();
                        self.would_reach(closure, &vec![Value::default(); count]);
                    }
                    if let Some(before) = self.leads_to.get(&key) {
                        all.add(before);
                    }
                }
                Known::Api(path) => {
                    let moment = std::mem::replace(&mut self.moment, Moment::Later);
                    let outer = self.enter_function();
                    self.used_as_function(path);
                    all.add(&std::mem::replace(&mut self.reached, outer).unwrap_or_default());
                    self.moment = moment;
                }
                _ => {}
            }
        }
        let reach = all.reach();
        (!reach.is_empty()).then_some(Callback { argument, reach })
    }
}

/// The functions in a value, and what may be one of another file.
fn functions(value: &Value, depth: u8, found: &mut Vec<Value>) {
    if found.len() >= MAX_FUNCTIONS {
        return;
    }
    match &value.known {
        Known::Function(_) => found.push(value.clone()),
        // What a call has given is data, unless it is an object of a class.
        Known::Api(path) if !path.ends_with("()") || path.ends_with(".new()") => found.push(value.clone()),
        Known::Map(entries) if depth > 0 => {
            let Ok(entries) = entries.try_borrow() else { return };
            entries.values().for_each(|value| functions(value, depth - 1, found));
        }
        Known::List(items) if depth > 0 => {
            let Ok(items) = items.try_borrow() else { return };
            items.iter().for_each(|value| functions(value, depth - 1, found));
        }
        _ => {}
    }
}
