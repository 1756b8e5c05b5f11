//! What makes a client go through a gateway, for one run and without changing a file of the user's.

use std::ffi::OsString;
use std::path::PathBuf;

use stockade_ecosystem::Variables;

/// What is added to a command.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steering {
    /// To its environment.
    pub(crate) variables: Variables,
    /// To its arguments, in front of them.
    pub(crate) arguments: Vec<String>,
    /// To what it may read.
    pub(crate) file: Option<PathBuf>,
    /// What configuration files say in a sandbox, in spite of environment and arguments.
    #[cfg_attr(not(any(target_os = "linux", target_os = "macos")), expect(dead_code, reason = "there is no sandbox"))]
    pub(crate) rewritten: Vec<(PathBuf, String)>,
}

impl Steering {
    /// The command with our arguments. A toolchain (`+nightly`) stands before all others.
    pub(crate) fn words(&self, command: &[OsString]) -> Vec<OsString> {
        let is_toolchain = command.get(1).is_some_and(|word| word.to_string_lossy().starts_with('+'));
        let (before, after) = command.split_at(command.len().min(if is_toolchain { 2 } else { 1 }));
        let ours = self.arguments.iter().map(OsString::from);
        before.iter().cloned().chain(ours).chain(after.iter().cloned()).collect()
    }

    /// The texts of configuration files with ours in their place.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    pub(crate) fn texts(&self, mut texts: Vec<(PathBuf, String)>) -> Vec<(PathBuf, String)> {
        texts.retain(|(path, _)| !self.rewritten.iter().any(|(ours, _)| ours == path));
        texts.extend(self.rewritten.iter().cloned());
        texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_arguments_stand_before_the_commands_own() {
        let steering = Steering { arguments: vec!["--ours".to_owned()], ..Steering::default() };
        let words = |text: &str| {
            let words: Vec<OsString> = text.split_whitespace().map(OsString::from).collect();
            steering.words(&words).join(std::ffi::OsStr::new(" ")).into_string().unwrap()
        };
        assert_eq!(words("cargo build -q"), "cargo --ours build -q");
        assert_eq!(words("cargo +nightly build"), "cargo +nightly --ours build");
        assert_eq!(words("cargo"), "cargo --ours");
        assert_eq!(words("+x"), "+x --ours");
    }
}
