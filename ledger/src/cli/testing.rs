//! What the command reads from people and from files, as functions for tests outside this crate.
//! Errors are the texts that the user sees.

use std::path::Path;

use keys::{Address, Genesis, KeyStore};

use super::{
    evidence,
    money::Unit,
    parties::Party,
    payment::check_memo,
    reference::Reference,
    setup::{Common, Setup},
    submit_line::Line,
};

/// What a line of `ledger submit` orders, as far as it can be told without a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmitLine {
    /// Who pays, unless only the ledger knows the name.
    pub from: Option<Address>,
    /// Who receives, unless only the ledger knows the name.
    pub to: Option<Address>,
    /// The asset's code.
    pub asset: String,
    /// Smallest units, at least 1.
    pub amount: u64,
    /// The remark.
    pub memo: String,
    /// The 32 bytes in the transaction, if the line names a reference.
    pub reference: Option<[u8; 32]>,
}

/// Reads a line of `ledger submit` for that network. The only keys known are those of genesis.
///
/// # Errors
/// What is wrong with the line.
pub fn submit_line(genesis: &Genesis, line: &[u8]) -> Result<SubmitLine, String> {
    let read = || {
        let line = Line::read(1, line)?;
        let unit = Unit::find(genesis, line.asset.as_deref())?;
        let amount = unit.parse(&line.amount.text())?;
        check_memo(&line.memo)?;
        let reference = line.reference.as_deref().map(Reference::given);
        let reference = reference.transpose()?.map(|reference| reference.bytes());
        let setup = Setup {
            common: Common::default(),
            genesis: genesis.clone(),
            keys: KeyStore::new("/nowhere/keys"),
        };
        let known = |party| match party {
            Party::Known(address) => Some(address),
            Party::Named(_) => None,
        };
        Ok(SubmitLine {
            from: known(setup.party(&line.from)?),
            to: known(setup.party(&line.to)?),
            asset: unit.code.as_str().to_owned(),
            amount,
            memo: line.memo,
            reference,
        })
    };
    read().map_err(|failure: super::failure::Failure| failure.message)
}

/// The canonical bytes in the contents of an evidence file of that network.
///
/// # Errors
/// What is wrong with the file.
pub fn evidence_file(genesis: &Genesis, contents: &[u8]) -> Result<Vec<u8>, String> {
    evidence::parse(Path::new("evidence.json"), contents, genesis)
        .map_err(|failure| failure.message)
}

/// A span of time as options take it, in milliseconds.
///
/// # Errors
/// What is wrong with the text.
pub fn span_millis(text: &str) -> Result<u128, String> {
    terminal::parse_span(text).map(|span| span.as_millis())
}
