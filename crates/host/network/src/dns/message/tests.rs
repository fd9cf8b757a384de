use super::*;
use proptest::prelude::*;

/// A query with a random-looking number, recursion desired.
fn query(name: &str, kind: u16, edns: Option<u16>) -> Vec<u8> {
    let mut bytes = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(edns.is_some())];
    bytes.extend(wire_name(name));
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1]);
    if let Some(size) = edns {
        bytes.extend([0, 0, 41]);
        bytes.extend(size.to_be_bytes());
        bytes.extend([0; 6]);
    }
    bytes
}

#[test]
fn a_query_is_read() {
    let bytes = query("Web.Example", 1, Some(4096));
    let parsed = parse(&bytes).unwrap();
    assert_eq!(parsed.name.as_deref(), Some("web.example"));
    assert_eq!((parsed.kind, parsed.is_internet, parsed.datagram_max()), (Kind::Address, true, DATAGRAM_MAX));
    assert_eq!(parse(&query("a", 28, None)).unwrap().datagram_max(), PLAIN_MAX);
    assert_eq!(parse(&query("", 255, None)).unwrap().name.as_deref(), Some(""));
}

#[test]
fn an_answer_repeats_number_and_question() {
    let bytes = query("Web", 1, Some(1232));
    let answer = parse(&bytes).unwrap().answer(
        Code::NoError,
        &[Record::Address(Ipv4Addr::new(172, 18, 0, 2))],
        PLAIN_MAX,
    );
    let expected = [
        &[0xab, 0xcd, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 1, 3, b'W', b'e', b'b', 0, 0, 1, 0, 1][..],
        &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 10, 0, 4, 172, 18, 0, 2],
        &OPT_RECORD,
    ];
    assert_eq!(answer, expected.concat());
    assert!(answers(&answer, &bytes, 0xabcd) && !answers(&answer, &bytes, 1));
    assert!(!answers(&answer, &query("other", 1, None), 0xabcd));
}

#[test]
fn what_does_not_fit_is_said_to_be_cut() {
    let bytes = query("many", 1, None);
    let records: Vec<Record> = (0..100).map(|last| Record::Address(Ipv4Addr::new(10, 0, 0, last))).collect();
    let answer = parse(&bytes).unwrap().answer(Code::NoError, &records, PLAIN_MAX);
    assert!(answer.len() <= PLAIN_MAX && answer[2] & 2 == 2);
    let whole = parse(&bytes).unwrap().answer(Code::NoError, &records, STREAM_MAX);
    assert_eq!((u16_at(&whole, 6), whole[2] & 2), (Some(100), 0));
    let cut = truncated(&whole, PLAIN_MAX);
    assert_eq!((cut.len(), cut[2] & 2, u16_at(&cut, 4), u16_at(&cut, 6)), (22, 2, Some(1), Some(0)));
}

#[test]
fn what_is_no_query_is_refused_or_ignored() {
    let good = query("web", 1, None);
    let changed = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        bytes
    };
    for (bytes, expected) in [
        (good[..11].to_vec(), Unusable::Silence),
        (changed(2, 0x81), Unusable::Silence),
        (changed(2, 0x29), Unusable::Refuse(Code::NotImplemented)),
        (changed(5, 2), Unusable::Refuse(Code::FormatError)),
        (changed(5, 0), Unusable::Refuse(Code::FormatError)),
        // A pointer to itself, a label that is too long, a name that does not end, a question without a class.
        (changed(12, 0xc0), Unusable::Refuse(Code::FormatError)),
        (changed(12, 64), Unusable::Refuse(Code::FormatError)),
        (changed(12, 63), Unusable::Refuse(Code::FormatError)),
        (good[..good.len() - 1].to_vec(), Unusable::Refuse(Code::FormatError)),
    ] {
        assert_eq!(parse(&bytes), Err(expected), "{bytes:x?}");
    }
    assert_eq!(refusal(&good, Code::FormatError)[..4], [0xab, 0xcd, 0x81, 0x81]);
    // Dots and blanks inside of a label are no name of ours.
    assert_eq!(parse(&changed(13, b'.')).unwrap().name, None);
    let long = query(&["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join("."), 1, None);
    assert!(parse(&long).is_ok());
}

proptest! {
    #[test]
    fn nothing_that_comes_makes_it_fall(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(query) = parse(&bytes) {
            let max = query.datagram_max();
            let records = [Record::Address(Ipv4Addr::LOCALHOST), Record::Pointer("a.b".into())];
            let answer = query.answer(Code::NoError, &records, max);
            prop_assert!(answer.len() <= max.max(HEADER_LEN + query.question.len() + OPT_RECORD.len()));
            prop_assert!(answers(&answer, &bytes, query.id));
        }
        let _ = answers(&bytes, &query("web", 1, None), 1);
        prop_assert!(truncated(&bytes, 100).len() <= 300);
    }

    #[test]
    fn queries_with_one_byte_changed_are_read_or_refused(at in 0usize..40, value: u8) {
        let mut bytes = query("web.example.org", 1, Some(512));
        let length = bytes.len();
        bytes[at % length] = value;
        match parse(&bytes) {
            Ok(query) => prop_assert!(query.name.is_none_or(|name| name.len() < NAME_MAX)),
            Err(Unusable::Refuse(code)) => prop_assert_eq!(refusal(&bytes, code).len(), HEADER_LEN),
            Err(Unusable::Silence) => prop_assert_ne!(bytes[2] & 0x80, 0),
        }
    }

    #[test]
    fn names_come_back(labels in proptest::collection::vec("[a-z0-9_-]{1,20}", 1..6)) {
        let name = labels.join(".");
        let bytes = query(&name, 12, None);
        prop_assert_eq!(parse(&bytes).unwrap().name, Some(name));
    }
}
