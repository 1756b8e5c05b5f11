//! A lowered program as text, for tests.

use crate::ir::{Block, Expr, Expression, Fun, Names, Program, Statement};

/// The statements of a program, with blanks between them.
pub(in crate::lower) fn show(program: &Program, names: &Names) -> String {
    Show { program, names }.block(&program.body)
}

struct Show<'p> {
    program: &'p Program,
    names: &'p Names,
}

impl Show<'_> {
    fn block(&self, block: &Block) -> String {
        block.iter().map(|statement| self.statement(statement)).collect::<Vec<_>>().join("; ")
    }

    fn statement(&self, statement: &Statement) -> String {
        match statement {
            Statement::Do(value) => self.expr(*value),
            Statement::Define(name, function) => format!("fn {}{}", self.names.text(*name), self.function(*function)),
            Statement::If(test, then, otherwise) if otherwise.is_empty() => {
                format!("if {} {{{}}}", self.expr(*test), self.block(then))
            }
            Statement::If(test, then, otherwise) => {
                format!("if {} {{{}}} else {{{}}}", self.expr(*test), self.block(then), self.block(otherwise))
            }
            Statement::Loop { test, body, .. } => {
                format!("loop {} {{{}}}", test.map_or_else(String::new, |test| self.expr(test)), self.block(body))
            }
            Statement::Each { target, iterable, body, .. } => {
                format!("each {} in {} {{{}}}", self.expr(*target), self.expr(*iterable), self.block(body))
            }
            Statement::Return(value) => format!("return {}", value.map_or_else(String::new, |value| self.expr(value))),
            Statement::Throw(value) => format!("throw {}", value.map_or_else(String::new, |value| self.expr(value))),
            Statement::Block(block) => format!("{{{}}}", self.block(block)),
            Statement::Import { module, names } => {
                let names = names.iter().map(|imported| {
                    let name = imported.name.map_or("*".to_owned(), |name| self.names.text(name).to_string());
                    format!("{name} as {}", self.names.text(imported.local))
                });
                format!("import {module} [{}]", names.collect::<Vec<_>>().join(", "))
            }
            Statement::Export(name, value) => format!("export {} = {}", self.names.text(*name), self.expr(*value)),
            Statement::Break => "break".to_owned(),
            Statement::Continue => "continue".to_owned(),
            Statement::Try { body, handler, .. } => format!("try {{{}}} {{{}}}", self.block(body), self.block(handler)),
        }
    }

    fn function(&self, function: Fun) -> String {
        let function = self.program.function(function);
        let parameters: Vec<String> = function.parameters.iter().map(|one| self.expr(one.target)).collect();
        format!("({}) {{{}}}", parameters.join(", "), self.block(&function.body))
    }

    fn all(&self, exprs: &[Expr]) -> String {
        exprs.iter().map(|expr| self.expr(*expr)).collect::<Vec<_>>().join(", ")
    }

    fn expr(&self, expr: Expr) -> String {
        match self.program.expression(expr) {
            Expression::Nothing => "null".to_owned(),
            Expression::Boolean(value) => value.to_string(),
            Expression::Number(value) => value.to_string(),
            Expression::Text(text) => format!("{text:?}"),
            Expression::Bytes(bytes) => format!("b{:?}", String::from_utf8_lossy(bytes)),
            Expression::Name(name) => self.names.text(*name).to_string(),
            Expression::Member(of, name) => format!("{}.{}", self.expr(*of), self.names.text(*name)),
            Expression::Index(of, at) => format!("{}[{}]", self.expr(*of), self.expr(*at)),
            Expression::Slice(of, [from, to, _]) => {
                let one = |expr: &Option<Expr>| expr.map_or_else(String::new, |expr| self.expr(expr));
                format!("{}[{}:{}]", self.expr(*of), one(from), one(to))
            }
            Expression::Call { callee, arguments } => {
                let arguments = arguments.iter().map(|argument| match argument.name {
                    Some(name) => format!("{}={}", self.names.text(name), self.expr(argument.value)),
                    None => self.expr(argument.value),
                });
                format!("{}({})", self.expr(*callee), arguments.collect::<Vec<_>>().join(", "))
            }
            Expression::Unary(operator, of) => format!("{operator:?} {}", self.expr(*of)),
            Expression::Binary(operator, left, right) => {
                format!("({} {operator:?} {})", self.expr(*left), self.expr(*right))
            }
            Expression::Choose(test, then, otherwise) => {
                format!("({} ? {} : {})", self.expr(*test), self.expr(*then), self.expr(*otherwise))
            }
            Expression::Join(parts) => format!("<{}>", self.all(parts)),
            Expression::List(items) => format!("[{}]", self.all(items)),
            Expression::Map(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| format!("{}: {}", self.expr(*key), self.expr(*value)));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
            }
            Expression::Function(function) => format!("fn{}", self.function(*function)),
            Expression::Assign { target, operator, value } => {
                let operator = operator.map_or_else(String::new, |operator| format!("{operator:?}"));
                format!("{} {operator}= {}", self.expr(*target), self.expr(*value))
            }
            Expression::Spread(of) | Expression::Wait(of) => format!("..{}", self.expr(*of)),
            Expression::Other(parts) => format!("?({})", self.all(parts)),
            Expression::Sequence(parts) => format!("({})", self.all(parts)),
            Expression::Comprehension { .. } | Expression::Class(_) => "…".to_owned(),
        }
    }
}
