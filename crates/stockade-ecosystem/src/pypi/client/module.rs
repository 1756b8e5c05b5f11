//! Clients that an interpreter is told to run: `python -m pip`.

/// Options of the interpreter that take a value, behind them or as the next word.
const WITH_VALUE: [char; 3] = ['W', 'X', 'Q'];

/// The module that a command runs, and how many of its words lead to it. `words` begins with the interpreter's name.
pub(in super::super) fn module<'a>(words: &[&'a str]) -> Option<(&'a str, usize)> {
    let (interpreter, options) = words.split_first()?;
    let version = ["python", "pypy"].iter().find_map(|name| interpreter.strip_prefix(name))?;
    if !version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let mut at = 0;
    while let Some(option) = options.get(at) {
        at += 1;
        let letters = option.strip_prefix('-').filter(|letters| !letters.is_empty())?;
        if letters.starts_with('-') {
            // None of the long ones goes before a module.
            return None;
        }
        for (place, letter) in letters.char_indices() {
            let value = letters.get(place + letter.len_utf8()..).filter(|value| !value.is_empty());
            match letter {
                'm' if value.is_some() => return Some((value?, at + 1)),
                'm' => return Some((options.get(at)?, at + 2)),
                'c' => return None,
                letter if WITH_VALUE.contains(&letter) => {
                    at += usize::from(value.is_none());
                    break;
                }
                _ => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_found_behind_the_interpreters_options() {
        let found = |command: &'static str| module(&command.split(' ').collect::<Vec<_>>());
        for (command, words) in [
            ("python -m pip install x", 3),
            ("python3 -m pip", 3),
            ("python3.11 -m pip -m x", 3),
            ("pypy3.10 -mpip install", 2),
            ("python3 -I -m pip", 4),
            ("python3 -Im pip", 3),
            ("python3 -ImPIP", 2),
            ("python3 -X dev -W ignore -m pip", 7),
            ("python3 -Xdev -m pip", 4),
        ] {
            let found = found(command).map(|(module, words)| (module.to_lowercase(), words));
            assert_eq!(found, Some(("pip".to_owned(), words)), "{command}");
        }
        for command in [
            "pip -m pip",
            "python",
            "python -m",
            "python setup.py -m pip",
            "python -c -m pip",
            "python -X -m pip",
            "python --version -m pip",
            "python - -m pip",
            "python-config -m pip",
            "ipython3 -m pip",
        ] {
            assert_eq!(found(command), None, "{command}");
        }
    }
}
