//! What the service answers, and the state that this depends on.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::Version;
use crate::http::{Refused, Request, Response, reason};
use crate::json;

pub(crate) struct State {
    version: Version,
    /// What the service needs to do its work is there.
    ready: AtomicBool,
    /// The service is about to end.
    draining: AtomicBool,
}

impl State {
    pub(crate) fn new(version: Version, ready: bool) -> Self {
        Self {
            version,
            ready: AtomicBool::new(ready),
            draining: AtomicBool::new(false),
        }
    }

    pub(crate) fn set_ready(&self) {
        self.ready.store(true, Ordering::SeqCst);
    }

    /// From now on the service is not ready, whatever happens.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    pub(crate) fn answer(&self, request: &Result<Request, Refused>) -> Response {
        let request = match request {
            Ok(request) => request,
            Err(Refused(status)) => return Response::text(*status, reason(*status)),
        };
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Response::text(405, reason(405));
        }
        match request.path.as_str() {
            "/" => self.page(),
            "/livez" => Response::text(200, "ok"),
            "/readyz" if self.is_draining() => Response::text(503, "draining"),
            "/readyz" if !self.ready.load(Ordering::SeqCst) => Response::text(503, "starting"),
            "/readyz" => Response::text(200, "ok"),
            "/version" => self.version(),
            _ => Response::text(404, reason(404)),
        }
    }

    fn version(&self) -> Response {
        let Version {
            sha,
            service,
            build_ts,
            image_digest,
        } = &self.version;
        let body = json::object(&[
            ("sha", sha),
            ("service", service),
            ("buildTs", build_ts),
            ("imageDigest", image_digest),
        ]);
        Response {
            status: 200,
            content_type: "application/json",
            body: format!("{body}\n"),
        }
    }

    fn page(&self) -> Response {
        let service = escape(&self.version.service);
        let sha = escape(&self.version.sha);
        let body = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{service}</title>\n<h1>{service}</h1>\n\
             <p>Built from commit <code>{sha}</code>. See <a href=\"/version\">/version</a>, <a href=\"/livez\">/livez</a> \
             and <a href=\"/readyz\">/readyz</a>.</p>\n</html>\n"
        );
        Response {
            status: 200,
            content_type: "text/html; charset=utf-8",
            body,
        }
    }
}

/// Text for HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(ready: bool) -> State {
        let version = Version {
            sha: "abc".to_owned(),
            service: "<web>".to_owned(),
            build_ts: "2026-01-02T03:04:05Z".to_owned(),
            image_digest: String::new(),
        };
        State::new(version, ready)
    }

    fn get(state: &State, path: &str) -> (u16, String) {
        let request = Request {
            method: "GET".to_owned(),
            path: path.to_owned(),
            persistent: true,
        };
        let response = state.answer(&Ok(request));
        (response.status, response.body)
    }

    #[test]
    fn is_ready_from_when_it_is_told_until_it_drains() {
        let state = state(false);
        assert_eq!(get(&state, "/readyz"), (503, "starting\n".to_owned()));
        assert_eq!(get(&state, "/livez").0, 200);
        state.set_ready();
        assert_eq!(get(&state, "/readyz").0, 200);
        state.drain();
        state.set_ready();
        assert_eq!(get(&state, "/readyz"), (503, "draining\n".to_owned()));
        assert_eq!(get(&state, "/livez").0, 200);
    }

    #[test]
    fn tells_what_was_built() {
        let expected =
            r#"{"sha":"abc","service":"<web>","buildTs":"2026-01-02T03:04:05Z","imageDigest":""}"#;
        assert_eq!(
            get(&state(true), "/version"),
            (200, format!("{expected}\n"))
        );
    }

    #[test]
    fn the_page_is_safe_whatever_the_environment_says() {
        let (status, page) = get(&state(true), "/");
        assert_eq!(status, 200);
        assert!(page.contains("<h1>&lt;web&gt;</h1>"), "{page}");
    }

    #[test]
    fn other_paths_and_methods_are_refused() {
        let state = state(true);
        assert_eq!(get(&state, "/nothing").0, 404);
        let post = Request {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            persistent: true,
        };
        assert_eq!(state.answer(&Ok(post)).status, 405);
        assert_eq!(
            state.answer(&Err(Refused(431))).body,
            "Request Header Fields Too Large\n"
        );
    }
}
