//! Takes as much out of a list as goes (delta debugging, Zeller and Hildebrandt 2002).

/// Removes large parts first and single items last, until no single item can go. `keep` says
/// whether a shorter list will do, and what has become of it: it may drop more.
pub(super) fn minimize<T: Clone>(
    mut items: Vec<T>,
    mut keep: impl FnMut(&[T]) -> Option<Vec<T>>,
) -> Vec<T> {
    let mut part = items.len();
    while part > 0 {
        let mut start = 0;
        let mut removed = false;
        while start < items.len() {
            let end = (start + part).min(items.len());
            let rest: Vec<T> = [&items[..start], &items[end..]].concat();
            match keep(&rest) {
                Some(kept) => {
                    items = kept;
                    removed = true;
                }
                None => start = end,
            }
        }
        // Single items may go once others are gone.
        part = if part == 1 && removed { 1 } else { part / 2 };
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_stays() {
        let mut asked = 0;
        let kept = minimize((0..100).collect(), |items: &[u32]| {
            asked += 1;
            let good = items.contains(&17) && items.contains(&63);
            good.then(|| items.to_vec())
        });
        assert_eq!(kept, [17, 63]);
        assert!(asked < 60, "{asked} questions");
        assert!(minimize(vec![1, 2, 3], |rest: &[i32]| Some(rest.to_vec())).is_empty());
        assert_eq!(minimize(vec![1, 2, 3], |_: &[i32]| None), [1, 2, 3]);
    }

    #[test]
    fn what_goes_only_after_something_else_goes_too() {
        // 5 is needed as long as 9 is there, and 9 can always go.
        let kept = minimize((0..10).collect(), |items: &[u32]| {
            let good = items.contains(&3) && (items.contains(&5) || !items.contains(&9));
            good.then(|| items.to_vec())
        });
        assert_eq!(kept, [3]);
    }
}
