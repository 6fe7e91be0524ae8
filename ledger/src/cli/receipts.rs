//! Gathering a receipt from the nodes.

use std::time::Duration;

use crate::{Assurance, Receipt, ReceiptParts, VerifiedReceipt, receipt::IncompleteReceipt};
use client::ClientError;
use consensus::{Hash, Mode};
use serde_json::Value;

use super::connect::Connection;

/// How long a payment waits for its receipt after its outcome: proofs come a moment later.
pub const MOMENT: Duration = Duration::from_secs(2);

/// A receipt as far as the nodes could make one. What is there was verified.
#[derive(Clone, Debug)]
pub enum Gathered {
    /// It proves all that the network's mode can prove.
    Whole(Box<(Receipt, VerifiedReceipt)>),
    /// It holds, but something is missing, which the text says.
    Partial(Box<(Receipt, VerifiedReceipt)>, String),
    /// There is none, for this reason.
    Missing(String),
}

impl Gathered {
    /// The receipt as its file holds it.
    pub fn json(&self) -> Value {
        let json = self.receipt().map(serde_json::to_value);
        json.and_then(Result::ok).unwrap_or(Value::Null)
    }

    pub fn receipt(&self) -> Option<&Receipt> {
        match self {
            Self::Whole(found) | Self::Partial(found, _) => Some(&found.0),
            Self::Missing(_) => None,
        }
    }

    pub fn verified(&self) -> Option<&VerifiedReceipt> {
        match self {
            Self::Whole(found) | Self::Partial(found, _) => Some(&found.1),
            Self::Missing(_) => None,
        }
    }

    /// What is missing, if something is.
    pub fn missing(&self) -> Option<&str> {
        match self {
            Self::Whole(_) => None,
            Self::Partial(_, missing) | Self::Missing(missing) => Some(missing),
        }
    }

    /// A line for people.
    pub fn text(&self) -> String {
        let proves = self.verified().map(|verified| match verified.assurance {
            Assurance::InclusionOnly => "shows the transaction in its entry; in this mode nodes sign nothing that would prove the commit",
            Assurance::MajorityAcknowledged => "acknowledged by a majority",
            Assurance::Certified => match &verified.result {
                Some(result) if result.certified => "place, commit and result are certified",
                _ => "place and commit are certified",
            },
        });
        match (proves, self.missing()) {
            (Some(proves), None) => proves.to_owned(),
            (Some(proves), Some(missing)) => format!("{proves}; {missing}"),
            (None, missing) => format!("not yet: {}", missing.unwrap_or("no node has it")),
        }
    }
}

/// A receipt for somebody who can do without: what went wrong is what is missing.
pub async fn gather(connection: &Connection, id: Hash, patience: Duration) -> Gathered {
    match ask(connection, id, patience).await {
        Ok(gathered) => gathered,
        Err(ClientError::NoMatch { answers: 0, .. } | ClientError::NoQuorum { .. }) => {
            Gathered::Missing("no node answered".to_owned())
        }
        Err(ClientError::NoMatch { .. }) => {
            Gathered::Missing("no node remembers the transaction".to_owned())
        }
        Err(error) => Gathered::Missing(error.to_string()),
    }
}

/// Asks the nodes for the parts of a receipt, at most for `patience`.
pub async fn ask(
    connection: &Connection,
    id: Hash,
    patience: Duration,
) -> Result<Gathered, ClientError> {
    let patience = patience.min(connection.left().max(Duration::from_millis(100)));
    let whole =
        |parts: &client::ReceiptParts| matches!(judge(connection, &id, parts), Gathered::Whole(_));
    let parts = connection.client.receipt(id.0, patience, whole).await?;
    Ok(judge(connection, &id, &parts))
}

/// Makes a receipt of what a node said, and verifies it: a node may lie.
fn judge(connection: &Connection, id: &Hash, parts: &client::ReceiptParts) -> Gathered {
    let mut parts = match ReceiptParts::try_from(parts.clone()) {
        Ok(parts) => parts,
        Err(error) => return Gathered::Missing(format!("a node's answer cannot be read: {error}")),
    };
    let configuration = &connection.configuration;
    let (receipt, mut missing) = match Receipt::build(configuration, &parts) {
        Ok(receipt) => (receipt, None),
        Err(error @ IncompleteReceipt::ResultNotConfirmed { .. }) => {
            // The commit can be proved all the same.
            parts.result = None;
            match Receipt::build(configuration, &parts) {
                Ok(receipt) => (receipt, Some(error.to_string())),
                Err(error) => return Gathered::Missing(error.to_string()),
            }
        }
        Err(error) => return Gathered::Missing(error.to_string()),
    };
    let verified = match receipt.verify_with(configuration) {
        Ok(verified) if verified.id == *id => verified,
        Ok(_) => return Gathered::Missing("a node sent the receipt of another payment".to_owned()),
        Err(error) => return Gathered::Missing(format!("a node sent a false receipt: {error}")),
    };
    if configuration.mode() == Mode::RaftSigned && verified.assurance == Assurance::InclusionOnly {
        missing = Some("a majority's acknowledgements are not at hand".to_owned());
    }
    let found = Box::new((receipt, verified));
    match missing {
        None => Gathered::Whole(found),
        Some(missing) => Gathered::Partial(found, missing),
    }
}
