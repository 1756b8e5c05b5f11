//! Versions in Maven's own order, which is defined by a class (`ComparableVersion`) and has a place for any text.
//!
//! A version is a list of numbers and words. `.` goes on in the list; `-`, and each change between digits and letters,
//! opens a list in it, which weighs less. So `1.0.1` is above `1-1`, and `1-1` above `1-sp`. Zeros and empty words at
//! the end of a list are nothing: `1`, `1.0`, `1-ga` and `1.0.0.Final` are equal. Some words stand for what comes before
//! a release; any other comes after it, in alphabetical order.
//!
//! In one thing this order differs. Maven compares a missing number and 0 as equal, though a word is above the one and
//! below the other, so that it has `1.0.alpha.1` < `1` < `1.sp.1` < `1.0.alpha.1`. Nothing can be sorted by that. Here a
//! 0 which something follows is a number, a word of after a release is above what comes before it, and the order has no
//! circles. What was ever released is ordered as Maven orders it.

mod key;

use std::cmp::Ordering;

use stockade_model::Malformed;

use crate::Version;

/// The longest version in bytes: a file's name has it in it, and file systems end at 255.
const MAX_BYTES: usize = 255;

/// Reads a version and gives it its order.
pub(super) fn parse(text: &str) -> Result<Version, Malformed> {
    let malformed = |why| Malformed::new("a version", text, why);
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(malformed("it has 1 to 255 bytes"));
    }
    if !is_in_paths(text) || matches!(text, "." | "..") {
        return Err(malformed("it has a character that no file's name may have"));
    }
    Ok(Version::Maven(Comparable(read(&text.to_ascii_lowercase()))))
}

/// True if versions and the names of files may have all of its characters.
pub(super) fn is_in_paths(text: &str) -> bool {
    let forbidden = b"/\\:\"<>|?*%";
    text.bytes().all(|byte| byte.is_ascii_graphic() && !forbidden.contains(&byte))
}

/// A version as a list of numbers, words and lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparable(Vec<Item>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    /// The digits without leading zeros, because there may be more of them than any integer holds. Empty for 0.
    Number(String),
    Word(String),
    /// Always the last in its list.
    List(Vec<Item>),
}

/// Words of before a release, in their order.
const BEFORE: [&str; 5] = ["alpha", "beta", "milestone", "rc", "snapshot"];
/// The word that comes right after a release; others come after it.
const AFTER: &str = "sp";

impl Comparable {
    /// True if it has a word of before a release.
    pub(crate) fn is_prerelease(&self) -> bool {
        words(&self.0).any(|word| BEFORE.contains(&word))
    }

    /// The first three numbers.
    pub(crate) fn numbers(&self) -> [u64; 3] {
        let mut numbers = [0; 3];
        for (number, item) in numbers.iter_mut().zip(&self.0) {
            let Item::Number(digits) = item else { break };
            *number = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u64::MAX) };
        }
        numbers
    }

    /// The first word. Flavours of a release are told by it too: `33.0-jre`, `33.0-android`.
    pub(crate) fn word(&self) -> &str {
        words(&self.0).next().unwrap_or_default()
    }
}

impl PartialOrd for Comparable {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(compare(&self.0, &other.0))
    }
}

/// The words of a list and of the one in it, in their order.
fn words(items: &[Item]) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(items), |items| inner(items)).flatten().filter_map(word)
}

fn inner(items: &[Item]) -> Option<&[Item]> {
    items.last().and_then(|item| if let Item::List(items) = item { Some(items.as_slice()) } else { None })
}

fn word(item: &Item) -> Option<&str> {
    if let Item::Word(word) = item { Some(word) } else { None }
}

/// The list of a version in lower case.
fn read(text: &str) -> Vec<Item> {
    // The lists that are open, each the last of the one before.
    let mut open: Vec<Vec<Item>> = vec![Vec::new()];
    let mut rest = text;
    while !rest.is_empty() {
        let length = run(rest);
        let (token, after) = rest.split_at(length);
        let separator = after.chars().next().filter(|c| matches!(c, '.' | '-'));
        let digit_follows = after.starts_with(|c: char| c.is_ascii_digit());
        // `.x` is read as `-x` if nothing or a digit comes after it.
        if is_word(token) && separator.is_none() && open.last().is_some_and(|list| !list.is_empty()) {
            open.push(Vec::new());
        }
        if let Some(list) = open.last_mut() {
            list.push(item(token, digit_follows));
        }
        rest = after.get(separator.map_or(0, char::len_utf8)..).unwrap_or_default();
        if separator != Some('.') && !after.is_empty() {
            open.push(Vec::new());
        }
    }
    close(open)
}

/// How many bytes at the beginning are digits, or none.
fn run(text: &str) -> usize {
    let is_digit = text.starts_with(|c: char| c.is_ascii_digit());
    let other = |c: char| matches!(c, '.' | '-') || c.is_ascii_digit() != is_digit;
    text.find(other).unwrap_or(text.len())
}

fn is_word(token: &str) -> bool {
    !token.is_empty() && !token.starts_with(|c: char| c.is_ascii_digit())
}

/// A number or a word; nothing, between two separators, is 0.
fn item(token: &str, digit_follows: bool) -> Item {
    if !is_word(token) {
        return Item::Number(token.trim_start_matches('0').to_owned());
    }
    let word = match token {
        "a" if digit_follows => "alpha",
        "b" if digit_follows => "beta",
        "m" if digit_follows => "milestone",
        "cr" => "rc",
        "ga" | "final" | "release" => "",
        other => other,
    };
    Item::Word(word.to_owned())
}

/// Closes each list into the one before, without what is nothing at its end.
fn close(mut open: Vec<Vec<Item>>) -> Vec<Item> {
    let mut inner: Option<Vec<Item>> = None;
    while let Some(mut list) = open.pop() {
        while list.last().is_some_and(is_nothing) {
            list.pop();
        }
        list.extend(inner.take().filter(|items| !items.is_empty()).map(Item::List));
        inner = Some(list);
    }
    inner.unwrap_or_default()
}

fn is_nothing(item: &Item) -> bool {
    match item {
        Item::Number(text) | Item::Word(text) => text.is_empty(),
        Item::List(items) => items.is_empty(),
    }
}

/// Compares place by place; the shorter list goes on with nothing.
fn compare(a: &[Item], b: &[Item]) -> Ordering {
    let places = a.len().max(b.len());
    (0..places).map(|at| compare_items(a.get(at), b.get(at))).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn compare_items(a: Option<&Item>, b: Option<&Item>) -> Ordering {
    rank(a).cmp(&rank(b)).then_with(|| match (a, b) {
        (Some(Item::Number(a)), Some(Item::Number(b))) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        (Some(Item::Word(a)), Some(Item::Word(b))) => weight(a).cmp(&weight(b)),
        (Some(Item::List(a)), Some(Item::List(b))) => compare(a, b),
        _ => Ordering::Equal,
    })
}

/// What weighs less wherever it stands.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    WordBefore,
    ListBefore,
    Nothing,
    WordAfter,
    ListAfter,
    Number,
}

fn rank(item: Option<&Item>) -> Rank {
    match item {
        None => Rank::Nothing,
        Some(Item::Number(_)) => Rank::Number,
        Some(Item::Word(word)) if word.is_empty() => Rank::Nothing,
        Some(Item::Word(word)) if BEFORE.contains(&word.as_str()) => Rank::WordBefore,
        Some(Item::Word(_)) => Rank::WordAfter,
        Some(Item::List(items)) => match compare(items, &[]) {
            Ordering::Less => Rank::ListBefore,
            Ordering::Equal => Rank::Nothing,
            Ordering::Greater => Rank::ListAfter,
        },
    }
}

/// The place of a word among words.
fn weight(word: &str) -> (usize, &str) {
    let known = BEFORE.iter().position(|before| *before == word);
    (known.unwrap_or(BEFORE.len() + usize::from(word != AFTER)), word)
}

#[cfg(test)]
mod tests;
