//! One small form for programs of every language.
//!
//! Each language is parsed by the parser that its community maintains, and lowered into this form: what the inspector
//! asks of code (what is called, with what, on which condition, where a value comes from) is asked once, of this form,
//! by one evaluator. The form keeps what matters to that question and drops what does not: types, visibility, comments.
//! What has no place in it becomes [`Expression::Other`] with its parts, so that no call inside is overlooked.

use std::rc::Rc;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// The language of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// JavaScript and TypeScript, with JSX.
    JavaScript,
    /// Python 3.
    Python,
    /// Java virtual machine bytecode.
    Jvm,
    /// Rust.
    Rust,
    /// POSIX shell, and what `cmd` has in common with it.
    Shell,
    /// PowerShell.
    PowerShell,
}

/// A name, interned in [`Names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sym(pub u32);

/// An expression of a [`Program`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Expr(pub u32);

/// A function of a [`Program`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fun(pub u32);

/// The names of a file and of everything that is peeled out of it.
#[derive(Debug, Default)]
pub struct Names {
    texts: Vec<Rc<str>>,
    places: FxHashMap<Rc<str>, u32>,
}

impl Names {
    /// The symbol of a name.
    pub fn intern(&mut self, text: &str) -> Sym {
        if let Some(&at) = self.places.get(text) {
            return Sym(at);
        }
        let (text, at) = (Rc::<str>::from(text), u32::try_from(self.texts.len()).unwrap_or(u32::MAX));
        self.texts.push(Rc::clone(&text));
        self.places.insert(text, at);
        Sym(at)
    }

    /// The symbol of a name that the file has somewhere.
    pub fn find(&self, text: &str) -> Option<Sym> {
        self.places.get(text).copied().map(Sym)
    }

    /// The name of a symbol.
    pub fn text(&self, name: Sym) -> &Rc<str> {
        &self.texts[name.0 as usize]
    }
}

/// Statements in order.
pub type Block = Vec<Statement>;

/// A program: the module's statements, and arenas of the expressions and functions in it.
#[derive(Debug)]
pub struct Program {
    /// Its language.
    pub language: Language,
    /// The module's body.
    pub body: Block,
    /// Expressions; [`Expr`] is the position.
    pub expressions: Vec<Expression>,
    /// For each expression, the offset in the source where it begins, in bytes.
    pub offsets: Vec<u32>,
    /// Functions, methods, lambdas; [`Fun`] is the position.
    pub functions: Vec<Function>,
    /// What the parser or the lowering did not understand: a person's words and the offset.
    pub problems: Vec<(String, u32)>,
    /// True if only what it loads, and what that runs, is here: nothing is to be found in the rest.
    pub sifted: bool,
}

impl Program {
    /// An empty program.
    pub fn new(language: Language) -> Self {
        let (expressions, offsets, functions) = (Vec::new(), Vec::new(), Vec::new());
        Self { language, body: Block::new(), expressions, offsets, functions, problems: Vec::new(), sifted: false }
    }

    /// Adds an expression that begins at an offset.
    pub fn add(&mut self, expression: Expression, offset: u32) -> Expr {
        let at = Expr(u32::try_from(self.expressions.len()).unwrap_or(u32::MAX));
        self.expressions.push(expression);
        self.offsets.push(offset);
        at
    }

    /// Adds a function.
    pub fn define(&mut self, function: Function) -> Fun {
        let at = Fun(u32::try_from(self.functions.len()).unwrap_or(u32::MAX));
        self.functions.push(function);
        at
    }

    /// An expression.
    pub fn expression(&self, at: Expr) -> &Expression {
        &self.expressions[at.0 as usize]
    }

    /// A function.
    pub fn function(&self, at: Fun) -> &Function {
        &self.functions[at.0 as usize]
    }
}

/// A function, method or lambda.
#[derive(Debug, Default)]
pub struct Function {
    /// Its name, where it has one.
    pub name: Option<Sym>,
    /// The parameters in order.
    pub parameters: Vec<Parameter>,
    /// The body. A lambda's is one [`Statement::Return`].
    pub body: Block,
    /// Every name that belongs to the function and not to what surrounds it: parameters, declared variables, nested
    /// functions and classes, targets of imports, loops and handlers. Blocks have no names of their own.
    pub locals: Vec<Sym>,
    /// The offset where it begins.
    pub offset: u32,
}

/// A parameter.
#[derive(Debug)]
pub struct Parameter {
    /// The target: a [`Expression::Name`], or a pattern ([`Expression::List`] or [`Expression::Map`]).
    pub target: Expr,
    /// The default value.
    pub default: Option<Expr>,
    /// `...rest`, `*args`, `**kwargs`.
    pub rest: bool,
}

/// An argument of a call.
#[derive(Debug)]
pub struct Argument {
    /// The keyword.
    pub name: Option<Sym>,
    /// The value.
    pub value: Expr,
    /// `...spread`, `*args`, `**kwargs`.
    pub spread: bool,
}

/// An expression.
#[derive(Debug)]
pub enum Expression {
    /// `null`, `undefined`, `None`.
    Nothing,
    /// `true`, `false`.
    Boolean(bool),
    /// A number; integers past 2^53 lose digits.
    Number(f64),
    /// A string, unescaped.
    Text(Rc<str>),
    /// A byte string, unescaped.
    Bytes(Rc<[u8]>),
    /// A variable, `this`, `self`, `super`, `import.meta` as `import.meta`.
    Name(Sym),
    /// `a.b`, `a?.b`.
    Member(Expr, Sym),
    /// `a[b]`.
    Index(Expr, Expr),
    /// `a[b:c:d]`.
    Slice(Expr, [Option<Expr>; 3]),
    /// `f(…)`, `new f(…)`, a tagged template, a decorator, a command of a shell.
    Call {
        /// What is called.
        callee: Expr,
        /// With what.
        arguments: Box<[Argument]>,
    },
    /// An operator with one operand.
    Unary(Unary, Expr),
    /// An operator with two operands. Long chains are left-deep, as parsers build them.
    Binary(Binary, Expr, Expr),
    /// `test ? a : b`, `a if test else b`.
    Choose(Expr, Expr, Expr),
    /// A template literal or f-string: the parts in order.
    Join(Box<[Expr]>),
    /// `[…]`, `(…,)`, `{…}` as a set. Also a target.
    List(Box<[Expr]>),
    /// `{key: value}`. Also a target. A spread is a pair of [`Expression::Nothing`] and the [`Expression::Spread`].
    Map(Box<[(Expr, Expr)]>),
    /// A function as a value.
    Function(Fun),
    /// An assignment as a value; `var x` without a value is none.
    Assign {
        /// A name, member, index, or pattern.
        target: Expr,
        /// The operator of `a op= b`.
        operator: Option<Binary>,
        /// The value.
        value: Expr,
    },
    /// `...a` in a list, `*a`.
    Spread(Expr),
    /// `await a`, `yield a`.
    Wait(Expr),
    /// `a, b` in JavaScript: the last is the value.
    Sequence(Box<[Expr]>),
    /// A comprehension or generator: for each target in iterable, if all conditions, the element. A dictionary's element
    /// is a [`Expression::List`] of key and value.
    Comprehension {
        /// The element.
        element: Expr,
        /// Target, iterable, conditions; outermost first.
        clauses: Box<[Clause]>,
        /// True if the result is a map.
        map: bool,
    },
    /// A class as a value: its bases, and its body.
    Class(Box<Class>),
    /// Anything else: the parts are evaluated, the value is unknown and depends on them.
    Other(Box<[Expr]>),
}

/// `for target in iterable if conditions` of a comprehension.
pub type Clause = (Expr, Expr, Box<[Expr]>);

/// A class.
#[derive(Debug)]
pub struct Class {
    /// Its name.
    pub name: Option<Sym>,
    /// What it extends.
    pub bases: Vec<Expr>,
    /// Its members: assignments of names (methods are functions), evaluated once where the class stands.
    pub body: Block,
    /// Names assigned in the body: they are members, not variables.
    pub members: Vec<Sym>,
}

/// Operators with one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unary {
    /// `!`, `not`.
    Not,
    /// `-`.
    Minus,
    /// `+`.
    Plus,
    /// `~`.
    Invert,
    /// `typeof`.
    TypeOf,
    /// `void`: evaluated, and nothing.
    Void,
    /// `delete`.
    Delete,
}

/// Operators with two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// `//` of Python.
    FloorDivide,
    Remainder,
    Power,
    ShiftLeft,
    ShiftRight,
    /// `>>>`.
    ShiftRightUnsigned,
    And,
    Or,
    Xor,
    /// `&&`, `and`: short-circuit, the value is an operand.
    Both,
    /// `||`, `or`.
    Either,
    /// `??`.
    OrElse,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    InstanceOf,
}

/// A statement.
#[derive(Debug)]
pub enum Statement {
    /// An expression for its effect.
    Do(Expr),
    /// A function with a name. The lowering puts these first in their block where the language hoists them.
    Define(Sym, Fun),
    /// `if`; `match` and `switch` are chains of it.
    If(Expr, Block, Block),
    /// `while`, `do while` and `for(;;)`.
    Loop {
        /// Goes on while it holds; `None` is for ever.
        test: Option<Expr>,
        /// The body.
        body: Block,
        /// What `for` does after each round.
        after: Option<Expr>,
        /// `do while`: the first round is not tested.
        body_first: bool,
    },
    /// `for … of`, `for … in`, Python's `for`.
    Each {
        /// A name or pattern.
        target: Expr,
        /// What is iterated over.
        iterable: Expr,
        /// The keys are iterated over: `for … in` of JavaScript.
        keys: bool,
        /// The body.
        body: Block,
    },
    /// `return`.
    Return(Option<Expr>),
    /// `throw`, `raise`.
    Throw(Option<Expr>),
    /// `break`, of the innermost loop.
    Break,
    /// `continue`.
    Continue,
    /// `try`.
    Try {
        /// The body.
        body: Block,
        /// What the handlers call the exception.
        caught: Option<Expr>,
        /// All handlers, one after the other.
        handler: Block,
        /// `else` and `finally`.
        finally: Block,
    },
    /// An import of a module. `import a.b` and `import * as x` bind the module itself.
    Import {
        /// As written: `./x`, `fs`, `.x`, `os.path`; relative Python modules with their dots.
        module: Rc<str>,
        /// What is bound.
        names: Vec<Imported>,
    },
    /// `export`: what is exported under which name, `default` included. For a re-export see [`Statement::Import`] with
    /// the local name exported.
    Export(Sym, Expr),
    /// A block of its own: `with`, a label, a bare block.
    Block(Block),
}

/// A name that an import binds.
#[derive(Debug, Clone, Copy)]
pub struct Imported {
    /// The name in the module; `None` for the module itself, or `*` for everything (Python).
    pub name: Option<Sym>,
    /// The name here.
    pub local: Sym,
}
