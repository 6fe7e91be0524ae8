//! A process that writes large batches into a durable stream and is killed in the middle of one,
//! over and over: every time the stream must open again, with nothing lost that was synced (P11.2).
//!
//! No network stands around it, so a batch has any size, and a kill falls into the write itself and
//! not into one of the many other things that a node does.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    os::unix::fs::FileExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError, channel},
    },
    thread,
};

use serde::Serialize;
use storage::{Batch, DirectoryDisk, Identity, Options, Record, Storage};
use testnet::{
    failure::{Failure, Outcome},
    interrupt::Interrupts,
};

use crate::random::Random;

/// As large as a batch of entries has its records, roughly.
const RECORD_BYTES: usize = 64 << 10;
const IDENTITY: Identity = Identity {
    network: [1; 32],
    node: [2; 32],
};
/// Kills of one stream before another is begun: opening reads all of it.
const OF_ONE_STREAM: u64 = 10;
/// Batches of one life before the kill, at most.
const BATCHES_MAX: u64 = 4;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Killed {
    /// Bytes of each batch.
    pub batch_bytes: usize,
    /// Processes killed.
    pub kills: u64,
    /// Kills that cut the batch that was being written.
    pub cut: u64,
    /// Batches that were synced, all found again.
    pub synced: u64,
    /// What must not be.
    pub violations: Vec<String>,
}

/// The process that is killed: writes batches of that size until then. Before each it says which it
/// is, where in which segment it is going to begin, and how many are synced.
///
/// # Errors
/// Those of the disk.
pub fn write(directory: &Path, batch_bytes: usize) -> Outcome {
    let fail = |error: &dyn std::fmt::Display| {
        Failure::system(format!("write into {}", directory.display()), error)
    };
    let disk = Arc::new(DirectoryDisk::new(directory).map_err(|error| fail(&error))?);
    let (mut storage, _) =
        Storage::open(disk, IDENTITY, Options::default(), |_| {}).map_err(|error| fail(&error))?;
    let body = vec![7; RECORD_BYTES.min(batch_bytes)];
    let record = Record {
        kind: 1,
        bytes: &body,
    };
    let records = vec![record; batch_bytes.div_ceil(body.len())];
    let (mut segment, mut begin, mut length) = (0, 0, 0);
    loop {
        let number = storage.last_sequence() + 1;
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "{number} {segment} {} {}",
            begin + length,
            storage.synced_sequence()
        )
        .and_then(|()| out.flush())
        .map_err(|error| fail(&error))?;
        let state = number.to_le_bytes();
        let batch = Batch {
            vote_state: &state,
            records: &records,
        };
        let first = storage.append(&batch).map_err(|error| fail(&error))?[0];
        if first.segment == segment {
            length = first.offset - begin;
        }
        (segment, begin) = (first.segment, first.offset);
        storage.sync().map_err(|error| fail(&error))?;
    }
}

/// What the writer says before each batch.
#[derive(Clone, Copy)]
struct Said {
    number: u64,
    segment: u32,
    offset: u64,
    synced: u64,
}

impl Said {
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut number = || words.next()?.parse::<u64>().ok();
        Some(Self {
            number: number()?,
            segment: number()?.try_into().ok()?,
            offset: number()?,
            synced: number()?,
        })
    }
}

/// Kills so many of them, drawn from the seed. Ends early at the first stream that does not open.
///
/// # Errors
/// If the system refuses something, or the user interrupts.
pub fn kill(
    folder: &Path,
    batch_bytes: usize,
    kills: u64,
    seed: u64,
    interrupts: &Interrupts,
) -> Outcome<Killed> {
    let mut found = Killed {
        batch_bytes,
        ..Killed::default()
    };
    let mut random = Random::part(seed, batch_bytes as u64);
    let fail = |error: std::io::Error| Failure::system(format!("use {}", folder.display()), error);
    while found.kills < kills && found.violations.is_empty() {
        let stream = folder.join(format!("{batch_bytes}-{}", found.kills));
        std::fs::create_dir_all(&stream).map_err(fail)?;
        for _ in 0..OF_ONE_STREAM.min(kills - found.kills) {
            if interrupts.any() {
                return Err(Failure::new(
                    terminal::exit::Code::Interrupted,
                    "stopped by Ctrl-C",
                ));
            }
            one(&stream, &mut random, &mut found)?;
            if !found.violations.is_empty() {
                // It stays, to be looked at.
                return Ok(found);
            }
        }
        std::fs::remove_dir_all(&stream).map_err(fail)?;
    }
    Ok(found)
}

/// One life and death.
fn one(stream: &Path, random: &mut Random, found: &mut Killed) -> Outcome {
    let fail = |error: std::io::Error| Failure::system("run the writer", error);
    let mut writer = Command::new(std::env::current_exe().map_err(fail)?)
        .arg("writer")
        .arg("--directory")
        .arg(stream)
        .args(["--batch", &found.batch_bytes.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(fail)?;
    let last = watch(&mut writer, stream, random, found.batch_bytes);
    // It may have ended by itself; then it said why.
    let _ = writer.kill();
    let status = writer.wait().map_err(fail)?;
    let Some(last) = last else {
        found.violations.push(format!(
            "the writer ended by itself in kill {} of {}: {status}",
            found.kills,
            stream.display()
        ));
        return Ok(());
    };
    found.kills += 1;
    let disk = Arc::new(DirectoryDisk::new(stream).map_err(fail)?);
    let opened = Storage::open(disk, IDENTITY, Options::default(), |_| {});
    let place = format!("{} after kill {}", stream.display(), found.kills);
    match opened {
        Err(error) => found.violations.push(format!("{place}: {error}")),
        Ok((storage, recovery)) => {
            let state = recovery.vote_state.as_deref().unwrap_or_default();
            let newest = storage.last_sequence();
            if let Some(damage) = recovery.damage {
                found.violations.push(format!("{place}: {damage:?}"));
            } else if newest < last.synced {
                let lost = format!("{place}: {newest} of {} synced batches", last.synced);
                found.violations.push(lost);
            } else if state != newest.to_le_bytes() {
                found
                    .violations
                    .push(format!("{place}: another vote state"));
            }
            if newest < last.number {
                found.cut += 1;
            }
            found.synced = found.synced.max(last.synced);
        }
    }
    Ok(())
}

/// Waits until the writer is in the middle of a batch of chance: a byte inside it, drawn too, holds
/// what is being written. The last that it said; nothing if it ended.
fn watch(
    writer: &mut Child,
    stream: &Path,
    random: &mut Random,
    batch_bytes: usize,
) -> Option<Said> {
    let out = writer.stdout.take()?;
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if let Some(said) = Said::read(&line)
                && sender.send(said).is_err()
            {
                break;
            }
        }
    });
    // Where a batch begins is known from the third on, in one segment.
    let after = random.between(2, 2 + BATCHES_MAX);
    let inside = random.number() % batch_bytes as u64;
    let mut last = lines.recv().ok()?;
    for _ in 0..after {
        last = lines.recv().ok()?;
    }
    wait_for_byte(&lines, &mut last, stream, inside)?;
    // What was said meanwhile is newer.
    Some(lines.try_iter().last().unwrap_or(last))
}

/// Looks at that byte of whichever batch is being written, without a pause: a write takes less than
/// a millisecond.
fn wait_for_byte(
    lines: &Receiver<Said>,
    last: &mut Said,
    stream: &Path,
    inside: u64,
) -> Option<()> {
    let mut open: Option<(u32, File)> = None;
    loop {
        match lines.try_recv() {
            Ok(said) => *last = said,
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return None,
        }
        if open
            .as_ref()
            .is_none_or(|(number, _)| *number != last.segment)
        {
            let path = stream.join(format!("{:010}.segment", last.segment));
            open = File::open(path).ok().map(|file| (last.segment, file));
        }
        let mut seen = [0];
        if let Some((_, file)) = &open
            && file.read_exact_at(&mut seen, last.offset + inside).is_ok()
            && seen != [0]
        {
            return Some(());
        }
    }
}
