use std::fmt::Write;

use proptest::prelude::*;

use super::lower;
use crate::ir::{Argument, Expr, Expression, Function, Names, Program, Statement};

/// What the worker's threads have, in bytes.
const STACK: usize = 256 * 1024 * 1024;

/// Runs something on a stack as large as the worker's.
fn deep<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(STACK).spawn(run).unwrap().join().unwrap()
}

fn list<T>(items: &[T], separator: &str, one: impl Fn(&T) -> String) -> String {
    items.iter().map(one).collect::<Vec<_>>().join(separator)
}

/// A program, written short.
struct Printer<'p>(&'p Program, &'p Names);

impl Printer<'_> {
    fn optional(&self, at: Option<Expr>) -> String {
        at.map(|at| self.expression(at)).unwrap_or_default()
    }

    fn argument(&self, argument: &Argument) -> String {
        format!("{}{}", if argument.spread { "..." } else { "" }, self.expression(argument.value))
    }

    fn expression(&self, at: Expr) -> String {
        let name = |name| &**self.1.text(name);
        match self.0.expression(at) {
            Expression::Nothing => "nothing".to_owned(),
            Expression::Boolean(truth) => truth.to_string(),
            Expression::Number(number) => number.to_string(),
            Expression::Text(text) => format!("{text:?}"),
            Expression::Bytes(bytes) => format!("{bytes:?}"),
            Expression::Name(symbol) => name(*symbol).to_string(),
            Expression::Member(object, symbol) => format!("{}.{}", self.expression(*object), name(*symbol)),
            Expression::Index(object, key) => format!("{}[{}]", self.expression(*object), self.expression(*key)),
            Expression::Slice(object, _) => format!("{}[:]", self.expression(*object)),
            Expression::Call { callee, arguments } => {
                format!("{}({})", self.expression(*callee), list(arguments, ", ", |one| self.argument(one)))
            }
            Expression::Unary(operator, inner) => format!("({operator:?} {})", self.expression(*inner)),
            Expression::Binary(operator, left, right) => {
                format!("({} {operator:?} {})", self.expression(*left), self.expression(*right))
            }
            Expression::Choose(test, yes, no) => {
                format!("({} ? {} : {})", self.expression(*test), self.expression(*yes), self.expression(*no))
            }
            Expression::Join(parts) => format!("join({})", list(parts, ", ", |at| self.expression(*at))),
            Expression::List(items) => format!("[{}]", list(items, ", ", |at| self.expression(*at))),
            Expression::Map(pairs) => {
                let pair =
                    |(key, value): &(Expr, Expr)| format!("{}: {}", self.expression(*key), self.expression(*value));
                format!("{{{}}}", list(pairs, ", ", pair))
            }
            Expression::Function(fun) => self.function(self.0.function(*fun)),
            Expression::Assign { target, operator, value } => {
                let operator = operator.map(|operator| format!("{operator:?}")).unwrap_or_default();
                format!("{} {operator}= {}", self.expression(*target), self.expression(*value))
            }
            Expression::Spread(inner) => format!("...{}", self.expression(*inner)),
            Expression::Wait(inner) => format!("wait {}", self.expression(*inner)),
            Expression::Sequence(parts) => format!("({})", list(parts, ", ", |at| self.expression(*at))),
            Expression::Comprehension { .. } => "comprehension".to_owned(),
            Expression::Class(class) => format!(
                "class {} < {} [{}] {{ {}}}",
                class.name.map_or("", name),
                list(&class.bases, ", ", |at| self.expression(*at)),
                list(&class.members, ", ", |member| name(*member).to_string()),
                self.block(&class.body)
            ),
            Expression::Other(parts) => format!("other({})", list(parts, ", ", |at| self.expression(*at))),
        }
    }

    fn function(&self, function: &Function) -> String {
        let parameter = |parameter: &crate::ir::Parameter| {
            let default = parameter.default.map(|at| format!(" = {}", self.expression(at))).unwrap_or_default();
            format!("{}{}{default}", if parameter.rest { "..." } else { "" }, self.expression(parameter.target))
        };
        let mut locals: Vec<String> = function.locals.iter().map(|name| self.1.text(*name).to_string()).collect();
        locals.sort();
        format!(
            "fn {}({})[{}] {{ {}}}",
            function.name.map_or("", |name| &**self.1.text(name)),
            list(&function.parameters, ", ", parameter),
            locals.join(" "),
            self.block(&function.body)
        )
    }

    fn block(&self, block: &[Statement]) -> String {
        list(block, "", |statement| format!("{}; ", self.statement(statement)))
    }

    fn statement(&self, statement: &Statement) -> String {
        match statement {
            Statement::Do(at) => self.expression(*at),
            Statement::Define(name, fun) => {
                format!("define {} {}", self.1.text(*name), self.function(self.0.function(*fun)))
            }
            Statement::If(test, then, otherwise) => {
                let mut text = format!("if {} {{ {}}}", self.expression(*test), self.block(then));
                if !otherwise.is_empty() {
                    let _ = write!(text, " else {{ {}}}", self.block(otherwise));
                }
                text
            }
            Statement::Loop { test, body, after, body_first } => format!(
                "{} {} | {} {{ {}}}",
                if *body_first { "do" } else { "while" },
                self.optional(*test),
                self.optional(*after),
                self.block(body)
            ),
            Statement::Each { target, iterable, keys, body } => format!(
                "each {} {} {} {{ {}}}",
                self.expression(*target),
                if *keys { "in" } else { "of" },
                self.expression(*iterable),
                self.block(body)
            ),
            Statement::Return(value) => format!("return {}", self.optional(*value)),
            Statement::Throw(value) => format!("throw {}", self.optional(*value)),
            Statement::Break => "break".to_owned(),
            Statement::Continue => "continue".to_owned(),
            Statement::Try { body, caught, handler, finally } => format!(
                "try {{ {}}} catch {} {{ {}}} finally {{ {}}}",
                self.block(body),
                self.optional(*caught),
                self.block(handler),
                self.block(finally)
            ),
            Statement::Import { module, names } => {
                let one = |imported: &crate::ir::Imported| {
                    let name = imported.name.map_or("*", |name| &**self.1.text(name));
                    format!("{name} as {}", self.1.text(imported.local))
                };
                format!("import {} from {module}", list(names, ", ", one))
            }
            Statement::Export(name, value) => format!("export {} {}", self.1.text(*name), self.expression(*value)),
            Statement::Block(block) => format!("{{ {}}}", self.block(block)),
        }
    }
}

fn printed(source: &str) -> String {
    let source = source.to_owned();
    deep(move || {
        let mut names = Names::default();
        let program = lower(&source, &mut names);
        assert_eq!(program.expressions.len(), program.offsets.len());
        let problems = list(&program.problems, "", |(what, _)| format!("! {what} "));
        format!("{problems}{}", Printer(&program, &names).block(&program.body)).trim_end().to_owned()
    })
}

fn problems(source: String) -> Vec<String> {
    deep(move || {
        let program = lower(&source, &mut Names::default());
        program.problems.into_iter().map(|(what, _)| what).collect()
    })
}

macro_rules! lowers {
    ($($name:ident { $($source:literal => $expected:literal)* })*) => {
        $(#[test]
        fn $name() {
            $(assert_eq!(printed($source), $expected, "{}", $source);)*
        })*
    };
}

lowers! {
    literals_and_operators {
        "a = 1, b = 'x\\u0041', c = void 0, d = !0, e = null;" =>
            "(a = 1, b = \"xA\", c = nothing, d = true, e = nothing);"
        "x = `a${b}c${d}`" => "x = join(\"a\", b, \"c\", d);"
        "x = `plain`; y = ``" => "x = \"plain\"; y = \"\";"
        "x = /a+b/gi" => "x = RegExp(\"a+b\", \"gi\");"
        "x = a || b || (c && d); y = a ?? b" => "x = ((a Either b) Either (c Both d)); y = (a OrElse b);"
        "x = -1 + -(y ** 2n)" => "x = (-1 Add (Minus (y Power 2)));"
        "x = typeof a in b, delete c.d" => "(x = ((TypeOf a) In b), (Delete c.d));"
        "a ||= b; a >>>= 2" => "a Either= b; a ShiftRightUnsigned= 2;"
        "i++; j = i++; k = --i" =>
            "i Add= 1; j = (i Add= 1 Subtract 1); k = i Subtract= 1;"
        "t`a${1}b`; String.raw`\\n`" => "t([\"a\", \"b\"], 1); String.raw([\"\\n\"]);"
        "x = '\\ud83d\\ude00' + '\\ud83d'" => "x = (\"😀\" Add \"\u{fffd}\");"
    }
    calls_and_members {
        "a?.b?.[c]?.(d, ...e)" => "a.b[c](d, ...e);"
        "new A(1); new A" => "A(1); A();"
        "import('x'); require('y'); import.meta.url; this.z" =>
            "import(\"x\"); require(\"y\"); import.meta.url; this.z;"
        "x = [1, , ...a]; y = {a, 'b': 1, [c]: 2, ...d, e() {}, get f() {}, set f(v) {}}" =>
            "x = [1, nothing, ...a]; y = {\"a\": a, \"b\": 1, c: 2, nothing: ...d, \"e\": fn e()[] { }, \
             \"f\": fn f()[] { }, \"set f\": fn set f(v)[v] { }};"
    }
    functions {
        "f(); function f(a, {b, c: [d = 1]}, ...e) { var g; let h = 2; return h }" =>
            "define f fn f(a, {\"b\": b, \"c\": [d = 1]}, ...e)[a b d e g h] { h = 2; return h; }; f();"
        "const f = async (x = 1) => await x" => "f = fn f(x = 1)[x] { return wait x; };"
        "x = function () { try { a() } catch ({b}) { function c() {} } finally { for (const d of e) {} } }" =>
            "x = fn x()[b c d] { try { a(); } catch {\"b\": b} { define c fn c()[] { }; } finally { each d of e { }; }; };"
        "(function f(n) { return f(n - 1) })(3)" =>
            "fn ()[f] { define f fn f(n)[n] { return f((n Subtract 1)); }; return f; }()(3);"
        "(function f(n) { return n })(3)" => "fn f(n)[n] { return n; }(3);"
        "function* g() { yield; yield* h }" => "define g fn g()[] { wait nothing; wait h; };"
    }
    statements {
        "if (a) b; else if (c) d; else { e }" => "if a { b; } else { if c { d; } else { e; }; };"
        "for (var i = 0, n = 3; i < n; i++) if (i == 2) continue; else break" =>
            "{ i = 0; n = 3; while (i Less n) | i Add= 1 { if (i Equal 2) { continue; } else { break; }; }; };"
        "do { a } while (b); while (c) d; for (;;) ; for (x in y) z" =>
            "do b |  { a; }; while c |  { d; }; { while  |  { }; }; each x in y { z; };"
        "out: for (;;) { for (;;) break out } blk: { a; break blk }" =>
            "{ { while  |  { { while  |  { break; }; }; }; }; }; { a; };"
        "with (a) { b }" => "{ a; b; };"
        "throw a; debugger; ;" => "throw a;"
        "return 1" => "return 1;"
    }
    switches_are_chains {
        "switch (f(x)) { case 1: case 2: a(); break; case 'y': b(); default: c() }" =>
            "switch 0 = f(x); if ((switch 0 Equal 1) Either (switch 0 Equal 2)) { a(); } else \
             { if (switch 0 Equal \"y\") { b(); } else { c(); }; };"
        "switch (true) { case a > 1: x(); break; default: y() }" => "if (a Greater 1) { x(); } else { y(); };"
        "while (true) { switch (o[i++]) { case '0': a(); continue; case '1': if (b) break; c(); break } break }" =>
            "while true |  { switch 0 = o[(i Add= 1 Subtract 1)]; if (switch 0 Equal \"0\") { a(); continue; } else \
             { if (switch 0 Equal \"1\") { if b { }; c(); }; }; break; };"
    }
    classes {
        "class A extends B { #p = 1; static s; constructor(x) { super(x) } get g() { return this.#p } static { q() } \
         ['m']() {} [n]() {} }" =>
            "A = class A < B [#p, s, constructor, g, m] { #p = 1; constructor = fn constructor(x)[x] { super(x); }; \
             g = fn g()[] { return this.#p; }; { q(); }; m = fn m()[] { }; other(n, fn ()[] { }); };"
        "x = class {}" => "x = class x <  [] { };"
    }
    modules {
        "import d, * as n from 'a'; import {b as c, 'x y' as z} from 'b'; import 'c'" =>
            "import default as d, * as n from a; import b as c, x y as z from b; import  from c;"
        "export {a as b}; export default 1; export * from 'm'; export * as q from 'n'; export {r as s} from 'o'" =>
            "export b a; export default 1; import * as * of m from m; export * * of m; import * as * of n from n; \
             export q * of n; import r as r of o from o; export s r of o;"
        "export const {a, b: [c]} = d; export function f() {} export default function g() {}" =>
            "define f fn f()[] { }; define g fn g()[] { }; {\"a\": a, \"b\": [c]} = d; export a a; export c c; \
             export f f; export default g;"
        "export default class {} export class X {}" =>
            "export default class  <  [] { }; X = class X <  [] { }; export X X;"
    }
    typescript {
        "interface I { a: string } type T = I; declare const x: number; let y: number = z as any; f<string>(y!)" =>
            "y = z; f(y);"
        "enum E { A, B = 5, C, 'd' = f() } declare enum F { A }" =>
            "E = {\"A\": 0, \"B\": 5, \"C\": 6, \"d\": f()};"
        "namespace N.M { export const a: number = 1; export function f() {} }" =>
            "{ define f fn f()[] { }; a = 1; }; N = {\"M\": {\"a\": a, \"f\": f}};"
        "import fs = require('fs'); import type { A } from 'b'; import { type C, D } from 'e'; export = fs" =>
            "import D as D from e; fs = require(\"fs\"); module.exports = fs;"
        "class A { constructor(private b: string) { c() } d(): void; e?: number }" =>
            "A = class A <  [constructor, e] { constructor = fn constructor(b)[b] { this.b = b; c(); }; };"
    }
    jsx {
        "x = <A.B c='d' onClick={() => e()} {...f}>text {g}<i/></A.B>" =>
            "x = other(A.B, \"d\", fn onClick()[] { return e(); }, f, g, other(\"i\"));"
    }
}

#[test]
fn a_program_that_cannot_be_read_is_a_problem_and_nothing_else() {
    let out = printed("a = (");
    assert!(out.starts_with("! "), "{out}");
}

#[test]
fn what_is_written_with_old_means_is_read() {
    assert_eq!(printed("x = 010; <!-- a comment\n"), "x = 8;");
    assert_eq!(printed("#!/usr/bin/env node\n'use strict';\na()"), "a();");
    assert_eq!(printed("const a = await b; export { a }"), "a = wait b; export a a;");
}

#[test]
fn long_chains_are_no_deep_ones() {
    let sum = format!("x = {}1", "a + ".repeat(200_000));
    assert_eq!(problems(sum), Vec::<String>::new());
    let calls = format!("x{}", ".y(1)".repeat(50_000));
    assert_eq!(problems(calls), Vec::<String>::new());
    let numbers: Vec<u32> = (0..5_000).collect();
    let arms = list(&numbers[..1_500], "", |at| format!("if (x == {at}) a({at}); else "));
    assert_eq!(problems(format!("{arms} b()")), Vec::<String>::new());
    let cases = list(&numbers, "", |at| format!("case {at}: f{at}(); break;"));
    assert_eq!(problems(format!("switch (x) {{ {cases} default: g() }}")), Vec::<String>::new());
}

#[test]
fn what_nests_too_deep_is_not_parsed() {
    let nested = |open: &str, close: &str| format!("x = {}1{}", open.repeat(100_000), close.repeat(100_000));
    let cases = [
        nested("(", ")"),
        nested("[", "]"),
        nested("{a:", "}"),
        nested("f(", ")"),
        nested("`${", "}`"),
        nested("!", ""),
        nested("- ", ""),
        nested("typeof ", ""),
        nested("new ", ""),
        nested("await ", ""),
        nested("a = ", ""),
        nested("a => ", ""),
        nested("async a => ", ""),
        nested("a ? b : ", ""),
        nested("a ? ", ": 1"),
        nested("a ? x => {} : ", ""),
        nested("a ? function () {} : ", ""),
        nested("() => {}\n/[\"]/.x(", ")"),
        nested("if (a) /[\"]/.x(", ")"),
        nested("if (a) {} /[\"]/.x(", ")"),
        nested("({}) /\")\"/ (", ")"),
        nested("a++ /\")\"/ (", ")"),
        nested("a ** ", ""),
        nested("function () { return ", "}"),
        nested("class extends ", "{}"),
        nested("(\")\",", ")"),
        nested("(/[)]/,", ")"),
        nested("(/\\)/.x,", ")"),
        nested("(a /* ) */,", ")"),
        format!("{}x", "if (a) ".repeat(100_000)),
        format!("{}x", "if (a) b; else ".repeat(100_000)),
        format!("{}x", "for (;;) ".repeat(100_000)),
        format!("{}x{}", "do ".repeat(100_000), " while (0)".repeat(100_000)),
        format!("{}x", "a: ".repeat(100_000)),
        format!("{}x{}", "<a>".repeat(200_001), "</a>".repeat(200_001)),
        format!("let x: {}y{}", "A<".repeat(200_001), ">".repeat(200_001)),
    ];
    for case in cases {
        let start: String = case.chars().take(30).collect();
        let problems = problems(case);
        assert!(!problems.is_empty(), "{start}");
    }
}

#[test]
fn what_is_flat_is_not_taken_for_deep() {
    let many = |text: &str| text.repeat(5_000);
    let flat = [
        many("a = 1; "),
        many("a = 1\n"),
        many("x.a = function () { return /[(]/.test('(') };\n"),
        many("if (a) { b() } else if (c) { d() }\n;(function () {})();"),
        many("if (a) return;\n"),
        many("if (a) b()\nelse if (c) d()\n"),
        many("x.a = () => {}\n"),
        many("do x(); while (y)\nwhile (z) w()\ndo { x } while (y);"),
        many("try { a } catch (b) { c } finally { d }\n"),
        many("var a = b ? c : d;\n"),
        many("label: for (;;) { break label }\n"),
        format!("x = [{}]", many("a => a, ")),
        format!("x = [{}]", many("-1, !0, '(', \")\", `(${1}`, /\\//g, a / b / c, ")),
        format!("x = {{{}}}", many("a: b ? c : d, e() {}, ")),
        format!("x = a{}", many(" && !b")),
        format!("switch (x) {{ {} }}", many("case 1: case 2: a: b = 1; break;\n")),
        format!("class A {{ {} }}", many("a = 1; b() {}\n")),
        format!("f({})", many("function () {}, a => {}, ")),
    ];
    for text in flat {
        let start: String = text.chars().take(60).collect();
        assert_eq!(problems(text), Vec::<String>::new(), "{start}");
    }
}

#[test]
fn deep_code_within_the_limit_is_cut_where_it_is_lowered() {
    let nested = format!("x = {}1{}", "[".repeat(1_500), "]".repeat(1_500));
    let problems = problems(nested);
    assert_eq!(problems, ["code that is nested deeper than 400 is not looked at"]);
}

/// Bits of programs.
const BITS: &str = "a b 1 'x' ` ${ } { ( ) [ ] => = + ++ - / /x/g ? ?. : , ; function class extends switch case break \
    for of in while do if else return throw try catch finally import export default from as async await yield new this \
    super typeof let var const enum namespace < > </a> <a> ... #p @d static get set // /* */ <!-- \\u{61} 0x 1n ** ??=";

/// Bits of programs, in no order that makes sense.
fn soup() -> impl Strategy<Value = String> {
    let bits: Vec<&str> = BITS.split_whitespace().chain(["\n"]).collect();
    prop::collection::vec(prop::sample::select(bits), 0..60).prop_map(|bits| bits.join(" "))
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>(), soup in soup(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = String::from_utf8_lossy(&bytes).into_owned();
        for source in [text, soup, bytes] {
            let mut names = Names::default();
            let program = lower(&source, &mut names);
            let _ = Printer(&program, &names).block(&program.body);
        }
    }
}
