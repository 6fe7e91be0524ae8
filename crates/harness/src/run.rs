//! One run: a network of its own, clients, nemeses, checks.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use client::Client;
use keys::Mode;
use serde::Serialize;
use testnet::{
    failure::{Failure, Outcome},
    interrupt::Interrupts,
};
use tokio::task::JoinSet;

use crate::{
    checks::{Checked, Violation, check_history, check_nodes},
    cluster::{Cluster, Shape, Unavailable},
    history::History,
    nemesis::{Nemesis, Schedule, Step},
    random::Random,
    workload::{ACCOUNTS, Bank, CLIENTS, GROUPS, PATIENCE, Recorder, Tally, Worker, balance},
};

/// After everything is mended, each client has something acknowledged within this, or the network
/// is said to make no progress.
pub const PROGRESS: Duration = Duration::from_secs(30);
/// How often it is looked whether a wait is over.
const LOOK: Duration = Duration::from_millis(20);

/// What a run is made from.
#[derive(Clone)]
pub struct Plan {
    /// The network.
    pub shape: Shape,
    /// For how long nemeses are at work.
    pub duration: Duration,
    /// Which.
    pub nemeses: Vec<&'static Nemesis>,
    /// What everything is drawn from.
    pub seed: u64,
    /// Where everything is written.
    pub folder: PathBuf,
    /// Whether that stays even if everything holds.
    pub keep: bool,
}

/// A nemesis that was not used, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Skipped {
    /// Its name.
    pub nemesis: &'static str,
    /// Why.
    pub reason: Unavailable,
    /// The same for people.
    pub explanation: String,
}

/// What a run found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// How the nodes agreed.
    pub mode: Mode,
    /// How many there were.
    pub nodes: usize,
    /// Where they ran.
    pub hosts: &'static str,
    /// What everything was drawn from.
    pub seed: u64,
    /// For how long nemeses were at work.
    pub seconds: f64,
    /// How often each was.
    pub nemeses: BTreeMap<&'static str, u64>,
    /// Nodes killed and started again.
    pub kills: u64,
    /// How operations ended.
    pub operations: Tally,
    /// What was checked.
    pub checked: Checked,
    /// The longest that a client waited after everything was mended until something it sent then
    /// was acknowledged.
    pub recovered_after_seconds: f64,
    /// What must not be.
    pub violations: Vec<Violation>,
    /// Where the history and the nodes' files are, if they were kept.
    pub folder: Option<PathBuf>,
}

/// What a run did on its way.
struct Course {
    cluster: Cluster,
    nemeses: BTreeMap<&'static str, u64>,
    result: Outcome,
}

/// Runs it. Its folder stays only if something must not be.
///
/// # Errors
/// If the system refuses something, or the user interrupts.
pub fn run(plan: &Plan, interrupts: &Interrupts, say: &dyn Fn(&str)) -> Outcome<Report> {
    fs::create_dir_all(&plan.folder).map_err(|error| {
        Failure::system(format!("make the folder {}", plan.folder.display()), error)
    })?;
    let cluster = Cluster::start(&plan.folder.join("network"), plan.shape)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::system("start the clients' threads", error))?;
    let report = runtime.block_on(live(plan, cluster, interrupts, say));
    // Connections end with the runtime; nodes that are killed do not mind.
    runtime.shutdown_timeout(Duration::from_secs(1));
    let mut report = report?;
    if report.violations.is_empty() && !plan.keep {
        remove(&plan.folder)?;
    } else {
        report.folder = Some(plan.folder.clone());
        let path = plan.folder.join("report.json");
        let json = serde_json::to_string_pretty(&report).expect("plain values");
        fs::write(&path, json)
            .map_err(|error| Failure::system(format!("write {}", path.display()), error))?;
    }
    Ok(report)
}

fn remove(folder: &Path) -> Outcome {
    fs::remove_dir_all(folder)
        .map_err(|error| Failure::system(format!("remove {}", folder.display()), error))
}

async fn live(
    plan: &Plan,
    mut cluster: Cluster,
    interrupts: &Interrupts,
    say: &dyn Fn(&str),
) -> Outcome<Report> {
    let hosts = cluster.parts().0.in_words();
    let genesis = cluster.network.genesis.clone();
    let bank = Arc::new(Bank::open(&genesis, &cluster.network.layout.keys())?);
    let recorder = Arc::new(Recorder::default());
    let stop = Arc::new(AtomicBool::new(false));
    let connect = |group: usize, place: usize| {
        Client::connect(&genesis, bank.key(group, place))
            .map_err(|error| Failure::system("connect", error))
    };
    let mut workers = JoinSet::new();
    for number in 0..GROUPS * CLIENTS {
        let group = number % GROUPS;
        let worker = Worker {
            client: connect(group, number / GROUPS)?,
            bank: Arc::clone(&bank),
            recorder: Arc::clone(&recorder),
            number,
            group,
            random: Random::part(plan.seed, 1 << 50 | number as u64),
        };
        workers.spawn(worker.run(Arc::clone(&stop)));
    }
    let course = tokio::task::block_in_place(|| trouble(plan, cluster, interrupts, say));
    let Course {
        mut cluster,
        nemeses,
        result,
    } = course;
    let mended = recorder.now();
    let (recovered, stalled) = progress(&recorder, mended).await;
    stop.store(true, Relaxed);
    while workers.join_next().await.is_some() {}
    if interrupts.any() {
        return Err(Failure::new(
            terminal::exit::Code::Interrupted,
            "stopped by Ctrl-C: nothing was checked",
        ));
    }
    let last = connect(0, 0)?;
    for group in 0..GROUPS {
        for account in 0..ACCOUNTS {
            let who = (group, GROUPS * CLIENTS);
            recorder.record(balance(&last, &bank, &recorder, who, account).await);
        }
    }
    // What is acknowledged must outlive the death of all processes.
    let mended = result.and_then(|()| tokio::task::block_in_place(|| die_and_rise(&mut cluster)));
    let (records, acknowledged) = recorder.contents();
    let history = History {
        accounts: bank.accounts(),
        records,
    };
    history
        .store(&plan.folder.join("history.jsonl"))
        .map_err(|error| Failure::system("write the history", error))?;
    let (mut checked, mut violations) = tokio::task::block_in_place(|| check_history(&history));
    violations.extend(stalled);
    if let Err(failure) = mended {
        violations.push(Violation::NotMended {
            detail: failure.message,
        });
    }
    let client = connect(1, 0)?;
    client.wait_connected(cluster.size(), PATIENCE).await;
    let nodes = check_nodes(&mut cluster, &client, &bank, &acknowledged, &mut checked);
    violations.extend(nodes.await?);
    Ok(Report {
        mode: plan.shape.mode,
        nodes: plan.shape.nodes,
        hosts,
        seed: plan.seed,
        seconds: plan.duration.as_secs_f64(),
        nemeses,
        kills: cluster.kills,
        operations: recorder.tally(),
        checked,
        recovered_after_seconds: recovered.as_secs_f64(),
        violations,
        folder: None,
    })
}

/// Kills all processes, and starts them again.
fn die_and_rise(cluster: &mut Cluster) -> Outcome {
    for node in 0..cluster.size() {
        cluster.kill(node)?;
    }
    cluster.restore()?;
    cluster.wait_healthy()
}

/// Lets the nemeses work until the time is over, and mends everything.
fn trouble(
    plan: &Plan,
    mut cluster: Cluster,
    interrupts: &Interrupts,
    say: &dyn Fn(&str),
) -> Course {
    let mut counts = BTreeMap::new();
    let end = Instant::now() + plan.duration;
    let mut result = Ok(());
    for step in Schedule::new(plan.nemeses.clone(), plan.seed) {
        if !pause(step.quiet, end, interrupts) {
            break;
        }
        let names: Vec<&str> = step.nemeses.iter().map(|nemesis| nemesis.name).collect();
        say(&format!(
            "{:6.1} s before the end: {} for {:.1} s",
            end.saturating_duration_since(Instant::now()).as_secs_f64(),
            names.join(" and "),
            step.lasts.as_secs_f64()
        ));
        for name in names {
            *counts.entry(name).or_insert(0) += 1;
        }
        result = work(&mut cluster, step, end, interrupts);
        if result.is_err() {
            break;
        }
    }
    if result.is_ok() && plan.nemeses.is_empty() {
        pause(plan.duration, end, interrupts);
    }
    let result = result
        .and_then(|()| cluster.restore())
        .and_then(|()| cluster.heal_links());
    Course {
        cluster,
        nemeses: counts,
        result,
    }
}

fn work(cluster: &mut Cluster, mut step: Step, end: Instant, interrupts: &Interrupts) -> Outcome {
    let mut undo = Vec::new();
    let mut result = Ok(());
    for nemesis in &step.nemeses {
        match nemesis.begin(cluster, &mut step.random) {
            Ok(mend) => undo.push(mend),
            Err(failure) => {
                result = Err(failure);
                break;
            }
        }
    }
    if result.is_ok() {
        pause(step.lasts, end + PROGRESS, interrupts);
    }
    for mend in undo.into_iter().rev() {
        let mended = mend(cluster);
        result = result.and(mended);
    }
    result
}

/// Waits, but not beyond the end. Whether there is time left.
fn pause(span: Duration, end: Instant, interrupts: &Interrupts) -> bool {
    let until = (Instant::now() + span).min(end);
    while Instant::now() < until && !interrupts.any() {
        std::thread::sleep(LOOK.min(until.saturating_duration_since(Instant::now())));
    }
    Instant::now() < end && !interrupts.any()
}

/// Waits until every client had something acknowledged that it sent after `mended`.
async fn progress(recorder: &Recorder, mended: u64) -> (Duration, Option<Violation>) {
    let start = Instant::now();
    let all = GROUPS * CLIENTS;
    loop {
        let progressed = recorder.progressed(mended);
        if progressed.len() == all {
            return (start.elapsed(), None);
        }
        if start.elapsed() >= PROGRESS {
            let stalled: Vec<String> = (0..all)
                .filter(|client| !progressed.contains(client))
                .map(|client| client.to_string())
                .collect();
            let violation = Violation::NoProgress {
                detail: format!(
                    "after {} s clients {} have nothing acknowledged",
                    PROGRESS.as_secs(),
                    stalled.join(", ")
                ),
            };
            return (start.elapsed(), Some(violation));
        }
        tokio::time::sleep(LOOK).await;
    }
}
