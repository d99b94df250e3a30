//! Lists for people: one record a line, in columns; or one fact a line for screen readers.

use super::terminal::{columns_of, push_shortened};

/// Longest cell, in characters: a hostile scope or name must not push the other columns off every screen.
const MAX_CELL: usize = 120;

/// Blanks between two columns.
const GAP: usize = 2;

/// Records with the same columns.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<&'static str>,
    widths: Vec<usize>,
    /// All cells behind each other, record by record.
    cells: String,
    /// Where in them each ends, and how wide it is.
    ends: Vec<(usize, usize)>,
}

impl Table {
    /// A table with these columns, named in capitals.
    pub fn new(columns: impl IntoIterator<Item = &'static str>) -> Self {
        let columns: Vec<_> = columns.into_iter().collect();
        let widths = columns.iter().map(|name| columns_of(name)).collect();
        Self { columns, widths, cells: String::new(), ends: Vec::new() }
    }

    /// Adds a record; a cell for each column, escaped here.
    pub fn push<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let mut cells = cells.into_iter();
        for width in &mut self.widths {
            let begin = self.cells.len();
            if let Some(cell) = cells.next() {
                push_shortened(&mut self.cells, cell.as_ref(), MAX_CELL);
            }
            let columns = columns_of(&self.cells[begin..]);
            *width = columns.max(*width);
            self.ends.push((self.cells.len(), columns));
        }
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The heading and one line per record, in columns.
    pub fn lines(&self) -> Box<dyn Iterator<Item = String> + '_> {
        let heading = line(self.columns.iter().map(|name| (*name, columns_of(name))), &self.widths);
        Box::new(std::iter::once(heading).chain(self.records().map(|record| line(record, &self.widths))))
    }

    /// Each fact on a line of its own, `state: valid`; an empty line between records.
    pub fn facts(&self) -> Box<dyn Iterator<Item = String> + '_> {
        let facts = |record| {
            let facts = self.columns.iter().zip(record).filter(|(_, (cell, _)): &(_, (&str, usize))| !cell.is_empty());
            facts.map(|(name, (cell, _))| format!("{}: {cell}", name.to_lowercase()))
        };
        let divided = move |(at, record)| (at > 0).then(String::new).into_iter().chain(facts(record));
        Box::new(self.records().enumerate().flat_map(divided))
    }

    /// The cells of each record, and how wide they are.
    fn records(&self) -> impl Iterator<Item = impl Iterator<Item = (&str, usize)>> {
        let mut begin = 0;
        self.ends.chunks(self.columns.len()).map(move |ends| {
            let mut from = std::mem::replace(&mut begin, ends.last().map_or(0, |(end, _)| *end));
            ends.iter().map(move |&(end, columns)| (&self.cells[std::mem::replace(&mut from, end)..end], columns))
        })
    }
}

fn line<'a>(cells: impl Iterator<Item = (&'a str, usize)>, widths: &[usize]) -> String {
    const BLANKS: &str = "                                ";
    let mut line = String::with_capacity(widths.iter().map(|width| width + GAP).sum());
    for ((cell, columns), width) in cells.zip(widths) {
        line.push_str(cell);
        let mut missing = width - columns + GAP;
        while missing > 0 {
            let blanks = &BLANKS[..missing.min(BLANKS.len())];
            line.push_str(blanks);
            missing -= blanks.len();
        }
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
        assert!(table().lines().eq(expected));
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
        assert!(table().facts().eq(expected));
    }

    #[test]
    fn a_cell_is_escaped_and_bounded() {
        let mut table = Table::new(["NAME", "SCOPES"]);
        table.push(["a\u{1b}[2Jb\nc", &"x".repeat(500)]);

        let lines: Vec<String> = table.lines().collect();

        assert_eq!(lines.len(), 2);
        assert!(lines[1].starts_with("a\\u{1b}[2Jb c  xxx"), "{lines:?}");
        assert!(lines[1].ends_with("x…") && lines[1].chars().count() < 150, "{lines:?}");
    }

    #[test]
    fn a_short_record_is_filled_up() {
        let mut table = Table::new(["A", "B"]);
        table.push(["only"]);

        assert!(table.lines().eq(["A     B", "only"]));
    }

    #[test]
    fn without_records_there_is_the_heading() {
        let table = Table::new(["A", "B"]);

        assert!(table.lines().eq(["A  B"]));
        assert!(table.facts().next().is_none());
    }
}
