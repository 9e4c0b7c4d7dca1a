//! A unified difference of two lists of lines, three lines of context around each change.

use std::fmt::Write;

const CONTEXT: usize = 3;

/// One step from the old lines to the new: how many lines stay, go and come.
#[derive(Clone, Copy, Debug)]
struct Change {
    old: usize,
    removed: usize,
    new: usize,
    added: usize,
}

/// The difference as text; every line brings its own line break.
pub(super) fn unified(old: &[String], new: &[String]) -> String {
    let mut text = String::new();
    for hunk in hunks(&changes(old, new)) {
        let (first, last) = (hunk[0], hunk[hunk.len() - 1]);
        let before = CONTEXT.min(first.old);
        let after = CONTEXT.min(old.len() - (last.old + last.removed));
        let (old_start, new_start) = (first.old - before, first.new - before);
        let old_len = last.old + last.removed + after - old_start;
        let new_len = last.new + last.added + after - new_start;
        writeln!(text, "@@ -{} +{} @@", range(old_start, old_len), range(new_start, new_len))
            .expect("a String takes every write");
        let mut at = old_start;
        for change in hunk {
            put(&mut text, ' ', &old[at..change.old]);
            put(&mut text, '-', &old[change.old..change.old + change.removed]);
            put(&mut text, '+', &new[change.new..change.new + change.added]);
            at = change.old + change.removed;
        }
        put(&mut text, ' ', &old[at..at + after]);
    }
    text
}

fn range(start: usize, len: usize) -> String {
    match len {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        _ => format!("{},{len}", start + 1),
    }
}

fn put(text: &mut String, mark: char, lines: &[String]) {
    for line in lines {
        text.push(mark);
        text.push_str(line);
    }
}

/// Changes with at most twice the context between them stand in one hunk.
fn hunks(changes: &[Change]) -> Vec<&[Change]> {
    let near = |a: &Change, b: &Change| b.old - (a.old + a.removed) <= 2 * CONTEXT;
    changes.chunk_by(near).collect()
}

/// The shortest way from one to the other, by longest common subsequence of what is between equal ends.
fn changes(old: &[String], new: &[String]) -> Vec<Change> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old_rest[..old_rest.len() - tail], &new_rest[..new_rest.len() - tail]);
    let width = b.len() + 1;
    let mut common = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let mut changes: Vec<Change> = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let (start_i, start_j) = (i, j);
        while (i < a.len() || j < b.len()) && !(i < a.len() && j < b.len() && a[i] == b[j]) {
            let remove =
                j == b.len() || (i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]);
            if remove { i += 1 } else { j += 1 }
        }
        changes.push(Change {
            old: head + start_i,
            removed: i - start_i,
            new: head + start_j,
            added: j - start_j,
        });
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.chars().map(|c| format!("{c}\n")).collect()
    }

    #[test]
    fn near_changes_share_a_hunk_and_far_ones_do_not() {
        assert_eq!(
            unified(&lines("abcdefgh"), &lines("abXdefYh")),
            "@@ -1,8 +1,8 @@\n a\n b\n-c\n+X\n d\n e\n f\n-g\n+Y\n h\n"
        );
        let far = unified(&lines("a123456789b"), &lines("A123456789B"));
        assert_eq!(far.matches("@@ -").count(), 2);
        assert_eq!(unified(&lines("abc"), &lines("abc")), "");
    }
}
