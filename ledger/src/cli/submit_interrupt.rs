//! Ctrl-C during `ledger submit`: nothing more is sent, and every line is accounted for.

use std::collections::BTreeMap;

use terminal::{Output, counted, exit::Code};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
};

use super::{
    failure::{Failure, Outcome},
    submit_report::{End, Finished, Totals, finish},
};

/// What of the lines is under way, and whether somebody wants to end.
pub struct UnderWay {
    pub tasks: JoinSet<Finished>,
    /// Their numbers and references.
    lines: BTreeMap<u64, Option<String>>,
    interrupts: Signal,
    pub interrupted: bool,
}

impl UnderWay {
    /// From now on Ctrl-C does not end the process.
    pub fn new() -> Outcome<Self> {
        let interrupts = signal(SignalKind::interrupt());
        Ok(Self {
            tasks: JoinSet::new(),
            lines: BTreeMap::new(),
            interrupts: interrupts.map_err(|error| Failure::system("wait for Ctrl-C", error))?,
            interrupted: false,
        })
    }

    /// Carries a line out beside the others.
    pub fn begin(
        &mut self,
        number: u64,
        reference: Option<String>,
        settling: impl Future<Output = End> + Send + 'static,
    ) {
        self.lines.insert(number, reference.clone());
        self.tasks
            .spawn(async move { (number, reference, settling.await) });
    }

    /// The next line that is over, or Ctrl-C; `None` if nothing is under way.
    pub async fn next(&mut self) -> Option<Event> {
        tokio::select! {
            biased;
            Some(()) = self.interrupts.recv() => Some(Event::Interrupt),
            Some(done) = self.tasks.join_next() => {
                if let Ok((number, ..)) = &done {
                    self.lines.remove(number);
                }
                Some(Event::Over(Box::new(done)))
            }
            else => None,
        }
    }

    /// Waits for what is under way. Once interrupted, a second Ctrl-C leaves it alone.
    pub async fn drain(&mut self, totals: &mut Totals, output: Output) -> Outcome {
        self.tell(output);
        while !self.tasks.is_empty() {
            match self.next().await {
                Some(Event::Over(done)) => finish(*done, totals, output)?,
                Some(Event::Interrupt) if self.interrupted => break,
                Some(Event::Interrupt) => {
                    self.interrupted = true;
                    self.tell(output);
                }
                None => break,
            }
        }
        self.tasks.abort_all();
        for (number, reference) in std::mem::take(&mut self.lines) {
            let what = "interrupted before the outcome was known";
            let failure = Failure::new(Code::NoQuorum, what)
                .meaning("The payment may still be carried out, once at most.");
            finish(
                Ok((number, reference, End::Failed(failure))),
                totals,
                output,
            )?;
        }
        Ok(())
    }

    fn tell(&self, output: Output) {
        if self.interrupted && !self.tasks.is_empty() {
            output.aside(&format!(
                "Interrupted: nothing more is sent. Waiting for {} under way; Ctrl-C again leaves \
                 them alone …",
                counted(self.tasks.len(), "line")
            ));
        }
    }
}

/// What happened.
pub enum Event {
    /// A line is over.
    Over(Box<Result<Finished, tokio::task::JoinError>>),
    /// Somebody pressed Ctrl-C.
    Interrupt,
}
