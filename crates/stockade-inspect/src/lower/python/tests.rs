use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::ir::{Argument, Class, Function, Statement};

/// A program in a short notation.
fn shown(source: &str) -> String {
    let mut names = Names::default();
    let program = lower(source, &mut names);
    let mut out = String::new();
    Shown { program: &program, names: &names }.block(&program.body, &mut out);
    out.trim_end().to_owned()
}

fn problems(source: &str) -> Vec<(String, u32)> {
    lower(source, &mut Names::default()).problems
}

struct Shown<'a> {
    program: &'a Program,
    names: &'a Names,
}

impl Shown<'_> {
    fn name(&self, name: Sym) -> &str {
        self.names.text(name)
    }

    fn block(&self, block: &Block, out: &mut String) {
        for statement in block {
            self.statement(statement, out);
            out.push('\n');
        }
    }

    fn braced(&self, block: &Block) -> String {
        let mut inner = String::new();
        self.block(block, &mut inner);
        format!("{{{}}}", inner.trim_end().replace('\n', "; "))
    }

    fn statement(&self, statement: &Statement, out: &mut String) {
        let written = match statement {
            Statement::Do(value) => write!(out, "{}", self.expr(*value)),
            Statement::Define(name, function) => {
                write!(out, "def {}{}", self.name(*name), self.function(self.program.function(*function)))
            }
            Statement::If(test, body, otherwise) => {
                write!(out, "if {} {} {}", self.expr(*test), self.braced(body), self.braced(otherwise))
            }
            Statement::Loop { test, body, .. } => {
                let test = test.map_or("true".to_owned(), |test| self.expr(test));
                write!(out, "while {test} {}", self.braced(body))
            }
            Statement::Each { target, iterable, body, .. } => {
                write!(out, "for {} in {} {}", self.expr(*target), self.expr(*iterable), self.braced(body))
            }
            Statement::Return(value) => write!(out, "return {}", self.optional(*value)),
            Statement::Throw(value) => write!(out, "throw {}", self.optional(*value)),
            Statement::Break => write!(out, "break"),
            Statement::Continue => write!(out, "continue"),
            Statement::Try { body, caught, handler, finally } => write!(
                out,
                "try {} catch {} {} finally {}",
                self.braced(body),
                self.optional(*caught),
                self.braced(handler),
                self.braced(finally)
            ),
            Statement::Import { module, names } => {
                let names: Vec<String> = names
                    .iter()
                    .map(|n| format!("{}={}", self.name(n.local), n.name.map_or("", |name| self.name(name))))
                    .collect();
                write!(out, "import {module} [{}]", names.join(","))
            }
            Statement::Export(name, value) => write!(out, "export {} {}", self.name(*name), self.expr(*value)),
            Statement::Block(block) => write!(out, "{}", self.braced(block)),
        };
        written.unwrap();
    }

    fn function(&self, function: &Function) -> String {
        let parameters: Vec<String> = function
            .parameters
            .iter()
            .map(|p| {
                let star = if p.rest { "*" } else { "" };
                let default = p.default.map_or(String::new(), |value| format!("={}", self.expr(value)));
                format!("{star}{}{default}", self.expr(p.target))
            })
            .collect();
        let mut locals: Vec<&str> = function.locals.iter().map(|&name| self.name(name)).collect();
        locals.sort_unstable();
        format!("({}) <{}> {}", parameters.join(", "), locals.join(" "), self.braced(&function.body))
    }

    fn optional(&self, value: Option<Expr>) -> String {
        value.map_or("-".to_owned(), |value| self.expr(value))
    }

    fn list(&self, values: &[Expr]) -> String {
        values.iter().map(|&value| self.expr(value)).collect::<Vec<_>>().join(", ")
    }

    fn argument(&self, argument: &Argument) -> String {
        let name = argument.name.map_or(String::new(), |name| format!("{}=", self.name(name)));
        format!("{}{name}{}", if argument.spread { "*" } else { "" }, self.expr(argument.value))
    }

    fn expr(&self, at: Expr) -> String {
        match self.program.expression(at) {
            Expression::Nothing => "None".to_owned(),
            Expression::Boolean(value) => value.to_string(),
            Expression::Number(value) => value.to_string(),
            Expression::Text(text) => format!("{text:?}"),
            Expression::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
            Expression::Name(name) => self.name(*name).to_owned(),
            Expression::Member(value, name) => format!("{}.{}", self.expr(*value), self.name(*name)),
            Expression::Index(value, index) => format!("{}[{}]", self.expr(*value), self.expr(*index)),
            Expression::Slice(value, parts) => {
                let parts: Vec<String> = parts.iter().map(|part| self.optional(*part)).collect();
                format!("{}[{}]", self.expr(*value), parts.join(":"))
            }
            Expression::Call { callee, arguments } => {
                let arguments: Vec<String> = arguments.iter().map(|one| self.argument(one)).collect();
                format!("{}({})", self.expr(*callee), arguments.join(", "))
            }
            Expression::Unary(operator, value) => format!("({operator:?} {})", self.expr(*value)),
            Expression::Binary(operator, left, right) => {
                format!("({} {operator:?} {})", self.expr(*left), self.expr(*right))
            }
            Expression::Choose(test, yes, no) => {
                format!("({} ? {} : {})", self.expr(*test), self.expr(*yes), self.expr(*no))
            }
            Expression::Join(parts) => format!("join({})", self.list(parts)),
            Expression::List(items) => format!("[{}]", self.list(items)),
            Expression::Map(pairs) => {
                let pairs: Vec<String> =
                    pairs.iter().map(|(key, value)| format!("{}: {}", self.expr(*key), self.expr(*value))).collect();
                format!("{{{}}}", pairs.join(", "))
            }
            Expression::Function(function) => format!("fn{}", self.function(self.program.function(*function))),
            Expression::Assign { target, operator, value } => {
                let operator = operator.map_or(String::new(), |operator| format!("{operator:?}"));
                format!("{} {operator}= {}", self.expr(*target), self.expr(*value))
            }
            Expression::Spread(value) => format!("*{}", self.expr(*value)),
            Expression::Wait(value) => format!("wait {}", self.expr(*value)),
            Expression::Sequence(parts) => format!("seq({})", self.list(parts)),
            Expression::Comprehension { element, clauses, map } => {
                let clauses: Vec<String> = clauses
                    .iter()
                    .map(|(target, iterable, tests)| {
                        format!("for {} in {} if [{}]", self.expr(*target), self.expr(*iterable), self.list(tests))
                    })
                    .collect();
                let kind = if *map { "map" } else { "all" };
                format!("{kind}({} {})", self.expr(*element), clauses.join(" "))
            }
            Expression::Class(class) => self.class(class),
            Expression::Other(parts) => format!("other({})", self.list(parts)),
        }
    }

    fn class(&self, class: &Class) -> String {
        let mut members: Vec<&str> = class.members.iter().map(|&name| self.name(name)).collect();
        members.sort_unstable();
        let name = class.name.map_or("", |name| self.name(name));
        format!("class {name}({}) <{}> {}", self.list(&class.bases), members.join(" "), self.braced(&class.body))
    }
}

#[test]
fn imports_bind_what_python_binds_and_load_what_it_loads() {
    assert_eq!(shown("import os"), "import os [os=]");
    assert_eq!(shown("import a.b.c"), "import a [a=]\nimport a.b.c []");
    assert_eq!(shown("import a.b as c, d"), "import a.b [c=]\nimport d [d=]");
    assert_eq!(shown("from .x import y as z, w"), "import .x [z=y,w=w]");
    assert_eq!(shown("from .. import y"), "import .. [y=y]");
    assert_eq!(shown("from m import *"), "import m [*=*]");
}

#[test]
fn a_function_owns_what_it_binds() {
    let source = "
def f(a, b=1, *c, d, **e):
    global g
    g = 1
    h = i = 2
    for j, (k, *l) in a: pass
    with x as m, y: n += 1
    try: import o.p
    except E as q: pass
    def r(s): t = 1
    class u: v = 1
    print(w := 1)
    del h
    return [z for z in a if z]
";
    let lowered = shown(source);
    assert!(lowered.starts_with("def f(a, b=1, *c, d, *e) <a b c d e h i j k l m n o q r u w z> {g = 1; h = i = 2;"));
    assert!(lowered.contains("for [j, [k, *l]] in a {}"));
    assert!(lowered.contains("{m = x; y; n Add= 1}"));
    assert!(lowered.contains("def r(s) <s t> {t = 1}"));
    assert!(lowered.contains("u = class u() <v> {v = 1}"));
    assert!(lowered.contains("(Delete h)"));
    assert!(lowered.ends_with("return all(z for z in a if [z])}"));
}

#[test]
fn what_is_evaluated_at_a_definition_stands_before_it() {
    assert_eq!(
        shown("@d(1)\n@e\ndef f(x: g()=h(), y: int=1) -> i: pass").lines().collect::<Vec<_>>(),
        ["g()", "h()", "def f(x=h(), y=1) <x y> {}", "e(f)", "d(1)(f)",]
    );
    assert_eq!(
        shown("from __future__ import annotations\ndef f(x: g()): pass").lines().last(),
        Some("def f(x) <x> {}")
    );
    assert_eq!(shown("f = lambda x=g(): x"), "f = seq(g(), fn(x=g()) <x> {return x})");
    assert_eq!(shown("@a\nclass B(C, metaclass=D): x = 1"), "D\nB = class B(C) <x> {x = 1}\na(B)");
}

#[test]
fn literals() {
    assert_eq!(shown(r#"x = 'a' "b\x41" '''c'''"#), r#"x = "abAc""#);
    assert_eq!(shown(r#"b'\x00' b"a""#), r#"b"\x00a""#);
    assert_eq!(
        shown("0x10; 1_0; 1e3; 0b11; 2j; ...; 99999999999999999999; 0xffffffffffffffffff"),
        "16\n10\n1000\n3\nother()\nother()\n100000000000000000000\n4722366482869645000000"
    );
    assert_eq!(shown("{**a, 'b': 1}; {1, 2}; (); [*c]"), "{None: *a, \"b\": 1}\n[1, 2]\n[]\n[*c]");
    assert_eq!(shown(r"f'a{b}c' 'd'"), r#"join("a", b, "c", "d")"#);
    assert_eq!(
        shown(r"f''; f'a'; f'{x!r:>{w}}'; f'{y=}'"),
        "\"\"\n\"a\"\njoin(format(repr(x), join(\">\", w)))\njoin(\"y=\", repr(y))"
    );
}

#[test]
fn operators() {
    assert_eq!(shown("a < b < c is not None"), "(((a Less b) Both (b Less c)) Both (c NotEqual None))");
    assert_eq!(shown("a and b and not c or d"), "(((a Both b) Both (Not c)) Either d)");
    assert_eq!(shown("a ** -b // c @ d"), "other(((a Power (Minus b)) FloorDivide c), d)");
    assert_eq!(shown("a[1:2]; a[::-1]; a[b, 1:]"), "a[1:2:-]\na[-:-:(Minus 1)]\na[[b, other(1)]]");
    assert_eq!(shown("f(*a, k=1, **b).c(d)[0]"), "f(*a, k=1, *b).c(d)[0]");
    assert_eq!(shown("x = a if b else c"), "x = (b ? a : c)");
    assert_eq!(shown("{k: v for k, v in a}"), "map([k, v] for [k, v] in a if [])");
}

#[test]
fn control_flow() {
    assert_eq!(shown("if a: b\nelif c: d\nelse: e"), "if a {b} {if c {d} {e}}");
    assert_eq!(shown("while a: break\nelse: b"), "while a {break}\nb");
    assert_eq!(
        shown("try: a\nexcept B as e: c(e)\nexcept D as f: g(f)\nelse: h\nfinally: i"),
        "try {a} catch e {c(e); f = e; g(f)} finally {h; i}"
    );
    assert_eq!(shown("raise A from b"), "b\nthrow A");
    assert_eq!(shown("assert a, b()"), "a\nb()");
    assert_eq!(shown("async def f():\n async with a as b: await c"), "def f() <b> {{b = a; wait c}}");
}

#[test]
fn a_match_is_a_chain_of_tests() {
    let source = "match f():\n case 1 | None: a\n case [x, y] if x: b\n case {'k': v}: c\n case P(q=r): d\n case _: e";
    let lines = shown(source);
    assert!(
        lines.starts_with("match subject = f()\nif ((match subject Equal 1) Either (match subject Equal None)) {a}")
    );
    assert!(lines.contains("(other(match subject) Both seq(x = match subject[0], y = match subject[1], x)) {b}"));
    assert!(lines.contains("{v = match subject[\"k\"]; c}"));
    assert!(lines.contains("(match subject InstanceOf P) {r = match subject.q; d} {if true {e} {}}"));
}

#[test]
fn python_2_is_read_as_far_as_possible() {
    assert_eq!(
        shown("print 'a' % f()\nexec code in ns\nexec(a) in b\n"),
        "print((\"a\" Remainder f()))\nexec(code, ns)\n(exec(a) In b)"
    );
    assert_eq!(shown("os.chmod(p, 0755)"), "os.chmod(p, 493)");
    assert_eq!(shown("x = 10L\ny = ur'a'\nf(`z`)"), "x = 10\ny = \"a\"\nf(z)");
    assert_eq!(shown("try:\n  f()\nexcept A, e:\n  g(e)\nh()"), "try {f()} catch - {g(e)} finally {}\nh()");
    assert!(shown("raise E, 'x'\nf()\n").ends_with("f()"));
    assert!(shown("print >>f, 'x', g()\nh()\n").ends_with("h()"));
}

#[test]
fn what_stands_after_an_error_is_lowered() {
    assert!(shown("class :\n  x = 1\nf(1)\n").ends_with("f(1)"));
    assert!(shown("x = 'a\nf(1)\n").ends_with("f(1)"));
    assert!(shown("f(\ndef g():\n  h()\n").contains("h()"));
    assert!(!problems("def (:\n").is_empty());
    assert!(problems(&"? ".repeat(1_000)).len() <= MAX_PROBLEMS);
}

#[test]
fn marks_and_null_bytes_are_no_obstacle() {
    let mut names = Names::default();
    let program = lower("\u{feff}# -*- coding: utf-8 -*-\nf()\0\n", &mut names);
    assert!(program.problems.is_empty());
    assert_eq!(program.offsets.first(), Some(&27));
    assert_eq!(shown("if a:\n\tb\n\x0c\nif c:\r\n  d\r\n"), "if a {b} {}\nif c {d} {}");
}

#[test]
fn depth_is_a_problem_and_no_crash() {
    let deep = |open: &str, close: &str, times: usize| format!("{}1{}", open.repeat(times), close.repeat(times));
    for (open, close) in [("[", "]"), ("f(", ")"), ("a[", "]"), ("not ", ""), ("- ", ""), ("lambda: ", "")] {
        assert!(!problems(&deep(open, close, 600)).is_empty(), "{open}");
        assert!(!problems(&deep(open, close, 100_000)).is_empty(), "{open}");
    }
    for open in ["1**", "1 if 1 else ", "await ", "lambda a, b: ", "*", "f\"{", "{1: ", "x := ", "1+(", "yield "] {
        assert!(problems(&deep(open, "", 100_000)).iter().any(|(what, _)| what.contains("nested")), "{open}");
    }
    let stairs: String = (0..2_000).flat_map(|depth| [" ".repeat(depth), "if a:\n".to_owned()]).collect();
    assert!(problems(&stairs).iter().any(|(what, _)| what.contains("nested")));
    let hidden = format!("f'''{{'''\n{}", "(".repeat(100_000));
    assert!(problems(&hidden).iter().any(|(what, _)| what.contains("nested")));
}

#[test]
fn length_is_no_problem() {
    for link in [" + a", ".b", "(c)", "[0]", " and d", " < e"] {
        assert_eq!(problems(&format!("x = a{}", link.repeat(50_000))), [], "{link}");
    }
    assert_eq!(problems(&format!("x = [{}]", "-1, not a, lambda b, c: 1, d ** 2 + 3 if e else f, ".repeat(5_000))), []);
    assert_eq!(problems(&format!("x = {}1", "a ** 2 + ".repeat(5_000))), []);
    let branches = format!("if a: b\n{}", "elif c: d()\n".repeat(50_000));
    let program = lower(&branches, &mut Names::default());
    assert_eq!(program.problems, []);
    assert_eq!(program.expressions.iter().filter(|one| matches!(one, Expression::Call { .. })).count(), 50_000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(source in "\\PC{0,200}") {
        lower(&source, &mut Names::default());
    }

    #[test]
    fn no_mixture_of_tokens_panics(tokens in prop::collection::vec(prop::sample::select(&TOKENS[..]), 0..80)) {
        lower(&tokens.concat(), &mut Names::default());
        lower(&tokens.join(" "), &mut Names::default());
    }
}

const TOKENS: [&str; 64] = [
    "(", ")", "[", "]", "{", "}", ":", ",", ";", "\n", "\n  ", "\n    ", ".", "*", "**", "=", "==", ":=", "->", "@",
    "-", "~", "`", "\\", "\"", "'", "'''", "f\"", "f'{", "rb'", "ur'", "!r", "{{", "x", "print ", "exec ", "match x",
    "case ", "_", "def f", "class C", "lambda ", "if ", "elif ", "else", "for ", " in ", "while ", "try:", "except ",
    " as ", "with ", "import ", "from ", "async ", "await ", "yield ", "del ", "global x", "return ", "not ", "0777",
    "1L", "\u{feff}",
];
