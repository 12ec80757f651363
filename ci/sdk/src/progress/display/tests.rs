//! Tests of `display`: what it promises.

use std::sync::Arc;

use ci_engine::progress::{Outcome, Stream};

use super::*;
use crate::terminal::Size;

#[test]
fn what_was_reported_before_the_end_is_shown_and_what_comes_later_is_dropped() {
    let (sender, receiver) = sync_channel(QUEUE);
    let to_display = sender.clone();
    let progress = Progress::new(move |event| drop(to_display.send(Message::Event(event))));
    let step = progress.start(&Arc::from("web"), "RUN make", None);
    step.output(Stream::Stdout, b"hello\n");
    step.finish(Outcome::Cached);
    sender.send(Message::Log("a log line".into())).unwrap();
    sender.send(Message::Close).unwrap();
    let mut screen = Screen {
        renderer: renderer(ProgressChoice::Plain, Paint::new(false)),
        model: Model::new(Colours::Drop),
        began: Instant::now(),
    };
    let mut written = Vec::new();
    screen.run(
        &receiver,
        &|| Size {
            columns: 80,
            rows: 24,
        },
        &mut written,
    );
    assert_eq!(
        String::from_utf8(written).unwrap(),
        "#web hello\nweb  RUN make  CACHED\na log line\n"
    );
    drop(receiver);
    progress
        .start(&Arc::from("web"), "late", None)
        .finish(Outcome::Done);
}

#[test]
fn a_reader_that_left_does_not_end_the_run() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut out = "text".to_owned();
    flush(&mut out, &mut Gone);
    assert_eq!(out, "");
}
