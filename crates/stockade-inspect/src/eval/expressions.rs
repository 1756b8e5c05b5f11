//! Expressions: what a value is, and what it comes from.

#![expect(
    clippy::cast_precision_loss,
    reason = "numbers of the languages that are read are 64-bit floats, and each cast is bounded by a limit"
)]

use std::rc::Rc;

use super::{Condition, MAX_FACTS, Machine, NO_ACT, Unit, operators, truth};
use crate::apis::When;
use crate::capability::{Capability, Source};
use crate::ir::{Argument, Binary, Class, Clause, Expr, Expression, Language, Statement, Sym, Unary};
use crate::value::{Arguments, Entries, HOLE, Known, Scope, Taint, Value};

/// How long a text may grow, in bytes.
pub(super) const MAX_TEXT: usize = 16 * 1024 * 1024;
/// How many items a spread or comprehension may give.
const MAX_ITEMS: usize = 200_000;
/// How many bytes are copied for a step.
const BYTES_A_STEP: u64 = 64;
/// How many entries a map may have into which another is spread.
const MAX_ENTRIES: usize = 1_000;
/// How long the path of the platform may grow by members and calls, in bytes: a loop that follows a chain makes it longer
/// with every round.
pub(super) const MAX_PATH: usize = 160;
/// Marks a map that is a class, and one that is an instance of a class.
pub(super) const CLASS: &str = "\u{0}class";
pub(super) const INSTANCE: &str = "\u{0}instance";
/// Where a class keeps what it extends, if that is another file's.
pub(super) const BASE: &str = "\u{0}base";

impl Machine {
    /// The value of an expression that is used as a whole: reading a part of the platform is an act.
    pub(super) fn value(&mut self, unit: &Rc<Unit>, at: Expr, scope: &Rc<Scope>) -> Value {
        let value = self.path(unit, at, scope);
        self.touch(unit, at, value)
    }

    /// What reading a value means, if it is a part of the platform that says something by being read.
    pub(super) fn touch(&mut self, unit: &Rc<Unit>, at: Expr, value: Value) -> Value {
        let Known::Api(path) = &value.known else { return value };
        let path = Rc::clone(path);
        let mut value = value;
        for entry in self.entries(unit, &path) {
            if entry.when != When::Read {
                continue;
            }
            let last = path.rsplit('.').next().unwrap_or_default();
            let detail = if entry.name_from_path { last } else { entry.detail.as_deref().unwrap_or_default() };
            let act = entry.capability.map(|capability| self.act(unit, at, capability, detail, &Taint::default()));
            if let Some(result) = entry.result {
                value.taint = value.taint.with(&Taint::of(result, act.unwrap_or(NO_ACT)));
            }
        }
        value
    }

    /// The value of an expression, where a part of the platform stays a path: `process.env` in `process.env.HOME` is not
    /// read as a whole.
    pub(super) fn path(&mut self, unit: &Rc<Unit>, at: Expr, scope: &Rc<Scope>) -> Value {
        if !self.spend(1) {
            return Value::default();
        }
        match unit.program.expression(at) {
            Expression::Nothing => Known::Nothing.into(),
            Expression::Boolean(truth) => Known::Boolean(*truth).into(),
            Expression::Number(number) => Value::number(*number),
            Expression::Text(text) => Known::Text(Rc::clone(text)).into(),
            Expression::Bytes(bytes) => Known::Bytes(Rc::clone(bytes)).into(),
            Expression::Name(name) => self.lookup(unit, *name, scope),
            Expression::Member(object, name) => {
                let object = self.path(unit, *object, scope);
                self.member(unit, &object, *name)
            }
            Expression::Index(object, key) => {
                let object = self.path(unit, *object, scope);
                let key = self.value(unit, *key, scope);
                self.index(unit, &object, &key)
            }
            Expression::Slice(object, bounds) => {
                let object = self.value(unit, *object, scope);
                let bounds = bounds.map(|bound| bound.map(|bound| self.value(unit, bound, scope)));
                operators::slice(&object, &bounds).tainted(&object.taint)
            }
            Expression::Call { callee, arguments } => {
                let value = self.call(unit, at, *callee, arguments, scope);
                self.charge(value)
            }
            Expression::Unary(operator, operand) => self.unary(unit, *operator, *operand, scope),
            Expression::Binary(..) => {
                let value = self.binary(unit, at, scope);
                self.charge(value)
            }
            Expression::Choose(test, then, otherwise) => self.choose(unit, (*test, *then, *otherwise), scope),
            Expression::Join(parts) => self.join(unit, parts, scope),
            Expression::List(items) => self.list(unit, items, scope),
            Expression::Map(pairs) => self.map(unit, pairs, scope),
            Expression::Function(function) => Known::Function(self.closure(unit, *function, scope)).into(),
            Expression::Assign { target, operator, value } => {
                self.assignment(unit, (*target, *operator, *value), scope)
            }
            Expression::Spread(inner) => self.value(unit, *inner, scope),
            Expression::Wait(inner) => self.path(unit, *inner, scope),
            Expression::Sequence(parts) => {
                let mut last = Value::default();
                for part in parts {
                    last = self.path(unit, *part, scope);
                }
                last
            }
            Expression::Comprehension { element, clauses, map } => {
                self.comprehension(unit, (*element, clauses, *map), scope)
            }
            Expression::Class(class) => self.class(unit, class, scope),
            Expression::Other(parts) => {
                let taints = parts.iter().map(|part| self.value(unit, *part, scope).taint);
                let taint = taints.fold(Taint::default(), |all, taint| all.with(&taint));
                Value::unknown(taint)
            }
        }
    }

    /// A large value costs what it takes to copy it, so that a text that grows in a loop cannot take for ever.
    fn charge(&mut self, value: Value) -> Value {
        let size = match &value.known {
            Known::Text(text) | Known::Partial(text) => text.len(),
            Known::Bytes(bytes) => bytes.len(),
            Known::List(items) => items.try_borrow().map_or(0, |items| items.len() * 8),
            _ => return value,
        };
        if !matches!(value.known, Known::Partial(_)) {
            self.made = self.made.max(size);
        }
        self.spend(size as u64 / BYTES_A_STEP);
        value
    }

    /// Remembers how large a list is into which something known is put.
    pub(super) fn note_change(&mut self, object: &Value, value: &Value) {
        if let (Known::List(items), Known::Text(_) | Known::Number(_)) = (&object.known, &value.known) {
            self.made = self.made.max(items.try_borrow().map_or(0, |items| items.len()));
        }
    }

    fn lookup(&mut self, unit: &Rc<Unit>, name: Sym, scope: &Rc<Scope>) -> Value {
        let mut here = Some(scope);
        while let Some(scope) = here {
            if let Some(value) = scope.variables.borrow().get(name) {
                return value.clone();
            }
            here = scope.outer.as_ref();
        }
        let text = self.name(name);
        let own = match unit.program.language {
            Language::JavaScript => matches!(&*text, "this" | "super"),
            _ => matches!(&*text, "self" | "super" | "cls"),
        };
        if own {
            return Value::default();
        }
        self.api(unit, &text)
    }

    /// A part of the platform by its path: another value, if the program has put one there.
    pub(super) fn api(&mut self, unit: &Unit, path: &str) -> Value {
        let canonical = Self::catalogue(unit).canonical(path);
        let path = canonical.as_deref().unwrap_or(path);
        if !self.overrides.is_empty()
            && let Some(value) = self.overrides.get(path)
        {
            return value.clone();
        }
        let path = self.names.intern(path);
        let path = self.name(path);
        match (&*path, unit.program.language) {
            ("NaN", Language::JavaScript) => Value::number(f64::NAN),
            ("Infinity", Language::JavaScript) => Value::number(f64::INFINITY),
            ("__name__", Language::Python) => Value::default(),
            (name, Language::Python) => super::python::constant(name).unwrap_or_else(|| Known::Api(path).into()),
            _ => Known::Api(path).into(),
        }
    }

    /// The longest path of a module keeps its dots; only JavaScript's `node:` goes.
    pub(super) fn module(unit: &Unit, module: &str) -> String {
        let module = module.strip_prefix("node:").unwrap_or(module);
        Self::catalogue(unit).canonical(module).unwrap_or_else(|| module.to_owned())
    }

    pub(super) fn member(&mut self, unit: &Unit, object: &Value, name: Sym) -> Value {
        let key = match &object.known {
            Known::Api(path) => return self.api_member(unit, path, name).tainted(&object.taint),
            _ => self.name(name),
        };
        let known = match &object.known {
            Known::Map(entries) => {
                let entries = entries.borrow();
                match (entries.get(&key), entries.get(BASE).map(|base| &base.known)) {
                    (Some(value), _) => value.clone(),
                    (None, Some(Known::Api(path))) => self.api_member(unit, &Rc::clone(path), name),
                    _ => Value::default(),
                }
            }
            Known::Text(text) if &*key == "length" => Value::number(text.encode_utf16().count() as f64),
            Known::Bytes(bytes) if matches!(&*key, "length" | "byteLength") => Value::number(bytes.len() as f64),
            Known::List(items) if &*key == "length" => Value::number(items.borrow().len() as f64),
            Known::Function(_) if &*key == "constructor" => Value::api("Function"),
            Known::Text(_) | Known::List(_) | Known::Number(_) if unit.program.language == Language::JavaScript => {
                if &*key == "constructor" {
                    Value::api("Object")
                } else {
                    Value::api(super::calls::OWN_METHOD)
                }
            }
            _ => self.fields.get(&name).cloned().unwrap_or_default(),
        };
        let mut value = known.tainted(&object.taint);
        if self.is_key_name(name) && !matches!(value.known, Known::Function(_)) {
            value.taint = value.taint.with(&Taint::of(Source::KeyMaterial, NO_ACT));
        }
        value
    }

    fn api_member(&mut self, unit: &Unit, path: &Rc<str>, name: Sym) -> Value {
        if path.len() > MAX_PATH {
            return Value::default();
        }
        let cached = self.paths.get(&(path.as_ptr() as usize, name)).map(|(_, joined)| Rc::clone(joined));
        let joined = cached.unwrap_or_else(|| {
            let key = self.names.text(name);
            let joined: Rc<str> = if unit.program.language == Language::JavaScript {
                javascript_path(path, key)
            } else {
                format!("{path}.{key}").into()
            };
            let joined = Self::catalogue(unit).canonical(&joined).map_or(joined, Rc::from);
            self.paths.insert((path.as_ptr() as usize, name), (Rc::clone(path), Rc::clone(&joined)));
            joined
        });
        if !self.overrides.is_empty()
            && let Some(value) = self.overrides.get(&joined)
        {
            return value.clone();
        }
        if unit.program.language == Language::Python
            && let Some(value) = super::python::constant(&joined)
        {
            return value;
        }
        Known::Api(joined).into()
    }

    /// What a call of a part of the platform returns, as a path.
    pub(super) fn returned_path(&mut self, path: &Rc<str>) -> Rc<str> {
        let call = self.names.intern("()");
        let key = (path.as_ptr() as usize, call);
        if let Some((_, joined)) = self.paths.get(&key) {
            return Rc::clone(joined);
        }
        let joined: Rc<str> = format!("{path}()").into();
        self.paths.insert(key, (Rc::clone(path), Rc::clone(&joined)));
        joined
    }

    pub(super) fn index(&mut self, unit: &Unit, object: &Value, key: &Value) -> Value {
        let taint = object.taint.with(&key.taint);
        if let Some(text) = key.as_text() {
            let python_text = unit.program.language == Language::Python && matches!(object.known, Known::Text(_));
            if !python_text {
                let name = self.names.intern(text);
                return self.member(unit, object, name).tainted(&taint);
            }
        }
        if let (Known::Api(path), Known::Api(_) | Known::Unknown | Known::Partial(_)) = (&object.known, &key.known) {
            let any = self.names.intern("*");
            return self.api_member(unit, &Rc::clone(path), any).tainted(&taint);
        }
        operators::index(object, key).tainted(&taint)
    }

    fn unary(&mut self, unit: &Rc<Unit>, operator: Unary, operand: Expr, scope: &Rc<Scope>) -> Value {
        let value = match operator {
            Unary::TypeOf | Unary::Delete => self.path(unit, operand, scope),
            _ => self.value(unit, operand, scope),
        };
        let known = match operator {
            Unary::Not => truth(&value, unit.program.language).map(|truth| Known::Boolean(!truth)),
            Unary::Void | Unary::Delete => Some(Known::Nothing),
            Unary::TypeOf => operators::type_of(&value),
            Unary::Minus | Unary::Plus | Unary::Invert => operators::sign(operator, &value),
        };
        Value { known: known.unwrap_or_default(), taint: value.taint }
    }

    /// Chains of operators lean to the left and can be a million long, so they are not descended by recursion.
    fn binary(&mut self, unit: &Rc<Unit>, at: Expr, scope: &Rc<Scope>) -> Value {
        let mut rest = Vec::new();
        let mut left = at;
        while let Expression::Binary(operator, inner, right) = unit.program.expression(left) {
            rest.push((*operator, *right));
            left = *inner;
        }
        let mut value = self.path(unit, left, scope);
        if !matches!(rest.last(), Some((Binary::Both | Binary::Either | Binary::OrElse, _))) {
            value = self.touch(unit, left, value);
        }
        let mut text = Growing::default();
        while let Some((operator, right)) = rest.pop() {
            if !self.spend(1) {
                return Value::unknown(value.taint);
            }
            if matches!(operator, Binary::Both | Binary::Either | Binary::OrElse) {
                value = text.settle(value);
                value = self.logical(unit, operator, value, right, scope);
                continue;
            }
            let other = self.value(unit, right, scope);
            value = text.add(operator, value, &other, unit.program.language);
        }
        text.settle(value)
    }

    fn logical(&mut self, unit: &Rc<Unit>, operator: Binary, left: Value, right: Expr, scope: &Rc<Scope>) -> Value {
        let known = match (operator, &left.known) {
            (Binary::OrElse, Known::Nothing) => Some(false),
            (Binary::OrElse, Known::Unknown) => None,
            (Binary::OrElse, _) => Some(true),
            (_, Known::Api(_)) => None,
            _ => truth(&left, unit.program.language),
        };
        let stops = match operator {
            Binary::Both => known == Some(false),
            _ => known == Some(true),
        };
        if stops {
            return left;
        }
        if known.is_none() {
            self.uncertain += 1;
        }
        let right = self.path(unit, right, scope);
        if known.is_none() {
            self.uncertain -= 1;
        }
        let taint = left.taint.with(&right.taint);
        match (operator, known) {
            (Binary::Both, _) | (_, Some(false)) => right.tainted(&left.taint),
            _ if matches!(left.known, Known::Api(_)) => Value { known: left.known, taint },
            _ => Value { known: right.known, taint },
        }
    }

    fn choose(&mut self, unit: &Rc<Unit>, (test, then, otherwise): (Expr, Expr, Expr), scope: &Rc<Scope>) -> Value {
        let condition = self.value(unit, test, scope);
        match truth(&condition, unit.program.language) {
            Some(true) => self.path(unit, then, scope),
            Some(false) => self.path(unit, otherwise, scope),
            None => {
                self.uncertain += 1;
                self.conditions.push(Condition::Test(Rc::clone(unit), test, true));
                let first = self.path(unit, then, scope);
                let second = self.path(unit, otherwise, scope);
                self.conditions.pop();
                self.uncertain -= 1;
                let taint = first.taint.with(&second.taint);
                let keep_first = !matches!(first.known, Known::Unknown | Known::Nothing);
                Value { known: if keep_first { first.known } else { second.known }, taint }
            }
        }
    }

    fn join(&mut self, unit: &Rc<Unit>, parts: &[Expr], scope: &Rc<Scope>) -> Value {
        let (mut text, mut taint, mut whole) = (String::new(), Taint::default(), true);
        for part in parts {
            let value = self.value(unit, *part, scope);
            taint = taint.with(&value.taint);
            match operators::shown(&value, unit.program.language) {
                Some(part) if text.len() + part.len() <= MAX_TEXT => {
                    whole &= !matches!(value.known, Known::Partial(_));
                    text.push_str(&part);
                }
                _ => {
                    whole = false;
                    text.push(HOLE);
                }
            }
        }
        let text = text.into();
        Value { known: if whole { Known::Text(text) } else { Known::Partial(text) }, taint }
    }

    fn list(&mut self, unit: &Rc<Unit>, items: &[Expr], scope: &Rc<Scope>) -> Value {
        let mut values = Vec::with_capacity(items.len());
        let mut taint = Taint::default();
        for item in items {
            let spread = matches!(unit.program.expression(*item), Expression::Spread(_));
            let value = if spread { self.value(unit, *item, scope) } else { self.path(unit, *item, scope) };
            taint = taint.with(&value.taint);
            match (&value.known, spread) {
                (Known::Text(text), true) if text.len() + values.len() < MAX_ITEMS => {
                    values.extend(text.chars().map(|c| Value::text(c.encode_utf8(&mut [0; 4]))));
                }
                (Known::List(inner), true) if inner.borrow().len() + values.len() < MAX_ITEMS => {
                    values.extend(inner.borrow().iter().cloned());
                }
                (_, true) => return Value::unknown(taint),
                _ => values.push(value),
            }
        }
        Value::list(values).tainted(&taint)
    }

    fn map(&mut self, unit: &Rc<Unit>, pairs: &[(Expr, Expr)], scope: &Rc<Scope>) -> Value {
        let mut entries = Entries::with_capacity_and_hasher(pairs.len(), rustc_hash::FxBuildHasher);
        let mut taint = Taint::default();
        for (key, value) in pairs {
            let key_value = self.value(unit, *key, scope);
            if let Expression::Spread(_) = unit.program.expression(*value) {
                let spread = self.value(unit, *value, scope);
                taint = taint.with(&spread.taint);
                if let Known::Map(inner) = &spread.known
                    && inner.borrow().len() + entries.len() < MAX_ENTRIES
                {
                    entries.extend(inner.borrow().clone());
                }
                if matches!(&spread.known, Known::Api(path) if path.starts_with('.')) {
                    entries.insert("*".into(), spread);
                }
                continue;
            }
            let value = self.path(unit, *value, scope);
            taint = taint.with(&value.taint).with(&key_value.taint);
            if let Some(key) = operators::shown(&key_value, unit.program.language) {
                self.assigned_key(unit, &key, &value, pairs);
                entries.insert(key.as_ref().into(), value);
            }
        }
        Value::map(entries).tainted(&taint)
    }

    /// A key whose value alone says something, such as `rejectUnauthorized: false`.
    fn assigned_key(&mut self, unit: &Rc<Unit>, key: &str, value: &Value, pairs: &[(Expr, Expr)]) {
        if matches!(value.known, Known::Boolean(false))
            && matches!(key, "rejectUnauthorized" | "strictSSL" | "verify_ssl")
            && let Some((at, _)) = pairs.first()
        {
            self.act(unit, *at, Capability::TlsOff, key, &Taint::default());
        }
    }

    fn comprehension(
        &mut self,
        unit: &Rc<Unit>,
        (element, clauses, map): (Expr, &[Clause], bool),
        scope: &Rc<Scope>,
    ) -> Value {
        let inner = Rc::new(Scope { outer: Some(Rc::clone(scope)), ..Scope::default() });
        let mut results = Vec::new();
        let mut taint = Taint::default();
        let known = self.clause(unit, element, clauses, &inner, &mut results, &mut taint);
        if !known || map {
            return Value::unknown(taint);
        }
        Value::list(results).tainted(&taint)
    }

    fn clause(
        &mut self,
        unit: &Rc<Unit>,
        element: Expr,
        clauses: &[Clause],
        scope: &Rc<Scope>,
        results: &mut Vec<Value>,
        taint: &mut Taint,
    ) -> bool {
        let Some(((target, iterable, conditions), rest)) = clauses.split_first() else {
            let value = self.value(unit, element, scope);
            *taint = taint.with(&value.taint);
            results.push(value);
            return results.len() < MAX_ITEMS;
        };
        let iterated = self.value(unit, *iterable, scope);
        *taint = taint.with(&iterated.taint);
        let items: Option<Vec<Value>> = match &iterated.known {
            Known::List(items) => Some(items.borrow().clone()),
            Known::Text(text) => Some(text.chars().map(|c| Value::text(c.encode_utf8(&mut [0; 4]))).collect()),
            Known::Bytes(bytes) => Some(bytes.iter().map(|byte| Value::number(f64::from(*byte))).collect()),
            _ => None,
        };
        let known = items.is_some();
        let items = items.unwrap_or_else(|| vec![Value::unknown(iterated.taint.clone())]);
        let mut certain = known;
        for item in items {
            if !self.spend(1) {
                return false;
            }
            Self::declare(unit, *target, item.tainted(&iterated.taint), scope);
            let mut keep = true;
            for condition in conditions {
                let condition = self.value(unit, *condition, scope);
                match truth(&condition, unit.program.language) {
                    Some(false) => keep = false,
                    Some(true) => {}
                    None => certain = false,
                }
            }
            if keep {
                certain &= self.clause(unit, element, rest, scope, results, taint);
            }
        }
        certain
    }

    fn class(&mut self, unit: &Rc<Unit>, class: &Class, scope: &Rc<Scope>) -> Value {
        let mut entries = Entries::default();
        entries.insert(CLASS.into(), Known::Boolean(true).into());
        for base in &class.bases {
            let base = self.path(unit, *base, scope);
            match &base.known {
                Known::Map(inherited) => entries.extend(inherited.borrow().clone()),
                Known::Api(path) if Self::may_be_own(unit, path) => {
                    entries.insert(BASE.into(), base);
                }
                _ => {}
            }
        }
        let inner = Rc::new(Scope { outer: Some(Rc::clone(scope)), ..Scope::default() });
        for member in &class.members {
            inner.variables.borrow_mut().insert(*member, Value::default());
        }
        // Methods see the variables around the class, not its members.
        for statement in &class.body {
            match statement {
                Statement::Define(name, function) => {
                    let closure = self.closure(unit, *function, scope);
                    inner.variables.borrow_mut().insert(*name, Known::Function(closure).into());
                }
                other => {
                    self.block(unit, std::slice::from_ref(other), &inner);
                }
            }
        }
        for member in &class.members {
            let value = inner.variables.borrow().get(*member).cloned().unwrap_or_default();
            entries.insert(self.name(*member), value);
        }
        Value::map(entries)
    }

    fn assignment(
        &mut self,
        unit: &Rc<Unit>,
        (target, operator, value): (Expr, Option<Binary>, Expr),
        scope: &Rc<Scope>,
    ) -> Value {
        let value = match operator {
            None => self.path(unit, value, scope),
            Some(operator) => {
                let old = self.path(unit, target, scope);
                if matches!(operator, Binary::Both | Binary::Either | Binary::OrElse) {
                    self.logical(unit, operator, old, value, scope)
                } else {
                    let new = self.value(unit, value, scope);
                    let taint = old.taint.with(&new.taint);
                    let value = operators::binary(operator, &old, &new, unit.program.language).tainted(&taint);
                    self.charge(value)
                }
            }
        };
        self.assign(unit, target, value.clone(), scope);
        value
    }

    /// Gives a target a value: a variable, a member, or a pattern of them.
    pub(super) fn assign(&mut self, unit: &Rc<Unit>, target: Expr, value: Value, scope: &Rc<Scope>) {
        match unit.program.expression(target) {
            Expression::Name(name) => self.set(scope, *name, value),
            Expression::Member(object, name) => {
                let object = self.path(unit, *object, scope);
                self.put(unit, target, &object, *name, value);
            }
            Expression::Index(object, key) => {
                let object = self.path(unit, *object, scope);
                let key = self.value(unit, *key, scope);
                if let Some(text) = key.as_text() {
                    let name = self.names.intern(&Rc::clone(text));
                    self.put(unit, target, &object, name, value);
                } else {
                    self.note_change(&object, &value);
                    operators::put(&object, &key, value);
                }
            }
            Expression::List(targets) => {
                let targets = targets.clone();
                for (at, target) in targets.iter().enumerate() {
                    let part = match unit.program.expression(*target) {
                        Expression::Spread(_) => Value::unknown(value.taint.clone()),
                        _ => operators::index(&value, &Value::number(at as f64)).tainted(&value.taint),
                    };
                    self.assign(unit, *target, part, scope);
                }
            }
            Expression::Map(pairs) => {
                for (key, target) in pairs {
                    let part = if matches!(unit.program.expression(*key), Expression::Nothing) {
                        value.clone()
                    } else {
                        let key = self.value(unit, *key, scope);
                        let part = self.index(unit, &value, &key);
                        self.touch(unit, *target, part)
                    };
                    self.assign(unit, *target, part, scope);
                }
            }
            // A pattern with a default value.
            Expression::Assign { target, value: default, .. } => {
                let default = self.path(unit, *default, scope);
                let taint = value.taint.with(&default.taint);
                let known =
                    if matches!(value.known, Known::Unknown | Known::Nothing) { default.known } else { value.known };
                self.assign(unit, *target, Value { known, taint }, scope);
            }
            Expression::Spread(inner) => self.assign(unit, *inner, value, scope),
            _ => {}
        }
    }

    /// Gives names in a scope of their own a value.
    fn declare(unit: &Rc<Unit>, target: Expr, value: Value, scope: &Rc<Scope>) {
        if let Expression::Name(name) = unit.program.expression(target) {
            scope.variables.borrow_mut().insert(*name, value);
            return;
        }
        if let Expression::List(targets) = unit.program.expression(target) {
            for (at, target) in targets.iter().enumerate() {
                let part = operators::index(&value, &Value::number(at as f64)).tainted(&value.taint);
                Self::declare(unit, *target, part, scope);
            }
        }
    }

    pub(super) fn set(&mut self, scope: &Rc<Scope>, name: Sym, value: Value) {
        let mut here = scope;
        loop {
            if let Some(old) = here.variables.borrow_mut().get_mut(name) {
                let taint = if self.uncertain > 0 { value.taint.with(&old.taint) } else { value.taint };
                let keep = self.uncertain > 0 && matches!(value.known, Known::Unknown | Known::Nothing);
                let known = if keep { std::mem::take(&mut old.known) } else { value.known };
                *old = Value { known, taint };
                return;
            }
            match &here.outer {
                Some(outer) => here = outer,
                None => break,
            }
        }
        here.variables.borrow_mut().insert(name, value);
    }

    fn put(&mut self, unit: &Rc<Unit>, at: Expr, object: &Value, name: Sym, value: Value) {
        match &object.known {
            Known::Api(path) => self.override_api(unit, at, &Rc::clone(path), name, value),
            Known::Map(entries) => {
                let key = self.name(name);
                operators::enter(&mut entries.borrow_mut(), key, value);
            }
            _ => {
                let known = self.fields.get(&name).cloned();
                let value = match known {
                    None => value,
                    Some(old) => {
                        let taint = old.taint.with(&value.taint);
                        let keep = matches!(value.known, Known::Unknown | Known::Nothing);
                        Value { known: if keep { old.known } else { value.known }, taint }
                    }
                };
                if self.fields.len() < MAX_FACTS {
                    self.fields.insert(name, value);
                }
            }
        }
    }

    /// The program puts something of its own where the platform has something.
    pub(super) fn override_api(&mut self, unit: &Rc<Unit>, at: Expr, path: &Rc<str>, name: Sym, value: Value) {
        let Known::Api(path) = self.api_member(unit, path, name).known else {
            let key = self.name(name);
            self.overrides.insert(format!("{path}.{key}").into(), value);
            return;
        };
        let entries = self.entries(unit, &path);
        for entry in entries {
            if entry.when == When::Assigned
                && let Some(capability) = entry.capability
            {
                let address = operators::words(&value).filter(|_| capability == Capability::Network);
                let detail = address.or_else(|| entry.detail.clone()).unwrap_or_else(|| path.to_string());
                self.act(unit, at, capability, &detail, &value.taint);
            }
        }
        let acts = entries.iter().any(|entry| entry.when == When::Called && entry.capability.is_some());
        if acts && matches!(value.known, Known::Function(_)) {
            self.act(unit, at, Capability::Hook, &path, &value.taint);
        }
        if path.starts_with("module.exports") {
            let name = path.strip_prefix("module.exports").unwrap_or_default().trim_start_matches('.');
            self.exported.push((if name.is_empty() { "default".into() } else { name.into() }, value.clone()));
        }
        if self.overrides.len() < MAX_FACTS {
            self.overrides.insert(path, value);
        }
    }

    pub(super) fn arguments(&mut self, unit: &Rc<Unit>, arguments: &[Argument], scope: &Rc<Scope>) -> Arguments {
        let mut all = Arguments::default();
        for argument in arguments {
            let value = self.path(unit, argument.value, scope);
            match (&argument.name, argument.spread, &value.known) {
                (Some(name), ..) => all.named.push((self.name(*name), value)),
                (None, true, Known::List(items)) if items.borrow().len() < MAX_ITEMS => {
                    all.positional.extend(items.borrow().iter().cloned());
                }
                (None, true, Known::Map(items)) if items.borrow().len() < MAX_ITEMS => {
                    all.named.extend(items.borrow().clone());
                }
                _ => all.positional.push(value),
            }
        }
        all
    }
}

/// `window.fetch`, `globalThis.fetch` and `fetch` are one.
fn javascript_path(path: &str, key: &str) -> Rc<str> {
    match path {
        "globalThis" | "window" | "self" | "global" | "top" | "parent" | "frames" => key.into(),
        _ => format!("{path}.{key}").into(),
    }
}

/// A text that grows in a chain of additions, without being copied at each.
#[derive(Default)]
struct Growing {
    text: Option<(String, bool)>,
}

impl Growing {
    fn add(&mut self, operator: Binary, value: Value, other: &Value, language: Language) -> Value {
        let taint = value.taint.with(&other.taint);
        if operator == Binary::Add {
            if let Some((text, whole)) = &mut self.text {
                let part = operators::shown(other, language);
                *whole &= part.is_some() && !matches!(other.known, Known::Partial(_));
                match part {
                    Some(part) if text.len() + part.len() <= MAX_TEXT => text.push_str(&part),
                    _ => text.push(HOLE),
                }
                return Value::unknown(taint);
            }
            if matches!(value.known, Known::Text(_) | Known::Partial(_))
                || (matches!(other.known, Known::Text(_) | Known::Partial(_)) && language == Language::JavaScript)
                || (matches!(other.known, Known::Text(_) | Known::Partial(_))
                    && matches!(value.known, Known::Unknown | Known::Api(_)))
            {
                let mut text = String::new();
                let mut whole = true;
                for part in [&value, other] {
                    if let Some(shown) = operators::shown(part, language) {
                        whole &= !matches!(part.known, Known::Partial(_));
                        text.push_str(&shown);
                    } else {
                        whole = false;
                        text.push(HOLE);
                    }
                }
                self.text = Some((text, whole));
                return Value::unknown(taint);
            }
        }
        let value = self.settle(value);
        operators::binary(operator, &value, other, language).tainted(&taint)
    }

    fn settle(&mut self, value: Value) -> Value {
        match self.text.take() {
            None => value,
            Some((text, true)) => Value { known: Known::Text(text.into()), taint: value.taint },
            Some((text, false)) => Value { known: Known::Partial(text.into()), taint: value.taint },
        }
    }
}
