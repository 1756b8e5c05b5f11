//! Commands that run code: given with an option, in a file, or on the input. However it is written (`bash -lc`, `-ec`,
//! `node --eval=…`, `powershell -EncodedCommand …`), one call comes out: the canonical option and the code, or the
//! script's file first, or the input as `stdin`.

use super::Shell;
use super::words::Word;
use crate::ir::Expr;

/// An interpreter's command line.
struct Kind {
    names: &'static [&'static str],
    /// Options that code follows; the first is the canonical one.
    code: &'static [&'static str],
    /// Options that a file follows which is run as well.
    files: &'static [&'static str],
    /// Options that another value follows.
    valued: &'static [&'static str],
    /// The letter that asks for code at the end of several short options.
    letter: char,
}

const KINDS: &[Kind] = &[
    Kind {
        names: &["sh", "bash", "zsh", "dash", "ksh", "ash", "fish"],
        code: &["-c"],
        files: &["--rcfile", "--init-file"],
        valued: &["-o", "-O", "+o"],
        letter: 'c',
    },
    Kind {
        names: &["node", "nodejs", "bun", "deno", "tsx", "ts-node"],
        code: &["-e", "--eval", "-p", "--print", "-pe", "-ep", "eval"],
        files: &["-r", "--require", "--import", "--loader", "--experimental-loader", "--preload"],
        valued: &["-C", "--conditions", "--env-file", "--title", "--stack-trace-limit", "-P", "--project", "--config"],
        letter: 'e',
    },
    Kind {
        names: &["python", "python2", "python3", "py", "pypy", "pypy3", "pythonw"],
        code: &["-c"],
        files: &[],
        valued: &["-W", "-X"],
        letter: 'c',
    },
    Kind { names: &["perl"], code: &["-e", "-E"], files: &[], valued: &[], letter: 'e' },
    Kind { names: &["ruby"], code: &["-e"], files: &["-r"], valued: &["-I", "-C"], letter: 'e' },
    Kind { names: &["php"], code: &["-r"], files: &[], valued: &["-d", "-c"], letter: 'r' },
    Kind { names: &["lua", "luajit", "Rscript"], code: &["-e"], files: &[], valued: &["-l"], letter: 'e' },
    Kind { names: &["osascript"], code: &["-e"], files: &[], valued: &["-l", "-s"], letter: 'e' },
    Kind { names: &["source"], code: &[], files: &[], valued: &[], letter: '\0' },
];

/// The interpreter of a name.
pub(super) fn known(name: &str) -> Option<&'static str> {
    match name {
        "powershell" | "pwsh" => return Some("powershell"),
        // What the evaluator calls the interpreter that a program runs in.
        "sys.executable" => return Some("python"),
        "process.execPath" | "process.argv0" => return Some("node"),
        _ => {}
    }
    kind(name).and_then(|kind| kind.names.iter().copied().find(|known| *known == name))
}

fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.names.contains(&name))
}

/// What a command line gives an interpreter.
#[derive(Default)]
struct Parts {
    code: Vec<Expr>,
    files: Vec<Word>,
    rest: Vec<Word>,
    module: bool,
}

impl Shell<'_> {
    /// The call of an interpreter.
    pub(super) fn interpreter(&mut self, name: &str, words: Vec<Word>, input: Option<Expr>) -> Expr {
        let at = words.first().map_or(0, |word| word.at);
        if name == "powershell" {
            return self.powershell(words, input, at);
        }
        let Some(kind) = kind(name) else {
            return self.plain_call(name, &words, input);
        };
        let mut parts = self.sorted(kind, words.into_iter().skip(1).collect());
        let option = kind.code.first().copied().unwrap_or("-c");
        let mut arguments = Vec::new();
        for file in std::mem::take(&mut parts.files) {
            let path = self.word_expr(&file);
            arguments.push(self.b.call_name("(file)", vec![path], file.at));
        }
        let loads = (!arguments.is_empty()).then(|| self.b.other(arguments, at));
        let mut arguments = Vec::new();
        let mut given = input.map(|input| ("stdin", input));
        if !parts.code.is_empty() {
            arguments.push(self.b.text(option, at));
            arguments.push(self.b.join(parts.code, at));
            given = input.map(|input| ("data", input));
        } else if parts.module {
            arguments.push(self.b.text("-m", at));
        } else if let Some(script) = parts.rest.first() {
            if script.process {
                given = Some(("stdin", self.word_expr(&parts.rest.remove(0))));
            } else {
                given = input.map(|input| ("data", input));
            }
        }
        arguments.extend(parts.rest.iter().map(|word| self.word_expr(word)));
        arguments.extend(loads);
        self.call_path(name, arguments, given, at)
    }

    /// Options are taken apart up to the script or module; what follows that is its own.
    fn sorted(&mut self, kind: &Kind, words: Vec<Word>) -> Parts {
        let mut parts = Parts::default();
        let mut words = words.into_iter().peekable();
        while let Some(word) = words.next() {
            let text = word.literal().unwrap_or_default().to_owned();
            let (option, value) = match text.split_once('=').filter(|_| text.starts_with("--")) {
                Some((option, value)) => (option, Some(Word::of(value, word.at))),
                None => (&*text, None),
            };
            if self.takes_code(kind, option) {
                let code = value.or_else(|| words.next());
                parts.code.extend(code.map(|code| self.word_expr(&code)));
            } else if kind.files.contains(&option) {
                parts.files.extend(value.or_else(|| words.next()));
            } else if option == "-m" && kind.letter == 'c' && kind.valued.contains(&"-W") {
                parts.module = true;
                break;
            } else if kind.valued.contains(&option) {
                if value.is_none() {
                    words.next();
                }
            } else if option == "run" && kind.letter == 'e' && parts.rest.is_empty() {
                // `bun run x`, `deno run x`
            } else if !is_option(&text) {
                parts.rest.push(word);
                break;
            } else if text == "-" || text == "-s" {
                break;
            }
        }
        parts.rest.extend(words);
        parts
    }

    fn takes_code(&self, kind: &Kind, option: &str) -> bool {
        let short = option.strip_prefix('-').filter(|rest| !rest.starts_with('-') && rest.len() <= 6);
        let grouped = short.is_some_and(|rest| {
            rest.ends_with(kind.letter) && rest.bytes().all(|byte| byte.is_ascii_alphabetic()) && kind.letter != '\0'
        });
        kind.code.contains(&option) || (grouped && !kind.files.contains(&option) && !self.b.is_full())
    }

    /// Options of PowerShell may be cut short and are not case-sensitive.
    fn powershell(&mut self, words: Vec<Word>, input: Option<Expr>, at: u32) -> Expr {
        let mut arguments = Vec::new();
        let mut hidden = None;
        let mut words = words.into_iter().skip(1).peekable();
        while let Some(word) = words.next() {
            let text = word.literal().unwrap_or_default().to_ascii_lowercase();
            let option = text.strip_prefix(['-', '/']).filter(|_| !word.quoted).map(str::to_owned);
            match option.as_deref() {
                Some(o) if is_short(o, "encodedcommand", 1) || o == "ec" => {
                    let encoded = words.next().map(|word| self.word_expr(&word));
                    let code = self.b.call_name("frombase64utf16", encoded.into_iter().collect(), at);
                    arguments = vec![self.b.text("-command", at), code];
                    break;
                }
                Some(o) if is_short(o, "file", 1) => {
                    arguments = words.by_ref().map(|word| self.word_expr(&word)).collect();
                    break;
                }
                Some(o) if is_short(o, "command", 1) => {
                    arguments = {
                        let rest: Vec<Word> = words.by_ref().collect();
                        self.powershell_code(&rest, at)
                    };
                    break;
                }
                Some(o) if is_short(o, "windowstyle", 1) => {
                    let style = words.next();
                    let style = style.as_ref().and_then(Word::literal).unwrap_or_default();
                    if is_short(&style.to_ascii_lowercase(), "hidden", 1) || style == "1" {
                        hidden = Some(self.b.call_name("(hidden)", Vec::new(), at));
                    }
                }
                Some(o) if is_short(o, "executionpolicy", 2) || o == "ep" || is_short(o, "version", 1) => {
                    words.next();
                }
                Some("" | "-") => {}
                Some(o) if o.bytes().all(|byte| byte.is_ascii_alphabetic()) => {}
                _ if text.rsplit('.').next() == Some("ps1") => {
                    arguments = std::iter::once(word).chain(words.by_ref()).map(|w| self.word_expr(&w)).collect();
                    break;
                }
                _ => {
                    let rest: Vec<Word> = std::iter::once(word).chain(words.by_ref()).collect();
                    arguments = self.powershell_code(&rest, at);
                    break;
                }
            }
        }
        arguments.extend(hidden);
        self.call_path("powershell", arguments, input.map(|input| ("stdin", input)), at)
    }

    fn powershell_code(&mut self, words: &[Word], at: u32) -> Vec<Expr> {
        if words.is_empty() || words.first().and_then(Word::literal) == Some("-") {
            return Vec::new();
        }
        let code = self.joined(words, at);
        vec![self.b.text("-command", at), code]
    }
}

fn is_option(text: &str) -> bool {
    text.starts_with('-') || text.starts_with('+')
}

/// True if an option is the beginning of a name, of at least some letters.
fn is_short(option: &str, name: &str, least: usize) -> bool {
    option.len() >= least && name.starts_with(option)
}
