//! The bugs that are planted: `bugs.txt`, whose head says how it is written, and `codec.txt`.

use crate::tokens::{of_piece, without_last_commas};
use crate::{Result, root};

/// A bug.
pub struct Bug {
    /// The row of `docs/evidence/threats.md` that it belongs to, and a word if there are several.
    pub id: String,
    /// What it does.
    pub what: String,
    /// The fuzz target that has to find it, if it is not for the simulator.
    pub target: Option<String>,
    pub(crate) patches: Vec<Patch>,
}

/// A change of one function.
pub(crate) struct Patch {
    /// The end of the function's path.
    pub(crate) function: String,
    pub(crate) parts: Vec<Part>,
}

/// A piece of a patch.
#[derive(Debug, PartialEq)]
pub(crate) enum Part {
    /// A token that says where.
    Keep(String),
    /// A token that is taken out.
    Remove(String),
    /// A text that is put in.
    Insert(String),
}

impl Part {
    /// The token, if it stands in the source.
    pub(crate) fn token(&self) -> Option<&str> {
        match self {
            Part::Keep(token) | Part::Remove(token) => Some(token),
            Part::Insert(_) => None,
        }
    }
}

/// Stands in a patch for whether this run has the bug.
pub(crate) const PLANTED: &str = "PLANTED";

/// The bugs of `bugs.txt`.
pub fn all() -> Result<Vec<Bug>> {
    read(&std::fs::read_to_string(root().join("tools/mutation/bugs.txt"))?)
}

/// The bugs of `codec.txt`, each with its fuzz target.
pub fn of_codec() -> Result<Vec<Bug>> {
    let bugs = read(&std::fs::read_to_string(root().join("tools/mutation/codec.txt"))?)?;
    match bugs.iter().find(|bug| bug.target.is_none()) {
        Some(bug) => Err(format!("{}: by which target?", bug.id).into()),
        None => Ok(bugs),
    }
}

/// Reads bugs, and says what is wrong with one.
pub(crate) fn read(text: &str) -> Result<Vec<Bug>> {
    let mut bugs: Vec<Bug> = Vec::new();
    // What stands before the first bug is for people.
    let lines = text.lines().skip_while(|line| !line.starts_with("bug "));
    for line in lines.filter(|line| !line.trim().is_empty()) {
        if let Some(rest) = line.strip_prefix("bug ") {
            let (id, what) = rest.split_once(' ').ok_or_else(|| format!("{line}: what is it?"))?;
            if bugs.iter().any(|bug| bug.id == id) {
                return Err(format!("{id} is there twice").into());
            }
            let (id, what) = (id.to_owned(), what.to_owned());
            bugs.push(Bug { id, what, target: None, patches: Vec::new() });
            continue;
        }
        let bug = bugs.last_mut().expect("a bug comes first");
        if let Some(target) = line.strip_prefix("by ") {
            bug.target = Some(target.trim().to_owned());
            continue;
        }
        if let Some(function) = line.strip_prefix("in ") {
            let function = function.trim().to_owned();
            bug.patches.push(Patch { function, parts: Vec::new() });
            continue;
        }
        let patch =
            bug.patches.last_mut().ok_or_else(|| format!("{}: in which function?", bug.id))?;
        let parts = part(line).map_err(|error| format!("{}: {error}", bug.id))?;
        patch.parts.extend(parts);
    }
    for bug in &mut bugs {
        check(bug)?;
        for patch in &mut bug.patches {
            let parts = std::mem::take(&mut patch.parts);
            patch.parts = without_last_commas(parts, |part| part.token().unwrap_or_default());
        }
    }
    Ok(bugs)
}

/// A line of a patch.
fn part(line: &str) -> Result<Vec<Part>> {
    let (sign, rest) = line.split_at_checked(1).unwrap_or((line, ""));
    Ok(match sign {
        "+" => vec![Part::Insert(rest.to_owned())],
        "-" => of_piece(rest)?.into_iter().map(Part::Remove).collect(),
        " " => of_piece(rest)?.into_iter().map(Part::Keep).collect(),
        _ => return Err(format!("what is the line {line:?}?").into()),
    })
}

fn check(bug: &Bug) -> Result<()> {
    let parts = || bug.patches.iter().flat_map(|patch| &patch.parts);
    let is_switched =
        parts().any(|part| matches!(part, Part::Insert(text) if text.contains(PLANTED)));
    if !is_switched {
        return Err(format!("{}: {PLANTED} is nowhere", bug.id).into());
    }
    match bug.patches.iter().find(|patch| patch.parts.iter().all(|part| part.token().is_none())) {
        Some(patch) => Err(format!("{}: where in {}?", bug.id, patch.function).into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bug_is_an_id_a_sentence_and_patches() {
        let text =
            "Words.\n\nbug D1 it waits\nby frame\nin Hub::turn\n  if x\n+ && !PLANTED\n- (y,)\n";
        let bugs = read(text).unwrap();
        assert_eq!((bugs[0].id.as_str(), bugs[0].what.as_str()), ("D1", "it waits"));
        assert_eq!(bugs[0].target.as_deref(), Some("frame"));
        let remove = |token: &str| Part::Remove(token.to_owned());
        let keep = |token: &str| Part::Keep(token.to_owned());
        let insert = Part::Insert(" && !PLANTED".to_owned());
        let expected = [keep("if"), keep("x"), insert, remove("("), remove("y"), remove(")")];
        assert_eq!(bugs[0].patches[0].parts, expected);
    }

    #[test]
    fn bug_that_does_nothing_is_refused() {
        for (text, problem) in [
            ("\nbug D1 it waits\n", "D1: PLANTED is nowhere"),
            ("\nbug D1 it waits\nin f\n+ PLANTED\n", "D1: where in f?"),
            ("\nbug D1 it waits\n+ PLANTED\n", "D1: in which function?"),
            ("\nbug D1 it waits\nin f\nx\n", "D1: what is the line \"x\"?"),
            ("\nbug D1\n", "bug D1: what is it?"),
            ("\nbug D1 a\nin f\n  x\n+ PLANTED\nbug D1 b\n", "D1 is there twice"),
        ] {
            assert_eq!(read(text).err().map(|error| error.to_string()).as_deref(), Some(problem));
        }
    }
}
