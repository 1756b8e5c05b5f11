//! Lines of a text that may be 100 MB of line breaks, told in little memory.

/// How far apart the places are whose lines are kept: 1 KiB.
const STEP: usize = 1 << 10;

/// Tells in which line a byte is.
pub(crate) struct Lines<'a> {
    text: &'a [u8],
    /// How many line breaks are before each [`STEP`].
    before: Vec<u32>,
}

impl<'a> Lines<'a> {
    /// Of a text.
    pub(crate) fn of(text: &'a str) -> Self {
        let mut sum = 0;
        let mut before = vec![0];
        for step in text.as_bytes().chunks(STEP) {
            sum += breaks(step);
            before.push(sum);
        }
        Self { text: text.as_bytes(), before }
    }

    /// The line, from 1, of a byte.
    pub(crate) fn line(&self, at: usize) -> u32 {
        let at = at.min(self.text.len());
        let rest = self.text.get(at / STEP * STEP..at).unwrap_or_default();
        self.before.get(at / STEP).copied().unwrap_or_default() + breaks(rest) + 1
    }

    /// The line, from 1, of a part of the text that was borrowed from it. `None` if it was not.
    pub(crate) fn line_of(&self, part: &str) -> Option<u32> {
        let at = part.as_ptr().addr().checked_sub(self.text.as_ptr().addr())?;
        (at <= self.text.len()).then(|| self.line(at))
    }
}

/// Sums of bytes are what a compiler makes wide instructions of.
fn breaks(bytes: &[u8]) -> u32 {
    let short = |part: &[u8]| part.iter().map(|byte| u8::from(*byte == b'\n')).fold(0, u8::wrapping_add);
    bytes.chunks(usize::from(u8::MAX)).map(|part| u32::from(short(part))).sum()
}
