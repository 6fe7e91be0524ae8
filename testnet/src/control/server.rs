//! Answering, inside a node's process.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use keys::{Genesis, to_hex};
use node::{LinkPolicy, NodeControl, starting::StartProgress};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    time::timeout,
};

use super::{HASHES_LIMIT, LINE_LIMIT, Request, Response, short_path};
use crate::{
    failure::{Failure, Outcome},
    history::History,
    network::{NodeLayout, faults::LinkFaults},
    traitor,
};

/// Conversations at the same time; more wait.
const CONVERSATIONS: usize = 16;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What answers are made of.
pub struct Server {
    /// How far it is with its start.
    pub progress: Arc<StartProgress>,
    /// The node, once it has started.
    pub control: Arc<OnceLock<NodeControl>>,
    /// Its network.
    pub genesis: Genesis,
    /// What it applied.
    pub history: Arc<History>,
}

/// Answers until the runtime ends. The socket is there, and open to its owner only, when this
/// returns.
///
/// # Errors
/// If the socket cannot be made.
pub fn serve(node: &NodeLayout, server: Server) -> Outcome {
    let path = node.socket();
    let fail = |error: io::Error| Failure::system(format!("listen at {}", path.display()), error);
    // What an earlier process left. This process holds the node's claim, so it is nobody's.
    crate::network::file::remove(&path)?;
    let (short, _folder) = short_path(&path).map_err(fail)?;
    // The folder is its owner's alone, so nobody comes in before the socket is, too.
    let listener = UnixListener::bind(short).map_err(fail)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(fail)?;
    let server = Arc::new(server);
    let places = Arc::new(Semaphore::new(CONVERSATIONS));
    tokio::spawn(async move {
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the control socket");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                let _place = place;
                if !matches!(
                    timeout(PATIENCE, converse(&server, stream)).await,
                    Ok(Ok(()))
                ) {
                    tracing::debug!("a conversation on the control socket was cut short");
                }
            });
        }
    });
    Ok(())
}

async fn converse(server: &Server, stream: UnixStream) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = Vec::new();
    BufReader::new(reader.take(LINE_LIMIT))
        .read_until(b'\n', &mut line)
        .await?;
    let response = match serde_json::from_slice(&line) {
        Ok(request) => server.answer(request).await,
        Err(error) => Response::Refused(format!("this is no request: {error}")),
    };
    let mut line = serde_json::to_vec(&response)?;
    line.push(b'\n');
    writer.write_all(&line).await
}

impl Server {
    async fn answer(&self, request: Request) -> Response {
        let Some(control) = self.control.get() else {
            let starting = self.progress.now();
            return match request {
                Request::Status => Response::Starting(starting),
                _ => Response::Refused(format!("the node is starting: {starting}")),
            };
        };
        match request {
            Request::Status => match control.status().await {
                Some(report) => Response::Status(Box::new(report)),
                None => Response::Refused("the node is stopping".to_owned()),
            },
            Request::Behave(setting) => {
                let behaviour = match setting.as_ref().map(traitor::Setting::make).transpose() {
                    Ok(behaviour) => behaviour,
                    Err(failure) => return Response::Refused(failure.message),
                };
                match &setting {
                    Some(setting) => tracing::warn!(mark = setting.mark(), "traitor from now on"),
                    None => tracing::info!("no traitor from now on"),
                }
                control.set_behaviour(behaviour);
                Response::Done
            }
            Request::Links(faults) => match apply_links(control, &self.genesis, &faults) {
                Ok(()) => Response::Done,
                Err(reason) => Response::Refused(reason),
            },
            Request::Hashes(indexes) if indexes.len() > HASHES_LIMIT => {
                Response::Refused(format!("{} indexes are too many", indexes.len()))
            }
            Request::Hashes(indexes) => Response::Hashes(
                indexes
                    .into_iter()
                    .map(|index| self.history.hash(index).map(|hash| to_hex(&hash)))
                    .collect(),
            ),
        }
    }
}

/// Makes the links from this node what `faults` says, those not listed whole.
///
/// # Errors
/// A reason, if a name is no validator's.
pub fn apply_links(
    control: &NodeControl,
    genesis: &Genesis,
    faults: &LinkFaults,
) -> Result<(), String> {
    for name in faults.0.keys() {
        if genesis.validator_by_name(name).is_none() {
            return Err(format!("there is no node {name:?}"));
        }
    }
    for (position, validator) in (0_u16..).zip(genesis.validators()) {
        let policy = faults.to(&validator.name).policy();
        let id = consensus::NodeId(position);
        // A node has no link to itself.
        let present = control.link_policy(id).unwrap_or(LinkPolicy::PASS);
        if present != policy {
            control
                .set_link_policy(id, policy)
                .map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}
