//! What pnpm is configured to use, and how that is changed.

use super::*;

const OLD: &str =
    r#"{"registry":"https://printed.example/","@jsr:registry":"https://jsr.example/","user-agent":"pnpm/10.34.9"}"#;
const NEW: &str =
    r#"{"registry":"https://printed.example/","@jsr:registry":"https://jsr.example/","userAgent":"pnpm/12.21.0"}"#;

fn printed(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let variables: Vec<(String, String)> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let env = move |name: &str| {
        let found = variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        found.or_else(|| (name == "HOME").then(|| "/h".to_owned()))
    };
    let around = (PNPM.around.unwrap())(&["/p/app".to_owned(), "/p".to_owned()], &env).unwrap();
    vec![text.to_owned(), "/h/.config/pnpm/config.yaml\n".to_owned(), around]
}

fn tried(printed: &[String], files: &[(&str, &str)]) -> Result<ClientConfig, Problem> {
    let files: Vec<Configured> =
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let env = |name: &str| (name == "TOKEN").then(|| "from-env".to_owned());
    read(printed, &files, &env, &Stated::default())
}

fn default(printed: &[String], files: &[(&str, &str)]) -> String {
    tried(printed, files).unwrap().default.url.to_string()
}

const PROJECT: (&str, &str) = ("/p/.npmrc", "registry=https://project.example/\n");
const WORK: (&str, &str) = (
    "/p/pnpm-workspace.yaml",
    "packages: [a]\nregistries:\n  default: https://work.example\n  \"@acme\": https://acme.example\n",
);
const GLOBAL: (&str, &str) =
    ("/h/.config/pnpm/config.yaml", "registries: {default: https://global.example, \"@acme\": https://old.example}\n");

#[test]
fn what_goes_before_what_is_as_each_version_has_it() {
    assert_eq!(default(&printed(NEW, &[]), &[]), "https://printed.example/");
    assert_eq!(default(&printed(NEW, &[]), &[PROJECT]), "https://project.example/");
    assert_eq!(default(&printed(NEW, &[]), &[GLOBAL, PROJECT]), "https://global.example/");
    assert_eq!(default(&printed(NEW, &[]), &[WORK, GLOBAL, PROJECT]), "https://work.example/");
    let variables =
        [("npm_config_registry", "https://npm.example/"), ("pnpm_config_registry", "https://pnpm.example/")];
    assert_eq!(default(&printed(NEW, &variables), &[WORK, PROJECT]), "https://pnpm.example/");
    assert_eq!(default(&printed(NEW, &variables[..1]), &[PROJECT]), "https://project.example/");
    assert_eq!(default(&printed(OLD, &variables), &[PROJECT]), "https://npm.example/");
    assert!(tried(&printed(OLD, &variables), &[WORK]).is_err());
}

#[test]
fn scopes_and_credentials_are_inherited() {
    let users = ("/h/.npmrc", "@beta:registry=https://beta.example/\n//beta.example/:_authToken=${TOKEN}\n");
    let config = tried(&printed(NEW, &[]), &[WORK, GLOBAL, users]).unwrap();
    assert_eq!(config.scopes.keys().collect::<Vec<_>>(), ["@acme", "@beta"]);
    assert_eq!(config.scopes["@acme"].url.as_str(), "https://acme.example/");
    assert_eq!(config.scopes["@beta"].credential.as_ref().unwrap().header().reveal(), "Bearer from-env");
    let by_address = ("/p/pnpm-workspace.yaml", "registries:\n  https://x.example/:\n    scopes: [\"@x\", \"@\"]\n");
    let config = tried(&printed(NEW, &[]), &[by_address]).unwrap();
    assert_eq!(
        (config.default.url.as_str(), config.scopes["@x"].url.as_str()),
        ("https://x.example/", "https://x.example/")
    );
    let own = ("/h/.npmrc", "@jsr:registry=https://jsr.example/\n");
    assert_eq!(tried(&printed(NEW, &[]), &[own]).unwrap().scopes.len(), 1);
    let unread = ("/p/pnpm-workspace.yaml", "registries: &x\n  default: y\n");
    assert_eq!(tried(&printed(NEW, &[]), &[unread]).unwrap().problems.len(), 1);
}

#[test]
fn its_files_are_found() {
    insta::assert_snapshot!(files(&printed(NEW, &[])).join("\n"), @r"
    /p/app/pnpm-workspace.yaml
    /p/pnpm-workspace.yaml
    /h/.config/pnpm/config.yaml
    /p/app/.npmrc
    /p/.npmrc
    /h/.npmrc
    /h/.config/pnpm/auth.ini
    ");
    let moved = printed(NEW, &[("NPM_CONFIG_USERCONFIG", "/c/npmrc")]);
    assert_eq!(configured_in(&moved).as_deref(), Some("/c/npmrc"));
}

#[test]
fn a_run_is_pointed_and_found_again() {
    let scopes = ["@acme".to_owned()];
    let variables = environment("http://127.0.0.1:1/x", &scopes, "r1");
    assert_eq!(variables[1], ("pnpm_config_registry".to_owned(), "http://127.0.0.1:1/x/".to_owned()));
    assert_eq!(run_of(&variables[2].1), Some("r1"));
    assert_eq!(variables[3].0, "npm_config_@acme:registry");
    insta::assert_snapshot!(arguments(&printed(NEW, &[]), "http://127.0.0.1:1/x", &scopes, "r1").join("\n"), @r"
    --config.user-agent=pnpm stockade-run/r1
    --config.store-dir=/h/.local/share/pnpm/store
    --config.@acme:registry=http://127.0.0.1:1/x/
    --config.@jsr:registry=http://127.0.0.1:1/x/
    ");
}
