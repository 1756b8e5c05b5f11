//! Which variables a command sees: those that are named, and of these none that looks like a secret.

use std::ffi::{OsStr, OsString};

use super::Environment;
use super::place::matches;

/// Parts of the names of variables that hold secrets, whatever they begin or end with.
const SECRETS: [&str; 19] = [
    "ACCESS_KEY",
    "APIKEY",
    "API_KEY",
    "AUTH",
    "BEARER",
    "COOKIE",
    "CREDENTIAL",
    "CREDS",
    "ENCRYPTION_KEY",
    "LICENSE_KEY",
    "OTP",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PRIVATE_KEY",
    "SECRET",
    "SESSION",
    "SIGNING",
    "TOKEN",
];
/// The longest value that is looked into for an address with a password.
const MAX_ADDRESS: usize = 64 * 1024;

/// The variables of an environment that a profile lets through.
pub(super) fn scrubbed(environment: &[(OsString, OsString)], profile: &Environment) -> Vec<(OsString, OsString)> {
    let denied = |name: &OsStr| profile.deny.iter().any(|pattern| matches(pattern, &name.to_string_lossy()));
    let passed = environment.iter().filter(|(name, value)| passes(name, value, &profile.pass) && !denied(name));
    passed.cloned().collect()
}

fn passes(name: &OsStr, value: &OsStr, pass: &[String]) -> bool {
    let Some(name) = name.to_str() else { return false };
    // Who writes a name out means it.
    if pass.iter().any(|one| one == name) {
        return true;
    }
    let upper = name.to_uppercase();
    let secret = SECRETS.iter().any(|part| upper.contains(part)) || has_password(value);
    !secret && pass.iter().any(|pattern| matches(pattern, name))
}

/// True if a value is an address with a password: `https://user:password@host`.
fn has_password(value: &OsStr) -> bool {
    let text = value.to_string_lossy();
    let text = text.get(..text.len().min(MAX_ADDRESS)).unwrap_or_default();
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}
