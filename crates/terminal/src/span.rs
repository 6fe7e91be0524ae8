//! Spans of time as people write them, the same for every command: `500ms`, `5s`, `2m`, `1h`.

use std::time::Duration;

/// The longest span, a day: longer ones are more likely a slip.
pub const LONGEST_SPAN: Duration = Duration::from_secs(24 * 60 * 60);

/// The units, the largest first, and their milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads a span; also for clap. A number without a unit is refused, not guessed.
///
/// # Errors
/// A sentence that says what can be written.
pub fn parse_span(text: &str) -> Result<Duration, String> {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if unit.is_empty() && !number.is_empty() {
        return Err(format!(
            "{text:?} has no unit: write {text}s for seconds, or use ms, m or h"
        ));
    }
    let factor = UNITS.iter().find(|(name, _)| *name == unit);
    let span = factor.and_then(|(_, factor)| {
        let number: u64 = number.parse().ok()?;
        number.checked_mul(*factor).map(Duration::from_millis)
    });
    span.filter(|span| !span.is_zero() && *span <= LONGEST_SPAN)
        .ok_or_else(|| format!("{text:?} is no span of time: use 500ms, 5s, 2m or 1h, up to a day"))
}

/// A span as [`parse_span`] reads it, in the largest unit that it is a whole number of. Parts of a
/// millisecond are left out.
#[must_use]
pub fn show_span(span: Duration) -> String {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let whole = |(_, factor): &&(&str, u64)| millis.is_multiple_of(*factor);
    match UNITS.iter().find(whole) {
        Some((unit, factor)) if millis > 0 => format!("{}{unit}", millis / factor),
        _ => "0s".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        let millis = |text: &str| parse_span(text).map(|span| span.as_millis());
        assert_eq!(millis("10s"), Ok(10_000));
        assert_eq!(millis("250ms"), Ok(250));
        assert_eq!(millis("2m"), Ok(120_000));
        assert_eq!(millis("1h"), Ok(3_600_000));
        assert_eq!(millis("24h"), Ok(86_400_000));
        for bad in [
            "",
            "s",
            "-1s",
            "0s",
            "0ms",
            "1.5s",
            "25h",
            "2000m",
            "1 s",
            "1min",
            "99999999999999999999s",
            "18446744073709551615m",
        ] {
            let said = parse_span(bad).unwrap_err();
            assert!(said.contains("500ms, 5s, 2m or 1h"), "{bad:?}: {said}");
        }
    }

    #[test]
    fn a_bare_number_is_refused_and_not_guessed() {
        let said = parse_span("7").unwrap_err();
        assert!(said.contains("no unit") && said.contains("7s"), "{said}");
        assert!(parse_span("0").is_err());
    }

    #[test]
    fn a_span_reads_back() {
        for text in ["10s", "250ms", "1500ms", "2m", "90s", "1h", "90m"] {
            assert_eq!(show_span(parse_span(text).unwrap()), text);
        }
        assert_eq!(show_span(Duration::ZERO), "0s");
    }
}
