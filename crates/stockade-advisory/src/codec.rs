//! Numbers and bytes in a row. Reading is total: what is not there, or is longer than what is left, is [`Truncated`].

/// There was less than was announced.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Truncated;

/// Seven bits a byte, the lowest first; the highest bit says that there is more.
pub(crate) fn put_number(to: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        to.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    to.push((number & 0x7f) as u8);
}

/// Bytes and, before them, how many.
pub(crate) fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    put_number(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

/// Reads on from a place.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Truncated> {
        let (first, rest) = self.rest.split_first().ok_or(Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Truncated> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Truncated)
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Truncated> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Truncated> {
        let length = self.count()?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Truncated> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Truncated)
    }

    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        self.take(N)?.try_into().map_err(|_| Truncated)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Truncated> {
        self.fixed().map(u64::from_be_bytes)
    }

    /// How many things follow. Each has a byte at least, so there are no more of them than bytes: no announcement makes
    /// us reserve memory that is not there.
    pub(crate) fn count(&mut self) -> Result<usize, Truncated> {
        let count = usize::try_from(self.number()?).map_err(|_| Truncated)?;
        if count > self.rest.len() { Err(Truncated) } else { Ok(count) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_put_is_read(number: u64, bytes: Vec<u8>) {
            let mut row = Vec::new();
            put_number(&mut row, number);
            put_bytes(&mut row, &bytes);
            let mut cursor = Cursor::new(&row);
            prop_assert_eq!(cursor.number(), Ok(number));
            prop_assert_eq!(cursor.bytes(), Ok(bytes.as_slice()));
            prop_assert_eq!(cursor.byte(), Err(Truncated));
        }

        #[test]
        fn reading_is_total(row: Vec<u8>) {
            let mut cursor = Cursor::new(&row);
            while cursor.clone().number().is_ok() && cursor.text().is_ok() {}
        }
    }
}
