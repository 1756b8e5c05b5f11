//! Expressions. What is left-deep (sums of a million parts, chains of calls) is lowered in a loop, as the text decides
//! how long it is; what nests otherwise is counted.

use std::rc::Rc;

use oxc_ast::ast::{
    Argument as OxcArgument, ArrayExpression, ArrayExpressionElement, AssignmentExpression, AssignmentOperator,
    BinaryExpression, BinaryOperator, CallExpression, ChainElement, ComputedMemberExpression, Expression as Oxc,
    IdentifierReference, LogicalExpression, LogicalOperator, NumericLiteral, ObjectExpression, ObjectPropertyKind,
    PrivateFieldExpression, PropertyKey, PropertyKind, RegExpLiteral, SequenceExpression, StaticMemberExpression,
    StringLiteral, TaggedTemplateExpression, TemplateLiteral, UnaryExpression, UnaryOperator, UpdateExpression,
    UpdateOperator,
};
use oxc_span::{GetSpan, Span};

use super::Lowerer;
use crate::ir::{Argument, Binary, Expr, Expression, Sym, Unary};

/// One step away from the operand that a chain begins with.
#[derive(Clone, Copy)]
pub(super) enum Link<'a> {
    Binary(&'a BinaryExpression<'a>),
    Logical(&'a LogicalExpression<'a>),
    Static(&'a StaticMemberExpression<'a>),
    Computed(&'a ComputedMemberExpression<'a>),
    Private(&'a PrivateFieldExpression<'a>),
    Call(&'a CallExpression<'a>),
    Tagged(&'a TaggedTemplateExpression<'a>),
}

impl<'a> Lowerer<'a, '_> {
    pub(super) fn expression(&mut self, expression: &'a Oxc<'a>) -> Expr {
        let offset = expression.span().start;
        if !self.deeper(offset) {
            return self.add(Expression::Other(Box::default()), offset);
        }
        let first = self.links.len();
        let mut inner = expression;
        while let Some((link, next)) = link(inner) {
            self.links.extend(link);
            inner = next;
        }
        let mut value = self.operand(inner, offset);
        while self.links.len() > first {
            let Some(link) = self.links.pop() else { break };
            value = self.linked(value, link);
        }
        self.depth -= 1;
        value
    }

    /// An expression whose value nobody asks for.
    pub(super) fn effect(&mut self, expression: &'a Oxc<'a>) -> Expr {
        match expression {
            Oxc::UpdateExpression(update) => self.update(update, false),
            Oxc::SequenceExpression(sequence) => self.sequence(sequence, false),
            _ => self.expression(expression),
        }
    }

    /// An expression that gets a name where it stands, if it is a function or class without one.
    pub(super) fn expression_named(&mut self, expression: &'a Oxc<'a>, name: Option<Sym>) -> Expr {
        match expression {
            Oxc::FunctionExpression(function) if function.id.is_none() => self.function_value(function, name),
            Oxc::ArrowFunctionExpression(arrow) => self.arrow(arrow, name),
            Oxc::ClassExpression(class) if class.id.is_none() => self.class(class, name),
            _ => self.expression(expression),
        }
    }

    fn linked(&mut self, value: Expr, link: Link<'a>) -> Expr {
        match link {
            Link::Binary(binary) => {
                let right = self.expression(&binary.right);
                self.add(Expression::Binary(binary_operator(binary.operator), value, right), binary.span.start)
            }
            Link::Logical(logical) => {
                let right = self.expression(&logical.right);
                self.add(Expression::Binary(logical_operator(logical.operator), value, right), logical.span.start)
            }
            Link::Static(member) => {
                let name = self.name(member.property.name.as_str());
                self.add(Expression::Member(value, name), member.span.start)
            }
            Link::Computed(member) => {
                let index = self.expression(&member.expression);
                self.add(Expression::Index(value, index), member.span.start)
            }
            Link::Private(member) => {
                let name = self.private(member.field.name.as_str());
                self.add(Expression::Member(value, name), member.span.start)
            }
            Link::Call(call) => {
                let arguments = self.arguments(&call.arguments);
                self.add(Expression::Call { callee: value, arguments }, call.span.start)
            }
            Link::Tagged(tagged) => self.tagged(value, tagged),
        }
    }

    fn operand(&mut self, expression: &'a Oxc<'a>, offset: u32) -> Expr {
        match expression {
            Oxc::BooleanLiteral(literal) => self.add(Expression::Boolean(literal.value), offset),
            Oxc::NullLiteral(_) | Oxc::NewTarget(_) => self.add(Expression::Nothing, offset),
            Oxc::NumericLiteral(literal) => self.number(literal),
            Oxc::BigIntLiteral(literal) => {
                let value = literal.value.as_str().parse().unwrap_or(f64::NAN);
                self.add(Expression::Number(value), offset)
            }
            Oxc::RegExpLiteral(literal) => self.pattern_literal(literal),
            Oxc::StringLiteral(literal) => self.string(literal),
            Oxc::TemplateLiteral(literal) => self.template(literal),
            Oxc::Identifier(name) => self.identifier(name),
            Oxc::Super(_) => self.named("super", offset),
            Oxc::ThisExpression(_) => self.named("this", offset),
            Oxc::ImportMeta(_) => self.named("import.meta", offset),
            Oxc::ArrayExpression(array) => self.array(array),
            Oxc::ObjectExpression(object) => self.object(object),
            Oxc::ArrowFunctionExpression(arrow) => self.arrow(arrow, None),
            Oxc::FunctionExpression(function) => self.function_value(function, None),
            Oxc::ClassExpression(class) => self.class(class, None),
            Oxc::AssignmentExpression(assignment) => self.assignment(assignment),
            Oxc::UpdateExpression(update) => self.update(update, true),
            Oxc::UnaryExpression(unary) => self.unary(unary),
            Oxc::SequenceExpression(sequence) => self.sequence(sequence, true),
            _ => self.rarer(expression, offset),
        }
    }

    fn rarer(&mut self, expression: &'a Oxc<'a>, offset: u32) -> Expr {
        match expression {
            Oxc::AwaitExpression(wait) => {
                let value = self.expression(&wait.argument);
                self.add(Expression::Wait(value), offset)
            }
            Oxc::YieldExpression(wait) => {
                let value = match &wait.argument {
                    Some(argument) => self.expression(argument),
                    None => self.add(Expression::Nothing, offset),
                };
                self.add(Expression::Wait(value), offset)
            }
            Oxc::ConditionalExpression(choice) => {
                let test = self.expression(&choice.test);
                let (yes, no) = (self.expression(&choice.consequent), self.expression(&choice.alternate));
                self.add(Expression::Choose(test, yes, no), offset)
            }
            Oxc::ImportExpression(import) => {
                let callee = self.named("import", offset);
                let value = self.expression(&import.source);
                let options = import.options.as_ref().map(|options| self.expression(options));
                let arguments = [Some(value), options].into_iter().flatten().map(plain).collect();
                self.add(Expression::Call { callee, arguments }, offset)
            }
            Oxc::NewExpression(new) => {
                let callee = self.expression(&new.callee);
                let arguments = self.arguments(&new.arguments);
                self.add(Expression::Call { callee, arguments }, offset)
            }
            Oxc::PrivateInExpression(test) => {
                let name = format!("#{}", test.left.name);
                let left = self.text(&name, offset);
                let right = self.expression(&test.right);
                self.add(Expression::Binary(Binary::In, left, right), offset)
            }
            Oxc::JSXElement(element) => self.element(element),
            Oxc::JSXFragment(fragment) => {
                let parts = fragment.children.iter().filter_map(|child| self.child(child)).collect();
                self.add(Expression::Other(parts), offset)
            }
            Oxc::V8IntrinsicExpression(call) => {
                let callee = self.named(call.name.name.as_str(), offset);
                let arguments = self.arguments(&call.arguments);
                self.add(Expression::Call { callee, arguments }, offset)
            }
            // All others are links of a chain.
            _ => self.add(Expression::Other(Box::default()), offset),
        }
    }

    pub(super) fn identifier(&mut self, name: &'a IdentifierReference<'a>) -> Expr {
        match name.name.as_str() {
            "undefined" => self.add(Expression::Nothing, name.span.start),
            "NaN" => self.add(Expression::Number(f64::NAN), name.span.start),
            "Infinity" => self.add(Expression::Number(f64::INFINITY), name.span.start),
            text => self.named(text, name.span.start),
        }
    }

    pub(super) fn private(&mut self, name: &str) -> Sym {
        self.names.intern(&format!("#{name}"))
    }

    fn number(&mut self, literal: &NumericLiteral<'a>) -> Expr {
        self.add(Expression::Number(literal.value), literal.span.start)
    }

    pub(super) fn string(&mut self, literal: &StringLiteral<'a>) -> Expr {
        if literal.lone_surrogates {
            let text = without_surrogates(literal.value.as_str());
            return self.text(&text, literal.span.start);
        }
        self.text(literal.value.as_str(), literal.span.start)
    }

    fn pattern_literal(&mut self, literal: &RegExpLiteral<'a>) -> Expr {
        let offset = literal.span.start;
        let callee = self.named("RegExp", offset);
        let pattern = self.text(literal.regex.pattern.text.as_str(), offset);
        let flags = literal.regex.flags.to_string();
        let flags = self.text(&flags, offset);
        self.add(Expression::Call { callee, arguments: [pattern, flags].map(plain).into() }, offset)
    }

    fn template(&mut self, literal: &'a TemplateLiteral<'a>) -> Expr {
        let mut parts = Vec::with_capacity(literal.quasis.len() + literal.expressions.len());
        let mut expressions = literal.expressions.iter();
        for quasi in &literal.quasis {
            let text = quasi.value.cooked.as_ref().map_or("", |cooked| cooked.as_str());
            if !text.is_empty() {
                parts.push(self.quasi(text, quasi.lone_surrogates, quasi.span));
            }
            parts.extend(expressions.next().map(|part| self.expression(part)));
        }
        match (parts.first(), literal.expressions.is_empty()) {
            (Some(&only), true) => only,
            (None, true) => self.text("", literal.span.start),
            _ => self.add(Expression::Join(parts.into()), literal.span.start),
        }
    }

    fn quasi(&mut self, text: &str, lone_surrogates: bool, span: Span) -> Expr {
        if lone_surrogates {
            let text = without_surrogates(text);
            return self.text(&text, span.start);
        }
        self.text(text, span.start)
    }

    fn tagged(&mut self, callee: Expr, tagged: &'a TaggedTemplateExpression<'a>) -> Expr {
        let offset = tagged.span.start;
        let mut strings = Vec::with_capacity(tagged.quasi.quasis.len());
        for quasi in &tagged.quasi.quasis {
            let text = quasi.value.cooked.as_ref().unwrap_or(&quasi.value.raw).as_str();
            strings.push(self.quasi(text, quasi.lone_surrogates, quasi.span));
        }
        let strings = self.add(Expression::List(strings.into()), offset);
        let mut arguments = vec![plain(strings)];
        for value in &tagged.quasi.expressions {
            arguments.push(plain(self.expression(value)));
        }
        self.add(Expression::Call { callee, arguments: arguments.into() }, offset)
    }

    pub(super) fn arguments(&mut self, arguments: &'a [OxcArgument<'a>]) -> Box<[Argument]> {
        let lowered = arguments.iter().map(|argument| match argument {
            OxcArgument::SpreadElement(spread) => {
                Argument { name: None, value: self.expression(&spread.argument), spread: true }
            }
            _ => plain(self.expression(argument.to_expression())),
        });
        lowered.collect()
    }

    fn array(&mut self, array: &'a ArrayExpression<'a>) -> Expr {
        let items = array.elements.iter().map(|element| match element {
            ArrayExpressionElement::SpreadElement(spread) => {
                let value = self.expression(&spread.argument);
                self.add(Expression::Spread(value), spread.span.start)
            }
            ArrayExpressionElement::Elision(hole) => self.add(Expression::Nothing, hole.span.start),
            _ => self.expression(element.to_expression()),
        });
        let items = items.collect();
        self.add(Expression::List(items), array.span.start)
    }

    fn object(&mut self, object: &'a ObjectExpression<'a>) -> Expr {
        let pairs = object.properties.iter().map(|property| match property {
            ObjectPropertyKind::ObjectProperty(property) => {
                let (key, name) = match property.kind {
                    PropertyKind::Set => self.setter(&property.key),
                    _ => self.key(&property.key, property.computed),
                };
                (key, self.expression_named(&property.value, name))
            }
            ObjectPropertyKind::SpreadProperty(spread) => {
                let value = self.expression(&spread.argument);
                let nothing = self.add(Expression::Nothing, spread.span.start);
                (nothing, self.add(Expression::Spread(value), spread.span.start))
            }
        });
        let pairs = pairs.collect();
        self.add(Expression::Map(pairs), object.span.start)
    }

    /// A key, and the name that it gives.
    pub(super) fn key(&mut self, key: &'a PropertyKey<'a>, computed: bool) -> (Expr, Option<Sym>) {
        let offset = key.span().start;
        match key {
            PropertyKey::StaticIdentifier(name) => {
                let name = self.name(name.name.as_str());
                let text = Rc::clone(self.names.text(name));
                (self.add(Expression::Text(text), offset), Some(name))
            }
            PropertyKey::PrivateIdentifier(name) => {
                let name = self.private(name.name.as_str());
                let text = Rc::clone(self.names.text(name));
                (self.add(Expression::Text(text), offset), Some(name))
            }
            PropertyKey::StringLiteral(literal) => (self.string(literal), Some(self.name(literal.value.as_str()))),
            _ => {
                let value = self.expression(key.to_expression());
                let name = match self.program.expression(value) {
                    Expression::Text(text) if computed => Some(self.names.intern(text)),
                    _ => None,
                };
                (value, name)
            }
        }
    }

    /// The key of a setter: not that of the value, which the getter has.
    fn setter(&mut self, key: &'a PropertyKey<'a>) -> (Expr, Option<Sym>) {
        let (value, name) = self.key(key, true);
        let Some(name) = name else { return (value, None) };
        let text = format!("set {}", self.names.text(name));
        (self.text(&text, key.span().start), Some(self.names.intern(&text)))
    }

    fn assignment(&mut self, assignment: &'a AssignmentExpression<'a>) -> Expr {
        let target = self.target(&assignment.left);
        let value = match (assignment.operator, self.program.expression(target)) {
            (AssignmentOperator::Assign, &(Expression::Name(name) | Expression::Member(_, name))) => {
                self.expression_named(&assignment.right, Some(name))
            }
            _ => self.expression(&assignment.right),
        };
        let operator = assignment_operator(assignment.operator);
        self.add(Expression::Assign { target, operator, value }, assignment.span.start)
    }

    /// `i++` is the assignment `i += 1`; where its value is asked for, the old one is one less.
    fn update(&mut self, update: &'a UpdateExpression<'a>, asked: bool) -> Expr {
        let offset = update.span.start;
        let (operator, back) = match update.operator {
            UpdateOperator::Increment => (Binary::Add, Binary::Subtract),
            UpdateOperator::Decrement => (Binary::Subtract, Binary::Add),
        };
        let target = self.simple_target(&update.argument);
        let value = self.add(Expression::Number(1.0), offset);
        let assigned = self.add(Expression::Assign { target, operator: Some(operator), value }, offset);
        if update.prefix || !asked {
            return assigned;
        }
        let one = self.add(Expression::Number(1.0), offset);
        self.add(Expression::Binary(back, assigned, one), offset)
    }

    fn unary(&mut self, unary: &'a UnaryExpression<'a>) -> Expr {
        let offset = unary.span.start;
        if let (Oxc::NumericLiteral(number), operator) = (&unary.argument, unary.operator) {
            match operator {
                UnaryOperator::LogicalNot => return self.add(Expression::Boolean(number.value == 0.0), offset),
                UnaryOperator::UnaryNegation => return self.add(Expression::Number(-number.value), offset),
                UnaryOperator::Void => return self.add(Expression::Nothing, offset),
                _ => {}
            }
        }
        let operator = match unary.operator {
            UnaryOperator::UnaryPlus => Unary::Plus,
            UnaryOperator::UnaryNegation => Unary::Minus,
            UnaryOperator::LogicalNot => Unary::Not,
            UnaryOperator::BitwiseNot => Unary::Invert,
            UnaryOperator::Typeof => Unary::TypeOf,
            UnaryOperator::Void => Unary::Void,
            UnaryOperator::Delete => Unary::Delete,
        };
        let value = self.expression(&unary.argument);
        self.add(Expression::Unary(operator, value), offset)
    }

    fn sequence(&mut self, sequence: &'a SequenceExpression<'a>, asked: bool) -> Expr {
        let last = sequence.expressions.len().saturating_sub(1);
        let parts = sequence.expressions.iter().enumerate();
        let parts = parts.map(|(at, part)| if asked && at == last { self.expression(part) } else { self.effect(part) });
        let parts = parts.collect();
        self.add(Expression::Sequence(parts), sequence.span.start)
    }
}

/// The step that an expression is, and what it steps from; nothing of the step remains where only a type is said.
fn link<'a>(expression: &'a Oxc<'a>) -> Option<(Option<Link<'a>>, &'a Oxc<'a>)> {
    Some(match expression {
        Oxc::BinaryExpression(binary) => (Some(Link::Binary(binary)), &binary.left),
        Oxc::LogicalExpression(logical) => (Some(Link::Logical(logical)), &logical.left),
        Oxc::StaticMemberExpression(member) => (Some(Link::Static(member)), &member.object),
        Oxc::ComputedMemberExpression(member) => (Some(Link::Computed(member)), &member.object),
        Oxc::PrivateFieldExpression(member) => (Some(Link::Private(member)), &member.object),
        Oxc::CallExpression(call) => (Some(Link::Call(call)), &call.callee),
        Oxc::TaggedTemplateExpression(tagged) => (Some(Link::Tagged(tagged)), &tagged.tag),
        Oxc::ChainExpression(chain) => match &chain.expression {
            ChainElement::CallExpression(call) => (Some(Link::Call(call)), &call.callee),
            ChainElement::TSNonNullExpression(inner) => (None, &inner.expression),
            ChainElement::StaticMemberExpression(member) => (Some(Link::Static(member)), &member.object),
            ChainElement::ComputedMemberExpression(member) => (Some(Link::Computed(member)), &member.object),
            ChainElement::PrivateFieldExpression(member) => (Some(Link::Private(member)), &member.object),
        },
        Oxc::ParenthesizedExpression(inner) => (None, &inner.expression),
        Oxc::TSAsExpression(inner) => (None, &inner.expression),
        Oxc::TSSatisfiesExpression(inner) => (None, &inner.expression),
        Oxc::TSTypeAssertion(inner) => (None, &inner.expression),
        Oxc::TSNonNullExpression(inner) => (None, &inner.expression),
        Oxc::TSInstantiationExpression(inner) => (None, &inner.expression),
        _ => return None,
    })
}

pub(super) fn plain(value: Expr) -> Argument {
    Argument { name: None, value, spread: false }
}

/// The parser writes a half of a surrogate pair as `\u{fffd}` and four digits; here it is the replacement alone.
fn without_surrogates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        out.push(letter);
        if letter == char::REPLACEMENT_CHARACTER {
            for _ in 0..4 {
                letters.next();
            }
        }
    }
    out
}

fn binary_operator(operator: BinaryOperator) -> Binary {
    match operator {
        BinaryOperator::Equality | BinaryOperator::StrictEquality => Binary::Equal,
        BinaryOperator::Inequality | BinaryOperator::StrictInequality => Binary::NotEqual,
        BinaryOperator::LessThan => Binary::Less,
        BinaryOperator::LessEqualThan => Binary::LessOrEqual,
        BinaryOperator::GreaterThan => Binary::Greater,
        BinaryOperator::GreaterEqualThan => Binary::GreaterOrEqual,
        BinaryOperator::Addition => Binary::Add,
        BinaryOperator::Subtraction => Binary::Subtract,
        BinaryOperator::Multiplication => Binary::Multiply,
        BinaryOperator::Division => Binary::Divide,
        BinaryOperator::Remainder => Binary::Remainder,
        BinaryOperator::Exponential => Binary::Power,
        BinaryOperator::ShiftLeft => Binary::ShiftLeft,
        BinaryOperator::ShiftRight => Binary::ShiftRight,
        BinaryOperator::ShiftRightZeroFill => Binary::ShiftRightUnsigned,
        BinaryOperator::BitwiseOR => Binary::Or,
        BinaryOperator::BitwiseXOR => Binary::Xor,
        BinaryOperator::BitwiseAnd => Binary::And,
        BinaryOperator::In => Binary::In,
        BinaryOperator::Instanceof => Binary::InstanceOf,
    }
}

fn logical_operator(operator: LogicalOperator) -> Binary {
    match operator {
        LogicalOperator::Or => Binary::Either,
        LogicalOperator::And => Binary::Both,
        LogicalOperator::Coalesce => Binary::OrElse,
    }
}

fn assignment_operator(operator: AssignmentOperator) -> Option<Binary> {
    Some(match operator {
        AssignmentOperator::Assign => return None,
        AssignmentOperator::Addition => Binary::Add,
        AssignmentOperator::Subtraction => Binary::Subtract,
        AssignmentOperator::Multiplication => Binary::Multiply,
        AssignmentOperator::Division => Binary::Divide,
        AssignmentOperator::Remainder => Binary::Remainder,
        AssignmentOperator::Exponential => Binary::Power,
        AssignmentOperator::ShiftLeft => Binary::ShiftLeft,
        AssignmentOperator::ShiftRight => Binary::ShiftRight,
        AssignmentOperator::ShiftRightZeroFill => Binary::ShiftRightUnsigned,
        AssignmentOperator::BitwiseOR => Binary::Or,
        AssignmentOperator::BitwiseXOR => Binary::Xor,
        AssignmentOperator::BitwiseAnd => Binary::And,
        AssignmentOperator::LogicalOr => Binary::Either,
        AssignmentOperator::LogicalAnd => Binary::Both,
        AssignmentOperator::LogicalNullish => Binary::OrElse,
    })
}
