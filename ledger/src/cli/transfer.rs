//! `ledger transfer` and `ledger issue`: one payment.

use crate::Operation;
use clap::Args;
use serde_json::{Value, json};
use terminal::Output;

use super::{
    connect::Connection,
    failure::{Failure, Outcome},
    money::Unit,
    parties::ADMIN,
    payment::{Order, Settled, Until, check_memo, salt},
    receipts::{self, Gathered},
    reference::Reference,
    refusal::rejected,
    setup::{Common, Setup},
};

pub const TRANSFER_EXAMPLES: &str = "\
AMOUNT counts the asset's smallest unit, here, in balances, in files and in JSON: with an asset of
two decimals 250 is 2.50. Every call makes a new payment, unless --reference names one: under one
reference an account pays once, however often it is repeated. Where the outcome of a call without a
reference stays unknown, it says how to send the very same payment once more.

Examples:
  ledger transfer alice bob 250
  ledger transfer alice bob 250 --memo 'rent for May' --reference rent-2026-05
  ledger transfer alice hw1… 250 --asset USD --wait committed --timeout 30s --json";

pub const ISSUE_EXAMPLES: &str = "\
Creates money. Only the admin of genesis may: its key must be in DIR/keys/admin.pem, or be named by
--key. AMOUNT counts the asset's smallest unit.

Examples:
  ledger issue alice 100000
  ledger issue bob 5000 --asset EUR --reference funding-7 --json";

#[derive(Args)]
pub struct Details {
    /// The asset's code [default: the network's only asset]
    #[arg(long, value_name = "CODE")]
    asset: Option<String>,
    /// A remark that everyone can read, at most 256 bytes
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    memo: String,
    /// Your own name for this payment: repeated under it, it is made only once
    #[arg(long, value_name = "ID")]
    reference: Option<String>,
    /// What to wait for
    #[arg(long, value_name = "WHAT", default_value = "applied")]
    wait: Until,
    /// Sign with this key, a name or a file [default: the account's own]
    #[arg(long, value_name = "NAME|FILE")]
    key: Option<String>,
}

#[derive(Args)]
pub struct TransferArguments {
    /// The paying account: a name or an address whose key is in DIR/keys
    from: String,
    /// The receiving account: a name or an address
    to: String,
    /// How much, in smallest units
    #[arg(allow_negative_numbers = true)]
    amount: String,
    #[command(flatten)]
    details: Details,
}

#[derive(Args)]
pub struct IssueArguments {
    /// The receiving account: a name or an address
    to: String,
    /// How much, in smallest units
    #[arg(allow_negative_numbers = true)]
    amount: String,
    #[command(flatten)]
    details: Details,
}

/// What is paid, apart from by whom.
struct Payment<'a> {
    command: &'static str,
    from: Option<&'a str>,
    to: &'a str,
    amount: &'a str,
    details: &'a Details,
}

pub async fn transfer(common: &Common, arguments: &TransferArguments, output: Output) -> Outcome {
    let payment = Payment {
        command: "transfer",
        from: Some(&arguments.from),
        to: &arguments.to,
        amount: &arguments.amount,
        details: &arguments.details,
    };
    payment.run(common, output).await
}

pub async fn issue(common: &Common, arguments: &IssueArguments, output: Output) -> Outcome {
    let payment = Payment {
        command: "issue",
        from: None,
        to: &arguments.to,
        amount: &arguments.amount,
        details: &arguments.details,
    };
    payment.run(common, output).await
}

impl Payment<'_> {
    async fn run(&self, common: &Common, output: Output) -> Outcome {
        let setup = Setup::load(common)?;
        let details = self.details;
        let unit = Unit::find(&setup.genesis, details.asset.as_deref())?;
        let amount = unit.parse(self.amount)?;
        check_memo(&details.memo)?;
        let reference = details.reference.as_deref().map(Reference::given);
        let reference = reference.transpose()?;
        let payer = match self.from {
            Some(from) => Connection::payer_of(&setup, from, details.key.as_deref()).await?,
            None => setup.payer(ADMIN, details.key.as_deref())?,
        };
        let doubt = |failure: Failure| match details.reference {
            Some(_) => failure.under_reference(),
            None => failure,
        };
        let connection = Connection::open(&setup, Some(&payer.key))?;
        let to = connection.address(self.to).await.map_err(doubt)?;
        let asset = unit.code;
        let operation = match self.from {
            Some(_) => Operation::Transfer { to, asset, amount },
            None => Operation::Issue { to, asset, amount },
        };
        let repeat = reference.as_ref().map(|reference| self.repeat(reference));
        let order = Order {
            payer,
            operations: vec![operation],
            memo: details.memo.clone(),
            reference: reference.clone(),
            repeat: repeat.unwrap_or_default(),
            salt: salt()?,
        };
        let settled = order.settle(&connection, details.wait).await;
        let settled = settled.map_err(doubt)?;
        let receipt = receipts::gather(&connection, settled.id, receipts::MOMENT).await;
        let known = described(&settled, reference.as_ref(), &receipt);
        if let Some(rejection) = settled.rejection() {
            let mut failure = rejected(&rejection);
            let status = std::mem::take(&mut failure.known);
            failure.known = known;
            failure.known.extend(status);
            return Err(failure);
        }
        output.result(
            &known,
            &self.text(&settled, reference.as_ref(), &receipt, &unit.text(amount)),
        );
        output.next(&common.command(&[
            "receipt",
            "get",
            &settled.id.to_string(),
            "--out",
            "receipt.json",
        ]));
        Ok(())
    }

    /// The command that repeats exactly this payment.
    fn repeat(&self, reference: &Reference) -> Vec<String> {
        let details = self.details;
        let mut words = vec![self.command];
        words.extend(self.from);
        words.extend([self.to, self.amount]);
        for (option, value) in [
            ("--asset", details.asset.as_deref()),
            (
                "--memo",
                Some(details.memo.as_str()).filter(|memo| !memo.is_empty()),
            ),
            ("--key", details.key.as_deref()),
            ("--reference", Some(reference.as_str())),
        ] {
            if let Some(value) = value {
                words.extend([option, value]);
            }
        }
        words.into_iter().map(str::to_owned).collect()
    }

    fn text(
        &self,
        settled: &Settled,
        reference: Option<&Reference>,
        receipt: &Gathered,
        amount: &str,
    ) -> String {
        let done = match (self.from, settled.repeated) {
            (Some(from), false) => format!("Sent {amount} from {from} to {}", self.to),
            (Some(from), true) => {
                format!(
                    "Already sent, nothing was paid now: {amount} from {from} to {}",
                    self.to
                )
            }
            (None, false) => format!("Issued {amount} to {}", self.to),
            (None, true) => format!(
                "Already issued, nothing was done now: {amount} to {}",
                self.to
            ),
        };
        let term = settled
            .term
            .map_or_else(String::new, |term| format!(", term {term}"));
        format!(
            "{done}: {} in entry {}{term}.\n  \
             id         {}\n  \
             {}receipt    {}",
            settled.status(),
            settled.index,
            settled.id,
            reference.map_or_else(String::new, |reference| {
                format!("reference  {}\n  ", reference.as_str())
            }),
            receipt.text(),
        )
    }
}

fn described(
    settled: &Settled,
    reference: Option<&Reference>,
    receipt: &Gathered,
) -> serde_json::Map<String, Value> {
    let json = json!({
        "id": settled.id.to_string(),
        "status": settled.status(),
        "index": settled.index,
        "term": settled.term,
        "receipt": receipt.json(),
        "receipt_missing": receipt.missing(),
        "reference": reference.map(Reference::as_str),
        "nonce": settled.nonce,
        "repeated": settled.repeated,
    });
    match json {
        Value::Object(object) => object,
        _ => unreachable!("an object was written"),
    }
}
