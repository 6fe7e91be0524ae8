//! A small deterministic generator (SplitMix64, Steele, Lea and Flood 2014) for what must differ
//! between nodes and repeat between runs. Nothing here is secret.

use crate::types::Time;

/// The generator's state.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A span from `shortest` to `longest`, both included.
    pub(crate) const fn between(&mut self, shortest: Time, longest: Time) -> Time {
        let width = longest.0.saturating_sub(shortest.0).saturating_add(1);
        Time(shortest.0.saturating_add(self.next() % width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs for seed 1234567 as listed with the reference implementation.
    #[test]
    fn gives_the_reference_sequence() {
        let mut random = Random::new(1_234_567);
        assert_eq!(
            [(); 3].map(|()| random.next()),
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn spans_stay_within_their_bounds_and_reach_them() {
        let mut random = Random::new(1);
        let spans: Vec<_> = (0..200)
            .map(|_| random.between(Time(5), Time(8)).0)
            .collect();
        assert_eq!(spans.iter().min(), Some(&5));
        assert_eq!(spans.iter().max(), Some(&8));
    }
}
