//! Macros: what stands in them is lowered where it reads as expressions, statements or items.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Block, Expr as Syntax, Macro, Token};

use super::Lowering;
use crate::ir::{Expr, Expression, Function, Statement};

/// Macros whose value is a text that is put together.
const FORMATS: &[&str] = &["format", "format_args", "concat"];

/// Macros that print or fail with a text that is put together, and how many arguments come before it.
const PRINTS: &[(&str, usize)] =
    &[("print", 0), ("println", 0), ("eprint", 0), ("eprintln", 0), ("panic", 0), ("bail", 0), ("anyhow", 0)];

/// The most levels of brackets in a macro that are searched for statements.
const MAX_SEARCHED: u32 = 6;

impl Lowering<'_> {
    pub(super) fn mac(&mut self, mac: &Macro, at: u32) -> Expr {
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let parser = Punctuated::<Syntax, Token![,]>::parse_terminated;
        let Ok(arguments) = parser.parse2(mac.tokens.clone()) else {
            return self.other_macro(&name, &mac.tokens, at);
        };
        let mut values: Vec<Expr> = Vec::new();
        for argument in &arguments {
            // `name = value` is a named argument of a format.
            let value = match argument {
                Syntax::Assign(assign) => {
                    let value = self.expr(&assign.right);
                    if let Syntax::Path(path) = &*assign.left {
                        let local = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
                        self.local(&local);
                        self.set(&local, value, at);
                    }
                    continue;
                }
                other => self.expr(other),
            };
            values.push(value);
        }
        if name == "concat" {
            return self.b.join(values, at);
        }
        if FORMATS.contains(&&*name) {
            return self.format(values, at);
        }
        if name == "vec" {
            return self.b.list(values, at);
        }
        if matches!(&*name, "write" | "writeln") && values.len() > 1 {
            let to = values.remove(0);
            let text = self.format(values, at);
            let callee = self.b.member(to, "write_all", at);
            return self.b.call(callee, vec![text], at);
        }
        if let Some((_, before)) = PRINTS.iter().find(|(known, _)| *known == name) {
            let rest = values.split_off((*before).min(values.len()));
            values.push(self.format(rest, at));
        }
        self.b.call_name(&format!("{name}!"), values, at)
    }

    /// `"a {} {name} {0}"` with its arguments.
    fn format(&mut self, values: Vec<Expr>, at: u32) -> Expr {
        let Some(format) = values.first().and_then(|first| self.b.literal(*first)) else {
            return self.b.join(values, at);
        };
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut next = 1;
        let mut rest = format.chars().peekable();
        while let Some(character) = rest.next() {
            if (character == '{' || character == '}') && rest.peek() == Some(&character) {
                rest.next();
                text.push(character);
                continue;
            }
            if character != '{' {
                text.push(character);
                continue;
            }
            let hole: String = rest.by_ref().take_while(|&one| one != '}').collect();
            let name = hole.split(':').next().unwrap_or_default().trim();
            if !text.is_empty() {
                parts.push(self.b.text(&text, at));
                text.clear();
            }
            let value = match (name.is_empty(), name.parse::<usize>()) {
                (true, _) => {
                    next += 1;
                    values.get(next - 1).copied()
                }
                (_, Ok(place)) => values.get(place.saturating_add(1)).copied(),
                _ => Some(self.b.name(name, at)),
            };
            parts.push(value.unwrap_or_else(|| self.b.text("", at)));
        }
        if !text.is_empty() {
            parts.push(self.b.text(&text, at));
        }
        self.b.join(parts, at)
    }

    /// A macro whose content is no list of expressions.
    fn other_macro(&mut self, name: &str, tokens: &TokenStream, at: u32) -> Expr {
        if name == "vec" || name == "matches" || name == "assert" {
            let first: TokenStream =
                tokens.clone().into_iter().take_while(|one| !is_punct(one, ';') && !is_punct(one, ',')).collect();
            if let Ok(value) = syn::parse2::<Syntax>(first) {
                let value = self.expr(&value);
                return self.b.other(vec![value], at);
            }
        }
        if matches!(name, "quote" | "quote_spanned" | "parse_quote" | "macro_rules") {
            self.template(tokens);
        } else {
            let block = self.apart(|this| this.search(tokens, 0));
            self.push(Statement::Block(block));
        }
        self.b.call_name(&format!("{name}!"), Vec::new(), at)
    }

    /// Code that is written elsewhere: it is looked at as a function that nobody calls here.
    pub(super) fn template(&mut self, tokens: &TokenStream) {
        let at = self.place(tokens.clone().into_iter().next().map(|first| first.span()));
        let body = self.apart(|this| this.search(tokens, 0));
        if !body.is_empty() {
            let function = self.b.define(Function { body, offset: at, ..Function::default() });
            let function = self.b.add(Expression::Function(function), at);
            self.push(Statement::Do(function));
        }
    }

    /// Lowers what reads as statements, or else what in the brackets does.
    fn search(&mut self, tokens: &TokenStream, depth: u32) {
        if let Ok(statements) = Block::parse_within.parse2(tokens.clone()) {
            let value = self.statements(&statements);
            if let Some(value) = value {
                self.push(Statement::Do(value));
            }
            return;
        }
        if depth >= MAX_SEARCHED {
            return;
        }
        for token in tokens.clone() {
            if let TokenTree::Group(group) = token
                && group.delimiter() != Delimiter::None
            {
                self.search(&group.stream(), depth + 1);
            }
        }
    }
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}
