//! Content that is made from a seed: the same every time, and nothing that has to be in the repository.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The shortest and the longest name of the generated code.
const NAMES: (usize, usize) = (4, 12);
/// Operators of the generated code.
const OPERATORS: [&str; 8] = ["+", "-", "*", "^", "&", "|", ">>>", "<<"];
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789abcdef";

/// Numbers from a seed: `xorshift64*`.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(seed).into();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(u64::from_le_bytes(first) | 1)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below the limit, which is not zero.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.number() >> 33).unwrap_or_default() % limit
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let numbers = std::iter::repeat_with(|| self.number().to_be_bytes());
        numbers.flatten().take(count).collect()
    }

    fn of(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(alphabet[self.below(alphabet.len())])).collect()
    }

    pub(crate) fn hex(&mut self, count: usize) -> String {
        self.of(DIGITS, count)
    }

    fn name(&mut self) -> String {
        let (least, most) = NAMES;
        let count = least + self.below(most - least);
        self.of(LETTERS, count)
    }

    /// Functions that call nothing and change nothing, on long lines.
    pub(crate) fn javascript(&mut self, bytes: usize) -> String {
        let mut code = String::with_capacity(bytes);
        while code.len() < bytes {
            let (name, first, second, local) = (self.name(), self.name(), self.name(), self.name());
            let (plus, times) = (OPERATORS[self.below(OPERATORS.len())], OPERATORS[self.below(OPERATORS.len())]);
            let (mask, shift, text) = (self.hex(7), self.below(31), self.of(LETTERS, 48));
            // The number keeps names apart: no module may declare one twice.
            let number = code.len();
            let _ = write!(
                code,
                "function ${name}{number}({first}_,{second}_){{var {local}_={first}_{plus}0x{mask};if({local}_%{}===7)\
                 {{{local}_={second}_{times}{shift}}}return\"{text}\".charCodeAt({local}_&31){plus}{local}_}}",
                shift + 9
            );
        }
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_always_the_same_and_another_is_another() {
        assert_eq!(Random::new("a").bytes(20), Random::new("a").bytes(20));
        assert_ne!(Random::new("a").bytes(20), Random::new("b").bytes(20));
        let code = Random::new("a").javascript(5000);
        assert!(code.len() >= 5000 && code.starts_with("function $"));
        assert_eq!(code, Random::new("a").javascript(5000));
    }
}
