//! `ledger evidence`: proofs that a validator broke the rules (P7.3).

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use client::{EvidenceSummary, Id};
use consensus::{Configuration, Ed25519, Evidence, encoding::Canonical};
use keys::{Genesis, to_hex};
use serde::{Deserialize, Serialize};
use serde_json::json;
use terminal::{Align, Output, explained, table};

use super::{
    connect::Connection,
    failure::{Failure, Outcome},
    files,
    setup::{Common, Setup},
};

pub const EXAMPLES: &str = "\
Evidence is two signed statements that no correct node makes. Whoever has the genesis file can check
it; nobody can make it up against a node whose key they do not have.

Examples:
  ledger evidence list
  ledger evidence show 3fa0 --out evidence.json     # the start of an id is enough
  ledger evidence verify evidence.json --genesis genesis.json";

/// Most bytes of an evidence file: a frame in hexadecimal, and a little more.
const FILE_BYTES: usize = 4 << 20;
const FORMAT: u32 = 1;

#[derive(Subcommand)]
pub enum Command {
    /// All evidence that any node holds, each piece checked here
    List,
    /// One piece of evidence, checked here
    Show(ShowArguments),
    /// Check evidence offline; exit code 5 if it does not hold
    Verify(VerifyArguments),
}

#[derive(Args)]
pub struct ShowArguments {
    /// Its id, or the start of it
    id: String,
    /// Write it to a file that can be verified offline
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Args)]
pub struct VerifyArguments {
    /// The evidence's file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The genesis file to check against [default: the data directory's]
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
}

/// Evidence as it stands in its file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    /// The network's id, in hexadecimal.
    network: String,
    /// The canonical bytes, in hexadecimal.
    evidence: String,
}

/// Evidence that holds.
pub struct Proved {
    pub id: String,
    offence: &'static str,
    accused: String,
    text: String,
    bytes: Vec<u8>,
}

impl Proved {
    fn check(genesis: &Genesis, configuration: &Configuration, bytes: Vec<u8>) -> Outcome<Self> {
        let evidence = Evidence::from_bytes(&bytes)
            .map_err(|error| Failure::unverified(format!("it is no evidence: {error}")))?;
        let verifier = Ed25519::with_known(configuration.keys().iter().copied());
        evidence
            .check(configuration, &verifier)
            .map_err(|error| Failure::unverified(format!("the evidence does not hold: {error}")))?;
        Ok(Self::of(genesis, &evidence))
    }

    /// Evidence that was checked before.
    pub fn of(genesis: &Genesis, evidence: &Evidence) -> Self {
        let accused = evidence.accused();
        let validator = genesis.validators().get(accused.position());
        Self {
            id: node::evidence_id(evidence).to_string(),
            offence: evidence.name(),
            accused: validator.map_or_else(|| accused.to_string(), |found| found.name.clone()),
            text: evidence.to_string(),
            bytes: evidence.to_bytes(),
        }
    }

    /// A row of a table: id, accused, offence, statement.
    pub fn row(&self) -> Vec<String> {
        vec![
            self.id.chars().take(16).collect(),
            self.accused.clone(),
            self.offence.to_owned(),
            self.text.clone(),
        ]
    }

    pub fn json(&self) -> serde_json::Value {
        json!({
            "id": self.id,
            "offence": self.offence,
            "accused": self.accused,
            "text": self.text,
            "valid": true,
        })
    }

    /// The file that [`Command::Verify`] reads.
    pub fn file(&self, network: &[u8; 32]) -> String {
        let file = File {
            format: FORMAT,
            network: to_hex(network),
            evidence: to_hex(&self.bytes),
        };
        let json = serde_json::to_string_pretty(&file);
        json.expect("evidence is plain text in JSON") + "\n"
    }
}

pub async fn run(common: &Common, command: Command, output: Output) -> Outcome {
    match command {
        Command::List => list(common, output).await,
        Command::Show(arguments) => show(common, &arguments, output).await,
        Command::Verify(arguments) => verify(common, &arguments, output),
    }
}

async fn summaries(connection: &Connection) -> Outcome<Vec<EvidenceSummary>> {
    let found = connection.client.evidence(connection.left()).await;
    found.map_err(|error| connection.unanswered(&error))
}

async fn fetch(connection: &Connection, id: Id) -> Outcome<Proved> {
    let found = connection
        .client
        .evidence_bytes(id, connection.left())
        .await;
    let found = found.map_err(|error| connection.unanswered(&error))?;
    let bytes = found.ok_or_else(|| {
        Failure::usage(format!(
            "no node that answers has the evidence {}",
            to_hex(&id.0)
        ))
    })?;
    let proved = Proved::check(&connection.setup.genesis, &connection.configuration, bytes)?;
    if proved.id == to_hex(&id.0) {
        Ok(proved)
    } else {
        Err(Failure::unverified(
            "a node sent other evidence than was asked for",
        ))
    }
}

async fn list(common: &Common, output: Output) -> Outcome {
    let setup = Setup::load(common)?;
    let connection = Connection::open(&setup, None)?;
    let (mut proved, mut false_ones) = (Vec::new(), 0);
    for summary in summaries(&connection).await? {
        match fetch(&connection, summary.id).await {
            Ok(found) => proved.push(found),
            // A node may list what proves nothing.
            Err(_) => false_ones += 1,
        }
    }
    proved.sort_by(|one, other| (&one.accused, &one.id).cmp(&(&other.accused, &other.id)));
    let rows: Vec<Vec<String>> = proved.iter().map(Proved::row).collect();
    let mut text = if rows.is_empty() {
        "There is no evidence against any node.".to_owned()
    } else {
        table(
            &[
                ("id", Align::Left),
                ("accused", Align::Left),
                ("offence", Align::Left),
                ("what was signed", Align::Left),
            ],
            &rows,
        )
    };
    if false_ones > 0 {
        text.push_str(&format!(
            "\n{false_ones} more were listed by nodes and do not hold."
        ));
    }
    let json = json!({
        "evidence": proved.iter().map(Proved::json).collect::<Vec<_>>(),
        "refused": false_ones,
    });
    output.result(&json, &text);
    if let Some(first) = proved.first() {
        let id = &first.id[..16];
        output.next(&common.command(&["evidence", "show", id, "--out", "evidence.json"]));
    }
    Ok(())
}

async fn show(common: &Common, arguments: &ShowArguments, output: Output) -> Outcome {
    let setup = Setup::load(common)?;
    let connection = Connection::open(&setup, None)?;
    let start = arguments.id.to_lowercase();
    let found = summaries(&connection).await?;
    let matching: Vec<&EvidenceSummary> = found
        .iter()
        .filter(|summary| to_hex(&summary.id.0).starts_with(&start))
        .collect();
    let summary = match matching[..] {
        [only] => only,
        [] => {
            return Err(
                Failure::usage(format!("no node has evidence {:?}", arguments.id)).next(explained(
                    &common.command(&["evidence", "list"]),
                    "what there is",
                )),
            );
        }
        _ => {
            return Err(Failure::usage(format!(
                "{} pieces of evidence begin with {:?}: give more digits",
                matching.len(),
                arguments.id
            )));
        }
    };
    let proved = fetch(&connection, summary.id).await?;
    let mut json = proved.json();
    let mut text = sentence(&proved);
    if let Some(path) = &arguments.out {
        files::write(path, proved.file(&setup.genesis.id()).as_bytes())?;
        json["file"] = path.display().to_string().into();
        text.push_str(&format!("\nWrote {}.", path.display()));
    } else {
        json["bytes"] = to_hex(&proved.bytes).into();
    }
    output.result(&json, &text);
    let file = arguments
        .out
        .as_ref()
        .map(|path| path.display().to_string());
    match file {
        Some(file) => output.next(&common.command(&["evidence", "verify", &file])),
        None => output.next(&common.command(&[
            "evidence",
            "show",
            &arguments.id,
            "--out",
            "evidence.json",
        ])),
    }
    Ok(())
}

fn sentence(proved: &Proved) -> String {
    format!(
        "id        {}\n\
         accused   {}\n\
         offence   {}\n\
         statement {}\n\
         The evidence holds: both statements are signed by {}, and no correct node makes both.",
        proved.id, proved.accused, proved.offence, proved.text, proved.accused
    )
}

fn verify(common: &Common, arguments: &VerifyArguments, output: Output) -> Outcome {
    let genesis = common.genesis_by_option(arguments.genesis.as_deref())?;
    let configuration = node::configuration(&genesis, None)
        .map_err(|error| Failure::unverified(format!("the genesis makes no network: {error}")))?;
    let bytes = read(&arguments.file, &genesis).map_err(|failure| failure.known("valid", false))?;
    let proved = Proved::check(&genesis, &configuration, bytes).map_err(|failure| {
        failure
            .meaning("It proves nothing against anybody.")
            .known("valid", false)
    })?;
    output.result(&proved.json(), &sentence(&proved));
    Ok(())
}

fn read(path: &Path, genesis: &Genesis) -> Outcome<Vec<u8>> {
    parse(path, &files::read(path, FILE_BYTES)?, genesis)
}

/// The canonical bytes in the contents of an evidence file of this network.
pub fn parse(path: &Path, bytes: &[u8], genesis: &Genesis) -> Outcome<Vec<u8>> {
    let refused = |reason: String| Failure::unverified(format!("{}: {reason}", path.display()));
    if bytes.len() > FILE_BYTES {
        return Err(refused(format!(
            "more than {FILE_BYTES} bytes are no evidence"
        )));
    }
    let file: File = keys::strict_json::from_slice(bytes)
        .map_err(|error| refused(format!("it is no evidence file: {error}")))?;
    if file.format != FORMAT {
        return Err(refused(format!(
            "it has format {}; this program reads format {FORMAT}",
            file.format
        )));
    }
    let network = to_hex(&genesis.id());
    if file.network != network {
        return Err(refused(format!(
            "it is of another network than the genesis file's, which is {network}"
        )));
    }
    decode_hex(&file.evidence)
        .ok_or_else(|| refused("the evidence is not lower-case hexadecimal".to_owned()))
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .filter(|_| !byte.is_ascii_uppercase())
    };
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs
        .map(|pair| u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_has_one_text() {
        assert_eq!(decode_hex("00abff"), Some(vec![0, 0xab, 0xff]));
        for bad in ["0", "0AFF", "+1", "zz", "ä0"] {
            assert_eq!(decode_hex(bad), None, "{bad}");
        }
    }
}
