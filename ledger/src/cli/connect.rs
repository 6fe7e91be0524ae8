//! The connection to a network's nodes, and what its failures mean.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{Answer, Query, query::AccountAnswer};
use clap::ValueEnum;
use client::{Client, ClientError, Consistency};
use consensus::{Configuration, NodeId};
use keys::{Address, KeyPair};
use terminal::{exit::Code, explained};

use super::{
    failure::{Failure, Outcome},
    parties::{Party, Payer},
    reach::Local,
    setup::Setup,
};

/// How long a stopped local network is waited for: somebody may just be starting it.
const STOPPED: Duration = Duration::from_secs(1);

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
        let timeout = match Local::of(setup) {
            Some(Local::Stopped) => STOPPED.min(setup.common.timeout()),
            _ => setup.common.timeout(),
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

    /// How long the command, or each of its questions, may take.
    pub const fn timeout(&self) -> Duration {
        self.timeout
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

    /// Who acts. An account that the ledger does not know is missing the same way whether it pays or
    /// is paid; of one that it knows, the key is not here.
    pub async fn payer_of(setup: &Setup, text: &str, key: Option<&str>) -> Outcome<Payer> {
        let failure = match setup.payer(text, key) {
            Ok(payer) => return Ok(payer),
            Err(failure) => failure,
        };
        if failure.code != Code::Usage || setup.party(text).is_err() {
            return Err(failure);
        }
        Err(Self::open(setup, None)?.unsigned(text, failure).await)
    }

    /// Why there is no key to sign with: because there is no such account, if the nodes say so.
    pub async fn unsigned(&self, text: &str, failure: Failure) -> Failure {
        match self.find(text, Level::Matching).await {
            Err(missing) if missing.code == Code::Rejected => missing,
            _ => failure,
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

    /// A question got no answer. Nothing was sent that could move money.
    pub fn unanswered(&self, error: &ClientError) -> Failure {
        self.said(error).unsent()
    }

    fn said(&self, error: &ClientError) -> Failure {
        match error {
            ClientError::NoQuorum {
                reachable,
                needed,
                unreachable,
            } => self.too_few(
                *reachable,
                *needed,
                unreachable,
                "for an answer that counts",
            ),
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
}

/// An answer to another question than was asked.
pub fn unexpected() -> Failure {
    Failure::new(
        Code::Internal,
        "the nodes answered something else than was asked: they run another version",
    )
}
