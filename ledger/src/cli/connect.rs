//! The connection to a network's nodes, and what its failures mean.

use std::{
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{Answer, Query, query::AccountAnswer};
use clap::ValueEnum;
use client::{Client, ClientError, Consistency, Unreachable};
use consensus::{Configuration, NodeId};
use keys::{Address, KeyPair};
use terminal::{exit::Code, explained};

use super::{
    failure::{Failure, Outcome},
    parties::Party,
    setup::Setup,
};

/// How long a stopped local network is waited for: somebody may just be starting it.
const STOPPED: Duration = Duration::from_secs(1);
/// How long this machine's own refusal takes at most.
const REFUSAL: Duration = Duration::from_millis(2);

/// How much an answer can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// One node's word
    Local,
    /// f + 1 nodes say the same: true, and perhaps a moment old
    Matching,
    /// As matching, and no older than anything acknowledged before the question
    Linearizable,
}

impl Level {
    /// The name on the command line and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Matching => "matching",
            Self::Linearizable => "linearizable",
        }
    }

    const fn consistency(self) -> Consistency {
        match self {
            Self::Local => Consistency::Local(None),
            Self::Matching => Consistency::Matching,
            Self::Linearizable => Consistency::Linearizable,
        }
    }
}

/// An answer, and who gave it.
#[derive(Clone, Debug)]
pub struct Told<T> {
    pub answer: T,
    /// Executed at least so far where it was given.
    pub applied: u64,
    pub nodes: Vec<NodeId>,
}

/// Connections to all nodes, and how long there is.
pub struct Connection {
    pub setup: Setup,
    pub client: Client,
    pub configuration: Arc<Configuration>,
    /// How long the command, or each of its questions, may take.
    timeout: Duration,
    /// When the whole command must be done; without it, each question has its own time.
    deadline: Option<Instant>,
}

impl Connection {
    /// Starts to connect, with the account's key unless the user chose another.
    pub fn open(setup: &Setup, own: Option<&KeyPair>) -> Outcome<Self> {
        let configuration = node::configuration(&setup.genesis, None)
            .map_err(|error| Failure::unverified(format!("the genesis is of no use: {error}")))?;
        let key = setup.client_key(own)?;
        let timeout = if is_stopped(setup) {
            STOPPED.min(setup.common.timeout())
        } else {
            setup.common.timeout()
        };
        let deadline = Instant::now() + timeout;
        let client = Client::connect(&setup.genesis, &key);
        let client = client.map_err(|error| Failure::new(Code::Internal, error.to_string()))?;
        Ok(Self {
            setup: setup.clone(),
            client,
            configuration: Arc::new(configuration),
            timeout,
            deadline: Some(deadline),
        })
    }

    /// The same connection for many questions, each of which may take the time of a command.
    #[must_use]
    pub fn for_many(self) -> Self {
        Self {
            deadline: None,
            ..self
        }
    }

    /// What is left of the time.
    pub fn left(&self) -> Duration {
        match self.deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => self.timeout,
        }
    }

    /// The node's name in genesis.
    pub fn name(&self, node: NodeId) -> String {
        let validator = self.setup.genesis.validators().get(node.position());
        validator.map_or_else(|| node.to_string(), |validator| validator.name.clone())
    }

    /// The names of nodes.
    pub fn names(&self, nodes: &[NodeId]) -> Vec<String> {
        let mut nodes = nodes.to_vec();
        nodes.sort_unstable();
        nodes.into_iter().map(|node| self.name(node)).collect()
    }

    /// Asks the ledger.
    pub async fn ask(&self, query: &Query, level: Level) -> Outcome<Told<Answer>> {
        let question = query.to_bytes();
        let asked = self
            .client
            .query(&question, level.consistency(), self.left());
        let told = asked.await.map_err(|error| self.unanswered(&error))?;
        let answer = Answer::from_bytes(&told.bytes)
            .map_err(|error| Failure::new(Code::Internal, error.to_string()))?;
        if answer == Answer::Malformed {
            return Err(Failure::new(
                Code::Internal,
                "the nodes do not understand the question: they run another version",
            ));
        }
        Ok(Told {
            answer,
            applied: told.applied,
            nodes: told.nodes,
        })
    }

    /// The account, if it exists.
    pub async fn account(
        &self,
        account: Address,
        level: Level,
    ) -> Outcome<Told<Option<AccountAnswer>>> {
        self.account_by(&Query::Account { account }, level).await
    }

    async fn account_by(
        &self,
        query: &Query,
        level: Level,
    ) -> Outcome<Told<Option<AccountAnswer>>> {
        let told = self.ask(query, level).await?;
        match told.answer {
            Answer::Account(answer) => Ok(Told {
                answer,
                applied: told.applied,
                nodes: told.nodes,
            }),
            _ => Err(unexpected()),
        }
    }

    /// The account that somebody named.
    pub async fn find(&self, text: &str, level: Level) -> Outcome<Told<AccountAnswer>> {
        let told = match self.setup.party(text)? {
            Party::Known(account) => self.account(account, level).await?,
            Party::Named(name) => {
                self.account_by(&Query::AccountNamed { name }, level)
                    .await?
            }
        };
        let Some(answer) = told.answer else {
            return Err(self.no_account(text));
        };
        Ok(Told {
            answer,
            applied: told.applied,
            nodes: told.nodes,
        })
    }

    /// The address that somebody named. Whether an account is there is not asked unless the name
    /// is known to the ledger alone.
    pub async fn address(&self, text: &str) -> Outcome<Address> {
        match self.setup.party(text)? {
            Party::Known(account) => Ok(account),
            Party::Named(_) => {
                let found = self.find(text, Level::Matching).await?;
                Ok(found.answer.account)
            }
        }
    }

    /// There is no such account.
    pub fn no_account(&self, text: &str) -> Failure {
        Failure::new(Code::Rejected, format!("there is no account {text:?}"))
            .meaning("Nothing was sent.")
            .known("status", "rejected")
            .known("rejection", serde_json::json!({"code": "unknown-account"}))
            .next(explained(
                &self.setup.common.command(&["account", "list"]),
                "the accounts there are",
            ))
    }

    /// Whether the network was made by the local network's program.
    pub fn is_testnet(&self) -> bool {
        is_testnet(&self.setup)
    }

    /// A question got no answer. Nothing was sent that could move money.
    pub fn unanswered(&self, error: &ClientError) -> Failure {
        self.said(error).unsent()
    }

    fn said(&self, error: &ClientError) -> Failure {
        match error {
            ClientError::NoQuorum {
                reachable: 0,
                unreachable,
                ..
            } if self.is_testnet() => Failure::new(
                Code::TestnetState,
                format!("the local network is stopped: {}", self.why(0, unreachable)),
            )
            .next(explained(&self.setup.common.testnet(&["up"]), "starts it")),
            ClientError::NoQuorum {
                reachable,
                needed,
                unreachable,
            } => Failure::new(
                Code::NoQuorum,
                format!(
                    "{}, and {needed} are needed for an answer that counts",
                    self.why(*reachable, unreachable)
                ),
            )
            .next(self.restart(unreachable)),
            ClientError::NoMatch { answers, needed } => Failure::new(
                Code::NoQuorum,
                format!(
                    "{answers} of {} nodes answered in time, and no {needed} of them said the same",
                    self.configuration.sizes().validators()
                ),
            )
            .next(explained(
                &self.setup.common.command(&["status"]),
                "how the nodes are",
            )),
            ClientError::Busy { .. } => {
                Failure::new(Code::NoQuorum, error.to_string()).next("Try again in a moment.")
            }
            error => Failure::new(Code::Internal, error.to_string()),
        }
    }

    /// How many nodes answer, and why the others do not.
    pub fn why(&self, reachable: usize, unreachable: &[Unreachable]) -> String {
        let total = self.configuration.sizes().validators();
        let verb = if reachable == 1 { "answers" } else { "answer" };
        let missing: Vec<String> = unreachable
            .iter()
            .map(|node| format!("{}: {}", node.name, node.reason))
            .collect();
        if missing.is_empty() {
            format!("{reachable} of {total} nodes {verb}")
        } else {
            format!(
                "{reachable} of {total} nodes {verb} ({})",
                missing.join("; ")
            )
        }
    }

    /// How to get nodes back.
    pub fn restart(&self, unreachable: &[Unreachable]) -> String {
        let common = &self.setup.common;
        if !self.is_testnet() || unreachable.is_empty() {
            return explained(&common.command(&["status"]), "how the nodes are");
        }
        let starts: Vec<String> = unreachable
            .iter()
            .map(|node| common.testnet(&["start", &node.name]))
            .collect();
        explained(&starts.join(" && "), "starts them again")
    }
}

fn is_testnet(setup: &Setup) -> bool {
    setup.common.directory().join("testnet.json").is_file()
}

/// Whether this is a local network of which no node runs: the machine refuses what is sent to any
/// of them.
fn is_stopped(setup: &Setup) -> bool {
    let mut validators = setup.genesis.validators().iter();
    is_testnet(setup) && validators.all(|validator| is_refused(validator.address))
}

/// Whether nobody listens there, as far as this machine says so by itself. An empty datagram means
/// nothing to a node.
fn is_refused(address: SocketAddr) -> bool {
    if !address.ip().is_loopback() {
        return false;
    }
    let ask = || {
        let socket = UdpSocket::bind(SocketAddr::new(address.ip(), 0))?;
        socket.set_read_timeout(Some(REFUSAL))?;
        socket.connect(address)?;
        socket.send(&[])?;
        socket.recv(&mut [])
    };
    ask().is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// An answer to another question than was asked.
pub fn unexpected() -> Failure {
    Failure::new(
        Code::Internal,
        "the nodes answered something else than was asked: they run another version",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_nobody_listens_at_refuses() {
        let listening = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = listening.local_addr().unwrap();
        assert!(!is_refused(address));
        // Nobody listens at the port of tcpmux.
        assert!(is_refused(([127, 0, 0, 1], 1).into()));
    }
}
