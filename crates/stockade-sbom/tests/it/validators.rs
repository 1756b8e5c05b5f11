//! The reference implementations in Python read what we write.

use std::fs;
use std::path::Path;
use std::process::Command;

use stockade_model::{Algorithm, Digest};
use stockade_sbom::{
    Bom, Component, Context, Coverage, Edge, Evidence, Kind, Licence, Node, Scope, Target, Tool, write,
};
use stockade_testkit::PythonTool;

/// The library of SPDX for its version 2, whose program is called otherwise.
const SPDX_TOOLS: &str = "0.8.5";
const CYCLONEDX: &str = "11.12.0";

/// Prints what is wrong, and nothing if nothing is.
const VALIDATE_CYCLONEDX: &str = "
import sys
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation import make_schemabased_validator
from cyclonedx.model.bom import Bom
import json
for path, version in zip(sys.argv[1::2], sys.argv[2::2]):
    text = open(path).read()
    wrong = make_schemabased_validator(OutputFormat.JSON, SchemaVersion[version]).validate_str(text)
    if wrong:
        print(path, wrong)
    bom = Bom.from_json(json.loads(text))
    if len(bom.components) != 3 or bom.metadata.component.name != 'demo':
        print(path, 'has other parts')
    if sum(len(entry.dependencies) for entry in bom.dependencies) != 3:
        print(path, 'has other edges')
";

const VALIDATE_SPDX: &str = "
import sys
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
document = parse_file(sys.argv[1])
for wrong in validate_full_spdx_document(document):
    print(wrong.validation_message)
if len(document.packages) != 4:
    print('has other packages')
";

/// Nothing is replaced.
const SAME: (&str, &str) = ("1.1.0-rc.1", "1.1.0-rc.1");

fn bom() -> Bom {
    let mut subject = Component::new(Kind::Application, "demo");
    subject.dependencies = Coverage::Complete;
    let mut bom = Bom::new(subject);
    for (at, licence) in ["MIT OR Apache-2.0", "see LICENSE.md", "LicenseRef-acme AND GPL-2.0+"].into_iter().enumerate()
    {
        let mut part = Component::new(Kind::Library, format!("@acme/part{at}"));
        part.version = Some("1.1.0-rc.1".to_owned());
        part.purl = Some(format!("pkg:npm/%40acme/part{at}@1.1.0-rc.1").parse().unwrap());
        part.hashes = vec![Digest::of(b"part"), Digest::new(Algorithm::Sha1, &[7; 20]).unwrap()];
        part.licences = vec![Licence::read(licence), Licence::read("ISC")];
        part.supplier = Some("Acme Works".to_owned());
        part.download = Some("https://registry.example/@acme/part.tgz".to_owned());
        part.scope = Some(Scope::Required);
        part.evidence = vec![Evidence { file: "package-lock.json".to_owned(), line: 12 }];
        part.dependencies = [Coverage::Complete, Coverage::Incomplete, Coverage::Unknown][at];
        part.gaps = vec!["its manifest could not be read".to_owned()];
        bom.add(part);
    }
    let edge = |from, to| Edge { from, to: Node::Component(to) };
    bom.edges = vec![edge(Node::Subject, 0), edge(Node::Component(0), 1), edge(Node::Component(1), 2)];
    bom.created = Some("2026-11-29T11:00:00Z".parse().unwrap());
    bom.authors = vec!["Demo Works".to_owned()];
    bom.tools = vec![Tool { name: "stockade".to_owned(), version: Some("0.1.0".to_owned()) }];
    bom.context = Some(Context::Source);
    bom
}

/// What a script in Python prints of our documents, in which one text is replaced.
#[expect(clippy::disallowed_methods, reason = "the test's own files, and a validator that reads them")]
fn said(python: &Path, script: &str, documents: &[(Target, &str)], (old, new): (&str, &str)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(python);
    command.args(["-c", script]);
    for (target, word) in documents {
        let path = folder.path().join(format!("{target:?}.spdx.json"));
        let document = String::from_utf8(write(&bom(), *target)).unwrap();
        assert!(document.contains(old));
        fs::write(&path, document.replace(old, new)).unwrap();
        command.arg(path);
        command.args((!word.is_empty()).then_some(word));
    }
    let output = command.output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_library_of_cyclonedx_reads_ours() {
    let Some(library) = PythonTool::library_or_skip("cyclonedx-python-lib[json-validation]", CYCLONEDX) else { return };
    let documents = [(Target::CycloneDx16, "V1_6"), (Target::CycloneDx17, "V1_7")];
    assert_eq!(said(&library, VALIDATE_CYCLONEDX, &documents, SAME), "");
    let wrong = said(&library, VALIDATE_CYCLONEDX, &documents, ("\"SHA-256\"", "\"SHA-25\""));
    assert!(wrong.contains("'SHA-25' is not one of"), "{wrong}");
}

#[test]
fn the_library_of_spdx_reads_ours() {
    let Some(library) = PythonTool::library_or_skip("spdx-tools", SPDX_TOOLS) else { return };
    assert_eq!(said(&library, VALIDATE_SPDX, &[(Target::Spdx23, "")], SAME), "");
    let wrong = said(&library, VALIDATE_SPDX, &[(Target::Spdx23, "")], ("LicenseRef-acme", "Acme"));
    assert!(wrong.contains("Acme"), "{wrong}");
}
