//! Checking a receipt offline, step by step (P7.1).

use std::{collections::BTreeSet, sync::Arc};

use consensus::{
    Configuration, Ed25519, EntryHeader, EntryKind, Hash, NodeId, Signed, SignedHeader,
    Verification,
    encoding::Canonical,
    limits::{ENTRY_PAYLOADS, PAYLOAD_BYTES},
    merkle,
};
use keys::Genesis;
use terminal::counted;

use super::{
    Receipt, ReceiptError, ReceiptFailure,
    verified::{Assurance, Check, Step, VerifiedReceipt},
};
use crate::{
    hexadecimal::{HexBytes, HexHash},
    limits::RECEIPT_PATH,
    outcome::Place,
    payloads::TransactionPayloads,
    transaction::SignedTransaction,
};

pub(super) fn decode<T: Canonical>(
    what: &'static str,
    bytes: &HexBytes,
) -> Result<T, ReceiptError> {
    T::from_bytes(&bytes.0).map_err(|source| ReceiptError::Malformed { what, source })
}

pub(super) fn decode_list<T: Canonical>(
    what: &'static str,
    list: &[HexBytes],
    limit: usize,
) -> Result<Vec<T>, ReceiptError> {
    at_most(what, list.len(), limit)?;
    list.iter().map(|bytes| decode(what, bytes)).collect()
}

pub(super) fn hashes(
    what: &'static str,
    list: &[HexHash],
    limit: usize,
) -> Result<Vec<Hash>, ReceiptError> {
    at_most(what, list.len(), limit)?;
    Ok(list.iter().map(|&HexHash(hash)| hash).collect())
}

pub(super) const fn at_most(
    what: &'static str,
    found: usize,
    limit: usize,
) -> Result<(), ReceiptError> {
    if found > limit {
        return Err(ReceiptError::TooMany { what, found, limit });
    }
    Ok(())
}

pub(super) const fn at_least(found: usize, needed: usize) -> Result<(), ReceiptError> {
    if found < needed {
        return Err(ReceiptError::TooFew { found, needed });
    }
    Ok(())
}

impl Receipt {
    /// Checks everything from the genesis file alone.
    ///
    /// # Errors
    /// [`ReceiptFailure`] with the steps that passed and the first that did not.
    pub fn verify(&self, genesis: &Genesis) -> Result<VerifiedReceipt, ReceiptFailure> {
        let configuration = node::configuration(genesis, None).map_err(|error| ReceiptFailure {
            passed: Vec::new(),
            failed: Check::Network,
            error: error.into(),
        })?;
        self.verify_with(&Arc::new(configuration))
    }

    /// Checks everything from the configuration of the first epoch.
    ///
    /// # Errors
    /// As [`Receipt::verify`].
    pub fn verify_with(
        &self,
        configuration: &Arc<Configuration>,
    ) -> Result<VerifiedReceipt, ReceiptFailure> {
        let mut run = Run::new(configuration);
        run.step(Check::Network, |run| run.network(self))?;
        let transaction = run.step(Check::Transaction, |run| run.transaction(self))?;
        let entry = run.step(Check::Entry, |run| run.entry(self))?;
        run.step(Check::Inclusion, |run| run.inclusion(self, &entry.header))?;
        let assurance = run.step(Check::Commit, |run| run.commit(self, &entry))?;
        if let Some(step) = run.passed.last_mut() {
            step.proven = assurance != Assurance::InclusionOnly;
        }
        let id = transaction.transaction.id();
        let result = self
            .result
            .as_ref()
            .map(|part| {
                run.step(Check::Result, |run| {
                    run.result(part, &id, self.position, &entry.header)
                })
            })
            .transpose()?;
        Ok(VerifiedReceipt {
            steps: run.passed,
            assurance,
            id,
            transaction,
            place: Place {
                index: entry.header.index.0,
                position: self.position,
            },
            entry: entry.header.point(configuration),
            term: entry.header.term,
            timestamp: entry.header.timestamp,
            result,
        })
    }
}

/// A verification under way.
pub(super) struct Run<'a> {
    pub(super) configuration: &'a Arc<Configuration>,
    pub(super) verification: Verification,
    passed: Vec<Step>,
}

impl<'a> Run<'a> {
    fn new(configuration: &'a Arc<Configuration>) -> Self {
        let verifier = Arc::new(Ed25519::with_known(configuration.keys().iter().copied()));
        let network = configuration.domain().network;
        let payloads = TransactionPayloads::with_verifier(network, verifier.clone());
        Self {
            verification: Verification::new(
                Arc::clone(configuration),
                verifier,
                Arc::new(payloads),
            ),
            configuration,
            passed: Vec::new(),
        }
    }

    /// Runs one check; it gives what was found, and a sentence about it.
    fn step<T>(
        &mut self,
        check: Check,
        run: impl FnOnce(&Self) -> Result<(T, String), ReceiptError>,
    ) -> Result<T, ReceiptFailure> {
        match run(self) {
            Ok((value, sentence)) => {
                self.passed.push(Step {
                    check,
                    proven: true,
                    sentence,
                });
                Ok(value)
            }
            Err(error) => Err(ReceiptFailure {
                passed: std::mem::take(&mut self.passed),
                failed: check,
                error,
            }),
        }
    }

    fn network(&self, receipt: &Receipt) -> Result<((), String), ReceiptError> {
        let (expected, HexHash(found)) = (self.configuration.domain().network, receipt.network);
        if found != expected {
            return Err(ReceiptError::WrongNetwork { expected, found });
        }
        let sizes = self.configuration.sizes();
        let sentence = format!(
            "The receipt is of the network {found}, mode {}, {} validators.",
            self.configuration.mode(),
            sizes.validators(),
        );
        Ok(((), sentence))
    }

    fn transaction(&self, receipt: &Receipt) -> Result<(SignedTransaction, String), ReceiptError> {
        let payload = &receipt.transaction.0;
        at_most("bytes of the transaction", payload.len(), PAYLOAD_BYTES)?;
        let signed = SignedTransaction::read(&self.configuration.domain().network, payload)?;
        signed.check_signature(self.verification.verifier())?;
        let sentence = format!(
            "Transaction {} of account {}, nonce {}, is signed by its key {}.",
            signed.transaction.id(),
            signed.transaction.account,
            signed.transaction.nonce,
            keys::PublicKey::from_bytes(&signed.transaction.key.0).map_or_else(
                |_| signed.transaction.key.to_string(),
                |key| key.to_string()
            ),
        );
        Ok((signed, sentence))
    }

    fn entry(&self, receipt: &Receipt) -> Result<(SignedHeader, String), ReceiptError> {
        let signed: SignedHeader = decode("the entry's header", &receipt.entry)?;
        let header = &signed.header;
        if header.kind != EntryKind::Transactions
            || header.index <= self.configuration.opening().index
        {
            return Err(ReceiptError::EntryKind);
        }
        at_most(
            "transactions of an entry",
            header.count as usize,
            ENTRY_PAYLOADS,
        )?;
        self.verification.header(&signed)?;
        let signs = self.configuration.mode().signs();
        let sentence = format!(
            "Entry {} of term {} with {} is {} {}.",
            header.index,
            header.term,
            counted(header.count as usize, "transaction"),
            if signs {
                "signed by its leader"
            } else {
                "unsigned in this mode and names as its leader"
            },
            header.author,
        );
        Ok((signed, sentence))
    }

    fn inclusion(
        &self,
        receipt: &Receipt,
        header: &EntryHeader,
    ) -> Result<((), String), ReceiptError> {
        let path = hashes("hashes of the Merkle path", &receipt.path, RECEIPT_PATH)?;
        let position = receipt.position;
        let (root, count) = (&header.body_root, header.count.into());
        let payload = &receipt.transaction.0;
        if !merkle::includes(root, count, position.into(), payload, &path) {
            return Err(ReceiptError::NotIncluded(position));
        }
        let sentence = format!(
            "The transaction stands at position {position} of entry {}{}.",
            header.index,
            match path.len() {
                0 => ", which holds nothing else".to_owned(),
                1 => "; 1 hash leads to its root".to_owned(),
                hashes => format!("; {hashes} hashes lead to its root"),
            },
        );
        Ok(((), sentence))
    }

    /// The distinct validators whose good signatures these are.
    pub(super) fn signers<T: consensus::signed::Body>(
        &self,
        statements: &[Signed<T>],
    ) -> Result<BTreeSet<NodeId>, ReceiptError> {
        let mut signers = BTreeSet::new();
        for statement in statements {
            let known = self.configuration.key(statement.signer).is_some();
            if !known || !signers.insert(statement.signer) {
                return Err(ReceiptError::Signers);
            }
            if !statement.signature_holds(self.configuration, self.verification.verifier()) {
                return Err(ReceiptError::Signature);
            }
        }
        Ok(signers)
    }
}

pub(super) fn names(nodes: impl IntoIterator<Item = NodeId>) -> String {
    let names: Vec<String> = nodes.into_iter().map(|node| node.to_string()).collect();
    names.join(", ")
}
