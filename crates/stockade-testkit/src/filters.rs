//! What differs from run to run in the output of a terminal, taken out, so that the rest can be a snapshot.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// Colours, cursor movements and hyperlinks.
static ANSI: LazyLock<Regex> = LazyLock::new(|| regex(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"));
static PORT: LazyLock<Regex> = LazyLock::new(|| regex(r"(127\.0\.0\.1|localhost|\[::1\]):[0-9]{2,5}\b"));
static INSTANT: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})")
});
static TIME: LazyLock<Regex> =
    LazyLock::new(|| regex(r"\bin [0-9]+(\.[0-9]+)? ?(ms|s|m|h)( [0-9]+s)?\b|\b[0-9]+(\.[0-9]+)? ?(ms|µs)\b"));
static RULING: LazyLock<Regex> = LazyLock::new(|| regex(r"/r/[0-9a-z]{26}\b"));
/// The folder for temporary files, on macOS also under its real name, and the first name below it.
static FOLDER: LazyLock<Regex> = LazyLock::new(|| {
    let folder = std::env::temp_dir();
    let real = folder.canonicalize().unwrap_or_else(|_| folder.clone());
    let escape = |path: &Path| regex::escape(path.to_string_lossy().trim_end_matches('/'));
    regex(&format!(r#"(?:{}|{})/[^/\s"'`:,)]+"#, escape(&real), escape(&folder)))
});

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern of a filter is valid")
}

/// Terminal output without what differs from run to run.
///
/// ANSI codes and npm's lines about its log file are dropped. Loopback ports become `[PORT]`, temporary folders `[DIR]`,
/// durations (`in 2s`, `512ms`) `[TIME]`, RFC 3339 instants `[INSTANT]` and the identifiers of rulings `[RULING]`. White
/// space at the end of lines goes, too, since no editor keeps it in a snapshot.
pub fn tidy(text: &str) -> String {
    let text = ANSI.replace_all(text, "").replace("\r\n", "\n");
    let lines: Vec<&str> = text.lines().filter(|line| !is_about_a_log(line)).map(str::trim_end).collect();
    let text = lines.join("\n") + if text.ends_with('\n') { "\n" } else { "" };
    let text = FOLDER.replace_all(&text, "[DIR]");
    let text = PORT.replace_all(&text, "$1:[PORT]");
    let text = INSTANT.replace_all(&text, "[INSTANT]");
    let text = TIME.replace_all(
        &text,
        |found: &regex::Captures<'_>| {
            if found[0].starts_with("in ") { "in [TIME]" } else { "[TIME]" }
        },
    );
    RULING.replace_all(&text, "/r/[RULING]").into_owned()
}

fn is_about_a_log(line: &str) -> bool {
    line.contains("A complete log of this run can be found in") || (line.contains("_logs") && line.contains("-debug-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_replaced() {
        let check = |text: &str, expect: &str| assert_eq!(tidy(text), expect);
        check("at http://127.0.0.1:41873/r/01jz8a4t7k3m5n6p7q8r9s0tvw", "at http://127.0.0.1:[PORT]/r/[RULING]");
        check("http://localhost:80/ and [::1]:4873", "http://localhost:[PORT]/ and [::1]:[PORT]");
        check("added 1 package in 2s", "added 1 package in [TIME]");
        check("added 9 packages in 1m 3s, 512ms, 1.5 ms", "added 9 packages in [TIME], [TIME], [TIME]");
        check("at 2026-06-01T12:00:00.123Z", "at [INSTANT]");
        check("at 2026-06-01T12:00+02:00.", "at [INSTANT].");
        check("\x1b[1;31mnpm\x1b[0m \x1b]8;;http://x.example\x07link\x1b]8;;\x07", "npm link");
    }

    #[test]
    fn temporary_folders_go_with_their_random_name() {
        let folder = std::env::temp_dir().join(".tmpA1b2C3");
        let text = format!("in {0}/project, \"{0}\"\n", folder.display());
        assert_eq!(tidy(&text), "in [DIR]/project, \"[DIR]\"\n");
    }

    #[test]
    fn lines_about_logs_are_dropped() {
        let text =
            "npm error code E403\r\nnpm error A complete log of this run can be found in: x/_logs/1-debug-0.log\n";
        assert_eq!(tidy(text), "npm error code E403\n");
    }

    #[test]
    fn what_a_person_has_to_read_stays() {
        let text = "held by stockade: `left-demo` 1.1.0 is 5 hours old; policy asks 72 hours\nhint: 1.0.9 is cleared";
        assert_eq!(tidy(text), text);
        assert_eq!(tidy("72h, 30s, 10m, in 3 steps"), "72h, 30s, 10m, in 3 steps");
    }
}
