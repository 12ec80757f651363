//! Tests of `record`: what it promises.

use proptest::prelude::*;

use super::*;

fn sample() -> Vec<u8> {
    encode(&("text".to_owned(), 42_u32)).unwrap()
}

#[test]
fn a_record_reads_as_it_was_written() {
    assert_eq!(
        decode::<(String, u32)>(&sample()),
        Some(("text".to_owned(), 42))
    );
}

#[test]
fn a_record_of_another_type_or_format_is_not_read_c4() {
    assert_eq!(decode::<Vec<u32>>(&sample()), None);
    let later = String::from_utf8(sample())
        .unwrap()
        .replacen("ci-store 1", "ci-store 2", 1);
    assert_eq!(decode::<(String, u32)>(later.as_bytes()), None);
}

#[test]
fn what_a_power_loss_leaves_is_told_from_damage_c4() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("record");
    let read_back = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        read::<(String, u32)>(&path)
    };
    assert_eq!(read_back(&[]), Read::Blank);
    assert_eq!(read_back(&[0; 512]), Read::Blank);
    assert_eq!(read_back(b"{}"), Read::Broken);
    assert_eq!(read_back(&sample()), Read::Whole(("text".to_owned(), 42)));
    fs::remove_file(&path).unwrap();
    assert_eq!(read::<(String, u32)>(&path), Read::Absent);
}

proptest! {
    #[test]
    fn no_damaged_record_is_ever_read_c4(at in 0..sample().len(), bit in 0..8_u32, cut in any::<bool>()) {
        let mut bytes = sample();
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        prop_assert_eq!(decode::<(String, u32)>(&bytes), None);
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode::<(String, u32)>(&bytes);
    }
}
