//! Filters of rules, and how paths are written in them.

use std::fmt;
use std::path::{Path, PathBuf};

use super::SeatbeltError;

/// Links of the system: what they lead to has two names, and which one a rule is asked for is not the same everywhere.
const TWO_NAMES: [(&str, &str); 3] = [("/etc", "/private/etc"), ("/tmp", "/private/tmp"), ("/var", "/private/var")];

/// What a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter(String);

impl Filter {
    /// A path and all that lies in it. What is no folder, or is not there, is not in itself everywhere.
    pub(super) fn all_of(path: &Path) -> Result<Vec<Self>, SeatbeltError> {
        let mut filters = Vec::new();
        for name in names(path) {
            let quoted = quoted(&name)?;
            filters.extend([Self(format!("(literal {quoted})")), Self(format!("(subpath {quoted})"))]);
        }
        Ok(filters)
    }

    /// A path, and nothing in it.
    pub(super) fn itself(path: &Path) -> Result<Vec<Self>, SeatbeltError> {
        names(path).iter().map(|name| Ok(Self(format!("(literal {})", quoted(name)?)))).collect()
    }

    /// Everything but these and what lies in them.
    pub(super) fn none_of(paths: &[PathBuf]) -> Result<Self, SeatbeltError> {
        let mut text = "(require-all\n    (subpath \"/\")".to_owned();
        for path in paths {
            for Self(filter) in Self::all_of(path)? {
                text.extend(["\n    (require-not ", filter.as_str(), ")"]);
            }
        }
        Ok(Self(text + ")"))
    }

    /// A port of this machine: the `local` or the `remote` end of a connection.
    pub(super) fn port(end: &str, port: u16) -> Self {
        Self(format!("({end} ip \"localhost:{port}\")"))
    }

    /// Sockets that have a path.
    pub(super) fn local_sockets() -> Self {
        Self("(socket-domain AF_UNIX)".to_owned())
    }

    /// Those whose path lies in a folder.
    pub(super) fn sockets(end: &str, folder: &Path) -> Result<Vec<Self>, SeatbeltError> {
        let sockets = |name: &PathBuf| Ok(Self(format!("({end} unix-socket (subpath {}))", quoted(name)?)));
        names(folder).iter().map(sockets).collect()
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names in a folder that are like a pattern, in which `*` stands for anything, with all that lies in them; whether they
/// are there or not. File systems of macOS take `.GIT` for `.git`, so letters are those of either case.
///
/// This is for rules that deny: what has a meaning in an expression is any character, so that nothing has to be escaped,
/// and what is denied is rather too much.
pub(super) fn name_pattern(folder: &Path, name: &str) -> Result<Vec<Filter>, SeatbeltError> {
    let mut filters = Vec::new();
    for folder in names(folder) {
        let mut text = String::from("(regex #\"^");
        checked(&folder)?.trim_end_matches('/').chars().for_each(|character| push(&mut text, character, false));
        text.push('/');
        checked(Path::new(name))?.chars().for_each(|character| push(&mut text, character, true));
        filters.push(Filter(text + "(/.*)?$\")"));
    }
    Ok(filters)
}

fn push(text: &mut String, character: char, is_pattern: bool) {
    match character {
        '*' if is_pattern => text.push_str("[^/]*"),
        _ if is_pattern && character.is_ascii_alphabetic() => {
            text.extend(['[', character.to_ascii_lowercase(), character.to_ascii_uppercase(), ']']);
        }
        '/' | '-' | '_' | '0'..='9' | 'A'..='Z' | 'a'..='z' => text.push(character),
        // As one character or as several bytes: which of them an expression sees is not known.
        _ if !character.is_ascii() => text.push_str("[^/]+"),
        '.' => text.push_str("[.]"),
        _ => text.push('.'),
    }
}

/// A path, and the other name that it has.
fn names(path: &Path) -> Vec<PathBuf> {
    let other = |(short, long): (&str, &str)| {
        let renamed = |from: &str, to: &str| {
            let rest = path.strip_prefix(from).ok()?;
            Some(if rest.as_os_str().is_empty() { PathBuf::from(to) } else { Path::new(to).join(rest) })
        };
        renamed(short, long).or_else(|| renamed(long, short))
    };
    std::iter::once(path.to_owned()).chain(TWO_NAMES.into_iter().find_map(other)).collect()
}

/// A path as a string of the language, which is one of Scheme.
fn quoted(path: &Path) -> Result<String, SeatbeltError> {
    let mut text = String::from("\"");
    for character in absolute(path)?.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            _ => text.push(character),
        }
    }
    Ok(text + "\"")
}

fn absolute(path: &Path) -> Result<&str, SeatbeltError> {
    let text = checked(path)?;
    if path.is_absolute() { Ok(text) } else { Err(refused(path, "it is not absolute")) }
}

/// The text of a path. Characters for which Scheme has no name are refused rather than guessed.
fn checked(path: &Path) -> Result<&str, SeatbeltError> {
    let text = path.to_str().ok_or_else(|| refused(path, "it is not UTF-8"))?;
    let strange = |character: char| character.is_control() && !matches!(character, '\n' | '\r' | '\t');
    if text.chars().any(strange) { Err(refused(path, "it has a control character")) } else { Ok(text) }
}

fn refused(path: &Path, why: &'static str) -> SeatbeltError {
    SeatbeltError::Path { path: path.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    fn literal(path: &str) -> String {
        Filter::itself(Path::new(path)).unwrap()[0].to_string()
    }

    fn pattern(folder: &str, name: &str) -> String {
        name_pattern(Path::new(folder), name).unwrap()[0].to_string()
    }

    #[test]
    fn a_path_cannot_end_its_string() {
        assert_eq!(literal(r#"/a") (allow default) ("#), r#"(literal "/a\") (allow default) (")"#);
        assert_eq!(literal(r"/a\"), r#"(literal "/a\\")"#);
        assert_eq!(literal(r#"/a\" b"#), r#"(literal "/a\\\" b")"#);
        assert_eq!(literal("/a\n(allow default)\t\r"), r#"(literal "/a\n(allow default)\t\r")"#);
        assert_eq!(literal("/ä;|#'`b"), "(literal \"/ä;|#'`b\")");
    }

    #[test]
    fn a_path_that_cannot_be_written_is_refused() {
        let why = |path: &OsStr| Filter::all_of(Path::new(path)).unwrap_err().to_string();
        assert!(why(OsStr::from_bytes(b"/a\xff")).ends_with("cannot be named in a rule: it is not UTF-8"));
        assert!(why(OsStr::new("/a\u{1b}")).ends_with("it has a control character"));
        assert!(why(OsStr::new("a")).ends_with("it is not absolute"));
        assert!(name_pattern(Path::new(OsStr::from_bytes(b"/a\xff")), ".git").is_err());
    }

    #[test]
    fn what_has_two_names_is_named_twice() {
        let both = |path: &str| names(Path::new(path)).into_iter().map(|path| path.display().to_string()).collect();
        let both: &dyn Fn(&str) -> Vec<String> = &both;
        assert_eq!(both("/private/var/folders/a"), ["/private/var/folders/a", "/var/folders/a"]);
        assert_eq!(both("/tmp/a"), ["/tmp/a", "/private/tmp/a"]);
        assert_eq!(both("/private/tmp"), ["/private/tmp", "/tmp"]);
        assert_eq!(both("/Users/a/private/tmp"), ["/Users/a/private/tmp"]);
        assert_eq!(both("/variable"), ["/variable"]);
        assert_eq!(Filter::all_of(Path::new("/private/etc/ssh")).unwrap().len(), 4);
    }

    #[test]
    fn a_pattern_needs_no_escapes() {
        assert_eq!(pattern("/Users/me/a", ".git"), r#"(regex #"^/Users/me/a/[.][gG][iI][tT](/.*)?$")"#);
        assert_eq!(pattern("/a", ".aider*"), r#"(regex #"^/a/[.][aA][iI][dD][eE][rR][^/]*(/.*)?$")"#);
        assert_eq!(pattern("/", "x-1"), r#"(regex #"^/[xX]-1(/.*)?$")"#);
        assert_eq!(pattern("/a\"b)\\(c$/ö*", "x"), r#"(regex #"^/a.b...c./[^/]+./[xX](/.*)?$")"#);
    }
}
