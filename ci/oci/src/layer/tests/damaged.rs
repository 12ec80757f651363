//! Archives that are damaged, contradict themselves or cost too much. The ids are those of the project's list of attacks.

use super::*;

#[track_caller]
fn damaged(tar: &[u8]) -> String {
    match unpack_bytes(tar) {
        Err(LayerError::Archive(error)) => error.problem.to_string(),
        Err(other) => panic!("refused for another reason: {other}"),
        Ok(layer) => panic!("accepted:\n{}", layer.tree()),
    }
}

/// Writes a header's checksum anew after a change.
fn seal(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header[..512].iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A header block of `flag` with a body, as it is.
fn block(flag: u8, size: usize, body: &[u8]) -> Vec<u8> {
    let mut tar = Archive::default().file("name", "").0;
    tar[156] = flag;
    tar[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
    seal(&mut tar);
    tar.extend_from_slice(body);
    tar.resize(tar.len().next_multiple_of(512), 0);
    tar
}

/// An extended header with these records, before a file called `name` with this content.
fn extended(records: &str, content: &str) -> Vec<u8> {
    let mut tar = block(b'x', records.len(), records.as_bytes());
    tar.extend(Archive::default().file("name", content).end());
    tar
}

fn record(keyword: &str, value: &str) -> String {
    let rest = format!(" {keyword}={value}\n");
    let mut length = rest.len();
    while length.to_string().len() + rest.len() != length {
        length += 1;
    }
    format!("{length}{rest}")
}

#[test]
fn l8_the_size_of_the_extended_header_counts() {
    // To a reader that believes the plain header, the content is empty and holds another entry.
    let smuggled = Archive::default().file("smuggled", "").0;
    let mut tar = extended(&record("size", "512"), "");
    tar.truncate(tar.len() - 1024);
    tar.extend(&smuggled);
    tar.extend(Archive::default().file("after", "x").end());
    let layer = unpack_bytes(&tar).unwrap();
    let names: Vec<_> = fs::read_dir(layer.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(fs::read(layer.path().join("name")).unwrap(), smuggled);

    let mut directory = block(b'x', 11, record("size", "5").as_bytes());
    directory.truncate(1024);
    directory.extend(Archive::default().directory("d").end());
    assert_eq!(
        damaged(&extended(&record("size", "18446744073709551615"), "")),
        format!("a size of more than {}", 64u64 << 30)
    );
    assert_eq!(
        damaged(&extended(&record("size", "18446744073709551616"), "")),
        "the field `size` of a header is not a number in range"
    );
}

#[test]
fn l8_what_can_have_no_content_states_none() {
    for flag in [b'1', b'2', b'5', b'6'] {
        let mut tar = block(flag, 512, &[b'x'; 512]);
        tar.extend(tar::END);
        assert_eq!(
            damaged(&tar),
            "an entry that can have no content states a size"
        );
    }
}

#[test]
fn l9_a_malformed_extended_header_is_an_error() {
    for records in [
        "5 a=b\n",
        "7 a=b\n",
        "6 a=b ",
        "6 ab=\n6",
        "x a=b\n",
        "+6 a=b\n",
        "06 a=b",
        "6 =ab\n",
        "6  ab\n",
        "99999999999999999999999 a=b\n",
        "\0\0\0",
        " 6 a=b\n",
        "6 abc\n",
    ] {
        assert_eq!(
            damaged(&extended(records, "")),
            "an extended header is malformed: a record does not have the length it states",
            "{records:?}"
        );
    }
    for (keyword, value) in [
        ("uid", "-1"),
        ("gid", "4294967296"),
        ("size", "0x10"),
        ("size", " 1"),
        ("mtime", "1.x"),
        ("mtime", "now"),
    ] {
        let problem = damaged(&extended(&record(keyword, value), ""));
        assert_eq!(
            problem,
            format!("the field `{keyword}` of a header is not a number in range")
        );
    }
    assert_eq!(
        damaged(&extended(&record("path", "a\0b"), "")),
        "an extended header is malformed: a name contains NUL"
    );
}

#[test]
fn l9_headers_that_programs_read_differently_are_refused() {
    let twice = [block(b'x', 8, b"8 a=bcd\n"), extended("8 a=bcd\n", "")].concat();
    assert_eq!(damaged(&twice), "extended headers contradict each other");
    let two_names = [
        block(b'L', 5, b"gnu\0\0"),
        extended(&record("path", "pax"), ""),
    ]
    .concat();
    assert_eq!(
        damaged(&two_names),
        "extended headers contradict each other"
    );
    let of_nothing = [block(b'x', 8, b"8 a=bcd\n"), tar::END.to_vec()].concat();
    assert_eq!(
        damaged(&of_nothing),
        "extended headers contradict each other"
    );

    let global = |records: &str| {
        [
            block(b'g', records.len(), records.as_bytes()),
            Archive::default().file("a", "").end(),
        ]
        .concat()
    };
    assert!(unpack_bytes(&global(&record("comment", "0123abcd"))).is_ok());
    assert_eq!(
        damaged(&global(&record("path", "b"))),
        "a global header sets `path`, which programs read differently"
    );
}

#[test]
fn l12_limits_hold() {
    let limits = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    let problem = |tar: &[u8], limits: Limits| match unpack_as(tar, &limits, Ownership::Record) {
        Err(LayerError::Archive(error)) => error.problem.to_string(),
        Err(other) => other.to_string(),
        Ok(_) => "accepted".to_owned(),
    };
    let three = Archive::default()
        .file("a", "")
        .file("b", "")
        .file("c", "")
        .end();
    assert_eq!(problem(&three, limits(|l| l.entries = 3)), "accepted");
    assert_eq!(
        problem(&three, limits(|l| l.entries = 2)),
        "entries of more than 2"
    );
    let long = Archive::default().file("x/".repeat(2048), "").end();
    assert_eq!(
        problem(&long, Limits::default()),
        "a name of more than 4095"
    );
    let long = Archive::default()
        .symbolic_link("a", &"x".repeat(4096))
        .end();
    assert_eq!(
        problem(&long, Limits::default()),
        "a name of more than 4095"
    );
    let sized = Archive::default().file("a", &"x".repeat(2000)).end();
    assert_eq!(
        problem(&sized, limits(|l| l.size = 512 + 2048 + 1024)),
        "accepted"
    );
    assert_eq!(
        problem(&sized, limits(|l| l.size = 2000)),
        "a size of more than 2000"
    );
    let four_mebibytes = extended(&record("path", &"x".repeat(4 << 20)), "");
    assert_eq!(
        problem(&four_mebibytes, Limits::default()),
        "an extended header of more than 1048576"
    );
    // Claims much and brings nothing: refused before anything is allocated or written.
    let claim = [block(b'0', 1 << 32, b""), tar::END.to_vec()].concat();
    assert_eq!(
        problem(&claim, limits(|l| l.size = 1 << 30)),
        "a size of more than 1073741824"
    );
    let part = "x".repeat(256);
    assert!(
        problem(&Archive::default().file(part, "").end(), Limits::default())
            .contains("name too long")
    );
}

#[test]
fn l12_sparse_files_are_refused() {
    assert_eq!(
        damaged(&[block(b'S', 0, b""), tar::END.to_vec()].concat()),
        "sparse files are not supported"
    );
    assert_eq!(
        damaged(&extended(&record("GNU.sparse.major", "1"), "")),
        "sparse files are not supported"
    );
    assert_eq!(
        damaged(&[block(b'V', 0, b""), tar::END.to_vec()].concat()),
        "entries of type 'V' are not supported"
    );
}

#[test]
fn l13_truncated_and_overlong_archives_are_refused() {
    let whole = Archive::default()
        .directory("d")
        .file("d/a", &"x".repeat(700))
        .end();
    assert!(unpack_bytes(&whole).is_ok());
    // Blocks: the directory, the file, two of content, two of zeros. The last entry needs no padding, and the end no marker.
    for length in 0..whole.len() {
        let is_whole = match length {
            0 | 512 | 2560 => true,
            length => (1024 + 700..=2048).contains(&length),
        };
        let unpacked = unpack_bytes(&whole[..length]);
        match unpacked {
            Ok(layer) => {
                assert!(is_whole, "{length}");
                assert_eq!(layer.unpacked.diff_id, Digest::of(&whole[..length]));
            }
            Err(_) => {
                assert!(!is_whole, "{length}");
                assert_eq!(damaged(&whole[..length]), "it is truncated", "{length}");
            }
        }
    }
    // Padding to the size of a tape record is part of the format.
    let padded = [whole.clone(), vec![0; 8192]].concat();
    assert_eq!(
        unpack_bytes(&padded).unwrap().unpacked.diff_id,
        Digest::of(&padded)
    );
    for garbage in [&b"x"[..], &[0, 0, 1], &whole] {
        assert_eq!(damaged(&[&whole, garbage].concat()), "data follows its end");
    }
}

#[test]
fn l13_a_wrong_checksum_is_refused() {
    let mut tar = Archive::default().file("a", "x").end();
    tar[0] = b'b';
    assert_eq!(damaged(&tar), "a header's checksum is wrong");
}
