//! Words of others in our sentences: on one line, of bounded length, and without characters that rearrange a terminal.

/// How many characters of foreign text a reason repeats.
pub(crate) const SHOWN: usize = 300;

/// The text on one line, cut to [`SHOWN`] characters, without control and invisible formatting characters.
pub(crate) fn shown(text: &str) -> String {
    let plain: String = text.chars().map(|c| if hides(c) { ' ' } else { c }).take(SHOWN + 1).collect();
    cut(plain.trim(), SHOWN)
}

/// True for characters that print nothing or change how others print.
pub(crate) fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// The text in printable ASCII; whatever is not becomes `?`.
pub(crate) fn ascii(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

/// The text, or its beginning and `...` if it has more characters than that.
pub(crate) fn cut(text: &str, characters: usize) -> String {
    if text.chars().nth(characters).is_none() {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(characters.saturating_sub(3)).collect();
    cut.truncate(cut.trim_end().len());
    cut + "..."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_on_its_line() {
        assert_eq!(shown("a\nb\u{1b}[31m\u{202e}c "), "a b [31m c");
        assert_eq!(shown(&"x".repeat(1000)).len(), SHOWN);
        assert_eq!(cut("four", 4), "four");
        assert_eq!(cut("fives", 4), "f...");
        assert_eq!(ascii("na\u{ef}ve\n"), "na?ve?");
    }
}
