//! Uses of other files of the package: which function of which module is called, with what. What goes in and out is settled
//! when files are linked, and only then it is known whether there is such a file.

use std::rc::Rc;

use super::{MAX_FACTS, Machine, NO_ACT, USE, Unit, to_u32};
use crate::capability::Source;
use crate::facts::{Callback, FileGap, Use};
use crate::ir::Language;
use crate::value::{Arguments, Known, Taint, Value};

/// How many members deep in a module of the package a function is looked for.
const MAX_MEMBERS: usize = 8;
/// How many modules of which every name is imported are asked for a name.
const MAX_STARS: usize = 64;

impl Machine {
    /// True if a path may be that of something in another file of the package.
    pub(super) fn may_be_own(unit: &Unit, path: &str) -> bool {
        match unit.program.language {
            Language::JavaScript => path.starts_with('.'),
            Language::Jvm => !path.starts_with("java"),
            Language::Python | Language::Rust => path.starts_with('.') || !Self::catalogue(unit).has_root(path),
            Language::Shell | Language::PowerShell => false,
        }
    }

    /// A function of another file is given to something that calls it, or a class, whose methods are called.
    pub(super) fn used_as_function(&mut self, path: &Rc<str>) {
        let Some(unit) = self.units.last().cloned() else { return };
        if !Self::may_be_own(&unit, path) {
            return;
        }
        self.used(&unit, path, &Arguments::default());
        let class = path.strip_suffix(".new()").unwrap_or(path);
        let named_so = class.rsplit('.').next().is_some_and(|name| name.starts_with(char::is_uppercase));
        if named_so || matches!(unit.program.language, Language::JavaScript | Language::Jvm) {
            self.used(&unit, &format!("{class}.*"), &Arguments::default());
        }
    }

    /// A function of another file is called.
    pub(super) fn used(&mut self, unit: &Unit, path: &str, arguments: &Arguments) -> Taint {
        let mut taint = Taint::default();
        for (module, name) in self.homes(unit, path) {
            taint = taint.with(&self.used_of(&module, &name, arguments));
        }
        taint
    }

    /// The modules that a path may lead into, and its name there.
    pub(super) fn homes(&self, unit: &Unit, path: &str) -> Vec<(Rc<str>, Rc<str>)> {
        let ends = path.char_indices().rev().filter(|(_, c)| *c == '.').map(|(at, _)| at);
        // The package around is only dots.
        let around = path.len() - path.trim_start_matches('.').len();
        let ends = std::iter::once(path.len()).chain(ends).take(MAX_MEMBERS).chain([around]);
        let home = ends.into_iter().find_map(|end| {
            let module = self.modules.get(path[..end].trim_end_matches("()"))?;
            Some((Rc::clone(module), called(&path[end..])))
        });
        if let Some(home) = home {
            return vec![home];
        }
        match unit.program.language {
            // A name that nothing here gives may come from a module of which all names are imported.
            Language::Python if !path.starts_with('.') => {
                self.stars.iter().take(MAX_STARS).map(|module| (Rc::clone(module), called(path))).collect()
            }
            // A path may begin at the root of the crate.
            Language::Rust if path.contains('.') => vec![("crate".into(), called(path))],
            _ => Vec::new(),
        }
    }

    fn used_of(&mut self, module: &Rc<str>, name: &Rc<str>, arguments: &Arguments) -> Taint {
        let from = |value: &Value| {
            let own = value.taint.origins().iter().filter(|origin| origin.source != Source::Parameter);
            own.map(|origin| (origin.source, (origin.act != NO_ACT).then_some(origin.act))).collect::<Vec<_>>()
        };
        let callbacks = self.callbacks(module, arguments);
        let mut passed: Vec<_> = arguments.positional.iter().map(from).collect();
        while passed.last().is_some_and(Vec::is_empty) {
            passed.pop();
        }
        let (module, name) = (module.to_string(), name.to_string());
        let used = Use { module, name, moment: self.moment, arguments: passed, reaches: Vec::new(), callbacks };
        let known = self.known_uses.get(&used).copied();
        let at = known.unwrap_or_else(|| to_u32(self.facts.uses.len()));
        if known.is_none() {
            if self.facts.uses.len() >= MAX_FACTS {
                self.lose();
                return Taint::default();
            }
            self.facts.uses.push(used.clone());
            self.known_uses.insert(used, at);
        }
        self.reached_use(at);
        Taint::of(Source::Parameter, USE | at)
    }

    /// There are more exports, uses, or functions in an argument, than are followed.
    pub(super) fn lose(&mut self) {
        let what = "more calls of other files, or functions for them, than are followed".to_owned();
        let gap = FileGap { what, line: 0, whole: false };
        if !self.facts.gaps.contains(&gap) {
            self.facts.gaps.push(gap);
        }
    }

    /// The functions among the arguments of a call, with what they lead to. What a method is called on is none.
    fn callbacks(&mut self, module: &str, arguments: &Arguments) -> Vec<Callback> {
        let positional = arguments.positional.iter().enumerate().map(|(at, value)| (u8::try_from(at).ok(), value));
        let named = arguments.named.iter().map(|(_, value)| (None, value));
        let own =
            |value: &Value| matches!(&value.known, Known::Api(path) if path.strip_suffix(".new()") == Some(module));
        let all = positional.chain(named).filter(|(_, value)| !own(value));
        let all: Vec<(Option<u8>, Value)> = all.map(|(at, value)| (at, value.clone())).collect();
        all.into_iter().filter_map(|(at, value)| self.functions_in(at, &value)).collect()
    }

    /// The module that a path leads into, and its name there, if that may be another file's.
    pub(super) fn home_of(&self, unit: &Unit, path: &str) -> Option<(Rc<str>, Rc<str>)> {
        Self::may_be_own(unit, path).then(|| self.homes(unit, path).into_iter().next()).flatten()
    }
}

/// The name of what is called, without the calls on the way: `A().run` is a method `run` of what `A` makes. What a
/// function gives that is called itself is another function: `f()`.
fn called(path: &str) -> Rc<str> {
    let path = path.trim_start_matches('.');
    let segments = path.split('.').map(|segment| segment.trim_end_matches("()")).filter(|segment| !segment.is_empty());
    let name = segments.collect::<Vec<_>>().join(".");
    let name = if name.is_empty() { "default" } else { &name };
    if path.ends_with("()") { format!("{name}()").into() } else { name.into() }
}
