//! Recognising, reading within bounds, and the gzip we write.

use std::io::Write;

use super::*;

fn compressed(parts: &[&[u8]]) -> Vec<u8> {
    let mut writer = GzipWriter::new(Vec::new());
    for part in parts {
        writer.write_all(part).unwrap();
        writer.flush().unwrap();
    }
    writer.finish().unwrap()
}

fn read(blob: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    decompress(blob)?.read_to_end(&mut content)?;
    Ok(content)
}

fn sample() -> Vec<u8> {
    (0..300_000u32)
        .flat_map(|n| (n % 1000 * (n >> 9)).to_le_bytes())
        .collect()
}

#[test]
fn the_division_into_writes_does_not_show() {
    let content = sample();
    let whole = compressed(&[&content]);
    for size in [1000, 65_535, 65_536, 65_537, 1 << 20] {
        assert!(
            compressed(&content.chunks(size).collect::<Vec<_>>()) == whole,
            "{size}"
        );
    }
    assert!(read(&whole).unwrap() == content);
}

#[test]
fn the_header_says_nothing_of_time_name_and_system() {
    assert_eq!(
        compressed(&[b""])[..10],
        [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]
    );
}

#[test]
fn several_members_are_one_content() {
    assert_eq!(
        read(&[compressed(&[b"one "]), compressed(&[b"two"])].concat()).unwrap(),
        b"one two"
    );
}

#[test]
fn what_is_not_compressed_is_passed_on() {
    for content in [&b""[..], b"x", b"\x1f", b"\x28\xb5\x2f", b"ustar and more"] {
        assert_eq!(read(content).unwrap(), content);
    }
}

#[test]
fn l12_a_bomb_stops_at_the_bound() {
    let bomb = compressed(&[&vec![0; 4 << 20]]);
    let read = |expansion| {
        let mut content = Vec::new();
        let result = decompress_within(bomb.as_slice(), expansion)
            .unwrap()
            .read_to_end(&mut content);
        (content.len(), result.map_err(|error| error.to_string()))
    };
    let (length, result) = read(Expansion {
        ratio: 100,
        allowance: 1 << 20,
    });
    assert_eq!(result, Err("it expands more than 100 times".to_owned()));
    assert!((1 << 20..2 << 20).contains(&length), "{length}");
    assert_eq!(
        read(Expansion {
            ratio: 100,
            allowance: 4 << 20
        })
        .0,
        4 << 20
    );
    assert_eq!(
        read(Expansion {
            ratio: 1032,
            allowance: 0
        })
        .0,
        4 << 20
    );
}

#[test]
fn l13_truncated_and_damaged_streams_are_errors() {
    let whole = compressed(&[b"some content"]);
    for length in 2..whole.len() {
        assert!(read(&whole[..length]).is_err(), "{length}");
    }
    let mut damaged = whole.clone();
    damaged[whole.len() - 6] ^= 1;
    assert!(read(&damaged).is_err());
    assert!(read(&[whole, b"garbage".to_vec()].concat()).is_err());
}
