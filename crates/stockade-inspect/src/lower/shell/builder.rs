//! Short words for what every lowering says often: a name, a text, a call.

use std::rc::Rc;

use crate::ir::{Argument, Binary, Expr, Expression, Fun, Function, Language, Names, Program, Statement, Sym, Unary};

/// A program that is being made.
pub(in crate::lower) struct Builder<'n> {
    program: Program,
    names: &'n mut Names,
}

impl<'n> Builder<'n> {
    /// The most expressions of one program. What comes after is dropped, with a problem: no real file has as many.
    pub(in crate::lower) const MAX_EXPRESSIONS: usize = 2_000_000;

    pub(in crate::lower) fn new(language: Language, names: &'n mut Names) -> Self {
        Self { program: Program::new(language), names }
    }

    /// The program, with its body.
    pub(in crate::lower) fn finish(mut self, body: Vec<Statement>) -> Program {
        self.program.body = body;
        self.program
    }

    /// True if there is no room for more.
    pub(in crate::lower) fn is_full(&self) -> bool {
        self.program.expressions.len() >= Self::MAX_EXPRESSIONS
    }

    pub(in crate::lower) fn problem(&mut self, what: &str, at: u32) {
        /// The most problems that one file tells; more say nothing new.
        const MAX_PROBLEMS: usize = 50;
        if self.program.problems.len() < MAX_PROBLEMS {
            self.program.problems.push((what.to_owned(), at));
        }
    }

    pub(in crate::lower) fn sym(&mut self, name: &str) -> Sym {
        self.names.intern(name)
    }

    /// The text of a symbol.
    pub(in crate::lower) fn text_of(&self, name: Sym) -> Rc<str> {
        Rc::clone(self.names.text(name))
    }

    pub(in crate::lower) fn add(&mut self, expression: Expression, at: u32) -> Expr {
        self.program.add(expression, at)
    }

    pub(in crate::lower) fn define(&mut self, function: Function) -> Fun {
        self.program.define(function)
    }

    pub(in crate::lower) fn peek(&self, expr: Expr) -> Option<&Expression> {
        self.program.expressions.get(expr.0 as usize)
    }

    /// The text of an expression that is a plain text.
    pub(in crate::lower) fn literal(&self, expr: Expr) -> Option<Rc<str>> {
        match self.peek(expr) {
            Some(Expression::Text(text)) => Some(Rc::clone(text)),
            _ => None,
        }
    }

    pub(in crate::lower) fn name(&mut self, name: &str, at: u32) -> Expr {
        let sym = self.sym(name);
        self.add(Expression::Name(sym), at)
    }

    pub(in crate::lower) fn text(&mut self, text: &str, at: u32) -> Expr {
        self.add(Expression::Text(text.into()), at)
    }

    pub(in crate::lower) fn number(&mut self, number: f64, at: u32) -> Expr {
        self.add(Expression::Number(number), at)
    }

    pub(in crate::lower) fn boolean(&mut self, value: bool, at: u32) -> Expr {
        self.add(Expression::Boolean(value), at)
    }

    pub(in crate::lower) fn member(&mut self, of: Expr, name: &str, at: u32) -> Expr {
        let sym = self.sym(name);
        self.add(Expression::Member(of, sym), at)
    }

    pub(in crate::lower) fn other(&mut self, parts: Vec<Expr>, at: u32) -> Expr {
        self.add(Expression::Other(parts.into()), at)
    }

    pub(in crate::lower) fn list(&mut self, items: Vec<Expr>, at: u32) -> Expr {
        self.add(Expression::List(items.into()), at)
    }

    pub(in crate::lower) fn unary(&mut self, operator: Unary, of: Expr, at: u32) -> Expr {
        self.add(Expression::Unary(operator, of), at)
    }

    pub(in crate::lower) fn binary(&mut self, operator: Binary, left: Expr, right: Expr, at: u32) -> Expr {
        self.add(Expression::Binary(operator, left, right), at)
    }

    /// The parts one after the other; one part is itself.
    pub(in crate::lower) fn join(&mut self, parts: Vec<Expr>, at: u32) -> Expr {
        match parts[..] {
            [] => self.text("", at),
            [one] => one,
            _ => self.add(Expression::Join(parts.into()), at),
        }
    }

    pub(in crate::lower) fn assign(&mut self, target: Expr, value: Expr, at: u32) -> Expr {
        self.add(Expression::Assign { target, operator: None, value }, at)
    }

    pub(in crate::lower) fn call(&mut self, callee: Expr, arguments: Vec<Expr>, at: u32) -> Expr {
        let arguments = arguments.into_iter().map(argument).collect();
        self.add(Expression::Call { callee, arguments }, at)
    }

    /// A call of a name.
    pub(in crate::lower) fn call_name(&mut self, name: &str, arguments: Vec<Expr>, at: u32) -> Expr {
        let callee = self.name(name, at);
        self.call(callee, arguments, at)
    }
}

/// An argument without a name.
pub(in crate::lower) fn argument(value: Expr) -> Argument {
    Argument { name: None, value, spread: false }
}
