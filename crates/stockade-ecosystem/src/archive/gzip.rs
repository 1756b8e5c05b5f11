//! gzip, within a limit. A stream may have several members, one after the other, and all of them are content.

use bytes::Bytes;
use flate2::bufread::GzDecoder;

use super::gaps::Gaps;
use super::read_all;

const MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// How many bytes at the end say how long the content is, but for whole 4 GiB.
const LENGTH: usize = 4;

/// How many members a stream may have. Each costs a header, so that an archive of empty ones would cost more time than
/// its size says.
const MAX_STREAMS: usize = 10_000;

/// Whether this begins as gzip does.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// What is in it, as far as it can be read: of a broken stream what comes before the fault, as an extraction would have
/// left it behind.
pub(super) fn decompress(bytes: &[u8], limit: usize, gaps: &mut Gaps) -> Bytes {
    let mut out = decompressed(bytes, limit, gaps);
    // What was stated may have been too much.
    out.shrink_to_fit();
    out.into()
}

fn decompressed(bytes: &[u8], limit: usize, gaps: &mut Gaps) -> Vec<u8> {
    let stated = bytes.last_chunk::<LENGTH>().map_or(0, |length| u32::from_le_bytes(*length));
    let mut out = Vec::with_capacity(usize::try_from(stated).unwrap_or(usize::MAX).min(limit));
    let mut rest = bytes;
    for _ in 0..MAX_STREAMS {
        let mut decoder = GzDecoder::new(rest);
        let read = read_all(&mut decoder, limit, &mut out);
        if out.len() > limit {
            out.truncate(limit);
            gaps.limit(format!("it unpacks to more than {limit} bytes; the rest was not looked at"));
            return out;
        }
        if let Err(error) = read {
            gaps.malformed(format!("its gzip stream is broken after {} bytes: {error}", out.len()));
            return out;
        }
        rest = decoder.into_inner();
        if !is_gzip(rest) {
            if rest.iter().any(|&byte| byte != 0) {
                gaps.malformed(format!("{} bytes follow the end of its gzip stream", rest.len()));
            }
            return out;
        }
    }
    gaps.limit(format!("its gzip stream has more than {MAX_STREAMS} parts; the rest was not looked at"));
    out
}
