//! Against the real registries, or the mirrors that this machine's clients are configured for: one small install of each
//! ecosystem. Where a client by itself gets nothing, the test says so and ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use stockade_testkit::{Guard, JAVA_OPTIONS, MavenRelease, Npm, Output, finished, skipped};
use tempfile::TempDir;

use crate::serve::wait_until;
use crate::world::contents;

const PATIENCE: Duration = Duration::from_mins(2);
/// What of the machine's environment is needed to reach a registry.
const PASSED_ON: [&str; 3] = ["TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"];
const CARGO: &str = env!("CARGO");

/// A user without a past.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let root = TempDir::with_prefix("stockade-").unwrap();
        fs::create_dir_all(root.path().join("project/.git")).unwrap();
        fs::create_dir(root.path().join("home")).unwrap();
        Self(root)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A program of this user, whose cargo is the one that builds these tests.
    fn command(&self, program: &str) -> Command {
        let folder = Path::new(CARGO).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [folder.to_path_buf()].into_iter().chain(std::env::split_paths(&path));
        let mut command = Command::new(program);
        command.current_dir(self.path("project")).env_clear();
        command.envs(PASSED_ON.iter().filter_map(|key| Some((key, std::env::var_os(key)?))));
        command.env("HOME", self.path("home")).env("USER", "alice").env("NO_COLOR", "1");
        command.env("MAVEN_OPTS", JAVA_OPTIONS);
        command.env("PATH", std::env::join_paths(folders).unwrap()).env("RUSTUP_HOME", folder.parent().unwrap());
        command
    }

    fn stockade(&self, arguments: &[&str]) -> Output {
        finished(self.command(env!("CARGO_BIN_EXE_stockade")).args(arguments))
    }

    /// That a run gave out what it had to, and that what was recorded of it holds.
    fn was_guarded(&self, run: &Output, served: &str, release: &str) {
        assert!(run.ok() && run.stderr.contains(served), "{run}");
        let why = self.stockade(&["why", release]);
        assert!(why.ok() && why.stdout.starts_with("cleared by stockade: "), "{why}");
        assert!(self.stockade(&["log", "verify"]).ok());
    }
}

/// Says that a client by itself gets nothing, and in its words why.
fn gets_nothing(client: &str, plain: &Output) {
    let line = plain.stderr.lines().chain(plain.stdout.lines()).find(|line| line.to_lowercase().contains("error"));
    skipped(&format!("{client} gets nothing from its real registry: {}", line.unwrap_or("it does not say why")));
}

/// A client with the machine's own configuration, which a test reads and does not touch.
fn of_machine(program: &str, arguments: &[&str]) -> Output {
    finished(Command::new(program).args(arguments).current_dir(std::env::temp_dir()))
}

/// The registry of the machine's own npm, if it answers.
fn registry(npm: &Npm) -> Option<String> {
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(npm.program());
        let output = command.args(arguments).env("PATH", npm.path()).stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    ask(&["view", "ms@2.1.3", "version", "--fetch-retries=0", "--fetch-timeout=20000"])?;
    ask(&["config", "get", "registry"])
}

#[test]
fn a_guarded_install_from_the_real_registry_is_as_good_as_a_plain_one() {
    let Some(npm) = Npm::usual_or_skip() else { return };
    let Some(registry) = registry(&npm) else {
        return skipped("nothing was installed from the real npm registry: it does not answer");
    };
    let manifest = json!({"dependencies": {"ms": "2.1.3", "lodash": "4.17.21"}});
    let project = npm.project(&manifest).registry(&registry);
    let stockade = |arguments: &[&str]| {
        project.finish_within(project.command(env!("CARGO_BIN_EXE_stockade")).args(arguments), PATIENCE)
    };
    let installed = stockade(&["run", "--", "npm", "install", "--no-audit"]);
    assert!(installed.ok(), "{installed}");
    assert!(installed.stderr.contains("2 packages served"), "{installed}");
    assert!(project.has("node_modules/ms/package.json") && project.has("node_modules/lodash/package.json"));
    let guarded = project.read("package-lock.json").unwrap();

    project.clean();
    std::fs::remove_file(project.path().join("package-lock.json")).unwrap();
    let plain = project.run(["install", "--no-audit"]);
    assert!(plain.ok(), "{plain}");
    assert_eq!(project.read("package-lock.json").unwrap(), guarded, "the lockfile does not tell them apart");

    project.clean();
    let again = stockade(&["run", "--", "npm", "ci", "--no-audit"]);
    assert!(again.ok(), "{again}");
    let why = stockade(&["why", "pkg:npm/ms@2.1.3"]);
    assert!(why.ok() && why.stdout.starts_with("cleared by stockade: `ms` 2.1.3"), "{why}");
    assert!(stockade(&["log", "verify"]).ok());
}

/// The system's: one that is a script of a version manager does more than pip.
const PIP: &str = "/usr/bin/pip";

#[test]
fn pip_installs_from_the_real_index() {
    if !Path::new(PIP).is_file() {
        return skipped("what pip gets from its real registry: it is not installed");
    }
    let place = Place::new();
    let (folder, wanted) = (place.path("plain").display().to_string(), "six==1.16.0");
    let plain =
        of_machine(PIP, &["install", "--no-cache-dir", "--quiet", "--retries", "0", "--target", &folder, wanted]);
    if !plain.ok() {
        return gets_nothing("pip", &plain);
    }
    let configured = of_machine(PIP, &["config", "get", "global.index-url"]);
    if configured.ok() {
        place.write("home/.config/pip/pip.conf", format!("[global]\nindex-url = {}\n", configured.stdout.trim()));
    }
    let run = place.stockade(&["run", "--", PIP, "install", "--target", "out", wanted]);
    place.was_guarded(&run, "1 package served", "pkg:pypi/six@1.16.0");
    let module = |folder: &str| fs::read(place.path(folder).join("six.py")).unwrap();
    assert_eq!(module("project/out"), module("plain"));
}

#[test]
fn cargo_fetches_from_the_real_registry() {
    let place = Place::new();
    let package = "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    place.write("project/Cargo.toml", format!("{package}\n[dependencies]\nfnv = \"=1.0.7\"\nitoa = \"=1.0.11\"\n"));
    place.write("project/src/main.rs", "fn main() {}\n");
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).unwrap_or_default();
    if let Ok(configuration) = fs::read(home.join("config.toml")) {
        place.write("home/.cargo/config.toml", configuration);
    }
    let alone = finished(place.command(CARGO).args(["--config", "net.retry=0", "fetch"]));
    if !alone.ok() {
        return gets_nothing("cargo", &alone);
    }
    let locked = place.path("project/Cargo.lock");
    let plain = fs::read_to_string(&locked).unwrap();
    fs::remove_file(&locked).unwrap();
    fs::remove_dir_all(place.path("home/.cargo/registry")).unwrap();
    let run = place.stockade(&["run", "--", CARGO, "fetch"]);
    place.was_guarded(&run, "2 packages served", "pkg:cargo/fnv@1.0.7");
    assert_eq!(fs::read_to_string(&locked).unwrap(), plain, "the lockfile does not tell them apart");
}

#[test]
fn maven_resolves_from_the_real_repository() {
    let place = Place::new();
    let pom = "<project><modelVersion>4.0.0</modelVersion><groupId>org.acme</groupId><artifactId>app</artifactId>\
               <version>1</version><packaging>pom</packaging><dependencyManagement><dependencies><dependency>\
               <groupId>org.junit</groupId><artifactId>junit-bom</artifactId><version>5.10.2</version><type>pom</type>\
               <scope>import</scope></dependency></dependencies></dependencyManagement></project>";
    place.write("project/pom.xml", pom);
    let installed = Command::new("mvn").arg("--version").output();
    if !installed.is_ok_and(|output| output.status.success()) {
        return skipped("what mvn gets from its real registry: it is not installed");
    }
    let words = |folder: &str| ["mvn", "-B", "-N", "validate"].map(str::to_owned).into_iter().chain([local(folder)]);
    let plain: Vec<String> = words("plain").collect();
    let alone = finished(place.command(&plain[0]).args(&plain[1..]));
    if !alone.ok() {
        return gets_nothing("mvn", &alone);
    }
    place.write("home/.config/stockade/stockade.toml", OF_ANY_AGE);
    let guarded: Vec<String> = ["run", "--"].map(str::to_owned).into_iter().chain(words("guarded")).collect();
    let run = place.stockade(&guarded.iter().map(String::as_str).collect::<Vec<_>>());
    place.was_guarded(&run, "served", "pkg:maven/org.junit/junit-bom@5.10.2?file_name=5.10.2/junit-bom-5.10.2.pom");
    let bom = |folder: &str| {
        let files = contents(&place.path("project").join(folder));
        let bom = files.into_iter().find(|(path, _)| path.ends_with("junit-bom-5.10.2.pom"));
        bom.unwrap_or_else(|| panic!("it is not in {folder}")).1.1
    };
    assert_eq!(bom("guarded"), bom("plain"));
}

#[test]
fn maven_deploys_a_release_and_a_snapshot_that_another_project_resolves() {
    let installed = Command::new("mvn").arg("--version").output();
    if !installed.is_ok_and(|output| output.status.success()) {
        return skipped("what mvn deploys: it is not installed");
    }
    let place = Place::new();
    let (release, snapshot) =
        (MavenRelease::new("com.acme:left", "1.0"), MavenRelease::new("com.acme:right", "1.0-SNAPSHOT"));
    let newer = snapshot.clone().file("newer.txt", "newer");
    let deploy = |build: &MavenRelease, name: &str, version: &str, local: &str, url: &str| {
        place.write("project/demo.jar", build.bytes(".jar").unwrap());
        let of_build = [format!("-DartifactId={name}"), format!("-Dversion={version}"), format!("-Durl={url}")];
        let mut command = place.command("mvn");
        command.args([
            "-B",
            "-s",
            "settings.xml",
            DEPLOY,
            "-Dfile=demo.jar",
            "-DgroupId=com.acme",
            "-DrepositoryId=acme",
        ]);
        finished(command.args(of_build).arg(self::local(local)))
    };
    // The plugin that deploys is at the real repository.
    place.write("project/settings.xml", "<settings/>");
    let plain = deploy(&release, "left", "1.0", "plain", &format!("file://{}", place.path("deployed").display()));
    if !plain.ok() {
        return gets_nothing("mvn", &plain);
    }
    let (_served, url, token) = hosting(&place);
    let mirror = format!("<mirrors><mirror><id>stockade</id><mirrorOf>*</mirrorOf><url>{url}</url></mirror></mirrors>");
    let server = |token: &str| {
        let server = format!("<server><id>acme</id><username>alice</username><password>{token}</password></server>");
        place.write("project/settings.xml", format!("<settings><servers>{server}</servers>{mirror}</settings>"));
    };
    server("stockade_none");
    let nobody = deploy(&release, "left", "1.0", "publisher", &url);
    assert!(!nobody.ok() && nobody.stdout.contains("is not known here"), "{nobody}");
    server(&token);
    for (build, name, version) in
        [(&release, "left", "1.0"), (&snapshot, "right", "1.0-SNAPSHOT"), (&newer, "right", "1.0-SNAPSHOT")]
    {
        let output = deploy(build, name, version, "publisher", &url);
        assert!(output.ok(), "{name} {version}: {output}");
    }
    let again = deploy(&release.clone().file("other.txt", "other"), "left", "1.0", "publisher", &url);
    assert!(!again.ok() && again.stdout.contains("was published by `alice`"), "{again}");

    // Extensions of a build are jars, which Maven gets without a plugin.
    place.write("project/settings.xml", format!("<settings>{mirror}</settings>"));
    let extension = |name: &str, version: &str| {
        format!(
            "<extension><groupId>com.acme</groupId><artifactId>{name}</artifactId><version>{version}</version></extension>"
        )
    };
    let repository = format!(
        "<pluginRepositories><pluginRepository><id>acme</id><url>{url}</url><snapshots><enabled>true</enabled></snapshots>\
         </pluginRepository></pluginRepositories>"
    );
    let pom = format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>com.acme</groupId><artifactId>user</artifactId><version>1</version>\
         <packaging>pom</packaging>{repository}<build><extensions>{}{}</extensions></build></project>",
        extension("left", "1.0"),
        extension("right", "1.0-SNAPSHOT")
    );
    place.write("project/pom.xml", pom);
    let used = finished(place.command("mvn").args(["-B", "-N", "-s", "settings.xml", "validate"]).arg(local("user")));
    assert!(used.ok(), "{used}");
    let kept = |path: &str| fs::read(place.path("project/user/com/acme").join(path)).unwrap();
    assert_eq!(kept("left/1.0/left-1.0.jar"), release.bytes(".jar").unwrap());
    assert_eq!(
        kept("right/1.0-SNAPSHOT/right-1.0-SNAPSHOT.jar"),
        newer.bytes(".jar").unwrap(),
        "it is the newest build"
    );
}

/// Not every mirror says how old Maven's files are, and without that a package is as young as its newest release.
const OF_ANY_AGE: &str = "[policy.cooldown]\nmaven = \"0\"\n";

/// What deploys, in a version that is old everywhere.
const DEPLOY: &str = "org.apache.maven.plugins:maven-deploy-plugin:2.8.2:deploy-file";

/// A gateway that hosts `com.acme` and has everything else from where this machine has it: its address, and a token.
fn hosting(place: &Place) -> (Guard, String, String) {
    let claims = "[upstream.maven]\nclaims = { \"com.acme/*\" = \"hosted\" }\n";
    place.write("stockade.toml", format!("listen = \"127.0.0.1:0\"\n{claims}{OF_ANY_AGE}"));
    let stockade = |arguments: &[&str]| {
        let mut command = place.command(env!("CARGO_BIN_EXE_stockade"));
        command.args(["--ecosystem", "maven", "--config"]).arg(place.path("stockade.toml"));
        command.arg("--data").arg(place.path("data")).args(arguments);
        command
    };
    let create = ["token", "create", "alice", "--expires", "30d", "--may", "publish:pkg:maven/com.acme/*"];
    let made = finished(&mut stockade(&create));
    assert!(made.ok(), "{made}");
    let log = place.path("serve.log");
    let mut command = stockade(&["serve"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
    let served = Guard::spawn(&mut command).unwrap();
    let noted = place.path("data/gateway.json");
    assert!(wait_until(|| noted.exists()), "{}", fs::read_to_string(&log).unwrap());
    let noted: serde_json::Value = serde_json::from_slice(&fs::read(&noted).unwrap()).unwrap();
    let url = noted["url"].as_str().unwrap().trim_end_matches('/');
    (served, format!("{url}/maven/"), made.stdout.trim().to_owned())
}

/// Where Maven keeps what it has, below the project: its home is the system's and not the environment's.
fn local(folder: &str) -> String {
    format!("-Dmaven.repo.local={folder}")
}
