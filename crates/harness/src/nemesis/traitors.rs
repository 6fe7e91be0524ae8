//! Nodes that break the rules. The same f nodes are the traitors of a whole run.

use testnet::{failure::Outcome, traitor::Setting};

use super::{Family, Need, Nemesis, Undo};
use crate::{cluster::Cluster, random::Random};

macro_rules! traitors {
    ($($name:literal, $behaviour:literal, $summary:literal;)*) => {
        pub const ALL: &[Nemesis] = &[$(Nemesis {
            name: $name,
            family: Family::Traitors,
            summary: $summary,
            needs: &[Need::Byzantine],
            lasts: (3_000, 10_000),
            begin: |cluster, random| betray(cluster, random, $behaviour),
        },)*];
    };
}

traitors! {
    "equivocate", "equivocate", "f nodes tell different nodes different things";
    "double-vote", "double-vote", "f nodes vote for whatever they are asked to";
    "mute", "mute", "f nodes say nothing";
    "withhold", "withhold", "f nodes withhold what others need from them";
    "censor", "censor", "f nodes leave out one account's requests";
    "term-inflate", "term-inflate", "f nodes claim terms far ahead";
}

fn betray(cluster: &mut Cluster, random: &mut Random, behaviour: &str) -> Outcome<Undo> {
    let mut setting: Setting = behaviour.parse()?;
    let genesis = &cluster.network.genesis;
    let account = random.position(genesis.accounts().len());
    if behaviour == "censor" {
        setting.account = Some(genesis.accounts()[account].address());
    }
    let all: Vec<usize> = (0..cluster.size()).collect();
    let drawn = random.choose(&all, cluster.sizes()?.faulty());
    // More than f traitors in the life of a network may fork it.
    let traitors = if cluster.traitors.is_empty() {
        drawn
    } else {
        cluster.traitors.clone()
    };
    for &node in &traitors {
        cluster.behave(node, Some(&setting))?;
    }
    Ok(Box::new(move |cluster| {
        traitors
            .iter()
            .try_for_each(|&node| cluster.behave(node, None))
    }))
}
