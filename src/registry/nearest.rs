//! The name that was probably meant.

/// The candidate nearest to `word`, if it is near enough to be a slip of the fingers.
///
/// Insertions, deletions, replacements and swaps of neighbours count one each; at most a third of the word may differ.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No name is longer; a longer word is not worth the quadratic comparison.
    if word.len() > 64 {
        return None;
    }
    let word: Vec<char> = word.chars().collect();
    let most = (word.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.chars().collect::<Vec<_>>()), candidate))
        .filter(|(distance, candidate)| *distance <= most && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The optimal string alignment distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1; b.len() + 1];
        for j in 0..b.len() {
            row[j + 1] = (last[j] + usize::from(a[i] != b[j])).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        let names = ["token_endpoint", "issuer", "github", "gitlab"];

        for (slip, meant) in
            [("tokn_endpoint", "token_endpoint"), ("isuser", "issuer"), ("githbu", "github"), ("gitlabb", "gitlab")]
        {
            assert_eq!(nearest(slip, names), Some(meant), "{slip}");
        }
    }

    #[test]
    fn something_else_finds_nothing() {
        assert_eq!(nearest("spotify", ["github", "okta"]), None);
        assert_eq!(nearest("q", ["x"]), None);
        assert_eq!(nearest(&"a".repeat(10_000), ["aaaa"]), None);
    }
}
