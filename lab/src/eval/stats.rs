//! The statistics of a report: rates with their uncertainty, since a rate of a few hundred files is not exact.

/// The 97.5th percentile of the normal distribution: what a 95 % interval takes.
const Z: f64 = 1.959_963_984_540_054;

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) of: usize,
    pub(crate) hits: usize,
}

impl Rate {
    pub(crate) fn count<T>(all: impl IntoIterator<Item = T>, hit: impl Fn(&T) -> bool) -> Self {
        let mut rate = Self::default();
        for each in all {
            rate.of += 1;
            rate.hits += usize::from(hit(&each));
        }
        rate
    }

    /// The share, or none of nothing.
    pub(crate) fn share(self) -> Option<f64> {
        (self.of > 0).then(|| float(self.hits) / float(self.of))
    }

    /// The Wilson score interval at 95 %: it stays within 0 and 1, and is right for rare events.
    pub(crate) fn interval(self) -> Option<(f64, f64)> {
        let share = self.share()?;
        let of = float(self.of);
        let scale = 1.0 + Z * Z / of;
        let middle = share + Z * Z / (2.0 * of);
        let spread = Z * (share * (1.0 - share) / of + Z * Z / (4.0 * of * of)).sqrt();
        Some((((middle - spread) / scale).max(0.0), ((middle + spread) / scale).min(1.0)))
    }

    /// `12 of 200, 6.0 % (3.5–10.2)`.
    pub(crate) fn words(self) -> String {
        let (Some(share), Some((low, high))) = (self.share(), self.interval()) else { return "–".to_owned() };
        format!("{} of {}, {} % ({}–{})", self.hits, self.of, percent(share), percent(low), percent(high))
    }
}

/// How many alarms are right if there is as much malware as not: what does not depend on the sizes of the corpora.
pub(crate) fn balanced_precision(recall: Rate, alarms: Rate) -> Option<f64> {
    let (caught, false_alarms) = (recall.share()?, alarms.share()?);
    (caught + false_alarms > 0.0).then(|| caught / (caught + false_alarms))
}

/// A share as a percentage with one decimal.
pub(crate) fn percent(share: f64) -> String {
    let hundred = 100.0;
    format!("{:.1}", share * hundred)
}

/// The value below which `share` of the numbers are; they are sorted for it.
pub(crate) fn quantile(numbers: &mut [f64], share: f64) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().checked_sub(1)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length is a length")]
    let index = (float(last) * share).round() as usize;
    numbers.get(index.min(last)).copied()
}

#[expect(clippy::cast_precision_loss, reason = "counts of files are far below 2^52")]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        let (low, high) = Rate { of: 10, hits: 1 }.interval().unwrap();
        assert!((low - 0.0179).abs() < 0.0001 && (high - 0.4042).abs() < 0.0001, "{low} {high}");
        let (low, high) = Rate { of: 50, hits: 0 }.interval().unwrap();
        assert!(low.abs() < f64::EPSILON && (high - 0.0713).abs() < 0.0001, "{low} {high}");
        assert_eq!(Rate::default().interval(), None);
        assert_eq!(Rate { of: 200, hits: 12 }.words(), "12 of 200, 6.0 % (3.5–10.2)");
    }

    #[test]
    fn precision_is_at_equal_classes() {
        let precision = balanced_precision(Rate { of: 10, hits: 9 }, Rate { of: 1000, hits: 100 });
        assert!((precision.unwrap() - 0.9).abs() < 1e-9);
        assert_eq!(balanced_precision(Rate { of: 1, hits: 0 }, Rate { of: 1, hits: 0 }), None);
    }

    #[test]
    fn quantiles_are_of_the_sorted() {
        assert_eq!(quantile(&mut [3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(quantile(&mut [3.0, 1.0, 2.0], 1.0), Some(3.0));
        assert_eq!(quantile(&mut [], 0.5), None);
    }
}
