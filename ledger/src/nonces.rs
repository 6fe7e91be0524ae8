//! The nonce window of an account: every nonce at most once (P6.5).

use std::collections::{BTreeSet, VecDeque};

use consensus::Hash;

use crate::{limits::NONCE_WINDOW, outcome::RejectionCode};

/// How many of an account's last transactions are remembered by their nonce.
const REMEMBERED: usize = 16;

/// Which nonces an account has used.
///
/// A nonce may be used if it lies in `[lowest, lowest + 1024)` and was not used before; `lowest`
/// is the lowest that was not. Up to a window of transactions may therefore arrive in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NonceWindow {
    lowest: u64,
    /// Used ones above `lowest`; fewer than a window.
    used: BTreeSet<u64>,
    /// The newest uses, so that a refusal can name the transaction.
    newest: VecDeque<(u64, Hash)>,
}

impl NonceWindow {
    /// The lowest nonce that was not used.
    #[must_use]
    pub const fn lowest(&self) -> u64 {
        self.lowest
    }

    /// The nonces above the lowest unused one that were used.
    pub fn used_ahead(&self) -> impl ExactSizeIterator<Item = u64> + '_ {
        self.used.iter().copied()
    }

    /// Whether a transaction may use the nonce.
    ///
    /// # Errors
    /// [`RejectionCode::NonceUsed`] or [`RejectionCode::NonceTooFar`].
    pub fn check(&self, nonce: u64) -> Result<(), RejectionCode> {
        match nonce.checked_sub(self.lowest) {
            None => Err(RejectionCode::NonceUsed),
            Some(ahead) if ahead >= NONCE_WINDOW => Err(RejectionCode::NonceTooFar),
            Some(_) if self.used.contains(&nonce) => Err(RejectionCode::NonceUsed),
            Some(_) => Ok(()),
        }
    }

    /// The transaction that used the nonce, if it was one of the last few.
    #[must_use]
    pub fn user_of(&self, nonce: u64) -> Option<Hash> {
        let used_by = |&&(used, _): &&(u64, Hash)| used == nonce;
        self.newest.iter().find(used_by).map(|&(_, id)| id)
    }

    /// Uses a nonce that [`NonceWindow::check`] allowed.
    pub(crate) fn take(&mut self, nonce: u64, transaction: Hash) {
        assert_eq!(self.check(nonce), Ok(()), "nonce {nonce} is taken once");
        if self.newest.len() == REMEMBERED {
            self.newest.pop_front();
        }
        self.newest.push_back((nonce, transaction));
        self.used.insert(nonce);
        while self.used.remove(&self.lowest) {
            // Counting up from zero one by one does not reach the largest number.
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
            window.take(nonce, Hash([nonce as u8; 32]));
        }
        window
    }

    #[test]
    fn the_window_has_two_edges() {
        let window = taken([]);
        assert_eq!(window.check(0), Ok(()));
        assert_eq!(window.check(1023), Ok(()));
        assert_eq!(window.check(1024), Err(NonceTooFar));
        assert_eq!(window.check(u64::MAX), Err(NonceTooFar));

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
        window.take(0, Hash::default());
        assert_eq!(window.lowest(), 1024);
        assert_eq!(window.used_ahead().len(), 0);
        assert_eq!(window.check(1024 + 1023), Ok(()));
    }

    #[test]
    fn the_user_of_a_recent_nonce_is_known() {
        let window = taken(0..20);
        assert_eq!(window.user_of(19), Some(Hash([19; 32])));
        assert_eq!(window.user_of(4), Some(Hash([4; 32])));
        assert_eq!(window.user_of(3), None);
    }
}
