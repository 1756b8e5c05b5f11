//! Shell command lines and scripts: install hooks, what `exec` is given, `.sh` files, and what `cmd` has in common.
//!
//! There is no grammar to lean on that reads what four shells and `cmd` accept, and nothing here has to be refused: text
//! that no shell would run harms nobody. So this reader is lenient, and only its limits are strict. It keeps what the
//! inspector asks about, which is what commands run, with what, on what input, and what is written where; expansion in
//! all its detail is not kept. What a pipeline hands on is the argument `stdin` of the next command, what is redirected
//! to a file is a call of `>`, and wrappers such as `sudo` are taken off (see `commands`).

mod builder;
pub(crate) mod builtins;
mod commands;
mod compound;
mod interpreters;
#[cfg(test)]
pub(in crate::lower) mod show;
#[cfg(test)]
mod tests;
mod words;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

pub(in crate::lower) use builder::{Builder, argument};
use words::Word;

use crate::ir::{Binary, Block, Expr, Expression, Language, Names, Program, Statement, Unary};

/// The most levels of commands inside of commands. Deeper ones are dropped with a problem.
const MAX_DEPTH: u32 = 60;

/// The most stages of a pipeline that are one expression.
const MAX_STAGES: usize = 40;

/// The most files that the output of one command is written to.
const MAX_OUTPUTS: usize = 20;

/// Commands that read what comes into the loop or group around them.
const READERS: &[&str] = &[
    "read", "cat", "tee", "sh", "bash", "node", "python", "python3", "xargs", "curl", "nc", "ssh", "base64", "gzip",
    "openssl", "gpg", "tar", "jq", "sed", "awk", "grep", "tr", "head", "tail", "sort", "cut",
];

/// The most bytes of one script that are read: 4 MiB.
const MAX_SOURCE: usize = 4 * 1024 * 1024;

/// Lowers a command line or script.
pub(crate) fn lower(source: &str, names: &mut Names) -> Program {
    let mut builder = Builder::new(Language::Shell, names);
    let source = if source.len() > MAX_SOURCE {
        builder.problem("the script is longer than what is read", 0);
        source.get(..source.floor_char_boundary(MAX_SOURCE)).unwrap_or_default()
    } else {
        source
    };
    let mut shell = Shell::new(source, builder);
    let body = shell.list(&[]);
    shell.b.finish(body)
}

/// The reader of one script.
struct Shell<'n> {
    b: Builder<'n>,
    source: Rc<str>,
    /// The next byte.
    pos: usize,
    /// Where everything stands that comes from a text inside of the script, such as a command in backticks.
    place: Option<u32>,
    depth: u32,
    /// `cmd` wrote it: backslashes are part of paths.
    windows: bool,
    /// Variables that the script sets; others come from the environment.
    assigned: HashSet<String>,
    /// Variables that are set once, to a plain text: `c=curl; $c …`.
    constants: HashMap<String, Option<String>>,
    /// Functions that the script defines.
    functions: HashSet<String>,
    /// The variable that holds the input of the compound command that is read.
    input: Option<Rc<str>>,
    /// The name of the next variable of our own.
    fresh: u32,
    /// Here-documents stand after the line that names them: the end of that line, and where reading goes on.
    resume: Option<(usize, usize)>,
    in_function: bool,
}

/// A command that was read: a value, or statements.
enum Stage {
    Value(Expr),
    Statements(Block),
}

/// Redirections of one command.
#[derive(Default)]
struct Redirections {
    /// What it reads.
    input: Option<Expr>,
    /// What it writes to: `>` or `>>`, and the path.
    outputs: Vec<(&'static str, Expr)>,
    /// Its output goes nowhere.
    discarded: bool,
}

impl<'n> Shell<'n> {
    fn new(source: &str, b: Builder<'n>) -> Self {
        Self {
            b,
            source: source.into(),
            pos: 0,
            place: None,
            depth: 0,
            windows: is_windows(source),
            assigned: HashSet::new(),
            constants: HashMap::new(),
            functions: HashSet::new(),
            input: None,
            fresh: 0,
            resume: None,
            in_function: false,
        }
    }

    fn at(&self) -> u32 {
        self.place.unwrap_or_else(|| u32::try_from(self.pos).unwrap_or(u32::MAX))
    }

    fn rest(&self) -> &[u8] {
        self.source.as_bytes().get(self.pos..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn starts(&self, with: &str) -> bool {
        self.rest().starts_with(with.as_bytes())
    }

    /// Goes past a text if it stands here.
    fn eat(&mut self, text: &str) -> bool {
        let found = self.starts(text);
        if found {
            self.pos += text.len();
        }
        found
    }

    /// A variable that no script can name.
    fn fresh(&mut self) -> Rc<str> {
        self.fresh = self.fresh.saturating_add(1);
        format!("|{}", self.fresh).into()
    }

    /// Blanks, continued lines and comments; not the ends of lines.
    fn skip_blanks(&mut self) {
        loop {
            match self.rest() {
                [b' ' | b'\t' | b'\r', ..] => self.pos += 1,
                [b'\\', b'\n', ..] => self.pos += 2,
                [b'\\', b'\r', b'\n', ..] => self.pos += 3,
                [b'#', ..] if self.begins_word() => self.skip_line(),
                _ => return,
            }
        }
    }

    fn begins_word(&self) -> bool {
        let before = self.pos.checked_sub(1).and_then(|at| self.source.as_bytes().get(at));
        before.is_none_or(|byte| b" \t\r\n;&|()".contains(byte))
    }

    fn skip_line(&mut self) {
        let line = self.rest().iter().position(|&byte| byte == b'\n').unwrap_or(self.rest().len());
        self.pos += line;
    }

    /// The end of a line, and the here-documents after it.
    fn newline(&mut self) {
        match self.resume {
            Some((end, next)) if end <= self.pos => {
                self.pos = next.max(self.pos + 1);
                self.resume = None;
            }
            _ => self.pos += 1,
        }
    }

    fn skip_separators(&mut self) {
        loop {
            self.skip_blanks();
            match self.rest() {
                [b'\n', ..] => self.newline(),
                [b';', b';', ..] => return,
                [b';' | b'&', ..] => self.pos += 1,
                _ => return,
            }
        }
    }

    /// Commands up to the end, a closing bracket, `;;` or one of the words.
    fn list(&mut self, until: &[&str]) -> Block {
        let mut block = Block::new();
        loop {
            self.skip_separators();
            match self.rest() {
                [] => return block,
                [b')', ..] | [b';', b';', ..] if self.depth > 0 => return block,
                [b')', ..] | [b';', b';', ..] => self.pos += 1,
                _ if self.is_word_of(until) => return block,
                _ if self.b.is_full() => {
                    self.b.problem("the script is larger than what is read", self.at());
                    self.pos = self.source.len();
                }
                _ => {
                    let before = self.pos;
                    self.chain(&mut block);
                    self.pos = self.pos.max(before + usize::from(self.pos == before));
                }
            }
        }
    }

    /// The plain word that stands here.
    fn plain(&self) -> &str {
        let rest = self.rest();
        if let [b'{' | b'}' | b'!', b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b')' | b'|', ..] | [b'}'] = rest {
            return self.source.get(self.pos..=self.pos).unwrap_or_default();
        }
        let end = rest.iter().position(|&byte| !byte.is_ascii_alphanumeric() && !b"_[]".contains(&byte));
        let end = end.unwrap_or(rest.len());
        let ends_here = rest.get(end).is_none_or(|byte| b" \t\r\n;&|()<>".contains(byte));
        if ends_here { self.source.get(self.pos..self.pos + end).unwrap_or_default() } else { "" }
    }

    fn is_word_of(&self, words: &[&str]) -> bool {
        !words.is_empty() && words.contains(&self.plain())
    }

    /// Pipelines with `&&` and `||` between them.
    fn chain(&mut self, block: &mut Block) {
        self.pipeline(block);
        loop {
            self.skip_blanks();
            let both = match self.rest() {
                [b'&', b'&', ..] => true,
                [b'|', b'|', ..] => false,
                _ => break,
            };
            self.pos += 2;
            while let [b' ' | b'\t' | b'\r' | b'\n' | b'\\', ..] = self.rest() {
                if self.peek() == Some(b'\n') { self.newline() } else { self.pos += 1 }
            }
            let mut next = Block::new();
            let before = self.pos;
            self.pipeline(&mut next);
            self.follow(block, both, next);
            if self.pos == before {
                break;
            }
        }
    }

    /// What follows a test is conditional; what follows any other command is taken to run.
    fn follow(&self, block: &mut Block, both: bool, next: Block) {
        match block.pop() {
            Some(Statement::Do(test)) if self.is_test(test) => {
                let (then, otherwise) = if both { (next, Block::new()) } else { (Block::new(), next) };
                block.push(Statement::If(test, then, otherwise));
            }
            last => {
                block.extend(last);
                block.extend(next);
            }
        }
    }

    fn is_test(&self, expr: Expr) -> bool {
        matches!(self.b.peek(expr), Some(Expression::Binary(..) | Expression::Unary(Unary::Not, _)))
    }

    fn pipeline(&mut self, block: &mut Block) {
        let mut input = None;
        let mut stages = 0_usize;
        loop {
            let stage = self.command(input, block);
            self.skip_blanks();
            match self.rest() {
                [b'|', b'|', ..] => return Self::finish_stage(stage, block),
                [b'|', ..] => {
                    self.pos += 1;
                    self.eat("&");
                    stages += 1;
                    let value = self.stage_value(stage, block);
                    input = Some(if stages.is_multiple_of(MAX_STAGES) { self.kept(value, block) } else { value });
                }
                _ => return Self::finish_stage(stage, block),
            }
        }
    }

    /// A value in a variable, so that expressions do not nest without end.
    fn kept(&mut self, value: Expr, block: &mut Block) -> Expr {
        let (at, name) = (self.at(), self.fresh());
        let target = self.b.name(&name, at);
        let assign = self.b.assign(target, value, at);
        block.push(Statement::Do(assign));
        self.b.name(&name, at)
    }

    fn finish_stage(stage: Stage, block: &mut Block) {
        match stage {
            Stage::Value(value) => block.push(Statement::Do(value)),
            Stage::Statements(statements) => block.extend(statements),
        }
    }

    /// What a command prints.
    fn stage_value(&mut self, stage: Stage, block: &mut Block) -> Expr {
        match stage {
            Stage::Value(value) => value,
            Stage::Statements(statements) => self.printed(statements, block),
        }
    }

    /// What statements print, collected in a variable.
    fn printed(&mut self, mut statements: Block, block: &mut Block) -> Expr {
        let at = self.at();
        if let [Statement::Do(only)] = statements[..] {
            return only;
        }
        let name = self.fresh();
        let (target, empty) = (self.b.name(&name, at), self.b.text("", at));
        let start = self.b.assign(target, empty, at);
        block.push(Statement::Do(start));
        self.collect(&mut statements, &name, 0);
        block.push(Statement::Block(statements));
        self.b.name(&name, at)
    }

    fn collect(&mut self, block: &mut Block, name: &str, depth: u32) {
        if depth > MAX_DEPTH {
            return;
        }
        for statement in block {
            match statement {
                Statement::Do(value) => {
                    let at = self.at();
                    if !matches!(self.b.peek(*value), Some(Expression::Assign { .. })) {
                        let target = self.b.name(name, at);
                        let add = Expression::Assign { target, operator: Some(Binary::Add), value: *value };
                        *value = self.b.add(add, at);
                    }
                }
                Statement::If(_, then, otherwise) => {
                    self.collect(then, name, depth + 1);
                    self.collect(otherwise, name, depth + 1);
                }
                Statement::Loop { body, .. } | Statement::Each { body, .. } | Statement::Block(body) => {
                    self.collect(body, name, depth + 1);
                }
                _ => {}
            }
        }
    }

    /// One command, simple or compound.
    fn command(&mut self, input: Option<Expr>, block: &mut Block) -> Stage {
        self.skip_blanks();
        if self.depth >= MAX_DEPTH {
            self.b.problem("commands are nested too deeply to be read", self.at());
            self.pos = self.source.len();
            return Stage::Statements(Block::new());
        }
        self.depth += 1;
        let stage = match self.compound(input) {
            Some(stage) => stage,
            None => self.simple(input, block),
        };
        self.depth -= 1;
        stage
    }

    /// A command with its assignments, words and redirections.
    fn simple(&mut self, input: Option<Expr>, block: &mut Block) -> Stage {
        let mut words: Vec<Word> = Vec::new();
        let mut redirections = Redirections { input, ..Redirections::default() };
        loop {
            self.skip_blanks();
            if self.redirection(&mut redirections, block) {
                continue;
            }
            match self.rest() {
                [] | [b'\n' | b';' | b'&' | b'|' | b')', ..] => break,
                [b'(', ..] if words.is_empty() => break,
                _ => {}
            }
            if (words.is_empty() || declares(&words)) && self.assignment(block) {
                continue;
            }
            let before = self.pos;
            let word = self.word(block);
            if self.is_definition(&words) {
                return self.definition(&word);
            }
            Self::push_word(&mut words, word);
            if self.pos == before {
                self.pos += 1;
            }
        }
        self.finish_simple(words, redirections, block)
    }

    fn finish_simple(&mut self, words: Vec<Word>, redirections: Redirections, block: &mut Block) -> Stage {
        let at = words.first().map_or(self.at(), |word| word.at);
        let reads = words.first().and_then(Word::literal).is_some_and(|name| READERS.contains(&name));
        let input = redirections.input.or_else(|| if reads { self.inherited(at) } else { None });
        let value = if words.is_empty() { redirections.input } else { self.call(words, input, block) };
        let background = self.peek() == Some(b'&') && !self.starts("&&");
        let Some(mut value) = value else {
            for (name, path) in redirections.outputs {
                let write = self.b.call_name(name, vec![path], at);
                block.push(Statement::Do(write));
            }
            return Stage::Statements(Block::new());
        };
        for (name, path) in redirections.outputs.into_iter().take(MAX_OUTPUTS) {
            value = self.b.call_name(name, vec![path, value], at);
        }
        if background && redirections.discarded {
            value = self.b.call_name("&", vec![value], at);
        }
        Stage::Value(value)
    }

    /// The input of the compound command around, for what reads it.
    fn inherited(&mut self, at: u32) -> Option<Expr> {
        let name = self.input.clone()?;
        Some(self.b.name(&name, at))
    }
}

/// `export`, `local` and their like: what follows are assignments.
fn declares(words: &[Word]) -> bool {
    let first = words.first().and_then(Word::literal);
    matches!(first, Some("export" | "local" | "declare" | "typeset" | "readonly" | "set" | "env" | "sudo"))
}

/// True if backslashes are separators of paths here, as in `cmd`, and no escapes.
fn is_windows(source: &str) -> bool {
    /// So much of a text tells which shell it is for.
    const LOOKED_AT: usize = 4096;
    let head = source.get(..source.floor_char_boundary(LOOKED_AT)).unwrap_or_default().to_ascii_lowercase();
    let first = head.trim_start();
    let starts = ["@echo", "cmd ", "cmd.exe", "powershell ", "powershell.exe", "rem ", "reg ", "schtasks"];
    let drive = head.as_bytes().windows(3).any(|three| matches!(three, [b'a'..=b'z', b':', b'\\']));
    drive || head.contains("%\\") || starts.iter().any(|start| first.starts_with(start))
}
