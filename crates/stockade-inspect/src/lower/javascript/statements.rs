//! Statements and modules.

use std::rc::Rc;

use oxc_ast::ast::{
    BindingIdentifier, Declaration, ExportDefaultDeclarationKind, ExportFromDeclaration, ExportSpecifier, ForStatement,
    ForStatementInit, Function as OxcFunction, IfStatement, ImportDeclaration, ImportDeclarationSpecifier,
    ImportOrExportKind, ModuleExportName, Statement as Oxc, TSEnumDeclaration, TSEnumMemberName,
    TSImportEqualsDeclaration, TSModuleReference, TSNamespaceDeclaration, TSNamespaceDeclarationBody, TSTypeName,
    TryStatement,
};
use oxc_span::GetSpan;

use super::Lowerer;
use super::expressions::plain;
use crate::ir::{Binary, Block, Expr, Expression, Imported, Statement, Sym};

/// Something that `break` can leave.
pub(super) struct Label<'a> {
    /// As it is called; a loop or `switch` has one more without a name.
    pub(super) name: Option<&'a str>,
    pub(super) kind: LabelKind,
}

/// What `break` leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LabelKind {
    Loop,
    /// A `switch` or block. It is no loop in the small form, and nothing is left for it.
    Other,
}

impl<'a> Lowerer<'a, '_> {
    pub(super) fn block(&mut self, statements: &'a [Oxc<'a>]) -> Block {
        let mut out = Block::with_capacity(statements.len());
        self.block_into(statements, &mut out);
        out
    }

    pub(super) fn block_into(&mut self, statements: &'a [Oxc<'a>], out: &mut Block) {
        for statement in statements {
            if let Oxc::ImportDeclaration(import) = statement {
                self.import(import, out);
            } else if let Some((id, function)) = hoisted(statement) {
                let name = self.name(id.name.as_str());
                self.declare(name);
                let fun = self.function(function, Some(name));
                out.push(Statement::Define(name, fun));
            }
        }
        for statement in statements {
            self.statement(statement, out);
        }
    }

    /// The body of a loop or branch.
    pub(super) fn body(&mut self, statement: &'a Oxc<'a>) -> Block {
        if let Oxc::BlockStatement(block) = statement {
            let offset = block.span.start;
            if !self.deeper(offset) {
                return Block::new();
            }
            let out = self.block(&block.body);
            self.depth -= 1;
            return out;
        }
        let mut out = Block::new();
        self.block_into(std::slice::from_ref(statement), &mut out);
        out
    }

    fn statement(&mut self, statement: &'a Oxc<'a>, out: &mut Block) {
        if self.is_deepest() {
            // Says so, once.
            self.deeper(statement.span().start);
            return;
        }
        self.depth += 1;
        self.statement_inside(statement, out);
        self.depth -= 1;
    }

    fn statement_inside(&mut self, statement: &'a Oxc<'a>, out: &mut Block) {
        match statement {
            Oxc::ExpressionStatement(inner) => out.push(Statement::Do(self.effect(&inner.expression))),
            Oxc::BlockStatement(block) => out.push(Statement::Block(self.block(&block.body))),
            Oxc::IfStatement(first) => self.if_chain(first, out),
            Oxc::ReturnStatement(inner) => {
                let value = inner.argument.as_ref().map(|value| self.expression(value));
                out.push(Statement::Return(value));
            }
            Oxc::ThrowStatement(inner) => out.push(Statement::Throw(Some(self.expression(&inner.argument)))),
            Oxc::BreakStatement(inner) => {
                let label = inner.label.as_ref().map(|label| label.name.as_str());
                if self.leaves_loop(label) {
                    out.push(Statement::Break);
                }
            }
            Oxc::ContinueStatement(_) => out.push(Statement::Continue),
            Oxc::TryStatement(inner) => self.try_statement(inner, out),
            Oxc::SwitchStatement(inner) => self.switch(inner, out),
            Oxc::ForStatement(inner) => self.for_statement(inner, out),
            Oxc::ForInStatement(inner) => {
                let (target, iterable) = (self.loop_target(&inner.left), self.expression(&inner.right));
                let body = self.loop_body(&inner.body);
                out.push(Statement::Each { target, iterable, keys: true, body });
            }
            Oxc::ForOfStatement(inner) => {
                let (target, iterable) = (self.loop_target(&inner.left), self.expression(&inner.right));
                let body = self.loop_body(&inner.body);
                out.push(Statement::Each { target, iterable, keys: false, body });
            }
            Oxc::WhileStatement(inner) => {
                let test = Some(self.expression(&inner.test));
                let body = self.loop_body(&inner.body);
                out.push(Statement::Loop { test, body, after: None, body_first: false });
            }
            Oxc::DoWhileStatement(inner) => {
                let body = self.loop_body(&inner.body);
                let test = Some(self.expression(&inner.test));
                out.push(Statement::Loop { test, body, after: None, body_first: true });
            }
            Oxc::LabeledStatement(inner) => {
                let is_loop = matches!(
                    inner.body,
                    Oxc::ForStatement(_)
                        | Oxc::ForInStatement(_)
                        | Oxc::ForOfStatement(_)
                        | Oxc::WhileStatement(_)
                        | Oxc::DoWhileStatement(_)
                );
                let kind = if is_loop { LabelKind::Loop } else { LabelKind::Other };
                self.labels.push(Label { name: Some(inner.label.name.as_str()), kind });
                let body = self.body(&inner.body);
                self.labels.pop();
                out.push(Statement::Block(body));
            }
            Oxc::WithStatement(inner) => {
                let mut body = vec![Statement::Do(self.expression(&inner.object))];
                body.append(&mut self.body(&inner.body));
                out.push(Statement::Block(body));
            }
            Oxc::DebuggerStatement(_) | Oxc::EmptyStatement(_) => {}
            _ => self.module_statement(statement, out),
        }
    }

    /// Statements of modules, and declarations. Imports were hoisted.
    fn module_statement(&mut self, statement: &'a Oxc<'a>, out: &mut Block) {
        match statement {
            Oxc::ExportAllDeclaration(all) if all.export_kind == ImportOrExportKind::Value => {
                let module = all.source.value.as_str();
                let exported = match &all.exported {
                    Some(name) => self.export_name(name),
                    None => self.names.intern("*"),
                };
                let local = self.names.intern(&format!("* of {module}"));
                out.push(Statement::Import { module: module.into(), names: vec![Imported { name: None, local }] });
                let value = self.add(Expression::Name(local), all.span.start);
                out.push(Statement::Export(exported, value));
            }
            Oxc::ExportFromDeclaration(from) if from.export_kind == ImportOrExportKind::Value => {
                self.export_from(from, out);
            }
            Oxc::ExportNamedDeclaration(named) if named.export_kind == ImportOrExportKind::Value => {
                for specifier in named.specifiers.iter().filter(|specifier| is_value(specifier)) {
                    let local = self.export_name(&specifier.local);
                    let exported = self.export_name(&specifier.exported);
                    let value = self.add(Expression::Name(local), specifier.span.start);
                    self.export(exported, value, out);
                }
            }
            Oxc::ExportDefaultDeclaration(default) => self.export_default(&default.declaration, out),
            Oxc::ExportDeclaration(export) => {
                self.declared(&export.declaration, out);
                for name in self.declared_names(&export.declaration) {
                    let value = self.add(Expression::Name(name), export.span.start);
                    self.export(name, value, out);
                }
            }
            Oxc::TSExportAssignment(assignment) => {
                let offset = assignment.span.start;
                let module = self.named("module", offset);
                let exports = self.name("exports");
                let target = self.add(Expression::Member(module, exports), offset);
                let value = self.expression(&assignment.expression);
                out.push(Statement::Do(self.add(Expression::Assign { target, operator: None, value }, offset)));
            }
            _ => {
                if let Some(declaration) = statement.as_declaration() {
                    self.declared(declaration, out);
                }
            }
        }
    }

    /// A declaration; functions were hoisted, and types are nothing.
    fn declared(&mut self, declaration: &'a Declaration<'a>, out: &mut Block) {
        match declaration {
            Declaration::VariableDeclaration(variables) if !variables.declare => {
                out.extend(self.declaration(variables).into_iter().map(Statement::Do));
            }
            Declaration::ClassDeclaration(class) if !class.declare => {
                let value = self.class(class, None);
                if let Some(id) = &class.id {
                    self.assign_new(id.name.as_str(), value, class.span.start, out);
                } else {
                    out.push(Statement::Do(value));
                }
            }
            Declaration::TSEnumDeclaration(declaration) if !declaration.declare => self.enumeration(declaration, out),
            Declaration::TSNamespaceDeclaration(namespace) if !namespace.declare => self.namespace(namespace, out),
            Declaration::TSImportEqualsDeclaration(import) if import.import_kind == ImportOrExportKind::Value => {
                self.import_equals(import, out);
            }
            _ => {}
        }
    }

    fn declared_names(&mut self, declaration: &'a Declaration<'a>) -> Vec<Sym> {
        let id = match declaration {
            Declaration::VariableDeclaration(variables) if !variables.declare => {
                return variables.declarations.iter().flat_map(|declarator| self.bound(&declarator.id)).collect();
            }
            Declaration::FunctionDeclaration(function) if function.body.is_some() => function.id.as_ref(),
            Declaration::ClassDeclaration(class) if !class.declare => class.id.as_ref(),
            Declaration::TSEnumDeclaration(declaration) if !declaration.declare => Some(&declaration.id),
            Declaration::TSNamespaceDeclaration(namespace) if !namespace.declare => Some(&namespace.id),
            Declaration::TSImportEqualsDeclaration(import) => Some(&import.id),
            _ => None,
        };
        id.map(|id| self.name(id.name.as_str())).into_iter().collect()
    }

    fn assign_new(&mut self, name: &'a str, value: Expr, offset: u32, out: &mut Block) {
        let name = self.name(name);
        self.declare(name);
        let target = self.add(Expression::Name(name), offset);
        out.push(Statement::Do(self.add(Expression::Assign { target, operator: None, value }, offset)));
    }

    fn export(&mut self, name: Sym, value: Expr, out: &mut Block) {
        match &mut self.namespace {
            Some(members) => members.push((name, value)),
            None => out.push(Statement::Export(name, value)),
        }
    }

    fn export_default(&mut self, declaration: &'a ExportDefaultDeclarationKind<'a>, out: &mut Block) {
        let offset = declaration.span().start;
        let default = self.names.intern("default");
        let value = match declaration {
            ExportDefaultDeclarationKind::FunctionDeclaration(function) if function.body.is_none() => return,
            ExportDefaultDeclarationKind::FunctionDeclaration(function) => match &function.id {
                Some(id) => self.named(id.name.as_str(), offset),
                None => self.function_value(function, None),
            },
            ExportDefaultDeclarationKind::ClassDeclaration(class) => {
                let value = self.class(class, None);
                match &class.id {
                    Some(id) => {
                        self.assign_new(id.name.as_str(), value, offset, out);
                        self.named(id.name.as_str(), offset)
                    }
                    None => value,
                }
            }
            ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => return,
            _ => match declaration.as_expression() {
                Some(value) => self.expression(value),
                None => return,
            },
        };
        out.push(Statement::Export(default, value));
    }

    fn export_from(&mut self, from: &'a ExportFromDeclaration<'a>, out: &mut Block) {
        let module = from.source.value.as_str();
        let (mut names, mut exports) = (Vec::new(), Block::new());
        for specifier in from.specifiers.iter().filter(|specifier| is_value(specifier)) {
            let name = self.export_name(&specifier.local);
            let local = format!("{} of {module}", self.names.text(name));
            let local = self.names.intern(&local);
            names.push(Imported { name: Some(name), local });
            let exported = self.export_name(&specifier.exported);
            let value = self.add(Expression::Name(local), specifier.span.start);
            exports.push(Statement::Export(exported, value));
        }
        out.push(Statement::Import { module: module.into(), names });
        out.append(&mut exports);
    }

    fn export_name(&mut self, name: &ModuleExportName<'a>) -> Sym {
        self.name(name.name().as_str())
    }

    fn import(&mut self, import: &'a ImportDeclaration<'a>, out: &mut Block) {
        if import.import_kind == ImportOrExportKind::Type {
            return;
        }
        let mut names = Vec::new();
        for specifier in import.specifiers.iter().flatten() {
            let (name, local) = match specifier {
                ImportDeclarationSpecifier::ImportSpecifier(named) => {
                    if named.import_kind == ImportOrExportKind::Type {
                        continue;
                    }
                    (Some(self.export_name(&named.imported)), &named.local)
                }
                ImportDeclarationSpecifier::ImportDefaultSpecifier(default) => {
                    (Some(self.names.intern("default")), &default.local)
                }
                ImportDeclarationSpecifier::ImportNamespaceSpecifier(all) => (None, &all.local),
            };
            names.push(Imported { name, local: self.name(local.name.as_str()) });
        }
        out.push(Statement::Import { module: Rc::from(import.source.value.as_str()), names });
    }

    /// `import x = require('m')` and `import x = a.b`.
    fn import_equals(&mut self, import: &'a TSImportEqualsDeclaration<'a>, out: &mut Block) {
        let offset = import.span.start;
        let value = match &import.module_reference {
            TSModuleReference::ExternalModuleReference(module) => {
                let callee = self.named("require", offset);
                let name = self.string(&module.expression);
                self.add(Expression::Call { callee, arguments: Box::new([plain(name)]) }, offset)
            }
            TSModuleReference::IdentifierReference(name) => self.identifier(name),
            TSModuleReference::QualifiedName(name) => {
                let mut members = vec![name.right.name.as_str()];
                let mut inner = &name.left;
                let mut value = loop {
                    match inner {
                        TSTypeName::QualifiedName(next) => {
                            members.push(next.right.name.as_str());
                            inner = &next.left;
                        }
                        TSTypeName::IdentifierReference(name) => break self.identifier(name),
                        TSTypeName::ThisExpression(_) => break self.named("this", offset),
                    }
                };
                while let Some(member) = members.pop() {
                    let member = self.name(member);
                    value = self.add(Expression::Member(value, member), offset);
                }
                value
            }
        };
        self.assign_new(import.id.name.as_str(), value, offset, out);
    }

    /// An enumeration is a map; numbers go on from the last.
    fn enumeration(&mut self, declaration: &'a TSEnumDeclaration<'a>, out: &mut Block) {
        let offset = declaration.span.start;
        let (mut pairs, mut next) = (Vec::with_capacity(declaration.body.members.len()), 0.0);
        for member in &declaration.body.members {
            let offset = member.span.start;
            let key = match &member.id {
                TSEnumMemberName::Identifier(name) => self.text(name.name.as_str(), offset),
                TSEnumMemberName::String(name) | TSEnumMemberName::ComputedString(name) => self.string(name),
                TSEnumMemberName::ComputedTemplateString(_) => continue,
            };
            let value = match &member.initializer {
                Some(value) => self.expression(value),
                None => self.add(Expression::Number(next), offset),
            };
            next = match self.program.expression(value) {
                Expression::Number(number) => number + 1.0,
                _ => next + 1.0,
            };
            pairs.push((key, value));
        }
        let value = self.add(Expression::Map(pairs.into()), offset);
        self.assign_new(declaration.id.name.as_str(), value, offset, out);
    }

    /// A namespace is a block, and then a map of what it exports. `namespace a.b` is one in the other.
    fn namespace(&mut self, namespace: &'a TSNamespaceDeclaration<'a>, out: &mut Block) {
        let offset = namespace.span.start;
        let (mut names, mut inner) = (vec![namespace.id.name.as_str()], namespace);
        let statements = loop {
            match &inner.body {
                TSNamespaceDeclarationBody::TSNamespaceDeclaration(next) => {
                    names.push(next.id.name.as_str());
                    inner = next;
                }
                TSNamespaceDeclarationBody::TSModuleBlock(block) => break &block.body,
            }
        };
        let around = self.namespace.replace(Vec::new());
        let body = self.block(statements);
        let members = std::mem::replace(&mut self.namespace, around).unwrap_or_default();
        out.push(Statement::Block(body));

        let mut pairs = Vec::with_capacity(members.len());
        for (name, value) in members {
            let text = Rc::clone(self.names.text(name));
            pairs.push((self.add(Expression::Text(text), offset), value));
        }
        let mut value = self.add(Expression::Map(pairs.into()), offset);
        while let (Some(name), false) = (names.pop(), names.is_empty()) {
            let key = self.text(name, offset);
            value = self.add(Expression::Map(Box::new([(key, value)])), offset);
        }
        self.assign_new(namespace.id.name.as_str(), value, offset, out);
    }

    fn if_chain(&mut self, first: &'a IfStatement<'a>, out: &mut Block) {
        let (mut arms, mut next) = (Vec::new(), first);
        let otherwise = loop {
            arms.push((self.expression(&next.test), self.body(&next.consequent)));
            match &next.alternate {
                Some(Oxc::IfStatement(inner)) => next = inner,
                Some(other) => break self.body(other),
                None => break Block::new(),
            }
        };
        self.chain(arms, otherwise, first.span.start, out);
    }

    fn try_statement(&mut self, statement: &'a TryStatement<'a>, out: &mut Block) {
        let body = self.block(&statement.block.body);
        let (mut caught, mut handler) = (None, Block::new());
        if let Some(clause) = &statement.handler {
            caught = clause.param.as_ref().map(|param| self.binding(&param.pattern));
            handler = self.block(&clause.body.body);
        }
        let finally = statement.finalizer.as_ref().map_or_else(Block::new, |block| self.block(&block.body));
        out.push(Statement::Try { body, caught, handler, finally });
    }

    fn for_statement(&mut self, statement: &'a ForStatement<'a>, out: &mut Block) {
        let mut around = Block::new();
        match &statement.init {
            Some(ForStatementInit::VariableDeclaration(variables)) => {
                around.extend(self.declaration(variables).into_iter().map(Statement::Do));
            }
            Some(other) => {
                around.extend(other.as_expression().map(|init| Statement::Do(self.effect(init))));
            }
            None => {}
        }
        let test = statement.test.as_ref().map(|test| self.expression(test));
        let after = statement.update.as_ref().map(|update| self.effect(update));
        let body = self.loop_body(&statement.body);
        around.push(Statement::Loop { test, body, after, body_first: false });
        out.push(Statement::Block(around));
    }

    fn loop_body(&mut self, body: &'a Oxc<'a>) -> Block {
        self.labels.push(Label { name: None, kind: LabelKind::Loop });
        let body = self.body(body);
        self.labels.pop();
        body
    }

    /// True if a `break` leaves a loop of the small form, where only the innermost loop can be left.
    fn leaves_loop(&self, label: Option<&str>) -> bool {
        let Some(label) = label else {
            let innermost = self.labels.iter().rev().find(|around| around.name.is_none());
            return innermost.is_none_or(|around| around.kind == LabelKind::Loop);
        };
        let inside = self.labels.iter().rev().take_while(|around| around.name != Some(label));
        let target = self.labels.iter().rev().find(|around| around.name == Some(label));
        target.is_some_and(|target| target.kind == LabelKind::Loop)
            || inside.into_iter().any(|around| around.name.is_none() && around.kind == LabelKind::Loop)
    }

    /// The equality of a value with another, where the other stands.
    pub(super) fn equal(&mut self, left: Expr, right: Expr) -> Expr {
        let offset = self.program.offsets.get(right.0 as usize).copied().unwrap_or_default();
        self.add(Expression::Binary(Binary::Equal, left, right), offset)
    }
}

fn is_value(specifier: &ExportSpecifier<'_>) -> bool {
    specifier.export_kind == ImportOrExportKind::Value
}

/// The function that a statement declares under a name.
fn hoisted<'a>(statement: &'a Oxc<'a>) -> Option<(&'a BindingIdentifier<'a>, &'a OxcFunction<'a>)> {
    let function = match statement {
        Oxc::FunctionDeclaration(function) => function,
        Oxc::ExportDeclaration(export) => match &export.declaration {
            Declaration::FunctionDeclaration(function) => function,
            _ => return None,
        },
        Oxc::ExportDefaultDeclaration(export) => match &export.declaration {
            ExportDefaultDeclarationKind::FunctionDeclaration(function) => function,
            _ => return None,
        },
        _ => return None,
    };
    function.body.as_ref()?;
    Some((function.id.as_ref()?, function))
}
