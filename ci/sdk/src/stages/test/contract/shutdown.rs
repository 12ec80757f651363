//! How a service leaves. From SIGTERM on: first it says that it is not ready, while it still takes connections, so that load
//! balancers stop sending it requests; requests that began before are answered; then it exits, within its grace period.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::http::{self, Exchange, HttpError, Response};
use super::{Point, Service, time};
use crate::units;

/// The pause between two questions whether it is ready.
const PAUSE: Duration = Duration::from_millis(10);

/// How long a request under way may outlast the process it is with: until the end of the connection has come through.
const LAST_BYTES: Duration = Duration::from_millis(500);

/// What readiness did, as times since SIGTERM.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Readiness {
    /// When it last answered 200.
    ready: Option<Duration>,
    /// When it first answered otherwise, and with what.
    not_ready: Option<(Duration, u16)>,
    /// When it was ready again after it was not.
    ready_again: Option<Duration>,
    /// When no connection was accepted any more.
    closed: Option<Duration>,
    /// When it first gave no proper answer, and what was wrong.
    broken: Option<(Duration, HttpError)>,
}

/// How the process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// By itself, after this time.
    Exited(Duration),
    /// Not by itself: why.
    Failed(Duration, String),
    /// Not within the grace period.
    StillRunning,
}

/// What became of the request that was under way.
#[derive(Debug, Clone, PartialEq, Eq)]
enum UnderWay {
    Answered(u16),
    Lost(HttpError),
    /// It could not be begun, or there was no time at which it had to be answered.
    NotTried,
}

/// Stops a service and looks at it until it has ended. Readiness is looked at if there is a path for it.
pub(super) async fn observe(
    service: &Service<'_>,
    livez: &str,
    readyz: Option<&str>,
    grace_period: Duration,
    stop: impl Future<Output = Result<(), String>>,
) -> Vec<Point> {
    let address = service.address;
    let request = match readyz {
        Some(readyz) => begin(address, livez, readyz).await,
        None => None,
    };
    let began = Instant::now();
    let over = CancellationToken::new();
    let (drains, draining) = oneshot::channel();
    let stopping = async {
        let end = match tokio::time::timeout(grace_period, stop).await {
            Ok(Ok(())) => End::Exited(began.elapsed()),
            Ok(Err(why)) => End::Failed(began.elapsed(), why),
            Err(_) => End::StillRunning,
        };
        over.cancel();
        end
    };
    let looking = async {
        let mut seen = Readiness::default();
        if let Some(readyz) = readyz {
            let look = watch(address, readyz, began, drains, &mut seen);
            over.run_until_cancelled(look).await;
        }
        seen
    };
    let (end, seen, under_way) = tokio::join!(stopping, looking, finish(request, draining, &over));
    let mut points = Vec::new();
    if readyz.is_some() {
        points.push(drained(&seen, &end));
        points.extend(answered(&under_way));
    }
    points.push(ended(&end, grace_period));
    points
}

/// Looks at readiness until no connection is accepted any more. `drains` is told when it is over.
async fn watch(
    address: SocketAddr,
    readyz: &str,
    began: Instant,
    drains: oneshot::Sender<()>,
    seen: &mut Readiness,
) {
    let mut drains = Some(drains);
    loop {
        let answer = http::get(address, readyz, http::ANSWER_LIMIT).await;
        let now = began.elapsed();
        match answer {
            Ok(Response { status: 200, .. }) if seen.not_ready.is_some() => {
                seen.ready_again.get_or_insert(now);
            }
            Ok(Response { status: 200, .. }) => seen.ready = Some(now),
            Ok(Response { status, .. }) => {
                seen.not_ready.get_or_insert((now, status));
                if let Some(drains) = drains.take() {
                    // Nobody waits if there is no request.
                    let _ = drains.send(());
                }
            }
            Err(HttpError::Closed) => {
                seen.closed = Some(now);
                return;
            }
            Err(error) => {
                seen.broken.get_or_insert((now, error));
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Begins a request that will be under way when SIGTERM comes; none with a service that serves one connection at a time, which
/// could not tell then whether it is ready.
async fn begin(address: SocketAddr, livez: &str, readyz: &str) -> Option<Exchange> {
    let request = Exchange::begin(address, livez).await.ok()?;
    let beside = http::get(address, readyz, http::ANSWER_LIMIT).await;
    beside.is_ok().then_some(request)
}

/// Ends a request that was begun before SIGTERM once the service drains.
async fn finish(
    request: Option<Exchange>,
    draining: oneshot::Receiver<()>,
    over: &CancellationToken,
) -> UnderWay {
    let (Some(request), Ok(())) = (request, draining.await) else {
        return UnderWay::NotTried;
    };
    let finished = async {
        match request.finish().await {
            Ok(response) => UnderWay::Answered(response.status),
            Err(error) => UnderWay::Lost(error),
        }
    };
    let too_late = async {
        over.cancelled().await;
        tokio::time::sleep(LAST_BYTES).await;
    };
    tokio::select! {
        biased;
        outcome = finished => outcome,
        () = too_late => UnderWay::Lost(HttpError::Cut),
    }
}

fn drained(seen: &Readiness, end: &End) -> Point {
    const NAME: &str = "drain";
    const HINT: &str =
        "on SIGTERM answer 503 for readiness first; close the listener some moments later";
    let fail = |detail: String| Point::failed(NAME, detail).hint(HINT);
    if let Some((at, status)) = seen.not_ready {
        let said = format!("readyz {status} {} after SIGTERM", time(at));
        if let Some(again) = seen.ready_again {
            return fail(format!("{said}, but 200 again after {}", time(again)));
        }
        let closed = seen.closed.or(match end {
            End::Exited(after) => Some(*after),
            End::Failed(..) | End::StillRunning => None,
        });
        let more = closed.map(|closed| {
            format!(
                "; connections accepted for {} more",
                time(closed.saturating_sub(at))
            )
        });
        return Point::passed(NAME, said + &more.unwrap_or_default());
    }
    let until = match (seen.ready, &seen.broken) {
        (_, Some((at, error))) => format!("after {} it gave no proper answer: {error}", time(*at)),
        (Some(at), None) => format!("the last answer, after {}, was 200", time(at)),
        (None, None) => "there was not one answer after SIGTERM".to_owned(),
    };
    fail(match seen.closed {
        Some(at) => format!(
            "connections were refused {} after SIGTERM, but readyz never said so before: {until}",
            time(at)
        ),
        None => format!("readyz never said that it is not ready: {until}"),
    })
}

fn answered(under_way: &UnderWay) -> Option<Point> {
    const NAME: &str = "requests";
    match under_way {
        UnderWay::Answered(status) => Some(Point::passed(
            NAME,
            format!("one that began before SIGTERM was answered with {status}"),
        )),
        UnderWay::Lost(error) => Some(
            Point::failed(
                NAME,
                format!("one that began before SIGTERM was lost: {error}"),
            )
            .hint("finish the requests that are open before you exit"),
        ),
        UnderWay::NotTried => None,
    }
}

fn ended(end: &End, grace_period: Duration) -> Point {
    const NAME: &str = "exit";
    let allowed = units::duration(grace_period);
    match end {
        End::Exited(after) => Point::passed(
            NAME,
            format!("{} after SIGTERM; {allowed} are allowed", time(*after)),
        ),
        End::Failed(after, why) => {
            Point::failed(NAME, format!("{} after SIGTERM: {why}", time(*after)))
        }
        End::StillRunning => Point::failed(
            NAME,
            format!("still running {allowed} after SIGTERM, which is its grace period"),
        )
        .hint("handle SIGTERM; a program that a shell starts gets it only with `exec`"),
    }
}

#[cfg(test)]
mod tests;
