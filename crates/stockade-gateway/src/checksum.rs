//! Checksums of what is answered: some protocols give each file's an address of its own.

use std::io;

use http_body_util::BodyExt as _;
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use stockade_ecosystem::Sum;

use crate::body::Body;

/// The checksum of a body in lower-case hexadecimal digits.
pub(crate) async fn of(sum: Sum, body: Body) -> io::Result<String> {
    match sum {
        Sum::Md5 => digits::<Md5>(body).await,
        Sum::Sha1 => digits::<Sha1>(body).await,
        Sum::Sha256 => digits::<Sha256>(body).await,
        Sum::Sha512 => digits::<Sha512>(body).await,
    }
}

async fn digits<D: Digest>(mut body: Body) -> io::Result<String> {
    let mut hasher = D::new();
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame?.into_data() {
            hasher.update(&bytes);
        }
    }
    Ok(hex::encode(hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_their_specifications() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let of = |sum| runtime.block_on(of(sum, Body::whole("abc".into()))).unwrap();
        assert_eq!(of(Sum::Md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(of(Sum::Sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(of(Sum::Sha256).starts_with("ba7816bf8f01cfea"));
        assert!(of(Sum::Sha512).starts_with("ddaf35a193617aba"));
    }
}
