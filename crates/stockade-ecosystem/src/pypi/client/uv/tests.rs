use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const HELP: &str = "      --default-index <DEFAULT_INDEX>\n          The default package index (by default:\n          <https://index.example/simple>).\n\
                    \n  -i, --index-url <INDEX_URL>\n          (by default: <https://other.example/>)\n";

/// An index as uv 0.13.9 shows it, less what stands in the middle.
fn shown(name: Option<&str>, address: &str, default: bool) -> String {
    let name = name.map_or("name: None,".to_owned(), |name| {
        format!("name: Some(\n                        IndexName(\n                            \"{name}\",\n                        ),\n                    ),")
    });
    format!(
        "                Index {{\n                    {name}\n                    url: Url(\n                        VerbatimUrl {{\n\
         \x20                           given: Some(\n                                \"{address}\",\n                            ),\n\
         \x20                       }},\n                    ),\n                    explicit: false,\n                    default: {default},\n                }},\n"
    )
}

fn all_shown(indexes: &[String], links: &str, no_index: bool) -> String {
    let indexes = if indexes.is_empty() { "[],".to_owned() } else { format!("[\n{}            ],", indexes.concat()) };
    format!(
        "PipInstallSettings {{\n    settings: PipSettings {{\n        index_locations: IndexLocations {{\n            indexes: {indexes}\n\
         \x20           flat_index: [{links}],\n            no_index: {no_index},\n        }},\n        python: None,\n    }},\n}}\n"
    )
}

fn printed(indexes: &[String]) -> Vec<String> {
    vec![all_shown(indexes, "", false), HELP.to_owned(), "/h/.local/share/uv/tools\n".to_owned()]
}

fn config(indexes: &[String]) -> ClientConfig {
    read(&printed(indexes), &[], &|_| None, &Stated::default()).unwrap()
}

#[test]
fn what_is_set_goes_before_what_is_built_in() {
    assert_eq!(config(&[]).default.url.as_str(), "https://index.example/simple/");
    let own = config(&[shown(None, "https://mirror.example/simple", true), shown(None, "https://late.example", true)]);
    assert_eq!((own.default.url.as_str(), own.problems.len()), ("https://mirror.example/simple/", 0));
}

#[test]
fn what_leads_around_the_gateway_is_told() {
    let own =
        config(&[shown(Some("more"), "https://a.example", false), shown(None, "https://u:****@b.example", false)]);
    assert_eq!(own.default.url.as_str(), "https://index.example/simple/");
    let what: Vec<String> = own.problems.into_iter().map(|problem| problem.what).collect();
    insta::assert_snapshot!(what.join("\n"), @r"
    uv's index `more` leads around the gateway
    uv's index `https://u:****@b.example` leads around the gateway
    ");
    let count = |links, no_index| {
        let printed = [all_shown(&[], links, no_index), HELP.to_owned()];
        read(&printed, &[], &|_| None, &Stated::default()).unwrap().problems.len()
    };
    assert_eq!((count("", false), count("\n    Index {\n", false), count("", true)), (0, 1, 1));
}

#[test]
fn what_is_shown_in_another_form_is_an_error_and_no_index() {
    for text in ["", "index_locations: IndexLocations {", "IndexLocations { indexes: [] }"] {
        let printed = [text.to_owned(), HELP.to_owned()];
        assert!(read(&printed, &[], &|_| None, &Stated::default()).is_err(), "{text}");
        let stated = Stated { url: Some("https://mirror.example/".to_owned()), ..Stated::default() };
        assert!(read(&printed, &[], &|_| None, &stated).is_ok());
    }
    let without_address = all_shown(&["                Index {\n                },\n".to_owned()], "", false);
    assert!(settings(&without_address).is_err());
    assert!(read(&[], &[], &|_| None, &Stated::default()).is_err());
}

#[test]
fn a_password_is_found_where_uv_finds_it() {
    let hidden = || printed(&[shown(Some("my-corp"), "https://user:****@mirror.example/simple", true)]);
    let header = |files: &[&str], variables: &[(&str, &str)]| {
        let files: Vec<Configured> =
            files.iter().map(|text| ("uv.toml".to_owned(), text.as_bytes().to_vec())).collect();
        let env = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let config = read(&hidden(), &files, &env, &Stated::default()).map_err(|problem| problem.what)?;
        Ok::<_, String>(config.default.credential.unwrap().header().reveal().to_owned())
    };
    let expect = Ok("Basic dXNlcjpwdw==".to_owned());
    let address = "https://user:pw@mirror.example/simple";
    assert_eq!(header(&["", &format!("[[index]]\nurl = \"{address}\"\n")], &[]), expect);
    assert_eq!(header(&[&format!("index-url = \"{address}/\"\n")], &[]), expect);
    assert_eq!(header(&[&format!("[pip]\nindex-url = \"{address}/\"\n")], &[]), expect);
    assert_eq!(header(&[], &[("UV_DEFAULT_INDEX", &format!("my-corp={address}"))]), expect);
    assert_eq!(header(&[], &[("UV_INDEX_URL", address)]), expect);
    assert_eq!(header(&[], &[("UV_INDEX_MY_CORP_USERNAME", "user"), ("UV_INDEX_MY_CORP_PASSWORD", "pw")]), expect);
    for files in [&["index-url = \"https://user:pw@other.example/simple\""][..], &["no toml"], &[]] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(header(files, &[]).unwrap_err(), @"the password of uv's index `https://mirror.example/simple/` is in none of its files");
        }
    }
}

#[test]
fn its_file_is_beside_its_tools() {
    assert_eq!(configured_in(&printed(&[])).as_deref(), Some("/h/.config/uv/uv.toml"));
    assert_eq!((UV.files)(&printed(&[])), ["/h/.config/uv/uv.toml"]);
    assert_eq!(configured_in(&[String::new(), String::new(), "/data/uv/tools".to_owned()]), None);
}

#[test]
fn what_is_secret_can_be_left_out() {
    let text =
        "native-tls = true\nindex-url = \"https://u:p@a.example/\"\n[[index]]\nurl = \"https://b.example/a@b\"\n";
    assert_eq!(without_secrets(text), "native-tls = true\n[[index]]\nurl = \"https://b.example/a@b\"\n");
}

#[test]
fn setup_is_reversible() {
    let before = "native-tls = true\nextra-index-url = [\n  \"https://a.example\", # a\n]\npip.find-links = [\"/x\"]\n\n[[index]]\n\
                  name = \"b\"\nurl = \"https://b.example\"\n# a note\n\n[pip]\nindex-url = \"https://c.example\"\ncompile-bytecode = true";
    let pointed = point(before, "http://127.0.0.1:4873/x", &[]);
    insta::assert_snapshot!(pointed, @r#"
    # stockade setup wrote the next line
    index-url = "http://127.0.0.1:4873/x/simple/"
    # stockade setup wrote the next line
    no-cache = true
    native-tls = true
    # stockade setup put away: extra-index-url = [
    # stockade setup put away:   "https://a.example", # a
    # stockade setup put away: ]
    # stockade setup put away: pip.find-links = ["/x"]

    # stockade setup put away: [[index]]
    # stockade setup put away: name = "b"
    # stockade setup put away: url = "https://b.example"
    # stockade setup put away: # a note

    [pip]
    # stockade setup put away: index-url = "https://c.example"
    compile-bytecode = true
    "#);
    assert!(pointed.parse::<Table>().is_ok());
    for text in
        [before, "", "a", "[[index]]\r\nurl = \"x\"\r\n\r\n", "index-url = \"\"\"\nx\"\"\"", "[[index", "# c\n\n\n"]
    {
        let pointed = point(text, "http://b", &[]);
        assert_eq!(MARKS.undone(&pointed), text);
        assert_eq!(point(&pointed, "http://b", &[]), pointed, "{text:?}");
    }
}

#[test]
fn a_run_goes_to_the_gateway() {
    let variables: BTreeMap<String, String> = environment("http://127.0.0.1:1/x", &[], "r1").into_iter().collect();
    assert_eq!(variables["UV_DEFAULT_INDEX"], "http://stockade-run:r1@127.0.0.1:1/x/simple");
    assert_eq!(
        (run_of("stockade-run:r1"), run_of("alice:stockade-run:r1"), run_of("Basic x")),
        (Some("r1"), None, None)
    );
    // It is ours, and no password that has to be known.
    let address = "http://stockade-run:****@127.0.0.1:1/x/simple";
    assert_eq!(config(&[shown(None, address, true)]).default.url.as_str(), "http://127.0.0.1:1/x/simple/");
    assert_eq!((variables["UV_INDEX"].as_str(), variables["UV_NO_CACHE"].as_str()), ("", "1"));
}

proptest! {
    #[test]
    fn anything_can_be_printed(shown in "\\PC*", inner in "(?s).{0,80}", help in "(?s).{0,80}") {
        let text = format!("{shown}index_locations: IndexLocations {{{inner}\n        }},");
        let _ = read(&[text, help], &[], &|_| None, &Stated::default());
    }

    #[test]
    fn any_file_is_given_back(text in "([ \\[\\]=\"#a\n-]|index|\\[\\[index\\]\\]\n|index-url = \\[\n|\r\n){0,40}") {
        let pointed = point(&text, "http://b", &[]);
        prop_assert_eq!(MARKS.undone(&pointed), text);
        prop_assert_eq!(point(&pointed, "http://b", &[]), pointed);
    }
}
