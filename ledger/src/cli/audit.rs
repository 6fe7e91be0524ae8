//! `ledger audit`: the data of stopped nodes, judged offline; where two ledgers part, who did it.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use consensus::NodeId;
use keys::{Genesis, to_hex};
use serde_json::{Value, json};
use terminal::{Align, Output, explained, plain, table};

use super::{
    evidence::Proved,
    failure::{Failure, Outcome},
    files,
    setup::Common,
};
use crate::audit::{Audit, AuditError, Inspected, Left, Parting, Unreadable, audit_telling};

pub const EXAMPLES: &str = "\
Each DATA is the folder of one stopped node, or its data folder. Every entry, certificate and result
in it is checked from the genesis file alone; nothing is written there. More folders give more
evidence.

Examples:
  ledger audit n0 --genesis genesis.json                     # is this node's ledger sound?
  ledger audit n0 n1 --genesis genesis.json                  # do the two agree?
  ledger audit n0 n1 --genesis genesis.json --out evidence   # and if not, the proofs as files";

#[derive(Args)]
pub struct Arguments {
    /// Folders of stopped nodes of one network
    #[arg(value_name = "DATA", required = true)]
    directories: Vec<PathBuf>,
    /// The genesis file to check against [default: the data directory's]
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// Write each piece of evidence to a file in this folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

pub fn run(common: &Common, arguments: &Arguments, output: Output) -> Outcome {
    let genesis = common.genesis_by_option(arguments.genesis.as_deref())?;
    let configuration = node::configuration(&genesis, None)
        .map_err(|error| Failure::unverified(format!("the genesis makes no network: {error}")))?;
    let audit = watched(|progress| {
        audit_telling(&genesis, &configuration, &arguments.directories, progress)
    })
    .map_err(refused)?;
    let proved: Vec<Proved> = match &audit.parting {
        None => Vec::new(),
        Some(parting) => parting
            .evidence
            .iter()
            .map(|evidence| Proved::of(&genesis, evidence))
            .collect(),
    };
    let written = match &arguments.out {
        Some(folder) => export(folder, &genesis, &proved)?,
        None => Vec::new(),
    };
    let json = described(&genesis, &audit, &proved, &written);
    let text = sentences(&genesis, &audit, &proved, &written);
    if audit.holds() {
        output.result(&json, &text);
        return Ok(());
    }
    output.remark(&text);
    let mut failure = Failure::unverified(conclusion(&genesis, &audit));
    if let Value::Object(known) = json {
        failure.known = known;
    }
    Err(match (written.first(), &audit.parting) {
        (Some(file), _) => failure.next(explained(
            &common.command(&["evidence", "verify", file]),
            "convinces whoever has the genesis file",
        )),
        (None, Some(_)) => failure.next(
            "Run it again with --out FOLDER to keep the evidence; more nodes' folders give more of it.",
        ),
        (None, None) => failure.next(
            "Keep a copy of the folder for inspection, and compare it with another node's: ledger audit DATA OTHER",
        ),
    })
}

/// Shows a person who waits how far it is, on a line that is gone afterwards.
fn watched<T>(work: impl FnOnce(&mut dyn FnMut(&Path, u64)) -> T) -> T {
    let mut screen = io::stderr();
    if !screen.is_terminal() {
        return work(&mut |_, _| {});
    }
    let done = work(&mut |directory, percent| {
        let place = plain(&directory.to_string_lossy());
        // What cannot be shown is not missed.
        let _ =
            write!(screen, "\r\x1b[2Kreading {place}, {percent} %").and_then(|()| screen.flush());
    });
    let _ = write!(screen, "\r\x1b[2K").and_then(|()| screen.flush());
    done
}

fn refused(error: AuditError) -> Failure {
    match &error {
        AuditError::Unreadable(Unreadable::Absent(_) | Unreadable::Empty(_)) => {
            Failure::usage(error.to_string()).next("Name the folder of a stopped node.")
        }
        AuditError::Unreadable(Unreadable::Open(storage::OpenError::Locked { .. })) => {
            Failure::usage(error.to_string())
                .next("Stop the node first: its data change while it runs.")
        }
        AuditError::Unreadable(Unreadable::Open(storage::OpenError::OtherNetwork { .. }))
        | AuditError::Unreadable(Unreadable::Stranger(_)) => Failure::usage(error.to_string())
            .next("Name the genesis file of its network with --genesis FILE."),
        AuditError::Unreadable(_) => Failure::system("read the data", &error),
        AuditError::Size(_) => Failure::unverified(error.to_string()),
    }
}

fn name(genesis: &Genesis, node: NodeId) -> String {
    let validator = genesis.validators().get(node.position());
    validator.map_or_else(|| node.to_string(), |validator| validator.name.clone())
}

fn names(genesis: &Genesis, nodes: impl IntoIterator<Item = NodeId>) -> Vec<String> {
    nodes.into_iter().map(|node| name(genesis, node)).collect()
}

fn export(folder: &Path, genesis: &Genesis, proved: &[Proved]) -> Outcome<Vec<String>> {
    fs::create_dir_all(folder)
        .map_err(|error| Failure::system(format!("create {}", folder.display()), error))?;
    proved
        .iter()
        .map(|one| {
            let path = folder.join(format!("{}.json", &one.id[..16]));
            files::write(&path, one.file(&genesis.id()).as_bytes())?;
            Ok(path.display().to_string())
        })
        .collect()
}

fn described(genesis: &Genesis, audit: &Audit, proved: &[Proved], written: &[String]) -> Value {
    let ledger = |one: &Inspected| {
        json!({
            "directory": one.directory.display().to_string(),
            "node": name(genesis, one.node),
            "committed": one.hashes.len(),
            "undecided": one.undecided,
            "hash": one.hashes.last().map(|hash| to_hex(&hash.0)),
            "results": to_hex(&one.applied.digest.0),
            "left": one.left.iter().map(|left| left_json(genesis, left)).collect::<Vec<_>>(),
            "valid": one.problem.is_none(),
            "problem": one.problem.as_ref().map(ToString::to_string),
        })
    };
    let elections = |parting: &Parting| {
        let one = |election: &consensus::evidence::audit::FalseElection| {
            json!({
                "term": election.term.0,
                "granters": names(genesis, election.granters.iter().copied()),
            })
        };
        parting.false_elections.iter().map(one).collect::<Vec<_>>()
    };
    let parting = audit.parting.as_ref();
    json!({
        "ledgers": audit.inspected.iter().map(ledger).collect::<Vec<_>>(),
        "valid": audit.holds(),
        "agree": parting.is_none(),
        "agreed": audit.agreed.0,
        "part_at": parting.map(|parting| parting.index.0),
        "culprits": parting.map_or_else(Vec::new, |parting| names(genesis, parting.culprits())),
        "false_elections": parting.map_or_else(Vec::new, elections),
        "evidence": proved.iter().map(Proved::json).collect::<Vec<_>>(),
        "files": written,
    })
}

fn left_json(genesis: &Genesis, left: &Left) -> Value {
    let leavers = left.leavers.iter().map(|one| {
        json!({
            "node": name(genesis, one.node),
            "reason": one.reason.name(),
            "followed": one.followed,
        })
    });
    json!({
        "term": left.term.0,
        "leader": name(genesis, left.leader),
        "told_in": left.told_in.0,
        "leavers": leavers.collect::<Vec<_>>(),
    })
}

fn left_words(genesis: &Genesis, left: &Left) -> String {
    let leavers: Vec<String> = left
        .leavers
        .iter()
        .map(|one| {
            let followed = if one.followed { ", as others said" } else { "" };
            format!(
                "{} ({}{followed})",
                name(genesis, one.node),
                one.reason.name()
            )
        })
        .collect();
    format!(
        "{} was left as leader of term {} on the word of {} (entry {}).",
        name(genesis, left.leader),
        left.term,
        leavers.join(", "),
        left.told_in
    )
}

fn conclusion(genesis: &Genesis, audit: &Audit) -> String {
    if let Some(parting) = &audit.parting {
        let culprits = names(genesis, parting.culprits());
        let by = match &culprits[..] {
            [] => "no evidence names who did it".to_owned(),
            culprits => format!("the evidence convicts {}", culprits.join(", ")),
        };
        return format!("the ledgers part at index {}: {by}", parting.index);
    }
    let unsound = audit.inspected.iter().find_map(|one| {
        let problem = one.problem.as_ref()?;
        Some(format!("{}: {problem}", one.directory.display()))
    });
    unsound.unwrap_or_else(|| "the audit failed".to_owned())
}

fn sentences(genesis: &Genesis, audit: &Audit, proved: &[Proved], written: &[String]) -> String {
    let mut lines: Vec<String> = audit
        .inspected
        .iter()
        .map(|one| {
            let certified = genesis.mode() == keys::Mode::Byzantine;
            let verdict = match &one.problem {
                None if certified => "every entry, certificate and result holds".to_owned(),
                // Raft keeps no certificates.
                None => {
                    "every entry and result holds; that a majority had them is this node's word"
                        .to_owned()
                }
                Some(problem) => problem.to_string(),
            };
            let undecided = match one.undecided {
                0 => String::new(),
                more if certified => {
                    format!(" {more} more are stored, which no certificate here covers.")
                }
                more => format!(
                    " {more} more are stored; whether they are committed is not known here \
                     (another node's folder may tell)."
                ),
            };
            format!(
                "{} in {}: {} committed entries, {verdict}.{undecided}",
                name(genesis, one.node),
                one.directory.display(),
                one.hashes.len()
            )
        })
        .collect();
    // Ledgers that agree tell the same, as far as they go.
    let furthest = audit.inspected.iter().max_by_key(|one| one.hashes.len());
    let left = furthest.into_iter().flat_map(|one| &one.left);
    lines.extend(left.map(|left| left_words(genesis, left)));
    match &audit.parting {
        None if audit.inspected.len() > 1 => {
            lines.push(format!("The ledgers agree up to index {}.", audit.agreed));
        }
        None => {}
        Some(parting) => {
            let (one, other) = parting.between;
            let of = |position: usize| name(genesis, audit.inspected[position].node);
            lines.push(format!(
                "The ledgers of {} and {} part at index {}; up to {} they agree.",
                of(one),
                of(other),
                parting.index,
                audit.agreed
            ));
            let rows: Vec<Vec<String>> = proved.iter().map(Proved::row).collect();
            if !rows.is_empty() {
                lines.push(table(
                    &[
                        ("id", Align::Left),
                        ("accused", Align::Left),
                        ("offence", Align::Left),
                        ("what was signed", Align::Left),
                    ],
                    &rows,
                ));
            }
            for election in &parting.false_elections {
                lines.push(format!(
                    "In term {} a base was granted that does not follow from its reports, by {}.",
                    election.term,
                    names(genesis, election.granters.iter().copied()).join(", ")
                ));
            }
        }
    }
    if let Some(file) = written.first() {
        let folder = Path::new(file).parent().unwrap_or(Path::new("."));
        lines.push(format!(
            "Wrote {} files to {}.",
            written.len(),
            folder.display()
        ));
    }
    lines.join("\n")
}
