//! Loses its disk now and then and goes on as if it had never promised anything (P9.4).

use super::Adversary;
use crate::random::Random;

pub(super) struct Amnesiac {
    /// Of a thousand ticks, so many lose the disk.
    forgetfulness: u32,
}

impl Amnesiac {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            forgetfulness: *random.pick(&[3, 20, 100]).expect("three choices"),
        }
    }
}

impl Adversary for Amnesiac {
    fn forgets(&mut self, random: &mut Random) -> bool {
        random.chance(self.forgetfulness)
    }
}
