//! What a program may connect to.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::host::{Host, HostPattern};

/// Where names are asked for.
pub(super) const NAMES: u16 = 53;
/// Where TLS is expected.
pub(super) const TLS: u16 = 443;
/// Where HTTP is expected.
pub(super) const HTTP: u16 = 80;

/// What a program may connect to. Everything else is refused and reported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    /// Hosts outside. Of the rules that mean a host and have the port, one without a wildcard goes before one with, and
    /// the first before those after it.
    pub rules: Vec<Rule>,
    /// Ports of the program's own loopback addresses that lead somewhere.
    pub forwards: Vec<Forward>,
    /// Hosts that no rule means.
    pub denied: Vec<HostPattern>,
    /// Whether everything is let out to where the program connects, and only reported.
    pub observe: bool,
}

/// Hosts and ports that may be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which hosts.
    pub host: HostPattern,
    /// Which TCP ports. None of them: the name can be resolved, and that is all.
    pub ports: Vec<u16>,
    /// How many bytes may be sent under this rule in the whole run, those of TLS and of heads of requests included, for
    /// all hosts and ports of the rule together. `None`: any number.
    pub upload: Option<u64>,
    /// Only `GET`, `HEAD` and `OPTIONS` without a body may be requested. Whatever the port is, except 443, plain HTTP is
    /// then the only thing that may be spoken there. Within TLS on port 443 nothing of this can be seen: `upload` bounds
    /// it.
    pub read_only: bool,
}

/// Connections to this port of a loopback address (`127.0.0.0/8`, `::1`) go there, unseen and without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forward {
    /// The port as the program sees it. It goes before the rules.
    pub port: u16,
    /// Where it leads to, as seen from outside.
    pub to: SocketAddr,
}

impl Allowed {
    /// The TCP ports that have to be listened on: those of names, HTTP and TLS, so that what goes elsewhere there can be
    /// named in a report, and those of the rules and forwards. In order, each once.
    pub fn ports(&self) -> Vec<u16> {
        let rules = self.rules.iter().flat_map(|rule| &rule.ports).copied();
        let forwards = self.forwards.iter().map(|forward| forward.port);
        [NAMES, HTTP, TLS].into_iter().chain(rules).chain(forwards).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// True if there is a rule for the host, for whatever port.
    pub(super) fn means(&self, host: &Host) -> bool {
        !self.is_denied(host) && self.rules.iter().any(|rule| rule.host.means(host))
    }

    /// The rule for the host and port, and its number.
    pub(super) fn rule(&self, host: &Host, port: u16) -> Option<(usize, &Rule)> {
        let fits = |rule: &Rule| rule.ports.contains(&port) && rule.host.means(host) && !self.is_denied(host);
        let fitting = self.rules.iter().enumerate().filter(|(_, rule)| fits(rule));
        fitting.min_by_key(|(_, rule)| !rule.host.is_exact())
    }

    fn is_denied(&self, host: &Host) -> bool {
        self.denied.iter().any(|denied| denied.means(host))
    }

    /// Where a port of the program's own machine leads to.
    pub(super) fn forward(&self, destination: SocketAddr) -> Option<SocketAddr> {
        let fits = |forward: &&Forward| destination.ip().is_loopback() && forward.port == destination.port();
        self.forwards.iter().find(fits).map(|forward| forward.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(host: &str, ports: &[u16], upload: Option<u64>) -> Rule {
        Rule { host: host.parse().unwrap(), ports: ports.to_vec(), upload, read_only: false }
    }

    #[test]
    fn the_ports_are_those_of_everything_once() {
        let allowed = Allowed {
            rules: vec![rule("a.example", &[443, 8443], None), rule("b.example", &[8443, 22], None)],
            forwards: vec![Forward { port: 4873, to: ([127, 0, 0, 1], 4873).into() }],
            ..Allowed::default()
        };
        assert_eq!(allowed.ports(), [22, 53, 80, 443, 4873, 8443]);
        assert_eq!(Allowed::default().ports(), [53, 80, 443]);
    }

    #[test]
    fn the_rule_without_a_wildcard_and_then_the_first_one_counts() {
        let rules = [("*.a.example", 443, 1), ("b.a.example", 443, 2), ("b.a.example", 443, 3), ("b.a.example", 80, 4)];
        let rules = rules.map(|(host, port, upload)| rule(host, &[port], Some(upload))).to_vec();
        let allowed = Allowed { rules, ..Allowed::default() };
        let upload = |name: &str, port| allowed.rule(&Host::Name(name.into()), port).and_then(|(_, rule)| rule.upload);
        assert_eq!(upload("b.a.example", 443), Some(2));
        assert_eq!(upload("b.a.example", 80), Some(4));
        assert_eq!(upload("c.a.example", 443), Some(1));
        assert_eq!(upload("c.a.example", 80), None);
    }

    #[test]
    fn what_is_denied_is_not_meant_by_any_rule() {
        let rules = vec![rule("*.a.example", &[443], None)];
        let allowed = Allowed { rules, denied: vec!["b.a.example".parse().unwrap()], ..Allowed::default() };
        let means = |name: &str| {
            let host = Host::Name(name.into());
            (allowed.means(&host), allowed.rule(&host, 443).is_some())
        };
        assert_eq!((means("c.a.example"), means("b.a.example")), ((true, true), (false, false)));
    }

    #[test]
    fn only_loopback_addresses_are_forwarded() {
        let to = SocketAddr::from(([127, 0, 0, 1], 9));
        let allowed = Allowed { forwards: vec![Forward { port: 4873, to }], ..Allowed::default() };
        for (destination, leads) in
            [("127.0.0.1:4873", true), ("[::1]:4873", true), ("127.0.0.1:80", false), ("192.0.2.1:4873", false)]
        {
            assert_eq!(allowed.forward(destination.parse().unwrap()).is_some(), leads, "{destination}");
        }
    }
}
