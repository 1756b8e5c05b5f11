//! Expressions of PowerShell: operators, members, types, texts with variables in them.

use super::lexer::{self, Lexer, Token};
use super::{MAX_DEPTH, Reader};
use crate::ir::{Argument, Binary, Block, Expr, Expression, Statement, Unary};

/// First segments of types that are written without `System`.
const SYSTEM: &[&str] = &[
    "appdomain",
    "activator",
    "array",
    "bitconverter",
    "buffer",
    "collections",
    "componentmodel",
    "console",
    "convert",
    "datetime",
    "diagnostics",
    "drawing",
    "environment",
    "guid",
    "intptr",
    "io",
    "management",
    "marshal",
    "math",
    "net",
    "random",
    "reflection",
    "runtime",
    "security",
    "text",
    "threading",
    "type",
    "uri",
    "web",
    "windows",
    "xml",
];

/// The most operators in a row.
const MAX_OPERATORS: usize = 20_000;

/// What a type is called here.
pub(super) fn type_path(name: &str) -> String {
    let lower: String = name.trim().to_ascii_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let lower = lower.split_once(',').map_or(lower.clone(), |(name, _)| name.to_owned());
    let first = lower.split(['.', '[']).next().unwrap_or_default();
    if SYSTEM.contains(&first) { format!("system.{lower}") } else { lower }
}

impl<'s> Reader<'s, '_> {
    pub(super) fn expression(&mut self, block: &mut Block) -> Expr {
        self.level(0, block)
    }

    /// Operators of a level and those that bind closer: 0 is `-and`, 1 comparisons, 2 `+`, 3 `*`, `-f` and `..`.
    fn level(&mut self, level: u8, block: &mut Block) -> Expr {
        if level > 3 {
            return self.list_of_operands(block);
        }
        let mut left = self.level(level + 1, block);
        for _ in 0..MAX_OPERATORS {
            let at = self.lexer.at();
            let operator = match self.lexer.peek() {
                Token::Operator(operator) => operator.to_owned(),
                Token::Parameter(name) => format!("-{}", name.to_ascii_lowercase()),
                _ => break,
            };
            if level_of(&operator) != Some(level) {
                break;
            }
            self.lexer.next();
            self.lexer.skip_newlines();
            let right = self.level(level + 1, block);
            left = self.combine(&operator, left, right, at);
        }
        left
    }

    fn combine(&mut self, operator: &str, left: Expr, right: Expr, at: u32) -> Expr {
        if let Some(binary) = binary(operator) {
            return self.b.binary(binary, left, right, at);
        }
        match operator {
            "-f" => self.format(left, right, at),
            "-as" => left,
            "-join" | "-replace" | "-ireplace" | "-creplace" | "-split" | "-isplit" | "-csplit" => {
                let name = operator.replace("-i", "-").replace("-c", "-");
                self.b.call_name(&name, vec![left, right], at)
            }
            _ => self.b.other(vec![left, right], at),
        }
    }

    /// `"{0}{1}" -f a, b`: the parts in order, where the format is known.
    fn format(&mut self, format: Expr, values: Expr, at: u32) -> Expr {
        let Some(text) = self.b.literal(format) else {
            return self.b.other(vec![format, values], at);
        };
        let values = match self.b.peek(values) {
            Some(Expression::List(items)) => items.to_vec(),
            _ => vec![values],
        };
        let mut parts = Vec::new();
        let mut rest = &*text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((hole, next)) = after.split_once('}') else { break };
            if !before.is_empty() {
                parts.push(self.b.text(before, at));
            }
            let number = hole.split([',', ':']).next().and_then(|number| number.trim().parse::<usize>().ok());
            parts.extend(number.and_then(|number| values.get(number)).copied());
            rest = next;
        }
        if !rest.is_empty() {
            parts.push(self.b.text(rest, at));
        }
        self.b.join(parts, at)
    }

    /// Operands with commas between them: a list, if there is more than one.
    pub(super) fn list_of_operands(&mut self, block: &mut Block) -> Expr {
        let at = self.lexer.at();
        let first = self.operand(block);
        let mut items = vec![first];
        while matches!(self.lexer.peek(), Token::Operator(",")) {
            self.lexer.next();
            self.lexer.skip_newlines();
            if matches!(self.lexer.peek(), Token::End | Token::Close(_) | Token::Separator) || self.b.is_full() {
                break;
            }
            items.push(self.operand(block));
        }
        if items.len() == 1 { first } else { self.b.list(items, at) }
    }

    /// One operand with its prefixes and what is asked of it.
    fn operand(&mut self, block: &mut Block) -> Expr {
        let at = self.lexer.at();
        if self.depth >= MAX_DEPTH {
            self.b.problem("the script is nested too deeply to be read", at);
            self.lexer.skip_all();
            return self.b.other(Vec::new(), at);
        }
        self.depth += 1;
        let value = self.prefixed(block, at);
        self.depth -= 1;
        value
    }

    fn prefixed(&mut self, block: &mut Block, at: u32) -> Expr {
        match self.lexer.peek() {
            Token::Operator("!") => {
                self.lexer.next();
                let value = self.operand(block);
                self.b.unary(Unary::Not, value, at)
            }
            Token::Operator("-") => {
                self.lexer.next();
                let value = self.operand(block);
                self.b.unary(Unary::Minus, value, at)
            }
            Token::Operator("+" | "++" | "--" | "&" | ".") => {
                self.lexer.next();
                self.operand(block)
            }
            Token::Operator(",") => {
                self.lexer.next();
                let value = self.operand(block);
                self.b.list(vec![value], at)
            }
            Token::Parameter(name) => {
                let name = name.to_ascii_lowercase();
                self.lexer.next();
                let value = self.operand(block);
                match &*name {
                    "not" | "bnot" => self.b.unary(Unary::Not, value, at),
                    "join" | "split" => self.b.call_name(&format!("-{name}"), vec![value], at),
                    _ => value,
                }
            }
            Token::Open('[') => self.typed(block, at),
            _ => {
                let value = self.primary(block, at);
                self.postfix(value, block)
            }
        }
    }

    /// `[type]::member`, `[type]value`, `[type]`.
    fn typed(&mut self, block: &mut Block, at: u32) -> Expr {
        let name = self.type_name();
        let path = type_path(&name);
        if self.lexer.follows("::") {
            let value = self.b.name(&path, at);
            return self.postfix(value, block);
        }
        match self.lexer.peek() {
            Token::Plain(_) | Token::Expandable(_) | Token::Variable(_) | Token::Open(_) | Token::Word(_) => {
                let value = self.operand(block);
                if matches!(&*path, "void" | "object" | "psobject" | "scriptblock" | "securestring") {
                    return value;
                }
                self.b.call_name(&path, vec![value], at)
            }
            _ => self.b.name(&path, at),
        }
    }

    /// The text between the brackets of a type, which may hold brackets.
    fn type_name(&mut self) -> String {
        /// The longest name of a type, in tokens.
        const MAX_TOKENS: usize = 200;
        self.lexer.next();
        let mut name = String::new();
        let mut open = 0_u32;
        for _ in 0..MAX_TOKENS {
            match self.lexer.next() {
                Token::Open('[') => {
                    open += 1;
                    name.push('[');
                }
                Token::Close(']') if open == 0 => break,
                Token::Close(']') => {
                    open -= 1;
                    name.push(']');
                }
                Token::Word(word) => name.push_str(&lexer::unescaped(word)),
                Token::Operator(operator) => name.push_str(operator),
                Token::End | Token::Separator => break,
                _ => {}
            }
        }
        name
    }

    fn primary(&mut self, block: &mut Block, at: u32) -> Expr {
        match self.lexer.next() {
            Token::Variable(name) => self.variable(name, at),
            Token::Plain(text) => self.b.text(&text.replace("''", "'"), at),
            Token::Expandable(text) => self.expandable(text, at, block),
            Token::Open('(') => {
                let statements = self.statements(Some(')'));
                match &statements[..] {
                    [Statement::Do(only)] => *only,
                    _ => self.last_value(statements, block),
                }
            }
            Token::Open('{') => {
                let body = self.statements(Some('}'));
                self.script_block(body, at)
            }
            Token::Open('@') => self.map(block, at),
            Token::Word(word) => match number(word) {
                Some(number) => self.b.number(number, at),
                None => self.b.text(&lexer::unescaped(word), at),
            },
            _ => self.b.other(Vec::new(), at),
        }
    }

    /// `@{ a = b; c = d }`.
    fn map(&mut self, block: &mut Block, at: u32) -> Expr {
        /// The most entries of a table.
        const MAX_ENTRIES: usize = 20_000;
        let mut pairs = Vec::new();
        while pairs.len() < MAX_ENTRIES {
            self.lexer.skip_separators();
            let before = self.lexer.pos();
            match self.lexer.peek() {
                Token::End => break,
                Token::Close('}') => {
                    self.lexer.next();
                    break;
                }
                _ => {
                    let key = self.operand(block);
                    if matches!(self.lexer.peek(), Token::Operator("=")) {
                        self.lexer.next();
                        self.lexer.skip_newlines();
                        let value = self.pipeline_or_nothing(block);
                        pairs.push((key, value));
                    }
                }
            }
            if self.lexer.pos() == before {
                self.lexer.skip_one();
            }
        }
        self.b.add(Expression::Map(pairs.into()), at)
    }

    fn variable(&mut self, name: &str, at: u32) -> Expr {
        let lower = name.to_ascii_lowercase();
        if let Some((scope, inner)) = lower.split_once(':') {
            if scope == "env" {
                let environment = self.b.name("env", at);
                let name = name.get(4..).unwrap_or_default();
                return self.b.member(environment, name, at);
            }
            return self.b.name(inner, at);
        }
        match &*lower {
            "true" => self.b.boolean(true, at),
            "false" => self.b.boolean(false, at),
            "null" => self.b.add(Expression::Nothing, at),
            _ => self.b.name(&lower, at),
        }
    }

    /// Members, calls and indexes after a value, without blanks between.
    fn postfix(&mut self, mut value: Expr, block: &mut Block) -> Expr {
        /// The most members and indexes of one value.
        const MAX_POSTFIX: usize = 50;
        for _ in 0..MAX_POSTFIX {
            let at = self.lexer.at();
            if self.lexer.eat("::") || (self.lexer.follows(".") && !self.lexer.follows("..") && self.lexer.eat(".")) {
                let Some(name) = self.member_name() else { return value };
                value = match name {
                    Ok(name) => self.b.member(value, &name, at),
                    Err(computed) => self.b.add(Expression::Index(value, computed), at),
                };
                if self.lexer.eat("(") {
                    let arguments = self.call_arguments(block);
                    value = self.b.add(Expression::Call { callee: value, arguments: arguments.into() }, at);
                }
            } else if self.lexer.eat("[") {
                let index = self.expression(block);
                self.lexer.skip_newlines();
                if matches!(self.lexer.peek(), Token::Close(']')) {
                    self.lexer.next();
                }
                value = self.b.add(Expression::Index(value, index), at);
            } else if !(self.lexer.eat("++") || self.lexer.eat("--")) {
                return value;
            }
        }
        value
    }

    /// The name after a dot, or the value that names it.
    fn member_name(&mut self) -> Option<Result<String, Expr>> {
        let at = self.lexer.at();
        match self.lexer.peek() {
            Token::Word(word) => {
                // A name of a member has no dash in it.
                let word = word.split('-').next().unwrap_or(word).to_owned();
                for _ in word.chars() {
                    self.lexer.skip_one();
                }
                Some(Ok(lexer::unescaped(&word).to_ascii_lowercase()))
            }
            Token::Plain(text) => {
                self.lexer.next();
                Some(Ok(text.to_ascii_lowercase()))
            }
            Token::Expandable(text) => {
                self.lexer.next();
                let mut ignored = Block::new();
                let value = self.expandable(text, at, &mut ignored);
                match self.b.literal(value) {
                    Some(text) => Some(Ok(text.to_ascii_lowercase())),
                    None => Some(Err(value)),
                }
            }
            Token::Variable(name) => {
                self.lexer.next();
                Some(Err(self.variable(name, at)))
            }
            Token::Open('(') => {
                self.lexer.next();
                let mut ignored = Block::new();
                let statements = self.statements(Some(')'));
                Some(Err(self.last_value(statements, &mut ignored)))
            }
            _ => None,
        }
    }

    fn call_arguments(&mut self, block: &mut Block) -> Vec<Argument> {
        self.lexer.skip_newlines();
        if matches!(self.lexer.peek(), Token::Close(')')) {
            self.lexer.next();
            return Vec::new();
        }
        let value = self.expression(block);
        self.lexer.skip_newlines();
        if matches!(self.lexer.peek(), Token::Close(')')) {
            self.lexer.next();
        }
        let values = match self.b.peek(value) {
            Some(Expression::List(items)) => items.to_vec(),
            _ => vec![value],
        };
        values.into_iter().map(crate::lower::shell::argument).collect()
    }

    /// A text with variables and `$(…)` in it.
    pub(super) fn expandable(&mut self, text: &'s str, at: u32, block: &mut Block) -> Expr {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let after = rest.get(first.len_utf8()..).unwrap_or_default();
            let (part, used) = match first {
                '`' => {
                    let next = after.chars().next();
                    plain.extend(next.map(escape));
                    (None, 1 + next.map_or(0, char::len_utf8))
                }
                '"' if after.starts_with('"') => {
                    plain.push('"');
                    (None, 2)
                }
                '$' if after.starts_with('(') => {
                    let (value, used) = self.embedded(after, at, block);
                    (Some(value), 1 + used)
                }
                '$' if after.starts_with('{') => {
                    let end = after.find('}').unwrap_or(after.len());
                    let name = after.get(1..end).unwrap_or_default();
                    (Some(self.variable(name, at)), (end + 2).min(rest.len()))
                }
                '$' if lexer::variable_length(after) > 0 => {
                    let length = lexer::variable_length(after);
                    let name = after.get(..length).unwrap_or_default();
                    (Some(self.variable(name, at)), 1 + length)
                }
                _ => {
                    plain.push(first);
                    (None, first.len_utf8())
                }
            };
            if let Some(part) = part {
                if !plain.is_empty() {
                    parts.push(self.b.text(&plain, at));
                    plain.clear();
                }
                parts.push(part);
            }
            rest = rest.get(used..).unwrap_or_default();
        }
        if !plain.is_empty() {
            parts.push(self.b.text(&plain, at));
        }
        self.b.join(parts, at)
    }

    /// `(…)` inside of a text, and its length.
    fn embedded(&mut self, text: &'s str, at: u32, block: &mut Block) -> (Expr, usize) {
        if self.depth >= MAX_DEPTH {
            return (self.b.other(Vec::new(), at), text.len());
        }
        let outer = std::mem::replace(&mut self.lexer, Lexer::at_base(text, at));
        self.lexer.next();
        let statements = self.statements(Some(')'));
        let value = self.last_value(statements, block);
        let inner = std::mem::replace(&mut self.lexer, outer);
        (value, inner.pos().max(1))
    }
}

fn escape(character: char) -> char {
    match character {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        other => other,
    }
}

/// Decimal and hexadecimal numbers.
fn number(word: &str) -> Option<f64> {
    let lower = word.to_ascii_lowercase();
    match lower.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok().map(f64::from),
        None => lower
            .trim_end_matches(['l', 'd'])
            .parse()
            .ok()
            .filter(|_| lower.as_bytes().first().is_some_and(u8::is_ascii_digit)),
    }
}

fn level_of(operator: &str) -> Option<u8> {
    Some(match operator {
        "-and" | "-or" | "-xor" => 0,
        "+" | "-" => 2,
        "*" | "/" | "%" | "-f" | ".." => 3,
        _ => match operator.strip_prefix('-')? {
            "eq" | "ne" | "gt" | "lt" | "ge" | "le" | "ieq" | "ine" | "ceq" | "cne" | "like" | "notlike" | "match"
            | "notmatch" | "imatch" | "cmatch" | "contains" | "notcontains" | "in" | "notin" | "join" | "replace"
            | "ireplace" | "creplace" | "split" | "isplit" | "csplit" | "is" | "isnot" | "as" | "band" | "bor"
            | "bxor" | "shl" | "shr" => 1,
            _ => return None,
        },
    })
}

fn binary(operator: &str) -> Option<Binary> {
    Some(match operator {
        "-and" => Binary::Both,
        "-or" => Binary::Either,
        "+" => Binary::Add,
        "-" => Binary::Subtract,
        "*" => Binary::Multiply,
        "/" => Binary::Divide,
        "%" => Binary::Remainder,
        "-eq" | "-ieq" | "-ceq" => Binary::Equal,
        "-ne" | "-ine" | "-cne" => Binary::NotEqual,
        "-gt" => Binary::Greater,
        "-lt" => Binary::Less,
        "-ge" => Binary::GreaterOrEqual,
        "-le" => Binary::LessOrEqual,
        "-band" => Binary::And,
        "-bor" => Binary::Or,
        "-bxor" | "-xor" => Binary::Xor,
        "-shl" => Binary::ShiftLeft,
        "-shr" => Binary::ShiftRight,
        _ => return None,
    })
}
