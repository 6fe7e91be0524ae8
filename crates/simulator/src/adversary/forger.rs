//! Makes things up: payments that no client sealed, bodies that are not the ones that their headers
//! name, statements in other nodes' names, accusations without proof, certificates with a signer
//! counted twice.

use std::sync::Arc;

use consensus::{
    Entry, Evidence, Message, NodeId, Signature, Signed, Term,
    certificate::Counted,
    event::Recipient,
    evidence::Offence,
    message::{AppendEntries, Relay, Vote},
};

use super::{Adversary, Tools};

#[derive(Default)]
pub(super) struct Forger {
    /// Votes of others, to make accusations from.
    seen: Vec<Signed<Vote>>,
}

fn tampered(payload: &Arc<[u8]>) -> Arc<[u8]> {
    let mut bytes = payload.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 0x55;
    }
    Arc::from(bytes)
}

impl Forger {
    /// The same entries with a forged payment in the last of them.
    fn forged_entries(tools: &Tools<'_>, append: &AppendEntries) -> Option<AppendEntries> {
        let mut forged = append.clone();
        let last = forged.entries.last_mut()?;
        if last.header().author != tools.me() || last.payloads.is_empty() {
            return None;
        }
        let payloads = last.payloads.iter().map(tampered).collect();
        *last = tools.entry(last.header().clone(), payloads);
        Some(forged)
    }

    /// The same entries, headers and signatures included, but the last of them without its last
    /// payment: every payment is sealed, and the root is another body's.
    fn under_a_wrong_root(tools: &Tools<'_>, append: &AppendEntries) -> Option<AppendEntries> {
        let mut wrong = append.clone();
        let last = wrong.entries.last_mut()?;
        let mut payloads = last.payloads.clone();
        payloads.pop()?;
        *last = Arc::new(Entry::new(
            tools.configuration(),
            last.signed.clone(),
            payloads,
        ));
        Some(wrong)
    }

    /// A vote in another node's name, signed with this node's key.
    fn in_anothers_name(tools: &mut Tools<'_>, vote: &Vote) -> Message {
        let signed = tools.signed(vote.clone());
        let signer = if tools.random.chance(100) {
            NodeId(999)
        } else {
            tools.some_peer()
        };
        Message::from(Signed { signer, ..signed })
    }

    /// An accusation that consists of two votes, one of which the accused never signed.
    fn accusation(tools: &mut Tools<'_>, first: &Signed<Vote>) -> Arc<Message> {
        let mut second = first.clone();
        if let Some(accepted) = &mut second.body.accepted {
            accepted.hash.0[0] ^= 1;
        }
        if tools.random.chance(500) {
            second.signature = Signature([1; 64]);
        }
        tools.sign(Evidence {
            epoch: first.body.epoch,
            offence: Offence::ForkedVotes {
                lower: first.clone(),
                higher: second,
                compared: (Counted::Accepted, Counted::Accepted),
                headers: Vec::new(),
            },
        })
    }
}

impl Adversary for Forger {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        match &**message {
            Message::AppendEntries(signed) if tools.random.chance(200) => {
                if let Some(forged) = Self::forged_entries(tools, &signed.body) {
                    let forged = tools.sign(forged);
                    tools.pass(to, &forged);
                }
                if let Some(wrong) = Self::under_a_wrong_root(tools, &signed.body) {
                    let wrong = tools.sign(wrong);
                    tools.pass(to, &wrong);
                }
                tools.pass(to, message);
            }
            Message::Vote(signed) if tools.random.chance(300) => {
                let forged = Arc::new(Self::in_anothers_name(tools, &signed.body));
                tools.pass(to, &forged);
                tools.pass(to, message);
            }
            Message::Relay(signed) => {
                let forged = tools.sign(Relay {
                    complained: true,
                    requests: signed.body.requests.iter().map(tampered).collect(),
                    ..signed.body.clone()
                });
                tools.pass(to, &forged);
                tools.pass(to, message);
            }
            _ => tools.pass(to, message),
        }
    }

    fn receives(&mut self, tools: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        if let Message::Vote(signed) = message {
            if self.seen.len() < 32 {
                self.seen.push(signed.clone());
            } else {
                let position = tools.random.position(self.seen.len());
                self.seen[position] = signed.clone();
            }
        }
        true
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, _: Term) {
        if self.seen.is_empty() || !tools.random.chance(300) {
            return;
        }
        let position = tools.random.position(self.seen.len());
        let message = Self::accusation(tools, &self.seen[position]);
        for node in tools.peers() {
            tools.send(node, Arc::clone(&message));
        }
    }
}
