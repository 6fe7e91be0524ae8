//! Axes with round numbers.

/// Round steps from zero to a little beyond the greatest value: the marks of an axis.
#[must_use]
pub fn marks(greatest: f64) -> Vec<f64> {
    let greatest = if greatest.is_finite() && greatest > 0.0 {
        greatest
    } else {
        1.0
    };
    let rough = greatest / 5.0;
    let magnitude = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .map(|factor| factor * magnitude)
        .into_iter()
        .find(|&step| step >= rough)
        .unwrap_or(rough);
    let count = (greatest / step).ceil() as u32;
    (0..=count).map(|mark| f64::from(mark) * step).collect()
}

/// A mark's number as short as it can be.
#[must_use]
pub fn label(mark: f64) -> String {
    if mark >= 1000.0 {
        terminal::grouped(mark.round() as u64)
    } else if (mark - mark.round()).abs() < 1e-9 {
        format!("{mark:.0}")
    } else {
        let text = format!("{mark:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_reach_the_greatest() {
        for greatest in [0.003, 0.7, 1.0, 9.9, 12_345.0, 8.0e6] {
            let marks = marks(greatest);
            assert!((3..=7).contains(&marks.len()), "{greatest}: {marks:?}");
            assert!(marks[marks.len() - 1] >= greatest);
        }
        assert_eq!(marks(0.0).len(), marks(1.0).len());
        assert_eq!(marks(f64::NAN), marks(1.0));
        assert_eq!(marks(8000.0), [0.0, 2000.0, 4000.0, 6000.0, 8000.0]);
    }

    #[test]
    fn labels_are_short() {
        assert_eq!(
            [0.0, 2.5, 0.05, 2000.0].map(label),
            ["0", "2.5", "0.05", "2,000"]
        );
    }
}
