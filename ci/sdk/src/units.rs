//! Sizes and times as people write and read them: `5.2 MB`, `7d`, `1m 05s`.
//!
//! Sizes are decimal (1 kB = 1,000 bytes), as registries and `docker images` show them; binary units are understood on
//! input when written as such (`GiB`).

use std::time::Duration;

/// `5.2 MB`: three significant digits at most, decimal units.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    // 999.95 would be shown as 1000.0.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(value < 99.95);
    format!("{value:.decimals$} {}", UNITS[unit])
}

/// `0.3s`, `59.9s`, `1m 05s`, `2h 03m`.
pub(crate) fn duration(time: Duration) -> String {
    let tenths = (time.as_millis() + 50) / 100;
    let seconds = (time.as_millis() + 500) / 1000;
    if tenths < 600 {
        format!("{}.{}s", tenths / 10, tenths % 10)
    } else if seconds < 3600 {
        format!("{}m {:02}s", seconds / 60, seconds % 60)
    } else {
        format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60)
    }
}

/// Reads `5GB`, `500 MB`, `1.5GiB` or plain bytes.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1000_u64.pow(2),
        "g" | "gb" => 1000_u64.pow(3),
        "t" | "tb" => 1000_u64.pow(4),
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => {
            return Err(format!(
                "`{text}` is not a size; write it as 5GB, 500MB or 1.5GiB"
            ));
        }
    };
    scale(number, factor)
        .ok_or_else(|| format!("`{text}` is not a size; write it as 5GB, 500MB or 1.5GiB"))
}

/// Reads `30s`, `10m`, `12h`, `7d` or `2w`.
pub(crate) fn parse_age(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let factor = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => {
            return Err(format!(
                "`{text}` is not an age; write it as 30m, 12h or 7d"
            ));
        }
    };
    let seconds = scale(number, factor)
        .ok_or_else(|| format!("`{text}` is not an age; write it as 30m, 12h or 7d"))?;
    Ok(Duration::from_secs(seconds))
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// `number` times `factor`, in whole units; `None` when it is no number or does not fit.
fn scale(number: &str, factor: u64) -> Option<u64> {
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor);
    }
    let value = number.parse::<f64>().ok()? * factor as f64;
    (value.is_finite() && value < u64::MAX as f64).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_are_shown_in_decimal_units() {
        let shown: Vec<String> = [
            0,
            999,
            1000,
            1049,
            99_949,
            123_456,
            999_499,
            999_500,
            5_200_000,
            1_000_000_000,
        ]
        .map(size)
        .into();
        assert_eq!(
            shown.join(", "),
            "0 B, 999 B, 1.0 kB, 1.0 kB, 99.9 kB, 123 kB, 999 kB, 1.0 MB, 5.2 MB, 1.0 GB"
        );
    }

    #[test]
    fn times_are_shown_with_the_precision_that_matters() {
        let shown: Vec<String> = [
            0, 49, 50, 320, 59_949, 59_950, 65_000, 3_599_499, 3_599_500, 7_380_000,
        ]
        .map(|ms| duration(Duration::from_millis(ms)))
        .into();
        assert_eq!(
            shown.join(", "),
            "0.0s, 0.0s, 0.1s, 0.3s, 59.9s, 1m 00s, 1m 05s, 59m 59s, 1h 00m, 2h 03m"
        );
    }

    #[test]
    fn sizes_are_read_in_decimal_and_binary_units() {
        assert_eq!(parse_size("5GB"), Ok(5_000_000_000));
        assert_eq!(parse_size("1.5 GiB"), Ok(1_610_612_736));
        assert_eq!(parse_size("42"), Ok(42));
        assert!(parse_size("5 apples").is_err());
        assert!(parse_size("GB").is_err());
        assert!(parse_size("99999999999999TB").is_err());
    }

    #[test]
    fn ages_need_a_unit() {
        assert_eq!(parse_age("7d"), Ok(Duration::from_secs(604_800)));
        assert_eq!(parse_age("90m"), Ok(Duration::from_secs(5400)));
        assert!(parse_age("7").is_err());
        assert!(parse_age("-7d").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,20}") {
            let _ = parse_size(&text);
            let _ = parse_age(&text);
        }
    }
}
