use std::rc::Rc;

use proptest::prelude::*;

use super::pattern::Regex;
use super::{function, method};
use crate::value::{Arguments, HOLE, Known, Value};

fn text(text: &str) -> Value {
    Value::text(text)
}

fn number(number: f64) -> Value {
    Value::number(number)
}

fn list(items: &[Value]) -> Value {
    Value::list(items.to_vec())
}

fn pattern(pattern: &str, flags: &str) -> Value {
    Known::Pattern(std::rc::Rc::new((pattern.into(), flags.into()))).into()
}

/// Stands for a function of the program: it gives back the hole of its first argument's text and more.
fn applied(_: &Value, values: &[Value]) -> Value {
    match values.first().map(|value| &value.known) {
        Some(Known::Number(number)) => Value::number(number + 1.0),
        Some(Known::Text(text)) => Value::text(&format!("<{text}>")),
        _ => Value::default(),
    }
}

fn callback() -> Value {
    Value::api("callback")
}

fn call(receiver: &Value, name: &str, arguments: &[Value]) -> String {
    let arguments = Arguments { positional: arguments.to_vec(), named: Vec::new() };
    shown(method(&receiver.known, name, &arguments, &mut applied).as_ref())
}

fn run(path: &str, arguments: &[Value]) -> String {
    let arguments = Arguments { positional: arguments.to_vec(), named: Vec::new() };
    shown(function(path, &arguments, &mut applied).as_ref())
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else { return "-".to_owned() };
    match &value.known {
        Known::Unknown => "?".to_owned(),
        Known::Nothing => "nothing".to_owned(),
        Known::Boolean(truth) => truth.to_string(),
        Known::Number(number) => number.to_string(),
        Known::Text(text) => format!("{text:?}"),
        Known::Partial(text) => format!("~{:?}", text.replace(HOLE, "*")),
        Known::Bytes(bytes) => format!("b{:?}", String::from_utf8_lossy(bytes)),
        Known::List(items) => {
            let items: Vec<String> = items.borrow().iter().map(|item| shown(Some(item))).collect();
            format!("[{}]", items.join(" "))
        }
        Known::Map(entries) => {
            let entries = entries.borrow();
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key}:{}", shown(Some(value)))).collect();
            format!("{{{}}}", entries.join(" "))
        }
        Known::Api(path) => path.to_string(),
        Known::Function(_) => "function".to_owned(),
        Known::Pattern(pattern) => format!("/{}/{}", pattern.0, pattern.1),
    }
}

#[test]
fn texts_are_taken_apart() {
    let hello = text("hello");
    assert_eq!(call(&hello, "charAt", &[number(1.0)]), "\"e\"");
    assert_eq!(call(&hello, "charCodeAt", &[number(0.0)]), "104");
    assert_eq!(call(&hello, "charCodeAt", &[number(9.0)]), "NaN");
    assert_eq!(call(&hello, "at", &[number(-1.0)]), "\"o\"");
    assert_eq!(call(&hello, "slice", &[number(-3.0), number(-1.0)]), "\"ll\"");
    assert_eq!(call(&hello, "substring", &[number(3.0), number(1.0)]), "\"el\"");
    assert_eq!(call(&hello, "substr", &[number(-3.0), number(2.0)]), "\"ll\"");
    assert_eq!(call(&hello, "split", &[text("")]), "[\"h\" \"e\" \"l\" \"l\" \"o\"]");
    assert_eq!(call(&hello, "split", &[text("l"), number(2.0)]), "[\"he\" \"\"]");
    assert_eq!(call(&hello, "split", &[]), "[\"hello\"]");
    assert_eq!(call(&text("a1b22c"), "split", &[pattern("\\d+", "")]), "[\"a\" \"b\" \"c\"]");
    assert_eq!(call(&hello, "indexOf", &[text("l"), number(3.0)]), "3");
    assert_eq!(call(&hello, "lastIndexOf", &[text("l")]), "3");
    assert_eq!(call(&hello, "includes", &[text("ell")]), "true");
    assert_eq!(call(&hello, "endsWith", &[text("lo")]), "true");
    assert_eq!(call(&text("5"), "padStart", &[number(3.0), text("ab")]), "\"ab5\"");
    assert_eq!(call(&text("ab"), "repeat", &[number(2.0)]), "\"abab\"");
    assert_eq!(call(&text("ab"), "repeat", &[number(1e9)]), "-");
    assert_eq!(call(&hello, "slice", &[Value::default()]), "-");
    assert_eq!(call(&text("😀a"), "charCodeAt", &[number(0.0)]), "55357");
    assert_eq!(call(&text("😀a"), "codePointAt", &[number(0.0)]), "128512");
    assert_eq!(call(&text("😀a"), "indexOf", &[text("a")]), "2");
}

#[test]
fn texts_are_replaced() {
    assert_eq!(call(&text("a.b.c"), "replace", &[text("."), text("-")]), "\"a-b.c\"");
    assert_eq!(call(&text("a.b.c"), "replaceAll", &[text("."), text("-")]), "\"a-b-c\"");
    assert_eq!(call(&text("a b  c"), "replace", &[pattern("\\s+", "g"), text("")]), "\"abc\"");
    assert_eq!(call(&text("abcd"), "replace", &[pattern("(.)(.)", "g"), text("$2$1")]), "\"badc\"");
    assert_eq!(call(&text("ab"), "replace", &[pattern("[a-z]", "g"), callback()]), "\"<a><b>\"");
    assert_eq!(call(&text("6869"), "match", &[pattern("..", "g")]), "[\"68\" \"69\"]");
    assert_eq!(call(&text("686"), "match", &[pattern(".{1,2}", "g")]), "[\"68\" \"6\"]");
    assert_eq!(call(&text("x=12"), "match", &[pattern("x=(\\d)(\\d)?(z)?", "")]), "[\"x=12\" \"1\" \"2\" nothing]");
    assert_eq!(call(&text("abc"), "match", &[pattern("z", "g")]), "nothing");
    assert_eq!(call(&text("abc"), "search", &[pattern("c", "")]), "2");
    assert_eq!(call(&pattern("^[\\da-f]+$", "i"), "test", &[text("AF09")]), "true");
    assert_eq!(call(&text("abc"), "replace", &[pattern("(?=b)", ""), text("")]), "-");
    assert_eq!(call(&text("abc"), "match", &[pattern("a|bc|d", "g")]), "[\"a\" \"bc\"]");
    assert_eq!(call(&text("a-b_c"), "replace", &[pattern("[^\\w]|_", "g"), text("")]), "\"abc\"");
    assert_eq!(call(&text("aXbX"), "replace", &[pattern("(?:x)+?", "gi"), text("")]), "\"ab\"");
}

#[test]
fn expressions_that_go_on_for_ever_are_given_up() {
    let budget = |letters: &[char], pattern: &str| {
        let mut budget = Regex::budget(letters);
        Regex::new(pattern, "").unwrap().find(letters, 0, &mut budget).is_none()
    };
    let letters: Vec<char> = "a".repeat(2_000).chars().collect();
    assert!(budget(&letters, "(a+)+b"));
    assert!(budget(&letters, "(a|a)*b"));
    assert!(!budget(&letters, "(a*)*"));
    assert!(Regex::new("(a{1000}){1000}", "").is_none());
    assert!(Regex::new(&"(".repeat(100_000), "").is_none());
}

#[test]
fn lists_are_worked_on() {
    let words = list(&[text("b"), text("a"), number(3.0)]);
    assert_eq!(call(&words, "join", &[text("")]), "\"ba3\"");
    assert_eq!(call(&list(&[text("x"), Value::default()]), "join", &[text("/")]), "~\"x/*\"");
    assert_eq!(call(&words, "map", &[callback()]), "[\"<b>\" \"<a>\" 4]");
    assert_eq!(call(&words, "indexOf", &[text("a")]), "1");
    assert_eq!(call(&words, "includes", &[text("z")]), "false");
    assert_eq!(call(&words, "slice", &[number(1.0)]), "[\"a\" 3]");
    assert_eq!(call(&words, "concat", &[list(&[number(1.0)]), number(2.0)]), "[\"b\" \"a\" 3 1 2]");
    assert_eq!(call(&words, "push", &[text("z")]), "4");
    assert_eq!(call(&words, "shift", &[]), "\"b\"");
    assert_eq!(call(&words, "splice", &[number(0.0), number(1.0), text("q")]), "[\"a\"]");
    assert_eq!(call(&words, "reverse", &[]), "[\"z\" 3 \"q\"]");
    assert_eq!(call(&words, "sort", &[]), "[3 \"q\" \"z\"]");
    assert_eq!(call(&words, "reduce", &[callback()]), "-");
    let nested = list(&[list(&[number(1.0), list(&[number(2.0)])])]);
    assert_eq!(call(&nested, "flat", &[number(f64::INFINITY)]), "[1 2]");
    assert_eq!(call(&list(&[number(104.0), number(105.0)]), "toString", &[]), "\"hi\"");
    assert_eq!(call(&list(&[number(1.0), number(2.0)]), "toString", &[]), "\"1,2\"");
    assert_eq!(call(&list(&[number(1.0)]), "unheardOf", &[]), "-");
}

#[test]
fn a_list_in_itself_does_no_harm() {
    let items = Value::list(vec![number(1.0)]);
    if let Known::List(list) = &items.known {
        list.borrow_mut().push(items.clone());
    }
    for name in ["flat", "join", "sort", "concat", "toString", "indexOf", "JSON.stringify", "Object.values"] {
        let arguments = Arguments { positional: vec![items.clone()], named: Vec::new() };
        method(&items.known, name, &arguments, &mut applied);
        function(name, &arguments, &mut applied);
    }
    if let Known::List(list) = &items.known {
        list.borrow_mut().clear();
    }
}

#[test]
fn bytes_are_decoded() {
    assert_eq!(run("Buffer.from", &[text("aGk="), text("base64")]), "b\"hi\"");
    assert_eq!(run("Buffer.from", &[text("6869"), text("hex")]), "b\"hi\"");
    assert_eq!(run("Buffer.from", &[list(&[number(104.0), number(361.0)])]), "b\"hi\"");
    let bytes = Value::bytes(b"hi");
    assert_eq!(call(&bytes, "toString", &[]), "\"hi\"");
    assert_eq!(call(&bytes, "toString", &[text("hex")]), "\"6869\"");
    assert_eq!(call(&bytes, "toString", &[text("base64")]), "\"aGk=\"");
    assert_eq!(call(&bytes, "map", &[callback()]), "b\"ij\"");
    assert_eq!(call(&bytes, "subarray", &[number(1.0)]), "b\"i\"");
    assert_eq!(call(&bytes, "readUInt16LE", &[number(0.0)]), "26984");
    assert_eq!(call(&bytes, "readUint64", &[number(0.0)]), "-", "a method that neither buffers nor lists have");
    assert_eq!(call(&bytes, "unheardOf", &[]), "-");
    assert_eq!(run("Buffer.concat", &[list(&[bytes.clone(), bytes.clone()])]), "b\"hihi\"");
    assert_eq!(run("atob", &[text("aGk")]), "\"hi\"");
    assert_eq!(run("btoa", &[text("hi")]), "\"aGk=\"");
    assert_eq!(run("TextDecoder().decode", &[bytes]), "\"hi\"");
    assert_eq!(run("Uint8Array", &[number(2.0)]), "[0 0]");
    let packed = run("Buffer.from", &[text("eJzLyAQAATsA0g=="), text("base64")]);
    assert!(packed.starts_with('b'), "{packed}");
    let arguments = Arguments { positional: vec![text("eJzLyAQAATsA0g=="), text("base64")], named: Vec::new() };
    let packed = function("Buffer.from", &arguments, &mut applied).unwrap();
    assert_eq!(run("zlib.inflateSync", std::slice::from_ref(&packed)), "b\"hi\"");
    assert_eq!(run("zlib.unzipSync", &[packed]), "b\"hi\"");
}

#[test]
fn numbers_are_read_and_written() {
    assert_eq!(run("parseInt", &[text("0x1fz")]), "31");
    assert_eq!(run("parseInt", &[text("12ab"), number(16.0)]), "4779");
    assert_eq!(run("parseInt", &[text("x")]), "NaN");
    assert_eq!(run("parseFloat", &[text(" -1.5e2x")]), "-150");
    assert_eq!(run("Number", &[text("0x10")]), "16");
    assert_eq!(run("Math.max", &[number(1.0), number(3.0)]), "3");
    assert_eq!(run("Math.imul", &[number(4_294_967_295.0), number(5.0)]), "-5");
    assert_eq!(run("Math.random", &[]), "-");
    assert_eq!(call(&number(255.0), "toString", &[number(16.0)]), "\"ff\"");
    assert_eq!(call(&number(0.5), "toString", &[number(2.0)]), "\"0.1\"");
    assert_eq!(call(&number(1.005), "toFixed", &[number(1.0)]), "\"1.0\"");
    assert_eq!(run("String.fromCharCode", &[number(104.0), number(65_641.0)]), "\"hi\"");
}

#[test]
fn texts_are_escaped_and_the_reverse() {
    assert_eq!(run("unescape", &[text("%68%u0069%zz")]), "\"hi%zz\"");
    assert_eq!(run("escape", &[text("h ü€")]), "\"h%20%FC%u20AC\"");
    assert_eq!(run("decodeURIComponent", &[text("%C3%BC")]), "\"ü\"");
    assert_eq!(run("decodeURIComponent", &[text("%FC")]), "-");
    assert_eq!(run("decodeURI", &[text("%2F%20")]), "\"%2F \"");
    assert_eq!(run("encodeURIComponent", &[text("a/ü")]), "\"a%2F%C3%BC\"");
}

#[test]
fn objects_and_json() {
    let object = run("JSON.parse", &[text(r#"{"b": [1, null], "a": "x"}"#)]);
    assert_eq!(object, "{b:[1 nothing] a:\"x\"}");
    let arguments = Arguments { positional: vec![text(r#"{"b": 1, "a": 2}"#)], named: Vec::new() };
    let object = function("JSON.parse", &arguments, &mut applied).unwrap();
    assert_eq!(run("Object.keys", std::slice::from_ref(&object)), "[\"b\" \"a\"]");
    assert_eq!(run("Object.entries", std::slice::from_ref(&object)), "[[\"b\" 1] [\"a\" 2]]");
    assert_eq!(run("JSON.stringify", std::slice::from_ref(&object)), "\"{\\\"b\\\":1,\\\"a\\\":2}\"");
    assert_eq!(call(&object, "get", &[text("a")]), "2");
    assert_eq!(call(&object, "hasOwnProperty", &[text("z")]), "false");
    assert_eq!(run("Map", &[list(&[list(&[text("k"), number(1.0)])])]), "{k:1}");
    assert_eq!(run("Array.from", &[text("ab"), callback()]), "[\"<a>\" \"<b>\"]");
    assert_eq!(run("Array", &[number(2.0)]), "[nothing nothing]");
    assert_eq!(run("RegExp", &[text("a"), text("g")]), "/a/g");
    assert_eq!(run("JSON.parse", &[text(&"[".repeat(100_000))]), "-");
}

#[test]
fn paths_and_addresses_keep_what_is_known() {
    let home = Value::from(Known::Partial("~".into()));
    assert_eq!(run("path.join", &[home, text(".config"), text("../.ssh")]), "~\"~/.ssh\"");
    assert_eq!(run("path.join", &[Value::default(), text("a")]), "~\"*/a\"");
    assert_eq!(run("path.resolve", &[text("x"), text("/etc"), text("./y")]), "\"/etc/y\"");
    assert_eq!(run("path.basename", &[text("/a/b.js"), text(".js")]), "\"b\"");
    assert_eq!(run("path.extname", &[text("/a/b.js")]), "\".js\"");
    let address = run("URL", &[text("https://stockade.invalid:8/a?b#c")]);
    assert!(address.contains("hostname:\"stockade.invalid\" port:\"8\""), "{address}");
}

/// What methods are called with.
fn any_value() -> impl Strategy<Value = u8> {
    any::<u8>()
}

fn value_of(kind: u8, text: &str) -> Value {
    match kind % 12 {
        0 => Value::default(),
        1 => Known::Nothing.into(),
        2 => number(-1.0),
        3 => number(f64::NAN),
        4 => number(f64::INFINITY),
        5 => number(3.0),
        6 => Value::text(text),
        7 => Value::bytes(text.as_bytes()),
        8 => list(&[Value::text(text), number(1.0), Known::Nothing.into()]),
        9 => pattern(text, "g"),
        10 => Known::Map(Rc::default()).into(),
        _ => callback(),
    }
}

proptest! {
    #[test]
    fn no_call_panics(name in 0_usize..NAMES.len(), kinds in prop::collection::vec(any_value(), 1..5), text in any::<String>()) {
        let values: Vec<Value> = kinds.iter().map(|kind| value_of(*kind, &text)).collect();
        let (receiver, arguments) = values.split_first().unwrap();
        call(receiver, NAMES[name], arguments);
        run(NAMES[name], arguments);
    }

    #[test]
    fn a_text_comes_back_from_its_escapes(text in any::<String>()) {
        let value = Value::text(&text);
        for (to, back) in [("encodeURIComponent", "decodeURIComponent"), ("escape", "unescape")] {
            let arguments = Arguments { positional: vec![value.clone()], named: Vec::new() };
            let there = function(to, &arguments, &mut applied).unwrap();
            let arguments = Arguments { positional: vec![there], named: Vec::new() };
            let again = function(back, &arguments, &mut applied).unwrap();
            prop_assert_eq!(again.as_text().map(ToString::to_string), Some(text.clone()));
        }
    }
}

const NAMES: &[&str] = &[
    "charAt",
    "charCodeAt",
    "codePointAt",
    "at",
    "slice",
    "substring",
    "substr",
    "split",
    "replace",
    "replaceAll",
    "match",
    "matchAll",
    "search",
    "indexOf",
    "lastIndexOf",
    "includes",
    "startsWith",
    "endsWith",
    "padStart",
    "padEnd",
    "repeat",
    "join",
    "concat",
    "splice",
    "push",
    "pop",
    "shift",
    "unshift",
    "reverse",
    "sort",
    "fill",
    "flat",
    "map",
    "filter",
    "forEach",
    "some",
    "every",
    "find",
    "findIndex",
    "flatMap",
    "reduce",
    "reduceRight",
    "keys",
    "values",
    "entries",
    "toString",
    "toFixed",
    "readUInt8",
    "readUint64",
    "readUInt32LE",
    "subarray",
    "set",
    "get",
    "has",
    "delete",
    "test",
    "exec",
    "String.fromCharCode",
    "String.fromCodePoint",
    "String.raw",
    "Buffer.from",
    "Buffer.alloc",
    "Buffer.concat",
    "Buffer",
    "atob",
    "btoa",
    "unescape",
    "escape",
    "decodeURI",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "parseInt",
    "parseFloat",
    "Number",
    "String",
    "Boolean",
    "Array",
    "Array.from",
    "Array.of",
    "Array.isArray",
    "Object",
    "Object.keys",
    "Object.entries",
    "Object.assign",
    "Object.fromEntries",
    "JSON.parse",
    "JSON.stringify",
    "Math.max",
    "Math.imul",
    "zlib.inflateSync",
    "zlib.gunzipSync",
    "pako.inflate",
    "Uint8Array",
    "Uint8Array.from",
    "RegExp",
    "Map",
    "Set",
    "URL",
    "path.join",
    "path.resolve",
    "path.basename",
    "TextDecoder().decode",
    "base64-js.toByteArray",
];
