//! Integers: methods, parsing, and arithmetic as a function.

use super::{bytes_of, counted, from_integer, integer, made, made_bytes, size, truthy};
use crate::value::{Arguments, Known, Value};

/// The longest byte string that an integer becomes.
const MAX_BYTES: usize = 64 * 1024;

pub(super) fn number(value: &Value) -> Option<f64> {
    match value.known {
        Known::Number(number) => Some(number),
        Known::Boolean(truth) => Some(f64::from(u8::from(truth))),
        _ => None,
    }
}

/// What a method of a number gives.
pub(super) fn method(number: f64, name: &str, arguments: &Arguments) -> Option<Value> {
    let value = Value::number(number);
    match name {
        "to_bytes" => to_bytes(integer(&value)?, arguments),
        "bit_length" => Some(counted((64 - integer(&value)?.unsigned_abs().leading_zeros()) as usize)),
        "conjugate" | "__int__" | "__index__" => Some(value),
        "is_integer" => Some(super::truth(number.fract() == 0.0)),
        _ => None,
    }
}

fn to_bytes(integer: i64, arguments: &Arguments) -> Option<Value> {
    let length = match arguments.at(0).or_else(|| arguments.named("length")) {
        Some(length) => size(length)?,
        None => 1,
    };
    let little = match arguments.at(1).or_else(|| arguments.named("byteorder")) {
        Some(order) => &**order.as_text()? == "little",
        None => false,
    };
    if length > MAX_BYTES {
        return None;
    }
    let fill = if integer < 0 { 0xff } else { 0 };
    let mut bytes = integer.to_le_bytes().to_vec();
    if bytes.iter().skip(length).any(|&byte| byte != fill) {
        return None;
    }
    bytes.resize(length, fill);
    if !little {
        bytes.reverse();
    }
    made_bytes(&bytes)
}

/// `int.from_bytes`.
pub(super) fn from_bytes(arguments: &Arguments) -> Option<Value> {
    let mut bytes = bytes_of(arguments.at(0)?)?.to_vec();
    let order = arguments.at(1).or_else(|| arguments.named("byteorder"));
    let little = match order {
        Some(order) => &**order.as_text()? == "little",
        None => false,
    };
    if !little {
        bytes.reverse();
    }
    let signed = arguments.named("signed").and_then(truthy).unwrap_or(false);
    let negative = signed && bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let fill = if negative { 0xff } else { 0 };
    if bytes.iter().skip(8).any(|&byte| byte != fill) {
        return None;
    }
    bytes.resize(8, fill);
    let bytes: [u8; 8] = bytes.try_into().ok()?;
    from_integer(if negative { i128::from(i64::from_le_bytes(bytes)) } else { i128::from(u64::from_le_bytes(bytes)) })
}

/// `int(…)`.
pub(super) fn parse(arguments: &Arguments) -> Option<Value> {
    let Some(value) = arguments.at(0) else {
        return Some(Value::number(0.0));
    };
    if let Some(number) = number(value) {
        return Some(Value::number(number.trunc()));
    }
    let bytes = super::ascii_of(value)?;
    let text = std::str::from_utf8(&bytes).ok()?.trim();
    let base = match arguments.at(1).or_else(|| arguments.named("base")) {
        Some(base) => u32::try_from(integer(base)?).ok()?,
        None => 10,
    };
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefix = text.get(..2).map(str::to_ascii_lowercase);
    let (prefixed, digits) = match prefix.as_deref() {
        Some("0x") => (16, text.get(2..)?),
        Some("0o") => (8, text.get(2..)?),
        Some("0b") => (2, text.get(2..)?),
        _ => (10, text),
    };
    let (base, digits) = match base {
        0 => (prefixed, digits),
        base if base == prefixed => (base, digits),
        base => (base, text),
    };
    if !(2..=36).contains(&base) || digits.starts_with('+') {
        return None;
    }
    let magnitude = i128::from_str_radix(&digits.replace('_', ""), base).ok()?;
    from_integer(if negative { -magnitude } else { magnitude })
}

/// `float(…)`, for what is a finite number.
pub(super) fn parse_float(value: &Value) -> Option<Value> {
    if let Some(number) = number(value) {
        return Some(Value::number(number));
    }
    let parsed: f64 = value.as_text()?.trim().parse().ok()?;
    parsed.is_finite().then(|| Value::number(parsed))
}

/// `hex`, `oct`, `bin`.
pub(super) fn based(name: &str, value: &Value) -> Option<Value> {
    let integer = integer(value)?;
    let (sign, magnitude) = (if integer < 0 { "-" } else { "" }, integer.unsigned_abs());
    made(&match name {
        "hex" => format!("{sign}{magnitude:#x}"),
        "oct" => format!("{sign}{magnitude:#o}"),
        _ => format!("{sign}{magnitude:#b}"),
    })
}

/// `round(number, digits)`, half to even.
pub(super) fn round(arguments: &Arguments) -> Option<Value> {
    let value = number(arguments.at(0)?)?;
    let digits = match arguments.at(1) {
        Some(digits) => i32::try_from(integer(digits)?).ok()?.clamp(-300, 300),
        None => 0,
    };
    let scale = 10_f64.powi(digits);
    let rounded = (value * scale).round_ties_even() / scale;
    rounded.is_finite().then(|| Value::number(rounded))
}

/// `pow(a, b, modulus)` and `a ** b`.
pub(super) fn power(arguments: &Arguments) -> Option<Value> {
    let (base, exponent) = (number(arguments.at(0)?)?, number(arguments.at(1)?)?);
    let Some(modulus) = arguments.at(2) else {
        let result = base.powf(exponent);
        return result.is_finite().then(|| Value::number(result));
    };
    let modulus = i128::from(integer(modulus)?);
    let (mut base, mut exponent) = (i128::from(integer(arguments.at(0)?)?), integer(arguments.at(1)?)?);
    if modulus <= 0 || exponent < 0 {
        return None;
    }
    let mut result = 1 % modulus;
    base = base.rem_euclid(modulus);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        exponent >>= 1;
    }
    from_integer(result)
}

/// A function of the module `operator` with two operands.
pub(super) fn operate(name: &str, left: &Value, right: &Value) -> Option<Value> {
    if matches!(name, "add" | "concat" | "iadd" | "iconcat") {
        return add(left, right);
    }
    if matches!(name, "truediv" | "itruediv" | "div") {
        let quotient = number(left)? / number(right)?;
        return quotient.is_finite().then(|| Value::number(quotient));
    }
    let (a, b) = (i128::from(integer(left)?), i128::from(integer(right)?));
    from_integer(match name {
        "sub" | "isub" => a - b,
        "mul" | "imul" => a.checked_mul(b)?,
        "floordiv" | "ifloordiv" => divide(a, b)?.0,
        "mod" | "imod" => divide(a, b)?.1,
        "xor" | "ixor" => a ^ b,
        "and_" | "iand" => a & b,
        "or_" | "ior" => a | b,
        "lshift" | "ilshift" if (0..64).contains(&b) => a << b,
        "rshift" | "irshift" if b >= 0 => a >> b.min(100),
        "eq" => i128::from(a == b),
        "ne" => i128::from(a != b),
        "lt" => i128::from(a < b),
        "gt" => i128::from(a > b),
        _ => return None,
    })
}

/// The quotient rounded down, and the remainder with the divisor's sign.
pub(super) fn divide(a: i128, b: i128) -> Option<(i128, i128)> {
    let (quotient, remainder) = (a.checked_div(b)?, a.checked_rem(b)?);
    let down = remainder != 0 && (remainder < 0) != (b < 0);
    Some(if down { (quotient - 1, remainder + b) } else { (quotient, remainder) })
}

fn add(left: &Value, right: &Value) -> Option<Value> {
    match (&left.known, &right.known) {
        (Known::Text(a), Known::Text(b)) => made(&[&**a, &**b].concat()),
        (Known::Bytes(a), Known::Bytes(b)) => made_bytes(&[&**a, &**b].concat()),
        (Known::List(a), Known::List(b)) => super::made_list([a.borrow().clone(), b.borrow().clone()].concat()),
        _ => Some(Value::number(number(left)? + number(right)?)),
    }
}
