//! How fast a tree is searched for what somebody published, beside what people use who have no tool for it: `grep` for words
//! and `sha256sum` for digests, one after the other, each with as many processes as there are processors.
//!
//! The tree is made each time: as many files as the projects of a developer have, with sizes as in them. Everything that is
//! measured reads it from the system's cache, so that what is compared is the work and not the disk.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};

use super::{median, stockade};

/// How many files there are.
const FILES: usize = 250_000;
/// How many of them lie in one package, and how many packages in one project.
const OF_PACKAGE: usize = 25;
const OF_PROJECT: usize = 500;
/// Sizes of files: of a hundred, so many have no more than so many bytes. As in a `node_modules` of 40,000 files.
const SIZES: [(u64, usize); 6] = [(20, 300), (50, 1500), (75, 5000), (93, 20_000), (99, 80_000), (100, 400_000)];
const ROUNDS: usize = 3;

/// Measures; `program` stands in place of one that is built for it.
pub(super) fn run(program: Option<&Path>) -> anyhow::Result<()> {
    let program = program.map_or_else(stockade, |program| Ok(PathBuf::from(program)))?;
    let folder = tempfile::Builder::new().prefix("bench-sweep").tempdir_in("/var/tmp")?;
    let tree = folder.path().join("tree");
    let bytes = make(&tree)?;
    println!("{FILES} files, {} MB", bytes / 1_000_000);
    let lists = Lists::write(folder.path())?;
    let ours = |list: &str| {
        let mut command = Command::new(&program);
        command.args(["--quiet", "--data"]).arg(folder.path().join("data")).args(["scan", "--iocs", list]).arg(&tree);
        command
    };
    let grep = || shell(&format!("grep -rF -f {} {}", lists.words, tree.display()));
    let sums = || {
        let found = format!(
            "find {} -type f -print0 | xargs -0 -P 2 -n 500 sha256sum | grep -F -f {}",
            tree.display(),
            lists.digests
        );
        shell(&found)
    };
    let ways: [(&str, &dyn Fn() -> Command); 5] = [
        ("stockade, words", &|| ours(&lists.our_words)),
        ("stockade, words and digests", &|| ours(&lists.our_both)),
        ("stockade, words, digests and releases", &|| ours(&lists.our_all)),
        ("grep -rF -f", &grep),
        ("sha256sum, 2 at once, and grep", &sums),
    ];
    let mut times = vec![Vec::new(); ways.len()];
    for _ in 0..ROUNDS {
        for ((name, way), times) in ways.iter().zip(&mut times) {
            times.push(timed(name, way())?);
        }
    }
    for ((name, _), times) in ways.iter().zip(times) {
        println!("{name:40} {:6.1} s", median(times));
    }
    Ok(())
}

fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    command
}

/// The seconds of a command that finds nothing. Nothing is 0 to us, and 1 to `grep` and `xargs`.
fn timed(name: &str, mut command: Command) -> anyhow::Result<f64> {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{name} could not be started"))?;
    let seconds = start.elapsed().as_secs_f64();
    let (words, talk) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let found_nothing = words.is_empty() || words.ends_with("no finding\n");
    ensure!(found_nothing && output.status.code().is_some_and(|code| code < 2), "{name}: {words}{talk}");
    Ok(seconds)
}

/// Writes the tree, and says how many bytes it has.
fn make(tree: &Path) -> anyhow::Result<usize> {
    let mut chance = Chance(1);
    let text = chance.text(SIZES[SIZES.len() - 1].1 * 2);
    let mut total = 0;
    for number in 0..FILES {
        let package = number / OF_PACKAGE;
        let folder = tree.join(format!("project-{}/node_modules/package-{package}", package / OF_PROJECT));
        let content = if number % OF_PACKAGE == 0 {
            fs::create_dir_all(folder.join("lib"))?;
            format!("{{\"name\": \"package-{package}\", \"version\": \"1.0.{package}\"}}\n").into_bytes()
        } else {
            let size = chance.size();
            let start = chance.below(text.len() - size);
            text.get(start..start + size).unwrap_or_default().to_vec()
        };
        let name = if number % OF_PACKAGE == 0 { "package.json".to_owned() } else { format!("lib/{number}.js") };
        total += content.len();
        fs::write(folder.join(name), content)?;
    }
    Ok(total)
}

/// The lists of what is looked for, in our form and in that of the others. Nothing of it is there.
struct Lists {
    words: String,
    digests: String,
    our_words: String,
    our_both: String,
    our_all: String,
}

impl Lists {
    fn write(folder: &Path) -> anyhow::Result<Self> {
        const WORDS: usize = 40;
        const DIGESTS: usize = 40;
        let mut chance = Chance(2);
        let (mut words, mut digests, mut ours) = (String::new(), String::new(), String::new());
        for number in 0..WORDS {
            writeln!(words, "command-{number}.evil.example")?;
            writeln!(ours, "string:command-{number}.evil.example")?;
        }
        let our_words = ours.clone();
        for _ in 0..DIGESTS {
            let [one, two, three, four] = [chance.next(), chance.next(), chance.next(), chance.next()];
            let digest = format!("{one:016x}{two:016x}{three:016x}{four:016x}");
            writeln!(digests, "{digest}")?;
            writeln!(ours, "sha256:{digest}")?;
        }
        let all = format!("{ours}pkg:npm/package-none@1.0.0\nfile:setup_none.js\n");
        let put = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text)?;
            Ok::<_, anyhow::Error>(path.display().to_string())
        };
        Ok(Self {
            words: put("words", &words)?,
            digests: put("digests", &digests)?,
            our_words: put("our-words", &our_words)?,
            our_both: put("our-both", &ours)?,
            our_all: put("our-all", &all)?,
        })
    }
}

/// Numbers that are the same each time.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or_default()
    }

    fn size(&mut self) -> usize {
        let percent = self.next() % 100;
        let at = SIZES.iter().position(|(share, _)| percent < *share).unwrap_or_default();
        let least = at.checked_sub(1).and_then(|at| SIZES.get(at)).map_or(0, |(_, most)| *most);
        let most = SIZES.get(at).map_or(least, |(_, most)| *most);
        least + self.below(most - least)
    }

    /// Lines that look like a program's.
    fn text(&mut self, length: usize) -> Vec<u8> {
        const WORDS: [&str; 12] = [
            "const ",
            "function ",
            "return ",
            "module.exports",
            " = ",
            "require('./lib')",
            "(value) => {",
            "}\n",
            ";\n",
            "  if (",
            "options.",
            "undefined",
        ];
        let mut text = Vec::with_capacity(length);
        while text.len() < length {
            let word = WORDS.get(self.below(WORDS.len())).copied().unwrap_or_default();
            text.extend(word.bytes());
        }
        text
    }
}
