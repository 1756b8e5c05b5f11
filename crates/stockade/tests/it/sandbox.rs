//! `stockade run`: what a command can do in its sandbox, and what is told of what it tried.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use stockade_model::Digest;
use stockade_testkit::kernel::{at, opened, without_call};
use stockade_testkit::{NOW, Other, Output, Package, Release, hours_before};

use crate::serve::serve;
use crate::world::{World, sarif};

/// A hook that tries what malicious ones have tried, and writes down what came of it. It is inert: what it reads are the
/// test's own files, and whom it calls does not exist or is the test.
const HOOK: &str = r#"
const fs = require("fs"), os = require("os"), net = require("net"), dns = require("dns");
const home = process.argv[2], port = Number(process.argv[3]), project = process.argv[4];
const said = {};
const attempt = (name, what) => { try { said[name] = what() ?? true; } catch (error) { said[name] = error.code; } };
attempt("token", () => fs.readFileSync(home + "/.npmrc", "utf8").includes("_authToken") || "ENOENT");
attempt("key", () => fs.readFileSync(home + "/.ssh/id_rsa", "utf8"));
attempt("env file", () => fs.readFileSync(project + "/.env", "utf8") || "empty");
attempt("variable", () => process.env.SECRET_TOKEN ?? "unset");
attempt("git hook", () => fs.writeFileSync(project + "/.git/hooks/pre-commit", "x"));
attempt("workflow", () => { fs.mkdirSync(project + "/.github/workflows", { recursive: true }); });
attempt("manifest", () => fs.writeFileSync(project + "/package.json", "{}"));
attempt("source", () => fs.writeFileSync(project + "/index.js", "x"));
attempt("other package", () => fs.writeFileSync(project + "/node_modules/other-demo/index.js", "x"));
attempt("own folder", () => fs.writeFileSync(__dirname + "/built.txt", "x"));
attempt("own home", () => fs.writeFileSync(os.homedir() + "/.cache", "x"));
attempt("temporary", () => fs.writeFileSync(os.tmpdir() + "/x", "x"));
attempt("git", () => require("child_process").execFileSync("git", ["--version"]).length > 0);
const connect = (name, host, port) => new Promise((done) => {
  const socket = net.connect({ host, port });
  const end = (what) => { said[name] = what; socket.destroy(); done(); };
  socket.on("connect", () => end(true)).on("error", (error) => end(error.code));
});
Promise.all([
  connect("host service", "127.0.0.1", port), connect("address", "192.0.2.1", 443), connect("port", "192.0.2.1", 4444),
  new Promise((done) => dns.lookup("evil.invalid", (error) => { said.name = error?.code ?? true; done(); })),
]).then(() => fs.writeFileSync(__dirname + "/said.json", JSON.stringify(said)));
"#;

/// A project with a dependency whose hook tries things, and secrets around it.
fn world() -> Option<(World, TcpListener)> {
    let world = World::or_skip()?;
    let service = with_evil_demo(&world);
    Some((world, service))
}

/// Gives a project that dependency. Clients that ask whether its hook may run are told so.
fn with_evil_demo(world: &World) -> TcpListener {
    let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let home = world.project.home();
    let (port, project) = (service.local_addr().unwrap().port(), world.project.path());
    let hook = format!("node hook.js {} {port} {}", home.display(), project.display());
    let old = hours_before(NOW, 1000);
    let evil = Package::new("evil-demo").release("1.0.0").published(old);
    world.registry.publish(&evil.script("postinstall", &hook).file("hook.js", HOOK));
    world.registry.publish(&Package::new("other-demo").release("1.0.0").published(old));
    let manifest = json!({"name": "mine", "version": "0.0.1", "trustedDependencies": ["evil-demo"],
                          "dependenciesMeta": {"evil-demo": {"built": true}},
                          "dependencies": {"evil-demo": "1.0.0", "other-demo": "1.0.0"}});
    world.project.write("package.json", manifest.to_string());
    world.project.write(".env", "SECRET=1");
    world.project.write(".git/hooks/README", "");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::write(home.join(".ssh/id_rsa"), "key").unwrap();
    let npmrc = fs::read_to_string(home.join(".npmrc")).unwrap_or_default();
    fs::write(home.join(".npmrc"), npmrc + "\n//registry.example/:_authToken=secret\n").unwrap();
    // What is tested is what holds if everything before it has let the release in.
    world.settings("[policy]\nmode = \"audit\"\n");
    service
}

fn run(world: &World, arguments: &[&str]) -> Output {
    let mut command = world.command();
    world.project.finish(command.env("SECRET_TOKEN", "t").args(arguments))
}

fn said(world: &World) -> Value {
    let said = world.project.read("node_modules/evil-demo/said.json");
    serde_json::from_str(&said.expect("the hook has run")).unwrap()
}

#[test]
fn a_hook_reaches_no_secret_no_host_and_no_file_but_its_own() {
    let Some((world, _service)) = world() else { return };
    let output = run(&world, &["run", "--unsandboxed", "--", "npm", "install", "--no-audit"]);
    assert!(output.ok(), "{output}");
    let bare = said(&world);
    for attempt in ["token", "git hook", "workflow", "manifest", "source", "other package", "host service", "git"] {
        assert_eq!(bare[attempt], true, "bare, `{attempt}` has to succeed, or it proves nothing: {bare}");
    }
    assert_eq!((&bare["key"], &bare["variable"], &bare["env file"]), (&json!("key"), &json!("t"), &json!("SECRET=1")));

    let Some((world, _service)) = self::world() else { return };
    let manifest = world.project.read("package.json");
    let output = run(&world, &["run", "--", "npm", "install", "--no-audit"]);
    assert_eq!(world.project.read("package.json"), manifest);
    assert!(world.project.has("package-lock.json"));
    let programs = json!("EACCES");
    assert_kept_away(&world, &output, &programs);
}

/// What the hook said that it reached, and what was told of it. `git` is what comes of running that.
fn assert_kept_away(world: &World, output: &Output, git: &Value) {
    assert!(output.ok(), "{output}");
    let expected = json!({
        "token": "ENOENT", "key": "ENOENT", "env file": "empty", "variable": "unset", "git hook": "EROFS",
        "workflow": "EACCES", "manifest": "EACCES", "source": "EACCES", "other package": "EACCES", "own folder": true,
        "own home": true, "temporary": true, "git": git, "host service": "EACCES", "address": "EACCES",
        "port": "EACCES", "name": "ENOTFOUND",
    });
    assert_eq!(said(world), expected, "{output}");
    assert!(world.project.has("node_modules/evil-demo/built.txt"));
    assert!(!world.project.has(".github") && !world.project.has("index.js"));
    if *git == json!("EACCES") {
        let line = "stockade: blocked: evil-demo 1.0.0 (postinstall) tried to run /usr/bin/git";
        assert!(output.stderr.contains(line), "`{line}` is missing: {output}");
    }
    for line in [
        "stockade: blocked: evil-demo 1.0.0 (postinstall) tried to connect to 192.0.2.1:443",
        "stockade: blocked: evil-demo 1.0.0 (postinstall) tried to connect to 192.0.2.1:4444",
        "stockade: blocked: evil-demo 1.0.0 (postinstall) tried to look up `evil.invalid`",
    ] {
        assert!(output.stderr.contains(line), "`{line}` is missing: {output}");
    }
}

#[test]
fn a_hook_reaches_nothing_either_where_its_client_has_no_setting_for_a_shell() {
    for other in Other::all() {
        let Some(world) = crate::clients::world(&other) else { return };
        let _service = with_evil_demo(&world);
        if other.name() == "pnpm" {
            let builds = "onlyBuiltDependencies: [evil-demo]\nallowBuilds:\n  evil-demo: true\n";
            world.project.write("pnpm-workspace.yaml", builds);
        }
        let output = run(&world, &["run", "--", other.name(), "install"]);
        println!("{} {}: {output}", other.name(), other.major());
        assert_kept_away(&world, &output, &json!(true));
    }
}

/// A command that is run where nobody gets namespaces: in one whose limit of further ones is zero.
const NO_NAMESPACES: [&str; 6] =
    ["unshare", "--map-root-user", "sh", "-c", "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"", "sh"];

#[test]
fn without_namespaces_a_hook_reaches_nothing_either() {
    let Some((world, _service)) = world() else { return };
    // Nothing new can be made at the top of a project there.
    world.project.write("package-lock.json", json!({"lockfileVersion": 3, "packages": {}}).to_string());
    let manifest = world.project.read("package.json");
    let mut command = world.project.command(NO_NAMESPACES[0]);
    command.args(&NO_NAMESPACES[1..]).arg(env!("CARGO_BIN_EXE_stockade")).args(["--now", &NOW.to_string()]);
    command.env("SECRET_TOKEN", "t").args(["run", "--", "npm", "install", "--no-audit"]);
    let output = world.project.finish(&mut command);
    if output.stderr.contains("unshare failed") {
        println!("skipped: this system lets nobody take namespaces away: {output}");
        return;
    }
    assert!(output.ok(), "{output}");
    assert!(output.stderr.contains("stockade: without namespaces: "), "{output}");
    let said = said(&world);
    for (attempt, expected) in [
        ("token", json!("EACCES")),
        ("key", json!("EACCES")),
        ("env file", json!("EACCES")),
        ("variable", json!("unset")),
        ("git hook", json!("EACCES")),
        ("workflow", json!("EACCES")),
        ("manifest", json!("EACCES")),
        ("other package", json!("EACCES")),
        ("own folder", json!(true)),
        ("own home", json!(true)),
        ("temporary", json!(true)),
        ("git", json!("EACCES")),
        ("host service", json!("EACCES")),
        ("address", json!("EACCES")),
    ] {
        assert_eq!(said[attempt], expected, "{attempt}: {output}");
    }
    assert_eq!(world.project.read("package.json"), manifest);
    assert!(output.stderr.contains("(postinstall) tried to connect to 192.0.2.1:4444"), "{output}");
}

/// The folder of the control group that we are in, if we may make others in there and have programs in the kernel.
fn own_group() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mount = mounts.lines().find(|line| line.contains(" / ") && line.contains(" - cgroup2 "))?;
    let folder = Path::new(mount.split(' ').nth(4)?).join(group);
    let tried = folder.join(format!("tried-{}", std::process::id()));
    fs::create_dir(&tried).and_then(|()| fs::remove_dir(&tried)).ok()?;
    // A map that is an array with one entry, whose key and value are a word.
    let mut map = [0_u32; 18];
    map[..4].copy_from_slice(&[2, 4, 4, 1]);
    opened(libc::SYS_bpf, [0, at(&map), i64::try_from(size_of_val(&map)).unwrap()]).ok().map(|_| folder)
}

#[test]
fn root_without_namespaces_has_a_control_group_as_well() {
    let Some(world) = World::or_skip() else { return };
    let Some(groups) = own_group() else {
        println!("skipped: no control group of ours, and no programs in the kernel, on this system");
        return;
    };
    let port = world.registry.url().trim_end_matches('/').rsplit(':').next().unwrap().to_owned();
    let script = format!(
        "const get = (port) => fetch(`http://127.0.0.1:${{port}}/`).then((answer) => answer.status > 0, () => false);
         const server = require('http').createServer((asked, answer) => answer.end('own')).listen(0, async () => {{
           console.log(await get(server.address().port), await get({port}), await get(5));
           process.stdin.on('end', () => process.exit()).resume();
         }});"
    );
    let mut command = world.command();
    without_call(&mut command, libc::SYS_unshare);
    let allowed = format!("127.0.0.1:{port}");
    command.args(["run", "--allow-host", &allowed, "--", "node", "-e", &script]);
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut said = [0; "true true false\n".len()];
    let heard = child.stdout.as_mut().unwrap().read_exact(&mut said);

    let name = format!("stockade-{}-", child.id());
    let ours = || {
        let all = fs::read_dir(&groups).unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&name)).collect::<Vec<_>>()
    };
    let group = ours().pop();
    let past = group.as_ref().map(|group| {
        // Neither Landlock nor a filter holds this one.
        let tries = format!("echo 0 > {}/cgroup.procs && exec node -e \"$1\"", group.display());
        let connect = format!("require('net').connect({port}, '127.0.0.1').on('error', (e) => console.log(e.code))");
        Command::new("sh").args(["-c", &tries, "sh", &connect]).output().unwrap()
    });
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    heard.unwrap_or_else(|why| panic!("{why}: {stderr}"));
    assert_eq!(String::from_utf8_lossy(&said), "true true false\n", "its own, an allowed one, another: {stderr}");
    assert!(output.status.success() && group.is_some(), "{stderr}");
    let past = past.unwrap();
    assert_eq!(String::from_utf8_lossy(&past.stdout), "EPERM\n", "{}", String::from_utf8_lossy(&past.stderr));
    assert!(stderr.contains("; a control group keeps its connections as well\n"), "{stderr}");
    let told: Vec<&str> = stderr.lines().filter(|line| line.starts_with("stockade: blocked: ")).collect();
    let [usual, past] = told.as_slice() else { panic!("each is told once: {stderr}") };
    assert!(usual.ends_with("tried to connect to `127.0.0.1`:5") && !usual.contains("past the filter"), "{stderr}");
    let end = format!("tried to connect to 127.0.0.1:{port}, past the filter of system calls");
    assert!(past.ends_with(&end), "{stderr}");
    assert!(ours().is_empty(), "nothing is left of the group");
}

#[test]
fn where_the_kernel_cannot_do_all_nothing_runs_unless_one_says_so() {
    let Some(world) = World::or_skip() else { return };
    let run = |start: &[&str], arguments: &[&str]| {
        let mut command = world.command();
        if let [first, rest @ ..] = start {
            let inner = command.get_program().to_owned();
            let options: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
            command = world.project.command(first);
            command.args(rest).arg(inner).args(options);
        }
        without_call(&mut command, libc::SYS_landlock_create_ruleset);
        world.project.finish(command.args(arguments))
    };
    for (start, gap) in
        [(&[][..], "this kernel has no Landlock"), (&NO_NAMESPACES, "Landlock alone would have to keep")]
    {
        let refused = run(start, &["run", "--", "touch", "ran"]);
        assert_eq!(refused.status, Some(2), "{refused}");
        assert!(refused.stderr.contains(gap) && refused.stderr.contains("`--best-effort` runs it with"), "{refused}");
        assert!(!world.project.has("ran"));
        let ran = run(start, &["run", "--best-effort", "--", "sh", "-c", "touch package.json; echo yes"]);
        assert_eq!(ran.stdout, "yes\n", "{ran}");
        assert!(ran.stderr.contains(&format!("stockade: not enforced: {gap}")), "{ran}");
    }
}

#[test]
fn a_script_of_the_project_writes_the_project_but_not_what_others_run() {
    let Some(world) = World::or_skip() else { return };
    let script =
        "mkdir -p dist .vscode && echo 1 > dist/out && echo 1 > .vscode/tasks.json && echo 1 > .envrc && rm old";
    let manifest = json!({"name": "mine", "version": "0.0.1", "scripts": {"prepare": script}});
    world.project.write("package.json", manifest.to_string());
    world.project.write("old", "");
    let output = run(&world, &["run", "--", "npm", "install", "--no-audit"]);
    assert!(output.ok(), "{output}");
    assert!(world.project.has("dist/out") && !world.project.has("old"), "{output}");
    assert!(!world.project.has(".vscode") && !world.project.has(".envrc"), "{output}");
    assert!(output.stderr.contains("stockade: 3 changes of the project not kept, because it is protected"), "{output}");
    assert!(output.stderr.contains("  added .vscode/tasks.json"), "{output}");
    let runs = world.data().join("runs");
    assert_eq!(fs::read_dir(runs).unwrap().count(), 0, "nothing is left of the layer");
}

#[test]
fn a_folder_that_was_made_anew_has_nothing_of_the_one_before() {
    let Some(world) = World::or_skip() else { return };
    let script = "rm -rf dist && mkdir -p dist/part && echo new > dist/part/new && echo new > dist/both && rm -r gone && \
                  rm file && mkdir file && echo new > file/new && mv kept moved";
    world
        .project
        .write("package.json", json!({"name": "mine", "version": "0.0.1", "scripts": {"prepare": script}}).to_string());
    for file in ["dist/old", "dist/both", "dist/part/old", "dist/part/deep/old", "gone/old", "file", "kept/old"] {
        world.project.write(file, "old");
    }
    let output = run(&world, &["run", "--", "npm", "install", "--no-audit"]);
    assert!(output.ok(), "{output}");
    for (file, content) in [
        ("dist/part/new", Some("new\n")),
        ("dist/both", Some("new\n")),
        ("file/new", Some("new\n")),
        ("moved/old", Some("old")),
        ("dist/old", None),
        ("dist/part/old", None),
        ("dist/part/deep/old", None),
        ("gone/old", None),
        ("kept/old", None),
    ] {
        assert_eq!(world.project.read(file).as_deref(), content, "{file}: {output}");
    }
    assert!(
        !world.project.has("dist/part/deep") && !world.project.has("kept") && !world.project.has("gone"),
        "{output}"
    );
}

#[test]
fn changes_are_reviewed_and_nobody_there_keeps_none() {
    let Some(world) = World::or_skip() else { return };
    world.project.write("old.txt", "one\ntwo\n");
    let script = "echo new > new.txt; rm package.json; printf 'one\\n\\033[2Jthree\\n' > old.txt; exit 3";
    let output = run(&world, &["run", "--review", "--", "sh", "-c", script]);
    assert_eq!(output.status, Some(3), "{output}");
    assert!(output.stderr.contains("  added new.txt") && output.stderr.contains("  removed package.json"), "{output}");
    // What it wrote speaks to no terminal.
    for line in ["\nold.txt\n", "\n one\n-two\n+ [2Jthree\n", "\nnew.txt\n", "\n+new\n"] {
        assert!(output.stderr.contains(line), "`{line}` is missing: {output}");
    }
    assert!(world.project.has("package.json") && !world.project.has("new.txt"));
}

#[test]
fn what_a_run_that_was_killed_leaves_is_removed_by_a_later_one() {
    let Some(world) = World::or_skip() else { return };
    let mut command = world.command();
    command.args(["run", "--review", "--", "sh", "-c", "echo x > made; echo up; sleep 60"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 2]).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let runs = world.data().join("runs");
    let left = || fs::read_dir(&runs).unwrap().flatten().map(|entry| entry.path()).collect::<Vec<_>>();
    let [killed] = left().try_into().unwrap();
    assert!(killed.join("changes/made").exists() && !world.project.has("made"));
    // While it is young, it may be somebody's who has not locked it yet.
    assert!(run(&world, &["run", "--review", "--", "true"]).ok());
    assert_eq!(left(), std::slice::from_ref(&killed));
    let hour = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
    fs::File::open(&killed).unwrap().set_modified(hour).unwrap();
    assert!(run(&world, &["run", "--review", "--", "true"]).ok());
    assert!(left().is_empty(), "{:?}", left());
    assert!(!world.project.has("made"));
}

#[test]
fn a_program_connects_to_the_hosts_that_it_was_allowed() {
    let Some(world) = World::or_skip() else { return };
    let port = world.registry.url().trim_end_matches('/').rsplit(':').next().unwrap().to_owned();
    let script = format!(
        "fetch('http://192.0.2.9:{port}/left-demo').then(r => console.log(r.status), e => console.log(e.cause.code))"
    );
    let output = run(&world, &["run", "--", "node", "-e", &script]);
    assert_eq!(output.stdout.trim(), "ECONNREFUSED", "{output}");
    assert!(output.stderr.contains(&format!("to allow it: --allow-host 192.0.2.9:{port}")), "{output}");
    let output = run(
        &world,
        &["--format", "sarif", "run", "--events", "events", "--", "node", "-e", &format!("{script};").repeat(3)],
    );
    let sarif = sarif(&output.stdout);
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&json!("sandbox-host"), &json!("warning")), "{sarif:#}");
    assert_eq!(result["occurrenceCount"], 3);
    let forging = "echo forged >> events; rm -f events; mv events away; true";
    let forged = run(&world, &["run", "--events", "events", "--", "sh", "-c", forging]);
    assert!(forged.ok(), "{forged}");
    let events = world.project.read("events").unwrap();
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.iter().map(|event| &event["times"]).collect::<Vec<_>>(), [1, 2], "{events:#?}");
    assert_eq!(events[0]["tried"], format!("connect to 192.0.2.9:{port}"));
    assert!(events[0]["at"].is_string() && events[0]["enforced"] == true, "{events:#?}");
}

#[test]
fn this_machine_reaches_what_is_published() {
    let Some(world) = World::or_skip() else { return };
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let serve = format!(
        "require('http').createServer((q, r) => r.end('hello ' + q.url)).listen({port}, () => console.log('up'))"
    );
    let mut command = world.command();
    command.args(["run", "--publish", &port.to_string(), "--", "node", "-e", &serve]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.write_all(b"GET /you HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM).unwrap();
    child.wait().unwrap();
    assert!(answer.ends_with("hello /you"), "{answer}");
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err(), "it ends with the command");
}

#[test]
fn nothing_runs_if_a_port_cannot_be_published() {
    let Some(world) = World::or_skip() else { return };
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&world, &["run", "--publish", &port, "--", "touch", "ran"]);
    assert_eq!(output.status, Some(2), "{output}");
    assert!(output.stderr.contains(&format!("port {port} of this machine cannot be listened on")), "{output}");
    assert!(!world.project.has("ran"));
}

#[test]
fn what_is_allowed_by_arguments_is_there() {
    let Some(world) = World::or_skip() else { return };
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("read-me"), "readable").unwrap();
    let place = other.path().to_str().unwrap();
    let script = format!("cat {place}/read-me; echo $SECRET_TOKEN; touch {place}/x 2>/dev/null || echo no");
    let bare = run(&world, &["-q", "run", "--", "sh", "-c", &script]);
    assert_eq!(bare.stdout.trim(), "no", "{bare}");
    let read =
        run(&world, &["-q", "run", "--allow-read", place, "--allow-env", "SECRET_TOKEN", "--", "sh", "-c", &script]);
    assert_eq!(read.stdout.split_whitespace().collect::<Vec<_>>(), ["readablet", "no"], "{read}");
    let write = run(&world, &["-q", "run", "--allow-write", place, "--", "sh", "-c", &script]);
    assert_eq!(write.stdout.trim(), "readable", "{write}");
    assert!(other.path().join("x").exists());
}

#[test]
fn an_audit_keeps_nothing_away_and_tells_what_would_be() {
    let Some((world, _service)) = world() else { return };
    let output = run(&world, &["--format", "json", "run", "--audit", "--", "npm", "install", "--no-audit"]);
    assert!(output.ok(), "{output}");
    let said = said(&world);
    for attempt in ["token", "git hook", "workflow", "manifest", "source", "other package", "host service", "git"] {
        assert_eq!(said[attempt], true, "`{attempt}`: {said}");
    }
    assert_eq!((&said["key"], &said["variable"]), (&json!("key"), &json!("t")));
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let sandbox = &report["sandbox"];
    assert_eq!(sandbox["tier"], "observe");
    assert!(sandbox["variables"].as_array().unwrap().contains(&json!("SECRET_TOKEN")), "{sandbox}");
    let home = world.project.home().canonicalize().unwrap();
    let project = world.project.path().canonicalize().unwrap();
    let (home, project) = (home.display(), project.display());
    let expected = [
        (format!("read {home}/.ssh/id_rsa"), Some(format!("--allow-read {home}/.ssh/id_rsa"))),
        (format!("read {project}/.env"), None),
        (format!("write {project}/.git/hooks/pre-commit"), None),
        (format!("write {project}/.github/workflows"), None),
        ("run /usr/bin/git".to_owned(), Some("a profile whose `programs` has it".to_owned())),
        ("connect to `192.0.2.1`:443".to_owned(), Some("--allow-host 192.0.2.1".to_owned())),
    ];
    let blocked = sandbox["blocked"].as_array().unwrap();
    for (tried, allow) in expected {
        let found = blocked.iter().find(|blocked| blocked["tried"] == tried.as_str());
        let found = found.unwrap_or_else(|| panic!("`{tried}` is missing: {sandbox:#}"));
        assert_eq!(found["allow"], json!(allow), "{found}");
        assert_eq!(found["cause"]["package"], "evil-demo", "{found}");
    }
}

#[test]
fn a_project_takes_from_the_sandbox_and_adds_nothing() {
    let Some(world) = World::or_skip() else { return };
    let script = "git --version; uname; echo \"<$LANG>\"; cat secrets/key; echo x > secrets/new; echo x > made";
    let run = |world: &World| {
        let mut command = world.command();
        world.project.finish(command.env("LANG", "C").args(["run", "--", "sh", "-c", script]))
    };
    world.project.write("secrets/key", "the key\n");
    let before = run(&world);
    assert!(before.stdout.contains("git version") && before.stdout.contains("<C>\nthe key"), "{before}");
    let tighter = "[sandbox.files]\nhide = [\"$PROJECT/secrets\"]\n[sandbox.environment]\ndeny = [\"LAN*\"]\n\
                   [sandbox.programs]\ndeny = [\"git\"]\n[sandbox.network]\ndeny = [\"*\"]\n";
    world.project.write("stockade.toml", tighter);
    let after = run(&world);
    assert!(!after.stdout.contains("git version") && after.stdout.starts_with("Linux\n<>\n"), "{after}");
    assert!(!after.stdout.contains("the key") && world.project.has("made"), "{after}");
    assert!(after.stderr.contains("git: Permission denied"), "{after}");
    world.project.write("stockade.toml", "[sandbox.network]\nhosts = [\"evil.invalid\"]\n");
    let looser = run(&world);
    assert_eq!(looser.status, Some(2), "{looser}");
    assert!(looser.stderr.contains("would allow more, and a project may only take away"), "{looser}");
    // Whose settings they are may allow more.
    world.project.write("stockade.toml", "");
    world.settings("[sandbox.environment]\npass = [\"SEEN\"]\n");
    let mut command = world.command();
    let output = world.project.finish(command.env("SEEN", "yes").args(["run", "--", "sh", "-c", "echo $SEEN"]));
    assert_eq!(output.stdout, "yes\n", "{output}");
}

/// A hook that connects by ways that nothing in it shows. It is inert: the address is nobody's.
const UNDERSTATED: &str = r#"
const parts = require("./parts.json");
const modules = { a: require("path"), b: require("util") };
const load = modules.a.constructor.constructor(parts.code)();
load(parts.module)[parts.call]({ host: parts.host, port: 443 }).on("error", () => {});
require("fs").writeFileSync(__dirname + "/built.txt", "x");
"#;

/// A release with that hook.
fn understated() -> Release {
    let package = Package::new("quiet-demo").release("1.0.0").published(hours_before(NOW, 1000));
    let parts = json!({"code": "return process.mainModule.require.bind(process.mainModule)", "module": "net",
                       "call": "connect", "host": "192.0.2.1"});
    let package = package.script("postinstall", "node hook.js").file("hook.js", UNDERSTATED);
    package.file("parts.json", parts.to_string())
}

fn want_quiet_demo(world: &World) {
    let manifest = json!({"name": "mine", "version": "0.0.1", "dependencies": {"quiet-demo": "1.0.0"}});
    world.project.write("package.json", manifest.to_string());
}

#[test]
fn what_a_sandbox_saw_of_a_release_holds_it_for_everybody() {
    let Some(world) = World::or_skip() else { return };
    world.registry.publish(&understated());
    want_quiet_demo(&world);
    let first = run(&world, &["run", "--", "npm", "install", "--no-audit"]);
    assert!(first.ok(), "{first}");
    assert!(first.stderr.contains("stockade: 1 release held from now on"), "{first}");
    assert!(first.stderr.contains("  pkg:npm/quiet-demo@1.0.0\n"), "{first}");
    let why = run(&world, &["why", "pkg:npm/quiet-demo@1.0.0"]);
    assert!(
        why.stdout.contains("tried to talk to `192.0.2.1:443`, and nothing that was found in it does that"),
        "{why}"
    );
    world.project.clean();
    let second = run(&world, &["run", "--", "npm", "install", "--no-audit"]);
    assert!(!second.ok() && !world.project.has("node_modules/quiet-demo"), "{second}");
    // Whoever has looked has the last word.
    let approve = ["approve", "pkg:npm/quiet-demo@1.0.0", "--reason", "looked", "--expires", "30d", "--yes"];
    let approve = run(&world, &approve);
    assert!(approve.ok(), "{approve}");
    world.project.clean();
    let third = run(&world, &["--format", "json", "run", "--", "npm", "install", "--no-audit"]);
    assert!(third.ok() && !third.stderr.contains("held from now on"), "{third}");
    let report: Value = serde_json::from_str(&third.stdout).unwrap();
    let written = &report["sandbox"]["written"];
    assert_eq!(written.as_array().unwrap().len(), 1, "{written}");
    assert_eq!(written[0]["path"], "node_modules/quiet-demo/built.txt");
    assert_eq!(written[0]["cause"]["hook"], "postinstall");
    assert_eq!(written[0]["digest"], Digest::of(b"x").to_string());
}

#[test]
fn what_a_sandbox_saw_is_told_to_the_gateway_that_the_release_came_from() {
    let Some(company) = World::or_skip() else { return };
    company.registry.publish(&understated());
    let token = |may: &str| {
        let made = run(&company, &["token", "create", "alice", "--may", may, "--expires", "30d"]);
        assert!(made.ok(), "{made}");
        made.stdout.trim().to_owned()
    };
    let (reader, reporter) = (token("read"), token("report"));
    let served = serve(&company, &["--listen", "127.0.0.1:0"]);
    let behind = |token: &str| {
        let mut world = World::or_skip().unwrap();
        let url = format!("{}/npm/", served.url);
        world.project = world.project.registry(&url).token(&url, token);
        want_quiet_demo(&world);
        world
    };
    let install = ["run", "--", "npm", "install", "--no-audit"];
    let said = run(&behind(&reader), &install);
    assert!(said.ok() && said.stderr.contains("1 release held from now on"), "{said}");
    assert!(said.stderr.contains("/: it was not told what was seen: the token that packages are fetched"), "{said}");
    let said = run(&behind(&reporter), &install);
    assert!(said.ok() && said.stderr.contains("/: 1 release held there as well"), "{said}");
    let why = run(&company, &["why", "pkg:npm/quiet-demo@1.0.0"]);
    assert!(
        why.stdout.contains("tried to talk to `192.0.2.1:443`") && why.stdout.contains("sandbox of alice"),
        "{why}"
    );
    // Nobody else gets it there.
    let other = behind(&reader);
    let refused = other.project.run(["install", "--no-audit"]);
    assert!(!refused.ok() && refused.stderr.contains("held by stockade: `quiet-demo` 1.0.0"), "{refused}");
}

/// What a run of this reads, writes, starts and connects to.
const USER: &str = "cat ~/notes/* ~/one.txt ~/.netrc > out.txt; echo x > ~/kept.txt; git --version > /dev/null; \
                    cat ~/kept.txt >> out.txt";

#[test]
fn what_was_learned_from_a_run_is_enough_for_it() {
    let Some(world) = World::or_skip() else { return };
    let home = world.project.home();
    fs::create_dir_all(home.join("notes")).unwrap();
    for name in ["notes/1", "notes/2", "notes/3", "notes/4", "notes/5", "one.txt", ".netrc"] {
        fs::write(home.join(name), format!("{name}\n")).unwrap();
    }
    world.project.write("user.sh", USER);
    let output = run(&world, &["run", "--learn", "learned.toml", "--", "sh", "user.sh"]);
    assert!(output.ok(), "{output}");
    let learned = world.project.read("learned.toml").unwrap();
    for line in ["\"~/notes\"", "\"~/one.txt\"", "\"~/kept.txt\"", "\"git\"", "project = \"write\"", "for = [\"sh\"]"] {
        assert!(learned.contains(line), "`{line}` is missing: {learned}");
    }
    assert!(learned.contains("/.netrc: it looks as if it held credentials"), "{learned}");
    let before = world.project.read("out.txt").unwrap();
    assert!(before.contains(".netrc\n"), "{before}");
    let output = run(&world, &["run", "--profile", "learned.toml", "--", "sh", "user.sh"]);
    assert!(output.ok(), "{output}");
    assert_eq!(world.project.read("out.txt").unwrap(), before.replace(".netrc\n", ""), "{output}");
    assert!(!output.stderr.contains("blocked"), "{output}");
    // It was learned from one command: another program is not in it.
    let output = run(&world, &["run", "--profile", "learned.toml", "--", "sh", "-c", "uname"]);
    assert!(!output.ok(), "{output}");
}
