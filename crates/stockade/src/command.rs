//! The client that a command is. It can be started by its name, or by an interpreter of its language.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use stockade_ecosystem::{Client, Ecosystem, client_in};

/// A client, as a command starts it.
#[derive(Clone, Copy)]
pub(crate) struct Started {
    pub(crate) ecosystem: &'static Ecosystem,
    pub(crate) client: &'static Client,
    /// How many words of the command start it. All others are for it.
    pub(crate) own: usize,
}

impl Started {
    /// The client that a command is.
    pub(crate) fn by(words: &[OsString]) -> Option<Self> {
        let program = program(words);
        let rest = words.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
        let words: Vec<String> = std::iter::once(program).chain(rest).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (ecosystem, client, own) = client_in(&words)?;
        Some(Self { ecosystem, client, own })
    }

    /// The program with the words that start it, to ask it something: of a client with several programs the first, from
    /// where the command's is. The others do not answer questions but run what they are given.
    pub(crate) fn asked(client: &Client, words: &[OsString]) -> Vec<OsString> {
        if let Some(started) = Self::by(words).filter(|started| started.own > 1) {
            return words.iter().take(started.own).cloned().collect();
        }
        let first = client.programs.first().copied().unwrap_or(client.name);
        let Some(program) = words.first().map(Path::new) else { return vec![first.into()] };
        // One of the project's folder is there from outside too.
        let folder = program.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = folder.and_then(|folder| folder.canonicalize().ok());
        vec![folder.map_or_else(|| program.with_file_name(first), |folder| folder.join(first)).into_os_string()]
    }
}

/// The name of the program that a command starts.
pub(crate) fn program(words: &[OsString]) -> String {
    let program = words.first().map_or(OsStr::new(""), OsString::as_os_str);
    Path::new(program).file_name().unwrap_or_default().to_string_lossy().into_owned()
}
