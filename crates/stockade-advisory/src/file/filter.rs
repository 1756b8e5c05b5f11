//! A Bloom filter in blocks of one cache line. It says of most names that are not there that they are not, without a page
//! being read. There is one for each sort of name, since hardly anybody asks for all sorts.

use crate::codec::Truncated;

/// How many bits there are for each hash. One of about a hundred names that are not there is looked for.
const BITS: usize = 12;
/// How many bits a hash sets.
const PROBES: u32 = 5;
/// Bytes of a block: a cache line.
const BLOCK: usize = 64;
/// How many bits of a hash say which bit of a block: a block has 512.
const PLACE: u32 = 9;

/// The filter.
pub(super) struct Filter {
    bytes: Vec<u8>,
}

impl Filter {
    pub(super) fn of(hashes: &[u64]) -> Self {
        let blocks = (hashes.len() * BITS).div_ceil(BLOCK * 8).max(1);
        let mut filter = Self { bytes: vec![0; blocks * BLOCK] };
        for hash in hashes {
            let block = filter.block(*hash);
            for (byte, bit) in bits(*hash) {
                filter.bytes[block + byte] |= bit;
            }
        }
        filter
    }

    pub(super) fn read(bytes: Vec<u8>) -> Result<Self, Truncated> {
        if bytes.is_empty() || !bytes.len().is_multiple_of(BLOCK) { Err(Truncated) } else { Ok(Self { bytes }) }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// False if the hash is not there; true if it may be.
    pub(super) fn admits(&self, hash: u64) -> bool {
        let block = self.block(hash);
        bits(hash).all(|(byte, bit)| self.bytes[block + byte] & bit != 0)
    }

    /// Where the block of a hash begins. The high bits choose it, the low ones the bits in it.
    fn block(&self, hash: u64) -> usize {
        let blocks = (self.bytes.len() / BLOCK) as u128;
        let block = (u128::from(hash) * blocks) >> u64::BITS;
        usize::try_from(block).unwrap_or_default() * BLOCK
    }
}

fn bits(hash: u64) -> impl Iterator<Item = (usize, u8)> {
    (0..PROBES).map(move |probe| {
        let place = usize::try_from((hash >> (probe * PLACE)) & ((1 << PLACE) - 1)).unwrap_or_default();
        (place / 8, 1 << (place % 8))
    })
}

#[cfg(test)]
mod tests {
    use super::super::hash;
    use super::*;

    #[test]
    fn what_is_there_is_admitted_and_most_else_is_not() {
        let names = |from: u32, to: u32| (from..to).map(|name| hash(&name.to_be_bytes()));
        let filter = Filter::of(&names(0, 10_000).collect::<Vec<_>>());
        assert!(names(0, 10_000).all(|hash| filter.admits(hash)));
        let wrong = names(10_000, 20_000).filter(|hash| filter.admits(*hash)).count();
        assert!(wrong < 200, "{wrong} of 10000");
        assert!(!Filter::of(&[]).admits(7));
        assert!(Filter::read(Vec::new()).is_err());
    }
}
