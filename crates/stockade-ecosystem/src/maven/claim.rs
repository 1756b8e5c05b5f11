//! Files that claim the digest of the one beside them: `left-demo-1.0.jar.sha1`.
//!
//! They were written by whatever somebody had at hand, in twenty years: bare digits, what `sha1sum` prints, what
//! `openssl` prints. They lie on the same server as the file and prove nothing against it. But they are what a server
//! claimed when we first asked, and a pin keeps that.

use stockade_model::{Algorithm, Digest, Integrity, Malformed};

/// What is added to a file's name, the strongest first. MD5 identifies nothing.
pub(super) const ENDINGS: [&str; 3] = [".sha512", ".sha256", ".sha1"];

/// The largest such file in bytes.
const MAX_BYTES: usize = 4096;

/// The digest in a file with this ending.
pub(super) fn read(ending: &str, claim: &[u8]) -> Result<Integrity, Malformed> {
    let text = String::from_utf8_lossy(claim.get(..MAX_BYTES).unwrap_or(claim));
    let malformed = |why| Malformed::new("a file with a digest", &text, why);
    let algorithm: Algorithm =
        ending.trim_start_matches('.').parse().map_err(|_| malformed("its name does not say of which sort"))?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    // `SHA1 (name) = digits`, or `digits  name`.
    let digits = line.rsplit_once('=').map_or(line, |(_, digits)| digits);
    let digits = digits.split_ascii_whitespace().next().unwrap_or_default();
    let digest =
        Digest::from_hex(algorithm, digits).map_err(|_| malformed("it does not have the digits of a digest"))?;
    Integrity::from_digests(vec![digest]).ok_or_else(|| malformed("it is empty"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

    #[test]
    fn every_spelling_is_read() {
        let upper = DIGITS.to_uppercase();
        for text in [
            DIGITS,
            &upper,
            &format!("\r\n  {DIGITS}\r\n"),
            &format!("{DIGITS}  left-1.0.jar\n"),
            &format!("{DIGITS} *left-1.0.jar\nmore"),
            &format!("left-1.0.jar = {DIGITS}"),
            &format!("SHA1(left-1.0.jar)= {DIGITS}\n"),
            &format!("SHA1 (a=b.jar) = {upper} "),
            &format!("{DIGITS}\n{}", "x".repeat(2 * MAX_BYTES)),
        ] {
            let claim = read(".sha1", text.as_bytes()).unwrap();
            assert_eq!(claim.deciding().next().unwrap().hex(), DIGITS, "{text}");
        }
        assert_eq!(read(".sha512", "ab".repeat(64).as_bytes()).unwrap().strongest(), Algorithm::Sha512);
        assert_eq!(read(".sha256", "ab".repeat(32).as_bytes()).unwrap().strongest(), Algorithm::Sha256);
    }

    #[test]
    fn what_is_no_digest_is_none() {
        let page = "<html>not found</html>";
        for text in ["", "\n", page, "da39", &format!("{DIGITS}0"), &format!("x{DIGITS}"), &"ab".repeat(32)] {
            assert!(read(".sha1", text.as_bytes()).is_err(), "{text}");
        }
        assert!(read(".sha1", &[0xff; 40]).is_err());
        assert!(read(".md5", "ab".repeat(16).as_bytes()).is_err());
        assert!(read(".sha1", format!("{}{DIGITS}", " ".repeat(MAX_BYTES)).as_bytes()).is_err());
    }
}
