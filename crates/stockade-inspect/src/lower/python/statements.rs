//! Statements of Python.

use std::rc::Rc;

use ruff_python_ast::{
    self as ast, Alias, ElifElseClause, ExceptHandler, Expr as Tree, Stmt, StmtClassDef, StmtFunctionDef, StmtTry,
};
use ruff_text_size::Ranged;

use super::Lowering;
use super::python2;
use crate::ir::{Argument, Block, Class, Expr, Expression, Function, Imported, Parameter, Statement, Unary};

/// The most branches of one `if` or `match` that become a chain. Further ones are tested each for itself, since a chain
/// is a recursion to whoever walks it.
pub(super) const MAX_BRANCHES: usize = 200;

impl<'a> Lowering<'a> {
    pub(super) fn block(&mut self, suite: &'a [Stmt], out: &mut Block) {
        let mut rest = suite;
        while let Some((statement, after)) = rest.split_first() {
            rest = after;
            let command = if self.broken { python2::command(self.text, statement, after.first()) } else { None };
            if let Some(command) = command {
                self.command(&command, out);
                rest = after.get(1..).unwrap_or_default();
                continue;
            }
            let at = self.start(statement);
            self.deeper(at, |this| this.statement(statement, out));
        }
    }

    /// `exec code in names` and `print text` of Python 2.
    fn command(&mut self, command: &python2::Command<'a>, out: &mut Block) {
        let at = self.start(command.name);
        let callee = self.expression(command.name);
        let values: Vec<Argument> = command.arguments.iter().map(|value| self.argument(value)).collect();
        let call = self.add(Expression::Call { callee, arguments: values.into() }, at);
        out.push(Statement::Do(call));
    }

    fn statement(&mut self, statement: &'a Stmt, out: &mut Block) {
        match statement {
            Stmt::FunctionDef(def) => self.function(def, out),
            Stmt::ClassDef(def) => self.class(def, out),
            Stmt::Return(ret) => {
                let value = ret.value.as_deref().map(|value| self.expression(value));
                out.push(Statement::Return(value));
            }
            Stmt::Delete(delete) => self.delete(&delete.targets, out),
            Stmt::TypeAlias(alias) => {
                self.target(&alias.name);
            }
            Stmt::Assign(assign) => self.assign(assign, out),
            Stmt::AugAssign(assign) => self.augmented(assign, out),
            Stmt::AnnAssign(assign) => self.annotated(assign, out),
            Stmt::For(each) => self.each(each, out),
            Stmt::While(while_) => {
                let test = Some(self.expression(&while_.test));
                let body = self.lowered(&while_.body);
                out.push(Statement::Loop { test, body, after: None, body_first: false });
                self.block(&while_.orelse, out);
            }
            Stmt::If(if_) => {
                let test = self.expression(&if_.test);
                let body = self.lowered(&if_.body);
                let otherwise = self.branches(&if_.elif_else_clauses);
                out.push(Statement::If(test, body, otherwise));
            }
            Stmt::With(with) => self.with(with, out),
            Stmt::Match(match_) => self.match_statement(match_, out),
            Stmt::Raise(raise) => {
                if let Some(cause) = raise.cause.as_deref() {
                    self.effect(cause, out);
                }
                let exception = raise.exc.as_deref().map(|exception| self.expression(exception));
                out.push(Statement::Throw(exception));
            }
            Stmt::Try(try_) => self.try_statement(try_, out),
            Stmt::Assert(assert) => {
                self.effect(&assert.test, out);
                if let Some(message) = assert.msg.as_deref() {
                    self.effect(message, out);
                }
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.import(alias, out);
                }
            }
            Stmt::ImportFrom(import) => self.import_from(import, out),
            Stmt::Global(global) => self.outside(&global.names),
            Stmt::Nonlocal(nonlocal) => self.outside(&nonlocal.names),
            Stmt::Expr(expr) => self.effect(&expr.value, out),
            Stmt::Break(_) => out.push(Statement::Break),
            Stmt::Continue(_) => out.push(Statement::Continue),
            Stmt::Pass(_) | Stmt::IpyEscapeCommand(_) => {}
        }
    }

    pub(super) fn effect(&mut self, value: &'a Tree, out: &mut Block) {
        let value = self.expression(value);
        out.push(Statement::Do(value));
    }

    pub(super) fn assigned(&mut self, target: Expr, value: Expr, at: u32, out: &mut Block) {
        let assign = self.add(Expression::Assign { target, operator: None, value }, at);
        out.push(Statement::Do(assign));
    }

    fn delete(&mut self, targets: &'a [Tree], out: &mut Block) {
        for target in targets {
            let at = self.start(target);
            let target = self.expression(target);
            let delete = self.add(Expression::Unary(Unary::Delete, target), at);
            out.push(Statement::Do(delete));
        }
    }

    /// `a = b = value`: the value of an assignment is assigned again.
    fn assign(&mut self, assign: &'a ast::StmtAssign, out: &mut Block) {
        let at = self.start(assign);
        let mut value = self.expression(&assign.value);
        for target in assign.targets.iter().rev() {
            let target = self.target(target);
            value = self.add(Expression::Assign { target, operator: None, value }, at);
        }
        out.push(Statement::Do(value));
    }

    fn augmented(&mut self, assign: &'a ast::StmtAugAssign, out: &mut Block) {
        let at = self.start(assign);
        let target = self.target(&assign.target);
        let value = self.expression(&assign.value);
        let operator = super::expressions::binary(assign.op);
        let value = match operator {
            Some(_) => value,
            None => self.add(Expression::Other([target, value].into()), at),
        };
        let assign = self.add(Expression::Assign { target, operator, value }, at);
        out.push(Statement::Do(assign));
    }

    fn annotated(&mut self, assign: &'a ast::StmtAnnAssign, out: &mut Block) {
        self.annotation(Some(&assign.annotation), out);
        let at = self.start(assign);
        let target = self.target(&assign.target);
        if let Some(value) = assign.value.as_deref() {
            let value = self.expression(value);
            self.assigned(target, value, at, out);
        }
    }

    /// An annotation is evaluated where it stands; most are names, and nothing happens.
    fn annotation(&mut self, annotation: Option<&'a Tree>, out: &mut Block) {
        if let Some(annotation) = annotation
            && !self.lazy_annotations
            && may_run(annotation, 0)
        {
            self.effect(annotation, out);
        }
    }

    fn each(&mut self, each: &'a ast::StmtFor, out: &mut Block) {
        let iterable = self.expression(&each.iter);
        let target = self.target(&each.target);
        let body = self.lowered(&each.body);
        out.push(Statement::Each { target, iterable, keys: false, body });
        self.block(&each.orelse, out);
    }

    fn branches(&mut self, clauses: &'a [ElifElseClause]) -> Block {
        let mut lowered: Vec<(Option<Expr>, Block)> = Vec::with_capacity(clauses.len());
        for clause in clauses {
            let test = clause.test.as_ref().map(|test| self.expression(test));
            lowered.push((test, self.lowered(&clause.body)));
        }
        chain(lowered)
    }

    fn with(&mut self, with: &'a ast::StmtWith, out: &mut Block) {
        let mut block = Block::with_capacity(with.items.len() + with.body.len());
        for item in &with.items {
            let at = self.start(item);
            let value = self.expression(&item.context_expr);
            match item.optional_vars.as_deref() {
                Some(target) => {
                    let target = self.target(target);
                    self.assigned(target, value, at, &mut block);
                }
                None => block.push(Statement::Do(value)),
            }
        }
        self.block(&with.body, &mut block);
        out.push(Statement::Block(block));
    }

    fn try_statement(&mut self, try_: &'a StmtTry, out: &mut Block) {
        let body = self.lowered(&try_.body);
        let (mut caught, mut handler) = (None, Block::new());
        for ExceptHandler::ExceptHandler(except) in &try_.handlers {
            if let Some(kind) = except.type_.as_deref()
                && may_run(kind, 0)
            {
                self.effect(kind, &mut handler);
            }
            if let Some(name) = &except.name {
                let at = self.start(name);
                let target = self.bound_name(name.as_str(), at);
                match caught {
                    None => caught = Some(target),
                    Some(first) => self.assigned(target, first, at, &mut handler),
                }
            }
            self.block(&except.body, &mut handler);
        }
        let mut finally = self.lowered(&try_.orelse);
        self.block(&try_.finalbody, &mut finally);
        out.push(Statement::Try { body, caught, handler, finally });
    }

    /// `import a.b` binds `a`, and loads `a.b`.
    fn import(&mut self, alias: &'a Alias, out: &mut Block) {
        let path = alias.name.as_str();
        let module: Rc<str> = path.into();
        if let Some(name) = &alias.asname {
            let local = self.bind(name.as_str());
            out.push(Statement::Import { module, names: vec![Imported { name: None, local }] });
            return;
        }
        let (first, dotted) = match path.split_once('.') {
            Some((first, _)) => (Rc::from(first), true),
            None => (Rc::clone(&module), false),
        };
        let local = self.bind(&first);
        out.push(Statement::Import { module: first, names: vec![Imported { name: None, local }] });
        if dotted {
            out.push(Statement::Import { module, names: Vec::new() });
        }
    }

    fn import_from(&mut self, import: &'a ast::StmtImportFrom, out: &mut Block) {
        let name = import.module.as_ref().map_or("", |module| module.as_str());
        if name == "__future__" {
            self.lazy_annotations |= import.names.iter().any(|alias| alias.name.as_str() == "annotations");
        }
        let dots = usize::try_from(import.level).unwrap_or(0).min(self.text.len());
        let module: Rc<str> = format!("{}{name}", ".".repeat(dots)).into();
        let mut names = Vec::with_capacity(import.names.len());
        for alias in &import.names {
            let name = self.names.intern(alias.name.as_str());
            let local = match &alias.asname {
                Some(local) => self.bind(local.as_str()),
                None if alias.name.as_str() == "*" => name,
                None => self.bind(alias.name.as_str()),
            };
            names.push(Imported { name: Some(name), local });
        }
        out.push(Statement::Import { module, names });
    }

    fn outside(&mut self, names: &'a [ast::Identifier]) {
        for name in names {
            let name = self.names.intern(name.as_str());
            if let Some(scope) = self.scopes.last_mut() {
                scope.outside.push(name);
            }
        }
    }

    fn function(&mut self, def: &'a StmtFunctionDef, out: &mut Block) {
        let at = self.start(def);
        let decorators: Vec<Expr> = def.decorator_list.iter().map(|d| self.expression(&d.expression)).collect();
        for parameter in &*def.parameters {
            self.annotation(parameter.annotation(), out);
        }
        self.annotation(def.returns.as_deref(), out);
        let (parameters, running) = self.parameters(&def.parameters);
        out.extend(running.into_iter().map(Statement::Do));
        let name = self.bind(def.name.as_str());
        let (body, locals) = self.scoped(|this| {
            this.bind_parameters(&def.parameters);
            this.lowered(&def.body)
        });
        let function = Function { name: Some(name), parameters, body, locals, offset: at };
        let function = self.program.define(function);
        out.push(Statement::Define(name, function));
        self.decorated(&decorators, name, out);
    }

    fn decorated(&mut self, decorators: &[Expr], name: crate::ir::Sym, out: &mut Block) {
        for &callee in decorators.iter().rev() {
            let at = self.program.offsets.get(callee.0 as usize).copied().unwrap_or_default();
            let value = self.name(name, at);
            let arguments = [Argument { name: None, value, spread: false }].into();
            let call = self.add(Expression::Call { callee, arguments }, at);
            out.push(Statement::Do(call));
        }
    }

    /// The parameters, and those of their default values that do something when the function is defined: they belong
    /// to what surrounds it.
    pub(super) fn parameters(&mut self, parameters: &'a ast::Parameters) -> (Vec<Parameter>, Vec<Expr>) {
        let (mut lowered, mut running) = (Vec::new(), Vec::new());
        for parameter in parameters {
            let at = self.offset(parameter.name().start());
            let default = parameter.default().map(|default| {
                let value = self.expression(default);
                if may_run(default, 0) {
                    running.push(value);
                }
                value
            });
            let name = self.names.intern(parameter.name().as_str());
            let target = self.name(name, at);
            lowered.push(Parameter { target, default, rest: parameter.is_variadic() });
        }
        (lowered, running)
    }

    /// Binds the parameters in the function's own scope.
    pub(super) fn bind_parameters(&mut self, parameters: &'a ast::Parameters) {
        for parameter in parameters {
            self.bind(parameter.name().as_str());
        }
    }

    fn class(&mut self, def: &'a StmtClassDef, out: &mut Block) {
        let at = self.start(def);
        let decorators: Vec<Expr> = def.decorator_list.iter().map(|d| self.expression(&d.expression)).collect();
        let mut bases = Vec::new();
        if let Some(arguments) = def.arguments.as_deref() {
            bases.extend(arguments.args.iter().map(|base| self.expression(base)));
            for keyword in &arguments.keywords {
                self.effect(&keyword.value, out);
            }
        }
        let (body, members) = self.scoped(|this| this.lowered(&def.body));
        let name = self.bind(def.name.as_str());
        let class = Expression::Class(Box::new(Class { name: Some(name), bases, body, members }));
        let class = self.add(class, at);
        let target = self.name(name, at);
        self.assigned(target, class, at, out);
        self.decorated(&decorators, name, out);
    }
}

/// Branches as a chain of `if`, one in the other; without a test it is the `else`.
pub(super) fn chain(branches: Vec<(Option<Expr>, Block)>) -> Block {
    let mut flat: Vec<(Option<Expr>, Block)> = branches;
    let rest = if flat.len() > MAX_BRANCHES { flat.split_off(MAX_BRANCHES) } else { Vec::new() };
    let mut otherwise: Block = rest.into_iter().flat_map(|(test, body)| alone(test, body)).collect();
    for (test, body) in flat.into_iter().rev() {
        otherwise = match test {
            Some(test) => vec![Statement::If(test, body, otherwise)],
            None => body,
        };
    }
    otherwise
}

fn alone(test: Option<Expr>, body: Block) -> Block {
    match test {
        Some(test) => vec![Statement::If(test, body, Block::new())],
        None => body,
    }
}

/// The deepest annotation or default value that is looked through.
const MAX_PLAIN_DEPTH: u32 = 12;

/// True if an expression can do more than name something.
fn may_run(expression: &Tree, depth: u32) -> bool {
    if depth > MAX_PLAIN_DEPTH {
        return true;
    }
    let any = |parts: &[Tree]| parts.iter().any(|part| may_run(part, depth + 1));
    match expression {
        Tree::Name(_) | Tree::Lambda(_) => false,
        Tree::Attribute(attribute) => may_run(&attribute.value, depth + 1),
        Tree::Subscript(subscript) => may_run(&subscript.value, depth + 1) || may_run(&subscript.slice, depth + 1),
        Tree::Tuple(tuple) => any(&tuple.elts),
        Tree::List(list) => any(&list.elts),
        Tree::Dict(dict) => dict.items.iter().any(|item| may_run(&item.value, depth + 1)),
        Tree::BinOp(binary) => may_run(&binary.left, depth + 1) || may_run(&binary.right, depth + 1),
        Tree::UnaryOp(unary) => may_run(&unary.operand, depth + 1),
        Tree::Starred(starred) => may_run(&starred.value, depth + 1),
        other => !other.is_literal_expr(),
    }
}
