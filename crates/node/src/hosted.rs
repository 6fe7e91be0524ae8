//! The application, asked by many threads and changed by one.

use std::sync::{Arc, PoisonError, RwLock};

use consensus::{Admittance, Event, Request, message::Applied};

use crate::{
    application::{Application, NotAdmitted},
    frames::Refusal,
};

/// The application of a node. Its own thread executes entries; whoever takes a request in asks
/// first whether it is admitted (P6.2).
#[derive(Clone)]
pub(crate) struct Hosted(Arc<RwLock<Box<dyn Application>>>);

impl Hosted {
    pub(crate) fn new(application: Box<dyn Application>) -> Self {
        Self(Arc::new(RwLock::new(application)))
    }

    /// Asks it something.
    pub(crate) fn ask<A>(&self, question: impl FnOnce(&dyn Application) -> A) -> A {
        let application = self.0.read().unwrap_or_else(PoisonError::into_inner);
        question(&**application)
    }

    /// Has it execute something.
    pub(crate) fn change<A>(&self, change: impl FnOnce(&mut dyn Application) -> A) -> A {
        let mut application = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut **application)
    }

    /// Whether the present state admits a payload.
    pub(crate) fn admit(&self, payload: &[u8]) -> Result<(), NotAdmitted> {
        self.ask(|application| application.admit(payload))
    }

    /// Leaves those requests that the present state admits.
    pub(crate) fn retain_admitted(&self, requests: &mut Vec<Request>) {
        self.ask(|application| {
            requests.retain(|request| application.admit(request.payload()).is_ok());
        });
    }

    /// Judges requests that wait: the answer for the replica, and why some are not admitted.
    pub(crate) fn judge(&self, requests: &[Request]) -> (Event, Vec<(Request, NotAdmitted)>) {
        self.ask(|application| {
            let Applied { index, .. } = application.applied();
            let mut refused = Vec::new();
            let mut verdicts = Vec::with_capacity(requests.len());
            for request in requests {
                let admittance = match application.admit(request.payload()) {
                    Ok(()) => Admittance::Admitted,
                    Err(why) => {
                        let admittance = match why.settled {
                            true => Admittance::Settled,
                            false => Admittance::Refused,
                        };
                        refused.push((request.clone(), why));
                        admittance
                    }
                };
                verdicts.push((request.key(), admittance));
            }
            let as_of = index;
            (Event::Judged { as_of, verdicts }, refused)
        })
    }
}

impl From<NotAdmitted> for Refusal {
    fn from(why: NotAdmitted) -> Self {
        Self::NotAdmitted {
            settled: why.settled,
            result: why.result,
        }
    }
}
