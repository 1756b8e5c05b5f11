//! The walk over a method's instructions.

use std::collections::{BTreeMap, BTreeSet};

use super::class::{Code, Entry};
use super::operators;
use super::{Lowering, Target};
use crate::ir::{Binary, Block, Expr, Expression, Statement, Sym, Unary};

/// The most values on a stack.
const MAX_STACK: usize = 1_024;
/// The most items of an array that is written down.
const MAX_ARRAY: usize = 70_000;
/// How deep an expression may grow before it is put in a variable.
const MAX_NESTING: u16 = 40;
/// The most conditions inside of conditions.
const MAX_GUARDED: usize = 30;
/// The most parts that are added to a text before it is put in a variable.
const MAX_PARTS: usize = 100;

/// What a value on the stack is besides its expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// An array that is being filled, by its number.
    Array(usize),
    /// An object that is being made, by its number.
    Fresh(u32),
}

/// A value on the stack.
#[derive(Debug, Clone, Copy)]
struct Slot {
    expr: Expr,
    /// It takes two places.
    wide: bool,
    kind: Kind,
    /// How deep the expression is.
    depth: u16,
}

/// Instructions that run on a condition: up to where, what was before, and the condition.
struct Guarded {
    end: usize,
    before: Block,
    test: Expr,
}

/// The walk over one method.
struct Walk<'w, 'n, 'c> {
    l: &'w mut Lowering<'n, 'c>,
    code: &'w Code<'c>,
    at: usize,
    line: u32,
    stack: Vec<Slot>,
    out: Block,
    guarded: Vec<Guarded>,
    /// What lay on the stack where others jump to.
    arrivals: BTreeMap<usize, Vec<Slot>>,
    /// True if the instruction is reached from the one before.
    reached: bool,
    arrays: Vec<Vec<Option<Expr>>>,
    made: u32,
    /// The slots of variables that are used.
    used: u16,
}

/// The statements of a method, and how many slots of variables it uses.
pub(super) fn walk<'c>(l: &mut Lowering<'_, 'c>, code: &Code<'c>) -> (Block, u16) {
    let mut walk = Walk {
        l,
        code,
        at: 0,
        line: 0,
        stack: Vec::new(),
        out: Block::new(),
        guarded: Vec::new(),
        arrivals: BTreeMap::new(),
        reached: true,
        arrays: Vec::new(),
        made: 0,
        used: 0,
    };
    walk.run();
    (walk.out, walk.used)
}

impl Walk<'_, '_, '_> {
    fn run(&mut self) {
        let handlers: BTreeSet<usize> = self.code.handlers.iter().map(|&at| usize::from(at)).collect();
        let mut lines = self.code.lines.iter().peekable();
        let mut at = 0;
        while let Some(&opcode) = self.code.bytes.get(at) {
            while let Some((_, line)) = lines.next_if(|(from, _)| usize::from(*from) <= at) {
                self.line = u32::from(*line).saturating_sub(1);
            }
            if self.l.b.is_full() {
                self.l.b.problem("the class is larger than what is read", self.line);
                break;
            }
            self.at = at;
            self.close(at);
            self.arrive(handlers.contains(&at));
            let length = self.length(opcode);
            self.step(opcode);
            self.stack.truncate(MAX_STACK);
            at += length;
        }
        self.close(usize::MAX);
    }

    /// Ends the conditions that hold up to here.
    fn close(&mut self, at: usize) {
        while let Some(guarded) = self.guarded.pop_if(|guarded| guarded.end <= at) {
            let inner = std::mem::replace(&mut self.out, guarded.before);
            self.out.push(Statement::If(guarded.test, inner, Block::new()));
        }
    }

    /// A way out: on some condition, if there is more to come.
    fn leave(&mut self, statement: Statement) {
        self.reached = false;
        let opcode = self.operand(0);
        let last = self.at + self.length(opcode) >= self.code.bytes.len();
        if last || !self.guarded.is_empty() {
            self.out.push(statement);
            return;
        }
        let test = self.l.b.other(Vec::new(), self.line);
        self.out.push(Statement::If(test, vec![statement], Block::new()));
    }

    /// Where ways meet, what lies on the stack is either.
    fn arrive(&mut self, handler: bool) {
        let arrival = self.arrivals.remove(&self.at);
        if handler && !self.reached {
            self.stack.clear();
            self.push_unknown(Vec::new());
        } else if let Some(others) = arrival {
            if !self.reached {
                self.stack = others;
            } else if others.len() == self.stack.len() {
                for (index, other) in others.into_iter().enumerate() {
                    self.merge(index, other);
                }
            }
        } else if !self.reached {
            self.stack.clear();
        }
        self.reached = true;
    }

    fn merge(&mut self, index: usize, other: Slot) {
        let Some(mine) = self.stack.get(index).copied() else { return };
        if mine.expr == other.expr && mine.kind == other.kind {
            return;
        }
        let (mine, other) = (self.plain(mine), self.plain(other));
        let test = self.l.b.other(Vec::new(), self.line);
        let expr = self.l.b.add(Expression::Choose(test, other.expr, mine.expr), self.line);
        let merged = Slot { expr, depth: mine.depth.max(other.depth).saturating_add(1), ..mine };
        let merged = self.shallow(merged);
        if let Some(slot) = self.stack.get_mut(index) {
            *slot = merged;
        }
    }

    fn operand(&self, offset: usize) -> u8 {
        self.code.bytes.get(self.at + offset).copied().unwrap_or(0)
    }

    fn index(&self) -> u16 {
        u16::from_be_bytes([self.operand(1), self.operand(2)])
    }

    fn word(&self, at: usize) -> i32 {
        let bytes = self.code.bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, i32::from_be_bytes)
    }

    fn length(&self, opcode: u8) -> usize {
        let padded = (self.at + 4) & !3;
        let rest = self.code.bytes.len().saturating_sub(padded);
        match opcode {
            0xaa => {
                let (low, high) = (i64::from(self.word(padded + 4)), i64::from(self.word(padded + 8)));
                let count = usize::try_from(high - low + 1).unwrap_or(0).min(rest / 4);
                padded - self.at + 12 + 4 * count
            }
            0xab => {
                let count = usize::try_from(self.word(padded + 4)).unwrap_or(0).min(rest / 8);
                padded - self.at + 8 + 8 * count
            }
            0xc4 if self.operand(1) == 0x84 => 6,
            0xc4 => 4,
            _ => 1 + operators::operands(opcode),
        }
    }

    fn push(&mut self, slot: Slot) {
        let slot = self.shallow(slot);
        self.stack.push(slot);
    }

    fn push_expr(&mut self, expr: Expr, wide: bool, depth: u16) {
        self.push(Slot { expr, wide, kind: Kind::Plain, depth });
    }

    fn push_unknown(&mut self, parts: Vec<Expr>) {
        let expr = self.l.b.other(parts, self.line);
        self.push_expr(expr, false, 1);
    }

    fn push_number(&mut self, number: f64, wide: bool) {
        let expr = self.l.b.number(number, self.line);
        self.push_expr(expr, wide, 0);
    }

    /// The uppermost value, as an expression; something unknown if there is none.
    fn pop(&mut self) -> Slot {
        if let Some(slot) = self.stack.pop() {
            return self.plain(slot);
        }
        let expr = self.l.b.other(Vec::new(), self.line);
        Slot { expr, wide: false, kind: Kind::Plain, depth: 0 }
    }

    /// A value with its array written down.
    fn plain(&mut self, slot: Slot) -> Slot {
        let expr = match slot.kind {
            Kind::Plain => return slot,
            Kind::Fresh(_) => slot.expr,
            Kind::Array(number) => {
                let items = self.arrays.get(number).cloned().unwrap_or_default();
                let nothing = self.l.b.add(Expression::Nothing, self.line);
                let items = items.into_iter().map(|item| item.unwrap_or(nothing)).collect();
                self.l.b.list(items, self.line)
            }
        };
        Slot { expr, kind: Kind::Plain, depth: slot.depth.saturating_add(1), ..slot }
    }

    /// A value that is not too deep: in a variable where it would be.
    fn shallow(&mut self, slot: Slot) -> Slot {
        if slot.depth <= MAX_NESTING || slot.kind != Kind::Plain {
            return slot;
        }
        let expr = self.kept(slot.expr);
        Slot { expr, depth: 0, ..slot }
    }

    fn kept(&mut self, expr: Expr) -> Expr {
        self.l.fresh = self.l.fresh.saturating_add(1);
        let name = format!("|{}", self.l.fresh);
        let target = self.l.b.name(&name, self.line);
        let assign = self.l.b.assign(target, expr, self.line);
        self.out.push(Statement::Do(assign));
        self.l.b.name(&name, self.line)
    }

    fn step(&mut self, opcode: u8) {
        match opcode {
            0x01 => {
                let expr = self.l.b.add(Expression::Nothing, self.line);
                self.push_expr(expr, false, 0);
            }
            0x02..=0x08 => self.push_number(f64::from(opcode) - 3.0, false),
            0x09 | 0x0a => self.push_number(f64::from(opcode - 0x09), true),
            0x0b..=0x0d => self.push_number(f64::from(opcode - 0x0b), false),
            0x0e | 0x0f => self.push_number(f64::from(opcode - 0x0e), true),
            0x10 => self.push_number(f64::from(self.operand(1).cast_signed()), false),
            0x11 => self.push_number(f64::from(self.index().cast_signed()), false),
            0x12 => self.load_constant(u16::from(self.operand(1)), false),
            0x13 => self.load_constant(self.index(), false),
            0x14 => self.load_constant(self.index(), true),
            0x15..=0x19 => self.load(u16::from(self.operand(1)), matches!(opcode, 0x16 | 0x18)),
            0x1a..=0x2d => self.load(u16::from((opcode - 0x1a) % 4), matches!((opcode - 0x1a) / 4, 1 | 3)),
            0x2e..=0x35 => {
                let (index, array) = (self.pop(), self.pop());
                let expr = self.l.b.add(Expression::Index(array.expr, index.expr), self.line);
                self.push_expr(expr, matches!(opcode, 0x2f | 0x31), array.depth.max(index.depth).saturating_add(1));
            }
            0x36..=0x3a => self.store(u16::from(self.operand(1))),
            0x3b..=0x4e => self.store(u16::from((opcode - 0x3b) % 4)),
            0x4f..=0x56 => self.store_item(),
            0x57..=0x5f => self.shuffle(opcode),
            0x60..=0x83 => self.arithmetic(opcode),
            0x84 => self.increment(u16::from(self.operand(1)), f64::from(self.operand(2).cast_signed())),
            0x85..=0x93 => self.convert(opcode),
            0x94..=0x98 => {
                let (right, left) = (self.pop(), self.pop());
                self.push_unknown(vec![left.expr, right.expr]);
            }
            0xb2..=0xb5 => self.field(opcode),
            0xb6..=0xb9 => self.invoke(opcode),
            0xba => self.dynamic(),
            0xbb..=0xc1 | 0xc5 => self.object(opcode),
            0xc4 => self.widened(),
            _ => self.control(opcode),
        }
    }

    fn load_constant(&mut self, index: u16, wide: bool) {
        let expr = match self.l.constant(index, self.line) {
            Some(expr) => expr,
            None => match self.l.class.entry(index) {
                Entry::Class(name) => {
                    let name = self.l.class.text(name).replace('/', ".");
                    self.l.b.name(&name, self.line)
                }
                Entry::Handle(member) => return self.push_handle(member),
                _ => self.l.b.other(Vec::new(), self.line),
            },
        };
        self.push_expr(expr, wide, 0);
    }

    /// A method as a value.
    fn push_handle(&mut self, member: u16) {
        match self.l.member(member) {
            Some(target) => {
                let expr = self.l.b.add(Expression::Name(target.callee), self.line);
                self.push_expr(expr, false, 0);
            }
            None => self.push_unknown(Vec::new()),
        }
    }

    fn variable(&mut self, slot: u16) -> Expr {
        self.used = self.used.max(slot.saturating_add(1));
        let name: Sym = self.l.slot(slot);
        self.l.b.add(Expression::Name(name), self.line)
    }

    fn load(&mut self, slot: u16, wide: bool) {
        let expr = self.variable(slot);
        self.push_expr(expr, wide, 0);
    }

    fn store(&mut self, slot: u16) {
        let value = self.pop();
        let target = self.variable(slot);
        let assign = self.l.b.assign(target, value.expr, self.line);
        self.out.push(Statement::Do(assign));
    }

    fn increment(&mut self, slot: u16, by: f64) {
        let target = self.variable(slot);
        let value = self.l.b.number(by, self.line);
        let add = Expression::Assign { target, operator: Some(Binary::Add), value };
        let add = self.l.b.add(add, self.line);
        self.out.push(Statement::Do(add));
    }

    fn widened(&mut self) {
        let slot = u16::from_be_bytes([self.operand(2), self.operand(3)]);
        match self.operand(1) {
            opcode @ 0x15..=0x19 => self.load(slot, matches!(opcode, 0x16 | 0x18)),
            0x36..=0x3a => self.store(slot),
            0x84 => {
                let by = u16::from_be_bytes([self.operand(4), self.operand(5)]).cast_signed();
                self.increment(slot, f64::from(by));
            }
            _ => {}
        }
    }

    /// An item of an array: part of it while it is being filled, else an assignment.
    fn store_item(&mut self) {
        let (value, index) = (self.pop(), self.pop());
        let place = match self.l.b.peek(index.expr) {
            Some(Expression::Number(number)) if *number >= 0.0 => as_index(*number),
            _ => None,
        };
        let array = self.stack.pop();
        if let (Some(Slot { kind: Kind::Array(number), .. }), Some(place)) = (array, place)
            && let Some(item) = self.arrays.get_mut(number).and_then(|items| items.get_mut(place))
        {
            *item = Some(value.expr);
            return;
        }
        let array = match array {
            Some(array) => self.plain(array).expr,
            None => self.l.b.other(Vec::new(), self.line),
        };
        let target = self.l.b.add(Expression::Index(array, index.expr), self.line);
        let assign = self.l.b.assign(target, value.expr, self.line);
        self.out.push(Statement::Do(assign));
    }

    /// Copies and exchanges on the stack. A call that is copied is made once.
    fn shuffle(&mut self, opcode: u8) {
        if matches!(opcode, 0x57 | 0x58) {
            let slot = self.pop();
            self.out.push(Statement::Do(slot.expr));
            if opcode == 0x58 && !slot.wide {
                let slot = self.pop();
                self.out.push(Statement::Do(slot.expr));
            }
            return;
        }
        if opcode == 0x5f {
            let length = self.stack.len();
            if length >= 2 {
                self.stack.swap(length - 1, length - 2);
            }
            return;
        }
        let two = matches!(opcode, 0x5c..=0x5e) && self.stack.last().is_some_and(|slot| !slot.wide);
        let copied = if two { 2 } else { 1 };
        let below = match opcode {
            0x5a | 0x5d => 1,
            0x5b | 0x5e => self.places(copied),
            _ => 0,
        };
        let length = self.stack.len();
        if length < copied + below {
            return;
        }
        for index in length - copied..length {
            self.keep_call(index);
        }
        let copies: Vec<Slot> = self.stack.iter().skip(length - copied).copied().collect();
        let place = length - copied - below;
        self.stack.splice(place..place, copies);
    }

    /// How many values are in the two places below.
    fn places(&self, above: usize) -> usize {
        let at = self.stack.len().checked_sub(above + 1);
        let wide = at.and_then(|at| self.stack.get(at)).is_some_and(|slot| slot.wide);
        if wide { 1 } else { 2 }
    }

    fn keep_call(&mut self, index: usize) {
        let Some(slot) = self.stack.get(index).copied() else { return };
        let simple = matches!(
            self.l.b.peek(slot.expr),
            Some(Expression::Name(_) | Expression::Number(_) | Expression::Text(_) | Expression::Nothing)
        );
        if slot.kind != Kind::Plain || simple {
            return;
        }
        let expr = self.kept(slot.expr);
        if let Some(slot) = self.stack.get_mut(index) {
            *slot = Slot { expr, depth: 0, ..*slot };
        }
    }

    fn arithmetic(&mut self, opcode: u8) {
        let right = self.pop();
        if matches!(opcode, 0x74..=0x77) {
            let expr = self.l.b.unary(Unary::Minus, right.expr, self.line);
            self.push_expr(expr, right.wide, right.depth.saturating_add(1));
            return;
        }
        let left = self.pop();
        let operator = operators::binary(opcode).unwrap_or(Binary::Add);
        let expr = self.l.b.binary(operator, left.expr, right.expr, self.line);
        self.push_expr(expr, operators::is_wide(opcode), left.depth.max(right.depth).saturating_add(1));
    }

    fn convert(&mut self, opcode: u8) {
        if let Some(slot) = self.stack.last_mut() {
            slot.wide = matches!(opcode, 0x85 | 0x87 | 0x8a | 0x8c | 0x8d | 0x8f);
        }
    }

    fn field(&mut self, opcode: u8) {
        let target = self.l.member(self.index());
        let value = matches!(opcode, 0xb3 | 0xb5).then(|| self.pop());
        let of = matches!(opcode, 0xb4 | 0xb5).then(|| self.pop());
        let Some(target) = target else {
            if value.is_none() {
                self.push_unknown(Vec::new());
            }
            return;
        };
        let path = self.l.b.add(Expression::Name(target.callee), self.line);
        if let Some(value) = value {
            let assign = self.l.b.assign(path, value.expr, self.line);
            self.out.push(Statement::Do(assign));
            return;
        }
        if let Some(of) = of
            && !matches!(self.l.b.peek(of.expr), Some(Expression::Name(_)))
        {
            self.out.push(Statement::Do(of.expr));
        }
        self.push_expr(path, target.result == Some(true), 0);
    }

    /// The arguments of a call, in order.
    fn arguments(&mut self, count: usize) -> (Vec<Expr>, u16) {
        let mut arguments = Vec::with_capacity(count);
        let mut depth = 0;
        for _ in 0..count {
            let slot = self.pop();
            depth = depth.max(slot.depth);
            arguments.push(slot.expr);
        }
        arguments.reverse();
        (arguments, depth)
    }

    fn invoke(&mut self, opcode: u8) {
        let Some(target) = self.l.member(self.index()) else { return };
        let (mut arguments, depth) = self.arguments(target.parameters.len());
        if opcode == 0xb8 {
            return self.finish_call(&target, arguments, depth);
        }
        let receiver = self.stack.pop();
        if opcode == 0xb7
            && &*target.name == "<init>"
            && let Some(Slot { kind: Kind::Fresh(number), .. }) = receiver
        {
            return self.construct(&target, number, arguments, depth);
        }
        let receiver = match receiver {
            Some(receiver) => self.plain(receiver),
            None => self.pop(),
        };
        if self.text(&target, receiver, &arguments) {
            return;
        }
        if is_writer(&target.class) && target.result.is_none() {
            let callee = self.l.b.member(receiver.expr, &target.name, self.line);
            let call = self.l.b.call(callee, arguments, self.line);
            return self.out.push(Statement::Do(call));
        }
        arguments.insert(0, receiver.expr);
        self.finish_call(&target, arguments, depth.max(receiver.depth));
    }

    fn finish_call(&mut self, target: &Target, arguments: Vec<Expr>, depth: u16) {
        if is_same(&target.class, &target.name)
            && let Some(&only) = arguments.first()
        {
            return self.push_expr(only, target.result == Some(true), depth);
        }
        if is_list(&target.class, &target.name) && !arguments.is_empty() {
            let list = self.l.b.list(arguments, self.line);
            return self.push_expr(list, false, depth.saturating_add(1));
        }
        let callee = self.l.b.add(Expression::Name(target.callee), self.line);
        let call = self.l.b.call(callee, arguments, self.line);
        match target.result {
            Some(wide) => self.push_expr(call, wide, depth.saturating_add(1)),
            None => self.out.push(Statement::Do(call)),
        }
    }

    /// The end of `new`: what was made takes the place of what was to be.
    fn construct(&mut self, target: &Target, number: u32, arguments: Vec<Expr>, depth: u16) {
        let builder = is_builder(&target.class);
        let text = &*target.class == "java.lang.String";
        let expr = match arguments.first() {
            None if builder || text => self.l.b.text("", self.line),
            Some(&first) if builder || text || (target.wraps && is_writer(&target.class)) => first,
            _ => {
                let name = format!("{}.new", target.class);
                let own = *target.class == *self.l.path;
                let callee = self.l.b.name(&name, self.line);
                let call = self.l.b.call(callee, arguments.clone(), self.line);
                if own {
                    let initialiser = self.l.b.add(Expression::Name(target.callee), self.line);
                    let nothing = self.l.b.add(Expression::Nothing, self.line);
                    let all = std::iter::once(nothing).chain(arguments).collect();
                    let run = self.l.b.call(initialiser, all, self.line);
                    self.out.push(Statement::Do(run));
                }
                call
            }
        };
        let waiting: Vec<usize> = (0..self.stack.len()).filter(|&at| self.is_fresh(at, number)).collect();
        let expr = match waiting.len() {
            0 => return self.out.push(Statement::Do(expr)),
            1 => expr,
            _ => self.kept(expr),
        };
        for at in waiting {
            if let Some(slot) = self.stack.get_mut(at) {
                *slot = Slot { expr, wide: false, kind: Kind::Plain, depth: depth.saturating_add(1) };
            }
        }
    }

    fn is_fresh(&self, at: usize, number: u32) -> bool {
        self.stack.get(at).is_some_and(|slot| slot.kind == Kind::Fresh(number))
    }

    /// Texts that are put together; false if the call is another one.
    fn text(&mut self, target: &Target, receiver: Slot, arguments: &[Expr]) -> bool {
        let builder = is_builder(&target.class);
        match (&*target.name, arguments) {
            ("append", [part, ..]) if builder => {
                if let Some(Expression::Name(name)) = self.l.b.peek(receiver.expr) {
                    let name = *name;
                    let target = self.l.b.add(Expression::Name(name), self.line);
                    let add = Expression::Assign { target, operator: Some(Binary::Add), value: *part };
                    let add = self.l.b.add(add, self.line);
                    self.out.push(Statement::Do(add));
                    self.push_expr(receiver.expr, false, 0);
                } else {
                    self.join(receiver, *part);
                }
                true
            }
            ("concat", [part]) if &*target.class == "java.lang.String" => {
                self.join(receiver, *part);
                true
            }
            _ => false,
        }
    }

    fn join(&mut self, receiver: Slot, part: Expr) {
        let mut parts = match self.l.b.peek(receiver.expr) {
            Some(Expression::Join(parts)) if parts.len() < MAX_PARTS => parts.to_vec(),
            _ => vec![receiver.expr],
        };
        parts.push(part);
        let expr = self.l.b.join(parts, self.line);
        self.push_expr(expr, false, receiver.depth.saturating_add(1));
    }

    /// `invokedynamic`: texts that are put together, and lambdas.
    fn dynamic(&mut self) {
        let Entry::Dynamic(bootstrap, pair) = self.l.class.entry(self.index()) else { return };
        let Some((name, descriptor)) = self.l.class.pair(pair) else { return };
        let (parameters, result) = super::class::parameters(&descriptor);
        let (arguments, depth) = self.arguments(parameters.len());
        let constants = self.l.class.bootstraps.get(usize::from(bootstrap)).map_or(&[][..], |(_, constants)| constants);
        let expr = match &*name {
            "makeConcatWithConstants" => self.concatenation(constants, arguments),
            "makeConcat" => self.l.b.join(arguments, self.line),
            _ => {
                let handle = constants.iter().find_map(|&constant| match self.l.class.entry(constant) {
                    Entry::Handle(member) => self.l.member(member),
                    _ => None,
                });
                match handle {
                    Some(target) => {
                        for argument in arguments {
                            self.out.push(Statement::Do(argument));
                        }
                        self.l.b.add(Expression::Name(target.callee), self.line)
                    }
                    None => self.l.b.other(arguments, self.line),
                }
            }
        };
        if let Some(wide) = result {
            self.push_expr(expr, wide, depth.saturating_add(1));
        }
    }

    /// The recipe of a text: `\u{1}` stands for an argument, `\u{2}` for a constant.
    fn concatenation(&mut self, constants: &[u16], arguments: Vec<Expr>) -> Expr {
        let recipe = constants.first().map(|&recipe| match self.l.class.entry(recipe) {
            Entry::Text(text) => self.l.class.text(text).into_owned(),
            _ => String::new(),
        });
        let mut constants = constants.iter().skip(1);
        let mut arguments = arguments.into_iter();
        let mut parts = Vec::new();
        let mut text = String::new();
        for character in recipe.unwrap_or_default().chars() {
            let part = match character {
                '\u{1}' => arguments.next(),
                '\u{2}' => constants.next().and_then(|&constant| self.l.constant(constant, self.line)),
                _ => {
                    text.push(character);
                    continue;
                }
            };
            if !text.is_empty() {
                parts.push(self.l.b.text(&text, self.line));
                text.clear();
            }
            parts.extend(part);
        }
        if !text.is_empty() {
            parts.push(self.l.b.text(&text, self.line));
        }
        parts.extend(arguments);
        self.l.b.join(parts, self.line)
    }

    fn object(&mut self, opcode: u8) {
        match opcode {
            0xbb => {
                self.made = self.made.saturating_add(1);
                let expr = self.l.b.other(Vec::new(), self.line);
                self.push(Slot { expr, wide: false, kind: Kind::Fresh(self.made), depth: 0 });
            }
            0xbc | 0xbd => self.new_array(),
            0xc5 => {
                let (sizes, _) = self.arguments(usize::from(self.operand(3)).min(self.stack.len()));
                self.push_unknown(sizes);
            }
            0xbe => {
                let array = self.pop();
                let expr = self.l.b.member(array.expr, "length", self.line);
                self.push_expr(expr, false, array.depth.saturating_add(1));
            }
            0xbf => {
                let value = self.pop();
                self.leave(Statement::Throw(Some(value.expr)));
            }
            // Whether a value is of a type is not asked here, and a cast changes nothing.
            _ => {}
        }
    }

    fn new_array(&mut self) {
        let size = self.pop();
        let size = match self.l.b.peek(size.expr) {
            Some(Expression::Number(number)) => as_index(*number).filter(|&size| size <= MAX_ARRAY),
            _ => None,
        };
        let held: usize = self.arrays.iter().map(Vec::len).sum();
        match size.filter(|size| held + size <= MAX_ARRAY) {
            Some(size) => {
                let expr = self.l.b.other(Vec::new(), self.line);
                let kind = Kind::Array(self.arrays.len());
                self.arrays.push(vec![None; size]);
                self.push(Slot { expr, wide: false, kind, depth: 0 });
            }
            None => self.push_unknown(Vec::new()),
        }
    }

    fn control(&mut self, opcode: u8) {
        match opcode {
            0x99..=0x9e | 0xc6 | 0xc7 => {
                let left = self.pop();
                let right = if opcode >= 0xc6 {
                    self.l.b.add(Expression::Nothing, self.line)
                } else {
                    self.l.b.number(0.0, self.line)
                };
                self.test(opcode, left.expr, right);
            }
            0x9f..=0xa6 => {
                let (right, left) = (self.pop(), self.pop());
                self.test(opcode, left.expr, right.expr);
            }
            0xa7 | 0xc8 => {
                let far = opcode == 0xc8;
                let distance = if far { self.word(self.at + 1) } else { i32::from(self.index().cast_signed()) };
                self.jump(distance);
                self.reached = false;
            }
            0xaa | 0xab => {
                let value = self.pop();
                self.out.push(Statement::Do(value.expr));
                self.reached = false;
                let padded = (self.at + 4) & !3;
                let end = self.at + self.length(opcode);
                self.jump(self.word(padded));
                let (mut at, step) = if opcode == 0xaa { (padded + 12, 4) } else { (padded + 12, 8) };
                while at + 4 <= end {
                    self.jump(self.word(at));
                    at += step;
                }
            }
            0xac..=0xb0 => {
                let value = self.pop();
                self.leave(Statement::Return(Some(value.expr)));
            }
            0xb1 => self.leave(Statement::Return(None)),
            0xc2 | 0xc3 => {
                self.pop();
            }
            0xa8 | 0xc9 => self.push_unknown(Vec::new()),
            0xa9 => self.reached = false,
            _ => {}
        }
    }

    /// A condition. What is jumped over runs if it does not hold.
    fn test(&mut self, opcode: u8, left: Expr, right: Expr) {
        let test = self.l.b.binary(operators::stays(opcode), left, right, self.line);
        let distance = i32::from(self.index().cast_signed());
        self.jump(distance);
        let end = usize::try_from(distance).map_or(0, |distance| self.at + distance);
        let fits = self.guarded.last().is_none_or(|around| end <= around.end);
        if end > self.at && fits && self.guarded.len() < MAX_GUARDED {
            let before = std::mem::take(&mut self.out);
            self.guarded.push(Guarded { end, before, test });
        } else {
            self.out.push(Statement::Do(test));
        }
    }

    /// Another instruction may come from here: what lies on the stack is kept for it.
    fn jump(&mut self, distance: i32) {
        let Ok(to) = usize::try_from(i64::try_from(self.at).unwrap_or(0) + i64::from(distance)) else { return };
        if to > self.at && !self.stack.is_empty() {
            self.arrivals.entry(to).or_insert_with(|| self.stack.clone());
        } else if to > self.at {
            self.arrivals.entry(to).or_default();
        }
    }
}

fn is_builder(class: &str) -> bool {
    matches!(class, "java.lang.StringBuilder" | "java.lang.StringBuffer" | "java.lang.AbstractStringBuilder")
}

/// Streams that are written to: what writing does depends on what they wrap.
fn is_writer(class: &str) -> bool {
    matches!(
        class,
        "java.io.OutputStream"
            | "java.io.BufferedOutputStream"
            | "java.io.DataOutputStream"
            | "java.io.ObjectOutputStream"
            | "java.io.FilterOutputStream"
            | "java.io.PrintStream"
            | "java.io.Writer"
            | "java.io.BufferedWriter"
            | "java.io.OutputStreamWriter"
            | "java.io.PrintWriter"
    )
}

/// Calls that make a list of their arguments.
fn is_list(class: &str, name: &str) -> bool {
    name == "of" && matches!(class, "java.util.List" | "java.util.Set")
}

/// Calls whose value is their first argument.
fn is_same(class: &str, name: &str) -> bool {
    match class {
        "java.lang.String" => matches!(
            name,
            "valueOf" | "toString" | "intern" | "trim" | "strip" | "getBytes" | "toCharArray" | "copyValueOf"
        ),
        "java.lang.StringBuilder" | "java.lang.StringBuffer" | "java.lang.Object" | "java.lang.CharSequence" => {
            name == "toString"
        }
        "java.lang.Integer"
        | "java.lang.Long"
        | "java.lang.Byte"
        | "java.lang.Character"
        | "java.lang.Boolean"
        | "java.lang.Short" => name == "valueOf" || name.ends_with("Value"),
        "java.util.Arrays" => name == "asList",
        "java.util.Optional" => name == "of",
        "java.util.Objects" => name == "requireNonNull",
        _ => false,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in bounds: it is asked before")]
fn as_index(number: f64) -> Option<usize> {
    (0.0..1e9).contains(&number).then_some(number as usize)
}
