//! What is written, and what is missing in it.

use super::full;
use crate::{Bom, Component, Element, Kind, Missing, Node, Standard, Target, missing, read, write};

#[test]
fn each_format_says_everything() {
    for target in Target::ALL {
        let read = read(&write(&full(), target));
        assert_eq!(read.bom, Some(full().normal()), "{target:?}");
        assert_eq!(read.problems, []);
    }
}

#[test]
fn the_smallest_list_as_cyclonedx() {
    let bom = Bom::new(Component::new(Kind::Application, "demo"));
    let document = String::from_utf8(write(&bom, Target::CycloneDx16)).unwrap();
    let expected = r#"{
  "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
  "bomFormat": "CycloneDX",
  "specVersion": "1.6",
  "serialNumber": "urn:uuid:UUID",
  "version": 1,
  "metadata": {
    "component": {
      "type": "application",
      "bom-ref": "demo@",
      "name": "demo"
    }
  },
  "dependencies": [
    {
      "ref": "demo@"
    }
  ]
}
"#;
    let serial = &document[document.find("urn:uuid:").unwrap() + 9..][..36];
    assert_eq!(serial.as_bytes()[14], b'5', "a UUID of version 5: {serial}");
    assert_eq!(document.replace(serial, "UUID"), expected);
}

#[test]
fn the_identity_is_of_the_content() {
    let mut other = full();
    other.components[1].version = Some("2".to_owned());
    for target in Target::ALL {
        assert_eq!(write(&full(), target), write(&full(), target));
        assert_ne!(write(&full(), target), write(&other, target));
    }
}

#[test]
fn nothing_is_missing_where_everything_is_said() {
    let of = |element, of| Missing { element, of };
    let subject = Some(Node::Subject);
    let right = Some(Node::Component(1));
    assert_eq!(
        missing(&full(), Standard::Ntia2021),
        [
            of(Element::Supplier, subject),
            of(Element::Identifier, subject),
            of(Element::Supplier, right),
            of(Element::Version, right),
            of(Element::Identifier, right),
        ]
    );
    let new = [of(Element::Hash, subject), of(Element::Licence, subject), of(Element::Hash, right)];
    let cisa = missing(&full(), Standard::Cisa2025);
    assert_eq!(cisa.len(), 8);
    assert!(new.iter().all(|missing| cisa.contains(missing)));
    let empty = missing(&Bom::new(Component::new(Kind::Library, "")), Standard::Cisa2025);
    assert_eq!(empty.len(), 11);
}
