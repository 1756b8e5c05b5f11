//! A refusal as clients show it to their users.
//!
//! Each client shows another part of a response: npm the JSON member `error` and the reason phrase, pnpm, Yarn and pip the
//! reason phrase, uv RFC 9457's `title` and `detail` if the content type is *exactly* `application/problem+json`. So the
//! sentence is in all three places.

use serde::Serialize;

use crate::{Denial, Refusal};

/// RFC 9457. A parameter (`; charset=…`) makes clients ignore the body.
const CONTENT_TYPE: &str = "application/problem+json";

#[derive(Serialize)]
struct Problem<'a> {
    detail: &'a str,
    title: &'a str,
    status: u16,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
}

/// The refusal on all three carriers.
pub(crate) fn problem(refusal: &Refusal) -> Denial {
    let mut whole = refusal.sentence.clone();
    for (label, line) in [("hint: ", &refusal.hint), ("see:  ", &refusal.see)] {
        if let Some(line) = line {
            whole.push('\n');
            whole.push_str(label);
            whole.push_str(line);
        }
    }
    let problem = Problem {
        detail: &refusal.sentence,
        title: &refusal.title,
        status: refusal.status,
        error: &whole,
        // RFC 9457 wants a URI reference here, and a person may be sent to a command instead.
        instance: refusal.see.as_deref().filter(|see| see.starts_with("http")),
    };
    Denial {
        status: refusal.status,
        phrase: Denial::phrase_of(&refusal.sentence),
        content_type: CONTENT_TYPE,
        body: serde_json::to_vec(&problem).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_is_on_every_carrier() {
        let denial = problem(&Refusal {
            status: 403,
            title: "held by stockade".to_owned(),
            sentence: "held by stockade: `left` 1.1.0 is 5 hours old; policy asks 72 hours\r\nx: \u{fc}".to_owned(),
            hint: Some("1.0.9 is cleared".to_owned()),
            see: Some("http://127.0.0.1:4873/r/x".to_owned()),
        });
        assert_eq!(denial.phrase, "held by stockade: `left` 1.1.0 is 5 hours old; policy asks 72 hours  x: ?");
        assert_eq!(denial.content_type, "application/problem+json");
        insta::assert_snapshot!(String::from_utf8(denial.body).unwrap(), @r#"{"detail":"held by stockade: `left` 1.1.0 is 5 hours old; policy asks 72 hours\r\nx: ü","title":"held by stockade","status":403,"error":"held by stockade: `left` 1.1.0 is 5 hours old; policy asks 72 hours\r\nx: ü\nhint: 1.0.9 is cleared\nsee:  http://127.0.0.1:4873/r/x","instance":"http://127.0.0.1:4873/r/x"}"#);
    }

    #[test]
    fn a_long_sentence_fits_into_the_phrase() {
        let phrase = Denial::phrase_of(&"x".repeat(1_000));
        assert_eq!(phrase.len(), Denial::MAX_PHRASE);
        assert!(phrase.ends_with("..."));
    }
}
