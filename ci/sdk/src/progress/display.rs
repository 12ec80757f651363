//! The thread that shows progress: takes events from the engine, keeps the time, writes to standard error.

use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use ci_engine::Progress;
use ci_engine::progress::Event;

use super::{Model, Renderer, renderer};
use crate::terminal::{self, Paint, ProgressChoice, Size};
use crate::text::{self, Colours};

/// How many messages may wait. A reader of standard error that is slower than the build slows the build, as it would
/// without us in between; memory stays bounded.
const QUEUE: usize = 1024;

/// How many messages are taken in before anything is written; no flood of output keeps the clock from being shown.
const BATCH: usize = 256;

enum Message {
    Event(Event),
    Log(String),
    Close,
}

/// Shows a run until [`Display::close`].
pub(crate) struct Display {
    sender: SyncSender<Message>,
    thread: Option<JoinHandle<Model>>,
    colours: Colours,
}

/// Sends lines of the program's log to where they do not break the tree.
#[derive(Clone)]
pub(crate) struct LogSink(SyncSender<Message>);

impl Display {
    /// Starts the thread; the returned [`Progress`] reports to it.
    pub(crate) fn start(choice: ProgressChoice, paint: Paint) -> std::io::Result<(Self, Progress)> {
        let colours = if paint.is_on() && choice != ProgressChoice::Json {
            Colours::Keep
        } else {
            Colours::Drop
        };
        let (sender, receiver) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("progress".into())
            .spawn(move || {
                let mut screen = Screen {
                    renderer: renderer(choice, paint),
                    model: Model::new(colours),
                    began: Instant::now(),
                };
                screen.run(&receiver, &terminal::size, &mut std::io::stderr());
                screen.model
            })?;
        let events = sender.clone();
        // Events after the end have nobody to see them.
        let progress = Progress::new(move |event| drop(events.send(Message::Event(event))));
        Ok((
            Self {
                sender,
                thread: Some(thread),
                colours,
            },
            progress,
        ))
    }

    /// Where the program's log goes while this display lives.
    pub(crate) fn log(&self) -> LogSink {
        LogSink(self.sender.clone())
    }

    /// Shows the end of the run, restores the terminal, and hands out what was seen.
    pub(crate) fn close(mut self) -> Model {
        self.end().unwrap_or_else(|| Model::new(self.colours))
    }

    fn end(&mut self) -> Option<Model> {
        let thread = self.thread.take()?;
        let _ = self.sender.send(Message::Close);
        thread.join().ok()
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.end();
    }
}

impl Write for LogSink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let _ = self.0.send(Message::Log(text::clean(line, Colours::Drop)));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Screen {
    renderer: Box<dyn Renderer>,
    model: Model,
    began: Instant,
}

impl Screen {
    fn run(&mut self, messages: &Receiver<Message>, size: &dyn Fn() -> Size, to: &mut dyn Write) {
        let mut out = String::new();
        let mut last_tick = Instant::now();
        loop {
            let message = match self.renderer.interval() {
                Some(interval) => {
                    messages.recv_timeout(interval.saturating_sub(last_tick.elapsed()))
                }
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let mut open = match message {
                Ok(message) => self.take(message, &mut out),
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => false,
            };
            for message in messages.try_iter().take(BATCH) {
                open = open && self.take(message, &mut out);
            }
            if !open {
                self.renderer
                    .close(&self.model, self.began.elapsed(), size(), &mut out);
                flush(&mut out, to);
                return;
            }
            if self
                .renderer
                .interval()
                .is_some_and(|interval| last_tick.elapsed() >= interval)
            {
                last_tick = Instant::now();
                self.renderer
                    .tick(&self.model, self.began.elapsed(), size(), &mut out);
            }
            flush(&mut out, to);
        }
    }

    /// Whether more may come.
    fn take(&mut self, message: Message, out: &mut String) -> bool {
        match message {
            Message::Event(event) => {
                let now = self.began.elapsed();
                for change in self.model.apply(event, now) {
                    self.renderer.change(&self.model, &change, now, out);
                }
                true
            }
            Message::Log(line) => {
                self.renderer.log(&line, out);
                true
            }
            Message::Close => false,
        }
    }
}

/// Progress that cannot be shown is no reason to fail: the reader may have left.
fn flush(out: &mut String, to: &mut dyn Write) {
    if out.is_empty() {
        return;
    }
    let hides = out.rfind(terminal::HIDE_CURSOR);
    let shows = out.rfind(terminal::SHOW_CURSOR);
    if hides.is_some() || shows.is_some() {
        terminal::cursor_is_hidden(hides > shows);
    }
    let _ = to.write_all(out.as_bytes()).and_then(|()| to.flush());
    out.clear();
}

#[cfg(test)]
mod tests;
