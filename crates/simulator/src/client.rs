//! The clients: they ask one node, and ask everybody and complain when no answer comes (P6.1,
//! P6.2).

use std::collections::BTreeMap;

use consensus::{NodeId, Request, RequestKey, Time};

use crate::{
    application::Outcome,
    payload::{self, Payment, PaymentSeal},
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
    /// By when it must be answered, in a timely network.
    pub deadline: Option<Time>,
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
    /// Accounts that ask again as soon as they are answered, and may ask now. `None`: clients ask at
    /// their own pace.
    ready: Option<Vec<u16>>,
    /// The node that each account asks, if it asks again when it is answered: it stays with one that
    /// serves it.
    homes: [usize; ACCOUNTS as usize],
    /// How long a request may take from now on. `None`: the network is not timely.
    patience: Option<Time>,
    /// When the network became timely.
    healed_at: Option<Time>,
    /// How many requests were answered.
    pub answered: u64,
    /// The longest that a request took, from when the network was timely.
    pub longest_wait: Time,
    /// A request that was answered after its deadline.
    pub late: Option<RequestKey>,
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
            ready: None,
            homes: std::array::from_fn(|account| account),
            patience: None,
            healed_at: None,
            answered: 0,
            longest_wait: Time(0),
            late: None,
        }
    }

    /// From now on every account asks again when it is answered; so many requests of each are under
    /// way. Returns how many requests that makes to begin with.
    pub fn saturate(&mut self, each: u16) -> usize {
        let ready: Vec<u16> = (0..each).flat_map(|_| 0..ACCOUNTS).collect();
        self.interval = None;
        // What may be called a storm of messages follows from it.
        self.rate = 1_000 * u32::from(each);
        self.ready.insert(ready).len()
    }

    /// The node that a client asked does not serve it: it asks another one from now on.
    pub fn move_on(&mut self, key: &RequestKey) {
        if let Some(home) = self
            .homes
            .get_mut(usize::from(payload::client_of(&key.account)))
        {
            *home += 1;
        }
    }

    /// Whether an answer makes the client ask again.
    #[must_use]
    pub const fn asks_again(&self) -> bool {
        self.ready.is_some()
    }

    /// The network became timely. What is unanswered may take `patience` from now.
    pub fn healed(&mut self, now: Time, patience: Time) {
        self.healed_at.get_or_insert(now);
        self.patience = Some(patience);
        for open in self.open.values_mut() {
            open.deadline.get_or_insert(now.after(patience));
        }
    }

    /// How long requests may take that are asked from now on, in a timely network.
    pub const fn set_patience(&mut self, patience: Time) {
        self.patience = Some(patience);
    }

    /// Whether the network is timely.
    #[must_use]
    pub const fn is_healed(&self) -> bool {
        self.healed_at.is_some()
    }

    /// Requests a second while they want anything.
    #[must_use]
    pub const fn rate(&self) -> u32 {
        self.rate
    }

    /// The clients have all they want.
    pub fn stop(&mut self) {
        self.interval = None;
        self.ready = None;
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
        let from = self.ready.as_mut().and_then(Vec::pop).unwrap_or_else(|| {
            u16::try_from(self.random.below(ACCOUNTS.into())).expect("few accounts")
        });
        let to = u16::try_from(self.random.below(ACCOUNTS.into())).expect("few accounts");
        let amount = u32::try_from(self.random.below(400)).expect("small");
        let request = self.request(now, from, to, amount);
        let node = match self.ready {
            Some(_) => self.homes[usize::from(from)] % nodes,
            None => self.random.position(nodes),
        };
        (request, node)
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
                deadline: self.patience.map(|patience| now.after(patience)),
                answers: Vec::new(),
            },
        );
        request
    }

    /// A node answers. Returns whether the client now believes the outcome.
    pub fn answer(&mut self, now: Time, node: NodeId, key: RequestKey, outcome: Outcome) -> bool {
        let Some(open) = self.open.get_mut(&key) else {
            return false;
        };
        if open.answers.iter().all(|(from, _)| *from != node) {
            open.answers.push((node, outcome));
        }
        let equal = open.answers.iter().filter(|(_, one)| *one == outcome);
        let believed = equal.count() >= self.needed;
        if believed {
            if open.deadline.is_some_and(|deadline| now > deadline) {
                self.late.get_or_insert(key);
            }
            if let Some(healed) = self.healed_at {
                let waited = now.since(healed.max(open.since));
                self.longest_wait = self.longest_wait.max(waited);
            }
            self.open.remove(&key);
            self.answered += 1;
            if let Some(ready) = &mut self.ready {
                ready.push(payload::client_of(&key.account));
            }
        }
        believed
    }

    /// An unanswered request whose deadline has passed.
    #[must_use]
    pub fn first_late(&self, now: Time) -> Option<RequestKey> {
        let late = |open: &Open| open.deadline.is_some_and(|deadline| now > deadline);
        let mut open = self.open.iter();
        open.find(|(_, open)| late(open)).map(|(key, _)| *key)
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
