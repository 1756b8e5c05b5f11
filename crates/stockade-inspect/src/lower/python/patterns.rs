//! `match`, as a chain of `if`.

use ruff_python_ast::{self as ast, Identifier, Pattern, Singleton};
use ruff_text_size::Ranged;

use super::Lowering;
use super::statements::chain;
use crate::ir::{Binary, Block, Expr, Expression, Statement};

/// The variable that holds the subject. It is no name that a source can have.
const SUBJECT: &str = "match subject";

impl<'a> Lowering<'a> {
    pub(super) fn match_statement(&mut self, statement: &'a ast::StmtMatch, out: &mut Block) {
        let at = self.start(statement);
        let value = self.expression(&statement.subject);
        let target = self.bound_name(SUBJECT, at);
        self.assigned(target, value, at, out);
        let mut branches = Vec::with_capacity(statement.cases.len());
        for case in &statement.cases {
            let at = self.start(case);
            let mut captures = Vec::new();
            let test = self.pattern(&case.pattern, target, &mut captures);
            let test = match case.guard.as_deref() {
                Some(guard) => {
                    let guard = self.expression(guard);
                    captures.push(guard);
                    let guard = self.add(Expression::Sequence(captures.into()), at);
                    captures = Vec::new();
                    self.both(test, guard, at)
                }
                None => test,
            };
            let mut body: Block = captures.into_iter().map(Statement::Do).collect();
            self.block(&case.body, &mut body);
            branches.push((Some(test), body));
        }
        out.extend(chain(branches));
    }

    /// The test of a pattern on a subject; what it captures is assigned in `captures`.
    fn pattern(&mut self, pattern: &'a Pattern, subject: Expr, captures: &mut Vec<Expr>) -> Expr {
        let at = self.start(pattern);
        match self.deeper(at, |this| this.pattern_within(pattern, subject, captures, at)) {
            Some(test) => test,
            None => self.nothing_known(at),
        }
    }

    fn pattern_within(&mut self, pattern: &'a Pattern, subject: Expr, captures: &mut Vec<Expr>, at: u32) -> Expr {
        match pattern {
            Pattern::MatchValue(value) => {
                let value = self.expression(&value.value);
                self.add(Expression::Binary(Binary::Equal, subject, value), at)
            }
            Pattern::MatchSingleton(singleton) => {
                let value = match singleton.value {
                    Singleton::None => Expression::Nothing,
                    Singleton::True => Expression::Boolean(true),
                    Singleton::False => Expression::Boolean(false),
                };
                let value = self.add(value, at);
                self.add(Expression::Binary(Binary::Equal, subject, value), at)
            }
            Pattern::MatchSequence(sequence) => self.sequence(&sequence.patterns, subject, captures, at),
            Pattern::MatchMapping(mapping) => self.mapping(mapping, subject, captures, at),
            Pattern::MatchClass(class) => self.class_pattern(class, subject, captures, at),
            Pattern::MatchStar(star) => {
                self.capture(star.name.as_ref(), subject, captures);
                self.add(Expression::Boolean(true), at)
            }
            Pattern::MatchAs(alias) => {
                let test = match alias.pattern.as_deref() {
                    Some(inner) => self.pattern(inner, subject, captures),
                    None => self.add(Expression::Boolean(true), at),
                };
                self.capture(alias.name.as_ref(), subject, captures);
                test
            }
            Pattern::MatchOr(alternatives) => {
                let mut test: Option<Expr> = None;
                for alternative in &alternatives.patterns {
                    let next = self.pattern(alternative, subject, captures);
                    test = Some(match test {
                        Some(before) => self.add(Expression::Binary(Binary::Either, before, next), at),
                        None => next,
                    });
                }
                test.unwrap_or(subject)
            }
        }
    }

    fn sequence(&mut self, patterns: &'a [Pattern], subject: Expr, captures: &mut Vec<Expr>, at: u32) -> Expr {
        let mut test = self.add(Expression::Other([subject].into()), at);
        for (position, pattern) in patterns.iter().enumerate() {
            let position = f64::from(u32::try_from(position).unwrap_or(u32::MAX));
            let position = self.add(Expression::Number(position), at);
            let item = self.add(Expression::Index(subject, position), at);
            let next = self.pattern(pattern, item, captures);
            test = self.both(test, next, at);
        }
        test
    }

    fn mapping(
        &mut self,
        mapping: &'a ast::PatternMatchMapping,
        subject: Expr,
        captures: &mut Vec<Expr>,
        at: u32,
    ) -> Expr {
        let mut test = self.add(Expression::Other([subject].into()), at);
        for (key, pattern) in mapping.keys.iter().zip(&mapping.patterns) {
            let key = self.expression(key);
            let item = self.add(Expression::Index(subject, key), at);
            let next = self.pattern(pattern, item, captures);
            test = self.both(test, next, at);
        }
        self.capture(mapping.rest.as_ref(), subject, captures);
        test
    }

    fn class_pattern(
        &mut self,
        class: &'a ast::PatternMatchClass,
        subject: Expr,
        captures: &mut Vec<Expr>,
        at: u32,
    ) -> Expr {
        let kind = self.expression(&class.cls);
        let mut test = self.add(Expression::Binary(Binary::InstanceOf, subject, kind), at);
        for pattern in &class.arguments.patterns {
            let item = self.add(Expression::Other([subject].into()), at);
            let next = self.pattern(pattern, item, captures);
            test = self.both(test, next, at);
        }
        for keyword in &class.arguments.keywords {
            let member = self.names.intern(keyword.attr.as_str());
            let item = self.add(Expression::Member(subject, member), at);
            let next = self.pattern(&keyword.pattern, item, captures);
            test = self.both(test, next, at);
        }
        test
    }

    fn both(&mut self, left: Expr, right: Expr, at: u32) -> Expr {
        if matches!(self.program.expression(right), Expression::Boolean(true)) {
            return left;
        }
        self.add(Expression::Binary(Binary::Both, left, right), at)
    }

    fn capture(&mut self, name: Option<&'a Identifier>, subject: Expr, captures: &mut Vec<Expr>) {
        if let Some(name) = name {
            let at = self.offset(name.start());
            let target = self.bound_name(name.as_str(), at);
            captures.push(self.add(Expression::Assign { target, operator: None, value: subject }, at));
        }
    }
}
