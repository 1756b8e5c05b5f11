#![expect(clippy::disallowed_methods, reason = "the test makes a world of files")]

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::*;

/// A home with a project in it, and programs.
struct World {
    _folder: tempfile::TempDir,
    root: PathBuf,
    around: Surroundings,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    for path in [
        "home/.ssh/id",
        "home/.tool/v1/bin/client",
        "home/.tool/v1/lib/client.js",
        "home/.local/share/keys/key",
        "home/.cache/client/x",
        "home/project/.git/config",
        "home/project/.env",
        "home/project/.env.local",
        "home/project/manifest",
        "home/project/part/x",
        "store/packages/x",
        "bin/sh",
    ] {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::fs::create_dir(root.join("home/.local/bin")).unwrap();
    symlink(root.join("store"), root.join("home/.store")).unwrap();
    let path = format!("{0}/home/.tool/v1/bin:{0}/home/.local/bin:{0}/bin", root.display());
    let environment = [("PATH", path.as_str()), ("client_cache", "/x"), ("client_token", "t"), ("OTHER", "o")];
    let environment = environment.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let around =
        Surroundings::new(&root.join("home/project/part"), &root.join("home"), environment.into(), &["manifest"]);
    World { _folder: folder, root, around: around.unwrap() }
}

fn profile(text: &str) -> Profile {
    Profile::base().unwrap().and(Profile::parse(text).unwrap())
}

#[test]
fn the_base_is_a_profile() {
    let base = Profile::base().unwrap().and(Profile::other().unwrap());
    assert!(base.programs.groups.contains_key("basics"));
    assert_eq!(base.commands, Vec::<String>::new());
}

#[test]
fn the_longest_command_that_fits_counts() {
    let profile = Profile::parse("for = [\"client install\", \"client\", \"other\"]").unwrap();
    let fits = |words: &[&str]| profile.fits(OsStr::new(words[0]), &words[1..]);
    assert_eq!(fits(&["/usr/bin/client", "--quiet", "install", "x"]), Some(2));
    assert_eq!(fits(&["client", "run"]), Some(1));
    assert_eq!(fits(&["client-x"]), None);
}

#[test]
fn what_is_not_known_is_an_error() {
    assert!(Profile::parse("[files]\nreed = []").is_err());
    let world = world();
    for place in ["relative/path", "~/*/x", "~/../x", "*"] {
        let profile =
            Profile { files: Files { read: vec![place.to_owned()], ..Files::default() }, ..Profile::default() };
        let error = Resolved::new(&profile, OsStr::new("client"), &world.around).unwrap_err();
        assert!(matches!(error, ProfileError::Place(_)), "{place}: {error}");
    }
    let error =
        Resolved::new(&profile("[programs]\nonly = [\"@x\"]"), OsStr::new("client"), &world.around).unwrap_err();
    assert_eq!(error.to_string(), "there is no group `x` of programs");
    let error = Resolved::new(&Profile::default(), OsStr::new("missing"), &world.around).unwrap_err();
    assert_eq!(error.to_string(), "`missing` is not installed");
}

#[test]
fn the_project_is_the_repository_and_never_the_home() {
    let world = world();
    assert_eq!(world.around.project, world.root.join("home/project"));
    assert_eq!(world.around.folder, world.root.join("home/project/part"));
    let home = world.root.join("home");
    for folder in [home.as_path(), Path::new("/")] {
        assert!(matches!(Surroundings::new(folder, &home, Vec::new(), &[]), Err(ProfileError::Project(_))));
    }
}

#[test]
fn places_become_paths() {
    let world = world();
    let text = r#"
        [files]
        write = ["~/.cache/client", "~/.made/", "~/.missing", "$PROJECT/packages/", "~/.store/packages"]
        run = ["$PROJECT/packages/"]
        hide = ["$PROJECT/.env*"]
        project = "layer"
        [programs]
        only = ["sh", "@none"]
        groups = { none = [] }
        [environment]
        pass = ["client_*"]
        set.client_prefix = { is = "%client", with = "lib/client.js" }
        set.client_missing = { is = "~/nowhere" }
    "#;
    let resolved = Resolved::new(&profile(text), OsStr::new("client"), &world.around).unwrap();
    let at = |path: &str| world.root.join(path);
    assert_eq!(resolved.program, at("home/.tool/v1/bin/client"));
    assert_eq!(resolved.data, [at("home/.cache/client"), at("home/.made"), at("store/packages")]);
    assert_eq!(resolved.write, [at("home/project/packages")]);
    assert_eq!(resolved.made, [at("home/.made"), at("home/project/packages")]);
    assert_eq!(resolved.links, [(at("home/.store/packages"), at("store/packages"))]);
    assert_eq!(resolved.hide.iter().filter(|path| path.starts_with(&world.root)).count(), 2);
    assert!(resolved.keep.contains(&at("home/project/.git")));
    assert!(resolved.read.contains(&at("home/.tool/v1")) && resolved.read.contains(&at("home/.local/bin")));
    assert!(!resolved.read.iter().any(|path| at("home/.local/share/keys").starts_with(path)), "{:?}", resolved.read);
    let programs = resolved.programs.clone().unwrap();
    assert!(programs.contains(&at("bin/sh")) && programs.contains(&at("home/.tool/v1/bin/client")));
    let names: Vec<_> = resolved.environment.iter().map(|(name, _)| name.to_str().unwrap()).collect();
    assert_eq!(names, ["PATH", "client_cache", "client_prefix"]);
    assert!(resolved.is_protected(Path::new(".git/hooks/pre-commit")));
    assert!(resolved.is_protected(Path::new(".cursorrules")));
    assert!(!resolved.is_protected(Path::new("src/.git")));
}

#[test]
fn secrets_do_not_pass_unless_they_are_written_out() {
    let variables = [
        ("HOME", "/h"),
        ("LC_ALL", "C"),
        ("npm_config_cache", "/c"),
        ("npm_config_//registry.example/:_authToken", "t"),
        ("npm_config_proxy", "http://user:pw@proxy.example/"),
        ("npm_config_registry", "http://user@registry.example/a:b"),
        ("LC_TIME", "denied"),
        ("GITHUB_TOKEN", "t"),
        ("AWS_SECRET_ACCESS_KEY", "k"),
        ("OTHER", "o"),
    ];
    let variables = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let pass = ["HOME", "LC_*", "npm_config_*", "GITHUB_*"].map(str::to_owned);
    let names = |pass: &[String]| -> Vec<String> {
        let profile = Environment { pass: pass.to_owned(), deny: vec!["LC_T*".to_owned()], ..Environment::default() };
        let passed = environment::scrubbed(&variables, &profile).into_iter();
        passed.map(|(name, _)| name.into_string().unwrap()).collect()
    };
    assert_eq!(names(&pass), ["HOME", "LC_ALL", "npm_config_cache", "npm_config_registry"]);
    assert_eq!(names(&["GITHUB_TOKEN".to_owned()]), ["GITHUB_TOKEN"]);
}

#[test]
fn a_program_can_be_asked_for_by_its_digest() {
    let World { root, around, .. } = &world();
    let tool = root.join("tool");
    std::fs::write(&tool, "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    let allowed = |digest: &str| {
        let only = vec![format!("{} sha256:{digest}", tool.display())];
        programs::allowed(&Programs { only, ..Programs::default() }, around)
    };
    // `printf '#!/bin/sh\n' | sha256sum`
    let digest = "a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf";
    assert!(allowed(digest).unwrap().unwrap().contains(&tool.canonicalize().unwrap()));
    let error = allowed(&digest.replace('a', "b")).unwrap_err().to_string();
    assert!(error.contains(&format!("has the digest sha256:{digest}")), "{error}");
}

#[test]
fn a_project_can_only_take_away() {
    for less in ["[files]\nprotect = [\"$PROJECT/ci\"]\nhide = [\"$PROJECT/.env\"]", "[network]\ndeny = [\"*\"]", ""] {
        assert!(Profile::parse(less).unwrap().only_takes_away(), "{less}");
    }
    for more in [
        "[files]\nread = [\"~\"]",
        "[files]\nproject = \"write\"",
        "[network]\nhosts = [\"evil.invalid\"]",
        "[environment]\npass = [\"*\"]",
        "[programs]\nonly = [\"sh\"]",
        "[hooks]\npackage = \"P\"\nversion = \"V\"\nnetwork = true",
        "name = \"mine\"",
    ] {
        assert!(!Profile::parse(more).unwrap().only_takes_away(), "{more}");
    }
}

#[test]
fn what_is_put_together_allows_both() {
    let one = Profile::parse("name = \"one\"\n[files]\nread = [\"/a\"]\nproject = \"read\"").unwrap();
    let both = one.and(Profile::parse("[files]\nread = [\"/b\"]\nproject = \"write\"").unwrap());
    assert_eq!((both.name.as_str(), both.files.read.len(), both.files.project), ("one", 2, Some(Project::Write)));
}
