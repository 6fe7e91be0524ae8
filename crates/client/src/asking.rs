//! What can be asked of nodes beside the application's questions.

use std::net::SocketAddr;

use consensus::NodeId;
use node::frames::{ClientFrame, Id, ServerFrame};
use tokio::time::{Duration, Instant};

use crate::{
    BlockFrame, EvidenceSummary, ReceiptParts, StatusReport, TransactionState,
    client::Client,
    error::ClientError,
    tally::{Lookup, Tally},
};

/// A node that lags says less than it will; those that have not answered are waited for only so long.
const LAGGING_PATIENCE: Duration = Duration::from_secs(2);

/// A node's answer to how it is.
#[derive(Clone, Debug)]
pub struct NodeStatus {
    /// Its position among the validators.
    pub node: NodeId,
    /// Its name in genesis.
    pub name: String,
    /// Where it is dialled.
    pub address: SocketAddr,
    /// Its report, or why there is none.
    pub report: Result<Box<StatusReport>, String>,
}

impl Client {
    /// Asks every node how it is. A node that does not answer in time has a reason instead of a
    /// report.
    pub async fn statuses(&self, timeout: Duration) -> Vec<NodeStatus> {
        let deadline = Instant::now() + timeout;
        self.wait_settled(deadline).await;
        let mut reports: Vec<Option<Box<StatusReport>>> = vec![None; self.shared.links.len()];
        let mut asked = self.ask_all(|id| ClientFrame::Status { id });
        while let Some((node, frame)) = asked.next(deadline).await {
            if let ServerFrame::Status { report, .. } = frame {
                reports[node.position()] = Some(report);
            }
        }
        let statuses = self
            .shared
            .links
            .iter()
            .zip(reports)
            .map(|(link, report)| NodeStatus {
                node: link.node,
                name: link.name.clone(),
                address: link.address,
                report: report.ok_or_else(|| {
                    link.problem()
                        .map_or_else(|| "no answer in time".to_owned(), |(reason, _)| reason)
                }),
            });
        statuses.collect()
    }

    /// What enough nodes say about a transaction. States that differ count by the furthest that
    /// enough nodes agree on. `Unknown` means that no entry up to that index holds it: at least one
    /// correct node says so.
    ///
    /// # Errors
    /// [`ClientError::NoMatch`] or [`ClientError::NoQuorum`].
    pub async fn transaction(
        &self,
        transaction: [u8; 32],
        timeout: Duration,
    ) -> Result<TransactionState, ClientError> {
        self.state_of(transaction, timeout, false).await
    }

    /// What was done under a reference, by the name for looking it up: `Applied`, or `Unknown` as soon
    /// as enough nodes say that nothing was, up to that index.
    ///
    /// # Errors
    /// As [`Client::transaction`].
    pub async fn reference(
        &self,
        lookup: [u8; 32],
        timeout: Duration,
    ) -> Result<TransactionState, ClientError> {
        self.state_of(lookup, timeout, true).await
    }

    async fn state_of(
        &self,
        transaction: [u8; 32],
        timeout: Duration,
        unknown_is_enough: bool,
    ) -> Result<TransactionState, ClientError> {
        let deadline = Instant::now() + timeout;
        self.settle_for_question(deadline).await?;
        let transaction = Id(transaction);
        let mut asked = self.ask_all(|id| ClientFrame::Transaction { id, transaction });
        let needed = self.shared.matching();
        let mut applied = Tally::new(needed);
        let mut pending = 0;
        // Up to where which nodes do not have it, and how many of them say that it never will be.
        let mut unknown = Vec::new();
        let mut superseded = 0;
        let patience = deadline.min(Instant::now() + LAGGING_PATIENCE);
        while let Some((node, frame)) = asked.next(patience).await {
            let ServerFrame::Transaction { state, .. } = frame else {
                continue;
            };
            match state {
                TransactionState::Unknown { applied } => {
                    unknown.push(applied);
                    if unknown_is_enough && unknown.len() >= needed {
                        break;
                    }
                }
                TransactionState::Superseded { applied } => {
                    unknown.push(applied);
                    superseded += 1;
                }
                TransactionState::Pending => pending += 1,
                found @ TransactionState::Applied { .. } => {
                    if let Some(found) = applied.add(node, found, |one, other| one == other) {
                        return Ok(found.clone());
                    }
                }
            }
        }
        let answers = pending + unknown.len() + applied.answers();
        if answers < needed {
            return Err(self.no_match(answers, needed));
        }
        let denied = unknown_is_enough && unknown.len() >= needed;
        if superseded >= needed && applied.answers() == 0 {
            unknown.sort_unstable_by(|one, other| other.cmp(one));
            let applied = unknown.get(needed - 1).copied().unwrap_or(0);
            return Ok(TransactionState::Superseded { applied });
        }
        Ok(if pending + applied.answers() > 0 && !denied {
            TransactionState::Pending
        } else {
            // Of so many nodes that are at least there one is correct.
            unknown.sort_unstable_by(|one, other| other.cmp(one));
            TransactionState::Unknown {
                applied: unknown.get(needed - 1).copied().unwrap_or(0),
            }
        })
    }

    /// What a receipt is made of, from the first node that `complete` accepts it from; the best of
    /// the others otherwise. A receipt needs no majority: it proves itself.
    ///
    /// # Errors
    /// [`ClientError::NoMatch`] if no node has the transaction.
    pub async fn receipt(
        &self,
        transaction: [u8; 32],
        timeout: Duration,
        complete: impl Fn(&ReceiptParts) -> bool,
    ) -> Result<ReceiptParts, ClientError> {
        let deadline = Instant::now() + timeout;
        self.settle_for_question(deadline).await?;
        let mut best = None;
        let mut answers = 0;
        // Certificates and votes may come a moment after the outcome.
        for patience in [10, 20, 50, 200, 500, 0] {
            let transaction = Id(transaction);
            let mut asked = self.ask_all(|id| ClientFrame::Receipt { id, transaction });
            answers = 0;
            while let Some((_, frame)) = asked.next(deadline).await {
                answers += 1;
                if let ServerFrame::Receipt {
                    parts: Some(parts), ..
                } = frame
                {
                    if complete(&parts) {
                        return Ok(*parts);
                    }
                    best = Some(parts);
                }
            }
            let wait = Duration::from_millis(patience);
            if patience == 0 || best.is_none() || Instant::now() + wait > deadline {
                break;
            }
            tokio::time::sleep(wait).await;
        }
        best.map(|parts| *parts)
            .ok_or(ClientError::NoMatch { answers, needed: 1 })
    }

    /// The committed entry at an index, as enough nodes give it; `None` once enough nodes lack it and
    /// no others give it: one that lags does not speak for those that are ahead.
    ///
    /// # Errors
    /// [`ClientError::NoMatch`] or [`ClientError::NoQuorum`].
    pub async fn block(
        &self,
        index: u64,
        timeout: Duration,
    ) -> Result<Option<BlockFrame>, ClientError> {
        let deadline = Instant::now() + timeout;
        self.settle_for_question(deadline).await?;
        let mut asked = self.ask_all(|id| ClientFrame::Block { id, index });
        let needed = self.shared.matching();
        let mut lookup = Lookup::new(needed);
        let patience = deadline.min(Instant::now() + LAGGING_PATIENCE);
        loop {
            let until = match lookup.is_lacking() {
                true => patience,
                false => deadline,
            };
            let Some((node, frame)) = asked.next(until).await else {
                break;
            };
            if let ServerFrame::Block { block, .. } = frame
                && let Some(block) = lookup.add(node, block, |one, other| one == other)
            {
                return Ok(Some(block.clone()));
            }
        }
        if lookup.is_lacking() {
            Ok(None)
        } else {
            Err(self.no_match(lookup.answers(), needed))
        }
    }

    /// All evidence that any node holds, each piece once. Evidence proves itself: check it.
    ///
    /// # Errors
    /// [`ClientError::NoQuorum`] if no node answers.
    pub async fn evidence(&self, timeout: Duration) -> Result<Vec<EvidenceSummary>, ClientError> {
        let deadline = Instant::now() + timeout;
        self.settle_for_question(deadline).await?;
        let mut asked = self.ask_all(|id| ClientFrame::EvidenceList { id });
        let mut found: Vec<EvidenceSummary> = Vec::new();
        let mut answers = 0;
        while let Some((_, frame)) = asked.next(deadline).await {
            if let ServerFrame::EvidenceList { list, .. } = frame {
                answers += 1;
                for summary in list {
                    if found.iter().all(|known| known.id != summary.id) {
                        found.push(summary);
                    }
                }
            }
        }
        if answers == 0 {
            Err(self.no_match(0, 1))
        } else {
            Ok(found)
        }
    }

    /// The canonical bytes of a piece of evidence; `None` if no node that answers has it.
    ///
    /// # Errors
    /// [`ClientError::NoQuorum`] if no node answers.
    pub async fn evidence_bytes(
        &self,
        id: Id,
        timeout: Duration,
    ) -> Result<Option<Vec<u8>>, ClientError> {
        let deadline = Instant::now() + timeout;
        self.settle_for_question(deadline).await?;
        let mut asked = self.ask_all(|question| ClientFrame::EvidenceGet {
            id: question,
            evidence: id,
        });
        let mut answers = 0;
        while let Some((_, frame)) = asked.next(deadline).await {
            if let ServerFrame::Evidence { evidence, .. } = frame {
                answers += 1;
                if let Some(bytes) = evidence {
                    return Ok(Some(bytes.0));
                }
            }
        }
        if answers == 0 {
            Err(self.no_match(0, 1))
        } else {
            Ok(None)
        }
    }
}
