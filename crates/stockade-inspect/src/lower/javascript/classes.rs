//! Functions, methods and classes.

use oxc_ast::ast::{
    ArrowFunctionBody, ArrowFunctionExpression, Class as OxcClass, ClassElement, Expression as Oxc, FormalParameters,
    Function as OxcFunction, MethodDefinition, MethodDefinitionKind, PropertyKey, Statement as OxcStatement,
};

use super::Lowerer;
use crate::ir::{Block, Class, Expr, Expression, Fun, Function, Parameter, Statement, Sym};

impl<'a> Lowerer<'a, '_> {
    /// A function as a value. One that calls itself by its own name is defined within a function that returns it, since
    /// the name is known nowhere else.
    pub(super) fn function_value(&mut self, function: &'a OxcFunction<'a>, name: Option<Sym>) -> Expr {
        let offset = function.span.start;
        let own = function.id.as_ref().map(|id| self.name(id.name.as_str()));
        let first = self.program.expressions.len();
        let fun = self.function(function, own.or(name));
        let inside = self.program.expressions.get(first..).unwrap_or_default();
        let Some(own) =
            own.filter(|own| inside.iter().any(|part| matches!(part, Expression::Name(name) if name == own)))
        else {
            return self.add(Expression::Function(fun), offset);
        };
        let result = self.add(Expression::Name(own), offset);
        let body = vec![Statement::Define(own, fun), Statement::Return(Some(result))];
        let around = Function { name: None, parameters: Vec::new(), body, locals: vec![own], offset };
        let around = self.program.define(around);
        let callee = self.add(Expression::Function(around), offset);
        self.add(Expression::Call { callee, arguments: Box::default() }, offset)
    }

    pub(super) fn function(&mut self, function: &'a OxcFunction<'a>, name: Option<Sym>) -> Fun {
        let body = function.body.as_ref().map_or(&[][..], |body| &body.statements);
        self.function_of(name, &function.params, &Body::Statements(body), function.span.start)
    }

    pub(super) fn arrow(&mut self, arrow: &'a ArrowFunctionExpression<'a>, name: Option<Sym>) -> Expr {
        let offset = arrow.span.start;
        let body = match &arrow.body {
            ArrowFunctionBody::FunctionBody(body) => Some(Body::Statements(&body.statements)),
            other => other.as_expression().map(Body::Value),
        };
        let body = body.unwrap_or(Body::Statements(&[]));
        let fun = self.function_of(name, &arrow.params, &body, offset);
        self.add(Expression::Function(fun), offset)
    }

    fn function_of(
        &mut self,
        name: Option<Sym>,
        parameters: &'a FormalParameters<'a>,
        body: &Body<'a>,
        offset: u32,
    ) -> Fun {
        if !self.deeper(offset) {
            return self.program.define(Function { name, offset, ..Function::default() });
        }
        self.locals.push(Vec::new());
        let labels = std::mem::take(&mut self.labels);
        let (switches, namespace) = (self.switches, self.namespace.take());
        self.switches = 0;

        let (parameters, mut block) = self.parameters(parameters);
        match body {
            Body::Statements(statements) => self.block_into(statements, &mut block),
            Body::Value(value) => {
                let value = self.expression(value);
                block.push(Statement::Return(Some(value)));
            }
        }

        (self.labels, self.switches, self.namespace) = (labels, switches, namespace);
        let mut locals = self.locals.pop().unwrap_or_default();
        locals.sort_unstable();
        locals.dedup();
        self.depth -= 1;
        self.program.define(Function { name, parameters, body: block, locals, offset })
    }

    /// The parameters, and what those that TypeScript makes members assign.
    fn parameters(&mut self, parameters: &'a FormalParameters<'a>) -> (Vec<Parameter>, Block) {
        let (mut lowered, mut members) = (Vec::with_capacity(parameters.items.len()), Block::new());
        for parameter in &parameters.items {
            let target = self.binding(&parameter.pattern);
            let default = parameter.initializer.as_ref().map(|default| self.expression(default));
            lowered.push(Parameter { target, default, rest: false });
            if (parameter.accessibility.is_some() || parameter.readonly)
                && let Expression::Name(name) = *self.program.expression(target)
            {
                let offset = parameter.span.start;
                let this = self.named("this", offset);
                let (target, value) =
                    (self.add(Expression::Member(this, name), offset), self.add(Expression::Name(name), offset));
                let assign = Expression::Assign { target, operator: None, value };
                members.push(Statement::Do(self.add(assign, offset)));
            }
        }
        if let Some(rest) = &parameters.rest {
            let target = self.binding(&rest.rest.argument);
            lowered.push(Parameter { target, default: None, rest: true });
        }
        (lowered, members)
    }

    pub(super) fn class(&mut self, class: &'a OxcClass<'a>, name: Option<Sym>) -> Expr {
        let offset = class.span.start;
        if !self.deeper(offset) {
            return self.add(Expression::Other(Box::default()), offset);
        }
        let name = class.id.as_ref().map(|id| self.name(id.name.as_str())).or(name);
        let bases = class.heritage.as_ref().map(|heritage| self.expression(&heritage.expression));
        let mut lowered = Class { name, bases: bases.into_iter().collect(), body: Block::new(), members: Vec::new() };
        for decorator in &class.decorators {
            lowered.body.push(Statement::Do(self.expression(&decorator.expression)));
        }
        for element in &class.body.body {
            self.class_element(element, &mut lowered);
        }
        self.depth -= 1;
        self.add(Expression::Class(Box::new(lowered)), offset)
    }

    fn class_element(&mut self, element: &'a ClassElement<'a>, class: &mut Class) {
        match element {
            ClassElement::StaticBlock(block) => {
                let labels = std::mem::take(&mut self.labels);
                let body = self.block(&block.body);
                self.labels = labels;
                class.body.push(Statement::Block(body));
            }
            ClassElement::MethodDefinition(method) => self.method(method, class),
            ClassElement::PropertyDefinition(field) if !field.declare => {
                for decorator in &field.decorators {
                    class.body.push(Statement::Do(self.expression(&decorator.expression)));
                }
                self.field(&field.key, field.computed, field.value.as_ref(), class);
            }
            ClassElement::AccessorProperty(field) => {
                self.field(&field.key, field.computed, field.value.as_ref(), class);
            }
            ClassElement::PropertyDefinition(_) | ClassElement::TSIndexSignature(_) => {}
        }
    }

    fn method(&mut self, method: &'a MethodDefinition<'a>, class: &mut Class) {
        if method.value.body.is_none() {
            return;
        }
        for decorator in &method.decorators {
            class.body.push(Statement::Do(self.expression(&decorator.expression)));
        }
        let (key, mut name) = self.key(&method.key, method.computed);
        if let (MethodDefinitionKind::Set, Some(member)) = (method.kind, name) {
            let setter = format!("set {}", self.names.text(member));
            name = Some(self.names.intern(&setter));
        }
        let fun = self.function(&method.value, name);
        let value = self.add(Expression::Function(fun), method.span.start);
        self.member(key, name, value, class);
    }

    fn field(&mut self, key: &'a PropertyKey<'a>, computed: bool, value: Option<&'a Oxc<'a>>, class: &mut Class) {
        let (key, name) = self.key(key, computed);
        match value {
            Some(value) => {
                let value = self.expression_named(value, name);
                self.member(key, name, value, class);
            }
            None => class.members.extend(name),
        }
    }

    /// A member whose name is computed is at least evaluated.
    fn member(&mut self, key: Expr, name: Option<Sym>, value: Expr, class: &mut Class) {
        let offset = self.program.offsets.get(key.0 as usize).copied().unwrap_or_default();
        let statement = match name {
            Some(name) => {
                class.members.push(name);
                let target = self.add(Expression::Name(name), offset);
                self.add(Expression::Assign { target, operator: None, value }, offset)
            }
            None => self.add(Expression::Other([key, value].into()), offset),
        };
        class.body.push(Statement::Do(statement));
    }
}

/// The body of a function.
enum Body<'a> {
    Statements(&'a [OxcStatement<'a>]),
    Value(&'a Oxc<'a>),
}
