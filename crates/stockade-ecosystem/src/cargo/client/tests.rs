use proptest::prelude::*;
use stockade_model::Secret;

use super::*;
use crate::Credential;

const HOME: &str = "/h/.cargo";
const TOKENS: &str = "/h/.cargo/credentials.toml";
const USERS: &str = "/h/.cargo/config.toml";
const PROJECTS: &str = "/h/p/app/.cargo/config.toml";
const ABOVE: &str = "/h/p/.cargo/config.toml";
const BASE: &str = "http://127.0.0.1:4873/x";

fn printed() -> Vec<String> {
    let env = |name: &str| (name == "HOME").then(|| "/h".to_owned());
    vec!["cargo 1.95.0\nrelease: 1.95.0\n".to_owned(), around("/h/p/app", &env).unwrap()]
}

fn read_with(files: &[(&str, &str)], env: Environment<'_>, stated: &Stated) -> Result<ClientConfig, Problem> {
    let files: Vec<Configured> =
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    read(&printed(), &files, env, stated)
}

fn config(files: &[(&str, &str)]) -> Result<ClientConfig, Problem> {
    read_with(files, &|_| None, &Stated::default())
}

fn why(files: &[(&str, &str)]) -> String {
    config(files).unwrap_err().what
}

#[test]
fn its_files_are_those_of_the_folders_above_and_of_its_home() {
    let expect = [
        "/h/.cargo/credentials",
        TOKENS,
        "/h/p/app/.cargo/config",
        PROJECTS,
        "/h/p/.cargo/config",
        ABOVE,
        "/h/.cargo/config",
        USERS,
        "/.cargo/config",
        "/.cargo/config.toml",
    ];
    assert_eq!(files(&printed()), expect);
    assert_eq!((CARGO.configured_in)(&printed()).as_deref(), Some(USERS));
    assert_eq!((CARGO.cache)(&printed()), Some(format!("{HOME}/registry")));
    let elsewhere = |home: &str| {
        let home = home.to_owned();
        let text = around("/p", &move |name: &str| (name == "CARGO_HOME").then(|| home.clone())).unwrap();
        files(&[text]).last().cloned().unwrap()
    };
    assert_eq!(elsewhere("/c"), "/c/config.toml");
    assert_eq!(elsewhere("c"), "/p/c/config.toml");
    assert_eq!(around("/p", &|_| None), None, "nobody knows");
    assert_eq!(around("/p", &|_| Some(String::new())), None);
    assert!(files(&[]).is_empty() && files(&["cargo 1.95.0".to_owned()]).is_empty());
    assert!(read(&["cargo 1.95.0".to_owned()], &[], &|_| None, &Stated::default()).is_err(), "not even the default");
}

#[test]
fn without_a_word_it_is_cargos_own_registry() {
    let config = config(&[(USERS, "[build]\njobs = 1\n"), (TOKENS, "[registry]\ntoken = \"hush\"\n")]).unwrap();
    assert_eq!(format!("{SPARSE}{}", config.default.url), tame_index::CRATES_IO_HTTP_INDEX);
    assert_eq!(config.default.credential, None, "a token for publishing is for nothing else");
    assert!(config.problems.is_empty() && config.scopes.is_empty());
}

#[test]
fn the_most_specific_file_wins_value_by_value() {
    let users =
        "[source.crates-io]\nreplace-with = \"corp\"\n[source.corp]\nregistry = \"sparse+https://corp.example/i/\"\n";
    assert_eq!(config(&[(USERS, users)]).unwrap().default.url.as_str(), "https://corp.example/i/");
    let above = (ABOVE, "source.corp.registry = \"sparse+https://above.example\"\n");
    assert_eq!(config(&[above, (USERS, users)]).unwrap().default.url.as_str(), "https://above.example/");
    let own = (
        PROJECTS,
        "[source]\ncrates-io = { replace-with = \"own\" }\nown.registry = \"sparse+https://own.example/\"\n",
    );
    assert_eq!(config(&[above, (USERS, users), own]).unwrap().default.url.as_str(), "https://own.example/");
    let foreign = ("/elsewhere/config.toml", "[source.crates-io]\nreplace-with = \"nowhere\"\n");
    assert_eq!(config(&[foreign, (USERS, users)]).unwrap().default.url.as_str(), "https://corp.example/i/");
    let old = ("/h/.cargo/config", "[source.crates-io]\nregistry = \"sparse+https://old.example/\"\n");
    let config = config(&[old, (USERS, users)]).unwrap();
    assert_eq!(config.default.url.as_str(), "https://old.example/");
    assert_eq!(config.problems, [Problem::new(format!("`{USERS}` is not read, as cargo does not"))]);
}

#[test]
fn a_registry_has_its_token_as_it_is() {
    let users = "[source.crates-io]\nreplace-with = \"my-corp\"\n[registries.my-corp]\nindex = \"sparse+https://corp.example/i/\"\n";
    let tokens = (TOKENS, "[registries.my-corp]\ntoken = \"hush\"\n[registries.other]\ntoken = \"no\"\n");
    let found = config(&[(USERS, users), tokens]).unwrap();
    assert_eq!(found.default.credential, Some(Credential::Plain(Secret::new("hush"))));
    assert_eq!(found.default.credential.as_ref().unwrap().header().reveal(), "hush");
    assert!(!format!("{found:?}").contains("hush"), "a credential must not print");
    let env = |name: &str| match name {
        "CARGO_REGISTRIES_MY_CORP_TOKEN" => Some("Bearer env".to_owned()),
        "CARGO_REGISTRIES_MY_CORP_INDEX" => Some("sparse+https://env.example/".to_owned()),
        _ => None,
    };
    let found = read_with(&[(USERS, users), tokens], &env, &Stated::default()).unwrap();
    assert_eq!(found.default.url.as_str(), "https://env.example/");
    assert_eq!(found.default.credential, Some(Credential::Plain(Secret::new("Bearer env"))));
    let other = "[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"sparse+https://corp.example/\"\n";
    let found = config(&[(PROJECTS, other), (USERS, users), tokens]).unwrap();
    assert_eq!(found.default.credential, None, "a token is for its registry's address, not for its host");
}

#[test]
fn stated_addresses_go_before_cargos_and_keep_its_credentials() {
    let users = "[registries.corp]\nindex = \"sparse+https://corp.example/i\"\ntoken = \"hush\"\n";
    for url in ["https://corp.example/i", "https://corp.example/i/", "sparse+https://corp.example/i/"] {
        let stated = Stated { url: Some(url.to_owned()), ..Stated::default() };
        let found = read_with(&[(USERS, users)], &|_| None, &stated).unwrap();
        assert_eq!(found.default.url.as_str(), "https://corp.example/i/");
        assert_eq!(found.default.credential, Some(Credential::Plain(Secret::new("hush"))));
        assert!(read(&[], &[], &|_| None, &stated).is_ok(), "cargo need not be there");
    }
}

#[test]
fn what_cannot_be_inherited_says_why() {
    let replaced = |source: &str| why(&[(USERS, &format!("[source.crates-io]\nreplace-with = \"m\"\n{source}\n"))]);
    assert_eq!(
        replaced("[source.m]\ndirectory = \"vendor\""),
        "crates come from `m`, which is no registry that can be asked"
    );
    assert_eq!(replaced(""), "`m` replaces the registry, and nothing says where it is");
    assert_eq!(replaced("[source.m]\nreplace-with = \"crates-io\""), "sources are replaced by each other");
    assert_eq!(
        replaced("[source.m]\nregistry = \"https://user:hush@git.example/index\""),
        "the index of `https://git.example/index` is a git repository, which is not spoken"
    );
    assert_eq!(replaced("[source.m]\nregistry = 1"), "`source.m.registry` is not text");
    let ftp = replaced("[source.m]\nregistry = \"sparse+ftp://user:hush@a.example/\"");
    assert_eq!(ftp, "`ftp://a.example/` is not the address of a registry");
    assert_eq!(why(&[(USERS, "a = ")]), format!("`{USERS}` is not TOML"));
    assert_eq!(why(&[(TOKENS, "token = \"hush\"\ntoken = \"hush\"")]), format!("`{TOKENS}` is not TOML"));
    let long = format!("# {}", "x".repeat(1024 * 1024));
    assert_eq!(why(&[(USERS, &long)]), format!("`{USERS}` is longer than 1 MiB"));
    let including = [(USERS, "include = [\"more.toml\"]\n")];
    assert_eq!(why(&including), format!("`{USERS}` includes other files, and what they say is not read"));
    let stated = Stated { url: Some("https://stated.example/".to_owned()), ..Stated::default() };
    assert!(read_with(&including, &|_| None, &stated).is_ok());
}

#[test]
fn a_path_is_seen_from_the_folder_of_its_file() {
    assert_eq!(config(&[(ABOVE, "http.cainfo = \"ca.pem\"\n")]).unwrap().cafile.as_deref(), Some("/h/p/ca.pem"));
    assert_eq!(config(&[(USERS, "http.cainfo = \"/ca.pem\"\n")]).unwrap().cafile.as_deref(), Some("/ca.pem"));
    let env = |name: &str| (name == "CARGO_HTTP_CAINFO").then(|| "ca.pem".to_owned());
    let found = read_with(&[(ABOVE, "http.cainfo = \"no.pem\"\n")], &env, &Stated::default()).unwrap();
    assert_eq!(found.cafile.as_deref(), Some("/h/p/app/ca.pem"));
}

#[test]
fn a_text_without_secrets_has_none() {
    let text = "# c\n[http]\nproxy = \"http://u:hush@p.example\"\ntimeout = 1\n[registries.a]\nindex = \"sparse+https://a.example/\"\n\
        token = \"\"\"\nhush\"\"\"\n[registries]\nb = { secret-key = \"hush\", index = \"sparse+https://hush@b.example/\" }\n";
    let without = without_secrets(text);
    assert!(!without.contains("hush") && without.contains("a.example") && without.contains("timeout = 1"), "{without}");
    let plain = "[build]\njobs = 1\n\n";
    assert_eq!(without_secrets(plain), plain);
    assert_eq!(without_secrets("jobs = 1 # token = \"hush\"\n"), "jobs = 1\n");
    assert_eq!(without_secrets("token = \"hush"), "");
}

#[test]
fn one_run_is_pointed_by_arguments_and_named_in_the_environment() {
    let variables = environment(BASE, &[], "r-1");
    assert_eq!(variables, [("CARGO_HTTP_USER_AGENT".to_owned(), "cargo stockade-run/r-1".to_owned())]);
    insta::assert_snapshot!((CARGO.arguments)(&[], BASE, &[], "").join("\n"), @r#"
    --config=source.crates-io.replace-with="stockade"
    --config=source.stockade.registry="sparse+http://127.0.0.1:4873/x/index/"
    "#);
    assert_eq!(run_of("cargo stockade-run/r-1"), Some("r-1"));
    assert_eq!(run_of("cargo/1.95.0 (f2d3ce0bd 2026-03-21)"), None);
}

#[test]
fn pointing_can_be_undone() {
    let before = "# mine\n[build]\njobs = 1\n\n[source.crates-io] # of the company\nreplace-with = \"corp\"\n\n\
        [registries.corp]\nindex = \"sparse+https://corp.example/\"";
    let pointed = point::point(before, BASE);
    insta::assert_snapshot!(pointed, @r#"
    # mine
    [build]
    jobs = 1

    # stockade setup put away: [source.crates-io] # of the company
    # stockade setup put away: replace-with = "corp"

    [registries.corp]
    index = "sparse+https://corp.example/"
    # stockade setup ended the line before
    # stockade setup wrote the next line
    [source.crates-io]
    # stockade setup wrote the next line
    replace-with = "stockade"
    # stockade setup wrote the next line
    [source.stockade]
    # stockade setup wrote the next line
    registry = "sparse+http://127.0.0.1:4873/x/index/"
    "#);
    assert_eq!(point::unpoint(&pointed), before);
    assert_eq!(point::point(&pointed, BASE), pointed, "twice is once");
    let again = point::point(&pointed, "http://127.0.0.1:1/y");
    assert_eq!(point::unpoint(&again), before, "another gateway is not one more");
    let found = config(&[(USERS, &pointed)]).unwrap();
    assert_eq!(found.default.url.as_str(), "http://127.0.0.1:4873/x/index/");
    assert_eq!(point::unpoint(&(pointed + "[later]\n")), format!("{before}\n[later]\n"));
}

#[test]
fn the_usual_ways_to_write_it_are_pointed() {
    for before in [
        "",
        "\n",
        "[a]",
        "[a]\r\nb = 1\r\n[source.crates-io]\r\nreplace-with = 'corp'\r\n",
        "[source]\ncrates-io = { replace-with = \"corp\" }\nother.registry = \"x\"\n",
        "[source]\n\"crates-io\".replace-with = \"corp\"\n",
        "source.crates-io.replace-with = \"corp\"\n[build]\njobs = 1\n",
        "[ source . \"crates-io\" ]\nreplace-with = \"corp\"\n[[unknown]]\nreplace-with = \"x\"\n",
        "[source.stockade]\nregistry = \"sparse+https://old.example/\"\n[source.stockade.more]\na = 1\n",
        "[registries.stockade]\nindex = \"sparse+https://old.example/\"\n",
    ] {
        let pointed = point::point(before, BASE);
        let found = config(&[(USERS, &pointed)]).unwrap();
        assert_eq!(found.default.url.as_str(), "http://127.0.0.1:4873/x/index/", "{before:?}");
        assert_eq!(point::unpoint(&pointed), before);
        assert_eq!(point::point(&pointed, BASE), pointed);
    }
}

#[test]
fn what_cannot_be_pointed_with_certainty_stays_as_it_is() {
    for before in [
        "not TOML",
        "source = { crates-io = { replace-with = \"corp\" } }\n",
        "a = \"\"\"\n[source.crates-io]\n\"\"\"\n",
        "[source.crates-io]\nunknown = [\n1]\n[b]\na = \"\"\"\n# stockade setup put away: x\n\"\"\"\n",
    ] {
        let pointed = point::point(before, BASE);
        assert_eq!(pointed, point::unpoint(before), "{before:?}");
    }
}

proptest! {
    #[test]
    fn pointing_is_total_and_undone(text in "(\\[(source|registries|a)(\\.(crates-io|stockade|b))?\\]|(source\\.)?crates-io|replace-with|index|a|=| |\"x\"|\\{|\\}|\r?\n|#|\\PC){0,30}") {
        let pointed = point::point(&text, BASE);
        prop_assert_eq!(point::unpoint(&pointed), text);
        prop_assert_eq!(point::point(&pointed, BASE), pointed);
    }

    #[test]
    fn reading_is_total(text in "\\PC{0,60}", more in "(\\[source\\.[a-c]\\]\nreplace-with = \"[a-c]\"\n){0,3}") {
        let _ = config(&[(USERS, &text), (PROJECTS, &more)]);
        let _ = without_secrets(&text);
    }
}
