//! The part of regular expressions that decoders use, on a machine with a budget.
//!
//! Characters, classes, groups, alternatives, repetitions, anchors. What is not known here (looking around, references
//! back, names of Unicode classes) makes the whole expression unknown; what takes too many steps does as well.

/// How many instructions an expression may become.
const MAX_PROGRAM: usize = 4_000;
/// The most that a counted repetition may count.
const MAX_COUNT: usize = 1_000;
/// How deep groups may nest.
const MAX_GROUPS: usize = 20;
/// How many states may wait to be tried.
const MAX_WAITING: usize = 200_000;

/// A regular expression.
pub(super) struct Regex {
    program: Vec<Step>,
    groups: usize,
    loops: usize,
    ignore_case: bool,
    lines: bool,
}

/// Where an expression matched: begin and end of the whole, and of each group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found(Vec<Option<usize>>);

impl Found {
    pub(super) fn plain(from: usize, to: usize) -> Self {
        Self(vec![Some(from), Some(to)])
    }

    pub(super) fn whole(&self) -> (usize, usize) {
        let at = |place: usize| self.0.get(place).copied().flatten().unwrap_or(0);
        (at(0), at(1).max(at(0)))
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = Option<(usize, usize)>> + '_ {
        self.0.chunks_exact(2).skip(1).map(|pair| match pair {
            [Some(from), Some(to)] => Some((*from, *to)),
            _ => None,
        })
    }
}

#[derive(Debug, Clone)]
enum Step {
    One(Class),
    /// Go on at the first; if that fails, at the second.
    Either(usize, usize),
    Go(usize),
    Mark(usize),
    Start,
    End,
    Boundary(bool),
    /// A round of a repetition begins.
    Round(usize),
    /// Fails if nothing was matched since the round began: it would go on for ever.
    Advanced(usize),
    Done,
}

/// A set of characters.
#[derive(Debug, Clone, Default)]
struct Class {
    ranges: Vec<(char, char)>,
    negated: bool,
}

impl Class {
    fn has(&self, letter: char) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&letter)) != self.negated
    }

    fn of(ranges: &[(char, char)]) -> Self {
        Self { ranges: ranges.to_vec(), negated: false }
    }

    fn but(ranges: &[(char, char)]) -> Self {
        Self { ranges: ranges.to_vec(), negated: true }
    }
}

const DIGITS: &[(char, char)] = &[('0', '9')];
const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
const SPACE: &[(char, char)] = &[
    ('\t', '\r'),
    (' ', ' '),
    ('\u{a0}', '\u{a0}'),
    ('\u{2000}', '\u{200a}'),
    ('\u{2028}', '\u{2029}'),
    ('\u{202f}', '\u{202f}'),
    ('\u{3000}', '\u{3000}'),
    ('\u{feff}', '\u{feff}'),
];
const NEWLINES: &[(char, char)] = &[('\n', '\n'), ('\r', '\r'), ('\u{2028}', '\u{2029}')];

impl Regex {
    /// How many steps may be taken on a text: in proportion to its length, so that what a call costs is what its
    /// arguments weigh.
    pub(super) fn budget(text: &[char]) -> u64 {
        const FOR_ALL: u64 = 10_000;
        const A_CHARACTER: u64 = 32;
        FOR_ALL + A_CHARACTER * text.len() as u64
    }

    pub(super) fn new(pattern: &str, flags: &str) -> Option<Self> {
        let mut parser = Parser {
            rest: pattern.chars().collect(),
            at: 0,
            program: Vec::new(),
            groups: 1,
            loops: 0,
            depth: 0,
            dot_all: flags.contains('s'),
        };
        parser.program.push(Step::Mark(0));
        parser.alternatives()?;
        parser.program.extend([Step::Mark(1), Step::Done]);
        let whole = parser.at == parser.rest.len() && parser.program.len() <= MAX_PROGRAM;
        whole.then_some(Self {
            program: parser.program,
            groups: parser.groups,
            loops: parser.loops,
            ignore_case: flags.contains('i'),
            lines: flags.contains('m'),
        })
    }

    /// The first match from a place on. `None` if the budget is used up.
    #[expect(clippy::option_option, reason = "that nothing is known is not that nothing is found")]
    pub(super) fn find(&self, text: &[char], from: usize, budget: &mut u64) -> Option<Option<Found>> {
        for start in from..=text.len() {
            if let Some(found) = self.at(text, start, budget)? {
                return Some(Some(found));
            }
        }
        Some(None)
    }

    #[expect(clippy::option_option, reason = "that nothing is known is not that nothing is found")]
    fn at(&self, text: &[char], start: usize, budget: &mut u64) -> Option<Option<Found>> {
        let mut waiting = vec![(0, start, vec![None; self.groups * 2 + self.loops])];
        while let Some((mut step, mut at, mut marks)) = waiting.pop() {
            loop {
                *budget = budget.checked_sub(1)?;
                match self.program.get(step)? {
                    Step::Done => {
                        marks.truncate(self.groups * 2);
                        return Some(Some(Found(marks)));
                    }
                    Step::One(class) => {
                        if !text.get(at).is_some_and(|letter| self.takes(class, *letter)) {
                            break;
                        }
                        at += 1;
                    }
                    Step::Either(first, second) => {
                        if waiting.len() >= MAX_WAITING {
                            return None;
                        }
                        waiting.push((*second, at, marks.clone()));
                        step = *first;
                        continue;
                    }
                    Step::Go(target) => {
                        step = *target;
                        continue;
                    }
                    Step::Mark(place) => *marks.get_mut(*place)? = Some(at),
                    Step::Round(place) => *marks.get_mut(self.groups * 2 + place)? = Some(at),
                    Step::Start if at == 0 || (self.lines && newline(text.get(at - 1))) => {}
                    Step::End if at == text.len() || (self.lines && newline(text.get(at))) => {}
                    Step::Boundary(wanted) if boundary(text, at) == *wanted => {}
                    Step::Advanced(place) if marks.get(self.groups * 2 + place).copied().flatten() != Some(at) => {}
                    Step::Start | Step::End | Step::Boundary(_) | Step::Advanced(_) => break,
                }
                step += 1;
            }
        }
        Some(None)
    }

    fn takes(&self, class: &Class, letter: char) -> bool {
        if !self.ignore_case {
            return class.has(letter);
        }
        let (lower, upper) = (letter.to_ascii_lowercase(), letter.to_ascii_uppercase());
        if class.negated { class.has(lower) && class.has(upper) } else { class.has(lower) || class.has(upper) }
    }
}

fn newline(letter: Option<&char>) -> bool {
    letter.is_some_and(|letter| NEWLINES.iter().any(|(first, last)| (*first..=*last).contains(letter)))
}

fn boundary(text: &[char], at: usize) -> bool {
    let word = |letter: Option<&char>| {
        letter.is_some_and(|letter| WORD.iter().any(|(first, last)| (*first..=*last).contains(letter)))
    };
    word(at.checked_sub(1).and_then(|before| text.get(before))) != word(text.get(at))
}

struct Parser {
    rest: Vec<char>,
    at: usize,
    program: Vec<Step>,
    groups: usize,
    loops: usize,
    depth: usize,
    dot_all: bool,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += 1;
        Some(letter)
    }

    fn eat(&mut self, letter: char) -> bool {
        let is = self.peek() == Some(letter);
        self.at += usize::from(is);
        is
    }

    /// `a|b|c`.
    fn alternatives(&mut self) -> Option<()> {
        let mut ends = Vec::new();
        loop {
            let begin = self.program.len();
            self.sequence()?;
            if !self.eat('|') {
                break;
            }
            self.insert(begin, Step::Either(begin + 1, self.program.len() + 2));
            ends.push(self.program.len());
            self.program.push(Step::Go(0));
        }
        let end = self.program.len();
        for at in ends {
            *self.program.get_mut(at)? = Step::Go(end);
        }
        Some(())
    }

    fn sequence(&mut self) -> Option<()> {
        while let Some(letter) = self.peek() {
            if letter == '|' || letter == ')' {
                break;
            }
            let begin = self.program.len();
            self.atom()?;
            self.repetition(begin)?;
            if self.program.len() > MAX_PROGRAM {
                return None;
            }
        }
        Some(())
    }

    /// Puts a step before others, which move on by one.
    fn insert(&mut self, at: usize, step: Step) {
        for later in self.program.iter_mut().skip(at) {
            match later {
                Step::Either(first, second) => {
                    *first += usize::from(*first >= at);
                    *second += usize::from(*second >= at);
                }
                Step::Go(target) => *target += usize::from(*target >= at),
                _ => {}
            }
        }
        self.program.insert(at, step);
    }

    fn atom(&mut self) -> Option<()> {
        let letter = self.next()?;
        match letter {
            '.' if self.dot_all => self.program.push(Step::One(Class::but(&[]))),
            '.' => self.program.push(Step::One(Class::but(NEWLINES))),
            '^' => self.program.push(Step::Start),
            '$' => self.program.push(Step::End),
            '(' => return self.group(),
            '[' => {
                let class = self.class()?;
                self.program.push(Step::One(class));
            }
            '\\' => match self.peek()? {
                'b' | 'B' => {
                    let wanted = self.next()? == 'b';
                    self.program.push(Step::Boundary(wanted));
                }
                _ => {
                    let class = self.escape()?;
                    self.program.push(Step::One(class));
                }
            },
            '*' | '+' | '?' => return None,
            letter => self.program.push(Step::One(Class::of(&[(letter, letter)]))),
        }
        Some(())
    }

    fn group(&mut self) -> Option<()> {
        let mut place = None;
        if self.eat('?') {
            match self.next()? {
                ':' => {}
                '<' if !matches!(self.peek()?, '=' | '!') => {
                    while self.next()? != '>' {}
                    place = Some(self.groups);
                }
                _ => return None,
            }
        } else {
            place = Some(self.groups);
        }
        self.depth += 1;
        if self.depth > MAX_GROUPS {
            return None;
        }
        if let Some(place) = place {
            self.groups += 1;
            self.program.push(Step::Mark(place * 2));
        }
        self.alternatives()?;
        if let Some(place) = place {
            self.program.push(Step::Mark(place * 2 + 1));
        }
        self.depth -= 1;
        self.eat(')').then_some(())
    }

    /// `*`, `+`, `?`, `{n,m}` after what began at a step.
    fn repetition(&mut self, begin: usize) -> Option<()> {
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => match self.counts() {
                Some(counts) => counts,
                None => return Some(()),
            },
            _ => return Some(()),
        };
        self.at += 1;
        let lazy = self.eat('?');
        let body: Vec<Step> = self.program.split_off(begin);
        let rounds = most.unwrap_or(least).max(least);
        if rounds > MAX_COUNT || body.len().saturating_mul(rounds.max(1)) > MAX_PROGRAM {
            return None;
        }
        for _ in 0..least {
            self.copy(&body, begin);
        }
        let optional = |go: usize, leave: usize| if lazy { Step::Either(leave, go) } else { Step::Either(go, leave) };
        match most {
            None => {
                let place = self.loops;
                self.loops += 1;
                let again = self.program.len();
                let leave = again + body.len() + 4;
                self.program.extend([optional(again + 1, leave), Step::Round(place)]);
                self.copy(&body, begin);
                self.program.extend([Step::Advanced(place), Step::Go(again)]);
            }
            Some(most) => {
                let leave = self.program.len() + (body.len() + 1) * (most - least.min(most));
                for _ in least..most {
                    let here = self.program.len();
                    self.program.push(optional(here + 1, leave));
                    self.copy(&body, begin);
                }
            }
        }
        Some(())
    }

    /// A body once more, with its jumps moved along.
    fn copy(&mut self, body: &[Step], begin: usize) {
        let here = self.program.len();
        let moved = |target: usize| here + target.saturating_sub(begin);
        self.program.extend(body.iter().map(|step| match step {
            Step::Either(first, second) => Step::Either(moved(*first), moved(*second)),
            Step::Go(target) => Step::Go(moved(*target)),
            other => other.clone(),
        }));
    }

    /// The counts of `{n,m}`; the closing brace is left to be read. What is no count is a brace.
    fn counts(&mut self) -> Option<(usize, Option<usize>)> {
        let end = self.rest.get(self.at..)?.iter().position(|letter| *letter == '}')? + self.at;
        let inside: String = self.rest.get(self.at + 1..end)?.iter().collect();
        let (least, most) = match inside.split_once(',') {
            None => (inside.parse().ok()?, Some(inside.parse().ok()?)),
            Some((least, "")) => (least.parse().ok()?, None),
            Some((least, most)) => (least.parse().ok()?, Some(most.parse().ok()?)),
        };
        if most.is_some_and(|most| most < least) {
            return None;
        }
        self.at = end;
        Some((least, most))
    }

    fn class(&mut self) -> Option<Class> {
        let mut class = Class { negated: self.eat('^'), ranges: Vec::new() };
        loop {
            let first = match self.next()? {
                ']' => return Some(class),
                '\\' => self.escape()?,
                letter => Class::of(&[(letter, letter)]),
            };
            let single = match first.ranges.as_slice() {
                [(from, to)] if from == to && !first.negated => Some(*from),
                _ => None,
            };
            let range = self.peek() == Some('-') && self.rest.get(self.at + 1).is_some_and(|next| *next != ']');
            match (single, range) {
                (Some(from), true) => {
                    self.at += 1;
                    let to = match self.next()? {
                        '\\' => match self.escape()?.ranges.as_slice() {
                            [(from, to)] if from == to => *from,
                            _ => return None,
                        },
                        letter => letter,
                    };
                    class.ranges.push((from, to));
                }
                _ if first.negated => class.ranges.extend(complement(&first.ranges)),
                _ => class.ranges.extend(first.ranges),
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Option<Class> {
        let one = |letter: char| Class::of(&[(letter, letter)]);
        Some(match self.next()? {
            'd' => Class::of(DIGITS),
            'D' => Class::but(DIGITS),
            'w' => Class::of(WORD),
            'W' => Class::but(WORD),
            's' => Class::of(SPACE),
            'S' => Class::but(SPACE),
            'n' => one('\n'),
            'r' => one('\r'),
            't' => one('\t'),
            'f' => one('\u{c}'),
            'v' => one('\u{b}'),
            '0' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => one('\0'),
            'b' => one('\u{8}'),
            'x' => one(self.hexadecimal(2)?),
            'u' if self.eat('{') => {
                let end = self.rest.get(self.at..)?.iter().position(|letter| *letter == '}')?;
                let letter = self.hexadecimal(end)?;
                self.at += 1;
                one(letter)
            }
            'u' => one(self.hexadecimal(4)?),
            'c' | 'p' | 'P' | 'k' => return None,
            letter if letter.is_ascii_digit() => return None,
            letter => one(letter),
        })
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<char> {
        let text: String = self.rest.get(self.at..self.at.checked_add(digits)?)?.iter().collect();
        self.at += digits;
        char::from_u32(u32::from_str_radix(&text, 16).ok()?)
    }
}

/// All characters that are in none of the ranges, which are in order.
fn complement(ranges: &[(char, char)]) -> Vec<(char, char)> {
    let after = |letter: char| char::from_u32(u32::from(letter) + 1).unwrap_or('\u{e000}');
    let before = |letter: char| u32::from(letter).checked_sub(1).map(|code| char::from_u32(code).unwrap_or('\u{d7ff}'));
    let (mut out, mut next) = (Vec::new(), '\0');
    for (first, last) in ranges {
        if let Some(end) = before(*first).filter(|end| *end >= next) {
            out.push((next, end));
        }
        next = after(*last);
    }
    out.push((next, char::MAX));
    out
}
