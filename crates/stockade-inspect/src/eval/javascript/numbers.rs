//! Numbers.

use super::super::operators::{number_text, sign};
use super::{number_at, text_value, whole};
use crate::ir::Unary;
use crate::value::{Arguments, Known, Value};

/// The most digits after the point that are written.
const MAX_DIGITS: f64 = 100.0;

/// What a value is as a number.
pub(super) fn number(value: &Value) -> Option<f64> {
    match (&value.known, sign(Unary::Plus, value)) {
        (Known::Nothing, _) => Some(f64::NAN),
        (_, Some(Known::Number(number))) => Some(number),
        _ => None,
    }
}

pub(super) fn method(number: f64, name: &str, arguments: &Arguments) -> Option<Value> {
    match name {
        "toString" | "toLocaleString" => {
            let radix = number_at(arguments, 0, 10.0)?;
            text_value(in_radix(number, radix)?)
        }
        "toFixed" => {
            let digits = number_at(arguments, 0, 0.0)?;
            (0.0..=MAX_DIGITS).contains(&digits).then(|| Value::text(&format!("{number:.0$}", whole(digits))))
        }
        "valueOf" => Some(Value::number(number)),
        _ => None,
    }
}

/// A number in another radix; fractions have as many digits as tell it from its neighbours.
fn in_radix(number: f64, radix: f64) -> Option<String> {
    /// Digits of a fraction that are written at most.
    const FRACTION_DIGITS: usize = 52;
    if whole(radix) == 10 || !number.is_finite() {
        return Some(number_text(number));
    }
    if !(2.0..=36.0).contains(&radix) || number.abs() > 9_007_199_254_740_991.0 {
        return None;
    }
    let base = whole(radix);
    let digit = |value: usize| {
        let digit = u32::try_from(value).ok().zip(u32::try_from(base).ok());
        digit.and_then(|(value, base)| char::from_digit(value, base)).unwrap_or('0')
    };
    let (mut rest, mut fraction) = (whole(number.abs()), number.abs().fract());
    let mut digits = Vec::new();
    while rest > 0 || digits.is_empty() {
        digits.push(digit(rest % base));
        rest /= base;
    }
    let mut text = String::from(if number < 0.0 { "-" } else { "" });
    text.extend(digits.iter().rev());
    if fraction > 0.0 {
        text.push('.');
        let mut precision = number.abs().max(1.0) * f64::EPSILON / 2.0;
        for _ in 0..FRACTION_DIGITS {
            fraction *= radix;
            precision *= radix;
            text.push(digit(whole(fraction)));
            fraction = fraction.fract();
            if fraction < precision {
                break;
            }
        }
    }
    Some(text)
}

/// `parseInt`.
pub(super) fn parse_int(text: &str, radix: f64) -> f64 {
    let text = text.trim_start();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut radix = u32::try_from(whole(radix)).unwrap_or(u32::MAX);
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let text = match hexadecimal {
        Some(rest) if radix == 0 || radix == 16 => {
            radix = 16;
            rest
        }
        _ => text,
    };
    if radix == 0 {
        radix = 10;
    }
    if !(2..=36).contains(&radix) {
        return f64::NAN;
    }
    let mut digits = text.chars().map_while(|c| c.to_digit(radix)).peekable();
    if digits.peek().is_none() {
        return f64::NAN;
    }
    let value = digits.fold(0.0, |value, digit| value * f64::from(radix) + f64::from(digit));
    if negative { -value } else { value }
}

/// `parseFloat`: the longest beginning that is a number.
pub(super) fn parse_float(text: &str) -> f64 {
    let text = text.trim_start();
    let (mut end, mut seen_point, mut seen_exponent, mut digits) = (0, false, false, false);
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(end) {
        match byte {
            b'0'..=b'9' => digits = true,
            b'+' | b'-' if end == 0 || matches!(bytes.get(end - 1), Some(b'e' | b'E')) => {}
            b'.' if !seen_point && !seen_exponent => seen_point = true,
            b'e' | b'E' if digits && !seen_exponent => seen_exponent = true,
            _ => break,
        }
        end += 1;
    }
    let mut number = text.get(..end).unwrap_or_default();
    while !number.is_empty() {
        if let Ok(value) = number.parse() {
            return value;
        }
        number = number.get(..number.len() - 1).unwrap_or_default();
    }
    f64::NAN
}

/// The functions of `Math` that depend on nothing else.
pub(super) fn math(name: &str, arguments: &Arguments) -> Option<f64> {
    let all: Option<Vec<f64>> = arguments.positional.iter().map(number).collect();
    let all = all?;
    let first = all.first().copied().unwrap_or(f64::NAN);
    let second = all.get(1).copied().unwrap_or(f64::NAN);
    Some(match name {
        "abs" => first.abs(),
        "floor" => first.floor(),
        "ceil" => first.ceil(),
        "round" => (first + 0.5).floor(),
        "trunc" => first.trunc(),
        "sign" => {
            if first == 0.0 || first.is_nan() {
                first
            } else {
                first.signum()
            }
        }
        "sqrt" => first.sqrt(),
        "cbrt" => first.cbrt(),
        "pow" => first.powf(second),
        "exp" => first.exp(),
        "log" => first.ln(),
        "log2" => first.log2(),
        "log10" => first.log10(),
        "sin" => first.sin(),
        "cos" => first.cos(),
        "tan" => first.tan(),
        "atan" => first.atan(),
        "atan2" => first.atan2(second),
        "fround" => single(first),
        "imul" => f64::from(int32(first).wrapping_mul(int32(second))),
        "clz32" => f64::from(int32(first).cast_unsigned().leading_zeros()),
        "min" => all
            .iter()
            .copied()
            .fold(f64::INFINITY, |least, number| if number.is_nan() { number } else { least.min(number) }),
        "max" => all
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, |most, number| if number.is_nan() { number } else { most.max(number) }),
        "hypot" => all.iter().map(|number| number * number).sum::<f64>().sqrt(),
        _ => return None,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "that is what is asked for")]
fn single(number: f64) -> f64 {
    f64::from(number as f32)
}

/// The low 16 bits of a number.
pub(super) fn uint16(number: f64) -> u16 {
    let [low, high, ..] = int32(number).to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// The low 32 bits of a number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and below 2^32")]
pub(super) fn int32(number: f64) -> i32 {
    if !number.is_finite() {
        return 0;
    }
    (number.trunc().rem_euclid(4_294_967_296.0) as u32).cast_signed()
}
