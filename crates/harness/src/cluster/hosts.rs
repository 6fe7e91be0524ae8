//! Where nodes run: on the loopback interface, or each on a host of its own, made of a network
//! namespace whose Ethernet cable ends at a bridge.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use keys::{Genesis, Overwrite};
use testnet::{
    failure::Outcome,
    network::{Network, Start},
};

use super::shell::{Unavailable, available, is_root, run, run_all};

/// Hosts that are made anew for each run. Their names hold this process's number, so that runs
/// beside each other do not meet.
pub struct Bridge {
    id: u32,
    nodes: usize,
}

/// See the module.
pub enum Hosts {
    /// All nodes share the loopback interface.
    Loopback,
    /// Each node has a network namespace.
    Namespaces(Bridge),
}

/// An address to which nobody answers: frames to it vanish without a word.
const NOBODY: &str = "02:00:00:00:fe:fe";

impl Hosts {
    /// Whether namespaces can be made here.
    ///
    /// # Errors
    /// Why not.
    pub fn can_have_namespaces() -> Result<(), Unavailable> {
        if !is_root() {
            return Err(Unavailable::Root);
        }
        for program in ["ip", "nsenter"] {
            available(program)?;
        }
        let trial = Bridge {
            id: std::process::id(),
            nodes: 0,
        };
        let made = run("ip", ["link", "add", &trial.bridge(), "type", "bridge"])
            .and_then(|()| run("ip", ["netns", "add", &trial.namespace(0)]));
        let _ = run("ip", ["netns", "del", &trial.namespace(0)]);
        drop(trial);
        made.map_err(|failure| Unavailable::Kernel(format!("them: {}", failure.message)))
    }

    /// Makes so many hosts.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn namespaces(nodes: usize) -> Outcome<Self> {
        // Whatever happens on the way, what was made is removed when this is dropped.
        let hosts = Bridge {
            id: std::process::id(),
            nodes,
        };
        let bridge = hosts.bridge();
        run("ip", ["link", "add", &bridge, "type", "bridge"])?;
        let own = format!("{}/24", hosts.address(253));
        run("ip", ["addr", "add", &own, "dev", &bridge])?;
        run("ip", ["link", "set", &bridge, "up"])?;
        for node in 0..nodes {
            let (namespace, cable) = (hosts.namespace(node), hosts.cable(node));
            run("ip", ["netns", "add", &namespace])?;
            run_all(
                "ip",
                &[
                    "link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns",
                    &namespace,
                ],
            )?;
            run("ip", ["link", "set", &cable, "master", &bridge, "up"])?;
            let address = format!("{}/24", hosts.address(node));
            let inside = ["-n", &namespace];
            for command in [
                &["addr", "add", &address, "dev", "eth0"][..],
                &["link", "set", "eth0", "up"],
                &["link", "set", "lo", "up"],
            ] {
                run_all("ip", &[&inside, command].concat())?;
            }
        }
        Ok(Self::Namespaces(hosts))
    }

    /// Removes what a process that was killed has left.
    pub fn remove_left_over(process: u32, nodes: usize) {
        drop(Bridge { id: process, nodes });
    }

    /// For people.
    #[must_use]
    pub const fn in_words(&self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Namespaces(_) => "network namespaces",
        }
    }

    /// Gives the validators the addresses of their hosts. These are not part of a network's id.
    pub(super) fn move_to(&self, network: &mut Network) -> Outcome {
        let Self::Namespaces(hosts) = self else {
            return Ok(());
        };
        let mut content = network.genesis.content().clone();
        for (node, validator) in content.validators.iter_mut().enumerate() {
            validator.address.set_ip(IpAddr::V4(hosts.address(node)));
        }
        network.genesis = Genesis::new(content)?;
        let path = network.layout.genesis();
        Ok(network.genesis.store(&path, Overwrite::Replace)?)
    }

    /// How a node is started on its host.
    pub(super) fn start(&self, network: &Network, node: usize) -> Start {
        match self {
            Self::Loopback => Start::default(),
            Self::Namespaces(hosts) => {
                let validator = &network.genesis.validators()[node];
                let port = validator.address.port();
                let namespace = format!("--net=/run/netns/{}", hosts.namespace(node));
                Start {
                    wrapper: vec!["nsenter".into(), namespace.into()],
                    listen: Some(SocketAddr::from((hosts.address(node), port))),
                }
            }
        }
    }

    /// Pulls a node's cable, or plugs it in again.
    ///
    /// # Errors
    /// If the system refuses. Nothing happens on the loopback interface.
    pub fn set_cable(&self, node: usize, plugged: bool) -> Outcome {
        let Self::Namespaces(hosts) = self else {
            return Ok(());
        };
        let state = if plugged { "up" } else { "down" };
        run("ip", ["link", "set", &hosts.cable(node), state])
    }

    /// Lets what one node sends to another vanish on the wire, or arrive again.
    ///
    /// # Errors
    /// If the system refuses. Nothing happens on the loopback interface.
    pub fn set_wire(&self, from: usize, to: usize, open: bool) -> Outcome {
        let Self::Namespaces(hosts) = self else {
            return Ok(());
        };
        let (namespace, receiver) = (hosts.namespace(from), hosts.address(to).to_string());
        let inside = ["-n", &namespace, "neigh"];
        let command = if open {
            &["del", &receiver, "dev", "eth0"][..]
        } else {
            &[
                "replace",
                &receiver,
                "lladdr",
                NOBODY,
                "dev",
                "eth0",
                "nud",
                "permanent",
            ]
        };
        run_all("ip", &[&inside, command].concat())
    }
}

impl Bridge {
    fn bridge(&self) -> String {
        format!("hw{}", self.id)
    }

    fn namespace(&self, node: usize) -> String {
        format!("hw{}n{node}", self.id)
    }

    fn cable(&self, node: usize) -> String {
        format!("hw{}n{node}", self.id)
    }

    /// A node's address, in a network of this process's own among the private ones.
    fn address(&self, node: usize) -> Ipv4Addr {
        let [.., high, low] = self.id.to_be_bytes();
        let node = u8::try_from(node + 1).unwrap_or(u8::MAX);
        // 10.128.0.0/9 leaves the lower half to whoever uses it already.
        Ipv4Addr::new(10, 128 | (high & 0x7f), low, node)
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // A cable goes with the namespace at its end. Nothing is left to be done if one is gone.
        for node in 0..self.nodes {
            let _ = run("ip", ["netns", "del", &self.namespace(node)]);
        }
        let _ = run("ip", ["link", "del", &self.bridge()]);
    }
}
