//! Everything has a limit, and a limit has a name: a large number in the middle of code is one that nobody can find,
//! document or change.
//!
//! The rule sees decimal literals, products and left shifts of them. Hexadecimal, octal and binary literals are masks,
//! characters and file modes far more often than limits, so it leaves them alone.

use super::Finding;
use super::rust::{Code, Kind, Token};
use super::tree::{File, Tree};

const LARGE: u128 = 1000;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.product().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let code = file.code();
    let named = named(&code);
    let mut findings = Vec::new();
    let mut index = 0;
    while index < code.tokens.len() {
        let Some((value, end)) = expression(&code, index) else {
            index += 1;
            continue;
        };
        let allowed = named[index] || code.in_test[index] || code.in_attribute[index] || is_listed(&code, index);
        if value >= LARGE && !allowed {
            let line = code.tokens[index].line;
            let what = format!("{value} without a name; make it a `const` that says what it limits");
            findings.push(Finding::new(&file.path, line, what).excused_on(line.saturating_sub(1)..=line));
        }
        index = end;
    }
    findings
}

/// The value of the literals, joined by `*` and `<<`, that begin at a token, and the token after them.
fn expression(code: &Code<'_>, start: usize) -> Option<(u128, usize)> {
    let mut value = integer(code.tokens.get(start)?)?;
    let mut index = start + 1;
    loop {
        let (factor, width) = if code.is(index, "*") {
            (code.tokens.get(index + 1).and_then(integer), 2)
        } else if code.is(index, "<") && code.is(index + 1, "<") {
            let bits = code.tokens.get(index + 2).and_then(integer);
            (bits.and_then(|bits| 1_u128.checked_shl(u32::try_from(bits).ok()?)), 3)
        } else {
            return Some((value, index));
        };
        let Some(factor) = factor else { return Some((value, index)) };
        value = value.saturating_mul(factor);
        index += width;
    }
}

/// The value of a decimal literal. A float is none.
fn integer(token: &Token<'_>) -> Option<u128> {
    if token.kind != Kind::Number || token.text.contains('.') || token.text.starts_with("0x") {
        return None;
    }
    let digits = token.text.split(['u', 'i']).next()?.replace('_', "");
    digits.parse().ok()
}

/// For every token: whether it is part of an item that gives numbers names: a constant, a static or an enum.
fn named(code: &Code<'_>) -> Vec<bool> {
    let mut named = vec![false; code.tokens.len()];
    let mut index = 0;
    while index < code.tokens.len() {
        let end = if begins_constant(code, index) {
            constant_end(code, index)
        } else if code.is(index, "enum") {
            code.item_end(index)
        } else {
            index += 1;
            continue;
        };
        named[index..=end].fill(true);
        index = end + 1;
    }
    named
}

/// `const` and `static` begin an item, unless it is a function, a pointer, a generic parameter or a block.
fn begins_constant(code: &Code<'_>, index: usize) -> bool {
    if code.is(index, "static") {
        return code.tokens.get(index + 1).is_some_and(|token| token.kind == Kind::Word);
    }
    let before = ["*", "<", ","].iter().any(|mark| code.is(index.wrapping_sub(1), mark));
    let after = ["fn", "unsafe", "async", "extern", "{"].iter().any(|word| code.is(index + 1, word));
    code.is(index, "const") && !before && !after
}

/// The `;` of a constant. Its value may be a block, so braces do not end it.
fn constant_end(code: &Code<'_>, start: usize) -> usize {
    let mut index = start;
    while index < code.tokens.len() && !code.is(index, ";") {
        let open = code.is(index, "(") || code.is(index, "[") || code.is(index, "{");
        index = if open { code.close(index) + 1 } else { index + 1 };
    }
    index.min(code.tokens.len() - 1)
}

/// Whether a literal is one of a written-out array: `[1000, 2000]`, but not `[0; 4096]` and not `bytes[4096]`.
fn is_listed(code: &Code<'_>, index: usize) -> bool {
    let mut at = index;
    while let Some(before) = at.checked_sub(1) {
        at = before;
        let token = &code.tokens[at];
        if token.is("[") {
            return !is_indexed(code, at);
        }
        if token.is(";") || token.is("(") || token.is("{") {
            return false;
        }
        if token.is(")") || token.is("]") || token.is("}") {
            at = code.open(at);
        }
    }
    false
}

/// Whether the `[` at `open` reads from what stands before it.
fn is_indexed(code: &Code<'_>, open: usize) -> bool {
    let Some(before) = open.checked_sub(1).map(|before| &code.tokens[before]) else { return false };
    let is_keyword = ["in", "return", "break", "match", "if", "else"].iter().any(|word| before.is(word));
    (before.kind == Kind::Word && !is_keyword) || before.is(")") || before.is("]")
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::check;

    fn values(source: &str) -> Vec<String> {
        let found = found(&[("crates/stockade-model/src/a.rs", source)], check);
        let value =
            |finding: &String| finding.split(": ").nth(1).and_then(|what| what.split(' ').next()).map(str::to_owned);
        found.iter().filter_map(value).collect()
    }

    #[test]
    fn a_large_number_without_a_name_is_found() {
        let expected =
            "crates/stockade-model/src/a.rs:2: 5000 without a name; make it a `const` that says what it limits";
        assert_eq!(found(&[("crates/stockade-model/src/a.rs", "fn f() {\n    g(5_000u64);\n}\n")], check), [expected]);
        assert_eq!(values("fn f() { g(1024 * 1024) }"), ["1048576"]);
        assert_eq!(values("fn f() { g(64 << 20) }"), ["67108864"]);
        assert_eq!(values("fn f() { g(50 * 40, 2) }"), ["2000"]);
        assert_eq!(values("fn f() { [0_u8; 4096]; bytes[1..2048] }"), ["4096", "2048"]);
        assert_eq!(values("const fn f() -> u32 { 7000 }"), ["7000"]);
        assert_eq!(values("fn f<const N: usize>() -> *const u8 { g([1, 2], 8000) }"), ["8000"]);
        assert_eq!(values("fn f() { let x = [h(1500)]; vec![(1, 2); 1600] }"), ["1500", "1600"]);
    }

    #[test]
    fn a_named_number_is_fine() {
        assert!(values("const A: u64 = 5000;\nstatic B: [u32; 2000] = [1; 2000];").is_empty());
        assert!(values("impl X { pub const A: usize = { let b = 10; b * 5000 }; }").is_empty());
        assert!(
            values("enum E { A = 1000 }\n#[arg(default_value_t = 4873)]\nstruct S;\n/// 5000\nfn f() {}").is_empty()
        );
        assert!(values("fn f() { for n in [1000, (2, 3).0, 2000] {} }").is_empty());
    }

    #[test]
    fn what_is_no_limit_is_fine() {
        assert!(values("fn f() { g(999, 10 * 60, 0x1_0000, 0o1777, 5000.0, 1e9, \"5000\") } // 5000").is_empty());
        assert!(
            values("#[test]\nfn f() { g(5000) }\n#[cfg(test)]\nmod tests { const fn f() -> u32 { 5000 } }").is_empty()
        );
        assert!(found(&[("crates/stockade-model/benches/a.rs", "fn f() { 5000 }")], check).is_empty());
    }
}
