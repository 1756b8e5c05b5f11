//! Whole texts, and what must be true of each.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::*;

fn paths(all: &[&str]) -> Vec<PathBuf> {
    all.iter().map(PathBuf::from).collect()
}

/// An install: the project is written, one folder in it is run, and the cache of the client is not.
fn install() -> Plan {
    Plan {
        program: "/opt/homebrew/bin/npm".into(),
        arguments: vec!["ci".into()],
        environment: vec![("PATH".into(), "/opt/homebrew/bin:/bin".into())],
        folder: "/Users/me/demo".into(),
        read: paths(&["/Users/me/.nvm"]),
        write: paths(&["/Users/me/demo", "/Users/me/demo/node_modules"]),
        data: paths(&["/Users/me/.npm/_cacache"]),
        keep: paths(&["/Users/me/demo/.git"]),
        protect: vec![Protected { folder: "/Users/me/demo".into(), name: ".env*".into() }],
        hide: paths(&["/Users/me/demo/.env"]),
        own: paths(&["/private/tmp/run/home"]),
        run_own: false,
        programs: Some(paths(&["/bin/sh", "/opt/homebrew/lib"])),
        connect: vec![4873],
        listen: vec![3000],
    }
}

fn written(plan: &Plan) -> String {
    text(plan).unwrap()
}

/// Where a rule is, by its first words and a part of it.
fn at(text: &str, rule: &str, part: &str) -> usize {
    let found = text.match_indices(&format!("\n({rule}")).find(|(at, _)| {
        let rest = &text[at + 1..];
        rest[..rest.find("\n(").unwrap_or(rest.len())].contains(part)
    });
    found.unwrap_or_else(|| panic!("no `{rule}` with `{part}` in:\n{text}")).0
}

// tidy: a whole text, to be read as one
#[test]
fn an_install() {
    let text = written(&install());
    let own = text.strip_prefix(BASE).and_then(|text| text.strip_suffix(END)).unwrap();
    insta::assert_snapshot!(own, @r##"
    ; Files. What lies deeper comes later.
    (allow file-read* file-map-executable process-exec*
      (literal "/bin")
      (subpath "/bin")
      (literal "/nix")
      (subpath "/nix")
      (literal "/opt")
      (subpath "/opt")
      (literal "/sbin")
      (subpath "/sbin")
      (literal "/usr")
      (subpath "/usr"))
    (deny file-write*
      (literal "/bin")
      (subpath "/bin")
      (literal "/nix")
      (subpath "/nix")
      (literal "/opt")
      (subpath "/opt")
      (literal "/sbin")
      (subpath "/sbin")
      (literal "/usr")
      (subpath "/usr"))
    (allow file-read* file-map-executable process-exec*
      (literal "/Applications/Xcode.app")
      (subpath "/Applications/Xcode.app")
      (literal "/Library/Apple")
      (subpath "/Library/Apple")
      (literal "/Library/Developer")
      (subpath "/Library/Developer")
      (literal "/Library/Frameworks")
      (subpath "/Library/Frameworks")
      (literal "/Library/Java")
      (subpath "/Library/Java")
      (literal "/System/Cryptexes")
      (subpath "/System/Cryptexes")
      (literal "/System/Library")
      (subpath "/System/Library")
      (literal "/System/iOSSupport")
      (subpath "/System/iOSSupport")
      (literal "/private/etc")
      (subpath "/private/etc")
      (literal "/etc")
      (subpath "/etc"))
    (deny file-write*
      (literal "/Applications/Xcode.app")
      (subpath "/Applications/Xcode.app")
      (literal "/Library/Apple")
      (subpath "/Library/Apple")
      (literal "/Library/Developer")
      (subpath "/Library/Developer")
      (literal "/Library/Frameworks")
      (subpath "/Library/Frameworks")
      (literal "/Library/Java")
      (subpath "/Library/Java")
      (literal "/System/Cryptexes")
      (subpath "/System/Cryptexes")
      (literal "/System/Library")
      (subpath "/System/Library")
      (literal "/System/iOSSupport")
      (subpath "/System/iOSSupport")
      (literal "/private/etc")
      (subpath "/private/etc")
      (literal "/etc")
      (subpath "/etc"))
    (allow file-read* file-map-executable process-exec*
      (literal "/private/var/select")
      (subpath "/private/var/select")
      (literal "/var/select")
      (subpath "/var/select")
      (literal "/Users/me/.nvm")
      (subpath "/Users/me/.nvm"))
    (deny file-write*
      (literal "/private/var/select")
      (subpath "/private/var/select")
      (literal "/var/select")
      (subpath "/var/select")
      (literal "/Users/me/.nvm")
      (subpath "/Users/me/.nvm"))
    (allow file-read* file-write* file-map-executable process-exec*
      (literal "/Users/me/demo")
      (subpath "/Users/me/demo"))
    (allow file-read* file-map-executable process-exec*
      (literal "/System/Volumes/Preboot/Cryptexes")
      (subpath "/System/Volumes/Preboot/Cryptexes")
      (literal "/private/var/db/dyld")
      (subpath "/private/var/db/dyld")
      (literal "/var/db/dyld")
      (subpath "/var/db/dyld")
      (literal "/private/var/db/timezone")
      (subpath "/private/var/db/timezone")
      (literal "/var/db/timezone")
      (subpath "/var/db/timezone")
      (literal "/private/var/db/xcode_select_link")
      (subpath "/private/var/db/xcode_select_link")
      (literal "/var/db/xcode_select_link")
      (subpath "/var/db/xcode_select_link"))
    (deny file-write*
      (literal "/System/Volumes/Preboot/Cryptexes")
      (subpath "/System/Volumes/Preboot/Cryptexes")
      (literal "/private/var/db/dyld")
      (subpath "/private/var/db/dyld")
      (literal "/var/db/dyld")
      (subpath "/var/db/dyld")
      (literal "/private/var/db/timezone")
      (subpath "/private/var/db/timezone")
      (literal "/var/db/timezone")
      (subpath "/var/db/timezone")
      (literal "/private/var/db/xcode_select_link")
      (subpath "/private/var/db/xcode_select_link")
      (literal "/var/db/xcode_select_link")
      (subpath "/var/db/xcode_select_link"))
    (allow file-read* file-write* file-map-executable process-exec*
      (literal "/Users/me/demo/node_modules")
      (subpath "/Users/me/demo/node_modules"))
    (allow file-read* file-write*
      (literal "/Users/me/.npm/_cacache")
      (subpath "/Users/me/.npm/_cacache")
      (literal "/private/tmp/run/home")
      (subpath "/private/tmp/run/home")
      (literal "/tmp/run/home")
      (subpath "/tmp/run/home"))
    (deny file-map-executable process-exec*
      (literal "/Users/me/.npm/_cacache")
      (subpath "/Users/me/.npm/_cacache")
      (literal "/private/tmp/run/home")
      (subpath "/private/tmp/run/home")
      (literal "/tmp/run/home")
      (subpath "/tmp/run/home"))
    (deny file-write*
      (literal "/Users/me/demo/.git")
      (subpath "/Users/me/demo/.git")
      (regex #"^/Users/me/demo/[.][eE][nN][vV][^/]*(/.*)?$"))

    ; Programs, whatever else could be run.
    (deny process-exec*
      (require-all
        (subpath "/")
        (require-not (literal "/bin/sh"))
        (require-not (subpath "/bin/sh"))
        (require-not (literal "/opt/homebrew/lib"))
        (require-not (subpath "/opt/homebrew/lib"))))

    ; Hidden.
    (deny file-read* file-write* file-map-executable process-exec*
      (literal "/opt/homebrew/var")
      (subpath "/opt/homebrew/var")
      (literal "/private/etc/krb5.keytab")
      (subpath "/private/etc/krb5.keytab")
      (literal "/etc/krb5.keytab")
      (subpath "/etc/krb5.keytab")
      (literal "/private/etc/master.passwd")
      (subpath "/private/etc/master.passwd")
      (literal "/etc/master.passwd")
      (subpath "/etc/master.passwd")
      (literal "/private/etc/ssh")
      (subpath "/private/etc/ssh")
      (literal "/etc/ssh")
      (subpath "/etc/ssh")
      (literal "/private/etc/sudoers")
      (subpath "/private/etc/sudoers")
      (literal "/etc/sudoers")
      (subpath "/etc/sudoers")
      (literal "/private/etc/sudoers.d")
      (subpath "/private/etc/sudoers.d")
      (literal "/etc/sudoers.d")
      (subpath "/etc/sudoers.d")
      (literal "/usr/local/var")
      (subpath "/usr/local/var")
      (literal "/Users/me/demo/.env")
      (subpath "/Users/me/demo/.env"))

    ; What all of that is in stays where it is.
    (deny file-write-unlink
      (literal "/Users/me/.npm/_cacache")
      (literal "/Users/me/demo")
      (literal "/private/tmp/run/home")
      (literal "/tmp/run/home"))

    ; Whom it may talk to.
    (allow network-outbound
      (remote ip "localhost:4873"))
    (allow network-bind network-inbound
      (local ip "localhost:3000"))
    (allow system-socket
      (socket-domain AF_UNIX))
    (allow network-bind network-inbound
      (local unix-socket (subpath "/private/tmp/run/home"))
      (local unix-socket (subpath "/tmp/run/home")))
    (allow network-outbound
      (remote unix-socket (subpath "/private/tmp/run/home"))
      (remote unix-socket (subpath "/tmp/run/home")))
    "##);
}

#[test]
fn nothing_is_allowed_that_no_rule_names() {
    for plan in [Plan::default(), install(), Plan { programs: Some(Vec::new()), ..install() }] {
        let text = written(&plan);
        let rules: Vec<&str> = text.lines().filter(|line| !line.starts_with(';')).collect();
        assert_eq!(rules[..2], ["(version 1)", "(deny default)"]);
        for never in [
            "(allow default",
            "(allow file-read*)",
            "(allow file-write*)",
            "(allow mach-lookup)",
            "(allow network",
            "(allow process-exec*)",
            "(allow sysctl-read)",
        ] {
            assert!(!rules.iter().any(|line| line.starts_with(never) && line.ends_with(')')), "{never}");
        }
        for never in ["mach-register", "appleevent", "lsopen", "job-creation", "hid-control", "no-sandbox", "\n)"] {
            assert!(!text.contains(never), "{never}");
        }
        assert_eq!(text.matches('(').count(), text.matches(')').count());
    }
}

#[test]
fn a_plan_without_ports_has_no_network() {
    let text = written(&Plan { connect: Vec::new(), listen: Vec::new(), own: Vec::new(), ..install() });
    let network: Vec<&str> = text.lines().filter(|line| line.contains("network-") || line.contains("ip \"")).collect();
    assert!(network.is_empty(), "{network:?}");
}

#[test]
fn services_that_act_or_tell_secrets_are_not_named() {
    let named: Vec<&str> = BASE.split('"').filter(|name| name.starts_with("com.apple.")).collect();
    for never in ["launch", "lsd", "coreservices", "pasteboard", "security", "trustd", "cfprefsd", "mDNS", "tcc", "bsd"]
    {
        assert!(!named.iter().any(|name| name.to_lowercase().contains(&never.to_lowercase())), "{never}: {named:?}");
    }
    assert!(!BASE.contains("\"kern.proc"));
}

#[test]
fn what_is_protected_and_hidden_comes_after_what_it_lies_in() {
    let text = written(&install());
    let project = at(&text, "allow file-read* file-write*", "\"/Users/me/demo\"");
    let kept = at(&text, "deny file-write*", "(subpath \"/Users/me/demo/.git\")");
    let hidden = at(&text, "deny file-read* file-write*", "(subpath \"/Users/me/demo/.env\")");
    let pinned = at(&text, "deny file-write-unlink", "(literal \"/Users/me/demo\")");
    assert!(project < kept && kept < hidden && hidden < pinned);
    assert!(at(&text, "deny file-write*", "[.][eE][nN][vV][^/]*(/.*)?$") < hidden);
    // Nothing is opened again behind it.
    assert!(!text[hidden..].contains("(allow file"));
    assert!(!text[at(&text, "deny process-exec*", "require-not")..].contains("(allow process"));
}

#[test]
fn what_lies_deeper_decides() {
    let folder = "/Users/me/demo/node_modules";
    let plan = Plan {
        write: paths(&["/Users/me/demo"]),
        data: paths(&["/Users/me/demo/node_modules/.cache"]),
        keep: paths(&[folder]),
        ..install()
    };
    let text = written(&plan);
    let kept = at(&text, "deny file-write*", &format!("(subpath \"{folder}\")"));
    assert!(at(&text, "allow file-read* file-write*", "(subpath \"/Users/me/demo\")") < kept);
    let cache = format!("(subpath \"{folder}/.cache\")");
    assert!(kept < at(&text, "allow file-read* file-write*", &cache));
    assert!(kept < at(&text, "deny file-map-executable process-exec*", &cache));
    // At the same place, what is only read stays so.
    let same = written(&Plan { keep: paths(&["/Users/me/demo"]), ..install() });
    let project = "(subpath \"/Users/me/demo\")";
    assert!(at(&same, "allow file-read* file-write*", project) < at(&same, "deny file-write*", project));
}

#[test]
fn nothing_around_what_is_kept_can_be_moved() {
    let keep = paths(&["/Users/me/demo/a/b/ci"]);
    let text = written(&Plan { keep, hide: paths(&["/Users/me/.npm/_cacache/x/secret"]), ..install() });
    let start = text.find("(deny file-write-unlink").unwrap();
    let rule = &text[start..start + text[start..].find(")\n\n").unwrap()];
    let places: Vec<&str> = rule.split('"').skip(1).step_by(2).collect();
    let expected = [
        "/Users/me/.npm/_cacache",
        "/Users/me/.npm/_cacache/x",
        "/Users/me/demo",
        "/Users/me/demo/a",
        "/Users/me/demo/a/b",
        "/private/tmp/run/home",
        "/tmp/run/home",
    ];
    assert_eq!(places, expected);
    assert!(!rule.contains("subpath"));
}

#[test]
fn what_is_its_own_is_run_only_if_it_may_be() {
    let own = "(subpath \"/private/tmp/run/home\")";
    let text = written(&install());
    at(&text, "deny file-map-executable process-exec*", own);
    let text = written(&Plan { run_own: true, ..install() });
    at(&text, "allow file-read* file-write* file-map-executable process-exec*", own);
    assert!(!text.contains(&format!("(deny file-map-executable process-exec*\n  {own}")));
}

#[test]
fn a_plan_that_cannot_be_written_has_no_command() {
    let strange = PathBuf::from(OsStr::from_bytes(b"/Users/me/\xff"));
    for plan in [
        Plan { read: vec![strange.clone()], ..install() },
        Plan { hide: vec![strange.clone()], ..install() },
        Plan { programs: Some(vec![strange.clone()]), ..install() },
        Plan { protect: vec![Protected { folder: strange, name: ".git".into() }], ..install() },
    ] {
        assert!(matches!(command(&plan), Err(SeatbeltError::Path { why: "it is not UTF-8", .. })));
    }
    let read = (0..10_000).map(|number| PathBuf::from(format!("/Users/me/a-rather-long-name/{number}"))).collect();
    assert!(matches!(command(&Plan { read, ..install() }), Err(SeatbeltError::Long(_))));
}

#[test]
fn the_command_is_that_of_the_system_with_the_environment_of_the_plan() {
    let plan = install();
    let command = command(&plan).unwrap();
    assert_eq!(command.get_program(), "/usr/bin/sandbox-exec");
    let arguments: Vec<&OsStr> = command.get_args().collect();
    let text = written(&plan);
    assert_eq!(arguments, ["-p", text.as_str(), "--", "/opt/homebrew/bin/npm", "ci"]);
    let environment: Vec<_> = command.get_envs().collect();
    assert_eq!(environment, [(OsStr::new("PATH"), Some(OsStr::new("/opt/homebrew/bin:/bin")))]);
    assert_eq!(command.get_current_dir(), Some(Path::new("/Users/me/demo")));
}
