//! Ignores the requests of some accounts, and does everything else right.

use consensus::RequestKey;

use super::Adversary;
use crate::{client::ACCOUNTS, payload, random::Random};

pub(super) struct Censor {
    ignored: Vec<bool>,
}

impl Censor {
    pub(super) fn new(random: &mut Random) -> Self {
        let mut ignored: Vec<bool> = (0..ACCOUNTS).map(|_| random.chance(250)).collect();
        let certainly = random.position(ignored.len());
        ignored[certainly] = true;
        Self { ignored }
    }
}

impl Adversary for Censor {
    fn admits(&self, key: &RequestKey) -> bool {
        let client = usize::from(payload::client_of(&key.account));
        self.ignored.get(client) != Some(&true)
    }
}
