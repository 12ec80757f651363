//! What is built: a context of 2,000 files and a Dockerfile of two stages with ten RUN steps.

use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Files in the context.
const FILES: usize = 2_000;

/// Sizes of files, in words: most are small, as in any repository.
const WORDS: [usize; 8] = [40, 80, 150, 200, 300, 600, 1_200, 2_400];

/// Half of the steps do not see the context, as where dependencies are installed before the sources are copied. One reads
/// all of it. What it writes shows that it did, and ends up in the image.
const STEPS: &str = "\
WORKDIR /app
RUN mkdir steps
RUN echo one > steps/1
RUN echo two > steps/2
RUN echo three > steps/3
RUN echo four > steps/4
COPY src src
RUN find src -type f | sort | xargs sha256sum > steps/5
RUN test \"$(wc -l < steps/5)\" = 2000 && echo six > steps/6
RUN echo seven > steps/7
RUN echo eight > steps/8
RUN cat steps/* > steps/9
";

/// Writes the context, Dockerfile included, into the directory `dir`. Always the same files.
pub(crate) fn write(dir: &Path, base: &str) -> eyre::Result<()> {
    let mut random = Random(1);
    for index in 0..FILES {
        let parent = dir.join(format!("src/part-{:02}/{}", index % 40, index % 5));
        fs::create_dir_all(&parent)?;
        let text = text(&mut random, WORDS[index % WORDS.len()]);
        fs::write(parent.join(format!("file-{index:04}.rs")), text)?;
    }
    let dockerfile = format!(
        "FROM {base} AS build\n{STEPS}\nFROM {base}\nCOPY --from=build /app /app\nCMD [\"cat\", \"/app/steps/9\"]\n"
    );
    fs::write(dir.join("Dockerfile"), dockerfile)?;
    Ok(())
}

/// Writes a context that makes any builder fetch and unpack the base image, and nothing else.
pub(crate) fn write_base_only(dir: &Path, base: &str) -> eyre::Result<()> {
    fs::create_dir_all(dir)?;
    fs::write(dir.join("Dockerfile"), format!("FROM {base}\nRUN true\n"))?;
    Ok(())
}

/// Changes one file of the context; each `time` differently.
pub(crate) fn change(dir: &Path, time: usize) -> eyre::Result<()> {
    let file = dir.join("src/part-07/2/file-0007.rs");
    let before = fs::read_to_string(&file)?;
    fs::write(file, format!("{before}// change {time}\n"))?;
    Ok(())
}

/// Text that compresses about as well as source code does.
fn text(random: &mut Random, words: usize) -> String {
    const WORDS: [&str; 16] = [
        "let", "fn", "struct", "impl", "return", "match", "value", "index", "name", "path", "self",
        "result", "error", "config", "=", "{\n",
    ];
    let mut text = String::new();
    for _ in 0..words {
        let word = WORDS[random.below(WORDS.len())];
        // Writing to a string cannot fail.
        let _ = match random.below(4) {
            0 => writeln!(text, "{word}_{};", random.below(1_000)),
            _ => write!(text, "{word} "),
        };
    }
    text
}

/// A linear congruential generator (Knuth's MMIX): all that is asked of it is the same text every time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // The upper bits are the random ones.
        (self.0 >> 33) as usize % bound
    }
}
