//! Any list survives any format, and any bytes survive being read.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use stockade_model::{Algorithm, Digest};

use crate::{
    Bom, Component, Context, Coverage, Edge, Evidence, Kind, Licence, Node, PackageUrl, Scope, Target, Tool, read,
    validate, write,
};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("NONE".to_owned()),
        Just("NOASSERTION".to_owned()),
        "[a-z0-9@/._-]{0,12}",
        "\\PC{0,12}",
        ".{0,6}",
        Just("NOASSERTION-ish: (x) = y".to_owned())
    ]
}

fn licence() -> impl Strategy<Value = Licence> {
    prop_oneof![
        prop_oneof![
            Just("MIT"),
            Just("GPL-2.0+"),
            Just("MIT OR Apache-2.0"),
            Just("ISC AND (Zlib OR LicenseRef-acme)"),
            Just("GPL-2.0-only WITH Classpath-exception-2.0"),
        ]
        .prop_map(Licence::read),
        text().prop_map(Licence::Name),
        text().prop_map(Licence::Expression),
    ]
}

fn digest() -> impl Strategy<Value = Digest> {
    let algorithms =
        prop_oneof![Just(Algorithm::Sha1), Just(Algorithm::Sha256), Just(Algorithm::Sha384), Just(Algorithm::Sha512)];
    (algorithms, any::<u8>())
        .prop_map(|(algorithm, byte)| Digest::new(algorithm, &vec![byte; algorithm.size()]).unwrap())
}

fn purl() -> impl Strategy<Value = PackageUrl> {
    "pkg:(npm|pypi)/[a-c]{1,2}@[0-2](\\?repository_url=https://a[.]example)?".prop_map(|text| text.parse().unwrap())
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Application), Just(Kind::Library), Just(Kind::OperatingSystem), Just(Kind::File)]
}

fn coverage() -> impl Strategy<Value = Coverage> {
    prop_oneof![Just(Coverage::Complete), Just(Coverage::Incomplete), Just(Coverage::Unknown)]
}

prop_compose! {
    fn component()(
        (purl, name, version, kind) in (option::of(purl()), text().prop_filter("empty", |name| !name.trim().is_empty()), option::of(text()), kind()),
        hashes in vec(digest(), 0..3),
        licences in vec(licence(), 0..3),
        (supplier, download) in (option::of(text()), option::of(text())),
        scope in option::of(prop_oneof![Just(Scope::Required), Just(Scope::Optional), Just(Scope::Excluded)]),
        evidence in vec((text(), any::<u32>()), 0..2),
        dependencies in coverage(),
        gaps in vec(text(), 0..2),
    ) -> Component {
        let evidence = evidence.into_iter().map(|(file, line)| Evidence { file, line }).collect();
        Component { purl, name, version, kind, hashes, licences, supplier, download, scope, evidence, dependencies, gaps }
    }
}

fn node() -> impl Strategy<Value = Node> {
    prop_oneof![Just(Node::Subject), (0..7_usize).prop_map(Node::Component)]
}

prop_compose! {
    fn bom()(
        subject in component(),
        components in vec(component(), 0..6),
        edges in vec((node(), node()), 0..8),
        created in option::of(0..253_402_300_799_i64),
        authors in vec(text(), 0..2),
        tools in vec((text(), option::of(text())), 0..3),
        context in option::of(prop_oneof![Just(Context::Source), Just(Context::Build), Just(Context::Deployed)]),
        gaps in vec(text(), 0..2),
    ) -> Bom {
        Bom {
            subject,
            components,
            edges: edges.into_iter().map(|(from, to)| Edge { from, to }).collect(),
            created: created.and_then(|second| jiff::Timestamp::from_second(second).ok()),
            authors,
            tools: tools.into_iter().map(|(name, version)| Tool { name, version }).collect(),
            context,
            gaps,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_is_read_as_it_was(bom in bom()) {
        for target in Target::ALL {
            let document = write(&bom, target);
            let read = read(&document);
            prop_assert_eq!(read.format, Some(target.format()));
            prop_assert_eq!(read.bom.as_ref(), Some(&bom.normal()), "{}", String::from_utf8_lossy(&document));
            prop_assert_eq!(read.problems, vec![], "{}", String::from_utf8_lossy(&document));
        }
    }

    #[test]
    fn the_order_of_parts_does_not_matter(bom in bom(), by in 0..6_usize) {
        let count = bom.components.len();
        let mut turned = bom.clone();
        let by = if count == 0 { 0 } else { by % count };
        turned.components.rotate_left(by);
        let place = |node| match node {
            Node::Component(at) if at < count => Node::Component((at + count - by) % count),
            other => other,
        };
        turned.edges = bom.edges.iter().rev().map(|edge| Edge { from: place(edge.from), to: place(edge.to) }).collect();
        for target in Target::ALL {
            prop_assert_eq!(write(&bom, target), write(&turned, target));
        }
    }

    #[test]
    fn normal_is_normal(bom in bom()) {
        prop_assert_eq!(bom.normal().normal(), bom.normal());
    }

    #[test]
    fn any_bytes_are_read(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&bytes).bom.is_none());
    }

    #[test]
    fn a_broken_document_is_read(bom in bom(), target in 0..4_usize, cuts in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut document = write(&bom, Target::ALL[target]);
        for (at, byte) in cuts {
            let at = at.index(document.len());
            document[at] = byte;
        }
        let read = read(&document);
        prop_assert!(read.bom.is_some() || !read.problems.is_empty());
        let Some(understood) = read.bom else { return Ok(()) };
        // A part without a name is a problem in every format.
        prop_assume!(understood.nodes().all(|(_, component)| !component.name.is_empty()));
        for target in Target::ALL {
            let again = self::read(&write(&understood, target)).bom;
            prop_assert_eq!(again.as_ref(), Some(&understood));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn what_is_written_is_as_the_schemas_say(bom in bom()) {
        for target in Target::ALL {
            let document = write(&bom, target);
            prop_assert_eq!(
                validate(&document),
                Ok((target.format(), vec![])),
                "{}", String::from_utf8_lossy(&document)
            );
        }
    }
}
