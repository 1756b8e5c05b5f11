//! What the tests' gateways start to look into files: the worker, and nothing else.

use std::io::{stdin, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    match stockade_engine::inspection::work(&mut stdin().lock(), &mut stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
