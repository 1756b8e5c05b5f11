//! The command line: arguments, settings, reports, progress.
fn main() {}
