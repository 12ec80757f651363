//! SIGINT and SIGTERM: the first stops the run in good order, the second ends the process at once.
//!
//! Signals are received on a thread and a runtime of their own: they work even when every worker is busy or blocked on a
//! terminal that was stopped with Ctrl-S. Children of the process are the engine's; they die with it.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::Exit;
use crate::terminal;

/// How long a graceful stop may take; then the process ends anyway.
const GRACE: Duration = Duration::from_millis(1900);

/// How much of [`GRACE`] the engine gets for ending executions.
pub(crate) const SHUTDOWN: Duration = Duration::from_millis(1500);

/// Cancels `cancel` on the first SIGINT or SIGTERM; ends the process on the second, or when stopping takes too long.
pub(crate) fn listen(cancel: CancellationToken) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut int, mut term) = {
        let _inside = runtime.enter();
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        )
    };
    let wait = move || {
        runtime.block_on(async {
            let mut next = async || {
                tokio::select! {
                    _ = int.recv() => {}
                    _ = term.recv() => {}
                }
            };
            next().await;
            cancel.cancel();
            let _ = tokio::time::timeout(GRACE, next()).await;
        });
        terminal::restore();
        leave();
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(wait)?;
    Ok(())
}

#[expect(
    clippy::exit,
    reason = "the last resort: the run did not stop by itself"
)]
fn leave() -> ! {
    std::process::exit(Exit::Interrupted as i32)
}
