//! Faults inside the nodes: on their links, and in what they do.

use testnet::{
    cli::tell,
    control::Request,
    failure::Outcome,
    network::faults::{LinkFault, LinkFaults},
    traitor::Setting,
};

use super::Cluster;

impl Cluster {
    /// Sets faults on links: from, to, what. Links that are not named stay as they are.
    ///
    /// # Errors
    /// If a node that runs cannot be told.
    pub fn set_links(&mut self, links: &[(usize, usize, LinkFault)]) -> Outcome {
        for from in 0..self.size() {
            let node = &self.members[from].layout;
            let mut faults = LinkFaults::load(node)?;
            for (_, to, fault) in links.iter().filter(|(sender, ..)| *sender == from) {
                faults.set(&self.name(*to), *fault);
            }
            faults.store(node)?;
            tell(node, &Request::Links(faults))?;
        }
        Ok(())
    }

    /// Mends all links.
    ///
    /// # Errors
    /// If a node that runs cannot be told.
    pub fn heal_links(&mut self) -> Outcome {
        for member in &self.members {
            LinkFaults::default().store(&member.layout)?;
            tell(&member.layout, &Request::Links(LinkFaults::default()))?;
        }
        Ok(())
    }

    /// Makes a node misbehave, or behave again. Once a traitor, it is never counted as correct.
    ///
    /// # Errors
    /// If it cannot be told.
    pub fn behave(&mut self, node: usize, setting: Option<&Setting>) -> Outcome {
        let layout = &self.members[node].layout;
        Setting::store(setting, layout)?;
        tell(layout, &Request::Behave(setting.cloned()))?;
        if setting.is_some() && !self.traitors.contains(&node) {
            self.traitors.push(node);
        }
        Ok(())
    }
}
