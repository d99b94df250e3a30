//! Lists for people: one record a line, in columns; or one fact a line for screen readers.

use super::terminal::{columns_of, shorten};

/// Longest cell, in characters: a hostile scope or name must not push the other columns off every screen.
const MAX_CELL: usize = 120;

/// Blanks between two columns.
const GAP: usize = 2;

/// Records with the same columns.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<&'static str>,
    records: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns, named in capitals.
    pub fn new(columns: impl IntoIterator<Item = &'static str>) -> Self {
        Self { columns: columns.into_iter().collect(), records: Vec::new() }
    }

    /// Adds a record; a cell for each column, escaped here.
    pub fn push<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let mut record: Vec<String> = cells.into_iter().map(|cell| shorten(cell.as_ref(), MAX_CELL)).collect();
        record.resize(self.columns.len(), String::new());
        self.records.push(record);
    }

    /// The heading and one line per record, in columns.
    pub fn lines(&self) -> Vec<String> {
        let heading = self.columns.iter().map(|&name| name.to_owned()).collect();
        let rows: Vec<&Vec<String>> = std::iter::once(&heading).chain(&self.records).collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| rows.iter().map(|row| columns_of(&row[column])).max().unwrap_or(0))
            .collect();
        rows.into_iter().map(|row| line(row, &widths)).collect()
    }

    /// Each fact on a line of its own, `state: valid`; an empty line between records.
    pub fn facts(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for record in &self.records {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            let facts = self.columns.iter().zip(record).filter(|(_, cell)| !cell.is_empty());
            lines.extend(facts.map(|(name, cell)| format!("{}: {cell}", name.to_lowercase())));
        }
        lines
    }
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', width - columns_of(cell) + GAP));
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::Table;

    fn table() -> Table {
        let mut table = Table::new(["SESSION", "STATE", "SCOPES"]);
        table.push(["github/octocat *", "valid", "repo read:org"]);
        table.push(["google/東京", "expired", ""]);
        table
    }

    #[test]
    fn columns_are_aligned_and_no_blanks_trail() {
        let expected = [
            "SESSION           STATE    SCOPES",
            "github/octocat *  valid    repo read:org",
            "google/東京       expired",
        ];
        assert_eq!(table().lines(), expected);
    }

    #[test]
    fn a_screen_reader_gets_one_fact_a_line() {
        let expected = [
            "session: github/octocat *",
            "state: valid",
            "scopes: repo read:org",
            "",
            "session: google/東京",
            "state: expired",
        ];
        assert_eq!(table().facts(), expected);
    }

    #[test]
    fn a_cell_is_escaped_and_bounded() {
        let mut table = Table::new(["NAME", "SCOPES"]);
        table.push(["a\u{1b}[2Jb\nc", &"x".repeat(500)]);

        let lines = table.lines();

        assert_eq!(lines.len(), 2);
        assert!(lines[1].starts_with("a\\u{1b}[2Jb c  xxx"), "{lines:?}");
        assert!(lines[1].ends_with("x…") && lines[1].chars().count() < 150, "{lines:?}");
    }

    #[test]
    fn a_short_record_is_filled_up() {
        let mut table = Table::new(["A", "B"]);
        table.push(["only"]);

        assert_eq!(table.lines(), ["A     B", "only"]);
    }

    #[test]
    fn without_records_there_is_the_heading() {
        let table = Table::new(["A", "B"]);

        assert_eq!(table.lines(), ["A  B"]);
        assert!(table.facts().is_empty());
    }
}
