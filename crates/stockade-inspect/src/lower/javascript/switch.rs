//! `switch`, and chains of conditions.
//!
//! A `switch` is a chain of conditions on its value, and no loop: so `continue` within it continues the loop around, as a
//! flattened control flow needs it. A `break` that leaves it is dropped, and a case does not run into the next one: what
//! the next one does is seen there.

use oxc_ast::ast::{Expression as Oxc, SwitchCase, SwitchStatement};

use super::Lowerer;
use super::statements::{Label, LabelKind};
use crate::ir::{Binary, Block, Expr, Expression, Statement, Sym, Unary};

/// The most conditions that are nested in each other's `else`. Longer chains go on one after the other.
const MAX_CHAIN: usize = 100;

impl<'a> Lowerer<'a, '_> {
    pub(super) fn switch(&mut self, statement: &'a SwitchStatement<'a>, out: &mut Block) {
        let offset = statement.span.start;
        let value = self.expression(&statement.discriminant);
        let value = match &statement.discriminant {
            // The cases are the conditions.
            Oxc::BooleanLiteral(literal) if literal.value => None,
            _ => {
                let name = self.names.intern(&format!("switch {}", self.switches));
                self.declare(name);
                self.assign(name, value, offset, out);
                Some(name)
            }
        };
        self.switches = self.switches.saturating_add(1);
        self.labels.push(Label { name: None, kind: LabelKind::Other });
        let (arms, otherwise) = self.cases(&statement.cases, value);
        self.labels.pop();
        self.switches = self.switches.saturating_sub(1);
        self.chain(arms, otherwise, offset, out);
    }

    /// The conditions and what follows from them. Cases without statements of their own share those of the next.
    fn cases(&mut self, cases: &'a [SwitchCase<'a>], value: Option<Sym>) -> (Vec<(Expr, Block)>, Block) {
        let (mut arms, mut otherwise) = (Vec::with_capacity(cases.len()), Block::new());
        let (mut shared, mut is_default): (Option<Expr>, bool) = (None, false);
        for case in cases {
            match &case.test {
                Some(test) => {
                    let test = self.case(test, value);
                    shared = Some(match shared {
                        Some(before) => {
                            let either = Expression::Binary(Binary::Either, before, test);
                            self.add(either, case.span.start)
                        }
                        None => test,
                    });
                }
                None => is_default = true,
            }
            if case.consequent.is_empty() {
                continue;
            }
            let body = self.block(&case.consequent);
            match (shared.take(), std::mem::take(&mut is_default)) {
                (_, true) => otherwise = body,
                (Some(test), false) => arms.push((test, body)),
                (None, false) => {}
            }
        }
        (arms, otherwise)
    }

    fn case(&mut self, test: &'a Oxc<'a>, value: Option<Sym>) -> Expr {
        let right = self.expression(test);
        let Some(value) = value else { return right };
        let offset = self.program.offsets.get(right.0 as usize).copied().unwrap_or_default();
        let left = self.add(Expression::Name(value), offset);
        self.equal(left, right)
    }

    /// `if … else if … else`.
    pub(super) fn chain(&mut self, arms: Vec<(Expr, Block)>, otherwise: Block, offset: u32, out: &mut Block) {
        if arms.len() <= MAX_CHAIN {
            if let Some(chain) = nested(arms, otherwise) {
                out.push(chain);
            }
            return;
        }
        let matched = self.names.intern(&format!("matched {}", self.switches));
        self.declare(matched);
        let no = self.add(Expression::Boolean(false), offset);
        self.assign(matched, no, offset, out);
        let (mut arms, mut first) = (arms.into_iter().peekable(), true);
        while arms.peek().is_some() {
            let some = arms.by_ref().take(MAX_CHAIN);
            let some = some.map(|(test, body)| (test, self.marked(matched, body, offset))).collect();
            let chain: Block = nested(some, Block::new()).into_iter().collect();
            if std::mem::take(&mut first) {
                out.extend(chain);
            } else {
                let test = self.not(matched, offset);
                out.push(Statement::If(test, chain, Block::new()));
            }
        }
        let test = self.not(matched, offset);
        out.push(Statement::If(test, otherwise, Block::new()));
    }

    fn marked(&mut self, matched: Sym, body: Block, offset: u32) -> Block {
        let mut marked = Block::with_capacity(body.len() + 1);
        let yes = self.add(Expression::Boolean(true), offset);
        self.assign(matched, yes, offset, &mut marked);
        marked.extend(body);
        marked
    }

    fn not(&mut self, name: Sym, offset: u32) -> Expr {
        let value = self.add(Expression::Name(name), offset);
        self.add(Expression::Unary(Unary::Not, value), offset)
    }

    fn assign(&mut self, name: Sym, value: Expr, offset: u32, out: &mut Block) {
        let target = self.add(Expression::Name(name), offset);
        out.push(Statement::Do(self.add(Expression::Assign { target, operator: None, value }, offset)));
    }
}

/// Each arm in the `else` of the one before. Without arms, what remains.
fn nested(arms: Vec<(Expr, Block)>, otherwise: Block) -> Option<Statement> {
    let mut rest = otherwise;
    for (test, body) in arms.into_iter().rev() {
        rest = vec![Statement::If(test, body, rest)];
    }
    match rest.len() {
        0 => None,
        1 => rest.pop(),
        _ => Some(Statement::Block(rest)),
    }
}
