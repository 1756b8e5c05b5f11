//! Calls: of functions of the program, which are run, and of the platform, which are acts.

use std::cell::RefCell;
use std::rc::Rc;

use super::expressions::{CLASS, INSTANCE, MAX_PATH};
use super::{CallsOf, MAX_CALLS, MAX_ROUNDS, Machine, NO_ACT, Unit, javascript, operators, python, truth};
use crate::apis::{Entry, Pick, When};
use crate::capability::{Capability, Source};
use crate::ir::{Argument, Expr, Expression, Language};
use crate::lower::jvm::builtins as jvm;
use crate::lower::powershell::builtins as powershell;
use crate::lower::shell::builtins as shell;
use crate::value::{Arguments, Closure, Entries, HOLE, Known, Scope, Taint, Value, Variables};

/// How often a function is evaluated anew without anything coming of it.
const MAX_FRUITLESS: u32 = 3;
/// How often a function may be active at once with arguments that are not known.
const MAX_RECURSION: u32 = 2;
/// What the addresses of files inside a jar begin with.
pub(crate) const OWN_RESOURCE: &str = "jar:";
/// Methods that talk to the address that they are given.
const TALKING: &[&str] = &["fetch", "get", "post", "put", "request", "open", "urlopen", "connect"];
/// Methods of a function that call it.
const CALLING: &[&str] = &["call", "apply", "__call__"];
/// The function by which compilers of TypeScript write `export * from`.
const PASSES_ON: &str = "__exportStar";
/// How many functions in one argument are called.
const MAX_CALLBACKS: usize = 32;
/// Methods whose callbacks run without anybody asking for it.
const RUNNING: &[&str] = &[
    "then",
    "catch",
    "finally",
    "on",
    "once",
    "forEach",
    "map",
    "filter",
    "reduce",
    "some",
    "every",
    "find",
    "flatMap",
    "addListener",
    "addEventListener",
    "subscribe",
    "pipe",
    "sort",
    "replace",
];

/// How much a builtin may read: items of containers, and 64 bytes of texts, count one each.
const MAX_READ: u64 = 300_000;
/// How deep containers may nest that a builtin reads.
const MAX_DEPTH: u8 = 12;
/// Methods and functions that look at one item or none, however many there are.
const STEPWISE: &[&str] = &[
    "push",
    "pop",
    "shift",
    "unshift",
    "append",
    "get",
    "set",
    "has",
    "delete",
    "len",
    "Array.isArray",
    "charAt",
    "charCodeAt",
    "codePointAt",
    "at",
    "add",
    "setdefault",
    "insert",
    "startswith",
    "endswith",
    "startsWith",
    "endsWith",
];
/// Methods that give a plain text back, whatever the object is that has them.
pub(crate) const DECODING: &[&str] =
    &["decrypt", "decompress", "decipher", "unpad", "b64decode", "unhexlify", "decryptBytes"];

/// What stands for the methods that texts, numbers and lists of JavaScript have of their own.
pub(super) const OWN_METHOD: &str = "Object.prototype.method";

/// What is called.
pub(super) struct Callee {
    receiver: Option<Value>,
    method: Option<Rc<str>>,
    target: Value,
}

impl Machine {
    pub(super) fn call(
        &mut self,
        unit: &Rc<Unit>,
        at: Expr,
        callee: Expr,
        arguments: &[Argument],
        scope: &Rc<Scope>,
    ) -> Value {
        let passes_on = self.is_named(unit, callee, PASSES_ON);
        let callee = self.callee(unit, callee, scope);
        let arguments = self.arguments(unit, arguments, scope);
        if let Some(module) = arguments.at(0).filter(|_| passes_on) {
            self.exported.push(("*".into(), module.clone()));
        }
        self.invoke(unit, at, callee, arguments, scope)
    }

    /// True for a call by this name, or of a member that is called so.
    fn is_named(&self, unit: &Unit, callee: Expr, name: &str) -> bool {
        match unit.program.expression(callee) {
            Expression::Name(is) | Expression::Member(_, is) => self.names.text(*is).as_ref() == name,
            Expression::Sequence(parts) => parts.last().is_some_and(|last| self.is_named(unit, *last, name)),
            _ => false,
        }
    }

    fn callee(&mut self, unit: &Rc<Unit>, callee: Expr, scope: &Rc<Scope>) -> Callee {
        match unit.program.expression(callee) {
            Expression::Member(object, name) => {
                let receiver = self.path(unit, *object, scope);
                let target = self.member(unit, &receiver, *name);
                Callee { receiver: Some(receiver), method: Some(self.name(*name)), target }
            }
            Expression::Index(object, key) => {
                let receiver = self.path(unit, *object, scope);
                let key = self.value(unit, *key, scope);
                let target = self.index(unit, &receiver, &key);
                Callee { receiver: Some(receiver), method: key.as_text().cloned(), target }
            }
            _ => Callee { receiver: None, method: None, target: self.path(unit, callee, scope) },
        }
    }

    fn invoke(
        &mut self,
        unit: &Rc<Unit>,
        at: Expr,
        callee: Callee,
        mut arguments: Arguments,
        scope: &Rc<Scope>,
    ) -> Value {
        let Callee { receiver, method, mut target } = callee;
        // A path of Python that is known is a text; what is done to it is done to a file.
        if unit.program.language == Language::Python
            && let (Some(receiver), Some(name)) = (&receiver, method.as_deref().and_then(python::path_method))
            && receiver.as_partial().is_some()
        {
            arguments.named.push(("self".into(), receiver.clone()));
            target = self.api(unit, &format!("pathlib.Path().{name}"));
        }
        if unit.program.language == Language::JavaScript
            && let (Some(receiver), Some("call" | "apply" | "bind")) = (&receiver, method.as_deref())
            && matches!(receiver.known, Known::Function(_) | Known::Api(_))
        {
            let target = receiver.clone();
            if method.as_deref() == Some("bind") {
                return target;
            }
            let this = (!arguments.positional.is_empty()).then(|| arguments.positional.remove(0));
            if method.as_deref() == Some("apply") {
                arguments.positional = match arguments.positional.first().map(|list| &list.known) {
                    Some(Known::List(items)) => items.borrow().clone(),
                    _ => arguments.positional,
                };
            }
            return self.invoke(unit, at, Callee { receiver: this, method: None, target }, arguments, scope);
        }
        if unit.program.language == Language::JavaScript
            && matches!(&target.known, Known::Api(path) if &**path == OWN_METHOD)
            && receiver.as_ref().is_some_and(|receiver| !matches!(receiver.known, Known::Api(_)))
        {
            return self.call_unknown(unit, at, receiver, method.as_deref(), &Value::default(), arguments);
        }
        match &target.known {
            Known::Function(closure) => {
                let mut values = arguments.positional;
                let method_of = receiver.as_ref().filter(|receiver| is_instance(receiver));
                if unit.program.language == Language::Python {
                    if let Some(instance) = method_of {
                        values.insert(0, instance.clone());
                    }
                    let closure = closure.clone();
                    return self.apply_named(&closure, receiver.as_ref(), values, &arguments.named);
                }
                let closure = closure.clone();
                self.apply_named(&closure, receiver.as_ref(), values, &arguments.named)
            }
            Known::Map(entries) if entries.borrow().contains_key(CLASS) => {
                let entries = entries.borrow().clone();
                self.construct(unit, &entries, arguments)
            }
            Known::Api(path) => {
                let path = Rc::clone(path);
                self.call_api(unit, at, &path, receiver, method.as_deref(), arguments, scope)
            }
            _ => self.call_unknown(unit, at, receiver, method.as_deref(), &target, arguments),
        }
    }

    fn construct(&mut self, unit: &Rc<Unit>, class: &Entries, arguments: Arguments) -> Value {
        let mark = (INSTANCE.into(), Known::Boolean(true).into());
        let members = class.iter().filter(|(key, _)| &***key != CLASS);
        let entries: Entries =
            std::iter::once(mark).chain(members.map(|(key, value)| (Rc::clone(key), value.clone()))).collect();
        let name = if unit.program.language == Language::Python { "__init__" } else { "constructor" };
        let initialiser = entries.get(name).map(|value| value.known.clone());
        let taint = arguments.all().fold(Taint::default(), |all, value| all.with(&value.taint));
        let instance = Value::map(entries).tainted(&taint);
        if let Some(Known::Function(closure)) = initialiser {
            let mut values = arguments.positional;
            if unit.program.language == Language::Python {
                values.insert(0, instance.clone());
            }
            self.apply_named(&closure, Some(&instance), values, &arguments.named);
        }
        instance
    }

    /// Calls something of which nothing is known but perhaps the receiver.
    fn call_unknown(
        &mut self,
        unit: &Rc<Unit>,
        at: Expr,
        receiver: Option<Value>,
        method: Option<&str>,
        target: &Value,
        arguments: Arguments,
    ) -> Value {
        let arguments = self.touched(unit, at, arguments);
        let mut taint = arguments.all().fold(target.taint.clone(), |all, value| all.with(&value.taint));
        let member = receiver.is_some() && !method.is_some_and(|method| CALLING.contains(&method));
        self.reached_parameter(target, member);
        let receiver = receiver.map(|receiver| self.touch(unit, at, receiver));
        if let Some(receiver) = &receiver {
            taint = taint.with(&receiver.taint);
            if let Some(method) = method
                && let Some(value) = self.builtin_method(unit, receiver, method, &arguments)
            {
                return value.tainted(&taint);
            }
        }
        if method.is_some_and(|method| DECODING.contains(&method)) {
            let act = self.act(unit, at, Capability::Decode, "cipher", &taint);
            taint = taint.with(&Taint::of(Source::Decoded, act));
        }
        taint = taint.with(&self.speaks_for_itself(unit, at, method, &arguments, &taint));
        if method.is_some_and(|method| RUNNING.contains(&method)) && unit.program.language == Language::JavaScript {
            let passed = match (&receiver, method) {
                (Some(receiver), Some("then")) => receiver.clone().tainted(&taint),
                _ => Value::unknown(taint.clone()),
            };
            taint = taint.with(&self.call_back(&arguments, &passed));
        }
        Value::unknown(taint)
    }

    /// A call of something unknown whose name and argument say what it does: `client.fetch("https://…")`.
    fn speaks_for_itself(
        &mut self,
        unit: &Rc<Unit>,
        at: Expr,
        method: Option<&str>,
        arguments: &Arguments,
        taint: &Taint,
    ) -> Taint {
        let Some(method) = method else { return Taint::default() };
        let address = arguments.at(0).and_then(Value::as_partial).filter(|text| is_address(text)).cloned();
        match (unit.program.language, address) {
            (Language::JavaScript | Language::Python, Some(address)) if TALKING.contains(&method) => {
                let act = self.act(unit, at, Capability::Network, &address, taint);
                Taint::of(Source::Network, act)
            }
            (Language::JavaScript, _) if method == "Function" => {
                self.act(unit, at, Capability::DynamicCode, method, taint);
                Taint::default()
            }
            _ => Taint::default(),
        }
    }

    fn builtin_method(&mut self, unit: &Unit, receiver: &Value, method: &str, arguments: &Arguments) -> Option<Value> {
        if matches!(receiver.known, Known::Unknown | Known::Nothing | Known::Api(_) | Known::Function(_)) {
            return None;
        }
        if !STEPWISE.contains(&method) && !self.affords(std::iter::once(receiver).chain(arguments.all())) {
            return None;
        }
        if let Some(added) = arguments.positional.last() {
            self.note_change(receiver, added);
        }
        let language = unit.program.language;
        let mut apply = |function: &Value, values: &[Value]| self.apply_value(function, values);
        match language {
            Language::Python => python::method(&receiver.known, method, arguments, &mut apply),
            Language::JavaScript => javascript::method(&receiver.known, method, arguments, &mut apply),
            Language::PowerShell => powershell::method(&receiver.known, method, arguments, &mut apply),
            _ => None,
        }
    }

    fn builtin_function(&mut self, unit: &Unit, path: &str, arguments: &Arguments) -> Option<Value> {
        if !STEPWISE.contains(&path) && !self.affords(arguments.all()) {
            return None;
        }
        let language = unit.program.language;
        let mut apply = |function: &Value, values: &[Value]| self.apply_value(function, values);
        match language {
            Language::Python => python::function(path, arguments, &mut apply),
            Language::JavaScript => javascript::function(path, arguments, &mut apply),
            Language::PowerShell => powershell::function(path, arguments, &mut apply),
            Language::Shell => shell::function(path, arguments, &mut apply),
            Language::Jvm => jvm::function(path, arguments, &mut apply),
            Language::Rust => None,
        }
    }

    /// Pays for what a builtin reads. What is too large, or nested so that it would be written out many times, is not
    /// followed.
    fn affords<'v>(&mut self, values: impl Iterator<Item = &'v Value>) -> bool {
        let mut left = MAX_READ;
        for value in values {
            let address = address(value);
            if address.is_some_and(|address| self.heavy.contains_key(&address)) {
                return false;
            }
            weigh(value, 0, &mut left);
            if left == 0 {
                self.heavy.extend(address.map(|address| (address, value.clone())));
                break;
            }
        }
        left > 0 && self.spend((MAX_READ - left) / 4)
    }

    /// The arguments as the platform gets them: parts of the platform that are passed as a whole are read.
    fn touched(&mut self, unit: &Rc<Unit>, at: Expr, mut arguments: Arguments) -> Arguments {
        for value in arguments.positional.iter_mut().chain(arguments.named.iter_mut().map(|(_, value)| value)) {
            if matches!(value.known, Known::Api(_)) {
                *value = self.touch(unit, at, std::mem::take(value));
            }
        }
        arguments
    }

    #[expect(clippy::too_many_arguments, reason = "a call is all of these")]
    fn call_api(
        &mut self,
        unit: &Rc<Unit>,
        at: Expr,
        path: &Rc<str>,
        receiver: Option<Value>,
        method: Option<&str>,
        arguments: Arguments,
        scope: &Rc<Scope>,
    ) -> Value {
        if let Some(value) = self.reflect(unit, at, path, &arguments, scope) {
            return value;
        }
        let arguments = self.touched(unit, at, arguments);
        let mut taint = arguments.all().fold(Taint::default(), |all, value| all.with(&value.taint));
        let entries = self.entries(unit, path);
        if let Some(receiver) = receiver {
            let receiver = if entries.is_empty() { self.touch(unit, at, receiver) } else { receiver };
            taint = taint.with(&receiver.taint);
        }
        let mut result = taint.clone();
        let mut called = false;
        for entry in entries {
            if entry.when == When::Called && applies(entry, &arguments, unit.program.language) {
                result = result.with(&self.entry(unit, at, path, entry, &arguments, &taint, scope));
                called |= entry.callback.is_some();
            }
        }
        if entries.is_empty() && matches!(unit.program.language, Language::Shell) && !unit.quiet {
            let detail = operators::command(path, &arguments);
            self.act(unit, at, Capability::Execute, &detail, &taint);
        }
        if entries.is_empty() && method.is_some_and(|method| DECODING.contains(&method)) {
            let act = self.act(unit, at, Capability::Decode, "cipher", &taint);
            result = result.with(&Taint::of(Source::Decoded, act));
        }
        let runs =
            method.is_some_and(|method| RUNNING.contains(&method)) && unit.program.language == Language::JavaScript;
        if runs && !called {
            let loaded = path.strip_suffix(".then").filter(|module| self.modules.contains(*module));
            let passed = loaded.map_or_else(Value::default, Value::api).tainted(&taint);
            result = result.with(&self.call_back(&arguments, &passed));
        }
        if Self::may_be_own(unit, path) {
            result = result.with(&self.used(unit, path, &arguments));
        }
        if unit.program.language == Language::Python
            && let Some(value) = python::path_of(path, &arguments)
        {
            return value.tainted(&result);
        }
        if let Some(value) = self.builtin_function(unit, path, &arguments) {
            return value.tainted(&result);
        }
        let evaluated = std::mem::take(&mut self.evaluated);
        if &**path == "eval" && !matches!(evaluated.known, Known::Unknown) {
            return evaluated.tainted(&result);
        }
        if path.len() > MAX_PATH {
            return Value::unknown(result);
        }
        Value::from(Known::Api(self.returned_path(path))).tainted(&result)
    }

    /// One entry of the table applied to a call: the act, and what the result comes from.
    #[expect(clippy::too_many_arguments, reason = "a call is all of these")]
    fn entry(
        &mut self,
        unit: &Rc<Unit>,
        at: Expr,
        path: &str,
        entry: &Entry,
        arguments: &Arguments,
        taint: &Taint,
        scope: &Rc<Scope>,
    ) -> Taint {
        let command = Self::command(entry, arguments);
        let detail = command.clone().or_else(|| detail(entry, arguments)).or_else(|| entry.detail.clone());
        let detail = match (unit.program.language, entry.capability) {
            (Language::Shell, Some(Capability::Execute)) => Some(operators::command(path, arguments)),
            _ => detail,
        };
        let detail = match (&detail, entry.name_from_path) {
            (_, true) => path.rsplit('.').next().unwrap_or_default().to_owned(),
            (Some(detail), false) => detail.clone(),
            (None, false) => String::new(),
        };
        let code = entry.code.iter().find_map(|pick| picked(pick, arguments));
        if entry.capability == Some(Capability::Network) && detail.starts_with(OWN_RESOURCE) {
            return taint.clone();
        }
        let taint = &sent(unit, entry, arguments, taint);
        let act = entry.capability.map(|capability| self.act(unit, at, capability, &detail, taint));
        if let Some(code) = code {
            self.evaluated = self.run_value(unit, at, &code, entry.language.unwrap_or(unit.program.language), scope);
        }
        if let Some(command) = command {
            self.run_code(unit, at, &command, Language::Shell, "command", scope);
        }
        if let Some(script) = entry.script.iter().find_map(|pick| script(pick, arguments)) {
            let offset = unit.program.offsets.get(at.0 as usize).copied().unwrap_or(0);
            let script =
                if script.starts_with('.') || script.starts_with('/') { script } else { format!("./{script}") };
            self.import(unit, &script, Vec::new(), offset);
        }
        let act = act.unwrap_or(NO_ACT);
        for pick in &entry.calls {
            for value in picked_all(pick, arguments) {
                self.call_all(&value, 3);
            }
        }
        let source = entry.result.map(|source| self.refined(source, act));
        let mut result = source.map_or_else(Taint::default, |source| Taint::of(source, act));
        if let Some(source) = entry.callback {
            let passed = Value::unknown(taint.with(&Taint::of(source, act)));
            result = result.with(&self.call_back(arguments, &passed));
        }
        result
    }

    /// What comes out of a file of secrets is a secret.
    fn refined(&self, source: Source, act: u32) -> Source {
        match self.facts.acts.get(act as usize).map(|act| act.capability) {
            Some(Capability::ReadSecret) => Source::Secret,
            Some(Capability::CloudSecret) => Source::CloudSecret,
            _ => source,
        }
    }

    /// The command line that an entry runs.
    fn command(entry: &Entry, arguments: &Arguments) -> Option<String> {
        let line = entry.shell.iter().find_map(|pick| picked(pick, arguments));
        if let Some(line) = line {
            return operators::words(&line);
        }
        let command = entry.command.iter().find_map(|pick| picked(pick, arguments))?;
        let mut text = operators::words(&command)?;
        if let Some(rest) = entry.arguments.iter().find_map(|pick| picked(pick, arguments))
            && let Some(rest) = operators::words(&rest)
        {
            text.push(' ');
            text.push_str(&rest);
        }
        Some(text)
    }

    /// Calls the functions among the arguments, and in the maps among them, with a value for each parameter.
    fn call_back(&mut self, arguments: &Arguments, passed: &Value) -> Taint {
        let mut taint = Taint::default();
        let mut functions = Vec::new();
        for value in arguments.all() {
            self.reached_parameter(value, false);
            match &value.known {
                Known::Function(closure) => functions.push(closure.clone()),
                Known::Api(path) => self.used_as_function(path),
                Known::Map(entries) => {
                    let entries = entries.borrow();
                    functions.extend(entries.values().filter_map(|value| match &value.known {
                        Known::Function(closure) => Some(closure.clone()),
                        _ => None,
                    }));
                }
                _ => {}
            }
        }
        for closure in functions.into_iter().take(MAX_CALLBACKS) {
            let count = self.unit_of(&closure).program.function(closure.function).parameters.len();
            taint = taint.with(&self.apply(&closure, None, &vec![passed.clone(); count]).taint);
        }
        taint
    }

    /// Calls a function, or every function in a list, map or class.
    pub(super) fn call_all(&mut self, value: &Value, depth: u8) {
        let inner: Vec<Value> = match &value.known {
            Known::Function(closure) => {
                let closure = closure.clone();
                let count = self.unit_of(&closure).program.function(closure.function).parameters.len();
                self.apply(&closure, None, &vec![Value::default(); count]);
                return;
            }
            Known::List(items) => items.borrow().iter().take(MAX_CALLBACKS).cloned().collect(),
            Known::Map(entries) => entries.borrow().values().take(MAX_CALLBACKS * 4).cloned().collect(),
            Known::Api(path) => return self.used_as_function(path),
            _ => return self.reached_parameter(value, false),
        };
        if depth > 0 {
            for value in inner {
                self.call_all(&value, depth - 1);
            }
        }
    }

    fn apply_value(&mut self, function: &Value, values: &[Value]) -> Value {
        match &function.known {
            Known::Function(closure) => {
                let closure = closure.clone();
                self.apply(&closure, None, values)
            }
            Known::Api(path) => {
                let Some(unit) = self.units.last().cloned() else { return Value::default() };
                let arguments = Arguments { positional: values.to_vec(), named: Vec::new() };
                let taint = arguments.all().fold(Taint::default(), |all, value| all.with(&value.taint));
                let path = Rc::clone(path);
                self.builtin_function(&unit, &path, &arguments).unwrap_or_default().tainted(&taint)
            }
            _ => Value::default(),
        }
    }

    pub(super) fn apply(&mut self, closure: &Closure, this: Option<&Value>, values: &[Value]) -> Value {
        self.apply_named(closure, this, values.to_vec(), &[])
    }

    fn apply_named(
        &mut self,
        closure: &Closure,
        this: Option<&Value>,
        values: Vec<Value>,
        named: &[(Rc<str>, Value)],
    ) -> Value {
        let key = (closure.program, closure.function.0);
        let plain = |value: &Value| matches!(value.known, Known::Unknown) && value.taint.is_none();
        let unknown = named.is_empty() && values.iter().all(plain) && this.is_none_or(plain);
        let taint = values.iter().chain(named.iter().map(|(_, value)| value));
        let taint = taint.fold(Taint::default(), |all, value| all.with(&value.taint));
        if unknown && let Some(summary) = self.summaries.get(&(key.0, key.1, self.moment)) {
            let (value, reached) = summary.clone();
            self.lead_to(&reached);
            return value;
        }
        let calls = self.calls_of.entry(key).or_default();
        calls.rounds += 1;
        let fresh = taint.sources() & !calls.sources != 0;
        calls.sources |= taint.sources();
        let CallsOf { rounds, active, fruitless, visited: again, .. } = *calls;
        let known = !values.is_empty() && values.iter().all(is_told);
        let deep = active >= if known { MAX_CALLS } else { MAX_RECURSION };
        let weight = 4 + self.units[closure.program as usize].program.function(closure.function).locals.len() as u64;
        let spent = rounds > MAX_ROUNDS || self.calls >= MAX_CALLS || deep || !self.spend(weight);
        if spent || (again && !fresh && (self.repeats == 0 || fruitless >= MAX_FRUITLESS)) {
            self.lead_as_before(key);
            return Value::unknown(taint);
        }
        let (steps, facts) = (self.steps, self.facts.acts.len() + self.facts.flows.len());
        let unit = self.unit_of(closure);
        let calls = self.calls_of.entry(key).or_default();
        calls.visited = true;
        calls.active += 1;
        let scope = self.frame(&unit, closure, this, values, named);
        let function = unit.program.function(closure.function);
        let name = function.name.map(|name| self.name(name)).or_else(|| self.function.clone());
        let saved = (
            std::mem::take(&mut self.returned),
            std::mem::replace(&mut self.function, name),
            std::mem::take(&mut self.uncertain),
            std::mem::take(&mut self.loops),
        );
        let outer = self.enter_function();
        self.calls += 1;
        self.block(&unit, &function.body, &scope);
        self.calls -= 1;
        let reached = self.leave_function(key, outer);
        let result = std::mem::replace(&mut self.returned, saved.0);
        (self.function, self.uncertain, self.loops) = (saved.1, saved.2, saved.3);
        let calls = self.calls_of.entry(key).or_default();
        calls.active -= 1;
        if again && !(known && is_told(&result)) && facts == self.facts.acts.len() + self.facts.flows.len() {
            calls.fruitless += 1;
            self.repeats = self.repeats.saturating_sub(steps.saturating_sub(self.steps));
        }
        if unknown {
            self.summaries.insert((key.0, key.1, self.moment), (result.clone(), reached));
        }
        result
    }

    /// The variables of a call.
    fn frame(
        &mut self,
        unit: &Rc<Unit>,
        closure: &Closure,
        this: Option<&Value>,
        values: Vec<Value>,
        named: &[(Rc<str>, Value)],
    ) -> Rc<Scope> {
        let function = unit.program.function(closure.function);
        let variables = RefCell::new(Variables::declared(&function.locals));
        let scope = Rc::new(Scope { variables, outer: Some(Rc::clone(&closure.scope)) });
        {
            let mut variables = scope.variables.borrow_mut();
            if unit.program.language == Language::JavaScript {
                if let Some(this) = this.filter(|this| matches!(this.known, Known::Map(_))) {
                    variables.insert(self.names.intern("this"), this.clone());
                }
                if let Some(arguments) = self.names.find("arguments") {
                    variables.insert(arguments, Value::list(values.clone()));
                }
            }
        }
        let mut values = values.into_iter();
        for parameter in &function.parameters {
            let key = match unit.program.expression(parameter.target) {
                Expression::Name(name) => Some(self.name(*name)),
                _ => None,
            };
            let by_name = key.as_deref().and_then(|key| named.iter().find(|(name, _)| &**name == key));
            let mut value = match (parameter.rest, by_name) {
                (true, _) => Value::list(values.by_ref().collect()),
                (false, Some((_, value))) => value.clone(),
                (false, None) => match (values.next(), parameter.default) {
                    (Some(value), _) => value,
                    (None, Some(default)) => self.path(unit, default, &closure.scope),
                    (None, None) => Value::default(),
                },
            };
            let keyish = match unit.program.expression(parameter.target) {
                Expression::Name(name) => self.is_key_name(*name),
                _ => false,
            };
            if keyish {
                value.taint = value.taint.with(&Taint::of(Source::KeyMaterial, NO_ACT));
            }
            self.assign(unit, parameter.target, value, &scope);
        }
        scope
    }
}

/// Where a container lies in memory.
fn address(value: &Value) -> Option<usize> {
    match &value.known {
        Known::List(items) => Some(Rc::as_ptr(items) as usize),
        Known::Map(entries) => Some(Rc::as_ptr(entries) as usize),
        _ => None,
    }
}

/// Takes what a value weighs off what is left: items of containers, and 64 bytes of texts, one each.
fn weigh(value: &Value, depth: u8, left: &mut u64) {
    let own = match &value.known {
        Known::Text(text) | Known::Partial(text) => 1 + text.len() as u64 / 64,
        Known::Bytes(bytes) => 1 + bytes.len() as u64 / 64,
        _ => 1,
    };
    *left = left.saturating_sub(own);
    if *left == 0 || depth > MAX_DEPTH {
        *left = 0;
        return;
    }
    match &value.known {
        Known::List(items) => {
            let Ok(items) = items.try_borrow() else { return };
            for item in items.iter() {
                weigh(item, depth + 1, left);
                if *left == 0 {
                    return;
                }
            }
        }
        Known::Map(entries) => {
            let Ok(entries) = entries.try_borrow() else { return };
            for item in entries.values() {
                if matches!(item.known, Known::Function(_)) {
                    continue;
                }
                weigh(item, depth + 1, left);
                if *left == 0 {
                    return;
                }
            }
        }
        _ => {}
    }
}

/// True for what decoders take and give, and what paths and commands are made of: texts, bytes, numbers, lists.
fn is_told(value: &Value) -> bool {
    use Known::{Boolean, Bytes, List, Number, Partial, Text};
    matches!(value.known, Text(_) | Partial(_) | Bytes(_) | Number(_) | Boolean(_) | List(_))
}

fn is_instance(value: &Value) -> bool {
    match &value.known {
        Known::Map(entries) => entries.borrow().first().is_some_and(|(key, _)| &**key == INSTANCE),
        _ => false,
    }
}

/// Whether the conditions of an entry on its arguments hold.
fn applies(entry: &Entry, arguments: &Arguments, language: Language) -> bool {
    if entry.arity.is_some_and(|arity| arity != arguments.positional.len()) {
        return false;
    }
    let unknown = || arguments.all().any(|value| matches!(value.known, Known::Unknown));
    if !entry.with.is_empty() && entry.with.iter().all(|pick| picked(pick, arguments).is_none()) && !unknown() {
        return false;
    }
    if let Some(keyword) = &entry.when_false
        && arguments.named(keyword).is_none_or(|value| truth(value, language) != Some(false))
    {
        return false;
    }
    if let Some((picks, writes)) = &entry.mode {
        let mode = picks.iter().find_map(|pick| picked(pick, arguments));
        let mode = mode.as_ref().and_then(Value::as_text).map_or("r", |mode| mode);
        return mode.contains(['w', 'a', 'x', '+']) == *writes;
    }
    true
}

fn detail(entry: &Entry, arguments: &Arguments) -> Option<String> {
    entry.details.iter().find_map(|pick| {
        let value = picked(pick, arguments)?;
        operators::words(&value).filter(|text| !text.is_empty())
    })
}

/// What goes along with an act. Where a class of Java connects to comes from its settings; what it sends there is in
/// other arguments. What Python gives a program as its surroundings is not what it tells it to do.
fn sent(unit: &Unit, entry: &Entry, arguments: &Arguments, taint: &Taint) -> Taint {
    const SURROUNDINGS: [&str; 2] = ["env", "cwd"];
    if unit.program.language == Language::Python && entry.capability == Some(Capability::Execute) {
        let orders =
            arguments.named.iter().filter(|(name, _)| !SURROUNDINGS.contains(&&**name)).map(|(_, value)| value);
        return arguments.positional.iter().chain(orders).fold(Taint::default(), |all, value| all.with(&value.taint));
    }
    if unit.program.language != Language::Jvm || entry.capability != Some(Capability::Network) {
        return taint.clone();
    }
    match entry.details.iter().find_map(|pick| picked(pick, arguments)) {
        Some(address) if operators::words(&address).is_none() => {
            let others = arguments.all().filter(|value| !value.taint.is_same(&address.taint));
            others.fold(Taint::default(), |all, value| all.with(&value.taint))
        }
        _ => taint.clone(),
    }
}

/// The argument that is meant: a position, a keyword, or a member of an options object.
fn picked(pick: &Pick, arguments: &Arguments) -> Option<Value> {
    match pick {
        Pick::At(position) => arguments.at(*position).cloned(),
        Pick::Named(name) => arguments.named(name).cloned().or_else(|| {
            arguments.positional.iter().find_map(|value| match &value.known {
                Known::Map(entries) => entries.borrow().get(&**name).cloned(),
                _ => None,
            })
        }),
        Pick::Any => arguments.all().find(|value| looks_like_address(value)).cloned(),
        Pick::Last => arguments.positional.last().cloned(),
        Pick::After(option) => {
            let at =
                arguments.positional.iter().position(|value| value.as_text().is_some_and(|text| **text == **option))?;
            arguments.at(at + 1).cloned()
        }
    }
}

fn picked_all(pick: &Pick, arguments: &Arguments) -> Vec<Value> {
    match pick {
        Pick::Any => arguments.all().cloned().collect(),
        pick => picked(pick, arguments).into_iter().collect(),
    }
}

/// True if a text begins like an address of the network, whose host is known in part.
fn is_address(text: &str) -> bool {
    let rest = ["https://", "http://", "wss://", "ws://"].iter().find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()) && rest.contains('.'))
}

fn looks_like_address(value: &Value) -> bool {
    value.as_partial().is_some_and(|text| text.contains("://") || (text.contains('.') && !text.contains(' ')))
}

/// The script of a command: the first argument that is no option. Where its folder is not known, it is taken to be that
/// of the file that runs it.
fn script(pick: &Pick, arguments: &Arguments) -> Option<String> {
    let Pick::At(_) = pick else { return picked(pick, arguments)?.as_text().map(ToString::to_string) };
    let words = arguments.positional.iter().filter_map(|value| beside(value.as_partial()?));
    let word = words.into_iter().find(|word| !word.starts_with('-') && !matches!(*word, "run" | "x" | "exec"))?;
    let inline = arguments
        .positional
        .iter()
        .any(|value| value.as_text().is_some_and(|text| matches!(&**text, "-e" | "-c" | "--eval" | "-p" | "-m")));
    (!inline && word.len() < MAX_PATH).then(|| word.to_owned())
}

/// A path, without a folder in front of it that is not known. Nothing if more of it is not known.
fn beside(path: &str) -> Option<&str> {
    let known = path.strip_prefix(HOLE).and_then(|path| path.strip_prefix(['/', '\\'])).unwrap_or(path);
    (!known.contains(HOLE)).then_some(known)
}
