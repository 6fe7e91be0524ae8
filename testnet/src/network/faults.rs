//! Faults on the links between nodes: how people write them, and where they are kept, so that a
//! node that is started again has them still.

use std::{collections::BTreeMap, time::Duration};

use node::LinkPolicy;
use serde::{Deserialize, Serialize};
use terminal::{parse_span, show_span};
use transport::limits::MAX_LINK_DELAY;

use super::{file, layout::NodeLayout};
use crate::failure::{Failure, Outcome};

/// What a link does to the messages sent over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkFault {
    /// Nothing gets through.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cut: bool,
    /// Each message arrives later by so many microseconds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub delay_micros: u64,
    /// The share of messages that vanish, in thousandths.
    #[serde(default, skip_serializing_if = "is_default")]
    pub loss_permille: u16,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The faults on the links from one node, by the name of the node at the other end. A link that is
/// not listed has none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkFaults(pub BTreeMap<String, LinkFault>);

impl LinkFault {
    /// Nothing gets through.
    pub const CUT: Self = Self {
        cut: true,
        delay_micros: 0,
        loss_permille: 0,
    };

    /// What the transport is told.
    #[must_use]
    pub fn policy(self) -> LinkPolicy {
        LinkPolicy {
            cut: self.cut,
            delay: Duration::from_micros(self.delay_micros),
            loss: f64::from(self.loss_permille) / 1000.0,
        }
    }

    /// Reads `cut`, `pass`, `delay=20ms`, `loss=10%`, or several of the last two.
    ///
    /// # Errors
    /// A usage failure that says what can be written.
    pub fn parse(words: &[String]) -> Outcome<Self> {
        let mut fault = Self::default();
        for word in words {
            match word.split_once('=') {
                None if word == "cut" => fault.cut = true,
                None if word == "pass" && words.len() == 1 => {}
                Some(("delay", span)) => fault.delay_micros = parse_delay(span)?,
                Some(("loss", share)) => fault.loss_permille = parse_loss(share)?,
                _ => return Err(unknown(word)),
            }
        }
        Ok(fault)
    }

    /// For people.
    #[must_use]
    pub fn in_words(self) -> String {
        let mut words = Vec::new();
        if self.cut {
            words.push("cut".to_owned());
        }
        if self.delay_micros > 0 {
            let span = Duration::from_micros(self.delay_micros);
            words.push(format!("{span:?} later"));
        }
        if self.loss_permille > 0 {
            let (whole, tenth) = (self.loss_permille / 10, self.loss_permille % 10);
            let point = if tenth > 0 {
                format!(".{tenth}")
            } else {
                String::new()
            };
            words.push(format!("{whole}{point} % lost"));
        }
        if words.is_empty() {
            "no fault".to_owned()
        } else {
            words.join(", ")
        }
    }
}

impl LinkFaults {
    /// Those kept for a node.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn load(node: &NodeLayout) -> Outcome<Self> {
        Ok(file::read(&node.links())?.unwrap_or_default())
    }

    /// Keeps them.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn store(&self, node: &NodeLayout) -> Outcome {
        if self.0.is_empty() {
            file::remove(&node.links())
        } else {
            file::write(&node.links(), self)
        }
    }

    /// Sets or, with no fault, removes one.
    pub fn set(&mut self, peer: &str, fault: LinkFault) {
        if fault == LinkFault::default() {
            self.0.remove(peer);
        } else {
            self.0.insert(peer.to_owned(), fault);
        }
    }

    /// The fault on the link to that node.
    #[must_use]
    pub fn to(&self, peer: &str) -> LinkFault {
        self.0.get(peer).copied().unwrap_or_default()
    }
}

fn unknown(word: &str) -> Failure {
    Failure::usage(format!("{word:?} is nothing that a link can do"))
        .next("Write cut, pass, delay=20ms, loss=10%, or delay and loss together.")
}

fn parse_delay(text: &str) -> Outcome<u64> {
    let refused = |reason: String| Failure::usage(format!("delay={text}: {reason}"));
    let span = parse_span(text).map_err(refused)?;
    if span > MAX_LINK_DELAY {
        let most = show_span(MAX_LINK_DELAY);
        return Err(refused(format!("a link delays by {most} at most")));
    }
    Ok(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
}

fn parse_loss(text: &str) -> Outcome<u16> {
    let (number, unit) = split_unit(text);
    match number {
        Some(share) if unit == "%" && (0.0..=100.0).contains(&share) => {
            Ok((share * 10.0).round() as u16)
        }
        _ => Err(Failure::usage(format!(
            "{text:?} is no loss: use a share such as 10%"
        ))),
    }
}

fn split_unit(text: &str) -> (Option<f64>, &str) {
    let end = text
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number.parse().ok(), unit)
}

/// The two ends that `n0>n1`, `n0<>n1` or `n0>*` name, as pairs of sender and receiver.
///
/// # Errors
/// A usage failure that says what can be written.
pub fn parse_link(text: &str, nodes: &[String]) -> Outcome<Vec<(String, String)>> {
    let form = || {
        Failure::usage(format!("{text:?} names no link")).next(
            "Write 'n0>n1' for what n0 sends to n1, 'n0<>n1' for both ways, * for every node.",
        )
    };
    let (from, to, both) = match text.split_once("<>") {
        Some((one, other)) => (one, other, true),
        None => {
            let (from, to) = text.split_once('>').ok_or_else(form)?;
            (from, to, false)
        }
    };
    let ends = |end: &str| -> Outcome<Vec<String>> {
        match end.trim() {
            "*" => Ok(nodes.to_vec()),
            name if nodes.iter().any(|node| node == name) => Ok(vec![name.to_owned()]),
            name => Err(super::no_such_node(name, nodes)),
        }
    };
    let mut links = Vec::new();
    for sender in ends(from)? {
        for receiver in ends(to)? {
            if sender == receiver {
                continue;
            }
            links.push((sender.clone(), receiver.clone()));
            if both {
                links.push((receiver, sender.clone()));
            }
        }
    }
    if links.is_empty() {
        return Err(form());
    }
    links.sort_unstable();
    links.dedup();
    Ok(links)
}

/// The groups that `n0,n1|n2,n3` names. Nodes that it leaves out stay together in one more group.
///
/// # Errors
/// A usage failure if a node is named twice or there is nothing to divide.
pub fn parse_partition(text: &str, nodes: &[String]) -> Outcome<Vec<Vec<String>>> {
    let mut groups: Vec<Vec<String>> = Vec::new();
    for part in text.split('|') {
        let mut group = Vec::new();
        for name in part
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            if !nodes.iter().any(|node| node == name) {
                return Err(super::no_such_node(name, nodes));
            }
            let named = groups.iter().flatten().chain(&group);
            if named.into_iter().any(|known: &String| known == name) {
                return Err(Failure::usage(format!("{name} is named twice")));
            }
            group.push(name.to_owned());
        }
        if !group.is_empty() {
            groups.push(group);
        }
    }
    let left: Vec<String> = nodes
        .iter()
        .filter(|node| !groups.iter().flatten().any(|named| named == *node))
        .cloned()
        .collect();
    if !left.is_empty() {
        groups.push(left);
    }
    if groups.len() < 2 {
        return Err(
            Failure::usage("all nodes are in one group: nothing is divided")
                .next("Write the groups like this: 'n0,n1|n2,n3'"),
        );
    }
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("n{number}")).collect()
    }

    fn parse(text: &str) -> Outcome<LinkFault> {
        LinkFault::parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn faults_are_read_as_people_write_them() {
        assert_eq!(parse("cut").unwrap(), LinkFault::CUT);
        assert_eq!(parse("pass").unwrap(), LinkFault::default());
        assert_eq!(parse("delay=20ms").unwrap().delay_micros, 20_000);
        assert_eq!(parse("delay=2s").unwrap().delay_micros, 2_000_000);
        let both = parse("delay=5ms loss=2.5%").unwrap();
        assert_eq!((both.delay_micros, both.loss_permille), (5_000, 25));
        assert_eq!(both.in_words(), "5ms later, 2.5 % lost");
        for bad in [
            "delay",
            "delay=",
            "delay=-1ms",
            "delay=11s",
            "delay=1h",
            "delay=5",
            "loss=10",
            "loss=101%",
            "loss=x%",
            "slow",
            "pass cut",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn links_have_a_direction_unless_both_are_named() {
        let link = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let nodes = names(3);
        assert_eq!(parse_link("n0>n1", &nodes).unwrap(), [link("n0", "n1")]);
        assert_eq!(
            parse_link("n0<>n1", &nodes).unwrap(),
            [link("n0", "n1"), link("n1", "n0")]
        );
        assert_eq!(
            parse_link("n1>*", &nodes).unwrap(),
            [link("n1", "n0"), link("n1", "n2")]
        );
        for bad in ["n0", "n0>n0", "n0>n9", "n0-n1", ">", ""] {
            assert!(parse_link(bad, &nodes).is_err(), "{bad}");
        }
    }

    #[test]
    fn whoever_is_not_named_stays_together() {
        let nodes = names(4);
        let groups = parse_partition("n0,n1|n2,n3", &nodes).unwrap();
        assert_eq!(groups, [&nodes[..2], &nodes[2..]]);
        let groups = parse_partition("n3", &nodes).unwrap();
        assert_eq!(groups, [vec!["n3".to_owned()], nodes[..3].to_vec()]);
        for bad in ["n0,n1,n2,n3", "n0|n0", "n0|n7", "", "|"] {
            assert!(parse_partition(bad, &nodes).is_err(), "{bad}");
        }
    }

    #[test]
    fn kept_faults_are_read_back_and_none_leave_no_file() {
        let root = tempfile::tempdir().unwrap();
        let node = NodeLayout::new(root.path());
        let mut faults = LinkFaults::default();
        faults.set("n1", LinkFault::CUT);
        faults.store(&node).unwrap();
        assert_eq!(LinkFaults::load(&node).unwrap(), faults);
        faults.set("n1", LinkFault::default());
        faults.store(&node).unwrap();
        assert!(!node.links().exists());
        assert_eq!(LinkFaults::load(&node).unwrap(), faults);
    }
}
