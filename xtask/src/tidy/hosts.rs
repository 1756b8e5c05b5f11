//! No host name of a public registry is anywhere in the tree: upstreams are inherited from the clients, never compiled
//! in, and whoever copies a line from our documents must not reach past their own mirror.
//!
//! A list of those names would break the rule that it enforces. So the rule knows their digests: a 64-bit FNV-1a of the
//! lower-case name, which anybody can check against a name but which points nobody anywhere.
//! `cargo xtask tidy digest HOST` prints one.

use super::Finding;
use super::tree::{File, Tree};

/// A name below one of these counts too, except a site of documentation.
const HOSTS: &[(u64, &str)] = &[
    (0x1f62_1cab_7c0f_866e, "the npm registry"),
    (0xb6bc_0aab_4096_3d5d, "the npm registry (second address)"),
    (0xe65e_012e_a9ed_b897, "the npm registry's replication"),
    (0x7b3a_a4ae_22a9_daf8, "the npm registry's replication (former)"),
    (0xea84_e6c7_34f8_362f, "the npm website"),
    (0x74c1_c6a6_88ab_3cce, "the npm website (bare domain)"),
    (0x9924_60a6_9dc4_9529, "the npm registry (bare domain)"),
    (0x4a12_c294_d30d_3947, "Yarn's alias of the npm registry"),
    (0xece6_595c_5775_2255, "the mirror of npm in China"),
    (0x993f_18f4_cdec_2a0f, "JSR for npm clients"),
    (0xde35_e608_c3c2_ca95, "PyPI"),
    (0xac2c_9ab2_5e21_3f6f, "PyPI's files"),
    (0x7b8a_f955_ec73_118e, "PyPI's upload"),
    (0x9d44_c1c7_6e07_e509, "TestPyPI"),
    (0x24b4_7c8a_d001_73e6, "TestPyPI's files"),
    (0x7aae_a6f6_ef83_ebeb, "PyPI (former address)"),
    (0x9df7_a5ab_25e1_25d9, "Maven Central"),
    (0x4280_e234_33e5_37a4, "Maven Central (Apache's address)"),
    (0xb558_0342_4ab5_7ebc, "the portal of Maven Central"),
    (0xd153_fd28_3576_d7e9, "the former upload of Maven Central"),
    (0xf71f_046b_280a_20b8, "the search of Maven Central"),
    (0x4622_376f_a414_0cb3, "the index of crates.io"),
    (0xa233_cd01_de1d_da83, "the downloads of crates.io"),
    (0x2bc2_2df0_3884_078d, "the Go module proxy"),
    (0x11d7_08fd_f1fc_1634, "the Go checksum database"),
    (0x1539_1583_df8e_395d, "RubyGems"),
    (0x9087_1b63_72b6_d577, "the index of RubyGems"),
    (0x958b_ff67_d3c4_d202, "the NuGet API"),
    (0x8c60_a9f2_8ecf_f371, "the NuGet website"),
];

/// Hosts whose name is also the word for the registry, which documents need: only `//name` is an address.
const HOSTS_IN_ADDRESSES: &[(u64, &str)] = &[(0x0702_bf46_1365_8751, "the site and API of crates.io")];

/// The first label of sites that explain a registry and serve no packages.
const DOCUMENTATION: &str = "docs.";

/// The digest under which [`HOSTS`] knows a name, as it is written there.
pub(crate) fn digest_of(host: &str) -> String {
    let digits = format!("{:016x}", fnv1a(&host.to_ascii_lowercase()));
    format!("0x{}_{}_{}_{}", &digits[..4], &digits[4..8], &digits[8..12], &digits[12..])
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.lines() {
        let registries = candidates(line).filter_map(|(before, name)| registry(before, &name));
        findings.extend(registries.map(|registry| Finding::new(&file.path, number, refusal(registry))));
    }
    if let Some(registry) = candidates(&file.path).find_map(|(before, name)| registry(before, &name)) {
        findings.push(Finding::new(&file.path, 1, refusal(registry)));
    }
    findings
}

fn refusal(registry: &str) -> String {
    format!("the host name of a public registry ({registry}); write a name under `.example`, or inherit the upstream")
}

/// Everything in a line that may be a host name, in lower case, with the text before it.
fn candidates(line: &str) -> impl Iterator<Item = (&str, String)> {
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let mut at = 0;
    std::iter::from_fn(move || {
        let bytes = line.as_bytes();
        let start = at + bytes.get(at..)?.iter().position(|&byte| is_host(byte))?;
        let length = bytes[start..].iter().position(|&byte| !is_host(byte)).unwrap_or(bytes.len() - start);
        at = start + length;
        let (before, name) = (&line[..start], &line[start..at]);
        let name = name.get(glued(before)..).unwrap_or_default().trim_matches('.');
        Some((before, name.to_ascii_lowercase()))
    })
    .filter(|(_, name)| name.contains('.'))
}

/// How many characters at the start of a word belong to an escape before it: `%2F` or `\n`.
fn glued(before: &str) -> usize {
    match before.as_bytes().last() {
        Some(b'%') => 2,
        Some(b'\\') => 1,
        _ => 0,
    }
}

fn registry(before: &str, name: &str) -> Option<&'static str> {
    if name.starts_with(DOCUMENTATION) {
        return None;
    }
    let in_address = before.ends_with("//") && !name.is_empty();
    let exact = HOSTS_IN_ADDRESSES.iter().filter(|_| in_address).find(|(digest, _)| *digest == fnv1a(name));
    let below = || parents(name).find_map(|name| HOSTS.iter().find(|(digest, _)| *digest == fnv1a(name)));
    exact.or_else(below).map(|(_, registry)| *registry)
}

/// The name and every domain above it that has at least two labels.
fn parents(name: &str) -> impl Iterator<Item = &str> {
    let above = name.match_indices('.').map(|(dot, _)| &name[dot + 1..]);
    std::iter::once(name).chain(above).filter(|name| name.contains('.'))
}

fn fnv1a(text: &str) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    text.bytes().fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::super::found;
    use super::{check, digest_of, fnv1a};

    fn npm() -> String {
        ["registry", "npmjs", "org"].join(".")
    }

    fn in_text(text: &str) -> usize {
        found(&[("docs/a.md", text)], check).len()
    }

    #[test]
    fn the_digest_is_fnv_1a() {
        assert_eq!(
            [fnv1a(""), fnv1a("a"), fnv1a("foobar")],
            [0xcbf2_9ce4_8422_2325, 0xaf63_dc4c_8601_ec8c, 0x8594_4171_f739_67e8]
        );
        assert_eq!(digest_of("A"), "0xaf63_dc4c_8601_ec8c");
    }

    #[test]
    fn a_registry_is_found_however_it_is_written() {
        let expected = "docs/a.md:2: the host name of a public registry (the npm registry); write a name under `.example`, or inherit the upstream";
        assert_eq!(found(&[("docs/a.md", &format!("one\nuse https://{}/x", npm()))], check), [expected]);
        assert_eq!(in_text(&npm().to_uppercase()), 1);
        assert_eq!(in_text(&format!("the end is {}.", npm())), 1);
        assert_eq!(in_text(&format!("https%3a%2f%2f{}%2f", npm())), 1);
        assert_eq!(in_text(&format!("\"\\n{}\"", npm())), 1);
        assert_eq!(in_text(&format!("user:password@{}:443", npm())), 1);
        assert_eq!(in_text(&format!("é {} {}", npm(), ["eu", "files", "pythonhosted", "org"].join("."))), 2);
    }

    #[test]
    fn each_kind_of_registry_is_known() {
        let hosts: [&[&str]; 7] = [
            &["test", "pypi", "org"],
            &["repo1", "maven", "org"],
            &["repo", "maven", "apache", "org"],
            &["index", "crates", "io"],
            &["sum", "golang", "org"],
            &["rubygems", "org"],
            &["api", "nuget", "org"],
        ];
        for host in hosts {
            assert_eq!(in_text(&host.join(".")), 1, "{host:?}");
        }
    }

    #[test]
    fn words_and_documents_are_no_addresses() {
        assert_eq!(in_text("crates.io, PyPI, npm, Maven Central; registry.example; a.b.c"), 0);
        assert_eq!(in_text("registry+https://github.com/rust-lang/crates.io-index"), 0);
        assert_eq!(in_text(&["https://docs", "pypi", "org/attestations"].join(".")), 0);
        assert_eq!(in_text(&["https://crates", "io/api/v1"].join(".")), 1);
    }
}
