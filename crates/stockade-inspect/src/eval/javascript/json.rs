//! JSON, in order: objects keep theirs.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::super::operators::number_text;
use super::{MAX_ITEMS, MAX_RESULT, partial_value};
use crate::value::{Entries, HOLE, Known, Value};

/// How deep values are written; they may hold themselves.
const MAX_DEPTH: u32 = 40;

pub(super) fn parse(text: &str) -> Option<Value> {
    serde_json::from_str::<Parsed>(text).ok().map(|parsed| parsed.0)
}

/// What is not known of the value is a hole in the text.
pub(super) fn stringify(value: &Value) -> Option<Value> {
    let mut text = String::new();
    write(value, &mut text, MAX_DEPTH).then(|| partial_value(&text))
}

fn write(value: &Value, text: &mut String, depth: u32) -> bool {
    if depth == 0 || text.len() > MAX_RESULT {
        return false;
    }
    match &value.known {
        Known::Unknown | Known::Api(_) => text.push(HOLE),
        Known::Boolean(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Known::Number(number) if number.is_finite() => text.push_str(&number_text(*number)),
        Known::Number(_) | Known::Nothing | Known::Function(_) => text.push_str("null"),
        Known::Text(inner) | Known::Partial(inner) => text.push_str(&quoted(inner)),
        Known::Bytes(_) | Known::Pattern(..) => text.push_str("{}"),
        Known::List(items) => {
            text.push('[');
            let Ok(items) = items.try_borrow() else { return false };
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                if !write(item, text, depth - 1) {
                    return false;
                }
            }
            text.push(']');
        }
        Known::Map(entries) => {
            text.push('{');
            let Ok(entries) = entries.try_borrow() else { return false };
            let shown = entries.iter().filter(|(_, value)| !matches!(value.known, Known::Function(_) | Known::Nothing));
            for (at, (key, item)) in shown.enumerate() {
                if at > 0 {
                    text.push(',');
                }
                text.push_str(&quoted(key));
                text.push(':');
                if !write(item, text, depth - 1) {
                    return false;
                }
            }
            text.push('}');
        }
    }
    true
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "JavaScript has no other numbers")]
fn digits(number: i64) -> f64 {
    number as f64
}

struct Parsed(Value);

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values).map(Parsed)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Value;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Known::Nothing.into())
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Known::Boolean(truth).into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::number(digits(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::number(digits(i64::try_from(number).unwrap_or(i64::MAX))))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(Parsed(item)) = items.next_element()? {
            if out.len() < MAX_ITEMS {
                out.push(item);
            }
        }
        Ok(Value::list(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut out = Entries::default();
        while let Some((key, Parsed(value))) = entries.next_entry::<String, Parsed>()? {
            if out.len() < MAX_ITEMS {
                out.insert(key.into(), value);
            }
        }
        Ok(Value::map(out))
    }
}
