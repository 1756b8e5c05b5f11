//! Where things begin: the first token that is at hand. What has none begins where the thing before it did.

use proc_macro2::Span;
use syn::{Expr, Member, Pat, Path};

/// Where things are in a file. The parser counts lines and characters; asked for bytes, it would keep each answer in a map,
/// which takes as long as all of the lowering.
pub(super) struct Places<'a> {
    /// Where the text that is parsed begins in the file.
    base: usize,
    text: &'a str,
    /// Where the lines of the text begin.
    lines: Vec<usize>,
}

impl<'a> Places<'a> {
    pub(super) fn of(base: usize, text: &'a str) -> Self {
        let after = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        Self { base, text, lines: std::iter::once(0).chain(after).collect() }
    }

    /// The byte of the file at which a token begins.
    pub(super) fn of_span(&self, span: Span) -> usize {
        let start = span.start();
        let begin = start.line.checked_sub(1).and_then(|line| self.lines.get(line)).copied().unwrap_or_default();
        let line = self.text.get(begin..).unwrap_or_default();
        let is_ascii = line.as_bytes().get(..start.column).is_some_and(<[u8]>::is_ascii);
        let within = if is_ascii {
            start.column
        } else {
            line.char_indices().nth(start.column).map_or(line.len(), |(at, _)| at)
        };
        self.base + begin + within
    }
}

pub(super) fn path(path: &Path) -> Option<Span> {
    path.segments.first().map(|segment| segment.ident.span())
}

pub(super) fn expr(syntax: &Expr) -> Option<Span> {
    Some(match syntax {
        Expr::MethodCall(call) => call.method.span(),
        Expr::Lit(literal) => literal.lit.span(),
        Expr::Path(one) => return path(&one.path),
        Expr::Call(call) => match &*call.func {
            Expr::Path(one) => return path(&one.path),
            _ => call.paren_token.span.open(),
        },
        Expr::Macro(one) => return path(&one.mac.path),
        Expr::Field(field) => match &field.member {
            Member::Named(name) => name.span(),
            Member::Unnamed(index) => index.span,
        },
        Expr::If(one) => one.if_token.span,
        Expr::Match(one) => one.match_token.span,
        Expr::Unsafe(one) => one.unsafe_token.span,
        Expr::Block(one) => one.block.brace_token.span.open(),
        Expr::Closure(one) => one.inputs_begin.span,
        Expr::Array(one) => one.bracket_token.span.open(),
        Expr::Tuple(one) => one.paren_token.span.open(),
        Expr::Reference(one) => one.and_token.span,
        Expr::Try(one) => one.question_token.span,
        Expr::Await(one) => one.await_token.span,
        Expr::Index(one) => one.bracket_token.span.open(),
        Expr::Paren(one) => one.paren_token.span.open(),
        Expr::Struct(one) => one.brace_token.span.open(),
        Expr::Return(one) => one.return_token.span,
        Expr::Let(one) => one.let_token.span,
        Expr::Loop(one) => one.loop_token.span,
        Expr::While(one) => one.while_token.span,
        Expr::ForLoop(one) => one.for_token.span,
        _ => return None,
    })
}

pub(super) fn pattern(pattern: &Pat) -> Option<Span> {
    Some(match pattern {
        Pat::Ident(one) => one.ident.span(),
        Pat::Lit(literal) => literal.lit.span(),
        Pat::Path(one) => return path(&one.path),
        Pat::Struct(one) => return path(&one.path),
        Pat::TupleStruct(one) => return path(&one.path),
        Pat::Tuple(one) => one.paren_token.span.open(),
        Pat::Slice(one) => one.bracket_token.span.open(),
        Pat::Reference(one) => one.and_token.span,
        Pat::Wild(one) => one.underscore_token.span,
        Pat::Type(typed) => match &*typed.pat {
            Pat::Ident(one) => one.ident.span(),
            _ => return None,
        },
        _ => return None,
    })
}
