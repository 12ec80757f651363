//! Changes to a checkout.

use std::fs;

use super::project::Project;

/// What a step says that hangs.
pub(crate) const HANGING: &str = "now it hangs";

impl Project {
    /// Writes a file of the checkout.
    #[track_caller]
    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Changes a file of the checkout, in which `from` must be once.
    #[track_caller]
    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.root.join(path)).unwrap();
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {path}");
        self.write(path, &text.replace(from, to));
    }

    /// The line of a file, counted from 1, that contains `part`.
    #[track_caller]
    pub(crate) fn line_of(&self, path: &str, part: &str) -> usize {
        let text = fs::read_to_string(self.root.join(path)).unwrap();
        text.lines().position(|line| line.contains(part)).unwrap() + 1
    }

    /// Lets the compilation of `web` begin, and never end.
    pub(crate) fn hang_compiling(&self) {
        let script = "fn main() { loop { std::thread::park(); } }\n";
        self.write("tests/services/web/build.rs", script);
    }

    /// Lets a step of `worker` begin, and never end; it says so with [`HANGING`].
    pub(crate) fn hang_step(&self) {
        let step = "RUN sh scripts/seal.sh /out/schedule && cat /out/schedule";
        let hanging = format!("RUN echo {HANGING}; sleep 600 | sleep 600");
        self.replace("tests/services/jobs/Dockerfile", step, &hanging);
    }

    /// Undoes what was done to the checkout.
    pub(crate) fn restore(&self) {
        self.git(&["checkout", "--quiet", "."]);
        self.git(&["clean", "--quiet", "--force", "-d"]);
    }
}
