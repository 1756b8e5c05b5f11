//! What a host is called, and which of those a rule means.
//!
//! A name is compared in one form only: lower case, without the dot at its end, of letters, digits, hyphens and
//! underscores. Whatever cannot be brought into that form is no name, and matches nothing.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

/// The longest name and the longest of its labels, in bytes. Source: RFC 1035, 2.3.4.
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;
/// What precedes the rest of a pattern that stands for any one label.
const ANY_LABEL: &str = "*.";
/// Labels under which the registries of many countries let anybody have a name: `co.uk`, `com.au`, `or.jp`.
const OPEN_LABELS: [&str; 12] = ["ac", "co", "com", "edu", "go", "gob", "gov", "mil", "ne", "net", "or", "org"];
/// The length of a country's label.
const COUNTRY: usize = 2;

/// Which hosts a rule means: one name, one IP address, or all names with exactly one more label.
///
/// `registry.example` is that name alone. `*.registry.example` is `a.registry.example`, but neither `registry.example` nor
/// `a.b.registry.example`. `192.0.2.1` and `2001:db8::1` are addresses, written without brackets.
///
/// `*.` has to be followed by at least two labels, and by three where the two are such as `co.uk`. That is no protection
/// where strangers share a suffix in another way, as the customers of hosters, content networks and code forges do: the
/// public suffix list is not consulted, so a pattern such as `*.pages.hoster.example` is taken as it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPattern(Pattern);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Pattern {
    Name(String),
    /// Exactly one label before this name.
    Below(String),
    Address(IpAddr),
}

/// Why a text is no [`HostPattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostPatternError {
    /// It is neither a name nor an address.
    #[error(
        "`{0}` is no host: write a name of letters, digits and hyphens (another script as `xn--…`), or an IP address, without port and brackets"
    )]
    NotAHost(String),
    /// The wildcard is elsewhere than in place of the whole first label.
    #[error("`{0}` has `*` elsewhere than as its whole first label; write `*.host.example`")]
    Misplaced(String),
    /// The wildcard would mean hosts of anybody.
    #[error("`{0}` would mean hosts of anybody; write more labels after `*.`")]
    TooWide(String),
    /// The name always means the machine of whoever asks.
    #[error("`{0}` is the program's own machine, which no rule has to allow; to let it out there, forward a port")]
    Local(String),
}

impl FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, HostPatternError> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(Pattern::Address(address.to_canonical())));
        }
        let below = text.strip_prefix(ANY_LABEL);
        let rest = below.unwrap_or(text);
        if rest.contains('*') {
            return Err(HostPatternError::Misplaced(printable(text.as_bytes())));
        }
        let name = normal(rest.as_bytes()).ok_or_else(|| HostPatternError::NotAHost(printable(text.as_bytes())))?;
        match below {
            _ if is_local(&name) => Err(HostPatternError::Local(name)),
            Some(_) if is_open(&name) => Err(HostPatternError::TooWide(printable(text.as_bytes()))),
            Some(_) => Ok(Self(Pattern::Below(name))),
            None => Ok(Self(Pattern::Name(name))),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::Name(name) => f.write_str(name),
            Pattern::Below(name) => write!(f, "{ANY_LABEL}{name}"),
            Pattern::Address(address) => address.fmt(f),
        }
    }
}

impl HostPattern {
    /// True if the pattern means this host.
    pub(super) fn means(&self, host: &Host) -> bool {
        match (&self.0, host) {
            (Pattern::Name(name), Host::Name(asked)) => **name == **asked,
            (Pattern::Below(name), Host::Name(asked)) => {
                asked.split_once('.').is_some_and(|(_, parent)| parent == name)
            }
            (Pattern::Address(address), Host::Address(asked)) => address == asked,
            _ => false,
        }
    }

    /// True if the pattern means a single host.
    pub(super) fn is_exact(&self) -> bool {
        !matches!(self.0, Pattern::Below(_))
    }
}

/// Whom a connection is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// In the normal form.
    Name(Arc<str>),
    Address(IpAddr),
}

impl Host {
    /// True if this text, from an SNI or without its port from a `Host`, is the host.
    pub(super) fn is_called(&self, text: &str) -> bool {
        match self {
            Self::Name(name) => normal(text.as_bytes()).is_some_and(|text| *text == **name),
            Self::Address(address) => {
                let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
                text.parse::<IpAddr>().is_ok_and(|text| text.to_canonical() == *address)
            }
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// A name in its normal form. `None` if it is no name of a host, which an IP address in any spelling is not.
pub(super) fn normal(name: &[u8]) -> Option<String> {
    let name = name.strip_suffix(b".").unwrap_or(name);
    let is_label = |label: &[u8]| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let labels = || name.split(|byte| *byte == b'.');
    let is_name = name.len() <= MAX_NAME && labels().all(is_label) && !labels().next_back().is_some_and(is_number);
    is_name.then(|| String::from_utf8_lossy(name).to_ascii_lowercase())
}

/// True for a label with which resolvers take the name for an IPv4 address: `1`, `0x7f`. Source: WHATWG URL, 3.5.
fn is_number(label: &[u8]) -> bool {
    let digits = label.strip_prefix(b"0x").or_else(|| label.strip_prefix(b"0X"));
    label.iter().all(u8::is_ascii_digit) || digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// True for names, in the normal form, that mean the machine of whoever asks. Source: RFC 6761, 6.3.
pub(super) fn is_local(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

fn is_open(name: &str) -> bool {
    match name.split('.').collect::<Vec<_>>()[..] {
        [_] => true,
        [open, country] => country.len() == COUNTRY && OPEN_LABELS.contains(&open),
        _ => false,
    }
}

/// A name as somebody else wrote it, fit to be shown: of graphic ASCII, without what ends a quotation, and not longer than
/// a name can be.
pub(super) fn printable(name: &[u8]) -> String {
    let shown = |byte: &u8| if byte.is_ascii_graphic() && *byte != b'`' { char::from(*byte) } else { '?' };
    name.iter().take(MAX_NAME).map(shown).collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn means(pattern: &str, host: &str) -> bool {
        let host =
            host.parse::<IpAddr>().map_or_else(|_| Host::Name(normal(host.as_bytes()).unwrap().into()), Host::Address);
        pattern.parse::<HostPattern>().unwrap().means(&host)
    }

    #[test]
    fn a_pattern_means_a_name_an_address_or_one_more_label() {
        assert!(means("Registry.Example.", "registry.example"));
        assert!(!means("registry.example", "a.registry.example"));
        assert!(means("*.registry.example", "A.registry.example"));
        for host in ["registry.example", "a.b.registry.example", "aregistry.example", "192.0.2.1"] {
            assert!(!means("*.registry.example", host), "{host}");
        }
        assert!(means("192.0.2.1", "192.0.2.1"));
        assert!(means("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(means("2001:db8::1", "2001:db8:0::1"));
        assert!(!means("192.0.2.1", "192.0.2.2"));
        assert_eq!("*.A.example".parse::<HostPattern>().unwrap().to_string(), "*.a.example");
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        let words = |text: &str| text.parse::<HostPattern>().unwrap_err().to_string();
        for text in ["", ".", "a..b", "a b", "a:80", "https://a.example", "[::1]", "bücher.example", "127.1", "a.0x7f"]
        {
            assert!(words(text).contains("is no host"), "{text}: {}", words(text));
        }
        assert!(words(&"a".repeat(64)).contains("is no host"));
        assert!(words("a.*.example").contains("as its whole first label"));
        assert!(words("a*.b.example").contains("as its whole first label"));
        for text in ["*.example", "*.co.uk", "*.com.au"] {
            assert_eq!(words(text), format!("`{text}` would mean hosts of anybody; write more labels after `*.`"));
        }
        assert!(words("*").contains("`*`"));
        assert!(words("localhost").contains("forward a port"));
        assert!(words("*.a.localhost").contains("forward a port"));
        assert!("*.shop.co.uk".parse::<HostPattern>().is_ok());
    }

    #[test]
    fn what_is_shown_is_short_and_plain() {
        assert_eq!(printable("A`\u{1b}[0mé".as_bytes()), "a??[0m??");
        assert_eq!(printable(&[b'a'; 1000]).len(), MAX_NAME);
    }
}
