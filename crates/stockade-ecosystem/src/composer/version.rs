//! Versions as Composer normalises them: four numbers and a stability, in the order of PHP's `version_compare`.
//! `1.x-dev` is the end of a line of development. Branches (`dev-main`) have no order.

use stockade_model::Malformed;

use crate::Version;
use crate::order::{MAX_BYTES, Placed, is_number, put_digits};

/// How many numbers a version has.
const NUMBERS: usize = 4;
/// What Composer writes for an `x`.
const ANY: &str = "9999999";
/// Stabilities and their places: `dev` is lowest, 4 is a release.
const STABILITIES: [(&str, u8); 10] = [
    ("alpha", 1),
    ("beta", 2),
    ("patch", 5),
    ("stable", RELEASE),
    ("rc", 3),
    ("pl", 5),
    ("dev", DEV),
    ("a", 1),
    ("b", 2),
    ("p", 5),
];
const DEV: u8 = 0;
const RELEASE: u8 = 4;

/// Reads a version and gives it its order.
pub(super) fn parse(text: &str) -> Result<Version, Malformed> {
    let key = key(text).ok_or_else(|| Malformed::new("a version", text, "it has no place in the order of Composer"))?;
    Ok(Version::Placed(Placed::new(super::ID, text, key)))
}

fn key(text: &str) -> Option<Vec<u8>> {
    // What goes on with `dev` is lower than what ends, and that is lower than what goes on with a number.
    const GOES_ON_DEV: u8 = 0;
    const END: u8 = 1;
    const NUMBER: u8 = 2;
    let text = text.trim().to_ascii_lowercase();
    if text.len() > MAX_BYTES {
        return None;
    }
    let text = text.split_once('+').map_or(text.as_str(), |(text, _)| text);
    let text = text.strip_prefix('v').unwrap_or(text);
    let (numbers, rest) = numbers(text)?;
    let (rest, is_dev) = match rest.strip_suffix("dev") {
        Some(rest) => (rest.trim_end_matches(['-', '.']), true),
        None => (rest, false),
    };
    let (stability, counts) = stability(rest)?;
    let mut key = Vec::new();
    for number in numbers {
        put_digits(&mut key, number);
    }
    let only_dev = is_dev && stability == RELEASE;
    key.push(if only_dev { DEV } else { stability });
    for count in counts {
        key.push(NUMBER);
        put_digits(&mut key, count);
    }
    key.push(if is_dev && !only_dev { GOES_ON_DEV } else { END });
    Some(key)
}

/// One to four numbers, and what follows. Of `1.x-dev` the missing ones are the highest.
fn numbers(text: &str) -> Option<([&str; NUMBERS], &str)> {
    let mut numbers = ["0"; NUMBERS];
    let mut rest = text;
    for at in 0..NUMBERS {
        let begin = if at == 0 { Some(rest) } else { rest.strip_prefix('.') };
        let Some(begin) = begin else { break };
        let end = begin.find(|c: char| !c.is_ascii_digit()).unwrap_or(begin.len());
        if end > 0 {
            numbers[at] = &begin[..end];
            rest = &begin[end..];
        } else if at > 0 && matches!(begin.strip_prefix(['x', '*']), Some("-dev")) {
            numbers[at..].fill(ANY);
            rest = "-dev";
            break;
        } else if at == 0 {
            return None;
        } else {
            break;
        }
    }
    Some((numbers, rest))
}

/// The place of a stability and the numbers behind it: `-beta2`, `rc.1`, nothing.
fn stability(text: &str) -> Option<(u8, Vec<&str>)> {
    if text.is_empty() {
        return Some((RELEASE, Vec::new()));
    }
    let text = text.strip_prefix(['-', '.', '_']).unwrap_or(text);
    let (place, rest) = STABILITIES.iter().find_map(|(word, place)| Some((*place, text.strip_prefix(word)?)))?;
    let rest = rest.strip_prefix(['-', '.']).unwrap_or(rest);
    let counts: Vec<&str> = if rest.is_empty() { Vec::new() } else { rest.split(['.', '-']).collect() };
    let fine = counts.iter().all(|count| is_number(count));
    fine.then(|| (place, if place == RELEASE { Vec::new() } else { counts }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{agrees, ascends, equal};

    #[test]
    fn versions_have_the_order_that_composer_gives_them() {
        // An `x` that is not the last, numbers that end in a dot, dates.
        let unplaced = agrees(key, include_str!("testdata/versions.txt"));
        let odd = ["0.100000.x.1-dev", "0.x.20-dev", "0.x.x-dev", "01.x.0.10-dev", "1.", "1.0.", "1.x.dev"];
        assert_eq!(unplaced, [&odd[..], &["2.x.100000.x-dev", "2010-01-02"]].concat());
    }

    #[test]
    fn versions_have_the_order_of_composer() {
        ascends(
            key,
            &["1.0.0-dev", "1.0.0-alpha", "1.0.0-alpha1", "1.0.0-beta2", "1.0.0-beta10", "1.0.0-RC1", "1.0.0"],
        );
        ascends(key, &["1.0.0", "1.0.0-patch1", "1.0.0-pl2", "1.0.0.1", "1.0.1", "1.9.9", "1.x-dev", "2.0-dev", "2"]);
        ascends(key, &["1.0.0-beta1-dev", "1.0.0-beta1", "1.0.0-beta2"]);
        equal(key, &[("v1.2", "1.2.0.0"), ("1.0-stable", "1"), ("1.0b1", "1.0.0-beta.1"), ("1.0.0-RC", "1.0-rc")]);
        equal(key, &[("1.0.0+build", "1"), ("1.2.x-dev", "1.2.9999999.9999999-dev"), ("1.0-p1", "1.0-patch1")]);
        for text in ["", "dev-main", "main", "1.0-foo", "1.0-beta-x", "x-dev"] {
            assert_eq!(key(text), None, "{text}");
        }
    }
}
