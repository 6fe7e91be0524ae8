//! Circles and longest ways in a graph of states.

/// A state's place in the order in which they were found.
pub type Id = u32;

/// Where the ways among some states lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ways {
    /// There is a circle: these states, and then the first again.
    Circle(Vec<Id>),
    /// The longest way, in steps.
    Longest(u32),
}

/// Looks for a circle among `count` states; `after` gives what follows a state.
pub fn ways<'a, I>(count: usize, after: impl Fn(Id) -> I + 'a) -> Ways
where
    I: Iterator<Item = Id>,
{
    const NEW: u32 = u32::MAX;
    const OPEN: u32 = u32::MAX - 1;
    let mut longest = vec![NEW; count];
    let mut path: Vec<(Id, Vec<Id>, u32)> = Vec::new();
    for root in 0..u32::try_from(count).unwrap_or(u32::MAX) {
        if longest[root as usize] != NEW {
            continue;
        }
        longest[root as usize] = OPEN;
        path.push((root, after(root).collect(), 0));
        while let Some((id, left, best)) = path.last_mut() {
            let Some(&next) = left.last() else {
                longest[*id as usize] = *best;
                path.pop();
                continue;
            };
            match longest[next as usize] {
                NEW => {
                    longest[next as usize] = OPEN;
                    path.push((next, after(next).collect(), 0));
                }
                OPEN => {
                    let start = path.iter().position(|(id, ..)| *id == next);
                    let circle = path[start.unwrap_or(0)..].iter();
                    return Ways::Circle(circle.map(|(id, ..)| *id).collect());
                }
                known => {
                    *best = (*best).max(known + 1);
                    left.pop();
                }
            }
        }
    }
    Ways::Longest(longest.into_iter().max().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(edges: &[&[Id]]) -> Ways {
        ways(edges.len(), |id| edges[id as usize].iter().copied())
    }

    #[test]
    fn the_longest_way_is_counted_in_steps() {
        assert_eq!(of(&[&[1, 2], &[2], &[3], &[]]), Ways::Longest(3));
        assert_eq!(of(&[]), Ways::Longest(0));
    }

    #[test]
    fn circles_are_found_whole() {
        assert_eq!(of(&[&[1], &[2], &[3], &[1]]), Ways::Circle(vec![1, 2, 3]));
        assert_eq!(of(&[&[], &[1]]), Ways::Circle(vec![1]));
    }
}
