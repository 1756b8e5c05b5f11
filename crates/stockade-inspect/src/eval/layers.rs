//! Code in text: what is executed from a known text is lowered and evaluated as the next layer; and the functions by which
//! a program reaches its own names and modules through text.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use super::expressions::MAX_TEXT;
use super::{Machine, Outcome, Unit};
use crate::capability::{Capability, Source};
use crate::ir::{Expr, Expression, Language, Statement};
use crate::value::{Arguments, HOLE, Known, Scope, Taint, Value};

/// How many layers are peeled off.
const MAX_LAYERS: usize = 60;
/// How many texts of one file are evaluated as code.
const MAX_UNITS: usize = 2_000;

impl Machine {
    /// Evaluates a value that is run as code, and says what it comes to.
    pub(super) fn run_value(
        &mut self,
        unit: &Rc<Unit>,
        at: Expr,
        code: &Value,
        language: Language,
        scope: &Rc<Scope>,
    ) -> Value {
        let text: Rc<str> = match &code.known {
            Known::Text(text) => Rc::clone(text),
            Known::Bytes(bytes) => String::from_utf8_lossy(bytes).into(),
            Known::Function(_) => {
                self.call_all(code, 0);
                return Value::default();
            }
            _ => return Value::default(),
        };
        let label = self.label(&code.taint);
        self.run_code(unit, at, &text, language, &label, scope)
    }

    /// What was peeled off: the decoders that a text went through.
    fn label(&self, taint: &Taint) -> String {
        let decoders = taint.origins().iter().filter(|origin| origin.source == Source::Decoded);
        let names = decoders.filter_map(|origin| self.facts.acts.get(origin.act as usize));
        let mut names: Vec<&str> = names.map(|act| act.detail.as_str()).filter(|detail| !detail.is_empty()).collect();
        names.dedup();
        if names.is_empty() { "text".to_owned() } else { names.join(", ") }
    }

    /// Evaluates a text as code of a language. What it comes to is known if its last statement is an expression.
    pub(super) fn run_code(
        &mut self,
        unit: &Rc<Unit>,
        at: Expr,
        text: &str,
        language: Language,
        label: &str,
        scope: &Rc<Scope>,
    ) -> Value {
        if unit.layers.len() >= MAX_LAYERS || self.units.len() >= MAX_UNITS || text.len() > MAX_TEXT {
            return Value::default();
        }
        // Of a template that only unknown things are put into, nothing is known.
        if text.contains(HOLE) && !text.contains(|c: char| c.is_ascii_alphanumeric()) {
            return Value::default();
        }
        let mut hasher = DefaultHasher::new();
        (text, language, self.moment).hash(&mut hasher);
        if !self.known_code.insert(hasher.finish()) {
            return Value::default();
        }
        let offset = unit.program.offsets.get(at.0 as usize).copied().unwrap_or(0);
        let outer = unit.spot(offset);
        let mut layers = unit.layers.clone();
        let is_command = label == "command";
        if !is_command {
            layers.push(label.to_owned());
        }
        let inner = self.load(text, language, layers, Some(outer), is_command);
        self.steps = self.steps.max(super::STEPS / 8);
        let same = language == unit.program.language;
        let scope = if same { Rc::clone(scope) } else { Rc::new(Scope::default()) };
        let returned = std::mem::take(&mut self.returned);
        let value = self.last_of(&inner, same, &scope);
        self.returned = returned;
        value
    }

    /// Evaluates a program. If it can share values with the one around it, what its last expression comes to is one.
    fn last_of(&mut self, unit: &Rc<Unit>, shares: bool, scope: &Rc<Scope>) -> Value {
        if let Some((Statement::Do(last), before)) = unit.program.body.split_last()
            && shares
            && !matches!(unit.program.expression(*last), Expression::Assign { .. })
        {
            return match self.block(unit, before, scope) {
                Outcome::Next => self.value(unit, *last, scope),
                _ => Value::default(),
            };
        }
        self.block(unit, &unit.program.body, scope);
        Value::default()
    }

    /// Reflection: functions by which a program reaches names and modules through values.
    pub(super) fn reflect(
        &mut self,
        unit: &Rc<Unit>,
        at: Expr,
        path: &str,
        arguments: &Arguments,
        scope: &Rc<Scope>,
    ) -> Option<Value> {
        match (unit.program.language, path) {
            (Language::JavaScript, "require" | "import" | "importScripts")
            | (Language::Python, "__import__" | "importlib.import_module") => self.require(unit, at, arguments),
            (Language::JavaScript, "Object.defineProperty") => {
                self.define_property(unit, at, arguments);
                None
            }
            (Language::Python, "getattr") | (Language::JavaScript, "Reflect.get") => {
                let (object, key) = (arguments.at(0)?, arguments.at(1)?);
                Some(self.index(unit, &object.clone(), &key.clone()))
            }
            (Language::Python, "globals" | "locals" | "vars") if arguments.positional.is_empty() => {
                let names: Vec<(Rc<str>, Value)> = {
                    let variables = scope.variables.borrow();
                    variables.iter().map(|(name, value)| (self.name(name), value.clone())).collect()
                };
                if names.is_empty() { Some(Value::api("globals()")) } else { None }
            }
            _ => None,
        }
    }

    /// A module that is loaded by a function.
    fn require(&mut self, unit: &Rc<Unit>, at: Expr, arguments: &Arguments) -> Option<Value> {
        let module = arguments.at(0)?.clone();
        let offset = unit.program.offsets.get(at.0 as usize).copied().unwrap_or(0);
        match &module.known {
            Known::Text(text) => {
                let name = Self::module(unit, text);
                self.import(unit, &name, Vec::new(), offset);
                Some(self.api(unit, &name))
            }
            Known::Api(_) | Known::Function(_) => None,
            _ => {
                let detail = module.as_partial().map(ToString::to_string).unwrap_or_default();
                self.act(unit, at, Capability::DynamicImport, &detail, &module.taint);
                Some(Value::unknown(module.taint))
            }
        }
    }

    /// A property that is defined with a function that reads it, as compilers write what is passed on, is assigned.
    fn define_property(&mut self, unit: &Rc<Unit>, at: Expr, arguments: &Arguments) -> Option<()> {
        let (object, key, property) = (arguments.at(0)?, arguments.at(1)?, arguments.at(2)?);
        let (Known::Api(path), Known::Map(entries)) = (&object.known, &property.known) else { return None };
        let (value, getter) = (entries.borrow().get("value").cloned(), entries.borrow().get("get").cloned());
        let value = match (value, getter.map(|getter| getter.known)) {
            (Some(value), _) => value,
            (None, Some(Known::Function(getter))) => self.apply(&getter, None, &[]),
            _ => return None,
        };
        let name = self.names.intern(key.as_text().map_or("*", |key| key));
        self.override_api(unit, at, path, name, value);
        Some(())
    }
}
