//! PowerShell, as far as scripts that fetch, decode and run use it.
//!
//! The language has two grammars that change places all the time, one of commands and one of expressions; this reader
//! follows both leniently and never refuses a text. Names do not depend on case, so they are lowered to lower case:
//! commands (`iex` is `invoke-expression`), members, and types, which are one name with dots
//! (`system.convert.frombase64string`). What a pipeline hands on is the argument `stdin` of the next command, and a
//! parameter of a command is an argument with its name: `-uri x` is `uri=x`.

pub(crate) mod builtins;
mod expressions;
mod lexer;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use lexer::{Lexer, Token};

use super::shell::Builder;
use crate::ir::{Argument, Binary, Block, Expr, Expression, Function, Language, Names, Parameter, Program, Statement};

/// The most levels of brackets.
const MAX_DEPTH: u32 = 60;

/// The most bytes of one script that are read: 4 MiB.
const MAX_SOURCE: usize = 4 * 1024 * 1024;

/// Short names of commands.
const ALIASES: &[(&str, &str)] = &[
    ("iex", "invoke-expression"),
    ("iwr", "invoke-webrequest"),
    ("irm", "invoke-restmethod"),
    ("icm", "invoke-command"),
    ("ii", "invoke-item"),
    ("saps", "start-process"),
    ("start", "start-process"),
    ("sajb", "start-job"),
    ("sc", "set-content"),
    ("ac", "add-content"),
    ("gc", "get-content"),
    ("type", "get-content"),
    ("cat", "get-content"),
    ("gci", "get-childitem"),
    ("dir", "get-childitem"),
    ("ls", "get-childitem"),
    ("ri", "remove-item"),
    ("rm", "remove-item"),
    ("del", "remove-item"),
    ("cp", "copy-item"),
    ("copy", "copy-item"),
    ("cpi", "copy-item"),
    ("mv", "move-item"),
    ("mi", "move-item"),
    ("ni", "new-item"),
    ("sp", "set-itemproperty"),
    ("gp", "get-itemproperty"),
    ("gwmi", "get-wmiobject"),
    ("gcim", "get-ciminstance"),
    ("gps", "get-process"),
    ("ps", "get-process"),
    ("echo", "write-output"),
    ("write", "write-output"),
    ("ipmo", "import-module"),
    ("gcm", "get-command"),
    ("foreach", "foreach-object"),
    ("%", "foreach-object"),
    ("where", "where-object"),
    ("?", "where-object"),
    ("select", "select-object"),
    ("nal", "set-alias"),
    ("sal", "set-alias"),
    ("gcb", "get-clipboard"),
    ("sleep", "start-sleep"),
];

/// Lowers a script.
pub(crate) fn lower(source: &str, names: &mut Names) -> Program {
    let mut b = Builder::new(Language::PowerShell, names);
    let source = if source.len() > MAX_SOURCE {
        b.problem("the script is longer than what is read", 0);
        source.get(..source.floor_char_boundary(MAX_SOURCE)).unwrap_or_default()
    } else {
        source
    };
    let mut reader = Reader { b, lexer: Lexer::new(source), depth: 0, functions: HashSet::new() };
    let body = reader.statements(None);
    reader.b.finish(body)
}

/// The reader of one script.
struct Reader<'s, 'n> {
    b: Builder<'n>,
    lexer: Lexer<'s>,
    depth: u32,
    /// Functions that the script defines.
    functions: HashSet<String>,
}

impl Reader<'_, '_> {
    /// Statements up to a closing bracket, which is taken.
    fn statements(&mut self, close: Option<char>) -> Block {
        let mut block = Block::new();
        if self.depth >= MAX_DEPTH {
            self.b.problem("the script is nested too deeply to be read", self.lexer.at());
            self.lexer.skip_all();
            return block;
        }
        self.depth += 1;
        loop {
            self.lexer.skip_separators();
            let before = self.lexer.pos();
            match self.lexer.peek() {
                Token::End => break,
                Token::Close(found) => {
                    self.lexer.next();
                    if Some(found) == close {
                        break;
                    }
                }
                _ if self.b.is_full() => {
                    self.b.problem("the script is larger than what is read", self.lexer.at());
                    self.lexer.skip_all();
                }
                _ => self.statement(&mut block),
            }
            if self.lexer.pos() == before {
                self.lexer.skip_one();
            }
        }
        self.depth -= 1;
        block
    }

    fn statement(&mut self, block: &mut Block) {
        let at = self.lexer.at();
        let Token::Word(word) = self.lexer.peek() else {
            let value = self.pipeline(block);
            block.extend(value.map(Statement::Do));
            return;
        };
        match &*word.to_ascii_lowercase() {
            "if" | "elseif" => self.condition(block),
            "while" => self.repeat(block),
            "for" => {
                self.lexer.next();
                let head = self.bracketed('(');
                block.extend(head);
                let body = self.braced();
                let test = self.b.other(Vec::new(), at);
                block.push(Statement::Loop { test: Some(test), body, after: None, body_first: false });
            }
            "foreach" if self.lexer.after_word().starts_with('(') => self.each(block),
            "function" | "filter" => self.function(block),
            "try" | "finally" | "else" | "do" | "begin" | "process" | "end" | "catch" | "trap" | "default" => {
                self.lexer.next();
                while matches!(self.lexer.peek(), Token::Open('[')) {
                    self.lexer.next();
                    self.lexer.skip_to(']');
                }
                if matches!(self.lexer.peek(), Token::Open('{')) {
                    let inner = self.braced();
                    block.push(Statement::Block(inner));
                }
            }
            "switch" => {
                self.lexer.next();
                let value = self.bracketed('(');
                block.extend(value);
                let inner = self.braced();
                block.push(Statement::Block(inner));
            }
            "param" => {
                self.lexer.next();
                self.lexer.next();
                self.lexer.skip_to(')');
            }
            "return" | "throw" => {
                self.lexer.next();
                let value = self.pipeline(block);
                block.push(Statement::Return(value));
            }
            "exit" | "break" | "continue" => {
                self.lexer.next();
                let value = self.pipeline(block);
                block.extend(value.map(Statement::Do));
            }
            _ => {
                let value = self.pipeline(block);
                block.extend(value.map(Statement::Do));
            }
        }
    }

    /// What stands in brackets, if they come next.
    fn bracketed(&mut self, open: char) -> Block {
        if !matches!(self.lexer.peek(), Token::Open(found) if found == open) {
            return Block::new();
        }
        self.lexer.next();
        self.statements(Some(if open == '(' { ')' } else { '}' }))
    }

    fn braced(&mut self) -> Block {
        self.lexer.skip_separators();
        self.bracketed('{')
    }

    /// The last value of statements in brackets; the others go before.
    fn last_value(&mut self, mut statements: Block, block: &mut Block) -> Expr {
        let at = self.lexer.at();
        let last = match statements.pop() {
            Some(Statement::Do(value)) => Some(value),
            other => {
                statements.extend(other);
                None
            }
        };
        block.extend(statements);
        last.unwrap_or_else(|| self.b.other(Vec::new(), at))
    }

    fn condition(&mut self, block: &mut Block) {
        self.lexer.next();
        let test = self.bracketed('(');
        let test = self.last_value(test, block);
        let then = self.braced();
        self.lexer.skip_separators();
        let mut otherwise = Block::new();
        if let Token::Word(word) = self.lexer.peek() {
            match &*word.to_ascii_lowercase() {
                "elseif" if self.depth < MAX_DEPTH => {
                    self.depth += 1;
                    self.condition(&mut otherwise);
                    self.depth -= 1;
                }
                "else" => {
                    self.lexer.next();
                    otherwise = self.braced();
                }
                _ => {}
            }
        }
        block.push(Statement::If(test, then, otherwise));
    }

    fn repeat(&mut self, block: &mut Block) {
        self.lexer.next();
        let test = self.bracketed('(');
        let mut body = Block::new();
        let test = self.last_value(test, &mut body);
        body.extend(self.braced());
        block.push(Statement::Loop { test: Some(test), body, after: None, body_first: false });
    }

    /// `foreach ($a in …) { … }`.
    fn each(&mut self, block: &mut Block) {
        self.lexer.next();
        self.lexer.next();
        let at = self.lexer.at();
        let target = match self.lexer.peek() {
            Token::Variable(name) => {
                self.lexer.next();
                self.b.name(&name.to_ascii_lowercase(), at)
            }
            _ => self.b.other(Vec::new(), at),
        };
        self.lexer.next();
        let items = self.statements(Some(')'));
        let iterable = self.last_value(items, block);
        let body = self.braced();
        block.push(Statement::Each { target, iterable, keys: false, body });
    }

    fn function(&mut self, block: &mut Block) {
        self.lexer.next();
        let at = self.lexer.at();
        let Token::Word(name) = self.lexer.peek() else { return };
        let name = name.to_ascii_lowercase();
        self.lexer.next();
        let mut parameters = Vec::new();
        if matches!(self.lexer.peek(), Token::Open('(')) {
            self.lexer.next();
            parameters = self.lexer.variables_until(')');
        }
        self.lexer.skip_separators();
        if parameters.is_empty() {
            parameters = self.lexer.declared_parameters();
        }
        self.functions.insert(name.clone());
        let mut body = self.braced();
        if let Some(Statement::Do(last)) = body.last() {
            let last = *last;
            body.pop();
            body.push(Statement::Return(Some(last)));
        }
        let sym = self.b.sym(&name);
        let locals = parameters.iter().map(|name| self.b.sym(name)).collect();
        let parameters = parameters.iter().map(|name| {
            let target = self.b.name(name, at);
            Parameter { target, default: None, rest: false }
        });
        let parameters = parameters.collect();
        let function = self.b.define(Function { name: Some(sym), parameters, body, locals, offset: at });
        block.push(Statement::Define(sym, function));
    }

    /// Commands and expressions with `|` between them, or an assignment.
    fn pipeline(&mut self, block: &mut Block) -> Option<Expr> {
        let mut value = self.stage(None, block)?;
        loop {
            let at = self.lexer.at();
            match self.lexer.peek() {
                Token::Operator("|") => {
                    self.lexer.next();
                    self.lexer.skip_newlines();
                    let kept = self.kept(value, block);
                    let Some(next) = self.stage(Some(kept), block) else { return Some(kept) };
                    value = next;
                }
                Token::Operator("=" | "+=") => {
                    let adds = matches!(self.lexer.next(), Token::Operator("+="));
                    self.lexer.skip_newlines();
                    let right = self.pipeline_or_nothing(block);
                    let operator = adds.then_some(Binary::Add);
                    value = self.b.add(Expression::Assign { target: value, operator, value: right }, at);
                }
                Token::Operator(name @ (">" | ">>")) => {
                    self.lexer.next();
                    let path = self.argument(block).unwrap_or_else(|| self.b.other(Vec::new(), at));
                    value = self.b.call_name(name, vec![path, value], at);
                }
                Token::Operator("&&" | "||") => {
                    self.lexer.next();
                    block.push(Statement::Do(value));
                    value = self.stage(None, block)?;
                }
                _ => return Some(value),
            }
        }
    }

    fn pipeline_or_nothing(&mut self, block: &mut Block) -> Expr {
        let at = self.lexer.at();
        if self.depth >= MAX_DEPTH {
            return self.b.other(Vec::new(), at);
        }
        self.depth += 1;
        let value = match self.lexer.peek() {
            Token::Word(word) if matches!(&*word.to_ascii_lowercase(), "if" | "foreach" | "switch" | "try") => {
                let mut inner = Block::new();
                self.statement(&mut inner);
                block.extend(inner);
                None
            }
            _ => self.pipeline(block),
        };
        self.depth -= 1;
        value.unwrap_or_else(|| self.b.other(Vec::new(), at))
    }

    /// A value in a variable that no script can name, so that pipelines do not nest without end.
    fn kept(&mut self, value: Expr, block: &mut Block) -> Expr {
        let at = self.lexer.at();
        if !matches!(self.b.peek(value), Some(Expression::Call { .. })) {
            return value;
        }
        let name = format!("|{}", self.lexer.pos());
        let target = self.b.name(&name, at);
        let assign = self.b.assign(target, value, at);
        block.push(Statement::Do(assign));
        self.b.name(&name, at)
    }

    /// One command or expression of a pipeline.
    fn stage(&mut self, input: Option<Expr>, block: &mut Block) -> Option<Expr> {
        match self.lexer.peek() {
            Token::Word(word) if !is_number(word) => {
                let name = self.lexer.next_command().to_ascii_lowercase();
                Some(self.command(&name, input, block))
            }
            Token::Operator("&" | ".") => {
                self.lexer.next();
                Some(self.called(input, block))
            }
            Token::Operator("%" | "?") => {
                let name = self.lexer.next_command();
                Some(self.command(&name, input, block))
            }
            Token::End | Token::Separator | Token::Close(_) | Token::Operator("|") => None,
            _ => Some(self.expression(block)),
        }
    }

    /// `& x …`: what is called is computed.
    fn called(&mut self, input: Option<Expr>, block: &mut Block) -> Expr {
        let at = self.lexer.at();
        let target = match self.lexer.peek() {
            Token::Word(_) => {
                let name = self.lexer.next_command().to_ascii_lowercase();
                return self.command(&name, input, block);
            }
            Token::Open('{') => {
                let body = self.braced();
                return self.immediate(body, at);
            }
            _ => self.expression(block),
        };
        if let Some(name) = self.b.literal(target) {
            return self.command(&name.to_ascii_lowercase(), input, block);
        }
        let mut arguments = vec![super::shell::argument(target)];
        self.arguments(&mut arguments, block);
        self.with_input(&mut arguments, input);
        let callee = self.b.name("(command)", at);
        self.b.add(Expression::Call { callee, arguments: arguments.into() }, at)
    }

    /// A block that runs where it stands.
    fn immediate(&mut self, body: Block, at: u32) -> Expr {
        let function = self.script_block(body, at);
        self.b.call(function, Vec::new(), at)
    }

    fn script_block(&mut self, mut body: Block, at: u32) -> Expr {
        if let Some(Statement::Do(last)) = body.last() {
            let last = *last;
            body.pop();
            body.push(Statement::Return(Some(last)));
        }
        let function = self.b.define(Function { body, offset: at, ..Function::default() });
        self.b.add(Expression::Function(function), at)
    }

    fn with_input(&mut self, arguments: &mut Vec<Argument>, input: Option<Expr>) {
        if let Some(value) = input {
            let name = Some(self.b.sym("stdin"));
            arguments.push(Argument { name, value, spread: false });
        }
    }

    /// A command of a name, with its arguments.
    fn command(&mut self, name: &str, input: Option<Expr>, block: &mut Block) -> Expr {
        let at = self.lexer.at();
        let name = ALIASES.iter().find(|(short, _)| *short == name).map_or(name, |(_, long)| long);
        let mut arguments = Vec::new();
        self.arguments(&mut arguments, block);
        if !name.contains('-') || name.contains(['\\', '/', '.']) {
            return self.external(name, arguments, input, at);
        }
        if name == "new-object" {
            return self.new_object(arguments, at);
        }
        if matches!(name, "foreach-object" | "where-object" | "invoke-command" | "measure-command") {
            return self.for_each(&arguments, input, at);
        }
        self.with_input(&mut arguments, input);
        let written = arguments.iter().find(|argument| {
            argument.name.is_some_and(|name| matches!(&*self.b.text_of(name), "outfile" | "outf" | "out"))
        });
        let written = written.map(|argument| argument.value);
        let callee = self.b.name(name, at);
        let call = self.b.add(Expression::Call { callee, arguments: arguments.into() }, at);
        match written {
            Some(path) => self.b.call_name(">", vec![path, call], at),
            None => call,
        }
    }

    /// A function of the script, or a program: one call with the words as a list, as programs get them.
    fn external(&mut self, name: &str, arguments: Vec<Argument>, input: Option<Expr>, at: u32) -> Expr {
        let mut arguments = arguments;
        if self.functions.contains(name) {
            self.with_input(&mut arguments, input);
            let callee = self.b.name(name, at);
            return self.b.add(Expression::Call { callee, arguments: arguments.into() }, at);
        }
        let mut words = Vec::new();
        for argument in arguments {
            if let Some(option) = argument.name {
                let option = format!("-{}", self.b.text_of(option));
                words.push(self.b.text(&option, at));
            }
            if !matches!(self.b.peek(argument.value), Some(Expression::Boolean(true))) {
                words.push(argument.value);
            }
        }
        let callee = if is_script(name) { "(file)" } else { "(program)" };
        let (name, words) = (self.b.text(name, at), self.b.list(words, at));
        let mut arguments = vec![super::shell::argument(name), super::shell::argument(words)];
        self.with_input(&mut arguments, input);
        let callee = self.b.name(callee, at);
        self.b.add(Expression::Call { callee, arguments: arguments.into() }, at)
    }

    /// `New-Object Net.WebClient`: a call of the type's `new`.
    fn new_object(&mut self, arguments: Vec<Argument>, at: u32) -> Expr {
        let mut arguments = arguments.into_iter();
        let kind = arguments.next().map(|first| first.value);
        let name = kind.and_then(|kind| self.b.literal(kind));
        let rest: Vec<Expr> = arguments.map(|argument| argument.value).collect();
        match name {
            Some(name) => {
                let callee = format!("{}.new", expressions::type_path(&name));
                self.b.call_name(&callee, rest, at)
            }
            None => self.b.other(kind.into_iter().chain(rest).collect(), at),
        }
    }

    /// `… | % { $_ }`: the block is called, with what comes in as `$_`.
    fn for_each(&mut self, arguments: &[Argument], input: Option<Expr>, at: u32) -> Expr {
        let blocks: Vec<Expr> = arguments.iter().map(|argument| argument.value).collect();
        let mut values = Vec::new();
        if let Some(input) = input {
            let target = self.b.name("_", at);
            values.push(self.b.assign(target, input, at));
        }
        for block in blocks {
            let is_block = matches!(self.b.peek(block), Some(Expression::Function(_)));
            values.push(if is_block { self.b.call(block, Vec::new(), at) } else { block });
        }
        match values.len() {
            0 => self.b.other(values, at),
            _ => self.b.add(Expression::Sequence(values.into()), at),
        }
    }

    /// Words and parameters up to the end of the command.
    fn arguments(&mut self, into: &mut Vec<Argument>, block: &mut Block) {
        /// The most arguments of one command.
        const MAX_ARGUMENTS: usize = 5_000;
        while into.len() < MAX_ARGUMENTS {
            match self.lexer.peek_argument() {
                token if ends_command(token) => return,
                Token::Parameter(name) => self.parameter(&name.to_ascii_lowercase(), into, block),
                _ => {
                    let before = self.lexer.pos();
                    into.extend(self.argument(block).map(super::shell::argument));
                    if self.lexer.pos() == before {
                        self.lexer.skip_one();
                    }
                }
            }
        }
    }

    /// `-name value`, or `-name` alone.
    fn parameter(&mut self, name: &str, into: &mut Vec<Argument>, block: &mut Block) {
        let at = self.lexer.at();
        self.lexer.next_argument();
        let value = match self.lexer.peek_argument() {
            Token::Parameter(_) => None,
            token if ends_command(token) => None,
            _ => self.argument(block),
        };
        // `-match` and its like are operators, which the reader of expressions has taken already.
        let value = value.unwrap_or_else(|| self.b.boolean(true, at));
        let name = Some(self.b.sym(name));
        into.push(Argument { name, value, spread: false });
    }

    /// One argument of a command: a word is a text.
    fn argument(&mut self, block: &mut Block) -> Option<Expr> {
        let at = self.lexer.at();
        if let Some(path) = self.lexer.next_path() {
            return Some(self.expandable(path, at, block));
        }
        match self.lexer.peek_argument() {
            Token::Word(word) | Token::Parameter(word) => {
                self.lexer.next_argument();
                Some(self.expandable(word, at, block))
            }
            Token::Operator(operator) => {
                self.lexer.next();
                Some(self.b.text(operator, at))
            }
            Token::End | Token::Separator | Token::Close(_) => None,
            _ => Some(self.list_of_operands(block)),
        }
    }
}

fn ends_command(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::End | Token::Separator | Token::Close(_) | Token::Operator("|" | "&&" | "||" | ">" | ">>" | "&")
    )
}

fn is_script(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|ending| ending.eq_ignore_ascii_case("ps1"))
}

fn is_number(word: &str) -> bool {
    word.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
}
