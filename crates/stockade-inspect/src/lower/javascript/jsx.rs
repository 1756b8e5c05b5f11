//! Elements of JSX: their names, attributes and children are parts of a value of which nothing else is known.

use oxc_ast::ast::{
    JSXAttributeItem, JSXAttributeName, JSXAttributeValue, JSXChild, JSXElement, JSXElementName, JSXMemberExpression,
    JSXMemberExpressionObject,
};

use super::Lowerer;
use crate::ir::{Expr, Expression};

impl<'a> Lowerer<'a, '_> {
    pub(super) fn element(&mut self, element: &'a JSXElement<'a>) -> Expr {
        let offset = element.span.start;
        if !self.deeper(offset) {
            return self.add(Expression::Other(Box::default()), offset);
        }
        let mut parts = Vec::new();
        match &element.opening_element.name {
            JSXElementName::IdentifierReference(name) => parts.push(self.identifier(name)),
            JSXElementName::MemberExpression(member) => parts.push(self.element_member(member)),
            JSXElementName::Identifier(name) => parts.push(self.text(name.name.as_str(), offset)),
            JSXElementName::NamespacedName(_) | JSXElementName::ThisExpression(_) => {}
        }
        let attributes = element.opening_element.attributes.iter();
        parts.extend(attributes.filter_map(|attribute| self.attribute(attribute)));
        parts.extend(element.children.iter().filter_map(|child| self.child(child)));
        self.depth -= 1;
        self.add(Expression::Other(parts.into()), offset)
    }

    /// `a.b.c` as an element's name, from the inside out.
    fn element_member(&mut self, member: &'a JSXMemberExpression<'a>) -> Expr {
        let mut names = Vec::new();
        let mut inner = member;
        let mut value = loop {
            names.push(inner.property.name.as_str());
            match &inner.object {
                JSXMemberExpressionObject::MemberExpression(next) => inner = next,
                JSXMemberExpressionObject::IdentifierReference(name) => break self.identifier(name),
                JSXMemberExpressionObject::ThisExpression(this) => break self.named("this", this.span.start),
            }
        };
        while let Some(name) = names.pop() {
            let name = self.name(name);
            value = self.add(Expression::Member(value, name), member.span.start);
        }
        value
    }

    /// What an attribute is given, under the attribute's name if that is a function.
    fn attribute(&mut self, attribute: &'a JSXAttributeItem<'a>) -> Option<Expr> {
        let attribute = match attribute {
            JSXAttributeItem::Attribute(attribute) => attribute,
            JSXAttributeItem::SpreadAttribute(spread) => return Some(self.expression(&spread.argument)),
        };
        let name = match &attribute.name {
            JSXAttributeName::Identifier(name) => Some(self.name(name.name.as_str())),
            JSXAttributeName::NamespacedName(_) => None,
        };
        match attribute.value.as_ref()? {
            JSXAttributeValue::StringLiteral(literal) => Some(self.string(literal)),
            JSXAttributeValue::ExpressionContainer(container) => {
                Some(self.expression_named(container.expression.as_expression()?, name))
            }
            JSXAttributeValue::Element(element) => Some(self.element(element)),
            JSXAttributeValue::Fragment(fragment) => {
                let parts = fragment.children.iter().filter_map(|child| self.child(child)).collect();
                Some(self.add(Expression::Other(parts), fragment.span.start))
            }
        }
    }

    pub(super) fn child(&mut self, child: &'a JSXChild<'a>) -> Option<Expr> {
        match child {
            JSXChild::Text(_) => None,
            JSXChild::Element(element) => Some(self.element(element)),
            JSXChild::Fragment(fragment) => {
                if !self.deeper(fragment.span.start) {
                    return None;
                }
                let parts = fragment.children.iter().filter_map(|child| self.child(child)).collect();
                self.depth -= 1;
                Some(self.add(Expression::Other(parts), fragment.span.start))
            }
            JSXChild::ExpressionContainer(container) => {
                container.expression.as_expression().map(|inner| self.expression(inner))
            }
            JSXChild::Spread(spread) => Some(self.expression(&spread.expression)),
        }
    }
}
