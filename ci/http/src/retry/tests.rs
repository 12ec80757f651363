//! Pauses between attempts.

use super::*;
use crate::clock::Clock;
use futures::future::BoxFuture;

#[derive(Debug)]
struct Fixed(f64);

impl Clock for Fixed {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
    fn spread(&self) -> f64 {
        self.0
    }
}

fn pauses(spread: f64, asked: Option<u64>) -> Vec<Option<f64>> {
    let retry = Retry {
        attempts: 8,
        first: Duration::from_secs(1),
        ..Retry::default()
    };
    (1..=8)
        .map(|attempt| {
            retry
                .pause(attempt, asked.map(Duration::from_secs), &Fixed(spread))
                .map(|pause| pause.as_secs_f64())
        })
        .collect()
}

#[test]
fn pauses_double_up_to_the_longest_and_end_with_the_last_attempt() {
    let seconds = [1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0].map(Some);
    assert_eq!(pauses(0.5, None), [&seconds[..], &[None]].concat());
}

#[test]
fn chance_spreads_pauses_within_bounds() {
    let retry = Retry::default();
    for spread in [0.0, 0.3, 0.999, 7.0, -1.0] {
        let pause = retry.pause(1, None, &Fixed(spread)).unwrap();
        assert!((0.25..=0.75).contains(&pause.as_secs_f64()), "{spread}");
    }
    assert_eq!(retry.pause(1, None, &Fixed(0.0)), Some(retry.first / 2));
}

#[test]
fn a_server_that_names_a_time_is_not_asked_earlier() {
    let retry = Retry::default();
    for spread in [0.0, 0.5, 0.99] {
        let asked = Duration::from_secs(7);
        let pause = retry.pause(1, Some(asked), &Fixed(spread)).unwrap();
        assert!(pause >= asked && pause <= asked + retry.first, "{pause:?}");
    }
}

#[test]
fn a_server_that_asks_for_too_much_is_not_waited_for() {
    assert_eq!(pauses(0.5, Some(61)), vec![None; 8]);
    assert!(pauses(0.5, Some(60))[0].is_some());
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let at = httpdate::parse_http_date(date).unwrap();
    let seconds = |value, now| parse_retry_after(value, now).map(|pause| pause.as_secs());
    assert_eq!(seconds("120", at), Some(120));
    assert_eq!(seconds(" 0 ", at), Some(0));
    assert_eq!(seconds(date, at - Duration::from_secs(30)), Some(30));
    assert_eq!(seconds(date, at + Duration::from_secs(30)), Some(0));
    assert_eq!(seconds("99999999999999999999999", at), Some(u64::MAX));
    for nonsense in ["", "-1", "1.5", "soon", "+3"] {
        assert_eq!(seconds(nonsense, at), None, "{nonsense}");
    }
}

#[test]
fn only_what_may_pass_is_tried_again() {
    let passing: Vec<u16> = (100..600)
        .filter(|code| may_pass(StatusCode::from_u16(*code).unwrap()))
        .collect();
    assert_eq!(passing, [429, 500, 502, 503, 504]);
}
