//! The texts in a binary: addresses, places of credentials, command lines.

use super::{Found, spot};
use crate::capability::Capability;
use crate::facts::Mention;
use crate::lexicon::{self, Topic};

/// The most bytes that are searched for texts: 64 MiB.
const MAX_SEARCHED: usize = 64 * 1024 * 1024;
/// Shorter texts say nothing.
const MIN_TEXT: usize = 6;
/// The most bytes of one text that are looked at.
const MAX_TEXT: usize = 4096;
/// The most mentions of one file.
const MAX_MENTIONS: usize = 300;
/// How much of a text is shown.
const SHOWN: usize = 120;

/// How command lines begin that a program hands to a shell.
const COMMANDS: &[&str] = &[
    "/bin/sh -c",
    "/bin/bash -c",
    "bash -c ",
    "bash -i ",
    "sh -c ",
    "cmd.exe /c",
    "cmd /c",
    "powershell -",
    "powershell.exe -",
    "curl -",
    "curl http",
    "wget -",
    "wget http",
    "chmod +x",
    "crontab -",
    "launchctl load",
    "systemctl --user enable",
    "schtasks /create",
    "reg add ",
    "osascript -e",
];

/// Looks at all texts of a file.
pub(super) fn scan(bytes: &[u8], wide: bool, networked: bool, found: &mut Found) {
    let bytes = bytes.get(..MAX_SEARCHED).unwrap_or(bytes);
    for run in runs(bytes) {
        look(run, networked, found);
    }
    if wide {
        scan_wide(bytes, networked, found);
    }
}

/// The texts that are long enough. Most of a binary is none: where the last of as many bytes as a text has at least is not
/// of one, those before it need not be looked at.
fn runs(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        loop {
            let window = rest.get(..MIN_TEXT)?;
            if let Some(last) = window.iter().rposition(|byte| !is_text(*byte)) {
                rest = &rest[last + 1..];
                continue;
            }
            let end = rest.iter().position(|byte| !is_text(*byte)).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            rest = after;
            return Some(run);
        }
    })
}

/// Texts of Windows have two bytes a character.
fn scan_wide(bytes: &[u8], networked: bool, found: &mut Found) {
    let mut text = Vec::new();
    let mut at = 0;
    while let Some([low, high]) = bytes.get(at..at + 2) {
        if *high == 0 && is_text(*low) && text.len() < MAX_TEXT {
            text.push(*low);
            at += 2;
            continue;
        }
        if text.len() >= MIN_TEXT {
            look(&text, networked, found);
        }
        // The next text may begin at an odd place.
        at += if text.is_empty() { 1 } else { 2 };
        text.clear();
    }
    if text.len() >= MIN_TEXT {
        look(&text, networked, found);
    }
}

fn is_text(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte) || byte == b'\t'
}

fn look(run: &[u8], networked: bool, found: &mut Found) {
    let Ok(text) = std::str::from_utf8(run.get(..MAX_TEXT).unwrap_or(run)) else { return };
    let shown = || text.chars().take(SHOWN).collect::<String>();
    if let Some(host) = address(text) {
        mention(found, Topic::Address, host, &shown());
        if networked && !is_documentation(host) {
            found.act(Capability::Network, host, &shown());
        }
    }
    for (topic, word) in lexicon::topics(text) {
        mention(found, topic, word, &shown());
    }
    if COMMANDS.iter().any(|command| text.starts_with(command)) {
        found.act(Capability::Execute, text, &shown());
    }
}

fn mention(found: &mut Found, topic: Topic, word: &str, shown: &str) {
    let mentions = &mut found.facts.mentions;
    let known = mentions.iter().any(|known| known.topic == topic && known.word == word);
    if !known && mentions.len() < MAX_MENTIONS {
        mentions.push(Mention { topic, word: word.to_owned(), at: spot(shown), layers: 0 });
    }
}

/// The host of the first address in a text.
fn address(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("://")?;
    let scheme = text.get(..text.len() - rest.len() - 3)?;
    let scheme = scheme.rsplit(|c: char| !c.is_ascii_alphanumeric()).next()?;
    if !["http", "https", "ws", "wss", "ftp", "tcp", "udp"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return None;
    }
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_')).unwrap_or(rest.len());
    let host = rest.get(..end)?.trim_end_matches('.');
    (host.contains('.') && host.len() > 3).then_some(host)
}

/// Hosts that only name a schema, a licence or a bug tracker.
fn is_documentation(host: &str) -> bool {
    ["w3.org", "xmlsoap.org", "apache.org", "gnu.org", "openssl.org", "microsoft.com", "apple.com", "mozilla.org"]
        .iter()
        .any(|known| host == *known || host.strip_suffix(known).is_some_and(|before| before.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_is_passed_over(pieces in prop::collection::vec("[a-c]{0,9}[\u{0}\u{1}]{0,2}", 0..12)) {
            let bytes = pieces.concat().into_bytes();
            let split = bytes.split(|byte| !is_text(*byte)).filter(|run| run.len() >= MIN_TEXT);
            prop_assert_eq!(runs(&bytes).collect::<Vec<_>>(), split.collect::<Vec<_>>());
        }
    }
}
