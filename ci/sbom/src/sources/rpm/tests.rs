//! Databases as RPM and Berkeley DB wrote them (see `tests/fixtures/README.md`), and what became of them.

use std::io::Read;

use proptest::prelude::*;

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/{name}.gz", env!("CARGO_MANIFEST_DIR"));
    let mut content = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap())
        .read_to_end(&mut content)
        .unwrap();
    content
}

/// Every header of a database.
fn headers(kind: Kind, content: &[u8]) -> Vec<Vec<u8>> {
    let mut headers = Vec::new();
    let mut take = |header: Cow<'_, [u8]>| headers.push(header.into_owned());
    match kind {
        Kind::RpmSqlite => sqlite::headers(content, &mut take),
        Kind::RpmNdb => ndb::headers(content, &mut take),
        _ => berkeley::headers(content, &mut take),
    }
    .unwrap();
    headers.sort();
    headers
}

/// The same packages in RPM's own format.
fn ndb(headers: &[Vec<u8>]) -> Vec<u8> {
    let mut content = b"RpmP".to_vec();
    for word in [0_u32, 7, 1, 9, 0, 0, 0] {
        content.extend(word.to_le_bytes());
    }
    let mut blobs: Vec<u8> = Vec::new();
    for (at, header) in headers.iter().enumerate() {
        let number = at as u32 + 1;
        content.extend(b"Slot");
        for word in [
            number,
            (4096 + blobs.len() as u32) / 16,
            1 + header.len() as u32 / 16,
        ] {
            content.extend(word.to_le_bytes());
        }
        blobs.extend(b"BlbS");
        for word in [number, 0, header.len() as u32] {
            blobs.extend(word.to_le_bytes());
        }
        blobs.extend(header);
        blobs.resize(blobs.len().next_multiple_of(16) + 16, 0);
    }
    while content.len() < 4096 {
        content.extend(b"Slot\0\0\0\0\0\0\0\0\0\0\0\0");
    }
    content.extend(blobs);
    content
}

fn databases() -> Vec<(Kind, Vec<u8>)> {
    let sqlite = fixture("rpmdb.sqlite");
    let ndb = ndb(&headers(Kind::RpmSqlite, &sqlite));
    vec![
        (Kind::RpmSqlite, sqlite),
        (Kind::RpmNdb, ndb),
        (Kind::RpmBerkeley, fixture("Packages")),
        (Kind::RpmBerkeley, fixture("Packages.be")),
    ]
}

#[test]
fn the_same_packages_are_in_a_database_of_every_format() {
    for (kind, content) in databases() {
        let mut packages = parse(kind, &content).unwrap();
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        let told: Vec<String> = packages
            .iter()
            .map(|it| {
                let license = it.license.as_ref().unwrap().expression();
                format!("{} {license} {:?}", it.purl().unwrap(), it.supplier)
            })
            .collect();
        insta::allow_duplicates! {
            insta::assert_snapshot!(told.join("\n"), @r#"
            pkg:rpm/hello-libs@1.0-3.fc40?arch=noarch&epoch=2&upstream=hello-libs-1.0-3.fc40.src.rpm GPL-2.0-or-later AND LicenseRef-BSD Some("Example Project")
            pkg:rpm/other@5.4~rc1-1?arch=x86_64&upstream=other-5.4~rc1-1.src.rpm MIT None
            "#);
        }
    }
}

#[test]
fn a_header_that_takes_many_pages_is_whole() {
    let all = databases()
        .into_iter()
        .map(|(kind, content)| headers(kind, &content));
    let all: Vec<_> = all.collect();
    assert!(all[0].iter().any(|it| it.len() > 3 * 4096));
    assert!(all.iter().all(|it| *it == all[0]));
}

#[test]
fn keys_of_signers_are_no_packages() {
    // Tags 1000 to 1002, and the values.
    let mut header = Vec::new();
    for word in [3_u32, 15] {
        header.extend(word.to_be_bytes());
    }
    for (tag, offset) in [(1000_u32, 0_u32), (1001, 11), (1002, 13)] {
        for word in [tag, 6, offset, 1] {
            header.extend(word.to_be_bytes());
        }
    }
    header.extend(b"gpg-pubkey\x001\x002\0");
    assert_eq!(header::parse(&header), Some(None));
    header[56..59].copy_from_slice(b"abc");
    assert_eq!(header::parse(&header).unwrap().unwrap().name, "abc-pubkey");
}

#[test]
fn what_is_no_database_is_told_and_an_empty_file_is_none() {
    for kind in [Kind::RpmSqlite, Kind::RpmNdb, Kind::RpmBerkeley] {
        assert!(parse(kind, b"something else").is_err());
        assert_eq!(parse(kind, b""), Ok(Vec::new()));
    }
    assert!(parse(Kind::RpmLog, b"frames").is_err());
}

#[test]
fn pages_that_lead_in_a_circle_end() {
    let mut sqlite = fixture("rpmdb.sqlite");
    // Every page a leaf's parent, whose only child is the first page.
    for page in sqlite.chunks_exact_mut(4096).skip(1) {
        page[..12].copy_from_slice(&[5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    }
    assert!(parse(Kind::RpmSqlite, &sqlite).is_err());
    let mut berkeley = fixture("Packages");
    for page in berkeley.chunks_exact_mut(4096).filter(|it| it[25] == 7) {
        page[16..20].copy_from_slice(&1_u32.to_le_bytes());
        page[22..24].copy_from_slice(&0_u16.to_le_bytes());
    }
    assert!(parse(Kind::RpmBerkeley, &berkeley).is_err());
}

proptest! {
    #[test]
    fn damaged_databases_are_read_or_refused(
        database in 0..4_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        length in any::<prop::sample::Index>(),
    ) {
        let (kind, mut content) = databases().swap_remove(database);
        for (at, byte) in changes {
            let at = at.index(content.len());
            content[at] = byte;
        }
        let _ = parse(kind, &content);
        content.truncate(length.index(content.len()));
        let _ = parse(kind, &content);
    }
}
