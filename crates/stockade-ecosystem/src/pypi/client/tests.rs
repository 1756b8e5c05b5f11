use super::*;

const LIST: &str = r"global.cert='/etc/ca.crt'
global.extra-index-url='\nhttps://a:b@a.example/simple\nhttps://registry.example/simple'
global.index-url='https://ann:p%40ss@registry.example/simple'
install.find-links='/wheels'
:env:.find-links=''
:env:.cache-dir='/c'
";
const HELP: &str = "Usage:\n  -e, --editable <path/url>   Install.\nPackage Index Options:
  -i, --index-url <url>       Base URL of the Python Package Index (default
                              https://very-long-
                              name.registry.example/simple). This
                              should point to a repository.
  --extra-index-url <url>     Extra URLs of package indexes (default no).
";
const DEBUG: &str = "env_var:\n  PIP_CERT='/x, exists: True'\nenv:\nglobal:\n  /etc/xdg/pip/pip.conf, exists: False\n  /etc/pip.conf, exists: True
    global.index-url: https://x.example/, exists: True\nsite:\n  /venv/pip.conf, exists: False\nuser:\n  /h/.pip/pip.conf, exists: False
  /h/.config/pip/pip.conf, exists: True\n";

fn printed(list: &str) -> Vec<String> {
    [list, HELP, DEBUG].map(str::to_owned).to_vec()
}

fn config(list: &str, stated: Option<&str>, netrc: &str) -> ClientConfig {
    let files = [("/h/.netrc".to_owned(), netrc.as_bytes().to_vec())];
    let stated = Stated { url: stated.map(str::to_owned), ..Stated::default() };
    read(&printed(list), &files, &|_| None, &stated).unwrap()
}

fn header(config: &ClientConfig) -> Option<String> {
    config.default.credential.as_ref().map(|credential| credential.header().reveal().to_owned())
}

#[test]
fn what_is_in_effect_is_read() {
    let config = config(LIST, None, "");
    assert_eq!(config.default.url.as_str(), "https://registry.example/simple/");
    assert_eq!(header(&config).as_deref(), Some("Basic YW5uOnBAc3M="));
    assert_eq!(config.cafile.as_deref(), Some("/etc/ca.crt"));
    assert_eq!((PIP.cache)(&printed(LIST)).as_deref(), Some("/c"));
    let problems: Vec<&str> = config.problems.iter().map(|problem| problem.what.as_str()).collect();
    assert_eq!(
        problems,
        [
            "pip also looks at `https://a.example/simple` (`extra-index-url`), and what it finds there does not pass the gateway",
            "pip also looks at `/wheels` (`find-links`), and what it finds there does not pass the gateway",
        ]
    );
}

#[test]
fn a_layer_goes_before_another() {
    let url = |list: &str| config(list, None, "").default.url.to_string();
    let [global, install, env] = [
        "global.index-url='https://g.example'\n",
        "install.index-url='https://i.example'\n",
        ":env:.index-url='https://e.example'\n",
    ];
    assert_eq!(url(&format!("{install}{global}")), "https://i.example/");
    assert_eq!(url(&format!("{env}{install}{global}")), "https://e.example/");
    assert_eq!(
        url(&format!("{global}:env:.index-url=''\n")),
        "https://g.example/",
        "pip takes an empty variable for none"
    );
    assert_eq!(url(&format!("{global}download.index-url='https://d.example'\n")), "https://g.example/");
    assert_eq!(url(&format!("{global}global.pypi-url='https://p.example'\n")), "https://p.example/");
    assert_eq!(url(""), "https://very-long-name.registry.example/simple/", "what pip has built in");
}

#[test]
fn a_stated_address_keeps_the_clients_credential() {
    assert_eq!(
        header(&config(LIST, Some("https://registry.example/other"), "")).as_deref(),
        Some("Basic YW5uOnBAc3M=")
    );
    assert_eq!(header(&config(LIST, Some("https://other.example/simple"), "")), None);
    let stated = Stated { url: Some("https://other.example/simple".to_owned()), ..Stated::default() };
    assert_eq!(read(&[], &[], &|_| None, &stated).unwrap().default.url.as_str(), "https://other.example/simple/");
    for address in ["ftp://x.example/", "/srv/wheels", "https://", "x y"] {
        let stated = Stated { url: Some(address.to_owned()), ..Stated::default() };
        assert!(read(&[], &[], &|_| None, &stated).is_err(), "{address}");
    }
    assert!(read(&[], &[], &|_| None, &Stated::default()).is_err());
    let error = read(&printed("global.index-url='ftp://ann:secret@x.example'"), &[], &|_| None, &Stated::default());
    assert!(!error.unwrap_err().what.contains("secret"));
}

#[test]
fn a_netrc_has_what_the_address_has_not() {
    let list = "global.index-url='https://registry.example/simple'";
    let with = |netrc: &str| header(&config(list, None, netrc));
    assert_eq!(with("machine registry.example login a password b"), Some("Basic YTpi".to_owned()));
    assert_eq!(
        with("machine other.example\n  login x\n  password y\nmachine registry.example\n  login a\n  password b\n"),
        Some("Basic YTpi".to_owned())
    );
    assert_eq!(with("default login a password b"), Some("Basic YTpi".to_owned()));
    assert_eq!(with("machine other.example login a password b"), None);
    assert_eq!(with("# machine registry.example login a password b"), None);
    for odd in ["machine", "password", "machine registry.example password", "\0\u{1}"] {
        let _ = with(odd);
    }
}

#[test]
fn an_index_that_is_the_same_is_no_other() {
    let problems = |list: &str| config(list, None, "").problems.len();
    let ours = "http://127.0.0.1:1/m/simple/";
    let all = format!(
        ":env:.index-url='{ours}'\n:env:.extra-index-url='{ours}'\n:env:.find-links='{ours}'\n:env:.no-index='0'\n"
    );
    assert_eq!(problems(&format!("{LIST}{all}")), 0);
    assert_eq!(problems("global.no-index='true'"), 1);
    assert_eq!(problems("global.find-links='a b c'"), 3);
}

#[test]
fn a_run_is_found_again_in_the_user_agent() {
    let variables = environment("http://127.0.0.1:1/m", &[], "r-1_x");
    let get = |name: &str| variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    for name in ["PIP_INDEX_URL", "PIP_PYPI_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"] {
        assert_eq!(get(name), Some("http://127.0.0.1:1/m/simple/"));
    }
    let agent = format!(r#"pip/26.3 {{"ci":null,"user_data":"{}"}}"#, get("PIP_USER_AGENT_USER_DATA").unwrap());
    assert_eq!(run_of(&agent), Some("r-1_x"));
    assert_eq!(run_of("pip/26.3 {}"), None);
    assert_eq!(run_of("stockade-run/\"}"), None);
}

#[test]
fn files_are_those_that_pip_names() {
    let expect = [
        "/h/.netrc",
        "/h/.config/pip/pip.conf",
        "/h/.pip/pip.conf",
        "/venv/pip.conf",
        "/etc/pip.conf",
        "/etc/xdg/pip/pip.conf",
    ];
    assert_eq!(files(&printed("")), expect);
    assert_eq!((PIP.configured_in)(&printed("")).as_deref(), Some("/h/.config/pip/pip.conf"));
    assert!(files(&[]).is_empty() && (PIP.configured_in)(&[]).is_none());
}

#[test]
fn setup_is_reversible() {
    let before = "; mine\n[global]\ntimeout = 9\nindex_url = https://u:p@registry.example/\nextra-index-url =\n    https://a.example\n\n# why\n    https://b.example\n\n[install]\nfind-links: /x\nno-binary = :all:\n";
    let pointed = (PIP.point)(before, "http://127.0.0.1:4873/m", &[]);
    insta::assert_snapshot!(pointed, @r"
    ; mine
    [global]
    # stockade setup wrote the next line
    index-url = http://127.0.0.1:4873/m/simple/
    timeout = 9
    # stockade setup put away: index_url = https://u:p@registry.example/
    # stockade setup put away: extra-index-url =
    # stockade setup put away:     https://a.example

    # stockade setup put away: # why
    # stockade setup put away:     https://b.example

    [install]
    # stockade setup put away: find-links: /x
    no-binary = :all:
    ");
    assert_eq!(file::unpoint(&pointed), before);
    assert_eq!((PIP.point)(&pointed, "http://127.0.0.1:4873/m", &[]), pointed, "twice is once");
    assert_eq!(file::unpoint(before), before);
    for text in [
        "",
        "[global]",
        "[global]\n",
        "[install]\nindex-url=x",
        "x",
        "\n\n",
        "[global]\r\nindex-url=x\r\n",
        "[global]\n  timeout=3\n  index-url=\n    x\n  [install]\n",
        "index-url=x",
    ] {
        let pointed = (PIP.point)(text, "http://b", &[]);
        assert_eq!(file::unpoint(&pointed), text, "{pointed}");
        assert_eq!((PIP.point)(&pointed, "http://b", &[]), pointed, "{text:?}");
    }
    assert_eq!(file::unpoint(&(file::point("[a]\nb=c", "http://b/") + "d=e\n")), "[a]\nb=c\nd=e\n");
    insta::assert_snapshot!(file::point("[global]\n  timeout = 3\n  index-url = x\n", "http://b/"), @r"
    [global]
    # stockade setup wrote the next line
      index-url = http://b/
      timeout = 3
    # stockade setup put away:   index-url = x
    ");
}

#[test]
fn what_is_secret_can_be_left_out() {
    let text = "[global]\ntimeout = 9\nindex-url = https://u:p@registry.example/\nextra-index-url =\n    https://a.example/x@y\n    https://u@b.example/\n# password\nproxy = http://me@proxy.example\n";
    assert_eq!(file::without_secrets(text), "[global]\ntimeout = 9\nextra-index-url =\n    https://a.example/x@y\n");
    let netrc = "machine x.example login u password p\nmachine y.example\n  login u\n  password p=q\ndefault login u password p:q\n";
    assert_eq!(file::without_secrets(netrc), "");
}
