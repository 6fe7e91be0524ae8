//! Accounts between which money is moved, as one sequential object.

use super::Model;

/// Accounts, counted from zero. An operation names those of this object only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bank;

/// An operation and its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Money went from one account to another; also what is assumed of a transfer whose outcome is
    /// unknown, if it took effect at all.
    Moved {
        /// The payer.
        from: usize,
        /// The receiver.
        to: usize,
        /// How much.
        amount: u64,
    },
    /// A transfer was refused because the payer held too little.
    Insufficient {
        /// The payer.
        from: usize,
        /// How much it should have paid.
        amount: u64,
    },
    /// An account was read.
    Read {
        /// The account.
        account: usize,
        /// What it held.
        balance: u64,
    },
}

impl Model for Bank {
    type State = Vec<u64>;
    type Operation = Call;

    fn step(&self, state: &Vec<u64>, call: &Call) -> Option<Vec<u64>> {
        match *call {
            Call::Moved { from, to, amount } => {
                let mut after = state.clone();
                let payer = after.get_mut(from)?;
                *payer = payer.checked_sub(amount)?;
                let receiver = after.get_mut(to)?;
                *receiver = receiver.checked_add(amount)?;
                Some(after)
            }
            Call::Insufficient { from, amount } => {
                (*state.get(from)? < amount).then(|| state.clone())
            }
            Call::Read { account, balance } => {
                (*state.get(account)? == balance).then(|| state.clone())
            }
        }
    }
}
