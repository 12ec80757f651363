//! Tests of `hand`: logs and their clocks.

use std::sync::Mutex;

use ci_http::{Clock, Http, Options, Proxies};
use futures::future::BoxFuture;
use sigstore_sign::types::{CanonicalizedBody, KindVersion, LogId, LogIndex, LogKeyId};

use super::*;

/// The time at which everything happens here, in seconds since 1970.
const NOW: u64 = 1_700_000_000;

/// Stands still, and remembers how long it was waited for.
#[derive(Debug, Default)]
struct Still(Mutex<Vec<Duration>>);

impl Clock for Still {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        if let Ok(mut pauses) = self.0.lock() {
            pauses.push(pause);
        }
        Box::pin(std::future::ready(()))
    }

    fn spread(&self) -> f64 {
        0.0
    }
}

#[tokio::test]
async fn a_log_whose_clock_is_a_little_ahead_is_waited_for() {
    for (ahead, waited) in [(3, Some(3)), (0, Some(0)), (-3, None), (3600, None)] {
        let clock = Arc::new(Still::default());
        let options = Options {
            proxies: Proxies::default(),
            clock: Arc::<Still>::clone(&clock),
            ..Options::default()
        };
        let root = r#"{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#;
        let config = r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","rekorTlogConfig":{"selector":"ANY"},"tsaConfig":{"selector":"ANY"}}"#;
        let services = Services::from_json(&Http::new(&options).unwrap(), root, config).unwrap();
        let time = i64::try_from(NOW).unwrap() + ahead;
        let entry = TransparencyLogEntry::new(
            LogIndex::new(1).unwrap(),
            LogId::new(LogKeyId::new(vec![1])),
            KindVersion::HashedRekordV001,
            CanonicalizedBody::new(vec![1]),
        );
        let json = serde_json::to_value(&entry).unwrap();
        let mut json = json.as_object().unwrap().clone();
        json.insert("integratedTime".to_owned(), time.to_string().into());
        let entry = serde_json::from_value(json.into()).unwrap();
        await_time(&services, &entry).await;
        let pauses = clock.0.lock().unwrap().clone();
        let expected: Vec<Duration> = waited.into_iter().map(Duration::from_secs).collect();
        assert_eq!(pauses, expected, "{ahead} s ahead");
    }
}
