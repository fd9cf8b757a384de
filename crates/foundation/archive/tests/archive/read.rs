//! What the reader takes, and what it refuses because readers disagree about it.

use crate::forge::{Block, Forge, pax_records};
use archive::{Entry, Extent, Kind, Limits, Problem, ReadError, TarReader};
use std::io::{self, Read};

/// Every entry with its content, from a source that gives three bytes at a time.
fn read(archive: &[u8]) -> Result<Vec<(Entry, Vec<u8>)>, ReadError> {
    struct Drip<'a>(&'a [u8]);
    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(3);
            self.0.read(&mut buffer[..count])
        }
    }
    let mut reader = TarReader::new(Drip(archive), Limits::default());
    let mut entries = Vec::new();
    while let Some(entry) = reader.next_entry()? {
        let mut content = Vec::new();
        loop {
            let piece = reader.content_piece()?;
            let length = piece.len();
            if length == 0 {
                break;
            }
            content.extend_from_slice(piece);
            reader.consume(length);
        }
        entries.push((entry, content));
    }
    Ok(entries)
}

fn problem(archive: &[u8]) -> Problem {
    match read(archive) {
        Err(ReadError::Malformed { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

fn truncated(archive: &[u8]) -> bool {
    matches!(read(archive), Err(ReadError::Truncated { .. }))
}

#[test]
fn names_of_every_format_are_read() {
    let long = "n".repeat(200);
    let target = "t".repeat(300);
    let mut prefixed = Block::new("name", b'0');
    prefixed.put(345, b"some/prefix");
    let mut star = Block::new("name", b'0');
    star.put(345, &[b'p'; 131]);
    star.put(476, b"00000000000 00000000000 ");
    star.put(508, b"tar\0");
    let mut v7 = Block::new("old/", 0);
    v7.put(257, &[0; 8]);
    let archive = Forge::default()
        .long(b'L', long.as_bytes())
        .long(b'K', target.as_bytes())
        .block(Block::new("short", b'2').link("short").gnu())
        .block(prefixed)
        .block(star)
        .block(v7)
        .pax(&[("path", b"pax/\xff\xfe"), ("unknown", b"key"), ("mtime", b"12.5")])
        .file("short", b"content")
        .end();
    let entries = read(&archive).unwrap();
    assert_eq!(entries[0].0.path, long.as_bytes());
    assert_eq!(entries[0].0.kind, Kind::Symlink(target.into_bytes()));
    assert_eq!(entries[1].0.path, b"some/prefix/name");
    assert_eq!(entries[2].0.path, [&[b'p'; 131][..], b"/name"].concat());
    assert_eq!(entries[3].0.kind, Kind::Directory);
    assert_eq!((&entries[4].0.path[..], &entries[4].1[..]), (&b"pax/\xff\xfe"[..], &b"content"[..]));
    assert_eq!(entries[4].0.mtime.nanoseconds, 500_000_000);
}

#[test]
fn a_pax_size_counts() {
    let archive = Forge::default()
        .pax(&[("size", b"700")])
        .block(Block::new("f", b'0'))
        .content(&[b'x'; 700])
        .file("g", b"y")
        .end();
    let entries = read(&archive).unwrap();
    assert_eq!((entries[0].1.len(), &entries[1].0.path[..]), (700, &b"g"[..]));
}

#[test]
fn archives_may_end_in_three_ways() {
    let whole = Forge::default().file("f", b"x").without_end();
    for zeroes in [0, 512, 1024, 10240] {
        let mut archive = whole.clone();
        archive.resize(archive.len() + zeroes, 0);
        assert_eq!(read(&archive).unwrap().len(), 1, "{zeroes}");
    }
    assert_eq!(read(&[]).unwrap().len(), 0);
    let lone = Forge::default().file("f", b"x").content(&[0; 512]).file("g", b"").end();
    assert_eq!(problem(&lone), Problem::LoneZeroBlock);
}

#[test]
fn cut_archives_are_errors_wherever_they_are_cut() {
    let archive = Forge::default().pax(&[("mtime", b"1.5")]).file("f", &[b'x'; 600]).without_end();
    // Up to the last byte of the content; what follows is padding.
    let whole = archive.len() - (1024 - 600);
    for length in 1..whole {
        assert!(read(&archive[..length]).is_err(), "{length}");
    }
    let lying = Forge::default().block(Block::new("f", b'0').size(1 << 20)).content(&[0; 600]).end();
    assert!(truncated(&lying));
}

/// umoci ends an archive with the last byte of the last file.
#[test]
fn the_last_padding_may_be_missing() {
    let archive = Forge::default().file("e", b"").file("f", &[b'x'; 600]).without_end();
    let whole = read(&archive).unwrap();
    for length in archive.len() - (1024 - 600)..archive.len() {
        assert_eq!(read(&archive[..length]).unwrap(), whole, "{length}");
    }
    let lying = Forge::default().file("f", &[b'x'; 600]).file("g", b"y").end();
    assert_eq!(read(&lying).unwrap().len(), 2, "padding that is there is not content");
}

#[test]
fn numbers_that_lie_are_refused() {
    let with = |at: usize, bytes: &[u8]| {
        let mut block = Block::new("f", b'0');
        block.put(at, bytes);
        problem(&Forge::default().block(block).end())
    };
    assert_eq!(with(124, &[0xff; 12]), Problem::Range { field: "size", value: -1 });
    assert_eq!(with(124, b"-0000000001\0"), Problem::Number { field: "size" });
    // 2^64 + 512, which a parser that lets it wrap takes for 512.
    assert_eq!(with(124, &[0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0]), Problem::Number { field: "size" });
    assert_eq!(with(108, &[0xff; 8]), Problem::Range { field: "uid", value: -1 });
    assert_eq!(
        with(108, &[0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        Problem::Range { field: "uid", value: 4_294_967_295 }
    );
    assert_eq!(with(100, b"rwxr-xr\0"), Problem::Number { field: "mode" });
    let mut damaged = Forge::default().file("f", b"").end();
    damaged[0] = b'g';
    assert_eq!(problem(&damaged), Problem::Checksum);
    assert_eq!(problem(&[0x1f; 1024]), Problem::Checksum);
}

#[test]
fn what_readers_take_differently_is_refused() {
    let mut go_prefix = Block::new("name", b'0').gnu();
    go_prefix.put(345, b"some/prefix");
    let mut no_magic = Block::new("f", b'x');
    no_magic.put(257, &[0; 8]);
    let global = pax_records(&[("path", b"etc/shadow")]);
    let nul = pax_records(&[("path", b"a\0b")]);
    for (archive, expected) in [
        (Forge::default().block(Block::new("f", b'Q')), Problem::UnknownType { flag: 'Q' }),
        (Forge::default().block(Block::new("f", b'X')), Problem::UnknownType { flag: 'X' }),
        (Forge::default().block(no_magic), Problem::ExtensionWithoutMagic { flag: 'x' }),
        (Forge::default().block(Block::new("", b'0')), Problem::Empty { field: "path" }),
        (Forge::default().symlink("l", ""), Problem::Empty { field: "link target" }),
        (Forge::default().long(b'L', b"a\0b").file("f", b""), Problem::Nul { field: "path" }),
        (
            Forge::default().block(Block::new("x", b'x').size(nul.len() as u64)).content(&nul).file("f", b""),
            Problem::Nul { field: "path" },
        ),
        (Forge::default().pax(&[("path", b"")]).file("f", b""), Problem::Empty { field: "path" }),
        (Forge::default().file("f/", b""), Problem::FileWithSlash),
        (
            Forge::default().block(Block::new("l", b'1').link("f").size(512)).content(&[0; 512]),
            Problem::UnexpectedContent { kind: "hard link", size: 512 },
        ),
        (
            Forge::default().block(Block::new("d", b'5').size(512)).content(&[0; 512]),
            Problem::UnexpectedContent { kind: "directory", size: 512 },
        ),
        (Forge::default().block(go_prefix), Problem::Number { field: "atime" }),
        (
            Forge::default().block(Block::new("g", b'g').size(global.len() as u64)).content(&global),
            Problem::GlobalKey { key: "path" },
        ),
        (
            Forge::default().pax(&[("path", b"a")]).pax(&[("path", b"b")]).file("f", b""),
            Problem::Duplicate { what: "PAX headers" },
        ),
        (
            Forge::default().long(b'L', b"a").long(b'L', b"b").file("f", b""),
            Problem::Duplicate { what: "GNU long names" },
        ),
        (
            Forge::default().long(b'L', b"a").pax(&[("path", b"b")]).file("f", b""),
            Problem::Duplicate { what: "paths" },
        ),
        (Forge::default().pax(&[("path", b"a")]), Problem::NoEntry),
    ] {
        assert_eq!(problem(&archive.end()), expected);
    }
}

#[test]
fn sparse_files_of_every_format_are_read() {
    let extents = |pairs: &[(u64, u64)]| {
        Some(
            pairs
                .iter()
                .map(|(offset, length)| Extent { offset: *offset, length: *length })
                .collect::<Vec<_>>(),
        )
    };
    let zero: &[(&str, &[u8])] = &[
        ("GNU.sparse.size", b"1000"),
        ("GNU.sparse.numblocks", b"2"),
        ("GNU.sparse.offset", b"10"),
        ("GNU.sparse.numbytes", b"3"),
        ("GNU.sparse.offset", b"900"),
        ("GNU.sparse.numbytes", b"2"),
    ];
    let one: &[(&str, &[u8])] = &[
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"true/name"),
        ("GNU.sparse.realsize", b"1000"),
    ];
    let mut text = b"2\n10\n3\n900\n2\n".to_vec();
    text.resize(512, 0);
    text.extend_from_slice(b"abcde");
    let mut old = Block::new("old", b'S').gnu().size(5);
    for (index, (offset, length)) in [(10, 3), (20, 0), (30, 0), (40, 0)].iter().enumerate() {
        old.put(386 + index * 24, format!("{offset:011o}\0{length:011o}\0").as_bytes());
    }
    old.put(482, &[1]);
    old.put(483, b"00000001750\0");
    let mut continued = [0u8; 512];
    continued[..24].copy_from_slice(format!("{:011o}\0{:011o}\0", 900, 2).as_bytes());
    let archive = Forge::default()
        .pax(zero)
        .file("zero", b"abcde")
        .pax(one)
        .file("GNUSparseFile.0/name", &text)
        .block(old)
        .content(&continued)
        .content(b"abcde")
        .file("after", b"z")
        .end();
    let entries = read(&archive).unwrap();
    assert_eq!(entries[0].0.extents, extents(&[(10, 3), (900, 2)]));
    assert_eq!(
        (&entries[1].0.path[..], &entries[1].0.extents),
        (&b"true/name"[..], &extents(&[(10, 3), (900, 2)]))
    );
    assert_eq!(entries[2].0.extents, extents(&[(10, 3), (20, 0), (30, 0), (40, 0), (900, 2)]));
    for (entry, content) in &entries[..3] {
        assert_eq!((entry.size, &content[..]), (1000, &b"abcde"[..]));
    }
    assert_eq!(entries[3].1, b"z");
    let both = Forge::default().pax(&zero[1..]).file("f", b"abcde").end();
    assert_eq!(problem(&both), Problem::SparseMap, "no size");
    let lying = Forge::default().pax(zero).file("f", b"abcdefgh").end();
    assert_eq!(problem(&lying), Problem::SparseMap);
}
