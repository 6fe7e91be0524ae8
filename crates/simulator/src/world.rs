//! Everything outside the nodes: time, the network, the clients, and who watches.

mod happening;
mod schedule;

use std::{collections::BTreeSet, sync::Arc};

use consensus::{
    Message, Mode, NodeId, Record, RequestKey, Term, Time, Verification, event::Recipient,
    message::Relay,
};

pub use happening::{Happening, Parcel, Relayed};
pub use schedule::Schedule;

use crate::{
    adversary::Coalition,
    application::Outcome,
    client::Clients,
    conformance::Replay,
    fault::{Fault, Rare},
    network::Network,
    oracle::{Observation, Oracle, Violation},
    seat::Seat,
    trace::Trace,
};

/// In a timely network, how long after its election a correct leader may have nodes that are up and
/// caught up and do not follow it yet. Its base may have to be fetched.
pub const FOLLOWED_WITHIN: Time = Time::from_millis(2_000);

/// Decides about single messages where a script wants to.
pub trait Director: Send {
    /// Whether a message may travel.
    fn permits(&mut self, now: Time, from: NodeId, to: NodeId, message: &Message) -> bool;
}

/// Everything outside the nodes.
pub struct World {
    /// Simulated time.
    pub now: Time,
    /// What is going to happen.
    pub schedule: Schedule,
    /// The links.
    pub network: Network,
    /// The clients.
    pub clients: Clients,
    /// The watch.
    pub oracle: Oracle,
    /// Judges messages for everybody.
    pub verification: Verification,
    /// The log of what happens.
    pub trace: Trace,
    /// What Byzantine nodes know together.
    pub coalition: Coalition,
    /// The model that follows along, if one does.
    pub replay: Option<Box<Replay>>,
    /// The script, if there is one.
    pub director: Option<Box<dyn Director>>,
    /// Every node's, and after them those of twins.
    seats: Vec<Seat>,
    /// The highest term that is known to have a leader, and how many got one after the first.
    elected: (Option<Term>, u64),
    /// Whom correct nodes hold evidence against.
    pub accused: BTreeSet<NodeId>,
    /// Messages that were refused; only Byzantine nodes may send such.
    pub refused: u64,
    /// The next node that writes this stops so much later.
    pub trap: Option<(Rare, Time)>,
    /// Since when the network is timely and clocks are right.
    pub timely_since: Option<Time>,
}

impl World {
    /// A world at time zero.
    #[must_use]
    pub fn new(
        network: Network,
        clients: Clients,
        oracle: Oracle,
        verification: Verification,
        coalition: Coalition,
        trace: Trace,
    ) -> Self {
        // Term 0 needs no election in Byzantine mode (P4.1).
        let first_led = match verification.configuration().mode() {
            Mode::Byzantine => Some(Term::ZERO),
            Mode::Raft | Mode::RaftSigned => None,
        };
        let seats = verification.configuration().sizes().nodes();
        Self {
            now: Time(0),
            seats: seats.map(Seat::from).collect(),
            schedule: Schedule::default(),
            network,
            clients,
            oracle,
            verification,
            trace,
            coalition,
            replay: None,
            director: None,
            elected: (first_led, 0),
            accused: BTreeSet::new(),
            refused: 0,
            trap: None,
            timely_since: None,
        }
    }

    /// Plans something for `at`, or for now if that has passed.
    pub fn at(&mut self, at: Time, happening: Happening) {
        self.schedule.add(at.max(self.now), happening);
    }

    /// Plans something for later.
    pub fn after(&mut self, span: Time, happening: Happening) {
        self.at(self.now.after(span), happening);
    }

    /// When the next thing happens.
    #[must_use]
    pub fn next_at(&self) -> Option<Time> {
        self.schedule.next_at()
    }

    /// Moves time to the next thing and returns it.
    pub fn advance(&mut self) -> Option<Happening> {
        let (at, happening) = self.schedule.take()?;
        self.now = at;
        Some(happening)
    }

    /// Tells the oracle what a node did.
    pub fn observe(&mut self, node: NodeId, observation: Observation<'_>) {
        self.oracle.observe(self.now, node, observation);
    }

    /// Shows the model what a correct node did, if a model follows along.
    pub fn replay(&mut self, node: NodeId, step: impl FnOnce(&mut Replay, Time)) {
        let Some(replay) = &mut self.replay else {
            return;
        };
        if !self.oracle.history().is_correct(node) || replay.divergence().is_some() {
            return;
        }
        step(replay, self.now);
        if let Some(divergence) = replay.divergence() {
            self.oracle.report(divergence.violation());
        }
    }

    /// A node tells a client what became of its request.
    pub fn answer(&mut self, node: NodeId, key: RequestKey, outcome: Outcome) {
        if !self.clients.answer(self.now, node, key, outcome) {
            return;
        }
        self.observe(node, Observation::Answered { key, outcome });
        if self.clients.asks_again() {
            self.at(self.now, Happening::Ask);
        }
    }

    /// A node asks for a write: if that is what a fault waits for, it stops soon.
    pub fn wrote(&mut self, node: NodeId, records: &[Record]) {
        if let Some((_, delay)) = self.trap.take_if(|(rare, _)| rare.is_in(records)) {
            self.after(delay, Happening::Fault(Fault::Stop(node)));
        }
    }

    /// Notes that a term has a leader.
    pub fn elected(&mut self, term: Term) {
        self.elected = match self.elected {
            (None, changes) => (Some(term), changes),
            (Some(highest), changes) if term > highest => (Some(term), changes + 1),
            unchanged => unchanged,
        };
    }

    /// A correct leader holds its election certificate.
    pub fn expect_followers(&mut self, term: Term) {
        if self.timely_since.is_some() && self.director.is_none() {
            self.after(FOLLOWED_WITHIN, Happening::Elected(term));
        }
    }

    /// How many terms got a leader, beyond the first.
    #[must_use]
    pub const fn leader_changes(&self) -> u64 {
        self.elected.1
    }

    /// Seats a second copy of a node.
    pub fn seat_twin(&mut self, node: NodeId) -> Seat {
        let seat = Seat::of_twin(node, self.seats.len());
        self.seats.push(seat);
        seat
    }

    /// Puts a message on its way: to every copy of its receivers, as far as links go.
    pub fn send(&mut self, from: impl Into<Seat>, to: Recipient, message: Arc<Message>) {
        let from = from.into();
        let mut arrivals = Vec::new();
        for position in 0..self.seats.len() {
            let seat = self.seats[position];
            let meant = match to {
                Recipient::Node(node) => seat.node() == node,
                Recipient::Others => true,
            };
            if meant && seat.node() != from.node() {
                self.plan(from, seat, &message, &mut arrivals);
            }
        }
        if self.trace.is_on() {
            self.trace_send(from, to, &message, &arrivals);
        }
        if arrivals.is_empty() {
            return;
        }
        let message = Arc::unwrap_or_clone(message);
        let from = from.node();
        let Some(parcel) = self.judge(from, message) else {
            return;
        };
        for (to, delay) in arrivals {
            let parcel = parcel.clone();
            self.after(delay, Happening::Deliver { from, to, parcel });
        }
    }

    /// A Byzantine node tells its own replica something.
    pub fn hand_back(&mut self, node: NodeId, delay: Time, message: Arc<Message>) {
        if let Some(parcel) = self.judge(node, Arc::unwrap_or_clone(message)) {
            let (from, to) = (node, Seat::from(node));
            self.after(delay, Happening::Deliver { from, to, parcel });
        }
    }

    fn plan(&mut self, from: Seat, to: Seat, message: &Message, arrivals: &mut Vec<(Seat, Time)>) {
        let now = self.now;
        if let Some(director) = &mut self.director
            && !director.permits(now, from.node(), to.node(), message)
        {
            return;
        }
        let is_vote = matches!(message, Message::Vote(_) | Message::RaftAppendReply(_));
        let planned = self.network.arrivals(from, to, is_vote);
        let planned = planned.into_iter().flatten();
        arrivals.extend(planned.map(|delay| (to, delay)));
    }

    /// Judges a message once for all its receivers: the judgement is a function of the bytes.
    fn judge(&mut self, from: NodeId, message: Message) -> Option<Parcel> {
        let name = message.name();
        let refused = match self.verification.decoded_message(from, message) {
            Ok(verified) => {
                self.oracle.seen(&verified);
                return Some(match &*verified {
                    Message::Relay(signed) => {
                        let Relay {
                            complained,
                            requests,
                            ..
                        } = &signed.body;
                        Parcel::Relayed(Arc::new(Relayed {
                            complained: *complained,
                            requests: self.verification.relayed(requests),
                            message: verified.into_parts().1,
                        }))
                    }
                    _ => Parcel::Message(Arc::new(verified)),
                });
            }
            Err(refused) => refused,
        };
        self.refused += 1;
        if self.oracle.history().is_correct(from) {
            self.oracle.report(Violation {
                invariant: "correct nodes send nothing that is refused",
                rule: "P2.2, P3.2",
                at: self.now,
                node: Some(from),
                detail: format!("its {name} is refused: {refused}"),
            });
        }
        if self.trace.is_on() {
            let now = self.now;
            self.trace
                .line(now, format_args!("{from} {name} refused: {refused}"));
        }
        None
    }

    fn trace_send(
        &mut self,
        from: Seat,
        to: Recipient,
        message: &Message,
        arrivals: &[(Seat, Time)],
    ) {
        let arrivals: Vec<String> = arrivals
            .iter()
            .map(|(seat, delay)| format!("{seat}+{}", delay.0))
            .collect();
        let to = match to {
            Recipient::Node(node) => node.to_string(),
            Recipient::Others => "all".to_owned(),
        };
        let now = self.now;
        self.trace.line(
            now,
            format_args!(
                "{from} > {to} {} [{}]",
                crate::describe::message(message),
                arrivals.join(" ")
            ),
        );
    }
}
