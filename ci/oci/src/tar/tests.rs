//! Numbers and records at their edges.

use super::*;

fn bounds() -> Bounds {
    Bounds {
        entries: 10,
        name: 4096,
        extended_header: 1 << 20,
        size: 1 << 40,
    }
}

fn read_back(entry: &Entry) -> Entry {
    let mut tar = Vec::new();
    put_header(&mut tar, entry);
    let mut stream = tar.as_slice();
    Reader::new(&mut stream, bounds())
        .next_entry()
        .unwrap()
        .unwrap()
}

#[test]
fn every_field_is_read_as_it_was_written() {
    for (size, id) in [
        (0, 0),
        (1, 1),
        (0o77777777777, 0o7777777),
        (0o100000000000, 0o10000000),
        (1 << 39, u32::MAX),
    ] {
        let xattrs = vec![
            (b"user.empty".to_vec(), b"".to_vec()),
            (b"user.x".to_vec(), b"a=b\n\0\xff".to_vec()),
        ];
        let entry = Entry {
            path: b"a/b".into(),
            mode: 0o7777,
            uid: id,
            gid: id,
            size,
            xattrs,
            ..Entry::new(Kind::File)
        };
        assert_eq!(read_back(&entry), entry);
    }
}

#[test]
fn names_of_every_length_are_read_as_they_were_written() {
    for length in (1..600).chain([4095]) {
        for separator in [7, 99, 100, 101, 1000] {
            let name: Vec<u8> = (1..=length)
                .map(|at| {
                    if at % separator == 0 && at < length {
                        b'/'
                    } else {
                        b'n'
                    }
                })
                .collect();
            let entry = Entry {
                path: name.clone(),
                link: name.clone(),
                ..Entry::new(Kind::SymbolicLink)
            };
            assert_eq!(read_back(&entry), entry);
            let path = [name.as_slice(), b"/"].concat();
            assert_eq!(
                read_back(&Entry {
                    path: name,
                    ..Entry::new(Kind::Directory)
                })
                .path,
                path
            );
        }
    }
}

#[test]
fn a_record_counts_its_own_digits() {
    for length in 0..1200 {
        let value = vec![b'v'; length];
        let mut body = Vec::new();
        pax::put_record(&mut body, &[b"key"], &value);
        let records: Vec<_> = pax::records(&body).map(Result::unwrap).collect();
        assert_eq!(records, [(b"key".as_slice(), value.as_slice())]);
    }
}

#[test]
fn times_before_the_epoch_and_fractions_are_understood() {
    let time = |text: &str| {
        let mut body = Vec::new();
        pax::put_record(&mut body, &[b"mtime"], text.as_bytes());
        let mut entry = Entry::new(Kind::File);
        pax::Overrides::parse(&body).unwrap().apply(&mut entry);
        (entry.mtime.seconds, entry.mtime.nanoseconds)
    };
    assert_eq!(time("12"), (12, 0));
    assert_eq!(time("12.5"), (12, 500_000_000));
    assert_eq!(time("12.1234567899"), (12, 123_456_789));
    assert_eq!(time("-1.25"), (-2, 750_000_000));
    assert_eq!(time("-3"), (-3, 0));
}

#[test]
fn an_empty_value_takes_a_record_back() {
    let mut body = Vec::new();
    for value in ["first", "second", ""] {
        pax::put_record(&mut body, &[b"path"], value.as_bytes());
    }
    assert_eq!(pax::Overrides::parse(&body).unwrap().path, None);
}

#[test]
fn gnus_binary_numbers_are_read() {
    let mut tar = Vec::new();
    put_header(
        &mut tar,
        &Entry {
            path: b"a".into(),
            ..Entry::new(Kind::File)
        },
    );
    tar[136..148].copy_from_slice(&[
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    ]);
    tar[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    tar[148..156].fill(b' ');
    let sum: u32 = tar.iter().map(|byte| u32::from(*byte)).sum();
    tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut stream = tar.as_slice();
    let entry = Reader::new(&mut stream, bounds())
        .next_entry()
        .unwrap()
        .unwrap();
    assert_eq!((entry.mtime.seconds, entry.size), (-2, 258));
}
