//! What Bun is configured to use, and how that is changed.

use super::*;
use crate::Upstream;

const BASE: &str = "http://127.0.0.1:4873/x";

fn printed(variables: &[(&str, &str)]) -> Vec<String> {
    let variables: Vec<(String, String)> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let env = move |name: &str| {
        let found = variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        found.or_else(|| (name == "HOME").then(|| "/h".to_owned()))
    };
    vec!["1.4.5\n".to_owned(), (BUN.around.unwrap())(&["/p".to_owned()], &env).unwrap()]
}

fn tried(printed: &[String], files: &[(&str, &str)], stated: &Stated) -> Result<ClientConfig, Problem> {
    let files: Vec<Configured> =
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let env = |name: &str| (name == "TOKEN").then(|| "from-env".to_owned());
    read(printed, &files, &env, stated)
}

fn credential(upstream: &Upstream) -> Option<String> {
    upstream.credential.as_ref().map(|known| known.header().reveal().to_owned())
}

const PROJECT: (&str, &str) = (
    "/p/bunfig.toml",
    "[install]\nregistry = { url = \"https://fig.example/\", token = \"$TOKEN\" }\n[install.scopes]\nacme = \"https://acme.example/\"\n",
);
const NPMRC: (&str, &str) = (
    "/h/.npmrc",
    "registry=https://rc.example/\n@beta:registry=https://beta.example/\n//beta.example/:_authToken=b\n//acme.example/:_authToken=a\n",
);

#[test]
fn its_own_file_goes_before_npms_and_a_variable_before_both() {
    let url = |printed: &[String], files: &[(&str, &str)]| tried(printed, files, &Stated::default()).unwrap().default;
    assert_eq!(url(&printed(&[]), &[NPMRC]).url.as_str(), "https://rc.example/");
    let own = url(&printed(&[]), &[PROJECT, NPMRC]);
    assert_eq!((own.url.as_str(), credential(&own).as_deref()), ("https://fig.example/", Some("Bearer from-env")));
    let variables = printed(&[("NPM_CONFIG_REGISTRY", "https://env.example"), ("BUN_CONFIG_TOKEN", "t")]);
    let own = url(&variables, &[PROJECT, NPMRC]);
    assert_eq!((own.url.as_str(), credential(&own).as_deref()), ("https://env.example/", Some("Bearer t")));
    let scopes = tried(&printed(&[]), &[PROJECT, NPMRC], &Stated::default()).unwrap().scopes;
    assert_eq!(credential(&scopes["@acme"]).as_deref(), Some("Bearer a"));
    assert_eq!(credential(&scopes["@beta"]).as_deref(), Some("Bearer b"));
}

#[test]
fn without_a_registry_it_has_another_clients() {
    assert!(tried(&printed(&[]), &[], &Stated::default()).is_err());
    let stated = Stated { otherwise: Upstream::at("https://npm.example/").ok(), ..Stated::default() };
    assert_eq!(tried(&printed(&[]), &[], &stated).unwrap().default.url.as_str(), "https://npm.example/");
    assert_eq!(tried(&printed(&[]), &[NPMRC], &stated).unwrap().default.url.as_str(), "https://rc.example/");
}

#[test]
fn what_cannot_be_read_is_told() {
    let stated = Stated { url: Some("https://stated.example".to_owned()), ..Stated::default() };
    let config = tried(&printed(&[]), &[("/p/bunfig.toml", "[install"), NPMRC], &stated).unwrap();
    assert_eq!(config.default.url.as_str(), "https://stated.example/");
    assert_eq!(config.problems.len(), 1);
}

#[test]
fn what_is_secret_is_left_out() {
    let text = "[install]\nregistry = { url = \"https://x.example\", \"token\" = \"t\" }\npreload = [\"./token.ts\"]\nexact = true\n";
    assert_eq!(without_secrets(text), "[install]\npreload = [\"./token.ts\"]\nexact = true\n");
    assert_eq!(without_secrets("//x.example/:_authToken=t\na=b\n"), "a=b\n");
}

#[test]
fn setup_is_reversible() {
    let scopes = ["@acme".to_owned()];
    let before = "logLevel = \"warn\"\n[install] # mine\nexact = true\nregistry = \"https://r.example\"\n\n[install.scopes]\nacme = \"https://a.example\"\n\"@b\" = \"https://b.example\"";
    let pointed = point(before, BASE, &scopes);
    insta::assert_snapshot!(pointed, @r#"
    logLevel = "warn"
    [install] # mine
    # stockade setup wrote the next line
    registry = "http://127.0.0.1:4873/x/"
    exact = true
    # stockade setup put away: registry = "https://r.example"

    [install.scopes]
    # stockade setup wrote the next line
    "@acme" = "http://127.0.0.1:4873/x/"
    # stockade setup put away: acme = "https://a.example"
    "@b" = "https://b.example"
    # stockade setup ended the line before
    "#);
    for text in [before, "", "x = 1", "[install]", "[install]\n", "[test]\nregistry = \"y\"\r\n"] {
        let pointed = point(text, BASE, &scopes);
        assert_eq!((BUN.unpoint)(&pointed), text, "{text:?}");
        assert_eq!(point(&pointed, BASE, &scopes), pointed, "twice is once: {text:?}");
    }
    for other in [
        "install.registry = \"x\"\n",
        "[install.registry]\nurl = \"x\"\n",
        "[install]\nscopes.acme = \"x\"\n",
        "[install",
    ] {
        assert_eq!(point(other, BASE, &scopes), other, "{other:?}");
    }
}

#[test]
fn a_lockfile_is_loosened_from_the_registries_that_we_stand_for() {
    let text = "{\n \"packages\": {\n  \"a\": [\"a@1.0.0\", \"https://r.example/a/-/a-1.0.0.tgz\", {}, \"sha512-x\"],\n  \
        \"b\": [\"b@https://r.example/b\", \"https://other.example/b/-/b-1.0.0.tgz\"],\n \"c";
    let loose = text.replace("https://r.example/a/-/a-1.0.0.tgz", "");
    assert_eq!(unbound(text, &["https://r.example/"]), loose);
    assert_eq!(unbound(&loose, &["https://r.example/"]), loose);
}

#[test]
fn a_run_is_found_again_in_the_token() {
    let variables = environment(BASE, &[], "r1");
    assert_eq!(run_of(&format!("Bearer {}", variables[0].1)), Some("r1"));
    assert_eq!(variables[1], ("BUN_CONFIG_REGISTRY".to_owned(), format!("{BASE}/")));
}
