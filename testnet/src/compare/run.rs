//! One run: a network of its own, warmed up, measured at low load and saturated, audited, removed.

use std::{path::Path, process::Child, sync::Arc, time::Duration};

use client::Client;
use node::status::CounterReport;

use super::{
    audit::{Audited, audit},
    book::{self, BALANCE, Book},
    load::Clients,
    plan::{Configuration, Plan, WARM_UP},
    statistics::{Latencies, Series},
};
use crate::{
    cli::wait_until_healthy,
    failure::{Failure, Outcome},
    interrupt::Interrupts,
    network::{self, Facts, Layout, Network, await_answers, launch, process},
};

/// Paying accounts. So many that none comes near the window of nonces that an account may use.
const PAYERS: usize = 64;
const PATIENCE: Duration = Duration::from_secs(20);
/// A point of the plot over time.
const STEP: Duration = Duration::from_millis(250);

/// What one run gave.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Transfers a second that enough nodes acknowledged, saturated.
    pub throughput: f64,
    /// The same over time.
    pub over_time: Series,
    /// Latencies at low load.
    pub low_load: Latencies,
    /// Latencies while saturated.
    pub saturated: Latencies,
    /// What the nodes spent while saturated.
    pub costs: Costs,
    /// What was audited.
    pub audited: Audited,
}

/// What the nodes spent in a span, all together, for each transfer that was applied in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Costs {
    /// Microseconds of processor time of all nodes.
    pub node_cpu_micros: f64,
    /// The same of the clients.
    pub client_cpu_micros: f64,
    /// Bytes that the nodes sent, to each other and to clients.
    pub bytes: f64,
    /// Signatures of nodes that were checked.
    pub node_signatures: f64,
    /// Signatures of clients that were checked.
    pub client_signatures: f64,
    /// Syncs of all disks.
    pub syncs: f64,
    /// Transfers in an entry.
    pub batch: f64,
}

/// The processes and files of a run; both go when this is dropped.
struct Running {
    layout: Layout,
    network: Option<Network>,
    children: Vec<Child>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(network) = &self.network {
            for node in network.nodes() {
                // What cannot be killed is left to the user, who sees it in the process list.
                let _ = process::kill(&node);
            }
        }
        for child in &mut self.children {
            let _ = child.wait();
        }
        let _ = network::remove(&self.layout);
    }
}

/// Measures one row once.
///
/// # Errors
/// If the network does not come up, a transfer fails, or the audit does not pass.
pub fn measure(
    configuration: &Configuration,
    plan: &Plan,
    directory: &Path,
    interrupts: &Interrupts,
) -> Outcome<Figures> {
    let layout = Layout::new(directory);
    let names = book::names(PAYERS);
    let mut running = Running {
        layout: layout.clone(),
        network: None,
        children: Vec::new(),
    };
    network::found(
        &layout,
        &network::Plan {
            nodes: configuration.nodes,
            mode: configuration.mode,
            client_checks: Some(configuration.client_checks),
            access: keys::Access::Members,
            seed: None,
            accounts: names.iter().map(|name| (name.clone(), BALANCE)).collect(),
        },
    )?;
    let network = Network::open(&layout)?;
    running.network = Some(network.clone());
    let nodes = network.nodes();
    running.children = launch(&nodes)?;
    let failures = await_answers(&nodes, &mut running.children, |_| {});
    failures.into_iter().next().map_or(Ok(()), Err)?;
    let (_, health) = wait_until_healthy(&network, PATIENCE)?;
    if !health.healthy {
        return Err(Failure::state(format!(
            "the network did not become healthy: {}",
            health.problems.join("; ")
        )));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::system("start the clients' threads", error))?;
    let figures = runtime.block_on(load(&network, &names, plan, interrupts));
    // Connections end with the runtime; nodes that are killed do not mind.
    runtime.shutdown_timeout(Duration::from_secs(1));
    figures
}

async fn load(
    network: &Network,
    names: &[String],
    plan: &Plan,
    interrupts: &Interrupts,
) -> Outcome<Figures> {
    let book = Arc::new(Book::open(&network.genesis, &network.layout.keys(), names)?);
    let connect = |number: usize| {
        Client::connect(&network.genesis, book.key(number))
            .map_err(|error| Failure::system("connect", error))
    };
    let clients: Vec<Client> = (0..plan.clients).map(connect).collect::<Outcome<_>>()?;
    let all = network.genesis.validators().len();
    for client in &clients {
        let connected = client.wait_connected(all, PATIENCE).await;
        if connected < all {
            return Err(Failure::state(format!(
                "{connected} of {all} nodes can be reached"
            )));
        }
    }
    let first = clients[0].clone();
    let clients = Clients::new(Arc::clone(&book), clients);
    let outstanding = plan.outstanding;

    clients
        .saturate(outstanding, WARM_UP, interrupts, |_| {}, &[])
        .await;
    let low_load = clients
        .at_rate(plan.rate, plan.low_load(), interrupts)
        .await;
    let span = WARM_UP..WARM_UP + plan.duration;
    let mut counted = Vec::new();
    let saturated = clients
        .saturate(
            outstanding,
            span.end,
            interrupts,
            |_| counted.push(count(network)),
            &[span.start, span.end],
        )
        .await;
    if interrupts.any() {
        return Err(super::interrupted());
    }
    if let (unanswered @ 1.., problem) = clients.problems() {
        return Err(Failure::new(
            terminal::exit::Code::AssertionFailed,
            format!(
                "{unanswered} transfers were not applied, the first because: {}",
                problem.unwrap_or_default()
            ),
        )
        .next(
            "No figures are shown. With fewer --outstanding transfers the network may keep up.",
        ));
    }
    let audited = audit(network, &first, &book).await?;
    let over_time = Series::new(saturated.moments(span.clone()), plan.duration, STEP);
    let answered = saturated.latencies(span.clone());
    let mut counted = counted.into_iter();
    let costs = match (counted.next(), counted.next()) {
        (Some(before), Some(after)) => costs(&before?, &after?),
        _ => Costs::default(),
    };
    Ok(Figures {
        throughput: answered.len() as f64 / plan.duration.as_secs_f64(),
        over_time,
        low_load: low_load.latencies(Duration::ZERO..Duration::MAX),
        saturated: answered,
        costs,
        audited,
    })
}

/// The counters of all nodes, and the processor time of this process.
struct Count {
    nodes: Vec<CounterReport>,
    client_cpu_micros: u64,
}

fn count(network: &Network) -> Outcome<Count> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let micros = time.tv_sec * 1_000_000 + time.tv_nsec / 1_000;
    let facts = Facts::gather(network)?;
    Ok(Count {
        nodes: facts
            .reports()
            .map(|(_, report)| report.counters.clone())
            .collect(),
        client_cpu_micros: u64::try_from(micros).unwrap_or(0),
    })
}

fn costs(before: &Count, after: &Count) -> Costs {
    let sum =
        |count: &Count, of: fn(&CounterReport) -> u64| -> u64 { count.nodes.iter().map(of).sum() };
    let spent =
        |of: fn(&CounterReport) -> u64| sum(after, of).saturating_sub(sum(before, of)) as f64;
    let nodes = after.nodes.len().max(1) as f64;
    let applied = (spent(|node| node.transactions) / nodes).max(1.0);
    let client = after
        .client_cpu_micros
        .saturating_sub(before.client_cpu_micros);
    Costs {
        node_cpu_micros: spent(|node| node.cpu_micros) / applied,
        client_cpu_micros: client as f64 / applied,
        bytes: spent(|node| node.bytes_sent) / applied,
        node_signatures: spent(|node| node.node_signatures) / applied,
        client_signatures: spent(|node| node.client_signatures) / applied,
        syncs: spent(|node| node.syncs) / applied,
        batch: applied / (spent(|node| node.entries) / nodes).max(1.0),
    }
}
