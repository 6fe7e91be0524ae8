//! The nonce window of an account: every nonce at most once (P6.5).

use std::collections::{BTreeSet, VecDeque};

use consensus::Hash;

use crate::{limits::NONCE_WINDOW, outcome::RejectionCode};

/// How many of an account's last transactions are remembered by their nonce.
const REMEMBERED: usize = 16;

/// Which nonces of an account are settled.
///
/// The window is `[lowest, lowest + 1024)`, where `lowest` is the lowest nonce that is not settled;
/// up to a window of transactions may arrive in any order. A nonce beyond it, should one be executed,
/// moves the window up to itself, and settles what falls out below: so every nonce that was executed
/// is settled for ever, in memory that does not grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NonceWindow {
    lowest: u64,
    /// Settled ones above `lowest`; fewer than a window.
    used: BTreeSet<u64>,
    /// The newest uses, so that a refusal can name the transaction.
    newest: VecDeque<(u64, Hash)>,
}

impl NonceWindow {
    /// The lowest nonce that is not settled.
    #[must_use]
    pub const fn lowest(&self) -> u64 {
        self.lowest
    }

    /// The nonces above the lowest one that are settled.
    pub fn used_ahead(&self) -> impl ExactSizeIterator<Item = u64> + '_ {
        self.used.iter().copied()
    }

    /// Whether nothing can be done under the nonce any more. The largest number is settled from the
    /// start, so that there is one beyond each that is not.
    #[must_use]
    pub fn is_settled(&self, nonce: u64) -> bool {
        nonce < self.lowest || nonce == u64::MAX || self.used.contains(&nonce)
    }

    /// Whether a transaction should be proposed under the nonce.
    ///
    /// # Errors
    /// [`RejectionCode::NonceUsed`] or [`RejectionCode::NonceTooFar`].
    pub fn check(&self, nonce: u64) -> Result<(), RejectionCode> {
        if self.is_settled(nonce) {
            return Err(RejectionCode::NonceUsed);
        }
        match nonce - self.lowest < NONCE_WINDOW {
            true => Ok(()),
            false => Err(RejectionCode::NonceTooFar),
        }
    }

    /// The transaction that used the nonce, if it was one of the last few.
    #[must_use]
    pub fn user_of(&self, nonce: u64) -> Option<Hash> {
        let used_by = |&&(used, _): &&(u64, Hash)| used == nonce;
        self.newest.iter().find(used_by).map(|&(_, id)| id)
    }

    /// Settles a nonce that is not.
    pub(crate) fn settle(&mut self, nonce: u64, transaction: Hash) {
        assert!(!self.is_settled(nonce), "nonce {nonce} is settled once");
        if self.newest.len() == REMEMBERED {
            self.newest.pop_front();
        }
        self.newest.push_back((nonce, transaction));
        if nonce - self.lowest >= NONCE_WINDOW {
            self.lowest = nonce - (NONCE_WINDOW - 1);
            self.used = self.used.split_off(&self.lowest);
        }
        self.used.insert(nonce);
        while self.used.remove(&self.lowest) {
            // The largest number is never among them.
            self.lowest += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RejectionCode::{NonceTooFar, NonceUsed};

    fn taken(nonces: impl IntoIterator<Item = u64>) -> NonceWindow {
        let mut window = NonceWindow::default();
        for nonce in nonces {
            window.settle(nonce, Hash([nonce as u8; 32]));
        }
        window
    }

    #[test]
    fn the_window_has_two_edges() {
        let window = taken([]);
        assert_eq!(window.check(0), Ok(()));
        assert_eq!(window.check(1023), Ok(()));
        assert_eq!(window.check(1024), Err(NonceTooFar));
        assert_eq!(window.check(u64::MAX - 1), Err(NonceTooFar));
        assert_eq!(window.check(u64::MAX), Err(NonceUsed));

        let window = taken(0..5);
        assert_eq!(window.lowest(), 5);
        assert_eq!(window.check(4), Err(NonceUsed));
        assert_eq!(window.check(5), Ok(()));
        assert_eq!(window.check(5 + 1023), Ok(()));
        assert_eq!(window.check(5 + 1024), Err(NonceTooFar));
    }

    #[test]
    fn a_gap_holds_the_window_until_it_is_filled() {
        let mut window = taken(1..1024);
        assert_eq!(window.lowest(), 0);
        assert_eq!(window.check(1024), Err(NonceTooFar));
        assert_eq!(window.check(1023), Err(NonceUsed));
        window.settle(0, Hash::default());
        assert_eq!(window.lowest(), 1024);
        assert_eq!(window.used_ahead().len(), 0);
        assert_eq!(window.check(1024 + 1023), Ok(()));
    }

    #[test]
    fn a_nonce_beyond_the_window_moves_it_and_settles_what_falls_out() {
        let mut window = taken([1, 3, 900]);
        window.settle(1500, Hash::default());
        assert_eq!(window.lowest(), 1500 - 1023);
        for nonce in [0, 2, 3, 476, 900, 1500] {
            assert_eq!(window.check(nonce), Err(NonceUsed), "{nonce}");
        }
        assert_eq!(window.check(1500 + 1), Err(NonceTooFar));
        for nonce in [477, 899, 1499] {
            assert_eq!(window.check(nonce), Ok(()), "{nonce}");
        }
        window.settle(u64::MAX - 1, Hash::default());
        assert_eq!(window.lowest(), u64::MAX - 1024);
        for nonce in (u64::MAX - 1024..u64::MAX - 1).rev() {
            window.settle(nonce, Hash::default());
        }
        assert_eq!(window.lowest(), u64::MAX);
        assert!(window.is_settled(u64::MAX) && window.is_settled(0));
    }

    #[test]
    fn the_user_of_a_recent_nonce_is_known() {
        let window = taken(0..20);
        assert_eq!(window.user_of(19), Some(Hash([19; 32])));
        assert_eq!(window.user_of(4), Some(Hash([4; 32])));
        assert_eq!(window.user_of(3), None);
    }
}
