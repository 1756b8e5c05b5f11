use proptest::prelude::*;

use super::*;

const HELP: &str = "Package Index Options:\n  -i, --index-url <url>       Base URL of the Python Package Index (default\n\
                    \x20                             https://index.exam\n              ple/simple). This should\n\
                    \x20 --extra-index-url <url>     Extra (default x)\n";

const DEBUG: &str = "env_var:\n  PIP_CERT='/ca.pem'\nenv:\nglobal:\n  /etc/xdg/pip/pip.conf, exists: False\n  /etc/pip.conf, exists: True\n\
                     \x20   global.cert: /ca.pem\nsite:\n  /venv/pip.conf, exists: False\nuser:\n  /h/.pip/pip.conf, exists: False\n\
                     \x20 /h/.config/pip/pip.conf, exists: True\n    global.timeout: 5\n";

fn printed(list: &str) -> Vec<String> {
    vec![list.to_owned(), DEBUG.to_owned(), HELP.to_owned()]
}

fn config(list: &str) -> ClientConfig {
    read(&printed(list), &[], &|_| None, &Stated::default()).unwrap()
}

fn problems(list: &str) -> Vec<String> {
    config(list).problems.into_iter().map(|problem| problem.what).collect()
}

#[test]
fn what_is_set_goes_before_what_is_built_in() {
    assert_eq!(config("").default.url.as_str(), "https://index.example/simple/");
    let list = "global.index-url='https://user:pw@mirror.example/simple'\nglobal.cert='/ca.pem'\n";
    let own = config(list);
    assert_eq!(own.default.url.as_str(), "https://mirror.example/simple/");
    assert_eq!(own.default.credential.as_ref().unwrap().header().reveal(), "Basic dXNlcjpwdw==");
    assert_eq!((own.cafile.as_deref(), own.problems.len()), (Some("/ca.pem"), 0));
    assert!(!format!("{own:?}").contains("dXNl"), "a credential must not print");
}

#[test]
fn the_weightiest_section_counts_in_whatever_order_they_are_printed() {
    let list = ":env:.index-url='https://c.example'\nglobal.index-url='https://a.example'\ninstall.index-url='https://b.example'\n";
    assert_eq!(config(list).default.url.as_str(), "https://c.example/");
    let lines: Vec<&str> = list.lines().skip(1).collect();
    assert_eq!(config(&lines.join("\n")).default.url.as_str(), "https://b.example/");
    let list = "global.index-url='https://a.example'\n:env:.index-url=''\ndownload.index-url='https://d.example'\n";
    assert_eq!(config(list).default.url.as_str(), "https://a.example/", "an empty value is none");
}

#[test]
fn what_leads_around_the_gateway_is_told() {
    let list =
        "global.extra-index-url='\\nhttps://a.example/simple\\nhttps://u:secret@b.example'\ninstall.find-links='/x'\n";
    insta::assert_snapshot!(problems(list).join("\n"), @r"
    pip's `extra-index-url` leads around the gateway
    pip's `find-links` leads around the gateway
    ");
    let emptied = format!("{list}:env:.extra-index-url=' '\n:env:.find-links=' '\n:env:.no-index='0'\n");
    assert_eq!(problems(&emptied), Vec::<String>::new());
    assert_eq!(problems("global.no-index='true'\n").len(), 1);
}

#[test]
fn a_run_sees_what_its_environment_says() {
    let variables = environment("http://127.0.0.1:1/x", &[], "r1");
    let shown = |(key, value): &(String, String)| {
        let key = key.trim_start_matches("PIP_").to_lowercase().replace('_', "-");
        format!(":env:.{key}='{value}'")
    };
    let list = variables.iter().map(shown).collect::<Vec<_>>().join("\n");
    let list = format!("global.extra-index-url='https://a.example'\nglobal.no-index='1'\n{list}");
    assert_eq!(config(&list).default.url.as_str(), "http://127.0.0.1:1/x/simple/");
    assert_eq!(problems(&list), Vec::<String>::new());
    let agent = "pip/26.3 {\"ci\":null,\"user_data\":\"stockade-run/r1\",\"version\":\"26.3\"}";
    assert_eq!((run_of(agent), run_of("pip/26.3 {}")), (Some("r1"), None));
}

#[test]
fn stated_addresses_go_before_and_need_no_pip() {
    let stated = Stated { url: Some("https://mirror.example/all".to_owned()), ..Stated::default() };
    let bare = read(&[], &[], &|_| None, &stated).unwrap();
    assert_eq!(bare.default.url.as_str(), "https://mirror.example/all/");
    let list = printed("global.index-url='https://u:p@mirror.example/simple'\n");
    assert!(read(&list, &[], &|_| None, &stated).unwrap().default.credential.is_some());
    let broken = printed("global.index-url='/srv/simple'\n");
    assert!(read(&broken, &[], &|_| None, &stated).is_ok());
    assert!(read(&broken, &[], &|_| None, &Stated::default()).is_err());
    assert!(read(&[], &[], &|_| None, &Stated::default()).is_err());
}

#[test]
fn literals_are_read_as_python_prints_them() {
    let check = |text: &str, expect: Option<&str>| assert_eq!(literal(text).as_deref(), expect, "{text}");
    check("'a'", Some("a"));
    check("\"it's\"", Some("it's"));
    check(r"'a\n\t\r\\\'\x41\u00e9\U0001f600'", Some("a\n\t\r\\'A\u{e9}\u{1f600}"));
    check("''", Some(""));
    for bad in ["", "'", "a", "'a\"", r"'\'", r"'\x4", r"'\xzz'", r"'\ud800'", r"'\U00110000'"] {
        check(bad, None);
    }
}

#[test]
fn its_files_are_named() {
    assert_eq!((PIP.files)(&printed("")), ["/etc/pip.conf", "/h/.config/pip/pip.conf"]);
    assert_eq!(configured_in(&printed("")).as_deref(), Some("/h/.config/pip/pip.conf"));
    let env = format!("env:\n  /own/pip.conf, exists: True\n{}", DEBUG.split_once("env:\n").unwrap().1);
    assert_eq!(configured_in(&[String::new(), env]).as_deref(), Some("/own/pip.conf"));
    assert_eq!(configured_in(&[]), None);
}

#[test]
fn what_is_secret_can_be_left_out() {
    let text = "[global]\nindex-url = https://u:p@a.example/simple\nextra-index-url =\n  https://t@b.example\n  https://c.example/a@b\n\
                timeout = 5\nproxy: http://p\n";
    assert_eq!(without_secrets(text), "[global]\nextra-index-url =\n  https://c.example/a@b\ntimeout = 5\n");
}

#[test]
fn setup_is_reversible() {
    let before = "[global]\ntimeout = 5\nIndex_URL: https://a.example/simple\nextra-index-url =\n    https://b.example\n\n    https://c.example\n\
                  # a note\n\n[install]\nfind-links=/x\nuser = no\n";
    let pointed = point(before, "http://127.0.0.1:4873/x", &[]);
    insta::assert_snapshot!(pointed, @r"
    [global]
    timeout = 5
    # stockade setup put away: Index_URL: https://a.example/simple
    # stockade setup put away: extra-index-url =
    # stockade setup put away:     https://b.example

    # stockade setup put away:     https://c.example
    # a note

    # stockade setup wrote the next line
    index-url = http://127.0.0.1:4873/x/simple/
    # stockade setup wrote the next line
    no-cache-dir = true
    [install]
    # stockade setup put away: find-links=/x
    user = no
    ");
    for text in [
        before,
        "",
        "[global]",
        "[global]\nindex-url=x",
        "[install]\r\nuser = no",
        "  [global]\n    timeout = 5\n  [install]\n    user = no\n",
        "timeout = 5\n",
        "# c\n\n\n",
    ] {
        let pointed = point(text, "http://b", &[]);
        assert_eq!(MARKS.undone(&pointed), text);
        assert_eq!(point(&pointed, "http://b", &[]), pointed, "{text:?}");
    }
    assert_eq!(MARKS.undone(&(point("[a]", "http://b", &[]) + "c=d\n")), "[a]\nc=d\n");
}

#[test]
fn what_was_a_section_stays_one() {
    let pointed = point("  [global]\n    timeout = 5\n  [install]\n    user = no\n", "http://b", &[]);
    assert!(pointed.contains("\n  no-cache-dir = true\n  [install]\n"), "{pointed}");
}

proptest! {
    #[test]
    fn anything_can_be_printed(list in "\\PC*", debug in "\\PC*", help in "(?s).{0,80}") {
        let printed = [list, debug, help];
        let _ = read(&printed, &[], &|_| None, &Stated::default());
        let _ = (PIP.files)(&printed);
        let _ = configured_in(&printed);
    }

    #[test]
    fn any_file_is_given_back(text in "([ \\[\\]=:#a\n-]|global|index-url|\r\n){0,40}") {
        let pointed = point(&text, "http://b", &[]);
        prop_assert_eq!(MARKS.undone(&pointed), text);
        prop_assert_eq!(point(&pointed, "http://b", &[]), pointed);
    }
}
