//! Whether the parser can be trusted with a text: it descends by recursion and has no limit of its own.
//!
//! What makes it descend are brackets, and operators and words that another expression or type follows. Both are counted
//! over the tokens, without recursion: operators since the last end of an expression, and what was counted outside of the
//! brackets around.

use proc_macro2::{Delimiter, Group, Spacing, Span, TokenStream, TokenTree, token_stream::IntoIter};

/// The most levels that the parser may descend.
const MAX_LEVELS: u32 = 240;

/// The most links of one chain of calls or operators. Parsers build those in a loop, but take them down by recursion.
const MAX_CHAIN: u32 = 10_000;

/// Words that an expression, pattern or type follows.
const PREFIXES: &[&str] = &[
    "return", "break", "if", "match", "while", "for", "in", "let", "else", "move", "async", "unsafe", "loop", "const",
    "static", "mut", "ref", "dyn", "impl", "fn", "box", "yield", "become", "as", "await", "raw", "extern",
];

/// One pair of brackets.
struct Level {
    tokens: IntoIter,
    /// What is outside.
    outside: u32,
    /// Operators since the last end.
    run: u32,
    /// Links of a chain since the last end, and outside.
    chain: u32,
    chain_outside: u32,
    last: Last,
}

/// The token before.
#[derive(PartialEq, Eq, Clone, Copy)]
enum Last {
    Operator,
    Operand,
    /// The closing brace of a block.
    Block,
    /// What begins an attribute.
    Attribute,
    /// The dots of a range whose beginning was an operand.
    Range,
}

impl Level {
    fn new(tokens: TokenStream, outside: u32, chain: u32) -> Self {
        Self { tokens: tokens.into_iter(), outside, run: 0, chain, chain_outside: chain, last: Last::Operator }
    }
}

/// The place where a text is too deep, if it is.
pub(super) fn check(tokens: &TokenStream) -> Result<(), Span> {
    let mut levels = vec![Level::new(tokens.clone(), 0, 0)];
    while let Some(level) = levels.last_mut() {
        let Some(token) = level.tokens.next() else {
            levels.pop();
            continue;
        };
        let span = token.span();
        let inner = step(level, token);
        let depth = level.outside + level.run;
        if depth > MAX_LEVELS || level.chain > MAX_CHAIN {
            return Err(span);
        }
        let chain = level.chain;
        if let Some(group) = inner {
            levels.push(Level::new(group.stream(), depth + 1, chain));
        }
    }
    Ok(())
}

/// Counts one token; a group is entered next.
fn step(level: &mut Level, token: TokenTree) -> Option<Group> {
    match token {
        TokenTree::Punct(punct) => {
            let character = punct.as_char();
            level.chain = if matches!(character, ';' | ',') { level.chain_outside } else { level.chain + 1 };
            match character {
                ';' | ',' => level.run = 0,
                // An attribute after a block begins something new.
                '#' if level.last == Last::Block => level.run = 0,
                '#' | ':' | '.' | '?' | '\'' | '$' => {}
                '!' if level.last == Last::Attribute => {}
                '>' => level.run = level.run.saturating_sub(u32::from(punct.spacing() == Spacing::Alone)),
                '=' if level.last == Last::Range => {}
                '<' | '=' if punct.spacing() == Spacing::Alone => level.run += 1,
                _ if level.last != Last::Operand => level.run += 1,
                _ => {}
            }
            level.last = match character {
                '#' => Last::Attribute,
                '.' if matches!(level.last, Last::Operand | Last::Range) => Last::Range,
                _ => Last::Operator,
            };
            None
        }
        TokenTree::Ident(word) => {
            let is_prefix = PREFIXES.iter().any(|known| word == known);
            if level.last == Last::Block && word != "else" && word != "as" {
                level.run = 0;
            }
            level.run += u32::from(is_prefix);
            level.last = if is_prefix { Last::Operator } else { Last::Operand };
            None
        }
        TokenTree::Literal(_) => {
            level.last = Last::Operand;
            None
        }
        TokenTree::Group(group) => {
            level.last = if group.delimiter() == Delimiter::Brace { Last::Block } else { Last::Operand };
            Some(group)
        }
    }
}
