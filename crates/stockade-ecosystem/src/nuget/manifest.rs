//! What a project asks for: `*.csproj` and those of other languages. A version there is the lowest that is enough, and NuGet
//! takes the lowest that there is; one in brackets is that one.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::assets::PROJECT_ASSETS;
use super::lockfile::{PACKAGES_CONFIG, PACKAGES_LOCK};
use super::release;
use crate::locked::{Lines, Locked, Out, read};
use crate::{Lockfile, Manifest};

pub(super) static PROJECT: Manifest = Manifest {
    file: Lockfile {
        name: "csproj",
        matches: |path| [".csproj", ".fsproj", ".vbproj"].iter().any(|end| path.ends_with(end)),
        parse: |bytes| read(bytes, parse),
    },
    answered_by: &[&PACKAGES_LOCK, &PROJECT_ASSETS, &PACKAGES_CONFIG],
    // Where a restore leaves its outcome.
    below: &["obj"],
};

fn parse(text: &str, out: &mut Out) {
    let lines = Lines::of(text);
    let mut reader = Reader::from_str(text);
    let (mut asks, mut depth) = (false, 0_u32);
    loop {
        let line = lines.line(usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX));
        let event = reader.read_event();
        match &event {
            Ok(Event::Start(_)) => depth += 1,
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            _ => {}
        }
        match event {
            Ok(Event::Start(tag) | Event::Empty(tag)) if tag.local_name().as_ref() == "PackageReference" => {
                let attribute = |key: &str| {
                    let found = tag.attributes().filter_map(Result::ok).find(|found| found.key.as_ref() == key)?;
                    Some(found.value.trim().to_owned())
                };
                asks = true;
                let name = attribute("Include").or_else(|| attribute("Update")).unwrap_or_default();
                let wanted = attribute("Version").unwrap_or_else(|| "a version that is not beside it".to_owned());
                let only = wanted.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                match only.and_then(|version| release(&name, version.trim()).ok()) {
                    Some(release) => {
                        out.push(Locked { direct: Some(true), ..Locked::new(release, line) });
                    }
                    None => out.open(line, &name, &wanted),
                }
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(_) => return out.problem(line, "from here on it is not XML"),
        }
    }
    if depth > 0 {
        out.problem_of_all("an element does not end: it breaks off");
    }
    if asks {
        out.problem_of_all("no lockfile of it is among what is read, so what its packages need is not known");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_versions_are_releases() {
        let text = "<Project Sdk=\"Microsoft.NET.Sdk\">\n<ItemGroup>\n<PackageReference Include=\"Left.Demo\" Version=\"[1.0.0]\" />\n<PackageReference Include=\"Right\" Version=\"2.0\">\n</PackageReference>\n<PackageReference Include=\"Central\" />\n</ItemGroup>\n</Project>\n";
        let parsed = (PROJECT.file.parse)(text.as_bytes());
        assert_eq!(parsed.value.iter().map(|entry| entry.release.to_string()).collect::<Vec<_>>(), ["left.demo@1.0.0"]);
        assert_eq!(parsed.problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(4), Some(6), None]);
        assert_eq!((PROJECT.file.parse)(b"<Project></Project>"), crate::Parsed::default());
        assert_eq!((PROJECT.file.parse)(b"<Project><ItemGroup>").problems.len(), 1);
    }
}
