//! What the ledger reads in payloads, and what executing it does.

use std::sync::{Arc, LazyLock};

use consensus::{
    Entry, EntryHeader, EntryKind, Epoch, Hash, Payloads, Signature, SignedHeader, Term,
    encoding::Canonical, merkle,
};
use ledger::{Ledger, SignedTransaction, TransactionPayloads, TransactionResult};

use super::{Memory, Target, statements::canonical};
use crate::{
    input::Input,
    network::{configuration, genesis},
};

pub(super) const TRANSACTION: Target = Target {
    name: "transaction",
    about: "a signed transaction: one encoding; every path of the judgement gives the same answer",
    run: transaction,
    memory: Memory {
        factor: 64,
        fixed: 64 << 10,
    },
    longest: 8 << 10,
    replayed: 80_000,
};

fn transaction(input: &[u8]) {
    static PAYLOADS: LazyLock<TransactionPayloads> =
        LazyLock::new(|| TransactionPayloads::new(genesis()));
    let network = Hash(genesis().id());
    if let Some(signed) = canonical::<SignedTransaction>(input) {
        let _ = (signed.transaction.id(), signed.transaction.content());
        // The id does not depend on the signature.
        let mut other = signed.clone();
        other.signature.0[5] ^= 1;
        assert_eq!(other.transaction.id(), signed.transaction.id());
    }
    let read = SignedTransaction::read(&network, input);
    let key = PAYLOADS.key(input);
    let one = PAYLOADS.check(input);
    assert_eq!(read.is_ok(), key.is_ok());
    if let Ok(one) = &one {
        assert_eq!(key.as_ref(), Ok(one));
    }
    let all = PAYLOADS.check_all(&[input.into()]);
    assert_eq!(all, one.map(|key| vec![key]));
    if let Err(error) = read {
        drop(error.to_string());
    }
}

pub(super) const EXECUTION: Target = Target {
    name: "execution",
    about: "an entry with any payloads, executed: nothing fails, money is conserved, and two ledgers agree",
    run: execution,
    memory: Memory {
        factor: 512,
        fixed: 1 << 20,
    },
    longest: 8 << 10,
    replayed: 24_000,
};

/// Entries, each a count of payloads and the payloads as blocks. The signatures are not looked at:
/// that is the judgement's part, before an entry is made.
fn execution(input: &[u8]) {
    static LEDGER: LazyLock<Ledger> = LazyLock::new(|| Ledger::new(genesis(), configuration()));
    let mut ledgers = [LEDGER.clone(), LEDGER.clone()];
    let mut input = Input(input);
    while !input.is_empty() {
        let count = 1 + input.byte() % 8;
        let payloads: Vec<Arc<[u8]>> = (0..count).map(|_| input.block().into()).collect();
        let entry = entry(&ledgers[0], payloads);
        let done = ledgers.each_mut().map(|ledger| ledger.apply(&entry));
        assert_eq!(done[0].applied, done[1].applied);
        assert_eq!(done[0].outcomes.len(), usize::from(count));
        for outcome in &done[0].outcomes {
            assert!(TransactionResult::from_bytes(&outcome.result).is_ok());
        }
        for ledger in &ledgers {
            assert_eq!(ledger.audit(), Ok(()));
        }
    }
}

/// The next entry of the first term with those payloads, unsigned.
pub(crate) fn entry(ledger: &Ledger, payloads: Vec<Arc<[u8]>>) -> Entry {
    let before = ledger.applied();
    let previous = ledger
        .executed(before.index.0)
        .map_or(configuration().opening(), |entry| entry.point);
    let header = EntryHeader {
        kind: EntryKind::Transactions,
        epoch: Epoch::ZERO,
        term: Term::ZERO,
        index: before.index.next(),
        author: configuration().leader(Term::ZERO),
        previous: previous.hash,
        body_root: merkle::root(&payloads),
        count: u32::try_from(payloads.len()).expect("few payloads"),
        timestamp: 1_700_000_000_000,
    };
    let signed = SignedHeader {
        header,
        signature: Signature::NONE,
    };
    Entry::new(configuration(), signed, payloads)
}

pub(super) const RESULT: Target = Target {
    name: "result",
    about: "what became of a transaction: one encoding",
    run: |input| {
        if let Some(result) = canonical::<TransactionResult>(input) {
            let _ = result.outcome;
        }
    },
    memory: Memory {
        factor: 64,
        fixed: 8 << 10,
    },
    longest: 512,
    replayed: 160_000,
};
