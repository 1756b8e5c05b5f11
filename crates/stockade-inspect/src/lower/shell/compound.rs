//! Commands made of commands: conditions, loops, cases, groups, functions.

use super::words::Word;
use super::{Redirections, Shell, Stage};
use crate::ir::{Binary, Block, Expr, Expression, Function, Parameter, Statement, Unary};

/// The most branches of one `if` or `case`: each is a level of the form that comes out.
const MAX_BRANCHES: usize = 200;

impl Shell<'_> {
    /// The compound command that stands here, if one does.
    pub(super) fn compound(&mut self, input: Option<Expr>) -> Option<Stage> {
        let start = self.pos;
        let kind = match self.rest() {
            [b'(', b'(', ..] => "((",
            [b'(', ..] => "(",
            _ => keyword(self.plain())?,
        };
        self.pos += kind.len();
        match kind {
            "[[" => return Some(Stage::Value(self.long_test())),
            "((" => {
                let rest = self.source.get(self.pos..).unwrap_or_default();
                self.pos += rest.find("))").map_or(rest.len(), |at| at + 2);
                return Some(Stage::Statements(Block::new()));
            }
            "!" => return Some(self.negation(input)),
            _ => {}
        }
        if kind == "if" && self.is_windows_if() {
            return Some(Stage::Statements(self.windows_if()));
        }
        let name = self.fresh();
        let fed = input.is_some() || self.input.is_some() || matches!(kind, "while" | "until" | "for");
        let around = std::mem::replace(&mut self.input, fed.then(|| name.clone()));
        let mut block = Block::new();
        match kind {
            "(" | "{" => self.group(kind, &mut block),
            "if" => self.condition(&mut block, 0),
            "while" | "until" => self.repeat(kind == "until", &mut block),
            "for" | "select" => self.each(&mut block),
            "case" => self.case(&mut block),
            _ => self.function(&mut block),
        }
        self.input = around;
        if self.pos == start + kind.len() && kind != "(" {
            self.pos = start;
            return None;
        }
        Some(self.redirected(block, &name, input))
    }

    /// What stands after the last word of a compound command.
    fn redirected(&mut self, mut body: Block, name: &str, input: Option<Expr>) -> Stage {
        let at = self.at();
        let mut redirections = Redirections { input, ..Redirections::default() };
        let mut block = Block::new();
        self.skip_blanks();
        while self.redirection(&mut redirections, &mut block) {
            self.skip_blanks();
        }
        let input = redirections.input.or_else(|| self.inherited(at));
        if let Some(input) = input {
            let target = self.b.name(name, at);
            let assign = self.b.assign(target, input, at);
            block.push(Statement::Do(assign));
        }
        if !redirections.outputs.is_empty() {
            let mut value = self.printed(body, &mut block);
            for (how, path) in redirections.outputs.into_iter().take(super::MAX_OUTPUTS) {
                value = self.b.call_name(how, vec![path, value], at);
            }
            body = vec![Statement::Do(value)];
        }
        if redirections.discarded && self.peek() == Some(b'&') && !self.starts("&&") {
            let hidden = self.b.call_name("&", Vec::new(), at);
            body.push(Statement::Do(hidden));
        }
        block.extend(body);
        Stage::Statements(block)
    }

    fn group(&mut self, kind: &str, block: &mut Block) {
        let end = if kind == "(" { ")" } else { "}" };
        let body = self.list(&["}"]);
        self.eat(end);
        block.extend(body);
    }

    fn negation(&mut self, input: Option<Expr>) -> Stage {
        let at = self.at();
        let mut block = Block::new();
        let stage = self.command(input, &mut block);
        match stage {
            Stage::Value(value) => {
                let not = self.b.unary(Unary::Not, value, at);
                if block.is_empty() {
                    return Stage::Value(not);
                }
                block.push(Statement::Do(not));
            }
            Stage::Statements(more) => block.extend(more),
        }
        Stage::Statements(block)
    }

    /// Commands as a condition: all but the last go before it.
    fn test_of(&mut self, mut commands: Block, before: &mut Block) -> Expr {
        let at = self.at();
        let last = match commands.pop() {
            Some(Statement::Do(value)) => value,
            other => {
                commands.extend(other);
                self.b.other(Vec::new(), at)
            }
        };
        before.extend(commands);
        last
    }

    fn eat_word(&mut self, word: &str) -> bool {
        self.skip_separators();
        let found = self.plain() == word;
        if found {
            self.pos += word.len();
        }
        found
    }

    fn condition(&mut self, block: &mut Block, branches: usize) {
        let commands = self.list(&["then", "fi"]);
        let test = self.test_of(commands, block);
        self.eat_word("then");
        let then = self.list(&["elif", "else", "fi"]);
        let mut otherwise = Block::new();
        if branches < MAX_BRANCHES && self.eat_word("elif") {
            self.condition(&mut otherwise, branches + 1);
        } else {
            if self.eat_word("else") {
                otherwise = self.list(&["fi"]);
            }
            self.eat_word("fi");
        }
        block.push(Statement::If(test, then, otherwise));
    }

    fn repeat(&mut self, until: bool, block: &mut Block) {
        let at = self.at();
        let commands = self.list(&["do", "done"]);
        let mut before = Block::new();
        let mut test = self.test_of(commands, &mut before);
        if matches!(self.b.peek(test), Some(Expression::Assign { .. })) {
            before.push(Statement::Do(test));
            test = self.b.other(Vec::new(), at);
        }
        if until {
            test = self.b.unary(Unary::Not, test, at);
        }
        self.eat_word("do");
        let mut body = before;
        body.extend(self.list(&["done"]));
        self.eat_word("done");
        block.push(Statement::Loop { test: Some(test), body, after: None, body_first: false });
    }

    fn each(&mut self, block: &mut Block) {
        let at = self.at();
        self.skip_blanks();
        if self.windows && (self.peek() == Some(b'%') || self.peek() == Some(b'/')) {
            return self.windows_each(block);
        }
        let (target, items) = if self.eat("((") {
            let rest = self.source.get(self.pos..).unwrap_or_default();
            self.pos += rest.find("))").map_or(rest.len(), |at| at + 2);
            (self.b.name("|", at), vec![self.b.other(Vec::new(), at)])
        } else {
            let name = self.plain().to_owned();
            self.pos += name.len();
            self.remember(&name, None);
            (self.b.name(&name, at), self.items(block))
        };
        let iterable = self.b.list(items, at);
        self.eat_word("do");
        let body = self.list(&["done"]);
        self.eat_word("done");
        block.push(Statement::Each { target, iterable, keys: false, body });
    }

    /// The words after `in`.
    fn items(&mut self, block: &mut Block) -> Vec<Expr> {
        let mut items = Vec::new();
        self.skip_blanks();
        if self.plain() != "in" {
            return items;
        }
        self.pos += 2;
        loop {
            self.skip_blanks();
            if let [] | [b'\n' | b';' | b'&' | b'|' | b')' | b'(' | b'<' | b'>', ..] = self.rest() {
                return items;
            }
            let word = self.word(block);
            items.push(self.word_expr(&word));
        }
    }

    fn case(&mut self, block: &mut Block) {
        self.skip_blanks();
        let word = self.word(block);
        let value = self.word_expr(&word);
        self.skip_separators();
        self.eat_word("in");
        let mut branches = Vec::new();
        loop {
            self.skip_separators();
            if self.rest().is_empty() || self.eat_word("esac") {
                break;
            }
            self.eat("(");
            let test = self.patterns(value, block);
            let body = self.list(&["esac"]);
            self.eat(";;");
            self.eat("&");
            branches.push((test, body));
            if branches.len() >= MAX_BRANCHES {
                break;
            }
        }
        let mut chain = Block::new();
        for (test, body) in branches.into_iter().rev() {
            chain = match test {
                Some(test) => vec![Statement::If(test, body, chain)],
                None => body,
            };
        }
        block.extend(chain);
    }

    /// `a|b)`; nothing for `*`.
    fn patterns(&mut self, value: Expr, block: &mut Block) -> Option<Expr> {
        let mut test = None;
        let mut anything = false;
        loop {
            self.skip_blanks();
            let word = self.word(block);
            anything |= word.literal() == Some("*");
            let at = word.at;
            let pattern = self.word_expr(&word);
            let equal = self.b.binary(Binary::Equal, value, pattern, at);
            test = Some(match test {
                Some(test) => self.b.binary(Binary::Either, test, equal, at),
                None => equal,
            });
            self.skip_blanks();
            if self.eat("|") {
                continue;
            }
            if !self.eat(")") && self.peek().is_some_and(|byte| byte != b'\n') {
                self.pos += 1;
                continue;
            }
            return test.filter(|_| !anything);
        }
    }

    /// `function name { … }`.
    fn function(&mut self, block: &mut Block) {
        self.skip_blanks();
        let word = self.word(block);
        self.skip_blanks();
        if let Stage::Statements(statements) = self.definition(&word) {
            block.extend(statements);
        }
    }

    /// True if what was read just now is the name of a function.
    pub(super) fn is_definition(&self, words: &[Word]) -> bool {
        let rest = self.rest().trim_ascii_start();
        words.is_empty()
            && rest.first() == Some(&b'(')
            && rest.get(1..).is_some_and(|r| r.trim_ascii_start().starts_with(b")"))
    }

    /// The rest of a function's definition, after its name.
    pub(super) fn definition(&mut self, word: &Word) -> Stage {
        self.skip_blanks();
        if self.eat("(") {
            self.skip_blanks();
            self.eat(")");
        }
        while let [b' ' | b'\t' | b'\r' | b'\n', ..] = self.rest() {
            self.pos += 1;
        }
        let name = word.literal().unwrap_or_default().to_owned();
        self.functions.insert(name.clone());
        let around = std::mem::replace(&mut self.in_function, true);
        let mut before = Block::new();
        let stage = self.command(None, &mut before);
        let result = self.stage_value(stage, &mut before);
        self.in_function = around;
        before.push(Statement::Return(Some(result)));
        let name = self.b.sym(&name);
        let parameters: Vec<_> = (1..=9).map(|number| self.b.name(&number.to_string(), word.at)).collect();
        let locals = (1..=9).map(|number: u8| self.b.sym(&number.to_string())).collect();
        let parameters =
            parameters.into_iter().map(|target| Parameter { target, default: None, rest: false }).collect();
        let function = Function { name: Some(name), parameters, body: before, locals, offset: word.at };
        let function = self.b.define(function);
        Stage::Statements(vec![Statement::Define(name, function)])
    }

    /// `[[ … ]]`.
    fn long_test(&mut self) -> Expr {
        let at = self.at();
        let mut block = Block::new();
        let (mut words, mut test): (Vec<Word>, Option<(Expr, Option<Binary>)>) = (Vec::new(), None);
        loop {
            self.skip_blanks();
            let operator = match self.rest() {
                [] | [b'\n', ..] => break,
                [b'&', b'&', ..] => Some(Binary::Both),
                [b'|', b'|', ..] => Some(Binary::Either),
                _ => None,
            };
            if let Some(operator) = operator {
                self.pos += 2;
                let value = self.short_test(std::mem::take(&mut words), at);
                test = Some((self.combined(test, value, at), Some(operator)));
                continue;
            }
            if let [b'<' | b'>' | b'(' | b')' | b'&' | b'|' | b';', ..] = self.rest() {
                self.pos += 1;
                continue;
            }
            let word = self.word(&mut block);
            if word.literal() == Some("]]") {
                break;
            }
            words.push(word);
        }
        let value = self.short_test(words, at);
        self.combined(test, value, at)
    }

    fn combined(&mut self, test: Option<(Expr, Option<Binary>)>, value: Expr, at: u32) -> Expr {
        match test {
            Some((left, Some(operator))) => self.b.binary(operator, left, value, at),
            _ => value,
        }
    }

    /// The words of a test between brackets.
    pub(super) fn short_test(&mut self, mut words: Vec<Word>, at: u32) -> Expr {
        words.retain(|word| word.quoted || !matches!(word.literal(), Some("]" | "]]")));
        let negated = !words.is_empty() && words.first().and_then(Word::literal) == Some("!");
        if negated {
            words.remove(0);
        }
        let values: Vec<Expr> = words.iter().map(|word| self.word_expr(word)).collect();
        let operators: Vec<Option<&str>> = words.iter().map(Word::literal).collect();
        let test = match (&operators[..], &values[..]) {
            ([_, Some("=" | "==" | "-eq" | "=~"), _], [left, _, right]) => {
                self.b.binary(Binary::Equal, *left, *right, at)
            }
            ([_, Some("!=" | "-ne"), _], [left, _, right]) => self.b.binary(Binary::NotEqual, *left, *right, at),
            ([Some(unary @ ("-z" | "-n")), _], [_, value]) => {
                let empty = self.b.text("", at);
                let operator = if *unary == "-z" { Binary::Equal } else { Binary::NotEqual };
                self.b.binary(operator, *value, empty, at)
            }
            _ => {
                let call = self.b.call_name("test", values, at);
                let holds = self.b.boolean(true, at);
                self.b.binary(Binary::Equal, call, holds, at)
            }
        };
        if negated { self.b.unary(Unary::Not, test, at) } else { test }
    }

    /// `if` of `cmd` has no `then`.
    fn is_windows_if(&self) -> bool {
        let line = self.source.get(self.pos..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let first = line.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        let known = matches!(&*first, "exist" | "not" | "errorlevel" | "defined" | "/i");
        let has_then = line.contains("then");
        !has_then && (known || (self.windows && line.contains("==")))
    }

    fn windows_if(&mut self) -> Block {
        let at = self.at();
        let mut block = Block::new();
        loop {
            self.skip_blanks();
            let word = self.word(&mut block);
            let text = word.literal().unwrap_or_default().to_ascii_lowercase();
            if matches!(&*text, "not" | "/i" | "exist" | "errorlevel" | "defined") {
                continue;
            }
            self.skip_blanks();
            if matches!(self.plain().to_ascii_lowercase().as_str(), "equ" | "neq" | "gtr" | "lss") || self.starts("==")
            {
                self.word(&mut block);
                self.skip_blanks();
                self.word(&mut block);
            }
            break;
        }
        let mut then = Block::new();
        self.pipeline(&mut then);
        let mut otherwise = Block::new();
        self.skip_blanks();
        if self.plain().eq_ignore_ascii_case("else") {
            self.pos += 4;
            self.pipeline(&mut otherwise);
        }
        let test = self.b.other(Vec::new(), at);
        block.push(Statement::If(test, then, otherwise));
        block
    }

    /// `for %%i in (…) do …` of `cmd`.
    fn windows_each(&mut self, block: &mut Block) {
        let at = self.at();
        let line = self.source.get(self.pos..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let from = line.find('\'').map(|from| from + 1);
        let commands = from.and_then(|from| line.get(from..line.rfind("')")?)).map(str::to_owned);
        let skip = line.to_ascii_lowercase().find(") do ").map_or(line.len(), |found| found + 5);
        self.pos += skip;
        if let Some(commands) = commands {
            let statements = self.nested(&commands, at, |shell| shell.list(&[]));
            block.extend(statements);
        }
        let (target, iterable) = (self.b.name("|", at), self.b.other(Vec::new(), at));
        let mut body = Block::new();
        self.pipeline(&mut body);
        block.push(Statement::Each { target, iterable, keys: false, body });
    }
}

fn keyword(word: &str) -> Option<&'static str> {
    let all = ["if", "while", "until", "for", "select", "case", "function", "{", "[[", "!"];
    all.into_iter().find(|known| *known == word)
}
