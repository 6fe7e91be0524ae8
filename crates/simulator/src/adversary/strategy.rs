//! What a Byzantine node is told to be: one behaviour, or two at once.

use std::{fmt, sync::Arc};

use consensus::{Message, NodeId, RequestKey, Term, event::Recipient};

use super::{Adversary, Behaviour, Tools, tools::Outgoing};
use crate::random::Random;

/// One behaviour, or two in one node: whatever the first says goes through the second.
#[derive(Clone, Copy)]
pub struct Strategy {
    first: &'static Behaviour,
    second: Option<&'static Behaviour>,
}

impl From<&'static Behaviour> for Strategy {
    fn from(first: &'static Behaviour) -> Self {
        Self {
            first,
            second: None,
        }
    }
}

impl Strategy {
    /// Two behaviours at once; one, if they are the same.
    #[must_use]
    pub fn pair(first: &'static Behaviour, second: &'static Behaviour) -> Self {
        Self {
            first,
            second: (first.id != second.id).then_some(second),
        }
    }

    /// Reads `NAME` or `NAME+NAME`.
    ///
    /// # Errors
    /// The part that names no behaviour.
    pub fn read(text: &str) -> Result<Self, String> {
        let find = |name: &str| Behaviour::find(name).ok_or_else(|| name.to_owned());
        match text.split_once('+') {
            Some((first, second)) => Ok(Self::pair(find(first)?, find(second)?)),
            None => find(text).map(Self::from),
        }
    }

    /// Reads one strategy for each node: `NAME,NAME+NAME`.
    ///
    /// # Errors
    /// The part that names no behaviour.
    pub fn read_list(text: &str) -> Result<Vec<Self>, String> {
        text.split(',').map(Self::read).collect()
    }

    /// A node that behaves so.
    #[must_use]
    pub fn instance(&self, random: &mut Random) -> Box<dyn Adversary> {
        let first = self.first.instance(random);
        match self.second {
            None => first,
            Some(second) => Box::new(Both {
                first,
                second: second.instance(random),
            }),
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.first.id)?;
        match self.second {
            Some(second) => write!(f, "+{}", second.id),
            None => Ok(()),
        }
    }
}

struct Both {
    first: Box<dyn Adversary>,
    second: Box<dyn Adversary>,
}

impl Both {
    /// Hands what the first sent to the second, whole broadcasts as such.
    fn filter(&mut self, tools: &mut Tools<'_>, sent: Vec<Outgoing>) {
        let others = tools.peers().len();
        let mut rest = &sent[..];
        while let Some(head) = rest.first() {
            let same = |one: &&Outgoing| {
                Arc::ptr_eq(&one.message, &head.message) && one.delay == head.delay
            };
            let run = rest.iter().take_while(same).count();
            let (count, to) = if run >= others {
                (others, Recipient::Others)
            } else {
                (1, Recipient::Node(head.to))
            };
            let before = tools.sent();
            self.second.sends(tools, to, &head.message);
            tools.delay_since(before, head.delay);
            rest = &rest[count..];
        }
    }
}

impl Adversary for Both {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        let before = tools.sent();
        self.first.sends(tools, to, message);
        let sent = tools.take_since(before);
        self.filter(tools, sent);
    }

    fn receives(&mut self, tools: &mut Tools<'_>, from: NodeId, message: &Message) -> bool {
        let first = self.first.receives(tools, from, message);
        let second = self.second.receives(tools, from, message);
        first && second
    }

    fn admits(&self, key: &RequestKey) -> bool {
        self.first.admits(key) && self.second.admits(key)
    }

    fn forgets(&mut self, random: &mut Random) -> bool {
        self.first.forgets(random) | self.second.forgets(random)
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        self.first.ticks(tools, term);
        self.second.ticks(tools, term);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strategy_is_read_as_it_is_written() {
        for text in ["censor", "equivocator+censor"] {
            assert_eq!(Strategy::read(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Strategy::read("censor+censor").unwrap().to_string(),
            "censor"
        );
        assert_eq!(Strategy::read("censor+saint").err().unwrap(), "saint");
    }
}
