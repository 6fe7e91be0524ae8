//! Tables in plain text.

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table in plain text: a line of headings, then the rows, two spaces between columns.
#[must_use]
pub fn table(headings: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..headings.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
            widest.max(headings[column].0.chars().count())
        })
        .collect();
    let line = |cells: &[String]| {
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate().take(headings.len()) {
            if column > 0 {
                line.push_str("  ");
            }
            let padding = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
            match headings[column].1 {
                Align::Left => line.extend([cell.as_str(), &padding]),
                Align::Right => line.extend([&padding, cell.as_str()]),
            }
        }
        line.trim_end().to_owned()
    };
    let names: Vec<String> = headings
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let mut lines = vec![line(&names)];
    lines.extend(rows.iter().map(|row| line(row)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![
            vec!["n0".to_owned(), "7".to_owned()],
            vec!["n10".to_owned(), "1234".to_owned()],
        ];
        let text = table(&[("node", Align::Left), ("term", Align::Right)], &rows);
        assert_eq!(text, "node  term\nn0       7\nn10   1234");
    }

    #[test]
    fn numbers_end_at_one_edge_and_words_begin_at_one() {
        let rows = [["alice", "5"], ["bo", "1000"]].map(|row| row.map(str::to_owned).to_vec());
        let expected = "name   amount\nalice       5\nbo       1000";
        let headings = [("name", Align::Left), ("amount", Align::Right)];
        assert_eq!(table(&headings, &rows), expected);
    }
}
