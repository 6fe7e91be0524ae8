//! Searches for schedules that break one part of the rules, apart from the rest: much faster than
//! whole networks, where the part is a function.

mod bases;

/// A search.
pub struct Search {
    /// Its name.
    pub id: &'static str,
    /// The rule that it puts to the test.
    pub rule: &'static str,
    /// What it looks for, in one line.
    pub summary: &'static str,
    /// Plays one schedule in a network of so many nodes, and says what went wrong.
    pub run: fn(usize, u64) -> Result<(), String>,
}

/// Every search.
pub static SEARCHES: &[Search] = &[Search {
    id: "bases",
    rule: "P4.8",
    summary: "chains of terms in which f traitors say whatever their keys allow; every base must \
              keep what may have been committed",
    run: bases::search,
}];

/// The search of that name.
#[must_use]
pub fn find(id: &str) -> Option<&'static Search> {
    SEARCHES.iter().find(|search| search.id == id)
}
