//! What sources become. Every sample is inert.

use proptest::prelude::*;

use super::super::shell::show::show;
use crate::ir::Names;

fn lowered(source: &str) -> String {
    let mut names = Names::default();
    let program = super::lower(source, &mut names);
    assert_eq!(program.expressions.len(), program.offsets.len());
    show(&program, &names)
}

fn body(source: &str) -> String {
    let shown = lowered(&format!("fn f() {{ {source} }}"));
    shown.trim_start_matches("fn f() {").trim_end_matches('}').to_owned()
}

macro_rules! lowers {
    ($how:ident; $($name:ident: $($source:expr => $expected:expr),+ $(,)?;)*) => {
        $(#[test]
        fn $name() {
            $(assert_eq!($how($source), $expected, "{}", $source);)+
        })*
    };
}

lowers! { lowered;
    imports:
        "use std::process::Command as C;" => "import std.process [Command as C]",
        "use std::{fs, env::{self, var}};" =>
            "import std [fs as fs]; import std [env as env]; import std.env [var as var]",
        "use std::net::*;" =>
            "import std.net [TcpStream as TcpStream]; import std.net [TcpListener as TcpListener]; \
             import std.net [UdpSocket as UdpSocket]",
        "mod x; extern crate ureq as u;" => "import ./x [* as x]; import ureq [* as u]";

    a_build_script_runs_main:
        "fn main() { g(); } fn g() {}" => "fn main() {g()}; fn g() {}; main()";

    procedural_macros_and_constructors_run:
        "#[proc_macro_derive(X)] pub fn d(i: TokenStream) -> TokenStream { i }" =>
            "fn d(i) {return i}; export d = d; d()",
        "#[ctor::ctor] fn c() { x(); }" => "fn c() {x()}; c()";

    tests_are_left_out:
        "#[cfg(test)] mod tests { fn f() { x(); } } #[test] fn t() { y(); }" => "";

    methods_are_members_of_a_class:
        "struct A; impl A { fn f(&self, x: u8) { Self::g(x); } fn g(_x: u8) {} } const B: u8 = 1;" =>
            "A = …; export A = A; B = 1";

    modules_are_flat:
        "mod a { pub fn f() {} } fn g() { a::f(); crate::a::f(); }" =>
            "fn g() {f(); f()}; {fn f() {}; export f = f}";

    foreign_functions:
        "extern \"C\" { fn system(c: *const u8) -> i32; }" => r#"extern("system")"#;
}

lowers! { body;
    paths_and_methods:
        "std::fs::write(\"a\", b\"c\")?;" => r#"std.fs.write("a", b"c")"#,
        "let x = ureq::get(&url).call().unwrap().into_string()?;" => "x = ureq.get(url)",
        "c.post(u).header(\"a\", b).body(d).send()?;" => r#"c.post(u, "a", b, d)"#,
        "f.read_to_string(&mut s)?; write!(t, \"{}\", s)?;" => "s = f.read_to_string(); t.write_all(s)",
        "let p = Path::new(\"a\").join(\"b\");" => r#"p = <"a", "/", "b">"#,
        "let x = &s[1..3];" => "x = s[1:3]",
        "(a, b) = (1, 2);" => "[a, b] = [1, 2]";

    commands_are_one_call:
        "Command::new(\"sh\").arg(\"-c\").arg(x).output()?;" => r#"Command.run("sh", ["-c", x])"#,
        "let mut c = std::process::Command::new(\"a\"); c.args([\"b\", \"c\"]); c.arg(d); c.spawn();" =>
            r#"c = std.process.Command.new("a"); c.args(["b", "c"]); c.arg(d); std.process.Command.run("a", ["b", "c", d])"#;

    macros:
        "let x = format!(\"a{}b{y}c{{\", z);" => r#"x = <"a", z, "b", y, "c{">"#,
        "println!(\"cargo:x={}\", y);" => r#"println!(<"cargo:x=", y>)"#,
        "let d = include_bytes!(\"a.bin\");" => r#"d = include_bytes!("a.bin")"#,
        "let v = vec![1, 2]; vec![0u8; 4];" => "v = [1, 2]; ?(0)",
        "include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\"));" => r#"include!(<env!("OUT_DIR"), "/x.rs">)"#,
        "select! { x = f() => { g(); } }" => "{g()}; select!()";

    branches_are_statements:
        "let x = if a { 1 } else { 2 };" => "if a {|1 = 1} else {|1 = 2}; x = |1",
        "match x { \"a\" | \"b\" => f(), Some(y) if y => g(y), _ => {} }" =>
            "|2 = x; if ((|2 Equal \"a\") Either (|2 Equal \"b\")) {|1 = f()}; \
             y = |2; if (?(|2) Both y) {|1 = g(y)}; if ?(|2) {|1 = null}; |1",
        "if let Ok(v) = std::env::var(\"A\") { g(v) }" =>
            r#"v = std.env.var("A"); if ?(std.env.var("A")) {|1 = g(v)}; |1"#,
        "for i in 0..3 { f(i); }" => "each i in ?(0, 3) {f(i)}; null",
        "loop { break; }" => "loop  {break}; null",
        "let Some(x) = y else { return; };" => "if ?(y) {} else {return ; null}; x = y",
        "unsafe { f() };" => "f()",
        "std::thread::spawn(move || { f(x) });" => "std.thread.spawn(fn() {return f(x)})";
}

#[test]
fn offsets_are_those_of_the_source() {
    let mut names = Names::default();
    let source = "#!/usr/bin/env x\nfn f() { \"é\"; danger() }";
    let program = super::lower(source, &mut names);
    let at = u32::try_from(source.find("danger").unwrap()).unwrap();
    assert!(program.offsets.contains(&at), "{:?}", program.offsets);
}

#[test]
fn many_alternatives_are_not_deep() {
    let ranges = vec!["'a'..='b'"; 2_000].join(" | ");
    let source = format!(
        "fn f(c: char) -> bool {{ matches!(c, {ranges}) }} fn g(c: char) -> u8 {{ match c {{ {ranges} => 1 }} }}"
    );
    let program = super::lower(&source, &mut Names::default());
    assert!(program.problems.is_empty(), "{:?}", program.problems);
}

#[test]
fn deep_and_long_sources_end() {
    for (open, middle, close) in [
        ("(", "1", ")"),
        ("[", "", "]"),
        ("{", "", "}"),
        ("!", "1", ""),
        ("-", "1", ""),
        ("&", "1", ""),
        ("a = ", "1", ""),
        ("|x| ", "1", ""),
        ("if a {} else ", "{}", ""),
        ("return ", "1", ""),
        ("a + ", "1", ""),
        ("x.f().", "g()", ""),
        ("f(", "1", ")"),
        ("a = A{} = ", "1", ""),
        ("match a { _ => ", "1", "}"),
        ("let x: ", "u8", ";"),
        ("a as ", "u8", ""),
        ("m!(", "1", ")"),
        ("x::<", "u8", ">()"),
        ("&&", "1", ""),
        ("let _: &", "u8", ""),
        ("Box<", "u8", ">"),
        ("*", "1", ""),
        ("a..", "1", ""),
        ("a..=", "1", ""),
        ("..=", "1", ""),
        ("async move ", "{}", ""),
    ] {
        let source = format!("fn f() {{ {}{middle}{} }}", open.repeat(20_000), close.repeat(20_000));
        super::lower(&source, &mut Names::default());
        let source = format!("fn f() {{ {}{middle}{} }}", open.repeat(100), close.repeat(100));
        super::lower(&source, &mut Names::default());
        let source = format!("type A = {}{middle}{};", open.repeat(20_000), close.repeat(20_000));
        super::lower(&source, &mut Names::default());
    }
}

#[test]
fn what_a_source_may_ask_for_has_one_name() {
    let lines = include_str!("../../apis/rust.txt").lines();
    assert!(!lines.into_iter().any(|line| line.starts_with("alias")), "the sieve knows no other names");
}

proptest! {
    #[test]
    fn nothing_panics(
        source in r#"(fn f\(\) |let |x|if |else |match |=>|=|\{|\}|\(|\)|\[|\]|;|,|&|!|-|\.|"a"|b"c"|'d'|1|::|<|>|\||return |unsafe |é|format!|mod |use |impl |#\[ctor\]| |\n){0,50}"#
    ) {
        super::lower(&source, &mut Names::default());
        super::lower(&format!("fn f() {{ {source} }}"), &mut Names::default());
    }
}

proptest! {
    #[test]
    fn the_place_of_a_token_is_its_byte(
        source in r#"(fn |é|"é\n"|'ß'| |\n|\r\n|a|// ü\n|/\* é\n \*/|\(|\)|\{ \}|b"x"|1_000|r\#"é"\#|\t){0,40}"#
    ) {
        fn check(tokens: proc_macro2::TokenStream, places: &super::Places<'_>) {
            for token in tokens {
                let span = token.span();
                assert_eq!(places.of_span(span), 3 + span.byte_range().start);
                if let proc_macro2::TokenTree::Group(group) = token {
                    check(group.stream(), places);
                }
            }
        }
        if let Ok(tokens) = source.parse() {
            check(tokens, &super::Places::of(3, &source));
        }
    }
}
