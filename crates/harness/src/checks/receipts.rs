//! Whether every acknowledged transfer is still there: the nodes give a receipt for it, the receipt
//! holds, and it says what the client was told.

use std::{sync::Arc, time::Duration};

use client::Client;
use consensus::Configuration;
use keys::{Genesis, to_hex};
use ledger::{Outcome as Executed, Receipt, ReceiptParts, VerifiedReceipt};
use terminal::exit::Code;
use testnet::failure::{Failure, Outcome};
use tokio::task::JoinSet;

use super::{Checked, Violation};
use crate::workload::Acknowledged;

/// How long the nodes may take for one receipt.
const PATIENCE: Duration = Duration::from_secs(20);
/// Receipts asked for at once.
const AT_ONCE: usize = 8;
/// So many missing ones are enough to show.
const SHOWN: usize = 5;

pub async fn check(
    genesis: &Genesis,
    client: &Client,
    acknowledged: &[Acknowledged],
    checked: &mut Checked,
) -> Outcome<Vec<Violation>> {
    let configuration = node::configuration(genesis, None)
        .map_err(|error| Failure::new(Code::VerificationFailed, error.to_string()))?;
    let configuration = Arc::new(configuration);
    let mut violations = Vec::new();
    let mut left = acknowledged.iter();
    let mut asked: JoinSet<Result<(), Violation>> = JoinSet::new();
    loop {
        while asked.len() < AT_ONCE
            && let Some(next) = left.next()
        {
            asked.spawn(one(
                Arc::clone(&configuration),
                client.clone(),
                next.clone(),
            ));
        }
        match asked.join_next().await {
            None => return Ok(violations),
            Some(Ok(Ok(()))) => checked.receipts += 1,
            Some(Ok(Err(violation))) => violations.push(violation),
            Some(Err(error)) => return Err(Failure::system("check a receipt", error)),
        }
        if violations.len() >= SHOWN {
            return Ok(violations);
        }
    }
}

async fn one(
    configuration: Arc<Configuration>,
    client: Client,
    acknowledged: Acknowledged,
) -> Result<(), Violation> {
    let lost = |detail: String| Violation::AcknowledgedLost {
        transaction: to_hex(&acknowledged.transaction),
        detail,
    };
    let holds = |parts: &client::ReceiptParts| judge(&configuration, parts, &acknowledged).is_ok();
    let parts = client.receipt(acknowledged.transaction, PATIENCE, holds);
    let parts = parts.await.map_err(|error| lost(error.to_string()))?;
    judge(&configuration, &parts, &acknowledged).map_err(lost)
}

/// Verifies what a node sent, and compares it with what the client was told.
fn judge(
    configuration: &Arc<Configuration>,
    parts: &client::ReceiptParts,
    acknowledged: &Acknowledged,
) -> Result<(), String> {
    let parts = ReceiptParts::try_from(parts.clone()).map_err(|error| error.to_string())?;
    let receipt = Receipt::build(configuration, &parts).map_err(|error| error.to_string())?;
    // As somebody else reads it, from its file.
    let receipt =
        Receipt::from_json(receipt.to_json().as_bytes()).map_err(|error| error.to_string())?;
    let verified = receipt.verify_with(configuration);
    compare(&verified.map_err(|error| error.to_string())?, acknowledged)
}

fn compare(verified: &VerifiedReceipt, acknowledged: &Acknowledged) -> Result<(), String> {
    if verified.id.0 != acknowledged.transaction {
        return Err(format!("the receipt is of {}", verified.id));
    }
    let result = verified.result.as_ref();
    let result = result.ok_or("the receipt does not say what became of it")?;
    // However often it was sent, it was executed in one place.
    if verified.place.index != acknowledged.index {
        return Err(format!(
            "it was acknowledged in entry {}, and the receipt says entry {}",
            acknowledged.index, verified.place.index
        ));
    }
    let applied = result.result.outcome == Executed::Applied;
    if applied != acknowledged.applied {
        return Err(format!(
            "it was acknowledged as applied: {}, and the receipt says {:?}",
            acknowledged.applied, result.result.outcome
        ));
    }
    Ok(())
}
