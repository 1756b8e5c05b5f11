//! Which programs a command runs: a rule may excuse those of compilers, and must not be talked into it by a command that
//! only names one.

use crate::value::HOLE;

/// What separates one command from the next.
const SEPARATORS: [char; 4] = ['&', '|', ';', '\n'];

/// Variables that change how something is built or said, and not what is run.
const HARMLESS: [&str; 11] =
    ["CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "FFLAGS", "ARCHFLAGS", "LANG", "LC_ALL", "TERM", "DESTDIR", "PREFIX"];

/// True if every program that a command runs is one of these. `python setup.py` means this program with this first
/// argument or one that ends so, `-config` every program whose name ends so, and a whole command means itself. A program
/// that is not known is none that a rule can mean.
pub(super) fn are_all_of(command: &str, programs: &[String]) -> bool {
    let hides = ["$(", "`", "<(", ">("].iter().any(|substitution| command.contains(substitution));
    // `2>&1` is no end of a command.
    let command = command.replace(">&", ">");
    !hides && !programs.is_empty() && pieces(&command).all(|piece| is_one_of(piece, programs))
}

fn pieces(command: &str) -> impl Iterator<Item = &str> {
    // Between the two halves of `&&`, and behind a `;` at the end, there is nothing.
    command.split(SEPARATORS).map(str::trim).filter(|piece| !piece.is_empty())
}

fn is_one_of(piece: &str, programs: &[String]) -> bool {
    let words = piece.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
    let mut words = words.skip_while(|word| sets_a_tool(word, programs));
    let Some(first) = words.next() else { return true };
    let program = name_of(first);
    if program.starts_with(HOLE) {
        return true;
    }
    let next = words.next().unwrap_or_default();
    programs.iter().any(|known| match known.split_once(' ') {
        Some(_) if known == piece => true,
        Some((name, argument)) => name == program && next.ends_with(argument),
        None if known.starts_with('-') => program.ends_with(&**known),
        None => *known == program,
    })
}

/// `CFLAGS=-O2` or `CC=gcc` in front of a program. What other variables do is not known: `GIT_SSH_COMMAND` makes another
/// program of `git`, so that with one of those the piece is none that a rule can mean.
fn sets_a_tool(word: &str, programs: &[String]) -> bool {
    let Some((name, value)) = word.split_once('=') else { return false };
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    HARMLESS.contains(&name) || (is_name && programs.contains(&name_of(value)))
}

/// A program without its folder, ending and version.
fn name_of(word: &str) -> String {
    if matches!(word, "sys.executable" | "process.execPath") {
        return if word.starts_with("sys") { "python".to_owned() } else { "node".to_owned() };
    }
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word).to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let version = |c: char| c.is_ascii_digit() || c == '.';
    name.trim_end_matches(version).trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::are_all_of;

    #[test]
    fn a_command_is_excused_only_if_all_of_it_is() {
        let known = ["git", "gcc", "-config", "python setup.py"].map(str::to_owned);
        let cases = [
            ("git describe --tags", true),
            ("/usr/bin/gcc-12 -v", true),
            ("CC=gcc CFLAGS=-O2 git status", true),
            ("GIT_SSH_COMMAND=evil git fetch", false),
            ("CC=evil gcc -v", false),
            ("pg-config --libs && git log", true),
            ("python3 setup.py build", true),
            ("\u{fffc} --libs", true),
            ("python evil.py", false),
            ("sh -c evil # git", false),
            ("git log; sh evil", false),
            ("git log | sh", false),
            ("git log & sh evil", false),
            ("git log 2>&1", true),
            ("git diff <(evil)", false),
            ("git $(evil)", false),
            ("evil git", false),
            ("gitx", false),
        ];
        for (command, excused) in cases {
            assert_eq!(are_all_of(command, &known), excused, "{command}");
        }
        assert!(!are_all_of("git log", &[]));
    }
}
