//! Python, as ruff's parser reads it.
//!
//! The parser goes on after an error, so that a file of Python 2, or one that was cut off, is still lowered as far as it
//! can be read. What the parser's trees can do to a stack is measured before it is asked: see [`depth`].

mod depth;
mod expressions;
mod patterns;
mod python2;
mod statements;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::panic::catch_unwind;

use ruff_python_ast::{Mod, ModModule, Suite};
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_unchecked};
use ruff_text_size::{Ranged, TextSize};

use crate::ir::{Block, Expr, Expression, Language, Names, Program, Sym};

/// The longest source that is parsed: 64 MB.
pub(crate) const MAX_SOURCE: usize = 64 * 1024 * 1024;

/// The deepest nesting that the parser is given, in brackets, blocks, prefix operators and what else it recurses on.
const MAX_NESTING: usize = 1_500;

/// The longest chain of operators, members and calls whose tree is dropped by recursion.
const MAX_DROPPED_CHAIN: usize = 1_000;

/// The deepest expression or block that is lowered.
const MAX_DEPTH: u32 = 400;

/// The most problems that are kept of one file.
const MAX_PROBLEMS: usize = 20;

/// Bytes of source for each expression, about, as the standard library has them; room is made for that many at first.
const BYTES_AN_EXPRESSION: usize = 14;

/// The most expressions that room is made for at first.
const MAX_ROOM: usize = 200_000;

/// A byte order mark.
const MARK: &str = "\u{feff}";

/// The program of a source. What could not be read is in its problems.
pub(crate) fn lower(source: &str, names: &mut Names) -> Program {
    let mut program = Program::new(Language::Python);
    if source.len() > MAX_SOURCE {
        program.problems.push((format!("longer than {MAX_SOURCE} bytes"), 0));
        return program;
    }
    let (text, base) = readable(source);
    let shape = depth::measure(&text);
    if shape.nesting > MAX_NESTING {
        program.problems.push((format!("nested deeper than {MAX_NESTING} levels"), 0));
        return program;
    }
    let Some((text, parsed)) = parse(text) else {
        program.problems.push(("the parser gave up".to_owned(), 0));
        return program;
    };
    let room = (text.len() / BYTES_AN_EXPRESSION).min(MAX_ROOM);
    program.expressions.reserve(room);
    program.offsets.reserve(room);
    let mut lowering = Lowering::new(&text, base, program, names);
    lowering.note_errors(&parsed);
    let mut body = Block::new();
    lowering.block(parsed.suite(), &mut body);
    let mut program = lowering.program;
    program.body = body;
    let suite = parsed.into_suite();
    if shape.chain > MAX_DROPPED_CHAIN {
        depth::dismantle(suite);
    }
    program
}

/// The source as the parser takes it, with the same offsets but for a byte order mark, and the length of that.
fn readable(source: &str) -> (Cow<'_, str>, u32) {
    let (text, base) = match source.strip_prefix(MARK) {
        Some(rest) => (rest, u32::from(TextSize::of(MARK))),
        None => (source, 0),
    };
    let text = if text.contains('\0') { Cow::Owned(text.replace('\0', " ")) } else { Cow::Borrowed(text) };
    (text, base)
}

/// The tree of a text; that of the text without what only Python 2 writes, if there is such. `None` if the parser
/// panicked.
fn parse(text: Cow<'_, str>) -> Option<(Cow<'_, str>, Parsed<ModModule>)> {
    let first = parse_once(&text)?;
    let Some(modern) = python2::modernised(&text, first.errors()) else {
        return Some((text, first));
    };
    let second = parse_once(&modern)?;
    let better = second.errors().len() < first.errors().len();
    Some(if better { (Cow::Owned(modern), second) } else { (text, first) })
}

fn parse_once(text: &str) -> Option<Parsed<ModModule>> {
    let parsed = catch_unwind(|| parse_unchecked(text, ParseOptions::from(Mode::Module))).ok()?;
    match parsed.syntax() {
        Mod::Module(_) => parsed.try_into_module(),
        Mod::Expression(_) => None,
    }
}

/// The names of a function, class or module while it is lowered.
#[derive(Debug, Default)]
struct NameScope {
    bound: Vec<Sym>,
    outside: Vec<Sym>,
}

/// A lowering under way.
struct Lowering<'a> {
    text: &'a str,
    /// Added to every offset.
    base: u32,
    program: Program,
    names: &'a mut Names,
    scopes: Vec<NameScope>,
    depth: u32,
    /// Chains of members, calls and operators that are being lowered, innermost link last.
    links: Vec<&'a ruff_python_ast::Expr>,
    /// Annotations are not evaluated: `from __future__ import annotations`.
    lazy_annotations: bool,
    /// The parser found errors, so that it may be Python 2.
    broken: bool,
}

impl<'a> Lowering<'a> {
    fn new(text: &'a str, base: u32, program: Program, names: &'a mut Names) -> Self {
        let scopes = vec![NameScope::default()];
        let (links, lazy_annotations, broken) = (Vec::new(), false, false);
        Self { text, base, program, names, scopes, depth: 0, links, lazy_annotations, broken }
    }

    fn note_errors(&mut self, parsed: &Parsed<ModModule>) {
        self.broken = !parsed.errors().is_empty();
        for error in parsed.errors().iter().take(MAX_PROBLEMS) {
            let at = self.offset(error.location.start());
            self.problem(error.error.to_string(), at);
        }
    }

    fn problem(&mut self, what: String, at: u32) {
        if self.program.problems.len() < MAX_PROBLEMS {
            self.program.problems.push((what, at));
        }
    }

    fn offset(&self, at: TextSize) -> u32 {
        u32::from(at).saturating_add(self.base)
    }

    /// Where a node begins.
    fn start(&self, node: &impl Ranged) -> u32 {
        self.offset(node.start())
    }

    fn add(&mut self, expression: Expression, at: u32) -> Expr {
        self.program.add(expression, at)
    }

    fn nothing_known(&mut self, at: u32) -> Expr {
        self.add(Expression::Other(Box::default()), at)
    }

    fn name(&mut self, name: Sym, at: u32) -> Expr {
        self.add(Expression::Name(name), at)
    }

    /// Notes that the innermost function or class binds a name.
    fn bind(&mut self, name: &str) -> Sym {
        let name = self.names.intern(name);
        if let Some(scope) = self.scopes.last_mut() {
            scope.bound.push(name);
        }
        name
    }

    /// A target with a name.
    fn bound_name(&mut self, name: &str, at: u32) -> Expr {
        let name = self.bind(name);
        self.name(name, at)
    }

    /// Runs a part with a scope of its own, and gives the names that it binds.
    fn scoped<T>(&mut self, part: impl FnOnce(&mut Self) -> T) -> (T, Vec<Sym>) {
        self.scopes.push(NameScope::default());
        let result = part(self);
        let NameScope { mut bound, outside } = self.scopes.pop().unwrap_or_default();
        bound.sort_unstable();
        bound.dedup();
        bound.retain(|name| !outside.contains(name));
        (result, bound)
    }

    /// Runs a part one level deeper, or notes that it is too deep.
    fn deeper<T>(&mut self, at: u32, part: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            self.problem(format!("nested deeper than {MAX_DEPTH} levels"), at);
            return None;
        }
        self.depth += 1;
        let result = part(self);
        self.depth -= 1;
        Some(result)
    }

    fn lowered(&mut self, suite: &'a Suite) -> Block {
        let mut block = Block::with_capacity(suite.len());
        self.block(suite, &mut block);
        block
    }
}
