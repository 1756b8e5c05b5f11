//! What a tree of a source would do to a stack, before there is a tree.
//!
//! The parser grows its stack on the heap as long as a source nests deeper, and the tree that it builds is dropped by
//! recursion: both can be driven to the end of the memory by a source of some megabytes. The lexer knows neither
//! problem, so it is asked first. What is counted is an upper bound of the recursion, in every way the grammar has.

use std::cell::RefCell;

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::visitor::transformer::{Transformer, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprNoneLiteral, Suite};
use ruff_python_parser::{Mode, lexer::lex};

/// How deep and how long the expressions of a source are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// The deepest recursion of the parser, at most.
    pub(super) nesting: usize,
    /// The longest chain of binary operators, members, calls and subscripts: the tree is left-deep.
    pub(super) chain: usize,
}

/// The counts between one pair of brackets.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    /// Prefixes whose operand goes on to the next comma: `not`, `lambda`, the `else` of a conditional expression.
    open: u32,
    /// Signs before one operand.
    signs: u32,
    /// `**`, which associates to the right.
    powers: u32,
    /// Lambdas whose colon is still to come: their commas end nothing.
    lambdas: u32,
    /// Links of a left-deep chain.
    links: u32,
}

impl Level {
    fn nesting(&self) -> usize {
        1 + (self.open + self.signs + self.powers) as usize
    }
}

/// The shape of a source.
pub(super) fn measure(source: &str) -> Shape {
    let mut meter = Meter { shape: Shape::default(), outer: Vec::new(), below: 0, level: Level::default(), strings: 0 };
    let mut lexer = lex(source, Mode::Module);
    let (mut before, mut doubtful) = (TokenKind::Newline, false);
    loop {
        let kind = lexer.next_token();
        if kind == TokenKind::EndOfFile {
            break;
        }
        // The parser reads a broken string inside an f-string once more, in another way than it was read here.
        doubtful |= kind == TokenKind::Unknown && meter.strings > 0;
        meter.take(kind, before);
        if kind != TokenKind::NonLogicalNewline && kind != TokenKind::Comment {
            before = kind;
        }
    }
    let mut shape = meter.shape;
    if doubtful || meter.strings > 0 {
        shape.nesting = shape.nesting.max(source.bytes().filter(|byte| b"([{".contains(byte)).count());
    }
    shape.nesting = shape.nesting.max(indentation(source));
    shape
}

struct Meter {
    shape: Shape,
    outer: Vec<Level>,
    /// The nesting of all outer levels.
    below: usize,
    level: Level,
    /// F-strings that are open.
    strings: usize,
}

impl Meter {
    fn take(&mut self, kind: TokenKind, before: TokenKind) {
        use TokenKind as K;
        match kind {
            K::Lpar | K::Lsqb | K::Lbrace => {
                self.level.links += u32::from(ends_operand(before));
                self.open();
            }
            K::FStringStart | K::TStringStart => {
                self.strings += 1;
                self.open();
            }
            K::Rpar | K::Rsqb | K::Rbrace => self.close(),
            K::FStringEnd | K::TStringEnd => {
                self.strings = self.strings.saturating_sub(1);
                self.close();
            }
            K::Newline | K::Semi => self.level = Level::default(),
            K::Comma if self.level.lambdas == 0 => self.level = Level::default(),
            K::Colon => self.level.lambdas = self.level.lambdas.saturating_sub(1),
            K::Lambda => {
                self.level.lambdas += 1;
                self.level.open += 1;
            }
            K::Not if before == K::Is => {}
            K::Not | K::Else | K::Yield | K::Async | K::ColonEqual => self.level.open += 1,
            K::Star if !ends_operand(before) => self.level.open += 1,
            K::Await | K::Tilde => self.level.signs += 1,
            K::Plus | K::Minus if !ends_operand(before) => self.level.signs += 1,
            K::DoubleStar => self.level.powers += 1,
            K::Dot => self.level.links += 1,
            K::Ellipsis => {}
            _ if kind.is_operator() => self.operator(),
            K::In | K::Is | K::If => self.operator(),
            _ => {}
        }
        let nesting = self.below + self.level.nesting();
        self.shape.nesting = self.shape.nesting.max(nesting);
        self.shape.chain = self.shape.chain.max(self.level.links as usize);
    }

    /// A binary operator: what binds closer is complete.
    fn operator(&mut self) {
        self.level.links += 1;
        self.level.signs = 0;
        self.level.powers = 0;
    }

    fn open(&mut self) {
        self.below += self.level.nesting();
        self.outer.push(self.level);
        self.level = Level::default();
    }

    fn close(&mut self) {
        if let Some(outer) = self.outer.pop() {
            self.below = self.below.saturating_sub(outer.nesting());
            self.level = outer;
        }
    }
}

/// True if what follows a token of the kind is an operator, and not a sign.
fn ends_operand(kind: TokenKind) -> bool {
    use TokenKind as K;
    match kind {
        K::Name
        | K::Int
        | K::Float
        | K::Complex
        | K::String
        | K::FStringEnd
        | K::TStringEnd
        | K::Rpar
        | K::Rsqb
        | K::Rbrace
        | K::True
        | K::False
        | K::None
        | K::Ellipsis => true,
        _ => kind.is_soft_keyword(),
    }
}

/// The most indentations inside each other, whether they are blocks or lines of a string.
fn indentation(source: &str) -> usize {
    let (mut widths, mut deepest): (Vec<usize>, usize) = (Vec::new(), 0);
    for line in source.split('\n') {
        let width = line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\x0c' | b'\r')).count();
        if width == line.len() {
            continue;
        }
        while widths.last().is_some_and(|&last| last > width) {
            widths.pop();
        }
        if width > 0 && widths.last() != Some(&width) {
            widths.push(width);
        }
        deepest = deepest.max(widths.len());
    }
    deepest
}

/// Drops a tree whose expressions are deep, without recursion into them.
pub(super) fn dismantle(suite: Suite) {
    let parts = Parts::default();
    for mut statement in suite {
        walk_stmt(&parts, &mut statement);
        loop {
            let Some(mut expression) = parts.0.borrow_mut().pop() else {
                break;
            };
            walk_expr(&parts, &mut expression);
        }
    }
}

/// Expressions that were taken out of a tree.
#[derive(Default)]
struct Parts(RefCell<Vec<Expr>>);

impl Transformer for Parts {
    fn visit_expr(&self, expression: &mut Expr) {
        let taken = std::mem::replace(expression, Expr::NoneLiteral(ExprNoneLiteral::default()));
        self.0.borrow_mut().push(taken);
    }
}
