//! What Yarn is configured to use, and how that is changed.

use super::*;

const BASE: &str = "http://127.0.0.1:4873/x";

fn printed(variables: &[(&str, &str)]) -> Vec<String> {
    let variables: Vec<(String, String)> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let env = move |name: &str| {
        let found = variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        found.or_else(|| (name == "HOME").then(|| "/h".to_owned()))
    };
    let folders = ["/p/app".to_owned(), "/p".to_owned()];
    vec!["\"https://built-in.example\"\n".to_owned(), (YARN.around.unwrap())(&folders, &env).unwrap()]
}

fn config(printed: &[String], files: &[(&str, &str)]) -> ClientConfig {
    let files: Vec<Configured> =
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let env = |name: &str| (name == "TOKEN").then(|| "from-env".to_owned());
    read(printed, &files, &env, &Stated::default()).unwrap()
}

fn credential(upstream: &Upstream) -> Option<String> {
    upstream.credential.as_ref().map(|known| known.header().reveal().to_owned())
}

#[test]
fn the_nearest_file_counts_and_a_variable_before_all() {
    let server = |address: &str| format!("npmRegistryServer: \"{address}\"\n");
    let (near, far) = (server("https://near.example/npm"), server("https://far.example"));
    let files = [("/p/app/.yarnrc.yml", near.as_str()), ("/h/.yarnrc.yml", far.as_str())];
    assert_eq!(config(&printed(&[]), &files).default.url.as_str(), "https://near.example/npm/");
    assert_eq!(config(&printed(&[]), &[]).default.url.as_str(), "https://built-in.example/");
    let variable = printed(&[("YARN_NPM_REGISTRY_SERVER", "https://env.example")]);
    assert_eq!(config(&variable, &files).default.url.as_str(), "https://env.example/");
    assert_eq!(super::files(&variable), ["/p/app/.yarnrc.yml", "/p/.yarnrc.yml", "/h/.yarnrc.yml"]);
}

#[test]
fn scopes_and_credentials_are_inherited() {
    let text = "npmRegistryServer: https://registry.example\nnpmRegistries:\n  //registry.example:\n    npmAuthToken: ${TOKEN}\n\
        npmScopes:\n  acme:\n    npmRegistryServer: https://npm.acme.example/\n    npmAuthIdent: \"user:pw\"\n  \
        own: {npmAuthToken: t}\n  alone:\n    npmRegistryServer: ${MISSING-https://alone.example}\n";
    let config = config(&printed(&[]), &[("/p/.yarnrc.yml", text)]);
    assert_eq!(credential(&config.default).as_deref(), Some("Bearer from-env"));
    assert_eq!(config.scopes.keys().collect::<Vec<_>>(), ["@acme", "@alone"]);
    assert_eq!(credential(&config.scopes["@acme"]).as_deref(), Some("Basic dXNlcjpwdw=="));
    assert_eq!(config.scopes["@alone"].url.as_str(), "https://alone.example/");
    assert_eq!(credential(&config.scopes["@alone"]), None);
    assert!(config.problems.is_empty(), "{:?}", config.problems);
}

#[test]
fn what_could_not_be_read_is_told() {
    let problems = |text: &str| config(&printed(&[]), &[("/p/.yarnrc.yml", text)]).problems.len();
    assert_eq!(problems("npmScopes: &all\n  acme:\n    npmRegistryServer: https://a.example\n"), 1);
    assert_eq!(problems("packageExtensions: &all\n  a: b\n"), 0);
    let older = vec!["undefined\n".to_owned(), printed(&[]).pop().unwrap()];
    let stated = Stated { url: Some("https://stated.example".to_owned()), ..Stated::default() };
    assert!(read(&older, &[], &|_| None, &stated).is_err(), "it would go past us without a word");
    assert!(read(&[], &[], &|_| None, &stated).is_ok());
    let of = |path: &str| [(path.to_owned(), b"yarnPath: .yarn/releases/yarn-4.18.1.cjs\n".to_vec())];
    assert!(read(&older, &of("/p/.yarnrc.yml"), &|_| None, &stated).is_ok(), "it starts the project's own");
    assert!(read(&older, &of("/h/.yarnrc.yml"), &|_| None, &stated).is_err());
}

#[test]
fn what_is_secret_is_left_out_and_its_place_stays() {
    let text = "npmAuthToken: \"t\"\nnpmScopes:\n  acme:\n    npmAuthToken: >-\n      long\n      er\n    x: y\n  b: {npmAuthIdent: z}\n\
        httpProxy: http://u:p@proxy.example\nnodeLinker: pnp\n";
    insta::assert_snapshot!(without_secrets(text), @r#"
    npmAuthToken: ""
    npmScopes:
      acme:
        npmAuthToken: ""
        x: y
    nodeLinker: pnp
    "#);
}

#[test]
fn setup_is_reversible() {
    let scopes = ["@acme".to_owned(), "@new".to_owned()];
    let before = "# mine\nnpmScopes:\n  acme:\n    npmAlwaysAuth: true\n    npmRegistryServer: https://npm.acme.example\n  other:\n    \
        npmRegistryServer: https://other.example\n\nunsafeHttpWhitelist:\n  - a.example\nnpmRegistryServer: https://r.example\nnodeLinker: pnp";
    let pointed = point(before, BASE, &scopes);
    insta::assert_snapshot!(pointed, @r#"
    # mine
    npmScopes:
    # stockade setup wrote the next line
      "new":
    # stockade setup wrote the next line
        npmRegistryServer: "http://127.0.0.1:4873/x"
      acme:
    # stockade setup wrote the next line
        npmRegistryServer: "http://127.0.0.1:4873/x"
        npmAlwaysAuth: true
    # stockade setup put away:     npmRegistryServer: https://npm.acme.example
      other:
        npmRegistryServer: https://other.example

    # stockade setup put away: unsafeHttpWhitelist:
    # stockade setup put away:   - a.example
    # stockade setup wrote the next line
    unsafeHttpWhitelist: ["a.example", "127.0.0.1"]
    # stockade setup put away: npmRegistryServer: https://r.example
    nodeLinker: pnp
    # stockade setup ended the line before
    # stockade setup wrote the next line
    npmRegistryServer: "http://127.0.0.1:4873/x"
    "#);
    let config = config(&printed(&[]), &[("/p/.yarnrc.yml", &pointed)]);
    assert_eq!(config.default.url.as_str(), format!("{BASE}/"));
    assert_eq!(config.scopes["@new"].url.as_str(), format!("{BASE}/"));
    assert_eq!(config.scopes["@acme"].url.as_str(), format!("{BASE}/"));
    for text in [
        before,
        "",
        "npmScopes:\n",
        "npmScopes:",
        "a: b\r\nnpmRegistryServer: x\r\n",
        "unsafeHttpWhitelist: [\"*\"]",
        "- x\n\n\n",
    ] {
        let pointed = point(text, BASE, &scopes);
        assert_eq!((YARN.unpoint)(&pointed), text, "{text:?}");
        assert_eq!(point(&pointed, BASE, &scopes), pointed, "twice is once: {text:?}");
    }
    let braces = "npmScopes: {acme: {npmRegistryServer: x}}\n";
    assert_eq!(point(braces, BASE, &scopes), braces);
}

#[test]
fn a_run_is_found_again_in_the_token() {
    let variables = environment(BASE, &[], "r1");
    assert_eq!(variables[0].1, BASE);
    assert_eq!(variables[1].1, "127.0.0.1");
    assert_eq!(run_of(&format!("Bearer {}", variables[2].1)), Some("r1"));
    assert_eq!((YARN.rewritten)(&printed(&[]), &[]), Rewritten::default());
    assert_eq!((YARN.rewritten)(&printed(&[]), &["@acme".to_owned()]).files.len(), 3);
}
