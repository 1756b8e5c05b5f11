//! A refusal as cargo's users see it.
//!
//! cargo prints the body of whatever is no success, cut to 512 bytes, as it is: JSON would be shown as JSON. So the body
//! is text, the sentence first. The reason phrase is for whoever reads along in a log.

use crate::{Denial, Refusal};

/// How many bytes of a body cargo prints.
const SHOWN: usize = 512;

pub(super) fn denial(refusal: &Refusal) -> Denial {
    let mut body = String::new();
    let hint = refusal.hint.iter().map(|hint| format!("hint: {hint}"));
    let see = refusal.see.iter().map(|see| format!("see:  {see}"));
    for line in std::iter::once(refusal.sentence.clone()).chain(hint).chain(see) {
        let line = plain(&line);
        let left = SHOWN.saturating_sub(body.len() + 1);
        if body.is_empty() {
            body.push_str(&line[..line.floor_char_boundary(left)]);
        } else if line.len() <= left {
            body.push('\n');
            body.push_str(&line);
        }
    }
    Denial {
        status: refusal.status,
        phrase: Denial::phrase_of(&refusal.sentence),
        content_type: "text/plain; charset=utf-8",
        body: body.into_bytes(),
    }
}

/// The text as one line that does nothing to a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(sentence: &str) -> Refusal {
        Refusal {
            status: 403,
            title: "held by stockade".to_owned(),
            sentence: sentence.to_owned(),
            hint: Some("1.0.9 is cleared".to_owned()),
            see: Some("http://127.0.0.1:4873/r/x".to_owned()),
        }
    }

    #[test]
    fn the_sentence_comes_first() {
        let denial = denial(&refusal("held by stockade: `left` 1.1.0 is 5 hours old; policy asks 72 hours"));
        assert_eq!((denial.status, denial.content_type), (403, "text/plain; charset=utf-8"));
        assert_eq!(denial.phrase, "held by stockade: `left` 1.1.0 is 5 hours old; policy asks 72 hours");
        insta::assert_snapshot!(String::from_utf8(denial.body).unwrap(), @r"
        held by stockade: `left` 1.1.0 is 5 hours old; policy asks 72 hours
        hint: 1.0.9 is cleared
        see:  http://127.0.0.1:4873/r/x
        ");
    }

    #[test]
    fn no_line_is_cut_that_need_not_be() {
        let body = |sentence: &str| String::from_utf8(denial(&refusal(sentence)).body).unwrap();
        let long = body(&"\u{e4}".repeat(400));
        assert_eq!(long, "\u{e4}".repeat(255));
        // Both lines do not fit, so the address goes.
        assert_eq!(body(&"x".repeat(470)), format!("{}\nhint: 1.0.9 is cleared", "x".repeat(470)));
        assert_eq!(body(&"x".repeat(500)), "x".repeat(500));
    }

    #[test]
    fn nothing_in_it_moves_a_cursor() {
        let denial = denial(&refusal("a\u{1b}[2Kb\r\nc\u{9b}d\0"));
        assert!(String::from_utf8(denial.body).unwrap().starts_with("a [2Kb  c d \nhint: "));
    }
}
