//! Words of a command: quoting, variables, substitutions, redirections, here-documents.

use std::rc::Rc;

use super::{Redirections, Shell};
use crate::ir::{Binary, Block, Expr, Expression, Function, Statement};

/// A word: its parts in order.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) parts: Vec<Part>,
    pub(super) at: u32,
    /// Some of it stands in quotes, so that it is no keyword.
    pub(super) quoted: bool,
    /// It is the output of a command that is read as a file: `<(…)`.
    pub(super) process: bool,
}

/// A part of a word.
#[derive(Debug)]
pub(super) enum Part {
    Text(String),
    Value(Expr),
    /// Where an unquoted `$IFS` splits it.
    Split,
}

impl Word {
    pub(super) fn new(at: u32) -> Self {
        Self { parts: Vec::new(), at, quoted: false, process: false }
    }

    pub(super) fn of(text: &str, at: u32) -> Self {
        Self { parts: vec![Part::Text(text.to_owned())], ..Self::new(at) }
    }

    pub(super) fn value(value: Expr, at: u32) -> Self {
        Self { parts: vec![Part::Value(value)], ..Self::new(at) }
    }

    /// The text, if it is all that the word is.
    pub(super) fn literal(&self) -> Option<&str> {
        match &self.parts[..] {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text that the word begins with.
    pub(super) fn prefix(&self) -> &str {
        match self.parts.first() {
            Some(Part::Text(text)) => text,
            _ => "",
        }
    }

    /// The word without the first bytes, which are plain text.
    pub(super) fn without(mut self, bytes: usize) -> Self {
        if let Some(Part::Text(text)) = self.parts.first_mut() {
            *text = text.get(bytes..).unwrap_or_default().to_owned();
            if text.is_empty() {
                self.parts.remove(0);
            }
        }
        self
    }

    fn push_text(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.parts.push(Part::Text(text.to_owned())),
        }
    }
}

/// Ends an unquoted word.
fn ends_word(byte: u8) -> bool {
    b" \t\r\n;&|()<>".contains(&byte)
}

impl Shell<'_> {
    pub(super) fn word_expr(&mut self, word: &Word) -> Expr {
        let mut parts = Vec::with_capacity(word.parts.len());
        for part in &word.parts {
            match part {
                Part::Text(text) => parts.push(self.b.text(text, word.at)),
                Part::Value(value) => parts.push(*value),
                Part::Split => parts.push(self.b.text(" ", word.at)),
            }
        }
        self.b.join(parts, word.at)
    }

    /// Words one after the other, with blanks between them.
    pub(super) fn joined(&mut self, words: &[Word], at: u32) -> Expr {
        let mut parts = Vec::new();
        let mut text = String::new();
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                text.push(' ');
            }
            for part in &word.parts {
                match part {
                    Part::Text(more) => text.push_str(more),
                    Part::Split => text.push(' '),
                    Part::Value(value) => {
                        if !text.is_empty() {
                            parts.push(self.b.text(&text, at));
                            text.clear();
                        }
                        parts.push(*value);
                    }
                }
            }
        }
        if !text.is_empty() {
            parts.push(self.b.text(&text, at));
        }
        self.b.join(parts, at)
    }

    /// Adds a word to the others, split where it splits.
    pub(super) fn push_word(words: &mut Vec<Word>, word: Word) {
        if words.is_empty() && !word.quoted && word.parts.len() == 1 {
            let inner = word.literal().and_then(|text| text.strip_prefix('{')?.strip_suffix('}'));
            if let Some(inner) = inner.filter(|inner| inner.contains(',')) {
                words.extend(inner.split(',').map(|text| Word::of(text, word.at)));
                return;
            }
        }
        let mut current = Word { parts: Vec::new(), ..word };
        for part in word.parts {
            match part {
                Part::Split => {
                    let next = Word { parts: Vec::new(), ..current };
                    words.push(std::mem::replace(&mut current, next));
                }
                part => current.parts.push(part),
            }
        }
        words.push(current);
    }

    /// The word that stands here.
    pub(super) fn word(&mut self, block: &mut Block) -> Word {
        let mut word = Word::new(self.at());
        loop {
            let before = self.pos;
            match self.rest() {
                [] => break,
                [b'<' | b'>', b'(', ..] => self.process_substitution(&mut word, block),
                [byte, ..] if ends_word(*byte) => break,
                [b'\'', ..] => self.single_quoted(&mut word),
                [b'"', ..] => self.double_quoted(&mut word, block),
                [b'$', b'\'', ..] => self.ansi_quoted(&mut word),
                [b'$', b'"', ..] => self.pos += 1,
                [b'$', ..] => self.dollar(&mut word, false, block),
                [b'`', ..] => self.backticks(&mut word),
                [b'%', ..] => self.percent(&mut word),
                [b'\\', ..] if !self.windows => self.escape(&mut word),
                [b'^', next, ..] if self.windows && !next.is_ascii_whitespace() => self.pos += 1,
                _ => self.plain_run(&mut word),
            }
            if self.pos == before {
                self.pos += 1;
            }
        }
        word
    }

    fn slice(&self, from: usize, to: usize) -> &str {
        let from = self.source.floor_char_boundary(from.min(self.source.len()));
        let to = self.source.floor_char_boundary(to.min(self.source.len()));
        self.source.get(from..to).unwrap_or_default()
    }

    fn plain_run(&mut self, word: &mut Word) {
        let stops = |byte: &u8| ends_word(*byte) || b"'\"$`%\\^".contains(byte);
        let run = self.rest().iter().skip(1).position(stops).map_or(self.rest().len(), |at| at + 1);
        let text = self.slice(self.pos, self.pos + run).to_owned();
        word.push_text(&text);
        self.pos += run;
    }

    fn escape(&mut self, word: &mut Word) {
        let next = self.source.get(self.pos + 1..).and_then(|rest| rest.chars().next());
        self.pos += 1 + next.map_or(0, char::len_utf8);
        if let Some(next) = next.filter(|&next| next != '\n') {
            word.push_text(next.encode_utf8(&mut [0; 4]));
            word.quoted = true;
        }
    }

    fn single_quoted(&mut self, word: &mut Word) {
        let rest = self.rest().get(1..).unwrap_or_default();
        let length = rest.iter().position(|&byte| byte == b'\'').unwrap_or(rest.len());
        let text = self.slice(self.pos + 1, self.pos + 1 + length).to_owned();
        word.push_text(&text);
        word.quoted = true;
        self.pos = (self.pos + length + 2).min(self.source.len());
    }

    fn ansi_quoted(&mut self, word: &mut Word) {
        let rest = self.rest().get(2..).unwrap_or_default();
        let mut length = 0;
        while let Some(&byte) = rest.get(length).filter(|&&byte| byte != b'\'') {
            length += if byte == b'\\' { 2 } else { 1 };
        }
        let text = super::builtins::unescape(self.slice(self.pos + 2, self.pos + 2 + length));
        word.push_text(&text);
        word.quoted = true;
        self.pos = (self.pos + length + 3).min(self.source.len());
    }

    fn double_quoted(&mut self, word: &mut Word, block: &mut Block) {
        self.pos += 1;
        word.quoted = true;
        while let Some(byte) = self.peek() {
            if byte == b'"' {
                self.pos += 1;
                return;
            }
            self.quoted_piece(word, block);
        }
    }

    /// One piece of a text in double quotes or of a here-document. Always goes on.
    fn quoted_piece(&mut self, word: &mut Word, block: &mut Block) {
        let before = self.pos;
        match self.rest() {
            [b'$', ..] => self.dollar(word, true, block),
            [b'`', ..] => self.backticks(word),
            [b'%', ..] => self.percent(word),
            [b'\\', b'\n', ..] => self.pos += 2,
            [b'\\', next @ (b'"' | b'$' | b'`' | b'\\'), ..] if !self.windows || *next == b'"' => self.escape(word),
            rest => {
                let stop = rest.iter().skip(1).position(|byte| b"\"$`%\\".contains(byte));
                let run = stop.map_or(rest.len(), |at| at + 1);
                let text = self.slice(self.pos, self.pos + run).to_owned();
                word.push_text(&text);
                self.pos += run;
            }
        }
        if self.pos == before {
            self.pos += 1;
        }
    }

    /// `%NAME%` of `cmd`. The formats of `date` and `curl` look like it, but with one letter or other characters.
    fn percent(&mut self, word: &mut Word) {
        /// Shorter ones are formats.
        const SHORTEST: usize = 3;
        let rest = self.rest().get(1..).unwrap_or_default();
        let length = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && !b"_()".contains(byte));
        let length = length.filter(|&at| at >= SHORTEST && rest.get(at) == Some(&b'%'));
        let Some(length) = length else {
            word.push_text("%");
            self.pos += 1;
            return;
        };
        let name = self.slice(self.pos + 1, self.pos + 1 + length).to_owned();
        let value = self.variable(&name);
        word.parts.push(Part::Value(value));
        self.pos += length + 2;
    }

    /// A variable of the script, a parameter of a function, or the environment's.
    pub(super) fn variable(&mut self, name: &str) -> Expr {
        let at = self.at();
        let parameter = name.len() == 1 && name.bytes().all(|byte| byte.is_ascii_digit());
        if self.assigned.contains(name) || (parameter && self.in_function && name != "0") {
            return self.b.name(name, at);
        }
        let is_name = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        if !is_name {
            return self.b.other(Vec::new(), at);
        }
        let environment = self.b.name("env", at);
        self.b.member(environment, name, at)
    }

    fn dollar(&mut self, word: &mut Word, quoted: bool, block: &mut Block) {
        match self.rest() {
            [b'$', b'(', b'(', ..] => self.arithmetic(word),
            [b'$', b'(', ..] => {
                self.pos += 2;
                let value = self.substitution(block);
                word.parts.push(Part::Value(value));
            }
            [b'$', b'{', ..] => self.braces(word, quoted, block),
            [b'$', first, ..] if first.is_ascii_alphabetic() || *first == b'_' => {
                let rest = self.rest().get(1..).unwrap_or_default();
                let length = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
                let name = self.slice(self.pos + 1, self.pos + 1 + length.unwrap_or(rest.len())).to_owned();
                self.pos += 1 + name.len();
                self.push_variable(word, &name, quoted);
            }
            [b'$', b'@' | b'*', ..] => {
                self.pos += 2;
                let value = self.all_parameters();
                word.parts.push(Part::Value(value));
            }
            [b'$', digit @ (b'0'..=b'9' | b'?' | b'$' | b'!' | b'#'), ..] => {
                let name = char::from(*digit).to_string();
                self.pos += 2;
                self.push_variable(word, &name, true);
            }
            _ => {
                word.push_text("$");
                self.pos += 1;
            }
        }
    }

    fn push_variable(&mut self, word: &mut Word, name: &str, quoted: bool) {
        if name == "IFS" {
            word.parts.push(if quoted { Part::Text(" ".to_owned()) } else { Part::Split });
            return;
        }
        let known = self.constants.get(name).cloned().flatten();
        match known {
            Some(text) if word.parts.is_empty() => word.parts.push(Part::Text(text)),
            Some(text) => word.push_text(&text),
            None => {
                let value = self.variable(name);
                word.parts.push(Part::Value(value));
            }
        }
    }

    fn all_parameters(&mut self) -> Expr {
        let at = self.at();
        let names: Vec<Expr> = if self.in_function {
            (1..=9).map(|number| self.b.name(&number.to_string(), at)).collect()
        } else {
            Vec::new()
        };
        self.b.other(names, at)
    }

    /// `$((…))`: a number if it is one, else unknown.
    fn arithmetic(&mut self, word: &mut Word) {
        let start = self.pos + 3;
        let rest = self.source.get(start..).unwrap_or_default();
        let end = rest.find("))").map_or(self.source.len(), |at| start + at);
        let text = self.slice(start, end).trim().to_owned();
        self.pos = (end + 2).min(self.source.len());
        if !text.is_empty() && text.len() < 16 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            word.push_text(&text);
            return;
        }
        let at = self.at();
        let value = self.b.other(Vec::new(), at);
        word.parts.push(Part::Value(value));
    }

    /// `${…}`, after which the expansion that it names is kept as far as it can be computed.
    fn braces(&mut self, word: &mut Word, quoted: bool, block: &mut Block) {
        self.pos += 2;
        let length = self.eat("#");
        let indirect = self.eat("!");
        let rest = self.rest();
        let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').unwrap_or(rest.len());
        let name = self.slice(self.pos, self.pos + end.max(1)).to_owned();
        self.pos += end.max(1);
        let at = self.at();
        let operator = self.operator();
        if matches!(operator, "}") && !length && !indirect {
            self.push_variable(word, &name, quoted);
            return;
        }
        let operand = if operator == "}" { Word::new(at) } else { self.until_brace(block) };
        let value = self.variable(&name);
        let value = match operator {
            ":-" | "-" | ":=" | "=" => {
                let otherwise = self.word_expr(&operand);
                self.b.binary(Binary::Either, value, otherwise, at)
            }
            ":+" | "+" => self.word_expr(&operand),
            ":" => self.part_of(value, operand.literal().unwrap_or_default(), at),
            _ => {
                let operand = self.word_expr(&operand);
                self.b.other(vec![value, operand], at)
            }
        };
        word.parts.push(Part::Value(value));
    }

    fn operator(&mut self) -> &'static str {
        let all =
            ["}", ":-", ":=", ":+", ":?", ":", "-", "=", "+", "?", "##", "#", "%%", "%", "//", "/", "^^", ",,", "["];
        all.into_iter().find(|operator| self.eat(operator)).unwrap_or_default()
    }

    /// The rest of `${…}`.
    fn until_brace(&mut self, block: &mut Block) -> Word {
        let mut word = Word::new(self.at());
        if self.depth >= super::MAX_DEPTH {
            return word;
        }
        self.depth += 1;
        loop {
            match self.rest() {
                [] => break,
                [b'}', ..] => {
                    self.pos += 1;
                    break;
                }
                [b'\'', ..] => self.single_quoted(&mut word),
                [b'"', ..] => self.double_quoted(&mut word, block),
                [b'$', ..] => self.dollar(&mut word, true, block),
                [b'`', ..] => self.backticks(&mut word),
                [b'\\', ..] => self.escape(&mut word),
                rest => {
                    let stop = rest.iter().skip(1).position(|byte| b"}'\"$`\\".contains(byte));
                    let run = stop.map_or(rest.len(), |at| at + 1);
                    let text = self.slice(self.pos, self.pos + run).to_owned();
                    word.push_text(&text);
                    self.pos += run;
                }
            }
        }
        self.depth -= 1;
        word
    }

    /// `${a:offset:length}`.
    fn part_of(&mut self, value: Expr, range: &str, at: u32) -> Expr {
        let mut numbers = range.splitn(2, ':').map(|number| number.trim().parse::<i32>());
        match (numbers.next(), numbers.next()) {
            (Some(Ok(from)), None) => {
                let from = self.b.number(from.into(), at);
                self.b.add(Expression::Slice(value, [Some(from), None, None]), at)
            }
            (Some(Ok(from)), Some(Ok(length))) if from >= 0 && length >= 0 => {
                let to = self.b.number(from.saturating_add(length).into(), at);
                let from = self.b.number(from.into(), at);
                self.b.add(Expression::Slice(value, [Some(from), Some(to), None]), at)
            }
            _ => self.b.other(vec![value], at),
        }
    }

    /// The commands after `$(`, as the value that they print.
    fn substitution(&mut self, block: &mut Block) -> Expr {
        let at = self.at();
        if self.depth >= super::MAX_DEPTH {
            self.b.problem("commands are nested too deeply to be read", at);
            self.pos = self.source.len();
            return self.b.other(Vec::new(), at);
        }
        self.depth += 1;
        let input = self.input.take();
        let statements = self.list(&[]);
        self.input = input;
        self.depth -= 1;
        self.eat(")");
        self.value_of(statements, at, Some(block))
    }

    /// What statements print, as one expression. Without a block to put them in, they become a function that is called.
    fn value_of(&mut self, statements: Block, at: u32, block: Option<&mut Block>) -> Expr {
        if let [Statement::Do(only)] = statements[..] {
            return only;
        }
        if statements.is_empty() {
            return self.b.text("", at);
        }
        if let Some(block) = block {
            return self.printed(statements, block);
        }
        let mut body = Block::new();
        let result = self.printed(statements, &mut body);
        body.push(Statement::Return(Some(result)));
        let function = self.b.define(Function { body, offset: at, ..Function::default() });
        let function = self.b.add(Expression::Function(function), at);
        self.b.call(function, Vec::new(), at)
    }

    fn process_substitution(&mut self, word: &mut Word, block: &mut Block) {
        let reads = self.starts("<(");
        self.pos += 2;
        let value = self.substitution(block);
        word.parts.push(Part::Value(value));
        word.process = reads;
    }

    fn backticks(&mut self, word: &mut Word) {
        let at = self.at();
        let rest = self.rest().get(1..).unwrap_or_default();
        let mut length = 0;
        while let Some(&byte) = rest.get(length).filter(|&&byte| byte != b'`') {
            length += if byte == b'\\' { 2 } else { 1 };
        }
        let text = self.slice(self.pos + 1, self.pos + 1 + length);
        let text = text.replace("\\`", "`").replace("\\\\", "\\").replace("\\$", "$");
        self.pos = (self.pos + length + 2).min(self.source.len());
        let statements = self.nested(&text, at, |shell| shell.list(&[]));
        let value = self.value_of(statements, at, None);
        word.parts.push(Part::Value(value));
    }

    /// Reads another text at this place.
    pub(super) fn nested<T: Default>(&mut self, text: &str, at: u32, read: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth >= super::MAX_DEPTH {
            self.b.problem("commands are nested too deeply to be read", at);
            return T::default();
        }
        let source = std::mem::replace(&mut self.source, Rc::from(text));
        let (pos, place) = (std::mem::take(&mut self.pos), self.place.replace(at));
        let (resume, depth) = (self.resume.take(), self.depth);
        self.depth += 1;
        let result = read(self);
        (self.source, self.pos, self.place, self.resume, self.depth) = (source, pos, place, resume, depth);
        result
    }

    /// `A=b`, `A+=b`, `A=(b c)`; false if none stands here.
    pub(super) fn assignment(&mut self, block: &mut Block) -> bool {
        let rest = self.rest();
        let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').unwrap_or(rest.len());
        let starts = rest.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        let (length, adds) = match rest.get(end..) {
            Some([b'=', ..]) => (1, false),
            Some([b'+', b'=', ..]) => (2, true),
            _ => return false,
        };
        if !starts {
            return false;
        }
        let (name, at) = (self.slice(self.pos, self.pos + end).to_owned(), self.at());
        self.pos += end + length;
        let (value, literal) = self.assigned_value(block);
        self.remember(&name, literal.filter(|_| !adds));
        let target = self.b.name(&name, at);
        let operator = adds.then_some(Binary::Add);
        let assign = self.b.add(Expression::Assign { target, operator, value }, at);
        block.push(Statement::Do(assign));
        true
    }

    fn assigned_value(&mut self, block: &mut Block) -> (Expr, Option<String>) {
        let at = self.at();
        if !self.eat("(") {
            let word = self.word(block);
            return (self.word_expr(&word), word.literal().map(str::to_owned));
        }
        let mut items = Vec::new();
        loop {
            while let [b' ' | b'\t' | b'\r' | b'\n', ..] = self.rest() {
                self.pos += 1;
            }
            let before = self.pos;
            match self.peek() {
                None => break,
                Some(b')') => {
                    self.pos += 1;
                    break;
                }
                _ => {
                    let word = self.word(block);
                    items.push(self.word_expr(&word));
                }
            }
            if self.pos == before {
                self.pos += 1;
            }
        }
        (self.b.list(items, at), None)
    }

    /// A variable has a value from here on; it is constant if it is set once, outside of anything.
    pub(super) fn remember(&mut self, name: &str, literal: Option<String>) {
        let again = !self.assigned.insert(name.to_owned());
        let literal = literal.filter(|_| !again && self.depth <= 1 && !self.in_function);
        self.constants.insert(name.to_owned(), literal);
    }

    /// A redirection; false if none stands here.
    pub(super) fn redirection(&mut self, into: &mut Redirections, block: &mut Block) -> bool {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let all = self.rest().starts_with(b"&>");
        let skip = if all { 1 } else { digits };
        let errors = self.rest().starts_with(b"2>");
        match self.rest().get(skip..).unwrap_or_default() {
            [b'<' | b'>', b'(', ..] => return false,
            [b'<' | b'>', ..] if skip == 0 || all || self.begins_word() => self.pos += skip,
            _ => return false,
        }
        if self.eat("<<<") {
            self.skip_blanks();
            let word = self.word(block);
            into.input = Some(self.word_expr(&word));
        } else if self.eat("<<-") {
            into.input = Some(self.here_document(true));
        } else if self.eat("<<") {
            into.input = Some(self.here_document(false));
        } else if self.eat("<>") || self.eat("<&") || self.eat("<") {
            self.input_from(into, block);
        } else {
            let name = if self.eat(">>") { ">>" } else { ">" };
            self.pos += usize::from(name == ">");
            self.eat("|");
            if !(self.eat("&") && self.duplicates()) {
                self.output_to(name, errors, into, block);
            }
        }
        true
    }

    /// The `1` of `2>&1`, or the `-` of `2>&-`.
    fn duplicates(&mut self) -> bool {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
        self.pos += digits;
        digits > 0
    }

    fn input_from(&mut self, into: &mut Redirections, block: &mut Block) {
        if self.duplicates() {
            return;
        }
        self.skip_blanks();
        let word = self.word(block);
        let at = word.at;
        if let Some(call) = self.socket(&word) {
            into.input = Some(call);
            return;
        }
        let path = self.word_expr(&word);
        into.input = Some(if word.process { path } else { self.b.call_name("<", vec![path], at) });
    }

    fn output_to(&mut self, name: &'static str, errors: bool, into: &mut Redirections, block: &mut Block) {
        self.skip_blanks();
        let word = self.word(block);
        if let Some(call) = self.socket(&word) {
            block.push(Statement::Do(call));
            return;
        }
        match word.literal() {
            Some("" | "/dev/stderr" | "/dev/stdout" | "/dev/tty" | "&1" | "&2") => {}
            Some(path) if path == "/dev/null" || path.eq_ignore_ascii_case("nul") => into.discarded |= !errors,
            _ => {
                let path = self.word_expr(&word);
                into.outputs.push((name, path));
            }
        }
    }

    /// A connection in the guise of a file: `/dev/tcp/host/port` of bash.
    fn socket(&mut self, word: &Word) -> Option<Expr> {
        let name = ["/dev/tcp/", "/dev/udp/"].into_iter().find(|name| word.prefix().starts_with(name))?;
        let arguments: Vec<Expr> = if let Some(text) = word.literal() {
            let rest = text.get(name.len()..).unwrap_or_default();
            rest.splitn(2, '/').map(|part| self.b.text(part, word.at)).collect()
        } else {
            let parts: Vec<Expr> = word.parts.iter().filter_map(value_of_part).collect();
            vec![self.b.join(parts, word.at)]
        };
        Some(self.b.call_name(name.trim_end_matches('/'), arguments, word.at))
    }

    /// The text after `<<`: it stands after the line.
    fn here_document(&mut self, strips: bool) -> Expr {
        self.skip_blanks();
        let at = self.at();
        let delimiter = self.word(&mut Block::new());
        let end = delimiter.literal().unwrap_or_default().to_owned();
        let from = self.resume.map_or(self.pos, |(_, next)| next.saturating_sub(1));
        let line = self.source.get(from..).and_then(|rest| rest.find('\n')).map(|length| from + length);
        let Some(line) = line else {
            return self.b.text("", at);
        };
        let (text, next) = here_text(self.source.get(line + 1..).unwrap_or_default(), &end, strips);
        let first = self.resume.map_or(line, |(first, _)| first);
        self.resume = Some((first, line + 1 + next));
        if delimiter.quoted {
            return self.b.text(&text, at);
        }
        let word = self.nested(&text, at, |shell| {
            let (mut word, mut block) = (Word::new(at), Block::new());
            while shell.peek().is_some() {
                shell.quoted_piece(&mut word, &mut block);
            }
            Some((word, block))
        });
        self.expanded(word, at)
    }

    fn expanded(&mut self, word: Option<(Word, Block)>, at: u32) -> Expr {
        let Some((word, mut body)) = word else {
            return self.b.text("", at);
        };
        let text = self.word_expr(&word);
        if body.is_empty() {
            return text;
        }
        body.push(Statement::Return(Some(text)));
        let function = self.b.define(Function { body, offset: at, ..Function::default() });
        let function = self.b.add(Expression::Function(function), at);
        self.b.call(function, Vec::new(), at)
    }
}

fn value_of_part(part: &Part) -> Option<Expr> {
    match part {
        Part::Value(value) => Some(*value),
        Part::Text(_) | Part::Split => None,
    }
}

/// The lines up to the delimiter, and where what follows begins.
fn here_text(text: &str, delimiter: &str, strips: bool) -> (String, usize) {
    let mut body = String::new();
    let mut next = 0;
    for line in text.split_inclusive('\n') {
        next += line.len();
        let shown = if strips { line.trim_start_matches('\t') } else { line };
        if shown.trim_end_matches(['\n', '\r']) == delimiter {
            break;
        }
        body.push_str(shown);
    }
    (body, next)
}
