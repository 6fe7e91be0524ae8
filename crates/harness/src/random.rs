//! What a run does is drawn from its seed alone (SplitMix64, Steele, Lea and Flood 2014).

/// The generator's state.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Begins a sequence.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A sequence of its own for one part of a run, so that what the other parts draw does not
    /// change it.
    #[must_use]
    pub const fn part(seed: u64, part: u64) -> Self {
        let mut mixed = Self(seed ^ part.wrapping_mul(0xd605_1d4e_7b1c_9e6b));
        Self(mixed.number())
    }

    /// The next number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `lowest` to `highest`, both included.
    pub const fn between(&mut self, lowest: u64, highest: u64) -> u64 {
        lowest + self.number() % (highest - lowest + 1)
    }

    /// A position in something of that length, which is not zero.
    pub fn position(&mut self, length: usize) -> usize {
        usize::try_from(self.number() % length as u64).expect("below a length")
    }

    /// True in so many of a hundred cases.
    pub const fn percent(&mut self, share: u64) -> bool {
        self.number() % 100 < share
    }

    /// So many different ones of `from`, in an order of chance; all of them if there are not more.
    pub fn choose<T: Clone>(&mut self, from: &[T], count: usize) -> Vec<T> {
        let mut left = from.to_vec();
        let mut chosen = Vec::new();
        while chosen.len() < count && !left.is_empty() {
            chosen.push(left.swap_remove(self.position(left.len())));
        }
        chosen
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
            [(); 2].map(|()| random.number()),
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]
        );
    }

    #[test]
    fn chooses_each_at_most_once() {
        let mut random = Random::new(3);
        for count in 0..7 {
            let mut chosen = random.choose(&[1, 2, 3, 4, 5], count);
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen.len(), count.min(5));
        }
    }

    #[test]
    fn parts_of_one_seed_differ_and_repeat() {
        let first = |part| Random::part(7, part).number();
        assert_ne!(first(1), first(2));
        assert_eq!(first(1), first(1));
    }
}
