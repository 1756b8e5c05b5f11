//! Expressions of Python.

use std::rc::Rc;

use ruff_python_ast::{
    self as ast, BoolOp, CmpOp, ConversionFlag, Expr as Tree, FStringPart, InterpolatedStringElement, Number, Operator,
    UnaryOp,
};

use super::Lowering;
use crate::ir::{Argument, Binary, Expr, Expression, Function, Statement, Unary};

/// What a comprehension makes of a value.
#[derive(Clone, Copy)]
enum Element<'a> {
    /// An item.
    One,
    /// A pair of a dictionary, with its key; `{**x for …}` has none.
    Pair(Option<&'a Tree>),
}

impl<'a> Lowering<'a> {
    pub(super) fn expression(&mut self, tree: &'a Tree) -> Expr {
        let at = self.start(tree);
        match self.deeper(at, |this| this.linked(tree)) {
            Some(expression) => expression,
            None => self.nothing_known(at),
        }
    }

    pub(super) fn expressions(&mut self, trees: &'a [Tree]) -> Box<[Expr]> {
        trees.iter().map(|tree| self.expression(tree)).collect()
    }

    fn optional(&mut self, tree: Option<&'a Tree>) -> Option<Expr> {
        tree.map(|tree| self.expression(tree))
    }

    /// Members, calls, subscripts and operators stand in each other to the left without a limit, so they are not lowered
    /// by recursion.
    fn linked(&mut self, tree: &'a Tree) -> Expr {
        let (mut inner, outermost) = (tree, self.links.len());
        loop {
            let next = match inner {
                Tree::Attribute(attribute) => &attribute.value,
                Tree::Call(call) => &call.func,
                Tree::Subscript(subscript) => &subscript.value,
                Tree::BinOp(binary) => &binary.left,
                _ => break,
            };
            self.links.push(inner);
            inner = next;
        }
        let mut value = self.unlinked(inner);
        while self.links.len() > outermost {
            if let Some(link) = self.links.pop() {
                value = self.link(value, link);
            }
        }
        value
    }

    fn link(&mut self, value: Expr, link: &'a Tree) -> Expr {
        let at = self.start(link);
        let expression = match link {
            Tree::Attribute(attribute) => Expression::Member(value, self.names.intern(attribute.attr.as_str())),
            Tree::Call(call) => {
                let arguments = self.arguments(&call.arguments);
                Expression::Call { callee: value, arguments }
            }
            Tree::Subscript(subscript) => self.subscript(value, &subscript.slice),
            Tree::BinOp(operation) => {
                let right = self.expression(&operation.right);
                match binary(operation.op) {
                    Some(operator) => Expression::Binary(operator, value, right),
                    None => Expression::Other([value, right].into()),
                }
            }
            _ => Expression::Other([value].into()),
        };
        self.add(expression, at)
    }

    fn subscript(&mut self, value: Expr, slice: &'a Tree) -> Expression {
        match slice {
            Tree::Slice(slice) => {
                let lower = self.optional(slice.lower.as_deref());
                let upper = self.optional(slice.upper.as_deref());
                let step = self.optional(slice.step.as_deref());
                Expression::Slice(value, [lower, upper, step])
            }
            index => Expression::Index(value, self.expression(index)),
        }
    }

    fn arguments(&mut self, arguments: &'a ast::Arguments) -> Box<[Argument]> {
        let mut lowered = Vec::with_capacity(arguments.args.len() + arguments.keywords.len());
        for value in &arguments.args {
            lowered.push(self.argument(value));
        }
        for keyword in &arguments.keywords {
            let name = keyword.arg.as_ref().map(|name| self.names.intern(name.as_str()));
            let value = self.expression(&keyword.value);
            lowered.push(Argument { name, value, spread: name.is_none() });
        }
        lowered.into()
    }

    pub(super) fn argument(&mut self, value: &'a Tree) -> Argument {
        let (value, spread) = match value {
            Tree::Starred(starred) => (&*starred.value, true),
            value => (value, false),
        };
        Argument { name: None, value: self.expression(value), spread }
    }

    fn unlinked(&mut self, tree: &'a Tree) -> Expr {
        let at = self.start(tree);
        let expression = match tree {
            Tree::Name(name) if name.id.is_empty() => Expression::Other(Box::default()),
            Tree::Name(name) => Expression::Name(self.names.intern(name.id.as_str())),
            Tree::StringLiteral(text) => Expression::Text(text.value.to_str().into()),
            Tree::BytesLiteral(bytes) => Expression::Bytes(bytes.value.bytes().collect()),
            Tree::NumberLiteral(literal) => number(&literal.value),
            Tree::BooleanLiteral(literal) => Expression::Boolean(literal.value),
            Tree::NoneLiteral(_) => Expression::Nothing,
            Tree::EllipsisLiteral(_) | Tree::IpyEscapeCommand(_) => Expression::Other(Box::default()),
            Tree::FString(text) => return self.f_string(text, at),
            Tree::TString(text) => {
                let mut parts = Vec::new();
                self.elements(text.value.elements(), &mut parts);
                Expression::Other(parts.into())
            }
            Tree::List(list) => Expression::List(self.expressions(&list.elts)),
            Tree::Tuple(tuple) => Expression::List(self.expressions(&tuple.elts)),
            Tree::Set(set) => Expression::List(self.expressions(&set.elts)),
            Tree::Dict(dict) => self.dict(&dict.items),
            Tree::Starred(starred) => Expression::Spread(self.expression(&starred.value)),
            Tree::Slice(slice) => {
                let parts = [slice.lower.as_deref(), slice.upper.as_deref(), slice.step.as_deref()];
                Expression::Other(parts.into_iter().flatten().map(|part| self.expression(part)).collect())
            }
            Tree::UnaryOp(operation) => Expression::Unary(unary(operation.op), self.expression(&operation.operand)),
            Tree::If(choice) => {
                let test = self.expression(&choice.test);
                let body = self.expression(&choice.body);
                Expression::Choose(test, body, self.expression(&choice.orelse))
            }
            Tree::Named(named) => {
                let value = self.expression(&named.value);
                Expression::Assign { target: self.target(&named.target), operator: None, value }
            }
            Tree::Await(wait) => Expression::Wait(self.expression(&wait.value)),
            Tree::YieldFrom(wait) => Expression::Wait(self.expression(&wait.value)),
            Tree::Yield(wait) => self.yielded(wait.value.as_deref(), at),
            Tree::BoolOp(operation) => return self.boolean(operation, at),
            Tree::Compare(compare) => return self.compare(compare, at),
            Tree::Lambda(lambda) => return self.lambda(lambda, at),
            Tree::ListComp(list) => self.comprehension(&list.generators, Element::One, &list.elt, at),
            Tree::SetComp(set) => self.comprehension(&set.generators, Element::One, &set.elt, at),
            Tree::Generator(generator) => self.comprehension(&generator.generators, Element::One, &generator.elt, at),
            Tree::DictComp(dict) => {
                self.comprehension(&dict.generators, Element::Pair(dict.key.as_deref()), &dict.value, at)
            }
            Tree::Attribute(_) | Tree::Call(_) | Tree::Subscript(_) | Tree::BinOp(_) => return self.linked(tree),
        };
        self.add(expression, at)
    }

    fn yielded(&mut self, value: Option<&'a Tree>, at: u32) -> Expression {
        let value = match value {
            Some(value) => self.expression(value),
            None => self.add(Expression::Nothing, at),
        };
        Expression::Wait(value)
    }

    fn dict(&mut self, items: &'a [ast::DictItem]) -> Expression {
        let mut pairs = Vec::with_capacity(items.len());
        for item in items {
            let at = self.start(&item.value);
            let key = item.key.as_ref().map(|key| self.expression(key));
            let value = self.expression(&item.value);
            pairs.push(match key {
                Some(key) => (key, value),
                None => (self.add(Expression::Nothing, at), self.add(Expression::Spread(value), at)),
            });
        }
        Expression::Map(pairs.into())
    }

    fn boolean(&mut self, operation: &'a ast::ExprBoolOp, at: u32) -> Expr {
        let operator = match operation.op {
            BoolOp::And => Binary::Both,
            BoolOp::Or => Binary::Either,
        };
        self.left_deep(operator, &operation.values, at)
    }

    fn left_deep(&mut self, operator: Binary, values: &'a [Tree], at: u32) -> Expr {
        let Some((first, rest)) = values.split_first() else {
            return self.nothing_known(at);
        };
        let mut left = self.expression(first);
        for value in rest {
            let right = self.expression(value);
            left = self.add(Expression::Binary(operator, left, right), at);
        }
        left
    }

    /// `a < b < c` is `a < b and b < c`.
    fn compare(&mut self, compare: &'a ast::ExprCompare, at: u32) -> Expr {
        let mut left = self.expression(&compare.left);
        let mut all: Option<Expr> = None;
        for (&operator, right) in compare.ops.iter().zip(&compare.comparators) {
            let right = self.expression(right);
            let one = self.add(Expression::Binary(comparison(operator), left, right), at);
            all = Some(match all {
                Some(before) => self.add(Expression::Binary(Binary::Both, before, one), at),
                None => one,
            });
            left = right;
        }
        all.unwrap_or(left)
    }

    fn lambda(&mut self, lambda: &'a ast::ExprLambda, at: u32) -> Expr {
        let parameters = lambda.parameters.as_deref();
        let (lowered, mut running) = match parameters {
            Some(parameters) => self.parameters(parameters),
            None => Default::default(),
        };
        let (value, locals) = self.scoped(|this| {
            if let Some(parameters) = parameters {
                this.bind_parameters(parameters);
            }
            this.expression(&lambda.body)
        });
        let body = vec![Statement::Return(Some(value))];
        let function = Function { name: None, parameters: lowered, body, locals, offset: at };
        let function = self.program.define(function);
        let function = self.add(Expression::Function(function), at);
        if running.is_empty() {
            return function;
        }
        running.push(function);
        self.add(Expression::Sequence(running.into()), at)
    }

    /// A comprehension.
    fn comprehension(
        &mut self,
        generators: &'a [ast::Comprehension],
        key: Element<'a>,
        value: &'a Tree,
        at: u32,
    ) -> Expression {
        let mut clauses = Vec::with_capacity(generators.len());
        for generator in generators {
            let iterable = self.expression(&generator.iter);
            let target = self.target(&generator.target);
            clauses.push((target, iterable, self.expressions(&generator.ifs)));
        }
        let map = matches!(key, Element::Pair(_));
        let key = match key {
            Element::Pair(key) => self.optional(key),
            Element::One => None,
        };
        let value = self.expression(value);
        let element = match key {
            Some(key) => self.add(Expression::List([key, value].into()), at),
            None => value,
        };
        Expression::Comprehension { element, clauses: clauses.into(), map }
    }

    fn f_string(&mut self, text: &'a ast::ExprFString, at: u32) -> Expr {
        let mut parts = Vec::new();
        for part in text.value.as_slice() {
            match part {
                FStringPart::Literal(literal) => {
                    let at = self.start(literal);
                    parts.push(self.add(Expression::Text(literal.as_str().into()), at));
                }
                FStringPart::FString(string) => self.elements(&string.elements, &mut parts),
            }
        }
        match parts.as_slice() {
            [] => self.add(Expression::Text("".into()), at),
            [only] if matches!(self.program.expression(*only), Expression::Text(_)) => *only,
            _ => self.add(Expression::Join(parts.into()), at),
        }
    }

    fn elements(&mut self, elements: impl IntoIterator<Item = &'a InterpolatedStringElement>, out: &mut Vec<Expr>) {
        for element in elements {
            let at = self.start(element);
            match element {
                InterpolatedStringElement::Literal(literal) => {
                    let text: Rc<str> = (&*literal.value).into();
                    out.push(self.add(Expression::Text(text), at));
                }
                InterpolatedStringElement::Interpolation(part) => {
                    let value = self.deeper(at, |this| this.interpolated(part, at, out));
                    out.extend(value);
                }
            }
        }
    }

    /// `{value!r:spec}`: what the interpreter calls for it is called.
    fn interpolated(&mut self, part: &'a ast::InterpolatedElement, at: u32, out: &mut Vec<Expr>) -> Expr {
        if let Some(debug) = &part.debug_text {
            let shown = [debug.leading(), debug.expression(), debug.trailing()].concat();
            out.push(self.add(Expression::Text(shown.into()), at));
        }
        let value = self.expression(&part.expression);
        let value = match part.conversion {
            ConversionFlag::None if part.debug_text.is_some() && part.format_spec.is_none() => {
                self.called("repr", &[value], at)
            }
            ConversionFlag::None => value,
            ConversionFlag::Str => self.called("str", &[value], at),
            ConversionFlag::Ascii => self.called("ascii", &[value], at),
            ConversionFlag::Repr => self.called("repr", &[value], at),
        };
        let Some(spec) = part.format_spec.as_deref() else {
            return value;
        };
        let mut parts = Vec::new();
        self.elements(&spec.elements, &mut parts);
        let spec = match parts.as_slice() {
            [only] => *only,
            _ => self.add(Expression::Join(parts.into()), at),
        };
        self.called("format", &[value, spec], at)
    }

    fn called(&mut self, function: &str, values: &[Expr], at: u32) -> Expr {
        let callee = self.names.intern(function);
        let callee = self.name(callee, at);
        let arguments = values.iter().map(|&value| Argument { name: None, value, spread: false }).collect();
        self.add(Expression::Call { callee, arguments }, at)
    }

    /// What is assigned to: a name is bound.
    pub(super) fn target(&mut self, tree: &'a Tree) -> Expr {
        let at = self.start(tree);
        match self.deeper(at, |this| this.target_within(tree, at)) {
            Some(target) => target,
            None => self.nothing_known(at),
        }
    }

    fn target_within(&mut self, tree: &'a Tree, at: u32) -> Expr {
        let elements = match tree {
            Tree::Name(name) if !name.id.is_empty() => return self.bound_name(name.id.as_str(), at),
            Tree::Starred(starred) => {
                let inner = self.target(&starred.value);
                return self.add(Expression::Spread(inner), at);
            }
            Tree::Tuple(tuple) => &tuple.elts,
            Tree::List(list) => &list.elts,
            other => return self.expression(other),
        };
        let targets = elements.iter().map(|element| self.target(element)).collect();
        self.add(Expression::List(targets), at)
    }
}

fn number(number: &Number) -> Expression {
    match number {
        Number::Int(int) => Expression::Number(integer(int)),
        Number::Float(float) => Expression::Number(*float),
        Number::Complex { .. } => Expression::Other(Box::default()),
    }
}

/// An integer, rounded if it has too many digits.
#[expect(clippy::cast_precision_loss, reason = "the form has no other numbers")]
fn integer(int: &ast::Int) -> f64 {
    if let Some(small) = int.as_u64() {
        return small as f64;
    }
    let text = int.to_string();
    let (digits, radix) = match text.get(..2) {
        Some("0x" | "0X") => (text.get(2..), 16),
        Some("0o" | "0O") => (text.get(2..), 8),
        Some("0b" | "0B") => (text.get(2..), 2),
        _ => return text.parse().unwrap_or(f64::INFINITY),
    };
    let digits = digits.unwrap_or_default().chars().filter_map(|digit| digit.to_digit(radix));
    digits.fold(0.0, |number, digit| number * f64::from(radix) + f64::from(digit))
}

/// The operator, if the form has it: matrices have none.
pub(super) fn binary(operator: Operator) -> Option<Binary> {
    Some(match operator {
        Operator::Add => Binary::Add,
        Operator::Sub => Binary::Subtract,
        Operator::Mult => Binary::Multiply,
        Operator::Div => Binary::Divide,
        Operator::FloorDiv => Binary::FloorDivide,
        Operator::Mod => Binary::Remainder,
        Operator::Pow => Binary::Power,
        Operator::LShift => Binary::ShiftLeft,
        Operator::RShift => Binary::ShiftRight,
        Operator::BitAnd => Binary::And,
        Operator::BitOr => Binary::Or,
        Operator::BitXor => Binary::Xor,
        Operator::MatMult => return None,
    })
}

fn unary(operator: UnaryOp) -> Unary {
    match operator {
        UnaryOp::Not => Unary::Not,
        UnaryOp::USub => Unary::Minus,
        UnaryOp::UAdd => Unary::Plus,
        UnaryOp::Invert => Unary::Invert,
    }
}

fn comparison(operator: CmpOp) -> Binary {
    match operator {
        CmpOp::Eq | CmpOp::Is => Binary::Equal,
        CmpOp::NotEq | CmpOp::IsNot => Binary::NotEqual,
        CmpOp::Lt => Binary::Less,
        CmpOp::LtE => Binary::LessOrEqual,
        CmpOp::Gt => Binary::Greater,
        CmpOp::GtE => Binary::GreaterOrEqual,
        CmpOp::In => Binary::In,
        CmpOp::NotIn => Binary::NotIn,
    }
}
