//! Signatures of bundles: Ed25519, with a key that is made where bundles are made and never leaves it.

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use super::files;

/// The file of the data folder that the key is in.
const FILE: &str = "advisory-key";
/// What the name of a key begins with.
const PREFIX: &str = "ed25519:";
/// The length of a public key in bytes.
const PUBLIC: usize = 32;

/// By what a signature is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; PUBLIC]);

impl FromStr for PublicKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hex = text.strip_prefix(PREFIX);
        let mut key = [0; PUBLIC];
        hex.filter(|hex| hex::decode_to_slice(hex, &mut key).is_ok())
            .map(|_| Self(key))
            .ok_or_else(|| "a key is `ed25519:` and 64 hexadecimal digits".to_owned())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hex::encode(self.0))
    }
}

impl PublicKey {
    /// True if the owner of this key signed that.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

/// With what is signed.
pub(super) struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// The key of this data folder; it is made if there is none.
    pub(super) fn of(data: &Path) -> io::Result<Self> {
        let path = data.join(FILE);
        let bytes = match files::read_short(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
                let made = made.map_err(|_| io::Error::other("the system gives no random numbers"))?;
                // Files of this kind are made for their owner alone.
                files::put(&path, made.as_ref())?;
                made.as_ref().to_vec()
            }
            Err(error) => return Err(error),
        };
        let key = Ed25519KeyPair::from_pkcs8(&bytes);
        let unusable = |error| io::Error::other(format!("`{}` is no key: {error}", path.display()));
        Ok(Self(key.map_err(unusable)?))
    }

    pub(super) fn public(&self) -> PublicKey {
        let mut key = [0; PUBLIC];
        key.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(key)
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }
}
