//! Statements: what runs, how often, and under which condition.

use std::rc::Rc;

use super::{Condition, MAX_CONDITIONS, Machine, Outcome, Unit, truth};
use crate::capability::Capability;
use crate::facts::Moment;
use crate::ir::{Binary, Expr, Expression, Imported, Language, Statement};
use crate::value::{Closure, Known, Scope, Taint, Value};

/// How often a loop is run that makes nothing. Most that run longer wait for something that is not known here.
const ROUNDS: usize = 256;
/// How often a loop is run that makes or changes a text or list: so often for each byte or item of it.
const ROUNDS_A_PART: usize = 8;
/// Commands of a `setup.py` that only whoever maintains it gives; installers give others.
const MAINTAINERS: &[&str] =
    &["publish", "upload", "release", "tag", "deploy", "test", "tests", "bump", "docs", "push"];

impl Machine {
    pub(super) fn block(&mut self, unit: &Rc<Unit>, block: &[Statement], scope: &Rc<Scope>) -> Outcome {
        // What burns the steps must not hide what stands after it: each statement is looked at once, whatever was spent.
        let first = self.begun.insert(block.as_ptr() as usize);
        for statement in block {
            if !self.spend(1) {
                if !first {
                    return Outcome::Next;
                }
                self.exhausted = true;
                self.steps = super::GLANCE;
            }
            match self.statement(unit, statement, scope) {
                Outcome::Next => {}
                outcome => return outcome,
            }
        }
        Outcome::Next
    }

    fn statement(&mut self, unit: &Rc<Unit>, statement: &Statement, scope: &Rc<Scope>) -> Outcome {
        match statement {
            Statement::Do(expression) => {
                match unit.program.expression(*expression) {
                    Expression::Assign { .. } => self.path(unit, *expression, scope),
                    _ => self.value(unit, *expression, scope),
                };
                Outcome::Next
            }
            Statement::Define(name, function) => {
                let closure = self.closure(unit, *function, scope);
                self.set(scope, *name, Known::Function(closure).into());
                Outcome::Next
            }
            Statement::If(test, then, otherwise) => self.branch(unit, *test, (then, otherwise), scope),
            Statement::Loop { test, body, after, body_first } => {
                self.repeat(unit, (*test, *after, *body_first), body, scope)
            }
            Statement::Each { target, iterable, keys, body } => {
                self.each(unit, (*target, *iterable, *keys), body, scope)
            }
            Statement::Return(value) => {
                if let Some(value) = value {
                    let value = self.path(unit, *value, scope);
                    self.give_back(value);
                }
                Outcome::Return
            }
            Statement::Throw(value) => {
                if let Some(value) = value {
                    self.value(unit, *value, scope);
                }
                Outcome::Throw
            }
            Statement::Break => Outcome::Break,
            Statement::Continue => Outcome::Continue,
            Statement::Try { body, caught, handler, finally } => {
                self.attempt(unit, (body, *caught, handler, finally), scope)
            }
            Statement::Import { module, names } => {
                self.bind_imports(unit, module, names, scope);
                Outcome::Next
            }
            Statement::Export(name, value) => {
                let value = self.path(unit, *value, scope);
                let name = self.name(*name);
                self.exported.push((name, value));
                Outcome::Next
            }
            Statement::Block(block) => self.block(unit, block, scope),
        }
    }

    pub(super) fn closure(&mut self, unit: &Unit, function: crate::ir::Fun, scope: &Rc<Scope>) -> Closure {
        let closure = Closure { program: unit.at, function, scope: Rc::clone(scope) };
        if !self.is_visited((unit.at, function.0)) && self.waiting.len() < super::MAX_FACTS * 10 {
            self.waiting.push(closure.clone());
        }
        closure
    }

    /// What a function returns: what all its returns have in common, at least where it comes from.
    fn give_back(&mut self, value: Value) {
        let taint = self.returned.taint.with(&value.taint);
        let keep = matches!(self.returned.known, Known::Unknown | Known::Nothing) || self.uncertain == 0;
        if keep {
            self.returned.known = value.known;
        }
        self.returned.taint = taint;
    }

    fn branch(
        &mut self,
        unit: &Rc<Unit>,
        test: Expr,
        (then, otherwise): (&[Statement], &[Statement]),
        scope: &Rc<Scope>,
    ) -> Outcome {
        let value = self.value(unit, test, scope);
        if let Some(truth) = truth(&value, unit.program.language) {
            let (taken, left) = if truth { (then, otherwise) } else { (otherwise, then) };
            self.skipped |= !left.is_empty();
            self.ran.insert(taken.as_ptr() as usize);
            return self.block(unit, taken, scope);
        }
        self.uncertain += 1;
        let condition = |holds| Condition::Test(Rc::clone(unit), test, holds);
        let moment = self.moment;
        self.moment = moment.max(moment_under(unit, test));
        let first = self.under(unit, condition(true), then, scope);
        self.moment = moment;
        let second =
            if otherwise.is_empty() { Outcome::Next } else { self.under(unit, condition(false), otherwise, scope) };
        self.uncertain -= 1;
        self.may_leave |= first != Outcome::Next || second != Outcome::Next;
        if first == second { first } else { Outcome::Next }
    }

    fn under(&mut self, unit: &Rc<Unit>, condition: Condition, block: &[Statement], scope: &Rc<Scope>) -> Outcome {
        self.ran.insert(block.as_ptr() as usize);
        let pushed = self.conditions.len() < MAX_CONDITIONS * 4;
        if pushed {
            self.conditions.push(condition);
        }
        let outcome = self.block(unit, block, scope);
        if pushed {
            self.conditions.pop();
        }
        outcome
    }

    fn repeat(
        &mut self,
        unit: &Rc<Unit>,
        (test, after, body_first): (Option<Expr>, Option<Expr>, bool),
        body: &[Statement],
        scope: &Rc<Scope>,
    ) -> Outcome {
        self.ran.insert(body.as_ptr() as usize);
        let mut rounds = 0_usize;
        let before = std::mem::take(&mut self.made);
        self.loops += 1;
        let outer = std::mem::take(&mut self.may_leave);
        let outcome = loop {
            let go = match test {
                Some(test) if rounds > 0 || !body_first => {
                    let value = self.value(unit, test, scope);
                    truth(&value, unit.program.language)
                }
                _ => Some(true),
            };
            match go {
                Some(false) => break Outcome::Next,
                None => break self.once(unit, body, after, scope),
                Some(true) => {}
            }
            rounds += 1;
            if rounds == ROUNDS
                && self.moment == Moment::Load
                && self.uncertain == 0
                && self.cannot_end(unit, test, body)
            {
                let at = test.or_else(|| first_expression(body));
                if let Some(at) = at {
                    self.act(unit, at, Capability::Hang, "a loop without an end", &Taint::default());
                }
            }
            let idle = rounds > ROUNDS && rounds / ROUNDS_A_PART > self.made;
            if idle || !self.spend(1) {
                self.exhausted |= idle && self.moment == Moment::Load && self.uncertain == 0;
                break Outcome::Next;
            }
            match self.block(unit, body, scope) {
                Outcome::Next | Outcome::Continue => {}
                Outcome::Break => break Outcome::Next,
                outcome => break outcome,
            }
            if let Some(after) = after {
                self.value(unit, after, scope);
            }
            // Whether it goes on is no longer known.
            if self.may_leave {
                break Outcome::Next;
            }
        };
        self.may_leave = outer;
        self.made = before.max(self.made);
        self.loops -= 1;
        outcome
    }

    /// One round of a loop of which it is not known how often it runs.
    fn once(&mut self, unit: &Rc<Unit>, body: &[Statement], after: Option<Expr>, scope: &Rc<Scope>) -> Outcome {
        self.uncertain += 1;
        let outcome = self.block(unit, body, scope);
        if let Some(after) = after {
            self.value(unit, after, scope);
        }
        self.uncertain -= 1;
        if outcome == Outcome::Throw { outcome } else { Outcome::Next }
    }

    fn each(
        &mut self,
        unit: &Rc<Unit>,
        (target, iterable, keys): (Expr, Expr, bool),
        body: &[Statement],
        scope: &Rc<Scope>,
    ) -> Outcome {
        self.ran.insert(body.as_ptr() as usize);
        let iterated = self.value(unit, iterable, scope);
        let Some(items) = items(&iterated, keys, unit.program.language) else {
            let taint = iterated.taint.clone();
            self.assign(unit, target, Value::unknown(taint), scope);
            return self.once(unit, body, None, scope);
        };
        self.loops += 1;
        let mut outcome = Outcome::Next;
        for item in items {
            if !self.spend(1) {
                break;
            }
            self.assign(unit, target, item.tainted(&iterated.taint), scope);
            match self.block(unit, body, scope) {
                Outcome::Next | Outcome::Continue => {}
                Outcome::Break => break,
                other => {
                    outcome = other;
                    break;
                }
            }
        }
        self.loops -= 1;
        outcome
    }

    fn attempt(
        &mut self,
        unit: &Rc<Unit>,
        (body, caught, handler, finally): (&[Statement], Option<Expr>, &[Statement], &[Statement]),
        scope: &Rc<Scope>,
    ) -> Outcome {
        let mut outcome = self.block(unit, body, scope);
        if let Some(caught) = caught {
            self.assign(unit, caught, Value::default(), scope);
        }
        if outcome == Outcome::Throw {
            self.ran.insert(handler.as_ptr() as usize);
            outcome = self.block(unit, handler, scope);
        } else if self.loops == 0 && !handler.is_empty() {
            self.uncertain += 1;
            self.ran.insert(handler.as_ptr() as usize);
            self.block(unit, handler, scope);
            self.uncertain -= 1;
        } else {
            self.skipped |= !handler.is_empty();
        }
        match self.block(unit, finally, scope) {
            Outcome::Next => outcome,
            last => last,
        }
    }

    fn bind_imports(&mut self, unit: &Rc<Unit>, module: &str, names: &[Imported], scope: &Rc<Scope>) {
        let module = Self::module(unit, module);
        let python = unit.program.language == Language::Python;
        let named = names.iter().filter_map(|imported| imported.name).map(|name| self.name(name));
        let named = named.filter(|name| python && **name != *"*").map(|name| name.to_string()).collect();
        self.import(unit, &module, named, 0);
        let dot = if python && module.ends_with('.') { "" } else { "." };
        for imported in names {
            let name = imported.name.map(|name| self.name(name));
            let value = match name.as_deref() {
                Some("*") => {
                    self.stars.push(module.as_str().into());
                    continue;
                }
                None => Value::api(&module),
                Some("default") if unit.program.language == Language::JavaScript => Value::api(&module),
                Some(name) => self.api(unit, &format!("{module}{dot}{name}")),
            };
            self.set(scope, imported.local, value);
        }
    }

    /// Branches that were never taken, in the module's scope: being wrong about a condition hides nothing.
    pub(super) fn visit_skipped(&mut self, scope: &Rc<Scope>) {
        let units: Vec<Rc<Unit>> = self.units.clone();
        self.uncertain += 1;
        for unit in units {
            self.moment = Moment::Load;
            self.visit_blocks(&unit, &unit.program.body, scope);
            self.moment = Moment::Later;
            for function in &unit.program.functions {
                self.visit_blocks(&unit, &function.body, scope);
            }
        }
        self.uncertain -= 1;
    }

    fn visit_blocks(&mut self, unit: &Rc<Unit>, block: &[Statement], scope: &Rc<Scope>) {
        for statement in block {
            let inner: [&[Statement]; 3] = match statement {
                Statement::If(_, then, otherwise) => [then, otherwise, &[]],
                Statement::Loop { body, .. } | Statement::Each { body, .. } | Statement::Block(body) => {
                    [body, &[], &[]]
                }
                Statement::Try { body, handler, finally, .. } => [body, handler, finally],
                _ => continue,
            };
            for (at, part) in inner.into_iter().enumerate() {
                let guarded = matches!(statement, Statement::If(..)) || (at == 1);
                if guarded && !part.is_empty() && !self.ran.contains(&(part.as_ptr() as usize)) {
                    self.steps = self.steps.max(super::VISIT);
                    self.under(unit, Condition::Never, part, scope);
                } else {
                    self.visit_blocks(unit, part, scope);
                }
            }
        }
    }

    /// True if nothing in the loop can leave it: no test that can fail, no break, return, throw or wait.
    fn cannot_end(&self, unit: &Unit, test: Option<Expr>, body: &[Statement]) -> bool {
        let constant = match test.map(|test| unit.program.expression(test)) {
            None | Some(Expression::Boolean(_) | Expression::Number(_)) => true,
            Some(Expression::Binary(_, _, right)) => {
                matches!(unit.program.expression(*right), Expression::Name(name) if &*self.name(*name) == "Infinity")
            }
            Some(_) => false,
        };
        constant && !leaves(unit, body)
    }
}

/// When what stands under a condition of Python runs at the earliest: what asks whether the file is run as a program,
/// and what waits for a command that only a maintainer gives (`setup.py publish`), are not for who installs it.
fn moment_under(unit: &Unit, test: Expr) -> Moment {
    let Expression::Binary(Binary::Equal | Binary::In, left, right) = unit.program.expression(test) else {
        return Moment::Load;
    };
    if unit.program.language != Language::Python {
        return Moment::Load;
    }
    let text = |at: Expr| match unit.program.expression(at) {
        Expression::Text(text) => Some(&**text),
        _ => None,
    };
    let is = |at: Expr, name: &str| unit.excerpt(at).starts_with(name);
    match (text(*left), text(*right)) {
        (None, Some("__main__")) if is(*left, "__name__") => Moment::Script,
        (Some("__main__"), None) if is(*right, "__name__") => Moment::Script,
        (None, Some(word)) if MAINTAINERS.contains(&word) && is(*left, "sys.argv") => Moment::Later,
        (Some(word), None) if MAINTAINERS.contains(&word) && is(*right, "sys.argv") => Moment::Later,
        _ => Moment::Load,
    }
}

/// The items of a known value that is iterated over.
fn items(value: &Value, keys: bool, language: Language) -> Option<Vec<Value>> {
    Some(match &value.known {
        Known::List(items) if keys => (0..items.borrow().len()).map(|at| Value::text(&at.to_string())).collect(),
        Known::List(items) => items.borrow().clone(),
        Known::Text(text) if !keys => text.chars().map(|c| Value::text(c.encode_utf8(&mut [0; 4]))).collect(),
        Known::Bytes(bytes) if !keys => bytes.iter().map(|byte| Value::number(f64::from(*byte))).collect(),
        Known::Map(entries) if keys || language == Language::Python => {
            entries.borrow().keys().map(|key| Value::text(key)).collect()
        }
        _ => return None,
    })
}

fn leaves(unit: &Unit, block: &[Statement]) -> bool {
    block.iter().any(|statement| match statement {
        Statement::Break | Statement::Return(_) | Statement::Throw(_) | Statement::Try { .. } => true,
        Statement::Do(at) => matches!(unit.program.expression(*at), Expression::Wait(_)),
        Statement::If(_, then, otherwise) => leaves(unit, then) || leaves(unit, otherwise),
        Statement::Loop { body, .. } | Statement::Each { body, .. } | Statement::Block(body) => leaves(unit, body),
        _ => false,
    })
}

fn first_expression(block: &[Statement]) -> Option<Expr> {
    block.iter().find_map(|statement| match statement {
        Statement::Do(at) | Statement::If(at, ..) => Some(*at),
        _ => None,
    })
}
