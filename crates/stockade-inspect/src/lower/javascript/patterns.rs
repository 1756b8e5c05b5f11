//! What is assigned to: names, members, and patterns of them. A default within a pattern is an assignment there.

use oxc_ast::ast::{
    AssignmentTarget, AssignmentTargetMaybeDefault, AssignmentTargetProperty, BindingPattern, BindingRestElement,
    ForStatementLeft, SimpleAssignmentTarget, VariableDeclaration,
};
use oxc_span::GetSpan;

use super::Lowerer;
use crate::ir::{Expr, Expression, Sym};

impl<'a> Lowerer<'a, '_> {
    pub(super) fn target(&mut self, target: &'a AssignmentTarget<'a>) -> Expr {
        let offset = target.span().start;
        if !self.deeper(offset) {
            return self.add(Expression::Other(Box::default()), offset);
        }
        let lowered = match target {
            AssignmentTarget::ArrayAssignmentTarget(list) => {
                let mut items = Vec::with_capacity(list.elements.len() + 1);
                for element in &list.elements {
                    items.push(match element {
                        Some(element) => self.target_or_default(element),
                        None => self.add(Expression::Nothing, offset),
                    });
                }
                if let Some(rest) = &list.rest {
                    let inner = self.target(&rest.target);
                    items.push(self.add(Expression::Spread(inner), rest.span.start));
                }
                self.add(Expression::List(items.into()), offset)
            }
            AssignmentTarget::ObjectAssignmentTarget(map) => {
                let mut pairs = Vec::with_capacity(map.properties.len() + 1);
                for property in &map.properties {
                    pairs.push(self.target_property(property));
                }
                if let Some(rest) = &map.rest {
                    let inner = self.target(&rest.target);
                    pairs.push(self.rest_pair(inner, rest.span.start));
                }
                self.add(Expression::Map(pairs.into()), offset)
            }
            _ => match target.as_simple_assignment_target() {
                Some(simple) => self.simple_target(simple),
                None => self.add(Expression::Other(Box::default()), offset),
            },
        };
        self.depth -= 1;
        lowered
    }

    pub(super) fn simple_target(&mut self, target: &'a SimpleAssignmentTarget<'a>) -> Expr {
        let offset = target.span().start;
        match target {
            SimpleAssignmentTarget::AssignmentTargetIdentifier(name) => self.named(name.name.as_str(), offset),
            SimpleAssignmentTarget::ComputedMemberExpression(member) => {
                let (object, index) = (self.expression(&member.object), self.expression(&member.expression));
                self.add(Expression::Index(object, index), offset)
            }
            SimpleAssignmentTarget::StaticMemberExpression(member) => {
                let object = self.expression(&member.object);
                let name = self.name(member.property.name.as_str());
                self.add(Expression::Member(object, name), offset)
            }
            SimpleAssignmentTarget::PrivateFieldExpression(member) => {
                let object = self.expression(&member.object);
                let name = self.private(member.field.name.as_str());
                self.add(Expression::Member(object, name), offset)
            }
            SimpleAssignmentTarget::TSAsExpression(inner) => self.expression(&inner.expression),
            SimpleAssignmentTarget::TSSatisfiesExpression(inner) => self.expression(&inner.expression),
            SimpleAssignmentTarget::TSNonNullExpression(inner) => self.expression(&inner.expression),
            SimpleAssignmentTarget::TSTypeAssertion(inner) => self.expression(&inner.expression),
        }
    }

    fn target_or_default(&mut self, target: &'a AssignmentTargetMaybeDefault<'a>) -> Expr {
        match target {
            AssignmentTargetMaybeDefault::AssignmentTargetWithDefault(both) => {
                let (target, value) = (self.target(&both.binding), self.expression(&both.init));
                self.add(Expression::Assign { target, operator: None, value }, both.span.start)
            }
            _ => match target.as_assignment_target() {
                Some(target) => self.target(target),
                None => self.add(Expression::Other(Box::default()), target.span().start),
            },
        }
    }

    fn target_property(&mut self, property: &'a AssignmentTargetProperty<'a>) -> (Expr, Expr) {
        match property {
            AssignmentTargetProperty::AssignmentTargetPropertyIdentifier(name) => {
                let offset = name.span.start;
                let key = self.text(name.binding.name.as_str(), offset);
                let target = self.named(name.binding.name.as_str(), offset);
                let Some(default) = &name.init else { return (key, target) };
                let value = self.expression(default);
                (key, self.add(Expression::Assign { target, operator: None, value }, offset))
            }
            AssignmentTargetProperty::AssignmentTargetPropertyProperty(pair) => {
                let (key, _) = self.key(&pair.name, pair.computed);
                (key, self.target_or_default(&pair.binding))
            }
        }
    }

    /// A pattern of a declaration; its names belong to the function around it.
    pub(super) fn binding(&mut self, pattern: &'a BindingPattern<'a>) -> Expr {
        let offset = pattern.span().start;
        if !self.deeper(offset) {
            return self.add(Expression::Other(Box::default()), offset);
        }
        let lowered = match pattern {
            BindingPattern::BindingIdentifier(name) => {
                let name = self.name(name.name.as_str());
                self.declare(name);
                self.add(Expression::Name(name), offset)
            }
            BindingPattern::ArrayPattern(list) => {
                let mut items = Vec::with_capacity(list.elements.len() + 1);
                for element in &list.elements {
                    items.push(match element {
                        Some(element) => self.binding(element),
                        None => self.add(Expression::Nothing, offset),
                    });
                }
                if let Some(rest) = &list.rest {
                    items.push(self.rest(rest));
                }
                self.add(Expression::List(items.into()), offset)
            }
            BindingPattern::ObjectPattern(map) => {
                let mut pairs = Vec::with_capacity(map.properties.len() + 1);
                for property in &map.properties {
                    let (key, _) = self.key(&property.key, property.computed);
                    pairs.push((key, self.binding(&property.value)));
                }
                if let Some(rest) = &map.rest {
                    let inner = self.binding(&rest.argument);
                    pairs.push(self.rest_pair(inner, rest.span.start));
                }
                self.add(Expression::Map(pairs.into()), offset)
            }
            BindingPattern::AssignmentPattern(both) => {
                let target = self.binding(&both.left);
                let value = self.expression(&both.right);
                self.add(Expression::Assign { target, operator: None, value }, offset)
            }
        };
        self.depth -= 1;
        lowered
    }

    fn rest(&mut self, rest: &'a BindingRestElement<'a>) -> Expr {
        let inner = self.binding(&rest.argument);
        self.add(Expression::Spread(inner), rest.span.start)
    }

    fn rest_pair(&mut self, inner: Expr, offset: u32) -> (Expr, Expr) {
        let nothing = self.add(Expression::Nothing, offset);
        (nothing, self.add(Expression::Spread(inner), offset))
    }

    /// The target of `for … of` and `for … in`.
    pub(super) fn loop_target(&mut self, left: &'a ForStatementLeft<'a>) -> Expr {
        match left {
            ForStatementLeft::VariableDeclaration(declaration) => match declaration.declarations.first() {
                Some(declarator) => self.binding(&declarator.id),
                None => self.add(Expression::Other(Box::default()), declaration.span.start),
            },
            _ => match left.as_assignment_target() {
                Some(target) => self.target(target),
                None => self.add(Expression::Other(Box::default()), left.span().start),
            },
        }
    }

    /// The assignments of a declaration: what has no value is only declared.
    pub(super) fn declaration(&mut self, declaration: &'a VariableDeclaration<'a>) -> Vec<Expr> {
        let mut assignments = Vec::with_capacity(declaration.declarations.len());
        for declarator in &declaration.declarations {
            let target = self.binding(&declarator.id);
            let Some(init) = &declarator.init else { continue };
            let name = match self.program.expression(target) {
                Expression::Name(name) => Some(*name),
                _ => None,
            };
            let value = self.expression_named(init, name);
            let assign = Expression::Assign { target, operator: None, value };
            assignments.push(self.add(assign, declarator.span.start));
        }
        assignments
    }

    /// The names that a pattern binds.
    pub(super) fn bound(&mut self, pattern: &'a BindingPattern<'a>) -> Vec<Sym> {
        let (mut names, mut rest) = (Vec::new(), vec![pattern]);
        while let Some(pattern) = rest.pop() {
            match pattern {
                BindingPattern::BindingIdentifier(name) => names.push(self.name(name.name.as_str())),
                BindingPattern::ArrayPattern(list) => {
                    rest.extend(list.rest.as_ref().map(|rest| &rest.argument));
                    rest.extend(list.elements.iter().rev().flatten());
                }
                BindingPattern::ObjectPattern(map) => {
                    rest.extend(map.rest.as_ref().map(|rest| &rest.argument));
                    rest.extend(map.properties.iter().rev().map(|property| &property.value));
                }
                BindingPattern::AssignmentPattern(both) => rest.push(&both.left),
            }
        }
        names
    }
}
