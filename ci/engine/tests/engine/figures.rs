//! Figures, not tests: what a step costs. Run with `cargo test --release -p ci-engine --test engine -- --ignored figures`.

use std::time::Instant;

use ci_registry::RegistryConfig;
use libtest_mimic::Trial;

use crate::dockerfile::build;
use crate::fixture::{Fixture, TestResult, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("figures: a RUN step of true", run_true).with_ignored_flag(true),
        test(
            "figures: COPY of 2,000 files, unchanged, and with one changed",
            copy_many,
        )
        .with_ignored_flag(true),
        test(
            "figures: pull the image named by FIGURES_IMAGE, over plain HTTP",
            pull,
        )
        .with_ignored_flag(true),
    ]
}

async fn pull(mut fixture: Fixture) -> TestResult {
    let Ok(image) = std::env::var("FIGURES_IMAGE") else {
        eprintln!("set FIGURES_IMAGE=HOST:PORT/REPOSITORY:TAG");
        return Ok(());
    };
    let plain_http = RegistryConfig {
        plain_http: true,
        ..RegistryConfig::default()
    };
    let reference: ci_oci::Reference = image.parse()?;
    let host = reference.registry().to_owned();
    fixture.registries.registries.insert(host, plain_http);
    for what in ["cold", "again"] {
        let began = Instant::now();
        let engine = fixture.engine().await;
        engine
            .query("figures")
            .container()
            .from(&image)
            .sync()
            .await?;
        engine.shutdown().await;
        drop(engine);
        eprintln!("{what}: {:.1} ms", began.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(())
}

async fn timed(fixture: &Fixture, what: &str) -> TestResult {
    let began = Instant::now();
    let engine = fixture.engine().await;
    build(&engine.query("figures"), fixture)
        .await?
        .sync()
        .await?;
    engine.shutdown().await;
    drop(engine);
    eprintln!("{what}: {:.1} ms", began.elapsed().as_secs_f64() * 1000.0);
    Ok(())
}

async fn run_true(fixture: Fixture) -> TestResult {
    const STEPS: usize = 100;
    fixture.write("Dockerfile", "FROM base\n");
    timed(&fixture, "base").await?;
    timed(&fixture, "base, again").await?;
    let steps: String = (0..STEPS)
        .map(|step| format!("RUN [\"/bin/true\", \"{step}\"]\n"))
        .collect();
    fixture.write("Dockerfile", &format!("FROM base\n{steps}"));
    timed(&fixture, "100 RUN steps of true").await?;
    timed(&fixture, "100 RUN steps of true, again").await
}

async fn copy_many(fixture: Fixture) -> TestResult {
    for number in 0..2000 {
        fixture.write(
            &format!("src/{}/{number}.txt", number % 40),
            &format!("{number}\n").repeat(200),
        );
    }
    std::thread::sleep(std::time::Duration::from_secs(3));
    fixture.write("Dockerfile", "FROM base AS build\nCOPY src /src\nRUN cat /src/0/0.txt > /out\nFROM base\nCOPY --from=build /out /out\n");
    timed(&fixture, "2,000 files").await?;
    timed(&fixture, "2,000 files, again").await?;
    fixture.write("src/0/0.txt", "changed");
    timed(&fixture, "2,000 files, one changed").await
}
