//! Spans of time on the command line: `10s`, `500ms`, `2m`, or a number of seconds.

use std::time::Duration;

/// The longest span, a day: longer ones are more likely a slip.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads a span, for clap.
pub fn parse(text: &str) -> Result<Duration, String> {
    let refused = || format!("{text:?} is no span of time: use 10s, 500ms or 2m, up to a day");
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: u64 = number.parse().map_err(|_| refused())?;
    let millis = match unit {
        "ms" => 1,
        "s" | "" => 1000,
        "m" | "min" => 60_000,
        _ => return Err(refused()),
    };
    let span = number.checked_mul(millis).map(Duration::from_millis);
    span.filter(|span| !span.is_zero() && *span <= LONGEST)
        .ok_or_else(refused)
}

/// A span as [`parse`] reads it.
pub fn show(span: Duration) -> String {
    let millis = span.as_millis();
    if millis.is_multiple_of(1000) {
        format!("{}s", millis / 1000)
    } else {
        format!("{millis}ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        let millis = |text: &str| parse(text).map(|span| span.as_millis());
        assert_eq!(millis("10s"), Ok(10_000));
        assert_eq!(millis("7"), Ok(7_000));
        assert_eq!(millis("250ms"), Ok(250));
        assert_eq!(millis("2m"), Ok(120_000));
        for bad in [
            "",
            "s",
            "-1s",
            "0",
            "0ms",
            "1.5s",
            "1h",
            "25h",
            "2000m",
            "1 s",
            "99999999999999999999s",
            "18446744073709551615m",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_span_reads_back() {
        for text in ["10s", "250ms", "1500ms"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
    }
}
