//! Whether the ledger's order agrees with time: what began after something else had ended stands
//! in the same entry or a later one.

use super::Violation;
use crate::history::{History, Record};

pub fn check(history: &History) -> Option<Violation> {
    let mut by_call: Vec<&Record> = history.records.iter().collect();
    by_call.retain(|record| record.index.is_some());
    let mut by_return = by_call.clone();
    by_call.sort_by_key(|record| record.invoked);
    by_return.sort_by_key(|record| record.returned);
    let mut ended = by_return.into_iter().peekable();
    let mut latest: Option<&Record> = None;
    for record in by_call {
        while let Some(before) = ended.next_if(|before| before.returned < record.invoked) {
            if latest.is_none_or(|latest| latest.index < before.index) {
                latest = Some(before);
            }
        }
        if let Some(latest) = latest
            && record.index < latest.index
        {
            let line = |record| serde_json::to_string(record).unwrap_or_default();
            return Some(Violation::OutOfOrder {
                detail: format!("{} after {}", line(record), line(latest)),
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Accounts, Answer, Operation};

    fn history(records: &[(u64, u64, u64)]) -> History {
        let record = |&(invoked, returned, index): &(u64, u64, u64)| Record {
            group: 0,
            client: 0,
            invoked,
            returned,
            operation: Operation::Transfer {
                from: 0,
                to: 1,
                amount: 1,
            },
            answer: Answer::Applied,
            transaction: None,
            index: Some(index),
        };
        History {
            accounts: Accounts { groups: Vec::new() },
            records: records.iter().map(record).collect(),
        }
    }

    #[test]
    fn an_earlier_entry_for_a_later_operation_is_found() {
        assert_eq!(check(&history(&[(0, 1, 5), (2, 3, 5), (4, 5, 6)])), None);
        // Overlapping operations may stand in any order.
        assert_eq!(check(&history(&[(0, 10, 7), (2, 3, 5), (4, 5, 6)])), None);
        assert!(check(&history(&[(0, 1, 7), (2, 3, 5)])).is_some());
        assert!(check(&history(&[(4, 5, 6), (0, 9, 9), (2, 3, 8)])).is_some());
    }
}
