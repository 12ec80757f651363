//! Streams of one frame and of several, made by other programs and by hand, damaged and hostile.
//!
//! `lines.zst` is made by `zstd -19 --check`, `parallel.zst` by `pzstd -p 2`, both from [`lines`].

use proptest::prelude::*;

use super::super::{Expansion, decompress_within};
use super::*;

const LINES: &[u8] = include_bytes!("lines.zst");
const PARALLEL: &[u8] = include_bytes!("parallel.zst");

fn lines() -> Vec<u8> {
    (0..3000)
        .flat_map(|n| format!("{n} {}\n", n * n % 97).into_bytes())
        .collect()
}

fn read(blob: &[u8]) -> io::Result<Vec<u8>> {
    read_within(blob, Expansion::default()).1
}

/// How much was read, and what it was or why not.
fn read_within(blob: &[u8], expansion: Expansion) -> (usize, io::Result<Vec<u8>>) {
    let mut content = Vec::new();
    let result =
        decompress_within(blob, expansion).and_then(|mut reader| reader.read_to_end(&mut content));
    (content.len(), result.map(|_| content))
}

fn message(blob: &[u8]) -> String {
    read(blob).unwrap_err().to_string()
}

/// The header of a frame without checksum and content size, with a window of `1 << log` bytes.
fn header(log: u8) -> Vec<u8> {
    vec![0x28, 0xb5, 0x2f, 0xfd, 0, (log - 10) << 3]
}

/// A block that is stored, or one byte that is repeated.
fn block(repeated: bool, size: u32, last: bool, content: &[u8]) -> Vec<u8> {
    let head = u32::from(last) | u32::from(repeated) << 1 | size << 3;
    [&head.to_le_bytes()[..3], content].concat()
}

fn frame(content: &[u8]) -> Vec<u8> {
    [
        header(17),
        block(false, content.len() as u32, true, content),
    ]
    .concat()
}

fn skipped(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_le_bytes();
    [&[0x5a, 0x2a, 0x4d, 0x18], &length[..], content].concat()
}

#[test]
fn what_other_programs_write_is_read() {
    assert_eq!(read(LINES).unwrap(), lines());
    assert_eq!(read(PARALLEL).unwrap(), lines());
}

#[test]
fn several_frames_are_one_content_and_skipped_ones_none_of_it() {
    let stream = [
        skipped(b"index"),
        frame(b"one "),
        frame(b""),
        skipped(b""),
        frame(b"two"),
        skipped(b"table of contents"),
    ];
    assert_eq!(read(&stream.concat()).unwrap(), b"one two");
}

#[test]
fn the_division_of_reads_does_not_show() {
    struct Slowly<'a>(&'a [u8]);
    impl Read for Slowly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let wanted = buffer.len().min(1);
            self.0.read(&mut buffer[..wanted])
        }
    }
    let mut content = Vec::new();
    let mut reader = decompress_within(Slowly(PARALLEL), Expansion::default()).unwrap();
    let mut chunk = [0; 7];
    loop {
        match reader.read(&mut chunk).unwrap() {
            0 => break,
            count => content.extend_from_slice(&chunk[..count]),
        }
    }
    assert_eq!(content, lines());
}

#[test]
fn l12_a_bomb_stops_at_the_bound() {
    // Blocks of 4 bytes that each mean 128 KiB.
    let blocks = block(true, 128 << 10, false, &[0]).repeat(1 << 10);
    let bomb = [header(17), blocks, block(true, 0, true, &[0])].concat();
    let bound = Expansion {
        ratio: 200,
        allowance: 1 << 20,
    };
    let (length, result) = read_within(&bomb, bound);
    insta::assert_snapshot!(result.unwrap_err(), @"it expands more than 200 times");
    assert!((1 << 20..2 << 20).contains(&length), "{length}");
    assert_eq!(read(&bomb).unwrap().len(), 128 << 20);
}

#[test]
fn l12_a_bomb_in_many_frames_stops_too() {
    let bomb = [header(17), block(true, 128 << 10, true, &[0])]
        .concat()
        .repeat(64);
    let bound = Expansion {
        ratio: 200,
        allowance: 1 << 20,
    };
    assert!(read_within(&bomb, bound).1.is_err());
}

#[test]
fn l12_a_window_of_more_than_128_mib_is_refused_before_it_is_made() {
    let end = block(false, 1, true, b"x");
    assert_eq!(read(&[header(27), end.clone()].concat()).unwrap(), b"x");
    insta::assert_snapshot!(message(&[header(28), end.clone()].concat()), @"its zstd cannot be read: it needs a window of 256 MiB; at most 128 MiB are given");
    insta::assert_snapshot!(message(&[header(41), end].concat()), @"its zstd cannot be read: it needs a window of 2097152 MiB; at most 128 MiB are given");
    // A single segment: the content is the window, and says it has 2^40 bytes.
    let segment = [0x28, 0xb5, 0x2f, 0xfd, 0b1110_0000, 0, 0, 0, 0, 0, 1, 0, 0];
    insta::assert_snapshot!(message(&segment), @"its zstd cannot be read: it needs a window of 1048576 MiB; at most 128 MiB are given");
}

#[test]
fn a_frame_that_needs_a_dictionary_is_refused() {
    let mut needing = frame(b"x");
    needing[4] = 1;
    needing.insert(6, 7);
    insta::assert_snapshot!(message(&needing), @"its zstd cannot be read: it needs a dictionary");
}

#[test]
fn l13_truncated_streams_are_errors() {
    for whole in [LINES, &frame(b"some content"), &skipped(b"only this")] {
        for length in 4..whole.len() {
            assert_eq!(
                message(&whole[..length]),
                "its zstd cannot be read: it ends too early",
                "{length}"
            );
        }
    }
}

#[test]
fn l13_what_follows_the_last_frame_is_an_error() {
    insta::assert_snapshot!(message(&[LINES, b"garbage"].concat()), @"its zstd cannot be read: its last frame is followed by something else");
    assert!(read(&[LINES, &[0; 512]].concat()).is_err());
}

#[test]
fn l13_a_wrong_checksum_is_an_error() {
    let mut damaged = LINES.to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    insta::assert_snapshot!(message(&damaged), @"its zstd cannot be read: its checksum is wrong");
}

#[test]
fn the_error_of_the_source_is_told_as_it_was() {
    struct Broken<'a>(&'a [u8]);
    impl Read for Broken<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::new(
                    io::ErrorKind::ConnectionReset,
                    "the peer left",
                )),
                count => Ok(count),
            }
        }
    }
    for length in [5, 100, LINES.len()] {
        let mut reader = decompress_within(Broken(&LINES[..length]), Expansion::default()).unwrap();
        let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{length}");
        assert_eq!(error.to_string(), "the peer left");
    }
}

proptest! {
    #[test]
    fn l13_no_damage_passes_the_checksum_or_panics(
        damages in proptest::collection::vec((0..LINES.len(), any::<u8>()), 1..4),
    ) {
        let mut damaged = LINES.to_vec();
        for (at, byte) in damages {
            damaged[at] = byte;
        }
        if let Ok(content) = read(&damaged) {
            // Some bits of a header mean nothing.
            prop_assert!(content == lines() || damaged[..4] != LINES[..4] || damaged[4] & 4 == 0);
        }
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&[header(17), bytes].concat());
    }
}
