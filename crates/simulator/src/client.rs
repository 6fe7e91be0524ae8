//! The clients: they ask one node, and ask everybody and complain when no answer comes (P6.1,
//! P6.2).

use std::collections::BTreeMap;

use consensus::{NodeId, Request, RequestKey, Time};

use crate::{
    application::Outcome,
    payload::{Payment, PaymentSeal},
    random::Random,
};

/// How many accounts pay each other.
pub const ACCOUNTS: u16 = 8;
/// How long a client waits for an answer before it asks again (P1.5).
pub const RESEND: Time = Time::from_millis(1_000);

/// A request that is not yet answered.
pub struct Open {
    /// The request.
    pub request: Request,
    /// When it was first sent.
    pub since: Time,
    answers: Vec<(NodeId, Outcome)>,
}

/// All clients.
pub struct Clients {
    seal: PaymentSeal,
    /// How many nodes must give the same answer.
    needed: usize,
    nonces: [u64; ACCOUNTS as usize],
    open: BTreeMap<RequestKey, Open>,
    /// Between two requests, on average. `None`: no more requests.
    interval: Option<Time>,
    rate: u32,
    random: Random,
    /// How many requests were answered.
    pub answered: u64,
}

impl Clients {
    /// Clients that send about `rate` requests a second together and believe `needed` equal
    /// answers.
    #[must_use]
    pub fn new(seal: PaymentSeal, needed: usize, rate: u32, random: Random) -> Self {
        Self {
            seal,
            needed,
            nonces: [0; ACCOUNTS as usize],
            open: BTreeMap::new(),
            rate,
            interval: (rate > 0).then(|| Time(1_000_000 / u64::from(rate.max(1)))),
            random,
            answered: 0,
        }
    }

    /// Requests a second while they want anything.
    #[must_use]
    pub const fn rate(&self) -> u32 {
        self.rate
    }

    /// The clients have all they want.
    pub const fn stop(&mut self) {
        self.interval = None;
    }

    /// How long until somebody asks next.
    pub fn until_next(&mut self) -> Option<Time> {
        let interval = self.interval?;
        Some(Time(self.random.between(0, 2 * interval.0)))
    }

    /// A new request, and the position of the node that is asked first, among `nodes`.
    ///
    /// # Panics
    /// If a sealed payment is not valid.
    pub fn ask(&mut self, now: Time, nodes: usize) -> (Request, usize) {
        let from = u16::try_from(self.random.below(ACCOUNTS.into())).expect("few accounts");
        let to = u16::try_from(self.random.below(ACCOUNTS.into())).expect("few accounts");
        let amount = u32::try_from(self.random.below(400)).expect("small");
        let request = self.request(now, from, to, amount);
        (request, self.random.position(nodes))
    }

    /// A new request with chosen particulars.
    ///
    /// # Panics
    /// If a sealed payment is not valid.
    pub fn request(&mut self, now: Time, from: u16, to: u16, amount: u32) -> Request {
        let nonce = &mut self.nonces[usize::from(from)];
        let payload = self.seal.seal(&Payment {
            from,
            nonce: *nonce,
            to,
            amount,
        });
        *nonce += 1;
        let request = Request::check(payload, &self.seal).expect("the client sealed it");
        self.open.insert(
            request.key(),
            Open {
                request: request.clone(),
                since: now,
                answers: Vec::new(),
            },
        );
        request
    }

    /// A node answers. Returns whether the client now believes the outcome.
    pub fn answer(&mut self, node: NodeId, key: RequestKey, outcome: Outcome) -> bool {
        let Some(open) = self.open.get_mut(&key) else {
            return false;
        };
        if open.answers.iter().all(|(from, _)| *from != node) {
            open.answers.push((node, outcome));
        }
        let equal = open.answers.iter().filter(|(_, one)| *one == outcome);
        let believed = equal.count() >= self.needed;
        if believed {
            self.open.remove(&key);
            self.answered += 1;
        }
        believed
    }

    /// The request, if it is still unanswered.
    #[must_use]
    pub fn unanswered(&self, key: &RequestKey) -> Option<&Open> {
        self.open.get(key)
    }

    /// Whether nothing is unanswered.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.open.is_empty()
    }
}
