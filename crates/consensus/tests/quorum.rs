//! The quorum rules against the cases of etcd's Raft (`tests/data/etcd-raft`, with their licence):
//! a command with members and answers, and what it must give.

use std::collections::BTreeMap;

use consensus::{
    Index,
    quorum::{self, VoteResult},
};

/// One command of a case file.
struct Case {
    file: &'static str,
    command: String,
    arguments: BTreeMap<String, String>,
    /// The last line of the expected output, which holds the result.
    expected: String,
}

impl Case {
    fn parse(file: &'static str, block: &str) -> Option<Self> {
        let (question, answer) = block.split_once("----\n")?;
        let question = question
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<String>();
        let question = question.trim();
        let (command, mut rest) = question.split_once(' ').unwrap_or((question, ""));
        let mut arguments = BTreeMap::new();
        while let Some((name, after)) = rest.split_once('=') {
            let end = match after.starts_with('(') {
                true => after.find(')').expect("a list ends") + 1,
                false => after.find(' ').unwrap_or(after.len()),
            };
            let value = after[..end].trim_matches(['(', ')']).to_owned();
            arguments.insert(name.trim().to_owned(), value);
            rest = &after[end..];
        }
        Some(Self {
            file,
            command: command.to_owned(),
            arguments,
            expected: answer.trim_end().lines().last()?.to_owned(),
        })
    }

    fn list(&self, name: &str) -> Vec<&str> {
        self.arguments
            .get(name)
            .filter(|list| *list != "zero" && !list.is_empty())
            .map(|list| list.split(',').map(str::trim).collect())
            .unwrap_or_default()
    }

    /// The answers of both sets of members: the list names each member once, in order of first
    /// mention.
    fn answers<T: Copy>(
        &self,
        name: &str,
        read: impl Fn(&str) -> T,
    ) -> (Vec<Option<T>>, Option<Vec<Option<T>>>) {
        let (incoming, outgoing) = (self.list("cfg"), self.list("cfgj"));
        let mut answers = BTreeMap::new();
        let mut given = self.list(name).into_iter();
        for member in incoming.iter().chain(&outgoing) {
            answers
                .entry(*member)
                .or_insert_with(|| given.next().filter(|answer| *answer != "_").map(&read));
        }
        assert_eq!(given.next(), None, "{self}: an answer too many");
        let of = |members: &[&str]| members.iter().map(|member| answers[member]).collect();
        let joint = self.arguments.contains_key("cfgj").then(|| of(&outgoing));
        (of(&incoming), joint)
    }

    fn check_commit(&self) {
        let (incoming, outgoing) =
            self.answers("idx", |index| Index(index.parse().expect("a number")));
        let committed = match &outgoing {
            Some(outgoing) => {
                let committed = quorum::joint_committed_index(&incoming, outgoing);
                assert_eq!(
                    quorum::joint_committed_index(outgoing, &incoming),
                    committed
                );
                committed
            }
            None => {
                let committed = quorum::committed_index(&incoming);
                assert_eq!(
                    quorum::joint_committed_index(&incoming, &incoming),
                    committed
                );
                assert_eq!(quorum::joint_committed_index(&incoming, &[]), committed);
                committed
            }
        };
        let expected = match self.expected.ends_with('∞') {
            true => u64::MAX,
            false => self.expected.parse().expect("a number"),
        };
        assert_eq!(committed, Index(expected), "{self}");
    }

    fn check_vote(&self) {
        let (incoming, outgoing) = self.answers("votes", |vote| vote == "y");
        let result = match &outgoing {
            Some(outgoing) => {
                let result = quorum::joint_vote_result(&incoming, outgoing);
                assert_eq!(quorum::joint_vote_result(outgoing, &incoming), result);
                result
            }
            None => {
                let result = quorum::vote_result(&incoming);
                assert_eq!(quorum::joint_vote_result(&incoming, &incoming), result);
                assert_eq!(quorum::joint_vote_result(&incoming, &[]), result);
                result
            }
        };
        let expected = match self.expected.as_str() {
            "VoteWon" => VoteResult::Won,
            "VoteLost" => VoteResult::Lost,
            "VotePending" => VoteResult::Pending,
            other => panic!("{self}: {other} is no result"),
        };
        assert_eq!(result, expected, "{self}");
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} {:?}", self.file, self.command, self.arguments)
    }
}

/// Splits a file into commands with their outputs; a blank line ends an output.
fn cases(file: &'static str, text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut block = String::new();
    let mut in_answer = false;
    for line in text.lines().chain([""]) {
        if line.is_empty() && in_answer {
            cases.push(Case::parse(file, &block).expect("a command and its output"));
            block.clear();
            in_answer = false;
        } else if !line.is_empty() {
            in_answer |= line == "----";
            block.push_str(line);
            block.push('\n');
        }
    }
    assert_eq!(cases.len(), text.matches("----\n").count(), "{file}");
    cases
}

macro_rules! files {
    ($($test:ident: $file:literal, $command:literal, $check:ident;)*) => {$(
        #[test]
        fn $test() {
            let cases = cases($file, include_str!(concat!("data/etcd-raft/", $file)));
            assert!(!cases.is_empty());
            for case in &cases {
                assert_eq!(case.command, $command, "{case}");
                case.$check();
            }
        }
    )*};
}

files! {
    majorities_commit: "majority_commit.txt", "committed", check_commit;
    majorities_vote: "majority_vote.txt", "vote", check_vote;
    joint_majorities_commit: "joint_commit.txt", "committed", check_commit;
    joint_majorities_vote: "joint_vote.txt", "vote", check_vote;
}
