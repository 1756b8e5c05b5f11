//! The rules that come with stockade.

/// File name and text.
pub(super) const FILES: &[(&str, &str)] = &[
    ("dynamic-code-gained.md", include_str!("builtin/dynamic-code-gained.md")),
    ("environment-sent-gained.md", include_str!("builtin/environment-sent-gained.md")),
    ("execution-gained.md", include_str!("builtin/execution-gained.md")),
    ("fetched-code-run.md", include_str!("builtin/fetched-code-run.md")),
    ("fetched-code-run-gained.md", include_str!("builtin/fetched-code-run-gained.md")),
    ("hidden-code.md", include_str!("builtin/hidden-code.md")),
    ("hook-gained.md", include_str!("builtin/hook-gained.md")),
    ("install-hook-gained.md", include_str!("builtin/install-hook-gained.md")),
    ("installer-runs-hidden-shell.md", include_str!("builtin/installer-runs-hidden-shell.md")),
    ("installer-steals.md", include_str!("builtin/installer-steals.md")),
    ("interpreter-hook-gained.md", include_str!("builtin/interpreter-hook-gained.md")),
    ("native-gained.md", include_str!("builtin/native-gained.md")),
    ("network-gained.md", include_str!("builtin/network-gained.md")),
    ("obfuscation-gained.md", include_str!("builtin/obfuscation-gained.md")),
    ("opaque-content-gained.md", include_str!("builtin/opaque-content-gained.md")),
    ("package-emptied.md", include_str!("builtin/package-emptied.md")),
    ("power-gained.md", include_str!("builtin/power-gained.md")),
    ("secrets-sent.md", include_str!("builtin/secrets-sent.md")),
    ("secrets-sent-gained.md", include_str!("builtin/secrets-sent-gained.md")),
    ("unregistered-need-gained.md", include_str!("builtin/unregistered-need-gained.md")),
];
