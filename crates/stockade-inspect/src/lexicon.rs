//! Words that say something wherever they stand: where credentials lie, where start-up entries go, where stolen data is
//! dropped. The lists name places of platforms and kinds of services, not anything of a particular attack.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use serde::{Deserialize, Serialize};

use crate::capability::Capability;
use crate::eval::Unit;
use crate::facts::{Facts, Mention};
use crate::ir::Expression;
use std::rc::Rc;

/// How many mentions of one file are kept.
const MAX_MENTIONS: usize = 400;
/// How long a text has to be, in bytes.
const MIN_TEXT: usize = 4;
/// How long a text may be that is searched for words, in bytes.
const MAX_SEARCHED: usize = 256 * 1024;

/// What a word is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// A place of credentials or keys.
    Secret,
    /// A place of wallets or their names.
    Wallet,
    /// A place of a browser's data.
    Browser,
    /// A place from which code is started later.
    Persistence,
    /// A kind of host that stolen data is sent to or payloads are taken from.
    Drop,
    /// A means of publishing releases.
    Publish,
    /// The credentials of a build server or cloud.
    Cloud,
    /// Signs of analysis: virtual machines, debuggers, sandboxes.
    Analysis,
    /// An environment variable that holds a credential.
    Token,
    /// An address.
    Address,
}

impl Topic {
    /// Every one.
    pub const ALL: &[(Self, &str)] = &[
        (Self::Secret, "secret"),
        (Self::Wallet, "wallet"),
        (Self::Browser, "browser"),
        (Self::Persistence, "persistence"),
        (Self::Drop, "drop"),
        (Self::Publish, "publish"),
        (Self::Cloud, "cloud"),
        (Self::Analysis, "analysis"),
        (Self::Token, "token"),
        (Self::Address, "address"),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(topic, _)| *topic)
    }
}

struct Lexicon {
    words: Vec<(Topic, &'static str)>,
    search: AhoCorasick,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let lines = include_str!("lexicon.txt").lines().filter(|line| !line.starts_with('#'));
    let words = lines.filter_map(|line| line.split_once(char::is_whitespace));
    let words: Vec<_> = words.filter_map(|(topic, word)| Some((Topic::named(topic)?, word.trim()))).collect();
    let search = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .kind(Some(AhoCorasickKind::DFA))
        .build(words.iter().map(|(_, word)| word))
        .expect("a few hundred words are a small automaton");
    Lexicon { words, search }
});

/// The topics of a text, with the words.
pub(crate) fn topics(text: &str) -> impl Iterator<Item = (Topic, &'static str)> {
    let lexicon = &*LEXICON;
    let found = lexicon.search.find_iter(text.get(..MAX_SEARCHED).unwrap_or(text));
    found.map(|found| lexicon.words[found.pattern().as_usize()])
}

/// True if a text is worth a mention.
pub(crate) fn says_something(text: &str) -> bool {
    text.len() >= MIN_TEXT && (topics(text).next().is_some() || host(text).is_some())
}

/// What an act is, given what it is done to: reading a file of credentials is more than reading a file.
pub(crate) fn refine(capability: Capability, detail: &str) -> Capability {
    let about = |wanted: &[Topic]| topics(detail).any(|(topic, _)| wanted.contains(&topic));
    match capability {
        Capability::Read if about(&[Topic::Secret, Topic::Wallet, Topic::Browser, Topic::Cloud]) => {
            Capability::ReadSecret
        }
        Capability::Write | Capability::MakeExecutable if about(&[Topic::Persistence]) => Capability::Persist,
        Capability::Network if about(&[Topic::Cloud]) => Capability::CloudSecret,
        Capability::Network if about(&[Topic::Publish]) => Capability::Publish,
        capability => capability,
    }
}

/// Whether a name is that of a private key or of what one is made from.
pub(crate) fn is_key_material(name: &str) -> bool {
    if name.len() < 4 || name.len() > 40 {
        return false;
    }
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    ["privatekey", "secretkey", "mnemonic", "seedphrase", "privkey", "xprv"].iter().any(|word| plain.contains(word))
        || matches!(&*plain, "seed" | "keypair" | "wif" | "secretrecoveryphrase")
}

/// Enters what the texts of a file and of its layers speak of.
pub(crate) fn mentions(_file: &Unit, units: &[Rc<Unit>], facts: &mut Facts) {
    for unit in units {
        let program = unit.program();
        for (at, expression) in program.expressions.iter().enumerate() {
            let text: &str = match expression {
                Expression::Text(text) if text.len() >= MIN_TEXT => text,
                _ => continue,
            };
            if facts.mentions.len() >= MAX_MENTIONS {
                return;
            }
            let offset = program.offsets.get(at).copied().unwrap_or(0);
            for (topic, word) in topics(text) {
                mention(facts, unit, topic, word, offset);
            }
            if text.len() < MAX_SEARCHED
                && let Some(host) = host(text)
            {
                mention(facts, unit, Topic::Address, host, offset);
            }
        }
    }
}

fn mention(facts: &mut Facts, unit: &Unit, topic: Topic, word: &str, offset: u32) {
    if !facts.mentions.iter().any(|known| known.topic == topic && known.word == word) {
        facts.mentions.push(Mention {
            topic,
            word: word.to_owned(),
            at: unit.spot(offset),
            layers: to_u8(unit.peeled().len()),
        });
    }
}

fn to_u8(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// The host of the first address in a text: `https://a.b:1/c` gives `a.b`.
pub(crate) fn host(text: &str) -> Option<&str> {
    let (before, rest) = text.split_once("://")?;
    let scheme = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    if !matches!(scheme, "http" | "https" | "ws" | "wss" | "ftp" | "tcp" | "udp" | "socks5") {
        return None;
    }
    let end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '[')))
        .unwrap_or(rest.len());
    let host = rest[..end].rsplit('@').next().unwrap_or_default().trim_matches('.');
    (host.len() > 2 && host.len() < 254).then_some(host)
}
