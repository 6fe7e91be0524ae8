//! Hands on what was executed long ago as if its clients complained, to everybody and without end. While
//! it leads it ignores some clients, and keeps the watch over them busy with their own old requests,
//! which it commits again just in time.

use std::{collections::VecDeque, sync::Arc};

use consensus::{
    Entry, EntryKind, Message, NodeId, RequestKey, Term, Time, event::Recipient, message::Relay,
};

use super::{Adversary, TICK, Tools};
use crate::{client::ACCOUNTS, payload, random::Random};

/// Requests of each account that it keeps.
const KEPT: usize = 64;
/// So many of each client it serves before it ignores any.
const SERVED_FIRST: usize = 2;
/// Requests that it lets its replica include again.
const ALLOWED: usize = 256;

pub(super) struct Repeater {
    /// Of each account: what was executed, whether it ignores what is new, and when it repeats next.
    accounts: Vec<Account>,
    /// How long after it was handed on a request is included again.
    span: Time,
    /// Requests for each tick while others lead.
    burst: usize,
    allowed: VecDeque<RequestKey>,
    leads: bool,
}

#[derive(Default)]
struct Account {
    executed: VecDeque<Arc<[u8]>>,
    ignored: bool,
    due: Time,
}

/// When a complaint is handed on, and handed on again, in milliseconds.
fn again_and_again(node: NodeId) -> [(NodeId, u64); 5] {
    [0, 8, 16, 30, 60].map(|millis| (node, millis))
}

impl Repeater {
    pub(super) fn new(random: &mut Random) -> Self {
        let mut accounts: Vec<Account> = (0..ACCOUNTS)
            .map(|_| Account {
                ignored: random.chance(250),
                ..Account::default()
            })
            .collect();
        let certainly = random.position(accounts.len());
        accounts[certainly].ignored = true;
        Self {
            accounts,
            span: Time::from_millis(random.between(300, 980)),
            burst: *random.pick(&[0, 4, 32]).expect("three choices"),
            allowed: VecDeque::new(),
            leads: false,
        }
    }

    fn note(&mut self, entries: &[Arc<Entry>]) {
        let transactions = |entry: &&Arc<Entry>| entry.header().kind == EntryKind::Transactions;
        for payload in entries
            .iter()
            .filter(transactions)
            .flat_map(|one| &one.payloads)
        {
            let client = payload::read(payload).map(|payment| usize::from(payment.from));
            let Some(account) = client.and_then(|client| self.accounts.get_mut(client)) else {
                continue;
            };
            if account.executed.iter().any(|known| known == payload) {
                continue;
            }
            if account.executed.len() == KEPT {
                account.executed.pop_front();
            }
            account.executed.push_back(Arc::clone(payload));
        }
    }

    fn relay(tools: &Tools<'_>, requests: Vec<Arc<[u8]>>, complained: bool) -> Arc<Message> {
        let epoch = tools.configuration().epoch();
        tools.sign(Relay {
            epoch,
            complained,
            requests,
        })
    }

    /// Has everybody watch over an old request of each client that it ignores, and includes it just
    /// before they lose patience.
    fn mask(&mut self, tools: &mut Tools<'_>) {
        let until = tools.now.after(TICK);
        for account in &mut self.accounts {
            if !account.ignored || account.executed.len() <= SERVED_FIRST || account.due > until {
                continue;
            }
            let place = tools.random.position(account.executed.len());
            let old = Arc::clone(&account.executed[place]);
            let Some(request) = tools.requests(std::slice::from_ref(&old)).pop() else {
                continue;
            };
            let wait = account.due.since(tools.now);
            let relay = Self::relay(tools, vec![Arc::clone(&old)], true);
            // The place of the one before becomes free a moment after that is committed, and no client
            // is to take it first.
            for (node, millis) in tools.peers().into_iter().flat_map(again_and_again) {
                let later = wait.after(Time::from_millis(millis));
                tools.send_later(node, Arc::clone(&relay), later);
            }
            let again = Self::relay(tools, vec![old], false);
            let included = wait.after(self.span);
            tools.send_later(tools.me(), again, included);
            if self.allowed.len() == ALLOWED {
                self.allowed.pop_front();
            }
            self.allowed.push_back(request.key());
            account.due = tools.now.after(included).after(Time::from_millis(2));
        }
    }

    /// Hands on old requests of anybody.
    fn flood(&self, tools: &mut Tools<'_>) {
        let old: Vec<&Arc<[u8]>> = self.accounts.iter().flat_map(|one| &one.executed).collect();
        if old.is_empty() || self.burst == 0 {
            return;
        }
        let requests = (0..self.burst)
            .map(|_| Arc::clone(old[tools.random.position(old.len())]))
            .collect();
        let complained = tools.random.chance(500);
        let relay = Self::relay(tools, requests, complained);
        tools.pass(Recipient::Others, &relay);
    }
}

impl Adversary for Repeater {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        if let Message::AppendEntries(signed) = &**message {
            self.note(&signed.body.entries);
        }
        tools.pass(to, message);
    }

    fn receives(&mut self, _: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        if let Message::AppendEntries(signed) = message {
            self.note(&signed.body.entries);
        }
        true
    }

    fn admits(&self, key: &RequestKey) -> bool {
        let client = usize::from(payload::client_of(&key.account));
        // Whoever was never served has nothing to be kept busy with.
        let ignored = |one: &Account| one.ignored && one.executed.len() > SERVED_FIRST;
        let ignored = self.accounts.get(client).is_some_and(ignored);
        !(self.leads && ignored) || self.allowed.contains(key)
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        self.leads = tools.configuration().leader(term) == tools.me();
        if self.leads {
            self.mask(tools);
        } else {
            self.flood(tools);
        }
    }
}
