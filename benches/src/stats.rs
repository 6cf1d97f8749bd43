//! Medians and ratios of windows.

/// The middle of some values; the mean of the two in the middle of an even number of them. `None` of none.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*values.get(values.len() / 2 - 1)?, upper))
}

/// The median of `numerator / denominator` over all pairs of two rivals' windows.
///
/// All pairs, since how many windows a rival has in one mode is chance, and none of them belongs to one of the other's.
pub fn median_ratio(numerators: &[f64], denominators: &[f64]) -> Option<f64> {
    median(numerators.iter().flat_map(|above| denominators.iter().map(move |below| above / below)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median([]), None);
        assert_eq!(median([3.0]), Some(3.0));
        assert_eq!(median([9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 9.0]), Some(3.0));
    }

    #[test]
    fn one_spoilt_window_does_not_move_a_ratio() {
        assert_eq!(median_ratio(&[160.0, 160.0, 9000.0], &[40.0, 40.0, 40.0]), Some(4.0));
    }

    #[test]
    fn no_ratio_without_a_rival() {
        assert_eq!(median_ratio(&[160.0], &[]), None);
    }

    proptest! {
        #[test]
        fn half_of_the_values_lie_on_each_side(values in prop::collection::vec(-1e9..1e9_f64, 1..50)) {
            let middle = median(values.iter().copied()).unwrap();
            let below = values.iter().filter(|value| **value < middle).count();
            let above = values.iter().filter(|value| **value > middle).count();
            prop_assert!(below * 2 <= values.len() && above * 2 <= values.len());
        }
    }
}
