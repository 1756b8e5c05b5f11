//! Rust: build scripts, procedural macros, and any other source.
//!
//! What matters is what runs on the machine that builds: `main` of a build script, the functions of a procedural macro,
//! and what is run before `main`. Those are called at the end of the program. Values that only wrap others (`Some(x)`,
//! `x.unwrap()`, `&x`, `x?`) are the others, since the question is what a value is, not of which type. A command that is
//! put together by methods is one call of `run` with all of its arguments. Expressions that hold statements, such as
//! `let x = if …`, become statements that set a variable of our own.

mod depth;
mod expressions;
mod items;
mod macros;
mod patterns;
mod sieve;
mod spans;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use proc_macro2::{Span, TokenStream};

use self::spans::Places;
use super::Reading;
use super::shell::Builder;
use crate::ir::{Block, Expr, Imported, Language, Names, Program, Statement, Sym};

/// The most bytes of one source that are read: 8 MiB.
const MAX_SOURCE: usize = 8 * 1024 * 1024;

/// The most levels of expressions inside of expressions that are lowered. What is deeper was refused before parsing.
const MAX_DEPTH: u32 = 400;

/// Lowers a source file: the whole of it, or, where nothing is to be found in it, the modules that it declares.
pub(crate) fn lower_as<'n>(source: &'n str, reading: Reading, names: &'n mut Names) -> Program {
    if reading == Reading::Whole || source.len() > MAX_SOURCE {
        return lower(source, names);
    }
    let base = skipped(source);
    let sifted = sieve::sift(source.get(base..).unwrap_or_default());
    proc_macro2::extra::invalidate_current_thread_spans();
    let Some(sifted) = sifted else { return lower(source, names) };
    let mut b = Builder::new(Language::Rust, names);
    let mut body: Block = sifted.modules.into_iter().map(|name| module(&mut b, name, name)).collect();
    for (name, at) in sifted.foreign {
        body.push(foreign(&mut b, name, u32::try_from(base + at).unwrap_or(u32::MAX)));
    }
    Program { sifted: true, ..b.finish(body) }
}

/// The declaration of a foreign function.
fn foreign(b: &mut Builder<'_>, name: &str, at: u32) -> Statement {
    let name = b.text(name, at);
    Statement::Do(b.call_name("extern", vec![name], at))
}

/// Lowers the whole of a source file.
fn lower<'n>(source: &'n str, names: &'n mut Names) -> Program {
    let mut b = Builder::new(Language::Rust, names);
    if source.len() > MAX_SOURCE {
        b.problem("the source is longer than what is read", 0);
        return b.finish(Block::new());
    }
    let base = skipped(source);
    let text = source.get(base..).unwrap_or_default();
    let mut lowering = Lowering::new(b, Places::of(base, text));
    let file = lowering.parsed(text);
    let body = file.map(|file| lowering.file(&file)).unwrap_or_default();
    // The parser keeps the text of everything it has read on this thread until it is told that no place is asked for.
    proc_macro2::extra::invalidate_current_thread_spans();
    lowering.b.finish(body)
}

/// The import of a module that is in a file of its own.
fn module(b: &mut Builder<'_>, name: &str, path: &str) -> Statement {
    let local = b.sym(name);
    Statement::Import { module: format!("./{path}").into(), names: vec![Imported { name: None, local }] }
}

/// The byte order mark and the line that names an interpreter.
fn skipped(source: &str) -> usize {
    let mark = if source.starts_with('\u{feff}') { 3 } else { 0 };
    let rest = source.get(mark..).unwrap_or_default();
    let shebang = rest.starts_with("#!") && !rest.get(2..).unwrap_or_default().trim_start().starts_with('[');
    mark + if shebang { rest.find('\n').unwrap_or(rest.len()) } else { 0 }
}

/// A command that is being put together: where its type is named, its program and arguments.
#[derive(Debug, Clone)]
struct Command {
    kind: Expr,
    program: Expr,
    arguments: Vec<Expr>,
}

/// The lowering of one file.
struct Lowering<'n> {
    b: Builder<'n>,
    places: Places<'n>,
    /// The statements that are being made.
    out: Block,
    /// The names of the function that is being lowered.
    locals: Vec<Sym>,
    /// Commands in variables.
    commands: HashMap<String, Command>,
    /// Modules inside of this file: their names are not part of paths here.
    modules: HashSet<String>,
    /// Functions that run when the crate is used.
    at_load: Vec<String>,
    /// The type whose methods are being lowered.
    owner: Option<String>,
    depth: u32,
    fresh: u32,
    /// The last place that was asked for.
    here: u32,
}

impl<'n> Lowering<'n> {
    fn new(b: Builder<'n>, places: Places<'n>) -> Self {
        Self {
            b,
            places,
            out: Block::new(),
            locals: Vec::new(),
            commands: HashMap::new(),
            modules: HashSet::new(),
            at_load: Vec::new(),
            owner: None,
            depth: 0,
            fresh: 0,
            here: 0,
        }
    }

    /// The syntax tree, if the parser can be trusted with the text and understands it.
    fn parsed(&mut self, source: &str) -> Option<syn::File> {
        let tokens: TokenStream = match source.parse() {
            Ok(tokens) => tokens,
            Err(error) => {
                let at = self.offset(error.span());
                self.b.problem("this is not Rust", at);
                return None;
            }
        };
        if let Err(span) = depth::check(&tokens) {
            let at = self.offset(span);
            self.b.problem("the source is nested too deeply to be read", at);
            return None;
        }
        match syn::parse2(tokens) {
            Ok(file) => Some(file),
            Err(error) => {
                let at = self.offset(error.span());
                self.b.problem(&format!("this is not Rust: {error}"), at);
                None
            }
        }
    }

    /// The place of a token; that of the one before where there is none.
    fn place(&mut self, span: Option<Span>) -> u32 {
        if let Some(span) = span {
            self.here = self.offset(span);
        }
        self.here
    }

    fn offset(&self, span: Span) -> u32 {
        u32::try_from(self.places.of_span(span)).unwrap_or(u32::MAX)
    }

    /// Makes statements apart from those that are being made.
    fn apart(&mut self, make: impl FnOnce(&mut Self)) -> Block {
        let around = std::mem::take(&mut self.out);
        make(self);
        std::mem::replace(&mut self.out, around)
    }

    fn push(&mut self, statement: Statement) {
        self.out.push(statement);
    }

    /// A variable of our own.
    fn fresh(&mut self) -> String {
        self.fresh = self.fresh.saturating_add(1);
        let name = format!("|{}", self.fresh);
        let sym = self.b.sym(&name);
        self.locals.push(sym);
        name
    }

    fn set(&mut self, name: &str, value: Expr, at: u32) {
        let target = self.b.name(name, at);
        let assign = self.b.assign(target, value, at);
        self.push(Statement::Do(assign));
    }

    /// A value in a variable, so that it is computed once and can be used often.
    fn kept(&mut self, value: Expr, at: u32) -> String {
        let name = self.fresh();
        self.set(&name, value, at);
        name
    }
}
