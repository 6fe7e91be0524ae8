//! The transition function.

use super::{
    Action, Node, Point, Protocol, Refused, Reported, State, Term, Variation,
    state::{insert, insert_vote},
};

impl Protocol {
    /// The state after a step.
    ///
    /// # Errors
    /// [`Refused`], with the rule that does not allow it.
    pub fn step(&self, state: &State, action: &Action) -> Result<State, Refused> {
        let mut next = state.clone();
        self.apply(&mut next, action)?;
        Ok(next)
    }

    /// Takes a step; a refused one leaves the state as it was.
    ///
    /// # Errors
    /// [`Refused`], with the rule that does not allow it.
    pub fn apply(&self, state: &mut State, action: &Action) -> Result<(), Refused> {
        let position = action.node();
        let node = state.nodes.get(position).ok_or(Refused::UnknownNode)?;
        let changed = match *action {
            Action::WouldLeave { .. } => would_leave(node),
            Action::Leave { term, .. } => self.leave(state, node, term)?,
            Action::Enter { term, .. } => self.enter(state, node, term)?,
            Action::Report { .. } => report(node)?,
            Action::Grant {
                base, ref reports, ..
            } => self.grant(state, node, base, reports)?,
            Action::Adopt { term, base, .. } => self.adopt(state, node, term, base)?,
            Action::Accept { point, .. } => self.accept(state, node, point)?,
            Action::Lock { point, .. } => self.lock(state, node, point)?,
            Action::Commit { term, point, .. } => self.commit(state, node, term, point)?,
            Action::Restart { .. } => self.restart(node),
        };
        state.nodes[position] = changed;
        Ok(())
    }

    fn moved(&self, node: &Node, term: Term) -> Node {
        let mut node = node.clone();
        node.term = term;
        if self.leaves_at_once() {
            insert(&mut node.would_leave, term);
        }
        node
    }

    fn leave(&self, state: &State, node: &Node, term: Term) -> Result<Node, Refused> {
        if term < node.term {
            return Err(Refused::TermPassed);
        }
        if !self.has_leave_certificate(state, term) {
            return Err(Refused::NoLeaveCertificate);
        }
        report(&self.moved(node, term + 1))
    }

    fn enter(&self, state: &State, node: &Node, term: Term) -> Result<Node, Refused> {
        if term <= node.term {
            return Err(Refused::TermPassed);
        }
        if self.bases(state, term).is_empty() {
            return Err(Refused::NoElectionCertificate);
        }
        Ok(self.moved(node, term))
    }

    fn grant(
        &self,
        state: &State,
        node: &Node,
        base: Point,
        reports: &[Reported],
    ) -> Result<Node, Refused> {
        let term = node.term;
        if node.granted(term).any(|granted| granted != base) && !self.breaks(Variation::GrantsTwice)
        {
            return Err(Refused::AlreadyGranted);
        }
        match self.variation() {
            Variation::PublishedPaper => {
                if !self.forest().extends(base, node.commit) {
                    return Err(Refused::OtherBase);
                }
            }
            // A traitor truthfully claims the last entry of the longest log and extends whatever
            // it likes; a correct candidate extends its own last entry.
            Variation::PublishedCode => {
                if !self.is_led_by_traitor(term) && !self.is_up_to_date(node, base) {
                    return Err(Refused::OtherBase);
                }
            }
            _ => {
                let mut reporters: Vec<_> = reports.iter().map(|one| one.reporter).collect();
                reporters.sort_unstable();
                reporters.dedup();
                if reporters.len() != reports.len()
                    || !reports
                        .iter()
                        .all(|one| self.counts(state, node, term, one))
                {
                    return Err(Refused::ReportDoesNotCount);
                }
                if self.select_base(reports) != Some(base) {
                    return Err(Refused::OtherBase);
                }
            }
        }
        let mut node = node.clone();
        insert(&mut node.grants, (term, base));
        Ok(node)
    }

    /// Raft's rule for the candidate's log: a later term, or the same and no shorter.
    fn is_up_to_date(&self, voter: &Node, last: Point) -> bool {
        let key = |point: Point| {
            let forest = self.forest();
            let term = (point != Point::OPENING).then(|| forest.term(point));
            (term, forest.index(point))
        };
        key(last) >= key(voter.point)
    }

    fn adopt(&self, state: &State, node: &Node, term: Term, base: Point) -> Result<Node, Refused> {
        if term < node.term {
            return Err(Refused::TermPassed);
        }
        let again = term == node.pair_term && self.breaks(Variation::RepeatedCertificateLowers);
        if term <= node.pair_term && !again {
            return Err(Refused::PairNotBelow);
        }
        if !self.is_base(state, term, base) {
            return Err(Refused::NoElectionCertificate);
        }
        if !self.forest().on_one_chain(base, node.commit) {
            return Err(Refused::BelowCommit);
        }
        if !self.stop_sign_counts(node, base) {
            return Err(Refused::StopSignUnauthorized);
        }
        let mut node = self.moved(node, term);
        node.pair_term = term;
        node.point = base;
        node.certified = None;
        insert_vote(&mut node.accepted, self.forest(), term, base);
        Ok(node)
    }

    fn accept(&self, state: &State, node: &Node, point: Point) -> Result<Node, Refused> {
        let (forest, term) = (self.forest(), node.pair_term);
        if node.term != term && !self.breaks(Variation::VotesInTermLeft) {
            return Err(Refused::NotInPairTerm);
        }
        let from = if self.breaks(Variation::AcceptsBothBranches) {
            forest.root(term, node.point)
        } else {
            node.point
        };
        if !forest.extends(point, from) || point == from {
            return Err(Refused::DoesNotExtend);
        }
        if node.is_on_losing_branch(forest) {
            return Err(Refused::OnLosingBranch);
        }
        if !forest.on_one_chain(point, node.commit) {
            return Err(Refused::BelowCommit);
        }
        let mut entry = point;
        while entry != from {
            if !forest.is_of(entry, term) {
                return Err(Refused::DoesNotExtend);
            }
            if !self.may_be_signed(state, entry) {
                return Err(Refused::NotSigned);
            }
            if self.follows_stop_sign(entry) {
                return Err(Refused::FollowsStopSign);
            }
            if !self.stop_sign_counts(node, entry) {
                return Err(Refused::StopSignUnauthorized);
            }
            entry = forest.parent(entry);
        }
        let mut node = node.clone();
        node.point = point;
        insert_vote(&mut node.accepted, forest, term, point);
        Ok(node)
    }

    fn lock(&self, state: &State, node: &Node, point: Point) -> Result<Node, Refused> {
        let (forest, term) = (self.forest(), node.pair_term);
        if !self.sizes().has_lock_round() {
            return Err(Refused::NoLockRound);
        }
        if node.term != term {
            return Err(Refused::NotInPairTerm);
        }
        if node.is_on_losing_branch(forest) {
            return Err(Refused::OnLosingBranch);
        }
        let is_past = node
            .certified
            .is_some_and(|certified| forest.extends(certified, point));
        let locks_it = node
            .locked
            .iter()
            .any(|&(of, locked)| of == term && locked == point);
        if !forest.extends(node.point, point)
            || (is_past && locks_it)
            || !self.has_accept_certificate(state, term, point)
        {
            return Err(Refused::NoAcceptCertificate);
        }
        let mut node = node.clone();
        if !is_past {
            node.certified = Some(point);
        }
        insert_vote(&mut node.locked, forest, term, point);
        Ok(node)
    }

    fn commit(
        &self,
        state: &State,
        node: &Node,
        term: Term,
        point: Point,
    ) -> Result<Node, Refused> {
        let forest = self.forest();
        if !self.has_commit_certificate(state, term, point) {
            return Err(Refused::NoCommitCertificate);
        }
        let mut node = node.clone();
        if forest.extends(point, node.commit) {
            node.commit = point;
        }
        let is_later = term > node.pair_term
            || (term < node.pair_term && self.breaks(Variation::OldCertificateMovesPair));
        if is_later {
            node.pair_term = term;
            node.point = point;
            node.certified = Some(point);
            if term > node.term {
                node = self.moved(&node, term);
            }
        } else if term == node.pair_term {
            if forest.extends(point, node.point) {
                node.point = point;
            }
            if node
                .certified
                .is_none_or(|certified| forest.extends(point, certified))
            {
                node.certified = Some(point);
            }
        }
        // In the certificate's term it also votes: more votes only allow more.
        if term == node.term && node.pair_term == term && node.point == point {
            insert_vote(&mut node.accepted, forest, term, point);
        }
        Ok(node)
    }

    /// Nothing durable is lost, and everything that was said is durable (P11.1).
    fn restart(&self, node: &Node) -> Node {
        let (forest, mut node) = (self.forest(), node.clone());
        match self.variation() {
            Variation::VoteBeforeWrite if forest.is_of(node.point, node.pair_term) => {
                node.point = forest.parent(node.point);
            }
            Variation::PairForgotten => {
                (node.pair_term, node.point, node.certified) = (0, Point::OPENING, None);
            }
            Variation::LockForgotten => node.certified = None,
            _ => {}
        }
        node
    }
}

fn would_leave(node: &Node) -> Node {
    let mut node = node.clone();
    let term = node.term;
    insert(&mut node.would_leave, term);
    node
}

fn report(node: &Node) -> Result<Node, Refused> {
    if node.pair_term >= node.term {
        return Err(Refused::NothingToReport);
    }
    let mut node = node.clone();
    let said = (node.term, node.report());
    insert(&mut node.reports, said);
    Ok(node)
}
