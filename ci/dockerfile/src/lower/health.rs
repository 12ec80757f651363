//! HEALTHCHECK and its options.

use super::{Lowering, Outcome, history};
use crate::ast::{CommandLine, Health, Instruction};
use crate::config::Healthcheck;
use crate::error::Error;

/// Shorter times than this Docker refuses, in nanoseconds.
const SHORTEST: u64 = 1_000_000;

impl Lowering<'_> {
    pub(super) fn healthcheck(
        &mut self,
        instruction: &Instruction,
        health: &Health,
    ) -> Result<Outcome, Error> {
        let before = self.once.healthcheck.replace(self.place(instruction.span));
        self.report_repeated(before, "HEALTHCHECK");
        let mut check = Healthcheck::default();
        match health {
            Health::None => check.test.push("NONE".to_owned()),
            Health::Command(command) => {
                match command {
                    CommandLine::Exec(argv) => {
                        check.test = std::iter::once("CMD")
                            .map(str::to_owned)
                            .chain(argv.iter().cloned())
                            .collect()
                    }
                    CommandLine::Shell(line) => {
                        check.test = vec!["CMD-SHELL".to_owned(), line.value.clone()]
                    }
                }
                check.interval = self.interval(instruction, "interval")?;
                check.timeout = self.interval(instruction, "timeout")?;
                check.start_period = self.interval(instruction, "start-period")?;
                check.start_interval = self.interval(instruction, "start-interval")?;
                if let Some(flag) = instruction.flag("retries") {
                    let written = flag.value.as_deref().unwrap_or_default();
                    let retries = written
                        .parse()
                        .ok()
                        .filter(|retries| *retries <= i32::MAX as u32);
                    check.retries = match retries {
                        Some(retries) => retries,
                        None if written.is_empty() => 0,
                        None => {
                            return Err(self.error(
                                flag.span,
                                format!("--retries is a number, not {written:?}"),
                            ));
                        }
                    };
                }
            }
        }
        let created_by = format!(
            "HEALTHCHECK {{Test:{} Interval:{} Timeout:{} StartPeriod:{} StartInterval:{} Retries:{}}}",
            history::list(&check.test),
            history::duration(check.interval),
            history::duration(check.timeout),
            history::duration(check.start_period),
            history::duration(check.start_interval),
            check.retries
        );
        self.config.healthcheck = Some(check);
        Ok(Outcome::metadata(created_by))
    }

    fn interval(&self, instruction: &Instruction, name: &str) -> Result<u64, Error> {
        let Some(flag) = instruction.flag(name) else {
            return Ok(0);
        };
        let written = flag.value.as_deref().unwrap_or_default();
        match parse_duration(written) {
            _ if written.is_empty() => Ok(0),
            Some(nanos) if nanos == 0 || nanos >= SHORTEST => Ok(nanos),
            Some(_) => Err(self.error(flag.span, format!("--{name} cannot be shorter than 1ms"))),
            None => Err(self.error(
                flag.span,
                format!("--{name} is a time such as 30s or 1m30s, not {written:?}"),
            )),
        }
    }
}

/// Reads a duration as Go writes it: numbers, with fractions, each with a unit. The result is in nanoseconds.
fn parse_duration(text: &str) -> Option<u64> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let number = &rest[..rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len())];
        rest = &rest[number.len()..];
        let unit = &rest[..rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len())];
        rest = &rest[unit.len()..];
        let scale: u64 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let whole: u64 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        let mut nanos = whole.checked_mul(scale)?;
        let mut place = scale;
        for digit in fraction.bytes() {
            place /= 10;
            nanos = nanos.checked_add(place * u64::from(digit - b'0'))?;
        }
        total = total.checked_add(nanos)?;
    }
    Some(total).filter(|total| !text.is_empty() && i64::try_from(*total).is_ok())
}

#[cfg(test)]
mod tests {
    use super::parse_duration;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let cases = [
            ("30s", 30_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1.5s", 1_500_000_000),
            ("0", 0),
            ("100ms", 100_000_000),
            (".5m", 30_000_000_000),
        ];
        for (text, nanos) in cases {
            assert_eq!(parse_duration(text), Some(nanos), "{text}");
        }
        for text in ["", "5", "s", "1x", "1..2s", "-1s", "9999999999h", "1s2"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
