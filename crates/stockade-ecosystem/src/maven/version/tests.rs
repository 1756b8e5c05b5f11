use proptest::prelude::*;

use super::*;

fn order(a: &str, b: &str) -> Ordering {
    parse(a).unwrap().partial_cmp(&parse(b).unwrap()).unwrap()
}

/// Every line is what Maven said: `a < b`, `a == b` or `a > b`.
#[test]
fn versions_have_the_order_that_maven_gives_them() {
    let vectors = include_str!("../testdata/versions.txt");
    let mut compared = 0;
    for line in vectors.lines().filter(|line| !line.starts_with('#')) {
        let [a, sign, b] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let expect = match sign {
            "<" => Ordering::Less,
            "==" => Ordering::Equal,
            _ => Ordering::Greater,
        };
        assert_eq!((order(a, b), order(b, a)), (expect, expect.reverse()), "{line}");
        compared += 1;
    }
    assert!(compared > 1_000);
}

/// Maven 3.8.7 says `1.0.alpha.1 < 1`, `1 < 1.sp.1`, `1.sp.1 < 1.0.alpha.1`, and `1.foo-1 < 1-alpha`.
#[test]
fn where_mavens_order_goes_in_circles_ours_does_not() {
    let lowest_first = ["1-alpha", "1", "1.sp.1", "1.foo-1", "1.0.alpha.1", "1.0.1"];
    for pair in lowest_first.windows(2) {
        assert_eq!(order(pair[0], pair[1]), Ordering::Less, "{pair:?}");
    }
}

#[test]
fn a_version_knows_what_it_is() {
    let show = |text: &str| {
        let version = parse(text).unwrap();
        (version.is_prerelease(), version.numbers(), version.word().to_owned())
    };
    assert_eq!(show("1.2.3"), (false, [0, 1, 2, 3], String::new()));
    assert_eq!(show("33.0-jre"), (false, [0, 33, 0, 0], "jre".to_owned()));
    assert_eq!(show("6.0.0.Final"), (false, [0, 6, 0, 0], String::new()));
    assert_eq!(show("6.0.0.CR1"), (true, [0, 6, 0, 0], "rc".to_owned()));
    assert_eq!(show("4.0.0-M3"), (true, [0, 4, 0, 0], "milestone".to_owned()));
    assert_eq!(show("1.0-foo-SNAPSHOT"), (true, [0, 1, 0, 0], "foo".to_owned()));
    assert_eq!(show("1.99999999999999999999"), (false, [0, 1, u64::MAX, 0], String::new()));
    assert_eq!(show("r09"), (false, [0; 4], "r".to_owned()));
}

#[test]
fn what_cannot_be_in_a_path_is_no_version() {
    let long = "1".repeat(MAX_BYTES + 1);
    for text in ["", ".", "..", "1/2", "1\\2", "1 2", "1\n", "1\0", "1:2", "[1,2)*", "1%2f2", "١", "é", "1|2", &long]
    {
        assert!(parse(text).is_err(), "{text:?}");
    }
    assert!(parse(&"1".repeat(MAX_BYTES)).is_ok());
    assert!(parse(&"-".repeat(MAX_BYTES)).is_ok());
    assert!(parse(&"a1".repeat(MAX_BYTES / 2)).is_ok());
}

/// Versions of the pieces that matter to the order.
fn version() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &["0", "1", "2", "00", "alpha", "a", "sp", "ga", "x", "snapshot", ".", "-", ".", "-"];
    prop::collection::vec(prop::sample::select(PIECES), 1..8)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("a path", |text| parse(text).is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn the_order_is_one(a in version(), b in version(), c in version()) {
        prop_assert_eq!(order(&a, &a), Ordering::Equal);
        prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
        if order(&a, &b).is_le() && order(&b, &c).is_le() {
            let both_equal = order(&a, &b).is_eq() && order(&b, &c).is_eq();
            prop_assert!(order(&a, &c).is_le(), "{} <= {} <= {}", a, b, c);
            prop_assert_eq!(order(&a, &c).is_eq(), both_equal, "{} <= {} <= {}", a, b, c);
        }
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,300}") {
        if let Ok(version) = parse(&text) {
            prop_assert_eq!(version.partial_cmp(&version), Some(Ordering::Equal));
        }
    }
}
