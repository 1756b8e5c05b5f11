//! Expressions and the statements inside of them.

use syn::{BinOp, Expr as Syntax, ExprCall, ExprIf, ExprMatch, ExprMethodCall, Lit, Member, Pat, Stmt, UnOp};

use super::{Command, Lowering, MAX_DEPTH, spans};
use crate::ir::{Binary, Expr, Expression, Function, Parameter, Statement, Unary};

/// Methods whose value is what they are called on.
const SAME: &[&str] = &[
    "as_bytes",
    "as_deref",
    "as_mut",
    "as_os_str",
    "as_path",
    "as_ref",
    "as_slice",
    "as_str",
    "borrow",
    "borrow_mut",
    "by_ref",
    "clone",
    "cloned",
    "copied",
    "deref",
    "display",
    "expect",
    "into",
    "into_bytes",
    "into_iter",
    "into_owned",
    "into_string",
    "iter",
    "ok",
    "ok_or",
    "ok_or_else",
    "or_default",
    "to_bytes",
    "to_owned",
    "to_path_buf",
    "to_str",
    "to_string",
    "to_string_lossy",
    "to_vec",
    "try_into",
    "unwrap",
    "unwrap_or_default",
    "context",
    "with_context",
    "map_err",
    "chars",
    "bytes",
    "collect",
];

/// Functions whose value is their argument, by the last two segments of their path.
const WRAPS: &[&str] = &[
    "Ok",
    "Some",
    "Err",
    "Box.new",
    "Rc.new",
    "Arc.new",
    "Cow.Borrowed",
    "Cow.Owned",
    "Cow.from",
    "String.from",
    "String.from_utf8",
    "String.from_utf8_lossy",
    "str.from_utf8",
    "PathBuf.from",
    "Path.new",
    "OsStr.new",
    "OsString.from",
    "Vec.from",
    "Mutex.new",
    "RefCell.new",
    "Cell.new",
    "Wrapping",
    "black_box",
    "Cursor.new",
    "BufReader.new",
    "BufWriter.new",
    "LineWriter.new",
];

/// Methods that begin a request.
const REQUESTS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "request"];

/// Methods that add to a request or send it: what they are given belongs to the request.
const CARRIES: &[&str] = &[
    "header",
    "headers",
    "set",
    "query",
    "query_pairs",
    "bearer_auth",
    "basic_auth",
    "body",
    "json",
    "form",
    "multipart",
    "with_header",
    "with_body",
    "with_json",
    "timeout",
    "with_timeout",
    "user_agent",
    "send",
    "send_string",
    "send_json",
    "send_form",
    "send_bytes",
    "call",
];

/// Methods that fill their argument.
const FILLS: &[&str] = &["read_to_string", "read_to_end", "read", "read_exact", "read_line", "recv", "recv_from"];

/// Methods that set up a command and give it back.
const BUILDS: &[&str] = &[
    "arg",
    "args",
    "env",
    "envs",
    "env_clear",
    "env_remove",
    "current_dir",
    "stdin",
    "stdout",
    "stderr",
    "arg0",
    "creation_flags",
    "raw_arg",
    "uid",
    "gid",
    "kill_on_drop",
    "pre_exec",
    "process_group",
];

/// Methods that run a command.
const RUNS: &[&str] = &["spawn", "output", "status", "exec"];

impl Lowering<'_> {
    /// An expression; what it holds of statements goes before.
    pub(super) fn expr(&mut self, syntax: &Syntax) -> Expr {
        let at = self.place(spans::expr(syntax));
        if self.depth >= MAX_DEPTH || self.b.is_full() {
            self.b.problem("an expression is nested too deeply to be read", at);
            return self.b.other(Vec::new(), at);
        }
        self.depth += 1;
        let expr = self.expr_at(syntax, at);
        self.depth -= 1;
        expr
    }

    fn expr_at(&mut self, syntax: &Syntax, at: u32) -> Expr {
        match syntax {
            Syntax::Array(array) => {
                let items = array.elems.iter().map(|item| self.expr(item)).collect();
                self.b.list(items, at)
            }
            Syntax::Tuple(tuple) => {
                let items = tuple.elems.iter().map(|item| self.expr(item)).collect();
                self.b.list(items, at)
            }
            Syntax::Assign(assign) => {
                let value = self.expr(&assign.right);
                let target = self.expr(&assign.left);
                self.b.assign(target, value, at)
            }
            Syntax::Await(wait) => {
                let inner = self.expr(&wait.base);
                self.b.add(Expression::Wait(inner), at)
            }
            Syntax::Binary(_) => self.binary(syntax, at),
            Syntax::Call(call) => self.call(call, at),
            Syntax::MethodCall(_) => self.chain(syntax),
            Syntax::Cast(cast) => self.expr(&cast.expr),
            Syntax::Closure(closure) => self.closure(closure, at),
            Syntax::Field(field) => {
                let base = self.expr(&field.base);
                match &field.member {
                    Member::Named(name) => self.b.member(base, &name.to_string(), at),
                    Member::Unnamed(index) => {
                        let index = self.b.number(index.index.into(), at);
                        self.b.add(Expression::Index(base, index), at)
                    }
                }
            }
            Syntax::Group(group) => self.expr(&group.expr),
            Syntax::Paren(paren) => self.expr(&paren.expr),
            Syntax::Reference(reference) => self.expr(&reference.expr),
            Syntax::RawAddr(reference) => self.expr(&reference.expr),
            Syntax::Try(one) => self.expr(&one.expr),
            Syntax::Index(index) => self.index(index, at),
            Syntax::Lit(literal) => self.literal(&literal.lit, at),
            Syntax::Macro(one) => self.mac(&one.mac, at),
            Syntax::Path(path) => self.path(&path.path, at),
            Syntax::Range(range) => {
                let ends = range.start.iter().chain(range.end.iter());
                let ends = ends.map(|end| self.expr(end)).collect();
                self.b.other(ends, at)
            }
            Syntax::Repeat(repeat) => {
                let parts = vec![self.expr(&repeat.expr), self.expr(&repeat.len)];
                self.b.other(parts, at)
            }
            Syntax::Struct(one) => self.structure(one, at),
            Syntax::Unary(unary) => self.unary(unary, at),
            Syntax::Let(test) => {
                let value = self.expr(&test.expr);
                self.bind(&test.pat, value);
                self.b.other(vec![value], at)
            }
            _ => self.control(syntax, at),
        }
    }

    /// Expressions that hold statements.
    fn control(&mut self, syntax: &Syntax, at: u32) -> Expr {
        match syntax {
            Syntax::Block(block) => self.valued_block(&block.block, at),
            Syntax::Unsafe(block) => self.valued_block(&block.block, at),
            Syntax::Async(block) => self.valued_block(&block.block, at),
            Syntax::Const(block) => self.valued_block(&block.block, at),
            Syntax::TryBlock(block) => self.valued_block(&block.block, at),
            Syntax::If(branch) => self.branch(branch, at),
            Syntax::Match(one) => self.matched(one, at),
            Syntax::Loop(one) => self.repeat(None, &one.body, at),
            Syntax::While(one) => self.repeat(Some(&one.cond), &one.body, at),
            Syntax::ForLoop(one) => self.each(one, at),
            Syntax::Return(one) => {
                let value = one.expr.as_ref().map(|value| self.expr(value));
                self.push(Statement::Return(value));
                self.b.add(Expression::Nothing, at)
            }
            Syntax::Break(one) => {
                if let Some(value) = &one.expr {
                    let value = self.expr(value);
                    self.push(Statement::Do(value));
                }
                self.push(Statement::Break);
                self.b.add(Expression::Nothing, at)
            }
            Syntax::Continue(_) => {
                self.push(Statement::Continue);
                self.b.add(Expression::Nothing, at)
            }
            Syntax::Yield(one) => match &one.expr {
                Some(value) => self.expr(value),
                None => self.b.add(Expression::Nothing, at),
            },
            _ => self.b.other(Vec::new(), at),
        }
    }

    pub(super) fn literal(&mut self, literal: &Lit, at: u32) -> Expr {
        match literal {
            Lit::Str(text) => self.b.text(&text.value(), at),
            Lit::ByteStr(bytes) => self.b.add(Expression::Bytes(bytes.value().into()), at),
            Lit::CStr(text) => self.b.text(&text.value().to_string_lossy(), at),
            Lit::Byte(byte) => self.b.number(byte.value().into(), at),
            Lit::Char(character) => self.b.text(character.value().encode_utf8(&mut [0; 4]), at),
            Lit::Int(number) => {
                let number = number.base10_digits().parse().unwrap_or(f64::NAN);
                self.b.number(number, at)
            }
            Lit::Float(number) => {
                let number = number.base10_digits().parse().unwrap_or(f64::NAN);
                self.b.number(number, at)
            }
            Lit::Bool(value) => self.b.boolean(value.value, at),
            _ => self.b.other(Vec::new(), at),
        }
    }

    /// A path: what leads to modules of this file is left out.
    fn path(&mut self, path: &syn::Path, at: u32) -> Expr {
        self.path_without(path, 0, at)
    }

    /// A path without its last segments.
    fn path_without(&mut self, path: &syn::Path, dropped: usize, at: u32) -> Expr {
        let kept = path.segments.len().saturating_sub(dropped);
        let mut segments: Vec<String> = path.segments.iter().take(kept).map(|one| one.ident.to_string()).collect();
        if let (Some(first), Some(owner)) = (segments.first_mut(), &self.owner)
            && first == "Self"
        {
            first.clone_from(owner);
        }
        let last = segments.len().saturating_sub(1);
        let own = |name: &str| matches!(name, "self" | "super" | "crate") || self.modules.contains(name);
        let skip = segments.iter().take(last).take_while(|segment| own(segment)).count();
        let mut segments = segments.iter().skip(skip);
        let first = segments.next().map(String::as_str).unwrap_or_default();
        let first = if first == "core" || first == "alloc" { "std" } else { first };
        let mut value = self.b.name(first, at);
        for segment in segments {
            value = self.b.member(value, segment, at);
        }
        value
    }

    fn call(&mut self, call: &ExprCall, at: u32) -> Expr {
        if let Syntax::Path(path) = &*call.func {
            let mut last: Vec<String> = path.path.segments.iter().rev().take(2).map(|s| s.ident.to_string()).collect();
            last.reverse();
            let (short, long) = (last.last().cloned().unwrap_or_default(), last.join("."));
            let wraps = WRAPS.contains(&&*long) || (last.len() == 1 && WRAPS.contains(&&*short));
            if let Some(only) = call.args.first().filter(|_| wraps) {
                return self.expr(only);
            }
        }
        let callee = self.expr(&call.func);
        let arguments = call.args.iter().map(|argument| self.expr(argument)).collect();
        self.b.call(callee, arguments, at)
    }

    /// Chains of calls lean to the left and can be long: they are taken apart without recursion.
    fn chain(&mut self, syntax: &Syntax) -> Expr {
        let mut links = Vec::new();
        let mut here = syntax;
        let mut value = loop {
            match here {
                Syntax::MethodCall(call) => {
                    let at = self.place(spans::expr(here));
                    if let Some(run) = self.command_run(call, &call.method.to_string(), at) {
                        break run;
                    }
                    links.push(call);
                    here = &call.receiver;
                }
                Syntax::Try(one) => here = &one.expr,
                Syntax::Await(one) => here = &one.base,
                Syntax::Paren(one) => here = &one.expr,
                _ => break self.expr(here),
            }
        };
        for call in links.into_iter().rev() {
            let at = self.place(Some(call.method.span()));
            value = self.method(call, value, at);
        }
        value
    }

    fn method(&mut self, call: &ExprMethodCall, receiver: Expr, at: u32) -> Expr {
        let name = call.method.to_string();
        if SAME.contains(&&*name) {
            for argument in &call.args {
                if !matches!(argument, Syntax::Lit(_)) {
                    let value = self.expr(argument);
                    self.push(Statement::Do(value));
                }
            }
            return receiver;
        }
        let arguments: Vec<Expr> = call.args.iter().map(|argument| self.expr(argument)).collect();
        self.note_argument(&call.receiver, &name, &arguments);
        if CARRIES.contains(&&*name)
            && let Some(request) = self.request(receiver, &arguments, at)
        {
            return request;
        }
        match (&*name, &arguments[..]) {
            (fills, [target])
                if FILLS.contains(&fills) && matches!(self.b.peek(*target), Some(Expression::Name(_))) =>
            {
                let callee = self.b.member(receiver, &name, at);
                let filled = self.b.call(callee, Vec::new(), at);
                self.b.assign(*target, filled, at)
            }
            ("join", [part]) if !matches!(self.b.peek(receiver), Some(Expression::List(_))) => {
                let between = self.b.text("/", at);
                self.b.join(vec![receiver, between, *part], at)
            }
            ("push_str" | "push" | "extend_from_slice", [part])
                if matches!(self.b.peek(receiver), Some(Expression::Name(_))) =>
            {
                let add = Expression::Assign { target: receiver, operator: Some(Binary::Add), value: *part };
                self.b.add(add, at)
            }
            _ => {
                let callee = self.b.member(receiver, &name, at);
                self.b.call(callee, arguments, at)
            }
        }
    }

    /// A request with what is added to it.
    fn request(&mut self, receiver: Expr, added: &[Expr], at: u32) -> Option<Expr> {
        let Some(Expression::Call { callee, arguments }) = self.b.peek(receiver) else { return None };
        let (callee, mut all): (Expr, Vec<Expr>) = (*callee, arguments.iter().map(|one| one.value).collect());
        let Some(Expression::Member(_, method)) = self.b.peek(callee) else { return None };
        let method = self.b.text_of(*method);
        if !REQUESTS.contains(&&*method) {
            return None;
        }
        all.extend(added);
        Some(self.b.call(callee, all, at))
    }

    /// `….spawn()` of a command that was put together before: one call with all of its arguments.
    fn command_run(&mut self, call: &ExprMethodCall, name: &str, at: u32) -> Option<Expr> {
        if !RUNS.contains(&name) || !call.args.is_empty() {
            return None;
        }
        let command = self.command_of(&call.receiver)?;
        let callee = self.b.member(command.kind, "run", at);
        let list = self.b.list(command.arguments, at);
        let at = self.offset(call.method.span());
        Some(self.b.call(callee, vec![command.program, list], at))
    }

    /// The command that an expression builds.
    pub(super) fn command_of(&mut self, syntax: &Syntax) -> Option<Command> {
        let mut links = Vec::new();
        let mut here = syntax;
        loop {
            match here {
                Syntax::MethodCall(call) => {
                    if !BUILDS.iter().any(|known| call.method == known) {
                        return None;
                    }
                    links.push(call);
                    here = &call.receiver;
                }
                Syntax::Paren(paren) => here = &paren.expr,
                Syntax::Reference(reference) => here = &reference.expr,
                _ => break,
            }
        }
        let mut command = match here {
            Syntax::Path(path) => self.commands.get(&path.path.get_ident()?.to_string())?.clone(),
            Syntax::Call(call) => self.new_command(call)?,
            _ => return None,
        };
        for link in links.into_iter().rev() {
            let arguments: Vec<Expr> = link.args.iter().map(|argument| self.expr(argument)).collect();
            self.extend(&mut command, &link.method.to_string(), &arguments);
        }
        Some(command)
    }

    fn new_command(&mut self, call: &ExprCall) -> Option<Command> {
        let Syntax::Path(path) = &*call.func else { return None };
        let mut segments = path.path.segments.iter().rev();
        let is_new = segments.next().is_some_and(|last| last.ident == "new");
        if !is_new || path.path.segments.len() < 2 {
            return None;
        }
        let at = self.place(spans::path(&path.path));
        let program = call.args.first().map(|program| self.expr(program))?;
        let kind = self.path_without(&path.path, 1, at);
        Some(Command { kind, program, arguments: Vec::new() })
    }

    fn extend(&mut self, command: &mut Command, method: &str, arguments: &[Expr]) {
        match (method, arguments) {
            ("arg" | "raw_arg", [one]) => command.arguments.push(*one),
            ("args", [many]) => match self.b.peek(*many) {
                Some(Expression::List(items)) => command.arguments.extend(items.iter().copied()),
                _ => command.arguments.push(*many),
            },
            _ => {}
        }
    }

    /// `command.arg(…)` on a variable.
    fn note_argument(&mut self, receiver: &Syntax, method: &str, arguments: &[Expr]) {
        let Syntax::Path(path) = receiver else { return };
        let Some(name) = path.path.get_ident().map(ToString::to_string) else { return };
        if let Some(mut command) = self.commands.remove(&name) {
            self.extend(&mut command, method, arguments);
            self.commands.insert(name, command);
        }
    }

    fn closure(&mut self, closure: &syn::ExprClosure, at: u32) -> Expr {
        let mut parameters = Vec::new();
        let around = self.locals.len();
        let mut patterns = Vec::new();
        for pattern in &closure.inputs {
            let target = self.target(pattern, 0).unwrap_or_else(|| {
                let name = self.fresh();
                patterns.push((pattern, name.clone()));
                self.b.name(&name, at)
            });
            parameters.push(Parameter { target, default: None, rest: false });
        }
        let body = self.apart(|this| {
            for (pattern, name) in patterns {
                let value = this.b.name(&name, at);
                this.bind(pattern, value);
            }
            let value = this.expr(&closure.body);
            this.push(Statement::Return(Some(value)));
        });
        let locals = self.locals.split_off(around.min(self.locals.len()));
        let function = self.b.define(Function { name: None, parameters, body, locals, offset: at });
        self.b.add(Expression::Function(function), at)
    }

    fn index(&mut self, index: &syn::ExprIndex, at: u32) -> Expr {
        let base = self.expr(&index.expr);
        if let Syntax::Range(range) = &*index.index {
            let from = range.start.as_ref().map(|from| self.expr(from));
            let to = range.end.as_ref().map(|to| self.expr(to));
            return self.b.add(Expression::Slice(base, [from, to, None]), at);
        }
        let index = self.expr(&index.index);
        self.b.add(Expression::Index(base, index), at)
    }

    fn structure(&mut self, one: &syn::ExprStruct, at: u32) -> Expr {
        let mut pairs = Vec::new();
        for field in &one.fields {
            let name = match &field.member {
                Member::Named(name) => name.to_string(),
                Member::Unnamed(index) => index.index.to_string(),
            };
            let key = self.b.text(&name, at);
            pairs.push((key, self.expr(&field.expr)));
        }
        if let Some(rest) = &one.rest {
            let rest = self.expr(rest);
            self.push(Statement::Do(rest));
        }
        self.b.add(Expression::Map(pairs.into()), at)
    }

    fn unary(&mut self, unary: &syn::ExprUnary, at: u32) -> Expr {
        let operand = self.expr(&unary.expr);
        match unary.op {
            UnOp::Not(_) => self.b.unary(Unary::Not, operand, at),
            UnOp::Neg(_) => self.b.unary(Unary::Minus, operand, at),
            _ => operand,
        }
    }

    /// Chains of operators lean to the left and can be long: they are taken apart without recursion.
    fn binary(&mut self, syntax: &Syntax, at: u32) -> Expr {
        let mut rest = Vec::new();
        let mut here = syntax;
        while let Syntax::Binary(binary) = here {
            rest.push((&binary.op, &*binary.right));
            here = &binary.left;
        }
        let mut left = self.expr(here);
        for (operator, right) in rest.into_iter().rev() {
            let right = self.expr(right);
            left = match operation(operator) {
                Some((operator, true)) => {
                    self.b.add(Expression::Assign { target: left, operator: Some(operator), value: right }, at)
                }
                Some((operator, false)) => self.b.binary(operator, left, right, at),
                None => self.b.other(vec![left, right], at),
            };
        }
        left
    }

    fn valued_block(&mut self, block: &syn::Block, at: u32) -> Expr {
        let value = self.block_value(block);
        value.unwrap_or_else(|| self.b.add(Expression::Nothing, at))
    }

    /// The statements of a block go out; what remains is its value.
    pub(super) fn block_value(&mut self, block: &syn::Block) -> Option<Expr> {
        self.statements(&block.stmts)
    }

    pub(super) fn statements(&mut self, statements: &[Stmt]) -> Option<Expr> {
        let items = statements.iter().filter_map(|statement| match statement {
            Stmt::Item(item) => Some(item),
            _ => None,
        });
        self.items(items, 1);
        let mut value = None;
        for statement in statements {
            if let Some(before) = value.take() {
                self.push(Statement::Do(before));
            }
            match statement {
                Stmt::Local(local) => self.binding(local),
                Stmt::Item(_) => {}
                Stmt::Expr(syntax, None) => value = Some(self.expr(syntax)),
                Stmt::Expr(syntax, Some(_)) => {
                    let expr = self.expr(syntax);
                    if !matches!(self.b.peek(expr), Some(Expression::Nothing)) {
                        self.push(Statement::Do(expr));
                    }
                }
                Stmt::Macro(one) => {
                    let at = self.place(spans::path(&one.mac.path));
                    value = Some(self.mac(&one.mac, at));
                    if one.semi_token.is_some() {
                        self.out.extend(value.take().map(Statement::Do));
                    }
                }
            }
        }
        value
    }

    fn binding(&mut self, local: &syn::Local) {
        let Some(init) = &local.init else {
            let mut names = Vec::new();
            super::patterns::bound(&local.pat, &mut names, 0);
            for name in &names {
                self.local(name);
            }
            return;
        };
        if let Pat::Ident(name) = &local.pat
            && let Some(command) = self.command_of(&init.expr)
        {
            self.commands.insert(name.ident.to_string(), command);
        }
        let value = self.expr(&init.expr);
        if let Some((_, otherwise)) = &init.diverge {
            let at = self.place(spans::pattern(&local.pat));
            let test = self.b.other(vec![value], at);
            let otherwise = self.apart(|this| {
                let value = this.expr(otherwise);
                this.push(Statement::Do(value));
            });
            self.push(Statement::If(test, Vec::new(), otherwise));
        }
        self.bind(&local.pat, value);
    }

    /// The value of a block into a variable.
    fn into(&mut self, name: &str, at: u32, make: impl FnOnce(&mut Self) -> Option<Expr>) -> Vec<Statement> {
        self.apart(|this| {
            if let Some(value) = make(this) {
                this.set(name, value, at);
            }
        })
    }

    fn branch(&mut self, branch: &ExprIf, at: u32) -> Expr {
        let name = self.fresh();
        let test = self.expr(&branch.cond);
        let then = self.into(&name, at, |this| this.block_value(&branch.then_branch));
        let otherwise = match &branch.else_branch {
            Some((_, otherwise)) => self.into(&name, at, |this| Some(this.expr(otherwise))),
            None => Vec::new(),
        };
        self.push(Statement::If(test, then, otherwise));
        self.b.name(&name, at)
    }

    /// Arms one after the other: each asks for itself, so that many arms are no deep form.
    fn matched(&mut self, one: &ExprMatch, at: u32) -> Expr {
        let name = self.fresh();
        let subject = self.expr(&one.expr);
        let subject = self.kept(subject, at);
        for arm in &one.arms {
            let at = self.place(spans::pattern(&arm.pat));
            let value = self.b.name(&subject, at);
            let mut names = Vec::new();
            super::patterns::bound(&arm.pat, &mut names, 0);
            if !names.is_empty() {
                self.bind(&arm.pat, value);
            }
            let test = self.question(&arm.pat, value, 0);
            let test = test.unwrap_or_else(|| self.b.other(vec![value], at));
            let body = self.into(&name, at, |this| Some(this.expr(&arm.body)));
            self.push(Statement::If(test, body, Vec::new()));
        }
        self.b.name(&name, at)
    }

    fn repeat(&mut self, test: Option<&Syntax>, body: &syn::Block, at: u32) -> Expr {
        let mut condition = None;
        let mut block = self.apart(|this| condition = test.map(|test| this.expr(test)));
        let rest = self.apart(|this| {
            let value = this.block_value(body);
            this.out.extend(value.map(Statement::Do));
        });
        block.extend(rest);
        self.push(Statement::Loop { test: condition, body: block, after: None, body_first: false });
        self.b.add(Expression::Nothing, at)
    }

    fn each(&mut self, one: &syn::ExprForLoop, at: u32) -> Expr {
        let iterable = self.expr(&one.expr);
        let mut complex = None;
        let target = self.target(&one.pat, 0).unwrap_or_else(|| {
            let name = self.fresh();
            complex = Some(name.clone());
            self.b.name(&name, at)
        });
        let body = self.apart(|this| {
            if let Some(name) = complex {
                let value = this.b.name(&name, at);
                this.bind(&one.pat, value);
            }
            let value = this.block_value(&one.body);
            this.out.extend(value.map(Statement::Do));
        });
        self.push(Statement::Each { target, iterable, keys: false, body });
        self.b.add(Expression::Nothing, at)
    }
}

/// An operator, and whether it assigns.
fn operation(operator: &BinOp) -> Option<(Binary, bool)> {
    Some(match operator {
        BinOp::Add(_) => (Binary::Add, false),
        BinOp::Sub(_) => (Binary::Subtract, false),
        BinOp::Mul(_) => (Binary::Multiply, false),
        BinOp::Div(_) => (Binary::Divide, false),
        BinOp::Rem(_) => (Binary::Remainder, false),
        BinOp::And(_) => (Binary::Both, false),
        BinOp::Or(_) => (Binary::Either, false),
        BinOp::BitXor(_) => (Binary::Xor, false),
        BinOp::BitAnd(_) => (Binary::And, false),
        BinOp::BitOr(_) => (Binary::Or, false),
        BinOp::Shl(_) => (Binary::ShiftLeft, false),
        BinOp::Shr(_) => (Binary::ShiftRight, false),
        BinOp::Eq(_) => (Binary::Equal, false),
        BinOp::Lt(_) => (Binary::Less, false),
        BinOp::Le(_) => (Binary::LessOrEqual, false),
        BinOp::Ne(_) => (Binary::NotEqual, false),
        BinOp::Ge(_) => (Binary::GreaterOrEqual, false),
        BinOp::Gt(_) => (Binary::Greater, false),
        BinOp::AddAssign(_) => (Binary::Add, true),
        BinOp::SubAssign(_) => (Binary::Subtract, true),
        BinOp::MulAssign(_) => (Binary::Multiply, true),
        BinOp::DivAssign(_) => (Binary::Divide, true),
        BinOp::RemAssign(_) => (Binary::Remainder, true),
        BinOp::BitXorAssign(_) => (Binary::Xor, true),
        BinOp::BitAndAssign(_) => (Binary::And, true),
        BinOp::BitOrAssign(_) => (Binary::Or, true),
        BinOp::ShlAssign(_) => (Binary::ShiftLeft, true),
        BinOp::ShrAssign(_) => (Binary::ShiftRight, true),
        _ => return None,
    })
}
