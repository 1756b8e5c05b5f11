//! What a program in a sandbox can do and what it cannot. Each attempt is made twice, by a process of its own: bare, where
//! it has to succeed, so that it is a real one; and in a sandbox, where it has to fail. This program starts itself.
//!
//! Every attempt is harmless: it touches only what this test has put there.

#![expect(clippy::disallowed_methods, reason = "it tries what is forbidden")]
#![expect(clippy::print_stdout, reason = "a test without a harness says what it tried")]
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]

#[cfg(target_os = "linux")]
mod group;
#[cfg(target_os = "linux")]
mod hooks;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: there is no sandbox on this system");
}
