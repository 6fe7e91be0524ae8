//! Medians, percentiles and rates.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The middle one of several values, and the outermost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The middle one; the mean of the two middle ones if their number is even.
    pub median: f64,
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

impl Spread {
    /// Of some values; all zero if there are none.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (Some(&low), Some(&high)) = (values.first(), values.last()) else {
            return Self {
                median: 0.0,
                low: 0.0,
                high: 0.0,
            };
        };
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Self { median, low, high }
    }
}

/// Latencies of many transfers, in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latencies(Vec<u32>);

impl Latencies {
    /// Of some measurements, in any order.
    #[must_use]
    pub fn new(mut micros: Vec<u32>) -> Self {
        micros.sort_unstable();
        Self(micros)
    }

    /// Several together.
    #[must_use]
    pub fn merged<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        Self::new(
            all.into_iter()
                .flat_map(|one| one.0.iter().copied())
                .collect(),
        )
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What this share of transfers does not exceed, in milliseconds: the nearest rank.
    #[must_use]
    pub fn percentile_ms(&self, share: f64) -> f64 {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        let position = rank.saturating_sub(1).min(self.0.len().saturating_sub(1));
        self.0
            .get(position)
            .map_or(0.0, |&micros| f64::from(micros) / 1000.0)
    }
}

/// Counts of what happened in each stretch of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// How long a stretch is.
    pub step: Duration,
    /// How often a second it happened in each.
    pub rates: Vec<f64>,
}

impl Series {
    /// Of moments counted from the span's start, in microseconds. What lies outside is left out.
    #[must_use]
    pub fn new(moments: impl IntoIterator<Item = u64>, span: Duration, step: Duration) -> Self {
        let stretches = usize::try_from(span.as_micros() / step.as_micros().max(1)).unwrap_or(0);
        let mut counts = vec![0_u64; stretches];
        let width = u64::try_from(step.as_micros().max(1)).unwrap_or(u64::MAX);
        for moment in moments {
            let stretch = usize::try_from(moment / width).unwrap_or(usize::MAX);
            if let Some(count) = counts.get_mut(stretch) {
                *count += 1;
            }
        }
        let seconds = step.as_secs_f64();
        let rates = counts
            .into_iter()
            .map(|count| count as f64 / seconds)
            .collect();
        Self { step, rates }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        let spread = Spread::of([3.0, 1.0, 2.0]);
        assert_eq!((spread.median, spread.low, spread.high), (2.0, 1.0, 3.0));
        assert_eq!(Spread::of([1.0, 2.0]).median, 1.5);
        assert_eq!(Spread::of([]).median, 0.0);
    }

    #[test]
    fn percentiles_are_measured_values() {
        let latencies = Latencies::new((1..=100).rev().map(|ms| ms * 1000).collect());
        assert_eq!(latencies.percentile_ms(0.5), 50.0);
        assert_eq!(latencies.percentile_ms(0.99), 99.0);
        assert_eq!(latencies.percentile_ms(1.0), 100.0);
        assert_eq!(latencies.percentile_ms(0.0), 1.0);
        assert_eq!(Latencies::default().percentile_ms(0.5), 0.0);
        let merged = Latencies::merged([&latencies, &Latencies::new(vec![500])]);
        assert_eq!((merged.len(), merged.percentile_ms(0.0)), (101, 0.5));
    }

    #[test]
    fn rates_are_per_second_and_the_rest_is_left_out() {
        let series = Series::new(
            [0, 100_000, 600_000, 999_999, 1_000_000],
            Duration::from_secs(1),
            Duration::from_millis(500),
        );
        assert_eq!(series.rates, [4.0, 4.0]);
    }
}
