//! `File.exportLayout`: images in OCI image layouts.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ci_oci::{Layout, Platform};
use dagger_sdk::File;
use libtest_mimic::{Failed, Trial};

use crate::fixture::{Fixture, TestResult, base, path, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "a layout and an archive hold the same image, and the layout shares its layers with the store",
            same_image,
        ),
        test(
            "an image takes the place of the one that had its name in a layout",
            replaced,
        ),
        test(
            "only images that the engine has built go into a layout",
            no_image,
        ),
    ]
}

async fn export(file: &File, layout: &Path, name: &str) -> Result<String, Failed> {
    let call = file.selection.select("exportLayout");
    let call = call.arg("path", path(layout)).arg("name", name);
    Ok(call.execute(file.graphql_client.clone()).await?)
}

async fn same_image(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let image = base(&engine.query("test"), &fixture).as_tarball();
    let dir = fixture.dir.path().join("layout");
    assert_eq!(export(&image, &dir, "web").await?, path(&dir));

    let archive = fixture.dir.path().join("image.tar");
    image.export(path(&archive)).await?;
    let unpacked = Layout::create(&fixture.dir.path().join("unpacked"))?;
    ci_oci::archive::read(&mut std::fs::File::open(archive)?, &unpacked)?;
    let layout = Layout::open(&dir)?;
    let platform = Platform::host();
    let (there, here) = (
        unpacked.resolve(None, &platform)?,
        layout.resolve(Some("web"), &platform)?,
    );
    assert_eq!(here.descriptor.digest, there.descriptor.digest);
    for layer in &here.manifest.layers {
        let blob = std::fs::metadata(layout.blob_path(&layer.digest))?;
        assert!(blob.nlink() > 1, "{} was copied", layer.digest);
        layout.open_blob(layer)?;
    }
    Ok(())
}

async fn replaced(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let image = base(&engine.query("test"), &fixture);
    let dir = fixture.dir.path().join("layout");
    for (label, name) in [("one", "web"), ("two", "web"), ("two", "other")] {
        let labelled = image.with_label("which", label).as_tarball();
        export(&labelled, &dir, name).await?;
    }
    let layout = Layout::open(&dir)?;
    let label = |name| -> Result<String, Failed> {
        let image = layout.resolve(Some(name), &Platform::host())?;
        Ok(image.config.config.labels["which"].clone())
    };
    assert_eq!(
        (label("web")?, label("other")?),
        ("two".into(), "two".into())
    );
    assert_eq!(layout.images()?.len(), 2);
    Ok(())
}

async fn no_image(fixture: Fixture) -> TestResult {
    let engine = fixture.engine().await;
    let directory = engine.query("test").directory();
    let file = directory.with_new_file("image.tar", "").file("image.tar");
    let dir = fixture.dir.path().join("layout");
    let error = export(&file, &dir, "web").await.unwrap_err();
    let message = error.message().unwrap_or_default();
    assert!(
        message.contains("is not an image that this engine has built"),
        "{message}"
    );
    assert!(!dir.exists());
    Ok(())
}
