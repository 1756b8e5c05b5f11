//! Bytecode of the Java virtual machine.
//!
//! Class files are read by a reader of our own (see `class`): one that refuses what the machine would run is a place to
//! hide in, and one that is quick is needed for jars of ten thousand classes. Each method is walked once from its first to
//! its last instruction, with the operand stack kept as expressions. Jumps are not followed; where ways meet, what lies on
//! the stack is either of the two. What a call is given is thereby known as it is written in the source: constants, other
//! calls, parameters.
//!
//! A method is called by the path of its class and name, with the receiver as the first argument. The offset of an
//! expression is the line of the source that the compiler noted, from 0: as if the source were nothing but line ends.

pub(crate) mod builtins;
mod class;
mod code;
mod operators;
mod sieve;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use class::{Class, Method};

use super::Reading;
use super::shell::Builder;
use crate::ir::{Block, Expr, Expression, Function, Language, Names, Parameter, Program, Statement, Sym};

/// The most classes that one class is noted to use.
const MAX_IMPORTS: usize = 2_000;

/// Lowers a class file: the whole of it, or, where nothing is to be found in it, what loading it does.
pub(crate) fn lower(bytes: &[u8], reading: Reading, names: &mut Names) -> Program {
    let mut b = Builder::new(Language::Jvm, names);
    let class = match Class::read(bytes) {
        Ok(class) => class,
        Err(problem) => {
            b.problem(&format!("this is no class file that can be read: {problem}"), 0);
            return b.finish(Block::new());
        }
    };
    let sifted = reading == Reading::Sifted && !sieve::asks(&class);
    let mut lowering = Lowering::new(b, &class);
    let body = lowering.class(sifted);
    Program { sifted, ..lowering.b.finish(body) }
}

/// A member that is named in the constant pool.
#[derive(Clone)]
struct Target {
    /// What is called, or the path of the field.
    callee: Sym,
    class: Rc<str>,
    name: Rc<str>,
    /// For each parameter, whether it takes two slots.
    parameters: Rc<[bool]>,
    /// Whether there is a result, and whether that takes two slots.
    result: Option<bool>,
    /// The first parameter is a stream to write to.
    wraps: bool,
}

/// The lowering of one class.
struct Lowering<'n, 'c> {
    b: Builder<'n>,
    class: &'c Class<'c>,
    /// The path of the class.
    path: Rc<str>,
    /// Members by their number in the constant pool.
    targets: HashMap<u16, Option<Target>>,
    /// Names of methods that the class has more than once.
    overloaded: HashSet<Rc<str>>,
    /// Methods of this class.
    own: HashSet<Rc<str>>,
    /// The names of slots of variables.
    slots: Vec<Sym>,
    fresh: u32,
}

impl<'n, 'c> Lowering<'n, 'c> {
    fn new(b: Builder<'n>, class: &'c Class<'c>) -> Self {
        let path = dotted(&class.name);
        let (mut own, mut overloaded) = (HashSet::new(), HashSet::new());
        for method in &class.methods {
            let name: Rc<str> = class.text(method.name).into();
            if !own.insert(Rc::clone(&name)) {
                overloaded.insert(name);
            }
        }
        Self { b, class, path, targets: HashMap::new(), overloaded, own, slots: Vec::new(), fresh: 0 }
    }

    fn class(&mut self, sifted: bool) -> Block {
        let mut block = Block::new();
        self.imports(&mut block);
        self.parents(&mut block);
        self.constants(&mut block);
        let class = self.class;
        let initialised = self.own.contains("<clinit>");
        // What a class does when it is loaded counts even if it only calls others.
        let called = if initialised && sifted { sieve::own_called(class) } else { HashSet::new() };
        for method in class.methods.iter().filter(|method| !sifted || called.contains(&*class.text(method.name))) {
            self.method(method, &mut block);
        }
        if initialised {
            let name = format!("{}.<clinit>", self.path);
            let call = self.b.call_name(&name, Vec::new(), 0);
            block.push(Statement::Do(call));
        }
        block
    }

    fn imports(&mut self, block: &mut Block) {
        let class = self.class;
        for name in class.classes().filter(|name| *name != class.name).take(MAX_IMPORTS) {
            let platform = ["[", "java/", "javax/", "jdk/", "sun/"].iter().any(|prefix| name.starts_with(prefix));
            if !platform {
                block.push(Statement::Import { module: name.as_ref().into(), names: Vec::new() });
            }
        }
    }

    /// What the class is by its parents is called for: a trust manager of one's own, a loader of classes.
    fn parents(&mut self, block: &mut Block) {
        for parent in &self.class.parents {
            if parent != "java/lang/Object" {
                let name = format!("{}.implement", dotted(parent));
                let call = self.b.call_name(&name, Vec::new(), 0);
                block.push(Statement::Do(call));
            }
        }
    }

    /// Fields that are constants.
    fn constants(&mut self, block: &mut Block) {
        for &(name, value) in &self.class.constants {
            let Some(value) = self.constant(value, 0) else { continue };
            let name = format!("{}.{}", self.path, self.class.text(name));
            let target = self.b.name(&name, 0);
            let assign = self.b.assign(target, value, 0);
            block.push(Statement::Do(assign));
        }
    }

    /// A number or text of the constant pool.
    fn constant(&mut self, index: u16, at: u32) -> Option<Expr> {
        Some(match self.class.entry(index) {
            class::Entry::Number(number) => self.b.number(number, at),
            class::Entry::Text(text) => {
                let text = self.class.text(text);
                self.b.text(&text, at)
            }
            _ => return None,
        })
    }

    /// The name by which a method of this class is called: with its types where it alone would not tell.
    fn method_name(&self, class: &str, name: &str, descriptor: &str) -> String {
        if *class == *self.path && self.overloaded.contains(name) {
            format!("{class}.{name}{}", descriptor.replace(['/', '.'], "_"))
        } else if name == "<init>" && *class != *self.path {
            format!("{class}.new")
        } else {
            format!("{class}.{name}")
        }
    }

    fn method(&mut self, method: &Method<'c>, block: &mut Block) {
        let (name, descriptor) = (self.class.text(method.name), self.class.text(method.descriptor));
        let Some(code) = &method.code else { return };
        let full = self.method_name(&self.path, &name, &descriptor);
        let sym = self.b.sym(&full);
        let line = code.lines.first().map_or(0, |(_, line)| u32::from(*line).saturating_sub(1));
        let (wide, _) = class::parameters(&descriptor);
        let mut parameters = Vec::new();
        let mut slot = 0_u16;
        let own = (!method.is_static).then_some(false);
        for wide in own.into_iter().chain(wide) {
            let target = self.slot(slot);
            let target = self.b.add(Expression::Name(target), line);
            parameters.push(Parameter { target, default: None, rest: false });
            slot = slot.saturating_add(1 + u16::from(wide));
        }
        let (body, used) = code::walk(self, code);
        let locals = (0..used.max(slot)).map(|slot| self.slot(slot)).collect();
        let short = self.b.sym(&name);
        let function = Function { name: Some(short), parameters, body, locals, offset: line };
        let function = self.b.define(function);
        block.push(Statement::Define(sym, function));
        let exported = if &*name == "<init>" { self.b.sym("new") } else { short };
        if !method.is_private && (exported != short || !name.starts_with('<')) {
            let value = self.b.add(Expression::Name(sym), line);
            block.push(Statement::Export(exported, value));
        }
    }

    /// The name of a variable's slot.
    fn slot(&mut self, slot: u16) -> Sym {
        while self.slots.len() <= usize::from(slot) {
            let name = format!("v{}", self.slots.len());
            let sym = self.b.sym(&name);
            self.slots.push(sym);
        }
        self.slots.get(usize::from(slot)).copied().unwrap_or(Sym(0))
    }

    /// The member that an instruction names.
    fn member(&mut self, index: u16) -> Option<Target> {
        if let Some(known) = self.targets.get(&index) {
            return known.clone();
        }
        let target = self.class.member(index).map(|(class, name, descriptor)| {
            let class = dotted(&class);
            let (parameters, result) = class::parameters(&descriptor);
            let path = if descriptor.starts_with('(') {
                self.method_name(&class, &name, &descriptor)
            } else {
                format!("{class}.{name}")
            };
            let callee = self.b.sym(&path);
            let wraps = ["(Ljava/io/OutputStream;", "(Ljava/io/Writer;"].iter().any(|p| descriptor.starts_with(p));
            Target { callee, class, name: name.into(), parameters: parameters.into(), result, wraps }
        });
        self.targets.insert(index, target.clone());
        target
    }
}

/// `a/b/C` with dots.
fn dotted(name: &str) -> Rc<str> {
    name.replace('/', ".").into()
}
