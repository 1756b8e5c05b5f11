//! What code can do: the vocabulary of the inspector.

use serde::{Deserialize, Serialize};

/// A kind of thing that code can do. One occurrence of it is an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Talks to a host. Detail: the address or host, as far as it is known.
    Network,
    /// Resolves names itself. Detail: the name.
    Resolve,
    /// Waits for connections. Detail: the address or port.
    Listen,
    /// Turns the verification of a peer off.
    TlsOff,
    /// Reads a file. Detail: the path.
    Read,
    /// Reads credentials, keys, wallets, a browser's data. Detail: the path.
    ReadSecret,
    /// Writes or changes a file. Detail: the path.
    Write,
    /// Deletes a file or tree. Detail: the path.
    Delete,
    /// Makes a file executable. Detail: the path.
    MakeExecutable,
    /// Writes where code is run later without being asked: start-up entries, shell profiles, timers, services, an
    /// editor's, an agent's or a build server's configuration. Detail: the path or command.
    Persist,
    /// Runs a program or a command. Detail: the command.
    Execute,
    /// Runs text as code. Detail: the language, or what becomes of the text.
    DynamicCode,
    /// Loads a module whose name is computed. Detail: what is known of the name.
    DynamicImport,
    /// Loads native code or calls into the operating system's libraries. Detail: the library.
    LoadNative,
    /// Reads one environment variable. Detail: its name.
    Environment,
    /// Reads the whole environment.
    EnvironmentAll,
    /// Asks about the machine or user: host name, user name, addresses. Detail: what.
    SystemInfo,
    /// Decodes, decompresses or deciphers data. Detail: how.
    Decode,
    /// Encodes, compresses or enciphers data. Detail: how.
    Encode,
    /// Reads or writes the clipboard.
    Clipboard,
    /// Records the screen, keyboard, camera or microphone. Detail: what.
    Capture,
    /// Replaces functions that belong to others: `fetch`, prototypes, a wallet's provider. Detail: which.
    Hook,
    /// Touches a wallet or handles its secrets. Detail: what.
    Wallet,
    /// Publishes releases, or uses the means of it. Detail: the command or address.
    Publish,
    /// Asks a build server or cloud for its credentials. Detail: what.
    CloudSecret,
    /// Changes files of its own installed package, or deletes itself. Detail: the path.
    SelfModify,
    /// Takes a runtime, editor agent or interpreter that it brings or finds to run code. Detail: which.
    RunAgent,
    /// Allocates executable memory, injects into processes, or reads their memory. Detail: how.
    Inject,
    /// Hides what it does: suppressed output, detached processes, hidden windows. Detail: how.
    Conceal,
    /// Never ends, on purpose: a loop without an end at load.
    Hang,
}

/// What a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The whole environment.
    EnvironmentAll,
    /// One environment variable.
    Environment,
    /// A file of secrets.
    Secret,
    /// A file.
    File,
    /// The machine or user.
    SystemInfo,
    /// What came over the network.
    Network,
    /// What a decoder, decompressor or cipher gave.
    Decoded,
    /// The output of a program.
    Output,
    /// The clipboard.
    Clipboard,
    /// The screen, keyboard, camera or microphone.
    Capture,
    /// A parameter or property that is called like a private key, seed or password.
    KeyMaterial,
    /// A build server's or cloud's credentials.
    CloudSecret,
    /// A cookie, form, storage or the traffic of a web page.
    Page,
    /// A parameter of an exported function: what the caller passes.
    Parameter,
}

macro_rules! names {
    ($type:ty { $($variant:ident $name:literal),* $(,)? }) => {
        impl $type {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name in reports, rules and JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }

        impl std::str::FromStr for $type {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                Self::ALL.iter().copied().find(|item| item.name() == text).ok_or(())
            }
        }
    };
}

names!(Capability {
    Network "network", Resolve "resolve", Listen "listen", TlsOff "tls-off", Read "read", ReadSecret "read-secret",
    Write "write", Delete "delete", MakeExecutable "make-executable", Persist "persist", Execute "execute",
    DynamicCode "dynamic-code", DynamicImport "dynamic-import", LoadNative "load-native", Environment "environment",
    EnvironmentAll "environment-all", SystemInfo "system-info", Decode "decode", Encode "encode",
    Clipboard "clipboard", Capture "capture", Hook "hook", Wallet "wallet", Publish "publish",
    CloudSecret "cloud-secret", SelfModify "self-modify", RunAgent "run-agent", Inject "inject", Conceal "conceal",
    Hang "hang",
});

names!(Source {
    EnvironmentAll "environment-all", Environment "environment", Secret "secret", File "file",
    SystemInfo "system-info", Network "network", Decoded "decoded", Output "output", Clipboard "clipboard",
    Capture "capture", KeyMaterial "key-material", CloudSecret "cloud-secret", Page "page", Parameter "parameter",
});
