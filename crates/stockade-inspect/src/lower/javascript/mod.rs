//! JavaScript, TypeScript and JSX, by the parser of oxc.
//!
//! Only the text is known, not how it is loaded, so it is read in the ways that engines read it, the most usual first,
//! until one has no complaint. Types are gone afterwards; everything that runs is kept.

mod classes;
mod expressions;
mod jsx;
mod nesting;
mod patterns;
mod statements;
mod switch;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::rc::Rc;

use oxc_allocator::Allocator;
use oxc_parser::{ParseOptions, Parser, ParserReturn};
use oxc_span::{LabeledSpan, SourceType};

use self::expressions::Link;
use self::nesting::{MAX_NESTING, is_crowded, nesting};
use self::statements::Label;
use crate::ir::{Expr, Expression, Language, Names, Program, Sym};

/// The largest text that is parsed: 64 MB.
const MAX_SOURCE: usize = 64 * 1024 * 1024;

/// How deep code is lowered, in nested nodes. What is deeper becomes an [`Expression::Other`] without parts.
const MAX_DEPTH: u32 = 400;

/// How many names are known without a look into the table.
const KNOWN_NAMES: usize = 8_192;

/// The most problems that are written down for one text.
const MAX_PROBLEMS: usize = 20;

/// The most memory that is kept for the next text, in bytes: 64 MB. Fresh memory costs as much time as the parser itself.
const MAX_ARENA: usize = 64 * 1024 * 1024;

thread_local! {
    static ARENA: Cell<Allocator> = Cell::default();
}

/// A text as the small form.
pub(crate) fn lower(source: &str, names: &mut Names) -> Program {
    let mut program = Program::new(Language::JavaScript);
    if source.len() > MAX_SOURCE {
        let what = format!("{} bytes are over the limit of {MAX_SOURCE}", source.len());
        program.problems.push((what, 0));
        return program;
    }
    let nesting = nesting(source);
    if nesting.deepest > MAX_NESTING {
        let what = format!("nesting of {} is over the limit of {MAX_NESTING}", nesting.deepest);
        program.problems.push((what, 0));
        return program;
    }
    if nesting.unsure && is_crowded(source) {
        program.problems.push(("nesting that can be read in two ways, in too long a text".to_owned(), 0));
        return program;
    }
    read(source, names)
}

/// Reads a text in one way after the other, until there is no complaint; otherwise as it has the fewest.
fn read(source: &str, names: &mut Names) -> Program {
    let sure = [SourceType::unambiguous(), SourceType::script()];
    let unsure = [SourceType::unambiguous().with_jsx(true), SourceType::ts(), SourceType::tsx()];
    let unsure = std::iter::once_with(|| unsure.into_iter().filter(|_| !is_crowded(source))).flatten();
    let mut best = (usize::MAX, SourceType::unambiguous());
    for kind in sure.into_iter().chain(unsure) {
        match read_as(source, kind, 0, names) {
            Ok(program) => return program,
            Err(complaints) if complaints < best.0 => best = (complaints, kind),
            Err(_) => {}
        }
    }
    let (_, kind) = best;
    read_as(source, kind, usize::MAX, names).unwrap_or_else(|_| Program::new(Language::JavaScript))
}

/// Reads a text in one way; fails with the number of complaints if there are more than are accepted.
fn read_as(source: &str, kind: SourceType, accepted: usize, names: &mut Names) -> Result<Program, usize> {
    let mut arena = ARENA.take();
    let parsed = parse(&arena, source, kind);
    let complaints = if parsed.panicked { usize::MAX } else { parsed.diagnostics.len() };
    let program = (complaints <= accepted).then(|| Lowerer::new(source, names).finish(&parsed));
    drop(parsed);
    arena.reset();
    if arena.capacity() <= MAX_ARENA {
        ARENA.set(arena);
    }
    program.ok_or(complaints)
}

fn parse<'a>(allocator: &'a Allocator, source: &'a str, kind: SourceType) -> ParserReturn<'a> {
    let options = ParseOptions {
        allow_return_outside_function: true,
        preserve_parens: false,
        enable_ident_hashes: false,
        ..ParseOptions::default()
    };
    Parser::new(allocator, source, kind).with_options(options).parse()
}

/// What is known while one text is lowered.
struct Lowerer<'a, 'n> {
    program: Program,
    names: &'n mut Names,
    /// Symbols of names that were met lately, each at the one place that its letters give: the table of [`Names`] is
    /// slower, as it stands names that are made to collide.
    known: Vec<(&'a str, Sym)>,
    /// Names of the functions around, the innermost last. Of the module's own there is no list.
    locals: Vec<Vec<Sym>>,
    /// Labels around, the innermost last.
    labels: Vec<Label<'a>>,
    /// What is still to be lowered of the operators and calls that begin with the same operand.
    links: Vec<Link<'a>>,
    /// Calls of the lowering in each other.
    depth: u32,
    too_deep: bool,
    /// `switch` in each other.
    switches: u32,
    /// In a namespace of TypeScript an export is a member of it, and none of the module.
    namespace: Option<Vec<(Sym, Expr)>>,
}

impl<'a, 'n> Lowerer<'a, 'n> {
    fn new(source: &str, names: &'n mut Names) -> Self {
        /// About how many bytes of source become one expression, in code as it is published.
        const BYTES_AN_EXPRESSION: usize = 10;
        let expected = source.len() / BYTES_AN_EXPRESSION;
        let mut program = Program::new(Language::JavaScript);
        program.expressions.reserve(expected);
        program.offsets.reserve(expected);
        Self {
            program,
            names,
            known: vec![("", Sym(u32::MAX)); expected.clamp(1, KNOWN_NAMES)],
            locals: Vec::new(),
            labels: Vec::new(),
            links: Vec::new(),
            depth: 0,
            too_deep: false,
            switches: 0,
            namespace: None,
        }
    }

    fn finish(mut self, parsed: &'a ParserReturn<'a>) -> Program {
        for complaint in parsed.diagnostics.iter().take(MAX_PROBLEMS) {
            let offset = complaint.labels.first().map_or(0, LabeledSpan::offset);
            self.program.problems.push((complaint.message.to_string(), offset));
        }
        let body = self.block(&parsed.program.body);
        self.program.body = body;
        self.program
    }

    fn add(&mut self, expression: Expression, offset: u32) -> Expr {
        self.program.add(expression, offset)
    }

    fn name(&mut self, text: &'a str) -> Sym {
        let place = place(text, self.known.len());
        if let Some(&(met, name)) = self.known.get(place)
            && met == text
            && name.0 != u32::MAX
        {
            return name;
        }
        let name = self.names.intern(text);
        if let Some(known) = self.known.get_mut(place) {
            *known = (text, name);
        }
        name
    }

    fn named(&mut self, text: &'a str, offset: u32) -> Expr {
        let name = self.name(text);
        self.add(Expression::Name(name), offset)
    }

    fn text(&mut self, text: &str, offset: u32) -> Expr {
        self.add(Expression::Text(Rc::from(text)), offset)
    }

    /// A name that the function around it owns.
    fn declare(&mut self, name: Sym) {
        if let Some(locals) = self.locals.last_mut() {
            locals.push(name);
        }
    }

    fn is_deepest(&self) -> bool {
        self.depth >= MAX_DEPTH
    }

    /// Goes one deeper, if that is allowed.
    fn deeper(&mut self, offset: u32) -> bool {
        if self.is_deepest() {
            if !self.too_deep {
                let what = format!("code that is nested deeper than {MAX_DEPTH} is not looked at");
                self.program.problems.push((what, offset));
            }
            self.too_deep = true;
            return false;
        }
        self.depth += 1;
        true
    }
}

/// The place of a name among so many.
fn place(text: &str, places: usize) -> usize {
    const PRIME: u64 = 0x517c_c1b7_2722_0a95;
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
    let mixed =
        text.as_bytes().chunks(8).fold(0_u64, |mixed, chunk| (mixed.rotate_left(5) ^ word(chunk)).wrapping_mul(PRIME));
    (mixed >> 40) as usize % places.max(1)
}
