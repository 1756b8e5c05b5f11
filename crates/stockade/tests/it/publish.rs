//! Publishing with the real npm, to a gateway that hosts a scope.

use insta::assert_snapshot;
use serde_json::json;
use stockade_testkit::{Npm, Output};

use crate::serve::{Served, serve};
use crate::world::{World, shown};

/// A world whose project publishes as `@acme/left`, to a gateway.
struct Publisher {
    world: World,
    served: Served,
    token: String,
}

/// How many lines of what npm says are looked at; it goes on with advice of its own.
const SAID: usize = 2;

impl Publisher {
    fn new(npm: &Npm) -> Self {
        let world = World::with(npm);
        world.settings(&format!(
            "[upstream.npm]\nurl = \"{}\"\nclaims = {{ \"@acme/*\" = \"hosted\" }}\n",
            world.registry.url()
        ));
        let made = world.stockade(["token", "create", "alice", "--may", "publish:pkg:npm/@acme/*", "--expires", "30d"]);
        assert!(made.ok() && made.stderr.contains("it is not shown again"), "{made}");
        let token = made.stdout.trim().to_owned();
        let served = serve(&world, &["--listen", "127.0.0.1:0"]);
        let publisher = Self { world, served, token };
        publisher.write("1.0.0");
        publisher
    }

    fn write(&self, version: &str) {
        let manifest = json!({"name": "@acme/left", "version": version, "main": "index.js"});
        self.world.project.write("package.json", manifest.to_string());
        self.world.project.write("index.js", format!("module.exports = '{version}'"));
    }

    /// npm with the gateway as its registry, and the token for it.
    fn npm(&self, arguments: &[&str]) -> Output {
        let registry = format!("{}/npm/", self.served.url);
        let place = registry.trim_start_matches("http:").to_owned();
        let auth = format!("--{place}:_authToken={}", self.token);
        let ours = ["--registry", registry.as_str(), auth.as_str(), "--loglevel=error"];
        self.world.project.run(arguments.iter().copied().chain(ours))
    }

    fn said(&self, arguments: &[&str]) -> String {
        let output = self.npm(arguments);
        let mut text = shown(&format!("{}{}status {}", output.stdout, output.stderr, output.status.unwrap_or(-1)));
        text.retain(|c| c != '\r');
        let lines = text.lines().filter(|line| !line.contains("A complete log of this run") && !line.trim().is_empty());
        lines.take(SAID).collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn npm_publishes_deprecates_tags_and_takes_off() {
    for npm in Npm::installed() {
        let publisher = Publisher::new(&npm);
        let ok = |arguments: &[&str]| {
            let output = publisher.npm(arguments);
            assert!(output.ok(), "{npm} {arguments:?}: {output}");
            output.stdout
        };
        assert_eq!(ok(&["whoami"]).trim(), "alice");
        ok(&["publish"]);
        publisher.write("1.1.0");
        ok(&["publish", "--tag", "beta"]);
        assert_eq!(ok(&["dist-tag", "ls"]), "beta: 1.1.0\nlatest: 1.0.0\n");
        ok(&["dist-tag", "add", "@acme/left@1.0.0", "stable"]);
        ok(&["dist-tag", "rm", "@acme/left", "beta"]);
        ok(&["dist-tag", "add", "@acme/left@1.1.0", "latest"]);
        assert_eq!(ok(&["dist-tag", "ls"]), "latest: 1.1.0\nstable: 1.0.0\n");
        ok(&["deprecate", "@acme/left@1.0.0", "use 1.1.0"]);
        assert_eq!(ok(&["view", "@acme/left@1.0.0", "deprecated"]).trim(), "use 1.1.0");
        assert_eq!(ok(&["view", "@acme/left", "maintainers[0].name"]).trim(), "alice");
        assert_eq!(ok(&["access", "list", "collaborators", "@acme/left"]).trim(), "alice: read-write");
        assert_eq!(ok(&["access", "list", "packages", "alice"]).trim(), "@acme/left: read-write");
        let tokens = ok(&["token", "list"]);
        assert!(tokens.contains("created") && !tokens.contains("undefined"), "{npm}: {tokens}");
        ok(&["unpublish", "@acme/left@1.0.0", "--force"]);
        let left = ok(&["view", "@acme/left", "versions", "--json"]);
        assert!(left.contains("1.1.0") && !left.contains("1.0.0"), "{npm}: {left}");
        let used = npm.project(json!({"dependencies": {"@acme/left": "*"}}));
        let installed = used.registry(&format!("{}/npm/", publisher.served.url)).run(["install"]);
        assert!(installed.ok(), "{installed}");
        ok(&["unpublish", "@acme/left", "--force"]);
        assert_eq!(publisher.world.registry.count("left-demo"), 0);
        assert_eq!(publisher.world.registry.count("acme"), 0, "no internal name is told");
        assert_eq!(publisher.world.registry.count("alice"), 0);
    }
}

#[test]
fn npm_says_why_something_is_not_published() {
    let Some(npm) = Npm::usual_or_skip() else { return };
    let mut publisher = Publisher::new(&npm);
    assert!(publisher.npm(&["publish"]).ok());
    publisher.world.project.write("index.js", "module.exports = 'other'");
    assert_snapshot!(publisher.said(&["publish"]), @r#"
    npm error You cannot publish over the previously published versions: 1.0.0.
    status 1
    "#);
    publisher.world.project.write("package.json", r#"{"name":"left-demo","version":"9.0.0"}"#);
    assert_snapshot!(publisher.said(&["publish"]), @r#"
    npm error code E403
    npm error 403 403 refused by stockade: `left-demo` is not published here: its name is not claimed as `hosted` in `[upstream.npm.claims]` - PUT http://127.0.0.1:[PORT]/npm/left-demo - refused by stockade: `left-demo` is not published here: its name is not claimed as `hosted` in `[upstream.npm.claims]`
    "#);
    publisher.write("1.0.1");
    publisher.token = "stockade_0000".to_owned();
    assert_snapshot!(publisher.said(&["publish"]), @r#"
    npm error code E401
    npm error Unable to authenticate, your authentication token seems to be invalid.
    "#);
    assert_snapshot!(publisher.said(&["whoami"]), @r#"
    npm error code E401
    npm error Unable to authenticate, your authentication token seems to be invalid.
    "#);
}

#[test]
fn npm_says_where_tokens_are_made() {
    for npm in Npm::installed() {
        let mut publisher = Publisher::new(&npm);
        let said = |publisher: &Publisher, arguments: &[&str]| format!("{}", publisher.npm(arguments));
        for what in ["add", "rm"] {
            let owner = said(&publisher, &["owner", what, "bob", "@acme/left"]);
            assert!(
                owner.contains("who may publish is said by tokens, which `stockade token create` makes"),
                "{owner}"
            );
        }
        // Older ones ask for a password, which is nowhere to be had here.
        if npm.major() > 10 {
            let create = said(&publisher, &["token", "create", "--name", "ci", "--password", "x"]);
            assert!(create.contains("refused by stockade: tokens are made by `stockade token create`"), "{create}");
        }
        let id = publisher.world.json(["token", "list"])[0]["id"].as_str().unwrap().to_owned();
        assert!(said(&publisher, &["token", "list"]).contains(&id[..6]), "{npm}");
        let none = said(&publisher, &["token", "revoke", "0000"]);
        assert!(none.contains("Unknown token id or value"), "{none}");
        let revoked = said(&publisher, &["token", "revoke", &id]);
        assert!(revoked.contains("Removed 1 token"), "{revoked}");
        assert!(!publisher.npm(&["whoami"]).ok(), "{npm}");
        publisher.token.clear();
        let nobody = said(&publisher, &["token", "list"]);
        assert!(nobody.contains("E401") || nobody.contains("ENEEDAUTH"), "{nobody}");
    }
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let Some(world) = World::or_skip() else { return };
    let create =
        ["token", "create", "ci", "--may", "read", "--may", "publish:pkg:npm/@acme/*", "--expires", "2026-12-31"];
    let token = world.stockade(create).stdout.trim().to_owned();
    assert!(token.starts_with("stockade_") && token.len() > 64, "{token}");
    let listed = world.json(["token", "list"]);
    let id = listed[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(listed[0]["rights"], json!(["read", "publish:pkg:npm/@acme/*"]));
    assert!(!listed.to_string().contains(&token));
    let bytes = std::fs::read(world.data().join("stockade.db")).unwrap();
    assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()), "the token is in the store");
    assert!(world.stockade(["token", "revoke", &id]).ok());
    assert_snapshot!(shown(&world.stockade(["token", "revoke", &id]).stderr).replace(&id, "[ID]"), @r#"
    stockade: no token has the identifier `[ID]` and is still good
    hint: `stockade token list` shows them
    "#);
    for (arguments, _) in [(["--may", "everything"], 0), (["--may", "publish:pkg:nmp/x"], 0)] {
        let output = world.stockade(["token", "create", "ci", "--expires", "1d"].into_iter().chain(arguments));
        assert_eq!(output.status, Some(2), "{output}");
    }
    assert!(world.stockade(["log", "verify"]).ok());
}

#[test]
fn a_gateway_that_would_give_private_packages_to_anybody_does_not_start() {
    let Some(world) = World::or_skip() else { return };
    let url = world.registry.url();
    let start = |more: &str| {
        world.settings(&format!("[upstream.npm]\nurl = \"{url}\"\nclaims = {{ \"@acme/*\" = \"hosted\" }}\n{more}"));
        let output = world.stockade(["serve", "--listen", "0.0.0.0:0"]);
        assert_eq!(output.status, Some(2), "{output}");
        shown(&output.stderr)
    };
    assert_snapshot!(start(""), @r#"
    stockade: packages are hosted, and nothing says whether everybody who reaches 0.0.0.0:0 may read them
    hint: write `read = "token"` or `read = "anybody"` into `[access]`
    "#);
    assert_snapshot!(start("[access]\nread = \"token\"\n"), @r#"
    stockade: `access.read` is `token`, and there is no token that is good
    hint: make one with `stockade token create WHO --may read --expires 90d`
    "#);
}

#[test]
fn a_gateway_can_ask_everybody_for_a_token() {
    let Some(npm) = Npm::usual_or_skip() else { return };
    let world = World::with(&npm);
    world.settings(&format!("[upstream.npm]\nurl = \"{}\"\n[access]\nread = \"token\"\n", world.registry.url()));
    let made = world.stockade(["token", "create", "bob", "--may", "read", "--expires", "30d"]);
    let token = made.stdout.trim();
    let served = serve(&world, &["--listen", "127.0.0.1:0"]);
    let registry = format!("{}/npm/", served.url);
    let install =
        |project: stockade_testkit::Project| project.config("fetch-retries", "0").registry(&registry).run(["install"]);
    let project = || npm.project(json!({"dependencies": {"left-demo": "1.0.9"}}));
    let refused = install(project());
    assert!(!refused.ok() && refused.stderr.contains("E401"), "{refused}");
    assert!(install(project().token(&registry, token)).ok());
    let served_to = world.json(["log", "show"]);
    assert!(served_to.to_string().contains("\"principal\":\"bob\""), "{served_to}");
}
