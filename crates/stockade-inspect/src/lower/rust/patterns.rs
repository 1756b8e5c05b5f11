//! Patterns: which names they bind, and what they ask.

use syn::{Pat, PatIdent};

use super::Lowering;
use crate::ir::{Binary, Expr, Statement};

/// The most levels of patterns inside of patterns.
const MAX_PATTERN: u32 = 60;

impl Lowering<'_> {
    /// Sets the names of a pattern to the value, or to the parts of it that are known by their place.
    pub(super) fn bind(&mut self, pattern: &Pat, value: Expr) {
        let at = self.place(super::spans::pattern(pattern));
        if let Some(target) = self.target(pattern, 0) {
            let assign = self.b.assign(target, value, at);
            self.push(Statement::Do(assign));
            return;
        }
        let mut names = Vec::new();
        bound(pattern, &mut names, 0);
        match names[..] {
            [] => self.push(Statement::Do(value)),
            [ref one] => {
                self.local(one);
                self.set(one, value, at);
            }
            _ => {
                let kept = self.kept(value, at);
                for name in &names {
                    self.local(name);
                    let value = self.b.name(&kept, at);
                    self.set(name, value, at);
                }
            }
        }
    }

    /// The target of an assignment, where a pattern is one.
    pub(super) fn target(&mut self, pattern: &Pat, depth: u32) -> Option<Expr> {
        if depth > MAX_PATTERN {
            return None;
        }
        let at = self.place(super::spans::pattern(pattern));
        match pattern {
            Pat::Ident(PatIdent { ident, subpat: None, .. }) => {
                let name = ident.to_string();
                self.local(&name);
                Some(self.b.name(&name, at))
            }
            Pat::Tuple(tuple) if !tuple.elems.iter().any(|elem| matches!(elem, Pat::Rest(_))) => {
                let items: Option<Vec<Expr>> =
                    tuple.elems.iter().map(|item| self.target_or_hole(item, depth + 1)).collect();
                Some(self.b.list(items?, at))
            }
            Pat::Paren(paren) => self.target(&paren.pat, depth + 1),
            Pat::Type(typed) => self.target(&typed.pat, depth + 1),
            Pat::Reference(reference) => self.target(&reference.pat, depth + 1),
            Pat::TupleStruct(tuple) if tuple.elems.len() == 1 => {
                tuple.elems.first().and_then(|only| self.target(only, depth + 1))
            }
            _ => None,
        }
    }

    fn target_or_hole(&mut self, pattern: &Pat, depth: u32) -> Option<Expr> {
        if let Pat::Wild(wild) = pattern {
            let at = self.place(Some(wild.underscore_token.span));
            let name = self.fresh();
            return Some(self.b.name(&name, at));
        }
        self.target(pattern, depth)
    }

    pub(super) fn local(&mut self, name: &str) {
        let sym = self.b.sym(name);
        self.locals.push(sym);
    }

    /// What a pattern asks of a value: nothing if it always matches.
    pub(super) fn question(&mut self, pattern: &Pat, value: Expr, depth: u32) -> Option<Expr> {
        let at = self.place(super::spans::pattern(pattern));
        if depth > MAX_PATTERN {
            return Some(self.b.other(vec![value], at));
        }
        match pattern {
            Pat::Wild(_) | Pat::Rest(_) | Pat::Ident(PatIdent { subpat: None, .. }) => None,
            Pat::Paren(paren) => self.question(&paren.pat, value, depth + 1),
            Pat::Reference(reference) => self.question(&reference.pat, value, depth + 1),
            Pat::TupleStruct(one) if one.elems.len() == 1 => {
                let inner = one.elems.first().and_then(|only| self.question(only, value, depth + 1));
                Some(inner.unwrap_or_else(|| self.b.other(vec![value], at)))
            }
            Pat::Lit(literal) => {
                let literal = self.literal(&literal.lit, at);
                Some(self.b.binary(Binary::Equal, value, literal, at))
            }
            Pat::Or(or) => {
                let mut test = None;
                for case in &or.cases {
                    let one = self.question(case, value, depth + 1)?;
                    test = Some(match test {
                        Some(test) => self.b.binary(Binary::Either, test, one, at),
                        None => one,
                    });
                }
                test
            }
            Pat::Guard(guard) => {
                let inner = self.question(&guard.pat, value, depth + 1);
                let guard = self.expr(&guard.guard);
                Some(match inner {
                    Some(test) => self.b.binary(Binary::Both, test, guard, at),
                    None => guard,
                })
            }
            _ => Some(self.b.other(vec![value], at)),
        }
    }
}

/// The names that a pattern binds.
pub(super) fn bound(pattern: &Pat, into: &mut Vec<String>, depth: u32) {
    if depth > MAX_PATTERN {
        return;
    }
    let mut all = |patterns: &mut dyn Iterator<Item = &Pat>| patterns.for_each(|one| bound(one, into, depth + 1));
    match pattern {
        Pat::Ident(one) => {
            let name = one.ident.to_string();
            let is_constant = name.chars().next().is_some_and(char::is_uppercase);
            all(&mut one.subpat.iter().map(|(_, pattern)| &**pattern));
            if !is_constant {
                into.push(name);
            }
        }
        Pat::Or(or) => all(&mut or.cases.first().into_iter()),
        Pat::Paren(paren) => all(&mut std::iter::once(&*paren.pat)),
        Pat::Guard(guard) => all(&mut std::iter::once(&*guard.pat)),
        Pat::Reference(reference) => all(&mut std::iter::once(&*reference.pat)),
        Pat::Type(typed) => all(&mut std::iter::once(&*typed.pat)),
        Pat::Slice(slice) => all(&mut slice.elems.iter()),
        Pat::Tuple(tuple) => all(&mut tuple.elems.iter()),
        Pat::TupleStruct(tuple) => all(&mut tuple.elems.iter()),
        Pat::Struct(one) => all(&mut one.fields.iter().map(|field| &*field.pat)),
        _ => {}
    }
}
