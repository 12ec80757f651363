//! A toy workload on the store, with layers whose diff id can be computed without the real packer.

use std::error::Error;
use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use ci_oci::Digest;
use ci_store::{LayerPaths, Refs, Result, Sharing, Stat, StatCache, Store, patience};

/// Fills a layer with files that follow from `seed`.
pub(crate) fn fill(dir: &Path, seed: u64) -> io::Result<()> {
    for n in 0..12 {
        let dir = dir.join(format!("d{}/e{}", n % 3, n % 2));
        fs::create_dir_all(&dir)?;
        fs::write(dir.join(format!("f{n}")), format!("{seed} {n} ").repeat(40))?;
    }
    Ok(())
}

/// The diff id such a layer has: a digest of its paths and contents.
pub(crate) fn pack(layer: &LayerPaths) -> Result<Digest, Box<dyn Error + Send + Sync>> {
    let mut text = Vec::new();
    let mut queue = vec![layer.dir.clone()];
    while let Some(path) = queue.pop() {
        text.extend_from_slice(
            path.strip_prefix(&layer.dir)?
                .as_os_str()
                .as_encoded_bytes(),
        );
        if path.is_dir() {
            let entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
            queue.extend(entries.collect::<io::Result<Vec<_>>>()?);
            queue.sort();
        } else {
            text.extend(fs::read(path)?);
        }
    }
    Ok(Digest::of(text))
}

/// Does everything a build does to a store; `seed` decides the content.
pub(crate) fn build(store: &Store, seed: u64) -> Result<()> {
    let wait = &mut patience(Duration::from_secs(60));
    let lease = store.cache_volume("volume", Sharing::Shared, &mut |_| Ok(()), wait)?;
    drop(fs::write(lease.path().join(seed.to_string()), "x"));

    let bytes: Vec<u8> = (0..20_000_u64)
        .flat_map(|n| (n * seed).to_le_bytes())
        .collect();
    let blob = store.put_bytes(&bytes)?;
    let staging = store.stage()?;
    fill(&staging.fs, seed).map_err(failed(&staging.fs))?;
    fs::write(staging.work.join("left by the kernel"), "x").map_err(failed(&staging.work))?;
    let layer = LayerPaths {
        dir: staging.fs.clone(),
        owners: staging.owners.clone(),
    };
    let diff_id = pack(&layer).unwrap();
    staging.commit(&diff_id)?;
    let refs = Refs {
        layers: vec![diff_id],
        blobs: vec![blob],
    };
    store.put_result("exec", &Digest::of(seed.to_le_bytes()), &seed, refs)?;

    let stats = StatCache::load(store, Path::new("/src"));
    let stat = Stat {
        dev: 1,
        ino: seed,
        size: 1,
        mtime: 0,
        ctime: 0,
        seen: i64::MAX,
    };
    stats.insert(&stat, blob);
    stats.save()
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ci_store::Error {
    let path = path.to_owned();
    move |source| ci_store::Error::Io {
        doing: "fill",
        path,
        source,
    }
}

/// Fails unless the store is as it should be and nobody has left anything behind.
pub(crate) fn assert_clean(store: &Store) {
    let report = store.verify(&pack, &mut |_, _| ()).unwrap();
    assert!(report.is_clean(), "{:#?}", report.problems);
    assert_eq!(report.lost, ci_store::Usage::default());
    let left: Vec<_> = fs::read_dir(store.root().join("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
