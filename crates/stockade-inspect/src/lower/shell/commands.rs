//! From the words of a command to the call of one: wrappers come off, paths become names, and what a command does by its
//! options (`base64 -d`, `chmod +x`, `gh auth token`) becomes part of the path that the catalogue is asked about.

use super::words::{Part, Word};
use super::{Shell, argument};
use crate::ir::{Argument, Block, Expr, Expression, Statement};

/// The most wrappers around one command.
const MAX_WRAPPERS: usize = 20;

/// Commands that run the command after them: their name, and the options that have a value.
const WRAPPERS: &[(&str, &[&str])] = &[
    ("builtin", &[]),
    ("busybox", &[]),
    ("caffeinate", &["-t", "-w"]),
    ("call", &[]),
    ("command", &[]),
    ("cross-env", &[]),
    ("doas", &["-u", "-C"]),
    ("env", &["-u", "-C", "--unset", "--chdir"]),
    ("exec", &["-a"]),
    ("flock", &["-w", "-E"]),
    ("ionice", &["-c", "-n", "-p"]),
    ("nice", &["-n"]),
    ("nohup", &[]),
    ("setsid", &[]),
    ("start", &["/d"]),
    ("stdbuf", &[]),
    ("sudo", &["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-U"]),
    ("time", &["-f", "-o"]),
    ("timeout", &["-k", "-s"]),
    ("unbuffer", &[]),
    ("watch", &["-n"]),
    ("winpty", &[]),
    ("xargs", &["-n", "-P", "-I", "-L", "-d", "-s", "-E", "-a"]),
    ("xvfb-run", &[]),
];

/// Commands whose first word says what they do.
const ONE_SUBCOMMAND: &str = "bitsadmin bun cargo certutil docker doppler gem git go gsettings helm heroku ip launchctl \
    net netsh npm op pip pip3 pm2 pnpm podman poetry q reg sc schtasks security systemctl twine uv vault wmic yarn";

/// Commands whose first two words say what they do.
const TWO_SUBCOMMANDS: &str = "aws az gcloud gh kubectl";

/// Commands that do the same to each of their arguments, which are files.
const FOR_EACH_FILE: &[&str] =
    &["cat", "tac", "less", "more", "strings", "bat", "rm", "unlink", "shred", "del", "rmdir"];

/// Commands that read the files among their arguments, and how many arguments come before those.
const READ_FILES: &[(&str, usize)] = &[
    ("awk", 1),
    ("base64", 0),
    ("cut", 0),
    ("egrep", 1),
    ("fgrep", 1),
    ("gawk", 1),
    ("grep", 1),
    ("head", 0),
    ("jq", 1),
    ("rg", 1),
    ("sed", 1),
    ("sort", 0),
    ("tail", 0),
    ("wc", 0),
    ("xxd", 0),
];

/// The most files of one command that are looked at one by one.
const MAX_FILES: usize = 200;

/// Options before the subcommand that another value follows.
const VALUED: &[&str] = &[
    "--profile",
    "--region",
    "--output",
    "--project",
    "--account",
    "-n",
    "--namespace",
    "--context",
    "--kubeconfig",
    "-C",
    "-c",
    "--prefix",
    "--registry",
    "--cwd",
    "--git-dir",
    "--work-tree",
    "--host",
    "-H",
];

/// Folders that commands of the system are in.
const SYSTEM_FOLDERS: &[&str] = &["/bin/", "/sbin/", "/usr/", "/opt/homebrew/", "/system/", "node_modules/.bin/"];

impl Shell<'_> {
    /// The call that the words of a command are. What else they do goes into the block.
    pub(super) fn call(&mut self, words: Vec<Word>, input: Option<Expr>, block: &mut Block) -> Option<Expr> {
        let mut words = words;
        let mut input = input;
        for _ in 0..MAX_WRAPPERS {
            let first = words.first()?;
            let Some(name) = first.literal().map(|text| self.command_name(text)) else {
                return Some(self.unknown_command(words, input));
            };
            let at = first.at;
            if self.functions.contains(&name) {
                return Some(self.plain_call(&name, &words, input));
            }
            let Some((_, valued)) = WRAPPERS.iter().find(|(wrapper, _)| *wrapper == name) else {
                return self.command_call(&name, words, input, block);
            };
            words = match self.unwrapped(&name, valued, words, block) {
                Ok(inner) => inner,
                Err(call) => return call,
            };
            if name == "xargs" {
                words.extend(input.take().map(|value| Word::value(value, at)));
            }
        }
        None
    }

    /// The command inside of a wrapper; without one, what the wrapper itself does.
    fn unwrapped(
        &mut self,
        name: &str,
        valued: &[&str],
        words: Vec<Word>,
        block: &mut Block,
    ) -> Result<Vec<Word>, Option<Expr>> {
        let at = words.first().map_or(0, |word| word.at);
        if matches!(name, "nohup" | "setsid") {
            let call = self.b.call_name(name, Vec::new(), at);
            block.push(Statement::Do(call));
        }
        let mut rest = words.into_iter().skip(1).peekable();
        let mut asks = false;
        while let Some(word) = rest.peek() {
            let text = word.literal().unwrap_or_default().to_owned();
            let slash = name == "start" && (text.starts_with('/') || word.quoted);
            let sets = self.is_assignment(word) && !matches!(name, "xargs" | "start" | "call");
            if !(slash || sets || (text.starts_with('-') && text.len() > 1) || text == "-") {
                break;
            }
            asks |= name == "command" && text.eq_ignore_ascii_case("-v");
            let Some(word) = rest.next() else { break };
            if sets {
                self.assign_word(word, block);
            } else if valued.contains(&&*text) {
                rest.next();
            }
        }
        if matches!(name, "timeout" | "flock") {
            rest.next();
        }
        let inner: Vec<Word> = rest.collect();
        if asks {
            return Err(Some(self.plain_call("which", &prefixed("which", inner, at), None)));
        }
        if !inner.is_empty() {
            return Ok(inner);
        }
        Err(if name == "env" { Some(self.b.call_name("env", Vec::new(), at)) } else { None })
    }

    fn is_assignment(&self, word: &Word) -> bool {
        let name = word.prefix().split('=').next().unwrap_or_default();
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !name.is_empty();
        is_name && word.prefix().len() > name.len() && !self.b.is_full()
    }

    fn assign_word(&mut self, word: Word, block: &mut Block) {
        let at = word.at;
        let name = word.prefix().split('=').next().unwrap_or_default().to_owned();
        let value = word.without(name.len() + 1);
        let value = self.word_expr(&value);
        let target = self.b.name(&name, at);
        let assign = self.b.assign(target, value, at);
        block.push(Statement::Do(assign));
    }

    /// The name of a command without its folder, if that is one of the system's, and without an ending of programs.
    pub(super) fn command_name(&self, text: &str) -> String {
        let text = text.trim_start_matches('@');
        let lower = text.to_ascii_lowercase();
        let system = SYSTEM_FOLDERS.iter().any(|folder| lower.starts_with(folder))
            || lower.contains("node_modules/.bin/")
            || lower.contains(":\\windows\\");
        let separators: &[char] = if self.windows { &['/', '\\'] } else { &['/'] };
        let base = if system { text.rsplit(['/', '\\']).next().unwrap_or(text) } else { text };
        if base.contains(separators) {
            return base.to_owned();
        }
        let lower = base.to_ascii_lowercase();
        let stripped = [".exe", ".cmd", ".bat", ".com"].iter().find_map(|ending| lower.strip_suffix(ending));
        let base = stripped.unwrap_or(if self.windows { &lower } else { base });
        match base.split_once('.') {
            Some((name, version))
                if !name.is_empty() && !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                name.to_owned()
            }
            _ => base.to_owned(),
        }
    }

    /// A command whose name is computed.
    fn unknown_command(&mut self, words: Vec<Word>, input: Option<Expr>) -> Expr {
        let is_file = words.first().is_some_and(|word| {
            matches!(word.parts.last(), Some(Part::Text(text)) if text.contains('/')) && word.parts.len() > 1
        });
        let name = if is_file { "(file)" } else { "(command)" };
        let at = words.first().map_or(0, |word| word.at);
        self.plain_call(name, &prefixed(name, words, at), input)
    }

    /// A call of a path with the words after the first.
    pub(super) fn plain_call(&mut self, path: &str, words: &[Word], input: Option<Expr>) -> Expr {
        let at = words.first().map_or(0, |word| word.at);
        let arguments: Vec<Expr> = words.iter().skip(1).map(|word| self.word_expr(word)).collect();
        self.call_path(path, arguments, input.map(|input| ("stdin", input)), at)
    }

    /// A call of a dotted path.
    pub(super) fn call_path(&mut self, path: &str, arguments: Vec<Expr>, input: Option<(&str, Expr)>, at: u32) -> Expr {
        let mut segments = path.split('.').filter(|segment| !segment.is_empty());
        let first = segments.next().unwrap_or("(command)");
        let mut callee = self.b.name(first, at);
        for segment in segments {
            callee = self.b.member(callee, segment, at);
        }
        let mut arguments: Vec<Argument> = arguments.into_iter().map(argument).collect();
        if let Some((name, value)) = input {
            let name = Some(self.b.sym(name));
            arguments.push(Argument { name, value, spread: false });
        }
        self.b.add(Expression::Call { callee, arguments: arguments.into() }, at)
    }

    /// A command of which the name is known.
    fn command_call(&mut self, name: &str, words: Vec<Word>, input: Option<Expr>, block: &mut Block) -> Option<Expr> {
        let at = words.first().map_or(0, |word| word.at);
        match name {
            "[" | "test" => return Some(self.short_test(words.into_iter().skip(1).collect(), at)),
            ":" | "true" => return Some(self.b.boolean(true, at)),
            "false" => return Some(self.b.boolean(false, at)),
            "rem" | "::" | "shift" | "return" | "break" | "continue" | "then" | "do" | "fi" | "done" => return None,
            "read" => return self.read(&words, input, at, block),
            "eval" => {
                let code = self.joined(words.get(1..).unwrap_or_default(), at);
                return Some(self.call_path("eval", vec![code], None, at));
            }
            "trap" => return self.trap(&words, at, block),
            "." | "source" => return Some(self.interpreter("source", words, input)),
            "set" if self.windows => {
                if let Some(word) = words.into_iter().nth(1).filter(|word| self.is_assignment(word)) {
                    self.set_windows(word, block);
                    return None;
                }
                return Some(self.b.call_name("env", Vec::new(), at));
            }
            "export" | "declare" | "typeset" | "readonly" | "local" | "set" if words.len() > 1 => return None,
            _ => {}
        }
        if name.contains('/') || (self.windows && name.contains('\\')) {
            return Some(self.run_file(name, words, input));
        }
        self.effects(name, &words, block);
        if let Some(interpreter) = super::interpreters::known(name) {
            return Some(self.interpreter(interpreter, words, input));
        }
        Some(self.tool(name, words, input, at))
    }

    /// `set A=b` of `cmd`.
    fn set_windows(&mut self, word: Word, block: &mut Block) {
        let name = word.prefix().split('=').next().unwrap_or_default().to_owned();
        let literal = word.literal().and_then(|text| text.split_once('=')).map(|(_, value)| value.to_owned());
        self.remember(&name, literal);
        self.assign_word(word, block);
    }

    /// `read a b`: what comes in.
    fn read(&mut self, words: &[Word], input: Option<Expr>, at: u32, block: &mut Block) -> Option<Expr> {
        let value = input.unwrap_or_else(|| self.b.other(Vec::new(), at));
        for word in words.iter().skip(1) {
            let Some(name) = word.literal().filter(|text| !text.starts_with('-')).map(str::to_owned) else { continue };
            self.remember(&name, None);
            let target = self.b.name(&name, at);
            let assign = self.b.assign(target, value, at);
            block.push(Statement::Do(assign));
        }
        None
    }

    /// `trap 'commands' EXIT`.
    fn trap(&mut self, words: &[Word], at: u32, block: &mut Block) -> Option<Expr> {
        let commands = words.get(1).and_then(Word::literal).unwrap_or_default().to_owned();
        let statements = self.nested(&commands, at, |shell| shell.list(&[]));
        block.push(Statement::Block(statements));
        None
    }

    /// A file that is run: by the interpreter of its ending, where it has one.
    fn run_file(&mut self, name: &str, words: Vec<Word>, input: Option<Expr>) -> Expr {
        let at = words.first().map_or(0, |word| word.at);
        let ending = name.rsplit(['.']).next().unwrap_or_default().to_ascii_lowercase();
        let interpreter = match &*ending {
            "sh" | "bash" | "zsh" | "command" => "sh",
            "js" | "cjs" | "mjs" | "ts" => "node",
            "py" | "pyw" => "python",
            "ps1" => "powershell",
            "rb" => "ruby",
            "pl" => "perl",
            _ => return self.plain_call("(file)", &prefixed("(file)", words, at), input),
        };
        self.interpreter(interpreter, prefixed(interpreter, words, at), input)
    }

    /// What options and arguments do beside the command itself.
    fn effects(&mut self, name: &str, words: &[Word], block: &mut Block) {
        match name {
            "find" => self.find(words, block),
            "dd" => {
                for word in words.iter().skip(1) {
                    let at = word.at;
                    for (prefix, call) in [("if=", "<"), ("of=", ">")] {
                        if word.prefix().starts_with(prefix) && !word.prefix().starts_with("of=/dev/null") {
                            let path = without_prefix(word, prefix.len());
                            let path = self.word_expr(&path);
                            let call = self.b.call_name(call, vec![path], at);
                            block.push(Statement::Do(call));
                        }
                    }
                }
            }
            "sed" | "perl" if words.iter().any(|word| word.prefix().starts_with("-i") || word.prefix() == "-pi") => {
                if let Some(last) = words.last() {
                    let path = self.word_expr(last);
                    let call = self.b.call_name(">", vec![path], last.at);
                    block.push(Statement::Do(call));
                }
            }
            _ => {}
        }
    }

    /// `find … -exec command {} ;` and `-delete`.
    fn find(&mut self, words: &[Word], block: &mut Block) {
        let at = words.first().map_or(0, |word| word.at);
        let place = |option: &[&str]| words.iter().position(|word| word.literal().is_some_and(|t| option.contains(&t)));
        if place(&["-delete"]).is_some() {
            let paths = words.get(1).map(|word| self.word_expr(word));
            let call = self.b.call_name("rm", paths.into_iter().collect(), at);
            block.push(Statement::Do(call));
        }
        let Some(from) = place(&["-exec", "-execdir", "-ok"]) else { return };
        let found: Vec<Expr> = words.iter().take(from).skip(1).map(|word| self.word_expr(word)).collect();
        let inner = words.iter().skip(from + 1).take_while(|word| !matches!(word.literal(), Some(";" | "+")));
        let inner: Vec<Word> = inner
            .map(|word| match word.literal() {
                Some("{}") => {
                    let paths = self.b.call_name("find", found.clone(), at);
                    Word::value(paths, at)
                }
                _ => copy(word),
            })
            .collect();
        if self.depth >= super::MAX_DEPTH {
            return;
        }
        self.depth += 1;
        let call = self.call(inner, None, block);
        self.depth -= 1;
        block.extend(call.map(Statement::Do));
    }

    /// A tool: what it does by its options becomes part of its path.
    fn tool(&mut self, name: &str, words: Vec<Word>, input: Option<Expr>, at: u32) -> Expr {
        let options: Vec<&str> = words.iter().skip(1).filter_map(Word::literal).collect();
        let has = |short: &[&str]| options.iter().any(|option| short.contains(option));
        let flag = |letter: char| {
            options.iter().any(|option| {
                option.strip_prefix('-').is_some_and(|rest| !rest.starts_with('-') && rest.contains(letter))
            })
        };
        let path = match name {
            "base64" | "base32" | "gbase64" if flag('d') || flag('D') || has(&["--decode"]) => {
                "base64.decode".to_owned()
            }
            "xxd" if flag('r') => "xxd.decode".to_owned(),
            "gzip" | "bzip2" | "xz" | "zstd" | "brotli" | "compress" if flag('d') => format!("{name}.decode"),
            "gpg" | "gpg2" | "age" if flag('d') || has(&["--decrypt"]) => "gpg.decode".to_owned(),
            "tar" | "bsdtar" => tar(&options).to_owned(),
            "openssl" => openssl(&options).to_owned(),
            "nc" | "ncat" | "netcat" if flag('l') || has(&["--listen"]) => "nc.listen".to_owned(),
            "chmod" if options.first().is_some_and(|mode| is_executable(mode)) => "chmod.x".to_owned(),
            "crontab" if flag('l') => "crontab.list".to_owned(),
            "history" if flag('c') => "history.clear".to_owned(),
            "curl" | "wget" => return self.transfer(name, words, input, at),
            "cmd" | "command.com" => return self.cmd(&words, input, at),
            "su" if has(&["-c"]) => "su".to_owned(),
            _ => return self.with_subcommand(name, words, input),
        };
        self.plain_call(&path, &words, input)
    }

    fn with_subcommand(&mut self, name: &str, words: Vec<Word>, input: Option<Expr>) -> Expr {
        let among = |list: &str| list.split_whitespace().any(|known| known == name);
        let most = usize::from(among(ONE_SUBCOMMAND)) + 2 * usize::from(among(TWO_SUBCOMMANDS));
        if most == 0 {
            return self.with_files(name, words, input);
        }
        let mut path = name.to_owned();
        let mut rest = Vec::with_capacity(words.len());
        let mut left = most;
        let mut is_value = false;
        for (index, word) in words.into_iter().enumerate() {
            let candidate = index > 0 && left > 0 && !is_value;
            let part = word.literal().and_then(|text| subcommand(name, text)).filter(|_| candidate);
            let was_value = std::mem::replace(&mut is_value, word.literal().is_some_and(|t| VALUED.contains(&t)));
            if let Some(part) = part {
                path.push('.');
                path.push_str(&part);
                left -= 1;
                continue;
            }
            if index > 0 && !was_value && !word.prefix().starts_with('-') {
                left = 0;
            }
            rest.push(word);
        }
        self.plain_call(&path, &rest, input)
    }

    /// Files among the arguments are read, each of them.
    fn with_files(&mut self, name: &str, words: Vec<Word>, input: Option<Expr>) -> Expr {
        let at = words.first().map_or(0, |word| word.at);
        let is_file = |word: &&Word| !word.prefix().starts_with('-');
        if FOR_EACH_FILE.contains(&name) && words.iter().skip(1).any(|word| is_file(&word)) {
            let files: Vec<Word> = words.into_iter().skip(1).filter(|word| is_file(&word)).take(MAX_FILES).collect();
            let calls = files.into_iter().map(|file| self.plain_call(name, &prefixed(name, vec![file], at), None));
            let calls: Vec<Expr> = calls.collect();
            return self.b.join(calls, at);
        }
        let Some((_, before)) = READ_FILES.iter().find(|(known, _)| *known == name) else {
            return self.plain_call(name, &words, input);
        };
        let mut operands = 0;
        let mut arguments = Vec::new();
        for word in words.iter().skip(1) {
            let value = self.word_expr(word);
            operands += usize::from(is_file(&word));
            let reads = operands > *before && looks_like_path(word) && is_file(&word);
            arguments.push(if reads { self.b.call_name("<", vec![value], word.at) } else { value });
        }
        self.call_path(name, arguments, input.map(|input| ("stdin", input)), at)
    }

    /// `curl` and `wget`: files that are sent are read, options with `=` are split.
    fn transfer(&mut self, name: &str, words: Vec<Word>, input: Option<Expr>, at: u32) -> Expr {
        let mut arguments = Vec::new();
        let mut sends = false;
        let target = self.download(name, &words, at);
        for word in words.into_iter().skip(1) {
            let prefix = word.prefix().to_owned();
            if let Some((option, _)) = prefix.split_once('=').filter(|(option, _)| option.starts_with("--")) {
                arguments.push(self.b.text(option, word.at));
                let value = without_prefix(&word, option.len() + 1);
                let value = self.sent(value, true, input);
                arguments.push(value);
                continue;
            }
            let form = sends && prefix.contains("=@");
            let word = if form { form_file(&word) } else { word };
            arguments.push(self.sent(word, sends, input));
            sends = matches!(
                &*prefix,
                "-d" | "--data"
                    | "--data-binary"
                    | "--data-raw"
                    | "--data-urlencode"
                    | "--data-ascii"
                    | "--json"
                    | "-F"
                    | "--form"
                    | "-T"
                    | "--upload-file"
                    | "--post-file"
                    | "--body-file"
            );
            sends |= prefix.starts_with("-sd") || prefix.starts_with("-sF");
        }
        let call = self.call_path(name, arguments, input.map(|input| ("stdin", input)), at);
        match target {
            Some(path) => self.b.call_name(">", vec![path, call], at),
            None => call,
        }
    }

    /// The file that `curl` or `wget` writes.
    fn download(&mut self, name: &str, words: &[Word], at: u32) -> Option<Expr> {
        let (letter, long) = if name == "wget" { ('O', "--output-document") } else { ('o', "--output") };
        let mut named = name == "wget";
        for (index, word) in words.iter().enumerate().skip(1) {
            let option = word.prefix();
            if option == long || (is_short(option) && option.ends_with(letter)) {
                let path = words.get(index + 1).filter(|path| path.literal() != Some("-"))?;
                return Some(self.word_expr(path));
            }
            let joined = option.strip_prefix(long).filter(|rest| rest.starts_with('=')).map(|_| long.len() + 1);
            let short = || option.find(letter).filter(|_| is_short(option)).map(|at| at + 1);
            if let Some(from) = joined.or_else(short) {
                let path = without_prefix(word, from);
                return (path.literal() != Some("-")).then(|| self.word_expr(&path));
            }
            named |= name == "curl" && (option == "--remote-name" || (is_short(option) && option.ends_with('O')));
        }
        let url = words.iter().skip(1).filter_map(Word::literal).find(|text| text.contains("://"))?;
        let file = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).filter(|_| named)?;
        Some(self.b.text(&format!("./{file}"), at))
    }

    /// What is sent: `@file` is the file's content, `@-` is the input.
    fn sent(&mut self, word: Word, sends: bool, input: Option<Expr>) -> Expr {
        let at = word.at;
        if !sends || !word.prefix().starts_with('@') {
            return self.word_expr(&word);
        }
        let path = word.without(1);
        if let (Some("-"), Some(input)) = (path.literal(), input) {
            return input;
        }
        let path = self.word_expr(&path);
        self.b.call_name("<", vec![path], at)
    }

    /// `cmd /c commands`.
    fn cmd(&mut self, words: &[Word], input: Option<Expr>, at: u32) -> Expr {
        let is_run =
            |word: &Word| word.literal().is_some_and(|t| matches!(&*t.to_ascii_lowercase(), "/c" | "/k" | "/r"));
        let Some(from) = words.iter().position(is_run) else {
            return self.plain_call("cmd", words, input);
        };
        let option = self.b.text("/c", at);
        let commands = self.joined(words.get(from + 1..).unwrap_or_default(), at);
        self.call_path("cmd", vec![option, commands], input.map(|input| ("stdin", input)), at)
    }
}

/// The words with another command before them. The first is kept as an argument unless the command's name takes its place.
pub(super) fn prefixed(name: &str, words: Vec<Word>, at: u32) -> Vec<Word> {
    std::iter::once(Word::of(name, at)).chain(words).collect()
}

fn without_prefix(word: &Word, bytes: usize) -> Word {
    copy(word).without(bytes)
}

/// `name=@file` without the name.
fn form_file(word: &Word) -> Word {
    let from = word.prefix().find("=@").map_or(0, |at| at + 1);
    without_prefix(word, from)
}

fn copy(word: &Word) -> Word {
    let parts = word.parts.iter().map(|part| match part {
        Part::Text(text) => Part::Text(text.clone()),
        Part::Value(value) => Part::Value(*value),
        Part::Split => Part::Split,
    });
    Word { parts: parts.collect(), at: word.at, quoted: word.quoted, process: word.process }
}

/// One dash and letters.
fn is_short(option: &str) -> bool {
    option.len() > 1 && option.starts_with('-') && !option.starts_with("--")
}

/// True if a word is more likely a path than a number, a field or a pattern.
fn looks_like_path(word: &Word) -> bool {
    word.parts.iter().any(|part| match part {
        Part::Text(text) => {
            text.contains('/') || text.starts_with(['~', '.']) || (text.contains('.') && text.len() > 2)
        }
        Part::Value(_) | Part::Split => false,
    })
}

/// A word that says what a command does, without the dashes and slashes that some write before it.
fn subcommand(name: &str, text: &str) -> Option<String> {
    let dashed = matches!(name, "certutil" | "schtasks" | "bitsadmin" | "reg" | "net" | "sc");
    let bare = if dashed { text.trim_start_matches(['-', '/']) } else { text };
    let is_word = bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let starts = bare.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    (is_word && starts && !(dashed && bare == "f")).then(|| bare.to_ascii_lowercase())
}

fn tar(options: &[&str]) -> &'static str {
    let first = options.first().copied().unwrap_or_default();
    let letters = first.trim_start_matches('-');
    let short = !first.starts_with("--");
    if (short && letters.contains('x')) || options.contains(&"--extract") {
        "tar.decode"
    } else if (short && letters.contains('c')) || options.contains(&"--create") {
        "tar.encode"
    } else {
        "tar"
    }
}

fn openssl(options: &[&str]) -> &'static str {
    let first = options.first().copied().unwrap_or_default();
    let cipher = matches!(first, "enc" | "base64" | "smime" | "cms" | "rsautl" | "pkeyutl")
        || first.starts_with("aes")
        || first.starts_with("des")
        || first.starts_with("chacha");
    match first {
        "s_client" => "openssl.s_client",
        "s_server" => "openssl.s_server",
        _ if cipher && options.iter().any(|option| matches!(*option, "-d" | "-decrypt")) => "openssl.decode",
        _ if cipher => "openssl.encode",
        _ => "openssl",
    }
}

/// True if a mode of `chmod` lets a file be run.
fn is_executable(mode: &str) -> bool {
    if mode.bytes().all(|byte| byte.is_ascii_digit()) {
        return mode.bytes().rev().take(3).any(|digit| (digit - b'0') % 2 == 1);
    }
    mode.split(',').any(|one| one.split(['+', '=']).nth(1).is_some_and(|granted| granted.contains(['x', 'X'])))
}
