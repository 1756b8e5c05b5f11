//! What only Python 2 writes. Old releases are still inspected, and setup scripts that support both are common.

use ruff_python_ast::{CmpOp, Expr, Stmt};
use ruff_python_parser::{ParseError, ParseErrorType};

/// A statement of Python 2 that is a function since: `exec`, `print`.
pub(super) struct Command<'a> {
    pub(super) name: &'a Expr,
    pub(super) arguments: Vec<&'a Expr>,
}

/// The statement that the parser, which does not know it, reads as a name and an expression after it.
pub(super) fn command<'a>(text: &str, first: &'a Stmt, second: Option<&'a Stmt>) -> Option<Command<'a>> {
    let Stmt::Expr(statement) = first else {
        return None;
    };
    let (Expr::Name(name), Some(Stmt::Expr(value))) = (&*statement.value, second) else {
        return None;
    };
    if !matches!(name.id.as_str(), "exec" | "print") {
        return None;
    }
    let between = text.get(usize::from(name.range.end())..usize::from(value.range.start()))?;
    if !between.bytes().all(|byte| matches!(byte, b' ' | b'\t')) {
        return None;
    }
    let arguments = match &*value.value {
        Expr::Compare(compare) if name.id.as_str() == "exec" && compare.ops.first() == Some(&CmpOp::In) => {
            std::iter::once(&*compare.left).chain(&compare.comparators).collect()
        }
        value => vec![value],
    };
    Some(Command { name: &statement.value, arguments })
}

/// The text with the literals of Python 2 replaced by what they mean, at the same offsets: `0755`, `10L`, `` `x` ``,
/// `ur"x"`. `None` if the errors show none.
pub(super) fn modernised(text: &str, errors: &[ParseError]) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let mut changed = false;
    for error in errors {
        let (start, end) = (usize::from(error.location.start()), usize::from(error.location.end()));
        changed |= match &error.error {
            ParseErrorType::Lexical(_) => replace(&mut bytes, start),
            _ => unsuffixed(&mut bytes, start) || raw(&mut bytes, start) || raw(&mut bytes, end),
        };
    }
    if changed { String::from_utf8(bytes).ok() } else { None }
}

/// Replaces the number or backtick at a place.
fn replace(bytes: &mut [u8], at: usize) -> bool {
    if bytes.get(at) == Some(&b'`') {
        return backticks(bytes, at);
    }
    let start = bytes.iter().take(at).rposition(|byte| !byte.is_ascii_digit()).map_or(0, |before| before + 1);
    octal(bytes, start)
}

/// `` `x` `` becomes `(x)`; the value of a representation is not asked for.
fn backticks(bytes: &mut [u8], at: usize) -> bool {
    let Some(line) = bytes.get_mut(at..) else {
        return false;
    };
    let length = line.iter().position(|&byte| byte == b'\n').unwrap_or(line.len());
    let Some(end) = line.iter().take(length).skip(1).position(|&byte| byte == b'`') else {
        return false;
    };
    if let Some(first) = line.first_mut() {
        *first = b'(';
    }
    if let Some(last) = line.get_mut(end + 1) {
        *last = b')';
    }
    true
}

/// `0755` becomes ` 493`: the decimal number never has more digits.
fn octal(bytes: &mut [u8], start: usize) -> bool {
    let Some(rest) = bytes.get_mut(start..) else {
        return false;
    };
    let length = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let Some(digits) = rest.get_mut(..length) else {
        return false;
    };
    let number = std::str::from_utf8(digits).ok().and_then(|digits| u64::from_str_radix(digits, 8).ok());
    match number {
        Some(number) if digits.len() > 1 && digits.first() == Some(&b'0') => {
            let decimal = format!("{number:>length$}");
            digits.copy_from_slice(decimal.as_bytes());
            true
        }
        _ => false,
    }
}

/// `10L` becomes `10 `.
fn unsuffixed(bytes: &mut [u8], at: usize) -> bool {
    let after_digit = at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(u8::is_ascii_hexdigit);
    let alone = !bytes.get(at + 1).is_some_and(|&next| next.is_ascii_alphanumeric() || next == b'_');
    match bytes.get_mut(at) {
        Some(suffix) if matches!(*suffix, b'l' | b'L') && after_digit && alone => {
            *suffix = b' ';
            true
        }
        _ => false,
    }
}

/// `ur"x"` becomes ` r"x"`, if its quote is at the place.
fn raw(bytes: &mut [u8], quote: usize) -> bool {
    let Some(start) = quote.checked_sub(2) else {
        return false;
    };
    let word = start.checked_sub(1).and_then(|before| bytes.get(before));
    if word.is_some_and(|&before| before.is_ascii_alphanumeric() || before == b'_' || before == b'.') {
        return false;
    }
    match bytes.get_mut(start..=quote) {
        Some([prefix @ (b'u' | b'U'), b'r' | b'R', b'"' | b'\'']) => {
            *prefix = b' ';
            true
        }
        _ => false,
    }
}
