//! What happens to a client that believes too easily (`docs/mutations.md`): each scene comes out
//! right with the rule whole, and fails where the build can break it.

mod support;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use client::{ClientError, Consistency, Wait};
#[cfg(feature = "mutations")]
use consensus::mutation::{Mutation, activate};
use consensus::{Entry, Message, NodeId, Payloads, Recipient, Time, Timers, message::Applied};
use keys::{KeyPair, Mode};
use node::{Application, AppliedEntry, Behaviour, Context};
use support::{Sum, TestNetwork, add};
use tokio::time::Duration;

const LONG: Duration = Duration::from_secs(30);

/// However slow the machine, nobody suspects the first leader.
const PATIENT: Timers = Timers {
    silence_shortest: Time::from_millis(600_000),
    silence_longest: Time::from_millis(600_000),
    starvation: Time::from_millis(600_000),
    term: Time::from_millis(600_000),
    longest: Time::from_millis(600_000),
    ..Timers::DEFAULT
};

/// Opens once, for all who wait.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    fn wait(&self) {
        let open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.1.wait_while(open, |open| !*open));
    }
}

/// A sum that executes nothing before a gate opens, or that lies about results or questions.
struct Altered {
    sum: Sum,
    /// Executes nothing before it opens.
    gate: Option<Gate>,
    lies_about_results: bool,
    /// While it is set, every question has the answer that the first one had.
    repeats_itself: Arc<AtomicBool>,
    answered: Mutex<Option<Vec<u8>>>,
}

impl Altered {
    fn new() -> Self {
        Self {
            sum: Sum::new(),
            gate: None,
            lies_about_results: false,
            repeats_itself: Arc::default(),
            answered: Mutex::default(),
        }
    }
}

impl Application for Altered {
    fn payloads(&self) -> Arc<dyn Payloads> {
        self.sum.payloads()
    }

    fn applied(&self) -> Applied {
        self.sum.applied()
    }

    fn apply(&mut self, entry: &Entry) -> AppliedEntry {
        if let Some(gate) = &self.gate {
            gate.wait();
        }
        let mut applied = self.sum.apply(entry);
        if self.lies_about_results {
            for outcome in &mut applied.outcomes {
                outcome.result = b"all is yours".to_vec();
            }
        }
        applied
    }

    fn query(&self, question: &[u8]) -> Vec<u8> {
        let truth = self.sum.query(question);
        if !self.repeats_itself.load(Ordering::SeqCst) {
            return truth;
        }
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.get_or_insert(truth).clone()
    }
}

/// A node that lies answers first: all others are busy until it was heard. What the client believes.
async fn answered_by_a_liar_first() -> Vec<u8> {
    const LIAR: NodeId = NodeId(2);
    let gate = Gate::default();
    let network = TestNetwork::start_with(Mode::Byzantine, 4, |node, options| {
        let lies_about_results = node == LIAR.position();
        options.application = Box::new(Altered {
            gate: (!lies_about_results).then(|| gate.clone()),
            lies_about_results,
            ..Altered::new()
        });
        options.timers = PATIENT;
    })
    .await;
    let client = network.client();
    client.wait_connected(4, LONG).await;
    let request = add(&KeyPair::from_seed("alice"), 1, 7);
    let submitted = client.submit_and_wait(request, Wait::Applied, LONG);
    tokio::pin!(submitted);
    // What the liar says comes in order: once it answers a question about this result, it has told
    // the result too.
    let heard = async {
        let told = 7_u64.to_le_bytes();
        let of_liar = Consistency::Local(Some(LIAR));
        loop {
            let answer = client.query(b"", of_liar, LONG).await;
            if answer.is_ok_and(|answer| answer.bytes == told) {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    let early = tokio::select! {
        biased;
        outcome = &mut submitted => Some(outcome),
        () = heard => None,
    };
    gate.open();
    let outcome = match early {
        Some(outcome) => outcome,
        None => submitted.await,
    };
    network.shutdown().await;
    outcome.unwrap().result
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_is_not_believed() {
    let truth = 7_u64.to_le_bytes();
    assert_eq!(answered_by_a_liar_first().await, truth);
    #[cfg(feature = "mutations")]
    {
        let _broken = activate(Some(Mutation::OneReplyIsEnough));
        assert_eq!(answered_by_a_liar_first().await, b"all is yours");
    }
}

/// Lets only some messages through.
struct Loses<F>(F);

impl<F: FnMut(NodeId, &Message) -> bool + Send> Behaviour for Loses<F> {
    fn name(&self) -> &'static str {
        "loses"
    }

    fn outgoing(
        &mut self,
        context: &Context<'_>,
        to: Recipient,
        message: &Arc<Message>,
    ) -> Option<Vec<(Recipient, Arc<Message>)>> {
        let nodes: BTreeSet<NodeId> = match to {
            Recipient::Node(node) => [node].into(),
            Recipient::Others => context.configuration.sizes().nodes().collect(),
        };
        let arrives = |node: &NodeId| *node != context.me && !(self.0)(*node, message);
        Some(
            nodes
                .into_iter()
                .filter(arrives)
                .map(|node| (Recipient::Node(node), Arc::clone(message)))
                .collect(),
        )
    }
}

/// Two nodes acknowledge a second payment: a correct one, and a traitor that answers questions as
/// if it had never been. One correct node voted for it and does not learn that it was committed;
/// the last one hears nothing. What a linearizable read that is asked then says.
async fn read_after_a_write() -> Result<Vec<u8>, ClientError> {
    const LEADER: NodeId = NodeId(0);
    const TRAITOR: NodeId = NodeId(1);
    const VOTER: NodeId = NodeId(2);
    const CUT_OFF: NodeId = NodeId(3);
    let lies = Arc::new(AtomicBool::new(false));
    let network = TestNetwork::start_with(Mode::Byzantine, 4, |node, options| {
        options.application = Box::new(Altered {
            repeats_itself: match node == TRAITOR.position() {
                true => Arc::clone(&lies),
                false => Arc::default(),
            },
            ..Altered::new()
        });
        options.timers = PATIENT;
    })
    .await;
    let client = network.client();
    client.wait_connected(4, LONG).await;
    let key = KeyPair::from_seed("alice");
    let pay = async |nonce, number| {
        let request = add(&key, nonce, number);
        client
            .submit_and_wait(request, Wait::Applied, LONG)
            .await
            .unwrap()
    };
    let first = pay(1, 1).await;
    assert_eq!(client.leader(), Some(LEADER));
    for node in 0..4 {
        while network.node(node).status().await.unwrap().applied < first.index {
            tokio::task::yield_now().await;
        }
    }
    lies.store(true, Ordering::SeqCst);
    let of_traitor = Consistency::Local(Some(TRAITOR));
    client.query(b"", of_traitor, LONG).await.unwrap();

    let behave = |node: NodeId, behaviour: Box<dyn Behaviour>| {
        let control = network.node(node.position()).control();
        control.set_behaviour(Some(behaviour));
    };
    let from_leader = |to, message: &Message| {
        to == CUT_OFF || (to == VOTER && !matches!(message, Message::AppendEntries(_)))
    };
    behave(LEADER, Box::new(Loses(from_leader)));
    behave(
        TRAITOR,
        Box::new(Loses(|to, _: &Message| to == VOTER || to == CUT_OFF)),
    );
    behave(VOTER, Box::new(Loses(|to, _: &Message| to == CUT_OFF)));
    pay(2, 10).await;
    let answer = client
        .query(b"", Consistency::Linearizable, Duration::from_secs(2))
        .await;
    network.shutdown().await;
    answer.map(|answer| answer.bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quorum_of_equal_answers_may_be_stale() {
    let stale = |answer: Result<Vec<u8>, ClientError>| {
        answer.is_ok_and(|total| total == 1_u64.to_le_bytes())
    };
    assert!(!stale(read_after_a_write().await));
    #[cfg(feature = "mutations")]
    {
        let _broken = activate(Some(Mutation::ReadTrustsEqualAnswers));
        assert!(stale(read_after_a_write().await));
    }
}
