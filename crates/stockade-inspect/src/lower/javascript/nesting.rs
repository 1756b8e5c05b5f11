//! How deep a text nests, before a parser sees it.
//!
//! The parser calls itself for everything that is nested and has no limit of its own, so a text made for it would end
//! the process. This estimate is a lexer with just enough memory to tell a division from a regular expression, as a
//! bracket within one of the two is none: then no closing bracket can be faked. Where a text can be read in two ways
//! (JSX, types, old HTML comments), the number of its tokens is the limit instead.

/// The deepest nesting that is parsed.
pub(super) const MAX_NESTING: usize = 2_000;

/// The most tokens of a text that can be read in two ways. Were each one nested in the one before, the parser would
/// need 1.8 kB of stack for each, and a thread of the inspector has 128 MiB.
pub(super) const MAX_UNSURE_TOKENS: usize = 64_000;

/// What the estimate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nesting {
    /// The deepest place. Counting ends soon after [`MAX_NESTING`].
    pub(super) deepest: usize,
    /// True if something can be read in two ways.
    pub(super) unsure: bool,
}

/// How deep a text nests.
pub(super) fn nesting(source: &str) -> Nesting {
    let mut scanner = Scanner::new(source.as_bytes());
    while scanner.deepest <= MAX_NESTING && scanner.token() {}
    Nesting { deepest: scanner.deepest, unsure: scanner.unsure }
}

/// True if a text has more tokens than may be nested in each other, however it is read.
pub(super) fn is_crowded(source: &str) -> bool {
    let (mut tokens, mut in_word) = (0_usize, false);
    for &byte in source.as_bytes() {
        let word = is_word(byte);
        let closing = matches!(byte, b')' | b']' | b'}' | b',' | b';' | b'.' | b'"' | b'\'' | b'`' | b'>');
        let starts = if word { !in_word } else { byte.is_ascii_punctuation() && !closing };
        tokens += usize::from(starts);
        in_word = word;
    }
    tokens > MAX_UNSURE_TOKENS
}

/// What came before, as far as it decides what a slash or a brace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A value has ended: a slash divides.
    Operand,
    /// A value must come: a slash begins a regular expression.
    Operator,
    /// A statement may begin.
    Start,
}

/// What a bracket belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Statements.
    Block,
    /// A value in braces: an object, the body of a function that is a value.
    Braces,
    /// The body of an arrow function: a value, after which nothing can be divided.
    Arrow,
    /// `${…}`.
    Template,
    /// `(…)` and `[…]`.
    Plain,
    /// The parentheses of `if`, `for`, `while`, `with`: a statement follows.
    Header,
    /// The parentheses of a function's parameters that is a value.
    Parameters,
}

/// An open bracket.
#[derive(Debug, Clone, Copy)]
struct Level {
    closes: u8,
    kind: Kind,
    /// How deep it is here, what is around it included.
    base: usize,
    /// Assignments, arrows, conditions that hold each other, since the expression began.
    chain: usize,
    /// Statements that hold each other without braces.
    heads: usize,
    /// `else if` of the statements that have not ended.
    elses: usize,
    /// `do` without its `while`.
    dos: usize,
    /// `?` without its `:`.
    questions: usize,
}

impl Level {
    fn new(closes: u8, kind: Kind, base: usize) -> Self {
        Self { closes, kind, base, chain: 0, heads: 0, elses: 0, dos: 0, questions: 0 }
    }

    fn depth(&self) -> usize {
        self.base + self.chain + self.heads + self.elses
    }
}

/// What the next parenthesis or brace is, after a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Nothing,
    /// After `if`, `for`, `while`, `with`.
    Header,
    /// After `function` where a value must come.
    FunctionValue,
    /// After `class` where a value must come.
    ClassValue,
}

#[expect(clippy::struct_excessive_bools, reason = "each is what was seen last, and they do not exclude each other")]
struct Scanner<'a> {
    source: &'a [u8],
    at: usize,
    levels: Vec<Level>,
    /// The level around everything, and then the innermost.
    level: Level,
    before: Before,
    /// Prefix operators without their operand.
    run: usize,
    awaited: Awaited,
    /// The brace that follows ends a value.
    value_body: bool,
    after_dot: bool,
    after_else: bool,
    after_arrow: bool,
    after_arrow_body: bool,
    /// After a word that is an operator only in some places.
    after_contextual: bool,
    line_start: bool,
    /// A statement has ended, and so have those that it is in, unless `else` follows, or the `while` of `do`.
    ended: bool,
    deepest: usize,
    unsure: bool,
}

impl<'a> Scanner<'a> {
    fn new(source: &'a [u8]) -> Self {
        Self {
            source,
            at: 0,
            levels: Vec::new(),
            level: Level::new(0, Kind::Block, 0),
            before: Before::Start,
            run: 0,
            awaited: Awaited::Nothing,
            value_body: false,
            after_dot: false,
            after_else: false,
            after_arrow: false,
            after_arrow_body: false,
            after_contextual: false,
            line_start: true,
            ended: false,
            deepest: 0,
            unsure: false,
        }
    }

    /// Reads one token; false at the end.
    fn token(&mut self) -> bool {
        let Some(byte) = self.peek(0) else { return false };
        match byte {
            b'\n' | b'\r' => {
                self.line_start = true;
                self.at += 1;
                return true;
            }
            b' ' | b'\t' | 0x0b | 0x0c => {
                self.at += self.until(|byte| byte != b' ');
                self.at += usize::from(byte != b' ');
                return true;
            }
            b'/' => return self.slash(),
            _ => {}
        }
        self.after_arrow_body = false;
        if is_word(byte) || byte == b'\\' || byte == b'#' || byte == b'@' {
            self.word();
        } else {
            if std::mem::take(&mut self.ended) && !matches!(byte, b')' | b']' | b'}') {
                self.end_statements();
            }
            let (arrow, dot) = (self.punctuation(byte), byte == b'.');
            (self.after_arrow, self.after_dot) = (arrow, dot);
            self.after_else = false;
            self.after_contextual = false;
        }
        self.line_start = false;
        self.deepest = self.deepest.max(self.level.depth() + self.run);
        true
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.source.get(self.at + ahead).copied()
    }

    /// How many bytes there are before one of a kind, or the end.
    fn until(&self, is: impl Fn(u8) -> bool) -> usize {
        let rest = self.source.get(self.at..).unwrap_or_default();
        rest.iter().position(|byte| is(*byte)).unwrap_or(rest.len())
    }

    fn starts_with(&self, text: &[u8]) -> bool {
        self.source.get(self.at..).is_some_and(|rest| rest.starts_with(text))
    }

    fn word(&mut self) {
        let start = self.at;
        self.at += 1;
        self.at += self.until(|byte| !is_word(byte) && byte != b'\\');
        let source = self.source;
        let word = source.get(start..self.at).unwrap_or_default();
        let property = self.after_dot;
        let (after_else, for_await) = (self.after_else, self.awaited == Awaited::Header && word == b"await");
        (self.after_dot, self.after_else, self.after_arrow, self.after_contextual) = (false, false, false, false);
        if for_await {
            return;
        }
        let ended = std::mem::take(&mut self.ended) || self.before == Before::Operand;
        if ended && !property && word == b"while" && self.level.dos > 0 {
            self.level.dos -= 1;
            self.level.heads = self.level.heads.saturating_sub(1);
            (self.awaited, self.before) = (Awaited::Header, Before::Operator);
            return;
        }
        if ended && self.before != Before::Operand && !matches!(word, b"else" | b"catch" | b"finally") {
            self.end_statements();
        }
        if property || !word.first().is_some_and(u8::is_ascii_lowercase) {
            return self.operand(property);
        }
        self.keyword(word, after_else);
    }

    fn keyword(&mut self, word: &[u8], after_else: bool) {
        match word {
            b"if" | b"for" | b"while" | b"with" => {
                self.head(after_else);
                self.awaited = Awaited::Header;
                self.before = Before::Operator;
            }
            b"do" | b"try" | b"finally" | b"switch" | b"catch" => {
                self.head(after_else);
                self.level.dos += usize::from(word == b"do");
                self.before = Before::Start;
            }
            b"else" => {
                self.after_else = true;
                self.before = Before::Start;
            }
            b"case" | b"default" | b"return" | b"throw" => {
                self.boundary(self.before == Before::Operand);
                if word == b"case" || word == b"default" {
                    self.level.chain = 0;
                }
                self.before = if word == b"default" { Before::Start } else { Before::Operator };
            }
            b"function" | b"class" => {
                self.boundary(self.before == Before::Operand);
                let value = self.before == Before::Operator;
                let class = word == b"class";
                self.run += usize::from(class);
                self.awaited = match (value, class) {
                    (true, false) => Awaited::FunctionValue,
                    (true, true) => Awaited::ClassValue,
                    _ => Awaited::Nothing,
                };
                self.before = Before::Operator;
            }
            b"typeof" | b"void" | b"delete" | b"new" | b"extends" | b"keyof" | b"infer" | b"readonly" | b"unique"
            | b"asserts" | b"await" | b"yield" | b"async" => {
                self.boundary(self.before == Before::Operand && word != b"extends");
                self.run += 1;
                self.after_contextual = matches!(word, b"await" | b"yield" | b"async");
                self.before = Before::Operator;
            }
            b"in" | b"instanceof" | b"of" => {
                self.run = 0;
                self.after_contextual = word == b"of";
                self.before = Before::Operator;
            }
            _ => self.operand(false),
        }
    }

    fn head(&mut self, after_else: bool) {
        self.boundary(self.before == Before::Operand);
        if after_else {
            self.level.elses += 1;
        } else {
            self.level.heads += 1;
        }
    }

    /// An operand after an operand begins a new statement.
    fn operand(&mut self, property: bool) {
        self.boundary(self.before == Before::Operand && !property);
        self.run = 0;
        self.before = Before::Operand;
    }

    fn boundary(&mut self, ends: bool) {
        if ends {
            self.run = 0;
            self.end_statements();
        }
    }

    fn end_statements(&mut self) {
        (self.level.chain, self.level.heads, self.level.elses, self.level.dos) = (0, 0, 0, 0);
    }

    /// Reads punctuation; true if it is an arrow.
    fn punctuation(&mut self, byte: u8) -> bool {
        let next = self.peek(1);
        self.at += 1;
        match byte {
            b'"' | b'\'' => {
                self.string(byte);
                self.operand(false);
            }
            b'`' => {
                self.run = 0;
                self.template();
            }
            b'(' => self.open_parenthesis(),
            b'[' => self.open(b']', Kind::Plain),
            b'{' => self.open_brace(),
            b')' | b']' | b'}' => self.close(byte),
            b';' => {
                (self.level.chain, self.level.questions, self.run) = (0, 0, 0);
                (self.before, self.awaited, self.ended) = (Before::Start, Awaited::Nothing, true);
            }
            b',' => {
                (self.level.chain, self.run) = (0, 0);
                self.before = Before::Operator;
            }
            b':' => self.colon(),
            b'?' => self.question(next),
            b'=' if next == Some(b'>') => {
                self.at += 1;
                self.level.chain += 1;
                self.before = Before::Operator;
                return true;
            }
            b'=' => self.equals(),
            b'.' => {}
            _ => self.operator(byte, next),
        }
        false
    }

    fn operator(&mut self, byte: u8, next: Option<u8>) {
        let twice = next == Some(byte);
        if matches!(byte, b'+' | b'-') && twice {
            self.unsure |= byte == b'-' && self.line_start && self.peek(1) == Some(b'>');
            self.at += 1;
            self.run += usize::from(self.before != Before::Operand);
            return;
        }
        self.unsure |= byte == b'<' && next == Some(b'!') && self.starts_with(b"!--");
        if self.before == Before::Operand {
            self.run = 0;
        } else {
            self.run += 1;
        }
        if byte == b'*' && twice {
            self.at += 1;
            self.level.chain += 1;
        }
        self.before = Before::Operator;
    }

    /// `=`, `==`, `===`, and the end of `+=`, `<=`, `!=`.
    fn equals(&mut self) {
        let compares = matches!(self.source.get(self.at.wrapping_sub(2)), Some(b'<' | b'>' | b'!' | b'='))
            || self.peek(0) == Some(b'=');
        self.level.chain += usize::from(!compares);
        self.run = 0;
        self.before = Before::Operator;
    }

    fn question(&mut self, next: Option<u8>) {
        match next {
            Some(b'.') if !self.peek(1).is_some_and(|digit| digit.is_ascii_digit()) => {}
            Some(b'?') => {
                self.at += 1;
                self.before = Before::Operator;
            }
            _ => {
                self.level.chain += 1;
                self.level.questions += 1;
                self.before = Before::Operator;
            }
        }
        self.run = 0;
    }

    fn colon(&mut self) {
        self.run = 0;
        self.before = Before::Operator;
        if self.level.questions > 0 {
            self.level.questions -= 1;
        } else if self.level.kind == Kind::Block {
            self.level.chain += 1;
            self.before = Before::Start;
        }
    }

    fn open_parenthesis(&mut self) {
        let kind = match self.awaited {
            Awaited::Header => Kind::Header,
            Awaited::FunctionValue => Kind::Parameters,
            _ => Kind::Plain,
        };
        if self.awaited != Awaited::ClassValue {
            self.awaited = Awaited::Nothing;
        }
        self.open(b')', kind);
    }

    fn open_brace(&mut self) {
        let class_value = self.awaited == Awaited::ClassValue;
        let kind = match self.before {
            _ if class_value || self.value_body => Kind::Braces,
            Before::Operator if self.after_arrow => Kind::Arrow,
            Before::Operator => Kind::Braces,
            _ => Kind::Block,
        };
        if class_value {
            self.awaited = Awaited::Nothing;
        }
        // What is in the braces of a function or class that is a value are statements again, but a slash after them
        // divides: the level says what follows, and the start what is in it.
        let statements = matches!(kind, Kind::Block | Kind::Arrow) || class_value || self.value_body;
        self.open(b'}', kind);
        if statements {
            self.before = Before::Start;
        }
    }

    fn open(&mut self, closes: u8, kind: Kind) {
        let base = self.level.depth() + self.run + 1;
        self.levels.push(std::mem::replace(&mut self.level, Level::new(closes, kind, base)));
        self.run = 0;
        self.value_body = false;
        self.before = Before::Operator;
    }

    /// A closing bracket without its opening one is an error that ends the parser's work; it closes nothing here.
    fn close(&mut self, byte: u8) {
        if self.level.closes != byte {
            return;
        }
        let Some(outer) = self.levels.pop() else { return };
        let kind = std::mem::replace(&mut self.level, outer).kind;
        self.run = 0;
        self.awaited = Awaited::Nothing;
        match kind {
            Kind::Template => self.template(),
            Kind::Block => (self.before, self.ended) = (Before::Start, true),
            Kind::Header => self.before = Before::Start,
            Kind::Parameters => {
                self.value_body = true;
                self.before = Before::Operand;
            }
            Kind::Arrow => (self.before, self.after_arrow_body) = (Before::Operand, true),
            Kind::Plain | Kind::Braces => self.before = Before::Operand,
        }
    }

    fn string(&mut self, quote: u8) {
        while self.peek(0).is_some() {
            self.at += self.until(|byte| byte == quote || matches!(byte, b'\\' | b'\n' | b'\r'));
            let Some(byte) = self.peek(0) else { return };
            match byte {
                b'\\' => self.at += if self.starts_with(b"\\\r\n") { 3 } else { 2 },
                b'\n' | b'\r' => return,
                _ => self.at += 1,
            }
            if byte == quote {
                return;
            }
        }
    }

    /// The rest of a template, up to its end or the next `${`.
    fn template(&mut self) {
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\\' => self.at += 2,
                b'$' if self.peek(1) == Some(b'{') => {
                    self.at += 2;
                    self.open(b'}', Kind::Template);
                    return;
                }
                _ => self.at += 1,
            }
            if byte == b'`' {
                break;
            }
        }
        self.before = Before::Operand;
    }

    /// A comment, a regular expression, or a division.
    fn slash(&mut self) -> bool {
        match self.peek(1) {
            Some(b'/') => {
                self.at += self.until(|byte| byte == b'\n' || byte == b'\r');
            }
            Some(b'*') => {
                self.at += 2;
                while self.peek(0).is_some() {
                    self.at += self.until(|byte| byte == b'*') + 1;
                    if self.peek(0) == Some(b'/') {
                        self.at += 1;
                        break;
                    }
                }
            }
            _ => {
                if std::mem::take(&mut self.ended) {
                    self.end_statements();
                }
                self.unsure |= self.after_contextual;
                let after_body = std::mem::take(&mut self.after_arrow_body) && self.line_start;
                if self.before == Before::Operand && !after_body {
                    self.at += 1;
                    self.run = 0;
                    self.before = Before::Operator;
                } else {
                    self.regex();
                    self.operand(false);
                }
                self.line_start = false;
            }
        }
        self.after_contextual = false;
        true
    }

    fn regex(&mut self) {
        self.at += 1;
        let mut in_class = false;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'\n' | b'\r' => return,
                b'\\' => self.at += 1,
                b'[' => in_class = true,
                b']' => in_class = false,
                b'/' if !in_class => {
                    self.at += 1;
                    break;
                }
                _ => {}
            }
            self.at += 1;
        }
        while self.peek(0).is_some_and(is_word) {
            self.at += 1;
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}
