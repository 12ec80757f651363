//! One round of one builder: each situation built in, with the time it took.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use test_support::registry::Registry;

use crate::base;
use crate::builders::{Builder, Kind};
use crate::workload;

/// What a builder has before it builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Situation {
    /// Nothing: the base image is pulled from the registry.
    Cold,
    /// The base image, unpacked.
    BasePresent,
    /// The same build, but one file of the context was changed since.
    OneFileChanged,
    /// The same build.
    Unchanged,
}

impl Situation {
    pub(crate) const ALL: [Self; 4] = [
        Self::Cold,
        Self::BasePresent,
        Self::OneFileChanged,
        Self::Unchanged,
    ];

    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold, base image pulled",
            Self::BasePresent => "base image present",
            Self::OneFileChanged => "one file changed",
            Self::Unchanged => "unchanged",
        }
    }

    /// For programs.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::BasePresent => "base_present",
            Self::OneFileChanged => "one_file_changed",
            Self::Unchanged => "unchanged",
        }
    }

    /// How many times faster than the better peer we want to be.
    pub(crate) fn aim(self) -> f64 {
        match self {
            Self::Cold | Self::BasePresent => 2.0,
            Self::OneFileChanged => 3.0,
            Self::Unchanged => 5.0,
        }
    }
}

/// All measurements.
pub(crate) type Samples = BTreeMap<(Situation, Kind), Vec<Duration>>;

/// How often a round repeats what needs no new state.
const REPEATED: usize = 3;

/// A file that was changed just now is read again by whoever judges by times (git, and so do we). Sources are older than
/// that when people build, and so they are here.
const AGE: Duration = Duration::from_millis(2_100);

/// Builds in every situation.
pub(crate) fn round(
    kind: Kind,
    work: &Path,
    registry: &Registry,
    round: usize,
    samples: &mut Samples,
) -> eyre::Result<()> {
    let dir = work.join(format!("{}-{round}", kind.key()));
    let mut take = |situation, builder: &mut dyn Builder| -> eyre::Result<()> {
        // What was written before must not be flushed at the expense of what is measured.
        rustix::fs::sync();
        let began = Instant::now();
        builder.build("app")?;
        let taken = began.elapsed();
        samples.entry((situation, kind)).or_default().push(taken);
        Ok(())
    };

    let mut builder = kind.start(&dir.join("first"), registry)?;
    let context = builder.context("app");
    workload::write(&context, &registry.reference(base::NAME))?;
    std::thread::sleep(AGE);
    take(Situation::Cold, &mut *builder)?;
    for _ in 0..REPEATED {
        take(Situation::Unchanged, &mut *builder)?;
    }
    for time in 0..REPEATED {
        workload::change(&context, time)?;
        std::thread::sleep(AGE);
        take(Situation::OneFileChanged, &mut *builder)?;
    }
    drop(builder);

    let mut builder = kind.start(&dir.join("second"), registry)?;
    workload::write_base_only(&builder.context("base"), &registry.reference(base::NAME))?;
    builder.build("base")?;
    workload::write(&builder.context("app"), &registry.reference(base::NAME))?;
    std::thread::sleep(AGE);
    take(Situation::BasePresent, &mut *builder)
}
