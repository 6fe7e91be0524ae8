//! Pretends that one account's requests never came, and serves everybody else.

use consensus::{Request, encoding::Canonical};
use keys::Address;
use ledger::SignedTransaction;
use node::{Behaviour, Context, Verdict};

use super::Kind;

pub const KIND: Kind = Kind {
    name: "censor",
    mark: "hawser-testnet-traitor/censor",
    summary: "ignores the requests of one account (--account) and serves everybody else",
    contained: "If it leads, the account's next payment takes some seconds: its client complains, \
                the nodes depose the leader, and the next one serves it. To make a node the \
                leader: `testnet lead NODE`.",
    unchecked: "If it leads, the account's payments never come through, however often they are \
                repeated: Raft has no way to depose a leader that is heard. To make a node \
                the leader: `testnet lead NODE`.",
    takes_account: true,
    make: |account| {
        Box::new(Censor {
            account: account.unwrap_or_else(|| Address::from_bytes([0; 32])),
        })
    },
};

struct Censor {
    account: Address,
}

impl Behaviour for Censor {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn request(&mut self, _: &Context<'_>, request: &Request) -> Verdict {
        match SignedTransaction::from_bytes(request.payload()) {
            Ok(signed) if signed.transaction.account == self.account => Verdict::Drop,
            _ => Verdict::Allow,
        }
    }
}
