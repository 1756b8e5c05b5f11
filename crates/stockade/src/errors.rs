//! Errors with a hint, and how they are shown: once, at the edge.

use std::fmt::Write as _;

/// An error that knows what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Hinted {
    what: String,
    hint: String,
}

/// An error with a hint.
pub(crate) fn hinted(what: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    Hinted { what: what.into(), hint: hint.into() }.into()
}

/// The error with its causes, and the hint of the innermost that has one.
pub(crate) fn rendered(error: &anyhow::Error) -> String {
    let mut text = format!("stockade: {error}\n");
    for cause in error.chain().skip(1) {
        let _ = writeln!(text, "  because {cause}");
    }
    if let Some(hinted) = error.chain().filter_map(|cause| cause.downcast_ref::<Hinted>()).last() {
        let _ = writeln!(text, "hint: {}", hinted.hint);
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn an_error_is_shown_with_causes_and_its_hint() {
        let inner = hinted("`x` is unknown", "write `y`");
        let error = Err::<(), _>(inner).context("the settings cannot be used").unwrap_err();
        let expected = "stockade: the settings cannot be used\n  because `x` is unknown\nhint: write `y`\n";
        assert_eq!(rendered(&error), expected);
        assert_eq!(rendered(&anyhow::anyhow!("no")), "stockade: no\n");
    }
}
