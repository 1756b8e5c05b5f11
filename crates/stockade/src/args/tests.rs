//! Documents name commands and flags; what they name has to exist.

use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _};

use super::Cli;

#[expect(clippy::disallowed_methods, reason = "the test reads the documents")]
fn documents() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = [root.clone(), root.join("docs")];
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let paths = entries.map(|entry| entry.unwrap().path());
    let documents = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    documents.map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// What a document has as code: the lines of its blocks and its spans.
fn code(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            let command = line.trim_start().trim_start_matches("$ ");
            found.push(command.split(" #").next().unwrap_or(command).to_owned());
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

fn has_flag(command: &Command, flag: &str) -> bool {
    let name = flag.trim_start_matches('-');
    let short = name.chars().next();
    let built_in = ["help", "version", "h", "V"].contains(&name);
    built_in
        || command.get_arguments().any(|argument| {
            argument.get_long() == Some(name) || (!flag.starts_with("--") && argument.get_short() == short)
        })
}

/// What is wrong with a command line of ours.
fn fault(words: &[&str]) -> Option<String> {
    let root = Cli::command();
    let mut command = &root;
    for word in words.iter().take_while(|word| **word != "--") {
        let is_flag = word.len() > 1 && word.starts_with('-');
        let word = word.split('=').next().unwrap_or(word);
        if is_flag && !has_flag(command, word) && !has_flag(&root, word) {
            return Some(format!("`{}` has no flag `{word}`", command.get_name()));
        }
        if !is_flag && let Some(inner) = command.find_subcommand(word) {
            command = inner;
        } else if !is_flag && command.has_subcommands() && word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Some(format!("`{}` has no command `{word}`", command.get_name()));
        }
    }
    None
}

#[test]
fn documents_name_commands_and_flags_that_exist() {
    let mut faults = Vec::new();
    let mut looked_at = 0;
    for (path, text) in documents() {
        for code in code(&text) {
            let words: Vec<&str> = code.split_whitespace().collect();
            let fault = match words.as_slice() {
                ["stockade", words @ ..] | ["cargo", "run", "--release", "--", words @ ..] => fault(words),
                [flag, ..] if flag.starts_with("--") && flag.len() > 2 => {
                    let all = Cli::command();
                    let known = has_flag(&all, flag)
                        || all.get_subcommands().any(|command| {
                            has_flag(command, flag) || command.get_subcommands().any(|inner| has_flag(inner, flag))
                        });
                    (!known).then(|| format!("no command has the flag `{flag}`"))
                }
                _ => continue,
            };
            looked_at += 1;
            faults.extend(fault.map(|fault| format!("{}: `{code}`: {fault}", path.display())));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(looked_at > 50, "only {looked_at} places were found; the reader of documents is broken");
}

#[test]
fn the_reference_leaves_nothing_out() {
    let documents = documents();
    let (_, reference) = documents.iter().find(|(path, _)| path.ends_with("docs/cli.md")).unwrap();
    let all = Cli::command();
    let inner = all.get_subcommands().flat_map(Command::get_subcommands);
    let commands = all.get_subcommands().chain(inner).filter(|command| !command.is_hide_set());
    let commands = commands.filter(|command| !reference.contains(command.get_name()));
    let missing: Vec<&str> = commands.map(Command::get_name).collect();
    assert!(missing.is_empty(), "docs/cli.md does not name {missing:?}");
    let everywhere = std::iter::once(&all).chain(all.get_subcommands());
    let flags = everywhere.flat_map(Command::get_arguments).filter(|argument| !argument.is_hide_set());
    let flags =
        flags.filter_map(|argument| argument.get_long()).filter(|flag| !reference.contains(&format!("--{flag}")));
    let missing: Vec<&str> = flags.collect();
    assert!(missing.is_empty(), "docs/cli.md does not name the flags {missing:?}");
}

#[test]
fn a_flag_or_command_that_does_not_exist_is_found() {
    let fault = |line: &str| fault(&line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(fault("run -- npm ci --whatever"), None);
    assert_eq!(fault("log verify --expect 1:ab"), None);
    assert_eq!(fault("log vanish").as_deref(), Some("`log` has no command `vanish`"));
    assert_eq!(fault("serve --lissten x").as_deref(), Some("`serve` has no flag `--lissten`"));
    assert_eq!(fault("frobnicate").as_deref(), Some("`stockade` has no command `frobnicate`"));
}
