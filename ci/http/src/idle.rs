//! Waiting for what takes any time, as long as something moves.

use std::pin::pin;
use std::time::Duration;

/// What `work` gives; `None` when nothing moved for `idle` (and at most twice that). `moved` says whether something has since it
/// was asked last.
pub(crate) async fn watched<T>(
    work: impl Future<Output = T>,
    idle: Duration,
    mut moved: impl FnMut() -> bool,
) -> Option<T> {
    let mut work = pin!(work);
    loop {
        match tokio::time::timeout(idle, &mut work).await {
            Ok(result) => return Some(result),
            Err(_) if moved() => {}
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn what_moves_may_take_any_time() {
        let work = tokio::time::sleep(100 * IDLE);
        assert!(watched(work, IDLE, || true).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn what_stops_moving_ends() {
        let start = tokio::time::Instant::now();
        let mut left = 3;
        let moved = || {
            left -= 1;
            left > 0
        };
        let never = std::future::pending::<()>();
        assert_eq!(watched(never, IDLE, moved).await, None);
        assert!(start.elapsed() <= 4 * IDLE);
    }
}
