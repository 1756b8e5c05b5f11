//! What the install hook of a malicious package can do: bare, and in the sandbox of `stockade run`.
//!
//! The probes run where such code runs: this program is copied into a package `evil` as its `postinstall` hook, and the
//! real npm starts it. A probe is an attack on something that this suite has planted: a home with secrets, a project, a
//! process with a secret in its memory, services that listen. What counts is the *effect*, and whoever looks for it stands
//! outside: a write has happened if the planted file has changed, a connection if the planted service got the bytes. A
//! sandbox that lets the attack believe in its success and throws the result away has blocked it.
//!
//! Bare, each probe has to succeed, or it proves nothing; which cannot on some machines, and why, is in `expected`. In the
//! sandbox each has to fail but those that `expected` lists with a reason, and those have to succeed, so that the list
//! stays true.
//!
//! `cargo test -p stockade --test probes -- --table docs/probes.md` writes the outcome down. All of it is inert: nothing is
//! touched that the suite has not planted, nothing leaves the machine, and nothing stays.

#![expect(clippy::disallowed_methods, reason = "it tries what is forbidden")]
#![expect(clippy::print_stdout, reason = "a test without a harness says what it found")]

#[cfg(target_os = "linux")]
mod attempts;
#[cfg(target_os = "linux")]
mod expected;
#[cfg(target_os = "linux")]
mod harness;
#[cfg(target_os = "linux")]
mod hook;
#[cfg(target_os = "linux")]
mod modes;
#[cfg(target_os = "linux")]
mod outside;
#[cfg(target_os = "linux")]
mod place;
#[cfg(target_os = "linux")]
mod probe;
#[cfg(target_os = "linux")]
mod ring;
#[cfg(target_os = "linux")]
mod services;
#[cfg(target_os = "linux")]
mod start;
#[cfg(target_os = "linux")]
mod sys;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
mod victim;

use std::process::ExitCode;

/// This program starts itself in all the parts that it plays.
#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match *words {
        ["run"] => hook::run_all(),
        ["one", id] => hook::run_one(id),
        ["left", id, what] => attempts::races::left(id, what),
        ["victim"] => victim::live(),
        ["start", plan] => start::start(plan),
        ["world", name, root] => harness::world(name, std::path::Path::new(root)),
        _ => harness::main(&words),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("skipped: the probes are system calls of Linux");
    ExitCode::SUCCESS
}
