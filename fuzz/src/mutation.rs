//! Small changes of inputs, of the kinds that break readers: flipped bits, cut ends, edited length
//! fields, pieces of other inputs. The same seed gives the same changes.

use storage::testing::Random;

/// Numbers that lengths, counts and tags are changed to.
const TELLING: [u64; 12] = [
    0,
    1,
    2,
    64,
    65,
    0x7f,
    0xff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x7fff_ffff_ffff_ffff,
    u64::MAX,
];

/// Changes inputs at random.
pub struct Mutator {
    random: Random,
}

impl Mutator {
    /// Starts a sequence.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
        }
    }

    /// One of the corpus, changed in one to four ways, of at most `longest` bytes.
    pub fn next(&mut self, corpus: &[Vec<u8>], longest: usize) -> Vec<u8> {
        let mut input = self.pick(corpus).unwrap_or_default();
        for _ in 0..=self.below(4) {
            self.change(&mut input, corpus);
        }
        input.truncate(longest);
        input
    }

    fn pick(&mut self, corpus: &[Vec<u8>]) -> Option<Vec<u8>> {
        (!corpus.is_empty()).then(|| corpus[self.below(corpus.len())].clone())
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.below(bound as u64)).expect("below an index")
    }

    fn byte(&mut self) -> u8 {
        self.random.number().to_le_bytes()[0]
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        if input.is_empty() {
            let length = 1 + self.below(64);
            input.extend((0..length).map(|_| self.byte()));
            return;
        }
        let at = self.below(input.len());
        match self.below(9) {
            0 | 1 => input[at] ^= 1 << self.below(8),
            2 => input[at] = self.byte(),
            3 => input.truncate(at),
            4 => self.edit_number(input, at),
            5 => {
                let end = (at + 1 + self.below(32)).min(input.len());
                let piece = input[at..end].to_vec();
                let to = self.below(input.len());
                input.splice(to..to, piece);
            }
            6 => {
                let end = (at + 1 + self.below(32)).min(input.len());
                input.drain(at..end);
            }
            7 => {
                let length = 1 + self.below(16);
                let piece: Vec<u8> = (0..length).map(|_| self.byte()).collect();
                input.splice(at..at, piece);
            }
            _ => self.splice(input, at, corpus),
        }
    }

    /// A number of 1, 2, 4 or 8 bytes becomes a telling one, or one more or less.
    fn edit_number(&mut self, input: &mut [u8], at: usize) {
        let width = 1 << self.below(4);
        let Some(field) = input.get_mut(at..at + width) else {
            return;
        };
        let mut number = [0; 8];
        number[..width].copy_from_slice(field);
        let number = u64::from_le_bytes(number);
        let edited = match self.below(4) {
            0 => number.wrapping_add(1),
            1 => number.wrapping_sub(1),
            _ => TELLING[self.below(TELLING.len())],
        };
        field.copy_from_slice(&edited.to_le_bytes()[..width]);
    }

    /// What follows `at` becomes a piece of another input.
    fn splice(&mut self, input: &mut Vec<u8>, at: usize, corpus: &[Vec<u8>]) {
        let Some(other) = self.pick(corpus).filter(|other| !other.is_empty()) else {
            return;
        };
        let from = self.below(other.len());
        let end = (from + 1 + self.below(256)).min(other.len());
        if self.random.coin() {
            input.truncate(at);
            input.extend_from_slice(&other[from..]);
        } else {
            let until = (at + end - from).min(input.len());
            input.splice(at..until, other[from..end].iter().copied());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_changes_something() {
        let corpus = vec![b"some input".to_vec(), vec![0; 300]];
        let run = |seed| {
            let mut mutator = Mutator::new(seed);
            (0..1000)
                .map(|_| mutator.next(&corpus, 1000))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let unchanged = run(1).iter().filter(|input| corpus.contains(input)).count();
        assert!(unchanged < 100, "{unchanged} of 1000 are unchanged");
        assert!(run(1).iter().any(|input| input.len() > 300));
    }

    #[test]
    fn nothing_is_needed_to_begin_with() {
        let mut mutator = Mutator::new(7);
        assert!((0..100).any(|_| !mutator.next(&[], 10).is_empty()));
    }
}
