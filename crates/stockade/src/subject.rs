//! What people ask about: releases, instants.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use stockade_ecosystem::{ALL, by_id};
use stockade_model::{Package, Purl, Release};

use crate::errors::hinted;

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;
/// What can stand after the number of a duration, and how many seconds it is.
const UNITS: [(&str, i64); 5] = [("s", 1), ("m", 60), ("h", HOUR), ("d", DAY), ("w", 7 * DAY)];

/// A package URL whose ecosystem is known and whose name is in its normal form.
pub(crate) fn purl(text: &str) -> anyhow::Result<Purl> {
    let purl: Purl = text.parse().map_err(|error: stockade_model::MalformedPurl| match suggestion(text) {
        Some(purl) => hinted(error.to_string(), format!("write `{purl}`")),
        None => error.into(),
    })?;
    let id = &purl.package.ecosystem;
    let known = ALL.iter().find(|ecosystem| ecosystem.purl_type == id.as_str());
    let Some(ecosystem) = known.copied().or_else(|| by_id(id.as_str())) else {
        let known: Vec<String> = ALL.iter().map(|ecosystem| format!("`pkg:{}/…`", ecosystem.purl_type)).collect();
        return Err(hinted(
            format!("`{id}` is no ecosystem that stockade knows"),
            format!("write {}", known.join(", ")),
        ));
    };
    let name = (ecosystem.name)(purl.package.name.as_str())?;
    let package = Package { ecosystem: ecosystem.id.clone(), name };
    Ok(Purl { package, version: purl.version, file: purl.file })
}

/// A package URL with a version.
pub(crate) fn release(text: &str) -> anyhow::Result<Release> {
    let purl = purl(text)?;
    let missing = || hinted(format!("`{purl}` names no version"), format!("write `{purl}@VERSION`"));
    purl.release().ok_or_else(missing)
}

/// What somebody meant who wrote a name as clients take it.
fn suggestion(text: &str) -> Option<String> {
    let (name, version) = match text.rfind('@') {
        Some(at) if at > 0 => (&text[..at], &text[at + 1..]),
        _ => (text, "VERSION"),
    };
    let ecosystem = ALL.iter().find(|ecosystem| (ecosystem.name)(name).is_ok())?;
    Some(format!("pkg:{}/{name}@{version}", ecosystem.purl_type))
}

/// An instant, or a date, which means its beginning.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let day = |date: Date| date.to_zoned(TimeZone::UTC).map(|day| day.timestamp()).ok();
    let date = text.parse::<Date>().ok().filter(|_| text.len() == "2026-12-31".len()).and_then(day);
    date.or_else(|| text.parse().ok())
}

/// An end: a duration from now, a date, which ends with its beginning, or an instant.
pub(crate) fn end(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    let end = duration(text).and_then(|length| now.checked_add(length).ok());
    end.or_else(|| instant(text))
        .ok_or_else(|| hinted(format!("`{text}` is no end"), "write `30d`, `2026-12-31` or `2026-12-31T12:00:00Z`"))
}

/// A whole number and one unit.
pub(crate) fn duration(text: &str) -> Option<SignedDuration> {
    let (_, seconds) = UNITS.into_iter().find(|(unit, _)| text.ends_with(unit))?;
    let digits = &text[..text.len() - 1];
    let number: u32 = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    Some(SignedDuration::from_secs(i64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_duration_a_date_or_an_instant() {
        let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let end = |text: &str| end(text, now).map(|end| end.to_string()).map_err(|error| error.to_string());
        assert_eq!(end("30d").unwrap(), "2026-07-01T12:00:00Z");
        assert_eq!(end("90m").unwrap(), "2026-06-01T13:30:00Z");
        assert_eq!(end("2026-12-31").unwrap(), "2026-12-31T00:00:00Z");
        assert_eq!(end("2026-12-31T12:00:00+02:00").unwrap(), "2026-12-31T10:00:00Z");
        for text in ["", "d", "-1d", "30", "30y", "2026-02-30", "+1d", "\u{661}d"] {
            assert_eq!(end(text).unwrap_err(), format!("`{text}` is no end"));
        }
    }

    #[test]
    fn a_name_as_clients_take_it_is_no_release() {
        assert_eq!(suggestion("@acme/left@1.0.0").as_deref(), Some("pkg:npm/@acme/left@1.0.0"));
        assert_eq!(suggestion("left-demo").as_deref(), Some("pkg:npm/left-demo@VERSION"));
        assert_eq!(suggestion("no name"), None);
        assert_eq!(release("pkg:npm/left-demo").unwrap_err().to_string(), "`pkg:npm/left-demo` names no version");
    }
}
